//! The shape of the house: who may import whom, how long files and functions may be, what may be named where.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Each top-level module and what it may import of the crate.
const ARROWS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("config", &["domain"]),
    ("store", &["domain", "config"]),
    ("observe", &["domain", "config"]),
    ("listen", &["domain", "config", "observe"]),
    ("identify", &["domain", "config"]),
    ("recognise", &["domain", "config"]),
    // `extract` reads by the route that `recognise` found: the definition is the one type they share.
    ("extract", &["domain", "config", "recognise"]),
    ("inspect", &["domain", "config"]),
    ("guideline", &["domain", "config"]),
    ("approve", &["domain", "config", "store"]),
    ("exempt", &["domain", "config", "store"]),
    // Who may change the registry: a pure module, heard by the ledger before it writes.
    ("registry", &["domain"]),
    ("ledger", &["domain", "config", "store", "registry"]),
    ("forward", &["domain", "config", "ledger"]),
    ("fetch", &["domain", "config"]),
    ("media", &["domain", "config"]),
    (
        "gate",
        &[
            "domain",
            "config",
            "observe",
            "identify",
            "recognise",
            "extract",
            "inspect",
            "approve",
            "exempt",
            "guideline",
            "ledger",
            "forward",
        ],
    ),
    ("stream", &["domain", "config", "store", "ledger"]),
    ("credentials", &["domain", "config", "store", "ledger"]),
    ("egress", &[]),
    ("emergency", &["domain", "config", "store", "ledger"]),
    (
        "console",
        &["domain", "config", "store", "registry", "ledger", "approve", "exempt", "stream", "emergency", "observe"],
    ),
    ("practice", &["domain", "config"]),
    (
        "serve",
        &[
            "domain",
            "config",
            "store",
            "observe",
            "listen",
            "identify",
            "recognise",
            "extract",
            "inspect",
            "guideline",
            "approve",
            "exempt",
            "ledger",
            "forward",
            "fetch",
            "media",
            "gate",
            "stream",
            "emergency",
            "credentials",
            "egress",
            "console",
            "practice",
        ],
    ),
    ("demo", &["domain", "config", "serve", "practice"]),
    (
        "cli",
        &[
            "domain",
            "config",
            "serve",
            "demo",
            "practice",
            "recognise",
            "extract",
            "fetch",
            "inspect",
            "guideline",
            "approve",
            "exempt",
            "ledger",
            "emergency",
            "egress",
            "observe",
        ],
    ),
    ("main", &["cli"]),
    ("lib", &[]),
];

/// Crates that only some modules may name.
const NAMED_ONLY_BY: &[(&str, &[&str])] = &[
    ("reqwest", &["forward", "fetch"]),
    ("cedar_policy", &["guideline"]),
    ("rusqlite", &["store"]),
    ("thread_priority", &["store"]),
];

struct Source {
    path: PathBuf,
    module: String,
    text: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    walk(&root, &mut found);
    found
        .into_iter()
        .filter(|path| path.extension().is_some_and(|end| end == "rs"))
        .filter(|path| !path.with_extension("").components().any(|part| part.as_os_str() == "tests"))
        .map(|path| {
            let inside = path.strip_prefix(&root).unwrap();
            let first = inside.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
            let module = first.strip_suffix(".rs").unwrap_or(&first).to_owned();
            let text = without_tests(&std::fs::read_to_string(&path).unwrap());
            Source { path: inside.to_owned(), module, text }
        })
        .collect()
}

fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { walk(&path, found) } else { found.push(path) }
    }
}

/// The text up to the test module, which stands last in a file.
fn without_tests(text: &str) -> String {
    text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default().to_owned()
}

/// The crate's modules that a source names: `crate::x`, also inside `use crate::{x, y::z}`.
fn imports(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    for rest in code.split("crate::").skip(1) {
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut word = String::new();
            let mut heads = Vec::new();
            for c in group.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => heads.push(std::mem::take(&mut word)),
                    c if depth == 0 && !c.is_whitespace() => word.push(c),
                    _ => {}
                }
            }
            heads.push(word);
            found.extend(heads.iter().filter_map(|head| head.split("::").next()).map(str::to_owned));
        } else {
            found.insert(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
        }
    }
    found.retain(|name| !name.is_empty());
    found
}

/// Every arrow that the table does not allow, in words.
fn wrong_arrows(sources: &[(String, PathBuf, BTreeSet<String>)]) -> Vec<String> {
    let allowed: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    let mut wrong = Vec::new();
    for (module, path, imports) in sources {
        match allowed.get(module.as_str()) {
            None => wrong.push(format!("{}: the module {module} is not in the table", path.display())),
            Some(may) => {
                for name in imports {
                    let known = allowed.contains_key(name.as_str());
                    if known && name != module && !may.contains(&name.as_str()) {
                        wrong.push(format!("{}: {module} imports {name}", path.display()));
                    }
                }
            }
        }
    }
    wrong
}

#[test]
fn every_import_follows_the_arrows() {
    let all: Vec<_> = sources().into_iter().map(|s| (s.module, s.path, imports(&s.text))).collect();
    assert!(all.len() > 40, "only {} files were looked at", all.len());
    assert_eq!(wrong_arrows(&all), Vec::<String>::new());
}

#[test]
fn the_arrow_test_fails_when_a_stage_imports_another() {
    let text = "use crate::domain::post::Post;\nuse crate::{config, inspect::{self, RuleSet}};\n// use crate::store;\n";
    let stage = [("approve".to_owned(), PathBuf::from("approve.rs"), imports(text))];
    assert_eq!(wrong_arrows(&stage), ["approve.rs: approve imports inspect"]);
    let direct =
        [("inspect".to_owned(), PathBuf::from("inspect.rs"), imports("fn f() { crate::guideline::decide() }"))];
    assert_eq!(wrong_arrows(&direct), ["inspect.rs: inspect imports guideline"]);
}

#[test]
fn dear_crates_are_named_only_where_they_belong() {
    let sources = sources();
    for (name, homes) in NAMED_ONLY_BY {
        let mut named = 0;
        for source in &sources {
            let names = source.text.contains(&format!("{name}::"));
            assert!(!names || homes.contains(&source.module.as_str()), "{} names {name}", source.path.display());
            named += usize::from(names);
        }
        assert!(named > 0, "nobody names {name}, so this test shows nothing");
    }
}

#[test]
fn only_forward_lets_an_entered_request_go() {
    let callers: Vec<_> = sources().into_iter().filter(|s| s.text.contains(".depart()")).map(|s| s.module).collect();
    assert_eq!(callers, ["forward"]);
}

#[test]
fn only_the_clock_reads_the_time() {
    for source in sources() {
        let reads = source.text.contains("Timestamp::now()") || source.text.contains("SystemTime::now()");
        assert!(!reads || source.path.ends_with("domain/clock.rs"), "{}", source.path.display());
    }
}

#[test]
fn files_are_small_and_say_what_they_are() {
    let mut lengths = Vec::new();
    for source in sources() {
        let lines = source.text.lines().count();
        assert!(source.text.starts_with("//!"), "{} does not begin with its doc", source.path.display());
        assert!(lines <= 500, "{} has {lines} lines", source.path.display());
        lengths.push(lines);
    }
    lengths.sort_unstable();
    assert!(lengths[lengths.len() / 2] <= 200, "the median file has {} lines", lengths[lengths.len() / 2]);
}

#[test]
fn no_drawer_for_odds_and_ends() {
    let drawers = ["utils.rs", "util.rs", "common.rs", "types.rs", "mod.rs", "helpers.rs", "misc.rs"];
    for source in sources() {
        let name = source.path.file_name().unwrap().to_string_lossy().into_owned();
        assert!(!drawers.contains(&name.as_str()), "{}", source.path.display());
    }
}
