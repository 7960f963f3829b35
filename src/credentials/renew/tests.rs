//! What is asked of each provider, and what its answer holds.

use super::*;
use crate::domain::account::AccountId;

fn now() -> Timestamp {
    "2026-11-22T00:00:00Z".parse().unwrap()
}

fn asked(secret: &Secret, provider: &str) -> Outbound {
    let wears = Wears::Renewal(AccountId::new("a"));
    let mut outbound = request(secret, &ProviderId::new(provider), wears).unwrap();
    assert!(outbound.body.is_empty() && outbound.headers.get(header::AUTHORIZATION).is_none(), "nothing secret yet");
    complete(secret, &mut outbound, now(), "id-1").unwrap();
    outbound
}

fn body(outbound: &Outbound) -> String {
    let OutBody::Bytes(bytes) = &outbound.body else { panic!("it has a body") };
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn parsed(text: &str) -> Secret {
    Secret::parse(text).unwrap()
}

#[test]
fn a_public_and_a_confidential_application_ask_x_as_rfc_6749_says() {
    let public = parsed(r#"{"kind":"oauth2","client_id":"app","refresh_token":"r/1"}"#);
    let outbound = asked(&public, "x");
    assert_eq!((outbound.host.as_str(), outbound.path_and_query.as_str()), ("api.x.com", "/2/oauth2/token"));
    assert_eq!(body(&outbound), "grant_type=refresh%5Ftoken&refresh_token=r%2F1&client_id=app");
    let confidential = parsed(r#"{"kind":"oauth2","client_id":"app","client_secret":"s","refresh_token":"r"}"#);
    let outbound = asked(&confidential, "x");
    assert_eq!(outbound.headers.get(header::AUTHORIZATION).unwrap(), "Basic YXBwOnM=");
    assert!(!body(&outbound).contains("client_id"));
    assert_eq!(asked(&public, "youtube").host, "oauth2.googleapis.com");
    assert!(request(&public, &ProviderId::new("line"), Wears::Own).is_err());
}

#[test]
fn x_exchanges_the_refresh_token_and_google_keeps_it() {
    let held = parsed(r#"{"kind":"oauth2","client_id":"app","refresh_token":"old"}"#);
    let answer = br#"{"token_type":"bearer","expires_in":7200,"access_token":"new","refresh_token":"next"}"#;
    let (renewed, runs_out) = answered(&held, 200, answer, now()).unwrap();
    assert_eq!(runs_out, "2026-11-22T02:00:00Z".parse().unwrap());
    let expected = r#"{"kind":"oauth2","client_id":"app","refresh_token":"next","access_token":"new"}"#;
    assert_eq!(renewed, parsed(expected));
    let (renewed, _) = answered(&held, 200, br#"{"expires_in":3599,"access_token":"new"}"#, now()).unwrap();
    assert_eq!(renewed, parsed(&expected.replace("next", "old")));
}

#[test]
fn what_is_no_token_is_not_taken_for_one() {
    let held = parsed(r#"{"kind":"oauth2","client_id":"app","refresh_token":"old"}"#);
    let refused = answered(&held, 400, br#"{"error":"invalid_grant","access_token":"x"}"#, now());
    assert_eq!(refused.unwrap_err().0, "renewal-refused");
    for answer in
        [&b""[..], b"<html>", br#"{"access_token":""}"#, br#"{"access_token":"two words"}"#, br#"{"access_token":7}"#]
    {
        assert_eq!(answered(&held, 200, answer, now()).unwrap_err().0, "renewal-unreadable");
    }
}

#[test]
fn line_is_asked_for_a_stateless_token_by_secret_and_for_a_channel_token_by_assertion() {
    let stateless = parsed(r#"{"kind":"line-stateless","channel_id":"1","channel_secret":"s"}"#);
    let outbound = asked(&stateless, "line");
    assert_eq!(outbound.path_and_query, "/oauth2/v3/token");
    assert_eq!(body(&outbound), "grant_type=client%5Fcredentials&client_id=1&client_secret=s");
    let (_, runs_out) = answered(&stateless, 200, br#"{"access_token":"t","expires_in":900}"#, now()).unwrap();
    assert_eq!(runs_out, "2026-11-22T00:15:00Z".parse().unwrap());

    let pair = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
    use aws_lc_rs::encoding::AsDer as _;
    let der: aws_lc_rs::encoding::Pkcs8V1Der<'_> = pair.as_der().unwrap();
    let text = BASE64_STANDARD.encode(der.as_ref());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n");
    let held = json!({ "kind": "line-jwt", "channel_id": "1", "key_id": "kid-1", "private_key": pem });
    let outbound = asked(&parsed(&held.to_string()), "line");
    assert_eq!(outbound.path_and_query, "/oauth2/v2.1/token");
    let pairs = super::super::oauth1::pairs(&body(&outbound));
    let assertion = &pairs.iter().find(|(key, _)| key == "client_assertion").unwrap().1;
    let part = |n: usize| -> Value {
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(assertion.split('.').nth(n).unwrap()).unwrap()).unwrap()
    };
    assert_eq!((part(0)["alg"].as_str(), part(0)["kid"].as_str()), (Some("RS256"), Some("kid-1")));
    assert_eq!((part(1)["iss"].as_str(), part(1)["aud"].as_str()), (Some("1"), Some("https://api.line.me/")));
    assert_eq!(part(1)["exp"], now().as_second() + ASSERTION_S);
}

#[test]
fn a_threads_token_renews_itself_at_half_its_life() {
    let held = parsed(r#"{"kind":"threads","token":"t-1"}"#);
    let outbound = asked(&held, "threads");
    assert_eq!((outbound.method.as_str(), outbound.host.as_str()), ("GET", "graph.threads.net"));
    assert_eq!(outbound.path_and_query, "/refresh_access_token?grant_type=th_refresh_token&access_token=t%2D1");
    let (_, again) = answered(&held, 200, br#"{"access_token":"t-2","expires_in":5184000}"#, now()).unwrap();
    assert_eq!(again, "2026-12-22T00:00:00Z".parse().unwrap());
}

#[test]
fn an_at_protocol_session_begins_with_the_app_password_and_goes_on_with_its_refresh_token() {
    let held = parsed(r#"{"kind":"atproto","host":"bsky.social","identifier":"a.bsky.social","app_password":"p-1"}"#);
    let outbound = asked(&held, "bluesky");
    assert_eq!(outbound.path_and_query, "/xrpc/com.atproto.server.createSession");
    assert_eq!(
        serde_json::from_str::<Value>(&body(&outbound)).unwrap(),
        json!({"identifier": "a.bsky.social", "password": "p-1"})
    );
    let token = format!("h.{}.s", BASE64_URL_SAFE_NO_PAD.encode(json!({"exp": 1_800_000_000}).to_string()));
    let answer = json!({ "accessJwt": token, "refreshJwt": "refresh-1", "did": "did:plc:1" }).to_string();
    let (session, runs_out) = answered(&held, 200, answer.as_bytes(), now()).unwrap();
    assert_eq!(runs_out.as_second(), 1_800_000_000);
    let outbound = asked(&session, "bluesky");
    assert_eq!(outbound.path_and_query, "/xrpc/com.atproto.server.refreshSession");
    assert_eq!(outbound.headers.get(header::AUTHORIZATION).unwrap(), "Bearer refresh-1");
    assert!(outbound.body.is_empty());
}
