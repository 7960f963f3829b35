//! Sealing: AES-256-GCM under a key that a key service keeps. A key file is one; a KMS is another.

use std::io::Read as _;
use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

use crate::config::credentials::Credentials;
use crate::config::{Problem, private};
use crate::domain::credential::Unusable;

/// Seals and opens. `context` is bound to the sealed bytes: what was sealed for one account opens for no other.
pub trait KeyService: Send + Sync {
    /// Seals.
    ///
    /// # Errors
    /// Code `credential-unreadable` when the service does not answer.
    fn seal(&self, context: &[u8], plain: &[u8]) -> Result<Vec<u8>, Unusable>;

    /// Opens.
    ///
    /// # Errors
    /// Code `credential-unreadable`: changed, of another context, or under another key.
    fn open(&self, context: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unusable>;
}

const UNREADABLE: Unusable = Unusable("credential-unreadable");

/// A key in a file, or handed over by systemd.
pub struct KeyFile(LessSafeKey);

impl KeyFile {
    /// Opens the key; a key file is made on first start, a systemd credential never.
    ///
    /// # Errors
    /// A problem with the file: others can read it, it is no key, systemd handed none over.
    pub fn open(config: &Credentials) -> Result<Self, Problem> {
        let (path, text) = match &config.systemd_credential {
            Some(name) => {
                let path = config.systemd_directory.join(name);
                let text = handed_over(&path, name)?;
                (path, text)
            }
            None => {
                let make = || {
                    let mut key = Zeroizing::new([0; 32]);
                    let random = aws_lc_rs::rand::fill(key.as_mut());
                    random.map_err(|_| Problem::of_file(&config.key_file, "the system gives no random bytes"))?;
                    Ok(hex::encode(*key))
                };
                (config.key_file.clone(), private::read_or_create(&config.key_file, make)?)
            }
        };
        let mut key = Zeroizing::new([0; 32]);
        hex::decode_to_slice(text.trim(), key.as_mut())
            .map_err(|_| Problem::of_file(&path, "the key that seals credentials must be 64 hex digits"))?;
        let key = UnboundKey::new(&AES_256_GCM, key.as_ref())
            .map_err(|_| Problem::of_file(&path, "AES-256-GCM does not take this key"))?;
        Ok(Self(LessSafeKey::new(key)))
    }
}

/// systemd keeps others away by the directory and by access control lists, which show as group bits; so the mode that a
/// file of one's own must have is not asked for here.
fn handed_over(path: &Path, name: &str) -> Result<Zeroizing<String>, Problem> {
    let problem = |reason: String| Problem::of_file(path, reason);
    if name.is_empty() || name.contains('/') || name.starts_with('.') {
        return Err(problem("systemd_credential is a plain name, as in LoadCredential=NAME:PATH".to_owned()));
    }
    let mut text = Zeroizing::new(String::new());
    let file = std::fs::File::open(path).and_then(|file| file.take(4096).read_to_string(&mut text));
    file.map_err(|error| problem(format!("systemd handed over no credential of this name: {error}")))?;
    Ok(text)
}

impl KeyService for KeyFile {
    fn seal(&self, context: &[u8], plain: &[u8]) -> Result<Vec<u8>, Unusable> {
        let mut nonce = [0; NONCE_LEN];
        aws_lc_rs::rand::fill(&mut nonce).map_err(|_| UNREADABLE)?;
        let mut sealed = Vec::with_capacity(NONCE_LEN + plain.len() + AES_256_GCM.tag_len());
        sealed.extend_from_slice(plain);
        let nonce_used = Nonce::assume_unique_for_key(nonce);
        self.0.seal_in_place_append_tag(nonce_used, Aad::from(context), &mut sealed).map_err(|_| UNREADABLE)?;
        sealed.splice(0..0, nonce);
        Ok(sealed)
    }

    fn open(&self, context: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unusable> {
        let (nonce, body) = sealed.split_at_checked(NONCE_LEN).ok_or(UNREADABLE)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| UNREADABLE)?;
        let mut body = Zeroizing::new(body.to_vec());
        let len = self.0.open_in_place(nonce, Aad::from(context), &mut body).map_err(|_| UNREADABLE)?.len();
        body.truncate(len);
        Ok(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn config(dir: &Path) -> Credentials {
        Credentials { key_file: dir.join("credentials.key"), ..Credentials::default() }
    }

    #[test]
    fn what_was_sealed_for_one_account_opens_for_no_other_and_under_no_other_key() {
        let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let key = KeyFile::open(&config(here.path())).unwrap();
        let sealed = key.seal(b"nerima-x", b"token").unwrap();
        let again = KeyFile::open(&config(here.path())).unwrap();
        assert_eq!(again.open(b"nerima-x", &sealed).unwrap().as_slice(), b"token");
        assert_eq!(again.open(b"nagano-x", &sealed).unwrap_err(), UNREADABLE);
        let other = KeyFile::open(&config(there.path())).unwrap();
        assert_eq!(other.open(b"nerima-x", &sealed).unwrap_err(), UNREADABLE);
        let mut changed = sealed.clone();
        changed[14] ^= 1;
        assert_eq!(again.open(b"nerima-x", &changed).unwrap_err(), UNREADABLE);
        assert!(again.open(b"nerima-x", b"short").is_err());
        assert!(!sealed.windows(5).any(|window| window == b"token"));
    }

    #[test]
    fn a_key_file_that_others_can_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        KeyFile::open(&config(dir.path())).unwrap();
        let file = dir.path().join("credentials.key");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(KeyFile::open(&config(dir.path())).err().unwrap().reason.contains("0640"));
    }

    #[test]
    fn a_key_comes_from_systemd_and_is_never_made_there() {
        let dir = tempfile::tempdir().unwrap();
        let config = |name: &str| Credentials {
            systemd_credential: Some(name.to_owned()),
            systemd_directory: dir.path().to_owned(),
            ..config(dir.path())
        };
        assert!(KeyFile::open(&config("sekisho")).is_err(), "no key was handed over");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        std::fs::write(dir.path().join("sekisho"), format!("{}\n", "ab".repeat(32))).unwrap();
        assert!(KeyFile::open(&config("sekisho")).is_ok());
        assert!(KeyFile::open(&config("../sekisho")).is_err());
    }
}
