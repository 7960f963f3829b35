//! The register of what is closed until a minute.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Desk;
use super::answer::{Ended, act, body, look};
use super::caller::Acting;
use super::status::listed;
use super::tickets::text;
use crate::domain::clock::for_people;
use crate::domain::embargo::{Closed, Embargo, EmbargoId};
use crate::domain::media::Sha256;
use crate::ledger::Act;

/// A new entry.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    kind: Closed,
    #[serde(default)]
    words: Vec<String>,
    #[serde(default)]
    documents: Vec<Sha256>,
    #[serde(default)]
    from: Option<Timestamp>,
    until: Timestamp,
    #[serde(default)]
    public_comment: Option<String>,
    reason: String,
}

/// Why it is lifted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Why {
    reason: String,
}

fn shown(entry: &Embargo, now: Timestamp) -> Value {
    let mut value = json!(entry);
    if let Some(members) = value.as_object_mut() {
        members.insert("holds".to_owned(), json!(entry.holds(now)));
        members.insert("until_in_japan".to_owned(), json!(for_people(entry.until)));
    }
    value
}

/// `GET embargoes`: the register of the person's body.
pub(super) async fn list(State(desk): State<Arc<Desk>>, Acting(person): Acting) -> Result<Response, Ended> {
    let now = desk.clock.now();
    let found = look(move || desk.embargoes.embargoes(&person.organisation)).await?;
    Ok(listed("embargoes", found.iter().map(|entry| shown(entry, now)).collect()))
}

/// `POST embargoes`.
pub(super) async fn add(
    State(desk): State<Arc<Desk>>,
    Acting(person): Acting,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Ended> {
    let new: New = body(&headers, &bytes)?;
    let now = desk.clock.now();
    let entry = Embargo {
        id: EmbargoId::new(desk.chance.id(now)),
        organisation: person.organisation.clone(),
        kind: new.kind,
        words: new.words.iter().map(|word| word.trim().to_owned()).collect(),
        documents: new.documents,
        from: new.from.unwrap_or(now),
        until: new.until,
        public_comment: new.public_comment,
        reason: text(&new.reason)?,
        by: person.id.clone(),
        lifted: None,
    };
    let value = shown(&entry, now);
    act(&desk, person.id.clone(), Act::Embargo(Box::new(entry)), StatusCode::CREATED, value).await
}

/// `POST embargoes/{id}/lift`.
pub(super) async fn lift(
    State(desk): State<Arc<Desk>>,
    Acting(person): Acting,
    Path(id): Path<String>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Ended> {
    let why: Why = body(&headers, &bytes)?;
    let reason = text(&why.reason)?;
    let value = json!({ "id": id, "lifted": true });
    let done = Act::LiftEmbargo { id: EmbargoId::new(id), reason };
    act(&desk, person.id.clone(), done, StatusCode::OK, value).await
}
