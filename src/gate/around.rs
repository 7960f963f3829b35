//! What the guideline asks beside the post: how the account stands in its body's registry, and what is taken back.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;

use super::{Gate, unavailable};
use crate::domain::account::Account;
use crate::domain::action::Action;
use crate::domain::clock::in_japan;
use crate::domain::decision::Refusal;
use crate::domain::dossier::Dossier;
use crate::domain::person::{Client, Person};
use crate::domain::ports::Registry;
use crate::domain::registry::{
    AccountRecord, Appointment, Book, Item, Position, PositionId, Section, SectionId, Span,
};
use crate::extract::Extracted;
use crate::guideline::Around;
use crate::recognise::Recognised;

impl Gate {
    /// What stands around a request at this moment.
    pub(super) async fn around(
        &self,
        client: &Client,
        account: &Account,
        recognised: &Recognised,
        extracted: &Extracted,
        dossier: &Dossier,
        now: Timestamp,
    ) -> Result<Around, Box<Refusal>> {
        let registry = self.ports.registry.as_ref();
        let book = registry.book(&account.organisation);
        let book = book.unwrap_or_else(|| Arc::new(as_configured(account, client, registry)));
        Ok(Around {
            standing: book.standing(&account.id, now),
            author: book.holding(&client.owner, in_japan(now).date()),
            sections: if book.charter.is_some() { book.sections.keys().cloned().collect() } else { Vec::new() },
            category: dossier.category.clone(),
            reason: dossier.reason.clone(),
            own_target: self.is_of_own(account, extracted).await?,
            undoes: recognised.route.id.ends_with("-undo"),
        })
    }

    /// Whether what is deleted, quoted or reposted was published by this account through the gate.
    async fn is_of_own(&self, account: &Account, extracted: &Extracted) -> Result<bool, Box<Refusal>> {
        let refers = |kind: &str| extracted.post.references.get(kind).map(Vec::as_slice).unwrap_or_default();
        let ids: Vec<&String> = match extracted.action {
            Action::Delete => extracted.target.iter().collect(),
            Action::Quote | Action::Repost => refers("quote_of").iter().chain(refers("repost_of")).collect(),
            _ => return Ok(false),
        };
        // It may have been published a moment ago.
        self.ledger.settled().await;
        let mut own = !ids.is_empty();
        for id in ids {
            own &= self.ports.media.is_own_post(&account.id, id).map_err(unavailable)?;
        }
        Ok(own)
    }
}

/// The registry of a body that keeps none: the people of the configuration hold their positions, each in the section
/// that its title names.
fn as_configured(account: &Account, client: &Client, registry: &dyn Registry) -> Book {
    let ids = std::iter::once(&account.manager).chain(&account.operators).chain(std::iter::once(&client.owner));
    let people: Vec<Arc<Person>> = ids.filter_map(|id| registry.person(id)).collect();
    let mut items = Vec::new();
    for person in &people {
        let (position, section) = (PositionId::new(&person.post), section_of(&person.post));
        let span = Span { from: Date::MIN, until: None };
        items.extend(section.clone().map(|id| Item::Section(Section { id, department: None, head: None })));
        items.push(Item::Position(Position { id: position.clone(), section, leads: person.id == account.manager }));
        items.push(Item::Appointment(Appointment { person: person.id.clone(), position, span }));
    }
    if let Some(manager) = people.iter().find(|person| person.id == account.manager) {
        let position = PositionId::new(&manager.post);
        items.push(Item::Account(record(account, position, section_of(&manager.post))));
    }
    Book::new(0, [Arc::new(account.clone())], people, items)
}

fn record(account: &Account, manager: PositionId, section: Option<SectionId>) -> AccountRecord {
    AccountRecord {
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
        notice: None,
        suspended_because: None,
    }
}

/// The section in a title: 広聴広報課 of 広聴広報課長 and of 広聴広報課主事.
fn section_of(post: &str) -> Option<SectionId> {
    let end = ['課', '室', '所', '館', '局', '部'].iter().filter_map(|end| post.rfind(*end).map(|at| at + end.len_utf8()));
    let section = post.get(..end.max()?)?;
    (section.chars().count() > 1).then(|| SectionId::new(section))
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
            ("企画部広報課長", Some("企画部広報課")),
            ("当直", None),
            ("課長", None),
        ];
        for (post, section) in cases {
            assert_eq!(section_of(post).map(|it| it.as_str().to_owned()).as_deref(), section, "{post}");
        }
    }
}
