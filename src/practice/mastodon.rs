//! Mastodon: one instance's REST API (version 4.5).

mod accounts;
mod entities;
mod media;
mod statuses;

use std::collections::BTreeMap;

use http::{Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::exchange::{Answer, Asked};
use super::oauth;
use super::stage::World;

/// Requests that an account may make within the window; practice does not run out of them.
const RATE_LIMIT: u64 = 1_500_000;
/// The window of the rate limit.
const RATE_WINDOW_S: i64 = 300;

/// What the instance knows.
#[derive(Default)]
pub(super) struct State {
    last_id: u64,
    calls: u64,
    statuses: BTreeMap<u64, statuses::Status>,
    scheduled: BTreeMap<u64, Value>,
    media: BTreeMap<u64, media::Media>,
    /// Statuses by account and `Idempotency-Key`.
    accepted: BTreeMap<(String, String), Value>,
    /// What accounts say of themselves, by account.
    profiles: BTreeMap<String, accounts::Profile>,
}

impl State {
    /// A new id, greater than all before it, with the time in its upper bits.
    fn next_id(&mut self, at: Timestamp) -> u64 {
        let since = u64::try_from(at.as_millisecond()).unwrap_or_default();
        self.last_id = (since << 16).max(self.last_id + 1);
        self.last_id
    }
}

/// Answers as Mastodon does.
pub(super) fn answer(world: &mut World, asked: Asked) -> Answer {
    if let Some(answer) = open_to_all(&asked) {
        return answer;
    }
    let at = asked.at;
    world.mastodon.calls += 1;
    let left = RATE_LIMIT.saturating_sub(world.mastodon.calls);
    let answer = match oauth::token(&asked) {
        None => wrong(StatusCode::UNAUTHORIZED, "The access token is invalid"),
        Some(token) => known(world, &account_of(&token), asked),
    };
    let second = at.as_second();
    let reset = at.checked_add(SignedDuration::from_secs(RATE_WINDOW_S - second.rem_euclid(RATE_WINDOW_S)));
    answer
        .with("x-ratelimit-limit", RATE_LIMIT.to_string())
        .with("x-ratelimit-remaining", left.to_string())
        .with("x-ratelimit-reset", stamp(reset.unwrap_or(at)))
}

/// A token `123-abc` belongs to the account 123; of any other, the account's number is made from the token.
fn account_of(token: &str) -> String {
    let number = token.split_once('-').map(|(number, _)| number).filter(|number| is_id(number));
    let made = || {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes());
        digest.as_ref().iter().take(6).fold(0, |number: u64, byte| number << 8 | u64::from(*byte)).to_string()
    };
    number.map_or_else(made, str::to_owned)
}

fn is_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= 19 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A time as Mastodon writes it: with milliseconds.
fn stamp(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// Mastodon's error.
fn wrong(status: StatusCode, error: &str) -> Answer {
    Answer::json(status, &json!({"error": error}))
}

fn missing() -> Answer {
    wrong(StatusCode::NOT_FOUND, "Record not found")
}

fn invalid(what: &str) -> Answer {
    wrong(StatusCode::UNPROCESSABLE_ENTITY, &format!("Validation failed: {what}"))
}

fn done(body: &Value) -> Answer {
    Answer::json(StatusCode::OK, body)
}

/// What needs no token.
fn open_to_all(asked: &Asked) -> Option<Answer> {
    let host = asked.host.as_str();
    match (asked.method.as_str(), asked.path.trim_end_matches('/')) {
        ("POST", "/oauth/token") => {
            let body = json!({
                "access_token": "practice-mastodon-token", "token_type": "Bearer", "scope": "read write",
                "created_at": asked.at.as_second(),
            });
            Some(done(&body))
        }
        ("POST", "/oauth/revoke") => Some(done(&json!({}))),
        ("GET", "/api/v2/instance") => Some(done(&entities::instance(host))),
        ("GET", "/api/v1/instance") => Some(done(&entities::instance_v1(host))),
        ("GET", "/.well-known/nodeinfo") => {
            let rel = "http://nodeinfo.diaspora.software/ns/schema/2.0";
            Some(done(&json!({"links": [{"rel": rel, "href": format!("https://{host}/nodeinfo/2.0")}]})))
        }
        ("GET", "/nodeinfo/2.0") => {
            let software = json!({"name": "mastodon", "version": entities::VERSION});
            Some(done(&json!({"version": "2.0", "software": software, "protocols": ["activitypub"]})))
        }
        _ => None,
    }
}

fn known(world: &mut World, account: &str, asked: Asked) -> Answer {
    let (method, path) = (asked.method.clone(), asked.path.clone());
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).skip(1).collect();
    match (method, segments.as_slice()) {
        (Method::POST, ["v1", "statuses"]) => statuses::create(world, account, &asked),
        (Method::GET, ["v1", "statuses", id]) => statuses::read(world, id, &asked),
        (Method::PUT, ["v1", "statuses", id]) => statuses::edit(world, account, id, &asked),
        (Method::DELETE, ["v1", "statuses", id]) => statuses::delete(world, account, id, &asked),
        (Method::POST, ["v1", "statuses", id, "reblog"]) => statuses::reblog(world, account, id, &asked),
        (Method::POST, ["v1", "statuses", id, _]) => statuses::read(world, id, &asked),
        (Method::PUT, ["v1", "statuses", id, "interaction_policy"]) => statuses::read(world, id, &asked),
        (Method::GET, ["v1", "scheduled_statuses"]) => {
            done(&Value::Array(world.mastodon.scheduled.values().cloned().collect()))
        }
        (method, ["v1", "scheduled_statuses", id]) => statuses::scheduled(world, id, &method, &asked),
        (Method::POST, ["v1" | "v2", "media"]) => media::upload(world, account, asked),
        (method, ["v1", "media", id]) => media::one(world, account, id, &method, &asked),
        (_, ["v1", "accounts" | "profile", ..]) => accounts::answer(world, account, &segments, &asked),
        (Method::POST, ["v1", "featured_tags"]) => {
            let name = asked.parameter("name").unwrap_or_default();
            let id = world.mastodon.next_id(asked.at);
            done(&json!({"id": id.to_string(), "name": name, "statuses_count": 0, "last_status_at": null}))
        }
        (Method::GET, ["v1", "timelines", "home"]) => statuses::timeline(world, account, &asked),
        (Method::GET, ["v1", "timelines", ..] | ["v1", "notifications"]) => done(&json!([])),
        (_, ["v1", "lists" | "collections" | "reports" | "polls" | "conversations", ..]) => {
            let id = world.mastodon.next_id(asked.at);
            done(&json!({"id": id.to_string(), "title": asked.parameter("title").unwrap_or_default()}))
        }
        (_, ["v1", "domain_blocks" | "notifications" | "follow_requests" | "tags" | "featured_tags", ..]) => {
            done(&json!({}))
        }
        _ => wrong(StatusCode::NOT_FOUND, "The page you were looking for doesn't exist."),
    }
}

/// The values of a parameter that is a list: `name[]` of a form, a part or a query, or a JSON array.
fn list(asked: &Asked, name: &str) -> Vec<String> {
    let key = format!("{name}[]");
    let parts = asked.body.parts.iter().map(|part| (part.record.name.clone(), part.value.clone().unwrap_or_default()));
    let pairs = asked.form().into_iter().chain(parts).chain(asked.query.iter().cloned());
    let mut values: Vec<String> = pairs.filter(|(given, _)| *given == key).map(|(_, value)| value).collect();
    if let Some(Value::Array(items)) = asked.json().as_ref().and_then(|json| json.get(name)) {
        values.extend(items.iter().filter_map(Value::as_str).map(str::to_owned));
    }
    values
}
