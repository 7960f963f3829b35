//! Record keys: one key a payload, in a small database of their own, wrapped by a key that lies in a file.
//!
//! A payload is destroyed by deleting its key here; the entry and every proof stay. A key row must be durable before the
//! commit that needs it. To keep that second `fsync` off the path, keys are made ahead of need, many in one transaction.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::rand;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use zeroize::Zeroizing;

use super::{Sealed, StoreDown, sqlite};
use crate::config::Problem;

/// Keys that are made in one transaction: few, so that making them never holds a processor for long.
const AT_ONCE: usize = 128;
/// Keys that lie ready: what a burst may use up while somebody looks, five times a second, whether more are needed.
const AHEAD: usize = 2048;

const WRAP: &[u8] = b"sekisho record key v1";
const PAYLOAD: &[u8] = b"sekisho payload v1";
const PIECE: &[u8] = b"sekisho piece v1\0";

/// A secret of 32 bytes.
type Secret = Zeroizing<[u8; 32]>;

/// The keys of payloads.
pub struct Keyring {
    wrap: LessSafeKey,
    conn: Mutex<Connection>,
    ready: Mutex<VecDeque<(i64, Secret)>>,
}

impl Keyring {
    /// Opens the key database in `dir`; `secret` wraps its rows.
    pub fn open(dir: &Path, secret: &[u8; 32]) -> Result<Self, Problem> {
        let path = dir.join("payload-keys.db");
        let fail = |e: StoreDown| sqlite::problem(&path, e);
        if path.exists() {
            check_private(&path)?;
        } else {
            create_private(&path, &[])?;
        }
        let open = || -> Result<Connection, StoreDown> {
            let conn = sqlite::connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
            sqlite::durable(&conn)?;
            // A deleted key is overwritten, and the log that may still hold it is emptied by checkpoints.
            conn.pragma_update(None, "secure_delete", true)?;
            conn.pragma_update(None, "wal_autocheckpoint", 256)?;
            conn.execute_batch(
                "CREATE TABLE IF NOT EXISTS key (id INTEGER PRIMARY KEY AUTOINCREMENT, wrapped BLOB NOT NULL) STRICT",
            )?;
            Ok(conn)
        };
        let wrap = aead(secret).map_err(fail)?;
        let conn = Mutex::new(open().map_err(fail)?);
        let keyring = Self { wrap, conn, ready: Mutex::new(VecDeque::new()) };
        keyring.fill().map_err(fail)?;
        Ok(keyring)
    }

    /// Opens it to read payloads only.
    pub fn open_read_only(dir: &Path, secret: &[u8; 32]) -> Result<Self, StoreDown> {
        let conn = sqlite::open_read_only(&dir.join("payload-keys.db"))?;
        Ok(Self { wrap: aead(secret)?, conn: Mutex::new(conn), ready: Mutex::new(VecDeque::new()) })
    }

    /// Whether it is time to call [`Self::fill`].
    pub fn is_low(&self) -> bool {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner).len() < AHEAD
    }

    /// Makes some keys ahead, durably.
    pub fn fill(&self) -> Result<(), StoreDown> {
        let mut conn = self.conn.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.is_low() {
            return Ok(());
        }
        let mut made = VecDeque::with_capacity(AT_ONCE);
        let transaction = conn.transaction()?;
        for _ in 0..AT_ONCE {
            let mut key = Secret::default();
            random(key.as_mut())?;
            let wrapped = seal(&self.wrap, WRAP, key.as_ref())?;
            transaction.prepare_cached("INSERT INTO key (wrapped) VALUES (?)")?.execute([wrapped])?;
            made.push_back((transaction.last_insert_rowid(), key));
        }
        transaction.commit()?;
        self.ready.lock().unwrap_or_else(PoisonError::into_inner).append(&mut made);
        Ok(())
    }

    /// Seals a payload with a key of its own, whose row is durable.
    pub fn seal(&self, payload: &[u8]) -> Result<Sealed, StoreDown> {
        let take = || self.ready.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let (number, secret) = loop {
            if let Some(key) = take() {
                break key;
            }
            // A burst has emptied the store of keys: this caller waits for the disk, again if others were quicker.
            self.fill()?;
        };
        Ok(Sealed { key: number, bytes: seal(&aead(&secret)?, PAYLOAD, payload)? })
    }

    /// The payload again; none if its key was destroyed. An error: it was changed.
    pub fn open_sealed(&self, key: i64, sealed: &[u8]) -> Result<Option<Vec<u8>>, StoreDown> {
        let conn = self.conn.lock().unwrap_or_else(PoisonError::into_inner);
        let sql = "SELECT wrapped FROM key WHERE id = ?";
        let wrapped: Option<Vec<u8>> = conn.prepare_cached(sql)?.query_row([key], |row| row.get(0)).optional()?;
        let Some(wrapped) = wrapped else { return Ok(None) };
        let mut secret = Secret::default();
        let plain = Zeroizing::new(unseal(&self.wrap, WRAP, &wrapped)?);
        let plain = plain.get(..32).ok_or_else(|| StoreDown("a record key is too short".to_owned()))?;
        secret.copy_from_slice(plain);
        unseal(&aead(&secret)?, PAYLOAD, sealed).map(Some)
    }

    /// Seals a piece of a file, bound to what `context` says of it.
    pub fn seal_piece(&self, context: &[u8], piece: &[u8]) -> Result<Vec<u8>, StoreDown> {
        seal(&self.wrap, &[PIECE, context].concat(), piece)
    }

    /// The piece again. An error: it was changed, or it is another one.
    pub fn open_piece(&self, context: &[u8], sealed: &[u8]) -> Result<Vec<u8>, StoreDown> {
        unseal(&self.wrap, &[PIECE, context].concat(), sealed)
    }

    /// Destroys a payload's key.
    pub fn destroy(&self, key: i64) -> Result<(), StoreDown> {
        let conn = self.conn.lock().unwrap_or_else(PoisonError::into_inner);
        conn.execute("DELETE FROM key WHERE id = ?", params![key])?;
        conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(())
    }

    /// Gives back the keys that nobody used.
    pub fn close(&self) {
        let unused = std::mem::take(&mut *self.ready.lock().unwrap_or_else(PoisonError::into_inner));
        let Some((first, _)) = unused.front() else { return };
        let conn = self.conn.lock().unwrap_or_else(PoisonError::into_inner);
        // Keys are handed out in order, so all from the first unused one on are unused. Left over, they do no harm.
        if let Err(e) = conn.execute("DELETE FROM key WHERE id >= ?", [first]) {
            tracing::warn!(reason = %e, "unused record keys stay in the key database");
        }
    }
}

fn aead(secret: &[u8; 32]) -> Result<LessSafeKey, StoreDown> {
    let key = UnboundKey::new(&AES_256_GCM, secret).map_err(|_| StoreDown("AES-256-GCM takes no key".to_owned()))?;
    Ok(LessSafeKey::new(key))
}

fn seal(key: &LessSafeKey, what: &[u8], plain: &[u8]) -> Result<Vec<u8>, StoreDown> {
    let mut nonce = [0; NONCE_LEN];
    random(&mut nonce)?;
    let mut body = Vec::with_capacity(NONCE_LEN + plain.len() + AES_256_GCM.tag_len());
    body.extend_from_slice(plain);
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(what), &mut body)
        .map_err(|_| StoreDown("a payload cannot be sealed".to_owned()))?;
    body.splice(0..0, nonce);
    Ok(body)
}

fn unseal(key: &LessSafeKey, what: &[u8], sealed: &[u8]) -> Result<Vec<u8>, StoreDown> {
    let changed = || StoreDown("a sealed value was changed".to_owned());
    let (nonce, body) = sealed.split_at_checked(NONCE_LEN).ok_or_else(changed)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| changed())?;
    let mut body = body.to_vec();
    let len = key.open_in_place(nonce, Aad::from(what), &mut body).map_err(|_| changed())?.len();
    body.truncate(len);
    Ok(body)
}

/// Fills `out` with random bytes.
pub fn random(out: &mut [u8]) -> Result<(), StoreDown> {
    rand::fill(out).map_err(|_| StoreDown("the system gives no random bytes".to_owned()))
}

/// Refuses a secret file that others can read.
pub fn check_private(file: &Path) -> Result<(), Problem> {
    let mode = std::fs::metadata(file).map_err(|e| sqlite::problem(file, e))?.permissions().mode() & 0o7777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(sqlite::problem(file, format!("mode is {mode:04o}: others can read this key file; make it 0600")))
}

/// Writes a secret file, mode 0600, whole or not at all, name and content durable.
pub fn create_private(file: &Path, content: &[u8]) -> Result<(), Problem> {
    let fail = |e: std::io::Error| sqlite::problem(file, e);
    let dir = file.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let new = file.with_extension("new");
    let mut out = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&new).map_err(fail)?;
    out.write_all(content).and_then(|()| out.sync_all()).map_err(fail)?;
    std::fs::rename(&new, file).map_err(fail)?;
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(fail)
}

/// The secret in a file of 64 hex digits; made if it is not there and `make` allows it.
pub fn secret_file(file: &Path, make: bool) -> Result<Zeroizing<[u8; 32]>, Problem> {
    let mut secret = Secret::default();
    if make && !file.exists() {
        random(secret.as_mut()).map_err(|e| sqlite::problem(file, e))?;
        let text = Zeroizing::new(format!("{}\n", hex::encode(*secret)));
        create_private(file, text.as_bytes())?;
        return Ok(secret);
    }
    check_private(file)?;
    let mut text = Zeroizing::new(String::new());
    File::open(file).and_then(|mut file| file.read_to_string(&mut text)).map_err(|e| sqlite::problem(file, e))?;
    hex::decode_to_slice(text.trim_end(), secret.as_mut())
        .map_err(|_| sqlite::problem(file, "the key must be 64 hex digits"))?;
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_comes_back_until_its_key_is_destroyed() {
        let dir = tempfile::tempdir().unwrap();
        let keys = Keyring::open(dir.path(), &[7; 32]).unwrap();
        let sealed = keys.seal("避難所".as_bytes()).unwrap();
        assert_eq!(keys.open_sealed(sealed.key, &sealed.bytes).unwrap().unwrap(), "避難所".as_bytes());
        let mut changed = sealed.bytes.clone();
        changed[20] ^= 1;
        assert!(keys.open_sealed(sealed.key, &changed).is_err());
        keys.destroy(sealed.key).unwrap();
        assert!(keys.open_sealed(sealed.key, &sealed.bytes).unwrap().is_none());
    }

    #[test]
    fn each_payload_has_its_own_key_and_a_burst_makes_more() {
        let dir = tempfile::tempdir().unwrap();
        let keys = Keyring::open(dir.path(), &[7; 32]).unwrap();
        let used: std::collections::BTreeSet<i64> =
            (0..AT_ONCE * 2 + 1).map(|_| keys.seal(b"x").unwrap().key).collect();
        assert_eq!(used.len(), AT_ONCE * 2 + 1);
        let last = keys.seal(b"x").unwrap();
        keys.close();
        assert!(keys.open_sealed(last.key, &last.bytes).unwrap().is_some());
    }

    #[test]
    fn a_key_file_that_others_can_read_is_refused_by_name_and_mode() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("payload.key");
        let secret = secret_file(&file, true).unwrap();
        assert_eq!(*secret_file(&file, true).unwrap(), *secret);
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();
        let problem = secret_file(&file, true).unwrap_err();
        assert_eq!(problem.file.as_deref(), Some(file.as_path()));
        assert!(problem.reason.contains("0644"), "{problem}");
    }
}
