//! Words, cues, exceptions and patterns of all rules, compiled: one automaton over a view, then a filter.
//!
//! A hit falls if an exception covers it, if it breaks a katakana or Latin word in two, if a cue beside it says that the
//! sentence is about the subject (痴漢防止), or if the cue that it needs is missing.

use std::ops::Range;
use std::sync::Arc;

use jiff::civil::Date;

use crate::domain::clause::Clause;
use crate::domain::finding::Severity;
use crate::domain::post::Post;
use daachorse::CharwiseDoubleArrayAhoCorasick;

use super::check::Check;
use super::joints::Joints;
use super::normal::View;
use super::office::Office;
use super::pattern::Pattern;
use super::rulefile::Reach;
use super::weigh::{breaks_katakana, is_apart, is_katakana, is_whole, weigh};

/// Hits of words in one view beyond this number are not filtered any more; the text counts as too complex.
pub const MANY_HITS: usize = 1000;

/// A rule as a finding tells it.
#[derive(Clone, Debug)]
pub struct Told {
    /// Its id.
    pub id: String,
    /// Its category.
    pub category: String,
    /// Its clauses.
    pub clauses: Vec<Clause>,
    /// What to change.
    pub advice: String,
    /// Whether nobody may override it.
    pub never: bool,
    /// Whether what it finds is masked.
    pub mask: bool,
    /// A post that it must find.
    pub canary: Post,
}

/// When a word or pattern counts.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    pub(super) rule: usize,
    pub(super) severity: Severity,
    /// Ids of the cues that excuse it, sorted.
    pub(super) unless: Arc<[u32]>,
    /// Ids of the cues of which it needs one, sorted.
    pub(super) needs: Arc<[u32]>,
    pub(super) direct: bool,
    pub(super) squeeze: bool,
    pub(super) inner: bool,
    /// Whether it was written in katakana and is short, so that hiragana is another word (ばかり).
    pub(super) katakana: bool,
    pub(super) reach: Reach,
    pub(super) excused: Option<Severity>,
    pub(super) alone: Option<Severity>,
    pub(super) check: Option<Check>,
}

/// What a string of an automaton stands for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Meaning {
    /// A word, by its index in `words`; in the automaton of masks, the word with a mask sign in it.
    Word(usize),
    /// A cue, by its id.
    Cue(u32),
    /// A phrase in which the words of a rule mean something else, and the last day in Japan on which it does.
    Except(usize, Option<Date>),
    /// A string that every match of a pattern holds, by the pattern's index.
    Trigger(u32),
    /// A string of another part of a pattern, by the pattern's index.
    Besides(u32),
}

impl Meaning {
    /// Whether it may be found itself: all others only weigh with what is.
    pub(super) fn is_sought(&self) -> bool {
        matches!(self, Self::Word(_) | Self::Trigger(_))
    }
}

/// How a view is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How<'v> {
    /// As it stands.
    Plain,
    /// Changed letter by letter from this text of the same length: only what holds a change is of interest.
    Changed(&'v str),
    /// With what stood between characters taken out.
    Separated,
    /// With mask signs made one.
    Masked,
}

/// What a word or pattern has found.
#[derive(Clone, Debug)]
pub struct Hit {
    /// The rule's index; none for a blank that nobody filled.
    pub rule: Option<usize>,
    /// How much it weighs here.
    pub severity: Severity,
    /// Where it stands in the view.
    pub range: Range<usize>,
}

/// Strings and what they stand for.
pub(super) struct Automaton {
    pub(super) strings: CharwiseDoubleArrayAhoCorasick<u32>,
    pub(super) meanings: Meanings,
    /// Of the words, and of what patterns are tried for.
    pub(super) joints: Joints,
}

impl Automaton {
    /// Whether a string that may be found itself stands in a text, at a place of interest.
    pub(super) fn seeks(&self, text: &str, of_interest: impl Fn(&Range<usize>) -> bool) -> bool {
        self.strings.find_overlapping_iter(text).any(|hit| {
            of_interest(&(hit.start()..hit.end())) && self.meanings.of(hit.value()).iter().any(Meaning::is_sought)
        })
    }
}

/// What each string of an automaton stands for, one after the other.
pub(super) struct Meanings {
    all: Vec<Meaning>,
    /// Where those of a string begin in `all`, with where the last one's end.
    from: Vec<u32>,
}

impl Meanings {
    pub(super) fn with_room(strings: usize) -> Self {
        let mut from = Vec::with_capacity(strings + 1);
        from.push(0);
        Self { all: Vec::with_capacity(strings), from }
    }

    /// Those of the next string.
    pub(super) fn push(&mut self, meanings: &[Meaning]) {
        self.all.extend_from_slice(meanings);
        self.from.push(u32::try_from(self.all.len()).unwrap_or(u32::MAX));
    }

    fn of(&self, string: u32) -> &[Meaning] {
        let bound = |n: usize| self.from.get(n).map_or(0, |at| *at as usize);
        self.all.get(bound(string as usize)..bound(string as usize + 1)).unwrap_or_default()
    }
}

/// Compiled rules.
pub struct Lexicon {
    pub(super) rules: Vec<Told>,
    pub(super) words: Vec<Terms>,
    pub(super) plain: Automaton,
    pub(super) masks: Automaton,
    /// Patterns with their terms; without terms, the blanks of templates.
    pub(super) patterns: Vec<(Pattern, Option<Terms>)>,
    /// The patterns, by their indices, that no string tells: they are tried on every text.
    pub(super) everywhere: Vec<u32>,
}

/// What a text looks like before any view is made of it.
#[derive(Clone, Copy, Debug)]
pub struct Original<'t> {
    /// The text.
    pub text: &'t str,
    /// Whether it is written without hiragana, so that katakana does not part words.
    pub telegram: bool,
}

impl<'t> Original<'t> {
    /// Looks at a text.
    pub fn of(text: &'t str) -> Self {
        let telegram = !text.contains(|c| matches!(c, 'ぁ'..='ゖ')) && (parts_words(text) || katakana(text) >= 12);
        Self { text, telegram }
    }
}

fn katakana(text: &str) -> usize {
    text.chars().filter(|c| is_katakana(*c)).take(12).count()
}

/// Whether katakana does the work of particles: kanji on both sides of one, as in 議会ニ爆弾, or ヲ, which stands in no word.
fn parts_words(text: &str) -> bool {
    let kanji = |c: char| matches!(c, '一'..='鿿');
    let (mut before, mut particle) = (None, false);
    text.chars().any(|c| {
        let found = c == 'ヲ' || particle && kanji(c);
        particle = before.is_some_and(kanji) && matches!(c, 'ハ' | 'ガ' | 'ニ' | 'デ' | 'ト' | 'モ' | 'ヘ');
        before = Some(c);
        found
    })
}

/// What an automaton has seen in a view; kept from view to view for its room.
#[derive(Default)]
pub struct Seen {
    /// The day in Japan as of which exceptions hold; without one, all of them do.
    today: Option<Date>,
    words: Vec<(usize, Range<usize>)>,
    /// Cues: end and id, in the order of the text.
    pub(super) cues: Vec<(usize, u32)>,
    excepts: Vec<(usize, Range<usize>)>,
    triggers: Vec<(u32, Range<usize>)>,
    /// A bit for each cue that was seen.
    cued: Bits,
    /// A bit for each pattern of which the other string was seen.
    besides: Bits,
    /// How many ASCII digits the view has.
    digits: usize,
    too_many: bool,
}

impl Lexicon {
    /// The rules.
    pub fn rules(&self) -> &[Told] {
        &self.rules
    }

    /// Searches a view; whether it had more hits than are filtered.
    pub fn find(
        &self,
        view: &View,
        how: How<'_>,
        original: Original<'_>,
        office: &Office,
        seen: &mut Seen,
        hits: &mut Vec<Hit>,
    ) -> bool {
        seen.clear();
        if how == How::Separated && !self.may_stand_apart(view) {
            return false;
        }
        self.look(view, how, seen);
        for (word, range) in &seen.words {
            let Some(terms) = self.words.get(*word) else { continue };
            let stands = match how {
                How::Plain | How::Changed(_) | How::Masked => {
                    let leet = matches!(how, How::Changed(_));
                    original.telegram && range.len() >= 9 || is_whole(view, range, original.text, terms, leet)
                }
                How::Separated => is_apart(view, range, original.text, terms),
            };
            if !stands || seen.covers(terms.rule, range) {
                continue;
            }
            if let Some(severity) = weigh(terms, view, range, seen) {
                hits.push(Hit { rule: Some(terms.rule), severity, range: range.clone() });
            }
        }
        if how != How::Masked {
            self.try_patterns(view, how, original, office, seen, hits);
        }
        seen.too_many
    }

    /// Whether a word, or a string of a pattern, stands in a view with something taken out of it: looked for only where
    /// two letters met that stand side by side in one.
    fn may_stand_apart(&self, view: &View) -> bool {
        self.plain.joints.windows(view).into_iter().any(|window| {
            let text = view.text.get(window.clone()).unwrap_or_default();
            self.plain.seeks(text, |range| view.has_gap(&(window.start + range.start..window.start + range.end)))
        })
    }

    fn look(&self, view: &View, how: How<'_>, seen: &mut Seen) {
        let automaton = if how == How::Masked { &self.masks } else { &self.plain };
        for hit in automaton.strings.find_overlapping_iter(&view.text) {
            let range = hit.start()..hit.end();
            for meaning in automaton.meanings.of(hit.value()) {
                match meaning {
                    Meaning::Cue(id) => seen.cue(range.end, *id),
                    Meaning::Besides(pattern) => seen.besides.set(*pattern),
                    Meaning::Except(rule, until) if seen.excepts.len() < MANY_HITS && seen.is_held(*until) => {
                        seen.excepts.push((*rule, range.clone()));
                    }
                    Meaning::Except(..) => {}
                    Meaning::Word(word) if is_new(view, &range, how) => seen.words.push((*word, range.clone())),
                    Meaning::Trigger(pattern) if is_new(view, &range, how) => {
                        seen.triggers.push((*pattern, range.clone()));
                    }
                    Meaning::Word(_) | Meaning::Trigger(_) => {}
                }
            }
            if seen.words.len() > MANY_HITS {
                seen.too_many = true;
                break;
            }
        }
        // Most strings of patterns stand where the pattern itself cannot.
        seen.digits = super::bytes::digits(view.text.as_bytes());
        seen.triggers.retain(|(n, _)| {
            self.patterns
                .get(*n as usize)
                .is_some_and(|(it, _)| it.digits <= seen.digits && (it.besides.is_none() || seen.besides.has(*n)))
        });
        // A string is met where it ends; patterns are tried in the order in which their strings begin.
        seen.triggers.sort_unstable_by_key(|(pattern, range)| (*pattern, range.start));
    }

    /// Tries each pattern of which a string was seen, and, in the plain view, those that have none.
    fn try_patterns(
        &self,
        view: &View,
        how: How<'_>,
        original: Original<'_>,
        office: &Office,
        seen: &Seen,
        hits: &mut Vec<Hit>,
    ) {
        let everywhere = if how == How::Plain { self.everywhere.as_slice() } else { &[] };
        let (mut everywhere, mut rest) = (everywhere.iter().copied().peekable(), seen.triggers.as_slice());
        loop {
            let triggered = rest.first().map(|(pattern, _)| *pattern);
            let Some(n) = everywhere.peek().copied().into_iter().chain(triggered).min() else { return };
            everywhere.next_if_eq(&n);
            let len = rest.iter().take_while(|(of, _)| *of == n).count();
            let (starts, others) = rest.split_at(len);
            rest = others;
            let Some((pattern, terms)) = self.patterns.get(n as usize) else { return };
            if pattern.digits > seen.digits
                || terms.as_ref().is_some_and(|terms| terms.alone.is_none() && !seen.has_any(&terms.needs))
            {
                continue;
            }
            pattern.find(&view.text, starts.iter().map(|(_, range)| range.clone()), |range| {
                let stands = match how {
                    // A pattern is long: most of its characters must have stood apart.
                    How::Separated => {
                        let (chars, gaps) = view.gaps(&range);
                        chars >= 4 && gaps * 10 >= (chars - 1) * 6
                    }
                    How::Plain | How::Changed(_) | How::Masked => {
                        original.telegram || !breaks_katakana(view, &range, original.text)
                    }
                };
                let Some(terms) = terms else {
                    return hits.push(Hit { rule: None, severity: Severity::Block, range });
                };
                if !stands
                    || seen.covers(terms.rule, &range)
                    || terms.check.is_some_and(|it| !it.holds(office, &view.text, &range))
                {
                    return;
                }
                if let Some(severity) = weigh(terms, view, &range, seen) {
                    hits.push(Hit { rule: Some(terms.rule), severity, range });
                }
            });
        }
    }
}

/// A set of small numbers.
#[derive(Default)]
struct Bits(Vec<u64>);

impl Bits {
    fn set(&mut self, n: u32) {
        let word = n as usize / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        if let Some(bits) = self.0.get_mut(word) {
            *bits |= 1 << (n % 64);
        }
    }

    fn has(&self, n: u32) -> bool {
        self.0.get(n as usize / 64).is_some_and(|bits| bits >> (n % 64) & 1 == 1)
    }

    fn clear(&mut self) {
        self.0.iter_mut().for_each(|bits| *bits = 0);
    }
}

impl Seen {
    /// Nothing seen yet, as of this day in Japan.
    pub fn on(today: Option<Date>) -> Self {
        Self { today, ..Self::default() }
    }

    /// Whether an exception with this last day holds.
    fn is_held(&self, until: Option<Date>) -> bool {
        until.is_none_or(|until| self.today.is_none_or(|today| today <= until))
    }

    fn clear(&mut self) {
        self.words.clear();
        self.cues.clear();
        self.excepts.clear();
        self.triggers.clear();
        self.cued.clear();
        self.besides.clear();
        self.too_many = false;
    }

    fn cue(&mut self, end: usize, id: u32) {
        self.cued.set(id);
        self.cues.push((end, id));
    }

    /// Whether any of these cues was seen, or none is wanted.
    fn has_any(&self, wanted: &[u32]) -> bool {
        wanted.is_empty() || wanted.iter().any(|id| self.cued.has(*id))
    }

    /// Whether an exception of the rule covers the range.
    fn covers(&self, rule: usize, range: &Range<usize>) -> bool {
        let covered =
            |(of, cover): &(usize, Range<usize>)| *of == rule && cover.start <= range.start && range.end <= cover.end;
        self.excepts.iter().any(covered)
    }
}

/// Whether a string in a view tells more than the plain view did: something stood between its characters, or one of them
/// was another one.
fn is_new(view: &View, range: &Range<usize>, how: How<'_>) -> bool {
    match how {
        How::Plain | How::Masked => true,
        How::Separated => view.has_gap(range),
        How::Changed(from) => from.get(range.clone()) != view.text.get(range.clone()),
    }
}
