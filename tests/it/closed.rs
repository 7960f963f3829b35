//! What is closed until a minute, days on which a person looks, and findings that a person accepts.

use http::Method;
use jiff::{SignedDuration, Timestamp};
use sekisho::demo::town::{DUTY_KEY, MANAGER_KEY, TOOL_KEY};
use sekisho::domain::clock::{Clock as _, SystemClock, end_of_day_in_japan, in_japan};
use serde_json::{Value, json};

use crate::act::{HEALTH, digest_of_words};
use crate::stage::{Town, tweet, words};

const PLAN: &str = "【施設管理課】新しい区民ホールの名前は「あおぞら座」に決まりました。";

/// The next whole minute that is at least one minute away.
fn next_minute(town: &Town) -> Timestamp {
    Timestamp::from_second((town.clock.now().as_second() / 60 + 2) * 60).unwrap()
}

async fn register(town: &Town, entry: Value) -> Value {
    let reply = town.console(MANAGER_KEY, Method::POST, "/api/v1/embargoes", Some(entry)).await;
    assert_eq!(reply.status, 201, "{:?}", reply.json());
    reply.json()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approved_post_stays_closed_until_the_minute_and_passes_at_it() {
    let town = Town::start().await;
    let until = next_minute(&town);
    let asked = json!({ "kind": "term", "words": ["あおぞら座"], "until": until, "reason": "議会への報告前" });
    let entry = register(&town, asked).await;
    let act = town.last_entry();
    assert_eq!((&act["act"], &act["embargo"]), (&json!("add-embargo"), &entry["id"]));
    assert!(!act.to_string().contains("あおぞら"), "the log does not tell what is closed: {act}");

    let digest = digest_of_words(&town, PLAN).await;
    town.approve(&digest).await;
    let tool = town.nerima();
    let refused = town.refuses("content-refused", "nerima:10-2", tweet(&tool, PLAN)).await;
    assert!(String::from_utf8_lossy(&refused.body).contains("公表できない"), "{:?}", refused.json());
    // One second before the minute is too early, the minute is not.
    town.clock.forward(until.duration_since(town.clock.now()) - SignedDuration::from_secs(1));
    if town.clock.now() < until {
        town.refuses("content-refused", "nerima:10-2", tweet(&tool, PLAN)).await;
    }
    town.clock.forward(SignedDuration::from_secs(2));
    let passed = tweet(&tool, PLAN).await;
    assert_eq!(passed.status, 201, "{:?}", passed.json());
    assert_eq!(town.received(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_runs_an_account_changes_the_register_and_a_public_comment_opens_its_matter() {
    let town = Town::start().await;
    let until = next_minute(&town);
    let asked = json!({ "kind": "term", "words": ["あおぞら座"], "until": until, "reason": "検討中", "public_comment": "2026-7" });
    let reply = town.console(DUTY_KEY, Method::POST, "/api/v1/embargoes", Some(asked.clone())).await;
    assert_eq!((reply.status.as_u16(), &reply.json()["code"]), (403, &json!("not-in-charge")), "{:?}", reply.json());
    let odd = json!({ "kind": "term", "words": ["あおぞら座"], "until": "2020-01-01T00:00:30Z", "reason": "検討中" });
    let reply = town.console(MANAGER_KEY, Method::POST, "/api/v1/embargoes", Some(odd)).await;
    assert_eq!(reply.json()["code"], "embargo-until", "{:?}", reply.json());

    let entry = register(&town, asked).await;
    let tool = town.nerima();
    let comment = "【施設管理課】区民ホールの名前の案「あおぞら座」について意見募集を行います。";
    for text in [comment, PLAN] {
        town.approve(&digest_of_words(&town, text).await).await;
    }
    assert_eq!(tweet(&tool, comment).await.status, 201);
    town.refuses("content-refused", "nerima:10-2", tweet(&tool, PLAN)).await;

    let path = format!("/api/v1/embargoes/{}/lift", entry["id"].as_str().unwrap());
    let reply = town.console(MANAGER_KEY, Method::POST, &path, Some(json!({ "reason": "公表を早めた" }))).await;
    assert_eq!(reply.status, 200, "{:?}", reply.json());
    assert_eq!(town.last_entry()["act"], "lift-embargo");
    assert_eq!(tweet(&tool, PLAN).await.status, 201);
    let again = town.console(MANAGER_KEY, Method::POST, &path, Some(json!({ "reason": "もう一度" }))).await;
    assert_eq!(again.json()["code"], "embargo-not-open");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_day_of_mourning_what_needs_no_approver_is_looked_at_and_accepted_once_for_that_post() {
    let town = Town::start().await;
    let until = town.clock.now().as_second() / 60 * 60 + 86_400;
    let until = Timestamp::from_second(until).unwrap();
    let tool = town.nerima();
    let headers = [("sekisho-exemption", "operating-policy"), ("sekisho-category", "opening-hours")];
    let body = json!({ "text": HEALTH });
    let send = || crate::act::post(&tool, "api.x.com", "/2/tweets", &headers, &body);
    let before = json!({ "text": "【図書館】11月23日(月)は、いつもどおり開館します。" });
    let before = crate::act::post(&tool, "api.x.com", "/2/tweets", &headers, &before).await;
    assert_eq!(before.status, 201, "on any other day such a post passes: {:?}", before.json());

    register(&town, json!({ "kind": "mourning", "until": until, "reason": "弔意" })).await;
    let held = town.refuses("review-needed", "nerima:10-2", send()).await;
    let ticket = held.header("sekisho-ticket");
    let shown = town.console(MANAGER_KEY, Method::GET, &format!("/api/v1/tickets/{ticket}"), None).await.json();
    let finding = &shown["post"]["findings"][0];
    assert_eq!((&finding["rule"], &finding["accept"]), (&json!("calendar.mourning"), &json!("manager")), "{shown}");

    let accept = format!("/api/v1/tickets/{ticket}/accept");
    let asked = json!({ "findings": [finding["fingerprint"]], "reason": "窓口の案内であり、差し支えない" });
    let by_duty = town.console(DUTY_KEY, Method::POST, &accept, Some(asked.clone())).await;
    assert_eq!(by_duty.json()["code"], "not-the-manager", "{:?}", by_duty.json());
    let unknown = json!({ "findings": ["0"], "reason": "?" });
    let unknown = town.console(MANAGER_KEY, Method::POST, &accept, Some(unknown)).await;
    assert_eq!(unknown.json()["code"], "finding-unknown");
    let (sent, before) = (town.received(), town.entries("nerima").len());
    let done = town.console(MANAGER_KEY, Method::POST, &accept, Some(asked)).await;
    assert_eq!(done.status, 200, "{:?}", done.json());
    let act = town.last_entry();
    assert_eq!((&act["act"], &act["accepted"]), (&json!("accept-findings"), &json!(["calendar.mourning"])));
    assert_eq!((town.received(), town.entries("nerima").len()), (sent, before + 1), "nothing is sent by accepting");

    let passed = send().await;
    assert_eq!(passed.status, 201, "this very post passes: {:?} {}", passed.json(), town.last_entry());
    let other = json!({ "text": format!("{HEALTH}予約は不要です。") });
    let send = crate::act::post(&tool, "api.x.com", "/2/tweets", &headers, &other);
    town.refuses("review-needed", "nerima:10-2", send).await;

    let book = town.running.ledger.logbook();
    let overridden = book.reads().overridden(Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!(overridden.len(), 1);
    assert_eq!((overridden[0].rule.as_str(), overridden[0].times, overridden[0].people), ("calendar.mourning", 1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_held_against_what_the_callers_own_body_keeps_closed() {
    let town = Town::start().await;
    let draft = json!({ "id": 1, "text": PLAN });
    let ask = async |key: &str| {
        town.console(key, Method::POST, "/api/v1/inspect", Some(draft.clone())).await.json()["decision"].clone()
    };
    assert_eq!(ask(MANAGER_KEY).await, "allow");
    let asked =
        json!({ "kind": "term", "words": ["あおぞら座"], "until": next_minute(&town), "reason": "議会への報告前" });
    register(&town, asked).await;
    assert_eq!(ask(MANAGER_KEY).await, "block");
    assert_eq!(ask(TOOL_KEY).await, "block", "a posting tool asks for its own body");
    assert_eq!(ask("demo-nagano-manager").await, "allow", "another body has closed nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exception_falls_at_midnight_in_japan_while_the_gateway_runs() {
    let festival = "【商工観光課】くたばれ節分祭を開催します。";
    let town = Town::start_behind(async |_, config| {
        let today = in_japan(SystemClock.now()).date();
        let file = config.ledger.dir.with_file_name("local.toml");
        let except = format!(
            "[[except]]\nrule = \"slander.abuse\"\nphrase = \"くたばれ節分祭\"\nreason = \"祭りの名前\"\nuntil = {today}\n"
        );
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, except).unwrap();
        config.inspect.local = vec![file];
    })
    .await;
    // The last second of the day; a scene that begins in it would be a scene of the next day.
    let ends = end_of_day_in_japan(in_japan(town.clock.now()).date()).unwrap();
    // By the reverse door, whose requests need no certificate that is good on that day.
    let tool = town.nerima();
    let send = async || tool.send_reverse(Method::POST, "/x/2/tweets", Some(words(festival))).await.unwrap();
    let left = ends.duration_since(town.clock.now());
    if left > SignedDuration::from_secs(60) {
        town.clock.forward(left - SignedDuration::from_secs(60));
        town.approve(&digest_of_words(&town, festival).await).await;
        let passed = send().await;
        assert_eq!(passed.status, 201, "{:?}", passed.json());
    }
    town.clock.forward(SignedDuration::from_secs(61));
    let sent = town.received();
    town.approve(&digest_of_words(&town, festival).await).await;
    town.refuses("content-refused", "nerima:10-2", send()).await;
    assert_eq!(town.received(), sent);
}
