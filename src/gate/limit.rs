//! How often a client may come to the gate: a bucket a client, so that one runaway tool stops no other.

use std::num::NonZeroU32;

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::config::gate::Gate;
use crate::domain::decision::Refusal;
use crate::domain::person::ClientId;

/// A bucket for each client.
pub struct Limits {
    buckets: DefaultKeyedRateLimiter<ClientId>,
}

impl Limits {
    /// Buckets of the configured size.
    pub fn new(config: &Gate) -> Self {
        let per_second = NonZeroU32::new(config.requests_per_second).unwrap_or(NonZeroU32::MIN);
        let burst = NonZeroU32::new(config.burst).unwrap_or(per_second);
        Self { buckets: RateLimiter::keyed(Quota::per_second(per_second).allow_burst(burst)) }
    }

    /// Takes one request from the client's bucket.
    pub fn take(&self, client: &ClientId) -> Result<(), Refusal> {
        self.buckets.check_key(client).map_err(|_| {
            Refusal::refused(
                "too-many-requests",
                "この投稿ツールからの送信が短時間に集中しているため、受け付けませんでした。",
                "This tool sends too many requests in a short time.",
                "しばらく待ってから、もう一度送信してください。",
            )
            .citing("sekisho:limits")
        })
    }
}
