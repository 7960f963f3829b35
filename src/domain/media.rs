//! Media: bytes that were uploaded through the gate, known by their hash.

use serde::{Deserialize, Serialize};

use super::account::{AccountId, ProviderId};

/// SHA-256 of some bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256(pub [u8; 32]);

impl Sha256 {
    /// The hash of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref());
        Self(hash)
    }

    /// Lower-case hex.
    pub fn hex(&self) -> String {
        hex::encode(self.0)
    }

    /// The hash written as 64 lower-case or upper-case hex digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut hash = [0; 32];
        hex::decode_to_slice(text, &mut hash).ok()?;
        Some(Self(hash))
    }
}

impl std::fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.hex())
    }
}

impl Serialize for Sha256 {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.hex())
    }
}

impl<'de> Deserialize<'de> for Sha256 {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::from_hex(&text).ok_or_else(|| serde::de::Error::custom("not 64 hex digits"))
    }
}

/// A medium that a post shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    /// The provider's id of it.
    pub id: String,
    /// The hash of its bytes.
    pub sha256: Sha256,
    /// Its length in bytes.
    pub len: u64,
    /// Its alternative text, where one was set.
    pub alt: Option<String>,
}

/// What the gateway remembers of a medium that went through it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaRecord {
    /// The provider that gave the id.
    pub provider: ProviderId,
    /// The provider's id of it.
    pub id: String,
    /// The account it was uploaded for; another account may not use it.
    pub account: AccountId,
    /// The hash of its bytes; none while a chunked upload is open.
    pub sha256: Option<Sha256>,
    /// Its length in bytes.
    pub len: u64,
    /// Its alternative text, once set.
    pub alt: Option<String>,
    /// What a person must look at before a post shows it, as it was found in its bytes.
    #[serde(default)]
    pub findings: Vec<super::finding::Finding>,
}

/// One stored part of a chunked upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// The provider of the session.
    pub provider: ProviderId,
    /// The provider's id of the session (X: the media id).
    pub session: String,
    /// The part's number, from 0.
    pub number: u32,
    /// The spool file that holds the request body in which the part lies.
    pub file: std::path::PathBuf,
    /// Where the part begins in the file.
    pub offset: u64,
    /// The part's length in bytes.
    pub len: u64,
    /// The hash of the part.
    pub sha256: Sha256,
}

/// What an upload request does, as extracted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UploadStep {
    /// The whole medium in one request; the response names its id.
    OneShot {
        /// Hash of the medium's bytes.
        sha256: Sha256,
        /// Their number.
        len: u64,
        /// Its alternative text, if it came along.
        alt: Option<String>,
    },
    /// A session is opened; the response names its id.
    Init,
    /// A session is opened by the words of a post; its bytes go to the address that the response names.
    Open {
        /// The query key of that address that names the session; empty: the answer's own id names it.
        key: String,
        /// The hash that its bytes will have; none where nobody but the account will see them.
        promised: Option<Sha256>,
        /// Their number, if it is told.
        total: Option<u64>,
    },
    /// Bytes of such a session, or the question how many have arrived.
    Range {
        /// The session, as [`session_name`] writes it.
        session: String,
        /// The first byte's number, from 0; none where it is only asked.
        from: Option<u64>,
        /// The number of bytes in all, if it is told.
        total: Option<u64>,
        /// Where they begin in the outbound spool (or in the outbound bytes).
        offset: u64,
        /// How many bytes these are.
        len: u64,
        /// Their hash.
        sha256: Sha256,
        /// Whether every part is answered alike, so that only the number of bytes says which is the last.
        counted: bool,
    },
    /// A part of a session's medium.
    Append {
        /// The session.
        session: String,
        /// The part's number.
        number: u32,
        /// Where the part begins in the outbound spool (or in the outbound bytes).
        offset: u64,
        /// The part's length.
        len: u64,
        /// Hash of the part.
        sha256: Sha256,
        /// The part itself, where the request writes it in base64: its body does not hold the bytes as they are.
        decoded: Option<bytes::Bytes>,
    },
    /// The session's medium is complete.
    Finalize {
        /// The session.
        session: String,
    },
    /// Alternative text is set for a medium.
    Describe {
        /// The medium.
        id: String,
        /// The text.
        alt: String,
    },
}

/// The name by which a session is kept: whoever knows the provider's own name of it may write to it, so that is not kept.
pub fn session_name(id: &str) -> String {
    format!("session {}", Sha256::of(id.as_bytes()).hex())
}
