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
    /// Where the links of a held post lead.
    pub probe: Probe,
}

/// `[inspect.probe]`: looks where the links of a held post lead, when somebody opens it to approve; never on the road of a
/// post.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Probe {
    /// Whether links are called at all. Off unless the office says so: whoever is called learns of a post before it is
    /// published.
    pub on: bool,
    /// Whether links by `http` are called, too.
    pub http: bool,
    /// Redirects on the way of one link.
    pub redirects: usize,
    /// Time for one link, in milliseconds, every redirect included.
    pub link_ms: u64,
    /// Links that are called at the same time.
    pub at_once: usize,
    /// Links of one post that are looked at.
    pub links: usize,
    /// For how long the answers are kept with the ticket, in seconds.
    pub keep_s: u64,
    /// Hosts that the office never links to, warned of wherever they stand on the way: `bets.example`, `*.bets.example`.
    pub prohibited: Vec<String>,
}

impl Default for Probe {
    fn default() -> Self {
        Self {
            on: false,
            http: true,
            redirects: 5,
            link_ms: 4_000,
            at_once: 8,
            links: 40,
            keep_s: 900,
            prohibited: Vec::new(),
        }
    }
}

impl Probe {
    /// Whether the office never links to this host (lower case).
    pub fn is_prohibited(&self, host: &str) -> bool {
        self.prohibited.iter().any(|pattern| match pattern.strip_prefix('*') {
            Some(suffix) => host.len() > suffix.len() && host.ends_with(suffix),
            None => host == pattern,
        })
    }
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
