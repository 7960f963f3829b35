//! The registry of accounts: for the body's own people, and the list for the public.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde_json::json;

use super::Desk;
use super::caller::Acting;
use super::status::listed;
use crate::domain::account::AccountState;

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
