//! `[inspect]`: rule files and lists.

use std::path::PathBuf;

use serde::Deserialize;

/// Rule files and lists of the inspector.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Inspect {
    /// Lists of link shorteners, one host a line; none: the list that is built in (`builtin:shorteners`).
    pub shorteners: Vec<PathBuf>,
    /// Rule files in the place of those that are built in; none: the built-in ones.
    pub rules: Vec<PathBuf>,
    /// The body's own rule files, read after the others: more words, exceptions, rules out of force.
    pub local: Vec<PathBuf>,
    /// What is the office's own and may be published: telephone numbers, mail domains, sites.
    pub office: Option<PathBuf>,
    /// Up to where pictures and films are read.
    pub media: Media,
}

/// `[inspect.media]`: what is beyond these limits is for a person to look at.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Media {
    /// The longest picture that is read for its metadata and QR codes, in bytes.
    pub picture_bytes: u64,
    /// The most pixels that are unpacked to look for QR codes.
    pub pixels: u64,
    /// Time for one medium, in milliseconds, the wait for the one before included.
    pub deadline_ms: u64,
}

impl Default for Media {
    fn default() -> Self {
        Self { picture_bytes: 24 * 1024 * 1024, pixels: 25_000_000, deadline_ms: 10_000 }
    }
}
