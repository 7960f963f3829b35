//! Further views, each made only where a text gives cause: blanks and ornament between characters, mask signs (伏字),
//! kanji that look like kana, letters written as digits, digits written as words, text that a bidi override turns round.

use std::ops::Range;

use super::normal::View;

/// A character with its span in the original.
type Spanned = (char, (u32, u32));

/// Without everything between single characters: blanks, dots, ornament, emoji. Sentence ends stay, line ends too unless
/// the text runs downwards, one character a line.
pub fn separated(folded: &View) -> View {
    folded.only(|at, c| match c {
        '\n' => !runs_down(&folded.text, at),
        '。' | '○' | '「' | '」' | '『' | '』' => true,
        c => is_letter(c),
    })
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

/// Every mask sign beside kana or kanji as `○`; none if there is none.
pub fn masked(folded: &View) -> Option<View> {
    let reads = |before: Option<char>, c: char, after: Option<char>| {
        let beside = |c: Option<char>| c.is_some_and(|c| is_japanese(c) || is_mask(c));
        match c {
            'x' => beside(before) && beside(after),
            c => is_mask(c) && (beside(before) || beside(after)),
        }
    };
    changed(folded, |before, c, after| if reads(before, c, after) { '○' } else { c }, reads)
}

/// The view with each character changed by `change`, which sees its neighbours; none if `cause` sees none to change.
fn changed(
    view: &View,
    change: impl Fn(Option<char>, char, Option<char>) -> char,
    cause: impl Fn(Option<char>, char, Option<char>) -> bool,
) -> Option<View> {
    let (mut before, mut any) = (None, false);
    let mut chars = view.text.chars().peekable();
    while let Some(c) = chars.next() {
        any = cause(before, c, chars.peek().copied());
        if any {
            break;
        }
        before = Some(c);
    }
    if !any {
        return None;
    }
    let mut out = view.empty();
    let mut before = None;
    let mut chars = view.chars().peekable();
    while let Some((c, span)) = chars.next() {
        out.push(change(before, c, chars.peek().map(|(c, _)| *c)), span);
        before = Some(c);
    }
    Some(out)
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
    for (at, c) in text.char_indices().chain(std::iter::once((text.len(), '\n'))) {
        let is_katakana = matches!(c, 'ァ'..='ヶ' | 'ー' | 'ｦ'..='ﾝ');
        let is_like = like_katakana(c) != c;
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

/// Digits and signs in a Latin word as the letters they stand for (`p@ssw0rd`); none if there are none.
pub fn leet(folded: &View) -> Option<View> {
    let letter = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase());
    let read = |before, c, after| {
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
    };
    changed(folded, read, |before, c, after| read(before, c, after) != c)
}

/// Runs of at least seven digits written in kanji or read aloud (ゼロハチゼロ), as digits; none if there are none.
pub fn digits(folded: &View) -> Option<View> {
    if !may_count(&folded.text) {
        return None;
    }
    let mut out = folded.empty();
    let mut changed = false;
    let chars: Vec<Spanned> = folded.chars().collect();
    let mut at = 0;
    while let Some((c, span)) = chars.get(at) {
        let (read, len, foreign) = digit_run(chars.get(at..).unwrap_or_default());
        if foreign && read.iter().filter(|(c, _)| c.is_ascii_digit()).count() >= 7 {
            read.iter().for_each(|(c, span)| out.push(*c, *span));
            changed = true;
            at += len;
        } else {
            // What is no run of digits is no run from a later digit of it either.
            let skipped = chars.get(at..at + len.max(1)).unwrap_or_default();
            skipped.iter().for_each(|(c, span)| out.push(*c, *span));
            if skipped.is_empty() {
                out.push(*c, *span);
            }
            at += len.max(1);
        }
    }
    changed.then_some(out)
}

/// Whether seven digits in a row could be written in kanji or read aloud, some of them at least.
fn may_count(text: &str) -> bool {
    let (mut start, mut len, mut foreign) = (0, 0, false);
    for (at, c) in text.char_indices().chain(std::iter::once((text.len(), '\n'))) {
        let is_foreign = is_spoken(c) || kanji_digit(c).is_some();
        if is_foreign || c.is_ascii_digit() || joins(c) {
            foreign |= is_foreign;
            len += 1;
            continue;
        }
        if len >= 7 && foreign {
            let run = text.get(start..at).unwrap_or_default();
            if counts(&run.chars().map(|c| (c, (0, 0))).collect::<Vec<Spanned>>()) {
                return true;
            }
        }
        (start, len, foreign) = (at + c.len_utf8(), 0, false);
    }
    false
}

/// Whether a stretch holds seven digits in a row, some of them written in kanji or read aloud.
fn counts(mut chars: &[Spanned]) -> bool {
    while !chars.is_empty() {
        let (read, len, foreign) = digit_run(chars);
        if foreign && read.iter().filter(|(c, _)| c.is_ascii_digit()).count() >= 7 {
            return true;
        }
        chars = chars.get(len.max(1)..).unwrap_or_default();
    }
    false
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

    #[test]
    fn each_view_shows_what_its_disguise_hides() {
        assert_eq!(separated(&folded("部 外・秘🌸です。")).text, "部外秘です。");
        assert_eq!(separated(&folded("部\n外\n秘\nです")).text, "部外秘です");
        assert_eq!(separated(&folded("一行目\n二行目")).text, "一行目\n二行目");
        assert_eq!(masked(&folded("部＊秘")).unwrap().text, "部○秘");
        assert_eq!(kana_like(&View::of("エ口動画")).unwrap().text, "えろ動画");
        assert_eq!(kana_like(&View::of("力夕ログ")).unwrap().text, "かたろぐ");
        for plain in ["入口はこちら", "掲示〇〇二八三", "二三口"] {
            assert_eq!(kana_like(&View::of(plain)), None, "{plain}");
        }
        assert_eq!(leet(&folded("P4ssw0rd")).unwrap().text, "password");
        assert_eq!(digits(&folded("〇九〇の一二三四の五六七八まで")).unwrap().text, "090-1234-5678まで");
        assert_eq!(digits(&folded("ゼロキュウゼロ、")), None);
        assert_eq!(digits(&folded("ゼロキュウゼロイチニサンヨンゴロクナナハチ")).unwrap().text, "09012345678");
        assert_eq!(reversed(&View::of("見て\u{202e}秘外部\u{202c}です")).unwrap().text, "見て部外秘です");
    }
}
