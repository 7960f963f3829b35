-- Schema 6: what was found in a medium's bytes (JSON), for the post that shows it; the register of what is closed until a
-- minute; findings that a person has accepted.

ALTER TABLE media ADD COLUMN findings TEXT;

CREATE TABLE embargo (
    id TEXT PRIMARY KEY, organisation TEXT NOT NULL, begins INTEGER NOT NULL, until INTEGER NOT NULL, lifted INTEGER,
    body TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX embargo_open ON embargo (until) WHERE lifted IS NULL;

-- `finding` is the fingerprint of one finding; it counts for this digest under these rules and for nothing else.
CREATE TABLE accepted (
    digest TEXT NOT NULL, account TEXT NOT NULL, finding TEXT NOT NULL, rules TEXT NOT NULL, rule TEXT NOT NULL,
    person TEXT NOT NULL, entry INTEGER NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (digest, account, finding, rules)
) STRICT, WITHOUT ROWID;
