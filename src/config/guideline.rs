//! `[guideline]`: the common rules and the schema.

use std::path::PathBuf;

use serde::Deserialize;

/// Where the rules common to all bodies and the schema lie.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Guideline {
    /// Rules that stand for every body; none: the common set that is built in.
    pub common: Vec<PathBuf>,
    /// Files with the templates of 練馬 第11条第2号; none: those that are built in.
    pub templates: Vec<PathBuf>,
}
