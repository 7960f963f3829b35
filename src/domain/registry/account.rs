//! What the registry knows of an account beside [`Account`](crate::domain::account::Account): its forms, and what hangs on it.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{PositionId, RecordId, SectionId, Span};
use crate::domain::account::AccountId;
use crate::domain::person::PersonId;

/// The forms of the guidelines, and how far they have come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountRecord {
    /// The account.
    pub account: AccountId,
    /// The position that opened it (練馬 第5条第1項).
    pub opener: PositionId,
    /// The position that manages it: derived, never chosen (練馬 第7条, 長野 2(2), 2(6)).
    pub manager: PositionId,
    /// Its section.
    #[serde(default)]
    pub section: Option<SectionId>,
    /// What it is for, as the application says.
    #[serde(default)]
    pub purpose: String,
    /// What it may speak of (練馬 第6条); empty: not limited.
    #[serde(default)]
    pub topics: Vec<String>,
    /// Whether it serves only an organisation's own exchange of information (練馬 第18条第2項).
    #[serde(default)]
    pub closed_audience: bool,
    /// The application (第2号様式, 様式2); none: it came with the configuration.
    #[serde(default)]
    pub application: Option<Application>,
    /// The standard operating policy's version that the operating policy derives from.
    #[serde(default)]
    pub policy_base: Option<String>,
    /// Categories that the operating policy lets be delegated (練馬 第12条第2項).
    #[serde(default)]
    pub delegable: Vec<String>,
    /// A change of purpose that waits for its decision (長野 2(6), 様式2).
    #[serde(default)]
    pub pending: Option<PendingChange>,
    /// The notice of its closing (練馬 第17条第2項, 様式2).
    #[serde(default)]
    pub notice: Option<Notice>,
    /// Why it is suspended.
    #[serde(default)]
    pub suspended_because: Option<String>,
}

/// An application for an account (第2号様式, 様式2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Application {
    /// Who applied.
    pub by: PersonId,
    /// When.
    pub at: Timestamp,
    /// The consultation with the information policy section (練馬 第5条第3項).
    #[serde(default)]
    pub consultation: Option<Consultation>,
    /// The decision; none: it is awaited.
    #[serde(default)]
    pub decision: Option<Judgement>,
}

/// What a consulted office said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consultation {
    /// Who gave it.
    pub by: PersonId,
    /// When.
    pub at: Timestamp,
    /// What was said.
    pub opinion: String,
}

/// An approval or denial of an application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judgement {
    /// Who decided.
    pub by: PersonId,
    /// When.
    pub at: Timestamp,
    /// Whether it was approved.
    pub approved: bool,
    /// Whether a deputy decided (代決).
    #[serde(default)]
    pub deputy: bool,
    /// Why.
    #[serde(default)]
    pub reason: String,
}

/// A notice that an account will be closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// Who gave it.
    pub by: PersonId,
    /// When.
    pub at: Timestamp,
    /// The day on which the account is to be closed.
    pub closing: Date,
    /// Why.
    pub reason: String,
    /// The decision, where the guideline asks for one (長野 2(6)); none: it is awaited.
    #[serde(default)]
    pub decision: Option<Judgement>,
}

/// A change of what an account is for, as applied for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PendingChange {
    /// Who applied.
    pub by: PersonId,
    /// When.
    pub at: Timestamp,
    /// What it is to be for.
    pub purpose: String,
    /// What it is to speak of.
    pub topics: Vec<String>,
    /// Why.
    pub reason: String,
}

/// A section's use of a representative account for one fiscal year (長野 2(4), 様式1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// Its id.
    pub id: RecordId,
    /// The representative account.
    pub account: AccountId,
    /// The section.
    pub section: SectionId,
    /// The fiscal year, by the calendar year it begins in. It ends on 31 March at 24:00 JST.
    pub year: i16,
    /// Who applied.
    pub by: PersonId,
    /// When.
    pub at: Timestamp,
    /// The decision; none: it is awaited.
    #[serde(default)]
    pub decision: Option<Judgement>,
}

impl Grant {
    /// Whether it lets its section post on this day in Japan.
    pub fn is_in_force(&self, day: Date) -> bool {
        self.year == super::fiscal_year_of(day) && self.decision.as_ref().is_some_and(|one| one.approved)
    }
}

/// What an operator may do in the manager's place (練馬 第12条第2項).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delegation {
    /// Its id.
    pub id: RecordId,
    /// The account.
    pub account: AccountId,
    /// The operator.
    pub delegate: PersonId,
    /// The categories of posts; never empty, never more than the operating policy lets be delegated.
    pub categories: Vec<String>,
    /// The version of the operating policy that says so. A newer version ends the delegation.
    pub policy_version: String,
    /// When it is in force.
    pub span: Span,
    /// Whether it was withdrawn.
    #[serde(default)]
    pub withdrawn: bool,
}
