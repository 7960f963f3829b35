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
    /// What finds no canary whatever the file says, since the built-in lists are not there.
    silent: Vec<String>,
}

/// A rule file alone, without the built-in ones, so that the text is what is read.
static FILES: LazyLock<Files> = LazyLock::new(|| {
    let dir = tempfile::tempdir().unwrap();
    let (rules, list) = (dir.path().join("rules.toml"), dir.path().join("list.txt"));
    std::fs::write(&list, "bit.ly\n").unwrap();
    let config = Inspect { rules: vec![rules.clone()], shorteners: vec![list], ..Inspect::default() };
    std::fs::write(&rules, "").unwrap();
    let silent = RuleSet::load(&config).unwrap_or_else(|_| panic!("an empty file is a rule file")).self_test();
    Files { _dir: dir, rules, config, silent }
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
            assert!(silent.iter().all(|rule| FILES.silent.contains(rule)), "{silent:?}");
        }
        Err(problems) => {
            assert!(!problems.is_empty());
            assert!(problems.iter().all(|problem| !problem.reason.is_empty()));
        }
    }
});
