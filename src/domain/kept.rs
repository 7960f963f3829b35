//! Held requests that the gateway keeps (keep whole, sealed, for a time), so that it can release them itself once they are
//! approved; and how a release went. `docs/decisions/0020-release.md`.

use std::future::Future;
use std::pin::Pin;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::account::{AccountId, ProviderId};
use super::approval::{Ticket, TicketId};
use super::decision::Refusal;
use super::media::Sha256;
use super::person::{ClientId, PersonId};

/// A request as it is kept: as the gateway would have sent it, without any credential. It is read anew at its release.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The tool that sent it.
    pub client: ClientId,
    /// The account that it is for.
    pub account: AccountId,
    /// The provider.
    pub provider: ProviderId,
    /// Its method.
    pub method: String,
    /// The provider's host.
    pub host: String,
    /// Its path, rebuilt.
    pub path: String,
    /// Its query, decoded.
    pub query: Vec<(String, String)>,
    /// The headers that the road reads, and those of the route; none that carries a credential.
    pub headers: Vec<(String, String)>,
    /// Its body, rebuilt.
    pub body: KeptBody,
    /// The media that it shows: the provider's ids, and the names by which the book knows them.
    pub media: Vec<(String, String)>,
    /// Whether its tool asked that it leaves as soon as it is approved (`Prefer: respond-async`, RFC 7240).
    #[serde(default)]
    pub prompt: bool,
    /// What publishes what it makes: the last step of the path, and the parameter that names what was made.
    pub publication: Option<Publication>,
}

/// The request that publishes a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Publication {
    /// The last segment of its path.
    pub segment: String,
    /// The query key that names the container.
    pub key: String,
    /// The field of the container that says how far its provider has come with it.
    pub state: String,
}

/// Where the body of a kept request is.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeptBody {
    /// It has none.
    None,
    /// Here, in hex.
    Here(String),
    /// In a sealed file of this name.
    File {
        /// Its name in the directory of such files.
        name: String,
        /// Its length in bytes.
        len: u64,
        /// The hash of its bytes.
        sha256: Sha256,
    },
}

/// A kept request, sealed.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedKept {
    /// The number of the record key.
    pub key: i64,
    /// Nonce, ciphertext, tag.
    pub sealed: Vec<u8>,
    /// The file with its body.
    pub file: Option<String>,
    /// Whether its tool asked that it leaves as soon as it is approved.
    pub prompt: bool,
    /// When it is dropped.
    pub expires: Timestamp,
}

impl std::fmt::Debug for SealedKept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SealedKept({} bytes until {})", self.sealed.len(), self.expires)
    }
}

/// A step by which a medium was uploaded, sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptStep {
    /// The provider.
    pub provider: ProviderId,
    /// The medium, as the book knows it.
    pub medium: String,
    /// The account that it was uploaded for.
    pub account: AccountId,
    /// The request.
    pub sealed: SealedKept,
}

/// What a request of a release is: it comes from no tool, but from what was kept of a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Releasing {
    /// The ticket.
    pub ticket: Ticket,
    /// Who releases it.
    pub by: PersonId,
    /// Whether it is the post itself, which leaves once; else a step before it (a medium) or after it (a publication).
    pub post: bool,
}

/// A post that left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Released {
    /// The index of its permission in the body's log.
    pub entry: Option<u64>,
    /// The provider's status.
    pub status: u16,
    /// The id that the provider gave.
    pub published_id: Option<String>,
}

/// Why a release came to nothing, with the entry that says so.
#[derive(Debug)]
pub struct Unreleased {
    /// The refusal.
    pub refusal: Box<Refusal>,
    /// The index of its entry.
    pub entry: Option<u64>,
}

/// Releases kept posts. The gate implements it.
pub trait Releases: Send + Sync {
    /// Sends what was kept of a ticket through the gate. That the person may is decided and recorded before.
    fn release(
        &self,
        ticket: TicketId,
        by: PersonId,
    ) -> Pin<Box<dyn Future<Output = Result<Released, Unreleased>> + Send + '_>>;
}

/// Nothing is released here.
pub struct NoReleases;

impl Releases for NoReleases {
    fn release(
        &self,
        _: TicketId,
        _: PersonId,
    ) -> Pin<Box<dyn Future<Output = Result<Released, Unreleased>> + Send + '_>> {
        let refusal = Refusal::refused(
            "release-not-kept",
            "関所からの発信は、ここでは行えません。",
            "Nothing is released here.",
            "投稿ツールから送信してください。",
        );
        Box::pin(std::future::ready(Err(Unreleased { refusal: Box::new(refusal), entry: None })))
    }
}
