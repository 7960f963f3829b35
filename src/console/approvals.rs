//! Approvals that a person gives by digest, deposits as a signed statement, looks up or takes back.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Desk;
use super::answer::{Ended, act, bad_request, body, look, not_found, shown};
use super::caller::Acting;
use super::tickets::{expiry, once, ten_minutes};
use crate::domain::account::AccountId;
use crate::domain::action::Action;
use crate::domain::approval::{Approval, ApprovalId, KnownApproval};
use crate::domain::digest::Digest;
use crate::domain::person::Person;
use crate::domain::remarks::Remarks;
use crate::ledger::Act;

/// An approval by the person who calls.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    account: AccountId,
    actions: Vec<Action>,
    digest: String,
    #[serde(default = "ten_minutes")]
    expires_in_s: u64,
    #[serde(default = "once")]
    max_uses: u32,
    #[serde(default)]
    category: Option<String>,
    #[serde(default)]
    reference: Option<String>,
    #[serde(default)]
    remarks: Remarks,
}

/// A signed statement.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Signed {
    jws: String,
}

/// What a usable approval must cover.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sought {
    account: AccountId,
    action: Action,
    digest: String,
}

/// `POST approvals`: `{account, actions, digest, ...}` by the person, or `{"jws": "..."}`.
pub(super) async fn deposit(
    State(desk): State<Arc<Desk>>,
    Acting(person): Acting,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Ended> {
    let approval = match body::<Signed>(&headers, &bytes) {
        Ok(signed) => stated(&desk, &signed.jws)?,
        Err(_) => given(&desk, &person, body(&headers, &bytes)?)?,
    };
    own_account(&desk, &person, &approval.account)?;
    let value = approval_json(&KnownApproval { approval: approval.clone(), uses: 0, revoked: false });
    act(&desk, person.id.clone(), Act::Deposit(approval), StatusCode::CREATED, value).await
}

fn stated(desk: &Desk, jws: &str) -> Result<Approval, Ended> {
    let claims = desk.issuers.verify(jws)?;
    let approval = claims.approval().ok_or_else(|| bad_request("the statement states no approval"))?;
    if approval.expires <= desk.clock.now() {
        return Err(bad_request("the approval has expired"));
    }
    Ok(approval)
}

fn given(desk: &Desk, person: &Person, given: Given) -> Result<Approval, Ended> {
    let now = desk.clock.now();
    let digest = Digest::parse(&given.digest).ok_or_else(|| bad_request("the digest is not sha256:<64 hex digits>"))?;
    if given.actions.is_empty() {
        return Err(bad_request("actions is empty"));
    }
    Ok(Approval {
        id: ApprovalId::new(desk.chance.id(now)),
        account: given.account,
        actions: given.actions,
        digest,
        not_before: now,
        expires: expiry(desk, now, given.expires_in_s, given.max_uses)?,
        max_uses: given.max_uses,
        approver: person.id.clone(),
        issuer: desk.issuers.name().to_owned(),
        category: given.category,
        reference: given.reference,
        remarks: given.remarks,
    })
}

/// Another body's account looks like none.
fn own_account(desk: &Desk, person: &Person, account: &AccountId) -> Result<(), Ended> {
    match desk.registry.account(account) {
        Some(account) if account.organisation == person.organisation => Ok(()),
        Some(_) | None => Err(not_found()),
    }
}

/// `GET approvals?account=&action=&digest=`: the approval that a post would use now.
pub(super) async fn usable(
    State(desk): State<Arc<Desk>>,
    Acting(person): Acting,
    sought: Result<Query<Sought>, QueryRejection>,
) -> Result<Response, Ended> {
    let Query(sought) = sought.map_err(|_| bad_request("account, action and digest are asked for, each once"))?;
    own_account(&desk, &person, &sought.account)?;
    let digest =
        Digest::parse(&sought.digest).ok_or_else(|| bad_request("the digest is not sha256:<64 hex digits>"))?;
    let now = desk.clock.now();
    let found = look(move || desk.approvals.usable(&sought.account, sought.action, &digest, now, None)).await?;
    let approvals: Vec<Value> = found.iter().map(approval_json).collect();
    Ok(super::status::listed("approvals", approvals))
}

/// `GET approvals/{id}`.
pub(super) async fn one(
    State(desk): State<Arc<Desk>>,
    Acting(person): Acting,
    Path(id): Path<String>,
) -> Result<Response, Ended> {
    Ok(shown(&approval_json(&own(&desk, &person, id).await?)))
}

/// `POST approvals/{id}/revoke`.
pub(super) async fn revoke(
    State(desk): State<Arc<Desk>>,
    Acting(person): Acting,
    Path(id): Path<String>,
) -> Result<Response, Ended> {
    let id = own(&desk, &person, id).await?.approval.id;
    let value = json!({ "id": id, "revoked": true });
    act(&desk, person.id.clone(), Act::Revoke(id), StatusCode::OK, value).await
}

async fn own(desk: &Arc<Desk>, person: &Person, id: String) -> Result<KnownApproval, Ended> {
    let lookup = Arc::clone(desk);
    let known = look(move || lookup.approvals.approval(&ApprovalId::new(id))).await?.ok_or_else(not_found)?;
    own_account(desk, person, &known.approval.account)?;
    Ok(known)
}

fn approval_json(known: &KnownApproval) -> Value {
    let approval = &known.approval;
    json!({
        "id": approval.id,
        "account": approval.account,
        "actions": approval.actions,
        "digest": approval.digest.to_string(),
        "not_before": approval.not_before,
        "expires": approval.expires,
        "max_uses": approval.max_uses,
        "approver": approval.approver,
        "issuer": approval.issuer,
        "category": approval.category,
        "reference": approval.reference,
        "remarks": approval.remarks,
        "uses": known.uses,
        "revoked": known.revoked,
    })
}
