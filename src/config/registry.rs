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
    /// Hosts of the body's own site, with their sub-domains: `city.nagano.nagano.jp`. Links to them are its own, and a
    /// profile must lead there (長野 4(5)).
    #[serde(default)]
    pub sites: Vec<String>,
    /// Days on which the guideline says something else: `election`, `mourning`.
    #[serde(default)]
    pub periods: Vec<Period>,
}

/// Named days, both included, in Japan.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Period {
    /// The name by which rules speak of it.
    pub name: String,
    /// The first day.
    pub from: jiff::civil::Date,
    /// The last day.
    pub until: jiff::civil::Date,
}
