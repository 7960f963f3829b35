//! Which action a request asks for: the provider's definition and its route.
//!
//! Default deny: a host, a route, a method or a query key that no definition describes is refused with a sentence that
//! names it (練馬 第3条: only what was recognised beforehand may be used).

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use http::{HeaderMap, Method};

use crate::config::Problem;
use crate::config::providers::Provider;
use crate::domain::account::{AccountId, ProviderId};
use crate::domain::decision::Refusal;
use crate::domain::media::Sha256;

mod batch;
mod check;
pub mod definition;
pub mod matcher;
pub mod overridden;
pub mod report;
mod source;
mod words;

use definition::{Definition, HostPattern, Route};
use matcher::{BadQuery, Table, Tables};

/// The definitions that are built in, by short name.
const BUILT_IN: [(&str, &str); 10] = [
    ("x", include_str!("../config/providers/x.toml")),
    ("line", include_str!("../config/providers/line.toml")),
    ("mastodon", include_str!("../config/providers/mastodon.toml")),
    ("bluesky", include_str!("../config/providers/bluesky.toml")),
    ("youtube", include_str!("../config/providers/youtube.toml")),
    ("pirika", include_str!("../config/providers/pirika.toml")),
    ("line-manager", include_str!("../config/providers/line-manager.toml")),
    ("facebook", include_str!("../config/providers/facebook.toml")),
    ("instagram", include_str!("../config/providers/instagram.toml")),
    ("threads", include_str!("../config/providers/threads.toml")),
];

/// The host that stands for an instance where no configuration names one.
const ANY_INSTANCE: &str = "mastodon.example";

/// All definitions in force, with their hash.
#[derive(Debug)]
pub struct Definitions {
    by_id: BTreeMap<ProviderId, source::Described>,
    tables: Tables,
    hash: String,
}

impl Definitions {
    /// Reads and checks the definitions that the configuration names.
    ///
    /// # Errors
    /// Every problem of every definition, with file and line.
    pub fn load(providers: &BTreeMap<ProviderId, Provider>) -> Result<Self, Vec<Problem>> {
        let mut texts = Vec::new();
        let mut problems = Vec::new();
        for (id, provider) in providers {
            match source_of(id, provider) {
                Ok(text) => texts.push((id.clone(), text, provider)),
                Err(problem) => problems.push(problem),
            }
        }
        let mut by_id = BTreeMap::new();
        let mut hashed = Vec::new();
        for (id, text, provider) in texts {
            match source::read(&text, provider.definition.as_deref(), &provider.hosts) {
                Ok((definition, _)) if definition.id != id => {
                    let reason =
                        format!("[providers.{id}] names a definition whose id is {:?}", definition.id.as_str());
                    problems.push(Problem { file: provider.definition.clone(), line: None, reason });
                }
                Ok(read) => {
                    for part in [id.as_str(), &provider.hosts.join(" "), &text] {
                        hashed.extend_from_slice(part.as_bytes());
                        hashed.push(0);
                    }
                    by_id.insert(id, read);
                }
                Err(found) => problems.extend(found),
            }
        }
        let definitions: Vec<Arc<Definition>> = by_id.values().map(|(definition, _)| definition.clone()).collect();
        let mut doubled = check::hosts(&definitions);
        doubled.extend(check::shared(&by_id.values().collect::<Vec<_>>()));
        problems.extend(doubled.into_iter().map(|reason| Problem { file: None, line: None, reason }));
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut tables = Tables::default();
        for (definition, routes) in by_id.values() {
            tables.add(Table::new(definition.clone(), routes));
        }
        Ok(Self { by_id, tables, hash: Sha256::of(&hashed).hex() })
    }

    /// The built-in definitions, all of them: for `sekisho digest` without a configuration, and for tests.
    ///
    /// # Errors
    /// As [`Definitions::load`]; the built-in files have none, which a test shows.
    pub fn built_in() -> Result<Self, Vec<Problem>> {
        // Only a definition that says `instance = true` takes hosts from here.
        let provider = || Provider { hosts: vec![ANY_INSTANCE.to_owned()], ..Provider::default() };
        let providers = BUILT_IN.iter().map(|(id, _)| (ProviderId::new(*id), provider())).collect();
        Self::load(&providers)
    }

    /// SHA-256 (hex) over the definitions in force.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The definition with this short name.
    pub fn get(&self, id: &ProviderId) -> Option<&Arc<Definition>> {
        self.by_id.get(id).map(|(definition, _)| definition)
    }

    /// How the provider at this host shapes its errors.
    pub fn error_shape(&self, host: &str) -> Option<definition::ErrorShape> {
        self.tables.get(host).map(|table| table.definition.errors)
    }

    /// The hosts on which people post by hand, as patterns.
    pub fn web_hosts(&self) -> Vec<String> {
        let definitions = self.by_id.values().map(|(definition, _)| definition);
        definitions.flat_map(|it| it.web_hosts.iter().map(HostPattern::as_str).map(str::to_owned)).collect()
    }

    /// Every route with its definition, for start-up canaries and `check`.
    pub fn routes(&self) -> impl Iterator<Item = (&Arc<Definition>, &Arc<Route>)> {
        self.by_id.values().flat_map(|(definition, routes)| routes.iter().map(move |route| (definition, route)))
    }
}

/// The text of a provider's definition.
fn source_of(id: &ProviderId, provider: &Provider) -> Result<String, Problem> {
    let problem =
        |file: Option<&Path>, reason: String| Problem { file: file.map(Path::to_path_buf), line: None, reason };
    match &provider.definition {
        Some(path) => std::fs::read_to_string(path)
            .map_err(|error| problem(Some(path), format!("the definition of {id} cannot be read: {error}"))),
        None => BUILT_IN
            .iter()
            .find(|(name, _)| *name == id.as_str())
            .map(|(_, text)| (*text).to_owned())
            .ok_or_else(|| problem(None, format!("no definition of {id} is built in; name one with `definition`"))),
    }
}

impl crate::domain::ports::Hosts for Definitions {
    fn is_provider_host(&self, host: &str) -> bool {
        self.tables.get(host).is_some()
    }

    fn default_host(&self, provider: &str) -> Option<String> {
        self.get(&ProviderId::new(provider)).and_then(|definition| definition.default_host.clone())
    }

    fn is_host_of(&self, provider: &str, host: &str) -> bool {
        let definition = self.get(&ProviderId::new(provider));
        definition.is_some_and(|definition| definition.hosts.iter().any(|known| known.accepts(host)))
    }

    fn host_patterns(&self) -> Vec<String> {
        self.by_id
            .values()
            .flat_map(|(definition, _)| definition.hosts.iter().map(HostPattern::as_str).map(str::to_owned))
            .collect()
    }
}

/// A request whose provider and route are known.
#[derive(Clone, Debug)]
pub struct Recognised {
    /// The provider's definition.
    pub provider: Arc<Definition>,
    /// The matched route.
    pub route: Arc<Route>,
    /// The method.
    pub method: Method,
    /// The host, lower case.
    pub host: String,
    /// The path, rebuilt from the template and the matched segments.
    pub path: String,
    /// Template parameters, in order.
    pub params: Vec<(String, String)>,
    /// Query parameters, decoded, each allowed by the route.
    pub query: Vec<(String, String)>,
}

impl Recognised {
    /// The name under which the store keeps what the provider calls `id`: instances count for themselves, and an id that
    /// is made from the bytes is each account's own.
    pub fn book_id(&self, account: &AccountId, id: &str) -> String {
        if self.provider.instance {
            format!("{}/{id}", self.host)
        } else if self.provider.media_by_content {
            format!("{account}/{id}")
        } else {
            id.to_owned()
        }
    }
}

/// Query and form keys that do the same.
pub(crate) const OVERRIDE_KEYS: [&str; 4] = ["_method", "$httpMethod", "$method", "x-http-method-override"];

/// Finds the one route for a request.
///
/// # Errors
/// Refusals `unknown-host`, `path-shape`, `unknown-route`, `unknown-query`, `query-shape`, `method-override`,
/// `not-supported-yet`, and the code of a route that is refused by name.
pub fn recognise(
    definitions: &Definitions,
    host: &str,
    method: &Method,
    path: &str,
    query: Option<&str>,
    headers: &HeaderMap,
) -> Result<Recognised, Refusal> {
    let tables = definitions.tables.all(host);
    let first = tables.first().ok_or_else(|| unknown_host(host))?;
    let method = &overridden::method(&first.definition, method, query, headers)?;
    let mut found = None;
    for table in tables {
        let matched = table.find(method, host, path).map_err(|_| path_shape(&table.definition))?;
        found = found.or(matched.map(|matched| (&table.definition, matched)));
    }
    let (definition, matched) = found.ok_or_else(|| unknown_route(&first.definition, method, path))?;
    settled(definition, matched, method, host, query)
}

/// Finds the one route for a request that another one holds: of the same provider, on the same host.
///
/// # Errors
/// As [`recognise`].
pub fn held(whole: &Recognised, table: &Table, method: &Method, target: &str) -> Result<Recognised, Refusal> {
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    let method = &overridden::method(&whole.provider, method, query, &HeaderMap::new())?;
    let matched = table.find(method, &whole.host, path).map_err(|_| path_shape(&whole.provider))?;
    let matched = matched.ok_or_else(|| unknown_route(&whole.provider, method, path))?;
    settled(&whole.provider, matched, method, &whole.host, query)
}

/// The matched request, unless its route is refused by name or its query is not described.
fn settled(
    definition: &Arc<Definition>,
    (route, path, params): matcher::Match,
    method: &Method,
    host: &str,
    query: Option<&str>,
) -> Result<Recognised, Refusal> {
    if let Some(rule) = &route.refuse {
        let sentence = format!("{}（{method} {}）", rule.ja, route.path.source);
        let sentence_en = format!("{} ({method} {})", rule.en, route.path.source);
        return Err(Refusal::refused(rule.code.clone(), sentence, sentence_en, rule.way.clone()));
    }
    if let Some(what) = route.unsupported {
        return Err(not_supported(method, &route, what));
    }
    let query = read_query(query, method, definition, &route)?;
    Ok(Recognised {
        provider: definition.clone(),
        route,
        method: method.clone(),
        host: host.to_owned(),
        path,
        params,
        query,
    })
}

fn read_query(
    query: Option<&str>,
    method: &Method,
    definition: &Definition,
    route: &Route,
) -> Result<Vec<(String, String)>, Refusal> {
    let Some(query) = query.filter(|query| !query.is_empty()) else { return Ok(Vec::new()) };
    let may_repeat =
        |key: &str| route.repeats.iter().any(|name| name == key) || (definition.brackets && key.contains("[]"));
    let pairs = matcher::decode_pairs(query, &may_repeat).map_err(|bad| {
        let (ja, en) = match bad {
            BadQuery::Shape => ("正しい形で書かれていない", "is not well formed"),
            BadQuery::Repeated => ("同じ名前の項目を二つ以上含む", "repeats a key"),
        };
        Refusal::refused(
            "query-shape",
            format!("URLの「?」以降が{ja}ため、通せません。（{method} {}）", route.path.source),
            format!("The query {en}. ({method} {})", route.path.source),
            "投稿ツールの設定を確認してください。",
        )
        .status(400)
    })?;
    // What asked for another method was obeyed; the method that leaves says the same.
    let pairs: Vec<_> = pairs.into_iter().filter(|(key, _)| !overridden::in_query(definition, key)).collect();
    for (key, _) in &pairs {
        if OVERRIDE_KEYS.contains(&key.as_str()) {
            return Err(method_override());
        }
        let name = key.split('[').next().filter(|_| definition.brackets).unwrap_or(key);
        if !route.query.iter().any(|known| known == name) {
            return Err(Refusal::refused(
                "unknown-query",
                format!("URLの「?」以降に、関所が知らない項目があります。（{method} {}）", route.path.source),
                format!("The query has a key that is not described for {method} {}.", route.path.source),
                "投稿ツールの設定を確認するか、情報政策課に項目の追加を相談してください。",
            ));
        }
    }
    Ok(pairs)
}

/// The refusal of a request that asks to be taken for another method.
pub(crate) fn method_override() -> Refusal {
    Refusal::refused(
        "method-override",
        "別の操作に読み替えさせる指定が付いているため、通せません。",
        "A method override is not accepted.",
        "投稿ツールの設定を確認してください。",
    )
}

fn unknown_host(host: &str) -> Refusal {
    // A host is at most 253 characters (RFC 1035); more of it would only fill the message.
    let host: String = host.chars().filter(|c| !c.is_control()).take(253).collect();
    Refusal::refused(
        "unknown-host",
        format!("「{host}」は、利用が認められたSNSの接続先として登録されていません。"),
        format!("{host} is not a host of a recognised provider."),
        "新しいSNSを使うには、広報担当課に利用の申請をしてください。",
    )
}

fn path_shape(definition: &Definition) -> Refusal {
    Refusal::refused(
        "path-shape",
        format!("{}のURLに、関所が受け付けない書き方（%や「..」など）があります。", definition.name_ja),
        "The path is written in a way that two readers could take differently.",
        "投稿ツールの設定を確認してください。",
    )
}

fn unknown_route(definition: &Definition, method: &Method, path: &str) -> Refusal {
    let path: String = path.chars().take(200).collect();
    Refusal::refused(
        "unknown-route",
        format!("{}のこの操作（{method} {path}）は、関所に登録されていないため通せません。", definition.name_ja),
        format!("{method} {path} is not described for {}.", definition.name_en),
        "必要な操作であれば、情報政策課に登録を相談してください。",
    )
}

fn not_supported(method: &Method, route: &Route, what: &str) -> Refusal {
    Refusal::refused(
        "not-supported-yet",
        format!("この操作（{method} {}）は、関所がまだ中身を確かめられないため通せません。", route.path.source),
        format!("{method} {} needs what the gateway cannot inspect yet: {what}.", route.path.source),
        "別の方法で投稿するか、情報政策課に相談してください。",
    )
}

#[cfg(test)]
mod tests;
