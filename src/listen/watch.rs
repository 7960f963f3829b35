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

/// What a client must send of a body on average, in bytes a second, once the time for one piece is used up.
const LEAST_RATE: u64 = 1_024;

/// A request body on its way in: with a deadline between pieces, a least rate, and no trailers.
pub(super) struct Inbound {
    inner: Incoming,
    watch: Arc<Watch>,
    number: u64,
    fault: Fault,
    pause: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    since: Option<Instant>,
    waited: Duration,
    received: u64,
}

impl Inbound {
    /// The body of request `number`; `fault` is set when it breaks a rule, and the body then fails.
    pub(super) fn new(inner: Incoming, watch: Arc<Watch>, number: u64, fault: Fault, pause: Duration) -> Self {
        Self { inner, watch, number, fault, pause, timer: None, since: None, waited: Duration::ZERO, received: 0 }
    }

    fn fail(&self, violation: Violation) -> BodyError {
        if self.fault.set(violation).is_ok() && self.watch.broken(self.number).is_none() {
            (self.watch.report)(violation);
        }
        Box::new(violation)
    }

    /// Ready when the client has been waited for too long: for this piece, or for so few bytes in all. The time that
    /// the handler takes for itself isn't counted.
    fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.since.is_none() {
            let now = Instant::now();
            self.since = Some(now);
            let earned = Duration::from_millis(self.received.saturating_mul(1_000) / LEAST_RATE);
            let deadline = now + self.pause.min((self.pause + earned).saturating_sub(self.waited));
            match &mut self.timer {
                Some(timer) => timer.as_mut().reset(deadline),
                None => self.timer = Some(Box::pin(tokio::time::sleep_until(deadline))),
            }
        }
        self.timer.as_mut().map_or(Poll::Pending, |timer| timer.as_mut().poll(cx))
    }

    fn arrived(&mut self, frame: Option<&Result<Frame<Bytes>, hyper::Error>>) {
        self.watch.touch();
        self.waited += self.since.take().map_or(Duration::ZERO, |since| since.elapsed());
        let piece = frame.and_then(|frame| frame.as_ref().ok()).and_then(Frame::data_ref).map_or(0, Bytes::len);
        self.received += piece as u64;
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
            return match this.poll_late(cx) {
                Poll::Ready(()) => Poll::Ready(Some(Err(this.fail(Violation::late("body-timeout"))))),
                Poll::Pending => Poll::Pending,
            };
        };
        this.arrived(frame.as_ref());
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
