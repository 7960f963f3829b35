//! Where a request is meant to go: by path, by origin, by absolute URL, or by the tunnel it came through.

use http::request::Parts;
use http::{HeaderValue, Method, Version};

use super::{authority, head, refusal};
use crate::domain::account::ProviderId;
use crate::domain::arrival::Door;
use crate::domain::decision::Refusal;
use crate::domain::ports::Hosts;

/// Where the connection came in.
#[derive(Clone, Debug)]
pub enum Place {
    /// The gateway port itself.
    Gateway,
    /// A provider's own origin.
    Origin(ProviderId),
    /// The port for tools that know of no gateway.
    Transparent,
    /// Inside TLS that was taken in a provider's name.
    Tunnel {
        /// The host of SNI, and of CONNECT where there was one.
        host: String,
        /// `Proxy-Authorization` of the CONNECT.
        credential: Option<HeaderValue>,
        /// By CONNECT, or led to the transparent port.
        door: Door,
    },
}

/// Where a request is meant to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// To a provider.
    Provider(Route),
    /// Somebody looked whether the gateway is there: `GET /`.
    Greeting,
}

/// A provider host and the path on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Lower case, no port.
    pub host: String,
    /// Begins with `/`, without gateway prefix.
    pub path: String,
    /// As received, without `?`.
    pub query: Option<String>,
    /// By which door.
    pub door: Door,
    /// Whether it came by `/emergency/...`.
    pub emergency: bool,
}

/// Settles where a request goes, or why it goes nowhere.
pub fn settle(place: &Place, parts: &Parts, hosts: &dyn Hosts) -> Result<Target, Box<Refusal>> {
    let path = parts.uri.path();
    if parts.version == Version::HTTP_2 {
        second_version(parts)?;
    }
    if !authority::is_path(path) {
        return Err(Box::new(refusal::path_not_allowed()));
    }
    let mut route = match place {
        Place::Tunnel { host, door, .. } => tunnelled(host, *door, parts)?,
        // Nothing is said there but TLS, and inside it the place is a tunnel.
        Place::Transparent => return Err(mismatch()),
        Place::Origin(provider) => by_origin(provider, parts, hosts)?,
        Place::Gateway => match forward_host(parts, hosts)? {
            Some(host) => Route { host, path: path.to_owned(), query: None, door: Door::Absolute, emergency: false },
            None if path == "/" && matches!(parts.method, Method::GET | Method::HEAD) => return Ok(Target::Greeting),
            None => by_path(parts, hosts)?,
        },
    };
    route.query = parts.uri.query().map(str::to_owned);
    Ok(Target::Provider(route))
}

fn mismatch() -> Box<Refusal> {
    Box::new(refusal::authority_mismatch())
}

fn tunnelled(host: &str, door: Door, parts: &Parts) -> Result<Route, Box<Refusal>> {
    let given = authority::agreed(parts).and_then(|text| authority::host_and_port(&text, "443"));
    // In HTTP/2 the scheme is a claim of no consequence; in an absolute URL it's where the client wants to go.
    let scheme_fits = parts.version == Version::HTTP_2 || parts.uri.scheme_str().is_none_or(|scheme| scheme == "https");
    if given.as_deref() != Some(host) || !scheme_fits {
        return Err(mismatch());
    }
    let path = parts.uri.path().to_owned();
    Ok(Route { host: host.to_owned(), path, query: None, door, emergency: false })
}

/// The provider host of an absolute URL. In HTTP/2 every request has an authority, so there only a provider's counts.
fn forward_host(parts: &Parts, hosts: &dyn Hosts) -> Result<Option<String>, Box<Refusal>> {
    let Some(target) = parts.uri.authority() else { return Ok(None) };
    let agreed = authority::agreed(parts).ok_or_else(mismatch)?;
    let port = if parts.uri.scheme_str() == Some("http") { "80" } else { "443" };
    let name = authority::host(target.host());
    let is_provider = name.is_some_and(|name| hosts.is_provider_host(&name));
    match authority::host_and_port(&agreed, port) {
        Some(host) if is_provider => Ok(Some(host)),
        _ if is_provider => Err(mismatch()),
        _ if parts.version == Version::HTTP_2 => Ok(None),
        _ => Err(Box::new(refusal::unknown_host())),
    }
}

fn by_path(parts: &Parts, hosts: &dyn Hosts) -> Result<Route, Box<Refusal>> {
    let unknown = || Box::new(refusal::unknown_path());
    let path = parts.uri.path();
    let (emergency, path) = match path.strip_prefix("/emergency/") {
        Some(rest) => (true, rest),
        None => (false, path.strip_prefix('/').ok_or_else(unknown)?),
    };
    let (name, rest) = path.split_at(path.find('/').unwrap_or(path.len()));
    let host = if hosts.is_provider_host(name) { Some(name.to_owned()) } else { hosts.default_host(name) };
    let host = host.ok_or_else(unknown)?;
    // A Host that names a provider is a client that believes it speaks to that provider.
    let given = authority::agreed(parts).ok_or_else(mismatch)?;
    let claimed = given.split(':').next().and_then(authority::host);
    if claimed.is_some_and(|claimed| claimed != host && hosts.is_provider_host(&claimed)) {
        return Err(mismatch());
    }
    let path = if rest.is_empty() { "/" } else { rest };
    Ok(Route { host, path: path.to_owned(), query: None, door: Door::Path, emergency })
}

fn by_origin(provider: &ProviderId, parts: &Parts, hosts: &dyn Hosts) -> Result<Route, Box<Refusal>> {
    let is_absolute = parts.uri.authority().is_some() && parts.version != Version::HTTP_2;
    let host = hosts.default_host(provider.as_str()).ok_or_else(|| Box::new(refusal::unknown_path()))?;
    if is_absolute {
        return Err(mismatch());
    }
    let path = parts.uri.path();
    let (emergency, path) = match path.strip_prefix("/emergency/") {
        None => (false, path.to_owned()),
        Some(rest) => (true, format!("/{rest}")),
    };
    // Another host of the provider may stand in the path: addresses that answers name are rewritten so.
    let named = path.strip_prefix('/').and_then(|rest| rest.split_once('/'));
    let (host, path) = match named {
        Some((name, rest)) if hosts.is_host_of(provider.as_str(), name) => (name.to_owned(), format!("/{rest}")),
        Some((name, rest)) if emergency && name == provider.as_str() => (host, format!("/{rest}")),
        _ => (host, path),
    };
    Ok(Route { host, path, query: None, door: Door::Origin, emergency })
}

/// The rules of [`head`] for a head that came by HTTP/2, where there are no raw bytes to look at. The h2 library has
/// already refused connection fields, bad pseudo fields, and a content-length that differs from the data.
fn second_version(parts: &Parts) -> Result<(), Box<Refusal>> {
    let bad = |code| Err(Box::new(refusal::of_violation(head::Violation::bad(code))));
    if parts.method == Method::CONNECT {
        return bad("connect-not-here");
    }
    if parts.uri.path_and_query().is_none_or(|target| !authority::is_target(target.as_str().as_bytes())) {
        return bad("bad-target");
    }
    let once = [
        ("host", "duplicate-host"),
        ("content-length", "duplicate-content-length"),
        ("content-type", "duplicate-content-type"),
        ("authorization", "duplicate-authorization"),
        ("proxy-authorization", "duplicate-authorization"),
    ];
    for (name, code) in once {
        if parts.headers.get_all(name).iter().nth(1).is_some() {
            return bad(code);
        }
    }
    let is_padded = |value: &HeaderValue| {
        let bytes = value.as_bytes();
        matches!(bytes.first(), Some(b' ' | b'\t')) || matches!(bytes.last(), Some(b' ' | b'\t'))
    };
    if parts.headers.values().any(is_padded) {
        return bad("bad-field-value");
    }
    let length = parts.headers.get("content-length").map(|value| head::length(value.as_bytes()));
    let most = head::most_body(parts.method.as_str().as_bytes());
    match length {
        Some(None) => bad("bad-content-length"),
        Some(Some(length)) if most.is_some_and(|most| length > most) => bad("body-not-expected"),
        _ if parts.headers.get_all("te").iter().any(|value| value != "trailers") => bad("bad-te"),
        _ if parts.headers.contains_key("trailer") => bad("trailers-not-allowed"),
        _ if parts.headers.contains_key("http2-settings") => bad("upgrade-not-allowed"),
        _ if parts.headers.get("expect").is_some_and(|value| value != "100-continue") => bad("bad-expect"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Two;

    impl Hosts for Two {
        fn is_provider_host(&self, host: &str) -> bool {
            ["api.x.com", "upload.x.com", "api.line.me"].contains(&host)
        }
        fn default_host(&self, provider: &str) -> Option<String> {
            match provider {
                "x" => Some("api.x.com".to_owned()),
                "line" => Some("api.line.me".to_owned()),
                _ => None,
            }
        }
        fn is_host_of(&self, provider: &str, host: &str) -> bool {
            self.is_provider_host(host) && (provider == "line") == (host == "api.line.me")
        }
        fn host_patterns(&self) -> Vec<String> {
            vec!["api.x.com".to_owned(), "upload.x.com".to_owned(), "api.line.me".to_owned()]
        }
    }

    fn parts(version: Version, uri: &str, host: Option<&str>) -> Parts {
        let mut request = http::Request::builder().version(version).uri(uri).method("POST");
        if let Some(host) = host {
            request = request.header("host", host);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn at(place: &Place, uri: &str, host: &str) -> Result<(String, String, bool), String> {
        match settle(place, &parts(Version::HTTP_11, uri, Some(host)), &Two) {
            Ok(Target::Provider(route)) => Ok((route.host, route.path, route.emergency)),
            Ok(Target::Greeting) => Err("greeting".to_owned()),
            Err(refusal) => Err(refusal.code.to_string()),
        }
    }

    fn to(host: &str, path: &str, emergency: bool) -> Result<(String, String, bool), String> {
        Ok((host.to_owned(), path.to_owned(), emergency))
    }

    #[test]
    fn the_gateway_port_goes_by_host_by_short_name_and_by_absolute_url() {
        let gate = |uri, host| at(&Place::Gateway, uri, host);
        assert_eq!(gate("/api.x.com/2/tweets", "gw"), to("api.x.com", "/2/tweets", false));
        assert_eq!(gate("/x/2/tweets", "gw:8443"), to("api.x.com", "/2/tweets", false));
        assert_eq!(gate("/emergency/x/2/tweets", "127.0.0.1"), to("api.x.com", "/2/tweets", true));
        assert_eq!(gate("/emergency/upload.x.com/1", "gw"), to("upload.x.com", "/1", true));
        assert_eq!(gate("https://api.x.com/2/tweets", "api.x.com"), to("api.x.com", "/2/tweets", false));
        assert_eq!(gate("http://api.x.com:80/2", "api.x.com:80"), to("api.x.com", "/2", false));
        assert_eq!(gate("/x", "gw"), to("api.x.com", "/", false));
    }

    #[test]
    fn what_leads_nowhere_is_refused_with_its_code() {
        let cases = [
            ("/", "gw", "unknown-path"),
            ("/2/tweets", "gw", "unknown-path"),
            ("/API.x.com/2", "gw", "unknown-path"),
            ("/emergency", "gw", "unknown-path"),
            ("/emergency/2/tweets", "gw", "unknown-path"),
            ("/x/2/../tweets", "gw", "path-not-allowed"),
            ("//x/2", "gw", "path-not-allowed"),
            ("/x/2%2ftweets", "gw", "path-not-allowed"),
            ("/x/2/tweets", "api.line.me", "authority-mismatch"),
            ("/2/tweets", "api.x.com", "unknown-path"),
            ("https://evil.example/2", "evil.example", "unknown-host"),
            ("https://api.x.com/2", "api.line.me", "authority-mismatch"),
            ("https://api.x.com:80/2", "api.x.com:80", "authority-mismatch"),
            ("http://api.x.com:443/2", "api.x.com:443", "authority-mismatch"),
            ("https://127.0.0.1/2", "127.0.0.1", "unknown-host"),
        ];
        for (uri, host, code) in cases {
            assert_eq!(at(&Place::Gateway, uri, host), Err(code.to_owned()), "{uri} {host}");
        }
    }

    #[test]
    fn an_origin_port_takes_the_whole_path_whatever_host_it_is_called_by() {
        let origin = Place::Origin(ProviderId::new("x"));
        assert_eq!(at(&origin, "/2/tweets", "anything:81"), to("api.x.com", "/2/tweets", false));
        assert_eq!(at(&origin, "/emergency/2/tweets", "gw"), to("api.x.com", "/2/tweets", true));
        assert_eq!(at(&origin, "/emergency/x/2/tweets", "gw"), to("api.x.com", "/2/tweets", true));
        assert_eq!(at(&origin, "/emergency/api.x.com/2", "gw"), to("api.x.com", "/2", true));
        // An address that an answer named leads to another host of the same provider, and only of the same.
        assert_eq!(at(&origin, "/upload.x.com/1.1/m", "gw"), to("upload.x.com", "/1.1/m", false));
        assert_eq!(at(&origin, "/emergency/upload.x.com/1.1/m", "gw"), to("upload.x.com", "/1.1/m", true));
        assert_eq!(at(&origin, "/api.line.me/v2", "gw"), to("api.x.com", "/api.line.me/v2", false));
        assert_eq!(at(&origin, "/upload.x.com", "gw"), to("api.x.com", "/upload.x.com", false));
        assert_eq!(at(&origin, "https://api.x.com/2", "api.x.com"), Err("authority-mismatch".to_owned()));
    }

    #[test]
    fn inside_a_tunnel_every_name_is_the_tunnels() {
        let tunnel = Place::Tunnel { host: "api.x.com".to_owned(), credential: None, door: Door::Tunnel };
        assert_eq!(at(&tunnel, "/2/tweets", "api.x.com"), to("api.x.com", "/2/tweets", false));
        assert_eq!(at(&tunnel, "/2/tweets", "API.X.com:443"), to("api.x.com", "/2/tweets", false));
        assert_eq!(at(&tunnel, "https://api.x.com/2", "api.x.com"), to("api.x.com", "/2", false));
        for (uri, host) in [
            ("/2", "api.line.me"),
            ("/2", "api.x.com:80"),
            ("/2", "api.x.com."),
            ("/2", "upload.x.com"),
            ("https://api.line.me/2", "api.x.com"),
            ("http://api.x.com/2", "api.x.com"),
        ] {
            assert_eq!(at(&tunnel, uri, host), Err("authority-mismatch".to_owned()), "{uri} {host}");
        }
    }

    #[test]
    fn http2_on_the_gateway_port_goes_by_authority_only_if_that_is_a_providers() {
        let settled = |uri, host| settle(&Place::Gateway, &parts(Version::HTTP_2, uri, host), &Two);
        let Ok(Target::Provider(route)) = settled("https://gw:8443/x/2/tweets", None) else { panic!("by path") };
        assert_eq!((route.host.as_str(), route.door), ("api.x.com", Door::Path));
        let Ok(Target::Provider(route)) = settled("https://api.x.com/2/tweets", None) else { panic!("by authority") };
        assert_eq!((route.path.as_str(), route.door), ("/2/tweets", Door::Absolute));
        assert_eq!(settled("https://api.x.com/2", Some("api.line.me")).unwrap_err().code, "authority-mismatch");
    }
}
