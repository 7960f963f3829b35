//! What a detector reports of a view, before it is told in terms of the original.

use std::ops::Range;

use crate::domain::finding::Severity;

/// A detector's find in a view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The rule.
    pub rule: &'static str,
    /// The category facts speak of.
    pub category: &'static str,
    /// The clauses that forbid it.
    pub clauses: &'static [&'static str],
    /// How much it weighs.
    pub severity: Severity,
    /// Where it stands in the view.
    pub range: Range<usize>,
    /// Whether the excerpt is masked.
    pub mask: bool,
    /// What to change, in Japanese.
    pub advice: &'static str,
    /// Whether nobody may override it.
    pub never: bool,
}

/// The line in which `range` stands, at most 2 KiB to either side, so that one endless line costs linear time.
pub fn same_line<'t>(text: &'t str, range: &Range<usize>) -> &'t str {
    around(text, range, 2048, line_end)
}

/// The sentence in which `range` stands, at most 600 bytes to either side.
pub fn same_sentence<'t>(text: &'t str, range: &Range<usize>) -> &'t str {
    around(text, range, 600, sentence_end)
}

/// At most `chars` characters on either side of `range`.
pub fn near<'t>(text: &'t str, range: &Range<usize>, chars: usize) -> &'t str {
    let before = text.get(..range.start).unwrap_or_default();
    let after = text.get(range.end..).unwrap_or_default();
    let start = before.char_indices().rev().take(chars).last().map_or(range.start, |(at, _)| at);
    let end = after.char_indices().nth(chars).map_or(text.len(), |(at, _)| range.end + at);
    text.get(start..end).unwrap_or_default()
}

/// The parts of the line before and after `range`, bounded like [`same_line`].
pub fn beside<'t>(text: &'t str, range: &Range<usize>) -> (&'t str, &'t str) {
    let (start, end) = bounds(text, range, 2048, line_end);
    (text.get(start..range.start).unwrap_or_default(), text.get(range.end..end).unwrap_or_default())
}

/// How many bytes a line end has at the beginning; none: there is no line end.
fn line_end(text: &[u8]) -> usize {
    usize::from(text.first() == Some(&b'\n'))
}

/// The same of what ends a sentence.
fn sentence_end(text: &[u8]) -> usize {
    match text {
        [b'\n', ..] => 1,
        // 。
        [0xe3, 0x80, 0x82, ..] => 3,
        _ => 0,
    }
}

fn around<'t>(text: &'t str, range: &Range<usize>, most: usize, ends: impl Fn(&[u8]) -> usize) -> &'t str {
    let (start, end) = bounds(text, range, most, ends);
    text.get(start..end).unwrap_or_default()
}

fn bounds(text: &str, range: &Range<usize>, most: usize, ends: impl Fn(&[u8]) -> usize) -> (usize, usize) {
    let from = boundary(text, range.start.saturating_sub(most));
    let to = boundary(text, text.len().min(range.end.saturating_add(most)));
    let end_at = |at: usize| ends(text.as_bytes().get(at..to).unwrap_or_default());
    let start = (from..range.start).rev().find_map(|at| Some(at + end_at(at)).filter(|end| *end > at));
    let end = (range.end..to).find(|at| end_at(*at) > 0);
    (start.unwrap_or(from), end.unwrap_or(to))
}

/// The last boundary of a character at or before `at`.
pub(super) fn boundary(text: &str, at: usize) -> usize {
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}
