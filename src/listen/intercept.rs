//! The internal CA.

use std::sync::Arc;

use crate::domain::clock::Clock;
use crate::domain::ports::Hosts;

/// The internal CA: root, name-constrained intermediate, minted leaves.
pub struct Authority {}

impl Authority {
    /// Opens the CA in `config.ca_dir`, making what is missing and re-issuing the intermediate when hosts changed.
    pub fn open(
        config: &crate::config::listen::Listen,
        hosts: &dyn Hosts,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, crate::config::Problem> {
        let _ = (config, hosts, clock);
        todo!("helper A")
    }

    /// The root certificate, PEM, for the office's trust stores.
    pub fn root_pem(&self) -> &str {
        todo!("helper A")
    }

    /// TLS for the gateway's own names.
    pub fn own_tls(&self) -> Arc<rustls::ServerConfig> {
        todo!("helper A")
    }
}
