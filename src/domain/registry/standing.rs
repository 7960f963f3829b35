//! `Standing`: how an account stands on a day, for the facts of a guideline. Read from memory, never from the disk.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;

use super::account::{Delegation, Grant};
use super::issuer::Issuer;
use super::provider::{ProviderCondition, ProviderState};
use super::source::{Contractor, Source, SourceUse};
use super::{PositionId, SectionId};
use crate::domain::account::{AccountId, AccountKind, AccountState, OrganisationId, ProviderId};
use crate::domain::person::{ClientId, PersonId};

/// How an account stands. Everything in it is of the account's own body, and in force on [`Self::day`]: until the day ends
/// in Japan, or the registry changes, it stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The account.
    pub account: AccountId,
    /// Its body.
    pub organisation: OrganisationId,
    /// The day in Japan.
    pub day: Date,
    /// How many changes the body's registry had seen when this was read.
    pub revision: u64,
    /// Where it stands between application and closing.
    pub state: AccountState,
    /// 総合/代表 or 個別/所属等.
    pub kind: AccountKind,
    /// The section (所属) that it is of; none: not said.
    pub section: Option<SectionId>,
    /// What it may speak of (練馬 第6条), as the application says; empty: not limited.
    pub topics: Vec<String>,
    /// Whether it serves only an organisation's own exchange of information (練馬 第18条第2項).
    pub closed_audience: bool,
    /// アカウント管理者 (練馬 第7条, 長野 2(3), 2(6)).
    pub manager: Manager,
    /// SNS運用責任者 who still work for the body (練馬 第12条).
    pub operators: Vec<PersonId>,
    /// What operators may do in the manager's place, now (練馬 第12条第2項).
    pub delegations: Vec<Arc<Delegation>>,
    /// Which sections may post to it this fiscal year (長野 2(4)).
    pub grants: Vec<Arc<Grant>>,
    /// The operating policy; none: it has none (練馬 第5条第2項, 第8条第2項).
    pub policy: Option<PolicyStanding>,
    /// How its provider stands with the body (練馬 第3条, 第4条).
    pub provider: ProviderStanding,
    /// Accounts that it may quote or follow (練馬 第13条, 長野 4(12)).
    pub sources: Vec<Arc<Source>>,
    /// Contractors who may post for it (練馬 第18条第1項), while their contract runs.
    pub contractors: Vec<Arc<Contractor>>,
    /// Posting tools of contractors whose contract has ended or not begun.
    pub contractors_out: Vec<ClientId>,
    /// Whose publish events are believed for it, now (長野 2(8)).
    pub issuers: Vec<Arc<Issuer>>,
}

/// Who answers for an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manager {
    /// The position, derived from the account's class and its opener; none: the account was declared with a person only.
    pub position: Option<PositionId>,
    /// Its section.
    pub section: Option<SectionId>,
    /// Who holds it now; none: it is vacant.
    pub holder: Option<PersonId>,
    /// Who decides in the holder's place now (代決).
    pub deputies: Vec<PersonId>,
}

impl Manager {
    /// Whether nobody holds the position (練馬 第8条第3項).
    pub fn is_vacant(&self) -> bool {
        self.holder.is_none()
    }

    /// Whether this person may act as the manager: its holder, or a deputy. A deputy acts for a vacant position, too.
    pub fn is(&self, person: &PersonId) -> bool {
        self.holder.as_ref() == Some(person) || self.is_deputy(person)
    }

    /// Whether this person acts as deputy (代決).
    pub fn is_deputy(&self, person: &PersonId) -> bool {
        self.deputies.contains(person)
    }
}

/// The operating policy as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyStanding {
    /// Its version.
    pub version: String,
    /// The standard operating policy's version that it derives from; none: not said.
    pub base: Option<String>,
    /// Since when the provider's standard operating policy is newer than `base`; none: it is not.
    pub stale_since: Option<Timestamp>,
    /// Categories that may be published without approval (練馬 第11条第3号).
    pub categories: Vec<String>,
    /// Categories that may be delegated to operators (練馬 第12条第2項).
    pub delegable: Vec<String>,
    /// Within how many hours an exempt post must be reported; none: no report is asked for.
    pub after_report_hours: Option<u32>,
    /// Whether authors may approve (自己決裁).
    pub self_approval: bool,
}

/// A provider as it stands with a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderStanding {
    /// The provider.
    pub provider: ProviderId,
    /// Where its recognition stands; none: nobody has applied.
    pub state: Option<ProviderState>,
    /// The conditions of the recognition (練馬 第4条第2項).
    pub conditions: Vec<ProviderCondition>,
    /// The standard operating policy's version (練馬 第3条第2項); none: there is none.
    pub standard_policy: Option<String>,
    /// Whether the review date has passed.
    pub review_overdue: bool,
}

impl ProviderStanding {
    /// Whether the body has recognised it.
    pub fn is_recognised(&self) -> bool {
        self.state == Some(ProviderState::Approved)
    }
}

/// What a person is in a body on a day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    /// The positions the person holds.
    pub positions: Vec<PositionId>,
    /// Their sections.
    pub sections: Vec<SectionId>,
    /// Positions in whose holders' place the person decides (代決).
    pub deputises: Vec<PositionId>,
}

impl Holding {
    /// Whether the person works for the body now.
    pub fn is_employed(&self) -> bool {
        !self.positions.is_empty()
    }
}

impl Standing {
    /// Whether a person of these sections may post to the representative account: the manager's own section, or one with
    /// a grant for this fiscal year (長野 2(4)).
    pub fn is_granted(&self, sections: &[SectionId]) -> bool {
        let own = self.manager.section.as_ref().is_some_and(|section| sections.contains(section));
        own || self.grants.iter().any(|grant| sections.contains(&grant.section))
    }

    /// The delegation under which this operator may act on a post of this category.
    pub fn delegation(&self, person: &PersonId, category: Option<&str>) -> Option<&Arc<Delegation>> {
        let covers = |one: &Delegation| category.is_some_and(|category| one.categories.iter().any(|it| it == category));
        self.delegations.iter().find(|one| one.delegate == *person && covers(one))
    }

    /// The registered source of that name at the provider, for this use. Names are compared without case and `@`.
    pub fn source(&self, provider: &ProviderId, name: &str, used: SourceUse) -> Option<&Arc<Source>> {
        self.sources.iter().find(|one| one.is(provider, name) && one.uses.contains(&used))
    }

    /// The contractor that this posting tool belongs to.
    pub fn contractor(&self, client: &ClientId) -> Option<&Arc<Contractor>> {
        self.contractors.iter().find(|one| one.clients.contains(client))
    }
}
