//! The command line beside a running gateway, by the built binary.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sekisho::domain::clock::{Clock as _, SystemClock, in_japan};
use serde_json::{Value, json};

use crate::house::{House, run, sekisho};
use crate::stage::words;

const HEALTH: &str = "【健康課】12月1日(火)10時から、区役所本庁舎で健康相談会を開きます。";

fn request(text: &str) -> String {
    json!({
        "host": "api.x.com", "method": "POST", "path": "/2/tweets", "headers": { "content-type": "application/json" },
        "body_base64": BASE64_STANDARD.encode(words(text)),
    })
    .to_string()
}

fn post(house: &House, target: &str, text: &str, approval: Option<&str>) -> crate::house::Answer {
    let mut headers = vec![
        ("Sekisho-Client", sekisho::demo::town::TOOL_KEY),
        ("Content-Type", "application/json"),
        ("Authorization", "Bearer practice-credential"),
    ];
    headers.extend(approval.map(|signed| ("Sekisho-Approval", signed)));
    crate::house::send(house.gateway, "POST", target, &headers, words(text).as_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digest_is_approved_and_verified_at_the_command_line_and_the_post_passes_once() {
    let house = House::start("info").await;
    let digested = house.command(&["digest"], &request(HEALTH));
    assert_eq!(digested.code, 0, "{}", digested.err);
    let digested: Value = serde_json::from_str(&digested.out).unwrap();
    assert_eq!((&digested["account"], &digested["action"]), (&json!("nerima-x"), &json!("publish")));
    let digest = digested["digest"].as_str().unwrap();
    let words = ["approval", "issue", "--approver", "kacho", "--account", "nerima-x", "--digest", digest];
    let issued = house.command(&words, "");
    assert_eq!((issued.code, issued.err.as_str()), (0, ""));
    let signed = issued.out.trim();
    let verified = house.command(&["approval", "verify", signed], "");
    assert_eq!(verified.code, 0, "{}", verified.err);
    let claims: Value = serde_json::from_str(&verified.out).unwrap();
    assert_eq!(claims["authorization_details"][0]["digest"], digest);
    let changed = format!("{}A", &signed[..signed.len() - 1]);
    let other = if changed == signed { format!("{}B", &signed[..signed.len() - 1]) } else { changed };
    let verified = house.command(&["approval", "verify", &other], "");
    assert_eq!(verified.code, 1, "{}{}", verified.out, verified.err);
    assert_eq!(post(&house, "/x/2/tweets", &HEALTH.replace("10時", "11時"), Some(signed)).status, 403);
    assert_eq!(post(&house, "/x/2/tweets", HEALTH, Some(signed)).status, 201);
    assert_eq!(post(&house, "/x/2/tweets", HEALTH, Some(signed)).status, 403);
    assert_eq!(house.provider.posts().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emergency_is_declared_shown_and_ended_at_the_command_line() {
    let house = House::start("info").await;
    let flood = "【緊急】石神井川が氾濫危険水位に達しました。ただちに避難してください。";
    let none = house.command(&["emergency", "status"], "");
    assert_eq!((none.code, none.out.trim()), (0, "宣言はありません。"), "{}", none.err);
    let no_end =
        house.command(&["emergency", "declare", "--person", "kacho", "--reason", "氾濫", "--account", "nerima-x"], "");
    assert_eq!(no_end.code, 2, "an end cannot be left out");
    let clerk = house.command(
        &["emergency", "declare", "--person", "tanto", "--reason", "氾濫", "--account", "nerima-x", "--for", "1h"],
        "",
    );
    assert_eq!(clerk.code, 1, "{}{}", clerk.out, clerk.err);
    assert_eq!(post(&house, "/emergency/x/2/tweets", flood, None).status, 403);
    let declared = house.command(
        &["emergency", "declare", "--person", "kacho", "--reason", "氾濫", "--account", "nerima-x", "--for", "1h"],
        "",
    );
    assert_eq!(declared.code, 0, "{}", declared.err);
    let shown = house.command(&["emergency", "status", "--json"], "");
    let shown: Value = serde_json::from_str(&shown.out).unwrap();
    let id = shown["id"].as_str().unwrap();
    assert!(declared.out.contains(id) && shown["open"] == true, "{}", declared.out);
    assert_eq!(post(&house, "/emergency/x/2/tweets", flood, None).status, 201);
    let ended = house.command(&["emergency", "end", "--person", "kacho", id], "");
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(house.command(&["emergency", "status"], "").out.starts_with('○'));
    assert_eq!(post(&house, "/emergency/x/2/tweets", flood, None).status, 403);
    assert_eq!(house.provider.posts().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_is_verified_followed_and_exported_beside_a_running_gateway() {
    let house = House::start("info").await;
    for text in [HEALTH, "別のお知らせです。"] {
        assert_eq!(post(&house, "/x/2/tweets", text, None).status, 403);
    }
    let verified = house.command(&["ledger", "verify"], "");
    assert_eq!(verified.code, 0, "{}{}", verified.out, verified.err);
    assert!(verified.out.contains("log nerima: 2 entries verified"), "{}", verified.out);
    let tail = house.command(&["ledger", "tail", "-n", "1"], "");
    let last: Value = serde_json::from_str(tail.out.trim()).unwrap();
    assert_eq!((&last["index"], &last["code"]), (&json!(1), &json!("approval-missing")));
    assert_eq!(house.command(&["ledger", "tail", "--after", "1"], "").out, "");
    let checkpoint = house.command(&["ledger", "checkpoint"], "");
    assert!(checkpoint.code == 0 && checkpoint.out.lines().nth(1) == Some("2"), "{}", checkpoint.out);
    let to = house.path("exported");
    let exported = house.command(&["ledger", "export", "--to", to.to_str().unwrap()], "");
    assert_eq!(exported.code, 0, "{}", exported.err);
    let again = house.command(&["ledger", "export", "--to", to.to_str().unwrap()], "");
    assert_eq!(again.code, 3, "a folder that is not empty is left alone");
    // The exported folder verifies by itself, without configuration or database, and one changed byte does not.
    let verify = || {
        let mut command = sekisho();
        command.args(["ledger", "verify", "--export"]).arg(&to);
        run(command, "")
    };
    assert_eq!(verify().code, 0, "{}", verify().err);
    let entries = std::fs::read_dir(&to).unwrap().map(|file| file.unwrap().path());
    let entries = entries.into_iter().find(|path| path.extension().is_some_and(|end| end == "ndjson")).unwrap();
    let text = std::fs::read_to_string(&entries).unwrap();
    std::fs::write(&entries, text.replacen("approval-missing", "approval-missinG", 1)).unwrap();
    let damaged = verify();
    assert_eq!(damaged.code, 1, "{}", damaged.out);
    assert!(damaged.out.starts_with("DAMAGED"), "{}", damaged.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn inspect_beside_a_gateway_asks_the_register_of_the_accounts_body() {
    let house = House::start("info").await;
    let inspected = |account: Option<&str>| {
        let line =
            json!({ "id": 1, "account": account, "text": "新しい区民ホールの名前は「あおぞら座」に決まりました。" });
        let ended = house.command(&["inspect"], &format!("{line}\n"));
        assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{}", ended.out);
        serde_json::from_str::<Value>(&ended.out).unwrap()
    };
    assert_eq!(inspected(Some("nerima-x"))["decision"], "allow");
    let soon = SystemClock.now() + jiff::SignedDuration::from_hours(48);
    let until = in_japan(soon).strftime("%Y-%m-%dT%H:%M").to_string();
    let words =
        ["embargo", "add", "--person", "kacho", "--word", "あおぞら座", "--until", &until, "--reason", "報告前"];
    let added = house.command(&words, "");
    assert_eq!(added.code, 0, "{}{}", added.out, added.err);
    for account in [Some("nerima-x"), None] {
        let told = inspected(account);
        let found = (&told["decision"], &told["findings"][0]["rule"]);
        assert_eq!(found, (&json!("block"), &json!("embargo.closed")), "{account:?} {told}");
    }
}

#[test]
fn inspect_without_a_configuration_keeps_the_order_and_names_a_line_that_it_cannot_read() {
    let bare = |input: &str| {
        let mut command = sekisho();
        command.arg("inspect");
        run(command, input)
    };
    let lines = [
        json!({ "id": "c", "provider": "x", "account": "nerima-x", "text": HEALTH }),
        json!({ "id": "a", "text": "くわしくは https://bit.ly/abc へ" }),
        json!({ "id": "b", "provider": "line", "body": { "messages": [{ "type": "text", "text": "○時○分に避難所を開設" }] } }),
    ];
    let input = lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    let judged = bare(&input);
    assert_eq!((judged.code, judged.err.as_str()), (0, ""));
    let answers: Vec<Value> = judged.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ids: Vec<&str> = answers.iter().map(|answer| answer["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["c", "a", "b"]);
    let decisions: Vec<&str> = answers.iter().map(|answer| answer["decision"].as_str().unwrap()).collect();
    assert_eq!(decisions, ["allow", "block", "block"]);
    assert!(answers.iter().all(|answer| ["allow", "review", "block"].contains(&answer["decision"].as_str().unwrap())));
    let mut bad = 0;
    for line in ["{\"id\":1}", "not json", "{\"id\":1,\"text\":\"a\",\"body\":{}}", "{\"id\":1,\"txet\":\"a\"}"] {
        let judged = bare(&format!("{}\n{line}\n", lines[0]));
        assert_eq!(judged.code, 2, "{line}");
        assert!(judged.err.contains("line 2"), "{}", judged.err);
        bad += 1;
    }
    assert_eq!(bad, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_keys_and_checks_answer_at_the_command_line() {
    let house = House::start("info").await;
    let accounts = house.command(&["account", "list"], "");
    assert!(accounts.code == 0 && accounts.out.contains("nerima-x"), "{}{}", accounts.out, accounts.err);
    let accounts = house.command(&["account", "list", "--json"], "");
    assert!(accounts.out.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{}", accounts.out);
    let mut command = sekisho();
    command.args(["key", "new", "--json"]);
    let made: Value = serde_json::from_str(&run(command, "").out).unwrap();
    let (key, hash) = (made["key"].as_str().unwrap(), made["key_sha256"].as_str().unwrap());
    assert_eq!(sekisho::demo::town::key_hash(key), hash);
    let checked = house.command(&["check"], "");
    assert_eq!(checked.code, 0, "{}{}", checked.out, checked.err);
    // What each definition opens and what it closes.
    let x = checked.out.split("x: ").nth(1).unwrap_or_else(|| panic!("{}", checked.out));
    assert!(x.contains(" routes on api.x.com, ") && x.contains("actions: ") && x.contains("publish 1, "), "{x}");
    assert!(x.contains("refused: ") && x.contains("articles (not-understood-yet)"), "{x}");
    let lines = house.command(&["check", "--json"], "").out;
    let line = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).find(|it| it["provider"] == "x");
    let x = line.unwrap();
    assert!(x["actions"]["publish"].as_u64() > Some(0) && x["routes"].as_u64() > Some(30), "{x}");
    assert_eq!(x["refused"]["articles"], "not-understood-yet");
    let broken = house.path("broken.toml");
    std::fs::write(&broken, "[listen]\ngateway = \"127.0.0.1:0\"\ngatway = 1\n").unwrap();
    let mut command = sekisho();
    command.args(["check", "--config"]).arg(&broken);
    let checked = run(command, "");
    assert_eq!(checked.code, 1);
    let said = format!("{}{}", checked.out, checked.err);
    assert!(said.contains("broken.toml:3"), "{said}");
}
