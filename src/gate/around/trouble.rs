//! What is looked up only where something is out of the ordinary: a joint approval, and a correction.

use jiff::Timestamp;

use crate::domain::account::Account;
use crate::domain::approval::{Approval, Pass};
use crate::domain::decision::Refusal;
use crate::domain::dossier::Dossier;
use crate::domain::incident::{IncidentId, Incidents as _};
use crate::domain::person::PersonId;
use crate::domain::registry::{SectionId, Standing};
use crate::gate::{Gate, unavailable};

impl Gate {
    /// The further approvals of this very content by other people, where the account or its body asks for a joint one,
    /// and how many offices stand behind all of them. They are spent with the post, together.
    pub(super) fn jointly(
        &self,
        account: &Account,
        standing: Option<&Standing>,
        dossier: &mut Dossier,
        now: Timestamp,
    ) -> Result<usize, Box<Refusal>> {
        let Some(Pass::Approved { approval, .. }) = &dossier.pass else { return Ok(0) };
        let of_policy = account.operating_policy.as_ref().is_some_and(|policy| policy.joint);
        let of_body = || self.rules.load().guidelines.is_joint(&account.organisation);
        if !of_policy && !account.trouble.is_aflame(now) && !of_body() {
            return Ok(0);
        }
        let (Some(digest), Some(action)) = (dossier.digest, dossier.action) else { return Ok(0) };
        let mut people = vec![approval.approver.clone()];
        let known = self.ports.approvals.usable_all(&account.id, action, &digest, now).map_err(unavailable)?;
        let mut further: Vec<Approval> = Vec::new();
        for known in known {
            let person = &known.approval.approver;
            // The author's own approval is no second one, whatever the policy says of a first.
            if !people.contains(person) && dossier.author.as_ref() != Some(person) {
                people.push(person.clone());
                further.push(known.approval);
            }
        }
        dossier.joint = further;
        let mut offices: Vec<SectionId> = people.iter().filter_map(|it| self.office(it, standing, now)).collect();
        offices.sort();
        offices.dedup();
        Ok(offices.len())
    }

    /// The section that a person's approval stands for: of who heads one, or answers for the account.
    fn office(&self, person: &PersonId, standing: Option<&Standing>, now: Timestamp) -> Option<SectionId> {
        let registry = self.ports.registry.as_ref();
        let holding = registry.holding(person, now);
        let book = registry.book(&registry.person(person)?.organisation)?;
        let leads = |it: &_| book.positions.get(it).is_some_and(|position| position.leads);
        let answers = standing.is_some_and(|it| it.manager.is(person) || it.operators.contains(person));
        (answers || holding.positions.iter().any(leads)).then(|| holding.sections.first().cloned()).flatten()
    }

    /// Whether the request puts right the wrong post of an incident that is open at this body.
    pub(super) fn corrects(&self, account: &Account, dossier: &Dossier) -> Result<bool, Box<Refusal>> {
        let Some(id) = &dossier.corrects else { return Ok(false) };
        let found = self.ledger.reads().incident(id).map_err(unavailable)?;
        match found.filter(|it| it.organisation == account.organisation && it.closed.is_none()) {
            Some(_) => Ok(true),
            None => Err(Box::new(unknown(id))),
        }
    }
}

fn unknown(id: &IncidentId) -> Refusal {
    Refusal::refused(
        "incident-not-open",
        format!("訂正（Sekisho-Corrects）の対象となる事案 {id} が見つからないか、すでに終了しています。"),
        "There is no open incident of this name at this body.",
        "事案の番号を確認してください（sekisho incident list）。",
    )
    .status(409)
    .citing("sekisho:incident")
}
