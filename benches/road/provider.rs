//! The role `provider`: what stands at `api.x.com`, on loopback.

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::{Broken, child, identity};

static NEXT_ID: AtomicU64 = AtomicU64::new(1_900_000_000_000_000_000);

/// Serves until the parent ends. One thread: it shares a CPU with the load generator.
pub(crate) fn role(dir: &Path) -> Result<(), Broken> {
    child::end_with_parent()?;
    let acceptor = TlsAcceptor::from(Arc::new(identity::server(dir)?));
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(serve(acceptor))
}

async fn serve(acceptor: TlsAcceptor) -> Result<(), Broken> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        let acceptor = acceptor.clone();
        // A connection that breaks concerns its other end, which counts it.
        tokio::spawn(async move { connection(acceptor, stream).await });
    }
}

async fn connection(acceptor: TlsAcceptor, stream: TcpStream) -> Result<(), Broken> {
    stream.set_nodelay(true)?;
    let stream = acceptor.accept(stream).await?;
    let mut server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
    // More streams than the widest cell has connections, so that it is not the provider that queues.
    server.http2().max_concurrent_streams(1_024);
    server.serve_connection(TokioIo::new(stream), hyper::service::service_fn(answer)).await
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let wanted = request.method() == Method::POST && request.uri().path() == "/2/tweets";
    let credential = request.headers().contains_key(header::AUTHORIZATION);
    let body = request.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let text = serde_json::from_slice::<serde_json::Value>(&body)
        .ok()
        .and_then(|body| body.get("text").and_then(serde_json::Value::as_str).map(str::to_owned));
    let (status, body) = match text {
        Some(text) if wanted && credential => {
            let id = NEXT_ID.fetch_add(1, Ordering::Relaxed).to_string();
            let data = serde_json::json!({ "edit_history_tweet_ids": [id], "id": id, "text": text });
            (StatusCode::CREATED, serde_json::json!({ "data": data }))
        }
        _ => (StatusCode::BAD_REQUEST, serde_json::json!({ "title": "Invalid Request", "status": 400 })),
    };
    let mut response = Response::new(Full::from(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json; charset=utf-8"));
    headers.insert("x-rate-limit-limit", header::HeaderValue::from_static("40000"));
    headers.insert("x-rate-limit-remaining", header::HeaderValue::from_static("39999"));
    Ok(response)
}
