//! `[credentials]`: the key that seals provider credentials, and how often they must be changed.

use std::path::PathBuf;

use serde::Deserialize;

/// Custody of provider credentials.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Credentials {
    /// The key file (64 hex digits, mode 0600); made on first start.
    pub key_file: PathBuf,
    /// The key's name among the service's systemd credentials (`LoadCredentialEncrypted=`), in place of the key file.
    pub systemd_credential: Option<String>,
    /// The directory in which systemd puts them; empty: `$CREDENTIALS_DIRECTORY`.
    pub systemd_directory: PathBuf,
    /// Days after which a credential must have been changed (練馬 第9条, 長野 5(1)), where none is said when it is set.
    pub rotate_days: u32,
    /// Days before that on which a warning begins.
    pub warn_days: u32,
}

impl Default for Credentials {
    fn default() -> Self {
        Self {
            key_file: PathBuf::from("data/credentials.key"),
            systemd_credential: None,
            systemd_directory: std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from).unwrap_or_default(),
            rotate_days: 180,
            warn_days: 14,
        }
    }
}
