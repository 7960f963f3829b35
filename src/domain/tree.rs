//! A parsed value that keeps what a digest and a faithful rebuild need: key order and the source text of numbers.

use std::borrow::Cow;

use indexmap::IndexMap;

use super::canonical::{write_bool, write_list, write_object, write_text};

/// A JSON-like value. A map has each key once; the parser refuses repeats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tree {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number by its source text: `60`, `1e3`.
    Number(String),
    /// A string, as received.
    Text(String),
    /// An array.
    List(Vec<Tree>),
    /// An object, in the order received.
    Map(IndexMap<String, Tree>),
}

impl Tree {
    /// The string, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::List(_) | Self::Map(_) => None,
        }
    }

    /// The member of that name, if this is a map that has it.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Map(map) => map.get(key),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) | Self::List(_) => None,
        }
    }

    /// Calls `visit` with the JSON Pointer and the text of every string in the tree, map keys excepted.
    pub fn each_text<'t>(&'t self, at: &str, visit: &mut dyn FnMut(String, &'t str)) {
        match self {
            Self::Text(text) => visit(at.to_owned(), text),
            Self::List(list) => {
                for (i, child) in list.iter().enumerate() {
                    child.each_text(&format!("{at}/{i}"), visit);
                }
            }
            Self::Map(map) => {
                for (key, child) in map {
                    let key = key.replace('~', "~0").replace('/', "~1");
                    child.each_text(&format!("{at}/{key}"), visit);
                }
            }
            Self::Null | Self::Bool(_) | Self::Number(_) => {}
        }
    }

    /// The JSON text that leaves: key order and numbers as received, strings escaped by the gateway.
    pub fn write_json(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(value) => write_bool(*value, out),
            Self::Number(source) => out.push_str(source),
            Self::Text(text) => write_text(text, out),
            Self::List(list) => write_list(list, out, Self::write_json),
            Self::Map(map) => {
                out.push('{');
                for (i, (key, child)) in map.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    write_text(key, out);
                    out.push(':');
                    child.write_json(out);
                }
                out.push('}');
            }
        }
    }

    /// Writes the form that a digest covers, as RFC 8785 wants it: text NFC with LF line ends, numbers as
    /// `{"$n": "<source>"}`, keys that begin with `$` escaped by one more `$`, so that 60, "60" and an object that
    /// imitates either all differ.
    pub fn write_normal(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(value) => write_bool(*value, out),
            Self::Number(source) => {
                out.push_str("{\"$n\":");
                write_text(source, out);
                out.push('}');
            }
            Self::Text(text) => write_text(&normal_text(text), out),
            Self::List(list) => write_list(list, out, Self::write_normal),
            Self::Map(map) => {
                write_object(map.iter().map(|(key, child)| (normal_key(key), child)), out, Self::write_normal)
            }
        }
    }
}

fn normal_key(key: &str) -> Cow<'_, str> {
    if key.starts_with('$') { Cow::Owned(format!("${key}")) } else { Cow::Borrowed(key) }
}

/// Text as a digest sees it: NFC (never NFKC), line ends LF.
pub fn normal_text(text: &str) -> Cow<'_, str> {
    use unicode_normalization::{UnicodeNormalization, is_nfc};
    let text = match text.contains('\r') {
        true => Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n")),
        false => Cow::Borrowed(text),
    };
    // Nearly every text is NFC already, and seeing that costs less than composing it again.
    if text.chars().all(is_settled) || is_nfc(&text) { text } else { Cow::Owned(text.nfc().collect()) }
}

/// Whether a character is one of those of which most text consists, that NFC never changes (UAX #15: `NFC_QC=Yes`,
/// combining class 0), whatever of them stands beside it.
fn is_settled(c: char) -> bool {
    matches!(c,
        '\u{3000}'..='\u{3029}' | '\u{3030}'..='\u{3098}' | '\u{309b}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}'
        | '\0'..='\u{2ff}' | '\u{ff01}'..='\u{ff9f}' | '\u{2002}'..='\u{20cf}'
        | '\u{1f000}'..='\u{1faff}' | '\u{fe0f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_settled_character_is_one_that_nfc_leaves_alone_beside_any_other() {
        use unicode_normalization::{IsNormalized, char::canonical_combining_class, is_nfc_quick};
        let settled: Vec<char> = ('\0'..=char::MAX).filter(|c| is_settled(*c)).collect();
        assert!(settled.len() > 29_000, "{}", settled.len());
        for c in settled {
            assert!(is_nfc_quick(std::iter::once(c)) == IsNormalized::Yes, "{}", u32::from(c));
            assert_eq!(canonical_combining_class(c), 0, "{}", u32::from(c));
        }
    }
}
