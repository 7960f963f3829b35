//! What the parts of one connection tell each other: activity, requests in flight, broken framing; and the bodies
//! that report it.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};

use super::head::Violation;
use crate::domain::arrival::{Body, BodyError};

/// Where a broken rule is counted, at once and once.
pub(super) type Report = Box<dyn Fn(Violation) + Send + Sync>;

/// The state that guard, service and bodies of one connection share.
pub(super) struct Watch {
    report: Report,
    opened: Instant,
    last_ms: AtomicU64,
    running: AtomicUsize,
    begun: AtomicU64,
    broken: OnceLock<(u64, Violation)>,
}

impl Watch {
    /// A connection that was opened just now.
    pub(super) fn new(report: Report) -> Arc<Self> {
        Arc::new(Self {
            report,
            opened: Instant::now(),
            last_ms: AtomicU64::new(0),
            running: AtomicUsize::new(0),
            begun: AtomicU64::new(0),
            broken: OnceLock::new(),
        })
    }

    /// Notes that something moved.
    pub(super) fn touch(&self) {
        let elapsed = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_ms.store(elapsed, Ordering::Relaxed);
    }

    /// When the connection is idle for `limit` unless something moves; none while a request is being answered.
    pub(super) fn idle_at(&self, limit: Duration) -> Option<Instant> {
        let last = self.opened + Duration::from_millis(self.last_ms.load(Ordering::Relaxed));
        (self.running.load(Ordering::Acquire) == 0).then(|| last + limit)
    }

    /// Begins a request: its number on this connection, and a token that counts it as running.
    pub(super) fn begin(self: &Arc<Self>) -> (u64, Running) {
        self.running.fetch_add(1, Ordering::AcqRel);
        self.touch();
        (self.begun.fetch_add(1, Ordering::AcqRel), Running(Arc::clone(self)))
    }

    /// Notes that the request of this number broke a rule of HTTP/1. The first note stays.
    pub(super) fn break_at(&self, number: u64, violation: Violation) {
        if self.broken.set((number, violation)).is_ok() {
            (self.report)(violation);
        }
    }

    /// The rule that the request of this number broke.
    pub(super) fn broken(&self, number: u64) -> Option<Violation> {
        self.broken.get().filter(|(at, _)| *at == number).map(|(_, violation)| *violation)
    }
}

/// A request that is being answered, until dropped.
pub(super) struct Running(Arc<Watch>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.touch();
        self.0.running.fetch_sub(1, Ordering::AcqRel);
    }
}

/// What was wrong with one request's body, if anything.
pub(super) type Fault = Arc<OnceLock<Violation>>;

/// A request body on its way in: with a deadline between pieces, and no trailers.
pub(super) struct Inbound {
    inner: Incoming,
    watch: Arc<Watch>,
    number: u64,
    fault: Fault,
    pause: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
    is_waiting: bool,
}

impl Inbound {
    /// The body of request `number`; `fault` is set when it breaks a rule, and the body then fails.
    pub(super) fn new(inner: Incoming, watch: Arc<Watch>, number: u64, fault: Fault, pause: Duration) -> Self {
        Self { inner, watch, number, fault, pause, waiting: None, is_waiting: false }
    }

    fn fail(&self, violation: Violation) -> BodyError {
        if self.fault.set(violation).is_ok() && self.watch.broken(self.number).is_none() {
            (self.watch.report)(violation);
        }
        Box::new(violation)
    }

    fn poll_pause(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let pause = self.pause;
        let timer = self.waiting.get_or_insert_with(|| Box::pin(tokio::time::sleep(pause)));
        if !std::mem::replace(&mut self.is_waiting, true) {
            timer.as_mut().reset(Instant::now() + pause);
        }
        timer.as_mut().poll(cx)
    }
}

impl http_body::Body for Inbound {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        if let Some(violation) = this.fault.get() {
            return Poll::Ready(Some(Err(Box::new(*violation))));
        }
        let Poll::Ready(frame) = Pin::new(&mut this.inner).poll_frame(cx) else {
            return match this.poll_pause(cx) {
                Poll::Ready(()) => Poll::Ready(Some(Err(this.fail(Violation::late("body-timeout"))))),
                Poll::Pending => Poll::Pending,
            };
        };
        this.is_waiting = false;
        this.watch.touch();
        Poll::Ready(match frame {
            Some(Ok(frame)) if frame.is_trailers() => Some(Err(this.fail(Violation::bad("trailers-not-allowed")))),
            Some(Ok(frame)) => Some(Ok(frame)),
            Some(Err(error)) => Some(Err(match this.watch.broken(this.number) {
                Some(violation) => this.fail(violation),
                None => error.into(),
            })),
            None => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.fault.get().is_none() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// A response body on its way out, which counts as activity of its connection.
pub(super) struct Outbound {
    inner: Body,
    watch: Arc<Watch>,
}

impl Outbound {
    /// `inner`, watched.
    pub(super) fn new(inner: Body, watch: Arc<Watch>) -> Self {
        Self { inner, watch }
    }
}

impl http_body::Body for Outbound {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        let frame = Pin::new(&mut this.inner).poll_frame(cx);
        if frame.is_ready() {
            this.watch.touch();
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
