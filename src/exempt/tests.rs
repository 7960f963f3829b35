use super::*;
use crate::domain::account::{AccountId, AccountKind, AccountState, OperatingPolicy, OrganisationId, ProviderId};
use crate::domain::emergency::{AfterReport, Emergency, EmergencyId};
use crate::domain::media::{Media, Sha256};
use crate::domain::person::PersonId;
use crate::domain::ports::Unavailable;
use crate::domain::post::{Field, Role};
use crate::domain::tree::Tree;

struct Declared(Result<Option<Emergency>, Unavailable>);

impl Emergencies for Declared {
    fn open(&self, _: &AccountId, _: Timestamp) -> Result<Option<Emergency>, Unavailable> {
        self.0.clone()
    }
    fn emergencies(&self, _: &OrganisationId) -> Result<Vec<Emergency>, Unavailable> {
        Ok(Vec::new())
    }
    fn overdue(&self, _: &AccountId, _: Timestamp) -> Result<bool, Unavailable> {
        Ok(false)
    }
    fn after_reports(&self, _: &OrganisationId) -> Result<Vec<AfterReport>, Unavailable> {
        Ok(Vec::new())
    }
}

fn account() -> Account {
    Account {
        id: AccountId::new("nerima-x"),
        organisation: OrganisationId::new("nerima"),
        provider: ProviderId::new("x"),
        handle: "nerima".into(),
        kind: AccountKind::General,
        state: AccountState::Active,
        manager: PersonId::new("manager"),
        operators: vec![],
        operating_policy: Some(OperatingPolicy {
            version: "3".into(),
            categories: vec!["開庁時間".into()],
            after_report_hours: None,
            self_approval: false,
            ..OperatingPolicy::default()
        }),
        credential_fingerprints: vec![],
        trouble: Default::default(),
        observe: None,
    }
}

fn now() -> Timestamp {
    "2026-11-22T01:00:00Z".parse().unwrap()
}

fn declared(accounts: &[&str], drill: bool) -> Declared {
    Declared(Ok(Some(Emergency {
        id: EmergencyId::new("e1"),
        organisation: OrganisationId::new("nerima"),
        declared_by: PersonId::new("duty"),
        reason: "大雨".into(),
        accounts: accounts.iter().copied().map(AccountId::new).collect(),
        drill,
        declared: "2026-11-22T00:00:00Z".parse().unwrap(),
        until: "2026-11-22T06:00:00Z".parse().unwrap(),
        ended: None,
    })))
}

fn post(text: &str) -> Post {
    let field = Field { role: Role::Text, at: "/text".into(), value: Tree::Text(text.into()) };
    Post { fields: vec![field], ..Post::default() }
}

fn claim(claim: Claim<'_>, post: &Post, emergencies: &Declared) -> Result<Option<Exemption>, String> {
    let Ok(templates) = Templates::load(&crate::config::guideline::Guideline::default()) else { panic!("templates") };
    exemption(claim, &account(), post, &templates, emergencies, now()).map_err(|refusal| refusal.code.into_owned())
}

fn weather(post: &Post) -> Result<Option<Exemption>, String> {
    claim(Claim { exemption: Some("weather-event"), ..Claim::default() }, post, &Declared(Ok(None)))
}

const CANCELLED: &str =
    "【中止】石神井公園まつり\n１１月２２日（日）に予定していた「石神井公園まつり」は、雨天のため中止します。";

#[test]
fn without_a_claim_there_is_no_exemption() {
    assert_eq!(claim(Claim::default(), &post("x"), &Declared(Ok(None))), Ok(None));
}

#[test]
fn an_emergency_needs_an_open_declaration_for_this_very_account() {
    let emergency = Claim { emergency: true, ..Claim::default() };
    let id = EmergencyId::new("e1");
    assert_eq!(
        claim(emergency, &post("x"), &declared(&["nerima-x"], true)),
        Ok(Some(Exemption::Emergency { emergency: id, drill: true }))
    );
    assert_eq!(claim(emergency, &post("x"), &declared(&["other"], false)), Err("no-open-emergency".into()));
    assert_eq!(claim(emergency, &post("x"), &Declared(Ok(None))), Err("no-open-emergency".into()));
    let down = Declared(Err(Unavailable("down".into())));
    assert_eq!(claim(emergency, &post("x"), &down), Err("store-unavailable".into()));
}

#[test]
fn a_declaration_that_ran_out_or_was_ended_opens_nothing_and_a_running_one_does() {
    // What the proofs of the guidelines (tests/prove) leave to this stage: `emergency` is a fact only while one runs.
    let emergency = Claim { emergency: true, ..Claim::default() };
    let with = |until: Timestamp, ended: Option<Timestamp>| {
        let Declared(open) = declared(&["nerima-x"], false);
        let open = Declared(Ok(open.unwrap().map(|it| Emergency { until, ended, ..it })));
        claim(emergency, &post("x"), &open).map(|it| it.is_some())
    };
    let second = jiff::SignedDuration::from_secs(1);
    assert_eq!(with(now() + second, None), Ok(true));
    assert_eq!(with(now(), None), Err("no-open-emergency".into()));
    assert_eq!(with(now() + second, Some(now())), Err("no-open-emergency".into()));
    assert_eq!(with(now() + second, Some(now() - second)), Err("no-open-emergency".into()));
}

#[test]
fn a_filled_template_fits_in_either_width_of_digits() {
    let fits = Ok(Some(Exemption::WeatherEvent { template: "event-cancelled".into(), fits: true }));
    assert_eq!(weather(&post(CANCELLED)), fits);
    assert_eq!(weather(&post(&CANCELLED.replace("１１月２２日（日）", "11月22日"))), fits);
    assert_eq!(weather(&post(&format!("{}\r\n", CANCELLED.replace('\n', "\r\n")))), fits);
}

#[test]
fn an_empty_field_free_text_a_link_or_a_medium_does_not_fit() {
    let not = Err("template-does-not-fit".to_owned());
    let changed = [
        CANCELLED.replace("石神井公園まつり", ""),
        CANCELLED.replace("１１月２２日（日）", "○月○日"),
        CANCELLED.replace("１１月２２日（日）", "13月40日"),
        CANCELLED.replacen("石神井公園まつり", "別のまつり", 1),
        format!("{CANCELLED}代わりに当店の大売り出しへ。"),
        CANCELLED.replace("石神井公園まつり", "https://bit.ly/x"),
        CANCELLED.replace("石神井公園まつり", "まつりは延期。詳細は店頭で"),
        CANCELLED.replace("雨天", "店主の都合"),
    ];
    for text in changed {
        assert_eq!(weather(&post(&text)), not, "{text}");
    }
    let mut with_media = post(CANCELLED);
    with_media.media.push(Media { id: "1".into(), sha256: Sha256::of(b""), len: 0, alt: None });
    let mut with_rest = post(CANCELLED);
    with_rest.rest.insert("/x".into(), Tree::Null);
    let mut quoting = post(CANCELLED);
    quoting.references.insert("quote_of".into(), vec!["1".into()]);
    let mut tagging = post(CANCELLED);
    tagging.audience.insert("/geo/place_id".into(), Tree::Text("1".into()));
    let mut scheduled = post(CANCELLED);
    scheduled.schedule = Some("2026-12-01T00:00:00Z".into());
    for post in [with_media, with_rest, quoting, tagging, scheduled] {
        assert_eq!(weather(&post), not);
    }
    let mut by_route = post(CANCELLED);
    by_route.audience.insert("means".into(), Tree::Text("broadcast".into()));
    by_route.audience.insert("/notificationDisabled".into(), Tree::Bool(false));
    assert!(weather(&by_route).is_ok());
}

#[test]
fn a_structured_message_fits_by_its_text() {
    let mut message = indexmap::IndexMap::new();
    message.insert("type".to_owned(), Tree::Text("text".into()));
    message.insert("text".to_owned(), Tree::Text(CANCELLED.into()));
    let field = Field { role: Role::Message, at: "/messages/0".into(), value: Tree::Map(message) };
    assert!(weather(&Post { fields: vec![field], ..Post::default() }).is_ok());
}

#[test]
fn a_template_may_be_named_and_must_then_exist() {
    let named = |id: &str| {
        let header = format!("weather-event:{id}");
        claim(Claim { exemption: Some(&header), ..Claim::default() }, &post(CANCELLED), &Declared(Ok(None)))
    };
    assert!(named("event-cancelled").is_ok());
    assert_eq!(named("event-held"), Err("template-does-not-fit".into()));
    assert_eq!(named("nothing"), Err("unknown-template".into()));
}

#[test]
fn a_category_must_stand_in_the_operating_policy_and_carries_its_version() {
    let policy = |category| {
        let claimed = Claim { exemption: Some("operating-policy"), category, emergency: false };
        claim(claimed, &post("x"), &Declared(Ok(None)))
    };
    assert_eq!(
        policy(Some("開庁時間")),
        Ok(Some(Exemption::OperatingPolicy { category: "開庁時間".into(), version: "3".into() }))
    );
    assert_eq!(policy(Some("催し")), Err("category-not-in-policy".into()));
    assert_eq!(policy(None), Err("category-not-in-policy".into()));
}

#[test]
fn an_unknown_exemption_is_refused_and_not_passed_over() {
    let odd = Claim { exemption: Some("because"), ..Claim::default() };
    assert_eq!(claim(odd, &post("x"), &Declared(Ok(None))), Err("unknown-exemption".into()));
}

#[test]
fn a_template_that_is_not_well_made_is_a_problem_with_its_line() {
    let wrong = "\n[[templates]]\nid = \"a\"\ntext = \"{x}\"\nfields = { x = \"poem\" }\n";
    let (mut templates, mut problems) = (Vec::new(), Vec::new());
    template::read(Path::new("t.toml"), wrong, &mut templates, &mut problems);
    assert_eq!(problems.len(), 1);
    assert!(problems[0].to_string().starts_with("t.toml:2: template `a`"), "{}", problems[0]);
}
