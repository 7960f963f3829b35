//! The stage: a town with its gateway and its practice providers in this process, on port 0, in a directory of its own.

use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use http::Method;
use jiff::{SignedDuration, Timestamp};
use sekisho::config::Config;
use sekisho::demo::client::{self, Reply, Tool};
use sekisho::demo::town::{self, Upstream};
use sekisho::domain::action::Action;
use sekisho::domain::chance::SystemChance;
use sekisho::domain::clock::{Clock, SystemClock};
use sekisho::domain::digest::{self, Digest};
use sekisho::practice::{Authority, Practice};
use sekisho::serve::{self, Running};
use serde_json::{Value, json};

/// Where the providers of a scene are told to fetch the town's copies of media.
pub const MEDIA: &str = "https://media.city.example";

/// A clock that a scene can move forward; it runs with the system's otherwise.
#[derive(Default)]
pub struct StageClock(Mutex<SignedDuration>);

impl StageClock {
    /// Moves the town's time forward.
    pub fn forward(&self, by: SignedDuration) {
        *self.0.lock().unwrap() += by;
    }
}

impl Clock for StageClock {
    fn now(&self) -> Timestamp {
        SystemClock.now() + *self.0.lock().unwrap()
    }
}

/// A town: gateway, practice providers, tools and people of the demo's 練馬区 and 長野市.
pub struct Town {
    /// The gateway.
    pub running: Running,
    /// The practice providers, whose record is the truth of what a provider received.
    pub provider: Practice,
    /// The town's time.
    pub clock: Arc<StageClock>,
    /// The configuration it runs with.
    pub config: Config,
    dir: tempfile::TempDir,
}

impl Town {
    /// A town as the demo has it.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// A town with a changed configuration.
    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        Self::start_behind(async |_, config| change(config)).await
    }

    /// A town whose configuration rests on something that leads to its practice providers.
    pub async fn start_behind(change: impl AsyncFnOnce(&Practice, &mut Config)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(StageClock::default());
        let any_port = "127.0.0.1:0".parse().unwrap();
        let provider = Practice::start(any_port, Authority::make().unwrap(), clock.clone()).await.unwrap();
        let ca = dir.path().join("practice-ca.pem");
        std::fs::write(&ca, provider.ca_pem()).unwrap();
        let mut config = town::config(dir.path(), &Upstream { address: provider.address(), ca: &ca });
        config.media.public_url = Some(MEDIA.to_owned());
        config.media.listen = Some(any_port);
        change(&provider, &mut config).await;
        let running = serve::start(config.clone(), clock.clone(), Arc::new(SystemChance))
            .await
            .unwrap_or_else(|problems| panic!("the town does not start: {}", sekisho::demo::in_words(&problems)));
        assert!(running.is_ready());
        Self { running, provider, clock, config, dir }
    }

    /// The directory in which everything lies.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// A posting tool with this client key.
    pub fn tool(&self, key: &str) -> Tool {
        Tool::new(self.running.gateway, key, &self.running.root_pem).unwrap()
    }

    /// 練馬区's posting tool.
    pub fn nerima(&self) -> Tool {
        self.tool(town::TOOL_KEY)
    }

    /// Stops the gateway and starts it again on the same directory.
    pub async fn restart(self) -> Self {
        let Self { running, provider, clock, config, dir } = self;
        running.stop().await;
        let running = serve::start(config.clone(), clock.clone(), Arc::new(SystemChance))
            .await
            .unwrap_or_else(|problems| panic!("the town does not start again: {}", sekisho::demo::in_words(&problems)));
        Self { running, provider, clock, config, dir }
    }

    /// A request to the console port with a person's key.
    pub async fn console(&self, key: &str, method: Method, path: &str, body: Option<Value>) -> Reply {
        client::console(self.running.console, key, method, path, body).await.unwrap()
    }

    /// 練馬区's manager approves this post of `nerima-x`, before it is sent.
    pub async fn approve(&self, digest: &Digest) -> Reply {
        self.approve_for("nerima-x", Action::Publish, digest, 1).await
    }

    /// The same for any account, action and number of uses.
    pub async fn approve_for(&self, account: &str, action: Action, digest: &Digest, max_uses: u32) -> Reply {
        // What takes something back, or passes on what others said, is approved with a reason.
        let asks = matches!(action, Action::Delete | Action::Quote | Action::Repost);
        let remarks = if asks { json!({ "reason": "期限切れ" }) } else { json!({}) };
        let body = json!({
            "account": account, "actions": [action], "digest": digest.to_string(), "expires_in_s": 600, "max_uses": max_uses,
            "remarks": remarks,
        });
        let reply = self.console(town::MANAGER_KEY, Method::POST, "/api/v1/approvals", Some(body)).await;
        assert!(reply.status.is_success(), "{:?}", reply.json());
        reply
    }

    /// The entries of a body's log, oldest first.
    pub fn entries(&self, organisation: &str) -> Vec<Value> {
        // The outcome of a post follows its answer.
        self.running.ledger.settle();
        let entries = self.running.ledger.logbook().read(organisation, 0, 1_000).unwrap();
        entries.iter().map(|entry| serde_json::from_str(&entry.leaf).unwrap()).collect()
    }

    /// The last entry of 練馬区's log.
    pub fn last_entry(&self) -> Value {
        self.entries("nerima").pop().expect("the log has an entry")
    }

    /// How many requests any provider received.
    pub fn received(&self) -> usize {
        self.provider.request_count()
    }

    /// What a provider gets that fetches the town's copy at this address, as the internet would: by GET, with no key.
    pub async fn copy(&self, url: &str) -> Reply {
        let path = url.strip_prefix(MEDIA).unwrap_or_else(|| panic!("{url} is not the town's own address"));
        self.shown(Method::GET, path, &[]).await
    }

    /// Any request to the port that shows the copies.
    pub async fn shown(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Reply {
        let port = self.running.media.expect("the town shows copies");
        let stream = tokio::net::TcpStream::connect(port).await.unwrap();
        let mut request = http::Request::builder().method(method).uri(path).header("host", "media.city.example");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(hyper_util::rt::TokioIo::new(stream)).await.unwrap();
        let driver = tokio::spawn(connection);
        let answer = sender.send_request(request.body(String::new()).unwrap()).await.unwrap();
        let (parts, body) = answer.into_parts();
        let body = http_body_util::BodyExt::collect(body).await.unwrap().to_bytes();
        driver.abort();
        Reply { status: parts.status, headers: parts.headers, body }
    }

    /// Asserts that a reply is a refusal with this code and clause, that no provider received anything for it, and that
    /// exactly one entry was made, which names the clause.
    pub async fn refuses(&self, code: &str, clause: &str, send: impl Future<Output = Reply>) -> Reply {
        let (received, entries) = (self.received(), self.entries("nerima").len());
        let reply = send.await;
        assert!(reply.status.is_client_error(), "{} {:?}", reply.status, reply.json());
        assert_eq!(self.received(), received, "a provider received something");
        let now = self.entries("nerima");
        assert_eq!(now.len(), entries + 1, "one entry for one refusal");
        let entry = now.last().unwrap();
        assert_eq!(entry["code"], code, "{entry}");
        let clauses = entry["clauses"].as_array().cloned().unwrap_or_default();
        assert!(clauses.iter().any(|cited| cited == clause), "{clause} is not cited: {entry}");
        assert!(
            String::from_utf8_lossy(&reply.body).contains(clause),
            "the tool does not see {clause}: {:?}",
            reply.json()
        );
        reply
    }
}

/// A post to X with this text.
pub fn words(text: &str) -> String {
    json!({ "text": text }).to_string()
}

/// Sends a post to X through the forward proxy.
pub async fn tweet(tool: &Tool, text: &str) -> Reply {
    tool.send(Method::POST, "api.x.com", "/2/tweets", &[], Some(words(text))).await.unwrap()
}

/// Waits until `holds`, at most ten seconds.
pub async fn eventually(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..400 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("it did not come to pass: {what}");
}

/// What `sekisho digest` says of a request, by the command itself.
pub async fn digest_of(config: &Config, host: &str, method: &str, path: &str, body: &str) -> Digest {
    use sekisho::{extract, recognise};
    let definitions = recognise::Definitions::load(&config.providers).unwrap();
    let mut headers = http::HeaderMap::new();
    headers.insert("content-type", "application/json".parse().unwrap());
    let method = method.parse().unwrap();
    let recognised = recognise::recognise(&definitions, host, &method, path, None, &headers).unwrap();
    let body = sekisho::domain::arrival::full(body.to_owned());
    let extracted = extract::read(&recognised, &headers, body, &config.extract).await.unwrap();
    digest::digest(&recognised.provider.id, extracted.action, extracted.target.as_deref(), &extracted.post)
}
