//! Repositories: records made, replaced and removed, one at a time or several at once.

use aws_lc_rs::digest::{SHA256, digest};
use http::StatusCode;
use serde_json::{Value, json};

use super::{cid, done, invalid, wrong};
use crate::practice::exchange::{Answer, Asked};
use crate::practice::record::Published;
use crate::practice::stage::World;

/// Graphemes of a post; practice counts characters.
const LONGEST: usize = 300;

/// A write, whichever method asked for it.
struct Write<'w> {
    verb: &'static str,
    collection: &'w str,
    rkey: Option<&'w str>,
    record: Option<&'w Value>,
}

fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name).and_then(Value::as_str)
}

/// `createRecord`, `putRecord`, `deleteRecord`.
pub(super) fn one(world: &mut World, did: &str, method: &str, asked: &Asked) -> Answer {
    let Some(body) = asked.json() else { return invalid("A request body is expected but none was provided") };
    let verb = match method.rsplit('.').next() {
        Some("createRecord") => "create",
        Some("putRecord") => "update",
        _ => "delete",
    };
    let Some(collection) = text(&body, "collection") else {
        return invalid("Input must have the property \"collection\"");
    };
    let write = Write { verb, collection, rkey: text(&body, "rkey"), record: body.get("record") };
    if let Some(answer) = faulty(world, did, &write) {
        return answer;
    }
    let result = carry_out(world, did, &write, asked);
    let commit = json!({"cid": cid(0x71, digest(&SHA256, b"commit").as_ref()), "rev": world.bluesky.tid(asked.at)});
    let mut body = result;
    if let Value::Object(body) = &mut body {
        body.remove("$type");
        body.insert("commit".to_owned(), commit);
    }
    done(&body)
}

/// `applyWrites`: all or nothing.
pub(super) fn several(world: &mut World, did: &str, asked: &Asked) -> Answer {
    let body = asked.json().unwrap_or_default();
    let Some(items) = body.get("writes").and_then(Value::as_array) else {
        return invalid("Input must have the property \"writes\"");
    };
    let mut writes = Vec::new();
    for item in items {
        let verb = match text(item, "$type").and_then(|kind| kind.strip_prefix("com.atproto.repo.applyWrites#")) {
            Some("create") => "create",
            Some("update") => "update",
            Some("delete") => "delete",
            _ => return invalid("Input/writes/0 must be one of create, update or delete"),
        };
        let Some(collection) = text(item, "collection") else {
            return invalid("Input/writes/0 must have the property \"collection\"");
        };
        writes.push(Write { verb, collection, rkey: text(item, "rkey"), record: item.get("value") });
    }
    if let Some(answer) = writes.iter().find_map(|write| faulty(world, did, write)) {
        return answer;
    }
    let results: Vec<Value> = writes.iter().map(|write| carry_out(world, did, write, asked)).collect();
    let commit = json!({"cid": cid(0x71, digest(&SHA256, b"commit").as_ref()), "rev": world.bluesky.tid(asked.at)});
    done(&json!({"commit": commit, "results": results}))
}

/// What a PDS finds wrong with a record.
fn faulty(world: &World, did: &str, write: &Write<'_>) -> Option<Answer> {
    if write.verb == "delete" {
        return write.rkey.is_none().then(|| invalid("Input must have the property \"rkey\""));
    }
    let Some(record) = write.record.filter(|record| record.is_object()) else {
        return Some(invalid("Input must have the property \"record\""));
    };
    if write.collection == "app.bsky.feed.post" {
        if text(record, "createdAt").is_none() {
            return Some(invalid("Invalid app.bsky.feed.post record: Record must have the property \"createdAt\""));
        }
        let Some(words) = text(record, "text") else {
            return Some(invalid("Invalid app.bsky.feed.post record: Record must have the property \"text\""));
        };
        if words.chars().count() > LONGEST {
            let message = "Invalid app.bsky.feed.post record: Record/text must not be longer than 300 graphemes";
            return Some(invalid(message));
        }
    }
    let mut missing = None;
    each_blob(record, &mut |cid| {
        if !world.bluesky.blobs.contains_key(&(did.to_owned(), cid.to_owned())) {
            missing = Some(cid.to_owned());
        }
    });
    missing.map(|cid| wrong(StatusCode::BAD_REQUEST, "BlobNotFound", &format!("Could not find blob: {cid}")))
}

fn each_blob(value: &Value, visit: &mut dyn FnMut(&str)) {
    match value {
        Value::Object(map) => {
            if map.get("$type").and_then(Value::as_str) == Some("blob")
                && let Some(cid) = value.pointer("/ref/$link").and_then(Value::as_str)
            {
                visit(cid);
            }
            map.values().for_each(|value| each_blob(value, visit));
        }
        Value::Array(list) => list.iter().for_each(|value| each_blob(value, visit)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn carry_out(world: &mut World, did: &str, write: &Write<'_>, asked: &Asked) -> Value {
    let rkey = write.rkey.map_or_else(|| world.bluesky.tid(asked.at), str::to_owned);
    let uri = format!("at://{did}/{}/{rkey}", write.collection);
    if write.verb == "delete" {
        world.bluesky.records.remove(&uri);
        for published in world.published.iter_mut().filter(|it| it.provider == "bluesky" && it.id == uri) {
            published.deleted = true;
        }
        return json!({"$type": "com.atproto.repo.applyWrites#deleteResult"});
    }
    let record = write.record.cloned().unwrap_or_default();
    let hash = digest(&SHA256, record.to_string().as_bytes());
    let mut media = Vec::new();
    each_blob(&record, &mut |cid| media.extend(world.bluesky.blobs.get(&(did.to_owned(), cid.to_owned())).cloned()));
    let shown = text(&record, "text").or_else(|| text(&record, "description")).unwrap_or_default().to_owned();
    let action = action(write, &record);
    if let Some(action) = action {
        world.published.push(Published {
            provider: "bluesky",
            account: did.to_owned(),
            action,
            id: uri.clone(),
            text: shown,
            media_sha256: media,
            body: record.clone(),
            request: asked.number,
            deleted: false,
        });
    }
    world.bluesky.records.insert(uri.clone(), record);
    let kind = format!("com.atproto.repo.applyWrites#{}Result", write.verb);
    json!({"$type": kind, "uri": uri, "cid": cid(0x71, hash.as_ref()), "validationStatus": "valid"})
}

/// What the public sees of a record; none of likes, follows and gates.
fn action(write: &Write<'_>, record: &Value) -> Option<&'static str> {
    match write.collection {
        "app.bsky.feed.post" if write.verb == "update" => Some("edit"),
        "app.bsky.feed.post" if record.get("reply").is_some() => Some("reply"),
        "app.bsky.feed.post" if record.pointer("/embed/record").is_some() => Some("quote"),
        "app.bsky.feed.post" => Some("publish"),
        "app.bsky.feed.repost" => Some("repost"),
        "app.bsky.actor.profile" | "app.bsky.graph.list" | "app.bsky.feed.generator" => Some("profile"),
        _ => None,
    }
}

/// `getRecord`.
pub(super) fn read(world: &World, asked: &Asked) -> Answer {
    let part = |name: &str| asked.query(name).unwrap_or_default();
    let uri = format!("at://{}/{}/{}", part("repo"), part("collection"), part("rkey"));
    match world.bluesky.records.get(&uri) {
        Some(record) => done(&json!({"uri": uri, "cid": cid(0x71, digest(&SHA256, b"").as_ref()), "value": record})),
        None => wrong(StatusCode::BAD_REQUEST, "RecordNotFound", &format!("Could not locate record: {uri}")),
    }
}
