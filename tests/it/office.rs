//! An office that goes out by a parent proxy with a password, as municipal security clouds demand it: by a small one in
//! this process, and by a real Squid from Debian.

use std::net::{SocketAddr, TcpListener as StdListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sekisho::config::Config;
use sekisho::config::forward::Parent;
use sekisho::domain::account::ProviderId;
use sekisho::forward::Forwarder;
use sekisho::practice::Practice;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::act::{HEALTH, digest_of_words, entry_of, outcomes};
use crate::stage::{Town, eventually, tweet};

const PASSWORD: &str = "himitsu-no-aikotoba";

/// A proxy that knows one password and one way out, whatever host is asked for.
struct SmallProxy {
    address: SocketAddr,
    /// The heads of what was asked of it.
    asked: Arc<Mutex<Vec<String>>>,
}

impl SmallProxy {
    /// Answers `refusal` to whoever has the right password, if there is one; else leads to `out`.
    async fn start(out: Arc<Mutex<Option<SocketAddr>>>, refusal: Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, asked) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
        let heads = Arc::clone(&asked);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(Self::serve(stream, Arc::clone(&out), refusal, Arc::clone(&heads)));
            }
        });
        Self { address, asked }
    }

    async fn serve(
        mut stream: TcpStream,
        out: Arc<Mutex<Option<SocketAddr>>>,
        refusal: Option<&'static str>,
        asked: Arc<Mutex<Vec<String>>>,
    ) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let Ok(byte) = stream.read_u8().await else { return };
            head.push(byte);
        }
        let head = String::from_utf8(head).unwrap();
        let right = BASE64_STANDARD.encode(format!("sekisho:{PASSWORD}"));
        let known = head.to_ascii_lowercase().contains("proxy-authorization: basic ") && head.contains(&right);
        asked.lock().unwrap().push(head);
        let answer = match refusal {
            _ if !known => "407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"city\"",
            Some(refusal) => refusal,
            None => "200 Connection established",
        };
        stream.write_all(format!("HTTP/1.1 {answer}\r\n\r\n").as_bytes()).await.unwrap();
        if answer.starts_with("200") {
            let out = out.lock().unwrap().unwrap();
            let mut onward = TcpStream::connect(out).await.unwrap();
            let _ = tokio::io::copy_bidirectional(&mut stream, &mut onward).await;
        }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// X is reached by the parent proxy at `address` alone, with this password.
fn by_parent(config: &mut Config, address: SocketAddr, password: &str) {
    let file = config.ledger.dir.with_file_name("parent.password");
    std::fs::write(&file, format!("{password}\n")).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let x = config.providers.get_mut(&ProviderId::new("x")).unwrap();
    x.upstream.clear();
    let parent = Parent {
        url: format!("http://{address}"),
        user: Some("sekisho".to_owned()),
        password_file: Some(file),
        ca: x.upstream_ca.take(),
    };
    x.parent = Some("cloud".to_owned());
    config.forward.parents.insert("cloud".to_owned(), parent);
    config.forward.connect_ms = 5_000;
}

/// A town behind a small proxy.
async fn town_behind(refusal: Option<&'static str>, password: &str) -> (Town, SmallProxy) {
    let out = Arc::new(Mutex::new(None));
    let proxy = SmallProxy::start(Arc::clone(&out), refusal).await;
    let town = Town::start_with(|config| by_parent(config, proxy.address, password)).await;
    *out.lock().unwrap() = Some(town.provider.address());
    (town, proxy)
}

/// An approved post goes nowhere: the tool is told so, the entry says why, and no provider received anything.
async fn is_not_sent(town: &Town, code: &str) {
    town.approve(&digest_of_words(town, HEALTH).await).await;
    let reply = tweet(&town.nerima(), HEALTH).await;
    let said = String::from_utf8_lossy(&reply.body).into_owned();
    assert!(!reply.status.is_success() && said.contains("送信していません"), "{said}");
    assert_eq!(said.contains(code), code.starts_with("parent-proxy-"), "{said}");
    assert!(!said.contains(PASSWORD) && !said.contains("himitsu"), "{said}");
    let ends = outcomes(town, entry_of(&reply));
    assert_eq!(ends.len(), 1);
    assert_eq!((&ends[0]["outcome"], &ends[0]["code"]), (&Value::from("not-sent"), &Value::from(code)), "{}", ends[0]);
    assert_eq!((town.received(), town.provider.posts().len()), (0, 0), "a provider received something");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approved_post_goes_by_the_parent_proxy_with_its_password_and_nothing_of_the_tools() {
    let (town, proxy) = town_behind(None, PASSWORD).await;
    town.refuses("approval-missing", "nerima:11", tweet(&town.nerima(), HEALTH)).await;
    assert_eq!(proxy.asked(), Vec::<String>::new(), "a held post opened the way out");
    town.approve(&digest_of_words(&town, HEALTH).await).await;
    let reply = tweet(&town.nerima(), HEALTH).await;
    assert_eq!(reply.status, 201, "{:?}", reply.json());
    assert_eq!((town.received(), town.provider.posts().len()), (1, 1));
    let asked = proxy.asked();
    assert_eq!(asked.len(), 1);
    assert!(asked[0].starts_with("CONNECT api.x.com:443 HTTP/1.1\r\n"), "{}", asked[0]);
    let tools = BASE64_STANDARD.encode(format!("tool:{}", sekisho::demo::town::TOOL_KEY));
    assert!(!asked[0].contains(&tools), "the tool's key went to the parent proxy");
    for entry in town.entries("nerima") {
        assert!(!entry.to_string().contains("himitsu"), "{entry}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_right_password_nothing_reaches_the_provider_and_the_entry_says_why() {
    let (town, proxy) = town_behind(None, "chigau-aikotoba").await;
    is_not_sent(&town, "parent-proxy-authentication").await;
    assert_eq!(proxy.asked().len(), 1, "asked again by itself");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_proxy_that_refuses_the_host_or_is_not_there_leaves_the_post_unsent() {
    let (town, _proxy) = town_behind(Some("403 Forbidden"), PASSWORD).await;
    is_not_sent(&town, "parent-proxy-refused").await;
    let nobody = free_port();
    let town = Town::start_with(|config| by_parent(config, nobody, PASSWORD)).await;
    is_not_sent(&town, "parent-proxy-unreachable").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_the_parents_ca_did_not_sign_is_not_trusted() {
    let out = Arc::new(Mutex::new(None));
    let proxy = SmallProxy::start(Arc::clone(&out), None).await;
    let town = Town::start_with(|config| {
        by_parent(config, proxy.address, PASSWORD);
        config.forward.parents.get_mut("cloud").unwrap().ca = None;
    })
    .await;
    *out.lock().unwrap() = Some(town.provider.address());
    is_not_sent(&town, "provider-unreachable").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_proxy_that_is_described_badly_is_a_problem_that_names_its_place_and_no_secret() {
    let town = Town::start().await;
    let problem = |change: &dyn Fn(&mut Config)| {
        let mut config = town.config.clone();
        by_parent(&mut config, free_port(), PASSWORD);
        change(&mut config);
        let problems = Forwarder::new(&config.providers, &config.forward).err().expect("a problem");
        let said = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        assert!(!said.contains(PASSWORD), "{said}");
        said
    };
    let cloud = |config: &mut Config, change: &dyn Fn(&mut Parent)| {
        change(config.forward.parents.get_mut("cloud").unwrap());
    };
    let readable = problem(&|config| {
        let file = config.forward.parents["cloud"].password_file.clone().unwrap();
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o644)).unwrap();
    });
    assert!(readable.contains("parent.password") && readable.contains("0644"), "{readable}");
    let empty = problem(&|config| {
        std::fs::write(config.forward.parents["cloud"].password_file.as_ref().unwrap(), "\n").unwrap();
    });
    assert!(empty.contains("parent.password") && empty.contains("one line"), "{empty}");
    let missing = problem(&|config| cloud(config, &|parent| parent.password_file = Some("nowhere/password".into())));
    assert!(missing.contains("nowhere/password") && missing.contains("not there"), "{missing}");
    let inline = problem(&|config| {
        cloud(config, &|parent| parent.url = format!("http://sekisho:{PASSWORD}@127.0.0.1:8080"));
    });
    assert!(inline.contains("[forward.parents.cloud]") && inline.contains("http://host:port"), "{inline}");
    let alone = problem(&|config| cloud(config, &|parent| parent.user = None));
    assert!(alone.contains("go together"), "{alone}");
    let unknown = problem(&|config| config.forward.parents.clear());
    assert!(unknown.contains("[forward.parents.cloud]"), "{unknown}");
}

fn free_port() -> SocketAddr {
    StdListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A Squid process in a directory of its own.
struct Squid {
    address: SocketAddr,
    dir: tempfile::TempDir,
    child: Child,
}

impl Squid {
    const BINARY: &str = "/usr/sbin/squid";
    const NCSA: &str = "/usr/lib/squid/basic_ncsa_auth";

    /// Leads every `CONNECT` of a known user to the practice providers, whatever host it names.
    async fn start(practice: &Practice) -> Self {
        for needed in [Self::BINARY, Self::NCSA] {
            assert!(Path::new(needed).exists(), "{needed} is missing: apt-get install squid (tests/run does)");
        }
        let dir = tempfile::tempdir().unwrap();
        // Started by root, Squid becomes another user, who must be able to read and write here.
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        let hashed = Command::new("openssl").args(["passwd", "-apr1", PASSWORD]).output().unwrap();
        let hashed = String::from_utf8(hashed.stdout).unwrap();
        assert!(hashed.starts_with("$apr1$"), "{hashed}");
        std::fs::write(dir.path().join("passwd"), format!("sekisho:{hashed}")).unwrap();
        let (address, at) = (free_port(), dir.path().display());
        let conf = format!(
            "http_port {address}\npid_filename none\nvisible_hostname parent.example\ncoredump_dir {at}\n\
             logformat asked %Ss/%>Hs %rm %>ru %un\naccess_log stdio:{at}/access.log asked\ncache_log {at}/cache.log\ncache deny all\nshutdown_lifetime 0 seconds\n\
             auth_param basic program {} {at}/passwd\nauth_param basic realm city\nacl known proxy_auth REQUIRED\n\
             acl CONNECT method CONNECT\nacl secure port 443\nhttp_access allow CONNECT secure known\nhttp_access deny all\n\
             url_rewrite_program {at}/lead\nurl_rewrite_children 1\n",
            Self::NCSA,
        );
        // The way out of this Squid ends at the practice providers, whatever host was asked for.
        let lead =
            format!("#!/bin/sh\nwhile read -r asked; do echo 'OK rewrite-url=\"{}\"'; done\n", practice.address());
        std::fs::write(dir.path().join("lead"), lead).unwrap();
        std::fs::set_permissions(dir.path().join("lead"), std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::write(dir.path().join("squid.conf"), conf).unwrap();
        let mut command = Command::new(Self::BINARY);
        command.arg("-N").arg("-f").arg(dir.path().join("squid.conf")).stdout(Stdio::null()).stderr(Stdio::null());
        let squid = Self { address, child: command.spawn().unwrap(), dir };
        for _ in 0..400 {
            if TcpStream::connect(address).await.is_ok() {
                return squid;
            }
            tokio::time::sleep(std::time::Duration::from_millis(25)).await;
        }
        panic!("Squid does not start: {}", squid.log("cache.log"));
    }

    fn log(&self, name: &str) -> String {
        std::fs::read_to_string(self.dir.path().join(name)).unwrap_or_default()
    }
}

impl Drop for Squid {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A Squid that leads to the town's own providers: they must be there before the town's configuration is.
async fn squid_and_town(password: &str) -> (Squid, Town) {
    let squid = Arc::new(Mutex::new(None));
    let town = Town::start_behind(async |provider, config| {
        let started = Squid::start(provider).await;
        by_parent(config, started.address, password);
        *squid.lock().unwrap() = Some(started);
    })
    .await;
    let squid = squid.lock().unwrap().take().unwrap();
    (squid, town)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_squid_that_demands_a_password_lets_the_approved_post_through() {
    let (squid, town) = squid_and_town(PASSWORD).await;
    town.approve(&digest_of_words(&town, HEALTH).await).await;
    let reply = tweet(&town.nerima(), HEALTH).await;
    assert_eq!(reply.status, 201, "{:?} {}", reply.json(), squid.log("cache.log"));
    assert_eq!((town.received(), town.provider.posts().len()), (1, 1));
    // Squid writes its line when the tunnel ends.
    town.running.stop().await;
    eventually("Squid has noted the tunnel", || {
        let log = squid.log("access.log");
        log.contains("TCP_TUNNEL/200 CONNECT api.x.com:443 sekisho")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_squid_with_another_password_lets_nothing_through() {
    let (squid, town) = squid_and_town("chigau-aikotoba").await;
    is_not_sent(&town, "parent-proxy-authentication").await;
    eventually("Squid has noted the refusal", || squid.log("access.log").contains("TCP_DENIED/407")).await;
    assert!(!squid.log("access.log").contains("TCP_TUNNEL"), "{}", squid.log("access.log"));
}
