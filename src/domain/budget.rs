//! What a provider still allows an account, as it last said.

use jiff::Timestamp;

use super::account::AccountId;

/// One allowance of an account at its provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// The account.
    pub account: AccountId,
    /// Which allowance: a route's by `route:<id>`, or one for everything, such as `user-24h`, `all`, `usage`.
    pub bucket: String,
    /// Requests that are left; hundredths of the allowance where the provider tells only shares.
    pub remaining: i64,
    /// Requests in a whole window.
    pub allowed: i64,
    /// When the window ends.
    pub resets: Timestamp,
}

impl Budget {
    /// Whether it applies to a request on this route.
    pub fn covers(&self, route: &str) -> bool {
        self.bucket.strip_prefix("route:").is_none_or(|own| own == route)
    }

    /// Whether it is low enough to be worth remembering over a restart.
    pub fn is_low(&self) -> bool {
        self.remaining.saturating_mul(2) < self.allowed
    }
}

/// What was last known of allowances, for a start.
pub trait Budgets: Send + Sync {
    /// Every allowance that was remembered.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn budgets(&self) -> Result<Vec<Budget>, super::ports::Unavailable>;
}
