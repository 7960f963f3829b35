//! What was posted by hand, for providers without an API: afterwards, where the public reads it.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Desk;
use super::answer::{Ended, act, bad_request, body, look, not_found};
use super::caller::Acting;
use crate::domain::account::AccountId;
use crate::ledger::Act;

/// Characters of a link.
const LONGEST: usize = 2048;

/// The route of every definition whose posts are made by hand.
const ROUTE: &str = "by-hand";

/// Where it stands.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Published {
    link: String,
}

/// `POST by-hand/{entry}`: the link of what was posted under the permission at that index. A link that was wrong is put
/// right by recording again; both stay in the log.
pub(super) async fn record(
    State(desk): State<Arc<Desk>>,
    Acting(person): Acting,
    Path(entry): Path<String>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Ended> {
    let Published { link } = body(&headers, &bytes)?;
    let plain = link.starts_with("https://") && link.len() <= LONGEST && link.chars().all(|c| c.is_ascii_graphic());
    if !plain {
        return Err(bad_request("the link is no https address"));
    }
    let of: u64 = entry.parse().map_err(|_| not_found())?;
    let (lookup, organisation) = (Arc::clone(&desk), person.organisation.clone());
    let found = look(move || lookup.log.read(&organisation, of, 1)).await?;
    let found = found.into_iter().find(|(index, _)| *index == of).ok_or_else(not_found)?;
    let permit: Value = serde_json::from_slice(&found.1).map_err(|_| not_found())?;
    let text = |name: &str| permit.get(name).and_then(Value::as_str).unwrap_or_default();
    if text("kind") != "permit" || text("route") != ROUTE {
        return Err(not_found());
    }
    let account = AccountId::new(text("account"));
    let value = json!({ "of": of, "account": account, "link": link });
    act(&desk, person.id.clone(), Act::RecordByHand { of, account, link }, StatusCode::CREATED, value).await
}
