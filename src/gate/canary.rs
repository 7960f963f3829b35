//! Canaries: before the gate is ready, each rule and each route shows that it refuses what it must (C13).
//!
//! A rule that is loaded but never runs looks like a rule that finds nothing. So every inspection rule must find its
//! own example, every guideline rule must stop its own canary, and every publishing route must hold a post that nobody
//! approved, for every body.

use jiff::Timestamp;

use super::Rules;
use crate::domain::account::{
    Account, AccountId, AccountKind, AccountState, OperatingPolicy, OrganisationId, ProviderId,
};
use crate::domain::action::Action;
use crate::domain::approval::Pass;
use crate::domain::credential::Standing;
use crate::domain::finding::Report;
use crate::domain::person::{Client, ClientId, PersonId};
use crate::domain::post::Post;
use crate::guideline::{Around, Case, decide};

/// What did not refuse as it must, in words. Empty: the gate may be ready.
pub fn sing(rules: &Rules, organisations: &[OrganisationId], now: Timestamp) -> Vec<String> {
    let mut silent: Vec<String> =
        rules.inspection.self_test().into_iter().map(|rule| format!("inspection rule {rule}")).collect();
    silent.extend(rules.guidelines.self_test(now).into_iter().map(|rule| format!("guideline rule {rule}")));
    let mut routes = 0;
    for (definition, route) in rules.definitions.routes() {
        let actions = std::iter::once(route.action).chain(route.when.iter().map(|when| when.action));
        for action in actions.filter(|action| action.needs_approval()) {
            for organisation in organisations {
                routes += 1;
                if passes(rules, &definition.id, organisation, action, now) {
                    silent.push(format!("route {} of {}, as {action} by {organisation}", route.id, definition.id));
                }
            }
        }
    }
    if routes == 0 && !organisations.is_empty() {
        silent.push("no publishing route was tried".to_owned());
    }
    silent
}

/// Whether a post of this action that nobody approved would pass.
fn passes(rules: &Rules, provider: &ProviderId, organisation: &OrganisationId, action: Action, now: Timestamp) -> bool {
    let person = PersonId::new("canary");
    let account = Account {
        id: AccountId::new("canary"),
        organisation: organisation.clone(),
        provider: provider.clone(),
        handle: "canary".to_owned(),
        kind: AccountKind::General,
        state: AccountState::Active,
        manager: person.clone(),
        operators: Vec::new(),
        operating_policy: Some(OperatingPolicy {
            version: "canary".to_owned(),
            categories: Vec::new(),
            after_report_hours: None,
            self_approval: false,
            ..OperatingPolicy::default()
        }),
        credential_fingerprints: Vec::new(),
        trouble: Default::default(),
        observe: None,
    };
    let client = Client {
        id: ClientId::new("canary"),
        organisation: organisation.clone(),
        owner: person,
        key_sha256: String::new(),
        accounts: vec![account.id.clone()],
        actions: Action::ALL.to_vec(),
        categories: Vec::new(),
        hours: None,
        until: None,
        sources: Vec::new(),
        cms: false,
    };
    let report = Report { findings: Vec::new(), rules: String::new(), fields: 0, bytes: 0 };
    let case = Case {
        client: &client,
        account: &account,
        recognised: true,
        credential: Standing::Own,
        action,
        post: &Post::default(),
        report: &report,
        pass: &Pass::None,
        around: &Around::default(),
        now,
    };
    decide(&rules.guidelines, case).is_ok()
}
