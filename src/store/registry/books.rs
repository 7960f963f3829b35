//! The registry on the disk: records, revisions, history; and the questions that conditions ask of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::{Connection, OptionalExtension, Result, params};

use crate::domain::account::{Account, AccountId, OrganisationId};
use crate::domain::clock::in_japan;
use crate::domain::person::{Person, PersonId};
use crate::domain::ports::{Past, Unavailable};
use crate::domain::registry::{Book, Item, Written};
use crate::store::change::{Place, from_json, put_account, put_person, to_json};
use crate::store::reads::Reads;
use crate::store::{RegistryChange, index_of};

/// Rows that a look into the past gives at most.
const MOST_PAST: usize = 1_000;

/// Every body's book.
pub(in crate::store) fn read(
    conn: &Connection,
    organisations: impl Iterator<Item = OrganisationId>,
    accounts: &BTreeMap<AccountId, Arc<Account>>,
    people: &BTreeMap<PersonId, Arc<Person>>,
) -> Result<BTreeMap<OrganisationId, Arc<Book>>> {
    let mut books = BTreeMap::new();
    for id in organisations {
        let own_accounts = accounts.values().filter(|it| it.organisation == id).cloned();
        let own_people = people.values().filter(|it| it.organisation == id).cloned();
        let sql = "SELECT body FROM registry_item WHERE organisation = ? ORDER BY kind, id";
        let bodies: Vec<String> =
            conn.prepare_cached(sql)?.query_map([id.as_str()], |row| row.get(0))?.collect::<Result<_>>()?;
        let items: Vec<Item> = bodies.iter().map(|body| from_json(body)).collect::<Result<_>>()?;
        let book = Book::new(revision(conn, &id)?, own_accounts, own_people, items);
        books.insert(id, Arc::new(book));
    }
    Ok(books)
}

/// How many changes the body's registry has seen.
pub(in crate::store) fn revision(conn: &Connection, organisation: &OrganisationId) -> Result<u64> {
    let sql = "SELECT n FROM registry_revision WHERE organisation = ?";
    let found: Option<i64> =
        conn.prepare_cached(sql)?.query_row([organisation.as_str()], |row| row.get(0)).optional()?;
    Ok(found.unwrap_or_default().unsigned_abs())
}

/// Counts a change of the body's registry. What was decided before it must be decided again.
pub(in crate::store) fn moved(conn: &Connection, organisation: &str) -> Result<()> {
    let sql = "INSERT INTO registry_revision VALUES (?, 1) ON CONFLICT (organisation) DO UPDATE SET n = n + 1";
    conn.prepare_cached(sql)?.execute([organisation]).map(|_| ())
}

/// Writes what was decided, with its history.
pub(in crate::store) fn write(conn: &Connection, change: &RegistryChange, place: Place) -> Result<()> {
    let RegistryChange { organisation, act, by, written } = change;
    let past = History { organisation, act, by: by.as_ref(), place };
    let Written { items, accounts, people } = written;
    for person in people {
        put_person(conn, person)?;
        // A key's hash is nobody's business in a history.
        past.note(conn, "person", person.id.as_str(), &Person { key_sha256: None, ..person.clone() })?;
    }
    for account in accounts {
        put_account(conn, account)?;
        past.note(conn, "sns-account", account.id.as_str(), account)?;
    }
    for item in items {
        let (id, body) = (item.id(), to_json(item)?);
        let row = params![organisation.as_str(), item.kind(), id, body];
        conn.prepare_cached("INSERT OR REPLACE INTO registry_item VALUES (?, ?, ?, ?)")?.execute(row)?;
        past.note(conn, item.kind(), &id, item)?;
    }
    moved(conn, organisation.as_str())
}

/// Where a change comes from, for its history.
pub(in crate::store) struct History<'a> {
    pub(in crate::store) organisation: &'a OrganisationId,
    pub(in crate::store) act: &'a str,
    pub(in crate::store) by: Option<&'a PersonId>,
    pub(in crate::store) place: Place,
}

impl History<'_> {
    /// Notes what something is from now on.
    pub(in crate::store) fn note(
        &self,
        conn: &Connection,
        kind: &str,
        id: &str,
        value: &impl serde::Serialize,
    ) -> Result<()> {
        let row = params![
            self.organisation.as_str(),
            kind,
            id,
            self.act,
            self.by.map(PersonId::as_str),
            self.place.at.as_microsecond(),
            self.place.id(),
            to_json(value)?,
        ];
        let sql = "INSERT INTO registry_history VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)";
        conn.prepare_cached(sql)?.execute(row).map(|_| ())
    }
}

/// Whether the body has a registry. Before the first start with one, what was declared counts.
fn has_registry(conn: &Connection, organisation: &str) -> Result<bool> {
    let sql = "SELECT 1 FROM registry_item WHERE organisation = ? AND kind = 'charter' AND id = 'charter'";
    conn.prepare_cached(sql)?.exists([organisation])
}

const IN_FORCE: &str = "json_extract(body, '$.record.span.from') <= ?3
    AND coalesce(json_extract(body, '$.record.span.until'), '9999-12-31') >= ?3";

/// Whether the person works for the body at that moment.
pub(in crate::store) fn works_for(conn: &Connection, person: &PersonId, body: &str, now: Timestamp) -> Result<bool> {
    let sql = "SELECT 1 FROM person WHERE id = ? AND organisation = ?";
    if !conn.prepare_cached(sql)?.exists([person.as_str(), body])? {
        return Ok(false);
    }
    Ok(!has_registry(conn, body)? || is_employed(conn, person.as_str(), body, in_japan(now).date())?)
}

fn is_employed(conn: &Connection, person: &str, body: &str, day: Date) -> Result<bool> {
    // The id of an appointment begins with its person; `!` is the character after the space.
    let sql = format!(
        "SELECT 1 FROM registry_item WHERE organisation = ?1 AND kind = 'appointment'
        AND id >= ?2 || ' ' AND id < ?2 || '!' AND {IN_FORCE}"
    );
    conn.prepare_cached(&sql)?.exists(params![body, person, day.to_string()])
}

/// Whether the person manages the account at that moment: holds the position, or decides in its holder's place.
pub(in crate::store) fn manages(
    conn: &Connection,
    person: &PersonId,
    account: &AccountId,
    now: Timestamp,
) -> Result<bool> {
    let sql = "SELECT a.organisation, json_extract(a.body, '$.manager'), json_extract(i.body, '$.record.manager')
        FROM account a LEFT JOIN registry_item i ON i.organisation = a.organisation AND i.kind = 'account' AND i.id = a.id
        WHERE a.id = ?";
    let found: Option<(String, String, Option<String>)> = conn
        .prepare_cached(sql)?
        .query_row([account.as_str()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((body, declared, position)) = found else { return Ok(false) };
    let Some(position) = position else { return Ok(declared == person.as_str() && !declared.is_empty()) };
    let day = in_japan(now).date();
    let sql = format!(
        "SELECT json_extract(body, '$.record.person') FROM registry_item
        WHERE organisation = ?1 AND kind = 'appointment' AND json_extract(body, '$.record.position') = ?2 AND {IN_FORCE}
        ORDER BY json_extract(body, '$.record.span.from') DESC, id DESC LIMIT 1"
    );
    let args = params![body, position, day.to_string()];
    let holder: Option<String> = conn.prepare_cached(&sql)?.query_row(args, |row| row.get(0)).optional()?;
    if holder.as_deref() == Some(person.as_str()) {
        return Ok(true);
    }
    let sql = format!(
        "SELECT 1 FROM registry_item
        WHERE organisation = ?1 AND kind = 'deputy' AND json_extract(body, '$.record.position') = ?2 AND {IN_FORCE}
        AND json_extract(body, '$.record.person') = ?4"
    );
    let args = params![body, position, day.to_string(), person.as_str()];
    Ok(conn.prepare_cached(&sql)?.exists(args)? && is_employed(conn, person.as_str(), &body, day)?)
}

/// Whether another body has something of this name.
pub(in crate::store) fn is_elsewhere(conn: &Connection, table: &str, id: &str, body: &str) -> Result<bool> {
    let sql = format!("SELECT 1 FROM {table} WHERE id = ? AND organisation <> ?");
    conn.prepare_cached(&sql)?.exists([id, body])
}

impl crate::domain::ports::RegistryPast for Reads {
    fn past(
        &self,
        organisation: &OrganisationId,
        of: Option<(&str, &str)>,
    ) -> std::result::Result<Vec<Past>, Unavailable> {
        let conn = self.connection().map_err(|down| Unavailable(down.0))?;
        let sql = format!(
            "SELECT kind, item, act, person, at, entry, body FROM registry_history
            WHERE organisation = ?1 AND (?2 IS NULL OR (kind = ?2 AND item = ?3)) ORDER BY id DESC LIMIT {MOST_PAST}"
        );
        let mut statement = conn.prepare_cached(&sql)?;
        let args = params![organisation.as_str(), of.map(|it| it.0), of.map(|it| it.1)];
        let rows = statement.query_map(args, |row| {
            let at = Timestamp::from_microsecond(row.get(4)?);
            Ok(Past {
                kind: row.get(0)?,
                id: row.get(1)?,
                act: row.get(2)?,
                by: row.get::<_, Option<String>>(3)?.map(PersonId::new),
                at: at.map_err(|e| {
                    rusqlite::Error::FromSqlConversionFailure(4, rusqlite::types::Type::Integer, e.into())
                })?,
                entry: index_of(row.get(5)?),
                record: from_json(row.get_ref(6)?.as_str()?)?,
            })
        })?;
        let past = rows.collect::<Result<_>>();
        Ok(past?)
    }
}
