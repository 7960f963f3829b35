//! 長野市ソーシャルメディアの利用に関するガイドライン, clause by clause: what a post may say and show.

use serde_json::{Value, json};

use super::texts::{later, words};
use super::{
    NAGANO, NERIMA, Side, approves_last, entry, goes, passes, refused, refused_though_approved, registers, scene,
    stops, tweet,
};
use crate::channels::Wire;
use crate::stage::Town;

const BASIS: &str = "nagano.2-7.approved";

/// What may never be said is refused, though somebody approved it.
fn never(text: &'static str, code: &'static str, clause: &'static str) {
    scene(async |town| {
        let post = tweet(&format!("{}{text}", words(clause)));
        refused_though_approved(town, NAGANO, &post, json!({}), code, clause).await;
    });
}

/// What may be said when somebody has looked at it is held before, citing the clause, and passes after.
fn looked_at(text: &'static str, clause: &'static str, remarks: Value) {
    scene(async |town| {
        let post = tweet(&format!("{}{text}", words(clause)));
        let held = stops(town, NAGANO, &post).await;
        assert_eq!(crate::channels::header(&held, "sekisho-decision"), "held", "{}", held.text);
        approves_last(town, NAGANO, &remarks).await;
        goes(town, NAGANO, &post, BASIS).await;
    });
}

#[test]
fn nagano_4_1_passes() {
    scene(async |town| drop(passes(town, NAGANO, &tweet(&words("4(1)")), json!({}), BASIS).await));
}

#[test]
fn nagano_4_1_refused() {
    scene(async |town| {
        let side = NAGANO.with("nagano-section-x");
        limits_topics(town).await;
        let drinks = tweet(&words("ビールの抽選")).with("Sekisho-Category", "懸賞");
        refused_though_approved(town, side, &drinks, json!({}), "out-of-purpose", "nagano:4(1)").await;
    });
}

async fn limits_topics(town: &Town) {
    let book = sekisho::domain::ports::Registry::standing(
        town.running.ledger.reads().registry().as_ref(),
        &sekisho::domain::account::AccountId::new("nagano-section-x"),
        jiff::Timestamp::UNIX_EPOCH,
    );
    if book.is_some_and(|standing| !standing.topics.is_empty()) {
        return;
    }
    let change = json!({
        "change": "change-account", "account": "nagano-section-x", "purpose": "防災", "topics": ["防災"],
        "reason": "目的の明確化",
    });
    registers(town, "nagano-pr-head", change).await;
    let decided =
        json!({ "change": "decide-account", "account": "nagano-section-x", "approved": true, "reason": "可" });
    registers(town, "nagano-pr-head", decided).await;
}

#[test]
fn nagano_4_2_passes() {
    scene(async |town| drop(passes(town, NAGANO, &tweet(&words("4(2)")), json!({}), BASIS).await));
}

#[test]
fn nagano_4_2_refused() {
    never("【取扱注意】会議資料です。", "confidential-label", "nagano:4(2)");
}

/// A new profile at Bluesky.
fn profile(description: &str) -> Wire {
    let record = json!({ "$type": "app.bsky.actor.profile", "displayName": "長野市", "description": description });
    let body = json!({
        "repo": "did:plc:practice", "collection": "app.bsky.actor.profile", "rkey": "self", "record": record,
    });
    Wire::new("POST", "practice.host.bsky.network", "/xrpc/com.atproto.repo.putRecord").json(&body)
}

#[test]
fn nagano_4_5_passes() {
    scene(async |town| {
        let with_site = profile("長野市の公式アカウントです。https://www.city.nagano.nagano.jp/");
        passes(town, NAGANO.at("nagano-bluesky"), &with_site, json!({}), BASIS).await;
    });
}

#[test]
fn nagano_4_5_refused() {
    scene(async |town| {
        let side = NAGANO.at("nagano-bluesky");
        let without = profile("長野市の公式アカウントです。");
        refused_though_approved(town, side, &without, json!({}), "profile-without-site", "nagano:4(5)").await;
    });
}

#[test]
fn nagano_4_6_passes() {
    scene(async |town| {
        let right = tweet(&format!("{}{}10時からです。", words("4(6)"), later(7)));
        passes(town, NAGANO, &right, json!({}), BASIS).await;
    });
}

#[test]
fn nagano_4_6_refused() {
    never("○時○分から断水します。", "unfilled-template", "nagano:4(6)");
}

const RECOMMENDED: &str = "このお店が業界最安値です。今すぐ購入を。";

#[test]
fn nagano_4_8_passes() {
    looked_at(RECOMMENDED, "nagano:4(8)", json!({ "declares": ["no-endorsement"] }));
}

#[test]
fn nagano_4_8_refused() {
    never(RECOMMENDED, "endorsement", "nagano:4(8)");
}

#[test]
fn nagano_7_1_a_passes() {
    scene(async |town| drop(passes(town, NAGANO, &tweet(&words("7(1)ア")), json!({}), BASIS).await));
}

#[test]
fn nagano_7_1_a_refused() {
    never("市役所を爆破する", "content-refused", "nagano:7(1)ア");
}

#[test]
fn nagano_7_1_i_passes() {
    // What warns of it names it; it is held, not denied.
    looked_at("外国人への差別をなくしましょう。", "nagano:7(1)イ", json!({}));
}

#[test]
fn nagano_7_1_i_refused() {
    never("外国人は日本から出ていけ", "content-refused", "nagano:7(1)イ");
}

#[test]
fn nagano_7_1_u_passes() {
    looked_at("飲酒運転は絶対にやめましょう。", "nagano:7(1)ウ", json!({}));
}

#[test]
fn nagano_7_1_u_refused() {
    never("闇バイト募集！日給10万円", "content-refused", "nagano:7(1)ウ");
}

#[test]
fn nagano_7_1_e_passes() {
    looked_at("マイナンバーカードの受け取りは予約をお願いします。", "nagano:7(1)エ", json!({}));
}

#[test]
fn nagano_7_1_e_refused() {
    never("個人番号 1234-5678-9018 の方へ", "personal-number", "nagano:7(1)エ");
}

#[test]
fn nagano_7_1_o_passes() {
    looked_at("パスワードの使い回しにご注意ください。", "nagano:7(1)オ", json!({}));
}

#[test]
fn nagano_7_1_o_refused() {
    never("管理者パスワードは Kanri#2026x です", "content-refused", "nagano:7(1)オ");
}

const RUMOUR: &str = "ダムが決壊したらしいです。拡散希望";

#[test]
fn nagano_7_1_ka_passes() {
    looked_at(RUMOUR, "nagano:7(1)カ", json!({}));
}

#[test]
fn nagano_7_1_ka_refused() {
    scene(async |town| {
        let post = tweet(&format!("{}{RUMOUR}", words("7(1)カ r")));
        refused(town, NAGANO, &post, "review-needed", "nagano:7(1)カ").await;
    });
}

#[test]
fn nagano_7_1_ki_passes() {
    scene(async |town| drop(passes(town, NAGANO, &tweet(&words("7(1)キ")), json!({}), BASIS).await));
}

#[test]
fn nagano_7_1_ki_refused() {
    never("え ろ 動 画 見放題はこちら", "content-refused", "nagano:7(1)キ");
}

/// A picture with words.
async fn picture(town: &Town, side: Side, bytes: &[u8], mark: &str) -> Wire {
    use base64::Engine as _;
    let media = base64::prelude::BASE64_STANDARD.encode(bytes);
    let body = json!({ "media": media, "media_category": "tweet_image", "media_type": "image/png" });
    let upload = Wire::new("POST", "api.x.com", "/2/media/upload").json(&body);
    let id = goes(town, side, &upload, "common.upload").await.json()["data"]["id"].clone();
    let body = json!({ "text": words(mark), "media": { "media_ids": [id] } });
    Wire::new("POST", "api.x.com", "/2/tweets").json(&body)
}

#[test]
fn nagano_7_1_ku_passes() {
    scene(async |town| {
        let shown = picture(town, NAGANO, b"a picture of the festival", "7(1)ク").await;
        passes(town, NAGANO, &shown, json!({ "declares": ["people", "place"] }), BASIS).await;
        // The tool says one half, the approver the other; the log keeps who said what.
        let shown =
            picture(town, NAGANO, b"a picture of the hall", "7(1)ク tool").await.with("Sekisho-Consent", "place");
        let passed = passes(town, NAGANO, &shown, json!({ "declares": ["people"] }), BASIS).await;
        let entry = entry(town, NAGANO, &passed);
        assert_eq!((&entry["declared"], &entry["client_declared"]), (&json!("people"), &json!("place")));
        let all = "people, place, third-party";
        let linked = picture(town, NAGANO, b"a picture of the guide", "7(1)ク all").await.with("Sekisho-Consent", all);
        passes(town, NAGANO, &linked, json!({}), BASIS).await;
    });
}

#[test]
fn a_declaration_that_nobody_knows_is_no_declaration() {
    scene(async |town| {
        let shown =
            picture(town, NAGANO, b"a picture of the park", "7(1)ク odd").await.with("Sekisho-Consent", "people, all");
        let answer = stops(town, NAGANO, &shown).await;
        assert_eq!(town.entries("nagano").pop().unwrap()["code"], "consent-unknown", "{}", answer.text);
    });
}

#[test]
fn nagano_asks_for_consent_by_itself_nerima_does_not_and_a_policy_may_waive_it() {
    scene(async |town| {
        let shown = picture(town, NERIMA, b"a picture of the ward", "練馬の写真").await;
        passes(town, NERIMA, &shown, json!({}), "nerima.11.approved").await;
        let scenery = NAGANO.with("nagano-scenery-x");
        let shown = picture(town, scenery, b"a picture of the mountains", "7(1)ク waived").await;
        passes(town, scenery, &shown, json!({}), BASIS).await;
        // The approver's word suffices: the tool sends what it always sent.
        let shown = picture(town, NAGANO, b"a picture of the mayor", "7(1)ク plain").await;
        refused_though_approved(town, NAGANO, &shown, json!({}), "media-consent", "nagano:7(1)ク").await;
    });
}

#[test]
fn nagano_7_1_ku_refused() {
    scene(async |town| {
        let shown = picture(town, NAGANO, b"a picture of children", "7(1)ク r").await;
        refused_though_approved(
            town,
            NAGANO,
            &shown,
            json!({ "declares": ["people"] }),
            "media-consent",
            "nagano:7(1)ク",
        )
        .await;
    });
}

#[test]
fn nagano_7_1_ko_passes() {
    scene(async |town| drop(passes(town, NAGANO, &tweet(&words("7(1)コ")), json!({}), BASIS).await));
}

#[test]
fn nagano_7_1_ko_refused() {
    never("予定価格は1億2,000万円です", "content-refused", "nagano:7(1)コ");
}

/// A post that says where its author is.
fn placed(mark: &str) -> Wire {
    let body = json!({ "text": words(mark), "geo": { "place_id": "5a110d312052166f" } });
    Wire::new("POST", "api.x.com", "/2/tweets").json(&body)
}

#[test]
fn nagano_7_2_a_passes() {
    scene(async |town| drop(passes(town, NAGANO, &placed("7(2)ア"), json!({ "declares": ["location"] }), BASIS).await));
}

#[test]
fn nagano_7_2_a_refused() {
    scene(async |town| {
        let post = placed("7(2)ア r");
        refused_though_approved(town, NAGANO, &post, json!({}), "place-undeclared", "nagano:7(2)ア").await;
    });
}

#[test]
fn nagano_7_2_i_passes() {
    scene(async |town| drop(passes(town, NAGANO, &tweet(&words("7(2)イ")), json!({}), BASIS).await));
}

#[test]
fn nagano_7_2_i_refused() {
    never("山田さんの携帯は090-1234-5678です", "content-refused", "nagano:7(2)イ");
}

fn linked(mark: &str) -> Wire {
    tweet(&format!("{} https://festival.example.com/guide", words(mark)))
}

#[test]
fn nagano_7_2_e_passes() {
    scene(async |town| {
        passes(town, NAGANO, &linked("7(2)エ"), json!({ "declares": ["third-party"] }), BASIS).await;
    });
}

#[test]
fn nagano_7_2_e_refused() {
    scene(async |town| {
        let post = linked("7(2)エ r");
        refused_though_approved(town, NAGANO, &post, json!({}), "third-party-undeclared", "nagano:7(2)エ").await;
    });
}

const UNDECIDED: &str = "まだ正式に決まっていませんが、図書館は廃止される案です";

#[test]
fn nagano_7_2_ki_u_passes() {
    looked_at(UNDECIDED, "nagano:7(2)キ(ウ)", json!({}));
}

#[test]
fn nagano_7_2_ki_u_refused() {
    scene(async |town| {
        let post = tweet(&format!("{}{UNDECIDED}", words("キ(ウ)")));
        refused(town, NAGANO, &post, "review-needed", "nagano:7(2)キ(ウ)").await;
    });
}
