//! A request that holds several: each item is judged as if it had come alone, and the whole is refused if one is.

use crate::domain::decision::{Permit, Refusal, RefusalKind};
use crate::extract::batch::{Item, numbered};
use crate::guideline::{self, Around, Case, Guidelines};

/// Judges a request, and each request that it holds.
///
/// # Errors
/// The first final refusal, else the first hold; of an item, it says of which.
pub fn decide(guidelines: &Guidelines, case: Case<'_>, items: &[Item]) -> Result<Permit, Box<Refusal>> {
    let mut held = None;
    let mut permits = Vec::new();
    let mut keep = |result: Result<Permit, Refusal>| match result {
        Ok(permit) => {
            permits.push(permit);
            Ok(())
        }
        Err(refusal) if refusal.kind == RefusalKind::Held => {
            held.get_or_insert(refusal);
            Ok(())
        }
        Err(refusal) => Err(Box::new(refusal)),
    };
    keep(guideline::decide(guidelines, case))?;
    for (number, item) in items.iter().enumerate() {
        // What an item is about is its own; none of several is known to be the account's.
        let around = Around { own_target: false, ..case.around.clone() };
        let of = Case { action: item.action, post: &item.post, around: &around, ..case };
        keep(guideline::decide(guidelines, of).map_err(|refusal| numbered(refusal, number, items.len())))?;
    }
    if let Some(held) = held {
        return Err(Box::new(held));
    }
    let mut permits = permits.into_iter();
    // The request itself was judged first, so there is one.
    let mut permit = permits.next().ok_or_else(|| Box::new(super::sentence::internal()))?;
    for other in permits {
        for clause in other.clauses.into_iter().filter(|clause| !permit.clauses.contains(clause)).collect::<Vec<_>>() {
            permit.clauses.push(clause);
        }
        for duty in other.obligations {
            if !permit.obligations.contains(&duty) {
                permit.obligations.push(duty);
            }
        }
    }
    Ok(permit)
}

/// The refusal of an exemption that is claimed for several posts at once.
pub fn no_exemption() -> Refusal {
    Refusal::refused(
        "batch-exempt",
        "まとめて送られた操作には、ひな形や運用ポリシーによる例外を使えません。",
        "An exemption by template or operating policy is for one post.",
        "投稿を一つずつ送信してください。",
    )
}
