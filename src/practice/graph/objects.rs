//! Posts, comments and replies: what stands on the graph after it was published, and what people do with it.

use http::Method;
use serde_json::{Value, json};

use super::super::exchange::Answer;
use super::super::record::Published;
use super::super::stage::World;
use super::{Call, Service, faulty, is_number, ok, unknown};

/// A post or a comment.
pub(super) struct Object {
    pub(super) user: String,
    pub(super) text: String,
    /// The post that a comment stands under.
    pub(super) of: Option<String>,
}

/// Everything but making and publishing containers.
pub(super) fn answer(world: &mut World, call: &Call) -> Answer {
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    match (&call.method, path.as_slice()) {
        (&Method::GET, ["me"]) => ok(&profile(&call.user)),
        (&Method::GET, [id]) => read(world, call, id),
        (&Method::GET, [_, "content_publishing_limit" | "threads_publishing_limit"]) => {
            ok(&json!({"data": [{"quota_usage": 0, "config": {"quota_total": 250, "quota_duration": 86_400}}]}))
        }
        (&Method::GET, [id, _]) => edge(world, call, id),
        (&Method::POST, [id, "repost"]) if call.service == Service::Threads => speak(world, call, "repost", id),
        (&Method::POST, [id, "manage_reply" | "manage_pending_reply"]) if is_number(id) => {
            ok(&json!({"success": true}))
        }
        (&Method::POST, [id, "comments" | "replies" | "mentions"]) => speak(world, call, "reply", id),
        (&Method::POST, [_, "messages"]) => speak(world, call, "direct-message", ""),
        (&Method::POST, [id]) if is_number(id) => ok(&json!({"success": true})),
        (&Method::DELETE, [id]) => delete(world, call, id),
        _ => unknown(path.first().unwrap_or(&"")),
    }
}

pub(super) fn profile(user: &str) -> Value {
    json!({"id": user, "username": format!("practice_{user}"), "name": "練習アカウント"})
}

pub(super) fn read(world: &World, call: &Call, id: &str) -> Answer {
    if let Some(container) = world.graph.containers.get(id).filter(|container| container.user == call.user) {
        let state = container.state(call.at);
        return ok(&json!({"id": id, "status": state, "status_code": state}));
    }
    match world.graph.objects.get(id) {
        Some(object) => ok(&json!({
            "id": id, "text": object.text, "caption": object.text, "username": format!("practice_{}", object.user),
            "permalink": format!("https://www.{}.example/p/{id}", call.service.name()),
        })),
        None if is_number(id) && id == call.user => ok(&profile(id)),
        None => unknown(id),
    }
}

pub(super) fn edge(world: &World, call: &Call, id: &str) -> Answer {
    let listed =
        |object: &Object| object.of.as_deref() == Some(id) || (object.user == call.user && object.of.is_none());
    let most = call.text("limit").and_then(|text| text.parse().ok()).unwrap_or(25_usize).clamp(1, 100);
    let after = call.text("after").unwrap_or_default();
    let mut rows = world.graph.objects.iter().filter(|(id, object)| listed(object) && id.as_str() > after);
    let found: Vec<_> = rows.by_ref().take(most).collect();
    let data: Vec<Value> = found.iter().map(|(id, object)| json!({"id": id, "text": object.text})).collect();
    let (Some((first, _)), Some((last, _))) = (found.first(), found.last()) else { return ok(&json!({"data": data})) };
    let mut paging = json!({"cursors": {"before": first, "after": last}});
    if let (Some(_), Value::Object(paging)) = (rows.next(), &mut paging) {
        let path = call.path.join("/");
        let (host, version, token) = (&call.host, &call.version, &call.token);
        let next = format!("https://{host}/{version}/{path}?access_token={token}&limit={most}&after={last}");
        paging.insert("next".to_owned(), Value::from(next));
    }
    ok(&json!({"data": data, "paging": paging}))
}

/// A comment, a reply, a repost, a direct message.
pub(super) fn speak(world: &mut World, call: &Call, action: &'static str, of: &str) -> Answer {
    let message = match call.params.get("message") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Object(members)) => members.get("text").and_then(Value::as_str).unwrap_or_default().to_owned(),
        _ => String::new(),
    };
    if action != "repost" && message.is_empty() {
        return faulty("The parameter message is required");
    }
    let id = world.graph.next_id();
    world.published.push(Published {
        provider: call.service.name(),
        account: call.user.clone(),
        action,
        id: id.clone(),
        text: message.clone(),
        media_sha256: Vec::new(),
        body: Value::Object(call.params.clone()),
        request: call.number,
        deleted: false,
    });
    if action == "direct-message" {
        return ok(&json!({"recipient_id": "1", "message_id": id}));
    }
    world.graph.objects.insert(id.clone(), Object { user: call.user.clone(), text: message, of: Some(of.to_owned()) });
    ok(&json!({"id": id}))
}

pub(super) fn delete(world: &mut World, call: &Call, id: &str) -> Answer {
    if world.graph.objects.get(id).is_none_or(|object| object.user != call.user) {
        return unknown(id);
    }
    world.graph.objects.remove(id);
    if let Some(post) = world.published.iter_mut().find(|post| post.id == id) {
        post.deleted = true;
    }
    ok(&match call.service {
        Service::Threads => json!({"success": true, "deleted_id": id}),
        Service::Instagram | Service::Facebook => json!({"success": true}),
    })
}
