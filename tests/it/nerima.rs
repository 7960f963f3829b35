//! 練馬区SNS活用ガイドライン: articles 3, 5, 10, 11, 17 at the gate. Every refusal by `Town::refuses`: the provider received
//! nothing, one entry names the clause, and the tool reads it.

use http::Method;
use sekisho::domain::account::{AccountState, OrganisationId};
use sekisho::domain::action::Action;
use serde_json::json;

use crate::act::{HEALTH, digest_of_words, post};
use crate::stage::{Town, tweet, words};

#[tokio::test(flavor = "multi_thread")]
async fn nerima_3_1_a_provider_that_the_ward_has_not_recognised_is_refused_even_with_an_approval() {
    let town = Town::start_with(|config| {
        for provider in config.providers.values_mut() {
            provider.recognised = vec![OrganisationId::new("nagano")];
        }
    })
    .await;
    town.approve(&digest_of_words(&town, HEALTH).await).await;
    town.refuses("provider-not-recognised", "nerima:3-1", tweet(&town.nerima(), HEALTH)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nerima_3_a_host_that_no_definition_names_gets_no_tunnel() {
    let town = Town::start().await;
    let tool = town.nerima();
    let before = town.entries("nerima").len();
    let hosts = ["graph.example.com", "api.x.com.example.jp", "xapi.x.com", "127.0.0.1"];
    for host in hosts {
        let refused = tool.send(Method::POST, host, "/2/tweets", &[], Some(words(HEALTH))).await.unwrap_err();
        let said = refused.to_string();
        assert!(said.contains("CONNECT was refused: HTTP/1.1 403"), "{host}: {said}");
        assert!(said.contains("unknown-host"), "{host}: {said}");
    }
    assert_eq!(town.received(), 0);
    // Whoever was turned away at the door is counted in the gateway's own log, by source and code.
    assert_eq!(town.entries("nerima").len(), before);
    let town = town.restart().await;
    let counted = town.entries("gateway").into_iter().find(|entry| entry["kind"] == "malformed").unwrap();
    assert_eq!(counted["counts"], json!([{ "code": "unknown-host", "count": hosts.len(), "source": "127.0.0.1" }]));
}

#[tokio::test(flavor = "multi_thread")]
async fn nerima_3_every_route_that_nobody_described_is_refused_by_name() {
    let town = Town::start().await;
    let tool = town.nerima();
    let routes = [
        ("POST", "api.x.com", "/2/timeline/secret"),
        ("PUT", "api.x.com", "/2/tweets"),
        ("PATCH", "api.x.com", "/2/tweets/1"),
        ("POST", "api.x.com", "/2/Tweets"),
        ("POST", "api.x.com", "/3/tweets"),
        ("POST", "api.x.com", "/2/tweets/"),
        ("POST", "api.x.com", "/graphql/abc/CreateTweet"),
        ("POST", "api.line.me", "/v2/bot/message/shout"),
        ("POST", "api.line.me", "/v3/bot/message/broadcast"),
        ("POST", "api-data.line.me", "/v2/bot/message/broadcast"),
        ("DELETE", "api.line.me", "/v2/bot/message/broadcast"),
    ];
    for (method, host, path) in routes {
        let body = (method != "DELETE").then(|| words(HEALTH));
        let send = async { tool.send(method.parse().unwrap(), host, path, &[], body).await.unwrap() };
        let reply = town.refuses("unknown-route", "sekisho:promise-3", send).await;
        assert_eq!(reply.header("sekisho-decision"), "refused", "{method} {host}{path}");
    }
    assert_eq!(town.received(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn nerima_5_2_an_account_that_was_not_opened_or_has_no_operating_policy_says_nothing() {
    let town = Town::start_with(|config| {
        for account in &mut config.accounts {
            if account.id.as_str() == "nerima-x" {
                account.operating_policy = None;
            }
        }
    })
    .await;
    let digest = digest_of_words(&town, HEALTH).await;
    town.approve(&digest).await;
    town.refuses("account-not-opened", "nerima:5-2", tweet(&town.nerima(), HEALTH)).await;
    let applied = town.tool("demo-nerima-library");
    town.refuses("account-not-opened", "nerima:5-2", tweet(&applied, HEALTH)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nerima_10_2_what_may_not_be_published_is_refused_in_every_disguise_and_with_an_approval() {
    let town = Town::start().await;
    let tool = town.nerima();
    let shortened = ("shortened-link", "guideline-2011:shortened-url");
    let cases = [
        (shortened, "くわしくは https://bit.ly/3abcdef"),
        (shortened, "くわしくは ｈｔｔｐｓ：／／ｂｉｔ．ｌｙ／３ａｂｃｄｅｆ"),
        (shortened, "くわしくは https://bit.%6Cy/3abcdef"),
        (shortened, "くわしくは https://bi\u{200b}t.l\u{2060}y/3abcdef"),
        (shortened, "くわしくは https://www.city.nerima.tokyo.jp@bit.ly/3abcdef"),
        (shortened, "くわしくは BIT。LY/3abcdef"),
        (("personal-number", "my-number-act:19"), "個人番号 1234-5678-9018 の方へ"),
        (("personal-number", "my-number-act:19"), "マイナンバー：１２３４５６７８９０１８"),
        (("confidential-label", "local-public-service-act:34"), "【部外秘】12月の会議資料です。"),
        (("unfilled-template", "nerima:10-2"), "○時○分から、区役所で説明会を開きます。"),
        (("unfilled-template", "nerima:10-2"), "12月1日10時から、{{会場}}で説明会を開きます。"),
    ];
    for ((code, clause), text) in cases {
        town.approve(&digest_of_words(&town, text).await).await;
        let reply = town.refuses(code, clause, tweet(&tool, text)).await;
        assert_eq!(reply.header("sekisho-decision"), "refused", "{text}");
    }
    assert!(town.provider.posts().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn nerima_11_a_post_without_approval_waits_under_one_ticket_and_passes_once_it_is_approved() {
    let town = Town::start().await;
    let tool = town.nerima();
    let held = town.refuses("approval-missing", "nerima:11", tweet(&tool, HEALTH)).await;
    assert_eq!(held.header("sekisho-decision"), "held");
    let ticket = held.header("sekisho-ticket").to_owned();
    assert!(!ticket.is_empty() && held.json()["detail"].as_str().unwrap().contains(&ticket));

    let again = town.refuses("approval-missing", "nerima:11", tweet(&tool, HEALTH)).await;
    assert_eq!(again.header("sekisho-ticket"), ticket, "the same post joins the ticket that waits");
    let other = town.refuses("approval-missing", "nerima:11", tweet(&tool, "別の投稿です。")).await;
    assert_ne!(other.header("sekisho-ticket"), ticket);

    let path = format!("/api/v1/tickets/{ticket}/approve");
    let approved = town.console(sekisho::demo::town::MANAGER_KEY, Method::POST, &path, Some(json!({}))).await;
    assert_eq!(approved.status, 200, "{:?}", approved.json());
    assert_eq!(town.received(), 0, "an approval sends nothing by itself");
    assert_eq!(tweet(&tool, HEALTH).await.status, 201);
    assert_eq!(town.provider.posts().len(), 1);
    let fresh = town.refuses("approval-missing", "nerima:11", tweet(&tool, HEALTH)).await;
    assert_ne!(fresh.header("sekisho-ticket"), ticket, "a settled ticket is not opened again");
}

#[tokio::test(flavor = "multi_thread")]
async fn nerima_11_a_post_that_was_sent_back_or_rejected_does_not_pass() {
    let town = Town::start().await;
    let tool = town.nerima();
    for (verb, state) in [("return", "returned"), ("reject", "rejected")] {
        let held = town.refuses("approval-missing", "nerima:11", tweet(&tool, HEALTH)).await;
        let ticket = held.header("sekisho-ticket");
        let path = format!("/api/v1/tickets/{ticket}/{verb}");
        let manager = sekisho::demo::town::MANAGER_KEY;
        let done = town.console(manager, Method::POST, &path, Some(json!({ "reason": "日付を確認" }))).await;
        assert_eq!((done.status.as_u16(), &done.json()["state"]), (200, &json!(state)));
        let late = town.console(manager, Method::POST, &format!("/api/v1/tickets/{ticket}/approve"), None).await;
        assert_eq!(late.json()["code"], "ticket-not-waiting", "{:?}", late.json());
        let again = town.refuses("approval-missing", "nerima:11", tweet(&tool, HEALTH)).await;
        assert_ne!(again.header("sekisho-ticket"), ticket);
        let back = format!("/api/v1/tickets/{}/return", again.header("sekisho-ticket"));
        assert_eq!(town.console(manager, Method::POST, &back, Some(json!({ "reason": "済" }))).await.status, 200);
    }
    assert_eq!(town.received(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn nerima_11_a_quotation_is_held_like_any_post() {
    let town = Town::start().await;
    let tool = town.nerima();
    let quote = json!({ "text": HEALTH, "quote_tweet_id": "1790000000000000001" });
    let send = post(&tool, "api.x.com", "/2/tweets", &[], &quote);
    let held = town.refuses("approval-missing", "nerima:11", send).await;
    assert_eq!(held.header("sekisho-decision"), "held");
    assert_eq!(town.last_entry()["action"], json!(Action::Quote));
}

#[tokio::test(flavor = "multi_thread")]
async fn nerima_17_1_an_archived_account_is_read_only_and_a_closed_one_not_even_that() {
    let town = Town::start().await;
    let archive = town.tool("demo-nerima-archive");
    let digest = digest_of_words(&town, HEALTH).await;
    town.approve_for("nerima-old-x", Action::Publish, &digest, 1).await;
    town.refuses("account-archived", "nerima:17-1b", tweet(&archive, HEALTH)).await;
    let read = || async { archive.send(Method::GET, "api.x.com", "/2/users/me", &[], None).await.unwrap() };
    let seen = read().await;
    assert_eq!(seen.status, 200, "{:?}", seen.json());

    let town = Town::start_with(|config| {
        for account in &mut config.accounts {
            if account.id.as_str() == "nerima-old-x" {
                account.state = AccountState::Closed;
            }
        }
    })
    .await;
    let archive = town.tool("demo-nerima-archive");
    town.refuses("account-closed", "nerima:17-1a", tweet(&archive, HEALTH)).await;
    let read = async { archive.send(Method::GET, "api.x.com", "/2/users/me", &[], None).await.unwrap() };
    town.refuses("account-closed", "nerima:17-1a", read).await;
}
