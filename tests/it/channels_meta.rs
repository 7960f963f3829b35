//! Threads and Instagram: a post is made in one request and published by another. What was approved at the first is what
//! the second publishes, once, and nothing else is published at all.

mod batch;
mod facebook;
mod films;
mod joined;

use http::{Method, Request};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use jiff::SignedDuration;
use sekisho::demo::client::{Reply, Tool};
use sekisho::demo::town;
use sekisho::practice::fault::{Fault, Trouble, When};
use serde_json::json;

use crate::act::{HEALTH, declare, entry_of, outcomes};
use crate::stage::Town;

const THREADS: &str = "graph.threads.net";
const INSTAGRAM: &str = "graph.instagram.com";
const FORM: &str = "application/x-www-form-urlencoded";
const PICTURE: &str = "https://www.city.example/kouhou/1.jpg";

/// A request as posting tools of Graph send it.
pub async fn graph(tool: &Tool, method: Method, host: &str, target: &str, body: Option<(&str, String)>) -> Reply {
    let request = Request::builder().method(method).header("authorization", "Bearer practice-credential");
    sent(tool, request, host, target, body).await
}

/// A request with a body and whatever headers it has.
async fn sent(
    tool: &Tool,
    request: http::request::Builder,
    host: &str,
    target: &str,
    body: Option<(&str, String)>,
) -> Reply {
    let stream = tool.connect(host).await.unwrap();
    let mut request = request.uri(target).header("host", host);
    if let Some((content_type, _)) = &body {
        request = request.header("content-type", *content_type);
    }
    let body: Full<bytes::Bytes> = Full::from(body.map(|(_, body)| body).unwrap_or_default());
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    let driver = tokio::spawn(connection);
    let (parts, body) = sender.send_request(request.body(body).unwrap()).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    driver.abort();
    Reply { status: parts.status, headers: parts.headers, body }
}

/// A form, sent by POST.
async fn form(tool: &Tool, host: &str, target: &str, pairs: &[(&str, &str)]) -> Reply {
    graph(tool, Method::POST, host, target, Some((FORM, written(pairs)))).await
}

fn written(pairs: &[(&str, &str)]) -> String {
    let encode =
        |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
    pairs
        .iter()
        .map(|(key, value)| format!("{}={}", encode(key).replace("%5F", "_"), encode(value)))
        .collect::<Vec<_>>()
        .join("&")
}

/// The manager approves what is held under this reply's ticket.
async fn approve(town: &Town, held: &Reply) {
    let path = format!("/api/v1/tickets/{}/approve", held.header("sekisho-ticket"));
    let yes = json!({ "remarks": crate::channels::remarks() });
    let reply = town.console(town::MANAGER_KEY, Method::POST, &path, Some(yes)).await;
    assert!(reply.status.is_success(), "{:?}", reply.json());
}

fn id(reply: &Reply) -> String {
    assert_eq!(reply.status, 200, "{:?}", reply.json());
    reply.json()["id"].as_str().unwrap_or_else(|| panic!("{:?}", reply.json())).to_owned()
}

/// A container that somebody approved; its id and the entry that let it pass.
async fn container(town: &Town, host: &str, target: &str, pairs: &[(&str, &str)]) -> (String, u64) {
    let tool = town.nerima();
    let held = town.refuses("approval-missing", "nerima:11", form(&tool, host, target, pairs)).await;
    approve(town, &held).await;
    let made = form(&tool, host, target, pairs).await;
    (id(&made), entry_of(&made))
}

async fn text_container(town: &Town) -> (String, u64) {
    container(town, THREADS, "/v1.0/me/threads", &[("media_type", "TEXT"), ("text", HEALTH)]).await
}

async fn publish(tool: &Tool, id: &str) -> Reply {
    form(tool, THREADS, "/v1.0/me/threads_publish", &[("creation_id", id)]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thread_is_approved_when_it_is_made_and_published_once() {
    let town = Town::start().await;
    let tool = town.nerima();
    let (made, entry) = text_container(&town).await;
    assert_eq!(town.provider.posts().len(), 0, "a container is no post");

    let published = publish(&tool, &made).await;
    let post = id(&published);
    let posts = town.provider.posts();
    assert_eq!((posts.len(), posts[0].text.as_str(), posts[0].id.as_str()), (1, HEALTH, post.as_str()));
    let entries = town.entries("nerima");
    let (first, second) =
        (&entries[usize::try_from(entry).unwrap()], &entries[usize::try_from(entry_of(&published)).unwrap()]);
    assert_eq!((&first["kind"], &second["kind"]), (&json!("permit"), &json!("permit")));
    assert_eq!((&second["follows"], &second["digest"]), (&json!(entry), &first["digest"]));
    assert!(first["approval"].is_string() && second["approval"].is_null(), "one approval, spent once: {second}");
    assert_eq!(second["clauses"], json!(["sekisho:container"]));

    town.refuses("container-published", "sekisho:container", publish(&tool, &made)).await;
    // The approval is spent: the same words in a new container are held.
    let again = form(&tool, THREADS, "/v1.0/me/threads", &[("media_type", "TEXT"), ("text", HEALTH)]);
    town.refuses("approval-missing", "nerima:11", again).await;
    assert_eq!(town.provider.posts().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_the_gateway_never_saw_is_not_published() {
    let town = Town::start().await;
    let tool = town.nerima();
    let targets =
        ["/v1.0/me/threads_publish", "/me/threads_publish?creation_id=17900000000000101", "/1/threads_publish/"];
    for target in targets {
        let pairs: &[_] = if target.contains('?') { &[] } else { &[("creation_id", "17900000000000101")] };
        town.refuses("unknown-container", "sekisho:container", form(&tool, THREADS, target, pairs)).await;
    }
    let json = Some(("application/json", json!({ "creation_id": "17900000000000101" }).to_string()));
    let send = graph(&tool, Method::POST, INSTAGRAM, "/v26.0/17841/media_publish", json);
    town.refuses("unknown-container", "sekisho:container", send).await;
    let hidden = graph(&tool, Method::GET, THREADS, "/me/threads_publish?method=post&creation_id=1", None);
    town.refuses("unknown-container", "sekisho:container", hidden).await;
    assert_eq!(town.received(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_added_between_the_steps() {
    let town = Town::start().await;
    let tool = town.nerima();
    let (made, _) = text_container(&town).await;
    let additions = [("crossreshare_to_ig", "true"), ("text", "別の文"), ("reply_to_id", "1"), ("children", "2,3")];
    for (name, value) in additions {
        let pairs = [("creation_id", made.as_str()), (name, value)];
        let send = form(&tool, THREADS, "/me/threads_publish", &pairs);
        town.refuses("container-changed", "sekisho:container", send).await;
    }
    // Two ids are not one.
    let target = format!("/me/threads_publish?creation_id={made}");
    let send = form(&tool, THREADS, &target, &[("creation_id", "17900000000000101")]);
    town.refuses("field-twice", "sekisho:promise-3", send).await;
    assert_eq!(town.provider.posts().len(), 0);
    id(&publish(&tool, &made).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_of_another_account_is_not_published_and_not_shown() {
    let town = Town::start_with(|config| {
        let mut other = config.accounts.iter().find(|it| it.id.as_str() == "nerima-threads").unwrap().clone();
        other.id = sekisho::domain::account::AccountId::new("nerima-threads-2");
        config.accounts.push(other.clone());
        let mut client = config.clients[0].clone();
        client.id = sekisho::domain::person::ClientId::new("second-tool");
        client.key_sha256 = town::key_hash("second-key");
        client.accounts = vec![other.id];
        config.clients.push(client);
    })
    .await;
    let (made, _) = text_container(&town).await;
    let second = town.tool("second-key");
    town.refuses("foreign-container", "sekisho:container", publish(&second, &made)).await;
    let part = id(&form(&town.nerima(), THREADS, "/me/threads", &part_of(PICTURE)).await);
    let pairs = [("media_type", "CAROUSEL"), ("text", HEALTH), ("children", &*format!("{part},{part}"))];
    town.refuses("foreign-container", "sekisho:promise-3", form(&second, THREADS, "/me/threads", &pairs)).await;
    assert_eq!(town.provider.posts().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_between_the_steps_loses_nothing() {
    let town = Town::start().await;
    let (made, entry) = text_container(&town).await;
    let town = town.restart().await;
    let published = publish(&town.nerima(), &made).await;
    id(&published);
    assert_eq!(town.last_entry()["of"], json!(entry_of(&published)));
    let town = town.restart().await;
    town.refuses("container-published", "sekisho:container", publish(&town.nerima(), &made)).await;
    assert_eq!((town.provider.posts().len(), entry > 0), (1, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_is_as_good_as_its_approval() {
    let town = Town::start().await;
    let tool = town.nerima();
    let (made, entry) = text_container(&town).await;
    let approval = town.entries("nerima")[usize::try_from(entry).unwrap()]["approval"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/approvals/{approval}/revoke");
    let revoked = town.console(town::MANAGER_KEY, Method::POST, &path, Some(json!({}))).await;
    assert!(revoked.status.is_success(), "{:?}", revoked.json());
    town.refuses("approval-revoked", "sekisho:promise-2", publish(&tool, &made)).await;

    let (late, _) =
        container(&town, THREADS, "/me/threads", &[("media_type", "TEXT"), ("text", "明日は休館日です。")]).await;
    town.clock.forward(SignedDuration::from_hours(25));
    town.refuses("container-expired", "sekisho:container", publish(&tool, &late)).await;
    assert_eq!(town.provider.posts().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publication_that_the_provider_refused_may_be_tried_again_and_one_of_unknown_end_may_not() {
    let town = Town::start_with(|config| {
        config.forward.answer_ms = 700;
        config.forward.total_ms = 2_500;
    })
    .await;
    let tool = town.nerima();
    let pairs = [("media_type", "VIDEO"), ("video_url", "https://www.city.example/1.mp4"), ("text", HEALTH)];
    let (made, _) = container(&town, THREADS, "/me/threads", &pairs).await;
    let early = publish(&tool, &made).await;
    assert_eq!(early.json()["error"]["error_subcode"], 2_207_027, "{:?}", early.json());
    assert_eq!(outcomes(&town, entry_of(&early))[0]["outcome"], "refused-by-provider");
    let state = graph(&tool, Method::GET, THREADS, &format!("/{made}?fields=status"), None).await;
    assert_eq!(state.json()["status"], "IN_PROGRESS");
    town.clock.forward(SignedDuration::from_secs(2));
    town.provider.order(Fault::next(When::AfterEffect, Trouble::Hang).on("POST", "/v1.0/me/threads_publish"));
    let lost = publish(&tool, &made).await;
    assert_eq!(outcomes(&town, entry_of(&lost))[0]["outcome"], "unknown");
    town.refuses("container-published", "sekisho:container", publish(&tool, &made)).await;
    assert_eq!(town.provider.posts().len(), 1, "it was public all the same, once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_publishes_itself_is_judged_as_what_it_does() {
    let town = Town::start().await;
    let tool = town.nerima();
    let pairs = [("media_type", "TEXT"), ("text", HEALTH), ("auto_publish_text", "true")];
    let held = town.refuses("approval-missing", "nerima:11", form(&tool, THREADS, "/me/threads", &pairs)).await;
    assert_eq!(town.last_entry()["action"], "publish");
    approve(&town, &held).await;
    // Approved with the flag is not approved without it, and the other way round.
    town.refuses("approval-missing", "nerima:11", form(&tool, THREADS, "/me/threads", &pairs[..2])).await;
    let post = id(&form(&tool, THREADS, "/me/threads", &pairs).await);
    assert_eq!(town.provider.posts().len(), 1);
    // What it answered is a post, not a container.
    town.refuses("unknown-container", "sekisho:container", publish(&tool, &post)).await;
}

/// What publishes itself is a post, whatever else it calls itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_publishes_itself_is_no_part_of_a_carousel() {
    let town = Town::start().await;
    let pairs = [("media_type", "TEXT"), ("text", HEALTH), ("is_carousel_item", "true"), ("auto_publish_text", "true")];
    town.refuses("approval-missing", "nerima:11", form(&town.nerima(), THREADS, "/me/threads", &pairs)).await;
    assert_eq!((town.received(), &town.last_entry()["action"]), (0, &json!("publish")));
}

fn part_of(url: &str) -> [(&str, &str); 4] {
    [("media_type", "IMAGE"), ("image_url", url), ("is_carousel_item", "true"), ("alt_text", "会場の写真")]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_carousel_is_judged_with_everything_that_its_parts_show() {
    let town = Town::start().await;
    let tool = town.nerima();
    let mut parts = Vec::new();
    for url in [PICTURE, "https://www.city.example/kouhou/2.jpg"] {
        // A part shows nothing by itself and needs no approval; and it cannot be published by itself.
        let made = id(&form(&tool, THREADS, "/me/threads", &part_of(url)).await);
        town.refuses("container-part", "sekisho:container", publish(&tool, &made)).await;
        parts.push(made);
    }
    let carousel = |children: String| {
        let tool = tool.clone();
        async move {
            let pairs = [("media_type", "CAROUSEL"), ("text", HEALTH), ("children", children.as_str())];
            form(&tool, THREADS, "/me/threads", &pairs).await
        }
    };
    let held = town.refuses("approval-missing", "nerima:11", carousel(parts.join(","))).await;
    let ticket = town
        .console(town::MANAGER_KEY, Method::GET, &format!("/api/v1/tickets/{}", held.header("sekisho-ticket")), None)
        .await;
    let shown = String::from_utf8_lossy(&ticket.body).into_owned();
    assert!(shown.contains("kouhou/2.jpg") && shown.contains("会場の写真"), "the approver sees the parts: {shown}");
    approve(&town, &held).await;

    // The same parts in another order, and another part in place of one: another post.
    let turned = format!("{},{}", parts[1], parts[0]);
    town.refuses("approval-missing", "nerima:11", carousel(turned)).await;
    let other = id(&form(&tool, THREADS, "/me/threads", &part_of("https://www.city.example/kouhou/9.jpg")).await);
    town.refuses("approval-missing", "nerima:11", carousel(format!("{},{other}", parts[0]))).await;
    // A list in JSON is the same list; only the form of the field differs, and with it the digest.
    let whole = id(&carousel(parts.join(",")).await);
    id(&publish(&tool, &whole).await);
    let posts = town.provider.posts();
    assert_eq!((posts.len(), &posts[0].body["children"]), (1, &json!(parts.join(","))));
}

#[tokio::test(flavor = "multi_thread")]
async fn nagano_4_9_a_shortener_in_the_part_of_a_carousel_stops_the_whole() {
    let town = Town::start().await;
    let tool = town.nerima();
    // The part passes as an upload only if nothing is wrong with it; an alternative text is published text.
    let pairs = [
        ("media_type", "IMAGE"),
        ("image_url", PICTURE),
        ("is_carousel_item", "1"),
        ("alt_text", "詳細は https://bit.ly/3abc"),
    ];
    let (received, entries) = (town.received(), town.entries("nerima").len());
    let reply = form(&tool, THREADS, "/me/threads", &pairs).await;
    assert_eq!(reply.header("sekisho-decision"), "refused", "{:?}", reply.json());
    assert_eq!((town.received(), town.entries("nerima").len()), (received, entries + 1));
    assert_eq!(town.last_entry()["code"], "shortened-link", "{}", town.last_entry());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emergency_post_in_two_steps_is_reported_once_and_stops_with_the_declaration() {
    let town = Town::start().await;
    let tool = town.nerima();
    let id_of = declare(&town, &["nerima-threads"], 3_600, false).await;
    let words = "【緊急】石神井川が氾濫しました。高台へ避難してください。";
    let make = |text: String| {
        let tool = tool.clone();
        async move {
            let body = json!({ "media_type": "TEXT", "text": text }).to_string();
            tool.send_reverse(Method::POST, "/emergency/threads/v1.0/me/threads", Some(body)).await.unwrap()
        }
    };
    let (first, second) = (id(&make(words.to_owned()).await), id(&make(format!("{words}（第2報）")).await));
    id(&publish(&tool, &first).await);
    let ended =
        town.console(town::DUTY_KEY, Method::POST, &format!("/api/v1/emergencies/{id_of}/end"), Some(json!({}))).await;
    assert!(ended.status.is_success(), "{:?}", ended.json());
    town.refuses("emergency-ended", "sekisho:emergency", publish(&tool, &second)).await;
    assert_eq!(town.provider.posts().len(), 1);
    let reports = town.entries("nerima").iter().filter(|entry| entry["after_report"].is_object()).count();
    assert_eq!(reports, 2, "one for each container that was let pass, none for its publication");
}

#[tokio::test(flavor = "multi_thread")]
async fn instagram_a_reel_by_json_and_its_comments() {
    let town = Town::start().await;
    let tool = town.nerima();
    let reel = json!({
        "media_type": "REELS", "video_url": "https://www.city.example/1.mp4", "caption": HEALTH, "share_to_feed": true,
        "collaborators": ["nerima_lib"],
    });
    let make = |body: &serde_json::Value| {
        let body = Some(("application/json", body.to_string()));
        let tool = tool.clone();
        async move { graph(&tool, Method::POST, INSTAGRAM, "/v26.0/17841/media", body).await }
    };
    let held = town.refuses("approval-missing", "nerima:11", make(&reel)).await;
    approve(&town, &held).await;
    let made = id(&make(&reel).await);
    town.clock.forward(SignedDuration::from_secs(2));
    let state = graph(&tool, Method::GET, INSTAGRAM, &format!("/v26.0/{made}?fields=status_code"), None).await;
    assert_eq!(state.json()["status_code"], "FINISHED");
    assert!(state.header("x-app-usage").contains("call_count"), "limits of the provider reach the tool");
    let target = format!("/v26.0/17841/media_publish?creation_id={made}");
    let post = id(&graph(&tool, Method::POST, INSTAGRAM, &target, None).await);
    assert_eq!(town.provider.posts()[0].text, HEALTH);

    // A film that comes later is promised, since nobody could see it at the approval.
    let later = json!({ "media_type": "REELS", "upload_type": "resumable", "caption": HEALTH });
    town.refuses("media-unseen", "sekisho:promise-2", make(&later)).await;
    // 練馬 第14条: no replies to others.
    let comment = format!("/v26.0/{post}99/comments?message=a");
    let reply = graph(&tool, Method::POST, INSTAGRAM, &comment, None);
    town.refuses("individual-reply", "nerima:14", reply).await;
    // A delete by POST is a delete.
    let delete = format!("/v26.0/{post}?method=delete");
    let held =
        town.refuses("approval-missing", "nerima:11", graph(&tool, Method::POST, INSTAGRAM, &delete, None)).await;
    assert_eq!(town.last_entry()["action"], "delete");
    approve(&town, &held).await;
    assert_eq!(graph(&tool, Method::POST, INSTAGRAM, &delete, None).await.json(), json!({ "success": true }));
    let sent = town.provider.requests().pop().unwrap();
    assert_eq!((sent.method.as_str(), sent.target.contains("method")), ("DELETE", false));
    assert!(town.provider.posts()[0].deleted);
}
