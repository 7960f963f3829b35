//! A request that holds several (`applyWrites`, `sendMessageBatch`): each item is read by the rules of its own route,
//! as if it had come alone.
//!
//! It leaves as one request, so it is one thing to approve: its post holds all that its items say, each under its place
//! (`/writes/0/record/text`), and the digest covers which item does what. The gate judges each item besides.

use http::{HeaderMap, Method};
use indexmap::IndexMap;

use crate::domain::action::Action;
use crate::domain::decision::Refusal;
use crate::domain::outbound::OutBody;
use crate::domain::post::{Field, Post};
use crate::domain::tree::Tree;
use crate::recognise::Recognised;
use crate::recognise::definition::{Batch, BodyKind, Place};

use super::body::Parsed;
use super::fields::{self, Mapped};
use super::{ANSWER_DEPTH, json};

/// One request of several.
#[derive(Debug)]
pub struct Item {
    /// By what it is read.
    pub recognised: Recognised,
    /// What it does.
    pub action: Action,
    /// What it is done to.
    pub target: Option<String>,
    /// What it says.
    pub post: Post,
    /// Ids of the media it shows, in order.
    pub media_ids: Vec<String>,
}

/// Takes the items out of the body's tree, and reads each.
///
/// # Errors
/// Refusal `batch-shape` when there is no list, an empty or too long one, or an item of no described kind; and the
/// refusal of an item.
pub(super) fn unroll(recognised: &Recognised, headers: &HeaderMap, parsed: &mut Parsed) -> Result<Vec<Item>, Refusal> {
    let Some(batch) = &recognised.route.batch else { return Ok(Vec::new()) };
    let Some(Tree::Map(outer)) = &mut parsed.json else { return Err(shape()) };
    let Some(Tree::List(list)) = outer.shift_remove(&batch.at) else { return Err(shape()) };
    if list.is_empty() || list.len() > batch.most {
        return Err(shape());
    }
    list.into_iter().map(|item| read(recognised, headers, batch, outer, item)).collect()
}

fn read(
    whole: &Recognised,
    headers: &HeaderMap,
    batch: &Batch,
    outer: &IndexMap<String, Tree>,
    item: Tree,
) -> Result<Item, Refusal> {
    let Tree::Map(mut item) = item else { return Err(shape()) };
    let route = match &batch.by {
        None => batch.routes.first(),
        Some(by) => {
            let named = item.shift_remove(by);
            batch.routes.iter().find(|(name, _)| named.as_ref().and_then(Tree::as_text) == Some(name))
        }
    };
    let (_, route) = route.ok_or_else(shape)?;
    let mut members = IndexMap::new();
    for (key, value) in item {
        let name = batch.rename.iter().find(|(from, _)| *from == key).map_or(key.clone(), |(_, to)| to.clone());
        if members.insert(name, value).is_some() {
            return Err(shape());
        }
    }
    for key in &batch.with {
        if let Some(value) = outer.get(key)
            && members.insert(key.clone(), value.clone()).is_some()
        {
            return Err(shape());
        }
    }
    let recognised = Recognised {
        provider: whole.provider.clone(),
        path: route.path.source.clone(),
        route: route.clone(),
        method: Method::POST,
        host: whole.host.clone(),
        params: Vec::new(),
        query: Vec::new(),
    };
    let parsed = Parsed {
        json: Some(Tree::Map(members)),
        form: Vec::new(),
        medium: None,
        words: None,
        kind: BodyKind::Json,
        body: OutBody::Empty,
        content_type: None,
    };
    super::overridden(&recognised, &parsed)?;
    let mapped = fields::map(&fields::Request { recognised: &recognised, headers, parsed: &parsed })?;
    let Mapped { action, target, post, media_ids, medium, parts, media_urls, unseen, .. } = mapped;
    // Of an item nobody would remember the parts, or say that its media were not seen.
    if medium.is_some() || !parts.is_empty() || !media_urls.is_empty() || unseen || !action.needs_approval() {
        return Err(shape());
    }
    Ok(Item { recognised, action, target, post, media_ids })
}

/// Puts what the items say into the post of the whole, and gives the whole the weightiest of their actions.
pub(super) fn join(mapped: &mut Mapped, recognised: &Recognised, items: &[Item]) {
    let Some(batch) = &recognised.route.batch else { return };
    for (number, item) in items.iter().enumerate() {
        let under = |at: &str| format!("/{}/{number}{}{at}", batch.at, if at.starts_with('/') { "" } else { "/" });
        let post = &mut mapped.post;
        for field in &item.post.fields {
            post.fields.push(Field { at: under(&field.at), ..field.clone() });
        }
        for (kind, ids) in &item.post.references {
            post.references.insert(under(kind), ids.clone());
        }
        post.audience.extend(item.post.audience.iter().map(|(at, value)| (under(at), value.clone())));
        post.rest.extend(item.post.rest.iter().map(|(at, value)| (under(at), value.clone())));
        // Which item does what, and shows which of the media: the digest has them in one row.
        let mut tell = |at: &str, text: String| post.audience.insert(under(at), Tree::Text(text));
        tell("action", item.action.to_string());
        tell("media", item.media_ids.len().to_string());
        if let Some(target) = &item.target {
            tell("target", target.clone());
        }
        if let Some(schedule) = &item.post.schedule {
            tell("schedule", schedule.clone());
        }
        mapped.media_ids.extend(item.media_ids.iter().cloned());
    }
    mapped.action = weightiest(items.iter().map(|item| item.action)).unwrap_or(mapped.action);
}

/// Of several actions the one that shows the public most, by which a batch is known.
pub fn weightiest(actions: impl Iterator<Item = Action>) -> Option<Action> {
    const ORDER: [Action; 12] = [
        Action::Publish,
        Action::Schedule,
        Action::Quote,
        Action::Edit,
        Action::Reply,
        Action::DirectMessage,
        Action::Repost,
        Action::Profile,
        Action::Delete,
        Action::Follow,
        Action::Like,
        Action::Other,
    ];
    actions.min_by_key(|action| ORDER.iter().position(|known| known == action))
}

/// The id that the answer gives to each item, in their order.
pub fn published_ids(recognised: &Recognised, items: &[Item], answer: &[u8]) -> Vec<Option<String>> {
    let of = |item: &Item, answer: &Tree| {
        item.recognised.route.published.iter().find_map(|place| match place {
            Place::Json(pointer) => fields::at_pointer(answer, pointer),
            _ => None,
        })
    };
    let answers = recognised.route.batch.as_ref().and_then(|batch| batch.answers.as_deref());
    let tree = json::parse(answer, ANSWER_DEPTH).ok();
    match tree.as_ref().zip(answers).and_then(|(tree, at)| tree.get(at)) {
        Some(Tree::List(list)) if list.len() == items.len() => {
            items.iter().zip(list).map(|(item, answer)| of(item, answer)).collect()
        }
        _ => items.iter().map(|_| None).collect(),
    }
}

fn shape() -> Refusal {
    Refusal::refused(
        "batch-shape",
        "まとめて送られた操作の中に、関所の知らない種類や書き方のものがあるため、全体を通せません。",
        "The batch has an item of a kind or shape that is not described, so the whole is refused.",
        "操作を一つずつ送るよう、投稿ツールの設定を確認してください。",
    )
    .status(400)
}
