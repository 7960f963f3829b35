//! Sections, positions and deputies.

use super::{Hearing, rules, said};
use crate::domain::registry::office::Deputy;
use crate::domain::registry::{Asked, Item, Written};

pub(super) fn hear(hearing: &mut Hearing<'_>, asked: &Asked) -> Written {
    match asked {
        Asked::Section(section) => {
            hearing.registrar();
            let head_known = section.head.as_ref().is_none_or(|it| hearing.book.positions.contains_key(it));
            hearing.must(head_known, &rules::KNOWN);
            hearing.must(said(section.id.as_str()), &rules::SOUND);
            Written::item(Item::Section(section.clone()))
        }
        Asked::Position(position) => {
            hearing.registrar();
            let section_known = position.section.as_ref().is_none_or(|it| hearing.book.sections.contains_key(it));
            hearing.must(section_known, &rules::KNOWN);
            // A position that the guideline names leads, whatever a form says.
            let named = hearing.charter.positions().contains(&position.id);
            hearing.must(said(position.id.as_str()) && (position.leads || !named), &rules::SOUND);
            Written::item(Item::Position(position.clone()))
        }
        Asked::Deputise(deputy) => deputise(hearing, deputy.clone()),
        Asked::EndDeputy { id, until } => {
            let Some(mut deputy) = hearing.book.deputies.get(id).cloned() else {
                hearing.must(false, &rules::KNOWN);
                return Written::default();
            };
            let may = hearing.holds_in_person(&deputy.position) || hearing.is_registrar();
            hearing.must(may, &rules::DEPUTY_BY);
            // It ends earlier than it would; it never comes back.
            let ends = deputy.span.until.is_none_or(|old| *until <= old);
            hearing.must(ends, &rules::SOUND);
            deputy.span.until = Some(*until);
            Written::item(Item::Deputy(deputy))
        }
        _ => Written::default(),
    }
}

fn deputise(hearing: &mut Hearing<'_>, deputy: Deputy) -> Written {
    let known = hearing.book.positions.get(&deputy.position).is_some_and(|it| it.leads);
    hearing.must(known, &rules::KNOWN);
    // A deputy names no further deputy, so that it always is the holder who answers for it.
    let may = hearing.holds_in_person(&deputy.position) || hearing.is_registrar();
    hearing.must(may, &rules::DEPUTY_BY);
    let sound = said(&deputy.reason)
        && said(deputy.id.as_str())
        && deputy.span.until.is_some_and(|until| until >= hearing.day)
        && deputy.span.is_sound()
        && hearing.book.holder(&deputy.position, hearing.day) != Some(&deputy.person)
        && !hearing.book.deputies.contains_key(&deputy.id);
    hearing.must(sound, &rules::SOUND);
    let works = hearing.book.is_employed(&deputy.person, hearing.day.max(deputy.span.from));
    hearing.must(works, &rules::KNOWN);
    Written::item(Item::Deputy(deputy))
}

impl Hearing<'_> {
    /// Asks that the person enters sections, positions and transfers.
    pub(super) fn registrar(&mut self) {
        let is = self.is_registrar();
        self.must(is, &rules::REGISTRAR);
    }

    /// Whether the person does: the heads of public relations and information policy; while both are vacant, any head,
    /// so that a body whose registrars have left is not locked out.
    pub(super) fn is_registrar(&mut self) -> bool {
        let registrars: Vec<_> =
            [Some(&self.charter.accounts), self.charter.consulted.as_ref()].into_iter().flatten().cloned().collect();
        if registrars.iter().any(|it| self.holds(it)) {
            return true;
        }
        let vacant = registrars.iter().all(|it| self.book.holder(it, self.day).is_none());
        vacant && self.leads(None).is_some()
    }
}
