//! `[[organisations]]` and the first load of the registry.

use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;

use crate::domain::account::{Account, AccountKind, OrganisationId};
use crate::domain::person::Person;
use crate::domain::registry::{Charter, Pattern, PositionId};

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

impl super::Config {
    /// The parts of positions in a body's registry: as `[charters.BODY]` says; else as the guideline has it that the body
    /// names; else the whole body's accounts are for the position that manages the first of them.
    pub fn charter(&self, body: &OrganisationId, accounts: &[Arc<Account>], people: &[Arc<Person>]) -> Charter {
        if let Some(charter) = self.charters.get(body) {
            return charter.clone();
        }
        let files = self.organisations.iter().find(|it| it.id == *body).map(|it| it.guideline.as_slice());
        let named = |name: &str| {
            files.unwrap_or_default().iter().any(|file| {
                let text = file.to_string_lossy();
                text == format!("builtin:{name}") || file.file_stem().is_some_and(|stem| stem == name)
            })
        };
        if named("nerima") {
            return Charter::of(Pattern::Nerima);
        }
        if named("nagano") {
            return Charter::of(Pattern::Nagano);
        }
        let mut charter = Charter::of(Pattern::Plain);
        let general = accounts.iter().find(|it| it.kind == AccountKind::General);
        let manager = general.and_then(|it| people.iter().find(|person| person.id == it.manager));
        if let Some(post) = manager.map(|it| it.post.trim()).filter(|post| !post.is_empty()) {
            charter.accounts = PositionId::new(post);
            charter.providers = PositionId::new(post);
        }
        charter
    }
}
