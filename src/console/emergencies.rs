//! Declarations and after-reports.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::json;

use super::Desk;
use super::answer::{Ended, act, bad_request, body, look, not_found};
use super::caller::Acting;
use super::status::listed;
use super::tickets::{Of, text};
use crate::domain::decision::Refusal;
use crate::domain::emergency::{AfterReportId, EmergencyId};
use crate::emergency::{Request, declaration, describe};
use crate::ledger::Act;

/// What is reported afterwards.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Report {
    text: String,
}

/// `GET emergencies`.
pub(super) async fn list(
    State(desk): State<Arc<Desk>>,
    Acting(person): Acting,
    of: Result<Query<Of>, QueryRejection>,
) -> Result<Response, Ended> {
    of.map_err(|_| bad_request("an unknown or repeated query key"))?.check(&person)?;
    let now = desk.clock.now();
    let found = look(move || desk.emergencies.emergencies(&person.organisation)).await?;
    let shown = found.iter().map(|emergency| {
        let mut value = json!(emergency);
        if let Some(members) = value.as_object_mut() {
            members.insert("open".to_owned(), json!(emergency.is_open(now)));
            members.insert("summary".to_owned(), json!(describe(emergency)));
        }
        value
    });
    Ok(listed("emergencies", shown.collect()))
}

/// `POST emergencies`.
pub(super) async fn declare(
    State(desk): State<Arc<Desk>>,
    Acting(person): Acting,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Ended> {
    let request: Request = body(&headers, &bytes)?;
    let now = desk.clock.now();
    let id = EmergencyId::new(desk.chance.id(now));
    let emergency = declaration(request, &person, id, &desk.emergency, &*desk.registry, now)?;
    let mut value = json!(emergency);
    if let Some(members) = value.as_object_mut() {
        members.insert("summary".to_owned(), json!(describe(&emergency)));
    }
    act(&desk, person.id.clone(), Act::Declare(emergency), StatusCode::CREATED, value).await
}

/// `POST emergencies/{id}/end`.
pub(super) async fn end(
    State(desk): State<Arc<Desk>>,
    Acting(person): Acting,
    Path(id): Path<String>,
) -> Result<Response, Ended> {
    let (lookup, organisation) = (Arc::clone(&desk), person.organisation.clone());
    let found = look(move || lookup.emergencies.emergencies(&organisation)).await?;
    let emergency = found.into_iter().find(|it| it.id.as_str() == id).ok_or_else(not_found)?;
    if !person.may_declare && emergency.declared_by != person.id {
        return Err(Refusal::refused(
            "end-not-allowed",
            "この宣言を終了する権限がありません。",
            "The person may not end this declaration.",
            "宣言した職員、または宣言の権限を持つ職員にご連絡ください。",
        )
        .into());
    }
    let value = json!({ "id": emergency.id, "ended": true });
    act(&desk, person.id.clone(), Act::EndEmergency(emergency.id), StatusCode::OK, value).await
}

/// `GET after-reports`.
pub(super) async fn after_reports(
    State(desk): State<Arc<Desk>>,
    Acting(person): Acting,
    of: Result<Query<Of>, QueryRejection>,
) -> Result<Response, Ended> {
    of.map_err(|_| bad_request("an unknown or repeated query key"))?.check(&person)?;
    let now = desk.clock.now();
    let found = look(move || desk.emergencies.after_reports(&person.organisation)).await?;
    let shown = found.iter().map(|report| {
        let mut value = json!(report);
        if let Some(members) = value.as_object_mut() {
            members.insert("overdue".to_owned(), json!(report.reported.is_none() && report.due <= now));
        }
        value
    });
    Ok(listed("after_reports", shown.collect()))
}

/// `POST after-reports/{id}/report`.
pub(super) async fn report(
    State(desk): State<Arc<Desk>>,
    Acting(person): Acting,
    Path(id): Path<String>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Ended> {
    let report: Report = body(&headers, &bytes)?;
    let text = text(&report.text)?;
    let (lookup, organisation) = (Arc::clone(&desk), person.organisation.clone());
    let found = look(move || lookup.emergencies.after_reports(&organisation)).await?;
    let id: AfterReportId = found.into_iter().find(|it| it.id.as_str() == id).ok_or_else(not_found)?.id;
    let value = json!({ "id": id, "reported": true });
    act(&desk, person.id.clone(), Act::Report { id, text }, StatusCode::OK, value).await
}
