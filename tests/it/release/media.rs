//! Posts with media: the gateway uploads what it kept of them again, under the account's credential, and publishes what
//! was approved byte for byte.

use sekisho::demo::town::{MANAGER_KEY, TOOL_KEY};
use sekisho::domain::media::Sha256;
use serde_json::{Value, json};

use super::{STAND_IN, approve, held, holding, not_released, on_disk, release};
use crate::act::HEALTH;
use crate::channels::Wire;
use crate::stage::Town;

/// Sends a step that passes; its answer.
async fn step(town: &Town, wire: Wire) -> Value {
    let answer = wire.with(STAND_IN.0, STAND_IN.1).send(town, TOOL_KEY).await;
    assert!((200..300).contains(&answer.status), "{}", answer.text);
    answer.json()
}

/// A picture that is larger than what stays in memory.
fn large() -> Vec<u8> {
    (0..700_000_u32).map(|n| u8::try_from(n * 7 % 251).unwrap()).collect()
}

/// A picture, uploaded to X in one request; its id.
async fn on_x(town: &Town, bytes: &[u8]) -> String {
    let upload = Wire::new("POST", "api.x.com", "/2/media/upload")
        .multipart(&[("media_category", "tweet_image"), ("media_type", "image/png")], Some(("media", bytes)));
    step(town, upload).await["data"]["id"].as_str().unwrap().to_owned()
}

fn illustrated(ids: &[&str]) -> Wire {
    Wire::new("POST", "api.x.com", "/2/tweets").json(&json!({ "text": HEALTH, "media": { "media_ids": ids } }))
}

#[tokio::test(flavor = "multi_thread")]
async fn x_gets_the_pictures_again_with_their_words_and_then_the_post_that_shows_them() {
    let town = holding("nerima-x").await;
    let (first, second) = (on_x(&town, &large()).await, on_x(&town, b"a second picture").await);
    let alt = json!({ "id": first, "metadata": { "alt_text": { "text": "区役所の外観" } } });
    step(&town, Wire::new("POST", "api.x.com", "/2/media/metadata").json(&alt)).await;
    let ticket = held(&town, &illustrated(&[&first, &second])).await;
    assert!(on_disk(&town, &[&large()[1000..1064], b"a second picture"]).is_empty(), "kept media lie sealed");
    let town = town.restart().await;
    approve(&town, &ticket).await;
    let uploads = town.received();

    let released = release(&town, &ticket).await;
    assert_eq!(released.status, 200, "{:?}", released.json());
    let posts = town.provider.posts();
    assert_eq!(posts.len(), 1);
    assert_eq!(posts[0].media_sha256, [Sha256::of(&large()).hex(), Sha256::of(b"a second picture").hex()]);
    let ids = posts[0].body["media"]["media_ids"].as_array().unwrap();
    assert!(!ids.contains(&json!(first)) && !ids.contains(&json!(second)), "the media were uploaded anew: {ids:?}");
    let sent = town.provider.requests().split_off(uploads);
    let paths: Vec<&str> = sent.iter().map(|request| request.target.as_str()).collect();
    assert_eq!(paths, ["/2/media/upload", "/2/media/metadata", "/2/media/upload", "/2/tweets"]);
    assert!(sent.iter().all(|request| request.header("authorization") == Some("Bearer token-of-the-town")));
    assert_eq!(sent[1].json().unwrap()["id"], ids[0], "the words are of the new medium");
    // Each of them has its entry, which says what it belongs to.
    let entries = town.entries("nerima");
    let of = entries.iter().filter(|entry| entry["kind"] == "permit" && entry["released"] == ticket.as_str());
    assert_eq!(of.count(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_medium_that_is_not_kept_any_more_is_said_plainly() {
    let town = holding("nerima-x").await;
    let id = on_x(&town, &large()).await;
    let ticket = held(&town, &illustrated(&[&id])).await;
    approve(&town, &ticket).await;
    let kept = town.config.ledger.dir.join("kept");
    let files: Vec<_> = std::fs::read_dir(&kept).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(files.len(), 1);
    // A changed file is no medium; one that is gone is not there.
    let mut bytes = std::fs::read(&files[0]).unwrap();
    bytes[5000] ^= 1;
    std::fs::write(&files[0], bytes).unwrap();
    let received = town.received();
    let changed = release(&town, &ticket).await;
    assert!(!changed.status.is_success(), "{:?}", changed.json());
    std::fs::remove_file(&files[0]).unwrap();
    not_released(&town, MANAGER_KEY, &ticket, "release-medium-gone").await;
    assert_eq!((town.received(), town.provider.posts().len()), (received, 0));
    assert_eq!(town.last_entry()["code"], "release-medium-gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn mastodon_and_bluesky_get_theirs_again() {
    let town = holding("nerima-mastodon").await;
    let upload = Wire::new("POST", "mastodon.example", "/api/v2/media")
        .multipart(&[("description", "区役所の外観")], Some(("file", b"a picture of the ward")));
    let id = step(&town, upload).await["id"].as_str().unwrap().to_owned();
    let status = Wire::new("POST", "mastodon.example", "/api/v1/statuses");
    let ticket = held(&town, &status.form(&[("status", HEALTH), ("media_ids[]", &id)])).await;
    approve(&town, &ticket).await;
    let released = release(&town, &ticket).await;
    assert_eq!(released.status, 200, "{:?}", released.json());
    let posts = town.provider.posts();
    assert_eq!((posts.len(), &posts[0].media_sha256), (1, &vec![Sha256::of(b"a picture of the ward").hex()]));

    let town = holding("nerima-bluesky").await;
    let call = |name: &str| Wire::new("POST", "bsky.social", &format!("/xrpc/{name}"));
    let blob = step(&town, call("com.atproto.repo.uploadBlob").raw("image/png", b"a logo")).await["blob"].clone();
    let record = json!({
        "$type": "app.bsky.feed.post", "text": HEALTH, "createdAt": "2020-01-01T00:00:00Z",
        "embed": { "$type": "app.bsky.embed.images", "images": [{ "image": blob, "alt": "区の紋章" }] },
    });
    let create = json!({ "repo": "nerima.example", "collection": "app.bsky.feed.post", "record": record });
    let ticket = held(&town, &call("com.atproto.repo.createRecord").json(&create)).await;
    approve(&town, &ticket).await;
    let released = release(&town, &ticket).await;
    assert_eq!(released.status, 200, "{:?}", released.json());
    assert_eq!(town.provider.posts()[0].media_sha256, [Sha256::of(b"a logo").hex()]);
    let sent = town.provider.requests().pop().unwrap().json().unwrap();
    let created: jiff::Timestamp = sent["record"]["createdAt"].as_str().unwrap().parse().unwrap();
    assert!(created > "2020-01-01T00:00:00Z".parse().unwrap(), "it is published now, not when it was held: {created}");
    assert_eq!((town.provider.posts().len(), town.received()), (1, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn instagram_and_threads_get_their_container_and_its_publication() {
    let picture = "https://www.city.example/kouhou/1.png";
    let flows = [
        (
            "nerima-instagram",
            Wire::new("POST", "graph.instagram.com", "/v26.0/17841/media")
                .json(&json!({ "image_url": picture, "caption": HEALTH })),
        ),
        (
            "nerima-threads",
            Wire::new("POST", "graph.threads.net", "/v1.0/me/threads")
                .form(&[("media_type", "TEXT"), ("text", HEALTH)]),
        ),
    ];
    for (account, make) in flows {
        // Made, asked for, published.
        let town = holding(account).await;
        let ticket = held(&town, &make).await;
        approve(&town, &ticket).await;
        let released = release(&town, &ticket).await;
        assert_eq!(released.status, 200, "{account} {:?}", released.json());
        let posts = town.provider.posts();
        assert_eq!((posts.len(), posts[0].text.as_str(), town.received()), (1, HEALTH, 3), "{account}");
        assert_eq!(released.json()["published_id"], posts[0].id, "{account}");
        not_released(&town, MANAGER_KEY, &ticket, "release-done").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_medium_that_changed_behind_its_url_after_the_approval_does_not_leave() {
    let town = holding("nerima-instagram").await;
    let body = json!({ "image_url": "https://www.city.example/kouhou/1.png", "caption": HEALTH });
    let ticket = held(&town, &Wire::new("POST", "graph.instagram.com", "/v26.0/17841/media").json(&body)).await;
    approve(&town, &ticket).await;
    town.provider.put_on_site("/kouhou/1.png", sekisho::practice::picture_of("something else"));
    // The gateway looks at the picture again, and that is all that happens.
    let reply = release(&town, &ticket).await;
    assert_eq!((reply.status.as_u16(), &reply.json()["code"]), (409, &json!("release-changed")));
    assert_eq!((town.received(), town.provider.posts().len()), (0, 0));
    assert!(town.last_entry()["ticket"].is_null(), "no new ticket is opened for it");
}

/// A film in parts by X's own way; its id.
async fn film_in_parts(town: &Town, film: &[u8]) -> String {
    let begin = json!({ "media_type": "video/mp4", "media_category": "tweet_video", "total_bytes": film.len() });
    let upload = |path: &str| Wire::new("POST", "api.x.com", &format!("/2/media/upload{path}"));
    let id = step(town, upload("/initialize").json(&begin)).await["data"]["id"].as_str().unwrap().to_owned();
    for (number, part) in film.chunks(400_000).enumerate() {
        let append = upload(&format!("/{id}/append"));
        step(town, append.multipart(&[("segment_index", &number.to_string())], Some(("media", part)))).await;
    }
    step(town, upload(&format!("/{id}/finalize"))).await;
    id
}

/// The same by v1.1, where one address takes every step and the id stands in the body.
async fn film_by_commands(town: &Town, film: &[u8]) -> String {
    let upload = || Wire::new("POST", "upload.twitter.com", "/1.1/media/upload.json");
    let len = film.len().to_string();
    let begin =
        [("command", "INIT"), ("total_bytes", &*len), ("media_type", "video/mp4"), ("media_category", "tweet_video")];
    let id = step(town, upload().form(&begin)).await["media_id_string"].as_str().unwrap().to_owned();
    for (number, part) in film.chunks(400_000).enumerate() {
        let number = number.to_string();
        let words = [("command", "APPEND"), ("media_id", &*id), ("segment_index", &*number)];
        step(town, upload().multipart(&words, Some(("media", part)))).await;
    }
    step(town, upload().form(&[("command", "FINALIZE"), ("media_id", &id)])).await;
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_film_in_parts_is_sent_again_in_its_parts_and_waited_for() {
    let film = large();
    for old in [false, true] {
        let town = holding("nerima-x").await;
        let id = if old { film_by_commands(&town, &film).await } else { film_in_parts(&town, &film).await };
        let ticket = held(&town, &illustrated(&[&id])).await;
        approve(&town, &ticket).await;
        let before = town.received();
        let released = release(&town, &ticket).await;
        assert_eq!(released.status, 200, "{:?}", released.json());
        let posts = town.provider.posts();
        assert_eq!((posts.len(), &posts[0].media_sha256), (1, &vec![Sha256::of(&film).hex()]));
        assert_ne!(posts[0].body["media"]["media_ids"], json!([id]), "the old session is left alone");
        let sent = town.provider.requests().split_off(before);
        assert!(sent.iter().any(|request| request.method == "GET"), "X was asked whether it is ready");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_film_that_meta_is_still_working_on_is_published_when_it_is_ready() {
    let town = holding("nerima-threads").await;
    let pairs = [("media_type", "VIDEO"), ("video_url", "https://www.city.example/1.mp4"), ("text", HEALTH)];
    let ticket = held(&town, &Wire::new("POST", "graph.threads.net", "/v1.0/me/threads").form(&pairs)).await;
    approve(&town, &ticket).await;
    let released = release(&town, &ticket).await;
    assert_eq!(released.status, 200, "{:?}", released.json());
    let posts = town.provider.posts();
    assert_eq!((posts.len(), posts[0].text.as_str()), (1, HEALTH));
    let looks = town.provider.requests().iter().filter(|request| request.method == "GET").count();
    assert!(looks >= 2, "it was asked for until it was ready: {looks}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_carries_words_and_medium_at_once_is_kept_whole() {
    let words = json!({
        "snippet": { "title": "練馬区の防災訓練", "description": "10月1日に区役所で行いました。" },
        "status": { "privacyStatus": "public" },
    });
    let upload = "/upload/youtube/v3/videos?uploadType=multipart&part=snippet&part=status";
    let whole = [
        (
            "nerima-facebook",
            Wire::new("POST", "graph.facebook.com", "/v26.0/1001/photos")
                .multipart(&[("caption", HEALTH)], Some(("source", &large()))),
        ),
        ("nerima-youtube", Wire::new("POST", "youtube.googleapis.com", upload).related(&words, &large())),
    ];
    for (account, wire) in whole {
        let town = holding(account).await;
        let ticket = held(&town, &wire).await;
        assert!(on_disk(&town, &[&large()[1000..1064]]).is_empty(), "{account}: it lies sealed");
        approve(&town, &ticket).await;
        let town = town.restart().await;
        let released = release(&town, &ticket).await;
        assert_eq!(released.status, 200, "{account} {:?}", released.json());
        let posts = town.provider.posts();
        assert_eq!((posts.len(), town.received()), (1, 1), "{account}");
        assert_eq!(posts[0].media_sha256, [Sha256::of(&large()).hex()], "{account}");
    }
}
