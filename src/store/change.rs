//! Changes, written in the transaction. Each is a statement or two; the conditions were read before.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Result, ToSql, params};

use super::registry::books;
use super::{Change, Tried, closed, containers, entry_id, incidents, kept};
use crate::domain::account::Account;
use crate::domain::approval::{Approval, ApprovalId, Ticket, TicketId};
use crate::domain::dossier::Learned;
use crate::domain::emergency::Emergency;
use crate::domain::person::Person;

/// The entry that the changes belong to.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) number: i64,
    pub(super) index: u64,
    pub(super) at: Timestamp,
}

impl Place {
    pub(super) fn id(self) -> i64 {
        entry_id(self.number, self.index)
    }
}

/// The ticket that a held post joins, or else the one it opens.
pub(super) fn joined(conn: &Connection, changes: &[Change]) -> Result<Option<TicketId>> {
    let Some(ticket) = changes.iter().find_map(|change| match change {
        Change::Hold(ticket) => Some(ticket),
        _ => None,
    }) else {
        return Ok(None);
    };
    let sql =
        "SELECT id FROM ticket WHERE digest = ? AND client = ? AND account = ? AND action = ? AND state = 'waiting'";
    let waiting: Option<String> = conn
        .prepare_cached(sql)?
        .query_row(
            params![ticket.digest.to_string(), ticket.client.as_str(), ticket.account.as_str(), ticket.action.as_str()],
            |row| row.get(0),
        )
        .optional()?;
    Ok(Some(waiting.map_or_else(|| ticket.id.clone(), TicketId::new)))
}

/// The number that the next use of an approval has. Requests that were examined at the same time saw the same one, so
/// it is taken here, in the transaction.
pub(super) fn next_use(conn: &Connection, id: &ApprovalId) -> Result<u32> {
    let sql = "SELECT coalesce(max(use_no), 0) + 1 FROM used_approval WHERE approval = ?";
    conn.prepare_cached(sql)?.query_row([id.as_str()], |row| row.get(0))
}

/// The number under which these changes spend an approval.
pub(super) fn spent_as(conn: &Connection, changes: &[Change]) -> Result<Option<u32>> {
    let spent = changes.iter().find_map(|change| match change {
        Change::Spend(id) => Some(id),
        _ => None,
    });
    spent.map(|id| next_use(conn, id)).transpose()
}

/// Writes one change.
pub(super) fn apply(conn: &Connection, change: &Change, place: Place) -> Result<()> {
    let at = place.at.as_microsecond();
    match change {
        Change::Deposit(approval) => deposit(conn, approval),
        Change::Spend(id) => {
            let sql = "INSERT INTO used_approval
                SELECT ?1, coalesce(max(use_no), 0) + 1, ?2 FROM used_approval WHERE approval = ?1";
            run(conn, sql, params![id.as_str(), place.id()])
        }
        Change::Revoke(id) => {
            run(conn, "UPDATE approval SET revoked = ? WHERE id = ? AND revoked IS NULL", params![at, id.as_str()])
        }
        Change::Epoch => run(conn, "INSERT OR REPLACE INTO meta VALUES ('epoch', ?)", [at]),
        Change::Hold(ticket) => hold(conn, ticket, place),
        Change::Keep(ticket, request) => kept::keep(conn, ticket, request, place),
        Change::Release(ticket) => kept::release(conn, ticket, place),
        Change::DropKept(now) => kept::drop_over(conn, *now),
        Change::Settle(id, state) => {
            run(conn, "UPDATE ticket SET state = ? WHERE id = ?", params![state.as_str(), id.as_str()])
        }
        Change::Declare(emergency) => declare(conn, emergency),
        Change::EndEmergency(id) => run(conn, "UPDATE emergency SET ended = ? WHERE id = ?", params![at, id.as_str()]),
        Change::OweReport { id, organisation, account, exemption, due } => {
            let due = due.as_microsecond();
            let row = params![id.as_str(), organisation.as_str(), account.as_str(), exemption, place.id(), due];
            run(conn, "INSERT INTO after_report VALUES (?, ?, ?, ?, ?, ?, NULL, 0)", row)
        }
        Change::MakeReport(id) => {
            run(conn, "UPDATE after_report SET reported = ? WHERE id = ?", params![at, id.as_str()])
        }
        Change::Remind(id, stage) => {
            run(conn, "UPDATE after_report SET reminded = ? WHERE id = ?", params![stage, id.as_str()])
        }
        Change::Open => run(conn, "INSERT INTO outcome VALUES (?, NULL, NULL)", [place.id()]),
        Change::Close(of, outcome) => {
            let of = entry_id(place.number, *of);
            let row = params![i64::try_from(place.index).unwrap_or(i64::MAX), outcome, of];
            run(conn, "UPDATE outcome SET closed_by = ?, outcome = ? WHERE id = ?", row)
        }
        Change::Retry(client, key, digest, Tried::First) => {
            let row = params![client.as_str(), key, digest.to_string(), place.id(), at];
            run(conn, "INSERT OR REPLACE INTO retry VALUES (?, ?, ?, ?, ?)", row)
        }
        Change::Retry(client, key, digest, Tried::Again) => {
            let row = params![place.id(), client.as_str(), key, digest.to_string()];
            run(conn, "UPDATE retry SET entry = ? WHERE client = ? AND key = ? AND digest = ?", row)
        }
        Change::Learned(learned) => learn(conn, learned),
        Change::Contain(of, made) => containers::remember(conn, place, *of, made),
        Change::PublishContainer(known) => containers::publish(conn, place, known),
        Change::Embargo(new) => closed::add(conn, new),
        Change::LiftEmbargo(id) => closed::lift(conn, id, place),
        Change::Accept(new) => closed::accept(conn, new, place),
        Change::Published(of, account, id) => {
            let row = params![account.as_str(), id, entry_id(place.number, *of)];
            run(conn, "INSERT OR IGNORE INTO own_post VALUES (?, ?, ?)", row)
        }
        Change::SettleJointly(id, people) => settle_jointly(conn, id, *people, at),
        Change::Incident(change) => incidents::apply(conn, change, place),
        Change::Organisation(..)
        | Change::Account(_)
        | Change::AccountState(..)
        | Change::Credential(_)
        | Change::LockCredential(_)
        | Change::Person(_)
        | Change::Client(_)
        | Change::Registry(_) => register(conn, change, place),
    }
}

/// A ticket is approved once so many people have approved its post.
fn settle_jointly(conn: &Connection, id: &TicketId, people: u32, at: i64) -> Result<()> {
    let sql = "UPDATE ticket SET state = 'approved' WHERE id = ?1 AND ?2 <= (
        SELECT count(DISTINCT a.approver) FROM approval a
        WHERE a.account = ticket.account AND a.digest = ticket.digest AND a.revoked IS NULL AND a.expires > ?3
            AND (SELECT count(*) FROM used_approval u WHERE u.approval = a.id) < a.max_uses)";
    run(conn, sql, params![id.as_str(), people, at])
}

fn register(conn: &Connection, change: &Change, place: Place) -> Result<()> {
    match change {
        Change::Organisation(id, name) => {
            run(conn, "INSERT OR REPLACE INTO organisation VALUES (?, ?)", [id.as_str(), name])
        }
        Change::Account(account) => {
            put_account(conn, account)?;
            books::moved(conn, account.organisation.as_str())
        }
        Change::Registry(change) => books::write(conn, change, place),
        Change::AccountState(id, state) => {
            let sql = "SELECT body FROM account WHERE id = ?";
            let body: String = conn.prepare_cached(sql)?.query_row([id.as_str()], |row| row.get(0))?;
            let mut account: Account = from_json(&body)?;
            account.state = *state;
            put_account(conn, &account)?;
            let past = books::History { organisation: &account.organisation, act: "account-state", by: None, place };
            past.note(conn, "sns-account", account.id.as_str(), &account)?;
            books::moved(conn, account.organisation.as_str())
        }
        Change::Credential(new) => {
            let row: [&dyn ToSql; 7] = [
                &new.account.as_str(),
                &new.kind,
                &new.sealed,
                &new.changed.as_microsecond(),
                &new.rotate_by.as_microsecond(),
                &new.stale_at.map(Timestamp::as_microsecond),
                &new.locked,
            ];
            run(conn, "INSERT OR REPLACE INTO credential VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        }
        Change::LockCredential(account) => {
            run(conn, "UPDATE credential SET locked = 1 WHERE account = ?", [account.as_str()])
        }
        Change::Person(person) => {
            put_person(conn, person)?;
            books::moved(conn, person.organisation.as_str())
        }
        Change::Client(client) => {
            let row = params![client.id.as_str(), client.owner.as_str(), to_json(&**client)?];
            run(conn, "INSERT OR REPLACE INTO client VALUES (?, ?, ?)", row)
        }
        _ => Ok(()),
    }
}

fn deposit(conn: &Connection, approval: &Approval) -> Result<()> {
    let (digest, body) = (approval.digest.to_string(), to_json(approval)?);
    let (from, to) = (approval.not_before.as_microsecond(), approval.expires.as_microsecond());
    let row: [&dyn ToSql; 8] = [
        &approval.id.as_str(),
        &approval.account.as_str(),
        &digest,
        &approval.approver.as_str(),
        &from,
        &to,
        &approval.max_uses,
        &body,
    ];
    run(conn, "INSERT INTO approval VALUES (?, ?, ?, ?, ?, ?, ?, NULL, ?) ON CONFLICT DO NOTHING", row)
}

fn hold(conn: &Connection, ticket: &Ticket, place: Place) -> Result<()> {
    let digest = ticket.digest.to_string();
    let row: [&dyn ToSql; 10] = [
        &ticket.id.as_str(),
        &ticket.organisation.as_str(),
        &ticket.client.as_str(),
        &ticket.author.as_str(),
        &ticket.account.as_str(),
        &ticket.action.as_str(),
        &digest,
        &place.at.as_microsecond(),
        &ticket.state.as_str(),
        &place.id(),
    ];
    // The one that waits already stays; `joined` named it.
    let sql = "INSERT INTO ticket VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (digest, client, account, action) WHERE state = 'waiting' DO NOTHING";
    run(conn, sql, row)
}

fn declare(conn: &Connection, emergency: &Emergency) -> Result<()> {
    let (from, to) = (emergency.declared.as_microsecond(), emergency.until.as_microsecond());
    let row = params![emergency.id.as_str(), emergency.organisation.as_str(), from, to, to_json(emergency)?];
    run(conn, "INSERT INTO emergency VALUES (?, ?, ?, ?, NULL, ?)", row)?;
    for account in &emergency.accounts {
        let row = [account.as_str(), emergency.id.as_str()];
        run(conn, "INSERT OR IGNORE INTO emergency_account VALUES (?, ?)", row)?;
    }
    Ok(())
}

fn learn(conn: &Connection, learned: &Learned) -> Result<()> {
    match learned {
        Learned::Media(media) => {
            // A medium stays with the account it was uploaded for; what is known of it is not forgotten.
            let sql = "INSERT INTO media VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (provider, id) DO UPDATE SET
                sha256 = coalesce(excluded.sha256, sha256), len = max(excluded.len, len),
                alt = coalesce(excluded.alt, alt), findings = coalesce(excluded.findings, findings)
                WHERE account = excluded.account";
            let (hash, len) = (media.sha256.map(|hash| hash.hex()), signed(media.len));
            let findings = Some(&media.findings).filter(|all| !all.is_empty()).map(to_json).transpose()?;
            let (provider, account, alt) = (media.provider.as_str(), media.account.as_str(), media.alt.as_deref());
            run(conn, sql, params![provider, media.id, account, hash, len, alt, findings])
        }
        Learned::Segment(segment) => {
            let file = segment.file.to_string_lossy();
            let row: [&dyn ToSql; 7] = [
                &segment.provider.as_str(),
                &segment.session,
                &segment.number,
                &file.as_ref(),
                &signed(segment.offset),
                &signed(segment.len),
                &segment.sha256.hex(),
            ];
            run(conn, "INSERT OR REPLACE INTO segment VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        }
        Learned::Budget(budget) => {
            let row = params![
                budget.account.as_str(),
                budget.bucket,
                budget.remaining,
                budget.allowed,
                budget.resets.as_microsecond(),
            ];
            run(conn, "INSERT OR REPLACE INTO budget VALUES (?, ?, ?, ?, ?)", row)
        }
        Learned::Credential(renewed) => {
            // One that a person brought or locked in the meantime counts; what was renewed of the old one does not.
            let sql = "UPDATE credential SET sealed = ?, stale_at = ? WHERE account = ? AND changed = ? AND locked = 0";
            let stale_at = renewed.stale_at.map(Timestamp::as_microsecond);
            let changed = renewed.changed.as_microsecond();
            run(conn, sql, params![renewed.sealed, stale_at, renewed.account.as_str(), changed])
        }
        Learned::Kept(step) => kept::step(conn, step),
        // It names no entry of its own; `Change::Contain` does.
        Learned::Container(_) => Ok(()),
        Learned::Published { account, id } => {
            run(conn, "INSERT OR IGNORE INTO own_post VALUES (?, ?, NULL)", [account.as_str(), id])
        }
    }
}

/// Writes a person in the place of the one of that id.
pub(super) fn put_person(conn: &Connection, person: &Person) -> Result<()> {
    let row = params![person.id.as_str(), person.organisation.as_str(), person.may_declare, to_json(person)?];
    run(conn, "INSERT OR REPLACE INTO person VALUES (?, ?, ?, ?)", row)
}

/// Writes an account in the place of the one of that id.
pub(super) fn put_account(conn: &Connection, account: &Account) -> Result<()> {
    let own = account.operating_policy.as_ref().is_some_and(|policy| policy.self_approval);
    let (state, body) = (account.state.as_str(), to_json(account)?);
    let row = params![account.id.as_str(), account.organisation.as_str(), state, own, body];
    run(conn, "INSERT OR REPLACE INTO account VALUES (?, ?, ?, ?, ?)", row)
}

pub(super) fn run(conn: &Connection, sql: &str, row: impl rusqlite::Params) -> Result<()> {
    conn.prepare_cached(sql)?.execute(row).map(|_| ())
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A value as JSON.
pub(super) fn to_json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|e| rusqlite::Error::ToSqlConversionFailure(e.into()))
}

/// A value that was stored as JSON.
pub(super) fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text)
        .map_err(|e| rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, e.into()))
}
