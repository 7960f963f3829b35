//! `observe`: a body that begins to use the gate sees what it would refuse, for a limited time (issue 3, item 10).

use http::Method;
use jiff::SignedDuration;
use jiff::civil::Date;
use sekisho::config::Config;
use sekisho::demo::client::Reply;
use sekisho::domain::account::{AccountState, Observe};
use sekisho::domain::clock::{Clock as _, SystemClock, in_japan};
use serde_json::json;

use crate::act::HEALTH;
use crate::stage::{Town, tweet, words};

fn today() -> Date {
    in_japan(SystemClock.now()).date()
}

fn observed(config: &mut Config) {
    let until = today().checked_add(jiff::Span::new().days(2)).unwrap();
    for account in &mut config.accounts {
        account.observe = Some(Observe { from: today(), until });
    }
}

async fn post(town: &Town, text: &str) -> Reply {
    town.nerima().send_reverse(Method::POST, "/x/2/tweets", Some(words(text))).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unapproved_post_passes_while_the_account_is_observed_and_its_entry_says_what_would_have_refused_it() {
    let town = Town::start_with(observed).await;
    let passed = tweet(&town.nerima(), HEALTH).await;
    assert_eq!(passed.status, 201, "{:?}", passed.json());
    let linked = format!("{HEALTH} https://bit.ly/abc");
    assert_eq!(tweet(&town.nerima(), &linked).await.status, 201, "a matter of style is only said");
    assert_eq!(town.provider.posts().len(), 2);

    let entries = town.entries("nerima");
    let permits: Vec<_> = entries.iter().filter(|entry| entry["kind"] == "permit").collect();
    assert_eq!(permits.len(), 2);
    assert_eq!(permits[0]["rule"], "sekisho.observe");
    assert_eq!(permits[0]["marks"], json!(["observe"]));
    let would = &permits[0]["would_refuse"];
    assert_eq!((&would["code"], &would["clauses"]), (&json!("approval-missing"), &json!(["nerima:11"])));
    assert!(permits[1]["would_refuse"]["rules"].as_array().unwrap().contains(&json!("common.shortened-link")));
    assert!(town.entries("nerima").iter().all(|entry| entry["kind"] != "refusal"));

    // After the last day the account enforces, without anybody doing anything.
    town.clock.forward(SignedDuration::from_hours(24 * 3));
    town.refuses("approval-missing", "nerima:11", post(&town, &HEALTH.replace("10時", "11時"))).await;
    assert_eq!(town.provider.posts().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_never_be_published_is_refused_while_the_account_is_observed_too() {
    let town = Town::start_with(observed).await;
    // 123456789018 has the check digit of an Individual Number.
    let number = post(&town, "マイナンバー：1234 5678 9018 の方へお知らせです。").await;
    assert_eq!(number.status, 403, "{:?}", number.json());
    assert_eq!(town.last_entry()["code"], "personal-number");
    town.refuses("unfilled-template", "nerima:10-2", post(&town, "○○公民館の講座は○時○分からです。")).await;
    let label = post(&town, "【取扱注意】異動の予定をお知らせします。").await;
    assert_eq!(label.status, 403, "{:?}", label.json());
    // What is malformed, and what no route describes, and a field that nobody mapped.
    let tool = town.nerima();
    let broken =
        tool.send(Method::POST, "api.x.com", "/2/tweets", &[], Some("{\"text\":1,\"text\":2}".into())).await.unwrap();
    let nowhere = tool.send(Method::POST, "api.x.com", "/2/none", &[], Some(words(HEALTH))).await.unwrap();
    let strange = json!({ "text": HEALTH, "unheard_of": "本文のようなもの" }).to_string();
    let unmapped = tool.send(Method::POST, "api.x.com", "/2/tweets", &[], Some(strange)).await.unwrap();
    for reply in [broken, nowhere, unmapped] {
        assert!(reply.status.is_client_error(), "{:?}", reply.json());
    }
    assert_eq!(town.received(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn nerima_17_a_closed_or_locked_account_is_refused_while_it_is_observed_too() {
    for state in [AccountState::Closed, AccountState::Archived, AccountState::Suspended, AccountState::Applied] {
        let town = Town::start_with(|config| {
            observed(config);
            config.accounts.iter_mut().find(|it| it.id.as_str() == "nerima-x").unwrap().state = state;
        })
        .await;
        let reply = post(&town, HEALTH).await;
        assert!(reply.status.is_client_error() && town.received() == 0, "{state:?} {:?}", reply.json());
        assert!(town.last_entry().get("would_refuse").is_none());
    }
}

#[test]
fn an_observation_is_at_most_sixty_days_long() {
    let from = today();
    let days = |days: i64| Observe { from, until: from.checked_add(jiff::Span::new().days(days)).unwrap() };
    assert!(days(0).is_sound() && days(59).is_sound());
    assert!(!days(60).is_sound() && !days(-1).is_sound());
}
