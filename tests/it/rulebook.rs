//! The scenes of the clauses, each named after its clause: one that passes, one that is refused. They share a town, because
//! each only sends a post or two; one story is told at a time in it, so that what it counts is its own.

mod incidents;
mod nagano;
pub mod nagano_claims;
mod nagano_content;
mod nerima;
mod nerima_people;
mod offices;
mod scope;
pub mod texts;

use std::sync::{Arc, Mutex, PoisonError, Weak};

use http::Method;
use sekisho::config::Config;
use sekisho::demo::town::{self, MANAGER_KEY, NAGANO_TOOL_KEY, TOOL_KEY};
use sekisho::domain::account::{Account, AccountId, AccountKind, AccountState, FixedAnswers, OrganisationId};
use sekisho::domain::exemption::Ground;
use sekisho::domain::person::{ClientId, Person, PersonId};
use sekisho::ledger::Act;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::channels::{Wire, header};
use crate::stage::Town;
use crate::wire::Answer;

/// 長野市's manager of the official accounts.
const NAGANO_MANAGER: &str = "demo-nagano-manager";

/// Whose account, tool and manager a story is about.
#[derive(Clone, Copy)]
pub struct Side {
    /// The body, and the name of its log.
    pub body: &'static str,
    /// The account.
    pub account: &'static str,
    /// The key of its tool.
    pub tool: &'static str,
    /// The key of its manager.
    pub manager: &'static str,
}

/// 練馬区's general account at X.
pub const NERIMA: Side = Side { body: "nerima", account: "nerima-x", tool: TOOL_KEY, manager: MANAGER_KEY };
/// 長野市's representative account at X.
pub const NAGANO: Side = Side { body: "nagano", account: "nagano-x", tool: NAGANO_TOOL_KEY, manager: NAGANO_MANAGER };

impl Side {
    /// Another account of the same body.
    pub const fn at(self, account: &'static str) -> Self {
        Self { account, ..self }
    }

    /// The same account by another tool.
    pub const fn using(self, tool: &'static str) -> Self {
        Self { tool, ..self }
    }

    /// One of the stage's further accounts, whose tool's key is its name.
    pub const fn with(self, account: &'static str) -> Self {
        Self { account, tool: account, ..self }
    }
}

/// A town with its own threads.
pub struct Stage {
    // Dropped before the threads that its gateway runs on.
    town: tokio::sync::Mutex<Town>,
    runtime: Runtime,
}

static STAGE: Mutex<Weak<Stage>> = Mutex::new(Weak::new());

/// Tells a story in the town that the scenes share: the one that stands, else a new one.
pub fn scene(story: impl AsyncFnOnce(&Town)) {
    told(&STAGE, furnish, story);
}

/// The same in a town of one's own kind.
pub fn told(known: &Mutex<Weak<Stage>>, furnish: fn(&mut Config), story: impl AsyncFnOnce(&Town)) {
    let stage = {
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        known.upgrade().unwrap_or_else(|| {
            let runtime = Runtime::new().unwrap();
            let town = tokio::sync::Mutex::new(runtime.block_on(Town::start_with(furnish)));
            let stage = Arc::new(Stage { town, runtime });
            *known = Arc::downgrade(&stage);
            stage
        })
    };
    stage.runtime.block_on(async {
        let town = stage.town.lock().await;
        story(&town).await;
    });
}

/// The accounts, tools and people that the stories need besides the demo's.
fn furnish(config: &mut Config) {
    for (id, provider) in &mut config.providers {
        if id.as_str() == "mastodon" {
            provider.recognised = vec![OrganisationId::new("nagano")];
        }
    }
    let mut nerima = |id: &str, change: &dyn Fn(&mut Account)| further(config, "nerima-x", "nerima-tool", id, change);
    nerima("nerima-applied-x", &|it| it.state = AccountState::Applied);
    nerima("nerima-closed-x", &|it| it.state = AccountState::Closed);
    nerima("nerima-archived-x", &|it| it.state = AccountState::Archived);
    nerima("nerima-unmanned-x", &|it| it.operators.clear());
    nerima("nerima-own-x", &|it| {
        it.operating_policy.as_mut().unwrap().self_approval = true;
        it.operators.push(PersonId::new("nerima-clerk"));
    });
    nerima("nerima-unreported-x", &|it| it.operating_policy.as_mut().unwrap().after_report_hours = None);
    let mut nagano = |id: &str, change: &dyn Fn(&mut Account)| further(config, "nagano-x", "nagano-tool", id, change);
    nagano("nagano-applied-x", &|it| it.state = AccountState::Applied);
    nagano("nagano-section-x", &|it| it.kind = AccountKind::Individual);
    nagano("nagano-suspended-x", &|it| it.state = AccountState::Suspended);
    nagano("nagano-cms-x", &|_| ());
    nagano("nagano-arranged-x", &|it| it.operating_policy.as_mut().unwrap().exemptions = Ground::ALL.to_vec());
    nagano("nagano-scenery-x", &|it| it.operating_policy.as_mut().unwrap().media_consent_waived = true);
    nagano("nagano-health-x", &|_| ());
    config.clients.iter_mut().find(|it| it.id.as_str() == "nagano-cms-x").unwrap().cms = true;
    config.people.push(person("nagano-health-clerk", "nagano", "健康課主事"));
    let health = config.clients.iter_mut().find(|it| it.id.as_str() == "nagano-health-x").unwrap();
    health.owner = PersonId::new("nagano-health-clerk");
    health.accounts = vec![AccountId::new("nagano-health-x"), AccountId::new("nagano-instagram")];
    for id in ["nerima-line", "nagano-line"] {
        let account = config.accounts.iter_mut().find(|it| it.id.as_str() == id).unwrap();
        let texts = vec!["お問い合わせありがとうございます。窓口は平日8時30分から17時15分までです。".to_owned()];
        let until = "2099-03-31".parse().unwrap();
        account.operating_policy.as_mut().unwrap().fixed_answers = Some(FixedAnswers { texts, until });
    }
}

fn person(id: &str, body: &str, post: &str) -> Person {
    Person {
        id: PersonId::new(id),
        organisation: OrganisationId::new(body),
        name: id.to_owned(),
        post: post.to_owned(),
        may_declare: false,
        key_sha256: Some(town::key_hash(id)),
    }
}

/// A further account like `of`, with a tool of its own like `tool` whose key is the account's name.
fn further(config: &mut Config, of: &str, tool: &str, id: &str, change: &dyn Fn(&mut Account)) {
    let mut account = config.accounts.iter().find(|it| it.id.as_str() == of).unwrap().clone();
    account.id = AccountId::new(id);
    account.handle = id.replace('-', "_");
    change(&mut account);
    config.accounts.push(account);
    let mut client = config.clients.iter().find(|it| it.id.as_str() == tool).unwrap().clone();
    client.id = ClientId::new(id);
    client.key_sha256 = town::key_hash(id);
    client.accounts = vec![AccountId::new(id)];
    config.clients.push(client);
}

/// A post to X.
pub fn tweet(text: &str) -> Wire {
    Wire::new("POST", "api.x.com", "/2/tweets").json(&json!({ "text": text }))
}

/// A change of a body's registry by a person.
pub async fn registers(town: &Town, by: &str, change: Value) {
    let asked = serde_json::from_value(change.clone()).unwrap_or_else(|error| panic!("{error}: {change}"));
    let done = town.running.ledger.act(PersonId::new(by), Act::Registry(Box::new(asked))).await;
    if let Err(error) = done {
        panic!("{change} is refused: {error:?}");
    }
}

/// What the body's manager says of the post that was last judged in its log: yes, with these remarks.
pub async fn approves_last(town: &Town, side: Side, remarks: &Value) {
    let entry = town.entries(side.body).pop().unwrap();
    let digest = entry["digest"].as_str().unwrap_or_else(|| panic!("{entry}"));
    let body = json!({
        "account": side.account, "actions": [entry["action"]], "digest": digest, "remarks": remarks,
    });
    let reply = town.console(side.manager, Method::POST, "/api/v1/approvals", Some(body)).await;
    assert_eq!(reply.status, 201, "{:?}", reply.json());
}

/// The request is approved with these remarks and passes by this rule; the provider received it once.
pub async fn passes(town: &Town, side: Side, wire: &Wire, remarks: Value, rule: &str) -> Answer {
    let first = stops(town, side, wire).await;
    approves_last(town, side, &remarks).await;
    let passed = goes(town, side, wire, rule).await;
    assert_ne!(header(&first, "sekisho-decision"), "permitted");
    passed
}

/// The request passes as it is, by this rule; the provider received it once.
pub async fn goes(town: &Town, side: Side, wire: &Wire, rule: &str) -> Answer {
    let received = town.received();
    let answer = wire.send(town, side.tool).await;
    assert_eq!(header(&answer, "sekisho-decision"), "permitted", "{}", answer.text);
    assert_eq!(town.received(), received + 1, "the provider received it once");
    let entry = entry(town, side, &answer);
    assert_eq!(entry["rule"], rule, "{entry}");
    answer
}

/// The entry that an answer names.
pub fn entry(town: &Town, side: Side, answer: &Answer) -> Value {
    let index: usize = header(answer, "sekisho-entry").parse().unwrap();
    town.entries(side.body).swap_remove(index)
}

/// A post to X by the gateway's own address, whose certificate nobody asks for: for stories in which months go by.
pub async fn sent_later(town: &Town, side: Side, text: &str, bearer: &str) -> sekisho::demo::client::Reply {
    let headers = [("authorization", bearer)];
    let body = Some(json!({ "text": text }).to_string());
    town.tool(side.tool).send_reverse_with(Method::POST, "/x/2/tweets", &headers, body).await.unwrap()
}

/// After months: a post that was approved is refused with this code, citing this clause, and nothing left.
pub async fn refused_later(town: &Town, side: Side, text: &str, bearer: &str, code: &str, clause: &str) {
    let received = town.received();
    sent_later(town, side, text, bearer).await;
    approves_last(town, side, &json!({})).await;
    let reply = sent_later(town, side, text, bearer).await;
    let entry = town.entries(side.body).pop().unwrap();
    assert_eq!((reply.status.as_u16(), town.received()), (403, received), "{:?}", reply.json());
    assert_eq!(entry["code"], code, "{entry}");
    assert!(entry["clauses"].as_array().unwrap().contains(&json!(clause)), "{entry}");
    assert!(String::from_utf8_lossy(&reply.body).contains(clause), "{:?}", reply.json());
}

/// The request is stopped, whatever by, and no provider received anything.
pub async fn stops(town: &Town, side: Side, wire: &Wire) -> Answer {
    let received = town.received();
    let answer = wire.send(town, side.tool).await;
    assert!((400..500).contains(&answer.status), "{} {}", answer.status, answer.text);
    assert_eq!(town.received(), received, "a provider received something: {wire:?}");
    answer
}

/// The request is stopped with this code; no provider received anything; one entry says so and names the clause, and so
/// does the answer. The refusal of it.
pub async fn refused(town: &Town, side: Side, wire: &Wire, code: &str, clause: &str) -> Answer {
    let before = town.entries(side.body).len();
    let answer = stops(town, side, wire).await;
    let entries = town.entries(side.body);
    assert_eq!(entries.len(), before + 1, "one entry for one refusal");
    let entry = entries.last().unwrap();
    assert_eq!(entry["code"], code, "{entry} {}", answer.text);
    assert!(entry["clauses"].as_array().unwrap().iter().any(|cited| cited == clause), "{clause}: {entry}");
    assert!(answer.text.contains(clause), "{}", answer.text);
    answer
}

/// An approval with these remarks does not help: the request is stopped all the same.
pub async fn refused_though_approved(
    town: &Town,
    side: Side,
    wire: &Wire,
    remarks: Value,
    code: &str,
    clause: &str,
) -> Answer {
    stops(town, side, wire).await;
    approves_last(town, side, &remarks).await;
    refused(town, side, wire, code, clause).await
}
