use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    case: Vec<Written>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    text: String,
    category: Option<String>,
    severity: Option<String>,
}

fn cases(text: &str) -> Vec<Written> {
    toml::from_str::<Cases>(text).unwrap().case
}

/// The built-in rules, read once for all tests.
pub(super) fn rules() -> &'static RuleSet {
    static RULES: std::sync::OnceLock<RuleSet> = std::sync::OnceLock::new();
    RULES.get_or_init(|| {
        RuleSet::load(&crate::config::inspect::Inspect::default()).unwrap_or_else(|problems| panic!("{problems:?}"))
    })
}

/// What is wrong with the findings of a case, if anything.
fn check(rules: &RuleSet, case: &Written) -> Option<String> {
    let findings = inspect(rules, &example(&case.text)).findings;
    let told = || Some(format!("{:?}: {findings:?}", case.text));
    let Some(category) = &case.category else { return if findings.is_empty() { None } else { told() } };
    let worst = findings.iter().filter(|it| it.category == *category).map(|it| it.severity).max();
    let only = findings.iter().all(|it| it.category == *category || it.category == "obfuscation");
    let spans =
        findings.iter().all(|it| case.text.get(it.span.0..it.span.1).is_some_and(|matched| !matched.is_empty()));
    if worst.map(Severity::as_str) == case.severity.as_deref() && only && spans { None } else { told() }
}

fn check_all(text: &str, at_least: usize) {
    let (rules, cases) = (rules(), cases(text));
    assert!(cases.len() >= at_least, "{} cases", cases.len());
    let wrong: Vec<String> = cases.iter().filter_map(|case| check(rules, case)).collect();
    assert!(wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn what_must_be_found_is_found_plain_and_disguised() {
    check_all(include_str!("../../tests/cases/inspect/catch.toml"), 60);
}

#[test]
fn what_municipalities_write_every_day_is_left_alone() {
    check_all(include_str!("../../tests/cases/inspect/benign.toml"), 60);
}

#[test]
fn each_rule_finds_its_own_canary() {
    let rules = rules();
    assert!(rules.canaries().len() >= 9);
    assert_eq!(rules.self_test(), Vec::<String>::new());
}

#[test]
fn the_list_is_long_enough_and_says_what_the_hosts_are() {
    let rules = rules();
    assert!(rules.shorteners.len() >= 500, "{}", rules.shorteners.len());
    for host in
        ["bit.ly", "t.co", "x.gd", "ux.nu", "urx.nu", "ur0.jp", "ur2.link", "onl.tw", "onl.la", "onl.bz", "00m.in"]
    {
        assert_eq!(rules.shorteners.kind(host), Some(shorteners::Kind::Shortener), "{host}");
    }
    assert_eq!(rules.shorteners.kind("maps.app.goo.gl"), Some(shorteners::Kind::Native));
    assert_eq!(rules.shorteners.kind("app.goo.gl"), Some(shorteners::Kind::Shortener));
    for host in ["orbit.ly", "bit.ly.example.jp", "ly", "city.nerima.tokyo.jp"] {
        assert_eq!(rules.shorteners.kind(host), None, "{host}");
    }
}

#[test]
fn a_list_with_a_mistake_is_not_loaded_and_the_line_is_told() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "# ours\nbit.ly\nhttps://bit.ly/\nbit.ly\nx.gd nativ\n").unwrap();
    let config = crate::config::inspect::Inspect { shorteners: vec![file.path().to_owned()], ..Default::default() };
    let Err(problems) = RuleSet::load(&config) else { panic!("loaded") };
    assert_eq!(problems.iter().map(|it| it.line).collect::<Vec<_>>(), [Some(3), Some(4), Some(5)]);
    let missing =
        crate::config::inspect::Inspect { shorteners: vec!["/nowhere/list.txt".into()], ..Default::default() };
    assert!(RuleSet::load(&missing).is_err());
}

#[test]
fn every_string_of_a_post_is_read_and_the_field_named() {
    let rules = rules();
    let text = || Tree::Text("https://bit.ly/x".into());
    let mut post = example("お知らせ");
    post.rest.insert("/card/uri".into(), text());
    post.audience.insert("/reply".into(), text());
    post.media.push(crate::domain::media::Media {
        id: "7".into(),
        sha256: crate::domain::media::Sha256::of(b""),
        len: 0,
        alt: Some("https://bit.ly/x".into()),
    });
    let report = inspect(rules, &post);
    let fields: Vec<&str> = report.findings.iter().map(|finding| finding.field.as_str()).collect();
    assert_eq!(fields, ["media:7", "/reply", "/card/uri"]);
    assert_eq!((report.fields, report.rules.as_str()), (4, rules.hash()));
}

#[test]
fn a_link_field_needs_no_scheme_and_no_path() {
    let value = Tree::Text("bit.\nly".into());
    let field = Field { role: Role::Link, at: "/link".into(), value };
    let report = inspect(rules(), &Post { fields: vec![field], ..Post::default() });
    assert_eq!(report.worst(), Some(Severity::Block));
}

#[test]
fn an_individual_number_is_masked_and_never_passes() {
    let report = inspect(rules(), &example("個人番号 1234-5678-9018 です"));
    let [finding] = report.findings.as_slice() else { panic!("{report:?}") };
    assert!(finding.never && !finding.excerpt.contains(|c: char| c.is_ascii_digit()), "{finding:?}");
    assert!(!format!("{finding:?}").contains("9018"));
}

#[test]
fn what_is_over_a_limit_is_read_whole_and_says_so() {
    let rules = rules();
    let long = format!("{}https://bit.ly/x", "あ".repeat(LONG_FIELD));
    let findings = inspect(rules, &example(&long)).findings;
    let categories: Vec<&str> = findings.iter().map(|finding| finding.category.as_str()).collect();
    assert_eq!(categories, ["url_shortener", "too_complex"]);
    let links = inspect(rules, &example(&"https://example.jp/ ".repeat(MANY_LINKS + 1))).findings;
    assert!(links.iter().any(|finding| finding.category == "too_complex"));
    let nested = format!("%{}62it.ly/x", "25".repeat(6));
    assert!(inspect(rules, &example(&nested)).findings.iter().any(|it| it.category == "too_complex"));
}

/// Over a limit somebody looks; nothing of the kind may simply pass.
#[test]
fn what_wears_an_inspector_out_is_never_let_through() {
    let urls: String = (0..10_000).map(|n| format!("https://www.city.example.lg.jp/{n} ")).collect();
    let nested = format!("%{}62it.ly/x", "25".repeat(12_000));
    let zero_width = format!("お知らせ{}", "\u{200b}".repeat(22_000));
    let deep = format!("&{}lt;b&gt;", "amp;".repeat(12_000));
    for (text, category) in
        [(urls, "too_complex"), (nested, "too_complex"), (zero_width, "too_complex"), (deep, "too_complex")]
    {
        let report = inspect(rules(), &example(&text));
        assert!(report.worst() >= Some(Severity::Review), "{:.40}", text);
        assert!(report.findings.iter().any(|it| it.category == category), "{:.40}: {:?}", text, report.findings);
    }
}

#[test]
fn many_findings_do_not_hide_one_of_another_kind() {
    let text = format!("{}【部外秘】", "bit.ly/x ".repeat(MANY_FINDINGS + 50));
    let findings = inspect(rules(), &example(&text)).findings;
    assert!(findings.iter().any(|finding| finding.category == "label"));
    assert!(findings.len() <= MANY_FINDINGS + 1);
}

mod causes;
mod corpus;
mod disguises;
mod local;
pub(in crate::inspect) mod mixed;
mod unseen;
