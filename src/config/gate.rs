//! `[gate]`: how often a client may come.

use serde::Deserialize;

/// A bucket for each client.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Gate {
    /// Requests a second, sustained.
    pub requests_per_second: u32,
    /// Requests at once.
    pub burst: u32,
    /// Hundredths of each provider's allowance that only emergency posts may use.
    pub emergency_share_percent: u32,
}

impl Default for Gate {
    fn default() -> Self {
        Self { requests_per_second: 100, burst: 500, emergency_share_percent: 10 }
    }
}
