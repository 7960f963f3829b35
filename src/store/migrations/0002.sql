-- Schema 2: containers. `entry` is the permission that let one be made, `publish` the latest one that publishes it; by the
-- outcome of that, it was published or not. `part` is the post in the part of a carousel, for the whole to be judged with.

CREATE TABLE container (
    provider TEXT NOT NULL, id TEXT NOT NULL, account TEXT NOT NULL, action TEXT NOT NULL, digest TEXT NOT NULL,
    made INTEGER NOT NULL, expires INTEGER NOT NULL, emergency TEXT, part TEXT,
    entry INTEGER NOT NULL, publish INTEGER, PRIMARY KEY (provider, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX container_expires ON container (expires) WHERE part IS NOT NULL;

-- A container is as good as the approval that its entry spent.
CREATE INDEX used_approval_entry ON used_approval (entry);
