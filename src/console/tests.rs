//! Who may do what at the console, and what it answers.

use std::net::IpAddr;

use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};

use super::caller::Peer;
use super::stage::{STREAM_KEY, Stage, digest, key_of};
use super::*;
use crate::approve::signed::Statement;

struct Told {
    status: StatusCode,
    headers: http::HeaderMap,
    text: String,
}

impl Told {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }
    fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
}

async fn send(
    router: &Router,
    method: Method,
    path: &str,
    key: Option<&str>,
    extra: &[(&str, &str)],
    body: &str,
) -> Told {
    let mut request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    if let Some(key) = key {
        request = request.header("authorization", format!("Bearer {key}"));
    }
    for (name, value) in extra {
        request = request.header(*name, *value);
    }
    let mut request = request.body(Full::from(body.to_owned())).unwrap();
    request.extensions_mut().insert(Peer(IpAddr::from([192, 0, 2, 1])));
    let response = TowerToHyperService::new(router.clone()).call(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    Told { status: parts.status, headers: parts.headers, text }
}

async fn get_as(router: &Router, who: &str, path: &str) -> Told {
    send(router, Method::GET, path, Some(&key_of(who)), &[], "").await
}

async fn post_as(router: &Router, who: &str, path: &str, body: Value) -> Told {
    send(router, Method::POST, path, Some(&key_of(who)), &[], &body.to_string()).await
}

fn given() -> Value {
    json!({ "account": "nerima-x", "actions": ["publish"], "digest": digest().to_string() })
}

#[tokio::test]
async fn health_needs_no_key_and_readiness_follows_the_flag() {
    let stage = Stage::new();
    let router = router(stage.state.clone());
    let open = ["/", "/healthz", "/metrics", "/api/v1/openapi.json", "/api/v1/accounts.json"];
    for path in open {
        assert_eq!(send(&router, Method::GET, path, None, &[], "").await.status, 200, "{path}");
    }
    assert_eq!(send(&router, Method::GET, "/readyz", None, &[], "").await.status, 503);
    stage.ready.send_replace(true);
    assert_eq!(send(&router, Method::GET, "/readyz", None, &[], "").await.status, 200);
}

#[tokio::test]
async fn everything_in_the_openapi_document_is_served_and_asks_for_a_key_where_it_says_so() {
    let stage = Stage::new();
    let document = send(&router(stage.state.clone()), Method::GET, "/api/v1/openapi.json", None, &[], "").await.json();
    let mut asked = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            // A router of its own, so that the limit on failures does not hide the answer.
            let router = router(stage.state.clone());
            let method: Method = method.to_uppercase().parse().unwrap();
            let told = send(&router, method, &path.replace("{id}", "x").replace("{entry}", "1"), None, &[], "").await;
            let secured = !operation["security"].as_array().unwrap().is_empty();
            let expected = if secured { told.status == 401 } else { told.status == 200 || path == "/readyz" };
            assert!(expected, "{path}: {}", told.status);
            asked += 1;
        }
    }
    assert_eq!(asked, 53);
    assert!(stage.town.acts.lock().unwrap().is_empty());
}

/// `path` to the methods that the router serves there, read from the source: a router cannot be asked.
fn routes() -> std::collections::BTreeMap<String, Vec<String>> {
    let source: String = include_str!("../console.rs").split_whitespace().collect::<Vec<_>>().join("");
    let mut found = std::collections::BTreeMap::new();
    for route in source.split(".route(\"").skip(1) {
        let (path, rest) = route.split_once("\",").unwrap();
        let serves = rest.split(".fallback(").next().unwrap();
        let methods = ["get", "post", "put", "patch", "delete"]
            .into_iter()
            .filter(|name| serves.starts_with(&format!("{name}(")) || serves.contains(&format!(").{name}(")));
        found.insert(path.to_owned(), methods.map(str::to_owned).collect());
    }
    found
}

#[test]
fn the_openapi_document_names_the_routes_that_exist_and_no_others() {
    let document: Value = serde_json::from_str(include_str!("openapi.json")).unwrap();
    let mut described = std::collections::BTreeMap::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        let mut methods: Vec<String> = operations.as_object().unwrap().keys().cloned().collect();
        methods.sort();
        described.insert(path.clone(), methods);
    }
    assert_eq!(described, routes());
    assert!(described.len() > 20 && described["/api/v1/approvals"] == ["get", "post"], "{described:?}");
}

#[tokio::test]
async fn a_wrong_key_is_refused_and_too_many_are_told_to_wait_but_a_right_key_always_passes() {
    let stage = Stage::new();
    let router = router(stage.state.clone());
    let mut waits = 0;
    for _ in 0..40 {
        let told = send(&router, Method::GET, "/api/v1/tickets", Some("wrong"), &[], "").await;
        assert!(told.status == 401 || told.status == 429);
        waits += u32::from(told.status == 429);
    }
    assert!(waits >= 5, "{waits}");
    assert_eq!(get_as(&router, "kacho", "/api/v1/tickets").await.status, 200);
}

#[tokio::test]
async fn the_local_key_acts_for_a_named_person_only() {
    let stage = Stage::new();
    let router = router(stage.state.clone());
    let key = std::fs::read_to_string(stage.dir.path().join("console.key")).unwrap();
    let ask = async |extra: &[(&str, &str)]| send(&router, Method::GET, "/api/v1/tickets", Some(&key), extra, "").await;
    assert_eq!(ask(&[("sekisho-person", "kacho")]).await.status, 200);
    assert_eq!(ask(&[]).await.status, 401);
    assert_eq!(ask(&[("sekisho-person", "nobody")]).await.status, 401);
    assert_eq!(ask(&[("sekisho-person", "kacho"), ("sekisho-person", "other")]).await.status, 401);
    let kacho = key_of("kacho");
    let named = [("sekisho-person", "other")];
    let told = send(&router, Method::GET, "/api/v1/tickets", Some(&kacho), &named, "").await;
    assert_eq!(told.json()["tickets"][0]["organisation"], "nerima");
}

#[tokio::test]
async fn another_bodys_objects_look_like_none() {
    let stage = Stage::new();
    let router = router(stage.state.clone());
    let paths = [
        "/api/v1/tickets/t-1",
        "/api/v1/tickets?organisation=nerima",
        "/api/v1/approvals/a-1",
        "/api/v1/emergencies?organisation=nerima",
        "/api/v1/after-reports?organisation=nerima",
        "/api/v1/ledger/entries?organisation=nerima",
        "/api/v1/ledger/stream?organisation=nerima",
        "/api/v1/ledger/checkpoint?organisation=nerima",
    ];
    for path in paths {
        assert_eq!(get_as(&router, "other", path).await.status, 404, "{path}");
    }
    let acts = [
        ("/api/v1/tickets/t-1/approve", json!({})),
        ("/api/v1/tickets/t-1/return", json!({ "reason": "x" })),
        ("/api/v1/tickets/t-1/reject", json!({ "reason": "x" })),
        ("/api/v1/approvals", given()),
        ("/api/v1/approvals/a-1/revoke", json!({})),
        ("/api/v1/emergencies/e-1/end", json!({})),
        ("/api/v1/after-reports/r-1/report", json!({ "text": "x" })),
    ];
    for (path, body) in acts {
        assert_eq!(post_as(&router, "other", path, body).await.status, 404, "{path}");
    }
    assert!(stage.town.acts.lock().unwrap().is_empty());
    assert_eq!(get_as(&router, "other", "/api/v1/tickets").await.json(), json!({ "tickets": [] }));
    assert_eq!(get_as(&router, "kacho", "/api/v1/tickets/t-1").await.json()["digest"], digest().to_string());
}

#[tokio::test]
async fn acts_go_to_the_ledger_by_the_person_who_asks_and_name_their_entry() {
    let stage = Stage::new();
    let router = router(stage.state.clone());
    let acts = [
        ("kacho", "/api/v1/tickets/t-1/approve", json!({ "expires_in_s": 60 }), 200, "kacho: ApproveTicket"),
        ("kacho", "/api/v1/tickets/t-1/return", json!({ "reason": "日付" }), 200, "kacho: ReturnTicket"),
        ("kacho", "/api/v1/tickets/t-1/reject", json!({ "reason": "不要" }), 200, "kacho: RejectTicket"),
        ("kacho", "/api/v1/approvals", given(), 201, "kacho: Deposit"),
        ("kacho", "/api/v1/approvals/a-1/revoke", json!({}), 200, "kacho: Revoke"),
        (
            "tochoku",
            "/api/v1/emergencies",
            json!({ "reason": "地震", "accounts": ["nerima-x"], "for_s": 60 }),
            201,
            "tochoku: Declare",
        ),
        ("tochoku", "/api/v1/emergencies/e-1/end", json!({}), 200, "tochoku: EndEmergency"),
        ("kacho", "/api/v1/after-reports/r-1/report", json!({ "text": "済" }), 200, "kacho: Report"),
    ];
    for (who, path, body, status, expected) in acts {
        let told = post_as(&router, who, path, body).await;
        assert_eq!(told.status, status, "{path}: {}", told.text);
        assert_eq!(told.json()["entry"], 7, "{path}");
        assert_eq!(told.headers["sekisho-entry"], "7");
        let last = stage.town.acts.lock().unwrap().last().cloned().unwrap();
        assert!(last.starts_with(expected), "{last}");
    }
}

#[tokio::test]
async fn c4_a_ticket_shows_the_post_as_it_would_be_published_and_a_list_does_not() {
    let stage = Stage::new();
    let router = router(stage.state.clone());
    let ticket = get_as(&router, "kacho", "/api/v1/tickets/t-1").await.json();
    assert_eq!(ticket["post"]["texts"], json!([{ "at": "/text", "text": "お知らせ" }]));
    assert_eq!(ticket["post"]["form"]["action"], "publish");
    assert_eq!(ticket["post"]["reason"], "急ぎ");
    let listed = get_as(&router, "kacho", "/api/v1/tickets").await;
    assert_eq!(listed.json()["tickets"][0]["id"], "t-1");
    assert!(!listed.text.contains("お知らせ") && !listed.text.contains("post\""), "{}", listed.text);
    *stage.town.destroyed.lock().unwrap() = true;
    let told = get_as(&router, "kacho", "/api/v1/tickets/t-1").await;
    assert_eq!((told.status.as_u16(), told.code().as_str()), (409, "post-unreadable"));
}

#[tokio::test]
async fn a_refused_act_is_a_problem_with_code_sentence_and_entry() {
    let stage = Stage::new();
    *stage.town.refuse.lock().unwrap() = true;
    let told = post_as(&router(stage.state.clone()), "kacho", "/api/v1/tickets/t-1/approve", json!({})).await;
    assert_eq!(told.status, 403);
    assert_eq!(told.headers["content-type"], "application/problem+json");
    let problem = told.json();
    assert_eq!((problem["code"].as_str(), problem["entry"].as_u64()), (Some("self-approval"), Some(8)));
    assert_eq!(problem["title"], "ご本人です。");
}

#[tokio::test]
async fn what_cannot_be_understood_is_not_done() {
    let stage = Stage::new();
    let router = router(stage.state.clone());
    let with = |name: &str, value: Value| {
        let mut body = given();
        body[name] = value;
        body.to_string()
    };
    let bodies = [
        String::new(),
        "[]".to_owned(),
        "{".to_owned(),
        with("digest", json!("sha256:00")),
        with("actions", json!([])),
        with("actions", json!(["everything"])),
        with("expires_in_s", json!(3601)),
        with("expires_in_s", json!(0)),
        with("max_uses", json!(0)),
        with("approver", json!("someone-else")),
        given().to_string().replacen('{', r#"{"account":"nagano-x","#, 1),
    ];
    for body in bodies {
        let told = send(&router, Method::POST, "/api/v1/approvals", Some(&key_of("kacho")), &[], &body).await;
        assert_eq!((told.status.as_u16(), told.code().as_str()), (400, "request-malformed"), "{body}");
    }
    let large = with("reference", json!("x".repeat(5000)));
    let told = send(&router, Method::POST, "/api/v1/approvals", Some(&key_of("kacho")), &[], &large).await;
    assert_eq!((told.status.as_u16(), told.code().as_str()), (413, "body-too-large"));
    assert!(stage.town.acts.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_signed_approval_is_verified_before_it_is_deposited() {
    let stage = Stage::new();
    let router = router(stage.state.clone());
    let approval = stage.state.approvals.approval(&crate::domain::approval::ApprovalId::new("a-1")).unwrap().unwrap();
    let statement = Statement { approval: approval.approval, basis: None };
    let jws = stage.state.issuers.issue(&statement, super::stage::now()).unwrap();
    assert_eq!(post_as(&router, "kacho", "/api/v1/approvals", json!({ "jws": jws })).await.status, 201);
    let changed = jws.replace('.', ".A");
    let told = post_as(&router, "kacho", "/api/v1/approvals", json!({ "jws": changed })).await;
    assert_eq!(told.status, 403);
    assert!(told.code().starts_with("approval-"), "{}", told.text);
    assert_eq!(stage.town.acts.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_stream_key_reads_every_log_and_does_nothing_else() {
    let stage = Stage::new();
    let router = router(stage.state.clone());
    let read = async |path: &str| send(&router, Method::GET, path, Some(STREAM_KEY), &[], "").await;
    for log in ["nerima", "nagano", "gateway"] {
        let told = read(&format!("/api/v1/ledger/entries?organisation={log}&after=0&limit=1")).await;
        let lines: Vec<&str> = told.text.lines().collect();
        assert_eq!(lines[0], format!("{{\"index\":1,\"entry\":{{\"log\":\"{log}\",\"n\":1}}}}"));
        assert_eq!(lines.len(), 2);
    }
    assert_eq!(read("/api/v1/ledger/entries").await.status, 400);
    assert_eq!(read("/api/v1/ledger/entries?organisation=unknown").await.status, 404);
    assert_eq!(read("/api/v1/tickets").await.code(), "key-reads-only");
    assert_eq!(read("/api/v1/ledger/entries?organisation=nerima&after=9").await.code(), "cursor-ahead");
    assert_eq!(read("/api/v1/ledger/entries?organisation=nerima&limit=1001").await.status, 400);
    assert!(read("/api/v1/ledger/checkpoint?organisation=nerima").await.text.starts_with("gate.example/nerima\n3\n"));
}

#[tokio::test]
async fn the_stream_resumes_after_the_last_event_and_ends_when_the_gateway_stops() {
    let stage = Stage::new();
    let stop = stage.state.stop.clone();
    let router = router(stage.state.clone());
    let key = key_of("kacho");
    let extra = [("accept", "text/event-stream"), ("last-event-id", "0")];
    let reading = send(&router, Method::GET, "/api/v1/ledger/stream?after=2", Some(&key), &extra, "");
    let (told, ()) = tokio::join!(reading, async {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        stop.cancel();
    });
    assert_eq!(told.headers["content-type"], "text/event-stream; charset=utf-8");
    let ids: Vec<&str> = told.text.lines().filter_map(|line| line.strip_prefix("id: ")).collect();
    assert_eq!(ids, ["1", "2"]);
    assert!(told.text.contains("event: checkpoint\ndata: gate.example/nerima\n"), "{}", told.text);
}

#[tokio::test]
async fn the_public_list_shows_official_accounts_and_no_staff() {
    let stage = Stage::new();
    let told = send(&router(stage.state.clone()), Method::GET, "/api/v1/accounts.json", None, &[], "").await;
    assert_eq!(told.json()["accounts"].as_array().unwrap().len(), 2);
    assert!(!told.text.contains("kacho") && !told.text.contains("fingerprint") && !told.text.contains("@nerima-new"));
}

#[tokio::test]
async fn an_unknown_path_and_a_wrong_method_are_problems() {
    let stage = Stage::new();
    let router = router(stage.state.clone());
    assert_eq!(get_as(&router, "kacho", "/api/v1/nothing").await.code(), "not-found");
    let told = post_as(&router, "kacho", "/api/v1/accounts", json!({})).await;
    assert_eq!((told.status.as_u16(), told.code().as_str()), (405, "method-not-allowed"));
}

#[tokio::test]
async fn a_draft_is_looked_at_for_people_and_tools_and_nothing_is_recorded() {
    let stage = Stage::new();
    let router = router(stage.state.clone());
    let draft = json!({ "id": "d1", "text": "夏祭りのお知らせ", "fields": { "alt": "部外秘の図" } });
    for who in ["kacho", "cms"] {
        let told = post_as(&router, who, "/api/v1/inspect", draft.clone()).await;
        assert_eq!(told.status, 200, "{who}");
        let told = told.json();
        assert_eq!((&told["id"], &told["decision"]), (&json!("d1"), &json!("block")));
        assert_eq!(told["findings"].as_array().map(Vec::len), Some(1));
        let found = &told["findings"][0];
        assert_eq!(found["field"], "/alt");
        assert_eq!((&found["category"], &found["clauses"]), (&json!("label"), &json!(["nagano:4(2)"])));
        assert_eq!(found["sentence"], "表示を確認してください。");
    }
    let clean = post_as(&router, "cms", "/api/v1/inspect", json!({ "text": "夏祭りのお知らせ" })).await.json();
    assert_eq!((&clean["decision"], &clean["findings"]), (&json!("allow"), &json!([])));
    assert_eq!(post_as(&router, "cms", "/api/v1/inspect", json!({})).await.status, 400);
    // A tool's key opens nothing else here, and the key that reads logs asks for nothing.
    assert_eq!(get_as(&router, "cms", "/api/v1/tickets").await.status, 401);
    let body = json!({ "text": "x" }).to_string();
    let stream = send(&router, Method::POST, "/api/v1/inspect", Some(STREAM_KEY), &[], &body).await;
    assert_ne!(stream.status, 200);
    assert!(stage.town.acts.lock().unwrap().is_empty());
}
