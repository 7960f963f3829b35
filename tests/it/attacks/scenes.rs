//! Attacks in several steps: approvals, replays, emergencies, media that change, keys that are used again.
#![expect(clippy::too_many_lines, reason = "a table is long")]

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::Method;
use jiff::{SignedDuration, Timestamp};
use sekisho::approve::signed::{Issuers, Statement};
use sekisho::config::approve::Approve;
use sekisho::demo::client::Reply;
use sekisho::demo::town as demo;
use sekisho::domain::account::AccountId;
use sekisho::domain::action::Action;
use sekisho::domain::approval::{Approval, ApprovalId};
use sekisho::domain::clock::Clock as _;
use sekisho::domain::digest::Digest;
use sekisho::domain::media::Sha256;
use sekisho::domain::person::PersonId;
use sekisho::practice::fault::{Fault, Trouble, When};
use serde_json::{Value, json};

use super::wire;
use super::{HEALTH, broadcast, request};
use crate::stage::{Town, digest_of, eventually, tweet, words};

const JSON: &str = "content-type: application/json\r\n";
const ALT: &str = "健康相談会の案内のちらし";

fn signer(town: &Town) -> Issuers {
    Issuers::open(&town.config.approve).unwrap()
}

fn statement(digest: Digest, now: Timestamp, change: impl FnOnce(&mut Approval)) -> Statement {
    let mut approval = Approval {
        id: ApprovalId::new(uuid::Uuid::new_v4().to_string()),
        account: AccountId::new("nerima-x"),
        actions: vec![Action::Publish],
        digest,
        not_before: now - SignedDuration::from_secs(5),
        expires: now + SignedDuration::from_secs(600),
        max_uses: 1,
        approver: PersonId::new("nerima-pr-head"),
        issuer: "sekisho".to_owned(),
        category: None,
        reference: None,
        remarks: Default::default(),
    };
    change(&mut approval);
    Statement { approval, basis: None }
}

async fn health(town: &Town) -> Digest {
    digest_of(&town.config, "api.x.com", "POST", "/2/tweets", &words(HEALTH)).await
}

async fn shown(town: &Town, jws: &str) -> Reply {
    let headers = [("sekisho-approval", jws)];
    town.nerima().send(Method::POST, "api.x.com", "/2/tweets", &headers, Some(words(HEALTH))).await.unwrap()
}

/// One refusal with one of these codes, and nothing at the provider.
async fn stays(town: &Town, name: &str, codes: &[&str], send: impl Future<Output = Reply>) {
    let (received, entries) = (town.received(), town.entries("nerima").len());
    let reply = tokio::time::timeout(Duration::from_secs(5), send).await.unwrap_or_else(|_| panic!("{name} hangs"));
    assert_eq!(town.received(), received, "{name}: the provider received something");
    let entered = town.entries("nerima").split_off(entries);
    assert!(reply.status.is_client_error(), "{name}: {}", reply.status);
    assert_eq!(entered.len(), 1, "{name}: {entered:?}");
    let code = entered[0]["code"].as_str().unwrap_or_default();
    assert!(codes.contains(&code), "{name}: {code}");
    wire::greet(town).await.unwrap();
}

fn recoded(jws: &str, part: usize, change: impl FnOnce(&mut Value)) -> String {
    let mut parts: Vec<String> = jws.split('.').map(str::to_owned).collect();
    let mut value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(&parts[part]).unwrap()).unwrap();
    change(&mut value);
    parts[part] = URL_SAFE_NO_PAD.encode(value.to_string());
    parts.join(".")
}

#[tokio::test(flavor = "multi_thread")]
async fn approvals_that_were_forged_or_are_for_something_else() {
    let town = Town::start().await;
    let (issuers, now, digest) = (signer(&town), town.clock.now(), health(&town).await);
    let sign = |change: fn(&mut Approval)| issuers.issue(&statement(digest, now, change), now).unwrap();
    let good = sign(|_| {});
    let header = |change: fn(&mut Value)| recoded(&good, 0, change);
    let claims = |change: fn(&mut Value)| recoded(&good, 1, change);
    let (head, rest) = good.split_once('.').unwrap();
    let (payload, signature) = rest.split_once('.').unwrap();
    let other_key = tempfile::tempdir().unwrap();
    let stranger = Issuers::open(&Approve { key_file: other_key.path().join("k"), ..Approve::default() }).unwrap();
    let foreign = stranger.issue(&statement(digest, now, |_| {}), now).unwrap();
    let hs256 = {
        let head = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"sekisho-approval+jwt"}"#);
        let pem = std::fs::read(&town.config.approve.key_file).unwrap();
        let message = format!("{head}.{payload}");
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &pem);
        let tag = aws_lc_rs::hmac::sign(&key, message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag))
    };
    let mut flipped = good.clone().into_bytes();
    let last = flipped.len() - 10;
    flipped[last] = if flipped[last] == b'A' { b'B' } else { b'A' };
    let forged = &["approval-malformed", "approval-signature"][..];
    let cases: Vec<(&str, String, &[&str])> = vec![
        ("alg none", header(|h| h["alg"] = json!("none")), forged),
        ("alg none without a signature", header(|h| h["alg"] = json!("none")).replace(signature, ""), forged),
        ("alg NONE", header(|h| h["alg"] = json!("NONE")), forged),
        ("HS256 with the key file", hs256, forged),
        ("alg ES256", header(|h| h["alg"] = json!("ES256")), forged),
        ("alg is a list", header(|h| h["alg"] = json!(["EdDSA"])), forged),
        ("jwk", header(|h| h["jwk"] = json!({ "kty": "OKP", "crv": "Ed25519", "x": "AAAA" })), forged),
        ("kid", header(|h| h["kid"] = json!("../../etc/passwd")), forged),
        ("jku", header(|h| h["jku"] = json!("https://evil.example/")), forged),
        ("crit", header(|h| h["crit"] = json!(["b64"])), forged),
        ("b64", header(|h| h["b64"] = json!(false)), forged),
        ("another typ", header(|h| h["typ"] = json!("JWT")), forged),
        ("no typ", header(|h| drop(h.as_object_mut().unwrap().remove("typ"))), forged),
        ("longer life", claims(|c| c["exp"] = json!(4_000_000_000_u64)), forged),
        ("more uses", claims(|c| c["authorization_details"][0]["max_uses"] = json!(1_000)), forged),
        ("another audience", claims(|c| c["aud"] = json!("other")), forged),
        ("another issuer", claims(|c| c["iss"] = json!("other")), forged),
        ("an unknown claim", claims(|c| c["x"] = json!(1)), forged),
        ("no details", claims(|c| c["authorization_details"] = json!([])), forged),
        ("a stranger's key", foreign, forged),
        ("one bit of the signature", String::from_utf8(flipped).unwrap(), forged),
        ("no signature", format!("{head}.{payload}."), forged),
        ("two parts", format!("{head}.{payload}"), forged),
        ("four parts", format!("{good}.{signature}"), forged),
        ("cut short", good[..good.len() - 4].to_owned(), forged),
        ("padding", format!("{good}=="), forged),
        ("a space in it", good.replace('.', ". "), forged),
        ("Bearer before it", format!("Bearer {good}"), forged),
        ("two, by a comma", format!("{good},{good}"), forged),
        ("the claims alone", payload.to_owned(), forged),
        ("9 KiB", format!("{good}{}", "A".repeat(9_000)), forged),
        (
            "expired by a second",
            {
                let past = now - SignedDuration::from_secs(700);
                issuers
                    .issue(
                        &statement(digest, past, |a| a.expires = a.not_before + SignedDuration::from_secs(704)),
                        past,
                    )
                    .unwrap()
            },
            &["approval-expired"],
        ),
        ("not yet, by five minutes", sign(|a| a.not_before += SignedDuration::from_secs(300)), &["approval-not-yet"]),
        (
            "signed in the future",
            issuers.issue(&statement(digest, now, |_| {}), now + SignedDuration::from_secs(60)).unwrap(),
            &["approval-not-yet"],
        ),
        ("another account", sign(|a| a.account = AccountId::new("nagano-x")), &["approval-other-account"]),
        (
            "another account of the tool",
            sign(|a| a.account = AccountId::new("nerima-line")),
            &["approval-other-account"],
        ),
        ("another action", sign(|a| a.actions = vec![Action::Delete]), &["approval-other-action"]),
        ("another post", sign(|a| a.digest = Digest::from_sha256(Sha256::of(b"x"))), &["approval-other-post"]),
        ("by the author", sign(|a| a.approver = PersonId::new("nerima-clerk")), &["self-approval"]),
    ];
    assert!(cases.len() > 35);
    for (name, jws, codes) in &cases {
        stays(&town, name, codes, shown(&town, jws)).await;
    }
    // After all that the true one still passes, once.
    let passed = shown(&town, &good).await;
    assert_eq!(passed.status, 201, "{:?}", passed.json());
    stays(&town, "the same again", &["approval-spent"], shown(&town, &good)).await;
    assert_eq!(town.provider.requests()[0].json().unwrap(), json!({ "text": HEALTH }));
    // An approval of one provider's post opens nothing at the other.
    let line = town.nerima();
    let other = sign(|_| {});
    let send = async {
        let headers = [("sekisho-approval", other.as_str())];
        line.send(Method::POST, "api.line.me", "/v2/bot/message/broadcast", &headers, Some(broadcast(HEALTH)))
            .await
            .unwrap()
    };
    stays(&town, "another provider", &["approval-other-account", "approval-other-post"], send).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_shown_many_times_at_once_opens_once() {
    let town = super::town().await;
    let (issuers, now) = (signer(&town), town.clock.now());
    let text = "【防災課】図書館の開館時間のお知らせです。";
    let digest = digest_of(&town.config, "api.x.com", "POST", "/2/tweets", &words(text)).await;
    let jws = issuers.issue(&statement(digest, now, |_| {}), now).unwrap();
    let lines = format!("{JSON}sekisho-approval: {jws}\r\n");
    let one = request("POST", "/x/2/tweets", "gw", &lines, words(text).as_bytes());
    // On 32 connections at once, and pipelined ten times on each of four.
    let open = String::from_utf8(one.clone()).unwrap().replace("connection: close\r\n", "");
    let pipeline = [open.repeat(9).into_bytes(), one.clone()].concat();
    let mut tasks = Vec::new();
    for i in 0..36 {
        let bytes = if i < 32 { one.clone() } else { pipeline.clone() };
        let stream = tokio::net::TcpStream::connect(town.running.gateway).await.unwrap();
        tasks.push(tokio::spawn(async move { wire::exchange(stream, &bytes).await }));
    }
    let mut answers = 0;
    for task in tasks {
        answers += task.await.unwrap().unwrap().heads.len();
    }
    assert_eq!(answers, 32 + 40);
    let received = town.provider.requests();
    assert_eq!(received.len(), 1, "one approval, one delivery");
    assert_eq!(received[0].json().unwrap(), json!({ "text": text }));
    let entries = town.entries("nerima");
    let permits = entries.iter().filter(|entry| entry["kind"] == "permit").count();
    let refusals = entries.iter().filter(|entry| entry["kind"] == "refusal").count();
    assert_eq!((permits, refusals), (1, 71));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emergency_opens_its_accounts_until_its_end_and_nothing_else() {
    let town = Town::start().await;
    let tool = town.nerima();
    let emergency = |text: &str| {
        let (tool, body) = (tool.clone(), words(text));
        async move { tool.send_reverse(Method::POST, "/emergency/x/2/tweets", Some(body)).await.unwrap() }
    };
    const FLOOD: &str = "【緊急】石神井川が氾濫危険水位に達しました。川から離れてください。";
    stays(&town, "undeclared", &["no-open-emergency"], emergency(FLOOD)).await;
    let declare = |body: Value| town.console(demo::DUTY_KEY, Method::POST, "/api/v1/emergencies", Some(body));
    let declared = declare(json!({ "reason": "氾濫", "accounts": ["nerima-x"], "for_s": 3_600 })).await;
    assert!(declared.status.is_success(), "{:?}", declared.json());
    for body in [
        json!({ "reason": "氾濫", "accounts": ["nerima-line"] }),
        json!({ "reason": "", "accounts": ["nerima-line"], "for_s": 60 }),
        json!({ "reason": "氾濫", "accounts": ["nagano-x"], "for_s": 60 }),
    ] {
        assert!(declare(body.clone()).await.status.is_client_error(), "{body}");
    }
    let by_clerk = town
        .console(
            "demo-nerima-clerk",
            Method::POST,
            "/api/v1/emergencies",
            Some(json!({ "reason": "氾濫", "accounts": ["nerima-line"], "for_s": 60 })),
        )
        .await;
    assert!(by_clerk.status.is_client_error());

    let passed = emergency(FLOOD).await;
    assert_eq!(passed.status, 201, "{:?}", passed.json());
    assert_eq!(town.provider.posts().len(), 1);

    stays(&town, "a shortener", &["shortened-link"], emergency("避難所はこちら https://bit.ly/3abc")).await;
    stays(&town, "a disguised shortener", &["shortened-link"], emergency("避難所はこちら https://ｂｉｔ。ｌｙ/3abc"))
        .await;
    stays(&town, "a My Number", &["personal-number"], emergency("個人番号 123456789018 の方へ")).await;
    stays(&town, "a template", &["unfilled-template"], emergency("【緊急】○時○分、氾濫しました。")).await;
    let with = |body: Value| {
        let (tool, body) = (tool.clone(), body.to_string());
        async move { tool.send_reverse(Method::POST, "/emergency/x/2/tweets", Some(body)).await.unwrap() }
    };
    stays(&town, "an unknown field", &["unmapped-fields"], with(json!({ "text": FLOOD, "x": "別の文" }))).await;
    stays(&town, "unseen media", &["unknown-media"], with(json!({ "text": FLOOD, "media": { "media_ids": ["1"] } })))
        .await;
    let line = async {
        tool.send_reverse(Method::POST, "/emergency/line/v2/bot/message/broadcast", Some(broadcast(FLOOD)))
            .await
            .unwrap()
    };
    stays(&town, "another account", &["no-open-emergency"], line).await;
    let nagano = town.tool(demo::NAGANO_TOOL_KEY);
    let before = town.received();
    let other = nagano.send_reverse(Method::POST, "/emergency/x/2/tweets", Some(words(FLOOD))).await.unwrap();
    assert!(other.status.is_client_error());
    assert_eq!(town.received(), before, "another body's emergency opened this one's account");
    let ordinary = async { tweet(&tool, "緊急の口でないところへ送る投稿です。").await };
    stays(&town, "the ordinary door", &["approval-missing"], ordinary).await;

    town.clock.forward(SignedDuration::from_secs(3_601));
    stays(&town, "after its end", &["no-open-emergency"], emergency("【緊急】水位が下がりました。")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drill_never_reaches_a_provider() {
    let town = Town::start().await;
    let body = json!({ "reason": "訓練", "accounts": ["nerima-x"], "for_s": 3_600, "drill": true });
    let declared = town.console(demo::DUTY_KEY, Method::POST, "/api/v1/emergencies", Some(body)).await;
    assert!(declared.status.is_success(), "{:?}", declared.json());
    let tool = town.nerima();
    let drill = async {
        tool.send_reverse(Method::POST, "/emergency/x/2/tweets", Some(words("【訓練】これは訓練です。"))).await.unwrap()
    };
    stays(&town, "a drill", &["drill-never-leaves"], drill).await;
}

async fn upload(town: &Town, bytes: &[u8]) -> String {
    let body = json!({ "media": STANDARD.encode(bytes), "media_category": "tweet_image", "media_type": "image/png" });
    let reply =
        town.nerima().send(Method::POST, "api.x.com", "/2/media/upload", &[], Some(body.to_string())).await.unwrap();
    assert!(reply.status.is_success(), "{:?}", reply.json());
    reply.json()["data"]["id"].as_str().unwrap().to_owned()
}

fn with_media(id: &str) -> String {
    json!({ "text": HEALTH, "media": { "media_ids": [id] } }).to_string()
}

async fn post(town: &Town, body: String) -> Reply {
    town.nerima().send(Method::POST, "api.x.com", "/2/tweets", &[], Some(body)).await.unwrap()
}

async fn describe(town: &Town, id: &str, alt: &str) -> Reply {
    let body = json!({ "id": id, "metadata": { "alt_text": { "text": alt } } }).to_string();
    town.nerima().send(Method::POST, "api.x.com", "/2/media/metadata", &[], Some(body)).await.unwrap()
}

/// Holds the post for approval and approves its ticket.
async fn approve_held(town: &Town, body: String) {
    let held = post(town, body).await;
    assert_eq!(held.header("sekisho-decision"), "held", "{:?}", held.json());
    let path = format!("/api/v1/tickets/{}/approve", held.header("sekisho-ticket"));
    let approved = town.console(demo::MANAGER_KEY, Method::POST, &path, Some(json!({}))).await;
    assert!(approved.status.is_success(), "{:?}", approved.json());
}

#[tokio::test(flavor = "multi_thread")]
async fn media_and_their_words_cannot_change_after_the_approval() {
    let town = Town::start().await;
    let id = upload(&town, b"a picture").await;
    stays(&town, "an id never seen", &["unknown-media"], post(&town, with_media("123"))).await;
    stays(&town, "an id with a zero before it", &["unknown-media"], post(&town, with_media(&format!("0{id}")))).await;
    stays(&town, "words for an id never seen", &["unknown-media"], describe(&town, "123", ALT)).await;
    stays(&town, "words with a shortener", &["shortened-link"], describe(&town, &id, "https://bit.ly/3abc")).await;

    approve_held(&town, with_media(&id)).await;
    assert!(describe(&town, &id, ALT).await.status.is_success());
    stays(&town, "words set after the approval", &["approval-missing"], post(&town, with_media(&id))).await;
    approve_held(&town, with_media(&id)).await;
    assert!(describe(&town, &id, "別の説明").await.status.is_success());
    stays(&town, "words changed after the approval", &["approval-missing"], post(&town, with_media(&id))).await;
    let other = upload(&town, b"another picture").await;
    assert!(describe(&town, &other, ALT).await.status.is_success());
    stays(&town, "other bytes under the same words", &["approval-missing"], post(&town, with_media(&other))).await;

    assert!(describe(&town, &id, ALT).await.status.is_success());
    let passed = post(&town, with_media(&id)).await;
    assert_eq!(passed.status, 201, "{:?}", passed.json());
    assert_eq!(town.provider.posts()[0].media_sha256, [Sha256::of(b"a picture").hex()]);

    // Another body's tool may not show it, nor describe it.
    let nagano = town.tool(demo::NAGANO_TOOL_KEY);
    let before = town.received();
    let shown = nagano.send(Method::POST, "api.x.com", "/2/tweets", &[], Some(with_media(&id))).await.unwrap();
    let alt = json!({ "id": id, "metadata": { "alt_text": { "text": ALT } } }).to_string();
    let described = nagano.send(Method::POST, "api.x.com", "/2/media/metadata", &[], Some(alt)).await.unwrap();
    assert!(shown.status.is_client_error() && described.status.is_client_error());
    assert_eq!(town.received(), before);
    assert!(town.entries("nagano").iter().all(|entry| entry["code"] == "foreign-media"));
}

#[tokio::test(flavor = "multi_thread")]
async fn words_on_their_way_to_a_medium_keep_the_post_that_shows_it() {
    let town = Town::start().await;
    let id = upload(&town, b"a picture").await;
    approve_held(&town, with_media(&id)).await;
    // The provider has the new words, and the gateway has not yet heard so.
    town.provider.order(
        Fault::next(When::AfterEffect, Trouble::slow(Duration::from_millis(30))).on("POST", "/2/media/metadata"),
    );
    let before = town.received();
    let slow = {
        let (tool, id) = (town.nerima(), id.clone());
        tokio::spawn(async move {
            let body =
                json!({ "id": id, "metadata": { "alt_text": { "text": "誰も承認していない説明" } } }).to_string();
            tool.send(Method::POST, "api.x.com", "/2/media/metadata", &[], Some(body)).await.unwrap()
        })
    };
    eventually("the words arrive", || town.received() == before + 1).await;
    stays(&town, "a post in between", &["media-busy"], post(&town, with_media(&id))).await;
    assert!(slow.await.unwrap().status.is_success());
    stays(&town, "the post afterwards", &["approval-missing"], post(&town, with_media(&id))).await;

    // The same when the answer is lost: nobody knows which words the medium has now.
    let id = upload(&town, b"a third picture").await;
    approve_held(&town, with_media(&id)).await;
    town.provider.order(Fault::next(When::AfterEffect, Trouble::Close).on("POST", "/2/media/metadata"));
    assert!(!describe(&town, &id, "誰も承認していない説明").await.status.is_success());
    stays(&town, "after a lost answer", &["approval-missing"], post(&town, with_media(&id))).await;
    assert_eq!(town.provider.posts().len(), 0);
}

async fn chunk(town: &Town, id: &str, number: u32, bytes: &str) -> Reply {
    let body = format!(
        "--b\r\nContent-Disposition: form-data; name=\"segment_index\"\r\n\r\n{number}\r\n--b\r\nContent-Disposition: form-data; name=\"media\"; filename=\"a\"\r\n\r\n{bytes}\r\n--b--\r\n"
    );
    let lines = "content-type: multipart/form-data; boundary=b\r\n";
    let path = format!("/x/2/media/upload/{id}/append");
    let wire = request("POST", &path, "gw", lines, body.as_bytes());
    let stream = tokio::net::TcpStream::connect(town.running.gateway).await.unwrap();
    let answer = wire::exchange(stream, &wire).await.unwrap();
    Reply {
        status: http::StatusCode::from_u16(answer.heads[0].status).unwrap(),
        headers: http::HeaderMap::new(),
        body: bytes::Bytes::new(),
    }
}

async fn finalize(town: &Town, id: &str) -> Reply {
    let path = format!("/2/media/upload/{id}/finalize");
    town.nerima().send(Method::POST, "api.x.com", &path, &[], None).await.unwrap()
}

async fn session(town: &Town, bytes: usize) -> String {
    let body = json!({ "media_type": "video/mp4", "media_category": "tweet_video", "total_bytes": bytes }).to_string();
    let reply =
        town.nerima().send(Method::POST, "api.x.com", "/2/media/upload/initialize", &[], Some(body)).await.unwrap();
    assert!(reply.status.is_success(), "{:?}", reply.json());
    reply.json()["data"]["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_of_an_upload_cannot_change_or_come_late() {
    let town = Town::start().await;
    let id = session(&town, 8).await;
    stays(&town, "a part of nobody's session", &["unknown-media"], chunk(&town, "123", 0, "abcd")).await;
    stays(&town, "an end without parts", &["media-incomplete"], finalize(&town, &id)).await;
    assert!(chunk(&town, &id, 0, "abcd").await.status.is_success());
    stays(&town, "the part again, changed", &["media-part-changed"], chunk(&town, &id, 0, "xxxx")).await;
    stays(&town, "shown before its end", &["media-incomplete"], post(&town, with_media(&id))).await;
    // A part whose answer was lost counts as taken: other bytes may not stand in its place.
    town.provider
        .order(Fault::next(When::AfterEffect, Trouble::Close).on("POST", &format!("/2/media/upload/{id}/append")));
    assert!(!chunk(&town, &id, 1, "efgh").await.status.is_success());
    stays(&town, "the lost part, changed", &["media-part-changed"], chunk(&town, &id, 1, "xxxx")).await;
    assert!(finalize(&town, &id).await.status.is_success());
    stays(&town, "a part after the end", &["media-complete"], chunk(&town, &id, 2, "ijkl")).await;
    approve_held(&town, with_media(&id)).await;
    let entries = town.entries("nerima");
    assert!(entries.iter().any(|entry| entry["code"] == "approval-missing"));
}

/// Sent twice at once, whichever of the two the provider keeps, the hash could be that of the other.
#[tokio::test(flavor = "multi_thread")]
async fn a_part_on_its_way_keeps_the_same_part_with_other_bytes() {
    let town = Town::start().await;
    let id = session(&town, 8).await;
    let before = town.received();
    let append = format!("/2/media/upload/{id}/append");
    town.provider.order(Fault::next(When::AfterEffect, Trouble::Hang).on("POST", &append));
    let first = chunk(&town, &id, 0, "abcd");
    tokio::pin!(first);
    let arrived = eventually("the part arrives", || town.received() == before + 1);
    tokio::select! {
        _ = &mut first => panic!("the provider has not answered"),
        () = arrived => {}
    }
    stays(&town, "the part at the same time, changed", &["media-busy"], chunk(&town, &id, 0, "xxxx")).await;
    // Another part may be on its way beside it.
    assert!(chunk(&town, &id, 1, "efgh").await.status.is_success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_key_opens_what_it_was_used_for_and_nothing_else() {
    let key = "123e4567-e89b-12d3-a456-426614174000";
    let town = Town::start_with(|config| {
        let mut second = config.accounts.iter().find(|account| account.id.as_str() == "nerima-line").unwrap().clone();
        second.id = AccountId::new("nerima-line-2");
        config.accounts.push(second);
        let tool = config.clients.iter_mut().find(|client| client.id.as_str() == "nerima-tool").unwrap();
        tool.accounts.push(AccountId::new("nerima-line-2"));
    })
    .await;
    let digest = digest_of(&town.config, "api.line.me", "POST", "/v2/bot/message/broadcast", &broadcast(HEALTH)).await;
    town.approve_for("nerima-line", Action::Publish, &digest, 1).await;
    let tool = town.nerima();
    let send = |account: &'static str, text: &str| {
        let (tool, body) = (tool.clone(), broadcast(text));
        async move {
            let headers = [("x-line-retry-key", key), ("sekisho-account", account)];
            tool.send(Method::POST, "api.line.me", "/v2/bot/message/broadcast", &headers, Some(body)).await.unwrap()
        }
    };
    town.provider.order(Fault::next(When::AfterEffect, Trouble::Close).on("POST", "/v2/bot/message/broadcast"));
    let lost = send("nerima-line", HEALTH).await;
    assert!(!lost.status.is_success());
    stays(&town, "the key with other words", &["approval-missing"], send("nerima-line", "別の文")).await;
    stays(&town, "the key on another account", &["approval-missing"], send("nerima-line-2", HEALTH)).await;
    let received = town.received();
    send("nerima-line", HEALTH).await;
    assert_eq!(town.received(), received + 1, "the same may be sent again while nobody knows its outcome");
    assert_eq!(town.provider.posts().len(), 1, "LINE took it once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contractor_keeps_to_its_scope_and_its_last_day() {
    let town = Town::start_with(|config| {
        let tool = config.clients.iter_mut().find(|client| client.id.as_str() == "nerima-tool").unwrap();
        tool.until = Some(jiff::Zoned::now().with_time_zone(jiff::tz::TimeZone::fixed(jiff::tz::offset(9))).date());
        tool.actions = vec![Action::Publish, Action::Read];
        tool.categories = vec!["events".to_owned()];
    })
    .await;
    let tool = town.nerima();
    let digest = health(&town).await;
    town.approve_for("nerima-x", Action::Publish, &digest, 5).await;
    let send = |method: Method, path: &'static str, category: &'static str, body: Option<String>| {
        let tool = tool.clone();
        async move { tool.send(method, "api.x.com", path, &[("sekisho-category", category)], body).await.unwrap() }
    };
    let text = || Some(words(HEALTH));
    stays(&town, "another category", &["category-out-of-scope"], send(Method::POST, "/2/tweets", "disaster", text()))
        .await;
    stays(&town, "a deletion", &["action-out-of-scope"], send(Method::DELETE, "/2/tweets/1", "events", None)).await;
    stays(
        &town,
        "a like",
        &["action-out-of-scope"],
        send(Method::POST, "/2/users/1/likes", "events", Some("{\"tweet_id\":\"1\"}".to_owned())),
    )
    .await;
    stays(
        &town,
        "an upload",
        &["action-out-of-scope"],
        send(Method::POST, "/2/media/upload", "events", Some("{\"media\":\"QUJD\"}".to_owned())),
    )
    .await;
    assert_eq!(send(Method::POST, "/2/tweets", "events", text()).await.status, 201);
    town.clock.forward(SignedDuration::from_hours(24));
    stays(&town, "the day after the last", &["client-expired"], send(Method::POST, "/2/tweets", "events", text()))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn large_bodies_of_any_content_are_answered_in_time() {
    let town = super::town().await;
    let fill = |unit: &str, bytes: usize| unit.repeat(bytes / unit.len());
    let n = 400_000;
    let texts = [
        ("letters", fill("a", n)),
        ("dots", fill("a.", n)),
        ("beginnings of links", fill("https://", n)),
        ("links", fill("https://example.com/a ", n)),
        ("shorteners", fill("bit.ly/3 ", n)),
        ("percent", fill("%25", n)),
        ("full width", fill("．ｃｏｍ", n)),
        ("ligatures", fill("\u{fdfa}", n)),
        ("marks", fill("\u{301}", n)),
        ("marks out of order", fill("\u{301}\u{323}", n)),
        ("zero width", fill("\u{200b}", n)),
        ("digits", fill("1234 5678 9012 ", n)),
        ("numbers with a cue", fill("個人番号123456789012", n)),
        ("circles", fill("○時○分", n)),
        ("at signs", fill("a@", n)),
        ("slashes", fill("//", n)),
        ("brackets", fill("［「", n)),
        ("line feeds", fill("\n", n)),
    ];
    let mut slow = BTreeSet::new();
    for (name, text) in &texts {
        let bytes = request("POST", "/x/2/tweets", "gw", JSON, words(text).as_bytes());
        match wire::send_heavy(&town, &bytes).await {
            Ok(answer) => assert_eq!(answer.entries(), 1, "{name}: {answer}"),
            Err(what) => drop(slow.insert(format!("{name}: {what}"))),
        }
    }
    let many: Vec<String> = (0..19_000).map(|i| format!("語{i}")).collect();
    let body = json!({ "text": HEALTH, "x": many }).to_string();
    if let Err(what) = wire::send_heavy(&town, &request("POST", "/x/2/tweets", "gw", JSON, body.as_bytes())).await {
        slow.insert(format!("many texts: {what}"));
    }
    // The upload route takes 16 MiB for the medium; what stands beside it is no larger than any other text.
    let body = json!({ "media": "QUJD", "media_category": fill("https://", 15_000_000) }).to_string();
    match wire::send_heavy(&town, &request("POST", "/x/2/media/upload", "gw", JSON, body.as_bytes())).await {
        Ok(answer) => assert_eq!(answer.entries(), 1),
        Err(what) => drop(slow.insert(format!("a large category: {what}"))),
    }
    wire::greet(&town).await.unwrap();
    assert_eq!(town.received(), 0);
    assert!(slow.is_empty(), "{slow:#?}");
}
