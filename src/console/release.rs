//! `POST tickets/{id}/release`: the gateway sends what it kept of an approved ticket.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use bytes::Bytes;
use http::HeaderMap;
use serde::Deserialize;
use serde_json::json;

use super::Desk;
use super::answer::{Ended, body, recorded, shown};
use super::caller::Acting;
use crate::ledger::Act;

/// Nothing is said with it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// Who may is decided in the store, and recorded, before anything is sent.
pub(super) async fn release(
    State(desk): State<Arc<Desk>>,
    Acting(person): Acting,
    Path(id): Path<String>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Ended> {
    let Nothing {} = body(&headers, &bytes)?;
    let ticket = super::tickets::own(&desk, &person, id).await?.id;
    let act = recorded(&desk, person.id.clone(), Act::ReleaseTicket(ticket.clone())).await?;
    let released = desk.releases.release(ticket.clone(), person.id.clone()).await?;
    Ok(shown(&json!({
        "ticket": ticket, "act": super::answer::entry_json(&act), "entry": released.entry, "status": released.status,
        "published_id": released.published_id,
    })))
}
