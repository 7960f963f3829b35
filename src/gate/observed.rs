//! An account that is only observed: what an enforcing one would refuse passes, and the entry says so.

use jiff::Timestamp;

use super::Rules;
use crate::domain::account::{Account, AccountState};
use crate::domain::clause::Clause;
use crate::domain::clock::in_japan;
use crate::domain::decision::{Obligation, Permit, Refusal};
use crate::domain::dossier::Dossier;
use crate::extract::Extracted;

/// Whether the account is in use and only observed today.
pub(super) fn observes(account: &Account, now: Timestamp) -> bool {
    let today = in_japan(now).date();
    account.observe.is_some_and(|observe| observe.is_sound() && observe.covers(today))
        && account.state == AccountState::Active
}

/// The permission of a post that an enforcing account would refuse, while the account is observed. A post with a field
/// that nobody maps is refused all the same: without an approval nobody looked at it.
///
/// # Errors
/// The refusal, where it stands in any case.
pub(super) fn observed(
    rules: &Rules,
    account: &Account,
    extracted: &Extracted,
    refusal: Box<Refusal>,
    now: Timestamp,
    dossier: &mut Dossier,
) -> Result<Permit, Box<Refusal>> {
    if !observes(account, now)
        || !extracted.post.rest.is_empty()
        || !rules.guidelines.may_observe(&account.organisation, &refusal)
    {
        return Err(refusal);
    }
    dossier.would_refuse = Some(refusal);
    let mark = Obligation::Mark { mark: "observe".to_owned() };
    let clauses = vec![Clause::new("sekisho:observe")];
    Ok(Permit { rule: "sekisho.observe".to_owned(), clauses, obligations: vec![mark] })
}
