//! `Item`: a record of any kind, as it is stored and as its history is kept.

use serde::{Deserialize, Serialize};

use super::account::{AccountRecord, Delegation, Grant};
use super::charter::Charter;
use super::issuer::Issuer;
use super::office::{Appointment, Deputy, Position, Section};
use super::provider::ProviderRecord;
use super::source::{Contractor, Source};

/// A record of the registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", content = "record")]
#[expect(clippy::large_enum_variant, reason = "a record lives in its map; an item is only on its way there")]
pub enum Item {
    /// Which positions have which part.
    Charter(Charter),
    /// A section.
    Section(Section),
    /// A position.
    Position(Position),
    /// Who holds a position.
    Appointment(Appointment),
    /// Who decides in a holder's place.
    Deputy(Deputy),
    /// A provider.
    Provider(ProviderRecord),
    /// What is known of an account beside the account itself.
    Account(AccountRecord),
    /// A section's use of a representative account.
    Grant(Grant),
    /// What an operator may do in the manager's place.
    Delegation(Delegation),
    /// An account of somebody else that may be quoted or followed.
    Source(Source),
    /// A contractor.
    Contractor(Contractor),
    /// An issuer of publish events.
    Issuer(Issuer),
}

impl Item {
    /// Every kind, by stable name.
    pub const KINDS: [&'static str; 12] = [
        "charter",
        "section",
        "position",
        "appointment",
        "deputy",
        "provider",
        "account",
        "grant",
        "delegation",
        "source",
        "contractor",
        "issuer",
    ];

    /// Its kind, by stable name.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Charter(_) => "charter",
            Self::Section(_) => "section",
            Self::Position(_) => "position",
            Self::Appointment(_) => "appointment",
            Self::Deputy(_) => "deputy",
            Self::Provider(_) => "provider",
            Self::Account(_) => "account",
            Self::Grant(_) => "grant",
            Self::Delegation(_) => "delegation",
            Self::Source(_) => "source",
            Self::Contractor(_) => "contractor",
            Self::Issuer(_) => "issuer",
        }
    }

    /// Its id among its kind, in its body.
    pub fn id(&self) -> String {
        match self {
            Self::Charter(_) => "charter".to_owned(),
            Self::Section(one) => one.id.to_string(),
            Self::Position(one) => one.id.to_string(),
            Self::Appointment(one) => format!("{} {} {}", one.person, one.position, one.span.from),
            Self::Deputy(one) => one.id.to_string(),
            Self::Provider(one) => one.provider.to_string(),
            Self::Account(one) => one.account.to_string(),
            Self::Grant(one) => one.id.to_string(),
            Self::Delegation(one) => one.id.to_string(),
            Self::Source(one) => one.id.to_string(),
            Self::Contractor(one) => one.id.to_string(),
            Self::Issuer(one) => one.id.to_string(),
        }
    }
}
