//! Moves committed pages from the write-ahead log into the database, off the path.
//!
//! A passive checkpoint never makes the writer or a reader wait. But what is committed meanwhile stays behind it, and the
//! log begins anew only once all of it was moved. So the checkpointer goes after the rest, which is less each time; if the
//! writer is always ahead of it, the writer itself moves the last of it between two batches, when it has told everybody.
//! The log stays short thereby and is written over again and again, which spares the file system a change of its length in
//! each commit; and each checkpoint is short, so that no commit waits long for the disk behind one.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::{StoreDown, sqlite};

/// Frames (4 KiB pages) of the log, as estimated, after which a checkpoint is worth its work: 8 MiB. Most commits change
/// the same few pages, each moved once.
const WORTH_FRAMES: usize = 2048;

/// How often the checkpointer goes after what was committed meanwhile.
const PASSES: usize = 4;

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

    /// Moves all there is, and what is committed meanwhile; false: the writer was always ahead.
    fn catches_up(&self, conn: &Connection) -> rusqlite::Result<bool> {
        for _ in 0..PASSES {
            checkpoint(conn)?;
            if self.frames.swap(0, Ordering::Relaxed) == 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Makes `run` return.
    pub(super) fn stop(&self) {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.wake.notify_one();
    }
}

/// Checkpoints without waiting for anybody.
fn checkpoint(conn: &Connection) -> rusqlite::Result<()> {
    conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
}
