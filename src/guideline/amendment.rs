//! What an amendment of a guideline changes: the rules before and after it judge the same cases, and what they conclude
//! differently is told case by case, under the clauses it comes from.
//!
//! No solver: a table of cases (`cases`) is made of the facts that the changed rules speak of. What the table does not hold is
//! not told; `tests/prove` proves what must hold for every case.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::facts::Facts;
use super::rules::{self, Rule};
use super::{BUILTIN, Guidelines};
use crate::config::Problem;
use crate::config::guideline::Guideline;
use crate::config::registry::Organisation;
use crate::domain::account::OrganisationId;
use crate::domain::clause::Clause;
use crate::domain::decision::{Obligation, Permit, Refusal, RefusalKind};

mod cases;
mod past;
mod wording;

pub use cases::Reach;
pub use past::{Past, Told};

/// The rules of one side of an amendment.
pub struct Side {
    guidelines: Guidelines,
    bodies: Vec<OrganisationId>,
}

/// How a request ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ending {
    /// It may not pass.
    Refused,
    /// An approval would let it pass.
    Held,
    /// It passes.
    Permitted,
}

/// What one side concludes of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conclusion {
    /// How it ends.
    pub ending: Ending,
    /// The clauses cited.
    pub clauses: Vec<Clause>,
    /// The rules: the basis, or those that stop it.
    pub rules: Vec<String>,
    /// What must be done because of it, as `@obligation` writes it: `after-report:24h`, `mark:代決`.
    pub duties: Vec<String>,
}

impl Conclusion {
    fn of(result: Result<Permit, Refusal>, now: Timestamp) -> Self {
        match result {
            Ok(permit) => Self {
                ending: Ending::Permitted,
                clauses: permit.clauses,
                rules: vec![permit.rule],
                duties: permit.obligations.iter().map(|it| duty(it, now)).collect(),
            },
            Err(refusal) => Self {
                ending: if refusal.kind == RefusalKind::Held { Ending::Held } else { Ending::Refused },
                clauses: refusal.clauses,
                rules: refusal.rules,
                duties: Vec::new(),
            },
        }
    }

    /// Whether a clerk would be told the same: the same end by the same clauses with the same duties. Rules may be renamed.
    fn says_as(&self, other: &Self) -> bool {
        let set = |clauses: &[Clause]| clauses.iter().cloned().collect::<BTreeSet<_>>();
        self.ending == other.ending && self.duties == other.duties && set(&self.clauses) == set(&other.clauses)
    }
}

/// A duty as `@obligation` writes it.
fn duty(obligation: &Obligation, now: Timestamp) -> String {
    match obligation {
        Obligation::AfterReport { due } => format!("after-report:{}h", due.duration_since(now).as_hours()),
        Obligation::Incident => "incident".to_owned(),
        Obligation::Mark { mark } => format!("mark:{mark}"),
        Obligation::Notify { whom } => whom.as_str().to_owned(),
    }
}

/// What an amendment does to a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// It was stopped and passes.
    NewlyAllowed,
    /// It passed and is stopped.
    NewlyStopped,
    /// It was refused and is held: an approval helps now.
    Eased,
    /// It was held and is refused.
    Tightened,
    /// It ends as before, by other clauses or with other duties.
    OtherGrounds,
}

impl Change {
    fn of(old: &Conclusion, new: &Conclusion) -> Self {
        match (old.ending, new.ending) {
            (old, new) if old == new => Self::OtherGrounds,
            (_, Ending::Permitted) => Self::NewlyAllowed,
            (Ending::Permitted, _) => Self::NewlyStopped,
            (Ending::Refused, _) => Self::Eased,
            (Ending::Held, _) => Self::Tightened,
        }
    }

    /// In Japanese and English.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::NewlyAllowed => "新たに認められる (newly allowed)",
            Self::NewlyStopped => "新たに止まる (newly stopped)",
            Self::Eased => "却下から保留に (refused before, now held)",
            Self::Tightened => "保留から却下に (held before, now refused)",
            Self::OtherGrounds => "根拠や義務が変わる (same end, other grounds or duties)",
        }
    }

    /// Stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NewlyAllowed => "newly-allowed",
            Self::NewlyStopped => "newly-stopped",
            Self::Eased => "eased",
            Self::Tightened => "tightened",
            Self::OtherGrounds => "other-grounds",
        }
    }
}

/// A case on which the sides differ.
#[derive(Clone, Debug)]
pub struct Changed {
    /// In words: 返信／アカウント管理者の承認がある.
    pub words: String,
    /// As the change of an ordinary approved post, as `@canary` writes it.
    pub facts: String,
    /// Before.
    pub old: Conclusion,
    /// After.
    pub new: Conclusion,
    /// What the amendment does.
    pub change: Change,
    /// The clauses that it comes from.
    pub about: Vec<Clause>,
    /// Whether a case with fewer circumstances tells the same.
    pub follows: bool,
}

/// What happened to a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    /// It is new.
    Added,
    /// It is gone, or another rule stands in its place.
    Struck,
    /// Its text differs.
    Changed,
}

/// What an amendment means for one body.
pub struct Amendment {
    /// The body.
    pub organisation: OrganisationId,
    /// The rules that differ, as they are after the amendment, or were before it.
    pub rules: Vec<(Edit, Rule)>,
    /// How many cases were judged.
    pub tried: usize,
    /// How thorough the table is.
    pub reach: Reach,
    /// Those that end differently.
    pub changed: Vec<Changed>,
}

/// Reads both sides: two folders (each with a file for each body, and `common.cedar`), or two files of one body. Beside a file,
/// the `common.cedar` of the old one's folder stands for both, else the built-in one.
///
/// # Errors
/// Every problem with file and line.
pub fn read(old: &Path, new: &Path) -> Result<(Side, Side), Vec<Problem>> {
    if old.is_dir() != new.is_dir() {
        return Err(vec![Problem::of_file(new, format!("one folder and one file: {} is the other", old.display()))]);
    }
    if old.is_dir() {
        return both(folder(old), folder(new));
    }
    let body = body_of(old)?;
    let beside = old.parent().map(|dir| dir.join("common.cedar")).filter(|it| it.is_file());
    let common = beside.unwrap_or_else(|| PathBuf::from("builtin:common"));
    let side = |file: &Path| load(vec![(body.clone(), file.to_owned())], common.clone());
    both(side(old), side(new))
}

fn both(old: Result<Side, Vec<Problem>>, new: Result<Side, Vec<Problem>>) -> Result<(Side, Side), Vec<Problem>> {
    match (old, new) {
        (Ok(old), Ok(new)) => Ok((old, new)),
        (old, new) => {
            let mut problems = old.err().unwrap_or_default();
            let further = new.err().unwrap_or_default();
            problems.extend(further.into_iter().filter(|it| !problems.contains(it)).collect::<Vec<_>>());
            Err(problems)
        }
    }
}

fn folder(dir: &Path) -> Result<Side, Vec<Problem>> {
    let read = std::fs::read_dir(dir).map_err(|error| vec![Problem::of_file(dir, error.to_string())])?;
    let mut files: Vec<PathBuf> = read.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| file.extension().is_some_and(|end| end == "cedar"));
    files.sort();
    let is_common = |file: &PathBuf| file.file_stem().is_some_and(|stem| stem == "common");
    let common = files.iter().find(|file| is_common(file)).cloned();
    let mut bodies = Vec::new();
    for file in files.iter().filter(|file| !is_common(file)) {
        bodies.push((body_of(file)?, file.clone()));
    }
    if bodies.is_empty() {
        return Err(vec![Problem::of_file(dir, "holds no guideline: a file NAME.cedar for each body")]);
    }
    load(bodies, common.unwrap_or_else(|| PathBuf::from("builtin:common")))
}

/// The body that a file is of: what stands before the first point of its first rule's id.
fn body_of(file: &Path) -> Result<OrganisationId, Vec<Problem>> {
    let source = rules::read(file, &BUILTIN).map_err(|problem| vec![problem])?;
    let id = source.text.split("@id(\"").nth(1).and_then(|rest| rest.split(['.', '"']).next()).unwrap_or_default();
    let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    match if id.is_empty() { stem.as_str() } else { id } {
        "common" => Err(vec![Problem::of_file(
            file,
            "the common rules alone are no guideline; name the folders, with the bodies' files beside common.cedar",
        )]),
        body => Ok(OrganisationId::new(body)),
    }
}

fn load(files: Vec<(OrganisationId, PathBuf)>, common: PathBuf) -> Result<Side, Vec<Problem>> {
    let bodies: Vec<OrganisationId> = files.iter().map(|(body, _)| body.clone()).collect();
    let organisations: Vec<Organisation> = files
        .into_iter()
        .map(|(id, file)| Organisation {
            name: id.as_str().to_owned(),
            id,
            guideline: vec![file],
            sites: Vec::new(),
            periods: Vec::new(),
        })
        .collect();
    let config = Guideline { common: vec![common], templates: Vec::new() };
    Guidelines::load(&config, &organisations).map(|guidelines| Side { guidelines, bodies })
}

impl Side {
    /// The bodies that have a guideline here.
    pub fn bodies(&self) -> &[OrganisationId] {
        &self.bodies
    }

    fn concludes(&self, body: &OrganisationId, facts: &Facts, now: Timestamp) -> Conclusion {
        Conclusion::of(self.guidelines.judge(body, facts, now), now)
    }
}

/// What differs, for each body that both sides have.
pub fn compare(old: &Side, new: &Side, now: Timestamp) -> Vec<Amendment> {
    let shared = old.bodies.iter().filter(|body| new.bodies.contains(body));
    shared.map(|body| of_body(old, new, body, now)).collect()
}

fn of_body(old: &Side, new: &Side, body: &OrganisationId, now: Timestamp) -> Amendment {
    let (before, after) = (old.guidelines.rules(body), new.guidelines.rules(body));
    let edits = edits(before, after);
    let mut amendment =
        Amendment { organisation: body.clone(), rules: Vec::new(), tried: 0, reach: Reach::All, changed: Vec::new() };
    if edits.is_empty() {
        return amendment;
    }
    let texts: Vec<String> = edits.iter().flat_map(|(_, rules)| rules.iter().map(condition)).collect();
    let touched: BTreeSet<Clause> =
        edits.iter().flat_map(|(_, rules)| rules.iter().flat_map(|rule| rule.clauses.clone())).collect();
    let table = cases::table(body, &texts);
    amendment.reach = table.reach;
    for case in &table.cases {
        let Ok(facts) = case.facts(body) else { continue };
        amendment.tried += 1;
        let (was, is) = (old.concludes(body, &facts, now), new.concludes(body, &facts, now));
        if was.says_as(&is) {
            continue;
        }
        amendment.changed.push(Changed {
            words: case.in_words(),
            facts: case.changes(),
            change: Change::of(&was, &is),
            about: about(&was, &is, &touched),
            follows: false,
            old: was,
            new: is,
        });
        if let Some(last) = amendment.changed.last_mut() {
            last.follows = case.is_more_than_needed(|fewer| {
                let Ok(facts) = fewer.facts(body) else { return false };
                let (was, is) = (old.concludes(body, &facts, now), new.concludes(body, &facts, now));
                !was.says_as(&is) && Change::of(&was, &is) == last.change && about(&was, &is, &touched) == last.about
            });
        }
    }
    let new_rule = |rules: Vec<Rule>| rules.into_iter().next_back();
    amendment.rules = edits.into_iter().filter_map(|(edit, rules)| Some((edit, new_rule(rules)?))).collect();
    amendment
}

/// The rules that differ, each with what it was and is.
fn edits(before: &[Rule], after: &[Rule]) -> Vec<(Edit, Vec<Rule>)> {
    let mut edits = Vec::new();
    for rule in before {
        match after.iter().find(|other| other.id == rule.id) {
            None => edits.push((Edit::Struck, vec![rule.clone()])),
            Some(other) if other.text() != rule.text() => {
                edits.push((Edit::Changed, vec![rule.clone(), other.clone()]));
            }
            Some(_) => {}
        }
    }
    let is_new = |rule: &&Rule| !before.iter().any(|other| other.id == rule.id);
    edits.extend(after.iter().filter(is_new).map(|rule| (Edit::Added, vec![rule.clone()])));
    edits
}

/// The text of a rule without its annotations, however they are laid out.
fn condition(rule: &Rule) -> String {
    let text = rule.text();
    let mut rest = text.trim_start();
    while let Some(annotation) = rest.strip_prefix('@') {
        rest = annotation.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_').trim_start();
        let Some(value) = rest.strip_prefix("(\"") else { continue };
        let mut escaped = false;
        let end = value.find(|c: char| {
            let closes = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            closes
        });
        let after = value.get(end.map_or(value.len(), |at| at + 1)..).unwrap_or_default();
        rest = after.trim_start().trim_start_matches(')').trim_start();
    }
    rest.to_owned()
}

/// The clauses that a difference comes from: those of the changed rules that only one side cites, else whatever only one side
/// cites, else all that are cited.
fn about(old: &Conclusion, new: &Conclusion, touched: &BTreeSet<Clause>) -> Vec<Clause> {
    let (was, is): (BTreeSet<&Clause>, BTreeSet<&Clause>) =
        (old.clauses.iter().collect(), new.clauses.iter().collect());
    let one_side: Vec<Clause> = was.symmetric_difference(&is).map(|clause| (*clause).clone()).collect();
    let of_changed: Vec<Clause> = one_side.iter().filter(|clause| touched.contains(*clause)).cloned().collect();
    [of_changed, one_side, was.union(&is).map(|clause| (*clause).clone()).collect()]
        .into_iter()
        .find(|clauses| !clauses.is_empty())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
