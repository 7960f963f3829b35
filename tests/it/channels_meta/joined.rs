//! Where containers and Graph's ways meet custody and observation.

use http::{Method, Request};
use jiff::SignedDuration;
use sekisho::demo::town;
use sekisho::domain::account::Observe;
use sekisho::domain::clock::{Clock as _, SystemClock, end_of_day_in_japan, in_japan};
use serde_json::json;

use super::{FORM, THREADS, approve, form, id, publish, sent, written};
use crate::act::{HEALTH, entry_of};
use crate::stage::Town;

const GRAPH: &str = "graph.facebook.com";
const FEED: &str = "/v26.0/1001/feed";
const STAND_IN: &str = "sekisho";

#[tokio::test(flavor = "multi_thread")]
async fn nerima_9_the_stand_in_of_a_graph_tool_is_taken_out_wherever_it_stands() {
    // Parts go to the disk here, as those with a picture do.
    let town = Town::start_with(|config| config.extract.memory_bytes = 100).await;
    let secret = json!({ "kind": "graph", "token": "token-of-the-page", "app_secret": "secret-of-the-app" });
    let path = "/api/v1/accounts/nerima-facebook/credential";
    let given = town.console(town::MANAGER_KEY, Method::POST, path, Some(json!({ "secret": secret }))).await;
    assert_eq!(given.status, 200, "{:?}", given.json());
    let tool = town.nerima();
    let text = |n: usize| HEALTH.replace("10時", &format!("{n}時"));
    let queried = format!("{FEED}?access_token={STAND_IN}&appsecret_proof=00");
    let form_of = |n| written(&[("message", &text(n)), ("access_token", STAND_IN), ("appsecret_proof", "00")]);
    let json_of = |n| json!({ "message": text(n), "access_token": STAND_IN, "appsecret_proof": "00" }).to_string();
    let parts_of = |n: usize| {
        let part = |name: &str, value: &str| {
            format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let parts = [part("access_token", STAND_IN), part("message", &text(n)), part("appsecret_proof", "00")];
        format!("{}--B--\r\n", parts.concat())
    };
    let ways = [
        (queried.as_str(), FORM, written(&[("message", &text(0))])),
        (FEED, FORM, form_of(1)),
        (FEED, "application/json", json_of(2)),
        (FEED, "multipart/form-data; boundary=B", parts_of(3)),
    ];
    let count = ways.len();
    for (n, (target, kind, body)) in ways.into_iter().enumerate() {
        let post = || sent(&tool, Request::builder().method(Method::POST), GRAPH, target, Some((kind, body.clone())));
        let held = town.refuses("approval-missing", "nerima:11", post()).await;
        approve(&town, &held).await;
        id(&post().await);
        let requests = town.provider.requests();
        assert_eq!(requests.len(), n + 1);
        let request = requests.last().unwrap();
        assert_eq!(request.header("authorization"), Some("Bearer token-of-the-page"));
        let body = String::from_utf8_lossy(request.body.as_deref().unwrap()).into_owned();
        // The gateway's own boundary begins with its name.
        let left = format!("{} {}", request.target, body.replace("--sekisho-", "--"));
        assert!(body.contains(&text(n)) || kind == FORM, "{left}");
        assert!(!left.contains("access_token") && !left.contains(STAND_IN), "{target} {kind}: {left}");
        assert_eq!(left.matches("appsecret_proof").count(), 1, "{target} {kind}: {left}");
    }
    assert_eq!(town.provider.posts().len(), count);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_approved_is_published_while_the_account_is_observed_and_not_after() {
    let today = in_japan(SystemClock.now()).date();
    let town = Town::start_with(|config| {
        for account in &mut config.accounts {
            account.observe = Some(Observe { from: today, until: today });
        }
    })
    .await;
    let tool = town.nerima();
    let make = || form(&tool, THREADS, "/v1.0/me/threads", &[("media_type", "TEXT"), ("text", HEALTH)]);
    let (first, second) = (make().await, make().await);
    let entries = town.entries("nerima");
    assert_eq!(entries[usize::try_from(entry_of(&second)).unwrap()]["rule"], "sekisho.observe");
    let published = publish(&tool, &id(&first)).await;
    id(&published);
    assert_eq!(town.last_entry()["of"], json!(entry_of(&published)));
    assert_eq!(town.provider.posts().len(), 1);

    // Midnight in Japan is nearer than the end of the provider's day.
    let midnight = end_of_day_in_japan(today).unwrap();
    town.clock.forward(midnight.duration_since(SystemClock.now()) + SignedDuration::from_secs(1));
    town.refuses("container-expired", "sekisho:container", publish(&tool, &id(&second))).await;
    assert_eq!(town.provider.posts().len(), 1);
}
