//! The writer: one thread, the only connection that writes, natural group commit.
//!
//! Whatever waits when the writer is free becomes one transaction; a lone unit waits for nobody, one of many for four
//! milliseconds at most. Only units that nobody waits for (outcomes of posts whose clients are answered) linger for some
//! milliseconds, to share the commit and the sync of another. What a crash leaves behind at each step:
//!
//! 1. Units are queued in memory. *Crash: nothing of them exists, nobody was told anything, nothing was forwarded.*
//! 2. In the transaction, for each unit: conditions are read, a place in the log is taken, changes and entry are written;
//!    then tiles and the signed head of each log. *Crash: SQLite drops the unfinished transaction; as 1.*
//! 3. COMMIT appends to the write-ahead log and syncs it. *Crash before the sync is over: the whole batch is there or
//!    none of it. If it is there, nobody was told; a permission among it has no outcome and becomes `unknown`, not
//!    `published`, although nothing left.*
//! 4. The callers are told. *Crash: what they were told is on the disk.*

use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode, params};
use rustix::fs::{AtFlags, CWD, StatxFlags, statx};
use tokio::sync::watch;

use super::change::{self, Place};
use super::checkpointer::Checkpointer;
use super::closed::Closed;
use super::condition::{self, Moment};
use super::fresh::Fresh;
use super::queue::{Intake, Queue, Queued, UnderWay, queue};
use super::reads::Reads;
use super::records::WriterView;
use super::registry::Registered;
use super::{Change, Committed, Head, Late, Sequence, StoreDown, Then, Unit, entry_id, sqlite};
use crate::config::Problem;
use crate::domain::clock::Clock;

/// `SQLITE_IOERR_SHMSIZE`: no room for the index of the write-ahead log, which is memory that is shared, not data.
const NO_ROOM_FOR_INDEX: i32 = 4874;

/// The open store.
pub struct Store {
    queue: Queue,
    commits: watch::Receiver<u64>,
    failed: watch::Receiver<Option<String>>,
    reads: Arc<Reads>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    checkpointer: Arc<Checkpointer>,
    _lock: sqlite::Lock,
}

impl Store {
    /// Opens the store and starts its writer. `sequence` takes up what is stored.
    pub fn open(
        config: &crate::config::store::Store,
        clock: Arc<dyn Clock>,
        mut sequence: Box<dyn Sequence>,
    ) -> Result<Self, Problem> {
        let path = sqlite::path(&config.url)?;
        if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
            sqlite::private_dir(dir)?;
        }
        let lock = sqlite::lock(&path)?;
        let conn = sqlite::open(&path)?;
        let down = |e: StoreDown| sqlite::problem(&path, e);
        sequence.resume(&WriterView(&conn)).map_err(down)?;
        let last: i64 = conn
            .query_row("SELECT coalesce(max(at), 0) FROM head", [], |row| row.get(0))
            .map_err(|e| sqlite::problem(&path, e))?;
        let registry = Arc::new(Registered::read(&conn).map_err(|e| sqlite::problem(&path, e))?);
        let closed = Arc::new(Closed::read(&conn, clock.now()).map_err(|e| sqlite::problem(&path, e))?);
        let version = data_version(&conn).map_err(|e| sqlite::problem(&path, e))?;
        let fresh = Arc::<Fresh>::default();
        let reads = Reads::open(&path, Arc::clone(&registry), Arc::clone(&closed), Arc::clone(&fresh)).map_err(down)?;
        let reads = Arc::new(reads);
        let checkpointer = Arc::new(Checkpointer::open(&path).map_err(down)?);
        let (queue, intake) = queue();
        let (commits_in, commits) = watch::channel(0);
        let (failed_in, failed) = watch::channel(None);
        let writer = Writer {
            files: Files::new(&path)?,
            conn,
            sequence,
            clock,
            last,
            registry,
            closed,
            fresh,
            version,
            commits: commits_in,
            failed: failed_in,
            checkpointer: Arc::clone(&checkpointer),
        };
        let spawn = |name: &str, run: Box<dyn FnOnce() + Send>| {
            std::thread::Builder::new().name(name.to_owned()).spawn(run).map_err(|e| sqlite::problem(&path, e))
        };
        let checkpoints = Arc::clone(&checkpointer);
        let threads = vec![
            spawn("store-writer", Box::new(move || writer.run(intake)))?,
            spawn("store-checkpoint", Box::new(move || checkpoints.run()))?,
        ];
        let threads = Mutex::new(threads);
        Ok(Self { queue, commits, failed, reads, threads, checkpointer, _lock: lock })
    }

    /// Queues a unit. `then` runs when it is durable or has failed; never both, never neither while the process lives.
    pub fn submit(&self, unit: Unit, then: Then) {
        self.queue.submit(unit, then);
    }

    /// Queues all units together and waits until each is durable or has failed. Blocks: for start, stop and tests.
    pub fn commit(&self, units: Vec<Unit>) -> Vec<Result<Committed, StoreDown>> {
        let answers: Vec<_> = units
            .into_iter()
            .map(|unit| {
                let (tell, told) = channel();
                self.submit(
                    unit,
                    Box::new(move |result| {
                        // Whoever asked has gone; what is committed stays committed.
                        let _ = tell.send(result);
                    }),
                );
                told
            })
            .collect();
        answers
            .into_iter()
            .map(|told| told.recv().unwrap_or_else(|_| Err(StoreDown("the writer has stopped".to_owned()))))
            .collect()
    }

    /// Says that a request is under way that may hand in a unit: where there are many, they share a commit.
    pub fn under_way(&self) -> UnderWay {
        self.queue.under_way()
    }

    /// Runs `then` once all that was submitted before is durable or has failed; nothing of it lingers any longer.
    pub fn settle(&self, then: Box<dyn FnOnce() + Send>) {
        self.queue.settle(then);
    }

    /// The read side.
    pub fn reads(&self) -> &Arc<Reads> {
        &self.reads
    }

    /// Counts commits; changes after each.
    pub fn commits(&self) -> watch::Receiver<u64> {
        self.commits.clone()
    }

    /// Holds the reason once the writer has stopped for good.
    pub fn failed(&self) -> watch::Receiver<Option<String>> {
        self.failed.clone()
    }

    #[cfg(test)]
    pub(crate) fn run_on_writer(&self, sql: &'static str) {
        self.queue.run(sql);
    }

    /// Writes what waits and stops. Later units fail.
    pub fn close(&self) {
        self.queue.stop();
        self.checkpointer.stop();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        let here = std::thread::current().id();
        for thread in threads.into_iter().filter(|thread| thread.thread().id() != here) {
            if thread.join().is_err() {
                tracing::error!("a thread of the store panicked");
            }
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.close();
    }
}

/// How far a failure reaches.
#[derive(Debug, PartialEq, Eq)]
enum Reach {
    /// One unit of the batch cannot be written; the others can.
    Unit,
    /// The batch as a whole, now; a later one may do.
    Batch,
    /// What is on the disk is not known any more.
    ForGood,
}

struct Failure {
    reach: Reach,
    down: StoreDown,
}

impl From<StoreDown> for Failure {
    fn from(down: StoreDown) -> Self {
        Self { reach: Reach::Unit, down }
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self { reach: reach(&error), down: error.into() }
    }
}

fn reach(error: &rusqlite::Error) -> Reach {
    let rusqlite::Error::SqliteFailure(cause, _) = error else { return Reach::Unit };
    match cause.code {
        ErrorCode::DiskFull | ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Reach::Batch,
        ErrorCode::SystemIoFailure if cause.extended_code == NO_ROOM_FOR_INDEX => Reach::Batch,
        ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::TooBig | ErrorCode::Unknown => {
            Reach::Unit
        }
        _ => Reach::ForGood,
    }
}

/// The files as they were opened. A database that was removed or replaced takes writes and keeps nothing.
struct Files(Vec<(PathBuf, u64)>);

impl Files {
    fn new(database: &Path) -> Result<Self, Problem> {
        let mut wal = database.as_os_str().to_owned();
        wal.push("-wal");
        let known = |path: PathBuf| match inode(&path) {
            Ok(found) => Ok((path, found)),
            Err(e) => Err(sqlite::problem(&path, e)),
        };
        Ok(Self(vec![known(database.to_owned())?, known(PathBuf::from(wal))?]))
    }

    fn still_there(&self) -> Result<(), Failure> {
        for (path, known) in &self.0 {
            if inode(path).ok() != Some(*known) {
                let down = StoreDown(format!("{} was removed or replaced", path.display()));
                return Err(Failure { reach: Reach::ForGood, down });
            }
        }
        Ok(())
    }
}

/// The number of the file that stands under this name now. Nothing else is asked for: Linux from 6.13 on gives a file whose
/// times somebody has looked at a new one with each write, and each sync then writes the file's inode as well.
fn inode(path: &Path) -> rustix::io::Result<u64> {
    statx(CWD, path, AtFlags::empty(), StatxFlags::INO).map(|found| found.stx_ino)
}

struct Writer {
    files: Files,
    conn: Connection,
    sequence: Box<dyn Sequence>,
    clock: Arc<dyn Clock>,
    last: i64,
    registry: Arc<Registered>,
    closed: Arc<Closed>,
    fresh: Arc<Fresh>,
    /// `PRAGMA data_version` as of the last look at what another connection may have written.
    version: i64,
    commits: watch::Sender<u64>,
    failed: watch::Sender<Option<String>>,
    checkpointer: Arc<Checkpointer>,
}

impl Writer {
    fn run(mut self, mut intake: Intake) {
        while let Some(gathered) = intake.gather() {
            #[cfg(test)]
            for (sql, done) in gathered.run {
                self.conn.execute_batch(sql).unwrap();
                done.send(()).unwrap();
            }
            let now = Instant::now();
            let (batch, late): (Vec<Queued>, Vec<Queued>) =
                gathered.batch.into_iter().partition(|(unit, _)| unit.deadline.is_none_or(|deadline| now < deadline));
            tell_all(late, &StoreDown("the disk did not keep up".to_owned()));
            self.write(batch);
            gathered.settled.into_iter().for_each(|then| then());
            if gathered.stop {
                return;
            }
        }
    }

    fn write(&mut self, batch: Vec<Queued>) {
        if batch.is_empty() {
            return;
        }
        if let Some(reason) = self.failed.borrow().clone() {
            return tell_all(batch, &StoreDown(reason));
        }
        let failure = match self.transaction(&batch) {
            Ok(done) => return self.tell(batch, done),
            Err(failure) => failure,
        };
        // The sequence has counted places that are not on the disk: it must begin again from what is.
        let resumed = self.sequence.resume(&WriterView(&self.conn));
        match (failure.reach, resumed) {
            (Reach::ForGood, _) => {
                tracing::error!(reason = %failure.down, "the store is not to be trusted any more");
                self.failed.send_replace(Some(failure.down.0.clone()));
                tell_all(batch, &failure.down);
            }
            (_, Err(down)) => {
                tracing::error!(reason = %down, "the store cannot be read any more");
                self.failed.send_replace(Some(down.0.clone()));
                tell_all(batch, &down);
            }
            // One unit must not take the others with it.
            (Reach::Unit, Ok(())) if batch.len() > 1 => batch.into_iter().for_each(|queued| self.write(vec![queued])),
            (Reach::Unit | Reach::Batch, Ok(())) => {
                tracing::warn!(reason = %failure.down, units = batch.len(), "the store could not write");
                tell_all(batch, &failure.down);
            }
        }
    }

    fn transaction(&mut self, batch: &[Queued]) -> Result<Vec<Result<Committed, StoreDown>>, Failure> {
        self.files.still_there()?;
        // Prepared once, unlike those of a `Transaction`.
        run(&self.conn, "BEGIN IMMEDIATE")?;
        let written = self.write_all(batch).and_then(|done| Ok(run(&self.conn, "COMMIT").map(|()| done)?));
        if written.is_err() && !self.conn.is_autocommit() {
            // Should this fail too, the next transaction cannot begin, and nothing is written; the cause is what counts.
            let _ = run(&self.conn, "ROLLBACK");
        }
        written
    }

    fn write_all(&mut self, batch: &[Queued]) -> Result<Vec<Result<Committed, StoreDown>>, Failure> {
        let wall = self.clock.now();
        let now = Timestamp::from_microsecond(wall.as_microsecond().max(self.last)).unwrap_or(wall);
        let clock = (now.as_microsecond() - wall.as_microsecond() > 1_000_000).then_some(wall);
        self.catch_up(wall)?;
        let mut done = Vec::with_capacity(batch.len());
        let mut closing = Vec::new();
        let mut registry = Some(&*self.registry);
        for (unit, _) in batch {
            let number = self.sequence.number(&unit.log);
            let moment = Moment { now, number, registry, closed: &self.closed, closing: &closing };
            let written = write_unit(&self.conn, self.sequence.as_mut(), unit, moment, clock)?;
            if written.as_ref().is_ok_and(|committed| committed.refused.is_none()) {
                closing.extend(unit.changes.iter().filter_map(Change::closes).cloned());
                registry = registry.filter(|_| !unit.changes.iter().any(Change::touches_registry));
            }
            done.push(written);
        }
        for head in self.sequence.seal(now)? {
            write_head(&self.conn, &head)?;
        }
        self.last = now.as_microsecond();
        Ok(done)
    }

    /// Nobody else writes while a gateway runs; if somebody does all the same, what is in memory is read anew.
    fn catch_up(&mut self, now: Timestamp) -> Result<(), Failure> {
        let version = data_version(&self.conn)?;
        if version != self.version {
            self.closed.refresh(&self.conn, now)?;
            self.registry.refresh(&self.conn)?;
            self.fresh.clear();
            self.version = version;
        }
        Ok(())
    }

    fn tell(&mut self, batch: Vec<Queued>, done: Vec<Result<Committed, StoreDown>>) {
        if batch.iter().any(|(unit, _)| unit.changes.iter().any(Change::touches_register))
            && let Err(e) = self.closed.refresh(&self.conn, self.clock.now())
        {
            tracing::error!(reason = %e, "the register of what is closed cannot be read any more");
            self.failed.send_replace(Some(e.to_string()));
        }
        if batch.iter().any(|(unit, _)| unit.changes.iter().any(Change::touches_registry)) {
            // What is committed stays committed; a registry that cannot be read again must not go on deciding.
            if let Err(e) = self.registry.refresh(&self.conn) {
                tracing::error!(reason = %e, "the registry cannot be read any more");
                self.failed.send_replace(Some(e.to_string()));
            }
        }
        if self.fresh.follow(&self.conn, batch.iter().map(|(unit, _)| &**unit)).is_err() {
            self.fresh.clear();
        }
        self.commits.send_modify(|commits| *commits += 1);
        self.checkpointer.wrote(batch.len());
        for ((_, then), result) in batch.into_iter().zip(done) {
            then(result);
        }
        if self.checkpointer.is_behind() {
            self.checkpointer.help(&self.conn);
        }
    }
}

fn run(conn: &Connection, sql: &str) -> rusqlite::Result<()> {
    conn.prepare_cached(sql)?.execute([]).map(|_| ())
}

/// A number that changes when another connection has committed.
fn data_version(conn: &Connection) -> rusqlite::Result<i64> {
    conn.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))
}

fn tell_all(batch: Vec<Queued>, down: &StoreDown) {
    for (_, then) in batch {
        then(Err(down.clone()));
    }
}

fn write_unit(
    conn: &Connection,
    sequence: &mut dyn Sequence,
    unit: &Unit,
    moment: Moment<'_>,
    clock: Option<Timestamp>,
) -> Result<Result<Committed, StoreDown>, Failure> {
    let at = moment.now;
    let refused = condition::first_failure(conn, &unit.conditions, moment)?;
    let (draft, ticket) = match (refused, &unit.entry_if_refused) {
        (None, _) => (&unit.entry, change::joined(conn, &unit.changes)?),
        (Some(_), Some(draft)) => (draft, None),
        (Some(code), None) => return Ok(Err(StoreDown(code.to_owned()))),
    };
    let use_number = if refused.is_none() { change::spent_as(conn, &unit.changes)? } else { None };
    let late = Late { at, clock, code: refused, use_number, ticket: ticket.as_ref().map(|ticket| ticket.as_str()) };
    let placed = sequence.place(&unit.log, draft, late)?;
    let id = entry_id(placed.number, placed.index);
    if refused.is_none() {
        let place = Place { number: placed.number, index: placed.index, at };
        for change in &unit.changes {
            change::apply(conn, change, place)?;
        }
    }
    conn.prepare_cached("INSERT INTO record VALUES (?, ?, ?)")?.execute(params![id, placed.leaf, placed.hash])?;
    if let Some(sealed) = &draft.sealed {
        conn.prepare_cached("INSERT INTO payload VALUES (?, ?, ?)")?.execute(params![id, sealed.key, sealed.bytes])?;
    }
    Ok(Ok(Committed { log: Arc::clone(&unit.log), index: placed.index, at, refused, ticket }))
}

fn write_head(conn: &Connection, head: &Head) -> rusqlite::Result<()> {
    let size = i64::try_from(head.size).unwrap_or(i64::MAX);
    if conn
        .prepare_cached("UPDATE head SET size = ?, at = ?, frontier = ?, note = ? WHERE log = ?")?
        .execute(params![size, head.at, head.frontier, head.note, head.number])?
        == 0
    {
        conn.prepare_cached("INSERT INTO log VALUES (?, ?)")?.execute(params![head.number, &*head.log])?;
        conn.prepare_cached("INSERT INTO head VALUES (?, ?, ?, ?, ?)")?.execute(params![
            head.number,
            size,
            head.at,
            head.frontier,
            head.note
        ])?;
    }
    for (level, n, data) in &head.tiles {
        let n = i64::try_from(*n).unwrap_or(i64::MAX);
        conn.prepare_cached("INSERT INTO tile VALUES (?, ?, ?, ?)")?.execute(params![head.number, level, n, data])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_reaches_as_far_as_its_cause() {
        let cases = [
            (rusqlite::ffi::SQLITE_FULL, Reach::Batch),
            (rusqlite::ffi::SQLITE_BUSY, Reach::Batch),
            (NO_ROOM_FOR_INDEX, Reach::Batch),
            (rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE, Reach::Unit),
            (rusqlite::ffi::SQLITE_IOERR_FSYNC, Reach::ForGood),
            (rusqlite::ffi::SQLITE_IOERR_WRITE, Reach::ForGood),
            (rusqlite::ffi::SQLITE_CORRUPT, Reach::ForGood),
        ];
        for (code, expected) in cases {
            let error = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
            assert_eq!(reach(&error), expected, "{code}");
        }
    }
}
