//! Raw bytes to a door and what comes back.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;

use crate::stage::Town;

/// Every answer must come within this time.
const PATIENCE: Duration = Duration::from_secs(5);
/// Silence after a whole answer that ends the wait for more.
const SILENCE: Duration = Duration::from_millis(120);

/// Where a case comes in.
#[derive(Clone, Debug)]
pub(super) enum Door {
    /// The gateway port, in clear.
    Plain,
    /// Inside a tunnel to this host.
    Tunnel(&'static str),
    /// CONNECT to the first, TLS for the second name, then the bytes.
    Tls(&'static str, &'static str),
}

/// One head that came back.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) code: Option<String>,
    pub(super) entry: bool,
}

/// All that came back.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer {
    pub(super) heads: Vec<Head>,
    pub(super) ended: bool,
    pub(super) rest: Vec<u8>,
}

impl Answer {
    /// The codes of refusals at the door.
    pub(super) fn codes(&self) -> Vec<&str> {
        self.heads.iter().filter_map(|head| head.code.as_deref()).collect()
    }

    /// How many answers name an entry.
    pub(super) fn entries(&self) -> usize {
        self.heads.iter().filter(|head| head.entry).count()
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for head in &self.heads {
            write!(f, "{} {} ", head.status, head.code.as_deref().unwrap_or("-"))?;
        }
        write!(f, "ended {}", self.ended)
    }
}

/// Sends the bytes and reads until the end, or until a whole answer and silence.
pub(super) async fn send(town: &Town, door: &Door, bytes: &[u8]) -> Result<Answer, String> {
    let words = |error: std::io::Error| error.to_string();
    let stream = TcpStream::connect(town.running.gateway).await.map_err(words)?;
    stream.set_nodelay(true).map_err(words)?;
    match door {
        Door::Plain => exchange(stream, bytes).await,
        Door::Tunnel(host) => inside(town, stream, host, host, bytes).await,
        Door::Tls(host, name) => inside(town, stream, host, name, bytes).await,
    }
}

async fn inside(town: &Town, mut stream: TcpStream, host: &str, name: &str, bytes: &[u8]) -> Result<Answer, String> {
    let connect = format!("CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n\r\n");
    stream.write_all(connect.as_bytes()).await.map_err(|e| e.to_string())?;
    let mut opened = Vec::new();
    while !opened.ends_with(b"\r\n\r\n") {
        let read = timeout(PATIENCE, stream.read_u8()).await.map_err(|_| "no answer to CONNECT")?;
        opened.push(read.map_err(|e| e.to_string())?);
    }
    if !opened.starts_with(b"HTTP/1.1 200 ") {
        return Err(format!("no tunnel to {host}: {}", String::from_utf8_lossy(&opened)));
    }
    let name = ServerName::try_from(name.to_owned()).map_err(|e| e.to_string())?;
    match timeout(PATIENCE, connector(town).connect(name, stream)).await {
        Err(_) => Err("the handshake hangs".to_owned()),
        Ok(Err(_)) => Ok(Answer { ended: true, ..Answer::default() }),
        Ok(Ok(tls)) => exchange(tls, bytes).await,
    }
}

/// A TLS client that trusts the town's root.
pub(super) fn connector(town: &Town) -> TlsConnector {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(town.running.root_pem.as_bytes()) {
        roots.add(certificate.unwrap()).unwrap();
    }
    let crypto = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(crypto)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

/// Writes and reads at once, so that neither side waits for the other.
pub(super) async fn exchange<IO: AsyncRead + AsyncWrite + Unpin>(stream: IO, bytes: &[u8]) -> Result<Answer, String> {
    exchange_within(PATIENCE, stream, bytes).await
}

/// The same for a body that is a megabyte of work: linear work ends in time on a loaded machine, other work does not.
pub(super) async fn send_heavy(town: &Town, bytes: &[u8]) -> Result<Answer, String> {
    let stream = TcpStream::connect(town.running.gateway).await.map_err(|e| e.to_string())?;
    exchange_within(4 * PATIENCE, stream, bytes).await
}

async fn exchange_within<IO: AsyncRead + AsyncWrite + Unpin>(
    patience: Duration,
    stream: IO,
    bytes: &[u8],
) -> Result<Answer, String> {
    let (mut read, mut write) = tokio::io::split(stream);
    let writing = async {
        // A door that closes early is an answer too.
        let _ = write.write_all(bytes).await;
        let _ = write.flush().await;
        std::future::pending::<()>().await;
    };
    let reading = async {
        let deadline = Instant::now() + patience;
        let mut back = Vec::new();
        let mut piece = vec![0; 64 * 1024];
        loop {
            let whole = parse(&back).is_some_and(|answer| answer.rest.is_empty() && !answer.heads.is_empty());
            let until = if whole { deadline.min(Instant::now() + SILENCE) } else { deadline };
            match timeout_at(until, read.read(&mut piece)).await {
                Ok(Ok(0) | Err(_)) => {
                    let answer = parse(&back).ok_or_else(|| "no HTTP came back".to_owned())?;
                    return Ok(Answer { ended: true, ..answer });
                }
                Ok(Ok(n)) => back.extend_from_slice(&piece[..n]),
                Err(_) if whole => return parse(&back).ok_or_else(|| "no HTTP came back".to_owned()),
                Err(_) => return Err(format!("no answer in time; so far {:?}", String::from_utf8_lossy(&back))),
            }
        }
    };
    tokio::select! {
        answer = reading => answer,
        () = writing => Err("unreachable".to_owned()),
    }
}

/// The answers in `back`, as far as they are whole; none if it is no HTTP.
fn parse(back: &[u8]) -> Option<Answer> {
    let mut answer = Answer::default();
    let mut rest = back;
    while !rest.is_empty() {
        let mut fields = [httparse::EMPTY_HEADER; 64];
        let mut head = httparse::Response::new(&mut fields);
        let length = match head.parse(rest).ok()? {
            httparse::Status::Complete(length) => length,
            httparse::Status::Partial => break,
        };
        let field = |name: &str| {
            let found = head.headers.iter().find(|field| field.name.eq_ignore_ascii_case(name));
            found.map(|field| String::from_utf8_lossy(field.value).into_owned())
        };
        let status = head.code?;
        let body = if status < 200 { 0 } else { field("content-length").and_then(|n| n.parse().ok()).unwrap_or(0) };
        let Some(whole) = rest.get(length..length + body) else { break };
        let json: serde_json::Value = serde_json::from_slice(whole).unwrap_or_default();
        let door =
            field("content-type").is_some_and(|kind| kind.contains("problem")) && field("sekisho-entry").is_none();
        let code = json["code"].as_str().filter(|_| door).map(str::to_owned);
        answer.heads.push(Head { status, code, entry: field("sekisho-entry").is_some() });
        rest = &rest[length + body..];
    }
    answer.rest = rest.to_vec();
    Some(answer)
}

/// Whether the gateway still greets.
pub(super) async fn greet(town: &Town) -> Result<(), String> {
    let stream = TcpStream::connect(town.running.gateway).await.map_err(|e| e.to_string())?;
    let answer = exchange(stream, b"GET / HTTP/1.1\r\nhost: gw\r\nconnection: close\r\n\r\n").await?;
    if answer.heads.first().is_some_and(|head| head.status == 200) {
        Ok(())
    } else {
        Err(format!("no greeting: {answer}"))
    }
}
