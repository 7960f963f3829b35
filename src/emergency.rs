//! Emergency declarations (緊急時の宣言): built from what a person asks for, with an end that cannot be left out.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::account::AccountId;
use crate::domain::clock::for_people;
use crate::domain::decision::Refusal;
use crate::domain::emergency::{Emergency, EmergencyId};
use crate::domain::person::Person;
use crate::domain::ports::Registry;

/// Longest reason, in characters.
const LONGEST_REASON: usize = 1000;

/// What a person asks for. `for_s` or `until`, and exactly one of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Why. Sealed in the entry's payload.
    pub reason: String,
    /// The accounts to open.
    pub accounts: Vec<AccountId>,
    /// For how many seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_s: Option<u64>,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Whether it is a drill, whose posts never reach a provider.
    #[serde(default)]
    pub drill: bool,
}

/// The declaration that `person` asks for at `now`, or why it cannot be made.
///
/// Refused codes: `declare-not-allowed`, `declare-reason`, `declare-accounts`, `declare-end`. Who may declare is
/// checked again in the store.
pub fn declaration(
    request: Request,
    person: &Person,
    id: EmergencyId,
    config: &crate::config::emergency::Emergency,
    registry: &dyn Registry,
    now: Timestamp,
) -> Result<Emergency, Refusal> {
    if !person.may_declare {
        return Err(Refusal::refused(
            "declare-not-allowed",
            "緊急時の宣言を行う権限がありません。",
            "The person may not declare an emergency.",
            "災害対策本部または宣言の権限を持つ職員にご連絡ください。",
        ));
    }
    let reason = request.reason.trim().to_owned();
    if reason.is_empty() || reason.chars().count() > LONGEST_REASON {
        return Err(Refusal::refused(
            "declare-reason",
            "宣言の理由が書かれていないか、長すぎます。",
            "The reason is empty or too long.",
            "理由を1文字以上1000文字以内で書いてください。",
        )
        .status(422));
    }
    let accounts = accounts(request.accounts, person, registry)?;
    let until = end(request.for_s, request.until, config.max_s, now)?;
    Ok(Emergency {
        id,
        organisation: person.organisation.clone(),
        declared_by: person.id.clone(),
        reason,
        accounts,
        drill: request.drill,
        declared: now,
        until,
        ended: None,
    })
}

/// The accounts, each once, all of them the person's own body's.
fn accounts(mut accounts: Vec<AccountId>, person: &Person, registry: &dyn Registry) -> Result<Vec<AccountId>, Refusal> {
    accounts.sort();
    accounts.dedup();
    let own = |id: &AccountId| registry.account(id).is_some_and(|it| it.organisation == person.organisation);
    if accounts.is_empty() || !accounts.iter().all(own) {
        return Err(Refusal::refused(
            "declare-accounts",
            "対象のアカウントが指定されていないか、貴団体のアカウントではないものが含まれています。",
            "No account is named, or one that is not of the person's own body.",
            "登録されているアカウントの名前を指定してください。",
        )
        .status(422));
    }
    Ok(accounts)
}

fn end(for_s: Option<u64>, until: Option<Timestamp>, max_s: u64, now: Timestamp) -> Result<Timestamp, Refusal> {
    let latest = now.checked_add(Duration::from_secs(max_s)).unwrap_or(now);
    let until = match (for_s, until) {
        (Some(seconds), None) => now.checked_add(Duration::from_secs(seconds)).ok(),
        (None, Some(until)) => Some(until),
        (None, None) | (Some(_), Some(_)) => None,
    };
    until.filter(|until| now < *until && *until <= latest).ok_or_else(|| {
        Refusal::refused(
            "declare-end",
            "宣言には終わりの時刻が必要です。過ぎた時刻や、長すぎる期間は指定できません。",
            format!("A declaration needs one end, in the future, at most {max_s} seconds ahead."),
            format!(
                "{}までの時刻を一つ指定してください。続ける必要があるときは、改めて宣言してください。",
                for_people(latest)
            ),
        )
        .status(422)
    })
}

/// What a declaration opens and how it ends, as people read it.
pub fn describe(emergency: &Emergency) -> String {
    let kind = if emergency.drill { "訓練の宣言" } else { "緊急時の宣言" };
    let accounts: Vec<&str> = emergency.accounts.iter().map(AccountId::as_str).collect();
    let state = match emergency.ended {
        Some(ended) => format!("{}に終了しました", for_people(ended)),
        None => format!("{}まで", for_people(emergency.until)),
    };
    format!("{kind} {}: {}（{state}）", emergency.id, accounts.join("、"))
}

#[cfg(test)]
mod tests;
