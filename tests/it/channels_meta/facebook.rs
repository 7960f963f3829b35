//! Facebook Pages: photos that are made first and shown by a post, posts that somebody flips to published, times, edits.

use http::Method;
use sekisho::demo::client::{Reply, Tool};
use sekisho::domain::media::Sha256;
use serde_json::json;

use super::{FORM, approve, form, graph, id, written};
use crate::act::{HEALTH, entry_of};
use crate::stage::Town;

const GRAPH: &str = "graph.facebook.com";

/// Uploads a picture that is not shown yet; the photo's id.
async fn photo(tool: &Tool, bytes: &[u8], alt: &str) -> String {
    let mut body = Vec::new();
    for (name, value) in [("published", "false"), ("alt_text_custom", alt)] {
        body.extend(format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").into_bytes());
    }
    let head =
        "--B\r\nContent-Disposition: form-data; name=\"source\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n";
    body.extend(head.as_bytes());
    body.extend(bytes);
    body.extend(b"\r\n--B--\r\n");
    let body = String::from_utf8(body).unwrap();
    id(&graph(tool, Method::POST, GRAPH, "/v26.0/1001/photos", Some(("multipart/form-data; boundary=B", body))).await)
}

/// A post that shows photos, as PHP-minded clients write lists.
async fn feed(tool: &Tool, photos: &[&str]) -> Reply {
    let shown: Vec<String> = photos.iter().map(|id| json!({ "media_fbid": id }).to_string()).collect();
    let mut body = written(&[("message", HEALTH)]);
    for (number, photo) in shown.iter().enumerate() {
        body.push_str(&format!("&attached_media%5B{number}%5D={}", written(&[("x", photo)]).trim_start_matches("x=")));
    }
    graph(tool, Method::POST, GRAPH, "/v26.0/1001/feed", Some((FORM, body))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_with_photos_is_approved_with_their_bytes_and_their_words() {
    let town = Town::start().await;
    let tool = town.nerima();
    let (first, second) = (photo(&tool, b"png 1", "会場の写真").await, photo(&tool, b"png 2", "地図").await);
    assert_eq!(town.provider.posts().len(), 0);
    let held = town.refuses("approval-missing", "nerima:11", feed(&tool, &[&first, &second])).await;
    approve(&town, &held).await;
    town.refuses("approval-missing", "nerima:11", feed(&tool, &[&second, &first])).await;
    let other = photo(&tool, b"png 3", "地図").await;
    town.refuses("approval-missing", "nerima:11", feed(&tool, &[&first, &other])).await;
    town.refuses("unknown-container", "sekisho:promise-3", feed(&tool, &[&first, "17900000000000999"])).await;
    // A photo is not published by itself.
    let target = format!("/v26.0/{other}");
    let flip = form(&tool, GRAPH, &target, &[("is_published", "true")]);
    town.refuses("container-part", "sekisho:container", flip).await;

    let published = feed(&tool, &[&first, &second]).await;
    assert_eq!(published.status, 200, "{:?}", published.json());
    let posts = town.provider.posts();
    let hashes = [Sha256::of(b"png 1").hex(), Sha256::of(b"png 2").hex()];
    assert_eq!((posts.len(), posts[0].text.as_str(), &posts[0].media_sha256[..]), (1, HEALTH, &hashes[..]));
    town.refuses("approval-missing", "nerima:11", feed(&tool, &[&first, &second])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unpublished_post_is_approved_when_it_is_made_and_flipped_once() {
    let town = Town::start().await;
    let tool = town.nerima();
    let make = |more: &'static [(&'static str, &'static str)]| {
        let tool = tool.clone();
        async move {
            let pairs: Vec<(&str, &str)> =
                [("message", HEALTH), ("published", "false")].into_iter().chain(more.iter().copied()).collect();
            form(&tool, GRAPH, "/v26.0/1001/feed", &pairs).await
        }
    };
    let held = town.refuses("approval-missing", "nerima:11", make(&[])).await;
    approve(&town, &held).await;
    let made = make(&[]).await;
    let post = id(&made);
    assert_eq!(town.provider.posts().len(), 0);
    let target = format!("/v26.0/{post}");
    let flip = |pairs: &'static [(&'static str, &'static str)]| {
        let (tool, target) = (tool.clone(), target.clone());
        async move { form(&tool, GRAPH, &target, pairs).await }
    };
    let other = flip(&[("is_published", "true"), ("message", "別の文")]);
    town.refuses("container-changed", "sekisho:container", other).await;
    let unseen = form(&tool, GRAPH, "/v26.0/1001_17900000000000999", &[("is_published", "true")]);
    town.refuses("unknown-container", "sekisho:container", unseen).await;
    let town = town.restart().await;
    let tool = town.nerima();
    let flipped = form(&tool, GRAPH, &target, &[("is_published", "true")]).await;
    assert_eq!(flipped.json(), json!({ "success": true }), "{:?}", flipped.json());
    let entries = town.entries("nerima");
    let entry = &entries[usize::try_from(entry_of(&flipped)).unwrap()];
    assert_eq!(entry["follows"], json!(entry_of(&made)));
    assert_eq!((town.provider.posts().len(), town.provider.posts()[0].text.as_str()), (1, HEALTH));
    let again = form(&tool, GRAPH, &target, &[("is_published", "1")]);
    town.refuses("container-published", "sekisho:container", again).await;
    assert_eq!(town.provider.posts().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_post_is_approved_with_its_time_and_nobody_publishes_it_sooner() {
    let town = Town::start().await;
    let tool = town.nerima();
    let at = |time: &'static str| {
        let tool = tool.clone();
        async move {
            let pairs = [("message", HEALTH), ("published", "false"), ("scheduled_publish_time", time)];
            form(&tool, GRAPH, "/v26.0/me/feed", &pairs).await
        }
    };
    let held = town.refuses("approval-missing", "nerima:11", at("1795000000")).await;
    assert_eq!(town.last_entry()["action"], "schedule");
    approve(&town, &held).await;
    town.refuses("approval-missing", "nerima:11", at("1794000000")).await;
    let post = id(&at("1795000000").await);
    let target = format!("/{post}");
    let flip = form(&tool, GRAPH, &target, &[("is_published", "true")]);
    town.refuses("unknown-container", "sekisho:container", flip).await;
    let moved = form(&tool, GRAPH, &target, &[("scheduled_publish_time", "1794000000")]);
    town.refuses("approval-missing", "nerima:11", moved).await;
    assert_eq!(town.provider.posts().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_and_deletions_are_each_approved_for_themselves() {
    let town = Town::start().await;
    let tool = town.nerima();
    let approved = |target: String, pairs: Vec<(&'static str, &'static str)>| {
        let (town, tool) = (&town, tool.clone());
        async move {
            let held = town.refuses("approval-missing", "nerima:11", form(&tool, GRAPH, &target, &pairs)).await;
            approve(town, &held).await;
            let action =
                town.entries("nerima").iter().rev().find(|it| it["kind"] == "refusal").unwrap()["action"].clone();
            (form(&tool, GRAPH, &target, &pairs).await, action)
        }
    };
    let (made, action) = approved("/v26.0/1001/feed".to_owned(), vec![("message", HEALTH)]).await;
    assert_eq!(action, "publish");
    let post = format!("/v26.0/{}/", id(&made));
    let (edited, action) = approved(post.clone(), vec![("message", "健康相談会は中止します。")]).await;
    assert_eq!((edited.json(), action), (json!({ "success": true }), json!("edit")));
    assert_eq!(town.provider.posts()[0].text, "健康相談会は中止します。");
    let (deleted, action) = approved(format!("{post}?method=delete"), Vec::new()).await;
    assert_eq!((deleted.json(), action), (json!({ "success": true }), json!("delete")));
    assert!(town.provider.posts()[0].deleted);
    // Asked for in the body, where it is read after the route was found, it is refused.
    let hidden = form(&tool, GRAPH, &post, &[("method", "delete")]);
    town.refuses("method-override", "sekisho:promise-3", hidden).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_followed_is_refused_by_name() {
    let town = Town::start().await;
    let tool = town.nerima();
    type Case<'c> = (&'c str, &'c str, &'c [(&'c str, &'c str)], &'c str);
    let cases: [Case<'_>; 3] = [
        (GRAPH, "/v26.0/1001/live_videos", &[("title", HEALTH)], "cannot-inspect"),
        (GRAPH, "/v26.0/1/instruments", &[("reason", "crash")], "crash-report"),
        (GRAPH, "/v26.0/1/uploads", &[("file_length", "9")], "not-understood-yet"),
    ];
    for (host, target, pairs, code) in cases {
        town.refuses(code, "sekisho:promise-3", form(&tool, host, target, pairs)).await;
    }
    // 練馬 第14条: comments answer people.
    let comment = form(&tool, GRAPH, "/v26.0/1001_9/comments", &[("message", "ありがとうございます。")]);
    town.refuses("individual-reply", "nerima:14", comment).await;
    assert_eq!(town.received(), 0);
}
