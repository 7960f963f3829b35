//! Kept requests: what was held and may be released, and the uploads by which their media came.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Result, ToSql, params};

use super::change::{Place, run};
use super::reads::Reads;
use crate::domain::account::{AccountId, ProviderId};
use crate::domain::approval::{Ticket, TicketId};
use crate::domain::kept::{KeptStep, SealedKept};
use crate::domain::person::PersonId;
use crate::domain::ports::Unavailable;

/// What is over: nobody releases it any more.
#[derive(Debug, Default)]
pub struct Over {
    /// Held requests.
    pub requests: u64,
    /// Steps of uploads.
    pub steps: u64,
    /// The record keys that they were sealed with.
    pub keys: Vec<i64>,
    /// The files of their bodies.
    pub files: Vec<String>,
}

/// Keeps the request with the ticket under which its post waits; one that is kept already stays.
pub(super) fn keep(conn: &Connection, ticket: &Ticket, kept: &SealedKept, place: Place) -> Result<()> {
    let (at, expires) = (place.at.as_microsecond(), kept.expires.as_microsecond());
    let row: [&dyn ToSql; 10] = [
        &at,
        &expires,
        &kept.key,
        &kept.sealed,
        &kept.file,
        &kept.prompt,
        &ticket.digest.to_string(),
        &ticket.client.as_str(),
        &ticket.account.as_str(),
        &ticket.action.as_str(),
    ];
    let sql = "INSERT OR IGNORE INTO kept SELECT id, ?, ?, ?, ?, ?, ?, NULL FROM ticket
        WHERE digest = ? AND client = ? AND account = ? AND action = ? AND state = 'waiting'";
    conn.prepare_cached(sql)?.execute(row).map(|_| ())
}

/// Keeps a step of an upload.
pub(super) fn step(conn: &Connection, step: &KeptStep) -> Result<()> {
    let kept = &step.sealed;
    let row: [&dyn ToSql; 7] = [
        &step.provider.as_str(),
        &step.medium,
        &step.account.as_str(),
        &kept.expires.as_microsecond(),
        &kept.key,
        &kept.sealed,
        &kept.file,
    ];
    let sql =
        "INSERT INTO kept_step (provider, medium, account, expires, key, sealed, file) VALUES (?, ?, ?, ?, ?, ?, ?)";
    conn.prepare_cached(sql)?.execute(row).map(|_| ())
}

/// This permission releases what was kept of the ticket.
pub(super) fn release(conn: &Connection, ticket: &TicketId, place: Place) -> Result<()> {
    run(conn, "UPDATE kept SET released = ? WHERE ticket = ?", params![place.id(), ticket.as_str()])
}

/// Drops what is over at `now`.
pub(super) fn drop_over(conn: &Connection, now: Timestamp) -> Result<()> {
    let now = now.as_microsecond();
    run(conn, &format!("DELETE FROM kept WHERE {OVER}"), [now])?;
    run(conn, "DELETE FROM kept_step WHERE expires <= ?", [now])
}

/// Kept requests whose time is over, or whose post nobody wants any more.
const OVER: &str = "expires <= ? OR ticket IN (SELECT id FROM ticket WHERE state IN ('returned', 'rejected'))";

/// Why what was kept of the ticket cannot leave now. Asked for the act and again in the transaction of the permission.
pub(super) fn failure(conn: &Connection, ticket: &TicketId, now: Timestamp) -> Result<Option<&'static str>> {
    let sql = "SELECT k.at, k.expires, k.released, t.state, (SELECT value FROM meta WHERE name = 'epoch')
        FROM ticket t LEFT JOIN kept k ON k.ticket = t.id WHERE t.id = ?";
    let read = |row: &rusqlite::Row<'_>| {
        let (at, expires): (Option<i64>, Option<i64>) = (row.get(0)?, row.get(1)?);
        let (released, state): (Option<i64>, String) = (row.get(2)?, row.get(3)?);
        let epoch: Option<i64> = row.get(4)?;
        Ok(match (at, expires) {
            _ if state != "approved" => Some("ticket-not-approved"),
            (Some(_), Some(_)) if released.is_some() => Some("release-done"),
            // A database that was restored has forgotten what was released since.
            (Some(at), Some(_)) if epoch.is_some_and(|epoch| at < epoch) => Some("release-before-restore"),
            (Some(_), Some(expires)) if now.as_microsecond() < expires => None,
            (_, _) => Some("release-not-kept"),
        })
    };
    let found = conn.prepare_cached(sql)?.query_row([ticket.as_str()], read).optional()?;
    Ok(found.unwrap_or(Some("ticket-not-approved")))
}

/// Whether the person approved the post of the ticket.
pub(super) fn approved_by(conn: &Connection, person: &PersonId, ticket: &TicketId) -> Result<bool> {
    let sql = "SELECT 1 FROM ticket t JOIN approval p ON p.digest = t.digest AND p.account = t.account
        WHERE t.id = ? AND p.approver = ? AND p.revoked IS NULL";
    conn.prepare_cached(sql)?.exists([ticket.as_str(), person.as_str()])
}

/// In this order: what is kept is little, while tickets and approvals only grow, and this is asked each second.
const PROMPT: &str = "SELECT t.id, p.approver FROM kept k CROSS JOIN ticket t ON t.id = k.ticket
    CROSS JOIN approval p ON p.digest = t.digest AND p.account = t.account AND p.revoked IS NULL AND p.expires > ?1
        AND json_extract(p.body, '$.reference') = t.id
    WHERE k.prompt = 1 AND k.released IS NULL AND k.expires > ?1 AND t.state = 'approved' ORDER BY k.ticket";

impl Reads {
    /// What was kept of a ticket, sealed.
    pub fn kept(&self, ticket: &TicketId) -> std::result::Result<Option<(i64, Vec<u8>)>, Unavailable> {
        let conn = self.conn()?;
        let mut statement = conn.prepare_cached("SELECT key, sealed FROM kept WHERE ticket = ?")?;
        Ok(statement.query_row([ticket.as_str()], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
    }

    /// What its tool asked to leave as soon as it is approved, and is approved: the ticket, and who approved it.
    pub fn prompt(&self, now: Timestamp) -> std::result::Result<Vec<(TicketId, PersonId)>, Unavailable> {
        let conn = self.conn()?;
        let mut statement = conn.prepare_cached(PROMPT)?;
        let found = statement.query_map([now.as_microsecond()], |row| {
            Ok((TicketId::new(row.get::<_, String>(0)?), PersonId::new(row.get::<_, String>(1)?)))
        })?;
        let found = found.collect::<Result<_>>();
        Ok(found?)
    }

    /// The steps by which an account's medium was uploaded, in order, sealed.
    pub fn kept_steps(
        &self,
        provider: &ProviderId,
        medium: &str,
        account: &AccountId,
    ) -> std::result::Result<Vec<(i64, Vec<u8>)>, Unavailable> {
        let conn = self.conn()?;
        let sql = "SELECT key, sealed FROM kept_step WHERE provider = ? AND medium = ? AND account = ? ORDER BY id";
        let mut statement = conn.prepare_cached(sql)?;
        let row = [provider.as_str(), medium, account.as_str()];
        let found = statement.query_map(row, |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_>>();
        Ok(found?)
    }

    /// What is over at `now`.
    pub fn over(&self, now: Timestamp) -> std::result::Result<Over, Unavailable> {
        let (conn, now) = (self.conn()?, now.as_microsecond());
        let mut over = Over::default();
        let requests = format!("SELECT key, file FROM kept WHERE {OVER}");
        let steps = "SELECT key, file FROM kept_step WHERE expires <= ?".to_owned();
        for (sql, count) in [(requests, &mut over.requests), (steps, &mut over.steps)] {
            let mut statement = conn.prepare_cached(&sql)?;
            let found = statement.query_map([now], |row| Ok((row.get(0)?, row.get::<_, Option<String>>(1)?)))?;
            for row in found {
                let (key, file) = row?;
                *count += 1;
                over.keys.push(key);
                over.files.extend(file);
            }
        }
        Ok(over)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_each_second_walks_through_what_is_kept_and_through_nothing_that_grows() {
        let dir = tempfile::tempdir().unwrap();
        let conn = super::super::sqlite::open(&dir.path().join("s.db")).unwrap();
        let mut plan = conn.prepare(&format!("EXPLAIN QUERY PLAN {PROMPT}")).unwrap();
        let steps: Vec<String> = plan.query_map([0], |row| row.get(3)).unwrap().collect::<Result<_>>().unwrap();
        assert_eq!(steps.len(), 3, "{steps:?}");
        assert!(steps[0].contains("kept_prompt"), "{steps:?}");
        assert!(steps[1..].iter().all(|step| step.starts_with("SEARCH")), "{steps:?}");
    }
}
