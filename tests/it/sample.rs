//! A third body with a guideline of its own (`config/guidelines/sample.cedar`): each of its rules, and that it stands beside
//! the two real ones in one gateway without either seeing anything of another.

use http::Method;
use sekisho::config::Config;
use sekisho::config::registry::Organisation;
use sekisho::demo::town::{self, MANAGER_KEY};
use sekisho::domain::account::{AccountId, OrganisationId};
use sekisho::domain::clock::{Clock as _, SystemClock};
use sekisho::domain::person::{ClientId, Person, PersonId};
use sekisho::guideline::Guidelines;
use sekisho::guideline::facts::Facts;
use serde_json::{Value, json};

use crate::rulebook::{NAGANO, NERIMA, Side, entry, goes, passes, refused, stops, tweet};
use crate::stage::Town;

/// The body's account at X; its tool's key is its name, its manager's is `mihon-head`.
const MIHON: Side = Side { body: "mihon", account: "mihon-x", tool: "mihon-x", manager: "mihon-head" };
const BASIS: &str = "sample.3.approved";
const SIGNED: &str = "図書館は本日も開館しています。（見本市広報課）";

fn bodies() -> Guidelines {
    let body = |id: &str, name: &str, guideline: &str| Organisation {
        id: OrganisationId::new(id),
        name: name.to_owned(),
        guideline: vec![format!("builtin:{guideline}").into()],
        sites: Vec::new(),
        periods: Vec::new(),
    };
    let bodies =
        [body("nerima", "練馬区", "nerima"), body("nagano", "長野市", "nagano"), body("mihon", "見本市", "sample")];
    Guidelines::load(&sekisho::config::guideline::Guideline::default(), &bodies).unwrap_or_else(|it| panic!("{it:?}"))
}

#[test]
fn each_rule_of_the_sample_lets_pass_what_it_asks_for_and_stops_what_lacks_it() {
    let guidelines = bodies();
    let mihon = OrganisationId::new("mihon");
    // The rule, what passes it, what it stops, and the code that says so.
    let table = [
        ("sample.3.approval", "", "pass=none", "approval-missing"),
        ("sample.3.joint", "approvers=2", "approvers=1", "joint-approval-missing"),
        (
            "sample.3.approver",
            "approver_is_manager=false approver_is_operator=true",
            "approver_is_manager=false",
            "approver-not-entitled",
        ),
        ("sample.4.hours", "hour=8", "hour=7", "outside-posting-hours"),
        ("sample.4.hours", "hour=17", "hour=18", "outside-posting-hours"),
        ("sample.4.hours", "weekday=5", "weekday=6", "outside-posting-hours"),
        ("sample.4.hours", "hour=23 set_aside=sample:4", "hour=23 set_aside=nerima:6", "outside-posting-hours"),
        ("sample.5.signature", "", "ends_with_signature=false", "signature-missing"),
        (
            "sample.5.signature",
            "ends_with_signature=false has_text=false",
            "ends_with_signature=false action=edit",
            "signature-missing",
        ),
        (
            "sample.6.disaster-hashtag",
            "pass=exempt exemption=emergency hashtags=見本市災害",
            "pass=exempt exemption=emergency",
            "hashtag-missing",
        ),
        ("sample.6.no-disaster-hashtag", "hashtags=防災", "hashtags=見本市災害", "hashtag-reserved"),
        ("sample.7.consent", "has_media=true declares=people", "has_media=true declares=place", "media-consent"),
        ("sample.8.election", "periods=election approver_gave_reason=true", "periods=election", "election-period"),
    ];
    let judged = |changes: &str| {
        let facts = Facts::ordinary("mihon").with(changes).unwrap_or_else(|error| panic!("{changes}: {error}"));
        guidelines.judge(&mihon, &facts, SystemClock.now())
    };
    for (rule, lets, stops, code) in table {
        assert!(judged(lets).is_ok(), "{rule}: {lets}: {:?}", judged(lets));
        let refusal = judged(stops).expect_err(&format!("{rule}: {stops}"));
        assert!(refusal.rules.iter().any(|it| it == rule) && refusal.code == code, "{rule}: {stops}: {refusal:?}");
        assert!(refusal.clauses.iter().all(|it| it.as_str().starts_with("sample:")), "{refusal:?}");
    }
    let named: Vec<&str> = table.iter().map(|row| row.0).collect();
    for rule in guidelines.rules(&mihon).iter().filter(|rule| rule.id.starts_with("sample.")) {
        let permits = ["sample.3.approved", "sample.3.emergency"].contains(&rule.id.as_str());
        assert!(permits || named.contains(&rule.id.as_str()), "no case of {}", rule.id);
    }
}

#[test]
fn no_rule_of_one_body_is_in_force_for_another_and_every_canary_is_stopped() {
    let guidelines = bodies();
    assert_eq!(guidelines.self_test(SystemClock.now()), Vec::<String>::new());
    for (body, own) in [("nerima", "nerima."), ("nagano", "nagano."), ("mihon", "sample.")] {
        let rules = guidelines.rules(&OrganisationId::new(body));
        assert!(rules.iter().any(|rule| rule.id.starts_with(own)));
        let foreign = rules.iter().find(|rule| !rule.id.starts_with(own) && !rule.id.starts_with("common."));
        assert!(foreign.is_none(), "{body}: {foreign:?}");
    }
}

fn with_mihon(config: &mut Config) {
    let body = OrganisationId::new("mihon");
    config.organisations.push(Organisation {
        id: body.clone(),
        name: "見本市".to_owned(),
        guideline: vec!["builtin:sample".into()],
        sites: Vec::new(),
        periods: Vec::new(),
    });
    config.providers.values_mut().for_each(|provider| provider.recognised.push(body.clone()));
    for (id, post) in [("head", "広報課長"), ("deputy", "防災課長"), ("clerk", "広報課主事")] {
        config.people.push(Person {
            id: PersonId::new(format!("mihon-{id}")),
            organisation: body.clone(),
            name: format!("見本 {id}"),
            post: post.to_owned(),
            may_declare: id == "head",
            key_sha256: Some(town::key_hash(&format!("mihon-{id}"))),
        });
    }
    let mut account = config.accounts.iter().find(|it| it.id.as_str() == "nerima-x").unwrap().clone();
    account.id = AccountId::new("mihon-x");
    account.organisation = body.clone();
    account.handle = "mihon_city".to_owned();
    account.manager = PersonId::new("mihon-head");
    account.operators = vec![PersonId::new("mihon-clerk")];
    account.operating_policy.as_mut().unwrap().signature = Some("（見本市広報課）".to_owned());
    config.accounts.push(account);
    let mut tool = config.clients.iter().find(|it| it.id.as_str() == "nerima-tool").unwrap().clone();
    tool.id = ClientId::new("mihon-tool");
    tool.organisation = body;
    tool.owner = PersonId::new("mihon-clerk");
    tool.key_sha256 = town::key_hash("mihon-x");
    tool.accounts = vec![AccountId::new("mihon-x")];
    config.clients.push(tool);
}

async fn approves(town: &Town, side: Side, key: &str, digest: &Value, remarks: Value) -> u16 {
    let body = json!({ "account": side.account, "actions": ["publish"], "digest": digest, "remarks": remarks });
    town.console(key, Method::POST, "/api/v1/approvals", Some(body)).await.status.as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn three_bodies_in_one_gateway_each_post_by_their_own_rules_people_and_approvals() {
    let town = Town::start_with(with_mihon).await;
    // The same words, approved alike: the ward passes, the third body asks for a second approver and its signature.
    let plain = tweet("【広報課】図書館は本日も開館しています。");
    passes(&town, NERIMA, &plain, json!({}), "nerima.11.approved").await;
    passes(&town, NAGANO, &plain, json!({}), "nagano.2-7.approved").await;
    stops(&town, MIHON, &plain).await;
    let digest = town.entries("mihon").pop().unwrap()["digest"].clone();
    // Whatever the hour, the principle of hours is set aside, so that the scene does not depend on it.
    let aside = json!({ "reason": "開館の告知のため", "sets_aside": ["sample:4"] });
    assert_eq!(approves(&town, MIHON, "mihon-head", &digest, aside.clone()).await, 201);
    assert_eq!(approves(&town, MIHON, "mihon-deputy", &digest, json!({})).await, 201);
    refused(&town, MIHON, &plain, "signature-missing", "sample:5").await;
    let signed = tweet(SIGNED);
    stops(&town, MIHON, &signed).await;
    let digest = town.entries("mihon").pop().unwrap()["digest"].clone();
    assert_eq!(approves(&town, MIHON, "mihon-head", &digest, aside).await, 201);
    refused(&town, MIHON, &signed, "joint-approval-missing", "sample:3").await;
    // Nobody of another body is the second one: such an approval cannot even be given.
    for foreign in [MANAGER_KEY, NAGANO.manager] {
        assert!((400..500).contains(&approves(&town, MIHON, foreign, &digest, json!({})).await), "{foreign}");
    }
    refused(&town, MIHON, &signed, "joint-approval-missing", "sample:3").await;
    assert_eq!(approves(&town, MIHON, "mihon-deputy", &digest, json!({})).await, 201);
    let passed = goes(&town, MIHON, &signed, BASIS).await;
    assert_eq!(entry(&town, MIHON, &passed)["joint"].as_array().map(Vec::len), Some(1));
    // What one body approved, a second one's account cannot spend.
    stops(&town, NERIMA, &signed).await;
    for (body, others) in
        [("nerima", ["nagano-x", "mihon-x"]), ("nagano", ["nerima-x", "mihon-x"]), ("mihon", ["nerima-x", "nagano-x"])]
    {
        let log = json!(town.entries(body)).to_string();
        assert!(others.iter().all(|other| !log.contains(other)), "{body} tells of another");
    }
    for (key, own) in [(MANAGER_KEY, "nerima"), (NAGANO.manager, "nagano"), ("mihon-head", "mihon")] {
        for path in ["/api/v1/registry/records", "/api/v1/tickets", "/api/v1/incidents", "/api/v1/approvals"] {
            let reply = town.console(key, Method::GET, path, None).await;
            let text = String::from_utf8_lossy(&reply.body).into_owned();
            for other in ["nerima-", "nagano-", "mihon-"].into_iter().filter(|other| !other.starts_with(own)) {
                assert!(!text.contains(other), "{path} shows {own} something of {other}: {text}");
            }
        }
        let foreign = if own == "mihon" { "nerima-x" } else { "mihon-x" };
        let path = format!("/api/v1/registry/standing/{foreign}");
        assert_eq!(town.console(key, Method::GET, &path, None).await.status, 404, "{own} {foreign}");
    }
}
