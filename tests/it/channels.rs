//! Channels: each provider's ways to publish, one file a provider, and the table that walks every route of each.

mod bluesky;
mod by_hand;
mod examples;
mod mastodon;
mod table;
mod youtube;
mod youtube_batch;

use http::Method;
use sekisho::demo::town::MANAGER_KEY;
use serde_json::{Value, json};

use crate::stage::Town;
use crate::wire::{Answer, converse, tunnel};

/// The boundary of multipart bodies in these scenes.
pub const BOUNDARY: &str = "sekisho-scene-boundary";

/// A request as it goes over the wire.
#[derive(Clone, Debug)]
pub struct Wire {
    /// The method.
    pub method: String,
    /// The provider's host.
    pub host: String,
    /// Path and query.
    pub target: String,
    /// Further headers.
    pub headers: Vec<(String, String)>,
    /// The body's type; none: no body.
    pub content_type: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

impl Wire {
    /// A request without a body.
    pub fn new(method: &str, host: &str, target: &str) -> Self {
        Self {
            method: method.to_owned(),
            host: host.to_owned(),
            target: target.to_owned(),
            headers: Vec::new(),
            content_type: None,
            body: Vec::new(),
        }
    }

    /// The same with a JSON body.
    pub fn json(mut self, body: &Value) -> Self {
        self.content_type = Some("application/json".to_owned());
        self.body = body.to_string().into_bytes();
        self
    }

    /// The same with a form.
    pub fn form(mut self, pairs: &[(&str, &str)]) -> Self {
        self.content_type = Some("application/x-www-form-urlencoded".to_owned());
        self.body = encoded(pairs).into_bytes();
        self
    }

    /// The same with a multipart body; `file` is the name and the bytes of a picture.
    pub fn multipart(mut self, pairs: &[(&str, &str)], file: Option<(&str, &[u8])>) -> Self {
        let mut body = Vec::new();
        for (name, value) in pairs {
            let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            body.extend_from_slice(head.as_bytes());
        }
        if let Some((name, bytes)) = file {
            let head = format!(
                "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"p.png\"\r\nContent-Type: \
                 image/png\r\n\r\n"
            );
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(bytes);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
        self.content_type = Some(format!("multipart/form-data; boundary={BOUNDARY}"));
        self.body = body;
        self
    }

    /// The same with words and a medium, as `multipart/related`.
    pub fn related(mut self, words: &Value, medium: &[u8]) -> Self {
        let head = format!(
            "--{BOUNDARY}\r\nContent-Type: application/json\r\n\r\n{words}\r\n--{BOUNDARY}\r\nContent-Type: \
             application/octet-stream\r\n\r\n"
        );
        self.content_type = Some(format!("multipart/related; boundary={BOUNDARY}"));
        self.body = [head.as_bytes(), medium, format!("\r\n--{BOUNDARY}--\r\n").as_bytes()].concat();
        self
    }

    /// The same with bytes of their own type.
    pub fn raw(mut self, content_type: &str, body: &[u8]) -> Self {
        self.content_type = Some(content_type.to_owned());
        self.body = body.to_vec();
        self
    }

    /// The same with a header more.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sends it through the forward proxy.
    pub async fn send(&self, town: &Town, key: &str) -> Answer {
        let io = tunnel(town, key, &self.host, &self.host).await.unwrap();
        let mut head =
            format!("{} {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.method, self.target, self.host);
        if !self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization")) {
            head.push_str("Authorization: Bearer practice-credential\r\n");
        }
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some(content_type) = &self.content_type {
            head.push_str(&format!("Content-Type: {content_type}\r\nContent-Length: {}\r\n", self.body.len()));
        }
        let mut bytes = format!("{head}\r\n").into_bytes();
        bytes.extend_from_slice(&self.body);
        converse(io, &bytes).await
    }
}

/// Pairs as a form or a query.
pub fn encoded(pairs: &[(&str, &str)]) -> String {
    sekisho::recognise::matcher::encode_pairs(pairs.iter().copied())
}

/// A header of an answer; empty if it is not there.
pub fn header(answer: &Answer, name: &str) -> String {
    let lines = answer.text.split("\r\n\r\n").next().unwrap_or_default().split("\r\n");
    let found = lines.filter_map(|line| line.split_once(':')).find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
}

/// Asserts that a request is refused with this code and clause, that no provider received anything, and that exactly
/// one entry was made, which names both.
pub async fn refused(town: &Town, key: &str, wire: &Wire, code: &str, clause: &str) -> Answer {
    let (received, entries) = (town.received(), town.entries("nerima").len());
    let answer = wire.send(town, key).await;
    assert!((400..500).contains(&answer.status), "{} {}", answer.status, answer.text);
    assert_eq!(town.received(), received, "a provider received something: {wire:?}");
    let now = town.entries("nerima");
    assert_eq!(now.len(), entries + 1, "one entry for one refusal");
    let entry = now.last().unwrap();
    assert_eq!(entry["code"], code, "{entry} {}", answer.text);
    assert!(entry["clauses"].as_array().unwrap().iter().any(|cited| cited == clause), "{clause}: {entry}");
    assert!(answer.text.contains(clause), "{}", answer.text);
    answer
}

/// 練馬区's manager approves what a held request asked for, and it is sent again; the answer.
pub async fn held_then_approved(town: &Town, key: &str, wire: &Wire) -> Answer {
    let held = refused(town, key, wire, "approval-missing", "nerima:11").await;
    approve(town, MANAGER_KEY, &held).await;
    let passed = wire.send(town, key).await;
    assert_eq!(header(&passed, "sekisho-decision"), "permitted", "{}", passed.text);
    passed
}

/// What an approver says of whatever is asked for: why, and that everything was looked at.
pub fn remarks() -> Value {
    json!({ "reason": "期限切れ", "declares": ["people", "place", "location", "third-party", "no-endorsement"] })
}

/// A manager approves the ticket that a held request was given.
pub async fn approve(town: &Town, manager: &str, held: &Answer) {
    let ticket = format!("/api/v1/tickets/{}/approve", header(held, "sekisho-ticket"));
    let reply = town.console(manager, Method::POST, &ticket, Some(json!({ "remarks": remarks() }))).await;
    assert_eq!(reply.status, 200, "{ticket} {:?} {}", reply.json(), held.text);
}
