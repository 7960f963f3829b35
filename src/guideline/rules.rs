//! Reading rules: each Cedar statement of a file becomes one rule with its citation, sentences and line.
//!
//! A rule that lacks what a refusal must say, or an id that stands twice, is a problem with file and line, so that
//! nothing is in force that could not explain itself.

use std::path::{Path, PathBuf};

use cedar_policy::{Effect, Policy, PolicyId};

use crate::config::Problem;
use crate::domain::clause::Clause;
use crate::domain::decision::{Notified, Proposal};

use super::facts::NAMED;

/// A file of rules.
#[derive(Clone, Debug)]
pub struct Source {
    /// Where it came from: a path, or `builtin:nerima`.
    pub file: PathBuf,
    /// Its text.
    pub text: String,
}

/// One rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its id: `nerima.11.approval`.
    pub id: String,
    /// The clauses it carries out.
    pub clauses: Vec<Clause>,
    /// The Japanese sentence that a clerk reads.
    pub ja: String,
    /// The same in English.
    pub en: String,
    /// What it does.
    pub effect: RuleEffect,
    /// The common rule in whose place it stands.
    pub replaces: Option<String>,
    /// Whether a body may put its own rule in the place of this one.
    pub replaceable: bool,
    /// Whether it only says what it would refuse while an account is observed: what an approval could heal, and style.
    pub observable: bool,
    /// Whether a permit only adds its duties to whatever permits a request, and permits nothing by itself.
    pub beside: bool,
    /// Whether the body's every approved post is asked whether further people approved it.
    pub joint: bool,
    /// The file.
    pub file: PathBuf,
    /// The line on which it begins, from 1.
    pub line: usize,
    pub(super) policy: Policy,
}

impl Rule {
    /// Its text in Cedar, as it is in force.
    pub fn text(&self) -> String {
        self.policy.to_string()
    }
}

/// What a rule does when its condition holds.
#[derive(Clone, Debug)]
pub enum RuleEffect {
    /// It refuses or holds.
    Forbid {
        /// Whether an approval would let the post pass.
        hold: bool,
        /// The stable code of the refusal.
        code: String,
        /// The way forward, in Japanese.
        forward: String,
        /// The least change of an ordinary post that this rule must stop.
        canary: String,
        /// What the author may do about it.
        proposals: Vec<Proposal>,
    },
    /// It permits.
    Permit {
        /// The permit of the highest rank names the basis.
        rank: i64,
        /// What must be done because of it.
        duties: Vec<Duty>,
    },
}

/// A duty that a permit asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Duty {
    /// An after-report, within the operating policy's hours, else these.
    AfterReport(i64),
    /// An after-report, if the operating policy asks for one.
    AfterReportIfAsked,
    /// An incident is opened.
    Incident,
    /// A mark for the audit.
    Mark(String),
    /// Somebody is told.
    Notify(Notified),
}

/// Hours within which an exempt post is reported where neither the rule nor the operating policy names any.
const DEFAULT_REPORT_HOURS: i64 = 24;

/// Reads a source, built in or from disk.
pub(super) fn read(path: &Path, builtin: &[(&str, &str)]) -> Result<Source, Problem> {
    let name = path.to_string_lossy();
    if name.starts_with("builtin:") {
        return match builtin.iter().find(|(known, _)| *known == name) {
            Some((_, text)) => Ok(Source { file: path.to_owned(), text: (*text).to_owned() }),
            None => {
                let known: Vec<&str> = builtin.iter().map(|(known, _)| *known).collect();
                Err(problem(path, None, format!("no such built-in guideline; there are {}", known.join(", "))))
            }
        };
    }
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Source { file: path.to_owned(), text }),
        Err(error) => Err(problem(path, None, format!("cannot be read: {error}"))),
    }
}

/// Parses every rule of a source, in its order.
pub(super) fn parse(source: &Source, problems: &mut Vec<Problem>) -> Vec<Rule> {
    let mut rules = Vec::new();
    for (line, statement) in statements(&source.text) {
        match rule(source, line, statement) {
            Ok(rule) => rules.push(rule),
            Err(reasons) => {
                problems.extend(reasons.into_iter().map(|reason| problem(&source.file, Some(line), reason)));
            }
        }
    }
    if rules.is_empty() && problems.is_empty() {
        problems.push(problem(&source.file, None, "holds no rule".into()));
    }
    rules
}

fn rule(source: &Source, line: usize, statement: &str) -> Result<Rule, Vec<String>> {
    let policy = Policy::parse(None, statement).map_err(|error| vec![error.to_string()])?;
    let mut reasons = Vec::new();
    let mut required = |key: &str| match policy.annotation(key).map(str::trim) {
        Some(value) if !value.is_empty() => value.to_owned(),
        Some(_) | None => {
            reasons.push(format!("the rule has no @{key}"));
            String::new()
        }
    };
    let (id, clause, ja, en) = (required("id"), required("clause"), required("ja"), required("en"));
    let effect = match policy.effect() {
        Effect::Forbid => RuleEffect::Forbid {
            code: required("code"),
            forward: required("forward"),
            canary: required("canary"),
            hold: required("effect_kind") == "hold",
            proposals: match words(&policy).map(proposal).collect() {
                Ok(proposals) => proposals,
                Err(reason) => return Err(vec![reason]),
            },
        },
        Effect::Permit => {
            let rank = required("rank").parse();
            let duties = words(&policy).map(duty).collect();
            match (rank, duties) {
                (Ok(rank), Ok(duties)) => RuleEffect::Permit { rank, duties },
                (rank, duties) => {
                    reasons.extend(rank.err().map(|_| "@rank is not a whole number".to_owned()));
                    reasons.extend(Result::<Vec<Duty>, String>::err(duties));
                    return Err(reasons);
                }
            }
        }
    };
    reasons.extend(odd_annotations(&policy));
    reasons.extend(odd_names(statement));
    reasons.extend(odd_principle(&policy, &clause, statement));
    if !reasons.is_empty() {
        return Err(reasons);
    }
    Ok(Rule {
        clauses: clause.split_whitespace().map(Clause::new).collect(),
        replaces: policy.annotation("replaces").map(str::to_owned),
        replaceable: policy.annotation("replaceable").is_some(),
        observable: matches!(effect, RuleEffect::Forbid { hold: true, .. })
            || policy.annotation("observable").is_some(),
        beside: policy.annotation("beside").is_some(),
        joint: policy.annotation("joint").is_some(),
        policy: policy.new_id(PolicyId::new(&id)),
        file: source.file.clone(),
        id,
        ja,
        en,
        effect,
        line,
    })
}

/// Annotations that would be silently without effect, such as a misspelt one.
fn odd_annotations(policy: &Policy) -> Vec<String> {
    const FORBID: [&str; 14] = [
        "id",
        "clause",
        "ja",
        "en",
        "forward",
        "code",
        "effect_kind",
        "canary",
        "replaces",
        "replaceable",
        "observable",
        "principle",
        "joint",
        "obligation",
    ];
    const PERMIT: [&str; 7] = ["id", "clause", "ja", "en", "rank", "beside", "obligation"];
    let known: &[&str] = match policy.effect() {
        Effect::Forbid => &FORBID,
        Effect::Permit => &PERMIT,
    };
    let mut reasons: Vec<String> = policy
        .annotations()
        .filter(|(key, _)| !known.contains(key))
        .map(|(key, _)| format!("@{key} has no meaning here"))
        .collect();
    reasons.sort();
    if let Some(kind) = policy.annotation("effect_kind")
        && !["hold", "refuse"].contains(&kind)
    {
        reasons.push(format!("@effect_kind is `{kind}`, not `hold` or `refuse`"));
    }
    reasons
}

/// Comparisons of an attribute with a name that it never holds.
fn odd_names(statement: &str) -> Vec<String> {
    let mut reasons = Vec::new();
    for (attribute, names) in NAMED {
        for part in statement.split(&format!("context.{attribute} ")).skip(1) {
            let compared = part.trim_start().strip_prefix("==").or_else(|| part.trim_start().strip_prefix("!="));
            let name =
                compared.and_then(|rest| rest.trim_start().strip_prefix('"')).and_then(|rest| rest.split('"').next());
            if let Some(name) = name.filter(|name| !names.contains(name)) {
                reasons.push(format!("context.{attribute} is never `{name}`; it is one of {}", names.join(", ")));
            }
        }
    }
    reasons
}

/// A principle (原則) names the clause that its manager may set aside, and is the only rule that may be.
fn odd_principle(policy: &Policy, clauses: &str, statement: &str) -> Option<String> {
    let Some(principle) = policy.annotation("principle") else {
        let asks = statement.contains("context.set_aside");
        return asks.then(|| "context.set_aside is only for a rule with @principle".to_owned());
    };
    let own = clauses.split_whitespace().any(|clause| clause == principle);
    let asked = statement.contains(&format!("context.set_aside.contains(\"{principle}\")"));
    (!own || !asked)
        .then(|| format!("@principle(\"{principle}\") is not a clause of the rule that its condition asks for"))
}

fn words(policy: &Policy) -> impl Iterator<Item = &str> {
    policy.annotation("obligation").unwrap_or_default().split_whitespace()
}

/// A duty of a permit. The set is closed: what is not here is a problem of the file.
fn duty(word: &str) -> Result<Duty, String> {
    let unknown = || format!("@obligation names no duty that the gateway knows: `{word}`");
    let hours = |text: &str| text.strip_suffix('h')?.parse().ok().filter(|hours| (1..=24 * 31).contains(hours));
    match word.split_once(':').unwrap_or((word, "")) {
        ("after-report", "") => Ok(Duty::AfterReport(DEFAULT_REPORT_HOURS)),
        ("after-report", within) => hours(within).map(Duty::AfterReport).ok_or_else(unknown),
        ("after-report-if-asked", "") => Ok(Duty::AfterReportIfAsked),
        ("incident", "") => Ok(Duty::Incident),
        ("mark", mark) if !mark.is_empty() => Ok(Duty::Mark(mark.to_owned())),
        ("notify", "manager") => Ok(Duty::Notify(Notified::Manager)),
        ("notify", "public-relations") => Ok(Duty::Notify(Notified::PublicRelations)),
        ("notify", "security") => Ok(Duty::Notify(Notified::Security)),
        _ => Err(unknown()),
    }
}

/// A proposal of a forbid. The set is closed, too.
fn proposal(word: &str) -> Result<Proposal, String> {
    match word.split_once(':') {
        Some(("propose-prefix", text)) if !text.is_empty() => Ok(Proposal::Prefix(text.to_owned())),
        Some(("propose-suffix", text)) if !text.is_empty() => Ok(Proposal::Suffix(text.to_owned())),
        Some(("propose-hashtag", text)) if !text.is_empty() => Ok(Proposal::Hashtag(text.to_owned())),
        Some(("schedule", text)) if !text.is_empty() => Ok(Proposal::Schedule(text.to_owned())),
        _ => Err(format!("@obligation names no proposal that the gateway knows: `{word}`")),
    }
}

/// The statements of a file with the line on which each begins. Cedar's own parser judges them; this only cuts at the
/// semicolons that stand outside strings and comments, so that every problem can name its line.
fn statements(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let (mut start, mut start_line, mut line) = (None, 1, 1);
    let mut chars = text.char_indices().peekable();
    let mut in_string = false;
    while let Some((at, c)) = chars.next() {
        if c == '\n' {
            line += 1;
        }
        if in_string {
            match c {
                '\\' => drop(chars.next()),
                '"' => in_string = false,
                _ => {}
            }
            continue;
        }
        if c == '/' && chars.peek().is_some_and(|(_, next)| *next == '/') {
            while chars.next_if(|(_, next)| *next != '\n').is_some() {}
            continue;
        }
        if c.is_whitespace() {
            continue;
        }
        if start.is_none() {
            (start, start_line) = (Some(at), line);
        }
        match c {
            '"' => in_string = true,
            ';' => {
                let from = start.take().unwrap_or(at);
                found.push((start_line, text.get(from..=at).unwrap_or_default()));
            }
            _ => {}
        }
    }
    if let Some(from) = start {
        found.push((start_line, text.get(from..).unwrap_or_default()));
    }
    found
}

pub(super) fn problem(file: &Path, line: Option<usize>, reason: String) -> Problem {
    Problem { file: Some(file.to_owned()), line, reason }
}
