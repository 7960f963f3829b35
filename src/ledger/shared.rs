//! What every part of the ledger holds on to.

use std::sync::{Arc, Mutex};

use jiff::Timestamp;

use super::entry::Names;
use super::malformed::Tally;
use super::outcome::Ending;
use crate::domain::account::{GATEWAY_LOG, OrganisationId};
use crate::domain::clock::Clock;
use crate::domain::ports::Chance;
use crate::store::keyring::Keyring;
use crate::store::{Log, Store};

/// The open ledger's parts.
pub(super) struct Shared {
    pub(super) config: crate::config::ledger::Ledger,
    pub(super) emergency: crate::config::emergency::Emergency,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) chance: Arc<dyn Chance>,
    pub(super) store: Store,
    pub(super) keyring: Keyring,
    pub(super) names: Names,
    pub(super) boot: String,
    pub(super) malformed: Tally,
    /// Outcomes that could not be written yet.
    pub(super) unrecorded: Mutex<Vec<Ending>>,
}

impl Shared {
    /// The log of a body; the gateway's own where there is none.
    pub(super) fn log_of(&self, organisation: Option<&OrganisationId>) -> Log {
        Log::from(organisation.map_or(GATEWAY_LOG, OrganisationId::as_str))
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(super) fn new_id(&self, now: Timestamp) -> String {
        self.chance.id(now)
    }
}
