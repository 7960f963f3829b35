//! 練馬区SNS活用ガイドライン, clause by clause: providers, accounts, content, approval and exemptions.

use serde_json::json;

use super::texts::{later, words};
use super::{NERIMA, approves_last, entry, goes, passes, refused, refused_though_approved, scene, stops, tweet};
use crate::channels::{Wire, header};

const BASIS: &str = "nerima.11.approved";

#[test]
fn nerima_3_1_passes() {
    scene(async |town| drop(passes(town, NERIMA, &tweet(&words("3-1")), json!({}), BASIS).await));
}

#[test]
fn nerima_3_1_refused() {
    scene(async |town| {
        let side = NERIMA.at("nerima-mastodon");
        let post = Wire::new("POST", "mastodon.example", "/api/v1/statuses").json(&json!({ "status": words("3-1 m") }));
        refused_though_approved(town, side, &post, json!({}), "provider-not-recognised", "nerima:3-1").await;
    });
}

/// A write that no definition describes, at the host of a provider.
fn unmapped(host: &str, path: &str) {
    let wire = Wire::new("POST", host, path).json(&json!({ "text": words(host) }));
    scene(async |town| drop(refused(town, NERIMA, &wire, "unknown-route", "sekisho:promise-3").await));
}

#[test]
fn nerima_3_list_1_passes() {
    scene(async |town| {
        let old = Wire::new("POST", "api.twitter.com", "/2/tweets").json(&json!({ "text": words("the old host") }));
        passes(town, NERIMA, &old, json!({}), BASIS).await;
        passes(town, NERIMA, &tweet(&words("v2")), json!({}), BASIS).await;
    });
}

#[test]
fn nerima_3_list_1_refused() {
    unmapped("api.x.com", "/2/tweets/secret");
}

#[test]
fn nerima_3_list_2_passes() {
    scene(async |town| {
        let side = NERIMA.at("nerima-facebook");
        let post = Wire::new("POST", "graph.facebook.com", "/v26.0/1001/feed").form(&[("message", &words("facebook"))]);
        passes(town, side, &post, json!({}), BASIS).await;
    });
}

#[test]
fn nerima_3_list_2_refused() {
    unmapped("graph.facebook.com", "/v26.0/1001/secret_edge");
}

fn film(privacy: &str) -> Wire {
    let words = json!({
        "snippet": { "title": words("youtube"), "description": "区役所で行いました。" },
        "status": { "privacyStatus": privacy },
    });
    let path = "/upload/youtube/v3/videos?uploadType=multipart&part=snippet&part=status";
    Wire::new("POST", "youtube.googleapis.com", path).related(&words, b"a film of the ward")
}

#[test]
fn nerima_3_list_3_passes() {
    scene(async |town| {
        drop(passes(town, NERIMA.at("nerima-youtube"), &film("public"), json!({}), BASIS).await);
    });
}

#[test]
fn nerima_3_list_3_refused() {
    scene(async |town| {
        let side = NERIMA.at("nerima-youtube");
        let sent = passes(town, side, &film("private"), json!({}), BASIS).await;
        let flip = json!({ "id": sent.json()["id"], "status": { "privacyStatus": "public" } });
        let flip = Wire::new("PUT", "youtube.googleapis.com", "/youtube/v3/videos?part=status").json(&flip);
        refused(town, side, &flip, "approval-missing", "nerima:11").await;
    });
}

fn reel() -> Wire {
    let reel = json!({
        "media_type": "REELS", "video_url": "https://www.city.example/1.mp4", "caption": words("instagram"),
        "share_to_feed": true,
    });
    Wire::new("POST", "graph.instagram.com", "/v26.0/17841/media").json(&reel)
}

#[test]
fn nerima_3_list_4_passes() {
    scene(async |town| drop(passes(town, NERIMA.at("nerima-instagram"), &reel(), json!({}), BASIS).await));
}

#[test]
fn nerima_3_list_4_refused() {
    scene(async |town| {
        let unseen =
            Wire::new("POST", "graph.instagram.com", "/v26.0/17841/media_publish?creation_id=17900000000000777");
        let side = NERIMA.at("nerima-instagram");
        refused(town, side, &unseen, "unknown-container", "sekisho:container").await;
    });
}

fn line(path: &str, more: serde_json::Value, text: &str) -> Wire {
    let mut body = json!({ "messages": [{ "type": "text", "text": text }] });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Wire::new("POST", "api.line.me", path).json(&body)
}

#[test]
fn nerima_3_list_5_passes() {
    scene(async |town| {
        let all = line("/v2/bot/message/broadcast", json!({}), &words("line"));
        passes(town, NERIMA.at("nerima-line"), &all, json!({}), BASIS).await;
    });
}

#[test]
fn nerima_3_list_5_refused() {
    scene(async |town| {
        let side = NERIMA.at("nerima-line");
        let all = line("/v2/bot/message/broadcast", json!({}), &words("line without approval"));
        refused(town, side, &all, "approval-missing", "nerima:11").await;
        let one = line("/v2/bot/message/push", json!({ "to": "U0123456789abcdef0123456789abcdef" }), &words("push"));
        refused(town, side, &one, "individual-reply", "nerima:14").await;
    });
}

fn by_hand(text: &str) -> Wire {
    Wire::new("POST", "pirika.by-hand.invalid", "/posts").json(&json!({ "text": text, "place": "石神井公園" }))
}

#[test]
fn nerima_3_list_6_passes() {
    scene(async |town| {
        let side = NERIMA.at("nerima-pirika");
        let wire = by_hand(&words("pirika"));
        stops(town, side, &wire).await;
        approves_last(town, side, &json!({})).await;
        let received = town.received();
        let passed = wire.send(town, side.tool).await;
        assert_eq!((passed.status, town.received()), (202, received), "a person posts it: {}", passed.text);
        assert_eq!(entry(town, side, &passed)["rule"], BASIS);
    });
}

#[test]
fn nerima_3_list_6_refused() {
    scene(async |town| {
        let short = by_hand("詳しくは https://bit.ly/3abcdef");
        let side = NERIMA.at("nerima-pirika");
        refused(town, side, &short, "shortened-link", "guideline-2011:shortened-url").await;
    });
}

#[test]
fn nerima_5_2_passes() {
    scene(async |town| drop(passes(town, NERIMA, &tweet(&words("5-2")), json!({}), BASIS).await));
}

#[test]
fn nerima_5_2_refused() {
    scene(async |town| {
        let side = NERIMA.with("nerima-applied-x");
        refused_though_approved(town, side, &tweet(&words("5-2 a")), json!({}), "account-not-opened", "nerima:5-2")
            .await;
    });
}

#[test]
fn nerima_8_1_passes() {
    scene(async |town| {
        let passed = passes(town, NERIMA, &tweet(&words("8-1")), json!({}), BASIS).await;
        let rules = entry(town, NERIMA, &passed)["rules"].clone();
        assert_eq!(rules.as_str().map(str::len), Some(64), "the rules in force stand in the entry: {rules}");
    });
}

#[test]
fn nerima_8_1_refused() {
    scene(async |town| {
        refused(town, NERIMA, &tweet(&words("8-1 r")), "approval-missing", "nerima:11").await;
        let rules = town.last_entry()["rules"].clone();
        assert_eq!(rules.as_str().map(str::len), Some(64), "{rules}");
    });
}

#[test]
fn nerima_10_1_passes() {
    scene(async |town| {
        let side = NERIMA.at("nerima-bluesky");
        passes(town, side, &profile("練馬区の公式アカウントです。区政のお知らせを発信します。"), json!({}), BASIS)
            .await;
    });
}

#[test]
fn nerima_10_1_refused() {
    scene(async |town| {
        let side = NERIMA.at("nerima-bluesky");
        let nameless = profile("公式アカウントです。お知らせを発信します。");
        refused_though_approved(town, side, &nameless, json!({}), "profile-without-body", "nerima:10-1").await;
    });
}

/// A new profile at Bluesky.
fn profile(description: &str) -> Wire {
    let record = json!({ "$type": "app.bsky.actor.profile", "displayName": "練馬区", "description": description });
    let body = json!({
        "repo": "did:plc:practice", "collection": "app.bsky.actor.profile", "rkey": "self",
        "record": record,
    });
    Wire::new("POST", "practice.host.bsky.network", "/xrpc/com.atproto.repo.putRecord").json(&body)
}

#[test]
fn nerima_10_2a_passes() {
    scene(async |town| {
        // The weekday of another day.
        let wrong = later(7).split('(').next().unwrap().to_owned() + later(8).split_at(later(8).find('(').unwrap()).1;
        let seen = tweet(&format!("{}{wrong}10時からです。", words("10-2a")));
        refused(town, NERIMA, &seen, "review-needed", "nerima:10-2").await;
        passes(town, NERIMA, &seen, json!({}), BASIS).await;
    });
}

#[test]
fn nerima_10_2a_refused() {
    scene(async |town| {
        let blank = tweet("○時○分から、区役所で説明会を開きます。");
        refused_though_approved(town, NERIMA, &blank, json!({}), "unfilled-template", "nerima:10-2").await;
    });
}

#[test]
fn nerima_10_2b_passes() {
    scene(async |town| {
        let warning = tweet(&format!("{}外国人への差別をなくしましょう。", words("10-2b")));
        passes(town, NERIMA, &warning, json!({}), BASIS).await;
    });
}

#[test]
fn nerima_10_2b_refused() {
    scene(async |town| {
        let slur = tweet("外国人は日本から出ていけ");
        refused_though_approved(town, NERIMA, &slur, json!({}), "content-refused", "nerima:10-2").await;
    });
}

#[test]
fn nerima_11_passes() {
    scene(async |town| {
        let wire = tweet(&words("11"));
        passes(town, NERIMA, &wire, json!({}), BASIS).await;
        refused(town, NERIMA, &wire, "approval-missing", "nerima:11").await;
    });
}

#[test]
fn nerima_11_refused() {
    scene(async |town| {
        let held = refused(town, NERIMA, &tweet(&words("11 r")), "approval-missing", "nerima:11").await;
        assert_eq!(header(&held, "sekisho-decision"), "held");
    });
}

#[test]
fn nerima_11_1_passes() {
    scene(async |town| {
        let declared = crate::act::declare(town, &["nerima-unreported-x"], 3600, false).await;
        let side = NERIMA.with("nerima-unreported-x");
        let flood =
            tweet("石神井川が氾濫危険水位に達しました。ただちに避難してください。").with("Sekisho-Emergency", "1");
        let passed = goes(town, side, &flood, "nerima.11-1.emergency").await;
        assert!(!declared.is_empty());
        // Article 11 asks for no report by itself, and this account's operating policy neither.
        let entry = entry(town, side, &passed);
        assert_eq!(entry["clauses"], json!(["nerima:11(1)"]), "{entry}");
    });
}

#[test]
fn nerima_11_1_refused() {
    scene(async |town| {
        let side = NERIMA.with("nerima-own-x");
        let flood = tweet("石神井川の水位が上がっています。").with("Sekisho-Emergency", "1");
        refused(town, side, &flood, "no-open-emergency", "sekisho:emergency").await;
    });
}

fn called_off(event: &str) -> Wire {
    let text = format!("【中止】{event}\n{}に予定していた「{event}」は、雨天のため中止します。", later(7));
    tweet(&text).with("Sekisho-Exemption", "weather-event")
}

#[test]
fn nerima_11_2_passes() {
    scene(async |town| {
        let passed = goes(town, NERIMA, &called_off("石神井公園まつり"), "nerima.11-2.weather-event").await;
        // The operating policy of this account asks for a report, and is cited for it.
        let entry = entry(town, NERIMA, &passed);
        assert_eq!(entry["clauses"], json!(["nerima:11(2)", "operating-policy:2026-04"]), "{entry}");
    });
}

#[test]
fn nerima_11_2_refused() {
    scene(async |town| {
        let advert = tweet("【中止】光が丘まつりは中止します。かわりに近くのお店へどうぞ。");
        let advert = advert.with("Sekisho-Exemption", "weather-event");
        refused(town, NERIMA, &advert, "template-does-not-fit", "sekisho:template").await;
    });
}

fn of_policy(category: &str) -> Wire {
    let wire = tweet(&format!("{}図書館は年末年始に休館します。", words(category)));
    wire.with("Sekisho-Exemption", "operating-policy").with("Sekisho-Category", category)
}

#[test]
fn nerima_11_3_passes() {
    scene(async |town| {
        drop(goes(town, NERIMA, &of_policy("opening-hours"), "nerima.11-3.operating-policy").await);
    });
}

#[test]
fn nerima_11_3_refused() {
    scene(async |town| {
        let other = of_policy("events");
        refused(town, NERIMA, &other, "category-not-in-policy", "sekisho:operating-policy").await;
    });
}

#[test]
fn nerima_14_passes() {
    scene(async |town| {
        let same = "お問い合わせありがとうございます。窓口は平日8時30分から17時15分までです。";
        let fixed = line("/v2/bot/message/reply", json!({ "replyToken": "nHuyWiB7yP5Zw52FIkcQobQuGDXCTA" }), same);
        goes(town, NERIMA.at("nerima-line"), &fixed, "nerima.14.fixed-answer").await;
    });
}

#[test]
fn nerima_14_refused() {
    scene(async |town| {
        let side = NERIMA.at("nerima-line");
        let token = json!({ "replyToken": "nHuyWiB7yP5Zw52FIkcQobQuGDXCTB" });
        let own = line("/v2/bot/message/reply", token, "お問い合わせの件は、あすお答えします。");
        refused_though_approved(town, side, &own, json!({ "reason": "急ぎ" }), "individual-reply", "nerima:14").await;
        let reply = json!({ "text": "承りました。", "reply": { "in_reply_to_tweet_id": "1790000000000000001" } });
        let reply = Wire::new("POST", "api.x.com", "/2/tweets").json(&reply);
        refused(town, NERIMA, &reply, "individual-reply", "nerima:14").await;
    });
}

#[test]
fn a_refusal_that_breaks_several_clauses_says_each_of_them_in_both_languages() {
    scene(async |town| {
        let text = "外国人は日本から出ていけ。くわしくは https://bit.ly/3abcdef ○時○分から";
        let wire = tweet(text).with("Accept", "application/problem+json");
        let told = refused(town, NERIMA, &wire, "unfilled-template", "nerima:10-2").await.json();
        let reasons = told["reasons"].as_array().unwrap();
        let of = |rule: &str| reasons.iter().find(|it| it["rule"] == rule).unwrap_or_else(|| panic!("{rule}: {told}"));
        let broken = [
            ("nerima.10-2.template", "nerima:10-2"),
            ("nerima.10-2.public-order", "nerima:10-2"),
            ("common.shortened-link", "guideline-2011:shortened-url"),
            ("nerima.11.approval", "nerima:11"),
        ];
        for (rule, clause) in broken {
            let reason = of(rule);
            assert_eq!(reason["clauses"], json!([clause]), "{reason}");
            let (ja, way) = (reason["sentence"].as_str().unwrap(), reason["way_forward"].as_str().unwrap());
            let detail = told["detail"].as_str().unwrap();
            assert!(detail.contains(ja) && detail.contains(way) && detail.contains(clause), "{rule}: {detail}");
            assert!(!reason["sentence_en"].as_str().unwrap().is_empty(), "{reason}");
        }
        // A tool that reads the provider's own shape sees the same sentences.
        let plain = refused(town, NERIMA, &tweet(text), "unfilled-template", "nerima:11").await;
        assert!(plain.text.contains("短縮") && plain.text.contains("公序良俗"), "{}", plain.text);
    });
}
