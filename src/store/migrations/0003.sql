-- Schema 3: custody. `sealed` is under the key of [credentials]; the row tells kind and times without it.

CREATE TABLE credential (
    account TEXT PRIMARY KEY, kind TEXT NOT NULL, sealed BLOB NOT NULL, changed INTEGER NOT NULL,
    rotate_by INTEGER NOT NULL, stale_at INTEGER, locked INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What providers still allow, as far as it is running low.
CREATE TABLE budget (
    account TEXT NOT NULL, bucket TEXT NOT NULL, remaining INTEGER NOT NULL, allowed INTEGER NOT NULL,
    resets INTEGER NOT NULL, PRIMARY KEY (account, bucket)
) STRICT, WITHOUT ROWID;
