//! Approvals in memory: whoever asks is told what the database would tell.

use super::stage::Stage;
use super::*;
use crate::store::sqlite::raw;

fn found(ledger: &Ledger, stage: &Stage, n: u32) -> Vec<String> {
    let account = AccountId::new("nerima-x");
    let reads = ledger.reads();
    let all = reads.usable_all(&account, Action::Publish, &digest(n), stage.now()).unwrap();
    let first = reads.usable(&account, Action::Publish, &digest(n), stage.now(), None).unwrap();
    assert_eq!(first.as_ref(), all.first(), "memory and database say the same");
    let other = reads.usable(&account, Action::Delete, &digest(n), stage.now(), None).unwrap();
    assert_eq!(other, None, "no approval covers another action");
    all.into_iter().map(|known| known.approval.id.to_string()).collect()
}

async fn act(ledger: &Ledger, act: Act) {
    let person = PersonId::new("kacho");
    ledger.act(person, act).await.unwrap();
}

#[tokio::test]
async fn a_deposited_approval_is_found_until_it_is_spent_revoked_or_over() {
    let stage = Stage::new();
    let ledger = stage.open();
    for (n, id) in [(1, "a1"), (2, "a2"), (3, "a3"), (4, "a4")] {
        assert_eq!(found(&ledger, &stage, n), Vec::<String>::new(), "nothing is remembered of what is not there");
        act(&ledger, Act::Deposit(stage.approval(n, id))).await;
        assert_eq!(found(&ledger, &stage, n), [id]);
    }
    let pass = Pass::Approved { approval: Box::new(stage.approval(1, "a1")), use_number: 1, deposit: false };
    drop(ledger.enter(stage.passing(1, pass)).await.unwrap());
    assert_eq!(found(&ledger, &stage, 1), Vec::<String>::new(), "spent");
    act(&ledger, Act::Revoke(ApprovalId::new("a2"))).await;
    assert_eq!(found(&ledger, &stage, 2), Vec::<String>::new(), "revoked");

    let second = Approval { approver: PersonId::new("bucho"), ..stage.approval(3, "a3b") };
    act(&ledger, Act::Deposit(Approval { expires: second.expires + SignedDuration::from_secs(60), ..second })).await;
    assert_eq!(found(&ledger, &stage, 3), ["a3", "a3b"], "both, the one that expires first before the other");

    // Nobody else should write while a gateway runs. If somebody does, the next commit notices.
    assert_eq!(raw(&stage.database(), "UPDATE approval SET revoked = 1 WHERE id = 'a4'"), 1);
    act(&ledger, Act::Deposit(stage.approval(5, "a5"))).await;
    assert_eq!(found(&ledger, &stage, 4), Vec::<String>::new(), "revoked behind the gateway's back");
    assert_eq!(found(&ledger, &stage, 5), ["a5"]);

    stage.pass_time(600);
    assert_eq!(found(&ledger, &stage, 5), Vec::<String>::new(), "over");
    assert_eq!(found(&ledger, &stage, 3), ["a3b"]);
}
