//! The post of a ticket, as its approver sees it: opened from the sealed payload of the entry that held it.

use super::entry::Payload;
use super::read::payload;
use super::shared::Shared;
use super::{Ledger, LedgerDown};
use crate::domain::approval::TicketId;
use crate::domain::digest;
use crate::domain::ports::Approvals;

impl Ledger {
    /// What a ticket's approver approves: the payload whose post has exactly the ticket's digest.
    ///
    /// None: there is no such ticket, its payload was destroyed, or it is another post than the ticket names.
    ///
    /// # Errors
    /// The store or the key ring cannot answer.
    pub fn held(&self, ticket: &TicketId) -> Result<Option<Payload>, LedgerDown> {
        held(&self.shared, ticket)
    }
}

/// The same for the transaction of an approval: who cannot see cannot approve (C4).
pub(super) fn held(shared: &Shared, id: &TicketId) -> Result<Option<Payload>, LedgerDown> {
    let reads = shared.store.reads();
    let (Some(ticket), Some((log, index))) = (reads.ticket(id)?, reads.ticket_entry(id)?) else { return Ok(None) };
    let found = payload(&shared.keyring, reads, &log, index)?;
    Ok(found
        .filter(|payload| payload.post.as_ref().is_some_and(|form| digest::of_form(form.as_bytes()) == ticket.digest)))
}
