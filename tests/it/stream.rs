//! The log stream for the security team: complete, resumable, verifiable; and the ledger's own command.

use std::process::Command;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use sekisho::demo::town::{MANAGER_KEY, STREAM_KEY};
use serde_json::Value;
use tokio::net::TcpStream;

use crate::act::{HEALTH, digest_of_words};
use crate::stage::{Town, tweet};

const STREAM: &str = "/api/v1/ledger/stream?organisation=nerima";

/// An open stream.
struct Reader {
    body: Incoming,
    text: String,
}

impl Reader {
    async fn open(town: &Town, path: &str, headers: &[(&str, &str)]) -> Self {
        let stream = TcpStream::connect(town.running.console).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let mut request = Request::get(path).header("host", town.running.console.to_string());
        request = request.header("authorization", format!("Bearer {STREAM_KEY}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = sender.send_request(request.body(Empty::<Bytes>::new()).unwrap()).await.unwrap();
        assert_eq!(response.status(), 200);
        Self { body: response.into_body(), text: String::new() }
    }

    /// Reads until `enough` of the whole lines so far; the lines.
    async fn until(mut self, enough: impl Fn(&[&str]) -> bool) -> String {
        let read = async {
            loop {
                let whole = self.text.rfind('\n').map_or(0, |at| at + 1);
                let lines: Vec<&str> = self.text[..whole].lines().collect();
                if enough(&lines) {
                    return self.text[..whole].to_owned();
                }
                let frame = self.body.frame().await.expect("the stream goes on").unwrap();
                if let Some(piece) = frame.data_ref() {
                    self.text.push_str(std::str::from_utf8(piece).unwrap());
                }
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(30), read).await.expect("the entries come")
    }
}

fn event_ids(lines: &[&str]) -> Vec<u64> {
    lines.iter().filter_map(|line| line.strip_prefix("id: ")).map(|id| id.parse().unwrap()).collect()
}

/// The entries of NDJSON lines: index and leaf as it came.
fn leaves(text: &str) -> Vec<(u64, String)> {
    let lines = text.lines().filter(|line| line.starts_with("{\"index\":"));
    lines
        .map(|line| {
            let index = serde_json::from_str::<Value>(line).unwrap()["index"].as_u64().unwrap();
            let leaf = line.strip_prefix(&format!("{{\"index\":{index},\"entry\":")).unwrap();
            (index, leaf.strip_suffix('}').unwrap().to_owned())
        })
        .collect()
}

/// Posts that are held, one entry each, while somebody reads.
async fn busy(town: &Town, posts: usize) {
    let tool = town.nerima();
    for n in 0..posts {
        assert_eq!(tweet(&tool, &format!("{HEALTH}（{n}）")).await.header("sekisho-decision"), "held");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_is_cut_off_resumes_by_index_without_loss_or_repetition() {
    let town = Town::start().await;
    let sse = ("accept", "text/event-stream");
    let story = async {
        let first = Reader::open(&town, STREAM, &[sse]).await.until(|lines| event_ids(lines).len() >= 5).await;
        let mut ids = event_ids(&first.lines().collect::<Vec<_>>());
        let last = ids.last().unwrap().to_string();
        let resumed = Reader::open(&town, STREAM, &[sse, ("last-event-id", &last)]).await;
        let second = resumed.until(|lines| event_ids(lines).len() + ids.len() >= 30).await;
        ids.extend(event_ids(&second.lines().collect::<Vec<_>>()));
        ids
    };
    let (ids, ()) = tokio::join!(story, busy(&town, 30));
    assert_eq!(ids, (0..30).collect::<Vec<u64>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn ndjson_resumes_too_and_what_was_streamed_comes_to_the_signed_root() {
    let town = Town::start().await;
    let story = async {
        let first = Reader::open(&town, STREAM, &[]).await.until(|lines| leaves(&lines.join("\n")).len() >= 4).await;
        let mut got = leaves(&first);
        let after = format!("{STREAM}&after={}", got.last().unwrap().0);
        let second = Reader::open(&town, &after, &[]).await;
        got.extend(leaves(&second.until(|lines| leaves(&lines.join("\n")).len() + got.len() >= 21).await));
        got
    };
    let (got, ()) = tokio::join!(story, busy(&town, 21));
    let indexes: Vec<u64> = got.iter().map(|(index, _)| *index).collect();
    assert_eq!(indexes, (0..21).collect::<Vec<u64>>());

    let path = "/api/v1/ledger/checkpoint?organisation=nerima";
    let note = town.console(STREAM_KEY, http::Method::GET, path, None).await;
    let note = String::from_utf8(note.body.to_vec()).unwrap();
    let lines: Vec<&str> = note.lines().collect();
    assert_eq!((lines[0].ends_with("/nerima"), lines[1]), (true, "21"), "{note}");
    let hashes: Vec<[u8; 32]> = got.iter().map(|(_, leaf)| hashed(&[&[0], leaf.as_bytes()])).collect();
    use base64::Engine as _;
    assert_eq!(lines[2], base64::prelude::BASE64_STANDARD.encode(root(&hashes)));
}

fn hashed(parts: &[&[u8]]) -> [u8; 32] {
    sekisho::domain::media::Sha256::of(&parts.concat()).0
}

/// MTH of RFC 6962 section 2.1, straight from its text.
fn root(leaves: &[[u8; 32]]) -> [u8; 32] {
    if let [only] = leaves {
        return *only;
    }
    let split = leaves.len().next_power_of_two() / 2;
    hashed(&[&[1], &root(&leaves[..split]), &root(&leaves[split..])])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_reads_the_own_bodys_log_alone_and_nobody_reads_without_a_key() {
    let town = Town::start().await;
    busy(&town, 1).await;
    let entries = |body: &str| format!("/api/v1/ledger/entries?organisation={body}");
    let get = |key: &'static str, path: String| {
        let town = &town;
        async move { town.console(key, http::Method::GET, &path, None).await.status.as_u16() }
    };
    assert_eq!(get(MANAGER_KEY, entries("nerima")).await, 200);
    assert_eq!(get(MANAGER_KEY, entries("nagano")).await, 404);
    // 長野市's log has no entry yet: there is nothing to read, and nothing was signed.
    assert_eq!(get(STREAM_KEY, entries("nagano")).await, 200);
    assert_eq!(get(STREAM_KEY, "/api/v1/ledger/checkpoint?organisation=nagano".to_owned()).await, 404);
    assert_eq!(get("no-such-key", entries("nerima")).await, 401);
    let ahead = format!("{}&after=500", entries("nerima"));
    assert_eq!(get(STREAM_KEY, ahead).await, 409, "a cursor beyond the end is told, not waited for");
}

/// `sekisho ledger verify` on the town's files: exit code and what it said.
fn verify(town: &Town) -> (i32, String) {
    let file = town.dir().join("verify.toml");
    let dir = town.dir().display();
    let text = format!(
        "[store]\nurl = \"{}\"\n[ledger]\ndir = \"{dir}/ledger\"\norigin = \"{}\"\n",
        town.config.store.url, town.config.ledger.origin
    );
    std::fs::write(&file, text).unwrap();
    let output =
        Command::new(env!("CARGO_BIN_EXE_sekisho")).args(["ledger", "verify", "--config"]).arg(&file).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(said).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_byte_flipped_in_an_entry_is_found_and_its_index_named() {
    let town = Town::start().await;
    busy(&town, 5).await;
    town.approve(&digest_of_words(&town, HEALTH).await).await;
    assert_eq!(tweet(&town.nerima(), HEALTH).await.status, 201);
    // The outcome of a post follows its answer.
    town.running.ledger.settle();
    let (code, said) = verify(&town);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("log nerima: 8 entries verified"), "{said}");

    let database = rusqlite::Connection::open(town.dir().join("sekisho.db")).unwrap();
    let place = "id = (SELECT id FROM log WHERE name = 'nerima') * 1099511627776 + 3";
    let read = format!("SELECT leaf FROM record WHERE {place}");
    let leaf: Vec<u8> = database.query_row(&read, [], |row| row.get(0)).unwrap();
    let write = |leaf: &[u8]| {
        assert_eq!(database.execute(&format!("UPDATE record SET leaf = ? WHERE {place}"), [leaf]).unwrap(), 1);
    };
    for at in [0, leaf.len() / 2, leaf.len() - 1] {
        let mut flipped = leaf.clone();
        flipped[at] ^= 1;
        write(&flipped);
        let (code, said) = verify(&town);
        assert_eq!(code, 1, "{said}");
        assert!(said.contains("log nerima, index 3:"), "{said}");
    }
    write(&leaf);
    assert_eq!(verify(&town).0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn health_readiness_and_counters_tell_no_content() {
    let town = Town::start().await;
    busy(&town, 2).await;
    let get = |path: &'static str| {
        let town = &town;
        async move {
            let reply = town.console("no-key-is-needed", http::Method::GET, path, None).await;
            (reply.status.as_u16(), String::from_utf8(reply.body.to_vec()).unwrap())
        }
    };
    assert_eq!(get("/healthz").await, (200, "ok\n".to_owned()));
    assert_eq!(get("/readyz").await, (200, "ready\n".to_owned()));
    let (status, metrics) = get("/metrics").await;
    assert_eq!(status, 200);
    let held = metrics.lines().find(|line| line.contains("approval-missing")).expect("refusals are counted by code");
    assert!(held.ends_with(" 2"), "{held}");
    assert!(!metrics.contains("健康") && !metrics.contains("practice-credential"), "{metrics}");
}
