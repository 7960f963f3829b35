//! `[store]`: the database.

use serde::Deserialize;

/// The database.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Store {
    /// `sqlite://PATH`; a relative path is taken from the working directory.
    pub url: String,
}

impl Default for Store {
    fn default() -> Self {
        Self { url: "sqlite://data/sekisho.db".to_owned() }
    }
}
