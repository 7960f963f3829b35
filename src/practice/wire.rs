//! Connections: TLS, HTTP/1.1 and HTTP/2, and the troubles that are made on the wire.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use super::exchange::{Answer, Asked, pairs};
use super::fault::{Trouble, When};
use super::intake::{Body, Intake};
use super::record::Received;
use super::stage::{BACKSTAGE, Stage};

type Reply = Response<UnsyncBoxBody<Bytes, io::Error>>;

/// What no HTTP parser takes for an answer.
const GARBAGE: &[u8] = b"\x00\xffthis is not HTTP\r\n\r\n\x00";

/// Takes connections until `stop`.
pub(super) async fn accept(listener: TcpListener, tls: TlsAcceptor, stage: Arc<Stage>, stop: CancellationToken) {
    loop {
        let connection = tokio::select! {
            () = stop.cancelled() => return,
            connection = listener.accept() => connection,
        };
        // Accepting fails for one client, or for want of descriptors; both pass.
        let Ok((stream, _)) = connection else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let (tls, stage, cut) = (tls.clone(), Arc::clone(&stage), stop.child_token());
        tokio::spawn(async move {
            tokio::select! {
                () = cut.cancelled() => {}
                () = converse(stream, tls, stage, cut.clone()) => {}
            }
        });
    }
}

async fn converse(stream: TcpStream, tls: TlsAcceptor, stage: Arc<Stage>, cut: CancellationToken) {
    let _ = stream.set_nodelay(true);
    let Ok(stream) = tls.accept(stream).await else { return };
    let orders = Arc::new(Orders { cut, reset: AtomicBool::new(false), garbage: AtomicBool::new(false) });
    let tap = Tap { stream, orders: Arc::clone(&orders) };
    let service = service_fn(move |request| serve(request, Arc::clone(&stage), Arc::clone(&orders)));
    let mut builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
    builder.http2().initial_stream_window_size(1024 * 1024).initial_connection_window_size(4 * 1024 * 1024);
    // How a client leaves is on record with its request.
    let _ = builder.serve_connection(TokioIo::new(tap), service).await;
}

/// What the handlers tell their connection.
struct Orders {
    cut: CancellationToken,
    reset: AtomicBool,
    garbage: AtomicBool,
}

async fn serve(request: Request<Incoming>, stage: Arc<Stage>, orders: Arc<Orders>) -> Result<Reply, Infallible> {
    let (head, incoming) = request.into_parts();
    let received = received(&head, stage.clock.now());
    let path = head.uri.path().to_owned();
    let backstage = path.starts_with(BACKSTAGE);
    let fault = if backstage { None } else { stage.strike(&received.host, &received.method, &path) };
    let (host, at) = (received.host.clone(), received.at);
    // What the website is asked for is no request to a provider.
    let off_record = backstage || super::SITES.contains(&host.as_str());
    let number = if off_record { u64::MAX } else { stage.note(received) };
    if let Some((When::BeforeBody, trouble)) = &fault {
        return Ok(trouble_instead(trouble, &stage, number, &orders).await);
    }
    let upload = path.contains("/media/upload")
        || matches!(path.as_str(), "/api/v1/media" | "/api/v2/media" | "/xrpc/com.atproto.repo.uploadBlob");
    let body = read(incoming, Intake::new(&content_type(&head), upload)).await;
    stage.amend(number, |received| keep(received, &body));
    if !body.complete {
        return Ok(cut_off(&orders).await);
    }
    if let Some((When::AfterBody, trouble)) = &fault
        && !matters_to_answer(trouble)
    {
        return Ok(trouble_instead(trouble, &stage, number, &orders).await);
    }
    let query = pairs(head.uri.query().unwrap_or_default());
    let asked = Asked { number, at, host, method: head.method, path, query, headers: head.headers, body };
    let answer = if backstage { stage.backstage(&asked) } else { answer(&stage, asked, upload).await };
    stage.amend(number, |received| received.status = Some(answer.status.as_u16()));
    match fault {
        None => Ok(reply(answer)),
        Some((_, trouble)) if matters_to_answer(&trouble) => Ok(spoilt(answer, &trouble)),
        Some((_, trouble)) => Ok(trouble_instead(&trouble, &stage, number, &orders).await),
    }
}

/// Files are hashed when an upload ends; that is not work for the threads that serve the network.
async fn answer(stage: &Arc<Stage>, asked: Asked, upload: bool) -> Answer {
    if !upload {
        return stage.answer(asked);
    }
    let stage = Arc::clone(stage);
    let failed = || Answer::json(StatusCode::INTERNAL_SERVER_ERROR, &serde_json::json!({}));
    tokio::task::spawn_blocking(move || stage.answer(asked)).await.unwrap_or_else(|_| failed())
}

fn received(head: &http::request::Parts, at: jiff::Timestamp) -> Received {
    let host = head.uri.host().map(str::to_owned).or_else(|| {
        let host = head.headers.get(http::header::HOST)?.to_str().ok()?;
        Some(host.split(':').next().unwrap_or(host).to_owned())
    });
    let headers = head
        .headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    Received {
        number: 0,
        at,
        host: host.unwrap_or_default().to_ascii_lowercase(),
        method: head.method.to_string(),
        target: head.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        version: format!("{:?}", head.version),
        headers,
        complete: false,
        body_bytes: 0,
        body_sha256: String::new(),
        body: None,
        parts: Vec::new(),
        status: None,
    }
}

fn content_type(head: &http::request::Parts) -> String {
    let value = head.headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}

async fn read(mut incoming: Incoming, mut intake: Intake) -> Body {
    loop {
        match incoming.frame().await {
            None => return intake.finish(true),
            Some(Err(_)) => return intake.finish(false),
            Some(Ok(frame)) => {
                if let Some(piece) = frame.data_ref() {
                    intake.feed(piece);
                }
            }
        }
    }
}

fn keep(received: &mut Received, body: &Body) {
    received.complete = body.complete;
    received.body_bytes = body.bytes;
    received.body_sha256.clone_from(&body.sha256);
    received.body.clone_from(&body.kept);
    received.parts = body.parts.iter().map(|part| part.record.clone()).collect();
}

/// Whether the trouble spoils the true answer rather than standing in its place.
fn matters_to_answer(trouble: &Trouble) -> bool {
    matches!(trouble, Trouble::Slow { .. } | Trouble::Late { .. } | Trouble::Huge { .. } | Trouble::Truncated)
}

async fn trouble_instead(trouble: &Trouble, stage: &Stage, number: u64, orders: &Orders) -> Reply {
    match trouble {
        Trouble::Reset => {
            orders.reset.store(true, Ordering::Relaxed);
            cut_off(orders).await
        }
        Trouble::Close => cut_off(orders).await,
        Trouble::Hang => std::future::pending().await,
        Trouble::Garbage => {
            orders.garbage.store(true, Ordering::Relaxed);
            whole(Response::builder(), Vec::new())
        }
        Trouble::Answer { status, content_type, body } => {
            stage.amend(number, |received| received.status = Some(*status));
            whole(Response::builder().status(*status).header("content-type", content_type), body.clone().into_bytes())
        }
        // Before the body there is no true answer that these could spoil.
        Trouble::Slow { .. } | Trouble::Late { .. } | Trouble::Huge { .. } | Trouble::Truncated => spoilt(
            Answer::json(StatusCode::OK, &serde_json::json!({"data": {"practice": "no answer was prepared"}})),
            trouble,
        ),
    }
}

async fn cut_off(orders: &Orders) -> Reply {
    orders.cut.cancel();
    std::future::pending().await
}

fn head_of(answer: &Answer) -> http::response::Builder {
    let mut builder = Response::builder().status(answer.status);
    if !answer.content_type.is_empty() {
        builder = builder.header("content-type", answer.content_type);
    }
    answer.headers.iter().fold(builder, |builder, (name, value)| builder.header(*name, value))
}

fn reply(answer: Answer) -> Reply {
    whole(head_of(&answer), answer.body)
}

fn whole(builder: http::response::Builder, body: Vec<u8>) -> Reply {
    let body = Full::new(Bytes::from(body)).map_err(|never| match never {}).boxed_unsync();
    builder.body(body).unwrap_or_default()
}

fn spoilt(answer: Answer, trouble: &Trouble) -> Reply {
    let head = head_of(&answer);
    let body = answer.body;
    let (head, pieces): (_, stream::BoxStream<'static, io::Result<Bytes>>) = match *trouble {
        Trouble::Slow { pause_ms } => {
            let pause = Duration::from_millis(pause_ms);
            let bytes = stream::unfold(body.into_iter(), move |mut rest| async move {
                tokio::time::sleep(pause).await;
                rest.next().map(|byte| (Ok(Bytes::copy_from_slice(&[byte])), rest))
            });
            (head, Box::pin(bytes))
        }
        Trouble::Late { pause_ms } => {
            let whole = async move {
                tokio::time::sleep(Duration::from_millis(pause_ms)).await;
                Ok(Bytes::from(body))
            };
            (head, Box::pin(stream::once(whole)))
        }
        Trouble::Huge { bytes } => {
            let chunk = Bytes::from(vec![b'a'; 64 * 1024]);
            let pieces = stream::unfold(bytes, move |left| {
                let piece = chunk.slice(..usize::try_from(left).unwrap_or(usize::MAX).min(chunk.len()));
                let after = left - piece.len() as u64;
                async move { (!piece.is_empty()).then_some((Ok(piece), after)) }
            });
            (head, Box::pin(pieces))
        }
        _ => {
            let (half, _) = body.split_at(body.len() / 2);
            let pieces = [Ok(Bytes::copy_from_slice(half)), Err(io::Error::from(io::ErrorKind::BrokenPipe))];
            (head.header("content-length", body.len()), Box::pin(stream::iter(pieces)))
        }
    };
    let frames = futures_util::StreamExt::map(pieces, |piece| piece.map(Frame::data));
    head.body(StreamBody::new(frames).boxed_unsync()).unwrap_or_default()
}

/// The TLS stream, under orders.
struct Tap {
    stream: TlsStream<TcpStream>,
    orders: Arc<Orders>,
}

impl Drop for Tap {
    fn drop(&mut self) {
        if self.orders.reset.load(Ordering::Relaxed) {
            // A close with zero linger is a reset. Without it the client sees a plain close, which is close enough.
            let _ = self.stream.get_ref().0.set_zero_linger();
        }
    }
}

impl AsyncRead for Tap {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Tap {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if !self.orders.garbage.load(Ordering::Relaxed) {
            return Pin::new(&mut self.stream).poll_write(cx, bytes);
        }
        let written = std::task::ready!(Pin::new(&mut self.stream).poll_write(cx, GARBAGE));
        // What is not flushed at once is lost with the connection, and a cut-off answer is garbage too.
        let _ = Pin::new(&mut self.stream).poll_flush(cx);
        Poll::Ready(written.and(Err(io::Error::from(io::ErrorKind::BrokenPipe))))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
