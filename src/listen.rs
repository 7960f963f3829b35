//! The doors: reverse, forward and emergency on one port; raw bytes are guarded before hyper sees them.

use std::sync::Arc;

use crate::domain::arrival::Handler;
use crate::domain::ports::Hosts;

pub mod authority;
pub mod head;
pub mod intercept;
pub mod reverse;
pub mod tunnel;

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
/// `origin` is the provider whose own origin this port is (reverse, by origin); none: the gateway port.
pub async fn serve(
    doors: Arc<Doors>,
    listener: tokio::net::TcpListener,
    origin: Option<crate::domain::account::ProviderId>,
    stop: tokio_util::sync::CancellationToken,
) {
    let _ = (doors, listener, origin, stop);
    todo!("helper A")
}
