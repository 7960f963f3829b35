//! The order of the logs: index, leaf, tree and checkpoint, given inside the store's transaction.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use super::checkpoint::{self, Signer};
use super::entry;
use super::tree::{Tile, Tree, leaf_hash};
use crate::store::{Draft, Fields, Head, Late, Log, Placed, Sequence, StoreDown, Stored};

/// All logs of this gateway.
pub struct Logs {
    dir: PathBuf,
    origin: String,
    boot: String,
    logs: BTreeMap<Log, State>,
}

struct State {
    number: i64,
    tree: Tree,
    signer: Signer,
    tiles: Vec<Tile>,
    touched: bool,
}

impl Logs {
    /// Logs that are signed with keys in `dir`, under names that begin with `origin`.
    pub fn new(dir: PathBuf, origin: String, boot: String) -> Self {
        Self { dir, origin, boot, logs: BTreeMap::new() }
    }

    fn signer(&self, log: &str, make: bool) -> Result<Signer, StoreDown> {
        Signer::open(&self.dir, &self.origin, log, make).map_err(|problem| StoreDown(problem.to_string()))
    }

    /// A log as it is stored. What its checkpoint signs must be what its tiles and hashes come to.
    fn resumed(&self, stored: &dyn Stored, head: &Head) -> Result<State, StoreDown> {
        let signer = self.signer(&head.log, false)?;
        let tree = Tree::resume(stored, head.number, head.size)?;
        let bad = |what: &str| {
            StoreDown(format!("log {}, size {}: {what}; run `sekisho ledger verify`", head.log, head.size))
        };
        if tree.frontier() != head.frontier {
            return Err(bad("the stored frontier is not that of the entries"));
        }
        let signed = checkpoint::verify(&head.note, signer.vkey()).map_err(|reason| bad(&reason))?;
        if signed != (head.size, tree.root()) {
            return Err(bad("the checkpoint is not that of the entries"));
        }
        if !stored.hashes(head.number, head.size)?.is_empty() {
            return Err(bad("there are entries beyond the checkpoint"));
        }
        Ok(State { number: head.number, tree, signer, tiles: Vec::new(), touched: false })
    }
}

impl Sequence for Logs {
    fn resume(&mut self, stored: &dyn Stored) -> Result<(), StoreDown> {
        let mut logs = BTreeMap::new();
        for head in stored.heads()? {
            logs.insert(Arc::clone(&head.log), self.resumed(stored, &head)?);
        }
        self.logs = logs;
        Ok(())
    }

    fn number(&self, log: &str) -> Option<i64> {
        self.logs.get(log).map(|state| state.number)
    }

    fn place(&mut self, log: &Log, draft: &Draft, late: Late<'_>) -> Result<Placed, StoreDown> {
        if !self.logs.contains_key(log) {
            let number = self.logs.values().map(|state| state.number).max().unwrap_or(0) + 1;
            let signer = self.signer(log, true)?;
            let new = State { number, tree: Tree::default(), signer, tiles: Vec::new(), touched: false };
            self.logs.insert(Arc::clone(log), new);
        }
        let state = self.logs.get_mut(log).ok_or_else(|| StoreDown(format!("no log {log}")))?;
        let index = state.tree.size();
        let place = entry::place(log, index, &self.boot, draft.kind, late);
        let leaf = Fields::object(&[&draft.fields, &draft.more, &place]);
        if leaf.len() > entry::LEAF_BYTES {
            return Err(StoreDown(format!("an entry of {} bytes; {} are possible", leaf.len(), entry::LEAF_BYTES)));
        }
        let hash = leaf_hash(&leaf);
        state.tree.push(hash, &mut state.tiles);
        state.touched = true;
        Ok(Placed { number: state.number, index, leaf, hash })
    }

    fn seal(&mut self, at: Timestamp) -> Result<Vec<Head>, StoreDown> {
        let touched = self.logs.iter_mut().filter(|(_, state)| state.touched);
        let head = |(log, state): (&Log, &mut State)| {
            state.touched = false;
            Head {
                number: state.number,
                log: Arc::clone(log),
                size: state.tree.size(),
                at: at.as_microsecond(),
                frontier: state.tree.frontier(),
                note: state.signer.note(state.tree.size(), &state.tree.root()),
                tiles: std::mem::take(&mut state.tiles),
            }
        };
        Ok(touched.map(head).collect())
    }
}
