//! `Asked`: a change of the registry as a person asks for it: the forms of the guidelines, filled in.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::issuer::Issuer;
use super::office::{Deputy, Move, Position, Section};
use super::provider::{ProviderCondition, Review};
use super::source::{Contractor, Source};
use super::{PositionId, RecordId, SectionId, Span};
use crate::domain::account::{AccountId, AccountKind, OperatingPolicy, ProviderId};
use crate::domain::person::PersonId;

/// A change that is asked for. Its JSON is `{"change": "open-account", ...}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "snake_case", tag = "change", deny_unknown_fields)]
pub enum Asked {
    /// A section enters or changes.
    Section(Section),
    /// A position enters or changes.
    Position(Position),
    /// Personnel changes (異動), all or none.
    Transfer {
        /// The lines.
        moves: Vec<Move>,
    },
    /// Somebody decides in a holder's place (代決).
    Deputise(Deputy),
    /// That ends.
    EndDeputy {
        /// Which.
        id: RecordId,
        /// The last day.
        until: Date,
    },
    /// 第1号様式: a new provider is applied for (練馬 第4条第1項).
    ApplyProvider {
        /// The provider.
        provider: ProviderId,
        /// What it is to be used for.
        purpose: String,
    },
    /// The review meeting has met (練馬 第4条第2項).
    ReviewProvider {
        /// The provider.
        provider: ProviderId,
        /// What it found.
        review: Review,
    },
    /// The decision (練馬 第4条第2項).
    DecideProvider {
        /// The provider.
        provider: ProviderId,
        /// Whether it is approved.
        approved: bool,
        /// Why.
        reason: String,
        /// Conditions.
        #[serde(default)]
        conditions: Vec<ProviderCondition>,
        /// By when it is to be reviewed again.
        #[serde(default)]
        review_by: Option<Date>,
    },
    /// The standard operating policy (練馬 第3条第2項).
    SetStandardPolicy {
        /// The provider.
        provider: ProviderId,
        /// Its version.
        version: String,
        /// Where it can be read.
        document: String,
        /// The day on which the information policy section was consulted.
        #[serde(default)]
        consulted: Option<Date>,
        /// What it said.
        #[serde(default)]
        opinion: String,
    },
    /// 第2号様式, 様式2: an account is applied for.
    ApplyAccount {
        /// The account's id.
        account: AccountId,
        /// The provider.
        provider: ProviderId,
        /// Its name there.
        handle: String,
        /// 総合/代表 or 個別/所属等. It must be said.
        kind: AccountKind,
        /// What it is for.
        purpose: String,
        /// What it will speak of.
        #[serde(default)]
        topics: Vec<String>,
        /// Whether it serves only an organisation's own exchange (練馬 第18条第2項).
        #[serde(default)]
        closed_audience: bool,
        /// The operating policy.
        #[serde(default)]
        policy: Option<OperatingPolicy>,
        /// The standard operating policy's version that it derives from.
        #[serde(default)]
        policy_base: Option<String>,
        /// Those responsible for its operation.
        #[serde(default)]
        operators: Vec<PersonId>,
    },
    /// The consulted position says what it thinks of the application (練馬 第5条第3項).
    ConsultAccount {
        /// The account.
        account: AccountId,
        /// What it says.
        opinion: String,
    },
    /// The application is decided (練馬 第5条第2項, 長野 2(6)).
    DecideAccount {
        /// The account.
        account: AccountId,
        /// Whether it is approved.
        approved: bool,
        /// Why.
        reason: String,
    },
    /// 様式2（変更）: what the account is for changes (長野 2(6)).
    ChangeAccount {
        /// The account.
        account: AccountId,
        /// What it is for from now on.
        purpose: String,
        /// What it will speak of.
        #[serde(default)]
        topics: Vec<String>,
        /// Why.
        reason: String,
    },
    /// The manager, which is derived, is to be another: always refused unless it is what is derived (練馬 第7条).
    SetManager {
        /// The account.
        account: AccountId,
        /// The position.
        position: PositionId,
    },
    /// The operating policy is set, or confirmed against a new standard (練馬 第8条第2項).
    SetPolicy {
        /// The account.
        account: AccountId,
        /// The policy.
        policy: OperatingPolicy,
        /// The standard operating policy's version that it derives from.
        #[serde(default)]
        base: Option<String>,
        /// Categories that it lets be delegated.
        #[serde(default)]
        delegable: Vec<String>,
    },
    /// Those responsible for the operation (SNS運用責任者, 練馬 第12条第1項).
    SetOperators {
        /// The account.
        account: AccountId,
        /// Who, all of them.
        operators: Vec<PersonId>,
    },
    /// An account in use is suspended.
    SuspendAccount {
        /// The account.
        account: AccountId,
        /// Why.
        reason: String,
    },
    /// It is put into use again.
    ResumeAccount {
        /// The account.
        account: AccountId,
        /// Why.
        reason: String,
    },
    /// The notice of a closing (練馬 第17条第2項, 様式2（廃止）).
    NotifyClosing {
        /// The account.
        account: AccountId,
        /// The day on which it is to be closed.
        closing: Date,
        /// Why.
        reason: String,
    },
    /// It is closed (練馬 第17条第1項).
    CloseAccount {
        /// The account.
        account: AccountId,
    },
    /// It stays to be read (練馬 第17条第1項ただし書).
    ArchiveAccount {
        /// The account.
        account: AccountId,
        /// Why it has to stay.
        reason: String,
    },
    /// 様式1: a section applies for a representative account for one fiscal year (長野 2(4)).
    ApplyGrant {
        /// The new record's id.
        id: RecordId,
        /// The account.
        account: AccountId,
        /// The section.
        section: SectionId,
        /// The fiscal year.
        year: i16,
    },
    /// That is decided.
    DecideGrant {
        /// Which.
        id: RecordId,
        /// Whether it is approved.
        approved: bool,
        /// Why.
        reason: String,
    },
    /// The manager delegates to an operator (練馬 第12条第2項).
    Delegate {
        /// The new record's id.
        id: RecordId,
        /// The account.
        account: AccountId,
        /// The operator.
        delegate: PersonId,
        /// The categories.
        categories: Vec<String>,
        /// From when until when.
        span: Span,
    },
    /// That ends now.
    EndDelegation {
        /// Which.
        id: RecordId,
    },
    /// A source enters or changes (練馬 第13条, 長野 4(12)).
    Source(Source),
    /// It may not be used any more.
    EndSource {
        /// Which.
        id: RecordId,
    },
    /// A contractor enters or changes (練馬 第18条第1項).
    Contractor(Contractor),
    /// It may not act any more.
    EndContractor {
        /// Which.
        id: RecordId,
    },
    /// An issuer of publish events enters or changes (長野 2(8)).
    Issuer(Issuer),
    /// Its events are not believed any more.
    EndIssuer {
        /// Which.
        id: RecordId,
    },
}

impl Asked {
    /// The stable name, as the ledger has it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Section(_) => "registry.section",
            Self::Position(_) => "registry.position",
            Self::Transfer { .. } => "registry.transfer",
            Self::Deputise(_) => "registry.deputise",
            Self::EndDeputy { .. } => "registry.end-deputy",
            Self::ApplyProvider { .. } => "registry.apply-provider",
            Self::ReviewProvider { .. } => "registry.review-provider",
            Self::DecideProvider { .. } => "registry.decide-provider",
            Self::SetStandardPolicy { .. } => "registry.set-standard-policy",
            Self::ApplyAccount { .. } => "registry.apply-account",
            Self::ConsultAccount { .. } => "registry.consult-account",
            Self::DecideAccount { .. } => "registry.decide-account",
            Self::ChangeAccount { .. } => "registry.change-account",
            Self::SetManager { .. } => "registry.set-manager",
            Self::SetPolicy { .. } => "registry.set-policy",
            Self::SetOperators { .. } => "registry.set-operators",
            Self::SuspendAccount { .. } => "registry.suspend-account",
            Self::ResumeAccount { .. } => "registry.resume-account",
            Self::NotifyClosing { .. } => "registry.notify-closing",
            Self::CloseAccount { .. } => "registry.close-account",
            Self::ArchiveAccount { .. } => "registry.archive-account",
            Self::ApplyGrant { .. } => "registry.apply-grant",
            Self::DecideGrant { .. } => "registry.decide-grant",
            Self::Delegate { .. } => "registry.delegate",
            Self::EndDelegation { .. } => "registry.end-delegation",
            Self::Source(_) => "registry.source",
            Self::EndSource { .. } => "registry.end-source",
            Self::Contractor(_) => "registry.contractor",
            Self::EndContractor { .. } => "registry.end-contractor",
            Self::Issuer(_) => "registry.issuer",
            Self::EndIssuer { .. } => "registry.end-issuer",
        }
    }
}
