//! A medium on its way to the disk: hashed, counted, and known by its first bytes before the rest is taken.

use aws_lc_rs::digest::{Context, SHA256};
use tokio::io::AsyncWriteExt as _;

use crate::domain::fetch::{MediaKind, Unfetched};
use crate::domain::media::Sha256;
use crate::domain::outbound::Spool;

/// First bytes by which a medium is known.
const HEAD: usize = 12;

/// A file that is being written; it goes with the value unless it is finished and held.
pub(super) struct File {
    spool: Spool,
    file: tokio::fs::File,
    hash: Context,
    head: Vec<u8>,
    len: u64,
}

impl File {
    /// A new file in `dir`, which only this user can read.
    pub(super) async fn create(dir: &std::path::Path) -> Result<Self, Unfetched> {
        let path = super::part(dir);
        let opened = tokio::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).await;
        let file = opened.map_err(|error| failed(&error))?;
        let spool = Spool::new(path, 0, Sha256([0; 32]));
        Ok(Self { spool, file, hash: Context::new(&SHA256), head: Vec::new(), len: 0 })
    }

    /// Takes more, up to `most` in all. What is no medium is let go as soon as that can be seen.
    pub(super) async fn write(&mut self, piece: &[u8], most: u64) -> Result<(), Unfetched> {
        self.len += piece.len() as u64;
        if self.len > most {
            return Err(Unfetched::TooLarge);
        }
        let known = self.head.len() >= HEAD;
        self.head.extend(piece.iter().take(HEAD.saturating_sub(self.head.len())));
        if !known && self.head.len() >= HEAD && MediaKind::of(&self.head).is_none() {
            return Err(Unfetched::Kind);
        }
        self.hash.update(piece);
        self.file.write_all(piece).await.map_err(|error| failed(&error))
    }

    /// What it is, and the finished file.
    pub(super) async fn finish(mut self) -> Result<(MediaKind, Spool), Unfetched> {
        let kind = MediaKind::of(&self.head).ok_or(Unfetched::Kind)?;
        self.file.flush().await.map_err(|error| failed(&error))?;
        self.file.sync_all().await.map_err(|error| failed(&error))?;
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(self.hash.finish().as_ref());
        self.spool.len = self.len;
        self.spool.sha256 = Sha256(sha256);
        Ok((kind, self.spool))
    }
}

fn failed(error: &std::io::Error) -> Unfetched {
    tracing::error!(%error, "what was fetched cannot be stored");
    Unfetched::Spool
}
