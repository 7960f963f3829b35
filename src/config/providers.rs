//! `[providers.NAME]` and the provider definitions in `config/providers/*.toml`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;

use crate::domain::account::OrganisationId;

/// A provider as this gateway uses it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// The definition file; none: the one of that name that is built in (`x`, `line`, `mastodon`, ...).
    #[serde(default)]
    pub definition: Option<PathBuf>,
    /// Hosts of a provider that everybody may run (Mastodon): the instances in use. Its definition says `instance = true`.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// The bodies that have recognised it (練馬 第3条): a post of another body to it is refused.
    #[serde(default)]
    pub recognised: Vec<OrganisationId>,
    /// Where a host is really reached, instead of by DNS. Host, authority, SNI and signatures stay true.
    #[serde(default)]
    pub upstream: BTreeMap<String, SocketAddr>,
    /// A CA (PEM file) to trust for those addresses, besides the system's.
    #[serde(default)]
    pub upstream_ca: Option<PathBuf>,
    /// The parent proxy, of `[forward.parents]`, by which it is reached; none: straight.
    #[serde(default)]
    pub parent: Option<String>,
}
