//! Outcomes that nobody waits for: begun early, committed with the next entry or by themselves, never lost.

use super::*;

/// Delays after an outcome was laid aside, so that the next thing meets the writer before it looks, in the middle of its
/// transaction, and after it.
fn delays() -> impl Iterator<Item = Duration> {
    (0..24).map(|n| Duration::from_micros(n * 250))
}

#[tokio::test]
async fn an_entry_goes_along_with_the_outcome_before_it_whenever_it_comes() {
    let stage = Stage::new();
    let ledger = stage.open();
    for (n, delay) in (0..).zip(delays()) {
        let (_, open) = permitted(ledger.enter(stage.approved(n, &format!("a{n}"))).await.unwrap()).depart();
        ledger.close_soon(open, published(), Vec::new());
        std::thread::sleep(delay);
    }
    ledger.settle();
    let expected: Vec<&str> = delays().flat_map(|_| ["permit", "outcome"]).collect();
    assert_eq!(kinds(&ledger, "nerima"), expected, "each outcome stands before the entry that came after it");
    let vkey = ledger.vkey("nerima").unwrap();
    verify::verify(&ledger.logbook(), "nerima", &vkey, Some(&ledger.shared.keyring)).unwrap();
}

#[tokio::test]
async fn an_outcome_that_nothing_follows_is_durable_by_itself() {
    let stage = Stage::new();
    let ledger = stage.open();
    let (_, open) = permitted(ledger.enter(stage.approved(0, "a0")).await.unwrap()).depart();
    ledger.close_soon(open, published(), Vec::new());
    // Nothing else is handed in and nothing is settled: the writer has to come to it itself.
    assert_eq!(outcome_of(&ledger, 0).0, "published");
}

#[tokio::test]
async fn a_stop_writes_what_was_begun() {
    for delay in delays() {
        let stage = Stage::new();
        let ledger = stage.open();
        let (_, open) = permitted(ledger.enter(stage.approved(0, "a0")).await.unwrap()).depart();
        ledger.close_soon(open, published(), Vec::new());
        std::thread::sleep(delay);
        ledger.close_down();
        let sql = "UPDATE outcome SET outcome = 'seen' WHERE outcome = 'published'";
        assert_eq!(raw(&stage.database(), sql), 1, "{delay:?}");
    }
}

#[tokio::test]
async fn an_outcome_that_cannot_be_written_holds_up_no_entry_and_is_written_later() {
    let stage = Stage::new();
    let ledger = stage.open();
    drop(permitted(ledger.enter(stage.approved(1000, "first")).await.unwrap()));
    outcome_of(&ledger, 0);
    let fail = "CREATE TRIGGER fail BEFORE UPDATE ON outcome BEGIN SELECT RAISE(ABORT, 'injected'); END";
    raw(&stage.database(), fail);
    for (n, delay) in (0..).zip(delays()) {
        let entered = permitted(ledger.enter(stage.approved(n, &format!("a{n}"))).await.unwrap());
        assert_eq!(index(entered.entry()), u64::from(n) + 2, "nothing but permissions is written");
        let (_, open) = entered.depart();
        ledger.close_soon(open, published(), Vec::new());
        std::thread::sleep(delay);
    }
    ledger.settle();
    raw(&stage.database(), "DROP TRIGGER fail");
    for (n, _) in (0..).zip(delays()) {
        assert_eq!(outcome_of(&ledger, n + 2).0, "published");
    }
}
