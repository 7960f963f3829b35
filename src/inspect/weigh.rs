//! What a hit of a word or pattern weighs where it stands: beside cues, in quotation marks, within a longer word.

use std::ops::Range;

use super::check::Check;
use super::found::{near, same_line};
use super::lexicon::{Seen, Terms};
use super::normal::View;
use super::rulefile::Reach;
use crate::domain::finding::Severity;

/// What a hit weighs beside the cues around it; none if it falls.
pub(super) fn weigh(terms: &Terms, view: &View, range: &Range<usize>, seen: &Seen) -> Option<Severity> {
    let text = view.text.as_str();
    let area = area(terms.reach, text, range);
    let mut severity = terms.severity;
    // What somebody offers in one sentence he trades in the next: 「偽造します。連絡はDMで」.
    let wide = || {
        let line = span_of(text, near(text, range, 40));
        line.start.min(area.start)..line.end.max(area.end)
    };
    if !terms.needs.is_empty() && !any(&terms.needs, &seen.cues, &wide(), &(0..0)) {
        severity = terms.alone?;
    }
    if !terms.unless.is_empty() {
        let heading = heading(&view.text);
        // A word does not excuse itself; who is named with 講師 or 選手 is excused by that.
        let own = if terms.check == Some(Check::Person) { &(0..0) } else { range };
        let quoted = is_quoted(text, range);
        // What is quoted is spoken of, and what is said of it may stand in the sentence beside it.
        let beside = if quoted { span_of(text, same_line(text, range)) } else { 0..0 };
        let excused = [&area, &heading, &beside].into_iter().any(|it| any(&terms.unless, &seen.cues, it, own));
        if excused && (!terms.direct || quoted) {
            severity = terms.excused.filter(|it| *it < severity)?;
        }
    }
    Some(severity)
}

/// The title that a text begins with: a short first line that is no sentence.
fn heading(text: &str) -> Range<usize> {
    const LONGEST: usize = 120;
    let first = text.as_bytes().get(..text.len().min(LONGEST + 1)).unwrap_or_default();
    let Some(end) = first.iter().position(|byte| *byte == b'\n') else { return 0..0 };
    if text.get(..end).is_some_and(|line| !line.contains('。')) { 0..end } else { 0..0 }
}

/// Where the cues of a hit may stand.
fn area(reach: Reach, text: &str, range: &Range<usize>) -> Range<usize> {
    match reach {
        Reach::Post => 0..text.len(),
        Reach::Sentence => sentence(text, range),
        Reach::Line => {
            let (line, close) = (span_of(text, same_line(text, range)), span_of(text, near(text, range, 40)));
            // What stands in another paragraph speaks of something else.
            let before = text.get(close.start..range.start).unwrap_or_default();
            let after = text.get(range.end..close.end).unwrap_or_default();
            let start = before.rfind("\n\n").map_or(close.start, |at| close.start + at);
            let close = start..after.find("\n\n").map_or(close.end, |at| range.end + at);
            line.start.min(close.start)..line.end.max(close.end)
        }
    }
}

/// Where a part of a text stands in it.
fn span_of(text: &str, part: &str) -> Range<usize> {
    let start = (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    start..start + part.len()
}

/// The sentence around a hit, at most 600 bytes to either side; a single line end does not end it, since posts break
/// lines within sentences.
fn sentence(text: &str, range: &Range<usize>) -> Range<usize> {
    let bytes = text.as_bytes();
    let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
    let ends = |at: usize| match byte(at) {
        // 。
        0xe3 => byte(at + 1) == 0x80 && byte(at + 2) == 0x82,
        b'\n' => byte(at + 1) == b'\n',
        b'!' | b'.' => byte(at + 1) == b' ',
        _ => false,
    };
    let from = range.start.saturating_sub(600);
    let to = bytes.len().min(range.end + 600);
    let start = (from..range.start).rev().find(|at| ends(*at)).unwrap_or(from);
    let end = (range.end..to).find(|at| ends(*at)).unwrap_or(to);
    start..end
}

/// Whether a wanted cue ends in the area, outside the hit itself.
fn any(wanted: &[u32], cues: &[(usize, u32)], area: &Range<usize>, hit: &Range<usize>) -> bool {
    let first = cues.partition_point(|(end, _)| *end <= area.start);
    let inside = cues.get(first..).unwrap_or_default().iter().take_while(|(end, _)| *end <= area.end);
    inside.take(2000).any(|(end, id)| !(hit.start < *end && *end <= hit.end) && wanted.binary_search(id).is_ok())
}

/// Whether quotation marks stand around the hit, in its own line.
fn is_quoted(text: &str, range: &Range<usize>) -> bool {
    let line = same_line(text, range);
    let start = (line.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    let left = text.get(start..range.start).unwrap_or_default();
    let right = text.get(range.end..start + line.len()).unwrap_or_default();
    [('「', '」'), ('『', '』'), ('“', '”'), ('"', '"')].iter().any(|(open, close)| {
        let opened = left.rfind(*open).is_some_and(|at| open == close || left.rfind(*close).is_none_or(|end| end < at));
        opened && right.contains(*close)
    })
}

/// Whether the hit breaks no katakana or Latin word of the original in two. Digits part Latin words, except where a digit
/// was read as a letter: there A53X is one word.
pub(super) fn is_whole(view: &View, range: &Range<usize>, original: &str, terms: &Terms, leet: bool) -> bool {
    let (start, end) = view.original(range.clone());
    let found = original.get(start..end).unwrap_or_default();
    if terms.katakana && !found.chars().any(|c| is_katakana(c) || !is_kana(c)) {
        return false;
    }
    if terms.inner {
        return true;
    }
    let first = found.chars().find(|c| !super::normal::is_invisible(*c));
    let last = found.chars().next_back();
    let before = original.get(..start).and_then(|it| it.chars().next_back());
    let after = original.get(end..).and_then(|it| it.chars().next());
    !same_script(before, first, leet) && !same_script(last, after, leet)
}

/// Whether the hit ends within a katakana word of the original: デブ in ブルーベリー after で.
pub(super) fn breaks_katakana(view: &View, range: &Range<usize>, original: &str) -> bool {
    let (start, end) = view.original(range.clone());
    let last = original.get(start..end).and_then(|it| it.chars().next_back());
    let after = original.get(end..).and_then(|it| it.chars().next());
    last.is_some_and(is_katakana) && after.is_some_and(|c| is_katakana(c) && c != 'ー')
}

fn same_script(left: Option<char>, right: Option<char>, leet: bool) -> bool {
    let (Some(left), Some(right)) = (left, right) else { return false };
    let latin = |c: char| c.is_ascii_alphanumeric() || matches!(c, 'Ａ'..='Ｚ' | 'ａ'..='ｚ' | '０'..='９');
    is_katakana(left) && is_katakana(right)
        || latin(left) && latin(right) && (leet || !(left.is_ascii_digit() || right.is_ascii_digit()))
}

pub(super) fn is_katakana(c: char) -> bool {
    matches!(c, 'ァ'..='ヶ' | 'ー' | 'ｦ'..='ﾟ')
}

fn is_kana(c: char) -> bool {
    matches!(c, 'ぁ'..='ゖ' | 'ー') || is_katakana(c)
}

/// Whether the characters of the hit stood apart in the original: all of them, or some of a long word.
pub(super) fn is_apart(view: &View, range: &Range<usize>, original: &str, terms: &Terms) -> bool {
    let (chars, gaps) = view.gaps(range);
    if gaps == 0 || chars < 2 {
        return false;
    }
    let every = gaps + 1 == chars;
    let (start, end) = view.original(range.clone());
    if every && chars == 2 {
        // 「生と死 ねらい」: of two characters one must stand by itself.
        let alone = |c: Option<char>| c.is_none_or(|c| !super::views::is_letter(c));
        return alone(original.get(..start).and_then(|it| it.chars().next_back()))
            || alone(original.get(end..).and_then(|it| it.chars().next()));
    }
    if view.text.get(range.clone()).is_some_and(str::is_ascii) {
        // 「https://ex」 holds the letters of many a Latin word: each letter must stand by itself, the outer ones too.
        let letter = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        return every
            && chars >= 4
            && !letter(original.get(..start).and_then(|it| it.chars().next_back()))
            && !letter(original.get(end..).and_then(|it| it.chars().next()));
    }
    let parted = original.get(start..end).unwrap_or_default().contains(['、', '，', ',']);
    every || (terms.squeeze && chars >= 3 && !parted)
}
