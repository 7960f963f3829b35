//! One escape at the head of a text: HTML character references, tags and comments, `\uXXXX` and `\xXX`, percent-encoded
//! UTF-8.

/// The decoded text of the escape that `rest` begins with, and how many bytes it took; none if it begins with none.
pub fn decode(rest: &str) -> Option<(String, usize)> {
    match rest.as_bytes().first()? {
        b'%' => percent(rest.as_bytes()),
        b'&' => reference(rest),
        b'\\' => backslash(rest),
        b'<' => markup(rest),
        _ => None,
    }
}

fn percent(rest: &[u8]) -> Option<(String, usize)> {
    let byte = |at: usize| match rest.get(at..at + 3)? {
        [b'%', high, low] => u8::try_from(digit(*high)? * 16 + digit(*low)?).ok(),
        _ => None,
    };
    let first = byte(0)?;
    let needed = match first {
        0..0x80 => 1,
        0xc0..0xe0 => 2,
        0xe0..0xf0 => 3,
        0xf0..=0xff => 4,
        _ => return None,
    };
    let bytes: Option<Vec<u8>> = (0..needed).map(|n| byte(n * 3)).collect();
    Some((String::from_utf8(bytes?).ok()?, needed * 3))
}

/// A tag or a comment, which a reader does not see: `<b>`, `</span>`, `<!-- -->`. What is longer than a tag would be is
/// left, so that many of them cost no more than their length.
fn markup(rest: &str) -> Option<(String, usize)> {
    let within = |most: usize, end: &[u8]| {
        let bytes = rest.as_bytes();
        let head = bytes.get(..most).unwrap_or(bytes);
        head.windows(end.len()).position(|window| window == end).map(|at| at + end.len())
    };
    let len = match rest.as_bytes().get(1)? {
        b'!' if rest.starts_with("<!--") => within(300, b"-->")?,
        b'/' | b'a'..=b'z' | b'A'..=b'Z' => within(200, b">")?,
        _ => return None,
    };
    rest.is_char_boundary(len).then(|| (String::new(), len))
}

fn reference(rest: &str) -> Option<(String, usize)> {
    let end = rest.bytes().take(12).position(|byte| byte == b';')?;
    let name = rest.get(1..end)?;
    let c = match name.strip_prefix('#') {
        Some(number) => {
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)?
        }
        None => match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            "nbsp" => ' ',
            "period" => '.',
            "sol" => '/',
            "colon" => ':',
            "commat" => '@',
            "percnt" => '%',
            "num" => '#',
            "quest" => '?',
            "bsol" => '\\',
            "shy" => '\u{ad}',
            "zwj" => '\u{200d}',
            "zwnj" => '\u{200c}',
            _ => return None,
        },
    };
    Some((c.to_string(), end + 1))
}

fn backslash(rest: &str) -> Option<(String, usize)> {
    let hex = |from: usize, len: usize| {
        let digits = rest.get(from..from + len).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        u32::from_str_radix(digits, 16).ok()
    };
    match rest.as_bytes().get(1)? {
        b'x' => Some((char::from_u32(hex(2, 2)?)?.to_string(), 4)),
        b'/' => Some(("/".to_owned(), 2)),
        b'u' => {
            let first = hex(2, 4)?;
            if let Some(c) = char::from_u32(first) {
                return Some((c.to_string(), 6));
            }
            let second = hex(8, 4).filter(|_| rest.get(6..8) == Some("\\u"))?;
            let units = [u16::try_from(first).ok()?, u16::try_from(second).ok()?];
            Some((String::from_utf16(&units).ok()?, 12))
        }
        _ => None,
    }
}

fn digit(byte: u8) -> Option<u32> {
    char::from(byte).to_digit(16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_escape_is_read_and_anything_else_left() {
        let read = decode;
        assert_eq!(read("%62x"), Some(("b".into(), 3)));
        assert_eq!(read("%E3%81%82"), Some(("あ".into(), 9)));
        assert_eq!(read("&#x62;"), Some(("b".into(), 6)));
        assert_eq!(read("&#98;"), Some(("b".into(), 5)));
        assert_eq!(read("<b>x"), Some((String::new(), 3)));
        assert_eq!(read("<!-- 注 -->x"), Some((String::new(), 12)));
        assert_eq!(read("&period;"), Some((".".into(), 8)));
        assert_eq!(read("\\u0062"), Some(("b".into(), 6)));
        assert_eq!(read("\\ud83d\\ude00"), Some(("😀".into(), 12)));
        for plain in ["%", "%zz", "%ff", "100%です", "&", "&unknown;", "\\", "\\uzzzz", "\\ud83d", "<3", "<場所>"] {
            assert_eq!(read(plain), None, "{plain}");
        }
    }
}
