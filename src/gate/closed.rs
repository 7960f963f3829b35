//! What the inspector alone does not know: media that were looked into, what the body keeps closed, and findings that a
//! person has accepted.

use std::sync::Arc;

use super::{Gate, Rules};
use crate::domain::account::Account;
use crate::domain::action::Action;
use crate::domain::clock::in_japan;
use crate::domain::decision::Refusal;
use crate::domain::digest::Digest;
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
    ) -> Result<Report, Box<Refusal>> {
        extracted.seen = self.scanner.seen(rules, extracted, recognised, account, self.ports.media.as_ref()).await?;
        let today = in_japan(self.clock.now()).date();
        let mut report = inspect_on(&rules.inspection, &extracted.post, Some(today));
        report.findings.extend(self.closed(account, extracted)?);
        Ok(report)
    }

    /// What was found in media, and what of the request its body keeps closed at this minute.
    fn closed(&self, account: &Account, extracted: &Extracted) -> Result<Vec<Finding>, Box<Refusal>> {
        if matches!(extracted.action, Action::Read | Action::SignIn) {
            return Ok(Vec::new());
        }
        let of_media = extracted.seen.iter().flatten().chain(&extracted.shown).cloned();
        let closed =
            self.ports.embargoes.closed(&account.organisation, self.clock.now()).map_err(super::unavailable)?;
        let carried = extracted.medium.as_ref().map(|medium| medium.sha256);
        Ok(of_media.chain(embargo::find(&closed, &extracted.post, carried)).collect())
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
