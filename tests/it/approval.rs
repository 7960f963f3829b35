//! An approval is of one post, one account, one action, in a window, so often and no more (M4: 編集後に承認なしで公開).

use std::collections::BTreeSet;

use http::Method;
use jiff::SignedDuration;
use sekisho::demo::client::{Reply, Tool};
use sekisho::demo::town::MANAGER_KEY;
use sekisho::domain::account::AccountId;
use sekisho::domain::action::Action;
use sekisho::domain::approval::Approval;
use sekisho::domain::digest::Digest;
use sekisho::domain::person::PersonId;
use serde_json::{Value, json};

use crate::act::{HEALTH, digest_of_words, entry_of, illustrated, outcomes, post, signed, tweet_with, upload};
use crate::stage::{Town, digest_of, tweet};

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_approval_in_the_header_lets_its_post_pass_once() {
    let town = Town::start().await;
    let tool = town.nerima();
    let jws = signed(&town, &digest_of_words(&town, HEALTH).await, |_| {});
    let passed = tweet_with(&tool, HEALTH, &jws).await;
    assert_eq!(passed.status, 201, "{:?}", passed.json());
    let received = town.provider.requests();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].json().unwrap(), json!({ "text": HEALTH }));
    assert_eq!(received[0].header("sekisho-approval"), None, "the approval stays at the gate");
    let entry = town.entries("nerima").remove(usize::try_from(entry_of(&passed)).unwrap());
    assert_eq!(entry["approval_use"], 1);

    town.refuses("approval-spent", "sekisho:promise-2", tweet_with(&tool, HEALTH, &jws)).await;
    town.refuses("approval-missing", "nerima:11", tweet(&tool, HEALTH)).await;
    let town = town.restart().await;
    let again = town.nerima();
    town.refuses("approval-spent", "sekisho:promise-2", tweet_with(&again, HEALTH, &jws)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn m4_one_changed_character_another_account_or_another_action_is_another_post() {
    let town = Town::start().await;
    let tool = town.nerima();
    let digest = digest_of_words(&town, HEALTH).await;
    let clause = "sekisho:promise-2";
    let jws = signed(&town, &digest, |_| {});
    for edited in
        [HEALTH.replace("10時", "11時"), format!("{HEALTH} "), HEALTH.replace('、', "､"), format!("{HEALTH}\u{200b}")]
    {
        town.refuses("approval-other-post", clause, tweet_with(&tool, &edited, &jws)).await;
    }
    let line = signed(&town, &digest, |it| it.account = AccountId::new("nerima-line"));
    town.refuses("approval-other-account", clause, tweet_with(&tool, HEALTH, &line)).await;
    let delete = signed(&town, &digest, |it| it.actions = vec![Action::Delete, Action::Edit]);
    town.refuses("approval-other-action", clause, tweet_with(&tool, HEALTH, &delete)).await;
    let stranger = signed(&town, &digest, |it| it.approver = PersonId::new("nagano-pr-head"));
    town.refuses("approver-not-entitled", "nerima:11", tweet_with(&tool, HEALTH, &stranger)).await;
    // None of them spent it.
    assert_eq!(town.received(), 0);
    assert_eq!(tweet_with(&tool, HEALTH, &jws).await.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_that_somebody_else_wrote_or_changed_is_none() {
    let town = Town::start().await;
    let tool = town.nerima();
    let jws = signed(&town, &digest_of_words(&town, HEALTH).await, |_| {});
    let parts: Vec<&str> = jws.split('.').collect();
    let flipped = |text: &str| {
        let at = text.len() / 2;
        let other = if text.as_bytes()[at] == b'A' { "B" } else { "A" };
        format!("{}{other}{}", &text[..at], &text[at + 1..])
    };
    let unsigned = format!("eyJhbGciOiJub25lIiwidHlwIjoic2VraXNoby1hcHByb3ZhbCtqd3QifQ.{}.", parts[1]);
    let forged = [
        format!("{}.{}.{}", parts[0], parts[1], flipped(parts[2])),
        format!("{}.{}.{}", flipped(parts[0]), parts[1], parts[2]),
        format!("{}.{}.{}", parts[0], flipped(parts[1]), parts[2]),
        unsigned,
        format!("{}.{}", parts[0], parts[1]),
        String::from("x"),
    ];
    for forged in forged {
        let before = town.entries("nerima").len();
        let reply = tweet_with(&tool, HEALTH, &forged).await;
        let code = town.last_entry()["code"].as_str().unwrap().to_owned();
        assert!(["approval-signature", "approval-malformed"].contains(&code.as_str()), "{code}");
        assert_eq!((reply.status.as_u16(), town.entries("nerima").len()), (403, before + 1));
        assert_eq!(town.received(), 0);
    }
    assert_eq!(tweet_with(&tool, HEALTH, &jws).await.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn c38_an_approval_is_good_in_its_window_and_until_it_is_revoked() {
    let town = Town::start().await;
    let tool = town.nerima();
    let digest = digest_of_words(&town, HEALTH).await;
    let clause = "sekisho:promise-2";
    let early = signed(&town, &digest, |it| it.not_before += SignedDuration::from_mins(5));
    town.refuses("approval-not-yet", clause, tweet_with(&tool, HEALTH, &early)).await;

    let revoked = signed(&town, &digest, |_| {});
    let deposited =
        town.console(MANAGER_KEY, Method::POST, "/api/v1/approvals", Some(json!({ "jws": revoked }))).await.json();
    let path = format!("/api/v1/approvals/{}/revoke", deposited["id"].as_str().unwrap());
    assert_eq!(town.console(MANAGER_KEY, Method::POST, &path, None).await.status, 200);
    town.refuses("approval-revoked", clause, tweet_with(&tool, HEALTH, &revoked)).await;
    town.refuses("approval-missing", "nerima:11", tweet(&tool, HEALTH)).await;

    let old = signed(&town, &digest, |_| {});
    town.approve(&digest).await;
    town.clock.forward(SignedDuration::from_secs(601));
    town.refuses("approval-expired", clause, tweet_with(&tool, HEALTH, &old)).await;
    town.refuses("approval-missing", "nerima:11", tweet(&tool, HEALTH)).await;
    assert_eq!(town.received(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn c6_the_author_approves_nothing_of_their_own_on_any_surface() {
    let town = Town::start().await;
    let tool = town.nerima();
    let digest = digest_of_words(&town, HEALTH).await;
    let clause = "sekisho:self-approval";
    // By header.
    let own = signed(&town, &digest, |it| it.approver = PersonId::new("nerima-clerk"));
    town.refuses("self-approval", clause, tweet_with(&tool, HEALTH, &own)).await;
    // By ticket, at the console.
    let held = town.refuses("approval-missing", "nerima:11", tweet(&tool, HEALTH)).await;
    let path = format!("/api/v1/tickets/{}/approve", held.header("sekisho-ticket"));
    let refused = town.console("demo-nerima-clerk", Method::POST, &path, Some(json!({}))).await;
    assert_eq!((refused.status.as_u16(), &refused.json()["code"]), (403, &json!("self-approval")));
    assert_eq!(town.last_entry()["code"], "self-approval", "the attempt is on record");
    town.refuses("approval-missing", "nerima:11", tweet(&tool, HEALTH)).await;
    // By deposit, signed and by digest: whoever deposits it, it does not let the author's post pass.
    let body = json!({ "account": "nerima-x", "actions": ["publish"], "digest": digest.to_string() });
    for (key, body) in [(MANAGER_KEY, json!({ "jws": own })), ("demo-nerima-clerk", body)] {
        town.console(key, Method::POST, "/api/v1/approvals", Some(body)).await;
        town.refuses("self-approval", clause, tweet(&tool, HEALTH)).await;
    }
    assert_eq!(town.received(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn m4_one_changed_byte_of_a_picture_is_another_post() {
    let town = Town::start().await;
    let tool = town.nerima();
    let picture = vec![0x89; 3000];
    let mut other = picture.clone();
    other[1500] ^= 1;
    let (first, changed, same) =
        (upload(&tool, &picture).await, upload(&tool, &other).await, upload(&tool, &picture).await);
    let uploads = town.received();
    let send = |id: &str| {
        let (tool, body) = (tool.clone(), illustrated(HEALTH, &[id]));
        async move { post(&tool, "api.x.com", "/2/tweets", &[], &body).await }
    };
    town.refuses("approval-missing", "nerima:11", send(&first)).await;
    let digest = town.last_entry()["digest"].as_str().unwrap().to_owned();
    let body = json!({ "account": "nerima-x", "actions": ["publish"], "digest": digest, "max_uses": 2 });
    assert_eq!(town.console(MANAGER_KEY, Method::POST, "/api/v1/approvals", Some(body)).await.status, 201);

    town.refuses("approval-missing", "nerima:11", send(&changed)).await;
    let without = post(&tool, "api.x.com", "/2/tweets", &[], &json!({ "text": HEALTH })).await;
    assert_eq!(without.header("sekisho-decision"), "held");
    assert_eq!(town.received(), uploads);
    let passed = send(&first).await;
    assert_eq!(passed.status, 201, "{:?}", passed.json());
    assert_eq!(town.provider.posts()[0].media_sha256, [sekisho::domain::media::Sha256::of(&picture).hex()]);
    // The same bytes under a new id are the same picture: it leaves, and X itself refuses the duplicate.
    let duplicate = send(&same).await;
    assert_eq!(duplicate.header("sekisho-decision"), "permitted");
    assert_eq!((duplicate.status.as_u16(), town.received()), (403, uploads + 2));
    assert_eq!(outcomes(&town, entry_of(&duplicate))[0]["outcome"], "refused-by-provider");
}

/// So many senders of one broadcast at once, since X itself refuses the same words twice; how many were told that it is
/// out.
async fn at_once(town: &Town, senders: usize, jws: Option<String>) -> usize {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..senders {
        let (tool, jws) = (town.nerima(), jws.clone());
        tasks.spawn(async move { shout(&tool, jws.as_deref()).await });
    }
    tasks.join_all().await.iter().filter(|reply| reply.status == 200).count()
}

const BROADCAST: &str = "/v2/bot/message/broadcast";

fn message() -> Value {
    json!({ "messages": [{ "type": "text", "text": HEALTH }] })
}

async fn shout(tool: &Tool, jws: Option<&str>) -> Reply {
    let header = jws.map(|jws| ("sekisho-approval", jws));
    post(tool, "api.line.me", BROADCAST, header.as_slice(), &message()).await
}

/// A town whose gateway takes many connections of one address, and the digest of the broadcast.
async fn wide_town() -> (Town, Digest) {
    let town = Town::start_with(|config| config.listen.limits.connections_per_address = 500).await;
    let digest = digest_of(&town.config, "api.line.me", "POST", BROADCAST, &message().to_string()).await;
    (town, digest)
}

#[tokio::test(flavor = "multi_thread")]
async fn of_64_that_show_one_approval_at_once_exactly_one_reaches_the_provider() {
    let (town, digest) = wide_town().await;
    let line = |it: &mut Approval| it.account = AccountId::new("nerima-line");
    for jws in [Some(signed(&town, &digest, line)), None] {
        if jws.is_none() {
            town.approve_for("nerima-line", Action::Publish, &digest, 1).await;
        }
        let (received, before) = (town.received(), town.entries("nerima").len());
        let passed = at_once(&town, 64, jws).await;
        assert_eq!((passed, town.received() - received), (1, 1));
        let new = town.entries("nerima").split_off(before);
        let of = |kind: &str| new.iter().filter(|entry| entry["kind"] == kind).count();
        assert_eq!((of("permit"), of("refusal"), of("outcome")), (1, 63, 1));
        let cited = |entry: &&Value| entry["clauses"].as_array().is_some_and(|all| !all.is_empty());
        assert_eq!(new.iter().filter(|entry| entry["kind"] == "refusal").filter(cited).count(), 63);
    }
    assert_eq!(town.provider.posts().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_8_that_share_an_approval_for_three_exactly_three_leave_each_under_its_own_number() {
    let (town, digest) = wide_town().await;
    let jws = signed(&town, &digest, |it| {
        it.account = AccountId::new("nerima-line");
        it.max_uses = 3;
    });
    assert_eq!(at_once(&town, 8, Some(jws.clone())).await, 3);
    assert_eq!(town.received(), 3);
    let entries = town.entries("nerima");
    let permits: Vec<_> = entries.iter().filter(|entry| entry["kind"] == "permit").collect();
    let numbers: BTreeSet<u64> = permits.iter().map(|entry| entry["approval_use"].as_u64().unwrap()).collect();
    assert_eq!((permits.len(), numbers), (3, BTreeSet::from([1, 2, 3])));
    let refused: Vec<_> = entries.iter().filter(|entry| entry["kind"] == "refusal").collect();
    assert_eq!(refused.len(), 5);
    assert!(refused.iter().all(|entry| entry["code"] == "approval-spent"), "{refused:?}");
    let tool = town.nerima();
    town.refuses("approval-spent", "sekisho:promise-2", shout(&tool, Some(&jws))).await;
}
