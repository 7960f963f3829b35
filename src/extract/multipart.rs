//! `multipart/form-data` (RFC 7578, a strict subset), read as it arrives and written anew with a boundary of our own.
//!
//! No preamble, no epilogue but one line end, CRLF everywhere, part headers `Content-Disposition` and `Content-Type`
//! only, each name once. A medium goes straight through to the sink, so memory stays flat whatever its length.

use crate::domain::decision::Refusal;
use crate::domain::media::Sha256;

use super::form;
use super::spool::{Hasher, Sink};

/// Headers of one part, in bytes.
const HEAD_BYTES: usize = 4 * 1024;
/// A part that is no medium, in bytes.
const TEXT_BYTES: usize = 64 * 1024;
/// A part that is a medium in base64, in bytes: held in memory.
const BASE64_BYTES: usize = 16 * 1024 * 1024;
/// Parts of one body.
const PARTS: usize = 64;

/// The names of parts that carry a medium.
#[derive(Clone, Debug, Default)]
pub struct MediaNames {
    /// Its bytes as they are.
    pub plain: Vec<String>,
    /// Its bytes in base64.
    pub base64: Vec<String>,
    /// Parts that are written last, so that they can be cut off again: credentials.
    pub last: Vec<String>,
    /// Whether names nest by brackets; one that ends in a list may come again.
    pub brackets: bool,
}

/// A medium that went through to the sink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaPart {
    /// The part's name.
    pub name: String,
    /// Where its bytes begin in the rebuilt body.
    pub offset: u64,
    /// Their number.
    pub len: u64,
    /// Their hash.
    pub sha256: Sha256,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// Parts that are no media, in the order received.
    pub texts: Vec<(String, String)>,
    /// The medium.
    pub media: Option<MediaPart>,
    /// The rebuilt body without the parts that were written last; none: there are none.
    pub bare: Option<Bare>,
}

/// How a rebuilt body ends without the parts that were written last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bare {
    /// Where they begin.
    pub at: u64,
    /// What stands there instead.
    pub closing: String,
    /// The hash of the body then.
    pub sha256: Sha256,
}

/// A reader that is fed pieces of any size.
pub struct Multipart {
    opening: Vec<u8>,
    delimiter: Vec<u8>,
    boundary: String,
    names: MediaNames,
    sink: Sink,
    pending: Vec<u8>,
    state: State,
    seen: Vec<String>,
    last: Vec<(PartHead, String)>,
    parts: Parts,
}

enum State {
    Start,
    Head,
    Text { name: String, text: Vec<u8>, most: usize },
    Media { name: String, offset: u64, hash: Box<Hasher> },
    AfterDelimiter,
    End,
}

impl Multipart {
    /// A reader of a body with this boundary that writes the rebuilt body to `sink`.
    pub fn new(boundary: &str, names: MediaNames, sink: Sink) -> Self {
        Self {
            opening: format!("--{boundary}").into_bytes(),
            delimiter: format!("\r\n--{boundary}").into_bytes(),
            // Unguessable, so that no uploaded byte can imitate it: the sender never sees it before it is sent.
            boundary: format!("sekisho-{}", uuid::Uuid::new_v4().simple()),
            names,
            sink,
            pending: Vec::new(),
            state: State::Start,
            seen: Vec::new(),
            last: Vec::new(),
            parts: Parts::default(),
        }
    }

    /// Takes the next piece.
    ///
    /// # Errors
    /// Refusals `multipart-*`, `form-key`, `form-repeated-key`, `method-override`, `spool-failed`.
    pub async fn feed(&mut self, piece: &[u8]) -> Result<(), Refusal> {
        self.pending.extend_from_slice(piece);
        while self.step().await? {}
        Ok(())
    }

    /// The parts, the rebuilt body and its content type.
    ///
    /// # Errors
    /// Refusal `multipart-shape` when the closing boundary did not come.
    pub async fn finish(mut self) -> Result<(Parts, Sink, String), Refusal> {
        if !matches!(self.state, State::End) || !(self.pending.is_empty() || self.pending == b"\r\n") {
            return Err(shape());
        }
        let closing = format!("--{}--\r\n", self.boundary);
        if !self.last.is_empty() {
            let (at, sha256) = (self.sink.written(), self.sink.hash_with(closing.as_bytes()));
            self.parts.bare = Some(Bare { at, closing: closing.clone(), sha256 });
        }
        for (head, text) in std::mem::take(&mut self.last) {
            self.write_text(&head, &text).await?;
        }
        self.sink.write(closing.as_bytes()).await?;
        Ok((self.parts, self.sink, format!("multipart/form-data; boundary={}", self.boundary)))
    }

    /// Does what the pending bytes allow; `false` when more are needed.
    async fn step(&mut self) -> Result<bool, Refusal> {
        match &mut self.state {
            State::Start => {
                if self.pending.len() < self.opening.len() {
                    return if self.opening.starts_with(&self.pending) { Ok(false) } else { Err(shape()) };
                }
                if !self.pending.starts_with(&self.opening) {
                    return Err(shape());
                }
                self.pending.drain(..self.opening.len());
                self.state = State::AfterDelimiter;
                Ok(true)
            }
            State::AfterDelimiter => {
                let after = match self.pending.get(..2) {
                    None => return Ok(false),
                    Some(b"\r\n") => State::Head,
                    Some(b"--") if !self.seen.is_empty() => State::End,
                    Some(_) => return Err(shape()),
                };
                self.pending.drain(..2);
                self.state = after;
                Ok(true)
            }
            State::Head => self.head().await,
            State::Text { .. } | State::Media { .. } => self.body().await,
            State::End if self.pending.len() > 2 => Err(shape()),
            State::End => Ok(false),
        }
    }

    async fn head(&mut self) -> Result<bool, Refusal> {
        let Some(end) = find(&self.pending, b"\r\n\r\n") else {
            return if self.pending.len() > HEAD_BYTES { Err(shape()) } else { Ok(false) };
        };
        if end > HEAD_BYTES || self.seen.len() >= PARTS {
            return Err(shape());
        }
        let raw: Vec<u8> = self.pending.drain(..end + 4).take(end).collect();
        let head = PartHead::parse(&raw)?;
        form::check_key(&head.name, self.names.brackets)?;
        let listed = self.names.brackets && head.name.contains("[]");
        if !listed && self.seen.contains(&head.name) {
            return Err(form::repeated());
        }
        self.seen.push(head.name.clone());
        let medium = self.names.plain.contains(&head.name);
        if !medium {
            let base64 = self.names.base64.contains(&head.name);
            head.check_text(base64)?;
            let most = if base64 { BASE64_BYTES } else { TEXT_BYTES };
            self.state = State::Text { name: head.name, text: Vec::new(), most };
            return Ok(true);
        }
        if self.parts.media.is_some() {
            return Err(form::repeated());
        }
        self.sink.write(head.rebuilt(&self.boundary).as_bytes()).await?;
        self.state = State::Media { name: head.name, offset: self.sink.written(), hash: Box::new(Hasher::default()) };
        Ok(true)
    }

    async fn body(&mut self) -> Result<bool, Refusal> {
        let found = find(&self.pending, &self.delimiter);
        // The last bytes may be the beginning of a delimiter that goes on in the next piece.
        let ready = found.unwrap_or_else(|| self.pending.len().saturating_sub(self.delimiter.len() - 1));
        let bytes = self.pending.get(..ready).unwrap_or_default();
        match &mut self.state {
            State::Text { text, most, .. } => {
                if text.len() + ready > *most {
                    return Err(too_large());
                }
                text.extend_from_slice(bytes);
            }
            State::Media { hash, .. } => {
                hash.update(bytes);
                self.sink.write(bytes).await?;
            }
            State::Start | State::Head | State::AfterDelimiter | State::End => {}
        }
        self.pending.drain(..ready);
        if found.is_none() {
            return Ok(false);
        }
        self.pending.drain(..self.delimiter.len());
        match std::mem::replace(&mut self.state, State::AfterDelimiter) {
            State::Text { name, text, .. } => self.close_text(name, text).await?,
            State::Media { name, offset, hash } => {
                let len = self.sink.written() - offset;
                self.parts.media = Some(MediaPart { name, offset, len, sha256: hash.finish() });
                self.sink.write(b"\r\n").await?;
            }
            State::Start | State::Head | State::AfterDelimiter | State::End => {}
        }
        Ok(true)
    }

    async fn close_text(&mut self, name: String, text: Vec<u8>) -> Result<(), Refusal> {
        let text = String::from_utf8(text).map_err(|_| shape())?;
        if text.chars().any(|c| c.is_ascii_control() && !matches!(c, '\n' | '\r' | '\t')) {
            return Err(shape());
        }
        let head = PartHead { name, filename: false, media_type: None };
        self.parts.texts.push((head.name.clone(), text.clone()));
        if self.names.last.contains(&head.name) {
            self.last.push((head, text));
            return Ok(());
        }
        self.write_text(&head, &text).await
    }

    async fn write_text(&mut self, head: &PartHead, text: &str) -> Result<(), Refusal> {
        self.sink.write(head.rebuilt(&self.boundary).as_bytes()).await?;
        self.sink.write(text.as_bytes()).await?;
        self.sink.write(b"\r\n").await
    }
}

/// The headers of a part.
struct PartHead {
    name: String,
    filename: bool,
    media_type: Option<String>,
}

impl PartHead {
    fn parse(raw: &[u8]) -> Result<Self, Refusal> {
        let raw = std::str::from_utf8(raw).map_err(|_| shape())?;
        let (mut disposition, mut media_type) = (None, None);
        for line in raw.split("\r\n") {
            if line.chars().any(|c| c.is_control()) {
                return Err(shape());
            }
            let (name, value) = line.split_once(':').ok_or_else(header)?;
            let value = value.trim_matches(' ');
            let slot = match name.to_ascii_lowercase().as_str() {
                "content-disposition" => &mut disposition,
                "content-type" => &mut media_type,
                _ => return Err(header()),
            };
            if slot.replace(value).is_some() {
                return Err(header());
            }
        }
        let (name, filename) = parse_disposition(disposition.ok_or_else(header)?).ok_or_else(header)?;
        Ok(Self { name, filename, media_type: media_type.map(str::to_owned) })
    }

    /// A part that is read as text has no file name and no type but plain UTF-8 text.
    fn check_text(&self, base64: bool) -> Result<(), Refusal> {
        let plain = match self.media_type.as_deref().map(str::to_ascii_lowercase).as_deref() {
            None | Some("text/plain" | "text/plain;charset=utf-8" | "text/plain; charset=utf-8") => true,
            Some("application/octet-stream") => base64,
            Some(_) => false,
        };
        if self.filename || !plain {
            return Err(Refusal::refused(
                "multipart-part",
                "送信内容に、関所が知らないファイルが付いているため、通せません。",
                "A part is a file or of a type that the route does not describe.",
                "投稿ツールの設定を確認してください。",
            )
            .status(400));
        }
        Ok(())
    }

    /// The part's beginning as it leaves. The file's name stays inside: it says nothing to the reader of the post.
    fn rebuilt(&self, boundary: &str) -> String {
        let filename = if self.filename { "; filename=\"media\"" } else { "" };
        let fits = |text: &&String| {
            let token = |t: &str| {
                !t.is_empty() && t.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'+' | b'-' | b'_'))
            };
            text.split_once('/').is_some_and(|(kind, sub)| token(kind) && token(sub))
        };
        let media_type =
            self.media_type.as_ref().filter(fits).map(|text| format!("Content-Type: {text}\r\n")).unwrap_or_default();
        format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"{filename}\r\n{media_type}\r\n", self.name)
    }
}

/// Name and whether there is a file name.
fn parse_disposition(value: &str) -> Option<(String, bool)> {
    let mut rest = value.strip_prefix("form-data")?;
    let (mut name, mut filename) = (None, false);
    while !rest.is_empty() {
        rest = rest.strip_prefix(';')?.trim_start_matches(' ');
        let (key, after) = rest.split_once('=')?;
        let (text, after) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_at(after.find(';').unwrap_or(after.len())),
        };
        if text.contains('\\') || text.contains('"') {
            return None;
        }
        match key {
            "name" if name.is_none() => name = Some(text.to_owned()),
            "filename" if !filename => filename = true,
            _ => return None,
        }
        rest = after;
    }
    name.map(|name| (name, filename))
}

/// Where `needle` begins in `bytes`. Every needle begins with a carriage return, which is rare in most bytes.
fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + bytes.get(from..)?.iter().position(|b| *b == b'\r')?;
        if bytes.get(at..)?.starts_with(needle) {
            return Some(at);
        }
        from = at + 1;
    }
}

fn shape() -> Refusal {
    Refusal::refused(
        "multipart-shape",
        "送信内容（multipart）が正しい形で書かれていないため、通せません。",
        "The multipart body is not well formed.",
        "投稿ツールの設定を確認してください。",
    )
    .status(400)
}

fn header() -> Refusal {
    Refusal::refused(
        "multipart-header",
        "送信内容（multipart）の見出しに、関所が受け付けない書き方があります。",
        "A part has a header that servers could read differently.",
        "投稿ツールの設定を確認してください。",
    )
    .status(400)
}

fn too_large() -> Refusal {
    Refusal::refused(
        "multipart-field-too-large",
        "送信内容の項目が長すぎるため、通せません。",
        "A part that is not a file is too long.",
        "投稿ツールの設定を確認してください。",
    )
    .status(413)
}

#[cfg(test)]
mod tests;
