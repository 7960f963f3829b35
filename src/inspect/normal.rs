//! Views of a text for matching, each with a way back to the bytes of the original.
//!
//! `fold`: NFKC, lower case, katakana to hiragana, invisible characters and Latin accents out, look-alike letters to
//! Latin. `decode`: HTML entities, `\uXXXX`, percent. `squeeze`: separators between single characters out. The original
//! is what people see and what findings point at; a view is only ever searched.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;

use super::lookalike;

/// A text whose every byte knows which bytes of the original it came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// The text.
    pub text: String,
    spans: Vec<(u32, u32)>,
}

impl View {
    /// The original itself.
    pub fn of(original: &str) -> Self {
        let mut view = Self { text: String::with_capacity(original.len()), spans: Vec::with_capacity(original.len()) };
        for (at, c) in original.char_indices() {
            view.push(c, (position(at), position(at + c.len_utf8())));
        }
        view
    }

    /// The span in the original of a range of bytes of this view.
    pub fn original(&self, range: Range<usize>) -> (usize, usize) {
        let spans = self.spans.get(range).unwrap_or_default();
        let start = spans.iter().map(|span| span.0).min().unwrap_or(0);
        let end = spans.iter().map(|span| span.1).max().unwrap_or(0);
        (start as usize, end as usize)
    }

    /// Whether the original breaks off right before this byte, at an ASCII character that follows another kind of
    /// character or an invisible one: what a provider may take for the beginning of a link.
    pub fn is_seam(&self, at: usize) -> bool {
        let around = at.checked_sub(1).and_then(|before| Some((self.spans.get(before)?, self.spans.get(at)?)));
        around.is_some_and(|(before, here)| here.1 - here.0 == 1 && (before.1 - before.0 != 1 || before.1 != here.0))
    }

    /// The view for matching.
    pub fn fold(&self) -> Self {
        let mut out = self.empty();
        let mut chars = self.chars().filter(|(c, _)| !is_invisible(*c)).peekable();
        let mut segment = String::new();
        while let Some((c, mut span)) = chars.next() {
            if chars.peek().is_none_or(|(next, _)| !is_mark(*next)) && is_plain(c) {
                out.push(plain(c), span);
                continue;
            }
            segment.clear();
            segment.push(c);
            // A run of marks is bounded, so that a tower of accents costs no more than its length.
            while let Some((mark, at)) = chars.next_if(|(next, _)| is_mark(*next) && segment.len() < 64) {
                segment.push(mark);
                span.1 = at.1;
            }
            out.push_folded(&segment, c, span);
        }
        out
    }

    /// One layer of escapes taken off; none if there are none.
    pub fn decode(&self) -> Option<Self> {
        if !self.text.bytes().any(|byte| matches!(byte, b'%' | b'&' | b'\\' | b'<')) {
            return None;
        }
        let mut out = self.empty();
        let mut changed = false;
        let mut at = 0;
        while let Some(rest) = self.text.get(at..).filter(|rest| !rest.is_empty()) {
            if let Some((decoded, len)) = super::escape::decode(rest) {
                let span = self.span(at..at + len);
                decoded.chars().for_each(|c| out.push(c, span));
                changed = true;
                at += len;
            } else if let Some(c) = rest.chars().next() {
                out.push(c, self.span(at..at + c.len_utf8()));
                at += c.len_utf8();
            }
        }
        changed.then_some(out)
    }

    /// Without the blanks and dots that somebody put between the characters of a word; line ends stay.
    pub fn squeeze(&self) -> Self {
        let mut out = self.empty();
        for (c, span) in self.chars() {
            if !matches!(c, ' ' | '\t' | '\u{3000}' | '・' | '_' | '*' | '|' | '/' | '.' | '-' | '~' | '、' | ',') {
                out.push(c, span);
            }
        }
        out
    }

    /// Without tabs and line ends, as a URL parser reads a link.
    pub fn without_breaks(&self) -> Self {
        let mut out = self.empty();
        self.chars().filter(|(c, _)| !matches!(c, '\t' | '\n' | '\r')).for_each(|(c, span)| out.push(c, span));
        out
    }

    pub(super) fn empty(&self) -> Self {
        Self { text: String::with_capacity(self.text.len()), spans: Vec::with_capacity(self.text.len()) }
    }

    pub(super) fn chars(&self) -> impl Iterator<Item = (char, (u32, u32))> + '_ {
        self.text.char_indices().map(|(at, c)| (c, self.span(at..at + c.len_utf8())))
    }

    /// The characters of a part of this view, with their spans in the original.
    pub(super) fn chars_in(&self, range: Range<usize>) -> impl Iterator<Item = (char, (u32, u32))> + '_ {
        let part = self.text.get(range.clone()).unwrap_or_default();
        part.char_indices().map(move |(at, c)| {
            let at = range.start + at;
            (c, self.span(at..at + c.len_utf8()))
        })
    }

    fn span(&self, range: Range<usize>) -> (u32, u32) {
        let (start, end) = self.original(range);
        (position(start), position(end))
    }

    pub(super) fn push(&mut self, c: char, span: (u32, u32)) {
        self.text.push(c);
        self.spans.extend(std::iter::repeat_n(span, c.len_utf8()));
    }

    fn push_folded(&mut self, segment: &str, first: char, span: (u32, u32)) {
        if matches!(first, '㊙' | '🈙') {
            "(秘)".chars().for_each(|c| self.push(c, span));
        } else if first < '\u{3000}' && !is_kana_mark(segment) {
            // Latin, Greek and Cyrillic lose their accents, so that `bít.ly` is read as `bit.ly`.
            for c in segment.nfkd().filter(|c| canonical_combining_class(*c) == 0 && !is_mark(*c) && !is_invisible(*c))
            {
                c.to_lowercase().for_each(|c| self.push(lookalike::latin(plain(c)), span));
            }
        } else {
            // A voicing mark that stands by itself joins its kana; a mark that joins nothing is ornament.
            let joining = segment.chars().map(|c| match c {
                '゛' => '\u{3099}',
                '゜' => '\u{309a}',
                c => c,
            });
            for c in joining.nfkc().filter(|c| !is_mark(*c) && !is_invisible(*c)) {
                c.to_lowercase().for_each(|c| self.push(lookalike::latin(plain(c)), span));
            }
        }
    }
}

/// Positions fit 32 bits: a field is bounded far below 4 GiB by the limit of a body; past it, spans saturate.
fn position(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Characters that NFKC leaves alone and that no mark follows: most of Japanese text.
fn is_plain(c: char) -> bool {
    matches!(c, '\0'..='\x7f' | 'ぁ'..='ゖ' | 'ァ'..='ヶ' | 'ー' | '一'..='鿿' | '。' | '、' | '「'..='】')
}

fn plain(c: char) -> char {
    match c {
        'A'..='Z' => c.to_ascii_lowercase(),
        'ァ'..='ヶ' | 'ヽ' | 'ヾ' => char::from_u32(u32::from(c) - 0x60).unwrap_or(c),
        '‐'..='―' | '−' | '﹣' | '⁃' => '-',
        '◯' | '⭕' | '⚪' => '○',
        '⚫' => '●',
        '\u{2024}' => '.',
        '∕' | '⁄' | '⧸' => '/',
        '∶' | '꞉' => ':',
        '一'..='鿿' => lookalike::kanji(c),
        _ => lookalike::digit(c),
    }
}

fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{20d0}'..='\u{20ff}' | '\u{3099}'..='\u{309c}' | 'ﾞ' | 'ﾟ')
}

fn is_kana_mark(segment: &str) -> bool {
    segment.chars().any(|c| matches!(c, '\u{3099}'..='\u{309c}' | 'ﾞ' | 'ﾟ'))
}

/// Default-ignorable code points, tag characters and variation selectors.
pub fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &str) -> String {
        View::of(text).fold().text
    }

    #[test]
    fn width_case_kana_accents_and_the_invisible_fold_away() {
        assert_eq!(folded("ＢＩＴ．ＬＹ／ａ"), "bit.ly/a");
        assert_eq!(folded("マイナンバー"), "まいなんばー");
        assert_eq!(folded("ﾏｲﾅﾝﾊﾞｰ"), "まいなんばー");
        assert_eq!(folded("カ\u{3099}ス"), "がす");
        assert_eq!(folded("b\u{200b}i\u{ad}t\u{e0041}.ly"), "bit.ly");
        assert_eq!(folded("bít.ly"), "bit.ly");
        assert_eq!(folded("𝐛𝐢𝐭.ⓛⓨ"), "bit.ly");
        assert_eq!(folded("bіt.lу"), "bit.ly", "Cyrillic і and у");
    }

    #[test]
    fn a_span_leads_back_to_the_bytes_of_the_original() {
        let original = "詳細はｂ\u{200b}ｉｔ．ｌｙ/xへ";
        let view = View::of(original).fold();
        let at = view.text.find("bit.ly").unwrap();
        let (start, end) = view.original(at..at + "bit.ly".len());
        assert_eq!(&original[start..end], "ｂ\u{200b}ｉｔ．ｌｙ");
    }

    #[test]
    fn escapes_come_off_layer_by_layer_with_their_spans() {
        let original = "見て%2562it.ly";
        let once = View::of(original).fold().decode().unwrap();
        assert_eq!(once.text, "見て%62it.ly");
        let twice = once.decode().unwrap();
        assert_eq!(twice.text, "見てbit.ly");
        let at = twice.text.find('b').unwrap();
        assert_eq!(twice.original(at..at + 1), (6, 11));
        assert_eq!(twice.decode(), None);
    }
}
