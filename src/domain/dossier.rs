//! `Dossier`: what was learned of a request on its way, for the ledger's entry. Stages do not read it.

use jiff::Timestamp;

use super::account::{AccountId, OrganisationId, ProviderId};
use super::action::Action;
use super::approval::{Approval, Pass};
use super::decision::Decision;
use super::digest::Digest;
use super::embargo::RegisterSeen;
use super::emergency::EmergencyId;
use super::finding::Report;
use super::incident::IncidentId;
use super::media::{Sha256, UploadStep};
use super::person::{ClientId, PersonId};
use super::remarks::Declaration;

/// What was learned of a request before it was refused or permitted. Absent means: the road ended before that.
#[derive(Clone, Debug, Default)]
pub struct Dossier {
    /// The log it belongs to; none: the gateway's own.
    pub organisation: Option<OrganisationId>,
    /// The door, by name.
    pub door: &'static str,
    /// Where it came from, without port.
    pub source: String,
    /// The posting tool.
    pub client: Option<ClientId>,
    /// The person who answers for it.
    pub author: Option<PersonId>,
    /// The provider.
    pub provider: Option<ProviderId>,
    /// The matched route, by id.
    pub route: Option<String>,
    /// Method and host, never the query.
    pub method: String,
    /// The provider's host.
    pub host: String,
    /// The action.
    pub action: Option<Action>,
    /// The account.
    pub account: Option<AccountId>,
    /// The target of an edit, a delete, a repost.
    pub target: Option<String>,
    /// The post's digest.
    pub digest: Option<Digest>,
    /// The hash of the body that would leave.
    pub body_sha256: Option<Sha256>,
    /// Its length.
    pub body_len: u64,
    /// The revision of the body's registry that it was judged by.
    pub registry: Option<u64>,
    /// Where the body's register of closed matters stood when the post was held against it.
    pub closed: Option<RegisterSeen>,
    /// What the inspector saw.
    pub report: Option<Report>,
    /// The pass that was shown.
    pub pass: Option<Pass>,
    /// The declaration a post by the emergency endpoint runs under.
    pub emergency: Option<EmergencyId>,
    /// The further approvals that a joint approval (連名の承認) consists of, beside the one that was shown.
    pub joint: Vec<Approval>,
    /// The incident whose wrong post this puts right (`Sekisho-Corrects`).
    pub corrects: Option<IncidentId>,
    /// The category the client named.
    pub category: Option<String>,
    /// What the client declared to have made sure of.
    pub declares: Vec<Declaration>,
    /// The reason the client gave. Sealed in the payload.
    pub reason: Option<String>,
    /// Hash (hex) of the rules in force: guideline, lists, definitions.
    pub rules: String,
    /// What the upload step does, if it is one.
    pub upload: Option<UploadStep>,
    /// The client's retry key (LINE `X-Line-Retry-Key`, Mastodon `Idempotency-Key`).
    pub retry_key: Option<String>,
    /// What would have refused it, where the account is only observed.
    pub would_refuse: Option<Box<super::decision::Refusal>>,
    /// What was fetched for it, as it was found there: media that it names by URL, a page that it rests on.
    pub seen: Vec<Seen>,
    /// The request itself, sealed, where the gateway keeps it to release it.
    pub keep: Option<Box<super::kept::SealedKept>>,
    /// What it is a request of, where the gateway releases a post itself.
    pub release: Option<Box<super::kept::Releasing>>,
    /// Whether an after-report of the account is overdue; looked up where an exemption is claimed.
    pub overdue: bool,
    /// The post's normal form, sealed in the payload. Empty where there is none.
    pub payload: String,
}

/// What was fetched from where a post says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The address, as the post says it. Sealed in the payload.
    pub url: String,
    /// The hash of its bytes.
    pub sha256: Sha256,
    /// Their number.
    pub len: u64,
}

/// A judged request: the decision and how it was reached. Only the gate makes one, by walking the whole road.
#[derive(Debug)]
pub struct Judged {
    /// What was concluded.
    pub decision: Decision,
    /// What was learned.
    pub dossier: Dossier,
    /// When.
    pub at: Timestamp,
}

/// How a forwarded request ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The provider took it.
    Published {
        /// The provider's status.
        status: u16,
        /// The id it gave.
        published_id: Option<String>,
    },
    /// The provider refused it.
    RefusedByProvider {
        /// The provider's status.
        status: u16,
    },
    /// Not a byte of it left.
    NotSent {
        /// Why, by stable code.
        code: &'static str,
    },
    /// 不明: it may or may not have been published.
    Unknown {
        /// Why, by stable code.
        code: &'static str,
    },
}

impl Outcome {
    /// The stable name.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Published { .. } => "published",
            Self::RefusedByProvider { .. } => "refused-by-provider",
            Self::NotSent { .. } => "not-sent",
            Self::Unknown { .. } => "unknown",
        }
    }
}

/// What is learned from a provider's answer and recorded with the outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Learned {
    /// A medium's id and hash are bound (one-shot, or at finalize).
    Media(super::media::MediaRecord),
    /// A part of a chunked upload was taken by the provider.
    Segment(super::media::Segment),
    /// An account's credential was renewed. It is durable before it is shown to the provider.
    Credential(Box<super::credential::SealedCredential>),
    /// An allowance of the provider is running low.
    Budget(Box<super::budget::Budget>),
    /// A step of an upload is kept, for the release of the post that shows its medium.
    Kept(Box<super::kept::KeptStep>),
    /// A container was made by the request whose outcome this is.
    Container(Box<super::container::Container>),
    /// A post of this account now exists under this id, so that a reply to it continues the account's own thread.
    Published {
        /// The account.
        account: AccountId,
        /// The provider's id.
        id: String,
    },
}
