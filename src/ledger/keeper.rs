//! The keeper: a thread for what is not on the path. Keys made ahead, counts entered each minute, outcomes that could not
//! be written tried again, the high-water mark.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::recover::{high_water, high_water_file};
use super::remind;
use super::shared::Shared;
use super::{kept, outcome};
use crate::store::Stored;

/// How often the keeper looks around.
const TICK: Duration = Duration::from_millis(200);
/// Ticks in a second and in a minute.
const SECOND: u64 = 5;
const MINUTE: u64 = 60 * SECOND;

/// The running keeper.
pub(super) struct Keeper {
    stop: Arc<(Mutex<bool>, Condvar)>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Keeper {
    /// Starts it.
    pub(super) fn start(shared: &Arc<Shared>) -> std::io::Result<Self> {
        let stop = Arc::new((Mutex::new(false), Condvar::new()));
        let (kept, stopped) = (Arc::clone(shared), Arc::clone(&stop));
        let thread = std::thread::Builder::new().name("ledger-keeper".to_owned()).spawn(move || {
            crate::store::yield_to_posts();
            let (flag, wake) = &*stopped;
            let mut ticks = 0;
            let mut stopped = flag.lock().unwrap_or_else(PoisonError::into_inner);
            while !*stopped {
                stopped = wake.wait_timeout(stopped, TICK).unwrap_or_else(PoisonError::into_inner).0;
                ticks += 1;
                tick(&kept, ticks);
            }
        })?;
        Ok(Self { stop, thread: Mutex::new(Some(thread)) })
    }

    /// Stops it and waits for it.
    pub(super) fn stop(&self) {
        *self.stop.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stop.1.notify_one();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the ledger's keeper panicked");
        }
    }
}

fn tick(shared: &Arc<Shared>, ticks: u64) {
    while shared.keyring.is_low() {
        if let Err(down) = shared.keyring.fill() {
            tracing::warn!(reason = %down, "no record keys can be made");
            break;
        }
    }
    if !ticks.is_multiple_of(SECOND) {
        return;
    }
    if !shared.unrecorded.lock().unwrap_or_else(PoisonError::into_inner).is_empty() {
        outcome::retry(shared);
    }
    if ticks.is_multiple_of(MINUTE)
        && let Err(down) = kept::drop_over(shared)
    {
        tracing::warn!(reason = %down, "kept requests could not be dropped");
    }
    if ticks.is_multiple_of(MINUTE)
        && let Some(unit) = shared.malformed.unit()
    {
        for result in shared.store.commit(vec![unit]) {
            if let Err(down) = result {
                tracing::warn!(reason = %down, "a minute's count of malformed requests was not entered");
            }
        }
    }
    if ticks.is_multiple_of(MINUTE)
        && let Err(down) = remind::remind(shared)
    {
        tracing::warn!(reason = %down, "reminders of after-reports were not given");
    }
    mark_high_water(shared);
}

/// Writes how far each log has come. It may lag; it is never ahead of the database.
pub(super) fn mark_high_water(shared: &Shared) {
    let file = high_water_file(&shared.config.dir);
    let Ok(heads) = shared.store.reads().heads() else { return };
    let mark = high_water(&heads);
    if std::fs::read_to_string(&file).is_ok_and(|written| written == mark) {
        return;
    }
    let new = file.with_extension("new");
    if let Err(e) = std::fs::write(&new, mark).and_then(|()| std::fs::rename(&new, &file)) {
        tracing::warn!(reason = %e, "the high-water mark cannot be written");
    }
}
