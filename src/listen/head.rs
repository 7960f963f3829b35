//! The raw-byte guard's grammar: HTTP/1 heads and body framing, checked before hyper sees them.
//!
//! hyper is lenient and hides it: it drops a Content-Length beside a Transfer-Encoding, collapses equal lengths, takes
//! bare LF, two Hosts, `01` and chunk extensions. [`Scanner`] is a synchronous machine over the bytes of one
//! connection: head, body by length or in chunks, next head. It says how many bytes are clean; the first byte that
//! breaks a rule and everything after it never count as clean, so a body with broken framing can't be complete.
//!
//! # Failure rule
//!
//! A violation is final for the connection: framing that was wrong once can't be trusted to be found again.

use super::authority;
use crate::config::listen::Limits;

#[cfg(test)]
mod tests;

/// A rule of HTTP/1 that was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request breaks the rule {code}")]
pub struct Violation {
    /// Stable kebab-case code of the rule.
    pub code: &'static str,
    /// The HTTP status that answers it: 400, 408 (time), 431 (size).
    pub status: u16,
}

impl Violation {
    /// A malformed request.
    pub fn bad(code: &'static str) -> Self {
        Self { code, status: 400 }
    }

    /// Something that is too large.
    pub fn large(code: &'static str) -> Self {
        Self { code, status: 431 }
    }

    /// Something that took too long.
    pub fn late(code: &'static str) -> Self {
        Self { code, status: 408 }
    }
}

/// What a scan concludes of the bytes it was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// How many bytes, from the front, are whole checked heads or checked body bytes.
    pub clean: usize,
    /// The rule that the bytes after them break.
    pub violation: Option<Violation>,
}

/// The machine over one connection's bytes.
#[derive(Debug)]
pub struct Scanner {
    limits: Limits,
    may_connect: bool,
    state: State,
    heads: u64,
}

#[derive(Debug)]
enum State {
    Head(Head),
    Length(u64),
    Chunks(Chunk),
    Tunnel,
    Broken { violation: Violation, in_body: bool },
}

impl Scanner {
    /// A machine that awaits a first head; `may_connect` says whether that one may be a CONNECT.
    pub fn new(limits: Limits, may_connect: bool) -> Self {
        Self { limits, may_connect, state: State::Head(Head::default()), heads: 0 }
    }

    /// Scans `bytes`, which begin where the last clean byte ended; a head that isn't whole is shown again, longer.
    pub fn scan(&mut self, bytes: &[u8]) -> Step {
        let mut clean = 0;
        loop {
            let rest = bytes.get(clean..).unwrap_or_default();
            if rest.is_empty() {
                return Step { clean, violation: None };
            }
            let next = match &mut self.state {
                State::Head(head) => match head.feed(rest, &self.limits, self.may_connect) {
                    Ok(Some((length, next))) => {
                        clean += length;
                        self.heads += 1;
                        self.may_connect = false;
                        next
                    }
                    Ok(None) => return Step { clean, violation: None },
                    Err(violation) => State::Broken { violation, in_body: false },
                },
                State::Length(left) => {
                    let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
                    clean += taken;
                    *left -= taken as u64;
                    if *left > 0 {
                        return Step { clean, violation: None };
                    }
                    State::Head(Head::default())
                }
                State::Chunks(chunk) => {
                    let (taken, end) = chunk.feed(rest);
                    clean += taken;
                    match end {
                        Ok(true) => State::Head(Head::default()),
                        Ok(false) => return Step { clean, violation: None },
                        Err(violation) => State::Broken { violation, in_body: true },
                    }
                }
                State::Tunnel => return Step { clean, violation: None },
                State::Broken { violation, .. } => return Step { clean, violation: Some(*violation) },
            };
            self.state = next;
        }
    }

    /// How many heads were whole and clean so far.
    pub fn heads(&self) -> u64 {
        self.heads
    }

    /// Whether a rule was broken within a body, after its head was clean.
    pub fn broke_in_body(&self) -> bool {
        matches!(self.state, State::Broken { in_body: true, .. })
    }

    /// Whether the next byte belongs to a head.
    pub fn in_head(&self) -> bool {
        matches!(self.state, State::Head(_))
    }
}

/// A head on its way in, with what its lines said so far.
#[derive(Debug, Default)]
struct Head {
    line_start: usize,
    scanned: usize,
    request_line: bool,
    facts: Facts,
}

#[derive(Debug, Default)]
struct Facts {
    connect: bool,
    /// The longest body that the method may bring; none: as the limits say.
    most: Option<u64>,
    old: bool,
    fields: usize,
    host: bool,
    length: Option<u64>,
    chunked: bool,
    content_type: bool,
    expect: bool,
    authorization: bool,
    proxy_authorization: bool,
}

impl Head {
    /// Reads the lines that are whole. The limit is on the head alone, however many bytes came with it.
    fn feed(&mut self, bytes: &[u8], limits: &Limits, may_connect: bool) -> Result<Option<(usize, State)>, Violation> {
        let window = bytes.get(..limits.head_bytes).unwrap_or(bytes);
        while let Some(at) = window.get(self.scanned..).and_then(|new| new.iter().position(|byte| *byte == b'\n')) {
            let end = self.scanned + at;
            let line = window.get(self.line_start..end).unwrap_or_default();
            self.scanned = end + 1;
            self.line_start = self.scanned;
            let line = whole_line(line)?;
            if !self.request_line {
                self.request_line = true;
                request_line(line, limits, may_connect, &mut self.facts)?;
            } else if line.is_empty() {
                return Ok(Some((self.scanned, self.facts.body()?)));
            } else {
                self.facts.fields += 1;
                if self.facts.fields > limits.head_fields {
                    return Err(Violation::large("too-many-fields"));
                }
                field_line(line, &mut self.facts)?;
            }
        }
        self.scanned = window.len();
        if bytes.len() > limits.head_bytes {
            return Err(Violation::large("head-too-large"));
        }
        Ok(None)
    }
}

/// The longest body that a method may bring, in bytes; none: as the limits say. An empty JSON object (`{}`) comes with every
/// GET and DELETE of axios under facebook-nodejs-business-sdk; two bytes are no request that anybody could smuggle.
pub fn most_body(method: &[u8]) -> Option<u64> {
    match method {
        b"GET" | b"DELETE" => Some(2),
        b"HEAD" | b"CONNECT" => Some(0),
        _ => None,
    }
}

impl Facts {
    /// What follows the head (RFC 9112 section 6.3, its strict half).
    fn body(&self) -> Result<State, Violation> {
        // HTTP/1.0 knows no Host, and Python up to 3.11 asks for its tunnels that way. CONNECT names its host in the
        // target, and inside the tunnel every request has to name it again.
        let host_may_lack = self.old && self.connect;
        if !self.host && !host_may_lack {
            return Err(Violation::bad("missing-host"));
        }
        if self.most.is_some_and(|most| self.chunked || self.length.is_some_and(|length| length > most)) {
            return Err(Violation::bad("body-not-expected"));
        }
        Ok(if self.connect {
            State::Tunnel
        } else if self.chunked {
            State::Chunks(Chunk::default())
        } else if let Some(length) = self.length.filter(|length| *length > 0) {
            State::Length(length)
        } else {
            State::Head(Head::default())
        })
    }

    /// Notes one known field; `name` is compared without case.
    fn note(&mut self, name: &[u8], value: &[u8]) -> Result<(), Violation> {
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        if is("host") {
            once(&mut self.host, "duplicate-host")?;
            if value.is_empty() {
                return Err(Violation::bad("empty-host"));
            }
            return if authority::is_host_field(value) { Ok(()) } else { Err(Violation::bad("bad-host")) };
        }
        if is("content-length") {
            if self.chunked {
                return Err(Violation::bad("length-and-encoding"));
            }
            if self.length.is_some() {
                return Err(Violation::bad("duplicate-content-length"));
            }
            self.length = Some(length(value).ok_or(Violation::bad("bad-content-length"))?);
            return Ok(());
        }
        if is("transfer-encoding") {
            return self.transfer_encoding(value);
        }
        if is("expect") {
            once(&mut self.expect, "bad-expect")?;
            let known = value.eq_ignore_ascii_case(b"100-continue") && !self.old;
            return if known { Ok(()) } else { Err(Violation::bad("bad-expect")) };
        }
        if is("content-type") {
            return once(&mut self.content_type, "duplicate-content-type");
        }
        if is("authorization") {
            return once(&mut self.authorization, "duplicate-authorization");
        }
        if is("proxy-authorization") {
            return once(&mut self.proxy_authorization, "duplicate-authorization");
        }
        if is("upgrade") || is("http2-settings") || (is("connection") && names_upgrade(value)) {
            return Err(Violation::bad("upgrade-not-allowed"));
        }
        if is("trailer") {
            return Err(Violation::bad("trailers-not-allowed"));
        }
        Ok(())
    }

    fn transfer_encoding(&mut self, value: &[u8]) -> Result<(), Violation> {
        if self.length.is_some() {
            return Err(Violation::bad("length-and-encoding"));
        }
        if self.old {
            return Err(Violation::bad("encoding-in-http10"));
        }
        if !value.eq_ignore_ascii_case(b"chunked") {
            return Err(Violation::bad("bad-transfer-encoding"));
        }
        once(&mut self.chunked, "duplicate-transfer-encoding")
    }
}

fn once(seen: &mut bool, code: &'static str) -> Result<(), Violation> {
    if std::mem::replace(seen, true) { Err(Violation::bad(code)) } else { Ok(()) }
}

/// The line without its CR; every other CR, LF alone and NUL are refused.
fn whole_line(line: &[u8]) -> Result<&[u8], Violation> {
    let Some((b'\r', line)) = line.split_last() else {
        return Err(Violation::bad("bare-lf"));
    };
    if line.contains(&b'\r') {
        return Err(Violation::bad("bare-cr"));
    }
    if line.contains(&0) {
        return Err(Violation::bad("nul-byte"));
    }
    Ok(line)
}

fn request_line(line: &[u8], limits: &Limits, may_connect: bool, facts: &mut Facts) -> Result<(), Violation> {
    let mut words = line.split(|byte| *byte == b' ');
    let (Some(method), Some(target), Some(version), None) = (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(Violation::bad("bad-request-line"));
    };
    if method.is_empty() || !method.iter().all(|byte| is_token(*byte)) || target.is_empty() {
        return Err(Violation::bad("bad-request-line"));
    }
    facts.old = match version {
        b"HTTP/1.1" => false,
        b"HTTP/1.0" => true,
        _ => return Err(Violation::bad("bad-version")),
    };
    if target.len() > limits.target_bytes {
        return Err(Violation::large("target-too-long"));
    }
    facts.connect = method == b"CONNECT";
    facts.most = most_body(method);
    if facts.connect && !may_connect {
        return Err(Violation::bad("connect-not-here"));
    }
    let fits = if facts.connect {
        target.iter().all(u8::is_ascii_graphic)
    } else if target == b"*" {
        method == b"OPTIONS"
    } else {
        authority::is_target(target)
    };
    if fits { Ok(()) } else { Err(Violation::bad("bad-target")) }
}

fn field_line(line: &[u8], facts: &mut Facts) -> Result<(), Violation> {
    if matches!(line.first(), Some(b' ' | b'\t')) {
        return Err(Violation::bad("obs-fold"));
    }
    let Some(colon) = line.iter().position(|byte| *byte == b':') else {
        return Err(Violation::bad("bad-field-line"));
    };
    let (name, value) = line.split_at(colon);
    if name.is_empty() {
        return Err(Violation::bad("empty-field-name"));
    }
    if matches!(name.last(), Some(b' ' | b'\t')) {
        return Err(Violation::bad("space-before-colon"));
    }
    if !name.iter().all(|byte| is_token(*byte)) {
        return Err(Violation::bad("bad-field-name"));
    }
    let value = value.get(1..).unwrap_or_default();
    if value.iter().any(|byte| (*byte < 0x20 && *byte != b'\t') || *byte == 0x7f) {
        return Err(Violation::bad("control-byte"));
    }
    facts.note(name, trim(value))
}

/// `tchar` of RFC 9110 section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
        )
}

/// `value` without the spaces and tabs around it; no other white space counts.
fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

fn names_upgrade(value: &[u8]) -> bool {
    value
        .split(|byte| *byte == b',')
        .map(trim)
        .any(|option| option.eq_ignore_ascii_case(b"upgrade") || option.eq_ignore_ascii_case(b"http2-settings"))
}

/// `0` or digits without a leading zero, at most 2^63 - 1.
pub(super) fn length(value: &[u8]) -> Option<u64> {
    let plain = match value {
        b"0" => true,
        [first, rest @ ..] => matches!(first, b'1'..=b'9') && rest.iter().all(u8::is_ascii_digit),
        [] => false,
    };
    let text = std::str::from_utf8(value).ok().filter(|_| plain)?;
    text.parse::<u64>().ok().filter(|length| i64::try_from(*length).is_ok())
}

/// Where in a chunked body the next byte stands (RFC 9112 section 7.1, without extensions and trailers).
#[derive(Clone, Copy, Debug)]
enum Chunk {
    Size { digits: u8, size: u64 },
    SizeEnd { size: u64 },
    Data { left: u64 },
    DataCr,
    DataLf,
    LastCr,
    LastLf,
}

impl Default for Chunk {
    fn default() -> Self {
        Self::Size { digits: 0, size: 0 }
    }
}

impl Chunk {
    /// How many bytes are clean, and whether the body ends with them.
    fn feed(&mut self, bytes: &[u8]) -> (usize, Result<bool, Violation>) {
        let mut taken = 0;
        while let Some(byte) = bytes.get(taken) {
            if let Self::Data { left } = self {
                let step = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len() - taken);
                taken += step;
                *left -= step as u64;
                if *left == 0 {
                    *self = Self::DataCr;
                }
                continue;
            }
            let ends = matches!(self, Self::LastLf);
            *self = match self.next(*byte) {
                Ok(next) => next,
                Err(violation) => return (taken, Err(violation)),
            };
            taken += 1;
            if ends {
                return (taken, Ok(true));
            }
        }
        (taken, Ok(false))
    }

    fn next(self, byte: u8) -> Result<Self, Violation> {
        match (self, byte) {
            (Self::Size { digits: 1..=16, size }, b'\r') => Ok(Self::SizeEnd { size }),
            (Self::Size { digits: 1.., .. }, b';') => Err(Violation::bad("chunk-extension")),
            (Self::Size { digits: digits @ 0..=15, size }, digit) if digit.is_ascii_hexdigit() => {
                let value = char::from(digit).to_digit(16).map_or(0, u64::from);
                // Sixteen digits can't overflow 64 bits; lengths past 63 bits are nobody's.
                let size = (size << 4) | value;
                if i64::try_from(size).is_err() {
                    return Err(Violation::bad("bad-chunk-size"));
                }
                Ok(Self::Size { digits: digits + 1, size })
            }
            (Self::SizeEnd { size: 0 }, b'\n') => Ok(Self::LastCr),
            (Self::SizeEnd { size }, b'\n') => Ok(Self::Data { left: size }),
            (Self::DataCr, b'\r') => Ok(Self::DataLf),
            (Self::DataLf, b'\n') => Ok(Self::default()),
            (Self::LastCr, b'\r') => Ok(Self::LastLf),
            (Self::LastLf, b'\n') => Ok(Self::default()),
            (Self::LastCr, b'\n') => Err(Violation::bad("bad-chunk-end")),
            (Self::LastCr, _) => Err(Violation::bad("trailers-not-allowed")),
            (Self::DataCr | Self::DataLf | Self::LastLf, _) => Err(Violation::bad("bad-chunk-end")),
            (Self::Size { .. } | Self::SizeEnd { .. } | Self::Data { .. }, _) => Err(Violation::bad("bad-chunk-size")),
        }
    }
}
