//! Issuers of publish events (長野 2(8)): entered and ended by the manager of the official accounts.

use super::{Hearing, rules, said};
use crate::domain::action::Action;
use crate::domain::registry::{Asked, Issuer, Item, Written};

/// What a publish event can stand for: words of the account's own to everybody.
const ACTIONS: [Action; 3] = [Action::Publish, Action::Edit, Action::Schedule];

pub(super) fn hear(hearing: &mut Hearing<'_>, asked: &Asked) -> Written {
    let head = hearing.charter.accounts.clone();
    let is = hearing.holds(&head);
    hearing.must(is, &rules::ISSUER_BY);
    let written = match asked {
        Asked::Issuer(issuer) => Some(enter(hearing, issuer.clone())),
        Asked::EndIssuer { id } => {
            let known = hearing.book.issuers.get(id);
            hearing.must(known.is_some(), &rules::KNOWN);
            known.map(|it| Written::item(Item::Issuer(Issuer { withdrawn: true, ..Issuer::clone(it) })))
        }
        _ => None,
    };
    written.unwrap_or_default()
}

fn enter(hearing: &mut Hearing<'_>, issuer: Issuer) -> Written {
    let named =
        |id: &str| !id.is_empty() && id.len() <= 60 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let complete = named(issuer.id.as_str())
        && said(&issuer.name)
        && issuer.span.is_sound()
        && issuer.span.until.is_some_and(|until| until >= hearing.day)
        && !issuer.accounts.is_empty()
        && !issuer.actions.is_empty()
        && issuer.actions.iter().all(|action| ACTIONS.contains(action));
    hearing.must(complete, &rules::ISSUER_FORM);
    hearing.must(!issuer.is_private() && !issuer.keys(None).is_empty(), &rules::ISSUER_KEY);
    let own = issuer.accounts.iter().all(|it| hearing.book.accounts.contains_key(it));
    hearing.must(own, &rules::KNOWN);
    Written::item(Item::Issuer(issuer))
}
