//! The whole road: a post is held, approved, passes once; and everything that is not that post does not pass.

use http::Method;
use serde_json::json;

use crate::stage::{Town, digest_of, tweet, words};

const HEALTH: &str = "【健康課】12月1日(火)10時から、区役所本庁舎で健康相談会を開きます。";

#[tokio::test(flavor = "multi_thread")]
async fn a_post_that_was_approved_by_digest_leaves_once_and_exactly_as_approved() {
    let town = Town::start().await;
    let tool = town.nerima();
    let digest = digest_of(&town.config, "api.x.com", "POST", "/2/tweets", &words(HEALTH)).await;
    town.approve(&digest).await;

    let passed = tweet(&tool, HEALTH).await;
    assert_eq!(passed.status, 201, "{:?}", passed.json());
    assert_eq!(passed.header("sekisho-decision"), "permitted");
    let received = town.provider.requests();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].json().unwrap(), json!({ "text": HEALTH }));

    town.refuses("approval-missing", "nerima:11", tweet(&tool, HEALTH)).await;
    town.refuses("approval-missing", "nerima:11", tweet(&tool, &HEALTH.replace("10時", "11時"))).await;
    assert_eq!(town.provider.posts().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nerima_3_an_unknown_route_is_refused_by_name() {
    let town = Town::start().await;
    let tool = town.nerima();
    let route =
        async { tool.send(Method::POST, "api.x.com", "/2/timeline/secret", &[], Some(words(HEALTH))).await.unwrap() };
    town.refuses("unknown-route", "sekisho:promise-3", route).await;
}
