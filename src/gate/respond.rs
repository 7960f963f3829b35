//! Answers to clients: refusals in the provider's own error shape, so that an unmodified SDK shows the sentence.
//!
//! The message stands in every place that some SDK reads, and an ASCII reference stands in the reason phrase, because
//! a few SDKs show nothing else. No status or code here makes an SDK send again (no 429, no 5xx).

use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use crate::domain::arrival::{Body, full};
use crate::domain::decision::{Refusal, RefusalKind};
use crate::forward::{Answer, AnswerBody};
use crate::ledger::EntryRef;

/// How a client reads a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// X's v2 problem with v1.1's `errors` beside it.
    X,
    /// LINE's `message` and `details`.
    Line,
    /// Meta's `error` object (Facebook, Instagram, Threads).
    Meta,
    /// Google's `error` object (YouTube).
    Google,
    /// AT Protocol's `error` and `message` (Bluesky).
    AtProto,
    /// Mastodon's `error`.
    Mastodon,
    /// RFC 9457, when the client asks for it or no provider is known.
    Problem,
}

impl Shape {
    /// The shape that a provider definition names; an unknown name reads as a plain problem.
    pub fn of_provider(name: &str) -> Self {
        match name {
            "x" => Self::X,
            "line" => Self::Line,
            "meta" => Self::Meta,
            "google" => Self::Google,
            "atproto" => Self::AtProto,
            "mastodon" => Self::Mastodon,
            _ => Self::Problem,
        }
    }

    /// Whether the client asks for `application/problem+json` itself.
    pub fn asked_for(headers: &HeaderMap) -> Option<Self> {
        let asks = headers
            .get_all(header::ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .any(|value| value.contains("application/problem+json"));
        asks.then_some(Self::Problem)
    }

    fn status(self, refusal: &Refusal) -> StatusCode {
        let natural = match self {
            Self::X | Self::Line | Self::Meta | Self::Google => 403,
            Self::AtProto => 400,
            Self::Mastodon => 422,
            Self::Problem => refusal.status,
        };
        StatusCode::from_u16(natural).unwrap_or(StatusCode::FORBIDDEN)
    }

    fn body(self, refusal: &Refusal, entry: Option<u64>) -> Value {
        let message = refusal.message();
        let code = refusal.code.as_ref();
        match self {
            Self::X => json!({
                "title": "Forbidden", "detail": message, "message": message, "type": "about:blank", "status": 403,
                "errors": [{ "code": 403, "message": message }], "sekisho": code,
            }),
            Self::Line => json!({
                "message": message, "details": [{ "message": refusal.message_en(), "property": code }],
            }),
            Self::Meta => json!({ "error": {
                "message": message, "type": "OAuthException", "code": 368, "error_subcode": 0, "is_transient": false,
                "error_user_title": "sekisho", "error_user_msg": message, "fbtrace_id": code,
            } }),
            Self::Google => json!({ "error": {
                "code": 403, "message": message, "status": "PERMISSION_DENIED",
                "errors": [{ "message": message, "domain": "global", "reason": "forbidden" }],
            } }),
            Self::AtProto => json!({ "error": "PolicyRefused", "message": message }),
            Self::Mastodon => json!({ "error": message, "error_description": refusal.message_en() }),
            Self::Problem => json!({
                "type": format!("urn:sekisho:refusal:{code}"), "title": refusal.sentence, "detail": message,
                "status": self.status(refusal).as_u16(), "code": code, "clauses": refusal.clauses,
                "rules": refusal.rules, "reasons": refusal.reasons, "findings": refusal.findings, "ticket": refusal.ticket, "entry": entry,
                "title_en": refusal.sentence_en, "way_forward": refusal.way_forward,
            }),
        }
    }
}

/// A refusal as the client reads it.
pub fn refusal(shape: Shape, refusal: &Refusal, entry: Option<&EntryRef>) -> Response<Body> {
    let index = entry.and_then(index_of);
    let mut response = Response::new(full(shape.body(refusal, index).to_string()));
    *response.status_mut() = shape.status(refusal);
    let content_type =
        if shape == Shape::Problem { "application/problem+json" } else { "application/json; charset=utf-8" };
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    let decision = match refusal.kind {
        RefusalKind::Held => "held",
        RefusalKind::Refused => "refused",
    };
    retry_after(response.headers_mut(), refusal);
    mark(response.headers_mut(), decision, entry);
    if let Some(ticket) = refusal.ticket.as_ref().and_then(|ticket| HeaderValue::from_str(ticket.as_str()).ok()) {
        response.headers_mut().insert("sekisho-ticket", ticket);
    }
    let reference = index.map_or_else(|| refusal.code.to_string(), |index| index.to_string());
    if let Ok(reason) = hyper::ext::ReasonPhrase::try_from(format!("Refused by sekisho ref={reference}").into_bytes()) {
        response.extensions_mut().insert(reason);
    }
    response
}

/// The decision that an answer carries, for the counters.
pub fn decision(response: &Response<Body>) -> &'static str {
    match response.headers().get("sekisho-decision").map(HeaderValue::as_bytes) {
        Some(b"permitted") => "permitted",
        Some(b"held") => "held",
        Some(_) | None => "refused",
    }
}

/// `Retry-After` in seconds (RFC 9110 section 10.2.3), where it is known when the request may pass.
fn retry_after(headers: &mut HeaderMap, refusal: &Refusal) {
    if let Some(seconds) = refusal.retry_after_s {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
}

/// A provider's answer, passed on.
pub fn answer(answer: Answer, entry: &EntryRef) -> Response<Body> {
    let body = match answer.body {
        AnswerBody::Whole(bytes) => full(bytes),
        AnswerBody::Stream(body) => body,
    };
    let mut response = Response::new(body);
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    mark(response.headers_mut(), "permitted", Some(entry));
    response
}

fn mark(headers: &mut HeaderMap, decision: &'static str, entry: Option<&EntryRef>) {
    headers.insert("sekisho-decision", HeaderValue::from_static(decision));
    let entry = match entry {
        Some(EntryRef::Index(index)) => HeaderValue::from_str(&index.to_string()),
        Some(EntryRef::Journal { boot, seq }) => HeaderValue::from_str(&format!("journal/{boot}/{seq}")),
        None => return,
    };
    if let Ok(entry) = entry {
        headers.insert("sekisho-entry", entry);
    }
}

fn index_of(entry: &EntryRef) -> Option<u64> {
    match entry {
        EntryRef::Index(index) => Some(*index),
        EntryRef::Journal { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Refusal {
        Refusal::refused("approval-missing", "承認を受けていません。", "Not approved.", "承認を依頼してください。")
            .citing("nerima:11")
    }

    #[test]
    fn every_shape_carries_the_sentence_and_the_clause_where_its_sdk_reads() {
        let places = [
            (Shape::X, "/errors/0/message"),
            (Shape::X, "/detail"),
            (Shape::Line, "/message"),
            (Shape::Meta, "/error/message"),
            (Shape::Google, "/error/message"),
            (Shape::AtProto, "/message"),
            (Shape::Mastodon, "/error"),
            (Shape::Problem, "/detail"),
        ];
        for (shape, pointer) in places {
            let body = shape.body(&sample(), Some(7));
            let text = body.pointer(pointer).and_then(Value::as_str).unwrap();
            assert!(text.contains("承認を受けていません。") && text.contains("nerima:11"), "{shape:?} {text}");
        }
    }

    #[test]
    fn no_shape_answers_with_a_status_that_makes_an_sdk_send_again() {
        let late = sample().status(503);
        for shape in [Shape::X, Shape::Line, Shape::Meta, Shape::Google, Shape::AtProto, Shape::Mastodon] {
            let response = refusal(shape, &late, Some(&EntryRef::Index(3)));
            assert!(matches!(response.status().as_u16(), 400 | 403 | 422), "{shape:?}");
            let reason = response.extensions().get::<hyper::ext::ReasonPhrase>().unwrap();
            assert_eq!(reason.as_bytes(), b"Refused by sekisho ref=3");
        }
    }
}
