//! People (職員) and clients (posting tools).

use serde::{Deserialize, Serialize};

use super::account::{AccountId, OrganisationId, identifier};
use super::action::Action;

identifier!(
    /// A person known to the registry.
    PersonId
);
identifier!(
    /// A posting tool known to the registry.
    ClientId
);

impl PersonId {
    /// Stands where a position is vacant. No person can have this id.
    pub fn nobody() -> Self {
        Self::new("")
    }
}

/// A person who posts, approves or declares (職員, 委託事業者).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// Identifier in the registry.
    pub id: PersonId,
    /// The body the person works for.
    pub organisation: OrganisationId,
    /// Name as written in records. Enters the ledger only as a salted commitment.
    pub name: String,
    /// Post (職): 広聴広報課長, 主事.
    pub post: String,
    /// Whether the person may declare an emergency (当直, 災害対策本部).
    #[serde(default)]
    pub may_declare: bool,
    /// SHA-256 (hex) of the key with which the person calls the console API. None: the person cannot call it.
    #[serde(default)]
    pub key_sha256: Option<String>,
}

/// A posting tool and what it may do (C26: accounts x actions x categories x hours).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// Identifier in the registry.
    pub id: ClientId,
    /// The body it posts for.
    pub organisation: OrganisationId,
    /// The person who answers for what it sends; never an approver of it.
    pub owner: PersonId,
    /// SHA-256 (hex) of its client key.
    pub key_sha256: String,
    /// The accounts it may use.
    pub accounts: Vec<AccountId>,
    /// The actions it may ask for.
    pub actions: Vec<Action>,
    /// The categories it may name; empty means any.
    #[serde(default)]
    pub categories: Vec<String>,
    /// The hours (JST) in which it may act; none means at any time.
    #[serde(default)]
    pub hours: Option<Hours>,
    /// The last day (JST, inclusive) on which it may act, for a contractor (練馬 第18条第1項).
    #[serde(default)]
    pub until: Option<jiff::civil::Date>,
    /// Addresses from which it is known without a key, at the transparent door only. Leave it empty for an address that
    /// several people share (a screen-transfer gateway): it says which machine, never who.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<std::net::IpAddr>,
    /// Whether it is the body's own content management system, whose pages are approved before it speaks of them
    /// (長野 2(8), 4(9)ただし書).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cms: bool,
}

/// A daily span of hours in JST: `from` inclusive, `to` exclusive; `from > to` spans midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// First minute of the span.
    pub from: jiff::civil::Time,
    /// First minute after the span.
    pub to: jiff::civil::Time,
}

impl Hours {
    /// Whether `time` (JST) lies in the span.
    pub fn contains(&self, time: jiff::civil::Time) -> bool {
        if self.from <= self.to { self.from <= time && time < self.to } else { time >= self.from || time < self.to }
    }
}
