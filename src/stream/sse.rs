//! The stream on the wire: Server-Sent Events (WHATWG HTML 9.2) and NDJSON.
//!
//! An entry is an event `entry` whose `id:` is its index, so that a browser or a collector that comes back sends
//! `Last-Event-ID` by itself; a checkpoint is an event without an id, which leaves the cursor where it is.

use bytes::Bytes;
use http::HeaderMap;

use super::Batch;

/// How a reader wants the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `text/event-stream`.
    Events,
    /// `application/x-ndjson`.
    Lines,
}

impl Form {
    /// By `Accept`: events when it names them, else lines.
    pub fn asked(headers: &HeaderMap) -> Self {
        let names_events = headers
            .get_all(http::header::ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(|range| range.split(';').next())
            .any(|media| media.trim().eq_ignore_ascii_case("text/event-stream"));
        if names_events { Self::Events } else { Self::Lines }
    }

    /// The content type.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Events => "text/event-stream; charset=utf-8",
            Self::Lines => "application/x-ndjson; charset=utf-8",
        }
    }

    /// What keeps an idle connection open: a comment, or an empty line, which NDJSON readers skip.
    pub fn heartbeat(self) -> Bytes {
        match self {
            Self::Events => Bytes::from_static(b": heartbeat\n\n"),
            Self::Lines => Bytes::from_static(b"\n"),
        }
    }

    /// A batch with its checkpoint, as it goes over the wire.
    pub fn write(self, batch: &Batch) -> Bytes {
        let mut out = String::new();
        for (index, leaf) in &batch.entries {
            let leaf = one_line(leaf);
            match self {
                Self::Events => out.push_str(&format!("id: {index}\nevent: entry\ndata: {leaf}\n\n")),
                Self::Lines => out.push_str(&format!("{{\"index\":{index},\"entry\":{leaf}}}\n")),
            }
        }
        match self {
            _ if batch.checkpoint.is_empty() => {}
            Self::Events => {
                out.push_str("event: checkpoint\n");
                for line in batch.checkpoint.lines() {
                    out.push_str(&format!("data: {line}\n"));
                }
                out.push('\n');
            }
            Self::Lines => {
                let line = serde_json::json!({ "checkpoint": batch.checkpoint });
                out.push_str(&format!("{line}\n"));
            }
        }
        Bytes::from(out)
    }
}

/// A leaf as one line of JSON. Leaves are RFC 8785 JSON and pass as they are, byte for byte; anything else is shown
/// as its base64 in a stub, since a stream never stops for one entry.
fn one_line(leaf: &[u8]) -> String {
    let is_json = |text: &&str| serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok();
    let line = std::str::from_utf8(leaf).ok().filter(|text| !text.contains(['\n', '\r'])).filter(is_json);
    match line {
        Some(text) => text.to_owned(),
        None => {
            use base64::Engine;
            let bytes = base64::engine::general_purpose::STANDARD.encode(leaf);
            serde_json::json!({ "unreadable_base64": bytes }).to_string()
        }
    }
}

/// The first index to send: after `Last-Event-ID` (which wins, since a client that reconnects sends its old URL), else
/// after `after` (-1: before the first), else 0. `None`: the value is not an index.
pub fn cursor(headers: &HeaderMap, after: Option<&str>) -> Option<u64> {
    let last = match headers.get("last-event-id") {
        Some(value) => Some(value.to_str().ok()?.trim()).filter(|text| !text.is_empty()),
        None => None,
    };
    match last.or(after) {
        None | Some("-1") => Some(0),
        Some(text) => text.parse::<u64>().ok()?.checked_add(1),
    }
}
