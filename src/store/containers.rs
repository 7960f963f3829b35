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

/// What became of the approvals that the container's entry says it spent, those of a joint approval among them: how many it
/// names (an entry that is not there counts as one that nobody knows), how many are known, whether one was revoked, when
/// the first of them ends.
const SPENT: &str = "WITH made (leaf) AS (
        SELECT CAST(r.leaf AS TEXT) FROM container c JOIN record r ON r.id = c.entry WHERE c.provider = ?1 AND c.id = ?2
    ), named (approval) AS (
        SELECT leaf ->> '$.approval' FROM made
        UNION ALL SELECT j.value ->> '$.approval' FROM made, json_each(made.leaf, '$.joint') j
    )
    SELECT count(*) + NOT EXISTS (SELECT 1 FROM made), count(a.id), coalesce(max(a.revoked IS NOT NULL), 0), min(a.expires)
        FROM named n LEFT JOIN approval a ON a.id = n.approval WHERE n.approval IS NOT NULL";

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
    let (named, found, revoked, ends): (i64, i64, bool, Option<i64>) =
        conn.prepare_cached(SPENT)?.query_row([known.container.provider.as_str(), &known.container.id], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })?;
    Ok(match ends {
        _ if found < named => Some("approval-missing"),
        _ if revoked => Some("approval-revoked"),
        Some(ends) if now.as_microsecond() >= ends => Some("approval-expired"),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite;

    /// An approval's id, its end, and when it was revoked.
    type Known = (&'static str, i64, Option<i64>);

    fn container(conn: &Connection, leaf: &str, approvals: &[Known]) -> KnownContainer {
        if !leaf.is_empty() {
            conn.execute("INSERT INTO record VALUES (1, ?, x'00')", [leaf.as_bytes()]).unwrap();
        }
        for (id, expires, revoked) in approvals {
            let sql = "INSERT INTO approval VALUES (?, 'a', 'd', 'p', 0, ?, 1, ?, '{}')";
            conn.execute(sql, params![id, expires, revoked]).unwrap();
        }
        let made = Container {
            provider: ProviderId::new("instagram"),
            id: "c1".to_owned(),
            account: AccountId::new("a"),
            action: Action::Publish,
            digest: Digest::from_sha256(crate::domain::media::Sha256::of(b"the post")),
            made: Timestamp::UNIX_EPOCH,
            expires: Timestamp::from_microsecond(1_000).unwrap(),
            emergency: None,
            part: None,
        };
        let place = Place { number: 0, index: 2, at: Timestamp::UNIX_EPOCH };
        remember(conn, place, 1, &made).unwrap();
        find(conn, &made.provider, "c1").unwrap().unwrap()
    }

    #[test]
    fn a_container_is_as_good_as_every_approval_that_its_entry_names() {
        let joint = r#"{"approval":"x","joint":[{"approval":"y","approver":"p-1"}]}"#;
        let cases: [(&str, &[Known], Option<&str>); 8] = [
            ("", &[("x", 500, None)], Some("approval-missing")),
            (r#"{"approval":"x"}"#, &[("x", 500, None)], None),
            (r#"{"approval":"x"}"#, &[("x", 100, None)], Some("approval-expired")),
            (r#"{"approval":"x"}"#, &[("x", 500, Some(9))], Some("approval-revoked")),
            (r#"{"approval":"x"}"#, &[("other", 500, None)], Some("approval-missing")),
            (joint, &[("x", 500, None), ("y", 500, Some(9))], Some("approval-revoked")),
            (joint, &[("x", 500, None), ("y", 100, None)], Some("approval-expired")),
            (r#"{"exemption":"statutory"}"#, &[], None),
        ];
        for (leaf, approvals, expected) in cases {
            let dir = tempfile::tempdir().unwrap();
            let conn = sqlite::open(&dir.path().join("s.db")).unwrap();
            let known = container(&conn, leaf, approvals);
            let now = Timestamp::from_microsecond(100).unwrap();
            assert_eq!(failure(&conn, &known, now).unwrap(), expected, "{leaf} {approvals:?}");
        }
    }
}
