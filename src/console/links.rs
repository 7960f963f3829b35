//! Where the links of a held post lead: looked at when somebody opens the ticket, or by `POST tickets/{id}/links`; kept for
//! a while, with the people who were told, so that an approval's entry can say what its approver saw.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Path, State};
use axum::response::Response;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Desk;
use super::answer::{Ended, look, shown};
use super::caller::Acting;
use super::tickets::{own, unreadable};
use crate::domain::approval::{Ticket, TicketId, TicketState};
use crate::domain::link::{Looked, Said};
use crate::domain::person::PersonId;
use crate::ledger::entry::Payload;

/// Tickets of which answers are kept; beyond, the oldest goes.
const MANY: usize = 1000;

/// The note with which the inspector tells where a QR code leads.
const QR_LINK: &str = "media.qr-link";

/// The answers, by ticket.
#[derive(Default)]
pub(super) struct Kept(Mutex<HashMap<TicketId, Answer>>);

struct Answer {
    at: Timestamp,
    looked: Arc<Looked>,
    told: BTreeSet<PersonId>,
}

impl Kept {
    fn open(&self) -> MutexGuard<'_, HashMap<TicketId, Answer>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of a ticket's links, where it is not too old; the person is told it.
    fn tell(&self, desk: &Desk, ticket: &TicketId, person: &PersonId) -> Option<(Timestamp, Arc<Looked>)> {
        let now = desk.clock.now();
        let mut kept = self.open();
        let answer = kept.get_mut(ticket).filter(|answer| is_fresh(desk, answer.at, now))?;
        answer.told.insert(person.clone());
        Some((answer.at, Arc::clone(&answer.looked)))
    }

    /// Keeps an answer in the place of an older one. Who was told the older one was not told this.
    fn keep(&self, desk: &Desk, ticket: &TicketId, person: &PersonId, looked: Looked) -> (Timestamp, Arc<Looked>) {
        let (now, looked) = (desk.clock.now(), Arc::new(looked));
        let mut kept = self.open();
        if kept.len() >= MANY {
            kept.retain(|_, answer| is_fresh(desk, answer.at, now));
            let oldest = kept.iter().min_by_key(|(_, answer)| answer.at).map(|(id, _)| id.clone());
            oldest.filter(|_| kept.len() >= MANY).map(|id| kept.remove(&id));
        }
        let told = BTreeSet::from([person.clone()]);
        kept.insert(ticket.clone(), Answer { at: now, looked: Arc::clone(&looked), told });
        (now, looked)
    }

    /// What this person was told of a ticket's links; none: nothing, or too long ago.
    pub(super) fn seen_by(&self, desk: &Desk, ticket: &TicketId, person: &PersonId) -> Option<Arc<Looked>> {
        let now = desk.clock.now();
        let kept = self.open();
        let answer =
            kept.get(ticket).filter(|answer| answer.told.contains(person) && is_fresh(desk, answer.at, now))?;
        Some(Arc::clone(&answer.looked))
    }
}

fn is_fresh(desk: &Desk, at: Timestamp, now: Timestamp) -> bool {
    let age = now.duration_since(at).as_secs();
    u64::try_from(age).is_ok_and(|age| age < desk.links_keep_s)
}

/// What the person is told of the links of a ticket's post: what is kept, else what is found now. A ticket that is settled
/// is not looked at any more.
pub(super) async fn of_ticket(desk: &Desk, ticket: &Ticket, payload: &Payload, person: &PersonId) -> Value {
    if let Some(told) = desk.kept_links.tell(desk, &ticket.id, person) {
        return value(&told.1, told.0);
    }
    if ticket.state != TicketState::Waiting {
        return Value::Null;
    }
    afresh(desk, ticket, payload, person).await
}

async fn afresh(desk: &Desk, ticket: &Ticket, payload: &Payload, person: &PersonId) -> Value {
    let looked = desk.links.look(texts(payload)).await;
    let (at, looked) = desk.kept_links.keep(desk, &ticket.id, person, looked);
    value(&looked, at)
}

fn value(looked: &Looked, at: Timestamp) -> Value {
    json!({ "at": at, "resolved": looked.resolved, "links": looked.links, "left_out": looked.left_out })
}

/// Every string of the held post, and what its QR codes say.
fn texts(payload: &Payload) -> Vec<Said> {
    let form: Value = payload.post.as_deref().and_then(|form| serde_json::from_str(form).ok()).unwrap_or_default();
    let mut texts = Vec::new();
    for field in form.get("fields").and_then(Value::as_array).into_iter().flatten() {
        let at = field.get("at").and_then(Value::as_str).unwrap_or_default();
        let link = field.get("role").and_then(Value::as_str) == Some("link");
        said(at, field.get("value").unwrap_or(&Value::Null), link, &mut texts);
    }
    for part in ["media", "audience", "rest"] {
        said(&format!("/{part}"), form.get(part).unwrap_or(&Value::Null), false, &mut texts);
    }
    for code in payload.findings.iter().filter(|finding| finding.rule == QR_LINK) {
        texts.push(Said { at: code.field.clone(), text: code.excerpt.clone(), link: true });
    }
    texts
}

fn said(at: &str, value: &Value, link: bool, texts: &mut Vec<Said>) {
    match value {
        Value::String(text) => texts.push(Said { at: at.to_owned(), text: text.clone(), link }),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, item)| said(&format!("{at}/{i}"), item, link, texts));
        }
        Value::Object(members) => {
            members.iter().for_each(|(key, item)| said(&format!("{at}/{key}"), item, link, texts));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// `POST tickets/{id}/links`: the links of a post that waits are looked at anew.
pub(super) async fn again(
    State(desk): State<Arc<Desk>>,
    Acting(person): Acting,
    Path(id): Path<String>,
) -> Result<Response, Ended> {
    let ticket = own(&desk, &person, id).await?;
    if ticket.state != TicketState::Waiting {
        return Err(Ended::from(crate::ledger::refusals::of_code("ticket-not-waiting").status(409)));
    }
    let (lookup, id) = (Arc::clone(&desk), ticket.id.clone());
    let payload = look(move || lookup.held.held(&id)).await?.ok_or_else(unreadable)?;
    Ok(shown(&afresh(&desk, &ticket, &payload, &person.id).await))
}
