//! Bluesky: a personal data server (PDS) of the AT Protocol, with the chat service behind it.

mod repo;

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::exchange::{Answer, Asked};
use super::record::Published;
use super::stage::World;

/// The host of the server that holds the accounts' data, to which tools go on after signing in.
const PDS: &str = "practice.host.bsky.network";
/// Points within the window; practice does not run out of them.
const RATE_LIMIT: u64 = 1_500_000;
/// The window of the rate limit.
const RATE_WINDOW_S: i64 = 300;
/// How long a practice session holds.
const SESSION_S: i64 = 7200;

/// What the server knows.
#[derive(Default)]
pub(super) struct State {
    calls: u64,
    last_tid: u64,
    /// Records by their `at://` address.
    records: BTreeMap<String, Value>,
    /// Blobs by account and CID, with the hash of their bytes.
    blobs: BTreeMap<(String, String), String>,
}

/// Answers as a PDS does.
pub(super) fn answer(world: &mut World, asked: &Asked) -> Answer {
    world.bluesky.calls += 1;
    let left = RATE_LIMIT.saturating_sub(world.bluesky.calls);
    let second = asked.at.as_second();
    let reset = second - second.rem_euclid(RATE_WINDOW_S) + RATE_WINDOW_S;
    let Some(method) = asked.path.strip_prefix("/xrpc/") else {
        return wrong(StatusCode::NOT_FOUND, "NotFound", "Not Found");
    };
    called(world, method, asked)
        .with("ratelimit-limit", RATE_LIMIT.to_string())
        .with("ratelimit-remaining", left.to_string())
        .with("ratelimit-reset", reset.to_string())
        .with("ratelimit-policy", format!("{RATE_LIMIT};w={RATE_WINDOW_S}"))
}

fn wrong(status: StatusCode, error: &str, message: &str) -> Answer {
    Answer::json(status, &json!({"error": error, "message": message}))
}

fn invalid(message: &str) -> Answer {
    wrong(StatusCode::BAD_REQUEST, "InvalidRequest", message)
}

fn done(body: &Value) -> Answer {
    Answer::json(StatusCode::OK, body)
}

fn called(world: &mut World, method: &str, asked: &Asked) -> Answer {
    match method {
        "com.atproto.server.createSession" => {
            let body = asked.json().unwrap_or_default();
            match body.get("identifier").and_then(Value::as_str) {
                Some(handle) => done(&session(handle, asked.at)),
                None => invalid("Input must have the property \"identifier\""),
            }
        }
        "com.atproto.server.describeServer" => {
            done(&json!({"did": "did:web:bsky.social", "availableUserDomains": [".bsky.social"]}))
        }
        "com.atproto.identity.resolveHandle" => {
            done(&json!({"did": did_of(asked.query("handle").unwrap_or_default())}))
        }
        _ => {
            let token = asked.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
            match token {
                None => wrong(StatusCode::UNAUTHORIZED, "AuthMissing", "Authentication Required"),
                Some(token) => known(world, &account_of(token), method, asked),
            }
        }
    }
}

/// The account of a token: what a practice session's token says, or one made from any other.
fn account_of(token: &str) -> String {
    let payload = token.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let claims: Option<Value> = payload.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let subject = claims.as_ref().and_then(|claims| claims.get("sub")).and_then(Value::as_str);
    subject.map_or_else(|| did_of(token), str::to_owned)
}

fn did_of(name: &str) -> String {
    let hash = digest(&SHA256, name.as_bytes());
    let short = base32(hash.as_ref()).chars().take(24).collect::<String>();
    format!("did:plc:{short}")
}

/// RFC 4648 section 6, lower case, without padding.
fn base32(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut out = String::new();
    let (mut held, mut bits) = (0_u32, 0);
    for byte in bytes {
        held = held << 8 | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            out.extend(DIGITS.get((held >> bits & 31) as usize).map(|digit| char::from(*digit)));
        }
        held &= (1 << bits) - 1;
    }
    if bits > 0 {
        out.extend(DIGITS.get((held << (5 - bits) & 31) as usize).map(|digit| char::from(*digit)));
    }
    out
}

/// The CID (version 1, SHA-256) of raw bytes (`0x55`) or of a record (`0x71`).
fn cid(codec: u8, sha256: &[u8]) -> String {
    format!("b{}", base32(&[&[1, codec, 0x12, 0x20], sha256].concat()))
}

/// A token that says whose it is; the signature is none.
fn token(did: &str, scope: &str, at: Timestamp) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let now = at.as_second();
    let head = part(&json!({"typ": "at+jwt", "alg": "ES256K"}));
    let body = json!({"scope": scope, "sub": did, "iat": now, "exp": now + SESSION_S, "aud": "did:web:bsky.social"});
    format!("{head}.{}.{}", part(&body), URL_SAFE_NO_PAD.encode("practice"))
}

fn session(handle: &str, at: Timestamp) -> Value {
    let did = did_of(handle);
    json!({
        "did": did, "handle": handle, "email": "practice@example.com", "emailConfirmed": true, "active": true,
        "accessJwt": token(&did, "com.atproto.access", at), "refreshJwt": token(&did, "com.atproto.refresh", at),
        "didDoc": {
            "@context": ["https://www.w3.org/ns/did/v1"], "id": did, "alsoKnownAs": [format!("at://{handle}")],
            "verificationMethod": [],
            "service": [{"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": format!("https://{PDS}")}],
        },
    })
}

fn known(world: &mut World, did: &str, method: &str, asked: &Asked) -> Answer {
    match method {
        "com.atproto.server.refreshSession" => done(&session(did, asked.at)),
        "com.atproto.server.getSession" => done(&json!({"did": did, "handle": "practice.bsky.social", "active": true})),
        "com.atproto.repo.createRecord" | "com.atproto.repo.putRecord" | "com.atproto.repo.deleteRecord" => {
            repo::one(world, did, method, asked)
        }
        "com.atproto.repo.applyWrites" => repo::several(world, did, asked),
        "com.atproto.repo.uploadBlob" => upload(world, did, asked),
        "com.atproto.repo.getRecord" => repo::read(world, asked),
        "com.atproto.repo.listRecords" => done(&json!({"records": []})),
        "chat.bsky.convo.sendMessage" => {
            let message = said(world, did, &asked.json().unwrap_or_default(), asked);
            done(&message)
        }
        "chat.bsky.convo.sendMessageBatch" => {
            let body = asked.json().unwrap_or_default();
            let items = body.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
            let items: Vec<Value> = items.iter().map(|item| said(world, did, item, asked)).collect();
            done(&json!({"items": items}))
        }
        "app.bsky.actor.getProfile" => {
            let actor = asked.query("actor").unwrap_or(did);
            done(&json!({"did": did_of(actor), "handle": actor, "displayName": "練習アカウント"}))
        }
        "app.bsky.feed.getTimeline" | "app.bsky.feed.getAuthorFeed" => done(&json!({"feed": []})),
        _ if asked.method == Method::POST => done(&json!({})),
        _ => wrong(StatusCode::NOT_IMPLEMENTED, "MethodNotImplemented", "Method Not Implemented"),
    }
}

fn upload(world: &mut World, did: &str, asked: &Asked) -> Answer {
    let Ok(hash) = hex::decode(&asked.body.sha256) else { return invalid("the blob is broken") };
    if asked.body.bytes == 0 {
        return invalid("Request encoding (Content-Type) required");
    }
    let cid = cid(0x55, &hash);
    world.bluesky.blobs.insert((did.to_owned(), cid.clone()), asked.body.sha256.clone());
    let given = asked.header("content-type").filter(|kind| *kind != "*/*").unwrap_or("image/png");
    let blob = json!({"$type": "blob", "ref": {"$link": cid}, "mimeType": given, "size": asked.body.bytes});
    done(&json!({"blob": blob}))
}

/// A message of the chat service.
fn said(world: &mut World, did: &str, item: &Value, asked: &Asked) -> Value {
    let text = item.pointer("/message/text").and_then(Value::as_str).unwrap_or_default();
    let id = world.bluesky.tid(asked.at);
    world.published.push(Published {
        provider: "bluesky",
        account: did.to_owned(),
        action: "direct-message",
        id: id.clone(),
        text: text.to_owned(),
        media_sha256: Vec::new(),
        body: item.clone(),
        request: asked.number,
        deleted: false,
    });
    json!({
        "$type": "chat.bsky.convo.defs#messageView", "id": id, "rev": id, "text": text, "sender": {"did": did},
        "sentAt": asked.at.to_string(),
    })
}

impl State {
    /// A new TID: 13 characters that sort by time.
    fn tid(&mut self, at: Timestamp) -> String {
        const DIGITS: &[u8; 32] = b"234567abcdefghijklmnopqrstuvwxyz";
        let micros = u64::try_from(at.as_microsecond()).unwrap_or_default();
        self.last_tid = (micros << 10).max(self.last_tid + 1);
        let digit =
            |shift: u32| DIGITS.get((self.last_tid >> shift & 31) as usize).map_or('2', |digit| char::from(*digit));
        (0..13_u32).rev().map(|place| digit(place * 5)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cid_is_the_one_that_the_protocol_makes() {
        // The empty file as raw bytes.
        let empty = digest(&SHA256, b"");
        assert_eq!(cid(0x55, empty.as_ref()), "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku");
    }
}
