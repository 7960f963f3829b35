//! The post: bodies are read whole, strictly, and rebuilt from what was understood.

use http::HeaderMap;

use crate::domain::action::Action;
use crate::domain::arrival::Body;
use crate::domain::decision::Refusal;
use crate::domain::media::UploadStep;
use crate::domain::outbound::{OutBody, Outbound};
use crate::domain::ports::MediaBook;
use crate::domain::post::Post;
use crate::recognise::Recognised;

pub mod form;
pub mod json;
pub mod multipart;
pub mod upload;

/// A request that was read and understood.
#[derive(Debug)]
pub struct Extracted {
    /// The action: the route's, or what its fields make of it (a reply, a quote, an edit).
    pub action: Action,
    /// The target of an edit, a delete, a repost.
    pub target: Option<String>,
    /// The post. Its media are not resolved yet.
    pub post: Post,
    /// Ids of media it shows, in order, to be resolved.
    pub media_ids: Vec<String>,
    /// What it does as a step of an upload.
    pub upload: Option<UploadStep>,
    /// The client's retry key.
    pub retry_key: Option<String>,
    /// SHA-256 (hex) of the provider credential it carries.
    pub credential_fingerprint: Option<String>,
    /// The rebuilt body.
    pub body: OutBody,
    /// The gateway's own content type for it.
    pub content_type: Option<String>,
}

/// Reads the body whole and understands it.
pub async fn read(
    recognised: &Recognised,
    headers: &HeaderMap,
    body: Body,
    limits: &crate::config::extract::Extract,
) -> Result<Extracted, Refusal> {
    let _ = (recognised, headers, body, limits);
    todo!("helper B")
}

/// Resolves the media that the post shows to the hashes of their bytes; an id the gateway never saw is refused, and so
/// is one of another account.
pub fn resolve(
    extracted: &mut Extracted,
    recognised: &Recognised,
    account: &crate::domain::account::AccountId,
    book: &dyn MediaBook,
) -> Result<(), Refusal> {
    let _ = (extracted, recognised, account, book);
    todo!("helper B")
}

/// The request that would leave: the route's headers only, rebuilt path, query and body.
pub fn outbound(recognised: &Recognised, extracted: &Extracted, headers: &HeaderMap) -> Result<Outbound, Refusal> {
    let _ = (recognised, extracted, headers);
    todo!("helper B")
}

/// The id that the provider's answer gives to what was published or uploaded, by the route's definition.
pub fn published_id(recognised: &Recognised, answer: &[u8]) -> Option<String> {
    let _ = (recognised, answer);
    todo!("helper B")
}
