//! What is closed between the look and the entry: by the console, in the same transaction, by the clock, by somebody else.

use super::*;
use crate::domain::embargo::{Closed, Embargo, EmbargoId, RegisterSeen};
use crate::domain::person::PersonId;
use crate::domain::ports::Embargoes;

fn nerima() -> OrganisationId {
    OrganisationId::new("nerima")
}

fn embargo(stage: &Stage, id: &str, from_s: i64) -> Embargo {
    Embargo {
        id: EmbargoId::new(id),
        organisation: nerima(),
        kind: Closed::Term,
        words: vec!["あおぞら座".to_owned()],
        documents: Vec::new(),
        from: stage.now() + SignedDuration::from_secs(from_s),
        until: jiff::Timestamp::from_second((stage.now().as_second() / 60 + 600) * 60).unwrap(),
        public_comment: None,
        reason: "議会への報告前".to_owned(),
        by: PersonId::new("kacho"),
        lifted: None,
    }
}

/// Where the register stands now.
fn seen(stage: &Stage, ledger: &Ledger) -> RegisterSeen {
    ledger.reads().register(&nerima()).map(|register| register.seen(stage.now())).unwrap_or_default()
}

/// A permission that was judged while the register stood so.
fn judged(stage: &Stage, n: u32, seen: RegisterSeen) -> Judged {
    let mut judged = stage.approved(n, &format!("a{n}"));
    judged.dossier.closed = Some(seen);
    judged
}

async fn passes(ledger: &Ledger, judged: Judged) {
    let (_, open) = permitted(ledger.enter(judged).await.unwrap()).depart();
    ledger.close(open, published(), Vec::new()).await.unwrap();
}

#[tokio::test]
async fn a_post_that_the_register_overtakes_is_refused_and_its_approval_is_not_spent() {
    let stage = Stage::new();
    let ledger = stage.open();
    let before = seen(&stage, &ledger);
    let act = Act::Embargo(Box::new(embargo(&stage, "e-1", 0)));
    ledger.act(PersonId::new("kacho"), act).await.unwrap();
    let (_, refusal) = refused(ledger.enter(judged(&stage, 1, before)).await.unwrap());
    assert_eq!((&*refusal.code, refusal.clauses[0].as_str()), ("register-moved", "sekisho:register"));
    let known = ledger.reads().register(&nerima()).unwrap();
    assert_eq!(known.holding(stage.now()).count(), 1, "what is closed is in memory when the act is done");
    passes(&ledger, judged(&stage, 1, seen(&stage, &ledger))).await;

    // Lifting opens, so that it overtakes nobody.
    let before = seen(&stage, &ledger);
    let lift = Act::LiftEmbargo { id: EmbargoId::new("e-1"), reason: "公表した".to_owned() };
    ledger.act(PersonId::new("kacho"), lift).await.unwrap();
    assert_eq!(ledger.reads().register(&nerima()).unwrap().holding(stage.now()).count(), 0);
    passes(&ledger, judged(&stage, 2, before)).await;
}

#[tokio::test]
async fn in_one_transaction_what_closes_comes_before_the_post_that_was_handed_in_after_it() {
    let stage = Stage::new();
    let ledger = stage.open();
    let before = seen(&stage, &ledger);
    let act = Act::Embargo(Box::new(embargo(&stage, "e-1", 0)));
    let unit = acts::unit(&ledger.shared, &PersonId::new("kacho"), act).unwrap();
    let post = judged(&stage, 1, before);
    let Decision::Permit(permit, _) = &post.decision else { panic!("a permission") };
    let log = ledger.shared.log_of(Some(&nerima()));
    let wait = std::time::Duration::from_secs(20);
    let post = enter::permission(&ledger.shared, log, permit, &post.dossier, stage.now(), wait).unwrap();
    let done = ledger.shared.store.commit(vec![unit, post]);
    let codes: Vec<_> = done.into_iter().map(|it| it.unwrap().refused).collect();
    assert_eq!(codes, [None, Some("register-moved")]);
}

#[tokio::test]
async fn an_entry_that_begins_between_the_look_and_the_transaction_counts() {
    let stage = Stage::new();
    let ledger = stage.open();
    let act = Act::Embargo(Box::new(embargo(&stage, "e-1", 60)));
    ledger.act(PersonId::new("kacho"), act).await.unwrap();
    let before = seen(&stage, &ledger);
    passes(&ledger, judged(&stage, 1, before)).await;
    stage.pass_time(61);
    assert_eq!(refused(ledger.enter(judged(&stage, 2, before)).await.unwrap()).1.code, "register-moved");
    passes(&ledger, judged(&stage, 2, seen(&stage, &ledger))).await;
}

#[tokio::test]
async fn what_another_hand_writes_into_the_database_counts_from_the_next_transaction_on() {
    let stage = Stage::new();
    let ledger = stage.open();
    let before = seen(&stage, &ledger);
    let body = serde_json::to_string(&embargo(&stage, "e-9", 0)).unwrap();
    let sql = format!("INSERT INTO embargo VALUES ('e-9', 'nerima', 0, {}, NULL, '{body}')", i64::MAX);
    assert_eq!(raw(&stage.database(), &sql), 1);
    assert_eq!(refused(ledger.enter(judged(&stage, 1, before)).await.unwrap()).1.code, "register-moved");
    assert_eq!(ledger.reads().register(&nerima()).unwrap().holding(stage.now()).count(), 1);
}
