//! One connection: finds out what it speaks (TLS, HTTP/2, CONNECT, HTTP/1), guards it, and turns requests into
//! arrivals.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Request, Response, Version, header};
use http_body::Body as _;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::AsyncReadExt;
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

use super::guard::{Guard, Io, Prefixed};
use super::head::{self, Violation};
use super::reverse::{self, Place, Route, Target};
use super::watch::{Fault, Inbound, Outbound, Watch};
use super::{Doors, refusal, tunnel};
use crate::domain::arrival::{Arrival, Door, Malformed, full};
use crate::domain::decision::Refusal;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n";
const CONNECT: &[u8] = b"CONNECT ";
/// How long a client may take to hear that an idle connection ends.
const GOODBYE: Duration = Duration::from_millis(1_000);

/// One accepted connection.
#[derive(Clone)]
pub(super) struct Connection {
    /// What every door needs.
    pub(super) doors: Arc<Doors>,
    /// Who is at the other end.
    pub(super) peer: SocketAddr,
    /// Where it came in.
    pub(super) place: Place,
    /// Cancelled when the gateway stops.
    pub(super) stop: CancellationToken,
    /// Whether it is encrypted with the gateway's own certificate.
    pub(super) secure: bool,
}

/// What a connection turns out to speak.
enum Speech {
    Tls,
    Second,
    Connect,
    First,
}

impl Connection {
    /// Serves the connection to its end.
    pub(super) async fn serve(mut self, io: Io) {
        if matches!(self.place, Place::Transparent) {
            return self.named(io).await;
        }
        let Some((speech, io)) = self.listen_in(io, true).await else { return };
        let (speech, io) = if matches!(speech, Speech::Tls) {
            let Some((io, second)) = self.own_tls(io).await else { return };
            self.secure = true;
            if second {
                return self.second_version(io).await;
            }
            let Some(heard) = self.listen_in(io, false).await else { return };
            heard
        } else {
            (speech, io)
        };
        match speech {
            Speech::Tls => self.malformed("tls-in-tls"),
            Speech::Second => self.second_version(io).await,
            Speech::Connect if matches!(self.place, Place::Gateway) => self.tunnel(io).await,
            Speech::Connect | Speech::First => self.first_version(io).await,
        }
    }

    /// Reads until it's clear what is spoken; the bytes are put back.
    async fn listen_in(&self, mut io: Io, outermost: bool) -> Option<(Speech, Io)> {
        let limits = &self.doors.config.limits;
        let mut deadline = Instant::now() + Duration::from_millis(limits.idle_ms);
        let mut bytes = BytesMut::with_capacity(1024);
        let speech = loop {
            let read = tokio::select! {
                read = timeout_at(deadline, io.read_buf(&mut bytes)) => read,
                () = self.stop.cancelled() => return None,
            };
            match read {
                Ok(Ok(1..)) => {}
                Ok(Ok(0)) if !bytes.is_empty() => break Speech::First,
                _ => return None,
            }
            let begins = |word: &[u8]| word.starts_with(&bytes) || bytes.starts_with(word);
            match bytes.first() {
                Some(0x16) if outermost => break Speech::Tls,
                _ if bytes.starts_with(PREFACE) && outermost => break Speech::Second,
                _ if bytes.starts_with(CONNECT) => break Speech::Connect,
                _ if begins(CONNECT) || (begins(PREFACE) && outermost) => {}
                _ => break Speech::First,
            }
            deadline = deadline.min(Instant::now() + Duration::from_millis(limits.head_ms));
        };
        Some((speech, Box::new(Prefixed::new(bytes.freeze(), io))))
    }

    /// The handshake with the gateway's own certificate, and whether HTTP/2 was agreed on.
    async fn own_tls(&self, io: Io) -> Option<(Io, bool)> {
        let deadline = Instant::now() + Duration::from_millis(self.doors.config.limits.head_ms);
        let acceptor = tokio_rustls::TlsAcceptor::from(self.doors.ca.own_tls());
        let Ok(Ok(stream)) = timeout_at(deadline, acceptor.accept(io)).await else {
            self.malformed("tls-failed");
            return None;
        };
        let second = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        Some((Box::new(stream), second))
    }

    async fn tunnel(&mut self, io: Io) {
        let opened = tokio::select! {
            opened = tunnel::open(&self.doors, io) => opened,
            () = self.stop.cancelled() => return,
        };
        match opened {
            Ok(tunnel) => self.inside(tunnel, Door::Tunnel).await,
            Err(tunnel::Closed { code, answer }) => {
                self.malformed(code);
                if let Some((mut io, refusal)) = answer {
                    tunnel::turn_away(&mut io, &refusal).await;
                }
            }
        }
    }

    /// TLS whose name says where it is meant to go; whatever else is said here gets no answer.
    async fn named(&mut self, io: Io) {
        let opened = tokio::select! {
            opened = tunnel::open_by_name(&self.doors, io) => opened,
            () = self.stop.cancelled() => return,
        };
        match opened {
            Ok(tunnel) => self.inside(tunnel, Door::Transparent).await,
            Err(code) => self.malformed(code),
        }
    }

    async fn inside(&mut self, tunnel::Tunnel { host, credential, io }: tunnel::Tunnel, door: Door) {
        let second = io.get_ref().1.alpn_protocol() == Some(b"h2");
        self.place = Place::Tunnel { host, credential, door };
        if second { self.second_version(Box::new(io)).await } else { self.first_version(Box::new(io)).await }
    }

    async fn first_version(&self, io: Io) {
        let limits = self.doors.config.limits;
        let watch = self.watch();
        let guard = Guard::new(io, limits, Arc::clone(&watch));
        let service = self.clone().service(&watch);
        // Deadlines and limits of the head are the guard's; hyper's must not fire before them.
        let mut builder = http1::Builder::new();
        builder.half_close(false).keep_alive(true).pipeline_flush(true).header_read_timeout(None);
        if limits.head_fields >= 100 {
            builder.max_headers(limits.head_fields + 1);
        }
        builder.max_buf_size(limits.head_bytes.max(16 * 1024) + 16 * 1024);
        let mut connection = pin!(builder.serve_connection(TokioIo::new(guard), service));
        let event = tokio::select! {
            _ = connection.as_mut() => return,
            event = self.event(&watch) => event,
        };
        connection.as_mut().graceful_shutdown();
        match event {
            Event::Idle => drop(timeout_at(Instant::now() + GOODBYE, connection).await),
            Event::Stop => drop(connection.await),
        }
    }

    async fn second_version(&self, io: Io) {
        let limits = self.doors.config.limits;
        let watch = self.watch();
        let service = self.clone().service(&watch);
        let list = u32::try_from(limits.head_bytes).unwrap_or(u32::MAX);
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .max_concurrent_streams(limits.h2_streams)
            .initial_stream_window_size(limits.h2_stream_window_bytes)
            .initial_connection_window_size(limits.h2_stream_window_bytes.saturating_mul(16))
            .max_pending_accept_reset_streams(limits.h2_pending_resets)
            .max_local_error_reset_streams(limits.h2_pending_resets.saturating_mul(4))
            .max_header_list_size(list)
            .max_send_buf_size(256 * 1024);
        let mut connection = pin!(builder.serve_connection(TokioIo::new(io), service));
        let event = tokio::select! {
            _ = connection.as_mut() => return,
            event = self.event(&watch) => event,
        };
        connection.as_mut().graceful_shutdown();
        match event {
            Event::Idle => drop(timeout_at(Instant::now() + GOODBYE, connection).await),
            Event::Stop => drop(connection.await),
        }
    }

    fn watch(&self) -> Arc<Watch> {
        let (handler, peer) = (Arc::clone(&self.doors.handler), self.peer);
        Watch::new(Box::new(move |violation| handler.malformed(Malformed { peer, code: violation.code })))
    }

    /// Waits until nothing has moved for too long, or the gateway stops.
    async fn event(&self, watch: &Watch) -> Event {
        let limit = Duration::from_millis(self.doors.config.limits.idle_ms);
        loop {
            let now = Instant::now();
            let wake = match watch.idle_at(limit) {
                Some(at) if at <= now => return Event::Idle,
                Some(at) => at,
                None => now + limit,
            };
            tokio::select! {
                () = sleep_until(wake) => {}
                () = self.stop.cancelled() => return Event::Stop,
            }
        }
    }

    fn service(
        self,
        watch: &Arc<Watch>,
    ) -> impl hyper::service::Service<
        Request<Incoming>,
        Response = Response<Outbound>,
        Error = Infallible,
        Future = impl Future<Output = Result<Response<Outbound>, Infallible>> + Send + use<>,
    > + use<> {
        let (connection, watch) = (Arc::new(self), Arc::clone(watch));
        service_fn(move |request| {
            // Numbered at once: hyper calls in the order of the heads.
            let (number, running) = watch.begin();
            let (connection, watch) = (Arc::clone(&connection), Arc::clone(&watch));
            async move {
                let response = connection.answer(request, number, &watch).await;
                drop(running);
                Ok(response.map(|body| Outbound::new(body, watch)))
            }
        })
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
        number: u64,
        watch: &Arc<Watch>,
    ) -> Response<crate::domain::arrival::Body> {
        let first = request.version() < Version::HTTP_2;
        let broken = |violation: Violation| refusal::answer(&refusal::of_violation(violation), first);
        if let Some(violation) = watch.broken(number) {
            return broken(violation);
        }
        let (parts, body) = request.into_parts();
        if let Some(violation) = self.too_large(&parts) {
            return self.refuse(&refusal::of_violation(violation), first);
        }
        let settled = reverse::settle(&self.place, &parts, &*self.doors.hosts);
        let most = head::most_body(parts.method.as_str().as_bytes());
        let route = match settled {
            Ok(_) if most.is_some_and(|most| body.size_hint().upper().is_none_or(|length| length > most)) => {
                let violation = Violation::bad("body-not-expected");
                return self.refuse(&refusal::of_violation(violation), first);
            }
            Ok(Target::Provider(route)) => route,
            Ok(Target::Greeting) => return greeting(),
            Err(refusal) => return self.refuse(&refusal, false),
        };
        let fault: Fault = Arc::new(OnceLock::new());
        let arrival = self.arrival(route, parts, body, (number, watch, &fault));
        let response = self.doors.handler.handle(arrival).await;
        // Whatever the handler made of a body that failed, the client is told why it failed.
        match watch.broken(number).or_else(|| fault.get().copied()) {
            Some(violation) => broken(violation),
            None => response,
        }
    }

    /// The guard's limits on heads, for HTTP/2 too.
    fn too_large(&self, parts: &http::request::Parts) -> Option<Violation> {
        let limits = &self.doors.config.limits;
        let target = parts.uri.path_and_query().map_or(0, |target| target.as_str().len());
        if parts.headers.len() > limits.head_fields {
            return Some(Violation::large("too-many-fields"));
        }
        (target > limits.target_bytes).then(|| Violation::large("target-too-long"))
    }

    fn arrival(
        &self,
        route: Route,
        parts: http::request::Parts,
        body: Incoming,
        (number, watch, fault): (u64, &Arc<Watch>, &Fault),
    ) -> Arrival {
        let body = if body.is_end_stream() {
            full(Bytes::new())
        } else {
            let pause = Duration::from_millis(self.doors.config.limits.body_ms);
            Inbound::new(body, Arc::clone(watch), number, Arc::clone(fault), pause).boxed()
        };
        let tunnel_credential = match &self.place {
            Place::Tunnel { credential, .. } => credential.clone(),
            Place::Gateway | Place::Origin(_) | Place::Transparent => None,
        };
        let base = self.base(&route, &parts);
        Arrival {
            method: parts.method,
            host: route.host,
            path: route.path,
            query: route.query,
            headers: parts.headers,
            body,
            door: route.door,
            emergency: route.emergency,
            tunnel_credential,
            peer: self.peer,
            base,
        }
    }

    /// The address by which a reverse door was called, for answers that name an address of the next step.
    fn base(&self, route: &Route, parts: &http::request::Parts) -> Option<String> {
        if matches!(route.door, Door::Absolute | Door::Tunnel | Door::Transparent) {
            return None;
        }
        let authority = super::authority::agreed(parts)?;
        let scheme = if self.secure { "https" } else { "http" };
        let emergency = if route.emergency { "/emergency" } else { "" };
        Some(format!("{scheme}://{authority}{emergency}"))
    }

    fn refuse(&self, refusal: &Refusal, close: bool) -> Response<crate::domain::arrival::Body> {
        self.malformed(match &refusal.code {
            std::borrow::Cow::Borrowed(code) => code,
            std::borrow::Cow::Owned(_) => "malformed",
        });
        refusal::answer(refusal, close)
    }

    fn malformed(&self, code: &'static str) {
        self.doors.handler.malformed(Malformed { peer: self.peer, code });
    }
}

/// Why a connection is asked to end.
enum Event {
    Idle,
    Stop,
}

fn greeting() -> Response<crate::domain::arrival::Body> {
    let text = "sekisho: SNS公式アカウントの投稿ゲートウェイです。 Call /{provider host}/{path} or use me as an HTTPS proxy.\n";
    let mut response = Response::new(full(text));
    let plain = http::HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response
}
