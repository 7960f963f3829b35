//! A body's own words, exceptions and rules out of force; rule files with mistakes.

use jiff::civil::Date;

use super::super::{RuleSet, example, inspect, inspect_on};
use crate::config::inspect::Inspect;

fn load(local: &str, today: Option<Date>) -> Result<RuleSet, Vec<crate::config::Problem>> {
    let file = written(local);
    RuleSet::load_on(&Inspect { local: vec![file.path().to_owned()], ..Inspect::default() }, today)
}

fn written(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

fn rules_of(rules: &RuleSet, text: &str) -> Vec<String> {
    inspect(rules, &example(text)).findings.into_iter().map(|it| it.rule).collect()
}

#[test]
fn a_body_adds_excepts_and_disables_and_its_hash_tells() {
    let local = "
[[extend]]
rule = \"label.word\"
words = [\"ねりま限り\"]
[[except]]
rule = \"slander.abuse\"
phrase = \"くたばれ節分祭\"
reason = \"祭りの名前\"
until = 2027-03-31
[[disable]]
rule = \"rights.unlicensed\"
reason = \"様式で確認する\"
approved_by = \"広聴広報課長\"
";
    let rules = load(local, Some(Date::constant(2026, 11, 22))).unwrap_or_else(|it| panic!("{it:?}"));
    assert_eq!(rules_of(&rules, "ねりま限りの資料"), ["label.word"]);
    assert_eq!(rules_of(&rules, "くたばれ節分祭を開催"), Vec::<String>::new());
    assert_eq!(rules_of(&rules, "ネットから拾った画像"), Vec::<String>::new());
    assert_ne!(rules.hash(), super::rules().hash());
    // The same rules, read once: the exception falls with its last day.
    let on = |today: Date| {
        let report = inspect_on(&rules, &example("くたばれ節分祭を開催"), Some(today));
        report.findings.into_iter().map(|it| it.rule).collect::<Vec<_>>()
    };
    assert_eq!(on(Date::constant(2027, 3, 31)), Vec::<String>::new());
    assert_eq!(on(Date::constant(2027, 4, 1)), ["slander.abuse"]);
}

#[test]
fn a_rule_whose_own_example_fails_is_not_loaded_and_the_line_is_told() {
    let rule = |matches: &str| {
        format!(
            "[[rule]]\nid = \"own.word\"\ncategory = \"unsuitable\"\nclause = [\"nagano:7(1)ケ\"]\nseverity = \"review\"\nadvice = \"直す\"\nwords = [\"ねりま語\"]\nmatch = [\"{matches}\"]\nno_match = [\"お知らせ\"]\n"
        )
    };
    assert!(load(&rule("これはねりま語"), None).is_ok());
    let Err(problems) = load(&rule("お知らせ"), None) else { panic!("loaded") };
    let [problem] = problems.as_slice() else { panic!("{problems:?}") };
    assert_eq!(problem.line, Some(8));
    assert!(problem.reason.contains("own.word"), "{}", problem.reason);
}

/// Patterns are compiled after everything else is read; their mistakes stand where they are written all the same.
#[test]
fn mistakes_in_patterns_are_told_in_the_order_of_the_file() {
    let rule = |n: usize, pattern: &str, clause: &str| {
        format!(
            "[[rule]]\nid = \"own.{n}\"\ncategory = \"unsuitable\"\nclause = [{clause}]\nseverity = \"review\"\nadvice = \"直す\"\npatterns = [{{ re = \"{pattern}\" }}]\nmatch = [\"x\"]\nno_match = [\"y\"]\n"
        )
    };
    let clause = "\"nagano:7(1)ケ\"";
    let text =
        [rule(0, "(未", clause), rule(1, "x", ""), rule(2, "[未", clause), rule(3, "未)", clause), rule(4, "x", "")];
    let Err(problems) = load(&text.concat(), None) else { panic!("loaded") };
    let told: Vec<_> = problems.iter().map(|it| (it.line, it.reason.contains("clause"))).collect();
    assert_eq!(told, [(1, false), (10, true), (19, false), (28, false), (37, true)].map(|(n, it)| (Some(n), it)));
    for (n, problem) in problems.iter().enumerate() {
        assert!(problem.file.is_some() && problem.reason.contains(&format!("own.{n}")), "{problem:?}");
    }
}

#[test]
fn mistakes_in_a_file_are_told_with_their_line() {
    for (text, line) in [
        ("\n[[except]]\nrule = \"no.such\"\nphrase = \"x\"\nreason = \"y\"\n", 2),
        ("[[except]]\nrule = \"label.word\"\nphrase = \"x\"\nreason = \"\"\n", 1),
        ("[[except]]\nrule = \"label.word\"\nphrase = \"x\"\nreason = \"y\"\nuntil = \"soon\"\n", 1),
        ("\n\n[[disable]]\nrule = \"no.such\"\nreason = \"x\"\napproved_by = \"y\"\n", 3),
        ("[[extend]]\nrule = \"label.word\"\nwords = [\"x\"]\n", 1),
        ("\nwords = 1\n", 2),
    ] {
        let Err(problems) = load(text, None) else { panic!("loaded: {text}") };
        assert_eq!(problems.first().and_then(|it| it.line), Some(line), "{text}: {problems:?}");
    }
}
