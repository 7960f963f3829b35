//! The way out by a parent proxy (`CONNECT`), as the security clouds of prefectures demand it.
//!
//! The tool's own `Proxy-Authorization` never gets here: the only one that leaves is the parent's, and only in the
//! `CONNECT`. The provider's name is resolved by the proxy, so that the guard against addresses inside the office does
//! not look at it; names come from definitions and configuration alone.

use std::error::Error;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use zeroize::Zeroizing;

use crate::config::forward::Parent;
use crate::config::{Problem, private};

/// The parent wants another user or password. As `Failure::NotSent`, a code of the entry.
pub(super) const AUTHENTICATION: &str = "parent-proxy-authentication";
/// The parent does not open the way to this host.
pub(super) const REFUSED: &str = "parent-proxy-refused";
/// The parent does not answer, or breaks off.
pub(super) const UNREACHABLE: &str = "parent-proxy-unreachable";

/// The proxy as the client knows it.
///
/// Errors: a URL that is none, a user without a password file or the other way round, and a password file that is
/// missing, empty, or that others can read. No error holds the password.
pub(super) fn proxy(name: &str, parent: &Parent) -> Result<reqwest::Proxy, Problem> {
    let problem = |reason: String| Problem { file: None, line: None, reason };
    let at = format!("[forward.parents.{name}]");
    if parent.host_and_port().is_none() {
        return Err(problem(format!("{at}: `url` is `http://host:port`, without user and password")));
    }
    let proxy = reqwest::Proxy::https(parent.url.as_str())
        .map_err(|_| problem(format!("{at}: `url` cannot be used as a proxy")))?;
    match (&parent.user, &parent.password_file) {
        (None, None) => Ok(proxy),
        (Some(user), Some(file)) => {
            let password = match private::read(file)? {
                Some(text) => Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()),
                None => return Err(Problem::of_file(file, format!("{at}: the password file is not there"))),
            };
            if password.is_empty() || password.chars().any(char::is_control) {
                return Err(Problem::of_file(file, format!("{at}: the password file holds one line, the password")));
            }
            Ok(proxy.basic_auth(user, &password))
        }
        (_, _) => Err(problem(format!("{at}: `user` and `password_file` go together"))),
    }
}

/// Trusts the certificates in `file`, too.
pub(super) fn trust(roots: &mut RootCertStore, key: &str, file: &std::path::Path) -> Result<(), Problem> {
    let certificates = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| Problem::of_file(file, format!("{key} cannot be read as PEM certificates: {error}")))?;
    let (taken, _) = roots.add_parsable_certificates(certificates);
    if taken == 0 {
        return Err(Problem::of_file(file, format!("{key} holds no certificate")));
    }
    Ok(())
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
