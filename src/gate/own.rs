//! Replies to the account's own posts, which are no replies: they continue its thread.

use super::{Gate, unavailable};
use crate::domain::account::Account;
use crate::domain::action::Action;
use crate::domain::decision::Refusal;
use crate::domain::post::Post;
use crate::extract::{self, Extracted};

impl Gate {
    /// What the request, and each that it holds, does in the light of whom it answers.
    pub(super) async fn own_threads(&self, extracted: &mut Extracted, account: &Account) -> Result<(), Box<Refusal>> {
        extracted.action = self.continues_own_thread(extracted.action, &extracted.post, account).await?;
        for item in &mut extracted.items {
            item.action = self.continues_own_thread(item.action, &item.post, account).await?;
        }
        let items = extracted.items.iter().map(|item| item.action);
        extracted.action = extract::batch::weightiest(items).unwrap_or(extracted.action);
        Ok(())
    }

    /// A reply to the account's own post continues its thread, and is a publish (練馬 第14条 speaks of others' messages).
    async fn continues_own_thread(
        &self,
        action: Action,
        post: &Post,
        account: &Account,
    ) -> Result<Action, Box<Refusal>> {
        if action != Action::Reply {
            return Ok(action);
        }
        let parents = post.references.get("reply_to").map(Vec::as_slice).unwrap_or_default();
        // The post that is continued may have been published a moment ago.
        self.ledger.settled().await;
        let mut own = !parents.is_empty();
        for parent in parents {
            own &= self.ports.media.is_own_post(&account.id, parent).map_err(unavailable)?;
        }
        // With somebody's words in it, it is a quotation wherever it stands (練馬 第13条).
        let quotes = post.references.get("quote_of").is_some_and(|ids| !ids.is_empty());
        Ok(match (own, quotes) {
            (true, true) => Action::Quote,
            (true, false) => Action::Publish,
            (false, _) => Action::Reply,
        })
    }
}
