//! What hyper hides: every violation of HTTP framing at the real gateway port, plain and inside a tunnel. The content is
//! an approved one with uses to spare, so that whatever slips through reaches the provider and fails the scene.

use sekisho::demo::town::TOOL_KEY;
use sekisho::domain::action::Action;

use crate::act::{HEALTH, digest_of_words};
use crate::stage::{Town, words};
use crate::wire::{Answer, converse, named, plain, tunnel};

/// Where a request goes: target, host, and the fields that name the tool.
#[derive(Clone, Copy)]
struct Door {
    target: &'static str,
    host: &'static str,
    fields: &'static str,
    transparent: bool,
}

const PLAIN: Door = Door {
    target: "/x/2/tweets",
    host: "127.0.0.1",
    fields: "Sekisho-Client: demo-nerima-tool\r\nContent-Type: application/json\r\n",
    transparent: false,
};
const TUNNEL: Door =
    Door { target: "/2/tweets", host: "api.x.com", fields: "Content-Type: application/json\r\n", transparent: false };
const TRANSPARENT: Door = Door { fields: PLAIN.fields, transparent: true, ..TUNNEL };

fn request(door: Door, framing: &str, body: &str) -> String {
    let Door { target, host, fields, .. } = door;
    format!(
        "POST {target} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer practice-credential\r\n{fields}{framing}\r\n{body}"
    )
}

fn sound(door: Door) -> String {
    let body = words(HEALTH);
    request(door, &format!("Content-Length: {}\r\nConnection: close\r\n", body.len()), &body)
}

/// Violations: the code that names the rule, and the request.
fn violations(door: Door) -> Vec<(&'static str, String)> {
    let body = words(HEALTH);
    let n = body.len();
    let chunked = format!("{n:x}\r\n{body}\r\n0\r\n\r\n");
    let whole = format!("Content-Length: {n}\r\n");
    let te = "Transfer-Encoding: chunked\r\n";
    let with = |framing: &str, body: &str| request(door, framing, body);
    let mut cases = vec![
        ("length-and-encoding", with(&format!("{whole}{te}"), &chunked)),
        ("length-and-encoding", with(&format!("{te}{whole}"), &chunked)),
        ("duplicate-content-length", with(&format!("{whole}{whole}"), &body)),
        ("duplicate-content-length", with(&format!("{whole}Content-Length: 0\r\n"), &body)),
        ("bad-content-length", with(&format!("Content-Length: 0{n}\r\n"), &body)),
        ("bad-content-length", with(&format!("Content-Length: +{n}\r\n"), &body)),
        ("bad-content-length", with(&format!("Content-Length: {n}, {n}\r\n"), &body)),
        ("bad-content-length", with(&format!("Content-Length: 0x{n:x}\r\n"), &body)),
        ("bad-content-length", with("Content-Length: -1\r\n", &body)),
        ("bad-content-length", with("Content-Length:\r\n", &body)),
        ("bad-transfer-encoding", with("Transfer-Encoding: gzip, chunked\r\n", &chunked)),
        ("bad-transfer-encoding", with("Transfer-Encoding: identity\r\n", &body)),
        ("control-byte", with("Transfer-Encoding: \u{b}chunked\r\n", &chunked)),
        ("duplicate-transfer-encoding", with(&format!("{te}{te}"), &chunked)),
        ("duplicate-host", with(&format!("Host: {}\r\n{whole}", door.host), &body)),
        ("duplicate-host", with(&format!("Host: api.line.me\r\n{whole}"), &body)),
        ("duplicate-content-type", with(&format!("Content-Type: text/plain\r\n{whole}"), &body)),
        ("duplicate-authorization", with(&format!("Authorization: Bearer other\r\n{whole}"), &body)),
        ("obs-fold", with(&format!("X-A: b\r\n c\r\n{whole}"), &body)),
        ("space-before-colon", with(&format!("Content-Length : {n}\r\n"), &body)),
        ("bad-field-line", with(&format!("no colon\r\n{whole}"), &body)),
        ("empty-field-name", with(&format!(": x\r\n{whole}"), &body)),
        ("bad-field-name", with(&format!("X A: x\r\n{whole}"), &body)),
        ("nul-byte", with(&format!("X-A: b\0c\r\n{whole}"), &body)),
        ("bare-cr", with(&format!("X-A: b\rc\r\n{whole}"), &body)),
        ("bare-lf", with(&format!("X-A: b\n{whole}"), &body)),
        ("upgrade-not-allowed", with(&format!("Connection: upgrade\r\nUpgrade: h2c\r\n{whole}"), &body)),
        ("bad-expect", with(&format!("Expect: 200-ok\r\n{whole}"), &body)),
        ("trailers-not-allowed", with(&format!("Trailer: X-A\r\n{te}"), &chunked)),
        ("chunk-extension", with(te, &format!("{n:x};a=b\r\n{body}\r\n0\r\n\r\n"))),
        ("chunk-extension", with(te, &format!("{n:x}\r\n{body}\r\n0;a\r\n\r\n"))),
        ("bad-chunk-size", with(te, &format!("0x{n:x}\r\n{body}\r\n0\r\n\r\n"))),
        ("bad-chunk-size", with(te, &format!("{n:x} \r\n{body}\r\n0\r\n\r\n"))),
        ("bad-chunk-size", with(te, &format!("{n:x}\n{body}\r\n0\r\n\r\n"))),
        ("bad-chunk-end", with(te, &format!("{n:x}\r\n{body}\n0\r\n\r\n"))),
        ("trailers-not-allowed", with(te, &format!("{n:x}\r\n{body}\r\n0\r\nX-A: b\r\n\r\n"))),
        ("too-many-fields", with(&format!("{}{whole}", "X-A: b\r\n".repeat(70)), &body)),
        ("head-too-large", with(&format!("X-A: {}\r\n{whole}", "b".repeat(40_000)), &body)),
    ];
    let good = sound(door);
    let lines = [
        ("bare-lf", good.replace("\r\n", "\n")),
        ("missing-host", good.replace(&format!("Host: {}\r\n", door.host), "")),
        ("encoding-in-http10", with(te, &chunked).replace("HTTP/1.1", "HTTP/1.0")),
        ("bad-version", good.replace("HTTP/1.1", "HTTP/1.2")),
        ("bad-request-line", good.replacen("POST ", "POST  ", 1)),
        ("bad-target", good.replacen(door.target, &format!("{}#x", door.target), 1)),
        ("body-not-expected", good.replacen("POST ", "GET ", 1)),
        (
            "connect-not-here",
            format!("{}CONNECT api.x.com:443 HTTP/1.1\r\nHost: api.x.com:443\r\n\r\n", open_ended(door)),
        ),
    ];
    cases.extend(lines);
    cases
}

/// A sound read that leaves the connection open.
fn open_ended(door: Door) -> String {
    let target = door.target.replace("/2/tweets", "/2/users/me");
    format!("GET {target} HTTP/1.1\r\nHost: {}\r\nSekisho-Client: wrong-key\r\n\r\n", door.host)
}

async fn say(town: &Town, door: Door, bytes: &str) -> Answer {
    if door.transparent {
        let stream = tokio::net::TcpStream::connect(town.running.transparent.unwrap()).await.unwrap();
        converse(named(town, stream, door.host).await.unwrap(), bytes.as_bytes()).await
    } else if door.host == "api.x.com" {
        converse(tunnel(town, TOOL_KEY, "api.x.com", "api.x.com").await.unwrap(), bytes.as_bytes()).await
    } else {
        converse(plain(town).await, bytes.as_bytes()).await
    }
}

async fn every_violation_is_refused(door: Door) {
    let any_port = "127.0.0.1:0".parse().unwrap();
    let town = Town::start_with(|config| config.listen.transparent = Some(any_port)).await;
    town.approve_for("nerima-x", Action::Publish, &digest_of_words(&town, HEALTH).await, 1_000).await;
    let cases = violations(door);
    assert!(cases.len() >= 46, "{}", cases.len());
    let mut wrong = Vec::new();
    for (code, bytes) in cases {
        // A sound request behind it must not be heard either.
        let answer = say(&town, door, &format!("{bytes}{}", sound(door))).await;
        let first = if code == "connect-not-here" { 403 } else { 400 };
        if !answer.text.contains(code) || ![first, 431].contains(&answer.status) {
            wrong.push(format!("{code}: {}\n{}", answer.text, bytes.escape_debug()));
        }
        assert_eq!(town.received(), 0, "{code} reached the provider: {}", bytes.escape_debug());
    }
    assert_eq!(wrong, Vec::<String>::new());
    let answer = say(&town, door, &sound(door)).await;
    assert_eq!(answer.status, 201, "the same content in sound framing passes: {}", answer.text);
    assert_eq!(town.received(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_framing_violation_is_refused_on_the_plain_port() {
    every_violation_is_refused(PLAIN).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_framing_violation_is_refused_inside_a_tunnel() {
    every_violation_is_refused(TUNNEL).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_framing_violation_is_refused_at_the_transparent_door() {
    every_violation_is_refused(TRANSPARENT).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connect_sni_and_host_name_one_host_or_nothing_passes() {
    let town = Town::start().await;
    town.approve_for("nerima-x", Action::Publish, &digest_of_words(&town, HEALTH).await, 1_000).await;
    let entries = town.entries("nerima").len();
    for (connect, name) in [("api.x.com", "api.line.me"), ("api.line.me", "api.x.com")] {
        tunnel(&town, TOOL_KEY, connect, name).await.unwrap_err();
    }
    let inside = [
        sound(TUNNEL).replace("Host: api.x.com", "Host: api.line.me"),
        sound(TUNNEL).replace("Host: api.x.com", "Host: api.x.com:8443"),
        sound(TUNNEL).replace("Host: api.x.com", "Host: upload.x.com"),
        sound(TUNNEL).replace("POST /2", "POST https://api.line.me/2"),
    ];
    for bytes in inside {
        let answer = say(&town, TUNNEL, &bytes).await;
        assert_eq!(answer.status, 421, "{}\n{bytes}", answer.text);
        assert_eq!(answer.json()["code"], "authority-mismatch");
    }
    let absolute = sound(PLAIN).replace("POST /x/2", "POST http://api.x.com/2");
    let answer = say(&town, PLAIN, &absolute.replace("Host: 127.0.0.1", "Host: api.line.me")).await;
    assert_eq!((answer.status, &answer.json()["code"]), (421, &serde_json::json!("authority-mismatch")));
    assert_eq!((town.received(), town.entries("nerima").len()), (0, entries));
    let sound = say(&town, PLAIN, &absolute.replace("Host: 127.0.0.1", "Host: api.x.com")).await;
    assert_eq!((sound.status, town.received()), (201, 1), "{}", sound.text);
}
