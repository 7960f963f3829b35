//! Which action a request asks for: the provider's definition and its route.

use std::sync::Arc;

use http::{HeaderMap, Method};

use crate::domain::decision::Refusal;

pub mod definition;
pub mod matcher;

/// All definitions in force, with their hash.
pub struct Definitions {}

impl Definitions {
    /// Reads and checks the definitions that the configuration names.
    pub fn load(
        providers: &std::collections::BTreeMap<crate::domain::account::ProviderId, crate::config::providers::Provider>,
    ) -> Result<Self, Vec<crate::config::Problem>> {
        let _ = providers;
        todo!("helper B")
    }

    /// SHA-256 (hex) over the definitions in force.
    pub fn hash(&self) -> &str {
        todo!("helper B")
    }
}

impl crate::domain::ports::Hosts for Definitions {
    fn is_provider_host(&self, _host: &str) -> bool {
        todo!("helper B")
    }
    fn default_host(&self, _provider: &str) -> Option<String> {
        todo!("helper B")
    }
    fn host_patterns(&self) -> Vec<String> {
        todo!("helper B")
    }
}

/// A request whose provider and route are known.
#[derive(Clone, Debug)]
pub struct Recognised {
    /// The provider's definition.
    pub provider: Arc<definition::Definition>,
    /// The matched route.
    pub route: Arc<definition::Route>,
    /// The host, lower case.
    pub host: String,
    /// The path, rebuilt from the template and the matched segments.
    pub path: String,
    /// Template parameters, in order.
    pub params: Vec<(String, String)>,
    /// Query parameters, decoded, each allowed by the route.
    pub query: Vec<(String, String)>,
}

/// Finds the one route for a request.
pub fn recognise(
    definitions: &Definitions,
    host: &str,
    method: &Method,
    path: &str,
    query: Option<&str>,
    headers: &HeaderMap,
) -> Result<Recognised, Refusal> {
    let _ = (definitions, host, method, path, query, headers);
    todo!("helper B")
}
