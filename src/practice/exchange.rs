//! A request as the providers' handlers see it, and the answer they give.

use std::collections::BTreeMap;

use http::{HeaderMap, Method, StatusCode};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::intake::{Body, Part};

/// A whole request.
pub(super) struct Asked {
    pub(super) number: u64,
    pub(super) at: Timestamp,
    pub(super) host: String,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: HeaderMap,
    pub(super) body: Body,
}

impl Asked {
    /// The path's segments.
    pub(super) fn segments(&self) -> Vec<&str> {
        self.path.split('/').filter(|segment| !segment.is_empty()).collect()
    }

    /// The header's value, if it is text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The first query parameter of that name.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether the body says that it is of this media type.
    pub(super) fn is(&self, media_type: &str) -> bool {
        self.header("content-type").is_some_and(|value| value.to_ascii_lowercase().starts_with(media_type))
    }

    /// The body as JSON, without the media of an upload.
    pub(super) fn json(&self) -> Option<Value> {
        let bytes = self.body.skeleton.as_deref().or(self.body.kept.as_deref())?;
        serde_json::from_slice(bytes).ok()
    }

    /// The pairs of an urlencoded body.
    pub(super) fn form(&self) -> Vec<(String, String)> {
        let Some(kept) = self.body.kept.as_deref().filter(|_| self.is("application/x-www-form-urlencoded")) else {
            return Vec::new();
        };
        pairs(&String::from_utf8_lossy(kept))
    }

    /// A parameter wherever the provider accepts one: part, form field, JSON member or query.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        self.part(name)
            .and_then(|part| part.value.clone())
            .or_else(|| self.form().into_iter().find(|(key, _)| key == name).map(|(_, value)| value))
            .or_else(|| self.json().as_ref().and_then(|json| json.get(name)).and_then(plain))
            .or_else(|| self.query(name).map(str::to_owned))
    }

    /// The part of that name.
    pub(super) fn part(&self, name: &str) -> Option<&Part> {
        self.body.parts.iter().find(|part| part.record.name == name)
    }

    /// Takes the media of an upload out of the body.
    pub(super) fn take_media(&mut self) -> Option<Part> {
        let at = self.body.parts.iter().position(|part| super::intake::is_media(&part.record.name))?;
        Some(self.body.parts.swap_remove(at))
    }
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The pairs of a query or an urlencoded body, decoded.
pub(super) fn pairs(encoded: &str) -> Vec<(String, String)> {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    encoded
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key), decode(value))
        })
        .collect()
}

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) content_type: &'static str,
    pub(super) headers: BTreeMap<&'static str, String>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// JSON with this status.
    pub(super) fn json(status: StatusCode, body: &Value) -> Self {
        let content_type = "application/json; charset=utf-8";
        Self { status, content_type, headers: BTreeMap::new(), body: body.to_string().into_bytes() }
    }

    /// Text of that type, 200.
    pub(super) fn text(content_type: &'static str, body: String) -> Self {
        Self { status: StatusCode::OK, content_type, headers: BTreeMap::new(), body: body.into_bytes() }
    }

    /// 204 without a body.
    pub(super) fn empty() -> Self {
        Self { status: StatusCode::NO_CONTENT, content_type: "", headers: BTreeMap::new(), body: Vec::new() }
    }

    /// The same with a header field.
    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.insert(name, value.into());
        self
    }
}
