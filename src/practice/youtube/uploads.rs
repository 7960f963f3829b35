//! Uploads to YouTube: words and medium in one body, or a session whose bytes follow.

use aws_lc_rs::digest::{Context, SHA256};
use http::{StatusCode, header};
use serde_json::{Map, Value, json};

use super::{add_video, done, wrong};
use crate::practice::exchange::{Answer, Asked};
use crate::practice::stage::World;

/// An upload whose bytes follow.
pub(super) struct Session {
    channel: String,
    words: Map<String, Value>,
    hash: Context,
    arrived: u64,
    /// The answer, once all has arrived.
    video: Option<Value>,
}

/// The beginning of an upload: all of it, or its words.
pub(super) fn begin(world: &mut World, channel: &str, asked: &Asked) -> Answer {
    match asked.query("uploadType") {
        Some("resumable") => {
            let Some(Value::Object(words)) = asked.json() else { return malformed() };
            let id = format!("practice-upload-{}", world.youtube.next_id());
            let address = format!("https://{}{}?uploadType=resumable&upload_id={id}", asked.host, asked.path);
            let hash = Context::new(&SHA256);
            let session = Session { channel: channel.to_owned(), words, hash, arrived: 0, video: None };
            world.youtube.sessions.insert(id.clone(), session);
            Answer::text("text/plain; charset=utf-8", String::new())
                .with("location", address)
                .with("x-guploader-uploadid", id)
        }
        Some("multipart") => match related(asked) {
            Some((words, media)) => add_video(world, channel, words, sha256(&media), asked.number),
            None => malformed(),
        },
        _ => wrong(StatusCode::BAD_REQUEST, "global", "wrongUrlForUpload", "Uploads must be sent to the upload URL."),
    }
}

/// Bytes of a session, or the question how many have arrived. A chunk of which nothing is kept here (over 1 MiB) must
/// be the whole.
pub(super) fn bytes(world: &mut World, id: &str, asked: &Asked) -> Answer {
    let Some(session) = world.youtube.sessions.get_mut(id) else {
        return wrong(StatusCode::NOT_FOUND, "global", "notFound", "Not Found");
    };
    if let Some(video) = &session.video {
        return done(video);
    }
    let len = asked.body.bytes;
    let range = asked.header("content-range").map_or_else(|| format!("bytes 0-/{len}"), str::to_owned);
    let Some((which, total)) = range.strip_prefix("bytes ").and_then(|range| range.split_once('/')) else {
        return malformed();
    };
    let total = total.parse::<u64>().ok();
    let whole = total == Some(len);
    if which != "*" {
        if which.split('-').next().and_then(|from| from.parse::<u64>().ok()) != Some(session.arrived) {
            return malformed();
        }
        match &asked.body.kept {
            Some(kept) => session.hash.update(kept),
            None if whole => {}
            None => return malformed(),
        }
        session.arrived += len;
    }
    if total != Some(session.arrived) {
        let answer = Answer { status: StatusCode::PERMANENT_REDIRECT, ..Answer::empty() };
        let last = session.arrived.checked_sub(1);
        return match last {
            Some(last) => answer.with("range", format!("bytes=0-{last}")),
            None => answer,
        };
    }
    let (channel, words) = (session.channel.clone(), session.words.clone());
    let hash = if whole { asked.body.sha256.clone() } else { hex::encode(session.hash.clone().finish()) };
    let answer = add_video(world, &channel, words, hash, asked.number);
    let video = serde_json::from_slice(&answer.body).ok();
    if let Some(session) = world.youtube.sessions.get_mut(id) {
        session.video = video;
    }
    answer
}

/// Subtitles and pictures of a playlist.
pub(super) fn beside(world: &mut World, _channel: &str, asked: &Asked) -> Answer {
    let Some((mut words, _)) = related(asked) else { return malformed() };
    words.insert("id".to_owned(), json!(world.youtube.next_id()));
    done(&Value::Object(words))
}

fn malformed() -> Answer {
    wrong(StatusCode::BAD_REQUEST, "global", "badContent", "Bad content. Please try again.")
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(aws_lc_rs::digest::digest(&SHA256, bytes).as_ref())
}

/// The words and the bytes of a `multipart/related` body of two parts.
fn related(asked: &Asked) -> Option<(Map<String, Value>, Vec<u8>)> {
    let kept = asked.body.kept.as_deref()?;
    let (_, boundary) = asked.header(header::CONTENT_TYPE.as_str())?.split_once("boundary=")?;
    let delimiter = format!("--{}", boundary.trim_matches('"'));
    let mut found = memchr::memmem::find_iter(kept, &delimiter);
    let (first, second, end) = (found.next()?, found.next()?, found.next()?);
    let part = |from: usize, to: usize| {
        let part = kept.get(from + delimiter.len()..to)?;
        let (blank, gap) = match memchr::memmem::find(part, b"\r\n\r\n") {
            Some(at) => (at, 4),
            None => (memchr::memmem::find(part, b"\n\n")?, 2),
        };
        // What ends the last line belongs to the delimiter.
        part.get(blank + gap..part.len().checked_sub(gap / 2)?)
    };
    let words = serde_json::from_slice(part(first, second)?).ok()?;
    Some((words, part(second, end)?.to_vec()))
}
