//! Opening the SQLite database: the lock, the settings that durability rests on, migrations.

use std::fs::{DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::StoreDown;
use crate::config::Problem;

/// Each migration brings a database from version `i` to `i + 1` (`user_version`).
const MIGRATIONS: [&str; 10] = [
    include_str!("migrations/0001.sql"),
    include_str!("migrations/0002.sql"),
    include_str!("migrations/0003.sql"),
    include_str!("migrations/0004.sql"),
    include_str!("migrations/0005.sql"),
    include_str!("migrations/0006.sql"),
    include_str!("migrations/0007.sql"),
    include_str!("migrations/0008.sql"),
    include_str!("migrations/0009.sql"),
    include_str!("migrations/0010.sql"),
];

/// The first SQLite without the WAL-reset bug, which can corrupt a database that one connection writes while another
/// one checkpoints.
const SQLITE_AT_LEAST: i32 = 3_051_003;

impl From<rusqlite::Error> for StoreDown {
    fn from(error: rusqlite::Error) -> Self {
        Self(error.to_string())
    }
}

/// What is wrong with a file.
pub(super) fn problem(file: &Path, reason: impl std::fmt::Display) -> Problem {
    Problem { file: Some(file.to_owned()), line: None, reason: reason.to_string() }
}

/// The file that `sqlite://PATH` names.
pub fn path(url: &str) -> Result<PathBuf, Problem> {
    match url.strip_prefix("sqlite://") {
        Some(path) if !path.is_empty() => Ok(PathBuf::from(path)),
        _ => Err(Problem {
            file: None,
            line: None,
            reason: format!("[store] url = {url:?}: only \"sqlite://PATH\" is possible"),
        }),
    }
}

/// Makes a directory that only its owner may enter, with its parents, if it is not there.
pub(super) fn private_dir(dir: &Path) -> Result<(), Problem> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|e| problem(dir, e))
}

/// The lock that keeps a second gateway off the database. It goes with the process.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

/// Takes the lock beside the database.
pub(super) fn lock(database: &Path) -> Result<Lock, Problem> {
    let path = database.with_extension("lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&path)
        .map_err(|e| problem(&path, e))?;
    file.try_lock().map_err(|e| match e {
        std::fs::TryLockError::WouldBlock => problem(&path, "another gateway is running on this database"),
        std::fs::TryLockError::Error(e) => problem(&path, e),
    })?;
    Ok(Lock { _file: file })
}

/// Opens the database for the writer: makes it if it is not there (mode 0600), sets and checks what durability rests
/// on, brings it to the current version.
pub(super) fn open(database: &Path) -> Result<Connection, Problem> {
    let version = rusqlite::version_number();
    if version < SQLITE_AT_LEAST {
        return Err(problem(database, format!("SQLite {version} is older than {SQLITE_AT_LEAST}")));
    }
    create(database)?;
    let mut conn = connect(database, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(|e| problem(database, e))?;
    durable(&conn).map_err(|e| problem(database, e))?;
    migrate(&mut conn, database)?;
    Ok(conn)
}

/// Opens a connection that cannot write.
pub(super) fn open_read_only(database: &Path) -> Result<Connection, StoreDown> {
    Ok(connect(database, OpenFlags::SQLITE_OPEN_READ_ONLY)?)
}

/// Refuses a database that this program does not know.
pub(super) fn check_version(conn: &Connection, database: &Path) -> Result<usize, Problem> {
    let version: i64 =
        conn.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(|e| problem(database, e))?;
    usize::try_from(version).ok().filter(|version| *version <= MIGRATIONS.len()).ok_or_else(|| {
        let known = MIGRATIONS.len();
        problem(
            database,
            format!("the database has version {version}, this program knows {known}: use a newer program"),
        )
    })
}

fn create(file: &Path) -> Result<(), Problem> {
    if file.exists() {
        return Ok(());
    }
    let dir = file.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    private_dir(dir)?;
    let made = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(file);
    made.map_err(|e| problem(file, e))?;
    // The name must survive a power cut as well as what is written under it.
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(|e| problem(dir, e))
}

/// Opens a connection with what every connection has.
pub(super) fn connect(file: &Path, mode: OpenFlags) -> rusqlite::Result<Connection> {
    let conn = Connection::open_with_flags(file, mode | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    conn.busy_timeout(Duration::from_secs(1))?;
    conn.set_prepared_statement_cache_capacity(128);
    // A plan must not depend on the values that are bound: a cached statement would be prepared anew for each of them.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    conn.pragma_update(None, "cell_size_check", true)?;
    // A statement must not need a temporary file when the disk is full.
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(conn)
}

/// Write-ahead log with a full sync at each commit; checkpoints are made by the writer, while nobody waits for it.
pub(super) fn durable(conn: &Connection) -> Result<(), StoreDown> {
    let mode: String = conn.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    conn.pragma_update(None, "wal_autocheckpoint", 0)?;
    let synchronous: i64 = conn.pragma_query_value(None, "synchronous", |row| row.get(0))?;
    if mode != "wal" || synchronous != 2 {
        return Err(StoreDown(format!("journal_mode is {mode}, synchronous is {synchronous}; WAL and 2 are needed")));
    }
    Ok(())
}

fn migrate(conn: &mut Connection, database: &Path) -> Result<(), Problem> {
    let version = check_version(conn, database)?;
    for (i, migration) in MIGRATIONS.iter().enumerate().skip(version) {
        let apply = |conn: &mut Connection| -> rusqlite::Result<()> {
            let transaction = conn.transaction()?;
            transaction.execute_batch(migration)?;
            transaction.pragma_update(None, "user_version", i64::try_from(i + 1).unwrap_or(i64::MAX))?;
            transaction.commit()
        };
        apply(conn).map_err(|e| problem(database, format!("migration to version {}: {e}", i + 1)))?;
    }
    Ok(())
}

/// Runs SQL on a database from outside, for tests of tampering.
#[cfg(test)]
pub(crate) fn raw(database: &Path, sql: &str) -> usize {
    let conn = connect(database, OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
    let before = conn.total_changes();
    conn.execute_batch(sql).unwrap();
    usize::try_from(conn.total_changes() - before).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_new_database_is_private_and_durable() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("sub/s.db");
        let conn = open(&file).unwrap();
        conn.execute_batch("INSERT INTO meta VALUES ('x', 1)").unwrap();
        for name in ["s.db", "s.db-wal"] {
            let mode = std::fs::metadata(dir.path().join("sub").join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{name}");
        }
    }

    #[test]
    fn a_cached_statement_is_prepared_once_whatever_is_bound() {
        let dir = tempfile::tempdir().unwrap();
        let conn = open(&dir.path().join("s.db")).unwrap();
        // The planner would look at the value bound here: a minimum is sought by index or by scan.
        let sql = "SELECT max(use_no) FROM used_approval WHERE approval = ?";
        for approval in ["a", "b", "c"] {
            let mut statement = conn.prepare_cached(sql).unwrap();
            let _: Option<i64> = statement.query_row([approval], |row| row.get(0)).unwrap();
            assert_eq!(statement.get_status(rusqlite::StatementStatus::RePrepare), 0, "{approval}");
        }
    }

    #[test]
    fn sqlite_is_built_with_the_flags_of_the_cargo_configuration() {
        let dir = tempfile::tempdir().unwrap();
        let conn = open(&dir.path().join("s.db")).unwrap();
        let mut statement = conn.prepare("PRAGMA compile_options").unwrap();
        let options: Vec<String> =
            statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
        // HAVE_FDATASYNC is not listed; it comes by the same variable.
        assert!(options.iter().any(|option| option == "DEFAULT_MEMSTATUS=0"), "{options:?}");
    }

    #[test]
    fn a_database_of_a_newer_version_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("s.db");
        open(&file).unwrap().pragma_update(None, "user_version", 99).unwrap();
        let problem = open(&file).unwrap_err();
        assert!(problem.reason.contains("version 99"), "{problem}");
        assert_eq!(problem.file.as_deref(), Some(file.as_path()));
    }

    #[test]
    fn a_second_gateway_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("s.db");
        let held = lock(&file).unwrap();
        assert!(lock(&file).unwrap_err().reason.contains("another gateway"));
        drop(held);
        lock(&file).unwrap();
    }

    #[test]
    fn another_kind_of_store_is_refused() {
        assert_eq!(path("sqlite://data/s.db").unwrap(), Path::new("data/s.db"));
        assert!(path("postgres://x").is_err());
        assert!(path("sqlite://").is_err());
    }
}
