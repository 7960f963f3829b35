//! Confidentiality labels (部外秘, 取扱注意, 重要度：中): words that a document carries when it may not be published.

use daachorse::CharwiseDoubleArrayAhoCorasick;

use crate::domain::finding::Severity;

use super::bytes;
use super::found::{Found, same_sentence};
use super::normal::View;

/// Labels in their folded and squeezed form.
const LABELS: [&str; 40] = [
    "部外秘",
    "社外秘",
    "庁外秘",
    "対外秘",
    "課外秘",
    "局外秘",
    "厳秘",
    "極秘",
    "(秘)",
    "【秘】",
    "[秘]",
    "〔秘〕",
    "《秘》",
    "<秘>",
    "まる秘",
    "○秘",
    "丸秘",
    "【機密】",
    "(機密)",
    "機密性2",
    "機密性3",
    "機密性二",
    "機密性三",
    "機密文書",
    "重要度:中",
    "重要度:高",
    "重要度中",
    "重要度高",
    "重要度・中",
    "重要度(中)",
    "重要度(高)",
    "重要度:大",
    "重要度は中",
    "重要度は高",
    "取扱注意",
    "取り扱い注意",
    "取扱い注意",
    "庁内限り",
    "関係者限り",
    "部内限り",
];
const MORE_LABELS: [&str; 12] = [
    "重要度=中",
    "重要度=高",
    "内部限り",
    "職員限り",
    "持出禁止",
    "持ち出し禁止",
    "閲覧後廃棄",
    "未公表資料",
    "内部資料につき",
    "confidential]",
    "[confidential",
    "internaluseonly",
];
/// 取扱注意 beside one of these speaks of goods, not of information.
const GOODS: [&str; 26] = [
    "火気",
    "すぷれー",
    "灯油",
    "電池",
    "ぼんべ",
    "荷物",
    "がらす",
    "割れ",
    "危険物",
    "刃物",
    "花火",
    "農薬",
    "洗剤",
    "漂白",
    "薬品",
    "高温",
    "熱湯",
    "天地無用",
    "壊れ",
    "がそりん",
    "らいたー",
    "消火器",
    "包丁",
    "劇薬",
    "陶器",
    "精密機器",
];
/// A label in quotes beside one of these is what the sentence is about.
const TOPIC: [&str; 8] = ["とは", "意味", "研修", "講座", "表示の", "ひみつ", "展", "物語"];

/// What is secret for fun, unless papers are spoken of: 極秘ミッション, マル秘レシピ.
const FUN: [&str; 14] = [
    "みっしょん",
    "謎",
    "れしぴ",
    "らりー",
    "作戦",
    "てくにっく",
    "ぐるめ",
    "すぽっと",
    "えぴそーど",
    "探偵",
    "忍者",
    "すぱい",
    "隠れ家",
    "お宝",
];
/// What a label stands on.
const PAPERS: [&str; 10] = ["資料", "書類", "情報", "文書", "名簿", "でーた", "人事", "予算", "会議", "計画"];

/// Finds labels.
pub struct Labels {
    words: CharwiseDoubleArrayAhoCorasick<usize>,
}

impl Labels {
    /// The detector.
    ///
    /// # Errors
    /// A sentence, if its word list cannot be built.
    pub fn new() -> Result<Self, String> {
        let all = LABELS.iter().chain(&MORE_LABELS);
        let words = CharwiseDoubleArrayAhoCorasick::new(all).map_err(|error| error.to_string())?;
        Ok(Self { words })
    }

    /// Whether a text may hold a label, also with blanks between its letters: each label has one of these letters.
    pub fn may_be_in(text: &str) -> bool {
        let bytes = text.as_bytes();
        let latin = memchr::memchr2(b'f', b'y', bytes).is_some();
        // The last two bytes of each kanji.
        let kanji = bytes::any_pair(bytes, |one, two| {
            ((one == 0xa7) & (two == 0x98))
                | ((one == 0xaf) & (two == 0x86))
                | ((one == 0xba) & (two == 0xa6))
                | ((one == 0x89) & (two == 0xb1))
                | ((one == 0x99) & (two == 0x90))
                | ((one == 0x8c) & (two == 0x81))
                | ((one == 0x96) & ((two == 0xb2) | (two == 0x99)))
        });
        (latin || kanji) && text.contains(['秘', '密', '度', '扱', '限', '持', '閲', '料', 'f', 'y'])
    }

    /// Labels in a squeezed view.
    pub fn find(&self, squeezed: &View, found: &mut Vec<Found>) {
        for hit in self.words.find_overlapping_iter(&squeezed.text) {
            let range = hit.start()..hit.end();
            let word = squeezed.text.get(range.clone()).unwrap_or_default();
            let sentence = same_sentence(&squeezed.text, &range);
            let before = squeezed.text.get(..range.start).unwrap_or_default();
            let after = squeezed.text.get(range.end..).unwrap_or_default();
            let of_goods = word.ends_with("注意") && GOODS.iter().any(|goods| sentence.contains(goods));
            let quoted = before.ends_with(['「', '『', '"']) && after.starts_with(['」', '』', '"']);
            let named =
                quoted || ["の表示", "という", "とは", "と書かれ", "のらべる"].iter().any(|it| after.starts_with(it));
            let of_topic = named && TOPIC.iter().any(|topic| sentence.contains(topic));
            // 自転車の持出禁止 and the like speak of things; with 書類, 資料, 情報 the words are a label.
            let of_papers = || PAPERS.iter().any(|paper| sentence.contains(paper));
            let of_things = word.starts_with("持") && !of_papers();
            let secret = ["極秘", "まる秘", "丸秘", "○秘", "(秘)"].contains(&word);
            let for_fun = secret && FUN.iter().any(|fun| sentence.contains(fun)) && !of_papers();
            if of_goods || of_topic || of_things || for_fun {
                continue;
            }
            found.push(Found {
                rule: "label.confidential",
                category: "label",
                clauses: &["nagano:4(2)", "local-public-service-act:34"],
                severity: Severity::Block,
                range,
                mask: false,
                advice: "外部に出してはならない情報の表示です。公開してよい内容か確認し、表示と対象の情報を削除してください。",
                never: false,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_label_is_overlooked_before_the_blanks_are_taken_out() {
        for label in LABELS.iter().chain(&MORE_LABELS) {
            assert!(Labels::may_be_in(label), "{label}");
        }
        assert!(!Labels::may_be_in("健康相談会を開きます。"));
    }
}
