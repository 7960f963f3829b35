//! Personnel changes: all or none, every problem by its line, in force from 00:00 JST of their day.

use serde_json::json;

use super::stage::{self, Town, nerima};
use crate::domain::account::AccountId;
use crate::domain::person::PersonId;
use crate::registry::transfer::{problems, read, unreadable};

const HEADER: &str = "person,name,from,to,date\n";

fn transfer(town: &Town, by: &str, list: &str) -> Result<Town, String> {
    let (moves, unread) = read(&format!("{HEADER}{list}"));
    assert!(unread.is_empty(), "{unread:?}");
    let form = json!({ "change": "transfer", "moves": moves });
    let mut after = town.clone();
    let told = town.decide(by, form.clone()).map_err(|refusal| refusal.sentence);
    told.map(|_| {
        assert!(after.ask(by, form).is_ok());
        after
    })
}

fn holder(town: &Town, account: &str, at: &str) -> Option<PersonId> {
    let at = at.parse().ok()?;
    town.book.standing(&AccountId::new(account), at)?.manager.holder
}

#[test]
fn nerima_7_a_new_head_manages_from_the_first_of_april_at_midnight_and_not_before() {
    let list = "pr,,広聴広報課長,企画課長,2027-04-01\nnew,新任 一郎,,広聴広報課長,2027-04-01\n";
    let town = transfer(&nerima(), "pr", list).unwrap();
    for (at, who) in [("2027-03-31T14:59:59.999Z", "pr"), ("2027-03-31T15:00:00Z", "new")] {
        assert_eq!(holder(&town, "nerima-x", at), Some(PersonId::new(who)), "{at}");
    }
    let operators = json!({ "change": "set-operators", "account": "nerima-x", "operators": ["prclerk"] });
    for (at, by, allowed) in [
        ("2027-03-31T14:59:59Z", "pr", true),
        ("2027-03-31T14:59:59Z", "new", false),
        ("2027-03-31T15:00:00Z", "pr", false),
        ("2027-03-31T15:00:00Z", "new", true),
    ] {
        assert_eq!(town.clone().at(at).ask(by, operators.clone()).is_ok(), allowed, "{by} at {at}");
    }
}

#[test]
fn nerima_8_3_a_head_who_leaves_without_a_successor_leaves_the_position_vacant() {
    let town = transfer(&nerima(), "info", "kodomo,,子育て支援課長,,2027-04-01\n").unwrap();
    assert_eq!(holder(&town, "nerima-kosodate-x", "2027-03-31T14:59:59Z"), Some(PersonId::new("kodomo")));
    let standing = town.book.standing(&AccountId::new("nerima-kosodate-x"), "2027-03-31T15:00:00Z".parse().unwrap());
    assert!(standing.unwrap().manager.is_vacant());
    let later = town.at("2027-04-01T00:00:00Z");
    let policy = stage::policy("nerima-kosodate-x", "2", None);
    for person in later.people() {
        assert!(later.clone().ask(&person, policy.clone()).is_err(), "{person} manages a vacant position");
    }
}

#[test]
fn nerima_12_1_an_operator_who_leaves_is_no_operator_and_no_deputy_any_more() {
    let deputise = json!({
        "change": "deputise", "id": "dep-1", "position": "子育て支援課長", "person": "clerk",
        "span": { "from": "2026-11-22", "until": "2027-12-31" }, "reason": "長期出張",
    });
    let town = nerima().after("kodomo", deputise);
    let town = transfer(&town, "pr", "clerk,,子育て支援課主事,,2027-04-01\n").unwrap();
    let at = |moment: &str| town.book.standing(&AccountId::new("nerima-kosodate-x"), moment.parse().unwrap()).unwrap();
    let (before, after) = (at("2027-03-31T14:59:59Z"), at("2027-03-31T15:00:00Z"));
    assert_eq!((before.operators.len(), before.manager.deputies.len()), (1, 1));
    assert_eq!((after.operators.len(), after.manager.deputies.len()), (0, 0));
    assert!(!after.manager.is(&PersonId::new("clerk")));
}

#[test]
fn two_heads_may_change_places_on_one_day_whatever_the_order_of_the_lines() {
    let list = "plan,,企画部長,情報政策課長,2027-04-01\ninfo,,情報政策課長,企画部長,2027-04-01\n";
    let town = transfer(&nerima(), "pr", list).unwrap();
    let day = "2027-04-01".parse().unwrap();
    let now = |position: &str| town.book.holder(&crate::domain::registry::PositionId::new(position), day).cloned();
    assert_eq!((now("企画部長"), now("情報政策課長")), (Some(PersonId::new("info")), Some(PersonId::new("plan"))));
}

#[test]
fn every_wrong_line_is_told_and_none_of_the_list_is_taken() {
    let good = "pr,,広聴広報課長,企画課長,2027-04-01\n";
    let cases = [
        ("plan,,広聴広報課長,企画課長,2027-04-01\n", "「広聴広報課長」の職にありません"),
        ("plan,,企画部長,宇宙開発課長,2027-04-01\n", "「宇宙開発課長」という職は登録簿にありません"),
        ("new,,,広聴広報課長,2027-04-01\n", "name が空"),
        ("new,新任,,企画部長,2027-04-01\n", "同じ日に職員「plan」"),
        ("plan,,,,2027-04-01\n", "両方が空"),
        ("plan,,企画部長,企画部長,2027-04-01\n", "同じ職"),
        ("Plan X,,,企画課長,2027-04-01\n", "person は"),
        ("clerk,,,子育て支援課主事,2027-04-01\n", "すでに「子育て支援課主事」"),
        ("nagano-clerk,,広聴広報課主事,企画課長,2027-04-01\n", "職にありません"),
    ];
    let town = nerima();
    for (line, why) in cases {
        let told = transfer(&town, "pr", &format!("{good}{line}")).map(|_| ()).unwrap_err();
        assert!(told.contains("3行目") && told.contains(why) && !told.contains("2行目"), "{line}{told}");
    }
    let all: String = cases.iter().map(|(line, _)| *line).collect();
    let told = transfer(&town, "pr", &format!("{good}{all}")).map(|_| ()).unwrap_err();
    // The eighth line takes plan out of the position that the sixth line wants.
    for line in (3..12).filter(|line| *line != 6) {
        assert!(told.contains(&format!("{line}行目")), "{line}: {told}");
    }
    let told = transfer(&town, "kodomo", good).map(|_| ()).unwrap_err();
    assert!(told.contains("だけです"), "somebody who is no registrar: {told}");
}

#[test]
fn lines_that_cannot_be_read_are_told_together_with_those_that_cannot_be() {
    let text = format!(
        "\u{feff}{HEADER}pr,,広聴広報課長,企画課長,令和9年4月1日\r\n\r\nplan,,企画部長,宇宙開発課長,2027-04-01\r\nclerk\n"
    );
    let (moves, mut found) = read(&text);
    assert_eq!(moves.iter().map(|it| it.line).collect::<Vec<_>>(), [4]);
    found.extend(problems(&nerima().book, &moves));
    let told = unreadable(found).sentence;
    for line in ["2行目: date", "4行目: 「宇宙開発課長」", "5行目: 項目の数"] {
        assert!(told.contains(line), "{told}");
    }
    for header in ["person,name,from,to", "person,person,from,to,date", "person;name;from;to;date", ""] {
        assert!(!read(&format!("{header}\na,b,c,d,e\n")).1.is_empty(), "{header}");
    }
    assert!(!read(HEADER).1.is_empty(), "an empty list");
}

#[test]
fn a_body_whose_registrars_have_left_is_not_locked_out() {
    let list = "pr,,広聴広報課長,,2027-04-01\ninfo,,情報政策課長,,2027-04-01\n";
    let town = transfer(&nerima(), "pr", list).unwrap().at("2027-04-01T00:00:00Z");
    let heal = "new,新任 一郎,,広聴広報課長,2027-04-01\n";
    assert!(transfer(&town, "clerk", heal).is_err());
    let healed = transfer(&town, "kodomo", heal).unwrap();
    assert!(transfer(&healed, "kodomo", "x-1,新任,,企画課長,2027-04-01\n").is_err(), "and no longer than needed");
}
