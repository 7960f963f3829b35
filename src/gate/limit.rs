//! How often a client may come to the gate: a bucket a client, so that one runaway tool stops no other.

use std::net::IpAddr;
use std::num::NonZeroU32;

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::config::gate::Gate;
use crate::domain::decision::Refusal;
use crate::domain::person::ClientId;

/// Entries that a stranger, who shows no valid key, may cause in a minute. What goes beyond is counted, not entered.
const STRANGER_ENTRIES: NonZeroU32 = NonZeroU32::new(60).unwrap();

/// Addresses that are remembered before idle ones are let go.
const MOST_ADDRESSES: usize = 10_000;

/// A bucket for each client, and one for each address that strangers come from.
pub struct Limits {
    buckets: DefaultKeyedRateLimiter<ClientId>,
    strangers: DefaultKeyedRateLimiter<IpAddr>,
}

impl Limits {
    /// Buckets of the configured size.
    pub fn new(config: &Gate) -> Self {
        let per_second = NonZeroU32::new(config.requests_per_second).unwrap_or(NonZeroU32::MIN);
        let burst = NonZeroU32::new(config.burst).unwrap_or(per_second);
        Self {
            buckets: RateLimiter::keyed(Quota::per_second(per_second).allow_burst(burst)),
            strangers: RateLimiter::keyed(Quota::per_minute(STRANGER_ENTRIES)),
        }
    }

    /// Whether a stranger at this address may cause one more entry of its own, so that nobody without a key can fill the
    /// ledger's disk.
    pub fn stranger(&self, address: IpAddr) -> bool {
        if self.strangers.len() > MOST_ADDRESSES {
            self.strangers.retain_recent();
        }
        self.strangers.check_key(&address).is_ok()
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
