//! The loader of rule files over any text: it reads the file or says where it is wrong, and what it takes finds its own
//! canaries.
#![no_main]

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sekisho::config::inspect::Inspect;
use sekisho::inspect::RuleSet;
use sekisho::inspect::rulefile::Source;

struct Files {
    _dir: tempfile::TempDir,
    rules: PathBuf,
    config: Inspect,
}

/// A rule file alone, without the built-in ones, so that the text is what is read.
static FILES: LazyLock<Files> = LazyLock::new(|| {
    let dir = tempfile::tempdir().unwrap();
    let (rules, list) = (dir.path().join("rules.toml"), dir.path().join("list.txt"));
    std::fs::write(&list, "bit.ly\n").unwrap();
    let config = Inspect { rules: vec![rules.clone()], shorteners: vec![list], ..Inspect::default() };
    Files { _dir: dir, rules, config }
});

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Err(problem) = Source::read(Path::new("rules.toml"), text) {
        assert!(!problem.reason.is_empty());
        return;
    }
    std::fs::write(&FILES.rules, text).unwrap();
    match RuleSet::load(&FILES.config) {
        Ok(rules) => {
            let ids: Vec<String> = rules.canaries().into_iter().map(|(rule, _)| rule).collect();
            let silent = rules.self_test();
            assert!(silent.iter().all(|rule| ids.contains(rule)));
            // The detectors' own canaries need the built-in list; those of the file were proven while it was read.
            assert!(silent.iter().all(|rule| !text.contains(&format!("\"{rule}\""))), "{silent:?}");
        }
        Err(problems) => {
            assert!(!problems.is_empty());
            assert!(problems.iter().all(|problem| !problem.reason.is_empty()));
        }
    }
});
