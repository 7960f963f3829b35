//! Further views, each made only where a text gives cause: blanks and ornament between characters, mask signs (伏字),
//! kanji that look like kana, letters written as digits, digits written as words, text that a bidi override turns round.

use super::normal::View;

/// A character with its span in the original.
type Spanned = (char, (u32, u32));

/// Without everything between single characters: blanks, dots, ornament, emoji. Sentence ends stay, line ends too unless
/// the text runs downwards, one character a line.
pub fn separated(folded: &View) -> View {
    let mut out = folded.empty();
    let chars: Vec<(char, (u32, u32))> = folded.chars().collect();
    for (n, (c, span)) in chars.iter().enumerate() {
        let keep = match c {
            '\n' => !runs_down(&chars, n),
            '。' | '○' | '「' | '」' | '『' | '』' => true,
            c => is_letter(*c),
        };
        if keep {
            out.push(*c, *span);
        }
    }
    out
}

/// Whether the line before or after the line end at `n` has a single character.
fn runs_down(chars: &[(char, (u32, u32))], n: usize) -> bool {
    let at = |n: Option<usize>| n.and_then(|n| chars.get(n)).map(|(c, _)| *c);
    let ends = |c: Option<char>| c.is_none_or(|c| c == '\n');
    let one_before = !ends(at(n.checked_sub(1))) && ends(at(n.checked_sub(2)));
    let one_after = !ends(at(Some(n + 1))) && ends(at(Some(n + 2)));
    one_before || one_after
}

/// Letters, digits and the signs that belong to words.
pub fn is_letter(c: char) -> bool {
    c.is_ascii_alphanumeric() || is_japanese(c) || (c > '\u{7f}' && c.is_alphanumeric())
}

/// Kana and kanji.
pub fn is_japanese(c: char) -> bool {
    matches!(c, 'ぁ'..='ゖ' | 'ァ'..='ヶ' | 'ー' | '一'..='鿿' | '々' | '㐀'..='䶿')
}

/// Every mask sign beside kana or kanji as `○`; none if there is none.
pub fn masked(folded: &View) -> Option<View> {
    if !folded.text.contains(is_mask) {
        return None;
    }
    let mut out = folded.empty();
    let chars: Vec<(char, (u32, u32))> = folded.chars().collect();
    let beside = |n: Option<usize>| n.and_then(|n| chars.get(n)).is_some_and(|(c, _)| is_japanese(*c) || is_mask(*c));
    for (n, (c, span)) in chars.iter().enumerate() {
        let (before, after) = (beside(n.checked_sub(1)), beside(Some(n + 1)));
        let mask = is_mask(*c) && (before || after) || *c == 'x' && before && after;
        out.push(if mask { '○' } else { *c }, *span);
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

/// Kanji that look like katakana and stand beside it, as the katakana, folded; none if there are none.
pub fn kana_like(original: &View) -> Option<View> {
    let mut changed = false;
    let mut out = original.empty();
    let chars: Vec<(char, (u32, u32))> = original.chars().collect();
    let katakana = |n: Option<usize>| {
        let c = n.and_then(|n| chars.get(n)).map(|(c, _)| *c);
        c.is_some_and(|c| matches!(c, 'ァ'..='ヶ' | 'ｦ'..='ﾝ') || like_katakana(c) != c)
    };
    for (n, (c, span)) in chars.iter().enumerate() {
        let like = like_katakana(*c);
        let read = like != *c && (katakana(n.checked_sub(1)) || katakana(Some(n + 1)));
        changed |= read;
        out.push(if read { like } else { *c }, *span);
    }
    changed.then(|| out.fold())
}

fn like_katakana(c: char) -> char {
    match c {
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
    let mut changed = false;
    let mut out = folded.empty();
    let chars: Vec<(char, (u32, u32))> = folded.chars().collect();
    let letter = |n: Option<usize>| n.and_then(|n| chars.get(n)).is_some_and(|(c, _)| c.is_ascii_lowercase());
    for (n, (c, span)) in chars.iter().enumerate() {
        let read = match c {
            '0' => 'o',
            '1' | '!' | '|' => 'i',
            '3' => 'e',
            '4' | '@' => 'a',
            '5' | '$' => 's',
            '7' | '+' => 't',
            c => *c,
        };
        let read = if letter(n.checked_sub(1)) || letter(Some(n + 1)) { read } else { *c };
        changed |= read != *c;
        out.push(read, *span);
    }
    changed.then_some(out)
}

/// Runs of at least seven digits written in kanji or read aloud (ゼロハチゼロ), as digits; none if there are none.
pub fn digits(folded: &View) -> Option<View> {
    let mut out = folded.empty();
    let mut changed = false;
    let chars: Vec<(char, (u32, u32))> = folded.chars().collect();
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

/// The digits that `chars` begins with, how many characters they take, and whether any is written as a word or kanji.
fn digit_run(chars: &[(char, (u32, u32))]) -> (Vec<Spanned>, usize, bool) {
    const READ: [(&str, char); 15] = [
        ("ぜろ", '0'),
        ("れい", '0'),
        ("まる", '0'),
        ("いち", '1'),
        ("に", '2'),
        ("さん", '3'),
        ("よん", '4'),
        ("ご", '5'),
        ("ろく", '6'),
        ("なな", '7'),
        ("しち", '7'),
        ("はち", '8'),
        ("きゅう", '9'),
        ("きゅー", '9'),
        ("きゆう", '9'),
    ];
    let mut read = Vec::new();
    let (mut at, mut foreign, mut end) = (0, false, 0);
    while let Some((c, span)) = chars.get(at) {
        let rest = chars.get(at..).unwrap_or_default();
        let spoken = READ.iter().find(|(word, _)| {
            rest.len() >= word.chars().count() && word.chars().zip(rest).all(|(letter, (c, _))| letter == *c)
        });
        if c.is_ascii_digit() {
            read.push((*c, *span));
            at += 1;
        } else if let Some(digit) = "〇一二三四五六七八九".chars().position(|kanji| kanji == *c) {
            read.push((char::from_digit(u32::try_from(digit).unwrap_or(0), 10).unwrap_or('0'), *span));
            (at, foreign) = (at + 1, true);
        } else if let Some((word, digit)) = spoken {
            read.push((*digit, *span));
            (at, foreign) = (at + word.chars().count(), true);
        } else if !read.is_empty() && matches!(c, '-' | 'ー' | ' ' | 'の' | '・' | '.') && at == end {
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
        assert_eq!(kana_like(&View::of("入口はこちら")), None);
        assert_eq!(leet(&folded("P4ssw0rd")).unwrap().text, "password");
        assert_eq!(digits(&folded("〇九〇の一二三四の五六七八まで")).unwrap().text, "090-1234-5678まで");
        assert_eq!(digits(&folded("ゼロキュウゼロ、")), None);
        assert_eq!(digits(&folded("ゼロキュウゼロイチニサンヨンゴロクナナハチ")).unwrap().text, "09012345678");
        assert_eq!(reversed(&View::of("見て\u{202e}秘外部\u{202c}です")).unwrap().text, "見て部外秘です");
    }
}
