//! The gate under test: `sekisho serve` with a configuration of its own, and the approvals deposited in it.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use sekisho::domain::media::Sha256;
use tokio::task::JoinSet;

use crate::Broken;
use crate::child::Child;
use crate::identity::HOST;
use crate::load::Target;
use crate::posts::Written;

/// The posting tool's key, and that of the person who approves.
const CLIENT_KEY: &str = "road-bench-client-key-0123456789abcdef";
const APPROVER_KEY: &str = "road-bench-approver-key-0123456789abcdef";
const READY_WITHIN: Duration = Duration::from_secs(30);
const DEPOSITORS: usize = 64;

/// A gate that runs.
pub(crate) struct Gate {
    child: Child,
    gateway: SocketAddr,
    console: SocketAddr,
    log: PathBuf,
    start: Start,
}

/// How the gate started.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Start {
    /// From the start of the process, with a new database and new keys, until it said that it is ready.
    pub(crate) ready_after: Duration,
    /// Resident memory then, in KiB.
    pub(crate) resident_kib: u64,
}

impl Gate {
    /// Writes a configuration into `dir`, starts `sekisho serve` there and waits until it is ready.
    pub(crate) async fn start(dir: &Path, cpu: Option<u8>, provider: SocketAddr, ca: &Path) -> Result<Self, Broken> {
        let home = dir.join("gate");
        std::fs::create_dir_all(home.join("data"))?;
        let (gateway, console) = free_addresses()?;
        let config = home.join("sekisho.toml");
        std::fs::write(&config, configuration(gateway, console, provider, ca))?;
        let log = home.join("gate.log");
        let file = config.to_str().ok_or("the directory's path is not UTF-8")?;
        let program = env!("CARGO_BIN_EXE_sekisho");
        let child = Child::program(cpu, program, &["serve", "--config", file], &home, &log)?;
        let mut gate = Self { child, gateway, console, log, start: Start::default() };
        gate.until_ready().await?;
        Ok(gate)
    }

    async fn until_ready(&mut self) -> Result<(), Broken> {
        let target = self.console("/readyz")?;
        let begun = Instant::now();
        while begun.elapsed() < READY_WITHIN && self.child.runs() {
            if let Ok(mut connection) = target.connect().await
                && let Ok((http::StatusCode::OK, _)) = target.send(&mut connection, Method::GET, Bytes::new()).await
            {
                self.start =
                    Start { ready_after: begun.elapsed(), resident_kib: crate::child::resident_kib(self.child.id())? };
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let how = if self.child.runs() { "is not ready" } else { "ended" };
        Err(format!("sekisho serve {how} after {:?}\n{}", begun.elapsed(), self.log_end()).into())
    }

    /// How it started.
    pub(crate) fn started(&self) -> Start {
        self.start
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The last lines it wrote, for somebody who asks why.
    pub(crate) fn log_end(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let from = lines.len().saturating_sub(20);
        lines.get(from..).unwrap_or_default().join("\n")
    }

    /// Posts to it as the posting tool does.
    pub(crate) fn target(&self) -> Result<Target, Broken> {
        through(self.gateway)
    }

    fn console(&self, path: &'static str) -> Result<Target, Broken> {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::try_from(self.console.to_string())?);
        headers.insert(header::AUTHORIZATION, HeaderValue::try_from(format!("Bearer {APPROVER_KEY}"))?);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(Target { address: self.console, tls: None, path, headers })
    }

    /// Deposits an approval for each post, single use, until `limit` is over; how many posts, from the first, have one.
    pub(crate) async fn deposit(&self, posts: &[Written], limit: Duration) -> Result<usize, Broken> {
        let target = self.console("/api/v1/approvals")?;
        let bodies: Arc<Vec<Bytes>> = Arc::new(posts.iter().map(approval).collect());
        let next = Arc::new(AtomicUsize::new(0));
        let until = Instant::now() + limit;
        let mut depositors = JoinSet::new();
        for _ in 0..DEPOSITORS {
            let (target, bodies, next) = (target.clone(), Arc::clone(&bodies), Arc::clone(&next));
            depositors.spawn(async move {
                let mut connection = target.connect().await?;
                let mut deposited = 0;
                // What is taken is also finished, so that those deposited are the first ones without a gap.
                while Instant::now() < until {
                    let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) else { break };
                    let (status, answer) = target.send(&mut connection, Method::POST, body.clone()).await?;
                    if !status.is_success() {
                        let answer = String::from_utf8_lossy(&answer).into_owned();
                        return Err::<usize, Broken>(format!("an approval was not taken: {status}: {answer}").into());
                    }
                    deposited += 1;
                }
                Ok(deposited)
            });
        }
        let mut deposited = 0;
        while let Some(done) = depositors.join_next().await {
            deposited += done??;
        }
        Ok(deposited)
    }
}

/// Posts through a proxy at `address`; the floor is sent the very same.
pub(crate) fn through(address: SocketAddr) -> Result<Target, Broken> {
    let mut headers = tool_headers(&address.to_string())?;
    headers.insert("sekisho-client", HeaderValue::from_static(CLIENT_KEY));
    Ok(Target { address, tls: None, path: "/x/2/tweets", headers })
}

/// What a posting tool sends with every post.
pub(crate) fn tool_headers(host: &str) -> Result<HeaderMap, Broken> {
    let mut headers = HeaderMap::new();
    headers.insert(header::HOST, HeaderValue::try_from(host)?);
    headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Bearer road-bench-provider-credential"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::USER_AGENT, HeaderValue::from_static("road-bench/1"));
    Ok(headers)
}

fn approval(post: &Written) -> Bytes {
    let body = serde_json::json!({
        "account": "nerima-x",
        "actions": ["publish"],
        "digest": post.digest(),
        "expires_in_s": 3600,
        "max_uses": 1,
    });
    Bytes::from(body.to_string())
}

/// Two addresses that nobody listens on. The gate takes them a moment later, so another program could come between.
fn free_addresses() -> Result<(SocketAddr, SocketAddr), Broken> {
    let (one, other) = (TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?);
    Ok((one.local_addr()?, other.local_addr()?))
}

/// One body, one account, one tool; the limits of frequency and connections out of the way, everything else as shipped.
fn configuration(gateway: SocketAddr, console: SocketAddr, provider: SocketAddr, ca: &Path) -> String {
    let key = |key: &str| Sha256::of(key.as_bytes()).hex();
    let (client, approver, ca) = (key(CLIENT_KEY), key(APPROVER_KEY), ca.display());
    format!(
        r#"[listen]
gateway = "{gateway}"
console = "{console}"
[listen.limits]
connections = 2000
connections_per_address = 2000
[gate]
requests_per_second = 1000000
burst = 1000000
[providers.x]
recognised = ["nerima"]
upstream = {{ "{HOST}" = "{provider}" }}
upstream_ca = "{ca}"
[[organisations]]
id = "nerima"
name = "練馬区"
guideline = ["builtin:nerima"]
[[people]]
id = "p-kacho"
organisation = "nerima"
name = "見本 課長"
post = "広聴広報課長"
key_sha256 = "{approver}"
[[people]]
id = "p-shuji"
organisation = "nerima"
name = "見本 主事"
post = "主事"
[[accounts]]
id = "nerima-x"
organisation = "nerima"
provider = "x"
handle = "@sample_nerima"
kind = "general"
state = "active"
manager = "p-kacho"
operators = ["p-shuji"]
operating_policy = {{ version = "1" }}
[[clients]]
id = "road-bench"
organisation = "nerima"
owner = "p-shuji"
key_sha256 = "{client}"
accounts = ["nerima-x"]
actions = ["publish"]
"#
    )
}
