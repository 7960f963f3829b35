//! Files of words that go with a medium: captions in WebVTT (W3C), SubRip and the like. A provider shows them to everybody,
//! so they are read as what a post says.

use std::io::{Read as _, SeekFrom};
use std::sync::LazyLock;

use regex::bytes::Regex;

use super::Stream;

/// The longest file of words that is read, in bytes: captions of many hours.
const LONGEST: u64 = 1024 * 1024;
/// How a WebVTT file begins.
const WEBVTT: &[u8] = b"WEBVTT";
/// The byte order mark that may stand before.
const MARK: &[u8] = b"\xef\xbb\xbf";
/// The arrow between the times of a caption, in WebVTT and SubRip alike: without it a player shows nothing.
static TIMES: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?-u)[0-9]\s*-->").ok());

/// A file of words.
pub(super) struct Words {
    /// What it says; none: it is longer than what is read.
    pub(super) text: Option<String>,
    /// Whether a player may show it.
    pub(super) captions: bool,
}

/// The words of a file that is nothing but words in UTF-8, or captions; none: it is something else. Players pass over
/// bytes that are no UTF-8, so captions are captions with such bytes in them, too.
pub(super) fn read(stream: &mut dyn Stream, len: u64) -> std::io::Result<Option<Words>> {
    stream.seek(SeekFrom::Start(0))?;
    let mut bytes = Vec::new();
    stream.take(LONGEST).read_to_end(&mut bytes)?;
    stream.seek(SeekFrom::Start(0))?;
    let long = len > LONGEST;
    let begins = bytes.strip_prefix(MARK).unwrap_or(&bytes).starts_with(WEBVTT);
    let captions = begins || TIMES.as_ref().is_none_or(|times| times.is_match(&bytes));
    if !captions && !is_text(&bytes, long) {
        return Ok(None);
    }
    let text = (!long).then(|| String::from_utf8_lossy(&bytes).into_owned());
    Ok(Some(Words { text, captions: captions || long }))
}

/// Whether the bytes are text; where more follows they may end within a character.
fn is_text(bytes: &[u8], more: bool) -> bool {
    match std::str::from_utf8(bytes) {
        Ok(text) => plain(text),
        Err(error) if more && error.error_len().is_none() => {
            bytes.get(..error.valid_up_to()).is_some_and(|head| std::str::from_utf8(head).is_ok_and(plain))
        }
        Err(_) => false,
    }
}

/// Whether there are characters, and none that no text has.
fn plain(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{c}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether they are captions, and what they say.
    fn of(bytes: &[u8]) -> Option<(bool, Option<String>)> {
        let words = read(&mut std::io::Cursor::new(bytes), bytes.len() as u64).unwrap()?;
        Some((words.captions, words.text))
    }

    #[test]
    fn words_are_words_and_bytes_are_not() {
        assert_eq!(of("ただの文".as_bytes()), Some((false, Some("ただの文".to_owned()))));
        assert_eq!(of(b""), None);
        assert_eq!(of(b"a\0b"), None);
        assert_eq!(of(b"\xe3\x81"), None, "it ends within a character");
        assert_eq!(of(&vec![0xff; 2 * 1024 * 1024]), None);
        assert_eq!(of(&vec![7; 2 * 1024 * 1024]), None);
        // 1,048,576 is no multiple of three: what is read of a long one ends within a character.
        assert_eq!(of("あ".repeat(500_000).as_bytes()), Some((true, None)), "nobody knows what it is");
        assert_eq!(of(&vec![b'a'; 2 * 1024 * 1024]), Some((true, None)));
    }

    #[test]
    fn captions_are_captions_with_whatever_bytes_a_player_passes_over() {
        let cue = b"00:00.000 --> 00:02.000\nhttps://bit.ly/x\n";
        for before in [b"WEBVTT\n\n".as_slice(), b"\xef\xbb\xbfWEBVTT\n\n", b"1\n", b"\xff\n", b"\0\n"] {
            let (captions, text) = of(&[before, cue].concat()).unwrap();
            assert!(captions && text.unwrap().contains("https://bit.ly/x"), "{before:?}");
        }
        let note = [b"WEBVTT\n\nNOTE ".as_slice(), &vec![0xff; 2 * 1024 * 1024], b"\n\n", cue].concat();
        assert_eq!(of(&note), Some((true, None)));
    }
}
