-- Schema 9: incidents (事案), what the offices acknowledged, and corrections; and under which entry a post was published.

ALTER TABLE own_post ADD COLUMN entry INTEGER;

CREATE TABLE incident (
    id TEXT PRIMARY KEY, organisation TEXT NOT NULL, account TEXT NOT NULL, entry INTEGER NOT NULL, target TEXT,
    wrong INTEGER, cause TEXT NOT NULL, action TEXT NOT NULL, opened INTEGER NOT NULL, instruction TEXT, held INTEGER,
    released INTEGER, closed INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX incident_body ON incident (organisation, opened);
CREATE INDEX incident_target ON incident (account, target);

CREATE TABLE incident_ack (
    incident TEXT NOT NULL, office TEXT NOT NULL, person TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (incident, office)
) STRICT, WITHOUT ROWID;

CREATE TABLE correction (
    incident TEXT NOT NULL, entry INTEGER NOT NULL, account TEXT NOT NULL, PRIMARY KEY (incident, entry)
) STRICT, WITHOUT ROWID;
