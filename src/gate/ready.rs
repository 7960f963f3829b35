//! What is done while an entry is written.

use std::sync::Arc;

use futures_util::future::join;

use super::Gate;
use crate::domain::decision::Decision;
use crate::domain::dossier::Judged;
use crate::forward::Ready;
use crate::ledger::{LedgerDown, Recorded};

impl Gate {
    /// Has the ledger enter what was judged. While the disk takes the entry, the request that it owns is made ready: it
    /// leaves with that entry or not at all.
    pub(super) async fn entered(&self, judged: Judged) -> (Result<Recorded, LedgerDown>, Option<Ready>) {
        let outbound = match &judged.decision {
            Decision::Permit(_, outbound) => Some(Arc::clone(outbound)),
            Decision::Refuse(_) => None,
        };
        // The first is begun first: the entry is under way before anything else is done.
        join(self.ledger.enter(judged), async { outbound.and_then(|outbound| self.forwarder.ready(outbound)) }).await
    }
}
