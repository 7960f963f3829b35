//! HTTP/2 by hand: frames and header lists that no client library would write.
#![expect(clippy::too_many_lines, reason = "a table is long")]

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use super::{HEALTH, wire};
use crate::stage::{Town, words};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A literal field without indexing (RFC 7541 section 6.2.2).
fn literal(name: &[u8], value: &[u8]) -> Vec<u8> {
    let string = |text: &[u8]| {
        let mut out = Vec::new();
        if text.len() < 127 {
            out.push(u8::try_from(text.len()).unwrap());
        } else {
            out.push(127);
            let mut left = text.len() - 127;
            while left >= 128 {
                out.push(u8::try_from(left % 128).unwrap() | 128);
                left /= 128;
            }
            out.push(u8::try_from(left).unwrap());
        }
        out.extend_from_slice(text);
        out
    };
    [vec![0], string(name), string(value)].concat()
}

type Fields = Vec<(Vec<u8>, Vec<u8>)>;

fn plain() -> Fields {
    let length = words(HEALTH).len().to_string();
    [
        (":method", "POST"),
        (":scheme", "https"),
        (":authority", "gw"),
        (":path", "/x/2/tweets"),
        ("sekisho-client", sekisho::demo::town::TOOL_KEY),
        ("authorization", "Bearer practice-credential"),
        ("content-type", "application/json"),
        ("content-length", length.as_str()),
    ]
    .iter()
    .map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()))
    .collect()
}

fn with(name: &str, value: &str) -> Fields {
    let mut fields = plain();
    fields.push((name.as_bytes().to_vec(), value.as_bytes().to_vec()));
    fields
}

fn instead(name: &str, value: &str) -> Fields {
    let mut fields = plain();
    for field in fields.iter_mut().filter(|field| field.0 == name.as_bytes()) {
        field.1 = value.as_bytes().to_vec();
    }
    fields
}

fn without(name: &str) -> Fields {
    plain().into_iter().filter(|field| field.0 != name.as_bytes()).collect()
}

fn head(fields: &Fields, end: bool) -> Vec<u8> {
    let block: Vec<u8> = fields.iter().flat_map(|(name, value)| literal(name, value)).collect();
    frame(HEADERS, END_HEADERS | if end { END_STREAM } else { 0 }, 1, &block)
}

fn message(fields: &Fields) -> Vec<u8> {
    [head(fields, false), frame(DATA, END_STREAM, 1, words(HEALTH).as_bytes())].concat()
}

/// Sends the frames; true when the stream was answered, reset or the connection ended within five seconds.
async fn answered(town: &Town, frames: &[u8]) -> bool {
    let mut stream = TcpStream::connect(town.running.gateway).await.unwrap();
    let opening = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), frame(SETTINGS, 0, 0, &[]), frames.to_vec()].concat();
    let _ = stream.write_all(&opening).await;
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let mut head = [0; 9];
        match timeout_at(deadline, stream.read_exact(&mut head)).await {
            Err(_) => return false,
            Ok(Err(_)) => return true,
            Ok(Ok(_)) => {}
        }
        let mut payload = vec![0; usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2])];
        if !matches!(timeout_at(deadline, stream.read_exact(&mut payload)).await, Ok(Ok(_))) {
            return true;
        }
        if matches!(head[3], HEADERS | RST | GOAWAY) {
            return true;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_that_only_http2_can_write() {
    let town = super::town().await;
    let body = words(HEALTH);
    let mut doubled = plain();
    doubled.insert(1, (b":method".to_vec(), b"DELETE".to_vec()));
    let mut after = plain();
    after.push((b":path".to_vec(), b"/x/2/dm_conversations".to_vec()));
    let two = |name: &str, value: &str| message(&with(name, value));
    let half = frame(DATA, END_STREAM, 1, &body.as_bytes()[..10]);
    let more = [frame(DATA, 0, 1, body.as_bytes()), frame(DATA, END_STREAM, 1, b" ")].concat();
    let trailers = frame(HEADERS, END_HEADERS | END_STREAM, 1, &literal(b"x", b"y"));
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("CRLF in a value", two("x", "a\r\nhost: evil.example")),
        ("LF in a value", two("x", "a\nb: c")),
        ("NUL in a value", two("x", "a\0b")),
        ("CR in a name", two("x\r", "a")),
        ("a colon in a name", two("x:y", "a")),
        ("a space in a name", two("x y", "a")),
        ("upper case", two("X-Y", "a")),
        ("an empty name", two("", "a")),
        ("a padded value", two("x", " a")),
        ("connection", two("connection", "close")),
        ("transfer-encoding", two("transfer-encoding", "chunked")),
        ("upgrade", two("upgrade", "h2c")),
        ("keep-alive", two("keep-alive", "1")),
        ("proxy-connection", two("proxy-connection", "keep-alive")),
        ("te", two("te", "gzip")),
        ("trailer", two("trailer", "x")),
        ("a second length", two("content-length", "1")),
        ("a second type", two("content-type", "text/plain")),
        ("a second authorization", two("authorization", "Bearer other")),
        ("two Hosts", {
            let mut fields = with("host", "gw");
            fields.push((b"host".to_vec(), b"gw".to_vec()));
            message(&fields)
        }),
        ("a Host that differs", two("host", "api.line.me")),
        ("a method twice", message(&doubled)),
        ("a path after the fields", message(&after)),
        (
            "an unknown pseudo field",
            message(&{
                let mut fields = plain();
                fields.insert(0, (b":x".to_vec(), b"y".to_vec()));
                fields
            }),
        ),
        (
            ":protocol",
            message(&{
                let mut fields = plain();
                fields.insert(0, (b":protocol".to_vec(), b"websocket".to_vec()));
                fields
            }),
        ),
        (
            ":status",
            message(&{
                let mut fields = plain();
                fields.insert(0, (b":status".to_vec(), b"200".to_vec()));
                fields
            }),
        ),
        ("CONNECT", message(&instead(":method", "CONNECT"))),
        ("a method with a space", message(&instead(":method", "POST /x"))),
        ("a lower-case method", message(&instead(":method", "post"))),
        ("no method", message(&without(":method"))),
        ("no scheme", message(&without(":scheme"))),
        ("no path", message(&without(":path"))),
        ("no authority", message(&without(":authority"))),
        ("an empty path", message(&instead(":path", ""))),
        ("a star", message(&instead(":path", "*"))),
        ("a space in the path", message(&instead(":path", "/x/2/tweets HTTP/1.1"))),
        ("CRLF in the path", message(&instead(":path", "/x/2/tweets\r\nx: y"))),
        ("a dot segment", message(&instead(":path", "/x/2/./tweets"))),
        ("two slashes", message(&instead(":path", "/x//2/tweets"))),
        ("an escape", message(&instead(":path", "/x/2%2ftweets"))),
        ("an absolute path", message(&instead(":path", "https://api.x.com/2/tweets"))),
        ("an authority with a user", message(&instead(":authority", "u@api.x.com"))),
        ("another provider's authority", message(&instead(":authority", "api.line.me"))),
        (
            "a length that is too long",
            [head(&instead("content-length", "9999"), false), frame(DATA, END_STREAM, 1, body.as_bytes())].concat(),
        ),
        (
            "a length that is too short",
            [head(&instead("content-length", "5"), false), frame(DATA, END_STREAM, 1, body.as_bytes())].concat(),
        ),
        ("a length with a zero", message(&instead("content-length", &format!("0{}", body.len())))),
        ("a length with a plus", message(&instead("content-length", &format!("+{}", body.len())))),
        ("half of the body", [head(&plain(), false), half].concat()),
        ("more than the body", [head(&plain(), false), more].concat()),
        ("no body", head(&plain(), true)),
        ("trailers", [head(&plain(), false), frame(DATA, 0, 1, body.as_bytes()), trailers].concat()),
        ("a body that never ends", [head(&plain(), false), frame(DATA, 0, 1, body.as_bytes())].concat()),
        ("GET with a body", message(&instead(":method", "GET"))),
        ("DELETE with a body", message(&instead(":method", "DELETE"))),
        ("DATA before HEADERS", frame(DATA, END_STREAM, 1, body.as_bytes())),
        ("an even stream", [frame(HEADERS, END_HEADERS | END_STREAM, 2, &literal(b":method", b"POST"))].concat()),
        ("a block that is none", frame(HEADERS, END_HEADERS | END_STREAM, 1, &[0xff; 40])),
        (
            "70 fields",
            message(&{
                let mut fields = plain();
                fields.extend((0..70).map(|i| (format!("x-{i}").into_bytes(), b"y".to_vec())));
                fields
            }),
        ),
    ];
    assert!(cases.len() > 50);
    let mut wrong = Vec::new();
    for (name, frames) in &cases {
        let permits = |town: &Town| town.entries("nerima").iter().filter(|entry| entry["kind"] == "permit").count();
        let (received, before) = (town.received(), permits(&town));
        if !answered(&town, frames).await {
            wrong.push(format!("{name}: no answer"));
        }
        wire::greet(&town).await.unwrap();
        if town.received() != received || permits(&town) != before {
            wrong.push(format!("{name}: the provider received something"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    for (name, fields) in [
        ("the plain head", plain()),
        ("without a length", without("content-length")),
        ("te: trailers", with("te", "trailers")),
    ] {
        town.provider.reset();
        assert!(answered(&town, &message(&fields)).await, "{name}");
        let received = town.provider.requests();
        assert_eq!(received.len(), 1, "{name}: a valid control was refused");
        assert_eq!(received[0].json().unwrap(), serde_json::json!({ "text": HEALTH }));
    }
}
