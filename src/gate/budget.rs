//! The limits of providers: read from the headers of each answer, kept for each account, with a share that only
//! emergency posts may use. A post beyond them is refused before anything is spent, and told when it can go.
//!
//! A provider says how much is left now, so what is kept is that number and not a rate; a bucket that refills by itself
//! (as for clients) would be a guess beside it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use http::{HeaderMap, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::domain::account::AccountId;
use crate::domain::budget::Budget;
use crate::domain::clock;
use crate::domain::decision::Refusal;
use crate::domain::dossier::Learned;

/// The wait after a 429 that does not say how long.
const PAUSE_S: i64 = 60;
/// The window of Meta's usage headers, which is rolling.
const USAGE_WINDOW_S: i64 = 3600;
/// Allowances that are kept for one account, so that a provider cannot fill the memory.
const MOST: usize = 64;

/// The allowances of all accounts.
pub struct Allowances {
    known: Mutex<HashMap<AccountId, Vec<Budget>>>,
    /// Hundredths of each allowance that only emergency posts may use.
    reserve: i64,
}

impl Allowances {
    /// What was known at the last stop.
    pub fn new(remembered: Vec<Budget>, emergency_share_percent: u32) -> Self {
        let mut known: HashMap<AccountId, Vec<Budget>> = HashMap::new();
        for budget in remembered {
            known.entry(budget.account.clone()).or_default().push(budget);
        }
        Self { known: Mutex::new(known), reserve: i64::from(emergency_share_percent.min(100)) }
    }

    /// Takes one request from every allowance that covers it, or from none.
    ///
    /// # Errors
    /// Refusal `provider-limit`, with the time at which it can go.
    pub fn take(&self, account: &AccountId, route: &str, emergency: bool, now: Timestamp) -> Result<(), Refusal> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(budgets) = known.get_mut(account) else { return Ok(()) };
        budgets.retain(|budget| budget.resets > now);
        let reserved = |budget: &Budget| if emergency { 0 } else { share(budget.allowed, self.reserve) };
        let full =
            budgets.iter().filter(|it| it.covers(route) && it.remaining <= reserved(it)).map(|it| it.resets).max();
        if let Some(resets) = full {
            return Err(limited(resets, now));
        }
        for budget in budgets.iter_mut().filter(|budget| budget.covers(route)) {
            budget.remaining -= 1;
        }
        Ok(())
    }

    /// Notes what an answer says, and gives what must outlive this process.
    pub fn learn(
        &self,
        account: &AccountId,
        route: &str,
        status: StatusCode,
        headers: &HeaderMap,
        now: Timestamp,
    ) -> Vec<Learned> {
        let said = read(account, route, status, headers, now);
        if said.is_empty() {
            return Vec::new();
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let budgets = known.entry(account.clone()).or_default();
        for budget in &said {
            budgets.retain(|old| old.bucket != budget.bucket);
            if budgets.len() < MOST {
                budgets.push(budget.clone());
            }
        }
        said.into_iter().filter(Budget::is_low).map(|budget| Learned::Budget(Box::new(budget))).collect()
    }
}

/// `percent` hundredths of `allowed`, at least one where there are two.
fn share(allowed: i64, percent: i64) -> i64 {
    let share = allowed.saturating_mul(percent) / 100;
    if percent > 0 && allowed > 1 { share.max(1) } else { share }
}

fn limited(resets: Timestamp, now: Timestamp) -> Refusal {
    // To the next whole minute, so that what a person reads is never too early.
    let wait = resets.duration_since(now).as_secs().max(1);
    let at = resets.checked_add(SignedDuration::from_secs(59)).unwrap_or(resets);
    let mut refusal = Refusal::refused(
        "provider-limit",
        format!(
            "SNSの投稿回数の上限に近いため、送信していません（残りは緊急時の投稿のために取ってあります）。{}以降に送信できます。",
            clock::for_people(at)
        ),
        format!("The provider's limit is nearly reached; the rest is kept for emergencies. It can go after {resets}."),
        "時刻を過ぎてから、もう一度送信してください。承認は使われていません。緊急の場合は、緊急時の宣言のもとで送信してください。",
    )
    .citing("sekisho:limits");
    refusal.retry_after_s = u64::try_from(wait).ok();
    refusal
}

/// Bucket (none: the route's own) and the headers that say what is allowed, what is left, and when it begins anew.
///
/// X: per route and user; per user and per application in 24 hours. Bluesky: everything, in seconds since 1970 too.
/// Mastodon: everything, its reset in ISO 8601.
const FAMILIES: [(Option<&str>, [&str; 3]); 5] = [
    (None, ["x-rate-limit-limit", "x-rate-limit-remaining", "x-rate-limit-reset"]),
    (Some("user-24h"), ["x-user-limit-24hour-limit", "x-user-limit-24hour-remaining", "x-user-limit-24hour-reset"]),
    (Some("app-24h"), ["x-app-limit-24hour-limit", "x-app-limit-24hour-remaining", "x-app-limit-24hour-reset"]),
    (Some("all"), ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"]),
    (Some("all"), ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"]),
];

/// What the headers say. The names are the providers' own and do not overlap.
fn read(account: &AccountId, route: &str, status: StatusCode, headers: &HeaderMap, now: Timestamp) -> Vec<Budget> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let number = |name: &str| text(name).and_then(|text| text.parse::<i64>().ok()).filter(|number| *number >= 0);
    let of = |bucket: String, remaining: i64, allowed: i64, resets: Timestamp| Budget {
        account: account.clone(),
        bucket,
        remaining,
        allowed,
        resets,
    };
    let after = |seconds: i64| now.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(now);
    let mut found = Vec::new();
    let own = || format!("route:{route}");
    for (bucket, [allowed, remaining, resets]) in FAMILIES {
        let Some(allowed) = number(allowed) else { continue };
        let resets = text(resets).and_then(moment).filter(|resets| *resets <= after(49 * 3600));
        if let (Some(remaining), Some(resets)) = (number(remaining), resets) {
            found.push(of(bucket.map_or_else(own, str::to_owned), remaining, allowed, resets));
        }
    }
    if let Some((used, wait)) = usage(&text) {
        let wait = if wait > 0 { wait } else { USAGE_WINDOW_S };
        found.push(of("usage".to_owned(), (100 - used).max(0), 100, after(wait)));
    }
    if status == StatusCode::TOO_MANY_REQUESTS {
        let said = found.iter().filter(|budget| budget.remaining == 0).map(|budget| budget.resets).max();
        let resets = number("retry-after").map(|seconds| after(seconds.min(49 * 3600))).or(said);
        found.retain(|budget| budget.bucket != own());
        found.push(of(own(), 0, 1, resets.unwrap_or_else(|| after(PAUSE_S))));
    }
    found
}

/// Seconds since 1970, or ISO 8601.
fn moment(text: &str) -> Option<Timestamp> {
    match text.parse::<i64>() {
        Ok(second) => Timestamp::from_second(second).ok(),
        Err(_) => text.parse().ok(),
    }
}

/// Meta's usage headers: the highest share that is used, in hundredths, and seconds until it may be tried again.
fn usage<'h>(text: &dyn Fn(&str) -> Option<&'h str>) -> Option<(i64, i64)> {
    let mut highest: Option<(i64, i64)> = None;
    for name in ["x-app-usage", "x-page-usage", "x-business-use-case-usage"] {
        let Some(told) = text(name).and_then(|text| serde_json::from_str::<Value>(text).ok()) else { continue };
        // The business header holds lists by object; the others are one object.
        let lists =
            told.as_object().into_iter().flat_map(serde_json::Map::values).filter_map(Value::as_array).flatten();
        for one in lists.chain([&told]) {
            let at = |key: &str| one.get(key).and_then(Value::as_f64).map(|share| share.ceil() as i64);
            let shares = [at("call_count"), at("total_time"), at("total_cputime")];
            let minutes = at("estimated_time_to_regain_access").unwrap_or_default();
            if let Some(used) = shares.into_iter().flatten().max()
                && highest.is_none_or(|(known, _)| known < used)
            {
                highest = Some((used, minutes * 60));
            }
        }
    }
    highest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-22T00:00:00Z".parse().unwrap()
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    fn account() -> AccountId {
        AccountId::new("nerima-x")
    }

    fn seen(status: u16, pairs: &[(&'static str, &str)]) -> Vec<(String, i64, i64, i64)> {
        let status = StatusCode::from_u16(status).unwrap();
        let found = read(&account(), "tweet-create", status, &headers(pairs), now());
        let told = |it: Budget| (it.bucket, it.remaining, it.allowed, it.resets.as_second() - now().as_second());
        found.into_iter().map(told).collect()
    }

    #[test]
    fn the_headers_of_each_provider_are_read() {
        let soon = (now().as_second() + 900).to_string();
        let x = [
            ("x-rate-limit-limit", "100"),
            ("x-rate-limit-remaining", "7"),
            ("x-rate-limit-reset", soon.as_str()),
            ("x-user-limit-24hour-limit", "17"),
            ("x-user-limit-24hour-remaining", "3"),
            ("x-user-limit-24hour-reset", soon.as_str()),
        ];
        let expected = [("route:tweet-create".to_owned(), 7, 100, 900), ("user-24h".to_owned(), 3, 17, 900)];
        assert_eq!(seen(201, &x), expected);
        let mastodon = [
            ("x-ratelimit-limit", "300"),
            ("x-ratelimit-remaining", "299"),
            ("x-ratelimit-reset", "2026-11-22T00:05:00.000Z"),
        ];
        assert_eq!(seen(200, &mastodon), [("all".to_owned(), 299, 300, 300)]);
        let bluesky = [
            ("ratelimit-limit", "3000"),
            ("ratelimit-remaining", "0"),
            ("ratelimit-reset", soon.as_str()),
            ("ratelimit-policy", "3000;w=300"),
        ];
        assert_eq!(seen(200, &bluesky), [("all".to_owned(), 0, 3000, 900)]);
        let graph = [("x-app-usage", r#"{"call_count":28,"total_time":91.2,"total_cputime":3}"#)];
        assert_eq!(seen(200, &graph), [("usage".to_owned(), 8, 100, 3600)]);
        let business = [(
            "x-business-use-case-usage",
            r#"{"1234":[{"type":"pages","call_count":100,"total_cputime":1,"total_time":1,"estimated_time_to_regain_access":19}]}"#,
        )];
        assert_eq!(seen(403, &business), [("usage".to_owned(), 0, 100, 19 * 60)]);
        // LINE says no numbers; it says 429.
        assert_eq!(seen(429, &[("retry-after", "30")]), [("route:tweet-create".to_owned(), 0, 1, 30)]);
        assert_eq!(seen(429, &[]), [("route:tweet-create".to_owned(), 0, 1, PAUSE_S)]);
    }

    #[test]
    fn what_is_no_limit_is_not_taken_for_one() {
        let odd =
            [("x-rate-limit-limit", "many"), ("x-rate-limit-remaining", "-1"), ("x-rate-limit-reset", "9999999999")];
        assert_eq!(seen(201, &odd), []);
        let far = [("ratelimit-limit", "1"), ("ratelimit-remaining", "0"), ("ratelimit-reset", "99999999999")];
        assert_eq!(seen(201, &far), [], "a reset in a thousand years would close the account for good");
        assert_eq!(seen(201, &[("x-app-usage", "[]")]), []);
    }

    #[test]
    fn the_last_of_an_allowance_is_for_emergencies_and_comes_back_with_its_window() {
        let resets = now() + SignedDuration::from_mins(15);
        let budget = |bucket: &str, remaining| Budget {
            account: account(),
            bucket: bucket.to_owned(),
            remaining,
            allowed: 20,
            resets,
        };
        let allowances = Allowances::new(vec![budget("user-24h", 4), budget("route:other", 0)], 10);
        let take = |emergency, at| allowances.take(&account(), "tweet-create", emergency, at);
        assert!(take(false, now()).is_ok() && take(false, now()).is_ok());
        let refused = take(false, now()).unwrap_err();
        assert_eq!((refused.code.as_ref(), refused.retry_after_s), ("provider-limit", Some(900)));
        assert!(refused.sentence.contains("2026年11月22日(日) 09:15"), "{}", refused.sentence);
        assert!(take(true, now()).is_ok() && take(true, now()).is_ok());
        assert_eq!(take(true, now()).unwrap_err().code, "provider-limit", "the provider would refuse an emergency too");
        assert!(take(false, resets).is_ok());
        assert!(allowances.take(&AccountId::new("other"), "tweet-create", false, now()).is_ok());
    }
}
