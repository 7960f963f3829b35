//! Moves committed pages from the write-ahead log into the database, while nobody waits for the writer.
//!
//! The writer does it on its own thread and connection. A checkpoint syncs two files, and Linux makes two syncs of one disk
//! wait for each other, for 5 to 9 ms at times and with nothing left for the disk to do; so whoever syncs beside the writer
//! holds up posts. Done often, a checkpoint is small and fits between two posts. Since nobody else commits, it moves all there
//! is, but for what a reader still needs, and the log begins anew with the next transaction: it stays short, and is written
//! over again and again. A log that grows costs far more than its length: the file system finds room for each commit and
//! writes down where it is, and the sync waits for that.

use rusqlite::Connection;

/// Frames (4 KiB pages) after which a checkpoint is worth its two syncs: 1 MiB. It moves some twenty pages then, in less than
/// a millisecond; posts that come 500 times a second leave that much between them.
const WORTH: usize = 256;

/// Frames after which it is made although somebody waits: 16 MiB.
const LONG: usize = 4096;

/// What is in the log and not yet in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Backlog {
    /// Nothing.
    None,
    /// So little that it is moved only before the writer goes to sleep.
    Little,
    /// Enough to be moved as soon as nobody waits.
    Worth,
    /// So much that it is moved at once.
    Long,
}

/// The log, as the writer knows it.
#[derive(Debug, Default)]
pub(super) struct WriteAhead {
    /// Frames since the last checkpoint, as estimated.
    frames: usize,
}

impl WriteAhead {
    /// The writer committed so many units in one transaction: about six pages for it, and two for each of them.
    pub(super) fn wrote(&mut self, units: usize) {
        self.frames += 6 + 2 * units;
    }

    /// What there is to move.
    pub(super) fn backlog(&self) -> Backlog {
        match self.frames {
            0 => Backlog::None,
            few if few < WORTH => Backlog::Little,
            some if some < LONG => Backlog::Worth,
            _ => Backlog::Long,
        }
    }

    /// Moves all that no reader still needs where it is; the rest goes along the next time. No transaction may be open.
    pub(super) fn checkpoint(&mut self, conn: &Connection) {
        self.frames = 0;
        let moved =
            conn.prepare_cached("PRAGMA wal_checkpoint(PASSIVE)").and_then(|mut sql| sql.query_row([], |_| Ok(())));
        if let Err(e) = moved {
            // A full disk, a busy moment: the pages stay in the log, where they are just as durable.
            tracing::warn!(reason = %e, "the write-ahead log cannot be checkpointed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite;

    fn transaction(conn: &Connection, log: &mut WriteAhead) {
        conn.execute_batch("BEGIN IMMEDIATE; INSERT INTO page VALUES (randomblob(20000)); COMMIT").unwrap();
        log.wrote(1);
    }

    #[test]
    fn the_log_stays_as_short_as_it_is_allowed_to_become() {
        let dir = tempfile::tempdir().unwrap();
        let conn = sqlite::open(&dir.path().join("s.db")).unwrap();
        conn.execute_batch("CREATE TABLE page (bytes)").unwrap();
        let length = || std::fs::metadata(dir.path().join("s.db-wal")).unwrap().len();
        let mut log = WriteAhead::default();
        let until = |log: &mut WriteAhead, backlog| {
            while log.backlog() != backlog {
                transaction(&conn, log);
            }
            log.checkpoint(&conn);
            assert_eq!(log.backlog(), Backlog::None);
        };
        until(&mut log, Backlog::Worth);
        let longest = length();
        assert!(longest < (2 * WORTH * 4096) as u64, "{longest}");
        for _ in 0..20 {
            until(&mut log, Backlog::Worth);
        }
        assert!(length() < 2 * longest, "the log begins anew each time: {} after {longest}", length());
        until(&mut log, Backlog::Long);
        assert!(length() > 5 * longest, "nobody moved anything meanwhile");
    }

    #[test]
    fn a_reader_keeps_what_it_needs_and_the_rest_goes_along_the_next_time() {
        let dir = tempfile::tempdir().unwrap();
        let (file, mut log) = (dir.path().join("s.db"), WriteAhead::default());
        let conn = sqlite::open(&file).unwrap();
        conn.execute_batch("CREATE TABLE page (bytes)").unwrap();
        let count = |conn: &Connection| -> rusqlite::Result<i64> {
            conn.query_row("SELECT count(*) FROM page", [], |row| row.get(0))
        };
        // What the database holds without its log; an error: not even the table.
        let moved = |name: &str| {
            let copy = dir.path().join(name);
            std::fs::copy(&file, &copy).unwrap();
            count(&sqlite::connect(&copy, rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap())
        };
        transaction(&conn, &mut log);
        let reader = sqlite::open_read_only(&file).unwrap();
        reader.execute_batch("BEGIN").unwrap();
        assert_eq!(count(&reader), Ok(1));
        transaction(&conn, &mut log);
        log.checkpoint(&conn);
        assert_eq!((count(&reader), count(&conn)), (Ok(1), Ok(2)));
        assert_ne!(moved("first.db"), Ok(2), "the reader still needs what was there before");
        reader.execute_batch("COMMIT").unwrap();
        log.checkpoint(&conn);
        assert_eq!((count(&reader), moved("second.db")), (Ok(2), Ok(2)));
    }
}
