//! `[ledger]`: keys and origin.

use std::path::PathBuf;

use serde::Deserialize;

/// Where the ledger keeps its keys, and under which name its logs are signed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ledger {
    /// Directory for signing keys, the payload key file and the high-water mark.
    pub dir: PathBuf,
    /// First part of a log's origin: `<origin>/<organisation>`.
    pub origin: String,
    /// Longest wait for a durable entry before the request is refused.
    pub enter_ms: u64,
    /// For how many hours the request of a held post is kept, sealed, so that the gateway can release it itself once it is
    /// approved; 0: never. Only where the gateway holds the account's credential.
    pub kept_hours: u32,
    /// The largest body, of a post or of an upload, that is kept.
    pub kept_bytes: u64,
    /// The most that all of them may take on the disk.
    pub kept_store_bytes: u64,
    /// Whether a database that is older than the high-water mark may be used: it was restored from a backup, and has
    /// forgotten which approvals were used since. Approvals that begin before such a start are void.
    pub accept_rollback: bool,
}

impl Default for Ledger {
    fn default() -> Self {
        Self {
            dir: PathBuf::from("data/ledger"),
            origin: "sekisho.example".to_owned(),
            enter_ms: 2_000,
            kept_hours: 72,
            kept_bytes: 512 * 1024 * 1024,
            kept_store_bytes: 16 * 1024 * 1024 * 1024,
            accept_rollback: false,
        }
    }
}
