//! Time and chance, handed in everywhere. The only place that reads the system clock.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::{self, TimeZone};

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Now, in UTC.
    fn now(&self) -> Timestamp;
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the system's clock")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// Japan Standard Time, nine hours ahead of UTC all year.
pub fn jst() -> TimeZone {
    TimeZone::fixed(tz::offset(9))
}

/// The wall-clock time in Japan at `at`.
pub fn in_japan(at: Timestamp) -> DateTime {
    jst().to_datetime(at)
}

/// The end of a day in Japan: the first moment of the next.
pub fn end_of_day_in_japan(day: Date) -> Option<Timestamp> {
    day.tomorrow().ok()?.to_zoned(jst()).ok().map(|next| next.timestamp())
}

/// `at` as people read it: `2026年11月22日(日) 10:15`.
pub fn for_people(at: Timestamp) -> String {
    let local = in_japan(at);
    format!(
        "{}年{}月{}日({}) {:02}:{:02}",
        local.year(),
        local.month(),
        local.day(),
        weekday_ja(local.date()),
        local.hour(),
        local.minute()
    )
}

/// The Japanese sign of a day of the week.
pub fn weekday_ja(date: Date) -> &'static str {
    match date.weekday() {
        Weekday::Monday => "月",
        Weekday::Tuesday => "火",
        Weekday::Wednesday => "水",
        Weekday::Thursday => "木",
        Weekday::Friday => "金",
        Weekday::Saturday => "土",
        Weekday::Sunday => "日",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_read_japanese_time_with_the_weekday() {
        let at: Timestamp = "2026-11-22T01:15:00Z".parse().unwrap();
        assert_eq!(for_people(at), "2026年11月22日(日) 10:15");
    }
}
