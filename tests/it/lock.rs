//! The lock of an account (緊急停止): one command or one call, and the next post is refused, wherever it comes from.

use std::time::{Duration, Instant};

use http::{Method, Request};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use sekisho::demo::town;
use serde_json::json;

use crate::act::{HEALTH, digest_of_words};
use crate::house::House;
use crate::stage::{Town, tweet, words};

const REASON: &str = "パスワードが流出したおそれがあるため";

async fn lock(town: &Town, what: &str, key: &str, account: &str) -> sekisho::demo::client::Reply {
    let path = format!("/api/v1/accounts/{account}/{what}");
    town.console(key, Method::POST, &path, Some(json!({ "reason": REASON }))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_locked_and_its_next_post_on_an_open_connection_is_refused_within_a_second() {
    let town = Town::start().await;
    let tool = town.nerima();
    let digest = digest_of_words(&town, HEALTH).await;
    town.approve_for("nerima-x", sekisho::domain::action::Action::Publish, &digest, 2).await;

    // One connection, kept open: it carries a post that passes, then the lock falls, then the same post again.
    let stream = tool.connect("api.x.com").await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    let driver = tokio::spawn(connection);
    let post = || {
        let request = Request::post("/2/tweets").header("host", "api.x.com").header("content-type", "application/json");
        request
            .header("authorization", "Bearer practice-credential")
            .body(Full::<bytes::Bytes>::from(words(HEALTH)))
            .unwrap()
    };
    let passed = sender.send_request(post()).await.unwrap();
    assert_eq!(passed.status(), 201);
    passed.into_body().collect().await.unwrap();
    assert_eq!(town.received(), 1);

    let begun = Instant::now();
    let locked = lock(&town, "lock", "demo-nerima-clerk", "nerima-x").await;
    assert_eq!(locked.status, 200, "{:?}", locked.json());
    let refused = sender.send_request(post()).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    assert_eq!(refused.status(), 403);
    let told = String::from_utf8(refused.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap();
    assert!(told.contains("緊急に停止されています") && told.contains("sekisho:account-lock"), "{told}");
    driver.abort();

    assert_eq!(town.received(), 1, "the provider got a post of a locked account");
    let entries = town.entries("nerima");
    let act = entries.iter().find(|entry| entry["act"] == "lock-account").expect("the lock is recorded");
    assert_eq!((act["account"].as_str(), act["result"].as_str()), (Some("nerima-x"), Some("done")));
    assert!(!act.to_string().contains("流出"), "the reason is sealed: {act}");
    assert_eq!(town.last_entry()["code"], "account-locked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_account_posts_nothing_in_an_emergency_either_and_stays_locked_over_a_restart() {
    let town = Town::start().await;
    let declared = json!({ "reason": "地震", "accounts": ["nerima-x"], "for_s": 3600 });
    let reply = town.console(town::DUTY_KEY, Method::POST, "/api/v1/emergencies", Some(declared)).await;
    assert_eq!(reply.status, 201, "{:?}", reply.json());
    assert_eq!(lock(&town, "lock", "demo-nerima-clerk", "nerima-x").await.status, 200);

    let town = town.restart().await;
    let tool = town.nerima();
    let urgent = async {
        tool.send_reverse(Method::POST, "/emergency/x/2/tweets", Some(words("大泉地区に避難指示を出しました。")))
            .await
            .unwrap()
    };
    town.refuses("account-locked", "sekisho:account-lock", urgent).await;
    assert_eq!(town.received(), 0);
    let line = json!({ "messages": [{ "type": "text", "text": HEALTH }] }).to_string();
    let other = tool.send(Method::POST, "api.line.me", "/v2/bot/message/broadcast", &[], Some(line)).await.unwrap();
    assert_ne!(other.json()["code"], "account-locked", "the body's other account is not touched");
}

#[tokio::test(flavor = "multi_thread")]
async fn nagano_5_3_a_leak_is_one_call_and_only_the_manager_opens_the_account_again() {
    let town = Town::start().await;
    assert_eq!(lock(&town, "lock", "demo-nagano-manager", "nagano-x").await.status, 200);
    let tool = town.tool(town::NAGANO_TOOL_KEY);
    let refused = tweet(&tool, "本日の市役所の窓口は17時15分までです。").await;
    let told = String::from_utf8_lossy(&refused.body).into_owned();
    assert!(refused.status == 403 && told.contains("nagano:5(3)"), "{told}");
    assert_eq!(town.received(), 0);

    assert_eq!(lock(&town, "lock", "demo-nerima-clerk", "nerima-x").await.status, 200);
    let clerk = lock(&town, "unlock", "demo-nerima-clerk", "nerima-x").await;
    assert_eq!((clerk.status.as_u16(), clerk.json()["code"].as_str()), (403, Some("not-the-manager")));
    town.approve(&digest_of_words(&town, HEALTH).await).await;
    town.refuses("account-locked", "sekisho:account-lock", tweet(&town.nerima(), HEALTH)).await;
    let manager = lock(&town, "unlock", town::MANAGER_KEY, "nerima-x").await;
    assert_eq!(manager.status, 200, "{:?}", manager.json());
    assert_eq!(tweet(&town.nerima(), HEALTH).await.status, 201, "the refused try did not spend the approval");
    assert_eq!(town.received(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nerima_17_the_lock_never_opens_an_account_that_was_archived_nor_one_not_yet_approved() {
    let town = Town::start().await;
    for account in ["nerima-old-x", "nerima-library-x"] {
        let locked = lock(&town, "lock", town::MANAGER_KEY, account).await;
        assert_eq!(locked.json()["code"], "account-not-in-use", "{account}");
    }
    let opened = lock(&town, "unlock", town::MANAGER_KEY, "nerima-old-x").await;
    assert_eq!(opened.json()["code"], "account-not-locked");
    let foreign = lock(&town, "lock", town::MANAGER_KEY, "nagano-x").await;
    assert_eq!(foreign.status, 404, "another body's account looks like none");
    let accounts = town.console(town::MANAGER_KEY, Method::GET, "/api/v1/accounts", None).await.json();
    let state = |id: &str| {
        let found = accounts["accounts"].as_array().unwrap().iter().find(|account| account["id"] == id);
        found.map(|account| account["state"].clone()).unwrap()
    };
    assert_eq!((state("nerima-old-x"), state("nerima-library-x")), (json!("archived"), json!("applied")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_locks_and_unlocks_the_account_of_a_running_gateway() {
    let house = House::start("info").await;
    let act = |act: &str, reason: &str| {
        house.command(&["account", act, "nerima-x", "--person", "kacho", "--reason", reason], "")
    };
    let locked = act("lock", REASON);
    assert_eq!(locked.code, 0, "{}", locked.err);
    assert!(locked.out.contains("停止しました"), "{}", locked.out);
    let twice = act("lock", REASON);
    assert!(twice.code == 1 && twice.err.contains("account-not-in-use"), "{}", twice.err);
    assert_eq!(act("unlock", " ").code, 1, "an act without a reason");
    assert_eq!(act("unlock", "パスワードを変更した").code, 0);
}
