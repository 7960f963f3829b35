//! Answers: JSON, and problems as `application/problem+json` (RFC 9457) with a stable code and a Japanese sentence.

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Desk;
use crate::domain::clause::Clause;
use crate::domain::decision::Refusal;
use crate::domain::kept::Unreleased;
use crate::domain::person::PersonId;
use crate::domain::ports::Unavailable;
use crate::ledger::{Act, ActError, EntryRef};

/// A request that ends here.
pub(super) struct Ended {
    refusal: Box<Refusal>,
    entry: Option<EntryRef>,
}

impl From<Refusal> for Ended {
    fn from(refusal: Refusal) -> Self {
        Self { refusal: Box::new(refusal), entry: None }
    }
}

impl From<Unreleased> for Ended {
    fn from(unreleased: Unreleased) -> Self {
        Self { refusal: unreleased.refusal, entry: unreleased.entry.map(EntryRef::Index) }
    }
}

impl From<Unavailable> for Ended {
    fn from(error: Unavailable) -> Self {
        tracing::error!(%error, "the console cannot look something up");
        Self::from(
            Refusal::refused(
                "store-unavailable",
                "ただいま記録を確認できません。",
                "The store cannot answer now.",
                "しばらくしてから、もう一度お試しください。",
            )
            .status(503),
        )
    }
}

impl IntoResponse for Ended {
    fn into_response(self) -> Response {
        let refusal = self.refusal;
        let clauses: Vec<&str> = refusal.clauses.iter().map(Clause::as_str).collect();
        let mut body = json!({
            "type": "about:blank",
            "title": refusal.sentence,
            "status": refusal.status,
            "detail": refusal.message(),
            "detail_en": refusal.sentence_en,
            "way_forward": refusal.way_forward,
            "code": refusal.code,
            "clauses": clauses,
        });
        if let (Some(entry), Some(members)) = (&self.entry, body.as_object_mut()) {
            members.insert("entry".to_owned(), entry_json(entry));
        }
        let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::FORBIDDEN);
        let mut response = written(status, "application/problem+json", body.to_string());
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(http::header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(EntryRef::Index(index)) = self.entry {
            response.headers_mut().insert(HeaderName::from_static("sekisho-entry"), HeaderValue::from(index));
        }
        response
    }
}

/// What the framework refuses by itself (a body that is too large, a path that is not UTF-8), as a problem like every
/// other.
pub(super) async fn as_problem(response: Response) -> Response {
    let status = response.status();
    let ours = |value: &HeaderValue| value.as_bytes().starts_with(b"application/problem+json");
    if !status.is_client_error() || response.headers().get(CONTENT_TYPE).is_some_and(ours) {
        return response;
    }
    let (code, sentence) = match status {
        StatusCode::PAYLOAD_TOO_LARGE => ("body-too-large", "送られた内容が大きすぎます。"),
        _ => ("request-malformed", "リクエストの形式が正しくありません。"),
    };
    let english = status.canonical_reason().unwrap_or("The request is refused");
    Ended::from(Refusal::refused(code, sentence, english, "内容をご確認ください。").status(status.as_u16()))
        .into_response()
}

/// An answer that nobody keeps and no browser reads as anything else.
pub(super) fn written(status: StatusCode, content_type: &'static str, body: impl Into<axum::body::Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(http::header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// JSON with status 200.
pub(super) fn shown(value: &impl Serialize) -> Response {
    json_with(StatusCode::OK, value)
}

/// JSON with a status.
pub(super) fn json_with(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_string(value) {
        Ok(text) => written(status, "application/json", text),
        Err(error) => {
            tracing::error!(%error, "an answer cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// The object does not exist, or not for this person; the two look alike.
pub(super) fn not_found() -> Ended {
    Refusal::refused(
        "not-found",
        "見つかりません。",
        "There is no such thing, or not for you.",
        "番号や名前をご確認ください。",
    )
    .status(404)
    .into()
}

/// A request that cannot be understood.
pub(super) fn bad_request(why: &str) -> Ended {
    Refusal::refused(
        "request-malformed",
        "リクエストの形式が正しくありません。",
        format!("The request is malformed: {why}."),
        "項目の名前と形式をご確認ください。",
    )
    .status(400)
    .into()
}

/// Reads a JSON body: unknown, missing and repeated members are refused.
pub(super) fn body<T: DeserializeOwned>(headers: &HeaderMap, bytes: &Bytes) -> Result<T, Ended> {
    let media = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim();
    if !bytes.is_empty() && !media.eq_ignore_ascii_case("application/json") {
        return Err(bad_request("the body is not application/json"));
    }
    let bytes: &[u8] = if bytes.is_empty() { b"{}" } else { bytes };
    // serde's message names members and positions and quotes at most the offending value's type.
    serde_json::from_slice(bytes).map_err(|error| {
        let place = format!("line {} column {}", error.line(), error.column());
        match error.classify() {
            serde_json::error::Category::Data => bad_request(&format!("a member is missing or wrong at {place}")),
            _ => bad_request(&format!("it is not JSON at {place}")),
        }
    })
}

/// Runs a look-up that may touch the disk off the threads that serve.
pub(super) async fn look<T: Send + 'static>(
    look: impl FnOnce() -> Result<T, Unavailable> + Send + 'static,
) -> Result<T, Ended> {
    match tokio::task::spawn_blocking(look).await {
        Ok(found) => found.map_err(Ended::from),
        Err(error) => Err(Unavailable(error.to_string()).into()),
    }
}

/// Where an entry stands, for JSON.
pub(super) fn entry_json(entry: &EntryRef) -> Value {
    match entry {
        EntryRef::Index(index) => json!(index),
        EntryRef::Journal { boot, seq } => json!({ "boot": boot, "seq": seq }),
    }
}

/// Does an act and answers with `value` and the entry that records it.
///
/// The act runs on a task of its own, so that a caller that goes away cannot leave it half done.
pub(super) async fn act(
    desk: &std::sync::Arc<Desk>,
    by: PersonId,
    act: Act,
    status: StatusCode,
    mut value: Value,
) -> Result<Response, Ended> {
    let entry = recorded(desk, by, act).await?;
    if let Some(members) = value.as_object_mut() {
        members.insert("entry".to_owned(), entry_json(&entry));
    }
    let mut response = json_with(status, &value);
    if let EntryRef::Index(index) = entry {
        response.headers_mut().insert(HeaderName::from_static("sekisho-entry"), HeaderValue::from(index));
    }
    Ok(response)
}

/// Does an act; the entry that records it.
pub(super) async fn recorded(desk: &std::sync::Arc<Desk>, by: PersonId, act: Act) -> Result<EntryRef, Ended> {
    let acts = std::sync::Arc::clone(&desk.acts);
    let done = match tokio::spawn(async move { acts.act(by, act).await }).await {
        Ok(done) => done,
        Err(error) => return Err(Unavailable(error.to_string()).into()),
    };
    match done {
        Ok(entry) => Ok(entry),
        Err(ActError::Refused(entry, refusal)) => Err(Ended { refusal, entry: Some(entry) }),
        Err(ActError::Down(error)) => {
            tracing::error!(%error, "an act was not recorded, so it was not done");
            Err(Refusal::refused(
                "ledger-unavailable",
                "記録ができないため、操作を行いませんでした。",
                "The ledger cannot write now; nothing was done.",
                "しばらくしてから、もう一度お試しください。続く場合は情報システム担当課にご連絡ください。",
            )
            .status(503)
            .into())
        }
    }
}
