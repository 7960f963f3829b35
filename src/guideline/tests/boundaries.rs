//! Where an hour, a day, a month, a fiscal year ends for the rules: the facts on either side of it, in Japan's time.

use super::*;
use crate::domain::account::FixedAnswers;
use crate::domain::clock;
use crate::domain::incident::{Flame, IncidentId};
use crate::guideline::facts::Value;
use crate::guideline::judge::Town;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// One fact of the scene's post at a moment.
fn fact(scene: &Scene, town: &Town, name: &str, moment: &str) -> Value {
    let pass = scene.approved_by("manager");
    let case = Case { now: at(moment), ..scene.case(&pass) };
    Facts::of(&case, town).value(name).cloned().unwrap()
}

fn flag(scene: &Scene, name: &str, moment: &str) -> bool {
    fact(scene, &Town::default(), name, moment) == Value::Flag(true)
}

#[test]
fn hour_and_weekday_are_japans_at_the_turn_of_the_fiscal_year_and_on_a_leap_day() {
    let scene = Scene::new();
    let town = Town::default();
    // The moment in UTC; the hour and the weekday (1 Monday to 7) that the rules see.
    for (moment, hour, weekday) in [
        ("2027-03-31T14:59:59Z", 23, 3),
        ("2027-03-31T15:00:00Z", 0, 4),
        ("2028-02-28T14:59:59Z", 23, 1),
        ("2028-02-28T15:00:00Z", 0, 2),
        ("2028-02-29T15:00:00Z", 0, 3),
        ("2026-12-31T15:00:00Z", 0, 5),
    ] {
        assert_eq!(fact(&scene, &town, "hour", moment), Value::Number(hour), "{moment}");
        assert_eq!(fact(&scene, &town, "weekday", moment), Value::Number(weekday), "{moment}");
    }
}

#[test]
fn a_named_period_holds_on_its_first_and_last_day_whole() {
    let scene = Scene::new();
    let period = |from: &str, until: &str| crate::config::registry::Period {
        name: "election".into(),
        from: from.parse().unwrap(),
        until: until.parse().unwrap(),
    };
    for (from, until, moments) in [
        // A month's end, the fiscal year's end.
        (
            "2027-03-20",
            "2027-03-31",
            [
                ("2027-03-19T14:59:59Z", false),
                ("2027-03-19T15:00:00Z", true),
                ("2027-03-31T14:59:59Z", true),
                ("2027-03-31T15:00:00Z", false),
            ],
        ),
        // A leap day alone.
        (
            "2028-02-29",
            "2028-02-29",
            [
                ("2028-02-28T14:59:59Z", false),
                ("2028-02-28T15:00:00Z", true),
                ("2028-02-29T14:59:59Z", true),
                ("2028-02-29T15:00:00Z", false),
            ],
        ),
    ] {
        let town = Town { periods: vec![period(from, until)], ..Town::default() };
        for (moment, holds) in moments {
            let named = if holds { vec!["election".to_owned()] } else { Vec::new() };
            assert_eq!(fact(&scene, &town, "periods", moment), Value::Set(named), "{from} to {until}: {moment}");
        }
    }
}

#[test]
fn nerima_18_1b_a_tools_last_day_is_its_contracts_and_ends_at_midnight_in_japan() {
    for (last, within, over) in [
        ("2027-03-31", "2027-03-31T14:59:59Z", "2027-03-31T15:00:00Z"),
        ("2028-02-29", "2028-02-29T14:59:59Z", "2028-02-29T15:00:00Z"),
        ("2027-02-28", "2027-02-28T14:59:59Z", "2027-02-28T15:00:00Z"),
    ] {
        let mut scene = Scene::new();
        scene.client.until = Some(last.parse().unwrap());
        assert!(flag(&scene, "client_current", within), "{last}");
        assert!(!flag(&scene, "client_current", over), "{last}");
    }
}

#[test]
fn nerima_14_fixed_answers_stand_until_their_last_day_ends() {
    let mut scene = Scene::new();
    let until = "2027-03-31".parse().unwrap();
    scene.policy().fixed_answers = Some(FixedAnswers { texts: vec!["お知らせ".into()], until });
    let pass = Pass::None;
    for (moment, holds) in [("2027-03-31T14:59:59Z", true), ("2027-03-31T15:00:00Z", false)] {
        let case = Case { action: Action::Reply, now: at(moment), ..scene.case(&pass) };
        let facts = Facts::of(&case, &Town::default());
        assert_eq!(facts.value("fixed_answer"), Some(&Value::Flag(holds)), "{moment}");
    }
}

#[test]
fn nerima_8_2_thirty_days_are_counted_from_the_moment_of_the_newer_standard() {
    let mut scene = Scene::new();
    let policy = Arc::make_mut(scene.around.standing.as_mut().unwrap()).policy.as_mut().unwrap();
    // Across a month's end, a leap day and the fiscal year's.
    policy.stale_since = Some(at("2028-02-28T15:00:00Z"));
    for (moment, days) in [
        ("2028-02-28T15:00:00Z", 1),
        ("2028-02-29T14:59:59Z", 1),
        ("2028-02-29T15:00:00Z", 2),
        ("2028-03-29T14:59:59Z", 30),
        ("2028-03-29T15:00:00Z", 31),
        ("2028-03-31T15:00:00Z", 33),
    ] {
        assert_eq!(fact(&scene, &Town::default(), "policy_stale_days", moment), Value::Number(days), "{moment}");
    }
    let guidelines = shipped();
    let stale = |days: &str| Facts::ordinary("nerima").with(&format!("policy_stale_days={days}")).unwrap();
    assert!(guidelines.judge(&nerima(), &stale("30"), now()).is_ok());
    let held = guidelines.judge(&nerima(), &stale("31"), now()).unwrap_err();
    assert_eq!((held.code.as_ref(), held.kind), ("policy-stale", RefusalKind::Held));
}

#[test]
fn nagano_6_3_a_flood_ends_at_its_moment_and_a_hold_has_none() {
    let mut scene = Scene::new();
    let by = PersonId::new("manager");
    let until = at("2027-03-31T15:00:00Z");
    scene.account.trouble.flame = Some(Flame { declared: at("2027-03-30T00:00:00Z"), until, by });
    let modes = |scene: &Scene, moment: &str| fact(scene, &Town::default(), "modes", moment);
    assert_eq!(modes(&scene, "2027-03-31T14:59:59Z"), Value::Members("Mode", vec!["flame"]));
    assert_eq!(modes(&scene, "2027-03-31T15:00:00Z"), Value::Members("Mode", vec![]));
    scene.account.trouble.held_by.push(IncidentId::new("i-1"));
    assert_eq!(modes(&scene, "2099-01-01T00:00:00Z"), Value::Members("Mode", vec!["held"]));
}

#[test]
fn a_day_in_japan_ends_at_15_hours_utc_at_every_kind_of_months_end() {
    for (day, end) in [
        ("2027-03-31", "2027-03-31T15:00:00Z"),
        ("2028-02-29", "2028-02-29T15:00:00Z"),
        ("2027-02-28", "2027-02-28T15:00:00Z"),
        ("2026-12-31", "2026-12-31T15:00:00Z"),
        ("2027-04-30", "2027-04-30T15:00:00Z"),
    ] {
        assert_eq!(clock::end_of_day_in_japan(day.parse().unwrap()), Some(at(end)), "{day}");
    }
}
