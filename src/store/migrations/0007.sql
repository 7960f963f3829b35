-- Schema 7: held requests that the gateway keeps, to release them itself once they are approved, and the upload requests by
-- which their media came. `sealed` is under the record key `key`; `file` names a sealed body that is too large for a row.
-- `prompt`: its tool asked that it leaves as soon as it is approved. `released` is the entry that let it leave: a kept request leaves once.

CREATE TABLE kept (
    ticket TEXT PRIMARY KEY, at INTEGER NOT NULL, expires INTEGER NOT NULL, key INTEGER NOT NULL, sealed BLOB NOT NULL,
    file TEXT, prompt INTEGER NOT NULL, released INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX kept_expires ON kept (expires);
CREATE INDEX kept_prompt ON kept (ticket) WHERE prompt = 1 AND released IS NULL;

CREATE TABLE kept_step (
    id INTEGER PRIMARY KEY, provider TEXT NOT NULL, medium TEXT NOT NULL, account TEXT NOT NULL, expires INTEGER NOT NULL,
    key INTEGER NOT NULL, sealed BLOB NOT NULL, file TEXT
) STRICT;
CREATE INDEX kept_step_of ON kept_step (provider, medium, id);
CREATE INDEX kept_step_expires ON kept_step (expires);
