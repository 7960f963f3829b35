//! The store: the one place that writes. Everything that changes goes through [`Store::submit`] as a [`Unit`].
//!
//! A unit is conditions, changes and an entry. Units that wait together are committed together, in one transaction on
//! one connection, with one `fsync`; each unit succeeds or is refused alone. Its conditions are read before anything of
//! it is written, and after everything of the units before it. Spending an approval and appending the entry are thereby
//! one fact. What a unit is told is durable when it is told.
//!
//! # When it fails
//!
//! - The disk is full, the database is busy: the batch fails as a whole, nothing of it is written, and the writer goes on.
//! - Anything that says that the disk cannot be trusted (a failed `fsync`, a malformed page): the writer stops for good and
//!   says so by [`Store::failed`]. The process is to exit; the next start recovers from what is on the disk.
//!
//! SQLite is the home that exists. Another home implements the same commit under its own lock of the log's head.

use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;

use crate::domain::account::{Account, AccountId, AccountState, OrganisationId};
use crate::domain::approval::{Approval, ApprovalId, Ticket, TicketId, TicketState};
use crate::domain::container::{Container, KnownContainer};
use crate::domain::credential::SealedCredential;
use crate::domain::digest::Digest;
use crate::domain::dossier::Learned;
use crate::domain::embargo::{Embargo, EmbargoId};
use crate::domain::emergency::{AfterReportId, Emergency, EmergencyId};
use crate::domain::finding::Acceptance;
use crate::domain::incident::{Flame, Incident, IncidentId};
use crate::domain::kept::SealedKept;
use crate::domain::person::{Client, ClientId, Person, PersonId};
use crate::domain::registry::{PositionId, Written};

mod awake;
mod change;
pub mod closed;
mod condition;
mod containers;
mod failure;
pub mod fields;
mod fresh;
mod incidents;
pub mod kept;
pub mod keyring;
mod queue;
pub mod reads;
pub mod records;
pub mod registry;
mod reports;
pub mod sqlite;
mod write_ahead;
mod writer;

pub use condition::Condition;
pub use fields::Fields;
pub use queue::UnderWay;
pub use writer::Store;

/// A log's name: an organisation's id, or [`GATEWAY_LOG`](crate::domain::account::GATEWAY_LOG).
pub type Log = Arc<str>;

/// The store cannot write or read now. The text is for the log, not for a client.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct StoreDown(pub String);

/// One thing that happens or is refused, with its entry.
#[derive(Debug)]
pub struct Unit {
    /// The log it is entered in.
    pub log: Log,
    /// What must hold. Read in the transaction, before anything of this unit is written.
    pub conditions: Vec<Condition>,
    /// What changes if they hold.
    pub changes: Vec<Change>,
    /// The entry if they hold.
    pub entry: Draft,
    /// The entry if they do not; it gets the failed condition's code. None: that is no event, nothing is entered.
    pub entry_if_refused: Option<Draft>,
    /// After this moment nobody waits any more, and the unit is not begun.
    pub deadline: Option<Instant>,
    /// Nobody waits for it: it may stay in memory for [`LINGER`] to share the commit of another unit.
    pub lingers: bool,
}

/// How long a unit that nobody waits for stays in memory, at most, but for the time that a checkpoint takes.
pub const LINGER: std::time::Duration = std::time::Duration::from_millis(5);

impl Unit {
    /// A unit that is no more than an entry.
    pub fn entry(log: Log, entry: Draft) -> Self {
        Self {
            log,
            conditions: Vec::new(),
            changes: Vec::new(),
            entry,
            entry_if_refused: None,
            deadline: None,
            lingers: false,
        }
    }
}

/// An entry that has no place yet. The sequence gives it log, index and time.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// Its kind: `permit`, `refusal`, `outcome`, `act`, ...
    pub kind: &'static str,
    /// Fields that it shares with its other ending.
    pub fields: Arc<Fields>,
    /// Fields of this ending alone.
    pub more: Fields,
    /// What it commits to.
    pub sealed: Option<Arc<Sealed>>,
}

/// A payload, sealed with a record key of its own.
#[derive(Debug)]
pub struct Sealed {
    /// The key's number in the key database; durable before this value exists.
    pub key: i64,
    /// Nonce, ciphertext, tag.
    pub bytes: Vec<u8>,
}

/// What a unit came to. Durable.
#[derive(Clone, Debug)]
pub struct Committed {
    /// The log.
    pub log: Log,
    /// The entry's index in it.
    pub index: u64,
    /// The entry's time.
    pub at: Timestamp,
    /// The code of the condition that did not hold.
    pub refused: Option<&'static str>,
    /// The ticket that was opened or joined.
    pub ticket: Option<TicketId>,
}

/// Lets the posts' own threads go first where this one and they want the same processor. For threads that make ahead what
/// posts need.
pub(crate) fn yield_to_posts() {
    // Where it is not allowed, all threads are alike, as they were.
    let _ = rustix::process::nice(10);
}

/// What happens when a unit is durable or has failed. Runs on the writer's thread: short, never blocking.
pub type Then = Box<dyn FnOnce(Result<Committed, StoreDown>) + Send>;

/// Whether a retry key is used for the first time, as far as the provider knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tried {
    /// A post of its own, whose time counts from here.
    First,
    /// The same once more.
    Again,
}

/// What changes.
#[derive(Debug)]
pub enum Change {
    /// An approval becomes known; one that is known stays as it is.
    Deposit(Box<Approval>),
    /// The next free use of an approval is spent by this unit's entry.
    Spend(ApprovalId),
    /// An approval is revoked.
    Revoke(ApprovalId),
    /// No approval that begins before this moment is good any more (a restored backup may have forgotten its use).
    Epoch,
    /// A post is held: joins the ticket that waits for the same, or opens this one.
    Hold(Box<Ticket>),
    /// The request of a post that is held is kept with its ticket.
    Keep(Box<Ticket>, Box<SealedKept>),
    /// This unit's entry releases what was kept of a ticket.
    Release(TicketId),
    /// What nobody can release any more is dropped.
    DropKept(Timestamp),
    /// A ticket is settled.
    Settle(TicketId, TicketState),
    /// An emergency is declared.
    Declare(Box<Emergency>),
    /// It ends now.
    EndEmergency(EmergencyId),
    /// A report on this unit's entry is owed.
    OweReport {
        /// Its id.
        id: AfterReportId,
        /// The body.
        organisation: OrganisationId,
        /// The account.
        account: AccountId,
        /// The exemption used.
        exemption: &'static str,
        /// When it is due.
        due: Timestamp,
    },
    /// It was made, now.
    MakeReport(AfterReportId),
    /// It was reminded of, up to this stage.
    Remind(AfterReportId, u8),
    /// This unit's entry waits for an outcome.
    Open,
    /// The entry's outcome is this unit's entry.
    Close(u64, &'static str),
    /// The client may send this again under this key while the entry's outcome is unknown, and the provider knows the key.
    Retry(ClientId, String, Digest, Tried),
    /// Something was learned from a provider's answer.
    Learned(Learned),
    /// A container was made under this entry of this unit's log.
    Contain(u64, Box<Container>),
    /// This unit's entry publishes a container.
    PublishContainer(Box<KnownContainer>),
    /// Something enters the register of what is closed.
    Embargo(Box<Embargo>),
    /// It is open from now on.
    LiftEmbargo(EmbargoId),
    /// A finding is accepted by this unit's entry.
    Accept(Box<Acceptance>),
    /// A post of the account exists under this id; it was published under that entry of this unit's log.
    Published(u64, AccountId, String),
    /// A ticket is settled once as many different people as this have approved its content.
    SettleJointly(TicketId, u32),
    /// What happens to an incident, or to an account in trouble.
    Incident(Box<IncidentChange>),
    /// A body enters the registry.
    Organisation(OrganisationId, String),
    /// An account enters the registry or changes.
    Account(Box<Account>),
    /// An account's state changes.
    AccountState(AccountId, AccountState),
    /// A person brings an account's credential: its first, a new one, or one after a lock.
    Credential(Box<SealedCredential>),
    /// An account's credential is locked; without one, nothing happens.
    LockCredential(AccountId),
    /// A person enters the registry or changes.
    Person(Box<Person>),
    /// A posting tool enters the registry or changes.
    Client(Box<Client>),
    /// A change of a body's registry, as it was decided.
    Registry(Box<RegistryChange>),
}

/// What happens to an incident, or to an account in trouble.
#[derive(Debug)]
pub enum IncidentChange {
    /// This unit's entry opens it.
    Open(Incident),
    /// An office instructs.
    Instruct {
        /// Which.
        id: IncidentId,
        /// Its account.
        account: AccountId,
        /// The words.
        text: String,
        /// Whether the account is held from now on.
        hold: bool,
    },
    /// An office acknowledges; with the last of them the hold ends.
    Acknowledge {
        /// Which.
        id: IncidentId,
        /// Its account.
        account: AccountId,
        /// The office.
        office: PositionId,
        /// Who acts for it.
        by: PersonId,
        /// All offices that have to.
        offices: Vec<PositionId>,
    },
    /// It is over, and so is its hold.
    Close {
        /// Which.
        id: IncidentId,
        /// Its account.
        account: AccountId,
    },
    /// This unit's entry puts it right on this account.
    Correct {
        /// Which.
        id: IncidentId,
        /// The account.
        account: AccountId,
    },
    /// The account is in a flood of criticism, or not any more.
    Flame(AccountId, Option<Flame>),
}

/// A change of a body's registry.
#[derive(Debug)]
pub struct RegistryChange {
    /// The body.
    pub organisation: OrganisationId,
    /// The change, by name.
    pub act: &'static str,
    /// Who asked for it; none: the gateway itself, at the first load.
    pub by: Option<PersonId>,
    /// What is written.
    pub written: Written,
}

impl IncidentChange {
    /// Whether it may change the account itself.
    fn touches_account(&self) -> bool {
        !matches!(self, Self::Open(_) | Self::Correct { .. })
    }
}

impl Change {
    /// The body for which something more is closed.
    fn closes(&self) -> Option<&OrganisationId> {
        if let Self::Embargo(new) = self { Some(&new.organisation) } else { None }
    }

    /// Whether the registers of what is closed must be read anew.
    fn touches_register(&self) -> bool {
        matches!(self, Self::Embargo(_) | Self::LiftEmbargo(_))
    }

    /// Whether the registry in memory must be read anew.
    fn touches_registry(&self) -> bool {
        matches!(
            self,
            Self::Organisation(..)
                | Self::Account(_)
                | Self::AccountState(..)
                | Self::Credential(_)
                | Self::LockCredential(_)
                | Self::Learned(Learned::Credential(_))
                | Self::Person(_)
                | Self::Client(_)
                | Self::Registry(_)
        ) || matches!(self, Self::Incident(change) if change.touches_account())
    }
}

/// A tree head as it is stored.
#[derive(Clone, Debug)]
pub struct Head {
    /// The log's number.
    pub number: i64,
    /// The log.
    pub log: Log,
    /// How many entries it has.
    pub size: u64,
    /// The last entry's time, in microseconds since 1970.
    pub at: i64,
    /// Roots of the perfect subtrees, largest first.
    pub frontier: Vec<u8>,
    /// The signed checkpoint.
    pub note: String,
    /// Tiles that became full: level, number, hashes.
    pub tiles: Vec<(u8, u64, Vec<u8>)>,
}

/// Where an entry was placed.
#[derive(Debug)]
pub struct Placed {
    /// The log's number.
    pub number: i64,
    /// Its index.
    pub index: u64,
    /// Its bytes.
    pub leaf: Vec<u8>,
    /// Their RFC 6962 leaf hash.
    pub hash: [u8; 32],
}

/// What only the writer knows of an entry.
#[derive(Clone, Copy, Debug)]
pub struct Late<'a> {
    /// The entry's time: the later of the clock and the last entry, in whole microseconds.
    pub at: Timestamp,
    /// What the clock said, where that is more than a second earlier.
    pub clock: Option<Timestamp>,
    /// The failed condition's code.
    pub code: Option<&'static str>,
    /// Which use of its approval the entry spends.
    pub use_number: Option<u32>,
    /// The ticket that was opened or joined.
    pub ticket: Option<&'a str>,
}

/// What a sequence reads when it resumes.
pub trait Stored {
    /// The heads of all logs.
    fn heads(&self) -> Result<Vec<Head>, StoreDown>;
    /// Leaf hashes of a log from `from` on, at most 256.
    fn hashes(&self, number: i64, from: u64) -> Result<Vec<[u8; 32]>, StoreDown>;
    /// A full tile.
    fn tile(&self, number: i64, level: u8, n: u64) -> Result<Vec<u8>, StoreDown>;
}

/// Gives entries their order: index, leaf, tree, checkpoint. The ledger implements it; the writer calls it inside the
/// transaction and makes durable what it returns.
pub trait Sequence: Send {
    /// Takes up the state that is stored; also after a batch that failed, since its memory may be ahead of the disk.
    fn resume(&mut self, stored: &dyn Stored) -> Result<(), StoreDown>;
    /// The number of a log, once it has an entry.
    fn number(&self, log: &str) -> Option<i64>;
    /// Gives a draft the next place in its log.
    fn place(&mut self, log: &Log, draft: &Draft, late: Late<'_>) -> Result<Placed, StoreDown>;
    /// The new, signed head of each log that was placed in since the last call.
    fn seal(&mut self, at: Timestamp) -> Result<Vec<Head>, StoreDown>;
}

/// Bits of an entry's id that hold its index.
const INDEX_BITS: u32 = 40;

/// The key of an entry: its log's number and its index in one integer.
fn entry_id(number: i64, index: u64) -> i64 {
    (number << INDEX_BITS) | i64::try_from(index).unwrap_or(i64::MAX >> 1)
}

/// The index in an entry's key.
fn index_of(id: i64) -> u64 {
    (id & ((1 << INDEX_BITS) - 1)).unsigned_abs()
}
