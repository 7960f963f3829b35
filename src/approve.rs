//! Which approval a request shows: by header, or found by digest.

use http::HeaderMap;
use jiff::Timestamp;

use crate::domain::account::AccountId;
use crate::domain::action::Action;
use crate::domain::approval::{Approval, KnownApproval, Pass};
use crate::domain::decision::Refusal;
use crate::domain::digest::Digest;
use crate::domain::person::PersonId;
use crate::domain::ports::{Approvals, Unavailable};

pub mod claims;
pub mod event;
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

/// The header that carries a signed approval.
pub const APPROVAL_HEADER: &str = "sekisho-approval";

/// The one `Sekisho-Approval` header of a request; two of them, or one that is not ASCII, are refused.
pub fn header(headers: &HeaderMap) -> Result<Option<&str>, Refusal> {
    let mut values = headers.get_all(APPROVAL_HEADER).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(signed::malformed("it stands in more than one header"));
    }
    value.to_str().map(Some).map_err(|_| signed::malformed("the header is not ASCII"))
}

/// The approval for this post: the one in the `Sekisho-Approval` header, else a deposited one with its digest, else
/// `Pass::None`. A header that does not fit is refused with the reason; it never falls back to the store.
///
/// The author may not be the approver (C6: decided on the person). What is found here is checked again when it is
/// spent, in the transaction of the entry.
pub fn approval(
    sought: Sought<'_>,
    header: Option<&str>,
    issuers: &signed::Issuers,
    approvals: &dyn Approvals,
) -> Result<Pass, Refusal> {
    let pass = approval_by_anyone(sought, header, issuers, approvals)?;
    match &pass {
        Pass::Approved { approval, .. } if approval.approver == *sought.author => Err(Refusal::refused(
            "self-approval",
            "投稿の責任者ご本人による承認では発信できません。",
            "The approver is the person who answers for the post.",
            "ほかの承認権者に承認を依頼してください。",
        )
        .citing("sekisho:self-approval")),
        Pass::Approved { .. } | Pass::Resend { .. } | Pass::Followed(_) | Pass::Exempt(_) | Pass::None => Ok(pass),
    }
}

/// The same for a body whose operating policy lets authors approve (自己決裁): the approver may be the author.
pub fn approval_by_anyone(
    sought: Sought<'_>,
    header: Option<&str>,
    issuers: &signed::Issuers,
    approvals: &dyn Approvals,
) -> Result<Pass, Refusal> {
    match header {
        Some(signed) => shown(sought, signed, issuers, approvals),
        None => deposited(sought, approvals),
    }
}

fn deposited(sought: Sought<'_>, approvals: &dyn Approvals) -> Result<Pass, Refusal> {
    let Sought { account, action, digest, author, now } = sought;
    // The author's own approval is no reason to overlook another person's.
    let found = approvals.usable(account, action, digest, now, Some(author)).map_err(unavailable)?;
    let Some(known) = found else { return Ok(Pass::None) };
    // The store was asked for one that fits; a store that errs must not open the gate.
    covers(&known.approval, sought)?;
    in_window(&known.approval, sought.now)?;
    use_of(known)
}

fn shown(
    sought: Sought<'_>,
    signed: &str,
    issuers: &signed::Issuers,
    approvals: &dyn Approvals,
) -> Result<Pass, Refusal> {
    let claims = issuers.verify(signed)?;
    let approval = claims.approval().ok_or_else(|| signed::malformed("the claims state no approval"))?;
    in_window(&approval, sought.now)?;
    if claims.iat > sought.now.as_second() {
        return Err(not_yet());
    }
    covers(&approval, sought)?;
    match approvals.approval(&approval.id).map_err(unavailable)? {
        // An id is one approval for ever: another content under the same id is not the one that was deposited.
        Some(known) if known.approval != approval => Err(signed::malformed("another approval has the same id")),
        Some(known) => use_of(known),
        None => Ok(Pass::Approved { approval: Box::new(approval), use_number: 1, deposit: true }),
    }
}

/// The next use of an approval that the store knows.
fn use_of(known: KnownApproval) -> Result<Pass, Refusal> {
    if known.revoked {
        return Err(Refusal::refused(
            "approval-revoked",
            "この承認は取り消されています。",
            "The approval was revoked.",
            "内容をご確認のうえ、改めて承認を受けてください。",
        )
        .citing("sekisho:promise-2"));
    }
    if known.uses >= known.approval.max_uses {
        return Err(Refusal::refused(
            "approval-spent",
            "この承認はすでに使われています。",
            "The approval has been used as often as it may be.",
            "もう一度発信する場合は、改めて承認を受けてください。",
        )
        .citing("sekisho:promise-2"));
    }
    Ok(Pass::Approved { use_number: known.uses.saturating_add(1), approval: Box::new(known.approval), deposit: false })
}

/// Whether `now` lies in the window of the approval: from `not_before`, before `expires`, with no leeway (C38).
pub fn in_window(approval: &Approval, now: Timestamp) -> Result<(), Refusal> {
    if now >= approval.expires {
        return Err(Refusal::refused(
            "approval-expired",
            format!("この承認は期限（{}）を過ぎています。", crate::domain::clock::for_people(approval.expires)),
            "The approval has expired.",
            "改めて承認を受けてください。",
        )
        .citing("sekisho:promise-2"));
    }
    if now < approval.not_before {
        return Err(not_yet());
    }
    Ok(())
}

fn not_yet() -> Refusal {
    Refusal::refused(
        "approval-not-yet",
        "この承認は、まだ使える時刻になっていません。",
        "The approval is not valid yet.",
        "承認の開始時刻をご確認ください。",
    )
    .citing("sekisho:promise-2")
}

/// Whether the approval is for this account, action and content.
fn covers(approval: &Approval, sought: Sought<'_>) -> Result<(), Refusal> {
    if approval.account != *sought.account {
        return Err(Refusal::refused(
            "approval-other-account",
            "この承認は、別のアカウントでの発信に対するものです。",
            "The approval is for another account.",
            "承認を受けたアカウントで送信するか、このアカウントでの承認を受けてください。",
        )
        .citing("sekisho:promise-2"));
    }
    if !approval.actions.contains(&sought.action) {
        return Err(Refusal::refused(
            "approval-other-action",
            "この承認は、別の操作に対するものです。",
            "The approval is for another action.",
            "この操作についての承認を受けてください。",
        )
        .citing("sekisho:promise-2"));
    }
    if approval.digest != *sought.digest {
        return Err(Refusal::refused(
            "approval-other-post",
            "承認後に内容が変更されています。",
            "The content is not the one that was approved.",
            "承認された内容のまま送信するか、変更後の内容で改めて承認を受けてください。",
        )
        .citing("sekisho:promise-2"));
    }
    Ok(())
}

/// A store that cannot answer is a refusal, never "no approval".
fn unavailable(error: Unavailable) -> Refusal {
    tracing::error!(%error, "approvals cannot be looked up");
    Refusal::refused(
        "store-unavailable",
        "ただいま承認の記録を確認できません。",
        "Approvals cannot be looked up now.",
        "しばらくしてから、もう一度送信してください。続く場合は情報システム担当課にご連絡ください。",
    )
    .status(503)
}

#[cfg(test)]
mod tests;
