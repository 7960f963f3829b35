//! `Guard`: the connection as hyper sees it. Only bytes that [`head::Scanner`](super::head::Scanner) found clean get
//! through.
//!
//! A whole clean read goes straight into hyper's buffer; only an unfinished head is kept here. A violation in a head is
//! replaced by one harmless head, and the [`Watch`] tells the service to answer it with the refusal, so that earlier
//! requests of the connection are answered first and in order. A violation in a body makes the read fail, so that the
//! body can't be taken for complete.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::head::{Scanner, Violation};
use super::watch::Watch;
use crate::config::listen::Limits;

/// Stands for a head that was refused; the service never looks at it.
const HARMLESS: &[u8] = b"GET / HTTP/1.1\r\nhost: refused.invalid\r\nconnection: close\r\n\r\n";
/// How long a connection that closes early still reads, so that the answer isn't lost to a reset.
const LINGER: Duration = Duration::from_millis(1_000);
/// How much it still reads.
const LINGER_BYTES: usize = 1024 * 1024;

/// A byte stream of any kind: TCP, or TLS over anything.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}
/// One type for all of them, so that hyper is built once.
pub(super) type Io = Box<dyn Stream>;

/// A stream some bytes of which were read already.
pub(super) struct Prefixed {
    prefix: Bytes,
    io: Io,
}

impl Prefixed {
    /// `prefix`, then `io`.
    pub(super) fn new(prefix: Bytes, io: Io) -> Self {
        Self { prefix, io }
    }
}

/// The guarded stream.
pub(super) struct Guard<IO> {
    io: IO,
    scanner: Scanner,
    /// Clean bytes that didn't fit, then the beginning of a head that isn't whole.
    kept: BytesMut,
    clean: usize,
    violation: Option<Violation>,
    refused: bool,
    ended: bool,
    watch: Arc<Watch>,
    head_limit: Duration,
    head_since: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
    linger: Option<(Pin<Box<Sleep>>, usize)>,
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Guard<IO> {
    /// Guards `io`; violations are noted in `watch`.
    pub(super) fn new(io: IO, limits: Limits, watch: Arc<Watch>) -> Self {
        Self {
            io,
            scanner: Scanner::new(limits, false),
            kept: BytesMut::new(),
            clean: 0,
            violation: None,
            refused: false,
            ended: false,
            watch,
            head_limit: Duration::from_millis(limits.head_ms),
            head_since: None,
            timer: None,
            linger: None,
        }
    }

    /// Hands on what is clean of `kept`.
    fn deliver(&mut self, out: &mut ReadBuf<'_>) {
        let count = self.clean.min(out.remaining());
        out.put_slice(self.kept.get(..count).unwrap_or_default());
        self.kept.advance(count);
        self.clean -= count;
        if self.kept.is_empty() {
            self.kept = BytesMut::new();
        }
    }

    /// Reads once: into hyper's own buffer if nothing is kept, else behind what is kept.
    fn fill(&mut self, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.kept.is_empty() {
            let start = out.filled().len();
            ready!(Pin::new(&mut self.io).poll_read(cx, out))?;
            let fresh = out.filled().get(start..).unwrap_or_default();
            self.ended = fresh.is_empty();
            let step = self.scanner.scan(fresh);
            self.violation = step.violation;
            if self.violation.is_none() {
                self.kept.extend_from_slice(fresh.get(step.clean..).unwrap_or_default());
            }
            out.set_filled(start + step.clean);
        } else {
            let count = ready!(tokio_util::io::poll_read_buf(Pin::new(&mut self.io), cx, &mut self.kept))?;
            self.ended = count == 0;
            let step = self.scanner.scan(self.kept.get(self.clean..).unwrap_or_default());
            self.clean += step.clean;
            self.violation = step.violation;
            if self.violation.is_some() {
                self.kept.truncate(self.clean);
            }
        }
        self.watch.touch();
        let unfinished = self.kept.len() > self.clean;
        self.head_since = unfinished.then(|| self.head_since.unwrap_or_else(Instant::now));
        if self.ended && unfinished {
            self.violation = Some(Violation::bad("incomplete-head"));
            self.kept.truncate(self.clean);
        }
        Poll::Ready(Ok(()))
    }

    /// Ends what hyper reads: by the harmless head, or by an error within a body.
    fn refuse(&mut self, violation: Violation, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.refused = true;
        let heads = self.scanner.heads();
        if self.scanner.broke_in_body() {
            self.watch.break_at(heads.saturating_sub(1), violation);
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, violation)));
        }
        self.watch.break_at(heads, violation);
        self.kept = BytesMut::from(HARMLESS);
        self.clean = HARMLESS.len();
        self.deliver(out);
        Poll::Ready(Ok(()))
    }

    /// Ready when a head that began is late.
    fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(since) = self.head_since else { return Poll::Pending };
        let deadline = since + self.head_limit;
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if timer.deadline() != deadline {
            timer.as_mut().reset(deadline);
        }
        timer.as_mut().poll(cx)
    }

    /// Reads on for a moment after an early end: a reset would take the answer from the client.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let (timer, left) = self.linger.get_or_insert_with(|| (Box::pin(tokio::time::sleep(LINGER)), LINGER_BYTES));
        let mut scratch = [0_u8; 4096];
        loop {
            let mut buffer = ReadBuf::new(&mut scratch);
            match Pin::new(&mut self.io).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() && *left > buffer.filled().len() => {
                    *left -= buffer.filled().len();
                }
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return timer.as_mut().poll(cx),
            }
        }
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncRead for Guard<IO> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let start = out.filled().len();
        loop {
            if this.clean > 0 {
                this.deliver(out);
                return Poll::Ready(Ok(()));
            }
            if this.refused {
                // An end of file here would make hyper drop the refusal it is about to write.
                return Poll::Pending;
            }
            if let Some(violation) = this.violation.take() {
                return this.refuse(violation, out);
            }
            if this.ended {
                return Poll::Ready(Ok(()));
            }
            match this.fill(cx, out) {
                Poll::Ready(Ok(())) if out.filled().len() > start => return Poll::Ready(Ok(())),
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    ready!(this.poll_late(cx));
                    this.kept.truncate(this.clean);
                    this.head_since = None;
                    this.violation = Some(Violation::late("head-timeout"));
                }
            }
        }
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Guard<IO> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.io).poll_write(cx, bytes));
        self.watch.touch();
        Poll::Ready(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.io).poll_write_vectored(cx, slices));
        self.watch.touch();
        Poll::Ready(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.linger.is_none() {
            ready!(Pin::new(&mut this.io).poll_shutdown(cx))?;
        }
        if (this.refused || !this.scanner.in_head()) && !this.ended {
            ready!(this.poll_linger(cx));
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Prefixed {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.prefix.is_empty() {
            return Pin::new(&mut self.io).poll_read(cx, out);
        }
        let count = self.prefix.len().min(out.remaining());
        out.put_slice(&self.prefix.split_to(count));
        if self.prefix.is_empty() {
            // An empty remainder would keep the memory of what was read first.
            self.prefix = Bytes::new();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Prefixed {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
