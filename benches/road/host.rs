//! What the host does meanwhile: when it gave this machine's processors to somebody else.
//!
//! A processor of a virtual machine that its host needs for a neighbour stands still for milliseconds, and every program on
//! it with it. Linux counts that time ("steal" in `/proc/stat`), in hundredths of a second. Figures of the moments around it
//! are the neighbour's; so a post or a sync is said to be undisturbed if none of it fell into them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::Broken;

/// How often the count is read.
const EVERY: Duration = Duration::from_millis(50);
/// Linux counts a little late, and what waited meanwhile is served afterwards.
const BEFORE: Duration = EVERY;
const AFTER: Duration = Duration::from_millis(100);

/// A watcher of the host, for as long as this lives.
pub(crate) struct Host {
    taken: Arc<Mutex<Vec<(Instant, Instant)>>>,
}

impl Host {
    /// Begins to watch.
    pub(crate) fn watch() -> Result<Self, Broken> {
        let taken = Arc::<Mutex<Vec<_>>>::default();
        let told = Arc::downgrade(&taken);
        let (mut since, mut before) = (Instant::now(), stolen()?);
        std::thread::Builder::new().name("host".to_owned()).spawn(move || {
            // It ends with whoever asks, or when the count cannot be read any more; then nothing is undisturbed.
            while let Some(taken) = told.upgrade() {
                let (now, count) = (Instant::now(), stolen().unwrap_or(before + 1.0));
                if count > before {
                    taken.lock().unwrap_or_else(PoisonError::into_inner).push((since, now));
                }
                (since, before) = (now, count);
                drop(taken);
                std::thread::sleep(EVERY);
            }
        })?;
        Ok(Self { taken })
    }

    /// Those of these, each with the moment of its end and its length, that nothing was taken from.
    pub(crate) fn undisturbed(&self, all: &[(Instant, Duration)]) -> Vec<u64> {
        // What is still to be read may concern the last of them.
        std::thread::sleep(EVERY * 2);
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let apart = |(done, took): &&(Instant, Duration)| {
            taken.iter().all(|(since, until)| *done + BEFORE < *since || *until + AFTER < *done - *took)
        };
        all.iter().filter(apart).map(|(_, took)| nanoseconds(*took)).collect()
    }
}

/// A time as the figures take it.
pub(crate) fn nanoseconds(took: Duration) -> u64 {
    u64::try_from(took.as_nanos()).unwrap_or(u64::MAX)
}

/// Time taken from all processors since the machine started, in hundredths of a second.
fn stolen() -> Result<f64, Broken> {
    Ok(*crate::child::all_ticks()?.get(7).ok_or("/proc/stat counts no steal")?)
}
