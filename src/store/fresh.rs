//! Approvals that nobody has used so far, in memory, by post: what was deposited last is asked for next.
//!
//! The writer keeps them: it puts a post's approvals here when one was deposited, and takes them out when one of them was
//! spent or revoked, before it tells anybody. A post is here with all its approvals or not at all, and what is found here
//! is read again in the transaction that spends it, so that nothing rests on this but speed.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, Result};

use super::reads::approvals_of_post;
use super::{Change, Unit};
use crate::domain::account::AccountId;
use crate::domain::approval::{ApprovalId, KnownApproval};
use crate::domain::digest::Digest;

/// Posts that are remembered, some 600 bytes each; the oldest give way.
const POSTS: usize = 16 * 1024;
/// A post with more approvals than this is looked up where all of them are.
const OF_A_POST: usize = 16;

type Key = (Digest, AccountId);

/// The approvals that wait for their post.
#[derive(Debug, Default)]
pub(super) struct Fresh(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    posts: HashMap<Key, Arc<[KnownApproval]>>,
    of: HashMap<ApprovalId, Key>,
    /// Oldest first; one that was taken out meanwhile stays until its turn.
    order: VecDeque<Key>,
}

impl Fresh {
    /// Every approval of the post for this account; none: they are to be looked up.
    pub(super) fn of_post(&self, digest: &Digest, account: &AccountId) -> Option<Arc<[KnownApproval]>> {
        self.known().posts.get(&(*digest, account.clone())).cloned()
    }

    /// Follows what was committed.
    pub(super) fn follow<'u>(&self, conn: &Connection, units: impl Iterator<Item = &'u Unit>) -> Result<()> {
        for change in units.flat_map(|unit| &unit.changes) {
            match change {
                Change::Deposit(approval) => {
                    let key = (approval.digest, approval.account.clone());
                    let all = approvals_of_post(conn, &key.0, &key.1)?;
                    let mut known = self.known();
                    known.forget_post(&key);
                    if (1..=OF_A_POST).contains(&all.len()) && all.iter().all(|it| it.uses == 0 && !it.revoked) {
                        known.remember(key, all);
                    }
                }
                Change::Spend(id) | Change::Revoke(id) => self.known().forget(id),
                _ => {}
            }
        }
        Ok(())
    }

    /// Forgets everything: somebody else has written.
    pub(super) fn clear(&self) {
        *self.known() = Known::default();
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn remember(&mut self, key: Key, all: Vec<KnownApproval>) {
        self.of.extend(all.iter().map(|it| (it.approval.id.clone(), key.clone())));
        self.order.push_back(key.clone());
        self.posts.insert(key, all.into());
        while self.order.len() > POSTS {
            if let Some(oldest) = self.order.pop_front() {
                self.forget_post(&oldest);
            }
        }
    }

    fn forget(&mut self, id: &ApprovalId) {
        if let Some(key) = self.of.get(id).cloned() {
            self.forget_post(&key);
        }
    }

    fn forget_post(&mut self, key: &Key) {
        for approval in self.posts.remove(key).iter().flat_map(|all| all.iter()) {
            self.of.remove(&approval.approval.id);
        }
    }
}
