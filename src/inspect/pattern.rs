//! A pattern that is tried only where the automaton has seen a string that every match must hold, and only on the text
//! around it.

use std::collections::BTreeSet;
use std::num::NonZero;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use regex_automata::meta::{BuildError, Regex};
use regex_automata::nfa::thompson::WhichCaptures;
use regex_automata::{Anchored, Input};
use regex_syntax::hir::{Class, Hir, HirKind};

use super::trigger;

/// How far a match may reach on either side of the string that it is tried for, in bytes.
const REACH: usize = 600;
/// Room for the states that a pattern has met, in bytes.
const STATES: usize = 1024 * 1024;
/// Matches of one pattern in one view beyond this number are not looked at.
const MANY: usize = 1000;
/// Patterns are compiled on so many threads at most.
const THREADS: usize = 4;

/// A compiled pattern.
pub(super) struct Pattern {
    regex: Regex,
    /// Whether its first group is what it finds.
    group: bool,
    /// How far to read around the string that it is tried for.
    reach: usize,
    /// Whether no match holds a line end: then it stands within the line of its string.
    one_line: bool,
    /// How many ASCII digits every match has at least.
    pub(super) digits: usize,
    /// The strings one of which every match holds; none: it is tried everywhere.
    pub(super) triggers: Option<BTreeSet<String>>,
    /// Strings of another part, one of which every match holds as well.
    pub(super) besides: Option<BTreeSet<String>>,
}

impl Pattern {
    /// Compiles an expression over folded text.
    ///
    /// # Errors
    /// A sentence about the mistake in it.
    pub(super) fn new(re: &str) -> Result<Self, String> {
        let hir = regex_syntax::parse(re).map_err(|error| error.to_string())?;
        let group = hir.properties().explicit_captures_len() > 0;
        let captures = if group { WhichCaptures::All } else { WhichCaptures::Implicit };
        let config = Regex::config().which_captures(captures).hybrid_cache_capacity(STATES).onepass(false).dfa(false);
        let (triggers, besides) = trigger::of(&hir);
        let told = |error: BuildError| error.to_string();
        Ok(Self {
            regex: Regex::builder().configure(config).build_from_hir(&hir).map_err(told)?,
            group,
            reach: hir.properties().maximum_len().unwrap_or(REACH).min(REACH),
            one_line: !may_hold_line_end(&hir),
            digits: digits(&hir),
            triggers,
            besides,
        })
    }

    /// Where it matches in the stretches of text around `starts`, which are in order. Without triggers it reads all.
    pub(super) fn find(
        &self,
        text: &str,
        starts: impl Iterator<Item = Range<usize>>,
        mut each: impl FnMut(Range<usize>),
    ) {
        let mut left = MANY;
        if self.triggers.is_none() {
            return self.read(text, 0..text.len(), &mut left, &mut each);
        }
        let mut window: Option<Range<usize>> = None;
        for start in starts {
            let from = boundary(text, start.end.saturating_sub(self.reach).min(start.start));
            let to = boundary(text, text.len().min((start.start + self.reach).max(start.end)));
            let (from, to) = if self.one_line { line(text, from, &start, to) } else { (from, to) };
            window = match window {
                Some(old) if from <= old.end => Some(old.start..to.max(old.end)),
                old => {
                    old.into_iter().for_each(|it| self.read(text, it, &mut left, &mut each));
                    Some(from..to)
                }
            };
        }
        window.into_iter().for_each(|it| self.read(text, it, &mut left, &mut each));
    }

    fn read(&self, text: &str, window: Range<usize>, left: &mut usize, each: &mut impl FnMut(Range<usize>)) {
        let mut input = Input::new(text).range(window);
        while *left > 0 && !input.is_done() {
            let Some(found) = self.regex.search(&input) else { return };
            *left -= 1;
            each(self.told(text, found.range()));
            input.set_start(if found.is_empty() { found.end() + 1 } else { found.end() });
        }
    }

    /// The first group of a match, if the pattern has one and it took part.
    fn told(&self, text: &str, found: Range<usize>) -> Range<usize> {
        if !self.group {
            return found;
        }
        let mut captures = self.regex.create_captures();
        self.regex.search_captures(&Input::new(text).range(found.clone()).anchored(Anchored::Yes), &mut captures);
        captures.get_group(1).map_or(found, |group| group.range())
    }
}

/// Compiles expressions, each as [`Pattern::new`] does, in their order: on several threads, since compiling them is most of
/// what start-up waits for.
pub(super) fn all(expressions: &[&str]) -> Vec<Result<Pattern, String>> {
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get).min(THREADS);
    let next = AtomicUsize::new(0);
    // Each takes the next one that nobody has: some take a hundred times as long as others.
    let work = || {
        let mut made = Vec::new();
        loop {
            let n = next.fetch_add(1, Ordering::Relaxed);
            let Some(re) = expressions.get(n) else { return made };
            made.push((n, Pattern::new(re)));
        }
    };
    let mut made = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut made = work();
        // A thread that panicked takes this one with it, as the panic would have without it.
        for other in others {
            made.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        made
    });
    made.sort_unstable_by_key(|(n, _)| *n);
    made.into_iter().map(|(_, pattern)| pattern).collect()
}

/// The last boundary of a character at or before `at`.
fn boundary(text: &str, at: usize) -> usize {
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// The part of `from..to` that stands in the line of `inside`.
fn line(text: &str, from: usize, inside: &Range<usize>, to: usize) -> (usize, usize) {
    let before = text.get(from..inside.start).and_then(|it| it.rfind('\n'));
    let after = text.get(inside.end..to).and_then(|it| it.find('\n'));
    (before.map_or(from, |at| from + at + 1), after.map_or(to, |at| inside.end + at))
}

/// Whether a match may hold a line end.
fn may_hold_line_end(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => false,
        HirKind::Literal(literal) => literal.0.contains(&b'\n'),
        HirKind::Class(Class::Unicode(class)) => {
            class.ranges().iter().any(|range| range.start() <= '\n' && '\n' <= range.end())
        }
        HirKind::Class(Class::Bytes(class)) => {
            class.ranges().iter().any(|range| range.start() <= b'\n' && b'\n' <= range.end())
        }
        HirKind::Repetition(repetition) => may_hold_line_end(&repetition.sub),
        HirKind::Capture(capture) => may_hold_line_end(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().any(may_hold_line_end),
    }
}

/// The least number of ASCII digits in a match.
fn digits(hir: &Hir) -> usize {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) | HirKind::Class(Class::Bytes(_)) => 0,
        HirKind::Literal(literal) => literal.0.iter().filter(|byte| byte.is_ascii_digit()).count(),
        HirKind::Class(Class::Unicode(class)) => {
            let only = class.ranges().iter().all(|range| range.start() >= '0' && range.end() <= '9');
            usize::from(only && !class.ranges().is_empty())
        }
        HirKind::Repetition(repetition) => repetition.min as usize * digits(&repetition.sub),
        HirKind::Capture(capture) => digits(&capture.sub),
        HirKind::Concat(parts) => parts.iter().map(digits).sum(),
        HirKind::Alternation(parts) => parts.iter().map(digits).min().unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(re: &str, text: &str) -> Vec<String> {
        let pattern = Pattern::new(re).unwrap();
        let starts: BTreeSet<(usize, usize)> = pattern
            .triggers
            .iter()
            .flatten()
            .flat_map(|trigger| text.match_indices(trigger.as_str()).map(|(at, it)| (at, at + it.len())))
            .collect();
        let mut found = Vec::new();
        let starts = starts.into_iter().map(|(start, end)| start..end);
        pattern.find(text, starts, |range| found.push(text[range].to_owned()));
        found
    }

    #[test]
    fn what_a_pattern_finds_around_its_strings_is_what_it_finds_in_the_whole() {
        let text = "鍵は机の下に、裏口の鍵は鉢の下に。\n合鍵は棚の上に";
        assert_eq!(found("鍵は([^。\n]{1,4})下に", text), ["机の", "鉢の"]);
        assert_eq!(found("(?:^|\n)合鍵", text), ["\n合鍵"]);
        assert_eq!(found("^鍵", text), ["鍵"]);
        assert!(found("(?:^|\n)鉢の", text).is_empty(), "the beginning of a window is not that of the text");
        assert_eq!(found("[0-9]{3}", "12 345 678"), ["345", "678"]);
    }

    #[test]
    fn a_pattern_that_holds_no_line_end_is_read_within_the_line_and_finds_the_same() {
        for (re, one_line) in
            [("鍵は[^。\n]*下に", true), ("鍵は[^。]*下に", false), ("(?:^|\n)合鍵", false), ("^鍵.*に$", true)]
        {
            assert_eq!(Pattern::new(re).unwrap().one_line, one_line, "{re}");
        }
        let text = "鍵は机の\n下に。鍵は鉢の下に\n鍵は棚の下に";
        assert_eq!(found("鍵は[^。\n]*下に", text), ["鍵は鉢の下に", "鍵は棚の下に"]);
        assert_eq!(found("鍵は[^。]*下に", text), ["鍵は机の\n下に", "鍵は鉢の下に\n鍵は棚の下に"]);
    }

    #[test]
    fn digits_are_counted_where_every_match_has_them() {
        assert_eq!(Pattern::new("(?:[0-9]{4}-){3}[0-9]{4}|3[47][0-9]{13}").unwrap().digits, 15);
        assert_eq!(Pattern::new("a(?:[0-9]|b)").unwrap().digits, 0);
    }
}
