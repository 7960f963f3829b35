//! `[forward]`: deadlines of requests to providers.

use serde::Deserialize;

/// Deadlines and sizes.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Forward {
    /// Time for a connection with TLS.
    pub connect_ms: u64,
    /// Time from the last byte of the request to the answer's head.
    pub answer_ms: u64,
    /// Time for the whole answer of a write.
    pub total_ms: u64,
    /// Largest answer of a write, in bytes; it is buffered.
    pub answer_bytes: usize,
}

impl Default for Forward {
    fn default() -> Self {
        Self { connect_ms: 10_000, answer_ms: 60_000, total_ms: 600_000, answer_bytes: 1024 * 1024 }
    }
}
