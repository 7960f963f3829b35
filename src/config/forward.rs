//! `[forward]`: deadlines of requests to providers, and the parent proxies that an office goes out by.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use zeroize::Zeroizing;

use super::{Problem, private};

/// Deadlines, sizes, and ways out.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Forward {
    /// Time for a connection with TLS.
    pub connect_ms: u64,
    /// Time from the last piece of the request that the provider took to the answer's head, and between two pieces of
    /// the answer.
    pub answer_ms: u64,
    /// Time for the whole exchange of a write; a body on disk has a second more for each 125 kB (1 Mbit/s).
    pub total_ms: u64,
    /// Largest answer of a write, in bytes; it is buffered.
    pub answer_bytes: usize,
    /// Parent proxies by name; `parent` in `[providers.NAME]` names one.
    pub parents: BTreeMap<String, Parent>,
}

impl Default for Forward {
    fn default() -> Self {
        Self {
            connect_ms: 10_000,
            answer_ms: 60_000,
            total_ms: 600_000,
            answer_bytes: 1024 * 1024,
            parents: BTreeMap::new(),
        }
    }
}

/// An HTTP proxy between the gateway and a provider: asked by `CONNECT` (RFC 9110 section 9.3.6), with Basic
/// authentication (RFC 7617) where it wants one.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parent {
    /// `http://host:port`, without a user or a password.
    pub url: String,
    /// The user of Basic authentication; none: the proxy asks for no password.
    #[serde(default)]
    pub user: Option<String>,
    /// The file with the password of that user, mode 0600. The password never stands in the configuration.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// A CA (PEM file) to trust for providers reached by this proxy, besides the system's: a proxy that looks into TLS
    /// shows certificates of its own.
    #[serde(default)]
    pub ca: Option<PathBuf>,
}

impl Forward {
    /// The parent proxy of this name.
    ///
    /// # Errors
    /// There is no such section, or its `url` is none.
    pub fn parent(&self, name: &str) -> Result<&Parent, Problem> {
        let problem = |reason: String| Problem { file: None, line: None, reason };
        let parent = self.parents.get(name);
        let parent = parent.ok_or_else(|| problem(format!("there is no section `[forward.parents.{name}]`")))?;
        if parent.host_and_port().is_none() {
            let at = format!("[forward.parents.{name}]");
            return Err(problem(format!("{at}: `url` is `http://host:port`, without user and password")));
        }
        Ok(parent)
    }
}

impl Parent {
    /// User and password of Basic authentication; none where the proxy asks for none.
    ///
    /// # Errors
    /// A user without a password file or the other way round, and a password file that is missing, empty, or that others
    /// can read. No error holds the password.
    pub fn login(&self, name: &str) -> Result<Option<(String, Zeroizing<String>)>, Problem> {
        let at = format!("[forward.parents.{name}]");
        match (&self.user, &self.password_file) {
            (None, None) => Ok(None),
            (Some(user), Some(file)) => {
                let password = match private::read(file)? {
                    Some(text) => Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()),
                    None => return Err(Problem::of_file(file, format!("{at}: the password file is not there"))),
                };
                if password.is_empty() || password.chars().any(char::is_control) {
                    return Err(Problem::of_file(
                        file,
                        format!("{at}: the password file holds one line, the password"),
                    ));
                }
                Ok(Some((user.clone(), password)))
            }
            (_, _) => {
                let reason = format!("{at}: `user` and `password_file` go together");
                Err(Problem { file: None, line: None, reason })
            }
        }
    }

    /// Host and port of `url`; none if it is anything but `http://host:port`.
    pub fn host_and_port(&self) -> Option<(&str, u16)> {
        let (host, port) = self.url.strip_prefix("http://")?.trim_end_matches('/').rsplit_once(':')?;
        let name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
        let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let fits = match address {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            None => !host.is_empty() && host.bytes().all(name),
        };
        let port = port.parse().ok().filter(|port| *port > 0)?;
        fits.then_some((host, port))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_of_a_parent_is_host_and_port_and_nothing_else() {
        let read = |url: &str| {
            let parent = Parent { url: url.to_owned(), ..Parent::default() };
            parent.host_and_port().map(|(host, port)| (host.to_owned(), port))
        };
        for (url, host) in [
            ("http://proxy.lg.example:8080", "proxy.lg.example"),
            ("http://[::1]:3128/", "[::1]"),
            ("http://10.0.0.1:80", "10.0.0.1"),
        ] {
            assert_eq!(read(url).map(|(host, _)| host).as_deref(), Some(host), "{url}");
        }
        for url in [
            "proxy:8080",
            "https://proxy:8080",
            "http://proxy",
            "http://user:word@proxy:8080",
            "http://proxy:0",
            "http://proxy:8080/path",
            "http://:8080",
            "http://proxy:99999",
            "socks5://proxy:1080",
        ] {
            assert_eq!(read(url), None, "{url}");
        }
    }
}
