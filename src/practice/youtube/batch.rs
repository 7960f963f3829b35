//! Google's `/batch`: `multipart/mixed` of requests, answered part by part with what each would have been answered alone.

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use super::wrong;
use crate::practice::exchange::{Answer, Asked, pairs};
use crate::practice::intake::Body;
use crate::practice::stage::World;

const BOUNDARY: &str = "batch_practice-providers-answer";

/// The whole answer.
pub(super) fn answer(world: &mut World, asked: &Asked) -> Answer {
    let Some(parts) = parts(asked).filter(|parts| !parts.is_empty() && parts.len() <= 100) else {
        return wrong(StatusCode::BAD_REQUEST, "global", "badRequest", "Failed to parse batch request");
    };
    let mut body = String::new();
    for (id, message) in parts {
        let answer = match request(asked, &message) {
            Some(item) => super::answer(world, &item),
            None => wrong(StatusCode::BAD_REQUEST, "global", "badRequest", "Failed to parse part"),
        };
        let id = id.trim_start_matches('<').trim_end_matches('>');
        let text = String::from_utf8_lossy(&answer.body);
        body.push_str(&format!(
            "--{BOUNDARY}\r\nContent-Type: application/http\r\nContent-ID: <response-{id}>\r\n\r\nHTTP/1.1 {} {}\r\n\
             Content-Type: {}\r\nContent-Length: {}\r\n\r\n{text}\r\n",
            answer.status.as_u16(),
            answer.status.canonical_reason().unwrap_or_default(),
            if answer.content_type.is_empty() { "text/plain" } else { answer.content_type },
            answer.body.len(),
        ));
    }
    body.push_str(&format!("--{BOUNDARY}--\r\n"));
    Answer::text("multipart/mixed; boundary=batch_practice-providers-answer", body)
}

/// Each part's `Content-ID` and message.
fn parts(asked: &Asked) -> Option<Vec<(String, String)>> {
    let body = String::from_utf8(asked.body.kept.as_deref()?.to_vec()).ok()?.replace("\r\n", "\n");
    let (_, boundary) = asked.header(header::CONTENT_TYPE.as_str())?.split_once("boundary=")?;
    let delimiter = format!("--{}", boundary.trim_matches('"'));
    let mut pieces = body.split(&delimiter).skip(1).peekable();
    let mut found = Vec::new();
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return piece.starts_with("--").then_some(found);
        }
        let (head, message) = piece.trim_start().split_once("\n\n")?;
        let id = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-id").then(|| value.trim().to_owned())
        });
        found.push((id.unwrap_or_default(), message.to_owned()));
    }
    None
}

/// One of them as if it had come alone, with the outer request's credential where it has none.
fn request(outer: &Asked, message: &str) -> Option<Asked> {
    let (head, body) = message.split_once("\n\n").unwrap_or((message, ""));
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.parse::<Method>().ok()?, first.next()?);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut headers = HeaderMap::new();
    headers.extend(outer.headers.get(header::AUTHORIZATION).map(|value| (header::AUTHORIZATION, value.clone())));
    for line in lines {
        let (name, value) = line.split_once(':')?;
        headers.insert(HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_str(value.trim()).ok()?);
    }
    let kept = body.trim_end().to_owned().into_bytes();
    Some(Asked {
        number: outer.number,
        at: outer.at,
        host: outer.host.clone(),
        method,
        path: path.to_owned(),
        query: pairs(query),
        headers,
        body: Body { bytes: kept.len() as u64, complete: true, kept: Some(kept.into()), ..Body::default() },
    })
}
