//! Wires everything: configuration in, a running gateway out. Nothing is half-started: every part is opened and every
//! port is bound before the first request is taken.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::approve::signed::Issuers;
use crate::config::{Config, Problem};
use crate::console::{self, ConsoleState, caller::LocalKey};
use crate::credentials::Vault;
use crate::domain::account::{OrganisationId, ProviderId};
use crate::domain::budget::Budgets as _;
use crate::domain::clock::{Clock, in_japan};
use crate::domain::credential::{Custody, NoCustody};
use crate::domain::finding::Report;
use crate::domain::kept::NoReleases;
use crate::domain::ports::{Chance, Hosts, Shelf, Unavailable};
use crate::egress;
use crate::exempt::Templates;
use crate::fetch::Fetcher;
use crate::forward::Forwarder;
use crate::gate::by_url::ByUrl;
use crate::gate::{
    Gate, Gates, Ports, Rules, budget::Allowances, canary, limit::Limits, renew::Renewals, scan::Scanner,
};
use crate::guideline::Guidelines;
use crate::inspect::{RuleSet, embargo, inspect_on};
use crate::ledger::{Ledger, LedgerDown, read::Logbook};
use crate::listen::{self, Doors, intercept::Authority};
use crate::media::{self, Copies, Keeper};
use crate::observe::Metrics;
use crate::recognise::Definitions;
use crate::stream::Log;

mod links;
mod spool;

/// A gateway that runs.
pub struct Running {
    /// The gateway port.
    pub gateway: SocketAddr,
    /// The console port.
    pub console: SocketAddr,
    /// The transparent port, if there is one.
    pub transparent: Option<SocketAddr>,
    /// The port that shows copies of media, if there is one.
    pub media: Option<SocketAddr>,
    /// The origin ports, by provider.
    pub origins: BTreeMap<ProviderId, SocketAddr>,
    /// The root certificate, PEM, that posting tools trust.
    pub root_pem: String,
    /// The ledger.
    pub ledger: Arc<Ledger>,
    /// What the configuration says otherwise than the registry.
    pub warnings: Vec<String>,
    ready: watch::Receiver<bool>,
    stop: CancellationToken,
    tasks: TaskTracker,
    /// What the gate goes on with when its client has gone.
    work: TaskTracker,
}

/// The longest that a stop takes, below what a service manager allows before it kills (`TimeoutStopSec`).
const LAST_CALL: Duration = Duration::from_secs(28);

impl Running {
    /// Whether every canary was refused and posts are taken.
    pub fn is_ready(&self) -> bool {
        *self.ready.borrow()
    }

    /// Takes no more requests, lets those in flight finish, and closes the ledger.
    pub async fn stop(self) {
        let last_call = tokio::time::Instant::now() + LAST_CALL;
        self.stop.cancel();
        for tasks in [&self.tasks, &self.work] {
            // First whoever brings work, then the work: a client that has gone leaves a request behind that the provider
            // may be about to answer.
            tasks.close();
            if tokio::time::timeout_at(last_call, tasks.wait()).await.is_err() {
                tracing::warn!("the gateway stops while a request is on its way; its entry will be unknown");
            }
        }
        let ledger = self.ledger;
        if tokio::task::spawn_blocking(move || ledger.close_down()).await.is_err() {
            tracing::error!("the ledger did not close in order");
        }
    }
}

/// Reads every rule that the configuration names, as of today in Japan.
pub fn rules(config: &Config, clock: &dyn Clock) -> Result<Rules, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut keep = |found: Vec<Problem>| problems.extend(found);
    let definitions = Definitions::load(&config.providers).map_err(&mut keep).ok();
    let inspection = RuleSet::load_on(&config.inspect, Some(in_japan(clock.now()).date())).map_err(&mut keep).ok();
    let guidelines = Guidelines::load(&config.guideline, &config.organisations).map_err(&mut keep).ok();
    let templates = Templates::load(&config.guideline).map_err(&mut keep).ok();
    match (definitions, inspection, guidelines, templates) {
        (Some(definitions), Some(inspection), Some(guidelines), Some(templates)) => {
            Ok(Rules::new(Arc::new(definitions), inspection, guidelines, templates))
        }
        (_, _, _, _) => Err(problems),
    }
}

/// What the console asks of the inspector: the rules in force and what the body keeps closed, as of now.
fn inspecting(gate: &Arc<Gate>) -> Arc<console::Inspection> {
    let gate = Arc::clone(gate);
    Arc::new(move |body, post| {
        let now = gate.clock.now();
        let mut report = inspect_on(&gate.rules.load().inspection, post, Some(in_japan(now).date()));
        if let Some(register) = gate.ports.embargoes.register(body) {
            report.findings.extend(embargo::find(register.holding(now), post, None));
        }
        report
    })
}

/// A copy of a medium without metadata, within these limits.
fn stripping(limits: &crate::config::inspect::Media) -> Arc<console::Strip> {
    let limits = limits.clone();
    Arc::new(move |bytes| {
        let mut copy = Vec::with_capacity(bytes.len());
        let stripped = crate::inspect::media::strip::copy(&mut std::io::Cursor::new(bytes), &mut copy, &limits);
        stripped.map(|()| copy).map_err(|error| error.to_string())
    })
}

/// The hosts of the definitions in force, for the rules of the way out.
pub fn hosts(definitions: &Definitions) -> egress::Hosts {
    egress::Hosts::new(definitions.host_patterns(), definitions.web_hosts())
}

/// The proxy auto-configuration of this gateway, under the first of its own names that another machine can use.
fn pac(config: &Config, definitions: &Definitions, port: u16) -> String {
    let names = config.listen.names.iter().filter(|name| egress::is_host(name));
    let usable = |name: &&String| !["localhost", "127.0.0.1", "::1"].contains(&name.as_str());
    let name = names.clone().find(usable).or_else(|| names.clone().next());
    egress::pac(&hosts(definitions), name.map_or("localhost", String::as_str), port)
}

/// What `check` looks at beyond the configuration itself: rules, canaries, provider clients.
pub fn check(config: &Config, clock: &dyn Clock) -> Vec<Problem> {
    let rules = match rules(config, clock) {
        Ok(rules) => rules,
        Err(problems) => return problems,
    };
    let mut problems: Vec<Problem> = silent(&rules, config, clock);
    problems.extend(Forwarder::new(&config.providers, &config.forward).err().unwrap_or_default());
    problems.extend(Fetcher::new(&config.media, &config.forward).err());
    problems.extend(prober(config, &rules.definitions).err());
    problems
}

/// The rules that the configuration names, none of which is silent.
fn speaking(config: &Config, clock: &dyn Clock) -> Result<Rules, Vec<Problem>> {
    let rules = rules(config, clock)?;
    let silent = silent(&rules, config, clock);
    if silent.is_empty() { Ok(rules) } else { Err(silent) }
}

fn silent(rules: &Rules, config: &Config, clock: &dyn Clock) -> Vec<Problem> {
    let organisations: Vec<OrganisationId> = config.organisations.iter().map(|body| body.id.clone()).collect();
    let problem =
        |what: String| Problem { file: None, line: None, reason: format!("the canary was not refused: {what}") };
    canary::sing(rules, &organisations, clock.now()).into_iter().map(problem).collect()
}

/// What looks at media that posts name by URL, and the copies of them.
fn by_url(
    config: &Config,
    clock: &Arc<dyn Clock>,
    providers: &Arc<Definitions>,
) -> Result<(ByUrl, Option<Arc<Copies>>), Problem> {
    let copies = Copies::open(&config.media, Arc::clone(clock))?;
    let shelf = copies.clone().map(|copies| Arc::new(Keeper(copies)) as Arc<dyn Shelf>);
    let fetcher = Fetcher::new(&config.media, &config.forward)?.apart_from(Arc::clone(providers) as Arc<dyn Hosts>);
    Ok((ByUrl::new(Arc::new(fetcher), shelf), copies))
}

/// What goes the ways of links; none: the configuration has them read only.
fn prober(config: &Config, providers: &Arc<Definitions>) -> Result<Option<Fetcher>, Problem> {
    let probe = &config.inspect.probe;
    let made = probe.on.then(|| Fetcher::prober(probe, &config.media, &config.forward)).transpose()?;
    Ok(made.map(|prober| prober.apart_from(Arc::clone(providers) as Arc<dyn Hosts>)))
}

fn unreadable(error: Unavailable) -> Problem {
    Problem { file: None, line: None, reason: error.to_string() }
}

/// What the console does through the gate.
fn let_in(console: &mut ConsoleState, gate: &Arc<Gate>, config: &Config) -> Result<(), Problem> {
    console.inspection = inspecting(gate);
    console.releases = Arc::new(Gates(Arc::clone(gate)));
    console.links =
        Arc::new(links::Lookout::new(gate, prober(config, &gate.rules.load().definitions)?, &config.inspect.probe));
    Ok(())
}

/// Opens every part, binds every port, and starts.
pub async fn start(config: Config, clock: Arc<dyn Clock>, chance: Arc<dyn Chance>) -> Result<Running, Vec<Problem>> {
    let one = |problem: Problem| vec![problem];
    let rules = speaking(&config, clock.as_ref())?;
    let forwarder = Forwarder::new(&config.providers, &config.forward)?;
    let (by_url, copies) = by_url(&config, &clock, &rules.definitions).map_err(one)?;
    let ports = Bound::new(&config).await.map_err(one)?;
    spool::open(&config.extract.spool_dir, clock.as_ref()).map_err(one)?;
    let issuers = Arc::new(Issuers::open(&config.approve).map_err(one)?);
    let local_key = Arc::new(LocalKey::open(&config.console.local_key_file).map_err(one)?);
    let definitions = Arc::clone(&rules.definitions);
    let authority = Arc::new(Authority::open(&config.listen, definitions.as_ref(), Arc::clone(&clock)).map_err(one)?);
    let ledger = ledger(&config, &clock, &chance).await?;
    let custody: Arc<dyn Custody> =
        Arc::new(Vault::open(&config.credentials, ledger.reads().registry().clone(), Arc::clone(&clock)).map_err(one)?);
    let remembered = ledger.reads().budgets().map_err(unreadable).map_err(one)?;
    let metrics = Arc::new(Metrics::default());
    let (told_ready, ready) = watch::channel(false);
    let mut console_state =
        console_state(&config, &ledger, &issuers, local_key, &clock, &chance, &metrics, ready.clone());
    console_state.custody = Arc::clone(&custody);
    console_state.pac = pac(&config, definitions.as_ref(), ports.gateway.1.port()).into();
    let gate = Arc::new(Gate {
        rules: ArcSwap::from_pointee(rules),
        ports: look_ups(&ledger),
        ledger: Arc::clone(&ledger),
        forwarder: forwarder.wearing(Arc::clone(&custody)),
        custody,
        renewals: Renewals::default(),
        allowances: Allowances::new(remembered, config.gate.emergency_share_percent),
        issuers,
        limits: Limits::new(&config.gate),
        extract: config.extract.clone(),
        scanner: Scanner::new(&config.inspect.media),
        clock,
        chance,
        by_url,
        busy: Arc::default(),
        work: TaskTracker::new(),
        metrics: Arc::clone(&metrics),
    });
    let_in(&mut console_state, &gate, &config).map_err(one)?;
    let doors = Doors {
        config: config.listen.clone(),
        hosts: definitions,
        ca: Arc::clone(&authority),
        handler: Arc::new(Gates(Arc::clone(&gate))),
    };
    let running = Running {
        gateway: ports.gateway.1,
        console: ports.console.1,
        transparent: ports.transparent.as_ref().map(|(_, address)| *address),
        media: ports.media.as_ref().map(|(_, address)| *address),
        origins: ports.origins.iter().map(|(id, (_, address))| (id.clone(), *address)).collect(),
        root_pem: authority.root_pem().to_owned(),
        warnings: ledger.warnings().to_vec(),
        ledger,
        ready,
        stop: CancellationToken::new(),
        tasks: TaskTracker::new(),
        work: gate.work.clone(),
    };
    let tls = config.listen.console_tls.then(|| authority.own_tls());
    running.open_doors(ports, Arc::new(doors), console_state, tls, copies);
    running.watch_ledger(told_ready, &metrics);
    running.keep(gate);
    Ok(running)
}

impl Running {
    fn open_doors(
        &self,
        ports: Bound,
        doors: Arc<Doors>,
        console: ConsoleState,
        tls: Option<Arc<rustls::ServerConfig>>,
        copies: Option<Arc<Copies>>,
    ) {
        let stop = || self.stop.child_token();
        self.tasks.spawn(listen::serve(Arc::clone(&doors), ports.gateway.0, None, stop()));
        if let Some((listener, _)) = ports.transparent {
            self.tasks.spawn(listen::serve_transparent(Arc::clone(&doors), listener, stop()));
        }
        if let (Some((listener, _)), Some(copies)) = (ports.media, copies) {
            self.tasks.spawn(media::serve::serve(listener, copies, stop()));
        }
        for (provider, (listener, _)) in ports.origins {
            self.tasks.spawn(listen::serve(Arc::clone(&doors), listener, Some(provider), stop()));
        }
        self.tasks.spawn(console::serve(ports.console.0, console, tls, stop()));
    }

    /// What the gate does by itself: tokens renewed ahead of need, posts that leave with their approval, uploads swept that
    /// nobody ended.
    fn keep(&self, gate: Arc<Gate>) {
        let spool = gate.extract.spool_dir.clone();
        self.tasks.spawn(spool::keep(spool, Arc::clone(&gate.clock), self.stop.child_token()));
        self.tasks.spawn(Arc::clone(&gate).keep_promises(self.stop.child_token()));
        self.tasks.spawn(gate.keep_credentials(self.stop.child_token()));
    }

    /// Ready from now on; no longer, and on the way out, once the ledger has stopped for good.
    fn watch_ledger(&self, ready: watch::Sender<bool>, metrics: &Arc<Metrics>) {
        ready.send_replace(true);
        metrics.ready(true);
        let (ledger, stop, metrics) = (Arc::clone(&self.ledger), self.stop.clone(), Arc::clone(metrics));
        self.tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                reason = ledger.failed() => {
                    tracing::error!(%reason, "the ledger has failed; no more requests are taken");
                    stop.cancel();
                }
            }
            ready.send_replace(false);
            metrics.ready(false);
        });
    }

    /// Comes back when the gateway was told to stop, or has to.
    pub async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    /// Whether it stopped because the ledger cannot write.
    pub fn has_failed(&self) -> bool {
        !self.ledger.is_sound()
    }
}

async fn ledger(
    config: &Config,
    clock: &Arc<dyn Clock>,
    chance: &Arc<dyn Chance>,
) -> Result<Arc<Ledger>, Vec<Problem>> {
    let (config, clock, chance) = (config.clone(), Arc::clone(clock), Arc::clone(chance));
    let opened = tokio::task::spawn_blocking(move || Ledger::open(&config, clock, chance)).await;
    let broken = |_| vec![Problem { file: None, line: None, reason: "the ledger could not be opened".to_owned() }];
    opened.map_err(broken)?.map_err(|problem| vec![problem])
}

fn look_ups(ledger: &Ledger) -> Ports {
    let reads = ledger.reads();
    Ports {
        registry: reads.registry().clone(),
        approvals: reads.clone(),
        media: reads.clone(),
        emergencies: reads.clone(),
        embargoes: reads.clone(),
        acceptances: reads.clone(),
        retries: reads,
    }
}

#[expect(clippy::too_many_arguments, reason = "one value for each part of the console's state")]
fn console_state(
    config: &Config,
    ledger: &Arc<Ledger>,
    issuers: &Arc<Issuers>,
    local_key: Arc<LocalKey>,
    clock: &Arc<dyn Clock>,
    chance: &Arc<dyn Chance>,
    metrics: &Arc<Metrics>,
    ready: watch::Receiver<bool>,
) -> ConsoleState {
    let ports = look_ups(ledger);
    let rendered = Arc::clone(metrics);
    ConsoleState {
        config: config.console.clone(),
        emergency: config.emergency,
        approval_max_life_s: config.approve.max_life_s,
        registry: ports.registry,
        past: ledger.reads(),
        approvals: ports.approvals,
        held: Arc::<Ledger>::clone(ledger),
        // Replaced as soon as there is a gate; before that, no port is open.
        releases: Arc::new(NoReleases),
        wrong_posts: Arc::<Ledger>::clone(ledger),
        emergencies: ports.emergencies,
        embargoes: ports.embargoes,
        log: Arc::new(Logs { book: ledger.logbook(), changed: ledger.subscribe() }),
        acts: Arc::<Ledger>::clone(ledger),
        issuers: Arc::clone(issuers),
        clock: Arc::clone(clock),
        chance: Arc::clone(chance),
        ready,
        metrics: Arc::new(move || rendered.render()),
        local_key,
        custody: Arc::new(NoCustody),
        warn_days: config.credentials.warn_days,
        // Replaced as soon as the rules are in force; before that, no port is open.
        links: Arc::new(links::Nobody),
        links_keep_s: config.inspect.probe.keep_s,
        inspection: Arc::new(|_, _| Report { findings: Vec::new(), rules: String::new(), fields: 0, bytes: 0 }),
        strip: stripping(&config.inspect.media),
        pac: "".into(),
        stop: CancellationToken::new(),
    }
}

/// The ledger's logs as the stream reads them.
struct Logs {
    book: Logbook,
    changed: watch::Receiver<u64>,
}

impl Log for Logs {
    fn head(&self, organisation: &OrganisationId) -> Result<u64, Unavailable> {
        self.book.size(organisation.as_str()).map_err(unavailable)
    }

    fn read(&self, organisation: &OrganisationId, from: u64, limit: usize) -> Result<Vec<(u64, Vec<u8>)>, Unavailable> {
        let entries = self.book.read(organisation.as_str(), from, limit).map_err(unavailable)?;
        Ok(entries.into_iter().map(|entry| (entry.index, entry.leaf.into_bytes())).collect())
    }

    fn checkpoint(&self, organisation: &OrganisationId) -> Result<String, Unavailable> {
        self.book.checkpoint(organisation.as_str()).map_err(unavailable)
    }

    fn changed(&self) -> watch::Receiver<u64> {
        self.changed.clone()
    }
}

fn unavailable(down: LedgerDown) -> Unavailable {
    Unavailable(down.0)
}

/// Every port, bound before anything else is started.
struct Bound {
    gateway: (TcpListener, SocketAddr),
    console: (TcpListener, SocketAddr),
    transparent: Option<(TcpListener, SocketAddr)>,
    media: Option<(TcpListener, SocketAddr)>,
    origins: BTreeMap<ProviderId, (TcpListener, SocketAddr)>,
}

impl Bound {
    async fn new(config: &Config) -> Result<Self, Problem> {
        let mut origins = BTreeMap::new();
        for (provider, address) in &config.listen.origins {
            origins.insert(provider.clone(), bind(*address, "listen.origins").await?);
        }
        let transparent = match config.listen.transparent {
            Some(address) => Some(bind(address, "listen.transparent").await?),
            None => None,
        };
        let media = match config.media.listen {
            Some(address) => Some(bind(address, "media.listen").await?),
            None => None,
        };
        Ok(Self {
            transparent,
            media,
            gateway: bind(config.listen.gateway, "listen.gateway").await?,
            console: bind(config.listen.console, "listen.console").await?,
            origins,
        })
    }
}

async fn bind(address: SocketAddr, key: &str) -> Result<(TcpListener, SocketAddr), Problem> {
    let problem = |error: std::io::Error| Problem {
        file: None,
        line: None,
        reason: format!("{key} = \"{address}\": the port cannot be opened: {error}"),
    };
    let listener = TcpListener::bind(address).await.map_err(problem)?;
    let bound = listener.local_addr().map_err(problem)?;
    Ok((listener, bound))
}
