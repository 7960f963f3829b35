//! Incidents: what is open, on which channels the wrong post still stands, and the steps of the offices. And the flood of
//! criticism, by account.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Desk;
use super::accounts::own;
use super::answer::{Ended, act, body, look, not_found, shown};
use super::caller::Acting;
use super::status::listed;
use super::tickets::text;
use crate::domain::clock::for_people;
use crate::domain::incident::{Channel, Incident, IncidentId, Step};
use crate::domain::person::Person;
use crate::ledger::Act;

/// What an office instructs.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Instruction {
    instruction: String,
    #[serde(default)]
    hold: bool,
}

/// How it ended.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Closing {
    reason: String,
    /// Leave the wrong post uncorrected where it still stands, for this reason.
    #[serde(default)]
    leave_uncorrected: bool,
}

/// A flood of criticism.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Flooded {
    until: Timestamp,
    reason: String,
}

/// Why it is over.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Why {
    reason: String,
}

fn incident_json(incident: &Incident) -> Value {
    let mut value = json!(incident);
    if let Some(members) = value.as_object_mut() {
        members.insert("holds".to_owned(), json!(incident.holds()));
        members.insert("opened_in_japan".to_owned(), json!(for_people(incident.opened)));
    }
    value
}

/// `GET incidents`: those of the person's body, newest first.
pub(super) async fn list(State(desk): State<Arc<Desk>>, Acting(person): Acting) -> Result<Response, Ended> {
    let found = look(move || desk.wrong_posts.incidents(&person.organisation)).await?;
    Ok(listed("incidents", found.iter().map(incident_json).collect()))
}

/// `GET incidents/{id}`: the incident, and under `channels` where the wrong post went and whether it was put right there;
/// `null` where the ledger cannot say.
pub(super) async fn one(
    State(desk): State<Arc<Desk>>,
    Acting(person): Acting,
    Path(id): Path<String>,
) -> Result<Response, Ended> {
    let (incident, channels) = found(&desk, &person, id).await?;
    let mut value = incident_json(&incident);
    if let Some(members) = value.as_object_mut() {
        let uncorrected = channels.as_ref().map(|all| all.iter().filter(|it| it.is_uncorrected()).count());
        members.insert("channels".to_owned(), json!(channels));
        members.insert("uncorrected".to_owned(), json!(uncorrected));
    }
    Ok(shown(&value))
}

/// An incident of the person's own body, with its channels. Another body's looks like none.
async fn found(desk: &Arc<Desk>, person: &Person, id: String) -> Result<(Incident, Option<Vec<Channel>>), Ended> {
    let (desk, body) = (Arc::clone(desk), person.organisation.clone());
    let found = look(move || {
        let incident = desk.wrong_posts.incident(&IncidentId::new(id))?.filter(|it| it.organisation == body);
        let Some(incident) = incident else { return Ok(None) };
        let channels = desk.wrong_posts.channels(&incident)?;
        Ok(Some((incident, channels)))
    });
    found.await?.ok_or_else(not_found)
}

/// `POST incidents/{id}/instruct`. Who may, is decided upon the body's book.
pub(super) async fn instruct(
    State(desk): State<Arc<Desk>>,
    Acting(person): Acting,
    Path(id): Path<String>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Ended> {
    let asked: Instruction = body(&headers, &bytes)?;
    let words = text(&asked.instruction)?;
    let (incident, _) = found(&desk, &person, id).await?;
    let value = json!({ "id": incident.id, "hold": asked.hold });
    let step = Step::Instruct { text: words, hold: asked.hold };
    act(&desk, person.id.clone(), Act::Incident { id: incident.id, step }, StatusCode::OK, value).await
}

/// `POST incidents/{id}/acknowledge`.
pub(super) async fn acknowledge(
    State(desk): State<Arc<Desk>>,
    Acting(person): Acting,
    Path(id): Path<String>,
) -> Result<Response, Ended> {
    let (incident, _) = found(&desk, &person, id).await?;
    let value = json!({ "id": incident.id, "acknowledged": true });
    let done = Act::Incident { id: incident.id, step: Step::Acknowledge };
    act(&desk, person.id.clone(), done, StatusCode::OK, value).await
}

/// `POST incidents/{id}/close`: refused while the wrong post stands uncorrected somewhere, unless that is left so.
pub(super) async fn close(
    State(desk): State<Arc<Desk>>,
    Acting(person): Acting,
    Path(id): Path<String>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Ended> {
    let asked: Closing = body(&headers, &bytes)?;
    let reason = text(&asked.reason)?;
    let (incident, channels) = found(&desk, &person, id).await?;
    let left = channels.iter().flatten().filter(|it| it.is_uncorrected()).map(|it| it.entry);
    let step = Step::Close { reason, uncorrected: left.collect(), leave: asked.leave_uncorrected };
    let value = json!({ "id": incident.id, "closed": true });
    act(&desk, person.id.clone(), Act::Incident { id: incident.id, step }, StatusCode::OK, value).await
}

/// `POST accounts/{name}/flame`: a flood of criticism (炎上), until a moment.
pub(super) async fn flame(
    State(desk): State<Arc<Desk>>,
    Acting(person): Acting,
    Path(name): Path<String>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Ended> {
    let asked: Flooded = body(&headers, &bytes)?;
    let (reason, until) = (text(&asked.reason)?, asked.until);
    let account = own(&desk, &person, &name)?;
    let value = json!({ "account": account, "until": until, "until_in_japan": for_people(until) });
    act(&desk, person.id.clone(), Act::DeclareFlame { account, until, reason }, StatusCode::OK, value).await
}

/// `POST accounts/{name}/flame/end`.
pub(super) async fn end_flame(
    State(desk): State<Arc<Desk>>,
    Acting(person): Acting,
    Path(name): Path<String>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Ended> {
    let why: Why = body(&headers, &bytes)?;
    let reason = text(&why.reason)?;
    let account = own(&desk, &person, &name)?;
    let value = json!({ "account": account, "flame": false });
    act(&desk, person.id.clone(), Act::EndFlame { account, reason }, StatusCode::OK, value).await
}
