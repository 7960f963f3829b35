//! The post: bodies are read whole, strictly, and rebuilt from what was understood.

use http::{HeaderMap, HeaderValue, Method, header};

use crate::domain::action::Action;
use crate::domain::arrival::Body;
use crate::domain::container::ContainerStep;
use crate::domain::decision::Refusal;
use crate::domain::finding::Finding;
use crate::domain::media::{Media, UploadStep, session_name};
use crate::domain::outbound::{OutBody, Outbound};
use crate::domain::ports::MediaBook;
use crate::domain::post::Post;
use crate::domain::tree::Tree;
use crate::recognise::Recognised;
use crate::recognise::definition::{self, Place};
use crate::recognise::matcher::encode_pairs;

pub mod batch;
mod body;
pub mod brackets;
mod credential;
mod fields;
pub mod form;
pub mod json;
pub mod multipart;
pub mod parts;
mod related;
pub mod renamed;
pub mod spool;
pub mod swap;
mod upload;
mod walk;

pub use body::Medium;

/// Nesting of a provider's answer; deeper, and no id is learned from it.
const ANSWER_DEPTH: usize = 64;

/// A medium that a request names by URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaUrl {
    /// Where the URL stands: `form:image_url`, `/messages/0/originalContentUrl`.
    pub at: String,
    /// The URL, as received.
    pub url: String,
}

/// A request that was read and understood.
#[derive(Debug)]
pub struct Extracted {
    /// The action: the route's, or what its fields make of it (a reply, a quote, an edit).
    pub action: Action,
    /// The target of an edit, a delete, a repost.
    pub target: Option<String>,
    /// The accounts that path, fields and items of a batch name.
    pub accounts: Vec<String>,
    /// The post. Its media are not resolved yet.
    pub post: Post,
    /// Ids of media it shows, in order, to be resolved.
    pub media_ids: Vec<String>,
    /// The requests that it holds. What they say is in the post, too, each under the place of its item.
    pub items: Vec<batch::Item>,
    /// Ids of containers that it shows as parts, in order, to be resolved.
    pub parts: Vec<String>,
    /// Media that it names by URL, in order, to be fetched.
    pub media_urls: Vec<MediaUrl>,
    /// Whether it, or a part of it, shows a medium by URL whose bytes nobody here has seen.
    pub by_url: bool,
    /// What it does with containers.
    pub container: Option<ContainerStep>,
    /// What it does as a step of an upload.
    pub upload: Option<UploadStep>,
    /// The medium that lies in the body, where its words are not read as text.
    pub medium: Option<Medium>,
    /// What was found in the bytes of the medium that the request completes; none: nobody has looked.
    pub seen: Option<Vec<Finding>>,
    /// What was found in the media that the post shows, when they were uploaded.
    pub shown: Vec<Finding>,
    /// The client's retry key.
    pub retry_key: Option<String>,
    /// For how many minutes the provider knows that key again.
    pub retry_minutes: u32,
    /// SHA-256 (hex) of the provider credential it carries.
    pub credential_fingerprint: Option<String>,
    /// The rebuilt body without the credential that one of its parts carries.
    pub bare: Option<multipart::Bare>,
    /// The rebuilt body.
    pub body: OutBody,
    /// The gateway's own content type for it.
    pub content_type: Option<String>,
}

/// Reads the body whole and understands it.
///
/// # Errors
/// A refusal for everything that is not of the described shape, or that two readers could take differently; a spool
/// file that was begun is removed.
pub async fn read(
    recognised: &Recognised,
    headers: &HeaderMap,
    body: Body,
    limits: &crate::config::extract::Extract,
) -> Result<Extracted, Refusal> {
    let mut parsed = body::read(recognised, headers, body, limits).await?;
    parsed.nest(recognised)?;
    overridden(recognised, &parsed)?;
    let items = batch::unroll(recognised, headers, &mut parsed)?;
    let request = fields::Request { recognised, headers, parsed: &parsed };
    let mut mapped = fields::map(&request)?;
    batch::join(&mut mapped, recognised, &items);
    // A route with a larger limit has it for the medium; what stands beside that is no larger than any other text.
    if mapped.post.texts().iter().map(|(_, _, text)| text.len() as u64).sum::<u64>() > limits.text_bytes {
        return Err(body::too_large());
    }
    let credential_fingerprint = credential::fingerprint(recognised, headers, &parsed, mapped.action)?;
    let upload = upload::step(&request, mapped.action, mapped.medium.as_ref())?;
    let container = container(&request)?;
    if let Some(UploadStep::Open { promised: Some(sha256), total, .. }) = &upload {
        // The bytes come after the words; the approval is for what was promised, and other bytes do not pass.
        mapped.post.media.push(Media { id: String::new(), sha256: *sha256, len: total.unwrap_or_default(), alt: None });
    }
    Ok(Extracted {
        action: mapped.action,
        target: mapped.target,
        accounts: mapped.account.into_iter().chain(items.iter().filter_map(|item| item.account.clone())).collect(),
        post: mapped.post,
        media_ids: mapped.media_ids,
        items,
        parts: mapped.parts,
        media_urls: mapped.media_urls,
        by_url: mapped.unseen,
        container,
        upload,
        medium: mapped.medium.filter(|_| parsed.words.is_none()),
        seen: None,
        shown: Vec::new(),
        retry_key: mapped.retry_key,
        retry_minutes: mapped.retry_minutes,
        credential_fingerprint,
        bare: parsed.bare,
        body: parsed.body,
        content_type: parsed.content_type,
    })
}

impl Extracted {
    /// The actions of the request and of the requests that it holds.
    pub fn actions(&self) -> impl Iterator<Item = Action> {
        std::iter::once(self.action).chain(self.items.iter().map(|item| item.action))
    }
}

/// Takes the tool's own credential out, because the gateway puts the account's on.
///
/// # Errors
/// Refusals `credential-unreadable`, `spool-failed`.
pub fn without_credential(recognised: &mut Recognised, extracted: &mut Extracted) -> Result<(), Refusal> {
    credential::without(recognised, extracted)
}

/// Refuses a body that asks to be taken for another method than the one that found the route.
fn overridden(recognised: &Recognised, parsed: &body::Parsed) -> Result<(), Refusal> {
    let asks = |key: &str, value: Option<&str>| {
        crate::recognise::overridden::in_body(&recognised.provider, key)
            && !value.is_some_and(|value| value.eq_ignore_ascii_case(recognised.method.as_str()))
    };
    let form = parsed.form.iter().any(|(key, value)| asks(key, Some(value)));
    let json = match &parsed.json {
        Some(Tree::Map(members)) => members.iter().any(|(key, value)| asks(key, value.as_text())),
        _ => false,
    };
    if form || json { Err(crate::recognise::method_override()) } else { Ok(()) }
}

/// What the request does with containers.
fn container(request: &fields::Request<'_>) -> Result<Option<ContainerStep>, Refusal> {
    let Some(rule) = &request.recognised.route.container else { return Ok(None) };
    for condition in &rule.when {
        if !request.holds(condition)? {
            return Ok(None);
        }
    }
    Ok(Some(match &rule.step {
        definition::ContainerStep::Make { hours, .. } => ContainerStep::Make { hours: *hours },
        definition::ContainerStep::Publish { id } => {
            let id = request.scalar(id)?.filter(|id| !id.is_empty());
            ContainerStep::Publish(id.ok_or_else(|| fields::bad_field("creation_id"))?)
        }
    }))
}

/// Resolves the media that the post shows to the hashes of their bytes; an id the gateway never saw is refused, and so
/// is one of another account.
///
/// # Errors
/// Refusals `unknown-media`, `foreign-media`, `media-incomplete`, and `store-unavailable` when the book cannot answer.
pub fn resolve(
    extracted: &mut Extracted,
    recognised: &Recognised,
    account: &crate::domain::account::AccountId,
    book: &dyn MediaBook,
) -> Result<(), Refusal> {
    let mut media = Vec::with_capacity(extracted.media_ids.len());
    for id in &extracted.media_ids {
        let known = |id: &str| book.media(&recognised.provider.id, &recognised.book_id(account, id));
        let record = match known(id).map_err(|_| store_unavailable())? {
            // A session of an upload whose words come last is kept by a hash of its name.
            None => known(&session_name(id)).map_err(|_| store_unavailable())?,
            record => record,
        };
        let record = record.ok_or_else(|| {
            let sentence = "この画像・動画は関所を通っていません。";
            bad_media("unknown-media", sentence, "The medium was not uploaded through the gateway.")
        })?;
        if record.account != *account {
            let sentence = "この画像・動画は別のアカウントのものです。";
            return Err(bad_media("foreign-media", sentence, "The medium was uploaded for another account."));
        }
        let sha256 = record.sha256.ok_or_else(|| {
            let sentence = "この画像・動画は、まだ最後まで届いていません。";
            bad_media("media-incomplete", sentence, "The medium's upload is not complete.")
        })?;
        let field = format!("media:{}", record.id);
        extracted.shown.extend(record.findings.into_iter().map(|finding| Finding { field: field.clone(), ..finding }));
        media.push(Media { id: record.id, sha256, len: record.len, alt: record.alt });
    }
    // A medium in the request itself stands before those that were uploaded for it.
    extracted.post.media.extend(media);
    for (number, id) in extracted.parts.iter().enumerate() {
        let known = book.container(&recognised.provider.id, id).map_err(|_| store_unavailable())?;
        let known = known.ok_or_else(|| {
            let sentence = "カルーセルに含めようとした画像・動画は関所を通っていません。";
            bad_media("unknown-container", sentence, "A part of the carousel was not made through the gateway.")
        })?;
        if known.container.account != *account {
            let sentence = "カルーセルに含めようとした画像・動画は別のアカウントのものです。";
            return Err(bad_media("foreign-container", sentence, "A part of the carousel is another account's."));
        }
        extracted.by_url |= parts::join(&mut extracted.post, number, &known.container)?;
    }
    Ok(())
}

fn bad_media(code: &'static str, sentence: &'static str, sentence_en: &'static str) -> Refusal {
    Refusal::refused(code, sentence, sentence_en, "同じ投稿ツールから画像・動画を送り直してから、投稿してください。")
}

fn store_unavailable() -> Refusal {
    Refusal::refused(
        "store-unavailable",
        "関所の記録を読み出せないため、通せませんでした。投稿はされていません。",
        "The store cannot answer.",
        "しばらくしてからもう一度お試しください。続くときは情報政策課に連絡してください。",
    )
    .status(503)
}

/// The request that would leave: the route's headers only, rebuilt path, query and body.
///
/// # Errors
/// Refusal `header-repeated` when a header that would be forwarded is there twice.
pub fn outbound(recognised: &Recognised, extracted: &Extracted, headers: &HeaderMap) -> Result<Outbound, Refusal> {
    let mut out = HeaderMap::new();
    for name in recognised.provider.headers.iter().chain(&recognised.route.headers) {
        let mut values = headers.get_all(name).iter();
        if let Some(value) = values.next() {
            out.insert(name.clone(), value.clone());
        }
        if values.next().is_some() {
            return Err(header_refusal(name.as_str()));
        }
    }
    if let Some(content_type) = &extracted.content_type {
        let value = HeaderValue::from_str(content_type).map_err(|_| header_refusal("content-type"))?;
        out.insert(header::CONTENT_TYPE, value);
    }
    // An answer in a coding that nobody here can read would hide the ids in it.
    out.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    let mut path_and_query = recognised.path.clone();
    if !recognised.query.is_empty() {
        path_and_query.push('?');
        let pairs = recognised.query.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        path_and_query.push_str(&encode_pairs(pairs));
    }
    Ok(Outbound {
        provider: recognised.provider.id.clone(),
        method: recognised.method.clone(),
        host: recognised.host.clone(),
        path_and_query,
        headers: out,
        body: extracted.body.clone(),
        by_hand: recognised.provider.by_hand,
        reads: extracted.action == Action::Read && recognised.method == Method::GET,
        wears: crate::domain::credential::Wears::Own,
    })
}

fn header_refusal(name: &str) -> Refusal {
    Refusal::refused(
        "header-repeated",
        format!("ヘッダー「{name}」が二つ以上あるか、正しい形ではないため、通せません。"),
        format!("The header {name} is repeated or malformed."),
        "投稿ツールの設定を確認してください。",
    )
    .status(400)
}

/// The id that the provider's answer gives to what was published or uploaded, by the route's definition.
pub fn published_id(recognised: &Recognised, answer: &[u8]) -> Option<String> {
    let tree = json::parse(answer, ANSWER_DEPTH).ok();
    recognised.route.published.iter().find_map(|place| match place {
        Place::Json(pointer) => fields::at_pointer(tree.as_ref()?, pointer),
        Place::Path(name) => recognised.params.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()),
        _ => None,
    })
}

#[cfg(test)]
mod tests;
