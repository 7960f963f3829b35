//! A body's guideline as Cedar rules, one a clause: facts in, a verdict with its reasons out.
//!
//! Five guards: any evaluation error refuses; a requirement is a `forbid ... unless` that can cite its clause; files are
//! validated strictly against the schema when they are read; the permit of the highest rank names the basis and its
//! duties; "no rule permits it" is a refusal of its own.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cedar_policy::{PolicySet, Schema, ValidationMode, Validator};
use jiff::Timestamp;

use crate::config::Problem;
use crate::config::registry::Organisation;
use crate::domain::account::{Account, OrganisationId};
use crate::domain::action::Action;
use crate::domain::approval::{Approval, Pass};
use crate::domain::credential::Standing;
use crate::domain::decision::{Obligation, Permit, Refusal};
use crate::domain::finding::{Finding, Report, Severity};
use crate::domain::media::Sha256;
use crate::domain::person::Client;
use crate::domain::post::Post;
use crate::domain::registry;
use crate::domain::remarks::Declaration;

pub mod amendment;
pub mod explain;
pub mod facts;
mod judge;
pub mod rules;

use facts::Facts;
use judge::{Body, Names, Town, Verdict};
use rules::{Rule, RuleEffect, Source};

const SCHEMA: &str = include_str!("../config/guidelines/sekisho.cedarschema");
const BUILTIN: [(&str, &str); 4] = [
    ("builtin:common", include_str!("../config/guidelines/common.cedar")),
    ("builtin:nerima", include_str!("../config/guidelines/nerima.cedar")),
    ("builtin:nagano", include_str!("../config/guidelines/nagano.cedar")),
    ("builtin:sample", include_str!("../config/guidelines/sample.cedar")),
];

/// What a guideline judges.
#[derive(Clone, Copy)]
pub struct Case<'a> {
    /// The posting tool.
    pub client: &'a Client,
    /// The account.
    pub account: &'a Account,
    /// Whether the account's body has recognised the provider (練馬 第3条).
    pub recognised: bool,
    /// How the account's provider credential stands.
    pub credential: Standing,
    /// The action.
    pub action: Action,
    /// The post.
    pub post: &'a Post,
    /// What the inspector saw.
    pub report: &'a Report,
    /// The pass that was shown.
    pub pass: &'a Pass,
    /// What the registry and the request say around it.
    pub around: &'a Around,
    /// When.
    pub now: Timestamp,
}

/// What the gate looked up and read beside the post itself. The default knows nothing, which is the strict reading.
#[derive(Clone, Debug, Default)]
pub struct Around {
    /// How the account stands by its body's registry.
    pub standing: Option<Arc<registry::Standing>>,
    /// What the person who answers for the posting tool is.
    pub author: Arc<registry::Holding>,
    /// The body's sections, by name; none: it keeps no list of them.
    pub sections: Arc<[registry::SectionId]>,
    /// The category that the tool named (`Sekisho-Category`).
    pub category: Option<String>,
    /// The reason that the tool gave (`Sekisho-Reason`).
    pub reason: Option<String>,
    /// What the tool declares (`Sekisho-Consent`), besides what the approver does.
    pub declares: Vec<Declaration>,
    /// Whether what is deleted, changed, quoted or reposted is the account's own, as the gate saw it published.
    pub own_target: bool,
    /// Whether the request only takes back a follow, a like or a repost.
    pub undoes: bool,
    /// Whether what it describes is a list of accounts, not the account itself.
    pub of_list: bool,
    /// Whether the account has an after-report that was not made in time; looked up where an exemption is claimed.
    pub reports_overdue: bool,
    /// The further approvals of a joint approval, beside the one that was shown.
    pub joint: Vec<Approval>,
    /// How many offices (課) stand behind all approvals.
    pub approver_offices: usize,
    /// Whether it uses a function for payment or identity, and the provider's recognition names no project for it.
    pub unplanned: bool,
    /// Whether it puts right the wrong post of an open incident.
    pub corrects: bool,
}

/// The guidelines of all bodies, parsed, validated, sliced: each body has its own rules and the common ones.
pub struct Guidelines {
    bodies: HashMap<OrganisationId, Body>,
    names: Names,
    hash: String,
}

/// The least change of an ordinary post that a rule must stop.
#[derive(Clone, Debug)]
pub struct Canary {
    /// The body.
    pub organisation: OrganisationId,
    /// The rule that must be among those that refuse.
    pub rule: String,
    /// The facts.
    pub facts: Facts,
}

impl Guidelines {
    /// Reads and validates the rules of every body against the schema.
    ///
    /// # Errors
    /// Every file that cannot be read, every rule that does not parse, does not validate, lacks an annotation, repeats
    /// an id, or replaces what may not be replaced, with file and line.
    pub fn load(
        config: &crate::config::guideline::Guideline,
        organisations: &[Organisation],
    ) -> Result<Self, Vec<Problem>> {
        let whole = |reason: String| vec![Problem { file: None, line: None, reason }];
        let (schema, _) = Schema::from_cedarschema_str(SCHEMA).map_err(|error| whole(error.to_string()))?;
        let names = Names::new(schema).map_err(whole)?;
        let builtin = [PathBuf::from("builtin:common")];
        let common = if config.common.is_empty() { builtin.as_slice() } else { &config.common };
        let mut problems = Vec::new();
        let mut bodies = HashMap::new();
        let mut hashed = vec![SCHEMA.as_bytes().to_vec()];
        for organisation in organisations {
            let files: Vec<&PathBuf> = organisation.guideline.iter().chain(common).collect();
            let sources = read_all(&files, &mut problems);
            hashed.push(organisation.id.as_str().as_bytes().to_vec());
            hashed.push(organisation.name.as_bytes().to_vec());
            hashed.extend(sources.iter().map(|source| source.text.clone().into_bytes()));
            if let Some(body) = body(organisation, &sources, &names, &mut problems) {
                bodies.insert(organisation.id.clone(), body);
            }
        }
        if !problems.is_empty() {
            // The common files are read for every body, so their problems come up once for each.
            let mut once: Vec<Problem> = Vec::new();
            problems.retain(|problem| !once.contains(problem) && (once.push(problem.clone()), true).1);
            return Err(problems);
        }
        let lengths: Vec<u8> = hashed.iter().flat_map(|part| (part.len() as u64).to_be_bytes()).collect();
        hashed.insert(0, lengths);
        Ok(Self { bodies, names, hash: Sha256::of(&hashed.concat()).hex() })
    }

    /// SHA-256 (hex) over the rules in force.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The hosts of a body's own site, in lower case.
    pub fn sites(&self, organisation: &OrganisationId) -> &[String] {
        self.bodies.get(organisation).map_or(&[], |body| body.town.sites.as_slice())
    }

    /// The rules in force for a body: its own in the order of its files, then the common ones.
    pub fn rules(&self, organisation: &OrganisationId) -> &[Rule] {
        self.bodies.get(organisation).map_or(&[], |body| body.rules.as_slice())
    }

    /// Whether some rule of the body asks of every post how many people approved it (`@joint`).
    pub fn is_joint(&self, organisation: &OrganisationId) -> bool {
        self.bodies.get(organisation).is_some_and(|body| body.joint)
    }

    /// Whether a refusal of this body is one that an observed account only hears of: every rule that refused says so.
    pub fn may_observe(&self, organisation: &OrganisationId, refusal: &Refusal) -> bool {
        let rules = self.rules(organisation);
        // The rule for every grave finding stands beside the shortener's own; it speaks of style only where no finding is
        // of another category.
        let of_style = |finding: &Finding| finding.category == "url_shortener" && !finding.never;
        let grave = |finding: &&Finding| finding.severity == Severity::Block || finding.never;
        let style = refusal.findings.iter().filter(grave).all(of_style);
        let observable =
            |id: &String| (style && id == "common.block") || rules.iter().any(|rule| rule.id == *id && rule.observable);
        !refusal.rules.is_empty() && refusal.rules.iter().all(observable)
    }

    /// A refusal of an earlier stage, citing the judged body's own clause where its guideline has a rule of the same code:
    /// who may call at all is decided before the guideline is asked.
    #[must_use]
    pub fn by_own_clause(&self, organisation: &OrganisationId, mut refusal: Refusal) -> Refusal {
        if !refusal.rules.is_empty() {
            return refusal;
        }
        let same = |rule: &&Rule| matches!(&rule.effect, RuleEffect::Forbid { code, .. } if *code == refusal.code);
        if let Some(rule) = self.rules(organisation).iter().find(same) {
            let further = std::mem::replace(&mut refusal.clauses, rule.clauses.clone());
            refusal.clauses.extend(further.into_iter().filter(|clause| !rule.clauses.contains(clause)));
            refusal.rules = vec![rule.id.clone()];
        }
        refusal
    }

    /// An example for every refusing rule of every body, which start-up shows to be refused by that very rule.
    pub fn canaries(&self) -> Vec<Canary> {
        let mut canaries = Vec::new();
        for (organisation, body) in &self.bodies {
            for rule in &body.rules {
                let RuleEffect::Forbid { canary, .. } = &rule.effect else { continue };
                // `load` has shown that every canary can be read.
                if let Ok(facts) = Facts::ordinary(organisation.as_str()).with(canary) {
                    canaries.push(Canary { organisation: organisation.clone(), rule: rule.id.clone(), facts });
                }
            }
        }
        canaries
    }

    /// Judges the facts of a canary or a test, without a post.
    ///
    /// # Errors
    /// The refusal.
    pub fn judge(&self, organisation: &OrganisationId, facts: &Facts, now: Timestamp) -> Result<Permit, Refusal> {
        let Some(body) = self.bodies.get(organisation) else { return Err(explain::no_guideline()) };
        let hours = match facts.value("after_report_hours") {
            Some(facts::Value::Number(hours)) => *hours,
            Some(_) | None => 0,
        };
        let found = explain::Found { findings: &[], organisation: organisation.as_str() };
        explain::explain(body, &body.judge(&self.names, facts), found, hours, None, now)
    }

    /// Whether each rule stops its own canary, and an ordinary approved post passes: the ids of those that fail.
    pub fn self_test(&self, now: Timestamp) -> Vec<String> {
        let stops = |canary: &Canary| {
            self.judge(&canary.organisation, &canary.facts, now).is_err_and(|it| it.rules.contains(&canary.rule))
        };
        let mut failed: Vec<String> =
            self.canaries().iter().filter(|canary| !stops(canary)).map(|canary| canary.rule.clone()).collect();
        for organisation in self.bodies.keys() {
            if self.judge(organisation, &Facts::ordinary(organisation.as_str()), now).is_err() {
                failed.push(format!("{organisation}: an ordinary approved post"));
            }
        }
        failed
    }
}

/// Judges a case by the guideline of the account's body.
///
/// # Errors
/// The refusal: held if an approval would let the post pass, else final.
pub fn decide(guidelines: &Guidelines, case: Case<'_>) -> Result<Permit, Refusal> {
    let Some(body) = guidelines.bodies.get(&case.account.organisation) else { return Err(explain::no_guideline()) };
    let facts = Facts::of(&case, &body.town);
    let verdict: &Verdict = &body.judge(&guidelines.names, &facts);
    let found = explain::Found { findings: &case.report.findings, organisation: case.account.organisation.as_str() };
    let version = case.account.operating_policy.as_ref().map(|it| it.version.as_str());
    let mut permit = explain::explain(body, verdict, found, facts::after_report_hours(&case), version, case.now)?;
    if let Some(facts::Value::Set(aside)) = facts.value("set_aside") {
        let marks = aside.iter().map(|clause| Obligation::Mark { mark: format!("原則によらない: {clause}") });
        permit.obligations.extend(marks);
    }
    Ok(permit)
}

fn read_all(files: &[&PathBuf], problems: &mut Vec<Problem>) -> Vec<Source> {
    let mut sources = Vec::new();
    for file in files {
        match rules::read(file, &BUILTIN) {
            Ok(source) => sources.push(source),
            Err(problem) => problems.push(problem),
        }
    }
    sources
}

/// The rules of one body; none if something is wrong with them.
fn body(organisation: &Organisation, sources: &[Source], names: &Names, problems: &mut Vec<Problem>) -> Option<Body> {
    let before = problems.len();
    let mut all: Vec<Rule> = sources.iter().flat_map(|source| rules::parse(source, problems)).collect();
    replace(&mut all, problems);
    let mut policies = PolicySet::new();
    for rule in &all {
        let mut wrong = |reason: String| problems.push(rules::problem(&rule.file, Some(rule.line), reason));
        if policies.add(rule.policy.clone()).is_err() {
            wrong(format!("the id `{}` stands twice", rule.id));
        }
        if let RuleEffect::Forbid { canary, .. } = &rule.effect
            && let Err(reason) = Facts::ordinary(organisation.id.as_str()).with(canary)
        {
            wrong(format!("@canary: {reason}"));
        }
    }
    let result = Validator::new(names.schema.clone()).validate(&policies, ValidationMode::Strict);
    for error in result.validation_errors() {
        let id = error.policy_id().to_string();
        let rule = all.iter().find(|rule| rule.id == id);
        let (file, line) = rule.map_or((Path::new("guideline"), None), |rule| (rule.file.as_path(), Some(rule.line)));
        problems.push(rules::problem(file, line, error.to_string()));
    }
    let sites = organisation.sites.iter().map(|site| site.to_lowercase()).collect();
    let town = Town { name: organisation.name.clone(), sites, periods: organisation.periods.clone() };
    (problems.len() == before).then(|| Body::new(town, all, names))
}

/// Takes out the common rules in whose place the body has put its own.
fn replace(all: &mut Vec<Rule>, problems: &mut Vec<Problem>) {
    let mut replaced = Vec::new();
    for rule in all.iter() {
        let Some(target) = &rule.replaces else { continue };
        match all.iter().find(|other| other.id == *target) {
            Some(other) if other.replaceable => replaced.push(target.clone()),
            Some(_) => problems.push(rules::problem(
                &rule.file,
                Some(rule.line),
                format!("@replaces names `{target}`, which stands for every body and cannot be replaced"),
            )),
            None => problems.push(rules::problem(
                &rule.file,
                Some(rule.line),
                format!("@replaces names `{target}`, which does not exist"),
            )),
        }
    }
    all.retain(|rule| !replaced.contains(&rule.id));
}

#[cfg(test)]
mod tests;
