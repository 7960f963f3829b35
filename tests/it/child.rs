//! A stage for the gateway as a process of its own: the built program, killed and started again at will, in a town whose
//! practice provider stays up in this process and bears witness to the order of entry and request.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use sekisho::config;
use sekisho::demo::client::{Failed, Reply};
use sekisho::demo::town::key_hash;
use sekisho::domain::account::ProviderId;
use sekisho::domain::action::Action;
use sekisho::domain::clock::SystemClock;
use sekisho::domain::digest;
use sekisho::domain::media::{Media, Sha256};
use sekisho::domain::post::{Field, Post, Role};
use sekisho::domain::tree::Tree;
use sekisho::ledger::read::Logbook;
use sekisho::practice::{Authority, Practice, Received};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, BufReader};
use tokio::net::TcpStream;
use tokio::process::Command;

/// The posting tool's key.
pub(crate) const TOOL_KEY: &str = "child-stage-tool-key-0123456789abcdef";
/// The manager's key.
pub(crate) const HEAD_KEY: &str = "child-stage-head-key-0123456789abcdef";
/// The one body's log.
pub(crate) const LOG: &str = "nerima";
/// The gateway program.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_sekisho");
/// The time in which a gateway must be ready again (issue: F1, I5).
const READY: Duration = Duration::from_secs(5);

/// A town that outlives its gateway: directory, configuration, provider, witness.
pub(crate) struct Place {
    /// The provider, in this process.
    pub(crate) provider: Practice,
    /// What was in the ledger when each request arrived.
    pub(crate) witness: Arc<Witness>,
    /// What stands before the program's own arguments (`sh -c ...`).
    pub(crate) before: Vec<String>,
    database: PathBuf,
    configs: Vec<PathBuf>,
    dir: tempfile::TempDir,
}

impl Place {
    /// A town in a directory of its own; `settings` is a second configuration file, layered over the first.
    pub(crate) async fn new(settings: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        std::fs::create_dir(&data).unwrap();
        let any_port = "127.0.0.1:0".parse().unwrap();
        let provider = Practice::start(any_port, Authority::make().unwrap(), Arc::new(SystemClock)).await.unwrap();
        let ca = dir.path().join("practice-ca.pem");
        std::fs::write(&ca, provider.ca_pem()).unwrap();
        let configs = vec![dir.path().join("sekisho.toml"), dir.path().join("settings.toml")];
        std::fs::write(&configs[0], configuration(&data, provider.address(), &ca)).unwrap();
        std::fs::write(&configs[1], settings).unwrap();
        let database = data.join("sekisho.db");
        let witness = Arc::new(Witness::of(&database));
        let watching = Arc::clone(&witness);
        provider.watch(move |request| watching.look(request));
        Self { provider, witness, before: Vec::new(), database, configs, dir }
    }

    /// Where the gateway writes.
    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut words: Vec<String> = self.before.clone();
        words.push(PROGRAM.to_owned());
        words.extend(arguments.iter().map(|word| (*word).to_owned()));
        for config in &self.configs {
            words.extend(["--config".to_owned(), config.display().to_string()]);
        }
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).current_dir(self.dir.path()).stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    /// Starts the gateway; ready within five seconds or the scene ends.
    pub(crate) async fn start(&self) -> Child {
        let begun = Instant::now();
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.dir.path().join("log")).unwrap();
        let mut command = self.command(&["serve"]);
        command.env("SEKISHO_LOG", "warn").stdout(Stdio::piped()).stderr(log);
        let mut process = command.spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut addresses = BTreeMap::new();
        while addresses.len() < 2 {
            let line = tokio::time::timeout(READY, lines.next_line()).await.ok().and_then(Result::ok).flatten();
            let line = line.unwrap_or_else(|| panic!("the gateway does not start:\n{}", self.log_end()));
            if let Some((port, address)) = line.split_once(' ') {
                addresses.insert(port.to_owned(), address.parse::<SocketAddr>().unwrap());
            }
        }
        let (gateway, console) = (addresses["gateway"], addresses["console"]);
        while readiness(console).await != Some(StatusCode::OK) {
            assert!(begun.elapsed() < READY, "not ready after {:?}:\n{}", begun.elapsed(), self.log_end());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let ready_after = begun.elapsed();
        assert!(ready_after < READY, "ready only after {ready_after:?}");
        Child { process, gateway, console, ready_after }
    }

    /// The gateway's root certificate, which tools trust.
    pub(crate) fn root_pem(&self) -> String {
        std::fs::read_to_string(self.data().join("ca/root.pem")).unwrap()
    }

    /// The last lines that the gateway wrote to its log.
    pub(crate) fn log_end(&self) -> String {
        let text = std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    /// `sekisho ledger verify`, as anybody runs it: the exit code and what it said.
    pub(crate) async fn verify(&self) -> (Option<i32>, String) {
        let output = self.command(&["ledger", "verify"]).output().await.unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&said).into_owned())
    }

    /// Every entry of the body's log, read from the database, whether a gateway runs on it or not.
    pub(crate) fn entries(&self) -> Vec<Value> {
        let book = open_book(&self.database).expect("the database can be read");
        let mut entries = Vec::new();
        loop {
            let page = book.read(LOG, entries.len() as u64, 1_000).unwrap();
            if page.is_empty() {
                return entries;
            }
            entries.extend(page.iter().map(|entry| serde_json::from_str::<Value>(&entry.leaf).unwrap()));
        }
    }
}

async fn readiness(console: SocketAddr) -> Option<StatusCode> {
    let mut line = Line::open(console).await.ok()?;
    line.send(Method::GET, "/readyz", &[], "").await.ok().map(|reply| reply.status)
}

fn open_book(database: &Path) -> Option<Logbook> {
    let url = format!("sqlite://{}", database.display());
    Logbook::of_database(&config::store::Store { url, ..config::store::Store::default() }).ok()
}

/// A running gateway. Killed when dropped.
pub(crate) struct Child {
    /// The gateway port.
    pub(crate) gateway: SocketAddr,
    /// The console port.
    pub(crate) console: SocketAddr,
    /// From its start to the first 200 of `/readyz`.
    pub(crate) ready_after: Duration,
    process: tokio::process::Child,
}

impl Child {
    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.process.id().expect("the gateway runs")
    }

    /// `kill -9`, and waits until the process is gone.
    pub(crate) async fn kill(mut self) {
        self.process.kill().await.unwrap();
    }

    /// SIGTERM.
    pub(crate) fn terminate(&self) {
        let id = rustix::process::Pid::from_raw(i32::try_from(self.id()).unwrap()).unwrap();
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
    }

    /// SIGTERM, and waits until it is gone, with 0.
    pub(crate) async fn terminate_and_wait(mut self) {
        self.terminate();
        let status = self.ended(Duration::from_secs(30)).await.expect("it ends within 30 s");
        assert_eq!(status.code(), Some(0));
    }

    /// Waits until it has ended by itself.
    pub(crate) async fn ended(&mut self, within: Duration) -> Option<ExitStatus> {
        tokio::time::timeout(within, self.process.wait()).await.ok().map(Result::unwrap)
    }

    /// The most memory that it ever held, in KiB (`VmHWM`).
    pub(crate) fn peak_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Approves posts by their digests, each for one use, over a few connections.
    pub(crate) async fn approve(&self, digests: impl IntoIterator<Item = digest::Digest>) {
        let digests: Vec<_> = digests.into_iter().collect();
        let authorization = &format!("Bearer {HEAD_KEY}");
        let share = digests.len().div_ceil(4).max(1);
        let deposits = digests.chunks(share).map(|share| async move {
            let mut line = Line::open(self.console).await.unwrap();
            for digest in share {
                let body = json!({
                    "account": "nerima-x", "actions": ["publish"], "digest": digest.to_string(), "expires_in_s": 3600,
                    "max_uses": 1,
                });
                let headers = [("authorization", authorization.as_str())];
                let reply = line.send(Method::POST, "/api/v1/approvals", &headers, body.to_string()).await.unwrap();
                assert!(reply.status.is_success(), "{:?}", reply.json());
            }
        });
        futures_util::future::join_all(deposits).await;
    }
}

/// A keep-alive connection of a posting tool, by path on the gateway port or through a tunnel.
pub(crate) struct Line {
    sender: SendRequest<UnsyncBoxBody<Bytes, Failed>>,
    host: String,
}

impl Line {
    /// A plain connection.
    pub(crate) async fn open(address: SocketAddr) -> Result<Self, Failed> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Self::over(stream, address.to_string()).await
    }

    /// The same over a stream that is there already.
    pub(crate) async fn over<IO>(stream: IO, host: String) -> Result<Self, Failed>
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { sender, host })
    }

    /// Sends JSON and reads the whole answer.
    pub(crate) async fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<Reply, Failed> {
        let body = Full::new(body.into()).map_err(|never| match never {}).boxed_unsync();
        let headers = [headers, &[("content-type", "application/json")]].concat();
        self.stream(method, path, &headers, body).await
    }

    /// Sends a body of any kind and reads the whole answer.
    pub(crate) async fn stream(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: UnsyncBoxBody<Bytes, Failed>,
    ) -> Result<Reply, Failed> {
        let mut request = Request::builder().method(method).uri(path).header("host", &self.host);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.sender.ready().await?;
        let response = self.sender.send_request(request.body(body)?).await?;
        let (parts, body) = response.into_parts();
        Ok(Reply { status: parts.status, headers: parts.headers, body: body.collect().await?.to_bytes() })
    }

    /// Posts to X by path, as the town's posting tool.
    pub(crate) async fn post(&mut self, body: String) -> Result<Reply, Failed> {
        self.send(Method::POST, "/x/2/tweets", &tool_headers(), body).await
    }
}

/// What the posting tool sends with every request.
pub(crate) fn tool_headers() -> [(&'static str, &'static str); 2] {
    [("sekisho-client", TOOL_KEY), ("authorization", "Bearer practice-credential")]
}

/// The body of the post with this number; no two are alike and no rule has anything against one.
pub(crate) fn body(number: u64) -> String {
    json!({ "text": text(number) }).to_string()
}

/// The SHA-256 (hex) of the body that leaves for the post with this number.
pub(crate) fn body_sha256(number: u64) -> String {
    Sha256::of(body(number).as_bytes()).hex()
}

/// The digest by which a post is approved, with the media that it shows.
pub(crate) fn digest_of(text: String, media: &[Sha256]) -> digest::Digest {
    let field = Field { role: Role::Text, at: "/text".to_owned(), value: Tree::Text(text) };
    let media = media.iter().map(|sha256| Media { id: String::new(), sha256: *sha256, len: 0, alt: None }).collect();
    let audience = [("means".to_owned(), Tree::Text("tweet-create".to_owned()))].into_iter().collect();
    let post = Post { fields: vec![field], media, audience, ..Post::default() };
    digest::digest(&ProviderId::new("x"), Action::Publish, None, &post)
}

/// The text of the post with this number. Numbers are in kanji, so that no rule takes one for somebody's number.
pub(crate) fn text(number: u64) -> String {
    const DIGITS: [char; 10] = ['〇', '一', '二', '三', '四', '五', '六', '七', '八', '九'];
    let digits = format!("{number:07}");
    let kanji: String = digits.bytes().map(|digit| DIGITS[usize::from(digit - b'0')]).collect();
    format!("掲示{kanji}。区立中央公園の花壇が見ごろを迎えました。お散歩の途中にぜひお立ち寄りください。")
}

/// Looks into the gateway's database whenever a request arrives at the provider.
///
/// The provider calls [`Witness::look`] when a request's head has arrived, before it reads any of the body or answers,
/// and the witness notes how long the log is at that moment, through a read-only connection of its own. SQLite shows a
/// commit to another connection only after the write-ahead log was synced (`synchronous=FULL`). So an entry whose index
/// lies below that length was durable before the request was in, whatever the gateway believes and whatever the clocks
/// say: an order, not a presence.
pub(crate) struct Witness {
    database: PathBuf,
    book: Mutex<Option<Logbook>>,
    seen: Mutex<BTreeMap<u64, Option<u64>>>,
}

impl Witness {
    fn of(database: &Path) -> Self {
        Self { database: database.to_owned(), book: Mutex::default(), seen: Mutex::default() }
    }

    /// Closes the connection, so that the next gateway really has to recover the database.
    pub(crate) fn let_go(&self) {
        *self.book.lock().unwrap() = None;
    }

    fn look(&self, request: &Received) {
        let mut book = self.book.lock().unwrap();
        if book.is_none() {
            *book = open_book(&self.database);
        }
        let size = book.as_ref().and_then(|book| book.size(LOG).ok());
        self.seen.lock().unwrap().insert(request.number, size);
    }

    /// What is wrong with the order of entries and requests: nothing, if each request that the provider ever received
    /// has a permission of its own that was durable before it arrived.
    ///
    /// A request is matched by the SHA-256 of its body. One that was cut off has none; for it, and for all, there must
    /// have been at least as many permissions when it arrived as requests had arrived.
    pub(crate) fn violations(&self, requests: &[Received], entries: &[Value]) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        let permits: Vec<&Value> = entries.iter().filter(|entry| entry["kind"] == "permit").collect();
        let indexes: Vec<u64> = permits.iter().map(|permit| permit["index"].as_u64().unwrap()).collect();
        let mut by_hash: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
        for (permit, index) in permits.iter().zip(&indexes) {
            by_hash.entry(permit["body_sha256"].as_str().unwrap()).or_default().push(*index);
        }
        let mut arrived: BTreeMap<&str, usize> = BTreeMap::new();
        let mut wrong = Vec::new();
        for request in requests {
            let name = format!("request {} ({} {})", request.number, request.method, request.target);
            let Some(Some(size)) = seen.get(&request.number).copied() else {
                wrong.push(format!("{name}: nobody could look into the ledger when it arrived"));
                continue;
            };
            let before = indexes.partition_point(|index| *index < size) as u64;
            if before < request.number + 1 {
                wrong.push(format!("{name}: only {before} permissions were durable when it arrived"));
            }
            if !request.complete {
                continue;
            }
            let count = arrived.entry(request.body_sha256.as_str()).or_default();
            *count += 1;
            let own = by_hash.get(request.body_sha256.as_str()).and_then(|indexes| indexes.get(*count - 1));
            match own {
                Some(index) if *index < size => {}
                Some(index) => wrong.push(format!("{name}: its entry {index} came after it (log size {size})")),
                None => wrong.push(format!("{name}: no permission names its body {}", request.body_sha256)),
            }
        }
        wrong
    }
}

/// Indexes of permissions whose outcome is not in the log.
pub(crate) fn open_permits(entries: &[Value]) -> BTreeSet<u64> {
    let closed: BTreeSet<u64> = entries.iter().filter_map(|entry| entry["of"].as_u64()).collect();
    let permits = entries.iter().filter(|entry| entry["kind"] == "permit");
    permits.filter_map(|entry| entry["index"].as_u64()).filter(|index| !closed.contains(index)).collect()
}

/// The outcome of a permission: its kind and code.
pub(crate) fn outcome_of(entries: &[Value], index: u64) -> Option<(String, String)> {
    let outcome = entries.iter().find(|entry| entry["kind"] == "outcome" && entry["of"] == index)?;
    let text = |key: &str| outcome[key].as_str().unwrap_or_default().to_owned();
    Some((text("outcome"), text("code")))
}

/// Requests by the SHA-256 of their bodies, cut-off ones left out.
pub(crate) fn by_body(requests: &[Received]) -> BTreeMap<&str, Vec<&Received>> {
    let mut found: BTreeMap<&str, Vec<&Received>> = BTreeMap::new();
    for request in requests.iter().filter(|request| request.complete) {
        found.entry(request.body_sha256.as_str()).or_default().push(request);
    }
    found
}

fn configuration(data: &Path, provider: SocketAddr, ca: &Path) -> String {
    let mut text = format!(
        r#"
[listen]
gateway = "127.0.0.1:0"
console = "127.0.0.1:0"
ca_dir = "{data}/ca"
[listen.limits]
connections_per_address = 500
[gate]
requests_per_second = 100000
burst = 100000
[extract]
spool_dir = "{data}/spool"
[approve]
key_file = "{data}/approval.key"
[credentials]
key_file = "{data}/credentials.key"
[console]
local_key_file = "{data}/console.key"
[ledger]
dir = "{data}/ledger"
[store]
url = "sqlite://{data}/sekisho.db"
[providers.x]
recognised = ["nerima"]
upstream = {{ "api.x.com" = "{provider}" }}
upstream_ca = "{ca}"
[[organisations]]
id = "nerima"
name = "練馬区"
guideline = ["builtin:nerima"]
[[accounts]]
id = "nerima-x"
organisation = "nerima"
provider = "x"
handle = "@sample_nerima"
kind = "general"
state = "active"
manager = "head"
operators = ["clerk"]
operating_policy = {{ version = "1" }}
[[clients]]
id = "tool"
organisation = "nerima"
owner = "clerk"
key_sha256 = "{tool}"
accounts = ["nerima-x"]
actions = ["publish", "upload", "read"]
"#,
        data = data.display(),
        ca = ca.display(),
        tool = key_hash(TOOL_KEY),
    );
    for (id, post, key) in [("head", "広聴広報課長", Some(HEAD_KEY)), ("clerk", "主事", None)] {
        let key = key.map(|key| format!("key_sha256 = \"{}\"\n", key_hash(key))).unwrap_or_default();
        let person =
            format!("[[people]]\nid = \"{id}\"\norganisation = \"nerima\"\nname = \"見本\"\npost = \"{post}\"\n{key}");
        write!(text, "{person}").unwrap();
    }
    text
}

/// The witness itself: a request that came before its entry, one without an entry, one too many for its entries, and one
/// that nobody could look behind are each found.
#[test]
fn a_witness_finds_a_request_that_came_before_its_entry() {
    let witness = Witness::of(Path::new("nowhere"));
    let permit = |index: u64, body: &str| json!({ "kind": "permit", "index": index, "body_sha256": body });
    let request = |number: u64, body: &str| Received {
        number,
        at: jiff::Timestamp::UNIX_EPOCH,
        host: "api.x.com".to_owned(),
        method: "POST".to_owned(),
        target: "/2/tweets".to_owned(),
        version: "HTTP/2.0".to_owned(),
        headers: Vec::new(),
        complete: true,
        body_bytes: 1,
        body_sha256: body.to_owned(),
        body: None,
        parts: Vec::new(),
        status: None,
    };
    let entries = [permit(0, "a"), permit(1, "b"), permit(2, "c")];
    let judged = |sizes: &[(u64, Option<u64>)], requests: &[Received]| {
        *witness.seen.lock().unwrap() = sizes.iter().copied().collect();
        witness.violations(requests, &entries).join("; ")
    };
    assert_eq!(judged(&[(0, Some(1)), (1, Some(3))], &[request(0, "a"), request(1, "c")]), "");
    assert!(judged(&[(0, Some(1))], &[request(0, "b")]).contains("entry 1 came after it"));
    assert!(judged(&[(0, Some(0))], &[request(0, "a")]).contains("only 0 permissions"));
    assert!(judged(&[(0, Some(3))], &[request(0, "z")]).contains("no permission names its body"));
    assert!(judged(&[(0, Some(3)), (1, Some(3))], &[request(0, "a"), request(1, "a")]).contains("no permission"));
    assert!(judged(&[(0, None)], &[request(0, "a")]).contains("nobody could look"));
    let cut_off = Received { complete: false, ..request(1, "") };
    assert!(judged(&[(0, Some(1)), (1, Some(1))], &[request(0, "a"), cut_off]).contains("only 1 permissions"));
}
