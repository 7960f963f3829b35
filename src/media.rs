//! The gateway's own copies of media that posts name by URL, each under an address that shows these bytes and never others.
//!
//! A provider fetches a medium some time after the post was approved, from wherever the post says. So the post that leaves
//! says the address of the copy, and what was hashed and approved is what the provider gets. An address is an HMAC of the
//! bytes' hash: it changes with them, and nobody can guess one. `docs/decisions/0014-media-by-url.md`.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_lc_rs::hmac;
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};

use crate::config::media::Media;
use crate::config::{Problem, private};
use crate::domain::clock::Clock;
use crate::domain::fetch::MediaKind;
use crate::domain::media::Sha256;
use crate::domain::outbound::Spool;
use crate::domain::ports::{Shelf, Unavailable};

pub mod serve;

#[cfg(test)]
mod tests;

/// The path under which copies stand, at the public address and at the port alike.
pub const PATH: &str = "/media/";
/// A file on its way that nobody has touched for so long was left by a crash.
const FORGOTTEN: Duration = Duration::from_secs(3600);

/// The copies.
pub struct Copies {
    dir: PathBuf,
    base: String,
    key: hmac::Key,
    most: u64,
    life: Duration,
    clock: Arc<dyn Clock>,
    /// One at a time counts the room and takes its part of it, so that posts that come together keep to the limit and
    /// none throws away a copy whose time another has just begun anew.
    turn: Mutex<()>,
}

/// A copy, as it is shown.
#[derive(Debug)]
pub struct Copy {
    /// Where it lies.
    pub path: PathBuf,
    /// What it is.
    pub kind: MediaKind,
    /// Its length in bytes.
    pub len: u64,
    /// For how long it is still shown.
    pub left: Duration,
}

impl Copies {
    /// The copies of a gateway that has a public address; none without one.
    ///
    /// # Errors
    /// A `public_url` that no provider could use, a directory or a key file that cannot be had.
    pub fn open(config: &Media, clock: Arc<dyn Clock>) -> Result<Option<Arc<Self>>, Problem> {
        use std::os::unix::fs::DirBuilderExt as _;
        if config.public_url.is_none() {
            return Ok(None);
        }
        let unusable = || Problem { file: None, line: None, reason: "[media]: `public_url` cannot be used".to_owned() };
        let base = config.public_base().ok_or_else(unusable)?.to_owned();
        let of_dir = |error: std::io::Error| Problem::of_file(&config.dir, format!("[media]: `dir`: {error}"));
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&config.dir).map_err(of_dir)?;
        let of_key = |reason: &str| Problem::of_file(&config.key_file, format!("[media]: `key_file`: {reason}"));
        let text = private::read_or_create(&config.key_file, || {
            let mut key = [0; 32];
            SystemRandom::new().fill(&mut key).map_err(|_| of_key("no random bytes"))?;
            Ok(hex::encode(key))
        })?;
        let key = Sha256::from_hex(text.trim()).ok_or_else(|| of_key("it is not 64 hex digits"))?;
        let copies = Self {
            dir: config.dir.clone(),
            base,
            key: hmac::Key::new(hmac::HMAC_SHA256, &key.0),
            most: config.store_bytes,
            life: Duration::from_secs(u64::from(config.keep_hours) * 3600),
            clock,
            turn: Mutex::default(),
        };
        copies.sweep().map_err(of_dir)?;
        Ok(Some(Arc::new(copies)))
    }

    /// The name of the copy of these bytes.
    fn name(&self, sha256: &Sha256, kind: MediaKind) -> String {
        let tag = hmac::sign(&self.key, [b"sekisho media v1\0".as_slice(), &sha256.0].concat().as_slice());
        format!("{}.{}", hex::encode(tag.as_ref()), kind.ending())
    }

    /// The copy of this name, if it is one and still shown.
    pub fn find(&self, name: &str) -> Option<Copy> {
        let (tag, ending) = name.split_once('.')?;
        let kind = MediaKind::ALL.into_iter().find(|kind| kind.ending() == ending)?;
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if tag.len() != 64 || !tag.bytes().all(hex) {
            return None;
        }
        let path = self.dir.join(name);
        let about = std::fs::symlink_metadata(&path).ok().filter(std::fs::Metadata::is_file)?;
        let left = self.life.checked_sub(self.age(about.modified().ok()?)).filter(|left| !left.is_zero())?;
        Some(Copy { path, kind, len: about.len(), left })
    }

    fn age(&self, since: SystemTime) -> Duration {
        SystemTime::from(self.clock.now()).duration_since(since).unwrap_or_default()
    }

    /// Throws away what is over; the bytes that are left.
    fn sweep(&self) -> std::io::Result<u64> {
        let mut left = 0;
        for file in std::fs::read_dir(&self.dir)? {
            left += self.swept(&file?).or_else(gone)?;
        }
        Ok(left)
    }

    /// Throws the file away if it is over; the bytes that it takes if not. One on its way takes none.
    fn swept(&self, file: &std::fs::DirEntry) -> std::io::Result<u64> {
        let about = file.metadata()?;
        let on_its_way = Path::new(&file.file_name()).extension().is_some_and(|ending| ending == "part");
        let life = if on_its_way { FORGOTTEN } else { self.life };
        if self.age(about.modified()?) >= life {
            std::fs::remove_file(file.path())?;
            return Ok(0);
        }
        Ok(if on_its_way { 0 } else { about.len() })
    }

    fn put(&self, medium: &Spool, kind: MediaKind) -> std::io::Result<String> {
        let name = self.name(&medium.sha256, kind);
        self.take_place(medium, &self.dir.join(&name))?;
        std::fs::File::open(&self.dir)?.sync_all()?;
        Ok(format!("{}{PATH}{name}", self.base))
    }

    fn take_place(&self, medium: &Spool, path: &Path) -> std::io::Result<()> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let used = self.sweep()?;
        let there = std::fs::metadata(path).map_or(0, |about| about.len());
        let used = used.saturating_sub(there);
        if used.saturating_add(medium.len) > self.most {
            return Err(std::io::Error::other("the copies have taken all the room of `store_bytes`"));
        }
        // The same bytes again: the newer file takes the place, and with it the time begins anew.
        std::fs::rename(medium.path(), path)
    }
}

/// A file that has gone since the directory was read takes no room: a medium on its way arrived, or was let go.
fn gone(error: std::io::Error) -> std::io::Result<u64> {
    if error.kind() == std::io::ErrorKind::NotFound { Ok(0) } else { Err(error) }
}

/// Keeps copies from anywhere on the road.
pub struct Keeper(pub Arc<Copies>);

impl Shelf for Keeper {
    fn keep(
        &self,
        medium: Spool,
        kind: MediaKind,
    ) -> Pin<Box<dyn Future<Output = Result<String, Unavailable>> + Send + '_>> {
        let copies = Arc::clone(&self.0);
        Box::pin(async move {
            let put = tokio::task::spawn_blocking(move || copies.put(&medium, kind)).await;
            let unavailable = |error: std::io::Error| Unavailable(error.to_string());
            put.map_err(|error| Unavailable(error.to_string()))?.map_err(unavailable)
        })
    }
}
