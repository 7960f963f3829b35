//! The registry of accounts: for the body's own people, and the list for the public.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::json;

use super::Desk;
use super::answer::{Ended, act, body, not_found};
use super::caller::Acting;
use super::status::listed;
use super::tickets::text;
use crate::domain::account::{AccountId, AccountState};
use crate::domain::person::Person;
use crate::ledger::Act;

/// Why an account is stopped or put into use again.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Why {
    reason: String,
}

/// `GET accounts`: the person's own body's accounts. Credential fingerprints are counted, not shown.
pub(super) async fn list(State(desk): State<Arc<Desk>>, Acting(person): Acting) -> Response {
    let accounts = desk.registry.accounts();
    let own = accounts.iter().filter(|account| account.organisation == person.organisation);
    let shown = own.map(|account| {
        json!({
            "id": account.id,
            "organisation": account.organisation,
            "provider": account.provider,
            "handle": account.handle,
            "kind": account.kind,
            "state": account.state,
            "manager": account.manager,
            "operators": account.operators,
            "operating_policy": account.operating_policy,
            "credential_fingerprints": account.credential_fingerprints.len(),
        })
    });
    listed("accounts", shown.collect())
}

/// `GET accounts.json`: the official accounts, so that anybody can tell them from imitations. Accounts that are not
/// yet in use are not shown.
pub(super) async fn public(State(desk): State<Arc<Desk>>) -> Response {
    let accounts = desk.registry.accounts();
    let official = accounts.iter().filter(|account| account.state != AccountState::Applied);
    let shown = official.map(|account| {
        json!({
            "organisation": account.organisation,
            "provider": account.provider,
            "handle": account.handle,
            "kind": account.kind,
            "state": account.state,
        })
    });
    listed("accounts", shown.collect())
}

/// `POST accounts/{name}/lock`: the account's next post is refused, on open connections too and in an emergency.
pub(super) async fn lock(
    State(desk): State<Arc<Desk>>,
    Acting(person): Acting,
    Path(name): Path<String>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Ended> {
    let why: Why = body(&headers, &bytes)?;
    let reason = text(&why.reason)?;
    let account = own(&desk, &person, &name)?;
    let value = json!({ "id": account, "state": AccountState::Suspended });
    act(&desk, person.id.clone(), Act::LockAccount { account, reason }, StatusCode::OK, value).await
}

/// `POST accounts/{name}/unlock`: by the account's manager.
pub(super) async fn unlock(
    State(desk): State<Arc<Desk>>,
    Acting(person): Acting,
    Path(name): Path<String>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Ended> {
    let why: Why = body(&headers, &bytes)?;
    let reason = text(&why.reason)?;
    let account = own(&desk, &person, &name)?;
    let value = json!({ "id": account, "state": AccountState::Active });
    act(&desk, person.id.clone(), Act::UnlockAccount { account, reason }, StatusCode::OK, value).await
}

/// The account of that name, if it is the person's own body's; another body's looks like none.
pub(super) fn own(desk: &Desk, person: &Person, name: &str) -> Result<AccountId, Ended> {
    let account = desk.registry.account(&AccountId::new(name)).ok_or_else(not_found)?;
    if account.organisation != person.organisation {
        return Err(not_found());
    }
    Ok(account.id.clone())
}
