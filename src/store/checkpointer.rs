//! Moves committed pages from the write-ahead log into the database, off the path.
//!
//! A passive checkpoint never makes the writer or a reader wait. But the log begins anew only with a transaction that is
//! begun when all of it was moved, and while there is traffic another is always committed or begun before that. So the
//! checkpointer moves nearly all of it, and if the log is long the writer itself moves the last, between two transactions,
//! when it has told everybody. The log stays short thereby and is written over again and again. A log that grows costs far
//! more than its length: the file system finds room for each commit and writes down where it is, and the sync waits for that.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::{StoreDown, sqlite};

/// Frames (4 KiB pages) of the log, as estimated, after which a checkpoint is worth its work: 16 MiB. Most commits change
/// the same few pages, each moved once. And posts that come during a checkpoint wait for the disk behind it: one in a hundred
/// would after half as many.
const WORTH_FRAMES: usize = 4096;

/// Frames of a log that the writer makes begin anew, if it did not by itself: 4 MiB.
const LONG_FRAMES: usize = 1024;

/// How often the checkpointer goes after what was committed meanwhile, which is less each time.
const PASSES: usize = 2;

/// The checkpointer and its own connection.
pub(super) struct Checkpointer {
    conn: Mutex<Connection>,
    frames: AtomicUsize,
    behind: AtomicBool,
    stopped: Mutex<bool>,
    wake: Condvar,
}

impl Checkpointer {
    pub(super) fn open(database: &Path) -> Result<Self, StoreDown> {
        let conn = sqlite::connect(database, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        sqlite::durable(&conn)?;
        Ok(Self {
            conn: Mutex::new(conn),
            frames: AtomicUsize::new(0),
            behind: AtomicBool::new(false),
            stopped: Mutex::new(false),
            wake: Condvar::new(),
        })
    }

    /// The writer committed so many units in one transaction: about six pages for it, and two for each of them.
    pub(super) fn wrote(&self, units: usize) {
        let frames = 6 + 2 * units;
        let before = self.frames.fetch_add(frames, Ordering::Relaxed);
        if before < WORTH_FRAMES && before + frames >= WORTH_FRAMES {
            self.wake.notify_one();
        }
    }

    /// Whether the log has become so long that the writer should help.
    pub(super) fn is_behind(&self) -> bool {
        self.behind.load(Ordering::Relaxed)
    }

    /// Checkpoints on the writer's own connection, between two batches: all there is, since nobody else commits.
    pub(super) fn help(&self, conn: &Connection) {
        self.behind.store(false, Ordering::Relaxed);
        self.frames.store(0, Ordering::Relaxed);
        if let Err(e) = checkpoint(conn) {
            tracing::warn!(reason = %e, "the write-ahead log cannot be checkpointed");
        }
    }

    /// Checkpoints whenever enough was written, and each second if anything was, until it is stopped.
    pub(super) fn run(&self) {
        super::yield_to_posts();
        let mut stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        while !*stopped {
            let waited = self.wake.wait_timeout(stopped, Duration::from_secs(1));
            let (held, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            stopped = held;
            // What the writer is about to do is its own: two checkpoints at once refuse each other. If it has nothing more to
            // write, it does not come, and nobody is in the way.
            let writers = self.is_behind() && !timeout.timed_out();
            if writers || self.frames.swap(0, Ordering::Relaxed) == 0 {
                continue;
            }
            drop(stopped);
            let conn = self.conn.lock().unwrap_or_else(PoisonError::into_inner);
            match self.catches_up(&conn) {
                Ok(done) => self.behind.store(!done, Ordering::Relaxed),
                // A full disk, a busy moment: the pages stay in the log, where they are just as durable.
                Err(e) => tracing::warn!(reason = %e, "the write-ahead log cannot be checkpointed"),
            }
            drop(conn);
            stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Moves all there is, and most of what is committed meanwhile; false: the log is long.
    fn catches_up(&self, conn: &Connection) -> rusqlite::Result<bool> {
        let mut frames = 0;
        for _ in 0..PASSES {
            frames = checkpoint(conn)?;
            if self.frames.swap(0, Ordering::Relaxed) == 0 {
                break;
            }
        }
        Ok(frames < LONG_FRAMES)
    }

    /// Makes `run` return.
    pub(super) fn stop(&self) {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.wake.notify_one();
    }
}

/// Checkpoints without waiting for anybody. The frames that the log has, moved or not.
fn checkpoint(conn: &Connection) -> rusqlite::Result<usize> {
    let frames: i64 = conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(1))?;
    Ok(usize::try_from(frames).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(conn: &Connection, frames: usize) {
        conn.execute_batch("BEGIN IMMEDIATE").unwrap();
        for _ in 0..frames {
            conn.execute("INSERT INTO page VALUES (randomblob(4000))", []).unwrap();
        }
        conn.execute_batch("COMMIT").unwrap();
    }

    #[test]
    fn a_long_log_begins_anew_although_there_is_always_a_transaction_in_the_way() {
        let dir = tempfile::tempdir().unwrap();
        let database = dir.path().join("s.db");
        let conn = sqlite::open(&database).unwrap();
        conn.execute_batch("CREATE TABLE page (bytes)").unwrap();
        let checkpointer = Checkpointer::open(&database).unwrap();

        write(&conn, 10);
        let other = checkpointer.conn.lock().unwrap();
        assert!(checkpointer.catches_up(&other).unwrap(), "a short log begins anew by itself, sooner or later");

        write(&conn, LONG_FRAMES);
        // As the writer has one begun with what nobody waits for.
        conn.execute_batch("BEGIN IMMEDIATE; INSERT INTO page VALUES (1)").unwrap();
        let done = checkpointer.catches_up(&other).unwrap();
        conn.execute_batch("COMMIT").unwrap();
        assert!(!done, "all is moved, and yet the log goes on behind it");
        assert!(checkpoint(&other).unwrap() > LONG_FRAMES);

        checkpointer.help(&conn);
        write(&conn, 1);
        assert!(checkpoint(&other).unwrap() < 10, "the log began anew");
    }
}
