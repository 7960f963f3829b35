//! Whether a text can hold something at all, asked of its bytes.
//!
//! Most detectors look for what most posts do not have. Their letters are told from most others by one or two bytes, and
//! these are asked of many bytes at once: each function reads whole chunks without a way out between, so that the compiler
//! makes vector code of it.

/// Bytes that are read before anybody asks what was found: a count of them fits a byte.
const CHUNK: usize = 128;

/// Whether any byte is such a one.
pub(super) fn any(bytes: &[u8], is: impl Fn(u8) -> bool) -> bool {
    bytes.chunks(CHUNK).any(|chunk| chunk.iter().fold(false, |any, byte| any | is(*byte)))
}

/// Whether there is any of these bytes.
pub(super) fn one_of<const N: usize>(bytes: &[u8], wanted: [[u8; 3]; N]) -> bool {
    wanted.iter().any(|[one, two, three]| memchr::memchr3(*one, *two, *three, bytes).is_some())
}

/// Whether any two bytes side by side are such a pair.
pub(super) fn any_pair(bytes: &[u8], is: impl Fn(u8, u8) -> bool) -> bool {
    let seconds = bytes.get(1..).unwrap_or_default();
    let mut chunks = bytes.chunks(CHUNK).zip(seconds.chunks(CHUNK));
    chunks.any(|(first, second)| first.iter().zip(second).fold(false, |any, (one, two)| any | is(*one, *two)))
}

/// How many ASCII digits there are.
pub(super) fn digits(bytes: &[u8]) -> usize {
    let count = |chunk: &[u8]| chunk.iter().fold(0_u8, |count, byte| count + u8::from(byte.is_ascii_digit()));
    bytes.chunks(CHUNK).map(|chunk| usize::from(count(chunk))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_anywhere_in_a_text_of_any_length_is_seen() {
        for len in [0, 1, 2, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 5] {
            let mut bytes = vec![b'.'; len];
            assert!(!any(&bytes, |byte| byte == b'x') && !any_pair(&bytes, |one, two| one == b'x' || two == b'x'));
            for at in 0..len {
                bytes[at] = b'x';
                assert!(any(&bytes, |byte| byte == b'x'), "{at} of {len}");
                assert_eq!(any_pair(&bytes, |one, two| (one, two) == (b'x', b'.')), at + 1 < len, "{at} of {len}");
                assert_eq!(any_pair(&bytes, |one, two| (one, two) == (b'.', b'x')), at > 0, "{at} of {len}");
                bytes[at] = b'.';
            }
        }
        assert_eq!(digits("7".repeat(1000).as_bytes()), 1000);
        assert_eq!(digits("令和8年11月22日".as_bytes()), 5);
    }
}
