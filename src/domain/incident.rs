//! Incidents (事案): a wrong post that was taken back or changed, what the offices instruct, and what is still wrong on
//! which channel; and accounts in a flood of criticism (炎上).

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::account::{AccountId, OrganisationId, identifier};
use super::person::PersonId;
use super::registry::PositionId;

identifier!(
    /// An incident's id.
    IncidentId
);

/// What is out of the ordinary at an account. Empty for nearly every account, nearly always.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Trouble {
    /// The incidents that hold it, until both offices have acknowledged each (練馬 第15条).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub held_by: Vec<IncidentId>,
    /// Whether it is in a flood of criticism (長野 6(3)).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flame: Option<Flame>,
}

impl Trouble {
    /// Whether there is none.
    pub fn is_none(&self) -> bool {
        self.held_by.is_empty() && self.flame.is_none()
    }

    /// Whether the account is in a flood of criticism at `now`.
    pub fn is_aflame(&self, now: Timestamp) -> bool {
        self.flame.as_ref().is_some_and(|flame| now < flame.until)
    }
}

/// 炎上: declared by the account's manager, always with an end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flame {
    /// Since when.
    pub declared: Timestamp,
    /// Until when; at that moment it is over.
    pub until: Timestamp,
    /// Who declared it.
    pub by: PersonId,
}

impl Flame {
    /// The longest, from one declaration; it can be declared again.
    pub const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 31);
}

/// An incident. Its reason, the instruction and the reason of its end are sealed in the ledger; the instruction stands
/// here, too, because the people of the account have to follow it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Incident {
    /// Its id.
    pub id: IncidentId,
    /// The body.
    pub organisation: OrganisationId,
    /// The account of the wrong post.
    pub account: AccountId,
    /// The entry of the deletion or change that opened it.
    pub entry: u64,
    /// The provider's id of the wrong post.
    pub target: Option<String>,
    /// The entry under which the wrong post was published; none: it was not published through the gateway.
    pub wrong: Option<u64>,
    /// Why it was taken back: `mispost`, `violation`, or `none` where nobody said.
    pub cause: String,
    /// What opened it: `delete` or `edit`.
    pub action: String,
    /// When.
    pub opened: Timestamp,
    /// What the offices instruct (練馬 第15条: 指示に従う).
    pub instruction: Option<String>,
    /// Since when its account is held by it.
    pub held: Option<Timestamp>,
    /// When both offices had acknowledged, so that the hold ended.
    pub released: Option<Timestamp>,
    /// Which offices have acknowledged.
    pub acknowledged: Vec<PositionId>,
    /// When it was closed.
    pub closed: Option<Timestamp>,
}

impl Incident {
    /// Whether it holds its account now.
    pub fn holds(&self) -> bool {
        self.held.is_some() && self.released.is_none()
    }
}

/// A channel on which a wrong post went, as the ledger knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Channel {
    /// The account.
    pub account: AccountId,
    /// Its provider.
    pub provider: String,
    /// The entry under which the wrong post went there.
    pub entry: u64,
    /// The provider's id of it, if it said one.
    pub published_id: Option<String>,
    /// Whether it was taken back there.
    pub withdrawn: bool,
    /// The entry of the correction that went there.
    pub corrected_by: Option<u64>,
}

impl Channel {
    /// Whether the public still reads the wrong post there, and nothing that puts it right.
    pub fn is_uncorrected(&self) -> bool {
        !self.withdrawn && self.corrected_by.is_none()
    }
}

/// A step that a person takes with an incident. Everything is decided upon the book of the body and in the store.
#[derive(Clone, Debug)]
pub enum Step {
    /// An office says what is to be done, and whether the account is held meanwhile.
    Instruct {
        /// The words.
        text: String,
        /// Whether the account is held until every office has acknowledged.
        hold: bool,
    },
    /// An office has taken note and lets the account go on.
    Acknowledge,
    /// It is over.
    Close {
        /// What came of it. Sealed.
        reason: String,
        /// The entries of the wrong post that nothing puts right yet.
        uncorrected: Vec<u64>,
        /// Whether that is left as it is, by the reason.
        leave: bool,
    },
}

/// Look-ups of incidents.
pub trait Incidents: Send + Sync {
    /// The incidents of a body, newest first, at most 1,000.
    fn incidents(&self, organisation: &OrganisationId) -> Result<Vec<Incident>, super::ports::Unavailable>;
    /// One of them.
    fn incident(&self, id: &IncidentId) -> Result<Option<Incident>, super::ports::Unavailable>;
    /// The entries of corrections for it, with their account and whether they were published or may have been.
    fn corrections(&self, id: &IncidentId) -> Result<Vec<(u64, AccountId)>, super::ports::Unavailable>;
    /// Whether a deletion of that post of the account opened an incident.
    fn is_withdrawn(&self, account: &AccountId, target: &str) -> Result<bool, super::ports::Unavailable>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_over_at_its_end_and_not_a_moment_later() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let flame =
            Flame { declared: at("2026-03-30T00:00:00Z"), until: at("2026-03-31T15:00:00Z"), by: PersonId::new("p") };
        let trouble = Trouble { flame: Some(flame), ..Trouble::default() };
        // The end is 1 April 00:00 in Japan.
        assert!(trouble.is_aflame(at("2026-03-31T14:59:59Z")));
        assert!(!trouble.is_aflame(at("2026-03-31T15:00:00Z")));
        assert!(!Trouble::default().is_aflame(at("2026-03-31T14:59:59Z")));
    }

    #[test]
    fn what_is_quiet_leaves_no_trace_in_the_registry() {
        assert!(Trouble::default().is_none());
        assert_eq!(serde_json::to_string(&Trouble::default()).unwrap(), "{}");
    }
}
