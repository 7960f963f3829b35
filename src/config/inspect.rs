//! `[inspect]`: rule files and lists.

use std::path::PathBuf;

use serde::Deserialize;

/// Rule files and lists of the inspector.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Inspect {
    /// Lists of link shorteners, one host a line; none: the list that is built in.
    pub shorteners: Vec<PathBuf>,
}
