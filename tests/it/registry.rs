//! The registry at work: who may change what, by the clause; and the gate that reads it with the next post.

use http::Method;
use jiff::SignedDuration;
use sekisho::config::Config;
use sekisho::demo::client::Reply;
use sekisho::demo::town;
use sekisho::domain::account::{AccountId, OrganisationId, ProviderId};
use sekisho::domain::action::Action;
use sekisho::domain::person::{Person, PersonId};
use sekisho::domain::ports::Registry as _;
use serde_json::{Value, json};

use crate::act::{HEALTH, digest_of_words};
use crate::stage::{Town, tweet, words};

const CHANGES: &str = "/api/v1/registry/changes";
const HEAD: &str = "demo-nagano-manager";

/// The posts of 練馬区 that the demo leaves vacant, each with somebody in it who has a key.
pub fn staffed(config: &mut Config) {
    for (id, post) in [("plan", "企画部長"), ("info", "情報政策課長"), ("kodomo", "子育て支援課長")] {
        config.people.push(Person {
            id: PersonId::new(format!("nerima-{id}")),
            organisation: OrganisationId::new("nerima"),
            name: format!("見本 {id}"),
            post: post.to_owned(),
            may_declare: false,
            key_sha256: Some(town::key_hash(id)),
        });
    }
}

async fn ward() -> Town {
    Town::start_with(staffed).await
}

async fn ask(town: &Town, key: &str, form: Value) -> Reply {
    town.console(key, Method::POST, CHANGES, Some(form)).await
}

/// Asks for something that is allowed.
async fn done(town: &Town, key: &str, form: Value) {
    let reply = ask(town, key, form.clone()).await;
    assert_eq!(reply.status, 200, "{form}: {:?}", reply.json());
}

/// Asks for something that is refused with this code and clause: nothing changes, and one entry says so.
async fn refused(town: &Town, key: &str, form: Value, code: &str, clause: &str) {
    let (book, entries) = (records(town, "nerima"), town.entries("nerima").len());
    let reply = ask(town, key, form.clone()).await;
    assert!(reply.status.is_client_error(), "{form}: {:?}", reply.json());
    let told = reply.json();
    assert_eq!(told["code"], code, "{told}");
    assert!(told["clauses"].as_array().unwrap().iter().any(|it| it == clause), "{told}");
    assert!(told["detail"].as_str().unwrap().contains(clause), "{told}");
    assert_eq!(records(town, "nerima"), book, "a refused change changed something");
    let now = town.entries("nerima");
    assert_eq!(now.len(), entries + 1);
    let entry = now.last().unwrap();
    assert_eq!((entry["result"].as_str(), entry["code"].as_str()), (Some("refused"), Some(code)), "{entry}");
    assert!(entry["clauses"].as_array().unwrap().iter().any(|it| it == clause), "{entry}");
}

/// The records of a body, as the gateway has them in memory.
fn records(town: &Town, body: &str) -> Vec<String> {
    let reads = town.running.ledger.reads();
    let book = reads.registry().book(&OrganisationId::new(body)).unwrap();
    let mut all: Vec<String> = book.items().iter().map(|it| format!("{it:?}")).collect();
    all.extend(book.accounts.values().map(|it| format!("{it:?}")));
    all
}

async fn standing(town: &Town, key: &str, account: &str) -> Value {
    town.console(key, Method::GET, &format!("/api/v1/registry/standing/{account}"), None).await.json()
}

fn standard() -> Value {
    json!({
        "change": "set-standard-policy", "provider": "x", "version": "s1", "document": "文書第1号",
        "consulted": "2026-01-15", "opinion": "異議なし",
    })
}

fn opening(account: &str, kind: &str) -> Value {
    json!({
        "change": "apply-account", "account": account, "provider": "x", "handle": "@nerima_kosodate", "kind": kind,
        "purpose": "子育ての情報", "policy": { "version": "1" }, "policy_base": "s1", "operators": ["nerima-clerk"],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn nerima_5_1_only_the_kocho_section_head_opens_a_general_account() {
    let town = ward().await;
    done(&town, town::MANAGER_KEY, standard()).await;
    let general = opening("nerima-sogo-x", "general");
    refused(&town, "kodomo", general.clone(), "account-general-only-pr", "nerima:5-1").await;
    refused(&town, "demo-nerima-clerk", general.clone(), "account-only-a-head-opens", "nerima:5-1").await;
    done(&town, town::MANAGER_KEY, general).await;
    let entry = town.last_entry();
    assert_eq!(
        (entry["act"].as_str(), entry["record_id"].as_str()),
        (Some("registry.apply-account"), Some("nerima-sogo-x"))
    );
    assert!(entry["clauses"].as_array().unwrap().iter().any(|it| it == "nerima:5-1"), "{entry}");
    let manager = standing(&town, town::MANAGER_KEY, "nerima-sogo-x").await["manager"].clone();
    assert_eq!(
        (manager["position"].as_str(), manager["holder"].as_str()),
        (Some("広聴広報課長"), Some("nerima-pr-head"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nerima_5_2_nothing_is_posted_to_an_account_before_its_opening_is_approved_5_3_with_a_consultation() {
    let town = ward().await;
    let account = "nerima-kosodate-x";
    done(&town, town::MANAGER_KEY, standard()).await;
    done(&town, "kodomo", opening(account, "individual")).await;
    // Its manager registers a tool for it, and approves a post ahead of time.
    let client = json!({
        "line": 2, "id": "kodomo-tool", "owner": "nerima-clerk", "key_sha256": town::key_hash("kodomo-tool"),
        "accounts": [account], "actions": ["publish", "read"],
    });
    let tools = json!({ "clients": [client] });
    let reply = town.console("kodomo", Method::POST, "/api/v1/clients", Some(tools)).await;
    assert_eq!(reply.status, 201, "{:?}", reply.json());
    let digest = digest_of_words(&town, HEALTH).await;
    let approval = json!({
        "account": account, "actions": [Action::Publish], "digest": digest.to_string(), "expires_in_s": 600, "max_uses": 1,
    });
    let reply = town.console("kodomo", Method::POST, "/api/v1/approvals", Some(approval)).await;
    assert!(reply.status.is_success(), "{:?}", reply.json());

    let tool = town.tool("kodomo-tool");
    town.refuses("account-not-opened", "nerima:5-2", tweet(&tool, HEALTH)).await;
    let decide = json!({ "change": "decide-account", "account": account, "approved": true, "reason": "" });
    refused(&town, "kodomo", decide.clone(), "account-only-pr-decides", "nerima:5-2").await;
    refused(&town, town::MANAGER_KEY, decide.clone(), "account-not-consulted", "nerima:5-3").await;
    town.refuses("account-not-opened", "nerima:5-2", tweet(&tool, HEALTH)).await;
    let consult = json!({ "change": "consult-account", "account": account, "opinion": "異議なし" });
    done(&town, "info", consult).await;
    done(&town, town::MANAGER_KEY, decide).await;
    let passed = tweet(&tool, HEALTH).await;
    assert_eq!(passed.status, 201, "{:?}", passed.json());
    assert_eq!(town.received(), 1, "the approval given ahead was not spent by the refusals");
}

#[tokio::test(flavor = "multi_thread")]
async fn nerima_4_1_a_provider_is_usable_from_the_directors_approval_on_and_not_before() {
    let town = Town::start_with(|config| {
        staffed(config);
        let threads = config.providers.get_mut(&ProviderId::new("threads")).unwrap();
        threads.recognised.retain(|body| body.as_str() != "nerima");
    })
    .await;
    let tool = town.nerima();
    let send = || async {
        let body = "media_type=TEXT&text=%E6%9C%AC%E6%97%A5%E9%96%8B%E5%82%AC";
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        tool.send(Method::POST, "graph.threads.net", "/v1.0/me/threads", &headers, Some(body.to_owned())).await.unwrap()
    };
    town.refuses("provider-not-recognised", "nerima:3-1", send()).await;
    let apply = json!({ "change": "apply-provider", "provider": "threads", "purpose": "若い世代に届けるため" });
    refused(&town, "demo-nerima-clerk", apply.clone(), "provider-only-a-head-applies", "nerima:4-1").await;
    done(&town, "kodomo", apply).await;
    let decide = json!({ "change": "decide-provider", "provider": "threads", "approved": true, "reason": "適切" });
    refused(&town, "plan", decide.clone(), "provider-not-reviewed", "nerima:4-2").await;
    let review = |members: Value| {
        let review = json!({
            "met": "2026-01-20", "versatility": "広く使われている", "availability": "止まりにくい",
            "continuity": "続く見込み", "members": members,
        });
        json!({ "change": "review-provider", "provider": "threads", "review": review })
    };
    let stranger = review(json!(["企画部長", "子育て支援課長"]));
    refused(&town, "plan", stranger, "provider-review-not-a-member", "nerima:4-3").await;
    done(&town, "plan", review(json!(["企画部長", "広聴広報課長"]))).await;
    refused(&town, "kodomo", decide.clone(), "provider-only-the-director-decides", "nerima:4-1").await;
    town.refuses("provider-not-recognised", "nerima:3-1", send()).await;
    done(&town, "plan", decide).await;
    let held = send().await;
    let told = String::from_utf8_lossy(&held.body).into_owned();
    assert!(!told.contains("nerima:3-1"), "still not recognised: {told}");
    assert_eq!(town.received(), 0, "it still needs its approval");
}

#[tokio::test(flavor = "multi_thread")]
async fn nerima_8_3_a_transfer_that_leaves_the_manager_vacant_stops_the_account_until_somebody_comes() {
    let town = ward().await;
    let today = sekisho::domain::clock::in_japan(sekisho::domain::clock::Clock::now(&*town.clock)).date();
    let tomorrow = today.tomorrow().unwrap();
    let transfer = |list: String| json!({ "csv": format!("person,name,from,to,date\n{list}") });
    let leaves = transfer(format!("nerima-pr-head,,広聴広報課長,,{tomorrow}\n"));
    let path = "/api/v1/registry/transfers";
    let reply = town.console("info", Method::POST, path, Some(leaves)).await;
    assert_eq!(reply.status, 200, "{:?}", reply.json());
    // Until the day comes, nothing has changed.
    let digest = digest_of_words(&town, HEALTH).await;
    town.approve(&digest).await;
    assert_eq!(tweet(&town.nerima(), HEALTH).await.status, 201);
    town.clock.forward(SignedDuration::from_hours(24));

    let manager = standing(&town, "info", "nerima-x").await["manager"].clone();
    assert_eq!((manager["vacant"].as_bool(), manager["holder"].as_str()), (Some(true), None));
    let overview = town.console("info", Method::GET, "/api/v1/registry", None).await.json();
    let wants = overview["attention"].as_array().unwrap();
    assert!(wants.iter().any(|it| it["account"] == "nerima-x" && it["code"] == "manager-vacant"), "{overview}");
    // Who has left holds a key that opens nothing, and manages nothing.
    let body = json!({
        "account": "nerima-x", "actions": ["publish"], "digest": digest.to_string(), "expires_in_s": 600, "max_uses": 1,
    });
    assert_eq!(
        town.console(town::MANAGER_KEY, Method::POST, "/api/v1/approvals", Some(body.clone())).await.status,
        401
    );
    // Nor can a colleague put an approval in the place of the manager's.
    town.console("kodomo", Method::POST, "/api/v1/approvals", Some(body.clone())).await;
    let stopped = tweet(&town.nerima(), HEALTH).await;
    assert_eq!(stopped.status, 403, "{:?}", stopped.json());
    assert_eq!(town.received(), 1, "a post left without a manager who answers for it");

    // A successor comes the same day, approves, and the account posts again.
    let comes = transfer(format!("nerima-kodomo,,子育て支援課長,広聴広報課長,{tomorrow}\n"));
    let reply = town.console("info", Method::POST, path, Some(comes)).await;
    assert_eq!(reply.status, 200, "{:?}", reply.json());
    let reply = town.console("kodomo", Method::POST, "/api/v1/approvals", Some(body)).await;
    assert!(reply.status.is_success(), "{:?}", reply.json());
    assert_eq!(standing(&town, "info", "nerima-x").await["manager"]["holder"], "nerima-kodomo");
}

#[tokio::test(flavor = "multi_thread")]
async fn nerima_17_2_an_account_is_closed_only_after_its_notice_and_never_posts_again() {
    let town = ward().await;
    let close = json!({ "change": "close-account", "account": "nerima-x" });
    refused(&town, town::MANAGER_KEY, close.clone(), "closing-without-notice", "nerima:17-2").await;
    let now = sekisho::domain::clock::Clock::now(&*town.clock);
    let today = sekisho::domain::clock::in_japan(now).date();
    let notice = |day| json!({ "change": "notify-closing", "account": "nerima-x", "closing": day, "reason": "統合" });
    refused(&town, town::MANAGER_KEY, notice(today), "closing-not-ahead", "nerima:17-2").await;
    done(&town, town::MANAGER_KEY, notice(today.tomorrow().unwrap())).await;
    refused(&town, town::MANAGER_KEY, close.clone(), "closing-without-notice", "nerima:17-2").await;
    town.clock.forward(SignedDuration::from_hours(24));
    refused(&town, "kodomo", close.clone(), "account-only-the-manager-closes", "nerima:17-1a").await;
    done(&town, town::MANAGER_KEY, close).await;
    town.approve(&digest_of_words(&town, HEALTH).await).await;
    // By path: a certificate of tomorrow is not valid to a client of today.
    let told = town.nerima().send_reverse(Method::POST, "/x/2/tweets", Some(words(HEALTH))).await.unwrap();
    assert!(told.status == 403 && String::from_utf8_lossy(&told.body).contains("nerima:17-1a"), "{:?}", told.json());
    assert_eq!(town.received(), 0);
    let resume = json!({ "change": "resume-account", "account": "nerima-x", "reason": "再開" });
    refused(&town, town::MANAGER_KEY, resume, "account-not-suspended", "sekisho:registry").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nagano_2_4_a_grant_is_applied_for_by_the_section_head_and_granted_by_the_official_manager() {
    let town = Town::start_with(|config| {
        config.people.push(Person {
            id: PersonId::new("nagano-kanko"),
            organisation: OrganisationId::new("nagano"),
            name: "見本 観光".to_owned(),
            post: "観光振興課長".to_owned(),
            may_declare: false,
            key_sha256: Some(town::key_hash("kanko")),
        });
    })
    .await;
    let now = sekisho::domain::clock::Clock::now(&*town.clock);
    let year = sekisho::domain::registry::fiscal_year(now);
    let apply = |account: &str| json!({ "change": "apply-grant", "id": "g-1", "account": account, "section": "観光振興課", "year": year });
    let by_request = ask(&town, "kanko", apply("nagano-instagram")).await.json();
    assert_eq!(
        (by_request["code"].as_str(), by_request["clauses"][0].as_str()),
        (Some("grant-posts-by-request"), Some("nagano:2(5)"))
    );
    done(&town, "kanko", apply("nagano-x")).await;
    let decide = json!({ "change": "decide-grant", "id": "g-1", "approved": true, "reason": "" });
    let own = ask(&town, "kanko", decide.clone()).await.json();
    assert_eq!(
        (own["code"].as_str(), own["clauses"][0].as_str()),
        (Some("grant-only-pr-decides"), Some("nagano:2(4)"))
    );
    assert_eq!(standing(&town, HEAD, "nagano-x").await["grants"], json!([]));
    done(&town, HEAD, decide).await;
    assert_eq!(standing(&town, HEAD, "nagano-x").await["grants"][0]["section"], "観光振興課");
    assert!(town.entries("nerima").iter().all(|it| it["act"] != "registry.apply-grant"), "another body's log");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_body_sees_and_changes_nothing_of_another() {
    let town = Town::start_with(|config| {
        staffed(config);
        // A name that the other body might want.
        let nagano = config.accounts.iter_mut().find(|it| it.id.as_str() == "nagano-line").unwrap();
        nagano.id = AccountId::new("nerima-kosodate-x");
        config.clients.iter_mut().for_each(|it| it.accounts.retain(|id| id.as_str() != "nagano-line"));
    })
    .await;
    done(&town, town::MANAGER_KEY, standard()).await;
    let (nagano, entries) = (records(&town, "nagano"), town.entries("nagano").len());
    refused_as_taken(&town).await;
    assert_eq!(records(&town, "nagano"), nagano, "a name was taken from another body");
    for path in ["/api/v1/registry/records", "/api/v1/registry/history", "/api/v1/registry"] {
        let told = town.console(HEAD, Method::GET, path, None).await;
        assert_eq!(told.status, 200);
        let text = String::from_utf8_lossy(&told.body).into_owned();
        assert!(
            !text.contains("nerima-x") && !text.contains("広聴広報課") && !text.contains("文書第1号"),
            "{path}: {text}"
        );
    }
    let foreign = town.console(HEAD, Method::GET, "/api/v1/registry/standing/nerima-x", None).await;
    assert_eq!(foreign.status, 404);
    let nerima = records(&town, "nerima");
    let suspend = json!({ "change": "suspend-account", "account": "nerima-x", "reason": "確認" });
    assert_eq!(ask(&town, HEAD, suspend).await.json()["code"], "registry-not-found");
    assert_eq!(records(&town, "nerima"), nerima);
    assert_eq!(town.entries("nagano").len(), entries + 1, "the refusal stands in the log of who asked");
}

async fn refused_as_taken(town: &Town) {
    let form = opening("nerima-kosodate-x", "individual");
    refused(town, "kodomo", form, "account-name-taken", "sekisho:registry").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_has_its_history_and_its_entry_and_outlives_a_restart() {
    let town = ward().await;
    done(&town, town::MANAGER_KEY, standard()).await;
    let entry = town.last_entry();
    let path = "/api/v1/registry/history?kind=provider&id=x";
    let told = town.console(town::MANAGER_KEY, Method::GET, path, None).await.json();
    let changes = told["changes"].as_array().unwrap().clone();
    assert_eq!(changes.len(), 2, "the first load and the standard: {told}");
    assert_eq!(
        (changes[0]["act"].as_str(), changes[0]["by"].as_str()),
        (Some("registry.set-standard-policy"), Some("nerima-pr-head"))
    );
    assert_eq!(changes[0]["entry"], entry["index"]);
    assert_eq!(changes[0]["record"]["record"]["standard"]["version"], "s1");
    assert_eq!((changes[1]["act"].as_str(), changes[1]["by"].as_str()), (Some("registry-loaded"), None));
    assert!(!entry.to_string().contains("異議なし") && !entry.to_string().contains("nerima-pr-head"), "{entry}");
    let before = (records(&town, "nerima"), standing(&town, town::MANAGER_KEY, "nerima-x").await["revision"].clone());
    let town = town.restart().await;
    assert_eq!(records(&town, "nerima"), before.0);
    assert_eq!(standing(&town, town::MANAGER_KEY, "nerima-x").await["revision"], before.1, "loaded a second time");
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_at_the_same_time_are_each_decided_upon_what_the_other_left() {
    let town = ward().await;
    let suspend = || {
        ask(&town, town::MANAGER_KEY, json!({ "change": "suspend-account", "account": "nerima-x", "reason": "確認" }))
    };
    let all = tokio::join!(suspend(), suspend(), suspend(), suspend());
    let statuses = [all.0.status, all.1.status, all.2.status, all.3.status].map(|it| it.as_u16());
    assert_eq!(statuses.iter().filter(|it| **it == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|it| **it == 409).count(), 3, "{statuses:?}");
    let done = town
        .entries("nerima")
        .iter()
        .filter(|it| it["act"] == "registry.suspend-account" && it["result"] == "done")
        .count();
    assert_eq!(done, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_that_breaks_several_clauses_cites_all_of_them() {
    let town = ward().await;
    let form = json!({
        "change": "apply-account", "account": "nerima-new-x", "provider": "tiktok", "handle": "", "kind": "general",
        "purpose": "", "operators": ["somebody"],
    });
    let told = ask(&town, "demo-nerima-clerk", form).await.json();
    let clauses: Vec<&str> = told["clauses"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    for clause in ["nerima:3-1", "nerima:5-1", "nerima:5-2", "nerima:12-1"] {
        assert!(clauses.contains(&clause), "{told}");
    }
    // Without a class there is no form at all (第6条).
    let form = json!({ "change": "apply-account", "account": "nerima-new-x", "provider": "x", "handle": "@n", "purpose": "p" });
    assert_eq!(ask(&town, town::MANAGER_KEY, form).await.status, 400);
}
