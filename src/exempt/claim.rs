//! Claims of the grounds that a section arranges beforehand (長野 2(7)ただし書・1 to ・3), as `Sekisho-Exemption` makes them:
//! `already-published; page=https://...`, `established-fact` or `established-fact:<template>`,
//! `statutory; law=地方自治法; article=第2条第14項`.

use std::sync::LazyLock;

use jiff::Timestamp;
use regex::Regex;

use super::template::Purpose;
use super::{Templates, fitting};
use crate::domain::decision::Refusal;
use crate::domain::exemption::{Exemption, Ground};
use crate::domain::post::Post;

/// Longest name of a law, in characters.
const LONGEST_LAW: usize = 60;

/// What a header claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked<'h> {
    /// What the body's own site says already.
    AlreadyPublished {
        /// The page.
        page: &'h str,
    },
    /// What has taken place.
    EstablishedFact {
        /// The template, by id; none: any.
        template: Option<&'h str>,
    },
    /// What a law says.
    Statutory {
        /// The law.
        law: &'h str,
        /// The article.
        article: &'h str,
    },
}

/// What the header claims; none: another exemption, which [`super::exemption`] knows or refuses.
///
/// # Errors
/// Refusal `exemption-malformed`: a part is missing, unknown or stands twice.
pub fn asked(header: &str) -> Result<Option<Asked<'_>>, Refusal> {
    let mut parts = header.split(';').map(str::trim);
    let first = parts.next().unwrap_or_default();
    let (name, detail) = match first.split_once(':') {
        Some((name, detail)) => (name.trim(), Some(detail.trim())),
        None => (first, None),
    };
    let Some(ground) = Ground::ALL.into_iter().find(|ground| ground.as_str() == name) else { return Ok(None) };
    let (mut page, mut law, mut article) = (None, None, None);
    for part in parts {
        let (key, value) = part.split_once('=').ok_or_else(malformed)?;
        let place = match (ground, key.trim()) {
            (Ground::AlreadyPublished, "page") => &mut page,
            (Ground::Statutory, "law") => &mut law,
            (Ground::Statutory, "article") => &mut article,
            _ => return Err(malformed()),
        };
        let value = value.trim().trim_matches('"').trim();
        if value.is_empty() || place.replace(value).is_some() {
            return Err(malformed());
        }
    }
    let asked = match (ground, detail) {
        (Ground::AlreadyPublished, None) => page.map(|page| Asked::AlreadyPublished { page }),
        (Ground::EstablishedFact, template) => Some(Asked::EstablishedFact { template }),
        (Ground::Statutory, None) => law.zip(article).map(|(law, article)| Asked::Statutory { law, article }),
        (Ground::AlreadyPublished | Ground::Statutory, Some(_)) => None,
    };
    asked.map(Some).ok_or_else(malformed)
}

fn malformed() -> Refusal {
    Refusal::refused(
        "exemption-malformed",
        "決裁を省略する理由（Sekisho-Exemption）の書き方が正しくないか、必要な項目がありません。",
        "Sekisho-Exemption is malformed, or a part that the ground needs is missing.",
        "例: 「already-published; page=https://…」「established-fact」「statutory; law=法令名; article=第1条」のように指定してください。",
    )
    .status(400)
    .citing("sekisho:exemption")
}

/// What has taken place: the whole text is a template of results, and every day that it names is over.
///
/// # Errors
/// Refusals `unknown-template`, `template-does-not-fit`, `template-out-of-window`, citing 長野 2(7)ただし書・2.
pub fn established_fact(
    template: Option<&str>,
    post: &Post,
    templates: &Templates,
    now: Timestamp,
) -> Result<Exemption, Refusal> {
    let cited = |refusal: Refusal| refusal.citing("nagano:2(7)p・2");
    let (template, day) = fitting(Purpose::EstablishedFact, template, post, templates, now).map_err(cited)?;
    // A template of results without a day does not load.
    let date = day.ok_or_else(|| cited(malformed()))?;
    Ok(Exemption::EstablishedFact { template, date })
}

/// What a law says: the citation is well formed. That the law says so is declared by whoever sends it.
///
/// # Errors
/// Refusal `citation-malformed`, citing 長野 2(7)ただし書・3.
pub fn statutory(law: &str, article: &str) -> Result<Exemption, Refusal> {
    if is_law(law) && is_article(article) {
        return Ok(Exemption::Statutory { law: law.to_owned(), article: article.to_owned() });
    }
    Err(Refusal::refused(
        "citation-malformed",
        "法令の名前または条の書き方が正しくありません。",
        "The citation names no law, or no article of it.",
        "「law=公職選挙法; article=第9条第2項」のように、法令の正式な名前と条を指定してください。",
    )
    .citing("nagano:2(7)p・3"))
}

/// Whether it is how a law, an ordinance or a rule is called.
pub fn is_law(name: &str) -> bool {
    static LAW: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"\A[\p{Han}\p{Hiragana}\p{Katakana}ー々・、（）()0-9０-９]{1,58}(?:法|法律|憲法|令|政令|省令|府令|条例|規則|規程|告示)\z").ok()
    });
    name.chars().count() <= LONGEST_LAW && LAW.as_ref().is_some_and(|law| law.is_match(name))
}

/// Whether it is an article, with the paragraphs and items that may follow: 第9条, 第二条の三第1項第4号, 附則第2条.
pub fn is_article(text: &str) -> bool {
    static ARTICLE: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let n = "[0-9０-９一二三四五六七八九十百千]{1,6}";
        Regex::new(&format!(r"\A(?:附則)?第{n}条(?:の{n}){{0,3}}(?:第{n}項)?(?:第{n}号)?(?:ただし書)?\z")).ok()
    });
    ARTICLE.as_ref().is_some_and(|article| article.is_match(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_claims_one_ground_with_just_its_parts() {
        let page = "https://www.city.nagano.nagano.jp/a?b=1";
        let published = format!("already-published; page={page}");
        assert_eq!(asked(&published), Ok(Some(Asked::AlreadyPublished { page })));
        assert_eq!(asked("established-fact"), Ok(Some(Asked::EstablishedFact { template: None })));
        assert_eq!(asked("established-fact:r"), Ok(Some(Asked::EstablishedFact { template: Some("r") })));
        let (law, article) = ("公職選挙法", "第9条");
        assert_eq!(asked("statutory; article=第9条; law=\"公職選挙法\""), Ok(Some(Asked::Statutory { law, article })));
        for other in ["weather-event", "operating-policy", "emergency", "because", ""] {
            assert_eq!(asked(other), Ok(None), "{other}");
        }
        let wrong = [
            "already-published",
            "already-published; page=",
            "already-published:x; page=https://a.example/",
            "already-published; page=https://a.example/; page=https://b.example/",
            "already-published; law=公職選挙法",
            "already-published; https://a.example/",
            "established-fact; date=2026-01-01",
            "statutory",
            "statutory; law=公職選挙法",
            "statutory; law=公職選挙法; article=第9条; page=https://a.example/",
        ];
        for header in wrong {
            assert_eq!(asked(header).map_err(|it| it.code), Err("exemption-malformed".into()), "{header}");
        }
    }

    #[test]
    fn a_citation_is_a_law_and_an_article() {
        let good = [
            ("公職選挙法", "第9条"),
            ("地方自治法施行令", "第百六十七条の二第1項第2号"),
            ("長野市情報公開条例", "第７条第１項"),
            ("日本国憲法", "第15条第3項"),
            ("行政機関の保有する情報の公開に関する法律", "附則第2条"),
        ];
        for (law, article) in good {
            assert!(statutory(law, article).is_ok(), "{law} {article}");
        }
        let bad = [
            ("法", "第9条"),
            ("法律で決まっています", "第9条"),
            ("公職選挙法", "9"),
            ("公職選挙法", "第条"),
            ("公職選挙法", "第9条など"),
            ("public law", "第9条"),
            ("公職選挙法\n法", "第9条"),
        ];
        for (law, article) in bad {
            let refused = statutory(law, article).map_err(|it| (it.code, it.clauses.len()));
            assert_eq!(refused, Err(("citation-malformed".into(), 1)), "{law} {article}");
        }
    }
}
