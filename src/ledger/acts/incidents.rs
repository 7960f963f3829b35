//! Acts on incidents (練馬 第15条, 長野 6), and the flood of criticism (長野 6(3)).

use jiff::Timestamp;

use super::{Parts, of_account};
use crate::domain::account::{AccountId, OrganisationId};
use crate::domain::clock::in_japan;
use crate::domain::incident::{Flame, IncidentId, Incidents as _, Step};
use crate::domain::person::PersonId;
use crate::domain::ports::Registry as _;
use crate::ledger::LedgerDown;
use crate::ledger::shared::Shared;
use crate::registry::incident::{heads, offices, works_in};
use crate::store::{Change, Condition, IncidentChange};

/// Decided upon the body's book as it is now; should it move meanwhile, the act is refused and asked for again.
pub(super) fn step(
    shared: &Shared,
    by: &PersonId,
    body: &OrganisationId,
    id: IncidentId,
    step: Step,
) -> Result<Parts, LedgerDown> {
    let name = match step {
        Step::Instruct { .. } => "instruct-incident",
        Step::Acknowledge => "acknowledge-incident",
        Step::Close { .. } => "close-incident",
    };
    let parts = Parts::new(name).text("incident", id.as_str()).with(Condition::IncidentOpen(id.clone(), body.clone()));
    let reads = shared.store.reads();
    let found = reads.incident(&id)?.filter(|it| it.organisation == *body);
    let (Some(incident), Some(book)) = (found, reads.registry().book(body)) else {
        return Ok(parts.must(false, "incident-not-open"));
    };
    let now = shared.now();
    let day = in_japan(now).date();
    let offices = offices(&book, &incident.account);
    let account = incident.account.clone();
    let mut parts = parts.text("account", account.as_str()).with(Condition::RegistryAt(body.clone(), book.revision));
    Ok(match step {
        Step::Instruct { text, hold } => {
            parts.fields.value("hold", &serde_json::Value::Bool(hold));
            parts
                .because(&text)
                .must(!text.trim().is_empty(), "reason-missing")
                .must(heads(&book, by, &offices, day), "incident-not-the-office")
                .doing(change(IncidentChange::Instruct { id, account, text, hold }))
        }
        Step::Acknowledge => {
            let own = works_in(&book, by, &offices, day);
            let open = own.iter().find(|office| !incident.acknowledged.contains(office)).or(own.first());
            let Some(&office) = open else { return Ok(parts.must(false, "incident-not-the-office")) };
            let office = office.clone();
            parts
                .text("office", office.as_str())
                .with(Condition::NotAcknowledged(id.clone(), office.clone()))
                .doing(change(IncidentChange::Acknowledge { id, account, office, by: by.clone(), offices }))
        }
        Step::Close { reason, uncorrected, leave } => {
            let manages = book.accounts.get(&account).is_some_and(|it| book.manager(it, now).is(by));
            if !uncorrected.is_empty() {
                parts.fields.value("uncorrected", &serde_json::json!(uncorrected));
            }
            parts
                .because(&reason)
                .must(!reason.trim().is_empty(), "reason-missing")
                .must(manages || heads(&book, by, &offices, day), "incident-not-the-office")
                .must(!incident.holds(), "incident-held")
                .must(uncorrected.is_empty() || leave, "incident-uncorrected")
                .doing(change(IncidentChange::Close { id, account }))
        }
    })
}

fn change(change: IncidentChange) -> Change {
    Change::Incident(Box::new(change))
}

/// A flood of criticism is declared, always with an end, by who answers for the account.
pub(super) fn flame(
    by: &PersonId,
    body: &OrganisationId,
    account: AccountId,
    until: Timestamp,
    reason: &str,
    now: Timestamp,
) -> Parts {
    let lasts = until.duration_since(now);
    let flame = Flame { declared: now, until, by: by.clone() };
    of_account("declare-flame", &account, body, reason)
        .text("until", &until.to_string())
        .must(lasts > jiff::SignedDuration::ZERO && lasts <= Flame::LONGEST, "flame-end")
        .with(Condition::Manages(by.clone(), account.clone()))
        .doing(change(IncidentChange::Flame(account, Some(flame))))
}

/// It is over before its end.
pub(super) fn end_flame(by: &PersonId, body: &OrganisationId, account: AccountId, reason: &str) -> Parts {
    of_account("end-flame", &account, body, reason)
        .with(Condition::Manages(by.clone(), account.clone()))
        .doing(change(IncidentChange::Flame(account, None)))
}
