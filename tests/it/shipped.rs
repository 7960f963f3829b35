//! What is shipped works as shipped: the configuration in `config/`, by the program itself.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_sekisho");

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn check_finds_no_problem_in_the_shipped_configuration() {
    let checked =
        Command::new(PROGRAM).args(["check", "--config", "config/sekisho.toml"]).current_dir(root()).output().unwrap();
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(said.ends_with("no problem was found\n"), "{said}");
    assert_eq!(checked.status.code(), Some(0));
}

#[test]
fn serve_starts_with_the_shipped_configuration_in_an_empty_directory_and_stops_when_told() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::copy(root().join("config/sekisho.toml"), dir.path().join("sekisho.toml")).unwrap();
    let mut child = Command::new(PROGRAM)
        .args(["serve", "--config", "sekisho.toml"])
        .env("SEKISHO__LISTEN__GATEWAY", "127.0.0.1:0")
        .env("SEKISHO__LISTEN__CONSOLE", "127.0.0.1:0")
        .current_dir(dir.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for door in ["gateway", "console"] {
        let line = lines.next().unwrap().unwrap();
        assert!(line.starts_with(&format!("{door} 127.0.0.1:")) && !line.ends_with(":0"), "{line}");
    }
    let told = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(told.success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    for kept in ["data/ca/root.pem", "data/sekisho.db", "data/approval.key", "data/console.key", "data/ledger"] {
        assert!(dir.path().join(kept).exists(), "{kept}");
    }
}
