//! `[console]`: the console port's own settings.

use std::path::PathBuf;

use serde::Deserialize;

/// The console port.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Console {
    /// The key with which this machine's own command line calls the API; made on first start, mode 0600.
    pub local_key_file: PathBuf,
    /// SHA-256 (hex) of keys that may read the log stream (the security team).
    pub stream_keys_sha256: Vec<String>,
    /// Largest request body, in bytes.
    pub body_bytes: usize,
}

impl Default for Console {
    fn default() -> Self {
        Self {
            local_key_file: PathBuf::from("data/console.key"),
            stream_keys_sha256: Vec::new(),
            body_bytes: 1024 * 1024,
        }
    }
}
