//! A small posting tool: it speaks through the doors as any other, by `CONNECT` with its own TLS inside.

use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Why a request got no answer.
pub type Failed = Box<dyn std::error::Error + Send + Sync>;

/// A posting tool with a client key, which trusts the gateway's root.
#[derive(Clone)]
pub struct Tool {
    gateway: SocketAddr,
    key: String,
    tls: TlsConnector,
}

/// What came back.
#[derive(Debug)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Reply {
    /// A response header as text; empty if it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The body as JSON; null if it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

impl Tool {
    /// A tool that uses the gateway at `gateway` with its client key and trusts `root_pem`.
    pub fn new(gateway: SocketAddr, key: &str, root_pem: &str) -> Result<Self, Failed> {
        let mut roots = rustls::RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(root_pem.as_bytes()) {
            roots.add(certificate?)?;
        }
        let crypto = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(crypto)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { gateway, key: key.to_owned(), tls: TlsConnector::from(Arc::new(config)) })
    }

    /// Sends a JSON request to `https://{host}{path}` through the forward proxy.
    pub async fn send(
        &self,
        method: Method,
        host: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> Result<Reply, Failed> {
        let own = [("authorization", "Bearer practice-credential")];
        let headers: Vec<(&str, &str)> = own.iter().chain(headers).copied().collect();
        self.send_with(method, host, path, &headers, body).await
    }

    /// The same with these headers alone; a body is JSON unless they say otherwise.
    pub async fn send_with(
        &self,
        method: Method,
        host: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> Result<Reply, Failed> {
        let stream = self.connect(host).await?;
        let request = Request::builder().method(method).uri(path).header("host", host);
        exchange(stream, written(request, headers, body)?).await
    }

    /// Sends a JSON request to the gateway port itself (`/x/2/tweets`, `/emergency/x/2/tweets`).
    pub async fn send_reverse(&self, method: Method, path: &str, body: Option<String>) -> Result<Reply, Failed> {
        let body = Some(body.unwrap_or_default());
        self.send_reverse_with(method, path, &[("authorization", "Bearer practice-credential")], body).await
    }

    /// The same with these headers alone; a body is JSON unless they say otherwise.
    pub async fn send_reverse_with(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> Result<Reply, Failed> {
        let stream = TcpStream::connect(self.gateway).await?;
        stream.set_nodelay(true)?;
        let request = Request::builder().method(method).uri(path).header("host", self.gateway.to_string());
        exchange(stream, written(request.header("sekisho-client", &self.key), headers, body)?).await
    }

    /// A connection to `host` through the forward proxy, with the tool's own TLS inside.
    pub async fn connect(&self, host: &str) -> Result<TlsStream<TcpStream>, Failed> {
        let stream = self.tunnel(host).await?;
        let name = ServerName::try_from(host.to_owned())?;
        Ok(self.tls.connect(name, stream).await?)
    }

    async fn tunnel(&self, host: &str) -> Result<TcpStream, Failed> {
        let mut stream = TcpStream::connect(self.gateway).await?;
        stream.set_nodelay(true)?;
        let credential = BASE64_STANDARD.encode(format!("tool:{}", self.key));
        let head = format!(
            "CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\nProxy-Authorization: Basic {credential}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await?;
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            if answer.len() > 8192 {
                return Err("the answer to CONNECT is too long".into());
            }
            answer.push(stream.read_u8().await?);
        }
        if !answer.starts_with(b"HTTP/1.1 200 ") {
            return Err(format!("CONNECT was refused: {}", String::from_utf8_lossy(&answer)).into());
        }
        Ok(stream)
    }
}

fn written(
    mut request: http::request::Builder,
    headers: &[(&str, &str)],
    body: Option<String>,
) -> Result<Request<Full<Bytes>>, Failed> {
    let typed = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    if body.is_some() && !typed {
        request = request.header("content-type", "application/json");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Ok(request.body(Full::from(body.unwrap_or_default()))?)
}

/// One request to the console port, with a person's key.
pub async fn console(
    address: SocketAddr,
    key: &str,
    method: Method,
    path: &str,
    body: Option<serde_json::Value>,
) -> Result<Reply, Failed> {
    let stream = TcpStream::connect(address).await?;
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", address.to_string())
        .header("authorization", format!("Bearer {key}"))
        .header("content-type", "application/json")
        .body(Full::from(body.map(|body| body.to_string()).unwrap_or_default()))?;
    exchange(stream, request).await
}

async fn exchange<IO>(stream: IO, request: Request<Full<Bytes>>) -> Result<Reply, Failed>
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let response = sender.send_request(request).await?;
    let (parts, body) = response.into_parts();
    let body = body.collect().await?.to_bytes();
    driver.abort();
    Ok(Reply { status: parts.status, headers: parts.headers, body })
}
