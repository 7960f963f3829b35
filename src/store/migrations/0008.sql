-- Schema 8: how far the reminders of an after-report have come (0 none, 1 soon due, 2 overdue, 3 escalated), and which
-- reports an account owes.

ALTER TABLE after_report ADD COLUMN reminded INTEGER NOT NULL DEFAULT 0;
CREATE INDEX after_report_owed ON after_report (account, due) WHERE reported IS NULL;
