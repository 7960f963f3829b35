//! The ledger: entry before forwarding, outcome after; one tamper-evident log per organisation.
//!
//! `enter` is the one gate to [`Entered`], and `Entered` the one thing that `forward` takes. The order, by what a crash
//! leaves behind:
//!
//! 1. The payload is sealed with a key whose row is durable already. *Crash: a key that nobody uses.*
//! 2. The unit is committed: conditions read again, approval spent, after-report opened, entry, tree, checkpoint; one
//!    transaction ([`crate::store`]). *Crash before the sync: nothing happened. After it: an entry without outcome.*
//! 3. `Entered` exists; the request may leave. *Crash: whether it left is unknown, and the entry will say so.*
//! 4. The outcome is committed, with what was learned: before the client is answered if a later step rests on it, else
//!    with the next commit (decision 0006). *Crash before: unknown. After: done.*
//! 5. At the next start, [`recover`] gives each entry without outcome the outcome `unknown`, by the code of step 4.
//!
//! The local journal for emergencies with an unusable store is a seam only ([`EntryRef::Journal`]): nothing writes one
//! yet, so an unusable store lets nothing leave.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{oneshot, watch};

use crate::domain::account::AccountId;
use crate::domain::approval::{Approval, ApprovalId, TicketId};
use crate::domain::arrival::Malformed;
use crate::domain::credential::SealedCredential;
use crate::domain::decision::{Decision, Refusal};
use crate::domain::dossier::{Judged, Learned, Outcome};
use crate::domain::embargo::{Embargo, EmbargoId};
use crate::domain::emergency::{AfterReportId, Emergency, EmergencyId};
use crate::domain::incident::{IncidentId, Step};
use crate::domain::link::Looked;
use crate::domain::outbound::Outbound;
use crate::domain::person::{Client, PersonId};
use crate::domain::registry::Asked;
use crate::domain::remarks::Remarks;
use crate::store::reads::Reads;
use crate::store::{Log, StoreDown, UnderWay, Unit};

mod acts;
mod channels;
pub mod checkpoint;
mod enter;
pub mod entry;
pub mod exported;
mod held;
mod keeper;
mod kept;
mod load;
mod malformed;
mod outcome;
pub mod read;
mod recover;
pub mod refusals;
mod registry;
mod remind;
pub mod sequence;
mod shared;
pub mod tree;
pub mod verify;

use shared::Shared;

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
    outbound: Arc<Outbound>,
    open: OpenEntry,
}

impl Entered {
    /// Where the entry stands.
    pub fn entry(&self) -> &EntryRef {
        self.open.entry()
    }

    /// Gives the request up for sending. Only `forward` calls this; from here on silence means *unknown*.
    pub(crate) fn depart(self) -> (Arc<Outbound>, OpenEntry) {
        let Self { outbound, mut open } = self;
        open.silence = Outcome::Unknown { code: "abandoned" };
        (outbound, open)
    }
}

/// An entry that waits for its outcome. Dropped without one, it records *unknown*.
pub struct OpenEntry {
    entry: EntryRef,
    log: Log,
    index: u64,
    /// What it means if nobody says how it ended.
    silence: Outcome,
    /// None once the outcome is on its way.
    ledger: Option<Arc<Shared>>,
}

impl OpenEntry {
    /// Where the entry stands.
    pub fn entry(&self) -> &EntryRef {
        &self.entry
    }
}

impl Drop for OpenEntry {
    fn drop(&mut self) {
        if let Some(ledger) = self.ledger.take() {
            let ending = outcome::Ending::new(&self.log, self.index, self.silence.clone(), Vec::new());
            outcome::record(&ledger, ending, None);
        }
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

impl From<StoreDown> for LedgerDown {
    fn from(down: StoreDown) -> Self {
        Self(down.0)
    }
}

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
        /// What the approver states with it.
        remarks: Remarks,
        /// Where the approver saw its links lead; none: nothing of them was shown.
        links: Option<Arc<Looked>>,
    },
    /// A held post that was approved is to leave, from what was kept of it.
    ReleaseTicket(TicketId),
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
    /// What a person posted by hand stands here (練馬 第11条: the approval was for this).
    RecordByHand {
        /// The permission it was posted under, by its index in the body's log.
        of: u64,
        /// The account.
        account: AccountId,
        /// Where the public reads it.
        link: String,
    },
    /// An account in use is stopped at once: a leak, a mistake, an order (長野 5(3)).
    LockAccount {
        /// The account.
        account: AccountId,
        /// Why. Sealed.
        reason: String,
        /// Whether its credential leaked, so that only a new one opens the account again.
        leak: bool,
    },
    /// A provider credential is given into custody, or changed (練馬 第9条, 長野 5(1)).
    SetCredential {
        /// What is sealed.
        credential: Box<SealedCredential>,
        /// Whether it takes the place of one.
        rotate: bool,
    },
    /// Something is closed until a minute (長野 7(1)コ).
    Embargo(Box<Embargo>),
    /// It is opened before its time.
    LiftEmbargo {
        /// Which.
        id: EmbargoId,
        /// Why. Sealed.
        reason: String,
    },
    /// Findings of a held post are accepted, by the role that their rules name.
    AcceptFindings {
        /// The ticket.
        ticket: TicketId,
        /// Fingerprints.
        findings: Vec<String>,
        /// Why. Sealed.
        reason: String,
    },
    /// A provider credential is locked, as after a leak (長野 5(3)).
    LockCredential {
        /// The account.
        account: AccountId,
        /// Why. Sealed.
        reason: String,
    },
    /// A stopped account is put into use again, by its manager (練馬 第7条).
    UnlockAccount {
        /// The account.
        account: AccountId,
        /// Why. Sealed.
        reason: String,
    },
    /// A step is taken with an incident (練馬 第15条, 長野 6).
    Incident {
        /// Which.
        id: IncidentId,
        /// What.
        step: Step,
    },
    /// A flood of criticism (炎上) is declared for an account, by its manager (長野 6(3)).
    DeclareFlame {
        /// The account.
        account: AccountId,
        /// Until when.
        until: Timestamp,
        /// Why. Sealed.
        reason: String,
    },
    /// It is over before its end.
    EndFlame {
        /// The account.
        account: AccountId,
        /// Why. Sealed.
        reason: String,
    },
    /// Posting tools are registered, all or none.
    ImportClients(Vec<Client>),
    /// A change of the body's registry, as it is asked for.
    Registry(Box<Asked>),
}

/// Why an act was not done.
#[derive(Debug)]
pub enum ActError {
    /// It is refused; that is recorded.
    Refused(EntryRef, Box<Refusal>),
    /// It could not be recorded, so it was not done.
    Down(LedgerDown),
}

impl From<LedgerDown> for ActError {
    fn from(down: LedgerDown) -> Self {
        Self::Down(down)
    }
}

impl From<StoreDown> for ActError {
    fn from(down: StoreDown) -> Self {
        Self::Down(down.into())
    }
}

/// The ledger.
pub struct Ledger {
    shared: Arc<Shared>,
    keeper: keeper::Keeper,
    warnings: Vec<String>,
    closed: AtomicBool,
}

impl Drop for Ledger {
    fn drop(&mut self) {
        self.close_down();
    }
}

impl Ledger {
    /// Makes the judged request durable. Re-checks in the same transaction what may have changed since it was examined.
    ///
    /// An error means that nothing may leave. Should the commit succeed after the deadline all the same, the permission
    /// that nobody waits for is dropped, and its entry gets the outcome *not sent*.
    pub async fn enter(&self, judged: Judged) -> Result<Recorded, LedgerDown> {
        let wait = Duration::from_millis(self.shared.config.enter_ms);
        let (tell, told) = oneshot::channel();
        let Judged { decision, dossier, at } = judged;
        let log = self.shared.log_of(dossier.organisation.as_ref());
        match decision {
            Decision::Permit(permit, outbound) => {
                let unit = enter::permission(&self.shared, log, &permit, &dossier, at, wait)?;
                let shared = Arc::clone(&self.shared);
                let then = move |result| drop(tell.send(enter::permitted(&shared, outbound, result)));
                self.shared.store.submit(unit, Box::new(then));
            }
            Decision::Refuse(refusal) => {
                let unit = enter::refusal(&self.shared, log, &refusal, &dossier, at, wait)?;
                let then = move |result| drop(tell.send(enter::refused(refusal, result)));
                self.shared.store.submit(unit, Box::new(then));
            }
        }
        match tokio::time::timeout(wait, told).await {
            Ok(Ok(recorded)) => recorded,
            Ok(Err(_)) => Err(LedgerDown("the writer has stopped".to_owned())),
            Err(_) => Err(LedgerDown("the disk did not keep up".to_owned())),
        }
    }

    /// Records the outcome and what was learned, durably, before the client is answered.
    ///
    /// After an error the outcome is kept in memory and tried again each second.
    pub async fn close(
        &self,
        mut open: OpenEntry,
        outcome: Outcome,
        learned: Vec<Learned>,
    ) -> Result<EntryRef, LedgerDown> {
        // From here on the outcome is this one, also if the caller does not wait.
        open.ledger = None;
        let (tell, told) = oneshot::channel();
        outcome::record(&self.shared, outcome::Ending::new(&open.log, open.index, outcome, learned), Some(tell));
        told.await.unwrap_or_else(|_| Err(LedgerDown("the writer has stopped".to_owned())))
    }

    /// Records the outcome of a post whose client is answered meanwhile: durable within [`crate::store::LINGER`] and a
    /// commit. If the process dies before, the entry becomes *unknown* at the next start: a look at the account tells.
    pub fn close_soon(&self, mut open: OpenEntry, outcome: Outcome, learned: Vec<Learned>) {
        open.ledger = None;
        outcome::record(&self.shared, outcome::Ending::new(&open.log, open.index, outcome, learned), None);
    }

    /// Says that a request is under way: where there are many, their entries share a commit.
    pub fn under_way(&self) -> UnderWay {
        self.shared.store.under_way()
    }

    /// The same as [`Self::settled`]. Blocks: for stop and tests.
    pub fn settle(&self) {
        let (tell, told) = std::sync::mpsc::channel();
        self.shared.store.settle(Box::new(move || {
            // Whoever asked may have gone.
            let _ = tell.send(());
        }));
        let _ = told.recv();
    }

    /// Returns once all that was handed in before is durable or has failed.
    pub async fn settled(&self) {
        let (tell, told) = oneshot::channel();
        self.shared.store.settle(Box::new(move || {
            // Whoever asked may have gone.
            let _ = tell.send(());
        }));
        // A writer that has stopped has nothing left to settle.
        let _ = told.await;
    }

    /// Records and does a console act, by the person who asks for it.
    pub async fn act(&self, by: PersonId, act: Act) -> Result<EntryRef, ActError> {
        let act = match act {
            Act::Registry(asked) => return registry::change(&self.shared, by, *asked).await,
            act => act,
        };
        let unit = acts::unit(&self.shared, &by, act)?;
        let (tell, told) = oneshot::channel();
        self.shared.store.submit(unit, Box::new(move |result| drop(tell.send(result))));
        let committed = told.await.unwrap_or_else(|_| Err(StoreDown("the writer has stopped".to_owned())))?;
        let entry = EntryRef::Index(committed.index);
        match committed.refused {
            None => Ok(entry),
            Some(code) => Err(ActError::Refused(entry, Box::new(refusals::of_code(code)))),
        }
    }

    /// Counts refusals that came before identification: one entry per minute, by source and code.
    pub fn malformed(&self, malformed: &Malformed) {
        self.shared.malformed.count(malformed.peer.ip(), malformed.code);
    }

    /// The read side: every port of `domain::ports` but `Hosts` and `Chance`; the registry is `reads().registry()`.
    pub fn reads(&self) -> Arc<Reads> {
        Arc::clone(self.shared.store.reads())
    }

    /// Differences between the configuration and the registry, which the configuration does not change any more.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The name of this run, as its entries have it.
    pub fn boot(&self) -> &str {
        &self.shared.boot
    }

    /// The pseudonym under which a person stands in entries.
    pub fn pseudonym(&self, person: &PersonId) -> String {
        self.shared.names.pseudonym(person)
    }

    /// Changes after each commit; the value itself means nothing.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.shared.store.commits()
    }

    /// Whether the ledger can write, as far as is known.
    pub fn is_sound(&self) -> bool {
        self.shared.store.failed().borrow().is_none()
    }

    /// Comes back, with the reason, once the writer has stopped for good: the process is to exit.
    pub async fn failed(&self) -> String {
        let mut failed = self.shared.store.failed();
        match failed.wait_for(Option::is_some).await {
            Ok(reason) => reason.clone().unwrap_or_default(),
            Err(_) => "the writer has stopped".to_owned(),
        }
    }

    /// Enters what was counted and the stop, writes what waits, and stops. Blocks. The second call does nothing.
    pub fn close_down(&self) {
        if self.closed.swap(true, Ordering::AcqRel) {
            return;
        }
        self.keeper.stop();
        let stop: Vec<Unit> = [self.shared.malformed.unit(), Some(load::stopped())].into_iter().flatten().collect();
        for result in self.shared.store.commit(stop) {
            if let Err(down) = result {
                tracing::error!(reason = %down, "the stop was not entered");
            }
        }
        outcome::retry(&self.shared);
        self.shared.store.close();
        self.shared.keyring.close();
        keeper::mark_high_water(&self.shared);
    }
}

#[cfg(test)]
mod tests;
