//! Provider credentials in the gateway's hands (練馬 第9条, 長野 5(1)-(3)): what is known of one without opening it.

use jiff::Timestamp;
use zeroize::Zeroizing;

use super::account::{AccountId, ProviderId};
use super::outbound::Outbound;

/// The stand-in that a posting tool may show where its SDK insists on a credential: as bearer, as `oauth_token`, as
/// `access_token`. It opens nothing anywhere.
pub const STAND_IN: &str = "sekisho";

/// A provider credential as the store keeps it: sealed.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedCredential {
    /// The account it opens.
    pub account: AccountId,
    /// Its kind, by stable name: `bearer`, `oauth1`.
    pub kind: String,
    /// Nonce, ciphertext, tag.
    pub sealed: Vec<u8>,
    /// When a person last set it.
    pub changed: Timestamp,
    /// By when a person must change it (練馬 第9条, 長野 5(1)).
    pub rotate_by: Timestamp,
    /// When the part of it that is shown to the provider runs out; none: it does not, as far as is known.
    pub stale_at: Option<Timestamp>,
    /// Whether it was locked, as after a leak; only a new one opens the account again (長野 5(3)).
    pub locked: bool,
}

impl std::fmt::Debug for SealedCredential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SealedCredential({} of {})", self.kind, self.account)
    }
}

/// How the credential of an account stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// None is held: the posting tool brings its own.
    Own,
    /// Held, and in order.
    Held,
    /// Held, and its rotation is overdue.
    Overdue,
    /// Locked.
    Locked,
}

impl Standing {
    /// The stable name used in facts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Held => "held",
            Self::Overdue => "overdue",
            Self::Locked => "locked",
        }
    }

    /// Whether the gateway holds it.
    pub fn is_held(self) -> bool {
        self != Self::Own
    }
}

/// What a request shows the provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Wears {
    /// What the posting tool brought.
    #[default]
    Own,
    /// The account's credential, put on by `forward` at the last moment.
    Held(AccountId),
    /// What renews the account's credential.
    Renewal(AccountId),
}

/// Why a credential cannot be used or taken in, by stable code. Never its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unusable(pub &'static str);

/// The custody of provider credentials. What it hands out exists only for the moment of a request.
pub trait Custody: Send + Sync {
    /// How an account's credential stands at `now`.
    fn standing(&self, account: &AccountId, now: Timestamp) -> Standing;

    /// What is known of it.
    fn about(&self, account: &AccountId) -> Option<std::sync::Arc<SealedCredential>>;

    /// Whether the token is to be renewed before it is shown: it runs out within `ahead_s` seconds, or the provider
    /// refused it.
    fn is_stale(&self, account: &AccountId, now: Timestamp, ahead_s: i64) -> bool;

    /// The request that renews it, without anything secret in it; `put_on` completes it.
    ///
    /// # Errors
    /// Code `not-renewable`, `credential-unreadable`, `renewal-failed` (it failed a moment ago).
    fn renewal(&self, account: &AccountId, provider: &ProviderId) -> Result<Outbound, Unusable>;

    /// Seals what the provider answered to a renewal.
    ///
    /// # Errors
    /// Code `renewal-refused`, `renewal-unreadable`, `credential-unreadable`.
    fn renewed(&self, account: &AccountId, status: u16, answer: &[u8]) -> Result<SealedCredential, Unusable>;

    /// Puts the credential on a request that is about to leave. Gives back what must not be seen in the answer.
    ///
    /// # Errors
    /// Code `credential-locked`, `credential-missing`, `credential-unreadable`.
    fn put_on(&self, outbound: &mut Outbound) -> Result<Vec<Zeroizing<String>>, Unusable>;

    /// Notes that the provider refused the credential, so that it is renewed before it is shown again.
    fn doubt(&self, account: &AccountId);

    /// Seals a new credential that a person brought: a token, or JSON with its kind.
    ///
    /// # Errors
    /// Code `credential-malformed`; `credential-same` when it is the one that is held.
    fn take_in(
        &self,
        account: &AccountId,
        secret: &str,
        rotate_by: Option<Timestamp>,
    ) -> Result<SealedCredential, Unusable>;
}

/// The store's side of custody.
pub trait Credentials: Send + Sync {
    /// The account's credential as stored, as of the last commit.
    fn credential(&self, account: &AccountId) -> Option<std::sync::Arc<SealedCredential>>;
}

/// A gateway that holds nothing.
pub struct NoCustody;

impl Custody for NoCustody {
    fn standing(&self, _: &AccountId, _: Timestamp) -> Standing {
        Standing::Own
    }

    fn about(&self, _: &AccountId) -> Option<std::sync::Arc<SealedCredential>> {
        None
    }

    fn is_stale(&self, _: &AccountId, _: Timestamp, _: i64) -> bool {
        false
    }

    fn renewal(&self, _: &AccountId, _: &ProviderId) -> Result<Outbound, Unusable> {
        Err(Unusable("not-renewable"))
    }

    fn renewed(&self, _: &AccountId, _: u16, _: &[u8]) -> Result<SealedCredential, Unusable> {
        Err(Unusable("credential-missing"))
    }

    fn put_on(&self, _: &mut Outbound) -> Result<Vec<Zeroizing<String>>, Unusable> {
        Err(Unusable("credential-missing"))
    }

    fn doubt(&self, _: &AccountId) {}

    fn take_in(&self, _: &AccountId, _: &str, _: Option<Timestamp>) -> Result<SealedCredential, Unusable> {
        Err(Unusable("credential-malformed"))
    }
}
