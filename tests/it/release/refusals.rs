//! What is not released: not approved, not by anybody, not of a locked account, not late, not twice, not without custody.

use http::Method;
use jiff::SignedDuration;
use sekisho::demo::town::{self, MANAGER_KEY};
use serde_json::json;

use super::{STAND_IN, approve, give, held, holding, not_released, release, release_by, tweet};
use crate::act::HEALTH;
use crate::channels::header;
use crate::stage::Town;

#[tokio::test(flavor = "multi_thread")]
async fn nobody_releases_what_is_not_approved_or_what_is_not_theirs() {
    let town = Town::start_with(|config| {
        let operator = config.people.iter_mut().find(|person| person.id.as_str() == "nerima-operator").unwrap();
        operator.key_sha256 = Some(town::key_hash("demo-nerima-operator"));
    })
    .await;
    give(&town, "nerima-x").await;
    let ticket = held(&town, &tweet(HEALTH)).await;
    let refused = not_released(&town, MANAGER_KEY, &ticket, "ticket-not-approved").await;
    assert_eq!(refused.status, 409);
    let act = town.last_entry();
    assert_eq!(
        (&act["act"], &act["result"], &act["code"]),
        (&json!("release-ticket"), &json!("refused"), &json!("ticket-not-approved"))
    );

    approve(&town, &ticket).await;
    for key in ["demo-nerima-clerk", town::DUTY_KEY] {
        let refused = not_released(&town, key, &ticket, "may-not-release").await;
        assert_eq!(refused.status, 403);
        assert_eq!(town.last_entry()["result"], "refused", "the attempt is on record");
    }
    assert_eq!(not_released(&town, "demo-nagano-manager", &ticket, "not-found").await.status, 404);
    assert_eq!(release_by(&town, "nobody", &ticket).await.status, 401);
    assert_eq!(town.received(), 0);
    // The account's operator may, although somebody else approved.
    let operator = release_by(&town, "demo-nerima-operator", &ticket).await;
    assert_eq!(operator.status, 200, "{:?}", operator.json());
    assert_eq!(town.provider.posts().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_that_was_sent_back_is_dropped_and_one_of_a_locked_account_stays_until_it_is_unlocked() {
    let town = holding("nerima-x").await;
    let ticket = held(&town, &tweet(HEALTH)).await;
    let reason = json!({ "reason": "日付の確認" });
    let path = format!("/api/v1/tickets/{ticket}/return");
    assert_eq!(town.console(MANAGER_KEY, Method::POST, &path, Some(reason.clone())).await.status, 200);
    not_released(&town, MANAGER_KEY, &ticket, "ticket-not-approved").await;

    let ticket = held(&town, &tweet(HEALTH)).await;
    approve(&town, &ticket).await;
    let lock = |what: &str| format!("/api/v1/accounts/nerima-x/{what}");
    assert_eq!(town.console(MANAGER_KEY, Method::POST, &lock("lock"), Some(reason.clone())).await.status, 200);
    not_released(&town, MANAGER_KEY, &ticket, "account-locked").await;
    assert_eq!(town.console(MANAGER_KEY, Method::POST, &lock("unlock"), Some(reason)).await.status, 200);
    assert_eq!(release(&town, &ticket).await.status, 200);
    assert_eq!(town.received(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_that_the_tool_has_used_or_that_has_run_out_releases_nothing() {
    let town = holding("nerima-x").await;
    let ticket = held(&town, &tweet(HEALTH)).await;
    approve(&town, &ticket).await;
    let sent = tweet(HEALTH).with(STAND_IN.0, STAND_IN.1).send(&town, town::TOOL_KEY).await;
    assert_eq!(header(&sent, "sekisho-decision"), "permitted", "{}", sent.text);
    not_released(&town, MANAGER_KEY, &ticket, "release-not-approved").await;
    let entry = town.last_entry();
    assert_eq!(
        (&entry["kind"], &entry["released"], &entry["decision"]),
        (&json!("refusal"), &json!(ticket), &json!("refused"))
    );
    assert_eq!(entry["clauses"], json!(["sekisho:release"]));

    let other = HEALTH.replace("10時", "11時");
    let late = held(&town, &tweet(&other)).await;
    approve(&town, &late).await;
    town.clock.forward(SignedDuration::from_secs(601));
    not_released(&town, MANAGER_KEY, &late, "release-not-approved").await;
    assert_eq!(town.provider.posts().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_kept_any_more_or_never_was_is_not_released() {
    let town = Town::start_with(|config| config.approve.max_life_s = 400 * 3600).await;
    // Without custody nothing is kept, and the tool is told nothing of it.
    let answer = tweet(HEALTH).send(&town, town::TOOL_KEY).await;
    assert_eq!(header(&answer, "sekisho-decision"), "held");
    assert!(!answer.text.contains("担当者が関所から発信できます"), "{}", answer.text);
    let ticket = header(&answer, "sekisho-ticket");
    assert!(town.last_entry()["kept_until"].is_null());
    approve(&town, &ticket).await;
    give(&town, "nerima-x").await;
    not_released(&town, MANAGER_KEY, &ticket, "release-not-kept").await;

    let other = HEALTH.replace("10時", "11時");
    let ticket = held(&town, &tweet(&other)).await;
    town.clock.forward(SignedDuration::from_hours(73));
    approve(&town, &ticket).await;
    not_released(&town, MANAGER_KEY, &ticket, "release-not-kept").await;
    assert_eq!(town.received(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_that_was_locked_releases_nothing_and_a_body_that_is_too_large_is_not_kept() {
    let town = Town::start_with(|config| config.ledger.kept_bytes = 200).await;
    give(&town, "nerima-x").await;
    let ticket = held(&town, &tweet(HEALTH)).await;
    approve(&town, &ticket).await;
    let long = "【健康課】".to_owned() + &"あ".repeat(100);
    let answer = tweet(&long).with(STAND_IN.0, STAND_IN.1).send(&town, town::TOOL_KEY).await;
    assert_eq!(header(&answer, "sekisho-decision"), "held", "{}", answer.text);
    assert!(town.last_entry()["kept_until"].is_null());

    let leak = json!({ "reason": "流出" });
    let path = "/api/v1/accounts/nerima-x/credential/lock";
    assert_eq!(town.console(MANAGER_KEY, Method::POST, path, Some(leak)).await.status, 200);
    let received = town.received();
    let reply = release(&town, &ticket).await;
    assert!(reply.status.is_client_error(), "{:?}", reply.json());
    assert_eq!((town.received(), town.last_entry()["kind"].as_str()), (received, Some("refusal")));
}
