//! Characters that a reader does not see and a program does: direction overrides, tag characters, invisible letters.

use std::ops::Range;

use super::normal::{View, is_invisible};
use super::views::is_japanese;
use crate::domain::finding::Severity;

use super::bytes;
use super::found::Found;

/// So many invisible characters in a field are no accident of an editor.
const MANY: usize = 3;

/// Looks for hidden characters in the original.
pub fn find(original: &View, found: &mut Vec<Found>) {
    // Most text begins each of its characters with one of a few bytes, which no invisible one begins with; but one does.
    let bytes = original.text.as_bytes();
    let may_hide = bytes::any(bytes, |byte| (byte > 0xc1) & (byte < 0xe3) | (byte > 0xee));
    let may_be_hangul = bytes::any_pair(bytes, |one, two| (one == 0x85) & (two == 0xa4));
    let unseen = |c| is_invisible(c) && c != '\u{fe0f}';
    if !(may_hide || may_be_hangul) || !original.text.contains(unseen) {
        return;
    }
    let mut invisible: Vec<Range<usize>> = Vec::new();
    let (mut before, mut flag) = (None, false);
    let mut chars = original.text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, next)| *next);
        let range = at..at + c.len_utf8();
        let tag = matches!(c, '\u{e0001}' | '\u{e0020}'..='\u{e007f}');
        if matches!(c, '\u{202d}' | '\u{202e}') || (tag && !flag) {
            found.push(hidden("obfuscation.override", range.clone()));
        }
        if counts(c, before, next) && !tag {
            invisible.push(range);
        }
        // The flags of England, Scotland and Wales are a black flag with tags.
        flag = c == '🏴' || (flag && tag);
        before = Some(c);
    }
    if let (Some(first), Some(last)) = (invisible.first(), invisible.last())
        && invisible.len() >= MANY
    {
        found.push(hidden("obfuscation.invisible", first.start..last.end));
    }
}

/// Whether an invisible character has no business where it stands. Emoji, kanji variants and the scripts that need
/// joiners have theirs.
fn counts(c: char, before: Option<char>, next: Option<char>) -> bool {
    let ours = |c: Option<char>| c.is_some_and(|c| c.is_ascii_graphic() || is_japanese(c) || is_invisible(c));
    match c {
        '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' | '\u{180b}'..='\u{180f}' => false,
        '\u{feff}' if before.is_none() => false,
        c => is_invisible(c) && (ours(before) || before.is_none()) && (ours(next) || next.is_none()),
    }
}

fn hidden(rule: &'static str, range: Range<usize>) -> Found {
    Found {
        rule,
        category: "obfuscation",
        clauses: &["nagano:4(6)", "nerima:10-2", "sekisho:inspection"],
        severity: Severity::Review,
        range,
        mask: false,
        advice: "画面に表示されない文字や、表示の向きを変える文字が含まれています。取り除いてください。",
        never: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(text: &str) -> Vec<&'static str> {
        let mut found = Vec::new();
        find(&View::of(text), &mut found);
        found.iter().map(|it| it.rule).collect()
    }

    #[test]
    fn what_hides_is_seen_and_emoji_and_kanji_variants_are_left() {
        assert_eq!(rules("死\u{200b}ね\u{200b}ば\u{200b}いい"), ["obfuscation.invisible"]);
        assert_eq!(rules("見て\u{202e}秘外部"), ["obfuscation.override"]);
        assert_eq!(rules("お知らせ\u{e0061}"), ["obfuscation.override"]);
        for plain in [
            "👨‍👩‍👧‍👦の👩‍🌾さん👩‍🚒",
            "葛\u{e0100}飾区",
            "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
            "\u{feff}お知らせ",
        ] {
            assert_eq!(rules(plain), Vec::<&str>::new(), "{plain}");
        }
    }
}
