//! `[ledger]`: keys and origin.

use std::path::PathBuf;

use serde::Deserialize;

/// Where the ledger keeps its keys, and under which name its logs are signed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ledger {
    /// Directory for signing keys, the payload key file and the journal.
    pub dir: PathBuf,
    /// First part of a log's origin: `<origin>/<organisation>`.
    pub origin: String,
    /// Longest wait for a durable entry before the request is refused.
    pub enter_ms: u64,
}

impl Default for Ledger {
    fn default() -> Self {
        Self { dir: PathBuf::from("data/ledger"), origin: "sekisho.example".to_owned(), enter_ms: 2_000 }
    }
}
