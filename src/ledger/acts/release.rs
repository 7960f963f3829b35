//! The act by which a person has the gateway send what it kept of a ticket.

use super::Parts;
use crate::domain::account::OrganisationId;
use crate::domain::approval::TicketId;
use crate::domain::person::PersonId;
use crate::domain::ports::Approvals as _;
use crate::ledger::LedgerDown;
use crate::ledger::shared::Shared;
use crate::store::Condition;

/// It only says that the person may and wants it: what is kept leaves by the road, with an entry of its own.
pub(super) fn release(
    shared: &Shared,
    by: &PersonId,
    body: &OrganisationId,
    id: &TicketId,
) -> Result<Parts, LedgerDown> {
    let parts = Parts::new("release-ticket").text("ticket", id.as_str());
    let found = shared.store.reads().ticket(id)?.filter(|ticket| ticket.organisation == *body);
    let Some(ticket) = found else { return Ok(parts.must(false, "ticket-not-approved")) };
    let account = ticket.account;
    Ok(parts
        .text("account", account.as_str())
        .text("digest", &ticket.digest.to_string())
        .with(Condition::MayRelease(by.clone(), account.clone(), id.clone()))
        .with(Condition::Releasable(id.clone()))
        .with(Condition::AccountActive(account.clone()))
        .with(Condition::CredentialHeld(account)))
}
