//! X: API v2, and what is left of v1.1.

mod engage;
mod media;
mod posts;
mod problem;

use std::collections::{BTreeMap, BTreeSet};

use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::exchange::{Answer, Asked};
use super::oauth;
use super::stage::World;

/// X's epoch in milliseconds: ids count from here.
const EPOCH_MS: i64 = 1_288_834_974_657;
/// What X says its limits are; practice does not run out of them.
const RATE_LIMIT: u64 = 1_080_000;
/// The window of a rate limit.
const RATE_WINDOW_S: i64 = 900;
/// The window of X's daily limits.
const DAY_S: i64 = 24 * 3600;

/// What X knows.
#[derive(Default)]
pub(super) struct State {
    last_id: u64,
    calls: BTreeMap<String, u64>,
    posts: BTreeMap<u64, posts::Post>,
    media: BTreeMap<u64, media::Media>,
    /// Posts that each user may make in 24 hours, if a scene says so.
    pub(super) allowed: Option<u64>,
    /// Refresh tokens that were exchanged: each is good once.
    spent: BTreeSet<String>,
}

impl State {
    /// A new id, greater than all before it, with the time in its upper bits.
    fn next_id(&mut self, at: Timestamp) -> u64 {
        let since = u64::try_from(at.as_millisecond() - EPOCH_MS).unwrap_or_default();
        self.last_id = (since << 22).max(self.last_id + 1);
        self.last_id
    }
}

/// The caller: X knows the user by the token.
struct Caller {
    user: String,
}

impl Caller {
    /// An access token `123-abc` belongs to the user 123; of any other, the user's number is made from the token.
    fn of(token: &str) -> Self {
        let number = token.split_once('-').map(|(number, _)| number).filter(|number| is_id(number));
        Self { user: number.map_or_else(|| number_of(token).to_string(), str::to_owned) }
    }

    fn profile(&self) -> Value {
        json!({"id": self.user, "name": "練習アカウント", "username": format!("practice_{}", self.user)})
    }
}

pub(super) fn number_of(token: &str) -> u64 {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes());
    digest.as_ref().iter().take(6).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Answers as X does.
pub(super) fn answer(world: &mut World, asked: Asked) -> Answer {
    if let Some(answer) = sign_in(&mut world.x, &asked) {
        return answer;
    }
    let old = asked.path.starts_with("/1.1/");
    let Some(token) = oauth::token(&asked) else {
        return if old {
            problem::old(StatusCode::UNAUTHORIZED, 32, "Could not authenticate you.")
        } else {
            problem::unauthorized()
        };
    };
    let caller = Caller::of(&token);
    let (at, route) = (asked.at, route_name(&asked));
    let used = world.x.calls.entry(format!("{} {route}", caller.user)).or_default();
    *used += 1;
    let used = *used;
    let limit = world.x.allowed.unwrap_or(RATE_LIMIT);
    if used > limit {
        return problem::plain(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests", "Too Many Requests");
    }
    let answer = if old { answer_old(world, &caller, asked) } else { answer_v2(world, &caller, asked) };
    let second = at.as_second();
    answer
        .with("x-rate-limit-limit", RATE_LIMIT.to_string())
        .with("x-rate-limit-remaining", RATE_LIMIT.saturating_sub(used).to_string())
        .with("x-rate-limit-reset", (second - second.rem_euclid(RATE_WINDOW_S) + RATE_WINDOW_S).to_string())
        .with("x-app-limit-24hour-reset", day_ends(second).to_string())
        .with("x-user-limit-24hour-reset", day_ends(second).to_string())
        .with("x-app-limit-24hour-limit", RATE_LIMIT.to_string())
        .with("x-app-limit-24hour-remaining", RATE_LIMIT.saturating_sub(used).to_string())
        .with("x-user-limit-24hour-limit", limit.to_string())
        .with("x-user-limit-24hour-remaining", limit.saturating_sub(used).to_string())
        .with("api-version", "2.166")
        .with("x-transaction-id", format!("{:016x}", world.x.last_id ^ used))
}

/// The end of the day (UTC) in which `second` lies.
fn day_ends(second: i64) -> i64 {
    second - second.rem_euclid(DAY_S) + DAY_S
}

/// The route with its ids left out: what a rate limit counts.
fn route_name(asked: &Asked) -> String {
    let segments = asked.segments().into_iter().map(|segment| if is_id(segment) { ":id" } else { segment });
    format!("{} /{}", asked.method, segments.collect::<Vec<_>>().join("/"))
}

fn is_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= 19 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn answer_v2(world: &mut World, caller: &Caller, asked: Asked) -> Answer {
    let method = asked.method.clone();
    let path = asked.path.clone();
    let segments = path.split('/').filter(|segment| !segment.is_empty()).collect::<Vec<_>>();
    match (method, segments.as_slice()) {
        (Method::POST, ["2", "tweets"]) => posts::create(world, caller, &asked),
        (Method::GET, ["2", "tweets"]) => posts::look_up(world, asked.query("ids").unwrap_or_default()),
        (Method::GET, ["2", "tweets", id]) => posts::read(world, id),
        (Method::DELETE, ["2", "tweets", id]) => posts::delete(world, caller, id),
        (Method::PUT, ["2", "tweets", id, "hidden"]) => posts::hide(world, id, &asked),
        (Method::GET, ["2", "users", "me"]) => found(caller.profile()),
        (Method::GET, ["2", "users", id, "tweets"]) => posts::timeline(world, id),
        (Method::GET, ["2", "users", id]) if is_id(id) => found(Caller { user: (*id).to_owned() }.profile()),
        (Method::POST, ["2", "users", id, collection]) => engage::add(world, caller, id, collection, &asked),
        (Method::DELETE, ["2", "users", id, collection, _]) => engage::remove(caller, id, collection),
        (Method::POST, ["2", "dm_conversations", ..]) => engage::message(world, caller, &segments, &asked),
        (Method::DELETE, ["2", "dm_events", _]) => found(json!({"deleted": true})),
        (_, ["2", "media", ..]) => media::answer(world, caller, asked),
        _ => problem::old(StatusCode::NOT_FOUND, 34, "Sorry, that page does not exist."),
    }
}

fn answer_old(world: &mut World, caller: &Caller, asked: Asked) -> Answer {
    match asked.path.as_str() {
        "/1.1/account/verify_credentials.json" => {
            let name = format!("practice_{}", caller.user);
            let id = caller.user.parse::<u64>().unwrap_or_default();
            let user = json!({"id": id, "id_str": caller.user, "name": "練習アカウント", "screen_name": name});
            Answer::json(StatusCode::OK, &user)
        }
        "/1.1/media/upload.json" | "/1.1/media/metadata/create.json" => media::answer(world, caller, asked),
        path if path.starts_with("/1.1/media/") => {
            problem::old(StatusCode::NOT_FOUND, 34, "Sorry, that page does not exist.")
        }
        _ => problem::old(
            StatusCode::FORBIDDEN,
            453,
            "You currently have access to a subset of X API V2 endpoints and limited v1.1 endpoints (e.g. media post, oauth) only.",
        ),
    }
}

/// The routes that hand out credentials.
fn sign_in(x: &mut State, asked: &Asked) -> Option<Answer> {
    if asked.method != Method::POST {
        return None;
    }
    let grant = asked.parameter("grant_type").unwrap_or_default();
    match asked.path.as_str() {
        "/2/oauth2/token" if matches!(grant.as_str(), "authorization_code" | "refresh_token") => {
            let spent = asked.parameter("refresh_token").is_some_and(|token| !x.spent.insert(token));
            if spent || asked.parameter("refresh_token").as_deref() == Some("revoked") {
                let description = "Value passed for the token was invalid.";
                let body = json!({"error": "invalid_request", "error_description": description});
                return Some(Answer::json(StatusCode::BAD_REQUEST, &body));
            }
            let seed = asked.parameter("code").or_else(|| asked.parameter("refresh_token")).unwrap_or_default();
            let body = json!({
                "token_type": "bearer", "expires_in": 7200, "access_token": format!("practice{:x}", number_of(&seed)),
                "scope": "tweet.read tweet.write users.read media.write offline.access",
                "refresh_token": format!("refresh{:x}", number_of(&format!("{seed}+"))),
            });
            Some(Answer::json(StatusCode::OK, &body))
        }
        "/oauth2/token" if grant == "client_credentials" => {
            Some(Answer::json(StatusCode::OK, &json!({"token_type": "bearer", "access_token": "practice-app-only"})))
        }
        "/2/oauth2/revoke" => Some(Answer::json(StatusCode::OK, &json!({"revoked": true}))),
        "/2/oauth2/token" | "/oauth2/token" => {
            let description = "Missing required parameter [grant_type].";
            let body = json!({"error": "invalid_request", "error_description": description});
            Some(Answer::json(StatusCode::BAD_REQUEST, &body))
        }
        "/oauth/request_token" | "/oauth/access_token" => Some(match oauth::token(asked) {
            None => problem::old(StatusCode::UNAUTHORIZED, 32, "Could not authenticate you."),
            Some(_) => Answer::text(
                "text/html;charset=utf-8",
                "oauth_token=1000000001-practice&oauth_token_secret=practice-token-secret&oauth_callback_confirmed=true".to_owned(),
            ),
        }),
        _ => None,
    }
}

fn found(data: Value) -> Answer {
    Answer::json(StatusCode::OK, &json!({"data": data}))
}
