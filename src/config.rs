//! Configuration: TOML files layered in order, then the environment (`SEKISHO__SECTION__KEY`), parsed once.
//!
//! Unknown keys are errors. One struct a section, with units in the names and a default for every limit.

pub mod approve;
mod check;
pub mod console;
pub mod credentials;
pub mod emergency;
pub mod extract;
pub mod forward;
pub mod gate;
pub mod guideline;
pub mod inspect;
pub mod ledger;
pub mod listen;
mod load;
pub mod media;
pub mod private;
pub mod providers;
pub mod registry;
pub mod roots;
pub mod store;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use serde::Deserialize;

use crate::domain::account::{OrganisationId, ProviderId};

/// The whole configuration.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Ports, TLS, limits, the internal CA.
    pub listen: listen::Listen,
    /// Limits of bodies and where they are spooled.
    pub extract: extract::Extract,
    /// Rule files and lists of the inspector.
    pub inspect: inspect::Inspect,
    /// Issuers of signed approvals.
    pub approve: approve::Approve,
    /// Where guidelines lie.
    pub guideline: guideline::Guideline,
    /// Where the ledger keeps its keys.
    pub ledger: ledger::Ledger,
    /// The database.
    pub store: store::Store,
    /// How often a client may come.
    pub gate: gate::Gate,
    /// Deadlines of requests to providers.
    pub forward: forward::Forward,
    /// Media that posts name by URL.
    pub media: media::Media,
    /// Custody of provider credentials.
    pub credentials: credentials::Credentials,
    /// Lengths of emergency declarations.
    pub emergency: emergency::Emergency,
    /// The console port's own settings.
    pub console: console::Console,
    /// Providers, by short name.
    pub providers: BTreeMap<ProviderId, providers::Provider>,
    /// Public bodies.
    pub organisations: Vec<registry::Organisation>,
    /// Which positions have which part in a body's registry, by body, for a first load; absent: as its guideline has it.
    pub charters: BTreeMap<OrganisationId, crate::domain::registry::Charter>,
    /// SNS accounts, for a first load.
    pub accounts: Vec<crate::domain::account::Account>,
    /// People, for a first load.
    pub people: Vec<crate::domain::person::Person>,
    /// Posting tools, for a first load.
    pub clients: Vec<crate::domain::person::Client>,
}

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file, if it lies in one.
    pub file: Option<PathBuf>,
    /// The line, from 1, if it is known.
    pub line: Option<usize>,
    /// What is wrong and what would be right.
    pub reason: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.file, self.line) {
            (Some(file), Some(line)) => write!(f, "{}:{line}: {}", file.display(), self.reason),
            (Some(file), None) => write!(f, "{}: {}", file.display(), self.reason),
            (None, _) => f.write_str(&self.reason),
        }
    }
}

impl Problem {
    /// A problem of a whole file.
    pub fn of_file(file: impl Into<PathBuf>, reason: impl Into<String>) -> Self {
        Self { file: Some(file.into()), line: None, reason: reason.into() }
    }
}

/// Reads and layers `files`, then the environment (`SEKISHO__SECTION__KEY`).
///
/// Each file is read alone first, so that a problem is named with its file and line; then the `config` crate layers
/// them. Every problem that can be seen is reported, not only the first.
pub fn load(files: &[PathBuf]) -> Result<Config, Vec<Problem>> {
    load::load(files, None)
}

/// The same with `environment` in place of the process's own, so that tests do not depend on where they run.
pub fn load_with(files: &[PathBuf], environment: HashMap<String, String>) -> Result<Config, Vec<Problem>> {
    load::load(files, Some(environment))
}

#[cfg(test)]
mod tests;
