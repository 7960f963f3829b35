//! `[forward]`: deadlines of requests to providers.

use serde::Deserialize;

/// Deadlines and sizes.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Forward {
    /// Time for a connection with TLS.
    pub connect_ms: u64,
    /// Time from the last piece of the request that the provider took to the answer's head, and between two pieces of
    /// the answer.
    pub answer_ms: u64,
    /// Time for the whole exchange of a write; a body on disk has a second more for each 125 kB (1 Mbit/s).
    pub total_ms: u64,
    /// Largest answer of a write, in bytes; it is buffered.
    pub answer_bytes: usize,
}

impl Default for Forward {
    fn default() -> Self {
        Self { connect_ms: 10_000, answer_ms: 60_000, total_ms: 600_000, answer_bytes: 1024 * 1024 }
    }
}
