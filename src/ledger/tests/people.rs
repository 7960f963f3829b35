//! Tickets, approvals, declarations: who may do what.

use super::*;

fn approve(ticket: &TicketId, id: &str, stage: &Stage) -> Act {
    let expires = stage.now() + SignedDuration::from_secs(600);
    Act::ApproveTicket {
        ticket: ticket.clone(),
        approval: ApprovalId::new(id),
        expires,
        max_uses: 1,
        remarks: Default::default(),
        links: None,
    }
}

#[tokio::test]
async fn the_same_post_from_the_same_tool_joins_the_ticket_that_waits() {
    let stage = Stage::new();
    let ledger = stage.open();
    let hold = async |n| refused(ledger.enter(stage.judged(held(), dossier(n))).await.unwrap()).1.ticket.unwrap();
    let (first, again, other) = (hold(1).await, hold(1).await, hold(2).await);
    assert_eq!(first, again);
    assert_ne!(first, other);
    assert_eq!(entries(&ledger, "nerima")[1]["ticket"], first.as_str());
    let waiting = ledger.reads().tickets(&OrganisationId::new("nerima")).unwrap();
    assert_eq!(waiting.len(), 2);
    let (log, at) = ledger.reads().ticket_entry(&first).unwrap().unwrap();
    assert_eq!(ledger.payload(&log, at).unwrap().unwrap().post.as_deref(), Some("{\"text\":\"お知らせ1\"}"));
}

#[tokio::test]
async fn an_approved_ticket_lets_its_post_pass_once_and_is_settled() {
    let stage = Stage::new();
    let ledger = stage.open();
    let ticket = refused(ledger.enter(stage.judged(held(), dossier(1))).await.unwrap()).1.ticket.unwrap();
    let kacho = PersonId::new("kacho");
    assert_eq!(code(ledger.act(PersonId::new("shuji"), approve(&ticket, "a1", &stage)).await), "self-approval");
    assert_eq!(code(ledger.act(PersonId::new("nobody"), approve(&ticket, "a1", &stage)).await), "not-of-this-body");
    assert_eq!(code(ledger.act(kacho.clone(), approve(&ticket, "a1", &stage)).await), "done");
    assert_eq!(code(ledger.act(kacho.clone(), approve(&ticket, "a2", &stage)).await), "ticket-not-waiting");
    let reject = Act::RejectTicket { ticket, reason: "誤り".to_owned() };
    assert_eq!(code(ledger.act(kacho, reject).await), "ticket-not-waiting");
    let usable = ledger.reads().usable(&AccountId::new("nerima-x"), Action::Publish, &digest(1), stage.now(), None);
    let approval = Box::new(usable.unwrap().unwrap().approval);
    let pass = || Pass::Approved { approval: approval.clone(), use_number: 1, deposit: false };
    permitted(ledger.enter(stage.passing(1, pass())).await.unwrap());
    assert_eq!(refused(ledger.enter(stage.passing(1, pass())).await.unwrap()).1.code, "approval-spent");
    let acts: Vec<Value> = entries(&ledger, "nerima").into_iter().filter(|entry| entry["kind"] == "act").collect();
    assert_eq!(acts.len(), 4, "one refused act of nobody's is in the gateway's own log");
    assert_eq!(acts.iter().filter(|act| act["result"] == "refused").count(), 3);
}

#[tokio::test]
async fn c6_an_approval_by_another_person_is_found_behind_the_authors_own() {
    let stage = Stage::new();
    let ledger = stage.open();
    let deposit = async |id: &str, approver: &str, seconds| {
        let mut approval = stage.approval(1, id);
        approval.approver = PersonId::new(approver);
        approval.expires = stage.now() + SignedDuration::from_secs(seconds);
        ledger.act(PersonId::new("kacho"), Act::Deposit(approval)).await.unwrap();
    };
    let found = |except: Option<&str>| {
        let except = except.map(PersonId::new);
        let account = AccountId::new("nerima-x");
        let usable = ledger.reads().usable(&account, Action::Publish, &digest(1), stage.now(), except.as_ref());
        usable.unwrap().map(|known| known.approval.id.as_str().to_owned())
    };
    deposit("own", "shuji", 60).await;
    assert_eq!(found(Some("shuji")).as_deref(), Some("own"));
    deposit("other", "kacho", 600).await;
    assert_eq!(found(Some("shuji")).as_deref(), Some("other"));
    assert_eq!(found(None).as_deref(), Some("own"), "nobody is excepted: the first to expire");
}

#[tokio::test]
async fn c4_a_held_post_that_cannot_be_read_is_not_approved() {
    let stage = Stage::new();
    let ledger = stage.open();
    let ticket = refused(ledger.enter(stage.judged(held(), dossier(1))).await.unwrap()).1.ticket.unwrap();
    let payload = ledger.held(&ticket).unwrap().unwrap();
    assert_eq!(payload.post.unwrap(), form(1));
    // Another post than the ticket names, and none at all.
    let mut cases = 0;
    for payload in [form(9), String::new()] {
        let dossier = Dossier { payload, ..dossier(2 + cases) };
        let ticket = refused(ledger.enter(stage.judged(held(), dossier)).await.unwrap()).1.ticket.unwrap();
        assert!(ledger.held(&ticket).unwrap().is_none());
        let acted = ledger.act(PersonId::new("kacho"), approve(&ticket, "a1", &stage)).await;
        assert_eq!(code(acted), "post-unreadable");
        let kept = ledger.reads().ticket(&ticket).unwrap().unwrap();
        assert_eq!(kept.state, crate::domain::approval::TicketState::Waiting);
        cases += 1;
    }
    assert_eq!(cases, 2);
    assert!(ledger.reads().approval(&ApprovalId::new("a1")).unwrap().is_none());
}

#[tokio::test]
async fn the_author_and_the_tools_owner_cannot_have_approved() {
    let stage = Stage::new();
    let ledger = stage.open();
    for author in [Some(PersonId::new("shuji")), None] {
        let mut approval = stage.approval(1, "a1");
        approval.approver = PersonId::new("shuji");
        let mut judged =
            stage.passing(1, Pass::Approved { approval: Box::new(approval), use_number: 1, deposit: true });
        judged.dossier.author = author;
        assert_eq!(refused(ledger.enter(judged).await.unwrap()).1.code, "self-approval");
    }
}

#[tokio::test]
async fn an_approval_for_something_else_does_not_pass() {
    let stage = Stage::new();
    let ledger = stage.open();
    let mut cases = 0;
    for change in ["digest", "account", "action", "use 0", "use 2", "unknown", "not yet"] {
        let mut approval = stage.approval(1, "a1");
        let (mut use_number, mut deposit) = (1, true);
        let expected = match change {
            "digest" => {
                approval.digest = digest(2);
                "approval-mismatch"
            }
            "account" => {
                approval.account = AccountId::new("nerima-line");
                "approval-mismatch"
            }
            "action" => {
                approval.actions = vec![Action::Delete];
                "approval-mismatch"
            }
            "use 0" => {
                use_number = 0;
                "approval-spent"
            }
            "use 2" => {
                use_number = 2;
                "approval-spent"
            }
            "unknown" => {
                deposit = false;
                "approval-missing"
            }
            _ => {
                approval.not_before = stage.now() + SignedDuration::from_secs(1);
                "approval-not-yet"
            }
        };
        let pass = Pass::Approved { approval: Box::new(approval), use_number, deposit };
        assert_eq!(refused(ledger.enter(stage.passing(1, pass)).await.unwrap()).1.code, expected, "{change}");
        cases += 1;
    }
    assert_eq!(cases, 7);
    // A second statement under a name that is known.
    ledger.act(PersonId::new("kacho"), Act::Deposit(stage.approval(1, "a1"))).await.unwrap();
    let mut other = stage.approval(1, "a1");
    other.max_uses = 9;
    let pass = Pass::Approved { approval: Box::new(other), use_number: 5, deposit: true };
    assert_eq!(refused(ledger.enter(stage.passing(1, pass)).await.unwrap()).1.code, "approval-conflict");
}

#[tokio::test]
async fn a_declaration_needs_a_person_who_may_a_reason_accounts_and_an_end() {
    let stage = Stage::new();
    let ledger = stage.open();
    let declare = async |by: &str, change: &dyn Fn(&mut Emergency)| {
        let mut new = stage.emergency("e1");
        new.declared_by = PersonId::new(by);
        change(&mut new);
        code(ledger.act(PersonId::new(by), Act::Declare(new)).await)
    };
    assert_eq!(declare("shuji", &|_| ()).await, "may-not-declare");
    assert_eq!(declare("kacho", &|new| new.reason = " ".to_owned()).await, "emergency-without-reason");
    assert_eq!(declare("kacho", &|new| new.accounts.clear()).await, "emergency-without-accounts");
    assert_eq!(declare("kacho", &|new| new.accounts.push(AccountId::new("nagano-x"))).await, "account-unknown");
    assert_eq!(declare("kacho", &|new| new.until = new.declared).await, "emergency-end");
    assert_eq!(declare("kacho", &|new| new.until += SignedDuration::from_hours(73)).await, "emergency-end");
    assert_eq!(declare("kacho", &|new| new.declared_by = PersonId::new("shuji")).await, "emergency-declarer");
    let account = AccountId::new("nerima-x");
    assert!(ledger.reads().open(&account, stage.now()).unwrap().is_none());
    assert_eq!(declare("kacho", &|_| ()).await, "done");
    assert_eq!(ledger.reads().open(&account, stage.now()).unwrap().unwrap().reason, "大雨");
    let end = |by: &str| ledger.act(PersonId::new(by), Act::EndEmergency(EmergencyId::new("e1")));
    assert_eq!(code(end("shuji").await), "may-not-declare");
    assert_eq!(code(end("kacho").await), "done");
    assert_eq!(code(end("kacho").await), "emergency-ended");
    assert!(ledger.reads().open(&account, stage.now()).unwrap().is_none());
}

#[tokio::test]
async fn the_configuration_loads_the_registry_once_and_is_compared_afterwards() {
    let mut stage = Stage::new();
    let ledger = stage.open();
    assert!(ledger.warnings().is_empty());
    let registry = Arc::clone(ledger.reads().registry());
    assert_eq!(registry.client_by_key(&Sha256::of(b"key").hex()).unwrap().id.as_str(), "cms");
    assert_eq!(registry.account_by_fingerprint(&ProviderId::new("x"), "AB12").unwrap().id.as_str(), "nerima-x");
    assert_eq!(registry.person_by_key(&Sha256::of(b"kacho").hex()).unwrap().id.as_str(), "kacho");
    ledger.close_down();
    drop(ledger);
    stage.config.accounts[0].handle = "@other".to_owned();
    let ledger = stage.open();
    assert_eq!(ledger.warnings().len(), 1, "{:?}", ledger.warnings());
    assert_eq!(ledger.reads().registry().account(&AccountId::new("nerima-x")).unwrap().handle, "@nerima");
}
