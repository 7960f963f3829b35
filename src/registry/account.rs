//! Opening an account (第2号様式, 様式2), and what its manager sets: operating policy and operators.

use super::{Hearing, rules, said};
use crate::domain::account::{Account, AccountId, AccountKind, AccountState, OperatingPolicy};
use crate::domain::person::PersonId;
use crate::domain::registry::account::{AccountRecord, Application, Consultation};
use crate::domain::registry::{Asked, Item, PositionId, Written};

pub(super) fn hear(hearing: &mut Hearing<'_>, asked: &Asked) -> Written {
    match asked {
        Asked::ApplyAccount { .. } => apply(hearing, asked).unwrap_or_default(),
        Asked::ConsultAccount { account, opinion } => consult(hearing, account, opinion).unwrap_or_default(),
        Asked::DecideAccount { account, approved, reason } => {
            decide(hearing, account, *approved, reason).unwrap_or_default()
        }
        Asked::SetManager { account, position } => {
            let Some((account, record)) = hearing.account(account) else { return Written::default() };
            let derived = derived(hearing, account.kind, &record.opener);
            hearing.must(derived == *position, &rules::DERIVED);
            Written::item(Item::Account(AccountRecord { manager: derived, ..record }))
        }
        Asked::SetPolicy { account, policy, base, delegable } => {
            set_policy(hearing, account, policy, base.as_deref(), delegable).unwrap_or_default()
        }
        Asked::SetOperators { account, operators } => set_operators(hearing, account, operators).unwrap_or_default(),
        _ => Written::default(),
    }
}

/// Who manages an account: for one of the whole body the head of public relations, else who opened it (練馬 第7条).
fn derived(hearing: &Hearing<'_>, kind: AccountKind, opener: &PositionId) -> PositionId {
    match kind {
        AccountKind::General => hearing.charter.accounts.clone(),
        AccountKind::Individual => opener.clone(),
    }
}

fn apply(hearing: &mut Hearing<'_>, asked: &Asked) -> Option<Written> {
    let Asked::ApplyAccount {
        account: id,
        provider,
        handle,
        kind,
        purpose,
        topics,
        closed_audience,
        policy,
        policy_base,
        operators,
    } = asked
    else {
        return None;
    };
    let position = hearing.leads(None);
    hearing.must(position.is_some(), &rules::OPENER);
    if *kind == AccountKind::General {
        let head = hearing.charter.accounts.clone();
        let is = hearing.holds(&head);
        hearing.must(is, &rules::GENERAL);
    }
    let recognised = hearing.book.provider(provider, hearing.day);
    hearing.must(recognised.is_recognised(), &rules::RECOGNISED);
    hearing.must(said(handle) && said(purpose), &rules::FORM);
    hearing.must(policy.is_some(), &rules::WITH_POLICY);
    let current = recognised.standard_policy.is_none_or(|version| policy_base.as_ref() == Some(&version));
    hearing.must(policy.is_none() || current, &rules::POLICY_BASE);
    employed(hearing, operators);
    hearing.must(is_free(hearing, id), &rules::FREE);
    // An application that was denied may be handed in again, by anyone who may apply.
    let old = hearing.book.records.get(id);
    let opener = if *kind == AccountKind::General { hearing.charter.accounts.clone() } else { position? };
    let manager = derived(hearing, *kind, &opener);
    let holder = hearing.book.holder(&manager, hearing.day).cloned().unwrap_or_else(PersonId::nobody);
    let section = hearing.book.positions.get(&opener).and_then(|it| it.section.clone());
    let record = AccountRecord {
        account: id.clone(),
        opener,
        manager,
        section,
        purpose: purpose.clone(),
        topics: topics.clone(),
        closed_audience: *closed_audience,
        application: Some(Application { by: hearing.by.clone(), at: hearing.now, consultation: None, decision: None }),
        policy_base: policy_base.clone(),
        delegable: old.map(|it| it.delegable.clone()).unwrap_or_default(),
        pending: None,
        notice: None,
        suspended_because: None,
    };
    let organisation = hearing.book.people.get(hearing.by)?.organisation.clone();
    let account = Account {
        id: id.clone(),
        organisation,
        provider: provider.clone(),
        handle: handle.clone(),
        kind: *kind,
        state: AccountState::Applied,
        manager: holder,
        operators: operators.clone(),
        operating_policy: policy.clone(),
        credential_fingerprints: Vec::new(),
        trouble: crate::domain::incident::Trouble::default(),
        observe: None,
    };
    Some(Written { items: vec![Item::Account(record)], accounts: vec![account], people: Vec::new() })
}

/// Whether an account of this name may be applied for: a plain name that begins with the body's, not in use, or one
/// whose application was denied.
fn is_free(hearing: &Hearing<'_>, id: &AccountId) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
    let body = hearing.book.people.get(hearing.by).map(|it| format!("{}-", it.organisation));
    let named = body.is_some_and(|body| id.as_str().len() > body.len() && id.as_str().starts_with(&body));
    let denied =
        |it: &AccountRecord| it.application.as_ref().and_then(|it| it.decision.as_ref()).is_some_and(|it| !it.approved);
    let known = hearing.book.accounts.get(id);
    let again =
        known.is_none_or(|it| it.state == AccountState::Applied) && hearing.book.records.get(id).is_none_or(denied);
    named && again && id.as_str().len() <= 64 && id.as_str().chars().all(plain)
}

fn consult(hearing: &mut Hearing<'_>, id: &AccountId, opinion: &str) -> Option<Written> {
    let is = match hearing.charter.consulted.clone() {
        Some(position) => hearing.holds(&position),
        None => false,
    };
    hearing.must(is, &rules::CONSULTANT);
    hearing.must(said(opinion), &rules::SOUND);
    let (account, mut record) = hearing.account(id)?;
    let waits =
        account.state == AccountState::Applied && record.application.as_ref().is_some_and(|it| it.decision.is_none());
    hearing.must(waits, &rules::WAITING);
    let (by, at) = (hearing.by.clone(), hearing.now);
    record.application.as_mut()?.consultation = Some(Consultation { by, at, opinion: opinion.to_owned() });
    Some(Written::item(Item::Account(record)))
}

fn decide(hearing: &mut Hearing<'_>, id: &AccountId, approved: bool, reason: &str) -> Option<Written> {
    let head = hearing.charter.accounts.clone();
    let is = hearing.holds(&head);
    hearing.must(is, &rules::OPENING_DECIDER);
    hearing.must(approved || said(reason), &rules::SOUND);
    let (account, record) = hearing.account(id)?;
    if account.state != AccountState::Applied {
        return decide_change(hearing, &account, record, approved, reason);
    }
    decide_opening(hearing, account, record, approved, reason)
}

fn decide_opening(
    hearing: &mut Hearing<'_>,
    mut account: Account,
    mut record: AccountRecord,
    approved: bool,
    reason: &str,
) -> Option<Written> {
    let waits = record.application.as_ref().is_some_and(|it| it.decision.is_none());
    hearing.must(waits, &rules::WAITING);
    if approved {
        let provider = hearing.book.provider(&account.provider, hearing.day);
        hearing.must(provider.is_recognised(), &rules::RECOGNISED);
        hearing.must(provider.standard_policy.is_some(), &rules::STANDARD_THERE);
        let current = provider.standard_policy.is_none() || provider.standard_policy == record.policy_base;
        hearing.must(current, &rules::POLICY_BASE);
        let consulted = record.application.as_ref().is_some_and(|it| it.consultation.is_some());
        hearing.must(consulted, &rules::CONSULTED);
        hearing.must(account.operating_policy.is_some(), &rules::WITH_POLICY);
        hearing.must(!account.operators.is_empty(), &rules::OPERATORS);
        employed(hearing, &account.operators);
        account.state = AccountState::Active;
    }
    let judgement = hearing.judgement(approved, reason);
    record.application.as_mut()?.decision = Some(judgement);
    let accounts = if approved { vec![account] } else { Vec::new() };
    Some(Written { items: vec![Item::Account(record)], accounts, people: Vec::new() })
}

/// A change of purpose or a closing that waits (長野 2(6), 様式2（変更・廃止）).
fn decide_change(
    hearing: &mut Hearing<'_>,
    account: &Account,
    mut record: AccountRecord,
    approved: bool,
    reason: &str,
) -> Option<Written> {
    let judgement = hearing.judgement(approved, reason);
    let over = matches!(account.state, AccountState::Closed);
    if let Some(pending) = record.pending.take().filter(|_| !over) {
        if approved {
            record.purpose = pending.purpose;
            record.topics = pending.topics;
        }
        return Some(Written::item(Item::Account(record)));
    }
    let notice = record.notice.as_mut().filter(|it| it.decision.is_none() && !over);
    hearing.must(notice.is_some(), &rules::WAITING);
    notice?.decision = Some(judgement);
    Some(Written::item(Item::Account(record)))
}

fn set_policy(
    hearing: &mut Hearing<'_>,
    id: &AccountId,
    policy: &OperatingPolicy,
    base: Option<&str>,
    delegable: &[String],
) -> Option<Written> {
    let (mut account, mut record) = hearing.account(id)?;
    let is = hearing.holds(&record.manager);
    hearing.must(is, &rules::POLICY_BY);
    open(hearing, &account);
    hearing.must(said(&policy.version) && delegable.iter().all(|it| said(it)), &rules::SOUND);
    let same =
        |old: &OperatingPolicy| old.version != policy.version || (old == policy && record.delegable == delegable);
    let version = account.operating_policy.as_ref().is_none_or(same);
    hearing.must(version, &rules::POLICY_VERSION);
    let standard = hearing.book.provider(&account.provider, hearing.day).standard_policy;
    let current = standard.is_none_or(|version| base == Some(version.as_str()));
    hearing.must(current, &rules::POLICY_BASE);
    account.operating_policy = Some(policy.clone());
    record.policy_base = base.map(str::to_owned);
    record.delegable = delegable.to_vec();
    Some(Written { items: vec![Item::Account(record)], accounts: vec![account], people: Vec::new() })
}

fn set_operators(hearing: &mut Hearing<'_>, id: &AccountId, operators: &[PersonId]) -> Option<Written> {
    let (mut account, record) = hearing.account(id)?;
    let is = hearing.holds(&record.manager);
    hearing.must(is, &rules::OPERATORS_BY);
    open(hearing, &account);
    hearing.must(!operators.is_empty(), &rules::OPERATORS);
    employed(hearing, operators);
    account.operators = operators.to_vec();
    Some(Written { items: vec![Item::Account(record)], accounts: vec![account], people: Vec::new() })
}

/// Asks that every operator works for the body (練馬 第12条第1項: 職員).
fn employed(hearing: &mut Hearing<'_>, operators: &[PersonId]) {
    let all = operators.iter().all(|it| hearing.book.is_employed(it, hearing.day));
    hearing.must(all, &rules::OPERATORS_WORK);
}

/// Asks that the account's life is not over.
pub(super) fn open(hearing: &mut Hearing<'_>, account: &Account) {
    hearing.must(account.state != AccountState::Closed, &rules::NOT_OVER);
    hearing.must(account.state != AccountState::Archived, &rules::NOT_ARCHIVED);
}
