//! Requests that pass, or no longer do.

use super::*;

#[tokio::test]
async fn a_permission_is_entered_then_departs_then_gets_its_outcome() {
    let stage = Stage::new();
    let ledger = stage.open();
    let entered = permitted(ledger.enter(stage.approved(1, "a1")).await.unwrap());
    let (_, open) = entered.depart();
    let learned = Learned::Published { account: AccountId::new("nerima-x"), id: "123".to_owned() };
    let closed = ledger.close(open, published(), vec![learned]).await.unwrap();
    assert_eq!(index(&closed), 1);
    let log = entries(&ledger, "nerima");
    assert_eq!(log.len(), 2);
    let (permit, outcome) = (&log[0], &log[1]);
    assert_eq!(permit["kind"], "permit");
    assert_eq!(permit["rule"], "nerima.11.approved");
    assert_eq!(permit["clauses"][0], "nerima:11");
    assert_eq!((&permit["approval"], &permit["approval_use"]), (&Value::from("a1"), &Value::from(1)));
    assert_eq!((&outcome["of"], &outcome["outcome"]), (&Value::from(0), &Value::from("published")));
    assert_eq!(outcome["published_id"], "123");
    use crate::domain::ports::MediaBook;
    assert!(ledger.reads().is_own_post(&AccountId::new("nerima-x"), "123").unwrap());
    assert_eq!(kinds(&ledger, "gateway"), ["start", "registry-loaded", "registry-loaded"]);
}

#[tokio::test]
async fn an_outcome_that_nobody_waits_for_is_there_once_the_ledger_has_settled() {
    use crate::domain::ports::MediaBook;
    let stage = Stage::new();
    let ledger = stage.open();
    let (_, open) = permitted(ledger.enter(stage.approved(1, "a1")).await.unwrap()).depart();
    let learned = Learned::Published { account: AccountId::new("nerima-x"), id: "123".to_owned() };
    ledger.close_soon(open, published(), vec![learned]);
    ledger.settled().await;
    assert_eq!(kinds(&ledger, "nerima"), ["permit", "outcome"]);
    assert!(ledger.reads().is_own_post(&AccountId::new("nerima-x"), "123").unwrap());
}

#[tokio::test]
async fn an_outcome_that_nobody_waits_for_is_recorded_without_company_too_and_at_a_stop() {
    let stage = Stage::new();
    let ledger = stage.open();
    let (_, open) = permitted(ledger.enter(stage.approved(1, "a1")).await.unwrap()).depart();
    ledger.close_soon(open, published(), Vec::new());
    let begun = std::time::Instant::now();
    while kinds(&ledger, "nerima").len() < 2 {
        assert!(begun.elapsed() < Duration::from_secs(30), "it stays in memory");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let (_, open) = permitted(ledger.enter(stage.approved(2, "a2")).await.unwrap()).depart();
    ledger.close_soon(open, published(), Vec::new());
    drop(ledger);
    assert_eq!(kinds(&stage.open(), "nerima"), ["permit", "outcome", "permit", "outcome"]);
}

#[tokio::test]
async fn an_entry_is_canonical_and_shows_no_content_no_name_and_no_reason() {
    let stage = Stage::new();
    let ledger = stage.open();
    drop(ledger.enter(stage.approved(1, "a1")).await.unwrap());
    let leaf = ledger.logbook().read("nerima", 0, 1).unwrap().remove(0).leaf;
    assert_eq!(leaf.as_bytes(), crate::domain::digest::canonical(&serde_json::from_str(&leaf).unwrap()));
    for secret in ["お知らせ", "秘密", "shuji", "kacho", "192.0.2.7"] {
        assert!(!leaf.contains(secret), "{secret} in {leaf}");
    }
    let payload = ledger.payload("nerima", 0).unwrap().unwrap();
    assert_eq!(payload.post.as_deref(), Some("{\"text\":\"お知らせ1\"}"));
    assert_eq!((payload.author.as_deref(), payload.approver.as_deref()), (Some("shuji"), Some("kacho")));
}

#[tokio::test]
async fn a_permission_that_is_dropped_unsent_is_recorded_as_not_sent() {
    let stage = Stage::new();
    let ledger = stage.open();
    drop(permitted(ledger.enter(stage.approved(1, "a1")).await.unwrap()));
    assert_eq!(outcome_of(&ledger, 0), ("not-sent".to_owned(), "dropped".to_owned()));
}

#[tokio::test]
async fn a_departed_request_that_is_abandoned_is_recorded_as_unknown() {
    let stage = Stage::new();
    let ledger = stage.open();
    let (_, open) = permitted(ledger.enter(stage.approved(1, "a1")).await.unwrap()).depart();
    drop(open);
    assert_eq!(outcome_of(&ledger, 0), ("unknown".to_owned(), "abandoned".to_owned()));
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_not_sent_behind() {
    let stage = Stage::new();
    let ledger = stage.open();
    let mut entering = Box::pin(ledger.enter(stage.approved(1, "a1")));
    // Polled once: the unit is queued; then nobody waits for the answer any more.
    std::future::poll_fn(|context| {
        let _ = entering.as_mut().poll(context);
        std::task::Poll::Ready(())
    })
    .await;
    drop(entering);
    assert_eq!(outcome_of(&ledger, 0).0, "not-sent");
}

#[tokio::test]
async fn an_entry_left_open_by_a_crash_becomes_unknown_at_the_next_start() {
    let stage = Stage::new();
    let ledger = stage.open();
    let (_, mut open) = permitted(ledger.enter(stage.approved(1, "a1")).await.unwrap()).depart();
    // A crash runs no destructor.
    open.ledger = None;
    ledger.close_down();
    drop(ledger);
    let ledger = stage.open();
    assert_eq!(outcome_of(&ledger, 0), ("unknown".to_owned(), "restart".to_owned()));
    assert_eq!(kinds(&ledger, "gateway"), ["start", "registry-loaded", "registry-loaded", "stop", "start"]);
    assert_eq!(refused(ledger.enter(stage.approved(1, "a1")).await.unwrap()).1.code, "approval-spent");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_that_show_the_same_approval_at_once_exactly_one_passes() {
    let stage = Stage::new();
    let ledger = stage.open();
    let tasks: Vec<_> = (0..64)
        .map(|_| {
            let (ledger, judged) = (Arc::clone(&ledger), stage.approved(1, "a1"));
            tokio::spawn(async move {
                match ledger.enter(judged).await.unwrap() {
                    Recorded::Permitted(entered) => {
                        let (_, open) = entered.depart();
                        ledger.close(open, published(), Vec::new()).await.unwrap();
                        None
                    }
                    Recorded::Refused(_, refusal) => Some(refusal.code.into_owned()),
                }
            })
        })
        .collect();
    let mut codes = Vec::new();
    for task in tasks {
        codes.push(task.await.unwrap());
    }
    assert_eq!(codes.iter().filter(|code| code.is_none()).count(), 1);
    assert_eq!(codes.iter().flatten().filter(|code| *code == "approval-spent").count(), 63);
    let kinds = kinds(&ledger, "nerima");
    let count = |kind: &str| kinds.iter().filter(|one| *one == kind).count();
    assert_eq!((count("permit"), count("outcome"), count("refusal")), (1, 1, 63));
}

#[tokio::test]
async fn what_changed_since_the_look_refuses_at_the_entry() {
    let stage = Stage::new();
    let ledger = stage.open();
    let kacho = PersonId::new("kacho");
    for (n, code) in (1..).zip(["approval-revoked", "approval-expired", "account-locked", "emergency-ended"]) {
        let id = format!("a{n}");
        let mut judged = stage.approved(n, &id);
        match code {
            "approval-revoked" => {
                ledger.act(kacho.clone(), Act::Deposit(stage.approval(n, &id))).await.unwrap();
                ledger.act(kacho.clone(), Act::Revoke(ApprovalId::new(&id))).await.unwrap();
            }
            "approval-expired" => stage.pass_time(600),
            "account-locked" => lock(&ledger, AccountState::Suspended).await,
            _ => {
                lock(&ledger, AccountState::Active).await;
                ledger.act(kacho.clone(), Act::Declare(stage.emergency("e1"))).await.unwrap();
                ledger.act(kacho.clone(), Act::EndEmergency(EmergencyId::new("e1"))).await.unwrap();
                let emergency = Exemption::Emergency { emergency: EmergencyId::new("e1"), drill: false };
                judged = stage.passing(n, Pass::Exempt(emergency));
            }
        }
        let (at, refusal) = refused(ledger.enter(judged).await.unwrap());
        assert_eq!(refusal.code, code);
        let entry = &entries(&ledger, "nerima")[at as usize];
        assert_eq!((&entry["kind"], &entry["code"]), (&Value::from("refusal"), &Value::from(code)));
    }
    assert!(!kinds(&ledger, "nerima").contains(&"permit".to_owned()));
}

async fn lock(ledger: &Ledger, state: AccountState) {
    let (account, reason) = (AccountId::new("nerima-x"), "漏えい".to_owned());
    let act = if state == AccountState::Suspended {
        Act::LockAccount { account, reason, leak: false }
    } else {
        Act::UnlockAccount { account, reason }
    };
    ledger.act(PersonId::new("kacho"), act).await.unwrap();
    assert_eq!(ledger.reads().registry().account(&AccountId::new("nerima-x")).unwrap().state, state);
}

#[tokio::test]
async fn a_clock_that_is_set_back_revives_no_approval() {
    let stage = Stage::new();
    let ledger = stage.open();
    let judged = stage.approved(1, "a1");
    stage.pass_time(700);
    drop(ledger.enter(stage.approved(2, "a2")).await.unwrap());
    stage.pass_time(-700);
    assert_eq!(refused(ledger.enter(judged).await.unwrap()).1.code, "approval-expired");
    let log = entries(&ledger, "nerima");
    let times: Vec<&str> = log.iter().map(|entry| entry["at"].as_str().unwrap()).collect();
    assert!(times.is_sorted(), "{times:?}");
    assert!(log.last().unwrap()["clock"].is_string());
}

#[tokio::test]
async fn an_after_report_is_owed_before_the_post_can_leave() {
    let stage = Stage::new();
    let ledger = stage.open();
    ledger.act(PersonId::new("kacho"), Act::Declare(stage.emergency("e1"))).await.unwrap();
    let due = stage.now() + SignedDuration::from_secs(86_400);
    let exemption = Exemption::Emergency { emergency: EmergencyId::new("e1"), drill: false };
    let dossier = Dossier { pass: Some(Pass::Exempt(exemption)), ..dossier(1) };
    let judged = stage.judged(permit(vec![Obligation::AfterReport { due }]), dossier);
    let entered = permitted(ledger.enter(judged).await.unwrap());
    let owed = ledger.reads().after_reports(&OrganisationId::new("nerima")).unwrap();
    assert_eq!((owed.len(), owed[0].entry, owed[0].due, owed[0].reported), (1, index(entered.entry()), due, None));
    let report = |by: &str, text: &str| {
        ledger.act(PersonId::new(by), Act::Report { id: owed[0].id.clone(), text: text.to_owned() })
    };
    assert_eq!(code(report("shuji", " ").await), "report-empty");
    assert_eq!(code(report("nobody", "報告").await), "not-of-this-body");
    assert_eq!(code(report("shuji", "報告").await), "done");
    assert_eq!(code(report("shuji", "報告").await), "report-not-owed");
}

#[tokio::test]
async fn a_retry_key_is_good_while_the_outcome_is_unknown_and_no_longer() {
    let stage = Stage::new();
    let ledger = stage.open();
    let keyed = |n, pass| {
        let mut judged = stage.passing(n, pass);
        judged.dossier.retry_key = Some("k".to_owned());
        judged
    };
    let retryable = |since| ledger.reads().retryable(&ClientId::new("cms"), "k", &digest(1), since).unwrap();
    let approval = Box::new(stage.approval(1, "a1"));
    let first = ledger.enter(keyed(1, Pass::Approved { approval, use_number: 1, deposit: true })).await.unwrap();
    let (_, open) = permitted(first).depart();
    ledger.close(open, Outcome::Unknown { code: "timeout" }, Vec::new()).await.unwrap();
    let (long_ago, never) = (jiff::Timestamp::UNIX_EPOCH, jiff::Timestamp::MAX);
    assert_eq!((retryable(long_ago), retryable(never)), (Some(0), None), "the provider may have forgotten the key");
    assert_eq!(refused(ledger.enter(keyed(2, Pass::Resend { entry: 0 })).await.unwrap()).1.code, "resend-not-open");
    let (_, open) = permitted(ledger.enter(keyed(1, Pass::Resend { entry: 0 })).await.unwrap()).depart();
    ledger.close(open, published(), Vec::new()).await.unwrap();
    assert_eq!(retryable(long_ago), None);
    assert_eq!(refused(ledger.enter(keyed(1, Pass::Resend { entry: 0 })).await.unwrap()).1.code, "resend-not-open");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_thousand_at_once_are_dense_ordered_and_verify() {
    let stage = Stage::new();
    let ledger = stage.open();
    let tasks: Vec<_> = (0..2_000)
        .map(|n| {
            let (ledger, judged) = (Arc::clone(&ledger), stage.approved(n, &format!("a{n:05}")));
            tokio::spawn(async move {
                let (_, open) = permitted(ledger.enter(judged).await.unwrap()).depart();
                ledger.close(open, published(), Vec::new()).await.unwrap();
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let (mut entries, mut checkpoint) = (Vec::new(), Vec::new());
    assert_eq!(ledger.logbook().export("nerima", &mut entries, &mut checkpoint).unwrap(), 4_000);
    let leaves: Vec<&[u8]> = entries.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
    for (i, leaf) in leaves.iter().enumerate() {
        let leaf: Value = serde_json::from_slice(leaf).unwrap();
        assert_eq!(leaf["index"], i);
    }
    let vkey = ledger.vkey("nerima").unwrap();
    let verified = verify::verify(&ledger.logbook(), "nerima", &vkey, Some(&ledger.shared.keyring)).unwrap();
    assert_eq!((verified.size, verified.payloads, verified.sealed_away), (4_000, 2_000, 0));
    let (size, root) = checkpoint::verify(std::str::from_utf8(&checkpoint).unwrap(), &vkey).unwrap();
    assert_eq!(size, 4_000);
    let proof = ledger.logbook().proof("nerima", 1234).unwrap();
    use base64::Engine;
    let hashes: Vec<tlog_tiles::Hash> = proof
        .lines()
        .skip(2)
        .take_while(|line| !line.is_empty())
        .map(|line| {
            tlog_tiles::Hash(base64::engine::general_purpose::STANDARD.decode(line).unwrap().try_into().unwrap())
        })
        .collect();
    let leaf = tlog_tiles::record_hash(leaves[1234]);
    tlog_tiles::check_record(&hashes, size, tlog_tiles::Hash(root), 1234, leaf).unwrap();
    // The next start takes up the same tree.
    ledger.close_down();
    drop(ledger);
    assert_eq!(stage.open().logbook().size("nerima").unwrap(), 4_000);
}
