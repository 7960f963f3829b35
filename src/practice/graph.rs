//! Meta's Graph API: Threads and Instagram, whose posts are made in one request and published by another.

mod batch;
mod containers;
mod films;
mod objects;
mod pages;

use std::collections::BTreeMap;

use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::exchange::{Answer, Asked};
use super::stage::World;

/// The version that an answer names when the request names none.
const VERSION: &str = "v26.0";

/// Calls that an account may make; the usage headers say how much of it is used, in hundredths.
const CALLS: u64 = 4_800;

/// What Meta knows.
#[derive(Default)]
pub(super) struct State {
    last_id: u64,
    calls: BTreeMap<String, u64>,
    containers: BTreeMap<String, containers::Container>,
    objects: BTreeMap<String, objects::Object>,
    films: BTreeMap<String, films::Film>,
    unpublished: BTreeMap<String, pages::Unpublished>,
}

impl State {
    /// A new id: seventeen digits, each greater than the one before.
    fn next_id(&mut self) -> String {
        self.last_id = self.last_id.max(17_900_000_000_000_000) + 101;
        self.last_id.to_string()
    }
}

/// Which of its services a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Service {
    Threads,
    Instagram,
    Facebook,
}

impl Service {
    /// By the host; one host is shared, and the path tells.
    fn of(host: &str, path: &[String]) -> Self {
        let instagram = ["media", "media_publish", "content_publishing_limit"];
        if host.starts_with("graph.threads.") {
            Self::Threads
        } else if host.ends_with("instagram.com") || path.get(1).is_some_and(|edge| instagram.contains(&edge.as_str()))
        {
            Self::Instagram
        } else {
            Self::Facebook
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Threads => "threads",
            Self::Instagram => "instagram",
            Self::Facebook => "facebook",
        }
    }
}

/// Whether a host is Meta's.
pub(super) fn answers(host: &str) -> bool {
    super::authority::GRAPH_HOSTS.contains(&host)
}

/// A request with what Graph makes of it: the version taken off, the method that it asks to be taken for, its parameters
/// wherever they stood.
struct Call {
    service: Service,
    host: String,
    /// The access token: addresses of further pages carry it.
    token: String,
    method: Method,
    path: Vec<String>,
    version: String,
    params: Map<String, Value>,
    user: String,
    /// SHA-256 of the files that came with it.
    files: Vec<String>,
    at: Timestamp,
    number: u64,
}

impl Call {
    fn of(asked: &Asked, token: &str) -> Self {
        let mut path: Vec<String> = asked.segments().into_iter().map(str::to_owned).collect();
        let versioned = path.first().is_some_and(|first| {
            first.strip_prefix('v').is_some_and(|rest| rest.split('.').all(|part| part.parse::<u32>().is_ok()))
        });
        let version = if versioned { path.remove(0) } else { VERSION.to_owned() };
        let mut params = Map::new();
        params.extend(asked.query.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str()))));
        params.extend(asked.form().into_iter().map(|(key, value)| (key, Value::from(value))));
        for part in asked.body.parts.iter().filter(|part| part.record.filename.is_none()) {
            params.extend(part.value.as_ref().map(|value| (part.record.name.clone(), Value::from(value.as_str()))));
        }
        if let Some(Value::Object(members)) = asked.json().filter(|_| asked.is("application/json")) {
            params.extend(members);
        }
        for secret in ["access_token", "appsecret_proof"] {
            params.remove(secret);
        }
        let asked_for = params.remove("method").and_then(|value| value.as_str().map(str::to_ascii_uppercase));
        let method = asked_for.and_then(|name| name.parse().ok()).unwrap_or_else(|| asked.method.clone());
        Self {
            service: Service::of(&asked.host, &path),
            host: asked.host.clone(),
            token: token.to_owned(),
            method,
            path,
            version,
            params,
            user: user_of(token),
            files: asked
                .body
                .parts
                .iter()
                .filter(|part| part.record.filename.is_some())
                .map(|part| part.record.sha256.clone())
                .collect(),
            at: asked.at,
            number: asked.number,
        }
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.params.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// Whether a flag is set, in any of the ways Graph takes.
    fn says(&self, name: &str) -> bool {
        match self.params.get(name) {
            Some(Value::Bool(flag)) => *flag,
            Some(Value::String(text)) => matches!(text.to_ascii_lowercase().as_str(), "true" | "1" | "yes" | "on"),
            Some(Value::Number(number)) => number.as_u64() == Some(1),
            _ => false,
        }
    }

    /// Several ids: a JSON list, or with commas between them.
    fn ids(&self, name: &str) -> Vec<String> {
        let plain = |value: &Value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        match self.params.get(name) {
            Some(Value::Array(list)) => list.iter().filter_map(plain).collect(),
            Some(Value::String(text)) => match serde_json::from_str(text) {
                Ok(Value::Array(list)) => list.iter().filter_map(plain).collect(),
                _ => text.split(',').filter(|id| !id.is_empty()).map(|id| id.trim().to_owned()).collect(),
            },
            _ => Vec::new(),
        }
    }
}

/// An access token `123-abc` belongs to the user 123; of any other, the number is made from the token.
fn user_of(token: &str) -> String {
    let number = token.split_once('-').map(|(number, _)| number).filter(|number| is_number(number));
    number.map_or_else(|| super::x::number_of(token).to_string(), str::to_owned)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.len() <= 20 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Answers as Meta does; every answer says how much of the limits is used.
pub(super) fn answer(world: &mut World, asked: &Asked) -> Answer {
    if let Some(answer) = sign_in(asked) {
        return answer;
    }
    let bearer =
        asked.header("authorization").and_then(|value| value.split_once(' ')).map(|(_, token)| token.to_owned());
    let token = bearer.or_else(|| asked.parameter("access_token")).filter(|token| !token.is_empty());
    let Some(token) = token.filter(|token| token != "revoked") else {
        return refusal(StatusCode::BAD_REQUEST, 190, None, "Invalid OAuth access token - Cannot parse access token");
    };
    match batch::of(asked).filter(|_| matches!(asked.segments().as_slice(), [] | ["me"] | [_])) {
        Some(list) => batch::answer(world, asked, &token, &list),
        None => single(world, asked, &token),
    }
}

/// Answers one request that is no batch.
fn single(world: &mut World, asked: &Asked, token: &str) -> Answer {
    let call = Call::of(asked, token);
    let calls = world.graph.calls.entry(call.user.clone()).or_default();
    *calls += 1;
    let used = (*calls * 100 / CALLS).min(100);
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    let film = films::answer(world, &call, asked);
    let answer = match (&call.method, path.as_slice()) {
        _ if film.is_some() => film.unwrap_or_else(|| unknown("")),
        (&Method::POST, [_, "threads"]) if call.service == Service::Threads => containers::make(world, &call),
        (&Method::POST, [_, "threads_publish"]) if call.service == Service::Threads => {
            containers::publish(world, &call)
        }
        (&Method::POST, [_, "media"]) if call.service == Service::Instagram => containers::make(world, &call),
        (&Method::POST, [_, "media_publish"]) if call.service == Service::Instagram => {
            containers::publish(world, &call)
        }
        _ if call.service == Service::Facebook => pages::answer(world, &call),
        _ => objects::answer(world, &call),
    };
    let figures = json!({"call_count": used, "total_cputime": 1, "total_time": 1});
    let business = json!({ &call.user: [{
        "type": call.service.name(), "call_count": used, "total_cputime": 1, "total_time": 1,
        "estimated_time_to_regain_access": 0,
    }] });
    answer
        .with("x-app-usage", figures.to_string())
        .with("x-business-use-case-usage", business.to_string())
        .with("facebook-api-version", call.version)
        .with("x-fb-request-id", format!("A{:015}", call.number))
}

/// The routes that hand out credentials.
fn sign_in(asked: &Asked) -> Option<Answer> {
    let token = |life: Option<u64>| {
        let mut body =
            json!({"access_token": format!("practice{}", uuid::Uuid::new_v4().simple()), "token_type": "bearer"});
        match (life, &mut body) {
            (Some(life), Value::Object(body)) => body.insert("expires_in".to_owned(), Value::from(life)),
            (None, Value::Object(body)) => body.insert("user_id".to_owned(), Value::from("1001")),
            _ => None,
        };
        Answer::json(StatusCode::OK, &body)
    };
    match (&asked.method, asked.segments().as_slice()) {
        (&Method::POST, ["oauth", "access_token"]) => Some(token(None)),
        (&Method::GET, ["access_token" | "refresh_access_token"]) => Some(token(Some(5_184_000))),
        _ => None,
    }
}

fn ok(body: &Value) -> Answer {
    Answer::json(StatusCode::OK, body)
}

/// Graph's error object.
fn refusal(status: StatusCode, code: u32, subcode: Option<u32>, message: &str) -> Answer {
    let mut error = json!({
        "message": message, "type": "OAuthException", "code": code, "is_transient": false,
        "fbtrace_id": format!("A{code}Practice"),
    });
    if let (Some(subcode), Value::Object(error)) = (subcode, &mut error) {
        error.insert("error_subcode".to_owned(), Value::from(subcode));
    }
    Answer::json(status, &json!({"error": error}))
}

/// A parameter that is missing or wrong.
fn faulty(message: &str) -> Answer {
    refusal(StatusCode::BAD_REQUEST, 100, None, &format!("(#100) {message}"))
}

/// What is not there, or not this caller's.
fn unknown(id: &str) -> Answer {
    let message = format!(
        "Unsupported request. Object with ID '{id}' does not exist, cannot be loaded due to missing permissions, or does not support this operation"
    );
    refusal(StatusCode::BAD_REQUEST, 100, Some(33), &message)
}
