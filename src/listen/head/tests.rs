//! One row per violation, and heads that real clients send. Whole or byte by byte, the result is the same.

use super::*;

const HOST: &str = "Host: api.x.com\r\n";

/// Clean bytes, heads and violation of `bytes` in pieces of `size`, kept as the guard keeps them.
fn scan(bytes: &[u8], size: usize, may_connect: bool) -> (usize, u64, Option<Violation>) {
    let mut scanner = Scanner::new(Limits::default(), may_connect);
    let (mut clean, mut seen) = (0, 0);
    loop {
        let step = scanner.scan(&bytes[clean..seen]);
        clean += step.clean;
        if step.violation.is_some() || seen == bytes.len() {
            return (clean, scanner.heads(), step.violation);
        }
        seen = (seen + size).min(bytes.len());
    }
}

/// The code that `bytes` are refused with, however they are cut.
fn code(bytes: &[u8]) -> Option<&'static str> {
    let whole = scan(bytes, bytes.len().max(1), false);
    for size in [1, 2, 3, 7, 64] {
        assert_eq!(scan(bytes, size, false), whole, "in pieces of {size}: {:?}", String::from_utf8_lossy(bytes));
    }
    whole.2.map(|violation| violation.code)
}

fn with(fields: &str) -> Vec<u8> {
    format!("POST /2/tweets HTTP/1.1\r\n{HOST}{fields}\r\n\r\nhello").into_bytes()
}

#[test]
fn every_rule_of_a_field_has_its_code() {
    let rows: &[(&str, &str)] = &[
        ("Content-Length: 5\r\nTransfer-Encoding: chunked", "length-and-encoding"),
        ("Transfer-Encoding: chunked\r\nContent-Length: 5", "length-and-encoding"),
        ("Content-Length: 0\r\nTransfer-Encoding: chunked", "length-and-encoding"),
        ("Content-Length: 5\r\nContent-Length: 5", "duplicate-content-length"),
        ("Content-Length: 5\r\ncontent-length: 6", "duplicate-content-length"),
        ("Content-Length: 05", "bad-content-length"),
        ("Content-Length: 00", "bad-content-length"),
        ("Content-Length: +5", "bad-content-length"),
        ("Content-Length: -5", "bad-content-length"),
        ("Content-Length: 5,5", "bad-content-length"),
        ("Content-Length: 5, 5", "bad-content-length"),
        ("Content-Length: 5 5", "bad-content-length"),
        ("Content-Length: 0x5", "bad-content-length"),
        ("Content-Length: 5.0", "bad-content-length"),
        ("Content-Length: 1e1", "bad-content-length"),
        ("Content-Length: ５", "bad-content-length"),
        ("Content-Length:", "bad-content-length"),
        ("Content-Length: \t ", "bad-content-length"),
        ("Content-Length: 9223372036854775808", "bad-content-length"),
        ("Content-Length: 18446744073709551621", "bad-content-length"),
        ("Transfer-Encoding: gzip", "bad-transfer-encoding"),
        ("Transfer-Encoding: gzip, chunked", "bad-transfer-encoding"),
        ("Transfer-Encoding: chunked, chunked", "bad-transfer-encoding"),
        ("Transfer-Encoding: identity", "bad-transfer-encoding"),
        ("Transfer-Encoding: \"chunked\"", "bad-transfer-encoding"),
        ("Transfer-Encoding: xchunked", "bad-transfer-encoding"),
        ("Transfer-Encoding:", "bad-transfer-encoding"),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "duplicate-transfer-encoding"),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", "bad-transfer-encoding"),
        ("Transfer-Encoding: \x0bchunked", "control-byte"),
        ("A: b\r\n folded", "obs-fold"),
        ("A: b\r\n\tfolded", "obs-fold"),
        ("Content-Length : 5", "space-before-colon"),
        ("Content-Length\t: 5", "space-before-colon"),
        (": value", "empty-field-name"),
        ("No colon at all", "bad-field-line"),
        ("A b: c", "bad-field-name"),
        ("A(b): c", "bad-field-name"),
        ("Ａ: c", "bad-field-name"),
        ("A\x01: c", "bad-field-name"),
        ("A: b\x01c", "control-byte"),
        ("A: b\x7fc", "control-byte"),
        ("A: b\0c", "nul-byte"),
        ("A\0: b", "nul-byte"),
        ("A: b\rc", "bare-cr"),
        ("A: b\rContent-Length: 5", "bare-cr"),
        ("A: b\r", "bare-cr"),
        ("A: b\nC: d", "bare-lf"),
        ("Host: api.x.com", "duplicate-host"),
        ("Content-Type: a/b\r\nContent-Type: a/b", "duplicate-content-type"),
        ("Authorization: a\r\nAuthorization: b", "duplicate-authorization"),
        ("Proxy-Authorization: a\r\nproxy-authorization: b", "duplicate-authorization"),
        ("Upgrade: websocket", "upgrade-not-allowed"),
        ("HTTP2-Settings: AAMAAABk", "upgrade-not-allowed"),
        ("Connection: keep-alive, Upgrade", "upgrade-not-allowed"),
        ("Trailer: X-Sum", "trailers-not-allowed"),
        ("Expect: 200-ok", "bad-expect"),
        ("Expect: 100-continue\r\nExpect: 100-continue", "bad-expect"),
    ];
    for (fields, expected) in rows {
        assert_eq!(code(&with(fields)), Some(*expected), "{fields:?}");
    }
}

#[test]
fn every_rule_of_a_head_has_its_code() {
    let rows: &[(&str, &str)] = &[
        ("GET / HTTP/1.1\r\n\r\n", "missing-host"),
        ("GET / HTTP/1.0\r\n\r\n", "missing-host"),
        ("GET / HTTP/1.1\r\nHost:\r\n\r\n", "empty-host"),
        ("GET / HTTP/1.1\r\nHost: \t\r\n\r\n", "empty-host"),
        ("GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", "bad-host"),
        ("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", "bad-host"),
        ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "bad-host"),
        ("GET / HTTP/1.1\nHost: a\n\n", "bare-lf"),
        ("GET / HTTP/1.1\r\nHost: a\n\r\n", "bare-lf"),
        ("GET / HTTP/1.1\r\nHost: a\r\n\n", "bare-lf"),
        ("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "bad-request-line"),
        ("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "bare-lf"),
        ("GET /\r\nHost: a\r\n\r\n", "bad-request-line"),
        ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "bad-request-line"),
        ("GET /  HTTP/1.1\r\nHost: a\r\n\r\n", "bad-request-line"),
        ("GET / x HTTP/1.1\r\nHost: a\r\n\r\n", "bad-request-line"),
        (" GET / HTTP/1.1\r\nHost: a\r\n\r\n", "bad-request-line"),
        ("GET\t/\tHTTP/1.1\r\nHost: a\r\n\r\n", "bad-request-line"),
        ("G(T / HTTP/1.1\r\nHost: a\r\n\r\n", "bad-request-line"),
        ("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", "bad-request-line"),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", "bad-version"),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "bad-version"),
        ("GET / HTTP/1.2\r\nHost: a\r\n\r\n", "bad-version"),
        ("GET / HTTP/0.9\r\nHost: a\r\n\r\n", "bad-version"),
        ("GET / http/1.1\r\nHost: a\r\n\r\n", "bad-version"),
        ("GET / HTTP/1.10\r\nHost: a\r\n\r\n", "bad-version"),
        ("GET /\u{e9} HTTP/1.1\r\nHost: a\r\n\r\n", "bad-target"),
        ("GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", "bad-target"),
        ("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", "bad-target"),
        ("GET /a%zz HTTP/1.1\r\nHost: a\r\n\r\n", "bad-target"),
        ("GET /a\\b HTTP/1.1\r\nHost: a\r\n\r\n", "bad-target"),
        ("GET a HTTP/1.1\r\nHost: a\r\n\r\n", "bad-target"),
        ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", "bad-target"),
        ("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "bad-target"),
        ("GET https://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", "bad-target"),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", "body-not-expected"),
        ("HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}", "body-not-expected"),
        ("DELETE / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "body-not-expected"),
        ("HEAD / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "body-not-expected"),
        ("DELETE / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", "body-not-expected"),
        ("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "encoding-in-http10"),
        ("POST / HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\n\r\n", "bad-expect"),
        ("CONNECT api.x.com:443 HTTP/1.1\r\nHost: api.x.com:443\r\n\r\n", "connect-not-here"),
        (" \r\n", "bad-request-line"),
        ("GET / HTTP/1.1\r\n Host: a\r\n\r\n", "obs-fold"),
    ];
    for (head, expected) in rows {
        assert_eq!(code(head.as_bytes()), Some(*expected), "{head:?}");
    }
}

#[test]
fn every_rule_of_a_chunk_has_its_code_and_its_body_is_never_clean_to_the_end() {
    let rows: &[(&str, &str)] = &[
        ("5;a=b\r\nhello\r\n0\r\n\r\n", "chunk-extension"),
        ("5;\r\nhello\r\n0\r\n\r\n", "chunk-extension"),
        ("5 ;a\r\nhello\r\n0\r\n\r\n", "bad-chunk-size"),
        ("5 \r\nhello\r\n0\r\n\r\n", "bad-chunk-size"),
        (" 5\r\nhello\r\n0\r\n\r\n", "bad-chunk-size"),
        ("+5\r\nhello\r\n0\r\n\r\n", "bad-chunk-size"),
        ("-5\r\nhello\r\n0\r\n\r\n", "bad-chunk-size"),
        ("0x5\r\nhello\r\n0\r\n\r\n", "bad-chunk-size"),
        ("5_\r\nhello\r\n0\r\n\r\n", "bad-chunk-size"),
        ("g\r\nhello\r\n0\r\n\r\n", "bad-chunk-size"),
        ("\r\nhello\r\n0\r\n\r\n", "bad-chunk-size"),
        ("5\nhello\r\n0\r\n\r\n", "bad-chunk-size"),
        ("5\rhello\r\n0\r\n\r\n", "bad-chunk-size"),
        ("8000000000000000\r\nhello", "bad-chunk-size"),
        ("ffffffffffffffff\r\nhello", "bad-chunk-size"),
        ("00000000000000005\r\nhello\r\n0\r\n\r\n", "bad-chunk-size"),
        ("10000000000000005\r\nhello\r\n0\r\n\r\n", "bad-chunk-size"),
        ("5\r\nhello0\r\n\r\n", "bad-chunk-end"),
        ("5\r\nhello\n0\r\n\r\n", "bad-chunk-end"),
        ("5\r\nhelloXX0\r\n\r\n", "bad-chunk-end"),
        ("5\r\nhello\rX0\r\n\r\n", "bad-chunk-end"),
        ("5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n", "trailers-not-allowed"),
        ("5\r\nhello\r\n0\r\n\n", "bad-chunk-end"),
        ("5\r\nhello\r\n0\r\n\rX", "bad-chunk-end"),
        ("5\r\nhello\r\n0;a\r\n\r\n", "chunk-extension"),
    ];
    let head = format!("POST /2/tweets HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n");
    for (body, expected) in rows {
        let bytes = format!("{head}{body}");
        assert_eq!(code(bytes.as_bytes()), Some(*expected), "{body:?}");
        let mut scanner = Scanner::new(Limits::default(), false);
        let clean = scanner.scan(bytes.as_bytes()).clean;
        assert!(scanner.broke_in_body() && !bytes[..clean].ends_with("0\r\n\r\n"), "{body:?}");
    }
}

#[test]
fn requests_of_real_clients_are_clean_to_the_last_byte() {
    let rows: &[&str] = &[
        "GET /2/users/me HTTP/1.1\r\nHost: api.x.com\r\nUser-Agent: Python/3.12 Requests\r\nAccept-Encoding: gzip, \
         deflate\r\nAccept: */*\r\nConnection: keep-alive\r\nAuthorization: Bearer abc\r\n\r\n",
        "POST /2/tweets HTTP/1.1\r\nHost: api.x.com\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{\"text\":\"hello\"}",
        "POST /v2/bot/message/broadcast HTTP/1.1\r\nHost: api.line.me\r\ntransfer-encoding: \
         chunked\r\n\r\n5\r\nhello\r\nA\r\n0123456789\r\n0\r\n\r\n",
        "POST /a HTTP/1.1\r\nHost: api.x.com\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\n\r\n",
        "POST /u HTTP/1.1\r\nHost: upload.x.com\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
        "POST /1.1/statuses/update.json?status=%E3%81%82 HTTP/1.1\r\nHost: api.x.com\r\nContent-Length: 0\r\n\r\n",
        "DELETE /2/tweets/1 HTTP/1.1\r\nHost: api.x.com\r\nContent-Length: 0\r\n\r\n",
        "POST https://graph.facebook.com/v26.0/me/feed HTTP/1.1\r\nHost: graph.facebook.com\r\nContent-Length: 1\r\n\r\na",
        "GET /a?media.fields=x&b[]=1 HTTP/1.1\r\nHost: 127.0.0.1:8443\r\n\r\n",
        "GET / HTTP/1.0\r\nHost: localhost\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST /a HTTP/1.1\r\nHost: a\r\nSekisho-Reason: 訓練のため\r\nA:\r\nB: \tx\t \r\n\r\n",
        "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhiGET /3 HTTP/1.1\r\nHost: a\r\n\r\n",
    ];
    for bytes in rows {
        assert_eq!(code(bytes.as_bytes()), None, "{bytes:?}");
        let (clean, heads, _) = scan(bytes.as_bytes(), 1, false);
        assert_eq!(clean, bytes.len(), "{bytes:?}");
        assert_eq!(heads, bytes.matches(" HTTP/1.").count() as u64);
    }
}

#[test]
fn a_bad_head_behind_a_good_request_leaves_the_good_one_clean() {
    let good = "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi";
    let bytes = format!("{good}GET /2 HTTP/1.1\r\n\r\n");
    let (clean, heads, violation) = scan(bytes.as_bytes(), bytes.len(), false);
    assert_eq!((clean, heads), (good.len(), 1));
    assert_eq!(violation, Some(Violation::bad("missing-host")));
    assert_eq!(code(bytes.as_bytes()), Some("missing-host"));
}

#[test]
fn an_empty_object_is_the_longest_body_that_a_get_or_a_delete_may_bring() {
    for method in ["GET", "DELETE"] {
        let two = format!("{method} / HTTP/1.1\r\n{HOST}Content-Length: 2\r\n\r\n{{}}");
        // The body is counted off, so that a second request may follow.
        let twice = format!("{two}{two}");
        assert_eq!((code(two.as_bytes()), code(twice.as_bytes())), (None, None), "{method}");
    }
}

#[test]
fn sizes_have_limits_and_answer_431() {
    let limits = Limits::default();
    let long = format!("GET /{} HTTP/1.1\r\n{HOST}\r\n", "a".repeat(limits.target_bytes));
    let many = format!("GET / HTTP/1.1\r\n{HOST}{}\r\n", "A: b\r\n".repeat(limits.head_fields));
    let large = format!("GET / HTTP/1.1\r\n{HOST}A: {}\r\n\r\n", "b".repeat(limits.head_bytes));
    let endless = "G".repeat(limits.head_bytes + 1);
    for (bytes, expected) in
        [(long, "target-too-long"), (many, "too-many-fields"), (large, "head-too-large"), (endless, "head-too-large")]
    {
        let (_, _, violation) = scan(bytes.as_bytes(), 64, false);
        assert_eq!(violation, Some(Violation::large(expected)));
        assert_eq!(scan(bytes.as_bytes(), bytes.len(), false).2, violation);
    }
    let fits = format!("GET /{} HTTP/1.1\r\n{HOST}\r\n", "a".repeat(limits.target_bytes - 1));
    assert_eq!(code(fits.as_bytes()), None);
}

#[test]
fn a_first_connect_ends_the_scan_at_the_tunnel() {
    let head = "CONNECT api.x.com:443 HTTP/1.1\r\nHost: api.x.com:443\r\n\r\n";
    let bytes = [head.as_bytes(), &[0x16, 3, 1]].concat();
    assert_eq!(scan(&bytes, bytes.len(), true), (head.len(), 1, None));
    assert_eq!(scan(&bytes, 1, true), (head.len(), 1, None));
    let body = "CONNECT a.b:443 HTTP/1.1\r\nHost: a.b\r\nContent-Length: 3\r\n\r\n";
    assert_eq!(scan(body.as_bytes(), 1, true).2, Some(Violation::bad("body-not-expected")));
}

#[test]
fn a_connect_in_http10_needs_no_host_and_nothing_else_goes_without_one() {
    // What Python's http.client sends up to 3.11.
    let old = "CONNECT api.x.com:443 HTTP/1.0\r\nProxy-Authorization: Basic eA==\r\n\r\n";
    assert_eq!(scan(old.as_bytes(), 1, true), (old.len(), 1, None));
    let missing = Some(Violation::bad("missing-host"));
    assert_eq!(scan(b"CONNECT api.x.com:443 HTTP/1.1\r\n\r\n", 1, true).2, missing);
    assert_eq!(scan(b"GET /2/users/me HTTP/1.0\r\n\r\n", 1, true).2, missing);
    let two = "CONNECT api.x.com:443 HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n";
    assert_eq!(scan(two.as_bytes(), 1, true).2, Some(Violation::bad("duplicate-host")));
}

#[test]
fn a_byte_flipped_anywhere_never_makes_pieces_and_whole_differ() {
    let good = format!(
        "POST /2/tweets HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nGET / HTTP/1.1\r\n{HOST}\r\n"
    );
    let mut refused = 0;
    for at in 0..good.len() {
        for byte in [0, b'\r', b'\n', b' ', b':', b';', b'0', b'9', 0xff] {
            let mut bytes = good.clone().into_bytes();
            bytes[at] = byte;
            refused += usize::from(code(&bytes).is_some());
        }
    }
    assert!(refused > good.len(), "only {refused} flips were refused");
}
