//! Resumable uploads: a request with the words opens a session, and bytes follow to an address that the answer named.
//!
//! The decision is made on the words. What follows may only be this account's own session, from the very byte that the
//! provider waits for, and where a hash was promised, the last byte leaves only if the whole has it. A part of unknown
//! outcome is kept beside the session until an answer says how much of it has arrived.

use http::{StatusCode, header};

use crate::config::extract::Extract;
use crate::domain::account::Account;
use crate::domain::decision::Refusal;
use crate::domain::dossier::Learned;
use crate::domain::media::{MediaRecord, Segment, Sha256, UploadStep, session_name};
use crate::domain::outbound::OutBody;
use crate::domain::ports::{MediaBook, Unavailable};
use crate::extract::Extracted;
use crate::extract::spool::Hasher;
use crate::forward::Answer;
use crate::recognise::Recognised;

use super::learn::kept;

/// What the gateway knows of a session.
struct Session {
    /// Its name in the book.
    name: String,
    /// The parts that the provider has.
    parts: Vec<Segment>,
    /// The part whose outcome is unknown.
    doubtful: Option<Segment>,
    /// What it was opened for.
    promised: Option<MediaRecord>,
}

impl Session {
    fn read(recognised: &Recognised, account: &Account, id: &str, book: &dyn MediaBook) -> Result<Self, Unavailable> {
        let provider = &recognised.provider.id;
        let name = recognised.book_id(&account.id, id);
        let parts = book.segments(provider, &name)?;
        // One that was followed by another part is settled.
        let doubtful = book.segments(provider, &doubt(&name))?.pop();
        let doubtful = doubtful.filter(|part| usize::try_from(part.number) == Ok(parts.len()));
        let promised = book.media(provider, &promise(&name))?;
        Ok(Self { name, parts, doubtful, promised })
    }

    /// The number of bytes in all: as this part tells it, or as the opening did. Where both do, they agree.
    fn total(&self, told: Option<u64>) -> Option<u64> {
        let opened = self.promised.as_ref().map(|promised| promised.len).filter(|len| *len > 0);
        match (told, opened) {
            (Some(told), Some(opened)) => Some(told).filter(|told| *told == opened),
            (told, opened) => told.or(opened),
        }
    }

    /// How many bytes the provider has.
    fn arrived(&self) -> u64 {
        self.parts.iter().map(|part| part.len).sum()
    }

    /// Counts the part of unknown outcome as arrived, where the next one begins behind it: the sender asked the provider,
    /// which has it. Where every part is answered alike, no answer says so to the gateway.
    fn adopt(&mut self, counted: bool, from: Option<u64>) -> Option<Segment> {
        let arrived = self.arrived();
        let part = self.doubtful.take_if(|part| counted && from == Some(arrived + part.len))?;
        let part = Segment { session: self.name.clone(), ..part };
        self.parts.push(part.clone());
        Some(part)
    }

    fn next(&self) -> u32 {
        u32::try_from(self.parts.len()).unwrap_or(u32::MAX)
    }
}

fn doubt(session: &str) -> String {
    format!("{session} doubt")
}

fn promise(session: &str) -> String {
    format!("{session} promise")
}

/// Refuses bytes that do not continue a session of this account, and the last ones of a medium that is not the promised.
///
/// # Errors
/// Refusals `unknown-media`, `foreign-media`, `media-complete`, `media-range`, `media-changed`, and `store-unavailable`.
pub async fn check(
    extracted: &Extracted,
    recognised: &Recognised,
    account: &Account,
    book: &dyn MediaBook,
) -> Result<(), Box<Refusal>> {
    let Some(UploadStep::Range { session: id, from, total, offset, len, sha256, counted }) = &extracted.upload else {
        return Ok(());
    };
    let unavailable = |_| Box::new(super::sentence::ledger_down());
    let name = recognised.book_id(&account.id, id);
    match book.media(&recognised.provider.id, &name).map_err(unavailable)? {
        None => return Err(super::learn::unknown_media()),
        Some(record) if record.account != account.id => return Err(super::learn::foreign_media()),
        Some(record) if record.sha256.is_some() && from.is_some() => return Err(complete()),
        Some(_) => {}
    }
    let mut session = Session::read(recognised, account, id, book).map_err(unavailable)?;
    session.adopt(*counted, *from);
    let arrived = session.arrived();
    if from.is_some_and(|from| from != arrived) {
        return Err(range());
    }
    if from.is_some() && session.doubtful.as_ref().is_some_and(|part| part.sha256 != *sha256 || part.len != *len) {
        return Err(range());
    }
    if *counted && session.total(*total).is_none_or(|total| arrived + len > total) {
        return Err(range());
    }
    let Some(promised) = session.promised.as_ref().filter(|promised| promised.sha256.is_some()) else { return Ok(()) };
    let hash = match (from, total) {
        // Only with the number of bytes in all it is clear which part is the last.
        (Some(_), None) => return Err(range()),
        (Some(_), Some(total)) if promised.len > 0 && promised.len != *total => return Err(changed()),
        (Some(_), Some(total)) if arrived + len < *total => return Ok(()),
        (Some(_), Some(_)) => whole(session.parts, Some((extracted.body.clone(), *offset, *len))).await,
        (None, None) => return Ok(()),
        (None, Some(total)) => {
            // The provider takes "how much of N?" for the end, where it has N already.
            let in_doubt = session.doubtful.as_ref().map_or(0, |part| part.len);
            if *total > arrived + in_doubt {
                return Ok(());
            }
            let more = session.doubtful.filter(|_| *total > arrived);
            whole(session.parts.into_iter().chain(more).collect(), None).await
        }
    };
    match hash {
        Ok((sha256, _)) if Some(sha256) == promised.sha256 => Ok(()),
        Ok(_) => Err(changed()),
        Err(error) => {
            tracing::error!(%error, "the parts of an upload cannot be read");
            Err(Box::new(super::sentence::ledger_down()))
        }
    }
}

/// The parts that came before, where this one is the last of its session; none where it is not.
pub(super) fn before_the_last(
    extracted: &Extracted,
    recognised: &Recognised,
    account: &Account,
    book: &dyn MediaBook,
) -> Result<Option<Vec<Segment>>, Unavailable> {
    let Some(UploadStep::Range { session: id, from: from @ Some(begin), total, len, counted, .. }) = &extracted.upload
    else {
        return Ok(None);
    };
    let mut session = Session::read(recognised, account, id, book)?;
    session.adopt(*counted, *from);
    let ends = session.total(*total).is_some_and(|total| begin.checked_add(*len) == Some(total));
    Ok(ends.then_some(session.parts))
}

fn refused(code: &'static str, ja: &'static str, en: &'static str) -> Box<Refusal> {
    let way = "動画を初めから送信し直してください。";
    Box::new(Refusal::refused(code, ja, en, way).citing("sekisho:promise-2"))
}

fn complete() -> Box<Refusal> {
    refused("media-complete", "この動画は、すでに最後まで届いています。", "The upload is complete.")
}

fn range() -> Box<Refusal> {
    refused(
        "media-range",
        "動画の続きではないデータが送信されました。どこまで届いたかを確かめてから、続きを送信してください。",
        "These bytes do not continue what the provider has; ask how much of it has arrived.",
    )
}

fn changed() -> Box<Refusal> {
    refused(
        "media-changed",
        "送信された動画が、承認を受けた動画と違います。最後の部分は送信していません。",
        "The medium is not the one that was promised with the words; its last part was not sent.",
    )
}

/// Hash and length of parts on disk and of the body's part (where it begins, how long it is) that follows them.
async fn whole(parts: Vec<Segment>, body: Option<(OutBody, u64, u64)>) -> std::io::Result<(Sha256, u64)> {
    tokio::task::spawn_blocking(move || {
        let (mut hash, mut total) = (Hasher::default(), 0);
        for part in &parts {
            total += feed(&mut hash, &part.file, part.offset, part.len)?;
        }
        match &body {
            Some((OutBody::Bytes(bytes), from, len)) => {
                let range = usize::try_from(*from).ok().zip(usize::try_from(from + len).ok());
                let part = range.and_then(|(from, to)| bytes.get(from..to));
                hash.update(part.ok_or_else(|| std::io::Error::other("the part lies outside its request"))?);
                total += len;
            }
            Some((OutBody::Spool(spool), from, len)) => total += feed(&mut hash, spool.path(), *from, *len)?,
            Some((OutBody::Empty, ..)) | None => {}
        }
        Ok((hash.finish(), total))
    })
    .await?
}

fn feed(hash: &mut Hasher, file: &std::path::Path, from: u64, len: u64) -> std::io::Result<u64> {
    use std::io::{Read as _, Seek as _, SeekFrom};
    let mut file = std::fs::File::open(file)?;
    file.seek(SeekFrom::Start(from))?;
    let mut rest = file.take(len);
    let mut buffer = vec![0; 256 * 1024];
    let mut seen = 0;
    loop {
        let n = rest.read(&mut buffer)?;
        if n == 0 {
            break;
        }
        hash.update(buffer.get(..n).unwrap_or_default());
        seen += n as u64;
    }
    if seen == len { Ok(seen) } else { Err(std::io::Error::other("a stored part is shorter than it was")) }
}

/// What the opening of a session taught: its name, from the `Location` of the answer or as the answer's own `id`.
pub fn opened(
    answer: &Answer,
    request: &(Recognised, Extracted, std::sync::Arc<Account>),
    id: Option<&str>,
) -> Vec<Learned> {
    let (recognised, extracted, account) = request;
    let Some(UploadStep::Open { key, promised, total }) = &extracted.upload else { return Vec::new() };
    let named = if key.is_empty() { id.map(str::to_owned) } else { location(answer, recognised, key) };
    let Some(id) = named else {
        tracing::error!("the answer to the opening of an upload names no session");
        return Vec::new();
    };
    let name = recognised.book_id(&account.id, &session_name(&id));
    let record = |id: String, sha256, len| {
        let (provider, account) = (recognised.provider.id.clone(), account.id.clone());
        Learned::Media(MediaRecord { provider, id, account, sha256, len, alt: None, findings: Vec::new() })
    };
    let said = promised.is_some() || (key.is_empty() && total.is_some());
    let kept = said.then(|| record(promise(&name), *promised, total.unwrap_or_default()));
    std::iter::once(record(name.clone(), None, 0)).chain(kept).collect()
}

/// The session's name in the address to which its bytes go, which must be the provider's.
fn location(answer: &Answer, recognised: &Recognised, key: &str) -> Option<String> {
    let address = answer.headers.get(header::LOCATION)?.to_str().ok()?;
    let (host, target) = address.strip_prefix("https://")?.split_once('/')?;
    if !recognised.provider.hosts.iter().any(|known| known.accepts(host)) {
        return None;
    }
    let (_, query) = target.split_once('?')?;
    let pairs = crate::recognise::matcher::decode_pairs(query, &|_| true).ok()?;
    let mut found = pairs.into_iter().filter(|(name, _)| name == key).map(|(_, value)| value);
    found.next().filter(|id| !id.is_empty() && found.next().is_none())
}

/// Whether the answer says that the session goes on: 308 is no redirection here.
pub fn goes_on(extracted: &Extracted, status: StatusCode) -> bool {
    matches!(extracted.upload, Some(UploadStep::Range { .. })) && status == StatusCode::PERMANENT_REDIRECT
}

/// How many bytes an answer says have arrived: `Range: bytes=0-99`, or none.
fn told(answer: &Answer) -> u64 {
    let range = answer.headers.get(header::RANGE).and_then(|value| value.to_str().ok());
    let last = range.and_then(|range| range.strip_prefix("bytes=0-")).and_then(|last| last.parse::<u64>().ok());
    last.map_or(0, |last| last.saturating_add(1))
}

/// What an answer to bytes, or to the question for them, taught. Keeps the part that arrived on disk until the end.
///
/// # Errors
/// When the store cannot answer or a part cannot be kept.
pub async fn arrived(
    answer: &Answer,
    request: &(Recognised, Extracted, std::sync::Arc<Account>),
    id: Option<&str>,
    book: &dyn MediaBook,
    config: &Extract,
) -> std::io::Result<Vec<Learned>> {
    let (recognised, extracted, account) = request;
    let Some(UploadStep::Range { session, from, total, len, counted, .. }) = &extracted.upload else {
        return Ok(Vec::new());
    };
    let mut session = Session::read(recognised, account, session, book).map_err(std::io::Error::other)?;
    let adopted = session.adopt(*counted, *from);
    let before = session.arrived();
    let ended = answer.status.is_success() && (!counted || session.total(*total) == Some(before + len));
    let more = if answer.status.is_success() { u64::MAX } else { told(answer).saturating_sub(before) };
    let part = match from {
        _ if more == 0 => None,
        Some(_) => fresh(&session, recognised, extracted, config).await?,
        None => session.doubtful.clone().map(|part| Segment { session: session.name.clone(), ..part }),
    };
    let part = match part {
        Some(part) if more < part.len => {
            let (sha256, len) = whole(vec![Segment { len: more, ..part.clone() }], None).await?;
            Some(Segment { sha256, len, ..part })
        }
        part => part,
    };
    if !ended {
        return Ok(adopted.into_iter().chain(part).map(Learned::Segment).collect());
    }
    let name = session.name.clone();
    let parts: Vec<Segment> = session.parts.into_iter().chain(part).collect();
    let files: Vec<_> = parts.iter().map(|part| part.file.clone()).collect();
    let (sha256, len) = whole(parts, None).await?;
    for file in files {
        // What is left over is swept at the next start.
        let _ = tokio::fs::remove_file(file).await;
    }
    let record = |id: String| {
        let (provider, account) = (recognised.provider.id.clone(), account.id.clone());
        let findings = super::scan::kept(extracted);
        Learned::Media(MediaRecord { provider, id, account, sha256: Some(sha256), len, alt: None, findings })
    };
    let mut learned = vec![record(name)];
    if let Some(id) = id {
        learned.push(record(recognised.book_id(&account.id, id)));
        learned.push(Learned::Published { account: account.id.clone(), id: id.to_owned() });
    }
    Ok(learned)
}

/// A part whose outcome is unknown, kept until an answer says how much of it has arrived.
///
/// # Errors
/// When the store cannot answer or the part cannot be kept.
pub async fn in_doubt(
    request: &(Recognised, Extracted, std::sync::Arc<Account>),
    book: &dyn MediaBook,
    config: &Extract,
) -> std::io::Result<Vec<Learned>> {
    let (recognised, extracted, account) = request;
    let Some(UploadStep::Range { session, from: from @ Some(_), counted, .. }) = &extracted.upload else {
        return Ok(Vec::new());
    };
    let mut session = Session::read(recognised, account, session, book).map_err(std::io::Error::other)?;
    let adopted = session.adopt(*counted, *from);
    let part = fresh(&session, recognised, extracted, config).await?;
    let doubtful = part.map(|part| Segment { session: doubt(&session.name), ..part });
    Ok(adopted.into_iter().chain(doubtful).map(Learned::Segment).collect())
}

/// The part that this request carried, kept on disk.
async fn fresh(
    session: &Session,
    recognised: &Recognised,
    extracted: &Extracted,
    config: &Extract,
) -> std::io::Result<Option<Segment>> {
    let Some(UploadStep::Range { offset, len, sha256, .. }) = &extracted.upload else { return Ok(None) };
    if *len == 0 {
        return Ok(None);
    }
    let (file, offset) = kept(&extracted.body, *offset, *len, config).await?;
    let provider = recognised.provider.id.clone();
    let (name, number) = (session.name.clone(), session.next());
    Ok(Some(Segment { provider, session: name, number, file, offset, len: *len, sha256: *sha256 }))
}
