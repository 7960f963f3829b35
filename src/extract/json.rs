//! A strict JSON reader (RFC 8259, within I-JSON of RFC 7493) that makes a [`Tree`].
//!
//! A general reader is lenient where a second reader may differ: repeated keys, lone surrogates, a byte order mark,
//! bytes after the value. Here each of them is an error with a name, and numbers keep their source text.

use indexmap::IndexMap;
use indexmap::map::Entry;

use crate::domain::canonical::plain_len;
use crate::domain::tree::Tree;
use crate::recognise::definition::{Pointer, PointerStep};

/// Why bytes are no JSON that every reader takes alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadJson {
    /// Not UTF-8, or a byte order mark.
    NotUtf8,
    /// Not JSON.
    Syntax,
    /// The same key twice in one object.
    RepeatedKey,
    /// Half of a surrogate pair.
    LoneSurrogate,
    /// A control character other than line feed, carriage return and tab in a string.
    Control,
    /// Nested deeper than allowed.
    Depth,
    /// Something after the value.
    Trailing,
    /// More values than any described request has.
    TooMany,
}

impl BadJson {
    /// The stable code of the refusal.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotUtf8 => "json-encoding",
            Self::Syntax => "json-syntax",
            Self::RepeatedKey => "json-repeated-key",
            Self::LoneSurrogate => "json-surrogate",
            Self::Control => "json-control",
            Self::Depth => "json-depth",
            Self::Trailing => "json-trailing",
            Self::TooMany => "json-too-many",
        }
    }
}

/// Values in one body: a small number in JSON takes fifty times its length as a value, and each is looked at.
const VALUES: usize = 20_000;

/// Reads one JSON value, nested at most `depth` deep (a scalar is depth 0).
///
/// # Errors
/// The first thing found that another reader could take differently.
pub fn parse(bytes: &[u8], depth: usize) -> Result<Tree, BadJson> {
    let text = std::str::from_utf8(bytes).map_err(|_| BadJson::NotUtf8)?;
    if text.starts_with('\u{feff}') {
        return Err(BadJson::NotUtf8);
    }
    let mut reader = Reader { text, at: 0, left: VALUES };
    let tree = reader.value(depth)?;
    reader.space();
    if reader.at == text.len() { Ok(tree) } else { Err(BadJson::Trailing) }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    left: usize,
}

impl<'t> Reader<'t> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn next(&mut self) -> Result<u8, BadJson> {
        let byte = self.peek().ok_or(BadJson::Syntax)?;
        self.at += 1;
        Ok(byte)
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Takes `byte` after white space, if it is next.
    fn eat(&mut self, byte: u8) -> bool {
        self.space();
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn value(&mut self, depth: usize) -> Result<Tree, BadJson> {
        self.left = self.left.checked_sub(1).ok_or(BadJson::TooMany)?;
        self.space();
        match self.peek().ok_or(BadJson::Syntax)? {
            b'{' => self.object(depth.checked_sub(1).ok_or(BadJson::Depth)?),
            b'[' => self.array(depth.checked_sub(1).ok_or(BadJson::Depth)?),
            b'"' => self.string().map(Tree::Text),
            b't' => self.word("true", Tree::Bool(true)),
            b'f' => self.word("false", Tree::Bool(false)),
            b'n' => self.word("null", Tree::Null),
            _ => self.number(),
        }
    }

    fn word(&mut self, word: &str, tree: Tree) -> Result<Tree, BadJson> {
        if !self.rest().starts_with(word) {
            return Err(BadJson::Syntax);
        }
        self.at += word.len();
        Ok(tree)
    }

    fn object(&mut self, depth: usize) -> Result<Tree, BadJson> {
        self.at += 1;
        let mut map = IndexMap::new();
        if self.eat(b'}') {
            return Ok(Tree::Map(map));
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err(BadJson::Syntax);
            }
            let key = self.string()?;
            if !self.eat(b':') {
                return Err(BadJson::Syntax);
            }
            let value = self.value(depth)?;
            match map.entry(key) {
                Entry::Occupied(_) => return Err(BadJson::RepeatedKey),
                Entry::Vacant(vacant) => vacant.insert(value),
            };
            if self.eat(b'}') {
                return Ok(Tree::Map(map));
            }
            if !self.eat(b',') {
                return Err(BadJson::Syntax);
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Tree, BadJson> {
        self.at += 1;
        let mut list = Vec::new();
        if self.eat(b']') {
            return Ok(Tree::List(list));
        }
        loop {
            list.push(self.value(depth)?);
            if self.eat(b']') {
                return Ok(Tree::List(list));
            }
            if !self.eat(b',') {
                return Err(BadJson::Syntax);
            }
        }
    }

    fn digits(&mut self) -> Result<(), BadJson> {
        let from = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == from { Err(BadJson::Syntax) } else { Ok(()) }
    }

    fn number(&mut self) -> Result<Tree, BadJson> {
        let from = self.at;
        self.at += usize::from(self.peek() == Some(b'-'));
        match self.peek() {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            self.digits()?;
        }
        self.text.get(from..self.at).map(|source| Tree::Number(source.to_owned())).ok_or(BadJson::Syntax)
    }

    fn string(&mut self) -> Result<String, BadJson> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = self.rest();
            let stop = plain_len(rest);
            out.push_str(rest.get(..stop).ok_or(BadJson::Syntax)?);
            self.at += stop;
            match self.next()? {
                b'"' => return Ok(out),
                b'\\' => out.push(self.escape()?),
                // RFC 8259 asks for every control character to be escaped, line ends too.
                _ => return Err(BadJson::Control),
            }
        }
    }

    fn escape(&mut self) -> Result<char, BadJson> {
        match self.next()? {
            b'"' => Ok('"'),
            b'\\' => Ok('\\'),
            b'/' => Ok('/'),
            b'n' => Ok('\n'),
            b'r' => Ok('\r'),
            b't' => Ok('\t'),
            b'b' | b'f' => Err(BadJson::Control),
            b'u' => self.code_point(),
            _ => Err(BadJson::Syntax),
        }
    }

    fn code_point(&mut self) -> Result<char, BadJson> {
        let first = self.hex4()?;
        let code = match first {
            0xd800..=0xdbff => {
                if !self.rest().starts_with("\\u") {
                    return Err(BadJson::LoneSurrogate);
                }
                self.at += 2;
                let second = self.hex4()?;
                if !(0xdc00..=0xdfff).contains(&second) {
                    return Err(BadJson::LoneSurrogate);
                }
                0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
            }
            _ => first,
        };
        let c = char::from_u32(code).ok_or(BadJson::LoneSurrogate)?;
        if c < ' ' && !matches!(c, '\n' | '\r' | '\t') { Err(BadJson::Control) } else { Ok(c) }
    }

    fn hex4(&mut self) -> Result<u32, BadJson> {
        (0..4).try_fold(0, |code, _| {
            let digit = char::from(self.next()?).to_digit(16).ok_or(BadJson::Syntax)?;
            Ok(code * 16 + digit)
        })
    }
}

/// The value at a pointer without `*` and `{}`.
pub fn get<'t>(tree: &'t Tree, pointer: &Pointer) -> Option<&'t Tree> {
    pointer.steps.iter().try_fold(tree, |tree, step| match step {
        PointerStep::Key(key) => tree.get(key),
        PointerStep::Each | PointerStep::Member | PointerStep::Below => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_readers_could_take_differently_is_refused() {
        let deep = format!("{}{}", "[".repeat(33), "]".repeat(33));
        let cases: [(&[u8], BadJson); 24] = [
            (b"{\"a\":1,\"a\":2}", BadJson::RepeatedKey),
            (b"{\"x\":{\"a\":1,\"\\u0061\":2}}", BadJson::RepeatedKey),
            (b"[{\"a\":[{\"b\":1,\"b\":1}]}]", BadJson::RepeatedKey),
            (b"\"\\ud83d\"", BadJson::LoneSurrogate),
            (b"\"\\ude00\"", BadJson::LoneSurrogate),
            (b"\"\\ud83d\\u0041\"", BadJson::LoneSurrogate),
            (b"{} {}", BadJson::Trailing),
            (b"{}\0", BadJson::Trailing),
            (b"1 // note", BadJson::Trailing),
            (b"\xef\xbb\xbf{}", BadJson::NotUtf8),
            (b"\"\xff\"", BadJson::NotUtf8),
            (b"\"\xed\xa0\x80\"", BadJson::NotUtf8),
            (b"\"\xc0\xaf\"", BadJson::NotUtf8),
            (b"{\0}", BadJson::Syntax),
            (b"\"\\u0000\"", BadJson::Control),
            (b"\"a\x01\"", BadJson::Control),
            (b"\"\\b\"", BadJson::Control),
            (b"\"a\nb\"", BadJson::Control),
            (b"{\"a\":01}", BadJson::Syntax),
            (b"[1,]", BadJson::Syntax),
            (b"{'a':1}", BadJson::Syntax),
            (b"NaN", BadJson::Syntax),
            (b"", BadJson::Syntax),
            (deep.as_bytes(), BadJson::Depth),
        ];
        for (bytes, bad) in cases {
            assert_eq!(parse(bytes, 32), Err(bad), "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn good_json_is_read_as_a_general_reader_reads_it_and_written_back_the_same() {
        let cases = [
            r#"{"text":"避難所\n開設 \u3042\ud83d\ude00 \"q\" \\ \/","n":[1,-0.5,1e3,true,false,null,[],{}]}"#,
            " { \"a\" : [ 1 , 2 ] }\r\n\t",
            "\"\\r\\n\\t\u{7f}\u{2028}\"",
            "12345678901234567890123",
        ];
        for text in cases {
            let tree = parse(text.as_bytes(), 32).unwrap();
            let mut out = String::new();
            tree.write_json(&mut out);
            assert_eq!(parse(out.as_bytes(), 32).unwrap(), tree, "{text}");
            if !text.starts_with("123") {
                let general: serde_json::Value = serde_json::from_str(text).unwrap();
                assert_eq!(serde_json::from_str::<serde_json::Value>(&out).unwrap(), general, "{text}");
            }
        }
        assert_eq!(parse(b"1.0", 0).unwrap(), Tree::Number("1.0".to_owned()));
        let deepest = format!("{}{}", "[".repeat(32), "]".repeat(32));
        assert!(parse(deepest.as_bytes(), 32).is_ok());
    }
}
