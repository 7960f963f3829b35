//! Messages on LINE: sending, validating, quota.

use http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Channel, faulty, not_found, ok, refusal};
use crate::practice::exchange::{Answer, Asked};
use crate::practice::record::Published;
use crate::practice::stage::World;

/// The quota of a month, as practice has it.
const QUOTA: u64 = 5_000;
/// Types of messages that LINE knows, each with the members that it cannot do without.
const TYPES: [(&str, &[&str]); 11] = [
    ("text", &["text"]),
    ("textV2", &["text"]),
    ("sticker", &["packageId", "stickerId"]),
    ("image", &["originalContentUrl", "previewImageUrl"]),
    ("video", &["originalContentUrl", "previewImageUrl"]),
    ("audio", &["originalContentUrl", "duration"]),
    ("location", &["title", "address", "latitude", "longitude"]),
    ("imagemap", &["baseUrl", "altText", "baseSize", "actions"]),
    ("template", &["altText", "template"]),
    ("flex", &["altText", "contents"]),
    ("coupon", &["couponId"]),
];

/// `POST /v2/bot/message/{kind}`.
pub(super) fn send(world: &mut World, asked: &Asked, channel: &Channel, kind: &str, request_id: &str) -> Answer {
    if !matches!(kind, "broadcast" | "multicast" | "narrowcast" | "push" | "reply") {
        return not_found();
    }
    let retry_key = asked.header("x-line-retry-key").map(str::to_owned);
    if let Some(answer) = retry_key.as_deref().and_then(|key| again(world, channel, kind, key)) {
        return answer;
    }
    let body = match checked(asked, kind) {
        Ok(body) => body,
        Err(answer) => return *answer,
    };
    let messages = body.get("messages").and_then(Value::as_array).cloned().unwrap_or_default();
    if kind != "reply" {
        world.line.used += recipients(&body);
    }
    let sent = messages.iter().map(|_| {
        world.line.last_message += 1;
        json!({"id": (461_230_966_842_064_896 + world.line.last_message).to_string(), "quoteToken": Uuid::new_v4().simple().to_string()})
    });
    let sent = json!({"sentMessages": sent.collect::<Vec<_>>()});
    let answer_body = if matches!(kind, "push" | "reply") { sent } else { json!({}) };
    let text = messages.iter().filter_map(|message| message.get("text").and_then(Value::as_str));
    world.published.push(Published {
        provider: "line",
        account: channel.user_id.clone(),
        action: if matches!(kind, "push" | "reply") { "direct-message" } else { "publish" },
        id: request_id.to_owned(),
        text: text.collect::<Vec<_>>().join("\n"),
        media_sha256: Vec::new(),
        body,
        request: asked.number,
        deleted: false,
    });
    if let Some(key) = retry_key {
        world.line.accepted.insert((channel.user_id.clone(), key), (request_id.to_owned(), answer_body.clone()));
    }
    let status = if kind == "narrowcast" { StatusCode::ACCEPTED } else { StatusCode::OK };
    Answer::json(status, &answer_body)
}

/// LINE's answer to a retry key that is not one, does not belong here, or was accepted before.
fn again(world: &World, channel: &Channel, kind: &str, key: &str) -> Option<Answer> {
    if kind == "reply" {
        return Some(refusal(
            StatusCode::BAD_REQUEST,
            "The X-Line-Retry-Key header is not supported for this endpoint",
        ));
    }
    if Uuid::parse_str(key).is_err() {
        return Some(refusal(StatusCode::BAD_REQUEST, "The retry key is invalid"));
    }
    let (first, body) = world.line.accepted.get(&(channel.user_id.clone(), key.to_owned()))?;
    let mut body = body.clone();
    if let Value::Object(body) = &mut body {
        body.insert("message".to_owned(), Value::from("The retry key is already accepted"));
    }
    Some(Answer::json(StatusCode::CONFLICT, &body).with("x-line-accepted-request-id", first.clone()))
}

/// `POST /v2/bot/message/validate/{kind}`.
pub(super) fn validate(asked: &Asked, kind: &str) -> Answer {
    if !matches!(kind, "broadcast" | "multicast" | "narrowcast" | "push" | "reply") {
        return not_found();
    }
    match read(asked) {
        Ok(body) => match message_faults(&body) {
            faults if faults.is_empty() => ok(&json!({})),
            faults => faulty(&faults),
        },
        Err(answer) => *answer,
    }
}

/// `GET /v2/bot/message/…`.
pub(super) fn figures(world: &World, rest: &[&str]) -> Answer {
    match rest {
        ["quota"] => ok(&json!({"type": "limited", "value": QUOTA})),
        ["quota", "consumption"] => ok(&json!({"totalUsage": world.line.used})),
        ["progress", "narrowcast"] => {
            ok(&json!({"phase": "succeeded", "successCount": 1, "failureCount": 0, "targetCount": 1}))
        }
        ["delivery", _] => ok(&json!({"status": "unready"})),
        _ => not_found(),
    }
}

fn read(asked: &Asked) -> Result<Value, Box<Answer>> {
    if !asked.is("application/json") {
        let message = "Content-Type must be application/json";
        return Err(Box::new(refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, message)));
    }
    let parsed = asked.json().filter(Value::is_object);
    parsed.ok_or_else(|| Box::new(refusal(StatusCode::BAD_REQUEST, "The request body could not be parsed as JSON")))
}

fn checked(asked: &Asked, kind: &str) -> Result<Value, Box<Answer>> {
    let body = read(asked)?;
    let mut faults = Vec::new();
    let text = |name: &str| body.get(name).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
    match kind {
        "push" if !text("to") => faults.push(empty("to")),
        "reply" if !text("replyToken") => faults.push(empty("replyToken")),
        "multicast" => {
            let to = body.get("to").and_then(Value::as_array).map_or(0, Vec::len);
            if to == 0 {
                faults.push(empty("to"));
            } else if to > 500 {
                faults.push(("Size must be between 1 and 500".to_owned(), "to".to_owned()));
            }
        }
        _ => {}
    }
    faults.extend(message_faults(&body));
    if faults.is_empty() { Ok(body) } else { Err(Box::new(faulty(&faults))) }
}

fn message_faults(body: &Value) -> Vec<(String, String)> {
    let Some(messages) = body.get("messages").and_then(Value::as_array) else { return vec![empty("messages")] };
    if messages.is_empty() || messages.len() > 5 {
        return vec![("Size must be between 1 and 5".to_owned(), "messages".to_owned())];
    }
    messages.iter().enumerate().flat_map(|(at, message)| one_message(&format!("messages[{at}]"), message)).collect()
}

fn one_message(property: &str, message: &Value) -> Vec<(String, String)> {
    let given = message.get("type").and_then(Value::as_str).unwrap_or_default();
    let Some((_, needed)) = TYPES.iter().find(|(name, _)| *name == given) else {
        let message = "Must be one of the following values: [text, sticker, image, video, audio, location, imagemap, template, flex, coupon, textV2]";
        return vec![(message.to_owned(), format!("{property}.type"))];
    };
    let mut faults = Vec::new();
    for name in *needed {
        let value = message.get(*name);
        if value.is_none_or(|value| value.is_null() || value.as_str() == Some("")) {
            faults.push(empty(&format!("{property}.{name}")));
        } else if *name == "text"
            && value.and_then(Value::as_str).is_some_and(|text| text.encode_utf16().count() > 5000)
        {
            faults.push(("Length must be between 0 and 5000".to_owned(), format!("{property}.text")));
        }
    }
    faults
}

fn empty(property: &str) -> (String, String) {
    ("May not be empty".to_owned(), property.to_owned())
}

fn recipients(body: &Value) -> u64 {
    body.get("to").and_then(Value::as_array).map_or(1, |to| to.len() as u64)
}
