//! Media that a post names by URL: what the approver saw is what the provider gets, from the gateway itself; and nobody
//! sends the gateway anywhere by a post.

use futures_util::future::join_all;
use http::{HeaderName, Method};
use sekisho::demo::client::{Reply, Tool};
use sekisho::demo::town::{DUTY_KEY, MANAGER_KEY};
use sekisho::domain::account::Observe;
use sekisho::domain::clock::{Clock as _, SystemClock};
use sekisho::domain::media::Sha256;
use sekisho::practice::fault::{Fault, Trouble, When};
use sekisho::practice::picture_of;
use serde_json::{Value, json};

use crate::act::{HEALTH, declare, post};
use crate::stage::{MEDIA, Town};

const INSTAGRAM: &str = "graph.instagram.com";
const PICTURE: &str = "https://www.city.example/kouhou/1.png";

async fn container(tool: &Tool, body: &Value) -> Reply {
    post(tool, INSTAGRAM, "/v26.0/17841/media", &[], body).await
}

fn with_picture(url: &str) -> Value {
    json!({ "image_url": url, "caption": HEALTH })
}

async fn approve(town: &Town, held: &Reply) {
    let path = format!("/api/v1/tickets/{}/approve", held.header("sekisho-ticket"));
    let reply = town.console(MANAGER_KEY, Method::POST, &path, Some(json!({}))).await;
    assert!(reply.status.is_success(), "{:?}", reply.json());
}

/// A request that is held, approved, and sent again; what the provider received of it, as JSON.
async fn approved(town: &Town, host: &str, path: &str, body: &Value) -> Value {
    let tool = town.nerima();
    let held = town.refuses("approval-missing", "nerima:11", post(&tool, host, path, &[], body)).await;
    approve(town, &held).await;
    let passed = post(&tool, host, path, &[], body).await;
    assert_eq!(passed.status, 200, "{:?}", passed.json());
    town.provider.requests().pop().unwrap().json().unwrap()
}

/// The bytes that a provider gets from the address it was given.
async fn fetched(town: &Town, url: &Value) -> Vec<u8> {
    let copy = town.copy(url.as_str().unwrap()).await;
    assert_eq!(copy.status, 200);
    copy.body.to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn instagram_fetches_the_very_picture_that_was_approved_from_the_gateway() {
    let town = Town::start().await;
    let tool = town.nerima();
    let received = approved(&town, INSTAGRAM, "/v26.0/17841/media", &with_picture(PICTURE)).await;
    let url = received["image_url"].as_str().unwrap();
    assert!(url.starts_with(&format!("{MEDIA}/media/")), "{url}");
    assert_eq!(received["caption"], HEALTH, "and nothing else of the post is another");

    // The page changes after the post left; what the provider gets later does not.
    town.provider.put_on_site("/kouhou/1.png", picture_of("something else"));
    let bytes = picture_of("/kouhou/1.png");
    assert_eq!(fetched(&town, &received["image_url"]).await, bytes);
    // Entry and outcome: the address is sealed, the hash is not.
    let entries = town.entries("nerima");
    let entry = entries.iter().find(|entry| entry["kind"] == "permit").expect("a permission");
    assert_eq!(entry["seen"], json!([Sha256::of(&bytes).hex()]), "{entry}");
    assert!(!entries.iter().any(|entry| entry.to_string().contains("kouhou/1.png")), "an entry shows no content");

    let made = town.provider.requests().len();
    let publish = json!({ "creation_id": town.entries("nerima").iter().rev().find_map(|entry| entry["published_id"].as_str().map(str::to_owned)).unwrap() });
    let published = post(&tool, INSTAGRAM, "/v26.0/17841/media_publish", &[], &publish).await;
    assert_eq!((published.status.as_u16(), town.received()), (200, made + 1), "{:?}", published.json());
    assert_eq!(town.provider.posts()[0].text, HEALTH);
}

#[tokio::test(flavor = "multi_thread")]
async fn nerima_3_list_4_media_that_changed_behind_their_url_after_the_approval_are_refused() {
    let town = Town::start().await;
    let tool = town.nerima();
    let held = town.refuses("approval-missing", "nerima:11", container(&tool, &with_picture(PICTURE))).await;
    approve(&town, &held).await;
    town.provider.put_on_site("/kouhou/1.png", picture_of("something else"));
    let changed = town.refuses("media-changed", "sekisho:media-by-url", container(&tool, &with_picture(PICTURE))).await;
    assert_ne!(changed.header("sekisho-ticket"), held.header("sekisho-ticket"), "it is another post");
    assert_eq!(town.received(), 0, "the provider got nothing");

    // Back as it was approved, it passes, once.
    town.provider.put_on_site("/kouhou/1.png", picture_of("/kouhou/1.png"));
    let passed = container(&tool, &with_picture(PICTURE)).await;
    assert_eq!(passed.status, 200, "{:?}", passed.json());
    town.refuses("approval-missing", "nerima:11", container(&tool, &with_picture(PICTURE))).await;
    // After a restart nobody remembers what stood there, and the digest binds it all the same.
    let held = town.refuses("approval-missing", "nerima:11", container(&tool, &with_picture(PICTURE))).await;
    approve(&town, &held).await;
    let town = town.restart().await;
    town.provider.put_on_site("/kouhou/1.png", picture_of("a third"));
    town.refuses("approval-missing", "nerima:11", container(&town.nerima(), &with_picture(PICTURE))).await;
    assert_eq!(town.received(), 1);
}

/// Two tools with the same pictures, as a town has that posts to two networks: files of one come and go while another's
/// are counted. A post was once refused for want of room because of it.
#[tokio::test(flavor = "multi_thread")]
async fn posts_by_url_that_come_together_do_not_get_in_each_others_way() {
    const TOGETHER: usize = 16;
    let town = Town::start().await;
    let tool = town.nerima();
    let bodies: Vec<Value> = (0..TOGETHER)
        .map(|n| json!({ "image_url": format!("https://www.city.example/kouhou/{}.png", n / 2), "caption": format!("{HEALTH} {n}") }))
        .collect();
    let held = join_all(bodies.iter().map(|body| container(&tool, body))).await;
    let codes: Vec<Value> = town.entries("nerima").iter().map(|entry| entry["code"].clone()).collect();
    assert_eq!(codes, vec![json!("approval-missing"); TOGETHER], "each waits for its approval, and for nothing else");
    assert_eq!((held.len(), town.received()), (TOGETHER, 0), "the provider got nothing");
    for reply in &held {
        approve(&town, reply).await;
    }

    let passed = join_all(bodies.iter().map(|body| container(&tool, body))).await;
    assert!(passed.iter().all(|reply| reply.status == 200), "{:?}", passed.iter().map(Reply::json).collect::<Vec<_>>());
    let received: Vec<Value> = town.provider.requests().iter().map(|request| request.json().unwrap()).collect();
    assert_eq!(received.len(), TOGETHER, "each once");
    for body in &bodies {
        let sent = received.iter().find(|sent| sent["caption"] == body["caption"]).expect("what was approved");
        let place = body["image_url"].as_str().unwrap().strip_prefix("https://www.city.example").unwrap();
        assert_eq!(fetched(&town, &sent["image_url"]).await, picture_of(place), "{sent}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_sends_the_gateway_nowhere_but_to_public_addresses() {
    let town = Town::start().await;
    let tool = town.nerima();
    let away = |to: &str| format!("https://www.city.example/away?to={}", to.replace(':', "%3A"));
    let cases = [
        ("https://127.0.0.1/a.png".to_owned(), "media-url-private"),
        // A provider's API: an address alone may publish there, past the gate.
        ("https://graph.threads.net/me/threads?method=post&text=a&access_token=t".to_owned(), "media-url-host"),
        ("https://GRAPH.facebook.com./1001/feed?method=post&message=a&access_token=t".to_owned(), "media-url-host"),
        (away("https://api.line.me/v2/bot/message/broadcast"), "media-url-host"),
        ("https://localhost/a.png".to_owned(), "media-url-private"),
        ("https://169.254.169.254/latest/meta-data/".to_owned(), "media-url-private"),
        ("https://10.0.0.5/a.png".to_owned(), "media-url-private"),
        ("https://2130706433/a.png".to_owned(), "media-url-private"),
        ("https://0x7f.1/a.png".to_owned(), "media-url-private"),
        ("https://[::ffff:10.0.0.1]/a.png".to_owned(), "media-url-private"),
        ("https://[64:ff9b::a00:1]/a.png".to_owned(), "media-url-private"),
        ("https://intranet/a.png".to_owned(), "media-url-private"),
        ("http://www.city.example/a.png".to_owned(), "media-url-form"),
        ("https://www.city.example:8443/a.png".to_owned(), "media-url-form"),
        ("https://user:word@www.city.example/a.png".to_owned(), "media-url-form"),
        ("file:///etc/passwd".to_owned(), "media-url-form"),
        ("kouhou/1.png".to_owned(), "media-url-form"),
        (away("https://127.0.0.1/a.png"), "media-url-private"),
        (away("https://169.254.169.254/"), "media-url-private"),
        (away("http://www.city.example/a.png"), "media-url-form"),
        (away("//10.0.0.1/a.png"), "media-url-private"),
        ("https://www.city.example/round".to_owned(), "media-url-redirects"),
    ];
    for (url, code) in &cases {
        let visits = town.provider.site_visits().len();
        town.refuses(code, "sekisho:media-by-url", container(&tool, &with_picture(url))).await;
        assert!(
            url.contains("away") || url.ends_with("round") || town.provider.site_visits().len() == visits,
            "{url} was called"
        );
    }
    assert_eq!(town.received(), 0);
    // A redirect within the public internet is followed.
    let held = container(&tool, &with_picture(&away("/kouhou/1.png"))).await;
    assert_eq!(held.header("sekisho-decision"), "held", "{:?}", held.json());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_too_slow_not_there_or_no_picture_is_refused() {
    let town = Town::start_with(|config| {
        config.media.fetch_bytes = 100_000;
        config.media.fetch_ms = 1_500;
    })
    .await;
    let tool = town.nerima();
    let html = Trouble::Answer { status: 200, content_type: "text/html".to_owned(), body: "<html>".to_owned() };
    let liar = Trouble::Answer { status: 200, content_type: "image/png".to_owned(), body: "<svg onload=x>".to_owned() };
    let gone = Trouble::Answer { status: 404, content_type: "image/png".to_owned(), body: String::new() };
    let cases = [
        (Trouble::Huge { bytes: 100_001 }, "media-url-not-media"),
        (Trouble::Hang, "media-url-slow"),
        (Trouble::Slow { pause_ms: 200 }, "media-url-slow"),
        (Trouble::Truncated, "media-url-unreachable"),
        (Trouble::Close, "media-url-unreachable"),
        (html, "media-url-not-media"),
        (liar, "media-url-not-media"),
        (gone, "media-url-unreachable"),
    ];
    for (trouble, code) in cases {
        let when = if matches!(trouble, Trouble::Hang | Trouble::Close) { When::AfterBody } else { When::AfterEffect };
        town.provider.order(Fault::next(when, trouble).on("GET", "/kouhou/1.png"));
        let refused = refused_late(&town, code, container(&tool, &with_picture(PICTURE))).await;
        assert!(
            refused.json()["error"]["message"].as_str().is_some_and(|text| text.contains("URL")),
            "{:?}",
            refused.json()
        );
    }
    town.provider.put_on_site("/kouhou/1.png", [picture_of("x"), vec![0; 100_000]].concat());
    refused_late(&town, "media-url-too-large", container(&tool, &with_picture(PICTURE))).await;
    assert_eq!(town.received(), 0);
    let left = std::fs::read_dir(&town.config.media.dir).unwrap().count();
    assert_eq!(left, 0, "nothing of what was refused is left on the disk");
}

/// A refusal of any status, and no provider received anything for it.
async fn refused_late(town: &Town, code: &str, send: impl Future<Output = Reply>) -> Reply {
    let received = town.received();
    let reply = send.await;
    assert_eq!(reply.header("sekisho-decision"), "refused", "{code}: {:?}", reply.json());
    assert_eq!(town.last_entry()["code"], code, "{}", town.last_entry());
    assert_eq!(town.received(), received);
    reply
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_public_address_a_post_by_url_is_refused_and_nothing_is_fetched() {
    let private = |config: &mut sekisho::config::Config| {
        config.media.public_url = None;
        config.media.listen = None;
    };
    let town = Town::start_with(private).await;
    let tool = town.nerima();
    let refused = town.refuses("media-by-url", "sekisho:media-by-url", container(&tool, &with_picture(PICTURE))).await;
    assert!(refused.json().to_string().contains("public_url"), "{:?}", refused.json());
    let part = json!({ "image_url": PICTURE, "is_carousel_item": true });
    town.refuses("media-by-url", "sekisho:media-by-url", container(&tool, &part)).await;
    declare(&town, &["nerima-instagram"], 3_600, false).await;
    let body = with_picture(PICTURE);
    let urgent = emergency(&tool, "instagram/v26.0/17841/media", &body);
    town.refuses("media-by-url", "sekisho:media-by-url", urgent).await;
    assert_eq!((town.received(), town.provider.site_visits().len()), (0, 0));

    // An account that is only observed goes on as before, and its entry says what would have refused it.
    let town = Town::start_with(|config| {
        private(config);
        let account = config.accounts.iter_mut().find(|account| account.id.as_str() == "nerima-instagram").unwrap();
        let today = sekisho::domain::clock::in_japan(SystemClock.now()).date();
        account.observe = Some(Observe { from: today.yesterday().unwrap(), until: today.tomorrow().unwrap() });
    })
    .await;
    let passed = container(&town.nerima(), &with_picture(PICTURE)).await;
    assert_eq!(passed.status, 200, "{:?}", passed.json());
    assert_eq!(town.provider.requests()[0].json().unwrap()["image_url"], PICTURE);
    assert!(town.entries("nerima").iter().any(|entry| entry["would_refuse"].is_object()));
}

async fn emergency(tool: &Tool, path: &str, body: &Value) -> Reply {
    tool.send_reverse(Method::POST, &format!("/emergency/{path}"), Some(body.to_string())).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn in_an_emergency_a_picture_by_url_goes_out_as_it_was_seen_and_an_unseen_one_does_not() {
    let town = Town::start().await;
    let tool = town.nerima();
    let words = "【緊急】石神井川が氾濫しました。高台へ避難してください。";
    let declared = declare(&town, &["nerima-instagram", "nerima-line"], 3_600, false).await;
    let body = json!({ "image_url": PICTURE, "caption": words });
    let sent = emergency(&tool, "instagram/v26.0/17841/media", &body).await;
    assert_eq!(sent.status, 200, "{:?}", sent.json());
    let received = town.provider.requests().pop().unwrap().json().unwrap();
    assert_eq!(fetched(&town, &received["image_url"]).await, picture_of("/kouhou/1.png"));
    // The picture of another page in an emergency: the gateway looks there, too.
    let inside = json!({ "image_url": "https://10.0.0.1/a.png", "caption": words });
    let refused = emergency(&tool, "instagram/v26.0/17841/media", &inside);
    town.refuses("media-url-private", "sekisho:media-by-url", refused).await;
    // LINE: an imagemap names five pictures by one address, and none of them can be swapped.
    let map = json!({ "messages": [{
        "type": "imagemap", "baseUrl": "https://www.city.example/map", "altText": words,
        "baseSize": { "width": 1040, "height": 1040 }, "actions": [],
    }] });
    let refused = emergency(&tool, "line/v2/bot/message/broadcast", &map);
    town.refuses("media-url-hidden", "sekisho:media-by-url", refused).await;
    let picture = json!({ "messages": [{ "type": "text", "text": words }, {
        "type": "image", "originalContentUrl": PICTURE, "previewImageUrl": PICTURE,
    }] });
    let sent = emergency(&tool, "line/v2/bot/message/broadcast", &picture).await;
    assert_eq!(sent.status, 200, "{:?}", sent.json());
    assert_eq!(town.received(), 2);
    let path = format!("/api/v1/emergencies/{declared}/end");
    assert!(town.console(DUTY_KEY, Method::POST, &path, Some(json!({}))).await.status.is_success());
}

#[tokio::test(flavor = "multi_thread")]
async fn line_threads_and_facebook_get_the_gateways_own_copies_at_every_depth() {
    let town = Town::start().await;
    let flex = json!({ "messages": [
        { "type": "image", "originalContentUrl": PICTURE, "previewImageUrl": "https://www.city.example/kouhou/small.png" },
        { "type": "flex", "altText": "健康相談会", "contents": { "type": "bubble",
            "hero": { "type": "image", "url": "https://www.city.example/kouhou/hero.png",
                "action": { "type": "uri", "label": "くわしく", "uri": "https://www.city.nerima.tokyo.jp/" } },
            "body": { "type": "box", "layout": "vertical", "contents": [{ "type": "text", "text": HEALTH }] } } },
    ] });
    let received = approved(&town, "api.line.me", "/v2/bot/message/broadcast", &flex).await;
    let shown = |at: &str, path: &'static str| (received.pointer(at).unwrap().clone(), picture_of(path));
    for (url, bytes) in [
        shown("/messages/0/originalContentUrl", "/kouhou/1.png"),
        shown("/messages/0/previewImageUrl", "/kouhou/small.png"),
        shown("/messages/1/contents/hero/url", "/kouhou/hero.png"),
    ] {
        assert_eq!(fetched(&town, &url).await, bytes, "{url}");
    }
    let link = received.pointer("/messages/1/contents/hero/action/uri").unwrap();
    assert_eq!(link, "https://www.city.nerima.tokyo.jp/", "a link is no medium");

    let thread = json!({ "media_type": "IMAGE", "image_url": PICTURE, "text": HEALTH });
    let received = approved(&town, "graph.threads.net", "/v1.0/me/threads", &thread).await;
    assert_eq!(fetched(&town, &received["image_url"]).await, picture_of("/kouhou/1.png"));
    let photo = json!({ "url": PICTURE, "message": HEALTH });
    let received = approved(&town, "graph.facebook.com", "/v26.0/1001/photos", &photo).await;
    assert_eq!(fetched(&town, &received["url"]).await, picture_of("/kouhou/1.png"));
    assert_eq!(received["url"].as_str().unwrap().matches("/media/").count(), 1);
}

/// What a provider fetches from within a text, or made itself, is no medium that anybody here saw.
#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_here_can_look_at_or_swap_is_refused() {
    let town = Town::start().await;
    let tool = town.nerima();
    let person = json!({ "id": "1" });
    let picture = |payload: Value| json!({ "type": "image", "payload": payload });
    let attached = json!({ "attachment": picture(json!({ "url": PICTURE })) });
    let several = json!({ "attachments": [picture(json!({ "url": PICTURE }))] });
    let uploaded = json!({ "attachment": picture(json!({ "attachment_id": "1" })) });
    let card = json!({ "title": HEALTH, "image_url": PICTURE });
    let cards =
        json!({ "attachment": { "type": "template", "payload": { "template_type": "generic", "elements": [card] } } });
    let reply = json!({ "content_type": "text", "title": "はい", "payload": "y", "image_url": PICTURE });
    let replies = json!({ "text": HEALTH, "quick_replies": [reply] });
    for message in [attached, several, uploaded, cards, replies] {
        // As JSON, and as a text that is JSON.
        for message in [message.clone(), json!(message.to_string())] {
            let body = json!({ "recipient": person, "message": message });
            for (host, path) in [("graph.facebook.com", "/v26.0/1001/messages"), (INSTAGRAM, "/v26.0/17841/messages")] {
                let send = post(&tool, host, path, &[], &body);
                town.refuses("media-url-hidden", "sekisho:media-by-url", send).await;
            }
        }
    }
    let linked = json!([{ "link": "https://www.city.nerima.tokyo.jp/", "name": "案内", "picture": PICTURE }]);
    for children in [linked.clone(), json!(linked.to_string())] {
        let body = json!({ "message": HEALTH, "child_attachments": children });
        let send = post(&tool, "graph.facebook.com", "/v26.0/1001/feed", &[], &body);
        town.refuses("media-url-hidden", "sekisho:media-by-url", send).await;
    }
    assert_eq!(town.received(), 0);
    // The picture of a link preview is a medium like others: seen, bound, and the gateway's own.
    let preview = json!({ "message": HEALTH, "link": "https://www.city.nerima.tokyo.jp/", "picture": PICTURE });
    let received = approved(&town, "graph.facebook.com", "/v26.0/1001/feed", &preview).await;
    assert_eq!(fetched(&town, &received["picture"]).await, picture_of("/kouhou/1.png"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_port_of_the_copies_shows_them_whole_or_in_part_and_nothing_else() {
    let town = Town::start().await;
    let received = approved(&town, INSTAGRAM, "/v26.0/17841/media", &with_picture(PICTURE)).await;
    let path = received["image_url"].as_str().unwrap().strip_prefix(MEDIA).unwrap().to_owned();
    let bytes = picture_of("/kouhou/1.png");

    let whole = town.shown(Method::GET, &path, &[]).await;
    assert_eq!((whole.header("content-type"), whole.header("x-content-type-options")), ("image/png", "nosniff"));
    assert!(
        whole.header("cache-control").contains("immutable")
            && whole.headers.get(HeaderName::from_static("server")).is_none()
    );
    let head = town.shown(Method::HEAD, &path, &[]).await;
    assert_eq!(
        (head.status.as_u16(), head.header("content-length"), head.body.len()),
        (200, &*bytes.len().to_string(), 0)
    );
    let part = town.shown(Method::GET, &path, &[("range", "bytes=1-3")]).await;
    assert_eq!((part.status.as_u16(), &part.body[..]), (206, &bytes[1..4]));
    assert_eq!(part.header("content-range"), format!("bytes 1-3/{}", bytes.len()));
    let beyond = town.shown(Method::GET, &path, &[("range", "bytes=9999-")]).await;
    assert_eq!(beyond.status, 416);

    let hash = format!("/media/{}.png", Sha256::of(&bytes).hex());
    for other in [
        "/",
        "/media/",
        "/media",
        &hash,
        "/media/../media.key",
        "/media/..%2fmedia.key",
        "/api/v1/tickets",
        "/x/2/tweets",
    ] {
        assert_eq!(town.shown(Method::GET, other, &[]).await.status, 404, "{other}");
    }
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::CONNECT] {
        let answer =
            town.shown(method.clone(), if method == Method::CONNECT { "api.x.com:443" } else { &path }, &[]).await;
        assert_eq!(answer.status, 405, "{method}");
    }
    // It outlives a restart, and not its time.
    let town = town.restart().await;
    assert_eq!(town.shown(Method::GET, &path, &[]).await.status, 200);
    town.clock.forward(jiff::SignedDuration::from_hours(i64::from(town.config.media.keep_hours)));
    assert_eq!(town.shown(Method::GET, &path, &[]).await.status, 404);
}
