//! Arguments, exit codes and what is written.

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::Value;

use super::*;
use crate::console::stage::{Stage, digest, now};

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        now()
    }
}

impl Chance for Fixed {
    fn id(&self, _: Timestamp) -> String {
        "id-1".to_owned()
    }
}

struct Fake;

impl Commands for Fake {
    fn serve(&self, config: Config, io: &mut Io<'_>) -> Exit {
        io.say(format_args!("serve {}", config.listen.gateway));
        Exit::Done
    }
    fn demo(&self, tour: bool, io: &mut Io<'_>) -> Exit {
        io.say(format_args!("demo {tour}"));
        Exit::Done
    }
    fn practice(&self, listen: SocketAddr, _: &std::path::Path, io: &mut Io<'_>) -> Exit {
        io.say(format_args!("practice {listen}"));
        Exit::Done
    }
    fn inspect(&self, _: Config, io: &mut Io<'_>) -> Exit {
        io.say("inspect");
        Exit::Done
    }
    fn digest(&self, _: &Config, request: &PostRequest) -> Result<Digested, String> {
        if request.path != "/2/tweets" {
            return Err("unknown route".to_owned());
        }
        let account = Some(AccountId::new("nerima-x"));
        Ok(Digested { action: Action::Publish, account, normal_form: Value::Null, digest: digest() })
    }
    fn ledger(&self, _: Config, command: LedgerCommand, io: &mut Io<'_>) -> Exit {
        io.say(format_args!("{command:?}"));
        Exit::Done
    }
    fn checks(&self) -> Vec<Check> {
        vec![|config| match config.store.url.as_str() {
            "sqlite://bad" => vec![Problem { file: None, line: None, reason: "bad store".to_owned() }],
            _ => Vec::new(),
        }]
    }
}

struct Said {
    exit: Exit,
    out: String,
    err: String,
}

fn say_with(input: &str, args: &[&str]) -> Said {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut input = input.as_bytes();
    let mut io =
        Io { input: &mut input, out: &mut out, err: &mut err, clock: Arc::new(Fixed), chance: Arc::new(Fixed) };
    let args = std::iter::once("sekisho").chain(args.iter().copied()).map(OsString::from);
    let exit = run(args, &Fake, &mut io);
    Said { exit, out: String::from_utf8(out).unwrap(), err: String::from_utf8(err).unwrap() }
}

fn say(args: &[&str]) -> Said {
    say_with("", args)
}

fn file(dir: &tempfile::TempDir, text: &str) -> String {
    let path = dir.path().join("sekisho.toml");
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn wrong_arguments_are_usage_errors_and_help_is_not() {
    let wrong: [&[&str]; 11] = [
        &[],
        &["unknown"],
        &["serve"],
        &["check"],
        &["practice"],
        &["approval", "issue"],
        &["approval", "issue", "--approver", "p", "--expires", "10"],
        &["approval", "issue", "--approver", "p", "--account", "a", "--max-uses", "0"],
        &["emergency", "declare", "--person", "p", "--reason", "r", "--account", "a"],
        &[
            "emergency",
            "declare",
            "--person",
            "p",
            "--reason",
            "r",
            "--account",
            "a",
            "--for",
            "1h",
            "--until",
            "2026-11-22T00:00:00Z",
        ],
        &["emergency", "declare", "--person", "p", "--reason", "r", "--for", "1h"],
    ];
    for args in wrong {
        let said = say(args);
        assert_eq!(said.exit, Exit::Usage, "{args:?}");
        assert!(said.out.is_empty() && !said.err.is_empty(), "{args:?}");
    }
    for args in [["--help"], ["--version"]] {
        let said = say(&args);
        assert_eq!((said.exit, said.err.as_str()), (Exit::Done, ""));
        assert!(said.out.contains("sekisho"));
    }
    assert_eq!([Exit::Done, Exit::Refused, Exit::Usage, Exit::CannotRun].map(Exit::code), [0, 1, 2, 3]);
}

#[test]
fn commands_of_the_gateway_get_their_arguments() {
    let dir = tempfile::tempdir().unwrap();
    let config = file(&dir, "[listen]\ngateway = \"127.0.0.1:7777\"\n");
    assert_eq!(say(&["serve", "--config", &config]).out, "serve 127.0.0.1:7777\n");
    assert_eq!(say(&["demo", "--tour"]).out, "demo true\n");
    assert_eq!(say(&["practice", "--listen", "127.0.0.1:9"]).out, "practice 127.0.0.1:9\n");
    assert_eq!(say(&["inspect"]).out, "inspect\n");
    assert_eq!(say(&["ledger", "checkpoint", "--config", &config]).exit, Exit::Done);
    let tail = say(&["ledger", "--config", &config, "tail", "--organisation", "nerima", "--after", "4", "-f"]).out;
    assert!(tail.contains("after: Some(4)") && tail.contains("follow: true"), "{tail}");
}

#[test]
fn a_broken_configuration_is_usage_for_serve_and_a_finding_for_check() {
    let dir = tempfile::tempdir().unwrap();
    let config = file(&dir, "[listen]\ngatway = 1\n");
    let said = say(&["serve", "--config", &config]);
    assert_eq!(said.exit, Exit::Usage);
    assert!(said.err.contains("sekisho.toml:2:"), "{}", said.err);
    let said = say(&["check", "--config", &config]);
    assert_eq!(said.exit, Exit::Refused);
    assert!(said.out.contains("sekisho.toml:2:"), "{}", said.out);
    let further = file(&dir, "[store]\nurl = \"sqlite://bad\"\n");
    assert_eq!(
        (say(&["check", "--config", &further]).exit, say(&["check", "--config", &further]).out.as_str()),
        (Exit::Refused, "bad store\n")
    );
    let good = file(&dir, "");
    assert_eq!(say(&["check", "--config", &good]).exit, Exit::Done);
}

fn approval_config(dir: &tempfile::TempDir) -> String {
    file(dir, &format!("[approve]\nissuer = \"gate.example\"\nkey_file = \"{}\"\n", dir.path().join("a.key").display()))
}

#[test]
fn an_approval_is_issued_from_a_digest_or_a_request_and_verified() {
    let dir = tempfile::tempdir().unwrap();
    let config = approval_config(&dir);
    let by_digest = ["approval", "issue", "--config", &config, "--approver", "kacho", "--account", "nerima-x"];
    let of = digest().to_string();
    let issued = say(&[&by_digest[..], &["--digest", &of]].concat());
    assert_eq!(issued.exit, Exit::Done, "{}", issued.err);
    let request = r#"{"host":"api.x.com","method":"POST","path":"/2/tweets","body_base64":"e30="}"#;
    let from_input = say_with(request, &["approval", "issue", "--config", &config, "--approver", "kacho"]);
    for said in [issued, from_input] {
        let verified = say(&["approval", "verify", "--config", &config, said.out.trim()]);
        assert_eq!(verified.exit, Exit::Done, "{}", verified.err);
        let claims: Value = serde_json::from_str(&verified.out).unwrap();
        assert_eq!(claims["sub"], "kacho");
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["nbf"].as_i64().unwrap(), 600);
        assert_eq!(claims["authorization_details"][0]["digest"], of);
        assert_eq!(claims["authorization_details"][0]["account"], "nerima-x");
        let changed = say_with(&said.out.replacen('.', ".A", 1), &["approval", "verify", "--config", &config]);
        assert_eq!(changed.exit, Exit::Refused);
    }
}

#[test]
fn an_approval_needs_an_account_a_request_and_the_requests_own_action() {
    let dir = tempfile::tempdir().unwrap();
    let config = approval_config(&dir);
    let issue = ["approval", "issue", "--config", &config, "--approver", "kacho"];
    let of = digest().to_string();
    assert_eq!(say(&[&issue[..], &["--digest", &of]].concat()).exit, Exit::Usage);
    assert_eq!(say_with("not json", &issue).exit, Exit::Usage);
    let unknown = r#"{"host":"api.x.com","method":"POST","path":"/x"}"#;
    assert_eq!(say_with(unknown, &issue).exit, Exit::Refused);
    let known = r#"{"host":"api.x.com","method":"POST","path":"/2/tweets"}"#;
    assert_eq!(say_with(known, &[&issue[..], &["--action", "delete"]].concat()).exit, Exit::Usage);
    let not_base64 = r#"{"host":"api.x.com","method":"POST","path":"/2/tweets","body_base64":"!"}"#;
    assert_eq!(say_with(not_base64, &["digest"]).exit, Exit::Usage);
    let shown: Value = serde_json::from_str(&say_with(known, &["digest"]).out).unwrap();
    assert_eq!(shown["digest"], of);
}

#[test]
fn a_new_key_fits_its_hash_and_is_another_each_time() {
    let keys: Vec<HashMap<String, String>> =
        (0..2).map(|_| serde_json::from_str(&say(&["key", "new", "--json"]).out).unwrap()).collect();
    assert_ne!(keys[0]["key"], keys[1]["key"]);
    assert_eq!(crate::domain::media::Sha256::of(keys[0]["key"].as_bytes()).hex(), keys[0]["key_sha256"]);
    assert_eq!(keys[0]["key"].len(), 43);
}

#[test]
fn without_a_gateway_an_emergency_command_cannot_run() {
    let stage = Stage::new();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = emergency_config(&stage, free);
    let said = say(&["emergency", "status", "--config", &config, "--person", "kacho"]);
    assert_eq!(said.exit, Exit::CannotRun);
    assert!(said.err.contains("no gateway answers"), "{}", said.err);
}

fn emergency_config(stage: &Stage, console: SocketAddr) -> String {
    let key = stage.dir.path().join("console.key");
    file(&stage.dir, &format!("[listen]\nconsole = \"{console}\"\n[console]\nlocal_key_file = \"{}\"\n", key.display()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn emergencies_are_declared_shown_and_ended_at_a_running_console() {
    let stage = Stage::new();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = emergency_config(&stage, listener.local_addr().unwrap());
    let stop = tokio_util::sync::CancellationToken::new();
    let serving = tokio::spawn(crate::console::serve(listener, stage.state.clone(), None, stop.clone()));
    let asking = tokio::task::spawn_blocking(move || {
        let declare = ["emergency", "declare", "--config", &config, "--reason", "地震", "--account", "nerima-x"];
        let said = say(&[&declare[..], &["--person", "tochoku", "--for", "1h"]].concat());
        assert_eq!(said.exit, Exit::Done, "{}", said.err);
        assert!(said.out.contains("2026年11月22日(日) 10:00まで"), "{}", said.out);
        let refused = say(&[&declare[..], &["--person", "kacho", "--for", "1h"]].concat());
        assert_eq!(refused.exit, Exit::Refused);
        assert!(refused.err.contains("declare-not-allowed"), "{}", refused.err);
        let too_long = say(&[&declare[..], &["--person", "tochoku", "--for", "3h"]].concat());
        assert_eq!(too_long.exit, Exit::Refused);
        let status = say(&["emergency", "status", "--config", &config, "--person", "kacho"]);
        assert!(status.out.contains("● 緊急時の宣言 e-1"), "{}", status.out);
        let ended = say(&["emergency", "end", "--config", &config, "--person", "tochoku", "e-1"]);
        assert_eq!(ended.exit, Exit::Done, "{}", ended.err);
        assert_eq!(say(&["emergency", "end", "--config", &config, "--person", "tochoku", "e-9"]).exit, Exit::Refused);
    });
    asking.await.unwrap();
    stop.cancel();
    serving.await.unwrap();
    let acts = stage.town.acts.lock().unwrap().clone();
    assert_eq!(acts.len(), 2, "{acts:?}");
}

#[test]
fn the_arguments_contradict_nothing() {
    <Cli as clap::CommandFactory>::command().debug_assert();
}
