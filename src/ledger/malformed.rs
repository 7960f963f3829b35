//! Requests that were refused before anybody could be named: counted in memory, one entry a minute.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use crate::domain::account::GATEWAY_LOG;
use crate::store::{Draft, Fields, Log, Unit};

/// Pairs of source and code that are counted apart in one minute; a flood beyond them is one number. So many fit into
/// one entry.
const APART: usize = 100;

/// The count of the minute that runs.
#[derive(Debug, Default)]
pub(super) struct Tally(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    apart: BTreeMap<(IpAddr, &'static str), u64>,
    others: u64,
}

impl Tally {
    /// Counts one.
    pub(super) fn count(&self, source: IpAddr, code: &'static str) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.apart.get_mut(&(source, code)) {
            *count += 1;
        } else if counts.apart.len() < APART {
            counts.apart.insert((source, code), 1);
        } else {
            counts.others += 1;
        }
    }

    /// The entry of what was counted, and the count begins anew; none: nothing was.
    pub(super) fn unit(&self) -> Option<Unit> {
        let counts = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if counts.apart.is_empty() {
            return None;
        }
        let listed: Vec<Value> = counts
            .apart
            .iter()
            .map(|((source, code), count)| json!({ "code": code, "count": count, "source": source.to_string() }))
            .collect();
        let mut fields = Fields::default();
        fields.value("counts", &Value::Array(listed));
        fields.number("others", counts.others);
        Some(Unit::entry(
            Log::from(GATEWAY_LOG),
            Draft { kind: "malformed", fields: fields.into(), ..Draft::default() },
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_from_many_sources_is_one_small_entry() {
        let tally = Tally::default();
        assert!(tally.unit().is_none());
        for n in 0..10_000_u32 {
            tally.count(IpAddr::from(std::net::Ipv6Addr::from(u128::MAX - u128::from(n % 500))), "length-and-encoding");
        }
        let unit = tally.unit().unwrap();
        assert!(unit.entry.fields.len() < 14_000, "{}", unit.entry.fields.len());
        let entry: Value = serde_json::from_slice(&Fields::object(&[&unit.entry.fields])).unwrap();
        let counted: u64 = entry["counts"].as_array().unwrap().iter().map(|one| one["count"].as_u64().unwrap()).sum();
        assert_eq!(counted + entry["others"].as_u64().unwrap(), 10_000);
        assert!(tally.unit().is_none());
    }
}
