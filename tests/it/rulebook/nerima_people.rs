//! 練馬区SNS活用ガイドライン, clause by clause: who answers for an account, who is quoted, what is taken back, contractors.

use http::Method;
use jiff::SignedDuration;
use sekisho::domain::clock::{Clock as _, SystemClock, in_japan};
use sekisho::domain::media::Sha256;
use serde_json::{Value, json};

use super::texts::words;
use super::{
    NERIMA, Side, approves_last, entry, goes, passes, refused, refused_though_approved, registers, scene, stops, tweet,
};
use crate::channels::Wire;
use crate::stage::Town;

const BASIS: &str = "nerima.11.approved";
const HEAD: &str = "nerima-pr-head";
const TOKEN: &str = "Bearer practice-credential";

/// A day in Japan, so many days from today.
fn day(from_today: i64) -> String {
    let today = in_japan(SystemClock.now()).date();
    today.checked_add(jiff::Span::new().days(from_today)).unwrap().to_string()
}

/// A story of its own, for what would change the others.
fn alone(change: impl FnOnce(&mut sekisho::config::Config), story: impl AsyncFnOnce(&Town)) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let town = Town::start_with(change).await;
        story(&town).await;
    });
}

async fn limits_topics(town: &Town) {
    let change = json!({
        "change": "change-account", "account": "nerima-own-x", "purpose": "防災", "topics": ["防災"], "reason": "範囲の明確化",
    });
    registers(town, HEAD, change).await;
}

#[test]
fn nerima_6_passes() {
    scene(async |town| {
        let side = Side { manager: NERIMA.manager, ..NERIMA.with("nerima-own-x") };
        limits_topics(town).await;
        let other = tweet(&words("6")).with("Sekisho-Category", "観光");
        stops(town, side, &other).await;
        approves_last(town, side, &json!({ "reason": "全区民に関わるため", "sets_aside": ["nerima:6"] })).await;
        let passed = goes(town, side, &other, BASIS).await;
        assert_eq!(entry(town, side, &passed)["marks"], json!(["原則によらない: nerima:6"]));
    });
}

#[test]
fn nerima_6_refused() {
    scene(async |town| {
        let side = NERIMA.with("nerima-own-x");
        limits_topics(town).await;
        let other = tweet(&words("6 r")).with("Sekisho-Category", "観光");
        refused_though_approved(town, side, &other, json!({}), "out-of-scope", "nerima:6").await;
    });
}

/// The standard operating policy of X is revised, and a month goes by.
async fn revise(town: &Town) {
    let standard = json!({
        "change": "set-standard-policy", "provider": "x", "version": "2", "document": "https://www.city.nerima.tokyo.jp/",
        "consulted": day(-10), "opinion": "支障なし",
    });
    registers(town, HEAD, standard).await;
    town.clock.forward(SignedDuration::from_hours(24 * 32));
}

#[test]
fn nerima_8_2_passes() {
    alone(
        |_| (),
        async |town| {
            revise(town).await;
            let policy = json!({ "version": "2026-12", "categories": ["opening-hours"], "self_approval": false });
            let confirmed = json!({
                "change": "set-policy", "account": "nerima-x", "policy": policy, "base": "2", "delegable": [],
            });
            registers(town, HEAD, confirmed).await;
            super::sent_later(town, NERIMA, &words("8-2"), TOKEN).await;
            approves_last(town, NERIMA, &json!({})).await;
            let passed = super::sent_later(town, NERIMA, &words("8-2"), TOKEN).await;
            assert_eq!((passed.status.as_u16(), town.received()), (201, 1), "{:?}", passed.json());
        },
    );
}

#[test]
fn nerima_8_2_refused() {
    alone(
        |_| (),
        async |town| {
            revise(town).await;
            super::refused_later(town, NERIMA, &words("8-2 r"), TOKEN, "policy-stale", "nerima:8-2").await;
        },
    );
}

#[test]
fn nerima_8_3_passes() {
    scene(async |town| drop(passes(town, NERIMA, &tweet(&words("8-3")), json!({}), BASIS).await));
}

#[test]
fn nerima_8_3_refused() {
    alone(
        |_| (),
        async |town| {
            let leaves = json!({ "line": 2, "person": HEAD, "from": "広聴広報課長", "date": day(1) });
            registers(town, HEAD, json!({ "change": "transfer", "moves": [leaves] })).await;
            town.clock.forward(SignedDuration::from_hours(24));
            super::sent_later(town, NERIMA, &words("8-3 r"), TOKEN).await;
            let entry = town.last_entry();
            assert_eq!((&entry["decision"], town.received()), (&json!("held"), 0), "{entry}");
            assert!(entry["clauses"].as_array().unwrap().contains(&json!("nerima:8-3")), "{entry}");
        },
    );
}

#[test]
fn nerima_9_passes() {
    scene(async |town| drop(passes(town, NERIMA, &tweet(&words("9")), json!({}), BASIS).await));
}

#[test]
fn nerima_9_refused() {
    alone(
        |_| (),
        async |town| {
            assert_eq!(crate::custody::give(town, json!("token-of-the-town")).await.status, 200);
            town.clock.forward(SignedDuration::from_hours(24 * 181));
            super::refused_later(town, NERIMA, &words("9 r"), "Bearer sekisho", "rotation-overdue", "nerima:9").await;
        },
    );
}

#[test]
fn nerima_12_1_passes() {
    scene(async |town| drop(passes(town, NERIMA, &tweet(&words("12-1")), json!({}), BASIS).await));
}

#[test]
fn nerima_12_1_refused() {
    scene(async |town| {
        let side = NERIMA.with("nerima-unmanned-x");
        let post = tweet(&words("12-1 r"));
        refused_though_approved(town, side, &post, json!({}), "operator-missing", "nerima:12-1").await;
    });
}

/// The manager delegates the notices of an account to the clerk, who also writes them.
async fn delegate(town: &Town) {
    let policy = json!({ "version": "2026-12", "categories": [], "self_approval": true });
    let set = json!({
        "change": "set-policy", "account": "nerima-own-x", "policy": policy, "delegable": ["お知らせ"],
    });
    registers(town, HEAD, set).await;
    let delegated = json!({
        "change": "delegate", "id": "d-1", "account": "nerima-own-x", "delegate": "nerima-clerk",
        "categories": ["お知らせ"], "span": { "from": day(0), "until": day(90) },
    });
    registers(town, HEAD, delegated).await;
}

fn by_clerk() -> Side {
    Side { manager: "demo-nerima-clerk", ..NERIMA.with("nerima-own-x") }
}

fn own_account(config: &mut sekisho::config::Config) {
    super::furnish(config);
}

#[test]
fn nerima_12_2_passes() {
    alone(own_account, async |town| {
        delegate(town).await;
        let side = by_clerk();
        let notice = tweet(&words("12-2")).with("Sekisho-Category", "お知らせ");
        let passed = passes(town, side, &notice, json!({}), "nerima.12-2.own-post").await;
        let said = entry(town, side, &passed);
        assert_eq!((&said["clauses"], &said["marks"]), (&json!(["nerima:12-2"]), &json!(["自己決裁"])), "{said}");
    });
}

#[test]
fn nerima_12_2_refused() {
    alone(own_account, async |town| {
        delegate(town).await;
        let event = tweet(&words("12-2 r")).with("Sekisho-Category", "催し");
        let side = by_clerk();
        refused_though_approved(town, side, &event, json!({}), "approver-not-entitled", "nerima:12-2").await;
    });
}

#[test]
fn a_managers_own_version_passes_on_the_managers_authority_and_is_marked() {
    alone(own_account, async |town| {
        delegate(town).await;
        // The manager corrects the text and sends it by the clerk's tool: another author, so an approval like any.
        let side = NERIMA.with("nerima-own-x");
        passes(town, side, &tweet(&words("訂正版")), json!({}), BASIS).await;
    });
}

fn quote(mark: &str) -> Wire {
    let body = json!({ "text": words(mark), "quote_tweet_id": "1790000000000000001" });
    Wire::new("POST", "api.x.com", "/2/tweets").json(&body)
}

/// A source of 練馬 第13条 is registered for quoting.
async fn source(town: &Town, id: &str, class: &str, until: Option<String>) {
    let change = json!({
        "change": "source", "id": id, "provider": "x", "names": [id], "class": class, "uses": ["quote"],
        "evidence": "令和8年度第12号", "about": "光が丘図書館", "reason": "区民の役に立つため",
        "span": { "from": day(-30), "until": until.unwrap_or_else(|| day(30)) },
    });
    registers(town, HEAD, change).await;
}

/// A quotation of a registered source passes by its own item.
fn quoted(id: &'static str, class: &'static str, rule: &'static str) {
    scene(async |town| {
        source(town, id, class, None).await;
        passes(town, NERIMA, &quote(id), json!({ "source": id }), rule).await;
    });
}

/// A quotation of what is no source, or no longer, is held though somebody approved it.
fn unquoted(id: &'static str, class: Option<&'static str>) {
    scene(async |town| {
        if let Some(class) = class {
            source(town, id, class, Some(day(-1))).await;
        }
        let wire = quote(&format!("{id} r"));
        refused_though_approved(town, NERIMA, &wire, json!({ "source": id }), "source-unknown", "nerima:13").await;
    });
}

#[test]
fn nerima_13_passes() {
    quoted("pref-office", "government", "nerima.13-1.government");
}

#[test]
fn nerima_13_refused() {
    unquoted("somebody", None);
}

#[test]
fn nerima_13_1_passes() {
    quoted("kantei", "government", "nerima.13-1.government");
}

#[test]
fn nerima_13_1_refused() {
    unquoted("kante1", None);
}

#[test]
fn nerima_13_2_passes() {
    quoted("contractor", "contractor", "nerima.13-2.contractor");
}

#[test]
fn nerima_13_2_refused() {
    unquoted("contractor-of-last-year", Some("contractor"));
}

#[test]
fn nerima_13_3_passes() {
    quoted("library-manager", "facility-manager", "nerima.13-3.facility-manager");
}

#[test]
fn nerima_13_3_refused() {
    unquoted("manager-of-last-year", Some("facility-manager"));
}

#[test]
fn nerima_13_4_passes() {
    quoted("festival", "sponsored", "nerima.13-4.sponsored");
}

#[test]
fn nerima_13_4_refused() {
    unquoted("festival-of-last-year", Some("sponsored"));
}

#[test]
fn nerima_13_5_passes() {
    scene(async |town| {
        let useful = json!({ "reason": "区内の団体の催しで、区民の役に立つため" });
        passes(town, NERIMA, &quote("13-5"), useful, "nerima.13-5.judged").await;
    });
}

#[test]
fn nerima_13_5_refused() {
    scene(async |town| {
        refused_though_approved(town, NERIMA, &quote("13-5 r"), json!({}), "source-unknown", "nerima:13").await;
    });
}

/// A post of the account that is public, and the request that deletes it.
async fn published(town: &Town, mark: &str) -> Wire {
    let sent = passes(town, NERIMA, &tweet(&words(mark)), json!({}), BASIS).await;
    let id = sent.json()["data"]["id"].as_str().unwrap().to_owned();
    Wire::new("DELETE", "api.x.com", &format!("/2/tweets/{id}"))
}

#[test]
fn nerima_15a_passes() {
    scene(async |town| {
        let delete = published(town, "15a").await.with("Sekisho-Reason", "mispost");
        let passed = passes(town, NERIMA, &delete, json!({}), "nerima.15.mispost").await;
        assert_eq!(entry(town, NERIMA, &passed)["marks"], json!(["notify:manager"]));
        // What is merely over needs no report.
        let over = published(town, "15a over").await.with("Sekisho-Reason", "expired");
        passes(town, NERIMA, &over, json!({}), BASIS).await;
        // A tool that can send no header: the approver says why.
        let by_approver = published(town, "15a approver").await;
        passes(town, NERIMA, &by_approver, json!({ "reason": "誤字" }), BASIS).await;
    });
}

#[test]
fn nerima_15a_refused() {
    scene(async |town| {
        let delete = published(town, "15a r").await;
        // Before anybody approved it the answer says already what will be asked.
        let held = refused(town, NERIMA, &delete, "approval-missing", "nerima:15a").await;
        assert!(held.text.contains("Sekisho-Reason"), "{}", held.text);
        refused_though_approved(town, NERIMA, &delete, json!({}), "deletion-reason", "nerima:15a").await;
    });
}

#[test]
fn nerima_17_1a_passes() {
    scene(async |town| drop(passes(town, NERIMA, &tweet(&words("17-1a")), json!({}), BASIS).await));
}

#[test]
fn nerima_17_1a_refused() {
    scene(async |town| {
        let side = NERIMA.with("nerima-closed-x");
        refused_though_approved(town, side, &tweet(&words("17")), json!({}), "account-closed", "nerima:17-1a").await;
    });
}

#[test]
fn nerima_17_1b_passes() {
    scene(async |town| {
        let me = Wire::new("GET", "api.x.com", "/2/users/me");
        drop(goes(town, NERIMA.with("nerima-archived-x"), &me, "common.read").await);
    });
}

#[test]
fn nerima_17_1b_refused() {
    scene(async |town| {
        let side = NERIMA.with("nerima-archived-x");
        let post = tweet(&words("17-1b"));
        refused_though_approved(town, side, &post, json!({}), "account-archived", "nerima:17-1b").await;
    });
}

/// 練馬区's own credential is registered.
fn registered(config: &mut sekisho::config::Config) {
    let account = config.accounts.iter_mut().find(|it| it.id.as_str() == "nerima-x").unwrap();
    account.credential_fingerprints.push(Sha256::of(b"token-of-the-ward").hex());
}

#[test]
fn nerima_18_1a_passes() {
    alone(registered, async |town| {
        let own = tweet(&words("18-1a")).with("Authorization", "Bearer token-of-the-ward");
        passes(town, NERIMA, &own, json!({}), BASIS).await;
    });
}

#[test]
fn nerima_18_1a_refused() {
    alone(registered, async |town| {
        let private = tweet("今夜はビールの抽選に応募しました！").with("Authorization", "Bearer token-of-somebody");
        refused(town, NERIMA, &private, "private-credential", "nerima:18-1a").await;
    });
}

/// The tool is a contractor's, whose contract ends on that day.
async fn contracted(town: &Town, until: String, hours: Value) {
    let contractor = json!({
        "change": "contractor", "id": "c-1", "name": "区報制作株式会社", "supervisor": "広聴広報課長",
        "clients": ["nerima-tool"], "accounts": ["nerima-x"], "contract": "令和8年度委託第3号",
        "span": { "from": day(-60), "until": until }, "hours": hours,
    });
    registers(town, HEAD, contractor).await;
}

#[test]
fn nerima_18_1b_passes() {
    alone(
        |_| (),
        async |town| {
            contracted(town, day(0), Value::Null).await;
            passes(town, NERIMA, &tweet(&words("18-1b")), json!({}), BASIS).await;
        },
    );
}

#[test]
fn nerima_18_1b_refused() {
    alone(
        |_| (),
        async |town| {
            // An hour that is not now, whenever this scene is played: without an approval, the supervisor is asked.
            let from = (in_japan(SystemClock.now()).hour() + 12) % 24;
            let hours = json!({ "from": format!("{from:02}:00:00"), "to": format!("{from:02}:59:00") });
            contracted(town, day(0), hours).await;
            let notice = tweet(&words("18-1b hours"));
            let notice = notice.with("Sekisho-Exemption", "operating-policy").with("Sekisho-Category", "opening-hours");
            refused(town, NERIMA, &notice, "outside-hours", "nerima:18-1b").await;
            // The contract is over at midnight.
            town.clock.forward(SignedDuration::from_hours(24));
            let post = tweet(&words("18-1b r"));
            refused_though_approved(town, NERIMA, &post, json!({}), "client-expired", "nerima:18-1b").await;
        },
    );
}

#[test]
fn an_approval_by_the_author_is_the_bodys_own_choice() {
    scene(async |town| {
        // The same clerk, an account whose operating policy says nothing of it.
        let side = Side { manager: "demo-nerima-clerk", ..NERIMA };
        let post = tweet(&words("自己決裁"));
        stops(town, side, &post).await;
        let entry = town.last_entry();
        let body = json!({ "account": "nerima-x", "actions": ["publish"], "digest": entry["digest"] });
        let given = town.console(side.manager, Method::POST, "/api/v1/approvals", Some(body)).await;
        assert_eq!(given.status, 201, "{:?}", given.json());
        stops(town, side, &post).await;
        let code = town.last_entry()["code"].clone();
        assert!(code == "self-approval" || code == "approver-is-author" || code == "approver-not-entitled", "{code}");
    });
}

/// Mastodon is applied for, reviewed and approved, on the condition that nothing is deleted there.
async fn conditioned(town: &Town) {
    let changes = [
        (
            "nerima-kodomo",
            json!({ "change": "apply-provider", "provider": "mastodon", "purpose": "若い世代に届けるため" }),
        ),
        (
            "nerima-plan",
            json!({ "change": "review-provider", "provider": "mastodon", "review": {
                "met": day(-3), "versatility": "広く使われている", "availability": "止まりにくい", "continuity": "続く見込み",
                "members": ["企画部長", "広聴広報課長"],
            } }),
        ),
        (
            "nerima-plan",
            json!({
                "change": "decide-provider", "provider": "mastodon", "approved": true, "reason": "適切",
                "conditions": [{ "kind": "without", "action": "delete" }],
            }),
        ),
    ];
    for (by, change) in changes {
        registers(town, by, change).await;
    }
}

fn without_mastodon(config: &mut sekisho::config::Config) {
    super::furnish(config);
    crate::registry::staffed(config);
}

fn status(mark: &str) -> Wire {
    Wire::new("POST", "mastodon.example", "/api/v1/statuses").json(&json!({ "status": words(mark) }))
}

#[test]
fn nerima_4_2_passes() {
    alone(without_mastodon, async |town| {
        conditioned(town).await;
        passes(town, NERIMA.at("nerima-mastodon"), &status("4-2"), json!({}), BASIS).await;
    });
}

#[test]
fn nerima_4_2_refused() {
    alone(without_mastodon, async |town| {
        conditioned(town).await;
        let delete = Wire::new("DELETE", "mastodon.example", "/api/v1/statuses/1").with("Sekisho-Reason", "typo");
        let side = NERIMA.at("nerima-mastodon");
        refused_though_approved(town, side, &delete, json!({}), "provider-condition", "nerima:4-2").await;
    });
}

/// An account for the exchange within an organisation is applied for, consulted on and approved; its tool's key is its name.
async fn closed_group(town: &Town) {
    const ACCOUNT: &str = "nerima-kumiai-x";
    let standard = json!({
        "change": "set-standard-policy", "provider": "x", "version": "s1", "document": "文書第1号", "consulted": day(-9),
        "opinion": "異議なし",
    });
    let opening = json!({
        "change": "apply-account", "account": ACCOUNT, "provider": "x", "handle": "@nerima_kumiai", "kind": "individual",
        "purpose": "指定団体の中の連絡", "closed_audience": true, "policy": { "version": "1" }, "policy_base": "s1",
        "operators": ["nerima-clerk"],
    });
    registers(town, HEAD, standard).await;
    registers(town, "nerima-kodomo", opening).await;
    let client = json!({
        "line": 2, "id": ACCOUNT, "owner": "nerima-clerk", "key_sha256": sekisho::demo::town::key_hash(ACCOUNT),
        "accounts": [ACCOUNT], "actions": ["publish", "read"],
    });
    let tools = Some(json!({ "clients": [client] }));
    let reply = town.console("kodomo", Method::POST, "/api/v1/clients", tools).await;
    assert_eq!(reply.status, 201, "{:?}", reply.json());
    let consult = json!({ "change": "consult-account", "account": ACCOUNT, "opinion": "異議なし" });
    registers(town, "nerima-info", consult).await;
    let decide = json!({ "change": "decide-account", "account": ACCOUNT, "approved": true, "reason": "" });
    registers(town, HEAD, decide).await;
}

#[test]
fn nerima_18_2_passes() {
    alone(crate::registry::staffed, async |town| {
        closed_group(town).await;
        let side = NERIMA.with("nerima-kumiai-x");
        let passed = goes(town, side, &tweet("次の打ち合わせは来週です。"), "nerima.18-2.closed").await;
        let said = entry(town, side, &passed);
        assert_eq!((&said["clauses"], &said["marks"]), (&json!(["nerima:18-2"]), &json!(["第18条第2項"])), "{said}");
    });
}

#[test]
fn nerima_18_2_refused() {
    alone(crate::registry::staffed, async |town| {
        closed_group(town).await;
        // The guideline does not apply to it; what may never be published stays so.
        let side = NERIMA.with("nerima-kumiai-x");
        let number = tweet("マイナンバー：1234 5678 9018 の方へ");
        refused(town, side, &number, "personal-number", "my-number-act:19").await;
        // An ordinary account's post of the same kind waits.
        refused(town, NERIMA, &tweet("次の打ち合わせは来週です。"), "approval-missing", "nerima:11").await;
    });
}
