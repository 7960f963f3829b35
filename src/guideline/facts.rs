//! Facts: what a guideline may speak of, computed here, because Cedar can neither count nor read text.
//!
//! Every attribute of the schema is always present; absence is a value. A missing attribute would make a rule err, and
//! an erring rule refuses.

use unicode_normalization::UnicodeNormalization;

use crate::domain::account::AccountKind;
use crate::domain::action::Action;
use crate::domain::approval::{Declared, Pass};
use crate::domain::clock;
use crate::domain::exemption::Exemption;
use crate::domain::finding::{Accept, Finding, Severity};
use crate::domain::post::Role;

use super::Case;

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Yes or no.
    Flag(bool),
    /// A number.
    Number(i64),
    /// A name.
    Text(String),
    /// A set of names, sorted, each once.
    Set(Vec<String>),
}

/// What the attributes that are names may hold. Cedar takes any string, so that a misspelt one in a rule would be a rule
/// that never holds; `rules` refuses to load it.
pub(super) const NAMED: [(&str, &[&str]); 5] = [
    ("account_kind", &["general", "individual"]),
    ("account_state", &["applied", "active", "suspended", "archived", "closed"]),
    ("credential", &["own", "held", "overdue", "locked"]),
    ("pass", &["approved", "exempt", "resend", "followed", "none"]),
    ("exemption", &["emergency", "weather-event", "operating-policy", "none"]),
];

/// The facts of one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    pub(super) client: String,
    pub(super) action: Action,
    pub(super) account: String,
    values: Vec<(&'static str, Value)>,
}

impl Facts {
    /// The facts of a case of the body with this name (練馬区).
    pub fn of(case: &Case<'_>, body: &str) -> Self {
        let account = case.account;
        let mut values = vec![
            ("organisation", text(account.organisation.as_str())),
            ("account_kind", text(kind(account.kind))),
            ("account_state", text(account.state.as_str())),
            ("has_operating_policy", Value::Flag(account.operating_policy.is_some())),
            ("self_approval", Value::Flag(account.operating_policy.as_ref().is_some_and(|it| it.self_approval))),
            ("after_report_hours", Value::Number(after_report_hours(case))),
            ("credential", text(case.credential.as_str())),
            ("provider", text(account.provider.as_str())),
            ("provider_recognised", Value::Flag(case.recognised)),
            ("client_is_contractor", Value::Flag(case.client.until.is_some())),
            ("hour", Value::Number(clock::in_japan(case.now).hour().into())),
        ];
        values.extend(pass(case));
        values.extend(content(case, body));
        values.extend(consent(case));
        values.sort_by_key(|(name, _)| *name);
        Self { client: case.client.id.to_string(), action: case.action, account: account.id.to_string(), values }
    }

    /// The facts of an ordinary approved post of a body: what every rule lets pass. Canaries and cases change them.
    pub fn ordinary(organisation: &str) -> Self {
        let no = || Value::Flag(false);
        let yes = || Value::Flag(true);
        let none = || Value::Set(Vec::new());
        let mut values = vec![
            ("organisation", text(organisation)),
            ("account_kind", text("individual")),
            ("account_state", text("active")),
            ("has_operating_policy", yes()),
            ("self_approval", no()),
            ("after_report_hours", Value::Number(0)),
            ("credential", text("own")),
            ("provider", text("x")),
            ("provider_recognised", yes()),
            ("client_is_contractor", no()),
            ("hour", Value::Number(10)),
            ("pass", text("approved")),
            ("exemption", text("none")),
            ("drill", no()),
            ("template_fits", no()),
            ("category_in_policy", no()),
            ("approver_is_manager", yes()),
            ("approver_is_operator", no()),
            ("approver_is_author", no()),
            ("block_categories", none()),
            ("review_categories", none()),
            ("manager_categories", none()),
            ("never_categories", none()),
            ("has_rest", no()),
            ("has_text", yes()),
            ("has_media", no()),
            ("has_schedule", no()),
            ("media_consent_asked", no()),
            ("people_consented", no()),
            ("place_permitted", no()),
            ("profile_names_body", yes()),
        ];
        values.sort_by_key(|(name, _)| *name);
        Self { client: "canary".into(), action: Action::Publish, account: "canary".into(), values }
    }

    /// The names of all attributes.
    pub fn attributes(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.values.iter().map(|(name, _)| *name)
    }

    /// Every attribute with its value.
    pub fn values(&self) -> &[(&'static str, Value)] {
        &self.values
    }

    /// The value of an attribute.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.values.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// The same facts without one attribute; a test shows with it that no lack opens the gate.
    #[must_use]
    pub fn without(&self, name: &str) -> Self {
        let mut facts = self.clone();
        facts.values.retain(|(known, _)| *known != name);
        facts
    }

    /// The same facts with some changed: `action=reply pass=none block_categories=label,template drill=true`.
    ///
    /// # Errors
    /// A sentence naming the word that is no known attribute or does not fit its type.
    pub fn with(&self, changes: &str) -> Result<Self, String> {
        let mut facts = self.clone();
        for change in changes.split_whitespace() {
            let (name, new) = change.split_once('=').ok_or_else(|| format!("`{change}` is not name=value"))?;
            if name == "action" {
                facts.action = Action::ALL
                    .into_iter()
                    .find(|action| action.as_str() == new)
                    .ok_or_else(|| format!("`{new}` is no action"))?;
                continue;
            }
            let (_, value) = facts
                .values
                .iter_mut()
                .find(|(known, _)| *known == name)
                .ok_or_else(|| format!("`{name}` is no attribute"))?;
            *value = match value {
                Value::Flag(_) => Value::Flag(new.parse().map_err(|_| format!("`{change}`: true or false"))?),
                Value::Number(_) => Value::Number(new.parse().map_err(|_| format!("`{change}`: a number"))?),
                Value::Text(_) => text(new),
                Value::Set(_) => set(new.split(',').filter(|member| !member.is_empty()).map(str::to_owned).collect()),
            };
        }
        Ok(facts)
    }

    /// The bytes that a decision cache is keyed on: every name, type and value, each with its length.
    pub(super) fn key(&self) -> Vec<u8> {
        let mut key = Vec::with_capacity(1024);
        let mut put = |part: &[u8]| {
            key.extend_from_slice(&(part.len() as u64).to_be_bytes());
            key.extend_from_slice(part);
        };
        for part in [&self.client, self.action.as_str(), &self.account] {
            put(part.as_bytes());
        }
        for (name, value) in &self.values {
            put(name.as_bytes());
            match value {
                Value::Flag(flag) => put(&[b'f', u8::from(*flag)]),
                Value::Number(number) => put(&number.to_be_bytes()),
                Value::Text(text) => put(text.as_bytes()),
                Value::Set(members) => {
                    put(&(members.len() as u64).to_be_bytes());
                    members.iter().for_each(|member| put(member.as_bytes()));
                }
            }
        }
        key
    }
}

/// Hours within which the operating policy asks for a report of an exempt post; 0 if it does not.
pub(super) fn after_report_hours(case: &Case<'_>) -> i64 {
    case.account.operating_policy.as_ref().and_then(|it| it.after_report_hours).map_or(0, i64::from)
}

fn pass(case: &Case<'_>) -> Vec<(&'static str, Value)> {
    let (mut name, mut exemption, mut drill, mut fits, mut in_policy) = ("none", "none", false, false, false);
    let (mut manager, mut operator, mut author) = (false, false, false);
    match case.pass {
        Pass::Approved { approval, .. } => {
            name = "approved";
            manager = approval.approver == case.account.manager;
            operator = case.account.operators.contains(&approval.approver);
            author = approval.approver == case.client.owner;
        }
        Pass::Resend { .. } => name = "resend",
        Pass::Followed(_) => name = "followed",
        Pass::Exempt(claim) => {
            name = "exempt";
            exemption = claim.as_str();
            match claim {
                Exemption::Emergency { drill: is_drill, .. } => drill = *is_drill,
                Exemption::WeatherEvent { fits: does_fit, .. } => fits = *does_fit,
                // Looked up again here, so that a policy that changed since the claim was read does not count.
                Exemption::OperatingPolicy { category, version } => {
                    in_policy = case
                        .account
                        .operating_policy
                        .as_ref()
                        .is_some_and(|policy| policy.version == *version && policy.categories.contains(category));
                }
            }
        }
        Pass::None => {}
    }
    vec![
        ("pass", text(name)),
        ("exemption", text(exemption)),
        ("drill", Value::Flag(drill)),
        ("template_fits", Value::Flag(fits)),
        ("category_in_policy", Value::Flag(in_policy)),
        ("approver_is_manager", Value::Flag(manager)),
        ("approver_is_operator", Value::Flag(operator)),
        ("approver_is_author", Value::Flag(author)),
    ]
}

fn content(case: &Case<'_>, body: &str) -> Vec<(&'static str, Value)> {
    let findings = &case.report.findings;
    let category = |it: &Finding| it.category.clone();
    let for_manager = |it: &&Finding| it.asks() && it.accept == Accept::Manager;
    let never = findings.iter().filter(|finding| finding.never).map(|finding| finding.category.clone());
    let described = case.post.fields.iter().any(|field| field.role == Role::Description);
    let texts = case.post.texts();
    let named = !described || texts.iter().any(|(_, _, it)| it.nfkc().collect::<String>().contains(body));
    vec![
        ("block_categories", set(findings.iter().filter(|it| it.severity == Severity::Block).map(category).collect())),
        ("review_categories", set(findings.iter().filter(|it| it.asks()).map(category).collect())),
        ("manager_categories", set(findings.iter().filter(for_manager).map(category).collect())),
        ("never_categories", set(never.collect())),
        ("has_rest", Value::Flag(!case.post.rest.is_empty())),
        ("has_text", Value::Flag(texts.iter().any(|(_, _, it)| !it.trim().is_empty()))),
        ("has_media", Value::Flag(!case.post.media.is_empty())),
        ("has_schedule", Value::Flag(case.post.schedule.is_some())),
        ("profile_names_body", Value::Flag(named)),
    ]
}

/// What is declared of the media, by the posting tool or with the approval (長野 7(1)ク).
fn consent(case: &Case<'_>) -> [(&'static str, Value); 3] {
    let approved: &[Declared] = match case.pass {
        Pass::Approved { approval, .. } => &approval.declares,
        _ => &[],
    };
    let declares = |it: Declared| Value::Flag(approved.contains(&it) || case.declares.contains(&it));
    let asked = case.account.operating_policy.as_ref().is_some_and(|policy| policy.media_consent);
    [
        ("media_consent_asked", Value::Flag(asked)),
        ("people_consented", declares(Declared::People)),
        ("place_permitted", declares(Declared::Place)),
    ]
}

fn kind(kind: AccountKind) -> &'static str {
    match kind {
        AccountKind::General => "general",
        AccountKind::Individual => "individual",
    }
}

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

fn set(mut members: Vec<String>) -> Value {
    members.sort_unstable();
    members.dedup();
    Value::Set(members)
}
