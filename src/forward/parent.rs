//! The way out by a parent proxy (`CONNECT`), as the security clouds of prefectures demand it.
//!
//! The tool's own `Proxy-Authorization` never gets here: the only one that leaves is the parent's, and only in the
//! `CONNECT`. The provider's name is resolved by the proxy, so that the guard against addresses inside the office does
//! not look at it; names come from definitions and configuration alone.

use std::error::Error;

use crate::config::Problem;
use crate::config::forward::Parent;

/// The parent wants another user or password. As `Failure::NotSent`, a code of the entry.
pub(super) const AUTHENTICATION: &str = "parent-proxy-authentication";
/// The parent does not open the way to this host.
pub(super) const REFUSED: &str = "parent-proxy-refused";
/// The parent does not answer, or breaks off.
pub(super) const UNREACHABLE: &str = "parent-proxy-unreachable";

/// The proxy as the client knows it.
///
/// Errors: a URL that is none, or a user and password that cannot be had. No error holds the password.
pub(super) fn proxy(name: &str, parent: &Parent) -> Result<reqwest::Proxy, Problem> {
    let proxy = reqwest::Proxy::https(parent.url.as_str()).map_err(|_| Problem {
        file: None,
        line: None,
        reason: format!("[forward.parents.{name}]: `url` cannot be used as a proxy"),
    })?;
    Ok(match parent.login(name)? {
        Some((user, password)) => proxy.basic_auth(&user, &password),
        None => proxy,
    })
}

/// Why no connection came about: what the parent said, if there is one and it was the one.
pub(super) fn why(error: &reqwest::Error) -> &'static str {
    // The connector's error type is private to its crate; its words are held by the tests of this module's scenes.
    let mut next = error.source();
    while let Some(error) = next {
        if let Some(said) = error.to_string().strip_prefix("tunnel error: ") {
            return match said {
                "proxy authorization required" => AUTHENTICATION,
                "unsuccessful" | "proxy response headers too long" => REFUSED,
                _ => UNREACHABLE,
            };
        }
        next = error.source();
    }
    "provider-unreachable"
}
