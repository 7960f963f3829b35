//! From rule files to a [`Lexicon`]: cues get numbers, words get their masked variants, patterns are folded and compiled.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use daachorse::CharwiseDoubleArrayAhoCorasick;
use jiff::civil::Date;

use crate::config::Problem;
use crate::domain::clause::Clause;

use super::check::Check;
use super::joints::Joints;
use super::lexicon::{Automaton, Lexicon, Meaning, Meanings, Terms, Told};
use super::normal::View;
use super::pattern::{self, Pattern};
use super::rulefile::{self, Override, Reach, Rule, Source, Word};
use super::template::BLANKS;

/// Compiles rule files. Exceptions with a last day keep it: whether they hold is asked when a text is searched.
///
/// # Errors
/// Every mistake, with file and line.
pub(super) fn compile(sources: &[Source]) -> Result<Lexicon, Vec<Problem>> {
    let mut build = Build::default();
    for source in sources {
        for cue in &source.says.cue {
            let words = build.groups.entry(cue.get_ref().name.clone()).or_default();
            words.extend(cue.get_ref().words.iter().cloned());
        }
    }
    let disabled: BTreeSet<&str> =
        sources.iter().flat_map(|it| &it.says.disable).map(|it| it.get_ref().rule.as_str()).collect();
    for source in sources {
        for rule in &source.says.rule {
            let (at, rule) = (rule.span().start, rule.get_ref());
            if build.ids.contains_key(&rule.id) {
                build.problems.push(source.problem(at, format!("rule `{}` stands twice", rule.id)));
            } else if !disabled.contains(rule.id.as_str()) {
                build.rule(source, at, rule);
            } else {
                build.ids.insert(rule.id.clone(), usize::MAX);
            }
        }
    }
    for source in sources {
        build.local(source);
    }
    build.finish()
}

#[derive(Default)]
struct Build<'s> {
    problems: Vec<Problem>,
    groups: BTreeMap<String, Vec<String>>,
    cues: BTreeMap<String, u32>,
    /// Lists of cues whose ids are known: most words of a rule have the same one.
    lists: BTreeMap<Vec<String>, Arc<[u32]>>,
    ids: BTreeMap<String, usize>,
    rules: Vec<Told>,
    bases: Vec<Rule>,
    words: Vec<Terms>,
    strings: BTreeMap<String, Vec<Meaning>>,
    masks: BTreeMap<String, Vec<Meaning>>,
    drafts: Vec<Draft<'s>>,
}

/// A pattern that is not compiled yet.
struct Draft<'s> {
    /// The expression, folded.
    re: String,
    /// Its terms; a blank of templates has none.
    terms: Option<Terms>,
    /// The rule that it stands in: its file, its place there, its id.
    rule: Option<(&'s Source, usize, &'s str)>,
    /// How many problems were told before it.
    after: usize,
}

impl<'s> Build<'s> {
    fn rule(&mut self, source: &'s Source, at: usize, rule: &'s Rule) {
        let n = self.rules.len();
        self.ids.insert(rule.id.clone(), n);
        let Some(canary) = rule.matches.first().filter(|_| !rule.no_match.is_empty()) else {
            let reason = format!("rule `{}` needs examples in `match` and `no_match`", rule.id);
            return self.problems.push(source.problem(at, reason));
        };
        if rule.clause.is_empty() || rule.advice.is_empty() {
            let reason = format!("rule `{}` needs a clause and advice", rule.id);
            self.problems.push(source.problem(at, reason));
        }
        self.rules.push(Told {
            id: rule.id.clone(),
            category: rule.category.clone(),
            clauses: rule.clause.iter().map(Clause::new).collect(),
            advice: rule.advice.clone(),
            never: rule.overridden_by == Override::Never,
            mask: super::is_masked(&rule.category),
            canary: super::example(canary.get_ref()),
        });
        self.bases.push(rule.clone());
        for phrase in &rule.terms.except {
            self.except(n, phrase, None);
        }
        for word in &rule.words {
            self.word(source, at, n, rule, word);
        }
        for pattern in &rule.patterns {
            self.pattern(source, at, n, rule, pattern);
        }
    }

    fn word(&mut self, source: &Source, at: usize, n: usize, rule: &Rule, word: &Word) {
        let mut terms = rule.terms.clone();
        let text = match word {
            Word::Plain(text) => text,
            Word::Detailed(word) => {
                terms.unless_near.extend(word.unless_near.iter().cloned());
                if !word.needs_near.is_empty() {
                    terms.needs_near.clone_from(&word.needs_near);
                }
                terms.direct = word.direct.or(terms.direct);
                terms.mask = word.mask.or(terms.mask);
                terms.squeeze = word.squeeze.or(terms.squeeze);
                terms.severity = word.severity.or(terms.severity);
                word.except.iter().for_each(|phrase| self.except(n, phrase, None));
                &word.w
            }
        };
        let folded = fold(text);
        if folded.chars().count() < 2 {
            let reason = format!("`{text}` of rule `{}` is shorter than two characters", rule.id);
            return self.problems.push(source.problem(at, reason));
        }
        let katakana = folded.chars().count() < 4 && text.chars().all(|c| matches!(c, 'ァ'..='ヶ' | 'ー'));
        let mut made = self.terms(source, at, n, rule, &terms, Reach::Sentence);
        made.katakana = katakana;
        let index = self.words.len();
        self.words.push(made);
        if terms.mask.unwrap_or(true) {
            for variant in masked(&folded) {
                self.masks.entry(variant).or_default().push(Meaning::Word(index));
            }
        }
        let joined = super::views::separated(&View::of(&folded)).text;
        if joined != folded && joined.chars().count() >= 3 {
            self.strings.entry(joined).or_default().push(Meaning::Word(index));
        }
        self.strings.entry(folded).or_default().push(Meaning::Word(index));
    }

    fn pattern(&mut self, source: &'s Source, at: usize, n: usize, rule: &'s Rule, pattern: &rulefile::Pattern) {
        let mut terms = rule.terms.clone();
        terms.unless_near.extend(pattern.unless_near.iter().cloned());
        if !pattern.needs_near.is_empty() {
            terms.needs_near.clone_from(&pattern.needs_near);
        }
        terms.severity = pattern.severity.or(terms.severity);
        terms.alone = pattern.alone.or(terms.alone);
        let mut made = self.terms(source, at, n, rule, &terms, Reach::Line);
        match pattern.check.as_deref().map(Check::named).transpose() {
            Ok(check) => made.check = check,
            Err(reason) => self.problems.push(source.problem(at, format!("rule `{}`: {reason}", rule.id))),
        }
        let (re, rule) = (fold_pattern(&pattern.re), Some((source, at, rule.id.as_str())));
        self.drafts.push(Draft { re, terms: Some(made), rule, after: self.problems.len() });
    }

    fn terms(
        &mut self,
        source: &Source,
        at: usize,
        n: usize,
        rule: &Rule,
        terms: &rulefile::Terms,
        reach: Reach,
    ) -> Terms {
        Terms {
            rule: n,
            severity: terms.severity.unwrap_or(rule.severity),
            unless: self.cues(source, at, &terms.unless_near),
            needs: self.cues(source, at, &terms.needs_near),
            direct: terms.direct.unwrap_or(false),
            squeeze: terms.squeeze.unwrap_or(true),
            inner: terms.inner.unwrap_or(false),
            katakana: false,
            reach: terms.reach.unwrap_or(reach),
            excused: terms.excused,
            alone: terms.alone,
            check: None,
        }
    }

    /// The ids of cues, a group by its name with `@`; sorted.
    fn cues(&mut self, source: &Source, at: usize, written: &[String]) -> Arc<[u32]> {
        if let Some(known) = self.lists.get(written) {
            return known.clone();
        }
        let mut ids = Vec::new();
        for name in written {
            let words = match name.strip_prefix('@') {
                None => vec![name.clone()],
                Some(group) => match self.groups.get(group) {
                    Some(words) => words.clone(),
                    None => {
                        self.problems.push(source.problem(at, format!("no group of cues is called `{group}`")));
                        continue;
                    }
                },
            };
            for word in words {
                let next = u32::try_from(self.cues.len()).unwrap_or(u32::MAX);
                ids.push(*self.cues.entry(fold(&word)).or_insert(next));
            }
        }
        ids.sort_unstable();
        ids.dedup();
        let ids: Arc<[u32]> = ids.into();
        self.lists.insert(written.to_vec(), ids.clone());
        ids
    }

    fn except(&mut self, rule: usize, phrase: &str, until: Option<Date>) {
        let folded = fold(phrase);
        let joined = super::views::separated(&View::of(&folded)).text;
        for form in BTreeSet::from([folded, joined]) {
            if !form.is_empty() {
                self.masks.entry(form.clone()).or_default().push(Meaning::Except(rule, until));
                self.strings.entry(form).or_default().push(Meaning::Except(rule, until));
            }
        }
    }

    /// What a body's own file extends, excepts and puts out of force.
    fn local(&mut self, source: &Source) {
        for extend in &source.says.extend {
            let (at, extend) = (extend.span().start, extend.get_ref());
            if let Some(n) = self.known(source, at, &extend.rule)
                && let Some(base) = self.bases.get(n).cloned()
            {
                extend.words.iter().for_each(|word| self.word(source, at, n, &base, word));
            }
        }
        for except in &source.says.except {
            let (at, except) = (except.span().start, except.get_ref());
            let known = self.known(source, at, &except.rule);
            self.reasoned(source, at, &except.reason);
            let until = except.until.as_ref().map(|it| it.to_string().trim_matches('"').parse::<Date>());
            match until.transpose() {
                Err(_) => self.problems.push(source.problem(at, "`until` is a date such as 2027-03-31".to_owned())),
                Ok(until) => known.into_iter().for_each(|n| self.except(n, &except.phrase, until)),
            }
        }
        for disable in &source.says.disable {
            let (at, disable) = (disable.span().start, disable.get_ref());
            self.known(source, at, &disable.rule);
            self.reasoned(source, at, &disable.reason);
            self.reasoned(source, at, &disable.approved_by);
        }
    }

    fn reasoned(&mut self, source: &Source, at: usize, text: &str) {
        if text.trim().is_empty() {
            self.problems.push(source.problem(at, "`reason` and `approved_by` may not be empty".to_owned()));
        }
    }

    fn known(&mut self, source: &Source, at: usize, rule: &str) -> Option<usize> {
        let found = self.ids.get(rule).copied();
        if found.is_none() {
            self.problems.push(source.problem(at, format!("no rule is called `{rule}`")));
        }
        found
    }

    fn finish(mut self) -> Result<Lexicon, Vec<Problem>> {
        for (cue, id) in std::mem::take(&mut self.cues) {
            self.masks.entry(cue.clone()).or_default().push(Meaning::Cue(id));
            self.strings.entry(cue).or_default().push(Meaning::Cue(id));
        }
        let after = self.problems.len();
        self.drafts.extend(BLANKS.map(|blank| Draft { re: blank.to_owned(), terms: None, rule: None, after }));
        let patterns = self.patterns();
        for (n, (pattern, _)) in (0_u32..).zip(&patterns) {
            for string in pattern.triggers.iter().flatten() {
                self.strings.entry(string.clone()).or_default().push(Meaning::Trigger(n));
            }
            for string in pattern.besides.iter().flatten() {
                self.strings.entry(string.clone()).or_default().push(Meaning::Besides(n));
            }
        }
        if !self.problems.is_empty() {
            return Err(self.problems);
        }
        let build = |strings| automaton(strings).map_err(|reason| vec![Problem { file: None, line: None, reason }]);
        let (plain, masks) = (build(self.strings)?, build(self.masks)?);
        let numbered = (0_u32..).zip(&patterns);
        let everywhere = numbered.filter(|(_, (it, _))| it.triggers.is_none()).map(|(n, _)| n).collect();
        Ok(Lexicon { rules: self.rules, words: self.words, plain, masks, patterns, everywhere })
    }

    /// The patterns, compiled. What is wrong with one is told where it would be had it been compiled when it was read.
    fn patterns(&mut self) -> Vec<(Pattern, Option<Terms>)> {
        let drafts = std::mem::take(&mut self.drafts);
        let compiled = pattern::all(&drafts.iter().map(|it| it.re.as_str()).collect::<Vec<_>>());
        let (mut patterns, mut wrong) = (Vec::with_capacity(drafts.len()), Vec::new());
        for (Draft { terms, rule, after, .. }, compiled) in drafts.into_iter().zip(compiled) {
            match (compiled, rule) {
                (Ok(pattern), _) => patterns.push((pattern, terms)),
                (Err(error), Some((source, at, id))) => {
                    wrong.push((after, source.problem(at, format!("rule `{id}`: {error}"))));
                }
                (Err(reason), None) => wrong.push((after, Problem { file: None, line: None, reason })),
            }
        }
        for (after, problem) in wrong.into_iter().rev() {
            self.problems.insert(after.min(self.problems.len()), problem);
        }
        patterns
    }
}

fn automaton(strings: BTreeMap<String, Vec<Meaning>>) -> Result<Automaton, String> {
    let mut meanings = Meanings::with_room(strings.len());
    let mut words = Vec::with_capacity(strings.len() + 1);
    let mut joints = Joints::default();
    for (n, (word, meaning)) in (0_u32..).zip(strings) {
        if meaning.iter().any(Meaning::is_sought) {
            joints.add(&word);
        }
        words.push((word, n));
        meanings.push(&meaning);
    }
    if words.is_empty() {
        // An automaton needs a string; a noncharacter stands in no text of ours and means nothing.
        words.push(("\u{ffff}".to_owned(), 0));
    }
    let strings = CharwiseDoubleArrayAhoCorasick::with_values(words).map_err(|error| error.to_string())?;
    Ok(Automaton { strings, meanings, joints })
}

fn fold(text: &str) -> String {
    View::of(text).fold().text
}

/// A regular expression over folded text: katakana as hiragana, letters small; what is syntax stays.
fn fold_pattern(re: &str) -> String {
    let mut escaped = false;
    let fold = |c: char| {
        let folded = match c {
            'ァ'..='ヶ' => char::from_u32(u32::from(c) - 0x60).unwrap_or(c),
            'A'..='Z' if !escaped => c.to_ascii_lowercase(),
            c => c,
        };
        escaped = c == '\\' && !escaped;
        folded
    };
    // A boundary of ASCII words: one of Unicode words would be looked up character by character.
    re.chars().map(fold).collect::<String>().replace("\\b", "(?-u:\\b)")
}

/// The word with one character masked, or two beside one another in a longer one; at least two must be left.
fn masked(word: &str) -> Vec<String> {
    let chars: Vec<char> = word.chars().collect();
    let len = chars.len();
    if !(3..=10).contains(&len) || !chars.iter().all(|c| super::views::is_japanese(*c)) {
        return Vec::new();
    }
    let hide = |from: usize, count: usize| -> String {
        chars.iter().enumerate().map(|(n, c)| if (from..from + count).contains(&n) { '○' } else { *c }).collect()
    };
    // 「○です」 says nothing of 「噂です」: something other than hiragana must be left of a word that has it.
    let hiragana = |c: char| matches!(c, 'ぁ'..='ゖ' | 'ー' | '○');
    let all = word.chars().all(hiragana);
    let told = |variant: &String| all || !variant.chars().all(hiragana);
    let one = (0..len).map(|n| hide(n, 1));
    let two = (0..len.saturating_sub(1)).filter(|_| len >= 4).map(|n| hide(n, 2));
    one.chain(two).filter(told).collect()
}
