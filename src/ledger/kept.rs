//! Kept requests, sealed and opened: small ones in a row with a record key of their own, large bodies in sealed files.
//!
//! A file is written and synced before the commit that names it; one that no commit names is swept by its age.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream;
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use jiff::{SignedDuration, Timestamp};

use super::shared::Shared;
use super::{Ledger, LedgerDown};
use crate::domain::account::{AccountId, GATEWAY_LOG, ProviderId};
use crate::domain::approval::TicketId;
use crate::domain::arrival::{Body, BodyError, full};
use crate::domain::kept::{Kept, KeptBody, SealedKept};
use crate::domain::outbound::OutBody;
use crate::domain::person::PersonId;
use crate::store::{Change, Draft, Fields, Log, StoreDown, Unit};

mod file;

impl Ledger {
    /// Whether requests of held posts are kept at all.
    pub fn keeps(&self) -> bool {
        self.shared.config.kept_hours > 0
    }

    /// Seals a request with its body. None: the body is too large to be kept, or there is no room for it.
    ///
    /// # Errors
    /// The disk or the key ring fails.
    pub async fn keep(&self, mut kept: Kept, body: &OutBody) -> Result<Option<SealedKept>, LedgerDown> {
        let config = &self.shared.config;
        if body.len() > config.kept_bytes {
            return Ok(None);
        }
        let room = config.kept_store_bytes;
        let lasts = SignedDuration::from_hours(i64::from(config.kept_hours));
        let expires = self.shared.now().saturating_add(lasts).unwrap_or(Timestamp::MAX);
        kept.body = match body {
            OutBody::Empty => KeptBody::None,
            OutBody::Bytes(bytes) => KeptBody::Here(hex::encode(bytes)),
            OutBody::Spool(spool) => {
                let (shared, spool) = (Arc::clone(&self.shared), spool.clone());
                let (len, sha256) = (spool.len, spool.sha256);
                let name = format!("{}.kept", self.shared.new_id(self.shared.now()));
                let write = {
                    let name = name.clone();
                    move || file::write(&shared.keyring, &directory(&shared), &name, spool.path(), room)
                };
                if !tokio::task::spawn_blocking(write).await.map_err(|error| LedgerDown(error.to_string()))?? {
                    tracing::warn!("there is no room to keep another request for a release");
                    return Ok(None);
                }
                KeptBody::File { name, len, sha256 }
            }
        };
        let file = match &kept.body {
            KeptBody::File { name, .. } => Some(name.clone()),
            KeptBody::None | KeptBody::Here(_) => None,
        };
        let plain = serde_json::to_vec(&kept).map(zeroize::Zeroizing::new).map_err(|e| LedgerDown(e.to_string()))?;
        let sealed = self.shared.keyring.seal(&plain)?;
        Ok(Some(SealedKept { key: sealed.key, sealed: sealed.bytes, file, prompt: kept.prompt, expires }))
    }

    /// What was kept of a ticket; none: nothing, or no longer.
    ///
    /// # Errors
    /// The store or the key ring cannot answer.
    pub fn kept(&self, ticket: &TicketId) -> Result<Option<Kept>, LedgerDown> {
        let Some((key, sealed)) = self.reads().kept(ticket)? else { return Ok(None) };
        self.opened(key, &sealed)
    }

    /// The steps by which an account's medium was uploaded, in order; empty where they were not kept, or no longer are.
    ///
    /// # Errors
    /// The store or the key ring cannot answer.
    pub fn kept_steps(
        &self,
        provider: &ProviderId,
        medium: &str,
        account: &AccountId,
    ) -> Result<Vec<Kept>, LedgerDown> {
        let mut steps = Vec::new();
        for (key, sealed) in self.reads().kept_steps(provider, medium, account)? {
            // With one step missing there is no whole medium.
            let Some(step) = self.opened(key, &sealed)? else { return Ok(Vec::new()) };
            steps.push(step);
        }
        Ok(steps)
    }

    /// What its tool asked to leave as soon as it is approved, and is approved; with the person who approved it.
    ///
    /// # Errors
    /// The store cannot answer.
    pub fn prompt(&self) -> Result<Vec<(TicketId, PersonId)>, LedgerDown> {
        Ok(self.reads().prompt(self.shared.now())?)
    }

    fn opened(&self, key: i64, sealed: &[u8]) -> Result<Option<Kept>, LedgerDown> {
        let plain = self.shared.keyring.open_sealed(key, sealed)?.map(zeroize::Zeroizing::new);
        plain.map(|plain| serde_json::from_slice(&plain).map_err(|e| LedgerDown(e.to_string()))).transpose()
    }

    /// The body of a kept request, to be read once. None: its file is gone.
    ///
    /// # Errors
    /// What is in the row is no body.
    pub fn kept_body(&self, kept: &KeptBody) -> Result<Option<Body>, LedgerDown> {
        match kept {
            KeptBody::None => Ok(Some(full(""))),
            KeptBody::Here(text) => {
                hex::decode(text).map(|body| Some(full(body))).map_err(|e| LedgerDown(e.to_string()))
            }
            KeptBody::File { name, .. } => {
                let path = directory(&self.shared).join(name);
                if !path.is_file() {
                    return Ok(None);
                }
                let (tell, told) = tokio::sync::mpsc::channel::<Result<bytes::Bytes, BodyError>>(2);
                let (shared, name) = (Arc::clone(&self.shared), name.clone());
                tokio::task::spawn_blocking(move || {
                    let read = file::read(&shared.keyring, &path, &name, |piece| tell.blocking_send(Ok(piece)).is_ok());
                    if let Err(down) = read {
                        // A body that ends in an error is a refusal; whoever read it may have gone.
                        drop(tell.blocking_send(Err(down.0.into())));
                    }
                });
                let pieces = stream::unfold(told, async |mut told| {
                    let piece: Result<bytes::Bytes, BodyError> = told.recv().await?;
                    Some((piece.map(Frame::data), told))
                });
                Ok(Some(StreamBody::new(pieces).boxed()))
            }
        }
    }
}

fn directory(shared: &Shared) -> PathBuf {
    shared.config.dir.join("kept")
}

/// Drops what nobody can release any more: rows first, then the keys by which any copy of them could be read, then files.
pub(super) fn drop_over(shared: &Shared) -> Result<(), StoreDown> {
    let now = shared.now();
    let over = shared.store.reads().over(now).map_err(|e| StoreDown(e.0))?;
    if !over.keys.is_empty() {
        let mut fields = Fields::default();
        fields.number("requests", over.requests);
        fields.number("upload_steps", over.steps);
        let draft = Draft { kind: "kept-dropped", fields: fields.into(), ..Draft::default() };
        let unit = Unit { changes: vec![Change::DropKept(now)], ..Unit::entry(Log::from(GATEWAY_LOG), draft) };
        shared.store.commit(vec![unit]).into_iter().collect::<Result<Vec<_>, _>>()?;
        for key in over.keys {
            shared.keyring.destroy(key)?;
        }
    }
    for name in &over.files {
        let path = directory(shared).join(name);
        if let Err(error) = std::fs::remove_file(&path)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "a kept body could not be removed");
        }
    }
    let old = Duration::from_secs(3600 * (u64::from(shared.config.kept_hours) + 1));
    file::sweep(&directory(shared), now, old);
    Ok(())
}
