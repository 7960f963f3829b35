//! A gateway as its own process, on a small configuration file, with practice providers in this one; and a client that
//! writes its requests by hand.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use sekisho::demo::town;
use sekisho::domain::clock::SystemClock;
use sekisho::practice::{Authority, Practice};

/// A gateway process and all that it works with.
pub(crate) struct House {
    /// The practice providers.
    pub(crate) provider: Practice,
    /// The gateway port.
    pub(crate) gateway: SocketAddr,
    /// The console port.
    pub(crate) console: SocketAddr,
    child: Option<Child>,
    dir: tempfile::TempDir,
}

/// How a command ended.
pub(crate) struct Ended {
    /// Its exit code.
    pub(crate) code: i32,
    /// What it said.
    pub(crate) out: String,
    /// What it complained about.
    pub(crate) err: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// A command of the built binary.
pub(crate) fn sekisho() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sekisho"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("SEKISHO")) {
        command.env_remove(name);
    }
    command
}

/// Runs a command with this on its standard input.
pub(crate) fn run(mut command: Command, input: &str) -> Ended {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (mut stdin, input) = (child.stdin.take().unwrap(), input.to_owned());
    let writer = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output.into()
}

fn free_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

impl House {
    /// Starts a gateway with this log filter and waits until it takes posts.
    pub(crate) async fn start(log: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let any = "127.0.0.1:0".parse().unwrap();
        let provider = Practice::start(any, Authority::make().unwrap(), Arc::new(SystemClock)).await.unwrap();
        std::fs::write(dir.path().join("practice-ca.pem"), provider.ca_pem()).unwrap();
        let (gateway, console) = (free_port(), free_port());
        let text = configuration(dir.path(), &provider, gateway, console);
        std::fs::write(dir.path().join("sekisho.toml"), text).unwrap();
        let out = std::fs::File::create(dir.path().join("stdout.log")).unwrap();
        let err = std::fs::File::create(dir.path().join("stderr.log")).unwrap();
        let mut command = sekisho();
        command.args(["serve", "--config"]).arg(dir.path().join("sekisho.toml")).env("SEKISHO_LOG", log);
        let child = command.stdout(out).stderr(err).spawn().unwrap();
        let house = Self { provider, gateway, console, child: Some(child), dir };
        for _ in 0..400 {
            if TcpStream::connect(console).is_ok() && house.get("/readyz", "").status == 200 {
                return house;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("the gateway does not start: {}", std::fs::read_to_string(house.path("stderr.log")).unwrap());
    }

    /// A file of the gateway.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Where everything lies.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Runs a command on this gateway's configuration.
    pub(crate) fn command(&self, words: &[&str], input: &str) -> Ended {
        let mut command = sekisho();
        command.args(words).arg("--config").arg(self.path("sekisho.toml"));
        run(command, input)
    }

    /// Asks the console with a person's key.
    pub(crate) fn get(&self, path: &str, key: &str) -> Answer {
        let bearer = format!("Bearer {key}");
        send(self.console, "GET", path, &[("Authorization", &bearer)], b"")
    }

    /// Ends the gateway in order.
    pub(crate) fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let pid = child.id().to_string();
            assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
            assert!(child.wait().unwrap().success(), "the gateway does not stop in order");
        }
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn configuration(dir: &Path, provider: &Practice, gateway: SocketAddr, console: SocketAddr) -> String {
    let (dir, upstream, hash) = (dir.display(), provider.address(), town::key_hash);
    format!(
        r#"
[listen]
gateway = "{gateway}"
console = "{console}"
ca_dir = "{dir}/ca"
[extract]
spool_dir = "{dir}/spool"
memory_bytes = 64
[approve]
key_file = "{dir}/approval.key"
[ledger]
dir = "{dir}/ledger"
[store]
url = "sqlite://{dir}/sekisho.db"
[credentials]
key_file = "{dir}/credentials.key"
[console]
local_key_file = "{dir}/console.key"
stream_keys_sha256 = ["{}"]
[providers.x]
recognised = ["nerima"]
upstream = {{ "api.x.com" = "{upstream}", "upload.x.com" = "{upstream}" }}
upstream_ca = "{dir}/practice-ca.pem"
[[organisations]]
id = "nerima"
name = "練馬区"
guideline = ["builtin:nerima"]
[[people]]
id = "kacho"
organisation = "nerima"
name = "承認 花子"
post = "広聴広報課長"
may_declare = true
key_sha256 = "{}"
[[people]]
id = "tanto"
organisation = "nerima"
name = "投稿 太郎"
post = "主事"
[[accounts]]
id = "nerima-x"
organisation = "nerima"
provider = "x"
handle = "@practice"
kind = "general"
state = "active"
manager = "kacho"
operators = ["kacho"]
[accounts.operating_policy]
version = "1"
after_report_hours = 24
[[clients]]
id = "cms"
organisation = "nerima"
owner = "tanto"
key_sha256 = "{}"
accounts = ["nerima-x"]
actions = ["publish", "upload", "read", "sign-in"]
"#,
        hash(town::STREAM_KEY),
        hash(town::MANAGER_KEY),
        hash(town::TOOL_KEY),
    )
}

/// An answer, as text.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The status; 0 when the connection was closed without one.
    pub(crate) status: u16,
    /// Head and body as received.
    pub(crate) text: String,
}

impl Answer {
    /// The value of a header; empty: absent.
    pub(crate) fn header(&self, name: &str) -> &str {
        let head = self.text.split("\r\n\r\n").next().unwrap();
        let mut values = head.lines().filter_map(|line| line.split_once(": "));
        values.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value).unwrap_or_default()
    }
}

/// One HTTP/1.1 request, written by hand, its answer read to the end.
pub(crate) fn send(to: SocketAddr, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let host = target.split_once("://").map_or(to.to_string(), |(_, rest)| rest.split('/').next().unwrap().to_owned());
    let mut head = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if method != "GET" {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    // A refusal may come, and the connection go, before the body was taken.
    let _ = stream.write_all(body);
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Answer { status, text }
}

/// The first lines of a stream that never ends.
pub(crate) fn first_lines(to: SocketAddr, target: &str, headers: &[(&str, &str)], wanted: &str) -> String {
    let mut stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut head = format!("GET {target} HTTP/1.1\r\nHost: {to}\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all(format!("{head}\r\n").as_bytes()).unwrap();
    let mut seen = String::new();
    for line in BufReader::new(stream).lines() {
        let line = line.unwrap();
        let last = line.contains(wanted);
        seen.push_str(&line);
        seen.push('\n');
        if last {
            return seen;
        }
    }
    panic!("the stream ended: {seen}");
}
