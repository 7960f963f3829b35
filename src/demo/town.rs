//! Two sample bodies on loopback: 練馬区 and 長野市, with their accounts, people, tools and providers.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use crate::config::Config;
use crate::config::providers::Provider;
use crate::config::registry::Organisation;
use crate::domain::account::{
    Account, AccountId, AccountKind, AccountState, OperatingPolicy, OrganisationId, ProviderId,
};
use crate::domain::action::Action;
use crate::domain::media::Sha256;
use crate::domain::person::{Client, ClientId, Person, PersonId};
use crate::practice::SITES;

/// Key of the posting tool of 練馬区's 広聴広報課. Sample keys: they open nothing but a demo on this machine.
pub const TOOL_KEY: &str = "demo-nerima-tool";
/// Key of the posting tool of 長野市's 広報広聴課.
pub const NAGANO_TOOL_KEY: &str = "demo-nagano-tool";
/// Key of 練馬区's 広聴広報課長, who approves.
pub const MANAGER_KEY: &str = "demo-nerima-manager";
/// Key of 練馬区's duty officer, who may declare an emergency.
pub const DUTY_KEY: &str = "demo-nerima-duty";
/// Key of the security team, which reads the stream.
pub const STREAM_KEY: &str = "demo-security-team";

/// Where the practice providers are.
pub struct Upstream<'a> {
    /// Their one address.
    pub address: SocketAddr,
    /// The CA file to trust for it.
    pub ca: &'a Path,
}

/// A whole configuration, with everything it keeps under `dir` and every port free.
pub fn config(dir: &Path, upstream: &Upstream<'_>) -> Config {
    let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut config = Config::default();
    config.listen.gateway = any_port;
    config.listen.console = any_port;
    config.listen.ca_dir = dir.join("ca");
    config.extract.spool_dir = dir.join("spool");
    config.store.url = format!("sqlite://{}", dir.join("sekisho.db").display());
    config.ledger.dir = dir.join("ledger");
    config.approve.key_file = dir.join("approval.key");
    config.credentials.key_file = dir.join("credentials.key");
    config.console.local_key_file = dir.join("console.key");
    // The towns' own websites, on which the pictures stand that posts name by URL.
    config.media.dir = dir.join("media");
    config.media.key_file = dir.join("media.key");
    config.media.upstream = SITES.iter().map(|host| ((*host).to_owned(), upstream.address)).collect();
    config.media.upstream_ca = Some(upstream.ca.to_owned());
    config.console.stream_keys_sha256 = vec![key_hash(STREAM_KEY)];
    config.providers = providers(upstream);
    config.organisations = vec![organisation("nerima", "練馬区"), organisation("nagano", "長野市")];
    config.accounts = accounts();
    config.people = people();
    config.clients = clients();
    config
}

/// The SHA-256 (hex) by which a key is known.
pub fn key_hash(key: &str) -> String {
    Sha256::of(key.as_bytes()).hex()
}

fn organisation(id: &str, name: &str) -> Organisation {
    let site = if id == "nerima" { "city.nerima.tokyo.jp" } else { "city.nagano.nagano.jp" };
    Organisation {
        id: OrganisationId::new(id),
        name: name.to_owned(),
        guideline: vec![format!("builtin:{id}").into()],
        sites: vec![site.to_owned()],
        periods: Vec::new(),
    }
}

fn providers(upstream: &Upstream<'_>) -> BTreeMap<ProviderId, Provider> {
    let hosts = [
        ("x", &["api.x.com", "api.twitter.com", "upload.x.com", "upload.twitter.com"][..]),
        ("line", &["api.line.me", "api-data.line.me"][..]),
        ("threads", &["graph.threads.net", "graph.threads.com"][..]),
        ("facebook", &["graph.facebook.com", "graph-video.facebook.com", "rupload.facebook.com"][..]),
        ("instagram", &["graph.instagram.com", "api.instagram.com", "graph.facebook.com", "rupload.facebook.com"][..]),
        ("mastodon", &["mastodon.example"][..]),
        ("bluesky", &["bsky.social", "practice.host.bsky.network"][..]),
        (
            "youtube",
            &["youtube.googleapis.com", "www.googleapis.com", "oauth2.googleapis.com", "accounts.google.com"][..],
        ),
        ("pirika", &[][..]),
    ];
    hosts
        .into_iter()
        .map(|(id, hosts)| {
            let provider = Provider {
                definition: None,
                // The sample instance of the one provider that everybody may run.
                hosts: if id == "mastodon" { vec![hosts.concat()] } else { Vec::new() },
                recognised: vec![OrganisationId::new("nerima"), OrganisationId::new("nagano")],
                upstream: hosts.iter().map(|host| ((*host).to_owned(), upstream.address)).collect(),
                upstream_ca: Some(upstream.ca.to_owned()),
                parent: None,
            };
            (ProviderId::new(id), provider)
        })
        .collect()
}

fn account(id: &str, organisation: &str, provider: &str, handle: &str, kind: AccountKind, manager: &str) -> Account {
    Account {
        id: AccountId::new(id),
        organisation: OrganisationId::new(organisation),
        provider: ProviderId::new(provider),
        handle: handle.to_owned(),
        kind,
        state: AccountState::Active,
        manager: PersonId::new(manager),
        operators: vec![PersonId::new(format!("{organisation}-operator"))],
        operating_policy: Some(OperatingPolicy {
            version: "2026-04".to_owned(),
            categories: vec!["opening-hours".to_owned()],
            after_report_hours: Some(24),
            self_approval: false,
            ..OperatingPolicy::default()
        }),
        credential_fingerprints: Vec::new(),
        trouble: Default::default(),
        observe: None,
    }
}

fn accounts() -> Vec<Account> {
    let mut library =
        account("nerima-library-x", "nerima", "x", "nerima_lib", AccountKind::Individual, "nerima-library-head");
    let mut old = account("nerima-old-x", "nerima", "x", "nerima_old", AccountKind::Individual, "nerima-pr-head");
    library.operating_policy = None;
    library.state = AccountState::Applied;
    old.state = AccountState::Archived;
    vec![
        account("nerima-x", "nerima", "x", "nerima_tokyo", AccountKind::General, "nerima-pr-head"),
        account("nerima-line", "nerima", "line", "@nerimakukoho", AccountKind::General, "nerima-pr-head"),
        account(
            "nerima-mastodon",
            "nerima",
            "mastodon",
            "@nerima@mastodon.example",
            AccountKind::General,
            "nerima-pr-head",
        ),
        account("nerima-bluesky", "nerima", "bluesky", "nerima.example", AccountKind::General, "nerima-pr-head"),
        account("nagano-bluesky", "nagano", "bluesky", "nagano.example", AccountKind::General, "nagano-pr-head"),
        account("nerima-youtube", "nerima", "youtube", "nerima_tokyo", AccountKind::General, "nerima-pr-head"),
        account("nagano-youtube", "nagano", "youtube", "nagano_city", AccountKind::General, "nagano-pr-head"),
        account("nerima-pirika", "nerima", "pirika", "練馬区", AccountKind::Individual, "nerima-pr-head"),
        library,
        old,
        account("nagano-x", "nagano", "x", "nagano_city", AccountKind::General, "nagano-pr-head"),
        account("nerima-threads", "nerima", "threads", "nerima_tokyo", AccountKind::General, "nerima-pr-head"),
        account("nagano-threads", "nagano", "threads", "nagano_city", AccountKind::General, "nagano-pr-head"),
        account("nagano-instagram", "nagano", "instagram", "nagano_city", AccountKind::General, "nagano-pr-head"),
        account("nerima-facebook", "nerima", "facebook", "nerimaku", AccountKind::General, "nerima-pr-head"),
        account("nagano-facebook", "nagano", "facebook", "naganocity", AccountKind::General, "nagano-pr-head"),
        account("nerima-instagram", "nerima", "instagram", "nerima_tokyo", AccountKind::General, "nerima-pr-head"),
        account("nagano-line", "nagano", "line", "@naganocity", AccountKind::General, "nagano-pr-head"),
        account(
            "nagano-mastodon",
            "nagano",
            "mastodon",
            "@nagano@mastodon.example",
            AccountKind::General,
            "nagano-pr-head",
        ),
    ]
}

fn people() -> Vec<Person> {
    let person = |id: &str, organisation: &str, name: &str, post: &str, may_declare: bool, key: Option<&str>| Person {
        id: PersonId::new(id),
        organisation: OrganisationId::new(organisation),
        name: name.to_owned(),
        post: post.to_owned(),
        may_declare,
        key_sha256: key.map(key_hash),
    };
    vec![
        person("nerima-pr-head", "nerima", "大泉 花子", "広聴広報課長", true, Some(MANAGER_KEY)),
        person("nerima-clerk", "nerima", "石神井 太郎", "広聴広報課主事", false, Some("demo-nerima-clerk")),
        person("nerima-operator", "nerima", "石神井 二郎", "広聴広報課主任", false, None),
        person("nagano-operator", "nagano", "川中 三郎", "広報広聴課主任", false, None),
        person("nerima-library-head", "nerima", "光が丘 緑", "図書館長", false, None),
        person("nerima-duty", "nerima", "豊玉 一郎", "当直", true, Some(DUTY_KEY)),
        person("nagano-pr-head", "nagano", "善光 京子", "広報広聴課長", true, Some("demo-nagano-manager")),
        person("nagano-clerk", "nagano", "川中 次郎", "広報広聴課主事", false, None),
    ]
}

fn clients() -> Vec<Client> {
    let client = |id: &str, organisation: &str, owner: &str, key: &str, accounts: &[&str]| Client {
        id: ClientId::new(id),
        organisation: OrganisationId::new(organisation),
        owner: PersonId::new(owner),
        key_sha256: key_hash(key),
        accounts: accounts.iter().map(|account| AccountId::new(*account)).collect(),
        actions: Action::ALL.to_vec(),
        categories: Vec::new(),
        hours: None,
        until: None,
        sources: Vec::new(),
        cms: false,
    };
    vec![
        client(
            "nerima-tool",
            "nerima",
            "nerima-clerk",
            TOOL_KEY,
            &[
                "nerima-x",
                "nerima-line",
                "nerima-threads",
                "nerima-instagram",
                "nerima-facebook",
                "nerima-mastodon",
                "nerima-bluesky",
                "nerima-youtube",
                "nerima-pirika",
            ],
        ),
        client("nerima-archive-tool", "nerima", "nerima-clerk", "demo-nerima-archive", &["nerima-old-x"]),
        client("nerima-library-tool", "nerima", "nerima-clerk", "demo-nerima-library", &["nerima-library-x"]),
        client(
            "nagano-tool",
            "nagano",
            "nagano-clerk",
            NAGANO_TOOL_KEY,
            &[
                "nagano-x",
                "nagano-line",
                "nagano-mastodon",
                "nagano-bluesky",
                "nagano-threads",
                "nagano-instagram",
                "nagano-facebook",
                "nagano-youtube",
            ],
        ),
    ]
}
