//! 練馬 第11条 ただし書 (its three exemptions) and 第14条, in an emergency and outside one.

use http::Method;
use jiff::SignedDuration;
use sekisho::demo::town::{DUTY_KEY, MANAGER_KEY};
use sekisho::domain::action::Action;
use serde_json::{Value, json};

use crate::act::{HEALTH, declare, digest_of_words, entry_of, illustrated, outcomes, post, upload, urgent};
use crate::stage::{Town, digest_of, tweet};

const FLOOD: &str =
    "【緊急】石神井川が氾濫危険水位に達しました。川の近くの方は、ただちに安全な場所へ避難してください。";
/// A notice that an event of this week is called off.
fn cancelled() -> (String, String) {
    let day = crate::rulebook::texts::later(3);
    (format!("【中止】石神井公園まつり\n{day}に予定していた「石神井公園まつり」は、雨天のため中止します。"), day)
}

#[tokio::test(flavor = "multi_thread")]
async fn nerima_11_1_a_declared_emergency_skips_the_approver_and_nothing_else() {
    let town = Town::start().await;
    let tool = town.nerima();
    town.refuses("no-open-emergency", "sekisho:emergency", urgent(&tool, FLOOD)).await;

    let id = declare(&town, &["nerima-x"], 3600, false).await;
    let passed = urgent(&tool, FLOOD).await;
    assert_eq!(passed.status, 201, "{:?}", passed.json());
    let index = entry_of(&passed);
    let entry = town.entries("nerima").remove(usize::try_from(index).unwrap());
    assert_eq!((&entry["kind"], &entry["emergency"]), (&json!("permit"), &json!(id)));
    assert!(entry["clauses"].as_array().unwrap().contains(&json!("nerima:11(1)")), "{entry}");
    assert_eq!(outcomes(&town, index).len(), 1);
    let owed = town.console(MANAGER_KEY, Method::GET, "/api/v1/after-reports", None).await.json();
    assert_eq!(owed["after_reports"].as_array().unwrap().len(), 1, "{owed}");
    assert_eq!(owed["after_reports"][0]["id"], entry["after_report"]["id"]);

    // Filters stay.
    let blank = urgent(&tool, "【緊急】○時○分、石神井川が氾濫しました。");
    town.refuses("unfilled-template", "nerima:10-2", blank).await;
    let link = urgent(&tool, "避難先は https://bit.ly/3abcdef");
    town.refuses("shortened-link", "guideline-2011:shortened-url", link).await;
    // A post that does not say that it is urgent waits for its approver.
    town.refuses("approval-missing", "nerima:11", tweet(&tool, HEALTH)).await;

    let end = format!("/api/v1/emergencies/{id}/end");
    assert_eq!(town.console(DUTY_KEY, Method::POST, &end, None).await.status, 200);
    town.refuses("no-open-emergency", "sekisho:emergency", urgent(&tool, FLOOD)).await;
    assert_eq!(town.provider.posts().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nerima_11_1_a_declaration_ends_by_itself() {
    let town = Town::start().await;
    let tool = town.nerima();
    declare(&town, &["nerima-x"], 3600, false).await;
    town.clock.forward(SignedDuration::from_secs(3590));
    assert_eq!(urgent(&tool, FLOOD).await.status, 201);
    town.clock.forward(SignedDuration::from_secs(11));
    town.refuses("no-open-emergency", "sekisho:emergency", urgent(&tool, FLOOD)).await;
    assert_eq!(town.received(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nerima_11_1_a_declaration_for_another_account_opens_nothing_here() {
    let town = Town::start().await;
    declare(&town, &["nerima-line"], 3600, false).await;
    town.refuses("no-open-emergency", "sekisho:emergency", urgent(&town.nerima(), FLOOD)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drill_never_leaves() {
    let town = Town::start().await;
    let tool = town.nerima();
    declare(&town, &["nerima-x"], 3600, true).await;
    town.refuses("drill-never-leaves", "sekisho:drill", urgent(&tool, FLOOD)).await;
    let flood = json!({ "text": FLOOD });
    let header = post(&tool, "api.x.com", "/2/tweets", &[("sekisho-emergency", "1")], &flood);
    town.refuses("drill-never-leaves", "sekisho:drill", header).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nerima_11_1_a_clerk_who_may_not_declare_declares_nothing() {
    let town = Town::start().await;
    let body = json!({ "reason": "大雨", "accounts": ["nerima-x"], "for_s": 600 });
    let reply = town.console("demo-nerima-clerk", Method::POST, "/api/v1/emergencies", Some(body)).await;
    assert_eq!((reply.status.as_u16(), &reply.json()["code"]), (403, &json!("declare-not-allowed")));
    let endless = json!({ "reason": "大雨", "accounts": ["nerima-x"] });
    let reply = town.console(DUTY_KEY, Method::POST, "/api/v1/emergencies", Some(endless)).await;
    assert_eq!((reply.status.as_u16(), &reply.json()["code"]), (422, &json!("declare-end")));
    town.refuses("no-open-emergency", "sekisho:emergency", urgent(&town.nerima(), FLOOD)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nerima_11_2_a_filled_weather_template_passes_and_nothing_can_be_smuggled_beside_it() {
    let town = Town::start().await;
    let tool = town.nerima();
    let weather = [("sekisho-exemption", "weather-event")];
    let send = |body: Value| {
        let tool = tool.clone();
        async move { post(&tool, "api.x.com", "/2/tweets", &weather, &body).await }
    };
    let (cancelled, day) = cancelled();
    let passed = send(json!({ "text": cancelled })).await;
    assert_eq!(passed.status, 201, "{:?}", passed.json());
    let entry = town.entries("nerima").remove(usize::try_from(entry_of(&passed)).unwrap());
    assert!(entry["clauses"].as_array().unwrap().contains(&json!("nerima:11(2)")), "{entry}");
    assert_eq!(entry["exemption"], "weather-event");

    let smuggled = [
        format!("{cancelled}\n次の区長選挙もよろしくお願いします。"),
        format!("お知らせ\n{cancelled}"),
        cancelled.replace("石神井公園まつり", "まつり。明日は投票日"),
        cancelled.replace("石神井公園まつり", "example.jp/x"),
        cancelled.replacen("石神井公園まつり", "光が丘まつり", 1),
        cancelled.replace("石神井公園まつり", ""),
        cancelled.replace("石神井公園まつり", " "),
        cancelled.replace("雨天", "区長の都合"),
        cancelled.replace(&day, ""),
    ];
    for text in smuggled {
        town.refuses("template-does-not-fit", "sekisho:template", send(json!({ "text": text }))).await;
    }
    let id = upload(&tool, b"a picture that nobody approved").await;
    town.refuses("template-does-not-fit", "sekisho:template", send(illustrated(&cancelled, &[&id]))).await;
    assert_eq!(town.provider.posts().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nerima_11_3_what_the_operating_policy_names_beforehand_passes_and_no_other_category() {
    let town = Town::start().await;
    let tool = town.nerima();
    let text = json!({ "text": "図書館は12月29日から1月3日まで休館します。" });
    let send = |category: &'static str| {
        let (tool, text) = (tool.clone(), text.clone());
        let headers = [("sekisho-exemption", "operating-policy"), ("sekisho-category", category)];
        async move { post(&tool, "api.x.com", "/2/tweets", &headers, &text).await }
    };
    let passed = send("opening-hours").await;
    assert_eq!(passed.status, 201, "{:?}", passed.json());
    let entry = town.entries("nerima").remove(usize::try_from(entry_of(&passed)).unwrap());
    assert!(entry["clauses"].as_array().unwrap().contains(&json!("nerima:11(3)")), "{entry}");
    for category in ["events", "Opening-Hours", "opening-hours-x", ""] {
        town.refuses("category-not-in-policy", "sekisho:operating-policy", send(category)).await;
    }
    let unknown = post(&tool, "api.x.com", "/2/tweets", &[("sekisho-exemption", "because")], &text);
    town.refuses("unknown-exemption", "sekisho:exemption", unknown).await;
    assert_eq!(town.provider.posts().len(), 1);
}

/// Answers to somebody: host, path, body, account, action.
fn answers() -> Vec<(&'static str, &'static str, Value, &'static str, Action)> {
    let words = json!([{ "type": "text", "text": "お問い合わせの件、承りました。" }]);
    vec![
        (
            "api.x.com",
            "/2/tweets",
            json!({ "text": "承りました。", "reply": { "in_reply_to_tweet_id": "1790000000000000001" } }),
            "nerima-x",
            Action::Reply,
        ),
        (
            "api.x.com",
            "/2/dm_conversations/with/1234567/messages",
            json!({ "text": "承りました。" }),
            "nerima-x",
            Action::DirectMessage,
        ),
        (
            "api.line.me",
            "/v2/bot/message/push",
            json!({ "to": "U0123456789abcdef0123456789abcdef", "messages": words }),
            "nerima-line",
            Action::DirectMessage,
        ),
        (
            "api.line.me",
            "/v2/bot/message/reply",
            json!({ "replyToken": "nHuyWiB7yP5Zw52FIkcQobQuGDXCTA", "messages": words }),
            "nerima-line",
            Action::DirectMessage,
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn nerima_14_nobody_is_answered_one_by_one_not_with_an_approval_and_not_in_an_emergency() {
    let town = Town::start().await;
    let tool = town.nerima();
    let answers = answers();
    assert_eq!(answers.len(), 4);
    for (host, path, body, ..) in &answers {
        town.refuses("individual-reply", "nerima:14", post(&tool, host, path, &[], body)).await;
    }
    for (host, path, body, account, action) in &answers {
        let digest = digest_of(&town.config, host, "POST", path, &body.to_string()).await;
        town.approve_for(account, *action, &digest, 1).await;
        town.refuses("individual-reply", "nerima:14", post(&tool, host, path, &[], body)).await;
    }
    declare(&town, &["nerima-x", "nerima-line"], 3600, false).await;
    for (host, path, body, ..) in &answers {
        let path = format!("/emergency/{host}{path}");
        let send = async { tool.send_reverse(Method::POST, &path, Some(body.to_string())).await.unwrap() };
        town.refuses("individual-reply", "nerima:14", send).await;
    }
    assert_eq!(town.received(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn nerima_14_a_continuation_of_the_accounts_own_thread_is_a_publish() {
    let town = Town::start().await;
    let tool = town.nerima();
    town.approve(&digest_of_words(&town, HEALTH).await).await;
    let first = tweet(&tool, HEALTH).await;
    let id = first.json()["data"]["id"].as_str().unwrap().to_owned();
    let next = json!({ "text": "（続き）持ち物は保険証です。", "reply": { "in_reply_to_tweet_id": id } });
    let held = town.refuses("approval-missing", "nerima:11", post(&tool, "api.x.com", "/2/tweets", &[], &next)).await;
    assert_eq!(town.last_entry()["action"], "publish");
    let path = format!("/api/v1/tickets/{}/approve", held.header("sekisho-ticket"));
    assert_eq!(town.console(MANAGER_KEY, Method::POST, &path, Some(json!({}))).await.status, 200);
    assert_eq!(post(&tool, "api.x.com", "/2/tweets", &[], &next).await.status, 201);
    // The same words to somebody else's post are an answer.
    let other =
        json!({ "text": "（続き）持ち物は保険証です。", "reply": { "in_reply_to_tweet_id": "1790000000000000001" } });
    town.refuses("individual-reply", "nerima:14", post(&tool, "api.x.com", "/2/tweets", &[], &other)).await;
    assert_eq!(town.provider.posts().len(), 2);
}
