//! The console port itself: plain HTTP or TLS, HTTP/1.1, bounded in connections and in time.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::caller::Peer;
use super::{ConsoleState, router};

/// Open connections, streams included.
const MOST_CONNECTIONS: usize = 256;

/// Time for a head, and for a TLS handshake.
const HEAD: Duration = Duration::from_secs(10);

/// Time for requests in flight after `stop`.
const DRAIN: Duration = Duration::from_secs(10);

/// Wait after an accept that failed, such as for want of file descriptors.
const BACK_OFF: Duration = Duration::from_millis(100);

/// Serves the console on a bound port until `stop` is cancelled, then lets requests in flight finish. Log streams end
/// at once; their readers come back by index.
pub async fn serve(
    listener: TcpListener,
    mut state: ConsoleState,
    tls: Option<Arc<rustls::ServerConfig>>,
    stop: CancellationToken,
) {
    state.stop = stop.clone();
    let router = router(state);
    let acceptor = tls.map(tokio_rustls::TlsAcceptor::from);
    let connections = TaskTracker::new();
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let (tcp, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "the console cannot accept a connection");
                tokio::time::sleep(BACK_OFF).await;
                continue;
            }
        };
        // A full port closes the newcomer rather than keep it waiting without a word.
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
        let (router, acceptor, stop) = (router.clone(), acceptor.clone(), stop.clone());
        connections.spawn(async move {
            let _place = place;
            match acceptor {
                None => connection(tcp, Peer(peer.ip()), router, stop).await,
                Some(acceptor) => {
                    if let Ok(Ok(tls)) = tokio::time::timeout(HEAD, acceptor.accept(tcp)).await {
                        connection(tls, Peer(peer.ip()), router, stop).await;
                    }
                }
            }
        });
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(DRAIN, connections.wait()).await.is_err() {
        tracing::warn!("console connections were still open at the end");
    }
}

async fn connection<T: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    io: T,
    peer: Peer,
    router: Router,
    stop: CancellationToken,
) {
    let service = TowerToHyperService::new(router.layer(axum::Extension(peer)));
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD).max_headers(64).max_buf_size(64 * 1024);
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(64);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(io), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a console connection ended early");
    }
}
