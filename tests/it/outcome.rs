//! What becomes of a post when the provider or the client breaks off: recorded as what it is, and never sent twice
//! (C22: 「失敗」と出たのに公開されていた; C23: 再送で二重投稿).

use std::time::Duration;

use sekisho::config::Config;
use sekisho::demo::town::TOOL_KEY;
use sekisho::practice::fault::{Fault, Trouble, When};
use serde_json::json;
use tokio::io::AsyncWriteExt as _;

use crate::act::{HEALTH, digest_of_words, entry_of, outcomes};
use crate::stage::{Town, eventually, tweet, words};
use crate::wire::tunnel;

fn impatient(config: &mut Config) {
    config.forward.connect_ms = 1_000;
    config.forward.answer_ms = 700;
    config.forward.total_ms = 2_500;
}

/// An approved post meets a trouble. It arrived once, its outcome is unknown, and the tool is told so.
async fn meets(when: When, trouble: Trouble, public: usize, cause: &[&str]) {
    let story = format!("{when:?} {trouble:?}");
    let town = Town::start_with(impatient).await;
    let tool = town.nerima();
    town.approve(&digest_of_words(&town, HEALTH).await).await;
    town.provider.order(Fault::next(when, trouble).on("POST", "/2/tweets"));
    let reply = tweet(&tool, HEALTH).await;
    let said = String::from_utf8_lossy(&reply.body).into_owned();
    assert!(reply.status.is_client_error(), "{story}: a status that SDKs send again on: {}", reply.status);
    assert!(said.contains("不明") && !said.contains("失敗"), "{story}: {said}");
    assert!(said.contains("sekisho:promise-5"), "{story}: {said}");
    let ends = outcomes(&town, entry_of(&reply));
    assert_eq!(ends.len(), 1, "{story}");
    assert_eq!(ends[0]["outcome"], "unknown", "{story}");
    assert!(cause.contains(&ends[0]["code"].as_str().unwrap()), "{story}: {}", ends[0]);
    assert_eq!((town.received(), town.provider.posts().len()), (1, public), "{story}");
    // The approval is spent: the tool that tries again is held, and nothing is sent twice.
    town.refuses("approval-missing", "nerima:11", tweet(&tool, HEALTH)).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!((town.received(), town.provider.posts().len()), (1, public), "{story}");
}

#[tokio::test(flavor = "multi_thread")]
async fn c22_a_provider_that_hangs_leaves_the_outcome_unknown() {
    meets(When::AfterBody, Trouble::Hang, 0, &["provider-timeout"]).await;
    meets(When::AfterEffect, Trouble::Hang, 1, &["provider-timeout"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c22_a_provider_that_breaks_off_leaves_the_outcome_unknown() {
    let cause = &["provider-broke-off", "answer-broken"];
    meets(When::BeforeBody, Trouble::Reset, 0, cause).await;
    meets(When::AfterBody, Trouble::Reset, 0, cause).await;
    meets(When::AfterEffect, Trouble::Reset, 1, cause).await;
    meets(When::AfterEffect, Trouble::Close, 1, cause).await;
    meets(When::AfterEffect, Trouble::Truncated, 1, cause).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c22_an_answer_that_says_nothing_leaves_the_outcome_unknown() {
    meets(When::AfterEffect, Trouble::Garbage, 1, &["provider-broke-off", "answer-broken"]).await;
    meets(When::AfterEffect, Trouble::Huge { bytes: 8 * 1024 * 1024 }, 1, &["answer-too-large"]).await;
    meets(When::AfterEffect, Trouble::slow(Duration::from_millis(400)), 1, &["provider-timeout"]).await;
    meets(When::AfterEffect, Trouble::status(503), 1, &["provider-5xx"]).await;
    meets(When::AfterBody, Trouble::status(502), 0, &["provider-5xx"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_cannot_be_reached_received_nothing_and_the_tool_is_told_so() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let town = Town::start_with(|config| {
        impatient(config);
        for provider in config.providers.values_mut() {
            provider.upstream.values_mut().for_each(|address| *address = free);
        }
    })
    .await;
    town.approve(&digest_of_words(&town, HEALTH).await).await;
    let reply = tweet(&town.nerima(), HEALTH).await;
    let said = reply.json()["detail"].as_str().unwrap().to_owned();
    assert!(said.contains("送信していません") && !said.contains("不明"), "{said}");
    let ends = outcomes(&town, entry_of(&reply));
    assert_eq!((ends.len(), &ends[0]["outcome"]), (1, &json!("not-sent")));
    assert_eq!(town.received(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_refuses_is_passed_on_in_its_own_words() {
    let town = Town::start().await;
    town.approve(&digest_of_words(&town, HEALTH).await).await;
    let limited = Trouble::Answer {
        status: 429,
        content_type: "application/json".to_owned(),
        body: json!({ "title": "Too Many Requests" }).to_string(),
    };
    town.provider.order(Fault::next(When::AfterBody, limited));
    let reply = tweet(&town.nerima(), HEALTH).await;
    assert_eq!((reply.status.as_u16(), reply.json()), (429, json!({ "title": "Too Many Requests" })));
    let ends = outcomes(&town, entry_of(&reply));
    assert_eq!((&ends[0]["outcome"], &ends[0]["status"]), (&json!("refused-by-provider"), &json!(429)));
    assert_eq!(town.received(), 1);
}

/// The post in raw bytes, with a body of so many bytes beyond what is there.
fn raw(missing: usize) -> String {
    let body = words(HEALTH);
    format!(
        "POST /2/tweets HTTP/1.1\r\nHost: api.x.com\r\nAuthorization: Bearer practice-credential\r\nContent-Type: \
         application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len() + missing
    )
}

/// A tool that sends an approved post and leaves before the provider has answered.
async fn leaves_behind(town: &Town) {
    town.approve(&digest_of_words(town, HEALTH).await).await;
    town.provider.order(Fault::next(When::AfterEffect, Trouble::slow(Duration::from_millis(5))));
    let mut io = tunnel(town, TOOL_KEY, "api.x.com", "api.x.com").await.unwrap();
    io.write_all(raw(0).as_bytes()).await.unwrap();
    io.flush().await.unwrap();
    eventually("the post has left", || town.received() == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_in_the_middle_of_the_body_sent_nothing() {
    let town = Town::start().await;
    town.approve(&digest_of_words(&town, HEALTH).await).await;
    let before = town.entries("nerima").len();
    let mut io = tunnel(&town, TOOL_KEY, "api.x.com", "api.x.com").await.unwrap();
    io.write_all(raw(1).as_bytes()).await.unwrap();
    io.flush().await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    drop(io);
    eventually("the broken request is on record", || town.entries("nerima").len() > before).await;
    let entry = town.last_entry();
    assert_eq!((&entry["kind"], &entry["decision"]), (&json!("refusal"), &json!("refused")), "{entry}");
    assert_eq!((town.received(), town.entries("nerima").len()), (0, before + 1));
    // The approval was not spent by it.
    assert_eq!(tweet(&town.nerima(), HEALTH).await.status, 201);
}

/// Neither does a gateway that is stopped meanwhile: no connection is open any more, and the provider is about to answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_waits_for_the_answer_to_a_post_whose_client_has_gone() {
    let town = Town::start().await;
    leaves_behind(&town).await;
    let town = town.restart().await;
    let ends: Vec<_> = town.entries("nerima").into_iter().filter(|it| it["kind"] == "outcome").collect();
    assert_eq!((ends.len(), &ends[0]["outcome"]), (1, &json!("published")));
    assert_eq!((town.received(), town.provider.posts().len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_after_sending_cancels_nothing_and_the_post_has_its_outcome() {
    let town = Town::start().await;
    leaves_behind(&town).await;
    eventually("the outcome is on record", || town.entries("nerima").iter().any(|it| it["kind"] == "outcome")).await;
    let ends: Vec<_> = town.entries("nerima").into_iter().filter(|it| it["kind"] == "outcome").collect();
    assert_eq!((ends.len(), &ends[0]["outcome"]), (1, &json!("published")));
    assert_eq!((town.received(), town.provider.posts().len()), (1, 1));
    let tool = town.nerima();
    town.refuses("approval-missing", "nerima:11", tweet(&tool, HEALTH)).await;
}
