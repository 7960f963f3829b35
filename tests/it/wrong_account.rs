//! The wrong account: two accidents of real cities, told again with the gate between (issue 3, item 6).
//!
//! 弥富市 2018: a message meant for a private account went out by the city's disaster account and stood for ninety minutes.
//! 川崎市 2024: staff of a contractor posted at night by the official account, believing that it was their own.

use http::Method;
use jiff::civil::time;
use sekisho::config::Config;
use sekisho::demo::town;
use sekisho::domain::clock::{Clock as _, in_japan};
use sekisho::domain::media::Sha256;
use sekisho::domain::person::Hours;
use serde_json::json;

use crate::act::HEALTH;
use crate::custody::{give, post};
use crate::stage::{Town, words};

const DRINKS: &str = "今夜はビールの抽選に応募しました！";
const PRIVATE: [(&str, &str); 1] = [("authorization", "Bearer token-of-a-private-account")];

fn register(config: &mut Config, account: &str, token: &str) {
    let found = config.accounts.iter_mut().find(|it| it.id.as_str() == account).unwrap();
    found.credential_fingerprints.push(Sha256::of(token.as_bytes()).hex());
}

#[tokio::test(flavor = "multi_thread")]
async fn m2_yatomi_2018_a_private_credential_on_the_office_network_reaches_no_provider() {
    // The city's own tool keeps its own token, which is registered.
    let town = Town::start_with(|config| register(config, "nerima-x", "token-of-the-city")).await;
    let tool = town.nerima();
    let private = post(&tool, &PRIVATE, DRINKS);
    town.refuses("private-credential", "sekisho:account-resolution", private).await;
    // Nor does it help to say whose it is to be, or to read with it, or to come by the emergency endpoint.
    let named = [PRIVATE[0], ("sekisho-account", "nerima-x")];
    let claimed = post(&tool, &named, DRINKS);
    town.refuses("private-credential", "sekisho:account-resolution", claimed).await;
    let read = async { tool.send_with(Method::GET, "api.x.com", "/2/users/me", &PRIVATE, None).await.unwrap() };
    town.refuses("private-credential", "sekisho:account-resolution", read).await;
    let urgent = async {
        tool.send_reverse_with(Method::POST, "/emergency/x/2/tweets", &PRIVATE, Some(words(DRINKS))).await.unwrap()
    };
    town.refuses("private-credential", "sekisho:account-resolution", urgent).await;
    assert_eq!(town.received(), 0);
    // The registered one is known, and the post waits for its approver like any other.
    let own = [("authorization", "Bearer token-of-the-city")];
    town.refuses("approval-missing", "nerima:11", post(&tool, &own, HEALTH)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn m2_yatomi_2018_where_the_gateway_holds_the_credential_no_other_one_is_taken() {
    let town = Town::start().await;
    assert_eq!(give(&town, json!("token-of-the-city")).await.status, 200);
    let tool = town.nerima();
    let private = post(&tool, &PRIVATE, DRINKS);
    town.refuses("private-credential", "sekisho:account-resolution", private).await;
    // 長野市's tool has a credential of its own, unknown here: at this provider it is nobody's either.
    let nagano = post(&town.tool(town::NAGANO_TOOL_KEY), &PRIVATE, DRINKS).await;
    assert_eq!(nagano.status, 403, "{:?}", nagano.json());
    let entry = town.entries("nagano").pop().unwrap();
    assert_eq!(entry["code"], "private-credential");
    assert_eq!(town.received(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn m2_yatomi_2018_a_message_for_one_account_does_not_go_out_by_another() {
    let town = Town::start_with(|config| {
        register(config, "nerima-x", "token-of-the-city");
        register(config, "nagano-x", "token-of-the-other-city");
    })
    .await;
    let tool = town.nerima();
    let mixed = [("authorization", "Bearer token-of-the-other-city"), ("sekisho-account", "nerima-x")];
    let reply = post(&tool, &mixed, HEALTH).await;
    assert_eq!(reply.status, 403);
    assert_eq!(town.last_entry()["code"], "account-mismatch");
    let silent = post(&tool, &mixed[..1], HEALTH).await;
    assert_eq!(silent.status, 403);
    assert_eq!(town.last_entry()["code"], "account-out-of-scope");
    assert_eq!(town.received(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn m3_kawasaki_2024_a_contractor_at_night_who_takes_the_official_account_for_his_own_posts_nothing() {
    let town = Town::start_with(|config| {
        register(config, "nerima-x", "token-of-the-city");
        let tool = config.clients.iter_mut().find(|it| it.id.as_str() == "nerima-tool").unwrap();
        // The contract covers an hour that is not now, whenever this scene is played.
        let hour = in_japan(sekisho::domain::clock::SystemClock.now()).hour();
        let from = (hour + 12) % 24;
        tool.hours = Some(Hours { from: time(from, 0, 0, 0), to: time(from, 59, 0, 0) });
    })
    .await;
    let own = [("authorization", "Bearer token-of-the-city")];
    let opinion = "選挙では必ずこの候補に投票します。";
    let night = post(&town.nerima(), &own, opinion).await;
    let told = String::from_utf8_lossy(&night.body).into_owned();
    assert!(night.status == 403 && told.contains("使える時間"), "{told}");
    assert_eq!(town.last_entry()["code"], "outside-hours");
    assert_eq!(town.received(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn nerima_3_list_2_a_page_that_is_no_account_of_the_body_gets_nothing() {
    let numbered = |config: &mut Config| {
        let page = config.accounts.iter_mut().find(|it| it.id.as_str() == "nerima-facebook").unwrap();
        page.handle = "100200300".to_owned();
    };
    let town = Town::start_with(numbered).await;
    let tool = town.nerima();
    let to = |path: &'static str, body: serde_json::Value| {
        let tool = &tool;
        async move { tool.send_with(Method::POST, "graph.facebook.com", path, &[], Some(body.to_string())).await.unwrap() }
    };
    let post = json!({ "message": HEALTH });
    town.refuses("account-other", "sekisho:account-resolution", to("/v24.0/999/feed", post.clone())).await;
    let urgent = async {
        let path = "/emergency/graph.facebook.com/v24.0/999/feed";
        tool.send_reverse_with(Method::POST, path, &[], Some(post.to_string())).await.unwrap()
    };
    town.refuses("account-other", "sekisho:account-resolution", urgent).await;
    let among = json!({ "batch": [
        { "method": "POST", "relative_url": "100200300/feed", "body": "message=a" },
        { "method": "POST", "relative_url": "999/feed", "body": "message=b" },
    ] });
    town.refuses("account-other", "sekisho:account-resolution", to("/", among)).await;
    // Nor may the body say something else than the path.
    let both = json!({ "message": HEALTH, "id": "999" });
    let twice = to("/v24.0/100200300/feed", both).await;
    assert_eq!((twice.status.as_u16(), &town.last_entry()["code"]), (403, &json!("field-shape")));
    assert_eq!(town.received(), 0, "the provider got nothing");
    // Its own page waits for an approval like any other.
    town.refuses("approval-missing", "nerima:11", to("/v24.0/100200300/feed", post)).await;
}
