//! Approvals (承認・決裁): of one post's content, by a person, for an account, in a window, a number of times.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::account::{AccountId, OrganisationId, identifier};
use super::action::Action;
use super::digest::Digest;
use super::person::{ClientId, PersonId};
use super::remarks::Remarks;

identifier!(
    /// An approval's unique name (`jti`).
    ApprovalId
);
identifier!(
    /// A held post's ticket.
    TicketId
);

/// An approval as the store keeps it. The signed form is a statement; this row decides *once*.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Unique name.
    pub id: ApprovalId,
    /// The account it is for.
    pub account: AccountId,
    /// The actions it covers.
    pub actions: Vec<Action>,
    /// The post it covers.
    pub digest: Digest,
    /// First moment at which it may be used.
    pub not_before: Timestamp,
    /// First moment at which it may no longer be used.
    pub expires: Timestamp,
    /// How often it may be used.
    pub max_uses: u32,
    /// Who approved.
    pub approver: PersonId,
    /// Who signed the statement: this gateway or a listed outside issuer.
    pub issuer: String,
    /// Category claimed for it.
    #[serde(default)]
    pub category: Option<String>,
    /// The outside reference, such as a 決裁番号.
    #[serde(default)]
    pub reference: Option<String>,
    /// What the approver states with it.
    #[serde(default, skip_serializing_if = "Remarks::is_empty")]
    pub remarks: Remarks,
}

/// How the issuer of an approval begins that was derived from a publish event of a body's content management system.
pub const PUBLISH_EVENT: &str = "publish-event:";

impl Approval {
    /// Whether it was derived from a publish event (長野 2(8): みなし決裁).
    pub fn is_publish_event(&self) -> bool {
        self.issuer.starts_with(PUBLISH_EVENT)
    }
}

/// What the store knows of an approval's use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownApproval {
    /// The approval.
    pub approval: Approval,
    /// How often it was used.
    pub uses: u32,
    /// Whether it was revoked.
    pub revoked: bool,
}

/// A held post (保留) that waits for an approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// Its id, as the refusal names it.
    pub id: TicketId,
    /// The body.
    pub organisation: OrganisationId,
    /// The tool that sent it; the same digest from the same client joins the same ticket.
    pub client: ClientId,
    /// The person who answers for the tool, who may not approve.
    pub author: PersonId,
    /// The account.
    pub account: AccountId,
    /// The action.
    pub action: Action,
    /// The post.
    pub digest: Digest,
    /// When it was first held.
    pub opened: Timestamp,
    /// Where it stands.
    pub state: TicketState,
}

/// Where a ticket stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TicketState {
    /// Waiting for an approver.
    Waiting,
    /// Approved; the client may send again.
    Approved,
    /// 差戻し: to be changed.
    Returned,
    /// 却下: not to be published.
    Rejected,
}

impl TicketState {
    /// The stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Approved => "approved",
            Self::Returned => "returned",
            Self::Rejected => "rejected",
        }
    }
}

/// By what right a post asks to pass the approver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pass {
    /// An approval over this very digest.
    Approved {
        /// The approval.
        approval: Box<Approval>,
        /// Which use of it was free when it was looked up, from 1. The store takes the next free one.
        use_number: u32,
        /// Whether it came with the request and is not in the store yet.
        deposit: bool,
    },
    /// The client sends again, under its own retry key, what an entry of unknown outcome already covers.
    Resend {
        /// The log index of that entry.
        entry: u64,
    },
    /// The post was judged when it was put into a container, and an entry covers it; this publishes the container.
    Followed(Box<super::container::KnownContainer>),
    /// An exemption (ただし書).
    Exempt(super::exemption::Exemption),
    /// Nothing.
    None,
}
