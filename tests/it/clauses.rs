//! `docs/CLAUSES.md` says what the rules in force say. `SEKISHO_WRITE_CLAUSES=1 cargo test --test it clauses` writes it anew.

use std::fmt::Write as _;
use std::path::Path;

use sekisho::config::registry::Organisation;
use sekisho::domain::account::OrganisationId;
use sekisho::guideline::Guidelines;
use sekisho::guideline::rules::{Duty, Rule, RuleEffect};

use crate::rows::{self, Row};

const BODIES: [(&str, &str); 2] = [("nerima", "練馬区"), ("nagano", "長野市")];

fn effect(rule: &Rule) -> String {
    match &rule.effect {
        RuleEffect::Forbid { hold: true, code, .. } => format!("保留 `{code}`"),
        RuleEffect::Forbid { hold: false, code, .. } => format!("却下 `{code}`"),
        RuleEffect::Permit { duties, .. } => {
            let duties: Vec<String> = duties
                .iter()
                .map(|duty| match duty {
                    Duty::AfterReport(hours) => format!("事後報告（運用ポリシーに定めがなければ{hours}時間）"),
                    Duty::AfterReportIfAsked => "運用ポリシーが求めるときは事後報告".to_owned(),
                    Duty::Incident => "事案を記録".to_owned(),
                    Duty::Mark(mark) => format!("記録に「{mark}」"),
                    Duty::Notify(whom) => format!("通知 `{}`", whom.as_str()),
                })
                .collect();
            if duties.is_empty() { "許可".to_owned() } else { format!("許可（{}）", duties.join("、")) }
        }
    }
}

fn table<'r>(out: &mut String, rules: impl Iterator<Item = &'r Rule>) -> usize {
    out.push_str("| 根拠 | 規則 | 効果 | 利用者が読む文 |\n|---|---|---|---|\n");
    let mut rows = 0;
    for rule in rules {
        let clauses: Vec<&str> = rule.clauses.iter().map(|clause| clause.as_str()).collect();
        let sentence = rule.ja.replace('|', "\\|");
        writeln!(out, "| {} | `{}` | {} | {sentence} |", clauses.join(" "), rule.id, effect(rule)).unwrap();
        rows += 1;
    }
    rows
}

fn guidelines() -> Guidelines {
    let body = |(id, name): (&str, &str)| Organisation {
        id: OrganisationId::new(id),
        name: name.to_owned(),
        guideline: vec![format!("builtin:{id}").into()],
        sites: Vec::new(),
        periods: Vec::new(),
    };
    let config = sekisho::config::guideline::Guideline::default();
    Guidelines::load(&config, &BODIES.map(body)).unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// Every rule in force, with its body.
pub fn in_force() -> Vec<(String, Rule)> {
    let guidelines = guidelines();
    let of = |id: &str| guidelines.rules(&OrganisationId::new(id)).to_vec();
    BODIES.iter().flat_map(|(id, _)| of(id).into_iter().map(|rule| ((*id).to_owned(), rule))).collect()
}

/// The clauses of a body: grade, rules, scenes, and the sentence that is read first; what is open says why.
fn clauses(out: &mut String, body: &str, rules: &[Rule]) {
    out.push_str("| 条項 | 区分 | 求めること | 規則 | 場面 | 利用者が読む文 |\n|---|:-:|---|---|---|---|\n");
    let (mut done, mut of) = (0, 0);
    for row in rows::rows().into_iter().filter(|row| row.body() == body) {
        of += usize::from(row.is_graded());
        let Some(open) = &row.open else {
            done += usize::from(row.is_graded());
            let names = |names: &[String]| names.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(" ");
            let sentence = row.rules.iter().find_map(|id| rules.iter().find(|rule| rule.id == *id));
            let sentence = sentence.map_or("（関所の段階の文）", |rule| rule.ja.as_str());
            let Row { id, grade, what, .. } = &row;
            let (by, scenes) = (names(&row.rules), names(&row.scenes()));
            writeln!(out, "| {id} | {grade} | {what} | {by} | {scenes} | {sentence} |").unwrap();
            continue;
        };
        writeln!(out, "| {} | {} | {} | — | — | {open} |", row.id, row.grade, row.what).unwrap();
    }
    assert!(done > 10 && of >= done);
    write!(out, "\n関所にできることのある{of}行のうち、{done}行に規則と二つの場面があります。\n").unwrap();
}

fn written() -> String {
    let guidelines = guidelines();
    let mut out = String::from(
        "# 規則と根拠\n\nEvery clause of the two guidelines, and the rules that ship. Made from `config/guidelines/rows.toml` and \
         `*.cedar` by `tests/it/clauses.rs`,\nwhich fails when this page is stale; to write it anew: \
         `SEKISHO_WRITE_CLAUSES=1 cargo test --test it clauses`.\n\n\
         区分: F は関所がすべて担えるもの、P は一部を担えるもの、R は記録だけのもの、N は関所の外のもの。\
         場面は `tests/it` にある試験の名前で、通る場面と止まる場面が一つずつあります。\n\
         保留は承認や登録が整えば通るもの、却下はそのままでは通らないものです。\n",
    );
    let common = |rule: &&Rule| rule.id.starts_with("common.");
    let mut shared: Vec<&Rule> = Vec::new();
    for (id, name) in BODIES {
        let rules = guidelines.rules(&OrganisationId::new(id));
        write!(out, "\n## {name} (`{id}`)\n\n").unwrap();
        clauses(&mut out, id, rules);
        out.push_str("\n### 規則\n\n");
        assert!(table(&mut out, rules.iter().filter(|rule| !common(rule))) > 5, "{name} has hardly any rule");
        let instead: Vec<String> = rules
            .iter()
            .filter_map(|rule| rule.replaces.as_ref().map(|it| format!("`{}` が `{it}`", rule.id)))
            .collect();
        if !instead.is_empty() {
            write!(out, "\n共通の規則に代わるもの: {}。\n", instead.join("、")).unwrap();
        }
        for rule in rules.iter().filter(common) {
            if !shared.iter().any(|known| known.id == rule.id) {
                shared.push(rule);
            }
        }
    }
    shared.sort_by_key(|rule| rule.line);
    out.push_str("\n## 共通（どの団体にも、緊急のときにも）\n\n");
    assert!(table(&mut out, shared.into_iter()) > 5, "there are hardly any common rules");
    out
}

#[test]
fn the_page_of_clauses_is_what_the_rules_say() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/CLAUSES.md");
    let written = written();
    if std::env::var_os("SEKISHO_WRITE_CLAUSES").is_some() {
        std::fs::write(&page, &written).unwrap();
    }
    let kept = std::fs::read_to_string(&page).unwrap_or_default();
    assert!(kept == written, "docs/CLAUSES.md is stale: SEKISHO_WRITE_CLAUSES=1 cargo test --test it clauses");
}

fn sources(dir: &Path, text: &mut String) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|end| end == "rs") {
            text.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn the_page_of_threats_names_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut text = String::new();
    sources(&root.join("src"), &mut text);
    sources(&root.join("tests/it"), &mut text);
    let page = std::fs::read_to_string(root.join("docs/THREATS.md")).unwrap();
    let named: Vec<&str> = page.split('`').skip(1).step_by(2).filter(|name| name.matches('_').count() >= 3).collect();
    let gone: Vec<&&str> = named.iter().filter(|name| !text.contains(&format!("fn {name}()"))).collect();
    assert_eq!(gone, Vec::<&&str>::new());
    assert!(named.len() > 30, "{named:?}");
}
