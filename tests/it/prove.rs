//! What `tests/prove` proves is what the gateway loads; and what rules cite and oblige to is closed.

use std::collections::BTreeMap;
use std::path::Path;

use sekisho::config::registry::Organisation;
use sekisho::domain::account::OrganisationId;
use sekisho::guideline::Guidelines;

use crate::{clauses, rows};

#[path = "../prove/src/in_force.rs"]
mod in_force;

fn shipped(file: &str) -> String {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/guidelines");
    std::fs::read_to_string(dir.join(file)).unwrap()
}

#[test]
fn what_is_proven_are_the_rules_that_the_gateway_loads() {
    let mut compared = 0;
    for body in ["nerima", "nagano"] {
        let proven = in_force::in_force(&shipped(&format!("{body}.cedar")), &shipped("common.cedar")).unwrap();
        let proven: BTreeMap<String, String> =
            proven.iter().map(|rule| (rule.id().to_string(), rule.to_string())).collect();
        let loaded: BTreeMap<String, String> = clauses::in_force()
            .into_iter()
            .filter(|(of, _)| of == body)
            .map(|(_, rule)| (rule.id.clone(), rule.text()))
            .collect();
        assert_eq!(proven, loaded, "{body}");
        compared += loaded.len();
    }
    assert!(compared > 100, "{compared} rules");
}

#[test]
fn the_proofs_speak_of_the_cedar_that_judges() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let version = |lock: &str| {
        let text = std::fs::read_to_string(root.join(lock)).unwrap();
        let at = text.find("name = \"cedar-policy-core\"\nversion = ").unwrap();
        text[at..].lines().nth(1).unwrap().to_owned()
    };
    assert_eq!(version("tests/prove/Cargo.lock"), version("Cargo.lock"));
}

#[test]
fn every_rule_cites_a_clause_that_is_listed() {
    let rows = rows::rows();
    let mut cited = 0;
    let mut unknown = Vec::new();
    for (body, rule) in clauses::in_force() {
        assert!(!rule.clauses.is_empty(), "{} cites nothing", rule.id);
        for clause in rule.clauses.iter().map(|clause| clause.as_str()) {
            // The law, the national guideline and the gateway's own sentences have no rows.
            if !clause.starts_with("nerima:") && !clause.starts_with("nagano:") {
                continue;
            }
            assert!(clause.starts_with(&format!("{body}:")), "{} in {body} cites {clause}", rule.id);
            cited += 1;
            if !rows.iter().any(|row| row.id == clause || row.cited() == clause) {
                unknown.push(format!("{}: {clause}", rule.id));
            }
        }
    }
    assert_eq!(unknown, Vec::<String>::new());
    assert!(cited > 90, "{cited}");
}

fn load(rule: &str) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("extra.cedar");
    std::fs::write(&file, format!("// One rule.\n\n{rule}\n")).unwrap();
    let organisation = Organisation {
        id: OrganisationId::new("nerima"),
        name: "練馬区".to_owned(),
        guideline: vec!["builtin:nerima".into(), file.clone()],
        sites: Vec::new(),
        periods: Vec::new(),
    };
    let config = sekisho::config::guideline::Guideline::default();
    let problems = Guidelines::load(&config, &[organisation]).err().unwrap_or_default();
    for problem in &problems {
        assert_eq!((problem.file.as_deref(), problem.line), (Some(file.as_path()), Some(3)), "{problem}");
    }
    problems.into_iter().map(|problem| problem.reason).collect()
}

#[test]
fn a_duty_or_proposal_that_the_gateway_does_not_know_keeps_the_file_from_loading() {
    let permit = |word: &str| {
        format!(
            "@id(\"test.permit\") @clause(\"nerima:11\") @ja(\"文\") @en(\"text\") @rank(\"1\") @obligation(\"{word}\") \
             permit (principal, action == Action::\"publish\", resource) when {{ context.drill }};"
        )
    };
    let forbid = |word: &str| {
        format!(
            "@id(\"test.forbid\") @clause(\"nerima:11\") @ja(\"文\") @en(\"text\") @forward(\"道\") @code(\"test\") \
             @effect_kind(\"hold\") @canary(\"drill=true\") @obligation(\"{word}\") \
             forbid (principal, action == Action::\"publish\", resource) when {{ context.drill }};"
        )
    };
    let known = [
        permit("after-report"),
        permit("after-report:48h"),
        permit("after-report-if-asked mark:代決"),
        permit("notify:manager notify:public-relations notify:security"),
        forbid("propose-prefix:【所属名】 propose-suffix:（署名）"),
        forbid("propose-hashtag:防災 schedule:9:00"),
    ];
    for rule in &known {
        assert_eq!(load(rule), Vec::<String>::new(), "{rule}");
    }
    let unknown = [
        permit("after-reprot"),
        permit("after-report:0h"),
        permit("after-report:2d"),
        permit("notify:mayor"),
        permit("mark:"),
        permit("propose-prefix:【所属名】"),
        forbid("after-report"),
        forbid("propose-emoji:♪"),
        forbid("propose-prefix:"),
    ];
    for rule in &unknown {
        let reasons = load(rule);
        assert!(reasons.iter().any(|reason| reason.contains("@obligation names no")), "{rule}: {reasons:?}");
    }
}
