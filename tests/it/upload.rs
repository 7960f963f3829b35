//! Half a gibibyte of video, in one request and in parallel parts: the gateway's memory stays flat, the provider gets the
//! very bytes, each request's hash is in the ledger before the request leaves, and the file's hash is bound when the
//! tool is told that the upload is done.
#![expect(clippy::print_stdout, reason = "the figures of a run are told with --nocapture")]

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, Stream};
use http::Method;
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use sekisho::demo::client::{Failed, Tool};
use sekisho::domain::media::Sha256;
use sekisho::extract::spool::Hasher;
use serde_json::json;

use crate::child::{Child, Line, Place, TOOL_KEY, digest_of, text, tool_headers};

/// The most memory that the gateway may ever hold, in KiB: 96 MiB.
const PEAK_KIB: u64 = 96 * 1024;
/// Pieces in which the media are made.
const PIECE: usize = 1024 * 1024;
/// Pieces in one part of a chunked upload: 4 MiB.
const PIECES_OF_A_PART: u64 = 4;
/// Parts on their way at the same time.
const LINES: u64 = 6;
const BOUNDARY: &str = "----tool-boundary-7f3a9c";

/// How large the medium is, in MiB (`SEKISHO_UPLOAD_MIB`).
fn mebibytes() -> u64 {
    std::env::var("SEKISHO_UPLOAD_MIB").map_or(512, |text| text.parse().unwrap())
}

/// A medium that is made anew whenever it is needed, and never held whole. No piece is like another.
struct Film {
    noise: Vec<u8>,
}

impl Film {
    fn new() -> Self {
        let mut state = 0x5eed_u32;
        let mut byte = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        Self { noise: (0..PIECE).map(|_| byte()).collect() }
    }

    fn piece(&self, number: u64) -> Bytes {
        let mut piece = self.noise.clone();
        piece[..8].copy_from_slice(&number.to_be_bytes());
        Bytes::from(piece)
    }

    fn sha256(&self, pieces: std::ops::Range<u64>) -> Sha256 {
        let mut hash = Hasher::default();
        pieces.for_each(|number| hash.update(&self.piece(number)));
        hash.finish()
    }
}

fn part_head(name: &str, more: &str) -> String {
    format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"{more}\r\n\r\n")
}

fn content_type() -> String {
    format!("multipart/form-data; boundary={BOUNDARY}")
}

/// Sends `before`, the pieces and the closing boundary, with the length said beforehand.
async fn send(
    line: &mut Line,
    path: &str,
    before: String,
    pieces: impl Stream<Item = Bytes> + Send + 'static,
    len: u64,
) -> sekisho::demo::client::Reply {
    let after = format!("\r\n--{BOUNDARY}--\r\n");
    let len = (before.len() as u64 + len + after.len() as u64).to_string();
    let all = stream::iter([Bytes::from(before)]).chain(pieces).chain(stream::iter([Bytes::from(after)]));
    let body = StreamBody::new(all.map(|piece| Ok::<_, Failed>(Frame::data(piece)))).boxed_unsync();
    let content_type = content_type();
    let mut headers = tool_headers().to_vec();
    headers.extend([("content-type", content_type.as_str()), ("content-length", len.as_str())]);
    line.stream(Method::POST, path, &headers, body).await.unwrap()
}

/// Posts with the medium at once, approved beforehand by the hash of its bytes.
async fn post_with(gateway: &Child, media_id: &str) {
    let mut line = Line::open(gateway.gateway).await.unwrap();
    let body = json!({ "text": text(1), "media": { "media_ids": [media_id] } });
    let reply = line.post(body.to_string()).await.unwrap();
    assert_eq!(reply.status, 201, "{:?}", reply.json());
}

/// The memory, the order, the ledger: what holds after either upload.
async fn conclude(place: &Place, gateway: Child, film: Sha256, what: &str, took: Duration) {
    let peak = gateway.peak_kib();
    println!("{what}: {} MiB in {took:?}, the gateway's peak memory {} MiB", mebibytes(), peak / 1024);
    assert!(peak < PEAK_KIB, "the gateway held {peak} KiB");
    let entries = place.entries();
    assert_eq!(place.witness.violations(&place.provider.requests(), &entries), Vec::<String>::new());
    let posts = place.provider.posts();
    assert_eq!(posts.len(), 1);
    assert_eq!(posts[0].media_sha256, [film.hex()], "the public sees the very bytes that were approved");
    gateway.terminate_and_wait().await;
    let (code, said) = place.verify().await;
    assert_eq!(code, Some(0), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_gibibyte_in_one_request_goes_through_a_tunnel_in_flat_memory() {
    let place = Place::new("").await;
    let gateway = place.start().await;
    let pieces = mebibytes();
    let film = Film::new();
    let sha256 = film.sha256(0..pieces);
    gateway.approve([digest_of(text(1), &[sha256])]).await;

    let begun = Instant::now();
    let tool = Tool::new(gateway.gateway, TOOL_KEY, &place.root_pem()).unwrap();
    let stream = tool.connect("api.x.com").await.unwrap();
    let mut line = Line::over(stream, "api.x.com".to_owned()).await.unwrap();
    let before = part_head("media", "; filename=\"film.mp4\"\r\nContent-Type: video/mp4");
    let made = stream::iter(0..pieces).map(move |number| film.piece(number));
    let reply = send(&mut line, "/2/media/upload", before, made, pieces * PIECE as u64).await;
    assert_eq!(reply.status, 200, "{:?}", reply.json());
    let media_id = reply.json()["data"]["id"].as_str().unwrap().to_owned();
    post_with(&gateway, &media_id).await;

    let received = place.provider.requests();
    assert_eq!(received.len(), 2, "one upload, one post");
    assert_eq!(received[0].media_sha256(), [sha256.hex()]);
    conclude(&place, gateway, sha256, "one shot", begun.elapsed()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_gibibyte_in_parallel_parts_is_bound_to_its_hash_when_finalize_answers() {
    let place = Place::new("").await;
    let gateway = place.start().await;
    let pieces = mebibytes();
    let parts = pieces / PIECES_OF_A_PART;
    let film = std::sync::Arc::new(Film::new());
    let sha256 = film.sha256(0..pieces);
    gateway.approve([digest_of(text(1), &[sha256])]).await;

    let begun = Instant::now();
    let mut line = Line::open(gateway.gateway).await.unwrap();
    let about = json!({ "media_type": "image/png", "total_bytes": pieces * PIECE as u64 }).to_string();
    let opened = line.send(Method::POST, "/x/2/media/upload/initialize", &tool_headers(), about).await.unwrap();
    assert_eq!(opened.status, 200, "{:?}", opened.json());
    let media_id = opened.json()["data"]["id"].as_str().unwrap().to_owned();
    let lines = (0..LINES).map(|first| {
        let (path, film, gateway) = (format!("/x/2/media/upload/{media_id}/append"), film.clone(), gateway.gateway);
        async move {
            let mut line = Line::open(gateway).await.unwrap();
            for part in (first..parts).step_by(LINES as usize) {
                let film = film.clone();
                let index = part_head("segment_index", "");
                let media = part_head("media", "; filename=\"blob\"\r\nContent-Type: application/octet-stream");
                let before = format!("{index}{part}\r\n{media}");
                let numbers = part * PIECES_OF_A_PART..(part + 1) * PIECES_OF_A_PART;
                let made = stream::iter(numbers).map(move |number| film.piece(number));
                let reply = send(&mut line, &path, before, made, PIECES_OF_A_PART * PIECE as u64).await;
                assert_eq!(reply.status, 200, "part {part}: {:?}", reply.json());
            }
        }
    });
    futures_util::future::join_all(lines).await;
    let path = format!("/x/2/media/upload/{media_id}/finalize");
    let done = line.send(Method::POST, &path, &tool_headers(), "").await.unwrap();
    assert_eq!(done.status, 200, "{:?}", done.json());
    post_with(&gateway, &media_id).await;

    let received = place.provider.requests();
    assert_eq!(received.len() as u64, parts + 3, "initialize, each part once, finalize, one post");
    let left: Vec<_> = std::fs::read_dir(place.data().join("spool")).unwrap().collect();
    assert!(left.is_empty(), "parts stay in the spool: {left:?}");
    conclude(&place, gateway, sha256, "in parts", begun.elapsed()).await;
}
