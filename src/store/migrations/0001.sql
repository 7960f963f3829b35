-- Schema 1. Times are microseconds since 1970 (UTC). An entry's id is its log's number * 2^40 + its index,
-- so that one integer key keeps each log together and in order.

CREATE TABLE log (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;

-- The tree head of each log. `note` is the signed checkpoint; `frontier` the roots of the perfect subtrees, largest first.
CREATE TABLE head (
    log INTEGER PRIMARY KEY REFERENCES log (id),
    size INTEGER NOT NULL,
    at INTEGER NOT NULL,
    frontier BLOB NOT NULL,
    note TEXT NOT NULL
) STRICT;

CREATE TABLE record (id INTEGER PRIMARY KEY, leaf BLOB NOT NULL, hash BLOB NOT NULL) STRICT;
CREATE TABLE tile (
    log INTEGER NOT NULL, level INTEGER NOT NULL, n INTEGER NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY (log, level, n)
) STRICT, WITHOUT ROWID;

-- What an entry only commits to. `key` names a row of the key database; `sealed` is nonce, ciphertext, tag.
CREATE TABLE payload (id INTEGER PRIMARY KEY, key INTEGER NOT NULL, sealed BLOB NOT NULL) STRICT;

-- One row for each permission; `closed_by` is the index of its outcome's entry.
CREATE TABLE outcome (id INTEGER PRIMARY KEY, closed_by INTEGER, outcome TEXT) STRICT;
CREATE INDEX outcome_open ON outcome (id) WHERE closed_by IS NULL;

CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE organisation (id TEXT PRIMARY KEY, name TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE account (
    id TEXT PRIMARY KEY, organisation TEXT NOT NULL, state TEXT NOT NULL, self_approval INTEGER NOT NULL, body TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE person (
    id TEXT PRIMARY KEY, organisation TEXT NOT NULL, may_declare INTEGER NOT NULL, body TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE client (id TEXT PRIMARY KEY, owner TEXT NOT NULL, body TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE approval (
    id TEXT PRIMARY KEY, account TEXT NOT NULL, digest TEXT NOT NULL, approver TEXT NOT NULL,
    not_before INTEGER NOT NULL, expires INTEGER NOT NULL, max_uses INTEGER NOT NULL,
    revoked INTEGER, body TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX approval_of_post ON approval (digest, account, expires);
CREATE TABLE used_approval (
    approval TEXT NOT NULL, use_no INTEGER NOT NULL, entry INTEGER NOT NULL, PRIMARY KEY (approval, use_no)
) STRICT, WITHOUT ROWID;

-- `entry` is the entry that first held the post; its payload holds the post as the approver sees it.
CREATE TABLE ticket (
    id TEXT PRIMARY KEY, organisation TEXT NOT NULL, client TEXT NOT NULL, author TEXT NOT NULL, account TEXT NOT NULL,
    action TEXT NOT NULL, digest TEXT NOT NULL, opened INTEGER NOT NULL, state TEXT NOT NULL, entry INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX ticket_waiting ON ticket (digest, client, account, action) WHERE state = 'waiting';
CREATE INDEX ticket_of_body ON ticket (organisation, opened);

CREATE TABLE emergency (
    id TEXT PRIMARY KEY, organisation TEXT NOT NULL, declared INTEGER NOT NULL, until INTEGER NOT NULL, ended INTEGER,
    body TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE emergency_account (
    account TEXT NOT NULL, emergency TEXT NOT NULL, PRIMARY KEY (account, emergency)
) STRICT, WITHOUT ROWID;
CREATE TABLE after_report (
    id TEXT PRIMARY KEY, organisation TEXT NOT NULL, account TEXT NOT NULL, exemption TEXT NOT NULL,
    entry INTEGER NOT NULL, due INTEGER NOT NULL, reported INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX after_report_of_body ON after_report (organisation, due);

CREATE TABLE retry (
    client TEXT NOT NULL, key TEXT NOT NULL, digest TEXT NOT NULL, entry INTEGER NOT NULL, PRIMARY KEY (client, key, digest)
) STRICT, WITHOUT ROWID;

CREATE TABLE media (
    provider TEXT NOT NULL, id TEXT NOT NULL, account TEXT NOT NULL, sha256 TEXT, len INTEGER NOT NULL, alt TEXT,
    PRIMARY KEY (provider, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE segment (
    provider TEXT NOT NULL, session TEXT NOT NULL, number INTEGER NOT NULL, file TEXT NOT NULL,
    at INTEGER NOT NULL, len INTEGER NOT NULL, sha256 TEXT NOT NULL, PRIMARY KEY (provider, session, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE own_post (account TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (account, id)) STRICT, WITHOUT ROWID;
