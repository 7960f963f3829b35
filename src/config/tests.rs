//! The configuration cases of `tests/cases/config`, and layering.

use super::*;

fn cases(kind: &str) -> Vec<PathBuf> {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases/config").join(kind);
    let mut files: Vec<PathBuf> = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn write(dir: &tempfile::TempDir, name: &str, text: &str) -> PathBuf {
    let path = dir.path().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn environment(pairs: &[(&str, &str)]) -> HashMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn every_valid_case_loads() {
    let files = cases("valid");
    assert_eq!(files.len(), 5);
    for file in files {
        let loaded = load_with(std::slice::from_ref(&file), HashMap::new());
        assert!(loaded.is_ok(), "{}: {:?}", file.display(), loaded.err());
    }
}

#[test]
fn every_invalid_case_names_its_file_its_line_and_its_reason() {
    let files = cases("invalid");
    assert_eq!(files.len(), 37);
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let expected = text.lines().next().unwrap().strip_prefix("# expect: ").unwrap();
        let problems = load_with(std::slice::from_ref(&file), HashMap::new()).unwrap_err();
        let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert!(shown.iter().any(|line| line.contains(expected)), "{}: {shown:?}", file.display());
        for problem in &problems {
            assert_eq!(problem.file.as_ref(), Some(&file), "{problem}");
            assert!(problem.line.is_some_and(|line| line > 1), "{problem}");
        }
    }
}

#[test]
fn several_problems_are_reported_together() {
    let dir = tempfile::tempdir().unwrap();
    let file = write(&dir, "a.toml", "[listen]\nx = 1\n[store]\ny = 2\n[nothing]\n[[accounts]]\n[[accounts]]\n");
    let problems = load_with(&[file], HashMap::new()).unwrap_err();
    let mut lines: Vec<_> = problems.iter().map(|problem| problem.line.unwrap()).collect();
    lines.sort_unstable();
    assert_eq!(lines, [2, 4, 5, 6, 7]);
}

#[test]
fn a_later_file_and_then_the_environment_win() {
    let dir = tempfile::tempdir().unwrap();
    let first = write(
        &dir,
        "a.toml",
        "[store]\nurl = \"sqlite://a\"\n[emergency]\nmax_s = 60\n[providers.x]\nupstream = { \"api.x.com\" = \"127.0.0.1:1\" }\n",
    );
    let second = write(&dir, "b.toml", "[store]\nurl = \"sqlite://b\"\n[listen]\nconsole_tls = true\n");
    let vars = environment(&[
        ("SEKISHO__EMERGENCY__MAX_S", "120"),
        ("SEKISHO__LISTEN__GATEWAY", "127.0.0.1:7000"),
        ("SEKISHO__LISTEN__NAMES", "a.example,b.example"),
        ("OTHER__STORE__URL", "sqlite://no"),
    ]);
    let config = load_with(&[first, second], vars).unwrap();
    assert_eq!(config.store.url, "sqlite://b");
    assert_eq!(config.emergency.max_s, 120);
    assert_eq!(config.listen.gateway.port(), 7000);
    assert_eq!(config.listen.names, ["a.example", "b.example"]);
    assert!(config.listen.console_tls);
    let x = config.providers.get(&ProviderId::new("x")).unwrap();
    assert_eq!(x.upstream.get("api.x.com").unwrap().port(), 1);
}

#[test]
fn an_unknown_variable_is_an_error() {
    let problems = load_with(&[], environment(&[("SEKISHO__LISTEN__GATWAY", "127.0.0.1:1")])).unwrap_err();
    assert_eq!(problems.len(), 1);
    assert!(problems[0].reason.contains("gatway"), "{}", problems[0]);
}

#[test]
fn the_same_list_in_two_files_is_an_error_that_names_both() {
    let dir = tempfile::tempdir().unwrap();
    let text = "[[organisations]]\nid = \"a\"\nname = \"A\"\nguideline = []\n";
    let (first, second) = (write(&dir, "a.toml", text), write(&dir, "b.toml", text));
    let problems = load_with(&[first, second.clone()], HashMap::new()).unwrap_err();
    assert_eq!(problems.len(), 1);
    assert_eq!((problems[0].file.as_ref(), problems[0].line), (Some(&second), Some(1)));
    assert!(problems[0].reason.contains("a.toml:1"), "{}", problems[0]);
}

#[test]
fn a_file_that_is_not_there_is_a_problem() {
    let problems = load_with(&[PathBuf::from("/nonexistent/sekisho.toml")], HashMap::new()).unwrap_err();
    assert!(problems[0].reason.contains("cannot read the file"), "{}", problems[0]);
}

/// The file that is shipped, as a person finds it.
fn shipped() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("config/sekisho.toml")
}

/// The same with every example uncommented, and every `"..."` replaced by a hash of its own.
fn shipped_with_its_examples(placeholder: impl Fn(usize) -> String) -> String {
    let is_key = |rest: &str| {
        let name = rest.split(" = ").next().unwrap_or_default();
        rest.contains(" = ") && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    let text = std::fs::read_to_string(shipped()).unwrap();
    let mut lines = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let bare = line.strip_prefix("# ").filter(|rest| rest.starts_with('[') || is_key(rest)).unwrap_or(line);
        lines.push(bare.replace("\"...\"", &format!("\"{}\"", placeholder(number))));
    }
    lines.join("\n")
}

#[test]
fn what_the_shipped_file_says_is_the_default() {
    let mut shipped = load_with(&[shipped()], HashMap::new()).unwrap();
    let providers: Vec<_> = shipped.providers.keys().map(ToString::to_string).collect();
    assert_eq!(providers, ["line", "x"]);
    shipped.providers.clear();
    assert_eq!(format!("{shipped:#?}"), format!("{:#?}", Config::default()));
}

#[test]
fn the_shipped_file_knows_every_key_that_the_gateway_knows() {
    let text = shipped_with_its_examples(|_| "0".repeat(64));
    let mut sections = Vec::new();
    for entry in std::fs::read_dir(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/config")).unwrap() {
        let file = entry.unwrap().path();
        let section = file.file_stem().unwrap().to_str().unwrap().to_owned();
        if ["check", "load", "private", "roots", "tests"].contains(&section.as_str()) {
            continue;
        }
        let code = std::fs::read_to_string(file).unwrap();
        let fields = code.lines().filter_map(|line| line.strip_prefix("    pub ")).filter(|line| !line.contains('('));
        let keys: Vec<&str> = fields.map(|line| line.split(':').next().unwrap()).collect();
        assert!(!keys.is_empty(), "[{section}] has no key");
        for key in keys {
            let shown = [format!("\n{key} ="), format!(".{key}]"), format!("[{section}.{key}.")];
            assert!(shown.iter().any(|shown| text.contains(shown)), "[{section}] {key} is not in config/sekisho.toml");
        }
        sections.push(section);
    }
    assert!(sections.contains(&"gate".to_owned()) && sections.len() >= 12, "{sections:?}");
}

#[test]
fn the_examples_of_the_shipped_file_load_once_their_keys_are_filled_in() {
    let dir = tempfile::tempdir().unwrap();
    let file = write(&dir, "filled.toml", &shipped_with_its_examples(|number| format!("{number:064x}")));
    let config = load_with(&[file], HashMap::new()).unwrap_or_else(|problems| panic!("{problems:?}"));
    assert_eq!((config.organisations.len(), config.accounts.len(), config.clients.len()), (1, 1, 1));
    assert_eq!((config.people.len(), config.approve.issuers.len(), config.listen.origins.len()), (2, 1, 2));
    let policy = config.accounts[0].operating_policy.as_ref().unwrap();
    assert_eq!(policy.after_report_hours, Some(24));

    let file = write(&dir, "as-it-stands.toml", &shipped_with_its_examples(|_| "...".to_owned()));
    let problems = load_with(&[file], HashMap::new()).unwrap_err();
    let reasons: Vec<_> = problems.iter().map(|problem| problem.reason.as_str()).collect();
    assert!(reasons.iter().all(|reason| reason.contains("SHA-256")) && reasons.len() >= 2, "{reasons:?}");
}
