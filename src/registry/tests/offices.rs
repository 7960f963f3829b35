//! Which offices have a part in an incident, and who acts for them.

use super::stage::{nagano, nerima};
use crate::domain::account::AccountId;
use crate::domain::clock::in_japan;
use crate::domain::person::PersonId;
use crate::domain::registry::{Book, PositionId};
use crate::registry::incident::{heads, offices, works_in};

fn names(offices: &[PositionId]) -> Vec<&str> {
    offices.iter().map(PositionId::as_str).collect()
}

#[test]
fn nerima_15_the_two_sections_that_the_article_names_and_in_nagano_the_managers_own() {
    let (nerima, nagano) = (nerima(), nagano());
    let of = |book: &Book, id: &str| names(&offices(book, &AccountId::new(id))).join(" ");
    assert_eq!(of(&nerima.book, "nerima-kosodate-x"), "広聴広報課長 情報政策課長");
    assert_eq!(of(&nagano.book, "nagano-kanko-x"), "広報広聴課長 観光振興課長");
    // The representative account's manager is the head of public relations: one office.
    assert_eq!(of(&nagano.book, "nagano-x"), "広報広聴課長");
    assert!(offices(&Book::default(), &AccountId::new("nerima-x")).is_empty(), "no registry, nobody");
}

#[test]
fn a_head_instructs_and_anybody_of_the_section_acknowledges_for_it_and_for_no_other() {
    let town = nerima();
    let day = in_japan(town.now).date();
    let offices = offices(&town.book, &AccountId::new("nerima-x"));
    let heads = |id: &str| heads(&town.book, &PersonId::new(id), &offices, day);
    assert_eq!(
        ["pr", "info", "plan", "kodomo", "prclerk", "clerk"].map(heads),
        [true, true, false, false, false, false]
    );
    let works =
        |id: &str| works_in(&town.book, &PersonId::new(id), &offices, day).into_iter().cloned().collect::<Vec<_>>();
    assert_eq!(names(&works("prclerk")), ["広聴広報課長"]);
    assert_eq!(names(&works("info")), ["情報政策課長"]);
    assert!(works("clerk").is_empty() && works("nobody").is_empty());
}
