//! Incidents on the disk: what opens them, what the offices did, what was corrected; and the account that they hold.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Result, Row, params};

use super::change::{Place, from_json, put_account, run};
use super::reads::{Reads, named};
use super::registry::books;
use super::{IncidentChange, index_of};
use crate::domain::account::{Account, AccountId, OrganisationId};
use crate::domain::digest::Digest;
use crate::domain::incident::{Incident, IncidentId, Incidents, Trouble};
use crate::domain::person::PersonId;
use crate::domain::ports::Unavailable;
use crate::domain::registry::PositionId;

/// Writes one change.
pub(super) fn apply(conn: &Connection, change: &IncidentChange, place: Place) -> Result<()> {
    let at = place.at.as_microsecond();
    match change {
        IncidentChange::Open(new) => open(conn, new, place),
        IncidentChange::Instruct { id, account, text, hold } => {
            let sql = "UPDATE incident SET instruction = ? WHERE id = ?";
            run(conn, sql, params![text, id.as_str()])?;
            if !hold {
                return Ok(());
            }
            // What was acknowledged before the hold does not end it.
            run(conn, "DELETE FROM incident_ack WHERE incident = ?", [id.as_str()])?;
            run(conn, "UPDATE incident SET held = ?, released = NULL WHERE id = ?", params![at, id.as_str()])?;
            trouble(conn, account, place, |it| {
                if !it.held_by.contains(id) {
                    it.held_by.push(id.clone());
                }
            })
        }
        IncidentChange::Acknowledge { id, account, office, by, offices } => {
            let row = params![id.as_str(), office.as_str(), by.as_str(), at];
            run(conn, "INSERT OR IGNORE INTO incident_ack VALUES (?, ?, ?, ?)", row)?;
            let known = acknowledged(conn, id)?;
            if offices.iter().all(|office| known.contains(office)) {
                release(conn, id, account, place)?;
            }
            Ok(())
        }
        IncidentChange::Close { id, account } => {
            release(conn, id, account, place)?;
            run(conn, "UPDATE incident SET closed = ? WHERE id = ?", params![at, id.as_str()])
        }
        IncidentChange::Correct { id, account } => {
            let row = params![id.as_str(), place.id(), account.as_str()];
            run(conn, "INSERT OR IGNORE INTO correction VALUES (?, ?, ?)", row)
        }
        IncidentChange::Flame(account, flame) => trouble(conn, account, place, |it| it.flame.clone_from(flame)),
    }
}

fn open(conn: &Connection, new: &Incident, place: Place) -> Result<()> {
    let target = new.target.as_deref();
    let sql = "SELECT entry FROM own_post WHERE account = ? AND id = ?";
    let wrong: Option<i64> = conn
        .prepare_cached(sql)?
        .query_row(params![new.account.as_str(), target], |row| row.get(0))
        .optional()?
        .flatten();
    let row = params![
        new.id.as_str(),
        new.organisation.as_str(),
        new.account.as_str(),
        place.id(),
        target,
        wrong,
        new.cause,
        new.action,
        place.at.as_microsecond(),
    ];
    run(conn, "INSERT INTO incident VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL, NULL, NULL)", row)
}

/// Ends the hold, if there is one.
fn release(conn: &Connection, id: &IncidentId, account: &AccountId, place: Place) -> Result<()> {
    let sql = "UPDATE incident SET released = ? WHERE id = ? AND held IS NOT NULL AND released IS NULL";
    let held = conn.prepare_cached(sql)?.execute(params![place.at.as_microsecond(), id.as_str()])? > 0;
    if held { trouble(conn, account, place, |it| it.held_by.retain(|known| known != id)) } else { Ok(()) }
}

/// Changes what is out of the ordinary at an account. The registry moves, so that what was judged before is judged anew.
fn trouble(conn: &Connection, id: &AccountId, place: Place, change: impl FnOnce(&mut Trouble)) -> Result<()> {
    let sql = "SELECT body FROM account WHERE id = ?";
    let body: String = conn.prepare_cached(sql)?.query_row([id.as_str()], |row| row.get(0))?;
    let mut account: Account = from_json(&body)?;
    change(&mut account.trouble);
    put_account(conn, &account)?;
    let past = books::History { organisation: &account.organisation, act: "account-trouble", by: None, place };
    past.note(conn, "sns-account", account.id.as_str(), &account)?;
    books::moved(conn, account.organisation.as_str())
}

fn acknowledged(conn: &Connection, id: &IncidentId) -> Result<Vec<PositionId>> {
    let sql = "SELECT office FROM incident_ack WHERE incident = ? ORDER BY office";
    let mut statement = conn.prepare_cached(sql)?;
    let found = statement.query_map([id.as_str()], |row| row.get::<_, String>(0).map(PositionId::new))?;
    found.collect()
}

/// Whether the incident is this body's and not closed.
pub(super) fn is_open(conn: &Connection, id: &IncidentId, body: &OrganisationId) -> Result<bool> {
    let sql = "SELECT 1 FROM incident WHERE id = ? AND organisation = ? AND closed IS NULL";
    conn.prepare_cached(sql)?.exists([id.as_str(), body.as_str()])
}

/// Whether the office has acknowledged the incident.
pub(super) fn has_acknowledged(conn: &Connection, id: &IncidentId, office: &PositionId) -> Result<bool> {
    let sql = "SELECT 1 FROM incident_ack WHERE incident = ? AND office = ?";
    conn.prepare_cached(sql)?.exists([id.as_str(), office.as_str()])
}

/// Whether the person has an approval of this content that could still be used.
pub(super) fn has_approved(
    conn: &Connection,
    person: &PersonId,
    account: &AccountId,
    digest: &Digest,
    now: Timestamp,
) -> Result<bool> {
    let sql = "SELECT 1 FROM approval a WHERE approver = ? AND account = ? AND digest = ? AND revoked IS NULL
        AND expires > ? AND (SELECT count(*) FROM used_approval u WHERE u.approval = a.id) < max_uses";
    let row = params![person.as_str(), account.as_str(), digest.to_string(), now.as_microsecond()];
    conn.prepare_cached(sql)?.exists(row)
}

const INCIDENT: &str =
    "SELECT id, organisation, account, entry, target, wrong, cause, action, opened, instruction, held,
    released, closed FROM incident";

fn time(row: &Row<'_>, column: usize) -> Result<Option<Timestamp>> {
    let found: Option<i64> = row.get(column)?;
    found.map(|at| named(column, Timestamp::from_microsecond(at).ok())).transpose()
}

fn incident(row: &Row<'_>) -> Result<Incident> {
    Ok(Incident {
        id: IncidentId::new(row.get::<_, String>(0)?),
        organisation: OrganisationId::new(row.get::<_, String>(1)?),
        account: AccountId::new(row.get::<_, String>(2)?),
        entry: index_of(row.get(3)?),
        target: row.get(4)?,
        wrong: row.get::<_, Option<i64>>(5)?.map(index_of),
        cause: row.get(6)?,
        action: row.get(7)?,
        opened: named(8, time(row, 8)?)?,
        instruction: row.get(9)?,
        held: time(row, 10)?,
        released: time(row, 11)?,
        acknowledged: Vec::new(),
        closed: time(row, 12)?,
    })
}

impl Incidents for Reads {
    fn incidents(&self, organisation: &OrganisationId) -> std::result::Result<Vec<Incident>, Unavailable> {
        let conn = self.conn()?;
        let sql = format!("{INCIDENT} WHERE organisation = ? ORDER BY opened DESC, id DESC LIMIT 1000");
        let mut statement = conn.prepare_cached(&sql)?;
        let found = statement.query_map([organisation.as_str()], incident)?;
        let mut found: Vec<Incident> = found.collect::<Result<_>>()?;
        for one in &mut found {
            one.acknowledged = acknowledged(&conn, &one.id)?;
        }
        Ok(found)
    }

    fn incident(&self, id: &IncidentId) -> std::result::Result<Option<Incident>, Unavailable> {
        let conn = self.conn()?;
        let mut statement = conn.prepare_cached(&format!("{INCIDENT} WHERE id = ?"))?;
        let found = statement.query_row([id.as_str()], incident).optional()?;
        let Some(mut found) = found else { return Ok(None) };
        found.acknowledged = acknowledged(&conn, id)?;
        Ok(Some(found))
    }

    fn corrections(&self, id: &IncidentId) -> std::result::Result<Vec<(u64, AccountId)>, Unavailable> {
        let conn = self.conn()?;
        // What the provider refused, or what never left, corrects nothing.
        let sql = "SELECT c.entry, c.account FROM correction c JOIN outcome o ON o.id = c.entry
            WHERE c.incident = ? AND o.outcome IN ('published', 'unknown') ORDER BY c.entry";
        let mut statement = conn.prepare_cached(sql)?;
        let found = statement
            .query_map([id.as_str()], |row| Ok((index_of(row.get(0)?), AccountId::new(row.get::<_, String>(1)?))))?;
        let found = found.collect::<Result<_>>();
        Ok(found?)
    }

    fn is_withdrawn(&self, account: &AccountId, target: &str) -> std::result::Result<bool, Unavailable> {
        let conn = self.conn()?;
        let sql = "SELECT 1 FROM incident i JOIN outcome o ON o.id = i.entry
            WHERE i.account = ? AND i.target = ? AND i.action = 'delete' AND o.outcome = 'published'";
        let mut statement = conn.prepare_cached(sql)?;
        Ok(statement.exists([account.as_str(), target])?)
    }
}
