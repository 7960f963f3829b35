//! Held posts: what waits, and what a person decides of it.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Desk;
use super::answer::{Ended, act, bad_request, body, look, not_found, shown};
use super::caller::Acting;
use super::links;
use super::status::listed;
use crate::domain::approval::{ApprovalId, Ticket, TicketId};
use crate::domain::finding::Finding;
use crate::domain::person::Person;
use crate::domain::remarks::Remarks;
use crate::ledger::Act;
use crate::ledger::entry::Payload;

/// `?organisation=`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Of {
    pub(super) organisation: Option<String>,
}

impl Of {
    /// Another body's list looks like no list at all.
    pub(super) fn check(&self, person: &Person) -> Result<(), Ended> {
        match &self.organisation {
            Some(name) if name != person.organisation.as_str() => Err(not_found()),
            Some(_) | None => Ok(()),
        }
    }
}

/// How an approval of a ticket may be used.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Approve {
    #[serde(default = "ten_minutes")]
    expires_in_s: u64,
    #[serde(default = "once")]
    max_uses: u32,
    #[serde(default)]
    remarks: Remarks,
}

pub(super) fn ten_minutes() -> u64 {
    600
}

pub(super) fn once() -> u32 {
    1
}

/// Why a post is sent back or rejected.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Why {
    reason: String,
}

/// `GET tickets`.
pub(super) async fn list(
    State(desk): State<Arc<Desk>>,
    Acting(person): Acting,
    of: Result<Query<Of>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, Ended> {
    of.map_err(|_| bad_request("an unknown or repeated query key"))?.check(&person)?;
    let tickets = look(move || desk.approvals.tickets(&person.organisation)).await?;
    Ok(listed("tickets", tickets.iter().map(ticket_json).collect()))
}

/// A ticket with its digest in the form in which approvals name it.
fn ticket_json(ticket: &Ticket) -> Value {
    let mut value = json!(ticket);
    if let Some(members) = value.as_object_mut() {
        members.insert("digest".to_owned(), json!(ticket.digest.to_string()));
    }
    value
}

/// `GET tickets/{id}`: the ticket, under `post` the post exactly as it would be published, and under `links` where its
/// links lead.
pub(super) async fn one(
    State(desk): State<Arc<Desk>>,
    Acting(person): Acting,
    Path(id): Path<String>,
) -> Result<Response, Ended> {
    let ticket = own(&desk, &person, id).await?;
    let (lookup, id) = (Arc::clone(&desk), ticket.id.clone());
    let payload = look(move || lookup.held.held(&id)).await?.ok_or_else(unreadable)?;
    let links = links::of_ticket(&desk, &ticket, &payload, &person.id).await;
    let mut value = ticket_json(&ticket);
    if let Some(members) = value.as_object_mut() {
        members.insert("post".to_owned(), post_json(payload).ok_or_else(unreadable)?);
        members.insert("links".to_owned(), links);
    }
    Ok(shown(&value))
}

/// Findings by their fingerprints, and why they are accepted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AcceptThese {
    findings: Vec<String>,
    reason: String,
}

/// The post as its approver reads it: every string with its place, the hash of every medium, what the inspector saw
/// and the reason that was given; and under `form` the whole normal form that the digest covers.
fn post_json(payload: Payload) -> Option<Value> {
    let form: Value = serde_json::from_str(&payload.post?).ok()?;
    let mut texts = Vec::new();
    for field in form.get("fields").and_then(Value::as_array).into_iter().flatten() {
        let at = field.get("at").and_then(Value::as_str).unwrap_or_default();
        strings(at, field.get("value").unwrap_or(&Value::Null), &mut texts);
    }
    Some(json!({
        "texts": texts,
        "media": form.get("media"),
        "findings": payload.findings.iter().map(finding_json).collect::<Vec<_>>(),
        "reason": payload.reason,
        "form": form,
    }))
}

/// A finding with the fingerprint by which it is accepted.
fn finding_json(finding: &Finding) -> Value {
    let mut value = json!(finding);
    if let Some(members) = value.as_object_mut() {
        members.insert("fingerprint".to_owned(), json!(finding.fingerprint()));
    }
    value
}

/// `POST tickets/{id}/accept`: findings that are for a person to look at are accepted, with a reason. Who may, the store
/// decides by the role that each rule names.
pub(super) async fn accept(
    State(desk): State<Arc<Desk>>,
    Acting(person): Acting,
    Path(id): Path<String>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Ended> {
    let asked: AcceptThese = body(&headers, &bytes)?;
    let reason = text(&asked.reason)?;
    let ticket = own(&desk, &person, id).await?.id;
    let value = json!({ "ticket": ticket, "accepted": asked.findings });
    let done = Act::AcceptFindings { ticket, findings: asked.findings, reason };
    act(&desk, person.id.clone(), done, StatusCode::OK, value).await
}

/// Every string below `value`, with its JSON Pointer.
fn strings(at: &str, value: &Value, found: &mut Vec<Value>) {
    match value {
        Value::String(text) => found.push(json!({ "at": at, "text": text })),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, item)| strings(&format!("{at}/{i}"), item, found));
        }
        Value::Object(members) => {
            members.iter().for_each(|(key, item)| strings(&format!("{at}/{key}"), item, found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A held post that nobody can see any more.
pub(super) fn unreadable() -> Ended {
    Ended::from(crate::ledger::refusals::of_code("post-unreadable").status(409))
}

/// The ticket, if it is of the person's own body.
pub(super) async fn own(desk: &Arc<Desk>, person: &Person, id: String) -> Result<Ticket, Ended> {
    let desk = Arc::clone(desk);
    let ticket = look(move || desk.approvals.ticket(&TicketId::new(id))).await?;
    ticket.filter(|ticket| ticket.organisation == person.organisation).ok_or_else(not_found)
}

/// `POST tickets/{id}/approve`. Who may approve is decided in the store.
pub(super) async fn approve(
    State(desk): State<Arc<Desk>>,
    Acting(person): Acting,
    Path(id): Path<String>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Ended> {
    let asked: Approve = body(&headers, &bytes)?;
    let ticket = own(&desk, &person, id).await?;
    let now = desk.clock.now();
    let expires = expiry(&desk, now, asked.expires_in_s, asked.max_uses)?;
    let approval = ApprovalId::new(desk.chance.id(now));
    let value = json!({ "ticket": ticket.id, "approval": approval, "expires": expires, "max_uses": asked.max_uses });
    let links = desk.kept_links.seen_by(&desk, &ticket.id, &person.id);
    let (max_uses, remarks) = (asked.max_uses, asked.remarks);
    let done = Act::ApproveTicket { ticket: ticket.id, approval, expires, max_uses, remarks, links };
    act(&desk, person.id.clone(), done, StatusCode::OK, value).await
}

/// The end of an approval's window, within what the configuration allows.
pub(super) fn expiry(
    desk: &Desk,
    now: jiff::Timestamp,
    expires_in_s: u64,
    max_uses: u32,
) -> Result<jiff::Timestamp, Ended> {
    if expires_in_s == 0 || expires_in_s > desk.approval_max_life_s || max_uses == 0 {
        let most = desk.approval_max_life_s;
        return Err(bad_request(&format!("expires_in_s is 1 to {most} and max_uses at least 1")));
    }
    now.checked_add(Duration::from_secs(expires_in_s)).map_err(|_| bad_request("expires_in_s is too large"))
}

/// `POST tickets/{id}/return` (差戻し).
pub(super) async fn send_back(
    State(desk): State<Arc<Desk>>,
    Acting(person): Acting,
    Path(id): Path<String>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Ended> {
    let (ticket, reason) = decided(&desk, &person, id, &headers, &bytes).await?;
    let value = json!({ "ticket": ticket, "state": "returned" });
    act(&desk, person.id.clone(), Act::ReturnTicket { ticket, reason }, StatusCode::OK, value).await
}

/// `POST tickets/{id}/reject` (却下).
pub(super) async fn reject(
    State(desk): State<Arc<Desk>>,
    Acting(person): Acting,
    Path(id): Path<String>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Ended> {
    let (ticket, reason) = decided(&desk, &person, id, &headers, &bytes).await?;
    let value = json!({ "ticket": ticket, "state": "rejected" });
    act(&desk, person.id.clone(), Act::RejectTicket { ticket, reason }, StatusCode::OK, value).await
}

async fn decided(
    desk: &Arc<Desk>,
    person: &Person,
    id: String,
    headers: &HeaderMap,
    bytes: &Bytes,
) -> Result<(TicketId, String), Ended> {
    let why: Why = body(headers, bytes)?;
    let reason = text(&why.reason)?;
    Ok((own(desk, person, id).await?.id, reason))
}

/// A reason or report that a person wrote: not empty, at most 4,000 characters.
pub(super) fn text(text: &str) -> Result<String, Ended> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > 4000 {
        return Err(bad_request("the text is empty or longer than 4000 characters"));
    }
    Ok(text.to_owned())
}
