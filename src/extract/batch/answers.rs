//! What became of the items of a batch, by the provider's answer.

use crate::domain::tree::Tree;
use crate::extract::{ANSWER_DEPTH, fields, json};
use crate::recognise::Recognised;
use crate::recognise::definition::{Place, Written};

use super::{Item, http};

/// How a batch ended whose items are carried out each for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Of each item it is known whether the provider took it, and it took at least one.
    Known,
    /// Every item was refused; the status of the first.
    Refused(u16),
    /// Of an item that shows something it is not known whether the provider took it.
    Unclear,
}

/// One item's answer: its status, and its body as JSON.
pub(super) type Told = Option<(u16, Option<Tree>)>;

/// The answers to the items in their order; none where the provider's answer is of another shape.
fn told(recognised: &Recognised, items: &[Item], answer: &[u8]) -> Option<Vec<Told>> {
    let requests = recognised.route.batch.as_ref()?.requests.as_ref()?;
    let told = match requests.written {
        Written::Graph => {
            let Tree::List(list) = json::parse(answer, ANSWER_DEPTH).ok()? else { return None };
            list.iter().map(of_graph).collect()
        }
        Written::Http => http::answers(answer)?,
    };
    Some(told).filter(|told: &Vec<Told>| told.len() == items.len())
}

/// `{"code": 200, "headers": [...], "body": "{...}"}`; `null` where the provider ran out of time.
fn of_graph(answer: &Tree) -> Told {
    let Some(Tree::Number(code)) = answer.get("code") else { return None };
    let body = answer.get("body").and_then(Tree::as_text);
    Some((code.parse().ok()?, body.and_then(|body| json::parse(body.as_bytes(), ANSWER_DEPTH).ok())))
}

/// How the batch ended.
pub fn fate(recognised: &Recognised, items: &[Item], answer: &[u8]) -> Fate {
    if recognised.route.batch.as_ref().is_none_or(|batch| batch.requests.is_none()) {
        return Fate::Known;
    }
    let speaks = |item: &Item| item.action.needs_approval();
    let Some(told) = told(recognised, items, answer) else {
        return if items.iter().any(speaks) { Fate::Unclear } else { Fate::Known };
    };
    let unclear = |told: &Told| told.as_ref().is_none_or(|(code, _)| *code >= 500);
    if items.iter().zip(&told).any(|(item, told)| speaks(item) && unclear(told)) {
        return Fate::Unclear;
    }
    match told.first() {
        Some(Some((first, _))) if told.iter().flatten().all(|(code, _)| *code >= 400) => Fate::Refused(*first),
        _ => Fate::Known,
    }
}

/// The id that the answer gives to each item, in their order.
pub fn published_ids(recognised: &Recognised, items: &[Item], answer: &[u8]) -> Vec<Option<String>> {
    let of = |item: &Item, answer: &Tree| {
        item.recognised.route.published.iter().find_map(|place| match place {
            Place::Json(pointer) => fields::at_pointer(answer, pointer),
            _ => None,
        })
    };
    let nothing = || items.iter().map(|_| None).collect();
    let Some(batch) = recognised.route.batch.as_ref() else { return nothing() };
    if batch.requests.is_some() {
        let Some(told) = told(recognised, items, answer) else { return nothing() };
        let taken = |told: &Told| told.clone().filter(|(code, _)| *code < 300).and_then(|(_, body)| body);
        return items.iter().zip(&told).map(|(item, told)| of(item, &taken(told)?)).collect();
    }
    let tree = json::parse(answer, ANSWER_DEPTH).ok();
    match tree.as_ref().zip(batch.answers.as_deref()).and_then(|(tree, at)| tree.get(at)) {
        Some(Tree::List(list)) if list.len() == items.len() => {
            items.iter().zip(list).map(|(item, answer)| of(item, answer)).collect()
        }
        _ => nothing(),
    }
}
