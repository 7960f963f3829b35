//! Tokens that run out, at each provider that renews them: the renewal is a request of its own before the post, durable
//! before it is shown, and done again when the token's life is over.

use http::Method;
use jiff::SignedDuration;
use sekisho::demo::town::MANAGER_KEY;
use serde_json::{Value, json};

use super::{approve, held, release};
use crate::act::HEALTH;
use crate::channels::Wire;
use crate::stage::Town;

/// An account whose credential renews itself.
struct Renewing {
    account: &'static str,
    secret: Value,
    /// Where it is renewed, before the first post and after its life.
    at: [Option<&'static str>; 2],
    life: SignedDuration,
    post: fn(&str) -> Wire,
}

fn all() -> Vec<Renewing> {
    vec![
        Renewing {
            account: "nerima-youtube",
            secret: json!({ "kind": "oauth2", "client_id": "app", "client_secret": "a-secret-of-the-app", "refresh_token": "refresh-of-the-town" }),
            at: [Some("/token"); 2],
            life: SignedDuration::from_hours(2),
            post: |text| {
                let playlist = json!({ "snippet": { "title": "練馬区の動画", "description": text } });
                Wire::new("POST", "youtube.googleapis.com", "/youtube/v3/playlists?part=snippet").json(&playlist)
            },
        },
        Renewing {
            account: "nerima-threads",
            secret: json!({ "kind": "threads", "token": "long-token-of-the-town" }),
            // One of Threads must be a day old before it renews itself.
            at: [None, Some("/refresh_access_token")],
            life: SignedDuration::from_hours(49),
            post: |text| {
                let pairs = [("media_type", "TEXT"), ("text", text), ("auto_publish_text", "true")];
                Wire::new("POST", "graph.threads.net", "/v1.0/me/threads").form(&pairs)
            },
        },
        Renewing {
            account: "nerima-line",
            secret: json!({ "kind": "line-stateless", "channel_id": "1", "channel_secret": "secret-of-the-channel" }),
            at: [Some("/oauth2/v3/token"); 2],
            life: SignedDuration::from_mins(20),
            post: |text| {
                let message = json!({ "messages": [{ "type": "text", "text": text }] });
                Wire::new("POST", "api.line.me", "/v2/bot/message/broadcast").json(&message)
            },
        },
        Renewing {
            account: "nerima-bluesky",
            secret: json!({ "kind": "atproto", "host": "bsky.social", "identifier": "nerima.example", "app_password": "app-password-of-the-town" }),
            at: [Some("/xrpc/com.atproto.server.createSession"), Some("/xrpc/com.atproto.server.refreshSession")],
            life: SignedDuration::from_hours(3),
            post: |text| {
                let record =
                    json!({ "$type": "app.bsky.feed.post", "text": text, "createdAt": "2026-11-22T10:00:00Z" });
                let create = json!({ "repo": "nerima.example", "collection": "app.bsky.feed.post", "record": record });
                Wire::new("POST", "bsky.social", "/xrpc/com.atproto.repo.createRecord").json(&create)
            },
        },
    ]
}

/// Approves and releases a ticket; what the provider received for it: the renewal, where one is due, and the post with
/// what it showed.
async fn sent(town: &Town, what: &Renewing, ticket: &str, renewal: Option<&str>) -> String {
    let before = town.received();
    approve(town, ticket).await;
    let released = release(town, ticket).await;
    assert_eq!(released.status, 200, "{} {:?}", what.account, released.json());
    let mut received = town.provider.requests().split_off(before);
    let post = received.pop().unwrap();
    let renewed: Vec<&str> = received.iter().map(|it| it.target.split('?').next().unwrap()).collect();
    assert_eq!(renewed, renewal.into_iter().collect::<Vec<_>>(), "{}", what.account);
    post.header("authorization").unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn google_threads_line_and_bluesky_renew_before_the_post_and_again_after_the_life_of_the_token() {
    for what in all() {
        let town = Town::start().await;
        let path = format!("/api/v1/accounts/{}/credential", what.account);
        let given = town.console(MANAGER_KEY, Method::POST, &path, Some(json!({ "secret": what.secret }))).await;
        assert_eq!(given.status, 200, "{} {:?}", what.account, given.json());
        let first = held(&town, &(what.post)(HEALTH)).await;
        let second = held(&town, &(what.post)(&HEALTH.replace("10時", "11時"))).await;
        let shown = sent(&town, &what, &first, what.at[0]).await;

        // What was renewed outlives the process.
        let town = town.restart().await;
        town.clock.forward(what.life);
        let later = sent(&town, &what, &second, what.at[1]).await;
        for (token, renewal) in [(&shown, what.at[0]), (&later, what.at[1])] {
            let given = what.secret.as_object().unwrap().values().filter_map(Value::as_str);
            let own = given.filter(|secret| secret.contains("-of-the-") && token.contains(secret)).count();
            assert_eq!(own, usize::from(renewal.is_none()), "{}: what was brought is shown: {token}", what.account);
        }
        // Google's practice provider gives the same token each time.
        assert!(shown != later || what.account == "nerima-youtube", "{}", what.account);
        let entries = town.entries("nerima");
        let renewals =
            entries.iter().filter(|entry| entry["route"] == "credential-renewal" && entry["kind"] == "permit");
        assert_eq!(renewals.count(), what.at.iter().flatten().count(), "{}", what.account);
        let told = serde_json::to_string(&entries).unwrap();
        assert!(!told.contains("of-the-town") && !told.contains("of-the-channel"), "{}: {told}", what.account);
    }
}
