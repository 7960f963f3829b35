//! `Outbound`: the request that would leave, written by the gateway from what it understood.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method};

use super::account::ProviderId;
use super::credential::Wears;
use super::media::Sha256;

/// A request to a provider: own head, own framing, rebuilt body. What was examined is what this holds.
#[derive(Clone, Debug)]
pub struct Outbound {
    /// The provider.
    pub provider: ProviderId,
    /// Method, as matched by a route.
    pub method: Method,
    /// The provider's host, lower case, without port.
    pub host: String,
    /// Path and query, rebuilt: `/2/tweets?dry=1`.
    pub path_and_query: String,
    /// Headers from the route's allow-list, with the gateway's own content type.
    pub headers: HeaderMap,
    /// The body.
    pub body: OutBody,
    /// Whether no machine sends it: a person does what it says by hand, and records afterwards where it stands.
    pub by_hand: bool,
    /// Whether the response may be streamed (a read) or must be buffered first (a write).
    pub reads: bool,
    /// Whose credential it shows the provider.
    pub wears: Wears,
}

/// The body that would leave.
#[derive(Clone, Debug)]
pub enum OutBody {
    /// None at all.
    Empty,
    /// In memory.
    Bytes(Bytes),
    /// On disk.
    Spool(Spool),
}

impl OutBody {
    /// Its length in bytes.
    pub fn len(&self) -> u64 {
        match self {
            Self::Empty => 0,
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Spool(spool) => spool.len,
        }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The hash of its bytes.
    pub fn sha256(&self) -> Sha256 {
        match self {
            Self::Empty => Sha256::of(b""),
            Self::Bytes(bytes) => Sha256::of(bytes),
            Self::Spool(spool) => spool.sha256,
        }
    }
}

/// A body on disk, hashed as it was written. The file goes when the last holder lets go, unless it was kept.
#[derive(Clone, Debug)]
pub struct Spool {
    file: Arc<SpoolFile>,
    /// Its length in bytes.
    pub len: u64,
    /// The hash of its bytes.
    pub sha256: Sha256,
}

#[derive(Debug)]
struct SpoolFile {
    path: PathBuf,
    kept: std::sync::atomic::AtomicBool,
}

impl Spool {
    /// A finished spool file.
    pub fn new(path: PathBuf, len: u64, sha256: Sha256) -> Self {
        Self { file: Arc::new(SpoolFile { path, kept: false.into() }), len, sha256 }
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.file.path
    }

    /// Keeps the file after the last holder is gone, because a later step needs it (parts of a chunked upload).
    pub fn keep(&self) {
        self.file.kept.store(true, std::sync::atomic::Ordering::Release);
    }
}

impl Drop for SpoolFile {
    fn drop(&mut self) {
        if !*self.kept.get_mut() {
            // A file that is gone already is what is wanted; any other failure leaves a file that start-up sweeps.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
