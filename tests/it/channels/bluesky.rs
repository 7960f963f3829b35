//! Bluesky: records by collection, blobs bound to posts, several writes at once, direct messages.

use sekisho::demo::town::{MANAGER_KEY, NAGANO_TOOL_KEY, TOOL_KEY};
use sekisho::domain::media::Sha256;
use serde_json::{Value, json};

use super::{Wire, approve, held_then_approved, refused};
use crate::act::HEALTH;
use crate::stage::Town;

/// The server to which tools go on after signing in: described by its suffix only.
const PDS: &str = "practice.host.bsky.network";
const REPO: &str = "did:plc:practice";

fn call(method: &str) -> Wire {
    Wire::new("POST", PDS, &format!("/xrpc/{method}"))
}

fn create(collection: &str, record: &Value) -> Wire {
    let body = json!({ "repo": REPO, "collection": collection, "record": record });
    call("com.atproto.repo.createRecord").json(&body)
}

fn post(text: &str) -> Value {
    json!({ "$type": "app.bsky.feed.post", "text": text, "createdAt": "2026-11-22T01:02:03.004Z", "langs": ["ja"] })
}

fn with(mut record: Value, name: &str, value: Value) -> Value {
    record[name] = value;
    record
}

/// Uploads a blob; what a record shows it by.
async fn blob(town: &Town, key: &str, bytes: &[u8]) -> Value {
    let answer = call("com.atproto.repo.uploadBlob").raw("image/png", bytes).send(town, key).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["blob"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unapproved_post_is_held_in_the_protocols_own_shape_and_an_approved_one_passes_exactly_once() {
    let town = Town::start().await;
    let wire = create("app.bsky.feed.post", &post(HEALTH));
    let held = refused(&town, TOOL_KEY, &wire, "approval-missing", "nerima:11").await;
    assert_eq!((held.status, held.json()["error"].as_str()), (400, Some("PolicyRefused")));
    assert!(held.json()["message"].as_str().unwrap().contains("練馬区SNS活用ガイドライン第11条"), "{}", held.text);
    approve(&town, MANAGER_KEY, &held).await;
    let edited = create("app.bsky.feed.post", &post(&HEALTH.replace("10時", "11時")));
    refused(&town, TOOL_KEY, &edited, "approval-missing", "nerima:11").await;
    let foreign = wire.send(&town, NAGANO_TOOL_KEY).await;
    assert_eq!((foreign.status, town.received()), (400, 0), "{}", foreign.text);

    // The tool stamps each try anew; nobody reads that.
    let later = with(post(HEALTH), "createdAt", json!("2026-11-22T01:05:00Z"));
    let passed = create("app.bsky.feed.post", &later).send(&town, TOOL_KEY).await;
    assert_eq!(passed.status, 200, "{}", passed.text);
    refused(&town, TOOL_KEY, &wire, "approval-missing", "nerima:11").await;
    let posts = town.provider.posts();
    assert_eq!((posts.len(), posts[0].text.as_str(), posts[0].action), (1, HEALTH, "publish"));
    assert_eq!(town.received(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_collection_says_what_a_record_is() {
    let town = Town::start().await;
    let subject = json!({ "uri": "at://did:plc:x/app.bsky.feed.post/3k", "cid": "bafyreia" });
    let stamped = |record: Value| with(record, "createdAt", json!("2026-11-22T01:02:03Z"));
    let quoted = with(post(HEALTH), "embed", json!({ "$type": "app.bsky.embed.record", "record": subject }));
    let cases = [
        ("app.bsky.feed.post", post(HEALTH), "publish"),
        ("app.bsky.feed.post", quoted, "quote"),
        ("app.bsky.feed.repost", stamped(json!({ "subject": subject })), "repost"),
        ("app.bsky.feed.like", stamped(json!({ "subject": subject })), "like"),
        ("app.bsky.graph.follow", stamped(json!({ "subject": "did:plc:x" })), "follow"),
        ("app.bsky.actor.profile", json!({ "description": "練馬区の公式アカウントです。" }), "profile"),
        (
            "app.bsky.feed.threadgate",
            stamped(json!({ "post": "at://did:plc:x/app.bsky.feed.post/3k", "allow": [] })),
            "other",
        ),
    ];
    for (collection, record, action) in cases {
        refused(&town, TOOL_KEY, &create(collection, &record), "approval-missing", "nerima:11").await;
        assert_eq!(town.last_entry()["action"], action, "{collection}");
    }
    let reply = with(post("お答えします。"), "reply", json!({ "parent": subject, "root": subject }));
    refused(&town, TOOL_KEY, &create("app.bsky.feed.post", &reply), "individual-reply", "nerima:14").await;
    let unknown = create("com.example.unheard.of", &post(HEALTH));
    refused(&town, TOOL_KEY, &unknown, "unknown-kind", "sekisho:promise-3").await;
    let import = call("com.atproto.repo.importRepo").raw("application/vnd.ipld.car", b"car");
    refused(&town, TOOL_KEY, &import, "cannot-inspect", "sekisho:promise-3").await;
    let message = json!({ "convoId": "c1", "message": { "text": "個別のご案内です。" } });
    let direct =
        call("chat.bsky.convo.sendMessage").json(&message).with("Atproto-Proxy", "did:web:api.bsky.chat#bsky_chat");
    refused(&town, TOOL_KEY, &direct, "individual-reply", "nerima:14").await;
    assert_eq!(town.received(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_link_hides_behind_its_words_is_seen() {
    let town = Town::start().await;
    let facet = |uri: &str| {
        json!([{
            "index": { "byteStart": 0, "byteEnd": 6 },
            "features": [{ "$type": "app.bsky.richtext.facet#link", "uri": uri }],
        }])
    };
    let short = with(post("詳しくはこちら"), "facets", facet("https://bit.ly/3abcdef"));
    let wire = create("app.bsky.feed.post", &short);
    refused(&town, TOOL_KEY, &wire, "shortened-link", "guideline-2011:shortened-url").await;
    let card = json!({ "$type": "app.bsky.embed.external", "external": { "uri": "https://bit.ly/3abcdef", "title": "案内", "description": "" } });
    let wire = create("app.bsky.feed.post", &with(post("詳しくはこちら"), "embed", card));
    refused(&town, TOOL_KEY, &wire, "shortened-link", "guideline-2011:shortened-url").await;
    assert_eq!(town.received(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_is_bound_by_its_bytes_and_two_towns_may_have_the_same_one() {
    let town = Town::start().await;
    let logo = blob(&town, TOOL_KEY, b"a logo").await;
    assert_eq!(blob(&town, NAGANO_TOOL_KEY, b"a logo").await, logo, "an id made from the bytes");
    let other = blob(&town, TOOL_KEY, b"another picture").await;
    let nagano = blob(&town, NAGANO_TOOL_KEY, b"a picture of Nagano").await;
    let shown = |blob: &Value, alt: &str| {
        let images = json!([{ "image": blob, "alt": alt }]);
        create(
            "app.bsky.feed.post",
            &with(post(HEALTH), "embed", json!({ "$type": "app.bsky.embed.images", "images": images })),
        )
    };
    let wire = shown(&logo, "区の紋章");
    let held = refused(&town, TOOL_KEY, &wire, "approval-missing", "nerima:11").await;
    approve(&town, MANAGER_KEY, &held).await;
    refused(&town, TOOL_KEY, &shown(&other, "区の紋章"), "approval-missing", "nerima:11").await;
    refused(&town, TOOL_KEY, &shown(&logo, "別の説明"), "approval-missing", "nerima:11").await;
    refused(&town, TOOL_KEY, &shown(&nagano, "区の紋章"), "unknown-media", "sekisho:promise-3").await;
    let town = town.restart().await;
    let passed = wire.send(&town, TOOL_KEY).await;
    assert_eq!(passed.status, 200, "{}", passed.text);
    assert_eq!(town.provider.posts()[0].media_sha256, [Sha256::of(b"a logo").hex()]);
}

/// Captions are words that everybody reads: what must not stand in a post must not stand there.
#[tokio::test(flavor = "multi_thread")]
async fn captions_are_read_as_what_the_post_says() {
    let town = Town::start().await;
    let captions = |line: &str| {
        let text = format!("WEBVTT\n\n00:00.000 --> 00:02.000\n{line}\n");
        call("com.atproto.repo.uploadBlob").raw("text/vtt", text.as_bytes())
    };
    let short = captions("詳しくは https://bit.ly/3abcdef");
    refused(&town, TOOL_KEY, &short, "shortened-link", "guideline-2011:shortened-url").await;
    assert_eq!(town.received(), 0, "the provider never has them");

    let film = blob(&town, TOOL_KEY, b"\0a film").await;
    let said = captions("訓練を始めます。").send(&town, TOOL_KEY).await.json()["blob"].clone();
    let embed = json!({ "$type": "app.bsky.embed.video", "video": film, "captions": [{ "lang": "ja", "file": said }] });
    let shown = create("app.bsky.feed.post", &with(post(HEALTH), "embed", embed));
    let received = town.received();
    let held = shown.send(&town, TOOL_KEY).await;
    assert_eq!((held.status, town.received()), (400, received), "{}", held.text);
    assert!(town.last_entry()["findings"].to_string().contains("media.words"), "{}", town.last_entry());
    approve(&town, MANAGER_KEY, &held).await;
    assert_eq!(shown.send(&town, TOOL_KEY).await.status, 200, "somebody has read them");
}

fn writes(items: &[Value]) -> Wire {
    call("com.atproto.repo.applyWrites").json(&json!({ "repo": REPO, "writes": items }))
}

fn item(verb: &str, collection: &str, value: &Value) -> Value {
    let kind = format!("com.atproto.repo.applyWrites#{verb}");
    json!({ "$type": kind, "collection": collection, "rkey": "3l7abcdefgh2k", "value": value })
}

#[tokio::test(flavor = "multi_thread")]
async fn several_writes_at_once_are_each_judged_and_the_whole_is_refused_if_one_is() {
    let town = Town::start().await;
    let good = item("create", "app.bsky.feed.post", &post(HEALTH));
    let subject = json!({ "uri": "at://did:plc:x/app.bsky.feed.post/3k", "cid": "bafyreia" });
    let reply = with(post("お答えします。"), "reply", json!({ "parent": subject, "root": subject }));
    let wire = writes(&[good.clone(), item("create", "app.bsky.feed.post", &reply)]);
    let answer = refused(&town, TOOL_KEY, &wire, "individual-reply", "nerima:14").await;
    assert!(answer.text.contains("2件のうち2件目"), "{}", answer.text);
    let short = item("create", "app.bsky.feed.post", &post("詳しくは https://bit.ly/3abcdef"));
    let wire = writes(&[good.clone(), short]);
    refused(&town, TOOL_KEY, &wire, "shortened-link", "guideline-2011:shortened-url").await;
    let unknown = item("create", "com.example.unheard.of", &post(HEALTH));
    refused(&town, TOOL_KEY, &writes(&[good.clone(), unknown]), "unknown-kind", "sekisho:promise-3").await;
    let strange = json!({ "$type": "com.example#create", "collection": "app.bsky.feed.post", "value": post(HEALTH) });
    refused(&town, TOOL_KEY, &writes(&[strange]), "batch-shape", "sekisho:promise-3").await;
    refused(&town, TOOL_KEY, &writes(&[]), "batch-shape", "sekisho:promise-3").await;
    // Under an exemption nothing hides among the items either.
    let event = writes(std::slice::from_ref(&good)).with("Sekisho-Exemption", "weather-event");
    refused(&town, TOOL_KEY, &event, "batch-exempt", "sekisho:promise-3").await;
    assert_eq!(town.received(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_covers_every_write_of_a_batch_and_which_shows_what() {
    let town = Town::start().await;
    let (one, two) = (blob(&town, TOOL_KEY, b"one").await, blob(&town, TOOL_KEY, b"two").await);
    let shown = |text: &str, blobs: &[&Value]| {
        let images: Vec<Value> = blobs.iter().map(|blob| json!({ "image": blob, "alt": "" })).collect();
        let embed = json!({ "$type": "app.bsky.embed.images", "images": images });
        item("create", "app.bsky.feed.post", &with(post(text), "embed", embed))
    };
    let gate =
        json!({ "post": "at://did:plc:x/app.bsky.feed.post/3k", "allow": [], "createdAt": "2026-11-22T01:02:03Z" });
    let gate = item("create", "app.bsky.feed.threadgate", &gate);
    let approved = writes(&[shown(HEALTH, &[&one]), shown("会場は1階です。", &[&two]), gate.clone()]);
    let held = refused(&town, TOOL_KEY, &approved, "approval-missing", "nerima:11").await;
    approve(&town, MANAGER_KEY, &held).await;
    let received = town.received();
    for other in [
        writes(&[shown(HEALTH, &[&one]), shown("会場は2階です。", &[&two]), gate.clone()]),
        writes(&[shown(HEALTH, &[&two]), shown("会場は1階です。", &[&one]), gate.clone()]),
        writes(&[shown(HEALTH, &[]), shown("会場は1階です。", &[&one, &two]), gate.clone()]),
        writes(&[shown(HEALTH, &[&one]), shown("会場は1階です。", &[&two])]),
        writes(&[shown("会場は1階です。", &[&two]), shown(HEALTH, &[&one]), gate.clone()]),
    ] {
        refused(&town, TOOL_KEY, &other, "approval-missing", "nerima:11").await;
    }
    assert_eq!(town.received(), received);
    let passed = approved.send(&town, TOOL_KEY).await;
    assert_eq!(passed.status, 200, "{}", passed.text);
    let posts = town.provider.posts();
    assert_eq!(posts.iter().map(|post| post.text.as_str()).collect::<Vec<_>>(), [HEALTH, "会場は1階です。"]);
    refused(&town, TOOL_KEY, &approved, "approval-missing", "nerima:11").await;

    // Each of them is the account's own from now on: its thread goes on.
    let own = passed.json()["results"][1]["uri"].clone();
    let parent = json!({ "uri": own, "cid": "bafyreia" });
    let thread = with(post("入口は南側です。"), "reply", json!({ "parent": parent, "root": parent }));
    let passed = held_then_approved(&town, TOOL_KEY, &create("app.bsky.feed.post", &thread)).await;
    assert_eq!(passed.status, 200, "{}", passed.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_keeps_the_password_out_of_everything_and_a_replaced_record_is_an_edit() {
    let town = Town::start().await;
    let body = json!({ "identifier": "nerima.example", "password": "hunter2-himitsu" });
    let signed = Wire::new("POST", "bsky.social", "/xrpc/com.atproto.server.createSession").json(&body);
    let answer = signed.send(&town, TOOL_KEY).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(answer.json()["didDoc"]["service"][0]["serviceEndpoint"].as_str().unwrap().contains(PDS));
    assert!(!town.entries("nerima").iter().any(|entry| entry.to_string().contains("himitsu")));

    let put = json!({ "repo": REPO, "collection": "app.bsky.feed.post", "rkey": "3l7abcdefgh2k", "record": post("訂正します。") });
    let wire = call("com.atproto.repo.putRecord").json(&put);
    refused(&town, TOOL_KEY, &wire, "approval-missing", "nerima:11").await;
    assert_eq!((&town.last_entry()["action"], &town.last_entry()["target"]), (&json!("edit"), &json!("3l7abcdefgh2k")));
    let delete = json!({ "repo": REPO, "collection": "app.bsky.feed.post", "rkey": "3l7abcdefgh2k" });
    let wire = call("com.atproto.repo.deleteRecord").json(&delete);
    assert_eq!(held_then_approved(&town, TOOL_KEY, &wire).await.status, 200);
}
