//! The registry in memory: bodies, accounts, people, posting tools. Read anew by the writer after each change of it.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use rusqlite::{Connection, Result};

use super::change::from_json;
use crate::domain::account::{Account, AccountId, OrganisationId, ProviderId};
use crate::domain::clock::in_japan;
use crate::domain::credential::{Credentials, SealedCredential};
use crate::domain::person::{Client, ClientId, Person, PersonId};
use crate::domain::ports::Registry;
use crate::domain::registry::{Book, Holding, SectionId, Standing};

pub(super) mod books;
mod today;

use today::Today;

/// The registry as of the last change.
pub struct Registered(ArcSwap<Snapshot>);

#[derive(Debug, Default)]
struct Snapshot {
    organisations: BTreeMap<OrganisationId, String>,
    accounts: BTreeMap<AccountId, Arc<Account>>,
    people: BTreeMap<PersonId, Arc<Person>>,
    clients: BTreeMap<ClientId, Arc<Client>>,
    client_keys: HashMap<String, Arc<Client>>,
    /// None where two clients name the same address.
    client_sources: HashMap<IpAddr, Option<Arc<Client>>>,
    person_keys: HashMap<String, Arc<Person>>,
    fingerprints: HashMap<(ProviderId, String), Arc<Account>>,
    credentials: BTreeMap<AccountId, Arc<SealedCredential>>,
    books: BTreeMap<OrganisationId, Arc<Book>>,
    /// What the road asks of the books for every post, read once a day and then shared.
    standings: HashMap<AccountId, Today<Standing>>,
    holdings: HashMap<PersonId, Today<Holding>>,
    sections: HashMap<OrganisationId, Arc<[SectionId]>>,
}

impl Registered {
    /// Reads it.
    pub(super) fn read(conn: &Connection) -> Result<Self> {
        Ok(Self(ArcSwap::from_pointee(Snapshot::read(conn)?)))
    }

    /// Reads it anew.
    pub(super) fn refresh(&self, conn: &Connection) -> Result<()> {
        self.0.store(Arc::new(Snapshot::read(conn)?));
        Ok(())
    }

    /// The bodies' names as written, by id.
    pub fn organisation_names(&self) -> BTreeMap<OrganisationId, String> {
        self.0.load().organisations.clone()
    }

    /// The person is the post's author, or owns the tool.
    pub(super) fn is_author(&self, person: &PersonId, author: Option<&PersonId>, client: Option<&ClientId>) -> bool {
        author == Some(person) || client.and_then(|id| self.client(id)).is_some_and(|client| client.owner == *person)
    }

    /// Whether the account's operating policy lets authors approve.
    pub(super) fn self_approval(&self, account: &AccountId) -> bool {
        self.account(account).is_some_and(|it| it.operating_policy.as_ref().is_some_and(|it| it.self_approval))
    }

    /// The revision of a body's registry.
    pub(super) fn revision(&self, body: &OrganisationId) -> u64 {
        self.book(body).map_or(0, |book| book.revision)
    }

    /// All people, by id.
    pub fn people(&self) -> Vec<Arc<Person>> {
        self.0.load().people.values().cloned().collect()
    }

    /// All posting tools, by id.
    pub fn clients(&self) -> Vec<Arc<Client>> {
        self.0.load().clients.values().cloned().collect()
    }
}

impl Snapshot {
    fn read(conn: &Connection) -> Result<Self> {
        let mut new = Self::default();
        for (id, name) in rows(conn, "SELECT id, name FROM organisation")? {
            new.organisations.insert(OrganisationId::new(id), name);
        }
        for (_, body) in rows(conn, "SELECT id, body FROM account")? {
            let account: Arc<Account> = Arc::new(from_json(&body)?);
            for fingerprint in &account.credential_fingerprints {
                let key = (account.provider.clone(), fingerprint.to_ascii_lowercase());
                new.fingerprints.insert(key, Arc::clone(&account));
            }
            new.accounts.insert(account.id.clone(), account);
        }
        for (_, body) in rows(conn, "SELECT id, body FROM person")? {
            let person: Arc<Person> = Arc::new(from_json(&body)?);
            if let Some(key) = &person.key_sha256 {
                new.person_keys.insert(key.to_ascii_lowercase(), Arc::clone(&person));
            }
            new.people.insert(person.id.clone(), person);
        }
        for (_, body) in rows(conn, "SELECT id, body FROM client")? {
            let client: Arc<Client> = Arc::new(from_json(&body)?);
            for source in &client.sources {
                new.client_sources
                    .entry(source.to_canonical())
                    .and_modify(|known| *known = None)
                    .or_insert_with(|| Some(Arc::clone(&client)));
            }
            new.client_keys.insert(client.key_sha256.to_ascii_lowercase(), Arc::clone(&client));
            new.clients.insert(client.id.clone(), client);
        }
        for credential in credentials(conn)? {
            new.credentials.insert(credential.account.clone(), Arc::new(credential));
        }
        new.books = books::read(conn, new.organisations.keys().cloned(), &new.accounts, &new.people)?;
        new.standings = new.accounts.keys().map(|id| (id.clone(), Today::default())).collect();
        new.holdings = new.people.keys().map(|id| (id.clone(), Today::default())).collect();
        let sections = |book: &Book| book.sections.keys().cloned().collect();
        new.sections = new.books.iter().map(|(id, book)| (id.clone(), sections(book))).collect();
        Ok(new)
    }
}

fn credentials(conn: &Connection) -> Result<Vec<SealedCredential>> {
    let sql = "SELECT account, kind, sealed, changed, rotate_by, stale_at, locked FROM credential";
    let moment = |micros: i64| {
        Timestamp::from_microsecond(micros)
            .map_err(|e| rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Integer, e.into()))
    };
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map([], |row| {
        Ok(SealedCredential {
            account: AccountId::new(row.get::<_, String>(0)?),
            kind: row.get(1)?,
            sealed: row.get(2)?,
            changed: moment(row.get(3)?)?,
            rotate_by: moment(row.get(4)?)?,
            stale_at: row.get::<_, Option<i64>>(5)?.map(moment).transpose()?,
            locked: row.get(6)?,
        })
    })?;
    rows.collect()
}

impl Credentials for Registered {
    fn credential(&self, account: &AccountId) -> Option<Arc<SealedCredential>> {
        self.0.load().credentials.get(account).cloned()
    }
}

fn rows(conn: &Connection, sql: &str) -> Result<Vec<(String, String)>> {
    conn.prepare_cached(sql)?.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

impl Registry for Registered {
    fn client_by_key(&self, key_sha256: &str) -> Option<Arc<Client>> {
        self.0.load().client_keys.get(&key_sha256.to_ascii_lowercase()).cloned()
    }

    fn client_by_source(&self, source: IpAddr) -> Option<Arc<Client>> {
        self.0.load().client_sources.get(&source.to_canonical()).cloned().flatten()
    }

    fn client(&self, id: &ClientId) -> Option<Arc<Client>> {
        self.0.load().clients.get(id).cloned()
    }

    fn account(&self, id: &AccountId) -> Option<Arc<Account>> {
        self.0.load().accounts.get(id).cloned()
    }

    fn account_by_fingerprint(&self, provider: &ProviderId, fingerprint: &str) -> Option<Arc<Account>> {
        self.0.load().fingerprints.get(&(provider.clone(), fingerprint.to_ascii_lowercase())).cloned()
    }

    fn accounts(&self) -> Vec<Arc<Account>> {
        self.0.load().accounts.values().cloned().collect()
    }

    fn person(&self, id: &PersonId) -> Option<Arc<Person>> {
        self.0.load().people.get(id).cloned()
    }

    fn person_by_key(&self, key_sha256: &str) -> Option<Arc<Person>> {
        self.0.load().person_keys.get(&key_sha256.to_ascii_lowercase()).cloned()
    }

    fn organisations(&self) -> Vec<OrganisationId> {
        self.0.load().organisations.keys().cloned().collect()
    }

    fn book(&self, organisation: &OrganisationId) -> Option<Arc<Book>> {
        self.0.load().books.get(organisation).cloned()
    }

    fn standing(&self, account: &AccountId, now: Timestamp) -> Option<Arc<Standing>> {
        // Account and book of one snapshot: a change between two looks would show half of it.
        let snapshot = self.0.load();
        let look = |day| snapshot.books.get(&snapshot.accounts.get(account)?.organisation)?.standing_on(account, day);
        snapshot.standings.get(account)?.on(in_japan(now).date(), look)
    }

    fn holding(&self, person: &PersonId, now: Timestamp) -> Arc<Holding> {
        let snapshot = self.0.load();
        let look = |day| Some(snapshot.books.get(&snapshot.people.get(person)?.organisation)?.holding(person, day));
        let known = snapshot.holdings.get(person).and_then(|known| known.on(in_japan(now).date(), look));
        known.unwrap_or_default()
    }

    fn sections(&self, organisation: &OrganisationId) -> Arc<[SectionId]> {
        self.0.load().sections.get(organisation).cloned().unwrap_or_default()
    }
}
