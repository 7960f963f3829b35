//! Containers: made with everything that a post shows, ready when the media were fetched, published once within a day.

use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::super::exchange::Answer;
use super::super::record::Published;
use super::super::stage::World;
use super::objects::Object;
use super::{Call, Service, faulty, ok, refusal};

/// How long a video is worked on before its container is ready.
const VIDEO_TAKES: SignedDuration = SignedDuration::from_secs(1);
/// How long a container that nobody publishes is kept.
const LIFE: SignedDuration = SignedDuration::from_hours(24);

/// A container.
pub(super) struct Container {
    pub(super) user: String,
    pub(super) made: Timestamp,
    ready: Timestamp,
    part: bool,
    action: &'static str,
    text: String,
    body: Value,
    published: bool,
}

impl Container {
    /// The state as `status_code` (Instagram) and `status` (Threads) tell it.
    pub(super) fn state(&self, now: Timestamp) -> &'static str {
        if self.published {
            "PUBLISHED"
        } else if now >= self.made + LIFE {
            "EXPIRED"
        } else if now < self.ready {
            "IN_PROGRESS"
        } else {
            "FINISHED"
        }
    }
}

/// The parameter that holds the words.
fn words(service: Service) -> &'static str {
    match service {
        Service::Threads => "text",
        Service::Instagram => "caption",
        Service::Facebook => "message",
    }
}

/// What is wrong with the parameters of a container.
fn wrong(world: &World, call: &Call) -> Option<Answer> {
    let kind = call.text("media_type").unwrap_or("IMAGE");
    let part = call.says("is_carousel_item");
    let (image, video) = (call.text("image_url").is_some(), call.text("video_url").is_some());
    let missing = match (call.service, kind) {
        (Service::Threads, _) if call.text("media_type").is_none() => Some("The parameter media_type is required"),
        (Service::Threads, "TEXT") if part => Some("Param media_type must be IMAGE or VIDEO for carousel items"),
        (Service::Threads, "TEXT") => call.text("text").is_none().then_some("The parameter text is required"),
        (Service::Threads, "IMAGE") => (!image).then_some("The parameter image_url is required"),
        (_, "VIDEO" | "REELS") => {
            (!video && call.text("upload_type").is_none()).then_some("The parameter video_url is required")
        }
        (_, "CAROUSEL") => None,
        (Service::Instagram, "IMAGE" | "STORIES") => {
            (!image && !video).then_some("The parameter image_url or video_url is required")
        }
        _ => Some("Param media_type is not one of the known values"),
    };
    if let Some(message) = missing {
        return Some(faulty(message));
    }
    if kind != "CAROUSEL" {
        return None;
    }
    let children = call.ids("children");
    let known = |id: &String| {
        world.graph.containers.get(id).is_some_and(|child| child.part && child.user == call.user && !child.published)
    };
    match children.len() {
        2..=20 if children.iter().all(known) => None,
        2..=20 => Some(faulty("Param children must be ids of carousel items")),
        _ => Some(faulty("Param children must have 2 to 20 items")),
    }
}

/// `POST /{user}/threads`, `POST /{user}/media`.
pub(super) fn make(world: &mut World, call: &Call) -> Answer {
    if let Some(answer) = wrong(world, call) {
        return answer;
    }
    let id = world.graph.next_id();
    let video = call.text("video_url").is_some();
    let action = match (call.text("reply_to_id"), call.text("quote_post_id")) {
        (Some(_), _) => "reply",
        (None, Some(_)) => "quote",
        (None, None) => "publish",
    };
    let container = Container {
        user: call.user.clone(),
        made: call.at,
        ready: if video { call.at + VIDEO_TAKES } else { call.at },
        part: call.says("is_carousel_item"),
        action,
        text: call.text(words(call.service)).unwrap_or_default().to_owned(),
        body: Value::Object(call.params.clone()),
        published: false,
    };
    world.graph.containers.insert(id.clone(), container);
    let text_only = call.text("media_type") == Some("TEXT");
    if call.service == Service::Threads && text_only && call.says("auto_publish_text") {
        return release(world, call, &id);
    }
    if call.text("upload_type") == Some("resumable") {
        let uri = super::films::await_bytes(world, call, &id);
        return ok(&json!({"id": id, "uri": uri}));
    }
    ok(&json!({"id": id}))
}

/// `POST /{user}/threads_publish`, `POST /{user}/media_publish`.
pub(super) fn publish(world: &mut World, call: &Call) -> Answer {
    let Some(id) = call.ids("creation_id").into_iter().next() else {
        return faulty("The parameter creation_id is required");
    };
    let found = world.graph.containers.get(&id).filter(|container| container.user == call.user && !container.part);
    let gone = |code| refusal(StatusCode::BAD_REQUEST, 24, Some(code), "The requested resource does not exist");
    let film = world.graph.films.get(&id);
    let waits = film.is_some_and(|film| film.sha256().is_none());
    match (found.map(|container| if waits { "IN_PROGRESS" } else { container.state(call.at) }), call.service) {
        (Some("FINISHED"), _) => release(world, call, &id),
        (Some("IN_PROGRESS"), _) => {
            refusal(StatusCode::BAD_REQUEST, 9007, Some(2_207_027), "The media is not ready to be published")
        }
        (_, Service::Threads) => gone(4_279_009),
        (_, Service::Instagram | Service::Facebook) => gone(2_207_006),
    }
}

fn release(world: &mut World, call: &Call, id: &str) -> Answer {
    let post = world.graph.next_id();
    let Some(container) = world.graph.containers.get_mut(id) else { return super::unknown(id) };
    container.published = true;
    let media = world.graph.films.get(id).and_then(super::films::Film::sha256);
    world.published.push(Published {
        provider: call.service.name(),
        account: container.user.clone(),
        action: container.action,
        id: post.clone(),
        text: container.text.clone(),
        media_sha256: media.into_iter().collect(),
        body: container.body.clone(),
        request: call.number,
        deleted: false,
    });
    let object = Object { user: container.user.clone(), text: container.text.clone(), of: None };
    world.graph.objects.insert(post.clone(), object);
    ok(&json!({"id": post}))
}
