//! Reading logs back: entries, hashes, tiles, heads, sealed payloads.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Result, Row, params};

use super::reads::Reads;
use super::{Head, StoreDown, Stored, entry_id, index_of};

/// An entry as it is stored.
#[derive(Clone, Debug)]
pub struct StoredEntry {
    /// Its index by its key.
    pub index: u64,
    /// Its bytes.
    pub leaf: Vec<u8>,
    /// Its leaf hash as stored.
    pub hash: Vec<u8>,
    /// Its payload, if it has one that was not destroyed: key number, and nonce, ciphertext, tag.
    pub payload: Option<(i64, Vec<u8>)>,
}

/// What the writer reads through its own connection.
pub(super) struct WriterView<'a>(pub(super) &'a Connection);

impl Stored for WriterView<'_> {
    fn heads(&self) -> std::result::Result<Vec<Head>, StoreDown> {
        Ok(heads(self.0)?)
    }

    fn hashes(&self, number: i64, from: u64) -> std::result::Result<Vec<[u8; 32]>, StoreDown> {
        Ok(hashes(self.0, number, from)?)
    }

    fn tile(&self, number: i64, level: u8, n: u64) -> std::result::Result<Vec<u8>, StoreDown> {
        tile(self.0, number, level, n)?.ok_or_else(|| StoreDown(format!("tile {level}/{n} of log {number} is missing")))
    }
}

impl Stored for Reads {
    fn heads(&self) -> std::result::Result<Vec<Head>, StoreDown> {
        Ok(heads(&*self.connection()?)?)
    }

    fn hashes(&self, number: i64, from: u64) -> std::result::Result<Vec<[u8; 32]>, StoreDown> {
        Ok(hashes(&*self.connection()?, number, from)?)
    }

    fn tile(&self, number: i64, level: u8, n: u64) -> std::result::Result<Vec<u8>, StoreDown> {
        WriterView(&*self.connection()?).tile(number, level, n)
    }
}

impl Reads {
    /// The head of a log.
    pub fn head(&self, log: &str) -> std::result::Result<Option<Head>, StoreDown> {
        Ok(self.heads()?.into_iter().find(|head| &*head.log == log))
    }

    /// Entries of a log from index `from` on, in order, at most `limit`, payloads left out. One short transaction, so
    /// that a slow reader never holds the write-ahead log.
    pub fn entries(&self, number: i64, from: u64, limit: usize) -> std::result::Result<Vec<StoredEntry>, StoreDown> {
        let conn = self.connection()?;
        let sql = "SELECT id, leaf, hash, NULL, NULL FROM record WHERE id >= ? AND id < ? ORDER BY id LIMIT ?";
        Ok(select_entries(&conn, sql, number, from, limit)?)
    }

    /// The same with payloads.
    pub fn entries_with_payloads(
        &self,
        number: i64,
        from: u64,
        limit: usize,
    ) -> std::result::Result<Vec<StoredEntry>, StoreDown> {
        let conn = self.connection()?;
        let sql = "SELECT r.id, r.leaf, r.hash, p.key, p.sealed FROM record r LEFT JOIN payload p ON p.id = r.id
            WHERE r.id >= ? AND r.id < ? ORDER BY r.id LIMIT ?";
        Ok(select_entries(&conn, sql, number, from, limit)?)
    }

    /// A full tile, if it is stored.
    pub fn stored_tile(&self, number: i64, level: u8, n: u64) -> std::result::Result<Option<Vec<u8>>, StoreDown> {
        Ok(tile(&*self.connection()?, number, level, n)?)
    }

    /// What the outcome table says of a permission: nothing; open; or the outcome's entry and name.
    pub fn outcome_row(
        &self,
        number: i64,
        index: u64,
    ) -> std::result::Result<Option<Option<(u64, String)>>, StoreDown> {
        let conn = self.connection()?;
        let mut statement = conn.prepare_cached("SELECT closed_by, outcome FROM outcome WHERE id = ?")?;
        let found = statement.query_row([entry_id(number, index)], |row| {
            let closed: Option<i64> = row.get(0)?;
            let outcome: Option<String> = row.get(1)?;
            Ok(closed.zip(outcome).map(|(by, outcome)| (by.unsigned_abs(), outcome)))
        });
        Ok(found.optional()?)
    }

    /// Permissions without an outcome, over all logs: log and index.
    pub fn open_entries(&self) -> std::result::Result<Vec<(Arc<str>, u64)>, StoreDown> {
        let conn = self.connection()?;
        let sql = "SELECT l.name, o.id FROM outcome o JOIN log l ON l.id = o.id >> 40 WHERE o.closed_by IS NULL ORDER BY o.id";
        let mut statement = conn.prepare_cached(sql)?;
        let found = statement.query_map([], |row| Ok((row.get(0)?, index_of(row.get(1)?))))?.collect::<Result<_>>();
        Ok(found?)
    }
}

fn select_entries(conn: &Connection, sql: &str, number: i64, from: u64, limit: usize) -> Result<Vec<StoredEntry>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let bounds = params![entry_id(number, from), entry_id(number + 1, 0), limit];
    conn.prepare_cached(sql)?.query_map(bounds, entry)?.collect()
}

fn entry(row: &Row<'_>) -> Result<StoredEntry> {
    let key: Option<i64> = row.get(3)?;
    let sealed: Option<Vec<u8>> = row.get(4)?;
    Ok(StoredEntry { index: index_of(row.get(0)?), leaf: row.get(1)?, hash: row.get(2)?, payload: key.zip(sealed) })
}

fn heads(conn: &Connection) -> Result<Vec<Head>> {
    let sql =
        "SELECT h.log, l.name, h.size, h.at, h.frontier, h.note FROM head h JOIN log l ON l.id = h.log ORDER BY h.log";
    let mut statement = conn.prepare_cached(sql)?;
    let heads = statement.query_map([], |row| {
        Ok(Head {
            number: row.get(0)?,
            log: row.get(1)?,
            size: row.get::<_, i64>(2)?.unsigned_abs(),
            at: row.get(3)?,
            frontier: row.get(4)?,
            note: row.get(5)?,
            tiles: Vec::new(),
        })
    })?;
    heads.collect()
}

fn hashes(conn: &Connection, number: i64, from: u64) -> Result<Vec<[u8; 32]>> {
    let sql = "SELECT hash FROM record WHERE id >= ? AND id < ? ORDER BY id LIMIT 256";
    let bounds = [entry_id(number, from), entry_id(number + 1, 0)];
    conn.prepare_cached(sql)?.query_map(bounds, |row| row.get(0))?.collect()
}

fn tile(conn: &Connection, number: i64, level: u8, n: u64) -> Result<Option<Vec<u8>>> {
    let n = i64::try_from(n).unwrap_or(i64::MAX);
    let sql = "SELECT data FROM tile WHERE log = ? AND level = ? AND n = ?";
    conn.prepare_cached(sql)?.query_row(params![number, level, n], |row| row.get(0)).optional()
}
