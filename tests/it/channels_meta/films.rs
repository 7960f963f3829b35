//! Films whose bytes come in parts, before the words (Facebook) or after them (Instagram): what is approved is what was
//! sent, part by part.

use http::{Method, Request};
use sekisho::demo::client::{Reply, Tool};
use sekisho::demo::town;
use sekisho::domain::media::Sha256;
use sekisho::practice::fault::{Fault, Trouble, When};
use serde_json::json;

use super::{approve, form, graph, id, sent};
use crate::act::{HEALTH, entry_of, outcomes};
use crate::stage::Town;

const GRAPH: &str = "graph.facebook.com";
const VIDEO: &str = "graph-video.facebook.com";
const RUPLOAD: &str = "rupload.facebook.com";
const FILM: &str = "a film of the health day, in three scenes";
const REELS: &str = "/v26.0/1001/video_reels";

/// Bytes to rupload, as Meta's documents show it.
async fn bytes(tool: &Tool, target: &str, offset: usize, of: usize, part: &str) -> Reply {
    let request = Request::builder()
        .method(Method::POST)
        .header("authorization", "OAuth practice-credential")
        .header("offset", offset.to_string())
        .header("file_size", of.to_string());
    sent(tool, request, RUPLOAD, target, Some(("application/octet-stream", part.to_owned()))).await
}

/// A reel's `start`; its id.
async fn start(tool: &Tool, edge: &str) -> String {
    let started = form(tool, GRAPH, &format!("/v26.0/1001/{edge}"), &[("upload_phase", "start")]).await;
    assert_eq!(started.status, 200, "{:?}", started.json());
    started.json()["video_id"].as_str().unwrap().to_owned()
}

fn target(video: &str) -> String {
    format!("/video-upload/v26.0/{video}")
}

/// A film that went through in one piece; its id.
async fn film(tool: &Tool, edge: &str, film: &str) -> String {
    let video = start(tool, edge).await;
    let sent = bytes(tool, &target(&video), 0, film.len(), film).await;
    assert_eq!(sent.status, 200, "{:?}", sent.json());
    video
}

async fn finish(tool: &Tool, video: &str) -> Reply {
    let pairs =
        [("upload_phase", "finish"), ("video_id", video), ("video_state", "PUBLISHED"), ("description", HEALTH)];
    form(tool, GRAPH, REELS, &pairs).await
}

/// A second tool for another Facebook account of the same body.
async fn with_second_account() -> Town {
    Town::start_with(|config| {
        let mut other = config.accounts.iter().find(|it| it.id.as_str() == "nerima-facebook").unwrap().clone();
        other.id = sekisho::domain::account::AccountId::new("nerima-facebook-2");
        config.accounts.push(other.clone());
        let mut client = config.clients[0].clone();
        client.id = sekisho::domain::person::ClientId::new("second-tool");
        client.key_sha256 = town::key_hash("second-key");
        client.accounts = vec![other.id];
        config.clients.push(client);
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reel_is_approved_with_its_words_and_the_bytes_that_arrived() {
    let town = Town::start().await;
    let tool = town.nerima();
    let video = start(&tool, "video_reels").await;
    let (first, rest) = FILM.split_at(10);
    assert_eq!(bytes(&tool, &target(&video), 0, FILM.len(), first).await.status, 200);
    town.refuses("media-incomplete", "sekisho:promise-3", finish(&tool, &video)).await;
    // A restart between the parts loses nothing.
    let town = town.restart().await;
    let tool = town.nerima();
    assert_eq!(bytes(&tool, &target(&video), 10, FILM.len(), rest).await.status, 200);
    assert_eq!(town.provider.posts().len(), 0, "bytes alone show nothing");
    let held = town.refuses("approval-missing", "nerima:11", finish(&tool, &video)).await;
    approve(&town, &held).await;

    // The same words with another film, and the same film with other words, are other posts.
    let other = film(&tool, "video_reels", "another film").await;
    town.refuses("approval-missing", "nerima:11", finish(&tool, &other)).await;
    let pairs = [("upload_phase", "finish"), ("video_id", &*video), ("video_state", "DRAFT"), ("description", HEALTH)];
    town.refuses("approval-missing", "nerima:11", form(&tool, GRAPH, REELS, &pairs)).await;

    let town = town.restart().await;
    let tool = town.nerima();
    let published = finish(&tool, &video).await;
    assert_eq!(published.status, 200, "{:?}", published.json());
    let posts = town.provider.posts();
    assert_eq!((posts.len(), posts[0].text.as_str()), (1, HEALTH));
    assert_eq!(posts[0].media_sha256, [Sha256::of(FILM.as_bytes()).hex()]);
    town.refuses("approval-missing", "nerima:11", finish(&tool, &video)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_come_in_order_and_a_film_that_is_whole_stays_as_it_is() {
    let town = with_second_account().await;
    let tool = town.nerima();
    town.refuses("unknown-media", "sekisho:promise-2", bytes(&tool, &target("17900000000000999"), 0, 3, "abc")).await;
    town.refuses("unknown-media", "sekisho:promise-3", finish(&tool, "17900000000000999")).await;
    let video = start(&tool, "video_reels").await;
    let at = target(&video);
    let second = town.tool("second-key");
    town.refuses("foreign-media", "sekisho:promise-2", bytes(&second, &at, 0, 3, "abc")).await;
    town.refuses("media-range", "sekisho:promise-2", bytes(&tool, &at, 1, 4, "abc")).await;
    town.refuses("media-range", "sekisho:promise-2", bytes(&tool, &at, 0, 2, "abc")).await;
    town.refuses("media-missing", "sekisho:promise-3", bytes(&tool, &at, 0, 2, "")).await;
    assert_eq!(bytes(&tool, &at, 0, 6, "abc").await.status, 200);
    town.refuses("media-range", "sekisho:promise-2", bytes(&tool, &at, 0, 6, "xyz")).await;
    assert_eq!(bytes(&tool, "/video-upload/".to_owned().as_str(), 0, 6, "abc").await.status, 403);
    assert_eq!(bytes(&tool, &at, 3, 6, "def").await.status, 200);
    town.refuses("media-complete", "sekisho:promise-2", bytes(&tool, &at, 6, 9, "ghi")).await;
    town.refuses("foreign-media", "sekisho:promise-3", finish(&second, &video)).await;
    assert_eq!(town.provider.posts().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_unknown_end_is_sent_again_or_gone_on_behind() {
    let town = Town::start_with(|config| {
        config.forward.answer_ms = 700;
        config.forward.total_ms = 2_500;
    })
    .await;
    let tool = town.nerima();
    let video = start(&tool, "video_reels").await;
    let at = target(&video);
    town.provider.order(Fault::next(When::AfterEffect, Trouble::Hang).on("POST", &at));
    let lost = bytes(&tool, &at, 0, 6, "abc").await;
    assert_eq!(outcomes(&town, entry_of(&lost))[0]["outcome"], "unknown");
    // Not other bytes in their place; and the provider says by its own read that it has them.
    town.refuses("media-range", "sekisho:promise-2", bytes(&tool, &at, 0, 6, "xyz")).await;
    assert_eq!(bytes(&tool, &at, 3, 6, "def").await.status, 200);
    let held = town.refuses("approval-missing", "nerima:11", finish(&tool, &video)).await;
    approve(&town, &held).await;
    assert_eq!(finish(&tool, &video).await.status, 200);
    assert_eq!(town.provider.posts()[0].media_sha256, [Sha256::of(b"abcdef").hex()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_story_is_approved_by_its_film_alone() {
    let town = Town::start().await;
    let tool = town.nerima();
    let video = film(&tool, "video_stories", FILM).await;
    let finish = |video: String| {
        let tool = tool.clone();
        async move {
            let pairs = [("upload_phase", "finish"), ("video_id", video.as_str())];
            form(&tool, GRAPH, "/v26.0/1001/video_stories", &pairs).await
        }
    };
    let held = town.refuses("approval-missing", "nerima:11", finish(video.clone())).await;
    approve(&town, &held).await;
    let other = film(&tool, "video_stories", "another film").await;
    town.refuses("approval-missing", "nerima:11", finish(other)).await;
    let published = finish(video).await;
    assert!(published.json()["post_id"].is_string(), "{:?}", published.json());
    let posts = town.provider.posts();
    assert_eq!((posts.len(), &posts[0].media_sha256[..]), (1, &[Sha256::of(FILM.as_bytes()).hex()][..]));
}

/// One part of a video in phases, as a file among form fields.
async fn transfer(tool: &Tool, session: &str, offset: usize, part: &str) -> Reply {
    let mut body = String::new();
    let offset = offset.to_string();
    for (name, value) in [("upload_phase", "transfer"), ("upload_session_id", session), ("start_offset", &offset)] {
        body.push_str(&format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"));
    }
    let head = "Content-Disposition: form-data; name=\"video_file_chunk\"; filename=\"a.mp4\"";
    body.push_str(&format!("--B\r\n{head}\r\nContent-Type: application/octet-stream\r\n\r\n{part}\r\n--B--\r\n"));
    graph(tool, Method::POST, VIDEO, "/v26.0/1001/videos", Some(("multipart/form-data; boundary=B", body))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_video_in_phases_has_its_words_at_the_end_and_nowhere_else() {
    let town = Town::start().await;
    let tool = town.nerima();
    let size = FILM.len().to_string();
    let phase = |pairs: Vec<(&'static str, String)>| {
        let tool = tool.clone();
        async move {
            let pairs: Vec<(&str, &str)> = pairs.iter().map(|(key, value)| (*key, value.as_str())).collect();
            form(&tool, VIDEO, "/v26.0/1001/videos", &pairs).await
        }
    };
    let begin = |more: Option<(&'static str, &str)>| {
        let mut pairs = vec![("upload_phase", "start".to_owned()), ("file_size", size.clone())];
        pairs.extend(more.map(|(key, value)| (key, value.to_owned())));
        phase(pairs)
    };
    // Words, times and audiences at the start would reach the provider without anybody's approval.
    for more in
        [("description", HEALTH), ("title", "a"), ("published", "true"), ("scheduled_publish_time", "1795000000")]
    {
        let (received, entries) = (town.received(), town.entries("nerima").len());
        let reply = begin(Some(more)).await;
        assert_eq!((town.received(), town.entries("nerima").len()), (received, entries + 1), "{more:?}");
        assert_eq!(town.last_entry()["kind"], "refusal", "{more:?} {:?}", reply.json());
    }
    let begun = begin(None).await;
    let session = begun.json()["upload_session_id"].as_str().unwrap().to_owned();
    let (first, rest) = FILM.split_at(17);
    assert_eq!(transfer(&tool, &session, 0, first).await.json()["start_offset"], "17");
    town.refuses("media-range", "sekisho:promise-2", transfer(&tool, &session, 5, rest)).await;
    town.refuses("media-range", "sekisho:promise-2", transfer(&tool, &session, 17, &format!("{rest}more"))).await;
    let end = |session: String| {
        phase(vec![
            ("upload_phase", "finish".to_owned()),
            ("upload_session_id", session),
            ("title", "健康相談会".to_owned()),
            ("description", HEALTH.to_owned()),
        ])
    };
    town.refuses("media-incomplete", "sekisho:promise-3", end(session.clone())).await;
    let town = town.restart().await;
    let tool = town.nerima();
    assert_eq!(transfer(&tool, &session, 17, rest).await.status, 200);
    let pairs = [
        ("upload_phase", "finish"),
        ("upload_session_id", session.as_str()),
        ("title", "健康相談会"),
        ("description", HEALTH),
    ];
    let end = || form(&tool, VIDEO, "/v26.0/1001/videos", &pairs);
    let held = town.refuses("approval-missing", "nerima:11", end()).await;
    approve(&town, &held).await;
    let published = end().await;
    assert_eq!(published.json()["success"], true, "{:?}", published.json());
    let posts = town.provider.posts();
    assert_eq!((posts.len(), posts[0].text.as_str()), (1, HEALTH));
    assert_eq!(posts[0].media_sha256, [Sha256::of(FILM.as_bytes()).hex()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn instagram_the_film_that_comes_after_the_words_is_the_one_that_was_promised() {
    let town = Town::start().await;
    let tool = town.nerima();
    let body = json!({ "media_type": "REELS", "upload_type": "resumable", "caption": HEALTH }).to_string();
    let make = |promise: Option<String>| {
        let (tool, body) = (tool.clone(), body.clone());
        async move {
            let mut request =
                Request::builder().method(Method::POST).header("authorization", "Bearer practice-credential");
            if let Some(promise) = promise {
                request = request.header("sekisho-media-sha256", promise);
            }
            sent(&tool, request, "graph.instagram.com", "/v26.0/17841/media", Some(("application/json", body))).await
        }
    };
    town.refuses("media-unseen", "sekisho:promise-2", make(None)).await;
    let promise = Some(Sha256::of(FILM.as_bytes()).hex());
    let held = town.refuses("approval-missing", "nerima:11", make(promise.clone())).await;
    approve(&town, &held).await;
    town.refuses("approval-missing", "nerima:11", make(Some(Sha256::of(b"another").hex()))).await;
    let made = make(promise).await;
    let container = id(&made);
    let at = format!("/ig-api-upload/v26.0/{container}");
    assert!(made.json()["uri"].as_str().unwrap().ends_with(&at), "{:?}", made.json());

    let (first, rest) = FILM.split_at(9);
    assert_eq!(bytes(&tool, &at, 0, FILM.len(), first).await.status, 200);
    let town = town.restart().await;
    let tool = town.nerima();
    // Its last bytes, changed: they never leave, and so the provider has nothing that it could publish.
    let changed = "x".repeat(rest.len());
    town.refuses("media-changed", "sekisho:promise-2", bytes(&tool, &at, 9, FILM.len(), &changed)).await;
    let publish = format!("/v26.0/17841/media_publish?creation_id={container}");
    let early = graph(&tool, Method::POST, "graph.instagram.com", &publish, None).await;
    assert_eq!(early.json()["error"]["error_subcode"], 2_207_027, "{:?}", early.json());
    assert_eq!(bytes(&tool, &at, 9, FILM.len(), rest).await.status, 200);
    id(&graph(&tool, Method::POST, "graph.instagram.com", &publish, None).await);
    let posts = town.provider.posts();
    assert_eq!((posts.len(), posts[0].text.as_str()), (1, HEALTH));
    assert_eq!(posts[0].media_sha256, [Sha256::of(FILM.as_bytes()).hex()]);
}
