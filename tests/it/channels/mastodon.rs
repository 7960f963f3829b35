//! Mastodon: statuses, replies, direct messages, edits, media, later publication; form, JSON and multipart alike.

use jiff::SignedDuration;
use sekisho::demo::town::{NAGANO_TOOL_KEY, TOOL_KEY};
use sekisho::domain::clock::Clock as _;
use sekisho::domain::media::Sha256;
use serde_json::json;

use super::{Wire, approve, header, held_then_approved, refused};
use crate::act::HEALTH;
use crate::stage::Town;

const HOST: &str = "mastodon.example";
const STATUSES: &str = "/api/v1/statuses";

fn status() -> Wire {
    Wire::new("POST", HOST, STATUSES)
}

/// Uploads a picture; its id.
async fn upload(town: &Town, key: &str, bytes: &[u8], description: Option<&str>) -> String {
    let pairs: Vec<(&str, &str)> = description.into_iter().map(|text| ("description", text)).collect();
    let answer =
        Wire::new("POST", HOST, "/api/v2/media").multipart(&pairs, Some(("file", bytes))).send(town, key).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["id"].as_str().unwrap().to_owned()
}

/// A status of 練馬区 that was approved and published; its id.
async fn published(town: &Town, text: &str) -> String {
    let passed = held_then_approved(town, TOOL_KEY, &status().form(&[("status", text)])).await;
    assert_eq!(passed.status, 200, "{}", passed.text);
    passed.json()["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unapproved_status_is_held_in_mastodons_own_shape_and_an_approved_one_passes_exactly_once() {
    let town = Town::start().await;
    let post = status().form(&[("status", HEALTH), ("visibility", "public")]);
    let held = refused(&town, TOOL_KEY, &post, "approval-missing", "nerima:11").await;
    assert_eq!(held.status, 422);
    let error = held.json()["error"].as_str().unwrap().to_owned();
    assert!(error.contains("承認を受けていません。") && error.contains("練馬区SNS活用ガイドライン第11条"), "{error}");
    approve(&town, sekisho::demo::town::MANAGER_KEY, &held).await;

    // Another text, another audience, another account: not what was approved.
    let other = status().form(&[("status", &HEALTH.replace("10時", "11時")), ("visibility", "public")]);
    refused(&town, TOOL_KEY, &other, "approval-missing", "nerima:11").await;
    let quieter = status().form(&[("status", HEALTH), ("visibility", "unlisted")]);
    refused(&town, TOOL_KEY, &quieter, "approval-missing", "nerima:11").await;
    let foreign = post.send(&town, NAGANO_TOOL_KEY).await;
    assert_eq!((foreign.status, town.received()), (422, 0), "{}", foreign.text);

    let passed = post.send(&town, TOOL_KEY).await;
    assert_eq!((passed.status, header(&passed, "sekisho-decision").as_str()), (200, "permitted"), "{}", passed.text);
    assert!(!header(&passed, "x-ratelimit-reset").is_empty(), "what the SDK paces itself by stays: {}", passed.text);
    let posts = town.provider.posts();
    assert_eq!((posts.len(), posts[0].text.as_str(), posts[0].action), (1, HEALTH, "publish"));
    refused(&town, TOOL_KEY, &post, "approval-missing", "nerima:11").await;
    assert_eq!(town.received(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_a_multipart_body_and_a_query_are_one_post_and_no_field_hides_between_them() {
    let town = Town::start().await;
    let pairs = [
        ("status", HEALTH),
        ("poll[options][]", "行く"),
        ("poll[options][]", "行かない"),
        ("poll[expires_in]", "3600"),
    ];
    refused(&town, TOOL_KEY, &status().form(&pairs), "approval-missing", "nerima:11").await;
    let digest = town.last_entry()["digest"].clone();
    refused(&town, TOOL_KEY, &status().multipart(&pairs, None), "approval-missing", "nerima:11").await;
    assert_eq!(town.last_entry()["digest"], digest);
    let mut query = status().form(&pairs[..1]);
    query.target = format!("{STATUSES}?{}", super::encoded(&pairs[1..]));
    let held = refused(&town, TOOL_KEY, &query, "approval-missing", "nerima:11").await;
    assert_eq!(town.last_entry()["digest"], digest);
    approve(&town, sekisho::demo::town::MANAGER_KEY, &held).await;

    let mut twice = status().form(&pairs);
    twice.target = format!("{STATUSES}?status=x");
    refused(&town, TOOL_KEY, &twice, "field-twice", "sekisho:promise-3").await;
    let hidden = status().form(&[("status", HEALTH), ("status[x]", "別の文")]);
    refused(&town, TOOL_KEY, &hidden, "form-key", "sekisho:promise-3").await;
    let token = status().json(&json!({ "status": HEALTH, "access_token": "another-account" }));
    refused(&town, TOOL_KEY, &token, "credential-place", "sekisho:promise-3").await;
    let overridden = status().form(&[("status", HEALTH), ("_method", "delete")]);
    refused(&town, TOOL_KEY, &overridden, "method-override", "sekisho:promise-3").await;
    let header = status().form(&pairs).with("X-HTTP-Method-Override", "PUT");
    refused(&town, TOOL_KEY, &header, "method-override", "sekisho:promise-3").await;

    assert_eq!(status().multipart(&pairs, None).send(&town, TOOL_KEY).await.status, 200);
    assert_eq!(town.received(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_is_bound_by_its_bytes_and_its_description() {
    let town = Town::start().await;
    let id = upload(&town, TOOL_KEY, b"a picture of the ward", Some("区役所の外観")).await;
    let other = upload(&town, TOOL_KEY, b"another picture", Some("区役所の外観")).await;
    let silent = upload(&town, TOOL_KEY, b"a picture of the ward", None).await;
    let with = |id: &str| status().form(&[("status", HEALTH), ("media_ids[]", id)]);
    let held = refused(&town, TOOL_KEY, &with(&id), "approval-missing", "nerima:11").await;
    approve(&town, sekisho::demo::town::MANAGER_KEY, &held).await;

    refused(&town, TOOL_KEY, &with(&other), "approval-missing", "nerima:11").await;
    refused(&town, TOOL_KEY, &with(&silent), "approval-missing", "nerima:11").await;
    refused(&town, TOOL_KEY, &with("999"), "unknown-media", "sekisho:promise-3").await;
    let nagano = upload(&town, NAGANO_TOOL_KEY, b"a picture of Nagano", None).await;
    refused(&town, TOOL_KEY, &with(&nagano), "foreign-media", "sekisho:promise-3").await;
    // The description is changed after the approval: what would be read out is not what was approved.
    let describe = |text: &str| Wire::new("PUT", HOST, &format!("/api/v1/media/{id}")).form(&[("description", text)]);
    assert_eq!(describe("別の説明").send(&town, TOOL_KEY).await.status, 200);
    refused(&town, TOOL_KEY, &with(&id), "approval-missing", "nerima:11").await;
    assert_eq!(describe("区役所の外観").send(&town, TOOL_KEY).await.status, 200);

    let town = town.restart().await;
    let passed = with(&id).send(&town, TOOL_KEY).await;
    assert_eq!(passed.status, 200, "{}", passed.text);
    let posts = town.provider.posts();
    assert_eq!(posts.len(), 1);
    assert_eq!(posts[0].media_sha256, [Sha256::of(b"a picture of the ward").hex()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nerima_14_replies_and_direct_messages_do_not_leave_but_a_thread_goes_on() {
    let town = Town::start().await;
    let own = published(&town, HEALTH).await;
    let reply = status().form(&[("status", "お問い合わせありがとうございます。"), ("in_reply_to_id", "123456")]);
    refused(&town, TOOL_KEY, &reply, "individual-reply", "nerima:14").await;
    let direct = json!({ "status": "@someone 個別のご案内です。", "visibility": "direct" });
    refused(&town, TOOL_KEY, &status().json(&direct), "individual-reply", "nerima:14").await;
    // A direct message within the own thread is one all the same.
    let inside = json!({ "status": "@someone 個別のご案内です。", "visibility": "direct", "in_reply_to_id": own });
    refused(&town, TOOL_KEY, &status().json(&inside), "individual-reply", "nerima:14").await;

    let thread = status().form(&[("status", "会場は本庁舎の1階です。"), ("in_reply_to_id", &own)]);
    assert_eq!(held_then_approved(&town, TOOL_KEY, &thread).await.status, 200);
    assert_eq!(town.last_entry()["kind"], "outcome");
    assert_eq!(town.provider.posts().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn reposts_edits_and_deletions_are_each_approved_for_themselves() {
    let town = Town::start().await;
    let id = published(&town, HEALTH).await;
    let verbs = [
        (Wire::new("POST", HOST, &format!("{STATUSES}/{id}/reblog")), "repost"),
        (Wire::new("PUT", HOST, &format!("{STATUSES}/{id}")).form(&[("status", "日時を訂正します。")]), "edit"),
        (Wire::new("DELETE", HOST, &format!("{STATUSES}/{id}")), "delete"),
    ];
    for (wire, action) in verbs {
        let passed = held_then_approved(&town, TOOL_KEY, &wire).await;
        assert_eq!(passed.status, 200, "{action} {}", passed.text);
        let permit = town.entries("nerima").into_iter().rfind(|entry| entry["kind"] == "permit").unwrap();
        assert_eq!(permit["action"], action, "{permit}");
    }
    let posts = town.provider.posts();
    assert_eq!(posts.iter().map(|post| post.action).collect::<Vec<_>>(), ["publish", "repost", "edit"]);
    assert!(posts[0].deleted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_status_is_approved_with_its_time_and_moved_only_with_another_approval() {
    let town = Town::start().await;
    let at = |hours: i64| (town.clock.now() + SignedDuration::from_hours(hours)).to_string();
    let (first, second) = (at(2), at(3));
    let later = |time: &str| status().form(&[("status", HEALTH), ("scheduled_at", time)]);
    let held = refused(&town, TOOL_KEY, &later(&first), "approval-missing", "nerima:11").await;
    assert_eq!(town.last_entry()["action"], "schedule");
    approve(&town, sekisho::demo::town::MANAGER_KEY, &held).await;
    refused(&town, TOOL_KEY, &later(&second), "approval-missing", "nerima:11").await;
    refused(&town, TOOL_KEY, &status().form(&[("status", HEALTH)]), "approval-missing", "nerima:11").await;
    let passed = later(&first).send(&town, TOOL_KEY).await;
    assert_eq!(passed.status, 200, "{}", passed.text);
    assert!(town.provider.posts().is_empty(), "it is public only when its time comes");

    let id = passed.json()["id"].as_str().unwrap().to_owned();
    let moved = Wire::new("PUT", HOST, &format!("/api/v1/scheduled_statuses/{id}")).form(&[("scheduled_at", &second)]);
    assert_eq!(held_then_approved(&town, TOOL_KEY, &moved).await.status, 200);
    let dropped = Wire::new("DELETE", HOST, &format!("/api/v1/scheduled_statuses/{id}"));
    assert_eq!(held_then_approved(&town, TOOL_KEY, &dropped).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_names_the_ward_and_is_approved_with_its_picture() {
    let town = Town::start().await;
    let profile = |note: &str, picture: &[u8]| {
        Wire::new("PATCH", HOST, "/api/v1/accounts/update_credentials")
            .multipart(&[("note", note)], Some(("avatar", picture)))
    };
    refused(&town, TOOL_KEY, &profile("お知らせ", b"logo"), "profile-without-body", "nerima:10-1").await;
    let named = "練馬区の公式アカウントです。";
    let held = refused(&town, TOOL_KEY, &profile(named, b"logo"), "approval-missing", "nerima:11").await;
    approve(&town, sekisho::demo::town::MANAGER_KEY, &held).await;
    refused(&town, TOOL_KEY, &profile(named, b"another"), "approval-missing", "nerima:11").await;
    let passed = profile(named, b"logo").send(&town, TOOL_KEY).await;
    assert_eq!(passed.status, 200, "{}", passed.text);
    assert_eq!(town.provider.posts()[0].media_sha256, [Sha256::of(b"logo").hex()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_of_unknown_outcome_may_be_sent_again_under_its_key_and_no_other() {
    use sekisho::practice::fault::{Fault, Trouble, When};
    let town = Town::start().await;
    let post = status().form(&[("status", HEALTH)]).with("Idempotency-Key", "kouhou-2026.11.22:1");
    let held = refused(&town, TOOL_KEY, &post, "approval-missing", "nerima:11").await;
    approve(&town, sekisho::demo::town::MANAGER_KEY, &held).await;
    town.provider.order(Fault::next(When::AfterBody, Trouble::Close));
    let lost = post.send(&town, TOOL_KEY).await;
    assert_eq!((lost.status, town.received()), (422, 1), "{}", lost.text);
    let other = status().form(&[("status", HEALTH)]).with("Idempotency-Key", "kouhou-2026.11.22:2");
    refused(&town, TOOL_KEY, &other, "approval-missing", "nerima:11").await;
    let again = post.send(&town, TOOL_KEY).await;
    assert_eq!((again.status, town.provider.posts().len()), (200, 1), "{}", again.text);
    // Mastodon forgets a key after an hour: then the same would be a second status, which nobody approved.
    let later = status().form(&[("status", "明日は休館日です。")]).with("Idempotency-Key", "kouhou-2026.11.22:3");
    let held = refused(&town, TOOL_KEY, &later, "approval-missing", "nerima:11").await;
    approve(&town, sekisho::demo::town::MANAGER_KEY, &held).await;
    for minutes in [0, 40] {
        town.clock.forward(jiff::SignedDuration::from_mins(minutes));
        town.provider.order(Fault::next(When::AfterBody, Trouble::Close));
        assert_eq!(later.send(&town, TOOL_KEY).await.status, 422, "sent, or sent again, and its end is unknown");
    }
    let received = town.received();
    town.clock.forward(jiff::SignedDuration::from_mins(21));
    refused(&town, TOOL_KEY, &later, "approval-missing", "nerima:11").await;
    assert_eq!((received, town.received(), town.provider.posts().len()), (4, 4, 1));
    let free = status().form(&[("status", HEALTH)]).with("Idempotency-Key", "一つの文を鍵に書く");
    refused(&town, TOOL_KEY, &free, "field-shape", "sekisho:promise-3").await;
}

/// The town uses a second server, and 練馬区's account is known by this handle.
async fn with_two_servers(handle: &'static str) -> Town {
    Town::start_with(move |config| {
        let mastodon = config.providers.iter_mut().find(|(id, _)| id.as_str() == "mastodon").unwrap().1;
        mastodon.hosts.push(OTHER.to_owned());
        let upstream = mastodon.upstream[HOST];
        mastodon.upstream.insert(OTHER.to_owned(), upstream);
        config.accounts.iter_mut().find(|it| it.id.as_str() == "nerima-mastodon").unwrap().handle = handle.to_owned();
    })
    .await
}

const OTHER: &str = "mastodon2.example";

/// A status by the words of a template (練馬 第11条第2号).
fn called_off() -> Wire {
    let day = crate::rulebook::texts::later(3);
    let text = format!("【中止】石神井公園まつり\n{day}に予定していた「石神井公園まつり」は、雨天のため中止します。");
    status().form(&[("status", &text)]).with("Sekisho-Exemption", "weather-event")
}

#[tokio::test(flavor = "multi_thread")]
async fn nerima_11_2_a_status_by_the_words_of_a_template_passes_on_the_accounts_own_server() {
    for town in [Town::start().await, with_two_servers("@nerima@mastodon.example").await] {
        let passed = called_off().send(&town, TOOL_KEY).await;
        assert_eq!(
            (passed.status, header(&passed, "sekisho-decision").as_str()),
            (200, "permitted"),
            "{}",
            passed.text
        );
        let posts = town.provider.posts();
        assert_eq!((posts.len(), posts[0].action), (1, "publish"));
        let entry = &town.entries("nerima").into_iter().rfind(|entry| entry["kind"] == "permit").unwrap();
        assert_eq!(entry["exemption"], "weather-event", "{entry}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nerima_3_a_status_for_another_server_is_another_account_and_one_for_any_server_needs_its_approval() {
    let town = with_two_servers("@nerima@mastodon.example").await;
    let elsewhere = Wire { host: OTHER.to_owned(), ..called_off() };
    refused(&town, TOOL_KEY, &elsewhere, "account-other", "sekisho:account-resolution").await;
    assert_eq!(town.received(), 0);

    // Where nothing says which of the servers the account lives on, its words alone do not say where they will stand.
    let town = with_two_servers("@nerima").await;
    refused(&town, TOOL_KEY, &called_off(), "template-does-not-fit", "sekisho:template").await;
    assert_eq!(town.received(), 0);
}
