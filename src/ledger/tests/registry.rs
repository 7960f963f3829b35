//! The registry through the ledger: the first load, an older database, and posts that a change overtakes.

use super::*;
use crate::domain::person::PersonId;
use crate::domain::registry::Asked;
use serde_json::json;

fn asked(form: Value) -> Act {
    let asked: Asked = serde_json::from_value(form).unwrap();
    Act::Registry(Box::new(asked))
}

fn suspend() -> Act {
    asked(json!({ "change": "suspend-account", "account": "nerima-x", "reason": "確認" }))
}

fn revision(ledger: &Ledger) -> u64 {
    ledger.reads().registry().book(&OrganisationId::new("nerima")).unwrap().revision
}

#[test]
fn a_database_from_before_the_registry_gets_its_first_records_from_what_it_holds() {
    let mut stage = Stage::new();
    let ledger = stage.open();
    ledger.close_down();
    drop(ledger);
    let wiped = raw(
        &stage.database(),
        "DELETE FROM registry_item; DELETE FROM registry_revision; DELETE FROM registry_history;",
    );
    assert!(wiped > 5, "there was a registry to take away");
    // The configuration has moved on meanwhile; what is stored counts.
    stage.config.accounts[0].manager = PersonId::new("shuji");
    let ledger = stage.open();
    let standing = ledger.reads().registry().standing(&AccountId::new("nerima-x"), stage.now()).unwrap();
    assert_eq!(standing.manager.holder, Some(PersonId::new("kacho")));
    let before = revision(&ledger);
    ledger.close_down();
    drop(ledger);
    assert_eq!(revision(&stage.open()), before, "it is loaded once");
}

#[tokio::test]
async fn a_post_that_a_change_of_the_registry_overtakes_is_refused_and_its_approval_is_not_spent() {
    let stage = Stage::new();
    let ledger = stage.open();
    let mut judged = stage.approved(1, "a1");
    judged.dossier.registry = Some(revision(&ledger));
    let operators = json!({ "change": "set-operators", "account": "nerima-x", "operators": ["shuji"] });
    ledger.act(PersonId::new("kacho"), asked(operators)).await.unwrap();
    let (_, refusal) = refused(ledger.enter(judged).await.unwrap());
    assert_eq!(refusal.code, "registry-moved");
    assert_eq!(refusal.clauses[0].as_str(), "sekisho:registry");
    let mut again = stage.approved(1, "a1");
    again.dossier.registry = Some(revision(&ledger));
    let (_, open) = permitted(ledger.enter(again).await.unwrap()).depart();
    ledger.close(open, published(), Vec::new()).await.unwrap();
}

#[tokio::test]
async fn a_locked_account_is_told_before_a_registry_that_moved() {
    let stage = Stage::new();
    let ledger = stage.open();
    let mut judged = stage.approved(1, "a1");
    judged.dossier.registry = Some(revision(&ledger));
    ledger.act(PersonId::new("kacho"), suspend()).await.unwrap();
    assert_eq!(refused(ledger.enter(judged).await.unwrap()).1.code, "account-locked");
}

#[tokio::test]
async fn a_stranger_changes_nothing_and_the_refusal_stands_in_the_gateways_log() {
    let stage = Stage::new();
    let ledger = stage.open();
    let before = revision(&ledger);
    let refused = ledger.act(PersonId::new("nobody"), suspend()).await.unwrap_err();
    let ActError::Refused(_, refusal) = refused else { panic!("{refused:?}") };
    assert_eq!(refusal.code, "registry-not-a-colleague");
    assert_eq!(revision(&ledger), before);
    assert_eq!(kinds(&ledger, "gateway").last().map(String::as_str), Some("act"));
}
