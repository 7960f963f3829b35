//! Providers: 申請 → 審査 → 承認・不承認 (練馬 第3条, 第4条), and the standard operating policy.

use super::{Hearing, rules, said};
use crate::domain::account::ProviderId;
use crate::domain::registry::provider::{ProviderApplication, ProviderRecord, Review, StandardPolicy};
use crate::domain::registry::{Asked, Item, ProviderState, Written};

pub(super) fn hear(hearing: &mut Hearing<'_>, asked: &Asked) -> Written {
    let record = match asked {
        Asked::ApplyProvider { provider, purpose } => apply(hearing, provider, purpose),
        Asked::ReviewProvider { provider, review } => reviewed(hearing, provider, review),
        Asked::DecideProvider { provider, approved, reason, .. } => {
            decided(hearing, provider, *approved, reason).map(|mut record| {
                if let Asked::DecideProvider { conditions, review_by, .. } = asked {
                    let later = review_by.is_none_or(|by| by > hearing.day);
                    hearing.must(later, &rules::SOUND);
                    record.conditions.clone_from(conditions);
                    record.review_by = *review_by;
                }
                record
            })
        }
        Asked::SetStandardPolicy { provider, version, document, consulted, opinion } => {
            let own = hearing.charter.accounts.clone();
            let may = hearing.holds(&own);
            hearing.must(may, &rules::STANDARD_BY);
            let today = hearing.day;
            let was = consulted.is_some_and(|day| day <= today) && said(opinion);
            hearing.must(was, &rules::STANDARD_CONSULTED);
            hearing.must(said(version) && said(document), &rules::SOUND);
            known(hearing, provider).map(|mut record| {
                hearing.must(record.state == ProviderState::Approved, &rules::STANDARD_RECOGNISED);
                record.standard = Some(StandardPolicy {
                    version: version.clone(),
                    document: document.clone(),
                    at: hearing.now,
                    consulted: consulted.unwrap_or(today),
                    opinion: opinion.clone(),
                });
                record
            })
        }
        _ => None,
    };
    record.map(|record| Written::item(Item::Provider(record))).unwrap_or_default()
}

fn known(hearing: &mut Hearing<'_>, provider: &ProviderId) -> Option<ProviderRecord> {
    let found = hearing.book.providers.get(provider).cloned();
    hearing.must(found.is_some(), &rules::KNOWN);
    found
}

fn apply(hearing: &mut Hearing<'_>, provider: &ProviderId, purpose: &str) -> Option<ProviderRecord> {
    let position = hearing.leads(None);
    hearing.must(position.is_some(), &rules::PROVIDER_BY_HEAD);
    hearing.must(said(purpose), &rules::SOUND);
    let old = hearing.book.providers.get(provider).cloned();
    let open = old.as_ref().is_none_or(|it| it.state == ProviderState::Denied);
    hearing.must(open, &rules::PROVIDER_OPEN);
    let by = hearing.by.clone();
    Some(ProviderRecord {
        provider: provider.clone(),
        state: ProviderState::Applied,
        application: Some(ProviderApplication {
            by,
            position: position?,
            at: hearing.now,
            purpose: purpose.to_owned(),
        }),
        review: None,
        decision: None,
        conditions: Vec::new(),
        standard: old.and_then(|it| it.standard),
        review_by: None,
    })
}

fn reviewed(hearing: &mut Hearing<'_>, provider: &ProviderId, review: &Review) -> Option<ProviderRecord> {
    let decider = hearing.charter.providers.clone();
    let may = hearing.holds(&decider);
    hearing.must(may, &rules::REVIEW_CONVENER);
    let complete = [&review.versatility, &review.availability, &review.continuity].iter().all(|note| said(note))
        && review.met <= hearing.day;
    hearing.must(complete, &rules::REVIEW_NOTES);
    let members =
        !review.members.is_empty() && review.members.iter().all(|member| hearing.charter.reviewers.contains(member));
    hearing.must(members, &rules::REVIEW_MEMBERS);
    let mut record = known(hearing, provider)?;
    hearing.must(record.state == ProviderState::Applied, &rules::PROVIDER_APPLIED);
    record.state = ProviderState::Reviewed;
    record.review = Some(review.clone());
    Some(record)
}

fn decided(hearing: &mut Hearing<'_>, provider: &ProviderId, approved: bool, reason: &str) -> Option<ProviderRecord> {
    let decider = hearing.charter.providers.clone();
    let may = hearing.holds(&decider);
    hearing.must(may, &rules::PROVIDER_DECIDER);
    hearing.must(said(reason), &rules::SOUND);
    let mut record = known(hearing, provider)?;
    // An approved one can be decided anew: its conditions change, or it is given up. It was reviewed when it was approved.
    let waits = matches!(record.state, ProviderState::Applied | ProviderState::Reviewed | ProviderState::Approved);
    hearing.must(waits, &rules::PROVIDER_APPLIED);
    let heard = matches!(record.state, ProviderState::Reviewed | ProviderState::Approved);
    hearing.must(heard, &rules::PROVIDER_REVIEWED);
    record.state = if approved { ProviderState::Approved } else { ProviderState::Denied };
    record.decision = Some(hearing.judgement(approved, reason));
    Some(record)
}
