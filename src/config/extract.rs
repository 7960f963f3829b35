//! `[extract]`: limits of bodies and the spool.

use std::path::PathBuf;

use serde::Deserialize;

/// Limits of bodies.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Extract {
    /// Where large bodies are written while they are examined.
    pub spool_dir: PathBuf,
    /// JSON and form bodies, in bytes, where the route does not say otherwise.
    pub text_bytes: u64,
    /// Media bodies, in bytes, where the route does not say otherwise.
    pub media_bytes: u64,
    /// Bodies up to this many bytes stay in memory.
    pub memory_bytes: usize,
    /// Nesting of JSON.
    pub depth: usize,
    /// Time between two pieces of a body.
    pub body_ms: u64,
}

impl Default for Extract {
    fn default() -> Self {
        Self {
            spool_dir: PathBuf::from("data/spool"),
            text_bytes: 1024 * 1024,
            media_bytes: 1024 * 1024 * 1024,
            memory_bytes: 256 * 1024,
            depth: 32,
            body_ms: 30_000,
        }
    }
}
