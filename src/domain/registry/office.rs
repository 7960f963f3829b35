//! Sections, positions (職), who holds them, and who decides in their place (代決).

use serde::{Deserialize, Serialize};

use super::{PositionId, RecordId, SectionId, Span};
use crate::domain::person::PersonId;

/// A section (課, 所属).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// The name it goes by: 広聴広報課.
    pub id: SectionId,
    /// The department (部) above it.
    #[serde(default)]
    pub department: Option<String>,
    /// The position of its head (所属長).
    #[serde(default)]
    pub head: Option<PositionId>,
}

/// A position (職).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// Its title: 広聴広報課長.
    pub id: PositionId,
    /// Its section.
    #[serde(default)]
    pub section: Option<SectionId>,
    /// Whether it leads (課長, 所属長, 部長): one person holds it at a time, and may open accounts.
    #[serde(default)]
    pub leads: bool,
}

/// A person holds a position.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Appointment {
    /// The person.
    pub person: PersonId,
    /// The position.
    pub position: PositionId,
    /// From when until when.
    pub span: Span,
}

/// A person decides in the place of whoever holds a position (代決).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deputy {
    /// Its id.
    pub id: RecordId,
    /// The position.
    pub position: PositionId,
    /// The person.
    pub person: PersonId,
    /// From when until when; it always ends.
    pub span: Span,
    /// Why.
    pub reason: String,
}

/// A line of a list of personnel changes (異動).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Move {
    /// Where it stands in the list that a person wrote.
    pub line: u64,
    /// The person.
    pub person: PersonId,
    /// The name, for somebody who is new.
    #[serde(default)]
    pub name: Option<String>,
    /// The position that is left; none: a new person, or one more position (兼務).
    #[serde(default)]
    pub from: Option<PositionId>,
    /// The position that is taken; none: the person leaves it without another.
    #[serde(default)]
    pub to: Option<PositionId>,
    /// The first day of the new state, in Japan: from 00:00 on.
    pub date: jiff::civil::Date,
}
