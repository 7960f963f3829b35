//! Raw bytes on the gateway port, and inside a tunnel of its forward proxy.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::stage::Town;

/// How long the gateway may take to answer and close. A connection that is still open then fails the scene.
const CLOSES_WITHIN: Duration = Duration::from_secs(15);

/// An answer off the wire.
#[derive(Debug)]
pub struct Answer {
    /// The status; 0 when the gateway closed without an answer.
    pub status: u16,
    /// Everything that came.
    pub text: String,
}

impl Answer {
    fn read(text: String) -> Self {
        let status = text.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).and_then(|code| code.parse().ok());
        Self { status: status.unwrap_or(0), text }
    }

    /// The body as JSON; null if it is none.
    pub fn json(&self) -> Value {
        let body = self.text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        serde_json::from_str(body).unwrap_or_default()
    }
}

/// A plain connection to the gateway port.
pub async fn plain(town: &Town) -> TcpStream {
    let stream = TcpStream::connect(town.running.gateway).await.unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// A tunnel to `host` whose TLS asks for `name`, by 練馬区's tool. The error says where it ended.
pub async fn tunnel(town: &Town, key: &str, host: &str, name: &str) -> Result<TlsStream<TcpStream>, String> {
    let mut stream = plain(town).await;
    let credential = BASE64_STANDARD.encode(format!("tool:{key}"));
    let head =
        format!("CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\nProxy-Authorization: Basic {credential}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(stream.read_u8().await.map_err(|error| error.to_string())?);
    }
    if !answer.starts_with(b"HTTP/1.1 200 ") {
        return Err(String::from_utf8_lossy(&answer).into_owned());
    }
    named(town, stream, name).await
}

/// TLS over `stream` that asks for `name`, by a tool that trusts the gateway's root.
pub async fn named(town: &Town, stream: TcpStream, name: &str) -> Result<TlsStream<TcpStream>, String> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(town.running.root_pem.as_bytes()).unwrap()).unwrap();
    let crypto = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(crypto)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.map_err(|error| error.to_string())
}

/// Sends `bytes` and reads until the gateway closes; panics if it does not.
pub async fn converse(mut io: impl AsyncRead + AsyncWrite + Unpin, bytes: &[u8]) -> Answer {
    // The gateway may close while the client still writes.
    let _ = io.write_all(bytes).await;
    let _ = io.flush().await;
    let mut answer = Vec::new();
    let read = async {
        let mut piece = [0_u8; 4096];
        loop {
            match io.read(&mut piece).await {
                Ok(0) | Err(_) => break,
                Ok(n) => answer.extend_from_slice(&piece[..n]),
            }
        }
    };
    if tokio::time::timeout(CLOSES_WITHIN, read).await.is_err() {
        panic!("the connection stays open after {:?}", String::from_utf8_lossy(&answer));
    }
    Answer::read(String::from_utf8_lossy(&answer).into_owned())
}

/// A request with a body of any type, through the forward proxy.
pub async fn send_typed(town: &Town, key: &str, path: &str, content_type: &str, body: &[u8]) -> Answer {
    let host = "api.x.com";
    let io = tunnel(town, key, host, host).await.unwrap();
    let mut bytes = format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer practice-credential\r\nContent-Type: \
         {content_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    converse(io, &bytes).await
}
