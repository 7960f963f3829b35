-- Schema 4. When a retry key was first used: a provider forgets it some time after that, however often it was sent again since.
-- What was sent before this migration is as if forgotten.
ALTER TABLE retry ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
