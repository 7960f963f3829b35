//! Exemptions by claim, and publish events: what time, other bodies' keys and other people's pages do to them. Each story has
//! a town of its own, because its clock is moved or its registry changed.

use http::Method;
use jiff::SignedDuration;
use sekisho::config::Config;
use sekisho::domain::account::FixedAnswers;
use sekisho::domain::clock::{Clock as _, SystemClock, in_japan};
use sekisho::domain::exemption::Ground;
use serde_json::{Value, json};

use crate::channels::{Wire, header};
use crate::rulebook::nagano_claims::{Cms, emitted, law, page, published};
use crate::rulebook::{NAGANO, NERIMA, Side, entry, goes, refused, registers, stops, tweet};
use crate::stage::Town;

const HEAD: &str = "nagano-pr-head";
const SITE: &str = "https://www.city.nagano.nagano.jp";

fn arranged(config: &mut Config) {
    let account = config.accounts.iter_mut().find(|it| it.id.as_str() == "nagano-x").unwrap();
    account.operating_policy.as_mut().unwrap().exemptions = Ground::ALL.to_vec();
}

async fn owed(town: &Town) -> Vec<Value> {
    let listed = town.console(NAGANO.manager, Method::GET, "/api/v1/after-reports", None).await.json();
    listed["after_reports"].as_array().unwrap().clone()
}

async fn report(town: &Town, id: &Value) {
    let path = format!("/api/v1/after-reports/{}/report", id.as_str().unwrap());
    let told = town.console(NAGANO.manager, Method::POST, &path, Some(json!({ "text": "報告しました。" }))).await;
    assert_eq!(told.status, 200, "{:?}", told.json());
}

async fn declared(town: &Town) {
    let body = json!({ "reason": "千曲川の氾濫", "accounts": ["nagano-x"], "for_s": 3600 });
    let reply = town.console(NAGANO.manager, Method::POST, "/api/v1/emergencies", Some(body)).await;
    assert_eq!(reply.status, 201, "{:?}", reply.json());
}

fn reminders(town: &Town) -> Vec<(Value, Value)> {
    let entries = town.entries("nagano").into_iter().filter(|it| it["kind"] == "reminder");
    entries.map(|it| (it["stage"].clone(), it["marks"].clone())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn nagano_2_7p_who_has_not_reported_has_no_exemption_but_the_one_for_disasters() {
    let town = Town::start_with(arranged).await;
    let passed = goes(&town, NAGANO, &law("1", "第9条"), "nagano.2-7p-3.statutory").await;
    let first = entry(&town, NAGANO, &passed)["after_report"]["id"].clone();
    // An hour before it is due everything still passes.
    town.clock.forward(SignedDuration::from_hours(23));
    goes(&town, NAGANO, &law("2", "第9条"), "nagano.2-7p-3.statutory").await;
    town.clock.forward(SignedDuration::from_hours(2));
    let held = refused(&town, NAGANO, &law("3", "第9条"), "reports-overdue", "nagano:2(7)p").await;
    assert_eq!(header(&held, "sekisho-decision"), "held");
    // A disaster does not wait; the public relations section is told.
    declared(&town).await;
    let flood = tweet("【緊急】千曲川が氾濫危険水位に達しました。").with("Sekisho-Emergency", "1");
    let passed = goes(&town, NAGANO, &flood, "nagano.2-7p.emergency-overdue").await;
    assert_eq!(entry(&town, NAGANO, &passed)["marks"], json!(["notify:public-relations"]));
    // Once it is reported, the exemption is there again.
    report(&town, &first).await;
    goes(&town, NAGANO, &law("3", "第9条"), "nagano.2-7p-3.statutory").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nagano_2_7p_reports_are_reminded_of_in_three_steps_and_only_while_they_are_owed() {
    let town = Town::start_with(arranged).await;
    goes(&town, NAGANO, &law("1", "第9条"), "nagano.2-7p-3.statutory").await;
    assert_eq!(town.running.ledger.remind().unwrap(), 0, "there is time");
    town.clock.forward(SignedDuration::from_hours(21));
    assert_eq!(town.running.ledger.remind().unwrap(), 1);
    assert_eq!(town.running.ledger.remind().unwrap(), 0, "once is enough");
    town.clock.forward(SignedDuration::from_hours(4));
    assert_eq!(town.running.ledger.remind().unwrap(), 1);
    town.clock.forward(SignedDuration::from_hours(24));
    assert_eq!(town.running.ledger.remind().unwrap(), 1);
    let manager = json!(["notify:manager"]);
    let both = json!(["notify:manager", "notify:public-relations"]);
    let wanted = [(json!("soon"), manager.clone()), (json!("overdue"), manager), (json!("escalated"), both)];
    assert_eq!(reminders(&town), wanted);
    let known = owed(&town).await;
    assert_eq!((known.len(), &known[0]["overdue"]), (1, &json!(true)));
    report(&town, &known[0]["id"]).await;
    town.clock.forward(SignedDuration::from_hours(24 * 30));
    assert_eq!(town.running.ledger.remind().unwrap(), 0, "it was made");
    assert_eq!(reminders(&town).len(), 3);
    // Of 練馬区's log nothing was said.
    assert!(town.entries("nerima").iter().all(|it| it["kind"] != "reminder"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claimed_page_sends_the_gateway_nowhere_but_to_the_bodys_own_site() {
    let town = Town::start_with(arranged).await;
    let at =
        |url: &str| tweet("【広報課】お知らせ").with("Sekisho-Exemption", &format!("already-published; page={url}"));
    let elsewhere = [
        "https://127.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "http://www.city.nagano.nagano.jp/kenko/1.html",
        "https://www.city.nagano.nagano.jp@127.0.0.1/",
        "https://www.city.nagano.nagano.jp:8443/",
        "https://www.city.example/kenko/1.html",
        "https://www.city.nagano.nagano.jp.example.com/",
        "file:///etc/passwd",
    ];
    for url in elsewhere {
        refused(&town, NAGANO, &at(url), "page-not-own", "nagano:2(7)p・1").await;
    }
    assert_eq!(town.provider.site_visits(), Vec::<String>::new(), "nothing was called");
    town.provider.put_on_site("/kenko/1.html", "<title>お知らせ</title>広報課".into());
    let away = |to: &str| format!("{SITE}/away?to={}", to.replace(':', "%3A").replace('/', "%2F"));
    for to in ["https://127.0.0.1/", "https://www.city.example/kenko/1.html", "http://www.city.nagano.nagano.jp/x"] {
        refused(&town, NAGANO, &at(&away(to)), "page-elsewhere", "nagano:2(7)p・1").await;
    }
    refused(&town, NAGANO, &at(&format!("{SITE}/kenko/none.html")), "page-unreachable", "nagano:2(7)p・1").await;
    refused(&town, NAGANO, &at(&format!("{SITE}/picture.png")), "page-not-text", "nagano:2(7)p・1").await;
    // Within the own site a redirect is followed.
    let within = at(&away(&format!("{SITE}/kenko/1.html")));
    goes(&town, NAGANO, &within, "nagano.2-7p-1.already-published").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exemption_that_a_guideline_does_not_know_waits_for_an_approval_there() {
    let town = Town::start_with(|config| {
        for account in &mut config.accounts {
            account.operating_policy.as_mut().into_iter().for_each(|it| it.exemptions = Ground::ALL.to_vec());
        }
    })
    .await;
    let held = refused(&town, NERIMA, &law("練馬", "第9条"), "approval-missing", "nerima:11").await;
    assert_eq!(header(&held, "sekisho-decision"), "held");
    // Filters and form stay: an exemption skips the approver only.
    let page = page(&town, "/kenko/1.html", "健康相談会");
    let mut short = published("健康相談会", "13:30", &page);
    let text = format!("【広報課】健康相談会 https://bit.ly/3abcdef {page}");
    short.body = json!({ "text": text }).to_string().into_bytes();
    refused(&town, NAGANO, &short, "shortened-link", "nagano:4(9)").await;
    let mut headless = published("健康相談会", "13:30", &page);
    headless.body = json!({ "text": "健康相談会を13:30から市役所第一庁舎で" }).to_string().into_bytes();
    refused(&town, NAGANO, &headless, "section-missing", "nagano:4(10)").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nagano_2_8_an_event_opens_nothing_but_the_post_that_was_approved() {
    let town = Town::start().await;
    let (cms, stranger) = (Cms::new("cms-1"), Cms::new("cms-1"));
    registers(&town, HEAD, cms.record(&["nagano-x"])).await;
    let text = emitted("攻撃");
    let with = |event: String| tweet(&emitted("攻撃")).with("Sekisho-Publish-Event", &event);
    let now = town.clock.now().as_second();
    type Change = Box<dyn Fn(&mut Value)>;
    let of = |change: fn(&mut Value)| -> Change { Box::new(change) };
    let changed: [(Change, &str); 9] = [
        (of(|it| it["aud"] = json!("another")), "event-malformed"),
        (Box::new(move |it| it["exp"] = json!(now - 1)), "event-expired"),
        (Box::new(move |it| it["iat"] = json!(now + 60)), "event-expired"),
        (Box::new(move |it| it["exp"] = json!(now + 200_000)), "event-malformed"),
        (of(|it| it["iss"] = json!("cms-2")), "event-signature"),
        (of(|it| it["sub"] = json!("nagano-clerk")), "event-approver"),
        (of(|it| it["sub"] = json!("nerima-pr-head")), "event-approver"),
        (of(|it| it["event"]["account"] = json!("nagano-line")), "event-other-account"),
        (of(|it| it["event"]["title"] = json!("別の題名")), "event-other-post"),
    ];
    for (change, code) in &changed {
        let wire = with(cms.event(&town, "nagano-x", &text, change));
        refused(&town, NAGANO, &wire, code, "nagano:2(8)a").await;
    }
    let page = cms.event(&town, "nagano-x", &text, |it| it["event"]["page"] = json!("https://www.city.example/x"));
    refused(&town, NAGANO, &with(page), "event-page-not-own", "nagano:2(8)a").await;
    let forged = stranger.event(&town, "nagano-x", &text, |_| ());
    refused(&town, NAGANO, &with(forged), "event-signature", "nagano:2(8)a").await;
    let mut cut = cms.event(&town, "nagano-x", &text, |_| ());
    cut.pop();
    stops(&town, NAGANO, &with(cut)).await;
    // 練馬区 has no such issuer, whatever the event says.
    let foreign = tweet(&text).with("Sekisho-Publish-Event", &cms.event(&town, "nerima-x", &text, |_| ()));
    refused(&town, NERIMA, &foreign, "event-signature", "nagano:2(8)a").await;
    assert_eq!(town.received(), 0);
    // Withdrawn, it opens nothing; before that it did.
    let good = with(cms.event(&town, "nagano-x", &text, |_| ()));
    registers(&town, HEAD, json!({ "change": "end-issuer", "id": "cms-1" })).await;
    refused(&town, NAGANO, &good, "event-signature", "nagano:2(8)a").await;
    registers(&town, HEAD, cms.record(&["nagano-x"])).await;
    goes(&town, NAGANO, &good, "nagano.2-8.deemed").await;
    let kinds: Vec<Value> = town.entries("nagano").iter().map(|it| it["act"].clone()).collect();
    for act in ["registry.issuer", "registry.end-issuer"] {
        assert!(kinds.contains(&json!(act)), "{act} is in the ledger: {kinds:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nagano_2_8_who_may_register_an_issuer_and_with_what() {
    let town = Town::start().await;
    let cms = Cms::new("cms-1");
    let by = async |key: &str, record: Value| {
        town.console(key, Method::POST, "/api/v1/registry/changes", Some(record)).await
    };
    let clerk = by(sekisho::demo::town::MANAGER_KEY, cms.record(&["nagano-x"])).await;
    assert_eq!(clerk.json()["code"], "registry-not-found", "another body's account: {:?}", clerk.json());
    let mut private = cms.record(&["nagano-x"]);
    private["key"]["pem"] = json!("-----BEGIN PRIVATE KEY-----\nMC4CAQ==\n-----END PRIVATE KEY-----\n");
    let mut endless = cms.record(&["nagano-x"]);
    endless["span"] = json!({ "from": "2026-01-01" });
    let mut deletes = cms.record(&["nagano-x"]);
    deletes["actions"] = json!(["publish", "delete"]);
    for (record, code) in
        [(private, "issuer-key-unusable"), (endless, "issuer-form-incomplete"), (deletes, "issuer-form-incomplete")]
    {
        let told = by(NAGANO.manager, record).await;
        assert_eq!(told.json()["code"], code, "{:?}", told.json());
    }
    assert_eq!(by(NAGANO.manager, cms.record(&["nagano-x"])).await.status, 200);
    let shown = town.console(NAGANO.manager, Method::GET, "/api/v1/registry/standing/nagano-x", None).await.json();
    assert_eq!(shown["issuers"][0]["id"], "cms-1", "{shown}");
}

/// The CMS of the city, on the account of its other tool.
const CMS: Side = NAGANO.using("demo-nagano-cms");

fn with_cms(config: &mut Config) {
    let mut client = config.clients.iter().find(|it| it.id.as_str() == "nagano-tool").unwrap().clone();
    client.id = sekisho::domain::person::ClientId::new("nagano-cms");
    client.key_sha256 = sekisho::demo::town::key_hash(CMS.tool);
    client.cms = true;
    config.clients.push(client);
}

#[tokio::test(flavor = "multi_thread")]
async fn nagano_2_8_a_cms_that_cannot_sign_speaks_only_of_what_its_page_says() {
    let town = Town::start_with(with_cms).await;
    let side = CMS;
    let url = page(&town, "/kenko/1.html", "健康相談会");
    let says = |text: &str, link: &str| tweet(&format!("【広報課】{text} {link}"));
    let passed = goes(&town, side, &says("健康相談会を開きます", &url), "nagano.2-8.deemed").await;
    let entry = entry(&town, side, &passed);
    assert_eq!((&entry["exemption"], &entry["marks"]), (&json!("cms-page"), &json!(["みなし決裁"])), "{entry}");
    // Another title, a word more, a page of somebody else, a way that leads to one: each needs 様式3.
    let away = format!("{SITE}/away?to=https%3A%2F%2Fwww.city.example%2Fkenko%2F1.html");
    let unlike = [
        says("健康診断を開きます", &url),
        says("健康相談会を開きます。中止です。", &url),
        says("健康相談会を開きます。17時まで", &url),
        says("健康相談会を開きます", &away),
        says("健康相談会を開きます", &format!("{SITE}/kenko/none.html")),
        says("健康相談会を開きます", ""),
    ];
    for wire in &unlike {
        let held = refused(&town, side, wire, "approval-missing", "nagano:2(7)").await;
        assert_eq!(header(&held, "sekisho-decision"), "held");
    }
    // The same words by a tool that is no CMS.
    let plain = says("健康相談会を開きます。広報課", &url);
    refused(&town, NAGANO, &plain, "approval-missing", "nagano:2(7)").await;
    goes(&town, side, &plain, "nagano.2-8.deemed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nerima_14_fixed_answers_end_with_their_last_day() {
    let words = "お問い合わせありがとうございます。窓口は平日8時30分から17時15分までです。";
    let last = in_japan(SystemClock.now()).date().tomorrow().unwrap();
    let town = Town::start_with(|config| {
        let account = config.accounts.iter_mut().find(|it| it.id.as_str() == "nerima-line").unwrap();
        let fixed = FixedAnswers { texts: vec![words.to_owned()], until: last };
        account.operating_policy.as_mut().unwrap().fixed_answers = Some(fixed);
    })
    .await;
    let side = NERIMA.at("nerima-line");
    let answer = |token: &str| {
        let body = json!({ "replyToken": token, "messages": [{ "type": "text", "text": words }] });
        Wire::new("POST", "api.line.me", "/v2/bot/message/reply").json(&body)
    };
    let first = answer("nHuyWiB7yP5Zw52FIkcQobQuGDXCTA");
    goes(&town, side, &first, "nerima.14.fixed-answer").await;
    // On its last day the answer is still given.
    town.clock.forward(SignedDuration::from_hours(24));
    goes(&town, side, &answer("nHuyWiB7yP5Zw52FIkcQobQuGDXCTC"), "nerima.14.fixed-answer").await;
    town.clock.forward(SignedDuration::from_hours(24));
    refused(&town, side, &answer("nHuyWiB7yP5Zw52FIkcQobQuGDXCTB"), "individual-reply", "nerima:14").await;
}

/// The words are everybody's; the post that is shown with them is somebody's, and an answer that shows one is a quotation.
#[tokio::test(flavor = "multi_thread")]
async fn nerima_14_a_fixed_answer_with_somebodys_post_in_it_is_no_fixed_answer() {
    let words = "お問い合わせありがとうございます。窓口は平日8時30分から17時15分までです。";
    let town = Town::start_with(|config| {
        for account in config.accounts.iter_mut().filter(|it| ["nerima-x", "nagano-x"].contains(&it.id.as_str())) {
            let fixed = FixedAnswers { texts: vec![words.to_owned()], until: "2099-03-31".parse().unwrap() };
            account.operating_policy.as_mut().unwrap().fixed_answers = Some(fixed);
        }
    })
    .await;
    for (side, rule, clause, third) in [
        (NERIMA, "nerima.14.fixed-answer", "nerima:14", "nerima:13"),
        (NAGANO, "nagano.4-11.fixed-answer", "nagano:4(11)", "nagano:7(2)エ"),
    ] {
        let mut body = json!({ "text": words, "reply": { "in_reply_to_tweet_id": "1790000000000000002" } });
        let answer = |body: &Value| Wire::new("POST", "api.x.com", "/2/tweets").json(body);
        goes(&town, side, &answer(&body), rule).await;
        body["quote_tweet_id"] = json!("1790000000000000001");
        let shown = refused(&town, side, &answer(&body), "individual-reply", clause).await;
        assert!(shown.text.contains(third), "{}", shown.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nerima_11_2_a_template_stands_for_days_that_are_near() {
    let town = Town::start().await;
    let notice = |days: i64| {
        let day = crate::rulebook::texts::later(days);
        let text =
            format!("【中止】石神井公園まつり\n{day}に予定していた「石神井公園まつり」は、雨天のため中止します。");
        tweet(&text).with("Sekisho-Exemption", "weather-event")
    };
    for days in [-3, 90] {
        refused(&town, NERIMA, &notice(days), "template-out-of-window", "sekisho:template").await;
    }
    goes(&town, NERIMA, &notice(20), "nerima.11-2.weather-event").await;
}
