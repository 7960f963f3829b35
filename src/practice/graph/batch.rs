//! Graph's `batch`: a list of requests, carried out one after the other, each answered for itself.

use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde_json::{Value, json};

use super::super::exchange::{Answer, Asked, pairs};
use super::super::intake::Body;
use super::super::stage::World;
use super::faulty;

/// Requests of one batch.
const MOST: usize = 50;

/// The batch in a request, wherever Graph takes it from.
pub(super) fn of(asked: &Asked) -> Option<Value> {
    let list = asked.json().filter(|_| asked.is("application/json")).and_then(|json| json.get("batch").cloned());
    match list {
        Some(Value::Array(list)) => Some(Value::Array(list)),
        _ => asked.parameter("batch").map(|text| serde_json::from_str(&text).unwrap_or_default()),
    }
}

/// Answers with `{code, headers, body}` for each.
pub(super) fn answer(world: &mut World, asked: &Asked, token: &str, batch: &Value) -> Answer {
    let Some(list) = batch.as_array().filter(|list| !list.is_empty() && list.len() <= MOST) else {
        return faulty("Param batch must be an array of 1 to 50 requests");
    };
    let answers = list.iter().map(|item| {
        let answer = match request(asked, token, item) {
            Some(item) => super::single(world, &item, token),
            None => faulty("Param method and relative_url are required"),
        };
        let headers = [json!({"name": "Content-Type", "value": "application/json; charset=UTF-8"})];
        json!({"code": answer.status.as_u16(), "headers": headers, "body": String::from_utf8_lossy(&answer.body)})
    });
    Answer::json(StatusCode::OK, &Value::Array(answers.collect()))
}

/// One of them as if it had come alone.
fn request(outer: &Asked, token: &str, item: &Value) -> Option<Asked> {
    let text = |name: &str| item.get(name).and_then(Value::as_str);
    let url = text("relative_url")?.trim_start_matches('/');
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/x-www-form-urlencoded"));
    headers.insert("authorization", HeaderValue::from_str(&format!("Bearer {token}")).ok()?);
    let kept = text("body").unwrap_or_default().to_owned().into_bytes();
    Some(Asked {
        number: outer.number,
        at: outer.at,
        host: outer.host.clone(),
        method: text("method")?.parse::<Method>().ok()?,
        path: format!("/{path}"),
        query: pairs(query),
        headers,
        body: Body { bytes: kept.len() as u64, complete: true, kept: Some(kept.into()), ..Body::default() },
    })
}
