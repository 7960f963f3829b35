//! Rule files: `config/rules/<family>.toml`, and a body's own in `config/local`.
//!
//! A file holds `[[rule]]`, named groups of cues (`[[cue]]`), and, in a body's own file, `[[extend]]`, `[[except]]` and
//! `[[disable]]`. Words are matched folded; a pattern is a regular expression over the folded text (hiragana, lower case).
//! Each rule carries texts that it must find (`match`) and must not find (`no_match`); a file whose own example fails is
//! not loaded.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use crate::config::Problem;
use crate::domain::finding::Severity;

/// What one file says.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RuleFile {
    /// Rules.
    pub rule: Vec<Spanned<Rule>>,
    /// Named groups of cues, which words refer to as `@name`.
    pub cue: Vec<Spanned<Cue>>,
    /// More words for a rule of another file.
    pub extend: Vec<Spanned<Extend>>,
    /// Phrases that a rule leaves alone.
    pub except: Vec<Spanned<Except>>,
    /// Rules that a body has put out of force.
    pub disable: Vec<Spanned<Disable>>,
}

/// Who may accept a finding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Override {
    /// Whoever approves the post.
    #[default]
    Approver,
    /// The account's manager.
    Manager,
    /// Nobody, in an emergency either.
    Never,
}

/// How far a cue may stand from what it speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    /// In the same sentence.
    Sentence,
    /// In the same line, or within 40 characters.
    Line,
    /// Anywhere in the same field.
    Post,
}

/// What decides whether a find counts, beside its place.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Terms {
    /// Any of these (or `@group`) beside it excuses it.
    pub unless_near: Vec<String>,
    /// One of these (or `@group`) must stand beside it.
    pub needs_near: Vec<String>,
    /// Phrases that hold the word and mean something else.
    pub except: Vec<String>,
    /// Whether it is said to somebody's face, so that only quotation marks together with a cue excuse it.
    pub direct: Option<bool>,
    /// Whether variants with mask signs count (伏字).
    pub mask: Option<bool>,
    /// Whether it counts with other signs between some of its characters.
    pub squeeze: Option<bool>,
    /// Whether it may stand inside a longer katakana or Latin word.
    pub inner: Option<bool>,
    /// How far the cues reach.
    pub reach: Option<Reach>,
    /// What is left of it beside an excusing cue; nothing by default.
    pub excused: Option<Severity>,
    /// What it weighs without the cue it needs; nothing by default.
    pub alone: Option<Severity>,
    /// Its own weight, if it differs from the rule's.
    pub severity: Option<Severity>,
}

/// A word, by itself or with terms of its own.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Word {
    /// Under the rule's terms.
    Plain(String),
    /// Under its own terms where it gives any.
    Detailed(Detailed),
}

/// A word with terms of its own.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Detailed {
    /// The word.
    pub w: String,
    /// See [`Terms`].
    #[serde(default)]
    pub unless_near: Vec<String>,
    /// See [`Terms`].
    #[serde(default)]
    pub needs_near: Vec<String>,
    /// See [`Terms`].
    #[serde(default)]
    pub except: Vec<String>,
    /// See [`Terms`].
    pub direct: Option<bool>,
    /// See [`Terms`].
    pub mask: Option<bool>,
    /// See [`Terms`].
    pub squeeze: Option<bool>,
    /// See [`Terms`].
    pub severity: Option<Severity>,
}

/// A pattern, by itself or with a check of what it found.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pattern {
    /// The regular expression; its first group, if it has one, is what is found.
    pub re: String,
    /// A check of what it found: see `inspect/check.rs`.
    pub check: Option<String>,
    /// See [`Terms`].
    #[serde(default)]
    pub unless_near: Vec<String>,
    /// See [`Terms`].
    #[serde(default)]
    pub needs_near: Vec<String>,
    /// See [`Terms`].
    pub severity: Option<Severity>,
    /// See [`Terms`].
    pub alone: Option<Severity>,
}

/// A rule.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its stable id: `slander.threat`.
    pub id: String,
    /// The category facts speak of.
    pub category: String,
    /// The clauses that forbid it.
    pub clause: Vec<String>,
    /// How much it weighs.
    pub severity: Severity,
    /// Who may accept it.
    #[serde(default, rename = "override")]
    pub overridden_by: Override,
    /// What to change, in Japanese.
    pub advice: String,
    /// Words.
    #[serde(default)]
    pub words: Vec<Word>,
    /// Patterns.
    #[serde(default)]
    pub patterns: Vec<Pattern>,
    /// Terms for every word and pattern that gives none.
    #[serde(default)]
    pub terms: Terms,
    /// Texts that it must find.
    #[serde(rename = "match")]
    pub matches: Vec<Spanned<String>>,
    /// Texts that it must leave alone.
    pub no_match: Vec<Spanned<String>>,
}

/// A named group of cues.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cue {
    /// Its name, without `@`.
    pub name: String,
    /// Its words.
    pub words: Vec<String>,
}

/// More words for a rule.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extend {
    /// The rule's id.
    pub rule: String,
    /// The words.
    pub words: Vec<Word>,
}

/// A phrase that a rule leaves alone.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Except {
    /// The rule's id.
    pub rule: String,
    /// The phrase, which must hold the word.
    pub phrase: String,
    /// Why.
    pub reason: String,
    /// The last day on which it holds, in Japan.
    pub until: Option<toml::Value>,
}

/// A rule out of force.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disable {
    /// The rule's id.
    pub rule: String,
    /// Why.
    pub reason: String,
    /// The post of the person who decided it.
    pub approved_by: String,
}

/// A file with its name and text, so that mistakes can be told with their line.
#[derive(Clone, Debug)]
pub struct Source {
    /// The name.
    pub file: PathBuf,
    /// The text.
    pub text: String,
    /// What it says.
    pub says: RuleFile,
}

impl Source {
    /// Reads a file's text.
    ///
    /// # Errors
    /// The first mistake, with its line.
    pub fn read(file: &Path, text: &str) -> Result<Self, Problem> {
        match toml::from_str::<RuleFile>(text) {
            Ok(says) => Ok(Self { file: file.to_owned(), text: text.to_owned(), says }),
            Err(error) => {
                let line = error.span().map(|span| line_of(text, span.start));
                Err(Problem { file: Some(file.to_owned()), line, reason: error.message().to_owned() })
            }
        }
    }

    /// A mistake at a byte of the file.
    pub fn problem(&self, at: usize, reason: String) -> Problem {
        Problem { file: Some(self.file.clone()), line: Some(line_of(&self.text, at)), reason }
    }
}

fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}
