//! The writer: one thread, the only connection that writes, natural group commit.
//!
//! Whatever waits when the writer is free becomes one transaction; a lone unit waits for nobody, one of many for four
//! milliseconds at most. Only units that nobody waits for (outcomes of posts whose clients are answered) linger for some
//! milliseconds, to share the commit and the sync of another: the writer begins a transaction with them while it has nothing
//! else to do, and the next unit finds that part of the work done. What a crash leaves behind at each step:
//!
//! 1. Units are queued in memory. *Crash: nothing of them exists, nobody was told anything, nothing was forwarded.*
//! 2. In the transaction, for each unit: conditions are read, a place in the log is taken, changes and entry are written;
//!    then tiles and the signed head of each log. *Crash: SQLite drops the unfinished transaction; as 1.*
//! 3. COMMIT appends to the write-ahead log and syncs it. *Crash before the sync is over: the whole batch is there or
//!    none of it. If it is there, nobody was told; a permission among it has no outcome and becomes `unknown`, not
//!    `published`, although nothing left.*
//! 4. The callers are told. *Crash: what they were told is on the disk.*
//! 5. Now and then, while nobody waits, what is committed is moved from the log into the database. *Crash: it is still in
//!    the log.*

use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rusqlite::{Connection, params};
use rustix::fs::{AtFlags, CWD, StatxFlags, statx};
use tokio::sync::watch;

use super::awake::Awake;
use super::change::{self, Place};
use super::closed::Closed;
use super::condition::{self, Moment};
use super::failure::{Failure, Reach};
use super::fresh::Fresh;
use super::queue::{Intake, Queue, Queued, UnderWay, queue};
use super::reads::Reads;
use super::records::WriterView;
use super::registry::Registered;
use super::write_ahead::{Backlog, WriteAhead};
use super::{Change, Committed, Head, Late, Sequence, StoreDown, Then, Unit, entry_id, sqlite};
use crate::config::Problem;
use crate::domain::account::OrganisationId;
use crate::domain::clock::Clock;

/// The open store.
pub struct Store {
    queue: Queue,
    commits: watch::Receiver<u64>,
    failed: watch::Receiver<Option<String>>,
    reads: Arc<Reads>,
    writer: Mutex<Option<JoinHandle<()>>>,
    awake: Arc<Awake>,
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
        let last = Timestamp::from_microsecond(last).map_err(|e| sqlite::problem(&path, e))?;
        let registry = Arc::new(Registered::read(&conn).map_err(|e| sqlite::problem(&path, e))?);
        let closed = Arc::new(Closed::read(&conn, clock.now()).map_err(|e| sqlite::problem(&path, e))?);
        let version = data_version(&conn).map_err(|e| sqlite::problem(&path, e))?;
        let fresh = Arc::<Fresh>::default();
        let reads = Reads::open(&path, Arc::clone(&registry), Arc::clone(&closed), Arc::clone(&fresh)).map_err(down)?;
        let reads = Arc::new(reads);
        let awake = Awake::new(Duration::from_millis(config.awake_ms));
        let (queue, intake) = queue(Arc::clone(&awake));
        let (commits_in, commits) = watch::channel(0);
        let (failed_in, failed) = watch::channel(None);
        let writer = Writer {
            open: None,
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
            write_ahead: WriteAhead::default(),
        };
        let spawn = |name: &str, run: Box<dyn FnOnce() + Send>| {
            std::thread::Builder::new().name(name.to_owned()).spawn(run).map_err(|e| sqlite::problem(&path, e))
        };
        let keeper = Arc::clone(&awake);
        let writer = spawn("store-writer", Box::new(move || writer.run(intake)))?;
        // Nobody waits for its end: on a busy machine its turn comes late.
        drop(spawn("store-awake", Box::new(move || keeper.run()))?);
        Ok(Self { queue, commits, failed, reads, writer: Mutex::new(Some(writer)), awake, _lock: lock })
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
        self.awake.stop();
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        let here = std::thread::current().id();
        if let Some(writer) = writer.filter(|writer| writer.thread().id() != here)
            && writer.join().is_err()
        {
            tracing::error!("the writer of the store panicked");
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.close();
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

/// A transaction: its units, and what became of those that are written.
#[derive(Default)]
struct Transaction {
    /// Whether it is this one that is open in the database: one that could not be rolled back is never written on.
    begun: bool,
    batch: Vec<Queued>,
    done: Vec<Result<Committed, StoreDown>>,
    /// Bodies that close something more in it.
    closing: Vec<OrganisationId>,
    /// Whether a unit of it has changed the registry.
    registry_moved: bool,
}

struct Writer {
    /// A transaction that nobody waits for yet.
    open: Option<Transaction>,
    files: Files,
    conn: Connection,
    sequence: Box<dyn Sequence>,
    clock: Arc<dyn Clock>,
    /// The time of the last entry.
    last: Timestamp,
    registry: Arc<Registered>,
    closed: Arc<Closed>,
    fresh: Arc<Fresh>,
    /// `PRAGMA data_version` as of the last look at what another connection may have written.
    version: i64,
    commits: watch::Sender<u64>,
    failed: watch::Sender<Option<String>>,
    write_ahead: WriteAhead,
}

impl Writer {
    fn run(mut self, mut intake: Intake) {
        while let Some(gathered) = intake.gather(self.open.is_some(), self.write_ahead.backlog()) {
            #[cfg(test)]
            for (sql, done) in gathered.run {
                self.write(Vec::new());
                self.conn.execute_batch(sql).unwrap();
                done.send(()).unwrap();
            }
            let now = Instant::now();
            let (batch, late): (Vec<Queued>, Vec<Queued>) =
                gathered.batch.into_iter().partition(|(unit, _)| unit.deadline.is_none_or(|deadline| now < deadline));
            tell_all(late, &StoreDown("the disk did not keep up".to_owned()));
            if gathered.early {
                // Nobody waits, and nothing is begun.
                if batch.is_empty() || self.write_ahead.backlog() >= Backlog::Worth {
                    self.write_ahead.checkpoint(&self.conn);
                }
                self.begin_with(batch);
            } else {
                self.write(batch);
            }
            gathered.settled.into_iter().for_each(|then| then());
            if gathered.stop {
                break;
            }
        }
        // Nobody can hand in anything any more; what was begun is written all the same, and the database is whole by itself.
        self.write(Vec::new());
        self.write_ahead.checkpoint(&self.conn);
    }

    /// Writes what nobody waits for into a transaction that stays open for those that come next.
    fn begin_with(&mut self, batch: Vec<Queued>) {
        if batch.is_empty() {
            return;
        }
        let mut transaction = Transaction { batch, ..Transaction::default() };
        match self.attempt(&mut transaction, false) {
            Ok(()) => self.open = Some(transaction),
            Err(failure) => self.fell_through(transaction.batch, failure),
        }
    }

    /// Commits these units, with those of the transaction that is open.
    fn write(&mut self, batch: Vec<Queued>) {
        let mut transaction = self.open.take().unwrap_or_default();
        transaction.batch.extend(batch);
        if transaction.batch.is_empty() {
            return;
        }
        match self.attempt(&mut transaction, true) {
            Ok(()) => self.tell(transaction),
            Err(failure) => self.fell_through(transaction.batch, failure),
        }
    }

    fn fell_through(&mut self, batch: Vec<Queued>, failure: Failure) {
        if self.failed.borrow().is_some() {
            return tell_all(batch, &failure.down);
        }
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

    /// Writes what the transaction has not written yet, beginning it if need be. After an error nothing of it is there.
    fn attempt(&mut self, transaction: &mut Transaction, commit: bool) -> Result<(), Failure> {
        let gone =
            self.failed.borrow().clone().map(|reason| Failure { reach: Reach::ForGood, down: StoreDown(reason) });
        let written = gone.map_or(Ok(()), Err).and_then(|()| self.write_on(transaction));
        let written = written.and_then(|()| if commit { self.commit() } else { Ok(()) });
        if written.is_err() && !self.conn.is_autocommit() {
            // Should this fail too, the next transaction cannot begin, and nothing is written; the cause is what counts.
            let _ = run(&self.conn, "ROLLBACK");
        }
        written
    }

    fn write_on(&mut self, transaction: &mut Transaction) -> Result<(), Failure> {
        let wall = self.clock.now();
        if !transaction.begun {
            self.files.still_there()?;
            // Prepared once, unlike those that rusqlite begins.
            run(&self.conn, "BEGIN IMMEDIATE")?;
            transaction.begun = true;
            self.catch_up(wall)?;
        }
        let now = Timestamp::from_microsecond(wall.as_microsecond()).unwrap_or(wall).max(self.last);
        self.last = now;
        let clock = (now.as_microsecond() - wall.as_microsecond() > 1_000_000).then_some(wall);
        let Transaction { batch, done, closing, registry_moved, .. } = transaction;
        for (unit, _) in batch.iter().skip(done.len()) {
            let number = self.sequence.number(&unit.log);
            let registry = (!*registry_moved).then_some(&*self.registry);
            let moment = Moment { now, number, registry, closed: &self.closed, closing };
            let written = write_unit(&self.conn, self.sequence.as_mut(), unit, moment, clock)?;
            if written.as_ref().is_ok_and(|committed| committed.refused.is_none()) {
                closing.extend(unit.changes.iter().filter_map(Change::closes).cloned());
                *registry_moved |= unit.changes.iter().any(Change::touches_registry);
            }
            done.push(written);
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), Failure> {
        for head in self.sequence.seal(self.last)? {
            write_head(&self.conn, &head)?;
        }
        Ok(run(&self.conn, "COMMIT")?)
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

    fn tell(&mut self, Transaction { batch, done, .. }: Transaction) {
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
        let units = batch.len();
        for ((_, then), result) in batch.into_iter().zip(done) {
            then(result);
        }
        // Where there is one processor for both, those who were told go on first: what is left to do here, nobody waits for.
        std::thread::yield_now();
        self.commits.send_modify(|commits| *commits += 1);
        self.write_ahead.wrote(units);
        if self.write_ahead.backlog() == Backlog::Long {
            self.write_ahead.checkpoint(&self.conn);
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
