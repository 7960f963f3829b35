//! The provider credential that a request carries: never kept, only its fingerprint.

use http::{HeaderMap, header};

use crate::domain::action::Action;
use crate::domain::decision::Refusal;
use crate::domain::media::Sha256;
use crate::domain::outbound::OutBody;
use crate::domain::tree::Tree;
use crate::recognise::Recognised;
use crate::recognise::definition::CredentialPlace;

use super::body::{Parsed, matters};
use super::multipart::Bare;
use super::{Extracted, form, json};

/// SHA-256 (hex) of the credential: a bearer token's, or an OAuth 1.0a `oauth_token`'s.
///
/// A header that the provider might read and the gateway cannot would let one account's credential pass under
/// another's name, so what changes anything must show one that is readable, or none.
///
/// # Errors
/// Refusals `credential-twice` when there is more than one, `credential-unreadable`.
pub(super) fn fingerprint(
    recognised: &Recognised,
    headers: &HeaderMap,
    parsed: &Parsed,
    action: Action,
) -> Result<Option<String>, Refusal> {
    let mut authorization = headers.get_all(header::AUTHORIZATION).iter();
    let first = authorization.next();
    if authorization.next().is_some() {
        return Err(twice());
    }
    let shown = first.is_some();
    let authorization = first.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut read = false;
    let find = |pairs: &[(String, String)], name: &str| {
        pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
    };
    let mut found = None;
    for place in &recognised.provider.credential {
        let credential = match place {
            CredentialPlace::Bearer => {
                scheme(authorization, "bearer").filter(|text| is_token68(text)).map(str::to_owned)
            }
            CredentialPlace::OAuth1 => scheme(authorization, "oauth").and_then(oauth_token),
            CredentialPlace::Query(name) => find(&recognised.query, name),
            CredentialPlace::Form(name) => find(&parsed.form, name).or_else(|| {
                // The query is in the tree, too, where the definition nests by brackets.
                let queried = find(&recognised.query, name).is_some();
                let member = parsed.json.as_ref().filter(|_| !queried).and_then(|tree| tree.get(name));
                member.and_then(|value| value.as_text()).map(str::to_owned)
            }),
            CredentialPlace::OAuth => scheme(authorization, "oauth").filter(|text| is_token68(text)).map(str::to_owned),
        };
        let Some(credential) = credential.filter(|credential| !credential.is_empty()) else { continue };
        read |= matches!(place, CredentialPlace::Bearer | CredentialPlace::OAuth1 | CredentialPlace::OAuth);
        if found.replace(Sha256::of(credential.as_bytes()).hex()).is_some() {
            return Err(twice());
        }
    }
    if shown && !read && matters(action) {
        return Err(unreadable());
    }
    Ok(found)
}

/// Names of the form fields that carry a credential, or what is made from one.
pub(super) fn form_names(recognised: &Recognised) -> impl Iterator<Item = &str> {
    let places = recognised.provider.credential.iter().filter_map(|place| match place {
        CredentialPlace::Form(name) => Some(name.as_str()),
        _ => None,
    });
    places.chain([PROOF])
}

/// Takes what the tool brought out of query, form, JSON body and parts, because the gateway puts the account's own credential on. What
/// stands in `Authorization` is replaced there.
///
/// # Errors
/// Refusal `spool-failed` when a body on disk cannot be written.
pub(super) fn without(recognised: &mut Recognised, extracted: &mut Extracted) -> Result<(), Refusal> {
    let places = &recognised.provider.credential;
    let in_query = |name: &str| {
        name == PROOF || places.iter().any(|place| matches!(place, CredentialPlace::Query(it) if it == name))
    };
    recognised.query.retain(|(name, _)| !in_query(name));
    let in_form = |name: &str| {
        name == PROOF || places.iter().any(|place| matches!(place, CredentialPlace::Form(it) if it == name))
    };
    match (extracted.content_type.as_deref(), &extracted.body) {
        (Some("application/x-www-form-urlencoded"), OutBody::Bytes(bytes)) => {
            let mut pairs = form::parse(bytes, recognised.provider.brackets)?;
            let given = pairs.len();
            pairs.retain(|(name, _)| !in_form(name));
            if pairs.len() < given {
                extracted.body = OutBody::Bytes(form::write(&pairs).into());
            }
            Ok(())
        }
        (Some("application/json"), OutBody::Bytes(bytes)) => {
            // It is the body as the gateway wrote it, which nests no deeper than it was read.
            let tree = json::parse(bytes, usize::MAX).map_err(|_| unreadable())?;
            let Tree::Map(mut members) = tree else { return Ok(()) };
            let given = members.len();
            members.retain(|name, _| !in_form(name));
            if members.len() < given {
                let mut out = String::new();
                Tree::Map(members).write_json(&mut out);
                extracted.body = OutBody::Bytes(out.into());
            }
            Ok(())
        }
        _ => match extracted.bare.take() {
            Some(bare) => cut(&mut extracted.body, &bare).map_err(|error| super::spool::failed(&error)),
            None => Ok(()),
        },
    }
}

/// Cuts the parts that carry the credential off: they were written last, so that nothing else moves.
fn cut(body: &mut OutBody, bare: &Bare) -> std::io::Result<()> {
    use std::io::{Seek as _, Write as _};
    match body {
        OutBody::Bytes(bytes) => {
            let at = usize::try_from(bare.at).map_err(std::io::Error::other)?;
            let rest = bytes.get(..at).ok_or_else(|| std::io::Error::other("the body is shorter than it was"))?;
            *bytes = [rest, bare.closing.as_bytes()].concat().into();
        }
        OutBody::Spool(spool) => {
            let mut file = std::fs::OpenOptions::new().write(true).open(spool.path())?;
            file.set_len(bare.at)?;
            file.seek(std::io::SeekFrom::End(0))?;
            file.write_all(bare.closing.as_bytes())?;
            spool.len = bare.at + bare.closing.len() as u64;
            spool.sha256 = bare.sha256;
        }
        OutBody::Empty => {}
    }
    Ok(())
}

/// The proof that goes with a Graph token, in query or form.
const PROOF: &str = "appsecret_proof";

/// `token68` of RFC 9110 section 11.2, with the comma's neighbours that some providers put in: no space, no comma.
fn is_token68(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b',' | b';' | b'"' | b'\\'))
}

/// What follows an authentication scheme (case-insensitive, RFC 9110 section 11.1).
fn scheme<'v>(value: &'v str, scheme: &str) -> Option<&'v str> {
    let (given, rest) = value.split_once(' ')?;
    given.eq_ignore_ascii_case(scheme).then(|| rest.trim_matches(' '))
}

/// `oauth_token="..."` of an OAuth 1.0a header, decoded (RFC 5849 section 3.5.1); none if any parameter is of another
/// shape, or there twice.
fn oauth_token(parameters: &str) -> Option<String> {
    let mut names = Vec::new();
    let mut token = None;
    for parameter in parameters.split(',') {
        let (name, value) = parameter.trim_matches(' ').split_once('=')?;
        let value = value.strip_prefix('"')?.strip_suffix('"')?;
        let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b.is_ascii_digit());
        if name.is_empty() || !plain || names.contains(&name) || value.contains(['"', '\\', '\t']) {
            return None;
        }
        if name == "oauth_token" {
            token = Some(value);
        }
        names.push(name);
    }
    percent_encoding::percent_decode_str(token?).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

/// The refusal of a credential where the gateway does not look for one.
pub(super) fn misplaced(name: &str) -> Refusal {
    Refusal::refused(
        "credential-place",
        format!("SNSの認証情報が送信内容の項目「{name}」に書かれているため、どのアカウントか決められません。"),
        format!("A credential stands in the member {name}; it belongs into the Authorization header."),
        "認証情報は Authorization ヘッダーで送るよう、投稿ツールを設定してください。",
    )
    .status(400)
}

fn unreadable() -> Refusal {
    Refusal::refused(
        "credential-unreadable",
        "SNSの認証情報（Authorization）が関所の知らない形で書かれているため、どのアカウントか決められません。",
        "The provider credential is not of a described form.",
        "投稿ツールの認証の設定を確認してください。",
    )
    .status(400)
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
