//! What the guideline asks beside the post: how the account stands in its body's registry, and what is taken back.

use jiff::Timestamp;

use super::{Gate, unavailable};
use crate::domain::account::Account;
use crate::domain::action::Action;
use crate::domain::decision::Refusal;
use crate::domain::dossier::Dossier;
use crate::domain::person::Client;
use crate::domain::registry::{ProviderCondition, Standing};
use crate::extract::Extracted;
use crate::guideline::Around;
use crate::recognise::Recognised;

mod trouble;

/// Whether the provider's recognition names a project for payment or identity (練馬 第18条第3項).
fn has_project(standing: &Standing) -> bool {
    let named =
        |it: &ProviderCondition| matches!(it, ProviderCondition::Project { number } if !number.trim().is_empty());
    standing.provider.conditions.iter().any(named)
}

impl Gate {
    /// What stands around a request at this moment; the entry says which revision of the registry it was read from.
    pub(super) async fn around(
        &self,
        client: &Client,
        account: &Account,
        recognised: &Recognised,
        extracted: &Extracted,
        dossier: &mut Dossier,
        now: Timestamp,
    ) -> Result<Around, Box<Refusal>> {
        let registry = self.ports.registry.as_ref();
        let standing = registry.standing(&account.id, now);
        dossier.registry = standing.as_ref().map(|it| it.revision);
        let approver_offices = self.jointly(account, standing.as_deref(), dossier, now)?;
        let unplanned = recognised.route.id.starts_with("project-") && !standing.as_deref().is_some_and(has_project);
        Ok(Around {
            unplanned,
            standing,
            author: registry.holding(&client.owner, now),
            sections: registry.sections(&account.organisation),
            category: dossier.category.clone(),
            reason: dossier.reason.clone(),
            declares: dossier.declares.clone(),
            own_target: self.is_of_own(account, extracted).await?,
            undoes: recognised.route.id.ends_with("-undo"),
            reports_overdue: dossier.overdue,
            of_list: recognised.route.id.starts_with("list-"),
            joint: dossier.joint.clone(),
            approver_offices,
            corrects: self.corrects(account, dossier)?,
        })
    }

    /// Whether what is deleted or changed, or else what the post shows of others, was published by this account through
    /// the gate.
    async fn is_of_own(&self, account: &Account, extracted: &Extracted) -> Result<bool, Box<Refusal>> {
        let refers = |kind: &str| extracted.post.references.get(kind).map(Vec::as_slice).unwrap_or_default();
        let ids: Vec<&String> = match extracted.action {
            Action::Delete | Action::Edit => extracted.target.iter().collect(),
            _ => refers("quote_of").iter().chain(refers("repost_of")).collect(),
        };
        if ids.is_empty() {
            return Ok(false);
        }
        // It may have been published a moment ago.
        self.ledger.settled().await;
        let mut own = true;
        for id in ids {
            own &= self.ports.media.is_own_post(&account.id, id).map_err(unavailable)?;
        }
        Ok(own)
    }
}
