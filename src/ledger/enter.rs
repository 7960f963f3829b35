//! A judged request as a unit: what is read again, what changes, what is entered.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::shared::Shared;
use super::{Entered, EntryRef, LedgerDown, OpenEntry, Recorded, entry, refusals};
use crate::domain::action::Action;
use crate::domain::approval::{Approval, Pass, Ticket, TicketId, TicketState};
use crate::domain::decision::{Obligation, Permit, Refusal, RefusalKind};
use crate::domain::dossier::{Dossier, Outcome};
use crate::domain::emergency::AfterReportId;
use crate::domain::exemption::Exemption;
use crate::domain::incident::{Incident, IncidentId};
use crate::domain::outbound::Outbound;
use crate::domain::remarks::Withdrawal;
use crate::store::{Change, Committed, Condition, Draft, IncidentChange, Log, StoreDown, Tried, Unit};

/// The unit of a permission.
pub(super) fn permission(
    shared: &Shared,
    log: Log,
    permit: &Permit,
    dossier: &Dossier,
    at: Timestamp,
    wait: Duration,
) -> Result<Unit, LedgerDown> {
    let (mut fields, payload) = entry::of_dossier(dossier, &shared.names);
    let sealed = Some(payload.seal(&shared.keyring, &mut fields)?);
    let fields = Arc::new(fields);
    let mut more = entry::of_permit(permit);
    let mut changes = vec![Change::Open];
    changes.extend(released(dossier).map(Change::Release));
    spend(&mut changes, dossier);
    // The report is owed before the post can be forwarded, by the same commit.
    for obligation in &permit.obligations {
        if let Obligation::AfterReport { due } = obligation {
            let owed = owe_report(shared, dossier, *due, at)?;
            more.value("after_report", &serde_json::json!({ "due": due.to_string(), "id": owed.0.as_str() }));
            changes.push(owed.1);
            break;
        }
    }
    if permit.obligations.contains(&Obligation::Incident) {
        let incident = opened(shared, dossier, at)?;
        more.text("incident", incident.id.as_str());
        changes.push(Change::Incident(Box::new(IncidentChange::Open(incident))));
    }
    let refused = Draft { kind: "refusal", fields: Arc::clone(&fields), sealed: sealed.clone(), ..Draft::default() };
    Ok(Unit {
        log,
        conditions: conditions(dossier)?,
        changes,
        entry: Draft { kind: "permit", fields, more, sealed },
        entry_if_refused: Some(refused),
        deadline: Some(Instant::now() + wait),
        lingers: false,
    })
}

/// What may have changed since the request was examined.
fn conditions(dossier: &Dossier) -> Result<Vec<Condition>, LedgerDown> {
    let missing = |what: &str| LedgerDown(format!("a permission names no {what}"));
    let mut conditions: Vec<Condition> = released(dossier).map(Condition::Releasable).into_iter().collect();
    let writes = dossier.action.is_some_and(|action| !matches!(action, Action::Read | Action::SignIn));
    if let Some(account) = dossier.account.as_ref().filter(|_| writes) {
        conditions.push(Condition::AccountActive(account.clone()));
    }
    // A delegation, a grant, a manager or a contract may have ended since. What an emergency lets out does not wait for
    // a second look at that: the declaration is read again below, the account's state above.
    let followed = matches!(&dossier.pass, Some(Pass::Followed(known)) if known.container.emergency.is_some());
    let exempt = matches!(dossier.pass, Some(Pass::Exempt(Exemption::Emergency { .. })));
    let urgent = exempt || followed || dossier.emergency.is_some();
    if let (Some(body), Some(revision)) = (&dossier.organisation, dossier.registry)
        && writes
        && !urgent
    {
        conditions.push(Condition::RegistryAt(body.clone(), revision));
    }
    // What is closed is closed in an emergency too.
    if let (Some(body), Some(seen)) = (&dossier.organisation, dossier.closed)
        && writes
    {
        conditions.push(Condition::RegisterAt(body.clone(), seen));
    }
    match &dossier.pass {
        Some(Pass::Approved { approval, use_number, deposit }) => {
            conditions.push(usable(dossier, approval, *use_number, *deposit)?);
            for further in &dossier.joint {
                conditions.push(usable(dossier, further, 1, false)?);
            }
        }
        Some(Pass::Resend { entry }) => conditions.push(Condition::ResendOpen {
            entry: *entry,
            client: dossier.client.clone().ok_or_else(|| missing("client"))?,
            key: dossier.retry_key.clone().ok_or_else(|| missing("retry key"))?,
            digest: dossier.digest.ok_or_else(|| missing("digest"))?,
        }),
        Some(Pass::Followed(known)) => {
            conditions.push(Condition::ContainerOpen(known.clone()));
            if let Some(emergency) = &known.container.emergency {
                conditions.push(Condition::EmergencyOpen(emergency.clone(), known.container.account.clone()));
            }
        }
        Some(Pass::Exempt(Exemption::Emergency { emergency, .. })) => {
            let account = dossier.account.clone().ok_or_else(|| missing("account"))?;
            conditions.push(Condition::EmergencyOpen(emergency.clone(), account));
        }
        Some(Pass::Exempt(_) | Pass::None) | None => {}
    }
    if let (Some(incident), Some(body)) = (&dossier.corrects, &dossier.organisation) {
        conditions.push(Condition::IncidentOpen(incident.clone(), body.clone()));
    }
    Ok(conditions)
}

/// The ticket whose post this request is, where the gateway releases it.
fn released(dossier: &Dossier) -> Option<TicketId> {
    let release = dossier.release.as_ref().filter(|release| release.post)?;
    Some(release.ticket.id.clone())
}

/// A use of the approval is free, for this very request.
fn usable(dossier: &Dossier, approval: &Approval, use_number: u32, deposit: bool) -> Result<Condition, LedgerDown> {
    let missing = |what: &str| LedgerDown(format!("a permission names no {what}"));
    Ok(Condition::ApprovalUsable {
        approval: Box::new(approval.clone()),
        deposit,
        use_number,
        account: dossier.account.clone().ok_or_else(|| missing("account"))?,
        action: dossier.action.ok_or_else(|| missing("action"))?,
        digest: dossier.digest.ok_or_else(|| missing("digest"))?,
        author: dossier.author.clone(),
        client: dossier.client.clone(),
    })
}

/// The incident that this deletion or change opens.
fn opened(shared: &Shared, dossier: &Dossier, at: Timestamp) -> Result<Incident, LedgerDown> {
    let missing = || LedgerDown("an incident is opened, but of no body or account".to_owned());
    let approved = match &dossier.pass {
        Some(Pass::Approved { approval, .. }) => approval.remarks.reason.as_deref(),
        _ => None,
    };
    let said = dossier.reason.as_deref().and_then(Withdrawal::of);
    let cause = said.or_else(|| Withdrawal::of(approved?)).map_or("none", Withdrawal::as_str);
    Ok(Incident {
        id: IncidentId::new(shared.new_id(at)),
        organisation: dossier.organisation.clone().ok_or_else(missing)?,
        account: dossier.account.clone().ok_or_else(missing)?,
        // The writer knows where this stands, and under which entry the wrong post does.
        entry: 0,
        wrong: None,
        target: dossier.target.clone(),
        cause: cause.to_owned(),
        action: dossier.action.map_or("none", Action::as_str).to_owned(),
        opened: at,
        instruction: None,
        held: None,
        released: None,
        acknowledged: Vec::new(),
        closed: None,
    })
}

fn spend(changes: &mut Vec<Change>, dossier: &Dossier) {
    if let Some(Pass::Approved { approval, deposit, .. }) = &dossier.pass {
        if *deposit {
            changes.push(Change::Deposit(approval.clone()));
        }
        changes.push(Change::Spend(approval.id.clone()));
        changes.extend(dossier.joint.iter().map(|further| Change::Spend(further.id.clone())));
    }
    if let (Some(id), Some(account)) = (&dossier.corrects, &dossier.account) {
        let correct = IncidentChange::Correct { id: id.clone(), account: account.clone() };
        changes.push(Change::Incident(Box::new(correct)));
    }
    if let Some(Pass::Followed(known)) = &dossier.pass {
        changes.push(Change::PublishContainer(known.clone()));
    }
    // A resend moves the key to its own entry, so that its outcome decides about the next one.
    if let (Some(client), Some(key), Some(digest)) = (&dossier.client, &dossier.retry_key, dossier.digest) {
        let tried = if matches!(dossier.pass, Some(Pass::Resend { .. })) { Tried::Again } else { Tried::First };
        changes.push(Change::Retry(client.clone(), key.clone(), digest, tried));
    }
}

fn owe_report(
    shared: &Shared,
    dossier: &Dossier,
    due: Timestamp,
    at: Timestamp,
) -> Result<(AfterReportId, Change), LedgerDown> {
    let missing = || LedgerDown("an after-report is owed, but by no body or account".to_owned());
    let id = AfterReportId::new(shared.new_id(at));
    let exemption = match &dossier.pass {
        Some(Pass::Exempt(exemption)) => exemption.as_str(),
        _ => "none",
    };
    let change = Change::OweReport {
        id: id.clone(),
        organisation: dossier.organisation.clone().ok_or_else(missing)?,
        account: dossier.account.clone().ok_or_else(missing)?,
        exemption,
        due,
    };
    Ok((id, change))
}

/// What a committed permission is to its caller. Made on the writer's thread: if nobody takes it, it is dropped there,
/// and its entry gets the outcome *not sent*.
pub(super) fn permitted(
    shared: &Arc<Shared>,
    outbound: Arc<Outbound>,
    result: Result<Committed, StoreDown>,
) -> Result<Recorded, LedgerDown> {
    let done = result?;
    let entry = EntryRef::Index(done.index);
    if let Some(code) = done.refused {
        return Ok(Recorded::Refused(entry, Box::new(refusals::of_code(code))));
    }
    let open = OpenEntry {
        entry,
        log: done.log,
        index: done.index,
        silence: Outcome::NotSent { code: "dropped" },
        ledger: Some(Arc::clone(shared)),
    };
    Ok(Recorded::Permitted(Entered { outbound, open }))
}

/// The unit of a refusal; a hold opens or joins a ticket.
pub(super) fn refusal(
    shared: &Shared,
    log: Log,
    refusal: &Refusal,
    dossier: &Dossier,
    at: Timestamp,
    wait: Duration,
) -> Result<Unit, LedgerDown> {
    let (mut fields, payload) = entry::of_dossier(dossier, &shared.names);
    let sealed = Some(payload.seal(&shared.keyring, &mut fields)?);
    let listed = dossier.report.as_ref().is_some_and(|report| !report.findings.is_empty());
    let more = entry::of_refusal(refusal, listed);
    let mut changes = Vec::new();
    if let Some(ticket) = ticket(shared, refusal, dossier, at) {
        let keep = dossier.keep.clone().map(|kept| Change::Keep(Box::new(ticket.clone()), kept));
        changes.push(Change::Hold(Box::new(ticket)));
        changes.extend(keep);
    }
    let draft = Draft { kind: "refusal", fields: Arc::new(fields), more, sealed };
    Ok(Unit { changes, deadline: Some(Instant::now() + wait), ..Unit::entry(log, draft) })
}

/// The ticket of a held post, if enough is known of it that somebody could approve it.
fn ticket(shared: &Shared, refusal: &Refusal, dossier: &Dossier, at: Timestamp) -> Option<Ticket> {
    if refusal.kind != RefusalKind::Held {
        return None;
    }
    Some(Ticket {
        organisation: dossier.organisation.clone()?,
        client: dossier.client.clone()?,
        author: dossier.author.clone()?,
        account: dossier.account.clone()?,
        action: dossier.action?,
        digest: dossier.digest?,
        opened: at,
        state: TicketState::Waiting,
        id: refusal.ticket.clone().unwrap_or_else(|| TicketId::new(shared.new_id(at))),
    })
}

/// What a committed refusal is to its caller: the same, with the ticket that really waits.
pub(super) fn refused(mut refusal: Box<Refusal>, result: Result<Committed, StoreDown>) -> Result<Recorded, LedgerDown> {
    let done = result?;
    refusal.ticket = done.ticket;
    Ok(Recorded::Refused(EntryRef::Index(done.index), refusal))
}
