//! Files of words that go with a medium: captions in WebVTT (W3C), SubRip and the like. A provider shows them to everybody,
//! so they are read as what a post says.

use std::io::{Read as _, SeekFrom};

use super::Stream;

/// The longest file of words that is read, in bytes: captions of many hours.
const LONGEST: u64 = 1024 * 1024;
/// Bytes by which a longer one is known.
const HEAD: u64 = 4096;

/// What stands between the times of a caption, in WebVTT and SubRip alike: without it a player shows nothing.
const TIMES: &str = "-->";

/// What a file of words holds.
pub(super) enum Words {
    /// All of it.
    Whole(String),
    /// It is longer than what is read.
    TooLong,
}

impl Words {
    /// Whether they are captions, which a player shows.
    pub(super) fn are_captions(&self) -> bool {
        match self {
            Self::Whole(text) => text.contains(TIMES),
            Self::TooLong => true,
        }
    }
}

/// The words of a file that is nothing but words in UTF-8; none: it is something else.
pub(super) fn read(stream: &mut dyn Stream, len: u64) -> std::io::Result<Option<Words>> {
    stream.seek(SeekFrom::Start(0))?;
    let whole = len <= LONGEST;
    let mut bytes = Vec::new();
    stream.take(if whole { len } else { HEAD }).read_to_end(&mut bytes)?;
    stream.seek(SeekFrom::Start(0))?;
    Ok(match (text(bytes, whole), whole) {
        (Ok(text), true) => plain(&text).then_some(Words::Whole(text)),
        (Ok(text), false) => (plain(&text) && text.contains(TIMES)).then_some(Words::TooLong),
        (Err(_), _) => None,
    })
}

/// A head may end within a character.
fn text(mut bytes: Vec<u8>, whole: bool) -> Result<String, std::string::FromUtf8Error> {
    if let (false, Err(error)) = (whole, std::str::from_utf8(&bytes))
        && error.error_len().is_none()
    {
        bytes.truncate(error.valid_up_to());
    }
    String::from_utf8(bytes)
}

/// Whether there are characters, and none that no text has.
fn plain(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{c}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: &[u8]) -> Option<Option<String>> {
        let words = read(&mut std::io::Cursor::new(bytes), bytes.len() as u64).unwrap()?;
        Some(match words {
            Words::Whole(text) => Some(text),
            Words::TooLong => None,
        })
    }

    #[test]
    fn words_are_words_and_bytes_are_not() {
        let captions = "WEBVTT\n\n00:00.000 --> 00:02.000\n訓練を始めます。\r\n";
        assert_eq!(of(captions.as_bytes()), Some(Some(captions.to_owned())));
        assert_eq!(of(b""), None);
        assert_eq!(of(b"a\0b"), None);
        assert_eq!(of(b"\xe3\x81"), None, "it ends within a character");
        assert_eq!(of(&vec![0xff; 2 * 1024 * 1024]), None);
        assert_eq!(of(&vec![7; 2 * 1024 * 1024]), None);
        // 4,096 less the head is no multiple of three: the head of a long one ends within a character.
        assert_eq!(of(format!("1\n00:00:00,000 --> 00:00:02,000\n{}", "あ".repeat(500_000)).as_bytes()), Some(None));
        assert_eq!(of(&vec![b'a'; 2 * 1024 * 1024]), None, "no captions");
    }
}
