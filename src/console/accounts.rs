//! The registry of accounts: for the body's own people, and the list for the public.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::json;

use super::Desk;
use super::answer::{Ended, act, body, not_found};
use super::caller::Acting;
use super::status::listed;
use super::tickets::text;
use crate::domain::account::{AccountId, AccountState};
use crate::domain::clock::end_of_day_in_japan;
use crate::domain::credential::Unusable;
use crate::domain::decision::Refusal;
use crate::domain::person::Person;
use crate::ledger::Act;

/// Why an account is stopped or put into use again.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Why {
    reason: String,
    /// Whether the account's credential leaked.
    #[serde(default)]
    leak: bool,
}

/// A credential that is given into custody.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    /// A token, or an object with `kind`.
    secret: serde_json::Value,
    /// The last day on which it may be used unchanged, in Japan.
    #[serde(default)]
    rotate_by: Option<Date>,
    /// Whether it takes the place of one.
    #[serde(default)]
    rotate: bool,
}

/// `GET accounts`: the person's own body's accounts. Credential fingerprints are counted, not shown.
pub(super) async fn list(State(desk): State<Arc<Desk>>, Acting(person): Acting) -> Response {
    let accounts = desk.registry.accounts();
    let now = desk.clock.now();
    let own = accounts.iter().filter(|account| account.organisation == person.organisation);
    let shown = own.map(|account| {
        let standing = desk.registry.standing(&account.id, now);
        let manager = standing.as_ref().map_or(Some(&account.manager), |it| it.manager.holder.as_ref());
        json!({
            "id": account.id,
            "organisation": account.organisation,
            "provider": account.provider,
            "handle": account.handle,
            "kind": account.kind,
            "state": account.state,
            "manager": manager,
            "manager_position": standing.as_ref().and_then(|it| it.manager.position.as_ref()),
            "operators": standing.as_ref().map_or(&account.operators, |it| &it.operators),
            "operating_policy": account.operating_policy,
            "credential_fingerprints": account.credential_fingerprints.len(),
            "credential": credential_in_words(&desk, &account.id, now),
        })
    });
    listed("accounts", shown.collect())
}

/// What may be seen of a credential in custody: its kind and its dates. Null: none is held.
fn credential_in_words(desk: &Desk, account: &AccountId, now: Timestamp) -> serde_json::Value {
    let Some(held) = desk.custody.about(account) else { return serde_json::Value::Null };
    let warned = SignedDuration::from_hours(24 * i64::from(desk.warn_days));
    json!({
        "kind": held.kind,
        "standing": desk.custody.standing(account, now).as_str(),
        "changed": held.changed,
        "rotate_by": held.rotate_by,
        "due_soon": held.rotate_by.duration_since(now) <= warned,
    })
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
    act(&desk, person.id.clone(), Act::LockAccount { account, reason, leak: why.leak }, StatusCode::OK, value).await
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

/// `POST accounts/{name}/credential`: a provider credential is given into custody, or takes the place of one.
pub(super) async fn credential(
    State(desk): State<Arc<Desk>>,
    Acting(person): Acting,
    Path(name): Path<String>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Ended> {
    let given: Given = body(&headers, &bytes)?;
    let account = own(&desk, &person, &name)?;
    let secret = zeroize::Zeroizing::new(match given.secret {
        serde_json::Value::String(token) => token,
        other => other.to_string(),
    });
    let rotate_by = given.rotate_by.and_then(end_of_day_in_japan);
    let credential = desk.custody.take_in(&account, &secret, rotate_by).map_err(not_taken_in)?;
    let value = json!({ "id": account, "kind": credential.kind, "rotate_by": credential.rotate_by });
    let set = Act::SetCredential { credential: Box::new(credential), rotate: given.rotate };
    act(&desk, person.id.clone(), set, StatusCode::OK, value).await
}

/// `POST accounts/{name}/credential/lock`: it is shown to no provider any more; only a new one opens the account again.
pub(super) async fn lock_credential(
    State(desk): State<Arc<Desk>>,
    Acting(person): Acting,
    Path(name): Path<String>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Ended> {
    let why: Why = body(&headers, &bytes)?;
    let reason = text(&why.reason)?;
    let account = own(&desk, &person, &name)?;
    let value = json!({ "id": account, "locked": true });
    act(&desk, person.id.clone(), Act::LockCredential { account, reason }, StatusCode::OK, value).await
}

fn not_taken_in(Unusable(code): Unusable) -> Ended {
    let (sentence, english, way) = match code {
        "credential-same" => (
            "いま登録されているものと同じ認証情報です。変更になっていません。",
            "It is the credential that is held already.",
            "SNS側で新しいものを発行してから、登録してください。",
        ),
        "credential-rotation-past" => (
            "次の変更期限が過去の日付です。",
            "The rotation date is in the past.",
            "今日より後の日付を指定してください。",
        ),
        "credential-malformed" => (
            "認証情報の形式が正しくありません。",
            "It is neither a token nor a credential of a known kind.",
            "種類（kind）と項目の名前をご確認ください。",
        ),
        _ => (
            "認証情報を封じる鍵が使えないため、登録しませんでした。",
            "The key that seals credentials cannot be used; nothing was set.",
            "情報システム担当課にご連絡ください。",
        ),
    };
    Refusal::refused(code, sentence, english, way).status(400).into()
}
