//! A page of the body's own site as evidence: what it says in words, and whether a post says anything that it does not
//! (長野 2(7)ただし書・1, 2(8)).
//!
//! The facts of a post are its days, its times, its other numbers with what they count, its words of two or more kanji,
//! katakana or letters, each word in another script, and the short words that turn a sentence round (休み, ありません). Each must
//! stand on the page; a text without any (in hiragana, or of signs alone) must stand there as it is. So a post may say less
//! than the page, and say it in other sentences; it can add no time, no place, no name and no 中止.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use unicode_normalization::UnicodeNormalization;

use crate::domain::decision::Refusal;
use crate::domain::exemption::Exemption;
use crate::domain::media::Sha256;
use crate::domain::post::Post;

/// Facts that a refusal names.
const NAMED: usize = 3;
/// Characters that it names of a text without facts.
const WHOLE: usize = 20;
/// Kanji that turn a sentence round where they stand alone before kana: 休み, 止め, 無し, 変わる, 切れ, 満ちる, 終わる.
const TURNING: [char; 12] = ['休', '止', '延', '無', '不', '変', '切', '満', '終', '消', '閉', '禁'];
/// The same in kana.
const TURNING_KANA: [&str; 7] = ["ません", "ないで", "なくな", "なし", "やめ", "ちゅうし", "えんき"];

/// A page as it was fetched.
#[derive(Clone, Debug)]
pub struct Page {
    /// Its address, after every redirect.
    pub url: String,
    /// SHA-256 of its bytes.
    pub sha256: Sha256,
    /// Its title.
    title: String,
    /// Its words, NFKC, in lower case.
    text: String,
}

impl Page {
    /// Reads a page. Only UTF-8 is read, and only what HTML shows as text.
    pub fn read(url: String, bytes: &[u8]) -> Option<Self> {
        let html = std::str::from_utf8(bytes).ok()?;
        let (title, text) = words(html);
        Some(Self { url, sha256: Sha256::of(bytes), title: title.trim().to_owned(), text: folded(&text) })
    }

    /// What the text says that the page does not: a few facts, as the text has them.
    pub fn lacks(&self, text: &str) -> Vec<String> {
        let (post, page) = (Facts::of(&folded(&without_links(text))), Facts::of(&self.text));
        if post.is_empty() {
            let (whole, all) = (without_marks(&folded(&without_links(text))), without_marks(&self.text));
            return if all.contains(&whole) { Vec::new() } else { vec![whole.chars().take(WHOLE).collect()] };
        }
        let squeezed: String = self.text.chars().filter(|c| !c.is_whitespace()).collect();
        let turned = TURNING_KANA.into_iter().filter(|it| text.contains(it) && !squeezed.contains(it));
        let counted = post.counted.difference(&page.counted).cloned();
        let said = post.words.iter().filter(|word| !squeezed.contains(word.as_str())).cloned();
        counted.chain(said).chain(turned.map(str::to_owned)).collect()
    }

    /// Whether the page's title, or what stands in it before the site's own name, is in the text.
    fn names_title_in(&self, text: &str) -> bool {
        let squeeze = |text: &str| folded(text).chars().filter(|c| c.is_alphanumeric()).collect::<String>();
        let own = self.title.split(['|', '｜', '／']).next().unwrap_or_default();
        let own = own.split(" - ").next().unwrap_or_default();
        let own = squeeze(own);
        !own.is_empty() && squeeze(text).contains(&own)
    }
}

/// What the body's site says already: the post is one text, every fact of it stands on the page.
///
/// # Errors
/// Refusals `page-differs`, `published-not-text`, citing 長野 2(7)ただし書・1.
pub fn already_published(post: &Post, page: &Page) -> Result<Exemption, Refusal> {
    let Some(text) = post.only_text() else {
        return Err(Refusal::refused(
            "published-not-text",
            "画像・引用・予約などを含む投稿は、既に発信している内容かどうかを確かめられません。",
            "Only a post that is one text can be held against a page.",
            "文章だけで送信するか、所属長の決裁を受けてください。",
        )
        .citing("nagano:2(7)p・1"));
    };
    let lacks = page.lacks(text);
    if lacks.is_empty() {
        return Ok(Exemption::AlreadyPublished { page: page.url.clone(), sha256: page.sha256.hex(), covers: true });
    }
    let named: Vec<String> = lacks.iter().take(NAMED).map(|fact| format!("「{fact}」")).collect();
    let more = if lacks.len() > NAMED { "など" } else { "" };
    Err(Refusal::refused(
        "page-differs",
        format!("投稿の内容のうち{}{more}が、指定されたページに載っていません。", named.concat()),
        "The post says something that the page does not.",
        "ページの内容に合わせて直すか、所属長の決裁を受けてください。",
    )
    .citing("nagano:2(7)p・1"))
}

/// What the body's content management system says of a page (長野 2(8)): the text names the page's title and says nothing
/// that the page does not. None: it does not agree, and the post needs its own decision.
pub fn of_cms(post: &Post, page: &Page) -> Option<Exemption> {
    let text = post.only_text()?;
    let agrees = page.names_title_in(text) && page.lacks(text).is_empty();
    agrees.then(|| Exemption::CmsPage { page: page.url.clone(), sha256: page.sha256.hex() })
}

/// The links of a post's text, in order.
pub fn links(post: &Post) -> Vec<String> {
    let Some(text) = post.only_text() else { return Vec::new() };
    LINK.as_ref().map(|link| link.find_iter(text).map(|it| it.as_str().to_owned()).collect()).unwrap_or_default()
}

/// Links as they are written in a sentence: Japanese letters and brackets end them.
static LINK: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?i)https?://[!-'*-;=?-Z_a-z~\[\]]+").ok());

fn without_links(text: &str) -> String {
    LINK.as_ref().map_or_else(String::new, |link| link.replace_all(text, " ").into_owned())
}

fn without_marks(text: &str) -> String {
    MARKS.as_ref().map_or_else(|| text.to_owned(), |marks| marks.replace_all(text, "").into_owned())
}

fn folded(text: &str) -> String {
    text.nfkc().flat_map(char::to_lowercase).collect()
}

/// What a text states.
#[derive(Debug, Default)]
struct Facts {
    /// Days, times, numbers, each in one form.
    counted: BTreeSet<String>,
    words: BTreeSet<String>,
}

static DAY: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?:(令和)?([0-9]{1,4}|元)年)?\s*([0-9]{1,2})月\s*([0-9]{1,2})日").ok());
static TIME: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(午前|午後)?\s*([0-9]{1,2})(?::([0-9]{2})|時(間)?(?:([0-9]{1,2})分|(半))?)").ok());
static NUMBER: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"第?[0-9][0-9,]*(?:[.\-/][0-9]+)*\p{Han}?").ok());
/// A weekday in brackets says nothing of its own: the inspection holds it against its day.
static WEEKDAY: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"[(\[][月火水木金土日](?:曜日?)?(?:・?[祝休])?[)\]]").ok());
/// Letters of every script but hiragana; what only varies a letter is none of it.
static WORD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let mark = r"[\p{L}\p{M}\p{N}]--[\p{Hiragana}\x{FE00}-\x{FE0F}\x{E0100}-\x{E01EF}]";
    Regex::new(&format!(r"[[\p{{L}}\p{{N}}]--[\p{{Hiragana}}]][{mark}]*")).ok()
});
/// What no sense lies in.
static MARKS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"[\p{P}\s]+").ok());
/// One letter of a script whose words are longer: an initial, or a kanji before kana.
static ONE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^[\p{Han}々\p{Katakana}ーa-z]$").ok());

/// Whether a run of letters is a word that must stand on the page.
fn is_word(run: &str) -> bool {
    let one = ONE.as_ref().is_some_and(|one| one.is_match(run));
    !one || run.starts_with(TURNING)
}

impl Facts {
    fn is_empty(&self) -> bool {
        self.counted.is_empty() && self.words.is_empty()
    }

    fn of(text: &str) -> Self {
        let mut facts = Self::default();
        let [Some(day), Some(weekday), Some(time), Some(number), Some(word)] =
            [DAY.as_ref(), WEEKDAY.as_ref(), TIME.as_ref(), NUMBER.as_ref(), WORD.as_ref()]
        else {
            // A pattern that does not compile covers nothing: no page has this.
            facts.counted.insert(text.to_owned());
            return facts;
        };
        let rest = facts.take(day, text, |it| {
            let of = |at: usize| it.get(at).map_or("", |it| it.as_str());
            let year = match (of(1), of(2)) {
                (_, "") => None,
                ("令和", "元") => Some(2019),
                ("令和", year) => year.parse::<i32>().ok().map(|year| 2018 + year),
                (_, year) => year.parse().ok(),
            };
            let day = format!("{}月{}日", of(3).trim_start_matches('0'), of(4).trim_start_matches('0'));
            [Some(day), year.map(|year| format!("{year}年"))].into_iter().flatten().collect()
        });
        let rest = weekday.replace_all(&rest, " ");
        let rest = facts.take(time, &rest, |it| {
            let of = |at: usize| it.get(at).map_or("", |it| it.as_str());
            let hour: u32 = of(2).parse().unwrap_or_default();
            if !of(4).is_empty() {
                return vec![format!("{hour}時間")];
            }
            let minute = if of(6).is_empty() { of(3).parse().or_else(|_| of(5).parse()).unwrap_or(0) } else { 30 };
            let hour = if of(1) == "午後" && hour < 12 { hour + 12 } else { hour };
            vec![format!("{hour}:{minute:02}")]
        });
        let rest = facts.take(number, &rest, |it| vec![it.get(0).map_or("", |it| it.as_str()).replace(',', "")]);
        let said = word.find_iter(&rest).map(|it| it.as_str()).filter(|run| is_word(run));
        facts.words.extend(said.map(str::to_owned));
        facts
    }

    /// Notes what `pattern` finds in one form, and gives the text without it.
    fn take(&mut self, pattern: &Regex, text: &str, form: impl Fn(&Captures<'_>) -> Vec<String>) -> String {
        for found in pattern.captures_iter(text) {
            self.counted.extend(form(&found));
        }
        pattern.replace_all(text, " ").into_owned()
    }
}

/// Title and words of an HTML page. A tag parts words; what scripts and styles hold is none.
fn words(html: &str) -> (String, String) {
    let (mut title, mut text) = (String::new(), String::new());
    let mut rest = html;
    let mut in_title = false;
    while let Some((before, after)) = rest.split_once('<') {
        let into = if in_title { &mut title } else { &mut text };
        into.push_str(&entities(before));
        into.push(' ');
        if let Some(comment) = after.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        let (tag, after) = after.split_once('>').unwrap_or((after, ""));
        let name: String =
            tag.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '/').collect::<String>().to_ascii_lowercase();
        in_title = name == "title";
        rest = match name.as_str() {
            "script" | "style" | "template" | "noscript" => after_end(after, &name),
            _ => after,
        };
    }
    text.push_str(&entities(rest));
    (title, text)
}

/// What follows the end of an element whose content is no text; nothing, if it never ends.
fn after_end<'h>(text: &'h str, name: &str) -> &'h str {
    let end = format!("</{name}");
    let lower = text.to_ascii_lowercase();
    lower.find(&end).and_then(|at| text.get(at..)).and_then(|rest| rest.split_once('>')).map_or("", |(_, rest)| rest)
}

/// The text with its character references resolved; one that is not known stays as it is.
fn entities(text: &str) -> String {
    let mut resolved = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        resolved.push_str(before);
        let named = after.split_once(';').filter(|(name, _)| name.len() <= 8);
        let known = named.and_then(|(name, after)| entity(name).map(|c| (c, after)));
        if let Some((c, after)) = known {
            resolved.push(c);
            rest = after;
        } else {
            resolved.push('&');
            rest = after;
        }
    }
    resolved.push_str(rest);
    resolved
}

fn entity(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "nbsp" => Some(' '),
        "yen" => Some('¥'),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::post::{Field, Role};
    use crate::domain::tree::Tree;

    const HTML: &str = "<!doctype html><html><head><title>健康相談会を開きます｜長野市公式ホームページ</title>\
        <script>var x = '令和9年'; if (1 < 2) { 中止 }</script><style>p{}</style></head>\
        <body><!-- 延期 --><h1>健康相談会を開きます</h1><p>日時：令和8年12月1日（火曜日）午後1時30分から\
        16:00まで<br>場所：長野市役所 第一庁舎&nbsp;5階<br>費用：1,000円（先着20人）</p>\
        <p>お問い合わせ 健康課 電話 026-224-5063</p></body></html>";

    fn page() -> Page {
        Page::read("https://www.city.nagano.nagano.jp/kenko/".into(), HTML.as_bytes()).unwrap()
    }

    fn post(text: &str) -> Post {
        let field = Field { role: Role::Text, at: "/text".into(), value: Tree::Text(text.into()) };
        Post { fields: vec![field], ..Post::default() }
    }

    #[test]
    fn a_post_may_say_less_than_the_page_and_in_other_sentences() {
        let within = [
            "【健康課】健康相談会\n12月1日の13:30から、市役所で健康相談会をします。",
            "【健康課】健康相談会のお知らせ。2026年12月1日(火) 午後１時３０分から１６時まで。先着20人、1000円。",
            "☀️健康相談会🎉 葛󠄀",
            "https://www.city.nagano.nagano.jp/kenko/1.html",
            "ます！",
            "【健康課】健康相談会 https://www.city.nagano.nagano.jp/kenko/2026-99.html をご覧ください。電話は026-224-5063です。",
        ];
        for text in within {
            assert_eq!(page().lacks(text), Vec::<String>::new(), "{text}");
            assert!(already_published(&post(text), &page()).is_ok());
        }
    }

    #[test]
    fn whatever_the_page_does_not_say_is_named() {
        let beyond = [
            ("健康相談会は14時から", "14:00"),
            ("健康相談会は1時30分から", "1:30"),
            ("健康相談会は12月2日", "12月2日"),
            ("健康相談会は令和9年12月1日", "2027年"),
            ("健康相談会は中止", "中止"),
            ("健康相談会は延期", "延期"),
            ("健康相談会は30人まで", "30人"),
            ("健康相談会は100円", "100円"),
            ("健康相談会の場所は第2庁舎", "第2庁"),
            ("健康相談会はお休みです", "休"),
            ("健康相談会はありません", "ません"),
            ("健康相談会はとりやめ", "やめ"),
            ("健康相談会はＢ会場", "b会場"),
            ("健康相談会の場所はビッグハット", "ビッグハット"),
            ("健康相談会はAsahi Hallで", "asahi"),
            ("健康相談会は5時間", "5時間"),
            ("電話は026-224-5064", "026-224-5064"),
            ("健康相談会 건강 상담은 없습니다", "없습니다"),
            ("健康相談会 Отменено", "отменено"),
            ("健康相談会 ยกเลิก", "ยกเลิก"),
            ("健康相談会 Déjà fini", "déjà"),
            ("없습니다", "없습니다"),
            ("死", "死"),
            ("🔥🔥🔥", "🔥🔥🔥"),
            ("けんこうそうだんはしません。", "けんこうそうだんはしません"),
        ];
        for (text, fact) in beyond {
            assert!(page().lacks(text).contains(&fact.to_owned()), "{text}: {:?}", page().lacks(text));
            let refused = already_published(&post(text), &page()).unwrap_err();
            assert_eq!(refused.code, "page-differs");
        }
        let mut scheduled = post("健康相談会");
        scheduled.schedule = Some("2026-12-01T00:00:00Z".into());
        assert_eq!(already_published(&scheduled, &page()).unwrap_err().code, "published-not-text");
    }

    #[test]
    fn a_cms_speaks_of_the_page_by_its_title_and_says_nothing_else() {
        assert!(of_cms(&post("【健康課】健康相談会を開きます https://bit.ly/x"), &page()).is_some());
        assert!(of_cms(&post("【健康課】健康相談会 https://bit.ly/x"), &page()).is_none(), "another title");
        assert!(of_cms(&post("健康相談会を開きます。中止です。"), &page()).is_none());
        let nameless = Page::read("https://a.example/".into(), b"<p>x</p>").unwrap();
        assert!(of_cms(&post("x"), &nameless).is_none(), "a page without a title agrees with nothing");
        assert!(Page::read("https://a.example/".into(), b"\x93\xfa\x96\x7b").is_none(), "only UTF-8 is read");
    }

    #[test]
    fn links_end_where_japanese_goes_on() {
        let text = "くわしくは https://bit.ly/3abc。または（https://www.city.nagano.nagano.jp/a?b=1）へ";
        assert_eq!(links(&post(text)), ["https://bit.ly/3abc", "https://www.city.nagano.nagano.jp/a?b=1"]);
    }
}
