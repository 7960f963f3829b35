//! No credential in custody is anywhere but at its provider (長野 5(2)): marked secrets of every kind are given, used,
//! refused, renewed, refused renewal and echoed; then every output is searched, logs at their loudest.

use std::path::PathBuf;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sekisho::demo::town;
use sekisho::practice::fault::{Fault, Trouble, When};
use serde_json::{Value, json};

use crate::desk::files_with;
use crate::house::{Ended, House, first_lines, send};
use crate::stage::words;

const JSON: (&str, &str) = ("Content-Type", "application/json");

/// Every kind, with a mark in each of its secrets.
fn kinds() -> Vec<Value> {
    vec![
        json!("MARK-bearer-11aa22"),
        json!({ "kind": "oauth2", "client_id": "app", "client_secret": "MARK-client-secret", "refresh_token": "MARK-refresh-1" }),
        json!({
            "kind": "oauth1", "consumer_key": "practice-consumer", "consumer_secret": "MARK-consumer-secret",
            "token": "4711-MARK-token", "token_secret": "MARK-token-secret",
        }),
        json!({ "kind": "graph", "token": "MARK-graph-token", "app_secret": "MARK-app-secret" }),
        json!({ "kind": "threads", "token": "MARK-threads-token" }),
        json!({ "kind": "line-stateless", "channel_id": "1", "channel_secret": "MARK-channel-secret" }),
        json!({ "kind": "line-jwt", "channel_id": "1", "key_id": "k", "private_key": "MARK-private-key" }),
        json!({ "kind": "atproto", "host": "pds.sekisho.invalid", "identifier": "a", "app_password": "MARK-app-password" }),
        json!({ "kind": "oauth2", "client_id": "app", "refresh_token": "revoked", "access_token": "MARK-access-dead" }),
        json!({ "kind": "bearer", "token": "MARK/slash+and=equals" }),
    ]
}

/// Each secret, and how an answer, a URL or a header could write it.
fn marks() -> Vec<String> {
    let mut found = Vec::new();
    let mut collect = |text: &str| {
        if text.contains("MARK") {
            found.push(text.to_owned());
            found.push(BASE64_STANDARD.encode(text));
            found.push(text.replace('/', "%2F").replace('+', "%2B").replace('=', "%3D"));
            found.push(text.replace('/', "\\/"));
        }
    };
    for kind in kinds() {
        match kind {
            Value::String(token) => collect(&token),
            Value::Object(members) => members.values().filter_map(Value::as_str).for_each(&mut collect),
            _ => panic!("a kind is a token or an object"),
        }
    }
    found.push(BASE64_STANDARD.encode("app:MARK%2Dclient%2Dsecret"));
    found.sort();
    found.dedup();
    found
}

fn told(said: &mut String, ended: &Ended) {
    said.push_str(&ended.out);
    said.push_str(&ended.err);
}

/// Posts, a read whose answer echoes `secret`, an error that quotes it, a refusal.
fn use_it(house: &House, approved: &str, secret: &Value, said: &mut String) {
    let tool: [(&str, &str); 4] =
        [("Sekisho-Client", town::TOOL_KEY), ("Authorization", "Bearer sekisho"), JSON, ("Sekisho-Approval", approved)];
    // What a provider can echo is what it was shown: now, and the last time.
    let mut echoed = match secret {
        Value::String(token) => token.clone(),
        other => other.to_string().replace("MARK-refresh-1", ""),
    };
    if let Some(last) =
        house.provider.requests().last().and_then(|last| last.header("authorization").map(str::to_owned))
    {
        let current = secret["kind"] == "oauth2" && last.contains("practice");
        echoed.push_str(if current { &last } else { "" });
    }
    let post = words("本日のお知らせ");
    let go = |method: &str, target: &str, body: &str| send(house.gateway, method, target, &tool, body.as_bytes());
    for trouble in [
        None,
        Some(Trouble::Answer {
            status: 400,
            content_type: "application/json".to_owned(),
            body: format!("{{\"detail\":{:?}}}", echoed),
        }),
        Some(Trouble::status(401)),
        Some(Trouble::status(500)),
        Some(Trouble::Garbage),
    ] {
        if let Some(trouble) = trouble {
            house.provider.order(Fault::next(When::AfterBody, trouble));
        }
        said.push_str(&go("POST", "/x/2/tweets", &post).text);
        house.provider.clear_faults();
    }
    let answer = Trouble::Answer { status: 200, content_type: "application/json".to_owned(), body: echoed };
    house.provider.order(Fault::next(When::AfterBody, answer));
    said.push_str(&go("GET", "/x/2/users/me", "").text);
    house.provider.clear_faults();
    said.push_str(&go("POST", "/x/2/tweets", &words("だれも承認していないお知らせ")).text);
}

/// Every kind is given, used and given up again; at last the account is locked. What the commands and the gate said.
fn live(house: House, approved: &str) -> (House, String) {
    let mut said = String::new();
    for (n, secret) in kinds().iter().enumerate() {
        let verb = if n == 0 { "set" } else { "rotate" };
        let words = ["account", "credential", verb, "nerima-x", "--person", "kacho"];
        let text = secret.as_str().map_or_else(|| secret.to_string(), str::to_owned);
        let given = house.command(&words, &text);
        assert_eq!(given.code, 0, "{secret}: {}", given.err);
        told(&mut said, &given);
        // The same once more is refused, and what is none.
        told(&mut said, &house.command(&["account", "credential", "rotate", "nerima-x", "--person", "kacho"], &text));
        told(&mut said, &house.command(&words, &format!("{{\"kind\":\"none\",\"token\":{text:?}}}")));
        use_it(&house, approved, secret, &mut said);
    }
    let lock = ["account", "lock", "nerima-x", "--person", "kacho", "--reason", "流出", "--leak"];
    told(&mut said, &house.command(&lock, ""));
    use_it(&house, approved, &kinds()[0], &mut said);
    told(&mut said, &house.command(&["account", "list"], ""));
    told(&mut said, &house.command(&["ledger", "tail", "-n", "500"], ""));
    told(&mut said, &house.command(&["ledger", "export", "--to", house.path("exported").to_str().unwrap()], ""));
    (house, said)
}

#[tokio::test(flavor = "multi_thread")]
async fn nagano_5_2_no_credential_in_custody_is_anywhere_but_at_its_provider() {
    let house = House::start("trace").await;
    let request = json!({
        "host": "api.x.com", "method": "POST", "path": "/2/tweets", "headers": { "content-type": "application/json" },
        "body_base64": BASE64_STANDARD.encode(words("本日のお知らせ")),
    });
    let issue = ["approval", "issue", "--approver", "kacho", "--max-uses", "500"];
    let issued = house.command(&issue, &request.to_string());
    assert_eq!(issued.code, 0, "{}", issued.err);
    let approved = issued.out.trim().to_owned();

    let (mut house, mut said) = tokio::task::spawn_blocking(move || live(house, &approved)).await.unwrap();
    let shown: Vec<String> = house
        .provider
        .requests()
        .iter()
        .filter_map(|request| request.header("authorization").map(str::to_owned))
        .filter_map(|value| value.split_once(' ').map(|(_, credential)| credential.to_owned()))
        .collect();
    assert!(shown.iter().any(|it| it == "MARK-bearer-11aa22"), "the provider does see it: {shown:?}");
    assert!(shown.iter().any(|it| it.contains("oauth_signature")) && shown.iter().any(|it| it.starts_with("practice")));

    let console = house.console;
    let more = tokio::task::spawn_blocking(move || {
        let bearer = format!("Bearer {}", town::STREAM_KEY);
        let headers = [("Authorization", bearer.as_str()), ("Accept", "text/event-stream")];
        let target = "/api/v1/ledger/stream?organisation=nerima&after=-1";
        let mut told = first_lines(console, target, &headers, "event: checkpoint");
        told.push_str(&send(console, "GET", "/metrics", &[], b"").text);
        let person = format!("Bearer {}", town::MANAGER_KEY);
        for path in ["/api/v1/accounts", "/api/v1/accounts.json", "/api/v1/tickets"] {
            told.push_str(&send(console, "GET", path, &[("Authorization", &person)], b"").text);
        }
        told
    })
    .await
    .unwrap();
    assert!(more.contains("rotate-credential") && more.contains("\"kind\":\"bearer\""), "{more}");
    said.push_str(&more);
    assert!(said.contains("sekisho-hidden"), "an echo was masked");
    house.stop();

    let mut needles = marks();
    needles.extend(shown.into_iter().filter(|credential| credential.len() > 8));
    needles.sort();
    needles.dedup();
    assert!(needles.len() > 30, "{}", needles.len());
    let mut looked_at = 0;
    for needle in &needles {
        let near = said.find(needle.as_str()).map(|at| said.get(at.saturating_sub(200)..at + 60));
        assert_eq!(near, None, "{needle} is told");
        assert_eq!(files_with(house.dir(), needle, &mut looked_at), Vec::<PathBuf>::new(), "{needle}");
    }
    assert!(looked_at > 10 * needles.len(), "only {looked_at} files were looked at");
    let log = std::fs::read_to_string(house.path("stderr.log")).unwrap();
    assert!(log.contains("\"level\":\"TRACE\""), "the log is not as loud as it should be");
    assert!(files_with(house.dir(), "rotate-credential", &mut looked_at).iter().any(|it| it.ends_with("sekisho.db")));
}
