//! Google's `/batch`: each request in it is judged as if it had come alone, and the whole is refused if one is.

use sekisho::demo::town::{MANAGER_KEY, TOOL_KEY};
use serde_json::{Value, json};

use super::{Wire, approve, header, held_then_approved, refused};
use crate::act::outcomes;
use crate::stage::Town;

const HOST: &str = "youtube.googleapis.com";
const NOTICE: &str = "防災訓練の動画をまとめました。";

/// A request as google-api-python-client writes it into a part: lines end in LF, the credential is in it once more.
fn part(method: &str, target: &str, body: Option<&Value>) -> String {
    let head = format!("{method} {target} HTTP/1.1\nContent-Type: application/json\nMIME-Version: 1.0\n");
    let more = "accept: application/json\naccept-encoding: gzip, deflate\nuser-agent: (gzip)\n\
                authorization: Bearer practice-credential\nHost: youtube.googleapis.com\n";
    match body {
        Some(body) => format!("{head}{more}content-length: {}\n\n{body}", body.to_string().len()),
        None => format!("{head}{more}\n"),
    }
}

fn playlist(title: &str) -> String {
    let body = json!({ "snippet": { "title": title }, "status": { "privacyStatus": "public" } });
    part("POST", "/youtube/v3/playlists?part=snippet%2Cstatus&alt=json", Some(&body))
}

fn batch(parts: &[String]) -> Wire {
    let boundary = "===============7330845974216740156==";
    let mut body = String::new();
    for (number, part) in parts.iter().enumerate() {
        body.push_str(&format!(
            "--{boundary}\nContent-Type: application/http\nMIME-Version: 1.0\nContent-Transfer-Encoding: \
             binary\nContent-ID: <0b1f9d7e + {}>\n\n{part}\n",
            number + 1
        ));
    }
    body.push_str(&format!("--{boundary}--"));
    let mut wire = Wire::new("POST", HOST, "/batch/youtube/v3");
    wire.content_type = Some(format!("multipart/mixed; boundary=\"{boundary}\""));
    wire.body = body.into_bytes();
    wire
}

#[tokio::test(flavor = "multi_thread")]
async fn two_playlists_in_one_batch_are_one_thing_to_approve() {
    let town = Town::start().await;
    let read = part("GET", "/youtube/v3/channels?part=id&mine=true&alt=json", None);
    let whole = batch(&[playlist(NOTICE), read, playlist("図書館の催し")]);
    let held = refused(&town, TOOL_KEY, &whole, "approval-missing", "nerima:11").await;
    assert_eq!(town.last_entry()["action"], "publish");
    approve(&town, MANAGER_KEY, &held).await;
    let other = batch(&[playlist("別の題"), playlist("図書館の催し")]);
    refused(&town, TOOL_KEY, &other, "approval-missing", "nerima:11").await;

    let passed = whole.send(&town, TOOL_KEY).await;
    assert_eq!(header(&passed, "sekisho-decision"), "permitted", "{}", passed.text);
    assert_eq!(passed.text.matches("HTTP/1.1 200 OK").count(), 1 + 3, "each part has its answer: {}", passed.text);
    assert!(passed.text.contains("Content-ID: <response-0b1f9d7e + 3>"), "{}", passed.text);
    let request = town.provider.requests().pop().unwrap();
    let left = String::from_utf8_lossy(request.body.as_deref().unwrap()).into_owned();
    assert!(left.contains(NOTICE) && left.contains("図書館の催し") && !left.contains("7330845974216740156"), "{left}");
    assert!(!left.contains("practice-credential") && !left.to_lowercase().contains("user-agent"), "{left}");
    let index = header(&passed, "sekisho-entry").parse().unwrap();
    assert_eq!(outcomes(&town, index)[0]["outcome"], "published");
    refused(&town, TOOL_KEY, &whole, "approval-missing", "nerima:11").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_refused_request_refuses_the_whole_and_what_cannot_be_judged_is_refused_by_name() {
    let town = Town::start().await;
    let answer = json!({ "snippet": { "textOriginal": "ありがとうございます。", "parentId": "Ug1" } });
    let answer = part("POST", "/youtube/v3/comments?part=snippet", Some(&answer));
    refused(&town, TOOL_KEY, &batch(&[playlist(NOTICE), answer]), "individual-reply", "nerima:14").await;
    let video = json!({ "snippet": { "title": "a" }, "status": { "privacyStatus": "private" } });
    let private = part("POST", "/upload/youtube/v3/videos?uploadType=resumable&part=snippet,status", Some(&video));
    let fine = playlist(NOTICE);
    let cases = [
        (private, "batch-step"),
        (fine.replace("practice-credential", "another"), "batch-credential"),
        (fine.replace("&alt=json", "&access_token=another"), "batch-credential"),
        (fine.replace("Host: youtube.googleapis.com", "Host: www.googleapis.com"), "batch-shape"),
        (fine.replace("user-agent: (gzip)", "x-http-method-override: DELETE"), "batch-shape"),
        (fine.replace("content-length: ", "content-length: 9"), "batch-shape"),
        (fine.replace("application/json\nMIME", "application/x-www-form-urlencoded\nMIME"), "batch-shape"),
        (fine.replace("/youtube/v3/playlists", "/drive/v3/files"), "unknown-route"),
        (fine.replace("/youtube/v3/playlists", "/batch"), "unknown-route"),
        (fine.replace("POST /", "POST https://youtube.googleapis.com/"), "path-shape"),
        ("nonsense".to_owned(), "batch-shape"),
    ];
    for (part, code) in cases {
        let answer = refused(&town, TOOL_KEY, &batch(&[fine.clone(), part]), code, "sekisho:promise-3").await;
        assert!(answer.text.contains("2件のうち2件目"), "{}", answer.text);
    }
    let whole = String::from_utf8(batch(std::slice::from_ref(&fine)).body).unwrap();
    let broken = [
        whole.trim_end_matches("--").to_owned(),
        format!("preamble\n{whole}"),
        format!("{whole}\nepilogue"),
        whole.replace("Content-Type: application/http", "Content-Type: text/plain"),
        whole.replace("binary", "base64"),
        String::new(),
    ];
    for body in broken {
        let wire = Wire { body: body.clone().into_bytes(), ..batch(&[]) };
        refused(&town, TOOL_KEY, &wire, "batch-shape", "sekisho:promise-3").await;
    }
    assert_eq!(town.received(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_whose_requests_the_provider_refuses_is_not_called_published() {
    let town = Town::start().await;
    // The video is not there.
    let body = json!({ "id": "practice-video-9", "snippet": { "title": NOTICE, "categoryId": "22" } });
    let edit = batch(&[part("PUT", "/youtube/v3/videos?part=snippet", Some(&body))]);
    let passed = held_then_approved(&town, TOOL_KEY, &edit).await;
    assert!(passed.text.contains("HTTP/1.1 404 Not Found"), "{}", passed.text);
    let index = header(&passed, "sekisho-entry").parse().unwrap();
    assert_eq!(outcomes(&town, index)[0]["outcome"], "refused-by-provider");
    assert_eq!(town.provider.posts().len(), 0);
}
