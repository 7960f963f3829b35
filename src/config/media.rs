//! `[media]`: media that a post names by URL. What may be fetched, where the copies lie, and the address by which providers
//! are given them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;

/// Media by URL.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Media {
    /// The address, as providers on the internet reach it, of `listen`: `https://media.city.example`. None: a post that
    /// names a medium by URL is refused.
    pub public_url: Option<String>,
    /// The port that shows the copies and nothing else, in plain HTTP behind the TLS of whatever stands in front of it.
    pub listen: Option<SocketAddr>,
    /// Where the copies lie.
    pub dir: PathBuf,
    /// The key (64 hex digits) from which their names are made, so that nobody can guess one. Made on first start.
    pub key_file: PathBuf,
    /// Hours for which a copy is kept and shown.
    pub keep_hours: u32,
    /// Bytes of all copies together.
    pub store_bytes: u64,
    /// Largest medium that is fetched, in bytes.
    pub fetch_bytes: u64,
    /// Time for one medium, every redirect included.
    pub fetch_ms: u64,
    /// Time for a connection with TLS.
    pub connect_ms: u64,
    /// Redirects on the way to one medium.
    pub redirects: usize,
    /// Media that are fetched at the same time.
    pub at_once: usize,
    /// Hosts that may be called: `www.city.example`, `*.city.example`. Empty: any on the public internet.
    pub hosts: Vec<String>,
    /// The parent proxy, of `[forward.parents]`, by which they are reached; none: straight.
    pub parent: Option<String>,
    /// Where a host is really reached, instead of by DNS: the body's own site, whose address may lie inside the office.
    pub upstream: BTreeMap<String, SocketAddr>,
    /// A CA (PEM file) to trust for what is fetched, besides the system's.
    pub upstream_ca: Option<PathBuf>,
}

impl Default for Media {
    fn default() -> Self {
        Self {
            public_url: None,
            listen: None,
            dir: PathBuf::from("data/media"),
            key_file: PathBuf::from("data/media.key"),
            keep_hours: 720,
            store_bytes: 10 * 1024 * 1024 * 1024,
            fetch_bytes: 100 * 1024 * 1024,
            fetch_ms: 30_000,
            connect_ms: 5_000,
            redirects: 3,
            at_once: 8,
            hosts: Vec::new(),
            parent: None,
            upstream: BTreeMap::new(),
            upstream_ca: None,
        }
    }
}

impl Media {
    /// `public_url` without a slash at its end, if it is one that providers can use: `https`, or `http` on this very
    /// machine (practice).
    pub fn public_base(&self) -> Option<&str> {
        let base = self.public_url.as_deref()?.trim_end_matches('/');
        let url = url::Url::parse(base).ok()?;
        let here = matches!(url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"));
        let plain = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
            && url.host_str().is_some_and(|host| !host.is_empty());
        (plain && (url.scheme() == "https" || (url.scheme() == "http" && here))).then_some(base)
    }

    /// Whether `hosts` lets this host (lower case) be called.
    pub fn may_call(&self, host: &str) -> bool {
        self.hosts.is_empty()
            || self.hosts.iter().any(|pattern| match pattern.strip_prefix('*') {
                Some(suffix) => host.len() > suffix.len() && host.ends_with(suffix),
                None => host == pattern,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_one_that_providers_can_use() {
        let read = |url: &str| {
            let media = Media { public_url: Some(url.to_owned()), ..Media::default() };
            media.public_base().map(str::to_owned)
        };
        for (url, base) in [
            ("https://media.city.example", "https://media.city.example"),
            ("https://www.city.example/sns/", "https://www.city.example/sns"),
            ("http://127.0.0.1:8446", "http://127.0.0.1:8446"),
        ] {
            assert_eq!(read(url).as_deref(), Some(base), "{url}");
        }
        for url in
            ["http://media.city.example", "media.city.example", "https://u:p@a.example", "https://a.example/?x=1", ""]
        {
            assert_eq!(read(url), None, "{url}");
        }
    }

    #[test]
    fn a_list_of_hosts_lets_in_what_it_names() {
        let media =
            Media { hosts: vec!["www.city.example".to_owned(), "*.town.example".to_owned()], ..Media::default() };
        assert!(media.may_call("www.city.example") && media.may_call("img.town.example"));
        for host in
            ["city.example", "town.example", "eviltown.example", ".town.example", "www.city.example.evil.example"]
        {
            assert!(!media.may_call(host), "{host}");
        }
        assert!(Media::default().may_call("any.example"));
    }
}
