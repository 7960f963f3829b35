//! How bytes are framed and whom they say they are for.

use super::*;

pub(super) fn framing() -> Vec<Case> {
    let body = words(HEALTH);
    let n = body.len();
    let bytes = body.as_bytes();
    let text = body.as_str();
    let close = "connection: close\r\n";
    let chunked = "transfer-encoding: chunked\r\nconnection: close\r\n";
    let whole = chunks(&[text]);
    let with = |lines: &str| format!("content-length: {n}\r\n{close}{lines}");
    let mut cases = vec![
        plain("control: chunked", framed(chunked, &whole), Want::Passes(approved())),
        plain("control: two chunks", framed(chunked, &chunks(&["{\"text\":", &text[8..]])), Want::Passes(approved())),
        plain("control: expect", framed(&with("expect: 100-continue\r\n"), bytes), Want::Passes(approved())),
    ];
    let cl_te = format!("content-length: {n}\r\n{chunked}");
    let te_cl = format!("{chunked}content-length: {n}\r\n");
    let door: Vec<(&str, Vec<u8>, &'static str)> = vec![
        ("CL, TE", framed(&cl_te, &whole), "length-and-encoding"),
        ("TE, CL", framed(&te_cl, &whole), "length-and-encoding"),
        ("CL 0, TE", framed(&format!("content-length: 0\r\n{chunked}"), &whole), "length-and-encoding"),
        ("two CL", framed(&with(&format!("content-length: {n}\r\n")), bytes), "duplicate-content-length"),
        ("two CL that differ", framed(&with("content-length: 1\r\n"), bytes), "duplicate-content-length"),
        ("CL list", framed(&format!("content-length: {n}, {n}\r\n{close}"), bytes), "bad-content-length"),
        ("CL +", framed(&format!("content-length: +{n}\r\n{close}"), bytes), "bad-content-length"),
        ("CL 0", framed(&format!("content-length: 0{n}\r\n{close}"), bytes), "bad-content-length"),
        ("CL hex", framed(&format!("content-length: 0x{n:x}\r\n{close}"), bytes), "bad-content-length"),
        ("CL empty", framed(&format!("content-length:\r\n{close}"), bytes), "bad-content-length"),
        ("CL minus", framed(&format!("content-length: -{n}\r\n{close}"), bytes), "bad-content-length"),
        (
            "CL overflow",
            framed(&format!("content-length: 18446744073709551617\r\n{close}"), bytes),
            "bad-content-length",
        ),
        ("CL with a space in it", framed(&format!("content-length: {n} 1\r\n{close}"), bytes), "bad-content-length"),
        ("TE gzip", framed(&format!("transfer-encoding: gzip\r\n{close}"), &whole), "bad-transfer-encoding"),
        (
            "TE gzip, chunked",
            framed(&format!("transfer-encoding: gzip, chunked\r\n{close}"), &whole),
            "bad-transfer-encoding",
        ),
        (
            "TE chunked, identity",
            framed(&format!("transfer-encoding: chunked, identity\r\n{close}"), &whole),
            "bad-transfer-encoding",
        ),
        ("TE xchunked", framed(&format!("transfer-encoding: xchunked\r\n{close}"), &whole), "bad-transfer-encoding"),
        ("TE quoted", framed(&format!("transfer-encoding: \"chunked\"\r\n{close}"), &whole), "bad-transfer-encoding"),
        ("TE empty", framed(&format!("transfer-encoding:\r\n{close}"), &whole), "bad-transfer-encoding"),
        (
            "TE twice",
            framed(&format!("transfer-encoding: chunked\r\n{chunked}"), &whole),
            "duplicate-transfer-encoding",
        ),
        ("TE with VT", framed(&format!("transfer-encoding:\x0bchunked\r\n{close}"), &whole), "control-byte"),
        (
            "space before the colon",
            framed(&format!("transfer-encoding : chunked\r\n{close}"), &whole),
            "space-before-colon",
        ),
        ("tab before the colon", framed(&format!("content-length\t: {n}\r\n{close}"), bytes), "space-before-colon"),
        ("obs-fold", framed(&with("x: a\r\n b\r\n"), bytes), "obs-fold"),
        (
            "obs-fold of TE",
            framed(&format!("transfer-encoding:\r\n chunked\r\n{close}"), &whole),
            "bad-transfer-encoding",
        ),
        ("no colon", framed(&with("x\r\n"), bytes), "bad-field-line"),
        ("empty name", framed(&with(": x\r\n"), bytes), "empty-field-name"),
        ("a name of two words", framed(&with("a b: x\r\n"), bytes), "bad-field-name"),
        ("a name with a byte of UTF-8", framed(&with("\u{e9}: x\r\n"), bytes), "bad-field-name"),
        ("NUL", framed(&with("x: a\0b\r\n"), bytes), "nul-byte"),
        ("bare CR", framed(&with("x: a\rb\r\n"), bytes), "bare-cr"),
        ("bare LF", framed(&with("x: a\nb: c\r\n"), bytes), "bare-lf"),
        ("two Hosts", framed(&with("host: gw\r\n"), bytes), "duplicate-host"),
        ("two Authorizations", framed(&with("authorization: Bearer other\r\n"), bytes), "duplicate-authorization"),
        ("Upgrade", framed(&with("upgrade: websocket\r\n"), bytes), "upgrade-not-allowed"),
        ("Upgrade h2c", framed(&with("upgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n"), bytes), "upgrade-not-allowed"),
        (
            "Connection: upgrade",
            framed(&format!("content-length: {n}\r\nconnection: Upgrade\r\n"), bytes),
            "upgrade-not-allowed",
        ),
        ("Trailer", framed(&format!("trailer: x\r\n{chunked}"), &whole), "trailers-not-allowed"),
        ("Expect of something else", framed(&with("expect: 200-ok\r\n"), bytes), "bad-expect"),
        ("Expect twice", framed(&with("expect: 100-continue\r\nexpect: 100-continue\r\n"), bytes), "bad-expect"),
        ("GET with a body", request("GET", "/x/2/users/me", "gw", JSON, bytes), "body-not-expected"),
        ("DELETE with a body", request("DELETE", "/x/2/tweets/1", "gw", JSON, bytes), "body-not-expected"),
        ("HEAD with a body", request("HEAD", "/x/2/users/me", "gw", JSON, bytes), "body-not-expected"),
    ];
    cases.extend(door.into_iter().map(|(name, bytes, code)| plain(name, bytes, Want::Door(code))));
    let line = |line: &str| {
        let head = format!("{line}\r\nhost: gw\r\n{}{JSON}content-length: {n}\r\n{close}\r\n", identity());
        [head.as_bytes(), bytes].concat()
    };
    for (start, code) in [
        ("POST /x/2/tweets", "bad-request-line"),
        ("POST  /x/2/tweets HTTP/1.1", "bad-request-line"),
        ("POST /x/2/tweets  HTTP/1.1", "bad-request-line"),
        ("POST\t/x/2/tweets HTTP/1.1", "bad-request-line"),
        (" POST /x/2/tweets HTTP/1.1", "bad-request-line"),
        ("POST /x/2/tweets HTTP/1.1 ", "bad-request-line"),
        ("P@ST /x/2/tweets HTTP/1.1", "bad-request-line"),
        ("POST /x/2/tweets HTTP/0.9", "bad-version"),
        ("POST /x/2/tweets HTTP/2.0", "bad-version"),
        ("POST /x/2/tweets http/1.1", "bad-version"),
        ("POST /x/2/tweets HTTP/1.2", "bad-version"),
        ("POST x/2/tweets HTTP/1.1", "bad-target"),
        ("POST * HTTP/1.1", "bad-target"),
    ] {
        cases.push(plain(start, line(start), Want::Door(code)));
    }
    for (name, broken, code) in [
        ("extension", format!("{n:x};x=1\r\n{text}\r\n0\r\n\r\n"), "chunk-extension"),
        ("quoted extension", format!("{n:x};x=\"\r\n{text}\r\n0\r\n\r\n"), "chunk-extension"),
        ("trailer", format!("{n:x}\r\n{text}\r\n0\r\nx: y\r\n\r\n"), "trailers-not-allowed"),
        ("no CRLF after the data", format!("{n:x}\r\n{text}0\r\n\r\n"), "bad-chunk-end"),
        ("LF after the size", format!("{n:x}\n{text}\r\n0\r\n\r\n"), "bad-chunk-size"),
        ("0x size", format!("0x{n:x}\r\n{text}\r\n0\r\n\r\n"), "bad-chunk-size"),
        ("negative size", format!("-{n:x}\r\n{text}\r\n0\r\n\r\n"), "bad-chunk-size"),
        ("overflowing size", format!("10000000000000000{n:x}\r\n{text}\r\n0\r\n\r\n"), "bad-chunk-size"),
        ("63 bits", format!("ffffffffffffffff\r\n{text}\r\n0\r\n\r\n"), "bad-chunk-size"),
        ("size with a space", format!("{n:x} \r\n{text}\r\n0\r\n\r\n"), "bad-chunk-size"),
        ("no size", format!("\r\n{text}\r\n0\r\n\r\n"), "bad-chunk-size"),
        ("LF at the end", format!("{n:x}\r\n{text}\r\n0\r\n\n"), "bad-chunk-end"),
    ] {
        // The head was clean, so the tool is known: an entry, and the door's own word for the broken body.
        cases.push(plain(format!("chunk: {name}"), framed(chunked, broken.as_bytes()), Want::BrokenBody(code)));
    }
    cases.push(plain(
        "a body that ends early",
        framed(&format!("content-length: {}\r\n", n + 9), bytes),
        Want::BrokenBody("body-timeout"),
    ));
    cases.push(plain(
        "chunks that end early",
        framed(chunked, &whole[..whole.len() - 4]),
        Want::BrokenBody("body-timeout"),
    ));
    cases.push(plain(
        "a head that never ends",
        b"POST /x/2/tweets HTTP/1.1\r\nhost: gw\r\nx: ".to_vec(),
        Want::Door("head-timeout"),
    ));
    let fields: String = (0..80).map(|i| format!("x-{i}: y\r\n")).collect();
    cases.push(plain("80 fields", framed(&with(&fields), bytes), Want::Door("too-many-fields")));
    cases.push(plain(
        "a field of 40 KiB",
        framed(&with(&format!("x: {}\r\n", "y".repeat(40_000))), bytes),
        Want::Door("head-too-large"),
    ));
    cases.push(plain(
        "a target of 5 KiB",
        post(&format!("/x/2/tweets?a={}", "b".repeat(5_000)), "", text),
        Want::Door("target-too-long"),
    ));
    let old = format!("POST /x/2/tweets HTTP/1.0\r\nhost: gw\r\n{}{JSON}{chunked}\r\n", identity());
    cases.push(plain("HTTP/1.0 in chunks", [old.as_bytes(), &whole].concat(), Want::Door("encoding-in-http10")));
    let old = format!("POST /x/2/tweets HTTP/1.0\r\nhost: gw\r\n{}{JSON}content-length: {n}\r\n\r\n", identity());
    cases.push(plain("control: HTTP/1.0", [old.as_bytes(), bytes].concat(), Want::Passes(approved())));
    let hostless = format!("POST /x/2/tweets HTTP/1.1\r\n{}{JSON}content-length: {n}\r\n\r\n", identity());
    cases.push(plain("no Host", [hostless.as_bytes(), bytes].concat(), Want::Door("missing-host")));
    for name in ["x-http-method-override", "x-http-method", "x-method-override"] {
        let bytes = framed(&with(&format!("{name}: DELETE\r\n")), bytes);
        cases.push(plain(name, bytes, Want::Entry("method-override")));
    }
    // Headers by which other servers take another path or host change nothing: the approved post leaves as it is.
    for name in [
        "x-original-url: /2/dm_conversations",
        "x-rewrite-url: /2/tweets/1",
        "x-forwarded-host: evil.example",
        "forwarded: host=evil.example",
        "te: trailers",
        "proxy-connection: keep-alive",
        "transfer_encoding: chunked",
    ] {
        let bytes = framed(&with(&format!("{name}\r\n")), bytes);
        cases.push(plain(format!("control: {name}"), bytes, Want::Passes(approved())));
    }
    // A second request that rides on the first: by a length that is too short, by an unread body, by the pipeline.
    let other = words("承認されていない投稿です。");
    let second = request("POST", "/x/2/tweets", "gw", JSON, other.as_bytes());
    let first = framed(&format!("content-length: {n}\r\n"), bytes);
    cases.push(plain(
        "pipelined: good, then unapproved",
        [first.clone(), second.clone()].concat(),
        Want::FirstOnly(approved()),
    ));
    cases.push(plain(
        "pipelined: good, then garbage",
        [first.clone(), b"GARBAGE\r\n\r\n".to_vec()].concat(),
        Want::FirstOnly(approved()),
    ));
    cases.push(plain(
        "pipelined: good, then CL and TE",
        [first.clone(), framed(&cl_te, &whole)].concat(),
        Want::FirstOnly(approved()),
    ));
    cases.push(plain(
        "pipelined: good, then CONNECT",
        [first.clone(), b"CONNECT api.x.com:443 HTTP/1.1\r\nhost: api.x.com:443\r\n\r\n".to_vec()].concat(),
        Want::FirstOnly(approved()),
    ));
    cases.push(plain(
        "pipelined: good, then the HTTP/2 preface",
        [first, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec()].concat(),
        Want::FirstOnly(approved()),
    ));
    let hidden = request("POST", "/x/2/tweets/1", "gw", JSON, &second);
    cases.push(plain("a request in an unread body", hidden, Want::Entry("unknown-route")));
    cases
}

pub(super) fn forward() -> Vec<Case> {
    let body = words(HEALTH);
    let connect =
        |target: &str, more: &str| format!("CONNECT {target} HTTP/1.1\r\n{more}{}\r\n", identity()).into_bytes();
    let mut cases = Vec::new();
    for target in [
        "127.0.0.1:443",
        "127.0.0.1:8443",
        "localhost:443",
        "[::1]:443",
        "0.0.0.0:443",
        "169.254.169.254:443",
        "0x7f000001:443",
        "2130706433:443",
        "evil.example:443",
        "x.com:443",
        "api.x.com:80",
        "api.x.com:8443",
        "api.x.com",
        "api.x.com:",
        "api.x.com.:443",
        "api.x.com:0443",
        "api.x.com@evil.example:443",
        "evil.example#api.x.com:443",
        "https://api.x.com:443",
        "/2/tweets",
        "ａpi.x.com:443",
        "api.x.com.evil.example:443",
        "ads-api.x.com:443",
        "graph.example.com:443",
        "*",
    ] {
        let host = format!(
            "host: {}\r\n",
            if target.is_ascii() && !target.contains(['@', '#', '/', '*']) && !target.ends_with(':') {
                target
            } else {
                "api.x.com:443"
            }
        );
        let code = if target.is_ascii() { "unknown-host" } else { "bad-target" };
        cases.push(plain(format!("CONNECT {target}"), connect(target, &host), Want::Door(code)));
    }
    cases.push(plain(
        "CONNECT with a body",
        [connect("api.x.com:443", "host: api.x.com:443\r\ncontent-length: 4\r\n"), b"abcd".to_vec()].concat(),
        Want::Door("body-not-expected"),
    ));
    cases.push(plain(
        "CONNECT in chunks",
        connect("api.x.com:443", "host: api.x.com:443\r\ntransfer-encoding: chunked\r\n"),
        Want::Door("body-not-expected"),
    ));
    for (door, name) in [
        (Door::Tls("api.x.com", "api.line.me"), "SNI of another provider"),
        (Door::Tls("api.x.com", "upload.x.com"), "SNI of the same provider"),
        (Door::Tls("api.x.com", "127.0.0.1"), "no SNI"),
        (Door::Tls("api.x.com", "evil.example"), "SNI of nobody"),
    ] {
        let bytes = request("POST", "/2/tweets", "api.x.com", JSON, body.as_bytes());
        cases.push(Case { name: name.to_owned(), door, bytes, want: Want::Ends });
    }
    for (target, host) in [
        ("/2/tweets", "api.line.me"),
        ("/2/tweets", "upload.x.com"),
        ("/2/tweets", "evil.example"),
        ("/2/tweets", "api.x.com:80"),
        ("/2/tweets", "api.x.com."),
        ("/2/tweets", "127.0.0.1"),
        ("https://api.line.me/v2/bot/message/broadcast", "api.line.me"),
        ("https://api.line.me/v2/bot/message/broadcast", "api.x.com"),
        ("http://api.x.com/2/tweets", "api.x.com"),
        ("https://upload.x.com/2/tweets", "upload.x.com"),
        ("https://api.x.com:443/2/tweets", "api.x.com"),
    ] {
        let bytes = request("POST", target, host, JSON, body.as_bytes());
        cases.push(tunnel(format!("inside: {target} for {host}"), bytes, Want::Door("authority-mismatch")));
    }
    let inner = connect("api.line.me:443", "host: api.line.me:443\r\n");
    cases.push(tunnel("CONNECT in a tunnel", inner, Want::Door("connect-not-here")));
    cases.push(tunnel(
        "CL and TE in a tunnel",
        request("POST", "/2/tweets", "api.x.com", &format!("{JSON}transfer-encoding: chunked\r\n"), body.as_bytes()),
        Want::Door("length-and-encoding"),
    ));
    cases.push(tunnel(
        "the emergency path in a tunnel",
        request("POST", "/emergency/x/2/tweets", "api.x.com", JSON, body.as_bytes()),
        Want::Entry("unknown-route"),
    ));
    let absolute = |target: &str, host: &str| request("POST", target, host, JSON, body.as_bytes());
    for (target, host, code) in [
        ("https://api.x.com/2/tweets", "api.line.me", "authority-mismatch"),
        ("https://api.x.com/2/tweets", "gw", "authority-mismatch"),
        ("https://api.x.com:80/2/tweets", "api.x.com:80", "authority-mismatch"),
        ("http://api.x.com:443/2/tweets", "api.x.com:443", "authority-mismatch"),
        ("https://evil.example/2/tweets", "evil.example", "unknown-host"),
        ("https://127.0.0.1/2/tweets", "127.0.0.1", "unknown-host"),
        ("http://gw/x/2/tweets", "gw", "unknown-host"),
        ("https://api.x.com@evil.example/2/tweets", "evil.example", "bad-target"),
        ("https://u:p@api.x.com/2/tweets", "api.x.com", "bad-target"),
        ("ftp://api.x.com/2/tweets", "api.x.com", "bad-target"),
        ("https:///2/tweets", "api.x.com", "bad-target"),
        ("https://api.x.com\\@evil.example/2/tweets", "api.x.com", "bad-target"),
    ] {
        cases.push(plain(format!("{target} for {host}"), absolute(target, host), Want::Door(code)));
    }
    for target in ["https://api.x.com/2/tweets", "http://api.x.com/2/tweets", "https://API.x.com/2/tweets"] {
        let host = if target.contains("API") { "API.x.com" } else { "api.x.com" };
        cases.push(plain(format!("control: {target}"), absolute(target, host), Want::Passes(approved())));
    }
    for host in ["api.line.me", "upload.x.com"] {
        cases.push(plain(
            format!("by path, for {host}"),
            request("POST", "/x/2/tweets", host, JSON, body.as_bytes()),
            Want::Door("authority-mismatch"),
        ));
    }
    cases
}
