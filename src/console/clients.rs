//! Posting tools, registered in bulk: all of a list, or none of it. The gateway is told the hash of each key, never a key.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::json;

use super::Desk;
use super::answer::{Ended, act, bad_request, body};
use super::caller::Acting;
use crate::domain::account::AccountId;
use crate::domain::action::Action;
use crate::domain::clock::in_japan;
use crate::domain::decision::Refusal;
use crate::domain::person::{Client, ClientId, Person, PersonId};
use crate::ledger::Act;

/// Most tools of one list.
const MOST: usize = 1_000;
/// Most problems that are told at once.
const TOLD: usize = 20;

/// A list of posting tools.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    clients: Vec<New>,
}

/// One of them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    /// Where it stands in the list that a person wrote, for problems.
    line: u64,
    id: ClientId,
    owner: PersonId,
    key_sha256: String,
    accounts: Vec<AccountId>,
    actions: Vec<Action>,
    #[serde(default)]
    until: Option<Date>,
}

/// `POST clients`: registers them all, by the manager of every account that they may use (練馬 第7条), or none.
pub(super) async fn import(
    State(desk): State<Arc<Desk>>,
    Acting(person): Acting,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Ended> {
    let List { clients } = body(&headers, &bytes)?;
    if clients.is_empty() || clients.len() > MOST {
        return Err(bad_request("the list holds 1 to 1000 clients"));
    }
    let problems = problems(&desk, &person, &clients);
    if !problems.is_empty() {
        return Err(in_words(&problems).into());
    }
    let made = |new: New| Client {
        id: new.id,
        organisation: person.organisation.clone(),
        owner: new.owner,
        key_sha256: new.key_sha256,
        accounts: new.accounts,
        actions: new.actions,
        categories: Vec::new(),
        hours: None,
        until: new.until,
        sources: Vec::new(),
        cms: false,
    };
    let clients: Vec<Client> = clients.into_iter().map(made).collect();
    let value = json!({ "imported": clients.len() });
    act(&desk, person.id.clone(), Act::ImportClients(clients), StatusCode::CREATED, value).await
}

/// What is wrong, by line: in Japanese for the person at the list.
fn problems(desk: &Desk, person: &Person, clients: &[New]) -> Vec<(u64, String)> {
    let today = in_japan(desk.clock.now()).date();
    let (mut ids, mut keys) = (BTreeSet::new(), BTreeSet::new());
    let mut found = Vec::new();
    for new in clients {
        let mut wrong = |what: String| found.push((new.line, what));
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
        let id = new.id.as_str();
        if id.is_empty() || id.len() > 64 || !id.chars().all(plain) {
            wrong("id は a-z、0-9、「-」「_」「.」の64文字までです".to_owned());
        } else if desk.registry.client(&new.id).is_some() || !ids.insert(&new.id) {
            wrong(format!("id「{id}」はすでにあります"));
        }
        let hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        let hash = &new.key_sha256;
        let known = desk.registry.client_by_key(hash).is_some() || !keys.insert(hash);
        if hash.len() != 64 || !hash.chars().all(hex) || known {
            wrong("利用キーのハッシュが正しくないか、すでに使われています".to_owned());
        }
        let colleague = desk.registry.person(&new.owner).is_some_and(|it| it.organisation == person.organisation);
        if !colleague {
            wrong(format!("owner「{}」という職員は登録されていません", new.owner));
        }
        if new.accounts.is_empty() || new.actions.is_empty() {
            wrong("accounts と scopes は空にできません".to_owned());
        }
        for account in &new.accounts {
            match desk.registry.account(account).filter(|it| it.organisation == person.organisation) {
                None => wrong(format!("アカウント「{account}」は登録されていません")),
                Some(it) if !manages(desk, &it.id, person) => {
                    wrong(format!("アカウント「{account}」のアカウント管理者だけが登録できます"));
                }
                Some(_) => {}
            }
        }
        if new.until.is_some_and(|until| until < today) {
            wrong("until が過去の日付です".to_owned());
        }
    }
    found
}

/// Whether the person manages the account now, or decides in the manager's place.
fn manages(desk: &Desk, account: &AccountId, person: &Person) -> bool {
    match desk.registry.standing(account, desk.clock.now()) {
        Some(standing) => standing.manager.is(&person.id),
        None => desk.registry.account(account).is_some_and(|it| it.manager == person.id),
    }
}

fn in_words(problems: &[(u64, String)]) -> Refusal {
    let told: Vec<String> = problems.iter().take(TOLD).map(|(line, what)| format!("{line}行目: {what}")).collect();
    let more = if problems.len() > TOLD { format!("、ほか{}件", problems.len() - TOLD) } else { String::new() };
    Refusal::refused(
        "import-refused",
        format!("一覧に誤りがあるため、一件も登録していません。{}{more}。", told.join("、")),
        format!("{} problems; nothing was changed.", problems.len()),
        "示された行を直して、もう一度取り込んでください。",
    )
    .status(400)
}
