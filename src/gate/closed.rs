//! What the inspector alone does not know: media that were looked into, what the body keeps closed, and findings that a
//! person has accepted.

use std::sync::Arc;

use super::{Gate, Rules};
use crate::domain::account::Account;
use crate::domain::action::Action;
use crate::domain::clock::in_japan;
use crate::domain::decision::Refusal;
use crate::domain::digest::Digest;
use crate::domain::dossier::Dossier;
use crate::domain::embargo::RegisterSeen;
use crate::domain::finding::{Finding, Report};
use crate::extract::Extracted;
use crate::inspect::{embargo, inspect_on};
use crate::recognise::Recognised;

impl Gate {
    /// What is found in the request: in its medium, if it completes one, in its texts, and in what its body keeps closed.
    pub(super) async fn inspected(
        &self,
        rules: &Arc<Rules>,
        extracted: &mut Extracted,
        recognised: &Recognised,
        account: &Account,
        dossier: &mut Dossier,
    ) -> Result<Report, Box<Refusal>> {
        let today = in_japan(self.clock.now()).date();
        let media = self.ports.media.as_ref();
        extracted.seen = self.scanner.seen(rules, extracted, recognised, account, media, today).await?;
        let mut report = inspect_on(&rules.inspection, &extracted.post, Some(today));
        self.closed(account, extracted, dossier, &mut report.findings);
        Ok(report)
    }

    /// What was found in media, and what of the request its body keeps closed at this minute.
    ///
    /// The register is in memory; where it stood goes to the ledger, which does not enter the post if it has moved since.
    fn closed(&self, account: &Account, extracted: &Extracted, dossier: &mut Dossier, found: &mut Vec<Finding>) {
        if matches!(extracted.action, Action::Read | Action::SignIn) {
            return;
        }
        found.extend(extracted.seen.iter().flatten().chain(&extracted.shown).cloned());
        let Some(register) = self.ports.embargoes.register(&account.organisation) else {
            dossier.closed = Some(RegisterSeen::default());
            return;
        };
        let now = self.clock.now();
        dossier.closed = Some(register.seen(now));
        let carried = extracted.medium.as_ref().map(|medium| medium.sha256);
        found.extend(embargo::find(register.holding(now), &extracted.post, carried));
    }

    /// Marks the findings that a person has accepted for this content, this account and this version of the rules.
    pub(super) fn accept(&self, account: &Account, digest: &Digest, report: &mut Report) -> Result<(), Box<Refusal>> {
        if !report.findings.iter().any(Finding::asks) {
            return Ok(());
        }
        let accepted =
            self.ports.acceptances.accepted(&account.id, digest, &report.rules).map_err(super::unavailable)?;
        for finding in report.findings.iter_mut().filter(|finding| finding.asks()) {
            finding.accepted = accepted.contains(&finding.fingerprint());
        }
        Ok(())
    }
}
