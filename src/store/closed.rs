//! The register of what is closed until a minute, and findings that a person has accepted.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, Result, Row, params};

use super::change::{Place, from_json, run, to_json};
use super::reads::Reads;
use crate::domain::account::{AccountId, OrganisationId};
use crate::domain::digest::Digest;
use crate::domain::embargo::{Embargo, EmbargoId, Register, RegisterSeen};
use crate::domain::finding::Acceptance;
use crate::domain::ports::{Acceptances, Embargoes, Unavailable};

/// How often a rule was overridden.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overridden {
    /// The rule.
    pub rule: String,
    /// How many findings of it were accepted.
    pub times: u64,
    /// By how many people.
    pub people: u64,
    /// When last.
    pub last: Timestamp,
}

pub(super) fn add(conn: &Connection, new: &Embargo) -> Result<()> {
    let (from, until) = (new.from.as_microsecond(), new.until.as_microsecond());
    let row = params![new.id.as_str(), new.organisation.as_str(), from, until, to_json(new)?];
    run(conn, "INSERT INTO embargo VALUES (?, ?, ?, ?, NULL, ?)", row)
}

pub(super) fn lift(conn: &Connection, id: &EmbargoId, place: Place) -> Result<()> {
    run(conn, "UPDATE embargo SET lifted = ? WHERE id = ?", params![place.at.as_microsecond(), id.as_str()])
}

pub(super) fn accept(conn: &Connection, new: &Acceptance, place: Place) -> Result<()> {
    let (digest, at) = (new.digest.to_string(), place.at.as_microsecond());
    let (account, person) = (new.account.as_str(), new.person.as_str());
    let row = params![digest, account, new.finding, new.rules, new.rule, person, place.id(), at];
    run(conn, "INSERT OR IGNORE INTO accepted VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
}

fn embargo(row: &Row<'_>) -> Result<Embargo> {
    let mut embargo: Embargo = from_json(row.get_ref(0)?.as_str()?)?;
    if let Some(lifted) = row.get::<_, Option<i64>>(1)? {
        embargo.lifted = Some(super::reads::named(1, Timestamp::from_microsecond(lifted).ok())?);
    }
    Ok(embargo)
}

/// The registers of all bodies in memory. The writer reads them anew when it has changed one, before it tells anybody, and
/// when another connection has written.
#[derive(Debug)]
pub(super) struct Closed(ArcSwap<Registers>);

type Registers = BTreeMap<OrganisationId, Arc<Register>>;

impl Closed {
    /// Reads the registers as of `now`.
    pub(super) fn read(conn: &Connection, now: Timestamp) -> Result<Self> {
        Ok(Self(ArcSwap::from_pointee(registers(conn, now, &Registers::new())?)))
    }

    /// Reads them anew. A body's revision moves on with every entry that was not there before.
    pub(super) fn refresh(&self, conn: &Connection, now: Timestamp) -> Result<()> {
        let old = self.0.load();
        self.0.store(Arc::new(registers(conn, now, &old)?));
        Ok(())
    }

    /// A body's register.
    fn register(&self, organisation: &OrganisationId) -> Option<Arc<Register>> {
        self.0.load().get(organisation).cloned()
    }

    /// Whether something may be closed at `now` that was not when the register was seen so.
    pub(super) fn has_moved(&self, organisation: &OrganisationId, seen: RegisterSeen, now: Timestamp) -> bool {
        let registers = self.0.load();
        let revision = registers.get(organisation).map_or(0, |register| register.revision);
        revision != seen.revision || seen.next.is_some_and(|next| now >= next)
    }
}

/// Entries that ended so long ago are in memory still: for a clock that is set back they hold again.
const OVER: SignedDuration = SignedDuration::from_hours(48);

fn registers(conn: &Connection, now: Timestamp, old: &Registers) -> Result<Registers> {
    let since = now.checked_sub(OVER).unwrap_or(Timestamp::MIN);
    let sql = "SELECT body, lifted FROM embargo WHERE until > ? AND lifted IS NULL ORDER BY id";
    let mut statement = conn.prepare_cached(sql)?;
    let mut new: BTreeMap<OrganisationId, Register> = BTreeMap::new();
    for known in old.keys() {
        new.entry(known.clone()).or_default();
    }
    for entry in statement.query_map([since.as_microsecond()], embargo)? {
        let entry = entry?;
        new.entry(entry.organisation.clone()).or_default().entries.push(entry);
    }
    let registers = new.into_iter().map(|(body, mut register)| {
        let before = old.get(&body);
        let known = |entry: &Embargo| before.is_some_and(|before| before.entries.contains(entry));
        let grown = !register.entries.iter().all(known);
        register.revision = before.map_or(0, |before| before.revision) + u64::from(grown);
        (body, Arc::new(register))
    });
    Ok(registers.collect())
}

impl Embargoes for Reads {
    fn register(&self, organisation: &OrganisationId) -> Option<Arc<Register>> {
        self.closed().register(organisation)
    }

    fn embargoes(&self, organisation: &OrganisationId) -> std::result::Result<Vec<Embargo>, Unavailable> {
        let conn = self.conn()?;
        let sql = "SELECT body, lifted FROM embargo WHERE organisation = ? ORDER BY until DESC, id DESC LIMIT 1000";
        let mut statement = conn.prepare_cached(sql)?;
        let found = statement.query_map([organisation.as_str()], embargo)?.collect::<Result<_>>();
        Ok(found?)
    }
}

impl Acceptances for Reads {
    fn accepted(
        &self,
        account: &AccountId,
        digest: &Digest,
        rules: &str,
    ) -> std::result::Result<Vec<String>, Unavailable> {
        let conn = self.conn()?;
        let sql = "SELECT finding FROM accepted WHERE digest = ? AND account = ? AND rules = ?";
        let mut statement = conn.prepare_cached(sql)?;
        let found = statement.query_map(params![digest.to_string(), account.as_str(), rules], |row| row.get(0))?;
        let found = found.collect::<Result<_>>();
        Ok(found?)
    }
}

impl Reads {
    /// How often each rule was overridden since a moment, the most often first.
    pub fn overridden(&self, since: Timestamp) -> std::result::Result<Vec<Overridden>, Unavailable> {
        let conn = self.conn()?;
        let sql = "SELECT rule, count(*), count(DISTINCT person), max(at) FROM accepted WHERE at >= ?
            GROUP BY rule ORDER BY 2 DESC, rule";
        let mut statement = conn.prepare_cached(sql)?;
        let found = statement.query_map([since.as_microsecond()], |row| {
            Ok(Overridden {
                rule: row.get(0)?,
                times: row.get::<_, i64>(1)?.unsigned_abs(),
                people: row.get::<_, i64>(2)?.unsigned_abs(),
                last: super::reads::named(3, Timestamp::from_microsecond(row.get(3)?).ok())?,
            })
        })?;
        let found = found.collect::<Result<_>>();
        Ok(found?)
    }
}
