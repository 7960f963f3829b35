//! A body's own file of rules, in force in a running gateway.

use serde_json::json;

use crate::act::{HEALTH, digest_of_words, illustrated, post, upload};
use crate::stage::{Town, tweet};

/// Adds the operating policy's hours to the largest number there is: an overflow, which Cedar answers by skipping the
/// rule. Only for posts with media, so that the gateway starts.
const OVERFLOW: &str = r#"
@id("own.overflow")
@clause("nerima:19")
@ja("試験用の規則です。")
@en("A rule for a test.")
@forward("試験用です。")
@code("own-overflow")
@effect_kind("refuse")
@canary("has_media=true after_report_hours=24")
forbid (principal, action in Action::"write", resource)
when { context.has_media && context.after_report_hours + 9223372036854775807 < 0 };
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_raises_an_error_refuses_the_post_that_everybody_approved() {
    let rules = tempfile::Builder::new().suffix(".cedar").tempfile().unwrap();
    std::fs::write(rules.path(), OVERFLOW).unwrap();
    let town = Town::start_with(|config| config.organisations[0].guideline.push(rules.path().to_owned())).await;
    assert_eq!(town.config.organisations[0].id.as_str(), "nerima");
    let tool = town.nerima();
    let id = upload(&tool, b"a picture").await;
    let body = illustrated(HEALTH, &[&id]);
    let send = || post(&tool, "api.x.com", "/2/tweets", &[], &body);
    town.refuses("guideline-error", "sekisho:guideline-error", send()).await;
    assert_eq!(town.last_entry()["refused_by"], json!(["own.overflow"]));

    let digest = town.last_entry()["digest"].as_str().unwrap().to_owned();
    let approval = json!({ "account": "nerima-x", "actions": ["publish"], "digest": digest });
    let manager = sekisho::demo::town::MANAGER_KEY;
    let given = town.console(manager, http::Method::POST, "/api/v1/approvals", Some(approval)).await;
    assert_eq!(given.status, 201, "{:?}", given.json());
    town.refuses("guideline-error", "sekisho:guideline-error", send()).await;
    assert!(town.provider.posts().is_empty());

    // Where the rule can be evaluated, nothing changes.
    town.approve(&digest_of_words(&town, HEALTH).await).await;
    assert_eq!(tweet(&tool, HEALTH).await.status, 201);
}
