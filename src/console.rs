//! The console port: the API that people, the command line and the security team use, with health and metrics.
//!
//! Every act goes through the ledger (`Acts`), which decides it in the store and records it, refusals too; nothing is
//! decided here but who calls and which body's objects that person may see.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::approve::signed::Issuers;
use crate::domain::account::OrganisationId;
use crate::domain::approval::TicketId;
use crate::domain::clock::Clock;
use crate::domain::credential::Custody;
use crate::domain::finding::Report;
use crate::domain::incident::{Channel, Incident, IncidentId, Incidents as _};
use crate::domain::kept::Releases;
use crate::domain::link::Links;
use crate::domain::person::PersonId;
use crate::domain::ports::{Approvals, Chance, Embargoes, Emergencies, Registry, RegistryPast, Unavailable};
use crate::domain::post::Post;
use crate::ledger::entry::Payload;
use crate::ledger::{Act, ActError, EntryRef, Ledger};
use crate::stream::Log;

mod accounts;
mod answer;
mod approvals;
mod by_hand;
pub mod caller;
mod clients;
mod drafts;
mod embargoes;
mod emergencies;
mod incidents;
mod ledger;
mod links;
mod media;
mod openapi;
mod registry;
mod release;
mod serve;
mod status;
mod tickets;

pub use serve::serve;

/// Does and records an act. `Ledger` implements it.
pub trait Acts: Send + Sync + 'static {
    /// Records and does a console act, by the person who asks for it.
    fn act(&self, by: PersonId, act: Act) -> Pin<Box<dyn Future<Output = Result<EntryRef, ActError>> + Send + '_>>;
}

impl Acts for Ledger {
    fn act(&self, by: PersonId, act: Act) -> Pin<Box<dyn Future<Output = Result<EntryRef, ActError>> + Send + '_>> {
        Box::pin(Self::act(self, by, act))
    }
}

/// Opens held posts for the people who decide of them. `Ledger` implements it.
pub trait HeldPosts: Send + Sync + 'static {
    /// What was sealed when this ticket's post was held; none: it can no longer be read.
    fn held(&self, ticket: &TicketId) -> Result<Option<Payload>, Unavailable>;
}

impl HeldPosts for Ledger {
    fn held(&self, ticket: &TicketId) -> Result<Option<Payload>, Unavailable> {
        Self::held(self, ticket).map_err(|down| Unavailable(down.0))
    }
}

/// Incidents, and what the ledger knows of wrong posts. `Ledger` implements it.
pub trait WrongPosts: Send + Sync + 'static {
    /// The incidents of a body, newest first.
    fn incidents(&self, organisation: &OrganisationId) -> Result<Vec<Incident>, Unavailable>;
    /// One of them.
    fn incident(&self, id: &IncidentId) -> Result<Option<Incident>, Unavailable>;
    /// Where its wrong post went; none: nobody can say.
    fn channels(&self, incident: &Incident) -> Result<Option<Vec<Channel>>, Unavailable>;
    /// Permissions of a body that carry a mark, from an index on, and where to go on.
    fn marked(
        &self,
        organisation: &OrganisationId,
        mark: &str,
        from: u64,
    ) -> Result<(Vec<String>, Option<u64>), Unavailable>;
}

impl WrongPosts for Ledger {
    fn incidents(&self, organisation: &OrganisationId) -> Result<Vec<Incident>, Unavailable> {
        self.reads().incidents(organisation)
    }
    fn incident(&self, id: &IncidentId) -> Result<Option<Incident>, Unavailable> {
        self.reads().incident(id)
    }
    fn channels(&self, incident: &Incident) -> Result<Option<Vec<Channel>>, Unavailable> {
        Self::channels(self, incident).map_err(|down| Unavailable(down.0))
    }
    fn marked(
        &self,
        organisation: &OrganisationId,
        mark: &str,
        from: u64,
    ) -> Result<(Vec<String>, Option<u64>), Unavailable> {
        let found = self.logbook().marked(organisation.as_str(), mark, from).map_err(|down| Unavailable(down.0));
        found.map(|(entries, next)| (entries.into_iter().map(|entry| entry.leaf).collect(), next))
    }
}

/// Makes a copy of a medium without metadata; the error is a sentence.
pub type Strip = dyn Fn(&[u8]) -> Result<Vec<u8>, String> + Send + Sync;

/// Inspects a body's draft: the rules in force, and what the body keeps closed.
pub type Inspection = dyn Fn(&OrganisationId, &Post) -> Report + Send + Sync;

/// What the console works with.
#[derive(Clone)]
pub struct ConsoleState {
    /// The console's own settings.
    pub config: crate::config::console::Console,
    /// Lengths of declarations.
    pub emergency: crate::config::emergency::Emergency,
    /// Longest life of an approval that is given here, in seconds.
    pub approval_max_life_s: u64,
    /// People, accounts, bodies.
    pub registry: Arc<dyn Registry>,
    /// What the registry was.
    pub past: Arc<dyn RegistryPast>,
    /// Approvals and tickets.
    pub approvals: Arc<dyn Approvals>,
    /// The posts of tickets.
    pub held: Arc<dyn HeldPosts>,
    /// Sends what was kept of approved tickets: the gate.
    pub releases: Arc<dyn Releases>,
    /// Incidents.
    pub wrong_posts: Arc<dyn WrongPosts>,
    /// Declarations and after-reports.
    pub emergencies: Arc<dyn Emergencies>,
    /// What is closed until a minute.
    pub embargoes: Arc<dyn Embargoes>,
    /// The logs.
    pub log: Arc<dyn Log>,
    /// Where acts are done: the ledger.
    pub acts: Arc<dyn Acts>,
    /// Who may sign approvals.
    pub issuers: Arc<Issuers>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes ids.
    pub chance: Arc<dyn Chance>,
    /// Whether the gateway takes posts.
    pub ready: watch::Receiver<bool>,
    /// Renders the metrics (`observe::Metrics::render`).
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
    /// The key of this machine's own command line.
    pub local_key: Arc<caller::LocalKey>,
    /// The provider credentials that the gateway holds.
    pub custody: Arc<dyn Custody>,
    /// Days before a credential must have been changed on which a warning begins.
    pub warn_days: u32,
    /// The proxy auto-configuration for posting tools.
    pub pac: Arc<str>,
    /// What the inspector says of a body's draft.
    pub inspection: Arc<Inspection>,
    /// Finds the links of held posts and where they lead.
    pub links: Arc<dyn Links>,
    /// For how long what was found is kept with a ticket, in seconds.
    pub links_keep_s: u64,
    /// A copy of a medium without metadata, or a sentence why there is none.
    pub strip: Arc<Strip>,
    /// Ends streams when the gateway stops.
    pub stop: CancellationToken,
}

/// State as the handlers share it.
pub(crate) struct Desk {
    state: ConsoleState,
    failures: caller::Failures,
    kept_links: links::Kept,
}

impl std::ops::Deref for Desk {
    type Target = ConsoleState;
    fn deref(&self) -> &ConsoleState {
        &self.state
    }
}

/// All routes of the console port.
pub fn router(state: ConsoleState) -> Router {
    let limit = DefaultBodyLimit::max(state.config.body_bytes);
    let desk = Arc::new(Desk { state, failures: caller::Failures::default(), kept_links: links::Kept::default() });
    Router::new()
        .route("/", get(status::front))
        .route("/healthz", get(status::health))
        .route("/readyz", get(status::ready))
        .route("/metrics", get(status::metrics))
        .route("/proxy.pac", get(status::pac))
        .route("/api/v1/openapi.json", get(openapi::document))
        .route("/api/v1/clients", post(clients::import))
        .route("/api/v1/tickets", get(tickets::list))
        .route("/api/v1/tickets/{id}", get(tickets::one))
        .route("/api/v1/tickets/{id}/approve", post(tickets::approve))
        .route("/api/v1/tickets/{id}/return", post(tickets::send_back))
        .route("/api/v1/tickets/{id}/reject", post(tickets::reject))
        .route("/api/v1/tickets/{id}/links", post(links::again))
        .route("/api/v1/tickets/{id}/accept", post(tickets::accept))
        .route("/api/v1/tickets/{id}/release", post(release::release))
        .route("/api/v1/embargoes", get(embargoes::list).post(embargoes::add))
        .route("/api/v1/embargoes/{id}/lift", post(embargoes::lift))
        .route("/api/v1/incidents", get(incidents::list))
        .route("/api/v1/incidents/{id}", get(incidents::one))
        .route("/api/v1/incidents/{id}/instruct", post(incidents::instruct))
        .route("/api/v1/incidents/{id}/acknowledge", post(incidents::acknowledge))
        .route("/api/v1/incidents/{id}/close", post(incidents::close))
        .route("/api/v1/accounts/{id}/flame", post(incidents::flame))
        .route("/api/v1/accounts/{id}/flame/end", post(incidents::end_flame))
        .route("/api/v1/ledger/marked", get(ledger::marked))
        .route("/api/v1/approvals", get(approvals::usable).post(approvals::deposit))
        .route("/api/v1/approvals/{id}", get(approvals::one))
        .route("/api/v1/approvals/{id}/revoke", post(approvals::revoke))
        .route("/api/v1/emergencies", get(emergencies::list).post(emergencies::declare))
        .route("/api/v1/emergencies/{id}/end", post(emergencies::end))
        .route("/api/v1/after-reports", get(emergencies::after_reports))
        .route("/api/v1/after-reports/{id}/report", post(emergencies::report))
        .route("/api/v1/inspect", post(drafts::inspect))
        .route("/api/v1/media/strip", post(media::strip).layer(DefaultBodyLimit::max(media::LONGEST)))
        .route("/api/v1/by-hand/{entry}", post(by_hand::record))
        .route("/api/v1/accounts", get(accounts::list))
        .route("/api/v1/accounts.json", get(accounts::public))
        .route("/api/v1/accounts/{id}/lock", post(accounts::lock))
        .route("/api/v1/accounts/{id}/unlock", post(accounts::unlock))
        .route("/api/v1/accounts/{id}/credential", post(accounts::credential))
        .route("/api/v1/accounts/{id}/credential/lock", post(accounts::lock_credential))
        .route("/api/v1/registry", get(registry::overview))
        .route("/api/v1/registry/records", get(registry::records))
        .route("/api/v1/registry/history", get(registry::history))
        .route("/api/v1/registry/standing/{id}", get(registry::standing))
        .route("/api/v1/registry/changes", post(registry::change))
        .route("/api/v1/registry/transfers", post(registry::transfers))
        .route("/api/v1/ledger/entries", get(ledger::entries))
        .route("/api/v1/ledger/stream", get(ledger::stream))
        .route("/api/v1/ledger/checkpoint", get(ledger::checkpoint))
        .fallback(status::nothing)
        .method_not_allowed_fallback(status::not_this_way)
        .layer(limit)
        .layer(axum::middleware::map_response(answer::as_problem))
        .with_state(desk)
}

#[cfg(test)]
pub(crate) mod stage;
#[cfg(test)]
mod tests;
