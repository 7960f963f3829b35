//! The ledger: entry before forwarding, outcome after; one tamper-evident log per organisation.

use jiff::Timestamp;

use crate::domain::approval::{Approval, ApprovalId, TicketId};
use crate::domain::decision::Refusal;
use crate::domain::dossier::{Judged, Learned, Outcome};
use crate::domain::emergency::{AfterReportId, Emergency, EmergencyId};
use crate::domain::outbound::Outbound;
use crate::domain::person::PersonId;

pub mod checkpoint;
pub mod entry;
pub mod journal;
pub mod recover;
pub mod sequence;
pub mod tree;

/// Where an entry stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryRef {
    /// In its log, for ever.
    Index(u64),
    /// In the emergency journal, until it is merged.
    Journal {
        /// The boot that wrote it.
        boot: String,
        /// Its number in that boot.
        seq: u64,
    },
}

/// A permission that is durable: it owns the very request that was examined. Only the ledger makes one.
///
/// Dropped unsent, it records *not sent*.
pub struct Entered {
    entry: EntryRef,
    outbound: Option<Box<Outbound>>,
}

impl Entered {
    /// Where the entry stands.
    pub fn entry(&self) -> &EntryRef {
        &self.entry
    }

    /// Gives the request up for sending. Only `forward` calls this; from here on silence means *unknown*.
    pub(crate) fn depart(self) -> (Outbound, OpenEntry) {
        todo!("helper C")
    }
}

/// An entry that waits for its outcome. Dropped without one, it records *unknown*.
pub struct OpenEntry {
    entry: EntryRef,
}

impl OpenEntry {
    /// Where the entry stands.
    pub fn entry(&self) -> &EntryRef {
        &self.entry
    }
}

/// What `enter` made of a judged request.
pub enum Recorded {
    /// Durable, and it may leave.
    Permitted(Entered),
    /// Durable, and it may not: as judged, or because something changed since.
    Refused(EntryRef, Box<Refusal>),
}

/// The ledger cannot write now. Nothing may leave.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the ledger cannot write: {0}")]
pub struct LedgerDown(pub String);

/// An act at the console or the command line; goes the same way as a post.
#[derive(Clone, Debug)]
pub enum Act {
    /// An approval is deposited.
    Deposit(Approval),
    /// An approval is withdrawn.
    Revoke(ApprovalId),
    /// A held post is approved.
    ApproveTicket {
        /// The ticket.
        ticket: TicketId,
        /// The approval's own id.
        approval: ApprovalId,
        /// Until when it may be used.
        expires: Timestamp,
        /// How often.
        max_uses: u32,
    },
    /// A held post is sent back (差戻し).
    ReturnTicket {
        /// The ticket.
        ticket: TicketId,
        /// Why.
        reason: String,
    },
    /// A held post is rejected (却下).
    RejectTicket {
        /// The ticket.
        ticket: TicketId,
        /// Why.
        reason: String,
    },
    /// An emergency is declared.
    Declare(Emergency),
    /// It is ended before its time.
    EndEmergency(EmergencyId),
    /// An after-report is made.
    Report {
        /// Which.
        id: AfterReportId,
        /// What is reported. Sealed.
        text: String,
    },
}

/// Why an act was not done.
#[derive(Debug)]
pub enum ActError {
    /// It is refused; that is recorded.
    Refused(EntryRef, Box<Refusal>),
    /// It could not be recorded, so it was not done.
    Down(LedgerDown),
}

/// The ledger.
pub struct Ledger {}

impl Ledger {
    /// Makes the judged request durable. Re-checks in the same transaction what may have changed since it was examined.
    pub async fn enter(&self, judged: Judged) -> Result<Recorded, LedgerDown> {
        let _ = judged;
        todo!("helper C")
    }

    /// Records the outcome and what was learned, durably, before the client is answered.
    pub async fn close(
        &self,
        open: OpenEntry,
        outcome: Outcome,
        learned: Vec<Learned>,
    ) -> Result<EntryRef, LedgerDown> {
        let _ = (open, outcome, learned);
        todo!("helper C")
    }

    /// Records and does a console act, by the person who asks for it.
    pub async fn act(&self, by: PersonId, act: Act) -> Result<EntryRef, ActError> {
        let _ = (by, act);
        todo!("helper C")
    }

    /// Counts refusals that came before identification: one entry per source, code and minute.
    pub fn malformed(&self, malformed: &crate::domain::arrival::Malformed) {
        let _ = malformed;
        todo!("helper C")
    }
}
