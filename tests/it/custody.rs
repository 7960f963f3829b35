//! Custody (練馬 第9条, 長野 5(1)-(4)): the gateway holds the provider credentials; tools and staff need none.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::Method;
use jiff::SignedDuration;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sekisho::demo::client::{Reply, Tool};
use sekisho::demo::town;
use sekisho::practice::fault::{Fault, Trouble, When};
use serde_json::{Value, json};

use crate::act::{HEALTH, digest_of_words};
use crate::stage::{Town, words};

const BEARER: [(&str, &str); 1] = [("authorization", "Bearer sekisho")];

/// The manager gives the credential of `nerima-x` into custody.
pub async fn give(town: &Town, secret: Value) -> Reply {
    let path = "/api/v1/accounts/nerima-x/credential";
    town.console(town::MANAGER_KEY, Method::POST, path, Some(json!({ "secret": secret }))).await
}

/// A post to X from a tool that shows what `headers` say and nothing else.
pub async fn post(tool: &Tool, headers: &[(&str, &str)], text: &str) -> Reply {
    tool.send_with(Method::POST, "api.x.com", "/2/tweets", headers, Some(words(text))).await.unwrap()
}

/// The `n`th of some posts; X takes no post twice.
fn text(n: u32) -> String {
    HEALTH.replace("10時", &format!("{n}時"))
}

/// The manager approves the first so many of them.
async fn approved(town: &Town, posts: u32) {
    for n in 0..posts {
        let digest = digest_of_words(town, &text(n)).await;
        town.approve_for("nerima-x", sekisho::domain::action::Action::Publish, &digest, 1).await;
    }
}

fn oauth2() -> Value {
    json!({ "kind": "oauth2", "client_id": "app", "refresh_token": "refresh-of-the-town" })
}

fn oauth1() -> Value {
    json!({
        "kind": "oauth1", "consumer_key": "practice-consumer", "consumer_secret": "practice-consumer-secret",
        "token": "4711-practice", "token_secret": "practice-token-secret",
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn nerima_9_a_tool_without_a_credential_posts_and_the_provider_sees_the_accounts_own() {
    let town = Town::start().await;
    let given = give(&town, json!("token-of-the-town")).await;
    assert_eq!(given.status, 200, "{:?}", given.json());
    approved(&town, 3).await;
    let tool = town.nerima();

    let ways: [&[(&str, &str)]; 2] = [&[], &BEARER];
    for (n, headers) in (0..).zip(ways) {
        let passed = post(&tool, headers, &text(n)).await;
        assert_eq!(passed.status, 201, "{:?}", passed.json());
    }
    let reverse = tool.send_reverse_with(Method::POST, "/x/2/tweets", &BEARER, Some(words(&text(2)))).await.unwrap();
    assert_eq!(reverse.status, 201, "{:?}", reverse.json());
    let received = town.provider.requests();
    assert_eq!(received.len(), 3);
    for request in &received {
        assert_eq!(request.header("authorization"), Some("Bearer token-of-the-town"));
        assert_eq!(request.headers.iter().filter(|(name, _)| name == "authorization").count(), 1);
        assert!(request.headers.iter().all(|(_, value)| !value.ends_with("sekisho")), "the stand-in left");
    }
    let act = town.entries("nerima").into_iter().find(|entry| entry["act"] == "set-credential").unwrap();
    assert_eq!((act["credential_kind"].as_str(), act["result"].as_str()), (Some("bearer"), Some("done")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_oauth_1_signature_of_the_gateway_verifies_at_the_provider_by_every_door() {
    let town = Town::start().await;
    assert_eq!(give(&town, oauth1()).await.status, 200);
    approved(&town, 2).await;
    let tool = town.nerima();

    let passed = post(&tool, &BEARER, &text(0)).await;
    assert_eq!(passed.status, 201, "{:?}", passed.json());
    // A tool whose SDK signs in OAuth 1.0a with a stand-in may even come by the reverse door.
    let sham = [("authorization", "OAuth oauth_consumer_key=\"x\", oauth_token=\"sekisho\", oauth_signature=\"x\"")];
    let reverse = tool.send_reverse_with(Method::POST, "/x/2/tweets", &sham, Some(words(&text(1)))).await.unwrap();
    assert_eq!(reverse.status, 201, "{:?}", reverse.json());
    // A read with a query that needs encoding is signed over its decoded parameters.
    let read = "/2/users/4711/tweets?max_results=5&tweet.fields=created_at%2Ctext";
    let seen = tool.send_with(Method::GET, "api.x.com", read, &BEARER, None).await.unwrap();
    assert_eq!(seen.status, 200, "{:?}", seen.json());

    assert_eq!(town.provider.posts().len(), 2);
    assert!(town.provider.posts().iter().all(|post| post.account == "4711"), "the account is the token's");
    let received = town.provider.requests();
    let nonce =
        |n: usize| received[n].header("authorization").unwrap().split("oauth_nonce=").nth(1).unwrap()[..34].to_owned();
    assert_ne!(nonce(0), nonce(1), "each request has a signature of its own");
}

const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// What a tool's own SDK makes of RFC 5849 for a request without query and form.
fn signed_by_a_client(path: &str, token_secret: &str) -> String {
    let fields = [
        ("oauth_consumer_key", "practice-consumer"),
        ("oauth_nonce", "n0nce"),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_timestamp", "1795300000"),
        ("oauth_token", "4711-practice"),
        ("oauth_version", "1.0"),
    ];
    let joined: Vec<String> = fields.iter().map(|(key, value)| format!("{key}={}", encoded(value))).collect();
    let address = encoded(&format!("https://api.x.com{path}"));
    let base = format!("POST&{address}&{}", encoded(&joined.join("&")));
    let key = format!("practice-consumer-secret&{token_secret}");
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key.as_bytes());
    let signature = encoded(&BASE64_STANDARD.encode(hmac::sign(&key, base.as_bytes())));
    let told: Vec<String> = fields.iter().map(|(key, value)| format!("{key}=\"{}\"", encoded(value))).collect();
    format!("OAuth {}, oauth_signature=\"{signature}\"", told.join(", "))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_oauth_1_signature_of_a_client_verifies_at_the_provider_after_the_gate_in_forward_mode() {
    let town = Town::start().await;
    approved(&town, 2).await;
    let tool = town.nerima();
    let good = signed_by_a_client("/2/tweets", "practice-token-secret");
    let passed = post(&tool, &[("authorization", &good)], &text(0)).await;
    assert_eq!(passed.status, 201, "{:?}", passed.json());
    assert_eq!(town.provider.posts()[0].account, "4711");
    // The provider does look: a signature by another secret reaches it and is turned away.
    let bad = signed_by_a_client("/2/tweets", "another-secret");
    let refused = post(&tool, &[("authorization", &bad)], &text(1)).await;
    assert_eq!(refused.status, 401, "{:?}", refused.json());
    assert_eq!((town.received(), town.provider.posts().len()), (2, 1));
}

fn renewals(town: &Town) -> usize {
    town.provider.requests().iter().filter(|request| request.target == "/2/oauth2/token").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_posts_at_once_renew_the_token_once_and_it_is_durable_before_it_is_shown() {
    let town = Town::start().await;
    assert_eq!(give(&town, oauth2()).await.status, 200);
    approved(&town, 12).await;
    let tool = town.nerima();

    let posts = (0..10).map(|n| {
        let tool = tool.clone();
        tokio::spawn(async move { post(&tool, &BEARER, &text(n)).await.status })
    });
    for answer in futures_util::future::join_all(posts).await {
        assert_eq!(answer.unwrap(), 201);
    }
    assert_eq!((renewals(&town), town.provider.posts().len()), (1, 10));
    let received = town.provider.requests();
    assert_eq!(received[0].target, "/2/oauth2/token", "the renewal comes first");
    assert!(received[1..].iter().all(|it| it.header("authorization").unwrap().starts_with("Bearer practice")));
    let entries = town.entries("nerima");
    let renewal = entries.iter().find(|entry| entry["route"] == "credential-renewal").expect("it is entered");
    assert_eq!((renewal["kind"].as_str(), renewal["account"].as_str()), (Some("permit"), Some("nerima-x")));

    // What was exchanged outlives the process: the old refresh token is spent, and is not needed.
    let town = town.restart().await;
    let again = post(&town.nerima(), &BEARER, &text(10)).await;
    assert_eq!((again.status.as_u16(), renewals(&town)), (201, 1));
    // After its life the next refresh token, not the first, is exchanged.
    town.clock.forward(SignedDuration::from_hours(3));
    approved(&town, 12).await;
    // (By the reverse door: a certificate of three hours from now is not valid yet.)
    let later = words(&text(11));
    let sent = town.nerima().send_reverse_with(Method::POST, "/x/2/tweets", &BEARER, Some(later)).await.unwrap();
    assert_eq!(sent.status, 201, "{:?}", sent.json());
    let exchanged: Vec<String> = town
        .provider
        .requests()
        .iter()
        .filter(|request| request.target == "/2/oauth2/token")
        .map(|request| String::from_utf8_lossy(request.body.as_ref().unwrap()).into_owned())
        .collect();
    assert!(exchanged.len() == 2 && exchanged[0] != exchanged[1], "{exchanged:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_cannot_be_renewed_holds_the_post_back_and_nothing_is_sent() {
    let town = Town::start().await;
    let dead = json!({ "kind": "oauth2", "client_id": "app", "refresh_token": "revoked" });
    assert_eq!(give(&town, dead).await.status, 200);
    approved(&town, 1).await;
    let refused = post(&town.nerima(), &BEARER, &text(0)).await;
    let told = String::from_utf8_lossy(&refused.body).into_owned();
    assert!(refused.status == 403 && told.contains("認証情報を更新できなかった"), "{told}");
    assert_eq!((renewals(&town), town.provider.posts().len()), (1, 0));
    assert_eq!(town.last_entry()["code"], "credential-not-renewed");
    // It is not asked again at once, and the approval is still there for when the credential is set anew.
    assert_eq!(post(&town.nerima(), &BEARER, &text(0)).await.status, 403);
    assert_eq!(renewals(&town), 1);
    let path = "/api/v1/accounts/nerima-x/credential";
    let body = json!({ "secret": "token-of-the-town", "rotate": true });
    assert_eq!(town.console(town::MANAGER_KEY, Method::POST, path, Some(body)).await.status, 200);
    assert_eq!(post(&town.nerima(), &BEARER, &text(0)).await.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_the_provider_refuses_is_renewed_before_the_next_post_and_the_post_is_not_sent_twice() {
    let town = Town::start().await;
    assert_eq!(give(&town, oauth2()).await.status, 200);
    approved(&town, 3).await;
    assert_eq!(post(&town.nerima(), &BEARER, &text(0)).await.status, 201);
    town.clock.forward(SignedDuration::from_mins(2));
    town.provider.order(Fault::next(When::AfterBody, Trouble::status(401)));
    assert_eq!(post(&town.nerima(), &BEARER, &text(1)).await.status, 401);
    assert_eq!((renewals(&town), town.provider.posts().len()), (1, 1), "the gateway does not try again by itself");
    assert_eq!(post(&town.nerima(), &BEARER, &text(2)).await.status, 201);
    assert_eq!((renewals(&town), town.provider.posts().len()), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn nagano_5_3_a_leaked_credential_is_locked_with_its_account_and_only_a_new_one_opens_it() {
    let town = Town::start().await;
    assert_eq!(give(&town, json!("token-of-the-town")).await.status, 200);
    approved(&town, 1).await;
    let act = async |what: &str, body: Value| {
        let path = format!("/api/v1/accounts/nerima-x/{what}");
        town.console(town::MANAGER_KEY, Method::POST, &path, Some(body)).await
    };
    assert_eq!(act("lock", json!({ "reason": "流出", "leak": true })).await.status, 200);
    assert_eq!(act("unlock", json!({ "reason": "確認した" })).await.status, 200);
    let tool = town.nerima();
    town.refuses("credential-locked", "sekisho:custody", post(&tool, &BEARER, &text(0))).await;
    let same = act("credential", json!({ "secret": "token-of-the-town", "rotate": true })).await;
    assert_eq!(same.json()["code"], "credential-same", "the leaked one does not open it again");
    town.refuses("credential-locked", "sekisho:custody", post(&tool, &BEARER, &text(0))).await;
    assert_eq!(act("credential", json!({ "secret": "a-new-token", "rotate": true })).await.status, 200);
    assert_eq!(post(&tool, &BEARER, &text(0)).await.status, 201);
    assert_eq!(town.provider.requests()[0].header("authorization"), Some("Bearer a-new-token"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nerima_9_an_overdue_password_holds_ordinary_posts_and_lets_an_emergency_pass() {
    let town = Town::start().await;
    assert_eq!(give(&town, json!("token-of-the-town")).await.status, 200);
    town.clock.forward(SignedDuration::from_hours(24 * 181));
    approved(&town, 1).await;
    let tool = town.nerima();
    let ordinary =
        async { tool.send_reverse_with(Method::POST, "/x/2/tweets", &BEARER, Some(words(&text(0)))).await.unwrap() };
    town.refuses("rotation-overdue", "nerima:9", ordinary).await;
    let declared = json!({ "reason": "地震", "accounts": ["nerima-x"], "for_s": 3600 });
    assert_eq!(town.console(town::DUTY_KEY, Method::POST, "/api/v1/emergencies", Some(declared)).await.status, 201);
    let urgent = words("大泉地区に避難指示を出しました。");
    let sent = tool.send_reverse_with(Method::POST, "/emergency/x/2/tweets", &BEARER, Some(urgent)).await.unwrap();
    assert_eq!(sent.status, 201, "{:?}", sent.json());
    assert_eq!(town.received(), 1);
    let accounts = town.console(town::MANAGER_KEY, Method::GET, "/api/v1/accounts", None).await.json();
    let own = accounts["accounts"].as_array().unwrap().iter().find(|it| it["id"] == "nerima-x").unwrap();
    assert_eq!(
        (own["credential"]["standing"].as_str(), &own["credential"]["due_soon"]),
        (Some("overdue"), &json!(true))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_manager_and_operators_hold_the_password_and_a_tool_does_not_sign_in() {
    let town = Town::start().await;
    let path = "/api/v1/accounts/nerima-x/credential";
    let by =
        async |key: &str| town.console(key, Method::POST, path, Some(json!({ "secret": "a-token-of-theirs" }))).await;
    assert_eq!(by("demo-nerima-clerk").await.json()["code"], "may-not-hold-credential");
    assert_eq!(by("demo-nagano-manager").await.status, 404);
    assert_eq!(by(town::MANAGER_KEY).await.status, 200);
    assert_eq!(by(town::MANAGER_KEY).await.json()["code"], "credential-same");
    let first = town.console(town::MANAGER_KEY, Method::POST, path, Some(json!({ "secret": "another-token" }))).await;
    assert_eq!(first.json()["code"], "credential-known");
    let form = "grant_type=authorization_code&code=c&client_id=app".to_owned();
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let tool = town.nerima();
    let sign_in =
        async { tool.send_with(Method::POST, "api.x.com", "/2/oauth2/token", &headers, Some(form)).await.unwrap() };
    town.refuses("credential-in-custody", "sekisho:custody", sign_in).await;
    assert_eq!(town.received(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stand_in_for_an_account_that_nobody_holds_is_refused() {
    let town = Town::start().await;
    approved(&town, 1).await;
    town.refuses("credential-not-held", "sekisho:custody", post(&town.nerima(), &BEARER, &text(0))).await;
}
