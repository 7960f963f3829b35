//! What the gateway fetches itself: a medium that a post names by URL, a page, the end of a chain of redirects.

use super::outbound::OutBody;

/// What is fetched, and as what.
#[derive(Clone, Debug)]
pub struct Errand {
    /// Where it begins; `https` only.
    pub url: String,
    /// What is wanted there.
    pub wants: Wants,
}

/// What is wanted at the end of the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wants {
    /// A picture, a film, a sound: on disk, hashed, of a known kind.
    Media,
    /// Text for a program to read (HTML, JSON, plain): in memory.
    Page,
    /// Only where the way leads: nothing of the body is read.
    Way,
}

/// What was fetched.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// Every address on the way, the first and the last included.
    pub way: Vec<String>,
    /// The last one's status.
    pub status: u16,
    /// Its media type, as it says, without parameters; empty where it says none.
    pub content_type: String,
    /// What a medium is by its own bytes.
    pub kind: Option<MediaKind>,
    /// What stood there: a spool for a medium, bytes for a page, nothing for a way.
    pub body: OutBody,
}

/// Why nothing was fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfetched {
    /// No `https` URL of the plain form `https://host/...`: another scheme, a port, a user, no host.
    Form,
    /// The address, here or after a redirect, is not of the public internet.
    Private,
    /// The host is not among those that may be called.
    Host,
    /// Too many redirects, or one to nowhere.
    Redirects,
    /// It has more bytes than may be taken.
    TooLarge,
    /// It did not arrive in time.
    Slow,
    /// There is nothing: no such name, no connection, no trust, a status that is no success, or it broke off.
    Unreachable,
    /// It is not what was wanted.
    Kind,
    /// The gateway cannot store it.
    Spool,
}

/// A kind of medium, by its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaKind {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// GIF.
    Gif,
    /// WebP.
    Webp,
    /// AVIF or HEIF.
    Heif,
    /// MP4.
    Mp4,
    /// QuickTime.
    QuickTime,
    /// WebM or Matroska.
    Webm,
    /// Sound in MP4.
    M4a,
    /// MP3.
    Mp3,
    /// WAVE.
    Wav,
}

impl MediaKind {
    /// Every kind.
    pub const ALL: [Self; 11] = [
        Self::Jpeg,
        Self::Png,
        Self::Gif,
        Self::Webp,
        Self::Heif,
        Self::Mp4,
        Self::QuickTime,
        Self::Webm,
        Self::M4a,
        Self::Mp3,
        Self::Wav,
    ];

    /// The kind of a medium that begins with these bytes (12 are enough); none if it is none that a post may show. SVG is
    /// no picture here: it can hold programs.
    pub fn of(head: &[u8]) -> Option<Self> {
        let at = |from: usize, word: &[u8]| head.get(from..).is_some_and(|rest| rest.starts_with(word));
        if at(4, b"ftyp") {
            return Some(match head.get(8..12)? {
                b"avif" | b"avis" | b"heic" | b"heix" | b"heif" | b"mif1" | b"msf1" => Self::Heif,
                b"qt  " => Self::QuickTime,
                b"M4A " | b"M4B " => Self::M4a,
                _ => Self::Mp4,
            });
        }
        let known: [(&[u8], Self); 7] = [
            (b"\xff\xd8\xff", Self::Jpeg),
            (b"\x89PNG\r\n\x1a\n", Self::Png),
            (b"GIF87a", Self::Gif),
            (b"GIF89a", Self::Gif),
            (b"\x1a\x45\xdf\xa3", Self::Webm),
            (b"ID3", Self::Mp3),
            (b"\xff\xfb", Self::Mp3),
        ];
        if at(0, b"RIFF") {
            return if at(8, b"WEBP") { Some(Self::Webp) } else { at(8, b"WAVE").then_some(Self::Wav) };
        }
        known.into_iter().find(|(word, _)| at(0, word)).map(|(_, kind)| kind)
    }

    /// The media type that the gateway gives it.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Gif => "image/gif",
            Self::Webp => "image/webp",
            Self::Heif => "image/heif",
            Self::Mp4 => "video/mp4",
            Self::QuickTime => "video/quicktime",
            Self::Webm => "video/webm",
            Self::M4a => "audio/mp4",
            Self::Mp3 => "audio/mpeg",
            Self::Wav => "audio/wav",
        }
    }

    /// The ending of its file name, without the dot.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Gif => "gif",
            Self::Webp => "webp",
            Self::Heif => "heif",
            Self::Mp4 => "mp4",
            Self::QuickTime => "mov",
            Self::Webm => "webm",
            Self::M4a => "m4a",
            Self::Mp3 => "mp3",
            Self::Wav => "wav",
        }
    }

    /// Whether a server that calls it by this media type means the same sort of thing: image, video or audio.
    pub fn agrees_with(self, content_type: &str) -> bool {
        let sort = |name: &str| name.split_once('/').map(|(sort, _)| sort.to_ascii_lowercase());
        let (own, said) = (sort(self.content_type()), sort(content_type));
        // Sound and film share their containers.
        let both = |one: &Option<String>| matches!(one.as_deref(), Some("video" | "audio"));
        said.is_some() && (own == said || (both(&own) && both(&said)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_medium_is_known_by_its_bytes_and_must_be_what_the_server_says() {
        let cases: [(&[u8], Option<MediaKind>); 12] = [
            (b"\xff\xd8\xff\xe0\0\0\0\0\0\0\0\0", Some(MediaKind::Jpeg)),
            (b"\x89PNG\r\n\x1a\n\0\0\0\0", Some(MediaKind::Png)),
            (b"GIF89a......", Some(MediaKind::Gif)),
            (b"RIFF....WEBP", Some(MediaKind::Webp)),
            (b"RIFF....WAVE", Some(MediaKind::Wav)),
            (b"\0\0\0\x18ftypisom", Some(MediaKind::Mp4)),
            (b"\0\0\0\x18ftypqt  ", Some(MediaKind::QuickTime)),
            (b"\0\0\0\x18ftypheic", Some(MediaKind::Heif)),
            (b"<!doctype html>", None),
            (b"<svg xmlns=\"h", None),
            (b"\x7fELF........", None),
            (b"", None),
        ];
        for (head, kind) in cases {
            assert_eq!(MediaKind::of(head), kind, "{head:?}");
        }
        assert!(MediaKind::Jpeg.agrees_with("image/png") && MediaKind::M4a.agrees_with("video/mp4"));
        assert!(!MediaKind::Jpeg.agrees_with("text/html") && !MediaKind::Jpeg.agrees_with("video/mp4"));
        assert!(!MediaKind::Jpeg.agrees_with("") && !MediaKind::Jpeg.agrees_with("application/octet-stream"));
    }

    #[test]
    fn every_kind_has_an_ending_of_its_own() {
        let endings: std::collections::BTreeSet<_> = MediaKind::ALL.iter().map(|kind| kind.ending()).collect();
        assert_eq!(endings.len(), MediaKind::ALL.len());
    }
}
