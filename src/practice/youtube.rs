//! YouTube: the Data API (version 3), with its one-shot and its resumable uploads.

mod batch;
mod uploads;

use std::collections::BTreeMap;

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::exchange::{Answer, Asked};
use super::oauth;
use super::record::Published;
use super::stage::World;

/// The hosts of the API and of signing in.
pub(super) const HOSTS: [&str; 5] = [
    "youtube.googleapis.com",
    "www.googleapis.com",
    "youtube.mtls.googleapis.com",
    "oauth2.googleapis.com",
    "accounts.google.com",
];

/// What YouTube knows.
#[derive(Default)]
pub(super) struct State {
    last_id: u64,
    videos: BTreeMap<String, Video>,
    sessions: BTreeMap<String, uploads::Session>,
}

/// A video.
struct Video {
    channel: String,
    resource: Map<String, Value>,
    sha256: String,
}

impl Video {
    fn is_public(&self) -> bool {
        // Unlisted is public to everybody who has the address.
        self.resource.get("status").and_then(|status| status.get("privacyStatus")).is_none_or(|it| it != "private")
    }

    fn text(&self, part: &str, name: &str) -> &str {
        self.resource.get(part).and_then(|part| part.get(name)).and_then(Value::as_str).unwrap_or_default()
    }
}

impl State {
    /// An id as YouTube writes them: eleven characters.
    fn next_id(&mut self) -> String {
        self.last_id += 1;
        format!("prac{:07}", self.last_id)
    }
}

/// Answers as YouTube does.
pub(super) fn answer(world: &mut World, asked: &Asked) -> Answer {
    if matches!(asked.host.as_str(), "oauth2.googleapis.com" | "accounts.google.com") {
        return sign_in(asked);
    }
    if asked.method == Method::POST && matches!(asked.path.as_str(), "/batch" | "/batch/youtube/v3") {
        return batch::answer(world, asked);
    }
    let shown = asked.query("access_token").map(str::to_owned).or_else(|| oauth::token(asked));
    if let Some(id) = asked.query("upload_id").filter(|_| asked.method == Method::PUT) {
        // Whoever knows the session's name may write to it.
        return uploads::bytes(world, id, asked);
    }
    let Some(token) = shown else {
        let message = "Request is missing required authentication credential. Expected OAuth 2 access token, login \
                       cookie or other valid authentication credential.";
        return wrong(StatusCode::UNAUTHORIZED, "global", "required", message);
    };
    let channel = channel_of(&token);
    let path = asked.path.clone();
    let upload = path.strip_prefix("/upload").or_else(|| path.strip_prefix("/resumable/upload"));
    let path = upload.unwrap_or(&path).strip_prefix("/youtube/v3/").unwrap_or_default();
    match (asked.method.as_str(), path) {
        ("POST", "videos") if upload.is_some() => uploads::begin(world, &channel, asked),
        ("PUT", "videos") => update(world, &channel, asked),
        ("DELETE", "videos") => delete(world, &channel, asked),
        ("GET", "videos") => list(world, asked),
        ("GET", "channels") => {
            let item = json!({"kind": "youtube#channel", "id": channel, "snippet": {"title": "練習チャンネル"}});
            done(&json!({"kind": "youtube#channelListResponse", "items": [item]}))
        }
        ("GET", _) => done(&json!({"kind": "youtube#listResponse", "items": []})),
        ("POST" | "PUT", "captions" | "playlistImages") if upload.is_some() => uploads::beside(world, &channel, asked),
        ("POST", "thumbnails/set") => done(&json!({"kind": "youtube#thumbnailSetResponse", "items": [{}]})),
        ("POST", "channelBanners/insert") => {
            let url = format!("https://yt3.googleusercontent.com/practice-{}", world.youtube.next_id());
            done(&json!({"kind": "youtube#channelBannerResource", "url": url}))
        }
        ("DELETE", _) | ("POST", "videos/rate" | "videos/reportAbuse" | "watermarks/set" | "watermarks/unset") => {
            Answer::empty()
        }
        ("POST", "comments/setModerationStatus" | "comments/markAsSpam") => Answer::empty(),
        (
            "POST" | "PUT",
            "comments" | "commentThreads" | "playlists" | "playlistItems" | "channels" | "subscriptions",
        )
        | ("POST" | "PUT", "captions" | "channelSections" | "thirdPartyLinks" | "liveBroadcasts" | "liveStreams")
        | ("POST", "abuseReports" | "liveChat/messages" | "liveChat/bans" | "liveChat/moderators")
        | ("POST", "liveBroadcasts/bind" | "liveBroadcasts/transition" | "liveBroadcasts/cuepoint")
        | ("POST", "liveChat/messages/transition") => resource(world, &channel, path, asked),
        _ => wrong(StatusCode::NOT_FOUND, "global", "notFound", "Not Found"),
    }
}

/// A token `123-abc` belongs to the channel `UC123`; of any other, the channel is made from the token.
fn channel_of(token: &str) -> String {
    format!("UC{}", token.split('-').next().unwrap_or_default())
}

/// Google's error.
fn wrong(status: StatusCode, domain: &str, reason: &str, message: &str) -> Answer {
    let error = json!({"message": message, "domain": domain, "reason": reason});
    let body = json!({"error": {"code": status.as_u16(), "message": message, "errors": [error]}});
    Answer::json(status, &body)
}

fn not_found() -> Answer {
    let message = "The video that you are trying to change cannot be found. Check the value of the <code>id</code> \
                   field in the request body to ensure that it is correct.";
    wrong(StatusCode::NOT_FOUND, "youtube.video", "videoNotFound", message)
}

fn done(body: &Value) -> Answer {
    Answer::json(StatusCode::OK, body)
}

fn sign_in(asked: &Asked) -> Answer {
    if asked.path.ends_with("/revoke") {
        return done(&json!({}));
    }
    match asked.parameter("grant_type").as_deref() {
        Some("authorization_code" | "refresh_token") => done(&json!({
            "access_token": "1001-practice", "expires_in": 3599, "token_type": "Bearer",
            "scope": "https://www.googleapis.com/auth/youtube.force-ssl",
        })),
        _ => {
            let body = json!({"error": "unsupported_grant_type", "error_description": "Invalid grant_type"});
            Answer::json(StatusCode::BAD_REQUEST, &body)
        }
    }
}

/// A new video whose words and bytes are there.
fn add_video(world: &mut World, channel: &str, words: Map<String, Value>, sha256: String, request: u64) -> Answer {
    let id = world.youtube.next_id();
    let mut resource = words;
    resource.insert("kind".to_owned(), json!("youtube#video"));
    resource.insert("etag".to_owned(), json!(format!("etag-{id}")));
    resource.insert("id".to_owned(), json!(id));
    let video = Video { channel: channel.to_owned(), resource, sha256 };
    let answer = done(&Value::Object(video.resource.clone()));
    if video.is_public() {
        show(&mut world.published, &id, &video, "publish", request);
    }
    world.youtube.videos.insert(id, video);
    answer
}

fn show(published: &mut Vec<Published>, id: &str, video: &Video, action: &'static str, request: u64) {
    let (title, description) = (video.text("snippet", "title"), video.text("snippet", "description"));
    published.push(Published {
        provider: "youtube",
        account: video.channel.clone(),
        action,
        id: id.to_owned(),
        text: [title, description].join("\n").trim_end().to_owned(),
        media_sha256: vec![video.sha256.clone()],
        body: Value::Object(video.resource.clone()),
        request,
        deleted: false,
    });
}

/// `PUT /videos`: the named parts are replaced; what a named part leaves out is forgotten.
fn update(world: &mut World, channel: &str, asked: &Asked) -> Answer {
    let body = asked.json().unwrap_or_default();
    let id = body.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let parts: Vec<String> = asked
        .query
        .iter()
        .filter(|(key, _)| key == "part")
        .flat_map(|(_, it)| it.split(','))
        .map(str::to_owned)
        .collect();
    let Some(video) = world.youtube.videos.get_mut(&id).filter(|video| video.channel == channel) else {
        return not_found();
    };
    let before = video.is_public();
    for part in parts.iter().filter(|part| *part != "id") {
        video.resource.insert(part.clone(), body.get(part).cloned().unwrap_or_else(|| json!({})));
    }
    let answer = done(&Value::Object(video.resource.clone()));
    if video.is_public() {
        show(&mut world.published, &id, video, if before { "edit" } else { "publish" }, asked.number);
    }
    answer
}

fn delete(world: &mut World, channel: &str, asked: &Asked) -> Answer {
    let id = asked.query("id").unwrap_or_default();
    if world.youtube.videos.get(id).is_none_or(|video| video.channel != channel) {
        return not_found();
    }
    world.youtube.videos.remove(id);
    for post in world.published.iter_mut().filter(|post| post.id == id) {
        post.deleted = true;
    }
    Answer::empty()
}

fn list(world: &World, asked: &Asked) -> Answer {
    let ids = asked.query("id").unwrap_or_default().split(',');
    let items: Vec<_> = ids.filter_map(|id| world.youtube.videos.get(id)).map(|video| &video.resource).collect();
    done(&json!({"kind": "youtube#videoListResponse", "pageInfo": {"totalResults": items.len()}, "items": items}))
}

/// Any other resource: kept by nobody, shown as it came, with an id.
fn resource(world: &mut World, channel: &str, path: &str, asked: &Asked) -> Answer {
    let mut body = match asked.json() {
        Some(Value::Object(body)) => body,
        _ => Map::new(),
    };
    let given = body.get("id").and_then(Value::as_str).or_else(|| asked.query("id")).map(str::to_owned);
    let id = given.unwrap_or_else(|| world.youtube.next_id());
    body.insert("id".to_owned(), json!(id));
    world.published.push(Published {
        provider: "youtube",
        account: channel.to_owned(),
        action: match path {
            "comments" | "liveChat/messages" | "commentThreads" => "reply",
            "channels" | "channelSections" | "thirdPartyLinks" => "profile",
            _ => "publish",
        },
        id,
        text: words(&Value::Object(body.clone())).join("\n"),
        media_sha256: Vec::new(),
        body: Value::Object(body.clone()),
        request: asked.number,
        deleted: false,
    });
    done(&Value::Object(body))
}

/// The words that readers see of a resource, in the order of their names.
fn words(value: &Value) -> Vec<String> {
    const SEEN: [&str; 6] = ["title", "description", "textOriginal", "messageText", "note", "questionText"];
    match value {
        Value::Object(map) => map
            .iter()
            .flat_map(|(key, value)| match value.as_str() {
                Some(text) if SEEN.contains(&key.as_str()) => vec![text.to_owned()],
                _ => words(value),
            })
            .collect(),
        Value::Array(list) => list.iter().flat_map(words).collect(),
        _ => Vec::new(),
    }
}
