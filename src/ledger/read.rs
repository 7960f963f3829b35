//! Reading a log: entries, checkpoint, proofs, payloads, export. For the stream, the console and the command line; none
//! of it needs the writer, so that it works beside a running gateway too.

use std::io::Write;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::checkpoint::Signer;
use super::entry::Payload;
use super::tree::inclusion_proof;
use super::{Ledger, LedgerDown};
use crate::config::{Config, Problem};
use crate::store::keyring::{Keyring, secret_file};
use crate::store::reads::Reads;
use crate::store::{Head, Stored, sqlite};

/// An entry as a reader gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// Its index.
    pub index: u64,
    /// Its bytes: one line of JSON, RFC 8785.
    pub leaf: String,
}

/// The logs, to be read.
#[derive(Clone)]
pub struct Logbook {
    reads: Arc<Reads>,
}

/// Entries that are read at once.
const PAGE: usize = 1000;

/// Pages that are looked through at once for a mark.
const PAGES: usize = 20;

fn is_marked(leaf: &str, mark: &str) -> bool {
    let Ok(leaf) = serde_json::from_str::<serde_json::Value>(leaf) else { return false };
    leaf.get("marks").and_then(serde_json::Value::as_array).is_some_and(|marks| marks.iter().any(|it| it == mark))
}

impl Logbook {
    /// The logs of a database, whether a gateway runs on it or not.
    pub fn of_database(config: &crate::config::store::Store) -> Result<Self, Problem> {
        Ok(Self { reads: Arc::new(Reads::of_database(config)?) })
    }

    /// The same, if there is a database yet.
    pub fn of_database_if_any(config: &crate::config::store::Store) -> Result<Option<Self>, Problem> {
        let there = sqlite::path(&config.url)?.exists();
        there.then(|| Self::of_database(config)).transpose()
    }

    /// The read side below.
    pub fn reads(&self) -> &Arc<Reads> {
        &self.reads
    }

    /// The names of all logs: the bodies' and `gateway`.
    pub fn logs(&self) -> Result<Vec<String>, LedgerDown> {
        Ok(self.reads.heads()?.iter().map(|head| head.log.to_string()).collect())
    }

    fn head(&self, log: &str) -> Result<Head, LedgerDown> {
        self.reads.head(log)?.ok_or_else(|| LedgerDown(format!("there is no log {log}")))
    }

    /// How many entries a log has; the next index. A log that has none yet has 0.
    pub fn size(&self, log: &str) -> Result<u64, LedgerDown> {
        Ok(self.reads.head(log)?.map_or(0, |head| head.size))
    }

    /// What an entry commits to, opened with these keys; none: it has no payload, or it was destroyed.
    pub fn opened(&self, keys: &Keyring, log: &str, index: u64) -> Result<Option<Payload>, LedgerDown> {
        payload(keys, &self.reads, log, index)
    }

    /// The signed checkpoint of a log.
    pub fn checkpoint(&self, log: &str) -> Result<String, LedgerDown> {
        Ok(self.head(log)?.note)
    }

    /// Entries from index `from` on, in order and without a gap, at most `limit` and at most 1,000.
    pub fn read(&self, log: &str, from: u64, limit: usize) -> Result<Vec<LogEntry>, LedgerDown> {
        let Some(head) = self.reads.head(log)? else { return Ok(Vec::new()) };
        let stored = self.reads.entries(head.number, from, limit.min(PAGE))?;
        let text = |leaf| String::from_utf8(leaf).map_err(|_| LedgerDown("an entry is not text".to_owned()));
        stored.into_iter().map(|one| Ok(LogEntry { index: one.index, leaf: text(one.leaf)? })).collect()
    }

    /// The last `count` entries, at most 1,000.
    pub fn tail(&self, log: &str, count: usize) -> Result<Vec<LogEntry>, LedgerDown> {
        let count = count.min(PAGE);
        self.read(log, self.size(log)?.saturating_sub(count as u64), count)
    }

    /// The permissions that carry a mark (自己決裁, 代決, 訂正), among the entries from index `from` on that one call looks
    /// at, and where the next call goes on; none: that was the end.
    pub fn marked(&self, log: &str, mark: &str, from: u64) -> Result<(Vec<LogEntry>, Option<u64>), LedgerDown> {
        let mut found = Vec::new();
        let mut next = from;
        for _ in 0..PAGES {
            let page = self.read(log, next, PAGE)?;
            let Some(last) = page.last() else { return Ok((found, None)) };
            next = last.index + 1;
            found.extend(page.into_iter().filter(|entry| is_marked(&entry.leaf, mark)));
        }
        Ok((found, Some(next)))
    }

    /// A full tile, by C2SP's level and number.
    pub fn tile(&self, log: &str, level: u8, n: u64) -> Result<Option<Vec<u8>>, LedgerDown> {
        Ok(self.reads.stored_tile(self.head(log)?.number, level, n)?)
    }

    /// The proof that an entry is in the log, as C2SP tlog-proof writes it: anybody can verify it offline, with the
    /// entry and the verifier key.
    pub fn proof(&self, log: &str, index: u64) -> Result<String, LedgerDown> {
        let head = self.head(log)?;
        let hashes = inclusion_proof(self.reads.as_ref(), head.number, index, head.size)?;
        let mut text = format!("c2sp.org/tlog-proof@v1\nindex {index}\n");
        for hash in hashes {
            text.push_str(&STANDARD.encode(hash));
            text.push('\n');
        }
        text.push('\n');
        text.push_str(&head.note);
        Ok(text)
    }

    /// Writes all entries, one a line, and the checkpoint that they come to. Returns how many.
    pub fn export(&self, log: &str, entries: &mut dyn Write, checkpoint: &mut dyn Write) -> Result<u64, LedgerDown> {
        let head = self.head(log)?;
        let broken = |e: std::io::Error| LedgerDown(e.to_string());
        let mut next = 0;
        // What is appended meanwhile stays out, so that the entries are those of this checkpoint.
        while next < head.size {
            let rest = usize::try_from(head.size - next).unwrap_or(PAGE);
            let page = self.reads.entries(head.number, next, rest.min(PAGE))?;
            for entry in &page {
                if entry.index != next {
                    return Err(LedgerDown(format!("entry {next} of log {log} is missing")));
                }
                entries.write_all(&entry.leaf).and_then(|()| entries.write_all(b"\n")).map_err(broken)?;
                next += 1;
            }
            if page.is_empty() {
                return Err(LedgerDown(format!("entry {next} of log {log} is missing")));
            }
        }
        checkpoint.write_all(head.note.as_bytes()).map_err(broken)?;
        Ok(next)
    }
}

impl Ledger {
    /// The logs, to be read.
    pub fn logbook(&self) -> Logbook {
        Logbook { reads: self.reads() }
    }

    /// What an entry commits to; none: it has no payload, or it was destroyed.
    pub fn payload(&self, log: &str, index: u64) -> Result<Option<Payload>, LedgerDown> {
        payload(&self.shared.keyring, &self.reads(), log, index)
    }

    /// The key by which others verify a log's checkpoints, as C2SP writes it.
    pub fn vkey(&self, log: &str) -> Result<String, Problem> {
        let config = &self.shared.config;
        Signer::open(&config.dir, &config.origin, log, false).map(|signer| signer.vkey().to_owned())
    }
}

pub(super) fn payload(keys: &Keyring, reads: &Reads, log: &str, index: u64) -> Result<Option<Payload>, LedgerDown> {
    let Some(head) = reads.head(log)? else { return Ok(None) };
    let entries = reads.entries_with_payloads(head.number, index, 1)?;
    let Some((key, sealed)) = entries.into_iter().find(|one| one.index == index).and_then(|one| one.payload) else {
        return Ok(None);
    };
    let Some(plain) = keys.open_sealed(key, &sealed)?.map(Zeroizing::new) else { return Ok(None) };
    let content = plain.get(32..).unwrap_or_default();
    serde_json::from_slice(content).map(Some).map_err(|e| LedgerDown(e.to_string()))
}

/// The payload keys of a ledger directory, to read with beside a running gateway; none: there are no keys here.
pub fn keys(config: &Config) -> Result<Option<Keyring>, Problem> {
    let file = config.ledger.dir.join("payload.key");
    if !file.exists() {
        return Ok(None);
    }
    let secret = secret_file(&file, false)?;
    let keyring = Keyring::open_read_only(&config.ledger.dir, &secret);
    keyring.map(Some).map_err(|e| Problem { file: Some(file), line: None, reason: e.to_string() })
}
