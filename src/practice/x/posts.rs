//! Posts on X.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::{Caller, found, is_id, problem};
use crate::practice::exchange::{Answer, Asked};
use crate::practice::record::Published;
use crate::practice::stage::World;

/// The members of a post that X knows, with their JSON types.
const MEMBERS: [(&str, &str); 18] = [
    ("text", "string"),
    ("media", "object"),
    ("reply", "object"),
    ("quote_tweet_id", "string"),
    ("edit_options", "object"),
    ("poll", "object"),
    ("card_uri", "string"),
    ("direct_message_deep_link", "string"),
    ("community_id", "string"),
    ("share_with_followers", "boolean"),
    ("for_super_followers_only", "boolean"),
    ("nullcast", "boolean"),
    ("geo", "object"),
    ("reply_settings", "string"),
    ("paid_partnership", "boolean"),
    ("made_with_ai", "boolean"),
    ("exclude_reply_user_ids", "array"),
    ("made_for_kids", "boolean"),
];

/// A post.
pub(super) struct Post {
    user: String,
    text: String,
    /// What makes another post a duplicate of it.
    sameness: String,
    deleted: bool,
}

/// `POST /2/tweets`.
pub(super) fn create(world: &mut World, caller: &Caller, asked: &Asked) -> Answer {
    let Some(Value::Object(body)) = asked.json().filter(|_| asked.is("application/json")) else {
        return problem::invalid(&json!({}), "Request body is not valid JSON.");
    };
    if let Some(answer) = shape(&body).or_else(|| relations(world, &body)) {
        return answer;
    }
    let media = match media(world, &body) {
        Ok(media) => media,
        Err(answer) => return *answer,
    };
    let text = body.get("text").and_then(Value::as_str).unwrap_or_default().to_owned();
    let sameness = format!("{text}\0{media:?}\0{:?}\0{:?}", body.get("reply"), body.get("quote_tweet_id"));
    let standing = |post: &Post| !post.deleted && post.user == caller.user && post.sameness == sameness;
    if world.x.posts.values().rev().any(standing) {
        let detail = "You are not allowed to create a Tweet with duplicate content.";
        return problem::plain(StatusCode::FORBIDDEN, "Forbidden", detail);
    }
    let id = world.x.next_id(asked.at);
    world.x.posts.insert(id, Post { user: caller.user.clone(), text: text.clone(), sameness, deleted: false });
    world.published.push(Published {
        provider: "x",
        account: caller.user.clone(),
        action: action(&body),
        id: id.to_string(),
        text: text.clone(),
        media_sha256: media,
        body: Value::Object(body),
        request: asked.number,
        deleted: false,
    });
    let data = json!({"id": id.to_string(), "text": text, "edit_history_tweet_ids": [id.to_string()]});
    Answer::json(StatusCode::CREATED, &json!({"data": data}))
}

fn action(body: &Map<String, Value>) -> &'static str {
    if body.contains_key("edit_options") {
        "edit"
    } else if body.contains_key("reply") {
        "reply"
    } else if body.contains_key("quote_tweet_id") {
        "quote"
    } else {
        "publish"
    }
}

/// X's schema check.
fn shape(body: &Map<String, Value>) -> Option<Answer> {
    for (name, value) in body {
        let Some((_, wanted)) = MEMBERS.iter().find(|(member, _)| member == name) else {
            let message =
                format!("$.{name}: is not defined in the schema and the schema does not allow additional properties");
            return Some(problem::invalid(&json!({}), &message));
        };
        let given = kind(value);
        if given != *wanted && given != "null" {
            return Some(problem::invalid(&json!({}), &format!("$.{name}: {given} found, {wanted} expected")));
        }
    }
    let text = body.get("text").and_then(Value::as_str).unwrap_or_default();
    let other = ["media", "poll", "card_uri", "quote_tweet_id"].iter().any(|name| body.contains_key(*name));
    (text.trim().is_empty() && !other)
        .then(|| problem::invalid(&json!({}), "At least one of the following must be present: text, media, poll."))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// What the post refers to must be ids; what it edits must be there.
fn relations(world: &World, body: &Map<String, Value>) -> Option<Answer> {
    let inner = |outer: &str, name: &str| body.get(outer).and_then(|value| value.get(name)).and_then(Value::as_str);
    let reply = inner("reply", "in_reply_to_tweet_id");
    let quote = body.get("quote_tweet_id").and_then(Value::as_str);
    let edited = inner("edit_options", "previous_post_id");
    let given =
        [("reply.in_reply_to_tweet_id", reply), ("quote_tweet_id", quote), ("edit_options.previous_post_id", edited)];
    if let Some((name, Some(id))) = given.into_iter().find(|(_, id)| id.is_some_and(|id| !is_id(id))) {
        let message = format!("The `{name}` query parameter value [{id}] is not valid");
        return Some(problem::invalid(&json!({name: [id]}), &message));
    }
    let standing = |id: &str| id.parse().is_ok_and(|id| world.x.posts.get(&id).is_some_and(|post| !post.deleted));
    edited
        .filter(|id| !standing(id))
        .map(|_| problem::plain(StatusCode::FORBIDDEN, "Forbidden", "You are not permitted to edit this Tweet."))
}

/// The hashes of the post's media; X's refusal when one is unknown or not ready.
fn media(world: &World, body: &Map<String, Value>) -> Result<Vec<String>, Box<Answer>> {
    let Some(ids) = body.get("media").and_then(|media| media.get("media_ids")) else { return Ok(Vec::new()) };
    let ids = ids.as_array().map(Vec::as_slice).unwrap_or_default();
    let hashes = ids.iter().map(|id| id.as_str().and_then(|id| world.x.ready_media(id))).collect::<Option<Vec<_>>>();
    match hashes {
        Some(hashes) if (1..=4).contains(&hashes.len()) => Ok(hashes),
        _ => {
            let listed = ids.iter().map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned));
            let parameters = json!({"media.media_ids": listed.collect::<Vec<_>>()});
            Err(Box::new(problem::invalid(&parameters, "Your media IDs are invalid.")))
        }
    }
}

/// `GET /2/tweets?ids=`.
pub(super) fn look_up(world: &World, ids: &str) -> Answer {
    let mut data = Vec::new();
    let mut errors = Vec::new();
    for id in ids.split(',') {
        if !is_id(id) {
            let message = format!("The `ids` query parameter value [{id}] is not valid");
            return problem::invalid(&json!({"ids": [ids]}), &message);
        }
        match view(world, id) {
            Some(post) => data.push(post),
            None => errors.push(problem::missing("tweet", "ids", id)),
        }
    }
    let mut body = Map::new();
    if !data.is_empty() {
        body.insert("data".to_owned(), Value::Array(data));
    }
    if !errors.is_empty() {
        body.insert("errors".to_owned(), Value::Array(errors));
    }
    Answer::json(StatusCode::OK, &Value::Object(body))
}

/// `GET /2/tweets/{id}`.
pub(super) fn read(world: &World, id: &str) -> Answer {
    if !is_id(id) {
        let message = format!("The `id` query parameter value [{id}] is not valid");
        return problem::invalid(&json!({"id": [id]}), &message);
    }
    match view(world, id) {
        Some(post) => found(post),
        None => Answer::json(StatusCode::OK, &json!({"errors": [problem::missing("tweet", "id", id)]})),
    }
}

/// `GET /2/users/{id}/tweets`.
pub(super) fn timeline(world: &World, user: &str) -> Answer {
    let posts = world.x.posts.iter().rev().filter(|(_, post)| post.user == user && !post.deleted);
    let data = posts.map(|(id, post)| shown(*id, post)).take(10).collect::<Vec<_>>();
    let count = data.len();
    if count == 0 {
        return Answer::json(StatusCode::OK, &json!({"meta": {"result_count": 0}}));
    }
    Answer::json(StatusCode::OK, &json!({"data": data, "meta": {"result_count": count}}))
}

fn view(world: &World, id: &str) -> Option<Value> {
    let id = id.parse().ok()?;
    world.x.posts.get(&id).filter(|post| !post.deleted).map(|post| shown(id, post))
}

fn shown(id: u64, post: &Post) -> Value {
    json!({"id": id.to_string(), "text": post.text, "edit_history_tweet_ids": [id.to_string()]})
}

/// `DELETE /2/tweets/{id}`: X says that it is deleted whether or not it ever was.
pub(super) fn delete(world: &mut World, caller: &Caller, id: &str) -> Answer {
    let Some(number) = id.parse::<u64>().ok().filter(|_| is_id(id)) else {
        let message = format!("The `id` query parameter value [{id}] is not valid");
        return problem::invalid(&json!({"id": [id]}), &message);
    };
    if let Some(post) = world.x.posts.get_mut(&number) {
        if post.user != caller.user {
            let detail = "You are not authorized to delete this Tweet.";
            return problem::plain(StatusCode::FORBIDDEN, "Forbidden", detail);
        }
        post.deleted = true;
    }
    for published in world.published.iter_mut().filter(|published| published.provider == "x" && published.id == id) {
        published.deleted = true;
    }
    found(json!({"deleted": true}))
}

/// `PUT /2/tweets/{id}/hidden`.
pub(super) fn hide(world: &World, id: &str, asked: &Asked) -> Answer {
    let hidden = asked.json().and_then(|body| body.get("hidden").and_then(Value::as_bool));
    match (view(world, id), hidden) {
        (_, None) => problem::invalid(&json!({}), "$.hidden: is missing but it is required"),
        (None, _) => Answer::json(StatusCode::OK, &json!({"errors": [problem::missing("tweet", "id", id)]})),
        (Some(_), Some(hidden)) => found(json!({"hidden": hidden})),
    }
}
