//! Ways in which people write a word past a filter.

/// A disguise: its name and what it makes of a text; none where it has nothing to change.
pub(super) type Disguise = (&'static str, fn(&str) -> Option<String>);

/// Every disguise.
pub(super) const ALL: [Disguise; 38] = [
    ("full-width", |t| each(t, |c| char::from_u32(c as u32 + 0xfee0).filter(|_| c.is_ascii_graphic()))),
    ("zero-width space", |t| between(t, "\u{200b}")),
    ("zero-width joiner", |t| between(t, "\u{200d}")),
    ("word joiner", |t| between(t, "\u{2060}")),
    ("soft hyphen", |t| between(t, "\u{ad}")),
    ("byte order mark", |t| between(t, "\u{feff}")),
    ("variation selector", |t| between(t, "\u{fe0e}")),
    ("tag characters", |t| between(t, "\u{e0061}")),
    ("combining stroke", |t| between(t, "\u{336}")),
    ("combining accent", |t| between(t, "\u{301}")),
    ("grapheme joiner", |t| between(t, "\u{34f}")),
    ("half-width kana", |t| each_str(t, half_width)),
    ("katakana", |t| each(t, |c| shift(c, 'ぁ', 'ゖ', 0x60))),
    ("HTML decimal", |t| Some(t.chars().map(|c| format!("&#{};", c as u32)).collect())),
    ("HTML hexadecimal", |t| Some(t.chars().map(|c| format!("&#x{:x};", c as u32)).collect())),
    ("percent", |t| Some(t.bytes().map(|byte| format!("%{byte:02X}")).collect())),
    ("percent twice", |t| Some(t.bytes().map(|byte| format!("%25{byte:02X}")).collect())),
    ("\\u", |t| Some(t.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect())),
    ("HTML within percent", |t| Some(t.chars().map(|c| format!("%26%23{}%3B", c as u32)).collect())),
    ("comments", |t| between(t, "<!-- -->")),
    ("tags", |t| between(t, "<b></b>")),
    ("upper case", |t| changed(t, t.to_uppercase())),
    ("bidi override", |t| Some(format!("お知らせ\u{202e}{}\u{202c}です", t.chars().rev().collect::<String>()))),
    ("mathematical letters", |t| each(t, |c| shift(c, 'a', 'z', 0x1d41a - 'a' as u32))),
    ("circled letters", |t| each(t, |c| shift(c, 'a', 'z', 0x24d0 - 'a' as u32))),
    ("squared letters", |t| each(t, |c| shift(c.to_ascii_uppercase(), 'A', 'Z', 0x1f130 - 'A' as u32))),
    ("negative squared letters", |t| each(t, |c| shift(c.to_ascii_uppercase(), 'A', 'Z', 0x1f170 - 'A' as u32))),
    ("regional indicators", |t| each(t, |c| shift(c.to_ascii_lowercase(), 'a', 'z', 0x1f1e6 - 'a' as u32))),
    ("look-alikes", |t| each(t, cyrillic)),
    ("old kanji", |t| each(t, old_kanji)),
    ("decomposed kana", |t| changed(t, unicode_normalization::UnicodeNormalization::nfd(t).collect())),
    ("spaces", |t| japanese(t, " ")),
    ("wide spaces", |t| japanese(t, "　")),
    ("middle dots", |t| japanese(t, "・")),
    ("slashes", |t| japanese(t, "/")),
    ("emoji", |t| japanese(t, "🌸")),
    ("underscores", |t| japanese(t, "_")),
    ("line ends", |t| japanese(t, "\n")),
];

fn changed(before: &str, after: String) -> Option<String> {
    (before != after).then_some(after)
}

fn each(text: &str, change: impl Fn(char) -> Option<char>) -> Option<String> {
    changed(text, text.chars().map(|c| change(c).unwrap_or(c)).collect())
}

fn each_str(text: &str, change: impl Fn(char) -> String) -> Option<String> {
    changed(text, text.chars().map(change).collect())
}

fn between(text: &str, sign: &str) -> Option<String> {
    let chars: Vec<String> = text.chars().map(String::from).collect();
    changed(text, chars.join(sign))
}

/// Signs between the characters of a text in Japanese; Latin is left to other disguises.
fn japanese(text: &str, sign: &str) -> Option<String> {
    let only = text.chars().all(crate::inspect::views::is_japanese);
    if only { between(text, sign) } else { None }
}

fn shift(c: char, from: char, to: char, by: u32) -> Option<char> {
    (from..=to).contains(&c).then(|| char::from_u32(c as u32 + by)).flatten()
}

fn cyrillic(c: char) -> Option<char> {
    let (latin, other) = ("aceiopsxy", "асеіорѕху");
    latin.chars().position(|it| it == c).and_then(|n| other.chars().nth(n))
}

fn old_kanji(c: char) -> Option<char> {
    let (new, old) = (
        "国学会体区県庁旧薬秘対関厳証変乱売盗党黒悪画発気満独来円団",
        "國學會體區縣廳舊藥祕對關嚴證變亂賣盜黨黑惡畫發氣滿獨來圓團",
    );
    new.chars().position(|it| it == c).and_then(|n| old.chars().nth(n))
}

fn half_width(c: char) -> String {
    let (wide, narrow) = (
        "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワヲンァィゥェォャュョッー",
        "ｱｲｳｴｵｶｷｸｹｺｻｼｽｾｿﾀﾁﾂﾃﾄﾅﾆﾇﾈﾉﾊﾋﾌﾍﾎﾏﾐﾑﾒﾓﾔﾕﾖﾗﾘﾙﾚﾛﾜｦﾝｧｨｩｪｫｬｭｮｯｰ",
    );
    let parts: Vec<char> = unicode_normalization::UnicodeNormalization::nfd(std::iter::once(c)).collect();
    let narrowed = |c: &char| match c {
        '\u{3099}' => Some('ﾞ'),
        '\u{309a}' => Some('ﾟ'),
        c => wide.chars().position(|it| it == *c).and_then(|n| narrow.chars().nth(n)),
    };
    let all: Option<String> = parts.iter().map(narrowed).collect();
    all.unwrap_or_else(|| c.to_string())
}
