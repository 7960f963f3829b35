//! `POST media/strip`: a copy of a picture without what it tells of place and people. Nothing is recorded or kept.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;

use super::Desk;
use super::answer::{Ended, written};
use super::caller::Asking;
use crate::domain::decision::Refusal;
use crate::domain::ports::Unavailable;

/// The longest medium that is taken here, in bytes; longer ones are for the command line.
pub(super) const LONGEST: usize = 24 * 1024 * 1024;

/// The bytes of a picture or a short film in, those of the copy out.
pub(super) async fn strip(State(desk): State<Arc<Desk>>, _: Asking, bytes: Bytes) -> Result<Response, Ended> {
    let strip = Arc::clone(&desk.strip);
    let stripped = tokio::task::spawn_blocking(move || strip(&bytes)).await;
    match stripped.map_err(|error| Ended::from(Unavailable(error.to_string())))? {
        Ok(copy) => Ok(written(StatusCode::OK, "application/octet-stream", copy)),
        Err(sentence) => Err(Refusal::refused(
            "not-stripped",
            sentence,
            "There is no copy without metadata.",
            "画像・動画の編集ソフトで、位置情報や名前を含めずに書き出し直してください。",
        )
        .status(422)
        .into()),
    }
}
