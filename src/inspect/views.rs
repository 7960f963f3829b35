//! Further views, each made only where a text gives cause: blanks and ornament between characters, mask signs (伏字),
//! kanji that look like kana, letters written as digits, digits written as words, text that a bidi override turns round.

use std::ops::Range;

use super::bytes;
use super::normal::View;

/// A character with its span in the original.
type Spanned = (char, (u32, u32));

/// What a letter is read as between its neighbours.
pub(super) type Read = fn(Option<char>, char, Option<char>) -> char;

/// Without everything between single characters: blanks, dots, ornament, emoji. Sentence ends stay, line ends too unless
/// the text runs downwards, one character a line.
pub fn separated(folded: &View) -> View {
    folded.only(|at, c| is_kept(&folded.text, at, c))
}

/// Whether [`separated`] leaves the character at `at` where it is.
pub(super) fn is_kept(text: &str, at: usize, c: char) -> bool {
    match c {
        'ぁ'..='ゖ' | '一'..='鿿' => true,
        '\n' => !runs_down(text, at),
        '。' | '○' | '「' | '」' | '『' | '』' => true,
        c => is_letter(c),
    }
}

/// Whether the line before or after the line end at `at` has a single character.
fn runs_down(text: &str, at: usize) -> bool {
    let mut before = text.get(..at).unwrap_or_default().chars().rev();
    let mut after = text.get(at + 1..).unwrap_or_default().chars();
    let ends = |c: Option<char>| c.is_none_or(|c| c == '\n');
    let one_before = !ends(before.next()) && ends(before.next());
    let one_after = !ends(after.next()) && ends(after.next());
    one_before || one_after
}

/// Letters, digits and the signs that belong to words.
pub fn is_letter(c: char) -> bool {
    match c {
        '\0'..='\x7f' => c.is_ascii_alphanumeric(),
        '、'..='〄' | '〈'..='〠' | '\u{1f300}'..='\u{1faff}' => false,
        c => is_japanese(c) || c.is_alphanumeric(),
    }
}

/// Kana and kanji.
pub fn is_japanese(c: char) -> bool {
    matches!(c, 'ぁ'..='ゖ' | 'ァ'..='ヶ' | 'ー' | '一'..='鿿' | '々' | '㐀'..='䶿')
}

/// Every mask sign beside kana or kanji as `○`.
pub fn masked(folded: &View) -> View {
    changed(folded, unmask)
}

/// Whether a text holds what [`masked`] may change.
pub(super) fn may_be_masked(text: &str) -> bool {
    let text = text.as_bytes();
    // `〇` has the pair, the other signs begin with the first two bytes or are ASCII.
    bytes::one_of(text, [[0xe2, 0xc3, b'x'], [b'_', b'?', b'*'], [b'#', b'@', b'$'], [b'&'; 3]])
        || bytes::any_pair(text, |one, two| (one == 0x80) & (two == 0x87))
}

/// A mask sign beside kana or kanji as `○`.
pub(super) fn unmask(before: Option<char>, c: char, after: Option<char>) -> char {
    let beside = |c: Option<char>| c.is_some_and(|c| is_japanese(c) || is_mask(c));
    let reads = match c {
        'x' => beside(before) && beside(after),
        c => is_mask(c) && (beside(before) || beside(after)),
    };
    if reads { '○' } else { c }
}

/// The view as `read` reads each of its characters.
fn changed(view: &View, read: Read) -> View {
    let mut out = view.empty();
    let mut before = None;
    let mut chars = view.chars().peekable();
    while let Some((c, span)) = chars.next() {
        out.push(read(before, c, chars.peek().map(|(c, _)| *c)), span);
        before = Some(c);
    }
    out
}

/// The parts of a text within `reach` bytes of a character that `sought` picks out of what `read` reads, as it reads them,
/// with where each begins in the text. `read` leaves as it is what `may_change` does not name.
pub(super) fn read_around(
    text: &str,
    reach: usize,
    (may_change, read): (impl Fn(char) -> bool, Read),
    sought: impl Fn(char, char) -> bool,
) -> Vec<(usize, String)> {
    let mut parts: Vec<(usize, String)> = Vec::new();
    // Where the last part ends, and from where on characters do not belong to it.
    let (mut end, mut wanted) = (0, 0);
    let mut before = None;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let before = before.replace(c);
        let mut new = c;
        if may_change(c) {
            new = read(before, c, chars.peek().map(|(_, c)| *c));
            if sought(c, new) {
                let from = super::found::boundary(text, at.saturating_sub(reach));
                match parts.last_mut() {
                    Some((_, part)) if from <= end => part.push_str(text.get(end..at).unwrap_or_default()),
                    _ => parts.push((from, text.get(from..at).unwrap_or_default().to_owned())),
                }
                wanted = at.saturating_add(reach);
            }
        }
        if at < wanted
            && let Some((_, part)) = parts.last_mut()
        {
            part.push(new);
            end = at + c.len_utf8();
        }
    }
    parts
}

/// Whether [`unmask`] may change a character.
pub(super) fn may_be_mask(c: char) -> bool {
    // None comes after `〇`, as all kana and kanji do.
    c <= '〇' && (c == 'x' || is_mask(c))
}

fn is_mask(c: char) -> bool {
    matches!(
        c,
        '○' | '●'
            | '〇'
            | '◎'
            | '□'
            | '■'
            | '△'
            | '▲'
            | '▽'
            | '▼'
            | '☆'
            | '★'
            | '◇'
            | '◆'
            | '*'
            | '×'
            | '✕'
            | '✖'
            | '✗'
            | '✘'
            | '❌'
            | '⭕'
            | '※'
            | '?'
            | '_'
            | '#'
            | '@'
            | '♡'
            | '♥'
            | '$'
            | '&'
    )
}

/// Kanji that look like katakana, in a row with true katakana, as the katakana, folded; none if there are none. A row of
/// such kanji alone is a number (二八三).
pub fn kana_like(original: &View) -> Option<View> {
    let rows = mixed_rows(&original.text);
    if rows.is_empty() {
        return None;
    }
    let mut out = original.empty();
    let (mut at, mut row) = (0, 0);
    for (c, span) in original.chars() {
        while rows.get(row).is_some_and(|it| it.end <= at) {
            row += 1;
        }
        let inside = rows.get(row).is_some_and(|it| it.contains(&at));
        out.push(if inside { like_katakana(c) } else { c }, span);
        at += c.len_utf8();
    }
    Some(out.fold())
}

/// Rows of katakana and kanji that look like it, with at least one of each.
fn mixed_rows(text: &str) -> Vec<Range<usize>> {
    let mut rows = Vec::new();
    let (mut start, mut katakana, mut like) = (0, false, false);
    for (at, c) in text.char_indices() {
        // Nothing before `ァ` is either, which is most of a text.
        let is_katakana = c >= 'ァ' && matches!(c, 'ァ'..='ヶ' | 'ー' | 'ｦ'..='ﾝ');
        let is_like = c >= 'ァ' && like_katakana(c) != c;
        if is_katakana || is_like {
            katakana |= is_katakana && c != 'ー';
            like |= is_like;
            continue;
        }
        if katakana && like {
            rows.push(start..at);
        }
        (start, katakana, like) = (at + c.len_utf8(), false, false);
    }
    if katakana && like {
        rows.push(start..text.len());
    }
    rows
}

fn like_katakana(c: char) -> char {
    match c {
        '\0'..='ヿ' => c,
        '口' => 'ロ',
        '力' => 'カ',
        '夕' => 'タ',
        '工' => 'エ',
        '二' => 'ニ',
        '八' => 'ハ',
        '卜' => 'ト',
        '千' => 'チ',
        '才' => 'オ',
        '三' => 'ミ',
        '于' => 'チ',
        '匕' => 'ヒ',
        '厶' => 'ム',
        '冫' => 'ン',
        '乂' | '㐅' => 'メ',
        '木' => 'ホ',
        '丿' => 'ノ',
        '巳' => 'ヨ',
        _ => c,
    }
}

/// Digits and signs in a Latin word as the letters they stand for (`p@ssw0rd`).
pub fn leet(folded: &View) -> View {
    changed(folded, unleet)
}

/// Whether a text holds what [`leet`] changes.
pub(super) fn is_leet(text: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_lowercase();
    let text = text.as_bytes();
    bytes::any(text, letter)
        && bytes::any_pair(text, |one, two| letter(one) & is_leet_sign(two) | is_leet_sign(one) & letter(two))
}

/// Whether [`unleet`] may change a character.
pub(super) fn may_be_leet(c: char) -> bool {
    u8::try_from(c).is_ok_and(is_leet_sign)
}

fn is_leet_sign(byte: u8) -> bool {
    ((byte == b'0') | (byte == b'1') | (byte == b'!') | (byte == b'|') | (byte == b'3') | (byte == b'4'))
        | ((byte == b'@') | (byte == b'5') | (byte == b'$') | (byte == b'7') | (byte == b'+'))
}

/// A digit or sign beside a Latin letter as the letter it stands for.
pub(super) fn unleet(before: Option<char>, c: char, after: Option<char>) -> char {
    let letter = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase());
    let like = match c {
        '0' => 'o',
        '1' | '!' | '|' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' | '+' => 't',
        c => return c,
    };
    if letter(before) || letter(after) { like } else { c }
}

/// Runs of at least seven digits written in kanji or read aloud (ゼロハチゼロ), as digits; none if there are none.
pub fn digits(folded: &View) -> Option<View> {
    let mut out: Option<View> = None;
    // What is not yet in the new view.
    let mut rest = 0;
    for stretch in counted(&folded.text) {
        let chars: Vec<Spanned> = folded.chars_in(stretch.clone()).collect();
        let (mut n, mut at) = (0, stretch.start);
        while n < chars.len() {
            let (read, len, foreign) = digit_run(chars.get(n..).unwrap_or_default());
            // What is no run of digits is no run from a later digit of it either.
            let taken = chars.get(n..n + len.max(1)).unwrap_or_default();
            let end = at + taken.iter().map(|(c, _)| c.len_utf8()).sum::<usize>();
            if foreign && read.iter().filter(|(c, _)| c.is_ascii_digit()).count() >= 7 {
                let out = out.get_or_insert_with(|| folded.empty());
                out.push_part(folded, rest..at);
                read.iter().for_each(|(c, span)| out.push(*c, *span));
                rest = end;
            }
            (n, at) = (n + len.max(1), end);
        }
    }
    if let Some(out) = &mut out {
        out.push_part(folded, rest..folded.text.len());
    }
    out
}

/// The stretches of a text in which seven digits in a row may be written in kanji or read aloud, some of them at least.
fn counted(text: &str) -> Vec<Range<usize>> {
    let mut stretches = Vec::new();
    let (mut start, mut len, mut foreign) = (0, 0, false);
    for (at, c) in text.char_indices() {
        let is_foreign = is_spoken(c) || kanji_digit(c).is_some();
        if is_foreign || c.is_ascii_digit() || joins(c) {
            foreign |= is_foreign;
            len += 1;
            continue;
        }
        if len >= 7 && foreign {
            stretches.push(start..at);
        }
        (start, len, foreign) = (at + c.len_utf8(), 0, false);
    }
    if len >= 7 && foreign {
        stretches.push(start..text.len());
    }
    stretches
}

/// What may stand between the digits of a number.
fn joins(c: char) -> bool {
    matches!(c, '-' | 'ー' | ' ' | 'の' | '・' | '.')
}

fn kanji_digit(c: char) -> Option<char> {
    Some(match c {
        '〇' => '0',
        '一' => '1',
        '二' => '2',
        '三' => '3',
        '四' => '4',
        '五' => '5',
        '六' => '6',
        '七' => '7',
        '八' => '8',
        '九' => '9',
        _ => return None,
    })
}

/// Whether a letter stands in a digit that is read aloud.
fn is_spoken(c: char) -> bool {
    matches!(
        c,
        'ぜ' | 'ろ'
            | 'れ'
            | 'い'
            | 'ま'
            | 'る'
            | 'ち'
            | 'に'
            | 'さ'
            | 'ん'
            | 'よ'
            | 'ご'
            | 'く'
            | 'な'
            | 'し'
            | 'は'
            | 'き'
            | 'ゅ'
            | 'ゆ'
            | 'う'
    )
}

/// The digit that is read aloud at the beginning, and how many characters its word has.
fn spoken(chars: &[Spanned]) -> Option<(char, usize)> {
    let at = |n: usize| chars.get(n).map_or('\n', |(c, _)| *c);
    // Most text is none: its first letter tells.
    let (second, digit) = match at(0) {
        'に' => return Some(('2', 1)),
        'ご' => return Some(('5', 1)),
        'き' => {
            let nine = matches!((at(1), at(2)), ('ゅ', 'う' | 'ー') | ('ゆ', 'う'));
            return nine.then_some(('9', 3));
        }
        'ぜ' => ('ろ', '0'),
        'れ' => ('い', '0'),
        'ま' => ('る', '0'),
        'い' => ('ち', '1'),
        'さ' => ('ん', '3'),
        'よ' => ('ん', '4'),
        'ろ' => ('く', '6'),
        'な' => ('な', '7'),
        'し' => ('ち', '7'),
        'は' => ('ち', '8'),
        _ => return None,
    };
    (at(1) == second).then_some((digit, 2))
}

/// The digits that `chars` begins with, how many characters they take, and whether any is written as a word or kanji.
fn digit_run(chars: &[Spanned]) -> (Vec<Spanned>, usize, bool) {
    let mut read = Vec::new();
    let (mut at, mut foreign, mut end) = (0, false, 0);
    while let Some((c, span)) = chars.get(at) {
        let rest = chars.get(at..).unwrap_or_default();
        if c.is_ascii_digit() {
            read.push((*c, *span));
            at += 1;
        } else if let Some((digit, len)) = kanji_digit(*c).map(|digit| (digit, 1)).or_else(|| spoken(rest)) {
            read.push((digit, *span));
            (at, foreign) = (at + len, true);
        } else if !read.is_empty() && joins(*c) && at == end {
            read.push(('-', *span));
            at += 1;
            continue;
        } else {
            break;
        }
        end = at;
    }
    while read.last().is_some_and(|(c, _)| *c == '-') {
        read.pop();
    }
    // 「…ナナハチに電話」: a number of eleven digits has its last before the particle.
    let count = read.iter().filter(|(c, _)| c.is_ascii_digit()).count();
    let particle = end.checked_sub(1).and_then(|last| chars.get(last)).is_some_and(|(c, _)| *c == 'に');
    if particle && matches!(count, 11 | 12) && read.first().is_some_and(|(c, _)| *c == '0') && read.len() > 1 {
        read.pop();
        end -= 1;
    }
    (read, end, foreign)
}

/// The stretches inside right-to-left overrides as a reader sees them, folded; none if there are none.
pub fn reversed(original: &View) -> Option<View> {
    if !original.text.contains('\u{202e}') {
        return None;
    }
    let mut out = original.empty();
    let mut turned: Option<Vec<(char, (u32, u32))>> = None;
    for (c, span) in original.chars() {
        match (c, &mut turned) {
            ('\u{202e}', None) => turned = Some(Vec::new()),
            ('\u{202c}' | '\n', Some(stretch)) => {
                stretch.iter().rev().for_each(|(c, span)| out.push(*c, *span));
                out.push(c, span);
                turned = None;
            }
            (c, Some(stretch)) => stretch.push((c, span)),
            (c, None) => out.push(c, span),
        }
    }
    turned.iter().flatten().rev().for_each(|(c, span)| out.push(*c, *span));
    Some(out.fold())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &str) -> View {
        View::of(text).fold()
    }

    /// Digits as [`digits`] reads them, looked for at every letter.
    fn digits_anywhere(folded: &View) -> Option<View> {
        let (mut out, mut changed, mut at) = (folded.empty(), false, 0);
        let chars: Vec<Spanned> = folded.chars().collect();
        while at < chars.len() {
            let (read, len, foreign) = digit_run(&chars[at..]);
            let counts = foreign && read.iter().filter(|(c, _)| c.is_ascii_digit()).count() >= 7;
            changed |= counts;
            let written = if counts { read.as_slice() } else { &chars[at..at + len.max(1)] };
            written.iter().for_each(|(c, span)| out.push(*c, *span));
            at += len.max(1);
        }
        changed.then_some(out)
    }

    #[test]
    fn digits_are_read_in_their_stretches_as_they_are_anywhere() {
        let mut read = 0;
        let spoken =
            ["ゼロキュウゼロイチニサンヨンゴロクナナハチに", "〇九〇の一二三四の五六七八", "お昼", "0ハチゼロ-12345"];
        let mixed = crate::inspect::tests::mixed::texts(4_000).zip(spoken.iter().cycle());
        for text in mixed.map(|(text, spoken)| format!("{text}{spoken}{text}")) {
            let view = folded(&text);
            match (digits(&view), digits_anywhere(&view)) {
                (Some(one), Some(other)) => {
                    read += 1;
                    assert_eq!(one.text, other.text, "{text:?}");
                    assert!(one.chars().eq(other.chars()) && one.seams().eq(other.seams()), "{text:?}");
                }
                (one, other) => assert_eq!(one, other, "{text:?}"),
            }
        }
        assert!(read > 1_000, "{read}");
    }

    #[test]
    fn each_view_shows_what_its_disguise_hides() {
        assert_eq!(separated(&folded("部 外・秘🌸です。")).text, "部外秘です。");
        assert_eq!(separated(&folded("部\n外\n秘\nです")).text, "部外秘です");
        assert_eq!(separated(&folded("一行目\n二行目")).text, "一行目\n二行目");
        assert_eq!(masked(&folded("部＊秘")).text, "部○秘");
        assert_eq!(kana_like(&View::of("エ口動画")).unwrap().text, "えろ動画");
        assert_eq!(kana_like(&View::of("力夕ログ")).unwrap().text, "かたろぐ");
        for plain in ["入口はこちら", "掲示〇〇二八三", "二三口"] {
            assert_eq!(kana_like(&View::of(plain)), None, "{plain}");
        }
        assert_eq!(leet(&folded("P4ssw0rd")).text, "password");
        assert_eq!(digits(&folded("〇九〇の一二三四の五六七八まで")).unwrap().text, "090-1234-5678まで");
        assert_eq!(digits(&folded("ゼロキュウゼロ、")), None);
        assert_eq!(digits(&folded("ゼロキュウゼロイチニサンヨンゴロクナナハチ")).unwrap().text, "09012345678");
        assert_eq!(reversed(&View::of("見て\u{202e}秘外部\u{202c}です")).unwrap().text, "見て部外秘です");
    }
}
