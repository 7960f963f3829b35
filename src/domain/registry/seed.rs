//! The initial state: what a configuration declares of a body, as records of the registry.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::civil::Date;

use super::account::AccountRecord;
use super::charter::Charter;
use super::item::Item;
use super::office::{Appointment, Position, Section};
use super::provider::{ProviderRecord, ProviderState};
use super::{PositionId, SectionId, Span};
use crate::domain::account::{Account, ProviderId};
use crate::domain::person::Person;

/// How titles of sections end.
const SECTIONS: [char; 7] = ['課', '部', '室', '館', '局', '所', '署'];

/// The records that follow from declared accounts, people and recognised providers of one body.
///
/// A person's post (職) becomes a position, and the person its holder; the manager of an account is the position of the
/// declared person. Where that position is shared, or has no name, the account gets one of its own, so that who managed
/// it goes on managing it. A position leads if its title ends in 長. Nothing is made up that was not declared: there are
/// no forms, no operators, no policies, no grants beyond it.
pub fn seed(
    charter: Charter,
    accounts: &[Arc<Account>],
    people: &[Arc<Person>],
    recognised: &[ProviderId],
) -> Vec<Item> {
    let mut positions: BTreeMap<PositionId, Position> =
        charter.positions().into_iter().map(|id| (id.clone(), position(&id, true))).collect();
    let mut appointments = Vec::new();
    // Since when is not declared: always, as far as is known.
    let span = Span { from: Date::constant(1, 1, 1), until: None };
    for person in people {
        let id = title(person);
        let leads = id.as_str().ends_with('長');
        positions.entry(id.clone()).or_insert_with(|| position(&id, leads));
        appointments.push(Appointment { person: person.id.clone(), position: id, span });
    }
    let mut records = Vec::new();
    for account in accounts {
        let id = manager_of(account, people);
        if let Some(own) = id.as_ref().filter(|id| !positions.contains_key(id)) {
            positions.insert(own.clone(), position(own, true));
            appointments.push(Appointment { person: account.manager.clone(), position: own.clone(), span });
        }
        // A manager who is nobody of this body is a vacancy.
        let manager = id.unwrap_or_else(|| PositionId::new(format!("アカウント管理者（{}）", account.id)));
        let section = positions.get(&manager).and_then(|it| it.section.clone());
        records.push(AccountRecord {
            account: account.id.clone(),
            opener: manager.clone(),
            manager,
            section,
            purpose: String::new(),
            topics: Vec::new(),
            closed_audience: false,
            application: None,
            policy_base: None,
            delegable: Vec::new(),
            pending: None,
            notice: None,
            suspended_because: None,
        });
    }
    let sections: BTreeSet<SectionId> = positions.values().filter_map(|it| it.section.clone()).collect();
    let head = |id: &SectionId| positions.values().find(|it| it.leads && it.section.as_ref() == Some(id));
    let sections: Vec<Item> = sections
        .iter()
        .map(|id| Section { id: id.clone(), department: None, head: head(id).map(|it| it.id.clone()) })
        .map(Item::Section)
        .collect();
    let mut items = vec![Item::Charter(charter)];
    items.extend(sections);
    items.extend(positions.into_values().map(Item::Position));
    items.extend(appointments.into_iter().map(Item::Appointment));
    items.extend(records.into_iter().map(Item::Account));
    items.extend(recognised.iter().map(|id| Item::Provider(declared(id))));
    items
}

/// The position whose declared holder manages the account; one of its own where several share the title.
fn manager_of(account: &Account, people: &[Arc<Person>]) -> Option<PositionId> {
    let manager = people.iter().find(|person| person.id == account.manager)?;
    let position = title(manager);
    let alone = people.iter().filter(|person| title(person) == position).count() == 1;
    Some(if alone { position } else { PositionId::new(format!("{position}（{}）", account.id)) })
}

fn title(person: &Person) -> PositionId {
    let post = person.post.trim();
    PositionId::new(if post.is_empty() { "職員" } else { post })
}

fn position(id: &PositionId, leads: bool) -> Position {
    Position { id: id.clone(), section: section_in(id.as_str()), leads }
}

/// The section that a title names: 広聴広報課 of 広聴広報課長 and of 広聴広報課主事; none of 当直.
fn section_in(title: &str) -> Option<SectionId> {
    let (at, last) = title.char_indices().rev().find(|(_, c)| SECTIONS.contains(c))?;
    let section = title.get(..at + last.len_utf8())?;
    (section.chars().count() > 1).then(|| SectionId::new(section))
}

fn declared(id: &ProviderId) -> ProviderRecord {
    ProviderRecord {
        provider: id.clone(),
        state: ProviderState::Approved,
        application: None,
        review: None,
        decision: None,
        conditions: Vec::new(),
        standard: None,
        review_by: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_names_its_section() {
        let cases = [
            ("広聴広報課長", Some("広聴広報課")),
            ("広報広聴課主事", Some("広報広聴課")),
            ("図書館長", Some("図書館")),
            ("企画部長", Some("企画部")),
            ("区長室長", Some("区長室")),
            ("企画部広報課長", Some("企画部広報課")),
            ("課長", None),
            ("当直", None),
        ];
        for (title, section) in cases {
            assert_eq!(section_in(title).map(|it| it.to_string()).as_deref(), section, "{title}");
        }
    }
}
