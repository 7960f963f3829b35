//! Provider limits (issue 3, item 8): what the provider still allows is kept for each account, survives a restart, and
//! its last share is for emergencies.

use http::Method;
use jiff::SignedDuration;
use sekisho::demo::town;
use serde_json::json;

use crate::act::{HEALTH, digest_of_words};
use crate::stage::{Town, tweet, words};

fn text(n: u32) -> String {
    HEALTH.replace("10時", &format!("{n}時"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_posts_that_a_provider_allows_are_kept_for_an_emergency_over_a_restart_too() {
    let town = Town::start_with(|config| config.gate.emergency_share_percent = 40).await;
    town.provider.allow_posts(5);
    for n in 0..6 {
        town.approve(&digest_of_words(&town, &text(n)).await).await;
    }
    for n in 0..3 {
        let passed = tweet(&town.nerima(), &text(n)).await;
        assert_eq!(passed.status, 201, "{:?}", passed.json());
    }
    // Two of five are left: forty hundredths, which ordinary posts do not touch.
    let refused = town.refuses("provider-limit", "sekisho:limits", tweet(&town.nerima(), &text(3))).await;
    let told = String::from_utf8_lossy(&refused.body).into_owned();
    assert!(told.contains("以降に送信できます") && told.contains("年"), "{told}");
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=24 * 3600).contains(&wait), "{wait}");

    let town = town.restart().await;
    town.refuses("provider-limit", "sekisho:limits", tweet(&town.nerima(), &text(3))).await;
    assert_eq!(town.provider.posts().len(), 3);
    let declared = json!({ "reason": "地震", "accounts": ["nerima-x"], "for_s": 3600 });
    assert_eq!(town.console(town::DUTY_KEY, Method::POST, "/api/v1/emergencies", Some(declared)).await.status, 201);
    for place in ["大泉地区", "光が丘地区"] {
        let urgent = words(&format!("{place}に避難指示を出しました。"));
        let sent = town.nerima().send_reverse(Method::POST, "/emergency/x/2/tweets", Some(urgent)).await.unwrap();
        assert_eq!(sent.status, 201, "{:?}", sent.json());
    }
    assert_eq!(town.provider.posts().len(), 5);
    // When the window has passed the refused post goes, by the approval that it did not spend.
    let wait = SignedDuration::from_hours(25);
    town.clock.forward(wait);
    town.provider.allow_posts(100);
    town.approve(&digest_of_words(&town, &text(5)).await).await;
    let later = town.nerima().send_reverse(Method::POST, "/x/2/tweets", Some(words(&text(5)))).await.unwrap();
    assert_eq!(later.status, 201, "{:?}", later.json());
}
