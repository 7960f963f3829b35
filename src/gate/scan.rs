//! Media are looked into where they lie: a medium in one request at once, one in parts when its last part is there, before
//! the request leaves that would complete it.
//!
//! One medium at a time, on a thread for blocking work and within a deadline, so that pictures cost a bounded amount of
//! memory. What could not be looked at in time is a finding for a person.

use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;
use tokio::sync::Semaphore;

use super::{Rules, sentence, session};
use crate::config::inspect::Media as Limits;
use crate::domain::account::Account;
use crate::domain::decision::Refusal;
use crate::domain::finding::{Finding, Severity};
use crate::domain::media::{Segment, UploadStep};
use crate::domain::outbound::{OutBody, Spool};
use crate::domain::ports::MediaBook;
use crate::extract::Extracted;
use crate::inspect::media::source::{Piece, Pieces};
use crate::inspect::media::{QR_LINK_RULE, look, too_complex, unseen};
use crate::recognise::Recognised;

/// Where findings say that a medium of the request itself stands.
const PLACE: &str = "media";

/// Looks into media, one at a time.
pub struct Scanner {
    limits: Arc<Limits>,
    turn: Arc<Semaphore>,
}

impl Scanner {
    /// A scanner with these limits.
    pub fn new(limits: &Limits) -> Self {
        Self { limits: Arc::new(limits.clone()), turn: Arc::new(Semaphore::new(1)) }
    }

    /// What is found in the medium that the request completes; none: it completes none.
    ///
    /// # Errors
    /// Refusal `store-unavailable`, when the book cannot tell the parts.
    pub async fn seen(
        &self,
        rules: &Arc<Rules>,
        extracted: &Extracted,
        recognised: &Recognised,
        account: &Account,
        book: &dyn MediaBook,
        today: Date,
    ) -> Result<Option<Vec<Finding>>, Box<Refusal>> {
        let Some(pieces) = completed(extracted, recognised, account, book)? else { return Ok(None) };
        Ok(Some(self.found(rules, pieces, extracted.body.clone(), today).await))
    }

    /// What is found in a medium that was fetched.
    pub async fn fetched(&self, rules: &Arc<Rules>, spool: &Spool, today: Date) -> Vec<Finding> {
        let piece = Piece::File { path: spool.path().to_owned(), from: 0, len: spool.len };
        self.found(rules, vec![piece], OutBody::Spool(spool.clone()), today).await
    }

    /// What is found in a medium of these pieces, which `body` keeps where they lie.
    async fn found(&self, rules: &Arc<Rules>, pieces: Vec<Piece>, body: OutBody, today: Date) -> Vec<Finding> {
        let (rules, limits, turn) = (Arc::clone(rules), Arc::clone(&self.limits), Arc::clone(&self.turn));
        let looked = async move {
            let turn = turn.acquire_owned().await.ok();
            let work = move || {
                // The spool file stays while it is read; the next one has its turn when this one is done with, in time or not.
                let (_body, _turn) = (body, turn);
                look(&rules.inspection, PLACE, &mut Pieces::new(pieces), &limits, Some(today))
            };
            tokio::task::spawn_blocking(work).await
        };
        let deadline = Duration::from_millis(self.limits.deadline_ms);
        match tokio::time::timeout(deadline, looked).await {
            Ok(Ok(findings)) => findings,
            Ok(Err(error)) => {
                tracing::error!(%error, "a medium could not be looked into");
                vec![unseen(PLACE)]
            }
            Err(_) => vec![too_complex(PLACE)],
        }
    }
}

/// The pieces of the medium that the request completes.
fn completed(
    extracted: &Extracted,
    recognised: &Recognised,
    account: &Account,
    book: &dyn MediaBook,
) -> Result<Option<Vec<Piece>>, Box<Refusal>> {
    let parts = |session: &str| {
        let parts = book.segments(&recognised.provider.id, &recognised.book_id(&account.id, session));
        parts.map_err(|_| Box::new(sentence::ledger_down()))
    };
    let stored = |part: Segment| Piece::File { path: part.file, from: part.offset, len: part.len };
    Ok(match &extracted.upload {
        Some(UploadStep::Finalize { session }) => Some(parts(session)?.into_iter().map(stored).collect()),
        Some(UploadStep::Range { .. }) => {
            let before = session::before_the_last(extracted, recognised, account, book);
            let before = before.map_err(|_| Box::new(sentence::ledger_down()))?;
            before.map(|parts| parts.into_iter().map(stored).chain(carried(extracted)).collect())
        }
        Some(UploadStep::OneShot { .. }) | None => carried(extracted).map(|piece| vec![piece]),
        Some(_) => None,
    })
}

/// The medium that lies in the body.
fn carried(extracted: &Extracted) -> Option<Piece> {
    let medium = extracted.medium.as_ref()?;
    let Some(from) = medium.offset else { return Some(Piece::Memory(medium.decoded.clone())) };
    match &extracted.body {
        OutBody::Empty => None,
        OutBody::Bytes(bytes) => {
            let from = usize::try_from(from).ok()?;
            let to = from.checked_add(usize::try_from(medium.len).ok()?)?;
            (to <= bytes.len()).then(|| Piece::Memory(bytes.slice(from..to)))
        }
        OutBody::Spool(spool) => Some(Piece::File { path: spool.path().to_owned(), from, len: medium.len }),
    }
}

/// What is kept with a medium for the post that shows it: what a person must look at, also that nobody has looked, and
/// where its QR codes lead.
pub(super) fn kept(extracted: &Extracted) -> Vec<Finding> {
    match &extracted.seen {
        Some(seen) => {
            let told = |it: &&Finding| it.severity >= Severity::Review || it.rule == QR_LINK_RULE;
            seen.iter().filter(told).cloned().collect()
        }
        None => vec![unseen(PLACE)],
    }
}
