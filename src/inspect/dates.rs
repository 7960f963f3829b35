//! A weekday that does not fit its date.
//!
//! A date with its year (西暦, 令和, 平成) is checked by itself. A date without one is checked only if the day of the
//! inspection is given: its year is the one that brings it nearest to that day. Words that point to another year
//! (昨年, 来年, 当時) leave it unchecked, because a wrong alarm at every look back would teach people to ignore it.

use std::ops::Range;

use jiff::civil::Date;
use regex::Regex;

use super::found::{Found, same_line};
use super::normal::View;
use crate::domain::clock::weekday_ja;
use crate::domain::finding::Severity;

/// Finds dates with weekdays.
pub struct Dates {
    date: Regex,
}

impl Dates {
    /// The detector.
    ///
    /// # Errors
    /// A sentence, if its pattern cannot be built.
    pub fn new() -> Result<Self, String> {
        let year = "(?:(令和|平成|r)? ?([0-9]{1,4}|元)(?:\\([0-9]{4}\\))? ?(?:年(?:\\([^)\n]{1,12}\\))?|/|\\.) ?)?";
        let day = "(?:([0-9]{1,2}) ?(?:月|/) ?)?([0-9]{1,2}) ?日?";
        let weekday = " ?[(] ?(月|火|水|木|金|土|日) ?(?:曜日?)? ?(?:[)・、,/]|祝)";
        let date = Regex::new(&format!("{year}{day}{weekday}")).map_err(|error| error.to_string())?;
        Ok(Self { date })
    }

    /// Dates in a folded view.
    pub fn find(&self, view: &View, today: Option<Date>, found: &mut Vec<Found>) {
        let (mut last_year, mut last_month, mut last_end) = (None, None, 0);
        let mut from = 0;
        for (at, _) in view.text.match_indices('(') {
            let rest = view.text.get(at + 1..).unwrap_or_default();
            let is_weekday = |c| matches!(c, '月' | '火' | '水' | '木' | '金' | '土' | '日');
            if at < from || !rest.trim_start_matches(' ').starts_with(is_weekday) {
                continue;
            }
            let stretch = around(&view.text, at, from);
            let part = view.text.get(stretch.clone()).unwrap_or_default();
            let Some(date) = self.date.captures(part) else { continue };
            let Some(whole) = date.get(0).map(|it| stretch.start + it.start()..stretch.start + it.end()) else {
                continue;
            };
            from = whole.end;
            let number = |n: usize| date.get(n).and_then(|it| it.as_str().parse::<i16>().ok());
            let era = date.get(1).map(|it| it.as_str());
            let near = whole.start.saturating_sub(last_end) < 30;
            let mut year = match (era, date.get(2).map(|it| it.as_str())) {
                (Some("令和" | "r"), Some("元")) => Some(2019),
                (Some("令和" | "r"), Some(_)) => number(2).map(|year| year + 2018),
                (Some(_), Some("元")) => Some(1989),
                (Some(_), Some(_)) => number(2).map(|year| year + 1988),
                (None, Some(digits)) if digits.len() == 4 => number(2),
                (_, None) | (None, _) => None,
            };
            let month = number(3).or(last_month.filter(|_| near));
            if year.is_none() && near {
                year = last_year;
            }
            (last_year, last_month, last_end) = (year, month, whole.end);
            let (Some(month), Some(day), Some(weekday)) = (month, number(4), date.get(5)) else { continue };
            let day = match year {
                Some(year) => civil(year, month, day),
                None if points_elsewhere(same_line(&view.text, &whole)) => None,
                None => today.and_then(|today| nearest(today, month, day)),
            };
            if day.is_some_and(|day| weekday_ja(day) != weekday.as_str()) {
                found.push(wrong(whole));
            }
        }
    }
}

/// The text around a parenthesis that a date with its weekday may take, from `from` on.
fn around(text: &str, at: usize, from: usize) -> Range<usize> {
    let start = (from.max(at.saturating_sub(72))..=at).find(|at| text.is_char_boundary(*at)).unwrap_or(at);
    let end = (at..=text.len().min(at + 24)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(at);
    start..end
}

fn civil(year: i16, month: i16, day: i16) -> Option<Date> {
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// The date with this month and day that lies nearest to `today`.
fn nearest(today: Date, month: i16, day: i16) -> Option<Date> {
    let years = [today.year() - 1, today.year(), today.year() + 1];
    let distance = |date: &Date| date.since(today).map_or(i32::MAX, |span| span.get_days().abs());
    years.into_iter().filter_map(|year| civil(year, month, day)).min_by_key(distance)
}

fn points_elsewhere(line: &str) -> bool {
    ["昨年", "前年", "去年", "来年", "再来年", "一昨年", "当時", "平成", "昭和", "前回"]
        .iter()
        .any(|it| line.contains(it))
}

fn wrong(range: Range<usize>) -> Found {
    Found {
        rule: "notice.weekday",
        category: "notice",
        clauses: &["nagano:4(6)", "nerima:10-2"],
        severity: Severity::Review,
        range,
        mask: false,
        advice: "日付と曜日が合っていません。暦で確認し、正しい方に直してください。",
        never: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str, today: Option<Date>) -> usize {
        let mut found = Vec::new();
        Dates::new().unwrap().find(&View::of(text).fold(), today, &mut found);
        found.len()
    }

    #[test]
    fn nerima_10_2_a_weekday_that_does_not_fit_its_date_is_seen() {
        for text in [
            "2026年11月22日（土）に開催",
            "令和8年11月22日(土曜日)",
            "2026/11/22(土)",
            "令和８年11月22日（日）・23日（火・祝）",
        ] {
            assert_eq!(wrong(text, None), 1, "{text}");
        }
        for text in
            ["2026年11月22日（日）", "令和8年11月22日(日)・23日(月・祝)", "11月22日（土）", "第2日（土）", "1日(月3回)"]
        {
            assert_eq!(wrong(text, None), 0, "{text}");
        }
    }

    #[test]
    fn eras_month_ends_leap_days_and_the_turn_of_the_fiscal_year_are_counted_right() {
        // The date with the right weekday, and the same with another.
        for (right, false_one) in [
            ("令和元年5月1日(水)", "令和元年5月1日(木)"),
            ("平成31年4月30日(火)", "平成31年4月30日(水)"),
            ("令和10年2月29日(火)", "令和10年2月29日(水)"),
            ("令和9年3月31日(水)", "令和9年3月31日(木)"),
            ("令和9年4月1日(木)", "令和9年4月1日(水)"),
            ("2026年12月31日(木)", "2026年12月31日(金)"),
        ] {
            assert_eq!((wrong(right, None), wrong(false_one, None)), (0, 1), "{right}");
        }
        let day = |text: &str| Some(text.parse().unwrap());
        // Without a year the nearest one counts, across the new year too.
        assert_eq!(wrong("1月1日(金)", day("2026-12-31")), 0, "2027");
        assert_eq!(wrong("12月31日(木)", day("2027-01-01")), 0, "2026");
        assert_eq!(wrong("2月29日(火)", day("2028-03-01")), 0, "a leap year");
    }

    #[test]
    fn without_a_year_the_nearest_one_counts_and_only_if_the_day_is_known() {
        let today = Some(Date::constant(2026, 11, 20));
        assert_eq!(wrong("11月22日（土）", today), 1);
        assert_eq!(wrong("11月22日（日）", today), 0);
        assert_eq!(wrong("1月10日（日）", today), 0, "2027");
        assert_eq!(wrong("昨年の11月22日（土）", today), 0);
    }
}
