//! Which approval a request shows: by header, or found by digest.

use jiff::Timestamp;

use crate::domain::account::AccountId;
use crate::domain::action::Action;
use crate::domain::approval::Pass;
use crate::domain::decision::Refusal;
use crate::domain::digest::Digest;
use crate::domain::person::PersonId;
use crate::domain::ports::Approvals;

pub mod signed;

/// What an approval must cover.
#[derive(Clone, Copy, Debug)]
pub struct Sought<'a> {
    /// The account.
    pub account: &'a AccountId,
    /// The action.
    pub action: Action,
    /// The post.
    pub digest: &'a Digest,
    /// The client's owner, who may not be the approver.
    pub author: &'a PersonId,
    /// When.
    pub now: Timestamp,
}

/// The approval for this post: the one in the `Sekisho-Approval` header, else a deposited one with its digest, else
/// `Pass::None`. A header that does not fit is refused with the reason; it never falls back to the store.
pub fn approval(
    sought: Sought<'_>,
    header: Option<&str>,
    issuers: &signed::Issuers,
    approvals: &dyn Approvals,
) -> Result<Pass, Refusal> {
    let _ = (sought, header, issuers, approvals);
    todo!("helper F")
}
