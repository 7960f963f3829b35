//! What must never go out: one pure function over a post and a rule set.
//!
//! Every string of a post is read in several views (folded, each layer of escapes taken off, squeezed); detectors search
//! the views and findings point at the bytes of the original. Time grows with the length of the text; what is over a
//! limit is still read whole, and says so in a finding.

use std::path::Path;

use crate::config::Problem;
use crate::domain::clause::Clause;
use crate::domain::finding::{Finding, Report, Severity};
use crate::domain::media::Sha256;
use crate::domain::post::{Field, Post, Role};
use crate::domain::tree::Tree;

pub mod escape;
pub mod found;
pub mod label;
pub mod links;
pub mod lookalike;
pub mod normal;
pub mod personal;
pub mod shorteners;
pub mod template;

use found::Found;
use normal::View;

/// Version of the detectors; part of the rule set's hash, so that an entry tells with what was looked.
const DETECTORS: &str = "sekisho-inspect-1";
const SHORTENERS: &str = include_str!("../config/lists/shorteners.txt");
/// A longer field is a finding of its own, in bytes.
const LONG_FIELD: usize = 64 * 1024;
/// A post with more links is a finding of its own.
const MANY_LINKS: usize = 2000;
/// Layers of escapes that are taken off.
const LAYERS: usize = 4;
/// Findings beyond this number are only kept if they are the first of their category and severity.
const MANY_FINDINGS: usize = 200;

/// The inspector's rules and lists, built once.
pub struct RuleSet {
    shorteners: shorteners::Shorteners,
    my_number: personal::MyNumber,
    labels: label::Labels,
    blanks: template::Blanks,
    hash: String,
}

impl RuleSet {
    /// Reads lists and rules.
    ///
    /// # Errors
    /// Every list that cannot be read and every line that is no host, with file and line.
    pub fn load(config: &crate::config::inspect::Inspect) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut shorteners = shorteners::Shorteners::default();
        let mut hashed = DETECTORS.to_owned();
        let mut read = |file: &Path, text: &str, problems: &mut Vec<Problem>| {
            shorteners.read(file, text, problems);
            hashed.push_str(&format!("\0{}\0{text}", text.len()));
        };
        if config.shorteners.is_empty() {
            read(Path::new("builtin:shorteners"), SHORTENERS, &mut problems);
        }
        for file in &config.shorteners {
            match std::fs::read_to_string(file) {
                Ok(text) => read(file, &text, &mut problems),
                Err(error) => {
                    let reason = format!("cannot be read: {error}");
                    problems.push(Problem { file: Some(file.clone()), line: None, reason });
                }
            }
        }
        let mut broken = |reason: String| problems.push(Problem { file: None, line: None, reason });
        let my_number = personal::MyNumber::new().map_err(&mut broken).ok();
        let labels = label::Labels::new().map_err(&mut broken).ok();
        let blanks = template::Blanks::new().map_err(&mut broken).ok();
        match (my_number, labels, blanks) {
            (Some(my_number), Some(labels), Some(blanks)) if problems.is_empty() => {
                let hash = Sha256::of(hashed.as_bytes()).hex();
                Ok(Self { shorteners, my_number, labels, blanks, hash })
            }
            _ => Err(problems),
        }
    }

    /// SHA-256 (hex) over the rules and lists in force.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// An example for each rule, which start-up shows to be found by that very rule.
    pub fn canaries(&self) -> Vec<(&'static str, Post)> {
        [
            ("shortener.listed", "詳細はｂｉｔ。ｌｙ/abcをご覧ください"),
            ("shortener.mentioned", "bit.lyをご利用の方へ"),
            ("shortener.native", "動画はhttps://youtu.be/abcをご覧ください"),
            ("link.address", "http://203.0.113.7/をご覧ください"),
            ("personal.mynumber", "個人番号 1234-5678-9018"),
            ("personal.mynumber-like", "氏名 練馬太郎 123456789018"),
            ("label.confidential", "【部外秘】組織改正について"),
            ("template.unfilled", "本日○時○分に発生しました"),
            ("limit.too-complex", "%25252525252562it.ly"),
            ("template.circles", "「○○の日」を開催します"),
        ]
        .map(|(rule, text)| (rule, example(text)))
        .to_vec()
    }

    /// Whether each rule finds its own canary: the ids of those that do not.
    pub fn self_test(&self) -> Vec<&'static str> {
        let finds = |rule: &str, post: &Post| inspect(self, post).findings.iter().any(|finding| finding.rule == rule);
        self.canaries().iter().filter(|(rule, post)| !finds(rule, post)).map(|(rule, _)| *rule).collect()
    }
}

/// A post with this text and nothing else.
fn example(text: &str) -> Post {
    let field = Field { role: Role::Text, at: "/text".to_owned(), value: Tree::Text(text.to_owned()) };
    Post { fields: vec![field], ..Post::default() }
}

/// Inspects every string of a post.
pub fn inspect(rules: &RuleSet, post: &Post) -> Report {
    let texts = post.texts();
    let mut report = Report { findings: Vec::new(), rules: rules.hash.clone(), fields: texts.len(), bytes: 0 };
    let mut links = 0;
    for (field, role, text) in texts {
        report.bytes += text.len();
        links += inspect_text(rules, &field, role, text, &mut report.findings);
        if text.len() > LONG_FIELD {
            add(&mut report.findings, too_complex(&field, text.len()));
        }
    }
    if links > MANY_LINKS {
        add(&mut report.findings, too_complex("/", 0));
    }
    report
}

/// Reads one text in all its views; the number of links in it.
fn inspect_text(rules: &RuleSet, field: &str, role: Role, text: &str, findings: &mut Vec<Finding>) -> usize {
    let original = View::of(text);
    let mut view = original.fold();
    let mut links = 0;
    let mut layer = 0;
    loop {
        if role == Role::Link {
            view = view.without_breaks();
        }
        links += search(rules, &view, field, role, text, findings);
        let Some(decoded) = view.decode() else { break };
        layer += 1;
        if layer > LAYERS {
            add(findings, too_complex(field, text.len()));
            break;
        }
        view = decoded.fold();
    }
    links
}

/// Runs every detector over a view.
fn search(rules: &RuleSet, view: &View, field: &str, role: Role, text: &str, findings: &mut Vec<Finding>) -> usize {
    let mut found = Vec::new();
    let links = links::find(view, role, &rules.shorteners, &mut found);
    rules.my_number.find(view, &mut found);
    rules.blanks.find(view, &mut found);
    for found in found {
        add(findings, finding(view, field, text, found));
    }
    let squeezed = view.squeeze();
    let mut found = Vec::new();
    rules.labels.find(&squeezed, &mut found);
    for found in found {
        add(findings, finding(&squeezed, field, text, found));
    }
    links
}

fn finding(view: &View, field: &str, text: &str, found: Found) -> Finding {
    let span = view.original(found.range);
    let matched = text.get(span.0..span.1).unwrap_or_default();
    let excerpt = if found.mask { "●".repeat(12) } else { matched.chars().take(80).collect() };
    Finding {
        rule: found.rule.to_owned(),
        category: found.category.to_owned(),
        clauses: found.clauses.iter().copied().map(Clause::new).collect(),
        severity: found.severity,
        field: field.to_owned(),
        span,
        excerpt,
        advice: found.advice.to_owned(),
        never: found.never,
    }
}

fn too_complex(field: &str, len: usize) -> Finding {
    Finding {
        rule: "limit.too-complex".to_owned(),
        category: "too_complex".to_owned(),
        clauses: vec![Clause::new("sekisho:inspection")],
        severity: Severity::Review,
        field: field.to_owned(),
        span: (0, len),
        excerpt: String::new(),
        advice: "内容が長すぎるか複雑すぎるため、人の目で確認してください。".to_owned(),
        never: false,
    }
}

/// Adds a finding unless the same rule has already seen the same place, or there are too many of its kind.
fn add(findings: &mut Vec<Finding>, new: Finding) {
    let same_kind = |old: &Finding| old.category == new.category && old.severity == new.severity;
    if findings.len() >= MANY_FINDINGS {
        if !findings.iter().any(same_kind) {
            findings.push(new);
        }
        return;
    }
    let overlaps = |old: &Finding| {
        old.rule == new.rule && old.field == new.field && old.span.0 < new.span.1 && new.span.0 < old.span.1
    };
    if !findings.iter().any(overlaps) {
        findings.push(new);
    }
}

#[cfg(test)]
mod tests;
