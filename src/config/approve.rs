//! `[approve]`: who may sign approvals.

use std::path::PathBuf;

use serde::Deserialize;

/// Issuers of signed approvals.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Approve {
    /// This gateway's own issuer name and audience.
    pub issuer: String,
    /// Its Ed25519 key (PKCS#8 PEM), made on first start, mode 0600.
    pub key_file: PathBuf,
    /// Longest life of an approval that is issued here, in seconds.
    pub max_life_s: u64,
    /// Outside issuers: a CMS, an electronic-decision system.
    pub issuers: Vec<Issuer>,
}

/// An outside issuer. Its algorithm and its key are fixed here; what a statement says of either chooses nothing.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// Its name, as its statements give it in `iss`.
    pub name: String,
    /// How it signs.
    pub algorithm: Algorithm,
    /// Its public key (PEM, SubjectPublicKeyInfo).
    pub public_key_file: PathBuf,
}

/// How statements are signed (RFC 7518, RFC 8037).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Algorithm {
    /// Ed25519.
    EdDSA,
    /// ECDSA over P-256 with SHA-256.
    ES256,
}

impl Default for Approve {
    fn default() -> Self {
        Self {
            issuer: "sekisho".to_owned(),
            key_file: PathBuf::from("data/approval.key"),
            max_life_s: 7 * 24 * 3600,
            issuers: Vec::new(),
        }
    }
}
