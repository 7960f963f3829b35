//! Facts: what a guideline may speak of, computed here, because Cedar can neither count nor read text.
//!
//! Every attribute of the schema is always present; absence is a value. A missing attribute would make a rule err, and
//! an erring rule refuses.

use std::borrow::Cow;

use crate::domain::action::Action;
use crate::domain::remarks::Declaration;

mod normal;
mod request;
mod shown;
mod words;

pub(super) use request::{after_report_hours, shows};

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Yes or no.
    Flag(bool),
    /// A number.
    Number(i64),
    /// A name.
    Text(Cow<'static, str>),
    /// A set of names, sorted, each once.
    Set(Vec<String>),
    /// A set of members of an enumerated type of the schema, sorted, each once.
    Members(&'static str, Vec<&'static str>),
}

/// The categories of findings, as the schema enumerates them. One that is not among them is `other`, which is refused
/// and held as any other.
pub const CATEGORIES: [&str; 38] = [
    "discrimination",
    "duty_secret",
    "embargo",
    "endorsement",
    "illegal",
    "label",
    "media_location",
    "media_owner",
    "media_unknown",
    "media_unread",
    "nondisclosure",
    "notice",
    "obfuscation",
    "obscene",
    "other",
    "personal_address",
    "personal_birth",
    "personal_child",
    "personal_health",
    "personal_id",
    "personal_mail",
    "personal_mynumber",
    "personal_phone",
    "personal_tax",
    "policy_process",
    "public_order",
    "rights",
    "rumor",
    "secret_host",
    "secret_key",
    "secret_password",
    "security_threat",
    "slander",
    "template",
    "too_complex",
    "unsuitable",
    "url_ip",
    "url_shortener",
];

/// What is out of the ordinary with an account or a post, as the schema enumerates it.
pub const MODES: [&str; 5] = ["correction", "flame", "held", "joint", "unplanned"];

/// What the attributes that are names may hold. Cedar takes any string, so that a misspelt one in a rule would be a rule
/// that never holds; `rules` refuses to load it.
pub(super) const NAMED: [(&str, &[&str]); 9] = [
    ("account_kind", &["general", "individual"]),
    ("account_state", &["applied", "active", "suspended", "archived", "closed"]),
    ("credential", &["own", "held", "overdue", "locked"]),
    ("pass", &["approved", "exempt", "resend", "followed", "none"]),
    (
        "exemption",
        &[
            "emergency",
            "weather-event",
            "operating-policy",
            "already-published",
            "established-fact",
            "statutory",
            "cms-page",
            "none",
        ],
    ),
    ("cms", &["event", "page", "none"]),
    ("purpose", &["open", "unnamed", "within", "outside"]),
    (
        "source",
        &["government", "own", "funded", "contractor", "facility-manager", "sponsored", "transport", "judged", "none"],
    ),
    ("withdrawal", &["expired", "typo", "mispost", "violation", "none"]),
];

/// What holds of an ordinary approved post.
const ORDINARY_YES: [&str; 16] = [
    "account_registered",
    "approver_is_manager",
    "begins_with_section",
    "client_current",
    "client_in_hours",
    "ends_with_signature",
    "has_operating_policy",
    "has_text",
    "manager_in_post",
    "operator_in_post",
    "profile_names_body",
    "profile_names_site",
    "provider_conditions_kept",
    "provider_recognised",
    "section_granted",
    "section_of_manager",
];

/// What does not.
const ORDINARY_NO: [&str; 27] = [
    "approver_gave_reason",
    "approver_is_author",
    "approver_is_delegate",
    "approver_is_deputy",
    "approver_is_operator",
    "category_in_policy",
    "client_is_cms",
    "client_is_contractor",
    "closed_audience",
    "continues_thread",
    "drill",
    "evidence_holds",
    "exemption_arranged",
    "fixed_answer",
    "has_media",
    "has_place",
    "has_rest",
    "has_schedule",
    "media_consent_asked",
    "media_consent_waived",
    "quotes",
    "reports_overdue",
    "self_approval",
    "target_is_own",
    "template_fits",
    "third_party_link",
    "undoes",
];

/// How many attributes the schema has.
const ATTRIBUTES: usize = 69;

/// The facts of one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    pub(super) client: String,
    pub(super) action: Action,
    pub(super) account: String,
    /// By name, in its order, each once.
    values: Vec<(&'static str, Value)>,
}

impl Facts {
    /// The facts of an ordinary approved post of a body: what every rule lets pass. Canaries and cases change them.
    pub fn ordinary(organisation: &str) -> Self {
        let mut values = vec![
            ("organisation", spelt(organisation)),
            ("account_kind", named("individual")),
            ("account_state", named("active")),
            ("credential", named("own")),
            ("provider", named("x")),
            ("pass", named("approved")),
            ("exemption", named("none")),
            ("cms", named("none")),
            ("purpose", named("open")),
            ("source", named("none")),
            ("withdrawal", named("none")),
            ("after_report_hours", Value::Number(0)),
            ("policy_stale_days", Value::Number(0)),
            ("hour", Value::Number(10)),
            ("weekday", Value::Number(2)),
            ("approvers", Value::Number(2)),
            ("approver_offices", Value::Number(2)),
            ("modes", Value::Members("Mode", Vec::new())),
        ];
        values.extend(ORDINARY_YES.map(|name| (name, Value::Flag(true))));
        values.extend(ORDINARY_NO.map(|name| (name, Value::Flag(false))));
        let findings = ["block_categories", "review_categories", "manager_categories", "never_categories"];
        values.extend(findings.map(|name| (name, Value::Members("Category", Vec::new()))));
        values.push(("declares", Value::Members("Declaration", Vec::new())));
        values.extend(["set_aside", "periods", "hashtags"].map(|name| (name, Value::Set(Vec::new()))));
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
        let at = self.values.binary_search_by(|(known, _)| (*known).cmp(name)).ok()?;
        self.values.get(at).map(|(_, value)| value)
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
                Value::Text(_) => spelt(new),
                Value::Set(_) => set(listed(new)),
                Value::Members(kind, _) => known_members(kind, &listed(new))?,
            };
        }
        Ok(facts)
    }

    /// The bytes that a decision cache is keyed on: client, action, account and every value in the order of the names, each
    /// with its type and length, so that no two facts share a key. None: an attribute is missing, and what is concluded of
    /// such facts is not to be remembered.
    pub(super) fn key(&self) -> Option<Vec<u8>> {
        if self.values.len() != ATTRIBUTES {
            return None;
        }
        let mut key = Vec::with_capacity(512);
        for part in [&self.client, self.action.as_str(), &self.account] {
            put(&mut key, part);
        }
        for (_, value) in &self.values {
            match value {
                Value::Flag(flag) => key.push(if *flag { b'y' } else { b'n' }),
                Value::Number(number) => {
                    key.push(b'#');
                    key.extend_from_slice(&number.to_be_bytes());
                }
                Value::Text(text) => {
                    key.push(b't');
                    put(&mut key, text);
                }
                Value::Set(members) => {
                    key.push(b's');
                    key.extend_from_slice(&members.len().to_be_bytes());
                    members.iter().for_each(|member| put(&mut key, member));
                }
                Value::Members(_, members) => {
                    key.push(b'm');
                    key.extend_from_slice(&members.len().to_be_bytes());
                    members.iter().for_each(|member| put(&mut key, member));
                }
            }
        }
        Some(key)
    }
}

/// Puts a part behind its length.
fn put(key: &mut Vec<u8>, part: &str) {
    key.extend_from_slice(&part.len().to_be_bytes());
    key.extend_from_slice(part.as_bytes());
}

/// A name that the gateway itself knows.
fn named(value: &'static str) -> Value {
    Value::Text(Cow::Borrowed(value))
}

/// A name from elsewhere.
fn spelt(value: &str) -> Value {
    Value::Text(Cow::Owned(value.to_owned()))
}

fn listed(text: &str) -> Vec<String> {
    text.split(',').filter(|member| !member.is_empty()).map(str::to_owned).collect()
}

/// The members of an enumerated type.
fn enumerated(kind: &str) -> Vec<&'static str> {
    match kind {
        "Category" => CATEGORIES.to_vec(),
        "Mode" => MODES.to_vec(),
        _ => Declaration::ALL.map(Declaration::as_str).to_vec(),
    }
}

/// As written by a person: a misspelt one is a mistake, not `other`.
fn known_members(kind: &'static str, names: &[String]) -> Result<Value, String> {
    let all = enumerated(kind);
    let known =
        |name: &String| all.iter().find(|it| *it == name).copied().ok_or_else(|| format!("`{name}` is no {kind}"));
    Ok(members(kind, names.iter().map(known).collect::<Result<Vec<_>, _>>()?))
}

/// Members of an enumerated type, sorted, each once.
fn members(kind: &'static str, names: impl IntoIterator<Item = &'static str>) -> Value {
    let mut names: Vec<&'static str> = names.into_iter().collect();
    names.sort_unstable();
    names.dedup();
    Value::Members(kind, names)
}

/// The category as the schema has it; one that it does not know is `other`.
fn category(name: &str) -> &'static str {
    CATEGORIES.iter().find(|known| **known == name).copied().unwrap_or("other")
}

fn set(mut members: Vec<String>) -> Value {
    members.sort_unstable();
    members.dedup();
    Value::Set(members)
}
