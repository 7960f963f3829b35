//! The provider credential that a request carries: never kept, only its fingerprint.

use http::{HeaderMap, header};

use crate::domain::decision::Refusal;
use crate::domain::media::Sha256;
use crate::recognise::Recognised;
use crate::recognise::definition::CredentialPlace;

/// SHA-256 (hex) of the credential: a bearer token's, or an OAuth 1.0a `oauth_token`'s.
///
/// # Errors
/// Refusal `credential-twice` when there is more than one.
pub(super) fn fingerprint(
    recognised: &Recognised,
    headers: &HeaderMap,
    form: &[(String, String)],
) -> Result<Option<String>, Refusal> {
    let mut authorization = headers.get_all(header::AUTHORIZATION).iter();
    let first = authorization.next();
    if authorization.next().is_some() {
        return Err(twice());
    }
    let authorization = first.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let find = |pairs: &[(String, String)], name: &str| {
        pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
    };
    let mut found = None;
    for place in &recognised.provider.credential {
        let credential = match place {
            CredentialPlace::Bearer => scheme(authorization, "bearer").map(str::to_owned),
            CredentialPlace::OAuth1 => scheme(authorization, "oauth").and_then(oauth_token),
            CredentialPlace::Query(name) => find(&recognised.query, name),
            CredentialPlace::Form(name) => find(form, name),
        };
        let Some(credential) = credential.filter(|credential| !credential.is_empty()) else { continue };
        if found.replace(Sha256::of(credential.as_bytes()).hex()).is_some() {
            return Err(twice());
        }
    }
    Ok(found)
}

/// What follows an authentication scheme (case-insensitive, RFC 9110 section 11.1).
fn scheme<'v>(value: &'v str, scheme: &str) -> Option<&'v str> {
    let (given, rest) = value.split_once(' ')?;
    given.eq_ignore_ascii_case(scheme).then(|| rest.trim_matches(' '))
}

/// `oauth_token="..."` of an OAuth 1.0a header, decoded (RFC 5849 section 3.5.1); none if it is there twice.
fn oauth_token(parameters: &str) -> Option<String> {
    let mut tokens = parameters.split(',').filter_map(|parameter| {
        let (key, value) = parameter.trim_matches(' ').split_once('=')?;
        (key == "oauth_token").then(|| value.trim_matches('"'))
    });
    let (Some(token), None) = (tokens.next(), tokens.next()) else { return None };
    percent_encoding::percent_decode_str(token).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

fn twice() -> Refusal {
    Refusal::refused(
        "credential-twice",
        "SNSの認証情報が二つ以上付いているため、どのアカウントか決められません。",
        "The request carries more than one provider credential.",
        "投稿ツールの設定を確認してください。",
    )
    .status(400)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_oauth1_header_is_known_by_its_token_and_a_bearer_by_itself() {
        let header = "oauth_consumer_key=\"k\", oauth_token=\"12-a%2Bb\", oauth_signature=\"s%3D\"";
        assert_eq!(oauth_token(header).as_deref(), Some("12-a+b"));
        assert_eq!(oauth_token("oauth_token=\"a\", oauth_token=\"b\""), None);
        assert_eq!(scheme("BEARER  abc", "bearer"), Some("abc"));
        assert_eq!(scheme("Basic abc", "bearer"), None);
    }
}
