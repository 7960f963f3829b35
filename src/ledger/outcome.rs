//! Outcomes: how a permission ended. One piece of code for the forwarder's word, for silence, and for a restart.

use std::sync::{Arc, PoisonError};

use tokio::sync::oneshot;

use super::shared::Shared;
use super::{EntryRef, LedgerDown, entry};
use crate::domain::dossier::{Learned, Outcome};
use crate::store::{Change, Condition, Draft, Log, Unit};

/// How an entry ended, and what was learned.
#[derive(Clone, Debug)]
pub(super) struct Ending {
    log: Log,
    of: u64,
    outcome: Outcome,
    learned: Vec<Learned>,
}

impl Ending {
    pub(super) fn new(log: &Log, of: u64, outcome: Outcome, learned: Vec<Learned>) -> Self {
        Self { log: Arc::clone(log), of, outcome, learned }
    }

    /// The unit: only an entry that is open is closed, and only once.
    pub(super) fn unit(&self) -> Unit {
        let mut changes = vec![Change::Close(self.of, self.outcome.as_str())];
        changes.extend(self.learned.iter().cloned().map(|learned| match learned {
            Learned::Container(made) => Change::Contain(self.of, made),
            Learned::Published { account, id } => Change::Published(self.of, account, id),
            learned => Change::Learned(learned),
        }));
        let fields = Arc::new(entry::of_outcome(self.of, &self.outcome));
        Unit {
            conditions: vec![Condition::EntryOpen(self.of)],
            changes,
            ..Unit::entry(Arc::clone(&self.log), Draft { kind: "outcome", fields, ..Draft::default() })
        }
    }
}

/// Records an ending; `tell` learns when it is durable. Without it nobody waits, and the ending may share the commit of
/// another unit. What cannot be written now is kept for [`retry`].
pub(super) fn record(
    shared: &Arc<Shared>,
    ending: Ending,
    tell: Option<oneshot::Sender<Result<EntryRef, LedgerDown>>>,
) {
    let unit = Unit { lingers: tell.is_none(), ..ending.unit() };
    let keep = Arc::clone(shared);
    let then = move |result: Result<crate::store::Committed, _>| {
        if result.is_err() {
            keep.unrecorded.lock().unwrap_or_else(PoisonError::into_inner).push(ending);
        }
        if let Some(tell) = tell {
            // Whoever asked may have gone; the outcome is recorded all the same.
            drop(tell.send(result.map(|done| EntryRef::Index(done.index)).map_err(LedgerDown::from)));
        }
    };
    shared.store.submit(unit, Box::new(then));
}

/// Tries again what could not be written. Blocks until each is durable or has failed again.
pub(super) fn retry(shared: &Arc<Shared>) {
    let endings = std::mem::take(&mut *shared.unrecorded.lock().unwrap_or_else(PoisonError::into_inner));
    let results = shared.store.commit(endings.iter().map(Ending::unit).collect());
    let failed: Vec<Ending> = endings.into_iter().zip(results).filter(|(_, r)| r.is_err()).map(|(e, _)| e).collect();
    if !failed.is_empty() {
        tracing::warn!(outcomes = failed.len(), "outcomes wait for the store; at a restart they become unknown");
        shared.unrecorded.lock().unwrap_or_else(PoisonError::into_inner).extend(failed);
    }
}
