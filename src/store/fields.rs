//! `Fields`: the members of an entry, each already in RFC 8785 form, in one buffer; written once, copied once.

use serde_json::Value;

use crate::domain::canonical::{write_list, write_text, write_value, write_whole};

/// Room for the members of most entries.
const MEMBERS: usize = 32;

/// Members of a JSON object. A name is used once.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    buffer: String,
    members: Vec<(&'static str, usize, usize)>,
}

impl Fields {
    /// None yet, with room for as many members and bytes as most entries have.
    pub fn with_room() -> Self {
        Self { buffer: String::with_capacity(1024), members: Vec::with_capacity(MEMBERS) }
    }

    /// A value that `write` writes in RFC 8785 form.
    pub fn member(&mut self, name: &'static str, write: impl FnOnce(&mut String)) {
        let start = self.buffer.len();
        write(&mut self.buffer);
        self.members.push((name, start, self.buffer.len()));
    }

    /// A string, cut to 256 bytes: an entry holds names and codes, never content.
    pub fn text(&mut self, name: &'static str, value: &str) {
        self.member(name, |out| write_text(cut(value, 256), out));
    }

    /// A string, if there is one.
    pub fn text_if(&mut self, name: &'static str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(name, value);
        }
    }

    /// Strings, if there is one.
    pub fn texts_if<'v>(&mut self, name: &'static str, values: impl IntoIterator<Item = &'v str>) {
        let mut values = values.into_iter().peekable();
        if values.peek().is_some() {
            self.member(name, |out| write_list(values, out, write_text));
        }
    }

    /// A whole number.
    pub fn number(&mut self, name: &'static str, value: u64) {
        self.member(name, |out| write_whole(value, out));
    }

    /// Any value that holds no fraction.
    pub fn value(&mut self, name: &'static str, value: &Value) {
        self.member(name, |out| write_value(value, out));
    }

    /// How many bytes the values take.
    pub fn len(&self) -> usize {
        self.buffer.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.members.iter().map(|(name, from, to)| (*name, self.buffer.get(*from..*to).unwrap_or_default()))
    }

    /// The RFC 8785 object of all `parts`: names sorted (they are ASCII, so bytes and UTF-16 sort alike).
    pub fn object(parts: &[&Self]) -> Vec<u8> {
        let mut members: Vec<(&str, &str)> = Vec::with_capacity(parts.iter().map(|part| part.members.len()).sum());
        let mut bytes = 2;
        for part in parts {
            bytes += part.buffer.len();
            members.extend(part.iter());
        }
        members.sort_unstable_by_key(|(name, _)| *name);
        bytes += members.iter().map(|(name, _)| name.len() + 4).sum::<usize>();
        let mut out = String::with_capacity(bytes);
        out.push('{');
        for (i, (name, value)) in members.into_iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            out.push('"');
            out.push_str(name);
            out.push_str("\":");
            out.push_str(value);
        }
        out.push('}');
        out.into_bytes()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::digest::canonical;
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
