//! The scenes of the clauses that the registry carries out: who may change what. They share a town of their own, in
//! which every post of 別表第1 is held by somebody with a key.

use std::sync::{Mutex, Weak};

use http::Method;
use sekisho::config::Config;
use sekisho::demo::client::Reply;
use sekisho::demo::town::{self, MANAGER_KEY};
use sekisho::domain::account::OrganisationId;
use sekisho::domain::person::{Person, PersonId};
use sekisho::domain::ports::Registry as _;
use serde_json::{Value, json};

use super::{Stage, told};
use crate::stage::Town;

const HEAD: &str = "demo-nagano-manager";

static OFFICES: Mutex<Weak<Stage>> = Mutex::new(Weak::new());

fn scene(story: impl AsyncFnOnce(&Town)) {
    told(&OFFICES, staffed, story);
}

fn staffed(config: &mut Config) {
    crate::registry::staffed(config);
    config.people.push(Person {
        id: PersonId::new("nagano-kanko"),
        organisation: OrganisationId::new("nagano"),
        name: "見本 観光".to_owned(),
        post: "観光振興課長".to_owned(),
        may_declare: false,
        key_sha256: Some(town::key_hash("kanko")),
    });
}

async fn ask(town: &Town, key: &str, form: &Value) -> Reply {
    town.console(key, Method::POST, "/api/v1/registry/changes", Some(form.clone())).await
}

fn body_of(clause: &str) -> &str {
    clause.split(':').next().unwrap()
}

/// What the gateway has of the body's registry in memory.
fn records(town: &Town, body: &str) -> Vec<String> {
    let book = town.running.ledger.reads().registry().book(&OrganisationId::new(body)).unwrap();
    let mut all: Vec<String> = book.items().iter().map(|it| format!("{it:?}")).collect();
    all.extend(book.accounts.values().map(|it| format!("{it:?}")));
    all
}

/// Somebody asks for what the clause allows: it is done, and its entry names the clause. The entry.
async fn done(town: &Town, key: &str, clause: &str, form: Value) -> Value {
    let reply = ask(town, key, &form).await;
    assert_eq!(reply.status, 200, "{form}: {:?}", reply.json());
    let entry = town.entries(body_of(clause)).pop().unwrap();
    assert_eq!(entry["result"], "done", "{entry}");
    assert!(entry["clauses"].as_array().unwrap().contains(&json!(clause)), "{clause}: {entry}");
    entry
}

/// Somebody asks for what the clause forbids: the answer and the entry name it, and nothing changed.
async fn refused(town: &Town, key: &str, code: &str, clause: &str, form: Value) {
    let body = body_of(clause);
    let (before, entries) = (records(town, body), town.entries(body).len());
    let reply = ask(town, key, &form).await;
    assert!(reply.status.is_client_error(), "{form}: {:?}", reply.json());
    let answer = reply.json();
    assert!(answer["detail"].as_str().unwrap().contains(clause), "{answer}");
    assert_eq!(records(town, body), before, "a refused change changed something");
    let now = town.entries(body);
    assert_eq!(now.len(), entries + 1, "one entry for one refusal");
    let entry = now.last().unwrap();
    assert_eq!((entry["result"].as_str(), entry["code"].as_str()), (Some("refused"), Some(code)), "{entry}");
    assert!(entry["clauses"].as_array().unwrap().contains(&json!(clause)), "{entry}");
}

fn applies(provider: &str) -> Value {
    json!({ "change": "apply-provider", "provider": provider, "purpose": "若い世代に届けるため" })
}

fn review(provider: &str, members: &[&str]) -> Value {
    let notes = json!({
        "met": "2026-01-20", "versatility": "広く使われている", "availability": "止まりにくい",
        "continuity": "続く見込み", "members": members,
    });
    json!({ "change": "review-provider", "provider": provider, "review": notes })
}

fn decides_provider(provider: &str, approved: bool) -> Value {
    json!({ "change": "decide-provider", "provider": provider, "approved": approved, "reason": "検討部会の審査による" })
}

/// A provider that was applied for and reviewed.
async fn reviewed(town: &Town, provider: &str) {
    done(town, "kodomo", "nerima:4-1", applies(provider)).await;
    done(town, "plan", "nerima:4-2", review(provider, &["企画部長", "情報政策課長"])).await;
}

fn standard(consulted: Value) -> Value {
    json!({
        "change": "set-standard-policy", "provider": "youtube", "version": "y1", "document": "文書第1号",
        "consulted": consulted, "opinion": "異議なし",
    })
}

/// An application at Instagram, whose standard operating policy stands as `i1`.
fn opening(account: &str, kind: &str) -> Value {
    json!({
        "change": "apply-account", "account": account, "provider": "instagram", "handle": "@nerima_kosodate", "kind": kind,
        "purpose": "子育ての情報", "policy": { "version": "1" }, "policy_base": "i1", "operators": ["nerima-clerk"],
    })
}

/// The standard operating policy of Instagram: the same again is no other.
async fn standing(town: &Town) {
    let form = json!({
        "change": "set-standard-policy", "provider": "instagram", "version": "i1", "document": "文書第2号",
        "consulted": "2026-01-15", "opinion": "異議なし",
    });
    done(town, MANAGER_KEY, "nerima:3-2", form).await;
}

fn decides(account: &str) -> Value {
    json!({ "change": "decide-account", "account": account, "approved": true, "reason": "適切と認める" })
}

#[test]
fn nerima_3_2_passes() {
    scene(async |town| drop(done(town, MANAGER_KEY, "nerima:3-2", standard(json!("2026-01-15"))).await));
}

#[test]
fn nerima_3_2_refused() {
    scene(async |town| {
        refused(town, MANAGER_KEY, "standard-policy-not-consulted", "nerima:3-2", standard(Value::Null)).await;
        refused(town, "kodomo", "standard-policy-only-pr", "nerima:3-2", standard(json!("2026-01-15"))).await;
    });
}

#[test]
fn nerima_4_1_passes() {
    scene(async |town| {
        reviewed(town, "sns-4-1").await;
        done(town, "plan", "nerima:4-1", decides_provider("sns-4-1", true)).await;
    });
}

#[test]
fn nerima_4_1_refused() {
    scene(async |town| {
        refused(town, "demo-nerima-clerk", "provider-only-a-head-applies", "nerima:4-1", applies("sns-4-1-r")).await;
        reviewed(town, "sns-4-1-r").await;
        let decide = decides_provider("sns-4-1-r", true);
        refused(town, "kodomo", "provider-only-the-director-decides", "nerima:4-1", decide).await;
    });
}

#[test]
fn nerima_4_3_passes() {
    scene(async |town| {
        done(town, "kodomo", "nerima:4-1", applies("sns-4-3")).await;
        let members = ["企画部長", "区長室長", "広聴広報課長", "企画課長", "情報政策課長"];
        done(town, "plan", "nerima:4-3", review("sns-4-3", &members)).await;
    });
}

#[test]
fn nerima_4_3_refused() {
    scene(async |town| {
        done(town, "kodomo", "nerima:4-1", applies("sns-4-3-r")).await;
        let stranger = review("sns-4-3-r", &["企画部長", "子育て支援課長"]);
        refused(town, "plan", "provider-review-not-a-member", "nerima:4-3", stranger).await;
        refused(town, "plan", "provider-review-not-a-member", "nerima:4-3", review("sns-4-3-r", &[])).await;
    });
}

#[test]
fn nerima_4_5_passes() {
    scene(async |town| {
        reviewed(town, "sns-4-5").await;
        let entry = done(town, "plan", "nerima:4-5", decides_provider("sns-4-5", true)).await;
        let told = entry["notify"].as_array().unwrap();
        // Every section of the ward, in the very entry that the stream carries.
        for section in ["広聴広報課", "子育て支援課", "情報政策課"] {
            assert!(told.contains(&json!(section)), "{section}: {entry}");
        }
    });
}

#[test]
fn nerima_4_5_refused() {
    scene(async |town| {
        reviewed(town, "sns-4-5-r").await;
        let entry = done(town, "plan", "nerima:4-1", decides_provider("sns-4-5-r", false)).await;
        assert_eq!(entry["notify"], Value::Null, "what was denied is announced to nobody: {entry}");
        assert!(!entry["clauses"].as_array().unwrap().contains(&json!("nerima:4-5")), "{entry}");
    });
}

#[test]
fn nerima_5_1_passes() {
    scene(async |town| {
        standing(town).await;
        done(town, MANAGER_KEY, "nerima:5-1", opening("nerima-5-1-general", "general")).await;
        done(town, "kodomo", "nerima:5-1", opening("nerima-5-1-section", "individual")).await;
    });
}

#[test]
fn nerima_5_1_refused() {
    scene(async |town| {
        standing(town).await;
        let general = opening("nerima-5-1-r", "general");
        refused(town, "kodomo", "account-general-only-pr", "nerima:5-1", general.clone()).await;
        refused(town, "demo-nerima-clerk", "account-only-a-head-opens", "nerima:5-1", general).await;
    });
}

#[test]
fn nerima_5_3_passes() {
    scene(async |town| {
        standing(town).await;
        let account = "nerima-5-3";
        done(town, "kodomo", "nerima:5-1", opening(account, "individual")).await;
        let consult = json!({ "change": "consult-account", "account": account, "opinion": "異議なし" });
        done(town, "info", "nerima:5-3", consult).await;
        done(town, MANAGER_KEY, "nerima:5-3", decides(account)).await;
    });
}

#[test]
fn nerima_5_3_refused() {
    scene(async |town| {
        standing(town).await;
        let account = "nerima-5-3-r";
        done(town, "kodomo", "nerima:5-1", opening(account, "individual")).await;
        refused(town, MANAGER_KEY, "account-not-consulted", "nerima:5-3", decides(account)).await;
        let consult = json!({ "change": "consult-account", "account": account, "opinion": "異議なし" });
        refused(town, "kodomo", "account-only-the-consulted", "nerima:5-3", consult).await;
    });
}

fn managed_by(account: &str, position: &str) -> Value {
    json!({ "change": "set-manager", "account": account, "position": position })
}

#[test]
fn nerima_7_passes() {
    scene(async |town| {
        done(town, MANAGER_KEY, "nerima:7", managed_by("nerima-x", "広聴広報課長")).await;
        let told = town.console(MANAGER_KEY, Method::GET, "/api/v1/registry/standing/nerima-x", None).await.json();
        assert_eq!(told["manager"]["position"], "広聴広報課長");
    });
}

#[test]
fn nerima_7_refused() {
    scene(async |town| {
        for by in [MANAGER_KEY, "kodomo", "plan"] {
            refused(town, by, "manager-is-derived", "nerima:7", managed_by("nerima-x", "子育て支援課長")).await;
        }
    });
}

/// The public list, as anybody reads it without a key.
async fn listed(town: &Town) -> Vec<Value> {
    let list = town.console("", Method::GET, "/api/v1/accounts.json", None).await.json();
    list["accounts"].as_array().unwrap().clone()
}

#[test]
fn nerima_16_passes() {
    scene(async |town| {
        let list = listed(town).await;
        let book = town.running.ledger.reads().registry().book(&OrganisationId::new("nerima")).unwrap();
        let account = &book.accounts[&sekisho::domain::account::AccountId::new("nerima-x")];
        let found = list.iter().find(|it| it["handle"] == account.handle.as_str() && it["provider"] == "x");
        assert_eq!(found.unwrap()["state"], "active");
    });
}

#[test]
fn nerima_16_refused() {
    scene(async |town| {
        standing(town).await;
        let mut form = opening("nerima-16-r", "individual");
        form["handle"] = json!("@not_yet_official");
        done(town, "kodomo", "nerima:5-1", form).await;
        let list = listed(town).await;
        assert!(!list.is_empty());
        assert!(
            list.iter().all(|it| it["handle"] != "@not_yet_official"),
            "what is applied for is no account of the ward"
        );
    });
}

fn tomorrow(town: &Town) -> jiff::civil::Date {
    let now = sekisho::domain::clock::Clock::now(&*town.clock);
    sekisho::domain::clock::in_japan(now).date().tomorrow().unwrap()
}

fn notice(account: &str, day: jiff::civil::Date) -> Value {
    json!({ "change": "notify-closing", "account": account, "closing": day, "reason": "統合のため" })
}

#[test]
fn nerima_17_2_passes() {
    scene(async |town| {
        drop(done(town, MANAGER_KEY, "nerima:17-2", notice("nerima-line", tomorrow(town))).await);
    });
}

#[test]
fn nerima_17_2_refused() {
    scene(async |town| {
        let close = json!({ "change": "close-account", "account": "nerima-instagram" });
        refused(town, MANAGER_KEY, "closing-without-notice", "nerima:17-2", close).await;
        let late = notice("nerima-instagram", tomorrow(town).yesterday().unwrap());
        refused(town, MANAGER_KEY, "closing-not-ahead", "nerima:17-2", late).await;
    });
}

fn nagano_opening(account: &str, kind: &str) -> Value {
    json!({
        "change": "apply-account", "account": account, "provider": "x", "handle": "@nagano_new", "kind": kind,
        "purpose": "観光の情報", "operators": ["nagano-kanko"],
    })
}

#[test]
fn nagano_2_1_passes() {
    scene(async |town| {
        done(town, "kanko", "nagano:2(6)b", nagano_opening("nagano-2-1", "individual")).await;
        let told = town.console(HEAD, Method::GET, "/api/v1/registry/standing/nagano-2-1", None).await.json();
        assert_eq!(told["kind"], "individual", "{told}");
    });
}

#[test]
fn nagano_2_1_refused() {
    scene(async |town| {
        let mut form = nagano_opening("nagano-2-1-r", "individual");
        form.as_object_mut().unwrap().remove("kind");
        let before = records(town, "nagano");
        // A form that leaves the class open is no form: it cannot even be asked for.
        let reply = ask(town, "kanko", &form).await;
        assert_eq!((reply.status.as_u16(), reply.json()["code"].as_str()), (400, Some("request-malformed")));
        form["kind"] = json!("unofficial");
        assert_eq!(ask(town, "kanko", &form).await.status, 400);
        assert_eq!(records(town, "nagano"), before);
    });
}

#[test]
fn nagano_2_2_passes() {
    scene(async |town| {
        done(town, "kanko", "nagano:2(6)b", nagano_opening("nagano-2-2", "individual")).await;
        done(town, HEAD, "nagano:2(2)", decides("nagano-2-2")).await;
    });
}

#[test]
fn nagano_2_2_refused() {
    scene(async |town| {
        done(town, "kanko", "nagano:2(6)b", nagano_opening("nagano-2-2-r", "individual")).await;
        refused(town, "kanko", "account-only-pr-decides", "nagano:2(2)", decides("nagano-2-2-r")).await;
    });
}

#[test]
fn nagano_2_3_passes() {
    scene(async |town| drop(done(town, HEAD, "nagano:2(3)", managed_by("nagano-x", "広報広聴課長")).await));
}

#[test]
fn nagano_2_3_refused() {
    scene(async |town| {
        refused(town, HEAD, "manager-is-derived", "nagano:2(3)", managed_by("nagano-x", "観光振興課長")).await;
        let general = nagano_opening("nagano-2-3-r", "general");
        refused(town, "kanko", "account-general-only-pr", "nagano:2(3)", general).await;
    });
}

#[test]
fn nagano_2_6b_passes() {
    scene(async |town| {
        let account = "nagano-2-6b";
        done(town, "kanko", "nagano:2(6)b", nagano_opening(account, "individual")).await;
        done(town, HEAD, "nagano:2(6)b", decides(account)).await;
        let change =
            json!({ "change": "change-account", "account": account, "purpose": "観光と物産", "reason": "拡充" });
        done(town, "kanko", "nagano:2(6)b", change).await;
        done(town, "kanko", "nagano:2(6)b", notice(account, tomorrow(town))).await;
    });
}

#[test]
fn nagano_2_6b_refused() {
    scene(async |town| {
        let empty = json!({ "change": "change-account", "account": "nagano-x", "purpose": "", "reason": "拡充" });
        refused(town, HEAD, "account-form-incomplete", "nagano:2(6)b", empty).await;
        let close = json!({ "change": "close-account", "account": "nagano-x" });
        refused(town, HEAD, "closing-without-notice", "nagano:2(6)b", close).await;
    });
}
