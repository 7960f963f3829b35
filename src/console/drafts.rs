//! `POST inspect`: what the inspector says of a draft, before approval is asked. Nothing is recorded or kept.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::HeaderMap;

use super::Desk;
use super::answer::{Ended, bad_request, body, shown};
use super::caller::Asking;
use crate::domain::draft::{Draft, answer};
use crate::domain::ports::Unavailable;

/// The findings of the rules in force, and of what the caller's body keeps closed, as of now.
pub(super) async fn inspect(
    State(desk): State<Arc<Desk>>,
    Asking(body_of): Asking,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Ended> {
    let draft: Draft = body(&headers, &bytes)?;
    let id = draft.id.clone();
    let post = draft.post().ok_or_else(|| bad_request("one of `text` and `fields` is needed"))?;
    let inspection = Arc::clone(&desk.inspection);
    // A long text takes milliseconds, which the threads that serve have not to give.
    let report = tokio::task::spawn_blocking(move || inspection(&body_of, &post)).await;
    let report = report.map_err(|error| Ended::from(Unavailable(error.to_string())))?;
    Ok(shown(&answer(&id, &report)))
}
