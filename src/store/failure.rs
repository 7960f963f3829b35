//! What it means that the store could not write: for one unit, for all that were written with it, or for good.

use rusqlite::ErrorCode;

use super::StoreDown;

/// `SQLITE_IOERR_SHMSIZE`: no room for the index of the write-ahead log, which is memory that is shared, not data.
const NO_ROOM_FOR_INDEX: i32 = 4874;

/// How far a failure reaches.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// One unit of the batch cannot be written; the others can.
    Unit,
    /// The batch as a whole, now; a later one may do.
    Batch,
    /// What is on the disk is not known any more.
    ForGood,
}

/// Why something was not written.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) reach: Reach,
    pub(super) down: StoreDown,
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
