//! Reminders of after-reports (長野 2(7)ただし書): one before a report is due, one when it is overdue, one more to the public
//! relations section a day later. Each is an entry of the body's log, and reaches people by the log's stream.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::shared::Shared;
use super::{Ledger, LedgerDown};
use crate::domain::decision::Notified;
use crate::domain::emergency::AfterReport;
use crate::store::{Change, Condition, Draft, Fields, Unit};

/// How long before a report is due the first reminder is given.
const AHEAD: SignedDuration = SignedDuration::from_hours(4);
/// How long after that it goes to the public relations section, too.
const PATIENCE: SignedDuration = SignedDuration::from_hours(24);

/// How urgent a reminder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    /// It is due within four hours.
    Soon = 1,
    /// It was due; the account's ordinary exemptions rest until it is made.
    Overdue = 2,
    /// It was due a day ago.
    Escalated = 3,
}

impl Stage {
    /// The stage of a report that is due then; none: there is time.
    fn of(due: Timestamp, now: Timestamp) -> Option<Self> {
        let late = now.duration_since(due);
        if late >= PATIENCE {
            Some(Self::Escalated)
        } else if late >= SignedDuration::ZERO {
            Some(Self::Overdue)
        } else {
            (late >= -AHEAD).then_some(Self::Soon)
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Soon => "soon",
            Self::Overdue => "overdue",
            Self::Escalated => "escalated",
        }
    }

    fn told(self) -> &'static [Notified] {
        match self {
            Self::Soon | Self::Overdue => &[Notified::Manager],
            Self::Escalated => &[Notified::Manager, Notified::PublicRelations],
        }
    }
}

impl Ledger {
    /// Reminds of every after-report whose time has come; how many. The keeper does so each minute. Blocks.
    ///
    /// # Errors
    /// The store cannot tell or write; the reminder is given the next time.
    pub fn remind(&self) -> Result<usize, LedgerDown> {
        remind(&self.shared)
    }
}

/// See [`Ledger::remind`].
pub(super) fn remind(shared: &Shared) -> Result<usize, LedgerDown> {
    let now = shared.now();
    let owed = shared.store.reads().owed_within(now, AHEAD, Stage::Escalated as u8)?;
    let due = owed.iter().filter_map(|(report, reminded)| {
        let stage = Stage::of(report.due, now)?;
        (stage as u8 > *reminded).then(|| unit(shared, report, stage))
    });
    let units: Vec<Unit> = due.collect();
    if units.is_empty() {
        return Ok(0);
    }
    let mut given = 0;
    for result in shared.store.commit(units) {
        // A report that was made meanwhile needs no reminder.
        given += usize::from(result?.refused.is_none());
    }
    Ok(given)
}

fn unit(shared: &Shared, report: &AfterReport, stage: Stage) -> Unit {
    let mut fields = Fields::default();
    fields.text("account", report.account.as_str());
    fields.value("after_report", &json!({ "due": report.due.to_string(), "id": report.id.as_str() }));
    fields.text("exemption", &report.exemption);
    let told: Value = stage.told().iter().map(|whom| whom.as_str()).collect();
    fields.value("marks", &told);
    fields.number("of", report.entry);
    fields.text("stage", stage.as_str());
    let fields = Arc::new(fields);
    let unneeded = Draft { kind: "reminder-unneeded", fields: Arc::clone(&fields), ..Draft::default() };
    Unit {
        conditions: vec![Condition::ReportOwed(report.id.clone(), report.organisation.clone())],
        changes: vec![Change::Remind(report.id.clone(), stage as u8)],
        entry_if_refused: Some(unneeded),
        ..Unit::entry(shared.log_of(Some(&report.organisation)), Draft { kind: "reminder", fields, ..Draft::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reminder_comes_before_at_and_a_day_after_the_hour() {
        let due: Timestamp = "2026-04-01T00:00:00Z".parse().unwrap();
        let cases = [
            (-5 * 3600, None),
            (-4 * 3600, Some(Stage::Soon)),
            (-1, Some(Stage::Soon)),
            (0, Some(Stage::Overdue)),
            (24 * 3600 - 1, Some(Stage::Overdue)),
            (24 * 3600, Some(Stage::Escalated)),
            (365 * 24 * 3600, Some(Stage::Escalated)),
        ];
        for (seconds, wanted) in cases {
            assert_eq!(Stage::of(due, due + SignedDuration::from_secs(seconds)), wanted, "{seconds}");
        }
    }
}
