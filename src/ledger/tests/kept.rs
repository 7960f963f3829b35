//! Kept requests: sealed with their tickets, dropped with their time, and worth nothing after something was lost.

use super::*;
use crate::domain::kept::{Kept, KeptBody};
use crate::domain::outbound::Spool;
use crate::ledger::kept::drop_over;
use crate::store::Change;

fn request() -> Kept {
    Kept {
        client: ClientId::new("cms"),
        account: AccountId::new("nerima-x"),
        provider: ProviderId::new("x"),
        method: "POST".to_owned(),
        host: "api.x.com".to_owned(),
        path: "/2/tweets".to_owned(),
        query: Vec::new(),
        headers: Vec::new(),
        body: KeptBody::None,
        media: Vec::new(),
        prompt: false,
        publication: None,
    }
}

/// Post `n`, held with its request, whose body lies on the disk; its ticket.
async fn hold(stage: &Stage, ledger: &Ledger, n: u32) -> TicketId {
    let path = stage.dir.path().join(format!("{n}.part"));
    std::fs::write(&path, form(n)).unwrap();
    let body = OutBody::Spool(Spool::new(path, form(n).len() as u64, Sha256::of(form(n).as_bytes())));
    let kept = ledger.keep(request(), &body).await.unwrap().unwrap();
    let dossier = Dossier { keep: Some(Box::new(kept)), ..dossier(n) };
    refused(ledger.enter(stage.judged(held(), dossier)).await.unwrap()).1.ticket.unwrap()
}

fn files(stage: &Stage) -> usize {
    std::fs::read_dir(stage.config.ledger.dir.join("kept")).unwrap().count()
}

#[tokio::test]
async fn a_kept_request_is_dropped_with_its_time_or_when_nobody_wants_it_and_its_key_is_destroyed() {
    let stage = Stage::new();
    let ledger = stage.open();
    let (first, second) = (hold(&stage, &ledger, 1).await, hold(&stage, &ledger, 2).await);
    assert!(ledger.kept(&first).unwrap().is_some());
    let (key, sealed) = ledger.reads().kept(&first).unwrap().unwrap();
    assert!(entries(&ledger, "nerima")[0]["kept_until"].is_string());
    drop_over(&ledger.shared).unwrap();
    assert_eq!(files(&stage), 2, "nothing is over yet");

    let reject = Act::RejectTicket { ticket: second.clone(), reason: "誤り".to_owned() };
    assert_eq!(code(ledger.act(PersonId::new("kacho"), reject).await), "done");
    drop_over(&ledger.shared).unwrap();
    assert!(ledger.kept(&second).unwrap().is_none() && ledger.kept(&first).unwrap().is_some());
    assert_eq!(files(&stage), 1);

    stage.pass_time(72 * 3600);
    drop_over(&ledger.shared).unwrap();
    assert!(ledger.kept(&first).unwrap().is_none());
    assert!(ledger.shared.keyring.open_sealed(key, &sealed).unwrap().is_none(), "no copy of it can be read");
    assert_eq!(files(&stage), 0);
    let dropped: Vec<Value> =
        entries(&ledger, "gateway").into_iter().filter(|entry| entry["kind"] == "kept-dropped").collect();
    assert_eq!(dropped.len(), 2);
    assert_eq!((&dropped[1]["requests"], &dropped[1]["upload_steps"]), (&Value::from(1), &Value::from(0)));
}

#[tokio::test]
async fn what_was_kept_before_a_backup_was_restored_is_not_released() {
    let stage = Stage::new();
    let ledger = stage.open();
    let ticket = hold(&stage, &ledger, 1).await;
    stage.pass_time(1);
    let epoch = Draft { kind: "rollback-accepted", ..Draft::default() };
    let unit = Unit { changes: vec![Change::Epoch], ..Unit::entry(Log::from("gateway"), epoch) };
    ledger.shared.store.commit(vec![unit]).pop().unwrap().unwrap();
    stage.pass_time(1);
    let kacho = PersonId::new("kacho");
    let expires = stage.now() + SignedDuration::from_secs(600);
    let approval = ApprovalId::new("a1");
    let approve = Act::ApproveTicket {
        ticket: ticket.clone(),
        approval,
        expires,
        max_uses: 1,
        remarks: Default::default(),
        links: None,
    };
    assert_eq!(code(ledger.act(kacho.clone(), approve).await), "done");
    assert_eq!(code(ledger.act(kacho, Act::ReleaseTicket(ticket)).await), "release-before-restore");
}
