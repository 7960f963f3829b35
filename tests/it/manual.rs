//! The manual for the people who run it says what the program says: every code it explains exists, and every code of a
//! guideline rule is explained.

use std::collections::BTreeSet;
use std::path::Path;

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

fn under(dir: &Path, end: &str, into: &mut String) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            under(&path, end, into);
        } else if path.extension().is_some_and(|it| it == end) {
            into.push_str(&read(&path));
        }
    }
}

#[test]
fn the_manual_explains_every_code_of_a_rule_and_none_that_does_not_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manual = read(&root.join("docs/operations.ja.md"));
    // A row explains one code, or several of one kind.
    let rows = manual.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |").map(|(codes, _)| codes));
    let explained: BTreeSet<&str> = rows.flat_map(|codes| codes.split("` `")).collect();
    assert!(explained.len() > 40, "{explained:?}");
    let (mut rules, mut source) = (String::new(), String::new());
    under(&root.join("config/guidelines"), "cedar", &mut rules);
    under(&root.join("src"), "rs", &mut source);
    let of_rules: BTreeSet<&str> =
        rules.split("@code(\"").skip(1).filter_map(|rest| rest.split_once('"').map(|(code, _)| code)).collect();
    assert!(of_rules.len() > 15, "{of_rules:?}");
    assert_eq!(of_rules.difference(&explained).collect::<Vec<_>>(), Vec::<&&str>::new(), "not in the manual");
    for code in &explained {
        assert!(of_rules.contains(code) || source.contains(&format!("\"{code}\"")), "{code} exists nowhere");
    }
}

#[test]
fn the_commands_in_the_manual_are_commands() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut seen = 0;
    for file in ["docs/operations.ja.md", "README.ja.md"] {
        let text = read(&root.join(file));
        for line in text.lines().filter_map(|line| line.trim().strip_prefix("sekisho ")) {
            let words: Vec<&str> = line.split_whitespace().take_while(|word| !word.starts_with('-')).collect();
            let mut command = crate::house::sekisho();
            command.args(&words).arg("--help");
            let told = crate::house::run(command, "");
            assert_eq!(told.code, 0, "{file}: sekisho {line}: {}", told.err);
            for option in line.split_whitespace().filter(|word| word.starts_with("--")) {
                assert!(told.out.contains(option), "{file}: sekisho {line}: {option}");
            }
            seen += 1;
        }
    }
    assert!(seen >= 10, "{seen}");
}
