//! RFC 8785, the one way to write a JSON value: straight into text, with no value in between.
//!
//! Digests and entries are hashes of this form, so that it is written for every post. `serde_json_canonicalizer` writes
//! the numbers that are rare here, and is what the tests hold this writer against.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde_json::{Number, Value};

/// Bytes that are looked at together.
const STEP: usize = 32;

/// The largest whole number up to which a double is exact, so that RFC 8785 writes its digits.
const EXACT: u64 = 1 << 53;

/// How many bytes at the beginning of `text` stand in a JSON string as they are.
pub fn plain_len(text: &str) -> usize {
    let special = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\';
    let bytes = text.as_bytes();
    let (steps, _) = bytes.as_chunks::<STEP>();
    // A step is looked at to its end, which lets the compiler compare all its bytes at once.
    let is_plain = |step: &&[u8; STEP]| !step.iter().fold(false, |found, byte| found | special(*byte));
    let plain = steps.iter().take_while(is_plain).count() * STEP;
    let further = bytes.get(plain..).unwrap_or_default();
    plain + further.iter().position(|byte| special(*byte)).unwrap_or(further.len())
}

/// Writes a string (RFC 8785 section 3.2.2.2); serde_json escapes in the same way.
pub fn write_text(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    loop {
        let (plain, further) = rest.split_at_checked(plain_len(rest)).unwrap_or((rest, ""));
        out.push_str(plain);
        let mut chars = further.chars();
        let Some(special) = chars.next() else { break };
        write_escape(special, out);
        rest = chars.as_str();
    }
    out.push('"');
}

fn write_escape(special: char, out: &mut String) {
    match special {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\u{8}' => out.push_str("\\b"),
        '\t' => out.push_str("\\t"),
        '\n' => out.push_str("\\n"),
        '\u{c}' => out.push_str("\\f"),
        '\r' => out.push_str("\\r"),
        // Writing into a string cannot fail.
        control => _ = write!(out, "\\u{:04x}", u32::from(control)),
    }
}

/// Writes a string, or `null`.
pub fn write_text_or_null(text: Option<&str>, out: &mut String) {
    match text {
        Some(text) => write_text(text, out),
        None => out.push_str("null"),
    }
}

/// Writes `true` or `false`.
pub fn write_bool(value: bool, out: &mut String) {
    out.push_str(if value { "true" } else { "false" });
}

/// Writes a whole number by its digits.
pub fn write_whole(number: u64, out: &mut String) {
    // Writing into a string cannot fail.
    _ = write!(out, "{number}");
}

/// Writes an array.
pub fn write_list<V>(items: impl IntoIterator<Item = V>, out: &mut String, write: impl Fn(V, &mut String)) {
    out.push('[');
    for (i, item) in items.into_iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        write(item, out);
    }
    out.push(']');
}

/// Writes an object whose names differ: members sorted by the UTF-16 code units of their names (RFC 8785 section
/// 3.2.3).
pub fn write_object<'k, V>(
    members: impl IntoIterator<Item = (Cow<'k, str>, V)>,
    out: &mut String,
    write: impl Fn(V, &mut String),
) {
    let mut members: Vec<(Cow<'k, str>, V)> = members.into_iter().collect();
    members.sort_unstable_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
    out.push('{');
    for (i, (name, value)) in members.into_iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        write_text(&name, out);
        out.push(':');
        write(value, out);
    }
    out.push('}');
}

/// Writes any value that holds no fraction beyond what a double can say.
pub fn write_value(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => write_bool(*value, out),
        Value::Number(number) => write_number(number, out),
        Value::String(text) => write_text(text, out),
        Value::Array(list) => write_list(list, out, write_value),
        Value::Object(map) => {
            write_object(map.iter().map(|(name, value)| (Cow::Borrowed(name.as_str()), value)), out, write_value);
        }
    }
}

fn write_number(number: &Number, out: &mut String) {
    match number.as_u64().filter(|whole| *whole <= EXACT) {
        Some(whole) => write_whole(whole, out),
        // Only a non-finite float can fail, and a `Number` is none; an empty one would never match a digest.
        None => out.push_str(&serde_json_canonicalizer::to_string(number).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests;
