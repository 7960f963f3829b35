//! Yearly grants to the representative account (長野 2(4), 様式1) and delegations to operators (練馬 第12条第2項).

use super::{Hearing, rules, said};
use crate::domain::account::{AccountId, AccountKind, AccountState};
use crate::domain::person::PersonId;
use crate::domain::registry::{Asked, Delegation, Grant, Item, RecordId, SectionId, Span, Written, fiscal_year_of};

/// Providers to whose representative account the public relations section posts by request (長野 2(5)).
const BY_REQUEST: [&str; 2] = ["instagram", "youtube"];

pub(super) fn hear(hearing: &mut Hearing<'_>, asked: &Asked) -> Written {
    let written = match asked {
        Asked::ApplyGrant { id, account, section, year } => apply(hearing, id, account, section, *year),
        Asked::DecideGrant { id, approved, reason } => decide(hearing, id, *approved, reason),
        Asked::Delegate { id, account, delegate, categories, span } => {
            delegated(hearing, id, account, delegate, (categories, *span))
        }
        Asked::EndDelegation { id } => end(hearing, id),
        _ => None,
    };
    written.unwrap_or_default()
}

fn apply(
    hearing: &mut Hearing<'_>,
    id: &RecordId,
    account: &AccountId,
    section: &SectionId,
    year: i16,
) -> Option<Written> {
    hearing.must(hearing.book.sections.contains_key(section), &rules::KNOWN);
    let heads = hearing.leads(Some(section)).is_some();
    hearing.must(heads, &rules::GRANT_BY);
    hearing.must(said(id.as_str()) && !hearing.book.grants.contains_key(id), &rules::SOUND);
    let (found, _) = hearing.account(account)?;
    let representative = found.kind == AccountKind::General && found.state == AccountState::Active;
    hearing.must(representative, &rules::GRANT_ACCOUNT);
    hearing.must(!BY_REQUEST.contains(&found.provider.as_str()), &rules::GRANT_BY_REQUEST);
    let this = fiscal_year_of(hearing.day);
    hearing.must(year == this || year == this + 1, &rules::GRANT_YEAR);
    Some(Written::item(Item::Grant(Grant {
        id: id.clone(),
        account: account.clone(),
        section: section.clone(),
        year,
        by: hearing.by.clone(),
        at: hearing.now,
        decision: None,
    })))
}

fn decide(hearing: &mut Hearing<'_>, id: &RecordId, approved: bool, reason: &str) -> Option<Written> {
    let head = hearing.charter.accounts.clone();
    let is = hearing.holds(&head);
    hearing.must(is, &rules::GRANT_DECIDER);
    hearing.must(approved || said(reason), &rules::SOUND);
    let known = hearing.book.grants.get(id);
    hearing.must(known.is_some(), &rules::KNOWN);
    let mut grant = Grant::clone(known?);
    hearing.must(grant.decision.is_none(), &rules::GRANT_WAITING);
    // An application of a year that is over cannot be granted any more.
    hearing.must(!approved || grant.year >= fiscal_year_of(hearing.day), &rules::GRANT_YEAR);
    grant.decision = Some(hearing.judgement(approved, reason));
    Some(Written::item(Item::Grant(grant)))
}

fn delegated(
    hearing: &mut Hearing<'_>,
    id: &RecordId,
    account: &AccountId,
    delegate: &PersonId,
    (categories, span): (&[String], Span),
) -> Option<Written> {
    let (found, record) = hearing.account(account)?;
    let is = hearing.holds(&record.manager);
    hearing.must(is, &rules::DELEGATOR);
    super::account::open(hearing, &found);
    let operator = found.operators.contains(delegate) && hearing.book.is_employed(delegate, hearing.day);
    hearing.must(operator, &rules::DELEGATE);
    let inside = !categories.is_empty() && categories.iter().all(|it| record.delegable.contains(it));
    hearing.must(inside, &rules::DELEGATION_SCOPE);
    let sound = span.is_sound()
        && span.until.is_some_and(|until| until >= hearing.day)
        && said(id.as_str())
        && !hearing.book.delegations.contains_key(id);
    hearing.must(sound, &rules::SOUND);
    Some(Written::item(Item::Delegation(Delegation {
        id: id.clone(),
        account: account.clone(),
        delegate: delegate.clone(),
        categories: categories.to_vec(),
        policy_version: found.operating_policy.map(|it| it.version).unwrap_or_default(),
        span,
        withdrawn: false,
    })))
}

fn end(hearing: &mut Hearing<'_>, id: &RecordId) -> Option<Written> {
    let known = hearing.book.delegations.get(id);
    hearing.must(known.is_some(), &rules::KNOWN);
    let mut delegation = Delegation::clone(known?);
    let (_, record) = hearing.account(&delegation.account)?;
    let is = hearing.holds(&record.manager);
    hearing.must(is, &rules::DELEGATOR);
    delegation.withdrawn = true;
    Some(Written::item(Item::Delegation(delegation)))
}
