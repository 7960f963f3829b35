-- Schema 5: the registry. `body` is the record as JSON with its kind; nothing is removed, a record only comes to its end.

CREATE TABLE registry_item (
    organisation TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (organisation, kind, id)
) STRICT, WITHOUT ROWID;
-- Who holds a position, and who decides in whose place, is asked in the transaction of each act.
CREATE INDEX registry_position ON registry_item (organisation, kind, json_extract(body, '$.record.position'))
    WHERE kind IN ('appointment', 'deputy');

-- How many changes a body's registry has seen. A change is decided upon one revision and written upon no other.
CREATE TABLE registry_revision (organisation TEXT PRIMARY KEY, n INTEGER NOT NULL) STRICT, WITHOUT ROWID;

-- What each change set, by the entry that records it. `person` is who asked for it; none: the gateway itself.
CREATE TABLE registry_history (
    id INTEGER PRIMARY KEY, organisation TEXT NOT NULL, kind TEXT NOT NULL, item TEXT NOT NULL, act TEXT NOT NULL,
    person TEXT, at INTEGER NOT NULL, entry INTEGER NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE INDEX registry_history_of ON registry_history (organisation, kind, item, id);
