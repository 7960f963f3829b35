//! What can be declared and what cannot.

use std::sync::Arc;

use super::*;
use crate::domain::account::{Account, AccountKind, AccountState, OrganisationId, ProviderId};
use crate::domain::person::{Client, ClientId, PersonId};

struct Town(Vec<Arc<Account>>);

impl Registry for Town {
    fn client_by_key(&self, _: &str) -> Option<Arc<Client>> {
        None
    }
    fn client(&self, _: &ClientId) -> Option<Arc<Client>> {
        None
    }
    fn account(&self, id: &AccountId) -> Option<Arc<Account>> {
        self.0.iter().find(|account| account.id == *id).cloned()
    }
    fn account_by_fingerprint(&self, _: &ProviderId, _: &str) -> Option<Arc<Account>> {
        None
    }
    fn accounts(&self) -> Vec<Arc<Account>> {
        self.0.clone()
    }
    fn person(&self, _: &PersonId) -> Option<Arc<Person>> {
        None
    }
    fn person_by_key(&self, _: &str) -> Option<Arc<Person>> {
        None
    }
    fn organisations(&self) -> Vec<OrganisationId> {
        Vec::new()
    }
}

fn town() -> Town {
    let account = |id: &str, organisation: &str| {
        Arc::new(Account {
            id: AccountId::new(id),
            organisation: OrganisationId::new(organisation),
            provider: ProviderId::new("x"),
            handle: id.to_owned(),
            kind: AccountKind::General,
            state: AccountState::Active,
            manager: PersonId::new("kacho"),
            operators: Vec::new(),
            operating_policy: None,
            credential_fingerprints: Vec::new(),
            trouble: Default::default(),
            observe: None,
        })
    };
    Town(vec![account("nerima-x", "nerima"), account("nerima-line", "nerima"), account("nagano-x", "nagano")])
}

fn person(may_declare: bool) -> Person {
    Person {
        id: PersonId::new("tochoku"),
        organisation: OrganisationId::new("nerima"),
        name: "見本 当直".to_owned(),
        post: "当直".to_owned(),
        may_declare,
        key_sha256: None,
    }
}

fn now() -> Timestamp {
    "2026-11-22T00:00:00Z".parse().unwrap()
}

fn request() -> Request {
    let accounts = vec![AccountId::new("nerima-x")];
    Request { reason: "震度5強の地震".to_owned(), accounts, for_s: Some(7200), until: None, drill: false }
}

fn declare(request: Request, may_declare: bool) -> Result<Emergency, String> {
    let config = crate::config::emergency::Emergency { max_s: 7200 };
    declaration(request, &person(may_declare), EmergencyId::new("e-1"), &config, &town(), now())
        .map_err(|refusal| refusal.code.into_owned())
}

#[test]
fn a_declaration_has_a_person_a_reason_accounts_and_an_end() {
    let made = declare(request(), true).unwrap();
    assert_eq!(made.until, "2026-11-22T02:00:00Z".parse().unwrap());
    assert!(made.is_open(now()) && !made.is_open(made.until));
    assert_eq!(made.declared_by.as_str(), "tochoku");
    assert_eq!(describe(&made), "緊急時の宣言 e-1: nerima-x（2026年11月22日(日) 11:00まで）");
    let until = Request { for_s: None, until: Some("2026-11-22T01:00:00Z".parse().unwrap()), ..request() };
    assert_eq!(declare(until, true).unwrap().until, "2026-11-22T01:00:00Z".parse().unwrap());
}

#[test]
fn what_is_missing_too_long_or_foreign_is_refused() {
    let past = "2026-11-21T23:59:59Z".parse().ok();
    let far = "2026-11-22T02:00:01Z".parse().ok();
    let accounts = |ids: &[&str]| ids.iter().map(|id| AccountId::new(*id)).collect::<Vec<_>>();
    let cases = [
        (Request { for_s: None, ..request() }, "declare-end"),
        (Request { until: "2026-11-22T01:00:00Z".parse().ok(), ..request() }, "declare-end"),
        (Request { for_s: Some(0), ..request() }, "declare-end"),
        (Request { for_s: Some(7201), ..request() }, "declare-end"),
        (Request { for_s: Some(u64::MAX), ..request() }, "declare-end"),
        (Request { for_s: None, until: past, ..request() }, "declare-end"),
        (Request { for_s: None, until: far, ..request() }, "declare-end"),
        (Request { reason: " 　\n".to_owned(), ..request() }, "declare-reason"),
        (Request { reason: "あ".repeat(1001), ..request() }, "declare-reason"),
        (Request { accounts: Vec::new(), ..request() }, "declare-accounts"),
        (Request { accounts: accounts(&["nerima-x", "nagano-x"]), ..request() }, "declare-accounts"),
        (Request { accounts: accounts(&["nobody"]), ..request() }, "declare-accounts"),
    ];
    for (request, expected) in cases {
        let shown = format!("{request:?}");
        assert_eq!(declare(request, true).unwrap_err(), expected, "{shown}");
    }
    assert_eq!(declare(request(), false).unwrap_err(), "declare-not-allowed");
}

#[test]
fn an_account_named_twice_is_opened_once() {
    let accounts = ["nerima-x", "nerima-line", "nerima-x"].map(AccountId::new).to_vec();
    let made = declare(Request { accounts, drill: true, ..request() }, true).unwrap();
    assert_eq!(made.accounts.len(), 2);
    assert!(describe(&made).starts_with("訓練の宣言"));
}
