//! Incidents, clause by clause: what a mispost opens, what holds an account and who lets it go, what puts a wrong post
//! right on every channel, and a flood of criticism. Each story has a town of its own, because accounts are held in it.

use http::Method;
use sekisho::config::Config;
use sekisho::demo::client::Reply;
use sekisho::demo::town::{self, MANAGER_KEY};
use sekisho::domain::account::OrganisationId;
use sekisho::domain::person::{Person, PersonId};
use serde_json::{Value, json};

use super::texts::words;
use super::{NAGANO, NERIMA, Side, approves_last, entry, goes, passes, refused, refused_though_approved, stops, tweet};
use crate::act::{declare, urgent};
use crate::channels::{Wire, header};
use crate::stage::Town;

const WARD: &str = "nerima.11.approved";
const CITY: &str = "nagano.2-7.approved";
/// A colleague in 広聴広報課.
const CLERK: &str = "demo-nerima-clerk";

fn staffed(config: &mut Config) {
    crate::registry::staffed(config);
    for (id, post) in [("joho", "情報政策課長"), ("kanko", "観光振興課長")] {
        config.people.push(Person {
            id: PersonId::new(format!("nagano-{id}")),
            organisation: OrganisationId::new("nagano"),
            name: format!("見本 {id}"),
            post: post.to_owned(),
            may_declare: false,
            key_sha256: Some(town::key_hash(id)),
        });
    }
}

async fn start() -> Town {
    Town::start_with(staffed).await
}

async fn post(town: &Town, key: &str, path: &str, body: Value) -> Reply {
    town.console(key, Method::POST, &format!("/api/v1/{path}"), Some(body)).await
}

async fn get(town: &Town, key: &str, path: &str) -> Value {
    town.console(key, Method::GET, &format!("/api/v1/{path}"), None).await.json()
}

fn code(reply: &Reply) -> (u16, String) {
    (reply.status.as_u16(), reply.json()["code"].as_str().unwrap_or_default().to_owned())
}

/// A post of the account that is public, and the request that deletes it.
async fn published(town: &Town, side: Side, text: &str, rule: &str) -> Wire {
    let sent = passes(town, side, &tweet(text), json!({}), rule).await;
    let id = sent.json()["data"]["id"].as_str().unwrap().to_owned();
    Wire::new("DELETE", "api.x.com", &format!("/2/tweets/{id}"))
}

/// A post of the ward is taken back as a mispost; the incident that this opened.
async fn mispost(town: &Town, mark: &str) -> String {
    let delete =
        published(town, NERIMA, &words(mark), WARD).await.with("Sekisho-Reason", "誤投稿：別のアカウントの内容");
    let gone = passes(town, NERIMA, &delete, json!({}), "nerima.15.mispost").await;
    let entry = entry(town, NERIMA, &gone);
    assert_eq!(entry["marks"], json!(["notify:manager"]), "{entry}");
    assert!(entry["clauses"].as_array().unwrap().contains(&json!("nerima:15a")), "{entry}");
    entry["incident"].as_str().expect("the entry names the incident").to_owned()
}

async fn instructs(town: &Town, key: &str, incident: &str, hold: bool) -> Reply {
    let asked = json!({ "instruction": "原因を確認し、訂正を出すこと", "hold": hold });
    post(town, key, &format!("incidents/{incident}/instruct"), asked).await
}

async fn acknowledges(town: &Town, key: &str, incident: &str) -> Reply {
    post(town, key, &format!("incidents/{incident}/acknowledge"), json!({})).await
}

#[tokio::test(flavor = "multi_thread")]
async fn nerima_15b_refused() {
    let town = start().await;
    let incident = mispost(&town, "15b r").await;
    // Nobody has instructed anything: the account goes on.
    passes(&town, NERIMA, &tweet(&words("15b r before")), json!({}), WARD).await;
    for key in [CLERK, "kodomo", "plan"] {
        assert_eq!(
            code(&instructs(&town, key, &incident, true).await),
            (403, "incident-not-the-office".into()),
            "{key}"
        );
    }
    let done = instructs(&town, "info", &incident, true).await;
    assert_eq!(done.status, 200, "{:?}", done.json());
    let act = town.last_entry();
    assert_eq!((act["act"].as_str(), act["incident"].as_str()), (Some("instruct-incident"), Some(incident.as_str())));
    assert!(!act.to_string().contains("原因"), "the instruction is sealed: {act}");
    let normal = tweet(&words("15b r held"));
    refused_though_approved(&town, NERIMA, &normal, json!({}), "incident-hold", "nerima:15b").await;
    // One of the two offices is not both of them; and it has spoken.
    assert_eq!(acknowledges(&town, CLERK, &incident).await.status, 200);
    assert_eq!(code(&acknowledges(&town, MANAGER_KEY, &incident).await), (409, "incident-acknowledged".into()));
    refused(&town, NERIMA, &normal, "incident-hold", "nerima:15b").await;
    let close = post(&town, MANAGER_KEY, &format!("incidents/{incident}/close"), json!({ "reason": "対応済み" })).await;
    assert_eq!(code(&close), (409, "incident-held".into()));
    // The hold outlives a restart, and holds no other account.
    let town = town.restart().await;
    refused(&town, NERIMA, &normal, "incident-hold", "nerima:15b").await;
    passes(&town, NAGANO, &tweet(&city("別の団体")), json!({}), CITY).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nerima_15b_passes() {
    let town = start().await;
    let incident = mispost(&town, "15b").await;
    assert_eq!(instructs(&town, MANAGER_KEY, &incident, true).await.status, 200);
    // What puts it right goes out, and so does what cannot wait.
    let correction = tweet(&words("15b の訂正")).with("Sekisho-Corrects", &incident);
    let passed = passes(&town, NERIMA, &correction, json!({}), WARD).await;
    let corrected = entry(&town, NERIMA, &passed);
    assert_eq!((&corrected["marks"], &corrected["corrects"]), (&json!(["訂正"]), &json!(incident)), "{corrected}");
    declare(&town, &["nerima-x"], 3600, false).await;
    let received = town.received();
    assert_eq!(urgent(&town.nerima(), "石神井川が氾濫のおそれ。避難してください。").await.status, 201);
    assert_eq!(town.received(), received + 1);
    // Both offices acknowledge, in either order, and the account goes on by itself.
    assert_eq!(acknowledges(&town, "info", &incident).await.status, 200);
    assert_eq!(acknowledges(&town, CLERK, &incident).await.status, 200);
    passes(&town, NERIMA, &tweet(&words("15b after")), json!({}), WARD).await;
    let shown = get(&town, CLERK, &format!("incidents/{incident}")).await;
    assert_eq!((&shown["holds"], &shown["cause"]), (&json!(false), &json!("mispost")), "{shown}");
    assert_eq!(shown["instruction"], "原因を確認し、訂正を出すこと");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_or_misspelt_opens_nothing_and_a_change_without_a_reason_does() {
    let town = start().await;
    for reason in ["期限切れ", "誤字：曜日"] {
        let delete = published(&town, NERIMA, &words(reason), WARD).await.with("Sekisho-Reason", reason);
        let gone = passes(&town, NERIMA, &delete, json!({}), WARD).await;
        assert_eq!(entry(&town, NERIMA, &gone)["incident"], Value::Null, "{reason}");
    }
    assert_eq!(get(&town, MANAGER_KEY, "incidents").await["incidents"], json!([]));
    // A status is changed after it was published.
    let side = NERIMA.at("nerima-mastodon");
    let status = |text: &str, method: &str, path: &str| {
        Wire::new(method, "mastodon.example", path).json(&json!({ "status": text, "visibility": "public" }))
    };
    let sent = passes(&town, side, &status(&words("変更前"), "POST", "/api/v1/statuses"), json!({}), WARD).await;
    let path = format!("/api/v1/statuses/{}", sent.json()["id"].as_str().unwrap());
    let edit = Wire::new("PUT", "mastodon.example", &path).json(&json!({ "status": words("変更後") }));
    let passed = passes(&town, side, &edit, json!({}), WARD).await;
    let opened = entry(&town, side, &passed);
    let listed = get(&town, MANAGER_KEY, "incidents").await;
    assert_eq!(listed["incidents"].as_array().unwrap().len(), 1, "{listed}");
    assert_eq!(
        (&listed["incidents"][0]["id"], &listed["incidents"][0]["cause"]),
        (&opened["incident"], &json!("none"))
    );
    // The other body sees nothing of it, by list or by name, and acknowledges nothing.
    assert_eq!(get(&town, "demo-nagano-manager", "incidents").await["incidents"], json!([]));
    let id = opened["incident"].as_str().unwrap();
    assert_eq!(code(&acknowledges(&town, "demo-nagano-manager", id).await).0, 404);
    let foreign = tweet(&city("訂正")).with("Sekisho-Corrects", id);
    refused_though_approved(&town, NAGANO, &foreign, json!({}), "incident-not-open", "sekisho:incident").await;
}

/// Words of the city's representative account.
fn city(text: &str) -> String {
    format!("【広報広聴課】{text}についてお知らせします。")
}

fn toot(text: &str) -> Wire {
    Wire::new("POST", "mastodon.example", "/api/v1/statuses").json(&json!({ "status": text, "visibility": "public" }))
}

/// The same wrong words on two channels; the first is deleted. The incident.
async fn twice_wrong(town: &Town, text: &str) -> String {
    let delete = published(town, NAGANO, text, CITY).await.with("Sekisho-Reason", "mispost");
    passes(town, NAGANO.at("nagano-mastodon"), &toot(text), json!({}), CITY).await;
    passes(town, NAGANO, &tweet(&city("別の話題")), json!({}), CITY).await;
    let gone = goes(town, NAGANO, &delete, "nagano.6-2.delete").await;
    entry(town, NAGANO, &gone)["incident"].as_str().unwrap().to_owned()
}

async fn channels(town: &Town, incident: &str) -> Vec<(String, bool, bool)> {
    let shown = get(town, NAGANO.manager, &format!("incidents/{incident}")).await;
    let of = |it: &Value| {
        let account = it["account"].as_str().unwrap().to_owned();
        (account, it["withdrawn"].as_bool().unwrap(), !it["corrected_by"].is_null())
    };
    shown["channels"].as_array().unwrap_or_else(|| panic!("{shown}")).iter().map(of).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn nagano_6_1_passes() {
    let town = start().await;
    let incident = twice_wrong(&town, &city("催しの会場")).await;
    let (x, mastodon) = ("nagano-x".to_owned(), "nagano-mastodon".to_owned());
    assert_eq!(channels(&town, &incident).await, [(x.clone(), true, false), (mastodon.clone(), false, false)]);
    let right = toot(&city("【訂正】催しの会場")).with("Sekisho-Corrects", &incident);
    let passed = passes(&town, NAGANO.at("nagano-mastodon"), &right, json!({}), CITY).await;
    let corrected = entry(&town, NAGANO, &passed);
    assert!(corrected["clauses"].as_array().unwrap().contains(&json!("nagano:6(1)")), "{corrected}");
    assert_eq!(channels(&town, &incident).await, [(x, true, false), (mastodon, false, true)]);
    let close = json!({ "reason": "訂正済み" });
    let closed = post(&town, NAGANO.manager, &format!("incidents/{incident}/close"), close).await;
    assert_eq!(closed.status, 200, "{:?}", closed.json());
}

#[tokio::test(flavor = "multi_thread")]
async fn nagano_6_1_refused() {
    let town = start().await;
    let incident = twice_wrong(&town, &city("催しの時刻")).await;
    let path = format!("incidents/{incident}/close");
    let early = post(&town, NAGANO.manager, &path, json!({ "reason": "対応済み" })).await;
    assert_eq!(code(&early), (409, "incident-uncorrected".into()));
    let last = town.entries("nagano").pop().unwrap();
    assert_eq!((last["result"].as_str(), last["code"].as_str()), (Some("refused"), Some("incident-uncorrected")));
    assert_eq!(last["uncorrected"].as_array().map(Vec::len), Some(1), "{last}");
    // While it is open, the head may hold the account: what is not about it waits.
    assert_eq!(instructs(&town, NAGANO.manager, &incident, true).await.status, 200);
    let normal = tweet(&city("ほかのこと"));
    refused_though_approved(&town, NAGANO, &normal, json!({}), "incident-hold", "nagano:6(1)").await;
    assert_eq!(acknowledges(&town, NAGANO.manager, &incident).await.status, 200);
    goes(&town, NAGANO, &normal, CITY).await;
    // Left as it is, for a reason, by who answers for it.
    let left = json!({ "reason": "相手方の投稿停止のため", "leave_uncorrected": true });
    assert_eq!(code(&post(&town, "kanko", &path, left.clone()).await), (403, "incident-not-the-office".into()));
    assert_eq!(post(&town, NAGANO.manager, &path, left.clone()).await.status, 200);
    assert_eq!(code(&post(&town, NAGANO.manager, &path, left).await), (409, "incident-not-open".into()));
}

async fn aflame(town: &Town, account: &str, key: &str) -> Reply {
    let until = sekisho::domain::clock::Clock::now(&*town.clock) + jiff::SignedDuration::from_hours(6);
    post(town, key, &format!("accounts/{account}/flame"), json!({ "until": until, "reason": "批判が殺到" })).await
}

/// What is held waits under this ticket.
async fn ticket(town: &Town, wire: &Wire) -> String {
    header(&stops(town, NAGANO, wire).await, "sekisho-ticket").to_owned()
}

async fn approves(town: &Town, key: &str, ticket: &str) -> Reply {
    post(town, key, &format!("tickets/{ticket}/approve"), json!({})).await
}

#[tokio::test(flavor = "multi_thread")]
async fn nagano_6_3_passes() {
    let town = start().await;
    assert_eq!(aflame(&town, "nagano-x", NAGANO.manager).await.status, 200);
    let holding = tweet(&city("現在の対応状況"));
    let waiting = ticket(&town, &holding).await;
    assert_eq!(approves(&town, NAGANO.manager, &waiting).await.status, 200);
    assert_eq!(get(&town, NAGANO.manager, &format!("tickets/{waiting}")).await["state"], "waiting", "one is not two");
    assert_eq!(approves(&town, "joho", &waiting).await.status, 200);
    assert_eq!(get(&town, NAGANO.manager, &format!("tickets/{waiting}")).await["state"], "approved");
    let passed = goes(&town, NAGANO, &holding, CITY).await;
    let entry = entry(&town, NAGANO, &passed);
    assert_eq!(entry["joint"].as_array().map(Vec::len), Some(1), "both approvers stand in the entry: {entry}");
    // Both were spent with it; the same again waits anew.
    refused(&town, NAGANO, &holding, "approval-missing", "nagano:6(3)").await;
    // After its end one approval is enough again.
    let end = post(&town, NAGANO.manager, "accounts/nagano-x/flame/end", json!({ "reason": "沈静化" })).await;
    assert_eq!(end.status, 200, "{:?}", end.json());
    passes(&town, NAGANO, &tweet(&city("ふだんの話題")), json!({}), CITY).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nagano_6_3_refused() {
    let town = start().await;
    assert_eq!(code(&aflame(&town, "nagano-x", "kanko").await), (403, "not-the-manager".into()));
    assert_eq!(aflame(&town, "nagano-x", NAGANO.manager).await.status, 200);
    let wire = tweet(&city("反論"));
    refused_though_approved(&town, NAGANO, &wire, json!({}), "joint-approval-missing", "nagano:6(3)").await;
    // The same person is no second one, nor is a colleague of the same office.
    let waiting = ticket(&town, &wire).await;
    assert_eq!(code(&approves(&town, NAGANO.manager, &waiting).await), (409, "joint-same-person".into()));
    // What was approved jointly was these words: with others, both approvals are worth nothing.
    assert_eq!(approves(&town, "joho", &waiting).await.status, 200);
    refused(&town, NAGANO, &tweet(&city("別の反論")), "approval-missing", "nagano:6(3)").await;
    goes(&town, NAGANO, &wire, CITY).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_of_the_same_office_are_not_two_offices_and_a_declared_emergency_asks_for_neither() {
    let town = Town::start_with(|config| {
        staffed(config);
        let operator = config.people.iter_mut().find(|it| it.id.as_str() == "nagano-operator").unwrap();
        operator.key_sha256 = Some(town::key_hash("operator"));
    })
    .await;
    assert_eq!(aflame(&town, "nagano-x", NAGANO.manager).await.status, 200);
    let wire = tweet(&city("同じ課の二人"));
    let waiting = ticket(&town, &wire).await;
    assert_eq!(approves(&town, NAGANO.manager, &waiting).await.status, 200);
    assert_eq!(approves(&town, "operator", &waiting).await.status, 200);
    refused(&town, NAGANO, &wire, "joint-approval-missing", "nagano:6(3)").await;
    // A third, of another office, makes it two offices.
    stops(&town, NAGANO, &wire).await;
    let digest = town.entries("nagano").pop().unwrap()["digest"].clone();
    let third = json!({ "account": "nagano-x", "actions": ["publish"], "digest": digest, "remarks": {} });
    assert_eq!(post(&town, "kanko", "approvals", third).await.status, 201);
    goes(&town, NAGANO, &wire, CITY).await;
    let declared = json!({ "reason": "地震", "accounts": ["nagano-x"], "for_s": 3600 });
    assert_eq!(post(&town, NAGANO.manager, "emergencies", declared).await.status, 201);
    let urgent = tweet(&city("避難所の開設")).with("Sekisho-Emergency", "1");
    goes(&town, NAGANO, &urgent, "nagano.2-7p.emergency").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_asks_for_two_holds_every_post_until_a_second_person_approves() {
    let town = Town::start_with(|config| {
        staffed(config);
        let account = config.accounts.iter_mut().find(|it| it.id.as_str() == "nerima-x").unwrap();
        account.operating_policy.as_mut().unwrap().joint = true;
    })
    .await;
    let wire = tweet(&words("連名"));
    stops(&town, NERIMA, &wire).await;
    approves_last(&town, NERIMA, &json!({})).await;
    refused(&town, NERIMA, &wire, "joint-approval-missing", "sekisho:joint").await;
    approves_last(&town, Side { manager: "info", ..NERIMA }, &json!({})).await;
    let passed = goes(&town, NERIMA, &wire, WARD).await;
    assert_eq!(entry(&town, NERIMA, &passed)["joint"].as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn nagano_5_4_passes() {
    let town = start().await;
    let told = town.console(NAGANO.manager, Method::GET, "/api/v1/incidents", None).await;
    assert_eq!(told.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn nagano_5_4_refused() {
    let town = start().await;
    let told = town.console(NAGANO.manager, Method::GET, "/api/v1/incidents", None).await;
    // Nobody stays logged in: the answer leaves nothing behind that could be shown instead of the key.
    assert!(told.headers.get("set-cookie").is_none());
    for key in ["", "demo-nagano"] {
        assert_eq!(town.console(key, Method::GET, "/api/v1/incidents", None).await.status, 401, "{key}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_author_decided_alone_is_listed_for_the_audit_and_nothing_else_is() {
    let town = Town::start_with(|config| {
        let account = config.accounts.iter_mut().find(|it| it.id.as_str() == "nerima-x").unwrap();
        account.operating_policy.as_mut().unwrap().self_approval = true;
        let tool = config.clients.iter_mut().find(|it| it.id.as_str() == "nerima-tool").unwrap();
        tool.owner = PersonId::new("nerima-pr-head");
    })
    .await;
    let passed = passes(&town, NERIMA, &tweet(&words("自己決裁")), json!({}), "nerima.11.own-post").await;
    let own = entry(&town, NERIMA, &passed);
    let path = "ledger/marked?mark=%E8%87%AA%E5%B7%B1%E6%B1%BA%E8%A3%81";
    let listed = get(&town, MANAGER_KEY, path).await;
    assert_eq!(listed["entries"].as_array().unwrap().len(), 1, "{listed}");
    assert_eq!((&listed["entries"][0]["index"], &listed["next"]), (&own["index"], &Value::Null));
    let city = get(&town, NAGANO.manager, path).await;
    assert_eq!(city["entries"], json!([]), "another body's log");
}

/// An app within LINE, which knows by LINE Login who uses it.
fn app() -> Wire {
    let body = json!({ "view": { "type": "full", "url": "https://www.city.nerima.tokyo.jp/app" }, "description": "子育て手続き" });
    Wire::new("POST", "api.line.me", "/liff/v1/apps").json(&body)
}

fn project(number: &str) -> Value {
    json!({
        "change": "decide-provider", "provider": "line", "approved": true, "reason": "企画の承認による",
        "conditions": [{ "kind": "project", "number": number }],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn nerima_18_3_passes() {
    let town = start().await;
    super::registers(&town, "nerima-plan", project("情企第12号")).await;
    passes(&town, NERIMA.at("nerima-line"), &app(), json!({}), WARD).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nerima_18_3_refused() {
    let town = start().await;
    let side = NERIMA.at("nerima-line");
    refused_though_approved(&town, side, &app(), json!({}), "project-missing", "nerima:18-3").await;
    // A record without its number is none, and an emergency is no project.
    super::registers(&town, "nerima-plan", project(" ")).await;
    refused(&town, side, &app(), "project-missing", "nerima:18-3").await;
    declare(&town, &["nerima-line"], 3600, false).await;
    refused(&town, side, &app().with("Sekisho-Emergency", "1"), "project-missing", "nerima:18-3").await;
}
