//! `[[organisations]]` and the first load of the registry.

use std::path::PathBuf;

use serde::Deserialize;

use crate::domain::account::OrganisationId;

/// A public body.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Organisation {
    /// Identifier; also the name of its log.
    pub id: OrganisationId,
    /// Name as written: 練馬区.
    pub name: String,
    /// The Cedar files of its guideline, besides the common set; `builtin:nerima` names one that is built in.
    pub guideline: Vec<PathBuf>,
}
