//! What is closed until a minute (長野 7(1)コ, 7(2)キ(ウ)), and days on which a person looks at every post: elections, mourning.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::account::{OrganisationId, identifier};
use super::media::Sha256;
use super::person::PersonId;

identifier!(
    /// An entry of the register.
    EmbargoId
);

/// What is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Closed {
    /// Words of a matter that is not public yet.
    Term,
    /// Names of a person.
    Person,
    /// Files, by their hash, and words of them.
    Document,
    /// From the notification of an election (公示・告示) to the poll: what speaks of candidates is looked at.
    Election,
    /// Days of mourning: every post is looked at.
    Mourning,
}

impl Closed {
    /// The stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Term => "term",
            Self::Person => "person",
            Self::Document => "document",
            Self::Election => "election",
            Self::Mourning => "mourning",
        }
    }
}

/// An entry of the register. The minute of `until` is in the open already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Embargo {
    /// Its id.
    pub id: EmbargoId,
    /// The body.
    pub organisation: OrganisationId,
    /// What is closed.
    pub kind: Closed,
    /// The words or names.
    #[serde(default)]
    pub words: Vec<String>,
    /// The files.
    #[serde(default)]
    pub documents: Vec<Sha256>,
    /// From when.
    pub from: Timestamp,
    /// Until when: a whole minute.
    pub until: Timestamp,
    /// The number of a public comment (意見公募), under which the matter may be spoken of in a post that says so.
    #[serde(default)]
    pub public_comment: Option<String>,
    /// Why.
    pub reason: String,
    /// Who entered it.
    pub by: PersonId,
    /// When it was lifted before its time.
    #[serde(default)]
    pub lifted: Option<Timestamp>,
}

/// What a body keeps closed, as it was read last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Register {
    /// Counts the entries that were added while the gateway runs; a permission is entered only if it stands where the
    /// examination saw it.
    pub revision: u64,
    /// Entries that were neither lifted nor over when they were read, those to come included.
    pub entries: Vec<Embargo>,
}

/// Where a register stood when a post was held against it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RegisterSeen {
    /// Its revision.
    pub revision: u64,
    /// When the next entry of it begins.
    pub next: Option<Timestamp>,
}

impl Register {
    /// What is closed at `now`.
    pub fn holding(&self, now: Timestamp) -> impl Iterator<Item = &Embargo> {
        self.entries.iter().filter(move |entry| entry.holds(now))
    }

    /// Where it stands at `now`.
    pub fn seen(&self, now: Timestamp) -> RegisterSeen {
        let next = self.entries.iter().map(|entry| entry.from).filter(|from| *from > now).min();
        RegisterSeen { revision: self.revision, next }
    }
}

/// Longest register entry: five years.
const LONGEST_S: i64 = 5 * 366 * 24 * 3600;

impl Embargo {
    /// Whether it holds at `now`.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.from <= now && now < self.until && self.lifted.is_none()
    }

    /// What is wrong with a new entry, by stable code.
    pub fn problem(&self, now: Timestamp) -> Option<&'static str> {
        let whole = self.until.as_second() % 60 == 0 && self.until.subsec_nanosecond() == 0;
        let ends = self.until > now && self.until > self.from && self.until.as_second() - now.as_second() < LONGEST_S;
        let short = |word: &String| word.trim().chars().count() < 2 || word.chars().count() > 100;
        let named = !self.words.is_empty() || !self.documents.is_empty();
        match self.kind {
            _ if !whole || !ends => Some("embargo-until"),
            _ if self.words.iter().any(short) || self.words.len() + self.documents.len() > 200 => Some("embargo-words"),
            Closed::Term | Closed::Person | Closed::Document if !named => Some("embargo-words"),
            _ => None,
        }
    }
}
