//! `kill -9` and SIGTERM under load (SECURITY.md F1, F14): what leaves was entered before, whatever happens to the
//! process, and an approval is used once over all its lives.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sekisho::demo::client::Reply;
use sekisho::domain::clock::{Clock as _, SystemClock};
use sekisho::practice::fault::{Fault, Trouble, When};
use serde_json::Value;
use tokio::task::JoinSet;

use crate::child::{Line, Place, body, body_sha256, by_body, digest_of, open_permits, outcome_of, text};

/// Posting tools at work at the same time, each with its own connection.
const TOOLS: usize = 6;
/// Posts that are approved before each round.
const APPROVED: u64 = 150;

/// Numbers that look random and come again with the same seed (SplitMix64).
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }
}

/// What the posting tools know of their posts. Shared by all of them, over all rounds.
#[derive(Default)]
struct Desk {
    /// The number of the next post.
    next: u64,
    /// Approved, and not sent yet.
    fresh: Vec<u64>,
    /// Approved and sent, but the connection broke before the answer: to be sent again.
    unanswered: Vec<u64>,
    /// Answered 201.
    passed: BTreeSet<u64>,
    /// Sent again after a broken connection, and refused: its approval must be used up.
    refused_again: BTreeSet<u64>,
    /// Never approved.
    unapproved: BTreeSet<u64>,
    /// What must never come back.
    wrong: Vec<String>,
}

/// Why a tool sends a post.
#[derive(Clone, Copy, Debug)]
enum Why {
    Fresh,
    Again,
    Replay,
    Unapproved,
}

impl Desk {
    fn write(&mut self, count: u64) -> Vec<u64> {
        let posts: Vec<u64> = (self.next..self.next + count).collect();
        self.next += count;
        posts
    }

    fn take(&mut self, dice: &mut Dice) -> (u64, Why) {
        match dice.throw(10) {
            0 => {
                let post = self.write(1)[0];
                self.unapproved.insert(post);
                (post, Why::Unapproved)
            }
            1 if !self.passed.is_empty() => {
                let nth = dice.throw(self.passed.len() as u64);
                (*self.passed.iter().nth(usize::try_from(nth).unwrap()).unwrap(), Why::Replay)
            }
            _ => {
                if let Some(post) = self.unanswered.pop() {
                    return (post, Why::Again);
                }
                if let Some(post) = self.fresh.pop() {
                    return (post, Why::Fresh);
                }
                let post = self.write(1)[0];
                self.unapproved.insert(post);
                (post, Why::Unapproved)
            }
        }
    }

    fn answered(&mut self, post: u64, why: Why, reply: &Reply) {
        match (why, reply.status.as_u16()) {
            (Why::Fresh | Why::Again, 201) => {
                self.passed.insert(post);
            }
            (Why::Again, 403) => {
                self.refused_again.insert(post);
            }
            (Why::Replay | Why::Unapproved, 403) => {}
            (_, status) => self.wrong.push(format!("post {post}, sent as {why:?}: {status} {}", reply.json())),
        }
    }

    fn broken(&mut self, post: u64, why: Why) {
        if matches!(why, Why::Fresh | Why::Again) {
            self.unanswered.push(post);
        }
    }
}

/// One tool: posts over one connection until it breaks.
async fn tool(gateway: SocketAddr, desk: Arc<Mutex<Desk>>, mut dice: Dice) {
    let Ok(mut line) = Line::open(gateway).await else { return };
    loop {
        let (post, why) = desk.lock().unwrap().take(&mut dice);
        match line.post(body(post)).await {
            Ok(reply) => desk.lock().unwrap().answered(post, why, &reply),
            Err(_) => return desk.lock().unwrap().broken(post, why),
        }
    }
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// What must hold at every moment at which the gateway is dead or idle.
fn check(place: &Place, desk: &Desk, entries: &[Value]) -> Vec<String> {
    let requests = place.provider.requests();
    let mut wrong = place.witness.violations(&requests, entries);
    wrong.extend(desk.wrong.iter().cloned());
    let arrived = by_body(&requests);
    for (sha256, same) in &arrived {
        if same.len() > 1 {
            wrong.push(format!("the body {sha256} arrived {} times: an approval was used more than once", same.len()));
        }
    }
    for post in &desk.unapproved {
        if arrived.contains_key(body_sha256(*post).as_str()) {
            wrong.push(format!("post {post} was never approved and left"));
        }
    }
    for post in &desk.passed {
        let status = arrived.get(body_sha256(*post).as_str()).and_then(|same| same[0].status);
        if status != Some(201) {
            wrong.push(format!("post {post} was answered 201, the provider says {status:?}"));
        }
    }
    let mut approvals = BTreeMap::new();
    let mut permitted = BTreeSet::new();
    for permit in entries.iter().filter(|entry| entry["kind"] == "permit") {
        *approvals.entry(permit["approval"].to_string()).or_insert(0) += 1;
        permitted.insert(permit["body_sha256"].as_str().unwrap().to_owned());
    }
    for (approval, uses) in approvals.iter().filter(|(_, uses)| **uses > 1) {
        wrong.push(format!("approval {approval} was used {uses} times"));
    }
    for post in &desk.refused_again {
        if !permitted.contains(&body_sha256(*post)) {
            wrong.push(format!("post {post} was approved, and refused although it never passed: its approval is lost"));
        }
    }
    wrong
}

/// Kill -9 at a random moment under load, again and again, on one directory.
///
/// Six tools post over keep-alive connections: approved posts once each, those again whose connection broke before the
/// answer, some that have passed already (a replay), some that nobody approved. After each kill, on the dead files:
/// every request that the provider ever received has a permission that was durable before it arrived (the witness of
/// `child.rs` says how that is known), no approval was used twice, the binary verifies the ledger. After each restart:
/// ready within five seconds, and every permission that the kill left open is *unknown* now. `SEKISHO_KILL_ROUNDS` says
/// how many rounds (8), `SEKISHO_SEED` repeats a run's moments.
#[tokio::test(flavor = "multi_thread")]
async fn f1_killed_at_any_moment_nothing_left_unrecorded_and_no_approval_counts_twice() {
    let rounds = setting("SEKISHO_KILL_ROUNDS", 8);
    let seed = setting("SEKISHO_SEED", SystemClock.now().as_microsecond().unsigned_abs());
    println!("f1: {rounds} rounds, SEKISHO_SEED={seed}");
    let mut dice = Dice(seed);
    let place = Place::new("").await;
    let desk = Arc::new(Mutex::new(Desk::default()));
    let mut left_open = BTreeSet::new();
    let mut opened = 0;
    let mut ready = Vec::new();
    for round in 0..=rounds {
        let gateway = place.start().await;
        ready.push(gateway.ready_after);
        let entries = place.entries();
        for index in &left_open {
            let outcome = outcome_of(&entries, *index);
            assert_eq!(outcome, Some(("unknown".to_owned(), "restart".to_owned())), "entry {index}, seed {seed}");
        }
        if round == rounds {
            // Every approval whose post is still unanswered either counts now or was used: none is lost.
            let unanswered = std::mem::take(&mut desk.lock().unwrap().unanswered);
            let mut line = Line::open(gateway.gateway).await.unwrap();
            for post in unanswered {
                let reply = line.post(body(post)).await.unwrap();
                desk.lock().unwrap().answered(post, Why::Again, &reply);
            }
            let wrong = check(&place, &desk.lock().unwrap(), &place.entries());
            assert!(wrong.is_empty(), "seed {seed}, at the end: {}", wrong.join("\n"));
            gateway.terminate_and_wait().await;
            break;
        }
        let approved = desk.lock().unwrap().write(APPROVED);
        gateway.approve(approved.iter().map(|post| digest_of(text(*post), &[]))).await;
        desk.lock().unwrap().fresh.extend(approved);
        let mut tools = JoinSet::new();
        for _ in 0..TOOLS {
            tools.spawn(tool(gateway.gateway, Arc::clone(&desk), Dice(dice.throw(u64::MAX))));
        }
        // Each second round the provider takes its time and the kill comes before the approved posts run out, so that it
        // meets posts on their way on the fastest machine, too; the other rounds go at full speed.
        let alive = if round % 2 == 0 {
            place.provider.order(Fault::next(When::AfterEffect, Trouble::late(Duration::from_millis(20))).always());
            Duration::from_millis(50 + dice.throw(400))
        } else {
            place.provider.clear_faults();
            Duration::from_millis(50 + dice.throw(1450))
        };
        tokio::time::sleep(alive).await;
        gateway.kill().await;
        tools.join_all().await;
        place.witness.let_go();

        let (code, said) = place.verify().await;
        assert_eq!(code, Some(0), "seed {seed}: {said}");
        let entries = place.entries();
        let wrong = check(&place, &desk.lock().unwrap(), &entries);
        assert!(wrong.is_empty(), "seed {seed}, round {round}: {}", wrong.join("\n"));
        left_open = open_permits(&entries);
        opened += left_open.len();
    }
    let (seen, desk) = (place.provider.request_count(), desk.lock().unwrap());
    let slowest = ready.iter().max().unwrap();
    let mean = ready.iter().sum::<Duration>() / u32::try_from(ready.len()).unwrap();
    println!(
        "f1: {rounds} kills, {seen} requests at the provider, {} answered 201, {} sent again and refused as used, \
         {opened} entries left open and made unknown, ready in {mean:?} (slowest {slowest:?}), 0 violations",
        desk.passed.len(),
        desk.refused_again.len(),
    );
    assert!(seen >= 100, "vacuous: the provider saw {seen} requests");
    assert!(opened > 0, "vacuous: no kill ever met a request on its way");
}

/// SIGTERM with requests at the provider that it answers slowly: they finish, their clients are answered, their outcomes
/// are in the ledger, and the program ends with 0.
#[tokio::test(flavor = "multi_thread")]
async fn f14_told_to_stop_under_load_it_finishes_what_is_on_its_way() {
    let place = Place::new("").await;
    let mut gateway = place.start().await;
    let desk = Arc::new(Mutex::new(Desk::default()));
    let approved = desk.lock().unwrap().write(600);
    gateway.approve(approved.iter().map(|post| digest_of(text(*post), &[]))).await;
    desk.lock().unwrap().fresh.extend(approved);
    let mut tools = JoinSet::new();
    for number in 0..TOOLS as u64 {
        tools.spawn(tool(gateway.gateway, Arc::clone(&desk), Dice(number)));
    }
    crate::stage::eventually("a hundred requests arrive", || place.provider.request_count() >= 100).await;
    // Some 250 bytes, one each four milliseconds: a second for each answer.
    let slowly = Fault::next(When::AfterEffect, Trouble::slow(Duration::from_millis(4))).always();
    place.provider.order(slowly);
    let unanswered = || place.provider.requests().iter().filter(|request| request.status.is_none()).count();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let (sent, passed) = (place.provider.request_count(), desk.lock().unwrap().passed.len());
    assert!(sent > passed, "nothing is on its way: {sent} sent, {passed} answered");

    let told = Instant::now();
    gateway.terminate();
    let status = gateway.ended(Duration::from_secs(30)).await.expect("it ends within 30 s");
    println!("f14: {} requests on their way, ended after {:?}", sent - passed, told.elapsed());
    assert_eq!(status.code(), Some(0), "{}", place.log_end());
    tools.join_all().await;
    assert_eq!(unanswered(), 0);

    let entries = place.entries();
    assert_eq!(check(&place, &desk.lock().unwrap(), &entries), Vec::<String>::new());
    assert_eq!(open_permits(&entries), BTreeSet::new(), "every outcome is in the ledger");
    assert_eq!(desk.lock().unwrap().passed.len(), place.provider.request_count(), "each client was answered");
    assert!(tokio::net::TcpStream::connect(gateway.gateway).await.is_err(), "nobody listens any more");
    let (code, said) = place.verify().await;
    assert_eq!(code, Some(0), "{said}");
}
