//! Reading lists and rules into a [`RuleSet`], and showing that each rule finds its own examples.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use jiff::civil::Date;

use super::lexicon::Lexicon;
use super::rulefile::{Override, Source};
use super::{RuleSet, compile, dates, example, inspect_on, label, office, personal, shorteners, template};
use crate::config::Problem;
use crate::config::inspect::Inspect;
use crate::domain::media::Sha256;

/// Version of the detectors; part of the rule set's hash, so that an entry tells with what was looked.
const DETECTORS: &str = "sekisho-inspect-2";
const SHORTENERS: &str = include_str!("../../config/lists/shorteners.txt");
/// The rules that are built in, by family.
const FAMILIES: [(&str, &str); 16] = [
    ("cues", include_str!("../../config/rules/cues.toml")),
    ("discrimination", include_str!("../../config/rules/discrimination.toml")),
    ("slander", include_str!("../../config/rules/slander.toml")),
    ("illegal", include_str!("../../config/rules/illegal.toml")),
    ("obscene", include_str!("../../config/rules/obscene.toml")),
    ("rumor", include_str!("../../config/rules/rumor.toml")),
    ("rights", include_str!("../../config/rules/rights.toml")),
    ("unsuitable", include_str!("../../config/rules/unsuitable.toml")),
    ("nondisclosure", include_str!("../../config/rules/nondisclosure.toml")),
    ("personal", include_str!("../../config/rules/personal.toml")),
    ("duty", include_str!("../../config/rules/duty.toml")),
    ("secret", include_str!("../../config/rules/secret.toml")),
    ("security", include_str!("../../config/rules/security.toml")),
    ("label", include_str!("../../config/rules/label.toml")),
    ("notice", include_str!("../../config/rules/notice.toml")),
    ("lang", include_str!("../../config/rules/lang.toml")),
];

/// The built-in rules, compiled and proven by their examples: the same in every rule set of a process.
static BUILT_IN: OnceLock<Arc<Lexicon>> = OnceLock::new();

/// Texts read so far, each of which the hash covers.
struct Reading {
    hashed: String,
    problems: Vec<Problem>,
}

impl Reading {
    fn file(&mut self, file: &Path) -> Option<String> {
        match std::fs::read_to_string(file) {
            Ok(text) => Some(text),
            Err(error) => {
                let reason = format!("cannot be read: {error}");
                self.problems.push(Problem { file: Some(file.to_owned()), line: None, reason });
                None
            }
        }
    }

    fn note(&mut self, text: &str) {
        self.hashed.push_str(&format!("\0{}\0{text}", text.len()));
    }

    fn keep<T>(&mut self, read: Result<T, Problem>) -> Option<T> {
        read.map_err(|problem| self.problems.push(problem)).ok()
    }

    fn built<T>(&mut self, read: Result<T, String>) -> Option<T> {
        self.keep(read.map_err(|reason| Problem { file: None, line: None, reason }))
    }

    fn rules(&mut self, config: &Inspect) -> Vec<Source> {
        let mut texts: Vec<(PathBuf, String)> = Vec::new();
        if config.rules.is_empty() {
            let built_in = |(name, text): &(&str, &str)| (PathBuf::from(format!("builtin:{name}")), (*text).to_owned());
            texts.extend(FAMILIES.iter().map(built_in));
        }
        for file in config.rules.iter().chain(&config.local) {
            texts.extend(self.file(file).map(|text| (file.clone(), text)));
        }
        let mut sources = Vec::with_capacity(texts.len());
        for (file, text) in texts {
            self.note(&text);
            sources.extend(self.keep(Source::read(&file, &text)));
        }
        sources
    }

    fn shorteners(&mut self, config: &Inspect) -> shorteners::Shorteners {
        let mut list = shorteners::Shorteners::default();
        if config.shorteners.is_empty() {
            self.note(SHORTENERS);
            list.read(Path::new("builtin:shorteners"), SHORTENERS, &mut self.problems);
        }
        for file in &config.shorteners {
            if file == Path::new("builtin:shorteners") {
                self.note(SHORTENERS);
                list.read(file, SHORTENERS, &mut self.problems);
            } else if let Some(text) = self.file(file) {
                self.note(&text);
                list.read(file, &text, &mut self.problems);
            }
        }
        list
    }

    fn office(&mut self, config: &Inspect) -> Option<office::Office> {
        let Some(file) = &config.office else { return Some(office::Office::default()) };
        let text = self.file(file)?;
        self.note(&text);
        self.keep(office::Office::read(file, &text))
    }
}

impl RuleSet {
    /// Reads lists and rules.
    ///
    /// # Errors
    /// Every list or rule file that cannot be read, every mistake in one, and every rule whose own example fails, with
    /// file and line.
    pub fn load(config: &Inspect) -> Result<Self, Vec<Problem>> {
        Self::load_on(config, None)
    }

    /// Reads lists and rules, and tries the examples as of a day in Japan. The rules themselves know no day: exceptions fall
    /// with the day of the text that is inspected.
    ///
    /// # Errors
    /// As [`RuleSet::load`].
    pub fn load_on(config: &Inspect, today: Option<Date>) -> Result<Self, Vec<Problem>> {
        let mut reading = Reading { hashed: DETECTORS.to_owned(), problems: Vec::new() };
        let shorteners = reading.shorteners(config);
        let sources = reading.rules(config);
        let office = reading.office(config);
        let my_number = reading.built(personal::MyNumber::new());
        let labels = reading.built(label::Labels::new());
        let blanks = reading.built(template::Blanks::new());
        let dates = reading.built(dates::Dates::new());
        if !reading.problems.is_empty() {
            return Err(reading.problems);
        }
        let built_in = config.rules.is_empty() && config.local.is_empty();
        let proven = BUILT_IN.get().filter(|_| built_in).cloned();
        let is_proven = proven.is_some();
        let lexicon = match proven {
            Some(lexicon) => lexicon,
            None => Arc::new(compile::compile(&sources)?),
        };
        match (my_number, labels, blanks, dates, office) {
            (Some(my_number), Some(labels), Some(blanks), Some(dates), Some(office)) => {
                let hash = Sha256::of(reading.hashed.as_bytes()).hex();
                let rules = sources.iter().flat_map(|source| &source.says.rule).map(|rule| rule.get_ref());
                let managed = rules.filter(|rule| rule.overridden_by == Override::Manager).map(|rule| rule.id.clone());
                let for_manager = managed.collect();
                let set = Self { shorteners, my_number, labels, blanks, dates, lexicon, office, for_manager, hash };
                let failing = if is_proven { Vec::new() } else { set.failing(&sources, today) };
                if !failing.is_empty() {
                    return Err(failing);
                }
                if built_in {
                    BUILT_IN.get_or_init(|| set.lexicon.clone());
                }
                Ok(set)
            }
            (_, _, _, _, _) => Err(reading.problems),
        }
    }

    /// Examples that the rules do not bear out.
    fn failing(&self, sources: &[Source], today: Option<Date>) -> Vec<Problem> {
        let mut failing = Vec::new();
        let known = |id: &str| self.lexicon.rules().iter().any(|rule| rule.id == id);
        for source in sources {
            for rule in source.says.rule.iter().map(|it| it.get_ref()).filter(|rule| known(&rule.id)) {
                let examples =
                    rule.matches.iter().map(|it| (true, it)).chain(rule.no_match.iter().map(|it| (false, it)));
                for (wanted, text) in examples {
                    let report = inspect_on(self, &example(text.get_ref()), today);
                    let found = report.findings.iter().any(|it| it.rule == rule.id);
                    if found != wanted {
                        let what = if wanted { "does not find" } else { "finds" };
                        let reason = format!("rule `{}` {what} its own example: {}", rule.id, text.get_ref());
                        failing.push(source.problem(text.span().start, reason));
                    }
                }
            }
        }
        failing
    }
}
