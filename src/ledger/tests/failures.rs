//! A disk that is full, a write that fails, a database that is gone, older or newer.

use super::*;

#[tokio::test]
async fn a_full_disk_lets_nothing_leave_and_is_recovered_from() {
    let stage = Stage::new();
    let ledger = stage.open();
    let (_, open) = permitted(ledger.enter(stage.approved(0, "a0")).await.unwrap()).depart();
    ledger.shared.store.run_on_writer("PRAGMA max_page_count = 1");
    let mut down = 0;
    for n in 1..200 {
        match ledger.enter(stage.approved(n, &format!("a{n}"))).await {
            Err(_) => down += 1,
            Ok(recorded) => drop(recorded),
        }
    }
    assert!(down > 100, "{down}");
    let full = ledger.close(open, published(), Vec::new()).await;
    ledger.shared.store.run_on_writer("PRAGMA max_page_count = 4294967294");
    assert!(ledger.is_sound());
    // What was refused with the disk left no trace: the same approval is still good.
    let (_, last) = permitted(ledger.enter(stage.approved(199, "a199")).await.unwrap()).depart();
    ledger.close(last, published(), Vec::new()).await.unwrap();
    // An outcome that could not be written is written later.
    assert_eq!(outcome_of(&ledger, 0).0, "published", "{full:?}");
    let vkey = ledger.vkey("nerima").unwrap();
    verify::verify(&ledger.logbook(), "nerima", &vkey, Some(&ledger.shared.keyring)).unwrap();
}

#[tokio::test]
async fn whichever_write_fails_nothing_is_permitted_and_nothing_half_done() {
    let tables = ["record", "payload", "outcome", "approval", "used_approval", "retry", "after_report"];
    let mut cases = 0;
    for table in tables {
        for (when, stays) in [("INSERT ON", false), ("UPDATE ON head --", false)] {
            let stage = Stage::new();
            let ledger = stage.open();
            drop(permitted(ledger.enter(stage.approved(0, "a0")).await.unwrap()));
            outcome_of(&ledger, 0);
            let due = stage.now() + SignedDuration::from_secs(60);
            let judged = || {
                let mut judged = stage.approved(1, "a1");
                judged.dossier.retry_key = Some("k".to_owned());
                judged.decision = permit(vec![Obligation::AfterReport { due }]);
                judged
            };
            let fail = format!("CREATE TRIGGER fail BEFORE {when} {table}\nBEGIN SELECT RAISE(ABORT, 'injected'); END");
            raw(&stage.database(), &fail);
            assert!(ledger.enter(judged()).await.is_err(), "{table} {when}");
            assert_eq!(ledger.logbook().size("nerima").unwrap() > 2, stays, "{table} {when}");
            raw(&stage.database(), "DROP TRIGGER fail");
            let entered = permitted(ledger.enter(judged()).await.unwrap());
            assert_eq!(index(entered.entry()), 2, "{table} {when}");
            drop(entered);
            outcome_of(&ledger, 2);
            let vkey = ledger.vkey("nerima").unwrap();
            let verified = verify::verify(&ledger.logbook(), "nerima", &vkey, Some(&ledger.shared.keyring)).unwrap();
            assert_eq!(verified.size, 4, "{table} {when}");
            cases += 1;
        }
    }
    assert_eq!(cases, 14);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_unit_that_cannot_be_written_takes_no_other_with_it() {
    let stage = Stage::new();
    let ledger = stage.open();
    let sql = "CREATE TRIGGER fail BEFORE INSERT ON used_approval WHEN NEW.approval = 'a7'
        BEGIN SELECT RAISE(ABORT, 'injected'); END";
    raw(&stage.database(), sql);
    let results =
        futures_util::future::join_all((0..20).map(|n| ledger.enter(stage.approved(n, &format!("a{n}"))))).await;
    let down: Vec<usize> = results.iter().enumerate().filter(|(_, result)| result.is_err()).map(|(n, _)| n).collect();
    assert_eq!(down, [7]);
}

#[tokio::test]
async fn a_database_that_was_removed_stops_the_writer_for_good() {
    let stage = Stage::new();
    let ledger = stage.open();
    std::fs::remove_file(stage.database()).unwrap();
    assert!(ledger.enter(stage.approved(1, "a1")).await.is_err());
    assert!(ledger.failed().await.contains("removed"));
    std::fs::write(stage.database(), b"").unwrap();
    assert!(ledger.enter(stage.approved(2, "a2")).await.is_err());
    assert!(!ledger.is_sound());
}

#[tokio::test]
async fn a_restored_backup_is_refused_and_if_accepted_voids_the_approvals_before_it() {
    let mut stage = Stage::new();
    let ledger = stage.open();
    let (early, late) = (stage.approved(1, "a1"), stage.approved(2, "a2"));
    let backup = stage.dir.path().join("backup.db");
    raw(&stage.database(), &format!("VACUUM INTO '{}'", backup.display()));
    drop(permitted(ledger.enter(early).await.unwrap()));
    outcome_of(&ledger, 0);
    ledger.close_down();
    drop(ledger);
    for name in ["s.db", "s.db-wal", "s.db-shm"] {
        let _ = std::fs::remove_file(stage.dir.path().join(name));
    }
    std::fs::rename(backup, stage.database()).unwrap();
    let problem = stage.try_open().err().unwrap();
    assert!(problem.reason.contains("accept_rollback"), "{problem}");
    stage.pass_time(1);
    stage.config.ledger.accept_rollback = true;
    let ledger = stage.open();
    assert_eq!(refused(ledger.enter(late).await.unwrap()).1.code, "approval-before-restore");
    permitted(ledger.enter(stage.approved(3, "a3")).await.unwrap());
    assert!(kinds(&ledger, "gateway").contains(&"rollback-accepted".to_owned()));
}

#[tokio::test]
async fn a_second_gateway_and_a_readable_key_are_refused() {
    let stage = Stage::new();
    let ledger = stage.open();
    drop(ledger.enter(stage.approved(1, "a1")).await.unwrap());
    assert!(stage.try_open().err().unwrap().reason.contains("another gateway"));
    ledger.close_down();
    drop(ledger);
    for name in ["payload.key", "nerima.key"] {
        use std::os::unix::fs::PermissionsExt;
        let file = stage.config.ledger.dir.join(name);
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();
        let problem = stage.try_open().err().unwrap().to_string();
        assert!(problem.contains(name) && problem.contains("0644"), "{problem}");
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
    }
    stage.try_open().unwrap();
}

#[tokio::test]
async fn malformed_requests_are_counted_into_one_entry() {
    let stage = Stage::new();
    let ledger = stage.open();
    for _ in 0..50 {
        ledger.malformed(&Malformed { peer: ([192, 0, 2, 9], 1234).into(), code: "bare-lf" });
    }
    ledger.close_down();
    let log = entries(&ledger, "gateway");
    let counted: Vec<&Value> = log.iter().filter(|entry| entry["kind"] == "malformed").collect();
    assert_eq!(counted.len(), 1);
    assert_eq!(counted[0]["counts"][0]["count"], 50);
    assert_eq!(counted[0]["counts"][0]["source"], "192.0.2.9");
}
