//! Posts that take more than one request: media in one shot and in parts, and LINE's messages.

use http::Method;
use sekisho::demo::town::{MANAGER_KEY, NAGANO_TOOL_KEY, TOOL_KEY};
use sekisho::domain::action::Action;
use sekisho::domain::media::Sha256;
use serde_json::{Value, json};

use crate::act::{HEALTH, illustrated, post, upload};
use crate::stage::{Town, digest_of};
use crate::wire::{Answer, send_typed};

const BOUNDARY: &str = "sekisho-scene-boundary";

/// An upload session at X for so many bytes; its id.
async fn session(town: &Town, total: usize) -> String {
    let body = json!({ "media_type": "video/mp4", "media_category": "tweet_video", "total_bytes": total });
    let reply = post(&town.nerima(), "api.x.com", "/2/media/upload/initialize", &[], &body).await;
    assert_eq!(reply.status, 200, "{:?}", reply.json());
    reply.json()["data"]["id"].as_str().unwrap().to_owned()
}

/// Sends one part of a session.
async fn append(town: &Town, key: &str, session: &str, number: usize, part: &[u8]) -> Answer {
    let mut body = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"segment_index\"\r\n\r\n{number}\r\n--{BOUNDARY}\r\n\
         Content-Disposition: form-data; name=\"media\"; filename=\"blob\"\r\nContent-Type: \
         application/octet-stream\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(part);
    body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    let path = format!("/2/media/upload/{session}/append");
    send_typed(town, key, &path, &format!("multipart/form-data; boundary={BOUNDARY}"), &body).await
}

async fn finalize(town: &Town, session: &str) -> sekisho::demo::client::Reply {
    let path = format!("/2/media/upload/{session}/finalize");
    town.nerima().send(Method::POST, "api.x.com", &path, &[], None).await.unwrap()
}

fn video() -> Vec<u8> {
    (0..1_500_000_u32).map(|n| u8::try_from(n * 7 % 251).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_video_in_parallel_parts_is_bound_to_the_hash_of_the_whole() {
    let town = Town::start().await;
    let tool = town.nerima();
    let video = video();
    let id = session(&town, video.len()).await;
    let parts: Vec<&[u8]> = video.chunks(400_000).collect();
    assert_eq!(parts.len(), 4);
    let answers = tokio::join!(
        append(&town, TOOL_KEY, &id, 3, parts[3]),
        append(&town, TOOL_KEY, &id, 1, parts[1]),
        append(&town, TOOL_KEY, &id, 0, parts[0]),
        append(&town, TOOL_KEY, &id, 2, parts[2]),
    );
    for answer in [answers.0, answers.1, answers.2, answers.3] {
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    // Not finalized yet: nobody knows what the whole will be.
    let early = post(&tool, "api.x.com", "/2/tweets", &[], &illustrated(HEALTH, &[&id])).await;
    assert_eq!((early.status.as_u16(), &town.last_entry()["code"]), (403, &json!("media-incomplete")));

    let done = finalize(&town, &id).await;
    assert_eq!(done.status, 200, "{:?}", done.json());
    // Wait as a tool does until X has processed it.
    let status = format!("/2/media/upload?command=STATUS&media_id={id}");
    for _ in 0..5 {
        tool.send(Method::GET, "api.x.com", &status, &[], None).await.unwrap();
    }
    let body = illustrated(HEALTH, &[&id]);
    let held = town.refuses("approval-missing", "nerima:11", post(&tool, "api.x.com", "/2/tweets", &[], &body)).await;
    let ticket = format!("/api/v1/tickets/{}/approve", held.header("sekisho-ticket"));
    assert_eq!(town.console(MANAGER_KEY, Method::POST, &ticket, Some(json!({}))).await.status, 200);

    // The digest is of the whole video: the same bytes in one part have the same one, and one byte less has not.
    let digest = town.last_entry()["digest"].clone();
    let again = session(&town, video.len()).await;
    assert_eq!(append(&town, TOOL_KEY, &again, 0, &video).await.status, 200);
    assert_eq!(finalize(&town, &again).await.status, 200);
    let passed = post(&tool, "api.x.com", "/2/tweets", &[], &body).await;
    assert_eq!(passed.status, 201, "{:?}", passed.json());
    assert_eq!(town.provider.posts()[0].media_sha256, [Sha256::of(&video).hex()]);
    let body = illustrated(HEALTH, &[&again]);
    let same = post(&tool, "api.x.com", "/2/tweets", &[], &body);
    town.refuses("approval-missing", "nerima:11", same).await;
    assert_eq!(town.last_entry()["digest"], digest);
    let shorter = upload(&tool, &video[1..200_000]).await;
    let body = illustrated(HEALTH, &[&shorter]);
    let other = post(&tool, "api.x.com", "/2/tweets", &[], &body);
    town.refuses("approval-missing", "nerima:11", other).await;
    assert_ne!(town.last_entry()["digest"], digest);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_between_the_steps_of_an_upload_and_its_post_loses_nothing() {
    let town = Town::start().await;
    let video = video();
    let parts: Vec<&[u8]> = video.chunks(800_000).collect();
    let id = session(&town, video.len()).await;
    assert_eq!(append(&town, TOOL_KEY, &id, 0, parts[0]).await.status, 200);
    let town = town.restart().await;
    assert_eq!(append(&town, TOOL_KEY, &id, 1, parts[1]).await.status, 200);
    let town = town.restart().await;
    assert_eq!(finalize(&town, &id).await.status, 200);
    let status = format!("/2/media/upload?command=STATUS&media_id={id}");
    for _ in 0..5 {
        town.nerima().send(Method::GET, "api.x.com", &status, &[], None).await.unwrap();
    }
    let town = town.restart().await;
    let body = illustrated(HEALTH, &[&id]);
    let tool = town.nerima();
    let held = post(&tool, "api.x.com", "/2/tweets", &[], &body);
    let held = town.refuses("approval-missing", "nerima:11", held).await;
    let ticket = format!("/api/v1/tickets/{}/approve", held.header("sekisho-ticket"));
    assert_eq!(town.console(MANAGER_KEY, Method::POST, &ticket, Some(json!({}))).await.status, 200);
    let town = town.restart().await;
    let changed = illustrated("別の内容です。", &[&id]);
    let tool = town.nerima();
    let send = post(&tool, "api.x.com", "/2/tweets", &[], &changed);
    town.refuses("approval-missing", "nerima:11", send).await;
    assert_eq!(town.provider.posts().len(), 0, "nothing was published before");
    let passed = post(&town.nerima(), "api.x.com", "/2/tweets", &[], &body).await;
    assert_eq!(passed.status, 201, "{:?}", passed.json());
    assert_eq!(town.provider.posts().len(), 1);
    assert_eq!(town.provider.posts()[0].media_sha256, [Sha256::of(&video).hex()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_is_missing_or_comes_again_changed_ends_the_upload() {
    let town = Town::start().await;
    let id = session(&town, 3000).await;
    assert_eq!(append(&town, TOOL_KEY, &id, 0, &[1; 1000]).await.status, 200);
    assert_eq!(append(&town, TOOL_KEY, &id, 2, &[3; 1000]).await.status, 200);
    town.refuses("media-incomplete", "sekisho:promise-2", finalize(&town, &id)).await;

    let received = town.received();
    let changed = append(&town, TOOL_KEY, &id, 0, &[9; 1000]).await;
    assert_eq!((changed.status, &town.last_entry()["code"]), (403, &json!("media-part-changed")), "{}", changed.text);
    assert!(changed.text.contains("sekisho:promise-2"));
    let foreign = append(&town, NAGANO_TOOL_KEY, &id, 1, &[2; 1000]).await;
    let entry = town.entries("nagano").pop().unwrap();
    assert_eq!((foreign.status, &entry["code"]), (403, &json!("foreign-media")), "{}", foreign.text);
    assert_eq!(town.received(), received);

    assert_eq!(append(&town, TOOL_KEY, &id, 0, &[1; 1000]).await.status, 200, "the same part may come again");
    assert_eq!(append(&town, TOOL_KEY, &id, 1, &[2; 1000]).await.status, 200);
    assert_eq!(finalize(&town, &id).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn media_that_did_not_come_by_this_account_is_not_published() {
    let town = Town::start().await;
    let tool = town.nerima();
    let nowhere = illustrated(HEALTH, &["1790000000000000009"]);
    let send = post(&tool, "api.x.com", "/2/tweets", &[], &nowhere);
    town.refuses("unknown-media", "sekisho:promise-3", send).await;
    let nagano = upload(&town.tool(NAGANO_TOOL_KEY), b"a picture of Nagano").await;
    let foreign = illustrated(HEALTH, &[&nagano]);
    let send = post(&tool, "api.x.com", "/2/tweets", &[], &foreign);
    town.refuses("foreign-media", "sekisho:promise-3", send).await;
    let answer = append(&town, TOOL_KEY, "1790000000000000009", 0, b"x").await;
    assert_eq!((answer.status, &town.last_entry()["code"]), (403, &json!("unknown-media")), "{}", answer.text);
    assert_eq!(town.received(), 1, "the upload of 長野市 alone");
}

fn broadcast(text: &str) -> Value {
    json!({ "messages": [{ "type": "text", "text": text }], "notificationDisabled": false })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approved_broadcast_by_line_leaves_once_and_exactly_as_approved() {
    let town = Town::start().await;
    let tool = town.nerima();
    let path = "/v2/bot/message/broadcast";
    let body = broadcast(HEALTH);
    town.refuses("approval-missing", "nerima:11", post(&tool, "api.line.me", path, &[], &body)).await;
    let digest = digest_of(&town.config, "api.line.me", "POST", path, &body.to_string()).await;
    assert_eq!(town.last_entry()["digest"], digest.to_string(), "`sekisho digest` and the gate say the same");
    town.approve_for("nerima-line", Action::Publish, &digest, 1).await;
    let edited = broadcast(&HEALTH.replace("10時", "11時"));
    town.refuses("approval-missing", "nerima:11", post(&tool, "api.line.me", path, &[], &edited)).await;
    let mut loud = body.clone();
    loud["notificationDisabled"] = json!(true);
    town.refuses("approval-missing", "nerima:11", post(&tool, "api.line.me", path, &[], &loud)).await;

    let passed = post(&tool, "api.line.me", path, &[], &body).await;
    assert_eq!(passed.status, 200, "{:?}", passed.json());
    let received = town.provider.requests();
    assert_eq!(received.len(), 1);
    assert_eq!((received[0].host.as_str(), received[0].json().unwrap()), ("api.line.me", body.clone()));
    town.refuses("approval-missing", "nerima:11", post(&tool, "api.line.me", path, &[], &body)).await;
}
