//! How long a provider may be silent. The time is counted from the last thing that moved, not from the start, so that
//! a large medium over a slow line is no timeout while it moves.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep, sleep_until};

/// When a body on its way out last moved.
#[derive(Clone, Debug)]
pub(super) struct Pulse(Arc<Mutex<Instant>>);

impl Pulse {
    /// Beats now.
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }

    /// Notes that a piece was taken.
    pub(super) fn beat(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Comes back once nothing has moved for `limit`.
    pub(super) async fn silent(&self, limit: Duration) {
        loop {
            let due = *self.0.lock().unwrap_or_else(PoisonError::into_inner) + limit;
            if due <= Instant::now() {
                return;
            }
            sleep_until(due).await;
        }
    }
}

/// A body on its way in that fails when nothing arrives for too long.
pub(super) struct Attended<B> {
    body: B,
    limit: Duration,
    timer: Pin<Box<Sleep>>,
}

impl<B> Attended<B> {
    /// `body`, each piece within `limit` of the one before.
    pub(super) fn new(body: B, limit: Duration) -> Self {
        Self { body, limit, timer: Box::pin(sleep(limit)) }
    }
}

impl<B> Body for Attended<B>
where
    B: Body + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Data = B::Data;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            let due = Instant::now() + self.limit;
            self.timer.as_mut().reset(due);
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        ready!(self.timer.as_mut().poll(cx));
        Poll::Ready(Some(Err("the provider fell silent".into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
