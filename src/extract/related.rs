//! `multipart/related` (RFC 2387) of two parts, the words in JSON and the medium, read as it arrives and written anew.
//!
//! Python's e-mail library ends lines with LF, others with CRLF; whichever ends the first line ends all. What leaves
//! has CRLF, a boundary of our own, and of the parts' headers the medium's type only.

use crate::domain::decision::Refusal;
use crate::domain::tree::Tree;

use super::body::Medium;
use super::json;
use super::spool::{Hasher, Sink};

/// Headers of one part, in bytes.
const HEAD_BYTES: usize = 4 * 1024;

/// What was found.
#[derive(Debug)]
pub(super) struct Parts {
    /// The words.
    pub(super) json: Tree,
    /// The medium.
    pub(super) medium: Medium,
    /// The medium as text, where it is read as words.
    pub(super) words: Option<String>,
}

/// How much may be held in memory, and whether the medium is read as words.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// The words in JSON, and a medium that is words, in bytes.
    pub(super) text: u64,
    /// Nesting of the JSON.
    pub(super) depth: usize,
    /// Whether the medium is words: subtitles.
    pub(super) words: bool,
}

enum State {
    Start,
    Head,
    Json(Vec<u8>),
    Media { offset: u64, hash: Box<Hasher>, words: Option<Vec<u8>> },
    AfterDelimiter,
    End,
}

/// A reader that is fed pieces of any size.
pub(super) struct Related {
    opening: Vec<u8>,
    delimiter: Vec<u8>,
    line_end: &'static [u8],
    boundary: String,
    limits: Limits,
    sink: Sink,
    pending: Vec<u8>,
    state: State,
    json: Option<Tree>,
    medium: Option<(Medium, Option<String>)>,
}

impl Related {
    /// A reader of a body with this boundary that writes the rebuilt body to `sink`.
    pub(super) fn new(boundary: &str, limits: Limits, sink: Sink) -> Self {
        Self {
            opening: format!("--{boundary}").into_bytes(),
            delimiter: Vec::new(),
            line_end: b"\r\n",
            // Unguessable, so that no uploaded byte can imitate it: the sender never sees it before it is sent.
            boundary: format!("sekisho-{}", uuid::Uuid::new_v4().simple()),
            limits,
            sink,
            pending: Vec::new(),
            state: State::Start,
            json: None,
            medium: None,
        }
    }

    /// Takes the next piece.
    pub(super) async fn feed(&mut self, piece: &[u8]) -> Result<(), Refusal> {
        self.pending.extend_from_slice(piece);
        while self.step().await? {}
        Ok(())
    }

    /// The parts, the rebuilt body and its content type.
    pub(super) async fn finish(mut self) -> Result<(Parts, Sink, String), Refusal> {
        let tail_fits = self.pending.is_empty() || self.pending == self.line_end;
        let (State::End, true, Some(json), Some((medium, words))) = (self.state, tail_fits, self.json, self.medium)
        else {
            return Err(shape());
        };
        self.sink.write(format!("\r\n--{}--\r\n", self.boundary).as_bytes()).await?;
        let content_type = format!("multipart/related; boundary={}", self.boundary);
        Ok((Parts { json, medium, words }, self.sink, content_type))
    }

    /// Does what the pending bytes allow; `false` when more are needed.
    async fn step(&mut self) -> Result<bool, Refusal> {
        match &self.state {
            State::Start => self.start(),
            State::AfterDelimiter => {
                let Some(first) = self.pending.get(..2) else { return Ok(false) };
                if first == b"--" && self.medium.is_some() {
                    self.pending.drain(..2);
                    self.state = State::End;
                } else if self.pending.starts_with(self.line_end) && self.medium.is_none() {
                    self.pending.drain(..self.line_end.len());
                    self.state = State::Head;
                } else {
                    return Err(shape());
                }
                Ok(true)
            }
            State::Head => self.head().await,
            State::Json(_) | State::Media { .. } => self.body().await,
            State::End if self.pending.len() > 2 => Err(shape()),
            State::End => Ok(false),
        }
    }

    fn start(&mut self) -> Result<bool, Refusal> {
        if self.pending.len() < self.opening.len() + 2 {
            let known = self.pending.len().min(self.opening.len());
            return if self.pending.get(..known) == self.opening.get(..known) { Ok(false) } else { Err(shape()) };
        }
        if !self.pending.starts_with(&self.opening) {
            return Err(shape());
        }
        self.pending.drain(..self.opening.len());
        self.line_end = if self.pending.starts_with(b"\r\n") { b"\r\n" } else { b"\n" };
        self.delimiter = [self.line_end, &self.opening].concat();
        self.state = State::AfterDelimiter;
        Ok(true)
    }

    async fn head(&mut self) -> Result<bool, Refusal> {
        let blank = [self.line_end, self.line_end].concat();
        let Some(end) = memchr::memmem::find(&self.pending, &blank) else {
            return if self.pending.len() > HEAD_BYTES { Err(shape()) } else { Ok(false) };
        };
        if end > HEAD_BYTES {
            return Err(shape());
        }
        let raw: Vec<u8> = self.pending.drain(..end + blank.len()).take(end).collect();
        let media_type = media_type(&raw, self.line_end)?;
        let Some(json) = &self.json else {
            if media_type.split(';').next().is_none_or(|kind| !kind.trim().eq_ignore_ascii_case("application/json")) {
                return Err(shape());
            }
            self.state = State::Json(Vec::new());
            return Ok(true);
        };
        let mut words = String::new();
        json.write_json(&mut words);
        let boundary = &self.boundary;
        let head = format!(
            "--{boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n{words}\r\n--{boundary}\r\n\
             Content-Type: {media_type}\r\n\r\n"
        );
        self.sink.write(head.as_bytes()).await?;
        let words = self.limits.words.then(Vec::new);
        self.state = State::Media { offset: self.sink.written(), hash: Box::default(), words };
        Ok(true)
    }

    async fn body(&mut self) -> Result<bool, Refusal> {
        let found = memchr::memmem::find(&self.pending, &self.delimiter);
        // The last bytes may be the beginning of a delimiter that goes on in the next piece.
        let ready = found.unwrap_or_else(|| self.pending.len().saturating_sub(self.delimiter.len() - 1));
        let bytes = self.pending.get(..ready).unwrap_or_default();
        let fits = |held: usize| (held + ready) as u64 <= self.limits.text;
        match &mut self.state {
            State::Json(text) => {
                if !fits(text.len()) {
                    return Err(super::body::too_large());
                }
                text.extend_from_slice(bytes);
            }
            State::Media { hash, words, .. } => {
                hash.update(bytes);
                self.sink.write(bytes).await?;
                if let Some(words) = words {
                    if !fits(words.len()) {
                        return Err(super::body::too_large());
                    }
                    words.extend_from_slice(bytes);
                }
            }
            State::Start | State::Head | State::AfterDelimiter | State::End => {}
        }
        self.pending.drain(..ready);
        if found.is_none() {
            return Ok(false);
        }
        self.pending.drain(..self.delimiter.len());
        match std::mem::replace(&mut self.state, State::AfterDelimiter) {
            State::Json(text) => {
                self.json = Some(json::parse(&text, self.limits.depth).map_err(super::body::bad_json)?);
            }
            State::Media { offset, hash, words } => {
                let len = self.sink.written() - offset;
                let words = words.map(String::from_utf8).transpose().map_err(|_| shape())?;
                self.medium = Some((Medium::at(offset, len, hash.finish()), words));
            }
            State::Start | State::Head | State::AfterDelimiter | State::End => {}
        }
        Ok(true)
    }
}

/// The type of a part, with `charset=utf-8` as its only parameter. Other headers say how it is encoded, and a coding
/// that is none would hide what is in it.
fn media_type(raw: &[u8], line_end: &[u8]) -> Result<String, Refusal> {
    let raw = std::str::from_utf8(raw).map_err(|_| shape())?;
    let line_end = std::str::from_utf8(line_end).map_err(|_| shape())?;
    let mut found = None;
    for line in raw.split(line_end) {
        let (name, value) = line.split_once(':').ok_or_else(shape)?;
        let value = value.trim_matches(' ');
        match name.to_ascii_lowercase().as_str() {
            "content-type" if found.is_none() => found = Some(value.to_ascii_lowercase()),
            "mime-version" if value == "1.0" => {}
            "content-transfer-encoding" if matches!(value, "binary" | "8bit" | "7bit") => {}
            _ => return Err(shape()),
        }
    }
    let found = found.ok_or_else(shape)?;
    let (kind, parameter) = found.split_once(';').unwrap_or((&found, "charset=utf-8"));
    let token = |t: &str| {
        !t.is_empty() && t.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'+' | b'-' | b'_' | b'*'))
    };
    let fits = kind.split_once('/').is_some_and(|(kind, sub)| token(kind) && token(sub));
    if !fits || parameter.trim().replace('"', "") != "charset=utf-8" {
        return Err(shape());
    }
    Ok(kind.to_owned())
}

fn shape() -> Refusal {
    Refusal::refused(
        "related-shape",
        "送信内容（multipart/related）が、関所の知っている形と違うため、通せません。",
        "The body is not multipart/related of one JSON part and one medium.",
        "投稿ツールの設定を確認してください。",
    )
    .status(400)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::media::Sha256;
    use crate::domain::outbound::OutBody;

    async fn read(body: &[u8], size: usize) -> Result<(Parts, Vec<u8>), Refusal> {
        let limits = Limits { text: 1000, depth: 8, words: false };
        let mut reader = Related::new("B", limits, Sink::new(&std::env::temp_dir(), 1 << 20));
        for piece in body.chunks(size) {
            reader.feed(piece).await?;
        }
        let (parts, sink, _) = reader.finish().await?;
        let OutBody::Bytes(out) = sink.finish().await? else { panic!("in memory") };
        Ok((parts, out.to_vec()))
    }

    #[tokio::test]
    async fn both_line_ends_and_any_pieces_give_the_same_words_and_bytes() {
        let film = b"\x00film\r\n--not the boundary\n--B\r".repeat(9);
        for end in ["\r\n", "\n"] {
            let head = format!(
                "--B{end}Content-Type: application/json{end}MIME-Version: 1.0{end}{end}{{\"a\":\"\\u3042\"}}{end}--B{end}\
                 content-type: video/mp4{end}Content-Transfer-Encoding: binary{end}{end}"
            );
            // With LF alone, a line that begins like the boundary ends the medium: so this one has none.
            let film: Vec<u8> = if end == "\n" { b"\x00film".repeat(40) } else { film.clone() };
            let body = [head.as_bytes(), &film, format!("{end}--B--{end}").as_bytes()].concat();
            for size in [1, 2, 3, 7, 4096] {
                let (parts, out) = read(&body, size).await.unwrap();
                assert_eq!(parts.json.get("a").and_then(Tree::as_text), Some("あ"));
                assert_eq!((parts.medium.sha256, parts.medium.len), (Sha256::of(&film), film.len() as u64));
                let offset = usize::try_from(parts.medium.offset.unwrap()).unwrap();
                assert_eq!(&out[offset..offset + film.len()], film);
                assert!(!out.windows(3).any(|part| part == b"--B\r" as &[u8]) || end == "\r\n");
            }
        }
    }

    #[tokio::test]
    async fn three_parts_another_coding_and_a_part_without_its_end_are_refused() {
        let good = "--B\r\nContent-Type: application/json\r\n\r\n{}\r\n--B\r\nContent-Type: video/mp4\r\n\r\nfilm";
        let bodies = [
            good.to_owned(),
            format!("{good}\r\n--B\r\nContent-Type: video/mp4\r\n\r\nfilm\r\n--B--\r\n"),
            format!("{good}\r\n--B--\r\nmore"),
            format!("{}\r\n--B--\r\n", good.replace("video/mp4", "video/mp4\r\nContent-Transfer-Encoding: base64")),
            format!("{}\r\n--B--\r\n", good.replace("application/json", "text/plain")),
            format!("x{good}\r\n--B--\r\n"),
        ];
        for body in bodies {
            assert_eq!(read(body.as_bytes(), 5).await.unwrap_err().code, "related-shape", "{body}");
        }
        assert!(read(format!("{good}\r\n--B--\r\n").as_bytes(), 5).await.is_ok());
    }
}
