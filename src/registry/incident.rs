//! Who has a part in an incident (練馬 第15条, 長野 6): the offices that are told, instruct and acknowledge.

use jiff::civil::Date;

use crate::domain::account::AccountId;
use crate::domain::person::PersonId;
use crate::domain::registry::{Book, PositionId};

/// The heads of the offices that an incident of the account is reported to, each once: public relations, and the
/// position that the body's guideline has consulted (練馬: 情報政策課長), else the account's manager.
pub fn offices(book: &Book, account: &AccountId) -> Vec<PositionId> {
    let Some(charter) = &book.charter else { return Vec::new() };
    let manager = || book.records.get(account).map(|record| record.manager.clone());
    let mut offices = vec![charter.accounts.clone()];
    offices.extend(charter.consulted.clone().or_else(manager));
    offices.dedup();
    offices
}

/// Whether the person heads one of the offices on that day, or decides in its head's place: who may instruct.
pub fn heads(book: &Book, person: &PersonId, offices: &[PositionId], day: Date) -> bool {
    let holding = book.holding(person, day);
    offices.iter().any(|office| book.holder(office, day) == Some(person) || holding.deputises.contains(office))
}

/// The offices that the person works in on that day, or decides for: in whose name the person may acknowledge.
pub fn works_in<'o>(book: &Book, person: &PersonId, offices: &'o [PositionId], day: Date) -> Vec<&'o PositionId> {
    let holding = book.holding(person, day);
    let section = |office: &PositionId| book.positions.get(office).and_then(|it| it.section.clone());
    let of = |office: &&PositionId| {
        holding.positions.contains(office)
            || holding.deputises.contains(office)
            || section(office).is_some_and(|section| holding.sections.contains(&section))
    };
    offices.iter().filter(of).collect()
}
