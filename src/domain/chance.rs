//! The system's chance: UUIDv7 ids, which sort by time and keep index pages warm.

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
