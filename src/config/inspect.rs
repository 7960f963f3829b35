//! `[inspect]`: rule files and lists.

use std::path::PathBuf;

use serde::Deserialize;

/// Rule files and lists of the inspector.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Inspect {
    /// Lists of link shorteners, one host a line; none: the list that is built in.
    pub shorteners: Vec<PathBuf>,
    /// Rule files in the place of those that are built in; none: the built-in ones.
    pub rules: Vec<PathBuf>,
    /// The body's own rule files, read after the others: more words, exceptions, rules out of force.
    pub local: Vec<PathBuf>,
    /// What is the office's own and may be published: telephone numbers, mail domains, sites.
    pub office: Option<PathBuf>,
}
