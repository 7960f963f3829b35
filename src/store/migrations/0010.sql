-- Schema 10: two indexes fewer to write for each post. What is open is looked for at the start only, among all outcomes;
-- which approvals an entry spent, the entry itself says.

DROP INDEX outcome_open;
DROP INDEX used_approval_entry;
