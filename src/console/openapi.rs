//! The OpenAPI document (3.1) of what the console port serves; a test holds it against the router.

use axum::response::Response;
use serde_json::Value;

use super::answer::shown;

/// The document as it stands in the repository.
const TEXT: &str = include_str!("openapi.json");

/// `GET openapi.json`.
pub(super) async fn document() -> Response {
    // The text is checked by a test; were it broken, an empty answer is better than a half one.
    shown(&serde_json::from_str::<Value>(TEXT).unwrap_or_default())
}
