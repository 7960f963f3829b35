//! The register of what is closed until a minute, and findings that a person has accepted.

use jiff::Timestamp;
use rusqlite::{Connection, Result, Row, params};

use super::change::{Place, from_json, run, to_json};
use super::reads::Reads;
use crate::domain::account::{AccountId, OrganisationId};
use crate::domain::digest::Digest;
use crate::domain::embargo::{Embargo, EmbargoId};
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

impl Embargoes for Reads {
    fn closed(&self, organisation: &OrganisationId, now: Timestamp) -> std::result::Result<Vec<Embargo>, Unavailable> {
        let conn = self.conn()?;
        let sql = "SELECT body, lifted FROM embargo
            WHERE organisation = ?1 AND begins <= ?2 AND until > ?2 AND lifted IS NULL ORDER BY id";
        let mut statement = conn.prepare_cached(sql)?;
        let found = statement.query_map(params![organisation.as_str(), now.as_microsecond()], embargo)?;
        let found = found.collect::<Result<_>>();
        Ok(found?)
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
