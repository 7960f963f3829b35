//! A request that holds several (`applyWrites`, Graph's `batch`, Google's `/batch`): each item is read by the rules of its
//! own route, as if it had come alone.
//!
//! It leaves as one request, so it is one thing to approve: its post holds all that its items say, each under its place
//! (`/writes/0/record/text`), and the digest covers which item does what. The gate judges each item besides.

use ::http::{HeaderMap, Method};
use indexmap::IndexMap;

use crate::domain::action::Action;
use crate::domain::decision::Refusal;
use crate::domain::post::{Field, Post};
use crate::domain::tree::Tree;
use crate::recognise::Recognised;
use crate::recognise::definition::{Batch, BodyKind, Written};

use super::body::Parsed;
use super::fields::{self, Mapped, Request};
use super::{credential, upload};

mod answers;
mod graph;
pub(super) mod http;

pub use answers::{Fate, fate, published_ids};

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
    /// The account that it names.
    pub account: Option<String>,
    /// Ids of the media it shows, in order.
    pub media_ids: Vec<String>,
    /// Ids of containers that it shows as parts, in order.
    pub parts: Vec<String>,
}

/// Takes the items out of the body's tree, and reads each.
///
/// # Errors
/// Refusal `batch-shape` when there is no list, an empty or too long one, or an item of no described kind; and the
/// refusal of an item.
pub(super) fn unroll(recognised: &Recognised, headers: &HeaderMap, parsed: &mut Parsed) -> Result<Vec<Item>, Refusal> {
    let Some(batch) = &recognised.route.batch else {
        let at = recognised.provider.batch_key.as_deref();
        return if at.is_some_and(|at| graph::has(parsed, at)) { Err(misplaced()) } else { Ok(Vec::new()) };
    };
    if let Some(requests) = &batch.requests {
        return match requests.written {
            Written::Graph => graph::unroll(recognised, parsed, batch, &requests.table),
            Written::Http => http::unroll(recognised, headers, parsed, batch, &requests.table),
        };
    }
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
    let mut parsed = Parsed::nothing();
    (parsed.json, parsed.kind) = (Some(Tree::Map(members)), BodyKind::Json);
    super::overridden(&recognised, &parsed)?;
    let mapped = fields::map(&fields::Request { recognised: &recognised, headers, parsed: &parsed })?;
    let Mapped { action, target, account, post, media_ids, medium, parts, media_urls, unseen, .. } = mapped;
    // Of an item nobody would remember the parts, or say that its media were not seen.
    if medium.is_some() || !parts.is_empty() || !media_urls.is_empty() || unseen || !action.needs_approval() {
        return Err(shape());
    }
    Ok(Item { recognised, action, target, account, post, media_ids, parts })
}

/// Reads a whole request of several. What is one step of many (an upload, a container, a sign-in) must come alone, since the
/// gateway would not see by itself what becomes of it.
fn of_request(recognised: Recognised, parsed: &Parsed) -> Result<Item, Refusal> {
    // It has no headers of its own that the provider would read.
    let headers = &HeaderMap::new();
    super::overridden(&recognised, parsed)?;
    let request = Request { recognised: &recognised, headers, parsed };
    let Mapped { action, target, account, post, media_ids, medium, parts, media_urls, unseen, .. } =
        fields::map(&request)?;
    // Nobody would write the gateway's own address into a request inside another one.
    if unseen || !media_urls.is_empty() {
        return Err(medium_by_url());
    }
    if credential::fingerprint(&recognised, headers, parsed, action)?.is_some() {
        return Err(credential_inside());
    }
    let step =
        medium.is_some() || upload::step(&request, action, None)?.is_some() || super::container(&request)?.is_some();
    if step || matches!(action, Action::Upload | Action::SignIn) {
        return Err(one_of_many());
    }
    Ok(Item { recognised, action, target, account, post, media_ids, parts })
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
        if !item.parts.is_empty() {
            tell("parts", item.parts.len().to_string());
        }
        if let Some(target) = &item.target {
            tell("target", target.clone());
        }
        if let Some(schedule) = &item.post.schedule {
            tell("schedule", schedule.clone());
        }
        mapped.media_ids.extend(item.media_ids.iter().cloned());
        mapped.parts.extend(item.parts.iter().cloned());
    }
    mapped.action = weightiest(items.iter().map(|item| item.action)).unwrap_or(mapped.action);
}

/// Of several actions the one that shows the public most, by which a batch is known.
pub fn weightiest(actions: impl Iterator<Item = Action>) -> Option<Action> {
    const ORDER: [Action; 13] = [
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
        Action::Read,
    ];
    actions.min_by_key(|action| ORDER.iter().position(|known| known == action))
}

/// The refusal of an item says of which.
pub fn numbered(mut refusal: Refusal, number: usize, of: usize) -> Refusal {
    refusal.sentence = format!("まとめて送られた{of}件のうち{}件目: {}", number + 1, refusal.sentence);
    refusal.sentence_en = format!("Item {} of {of}: {}", number + 1, refusal.sentence_en);
    refusal
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

fn one_by_one(code: &'static str, ja: &'static str, en: &'static str) -> Refusal {
    Refusal::refused(code, ja, en, "この操作は、まとめずに一つだけで送信してください。").status(400)
}

fn medium_by_url() -> Refusal {
    one_by_one(
        "batch-media-url",
        "まとめて送られた操作の中では、画像・動画をURLで指定できません。",
        "A medium that is named by URL must come in a request of its own, not in a batch.",
    )
}

fn one_of_many() -> Refusal {
    one_by_one(
        "batch-step",
        "手順の一部だけの操作（画像・動画の送信、あとで公開する投稿、サインイン）は、まとめて送れません。",
        "An upload, a post that is published later and a sign-in come alone, not in a batch.",
    )
}

fn credential_inside() -> Refusal {
    one_by_one(
        "batch-credential",
        "まとめて送られた操作の中に、別の認証情報が書かれています。どのアカウントの操作か決められません。",
        "An item of the batch has a credential of its own, so it is not clear whose account acts.",
    )
}

fn reference() -> Refusal {
    one_by_one(
        "batch-reference",
        "まとめて送られた操作の中に、ほかの操作の結果を使うものがあります。何が公開されるか、前もって確かめられません。",
        "An item of the batch refers to the result of another, so nobody can see beforehand what it does.",
    )
}

fn files() -> Refusal {
    one_by_one(
        "batch-files",
        "まとめて送られた操作に、画像や動画が付いています。まとめた送信では、中身を確かめられません。",
        "An item of the batch has files attached.",
    )
}

fn misplaced() -> Refusal {
    one_by_one(
        "batch-place",
        "この操作の送信内容に、まとめて送る操作（batch）が含まれています。SNSが別の操作として扱うおそれがあります。",
        "A batch stands in a request that is not one; the provider might carry it out instead.",
    )
}
