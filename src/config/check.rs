//! What a configuration must be as a whole: ids once, references that exist, hashes well formed, ports apart.

use std::collections::{BTreeMap, BTreeSet};

use super::load::Places;
use super::{Config, Problem};
use crate::domain::account::{AccountId, Observe, OrganisationId};
use crate::domain::person::PersonId;

/// Adds every problem to `problems`.
pub(super) fn check(config: &Config, places: &Places, problems: &mut Vec<Problem>) {
    let mut checker = Checker { config, places, problems };
    checker.ids();
    checker.accounts();
    checker.people();
    checker.clients();
    checker.providers();
    checker.media();
    checker.ports();
    checker.keys();
    checker.lengths();
}

struct Checker<'a> {
    config: &'a Config,
    places: &'a Places,
    problems: &'a mut Vec<Problem>,
}

impl Checker<'_> {
    fn report(&mut self, path: &str, reason: impl Into<String>) {
        self.problems.push(self.places.problem(path, reason));
    }

    fn ids(&mut self) {
        let config = self.config;
        // The gateway's own log has this name.
        if let Some(i) =
            config.organisations.iter().position(|it| it.id.as_str() == crate::domain::account::GATEWAY_LOG)
        {
            self.report(&format!("organisations[{i}].id"), "the id `gateway` is the gateway's own log");
        }
        self.once("organisations", config.organisations.iter().map(|it| it.id.as_str()));
        self.once("accounts", config.accounts.iter().map(|it| it.id.as_str()));
        self.once("people", config.people.iter().map(|it| it.id.as_str()));
        self.once("clients", config.clients.iter().map(|it| it.id.as_str()));
    }

    /// Ids are used in paths, log names and metrics, so their alphabet is small.
    fn once<'i>(&mut self, list: &str, ids: impl Iterator<Item = &'i str>) {
        let mut seen = BTreeSet::new();
        for (i, id) in ids.enumerate() {
            let path = format!("{list}[{i}].id");
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
            if id.is_empty() || id.len() > 64 || !id.chars().all(plain) {
                self.report(&path, format!("the id `{id}` is not 1 to 64 of a-z, 0-9, `-`, `_`, `.`"));
            }
            if !seen.insert(id) {
                self.report(&path, format!("the id `{id}` stands twice in `{list}`"));
            }
        }
    }

    fn organisation(&mut self, path: &str, id: &OrganisationId) {
        if !self.config.organisations.iter().any(|it| it.id == *id) {
            self.report(path, format!("no organisation has the id `{id}`"));
        }
    }

    fn person(&mut self, path: &str, id: &PersonId, body: &OrganisationId) {
        match self.config.people.iter().find(|it| it.id == *id) {
            None => self.report(path, format!("no person has the id `{id}`")),
            Some(person) if person.organisation != *body => {
                self.report(path, format!("`{id}` works for `{}`, not for `{body}`", person.organisation));
            }
            Some(_) => {}
        }
    }

    fn account(&mut self, path: &str, id: &AccountId, body: &OrganisationId) {
        match self.config.accounts.iter().find(|it| it.id == *id) {
            None => self.report(path, format!("no account has the id `{id}`")),
            Some(account) if account.organisation != *body => {
                self.report(path, format!("the account `{id}` belongs to `{}`, not to `{body}`", account.organisation));
            }
            Some(_) => {}
        }
    }

    fn hash(&mut self, path: &str, what: &str, text: &str) {
        let hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        if text.len() != 64 || !text.chars().all(hex) {
            self.report(path, format!("{what} is a SHA-256 in 64 lower-case hex digits"));
        }
    }

    fn accounts(&mut self) {
        let config = self.config;
        let mut fingerprints = BTreeMap::new();
        for (i, account) in config.accounts.iter().enumerate() {
            let at = format!("accounts[{i}]");
            self.organisation(&format!("{at}.organisation"), &account.organisation);
            if !config.providers.contains_key(&account.provider) {
                self.report(
                    &format!("{at}.provider"),
                    format!("there is no section `[providers.{}]`", account.provider),
                );
            }
            self.person(&format!("{at}.manager"), &account.manager, &account.organisation);
            for (j, operator) in account.operators.iter().enumerate() {
                self.person(&format!("{at}.operators[{j}]"), operator, &account.organisation);
            }
            if !account.trouble.is_none() {
                self.report(&format!("{at}.trouble"), "what is out of the ordinary is the registry's alone");
            }
            if account.observe.is_some_and(|observe| !observe.is_sound()) {
                self.report(
                    &format!("{at}.observe"),
                    format!("`observe` ends after it begins, and is at most {} days long", Observe::MOST_DAYS),
                );
            }
            for (j, fingerprint) in account.credential_fingerprints.iter().enumerate() {
                let path = format!("{at}.credential_fingerprints[{j}]");
                self.hash(&path, "a credential fingerprint", fingerprint);
                if let Some(other) = fingerprints.insert((&account.provider, fingerprint), &account.id) {
                    self.report(&path, format!("the account `{other}` has the same credential fingerprint"));
                }
            }
        }
    }

    fn people(&mut self) {
        let config = self.config;
        let mut keys = BTreeSet::new();
        for (i, person) in config.people.iter().enumerate() {
            self.organisation(&format!("people[{i}].organisation"), &person.organisation);
            let path = format!("people[{i}].key_sha256");
            if let Some(key) = &person.key_sha256 {
                self.hash(&path, "`key_sha256`", key);
                if !keys.insert(key) {
                    self.report(&path, "another person has the same key");
                }
            }
        }
    }

    fn clients(&mut self) {
        let config = self.config;
        let (mut keys, mut sources) = (BTreeSet::new(), BTreeMap::new());
        for (i, client) in config.clients.iter().enumerate() {
            let at = format!("clients[{i}]");
            self.organisation(&format!("{at}.organisation"), &client.organisation);
            self.person(&format!("{at}.owner"), &client.owner, &client.organisation);
            self.hash(&format!("{at}.key_sha256"), "`key_sha256`", &client.key_sha256);
            if !keys.insert(&client.key_sha256) {
                self.report(&format!("{at}.key_sha256"), "another client has the same key");
            }
            if client.accounts.is_empty() {
                self.report(&format!("{at}.accounts"), format!("the client `{}` may use no account", client.id));
            }
            if client.actions.is_empty() {
                self.report(&format!("{at}.actions"), format!("the client `{}` may ask for no action", client.id));
            }
            for (j, account) in client.accounts.iter().enumerate() {
                self.account(&format!("{at}.accounts[{j}]"), account, &client.organisation);
            }
            for (j, source) in client.sources.iter().enumerate() {
                let path = format!("{at}.sources[{j}]");
                if config.listen.transparent.is_none() {
                    self.report(&path, "`sources` counts only at `[listen] transparent`, which is not set");
                }
                if let Some(other) = sources.insert(source.to_canonical(), &client.id) {
                    let reason = format!("the client `{other}` has the same address; give each a key of its own");
                    self.report(&path, reason);
                }
            }
            if client.hours.is_some_and(|hours| hours.from == hours.to) {
                self.report(&format!("{at}.hours"), "`from` and `to` are the same, so no time is covered");
            }
        }
    }

    fn providers(&mut self) {
        let config = self.config;
        for (name, provider) in &config.providers {
            for (i, organisation) in provider.recognised.iter().enumerate() {
                self.organisation(&format!("providers.{name}.recognised[{i}]"), organisation);
            }
            if provider.upstream_ca.is_some() && provider.upstream.is_empty() {
                self.report(&format!("providers.{name}.upstream_ca"), "`upstream_ca` is used only with `upstream`");
            }
            let Some(parent) = &provider.parent else { continue };
            let at = format!("providers.{name}.parent");
            if !config.forward.parents.contains_key(parent) {
                self.report(&at, format!("there is no section `[forward.parents.{parent}]`"));
            }
            if !provider.upstream.is_empty() {
                self.report(&at, "`parent` and `upstream` exclude each other: a parent proxy finds the address itself");
            }
        }
        for (name, parent) in &config.forward.parents {
            let at = format!("forward.parents.{name}");
            if parent.host_and_port().is_none() {
                self.report(
                    &format!("{at}.url"),
                    "`url` is `http://host:port`; the password stands in a file (`password_file`), never here",
                );
            }
            if parent.user.is_some() != parent.password_file.is_some() {
                self.report(&at, "`user` and `password_file` go together");
            }
            let unfit = |user: &String| user.is_empty() || user.contains(':') || user.chars().any(char::is_control);
            if parent.user.as_ref().is_some_and(unfit) {
                self.report(&format!("{at}.user"), "`user` is empty or holds a colon, which Basic cannot carry");
            }
        }
    }

    fn media(&mut self) {
        let media = &self.config.media;
        if media.public_url.is_some() && media.public_base().is_none() {
            let reason = "`public_url` is `https://host` or `https://host/path`: what providers on the internet call";
            self.report("media.public_url", reason);
        }
        if media.public_url.is_some() != media.listen.is_some() {
            self.report("media", "`public_url` and `listen` go together: the address, and the port that answers there");
        }
        if media.upstream_ca.is_some() && media.upstream.is_empty() {
            self.report("media.upstream_ca", "`upstream_ca` is used only with `upstream`");
        }
        for (i, host) in media.hosts.iter().enumerate() {
            let name = host.strip_prefix("*.").unwrap_or(host);
            let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-');
            if !name.contains('.') || !name.bytes().all(plain) {
                self.report(
                    &format!("media.hosts[{i}]"),
                    format!("`{host}` is not a host name in lower case, or `*.` and one"),
                );
            }
        }
        let Some(parent) = &media.parent else { return };
        if !self.config.forward.parents.contains_key(parent) {
            self.report("media.parent", format!("there is no section `[forward.parents.{parent}]`"));
        }
        if !media.upstream.is_empty() {
            let reason = "`parent` and `upstream` exclude each other: a parent proxy finds the address itself";
            self.report("media.parent", reason);
        }
    }

    fn ports(&mut self) {
        let config = self.config;
        let fixed = [("listen.gateway", config.listen.gateway), ("listen.console", config.listen.console)];
        let mut taken = BTreeMap::new();
        let mut all: Vec<(String, std::net::SocketAddr)> = fixed.map(|(path, at)| (path.to_owned(), at)).to_vec();
        for (provider, address) in &config.listen.origins {
            let path = format!("listen.origins.{provider}");
            if !config.providers.contains_key(provider) {
                self.report(&path, format!("there is no section `[providers.{provider}]`"));
            }
            all.push((path, *address));
        }
        all.extend(config.listen.transparent.map(|address| ("listen.transparent".to_owned(), address)));
        all.extend(config.media.listen.map(|address| ("media.listen".to_owned(), address)));
        for (path, address) in all {
            // Port 0 is a free port of the system's choice, a different one each time.
            if address.port() == 0 {
                continue;
            }
            if let Some(other) = taken.insert(address, path.clone()) {
                self.report(&path, format!("`{path}` and `{other}` have the same address {address}"));
            }
        }
    }

    fn keys(&mut self) {
        let config = self.config;
        for (i, key) in config.console.stream_keys_sha256.iter().enumerate() {
            self.hash(&format!("console.stream_keys_sha256[{i}]"), "a stream key", key);
        }
        let mut names = BTreeSet::from([config.approve.issuer.as_str()]);
        for (i, issuer) in config.approve.issuers.iter().enumerate() {
            if issuer.name.is_empty() || !names.insert(&issuer.name) {
                let path = format!("approve.issuers[{i}].name");
                self.report(&path, format!("the issuer name `{}` is empty or taken", issuer.name));
            }
        }
    }

    fn lengths(&mut self) {
        let config = self.config;
        let positive = [
            ("emergency.max_s", config.emergency.max_s),
            ("approve.max_life_s", config.approve.max_life_s),
            ("console.body_bytes", config.console.body_bytes as u64),
            ("media.keep_hours", u64::from(config.media.keep_hours)),
            ("media.fetch_ms", config.media.fetch_ms),
            ("media.connect_ms", config.media.connect_ms),
            ("media.at_once", config.media.at_once as u64),
            ("inspect.probe.link_ms", config.inspect.probe.link_ms),
            ("inspect.probe.at_once", config.inspect.probe.at_once as u64),
            ("inspect.probe.links", config.inspect.probe.links as u64),
            ("inspect.probe.keep_s", config.inspect.probe.keep_s),
            ("forward.connect_ms", config.forward.connect_ms),
            ("forward.answer_ms", config.forward.answer_ms),
            ("forward.total_ms", config.forward.total_ms),
        ];
        if config.store.awake_ms > 1000 {
            let reason = format!("`store.awake_ms` is {}; it must be at most 1000", config.store.awake_ms);
            self.report("store.awake_ms", reason);
        }
        // Ten years in seconds or milliseconds: more is a slip, and sums with a time stay far from overflow.
        let longest = 10 * 366 * 24 * 3600 * 1000;
        for (path, value) in positive {
            if value == 0 || value > longest {
                self.report(path, format!("`{path}` is {value}; it must be at least 1 and at most {longest}"));
            }
        }
        for (path, bytes) in
            [("media.store_bytes", config.media.store_bytes), ("media.fetch_bytes", config.media.fetch_bytes)]
        {
            if bytes == 0 {
                self.report(path, format!("`{path}` is 0, so no medium could be fetched"));
            }
        }
        if config.approve.issuer.is_empty() {
            self.report("approve.issuer", "`approve.issuer` is empty");
        }
    }
}
