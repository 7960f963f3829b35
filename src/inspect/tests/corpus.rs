//! The corpus: what must pass, what must be found, and what is made of it by every disguise and in every field. The
//! figures are printed for each category (`cargo test --lib inspect::tests::corpus -- --nocapture`), and the targets are
//! fixed here.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::disguises::ALL;
use super::rules;
use crate::domain::finding::{Finding, Severity};
use crate::domain::post::{Field, Post, Role};
use crate::domain::tree::Tree;
use crate::inspect::{example, inspect};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Benign {
    pub(super) topics: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Catch {
    pub(super) group: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    pub(super) category: String,
    pub(super) clause: String,
    pub(super) severity: Severity,
    pub(super) texts: Vec<String>,
}

/// How many were tried, found, and found with the weight expected.
#[derive(Default)]
struct Tally {
    all: usize,
    found: usize,
    weight: usize,
}

pub(super) fn benign() -> Vec<String> {
    [
        include_str!("../../../tests/cases/inspect/benign/benign_ja.toml"),
        include_str!("../../../tests/cases/inspect/benign/benign_other.toml"),
        include_str!("../../../tests/cases/inspect/benign/benign_more.toml"),
        include_str!("../../../tests/cases/inspect/benign/benign_new.toml"),
    ]
    .into_iter()
    .flat_map(|text| toml::from_str::<Benign>(text).unwrap().topics)
    .collect()
}

pub(super) fn groups() -> Vec<Group> {
    [
        include_str!("../../../tests/cases/inspect/catch_plain.toml"),
        include_str!("../../../tests/cases/inspect/catch_more.toml"),
    ]
    .into_iter()
    .flat_map(|text| toml::from_str::<Catch>(text).unwrap().group)
    .collect()
}

fn findings(post: &Post) -> Vec<Finding> {
    inspect(rules(), post).findings
}

/// Whether the category was found, with which clause, and how heavily.
pub(super) fn heaviest(findings: &[Finding], group: &Group) -> Option<Severity> {
    let of = findings.iter().filter(|it| it.category == group.category);
    of.filter(|it| it.clauses.iter().any(|clause| clause.as_str() == group.clause)).map(|it| it.severity).max()
}

fn told(name: &str, tally: &BTreeMap<String, Tally>) -> (usize, usize, usize) {
    let (mut all, mut found, mut weight) = (0, 0, 0);
    for (category, it) in tally {
        eprintln!("{name:10} {category:20} {:4} of {:4} found, {:4} at weight", it.found, it.all, it.weight);
        (all, found, weight) = (all + it.all, found + it.found, weight + it.weight);
    }
    eprintln!("{name:10} {:20} {found:4} of {all:4} found, {weight:4} at weight", "TOGETHER");
    (all, found, weight)
}

#[test]
fn what_is_about_a_subject_passes_in_five_languages() {
    let texts = benign();
    assert!(texts.len() >= 500, "{} texts", texts.len());
    let (mut flagged, mut blocked) = (Vec::new(), 0);
    for text in &texts {
        let findings = findings(&example(text));
        if let Some(first) = findings.first() {
            flagged.push(format!("{text}: {} {:?}", first.rule, first.excerpt));
            blocked += usize::from(findings.iter().any(|it| it.severity == Severity::Block));
        }
    }
    eprintln!("benign: {} of {} flagged, {blocked} blocked\n{}", flagged.len(), texts.len(), flagged.join("\n"));
    // At most 1 % flagged and 0.2 % blocked.
    assert!(flagged.len() * 100 <= texts.len() && blocked * 500 <= texts.len());
}

#[test]
fn what_is_prohibited_is_found_plain_with_its_clause() {
    let (mut tally, mut missed) = (BTreeMap::<String, Tally>::new(), Vec::new());
    let mut tried = 0;
    for group in groups() {
        for text in &group.texts {
            let found = heaviest(&findings(&example(text)), &group);
            let entry = tally.entry(group.category.clone()).or_default();
            entry.all += 1;
            entry.found += usize::from(found.is_some());
            entry.weight += usize::from(found >= Some(group.severity));
            if found.is_none() {
                missed.push(text.clone());
            }
            tried += 1;
        }
    }
    let (all, found, weight) = told("plain", &tally);
    eprintln!("missed: {missed:?}");
    assert!(tried >= 500 && tally.len() >= 25, "{tried} texts, {} categories", tally.len());
    assert!(found * 100 >= all * 95 && weight * 100 >= all * 90);
    for (category, it) in &tally {
        assert!(it.found * 100 >= it.all * 85, "{category}: {} of {}", it.found, it.all);
    }
}

#[test]
fn what_is_disguised_is_found() {
    let mut by_way = BTreeMap::<String, Tally>::new();
    let mut by_category = BTreeMap::<String, Tally>::new();
    let mut missed = Vec::new();
    for group in groups().iter().filter(|group| group.category != "notice") {
        for (n, text) in group.texts.iter().enumerate() {
            // Each text in every sixth way, so that every group meets every way.
            for (name, disguise) in ALL.iter().enumerate().filter(|(way, _)| (way + n) % 6 == 0).map(|(_, it)| it) {
                let Some(disguised) = disguise(text) else { continue };
                let found = heaviest(&findings(&example(&disguised)), group);
                for (tally, key) in [(&mut by_way, (*name).to_owned()), (&mut by_category, group.category.clone())] {
                    let entry = tally.entry(key).or_default();
                    entry.all += 1;
                    entry.found += usize::from(found.is_some());
                    entry.weight += usize::from(found >= Some(group.severity));
                }
                if found.is_none() {
                    missed.push(format!("{name}: {disguised}"));
                }
            }
        }
    }
    told("by way", &by_way);
    let (all, found, _) = told("disguised", &by_category);
    eprintln!("missed:\n{}", missed.join("\n"));
    assert!(by_way.len() >= 30 && all >= 1500, "{} ways, {all} texts", by_way.len());
    assert!(found * 100 >= all * 95, "{found} of {all}");
}

/// What a clerk is told: where, by which clause, and what to change; and nothing that is personal or secret.
#[test]
fn every_finding_tells_where_why_and_what_to_change_and_shows_no_secret() {
    let (mut all, mut masked) = (0, 0);
    for group in groups() {
        for (n, text) in group.texts.iter().enumerate() {
            let disguised = ALL.iter().skip(n % 6).step_by(6).filter_map(|(_, disguise)| disguise(text));
            for text in std::iter::once(text.clone()).chain(disguised) {
                let findings = findings(&example(&text));
                for it in findings.iter().filter(|it| it.category != "too_complex") {
                    all += 1;
                    let span = text.get(it.span.0..it.span.1);
                    assert!(span.is_some_and(|it| !it.is_empty()), "{text}: {it:?}");
                    assert!(!it.clauses.is_empty() && it.advice.ends_with('。'), "{text}: {it:?}");
                    assert!(it.advice.chars().any(|c| matches!(c, 'ぁ'..='ゖ')), "{it:?}");
                }
                for secret in findings.iter().filter(|it| crate::inspect::is_masked(&it.category)) {
                    masked += 1;
                    assert!(secret.excerpt.chars().all(|c| c == '●'), "{secret:?}");
                    let seen = text.get(secret.span.0..secret.span.1).unwrap();
                    let told = seen.chars().count() >= 4 && findings.iter().any(|it| it.excerpt.contains(seen));
                    assert!(!told, "{text}: {findings:?}");
                }
            }
        }
    }
    assert!(all >= 1000 && masked >= 300, "{all} findings, {masked} masked");
}

#[test]
fn what_is_prohibited_is_found_in_every_field_and_in_long_texts() {
    let long = "本日の催しについてお知らせします。会場は中央図書館です。\n\n".repeat(20);
    let (mut all, mut found, mut missed) = (0, 0, Vec::new());
    for group in groups().iter().filter(|group| group.category != "notice") {
        for (n, text) in group.texts.iter().enumerate() {
            let mut post = example("お知らせします");
            match n % 5 {
                0 => post.media.push(crate::domain::media::Media {
                    id: "1".into(),
                    sha256: crate::domain::media::Sha256::of(b""),
                    len: 0,
                    alt: Some(text.clone()),
                }),
                1 => drop(post.rest.insert("/card/text".into(), Tree::Text(text.clone()))),
                2 => drop(post.audience.insert("/audience".into(), Tree::Text(text.clone()))),
                3 => {
                    let role = Role::Label;
                    post.fields.push(Field { role, at: "/poll/0".into(), value: Tree::Text(text.clone()) });
                }
                _ => post = example(&format!("{long}{text}\n\n{long}")),
            }
            all += 1;
            if heaviest(&findings(&post), group).is_some() {
                found += 1;
            } else {
                missed.push(text.clone());
            }
        }
    }
    eprintln!("fields and long texts: {found} of {all}; missed {missed:?}");
    assert!(all >= 500 && found * 100 >= all * 96, "{found} of {all}");
}
