//! Reverse doors: where a provider names an address of its own, the tool that called the gateway comes back to the gateway.
//! The address of an upload session is told in `channels::youtube`.

use std::net::SocketAddr;

use sekisho::demo::town::{MANAGER_KEY, TOOL_KEY};
use sekisho::domain::account::ProviderId;
use serde_json::{Value, json};

use crate::act::HEALTH;
use crate::channels::{Wire, approve, refused};
use crate::house::{Answer, send};
use crate::stage::Town;

const GRAPH: &str = "graph.facebook.com";
const MASTODON: &str = "mastodon.example";
const SIGN_IN: &str = "/xrpc/com.atproto.server.createSession";

/// A town in which each of these providers has an address of its own.
async fn town() -> Town {
    Town::start_with(|config| {
        for provider in ["bluesky", "facebook", "mastodon"] {
            config.listen.origins.insert(ProviderId::new(provider), "127.0.0.1:0".parse().unwrap());
        }
    })
    .await
}

fn origin(town: &Town, provider: &str) -> SocketAddr {
    town.running.origins[&ProviderId::new(provider)]
}

/// A tool that knows the gateway's address calls it there, by whatever address it stands in `base`.
async fn call(address: SocketAddr, method: &'static str, target: &str, body: Option<Value>) -> Answer {
    let (target, body) = (target.to_owned(), body.map(|body| body.to_string()).unwrap_or_default());
    let called = tokio::task::spawn_blocking(move || {
        let mut headers = vec![("Sekisho-Client", TOOL_KEY)];
        // An address of Graph carries the token itself.
        if !target.contains("access_token=") {
            headers.push(("Authorization", "Bearer practice-credential"));
        }
        if !body.is_empty() {
            headers.push(("Content-Type", "application/json"));
        }
        send(address, method, &target, &headers, body.as_bytes())
    });
    called.await.unwrap()
}

/// The body of an answer.
fn json_of(answer: &Answer) -> Value {
    let body = answer.text.split_once("\r\n\r\n").map(|(_, body)| body).unwrap_or_default();
    serde_json::from_str(body).unwrap_or_else(|_| panic!("{}", answer.text))
}

/// The path of an address of the gateway.
fn path_at(address: &str, base: SocketAddr) -> String {
    address.strip_prefix(&format!("http://{base}")).unwrap_or_else(|| panic!("{address} leaves {base}")).to_owned()
}

/// Puts two posts up, so that there is more than a page.
async fn two_posts(town: &Town, wire: impl Fn(&str) -> Wire) {
    for text in [HEALTH, "【図書館】12月2日(水)は休館します。"] {
        let held = refused(town, TOOL_KEY, &wire(text), "approval-missing", "nerima:11").await;
        approve(town, MANAGER_KEY, &held).await;
        let passed = wire(text).send(town, TOOL_KEY).await;
        assert_eq!(passed.status, 200, "{}", passed.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_that_holds_the_account_is_reached_by_the_address_that_the_tool_called() {
    let town = town().await;
    let identity = json!({ "identifier": "nerima.example", "password": "practice-password" });
    let record = json!({ "$type": "app.bsky.feed.post", "text": HEALTH, "createdAt": "2026-11-22T01:02:03.004Z" });
    let post = json!({ "repo": "did:plc:practice", "collection": "app.bsky.feed.post", "record": record });
    let doors = [
        (origin(&town, "bluesky"), "", "bsky.social"),
        (town.running.gateway, "/bluesky", "practice.host.bsky.network"),
    ];
    for (address, prefix, host) in doors {
        let session = call(address, "POST", &format!("{prefix}{SIGN_IN}"), Some(identity.clone())).await;
        assert_eq!(session.status, 200, "{session:?}");
        let told = json_of(&session);
        let server = told["didDoc"]["service"][0]["serviceEndpoint"].as_str().unwrap();
        // The tool goes on there; its post is held at the gate.
        let target = format!("{}/xrpc/com.atproto.repo.createRecord", path_at(server, address));
        let held = call(address, "POST", &target, Some(post.clone())).await;
        assert_eq!(held.header("sekisho-decision"), "held", "{held:?}");
        assert_eq!(town.last_entry()["host"], host);
    }
    assert!(town.provider.posts().is_empty());
    // Through the forward proxy every address leads here anyway, and the provider's answer is left as it is.
    let forward = Wire::new("POST", "bsky.social", SIGN_IN).json(&identity).send(&town, TOOL_KEY).await;
    let told = forward.json();
    assert_eq!(told["didDoc"]["service"][0]["serviceEndpoint"], "https://practice.host.bsky.network");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_page_of_graph_is_asked_of_the_gateway() {
    let town = town().await;
    let feed = |text: &str| Wire::new("POST", GRAPH, "/v26.0/me/feed").json(&json!({ "message": text }));
    two_posts(&town, feed).await;
    for (address, prefix) in [(origin(&town, "facebook"), ""), (town.running.gateway, "/facebook")] {
        let first = call(address, "GET", &format!("{prefix}/v26.0/me/feed?limit=1"), None).await;
        let page = json_of(&first);
        let before = town.received();
        let second = call(address, "GET", &path_at(page["paging"]["next"].as_str().unwrap(), address), None).await;
        let next = json_of(&second);
        assert_ne!(next["data"][0]["id"], page["data"][0]["id"]);
        assert!(next["data"][0]["id"].is_string() && next["paging"]["next"].is_null(), "{next}");
        assert_eq!(town.received(), before + 1);
    }
    let forward = Wire::new("GET", GRAPH, "/v26.0/me/feed?limit=1").send(&town, TOOL_KEY).await;
    let next = forward.json()["paging"]["next"].as_str().unwrap().to_owned();
    assert!(next.starts_with("https://graph.facebook.com/v26.0/me/feed?"), "{next}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_page_of_a_timeline_is_asked_of_the_gateway() {
    let town = town().await;
    two_posts(&town, |text| Wire::new("POST", MASTODON, "/api/v1/statuses").json(&json!({ "status": text }))).await;
    for (address, prefix) in [(origin(&town, "mastodon"), ""), (town.running.gateway, "/mastodon")] {
        let first = call(address, "GET", &format!("{prefix}/api/v1/timelines/home?limit=1"), None).await;
        let link = first.header("link").to_owned();
        let next = link.strip_prefix('<').and_then(|link| link.split_once(">; rel=\"next\"")).unwrap().0;
        assert!(!link.contains("https://"), "every address of it leads here: {link}");
        let second = call(address, "GET", &path_at(next, address), None).await;
        let (one, two) = (json_of(&first), json_of(&second));
        assert_ne!(one[0]["id"], two[0]["id"]);
        assert!(two[0]["id"].is_string(), "{two}");
    }
    let forward = Wire::new("GET", MASTODON, "/api/v1/timelines/home?limit=1").send(&town, TOOL_KEY).await;
    assert!(forward.text.contains("<https://mastodon.example/api/v1/timelines/home?"), "{}", forward.text);
}
