//! Citations: which clause of which guideline a rule carries out.

use serde::{Deserialize, Serialize};

/// A citation such as `nerima:11` or `nagano:4(9)`; ids as in the guideline's own numbering.
///
/// Rules of the gateway itself, which no guideline numbers, cite `sekisho:<topic>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Clause(String);

impl Clause {
    /// The citation with this id.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The citation as a clerk knows it: `練馬区SNS活用ガイドライン第11条`; none for rules of the gateway itself.
    pub fn in_words(&self) -> Option<String> {
        let (source, place) = self.0.split_once(':')?;
        match source {
            "nerima" => article(place).map(|article| format!("練馬区SNS活用ガイドライン{article}")),
            "nagano" => Some(format!("長野市ソーシャルメディアの利用に関するガイドライン {place}")),
            "guideline-2011" => {
                Some("民間ソーシャルメディアを活用した情報発信についての国の指針（平成23年）".to_owned())
            }
            "my-number-act" => article(place).map(|article| format!("番号法{article}")),
            "local-public-service-act" => article(place).map(|article| format!("地方公務員法{article}")),
            _ => None,
        }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Clause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// `11`, `3-1`, `11(1)`, `17-1a` as 条, 項 and 号. Letters that part a paragraph, and names, say nothing to a reader.
fn article(place: &str) -> Option<String> {
    let number = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>();
    let first = number(place);
    if first.is_empty() {
        return None;
    }
    let rest = place.get(first.len()..).unwrap_or_default();
    let paragraph = rest.strip_prefix('-').map(number).filter(|n| !n.is_empty());
    let item = rest.strip_prefix('(').map(number).filter(|n| !n.is_empty());
    let paragraph = paragraph.map(|n| format!("第{n}項")).unwrap_or_default();
    let item = item.map(|n| format!("第{n}号")).unwrap_or_default();
    Some(format!("第{first}条{paragraph}{item}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clerk_reads_the_article_and_not_its_id() {
        let cases = [
            ("nerima:11", "練馬区SNS活用ガイドライン第11条"),
            ("nerima:3-1", "練馬区SNS活用ガイドライン第3条第1項"),
            ("nerima:11(1)", "練馬区SNS活用ガイドライン第11条第1号"),
            ("nerima:17-1a", "練馬区SNS活用ガイドライン第17条第1項"),
            ("nagano:4(9)", "長野市ソーシャルメディアの利用に関するガイドライン 4(9)"),
        ];
        for (id, words) in cases {
            assert_eq!(Clause::new(id).in_words().as_deref(), Some(words));
        }
        assert_eq!(Clause::new("sekisho:promise-3").in_words(), None);
    }
}
