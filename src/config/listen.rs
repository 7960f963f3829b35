//! `[listen]`: ports, TLS, connection limits, the internal CA.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;

use crate::domain::account::ProviderId;

/// Ports, TLS and limits.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Listen {
    /// The gateway port: reverse, forward and emergency.
    pub gateway: SocketAddr,
    /// The console port: pages, API, stream, health.
    pub console: SocketAddr,
    /// A port for tools that know of no gateway: TLS whose name (SNI) says which provider is meant. None: there is none.
    pub transparent: Option<SocketAddr>,
    /// One more address per provider, for SDKs that drop a path prefix.
    pub origins: BTreeMap<ProviderId, SocketAddr>,
    /// Where the internal CA keeps its keys and certificates: a directory (0700) that only the gateway's user can write.
    pub ca_dir: PathBuf,
    /// Names (DNS or IP) for the gateway's and the console's own certificate.
    pub names: Vec<String>,
    /// Whether the console port speaks TLS with the gateway's own certificate.
    pub console_tls: bool,
    /// Limits of the doors.
    pub limits: Limits,
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            gateway: SocketAddr::from(([127, 0, 0, 1], 8443)),
            console: SocketAddr::from(([127, 0, 0, 1], 8444)),
            transparent: None,
            origins: BTreeMap::new(),
            ca_dir: PathBuf::from("data/ca"),
            names: vec!["localhost".to_owned(), "127.0.0.1".to_owned()],
            console_tls: false,
            limits: Limits::default(),
        }
    }
}

/// Limits of connections and heads; bodies are limited by `[extract]`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Request line and headers together, in bytes.
    pub head_bytes: usize,
    /// Number of header fields.
    pub head_fields: usize,
    /// The request target, in bytes.
    pub target_bytes: usize,
    /// Time for a whole head, from its first byte.
    pub head_ms: u64,
    /// Time without any byte before an idle connection is closed.
    pub idle_ms: u64,
    /// Time between two pieces of a body; over it, a body must bring 1 KiB a second on average.
    pub body_ms: u64,
    /// Open connections of one port in all.
    pub connections: usize,
    /// Open connections of one address at one port.
    pub connections_per_address: usize,
    /// Concurrent HTTP/2 streams of a connection.
    pub h2_streams: u32,
    /// HTTP/2 stream window, in bytes.
    pub h2_stream_window_bytes: u32,
    /// HTTP/2 streams that may be reset before they are accepted.
    pub h2_pending_resets: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head_bytes: 32 * 1024,
            head_fields: 64,
            target_bytes: 4 * 1024,
            head_ms: 10_000,
            idle_ms: 60_000,
            body_ms: 30_000,
            connections: 1_000,
            connections_per_address: 50,
            h2_streams: 100,
            h2_stream_window_bytes: 64 * 1024,
            h2_pending_resets: 20,
        }
    }
}
