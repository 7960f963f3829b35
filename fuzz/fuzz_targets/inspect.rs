//! The inspector over any text: it ends, and its spans lie in the text.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sekisho::config::inspect::Inspect;
use sekisho::domain::post::{Field, Post, Role};
use sekisho::domain::tree::Tree;
use sekisho::inspect::{RuleSet, inspect};

static RULES: LazyLock<RuleSet> = LazyLock::new(|| RuleSet::load(&Inspect::default()).unwrap());

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data).into_owned();
    let field = Field { role: Role::Text, at: "/text".to_owned(), value: Tree::Text(text.clone()) };
    let post = Post { fields: vec![field], ..Post::default() };
    let report = inspect(&RULES, &post);
    assert_eq!(report.fields, 1);
    // A listed shortener on a line of its own is found whatever stands before it, or the text is too much to read: never
    // nothing.
    let text = format!("{text}\nhttps://bit.ly/3abc");
    let field = Field { role: Role::Text, at: "/text".to_owned(), value: Tree::Text(text) };
    let report = inspect(&RULES, &Post { fields: vec![field], ..Post::default() });
    assert!(report.findings.iter().any(|finding| ["url_shortener", "too_complex"].contains(&finding.category.as_str())));
});
