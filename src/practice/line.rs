//! LINE: the Messaging API.

mod menus;
mod messages;

use std::collections::BTreeMap;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::exchange::{Answer, Asked};
use super::stage::World;

/// What LINE knows.
#[derive(Default)]
pub(super) struct State {
    /// Request ids by channel and retry key.
    accepted: BTreeMap<(String, String), (String, Value)>,
    menus: BTreeMap<String, menus::Menu>,
    default_menu: Option<String>,
    aliases: BTreeMap<String, String>,
    /// Messages that counted against the monthly quota.
    used: u64,
    last_message: u64,
}

/// Answers as LINE does; every answer names its request.
pub(super) fn answer(world: &mut World, asked: &Asked) -> Answer {
    let request_id = Uuid::new_v4().to_string();
    respond(world, asked, &request_id).with("x-line-request-id", request_id)
}

fn respond(world: &mut World, asked: &Asked, request_id: &str) -> Answer {
    if let Some(answer) = sign_in(asked) {
        return answer;
    }
    let token = asked.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
    let Some(token) = token.filter(|token| !token.is_empty() && *token != "revoked") else {
        let reason = "Authentication failed. Confirm that the access token in the authorization header is valid.";
        return refusal(StatusCode::UNAUTHORIZED, reason);
    };
    let channel = Channel::of(token);
    let segments = asked.segments();
    let data_host = asked.host == "api-data.line.me";
    match (&asked.method, segments.as_slice()) {
        (&Method::POST, ["v2", "bot", "richmenu", id, "content"]) if data_host => menus::set_image(world, asked, id),
        (&Method::GET, ["v2", "bot", "message", _, "content"]) if data_host => not_found(),
        _ if data_host => not_found(),
        (&Method::GET, ["v2", "bot", "info"]) => ok(&channel.info()),
        (&Method::POST, ["v2", "bot", "message", "validate", kind]) => messages::validate(asked, kind),
        (&Method::POST, ["v2", "bot", "message", kind]) => messages::send(world, asked, &channel, kind, request_id),
        (&Method::GET, ["v2", "bot", "message", rest @ ..]) => messages::figures(world, rest),
        (_, ["v2", "bot", "richmenu", ..] | ["v2", "bot", "user", ..]) => menus::answer(world, asked, &channel),
        (&Method::GET, ["v2", "bot", "profile", user]) => ok(&json!({"userId": user, "displayName": "練習の友だち"})),
        (&Method::POST, ["v2", "bot", "chat", "loading", "start"]) => Answer::json(StatusCode::ACCEPTED, &json!({})),
        _ => not_found(),
    }
}

/// The channel that a token belongs to.
struct Channel {
    user_id: String,
}

impl Channel {
    fn of(token: &str) -> Self {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes());
        let user_id = hex::encode(digest).chars().take(32).collect::<String>();
        Self { user_id: format!("U{user_id}") }
    }

    fn info(&self) -> Value {
        let basic = self.user_id.chars().skip(1).take(8).collect::<String>();
        json!({
            "userId": self.user_id, "basicId": format!("@{basic}"), "displayName": "練習アカウント",
            "chatMode": "bot", "markAsReadMode": "auto",
        })
    }
}

fn sign_in(asked: &Asked) -> Option<Answer> {
    if asked.method != Method::POST {
        return None;
    }
    let issued = |life: u64, key: bool| {
        let Some(_) = asked.parameter("grant_type") else {
            let body =
                json!({"error": "invalid_request", "error_description": "some of required parameters are missing"});
            return Answer::json(StatusCode::BAD_REQUEST, &body);
        };
        let mut body = json!({
            "access_token": format!("practice{}", Uuid::new_v4().simple()), "expires_in": life, "token_type": "Bearer",
        });
        if let (true, Value::Object(body)) = (key, &mut body) {
            body.insert("key_id".to_owned(), Value::from(Uuid::new_v4().simple().to_string()));
        }
        Answer::json(StatusCode::OK, &body)
    };
    match asked.path.as_str() {
        "/v2/oauth/accessToken" => Some(issued(2_592_000, false)),
        "/oauth2/v2.1/token" => Some(issued(2_592_000, true)),
        "/oauth2/v3/token" => Some(issued(900, false)),
        "/v2/oauth/revoke" | "/oauth2/v2.1/revoke" => Some(ok(&json!({}))),
        "/v2/oauth/verify" => Some(ok(&json!({"client_id": "1000000001", "expires_in": 2_591_000, "scope": "P CM"}))),
        _ => None,
    }
}

fn ok(body: &Value) -> Answer {
    Answer::json(StatusCode::OK, body)
}

fn not_found() -> Answer {
    refusal(StatusCode::NOT_FOUND, "Not found")
}

fn refusal(status: StatusCode, message: &str) -> Answer {
    Answer::json(status, &json!({"message": message}))
}

/// 400 with one detail a fault: `(what is wrong, which property)`.
fn faulty(details: &[(String, String)]) -> Answer {
    let listed = details.iter().map(|(message, property)| json!({"message": message, "property": property}));
    let message = format!("The request body has {} error(s)", details.len());
    Answer::json(StatusCode::BAD_REQUEST, &json!({"message": message, "details": listed.collect::<Vec<_>>()}))
}
