//! From a verdict to what a person reads: the refusal with its clauses and way forward, the permit with its duties.

use jiff::{SignedDuration, Timestamp};

use crate::domain::clause::Clause;
use crate::domain::decision::{Obligation, Permit, Reason, Refusal};
use crate::domain::finding::{Finding, Severity};

use super::judge::{Body, Verdict};
use super::rules::{Duty, Rule, RuleEffect};

/// A rule raised an error while it was evaluated. Cedar would skip it; here it refuses.
pub(super) fn guideline_error(rules: &[String]) -> Refusal {
    let mut refusal = Refusal::refused(
        "guideline-error",
        "ガイドラインの規則を正しく評価できなかったため、安全のため送信を止めました。",
        "A rule of the guideline could not be evaluated, so nothing was sent.",
        "投稿の内容を変えずに、システム管理者に連絡してください。",
    )
    .status(500)
    .citing("sekisho:guideline-error");
    refusal.rules = rules.to_vec();
    refusal
}

/// No rule permits the request.
fn no_permit() -> Refusal {
    Refusal::refused(
        "no-permit",
        "この操作を認める規則がガイドラインにありません。",
        "No rule of the guideline permits this.",
        "操作の内容を確認し、必要な場合は広報の担当に相談してください。",
    )
    .citing("sekisho:no-permit")
}

/// The account's body has no guideline in force.
pub(super) fn no_guideline() -> Refusal {
    Refusal::refused(
        "guideline-error",
        "このアカウントの組織には、施行中のガイドラインが登録されていません。",
        "The account's body has no guideline in force.",
        "システム管理者に連絡してください。",
    )
    .status(500)
    .citing("sekisho:guideline-error")
}

/// Turns a verdict into its words. Of several rules one gives code and sentence: a final one before a hold, one that a
/// guideline or law says before the gateway's own, then the first in the order of the files. The others are named, and
/// their clauses follow.
pub(super) fn explain(
    body: &Body,
    verdict: &Verdict,
    found: Found<'_>,
    report_hours: i64,
    operating_policy: Option<&str>,
    now: Timestamp,
) -> Result<Permit, Refusal> {
    match verdict {
        Verdict::Error(rules) => Err(guideline_error(rules)),
        Verdict::Forbidden(rules) => {
            let rules: Vec<&Rule> = rules.iter().filter_map(|index| body.rules.get(*index)).collect();
            let mut refusal = forbidden(&rules).unwrap_or_else(no_permit);
            cite_findings(&mut refusal, &rules, found);
            refusal.findings = found.findings.to_vec();
            Err(refusal)
        }
        Verdict::NoPermit => Err(no_permit()),
        Verdict::Permitted(index, beside) => {
            let Some(rule) = body.rules.get(*index) else { return Err(no_permit()) };
            let mut permit = permitted(rule, report_hours, operating_policy, now);
            for rule in beside.iter().filter_map(|index| body.rules.get(*index)) {
                let added = permitted(rule, report_hours, operating_policy, now);
                for clause in added.clauses {
                    if !permit.clauses.contains(&clause) {
                        permit.clauses.push(clause);
                    }
                }
                for obligation in added.obligations {
                    if !permit.obligations.contains(&obligation) {
                        permit.obligations.push(obligation);
                    }
                }
            }
            Ok(permit)
        }
    }
}

/// What the inspection found, and for which body it is judged.
#[derive(Clone, Copy)]
pub(super) struct Found<'f> {
    /// All findings.
    pub(super) findings: &'f [Finding],
    /// The body, as clauses begin: `nerima`.
    pub(super) organisation: &'f str,
}

/// Where the inspection is among the reasons, the clauses are those of what it found, in the judged body's own guideline,
/// and the way forward begins with what to change.
fn cite_findings(refusal: &mut Refusal, rules: &[&Rule], found: Found<'_>) {
    let inspected = |rule: &&Rule| rule.clauses.iter().any(|clause| clause.as_str() == "sekisho:inspection");
    if !rules.iter().any(inspected) {
        return;
    }
    let mut weighty: Vec<&Finding> =
        found.findings.iter().filter(|finding| finding.never || finding.severity >= Severity::Review).collect();
    weighty.sort_by_key(|finding| std::cmp::Reverse((finding.never, finding.severity)));
    let of_body = |clause: &&Clause| clause.as_str().split(':').next() == Some(found.organisation);
    let mut clauses: Vec<Clause> = Vec::new();
    for clause in weighty.iter().flat_map(|finding| &finding.clauses).filter(of_body).chain(&refusal.clauses) {
        if !clauses.contains(clause) {
            clauses.push(clause.clone());
        }
    }
    if clauses.iter().any(|clause| !clause.as_str().starts_with("sekisho:")) {
        clauses.retain(|clause| !clause.as_str().starts_with("sekisho:"));
    }
    // A sentence of the gateway's own about the inspection says by which clauses it was looked.
    for reason in
        refusal.reasons.iter_mut().filter(|it| it.clauses.iter().all(|it| it.as_str().starts_with("sekisho:")))
    {
        reason.clauses.clone_from(&clauses);
    }
    refusal.clauses = clauses;
    if let Some(first) = weighty.first() {
        refusal.way_forward.insert_str(0, &first.advice);
    }
}

fn forbidden(rules: &[&Rule]) -> Option<Refusal> {
    let is_hold = |rule: &Rule| matches!(rule.effect, RuleEffect::Forbid { hold: true, .. });
    let own = |clause: &Clause| clause.as_str().starts_with("sekisho:");
    let mut ordered: Vec<&Rule> = rules.to_vec();
    // Where a guideline or law says it, its words are heard before the gateway's own.
    ordered.sort_by_key(|rule| (is_hold(rule), rule.clauses.iter().all(own)));
    let first = ordered.first()?;
    let RuleEffect::Forbid { hold, code, forward, .. } = &first.effect else { return None };
    let mut refusal = Refusal::refused(code.clone(), first.ja.clone(), first.en.clone(), forward.clone());
    if *hold {
        refusal = refusal.held();
    }
    refusal.rules = ordered.iter().map(|rule| rule.id.clone()).collect();
    let mut clauses: Vec<Clause> = Vec::new();
    for clause in ordered.iter().flat_map(|rule| &rule.clauses) {
        if !clauses.contains(clause) {
            clauses.push(clause.clone());
        }
    }
    // The gateway's own citations only stand where no guideline or law says it.
    let by_guideline = clauses.iter().any(|clause| !own(clause));
    if by_guideline {
        clauses.retain(|clause| !own(clause));
    }
    let cited = ordered.iter().filter(|rule| !by_guideline || !rule.clauses.iter().all(own));
    refusal.reasons = cited.filter_map(|rule| reason(rule)).collect();
    refusal.clauses = clauses;
    Some(refusal)
}

fn reason(rule: &Rule) -> Option<Reason> {
    let RuleEffect::Forbid { forward, proposals, .. } = &rule.effect else { return None };
    Some(Reason {
        rule: rule.id.clone(),
        clauses: rule.clauses.clone(),
        sentence: rule.ja.clone(),
        sentence_en: rule.en.clone(),
        way_forward: forward.clone(),
        proposals: proposals.clone(),
    })
}

fn permitted(rule: &Rule, report_hours: i64, operating_policy: Option<&str>, now: Timestamp) -> Permit {
    let mut permit = Permit { rule: rule.id.clone(), clauses: rule.clauses.clone(), obligations: Vec::new() };
    let RuleEffect::Permit { duties, .. } = &rule.effect else { return permit };
    for duty in duties {
        match duty {
            Duty::AfterReport(within) => {
                let hours = if report_hours > 0 { report_hours } else { *within };
                permit.obligations.push(report(now, hours));
            }
            Duty::AfterReportIfAsked if report_hours > 0 => {
                permit.obligations.push(report(now, report_hours));
                permit.clauses.extend(operating_policy.map(|it| Clause::new(format!("operating-policy:{it}"))));
            }
            Duty::AfterReportIfAsked => {}
            Duty::Incident => permit.obligations.push(Obligation::Incident),
            Duty::Mark(mark) => permit.obligations.push(Obligation::Mark { mark: mark.clone() }),
            Duty::Notify(whom) => permit.obligations.push(Obligation::Notify { whom: *whom }),
        }
    }
    permit
}

fn report(now: Timestamp, hours: i64) -> Obligation {
    // A due time past the end of the calendar cannot come from a configured number of hours; now is the strict reading.
    let due = now.checked_add(SignedDuration::from_hours(hours)).unwrap_or(now);
    Obligation::AfterReport { due }
}
