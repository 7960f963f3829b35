//! One grammar for hosts, targets and paths, and the agreement of the names a request gives.
//!
//! CONNECT host = SNI = Host or `:authority` = the host of the route, or nothing passes. What doesn't fit the grammar
//! is refused, never normalised: two parsers that normalise differently are a bypass.

use http::header::HOST;
use http::request::Parts;

/// The host of `text` in lower case: dotted labels of letters, digits and hyphens, no port, no trailing dot, no IP.
pub fn host(text: &str) -> Option<String> {
    let labels_fit = text.split('.').all(|label| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    });
    let last = text.rsplit('.').next().unwrap_or_default();
    // A last label that begins with a digit is how some resolvers spell an IPv4 address (`127.1`, `0x7f.0.0.1`).
    let numeric = last.starts_with(|first: char| first.is_ascii_digit());
    (text.len() <= 253 && labels_fit && !numeric).then(|| text.to_ascii_lowercase())
}

/// The host of `host` or `host:port`, where `port` is the only one allowed.
pub fn host_and_port(text: &str, port: &str) -> Option<String> {
    match text.split_once(':') {
        None => host(text),
        Some((name, given)) => host(name).filter(|_| given == port),
    }
}

/// The host of a CONNECT target: exactly `host:443`.
pub fn connect_target(target: &str) -> Option<String> {
    target.strip_suffix(":443").and_then(host)
}

/// Whether a Host field is a name or an IP address with or without a port. The gateway's own address may be an IP.
pub fn is_host_field(value: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(value) else { return false };
    let (name, port) = match text.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, port)) if address.parse::<std::net::Ipv6Addr>().is_ok() => ("v6", port),
            _ => return false,
        },
        None => text.find(':').map_or((text, ""), |at| text.split_at(at)),
    };
    let name_fits =
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'));
    let port_fits = match port.strip_prefix(':') {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.parse::<u16>().is_ok(),
        None => port.is_empty(),
    };
    name_fits && port_fits
}

/// Whether a request target in origin or absolute form has only bytes of RFC 3986 (and `[ ] |`, which browsers leave
/// bare in a query), whole percent signs, and no fragment.
pub fn is_target(target: &[u8]) -> bool {
    let after_scheme = target.strip_prefix(b"https://").or_else(|| target.strip_prefix(b"http://"));
    let origin = match after_scheme {
        Some(rest) => {
            let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
            let (name, path) = rest.split_at(end);
            if !is_host_field(name) {
                return false;
            }
            path
        }
        None if target.starts_with(b"/") => target,
        None => return false,
    };
    let mut rest = origin;
    while let [byte, tail @ ..] = rest {
        rest = match (byte, tail) {
            (b'%', [high, low, tail @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => tail,
            (b'%', _) => return false,
            _ if is_path_byte(*byte) || matches!(byte, b'?' | b'[' | b']' | b'|' | b';') => tail,
            _ => return false,
        };
    }
    true
}

fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'.' | b'_'
                | b'~'
                | b'/'
                | b':'
                | b'@'
                | b'!'
                | b'$'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b','
                | b'='
                | b'-'
        )
}

/// Whether a path has one reading only: no empty or dot segment, no `;`, no percent sign that hides a dot, a slash, a
/// backslash, a percent sign or a control byte.
pub fn is_path(path: &str) -> bool {
    let Some(inner) = path.strip_prefix('/') else { return false };
    let segments_fit = inner.split('/').all(|segment| segment != "." && segment != "..");
    if !segments_fit || path.contains("//") {
        return false;
    }
    let mut rest = path.as_bytes();
    while let [byte, tail @ ..] = rest {
        rest = match (byte, tail) {
            (b'%', [high, low, tail @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) if !is_disguise(high * 16 + low) => tail,
                _ => return false,
            },
            (b'%', _) => return false,
            _ if is_path_byte(*byte) => tail,
            _ => return false,
        };
    }
    true
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

fn is_disguise(byte: u8) -> bool {
    byte < 0x20 || matches!(byte, b'.' | b'/' | b'\\' | b'%' | b';' | 0x7f)
}

/// The one authority that `:authority`, an absolute target and Host give; none if they differ or there is none.
///
/// The texts must be equal to the byte, but for the case of letters.
pub fn agreed(parts: &Parts) -> Option<String> {
    let mut hosts = parts.headers.get_all(HOST).iter();
    let field = match (hosts.next(), hosts.next()) {
        (field, None) => field.map(|value| value.to_str().ok()),
        _ => return None,
    };
    let target = parts.uri.authority().map(http::uri::Authority::as_str);
    match (target, field) {
        (Some(target), None) => Some(target.to_owned()),
        (None, Some(Some(field))) => Some(field.to_owned()),
        (Some(target), Some(Some(field))) if target.eq_ignore_ascii_case(field) => Some(target.to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_dotted_labels_in_any_case_and_nothing_else() {
        assert_eq!(host("API.x.com").as_deref(), Some("api.x.com"));
        assert_eq!(host("localhost").as_deref(), Some("localhost"));
        for bad in [
            "",
            ".",
            "api.x.com.",
            ".x.com",
            "api..x.com",
            "api.x.com:443",
            "u@api.x.com",
            "api.x.com%2f",
            "api_x.com",
            "127.0.0.1",
            "127.1",
            "0x7f.0.0.1",
            "api.0x7f",
            "[::1]",
            "::1",
            "-a.com",
            "a-.com",
            "ａpi.x.com",
            "api.x.com\0",
            "api x.com",
        ] {
            assert_eq!(host(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_connect_target_is_a_host_and_port_443() {
        assert_eq!(connect_target("api.x.com:443").as_deref(), Some("api.x.com"));
        for bad in ["api.x.com", "api.x.com:80", "api.x.com:0443", "api.x.com.:443", "1.2.3.4:443", "a:443:443", ":443"]
        {
            assert_eq!(connect_target(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_the_allowed_port_may_stand_beside_a_host() {
        assert_eq!(host_and_port("api.x.com:443", "443").as_deref(), Some("api.x.com"));
        assert_eq!(host_and_port("api.x.com", "443").as_deref(), Some("api.x.com"));
        for bad in ["api.x.com:80", "api.x.com:", "api.x.com:00443", "api.x.com:+443"] {
            assert_eq!(host_and_port(bad, "443"), None, "{bad}");
        }
    }

    #[test]
    fn a_path_with_two_readings_is_no_path() {
        for good in ["/", "/2/tweets", "/v26.0/", "/upload:abc/x", "/xrpc/app.bsky.feed.post", "/a%20b", "/%E3%81%82"] {
            assert!(is_path(good), "{good}");
        }
        for bad in [
            "",
            "*",
            "2/tweets",
            "//2/tweets",
            "/2//tweets",
            "/./2",
            "/2/..",
            "/2/../x",
            "/%2e/x",
            "/%2E%2e/x",
            "/a%2fb",
            "/a%5Cb",
            "/a%00",
            "/a%",
            "/a%2",
            "/a%zz",
            "/a;b",
            "/a%3bb",
            "/a\\b",
            "/a%252e",
            "/a%0d%0ab",
            "/a b",
            "/あ",
            "/a#b",
            "/a?b",
            "/a\"b",
            "/a|b",
        ] {
            assert!(!is_path(bad), "{bad}");
        }
    }

    #[test]
    fn a_target_has_a_form_and_only_bytes_of_a_url() {
        for good in
            ["/", "/a?b=c&d[]=%E3%81%82", "https://api.x.com/2/tweets?x", "http://api.x.com", "https://api.x.com:443/"]
        {
            assert!(is_target(good.as_bytes()), "{good}");
        }
        for bad in [
            "",
            "a",
            "api.x.com:443",
            "/a#b",
            "/a\"",
            "/a<b>",
            "/a%4",
            "ftp://api.x.com/",
            "https://",
            "https://u@api.x.com/",
            "https:///a",
            "/\u{e9}",
            "/a\\b",
        ] {
            assert!(!is_target(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn a_host_field_may_be_an_address_but_never_a_list_or_a_disguise() {
        for good in ["localhost:8443", "127.0.0.1:8443", "[::1]:8443", "api.x.com", "gate_way"] {
            assert!(is_host_field(good.as_bytes()), "{good}");
        }
        for bad in ["a,b", "a b", "u@a", "a:", "a:99999", "a:80:80", "[::1", "[x]", "a/b", ":80", "a:+80"] {
            assert!(!is_host_field(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn names_that_differ_do_not_agree() {
        let parts = |uri: &str, hosts: &[&str]| {
            let mut request = http::Request::builder().uri(uri);
            for host in hosts {
                request = request.header(HOST, *host);
            }
            request.body(()).unwrap().into_parts().0
        };
        assert_eq!(agreed(&parts("/a", &["api.x.com"])).as_deref(), Some("api.x.com"));
        assert_eq!(agreed(&parts("https://api.x.com/a", &[])).as_deref(), Some("api.x.com"));
        assert_eq!(agreed(&parts("https://api.x.com/a", &["API.x.com"])).as_deref(), Some("api.x.com"));
        assert_eq!(agreed(&parts("https://api.x.com/a", &["api.line.me"])), None);
        assert_eq!(agreed(&parts("/a", &["api.x.com", "api.x.com"])), None);
        assert_eq!(agreed(&parts("/a", &[])), None);
    }
}
