//! What people and tools do in scenes, beyond sending a post.

use http::Method;
use jiff::SignedDuration;
use sekisho::approve::signed::{Issuers, Statement};
use sekisho::demo::client::{Reply, Tool};
use sekisho::demo::town;
use sekisho::domain::account::AccountId;
use sekisho::domain::action::Action;
use sekisho::domain::approval::{Approval, ApprovalId};
use sekisho::domain::clock::Clock as _;
use sekisho::domain::digest::Digest;
use sekisho::domain::person::PersonId;
use serde_json::{Value, json};

use crate::stage::{Town, digest_of, words};

/// A post that nothing is wrong with.
pub const HEALTH: &str = "【健康課】12月1日(火)10時から、区役所本庁舎で健康相談会を開きます。";

/// A JSON request through the forward proxy.
pub async fn post(tool: &Tool, host: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Reply {
    tool.send(Method::POST, host, path, headers, Some(body.to_string())).await.unwrap()
}

/// The digest of a post to X.
pub async fn digest_of_words(town: &Town, text: &str) -> Digest {
    digest_of(&town.config, "api.x.com", "POST", "/2/tweets", &words(text)).await
}

/// An approval by the manager of `nerima-x`, for ten minutes and one use, changed as the scene wants.
pub fn approval(town: &Town, digest: &Digest, change: impl FnOnce(&mut Approval)) -> Approval {
    let now = town.clock.now();
    let mut approval = Approval {
        id: ApprovalId::new(uuid::Uuid::new_v4().to_string()),
        account: AccountId::new("nerima-x"),
        actions: vec![Action::Publish],
        digest: *digest,
        not_before: now,
        expires: now + SignedDuration::from_mins(10),
        max_uses: 1,
        approver: PersonId::new("nerima-pr-head"),
        issuer: town.config.approve.issuer.clone(),
        category: None,
        reference: None,
        remarks: Default::default(),
    };
    change(&mut approval);
    approval
}

/// The same, signed as `sekisho approval issue` signs: by the key file of the gateway.
pub fn signed(town: &Town, digest: &Digest, change: impl FnOnce(&mut Approval)) -> String {
    let issuers = Issuers::open(&town.config.approve).unwrap();
    let statement = Statement { approval: approval(town, digest, change), basis: None };
    issuers.issue(&statement, town.clock.now()).unwrap()
}

/// A post to X that shows a signed approval.
pub async fn tweet_with(tool: &Tool, text: &str, jws: &str) -> Reply {
    post(tool, "api.x.com", "/2/tweets", &[("sekisho-approval", jws)], &json!({ "text": text })).await
}

/// The duty officer declares an emergency; the declaration's id.
pub async fn declare(town: &Town, accounts: &[&str], for_s: u64, drill: bool) -> String {
    let body = json!({ "reason": "石神井川の氾濫", "accounts": accounts, "for_s": for_s, "drill": drill });
    let reply = town.console(town::DUTY_KEY, Method::POST, "/api/v1/emergencies", Some(body)).await;
    assert_eq!(reply.status, 201, "{:?}", reply.json());
    reply.json()["id"].as_str().unwrap().to_owned()
}

/// A post to X by the emergency endpoint.
pub async fn urgent(tool: &Tool, text: &str) -> Reply {
    tool.send_reverse(Method::POST, "/emergency/x/2/tweets", Some(words(text))).await.unwrap()
}

/// A one-shot upload to X; the medium's id.
pub async fn upload(tool: &Tool, bytes: &[u8]) -> String {
    use base64::Engine as _;
    let media = base64::prelude::BASE64_STANDARD.encode(bytes);
    let body = json!({ "media": media, "media_category": "tweet_image", "media_type": "image/png" });
    let reply = post(tool, "api.x.com", "/2/media/upload", &[], &body).await;
    assert_eq!(reply.status, 200, "{:?}", reply.json());
    reply.json()["data"]["id"].as_str().unwrap().to_owned()
}

/// A post to X with media.
pub fn illustrated(text: &str, media: &[&str]) -> Value {
    json!({ "text": text, "media": { "media_ids": media } })
}

/// The outcome entries of 練馬区's log that close the entry at `index`.
pub fn outcomes(town: &Town, index: u64) -> Vec<Value> {
    town.entries("nerima").into_iter().filter(|entry| entry["kind"] == "outcome" && entry["of"] == index).collect()
}

/// The index that a reply names in `Sekisho-Entry`.
pub fn entry_of(reply: &Reply) -> u64 {
    reply.header("sekisho-entry").parse().unwrap()
}
