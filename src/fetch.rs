//! What the gateway fetches itself, from addresses that somebody else wrote: `https` only (`http` too where it only looks
//! where a link leads), public addresses only at every
//! hop, bounded in bytes, time and redirects, without cookies or credentials.
//!
//! A name is resolved once for each hop, by a resolver that gives out public addresses alone, and the connection goes to
//! one of those: between the look and the call nothing can be exchanged (DNS rebinding). Behind a parent proxy the proxy
//! resolves, so that only names and literal addresses can be judged here; `docs/decisions/0014-media-by-url.md`.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{StatusCode, header};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::Semaphore;
use url::{Host, Url};

use crate::config::Problem;
use crate::config::forward::Forward;
use crate::config::media::Media;
use crate::domain::fetch::{Errand, Fetched, Unfetched, Wants};
use crate::domain::network::{is_public, is_public_name};
use crate::domain::outbound::OutBody;
use crate::domain::ports::{Fetch, Hosts};

mod spool;
mod way;

#[cfg(test)]
mod tests;

/// Longest page that is read, in bytes.
const PAGE: usize = 1024 * 1024;

/// Looks a name up.
type Lookup = Arc<dyn Fn(String) -> Pin<Box<dyn Future<Output = std::io::Result<Vec<IpAddr>>> + Send>> + Send + Sync>;

/// Fetches.
pub struct Fetcher {
    client: reqwest::Client,
    places: Semaphore,
    config: Media,
    /// Whether `http` may be called, too.
    plain: bool,
    /// Hosts that are never called.
    apart: Option<Arc<dyn Hosts>>,
}

impl Fetcher {
    /// A fetcher by the section `[media]`, and the parent proxies of `[forward]`.
    ///
    /// # Errors
    /// A CA or a password that cannot be read, a parent proxy that is not described.
    pub fn new(media: &Media, forward: &Forward) -> Result<Self, Problem> {
        Self::with(media, forward, by_system(), false)
    }

    /// The same, which never calls a provider's API: there an address alone may publish (Graph takes `method=post` and a
    /// token in a query), and only what was entered may leave for it.
    #[must_use]
    pub fn apart_from(mut self, providers: Arc<dyn Hosts>) -> Self {
        self.apart = Some(providers);
        self
    }

    fn with(media: &Media, forward: &Forward, lookup: Lookup, plain: bool) -> Result<Self, Problem> {
        let parent = match &media.parent {
            None => None,
            Some(name) => Some((name, forward.parent(name)?)),
        };
        let extra = [
            ("upstream_ca", media.upstream_ca.as_deref()),
            ("ca", parent.and_then(|(_, parent)| parent.ca.as_deref())),
        ];
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(crate::config::roots::client_tls(&extra)?)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .no_proxy()
            .https_only(!plain)
            .connect_timeout(Duration::from_millis(media.connect_ms))
            // A connection is for one errand: the next one looks the name up again.
            .pool_max_idle_per_host(0)
            .user_agent(concat!("sekisho/", env!("CARGO_PKG_VERSION")));
        let mut office = None;
        if let Some((name, parent)) = parent {
            let proxies = if plain { reqwest::Proxy::all } else { reqwest::Proxy::https };
            let mut proxy = proxies(parent.url.as_str())
                .map_err(|_| problem(format!("[forward.parents.{name}]: `url` cannot be used as a proxy")))?;
            if let Some((user, password)) = parent.login(name)? {
                proxy = proxy.basic_auth(&user, &password);
            }
            builder = builder.proxy(proxy);
            office = parent.host_and_port().map(|(host, _)| host.to_ascii_lowercase());
        }
        builder = builder.dns_resolver(PublicOnly { lookup, office });
        for (host, address) in &media.upstream {
            builder = builder.resolve(host, *address);
        }
        let client = builder.build().map_err(|error| problem(format!("[media]: no client can be made: {error}")))?;
        Ok(Self { client, places: Semaphore::new(media.at_once.max(1)), config: media.clone(), plain, apart: None })
    }

    async fn run(&self, errand: Errand) -> Result<Fetched, Unfetched> {
        let _place = self.places.acquire().await.map_err(|_| Unfetched::Slow)?;
        let (mut response, way) = self.follow(&errand).await?;
        let status = response.status();
        let content_type = content_type(response.headers());
        let fetched = |kind, body| Fetched { way, status: status.as_u16(), content_type, kind, body };
        if errand.wants == Wants::Way {
            return Ok(fetched(None, OutBody::Empty));
        }
        // A part, or a coding that nobody undoes here, is not what others would see at that address.
        let plain = response.headers().get(header::CONTENT_ENCODING).is_none_or(|coding| coding == "identity");
        if status != StatusCode::OK || !plain {
            return Err(Unfetched::Unreachable);
        }
        let most = if errand.wants == Wants::Media { self.config.fetch_bytes } else { PAGE as u64 };
        if response.content_length().is_some_and(|len| len > most) {
            return Err(Unfetched::TooLarge);
        }
        if errand.wants == Wants::Page {
            let mut page = Vec::new();
            while let Some(piece) = response.chunk().await.map_err(|error| why(&error))? {
                if page.len() + piece.len() > PAGE {
                    return Err(Unfetched::TooLarge);
                }
                page.extend_from_slice(&piece);
            }
            return Ok(fetched(None, OutBody::Bytes(Bytes::from(page))));
        }
        let said = content_type_of(&response);
        if !["image/", "video/", "audio/"].iter().any(|sort| said.starts_with(sort)) {
            return Err(Unfetched::Kind);
        }
        let mut file = spool::File::create(&self.config.dir).await?;
        while let Some(piece) = response.chunk().await.map_err(|error| why(&error))? {
            file.write(&piece, most).await?;
        }
        let (kind, spool) = file.finish().await?;
        if !kind.agrees_with(&said) {
            return Err(Unfetched::Kind);
        }
        Ok(fetched(Some(kind), OutBody::Spool(spool)))
    }

    /// Goes the way to its end; each hop is looked at as if it were the first.
    async fn follow(&self, errand: &Errand) -> Result<(reqwest::Response, Vec<String>), Unfetched> {
        let mut url = Url::parse(&errand.url).map_err(|_| Unfetched::Form)?;
        let mut way = Vec::new();
        for _ in 0..=self.config.redirects {
            self.may_call(&url)?;
            url.set_fragment(None);
            way.push(url.to_string());
            let request = self.client.get(url.clone()).header(header::ACCEPT_ENCODING, "identity");
            let response = request.send().await.map_err(|error| why(&error))?;
            let redirect = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
            if !redirect {
                return Ok((response, way));
            }
            let next = response.headers().get(header::LOCATION).and_then(|to| to.to_str().ok());
            url = next.and_then(|to| url.join(to).ok()).ok_or(Unfetched::Redirects)?;
        }
        Err(Unfetched::Redirects)
    }

    /// Whether this address may be called: its form, its host, and a literal address in it. A name's addresses are looked
    /// at by the resolver.
    fn may_call(&self, url: &Url) -> Result<(), Unfetched> {
        let known = url.scheme() == "https" || (self.plain && url.scheme() == "http");
        let plain = known && url.port().is_none() && url.username().is_empty() && url.password().is_none();
        if !plain {
            return Err(Unfetched::Form);
        }
        let host = url.host().ok_or(Unfetched::Form)?;
        let name = url.host_str().unwrap_or_default();
        if self.apart.as_ref().is_some_and(|apart| apart.is_provider_host(name.trim_end_matches('.'))) {
            return Err(Unfetched::Host);
        }
        let named = self.config.upstream.contains_key(name);
        let public = match host {
            Host::Domain(name) => is_public_name(name),
            Host::Ipv4(address) => is_public(IpAddr::V4(address)),
            Host::Ipv6(address) => is_public(IpAddr::V6(address)),
        };
        if !public && !named {
            return Err(Unfetched::Private);
        }
        if !named && !self.config.may_call(name) {
            return Err(Unfetched::Host);
        }
        Ok(())
    }
}

impl Fetch for Fetcher {
    fn fetch(&self, errand: Errand) -> Pin<Box<dyn Future<Output = Result<Fetched, Unfetched>> + Send + '_>> {
        Box::pin(async move {
            let patience = Duration::from_millis(self.config.fetch_ms);
            tokio::time::timeout(patience, self.run(errand)).await.unwrap_or(Err(Unfetched::Slow))
        })
    }
}

fn problem(reason: String) -> Problem {
    Problem { file: None, line: None, reason }
}

fn content_type_of(response: &reqwest::Response) -> String {
    content_type(response.headers())
}

/// The media type in lower case, without parameters.
fn content_type(headers: &http::HeaderMap) -> String {
    let said = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    said.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Why the way ended: the resolver's own error, or what the network said.
fn why(error: &reqwest::Error) -> Unfetched {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = next {
        if error.is::<NotPublic>() {
            return Unfetched::Private;
        }
        next = error.source();
    }
    if error.is_timeout() { Unfetched::Slow } else { Unfetched::Unreachable }
}

/// Looks names up as the system does.
fn by_system() -> Lookup {
    Arc::new(|name| Box::pin(system(name)))
}

/// Every address of a name, or the one that could not be had.
async fn system(name: String) -> std::io::Result<Vec<IpAddr>> {
    Ok(tokio::net::lookup_host((name.as_str(), 0)).await?.map(|address| address.ip()).collect())
}

/// A name leads to addresses that are not public.
#[derive(Debug, thiserror::Error)]
#[error("the name has no public address")]
struct NotPublic;

/// Gives out public addresses only.
struct PublicOnly {
    lookup: Lookup,
    /// The one name that may lead into the office: the parent proxy's.
    office: Option<String>,
}

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        let own = self.office.as_deref().is_some_and(|office| office.eq_ignore_ascii_case(&host));
        let found = (self.lookup)(host);
        Box::pin(async move {
            let found = found.await?;
            // One address inside is enough to refuse the name: who answers so is not to be trusted with the others.
            if !own && found.iter().any(|address| !is_public(*address)) {
                return Err(NotPublic.into());
            }
            let found: Vec<SocketAddr> = found.into_iter().map(|address| SocketAddr::new(address, 0)).collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Where a fetcher keeps what is on its way.
fn part(dir: &std::path::Path) -> PathBuf {
    dir.join(format!("{}.part", uuid::Uuid::new_v4().simple()))
}
