//! The port that shows the copies, and nothing else: `GET` and `HEAD` of `/media/{name}`, with ranges.
//!
//! It is the one part of the gateway that the internet may reach, so it knows of no account, no post and no way in.

use std::convert::Infallible;
use std::io::SeekFrom;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Empty, StreamBody};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Copies, Copy, PATH};

/// Open connections.
const MOST_CONNECTIONS: usize = 256;
/// Time for a head.
const HEAD: Duration = Duration::from_secs(10);
/// Longest time that one connection is served: a film of a gigabyte at 10 Mbit/s.
const LONGEST: Duration = Duration::from_secs(900);
/// Time for answers in flight after `stop`.
const DRAIN: Duration = Duration::from_secs(10);
/// Wait after an accept that failed, such as for want of file descriptors.
const BACK_OFF: Duration = Duration::from_millis(100);

type Reply = Response<UnsyncBoxBody<bytes::Bytes, std::io::Error>>;

/// Shows the copies on a bound port until `stop` is cancelled.
pub async fn serve(listener: TcpListener, copies: Arc<Copies>, stop: CancellationToken) {
    let connections = TaskTracker::new();
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let Ok((tcp, _)) = accepted else {
            tokio::time::sleep(BACK_OFF).await;
            continue;
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
        let (copies, stop) = (Arc::clone(&copies), stop.clone());
        connections.spawn(async move {
            let _place = place;
            let service = service_fn(move |request| {
                let copies = Arc::clone(&copies);
                async move { Ok::<_, Infallible>(answer(&copies, &request).await) }
            });
            let mut builder = hyper::server::conn::http1::Builder::new();
            builder.timer(TokioTimer::new()).header_read_timeout(HEAD).max_headers(64).max_buf_size(32 * 1024);
            let mut connection = pin!(builder.serve_connection(TokioIo::new(tcp), service));
            tokio::select! {
                _ = tokio::time::timeout(LONGEST, connection.as_mut()) => {}
                () = stop.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    let _ = tokio::time::timeout(DRAIN, connection).await;
                }
            }
        });
    }
    drop(listener);
    connections.close();
    let _ = tokio::time::timeout(DRAIN, connections.wait()).await;
}

/// The answer to one request. Whatever is no copy is not there.
async fn answer<B>(copies: &Copies, request: &Request<B>) -> Reply {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut reply = empty(StatusCode::METHOD_NOT_ALLOWED);
        reply.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return reply;
    }
    let copy = request.uri().path().strip_prefix(PATH).and_then(|name| copies.find(name));
    let Some(copy) = copy else { return empty(StatusCode::NOT_FOUND) };
    let asked = request.headers().get(header::RANGE).and_then(|value| value.to_str().ok());
    let (status, from, len) = match asked.map_or(Asked::All, |range| range_of(range, copy.len)) {
        Asked::All => (StatusCode::OK, 0, copy.len),
        Asked::Part { from, to } => (StatusCode::PARTIAL_CONTENT, from, to - from + 1),
        Asked::Beyond => {
            let mut reply = empty(StatusCode::RANGE_NOT_SATISFIABLE);
            put(&mut reply, header::CONTENT_RANGE, &format!("bytes */{}", copy.len));
            return reply;
        }
    };
    let mut reply = if *request.method() == Method::HEAD {
        empty(status)
    } else {
        match body(&copy, from, len).await {
            Ok(body) => Response::new(body),
            // It went between the look and the opening.
            Err(_) => return empty(StatusCode::NOT_FOUND),
        }
    };
    *reply.status_mut() = status;
    describe(&mut reply, &copy, len);
    if status == StatusCode::PARTIAL_CONTENT {
        put(&mut reply, header::CONTENT_RANGE, &format!("bytes {from}-{}/{}", from + len - 1, copy.len));
    }
    reply
}

/// What the copy is, for how long it stays, and that a browser is to make nothing else of it.
fn describe(reply: &mut Reply, copy: &Copy, len: u64) {
    put(reply, header::CONTENT_LENGTH, &len.to_string());
    put(reply, header::CACHE_CONTROL, &format!("public, max-age={}, immutable", copy.left.as_secs()));
    let fixed = [
        (header::CONTENT_TYPE, copy.kind.content_type()),
        (header::ACCEPT_RANGES, "bytes"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
        (header::CONTENT_DISPOSITION, "inline"),
        (header::HeaderName::from_static("x-robots-tag"), "noindex"),
    ];
    for (name, value) in fixed {
        reply.headers_mut().insert(name, HeaderValue::from_static(value));
    }
}

async fn body(copy: &Copy, from: u64, len: u64) -> std::io::Result<UnsyncBoxBody<bytes::Bytes, std::io::Error>> {
    let mut file = tokio::fs::File::open(&copy.path).await?;
    file.seek(SeekFrom::Start(from)).await?;
    let stream = tokio_util::io::ReaderStream::with_capacity(file.take(len), 64 * 1024);
    Ok(StreamBody::new(stream.map(|piece| piece.map(Frame::data))).boxed_unsync())
}

/// What a `Range` asks for (RFC 9110 section 14.2).
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    /// Everything; also where the range is of no form that is understood, or names several.
    All,
    /// From this byte to that, both included.
    Part { from: u64, to: u64 },
    /// What is not there.
    Beyond,
}

fn range_of(text: &str, len: u64) -> Asked {
    let digits = |text: &str| text.parse::<u64>().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()));
    let Some((from, to)) = text.strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return Asked::All;
    };
    match (from, digits(from), to, digits(to)) {
        ("", _, _, Some(last)) if last > 0 && len > 0 => Asked::Part { from: len.saturating_sub(last), to: len - 1 },
        ("", _, _, Some(_)) => Asked::Beyond,
        (_, Some(from), "", _) if from < len => Asked::Part { from, to: len - 1 },
        (_, Some(from), _, Some(to)) if from <= to && from < len => Asked::Part { from, to: to.min(len - 1) },
        (_, Some(from), "", _) if from >= len => Asked::Beyond,
        (_, Some(from), _, Some(to)) if from <= to => Asked::Beyond,
        _ => Asked::All,
    }
}

fn put(reply: &mut Reply, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        reply.headers_mut().insert(name, value);
    }
}

fn empty(status: StatusCode) -> Reply {
    let mut reply = Response::new(Empty::new().map_err(|never| match never {}).boxed_unsync());
    *reply.status_mut() = status;
    reply
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_one_range_within_the_copy_or_all_of_it() {
        let cases = [
            ("bytes=0-9", Asked::Part { from: 0, to: 9 }),
            ("bytes=90-", Asked::Part { from: 90, to: 99 }),
            ("bytes=90-1000", Asked::Part { from: 90, to: 99 }),
            ("bytes=-10", Asked::Part { from: 90, to: 99 }),
            ("bytes=-1000", Asked::Part { from: 0, to: 99 }),
            ("bytes=100-", Asked::Beyond),
            ("bytes=100-200", Asked::Beyond),
            ("bytes=-0", Asked::Beyond),
            ("bytes=9-0", Asked::All),
            ("bytes=0-1,5-6", Asked::All),
            ("bytes=+1-5", Asked::All),
            ("pages=1-2", Asked::All),
            ("bytes=-", Asked::All),
        ];
        for (text, asked) in cases {
            assert_eq!(range_of(text, 100), asked, "{text}");
        }
    }
}
