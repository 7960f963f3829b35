//! NFKC at the cost of a look: what Japanese is mostly written in is in that form already, or a shift away from it.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

/// How a character stands to NFKC. A text may be cut before a `Plain` or a `Wide` one, and its parts normalised apart:
/// neither ever joins what stands before it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It is its own form.
    Plain,
    /// Its form is this ASCII character.
    Wide(char),
    /// It has to be looked up, with the character before it, which it may join (か and a combining mark: が).
    Other,
}

fn kind(c: char) -> Kind {
    match c {
        // ASCII, 、。〃, 々〆〇〈 to 】, hiragana, katakana with ・ and ー, ideographs.
        '\0'..='\x7f'
        | '\u{3001}'..='\u{3003}'
        | '\u{3005}'..='\u{3011}'
        | '\u{3041}'..='\u{3096}'
        | '\u{30a1}'..='\u{30fc}'
        | '\u{4e00}'..='\u{9fff}' => Kind::Plain,
        '\u{3000}' => Kind::Wide(' '),
        '\u{ff01}'..='\u{ff5e}' => {
            u32::from(c).checked_sub(0xfee0).and_then(char::from_u32).map_or(Kind::Other, Kind::Wide)
        }
        _ => Kind::Other,
    }
}

fn is_other(c: char) -> bool {
    kind(c) == Kind::Other
}

/// The text in NFKC.
pub(super) fn nfkc(text: &str) -> Cow<'_, str> {
    let Some(first) = text.find(|c| kind(c) != Kind::Plain) else { return Cow::Borrowed(text) };
    let mut out = String::with_capacity(text.len());
    let (mut rest, mut next) = (text, Some(first));
    while let Some(at) = next {
        let (before, from) = rest.split_at_checked(at).unwrap_or((rest, ""));
        let mut chars = from.chars();
        let Some(c) = chars.next() else { break };
        match kind(c) {
            Kind::Wide(narrow) if !chars.clone().next().is_some_and(is_other) => {
                out.push_str(before);
                out.push(narrow);
                rest = chars.as_str();
            }
            of => {
                // The unit that is looked up begins with the character that a mark could join.
                let begin =
                    if of == Kind::Other { before.char_indices().next_back().map_or(0, |(at, _)| at) } else { at };
                let after = chars.as_str().find(|c| !is_other(c)).unwrap_or(chars.as_str().len());
                let end = rest.len() - chars.as_str().len() + after;
                out.push_str(rest.get(..begin).unwrap_or_default());
                out.extend(rest.get(begin..end).unwrap_or_default().nfkc());
                rest = rest.get(end..).unwrap_or_default();
            }
        }
        next = rest.find(|c| kind(c) != Kind::Plain);
    }
    out.push_str(rest);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use unicode_normalization::{IsNormalized, is_nfkc_quick};

    fn whole(text: &str) -> String {
        text.nfkc().collect()
    }

    #[test]
    fn every_character_is_of_the_kind_that_unicode_says() {
        let (mut plain, mut wide) = (0, 0);
        for c in '\0'..=char::MAX {
            match kind(c) {
                Kind::Plain => {
                    plain += 1;
                    // "Yes": no mark of its own, and it joins nothing before it.
                    assert_eq!(is_nfkc_quick(std::iter::once(c)), IsNormalized::Yes, "{c:?}");
                    assert_eq!(whole(&c.to_string()), c.to_string());
                }
                Kind::Wide(narrow) => {
                    wide += 1;
                    assert_eq!(whole(&c.to_string()), narrow.to_string(), "{c:?}");
                    assert!(narrow.is_ascii());
                }
                Kind::Other => {}
            }
        }
        assert!(plain > 20_000 && wide == 95, "{plain} {wide}");
    }

    #[test]
    fn every_text_of_three_awkward_characters_comes_out_as_when_it_is_normalised_whole() {
        // Plain ones that a mark joins, wide ones, marks of several classes, half-width kana with their marks, Hangul that is
        // put together, ligatures, what becomes several characters, what becomes a sign of links and tags.
        let awkward: Vec<char> =
            "かハ漢aA=、　Ａ＝＃：／\u{3099}\u{309a}\u{300}\u{338}\u{323}\u{94d}ｶﾊﾞﾟｰﬁ㍻℀①\u{1112}\u{1161}\u{11ab}한\
            é\u{345}\u{fe13}\u{ff5f}\u{200d}🎌\u{1f3fb}が\u{fb1d}\u{2f800}\u{3004}〜"
                .chars()
                .collect();
        assert!(awkward.len() > 40);
        for a in &awkward {
            for b in &awkward {
                for c in &awkward {
                    let text: String = [a, b, c].into_iter().collect();
                    assert_eq!(nfkc(&text), whole(&text), "{text:?}");
                }
            }
        }
    }

    #[test]
    fn long_texts_of_every_mixture_come_out_the_same() {
        let pieces = [
            "区立中央公園の花壇が見ごろです。",
            "ＷＥＢ：https://example.com/",
            "ｶﾞｲﾄﾞ",
            "か\u{3099}\u{3099}",
            "＝\u{338}",
            "\u{3099}",
            "①②",
            "　",
            "【健康課】",
            "e\u{301}\u{323}",
            "👨‍👩‍👧",
            "",
        ];
        let mut state = 7_u32;
        for _ in 0..5_000 {
            let mut text = String::new();
            for _ in 0..8 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                text.push_str(pieces[(state >> 16) as usize % pieces.len()]);
            }
            assert_eq!(nfkc(&text), whole(&text), "{text:?}");
        }
    }

    #[test]
    fn a_text_that_is_in_that_form_is_not_copied() {
        assert!(matches!(nfkc("区立図書館は、9時に開きます。"), Cow::Borrowed(_)));
        assert!(matches!(nfkc(""), Cow::Borrowed(_)));
    }
}
