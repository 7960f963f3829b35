//! Practice providers: X, LINE, Threads, Instagram, Facebook, Mastodon, Bluesky and YouTube as they are on the wire, on
//! one TLS port, for `demo`, tests and drills.
//!
//! A posting tool or the gateway cannot tell them from the real ones by shape: ids, errors, rate headers, media
//! states. What they receive is on [record](Practice::requests); what became public is in [`Practice::posts`]; and
//! they make [troubles](fault) on order. Nothing here ever speaks to a real provider.
//!
//! Tests in another process read the same record at `/__practice/requests` and `/__practice/posts` (NDJSON), and
//! steer with `POST /__practice/reset` and `POST /__practice/faults`, on any host.

mod authority;
mod bluesky;
mod exchange;
pub mod fault;
mod graph;
mod intake;
mod json_media;
mod line;
mod mastodon;
mod multipart;
mod oauth;
mod record;
mod site;
mod stage;
mod wire;
mod x;
mod youtube;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::{CancellationToken, DropGuard};

pub use authority::{Authority, Error as AuthorityError, HOSTS};
pub use record::{PartRecord, Published, Received};
pub use site::{SITES, film_of, picture_of};

use crate::domain::clock::Clock;
use fault::Fault;

/// Running practice providers; they stop when this is dropped.
pub struct Practice {
    address: SocketAddr,
    authority: Authority,
    stage: Arc<stage::Stage>,
    stop: DropGuard,
}

/// The practice providers could not be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The port could not be opened.
    #[error("the practice port {address} cannot be opened: {source}")]
    Port {
        /// The address that was asked for.
        address: SocketAddr,
        /// The system's reason.
        source: std::io::Error,
    },
    /// No certificate could be made.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// A file could not be written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
}

impl Practice {
    /// Opens the port (0 takes a free one) and serves until stopped or dropped.
    ///
    /// # Errors
    /// When the port cannot be opened.
    pub async fn start(listen: SocketAddr, authority: Authority, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let port = |source| Error::Port { address: listen, source };
        let listener = TcpListener::bind(listen).await.map_err(port)?;
        let address = listener.local_addr().map_err(port)?;
        let stage = Arc::new(stage::Stage::new(clock));
        let stop = CancellationToken::new();
        let tls = TlsAcceptor::from(Arc::clone(&authority.server));
        tokio::spawn(wire::accept(listener, tls, Arc::clone(&stage), stop.clone()));
        Ok(Self { address, authority, stage, stop: stop.drop_guard() })
    }

    /// Where they listen; every host of [`HOSTS`] goes there.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The CA to trust for them, as PEM.
    pub fn ca_pem(&self) -> &str {
        &self.authority.ca_pem
    }

    /// Every request so far, in the order of arrival.
    pub fn requests(&self) -> Vec<Received> {
        self.stage.requests()
    }

    /// How many requests arrived so far.
    pub fn request_count(&self) -> usize {
        self.stage.request_count()
    }

    /// Everything that became public so far, in order.
    pub fn posts(&self) -> Vec<Published> {
        self.stage.published()
    }

    /// Calls `watcher` for each request from now on when its head has arrived, before any of its body is read and before
    /// anything is answered: what the watcher sees elsewhere at that moment was there before the request.
    pub fn watch(&self, watcher: impl Fn(&Received) + Send + Sync + 'static) {
        self.stage.watch(Arc::new(watcher));
    }

    /// Puts these bytes at a path of the body's own website ([`SITES`]), in the place of the picture that stands there.
    pub fn put_on_site(&self, path: &str, bytes: Vec<u8>) {
        self.stage.put_on_site(path, bytes);
    }

    /// Lets a path of the website lead elsewhere, as a shortener's does.
    pub fn lead_from_site(&self, path: &str, to: &str) {
        self.stage.lead_from_site(path, to);
    }

    /// Paths of the website that were asked for, in order.
    pub fn site_visits(&self) -> Vec<String> {
        self.stage.site_visits()
    }

    /// Orders a trouble. Troubles wait in the order in which they were ordered.
    pub fn order(&self, fault: Fault) {
        self.stage.order(fault);
    }

    /// X allows each user so many requests of a kind in 24 hours from now on, and says so with each answer.
    pub fn allow_posts(&self, posts: u64) {
        self.stage.allow_posts(posts);
    }

    /// Takes back all troubles that still wait.
    pub fn clear_faults(&self) {
        self.stage.clear_faults();
    }

    /// Forgets requests, posts, media, accounts and faults.
    pub fn reset(&self) {
        self.stage.reset();
    }

    /// Stops listening and cuts every connection.
    pub fn stop(self) {
        self.stop.disarm().cancel();
    }
}

/// `sekisho practice`: starts the practice providers and writes `practice-ca.pem` and `practice.json`
/// (`{"address","ca"}`) into `dir`. Gives them and what to tell the person; they run until dropped.
///
/// # Errors
/// When the port cannot be opened or a file cannot be written.
pub async fn run(listen: SocketAddr, dir: &Path, clock: Arc<dyn Clock>) -> Result<(Practice, String), Error> {
    let practice = Practice::start(listen, Authority::make()?, clock).await?;
    let ca = dir.join("practice-ca.pem");
    let about = dir.join("practice.json");
    let address = practice.address().to_string();
    write(dir, &ca, practice.ca_pem())?;
    // A test waits for this file: it is written last and put in place whole.
    let fresh = dir.join("practice.json.new");
    write(dir, &fresh, &serde_json::json!({"address": address, "ca": ca}).to_string())?;
    std::fs::rename(&fresh, &about).map_err(|source| Error::File { path: about.clone(), source })?;
    let hosts = HOSTS.iter().map(|host| format!("{host:?} = {address:?}")).collect::<Vec<_>>().join(", ");
    let told = format!(
        "練習用の X・LINE・Threads・Instagram・Facebook・Mastodon・Bluesky・YouTube が {address} で動いています。本物の SNS には何も送りません。\n\
         Practice X, LINE, Threads, Instagram, Facebook, Mastodon, Bluesky and YouTube listen on {address}; nothing \
         reaches a real provider.\n\
         CA: {ca}\n\
         upstream = {{ {hosts} }}\n\
         upstream_ca = {ca:?}\n",
        ca = ca.display().to_string(),
    );
    Ok((practice, told))
}

fn write(dir: &Path, path: &Path, text: &str) -> Result<(), Error> {
    std::fs::create_dir_all(dir)
        .and_then(|()| std::fs::write(path, text))
        .map_err(|source| Error::File { path: path.to_owned(), source })
}
