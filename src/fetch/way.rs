//! Where a link leads: a way is gone by `HEAD`, and by `GET` where a host answers `HEAD` with an error; no body is read.
//!
//! Every hop is looked at as if it were the first, by the same rules as any errand. What was called so far is told whatever
//! ends the way.

use std::time::Duration;

use http::{Method, header};
use tokio::time::Instant;
use url::Url;

use super::{Fetcher, why};
use crate::config::Problem;
use crate::config::forward::Forward;
use crate::config::inspect::Probe;
use crate::config::media::Media;
use crate::domain::fetch::Unfetched;
use crate::domain::link::Way;

impl Fetcher {
    /// A fetcher that goes the ways of links by the section `[inspect.probe]`, over the network of `[media]` (`parent`,
    /// `upstream`, `upstream_ca`).
    ///
    /// # Errors
    /// As [`Fetcher::new`].
    pub fn prober(probe: &Probe, media: &Media, forward: &Forward) -> Result<Self, Problem> {
        Self::with(&as_media(probe, media), forward, super::by_system(), probe.http)
    }

    /// Goes the way of a link.
    pub async fn way(&self, url: &str) -> Way {
        let until = Instant::now() + Duration::from_millis(self.config.fetch_ms);
        let mut way = Way { called: Vec::new(), end: Err(Unfetched::Redirects), stopped_at: None };
        let Ok(Ok(_place)) = tokio::time::timeout_at(until, self.places.acquire()).await else {
            way.end = Err(Unfetched::Slow);
            return way;
        };
        let mut next = match Url::parse(url) {
            Ok(url) => url,
            Err(_) => {
                way.end = Err(Unfetched::Form);
                return way;
            }
        };
        for _ in 0..=self.config.redirects {
            if let Err(why) = self.may_call(&next) {
                (way.end, way.stopped_at) = (Err(why), Some(next.to_string()));
                return way;
            }
            next.set_fragment(None);
            match tokio::time::timeout_at(until, self.hop(&next)).await.unwrap_or(Err(Unfetched::Slow)) {
                Ok(hop) => {
                    way.called.push(next.to_string());
                    let Some(to) = hop.to else {
                        way.end = hop.end;
                        return way;
                    };
                    next = to;
                }
                Err(why) => {
                    (way.end, way.stopped_at) = (Err(why), Some(next.to_string()));
                    return way;
                }
            }
        }
        way.stopped_at = Some(next.to_string());
        way
    }

    /// One step of a way.
    async fn hop(&self, url: &Url) -> Result<Hop, Unfetched> {
        let mut answer = self.ask(Method::HEAD, url).await;
        let answered = |answer: &reqwest::Response| answer.status().is_success() || answer.status().is_redirection();
        // A name that leads into the office is not called a second time by another method.
        if !answer.as_ref().map_or_else(|why| *why == Unfetched::Private, answered) {
            answer = self.ask(Method::GET, url).await;
        }
        let answer = answer?;
        let status = answer.status().as_u16();
        if !matches!(status, 301 | 302 | 303 | 307 | 308) {
            return Ok(Hop { to: None, end: Ok(status) });
        }
        let to = answer.headers().get(header::LOCATION).and_then(|to| to.to_str().ok());
        Ok(Hop { to: to.and_then(|to| url.join(to).ok()), end: Err(Unfetched::Redirects) })
    }

    async fn ask(&self, method: Method, url: &Url) -> Result<reqwest::Response, Unfetched> {
        let request = self.client.request(method, url.clone()).header(header::ACCEPT_ENCODING, "identity");
        request.send().await.map_err(|error| why(&error))
    }
}

/// Where a step leads, or how the way ends with it.
struct Hop {
    to: Option<Url>,
    end: Result<u16, Unfetched>,
}

/// The limits of `[inspect.probe]` in the terms of `[media]`, whose list of hosts is for media.
pub(super) fn as_media(probe: &Probe, media: &Media) -> Media {
    Media {
        fetch_ms: probe.link_ms,
        redirects: probe.redirects,
        at_once: probe.at_once,
        hosts: Vec::new(),
        ..media.clone()
    }
}
