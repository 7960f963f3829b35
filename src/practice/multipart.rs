//! `multipart/form-data` read as it streams by: memory stays flat however large the media is.

use super::intake::{Part, Sink};

/// Longest head of a part, in bytes.
const HEAD_BYTES: usize = 16 * 1024;

/// A reader that is fed a body piece by piece (RFC 7578, RFC 2046 5.1).
pub(super) struct Multipart {
    delimiter: Vec<u8>,
    /// How far a mismatch lets the search move on, by the byte under the delimiter's end (Horspool).
    skips: Vec<usize>,
    buffer: Vec<u8>,
    state: State,
    parts: Vec<Part>,
}

enum State {
    /// Before the first delimiter, or in a part.
    Data(Option<Box<Sink>>),
    /// Behind a delimiter: `--` ends the body, CRLF begins a head.
    Behind,
    Head,
    Done,
    Broken,
}

impl Multipart {
    /// A reader for this boundary.
    pub(super) fn new(boundary: &str) -> Self {
        let delimiter = format!("\r\n--{boundary}").into_bytes();
        let mut skips = vec![delimiter.len(); 256];
        for (at, byte) in delimiter.iter().enumerate().take(delimiter.len() - 1) {
            if let Some(skip) = skips.get_mut(usize::from(*byte)) {
                *skip = delimiter.len() - 1 - at;
            }
        }
        // The first delimiter has no line before it; this one gives it one.
        Self { delimiter, skips, buffer: b"\r\n".to_vec(), state: State::Data(None), parts: Vec::new() }
    }

    /// Takes the next piece of the body.
    pub(super) fn feed(&mut self, piece: &[u8]) {
        self.buffer.extend_from_slice(piece);
        while self.step() {}
    }

    /// The parts, or none when the body did not end as it should.
    pub(super) fn finish(self) -> Option<Vec<Part>> {
        matches!(self.state, State::Done).then_some(self.parts)
    }

    /// Goes one step on; `false` when more bytes are needed.
    fn step(&mut self) -> bool {
        match std::mem::replace(&mut self.state, State::Broken) {
            State::Data(sink) => self.data(sink),
            State::Behind => self.behind(),
            State::Head => self.head(),
            State::Done => {
                self.state = State::Done;
                self.buffer.clear();
                false
            }
            State::Broken => {
                self.buffer.clear();
                false
            }
        }
    }

    fn data(&mut self, mut sink: Option<Box<Sink>>) -> bool {
        let found = self.find_delimiter();
        let safe = found.unwrap_or_else(|| self.buffer.len().saturating_sub(self.delimiter.len() - 1));
        let piece = self.buffer.drain(..safe).collect::<Vec<_>>();
        if let Some(sink) = sink.as_mut() {
            sink.write(&piece);
        }
        if found.is_none() {
            self.state = State::Data(sink);
            return false;
        }
        self.buffer.drain(..self.delimiter.len());
        self.parts.extend(sink.map(|sink| sink.finish()));
        self.state = State::Behind;
        true
    }

    fn behind(&mut self) -> bool {
        if self.buffer.len() < 2 {
            self.state = State::Behind;
            return false;
        }
        let mark = self.buffer.drain(..2).collect::<Vec<_>>();
        self.state = match mark.as_slice() {
            b"--" => State::Done,
            b"\r\n" => State::Head,
            _ => State::Broken,
        };
        true
    }

    fn head(&mut self) -> bool {
        let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") else {
            self.state = if self.buffer.len() > HEAD_BYTES { State::Broken } else { State::Head };
            return false;
        };
        let head = self.buffer.drain(..end + 4).collect::<Vec<_>>();
        self.state = match Sink::for_head(&String::from_utf8_lossy(&head)) {
            Some(sink) => State::Data(Some(Box::new(sink))),
            None => State::Broken,
        };
        true
    }

    fn find_delimiter(&self) -> Option<usize> {
        let last = self.delimiter.len() - 1;
        let mut at = 0;
        while let Some(window) = self.buffer.get(at..at + self.delimiter.len()) {
            if window == self.delimiter {
                return Some(at);
            }
            at += window.get(last).and_then(|byte| self.skips.get(usize::from(*byte))).copied().unwrap_or(1);
        }
        None
    }
}
