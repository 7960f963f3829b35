//! The registry of the caller's own body: what it says, what it said, and changes of it, each a form of the guideline.
//! Who may change what is not decided here but in `registry`, by the ledger.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Desk;
use super::accounts::own;
use super::answer::{Ended, act, body, look, not_found, shown};
use super::caller::Acting;
use super::status::listed;
use crate::domain::clock::in_japan;
use crate::domain::person::Person;
use crate::domain::registry::{Asked, Book, Standing, fiscal_year};
use crate::ledger::Act;
use crate::registry::transfer;

/// Which records are asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    id: Option<String>,
}

/// A list of personnel changes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    /// The list: `person,name,from,to,date`, with that first line.
    csv: String,
}

fn book(desk: &Desk, person: &Person) -> Result<Arc<Book>, Ended> {
    desk.registry.book(&person.organisation).ok_or_else(not_found)
}

/// `GET registry`: the registry at a glance, with what wants attention.
pub(super) async fn overview(State(desk): State<Arc<Desk>>, Acting(person): Acting) -> Result<Response, Ended> {
    let (book, now) = (book(&desk, &person)?, desk.clock.now());
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for item in book.items() {
        *counts.entry(item.kind()).or_default() += 1;
    }
    let standings = book.accounts.keys().filter_map(|id| book.standing(id, now));
    let attention: Vec<Value> = standings.flat_map(|standing| wants(&standing)).collect();
    Ok(shown(&json!({
        "organisation": person.organisation,
        "revision": book.revision,
        "charter": book.charter,
        "today": in_japan(now).date(),
        "fiscal_year": fiscal_year(now),
        "records": counts,
        "attention": attention,
    })))
}

/// What of an account wants attention, by stable code and clause.
fn wants(standing: &Standing) -> Vec<Value> {
    use crate::domain::account::AccountState::{Active, Suspended};
    if !matches!(standing.state, Active | Suspended) {
        return Vec::new();
    }
    let stale = standing.policy.as_ref().is_some_and(|policy| policy.stale_since.is_some());
    let found = [
        (standing.manager.is_vacant(), "manager-vacant", "アカウント管理者の職が空席です。"),
        (standing.operators.is_empty(), "no-operator", "SNS運用責任者がいません。"),
        (standing.policy.is_none(), "no-operating-policy", "運用ポリシーがありません。"),
        (stale, "policy-stale", "標準的運用ポリシーが改定されています。運用ポリシーを確認してください。"),
        (!standing.provider.is_recognised(), "provider-not-recognised", "このSNSは承認されていません。"),
        (standing.provider.review_overdue, "provider-review-overdue", "このSNSの見直しの期日を過ぎています。"),
    ];
    let told = found.into_iter().filter(|(holds, _, _)| *holds);
    told.map(|(_, code, sentence)| json!({ "account": standing.account, "code": code, "sentence": sentence })).collect()
}

/// `GET registry/records?kind=&id=`: records, of one kind or one of them.
pub(super) async fn records(
    State(desk): State<Arc<Desk>>,
    Acting(person): Acting,
    Query(which): Query<Which>,
) -> Result<Response, Ended> {
    let book = book(&desk, &person)?;
    let wanted = |kind: &str, id: &str| {
        which.kind.as_deref().is_none_or(|it| it == kind) && which.id.as_deref().is_none_or(|it| it == id)
    };
    let items = book.items().into_iter().filter(|item| wanted(item.kind(), &item.id()));
    let found: Vec<Value> = items.filter_map(|item| with_id(&item)).collect();
    if found.is_empty() && which.id.is_some() {
        return Err(not_found());
    }
    Ok(listed("records", found))
}

fn with_id(item: &crate::domain::registry::Item) -> Option<Value> {
    let mut value = serde_json::to_value(item).ok()?;
    value.as_object_mut()?.insert("id".to_owned(), json!(item.id()));
    Some(value)
}

/// `GET registry/history?kind=&id=`: what each change set, newest first.
pub(super) async fn history(
    State(desk): State<Arc<Desk>>,
    Acting(person): Acting,
    Query(which): Query<Which>,
) -> Result<Response, Ended> {
    let (past, organisation) = (Arc::clone(&desk.past), person.organisation.clone());
    let rows = look(move || {
        let of = which.kind.as_deref().zip(which.id.as_deref());
        past.past(&organisation, of)
    })
    .await?;
    Ok(listed("changes", rows.iter().filter_map(|row| serde_json::to_value(row).ok()).collect()))
}

/// `GET registry/standing/{id}`: how an account stands now, as the gate reads it.
pub(super) async fn standing(
    State(desk): State<Arc<Desk>>,
    Acting(person): Acting,
    Path(name): Path<String>,
) -> Result<Response, Ended> {
    let account = own(&desk, &person, &name)?;
    let now = desk.clock.now();
    let standing = desk.registry.standing(&account, now).ok_or_else(not_found)?;
    let rotate_by = desk.custody.about(&account).map(|held| held.rotate_by);
    let records = |one: &dyn Fn() -> Result<Value, serde_json::Error>| one().unwrap_or_default();
    let policy = standing.policy.as_ref().map(|it| {
        json!({
            "version": it.version, "base": it.base, "stale_since": it.stale_since, "categories": it.categories,
            "delegable": it.delegable, "after_report_hours": it.after_report_hours, "self_approval": it.self_approval,
        })
    });
    let manager = &standing.manager;
    Ok(shown(&json!({
        "account": standing.account,
        "organisation": standing.organisation,
        "at": now,
        "revision": standing.revision,
        "state": standing.state,
        "kind": standing.kind,
        "section": standing.section,
        "topics": standing.topics,
        "closed_audience": standing.closed_audience,
        "manager": {
            "position": manager.position, "section": manager.section, "holder": manager.holder,
            "vacant": manager.is_vacant(), "deputies": manager.deputies,
        },
        "operators": standing.operators,
        "delegations": records(&|| standing.delegations.iter().map(|it| serde_json::to_value(&**it)).collect()),
        "grants": records(&|| standing.grants.iter().map(|it| serde_json::to_value(&**it)).collect()),
        "policy": policy,
        "provider": {
            "id": standing.provider.provider, "state": standing.provider.state,
            "recognised": standing.provider.is_recognised(), "conditions": standing.provider.conditions,
            "standard_policy": standing.provider.standard_policy, "review_overdue": standing.provider.review_overdue,
        },
        "sources": records(&|| standing.sources.iter().map(|it| serde_json::to_value(&**it)).collect()),
        "contractors": records(&|| standing.contractors.iter().map(|it| serde_json::to_value(&**it)).collect()),
        "contractors_out": standing.contractors_out,
        "issuers": records(&|| standing.issuers.iter().map(|it| serde_json::to_value(&**it)).collect()),
        "credential_rotate_by": rotate_by,
        "attention": wants(&standing),
    })))
}

/// `POST registry/changes`: one change, as a form: `{"change": "open-account", ...}`.
pub(super) async fn change(
    State(desk): State<Arc<Desk>>,
    Acting(person): Acting,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Ended> {
    let asked: Asked = body(&headers, &bytes)?;
    let value = json!({ "change": asked.name() });
    act(&desk, person.id.clone(), Act::Registry(Box::new(asked)), StatusCode::OK, value).await
}

/// `POST registry/transfers`: personnel changes from a list, all or none. Everything that is wrong is told by its line,
/// what cannot be read and what cannot be alike.
pub(super) async fn transfers(
    State(desk): State<Arc<Desk>>,
    Acting(person): Acting,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Ended> {
    let List { csv } = body(&headers, &bytes)?;
    let (moves, mut problems) = transfer::read(&csv);
    if !problems.is_empty() {
        problems.extend(transfer::problems(&*book(&desk, &person)?, &moves));
        return Err(transfer::unreadable(problems).into());
    }
    let value = json!({ "moves": moves.len() });
    act(&desk, person.id.clone(), Act::Registry(Box::new(Asked::Transfer { moves })), StatusCode::OK, value).await
}
