//! Checkpoints: signed tree heads in the C2SP formats (tlog-checkpoint in a signed-note), one Ed25519 key a log.
//!
//! ```text
//! sekisho.example/nerima
//! 5
//! 3bWZ...=
//!
//! — sekisho.example/nerima AbCd...=
//! ```

use std::path::Path;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use signed_note::{Note, StandardVerifier, VerifierList};

use super::tree::Hash;
use crate::config::Problem;
use crate::domain::media::Sha256;
use crate::store::keyring::{check_private, create_private};

/// The signature type byte of Ed25519 in a C2SP verifier key.
const ED25519: u8 = 1;

/// The key that signs one log's checkpoints.
pub struct Signer {
    name: String,
    key: Ed25519KeyPair,
    id: [u8; 4],
    vkey: String,
}

impl Signer {
    /// The key of `log` in `dir`: `<log>.key` (PKCS#8 PEM, mode 0600), with the verifier key beside it in `<log>.vkey`.
    /// It is made if it is not there and `make` allows it.
    pub fn open(dir: &Path, origin: &str, log: &str, make: bool) -> Result<Self, Problem> {
        let file = dir.join(format!("{log}.key"));
        let problem = |reason: String| Problem { file: Some(file.clone()), line: None, reason };
        if log.is_empty() || !log.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
            return Err(problem(format!("{log:?} cannot name a log: use letters, digits, - and _")));
        }
        let name = format!("{origin}/{log}");
        if !signed_note::is_key_name_valid(&name) {
            return Err(problem(format!("[ledger] origin = {origin:?}: no spaces and no +")));
        }
        if make && !file.exists() {
            let key = Ed25519KeyPair::generate().and_then(|key| key.to_pkcs8v1());
            let key = key.map_err(|_| problem("no signing key can be made".to_owned()))?;
            create_private(&file, pem(key.as_ref()).as_bytes())?;
        }
        check_private(&file)?;
        let text = std::fs::read_to_string(&file).map_err(|e| problem(e.to_string()))?;
        let key = unpem(&text)
            .and_then(|der| Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).ok())
            .ok_or_else(|| problem("this is no Ed25519 key in PKCS#8 PEM".to_owned()))?;
        let mut public = vec![ED25519];
        public.extend_from_slice(key.public_key().as_ref());
        let hash = Sha256::of(&[name.as_bytes(), b"\n", &public].concat()).0;
        let [a, b, c, d, ..] = hash;
        let id = [a, b, c, d];
        let vkey = format!("{name}+{}+{}", hex::encode(id), STANDARD.encode(&public));
        let beside = dir.join(format!("{log}.vkey"));
        if make && std::fs::read_to_string(&beside).ok().as_deref().map(str::trim_end) != Some(&vkey) {
            std::fs::write(&beside, format!("{vkey}\n")).map_err(|e| problem(e.to_string()))?;
        }
        Ok(Self { name, key, id, vkey })
    }

    /// The key by which others verify, as C2SP writes it.
    pub fn vkey(&self) -> &str {
        &self.vkey
    }

    /// The signed checkpoint of a tree.
    pub fn note(&self, size: u64, root: &Hash) -> String {
        let text = format!("{}\n{size}\n{}\n", self.name, STANDARD.encode(root));
        let signature = self.key.sign(text.as_bytes());
        let line = STANDARD.encode([&self.id, signature.as_ref()].concat());
        format!("{text}\n\u{2014} {} {line}\n", self.name)
    }
}

/// What a checkpoint says, if `vkey`'s holder signed it and it is that log's: size and root.
///
/// Built on crates that share no code with the writer.
pub fn verify(note: &str, vkey: &str) -> Result<(u64, Hash), String> {
    let verifier = StandardVerifier::new(vkey.trim()).map_err(|e| format!("the verifier key: {e}"))?;
    let name = vkey.split('+').next().unwrap_or_default();
    let note = Note::from_bytes(note.as_bytes()).map_err(|e| format!("the checkpoint: {e}"))?;
    note.verify(&VerifierList::new(vec![Box::new(verifier)])).map_err(|e| format!("the checkpoint: {e}"))?;
    let checkpoint = tlog_tiles::Checkpoint::from_bytes(note.text()).map_err(|e| format!("the checkpoint: {e}"))?;
    if checkpoint.origin() != name {
        return Err(format!("the checkpoint is of {}, not of {name}", checkpoint.origin()));
    }
    Ok((checkpoint.size(), checkpoint.hash().0))
}

fn pem(der: &[u8]) -> zeroize::Zeroizing<String> {
    zeroize::Zeroizing::new(format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        STANDARD.encode(der)
    ))
}

fn unpem(text: &str) -> Option<zeroize::Zeroizing<Vec<u8>>> {
    let body = text.trim().strip_prefix("-----BEGIN PRIVATE KEY-----")?.strip_suffix("-----END PRIVATE KEY-----")?;
    let body: String = body.split_whitespace().collect();
    STANDARD.decode(body).ok().map(zeroize::Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_independent_crate_verifies_the_note() {
        let dir = tempfile::tempdir().unwrap();
        let signer = Signer::open(dir.path(), "sekisho.example", "nerima", true).unwrap();
        let note = signer.note(5, &[9; 32]);
        assert_eq!(verify(&note, signer.vkey()).unwrap(), (5, [9; 32]));
        let kept = std::fs::read_to_string(dir.path().join("nerima.vkey")).unwrap();
        assert_eq!(verify(&note, &kept).unwrap(), (5, [9; 32]));
        let again = Signer::open(dir.path(), "sekisho.example", "nerima", false).unwrap();
        assert_eq!(again.note(5, &[9; 32]), note);
    }

    #[test]
    fn another_key_another_log_or_one_changed_byte_does_not_verify() {
        let dir = tempfile::tempdir().unwrap();
        let signer = Signer::open(dir.path(), "sekisho.example", "nerima", true).unwrap();
        let other = Signer::open(dir.path(), "sekisho.example", "nagano", true).unwrap();
        let note = signer.note(5, &[9; 32]);
        assert!(verify(&note, other.vkey()).is_err());
        for at in 0..note.len() {
            let mut bytes = note.clone().into_bytes();
            bytes[at] ^= 1;
            let changed = String::from_utf8_lossy(&bytes).into_owned();
            assert!(verify(&changed, signer.vkey()).is_err(), "byte {at}");
        }
    }

    #[test]
    fn a_key_is_never_made_where_one_must_be() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Signer::open(dir.path(), "sekisho.example", "nerima", false).is_err());
        assert!(Signer::open(dir.path(), "sekisho.example", "../x", true).is_err());
        assert!(Signer::open(dir.path(), "a b", "x", true).is_err());
    }
}
