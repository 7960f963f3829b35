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
    /// Where the way back changes, in the order of the text. Most of a text is one piece.
    pieces: Vec<Piece>,
    /// Where in the original the next character begins if it continues the last piece byte for byte.
    next: Option<u32>,
}

/// A stretch of a view, up to the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    /// Where it begins in the view.
    at: u32,
    /// Where it begins in the original.
    from: u32,
    /// How long it is in the original, if all of it came from there together; none if it came byte for byte.
    len: Option<u32>,
}

impl Piece {
    /// Where it ends in the original, if `next` is the piece behind it.
    fn end(&self, next: &Self) -> u32 {
        self.from.saturating_add(self.len.unwrap_or(next.at.saturating_sub(self.at)))
    }
}

impl View {
    /// The original itself.
    pub fn of(original: &str) -> Self {
        Self { text: original.to_owned(), pieces: vec![Piece { at: 0, from: 0, len: None }], next: None }
    }

    /// The span in the original of a range of bytes of this view, whole characters.
    pub fn original(&self, range: Range<usize>) -> (usize, usize) {
        if range.is_empty() || range.end > self.text.len() {
            return (0, 0);
        }
        let (mut start, mut end) = (u32::MAX, 0);
        let mut n = self.piece_at(range.start);
        while let Some(piece) = self.pieces.get(n).filter(|piece| (piece.at as usize) < range.end) {
            let next = self.pieces.get(n + 1).map_or(self.text.len(), |next| next.at as usize);
            match piece.len {
                Some(len) => {
                    start = start.min(piece.from);
                    end = end.max(piece.from.saturating_add(len));
                }
                None => {
                    let of = |at: usize| piece.from.saturating_add(position(at.saturating_sub(piece.at as usize)));
                    start = start.min(of(boundary(&self.text, range.start.max(piece.at as usize), -1)));
                    end = end.max(of(boundary(&self.text, range.end.min(next), 1)));
                }
            }
            n += 1;
        }
        (start as usize, end as usize)
    }

    fn piece_at(&self, at: usize) -> usize {
        self.pieces.partition_point(|piece| piece.at as usize <= at).saturating_sub(1)
    }

    /// Whether the original breaks off right before this byte, at an ASCII character that follows another kind of
    /// character or an invisible one: what a provider may take for the beginning of a link.
    pub fn is_seam(&self, at: usize) -> bool {
        let Some(before) = at.checked_sub(1).filter(|_| at < self.text.len()) else { return false };
        let (before, here) = (self.original(before..at), self.original(at..at + 1));
        here.1 - here.0 == 1 && (before.1 - before.0 != 1 || before.1 != here.0)
    }

    /// The view for matching.
    pub fn fold(&self) -> Self {
        let mut out = self.empty();
        let mut at = 0;
        while at < self.text.len() {
            at += self.fold_alike(at, &mut out);
            at += self.fold_changing(at, &mut out);
        }
        out
    }

    /// Folds the characters from `from` on, as long as each folds to one of its own length whatever else the text holds: most
    /// of a Japanese text. How many bytes they have.
    fn fold_alike(&self, from: usize, out: &mut Self) -> usize {
        let rest = self.text.get(from..).unwrap_or_default();
        let here = out.text.len();
        // Where the last character begins, where what is not yet written begins, and where this ends.
        let (mut last, mut written, mut end) = (0, 0, rest.len());
        for (at, c) in rest.char_indices() {
            let Some(folded) = alike(c) else {
                // A mark joins what stands before it.
                end = if joins(c) { last } else { at };
                break;
            };
            last = at;
            if folded != c {
                let next = at + c.len_utf8();
                if rest.get(next..).and_then(|it| it.chars().next()).is_some_and(joins) {
                    end = at;
                    break;
                }
                out.text.push_str(rest.get(written..at).unwrap_or_default());
                out.text.push(folded);
                written = next;
            }
        }
        out.text.push_str(rest.get(written..end).unwrap_or_default());
        out.trace(self, from..from + end, here);
        end
    }

    /// Folds the characters from `at` on, each with the marks that follow it, up to one that folding leaves as it is; how
    /// many bytes they have, none at the end.
    fn fold_changing(&self, at: usize, out: &mut Self) -> usize {
        let mut chars = self.chars_in(at..self.text.len()).peekable();
        let (mut taken, mut segment) = (0, String::new());
        while let Some((c, mut span)) = chars.next() {
            taken += c.len_utf8();
            if is_invisible(c) {
                continue;
            }
            segment.clear();
            segment.push(c);
            // A run of marks is bounded, so that a tower of accents costs no more than its length.
            while let Some((next, from)) =
                chars.next_if(|(next, _)| is_invisible(*next) || is_mark(*next) && segment.len() < 64)
            {
                taken += next.len_utf8();
                if !is_invisible(next) {
                    segment.push(next);
                    span.1 = from.1;
                }
            }
            match narrow(c) {
                Some(narrow) if segment.len() == c.len_utf8() => out.push(narrow, span),
                _ => out.push_folded(&segment, c, span),
            }
            if chars.peek().is_some_and(|(next, _)| alike(*next).is_some()) {
                break;
            }
        }
        taken
    }

    /// One layer of escapes taken off; none if there are none.
    pub fn decode(&self) -> Option<Self> {
        if !super::bytes::one_of(self.text.as_bytes(), [[b'%', b'&', b'\\'], [b'<'; 3]]) {
            return None;
        }
        let mut out = self.empty();
        let mut changed = false;
        let mut skip = 0;
        let mut at = 0;
        for (c, span) in self.chars() {
            let here = at;
            at += c.len_utf8();
            if here < skip {
                continue;
            }
            let decoded = match c {
                '%' | '&' | '\\' | '<' => self.text.get(here..).and_then(super::escape::decode),
                _ => None,
            };
            if let Some((decoded, len)) = decoded {
                let span = self.span(here..here + len);
                decoded.chars().for_each(|c| out.push(c, span));
                changed = true;
                skip = here + len;
            } else {
                out.push(c, span);
            }
        }
        changed.then_some(out)
    }

    /// Without the blanks and dots that somebody put between the characters of a word; line ends stay.
    pub fn squeeze(&self) -> Self {
        self.only(|_, c| {
            !matches!(c, ' ' | '\t' | '\u{3000}' | '・' | '_' | '*' | '|' | '/' | '.' | '-' | '~' | '、' | ',')
        })
    }

    /// Without tabs and line ends, as a URL parser reads a link.
    pub fn without_breaks(&self) -> Self {
        self.only(|_, c| !matches!(c, '\t' | '\n' | '\r'))
    }

    /// The characters that `keep` wants, which sees where each stands in this view.
    pub(super) fn only(&self, keep: impl Fn(usize, char) -> bool) -> Self {
        let mut out = self.empty();
        let mut kept = 0;
        for (at, c) in self.text.char_indices() {
            if !keep(at, c) {
                out.push_part(self, kept..at);
                kept = at + c.len_utf8();
            }
        }
        out.push_part(self, kept..self.text.len());
        out
    }

    /// A view of the same original with room for as much text.
    pub(super) fn empty(&self) -> Self {
        let pieces = Vec::with_capacity(self.pieces.len() + self.pieces.len() / 2 + 8);
        Self { text: String::with_capacity(self.text.len()), pieces, next: None }
    }

    /// The characters with their spans in the original.
    pub(super) fn chars(&self) -> impl Iterator<Item = (char, (u32, u32))> + '_ {
        self.chars_in(0..self.text.len())
    }

    /// The characters of a part of this view, with their spans in the original.
    pub(super) fn chars_in(&self, range: Range<usize>) -> impl Iterator<Item = (char, (u32, u32))> + '_ {
        let part = self.text.get(range.clone()).unwrap_or_default();
        let mut n = self.piece_at(range.start);
        let mut piece = self.pieces.get(n).copied();
        let mut next = self.pieces.get(n + 1).map_or(u32::MAX, |next| next.at);
        part.char_indices().map(move |(at, c)| {
            let at = position(range.start + at);
            while at >= next {
                n += 1;
                piece = self.pieces.get(n).copied();
                next = self.pieces.get(n + 1).map_or(u32::MAX, |next| next.at);
            }
            let span = match piece {
                Some(Piece { from, len: Some(len), .. }) => (from, from.saturating_add(len)),
                Some(Piece { at: begin, from, len: None }) => {
                    let start = from.saturating_add(at - begin);
                    (start, start.saturating_add(position(c.len_utf8())))
                }
                None => (0, 0),
            };
            (c, span)
        })
    }

    /// How many characters a part of this view has, and between how many of them something was taken out.
    pub(super) fn gaps(&self, range: &Range<usize>) -> (usize, usize) {
        let (mut chars, mut gaps, mut before) = (0, 0, u32::MAX);
        for (_, span) in self.chars_in(range.clone()) {
            chars += 1;
            gaps += usize::from(before < span.0);
            before = span.1;
        }
        (chars, gaps)
    }

    /// Where something was taken out between two characters: the place of the second.
    pub(super) fn seams(&self) -> impl Iterator<Item = usize> + '_ {
        self.pieces.windows(2).filter_map(|pair| match pair {
            [one, next] if one.end(next) < next.from => Some(next.at as usize),
            _ => None,
        })
    }

    /// Whether something was taken out between the characters of a part of this view.
    pub(super) fn has_gap(&self, range: &Range<usize>) -> bool {
        let first = self.piece_at(range.start);
        let pieces = self.pieces.get(first..).unwrap_or_default();
        let inside = pieces.windows(2).take_while(|pair| pair.last().is_some_and(|it| (it.at as usize) < range.end));
        // Within a piece there is no gap: it came byte for byte, or all from one place.
        inside.into_iter().any(|pair| match pair {
            [one, next] => one.end(next) < next.from,
            _ => false,
        })
    }

    fn span(&self, range: Range<usize>) -> (u32, u32) {
        let (start, end) = self.original(range);
        (position(start), position(end))
    }

    /// Adds a character that came from `span` of the original.
    pub(super) fn push(&mut self, c: char, span: (u32, u32)) {
        let len = span.1.saturating_sub(span.0);
        let alike = len as usize == c.len_utf8();
        if alike && self.next == Some(span.0) {
            self.text.push(c);
            self.next = Some(span.1);
            return;
        }
        let piece = Piece { at: position(self.text.len()), from: span.0, len: (!alike).then_some(len) };
        let goes_on = self.pieces.last().is_some_and(|last| !alike && (last.from, last.len) == (piece.from, piece.len));
        if !goes_on {
            self.pieces.push(piece);
        }
        self.text.push(c);
        self.next = alike.then_some(span.1);
    }

    /// Adds a part of another view of the same original.
    pub(super) fn push_part(&mut self, from: &Self, part: Range<usize>) {
        let Some(text) = from.text.get(part.clone()) else { return };
        self.trace(from, part, self.text.len());
        self.text.push_str(text);
    }

    /// Takes over the way back from a part of another view, whose text stands at `here` in this one, as long as it was.
    fn trace(&mut self, from: &Self, part: Range<usize>, here: usize) {
        let (mut at, mut n) = (part.start, from.piece_at(part.start));
        while at < part.end {
            let Some(piece) = from.pieces.get(n) else { break };
            let end = from.pieces.get(n + 1).map_or(part.end, |next| part.end.min(next.at as usize));
            let here = position(here + at - part.start);
            match piece.len {
                Some(_) => {
                    let same = |last: &Piece| (last.from, last.len) == (piece.from, piece.len);
                    if !self.pieces.last().is_some_and(same) {
                        self.pieces.push(Piece { at: here, ..*piece });
                    }
                    self.next = None;
                }
                None => {
                    let start = piece.from.saturating_add(position(at).saturating_sub(piece.at));
                    if self.next != Some(start) {
                        self.pieces.push(Piece { at: here, from: start, len: None });
                    }
                    self.next = Some(start.saturating_add(position(end - at)));
                }
            }
            (at, n) = (end, n + 1);
        }
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

/// The next boundary of a character at `at`, before it or after it.
fn boundary(text: &str, mut at: usize, step: isize) -> usize {
    while !text.is_char_boundary(at) {
        at = at.saturating_add_signed(step);
    }
    at
}

/// Positions fit 32 bits: a field is bounded far below 4 GiB by the limit of a body; past it, spans saturate.
fn position(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// What a character folds to if no mark follows it, where that is said without a table and as long as the character.
fn alike(c: char) -> Option<char> {
    match c {
        '\0'..='\x7f' => Some(c.to_ascii_lowercase()),
        'ぁ'..='ゖ' | 'ー' | '。' | '、' | '「'..='】' => Some(c),
        'ァ'..='ヶ' => char::from_u32(u32::from(c) - 0x60),
        '一'..='鿿' => Some(lookalike::kanji(c)),
        _ => None,
    }
}

/// Whether a character goes with what stands before it.
fn joins(c: char) -> bool {
    is_mark(c) || is_invisible(c)
}

/// Characters that NFKC leaves alone and that no mark follows: most of Japanese text.
fn is_plain(c: char) -> bool {
    matches!(c, '\0'..='\x7f' | 'ぁ'..='ゖ' | 'ァ'..='ヶ' | 'ー' | '一'..='鿿' | '。' | '、' | '「'..='】')
}

/// What a character folds to if no mark follows it, where that can be said without a table: letters and signs as wide as
/// kanji are the narrow ones.
fn narrow(c: char) -> Option<char> {
    match c {
        '！'..='～' => {
            let ascii = char::from_u32(u32::from(c) - 0xfee0)?;
            Some(lookalike::latin(plain(ascii)))
        }
        '\u{3000}' => Some(' '),
        c => is_plain(c).then(|| plain(c)),
    }
}

fn plain(c: char) -> char {
    match c {
        '\0'..='\x7f' => c.to_ascii_lowercase(),
        'ぁ'..='ゖ' => c,
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
    fn what_folds_without_a_table_folds_to_the_same_with_it() {
        let mut tried = 0;
        for c in '\0'..=char::MAX {
            let Some(folded) = alike(c) else { continue };
            tried += 1;
            assert_eq!((folded.len_utf8(), narrow(c)), (c.len_utf8(), Some(folded)), "{c:?}");
        }
        assert!(tried > 20_000, "{tried}");
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
    fn a_text_folds_to_the_same_whatever_part_of_it_is_folded_without_a_table() {
        let slowly = |view: &View| {
            let (mut out, mut at) = (view.empty(), 0);
            while at < view.text.len() {
                at += view.fold_changing(at, &mut out);
            }
            out
        };
        let mut told = 0;
        for text in crate::inspect::tests::mixed::texts(4_000) {
            let original = View::of(&text);
            for view in [original.decode(), Some(original)].into_iter().flatten() {
                let (folded, other) = (view.fold(), slowly(&view));
                assert_eq!(folded.text, other.text, "{text:?}");
                assert!(folded.chars().eq(other.chars()), "{text:?}");
                assert!(folded.seams().eq(other.seams()), "{text:?}");
                told += usize::from(folded.text != text);
            }
        }
        assert!(told > 2_000, "{told}");
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
