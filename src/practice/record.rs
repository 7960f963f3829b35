//! What the practice providers keep: every request as it arrived, and every post that became public.
//!
//! A request is recorded when its head arrives and completed when its body does, so that a request that was cut off
//! is on record as cut off. Headers are kept with their credentials: practice credentials are worth nothing.

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Serialize, Serializer};

/// One request, as it arrived.
#[derive(Clone, Debug, Serialize)]
pub struct Received {
    /// Its place in the order of arrival, from 0.
    pub number: u64,
    /// When its head arrived.
    pub at: Timestamp,
    /// The host it was addressed to (authority or `Host`), without port, in lower case.
    pub host: String,
    /// The method.
    pub method: String,
    /// Path and query, as sent.
    pub target: String,
    /// `HTTP/1.1` or `HTTP/2.0`.
    pub version: String,
    /// Header fields in order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Whether the body arrived to its end.
    pub complete: bool,
    /// Bytes of the body that arrived.
    pub body_bytes: u64,
    /// SHA-256 (hex) of the body bytes that arrived; empty until the body ended.
    pub body_sha256: String,
    /// The body, when it is at most 1 MiB (64 KiB for a media upload).
    #[serde(serialize_with = "as_base64", rename = "body_base64")]
    pub body: Option<Bytes>,
    /// The parts of a multipart body, and the media of a JSON upload.
    pub parts: Vec<PartRecord>,
    /// The status it was answered with; none while it waits or when it was cut off.
    pub status: Option<u16>,
}

/// One part of a multipart body, or the media in a JSON upload.
#[derive(Clone, Debug, Serialize)]
pub struct PartRecord {
    /// The field's name.
    pub name: String,
    /// The file name, if one was given.
    pub filename: Option<String>,
    /// The part's own content type, if one was given.
    pub content_type: Option<String>,
    /// Its length in bytes; of decoded bytes where the part was base64.
    pub bytes: u64,
    /// SHA-256 (hex) over the same bytes.
    pub sha256: String,
}

impl Received {
    /// The first header field of that name (lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON, if it is JSON.
    pub fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(self.body.as_ref()?).ok()
    }

    /// SHA-256 (hex) of each media file or segment that the request carried.
    pub fn media_sha256(&self) -> Vec<&str> {
        self.parts.iter().filter(|part| super::intake::is_media(&part.name)).map(|part| part.sha256.as_str()).collect()
    }
}

/// Something that reached the public (or a person's inbox).
#[derive(Clone, Debug, Serialize)]
pub struct Published {
    /// `x`, `line`, `mastodon`, `bluesky`, `threads`, `instagram`, `facebook` or `youtube`.
    pub provider: &'static str,
    /// The provider's own name of the account that published.
    pub account: String,
    /// `publish`, `reply`, `quote`, `edit`, `repost`, `direct-message`, `profile`.
    pub action: &'static str,
    /// The id that the provider gave it.
    pub id: String,
    /// The text as readers see it; of LINE, the texts of the text messages, one a line.
    pub text: String,
    /// SHA-256 (hex) of the media files, in order.
    pub media_sha256: Vec<String>,
    /// The request's body.
    pub body: serde_json::Value,
    /// The number of the request that published it.
    pub request: u64,
    /// Whether it was deleted afterwards.
    pub deleted: bool,
}

fn as_base64<S: Serializer>(body: &Option<Bytes>, serializer: S) -> Result<S::Ok, S::Error> {
    use base64::Engine as _;
    body.as_ref().map(|bytes| base64::engine::general_purpose::STANDARD.encode(bytes)).serialize(serializer)
}
