//! A provider without an API: a post is approved, made by hand, and its address recorded afterwards.

use http::Method;
use sekisho::demo::town::{MANAGER_KEY, TOOL_KEY};
use serde_json::json;

use super::{Wire, header, held_then_approved, refused};
use crate::stage::Town;

const HOST: &str = "pirika.by-hand.invalid";
const CLERK: &str = "demo-nerima-clerk";

#[tokio::test(flavor = "multi_thread")]
async fn a_post_by_hand_is_approved_once_and_its_address_recorded() {
    let town = Town::start().await;
    let post = |text: &str| Wire::new("POST", HOST, "/posts").json(&json!({ "text": text, "place": "石神井公園" }));
    let short = post("詳しくは https://bit.ly/3abcdef");
    refused(&town, TOOL_KEY, &short, "shortened-link", "guideline-2011:shortened-url").await;
    let wire = post("清掃活動を行いました。ご参加ありがとうございました。");
    let passed = held_then_approved(&town, TOOL_KEY, &wire).await;
    assert_eq!(passed.status, 202, "{}", passed.text);
    assert!(passed.text.contains("承認どおりに投稿"), "{}", passed.text);
    assert_eq!(town.received(), 0, "nothing is sent anywhere");
    let entry = header(&passed, "sekisho-entry");
    let outcome = town.last_entry();
    assert_eq!((&outcome["kind"], &outcome["outcome"]), (&json!("outcome"), &json!("unknown")), "{outcome}");
    refused(&town, TOOL_KEY, &wire, "approval-missing", "nerima:11").await;

    let path = format!("/api/v1/by-hand/{entry}");
    let record = |key, link: &str| town.console(key, Method::POST, &path, Some(json!({ "link": link })));
    assert_eq!(record(CLERK, "javascript:alert(1)").await.status, 400);
    assert_eq!(record("demo-nagano-manager", "https://sns.pirika.org/p/1").await.status, 404, "another body's log");
    let recorded = record(CLERK, "https://sns.pirika.org/p/1").await;
    assert_eq!(recorded.status, 201, "{:?}", recorded.json());
    let act = town.last_entry();
    assert_eq!((&act["kind"], &act["act"]), (&json!("act"), &json!("record-by-hand")), "{act}");
    assert_eq!((&act["of"], &act["link"]), (&json!(entry), &json!("https://sns.pirika.org/p/1")), "{act}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_permission_for_a_post_by_hand_can_be_given_an_address() {
    let town = Town::start().await;
    let tweet = crate::act::digest_of_words(&town, crate::act::HEALTH).await;
    town.approve(&tweet).await;
    let passed = crate::stage::tweet(&town.nerima(), crate::act::HEALTH).await;
    let entries = town.entries("nerima").len();
    for of in [passed.header("sekisho-entry"), "0", "999999", "x"] {
        let path = format!("/api/v1/by-hand/{of}");
        let body = json!({ "link": "https://sns.pirika.org/p/1" });
        assert_eq!(town.console(MANAGER_KEY, Method::POST, &path, Some(body)).await.status, 404, "{of}");
    }
    assert_eq!(town.entries("nerima").len(), entries);
}
