//! What a definition says, in figures: for `check`, so that somebody who changes one sees what it opens and what it closes.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Definitions;
use super::definition::HostPattern;

/// A provider as its definition describes it.
#[derive(Clone, Debug, Serialize)]
pub struct Described {
    /// Short name.
    pub provider: String,
    /// The hosts it answers on; a leading dot: every host under that name.
    pub hosts: Vec<String>,
    /// How many routes it has.
    pub routes: usize,
    /// How many of them do what, those that are refused aside. A route that its fields make several things counts for each.
    pub actions: BTreeMap<String, usize>,
    /// Routes that are refused by name, and the code of the refusal.
    pub refused: BTreeMap<String, String>,
}

impl Definitions {
    /// Every provider, in the order of their names.
    pub fn described(&self) -> Vec<Described> {
        let of = |(definition, routes): &super::source::Described| {
            let (mut actions, mut refused) = (BTreeMap::new(), BTreeMap::new());
            for route in routes {
                let code = route.refuse.as_ref().map(|rule| rule.code.clone());
                if let Some(code) = code.or_else(|| route.unsupported.map(|_| "not-supported-yet".to_owned())) {
                    refused.insert(route.id.clone(), code);
                    continue;
                }
                let mut does: Vec<_> = route.when.iter().map(|when| when.action).collect();
                does.extend((!route.when_required).then_some(route.action));
                does.sort_unstable();
                does.dedup();
                for action in does {
                    *actions.entry(action.to_string()).or_default() += 1;
                }
            }
            let hosts = definition.hosts.iter().map(HostPattern::as_str).map(str::to_owned).collect();
            Described { provider: definition.id.to_string(), hosts, routes: routes.len(), actions, refused }
        };
        self.by_id.values().map(of).collect()
    }
}
