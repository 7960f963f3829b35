//! `kill -9` between hold, approval and release, and in the middle of one: nothing is lost, and nothing leaves twice.

use http::Method;
use sekisho::demo::client::Reply;
use sekisho::practice::fault::{Fault, Trouble, When};
use serde_json::{Value, json};

use crate::child::{Child, HEAD_KEY, Line, Place, TOOL_KEY, body};
use crate::stage::eventually;

/// What the manager does at the console.
async fn manager(child: &Child, path: &str, body: Value) -> Reply {
    let authorization = format!("Bearer {HEAD_KEY}");
    let mut line = Line::open(child.console).await.unwrap();
    let headers = [("authorization", authorization.as_str())];
    line.send(Method::POST, path, &headers, body.to_string()).await.unwrap()
}

/// A post that the gateway holds; its ticket.
async fn held(child: &Child, number: u64) -> String {
    let mut line = Line::open(child.gateway).await.unwrap();
    let headers = [("sekisho-client", TOOL_KEY), ("authorization", "Bearer sekisho")];
    let reply = line.send(Method::POST, "/x/2/tweets", &headers, body(number)).await.unwrap();
    assert_eq!(reply.header("sekisho-decision"), "held", "{:?}", reply.json());
    reply.header("sekisho-ticket").to_owned()
}

async fn approve(child: &Child, ticket: &str) {
    let reply = manager(child, &format!("/api/v1/tickets/{ticket}/approve"), json!({})).await;
    assert_eq!(reply.status, 200, "{:?}", reply.json());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_killed_releases_what_was_approved_and_never_twice() {
    let place = Place::new("").await;
    let child = place.start().await;
    let secret = json!({ "secret": "token-of-the-town" });
    let given = manager(&child, "/api/v1/accounts/nerima-x/credential", secret).await;
    assert_eq!(given.status, 200, "{:?}", given.json());
    let (first, second) = (held(&child, 1).await, held(&child, 2).await);
    child.kill().await;
    let child = place.start().await;
    approve(&child, &first).await;
    approve(&child, &second).await;
    child.kill().await;

    // The approvals and what they are for are there; one post leaves, and the gateway dies before it knows how it ended.
    let child = place.start().await;
    let released = manager(&child, &format!("/api/v1/tickets/{first}/release"), json!({})).await;
    assert_eq!(released.status, 200, "{:?}", released.json());
    place.provider.order(Fault::next(When::AfterBody, Trouble::Hang));
    let console = child.console;
    let path = format!("/api/v1/tickets/{second}/release");
    let waiting = tokio::spawn({
        let path = path.clone();
        async move {
            let authorization = format!("Bearer {HEAD_KEY}");
            let mut line = Line::open(console).await.unwrap();
            line.send(Method::POST, &path, &[("authorization", authorization.as_str())], "{}").await.is_ok()
        }
    });
    eventually("the provider has the second post", || {
        place.provider.requests().iter().filter(|it| it.complete).count() == 2
    })
    .await;
    child.kill().await;
    assert!(!waiting.await.unwrap(), "the release was not answered");

    let child = place.start().await;
    for ticket in [&first, &second] {
        let again = manager(&child, &format!("/api/v1/tickets/{ticket}/release"), json!({})).await;
        assert_eq!((again.status.as_u16(), &again.json()["code"]), (409, &json!("release-done")));
    }
    assert_eq!(place.provider.request_count(), 2, "neither left twice");
    let entries = place.entries();
    let permit =
        entries.iter().find(|entry| entry["kind"] == "permit" && entry["released"] == second.as_str()).unwrap();
    let outcome = entries.iter().find(|entry| entry["of"] == permit["index"]).expect("its outcome");
    assert_eq!(outcome["outcome"], "unknown");
    child.terminate_and_wait().await;
}
