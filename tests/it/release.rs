//! Release: what was held and approved leaves from the gateway itself, under the credential that it holds, once; and
//! everything that is not that does not leave.

mod killed;
mod media;
mod refusals;
mod renewal;

use http::Method;
use sekisho::demo::client::Reply;
use sekisho::demo::town::{self, MANAGER_KEY};
use serde_json::{Value, json};

use crate::act::{HEALTH, outcomes};
use crate::channels::{Wire, encoded, header, remarks};
use crate::stage::{Town, eventually};

/// What a tool shows that needs no credential of its own.
pub const STAND_IN: (&str, &str) = ("Authorization", "Bearer sekisho");

/// A town whose gateway holds the credential of this account of 練馬区.
pub async fn holding(account: &str) -> Town {
    let town = Town::start().await;
    give(&town, account).await;
    town
}

/// The manager gives a credential into custody.
pub async fn give(town: &Town, account: &str) {
    let path = format!("/api/v1/accounts/{account}/credential");
    let secret = json!({ "secret": "token-of-the-town" });
    let given = town.console(MANAGER_KEY, Method::POST, &path, Some(secret)).await;
    assert_eq!(given.status, 200, "{:?}", given.json());
}

/// Sends what the gateway is to hold; its ticket.
pub async fn held(town: &Town, wire: &Wire) -> String {
    let answer = wire.clone().with(STAND_IN.0, STAND_IN.1).send(town, town::TOOL_KEY).await;
    assert_eq!(header(&answer, "sekisho-decision"), "held", "{}", answer.text);
    assert!(answer.text.contains("担当者が関所から発信できます"), "the tool is told: {}", answer.text);
    header(&answer, "sekisho-ticket")
}

/// The manager approves a ticket.
pub async fn approve(town: &Town, ticket: &str) {
    let path = format!("/api/v1/tickets/{ticket}/approve");
    let reply = town.console(MANAGER_KEY, Method::POST, &path, Some(json!({ "remarks": remarks() }))).await;
    assert_eq!(reply.status, 200, "{:?}", reply.json());
}

/// Somebody releases a ticket.
pub async fn release_by(town: &Town, key: &str, ticket: &str) -> Reply {
    town.console(key, Method::POST, &format!("/api/v1/tickets/{ticket}/release"), Some(json!({}))).await
}

/// The manager releases a ticket.
pub async fn release(town: &Town, ticket: &str) -> Reply {
    release_by(town, MANAGER_KEY, ticket).await
}

/// A release that comes to nothing, with this code, and after which no provider received anything more.
pub async fn not_released(town: &Town, key: &str, ticket: &str, code: &str) -> Reply {
    let received = town.received();
    let reply = release_by(town, key, ticket).await;
    assert_eq!(reply.json()["code"], code, "{} {:?}", reply.status, reply.json());
    assert!(!reply.status.is_success());
    assert_eq!(town.received(), received, "a provider received something");
    reply
}

/// The files of the town that hold one of these.
pub fn on_disk(town: &Town, needles: &[&[u8]]) -> Vec<std::path::PathBuf> {
    let (mut dirs, mut found, mut seen) = (vec![town.dir().to_owned()], Vec::new(), 0);
    while let Some(dir) = dirs.pop() {
        for file in std::fs::read_dir(dir).unwrap() {
            let path = file.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap_or_default();
            seen += 1;
            if needles.iter().any(|needle| bytes.windows(needle.len()).any(|window| window == *needle)) {
                found.push(path);
            }
        }
    }
    assert!(seen > 3, "the town lies on the disk");
    found
}

/// A post to X of these words.
pub fn tweet(text: &str) -> Wire {
    Wire::new("POST", "api.x.com", "/2/tweets").json(&json!({ "text": text }))
}

/// The kinds of some entries, acts by their names.
fn kinds(entries: &[Value]) -> Vec<String> {
    let name = |entry: &Value| entry["act"].as_str().or(entry["kind"].as_str()).unwrap().to_owned();
    entries.iter().map(name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_post_is_approved_and_leaves_from_the_gateway_once_under_the_accounts_own_credential() {
    let town = holding("nerima-x").await;
    let before = town.entries("nerima").len();
    let ticket = held(&town, &tweet(HEALTH)).await;
    approve(&town, &ticket).await;
    assert_eq!(town.received(), 0, "an approval alone sends nothing");

    let released = release(&town, &ticket).await;
    assert_eq!(released.status, 200, "{:?}", released.json());
    let received = town.provider.requests();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].json().unwrap(), json!({ "text": HEALTH }));
    assert_eq!(received[0].header("authorization"), Some("Bearer token-of-the-town"));
    assert!(received[0].headers.iter().all(|(name, _)| !name.starts_with("sekisho")), "{:?}", received[0].headers);
    assert_eq!(released.json()["published_id"], town.provider.posts()[0].id);

    let entries = town.entries("nerima").split_off(before);
    assert_eq!(kinds(&entries), ["refusal", "approve-ticket", "release-ticket", "permit", "outcome"]);
    assert_eq!((&entries[0]["decision"], &entries[0]["ticket"]), (&json!("held"), &json!(ticket)));
    assert!(entries[0]["kept_until"].is_string(), "{}", entries[0]);
    assert_eq!((&entries[2]["result"], &entries[2]["ticket"]), (&json!("done"), &json!(ticket)));
    let permit = &entries[3];
    assert_eq!(
        (&permit["released"], &permit["door"], &permit["approval_use"]),
        (&json!(ticket), &json!("release"), &json!(1))
    );
    assert_eq!((&permit["digest"], &permit["released_by"]), (&entries[0]["digest"], &entries[2]["by"]));
    assert_eq!(released.json()["entry"], permit["index"]);
    assert_eq!(outcomes(&town, permit["index"].as_u64().unwrap())[0]["outcome"], "published");
    assert!(!entries.iter().any(|entry| entry.to_string().contains("健康相談会")), "an entry shows no content");

    // Neither again from here, nor from the tool under the same approval.
    not_released(&town, MANAGER_KEY, &ticket, "release-done").await;
    let again = held(&town, &tweet(HEALTH)).await;
    assert_ne!(again, ticket);
    assert_eq!(town.provider.posts().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_between_hold_approval_and_release_loses_nothing() {
    let town = holding("nerima-x").await;
    let ticket = held(&town, &tweet(HEALTH)).await;
    let town = town.restart().await;
    approve(&town, &ticket).await;
    let town = town.restart().await;
    let released = release(&town, &ticket).await;
    assert_eq!(released.status, 200, "{:?}", released.json());
    let town = town.restart().await;
    not_released(&town, MANAGER_KEY, &ticket, "release-done").await;
    assert_eq!(town.provider.posts().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_that_asks_for_it_need_not_come_again_the_post_leaves_with_its_approval() {
    let town = holding("nerima-x").await;
    let later = tweet(HEALTH).with(STAND_IN.0, STAND_IN.1).with("Prefer", "wait=10, Respond-Async");
    let answer = later.send(&town, town::TOOL_KEY).await;
    assert_eq!((answer.status, header(&answer, "sekisho-decision").as_str()), (403, "held"), "{}", answer.text);
    assert!(answer.text.contains("承認されしだい、関所から発信します"), "{}", answer.text);
    let ticket = header(&answer, "sekisho-ticket");
    let other = held(&town, &tweet(&HEALTH.replace("10時", "11時"))).await;
    let town = town.restart().await;
    assert_eq!(town.received(), 0, "nobody has approved it");
    approve(&town, &other).await;
    approve(&town, &ticket).await;
    eventually("it leaves", || town.provider.posts().len() == 1).await;
    assert_eq!(town.provider.posts()[0].text, HEALTH, "and the one that nobody asked for does not");
    let received = town.provider.requests().pop().unwrap();
    assert!(received.header("prefer").is_none());
    eventually("it is recorded", || town.last_entry()["kind"] == "outcome").await;
    let entries = town.entries("nerima");
    let act = entries.iter().find(|entry| entry["act"] == "release-ticket").expect("the release is recorded");
    let approval = entries.iter().rfind(|entry| entry["act"] == "approve-ticket").unwrap();
    assert_eq!((&act["ticket"], &act["by"]), (&json!(ticket), &approval["by"]));
    not_released(&town, MANAGER_KEY, &ticket, "release-done").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_eight_who_release_at_once_one_sends() {
    let town = holding("nerima-x").await;
    let ticket = held(&town, &tweet(HEALTH)).await;
    approve(&town, &ticket).await;
    let all = futures_util::future::join_all((0..8).map(|_| release(&town, &ticket))).await;
    let sent = all.iter().filter(|reply| reply.status == 200).count();
    assert_eq!((sent, town.received()), (1, 1));
    let codes = all.iter().filter(|reply| reply.status != 200).map(|reply| reply.json()["code"].to_string());
    let known = ["\"release-done\"", "\"release-not-approved\"", "\"approval-spent\""];
    let strange: Vec<String> = codes.filter(|code| !known.contains(&code.as_str())).collect();
    assert!(strange.is_empty(), "{strange:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_can_be_read_by_nobody_who_has_the_disk_and_is_dropped_with_its_time() {
    let town = holding("nerima-facebook").await;
    // Graph's tools may write their credential into the body: the stand-in does not stay there either.
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let body = encoded(&[("message", HEALTH), ("access_token", "sekisho")]);
    let answer =
        town.nerima().send_reverse_with(Method::POST, "/graph.facebook.com/v26.0/123/feed", &form, Some(body)).await;
    let answer = answer.unwrap();
    assert_eq!(answer.header("sekisho-decision"), "held", "{:?}", answer.json());
    let ticket = answer.header("sekisho-ticket").to_owned();
    let kept = encoded(&[("message", HEALTH)]);
    let found = on_disk(&town, &["健康相談会".as_bytes(), kept.as_bytes(), hex::encode(&kept).as_bytes()]);
    assert!(found.is_empty(), "{found:?}");
    approve(&town, &ticket).await;
    let released = release(&town, &ticket).await;
    assert_eq!(released.status, 200, "{:?}", released.json());
    let received = town.provider.requests().pop().unwrap();
    assert_eq!(received.header("authorization"), Some("Bearer token-of-the-town"));
    assert_eq!(received.body.unwrap(), kept, "and the stand-in is in none of it");
}
