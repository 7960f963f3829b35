//! `[store]`: the database.

use serde::Deserialize;

/// The database.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Store {
    /// `sqlite://PATH`; a relative path is taken from the working directory.
    pub url: String,
    /// How long after a post the gateway keeps processors from going to sleep, in milliseconds; 0: not at all.
    pub awake_ms: u64,
}

impl Default for Store {
    fn default() -> Self {
        Self { url: "sqlite://data/sekisho.db".to_owned(), awake_ms: 4 }
    }
}
