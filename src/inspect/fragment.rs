//! A post whose text is only a fragment (「つい」 went to every channel of a city in 2023), or a test.

use super::found::Found;
use super::normal::View;
use super::views::is_letter;
use crate::domain::finding::Severity;

/// The text of a post that is too short to say anything: at most three letters, none of them a number or a sign that
/// stands for itself.
pub fn find(folded: &View, found: &mut Vec<Found>) {
    // A fourth letter says enough: it is none.
    let letters: Vec<char> = folded.text.chars().filter(|c| is_letter(*c)).take(4).collect();
    let kana = |c: &char| matches!(c, 'ぁ'..='ゖ' | 'ー');
    let whole = ["中止", "延期", "決行", "開催", "解除", "再開", "休館", "ok", "ご案内", "お知らせ"];
    let said: String = letters.iter().collect();
    let short = match letters.len() {
        0 => false,
        1 => letters.iter().all(|c| !c.is_ascii_digit()),
        2 | 3 => letters.iter().all(kana) || letters.iter().all(char::is_ascii_lowercase),
        _ => false,
    };
    if short && !whole.contains(&said.as_str()) {
        found.push(Found {
            rule: "notice.fragment",
            category: "notice",
            clauses: &["nagano:4(6)", "nerima:10-2"],
            severity: Severity::Review,
            range: 0..folded.text.len(),
            mask: false,
            advice: "文章の一部だけとみられます。入力の途中でないか確認してください。",
            never: false,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fragment_is_seen_and_a_short_notice_left() {
        let found = |text: &str| {
            let mut found = Vec::new();
            find(&View::of(text).fold(), &mut found);
            found.len()
        };
        for text in ["つい", "あ", "ｓ", "てす。"] {
            assert_eq!(found(text), 1, "{text}");
        }
        for text in ["中止", "本日休館", "", "🎉", "100", "花火開催"] {
            assert_eq!(found(text), 0, "{text}");
        }
    }
}
