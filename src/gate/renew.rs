//! Renewing the token of a credential in custody: entered like any request, once at a time for each account, and durable
//! before it is shown to the provider.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::StatusCode;
use http_body_util::BodyExt as _;

use super::{Gate, Rules};
use crate::domain::account::{Account, AccountId};
use crate::domain::action::Action;
use crate::domain::clause::Clause;
use crate::domain::credential::{Standing, Unusable, Wears};
use crate::domain::decision::{Decision, Permit, Refusal};
use crate::domain::dossier::{Dossier, Judged, Learned, Outcome};
use crate::domain::outbound::Outbound;
use crate::extract::Extracted;
use crate::forward::{Answer, AnswerBody, Failure};
use crate::ledger::Recorded;
use crate::recognise::Recognised;

/// A token that runs out within so many seconds is renewed before a post shows it.
const BEFORE_A_POST_S: i64 = 30;
/// The keeper renews so many seconds ahead, so that no post waits.
const AHEAD_S: i64 = 300;
/// How long a post waits for a renewal; the renewal itself goes on.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often the keeper looks.
const EVERY: Duration = Duration::from_secs(30);

/// One lock for each account: two posts at once renew once.
#[derive(Default)]
pub struct Renewals(Mutex<HashMap<AccountId, Arc<tokio::sync::Mutex<()>>>>);

impl Renewals {
    fn of(&self, account: &AccountId) -> Arc<tokio::sync::Mutex<()>> {
        let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(locks.entry(account.clone()).or_default())
    }
}

impl Gate {
    /// Lets the request wear the account's credential, where the gateway holds it.
    ///
    /// # Errors
    /// Refusal `credential-not-renewed`; nothing was sent.
    pub(super) async fn dress(
        self: &Arc<Self>,
        outbound: &mut Outbound,
        credential: Standing,
        account: &Arc<Account>,
        rules: &Rules,
    ) -> Result<(), Box<Refusal>> {
        if credential.is_held() {
            self.fresh(account, rules).await?;
            outbound.wears = Wears::Held(account.id.clone());
        }
        Ok(())
    }

    /// Makes sure that the account's token is fresh before a post shows it.
    ///
    /// # Errors
    /// Refusal `credential-not-renewed`; nothing was sent.
    async fn fresh(self: &Arc<Self>, account: &Arc<Account>, rules: &Rules) -> Result<(), Box<Refusal>> {
        if !self.custody.is_stale(&account.id, self.clock.now(), BEFORE_A_POST_S) {
            return Ok(());
        }
        let (gate, account, rules) = (Arc::clone(self), Arc::clone(account), rules.hash().to_owned());
        // On a task of its own: a token that the provider has exchanged already must not be lost with a post that waits.
        let work = self.work.clone();
        let renewal = work.spawn(async move { gate.renewed(&account, &rules, BEFORE_A_POST_S).await });
        match tokio::time::timeout(PATIENCE, renewal).await {
            Ok(Ok(Ok(()))) => Ok(()),
            Ok(Ok(Err(Unusable(code)))) => {
                tracing::warn!(code, "a credential could not be renewed");
                Err(Box::new(not_renewed()))
            }
            Ok(Err(_)) | Err(_) => Err(Box::new(not_renewed())),
        }
    }

    /// Renews the token unless somebody else just did. An AT Protocol session that has ended takes a second step.
    async fn renewed(&self, account: &Account, rules: &str, ahead_s: i64) -> Result<(), Unusable> {
        let lock = self.renewals.of(&account.id);
        let _held = lock.lock().await;
        for _ in 0..2 {
            if !self.custody.is_stale(&account.id, self.clock.now(), ahead_s) {
                return Ok(());
            }
            self.renew(account, rules).await?;
        }
        if self.custody.is_stale(&account.id, self.clock.now(), 0) { Err(Unusable("renewal-failed")) } else { Ok(()) }
    }

    async fn renew(&self, account: &Account, rules: &str) -> Result<(), Unusable> {
        let outbound = self.custody.renewal(&account.id, &account.provider)?;
        let dossier = Dossier {
            organisation: Some(account.organisation.clone()),
            door: "gateway",
            provider: Some(account.provider.clone()),
            route: Some("credential-renewal".to_owned()),
            method: outbound.method.to_string(),
            host: outbound.host.clone(),
            action: Some(Action::SignIn),
            account: Some(account.id.clone()),
            rules: rules.to_owned(),
            ..Dossier::default()
        };
        let permit = Permit {
            rule: "sekisho.credential-renewal".to_owned(),
            clauses: vec![Clause::new("sekisho:custody")],
            obligations: Vec::new(),
        };
        let judged = Judged { decision: Decision::Permit(permit, Arc::new(outbound)), dossier, at: self.clock.now() };
        let entered = match self.ledger.enter(judged).await {
            Ok(Recorded::Permitted(entered)) => entered,
            Ok(Recorded::Refused(..)) => return Err(Unusable("renewal-refused")),
            Err(_) => return Err(Unusable("ledger-down")),
        };
        let sent = self.forwarder.send(entered, None).await;
        let (outcome, renewed) = match sent.answer {
            Err(Failure::NotSent(code)) => (Outcome::NotSent { code }, Err(Unusable(code))),
            Err(Failure::Unknown(code)) => (Outcome::Unknown { code }, self.custody.renewed(&account.id, 0, b"")),
            Ok(answer) => {
                let status = answer.status.as_u16();
                let body = whole(answer.body).await;
                let outcome = if answer.status.is_success() {
                    Outcome::Published { status, published_id: None }
                } else {
                    Outcome::RefusedByProvider { status }
                };
                (outcome, self.custody.renewed(&account.id, status, &body))
            }
        };
        let learned = renewed.clone().map(|sealed| Learned::Credential(Box::new(sealed))).into_iter().collect();
        // Durable before it is used: what `custody` shows from now on is what the store has.
        self.ledger.close(sent.open, outcome, learned).await.map_err(|_| Unusable("ledger-down"))?;
        renewed.map(|_| ())
    }

    /// A provider that refuses the token of a credential in custody (401) sees another one next time.
    pub(super) fn doubt(
        &self,
        answer: &Result<Answer, Failure>,
        request: Option<&(Recognised, Extracted, Arc<Account>)>,
    ) {
        if let (Ok(answer), Some((_, _, account))) = (answer, request)
            && answer.status == StatusCode::UNAUTHORIZED
        {
            self.custody.doubt(&account.id);
        }
    }

    /// Renews ahead of need, until the gateway stops.
    pub async fn keep_credentials(self: Arc<Self>, stop: tokio_util::sync::CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(EVERY) => {}
            }
            let rules = self.rules.load().hash().to_owned();
            for account in self.ports.registry.accounts() {
                let now = self.clock.now();
                let held = self.custody.standing(&account.id, now).is_held();
                if held
                    && self.custody.is_stale(&account.id, now, AHEAD_S)
                    && let Err(Unusable(code)) = self.renewed(&account, &rules, AHEAD_S).await
                {
                    tracing::warn!(account = %account.id, code, "a credential could not be renewed");
                }
            }
        }
    }
}

/// The body of an answer to a renewal, which is always buffered.
async fn whole(body: AnswerBody) -> bytes::Bytes {
    match body {
        AnswerBody::Whole(bytes) => bytes,
        AnswerBody::Stream(body) => body.collect().await.map(|body| body.to_bytes()).unwrap_or_default(),
    }
}

fn not_renewed() -> Refusal {
    Refusal::refused(
        "credential-not-renewed",
        "SNSの認証情報を更新できなかったため、投稿していません。",
        "The account's token could not be renewed, so nothing was sent.",
        "数分後にもう一度送信してください。続く場合は、アカウント管理者またはSNS運用責任者に認証情報の登録し直しを依頼してください。",
    )
    .citing("sekisho:custody")
}
