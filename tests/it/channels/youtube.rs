//! YouTube: words and film in one body or in a session, privacy flips, comments, and addresses that stay with the gate.

use sekisho::demo::town::{MANAGER_KEY, NAGANO_TOOL_KEY, TOOL_KEY};
use sekisho::domain::media::Sha256;
use sekisho::practice::fault::{Fault, Trouble, When};
use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::{Wire, approve, header, held_then_approved, refused};
use crate::stage::Town;
use crate::wire::{Answer, converse, named, plain};

const HOST: &str = "youtube.googleapis.com";
const UPLOAD: &str = "/upload/youtube/v3/videos";
const OPEN: &str = "/upload/youtube/v3/videos?uploadType=resumable&part=snippet,status&alt=json";
/// The step in which parts of a session are sent.
const STEP: usize = 256 * 1024;

fn film(seed: u8) -> Vec<u8> {
    (0..STEP * 2 + 1000).map(|at| u8::try_from(at % 251).unwrap() ^ seed).collect()
}

fn words(privacy: &str) -> Value {
    json!({
        "snippet": { "title": "練馬区の防災訓練", "description": "10月1日に区役所で行いました。", "tags": ["防災"] },
        "status": { "privacyStatus": privacy },
    })
}

/// The opening of a session, whose film may be promised.
fn opening(privacy: &str, promised: Option<&[u8]>) -> Wire {
    let wire = Wire::new("POST", HOST, OPEN).json(&words(privacy)).with("X-Upload-Content-Type", "video/mp4");
    match promised {
        Some(film) => wire
            .with("X-Upload-Content-Length", &film.len().to_string())
            .with("Sekisho-Media-Sha256", &Sha256::of(film).hex()),
        None => wire,
    }
}

fn related(words: &Value, film: &[u8]) -> Wire {
    Wire::new("POST", HOST, &format!("{UPLOAD}?uploadType=multipart&part=snippet&part=status")).related(words, film)
}

/// The path of the session that an answer opened.
fn session(answer: &Answer) -> String {
    let address = header(answer, "location");
    address.strip_prefix("https://youtube.googleapis.com").unwrap_or_else(|| panic!("{address}")).to_owned()
}

fn put(path: &str, film: &[u8], from: usize, to: usize, total: &str) -> Wire {
    let range = format!("bytes {from}-{}/{total}", to - 1);
    Wire::new("PUT", HOST, path).raw("video/mp4", &film[from..to]).with("Content-Range", &range)
}

fn ask(path: &str, total: usize) -> Wire {
    Wire::new("PUT", HOST, path).raw("video/mp4", b"").with("Content-Range", &format!("bytes */{total}"))
}

fn flip(id: &str, privacy: &str) -> Wire {
    let body = json!({ "id": id, "status": { "privacyStatus": privacy } });
    Wire::new("PUT", HOST, "/youtube/v3/videos?part=status").json(&body)
}

/// A film that was approved and sent as private; its id.
async fn private(town: &Town, film: &[u8]) -> String {
    let path = session(&held_then_approved(town, TOOL_KEY, &opening("private", None)).await);
    let whole = put(&path, film, 0, film.len(), &film.len().to_string()).send(town, TOOL_KEY).await;
    assert_eq!(whole.status, 200, "{}", whole.text);
    whole.json()["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_decision_is_made_on_the_words_and_the_promised_film_follows_in_parts() {
    let town = Town::start().await;
    let film = film(0);
    let total = film.len().to_string();
    let held = refused(&town, TOOL_KEY, &opening("public", Some(&film)), "approval-missing", "nerima:11").await;
    assert!(held.json()["error"]["message"].as_str().unwrap().contains("練馬区SNS活用ガイドライン第11条"));
    assert_eq!(held.json()["error"]["errors"][0]["reason"], "forbidden");
    approve(&town, MANAGER_KEY, &held).await;
    // Other words, another film, nobody's film: not what was approved.
    let mut other = opening("public", Some(&film));
    other.body = String::from_utf8(other.body).unwrap().replace("10月", "11月").into_bytes();
    refused(&town, TOOL_KEY, &other, "approval-missing", "nerima:11").await;
    let changed: Vec<u8> = film.iter().map(|byte| byte ^ 1).collect();
    refused(&town, TOOL_KEY, &opening("public", Some(&changed)), "approval-missing", "nerima:11").await;
    refused(&town, TOOL_KEY, &opening("public", None), "media-unseen", "sekisho:promise-2").await;

    let opened = opening("public", Some(&film)).send(&town, TOOL_KEY).await;
    assert_eq!(opened.status, 200, "{}", opened.text);
    let path = session(&opened);
    let first = put(&path, &film, 0, STEP, &total).send(&town, TOOL_KEY).await;
    assert_eq!((first.status, header(&first, "range")), (308, format!("bytes=0-{}", STEP - 1)), "{}", first.text);
    let town = town.restart().await;
    let asked = ask(&path, film.len()).send(&town, TOOL_KEY).await;
    assert_eq!(asked.status, 308, "{}", asked.text);
    assert!(town.provider.posts().is_empty());
    // The second part goes on, the last one is another's: it does not leave, and nothing becomes public.
    let second = put(&path, &film, STEP, STEP * 2, &total).send(&town, TOOL_KEY).await;
    assert_eq!(second.status, 308, "{}", second.text);
    let wrong = put(&path, &changed, STEP * 2, film.len(), &total);
    refused(&town, TOOL_KEY, &wrong, "media-changed", "sekisho:promise-2").await;
    let early = put(&path, &film, STEP * 2, STEP * 2 + 10, &(STEP * 2 + 10).to_string());
    refused(&town, TOOL_KEY, &early, "media-changed", "sekisho:promise-2").await;
    refused(&town, TOOL_KEY, &ask(&path, STEP), "media-changed", "sekisho:promise-2").await;
    let open_ended = put(&path, &film, STEP * 2, film.len(), "*");
    refused(&town, TOOL_KEY, &open_ended, "media-range", "sekisho:promise-2").await;
    let last = put(&path, &film, STEP * 2, film.len(), &total).send(&town, TOOL_KEY).await;
    assert_eq!(last.status, 200, "{}", last.text);
    let posts = town.provider.posts();
    assert_eq!((posts.len(), posts[0].media_sha256.clone()), (1, vec![Sha256::of(&film).hex()]));
    let outcome = town.last_entry();
    assert_eq!(outcome["kind"], "outcome");
    // The session is over, and the approval is used up.
    let more = put(&path, &film, 0, STEP, &total);
    refused(&town, TOOL_KEY, &more, "media-complete", "sekisho:promise-2").await;
    refused(&town, TOOL_KEY, &opening("public", Some(&film)), "approval-missing", "nerima:11").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_writes_to_a_session_that_is_not_theirs_or_out_of_its_order() {
    let town = Town::start().await;
    let film = film(1);
    let total = film.len().to_string();
    let path = session(&held_then_approved(&town, TOOL_KEY, &opening("private", None)).await);
    let foreign = put(&path, &film, 0, STEP, &total).send(&town, NAGANO_TOOL_KEY).await;
    assert_eq!((foreign.status, town.received()), (403, 1), "{}", foreign.text);
    assert!(foreign.text.contains("別のアカウント"), "{}", foreign.text);
    let unknown = put(&format!("{UPLOAD}?uploadType=resumable&upload_id=guessed"), &film, 0, STEP, &total);
    refused(&town, TOOL_KEY, &unknown, "unknown-media", "sekisho:promise-2").await;
    let ahead = put(&path, &film, STEP, STEP * 2, &total);
    refused(&town, TOOL_KEY, &ahead, "media-range", "sekisho:promise-2").await;
    assert_eq!(put(&path, &film, 0, STEP, &total).send(&town, TOOL_KEY).await.status, 308);
    let again = put(&path, &film, 0, STEP, &total);
    refused(&town, TOOL_KEY, &again, "media-range", "sekisho:promise-2").await;
    let lies = Wire::new("PUT", HOST, &path).raw("video/mp4", b"abc").with("Content-Range", "bytes 0-9/10");
    refused(&town, TOOL_KEY, &lies, "upload-step", "sekisho:promise-3").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_unknown_outcome_counts_only_as_far_as_the_provider_says_it_arrived() {
    let town = Town::start().await;
    let film = film(2);
    let total = film.len().to_string();
    let opened = held_then_approved(&town, TOOL_KEY, &opening("public", Some(&film))).await;
    let path = session(&opened);
    // It arrived, but the answer was lost.
    town.provider.order(Fault::next(When::AfterBody, Trouble::Truncated));
    put(&path, &film, 0, STEP * 2, &total).send(&town, TOOL_KEY).await;
    let changed: Vec<u8> = film.iter().map(|byte| byte ^ 1).collect();
    let other = put(&path, &changed, 0, STEP, &total);
    refused(&town, TOOL_KEY, &other, "media-range", "sekisho:promise-2").await;
    let asked = ask(&path, film.len()).send(&town, TOOL_KEY).await;
    assert_eq!(asked.status, 308, "{}", asked.text);
    let last = put(&path, &film, STEP * 2, film.len(), &total).send(&town, TOOL_KEY).await;
    assert_eq!(last.status, 200, "{}", last.text);
    assert_eq!(town.provider.posts()[0].media_sha256, [Sha256::of(&film).hex()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_film_becomes_public_only_with_an_approval_of_its_own_and_an_unseen_one_never() {
    let town = Town::start().await;
    let id = private(&town, &film(3)).await;
    assert!(town.provider.posts().is_empty());
    let held = refused(&town, TOOL_KEY, &flip(&id, "public"), "approval-missing", "nerima:11").await;
    assert_eq!(town.last_entry()["action"], "publish");
    refused(&town, TOOL_KEY, &flip("dQw4w9WgXcQ", "public"), "unknown-media", "sekisho:promise-3").await;
    // A request that names the status and says nothing of it would make the video public, too.
    let silent = Wire::new("PUT", HOST, "/youtube/v3/videos?part=snippet&part=status")
        .json(&json!({ "id": "dQw4w9WgXcQ", "snippet": { "title": "練馬区のお知らせ", "categoryId": "22" } }));
    refused(&town, TOOL_KEY, &silent, "unknown-media", "sekisho:promise-3").await;
    let foreign = flip(&id, "public").send(&town, NAGANO_TOOL_KEY).await;
    assert!(foreign.status == 403 && foreign.text.contains("別のアカウント"), "{}", foreign.text);
    let other = private(&town, &film(4)).await;
    approve(&town, MANAGER_KEY, &held).await;
    refused(&town, TOOL_KEY, &flip(&other, "public"), "approval-missing", "nerima:11").await;

    let passed = flip(&id, "public").send(&town, TOOL_KEY).await;
    assert_eq!(passed.status, 200, "{}", passed.text);
    let posts = town.provider.posts();
    assert_eq!((posts.len(), posts[0].id.as_str(), posts[0].action), (1, id.as_str(), "publish"));
    refused(&town, TOOL_KEY, &flip(&id, "public"), "approval-missing", "nerima:11").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn words_and_film_in_one_body_are_one_post() {
    let town = Town::start().await;
    let (film, words) = (b"\x00a film\r\n--not a boundary".to_vec(), words("public"));
    let held = refused(&town, TOOL_KEY, &related(&words, &film), "approval-missing", "nerima:11").await;
    approve(&town, MANAGER_KEY, &held).await;
    refused(&town, TOOL_KEY, &related(&words, b"another film"), "approval-missing", "nerima:11").await;
    let passed = related(&words, &film).send(&town, TOOL_KEY).await;
    assert_eq!(passed.status, 200, "{}", passed.text);
    let posts = town.provider.posts();
    assert_eq!((posts.len(), posts[0].media_sha256.clone()), (1, vec![Sha256::of(&film).hex()]));
    assert!(posts[0].text.contains("防災訓練"));
    // Its own comment goes on below its own film; one below another's film is a reply to somebody.
    let comment = |video: &str| {
        let top = json!({ "snippet": { "textOriginal": "次回は11月の予定です。" } });
        Wire::new("POST", HOST, "/youtube/v3/commentThreads?part=snippet")
            .json(&json!({ "snippet": { "videoId": video, "topLevelComment": top } }))
    };
    refused(&town, TOOL_KEY, &comment("dQw4w9WgXcQ"), "individual-reply", "nerima:14").await;
    assert_eq!(held_then_approved(&town, TOOL_KEY, &comment(&posts[0].id)).await.status, 200);
    let gone = Wire::new("DELETE", HOST, &format!("/youtube/v3/videos?id={}", posts[0].id));
    assert_eq!(held_then_approved(&town, TOOL_KEY, &gone).await.status, 204);
    assert!(town.provider.posts()[0].deleted);
    let batch = Wire::new("POST", HOST, "/batch").raw("multipart/mixed; boundary=b", b"--b--");
    refused(&town, TOOL_KEY, &batch, "batch-shape", "sekisho:promise-3").await;
}

/// A request as it is on the wire.
fn written(method: &str, host: &str, target: &str, wire: &Wire) -> Vec<u8> {
    let mut head = format!(
        "{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nSekisho-Client: {TOOL_KEY}\r\n\
         Authorization: Bearer practice-credential\r\nContent-Type: {}\r\nContent-Length: {}\r\n",
        wire.content_type.as_deref().unwrap(),
        wire.body.len()
    );
    for (name, value) in &wire.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    [format!("{head}\r\n").as_bytes(), wire.body.as_slice()].concat()
}

/// The opening of a session, approved and not sent yet.
async fn approved(town: &Town) -> Wire {
    let wire = opening("private", None);
    let held = refused(town, TOOL_KEY, &wire, "approval-missing", "nerima:11").await;
    approve(town, MANAGER_KEY, &held).await;
    wire
}

#[tokio::test(flavor = "multi_thread")]
async fn at_a_reverse_door_the_session_stays_with_the_gate() {
    let town = Town::start().await;
    let (host, wire) = ("gate.example:8443", approved(&town).await);
    let asked = written("POST", host, &format!("/youtube{OPEN}"), &wire);
    let opened = converse(plain(&town).await, &asked).await;
    assert_eq!(opened.status, 200, "{}", opened.text);
    let address = header(&opened, "location");
    let target = address.strip_prefix("http://gate.example:8443").unwrap_or_else(|| panic!("{address}"));
    assert!(target.starts_with("/youtube.googleapis.com/upload/youtube/v3/videos?"), "{target}");
    let done = converse(plain(&town).await, &written("PUT", host, target, &put(target, b"film", 0, 4, "4"))).await;
    assert_eq!((done.status, town.received()), (200, 2), "{}", done.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_transparent_door_the_address_stays_the_providers_own() {
    let any = "127.0.0.1:0".parse().unwrap();
    let town = Town::start_with(|config| config.listen.transparent = Some(any)).await;
    let wire = approved(&town).await;
    let door = async || TcpStream::connect(town.running.transparent.unwrap()).await.unwrap();
    let asked = written("POST", HOST, OPEN, &wire);
    let opened = converse(named(&town, door().await, HOST).await.unwrap(), &asked).await;
    assert_eq!(opened.status, 200, "{}", opened.text);
    // The tool knows of no gateway: it goes on to the provider, and is led here again.
    let path = session(&opened);
    let last = written("PUT", HOST, &path, &put(&path, b"film", 0, 4, "4"));
    let done = converse(named(&town, door().await, HOST).await.unwrap(), &last).await;
    assert_eq!((done.status, town.received()), (200, 2), "{}", done.text);
}
