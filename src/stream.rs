//! The log stream: entries by index, pulled or pushed, with nothing left out and nothing twice.
//!
//! The cursor is the index in the body's log, so a reader can check by itself that it missed nothing. Reads are short
//! (at most 1,000 entries) and hold nothing between them: a slow reader lags, and nobody waits for it. Each batch is
//! followed by the signed checkpoint that was in force after it.

use std::sync::Arc;

use futures_util::Stream;
use tokio::sync::watch;

use crate::domain::account::OrganisationId;
use crate::domain::ports::Unavailable;

pub mod sse;

/// Most entries in one read.
pub const MOST: usize = 1_000;

/// Reading access to the logs. The calls may block for one short read.
pub trait Log: Send + Sync + 'static {
    /// How many entries are durable in this log: the index of the next one.
    fn head(&self, organisation: &OrganisationId) -> Result<u64, Unavailable>;
    /// Entries (the exact leaf bytes) from index `from`, in order without a gap, at most `limit`.
    fn read(&self, organisation: &OrganisationId, from: u64, limit: usize) -> Result<Vec<(u64, Vec<u8>)>, Unavailable>;
    /// The newest signed checkpoint (C2SP tlog-checkpoint note).
    fn checkpoint(&self, organisation: &OrganisationId) -> Result<String, Unavailable>;
    /// Changes whenever entries became durable, in any log. The value itself says nothing.
    fn changed(&self) -> watch::Receiver<u64>;
}

/// Entries that follow one another, and the checkpoint in force after them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Index and leaf bytes, dense and ascending.
    pub entries: Vec<(u64, Vec<u8>)>,
    /// The signed checkpoint; it covers at least these entries. Empty while the log has no entry.
    pub checkpoint: String,
}

/// Why a stream ended.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Broken {
    /// The log cannot be read now; the reader comes back with its last index.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The log gave another index than the next one. The stream ends rather than hide it.
    #[error("the log gave index {found} where {expected} was due")]
    Gap {
        /// The index that was due.
        expected: u64,
        /// The index that came.
        found: u64,
    },
    /// The reader's cursor lies after the end of the log: it read another log, or this one was restored from a copy.
    #[error("the cursor {cursor} lies after the end {head} of the log")]
    Ahead {
        /// The reader's next index.
        cursor: u64,
        /// The log's next index.
        head: u64,
    },
}

/// One read from `from`; empty entries when there are none yet.
pub async fn pull(log: Arc<dyn Log>, organisation: OrganisationId, from: u64, limit: usize) -> Result<Batch, Broken> {
    // A read touches the disk, so it does not run on the threads that serve posts.
    let read = move || {
        let head = log.head(&organisation)?;
        if from > head {
            return Err(Broken::Ahead { cursor: from, head });
        }
        let entries = log.read(&organisation, from, limit.clamp(1, MOST))?;
        for ((found, _), expected) in entries.iter().zip(from..) {
            if *found != expected {
                return Err(Broken::Gap { expected, found: *found });
            }
        }
        if entries.is_empty() && head == 0 {
            // Nobody has signed a log without entries.
            return Ok(Batch { entries, checkpoint: String::new() });
        }
        // Taken after the read, so that it covers what was read.
        let checkpoint = log.checkpoint(&organisation)?;
        Ok(Batch { entries, checkpoint })
    };
    match tokio::task::spawn_blocking(read).await {
        Ok(batch) => batch,
        Err(error) => Err(Broken::Unavailable(Unavailable(error.to_string()))),
    }
}

/// Batches from `from` for ever: what is there, then what comes. Ends after the first error.
///
/// Nothing is read ahead: the next read happens when the reader has taken the batch before.
pub fn follow(
    log: Arc<dyn Log>,
    organisation: OrganisationId,
    from: u64,
) -> impl Stream<Item = Result<Batch, Broken>> + Send + 'static {
    let changed = log.changed();
    futures_util::stream::unfold(Some((log, organisation, from, changed)), |state| async move {
        let (log, organisation, next, mut changed) = state?;
        loop {
            // Marked as seen before the read: what becomes durable during the read wakes the next round.
            changed.mark_unchanged();
            match pull(Arc::clone(&log), organisation.clone(), next, MOST).await {
                Err(broken) => return Some((Err(broken), None)),
                Ok(batch) if batch.entries.is_empty() => {
                    // The writer is gone: the gateway stops, and so does the stream.
                    changed.changed().await.ok()?;
                }
                Ok(batch) => {
                    let after = batch.entries.last().map_or(next, |(index, _)| index + 1);
                    return Some((Ok(batch), Some((log, organisation, after, changed))));
                }
            }
        }
    })
}

#[cfg(test)]
mod tests;
