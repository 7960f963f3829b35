//! Opening the ledger: keys, store, what the last run left, the first load of the registry.

use std::collections::BTreeSet;
use std::os::unix::fs::DirBuilderExt;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use super::checkpoint::Signer;
use super::entry::Names;
use super::keeper::Keeper;
use super::malformed::Tally;
use super::sequence::Logs;
use super::shared::Shared;
use super::{Ledger, recover};
use crate::config::{Config, Problem};
use crate::domain::account::{Account, GATEWAY_LOG, OrganisationId};
use crate::domain::clock::Clock;
use crate::domain::incident::Trouble;
use crate::domain::media::Sha256;
use crate::domain::ports::{Chance, Registry};
use crate::domain::registry::{Written, seed::seed};
use crate::store::keyring::{Keyring, secret_file};
use crate::store::{Change, Draft, Fields, Log, RegistryChange, Store, StoreDown, Unit};

impl Ledger {
    /// Opens store and ledger: makes keys and database on first start, refuses what it must not go on with (a newer
    /// database, a second gateway, a key file that others can read, a head that its entries do not come to, a restored
    /// backup), gives entries without outcome the outcome *unknown*, and loads the registry if it is empty. Blocks.
    ///
    /// It reads `config.ledger`, `store`, `emergency`, `organisations`, `accounts`, `people` and `clients`.
    pub fn open(config: &Config, clock: Arc<dyn Clock>, chance: Arc<dyn Chance>) -> Result<Arc<Self>, Problem> {
        let dir = &config.ledger.dir;
        let problem = |reason: String| Problem { file: Some(dir.clone()), line: None, reason };
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|e| problem(e.to_string()))?;
        if config.organisations.iter().any(|body| body.id.as_str() == GATEWAY_LOG) {
            return Err(problem(format!("no organisation can be called {GATEWAY_LOG}: that log is the gateway's own")));
        }
        let secret = secret_file(&dir.join("payload.key"), true)?;
        let keyring = Keyring::open(dir, &secret)?;
        let boot = chance.id(clock.now());
        let logs = Logs::new(dir.clone(), config.ledger.origin.clone(), boot.clone());
        let store = Store::open(&config.store, Arc::clone(&clock), Box::new(logs))?;
        recover::check_rollback(&store, &config.ledger)?;
        // A log's key is made, and its name and origin are judged, before its first entry is asked for.
        let known = store.reads().registry().organisations();
        let bodies = config.organisations.iter().map(|body| &body.id).chain(&known).map(OrganisationId::as_str);
        for log in bodies.chain([GATEWAY_LOG]) {
            Signer::open(dir, &config.ledger.origin, log, true)?;
        }
        let down = |e: StoreDown| problem(e.to_string());
        let unknown = recover::close_open_entries(&store).map_err(down)?;
        let warnings = warnings(config, &store);
        let units: Vec<Unit> =
            [Some(recover::started(unknown)), first_load(config, &store)].into_iter().flatten().collect();
        store.commit(units).into_iter().collect::<Result<Vec<_>, _>>().map_err(down)?;
        let seeds = seeds(config, &store);
        store.commit(seeds).into_iter().collect::<Result<Vec<_>, _>>().map_err(down)?;
        let shared = Arc::new(Shared {
            config: config.ledger.clone(),
            emergency: config.emergency,
            clock,
            chance,
            store,
            keyring,
            names: Names::new(&secret),
            boot,
            malformed: Tally::default(),
            unrecorded: Mutex::new(Vec::new()),
        });
        let keeper = Keeper::start(&shared).map_err(|e| problem(e.to_string()))?;
        Ok(Arc::new(Self { shared, keeper, warnings, closed: AtomicBool::new(false) }))
    }
}

/// The entry of a stop.
pub(super) fn stopped() -> Unit {
    Unit::entry(Log::from(GATEWAY_LOG), Draft { kind: "stop", ..Draft::default() })
}

/// The first load: each part of the configuration goes into its table while that is empty.
fn first_load(config: &Config, store: &Store) -> Option<Unit> {
    let known = store.reads().registry();
    let mut changes = Vec::new();
    let mut fields = Fields::default();
    let mut load = |name: &'static str, is_empty: bool, new: Vec<Change>| {
        if is_empty && !new.is_empty() {
            fields.number(name, new.len() as u64);
            changes.extend(new);
        }
    };
    let bodies = config.organisations.iter().map(|body| Change::Organisation(body.id.clone(), body.name.clone()));
    load("organisations", known.organisations().is_empty(), bodies.collect());
    let accounts = config.accounts.iter().cloned().map(|account| Change::Account(Box::new(account)));
    load("accounts", known.accounts().is_empty(), accounts.collect());
    let people = config.people.iter().cloned().map(|person| Change::Person(Box::new(person)));
    load("people", known.people().is_empty(), people.collect());
    let clients = config.clients.iter().cloned().map(|client| Change::Client(Box::new(client)));
    load("clients", known.clients().is_empty(), clients.collect());
    if changes.is_empty() {
        return None;
    }
    fields.text("registry_sha256", &Sha256::of(format!("{changes:?}").as_bytes()).hex());
    let draft = Draft { kind: "registry-loaded", fields: fields.into(), ..Draft::default() };
    Some(Unit { changes, ..Unit::entry(Log::from(GATEWAY_LOG), draft) })
}

/// The first load of each body's registry: what is declared of it becomes its initial state (decision 0015).
fn seeds(config: &Config, store: &Store) -> Vec<Unit> {
    let known = store.reads().registry();
    let fresh = known.organisations().into_iter().filter_map(|body| {
        let book = known.book(&body)?;
        if book.charter.is_some() {
            return None;
        }
        let recognises = |it: &&crate::domain::account::ProviderId| {
            config.providers.get(it).is_some_and(|provider| provider.recognised.contains(&body))
        };
        let recognised: Vec<_> = config.providers.keys().filter(recognises).cloned().collect();
        let accounts: Vec<_> = book.accounts.values().cloned().collect();
        let people: Vec<_> = book.people.values().cloned().collect();
        let charter = config.charter(&body, &accounts, &people);
        let items = seed(charter, &accounts, &people, &recognised);
        let mut fields = Fields::default();
        fields.text("organisation", body.as_str());
        fields.number("records", items.len() as u64);
        let draft = Draft { kind: "registry-loaded", fields: fields.into(), ..Draft::default() };
        let written = Written { items, ..Written::default() };
        let change = RegistryChange { organisation: body, act: "registry-loaded", by: None, written };
        let changes = vec![Change::Registry(Box::new(change))];
        Some(Unit { changes, ..Unit::entry(Log::from(GATEWAY_LOG), draft) })
    });
    fresh.collect()
}

/// An account as a configuration declares it: nothing in it says what is out of the ordinary.
fn declared(account: &Account) -> String {
    format!("{:?}", Account { trouble: Trouble::default(), ..account.clone() })
}

/// Where the configuration says something else than a registry that was loaded before.
fn warnings(config: &Config, store: &Store) -> Vec<String> {
    let known = store.reads().registry();
    let mut warnings = Vec::new();
    let mut compare = |what: &str, here: BTreeSet<(String, String)>, there: BTreeSet<(String, String)>| {
        if there.is_empty() {
            return;
        }
        for (id, _) in here.difference(&there) {
            warnings.push(format!(
                "{what} {id:?}: the configuration differs from the registry, which counts; change it at the console"
            ));
        }
    };
    let names = known.organisation_names();
    compare(
        "organisation",
        config.organisations.iter().map(|body| (body.id.to_string(), body.name.clone())).collect(),
        names.iter().map(|(id, name)| (id.to_string(), name.clone())).collect(),
    );
    compare(
        "account",
        config.accounts.iter().map(|one| (one.id.to_string(), format!("{one:?}"))).collect(),
        known.accounts().iter().map(|one| (one.id.to_string(), declared(one))).collect(),
    );
    compare(
        "person",
        config.people.iter().map(|one| (one.id.to_string(), format!("{one:?}"))).collect(),
        known.people().iter().map(|one| (one.id.to_string(), format!("{one:?}"))).collect(),
    );
    compare(
        "client",
        config.clients.iter().map(|one| (one.id.to_string(), format!("{one:?}"))).collect(),
        known.clients().iter().map(|one| (one.id.to_string(), format!("{one:?}"))).collect(),
    );
    warnings
}
