//! 長野市ソーシャルメディアの利用に関するガイドライン, clause by clause: accounts, decision, form, replies, who is followed.

use jiff::SignedDuration;
use sekisho::domain::clock::{Clock as _, SystemClock, in_japan};
use sekisho::domain::media::Sha256;
use serde_json::{Value, json};

use super::texts::words;
use super::{NAGANO, NAGANO_MANAGER, entry, goes, passes, refused, refused_though_approved, registers, scene, tweet};
use crate::channels::Wire;
use crate::stage::Town;

const BASIS: &str = "nagano.2-7.approved";
const HEAD: &str = "nagano-pr-head";

fn day(from_today: i64) -> String {
    let today = in_japan(SystemClock.now()).date();
    today.checked_add(jiff::Span::new().days(from_today)).unwrap().to_string()
}

fn alone(change: impl FnOnce(&mut sekisho::config::Config), story: impl AsyncFnOnce(&Town)) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let town = Town::start_with(change).await;
        story(&town).await;
    });
}

async fn contracted(town: &Town) {
    let contractor = json!({
        "change": "contractor", "id": "c-1", "name": "観光発信株式会社", "supervisor": "広報広聴課長",
        "clients": ["nagano-tool"], "accounts": ["nagano-x"], "contract": "令和8年度委託第7号",
        "span": { "from": day(-60), "until": day(0) },
    });
    registers(town, HEAD, contractor).await;
}

#[test]
fn nagano_1a_passes() {
    alone(
        |_| (),
        async |town| {
            contracted(town).await;
            passes(town, NAGANO, &tweet(&words("1a")), json!({}), BASIS).await;
        },
    );
}

#[test]
fn nagano_1a_refused() {
    alone(
        |_| (),
        async |town| {
            contracted(town).await;
            refused(town, NAGANO, &tweet(&words("1a r")), "approval-missing", "nagano:2(7)").await;
            town.clock.forward(SignedDuration::from_hours(24));
            refused(town, NAGANO, &tweet(&words("1a r")), "client-expired", "nagano:1a").await;
        },
    );
}

fn registered(config: &mut sekisho::config::Config) {
    let account = config.accounts.iter_mut().find(|it| it.id.as_str() == "nagano-x").unwrap();
    account.credential_fingerprints.push(Sha256::of(b"token-of-the-city").hex());
}

/// A request with the city's own credential passes.
fn official(mark: &str) {
    alone(registered, async |town| {
        let own = tweet(&words(mark)).with("Authorization", "Bearer token-of-the-city");
        passes(town, NAGANO, &own, json!({}), BASIS).await;
    });
}

/// A request with somebody's own credential, from the office, is stopped.
fn private(clause: &str) {
    alone(registered, async |town| {
        let post = tweet("今夜はビールの抽選に応募しました！").with("Authorization", "Bearer token-of-somebody");
        refused(town, NAGANO, &post, "private-credential", clause).await;
    });
}

#[test]
fn nagano_1b_passes() {
    official("1b");
}

#[test]
fn nagano_1b_refused() {
    private("nagano:1b");
}

#[test]
fn nagano_7_2_o_passes() {
    official("7(2)オ");
}

#[test]
fn nagano_7_2_o_refused() {
    private("nagano:7(2)オ");
}

#[test]
fn nagano_2_4_passes() {
    // The manager's own section needs no grant.
    scene(async |town| drop(passes(town, NAGANO, &tweet(&words("2(4)")), json!({}), BASIS).await));
}

#[test]
fn nagano_2_4_refused() {
    scene(async |town| {
        let side = NAGANO.with("nagano-health-x");
        refused_though_approved(town, side, &tweet(&words("健康")), json!({}), "grant-missing", "nagano:2(4)").await;
    });
}

fn reel(mark: &str) -> Wire {
    let reel = json!({
        "media_type": "REELS", "video_url": "https://www.city.example/1.mp4", "caption": words(mark), "share_to_feed": true,
    });
    Wire::new("POST", "graph.instagram.com", "/v26.0/17841/media").json(&reel)
}

#[test]
fn nagano_2_5_passes() {
    scene(async |town| {
        let side = NAGANO.at("nagano-instagram");
        passes(town, side, &reel("2(5)"), json!({ "declares": ["people", "place", "third-party"] }), BASIS).await;
    });
}

#[test]
fn nagano_2_5_refused() {
    scene(async |town| {
        let side = super::Side { account: "nagano-instagram", ..NAGANO.with("nagano-health-x") };
        let side = super::Side { tool: "nagano-health-x", ..side };
        let remarks = json!({ "declares": ["people", "place", "third-party"] });
        refused_though_approved(town, side, &reel("2(5) r"), remarks, "section-not-entitled", "nagano:2(5)").await;
    });
}

#[test]
fn nagano_2_6a_passes() {
    scene(async |town| {
        let side = NAGANO.with("nagano-section-x");
        passes(town, side, &tweet(&words("2(6)")), json!({}), BASIS).await;
    });
}

#[test]
fn nagano_2_6a_refused() {
    scene(async |town| {
        let side = NAGANO.with("nagano-applied-x");
        let post = tweet(&words("2(6) r"));
        refused_though_approved(town, side, &post, json!({}), "account-not-opened", "nagano:2(6)a").await;
    });
}

#[test]
fn nagano_2_7_passes() {
    scene(async |town| drop(passes(town, NAGANO, &tweet(&words("2(7)")), json!({}), BASIS).await));
}

#[test]
fn nagano_2_7_refused() {
    scene(async |town| drop(refused(town, NAGANO, &tweet(&words("2(7) r")), "approval-missing", "nagano:2(7)").await));
}

async fn declare(town: &Town, account: &str) {
    let body = json!({ "reason": "千曲川の氾濫", "accounts": [account], "for_s": 3600 });
    let reply = town.console(NAGANO_MANAGER, http::Method::POST, "/api/v1/emergencies", Some(body)).await;
    assert_eq!(reply.status, 201, "{:?}", reply.json());
}

#[test]
fn nagano_2_7p_4_passes() {
    scene(async |town| {
        declare(town, "nagano-x").await;
        // The form of the text stops nobody in a disaster.
        let flood = tweet("【緊急】千曲川が氾濫危険水位に達しました。ただちに避難してください。");
        goes(town, NAGANO, &flood.with("Sekisho-Emergency", "1"), "nagano.2-7p.emergency").await;
    });
}

#[test]
fn nagano_2_7p_4_refused() {
    scene(async |town| {
        let flood = tweet("【緊急】裾花川の水位が上がっています。").with("Sekisho-Emergency", "1");
        let side = NAGANO.with("nagano-section-x");
        refused(town, side, &flood, "no-open-emergency", "sekisho:emergency").await;
    });
}

#[test]
fn nagano_4_9a_passes() {
    scene(async |town| {
        let own = tweet(&format!("{} https://www.city.nagano.nagano.jp/soshiki/", words("4(9)")));
        passes(town, NAGANO, &own, json!({}), BASIS).await;
    });
}

#[test]
fn nagano_4_9a_refused() {
    scene(async |town| {
        let short = tweet(&format!("{}くわしくは ｂｉｔ。ｌｙ／３ａｂｃｄｅｆ", words("4(9) r")));
        refused(town, NAGANO, &short, "shortened-link", "nagano:4(9)").await;
    });
}

#[test]
fn nagano_4_10_passes() {
    scene(async |town| drop(passes(town, NAGANO, &tweet(&words("4(10)")), json!({}), BASIS).await));
}

#[test]
fn nagano_4_10_refused() {
    scene(async |town| {
        let wire = tweet("健康相談会を開きます。").with("Accept", "application/problem+json");
        let told = refused_though_approved(town, NAGANO, &wire, json!({}), "section-missing", "nagano:4(10)").await;
        let proposals = &told.json()["reasons"][0]["proposals"];
        assert_eq!(*proposals, json!([{ "kind": "prefix", "text": "【所属名】題名" }]));
    });
}

fn answer(text: &str) -> Wire {
    let body = json!({ "text": text, "reply": { "in_reply_to_tweet_id": "1790000000000000001" } });
    Wire::new("POST", "api.x.com", "/2/tweets").json(&body)
}

#[test]
fn nagano_4_11_passes() {
    scene(async |town| {
        let aside = json!({ "reason": "誤った情報が広まっているため", "sets_aside": ["nagano:4(11)"] });
        let passed = passes(town, NAGANO, &answer("正しくは10時からです。"), aside, BASIS).await;
        assert_eq!(entry(town, NAGANO, &passed)["marks"], json!(["原則によらない: nagano:4(11)"]));
    });
}

#[test]
fn nagano_4_11_refused() {
    scene(async |town| {
        let wire = answer("承りました。");
        refused_though_approved(town, NAGANO, &wire, json!({ "reason": "急ぎ" }), "individual-reply", "nagano:4(11)")
            .await;
    });
}

fn follow(whom: &str) -> Wire {
    Wire::new("POST", "api.x.com", "/2/users/1/following").json(&json!({ "target_user_id": whom }))
}

async fn source(town: &Town, whom: &str, class: &str, until: i64) {
    let change = json!({
        "change": "source", "id": format!("s-{whom}"), "provider": "x", "names": [whom], "class": class,
        "uses": ["follow"], "evidence": "https://www.pref.nagano.lg.jp/", "about": "城山公園", "reason": "必要と認める",
        "span": { "from": day(-30), "until": day(until) },
    });
    registers(town, HEAD, change).await;
}

/// Who is registered is followed, by its own item.
fn followed(whom: &'static str, class: &'static str, rule: &'static str) {
    scene(async |town| {
        source(town, whom, class, 30).await;
        passes(town, NAGANO, &follow(whom), json!({}), rule).await;
    });
}

/// Who is not registered, or no longer, is not followed.
fn unfollowed(whom: &'static str, class: Option<&'static str>) {
    scene(async |town| {
        if let Some(class) = class {
            source(town, whom, class, -1).await;
        }
        let wire = follow(whom);
        refused_though_approved(town, NAGANO, &wire, json!({}), "follow-not-listed", "nagano:4(12)").await;
    });
}

#[test]
fn nagano_4_12_passes() {
    followed("100", "government", "nagano.4-12-1.government");
    scene(async |town| {
        // To take it back is no connection.
        let undo = Wire::new("DELETE", "api.x.com", "/2/users/1/following/100");
        goes(town, NAGANO, &undo, "nagano.4-12.undo").await;
    });
}

#[test]
fn nagano_4_12_refused() {
    unfollowed("101", None);
}

#[test]
fn nagano_4_12_1_passes() {
    followed("110", "government", "nagano.4-12-1.government");
}

#[test]
fn nagano_4_12_1_refused() {
    unfollowed("111", Some("government"));
}

#[test]
fn nagano_4_12_2_passes() {
    scene(async |town| {
        // The city's own accounts need no entry.
        passes(town, NAGANO, &follow("nagano_section_x"), json!({}), "nagano.4-12-2.own").await;
    });
}

#[test]
fn nagano_4_12_2_refused() {
    unfollowed("nagano_applied_x", None);
}

#[test]
fn nagano_4_12_3_passes() {
    followed("130", "funded", "nagano.4-12-3.funded");
}

#[test]
fn nagano_4_12_3_refused() {
    unfollowed("131", Some("funded"));
}

#[test]
fn nagano_4_12_4_passes() {
    followed("140", "facility-manager", "nagano.4-12-4.facility-manager");
}

#[test]
fn nagano_4_12_4_refused() {
    unfollowed("141", Some("facility-manager"));
}

#[test]
fn nagano_4_12_5_passes() {
    followed("150", "transport", "nagano.4-12-5.transport");
}

#[test]
fn nagano_4_12_5_refused() {
    unfollowed("151", Some("transport"));
}

#[test]
fn nagano_4_12_6_passes() {
    scene(async |town| {
        let needed = json!({ "reason": "災害時の連携のため" });
        passes(town, NAGANO, &follow("160"), needed, "nagano.4-12-6.judged").await;
    });
}

#[test]
fn nagano_4_12_6_refused() {
    unfollowed("161", None);
}

#[test]
fn nagano_7_2_u_passes() {
    scene(async |town| {
        let side = NAGANO.with("nagano-section-x");
        passes(town, side, &follow("200"), Value::Object(serde_json::Map::default()), BASIS).await;
    });
}

#[test]
fn nagano_7_2_u_refused() {
    scene(async |town| {
        let side = NAGANO.with("nagano-section-x");
        let held = refused(town, side, &follow("201"), "approval-missing", "nagano:7(2)ウ").await;
        assert_eq!(
            crate::channels::header(&held, "sekisho-decision"),
            "held",
            "it waits for an approver; it is not denied"
        );
    });
}

#[test]
fn nagano_5_1_passes() {
    scene(async |town| drop(passes(town, NAGANO, &tweet(&words("5(1)")), json!({}), BASIS).await));
}

async fn give(town: &Town) {
    let path = "/api/v1/accounts/nagano-x/credential";
    let body = json!({ "secret": "token-of-the-city" });
    assert_eq!(town.console(NAGANO_MANAGER, http::Method::POST, path, Some(body)).await.status, 200);
}

#[test]
fn nagano_5_1_refused() {
    alone(
        |_| (),
        async |town| {
            give(town).await;
            town.clock.forward(SignedDuration::from_hours(24 * 181));
            let held = "Bearer sekisho";
            super::refused_later(town, NAGANO, &words("5(1) r"), held, "rotation-overdue", "nagano:5(1)").await;
        },
    );
}

#[test]
fn nagano_5_2_passes() {
    alone(
        |_| (),
        async |town| {
            give(town).await;
            let post = tweet(&words("5(2)")).with("Authorization", "Bearer sekisho");
            passes(town, NAGANO, &post, json!({}), BASIS).await;
            let received = town.provider.requests();
            assert_eq!(received[0].header("authorization"), Some("Bearer token-of-the-city"));
            let told: String = town.entries("nagano").iter().map(ToString::to_string).collect();
            assert!(!told.contains("token-of-the-city"));
        },
    );
}

#[test]
fn nagano_5_2_refused() {
    alone(
        |_| (),
        async |town| {
            let post = tweet(&words("5(2) r")).with("Authorization", "Bearer sekisho");
            refused(town, NAGANO, &post, "credential-not-held", "sekisho:custody").await;
        },
    );
}

#[test]
fn nagano_5_3_passes() {
    scene(async |town| drop(passes(town, NAGANO, &tweet(&words("5(3)")), json!({}), BASIS).await));
}

#[test]
fn nagano_5_3_refused() {
    scene(async |town| {
        let side = NAGANO.with("nagano-suspended-x");
        refused_though_approved(town, side, &tweet(&words("5(3) r")), json!({}), "account-locked", "nagano:5(3)").await;
    });
}

/// A post of the account that is public, and the request that deletes it.
async fn published(town: &Town, mark: &str) -> Wire {
    let sent = passes(town, NAGANO, &tweet(&words(mark)), json!({}), BASIS).await;
    let id = sent.json()["data"]["id"].as_str().unwrap().to_owned();
    Wire::new("DELETE", "api.x.com", &format!("/2/tweets/{id}"))
}

#[test]
fn nagano_6_2_passes() {
    scene(async |town| {
        let delete = published(town, "6(2)").await.with("Sekisho-Reason", "violation");
        let gone = goes(town, NAGANO, &delete, "nagano.6-2.delete").await;
        assert_eq!(entry(town, NAGANO, &gone)["marks"], json!(["notify:manager"]));
    });
}

#[test]
fn nagano_6_2_refused() {
    scene(async |town| {
        let silent = published(town, "6(2) r").await;
        refused(town, NAGANO, &silent, "approval-missing", "nagano:2(7)").await;
        let foreign = Wire::new("DELETE", "api.x.com", "/2/tweets/1790000000000000001");
        let foreign = foreign.with("Sekisho-Reason", "violation");
        refused(town, NAGANO, &foreign, "approval-missing", "nagano:2(7)").await;
    });
}
