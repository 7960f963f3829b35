//! 練馬 第6条 never stands in the way of what 第11条ただし書 (1) and (2) let out, whatever kind of information it is called.

use serde_json::json;

use super::texts::{later, words};
use super::{NERIMA, entry, furnish, goes, refused_though_approved, registers, tweet};
use crate::act::declare;
use crate::stage::Town;

#[tokio::test(flavor = "multi_thread")]
async fn nerima_6_scope_never_holds_an_emergency_or_a_cancelled_event() {
    let town = Town::start_with(furnish).await;
    let side = NERIMA.with("nerima-own-x");
    let narrow = json!({
        "change": "change-account", "account": side.account, "purpose": "防災", "topics": ["防災"], "reason": "範囲の明確化",
    });
    registers(&town, "nerima-pr-head", narrow).await;
    let other = tweet(&words("6 範囲外")).with("Sekisho-Category", "観光");
    refused_though_approved(&town, side, &other, json!({}), "out-of-scope", "nerima:6").await;
    let text = format!("【中止】観光まつり\n{}に予定していた「観光まつり」は、雨天のため中止します。", later(7));
    let cancelled = tweet(&text).with("Sekisho-Category", "観光").with("Sekisho-Exemption", "weather-event");
    goes(&town, side, &cancelled, "nerima.11-2.weather-event").await;
    declare(&town, &[side.account], 3600, false).await;
    let flood =
        tweet("石神井川の水位が上がっています。").with("Sekisho-Category", "観光").with("Sekisho-Emergency", "1");
    let passed = goes(&town, side, &flood, "nerima.11-1.emergency").await;
    assert!(entry(&town, side, &passed)["emergency"].is_string());
}
