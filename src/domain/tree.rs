//! A parsed value that keeps what a digest and a faithful rebuild need: key order and the source text of numbers.

use indexmap::IndexMap;
use serde_json::{Value, json};

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
            Self::Bool(true) => out.push_str("true"),
            Self::Bool(false) => out.push_str("false"),
            Self::Number(source) => out.push_str(source),
            Self::Text(text) => write_string(text, out),
            Self::List(list) => {
                out.push('[');
                for (i, child) in list.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    child.write_json(out);
                }
                out.push(']');
            }
            Self::Map(map) => {
                out.push('{');
                for (i, (key, child)) in map.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    write_string(key, out);
                    out.push(':');
                    child.write_json(out);
                }
                out.push('}');
            }
        }
    }

    /// The form that a digest covers: text NFC with LF line ends, numbers as `{"$n": "<source>"}`, keys that begin
    /// with `$` escaped by one more `$`, so that 60, "60" and an object that imitates either all differ.
    pub fn normal_form(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Number(source) => json!({ "$n": source }),
            Self::Text(text) => Value::String(normal_text(text)),
            Self::List(list) => list.iter().map(Self::normal_form).collect(),
            Self::Map(map) => Value::Object(
                map.iter()
                    .map(|(key, child)| {
                        let key = if key.starts_with('$') { format!("${key}") } else { key.clone() };
                        (key, child.normal_form())
                    })
                    .collect(),
            ),
        }
    }
}

/// A JSON string, escaped only where JSON asks for it.
fn write_string(text: &str, out: &mut String) {
    let needs_escape = |byte: u8| byte < 0x20 || matches!(byte, b'"' | b'\\');
    if text.bytes().any(needs_escape) {
        out.push_str(&Value::from(text).to_string());
    } else {
        out.push('"');
        out.push_str(text);
        out.push('"');
    }
}

/// Text as a digest sees it: NFC (never NFKC), line ends LF.
pub fn normal_text(text: &str) -> String {
    use unicode_normalization::{UnicodeNormalization, is_nfc};
    let text = match text.contains('\r') {
        true => text.replace("\r\n", "\n").replace('\r', "\n"),
        false => text.to_owned(),
    };
    // Nearly every text is NFC already, and seeing that costs less than composing it again.
    if is_nfc(&text) { text } else { text.nfc().collect() }
}
