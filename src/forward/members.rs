//! Members of an answer whose value is a credential, by their names, at any depth and also in JSON within a JSON text, as the
//! answers of a Graph batch are.

use bytes::{Bytes, BytesMut};

use super::scrub::MASK;

/// The names: OAuth 2.0 (RFC 6749 section 5.1), Graph, AT Protocol (`com.atproto.server.createSession`).
const NAMES: [&[u8]; 4] = [b"access_token", b"refresh_token", b"accessJwt", b"refreshJwt"];
/// Bytes of what went by that are remembered: the longest name with its quotation mark and the backslashes before it.
const REMEMBERED: usize = 32;

/// Passes an answer piece by piece; nothing but the values of those members is held back.
#[derive(Debug, Default)]
pub(super) struct Members {
    at: At,
    /// The end of what went by, without backslashes.
    tail: Vec<u8>,
    /// Backslashes that came last.
    escapes: usize,
}

/// Where the last byte stood.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    #[default]
    Elsewhere,
    /// After the quotation mark that ends a name.
    Named,
    /// After its colon.
    Awaited,
    /// Within the value, whose quotation mark had so many backslashes before it.
    Value(usize),
}

impl Members {
    /// The next piece, without the values.
    pub(super) fn pass(&mut self, piece: &[u8]) -> Bytes {
        let mut out = BytesMut::with_capacity(piece.len());
        for byte in piece {
            self.byte(*byte, &mut out);
        }
        out.freeze()
    }

    fn byte(&mut self, byte: u8, out: &mut BytesMut) {
        let escapes = self.escapes;
        self.escapes = if byte == b'\\' { escapes + 1 } else { 0 };
        if let At::Value(opened) = self.at {
            if byte == b'"' && escapes <= opened {
                out.extend_from_slice(&b"\\".repeat(escapes));
                out.extend_from_slice(b"\"");
                self.at = At::Elsewhere;
                self.tail.clear();
            }
            return;
        }
        out.extend_from_slice(&[byte]);
        self.at = match (self.at, byte) {
            (at, b'\\') => at,
            (At::Named | At::Awaited, b' ' | b'\t' | b'\r' | b'\n') => self.at,
            (At::Named, b':') => At::Awaited,
            (At::Awaited, b'"') => {
                out.extend_from_slice(MASK);
                At::Value(escapes)
            }
            (_, b'"') if self.ends_a_name() => At::Named,
            _ => At::Elsewhere,
        };
        if byte != b'\\' {
            if self.tail.len() == REMEMBERED {
                self.tail.remove(0);
            }
            self.tail.push(byte);
        }
    }

    fn ends_a_name(&self) -> bool {
        NAMES.iter().any(|name| self.tail.strip_suffix(*name).is_some_and(|before| before.last() == Some(&b'"')))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_that_is_handed_out_does_not_pass_at_any_depth_or_in_any_pieces() {
        let cases = [
            (r#"{"access_token":"EAAB1","id":"1"}"#, r#"{"access_token":"sekisho-hidden","id":"1"}"#),
            ("{\"accessJwt\" :\n \"e.y.J\"}", "{\"accessJwt\" :\n \"sekisho-hidden\"}"),
            (r#"[{"a":{"refresh_token":"x\/y\"z"}}]"#, r#"[{"a":{"refresh_token":"sekisho-hidden"}}]"#),
            (
                r#"[{"code":200,"body":"{\"access_token\":\"EA\\\/AB\",\"id\":\"1\"}"}]"#,
                r#"[{"code":200,"body":"{\"access_token\":\"sekisho-hidden\",\"id\":\"1\"}"}]"#,
            ),
            (r#"{"refreshJwt":null,"text":"access_token"}"#, r#"{"refreshJwt":null,"text":"access_token"}"#),
            (r#"{"my_access_token":"a","access_tokens":"b"}"#, r#"{"my_access_token":"a","access_tokens":"b"}"#),
            (r#"{"text":"\"access_token\""}"#, r#"{"text":"\"access_token\""}"#),
            (r#"{"access_token":"never ends"#, r#"{"access_token":"sekisho-hidden"#),
        ];
        for (given, told) in cases {
            for size in [1, 2, 3, 7, 200] {
                let mut members = Members::default();
                let passed: Vec<u8> = given.as_bytes().chunks(size).flat_map(|piece| members.pass(piece)).collect();
                assert_eq!(String::from_utf8(passed).unwrap(), told, "{size}");
            }
        }
    }
}
