//! Words for the stories: each post says something of its own, since a provider takes no post twice.

use sekisho::domain::clock::{Clock as _, SystemClock, in_japan};

/// An ordinary announcement that begins with its section, told apart by `mark`.
pub fn words(mark: &str) -> String {
    format!("【広報課】健康相談会のお知らせ（{mark}）。区役所本庁舎で開きます。")
}

/// The day so many days from now as a notice writes it, with its true weekday.
pub fn later(days: i64) -> String {
    let day = in_japan(SystemClock.now()).date().checked_add(jiff::Span::new().days(days)).unwrap();
    let weekday = ["月", "火", "水", "木", "金", "土", "日"];
    let name = weekday[usize::try_from(day.weekday().to_monday_zero_offset()).unwrap()];
    format!("{}月{}日({name})", day.month(), day.day())
}
