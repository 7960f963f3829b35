//! Changes of the registry: heard, then written with their entry in one transaction, upon the very book they were heard
//! against. A refused one has its entry, too, which names every clause it breaks.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::shared::Shared;
use super::{ActError, EntryRef, LedgerDown, entry, refusals};
use crate::domain::account::OrganisationId;
use crate::domain::decision::Refusal;
use crate::domain::person::PersonId;
use crate::domain::ports::Registry;
use crate::domain::registry::{Asked, Book, Pattern};
use crate::registry::{self, Decided};
use crate::store::{Change, Committed, Condition, Draft, Fields, RegistryChange, StoreDown, Unit};

/// How often a change is heard anew because the registry moved under it.
const TRIES: usize = 16;

/// Sections that an entry names, which has a longest length.
const MOST_TOLD: usize = 200;

/// Hears a change and writes it. The refusal is recorded.
pub(super) async fn change(shared: &Shared, by: PersonId, asked: Asked) -> Result<EntryRef, ActError> {
    let known = shared.store.reads().registry();
    let body = known.person(&by).map(|person| person.organisation.clone());
    for _ in 0..TRIES {
        let book = body.as_ref().and_then(|body| known.book(body)).unwrap_or_default();
        let heard = registry::decide(&asked, &by, &book, shared.now());
        let (body, decided) = match (&body, heard) {
            (Some(body), Ok(decided)) => (body, decided),
            (_, Err(refusal)) => return refused(shared, &by, body.as_ref(), &asked, refusal).await,
            (None, Ok(_)) => {
                let refusal = Box::new(refusals::of_code("not-of-this-body"));
                return refused(shared, &by, None, &asked, refusal).await;
            }
        };
        match commit(shared, allowed(shared, &by, body, &book, &asked, decided)?).await {
            Ok(done) => return Ok(EntryRef::Index(done.index)),
            Err(down) => match down.0.as_str() {
                "registry-moved" => {}
                code @ ("account-name-taken" | "person-name-taken" | "not-of-this-body") => {
                    let code = ["account-name-taken", "person-name-taken", "not-of-this-body"]
                        .into_iter()
                        .find(|known| *known == code)
                        .unwrap_or("not-of-this-body");
                    let refusal = Box::new(refusals::of_code(code));
                    return refused(shared, &by, Some(body), &asked, refusal).await;
                }
                _ => return Err(down.into()),
            },
        }
    }
    Err(ActError::Down(LedgerDown("the registry changes all the time".to_owned())))
}

async fn commit(shared: &Shared, unit: Unit) -> Result<Committed, StoreDown> {
    let (tell, told) = oneshot::channel();
    shared.store.submit(unit, Box::new(move |result| drop(tell.send(result))));
    told.await.unwrap_or_else(|_| Err(StoreDown("the writer has stopped".to_owned())))
}

/// What both endings say: the change, who, and about what. Names and reasons are sealed.
fn fields(
    shared: &Shared,
    by: &PersonId,
    asked: &Asked,
) -> Result<(Fields, Option<Arc<crate::store::Sealed>>), LedgerDown> {
    let mut fields = Fields::default();
    fields.text("act", asked.name());
    fields.text("by", &shared.names.pseudonym(by));
    let payload = entry::Payload {
        author: Some(by.as_str().to_owned()),
        reason: serde_json::to_string(asked).ok(),
        ..entry::Payload::default()
    };
    let sealed = payload.seal(&shared.keyring, &mut fields)?;
    Ok((fields, Some(sealed)))
}

fn allowed(
    shared: &Shared,
    by: &PersonId,
    body: &OrganisationId,
    book: &Book,
    asked: &Asked,
    decided: Decided,
) -> Result<Unit, LedgerDown> {
    let (mut fields, sealed) = fields(shared, by, asked)?;
    fields.text("result", "done");
    let mut clauses = decided.clauses().to_vec();
    if let Some(sections) = told_of_approval(book, asked) {
        clauses.push("nerima:4-5");
        fields.value("notify", &json!(sections));
    }
    fields.value("clauses", &json!(clauses));
    fields.number("revision", decided.revision() + 1);
    if decided.is_by_deputy() {
        fields.value("deputy", &Value::Bool(true));
    }
    let written = decided.written();
    if let Some((kind, id)) = public_subject(asked, written.subject()) {
        fields.text("record", kind);
        fields.text("record_id", &id);
    }
    let mut conditions =
        vec![Condition::WorksFor(by.clone(), body.clone()), Condition::RegistryAt(body.clone(), decided.revision())];
    let new_accounts = written.accounts.iter().filter(|it| !book.accounts.contains_key(&it.id));
    conditions.extend(new_accounts.map(|it| Condition::AccountFree(it.id.clone(), body.clone())));
    let new_people = written.people.iter().filter(|it| !book.people.contains_key(&it.id));
    conditions.extend(new_people.map(|it| Condition::PersonFree(it.id.clone(), body.clone())));
    let change = RegistryChange {
        organisation: body.clone(),
        act: asked.name(),
        by: Some(by.clone()),
        written: written.clone(),
    };
    Ok(Unit {
        log: shared.log_of(Some(body)),
        conditions,
        changes: vec![Change::Registry(Box::new(change))],
        entry: Draft { kind: "act", fields: Arc::new(fields), more: Fields::default(), sealed },
        entry_if_refused: None,
        deadline: None,
        lingers: false,
    })
}

/// Every section, where the ward's guideline asks that an approved provider is made known to all of them at once (練馬
/// 第4条第5項): the entry is the event that the stream carries. None: nothing is to be made known.
fn told_of_approval<'b>(book: &'b Book, asked: &Asked) -> Option<Vec<&'b str>> {
    let nerima = book.charter.as_ref().is_some_and(|it| it.pattern == Pattern::Nerima);
    let approved = matches!(asked, Asked::DecideProvider { approved: true, .. });
    (nerima && approved).then(|| book.sections.keys().map(|it| it.as_str()).take(MOST_TOLD).collect())
}

/// What a change is about, unless that would name a person: entries outlive every erasure.
fn public_subject(asked: &Asked, subject: Option<(&'static str, String)>) -> Option<(&'static str, String)> {
    match asked {
        Asked::Transfer { .. } => None,
        _ => subject.filter(|(kind, _)| *kind != "appointment"),
    }
}

async fn refused(
    shared: &Shared,
    by: &PersonId,
    body: Option<&OrganisationId>,
    asked: &Asked,
    refusal: Box<Refusal>,
) -> Result<EntryRef, ActError> {
    let (mut fields, sealed) = fields(shared, by, asked)?;
    fields.text("result", "refused");
    fields.text("decision", "refused");
    fields.text("code", &refusal.code);
    let clauses: Vec<&str> = refusal.clauses.iter().map(|clause| clause.as_str()).collect();
    fields.value("clauses", &json!(clauses));
    let draft = Draft { kind: "act", fields: Arc::new(fields), more: Fields::default(), sealed };
    let done = commit(shared, Unit::entry(shared.log_of(body), draft)).await?;
    Err(ActError::Refused(EntryRef::Index(done.index), refusal))
}
