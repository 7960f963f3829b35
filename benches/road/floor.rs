//! The role `floor`: the bare proxy, hyper 1 with hyper-util's pooled client, which judges and records nothing.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response, StatusCode, Uri, header};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::rt::ReadBufCursor;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::{Broken, child, identity};

type Upstream = Client<ToProvider, Incoming>;

/// Serves until the parent ends, on the runtime that the gate has too: one worker for each CPU it may use.
pub(crate) fn role(dir: &Path, provider: &str, alpn: &str) -> Result<(), Broken> {
    child::end_with_parent()?;
    let connector = ToProvider {
        address: provider.parse()?,
        name: identity::server_name()?,
        tls: identity::client(dir, alpn)?,
        h2: alpn == "h2",
    };
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve(connector))
}

async fn serve(connector: ToProvider) -> Result<(), Broken> {
    let upstream: Upstream = Client::builder(TokioExecutor::new()).build(connector);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let upstream = upstream.clone();
        let service = hyper::service::service_fn(move |request| pass(upstream.clone(), request));
        // A connection that breaks concerns the load generator, which counts it.
        tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn pass(
    upstream: Upstream,
    mut request: Request<Incoming>,
) -> Result<Response<BoxBody<Bytes, hyper::Error>>, http::Error> {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let path = path.strip_prefix("/x").unwrap_or(path);
    *request.uri_mut() = Uri::builder().scheme("https").authority(identity::HOST).path_and_query(path).build()?;
    *request.version_mut() = http::Version::HTTP_11;
    let headers = request.headers_mut();
    headers.insert(header::HOST, header::HeaderValue::from_static(identity::HOST));
    headers.remove("sekisho-client");
    Ok(match upstream.request(request).await {
        Ok(mut response) => {
            *response.version_mut() = http::Version::HTTP_11;
            response.map(|body| body.boxed())
        }
        Err(_) => {
            let nothing = Empty::new().map_err(|never| match never {}).boxed();
            Response::builder().status(StatusCode::BAD_GATEWAY).body(nothing)?
        }
    })
}

/// Connects to the provider, whatever the URI's host resolves to.
#[derive(Clone)]
struct ToProvider {
    address: SocketAddr,
    name: ServerName<'static>,
    tls: TlsConnector,
    h2: bool,
}

impl tower_service::Service<Uri> for ToProvider {
    type Response = Stream;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Stream>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let Self { address, name, tls, h2 } = self.clone();
        Box::pin(async move {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            Ok(Stream { io: TokioIo::new(tls.connect(name, stream).await?), h2 })
        })
    }
}

/// A TLS stream that tells the pool which protocol was agreed.
struct Stream {
    io: TokioIo<TlsStream<TcpStream>>,
    h2: bool,
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        if self.h2 { Connected::new().negotiated_h2() } else { Connected::new() }
    }
}

impl hyper::rt::Read for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl hyper::rt::Write for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }
}
