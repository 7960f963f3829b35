//! Films whose bytes come in parts: the phases of `videos`, reels and stories with their bytes on rupload, and Instagram's
//! containers with `upload_type=resumable`.

use std::fs::File;
use std::io::{Read as _, Seek as _};

use aws_lc_rs::digest::{Context, SHA256};
use http::{Method, StatusCode};
use serde_json::json;

use super::super::exchange::{Answer, Asked};
use super::super::stage::World;
use super::{Call, Service, VERSION, faulty, ok, pages, refusal, unknown};

/// A film on its way.
pub(super) struct Film {
    user: String,
    hash: Context,
    arrived: u64,
    size: Option<u64>,
    whole: bool,
    /// The video that it becomes; it may have the session's own id.
    video: String,
}

impl Film {
    fn new(user: &str, size: Option<u64>, video: &str) -> Self {
        let (user, video) = (user.to_owned(), video.to_owned());
        Self { user, hash: Context::new(&SHA256), arrived: 0, size, whole: false, video }
    }

    /// SHA-256 (hex) of the film, once it is whole.
    pub(super) fn sha256(&self) -> Option<String> {
        self.whole.then(|| hex::encode(self.hash.clone().finish()))
    }
}

/// A container whose film comes later; where its bytes go.
pub(super) fn await_bytes(world: &mut World, call: &Call, id: &str) -> String {
    world.graph.films.insert(id.to_owned(), Film::new(&call.user, None, id));
    format!("https://rupload.facebook.com/ig-api-upload/{}/{id}", call.version)
}

/// Answers what belongs to a film in parts; none: the request is something else.
pub(super) fn answer(world: &mut World, call: &Call, asked: &Asked) -> Option<Answer> {
    if call.method != Method::POST {
        return None;
    }
    let segments = asked.segments();
    if asked.host == "rupload.facebook.com" {
        return Some(match segments.as_slice() {
            ["video-upload" | "ig-api-upload", .., id] => rupload(world, call, asked, id),
            _ => unknown(""),
        });
    }
    if call.service != Service::Facebook {
        return None;
    }
    let edge = call.path.get(1).map(String::as_str)?;
    match (edge, call.text("upload_phase")?) {
        ("videos", "start") => Some(start(world, call)),
        ("videos", "transfer") => Some(transfer(world, call, asked)),
        ("videos", "finish") => Some(finish(world, call, "upload_session_id")),
        ("video_reels" | "video_stories", "start") => {
            let id = world.graph.next_id();
            world.graph.films.insert(id.clone(), Film::new(&call.user, None, &id));
            let url = format!("https://rupload.facebook.com/video-upload/{VERSION}/{id}");
            Some(ok(&json!({"video_id": id, "upload_url": url})))
        }
        ("video_reels" | "video_stories", "finish") => Some(finish(world, call, "video_id")),
        (_, "cancel") => Some(ok(&json!({"success": true}))),
        _ => Some(faulty("Param upload_phase must be one of {start, transfer, finish, cancel}")),
    }
}

fn start(world: &mut World, call: &Call) -> Answer {
    let Some(size) = call.text("file_size").and_then(|size| size.parse::<u64>().ok()) else {
        return faulty("The parameter file_size is required");
    };
    let (session, video) = (world.graph.next_id(), world.graph.next_id());
    world.graph.films.insert(session.clone(), Film::new(&call.user, Some(size), &video));
    ok(&json!({"upload_session_id": session, "video_id": video, "start_offset": "0", "end_offset": size.to_string()}))
}

fn transfer(world: &mut World, call: &Call, asked: &Asked) -> Answer {
    let Some(film) = call.text("upload_session_id").and_then(|id| world.graph.films.get_mut(id)) else {
        return faulty("Invalid parameter: upload_session_id");
    };
    let Some(bytes) = asked.part("video_file_chunk").and_then(|part| read(part.file.as_ref()?)) else {
        return faulty("The parameter video_file_chunk is required");
    };
    if call.text("start_offset") != Some(film.arrived.to_string().as_str()) || film.user != call.user {
        return refusal(
            StatusCode::BAD_REQUEST,
            6001,
            Some(1_363_037),
            "There was a problem uploading your video file",
        );
    }
    take(film, &bytes, film.size);
    let size = film.size.unwrap_or_default().to_string();
    ok(&json!({"start_offset": film.arrived.to_string(), "end_offset": size}))
}

fn rupload(world: &mut World, call: &Call, asked: &Asked, id: &str) -> Answer {
    let number = |name: &str| asked.header(name).and_then(|text| text.parse::<u64>().ok());
    let film = world.graph.films.get_mut(id).filter(|film| film.user == call.user);
    let (Some(film), Some(offset), Some(size)) = (film, number("offset"), number("file_size")) else {
        return faulty("The headers offset and file_size are required");
    };
    let Some(bytes) = asked.body.kept.as_deref().filter(|_| offset == film.arrived) else {
        return refusal(StatusCode::BAD_REQUEST, 6001, Some(1_363_037), "Offset mismatch");
    };
    take(film, bytes, Some(size));
    ok(&json!({"success": true, "message": "Upload successful."}))
}

fn take(film: &mut Film, bytes: &[u8], size: Option<u64>) {
    film.hash.update(bytes);
    film.arrived += bytes.len() as u64;
    film.whole = size == Some(film.arrived);
}

fn read(mut file: &File) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    file.rewind().ok()?;
    file.read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

fn finish(world: &mut World, call: &Call, named: &str) -> Answer {
    let film = call.text(named).and_then(|id| world.graph.films.get(id)).filter(|film| film.user == call.user);
    let Some((sha256, video)) = film.and_then(|film| Some((film.sha256()?, film.video.clone()))) else {
        return refusal(StatusCode::BAD_REQUEST, 6000, Some(1_363_030), "The video is not uploaded yet");
    };
    let hidden = call.params.contains_key("published") && !call.says("published")
        || call.text("video_state").is_some_and(|state| state != "PUBLISHED");
    pages::show(world, call, &video, sha256, hidden);
    ok(&json!({"success": true, "post_id": format!("{}_{video}", call.user)}))
}
