//! The JSON of a media upload, read as it streams by: the base64 media goes to disk, the rest is kept.

use super::intake::{Part, Sink, is_media};

/// Most bytes that are kept besides the media.
const SKELETON_BYTES: usize = 1024 * 1024;

/// A reader that is fed a JSON body piece by piece. It only follows strings and depth; whether the rest is JSON is
/// found out when it is parsed.
#[derive(Default)]
pub(super) struct JsonMedia {
    skeleton: Vec<u8>,
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// The last string outside the media, shortened.
    string: Vec<u8>,
    after_colon: bool,
    media: Option<Sink>,
    parts: Vec<Part>,
}

impl JsonMedia {
    /// Takes the next piece of the body.
    pub(super) fn feed(&mut self, mut piece: &[u8]) {
        while let Some((first, rest)) = piece.split_first() {
            if self.media.is_some() {
                piece = self.media_run(piece);
                continue;
            }
            self.outside(*first);
            piece = rest;
        }
    }

    /// The JSON with empty media, and the media.
    pub(super) fn finish(self) -> (Vec<u8>, Vec<Part>) {
        (self.skeleton, self.parts)
    }

    /// Takes media up to its closing quote; gives what follows.
    fn media_run<'a>(&mut self, piece: &'a [u8]) -> &'a [u8] {
        let end = piece.iter().position(|byte| matches!(byte, b'"' | b'\\')).unwrap_or(piece.len());
        let (run, rest) = piece.split_at(end);
        if let Some(sink) = self.media.as_mut() {
            sink.write(run);
        }
        // A backslash can only stand before `/` in base64, and the `/` itself belongs to the next run.
        if rest.first() == Some(&b'"') {
            self.skeleton.push(b'"');
            self.parts.extend(self.media.take().map(Sink::finish));
        }
        rest.get(1..).unwrap_or_default()
    }

    fn outside(&mut self, byte: u8) {
        if self.skeleton.len() < SKELETON_BYTES {
            self.skeleton.push(byte);
        }
        if self.in_string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ if self.string.len() < 64 => self.string.push(byte),
                _ => {}
            }
            return;
        }
        match byte {
            b'"' => self.open_string(),
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            b':' => self.after_colon = true,
            b',' => self.after_colon = false,
            _ => {}
        }
    }

    fn open_string(&mut self) {
        let key = String::from_utf8_lossy(&self.string).into_owned();
        if self.depth == 1 && self.after_colon && is_media(&key) {
            self.media = Some(Sink::new(&key, true));
        } else {
            self.in_string = true;
            self.string.clear();
        }
    }
}
