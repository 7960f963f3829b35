//! Reposts, likes, follows and direct messages on X.

use http::StatusCode;
use serde_json::{Value, json};

use super::{Caller, found, is_id, problem};
use crate::practice::exchange::{Answer, Asked};
use crate::practice::record::Published;
use crate::practice::stage::World;

/// `POST /2/users/{id}/{collection}`.
pub(super) fn add(world: &mut World, caller: &Caller, user: &str, collection: &str, asked: &Asked) -> Answer {
    if user != caller.user {
        return not_oneself(user);
    }
    let body = asked.json().unwrap_or_default();
    let member = if matches!(collection, "following" | "muting" | "blocking") { "target_user_id" } else { "tweet_id" };
    if !body.get(member).and_then(Value::as_str).is_some_and(is_id) {
        return problem::invalid(&json!({}), &format!("$.{member}: is missing but it is required"));
    }
    let data = match collection {
        "retweets" => {
            let id = world.x.next_id(asked.at).to_string();
            let data = json!({"rest_id": id, "retweeted": true});
            note(world, caller, asked, "repost", id, String::new(), body);
            data
        }
        "following" => json!({"following": true, "pending_follow": false}),
        _ => match flag(collection) {
            Some(flag) => json!({flag: true}),
            None => return problem::old(StatusCode::NOT_FOUND, 34, "Sorry, that page does not exist."),
        },
    };
    found(data)
}

/// `DELETE /2/users/{id}/{collection}/{target}`.
pub(super) fn remove(caller: &Caller, user: &str, collection: &str) -> Answer {
    match flag(collection) {
        _ if user != caller.user => not_oneself(user),
        Some(flag) => found(json!({flag: false})),
        None => problem::old(StatusCode::NOT_FOUND, 34, "Sorry, that page does not exist."),
    }
}

fn flag(collection: &str) -> Option<&'static str> {
    Some(match collection {
        "retweets" => "retweeted",
        "likes" => "liked",
        "bookmarks" => "bookmarked",
        "following" => "following",
        "muting" => "muting",
        "blocking" => "blocking",
        _ => return None,
    })
}

fn not_oneself(user: &str) -> Answer {
    let message = format!("The `id` query parameter value [{user}] must be the same as the authenticating user");
    problem::invalid(&json!({"id": [user]}), &message)
}

/// `POST /2/dm_conversations`, `…/{id}/messages`, `…/with/{user}/messages`.
pub(super) fn message(world: &mut World, caller: &Caller, segments: &[&str], asked: &Asked) -> Answer {
    let body = asked.json().unwrap_or_default();
    let conversation = match segments {
        ["2", "dm_conversations", "with", other, "messages"] if is_id(other) => format!("{other}-{}", caller.user),
        ["2", "dm_conversations", id, "messages"] => (*id).to_owned(),
        ["2", "dm_conversations"] => world.x.next_id(asked.at).to_string(),
        _ => return problem::old(StatusCode::NOT_FOUND, 34, "Sorry, that page does not exist."),
    };
    let inner = body.get("message").unwrap_or(&body);
    let text = inner.get("text").and_then(Value::as_str).unwrap_or_default().to_owned();
    if text.is_empty() && inner.get("attachments").is_none() {
        return problem::invalid(&json!({}), "At least one of the following must be present: text, attachments.");
    }
    let id = world.x.next_id(asked.at).to_string();
    note(world, caller, asked, "direct-message", id.clone(), text, body);
    let data = json!({"dm_conversation_id": conversation, "dm_event_id": id});
    Answer::json(StatusCode::CREATED, &json!({"data": data}))
}

fn note(
    world: &mut World,
    caller: &Caller,
    asked: &Asked,
    action: &'static str,
    id: String,
    text: String,
    body: Value,
) {
    world.published.push(Published {
        provider: "x",
        account: caller.user.clone(),
        action,
        id,
        text,
        media_sha256: Vec::new(),
        body,
        request: asked.number,
        deleted: false,
    });
}
