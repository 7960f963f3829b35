//! 長野市ソーシャルメディアの利用に関するガイドライン at the gate, beside 練馬区 and in a log of its own.

use http::Method;
use sekisho::demo::client::Reply;
use sekisho::demo::town::NAGANO_TOOL_KEY;
use serde_json::json;

use crate::act::{HEALTH, digest_of_words, post, urgent};
use crate::stage::{Town, tweet};

const MANAGER: &str = "demo-nagano-manager";

/// What `Town::refuses` asserts, in 長野市's log.
async fn refuses(town: &Town, code: &str, clause: &str, send: impl Future<Output = Reply>) -> Reply {
    let (received, before, other) = (town.received(), town.entries("nagano").len(), town.entries("nerima").len());
    let reply = send.await;
    let entries = town.entries("nagano");
    assert_eq!((town.received(), entries.len(), town.entries("nerima").len()), (received, before + 1, other));
    let entry = entries.last().unwrap();
    assert_eq!(entry["code"], code, "{entry}");
    assert!(entry["clauses"].as_array().unwrap().contains(&json!(clause)), "{entry}");
    assert!(String::from_utf8_lossy(&reply.body).contains(clause), "{:?}", reply.json());
    reply
}

#[tokio::test(flavor = "multi_thread")]
async fn nagano_refuses_by_its_own_clauses() {
    let town = Town::start().await;
    let tool = town.tool(NAGANO_TOOL_KEY);
    let shortened = tweet(&tool, "くわしくは ｂｉｔ．ｌｙ／３ａｂｃ");
    refuses(&town, "shortened-link", "nagano:4(9)", shortened).await;
    refuses(&town, "unfilled-template", "nagano:4(6)", tweet(&tool, "○時○分から断水します。")).await;
    refuses(&town, "confidential-label", "nagano:4(2)", tweet(&tool, "【部外秘】会議資料です。")).await;
    refuses(&town, "personal-number", "nagano:7(1)エ", tweet(&tool, "個人番号 1234-5678-9018 の方へ")).await;
    let answer = json!({ "text": "承りました。", "reply": { "in_reply_to_tweet_id": "1790000000000000001" } });
    let answer = post(&tool, "api.x.com", "/2/tweets", &[], &answer).await;
    assert_eq!(answer.json()["sekisho"], "individual-reply");
    refuses(&town, "approval-missing", "nagano:2(7)", tweet(&tool, HEALTH)).await;
    assert_eq!(town.received(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn nagano_7_1_what_may_never_be_said_is_refused_by_its_own_item_and_with_an_approval() {
    let town = Town::start().await;
    let tool = town.tool(NAGANO_TOOL_KEY);
    let cases = [
        ("外国人は日本から出ていけ", "nagano:7(1)イ"),
        ("え ろ 動 画 見放題はこちら", "nagano:7(1)キ"),
        ("管理者パスワードは Kanri#2026x です", "nagano:7(1)オ"),
    ];
    for (text, clause) in cases {
        let digest = digest_of_words(&town, text).await;
        let body = json!({ "account": "nagano-x", "actions": ["publish"], "digest": digest.to_string() });
        assert_eq!(town.console(MANAGER, Method::POST, "/api/v1/approvals", Some(body)).await.status, 201, "{text}");
        refuses(&town, "content-refused", clause, tweet(&tool, text)).await;
    }
    // What warns of the same things is no more than held.
    for text in [
        "【人権課】人権週間\n外国人への差別をなくしましょう。",
        "【情報課】お願い\nパスワードの使い回しにご注意ください。",
    ] {
        refuses(&town, "approval-missing", "nagano:2(7)", tweet(&tool, text)).await;
    }
    assert_eq!(town.received(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_of_one_body_opens_nothing_in_the_other() {
    let town = Town::start().await;
    let (nerima, nagano) = (town.nerima(), town.tool(NAGANO_TOOL_KEY));
    let digest = digest_of_words(&town, HEALTH).await;
    town.approve(&digest).await;
    refuses(&town, "approval-missing", "nagano:2(7)", tweet(&nagano, HEALTH)).await;
    // A manager of one body does not even see the other's account.
    let body = json!({ "account": "nerima-x", "actions": ["publish"], "digest": digest.to_string() });
    let foreign = town.console(MANAGER, Method::POST, "/api/v1/approvals", Some(body.clone())).await;
    assert_eq!(foreign.status, 404);
    let mut own = body;
    own["account"] = json!("nagano-x");
    assert_eq!(town.console(MANAGER, Method::POST, "/api/v1/approvals", Some(own)).await.status, 201);
    assert_eq!(tweet(&nagano, HEALTH).await.status, 201);
    assert_eq!(town.received(), 1);
    // 練馬区's approval is still there, and spent by 練馬区 alone (X itself refuses the same words a second time).
    let passed = tweet(&nerima, HEALTH).await;
    assert_eq!((passed.header("sekisho-decision"), town.received()), ("permitted", 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn nagano_2_7_an_emergency_is_always_reported_and_one_bodys_is_not_the_others() {
    let town = Town::start().await;
    let tool = town.tool(NAGANO_TOOL_KEY);
    let flood = "【緊急】千曲川が氾濫危険水位に達しました。ただちに避難してください。";
    crate::act::declare(&town, &["nerima-x"], 3600, false).await;
    refuses(&town, "no-open-emergency", "sekisho:emergency", urgent(&tool, flood)).await;
    let body = json!({ "reason": "千曲川の氾濫", "accounts": ["nagano-x"], "for_s": 3600 });
    assert_eq!(town.console(MANAGER, Method::POST, "/api/v1/emergencies", Some(body)).await.status, 201);
    let passed = urgent(&tool, flood).await;
    assert_eq!(passed.status, 201, "{:?}", passed.json());
    let owed = town.console(MANAGER, Method::GET, "/api/v1/after-reports", None).await.json();
    assert_eq!(owed["after_reports"].as_array().unwrap().len(), 1, "{owed}");
    let elsewhere = town.console(sekisho::demo::town::MANAGER_KEY, Method::GET, "/api/v1/after-reports", None).await;
    assert_eq!(elsewhere.json()["after_reports"], json!([]));
}
