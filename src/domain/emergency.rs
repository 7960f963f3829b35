//! Emergency declarations (緊急時の宣言).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::account::{AccountId, OrganisationId, identifier};
use super::person::PersonId;

identifier!(
    /// A declaration's id.
    EmergencyId
);
identifier!(
    /// An after-report's id.
    AfterReportId
);

/// A declaration: who, why, which accounts, until when. An end cannot be left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Emergency {
    /// Its id.
    pub id: EmergencyId,
    /// The body.
    pub organisation: OrganisationId,
    /// Who declared it.
    pub declared_by: PersonId,
    /// Why.
    pub reason: String,
    /// The accounts it opens.
    pub accounts: Vec<AccountId>,
    /// Whether it is a drill; a drill's posts never reach a provider.
    pub drill: bool,
    /// From when.
    pub declared: Timestamp,
    /// Until when, at the latest.
    pub until: Timestamp,
    /// When it was ended before that.
    pub ended: Option<Timestamp>,
}

impl Emergency {
    /// Whether it is open at `now`.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.declared <= now && now < self.until && self.ended.is_none()
    }
}

/// A report that is owed after an exempt post (事後報告).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AfterReport {
    /// Its id.
    pub id: AfterReportId,
    /// The body.
    pub organisation: OrganisationId,
    /// The account of the post.
    pub account: AccountId,
    /// The exemption used.
    pub exemption: String,
    /// The entry of the post.
    pub entry: u64,
    /// When the report is due.
    pub due: Timestamp,
    /// When it was made.
    pub reported: Option<Timestamp>,
}
