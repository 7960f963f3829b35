//! Two bodies with their people, and forms filled in.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::domain::account::{
    Account, AccountId, AccountKind, AccountState, OperatingPolicy, OrganisationId, ProviderId,
};
use crate::domain::person::{Person, PersonId};
use crate::domain::registry::seed::seed;
use crate::domain::registry::{Asked, Book, Charter, Pattern};
use crate::registry::{Decided, decide};

/// A body at a moment.
#[derive(Clone)]
pub(super) struct Town {
    pub(super) book: Book,
    pub(super) now: Timestamp,
}

/// The codes and clauses of a refusal.
pub(super) type Broken = (Vec<String>, Vec<String>);

impl Town {
    pub(super) fn people(&self) -> Vec<String> {
        self.book.people.keys().map(ToString::to_string).collect()
    }

    pub(super) fn at(mut self, moment: &str) -> Self {
        self.now = moment.parse().unwrap();
        self
    }

    pub(super) fn decide(&self, by: &str, form: Value) -> Result<Decided, Box<crate::domain::decision::Refusal>> {
        let asked: Asked = serde_json::from_value(form.clone()).unwrap_or_else(|error| panic!("{form}: {error}"));
        decide(&asked, &PersonId::new(by), &self.book, self.now)
    }

    /// Asks, and carries it out if it is allowed. The clauses that hold, or what it breaks.
    pub(super) fn ask(&mut self, by: &str, form: Value) -> Result<Vec<&'static str>, Broken> {
        let decided = self.decide(by, form).map_err(|refusal| {
            let clauses = refusal.clauses.iter().map(ToString::to_string).collect();
            assert_eq!(refusal.code, refusal.rules[0]);
            assert!(!refusal.sentence.is_empty() && !refusal.sentence_en.is_empty() && !refusal.way_forward.is_empty());
            (refusal.rules.clone(), clauses)
        })?;
        let written = decided.written().clone();
        let mut accounts = self.book.accounts.clone();
        accounts.extend(written.accounts.into_iter().map(|it| (it.id.clone(), Arc::new(it))));
        let mut people = self.book.people.clone();
        people.extend(written.people.into_iter().map(|it| (it.id.clone(), Arc::new(it))));
        let items = self.book.items().into_iter().chain(written.items);
        self.book = Book::new(self.book.revision + 1, accounts.into_values(), people.into_values(), items);
        Ok(decided.clauses().to_vec())
    }

    /// The town after somebody has done this.
    pub(super) fn after(&self, by: &str, form: Value) -> Self {
        let mut town = self.clone();
        if let Err(broken) = town.ask(by, form.clone()) {
            panic!("{form} by {by}: {broken:?}");
        }
        town
    }
}

pub(super) fn person(body: &str, id: &str, post: &str) -> Arc<Person> {
    Arc::new(Person {
        id: PersonId::new(id),
        organisation: OrganisationId::new(body),
        name: format!("見本 {id}"),
        post: post.to_owned(),
        may_declare: false,
        key_sha256: None,
    })
}

fn account(body: &str, id: &str, kind: AccountKind, manager: &str, operator: &str) -> Arc<Account> {
    let provider = id.rsplit('-').next().unwrap();
    Arc::new(Account {
        id: AccountId::new(id),
        organisation: OrganisationId::new(body),
        provider: ProviderId::new(provider),
        handle: format!("@{id}"),
        kind,
        state: AccountState::Active,
        manager: PersonId::new(manager),
        operators: vec![PersonId::new(operator)],
        operating_policy: Some(OperatingPolicy {
            media_consent: false,
            version: "1".to_owned(),
            categories: vec!["opening-hours".to_owned()],
            after_report_hours: None,
            self_approval: false,
            ..OperatingPolicy::default()
        }),
        credential_fingerprints: Vec::new(),
        trouble: Default::default(),
        observe: None,
    })
}

fn town(pattern: Pattern, accounts: &[Arc<Account>], people: &[Arc<Person>]) -> Town {
    let now: Timestamp = "2026-11-22T01:00:00Z".parse().unwrap();
    let recognised = ["x", "instagram", "youtube"].map(ProviderId::new);
    let items = seed(Charter::of(pattern), accounts, people, &recognised);
    Town { book: Book::new(1, accounts.iter().cloned(), people.iter().cloned(), items), now }
}

/// 練馬区: 広聴広報課長, 企画部長, 情報政策課長, 子育て支援課長 and two clerks.
pub(super) fn nerima() -> Town {
    let one = |id: &str, post: &str| person("nerima", id, post);
    let people = [
        one("pr", "広聴広報課長"),
        one("plan", "企画部長"),
        one("info", "情報政策課長"),
        one("kodomo", "子育て支援課長"),
        one("clerk", "子育て支援課主事"),
        one("prclerk", "広聴広報課主事"),
    ];
    let accounts = [
        account("nerima", "nerima-x", AccountKind::General, "pr", "prclerk"),
        account("nerima", "nerima-kosodate-x", AccountKind::Individual, "kodomo", "clerk"),
    ];
    town(Pattern::Nerima, &accounts, &people)
}

/// 長野市: 広報広聴課長, 観光振興課長 and two clerks.
pub(super) fn nagano() -> Town {
    let one = |id: &str, post: &str| person("nagano", id, post);
    let people = [
        one("head", "広報広聴課長"),
        one("kanko", "観光振興課長"),
        one("hclerk", "広報広聴課主事"),
        one("kclerk", "観光振興課主事"),
    ];
    let accounts = [
        account("nagano", "nagano-x", AccountKind::General, "head", "hclerk"),
        account("nagano", "nagano-instagram", AccountKind::General, "head", "hclerk"),
        account("nagano", "nagano-kanko-x", AccountKind::Individual, "kanko", "kclerk"),
    ];
    town(Pattern::Nagano, &accounts, &people)
}

pub(super) fn review(members: &[&str]) -> Value {
    json!({
        "change": "review-provider", "provider": "tiktok",
        "review": {
            "met": "2026-11-20", "versatility": "広く使われている", "availability": "止まりにくい",
            "continuity": "続く見込み", "members": members,
        },
    })
}

pub(super) fn standard(provider: &str, version: &str) -> Value {
    json!({
        "change": "set-standard-policy", "provider": provider, "version": version, "document": "文書第1号",
        "consulted": "2026-11-20", "opinion": "異議なし",
    })
}

/// An application; in Nagano the base and the policy do no harm.
pub(super) fn opening(account: &str, kind: &str) -> Value {
    let nerima = account.starts_with("nerima");
    json!({
        "change": "apply-account", "account": account, "provider": "x", "handle": "@new", "kind": kind,
        "purpose": "お知らせのため", "topics": ["events"], "policy": { "version": "1" },
        "policy_base": nerima.then_some("s1"), "operators": [if nerima { "clerk" } else { "kclerk" }],
    })
}

pub(super) fn policy(account: &str, version: &str, base: Option<&str>) -> Value {
    json!({
        "change": "set-policy", "account": account, "policy": { "version": version, "categories": ["opening-hours"] },
        "base": base, "delegable": ["events"],
    })
}

pub(super) fn notice(account: &str, closing: &str) -> Value {
    json!({ "change": "notify-closing", "account": account, "closing": closing, "reason": "事業の終了" })
}

pub(super) fn delegation(id: &str, categories: &[&str]) -> Value {
    json!({
        "change": "delegate", "id": id, "account": "nerima-kosodate-x", "delegate": "clerk", "categories": categories,
        "span": { "from": "2026-12-01", "until": "2027-03-31" },
    })
}

pub(super) fn source(id: &str, class: &str, account: Option<&str>) -> Value {
    json!({
        "change": "source", "id": id, "account": account, "provider": "x", "names": ["@Example"], "class": class,
        "uses": ["quote", "follow"], "evidence": "https://www.example.go.jp/", "span": { "from": "2026-11-01" },
    })
}

pub(super) fn contractor(supervisor: &str, account: &str) -> Value {
    json!({
        "change": "contractor", "id": "c-1", "name": "受託社", "supervisor": supervisor, "clients": ["tool-c"],
        "accounts": [account], "contract": "契約第1号", "span": { "from": "2026-04-01", "until": "2027-03-31" },
    })
}

pub(super) fn issuer(account: &str) -> Value {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    json!({
        "change": "issuer", "id": "cms", "name": "市公式ホームページCMS", "algorithm": "ES256",
        "key": { "pem": key.public_key_pem() }, "accounts": [account], "actions": ["publish"],
        "span": { "from": "2026-04-01", "until": "2027-03-31" },
    })
}

pub(super) fn grant(id: &str, account: &str, year: i16) -> Value {
    json!({ "change": "apply-grant", "id": id, "account": account, "section": "観光振興課", "year": year })
}
