//! The read side: a few connections that cannot write, and the ports that stages look things up by.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Result, Row, params};

use super::change::from_json;
use super::closed::Closed;
use super::fresh::Fresh;
use super::registry::Registered;
use super::{StoreDown, containers, entry_id, index_of, sqlite};
use crate::domain::account::{AccountId, OrganisationId, ProviderId};
use crate::domain::action::Action;
use crate::domain::approval::{ApprovalId, KnownApproval, Ticket, TicketId, TicketState};
use crate::domain::budget::{Budget, Budgets};
use crate::domain::container::KnownContainer;
use crate::domain::digest::Digest;
use crate::domain::emergency::{AfterReport, AfterReportId, Emergency};
use crate::domain::media::{MediaRecord, Segment, Sha256};
use crate::domain::person::{ClientId, PersonId};
use crate::domain::ports::{Approvals, Emergencies, MediaBook, Retries, Unavailable};

/// Connections in the pool. A point read takes some ten microseconds, so few are enough.
const CONNECTIONS: usize = 4;

/// The read side of the store.
pub struct Reads {
    pool: Vec<Mutex<Connection>>,
    next: AtomicUsize,
    registry: Arc<Registered>,
    closed: Arc<Closed>,
    fresh: Arc<Fresh>,
}

impl From<rusqlite::Error> for Unavailable {
    fn from(error: rusqlite::Error) -> Self {
        Self(error.to_string())
    }
}

impl Reads {
    pub(super) fn open(
        database: &Path,
        registry: Arc<Registered>,
        closed: Arc<Closed>,
        fresh: Arc<Fresh>,
    ) -> std::result::Result<Self, StoreDown> {
        let open = || sqlite::open_read_only(database).map(Mutex::new);
        let pool = (0..CONNECTIONS).map(|_| open()).collect::<std::result::Result<_, _>>()?;
        Ok(Self { pool, next: AtomicUsize::new(0), registry, closed, fresh })
    }

    /// The database of a gateway that may be running, for the command line. Nothing can be written through it.
    pub fn of_database(config: &crate::config::store::Store) -> std::result::Result<Self, crate::config::Problem> {
        let path = sqlite::path(&config.url)?;
        if !path.exists() {
            return Err(sqlite::problem(&path, "there is no such database"));
        }
        let down = |e: StoreDown| sqlite::problem(&path, e);
        let conn = sqlite::open_read_only(&path).map_err(down)?;
        sqlite::check_version(&conn, &path)?;
        let registry = Registered::read(&conn).map_err(|e| sqlite::problem(&path, e))?;
        // Nothing reads it anew, so that what ends later must not be left out: every entry that was not lifted.
        let closed = Closed::read(&conn, Timestamp::MIN).map_err(|e| sqlite::problem(&path, e))?;
        Self::open(&path, Arc::new(registry), Arc::new(closed), Arc::default()).map_err(down)
    }

    /// The registry in memory.
    pub fn registry(&self) -> &Arc<Registered> {
        &self.registry
    }

    pub(super) fn closed(&self) -> &Closed {
        &self.closed
    }

    /// A connection that nobody uses now, or the next one to be free.
    pub(super) fn connection(&self) -> std::result::Result<MutexGuard<'_, Connection>, StoreDown> {
        // The first that is free: the one that was used last, as a rule, is still in the processor's caches.
        for slot in &self.pool {
            if let Ok(conn) = slot.try_lock() {
                return Ok(conn);
            }
        }
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.pool.len().max(1);
        let slot = self.pool.get(turn).ok_or_else(|| StoreDown("no connection".to_owned()))?;
        Ok(slot.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn conn(&self) -> std::result::Result<MutexGuard<'_, Connection>, Unavailable> {
        self.connection().map_err(|down| Unavailable(down.0))
    }

    /// The log and index of the entry that first held a ticket's post; its payload holds the post.
    pub fn ticket_entry(&self, id: &TicketId) -> std::result::Result<Option<(String, u64)>, Unavailable> {
        let sql = "SELECT l.name, t.entry FROM ticket t JOIN log l ON l.id = t.entry >> 40 WHERE t.id = ?";
        let conn = self.conn()?;
        let mut statement = conn.prepare_cached(sql)?;
        let found = statement.query_row([id.as_str()], |row| Ok((row.get(0)?, index_of(row.get(1)?)))).optional();
        Ok(found?)
    }

    /// The body that an after-report is owed by.
    pub fn report_owner(&self, id: &AfterReportId) -> std::result::Result<Option<OrganisationId>, Unavailable> {
        let conn = self.conn()?;
        let mut statement = conn.prepare_cached("SELECT organisation FROM after_report WHERE id = ?")?;
        let found = statement.query_row([id.as_str()], |row| row.get::<_, String>(0)).optional()?;
        Ok(found.map(OrganisationId::new))
    }

    /// The outcome of an entry: its name and the entry that records it. None: not known yet, or no permission.
    pub fn outcome(&self, log: &str, index: u64) -> std::result::Result<Option<(String, u64)>, Unavailable> {
        let conn = self.conn()?;
        let sql = "SELECT id FROM log WHERE name = ?";
        let Some(number) = conn.prepare_cached(sql)?.query_row([log], |row| row.get(0)).optional()? else {
            return Ok(None);
        };
        let sql = "SELECT outcome, closed_by FROM outcome WHERE id = ? AND closed_by IS NOT NULL";
        let mut statement = conn.prepare_cached(sql)?;
        let found = statement
            .query_row([entry_id(number, index)], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs())))
            .optional();
        Ok(found?)
    }
}

const APPROVAL: &str = "SELECT body, (SELECT count(*) FROM used_approval u WHERE u.approval = a.id), revoked
    FROM approval a";

fn known_approval(row: &Row<'_>) -> Result<KnownApproval> {
    let approval = from_json(row.get_ref(0)?.as_str()?)?;
    Ok(KnownApproval { approval, uses: row.get(1)?, revoked: row.get::<_, Option<i64>>(2)?.is_some() })
}

/// Every approval of the post for this account.
pub(super) fn approvals_of_post(conn: &Connection, digest: &Digest, account: &AccountId) -> Result<Vec<KnownApproval>> {
    let mut statement = conn.prepare_cached(&format!("{APPROVAL} WHERE a.digest = ?1 AND a.account = ?2"))?;
    statement.query_map([&digest.to_string(), account.as_str()], known_approval)?.collect()
}

/// Whether it can be used for the action at `now`.
fn is_usable(known: &KnownApproval, action: Action, now: Timestamp) -> bool {
    let approval = &known.approval;
    let in_window = approval.not_before <= now && now < approval.expires;
    in_window && !known.revoked && known.uses < approval.max_uses && approval.actions.contains(&action)
}

const TICKET: &str = "SELECT id, organisation, client, author, account, action, digest, opened, state FROM ticket";

fn ticket(row: &Row<'_>) -> Result<Ticket> {
    let action: String = row.get(5)?;
    let state: String = row.get(8)?;
    let digest: String = row.get(6)?;
    Ok(Ticket {
        id: TicketId::new(row.get::<_, String>(0)?),
        organisation: OrganisationId::new(row.get::<_, String>(1)?),
        client: ClientId::new(row.get::<_, String>(2)?),
        author: PersonId::new(row.get::<_, String>(3)?),
        account: AccountId::new(row.get::<_, String>(4)?),
        action: named(5, Action::ALL.into_iter().find(|known| known.as_str() == action))?,
        digest: named(6, Digest::parse(&digest))?,
        opened: time(row, 7)?,
        state: named(8, STATES.into_iter().find(|known| known.as_str() == state))?,
    })
}

const STATES: [TicketState; 4] =
    [TicketState::Waiting, TicketState::Approved, TicketState::Returned, TicketState::Rejected];

/// A stored word that this program must know.
pub(super) fn named<T>(column: usize, value: Option<T>) -> Result<T> {
    value.ok_or_else(|| {
        rusqlite::Error::InvalidColumnType(column, "unknown word".to_owned(), rusqlite::types::Type::Text)
    })
}

fn time(row: &Row<'_>, column: usize) -> Result<Timestamp> {
    named(column, Timestamp::from_microsecond(row.get(column)?).ok())
}

impl Approvals for Reads {
    fn approval(&self, id: &ApprovalId) -> std::result::Result<Option<KnownApproval>, Unavailable> {
        let conn = self.conn()?;
        let mut statement = conn.prepare_cached(&format!("{APPROVAL} WHERE a.id = ?"))?;
        Ok(statement.query_row([id.as_str()], known_approval).optional()?)
    }

    fn usable(
        &self,
        account: &AccountId,
        action: Action,
        digest: &Digest,
        now: Timestamp,
        except: Option<&PersonId>,
    ) -> std::result::Result<Option<KnownApproval>, Unavailable> {
        let first = |known: &&KnownApproval| (Some(&known.approval.approver) == except, known.approval.expires);
        if let Some(all) = self.fresh.of_post(digest, account) {
            return Ok(all.iter().filter(|known| is_usable(known, action, now)).min_by_key(first).cloned());
        }
        let found = self.usable_all(account, action, digest, now)?;
        Ok(found.iter().min_by_key(first).cloned())
    }

    fn usable_all(
        &self,
        account: &AccountId,
        action: Action,
        digest: &Digest,
        now: Timestamp,
    ) -> std::result::Result<Vec<KnownApproval>, Unavailable> {
        let conn = self.conn()?;
        let mut statement = conn.prepare_cached(&format!(
            "{APPROVAL} WHERE a.digest = ?1 AND a.account = ?2 AND a.expires > ?3 AND a.not_before <= ?3
            AND a.revoked IS NULL"
        ))?;
        let args = params![digest.to_string(), account.as_str(), now.as_microsecond()];
        let mut found = statement.query_map(args, known_approval)?.collect::<Result<Vec<_>>>()?;
        found.retain(|known| is_usable(known, action, now));
        found.sort_by_key(|known| known.approval.expires);
        Ok(found)
    }

    fn ticket(&self, id: &TicketId) -> std::result::Result<Option<Ticket>, Unavailable> {
        let conn = self.conn()?;
        let mut statement = conn.prepare_cached(&format!("{TICKET} WHERE id = ?"))?;
        Ok(statement.query_row([id.as_str()], ticket).optional()?)
    }

    fn waiting(
        &self,
        client: &ClientId,
        account: &AccountId,
        action: Action,
        digest: &Digest,
    ) -> std::result::Result<Option<Ticket>, Unavailable> {
        let conn = self.conn()?;
        let mut statement = conn.prepare_cached(&format!(
            "{TICKET} WHERE digest = ? AND client = ? AND account = ? AND action = ? AND state = 'waiting'"
        ))?;
        let args = params![digest.to_string(), client.as_str(), account.as_str(), action.as_str()];
        Ok(statement.query_row(args, ticket).optional()?)
    }

    fn tickets(&self, organisation: &OrganisationId) -> std::result::Result<Vec<Ticket>, Unavailable> {
        let conn = self.conn()?;
        let mut statement =
            conn.prepare_cached(&format!("{TICKET} WHERE organisation = ? ORDER BY opened DESC, id DESC LIMIT 1000"))?;
        let tickets = statement.query_map([organisation.as_str()], ticket)?.collect::<Result<_>>();
        Ok(tickets?)
    }
}

fn hash(row: &Row<'_>, column: usize) -> Result<Sha256> {
    named(column, Sha256::from_hex(row.get_ref(column)?.as_str()?))
}

impl MediaBook for Reads {
    fn media(&self, provider: &ProviderId, id: &str) -> std::result::Result<Option<MediaRecord>, Unavailable> {
        let conn = self.conn()?;
        let sql = "SELECT account, sha256, len, alt, findings FROM media WHERE provider = ? AND id = ?";
        let mut statement = conn.prepare_cached(sql)?;
        let found = statement.query_row([provider.as_str(), id], |row| {
            let bound = row.get_ref(1)?.as_str_or_null()?.is_some();
            Ok(MediaRecord {
                provider: provider.clone(),
                id: id.to_owned(),
                account: AccountId::new(row.get::<_, String>(0)?),
                sha256: if bound { Some(hash(row, 1)?) } else { None },
                len: row.get::<_, i64>(2)?.unsigned_abs(),
                alt: row.get(3)?,
                findings: match row.get_ref(4)?.as_str_or_null()? {
                    Some(findings) => from_json(findings)?,
                    None => Vec::new(),
                },
            })
        });
        Ok(found.optional()?)
    }

    fn segments(&self, provider: &ProviderId, session: &str) -> std::result::Result<Vec<Segment>, Unavailable> {
        let conn = self.conn()?;
        let sql =
            "SELECT number, file, at, len, sha256 FROM segment WHERE provider = ? AND session = ? ORDER BY number";
        let mut statement = conn.prepare_cached(sql)?;
        let found = statement.query_map([provider.as_str(), session], |row| {
            Ok(Segment {
                provider: provider.clone(),
                session: session.to_owned(),
                number: row.get(0)?,
                file: row.get::<_, String>(1)?.into(),
                offset: row.get::<_, i64>(2)?.unsigned_abs(),
                len: row.get::<_, i64>(3)?.unsigned_abs(),
                sha256: hash(row, 4)?,
            })
        })?;
        let segments = found.collect::<Result<_>>();
        Ok(segments?)
    }

    fn container(&self, provider: &ProviderId, id: &str) -> std::result::Result<Option<KnownContainer>, Unavailable> {
        Ok(containers::find(&*self.conn()?, provider, id)?)
    }

    fn is_own_post(&self, account: &AccountId, id: &str) -> std::result::Result<bool, Unavailable> {
        let conn = self.conn()?;
        let mut statement = conn.prepare_cached("SELECT 1 FROM own_post WHERE account = ? AND id = ?")?;
        Ok(statement.exists([account.as_str(), id])?)
    }
}

const EMERGENCY: &str = "SELECT e.body, e.ended FROM emergency e";

fn emergency(row: &Row<'_>) -> Result<Emergency> {
    let mut emergency: Emergency = from_json(row.get_ref(0)?.as_str()?)?;
    if row.get::<_, Option<i64>>(1)?.is_some() {
        emergency.ended = Some(time(row, 1)?);
    }
    Ok(emergency)
}

impl Emergencies for Reads {
    fn open(&self, account: &AccountId, now: Timestamp) -> std::result::Result<Option<Emergency>, Unavailable> {
        let conn = self.conn()?;
        let mut statement = conn.prepare_cached(&format!(
            "{EMERGENCY} JOIN emergency_account a ON a.emergency = e.id
            WHERE a.account = ?1 AND e.declared <= ?2 AND ?2 < e.until AND e.ended IS NULL ORDER BY e.until DESC LIMIT 1"
        ))?;
        Ok(statement.query_row(params![account.as_str(), now.as_microsecond()], emergency).optional()?)
    }

    fn emergencies(&self, organisation: &OrganisationId) -> std::result::Result<Vec<Emergency>, Unavailable> {
        let conn = self.conn()?;
        let mut statement =
            conn.prepare_cached(&format!("{EMERGENCY} WHERE e.organisation = ? ORDER BY e.declared DESC, e.id DESC"))?;
        let found = statement.query_map([organisation.as_str()], emergency)?.collect::<Result<_>>();
        Ok(found?)
    }

    fn after_reports(&self, organisation: &OrganisationId) -> std::result::Result<Vec<AfterReport>, Unavailable> {
        let conn = self.conn()?;
        let sql = "SELECT id, account, exemption, entry, due, reported FROM after_report WHERE organisation = ? ORDER BY due, id";
        let mut statement = conn.prepare_cached(sql)?;
        let found = statement.query_map([organisation.as_str()], |row| {
            let reported = row.get::<_, Option<i64>>(5)?.is_some();
            Ok(AfterReport {
                id: AfterReportId::new(row.get::<_, String>(0)?),
                organisation: organisation.clone(),
                account: AccountId::new(row.get::<_, String>(1)?),
                exemption: row.get(2)?,
                entry: index_of(row.get(3)?),
                due: time(row, 4)?,
                reported: if reported { Some(time(row, 5)?) } else { None },
            })
        })?;
        let reports = found.collect::<Result<_>>();
        Ok(reports?)
    }

    fn overdue(&self, account: &AccountId, now: Timestamp) -> std::result::Result<bool, Unavailable> {
        let conn = self.conn()?;
        let sql = "SELECT 1 FROM after_report WHERE account = ? AND reported IS NULL AND due <= ?";
        let found = conn.prepare_cached(sql)?.exists(rusqlite::params![account.as_str(), now.as_microsecond()]);
        Ok(found?)
    }
}

impl Budgets for Reads {
    fn budgets(&self) -> std::result::Result<Vec<Budget>, Unavailable> {
        let conn = self.conn()?;
        let mut statement = conn.prepare_cached("SELECT account, bucket, remaining, allowed, resets FROM budget")?;
        let found = statement.query_map([], |row| {
            Ok(Budget {
                account: AccountId::new(row.get::<_, String>(0)?),
                bucket: row.get(1)?,
                remaining: row.get(2)?,
                allowed: row.get(3)?,
                resets: time(row, 4)?,
            })
        })?;
        let budgets = found.collect::<Result<_>>();
        Ok(budgets?)
    }
}

impl Retries for Reads {
    fn retryable(
        &self,
        client: &ClientId,
        key: &str,
        digest: &Digest,
        since: Timestamp,
    ) -> std::result::Result<Option<u64>, Unavailable> {
        let conn = self.conn()?;
        let sql = "SELECT r.entry FROM retry r JOIN outcome o ON o.id = r.entry
            WHERE r.client = ? AND r.key = ? AND r.digest = ? AND r.since >= ?
                AND (o.outcome IS NULL OR o.outcome = 'unknown')";
        let mut statement = conn.prepare_cached(sql)?;
        let row = params![client.as_str(), key, digest.to_string(), since.as_microsecond()];
        let found = statement.query_row(row, |row| row.get::<_, i64>(0)).optional()?;
        Ok(found.map(index_of))
    }
}
