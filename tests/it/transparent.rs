//! The transparent door: tools that know of no gateway, led here by the office's DNS or routes. The name in their TLS says
//! where they mean to go; everything else is as inside a tunnel.

use http::{Method, Request};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use sekisho::config::Config;
use sekisho::demo::town;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::act::{HEALTH, digest_of_words};
use crate::stage::{Town, words};
use crate::wire::{Answer, converse, named};

fn with_door(config: &mut Config) {
    config.listen.transparent = Some("127.0.0.1:0".parse().unwrap());
}

/// The tool of 練馬区 is known by its address.
fn by_address(config: &mut Config) {
    with_door(config);
    let tool = config.clients.iter_mut().find(|client| client.id.as_str() == "nerima-tool").unwrap();
    tool.sources = vec!["127.0.0.1".parse().unwrap()];
}

async fn door(town: &Town) -> TcpStream {
    TcpStream::connect(town.running.transparent.unwrap()).await.unwrap()
}

/// A post to X as a tool sends it that knows of no gateway, with these lines more.
fn post(host: &str, more: &str) -> String {
    let body = words(HEALTH);
    format!(
        "POST /2/tweets HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer practice-credential\r\n{more}Content-Type: \
         application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn key(key: &str) -> String {
    format!("Sekisho-Client: {key}\r\n")
}

async fn say(town: &Town, bytes: &str) -> Answer {
    converse(named(town, door(town).await, "api.x.com").await.unwrap(), bytes.as_bytes()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_by_the_transparent_door_is_held_then_approved_and_leaves_once() {
    let town = Town::start_with(with_door).await;
    let held = say(&town, &post("api.x.com", &key(town::TOOL_KEY))).await;
    assert_eq!(held.status, 403, "{}", held.text);
    assert!(held.text.contains("nerima:11"), "{}", held.text);
    let entry = town.last_entry();
    assert_eq!((entry["code"].as_str(), town.received()), (Some("approval-missing"), 0));
    town.approve(&digest_of_words(&town, HEALTH).await).await;
    let passed = say(&town, &post("api.x.com", &key(town::TOOL_KEY))).await;
    assert_eq!(passed.status, 201, "{}", passed.text);
    let again = say(&town, &post("api.x.com", &key(town::TOOL_KEY))).await;
    assert_eq!((again.status, town.received(), town.provider.posts().len()), (403, 1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shortened_link_is_refused_there_too_with_the_approval_in_hand() {
    let town = Town::start_with(with_door).await;
    let text = "くわしくは https://bit.ly/abc をご覧ください。";
    town.approve(&digest_of_words(&town, text).await).await;
    let stream = named(&town, door(&town).await, "api.x.com").await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    let driver = tokio::spawn(connection);
    let request = Request::post("/2/tweets").header("host", "api.x.com").header("content-type", "application/json");
    let request =
        request.header("sekisho-client", town::TOOL_KEY).header("authorization", "Bearer practice-credential");
    let reply = sender.send_request(request.body(Full::<bytes::Bytes>::from(words(text))).unwrap()).await.unwrap();
    assert_eq!(reply.status(), 403);
    let said = reply.into_body().collect().await.unwrap().to_bytes();
    driver.abort();
    assert!(String::from_utf8_lossy(&said).contains("短縮"), "{said:?}");
    assert_eq!(town.received(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_name_in_tls_and_the_host_inside_are_one_or_nothing_passes() {
    let town = Town::start_with(by_address).await;
    town.approve_for("nerima-x", sekisho::domain::action::Action::Publish, &digest_of_words(&town, HEALTH).await, 100)
        .await;
    let entries = town.entries("nerima").len();
    let sound = post("api.x.com", "");
    let misled = [
        post("api.line.me", ""),
        post("upload.x.com", ""),
        post("api.x.com:8443", ""),
        post("127.0.0.1", ""),
        sound.replace("POST /2", "POST https://api.line.me/2"),
        sound.replace("POST /2", "POST http://api.x.com/2"),
    ];
    for bytes in misled {
        let answer = say(&town, &bytes).await;
        assert_eq!(answer.status, 421, "{}\n{bytes}", answer.text);
        assert_eq!(answer.json()["code"], "authority-mismatch");
    }
    let lost = say(&town, &sound.replace("POST /2", "POST /emergency/x/2")).await;
    assert_eq!(lost.status, 403, "the emergency endpoint is not here: {}", lost.text);
    assert_eq!(town.received(), 0);
    let answer = say(&town, &sound).await;
    assert_eq!((answer.status, town.received()), (201, 1), "{}", answer.text);
    assert!(town.entries("nerima").len() > entries);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_name_or_with_an_unknown_one_there_is_no_handshake() {
    let town = Town::start_with(by_address).await;
    let mut refused = 0;
    for name in ["www.city.nerima.tokyo.jp", "x.com", "localhost", "xapi.x.com", "127.0.0.1"] {
        let error = named(&town, door(&town).await, name).await.expect_err(name);
        assert!(error.contains("UnrecognisedName"), "{name}: {error}");
        refused += 1;
    }
    assert_eq!(refused, 5);
    // What is no TLS gets no answer at all: not CONNECT, not a request, not the greeting.
    for bytes in
        ["GET / HTTP/1.1\r\nHost: api.x.com\r\n\r\n", "CONNECT api.x.com:443 HTTP/1.1\r\nHost: api.x.com:443\r\n\r\n"]
    {
        let mut stream = door(&town).await;
        stream.write_all(bytes.as_bytes()).await.unwrap();
        let mut said = Vec::new();
        let _ = stream.read_to_end(&mut said).await;
        assert!(!String::from_utf8_lossy(&said).contains("HTTP"), "{said:?}");
    }
    assert_eq!((town.received(), town.entries("nerima").len()), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_stands_for_a_key_only_where_the_registry_says_so_and_only_at_this_door() {
    let town = Town::start_with(by_address).await;
    let held = say(&town, &post("api.x.com", "")).await;
    assert_eq!(
        (held.status, town.last_entry()["client"].as_str().map(str::to_owned)),
        (403, Some("nerima-tool".into()))
    );
    let entries = town.entries("nerima").len();
    // A wrong key is not made good by the address, and another door does not look at it.
    let wrong = say(&town, &post("api.x.com", &key("wrong-key"))).await;
    assert!(wrong.status == 403 && wrong.text.contains("登録されていません"), "{}", wrong.text);
    let reverse = town.tool("unused").send_reverse_with(Method::POST, "/x/2/tweets", &[], Some(words(HEALTH))).await;
    assert!(String::from_utf8_lossy(&reverse.unwrap().body).contains("登録されていません"));
    let bare = post("127.0.0.1", "").replace("/2/tweets", "/x/2/tweets");
    let bare = converse(TcpStream::connect(town.running.gateway).await.unwrap(), bare.as_bytes()).await;
    assert!(bare.text.contains("利用キーが送られていません"), "{}", bare.text);
    assert_eq!((town.received(), town.entries("nerima").len()), (0, entries));

    // Where nobody is registered for the address, no key is no client; where two are, neither is meant.
    let town = Town::start_with(with_door).await;
    let nobody = say(&town, &post("api.x.com", "")).await;
    assert!(nobody.status == 403 && nobody.text.contains("利用キーが送られていません"), "{}", nobody.text);
    let town = Town::start_with(|config| {
        by_address(config);
        let shared = vec!["::ffff:127.0.0.1".parse().unwrap()];
        config.clients.iter_mut().find(|client| client.id.as_str() == "nagano-tool").unwrap().sources = shared;
    })
    .await;
    let two = say(&town, &post("api.x.com", "")).await;
    assert!(two.status == 403 && two.text.contains("利用キーが送られていません"), "{}", two.text);
    assert_eq!(town.received(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_entry_of_a_post_by_this_door_names_tool_and_account() {
    let town = Town::start_with(by_address).await;
    town.approve(&digest_of_words(&town, HEALTH).await).await;
    let passed = say(&town, &post("api.x.com", "Accept: application/json\r\n")).await;
    assert_eq!(passed.status, 201, "{}", passed.text);
    let index =
        passed.text.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("sekisho-entry: ")?.parse().ok());
    let index: u64 = index.unwrap();
    let entry: Value = town.entries("nerima").into_iter().find(|entry| entry["index"] == index).unwrap();
    assert_eq!((&entry["client"], &entry["account"]), (&json!("nerima-tool"), &json!("nerima-x")), "{entry}");
}
