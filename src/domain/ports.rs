//! Read-only look-ups that stages need. `store` implements them; the gate hands them in. Every one fails closed:
//! `Unavailable` is a refusal, never "not found".

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use jiff::Timestamp;

use super::account::{Account, AccountId, OrganisationId, ProviderId};
use super::action::Action;
use super::approval::{ApprovalId, KnownApproval, Ticket, TicketId};
use super::clock::in_japan;
use super::container::KnownContainer;
use super::digest::Digest;
use super::embargo::{Embargo, Register};
use super::emergency::{AfterReport, Emergency};
use super::fetch::{Errand, Fetched, MediaKind, Unfetched};
use super::media::{MediaRecord, Segment};
use super::outbound::Spool;
use super::person::{Client, ClientId, Person, PersonId};
use super::registry::{Book, Holding, SectionId, Standing};

/// The store cannot answer now. The text is for the log, not for a client.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the store cannot answer: {0}")]
pub struct Unavailable(pub String);

/// The registry: organisations, accounts, people, clients. Kept in memory, changed only through the store.
pub trait Registry: Send + Sync {
    /// The client whose key has this SHA-256 (hex).
    fn client_by_key(&self, key_sha256: &str) -> Option<Arc<Client>>;
    /// The one client that is known by this address; none if there is no such client, or more than one.
    fn client_by_source(&self, _source: std::net::IpAddr) -> Option<Arc<Client>> {
        None
    }
    /// The client of that name.
    fn client(&self, id: &ClientId) -> Option<Arc<Client>>;
    /// The account of that name.
    fn account(&self, id: &AccountId) -> Option<Arc<Account>>;
    /// The account at `provider` that is known by a credential with this SHA-256 (hex).
    fn account_by_fingerprint(&self, provider: &ProviderId, fingerprint: &str) -> Option<Arc<Account>>;
    /// All accounts, by id.
    fn accounts(&self) -> Vec<Arc<Account>>;
    /// The person of that name.
    fn person(&self, id: &PersonId) -> Option<Arc<Person>>;
    /// The person whose console key has this SHA-256 (hex).
    fn person_by_key(&self, key_sha256: &str) -> Option<Arc<Person>>;
    /// The organisations.
    fn organisations(&self) -> Vec<OrganisationId>;
    /// A body's registry as of the last change; none: there is no such body.
    fn book(&self, _organisation: &OrganisationId) -> Option<Arc<Book>> {
        None
    }
    /// How an account stands at that moment, with what its body's registry says of manager, delegations, grants, policy,
    /// provider, sources and contractors. None: there is no such account, and nothing may be posted to it.
    fn standing(&self, account: &AccountId, now: Timestamp) -> Option<Arc<Standing>> {
        self.book(&self.account(account)?.organisation)?.standing(account, now).map(Arc::new)
    }
    /// What a person is in the own body at that moment.
    fn holding(&self, person: &PersonId, now: Timestamp) -> Arc<Holding> {
        let book = self.person(person).and_then(|known| self.book(&known.organisation));
        book.map(|book| Arc::new(book.holding(person, in_japan(now).date()))).unwrap_or_default()
    }
    /// The sections of a body, by name; none: it keeps no list of them.
    fn sections(&self, organisation: &OrganisationId) -> Arc<[SectionId]> {
        self.book(organisation).map(|book| book.sections.keys().cloned().collect()).unwrap_or_default()
    }
}

/// Something of the registry as a change left it.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Past {
    /// The kind of record; `sns-account` and `person` for accounts and people themselves.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// The change, by name.
    pub act: String,
    /// Who asked for it; none: the gateway itself.
    pub by: Option<PersonId>,
    /// When.
    pub at: Timestamp,
    /// The index of the entry that records it, in the log that it stands in.
    pub entry: u64,
    /// What it was from then on.
    pub record: serde_json::Value,
}

/// What the registry was.
pub trait RegistryPast: Send + Sync {
    /// The changes of a body's registry, newest first, at most 1,000; of one record by kind and id, or of all.
    fn past(&self, organisation: &OrganisationId, of: Option<(&str, &str)>) -> Result<Vec<Past>, Unavailable>;
}

/// Approvals and tickets.
pub trait Approvals: Send + Sync {
    /// The approval of that name.
    fn approval(&self, id: &ApprovalId) -> Result<Option<KnownApproval>, Unavailable>;
    /// An approval for this account, action and digest that can still be used at `now`: the one that expires first, of
    /// those that `except` did not give; one that `except` gave only where there is no other.
    fn usable(
        &self,
        account: &AccountId,
        action: Action,
        digest: &Digest,
        now: Timestamp,
        except: Option<&PersonId>,
    ) -> Result<Option<KnownApproval>, Unavailable>;
    /// Every approval for this account, action and digest that can still be used at `now`, the one that expires first
    /// first: a joint approval consists of several.
    fn usable_all(
        &self,
        _account: &AccountId,
        _action: Action,
        _digest: &Digest,
        _now: Timestamp,
    ) -> Result<Vec<KnownApproval>, Unavailable> {
        Ok(Vec::new())
    }
    /// The ticket of that id.
    fn ticket(&self, id: &TicketId) -> Result<Option<Ticket>, Unavailable>;
    /// The ticket that this client's post already waits under.
    fn waiting(
        &self,
        client: &ClientId,
        account: &AccountId,
        action: Action,
        digest: &Digest,
    ) -> Result<Option<Ticket>, Unavailable>;
    /// Tickets of a body, newest first.
    fn tickets(&self, organisation: &OrganisationId) -> Result<Vec<Ticket>, Unavailable>;
}

/// Media and chunked uploads that went through the gate, and posts it saw published.
pub trait MediaBook: Send + Sync {
    /// What is known of a medium.
    fn media(&self, provider: &ProviderId, id: &str) -> Result<Option<MediaRecord>, Unavailable>;
    /// The parts of a session that the provider took, in order of number.
    fn segments(&self, provider: &ProviderId, session: &str) -> Result<Vec<Segment>, Unavailable>;
    /// What is known of a container.
    fn container(&self, provider: &ProviderId, id: &str) -> Result<Option<KnownContainer>, Unavailable>;
    /// Whether the gate saw this account publish a post of this id.
    fn is_own_post(&self, account: &AccountId, id: &str) -> Result<bool, Unavailable>;
}

/// Declarations and after-reports.
pub trait Emergencies: Send + Sync {
    /// The declaration that opens this account at `now`.
    fn open(&self, account: &AccountId, now: Timestamp) -> Result<Option<Emergency>, Unavailable>;
    /// Declarations of a body, newest first.
    fn emergencies(&self, organisation: &OrganisationId) -> Result<Vec<Emergency>, Unavailable>;
    /// After-reports of a body, the earliest due first.
    fn after_reports(&self, organisation: &OrganisationId) -> Result<Vec<AfterReport>, Unavailable>;
    /// Whether the account owes an after-report that was due at `now` or before.
    fn overdue(&self, account: &AccountId, now: Timestamp) -> Result<bool, Unavailable>;
}

/// What a body keeps closed.
pub trait Embargoes: Send + Sync {
    /// The body's register in memory, as of the last change; none: nothing was ever closed.
    fn register(&self, organisation: &OrganisationId) -> Option<Arc<Register>>;
    /// The whole register of a body, the latest end first.
    fn embargoes(&self, organisation: &OrganisationId) -> Result<Vec<Embargo>, Unavailable>;
}

/// Findings that a person has accepted.
pub trait Acceptances: Send + Sync {
    /// The fingerprints that were accepted for this content and account under these rules.
    fn accepted(&self, account: &AccountId, digest: &Digest, rules: &str) -> Result<Vec<String>, Unavailable>;
}

/// Requests that a client may send again under the same retry key (LINE, Mastodon).
pub trait Retries: Send + Sync {
    /// The log index of the entry that this client made with this key and digest, while its outcome is unknown and the key
    /// was first used not before `since`.
    fn retryable(
        &self,
        client: &ClientId,
        key: &str,
        digest: &Digest,
        since: Timestamp,
    ) -> Result<Option<u64>, Unavailable>;
}

/// Which hosts are providers'.
pub trait Hosts: Send + Sync {
    /// Whether some definition names this host (lower case, no port).
    fn is_provider_host(&self, host: &str) -> bool;
    /// The default host of the provider with this short name.
    fn default_host(&self, provider: &str) -> Option<String>;
    /// Whether the definition of that short name names this host.
    fn is_host_of(&self, provider: &str, host: &str) -> bool;
    /// Every host pattern, for the intermediate's name constraints: `api.x.com`, `.host.bsky.network`.
    fn host_patterns(&self) -> Vec<String>;
}

/// Chance, handed in so that scenes can be replayed.
pub trait Chance: Send + Sync {
    /// A new id that sorts by time (UUIDv7).
    fn id(&self, now: Timestamp) -> String;
}

/// Fetches what somebody else's words name: a medium, a page, the end of a way. A look at something is no step of the
/// road: nothing of a post or of a credential leaves by it.
pub trait Fetch: Send + Sync {
    /// Fetches once, within the limits that it was made with.
    fn fetch(&self, errand: Errand) -> Pin<Box<dyn Future<Output = Result<Fetched, Unfetched>> + Send + '_>>;
}

/// Where the gateway keeps media that were named by URL, each under an address of its own that never shows anything else.
pub trait Shelf: Send + Sync {
    /// Keeps a medium, and says by which address a provider gets it. The same bytes have the same address.
    fn keep(
        &self,
        medium: Spool,
        kind: MediaKind,
    ) -> Pin<Box<dyn Future<Output = Result<String, Unavailable>> + Send + '_>>;
}
