//! `[approve]`: who may sign approvals.

use std::path::PathBuf;

use serde::Deserialize;

/// Issuers of signed approvals.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Approve {
    /// This gateway's own issuer name and audience.
    pub issuer: String,
    /// Its Ed25519 key (PKCS#8 PEM), made on first start, mode 0600.
    pub key_file: PathBuf,
    /// Longest life of an approval that is issued here.
    pub max_life_s: u64,
}

impl Default for Approve {
    fn default() -> Self {
        Self { issuer: "sekisho".to_owned(), key_file: PathBuf::from("data/approval.key"), max_life_s: 7 * 24 * 3600 }
    }
}
