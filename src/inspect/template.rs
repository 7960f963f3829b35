//! Unfilled templates (`○時○分`, `【要確認】`, `{{name}}`): the missile notice of 2013 went out with its blanks.

use std::ops::Range;

use regex::Regex;

use crate::domain::finding::Severity;

use super::bytes;
use super::found::{Found, beside, boundary, same_sentence};
use super::normal::View;

/// Sentences about fraud quote `「○○銀行です」`, where the circles are no blank.
const QUOTES: [(&str, &str); 3] = [("「", "」"), ("『", "』"), ("\"", "\"")];

/// Blanks of any other kind, each tried where a string of it stands.
pub(super) const BLANKS: [&str; 7] = [
    // xx時, xx月xx日
    "(?:^|[^0-9a-z])(?:xx|x月x日|x時x分|yyyy年|mm月|dd日|hh時)(?:年|月|日|時|分|名|人|円|:|$|[^0-9a-z])",
    // 時刻:____, ____時
    "(?:[:(年月日時分は]) ?__|__ ?(?:年|月|日|時|分)",
    // 【要確認】
    "[\\[【(<〔](?:要確認|要修正|要差替え?|仮|仮題|下書き|原稿|記入|要記入|挿入|tbd|todo|ここに[^\\]】)>〕\n]{1,20}|入力してください|後で[^\\]】)>〕\n]{1,10})[\\]】)>〕]",
    "ここに(?:本文|文章|てきすと|たいとる|見出し|場所|日時)",
    // <日付>
    "[<{](?:日付|日時|時刻|時間|場所|会場|会場名|氏名|名前|地名|地区名|地域名|施設名|避難所名|電話番号|件名|いべんと名|行事名|講座名|url|りんく|担当課?|課名|市名|区名|町名|理由|人数)[>}]",
    // {{name}}, ${name}, <%= name %>, [[name]], %%name%%
    "\\{\\{[^{}\n]{1,40}\\}\\}|\\$\\{[^{}\n]{1,40}\\}|<%[^%\n]{0,40}%>|\\[\\[[^\\[\\]\n]{1,40}\\]\\]|%%[a-z_]{1,30}%%",
    "lorem ipsum",
];

/// Finds blanks that nobody filled.
pub struct Blanks {
    marks: Regex,
}

impl Blanks {
    /// The detector.
    ///
    /// # Errors
    /// A sentence, if a pattern cannot be built.
    pub fn new() -> Result<Self, String> {
        // A mark that stands for a value. `〇` is also the kanji zero, which `is_kanji_zero` tells apart.
        let m = "[○〇●△▲□■◇◆*]";
        let unit = "(?:年|月|日|時|分)";
        let marks = [
            // ○時○分, ○月○日, ○:○
            format!("{m}{{1,2}} ?(?:年|月|日|時|分|:|/) ?{m}{{1,2}} ?(?:年|月|日|時|分|\\(|曜)"),
            format!("{m}{{1,2}}:{m}{{1,2}}"),
            // 12月○日, 午後○時, 令和○年, 10時○分
            format!("(?:午前|午後|令和|平成|[0-9]月|[0-9]時|[0-9]年){m}{{1,2}}{unit}"),
            // ○時から, ○日(, ○分頃
            format!("{m}{{1,2}}{unit}(?:から|まで|頃|ごろ|ころ|現在|時点|より|発生|開始|\\(|に)"),
        ];
        Ok(Self { marks: Regex::new(&marks.join("|")).map_err(|error| error.to_string())? })
    }

    /// Blanks with marks in a folded view.
    pub fn find(&self, view: &View, found: &mut Vec<Found>) {
        if !may_hold_marks(view.text.as_bytes()) {
            return;
        }
        let text = view.text.as_str();
        for part in around_marks(text) {
            for hit in self.marks.find_iter(text.get(part.clone()).unwrap_or_default()) {
                found.extend(other(text, part.start + hit.start()..part.start + hit.end()));
            }
        }
        for row in rows_of_circles(text) {
            if let Some(severity) = circles(text, &row) {
                found.push(blank(row, severity));
            }
        }
    }
}

/// The parts of a text that hold its marks and as much around them as a blank with a mark in it may take, in order, none
/// overlapping: what is found in them is what is found in the whole.
fn around_marks(text: &str) -> Vec<Range<usize>> {
    /// The longest blank has eight characters of at most three bytes each.
    const REACH: usize = 36;
    let mut parts: Vec<Range<usize>> = Vec::new();
    for (at, _) in text.char_indices().filter(|(_, c)| is_mark(*c)) {
        let from = boundary(text, at.saturating_sub(REACH));
        let to = boundary(text, text.len().min(at + REACH));
        match parts.last_mut() {
            Some(last) if from <= last.end => last.end = to,
            _ => parts.push(from..to),
        }
    }
    parts
}

/// Whether a character stands for a value. None comes after `〇`, as all kana and kanji do.
fn is_mark(c: char) -> bool {
    c <= '〇' && (is_circle(c) || matches!(c, '■' | '◇' | '◆' | '*'))
}

fn is_circle(c: char) -> bool {
    c <= '〇' && matches!(c, '○' | '〇' | '●' | '△' | '▲' | '□')
}

/// Two circles or more, one behind the other.
fn rows_of_circles(text: &str) -> Vec<Range<usize>> {
    let mut rows: Vec<Range<usize>> = Vec::new();
    for (at, circle) in text.char_indices().filter(|(_, c)| is_circle(*c)) {
        let end = at + circle.len_utf8();
        match rows.last_mut() {
            Some(row) if row.end == at => row.end = end,
            _ => rows.push(at..end),
        }
    }
    // Each has three bytes.
    rows.retain(|row| row.len() > 3);
    rows
}

/// Whether a mark may stand in a text: each but `*` has one of three pairs of bytes in UTF-8, and only few other
/// characters do.
fn may_hold_marks(text: &[u8]) -> bool {
    bytes::any(text, |byte| byte == b'*')
        || bytes::any_pair(text, |one, two| {
            (one == 0xe2) & ((two == 0x96) | (two == 0x97)) | (one == 0x80) & (two == 0x87)
        })
}

/// A blank of another kind, found by [`BLANKS`], unless it is ornament or a number.
pub(super) fn other(text: &str, range: Range<usize>) -> Option<Found> {
    let ornament = text.get(range.clone()).is_some_and(quoted_pattern);
    (!ornament && !is_kanji_zero(text, &range)).then(|| blank(range, Severity::Block))
}

fn blank(range: Range<usize>, severity: Severity) -> Found {
    let block = severity == Severity::Block;
    Found {
        rule: if block { "template.unfilled" } else { "template.circles" },
        category: "template",
        clauses: &["nagano:4(6)", "nerima:10-2"],
        severity,
        range,
        mask: false,
        advice: "ひな形の空欄が残っているとみられます。正しい内容を入れてください。",
        never: block,
    }
}

/// `[[...]]` and `((...))` hold kana only as ornament: `[[[お知らせ]]]`.
fn quoted_pattern(hit: &str) -> bool {
    hit.starts_with("[[[")
}

/// How two or more circles in a row weigh: nothing as ornament or in a quotation about fraud, a look in other
/// quotations and hashtags, a stop elsewhere.
fn circles(text: &str, range: &Range<usize>) -> Option<Severity> {
    let before = text.get(..range.start).unwrap_or_default();
    let after = text.get(range.end..).unwrap_or_default();
    let circles = text.get(range.clone()).unwrap_or_default();
    if is_kanji_zero(text, range) || circles.chars().count() > 4 {
        return None;
    }
    let kanji = |c: char| matches!(c, '一'..='鿿');
    let joined =
        |c: Option<char>| c.is_some_and(|c| kanji(c) || matches!(c, 'ぁ'..='ゖ' | 'ー' | '0'..='9' | ':' | '-'));
    let next = after.chars().next();
    if !joined(before.chars().next_back()) && !joined(next) {
        return None;
    }
    let (left, right) = beside(text, range);
    if is_ornament(circles, left, right) {
        return None;
    }
    let sentence = same_sentence(text, range);
    let quoted = QUOTES.iter().any(|(open, close)| {
        let opened = left.rfind(open).is_some_and(|at| open == close || left.rfind(close).is_none_or(|end| end < at));
        opened && right.contains(close)
    });
    let fraud = ["詐欺", "名乗", "不審", "騙", "だまし", "なりすまし", "という電話", "偽"];
    let of_fraud = fraud.iter().any(|cue| sentence.contains(cue));
    match (quoted, of_fraud) {
        (true, true) => None,
        (false, true) => Some(Severity::Review),
        // 「○○川」 is a name that nobody filled in, 「○○の日」 may be a way of speaking.
        (true, false) if !next.is_some_and(kanji) => Some(Severity::Review),
        (false, false) if before.ends_with('#') => Some(Severity::Review),
        (true | false, false) => Some(Severity::Block),
    }
}

/// `●●お知らせ●●`: a short heading between two like rows of circles, no sentence.
fn is_ornament(circles: &str, left: &str, right: &str) -> bool {
    let heading = if left.trim().is_empty() {
        right.trim_end().strip_suffix(circles)
    } else if right.trim().is_empty() {
        left.trim_start().strip_prefix(circles)
    } else {
        None
    };
    heading.is_some_and(|heading| {
        let len = heading.chars().count();
        (1..=15).contains(&len)
            && !heading.contains(['は', 'が', 'に', 'を', 'で', 'へ', '○', '〇', '●', '△', '▲', '□', '、', '。'])
    })
}

/// Whether the circles are zeros of a number written in kanji: 二〇二六年, 一〇〇周年, 昭和二〇年.
fn is_kanji_zero(text: &str, range: &Range<usize>) -> bool {
    let Some(hit) = text.get(range.clone()) else { return false };
    let numeral =
        |c: char| matches!(c, '一' | '二' | '三' | '四' | '五' | '六' | '七' | '八' | '九' | '十' | '百' | '千');
    let before = text.get(..range.start).and_then(|it| it.chars().next_back());
    let after = text.get(range.end..).and_then(|it| it.chars().next());
    hit.contains('〇')
        && !hit.contains(['○', '●', '△', '□', '*'])
        && (before.is_some_and(numeral) || after.is_some_and(numeral) || hit.chars().any(numeral))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_found_around_marks_is_what_is_found_in_the_whole() {
        let (blanks, circles) = (Blanks::new().unwrap(), Regex::new("[○〇●△▲□]{2,}").unwrap());
        let (mut marked, mut rows) = (0, 0);
        let written =
            ["午後○時から", "○月○日(土)", "本日は●時●分、", "二〇二六年", "※", "「○○の日」です。", "12月*日に"];
        let joined = crate::inspect::tests::mixed::texts(4_000)
            .zip(written.iter().cycle())
            .map(|(text, blank)| format!("{text}{blank}{text}{blank}"));
        for text in joined {
            let whole: Vec<Range<usize>> = blanks.marks.find_iter(&text).map(|it| it.range()).collect();
            let part = |part: Range<usize>| {
                let hits = blanks.marks.find_iter(&text[part.clone()]).map(|it| it.range());
                hits.map(|hit| part.start + hit.start..part.start + hit.end).collect::<Vec<_>>()
            };
            assert_eq!(around_marks(&text).into_iter().flat_map(part).collect::<Vec<_>>(), whole, "{text:?}");
            let all: Vec<Range<usize>> = circles.find_iter(&text).map(|it| it.range()).collect();
            assert_eq!(rows_of_circles(&text), all, "{text:?}");
            assert!(whole.is_empty() && all.is_empty() || may_hold_marks(text.as_bytes()), "{text:?}");
            (marked, rows) = (marked + whole.len(), rows + all.len());
        }
        assert!(marked > 2_000 && rows > 1_000, "{marked} {rows}");
    }
}
