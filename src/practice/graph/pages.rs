//! Facebook Pages: posts, photos and videos, published at once, later, or when somebody flips them.

use http::Method;
use serde_json::{Value, json};

use super::super::exchange::Answer;
use super::super::record::Published;
use super::super::stage::World;
use super::objects::{self, Object};
use super::{Call, faulty, ok, unknown};

/// What stands on a Page and is not public.
pub(super) struct Unpublished {
    user: String,
    text: String,
    media: Vec<String>,
    body: Value,
}

pub(super) fn answer(world: &mut World, call: &Call) -> Answer {
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    match (&call.method, path.as_slice()) {
        (&Method::POST, [page, "feed" | "photos" | "videos" | "albums" | "photo_stories" | "events"]) => {
            post(world, call, page)
        }
        (&Method::POST, [id, "comments"]) => objects::speak(world, call, "reply", id),
        (&Method::POST, [id, "private_replies"]) => objects::speak(world, call, "direct-message", id),
        (&Method::POST, [_, "messages"]) => objects::speak(world, call, "direct-message", ""),
        (&Method::POST | &Method::DELETE, [_, "likes" | "reactions"]) => ok(&json!({"success": true})),
        (&Method::POST, [_, "picture" | "settings" | "call_to_actions"]) => ok(&json!({"success": true})),
        (&Method::POST, [id]) => change(world, call, id),
        (&Method::DELETE, [id]) => objects::delete(world, call, id),
        (&Method::GET, ["me"]) => ok(&objects::profile(&call.user)),
        (&Method::GET, [id]) => objects::read(world, call, id),
        (&Method::GET, [id, _]) => objects::edge(world, call, id),
        _ => unknown(path.first().unwrap_or(&"")),
    }
}

/// Ids of photos in `attached_media`: a JSON list, a list of JSON texts, or fields with numbers.
fn attached(call: &Call) -> Vec<String> {
    let one = |value: &Value| {
        let read = value.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
        let value = read.as_ref().unwrap_or(value);
        value.get("media_fbid").and_then(Value::as_str).map(str::to_owned)
    };
    let mut found = Vec::new();
    for (key, value) in call.params.iter().filter(|(key, _)| key.split('[').next() == Some("attached_media")) {
        let read = value.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
        match read.as_ref().unwrap_or(value) {
            Value::Array(list) if key == "attached_media" => found.extend(list.iter().filter_map(one)),
            value => found.extend(one(value)),
        }
    }
    found
}

fn post(world: &mut World, call: &Call, page: &str) -> Answer {
    let text = ["message", "caption", "description", "text", "name"].iter().find_map(|name| call.text(name));
    let mut media = call.files.clone();
    for id in attached(call) {
        match world.graph.unpublished.get(&id).filter(|photo| photo.user == call.user) {
            Some(photo) => media.extend(photo.media.iter().cloned()),
            None => return faulty("Param attached_media must be ids of unpublished photos"),
        }
    }
    let nothing = ["link", "url", "file_url", "photo_id"].iter().all(|name| call.text(name).is_none());
    if text.is_none() && media.is_empty() && nothing {
        return faulty("The parameter message, link or source is required");
    }
    let number = world.graph.next_id();
    let page = if page == "me" { call.user.as_str() } else { page };
    let feed = call.path.get(1).is_some_and(|edge| edge == "feed");
    let id = if feed { format!("{page}_{number}") } else { number };
    let text = text.unwrap_or_default().to_owned();
    let body = Value::Object(call.params.clone());
    let kept = Unpublished { user: call.user.clone(), text, media, body };
    if call.params.contains_key("published") && !call.says("published") {
        world.graph.unpublished.insert(id.clone(), kept);
        return ok(&json!({"id": id}));
    }
    release(world, call, &id, kept);
    ok(&json!({"id": id, "post_id": format!("{page}_{id}")}))
}

/// A film that has arrived is published, or kept until somebody publishes it.
pub(super) fn show(world: &mut World, call: &Call, id: &str, sha256: String, hidden: bool) {
    let text = ["description", "title"].iter().find_map(|name| call.text(name)).unwrap_or_default().to_owned();
    let body = Value::Object(call.params.clone());
    let kept = Unpublished { user: call.user.clone(), text, media: vec![sha256], body };
    if hidden {
        world.graph.unpublished.insert(id.to_owned(), kept);
    } else {
        release(world, call, id, kept);
    }
}

fn release(world: &mut World, call: &Call, id: &str, post: Unpublished) {
    let object = Object { user: post.user.clone(), text: post.text.clone(), of: None };
    world.graph.objects.insert(id.to_owned(), object);
    world.published.push(Published {
        provider: "facebook",
        account: post.user,
        action: "publish",
        id: id.to_owned(),
        text: post.text,
        media_sha256: post.media,
        body: post.body,
        request: call.number,
        deleted: false,
    });
}

/// A change of what is there, or its publication.
fn change(world: &mut World, call: &Call, id: &str) -> Answer {
    if call.says("is_published") || call.says("published") {
        let Some(post) = world.graph.unpublished.remove(id) else { return unknown(id) };
        release(world, call, id, post);
        return ok(&json!({"success": true}));
    }
    let Some(object) = world.graph.objects.get_mut(id).filter(|object| object.user == call.user) else {
        return unknown(id);
    };
    if let Some(text) = call.text("message") {
        object.text = text.to_owned();
        let text = text.to_owned();
        if let Some(post) = world.published.iter_mut().find(|post| post.id == id) {
            post.text = text;
        }
    }
    ok(&json!({"success": true}))
}
