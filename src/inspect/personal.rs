//! Individual Numbers (マイナンバー): twelve digits with the official check digit, beside a word that says what they are.
//!
//! One order number in eleven passes the check digit by chance, so that the digits alone say nothing.

use std::ops::Range;

use daachorse::CharwiseDoubleArrayAhoCorasick;

use crate::domain::finding::Severity;

use super::found::{Found, near, same_line};
use super::normal::View;

/// How far a cue may stand from the number if it is on another line, in characters.
const REACH: usize = 40;

/// Words in their folded form that name an Individual Number.
const CUES: [&str; 7] =
    ["まいなんばー", "個人番号", "個人no", "mynumber", "my number", "まいなんばーかーど", "individual number"];
/// Words that tie digits to a person.
const PEOPLE: [&str; 6] = ["氏名", "生年月日", "さん", "様", "氏", "住所"];
/// Words in which those are not about a person.
const NOT_PEOPLE: [&str; 16] = [
    "お客様",
    "お客さん",
    "皆様",
    "皆さん",
    "みな様",
    "みなさん",
    "様式",
    "様子",
    "同様",
    "仕様",
    "多様",
    "模様",
    "各様",
    "たくさん",
    "氏子",
    "氏神",
];

/// Finds Individual Numbers.
pub struct MyNumber {
    cues: CharwiseDoubleArrayAhoCorasick<usize>,
}

impl MyNumber {
    /// The detector.
    ///
    /// # Errors
    /// A sentence, if its word list cannot be built.
    pub fn new() -> Result<Self, String> {
        let cues = CharwiseDoubleArrayAhoCorasick::new(CUES).map_err(|error| error.to_string())?;
        Ok(Self { cues })
    }

    /// Numbers in a view.
    pub fn find(&self, view: &View, found: &mut Vec<Found>) {
        for range in twelve_digits(&view.text) {
            let line = same_line(&view.text, &range);
            let close = near(&view.text, &range, REACH);
            let cued = [line, close].iter().any(|text| self.cues.find_iter(text).next().is_some());
            let (rule, severity, advice, never) = if cued {
                (
                    "personal.mynumber",
                    Severity::Block,
                    "マイナンバー（個人番号）とみられます。必ず削除してください。",
                    true,
                )
            } else if person(close) {
                let advice =
                    "マイナンバー（個人番号）と同じ形の番号が、人に関する語の近くにあります。確認してください。";
                ("personal.mynumber-like", Severity::Review, advice, false)
            } else {
                continue;
            };
            found.push(Found {
                rule,
                category: "personal_mynumber",
                clauses: &["nagano:7(1)エ", "my-number-act:19"],
                severity,
                range,
                mask: true,
                advice,
                never,
            });
        }
    }
}

fn person(text: &str) -> bool {
    let mut rest = text.to_owned();
    for word in NOT_PEOPLE {
        rest = rest.replace(word, "");
    }
    PEOPLE.iter().any(|word| rest.contains(word))
}

/// Ranges of twelve digits, in groups with one separator between, that pass the check digit.
fn twelve_digits(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    if super::bytes::digits(text.as_bytes()) < 12 {
        return found;
    }
    let mut groups: Vec<Range<usize>> = Vec::new();
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(start) = bytes.iter().skip(at).position(u8::is_ascii_digit).map(|len| at + len) {
        at = bytes.iter().skip(start).position(|byte| !byte.is_ascii_digit()).map_or(bytes.len(), |len| start + len);
        // Groups that belong together are parted by at most one separator.
        let joined = groups.last().is_none_or(|last| {
            let between = text.get(last.end..start).unwrap_or_default();
            matches!(between, " " | "-" | "ー" | "・" | "." | "_" | "/")
        });
        if !joined {
            twelve_of(text, &groups, &mut found);
            groups.clear();
        }
        groups.push(start..at);
    }
    twelve_of(text, &groups, &mut found);
    found
}

/// Of groups of digits that belong together, those that are twelve digits with a fitting check digit.
fn twelve_of(text: &str, groups: &[Range<usize>], found: &mut Vec<Range<usize>>) {
    for first in 0..groups.len() {
        let mut digits = String::new();
        for group in groups.iter().skip(first) {
            digits.push_str(text.get(group.clone()).unwrap_or_default());
            if digits.len() > 12 {
                break;
            }
            let start = groups.get(first).map_or(0, |it| it.start);
            if digits.len() == 12 && check_digit_fits(&digits) {
                found.push(start..group.end);
            }
        }
    }
}

/// The check digit of 行政手続における特定の個人を識別するための番号の利用等に関する法律施行令 and the ministry's
/// ordinance: 11 minus the weighted sum modulo 11, 0 where that would be 10 or 11.
fn check_digit_fits(digits: &str) -> bool {
    let mut digits = digits.bytes().rev().map(|byte| u32::from(byte.wrapping_sub(b'0')));
    let Some(check) = digits.next() else { return false };
    let sum: u32 = (1..).zip(digits).map(|(n, digit)| digit * if n <= 6 { n + 1 } else { n - 5 }).sum();
    let expected = match sum % 11 {
        0 | 1 => 0,
        rest => 11 - rest,
    };
    check == expected
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_digit_tells_a_number_from_its_neighbours() {
        assert!(check_digit_fits("123456789018"));
        let others = (0..10).filter(|last| check_digit_fits(&format!("12345678901{last}"))).count();
        assert_eq!(others, 1);
    }

    #[test]
    fn groups_are_read_together_and_longer_numbers_left() {
        assert_eq!(twelve_digits("1234-5678-9018"), vec![0..14]);
        assert_eq!(twelve_digits("2026 1234 5678 9018"), vec![5..19]);
        assert!(twelve_digits("1234567890180").is_empty());
    }
}
