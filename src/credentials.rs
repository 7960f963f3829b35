//! Custody of provider credentials (練馬 第9条, 長野 5(1)-(3)): sealed at rest, put on at the last moment, renewed.
//!
//! The store holds what is sealed; this holds the key. A credential is opened for one request and overwritten after it.
//! Nothing of it is in an error, an entry, a log line or a metric: what can fail is told by a stable code.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use zeroize::Zeroizing;

use crate::config::Problem;
use crate::domain::account::{AccountId, ProviderId};
use crate::domain::clock::Clock;
use crate::domain::credential::{Credentials, Custody, SealedCredential, Standing, Unusable, Wears};
use crate::domain::outbound::Outbound;

mod oauth1;
mod put_on;
mod renew;
pub mod seal;
mod secret;

use seal::{KeyFile, KeyService};
use secret::Secret;

/// After a renewal that failed, the provider is left alone for so long.
const PAUSE: SignedDuration = SignedDuration::from_secs(10);
/// A token that was renewed less than this ago and is refused all the same is not renewed again: the fault lies elsewhere.
const DOUBT_AFTER: SignedDuration = SignedDuration::from_secs(60);

/// The provider credentials in the gateway's hands.
pub struct Vault {
    key: Box<dyn KeyService>,
    stored: Arc<dyn Credentials>,
    clock: Arc<dyn Clock>,
    rotate: SignedDuration,
    /// What this process has seen of each account's token.
    seen: Mutex<HashMap<AccountId, Seen>>,
}

#[derive(Clone, Copy, Default)]
struct Seen {
    /// The provider refused the token.
    doubted: bool,
    /// When it was last renewed.
    renewed: Option<Timestamp>,
    /// When a renewal last failed.
    failed: Option<Timestamp>,
    /// When the credential that the last renewal began with was brought: what comes of it is for that one only.
    begun: Option<Timestamp>,
}

impl Vault {
    /// Opens the key.
    ///
    /// # Errors
    /// A problem with the key file.
    pub fn open(
        config: &crate::config::credentials::Credentials,
        stored: Arc<dyn Credentials>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Problem> {
        let key = Box::new(KeyFile::open(config)?);
        Ok(Self::with_key(key, config, stored, clock))
    }

    /// A vault whose key another service keeps.
    pub fn with_key(
        key: Box<dyn KeyService>,
        config: &crate::config::credentials::Credentials,
        stored: Arc<dyn Credentials>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let rotate = SignedDuration::from_hours(24 * i64::from(config.rotate_days));
        Self { key, stored, clock, rotate, seen: Mutex::default() }
    }

    fn opened(&self, account: &AccountId) -> Result<(Arc<SealedCredential>, Secret), Unusable> {
        let sealed = self.stored.credential(account).ok_or(Unusable("credential-missing"))?;
        if sealed.locked {
            return Err(Unusable("credential-locked"));
        }
        let plain = self.key.open(&context(account), &sealed.sealed)?;
        let secret = serde_json::from_slice(&plain).map_err(|_| Unusable("credential-unreadable"))?;
        Ok((sealed, secret))
    }

    fn closed(&self, account: &AccountId, secret: &Secret) -> Result<Vec<u8>, Unusable> {
        let plain = serde_json::to_vec(secret).map(Zeroizing::new).map_err(|_| Unusable("credential-unreadable"))?;
        self.key.seal(&context(account), &plain)
    }

    /// The credential that a renewal began with. Code `credential-changed`: a person has brought another one since, which
    /// counts; the old one's tokens must not take its place, nor be asked for with it.
    fn opened_as_begun(&self, account: &AccountId) -> Result<(Arc<SealedCredential>, Secret), Unusable> {
        let (stored, secret) = self.opened(account)?;
        match self.seen(account).begun {
            Some(begun) if begun != stored.changed => Err(Unusable("credential-changed")),
            _ => Ok((stored, secret)),
        }
    }

    fn seen(&self, account: &AccountId) -> Seen {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(account).copied().unwrap_or_default()
    }

    fn see(&self, account: &AccountId, change: impl FnOnce(&mut Seen)) {
        change(self.seen.lock().unwrap_or_else(PoisonError::into_inner).entry(account.clone()).or_default());
    }
}

/// When a new credential is first renewed: at once, since its token is missing or of unknown age; one of Threads after two
/// days, since it must be a day old.
fn first_renewal(secret: &Secret, now: Timestamp) -> Option<Timestamp> {
    match secret {
        Secret::Threads { .. } => now.checked_add(SignedDuration::from_hours(48)).ok(),
        secret => secret.renews().then_some(now),
    }
}

/// What is sealed for one account opens for no other.
fn context(account: &AccountId) -> Vec<u8> {
    [b"sekisho provider credential v1\0", account.as_str().as_bytes()].concat()
}

impl Custody for Vault {
    fn standing(&self, account: &AccountId, now: Timestamp) -> Standing {
        match self.stored.credential(account) {
            None => Standing::Own,
            Some(sealed) if sealed.locked => Standing::Locked,
            Some(sealed) if sealed.rotate_by <= now => Standing::Overdue,
            Some(_) => Standing::Held,
        }
    }

    fn about(&self, account: &AccountId) -> Option<Arc<SealedCredential>> {
        self.stored.credential(account)
    }

    fn is_stale(&self, account: &AccountId, now: Timestamp, ahead_s: i64) -> bool {
        let Some(sealed) = self.stored.credential(account) else { return false };
        let limit = now.saturating_add(SignedDuration::from_secs(ahead_s)).unwrap_or(now);
        sealed.stale_at.is_some_and(|stale| stale <= limit) || self.seen(account).doubted
    }

    fn renewal(&self, account: &AccountId, provider: &ProviderId) -> Result<Outbound, Unusable> {
        let now = self.clock.now();
        if self.seen(account).failed.is_some_and(|failed| now.duration_since(failed) < PAUSE) {
            return Err(Unusable("renewal-failed"));
        }
        let (stored, secret) = self.opened(account)?;
        let request = renew::request(&secret, provider, Wears::Renewal(account.clone()))?;
        self.see(account, |seen| seen.begun = Some(stored.changed));
        Ok(request)
    }

    fn renewed(&self, account: &AccountId, status: u16, answer: &[u8]) -> Result<SealedCredential, Unusable> {
        let now = self.clock.now();
        let (stored, mut secret) = self.opened_as_begun(account)?;
        let answered = renew::answered(&secret, status, answer, now);
        let renewed = if let (Err(_), Secret::Atproto { refresh_token, .. }) = (&answered, &mut secret)
            && refresh_token.take().is_some()
        {
            // The session has ended; the next renewal begins a new one with the app password.
            Ok((secret, now))
        } else {
            answered
        };
        let sealed = renewed.and_then(|(secret, runs_out)| {
            let sealed = self.closed(account, &secret)?;
            Ok(SealedCredential { sealed, stale_at: Some(runs_out), ..(*stored).clone() })
        });
        self.see(account, |seen| match &sealed {
            Ok(_) => *seen = Seen { renewed: Some(now), ..Seen::default() },
            Err(_) => seen.failed = Some(now),
        });
        sealed
    }

    fn put_on(&self, outbound: &mut Outbound) -> Result<Vec<Zeroizing<String>>, Unusable> {
        let now = self.clock.now();
        let mut random = [0; 16];
        aws_lc_rs::rand::fill(&mut random).map_err(|_| Unusable("credential-unreadable"))?;
        let nonce = hex::encode(random);
        match outbound.wears.clone() {
            Wears::Own => Ok(Vec::new()),
            Wears::Held(account) => {
                let (_, secret) = self.opened(&account)?;
                put_on::put_on(&secret, outbound, &nonce, now.as_second())?;
                Ok(secret.patterns())
            }
            Wears::Renewal(account) => {
                let (_, secret) = self.opened_as_begun(&account)?;
                renew::complete(&secret, outbound, now, &nonce)?;
                Ok(Vec::new())
            }
        }
    }

    fn doubt(&self, account: &AccountId) {
        let Ok((_, secret)) = self.opened(account) else { return };
        let now = self.clock.now();
        self.see(account, |seen| {
            let fresh = seen.renewed.is_some_and(|renewed| now.duration_since(renewed) < DOUBT_AFTER);
            seen.doubted = secret.renews() && !fresh;
        });
    }

    fn take_in(
        &self,
        account: &AccountId,
        secret: &str,
        rotate_by: Option<Timestamp>,
    ) -> Result<SealedCredential, Unusable> {
        let secret = Secret::parse(secret)?;
        let now = self.clock.now();
        if let Some(stored) = self.stored.credential(account)
            && let Ok(plain) = self.key.open(&context(account), &stored.sealed)
            && serde_json::from_slice::<Secret>(&plain).is_ok_and(|held| held.is_same(&secret))
        {
            return Err(Unusable("credential-same"));
        }
        let latest = now.saturating_add(self.rotate).unwrap_or(now);
        let rotate_by = rotate_by.unwrap_or(latest);
        if rotate_by <= now {
            return Err(Unusable("credential-rotation-past"));
        }
        self.see(account, |seen| *seen = Seen { begun: seen.begun, ..Seen::default() });
        Ok(SealedCredential {
            account: account.clone(),
            kind: secret.kind().to_owned(),
            sealed: self.closed(account, &secret)?,
            changed: now,
            rotate_by,
            stale_at: first_renewal(&secret, now),
            locked: false,
        })
    }
}

#[cfg(test)]
mod tests;
