//! Putting a credential on a request that is about to leave. Whatever the tool put in its place is taken off first.

use aws_lc_rs::hmac;
use http::{HeaderValue, header};

use super::oauth1::{self, Signed, Signer};
use super::secret::{Hidden, Secret};
use crate::domain::credential::Unusable;
use crate::domain::outbound::{OutBody, Outbound};

/// Meta's host for bytes names its bearer scheme `OAuth` (Video API, Reels publishing).
const RUPLOAD: &str = "rupload.facebook.com";

const MISSING: Unusable = Unusable("credential-missing");

/// Puts `secret` on `outbound`. `nonce` and `second` are for signatures.
///
/// # Errors
/// Code `credential-missing` when there is no token yet, `credential-unreadable` when it is no header value.
pub(super) fn put_on(secret: &Secret, outbound: &mut Outbound, nonce: &str, second: i64) -> Result<(), Unusable> {
    outbound.headers.remove(header::AUTHORIZATION);
    outbound.headers.remove("dpop");
    if let Secret::Oauth1 { consumer_key, consumer_secret, token, token_secret } = secret {
        let signer = Signer {
            consumer_key,
            consumer_secret: consumer_secret.as_str(),
            token: token.as_str(),
            token_secret: token_secret.as_str(),
        };
        let value = signature(&signer, outbound, nonce, second);
        return authorize(outbound, &value);
    }
    let token = secret.shown().ok_or(MISSING)?;
    if let Secret::Graph { app_secret, .. } = secret {
        let proof = proof(token, app_secret);
        let joint = if outbound.path_and_query.contains('?') { '&' } else { '?' };
        outbound.path_and_query.push_str(&format!("{joint}appsecret_proof={proof}"));
    }
    if outbound.host == RUPLOAD {
        let value = zeroize::Zeroizing::new(format!("OAuth {}", token.as_str()));
        return authorize(outbound, &value);
    }
    bearer(outbound, token)
}

/// `Authorization: Bearer`.
pub(super) fn bearer(outbound: &mut Outbound, token: &Hidden) -> Result<(), Unusable> {
    let value = zeroize::Zeroizing::new(format!("Bearer {}", token.as_str()));
    authorize(outbound, &value)
}

/// Sets the header; a value that is marked sensitive is not shown by the debug logs of HTTP libraries.
pub(super) fn authorize(outbound: &mut Outbound, value: &str) -> Result<(), Unusable> {
    let mut value = HeaderValue::from_str(value).map_err(|_| Unusable("credential-unreadable"))?;
    value.set_sensitive(true);
    outbound.headers.insert(header::AUTHORIZATION, value);
    Ok(())
}

fn signature(signer: &Signer<'_>, outbound: &Outbound, nonce: &str, second: i64) -> String {
    let (path, query) = outbound.path_and_query.split_once('?').unwrap_or((&outbound.path_and_query, ""));
    let mut parameters = oauth1::pairs(query);
    // RFC 5849 section 3.4.1.3.1: a form counts only if it is urlencoded; JSON and multipart are not signed.
    let form = outbound.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if let (Some("application/x-www-form-urlencoded"), OutBody::Bytes(bytes)) = (form, &outbound.body) {
        parameters.extend(oauth1::pairs(&String::from_utf8_lossy(bytes)));
    }
    let signed = Signed { method: outbound.method.as_str(), host: &outbound.host, path, parameters };
    oauth1::header(signer, &signed, nonce, second)
}

/// `appsecret_proof`: HMAC-SHA256 of the token under the application's secret, in hex.
fn proof(token: &Hidden, app_secret: &Hidden) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, app_secret.as_str().as_bytes());
    hex::encode(hmac::sign(&key, token.as_str().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::ProviderId;
    use bytes::Bytes;
    use http::{HeaderMap, Method};

    fn outbound(path_and_query: &str, brought: &str) -> Outbound {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, brought.parse().unwrap());
        Outbound {
            provider: ProviderId::new("facebook"),
            method: Method::POST,
            host: "graph.facebook.com".to_owned(),
            path_and_query: path_and_query.to_owned(),
            headers,
            body: OutBody::Bytes(Bytes::from_static(b"{}")),
            by_hand: false,
            reads: false,
            wears: crate::domain::credential::Wears::Own,
        }
    }

    #[test]
    fn what_the_tool_brought_is_taken_off_and_the_accounts_own_is_put_on_out_of_sight() {
        let mut request = outbound("/v26.0/1/feed", "Bearer sekisho");
        put_on(&Secret::parse("the-token").unwrap(), &mut request, "n", 1).unwrap();
        let value = request.headers.get(header::AUTHORIZATION).unwrap();
        assert_eq!(value, "Bearer the-token");
        assert!(value.is_sensitive() && !format!("{request:?}").contains("the-token"));
        assert_eq!(request.headers.get_all(header::AUTHORIZATION).iter().count(), 1);
    }

    #[test]
    fn a_graph_token_comes_with_its_proof() {
        let secret = Secret::parse(r#"{"kind":"graph","token":"token","app_secret":"secret"}"#).unwrap();
        for (path, joint) in [("/v26.0/1/feed", '?'), ("/v26.0/1/feed?fields=id", '&')] {
            let mut request = outbound(path, "Bearer sekisho");
            put_on(&secret, &mut request, "n", 1).unwrap();
            // HMAC-SHA256("secret", "token"), as `openssl dgst -sha256 -hmac secret` has it.
            let proof = "e941110e3d2bfe82621f0e3e1434730d7305d106c5f68c87165d0b27a4611a4a";
            assert_eq!(request.path_and_query, format!("{path}{joint}appsecret_proof={proof}"));
        }
    }

    #[test]
    fn a_credential_without_a_token_yet_puts_nothing_on() {
        let secret = Secret::parse(r#"{"kind":"line-stateless","channel_id":"1","channel_secret":"s"}"#).unwrap();
        let mut request = outbound("/v2/bot/message/broadcast", "Bearer sekisho");
        assert_eq!(put_on(&secret, &mut request, "n", 1), Err(MISSING));
        assert!(request.headers.get(header::AUTHORIZATION).is_none());
    }
}
