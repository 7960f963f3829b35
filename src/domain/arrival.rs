//! `Arrival`: a request as `listen` hands it on, and the answer that goes back.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;

use bytes::Bytes;
use http::{HeaderMap, Method, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};

/// Whatever can go wrong while a body is read.
pub type BodyError = Box<dyn std::error::Error + Send + Sync>;
/// A body on its way in or out.
pub type Body = BoxBody<Bytes, BodyError>;

/// A body of bytes in memory.
pub fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed()
}

/// By which door a request came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Door {
    /// Reverse, by path: `/{host or provider}/{path}`.
    Path,
    /// Reverse, by origin: a port or name of its own for a provider.
    Origin,
    /// Forward, absolute-form.
    Absolute,
    /// Forward, inside an intercepted tunnel.
    Tunnel,
    /// TLS that was meant for the provider itself and was led here, by its name (SNI).
    Transparent,
}

impl Door {
    /// The stable name used in entries and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Path => "reverse-path",
            Self::Origin => "reverse-origin",
            Self::Absolute => "forward-absolute",
            Self::Tunnel => "forward-tunnel",
            Self::Transparent => "transparent",
        }
    }
}

/// A request whose raw bytes were checked and whose authority is settled.
pub struct Arrival {
    /// Its method.
    pub method: Method,
    /// The provider host it is meant for: lower case, no port, the same in CONNECT, SNI, Host and URL.
    pub host: String,
    /// The path as received, beginning with `/`, without any gateway prefix.
    pub path: String,
    /// The query as received, without `?`.
    pub query: Option<String>,
    /// The headers as received.
    pub headers: HeaderMap,
    /// The body.
    pub body: Body,
    /// By which door it came.
    pub door: Door,
    /// Whether it came by `/emergency/...`.
    pub emergency: bool,
    /// `Proxy-Authorization` of the CONNECT that opened the tunnel, if it had one.
    pub tunnel_credential: Option<http::HeaderValue>,
    /// Who is at the other end.
    pub peer: SocketAddr,
    /// At a reverse door, the address by which the gateway was called: `https://gateway:8443`, `.../emergency`.
    pub base: Option<String>,
}

/// A connection or request that was refused before anybody could be identified.
#[derive(Clone, Debug)]
pub struct Malformed {
    /// Who is at the other end.
    pub peer: SocketAddr,
    /// Stable code of the rule it broke: `bare-lf`, `length-and-encoding`, `unknown-host`.
    pub code: &'static str,
}

/// What stands behind the doors.
pub trait Handler: Send + Sync + 'static {
    /// Takes a request the whole road.
    fn handle(&self, arrival: Arrival) -> Pin<Box<dyn Future<Output = Response<Body>> + Send>>;

    /// Counts a refusal that came before identification; one entry per source and minute.
    fn malformed(&self, malformed: Malformed);
}
