//! Sources for quotation and following (練馬 第13条, 長野 4(12)), and contractors (練馬 第18条第1項).

use super::{Hearing, rules, said};
use crate::domain::account::AccountId;
use crate::domain::registry::{Asked, Contractor, Item, Pattern, Source, SourceClass, SourceUse, Written};

pub(super) fn hear(hearing: &mut Hearing<'_>, asked: &Asked) -> Written {
    let written = match asked {
        Asked::Source(source) => enter(hearing, source.clone()),
        Asked::EndSource { id } => {
            let known = hearing.book.sources.get(id);
            hearing.must(known.is_some(), &rules::KNOWN);
            known.map(|it| Source { withdrawn: true, ..Source::clone(it) }).map(|source| {
                by_manager(hearing, source.account.as_ref());
                Written::item(Item::Source(source))
            })
        }
        Asked::Contractor(contractor) => Some(engage(hearing, contractor.clone())),
        Asked::EndContractor { id } => {
            let known = hearing.book.contractors.get(id);
            hearing.must(known.is_some(), &rules::KNOWN);
            known.map(|it| Contractor { withdrawn: true, ..Contractor::clone(it) }).map(|contractor| {
                supervises(hearing, &contractor);
                Written::item(Item::Contractor(contractor))
            })
        }
        _ => None,
    };
    written.unwrap_or_default()
}

/// Asks for the account's manager; for a source of every account, the head of public relations.
fn by_manager(hearing: &mut Hearing<'_>, account: Option<&AccountId>) {
    let position = match account {
        Some(id) => hearing.account(id).map(|(_, record)| record.manager),
        None => Some(hearing.charter.accounts.clone()),
    };
    let is = position.is_some_and(|position| hearing.holds(&position));
    hearing.must(is, &rules::SOURCE_BY);
}

fn enter(hearing: &mut Hearing<'_>, source: Source) -> Option<Written> {
    by_manager(hearing, source.account.as_ref());
    let sound = said(source.id.as_str())
        && !source.id.as_str().starts_with("own:")
        && !source.names.is_empty()
        && source.names.iter().all(|name| said(name.trim_start_matches('@')))
        && !source.uses.is_empty()
        && source.span.is_sound();
    hearing.must(sound, &rules::SOUND);
    // One that belongs to an account cannot be taken over by another's manager under the same id.
    let same = hearing.book.sources.get(&source.id).is_none_or(|old| old.account == source.account);
    hearing.must(same, &rules::SOUND);
    let listed = is_listed(hearing.charter.pattern, &source);
    hearing.must(listed, &rules::SOURCE_CLASS);
    let (evidence, ends, about) = (said(&source.evidence), source.span.until.is_some(), said(&source.about));
    match source.class {
        SourceClass::Government | SourceClass::Funded | SourceClass::Transport => {
            hearing.must(evidence, &rules::SOURCE_PUBLIC)
        }
        SourceClass::Own => hearing.must(false, &rules::SOURCE_OWN),
        SourceClass::Contractor => hearing.must(evidence && ends && about, &rules::SOURCE_CONTRACT),
        SourceClass::FacilityManager => hearing.must(ends && about, &rules::SOURCE_FACILITY),
        SourceClass::Sponsored => hearing.must(evidence && ends && about, &rules::SOURCE_SPONSORED),
        SourceClass::Judged => {
            let in_person = !hearing.deputy;
            hearing.must(said(&source.reason) && in_person, &rules::SOURCE_JUDGED)
        }
    };
    Some(Written::item(Item::Source(source)))
}

/// Whether the guideline lists the class for these uses.
fn is_listed(pattern: Pattern, source: &Source) -> bool {
    let follows = source.uses.contains(&SourceUse::Follow);
    match (pattern, source.class) {
        (Pattern::Nerima, SourceClass::Funded | SourceClass::Transport) => false,
        (Pattern::Nagano, SourceClass::Contractor | SourceClass::Sponsored) => !follows,
        (_, _) => true,
    }
}

fn supervises(hearing: &mut Hearing<'_>, contractor: &Contractor) {
    let head = hearing.charter.accounts.clone();
    let is = hearing.holds(&contractor.supervisor) || hearing.holds(&head);
    hearing.must(is, &rules::CONTRACTOR_BY);
}

fn engage(hearing: &mut Hearing<'_>, contractor: Contractor) -> Written {
    supervises(hearing, &contractor);
    // Who supervises it today may hand it over, nobody else may take it.
    if let Some(old) = hearing.book.contractors.get(&contractor.id) {
        supervises(hearing, &Contractor::clone(old));
    }
    let leads = hearing.book.positions.get(&contractor.supervisor).is_some_and(|it| it.leads);
    let held = hearing.book.holder(&contractor.supervisor, hearing.day).is_some();
    hearing.must(leads && held, &rules::CONTRACTOR_SUPERVISED);
    let complete = [contractor.id.as_str(), &contractor.name, &contractor.contract].iter().all(|it| said(it))
        && contractor.span.is_sound()
        && contractor.span.until.is_some()
        && !contractor.clients.is_empty()
        && !contractor.accounts.is_empty();
    hearing.must(complete, &rules::CONTRACTOR_END);
    let own = contractor.accounts.iter().all(|it| hearing.book.accounts.contains_key(it));
    hearing.must(own, &rules::KNOWN);
    Written::item(Item::Contractor(contractor))
}
