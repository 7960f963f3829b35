//! Media on X: one shot and in chunks, v2 and v1.1. Bytes are hashed; chunks wait on disk until the upload ends.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Seek as _};

use aws_lc_rs::digest::{Context, SHA256};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Caller, State, problem};
use crate::practice::exchange::{Answer, Asked};
use crate::practice::stage::World;

/// How long X keeps media that no post uses, in seconds.
const EXPIRES_S: u64 = 86_400;

/// Media that was uploaded, or is being.
pub(super) struct Media {
    user: String,
    bytes: u64,
    sha256: String,
    media_type: String,
    category: String,
    /// Chunks by index until the upload ends.
    segments: BTreeMap<u64, (File, u64)>,
    ended: bool,
    /// How often the state must still be asked for before the media is ready.
    waits: u32,
}

impl State {
    /// The hash of media that a post may use.
    pub(super) fn ready_media(&self, id: &str) -> Option<String> {
        let media = self.media.get(&id.parse().ok()?)?;
        (media.ended && media.waits == 0).then(|| media.sha256.clone())
    }
}

/// The two ways of speaking about the same thing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dialect {
    V2,
    Old,
}

/// Everything under `/2/media` and `/1.1/media`.
pub(super) fn answer(world: &mut World, caller: &Caller, asked: Asked) -> Answer {
    let dialect = if asked.path.starts_with("/1.1/") { Dialect::Old } else { Dialect::V2 };
    let path = asked.path.clone();
    let segments = path.split('/').filter(|segment| !segment.is_empty()).skip(2).collect::<Vec<_>>();
    let command = asked.parameter("command").unwrap_or_default();
    let x = &mut world.x;
    match (asked.method.clone(), segments.as_slice(), command.as_str()) {
        (Method::POST, ["upload", "initialize"], _) | (Method::POST, ["upload" | "upload.json"], "INIT") => {
            initialize(x, caller, &asked, dialect)
        }
        (Method::POST, ["upload", id, "append"], _) => append(x, caller, id, asked, dialect),
        (Method::POST, ["upload", id, "finalize"], _) => finalize(x, caller, id, dialect),
        (Method::POST, ["upload" | "upload.json"], "APPEND") => {
            let id = asked.parameter("media_id").unwrap_or_default();
            append(x, caller, &id, asked, dialect)
        }
        (Method::POST, ["upload" | "upload.json"], "FINALIZE") => {
            finalize(x, caller, &asked.parameter("media_id").unwrap_or_default(), dialect)
        }
        (Method::GET, ["upload" | "upload.json"], "STATUS") => {
            status(x, caller, &asked.parameter("media_id").unwrap_or_default(), dialect)
        }
        (Method::POST, ["upload" | "upload.json"], "") => one_shot(x, caller, asked, dialect),
        (Method::POST, ["metadata"] | ["metadata", "create.json"], _) => metadata(x, caller, &asked, dialect),
        (Method::POST | Method::DELETE, ["subtitles"], _) => Answer::json(StatusCode::OK, &json!({"data": {}})),
        _ => problem::old(StatusCode::NOT_FOUND, 34, "Sorry, that page does not exist."),
    }
}

fn invalid(dialect: Dialect, message: &str) -> Answer {
    match dialect {
        Dialect::V2 => problem::invalid(&json!({}), message),
        Dialect::Old => problem::old(StatusCode::BAD_REQUEST, 324, message),
    }
}

fn one_shot(x: &mut State, caller: &Caller, mut asked: Asked, dialect: Dialect) -> Answer {
    let Some(part) = asked.take_media().filter(|part| !asked.body.broken && part.record.bytes > 0) else {
        return invalid(dialect, "media parameter is missing.");
    };
    let id = x.next_id(asked.at);
    let media = Media {
        user: caller.user.clone(),
        bytes: part.record.bytes,
        sha256: part.record.sha256,
        media_type: asked.parameter("media_type").or(part.record.content_type).unwrap_or_default(),
        category: asked.parameter("media_category").unwrap_or_default(),
        segments: BTreeMap::new(),
        ended: true,
        waits: 0,
    };
    let body = described(id, &media, dialect);
    x.media.insert(id, media);
    Answer::json(StatusCode::OK, &body)
}

fn initialize(x: &mut State, caller: &Caller, asked: &Asked, dialect: Dialect) -> Answer {
    let total = asked.parameter("total_bytes").and_then(|total| total.parse::<u64>().ok()).filter(|total| *total > 0);
    let (Some(bytes), Some(media_type)) = (total, asked.parameter("media_type")) else {
        return invalid(dialect, "total_bytes and media_type are required.");
    };
    let id = x.next_id(asked.at);
    let media = Media {
        user: caller.user.clone(),
        bytes,
        sha256: String::new(),
        media_type,
        category: asked.parameter("media_category").unwrap_or_default(),
        segments: BTreeMap::new(),
        ended: false,
        waits: 0,
    };
    x.media.insert(id, media);
    match dialect {
        Dialect::V2 => {
            let data = json!({"id": id.to_string(), "media_key": media_key(id), "expires_after_secs": EXPIRES_S});
            Answer::json(StatusCode::OK, &json!({"data": data}))
        }
        Dialect::Old => {
            let body = json!({
                "media_id": id, "media_id_string": id.to_string(), "media_key": media_key(id),
                "expires_after_secs": EXPIRES_S,
            });
            Answer::json(StatusCode::ACCEPTED, &body)
        }
    }
}

/// The caller's own upload of that id.
fn own<'a>(x: &'a mut State, caller: &Caller, id: &str) -> Option<(u64, &'a mut Media)> {
    let id = id.parse().ok()?;
    x.media.get_mut(&id).filter(|media| media.user == caller.user).map(|media| (id, media))
}

fn append(x: &mut State, caller: &Caller, id: &str, mut asked: Asked, dialect: Dialect) -> Answer {
    let index =
        asked.parameter("segment_index").and_then(|index| index.parse::<u64>().ok()).filter(|index| *index < 1000);
    let broken = asked.body.broken;
    let at = asked.at;
    let (Some(index), Some(part)) = (index, asked.take_media().filter(|_| !broken)) else {
        return invalid(dialect, "segment_index and media are required.");
    };
    let Some((_, media)) = own(x, caller, id).filter(|(_, media)| !media.ended) else {
        return invalid(dialect, "The media_id is not valid.");
    };
    let Some(file) = part.file else { return invalid(dialect, "Segments do not add up to provided total file size.") };
    media.segments.insert(index, (file, part.record.bytes));
    match dialect {
        Dialect::V2 => {
            let expires = at.as_second() + i64::try_from(EXPIRES_S).unwrap_or_default();
            Answer::json(StatusCode::OK, &json!({"data": {"expires_at": expires}}))
        }
        Dialect::Old => Answer::empty(),
    }
}

fn finalize(x: &mut State, caller: &Caller, id: &str, dialect: Dialect) -> Answer {
    let Some((id, media)) = own(x, caller, id).filter(|(_, media)| !media.ended) else {
        return invalid(dialect, "The media_id is not valid.");
    };
    let received = media.segments.values().map(|(_, bytes)| bytes).sum::<u64>();
    let in_order = media.segments.keys().copied().eq(0..media.segments.len() as u64);
    let segments = std::mem::take(&mut media.segments);
    let Some(sha256) = joined_sha256(segments).filter(|_| in_order && received == media.bytes) else {
        return invalid(dialect, "Segments do not add up to provided total file size.");
    };
    media.sha256 = sha256;
    media.ended = true;
    let video =
        media.media_type.starts_with("video/") || media.media_type == "image/gif" || media.category.ends_with("video");
    media.waits = if video { 2 } else { 0 };
    let status = if dialect == Dialect::Old { StatusCode::CREATED } else { StatusCode::OK };
    Answer::json(status, &described(id, media, dialect))
}

/// The hash over all segments in the order of their indexes.
fn joined_sha256(segments: BTreeMap<u64, (File, u64)>) -> Option<String> {
    let mut hash = Context::new(&SHA256);
    let mut buffer = vec![0; 256 * 1024];
    for (mut file, _) in segments.into_values() {
        file.rewind().ok()?;
        loop {
            let read = file.read(&mut buffer).ok()?;
            if read == 0 {
                break;
            }
            hash.update(buffer.get(..read)?);
        }
    }
    Some(hex::encode(hash.finish()))
}

fn status(x: &mut State, caller: &Caller, id: &str, dialect: Dialect) -> Answer {
    let Some((id, media)) = own(x, caller, id) else { return invalid(dialect, "The media_id is not valid.") };
    media.waits = media.waits.saturating_sub(1);
    let mut body = described(id, media, dialect);
    if media.ended && media.waits == 0 {
        let info = json!({"state": "succeeded", "progress_percent": 100});
        let holder = if dialect == Dialect::V2 { body.get_mut("data") } else { Some(&mut body) };
        if let Some(Value::Object(holder)) = holder {
            holder.insert("processing_info".to_owned(), info);
        }
    }
    Answer::json(StatusCode::OK, &body)
}

fn media_key(id: u64) -> String {
    format!("3_{id}")
}

fn described(id: u64, media: &Media, dialect: Dialect) -> Value {
    let mut info = match dialect {
        Dialect::V2 => json!({"id": id.to_string()}),
        Dialect::Old => json!({"media_id": id, "media_id_string": id.to_string()}),
    };
    if let Value::Object(info) = &mut info {
        info.insert("media_key".to_owned(), Value::from(media_key(id)));
        info.insert("size".to_owned(), Value::from(media.bytes));
        info.insert("expires_after_secs".to_owned(), Value::from(EXPIRES_S));
        if dialect == Dialect::Old && media.media_type.starts_with("image/") {
            info.insert("image".to_owned(), json!({"image_type": media.media_type, "w": 1, "h": 1}));
        }
        let processing = match media.waits {
            0 => None,
            1 => Some(json!({"state": "in_progress", "check_after_secs": 1, "progress_percent": 50})),
            _ => Some(json!({"state": "pending", "check_after_secs": 1})),
        };
        info.extend(processing.map(|processing| ("processing_info".to_owned(), processing)));
    }
    if dialect == Dialect::V2 { json!({"data": info}) } else { info }
}

/// Alternative text.
fn metadata(x: &mut State, caller: &Caller, asked: &Asked, dialect: Dialect) -> Answer {
    let body = asked.json().unwrap_or_default();
    let id = body.get("id").or_else(|| body.get("media_id")).and_then(Value::as_str).unwrap_or_default();
    let Some((id, _)) = own(x, caller, id) else { return invalid(dialect, "The media_id is not valid.") };
    match dialect {
        Dialect::Old => Answer::json(StatusCode::OK, &json!({})),
        Dialect::V2 => {
            let associated = body.get("metadata").cloned().unwrap_or_default();
            Answer::json(StatusCode::OK, &json!({"data": {"id": id.to_string(), "associated_metadata": associated}}))
        }
    }
}
