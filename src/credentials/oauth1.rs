//! OAuth 1.0a signatures with HMAC-SHA1 (RFC 5849 section 3.4), which X still asks for.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// RFC 5849 section 3.6: everything but unreserved characters is encoded.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Who signs.
pub(super) struct Signer<'s> {
    /// The application.
    pub(super) consumer_key: &'s str,
    /// Its secret.
    pub(super) consumer_secret: &'s str,
    /// The account's token.
    pub(super) token: &'s str,
    /// Its secret.
    pub(super) token_secret: &'s str,
}

/// What is signed: method, URL without query, and every parameter of query and urlencoded form, decoded.
pub(super) struct Signed<'s> {
    /// The method, upper case.
    pub(super) method: &'s str,
    /// The host, lower case; the scheme is https and the port its own.
    pub(super) host: &'s str,
    /// The path as sent.
    pub(super) path: &'s str,
    /// Parameters of the query and of an urlencoded form.
    pub(super) parameters: Vec<(String, String)>,
}

/// The value of the `Authorization` header.
pub(super) fn header(signer: &Signer<'_>, signed: &Signed<'_>, nonce: &str, second: i64) -> String {
    let own = [
        ("oauth_consumer_key", signer.consumer_key.to_owned()),
        ("oauth_nonce", nonce.to_owned()),
        ("oauth_signature_method", "HMAC-SHA1".to_owned()),
        ("oauth_timestamp", second.to_string()),
        ("oauth_token", signer.token.to_owned()),
        ("oauth_version", "1.0".to_owned()),
    ];
    let given = signed.parameters.iter().map(|(key, value)| (encoded(key), encoded(value)));
    let mut parameters: Vec<(String, String)> =
        own.iter().map(|(key, value)| (encoded(key), encoded(value))).chain(given).collect();
    // Section 3.4.1.3.2: by name, then by value, in their encoded form.
    parameters.sort_unstable();
    let joined = parameters.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join("&");
    let address = format!("https://{}{}", signed.host, signed.path);
    let base = format!("{}&{}&{}", signed.method, encoded(&address), encoded(&joined));
    let key = zeroize::Zeroizing::new(format!("{}&{}", encoded(signer.consumer_secret), encoded(signer.token_secret)));
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key.as_bytes());
    let signature = BASE64_STANDARD.encode(hmac::sign(&key, base.as_bytes()));
    let fields = own.iter().map(|(key, value)| (*key, value.as_str())).chain([("oauth_signature", signature.as_str())]);
    let fields: Vec<String> = fields.map(|(key, value)| format!("{key}=\"{}\"", encoded(value))).collect();
    format!("OAuth {}", fields.join(", "))
}

/// The pairs of a query or an urlencoded form, decoded.
pub(super) fn pairs(text: &str) -> Vec<(String, String)> {
    let decoded = |part: &str| {
        let spaced = part.replace('+', " ");
        percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
    };
    let parts = text.split('&').filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            (decoded(key), decoded(value))
        })
        .collect()
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worked example of X's own page "Creating a signature", whose base string is that of RFC 5849.
    #[test]
    fn the_providers_own_worked_example_comes_out() {
        let signer = Signer {
            consumer_key: "xvz1evFS4wEEPTGEFPHBog",
            consumer_secret: "kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw",
            token: "370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb",
            token_secret: "LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE",
        };
        let signed = Signed {
            method: "POST",
            host: "api.twitter.com",
            path: "/1.1/statuses/update.json",
            parameters: pairs(
                "include_entities=true&status=Hello%20Ladies%20%2b%20Gentlemen%2c%20a%20signed%20OAuth%20request%21",
            ),
        };
        let header = header(&signer, &signed, "kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg", 1_318_622_958);
        assert!(header.contains("oauth_signature=\"hCtSmYh%2BiHYCEqBWrE7C7hYmtUk%3D\""), "{header}");
        assert!(!header.contains("kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw"));
    }

    #[test]
    fn parameters_are_sorted_in_their_encoded_form() {
        // RFC 5849 section 3.4.1.3.2 has `a2`, `a3` twice and a space; the order is by name, then value.
        let mut given: Vec<(String, String)> = pairs("b5=%3D%253D&a3=a&c%40=&a2=r%20b&c2=&a3=2+q")
            .iter()
            .map(|(key, value)| (encoded(key), encoded(value)))
            .collect();
        given.sort_unstable();
        let told: Vec<String> = given.iter().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(told, ["a2=r%20b", "a3=2%20q", "a3=a", "b5=%3D%253D", "c%40=", "c2="]);
    }
}
