//! 長野 2(7)ただし書, 2(8) and 4(9)ただし書, clause by clause: what passes without a decision, and what shows that there was one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use sekisho::domain::clock::Clock as _;
use serde_json::{Value, json};

use super::texts::{later, words};
use super::{NAGANO, Side, approves_last, entry, goes, refused, refused_though_approved, registers, scene, tweet};
use crate::channels::{Wire, header};
use crate::stage::Town;

const HEAD: &str = "nagano-pr-head";
const SITE: &str = "https://www.city.nagano.nagano.jp";
/// Whose section has arranged for the three ordinary grounds.
const ARRANGED: Side = NAGANO.with("nagano-arranged-x");

/// A page of the city's own site about an event of this name.
pub fn page(town: &Town, path: &str, event: &str) -> String {
    let html = format!(
        "<html><head><title>{event}を開きます｜長野市公式ホームページ</title></head><body><h1>{event}を開きます</h1>\
         <p>日時 {} 13:30から16:00まで<br>場所 市役所第一庁舎</p><p>広報課 電話 026-224-5004</p></body></html>",
        later(9)
    );
    town.provider.put_on_site(path, html.into_bytes());
    format!("{SITE}{path}")
}

/// A post of what that page says, which claims so.
pub fn published(event: &str, time: &str, page: &str) -> Wire {
    tweet(&format!("【広報課】{event}\n{}の{time}から、市役所第一庁舎で{event}をします。", later(9)))
        .with("Sekisho-Exemption", &format!("already-published; page={page}"))
}

/// A notice of what has taken place, so many days from now.
pub fn result(event: &str, days: i64) -> Wire {
    let text = format!(
        "【広報課】{event}の報告\n{}に行われた「{event}」は、無事に終了しました。ご参加ありがとうございました。",
        later(days)
    );
    tweet(&text).with("Sekisho-Exemption", "established-fact")
}

/// A post of what a law says.
pub fn law(mark: &str, article: &str) -> Wire {
    tweet(&format!("【広報課】選挙権について（{mark}）\n日本国民で年齢満18歳以上の者は、選挙権を有します。"))
        .with("Sekisho-Exemption", &format!("statutory; law=公職選挙法; article={article}"))
}

#[test]
fn nagano_2_7p_passes() {
    scene(async |town| {
        let passed = goes(town, ARRANGED, &law("2(7)p", "第9条"), "nagano.2-7p-3.statutory").await;
        let entry = entry(town, ARRANGED, &passed);
        assert!(entry["after_report"]["due"].is_string(), "the report is owed before the post left: {entry}");
        assert_eq!(entry["evidence"], json!({ "article": "第9条", "law": "公職選挙法" }));
    });
}

#[test]
fn nagano_2_7p_refused() {
    scene(async |town| {
        // Nobody of this account's section has arranged for anything.
        let wire = law("2(7)p r", "第9条");
        let held = refused(town, NAGANO, &wire, "exemption-not-arranged", "nagano:2(7)p").await;
        assert_eq!(header(&held, "sekisho-decision"), "held", "it waits for a decision");
    });
}

#[test]
fn nagano_2_7p_1_passes() {
    scene(async |town| {
        let page = page(town, "/kenko/1.html", "健康相談会");
        let wire = published("健康相談会", "午後1時30分", &page);
        let passed = goes(town, ARRANGED, &wire, "nagano.2-7p-1.already-published").await;
        let entry = entry(town, ARRANGED, &passed);
        assert_eq!(entry["evidence"]["page_sha256"], entry["seen"][0], "{entry}");
        assert!(!entry.to_string().contains("kenko/1.html"), "the address is in the sealed payload: {entry}");
    });
}

#[test]
fn nagano_2_7p_1_refused() {
    scene(async |town| {
        let page = page(town, "/kenko/2.html", "栄養相談会");
        let wire = published("栄養相談会", "午後2時", &page);
        let held = refused(town, ARRANGED, &wire, "page-differs", "nagano:2(7)p・1").await;
        assert_eq!(header(&held, "sekisho-decision"), "held", "{}", held.text);
        assert!(held.text.contains("14:00"), "the sentence names what the page lacks: {}", held.text);
        // A decision stands in the place of the page, with the claim still on the request.
        approves_last(town, ARRANGED, &json!({})).await;
        goes(town, ARRANGED, &wire, "nagano.2-7.approved").await;
    });
}

#[test]
fn nagano_2_7p_2_passes() {
    scene(async |town| {
        drop(goes(town, ARRANGED, &result("区民駅伝", -1), "nagano.2-7p-2.established-fact").await);
    });
}

#[test]
fn nagano_2_7p_2_refused() {
    scene(async |town| {
        let wire = result("市民マラソン", 3);
        let held = refused(town, ARRANGED, &wire, "template-out-of-window", "nagano:2(7)p・2").await;
        assert_eq!(header(&held, "sekisho-decision"), "held");
        let free = tweet("【広報課】駅伝の報告\n昨日の駅伝は、たいへん盛り上がりました。来年もぜひ。");
        let free = free.with("Sekisho-Exemption", "established-fact");
        refused(town, ARRANGED, &free, "template-does-not-fit", "nagano:2(7)p・2").await;
    });
}

#[test]
fn nagano_2_7p_3_passes() {
    scene(async |town| drop(goes(town, ARRANGED, &law("3", "第9条第1項"), "nagano.2-7p-3.statutory").await));
}

#[test]
fn nagano_2_7p_3_refused() {
    scene(async |town| {
        let held = refused(town, ARRANGED, &law("3 r", "9"), "citation-malformed", "nagano:2(7)p・3").await;
        assert_eq!(header(&held, "sekisho-decision"), "held");
        let bare = tweet(&words("3 b")).with("Sekisho-Exemption", "statutory");
        refused(town, ARRANGED, &bare, "exemption-malformed", "sekisho:exemption").await;
    });
}

/// A content management system that signs.
pub struct Cms {
    key: EncodingKey,
    pem: String,
    id: &'static str,
}

impl Cms {
    /// A new one, with a key of its own.
    pub fn new(id: &'static str) -> Self {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        Self { key: EncodingKey::from_ec_pem(key.serialize_pem().as_bytes()).unwrap(), pem: key.public_key_pem(), id }
    }

    /// What the registry is told of it.
    pub fn record(&self, accounts: &[&str]) -> Value {
        json!({
            "change": "issuer", "id": self.id, "name": "市公式ホームページCMS", "algorithm": "ES256",
            "key": { "pem": self.pem }, "accounts": accounts, "actions": ["publish"],
            "span": { "from": "2026-01-01", "until": "2099-03-31" },
        })
    }

    /// The event of a page's publication, changed as the scene wants.
    pub fn event(&self, town: &Town, account: &str, text: &str, change: impl FnOnce(&mut Value)) -> String {
        let now = town.clock.now().as_second();
        let mut claims = json!({
            "iss": self.id, "aud": town.config.approve.issuer, "jti": uuid::Uuid::new_v4().to_string(), "iat": now - 5,
            "exp": now + 600, "sub": HEAD,
            "event": { "account": account, "page": format!("{SITE}/kenko/9.html"), "title": "健康相談会", "text": text },
        });
        change(&mut claims);
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let head = json!({ "alg": "ES256", "typ": "sekisho-publish-event+jwt" });
        let message = format!("{}.{}", part(&head), part(&claims));
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &self.key, Algorithm::ES256).unwrap();
        format!("{message}.{signature}")
    }
}

/// What the CMS emits for a page, with its own short link.
pub fn emitted(mark: &str) -> String {
    format!("【広報課】健康相談会のお知らせ（{mark}）くわしくは https://bit.ly/3abcdef")
}

#[test]
fn nagano_2_8a_passes() {
    scene(async |town| {
        let cms = Cms::new("cms-2-8a");
        registers(town, HEAD, cms.record(&["nagano-x"])).await;
        let text = words("2(8)a 健康相談会");
        let event = cms.event(town, "nagano-x", &text, |_| ());
        let wire = tweet(&text).with("Sekisho-Publish-Event", &event);
        let passed = goes(town, NAGANO, &wire, "nagano.2-8.deemed").await;
        let entry = entry(town, NAGANO, &passed);
        assert_eq!((&entry["marks"], &entry["deemed_by"]), (&json!(["みなし決裁"]), &json!("publish-event:cms-2-8a")));
        // Once.
        refused(town, NAGANO, &wire, "event-spent", "nagano:2(8)a").await;
    });
}

#[test]
fn nagano_2_8a_refused() {
    scene(async |town| {
        let cms = Cms::new("cms-2-8a-r");
        registers(town, HEAD, cms.record(&["nagano-x", "nagano-mastodon"])).await;
        let text = words("2(8)a r 健康相談会");
        let event = cms.event(town, "nagano-x", &text, |_| ());
        let altered = tweet(&text.replace("開きます", "中止します")).with("Sekisho-Publish-Event", &event);
        let held = refused(town, NAGANO, &altered, "event-other-post", "nagano:2(8)a").await;
        assert_eq!(header(&held, "sekisho-decision"), "held", "it needs 様式3");
        // 4(9), 2(8): the exception is for X.
        let status = || Wire::new("POST", "mastodon.example", "/api/v1/statuses").form(&[("status", &text)]);
        let side = NAGANO.at("nagano-mastodon");
        refused(town, side, &status(), "approval-missing", "nagano:2(7)").await;
        let digest = town.entries("nagano").pop().unwrap()["digest"].clone();
        let event = cms.event(town, "nagano-mastodon", &text, |claims| {
            let event = claims["event"].as_object_mut().unwrap();
            event.remove("text");
            event.insert("digest".into(), digest);
        });
        let elsewhere = status().with("Sekisho-Publish-Event", &event);
        refused(town, side, &elsewhere, "publish-event-not-x", "nagano:2(8)a").await;
    });
}

#[test]
fn nagano_4_9b_passes() {
    scene(async |town| {
        let cms = Cms::new("cms-4-9b");
        registers(town, HEAD, cms.record(&["nagano-x"])).await;
        let event = cms.event(town, "nagano-x", &emitted("CMS"), |_| ());
        let wire = tweet(&emitted("CMS")).with("Sekisho-Publish-Event", &event);
        drop(goes(town, NAGANO, &wire, "nagano.2-8.deemed").await);
    });
}

#[test]
fn nagano_4_9b_refused() {
    scene(async |town| {
        // The same link by another tool, and by the CMS's own key where nothing shows which page it speaks of.
        let remarks = json!({ "declares": ["third-party"] });
        for side in [NAGANO, NAGANO.with("nagano-cms-x")] {
            let wire = tweet(&emitted(side.account));
            refused_though_approved(town, side, &wire, remarks.clone(), "shortened-link", "nagano:4(9)").await;
        }
    });
}
