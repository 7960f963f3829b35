//! What a provider's answer teaches: the outcome, published ids, media ids bound to the hash of their bytes.
//!
//! Parts of a chunked upload stay on disk by session and number; the whole is hashed when the session is finalized,
//! before the client is answered.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use http::StatusCode;
use tokio::io::AsyncWriteExt as _;

use crate::config::extract::Extract;
use crate::domain::account::Account;
use crate::domain::action::Action;
use crate::domain::container::ContainerStep;
use crate::domain::decision::Refusal;
use crate::domain::dossier::{Learned, Outcome};
use crate::domain::media::{MediaRecord, Segment, Sha256, UploadStep};
use crate::domain::outbound::OutBody;
use crate::domain::ports::MediaBook;
use crate::extract::batch::Fate;
use crate::extract::{self, Extracted};
use crate::forward::{Answer, AnswerBody, Failure};
use crate::recognise::Recognised;

use super::session;

/// What an exchange taught.
pub struct Lesson {
    /// How it ended.
    pub outcome: Outcome,
    /// What is recorded with the outcome; [`may_follow`] says whether the client waits for it.
    pub learned: Vec<Learned>,
}

/// Whether the client may be answered before the outcome is durable: the provider said yes, and no later step (the use
/// of a medium, a resend) rests on what was learned. Own posts are looked up after the ledger has settled.
pub fn may_follow(outcome: &Outcome, learned: &[Learned]) -> bool {
    matches!(outcome, Outcome::Published { .. })
        && learned.iter().all(|learned| matches!(learned, Learned::Published { .. } | Learned::Budget(_)))
}

/// Refuses an upload step that does not fit what went through before: a session of another account or one never
/// opened here, a part sent twice with other bytes, a finalize with parts missing.
pub async fn check_upload(
    extracted: &Extracted,
    recognised: &Recognised,
    account: &Account,
    book: &dyn MediaBook,
) -> Result<(), Box<Refusal>> {
    check_step(extracted, recognised, account, book)?;
    session::check(extracted, recognised, account, book).await
}

fn check_step(
    extracted: &Extracted,
    recognised: &Recognised,
    account: &Account,
    book: &dyn MediaBook,
) -> Result<(), Box<Refusal>> {
    let provider = &recognised.provider.id;
    let session = match &extracted.upload {
        None
        | Some(UploadStep::OneShot { .. } | UploadStep::Init | UploadStep::Open { .. } | UploadStep::Range { .. }) => {
            return Ok(());
        }
        Some(UploadStep::Append { session, .. } | UploadStep::Finalize { session }) => session,
        Some(UploadStep::Describe { id, .. }) => id,
    };
    let session = &recognised.book_id(&account.id, session);
    let unavailable = |_| Box::new(super::sentence::ledger_down());
    match book.media(provider, session).map_err(unavailable)? {
        Some(record) if record.account == account.id => {
            // A part more would change bytes that are bound to a hash already.
            if record.sha256.is_some() && matches!(extracted.upload, Some(UploadStep::Append { .. })) {
                return Err(foreign("media-complete", "この画像・動画は、すでに最後まで届いています。"));
            }
        }
        Some(_) => return Err(foreign_media()),
        None => return Err(unknown_media()),
    }
    let segments = book.segments(provider, session).map_err(unavailable)?;
    match &extracted.upload {
        Some(UploadStep::Append { number, sha256, .. }) => {
            let clash = segments.iter().any(|part| part.number == *number && part.sha256 != *sha256);
            if clash {
                return Err(foreign(
                    "media-part-changed",
                    "同じ番号の分割データが、異なる内容でもう一度送信されました。",
                ));
            }
        }
        Some(UploadStep::Finalize { .. }) => {
            let dense = segments.iter().enumerate().all(|(i, part)| usize::try_from(part.number) == Ok(i));
            if segments.is_empty() || !dense {
                return Err(foreign("media-incomplete", "分割して送信された画像・動画に、欠けている部分があります。"));
            }
        }
        _ => {}
    }
    Ok(())
}

/// The refusal of what another account uploaded.
pub(super) fn foreign_media() -> Box<Refusal> {
    foreign("foreign-media", "この画像・動画は別のアカウントのために送信されたものです。")
}

/// The refusal of what nobody uploaded through the gateway.
pub(super) fn unknown_media() -> Box<Refusal> {
    foreign("unknown-media", "この画像・動画は関所を通って送信されたものではありません。")
}

fn foreign(code: &'static str, sentence: &'static str) -> Box<Refusal> {
    let forward = "画像・動画を初めから送信し直してください。";
    Box::new(
        Refusal::refused(code, sentence, "The media did not go through the gate for this account.", forward)
            .citing("sekisho:promise-2"),
    )
}

/// What the exchange taught. Reads the parts of a finalized upload from disk.
pub async fn lesson(
    answer: &Result<Answer, Failure>,
    request: Option<&(Recognised, Extracted, Arc<Account>)>,
    book: &dyn MediaBook,
    config: &Extract,
) -> Lesson {
    let answer = match answer {
        Ok(answer) => answer,
        Err(Failure::NotSent(code)) => return Lesson { outcome: Outcome::NotSent { code }, learned: Vec::new() },
        Err(Failure::Unknown(code)) => return unknown(code, request, book, config).await,
    };
    let status = answer.status.as_u16();
    if request.is_some_and(|(recognised, _, _)| recognised.provider.by_hand) {
        // Whether the person has posted it, the gateway learns when the link is recorded.
        return Lesson { outcome: Outcome::Unknown { code: "by-hand" }, learned: Vec::new() };
    }
    let reads = matches!(answer.body, AnswerBody::Stream(_));
    if answer.status.is_server_error() && !reads {
        return unknown("provider-5xx", request, book, config).await;
    }
    let goes_on = request.is_some_and(|(_, extracted, _)| session::goes_on(extracted, answer.status));
    if !answer.status.is_success() && answer.status != StatusCode::NOT_MODIFIED && !goes_on {
        return Lesson { outcome: Outcome::RefusedByProvider { status }, learned: Vec::new() };
    }
    let Some(request) = request else {
        return Lesson { outcome: Outcome::Published { status, published_id: None }, learned: Vec::new() };
    };
    let (recognised, extracted, account) = request;
    let published_id = match &answer.body {
        AnswerBody::Whole(bytes) => extract::published_id(recognised, bytes),
        AnswerBody::Stream(_) => None,
    };
    let taught = match &extracted.upload {
        Some(UploadStep::Range { .. }) => {
            session::arrived(answer, request, published_id.as_deref(), book, config).await
        }
        Some(UploadStep::Open { .. }) => Ok(session::opened(answer, request, published_id.as_deref())),
        _ => taught(recognised, extracted, account, published_id.as_deref(), book, config).await,
    };
    let mut learned = match taught {
        Ok(learned) => learned,
        Err(error) => {
            // What was not learned is refused later as unknown media, so that the post that needs it cannot pass.
            tracing::error!(%error, "media that went through could not be remembered");
            Vec::new()
        }
    };
    let (first, posts) = published_items(recognised, extracted, account, &answer.body);
    learned.extend(posts);
    let fate = match &answer.body {
        AnswerBody::Whole(bytes) => extract::batch::fate(recognised, &extracted.items, bytes),
        AnswerBody::Stream(_) => Fate::Known,
    };
    match fate {
        Fate::Known => {}
        // Each item was carried out for itself, so the whole may have failed although the answer is a success.
        Fate::Refused(status) => return Lesson { outcome: Outcome::RefusedByProvider { status }, learned },
        Fate::Unclear => return Lesson { outcome: Outcome::Unknown { code: "batch-item-unknown" }, learned },
    }
    Lesson { outcome: Outcome::Published { status, published_id: published_id.or(first) }, learned }
}

/// What became of the items of a batch: the first id, and those that are posts of the account's own from now on.
fn published_items(
    recognised: &Recognised,
    extracted: &Extracted,
    account: &Account,
    answer: &AnswerBody,
) -> (Option<String>, Vec<Learned>) {
    let AnswerBody::Whole(bytes) = answer else { return (None, Vec::new()) };
    let ids = extract::batch::published_ids(recognised, &extracted.items, bytes);
    let own = extracted.items.iter().zip(&ids).filter_map(|(item, id)| {
        let id = id.clone().filter(|_| matches!(item.action, Action::Publish | Action::Quote | Action::Edit))?;
        Some(Learned::Published { account: account.id.clone(), id })
    });
    let own = own.collect();
    (ids.into_iter().flatten().next(), own)
}

/// What is assumed of a step that the provider may have taken: a part counts as taken, so that nothing else can stand
/// in its place, and an alternative text counts as nobody's, so that no approval covers it.
async fn unknown(
    code: &'static str,
    request: Option<&(Recognised, Extracted, Arc<Account>)>,
    book: &dyn MediaBook,
    config: &Extract,
) -> Lesson {
    let outcome = Outcome::Unknown { code };
    let Some(request) = request else { return Lesson { outcome, learned: Vec::new() } };
    let (recognised, extracted, account) = request;
    let provider = recognised.provider.id.clone();
    let learned = match &extracted.upload {
        Some(UploadStep::Append { .. }) => match part(recognised, extracted, account, config).await {
            Ok(part) => part.map(Learned::Segment).into_iter().collect(),
            Err(error) => {
                tracing::error!(%error, "a part of unknown outcome could not be kept");
                Vec::new()
            }
        },
        Some(UploadStep::Range { .. }) => session::in_doubt(request, book, config).await.unwrap_or_else(|error| {
            tracing::error!(%error, "a part of unknown outcome could not be kept");
            Vec::new()
        }),
        Some(UploadStep::Describe { id, .. }) => vec![Learned::Media(MediaRecord {
            provider,
            id: recognised.book_id(&account.id, id),
            account: account.id.clone(),
            sha256: None,
            len: 0,
            alt: Some("（代替テキストを設定できたか不明です）".to_owned()),
            findings: Vec::new(),
        })],
        _ => Vec::new(),
    };
    Lesson { outcome, learned }
}

/// The part that an append sent, kept on disk.
async fn part(
    recognised: &Recognised,
    extracted: &Extracted,
    account: &Account,
    config: &Extract,
) -> std::io::Result<Option<Segment>> {
    let provider = recognised.provider.id.clone();
    let Some(UploadStep::Append { session, number, offset, len, sha256, decoded }) = &extracted.upload else {
        return Ok(None);
    };
    let body = decoded.clone().map(OutBody::Bytes);
    let (file, offset) = kept(body.as_ref().unwrap_or(&extracted.body), *offset, *len, config).await?;
    let (session, number) = (recognised.book_id(&account.id, session), *number);
    Ok(Some(Segment { provider, session, number, file, offset, len: *len, sha256: *sha256 }))
}

async fn taught(
    recognised: &Recognised,
    extracted: &Extracted,
    account: &Account,
    id: Option<&str>,
    book: &dyn MediaBook,
    config: &Extract,
) -> std::io::Result<Vec<Learned>> {
    let provider = recognised.provider.id.clone();
    let record = |id: &str, sha256: Option<Sha256>, len: u64, alt: Option<String>| {
        Learned::Media(MediaRecord {
            provider: provider.clone(),
            id: recognised.book_id(&account.id, id),
            account: account.id.clone(),
            sha256,
            len,
            alt,
            findings: if sha256.is_some() { super::scan::kept(extracted) } else { Vec::new() },
        })
    };
    let known = |id: &str| book.media(&provider, &recognised.book_id(&account.id, id)).map_err(std::io::Error::other);
    Ok(match (&extracted.upload, id) {
        (Some(UploadStep::OneShot { sha256, len, alt }), Some(id)) => {
            let media = record(id, Some(*sha256), *len, alt.clone());
            // Words and medium in one request: what it uploads is the post itself.
            let post = Learned::Published { account: account.id.clone(), id: id.to_owned() };
            std::iter::once(media).chain(Some(post).filter(|_| extracted.action.needs_approval())).collect()
        }
        (Some(UploadStep::Init), Some(id)) => vec![record(id, None, 0, None)],
        (Some(UploadStep::Append { .. }), _) => {
            part(recognised, extracted, account, config).await?.map(Learned::Segment).into_iter().collect()
        }
        (Some(UploadStep::Finalize { session }), _) => {
            let parts =
                book.segments(&provider, &recognised.book_id(&account.id, session)).map_err(std::io::Error::other)?;
            let alt = known(session)?.and_then(|record| record.alt);
            let (sha256, len) = tokio::task::spawn_blocking(move || reassembled(&parts)).await??;
            vec![record(session, Some(sha256), len, alt)]
        }
        (Some(UploadStep::Describe { id, alt }), _) => match known(id)? {
            Some(media) => vec![Learned::Media(MediaRecord { alt: Some(alt.clone()), ..media })],
            None => Vec::new(),
        },
        // A container is no post yet.
        (None, Some(_)) if matches!(extracted.container, Some(ContainerStep::Make { .. })) => Vec::new(),
        (None, Some(id)) if matches!(extracted.action, Action::Publish | Action::Quote | Action::Edit) => {
            vec![Learned::Published { account: account.id.clone(), id: id.to_owned() }]
        }
        (_, _) => Vec::new(),
    })
}

/// Keeps the part's bytes: the spool file that was sent, or a new one for a part that was small enough for memory.
pub(super) async fn kept(body: &OutBody, offset: u64, len: u64, config: &Extract) -> std::io::Result<(PathBuf, u64)> {
    match body {
        OutBody::Spool(spool) => {
            spool.keep();
            Ok((spool.path().to_owned(), offset))
        }
        OutBody::Bytes(bytes) => {
            let from = usize::try_from(offset).map_err(std::io::Error::other)?;
            let to = from.saturating_add(usize::try_from(len).map_err(std::io::Error::other)?);
            let part = bytes.get(from..to).ok_or_else(|| std::io::Error::other("the part lies outside its request"))?;
            let path = new_part(&config.spool_dir);
            let mut file = tokio::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).await?;
            if let Err(error) = async {
                file.write_all(part).await?;
                file.flush().await
            }
            .await
            {
                // Half a part is of no use, least of all on a disk that is full.
                drop(tokio::fs::remove_file(&path).await);
                return Err(error);
            }
            Ok((path, 0))
        }
        OutBody::Empty => Err(std::io::Error::other("a part without bytes")),
    }
}

fn new_part(dir: &Path) -> PathBuf {
    dir.join(format!("{}.part", uuid::Uuid::new_v4().simple()))
}

/// The hash and length of a medium from its parts, whose files go afterwards.
fn reassembled(parts: &[Segment]) -> std::io::Result<(Sha256, u64)> {
    use std::io::{Read as _, Seek as _, SeekFrom};
    let mut hash = Context::new(&SHA256);
    let mut total = 0;
    let mut buffer = vec![0; 256 * 1024];
    for part in parts {
        let mut file = std::fs::File::open(&part.file)?;
        file.seek(SeekFrom::Start(part.offset))?;
        let mut rest = file.take(part.len);
        let mut seen = 0;
        loop {
            let n = rest.read(&mut buffer)?;
            if n == 0 {
                break;
            }
            hash.update(buffer.get(..n).unwrap_or_default());
            seen += n as u64;
        }
        if seen != part.len {
            return Err(std::io::Error::other("a stored part is shorter than it was"));
        }
        total += seen;
    }
    for part in parts {
        std::fs::remove_file(&part.file)?;
    }
    let mut sha256 = [0; 32];
    sha256.copy_from_slice(hash.finish().as_ref());
    Ok((Sha256(sha256), total))
}
