//! Every transition, by table: the right person is allowed, every other is refused, and the refusal cites the clause.

use std::collections::BTreeSet;

use serde_json::json;

use super::rules::TABLE;
use crate::domain::registry::Pattern;

mod boundaries;
mod breaks;
mod offices;
mod stage;
mod transfers;

use stage::{Town, nagano, nerima};

/// A transition: the clause that says who, and who that is. Everybody else of the body is refused with this code.
struct Row {
    clause: &'static str,
    code: &'static str,
    asked: serde_json::Value,
    right: &'static [&'static str],
}

fn row(clause: &'static str, code: &'static str, right: &'static [&'static str], asked: serde_json::Value) -> Row {
    Row { clause, code, asked, right }
}

/// Tries the change as each person of the town.
fn try_all(town: &Town, row: &Row) {
    let (mut allowed, mut refused) = (0, 0);
    for person in town.people() {
        let answer = town.clone().ask(&person, row.asked.clone());
        let case = format!("{} {} by {person}: {answer:?}", row.clause, row.asked["change"]);
        if row.right.contains(&person.as_str()) {
            assert!(answer.is_ok(), "{case}");
            assert!(answer.unwrap().contains(&row.clause), "the entry does not name the clause: {case}");
            allowed += 1;
        } else {
            let (codes, clauses) = answer.expect_err(&case);
            assert!(codes.iter().any(|it| it == row.code), "{case}");
            assert!(clauses.iter().any(|it| it == row.clause), "{case}");
            refused += 1;
        }
    }
    assert_eq!(allowed, row.right.len(), "{}", row.asked);
    assert!(refused > 0, "{}", row.asked);
}

#[test]
fn nerima_every_form_is_for_the_right_person_and_nobody_else() {
    const HEADS: &[&str] = &["pr", "plan", "info", "kodomo"];
    let town = nerima();
    let apply = json!({ "change": "apply-provider", "provider": "tiktok", "purpose": "若い世代に届けるため" });
    try_all(&town, &row("nerima:4-1", "provider-only-a-head-applies", HEADS, apply.clone()));
    let applied = town.after("kodomo", apply);
    let review = stage::review(&["企画部長", "情報政策課長"]);
    try_all(&applied, &row("nerima:4-2", "provider-review-only-the-director", &["plan"], review.clone()));
    let reviewed = applied.after("plan", review);
    let decide = json!({ "change": "decide-provider", "provider": "tiktok", "approved": true, "reason": "適切" });
    try_all(&reviewed, &row("nerima:4-1", "provider-only-the-director-decides", &["plan"], decide.clone()));
    let deny =
        json!({ "change": "decide-provider", "provider": "tiktok", "approved": false, "reason": "継続性がない" });
    try_all(&reviewed, &row("nerima:4-1", "provider-only-the-director-decides", &["plan"], deny));
    let approved = reviewed.after("plan", decide);
    let standard = stage::standard("tiktok", "t1");
    try_all(&approved, &row("nerima:3-2", "standard-policy-only-pr", &["pr"], standard));

    let town = town.after("pr", stage::standard("x", "s1"));
    let individual = stage::opening("nerima-bosai-x", "individual");
    try_all(&town, &row("nerima:5-1", "account-only-a-head-opens", HEADS, individual.clone()));
    let general = stage::opening("nerima-sogo-x", "general");
    try_all(&town, &row("nerima:5-1", "account-general-only-pr", &["pr"], general));
    let waiting = town.after("kodomo", individual);
    let consult = json!({ "change": "consult-account", "account": "nerima-bosai-x", "opinion": "異議なし" });
    try_all(&waiting, &row("nerima:5-3", "account-only-the-consulted", &["info"], consult.clone()));
    let consulted = waiting.after("info", consult);
    for approved in [true, false] {
        let decide =
            json!({ "change": "decide-account", "account": "nerima-bosai-x", "approved": approved, "reason": "理由" });
        try_all(&consulted, &row("nerima:5-2", "account-only-pr-decides", &["pr"], decide));
    }
    let change =
        json!({ "change": "change-account", "account": "nerima-kosodate-x", "purpose": "保育", "reason": "改組" });
    try_all(&town, &row("nerima:7", "account-only-the-manager", &["kodomo"], change));
    let policy = stage::policy("nerima-kosodate-x", "2", Some("s1"));
    try_all(&town, &row("nerima:8-2", "policy-only-the-manager", &["kodomo"], policy));
    let operators =
        json!({ "change": "set-operators", "account": "nerima-kosodate-x", "operators": ["clerk", "prclerk"] });
    try_all(&town, &row("nerima:12-1", "operators-only-the-manager", &["kodomo"], operators));
    let suspend = json!({ "change": "suspend-account", "account": "nerima-kosodate-x", "reason": "誤投稿" });
    try_all(&town, &row("nerima:7", "account-only-the-manager", &["kodomo", "pr"], suspend.clone()));
    let resume = json!({ "change": "resume-account", "account": "nerima-kosodate-x", "reason": "対応済み" });
    try_all(&town.after("pr", suspend), &row("nerima:7", "account-only-the-manager", &["kodomo", "pr"], resume));
    let notice = stage::notice("nerima-kosodate-x", "2026-11-30");
    try_all(&town, &row("nerima:17-2", "closing-only-the-manager", &["kodomo"], notice.clone()));
    let ending = town.after("kodomo", notice).at("2026-11-29T15:00:00Z");
    let close = json!({ "change": "close-account", "account": "nerima-kosodate-x" });
    try_all(&ending, &row("nerima:17-1a", "account-only-the-manager-closes", &["kodomo"], close));
    let archive =
        json!({ "change": "archive-account", "account": "nerima-kosodate-x", "reason": "記録として残すため" });
    try_all(&town, &row("nerima:17-1a", "account-only-the-manager-closes", &["kodomo"], archive));

    let town = town.after("kodomo", stage::policy("nerima-kosodate-x", "2", Some("s1")));
    let delegate = stage::delegation("d-1", &["events"]);
    try_all(&town, &row("nerima:12-2", "delegation-only-the-manager", &["kodomo"], delegate.clone()));
    let delegated = town.after("kodomo", delegate);
    let end = json!({ "change": "end-delegation", "id": "d-1" });
    try_all(&delegated, &row("nerima:12-2", "delegation-only-the-manager", &["kodomo"], end));
    let source = stage::source("mlit", "government", Some("nerima-kosodate-x"));
    try_all(&town, &row("nerima:13", "source-only-the-manager", &["kodomo"], source.clone()));
    let end = json!({ "change": "end-source", "id": "mlit" });
    try_all(&town.after("kodomo", source), &row("nerima:13", "source-only-the-manager", &["kodomo"], end));
    let source = stage::source("mlit", "government", None);
    try_all(&town, &row("nerima:13", "source-only-the-manager", &["pr"], source));
    let contractor = stage::contractor("子育て支援課長", "nerima-kosodate-x");
    try_all(&town, &row("nerima:18-1b", "contractor-only-the-supervisor", &["kodomo", "pr"], contractor.clone()));
    let end = json!({ "change": "end-contractor", "id": "c-1" });
    let engaged = town.after("kodomo", contractor);
    try_all(&engaged, &row("nerima:18-1b", "contractor-only-the-supervisor", &["kodomo", "pr"], end));
}

#[test]
fn nagano_every_form_is_for_the_right_person_and_nobody_else() {
    let town = nagano();
    let apply = json!({ "change": "decide-provider", "provider": "x", "approved": true, "reason": "活用方法を定める" });
    try_all(&town, &row("nagano:2(9)", "provider-only-the-director-decides", &["head"], apply));
    let individual = stage::opening("nagano-sangyo-x", "individual");
    try_all(&town, &row("nagano:2(6)b", "account-only-a-head-opens", &["head", "kanko"], individual.clone()));
    let general = stage::opening("nagano-dai-x", "general");
    try_all(&town, &row("nagano:2(3)", "account-general-only-pr", &["head"], general));
    let waiting = town.after("kanko", individual);
    let decide = json!({ "change": "decide-account", "account": "nagano-sangyo-x", "approved": true, "reason": "" });
    try_all(&waiting, &row("nagano:2(2)", "account-only-pr-decides", &["head"], decide));
    let operators = json!({ "change": "set-operators", "account": "nagano-kanko-x", "operators": ["kclerk"] });
    try_all(&town, &row("nagano:2(6)a", "operators-only-the-manager", &["kanko"], operators));
    let policy = stage::policy("nagano-kanko-x", "2", None);
    try_all(&town, &row("nagano:2(7)p", "policy-only-the-manager", &["kanko"], policy));
    let change =
        json!({ "change": "change-account", "account": "nagano-kanko-x", "purpose": "観光", "reason": "拡充" });
    try_all(&town, &row("nagano:2(6)a", "account-only-the-manager", &["kanko"], change.clone()));
    let decide = json!({ "change": "decide-account", "account": "nagano-kanko-x", "approved": true, "reason": "" });
    try_all(&town.after("kanko", change), &row("nagano:2(2)", "account-only-pr-decides", &["head"], decide.clone()));
    let notice = stage::notice("nagano-kanko-x", "2026-11-30");
    try_all(&town, &row("nagano:2(6)b", "closing-only-the-manager", &["kanko"], notice.clone()));
    let noticed = town.after("kanko", notice);
    try_all(&noticed, &row("nagano:2(2)", "account-only-pr-decides", &["head"], decide.clone()));
    let ending = noticed.after("head", decide).at("2026-11-29T15:00:00Z");
    let close = json!({ "change": "close-account", "account": "nagano-kanko-x" });
    try_all(&ending, &row("nagano:2(6)b", "account-only-the-manager-closes", &["kanko"], close));
    let grant = stage::grant("g-1", "nagano-x", 2026);
    try_all(&town, &row("nagano:2(4)", "grant-only-the-section-head", &["kanko"], grant.clone()));
    for approved in [true, false] {
        let decide = json!({ "change": "decide-grant", "id": "g-1", "approved": approved, "reason": "理由" });
        try_all(&town.after("kanko", grant.clone()), &row("nagano:2(4)", "grant-only-pr-decides", &["head"], decide));
    }
    let source = stage::source("jr", "transport", Some("nagano-x"));
    try_all(&town, &row("nagano:4(12)", "source-only-the-manager", &["head"], source));
    let contractor = stage::contractor("観光振興課長", "nagano-kanko-x");
    try_all(&town, &row("nagano:1a", "contractor-only-the-supervisor", &["kanko", "head"], contractor));
}

#[test]
fn a_deputy_decides_in_the_holders_place_within_the_days_only_and_the_entry_says_so() {
    let deputise = json!({
        "change": "deputise", "id": "dep-1", "position": "企画部長", "person": "info",
        "span": { "from": "2026-11-24", "until": "2026-11-25" }, "reason": "出張",
    });
    let apply = json!({ "change": "apply-provider", "provider": "tiktok", "purpose": "若い世代に届けるため" });
    let town = nerima().after("kodomo", apply).after("plan", deputise.clone());
    let review = stage::review(&["企画部長"]);
    for (at, allowed) in [
        ("2026-11-23T14:59:59Z", false),
        ("2026-11-23T15:00:00Z", true),
        ("2026-11-25T14:59:59Z", true),
        ("2026-11-25T15:00:00Z", false),
    ] {
        let decided = town.clone().at(at).decide("info", review.clone());
        assert_eq!(decided.is_ok(), allowed, "{at}");
        assert!(decided.map_or(true, |it| it.is_by_deputy()), "{at}");
    }
    assert!(!town.decide("plan", stage::review(&["企画部長"])).unwrap().is_by_deputy());
    // A deputy names no further deputy, and nobody else does.
    let further = json!({
        "change": "deputise", "id": "dep-2", "position": "企画部長", "person": "clerk",
        "span": { "from": "2026-11-24", "until": "2026-11-25" }, "reason": "出張",
    });
    let refused = town.clone().at("2026-11-24T00:00:00Z").ask("kodomo", further.clone()).unwrap_err();
    assert_eq!(refused.0, ["deputy-only-the-holder"]);
    assert!(town.at("2026-11-24T00:00:00Z").ask("plan", further).is_ok());
    assert!(nerima().ask("clerk", deputise).is_err());
}

#[test]
fn every_row_of_the_table_has_refused_something() {
    let broken: BTreeSet<(Pattern2, String)> = breaks::all();
    for rule in TABLE {
        for (pattern, name) in [(Pattern::Nerima, "nerima"), (Pattern::Nagano, "nagano")] {
            if rule.clause(pattern).is_some_and(|clause| clause != "sekisho:registry") {
                assert!(broken.contains(&(name, rule.code.to_owned())), "{name}: nothing breaks {}", rule.code);
            }
        }
        let somewhere = broken.iter().any(|(_, code)| code == rule.code);
        assert!(somewhere, "nothing breaks {}", rule.code);
    }
}

type Pattern2 = &'static str;
