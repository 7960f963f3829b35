//! Bad input to the built program: a clear error with file and line or the system's reason, exit 2 or 3, and nothing
//! half-started.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A directory with a sound configuration.
struct Office {
    dir: tempfile::TempDir,
    gateway: SocketAddr,
    console: SocketAddr,
}

/// What the program said and how it ended.
struct Ended {
    code: i32,
    said: String,
}

impl Office {
    fn new() -> Self {
        let (one, two) = (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
        let (gateway, console) = (one.local_addr().unwrap(), two.local_addr().unwrap());
        Self { dir: tempfile::tempdir().unwrap(), gateway, console }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The sound configuration; each part can be replaced.
    fn config(&self) -> String {
        let dir = self.dir.path().display();
        let Self { gateway, console, .. } = self;
        format!(
            r#"[listen]
gateway = "{gateway}"
console = "{console}"
ca_dir = "{dir}/data/ca"
[extract]
spool_dir = "{dir}/data/spool"
[store]
url = "sqlite://{dir}/data/sekisho.db"
[ledger]
dir = "{dir}/data/ledger"
[approve]
key_file = "{dir}/data/approval.key"
[credentials]
key_file = "{dir}/data/credentials.key"
[console]
local_key_file = "{dir}/data/console.key"
[providers.x]
recognised = ["nerima"]
[[organisations]]
id = "nerima"
name = "練馬区"
guideline = ["builtin:nerima"]
"#
        )
    }

    /// `sekisho serve` with this configuration, which must end by itself.
    fn serve(&self, config: &str) -> Ended {
        let file = self.path("sekisho.toml");
        std::fs::write(&file, config).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_sekisho"))
            .args(["serve", "--config"])
            .arg(&file)
            .current_dir(self.dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let begun = Instant::now();
        while child.try_wait().unwrap().is_none() {
            if begun.elapsed() > Duration::from_secs(60) {
                child.kill().unwrap();
                let output = child.wait_with_output().unwrap();
                panic!("it runs on: {}", String::from_utf8_lossy(&output.stdout));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        Ended { code: output.status.code().unwrap(), said }
    }

    /// Nothing answers on either port.
    fn is_closed(&self) {
        for port in [self.gateway, self.console] {
            assert!(TcpStream::connect(port).is_err(), "{port} is open");
        }
    }

    /// Nothing was made: no database, no key, no CA.
    fn made_nothing(&self) {
        assert!(!self.path("data").exists(), "{:?}", std::fs::read_dir(self.path("data")).unwrap().collect::<Vec<_>>());
    }

    /// It ends with this code, saying these things, and nothing is there.
    fn is_refused(&self, config: &str, code: i32, said: &[&str]) {
        let ended = self.serve(config);
        assert_eq!(ended.code, code, "{}", ended.said);
        for part in said {
            assert!(ended.said.contains(part), "no {part:?} in: {}", ended.said);
        }
        self.is_closed();
        self.made_nothing();
    }
}

/// The line (from 1) on which `text` first has `part`.
fn line_of(text: &str, part: &str) -> usize {
    text.lines().position(|line| line.contains(part)).unwrap() + 1
}

#[test]
fn an_unknown_key_and_a_wrong_type_are_named_with_file_and_line() {
    let office = Office::new();
    let sound = office.config();
    let cases = [
        (sound.replace("[extract]\n", "[extract]\nspool_size = 3\n"), "spool_size"),
        (sound.replace("[store]\n", "[stroe]\n"), "stroe"),
        (sound.replace("[listen]\n", "[listen]\nconsole_tls = \"yes\"\n"), "console_tls"),
        (sound.replace("[extract]\n", "[extract]\ntext_bytes = \"many\"\n"), "text_bytes"),
        (sound.replace("name = \"練馬区\"", "nmae = \"練馬区\""), "nmae"),
        (sound.replace(&format!("gateway = \"{}\"", office.gateway), "gateway = \"here\""), "gateway"),
    ];
    for (config, key) in cases {
        let place = format!("sekisho.toml:{}:", line_of(&config, key));
        office.is_refused(&config, 2, &[&place]);
    }
    let broken = sound.replace("[store]", "[store");
    office.is_refused(&broken, 2, &[&format!("sekisho.toml:{}:", line_of(&broken, "[store"))]);
}

const TWICE: &str = r#"
[[routes]]
id = "tweet-again"
methods = ["POST"]
path = "/2/{anything}"
action = "publish"
body = ["json"]
fields = [{ at = "/text", role = "text" }, { at = "path:anything", role = "opaque" }]
"#;
const NOWHERE: &str = r#"
[[routes]]
id = "tweet-elsewhere"
methods = ["POST"]
hosts = ["api.example.jp"]
path = "/9/tweets"
action = "publish"
body = ["json"]
fields = [{ at = "/text", role = "text" }]
"#;

#[test]
fn a_route_that_overlaps_or_can_never_match_is_named_with_file_and_line() {
    let shipped = include_str!("../../config/providers/x.toml");
    for (route, reason) in [(TWICE, "can match the same request as"), (NOWHERE, "can never match")] {
        let office = Office::new();
        let file = office.path("x.toml");
        std::fs::write(&file, format!("{shipped}{route}")).unwrap();
        let config = office
            .config()
            .replace("[providers.x]\n", &format!("[providers.x]\ndefinition = \"{}\"\n", file.display()));
        let first = shipped.lines().count() + 2;
        office.is_refused(&config, 3, &[&format!("x.toml:{first}: "), reason]);
    }
}

#[test]
fn a_guideline_that_does_not_validate_is_named_with_file_and_line() {
    let cases = [
        ("context.hours > 1", "hours"),
        ("context.hour > \"nine\"", "rule.cedar:2"),
        ("context.hour >", "rule.cedar:2"),
    ];
    for (condition, said) in cases {
        let office = Office::new();
        let file = office.path("rule.cedar");
        let rule = format!(
            "\n@id(\"own.a\") @clause(\"nerima:19\") @ja(\"あ\") @en(\"a\") @forward(\"い\") @code(\"a\") \
             @effect_kind(\"refuse\") @canary(\"pass=none\")\nforbid (principal, action, resource) when {{ {condition} }};\n"
        );
        std::fs::write(&file, rule).unwrap();
        let both = format!("[\"builtin:nerima\", \"{}\"]", file.display());
        let config = office.config().replace("[\"builtin:nerima\"]", &both);
        office.is_refused(&config, 3, &["rule.cedar:2", said]);
    }
}

#[test]
fn a_port_that_is_taken_ends_the_start_before_anything_is_made() {
    let office = Office::new();
    let taken = TcpListener::bind(office.gateway).unwrap();
    let ended = office.serve(&office.config());
    assert_eq!(ended.code, 3, "{}", ended.said);
    assert!(ended.said.contains("listen.gateway") && ended.said.contains("in use"), "{}", ended.said);
    office.made_nothing();
    drop(taken);
    office.is_closed();
    let taken = TcpListener::bind(office.console).unwrap();
    let ended = office.serve(&office.config());
    assert!(ended.code == 3 && ended.said.contains("listen.console"), "{}", ended.said);
    office.made_nothing();
    drop(taken);
    office.is_closed();
}

#[test]
fn a_key_that_others_can_read_is_refused_by_name_and_mode() {
    for name in ["approval.key", "console.key"] {
        let office = Office::new();
        std::fs::create_dir(office.path("data")).unwrap();
        let key = office.path("data").join(name);
        std::fs::write(&key, "some key\n").unwrap();
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
        let ended = office.serve(&office.config());
        assert_eq!(ended.code, 3, "{}", ended.said);
        assert!(ended.said.contains(name) && ended.said.contains("0644"), "{}", ended.said);
        assert!(!office.path("data/sekisho.db").exists());
        office.is_closed();
    }
}

fn version(database: &Path) -> i64 {
    let conn = rusqlite::Connection::open(database).unwrap();
    conn.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_a_newer_version_is_refused_and_left_as_it_is() {
    let town = crate::stage::Town::start().await;
    let tool = town.nerima();
    crate::stage::tweet(&tool, crate::act::HEALTH).await;
    let from = town.dir().join("sekisho.db");
    let office = Office::new();
    let database = office.path("data/sekisho.db");
    std::fs::create_dir(office.path("data")).unwrap();
    {
        // What a backup does.
        let conn = rusqlite::Connection::open(&from).unwrap();
        conn.execute("VACUUM INTO ?", [database.to_str().unwrap()]).unwrap();
    }
    let newer = version(&database) + 41;
    rusqlite::Connection::open(&database).unwrap().pragma_update(None, "user_version", newer).unwrap();
    let ended = tokio::task::block_in_place(|| office.serve(&office.config()));
    assert_eq!(ended.code, 3, "{}", ended.said);
    let reason = format!("sekisho.db: the database has version {newer}");
    assert!(ended.said.contains(&reason), "{}", ended.said);
    assert_eq!(version(&database), newer);
    office.is_closed();
}

#[test]
fn a_configuration_that_is_not_there_and_arguments_that_are_none_are_usage_errors() {
    let office = Office::new();
    for args in [&["serve"][..], &["serve", "--config", "/nowhere/sekisho.toml"], &["open-sesame"]] {
        let output = Command::new(env!("CARGO_BIN_EXE_sekisho")).args(args).current_dir(office.dir.path()).output();
        let output = output.unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(!output.stderr.is_empty());
        office.made_nothing();
    }
}
