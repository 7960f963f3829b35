//! Acts on what is closed until a minute, and on findings that a person accepts.

use jiff::Timestamp;
use serde_json::Value;

use super::Parts;
use crate::domain::account::OrganisationId;
use crate::domain::approval::{Ticket, TicketId};
use crate::domain::embargo::{Embargo, EmbargoId};
use crate::domain::finding::{Accept, Acceptance, Finding, Severity};
use crate::domain::person::PersonId;
use crate::domain::ports::Approvals as _;
use crate::ledger::shared::Shared;
use crate::ledger::{LedgerDown, held};
use crate::store::{Change, Condition};

/// Findings that one act may accept.
const MANY: usize = 50;

/// The words are what may not be known, so that the entry names kind and end only; they are sealed with the reason.
pub(super) fn add(by: &PersonId, body: &OrganisationId, new: Embargo, now: Timestamp) -> Parts {
    let mut parts = Parts::new("add-embargo")
        .text("embargo", new.id.as_str())
        .text("embargo_kind", new.kind.as_str())
        .text("from", &new.from.to_string())
        .text("until", &new.until.to_string())
        .because(&format!("{}\n{}", new.reason, new.words.join("\n")))
        .must(new.by == *by && new.organisation == *body, "embargo-elsewhere")
        .must(!new.reason.trim().is_empty(), "reason-missing")
        .with(Condition::RunsSome(by.clone(), body.clone()));
    if let Some(code) = new.problem(now) {
        parts = parts.must(false, code);
    }
    parts.doing(Change::Embargo(Box::new(new)))
}

pub(super) fn lift(by: &PersonId, body: &OrganisationId, id: EmbargoId, reason: &str) -> Parts {
    Parts::new("lift-embargo")
        .text("embargo", id.as_str())
        .because(reason)
        .must(!reason.trim().is_empty(), "reason-missing")
        .with(Condition::RunsSome(by.clone(), body.clone()))
        .with(Condition::EmbargoHolds(id.clone(), body.clone()))
        .doing(Change::LiftEmbargo(id))
}

/// Accepts findings of a held post. What is accepted is what was sealed when the post was held: its content, the findings,
/// and the version of the rules that stands in its entry.
pub(super) fn accept(
    shared: &Shared,
    by: &PersonId,
    body: &OrganisationId,
    id: &TicketId,
    wanted: &[String],
    reason: &str,
) -> Result<Parts, LedgerDown> {
    let mut parts = Parts::new("accept-findings")
        .text("ticket", id.as_str())
        .because(reason)
        .must(!reason.trim().is_empty(), "reason-missing")
        .must(!wanted.is_empty() && wanted.len() <= MANY, "finding-unknown")
        .with(Condition::TicketWaiting(id.clone(), body.clone()));
    let reads = shared.store.reads();
    let Some(ticket) = reads.ticket(id)? else { return Ok(parts.must(false, "ticket-not-waiting")) };
    let Some(payload) = held::held(shared, id)? else { return Ok(parts.must(false, "post-unreadable")) };
    let Some(rules) = rules_of(shared, id)? else { return Ok(parts.must(false, "post-unreadable")) };
    let Ticket { client, author, account, digest, .. } = ticket;
    let mut names = Vec::new();
    for wanted in wanted {
        let found = payload.findings.iter().find(|finding| finding.fingerprint() == *wanted);
        let Some(finding) = found else { return Ok(parts.must(false, "finding-unknown")) };
        if !acceptable(finding) {
            return Ok(parts.must(false, "finding-not-acceptable"));
        }
        parts = parts.with(match finding.accept {
            Accept::Manager => Condition::Manages(by.clone(), account.clone()),
            Accept::Approver => Condition::MayHold(by.clone(), account.clone()),
        });
        names.push(finding.rule.clone());
        parts = parts.doing(Change::Accept(Box::new(Acceptance {
            digest,
            account: account.clone(),
            finding: wanted.clone(),
            rules: rules.clone(),
            rule: finding.rule.clone(),
            person: by.clone(),
        })));
    }
    parts.fields.value("accepted", &names.into_iter().map(Value::String).collect());
    let parts = parts.text("account", account.as_str()).text("digest", &digest.to_string());
    Ok(parts.with(Condition::NotAuthor { person: by.clone(), author, client, account }))
}

fn acceptable(finding: &Finding) -> bool {
    finding.severity == Severity::Review && !finding.never
}

/// The version of the rules under which the ticket's post was inspected.
fn rules_of(shared: &Shared, id: &TicketId) -> Result<Option<String>, LedgerDown> {
    let reads = shared.store.reads();
    let Some((log, index)) = reads.ticket_entry(id)? else { return Ok(None) };
    let Some(head) = reads.head(&log)? else { return Ok(None) };
    let entry = reads.entries(head.number, index, 1)?.into_iter().find(|entry| entry.index == index);
    let leaf: Option<Value> = entry.and_then(|entry| serde_json::from_slice(&entry.leaf).ok());
    let rules = leaf.and_then(|leaf| Some(leaf.get("inspected")?.get("rules")?.as_str()?.to_owned()));
    Ok(rules)
}
