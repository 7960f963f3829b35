//! Pictures and films say more than they show: where they were taken, by whom, and links in QR codes.

use http::Method;
use sekisho::demo::town::{NAGANO_TOOL_KEY, TOOL_KEY};
use sekisho::domain::media::Sha256;
use serde_json::json;

use crate::act::{HEALTH, illustrated, post};
use crate::stage::Town;
use crate::wire::{Answer, send_typed};

pub mod files;

use files::{code, exif, heic, jpeg, mp4, png, webp, xmp};

const BOUNDARY: &str = "sekisho-scan-boundary";

/// Uploads a picture to X in one request.
async fn upload(town: &Town, key: &str, bytes: &[u8]) -> Answer {
    let mut body = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"media\"; filename=\"p\"\r\nContent-Type: \
         application/octet-stream\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(bytes);
    body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    send_typed(town, key, "/2/media/upload", &format!("multipart/form-data; boundary={BOUNDARY}"), &body).await
}

/// The media that tell a place or a name, each with the rule that sees it.
fn telling() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let place = exif("", true);
    vec![
        ("JPEG, Exif", "media.location", jpeg(&[&[b"Exif\0\0", place.as_slice()].concat()])),
        ("JPEG, XMP", "media.location", jpeg(&[&[b"http://ns.adobe.com/xap/1.0/\0".as_slice(), &xmp()].concat()])),
        ("JPEG, owner", "media.owner", jpeg(&[&[b"Exif\0\0", exif("長野 太郎", false).as_slice()].concat()])),
        ("PNG, eXIf", "media.location", png(&[(b"eXIf", &place)])),
        ("PNG, author", "media.owner", png(&[(b"tEXt", b"Author\0Nagano Taro")])),
        ("WebP, EXIF", "media.location", webp(&[(b"EXIF", &place)])),
        ("WebP, XMP", "media.location", webp(&[(b"XMP ", &xmp())])),
        ("HEIC, Exif", "media.location", heic(&place)),
        ("MP4, place of Android", "media.location", mp4(b"\xa9xyz", b"\0\x12\x15\xc7+36.6485+138.1942/")),
        ("MP4, place of Apple", "media.location", mp4(b"meta", b"com.apple.quicktime.location.ISO6709")),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_that_tells_where_or_by_whom_it_was_taken_never_reaches_the_provider() {
    let town = Town::start().await;
    let media = telling();
    assert_eq!(media.len(), 10);
    for (what, rule, bytes) in &media {
        let answer = upload(&town, TOOL_KEY, bytes).await;
        assert_eq!(answer.status, 403, "{what}: {}", answer.text);
        assert!(answer.text.contains("sekisho media strip"), "{what}: the way forward: {}", answer.text);
        let entry = town.last_entry();
        assert_eq!((&entry["kind"], &entry["code"]), (&json!("refusal"), &json!("media-metadata")), "{what}");
        assert!(entry["findings"].to_string().contains(rule), "{what}: {entry}");
        assert!(entry["clauses"].to_string().contains("nerima:10-2"), "{what}: {entry}");
        assert!(
            !entry.to_string().contains("太郎") && !answer.text.contains("太郎"),
            "{what}: the name is nobody's to read"
        );
    }
    assert_eq!(town.received(), 0, "not a byte of them left");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stripped_copy_passes_and_shows_the_same() {
    let town = Town::start().await;
    for (what, _, bytes) in telling() {
        let dir = town.dir().join("strip");
        std::fs::create_dir_all(&dir).unwrap();
        let (before, after) = (dir.join("before"), dir.join("after"));
        std::fs::write(&before, &bytes).unwrap();
        let _ = std::fs::remove_file(&after);
        files::strip(&before, &after);
        let stripped = std::fs::read(&after).unwrap();
        assert_eq!(std::fs::read(&before).unwrap(), bytes, "{what}: the original stays as it is");
        let received = town.received();
        let answer = upload(&town, TOOL_KEY, &stripped).await;
        assert_eq!(answer.status, 200, "{what}: {}", answer.text);
        assert_eq!(town.received(), received + 1, "{what}");
        let uploads = town.provider.requests();
        assert_eq!(uploads.last().unwrap().media_sha256(), [Sha256::of(&stripped).hex()], "{what}: the very bytes");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_qr_code_is_a_link_like_any_other() {
    let town = Town::start().await;
    let shortened = upload(&town, TOOL_KEY, &code("https://bit.ly/3xYzAbC")).await;
    assert_eq!(shortened.status, 403, "{}", shortened.text);
    assert_eq!(town.last_entry()["code"], "shortened-link");
    let nagano = upload(&town, NAGANO_TOOL_KEY, &code("https://bit.ly/3xYzAbC")).await;
    assert_eq!(nagano.status, 403);
    assert!(town.entries("nagano").pop().unwrap()["clauses"].to_string().contains("nagano:4(9)"));
    assert_eq!(town.received(), 0);

    let own = code("https://www.city.nerima.tokyo.jp/kurashi/1234.html");
    let answer = upload(&town, TOOL_KEY, &own).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let id = answer.json()["data"]["id"].as_str().unwrap().to_owned();
    let body = illustrated(HEALTH, &[&id]);
    town.refuses("approval-missing", "nerima:11", post(&town.nerima(), "api.x.com", "/2/tweets", &[], &body)).await;
    let findings = town.last_entry()["findings"].clone();
    let told: Vec<_> = findings.as_array().unwrap().iter().map(|it| (&it["rule"], &it["severity"])).collect();
    assert_eq!(told, [(&json!("media.qr-link"), &json!("note"))], "no more than a note of where it leads: {findings}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_film_in_parts_is_looked_into_before_the_upload_is_completed() {
    let town = Town::start().await;
    let film = mp4(b"\xa9xyz", b"\0\x12\x15\xc7+36.6485+138.1942/");
    let body = json!({ "media_type": "video/mp4", "media_category": "tweet_video", "total_bytes": film.len() });
    let reply = post(&town.nerima(), "api.x.com", "/2/media/upload/initialize", &[], &body).await;
    let id = reply.json()["data"]["id"].as_str().unwrap().to_owned();
    // The place's box is cut in two.
    let cut = film.windows(4).position(|it| it == b"+138").unwrap();
    for (number, part) in [&film[..cut], &film[cut..]].into_iter().enumerate() {
        let mut body = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"segment_index\"\r\n\r\n{number}\r\n--{BOUNDARY}\r\n\
             Content-Disposition: form-data; name=\"media\"; filename=\"b\"\r\nContent-Type: \
             application/octet-stream\r\n\r\n"
        )
        .into_bytes();
        body.extend_from_slice(part);
        body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
        let path = format!("/2/media/upload/{id}/append");
        let of = format!("multipart/form-data; boundary={BOUNDARY}");
        assert_eq!(send_typed(&town, TOOL_KEY, &path, &of, &body).await.status, 200);
    }
    let received = town.received();
    let path = format!("/2/media/upload/{id}/finalize");
    let send = async { town.nerima().send(Method::POST, "api.x.com", &path, &[], None).await.unwrap() };
    town.refuses("media-metadata", "nerima:10-2", send).await;
    let body = illustrated(HEALTH, &[&id]);
    let tool = town.nerima();
    let send = post(&tool, "api.x.com", "/2/tweets", &[], &body);
    town.refuses("media-incomplete", "sekisho:promise-3", send).await;
    assert_eq!(town.received(), received, "the upload was never completed, the post never sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_looked_into_is_shown_to_the_approver_of_the_post() {
    let town = Town::start_with(|config| config.inspect.media.pixels = 1000).await;
    let picture = code("https://bit.ly/3xYzAbC");
    let answer = upload(&town, TOOL_KEY, &picture).await;
    assert_eq!(answer.status, 200, "an upload shows nothing by itself: {}", answer.text);
    let id = answer.json()["data"]["id"].as_str().unwrap().to_owned();
    let body = illustrated(HEALTH, &[&id]);
    let held =
        town.refuses("review-needed", "nerima:11", post(&town.nerima(), "api.x.com", "/2/tweets", &[], &body)).await;
    let entry = town.last_entry();
    assert!(entry["findings"].to_string().contains("limit.too-complex"), "{entry}");
    let path = format!("/api/v1/tickets/{}", held.header("sekisho-ticket"));
    let ticket = town.console(sekisho::demo::town::MANAGER_KEY, Method::GET, &path, None).await.json();
    assert!(ticket["post"]["findings"].to_string().contains(&format!("media:{id}")), "{ticket}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_by_url_is_looked_into_like_one_that_is_uploaded() {
    let town = Town::start().await;
    let tool = town.nerima();
    let body =
        |name: &str| json!({ "image_url": format!("https://www.city.example/kouhou/{name}"), "caption": HEALTH });
    let place = exif("", true);
    town.provider.put_on_site("/kouhou/2.jpg", jpeg(&[&[b"Exif\0\0", place.as_slice()].concat()]));
    let path = "/v26.0/17841/media";
    town.refuses("media-metadata", "nerima:10-2", post(&tool, "graph.instagram.com", path, &[], &body("2.jpg"))).await;
    assert!(town.last_entry()["findings"].to_string().contains("media.location"), "{}", town.last_entry());
    // Without the place it is a post like any other: it waits for an approval.
    town.provider.put_on_site("/kouhou/3.jpg", jpeg(&[]));
    town.refuses("approval-missing", "nerima:11", post(&tool, "graph.instagram.com", path, &[], &body("3.jpg"))).await;
    assert_eq!(town.received(), 0, "the provider got nothing");
}
