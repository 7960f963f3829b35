//! Verification of stored logs, by crates that share no code with the writer.
//!
//! The tree is rebuilt from the entries' bytes with `tlog_tiles`; entry hashes, tiles, frontier and checkpoint must be
//! what it comes to. Entries must be dense, know their own place, and commit to the payloads whose keys are at hand; each
//! permission has at most one outcome. What was cut off the end of a log together with its checkpoint shows only against
//! a checkpoint that somebody else keeps.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;
use tlog_tiles::{Hash, HashReader, Tile};

use super::LedgerDown;
use super::checkpoint;
use super::read::Logbook;
use crate::domain::media::Sha256;
use crate::store::keyring::Keyring;
use crate::store::records::StoredEntry;
use crate::store::{Head, Stored};

/// What is wrong with a log, and where it shows first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The log.
    pub log: String,
    /// The first index that is bad, or at which the damage shows.
    pub index: u64,
    /// What is wrong, in words.
    pub what: String,
}

impl std::fmt::Display for Damage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "log {}, index {}: {}", self.log, self.index, self.what)
    }
}

/// A log that verifies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The log.
    pub log: String,
    /// How many entries it has.
    pub size: u64,
    /// The root over them, in hex.
    pub root: String,
    /// How many payloads were opened and compared.
    pub payloads: u64,
    /// How many entries commit to a payload that is not there, or whose key is not.
    pub sealed_away: u64,
}

/// Why a log is not verified.
#[derive(Debug)]
pub enum Unverified {
    /// It is damaged.
    Damaged(Damage),
    /// It cannot be read.
    Down(LedgerDown),
}

impl From<crate::store::StoreDown> for Unverified {
    fn from(down: crate::store::StoreDown) -> Self {
        Self::Down(down.into())
    }
}

/// Verifies one log. `vkey` is the verifier key of its checkpoints; `keys` open payloads, where they are at hand.
pub fn verify(book: &Logbook, log: &str, vkey: &str, keys: Option<&Keyring>) -> Result<Verified, Unverified> {
    let head = book.reads().head(log)?.ok_or_else(|| Unverified::Down(LedgerDown(format!("there is no log {log}"))))?;
    let mut walk = Walk {
        book,
        keys,
        number: head.number,
        log,
        next: 0,
        levels: Vec::new(),
        open: BTreeSet::new(),
        payloads: 0,
        sealed_away: 0,
    };
    while walk.next < head.size {
        let rest = usize::try_from(head.size - walk.next).unwrap_or(PAGE);
        let page = book.reads().entries_with_payloads(head.number, walk.next, rest.min(PAGE))?;
        if page.is_empty() {
            return Err(walk.damage(walk.next, "the entry is missing"));
        }
        for stored in &page {
            walk.entry(stored)?;
        }
    }
    walk.head(&head, vkey)
}

/// The verifier key that lies beside a log's signing key.
pub fn vkey_in(dir: &Path, log: &str) -> Result<String, crate::config::Problem> {
    let file = dir.join(format!("{log}.vkey"));
    std::fs::read_to_string(&file).map(|text| text.trim().to_owned()).map_err(|e| crate::config::Problem {
        file: Some(file),
        line: None,
        reason: e.to_string(),
    })
}

/// Entries that are read at once.
const PAGE: usize = 1000;
/// Hashes of a full tile, in bytes.
const TILE: usize = 256 * 32;

/// The members of an entry that verification looks at.
#[derive(Deserialize)]
struct Leaf {
    log: String,
    index: u64,
    kind: String,
    of: Option<u64>,
    outcome: Option<String>,
    content_commit: Option<String>,
}

struct Walk<'a> {
    book: &'a Logbook,
    keys: Option<&'a Keyring>,
    number: i64,
    log: &'a str,
    next: u64,
    levels: Vec<Vec<u8>>,
    open: BTreeSet<u64>,
    payloads: u64,
    sealed_away: u64,
}

impl Walk<'_> {
    fn damage(&self, index: u64, what: impl Into<String>) -> Unverified {
        Unverified::Damaged(Damage { log: self.log.to_owned(), index, what: what.into() })
    }

    fn entry(&mut self, stored: &StoredEntry) -> Result<(), Unverified> {
        let at = self.next;
        if stored.index != at {
            return Err(self.damage(at, "the entry is missing"));
        }
        let hash = tlog_tiles::record_hash(&stored.leaf);
        if stored.hash != hash.0 {
            return Err(self.damage(at, "the entry and its stored hash differ: one of them was changed"));
        }
        let leaf: Leaf =
            serde_json::from_slice(&stored.leaf).map_err(|e| self.damage(at, format!("the entry is no entry: {e}")))?;
        if leaf.log != self.log || leaf.index != at {
            let says = format!("the entry says that it is index {} of log {}", leaf.index, leaf.log);
            return Err(self.damage(at, says));
        }
        self.payload(stored, &leaf)?;
        self.outcome(&leaf)?;
        self.next += 1;
        self.keep(0, hash)
    }

    fn payload(&mut self, stored: &StoredEntry, leaf: &Leaf) -> Result<(), Unverified> {
        let Some(commit) = &leaf.content_commit else {
            return match stored.payload {
                Some(_) => Err(self.damage(leaf.index, "there is a payload that the entry does not commit to")),
                None => Ok(()),
            };
        };
        let opened = match (&stored.payload, self.keys) {
            (Some((key, sealed)), Some(keys)) => keys
                .open_sealed(*key, sealed)
                .map_err(|down| self.damage(leaf.index, format!("the payload cannot be opened: {down}")))?,
            _ => None,
        };
        match opened {
            Some(plain) if Sha256::of(&plain).hex() == *commit => self.payloads += 1,
            Some(_) => return Err(self.damage(leaf.index, "the payload is not the one that the entry commits to")),
            None => self.sealed_away += 1,
        }
        Ok(())
    }

    fn outcome(&mut self, leaf: &Leaf) -> Result<(), Unverified> {
        if leaf.kind == "permit" {
            self.open.insert(leaf.index);
        }
        if leaf.kind != "outcome" {
            return Ok(());
        }
        let Some(of) = leaf.of.filter(|of| self.open.remove(of)) else {
            return Err(self.damage(leaf.index, "the outcome is of no permission, or of one that has an outcome"));
        };
        let row = self.book.reads().outcome_row(self.number, of)?;
        if row != Some(leaf.outcome.clone().map(|outcome| (leaf.index, outcome))) {
            return Err(self.damage(of, "the table of outcomes does not say what the outcome's entry says"));
        }
        Ok(())
    }

    /// Keeps a hash of a tile level; a tile that is full is compared and becomes one hash of the next level.
    fn keep(&mut self, level: u8, hash: Hash) -> Result<(), Unverified> {
        let at = usize::from(level);
        if self.levels.len() <= at {
            self.levels.push(Vec::new());
        }
        let Some(tile) = self.levels.get_mut(at) else { return Ok(()) };
        tile.extend_from_slice(&hash.0);
        if tile.len() < TILE {
            return Ok(());
        }
        let tile = std::mem::take(tile);
        let span = 1_u64 << (8 * (u32::from(level) + 1));
        let n = self.next / span - 1;
        let stored = self.book.reads().stored_tile(self.number, level, n)?.unwrap_or_default();
        if stored != tile {
            let differs = tile.chunks(32).zip(stored.chunks(32)).take_while(|(a, b)| a == b).count() as u64;
            let first = n * span + differs.min(255) * (span / 256);
            return Err(self.damage(first, format!("tile {level}/{n} is not that of the entries")));
        }
        self.keep(level + 1, Tile::subtree_hash(&tile))
    }

    fn head(self, head: &Head, vkey: &str) -> Result<Verified, Unverified> {
        let last = head.size.saturating_sub(1);
        let (size, root) = checkpoint::verify(&head.note, vkey).map_err(|reason| self.damage(last, reason))?;
        if size != head.size {
            return Err(self.damage(last, format!("the checkpoint is of {size} entries, the log has {}", head.size)));
        }
        if !self.book.reads().entries(self.number, head.size, 1)?.is_empty() && self.size_now()? == head.size {
            return Err(self.damage(head.size, "there is an entry beyond the checkpoint"));
        }
        let rebuilt = tlog_tiles::tree_hash(size, &Levels(&self.levels))
            .map_err(|e| self.damage(last, format!("the tree cannot be rebuilt: {e}")))?;
        if rebuilt.0 != root {
            let first = (size / 256) * 256;
            let what = format!("the entries from index {first} on do not come to the signed root");
            return Err(self.damage(first.min(last), what));
        }
        let frontier = Levels(&self.levels).read_hashes(&tlog_tiles::sub_tree_index(0, size, Vec::new()));
        let frontier: Vec<u8> = frontier.unwrap_or_default().iter().flat_map(|hash| hash.0).collect();
        if frontier != head.frontier {
            return Err(self.damage(last, "the stored frontier is not that of the entries"));
        }
        Ok(Verified {
            log: self.log.to_owned(),
            size,
            root: hex::encode(root),
            payloads: self.payloads,
            sealed_away: self.sealed_away,
        })
    }

    /// The size now: a gateway that runs meanwhile appends entries and moves the head in one step.
    fn size_now(&self) -> Result<u64, Unverified> {
        Ok(self.book.reads().heads()?.iter().find(|head| head.number == self.number).map_or(0, |head| head.size))
    }
}

/// Hashes of the tree from what is kept of each level: only those at its right edge.
struct Levels<'a>(&'a [Vec<u8>]);

impl HashReader for Levels<'_> {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, tlog_tiles::Error> {
        let read = |index: &u64| {
            let (height, n) = tlog_tiles::split_stored_hash_index(*index);
            let tile = self.0.get(usize::from(height / 8))?;
            let count = 1_usize << (height % 8);
            let from = (usize::try_from(n).ok()? * count) % 256;
            tile.get(from * 32..(from + count) * 32).map(Tile::subtree_hash)
        };
        indexes.iter().map(|index| read(index).ok_or(tlog_tiles::Error::IndexesNotInTree)).collect()
    }
}
