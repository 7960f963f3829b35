//! Containers in the database: made by one request, published by another, each of which is an entry of its own.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Result, Row, ToSql, params};

use super::change::Place;
use super::{entry_id, index_of};
use crate::domain::account::{AccountId, ProviderId};
use crate::domain::action::Action;
use crate::domain::container::{Container, KnownContainer};
use crate::domain::digest::Digest;
use crate::domain::emergency::EmergencyId;

/// How long the part of a carousel is kept after its provider threw it away, in microseconds.
const KEPT: i64 = 60 * 60 * 1_000_000;

/// Whether the permission `publish` may have published: any outcome but the two that say that nothing became public.
const PUBLISHED: &str = "c.publish IS NOT NULL AND NOT EXISTS (SELECT 1 FROM outcome o WHERE o.id = c.publish
    AND o.outcome IN ('refused-by-provider', 'not-sent'))";

/// Remembers a container that the entry `of` of this log let be made. An id that a provider gives twice stays what it was.
pub(super) fn remember(conn: &Connection, place: Place, of: u64, made: &Container) -> Result<()> {
    let sql = "UPDATE container SET part = NULL WHERE part IS NOT NULL AND expires < ?";
    conn.prepare_cached(sql)?.execute([place.at.as_microsecond() - KEPT])?;
    let row: [&dyn ToSql; 10] = [
        &made.provider.as_str(),
        &made.id,
        &made.account.as_str(),
        &made.action.as_str(),
        &made.digest.to_string(),
        &made.made.as_microsecond(),
        &made.expires.as_microsecond(),
        &made.emergency.as_ref().map(EmergencyId::as_str),
        &made.part,
        &entry_id(place.number, of),
    ];
    let sql = "INSERT INTO container VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL) ON CONFLICT DO NOTHING";
    conn.prepare_cached(sql)?.execute(row).map(|_| ())
}

/// This permission publishes the container.
pub(super) fn publish(conn: &Connection, place: Place, known: &KnownContainer) -> Result<()> {
    let row = params![entry_id(place.number, place.index), known.container.provider.as_str(), known.container.id];
    conn.prepare_cached("UPDATE container SET publish = ? WHERE provider = ? AND id = ?")?.execute(row).map(|_| ())
}

/// What is known of a container.
pub(super) fn find(conn: &Connection, provider: &ProviderId, id: &str) -> Result<Option<KnownContainer>> {
    let sql = format!(
        "SELECT account, action, digest, made, expires, emergency, part, entry, {PUBLISHED}
        FROM container c WHERE provider = ? AND id = ?"
    );
    let read = |row: &Row<'_>| {
        let (action, digest): (String, String) = (row.get(1)?, row.get(2)?);
        let time = |column| super::reads::named(column, Timestamp::from_microsecond(row.get(column)?).ok());
        Ok(KnownContainer {
            container: Container {
                provider: provider.clone(),
                id: id.to_owned(),
                account: AccountId::new(row.get::<_, String>(0)?),
                action: super::reads::named(1, Action::ALL.into_iter().find(|known| known.as_str() == action))?,
                digest: super::reads::named(2, Digest::parse(&digest))?,
                made: time(3)?,
                expires: time(4)?,
                emergency: row.get::<_, Option<String>>(5)?.map(EmergencyId::new),
                part: row.get(6)?,
            },
            entry: index_of(row.get(7)?),
            published: row.get(8)?,
        })
    };
    conn.prepare_cached(&sql)?.query_row([provider.as_str(), id], read).optional()
}

/// Why the container cannot be published now: it changed since the examination, or the approval that its entry spent is
/// no longer good. A container is published in the window of its approval or not at all.
pub(super) fn failure(conn: &Connection, shown: &KnownContainer, now: Timestamp) -> Result<Option<&'static str>> {
    let Some(known) = find(conn, &shown.container.provider, &shown.container.id)? else {
        return Ok(Some("unknown-container"));
    };
    if known.container != shown.container || known.entry != shown.entry || known.container.is_part() {
        return Ok(Some("unknown-container"));
    }
    if known.published {
        return Ok(Some("container-published"));
    }
    if now >= known.container.expires {
        return Ok(Some("container-expired"));
    }
    let epoch: Option<i64> = conn
        .prepare_cached("SELECT value FROM meta WHERE name = 'epoch'")?
        .query_row([], |row| row.get(0))
        .optional()?;
    if epoch.is_some_and(|epoch| known.container.made.as_microsecond() < epoch) {
        return Ok(Some("approval-before-restore"));
    }
    let sql = "SELECT a.revoked IS NOT NULL, a.expires FROM container c JOIN used_approval u ON u.entry = c.entry
        JOIN approval a ON a.id = u.approval WHERE c.provider = ? AND c.id = ?";
    let spent: Option<(bool, i64)> = conn
        .prepare_cached(sql)?
        .query_row([known.container.provider.as_str(), &known.container.id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(match spent {
        Some((true, _)) => Some("approval-revoked"),
        Some((false, expires)) if now.as_microsecond() >= expires => Some("approval-expired"),
        _ => None,
    })
}
