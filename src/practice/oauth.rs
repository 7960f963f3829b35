//! Who calls: an OAuth 1.0a signature, checked, or a bearer token.
//!
//! The practice consumer is `practice-consumer` with the secret `practice-consumer-secret`; a token's secret is
//! `practice-token-secret`, whatever the token. A signature by any other consumer is refused, as X does. So a request
//! whose host, path, query or form was changed on the way does not pass (RFC 5849 3.4).

use aws_lc_rs::hmac;
use base64::Engine as _;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::exchange::Asked;

/// The consumer whose signatures are accepted.
const CONSUMER: &str = "practice-consumer";
/// `practice-consumer-secret` and `practice-token-secret`, joined as the signing key (RFC 5849 3.4.2).
const SIGNING_KEY: &str = "practice-consumer-secret&practice-token-secret";
/// The same before there is a token.
const SIGNING_KEY_WITHOUT_TOKEN: &str = "practice-consumer-secret&";
/// RFC 5849 3.6: everything but unreserved characters is encoded.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The token of the caller, if it shows a good one: of a signature or of a bearer.
pub(super) fn token(asked: &Asked) -> Option<String> {
    let authorization = asked.header("authorization")?;
    if let Some(bearer) = authorization.strip_prefix("Bearer ") {
        return Some(bearer.trim().to_owned()).filter(|bearer| !bearer.is_empty() && bearer != "revoked");
    }
    let fields = fields(authorization.strip_prefix("OAuth ")?);
    let field = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    let token = field("oauth_token");
    let key = if token.is_some() { SIGNING_KEY } else { SIGNING_KEY_WITHOUT_TOKEN };
    let signature = base64::engine::general_purpose::STANDARD.decode(field("oauth_signature")?).ok()?;
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key.as_bytes());
    let known = field("oauth_consumer_key").as_deref() == Some(CONSUMER)
        && field("oauth_signature_method").as_deref() == Some("HMAC-SHA1");
    let good = known && hmac::verify(&key, base_string(asked, &fields).as_bytes(), &signature).is_ok();
    good.then(|| token.unwrap_or_default())
}

fn fields(header: &str) -> Vec<(String, String)> {
    let pieces = header.split(',').filter_map(|piece| piece.trim().split_once('='));
    pieces
        .map(|(key, value)| {
            let value = percent_decode_str(value.trim_matches('"')).decode_utf8_lossy().into_owned();
            (key.to_owned(), value)
        })
        .collect()
}

/// RFC 5849 3.4.1.
fn base_string(asked: &Asked, fields: &[(String, String)]) -> String {
    let signed = fields.iter().filter(|(key, _)| key != "oauth_signature" && key != "realm").cloned();
    let mut parameters = signed
        .chain(asked.query.iter().cloned())
        .chain(asked.form())
        .map(|(key, value)| format!("{}={}", encoded(&key), encoded(&value)))
        .collect::<Vec<_>>();
    parameters.sort_by(|one, other| one.split_once('=').cmp(&other.split_once('=')));
    let address = format!("https://{}{}", asked.host, asked.path);
    format!("{}&{}&{}", asked.method, encoded(&address), encoded(&parameters.join("&")))
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}
