//! The system's chance: UUIDv7 ids, which sort by time and keep index pages warm.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use uuid::{NoContext, Uuid};

use super::ports::Chance;

/// Ids from the system's random source.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemChance;

impl Chance for SystemChance {
    fn id(&self, now: Timestamp) -> String {
        let seconds = u64::try_from(now.as_second()).unwrap_or_default();
        let nanos = u32::try_from(now.subsec_nanosecond()).unwrap_or_default();
        Uuid::new_v7(uuid::Timestamp::from_unix(NoContext, seconds, nanos)).to_string()
    }
}

/// A new random key (256 bits, base64url), or `None` when the system has no randomness.
pub fn new_key() -> Option<String> {
    let mut bytes = zeroize::Zeroizing::new([0_u8; 32]);
    aws_lc_rs::rand::fill(bytes.as_mut()).ok()?;
    Some(BASE64_URL_SAFE_NO_PAD.encode(bytes.as_ref()))
}
