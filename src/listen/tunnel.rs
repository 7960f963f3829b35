//! CONNECT without hyper, and TLS that names its provider itself: checks where to, says yes, and takes the TLS inside with a minted leaf. There is no upgrade
//! machinery that could pass bytes on, and no way to a host that no provider definition names.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::HeaderValue;
use rustls::server::Acceptor;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

use super::guard::{Io, Prefixed};
use super::head::{Scanner, Violation};
use super::{Doors, authority, refusal};
use crate::domain::decision::Refusal;

const ESTABLISHED: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";
/// TLS alert `unrecognized_name` (RFC 6066 section 3), which may be sent in clear before a handshake.
const UNRECOGNIZED_NAME: &[u8] = &[0x15, 3, 3, 0, 2, 2, 112];
const LINGER: Duration = Duration::from_millis(1_000);

/// An opened tunnel: who it leads to, and the plain bytes inside.
pub(super) struct Tunnel {
    /// The host of CONNECT and SNI.
    pub(super) host: String,
    /// `Proxy-Authorization` of the CONNECT.
    pub(super) credential: Option<HeaderValue>,
    /// What the client says inside.
    pub(super) io: TlsStream<Prefixed>,
}

/// A tunnel that was not opened: the stable code, and what the client is still to be told.
pub(super) struct Closed {
    pub(super) code: &'static str,
    pub(super) answer: Option<(Io, Box<Refusal>)>,
}

impl From<&'static str> for Closed {
    fn from(code: &'static str) -> Self {
        Self { code, answer: None }
    }
}

/// Opens the tunnel that the first head of `io` asks for.
pub(super) async fn open(doors: &Doors, mut io: Io) -> Result<Tunnel, Closed> {
    let deadline = Instant::now() + Duration::from_millis(doors.config.limits.head_ms);
    let read = read_head(doors, &mut io, deadline).await;
    let asked = read.and_then(|(head, early)| match parse(&head) {
        Some((target, credential)) => Ok((target, credential, early)),
        None => Err(Some(Violation::bad("bad-request-line"))),
    });
    let (target, credential, early) = match asked {
        Ok(asked) => asked,
        Err(Some(violation)) => {
            let refusal = Box::new(refusal::of_violation(violation));
            return Err(Closed { code: violation.code, answer: Some((io, refusal)) });
        }
        Err(None) => return Err("incomplete-head".into()),
    };
    let Some(host) = authority::connect_target(&target).filter(|host| doors.hosts.is_provider_host(host)) else {
        return Err(Closed { code: "unknown-host", answer: Some((io, Box::new(refusal::unknown_host()))) });
    };
    let config = match doors.ca.tls_for(&host) {
        Ok(config) => config,
        Err(problem) => {
            tracing::error!(%host, %problem, "no certificate could be minted");
            return Err(Closed { code: "no-certificate", answer: Some((io, Box::new(refusal::no_certificate()))) });
        }
    };
    io.write_all(ESTABLISHED).await.map_err(|_| "tunnel-closed")?;
    io.flush().await.map_err(|_| "tunnel-closed")?;
    let io = handshake(&host, config, Prefixed::new(early, io), deadline).await?;
    Ok(Tunnel { host, credential, io })
}

/// Opens TLS that was meant for a provider and was led here. The name in the first message says which one; without a
/// name, or with one that no definition knows, there is no handshake. Where the packets were meant to go is never asked.
pub(super) async fn open_by_name(doors: &Doors, io: Io) -> Result<Tunnel, &'static str> {
    let deadline = Instant::now() + Duration::from_millis(doors.config.limits.head_ms);
    let io = Prefixed::new(Bytes::new(), io);
    let hello = timeout_at(deadline, LazyConfigAcceptor::new(Acceptor::default(), io)).await;
    let mut start = hello.map_err(|_| "tls-timeout")?.map_err(|_| "tls-not-understood")?;
    let Some(named) = start.client_hello().server_name().map(str::to_owned) else {
        return Err(unrecognized(&mut start.io, "sni-missing").await);
    };
    let Some(host) = authority::host(&named).filter(|host| doors.hosts.is_provider_host(host)) else {
        return Err(unrecognized(&mut start.io, "unknown-host").await);
    };
    let config = match doors.ca.tls_for(&host) {
        Ok(config) => config,
        Err(problem) => {
            tracing::error!(%host, %problem, "no certificate could be minted");
            return Err(unrecognized(&mut start.io, "no-certificate").await);
        }
    };
    let io = timeout_at(deadline, start.into_stream(config)).await.map_err(|_| "tls-timeout")?;
    Ok(Tunnel { host, credential: None, io: io.map_err(|_| "tls-failed")? })
}

/// Says that the name leads nowhere, and closes.
async fn unrecognized(io: &mut Prefixed, code: &'static str) -> &'static str {
    let _ = timeout(LINGER, async {
        io.write_all(UNRECOGNIZED_NAME).await?;
        io.shutdown().await
    })
    .await;
    code
}

/// Takes the handshake if the name the client asks for is the CONNECT's; looked at before any answer to it.
async fn handshake(
    host: &str,
    config: std::sync::Arc<rustls::ServerConfig>,
    io: Prefixed,
    deadline: Instant,
) -> Result<TlsStream<Prefixed>, &'static str> {
    let hello = timeout_at(deadline, LazyConfigAcceptor::new(Acceptor::default(), io)).await;
    let mut start = hello.map_err(|_| "tls-timeout")?.map_err(|_| "tls-not-understood")?;
    let named = start.client_hello().server_name().map(str::to_ascii_lowercase);
    if named.as_deref() != Some(host) {
        let code = if named.is_none() { "sni-missing" } else { "sni-mismatch" };
        return Err(unrecognized(&mut start.io, code).await);
    }
    // A client that doesn't trust the root ends here; that is a matter of its settings, and it shows in the counts.
    timeout_at(deadline, start.into_stream(config)).await.map_err(|_| "tls-timeout")?.map_err(|_| "tls-failed")
}

/// The first head, and what was read beyond it. The error is none when the client left.
async fn read_head(doors: &Doors, io: &mut Io, deadline: Instant) -> Result<(Bytes, Bytes), Option<Violation>> {
    let mut scanner = Scanner::new(doors.config.limits, true);
    let mut bytes = BytesMut::with_capacity(1024);
    loop {
        match timeout_at(deadline, io.read_buf(&mut bytes)).await {
            Err(_) => return Err(Some(Violation::late("head-timeout"))),
            Ok(Ok(0) | Err(_)) => return Err(None),
            Ok(Ok(_)) => {}
        }
        let step = scanner.scan(&bytes);
        if let Some(violation) = step.violation {
            return Err(Some(violation));
        }
        if step.clean > 0 {
            let head = bytes.split_to(step.clean).freeze();
            return Ok((head, bytes.freeze()));
        }
    }
}

/// Target and credential of a head that the scanner found clean.
fn parse(head: &[u8]) -> Option<(String, Option<HeaderValue>)> {
    let mut fields = vec![httparse::EMPTY_HEADER; head.iter().filter(|byte| **byte == b'\n').count()];
    let mut request = httparse::Request::new(&mut fields);
    request.parse(head).ok().filter(httparse::Status::is_complete)?;
    let target = request.path.filter(|_| request.method == Some("CONNECT"))?.to_owned();
    let credential = request.headers.iter().find(|field| field.name.eq_ignore_ascii_case("proxy-authorization"));
    Some((target, credential.and_then(|field| HeaderValue::from_bytes(field.value).ok())))
}

/// Answers, closes, and reads on for a moment so that a reset doesn't take the answer away.
pub(super) async fn turn_away(io: &mut Io, refusal: &Refusal) {
    let _ = timeout(LINGER, async {
        io.write_all(&refusal::raw(refusal)).await?;
        io.shutdown().await?;
        let mut scratch = [0_u8; 4096];
        while io.read(&mut scratch).await? > 0 {}
        Ok::<(), std::io::Error>(())
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn target_and_credential_are_read_from_a_clean_head() {
        let head = b"CONNECT api.x.com:443 HTTP/1.1\r\nHost: api.x.com:443\r\nProxy-Authorization: Basic eA==\r\n\r\n";
        let (target, credential) = parse(head).unwrap();
        assert_eq!(target, "api.x.com:443");
        assert_eq!(credential.unwrap(), "Basic eA==");
        assert!(parse(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").is_none());
    }
}
