//! Incidents and the flood of criticism at the terminal, at a running gateway.

use crate::house::House;

#[tokio::test(flavor = "multi_thread")]
async fn nagano_6_3_a_flood_is_declared_and_ended_at_the_terminal_by_the_manager_alone() {
    let house = House::start("info").await;
    let flame = |person: &str, until: &str| {
        let words = ["incident", "flame", "--person", person, "--until", until, "--reason", "批判が殺到", "nerima-x"];
        house.command(&words, "")
    };
    let now = sekisho::domain::clock::Clock::now(&sekisho::domain::clock::SystemClock);
    let minute = |days: i64| {
        let at = sekisho::domain::clock::in_japan(now + jiff::SignedDuration::from_hours(24 * days));
        at.strftime("%Y-%m-%dT%H:%M").to_string()
    };
    let clerk = flame("tanto", &minute(2));
    assert!(clerk.code == 1 && clerk.err.contains("not-the-manager"), "{}", clerk.err);
    for wrong in [minute(-1), minute(40)] {
        let refused = flame("kacho", &wrong);
        assert!(refused.code == 1 && refused.err.contains("flame-end"), "{wrong}: {}", refused.err);
    }
    let declared = flame("kacho", &minute(2));
    assert_eq!(declared.code, 0, "{}", declared.err);
    assert!(declared.out.contains("異なる課の二人の承認"), "{}", declared.out);
    let ended = house.command(&["incident", "flame-end", "--person", "kacho", "--reason", "沈静化", "nerima-x"], "");
    assert_eq!(ended.code, 0, "{}", ended.err);
    // Nothing was decided by its author alone, and the list for the audit says so.
    let marked = house.command(&["ledger", "marked"], "");
    assert_eq!((marked.code, marked.out.as_str()), (0, ""), "{}", marked.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn incidents_are_listed_at_the_terminal_and_one_that_is_not_there_is_not_found() {
    let house = House::start("info").await;
    let listed = house.command(&["incident", "list", "--person", "kacho"], "");
    assert_eq!((listed.code, listed.out.trim()), (0, "事案はありません。"), "{}", listed.err);
    let json = house.command(&["incident", "list", "--person", "kacho", "--json"], "");
    assert_eq!((json.code, json.out.trim()), (0, ""), "{}", json.err);
    for step in [
        ["incident", "show", "--person", "kacho", "i-1"].as_slice(),
        &["incident", "acknowledge", "--person", "kacho", "i-1"],
        &["incident", "instruct", "--person", "kacho", "--instruction", "訂正", "--hold", "i-1"],
        &["incident", "close", "--person", "kacho", "--reason", "済み", "i-1"],
    ] {
        let refused = house.command(step, "");
        assert!(refused.code == 1 && refused.err.contains("not-found"), "{step:?}: {}", refused.err);
    }
    let elsewhere = house.command(&["incident", "show", "--person", "kacho", "../accounts"], "");
    assert_eq!(elsewhere.code, 2, "an id leads nowhere else");
}
