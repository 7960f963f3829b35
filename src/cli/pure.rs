//! The commands that need only the pure stages, and what a post names by URL: `inspect` and `digest`.

use std::io::BufRead as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use indexmap::IndexMap;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Deserialize;

use super::house::refuse_to_run;
use super::{Digested, Exit, Io, PostRequest};
use crate::config::Config;
use crate::domain::account::{AccountId, ProviderId};
use crate::domain::arrival::full;
use crate::domain::clock::in_japan;
use crate::domain::container::KnownContainer;
use crate::domain::digest;
use crate::domain::draft::{Draft, answer};
use crate::domain::fetch::{Errand, Wants};
use crate::domain::finding::Finding;
use crate::domain::media::{Media, MediaRecord, Segment};
use crate::domain::ports::{Embargoes as _, Fetch as _, MediaBook, Registry as _, Unavailable};
use crate::domain::post::{Field, Post, Role};
use crate::extract::{self, Extracted, MediaUrl};
use crate::fetch::Fetcher;
use crate::inspect::{self, RuleSet};
use crate::ledger::read::Logbook;
use crate::recognise::{self, Definitions, Recognised};

/// A line of `inspect`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    #[serde(default)]
    id: serde_json::Value,
    #[serde(default)]
    provider: Option<String>,
    /// Whose register of closed matters is asked; none: that of every body.
    #[serde(default)]
    account: Option<AccountId>,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    fields: IndexMap<String, String>,
    #[serde(default)]
    body: Option<Box<serde_json::value::RawValue>>,
}

/// `inspect`: NDJSON `{"id","text"|"fields"|"body"}` in, `{"id","decision","rules","findings"}` out.
pub(super) fn inspect(config: &Config, io: &mut Io<'_>) -> Exit {
    let today = in_japan(io.clock.now()).date();
    let rules = match RuleSet::load_on(&config.inspect, Some(today)) {
        Ok(rules) => rules,
        Err(problems) => return refuse_to_run(io, &problems),
    };
    let book = match Logbook::of_database_if_any(&config.store) {
        Ok(book) => book,
        Err(problem) => return refuse_to_run(io, &[problem]),
    };
    let now = io.clock.now();
    let closed = |account: Option<&AccountId>, post: &Post| closed(config, book.as_ref(), account, post, now);
    let reader = std::io::BufReader::new(&mut *io.input);
    for (number, line) in reader.lines().enumerate() {
        let parsed = line.map_err(|error| error.to_string()).and_then(|line| judged(&rules, today, &closed, &line));
        match parsed {
            Ok(Some(answer)) => drop(writeln!(io.out, "{answer}")),
            Ok(None) => {}
            Err(reason) => {
                let _ = writeln!(io.err, "sekisho: line {}: {reason}", number + 1);
                return Exit::Usage;
            }
        }
    }
    Exit::Done
}

/// What of a post the account's body keeps closed, by the register of the database that the configuration names, if there
/// is one.
fn closed(
    config: &Config,
    book: Option<&Logbook>,
    account: Option<&AccountId>,
    post: &Post,
    now: Timestamp,
) -> Vec<Finding> {
    let Some(reads) = book.map(Logbook::reads) else { return Vec::new() };
    let of_account = account.and_then(|id| {
        let stored = reads.registry().account(id).map(|known| known.organisation.clone());
        stored.or_else(|| config.accounts.iter().find(|known| known.id == *id).map(|known| known.organisation.clone()))
    });
    let bodies = of_account.map_or_else(|| reads.registry().organisations(), |body| vec![body]);
    let registers = bodies.iter().filter_map(|body| reads.register(body));
    registers.flat_map(|register| inspect::embargo::find(register.holding(now), post, None)).collect()
}

fn judged(
    rules: &RuleSet,
    today: Date,
    closed: &dyn Fn(Option<&AccountId>, &Post) -> Vec<Finding>,
    line: &str,
) -> Result<Option<serde_json::Value>, String> {
    if line.trim().is_empty() {
        return Ok(None);
    }
    let line: Line = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let post = match line.body {
        None => Draft { id: line.id.clone(), text: line.text, fields: line.fields }.post(),
        Some(_) if line.text.is_some() || !line.fields.is_empty() => None,
        Some(body) => {
            let value = extract::json::parse(body.get().as_bytes(), 32).map_err(|bad| bad.code().to_owned())?;
            Some(Post { fields: vec![Field { role: Role::Text, at: String::new(), value }], ..Post::default() })
        }
    };
    let post = post.ok_or("`text`, `fields`, or `body` alone is needed")?;
    let mut report = inspect::inspect_on(rules, &post, Some(today));
    report.findings.extend(closed(line.account.as_ref(), &post));
    let mut told = answer(&line.id, &report);
    if let (Some(provider), Some(members)) = (line.provider, told.as_object_mut()) {
        members.insert("provider".to_owned(), provider.into());
    }
    Ok(Some(told))
}

/// `digest`: what the gate would understand of a request.
pub(super) fn digest(config: &Config, request: &PostRequest) -> Result<Digested, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    let (recognised, mut extracted) = runtime.block_on(understood(config, request))?;
    let account = account(config, request, &recognised, &extracted);
    if !(extracted.media_ids.is_empty() && extracted.parts.is_empty()) {
        let account = account.clone().ok_or("the post shows media, so its account is needed: Sekisho-Account")?;
        let book = book(config);
        extract::resolve(&mut extracted, &recognised, &account, book.as_ref()).map_err(|refusal| refusal.message())?;
    }
    runtime.block_on(seen(config, &mut extracted))?;
    let (provider, target) = (&recognised.provider.id, extracted.target.as_deref());
    Ok(Digested {
        action: extracted.action,
        account,
        normal_form: digest::normal_form(provider, extracted.action, target, &extracted.post),
        digest: digest::digest(provider, extracted.action, target, &extracted.post),
    })
}

/// Fetches the media that the post names by URL, as the gate does: their hashes are in the digest.
async fn seen(config: &Config, extracted: &mut Extracted) -> Result<(), String> {
    if extracted.media_urls.is_empty() {
        return Ok(());
    }
    let media = crate::config::media::Media { dir: std::env::temp_dir(), ..config.media.clone() };
    let fetcher = Fetcher::new(&media, &config.forward).map_err(|problem| problem.to_string())?;
    let fetcher = fetcher.apart_from(std::sync::Arc::new(definitions(config)?));
    for MediaUrl { at, url } in &extracted.media_urls {
        let fetched = fetcher.fetch(Errand { url: url.clone(), wants: Wants::Media }).await;
        let body = fetched.map_err(|why| format!("the medium at {at} could not be fetched: {why:?}"))?.body;
        extracted.post.media.push(Media { id: at.clone(), sha256: body.sha256(), len: body.len(), alt: None });
    }
    Ok(())
}

fn definitions(config: &Config) -> Result<Definitions, String> {
    let read = if config.providers.is_empty() { Definitions::built_in() } else { Definitions::load(&config.providers) };
    read.map_err(|problems| crate::demo::in_words(&problems))
}

async fn understood(config: &Config, request: &PostRequest) -> Result<(Recognised, Extracted), String> {
    let definitions = definitions(config)?;
    let method: Method = request.method.parse().map_err(|_| format!("{:?} is not a method", request.method))?;
    let (path, query) = match request.path.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (request.path.as_str(), None),
    };
    let mut headers = HeaderMap::new();
    for (name, value) in &request.headers {
        let name: HeaderName = name.parse().map_err(|_| format!("{name:?} is not a header name"))?;
        let value = HeaderValue::from_str(value).map_err(|_| format!("the value of {name} is not a header value"))?;
        headers.append(name, value);
    }
    let body = BASE64_STANDARD.decode(&request.body_base64).map_err(|error| format!("`body_base64`: {error}"))?;
    let host = request.host.to_ascii_lowercase();
    let recognised =
        recognise::recognise(&definitions, &host, &method, path, query, &headers).map_err(|r| r.message())?;
    let mut limits = config.extract.clone();
    limits.spool_dir = std::env::temp_dir();
    let extracted = extract::read(&recognised, &headers, full(body), &limits).await.map_err(|r| r.message())?;
    Ok((recognised, extracted))
}

/// The account that the request names, or the only one of the configuration at this provider.
fn account(
    config: &Config,
    request: &PostRequest,
    recognised: &Recognised,
    extracted: &Extracted,
) -> Option<AccountId> {
    let named = request.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("sekisho-account"));
    if let Some((_, value)) = named {
        return Some(AccountId::new(value));
    }
    let here: Vec<_> = config.accounts.iter().filter(|account| account.provider == recognised.provider.id).collect();
    let by_credential = extracted.credential_fingerprint.as_ref().and_then(|shown| {
        here.iter()
            .find(|account| account.credential_fingerprints.iter().any(|known| known.eq_ignore_ascii_case(shown)))
    });
    match (by_credential, here.as_slice()) {
        (Some(account), _) => Some(account.id.clone()),
        (None, [only]) => Some(only.id.clone()),
        (None, _) => None,
    }
}

fn book(config: &Config) -> Box<dyn MediaBook> {
    match Logbook::of_database(&config.store) {
        Ok(book) => Box::new(Stored(book)),
        Err(_) => Box::new(NoBook),
    }
}

struct Stored(Logbook);

impl MediaBook for Stored {
    fn media(&self, provider: &ProviderId, id: &str) -> Result<Option<MediaRecord>, Unavailable> {
        self.0.reads().media(provider, id)
    }

    fn segments(&self, provider: &ProviderId, session: &str) -> Result<Vec<Segment>, Unavailable> {
        self.0.reads().segments(provider, session)
    }

    fn container(&self, provider: &ProviderId, id: &str) -> Result<Option<KnownContainer>, Unavailable> {
        self.0.reads().container(provider, id)
    }

    fn is_own_post(&self, account: &AccountId, id: &str) -> Result<bool, Unavailable> {
        self.0.reads().is_own_post(account, id)
    }
}

/// Where there is no database yet, no medium is known.
struct NoBook;

impl MediaBook for NoBook {
    fn media(&self, _: &ProviderId, _: &str) -> Result<Option<MediaRecord>, Unavailable> {
        Ok(None)
    }

    fn segments(&self, _: &ProviderId, _: &str) -> Result<Vec<Segment>, Unavailable> {
        Ok(Vec::new())
    }

    fn container(&self, _: &ProviderId, _: &str) -> Result<Option<KnownContainer>, Unavailable> {
        Ok(None)
    }

    fn is_own_post(&self, _: &AccountId, _: &str) -> Result<bool, Unavailable> {
        Ok(false)
    }
}
