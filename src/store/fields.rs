//! `Fields`: the members of an entry, each already in RFC 8785 form, in one buffer; written once, copied once.

use serde_json::Value;

use crate::domain::digest::canonical;

/// Members of a JSON object. A name is used once.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    buffer: Vec<u8>,
    members: Vec<(&'static str, usize, usize)>,
}

impl Fields {
    fn end(&mut self, name: &'static str, start: usize) {
        self.members.push((name, start, self.buffer.len()));
    }

    /// A string, cut to 256 bytes: an entry holds names and codes, never content.
    pub fn text(&mut self, name: &'static str, value: &str) {
        let start = self.buffer.len();
        write_text(&mut self.buffer, cut(value, 256));
        self.end(name, start);
    }

    /// A string, if there is one.
    pub fn text_if(&mut self, name: &'static str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(name, value);
        }
    }

    /// A whole number.
    pub fn number(&mut self, name: &'static str, value: u64) {
        let start = self.buffer.len();
        self.buffer.extend_from_slice(value.to_string().as_bytes());
        self.end(name, start);
    }

    /// Any value that holds no fraction.
    pub fn value(&mut self, name: &'static str, value: &Value) {
        let start = self.buffer.len();
        self.buffer.extend_from_slice(&canonical(value));
        self.end(name, start);
    }

    /// How many bytes the values take.
    pub fn len(&self) -> usize {
        self.buffer.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    fn iter(&self) -> impl Iterator<Item = (&'static str, &[u8])> {
        self.members.iter().map(|(name, from, to)| (*name, self.buffer.get(*from..*to).unwrap_or_default()))
    }

    /// The RFC 8785 object of all `parts`: names sorted (they are ASCII, so bytes and UTF-16 sort alike).
    pub fn object(parts: &[&Self]) -> Vec<u8> {
        let mut members: Vec<(&str, &[u8])> = parts.iter().flat_map(|part| part.iter()).collect();
        members.sort_unstable_by_key(|(name, _)| *name);
        let bytes: usize = members.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
        let mut out = Vec::with_capacity(bytes + 2);
        out.push(b'{');
        for (i, (name, value)) in members.into_iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            out.push(b'"');
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b"\":");
            out.extend_from_slice(value);
        }
        out.push(b'}');
        out
    }
}

/// `text` cut to at most `bytes`, between characters.
pub fn cut(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// A JSON string as RFC 8785 wants it; serde_json escapes in the same way.
fn write_text(out: &mut Vec<u8>, text: &str) {
    // Writing a string into memory cannot fail; `null` would still be valid JSON.
    if serde_json::to_writer(&mut *out, text).is_err() {
        out.extend_from_slice(b"null");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_object_of_parts_is_in_canonical_form() {
        let mut first = Fields::default();
        first.text("rule", "改行\n\u{1}\"\\/\u{7f}");
        first.number("index", 7);
        let mut second = Fields::default();
        second.value("clauses", &json!(["nerima:11", {"b": 1, "a": [true, null]}]));
        second.text_if("absent", None);
        second.text("at", "x");
        let object = Fields::object(&[&first, &second]);
        let parsed: Value = serde_json::from_slice(&object).unwrap();
        assert_eq!(parsed.as_object().unwrap().len(), 4);
        assert_eq!(object, canonical(&parsed));
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(cut("ああ", 4), "あ");
        assert_eq!(cut("ab", 4), "ab");
    }
}
