//! An account's life after its opening: change, suspension, notice, closing, archive (練馬 第17条, 長野 2(6)).

use jiff::civil::Date;

use super::account::open;
use super::{Hearing, rules, said};
use crate::domain::account::{Account, AccountId, AccountState};
use crate::domain::registry::account::{AccountRecord, Notice, PendingChange};
use crate::domain::registry::{Asked, Item, Pattern, Written};

pub(super) fn hear(hearing: &mut Hearing<'_>, asked: &Asked) -> Written {
    let written = match asked {
        Asked::ChangeAccount { account, purpose, topics, reason } => change(hearing, account, purpose, topics, reason),
        Asked::SuspendAccount { account, reason } => suspend(hearing, account, reason),
        Asked::ResumeAccount { account, reason } => resume(hearing, account, reason),
        Asked::NotifyClosing { account, closing, reason } => notify(hearing, account, *closing, reason),
        Asked::CloseAccount { account } => close(hearing, account),
        Asked::ArchiveAccount { account, reason } => archive(hearing, account, reason),
        _ => None,
    };
    written.unwrap_or_default()
}

fn both(account: Account, record: AccountRecord) -> Written {
    Written { items: vec![Item::Account(record)], accounts: vec![account], people: Vec::new() }
}

fn change(
    hearing: &mut Hearing<'_>,
    id: &AccountId,
    purpose: &str,
    topics: &[String],
    reason: &str,
) -> Option<Written> {
    let (account, mut record) = hearing.account(id)?;
    let is = hearing.holds(&record.manager);
    hearing.must(is, &rules::MANAGER);
    hearing.must(said(purpose) && said(reason), &rules::FORM);
    open(hearing, &account);
    // In Nagano the form is an application, which the official accounts' manager approves; elsewhere the manager sets it.
    if hearing.charter.pattern == Pattern::Nagano {
        record.pending = Some(PendingChange {
            by: hearing.by.clone(),
            at: hearing.now,
            purpose: purpose.to_owned(),
            topics: topics.to_vec(),
            reason: reason.to_owned(),
        });
    } else {
        record.purpose = purpose.to_owned();
        record.topics = topics.to_vec();
    }
    Some(Written::item(Item::Account(record)))
}

/// The manager, or the head of public relations for the whole body.
fn manages(hearing: &mut Hearing<'_>, record: &AccountRecord) {
    let head = hearing.charter.accounts.clone();
    let is = hearing.holds(&record.manager) || hearing.holds(&head);
    hearing.must(is, &rules::MANAGER);
}

fn suspend(hearing: &mut Hearing<'_>, id: &AccountId, reason: &str) -> Option<Written> {
    let (mut account, mut record) = hearing.account(id)?;
    manages(hearing, &record);
    hearing.must(said(reason), &rules::SOUND);
    hearing.must(account.state == AccountState::Active, &rules::IN_USE);
    account.state = AccountState::Suspended;
    record.suspended_because = Some(reason.to_owned());
    Some(both(account, record))
}

fn resume(hearing: &mut Hearing<'_>, id: &AccountId, reason: &str) -> Option<Written> {
    let (mut account, mut record) = hearing.account(id)?;
    manages(hearing, &record);
    hearing.must(said(reason), &rules::SOUND);
    hearing.must(account.state == AccountState::Suspended, &rules::SUSPENDED);
    account.state = AccountState::Active;
    record.suspended_because = None;
    Some(both(account, record))
}

fn notify(hearing: &mut Hearing<'_>, id: &AccountId, closing: Date, reason: &str) -> Option<Written> {
    let (account, mut record) = hearing.account(id)?;
    let is = hearing.holds(&record.manager);
    hearing.must(is, &rules::NOTICE_BY);
    hearing.must(said(reason), &rules::FORM);
    hearing.must(account.state != AccountState::Closed, &rules::NOT_OVER);
    hearing.must(closing > hearing.day, &rules::NOTICE_AHEAD);
    let (by, at) = (hearing.by.clone(), hearing.now);
    record.notice = Some(Notice { by, at, closing, reason: reason.to_owned(), decision: None });
    Some(Written::item(Item::Account(record)))
}

fn close(hearing: &mut Hearing<'_>, id: &AccountId) -> Option<Written> {
    let (mut account, record) = hearing.account(id)?;
    let is = hearing.holds(&record.manager);
    hearing.must(is, &rules::CLOSER);
    hearing.must(account.state != AccountState::Closed, &rules::NOT_OVER);
    let come = record.notice.as_ref().is_some_and(|it| it.closing <= hearing.day);
    hearing.must(come, &rules::NOTICE_THERE);
    approved(hearing, &record);
    account.state = AccountState::Closed;
    Some(both(account, record))
}

fn archive(hearing: &mut Hearing<'_>, id: &AccountId, reason: &str) -> Option<Written> {
    let (mut account, record) = hearing.account(id)?;
    let is = hearing.holds(&record.manager);
    hearing.must(is, &rules::CLOSER);
    hearing.must(said(reason), &rules::ARCHIVE_REASON);
    open(hearing, &account);
    hearing.must(account.state != AccountState::Applied, &rules::IN_USE);
    approved(hearing, &record);
    account.state = AccountState::Archived;
    Some(both(account, record))
}

/// Asks that the application to end it was approved, where the guideline wants one (長野 2(6)).
fn approved(hearing: &mut Hearing<'_>, record: &AccountRecord) {
    let judged = record.notice.as_ref().and_then(|it| it.decision.as_ref());
    hearing.must(judged.is_some_and(|it| it.approved), &rules::NOTICE_APPROVED);
}
