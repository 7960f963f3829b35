//! The doors: reverse, forward and emergency on one port; raw bytes are guarded before hyper sees them.
//!
//! A request either becomes an [`Arrival`](crate::domain::arrival::Arrival) for the handler, with its authority
//! settled and its framing checked, or is refused here and counted by `Handler::malformed`. Nothing of a refused head
//! reaches the handler; a body whose framing breaks never ends well. Bodies are never gathered here.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::domain::account::ProviderId;
use crate::domain::arrival::Handler;
use crate::domain::ports::Hosts;

pub mod authority;
mod connection;
mod guard;
pub mod head;
pub mod intercept;
mod refusal;
pub mod reverse;
mod tunnel;
mod watch;

#[cfg(test)]
mod tests;

/// How long requests in flight may take after a stop.
const DRAIN: Duration = Duration::from_secs(25);
/// How long to rest when the system refuses another connection (no more file descriptors).
const ACCEPT_REST: Duration = Duration::from_millis(100);
/// Said to a connection over the limit, before it is closed.
const FULL: &[u8] =
    b"HTTP/1.1 503 sekisho: too-many-connections\r\nretry-after: 5\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// What every door needs.
pub struct Doors {
    /// Limits and addresses.
    pub config: crate::config::listen::Listen,
    /// Which hosts are providers'.
    pub hosts: Arc<dyn Hosts>,
    /// The internal CA: leaf certificates for provider hosts and the gateway's own names.
    pub ca: Arc<intercept::Authority>,
    /// What stands behind the doors.
    pub handler: Arc<dyn Handler>,
}

/// Serves one bound port until `stop` is cancelled, then lets requests in flight finish.
///
/// `origin` is the provider whose own origin this port is (reverse, by origin); none: the gateway port. The limits of
/// connections hold for each port by itself. Returns at most 25 s after `stop`.
pub async fn serve(doors: Arc<Doors>, listener: TcpListener, origin: Option<ProviderId>, stop: CancellationToken) {
    accept(doors, listener, origin.map_or(reverse::Place::Gateway, reverse::Place::Origin), stop).await;
}

/// The same for the port of tools that know of no gateway: the TLS that they mean for a provider, by its name (SNI).
pub async fn serve_transparent(doors: Arc<Doors>, listener: TcpListener, stop: CancellationToken) {
    accept(doors, listener, reverse::Place::Transparent, stop).await;
}

async fn accept(doors: Arc<Doors>, listener: TcpListener, place: reverse::Place, stop: CancellationToken) {
    let limits = doors.config.limits;
    let crowd = Arc::new(Crowd::default());
    let tasks = TaskTracker::new();
    let cut = CancellationToken::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_REST).await;
                continue;
            }
        };
        let Some(seat) = Crowd::enter(&crowd, peer.ip(), limits.connections, limits.connections_per_address) else {
            turn_away(stream);
            continue;
        };
        if stream.set_nodelay(true).is_err() {
            continue;
        }
        let connection = connection::Connection {
            doors: Arc::clone(&doors),
            peer,
            place: place.clone(),
            stop: stop.clone(),
            secure: false,
        };
        let cut = cut.clone();
        tasks.spawn(async move {
            tokio::select! {
                () = connection.serve(Box::new(stream)) => {}
                () = cut.cancelled() => {}
            }
            drop(seat);
        });
    }
    drop(listener);
    tasks.close();
    if tokio::time::timeout(DRAIN, tasks.wait()).await.is_err() {
        tracing::warn!(open = tasks.len(), "connections are cut after the time for a graceful stop");
    }
    cut.cancel();
}

/// Tells a connection over the limit so, without waiting for anything.
fn turn_away(stream: TcpStream) {
    let _ = stream.try_write(FULL);
}

/// Who holds how many connections.
#[derive(Debug, Default)]
struct Crowd {
    counts: Mutex<(usize, HashMap<IpAddr, usize>)>,
}

/// A place among the open connections, until dropped.
#[derive(Debug)]
struct Seat {
    crowd: Arc<Crowd>,
    address: IpAddr,
}

impl Crowd {
    fn enter(crowd: &Arc<Self>, address: IpAddr, limit: usize, per_address: usize) -> Option<Seat> {
        let address = address.to_canonical();
        let mut counts = crowd.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let (total, by_address) = &mut *counts;
        let held = by_address.get(&address).copied().unwrap_or(0);
        if *total >= limit || held >= per_address {
            return None;
        }
        *total += 1;
        by_address.insert(address, held + 1);
        Some(Seat { crowd: Arc::clone(crowd), address })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut counts = self.crowd.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let (total, by_address) = &mut *counts;
        *total = total.saturating_sub(1);
        if let Some(held) = by_address.get_mut(&self.address) {
            *held = held.saturating_sub(1);
            if *held == 0 {
                by_address.remove(&self.address);
            }
        }
    }
}
