//! `[emergency]`: lengths of declarations.

use serde::Deserialize;

/// Lengths of declarations.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Emergency {
    /// Longest time a declaration may run before it must be declared anew.
    pub max_s: u64,
}

impl Default for Emergency {
    fn default() -> Self {
        Self { max_s: 72 * 3600 }
    }
}
