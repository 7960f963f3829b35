//! Where a rebuilt body goes while it is examined: memory up to a limit, then a file, hashed on the way.

use std::path::Path;

use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use tokio::io::{AsyncWriteExt, BufWriter};

use crate::domain::decision::Refusal;
use crate::domain::media::Sha256;
use crate::domain::outbound::{OutBody, Spool};

/// Pieces in which a spool file is written, in bytes.
const PIECE: usize = 256 * 1024;

/// A running SHA-256.
pub struct Hasher(Context);

impl Default for Hasher {
    fn default() -> Self {
        Self(Context::new(&SHA256))
    }
}

impl Hasher {
    /// Takes more bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The hash.
    pub fn finish(self) -> Sha256 {
        let mut hash = [0; 32];
        hash.copy_from_slice(self.0.finish().as_ref());
        Sha256(hash)
    }
}

/// A body that is being written.
pub struct Sink {
    memory: Vec<u8>,
    most_in_memory: usize,
    dir: std::path::PathBuf,
    // The file is removed with the `Spool`, also when the request is abandoned half way.
    file: Option<(Spool, BufWriter<tokio::fs::File>)>,
    hash: Hasher,
    len: u64,
}

impl Sink {
    /// An empty body; it goes to a file in `dir` when it outgrows `most_in_memory` bytes.
    pub fn new(dir: &Path, most_in_memory: usize) -> Self {
        Self { memory: Vec::new(), most_in_memory, dir: dir.to_owned(), file: None, hash: Hasher::default(), len: 0 }
    }

    /// Bytes written so far.
    pub fn written(&self) -> u64 {
        self.len
    }

    /// The hash that the body had if it ended with these bytes now.
    pub fn hash_with(&self, end: &[u8]) -> Sha256 {
        let mut hash = Hasher(self.hash.0.clone());
        hash.update(end);
        hash.finish()
    }

    /// Writes more.
    ///
    /// # Errors
    /// Refusal `spool-failed` when the file cannot be written.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        self.hash.update(bytes);
        self.len += bytes.len() as u64;
        if self.file.is_none() && self.memory.len() + bytes.len() <= self.most_in_memory {
            self.memory.extend_from_slice(bytes);
            return Ok(());
        }
        self.write_file(bytes).await.map_err(|error| failed(&error))
    }

    async fn write_file(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        if self.file.is_none() {
            let path = self.dir.join(format!("{}.part", uuid::Uuid::new_v4().simple()));
            let opened = tokio::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).await;
            let file = match opened {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    tokio::fs::create_dir_all(&self.dir).await?;
                    tokio::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).await?
                }
                opened => opened?,
            };
            let mut writer = BufWriter::with_capacity(PIECE, file);
            let spool = Spool::new(path, 0, Sha256([0; 32]));
            writer.write_all(&std::mem::take(&mut self.memory)).await?;
            self.file = Some((spool, writer));
        }
        match &mut self.file {
            Some((_, writer)) => writer.write_all(bytes).await,
            None => Ok(()),
        }
    }

    /// The finished body.
    ///
    /// # Errors
    /// Refusal `spool-failed` when the last piece cannot be written.
    pub async fn finish(self) -> Result<OutBody, Refusal> {
        let sha256 = self.hash.finish();
        match self.file {
            None if self.memory.is_empty() => Ok(OutBody::Empty),
            None => Ok(OutBody::Bytes(Bytes::from(self.memory))),
            Some((mut spool, mut writer)) => {
                writer.flush().await.map_err(|error| failed(&error))?;
                // tokio's file finishes its last write in `flush` of the inner file.
                writer.get_mut().flush().await.map_err(|error| failed(&error))?;
                spool.len = self.len;
                spool.sha256 = sha256;
                Ok(OutBody::Spool(spool))
            }
        }
    }
}

pub(super) fn failed(error: &std::io::Error) -> Refusal {
    tracing::error!(%error, "the spool cannot be written");
    Refusal::refused(
        "spool-failed",
        "関所の一時保存に失敗したため、通せませんでした。投稿はされていません。",
        "The gateway could not store the body for examination.",
        "しばらくしてからもう一度お試しください。続くときは情報政策課に連絡してください。",
    )
    .status(503)
}
