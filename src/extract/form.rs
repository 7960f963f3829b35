//! `application/x-www-form-urlencoded`, read strictly and written anew.

use crate::domain::decision::Refusal;
use crate::recognise::matcher::{BadQuery, decode_pairs, encode_pairs};

/// Reads a form: names of `[A-Za-z0-9_.]`, each once, whole escapes, UTF-8. With `brackets`, names nest
/// (`poll[options][]`), and one that ends in a list may come again.
///
/// # Errors
/// Refusals `form-shape`, `form-repeated-key`, `form-key`, `method-override`.
pub fn parse(bytes: &[u8], brackets: bool) -> Result<Vec<(String, String)>, Refusal> {
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let text = std::str::from_utf8(bytes).map_err(|_| bad_shape())?;
    let pairs = decode_pairs(text, &|key| brackets && key.contains("[]")).map_err(|bad| match bad {
        BadQuery::Shape => bad_shape(),
        BadQuery::Repeated => repeated(),
    })?;
    for (key, _) in &pairs {
        check_key(key, brackets)?;
    }
    Ok(pairs)
}

/// Whether a field's name is one that every server reads alike.
///
/// # Errors
/// Refusals `form-key`, `method-override`.
pub fn check_key(key: &str, brackets: bool) -> Result<(), Refusal> {
    if crate::recognise::OVERRIDE_KEYS.contains(&key) {
        return Err(crate::recognise::method_override());
    }
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.');
    let nested = brackets && super::brackets::steps(key).is_some();
    if key.is_empty() || key == "_charset_" || !(nested || key.bytes().all(plain)) {
        return Err(super::brackets::bad_key());
    }
    Ok(())
}

/// The form that leaves, in the order received.
pub fn write(pairs: &[(String, String)]) -> String {
    encode_pairs(pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())))
}

/// The refusal of a repeated field.
pub(super) fn repeated() -> Refusal {
    Refusal::refused(
        "form-repeated-key",
        "フォームに同じ名前の項目が二つ以上あるため、通せません。",
        "A form field occurs twice.",
        "投稿ツールの設定を確認してください。",
    )
    .status(400)
}

fn bad_shape() -> Refusal {
    Refusal::refused(
        "form-shape",
        "フォームが正しい形で書かれていないため、通せません。",
        "The form is not well formed.",
        "投稿ツールの設定を確認してください。",
    )
    .status(400)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_that_servers_could_read_differently_is_refused() {
        let cases: [(&[u8], &str); 14] = [
            (b"status=a&status=b", "form-repeated-key"),
            (b"status=a&st%61tus=b", "form-repeated-key"),
            (b"text[]=a", "form-key"),
            (b"text%5B%5D=a", "form-key"),
            (b"_method=delete", "method-override"),
            (b"_charset_=sjis", "form-key"),
            (b"a=%u0041", "form-shape"),
            (b"a=%4", "form-shape"),
            (b"a=%ff", "form-shape"),
            (b"a=1;b=2", "form-shape"),
            (b"a", "form-shape"),
            (b"a=1&", "form-shape"),
            (b"a=%00", "form-shape"),
            ("a=あ".as_bytes(), "form-shape"),
        ];
        for (bytes, code) in cases {
            assert_eq!(parse(bytes, false).unwrap_err().code, code, "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn a_form_is_written_so_that_it_reads_the_same() {
        let pairs = parse(b"status=%E9%81%BF+%26%3D%2B&media_ids=1%2C2&x.y=a=", false).unwrap();
        assert_eq!(pairs[0], ("status".to_owned(), "避 &=+".to_owned()));
        assert_eq!(pairs[2], ("x.y".to_owned(), "a=".to_owned()));
        assert_eq!(parse(write(&pairs).as_bytes(), false).unwrap(), pairs);
    }
}
