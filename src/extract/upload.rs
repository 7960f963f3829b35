//! Steps of an upload: one shot, session, part, end, description.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use bytes::Bytes;

use crate::domain::action::Action;
use crate::domain::decision::Refusal;
use crate::domain::media::{Sha256, UploadStep, session_name};
use crate::recognise::definition::{Condition, Encoding, Place, Step};

use super::body::Medium;
use super::fields::Request;
use super::spool::Hasher;

/// Base64 digits decoded at a time; a multiple of four.
const PIECE: usize = 64 * 1024;

/// The step that the request is; none where the route is no upload, or the request shows the medium itself.
pub(super) fn step(
    request: &Request<'_>,
    action: Action,
    medium: Option<&Medium>,
) -> Result<Option<UploadStep>, Refusal> {
    let steps = &request.recognised.route.steps;
    let mut found = None;
    for rule in steps {
        let holds = match &rule.when {
            None => true,
            Some(condition) => request.holds(condition)?,
        };
        if holds {
            found = Some(&rule.step);
            break;
        }
    }
    let Some(step) = found else { return if steps.is_empty() { Ok(None) } else { Err(no_step()) } };
    // Beside the steps of an upload, a post may show its medium in one request: it is judged with its bytes.
    let shown = matches!(step, Step::Beside) && action.needs_approval();
    if medium.is_some() && !shown && !matches!(step, Step::OneShot { .. } | Step::Append { .. } | Step::Range { .. }) {
        return Err(no_step());
    }
    let named = |at: &Place| request.scalar(at)?.filter(|text| !text.is_empty()).ok_or_else(no_step);
    Ok(match step {
        Step::Beside => None,
        Step::Init => Some(UploadStep::Init),
        Step::Open { key, promise, total, unseen } => Some(open(request, key, (promise, total.as_ref()), unseen)?),
        Step::Begin { total } => {
            let total = told(request, total.as_ref())?;
            Some(UploadStep::Open { key: String::new(), promised: None, total })
        }
        Step::Range { session, from: Some(from), total } => {
            let medium = medium.filter(|medium| medium.len > 0).ok_or_else(no_medium)?;
            Some(UploadStep::Range {
                session: session_name(&named(session)?),
                from: Some(number(&named(from)?).ok_or_else(no_step)?),
                total: told(request, total.as_ref())?,
                offset: medium.offset.ok_or_else(no_medium)?,
                len: medium.len,
                sha256: medium.sha256,
                counted: true,
            })
        }
        Step::Range { session, .. } => Some(range(request, &named(session)?, medium)?),
        Step::OneShot { body: Some(body), .. } if *body != request.parsed.kind => return Err(no_step()),
        Step::OneShot { alt, .. } => {
            let medium = medium.ok_or_else(no_medium)?;
            let alt = alt.as_ref().map(|alt| request.scalar(alt)).transpose()?.flatten();
            Some(UploadStep::OneShot { sha256: medium.sha256, len: medium.len, alt })
        }
        Step::Append { session, number } => {
            let medium = medium.ok_or_else(no_medium)?;
            let number = named(number)?;
            let plain = number.bytes().all(|b| b.is_ascii_digit());
            let number = number.parse().ok().filter(|_| plain).ok_or_else(no_step)?;
            // The parts are put together again from what is stored, and base64 is not the medium's own bytes.
            let decoded = if medium.offset.is_none() { Some(decoded(request)?) } else { None };
            Some(UploadStep::Append {
                session: named(session)?,
                number,
                offset: medium.offset.unwrap_or_default(),
                len: medium.len,
                sha256: medium.sha256,
                decoded,
            })
        }
        Step::Finalize { session } => Some(UploadStep::Finalize { session: named(session)? }),
        Step::Describe { id, alt } => {
            Some(UploadStep::Describe { id: named(id)?, alt: request.scalar(alt)?.unwrap_or_default() })
        }
    })
}

/// The opening of a session. What others will see is promised with the words, because nobody could approve it later.
fn open(
    request: &Request<'_>,
    key: &str,
    (promise, total): (&Place, Option<&Place>),
    unseen: &[Condition],
) -> Result<UploadStep, Refusal> {
    let promised = match request.scalar(promise)? {
        Some(text) => Some(Sha256::from_hex(&text).ok_or_else(no_step)?),
        None => None,
    };
    let total = told(request, total)?;
    let mut hidden = !unseen.is_empty();
    for condition in unseen {
        hidden &= request.holds(condition)?;
    }
    if promised.is_none() && !hidden {
        return Err(medium_unseen());
    }
    Ok(UploadStep::Open { key: key.to_owned(), promised, total })
}

/// A number of bytes, if the request tells it.
fn told(request: &Request<'_>, at: Option<&Place>) -> Result<Option<u64>, Refusal> {
    match at.map(|at| request.scalar(at)).transpose()?.flatten() {
        Some(text) => number(&text).map(Some).ok_or_else(no_step),
        None => Ok(None),
    }
}

/// Bytes of a session: `bytes 0-99/100`, `bytes 0-99/*`, or all in one without a range; or the question `bytes */100`.
fn range(request: &Request<'_>, session: &str, medium: Option<&Medium>) -> Result<UploadStep, Refusal> {
    let session = session_name(session);
    let (len, sha256) = medium.map_or((0, Sha256::of(b"")), |medium| (medium.len, medium.sha256));
    let header = request.scalar(&Place::Header("content-range".to_owned()))?;
    let bytes = |from, total| UploadStep::Range { session, from, total, offset: 0, len, sha256, counted: false };
    let Some(header) = header else { return Ok(bytes(Some(0), Some(len))) };
    let (range, total) = header.strip_prefix("bytes ").and_then(|rest| rest.split_once('/')).ok_or_else(no_step)?;
    let total = if total == "*" { None } else { Some(number(total).ok_or_else(no_step)?) };
    let from = if range == "*" {
        if len > 0 {
            return Err(no_step());
        }
        None
    } else {
        let (from, to) = range.split_once('-').ok_or_else(no_step)?;
        let (from, to) = number(from).zip(number(to)).ok_or_else(no_step)?;
        let fits = len > 0 && from.checked_add(len - 1) == Some(to) && total.is_none_or(|total| to < total);
        Some(from).filter(|_| fits).ok_or_else(no_step).map(Some)?
    };
    Ok(bytes(from, total))
}

/// A number of bytes: digits only, so that no reader takes a sign or a blank for something else.
fn number(text: &str) -> Option<u64> {
    text.parse().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()))
}

/// Hash and length of a medium in base64 (RFC 4648 section 4; padded, canonical, nothing between the digits).
///
/// # Errors
/// Refusal `base64`.
pub(super) fn decode_base64(text: &str) -> Result<Medium, Refusal> {
    let mut hash = Hasher::default();
    let mut all = Vec::with_capacity(text.len() / 4 * 3);
    let pieces = text.as_bytes().chunks(PIECE);
    let last = pieces.len().saturating_sub(1);
    for (i, piece) in pieces.enumerate() {
        let decoded = if i == last { STANDARD.decode(piece) } else { STANDARD_NO_PAD.decode(piece) };
        let bytes = decoded.map_err(|_| bad_base64())?;
        hash.update(&bytes);
        all.extend_from_slice(&bytes);
    }
    Ok(Medium { offset: None, len: all.len() as u64, decoded: all.into(), sha256: hash.finish() })
}

fn refusal(code: &'static str, ja: &str, en: &str, way: &str) -> Refusal {
    Refusal::refused(code, ja, en, way).status(400)
}

fn bad_base64() -> Refusal {
    refusal(
        "base64",
        "画像・動画のデータ（base64）が正しい形で書かれていないため、通せません。",
        "The medium is not well-formed base64.",
        "投稿ツールの設定を確認してください。",
    )
}

fn no_medium() -> Refusal {
    refusal(
        "media-missing",
        "画像・動画のデータが入っていないため、受け付けませんでした。",
        "The upload carries no medium.",
        "投稿ツールの設定を確認してください。",
    )
}

fn no_step() -> Refusal {
    refusal(
        "upload-step",
        "画像・動画の送信の手順が、関所の知っている形と違うため、通せません。",
        "The request is no upload step that the route describes.",
        "投稿ツールの設定を確認してください。",
    )
}

fn medium_unseen() -> Refusal {
    Refusal::refused(
        "media-unseen",
        "動画の中身がまだ届いていないため、公開の投稿として承認を受けることができません。",
        "Nobody has seen the medium yet, so a post that shows it cannot be approved.",
        "まず非公開（private）で送信し、内容を確かめてから公開の承認を受けてください。動画ファイルのSHA-256を Sekisho-Media-Sha256 ヘッダーで示す方法もあります。",
    )
    .citing("sekisho:promise-2")
}

/// The bytes of the medium that the request writes in base64.
fn decoded(request: &Request<'_>) -> Result<Bytes, Refusal> {
    let mut rules = request.recognised.route.media_fields().filter(|rule| rule.encoding == Encoding::Base64);
    let text = rules.find_map(|rule| request.scalar(&rule.at).transpose()).ok_or_else(no_medium)??;
    STANDARD.decode(text).map(Bytes::from).map_err(|_| bad_base64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_hashed_over_its_decoded_bytes_also_across_pieces() {
        let bytes: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
        let medium = decode_base64(&STANDARD.encode(&bytes)).unwrap();
        assert_eq!(medium.sha256, crate::domain::media::Sha256::of(&bytes));
        assert_eq!(medium.len, 800_000);
    }

    #[test]
    fn base64_that_decoders_read_differently_is_refused() {
        let inside = format!("{}={}", "A".repeat(PIECE - 1), "AAAA");
        for text in ["QQ", "QQ=", "QR==", "QQ==QQ==", "Q Q=", "QUJD\n", "-_-_", inside.as_str()] {
            assert_eq!(decode_base64(text).unwrap_err().code, "base64", "{text:.40}");
        }
    }
}
