//! Renewing tokens: what is asked of each provider, and what its answer holds.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use jiff::{SignedDuration, Timestamp};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::put_on::{authorize, bearer};
use super::secret::{Hidden, Secret};
use crate::domain::account::ProviderId;
use crate::domain::credential::{Unusable, Wears};
use crate::domain::outbound::{OutBody, Outbound};

const NOT_RENEWABLE: Unusable = Unusable("not-renewable");
const UNREADABLE: Unusable = Unusable("renewal-unreadable");

/// How long an assertion for LINE is good for, in seconds; LINE allows thirty minutes.
const ASSERTION_S: i64 = 300;
/// The life that is asked of a LINE token v2.1, in seconds: thirty days, the longest.
const LINE_TOKEN_S: i64 = 30 * 24 * 3600;
/// The life of a token whose provider does not say, in seconds.
const LIFE_S: i64 = 3600;

/// Where a credential of this kind is renewed, without anything secret.
///
/// # Errors
/// Code `not-renewable`.
pub(super) fn request(secret: &Secret, provider: &ProviderId, wears: Wears) -> Result<Outbound, Unusable> {
    let (method, host, path) = match (secret, provider.as_str()) {
        (Secret::Oauth2 { .. }, "x") => (Method::POST, "api.x.com", "/2/oauth2/token"),
        (Secret::Oauth2 { .. }, "youtube") => (Method::POST, "oauth2.googleapis.com", "/token"),
        (Secret::Threads { .. }, _) => (Method::GET, "graph.threads.net", "/refresh_access_token"),
        (Secret::LineJwt { .. }, _) => (Method::POST, "api.line.me", "/oauth2/v2.1/token"),
        (Secret::LineStateless { .. }, _) => (Method::POST, "api.line.me", "/oauth2/v3/token"),
        (Secret::Atproto { host, refresh_token: Some(_), .. }, _) => {
            (Method::POST, host.as_str(), "/xrpc/com.atproto.server.refreshSession")
        }
        (Secret::Atproto { host, .. }, _) => (Method::POST, host.as_str(), "/xrpc/com.atproto.server.createSession"),
        _ => return Err(NOT_RENEWABLE),
    };
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    Ok(Outbound {
        provider: provider.clone(),
        method,
        host: host.to_owned(),
        path_and_query: path.to_owned(),
        headers,
        body: OutBody::Empty,
        by_hand: false,
        reads: false,
        wears,
    })
}

/// Completes the request with what is secret.
///
/// # Errors
/// Code `not-renewable`, `credential-unreadable` when a key is none.
pub(super) fn complete(secret: &Secret, outbound: &mut Outbound, now: Timestamp, id: &str) -> Result<(), Unusable> {
    match secret {
        Secret::Oauth2 { client_id, client_secret, refresh_token, .. } => {
            let mut pairs = vec![("grant_type", "refresh_token"), ("refresh_token", refresh_token.as_str())];
            match client_secret {
                // X asks confidential clients for Basic (RFC 6749 section 2.3.1); Google takes either.
                Some(secret) => {
                    let pair = zeroize::Zeroizing::new(format!("{}:{}", encoded(client_id), encoded(secret.as_str())));
                    let value = format!("Basic {}", BASE64_STANDARD.encode(pair.as_bytes()));
                    authorize(outbound, &zeroize::Zeroizing::new(value))?;
                }
                None => pairs.push(("client_id", client_id)),
            }
            form(outbound, &pairs);
        }
        Secret::Threads { token } => {
            outbound.path_and_query =
                format!("/refresh_access_token?grant_type=th_refresh_token&access_token={}", encoded(token.as_str()));
        }
        Secret::LineStateless { channel_id, channel_secret, .. } => {
            let pairs = [
                ("grant_type", "client_credentials"),
                ("client_id", channel_id.as_str()),
                ("client_secret", channel_secret.as_str()),
            ];
            form(outbound, &pairs);
        }
        Secret::LineJwt { channel_id, key_id, private_key, .. } => {
            let assertion = assertion(channel_id, key_id, private_key, now, id)?;
            let pairs = [
                ("grant_type", "client_credentials"),
                ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
                ("client_assertion", assertion.as_str()),
            ];
            form(outbound, &pairs);
        }
        Secret::Atproto { refresh_token: Some(token), .. } => bearer(outbound, token)?,
        Secret::Atproto { identifier, app_password, .. } => {
            let body = json!({ "identifier": identifier, "password": app_password.as_str() });
            outbound.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            outbound.body = OutBody::Bytes(Bytes::from(body.to_string()));
        }
        Secret::Bearer { .. } | Secret::Oauth1 { .. } | Secret::Graph { .. } => return Err(NOT_RENEWABLE),
    }
    Ok(())
}

fn form(outbound: &mut Outbound, pairs: &[(&str, &str)]) {
    let pairs: Vec<String> = pairs.iter().map(|(key, value)| format!("{key}={}", encoded(value))).collect();
    let content_type = HeaderValue::from_static("application/x-www-form-urlencoded");
    outbound.headers.insert(header::CONTENT_TYPE, content_type);
    outbound.body = OutBody::Bytes(Bytes::from(pairs.join("&")));
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn assertion(channel: &str, kid: &str, key: &Hidden, now: Timestamp, id: &str) -> Result<Hidden, Unusable> {
    let mut head = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::RS256);
    head.kid = Some(kid.to_owned());
    let claims = json!({
        "iss": channel, "sub": channel, "aud": "https://api.line.me/", "exp": now.as_second() + ASSERTION_S,
        "token_exp": LINE_TOKEN_S, "jti": id,
    });
    let unreadable = |_| Unusable("credential-unreadable");
    let key = jsonwebtoken::EncodingKey::from_rsa_pem(key.as_str().as_bytes()).map_err(unreadable)?;
    jsonwebtoken::encode(&head, &claims, &key).map(Hidden::new).map_err(unreadable)
}

/// What the provider answered: the renewed credential, and when its token runs out.
///
/// # Errors
/// Code `renewal-refused`, `renewal-unreadable`.
pub(super) fn answered(
    secret: &Secret,
    status: u16,
    answer: &[u8],
    now: Timestamp,
) -> Result<(Secret, Timestamp), Unusable> {
    if !(200..300).contains(&status) {
        return Err(Unusable("renewal-refused"));
    }
    let answer: Value = serde_json::from_slice(answer).map_err(|_| UNREADABLE)?;
    let text = |name: &str| answer.get(name).and_then(Value::as_str).filter(|text| printable(text)).map(Hidden::new);
    let given = text(if matches!(secret, Secret::Atproto { .. }) { "accessJwt" } else { "access_token" });
    let given = given.ok_or(UNREADABLE)?;
    let life = answer.get("expires_in").and_then(Value::as_i64).filter(|life| *life > 0);
    let mut runs_out = now.checked_add(SignedDuration::from_secs(life.unwrap_or(LIFE_S))).map_err(|_| UNREADABLE)?;
    let mut renewed = secret.clone();
    match &mut renewed {
        Secret::Oauth2 { refresh_token, access_token, .. } => {
            // X gives a new refresh token each time and the old one is spent; Google gives none.
            if let Some(next) = text("refresh_token") {
                *refresh_token = next;
            }
            *access_token = Some(given);
        }
        Secret::Threads { token } => {
            // It can be renewed only while it is good, so that begins at half its life.
            runs_out = now.checked_add(SignedDuration::from_secs(life.unwrap_or(LIFE_S) / 2)).unwrap_or(runs_out);
            *token = given;
        }
        Secret::LineJwt { token, .. } | Secret::LineStateless { token, .. } => *token = Some(given),
        Secret::Atproto { access_token, refresh_token, .. } => {
            runs_out = expiry(&given).unwrap_or(runs_out);
            *refresh_token = Some(text("refreshJwt").ok_or(UNREADABLE)?);
            *access_token = Some(given);
        }
        Secret::Bearer { .. } | Secret::Oauth1 { .. } | Secret::Graph { .. } => return Err(NOT_RENEWABLE),
    }
    Ok((renewed, runs_out))
}

/// `exp` of a JWT that the provider gave; it is the provider's own word, so no signature is looked at.
fn expiry(token: &Hidden) -> Option<Timestamp> {
    let claims = BASE64_URL_SAFE_NO_PAD.decode(token.as_str().split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    Timestamp::from_second(claims.get("exp")?.as_i64()?).ok()
}

fn printable(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic())
}

#[cfg(test)]
mod tests;
