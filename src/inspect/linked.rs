//! The links of a post one by one, for a person who wants to know where they lead, and what speaks against where they do.
//!
//! [`links::find`](super::links::find) judges hosts in folded views; a link that is to be called needs its path as it was
//! written, since shorteners tell `Ab` from `aB`.

use jiff::civil::Date;
use url::Url;

use super::links::runs;
use super::normal::View;
use super::{RuleSet, inspect_on};
use crate::domain::clause::Clause;
use crate::domain::fetch::Unfetched;
use crate::domain::finding::Severity;
use crate::domain::link::{Link, Said, Told, Unresolved, Warning, Way};
use crate::domain::post::{Field, Post, Role};
use crate::domain::tree::Tree;

/// Layers of escapes that are taken off.
const LAYERS: usize = 4;
/// The longest address that is called, in bytes.
const LONGEST: usize = 2048;
/// A landing place that the text does not show hides its target as a shortened link does.
const HIDDEN: [&str; 2] = ["nagano:4(9)", "guideline-2011:shortened-url"];
/// What is not fit to be published, whoever says it.
const UNFIT: [&str; 2] = ["nagano:7(1)ケ", "nerima:10-2"];

/// The links of these texts, each address once: at most `most`, and how many more there are.
pub fn all(texts: &[Said], most: usize) -> (Vec<Link>, usize) {
    let mut links: Vec<Link> = Vec::new();
    let mut left_out = 0;
    for said in texts {
        let mut layer = said.text.clone();
        for _ in 0..=LAYERS {
            for (host, url) in of_layer(&layer, said.link) {
                if links.iter().any(|known| known.url == url) {
                    continue;
                }
                if links.len() < most {
                    links.push(Link { at: said.at.clone(), host, url });
                } else {
                    left_out += 1;
                }
            }
            let Some(decoded) = View::of(&layer).decode() else { break };
            layer = decoded.text;
        }
    }
    (links, left_out)
}

/// Host and address of every link in a text whose escapes are off.
fn of_layer(text: &str, whole: bool) -> Vec<(String, String)> {
    let folded = View::of(text).fold();
    let mut found = Vec::new();
    for run in runs(&folded.text) {
        if run.mail || !(run.linked || whole) {
            continue;
        }
        let (start, end) = folded.original(run.range.clone());
        let before = text.get(..start).unwrap_or_default().trim_end_matches(['/', '\\']);
        let plain =
            before.len() >= 5 && before.get(before.len() - 5..).is_some_and(|it| it.eq_ignore_ascii_case("http:"));
        let written = text.get(end..).unwrap_or_default();
        let after = folded.text.get(run.range.end..).unwrap_or_default();
        // What was written in other letters (`／ａ`) is only there in the folded view.
        let rest = if written.starts_with(['/', '?', '#', ':', '\\']) { written } else { after };
        let scheme = if plain { "http" } else { "https" };
        let address = format!("{scheme}://{}{}", run.host, path(rest));
        if let Ok(url) = Url::parse(&address)
            && address.len() <= LONGEST
            && let Some(host) = url.host_str()
        {
            found.push((host.to_owned(), url.to_string()));
        }
    }
    found
}

/// Port, path and query at the beginning of a text, without the marks that end a sentence.
fn path(rest: &str) -> &str {
    if !rest.starts_with(['/', '?', '#', ':', '\\']) {
        return "";
    }
    let stops = |c: char| !c.is_ascii_graphic() || matches!(c, '"' | '<' | '>' | '`' | '{' | '}' | '|' | '^');
    let path = rest.split(stops).next().unwrap_or_default();
    path.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '\''])
}

/// What there is to tell of a link whose way was gone, or was not (`None`). `prohibited`: hosts that the office links to
/// never.
pub fn told(rules: &RuleSet, today: Date, link: Link, way: Option<Way>, prohibited: &dyn Fn(&str) -> bool) -> Told {
    let gone = way.is_some();
    let way = way.unwrap_or(Way { called: Vec::new(), end: Err(Unfetched::Unreachable), stopped_at: None });
    let mut addresses = way.called.clone();
    addresses.extend(way.stopped_at.clone());
    if addresses.is_empty() {
        addresses.push(link.url.clone());
    }
    let hops: Vec<String> = addresses.iter().filter_map(|address| host_of(address)).collect();
    let ends = way.end.is_ok();
    let landing = if ends { hops.last().cloned() } else { None };
    let mut warnings = Vec::new();
    for (address, host) in addresses.iter().zip(&hops) {
        of_address(rules, today, address, host, &mut warnings);
        if prohibited(host) {
            let sentence = format!("{host} は、リンク先として使わないこととされているホストです。");
            warn(&mut warnings, "link.prohibited", host, &UNFIT, sentence);
        }
    }
    if let Some(landing) = landing.as_deref().or(hops.last().map(String::as_str))
        && !same_site(landing, &link.host)
    {
        let sentence = format!(
            "文面に見えるのは {} ですが、行き先は {landing} です。行き先を確認し、元のURLに置き換えてください。",
            link.host
        );
        warn(&mut warnings, "link.elsewhere", landing, &HIDDEN, sentence);
    }
    let unresolved = match way.end {
        Ok(_) => None,
        Err(_) if !gone => Some(off()),
        Err(why) => Some(unresolved(why)),
    };
    Told { link, hops, landing, status: way.end.ok(), unresolved, warnings }
}

/// What the inspector says of an address as a link.
fn of_address(rules: &RuleSet, today: Date, address: &str, host: &str, warnings: &mut Vec<Warning>) {
    let field = Field { role: Role::Link, at: "/link".to_owned(), value: Tree::Text(address.to_owned()) };
    let report = inspect_on(rules, &Post { fields: vec![field], ..Post::default() }, Some(today));
    for finding in report.findings.into_iter().filter(|it| it.severity >= Severity::Review) {
        if !warnings.iter().any(|known| known.rule == finding.rule && known.host == host) {
            let (rule, clauses) = (finding.rule, finding.clauses);
            warnings.push(Warning { rule, host: host.to_owned(), clauses, sentence: finding.advice });
        }
    }
}

fn warn(warnings: &mut Vec<Warning>, rule: &str, host: &str, clauses: &[&str], sentence: String) {
    if warnings.iter().any(|known| known.rule == rule && known.host == host) {
        return;
    }
    let clauses = clauses.iter().copied().map(Clause::new).collect();
    warnings.push(Warning { rule: rule.to_owned(), host: host.to_owned(), clauses, sentence });
}

fn host_of(address: &str) -> Option<String> {
    Url::parse(address).ok()?.host_str().map(str::to_owned)
}

/// Whether one of two hosts stands within the other: `city.example` and `www.city.example`.
fn same_site(one: &str, other: &str) -> bool {
    let bare = |host: &str| host.strip_prefix("www.").unwrap_or(host).to_owned();
    let (one, other) = (bare(one), bare(other));
    let within = |name: &str, domain: &str| name.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'));
    one == other || within(&one, &other) || within(&other, &one)
}

fn off() -> Unresolved {
    let sentence = "行き先の確認は、設定（[inspect.probe]）で切られています。".to_owned();
    Unresolved { code: "off".to_owned(), sentence }
}

fn unresolved(why: Unfetched) -> Unresolved {
    let (code, sentence) = match why {
        Unfetched::Private => (
            "private",
            "インターネットの外（庁内や、この機械自身など）のアドレスに続いているため、たどりませんでした。",
        ),
        Unfetched::Redirects => ("redirects", "転送が多すぎるか、転送先がありません。行き先は確かめられませんでした。"),
        Unfetched::Slow => ("slow", "時間内に応答がありませんでした。行き先は確かめられませんでした。"),
        Unfetched::Form | Unfetched::Host => {
            ("form", "この関所がたどれない形のURL（別の方式、ポート番号、利用者名つきなど）です。")
        }
        Unfetched::TooLarge | Unfetched::Unreachable | Unfetched::Kind | Unfetched::Spool => {
            ("unreachable", "接続できませんでした。行き先は確かめられませんでした。")
        }
    };
    Unresolved { code: code.to_owned(), sentence: sentence.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(text: &str) -> Vec<String> {
        let said = Said { at: "/text".to_owned(), text: text.to_owned(), link: false };
        all(&[said], 20).0.into_iter().map(|link| link.url).collect()
    }

    fn told_of(shown: &str, called: &[&str], end: Result<u16, Unfetched>, stopped_at: Option<&str>) -> Told {
        let rules = super::super::tests::rules();
        let link = Link { at: "/text".to_owned(), host: host_of(shown).unwrap(), url: shown.to_owned() };
        let called = called.iter().map(|it| (*it).to_owned()).collect();
        let way = Way { called, end, stopped_at: stopped_at.map(str::to_owned) };
        told(rules, Date::constant(2026, 11, 22), link, Some(way), &|host| host == "bets.example")
    }

    fn rules_of(told: &Told) -> Vec<&str> {
        told.warnings.iter().map(|it| it.rule.as_str()).collect()
    }

    #[test]
    fn links_are_called_as_they_were_written_and_nested_ones_too() {
        assert_eq!(urls("詳細はhttps://bit.ly/AbC。"), ["https://bit.ly/AbC"]);
        assert_eq!(urls("申込(http://Example.JP/Form?a=B)まで"), ["http://example.jp/Form?a=B"]);
        assert_eq!(urls("ｂｉｔ．ｌｙ／ａｂｃをどうぞ"), ["https://bit.ly/abc"]);
        let nested = urls("https://a.example/go?to=https%3A%2F%2Fb.example%2FXyZ");
        assert!(nested.contains(&"https://b.example/XyZ".to_owned()), "{nested:?}");
        assert!(nested.iter().any(|url| url.starts_with("https://a.example/go")), "{nested:?}");
        assert_eq!(urls("koho@city.example.jp まで。版は1.2です"), Vec::<String>::new());
        let many = (0..30).map(|n| format!("https://a{n}.example/ ")).collect::<String>();
        let said = Said { at: "/text".to_owned(), text: many, link: false };
        let (links, left_out) = all(&[said], 20);
        assert_eq!((links.len(), left_out), (20, 10));
    }

    #[test]
    fn what_a_way_shows_that_the_text_does_not_is_a_warning_with_its_clause() {
        let shown = "https://www.city.example/a";
        let same = told_of(shown, &[shown, "https://city.example/b"], Ok(200), None);
        assert_eq!((same.landing.as_deref(), rules_of(&same)), (Some("city.example"), Vec::new()));
        let away = told_of(shown, &[shown, "https://bit.ly/x", "https://bets.example/"], Ok(200), None);
        assert_eq!(away.hops, ["www.city.example", "bit.ly", "bets.example"]);
        assert_eq!(rules_of(&away), ["shortener.listed", "link.prohibited", "link.elsewhere"]);
        for warning in &away.warnings {
            assert!(warning.clauses.iter().any(|it| it.as_str().starts_with("nagano:")), "{warning:?}");
        }
        let inside = told_of(shown, &[shown], Err(Unfetched::Private), Some("https://127.0.0.1/"));
        assert_eq!((inside.landing, inside.unresolved.unwrap().code.as_str()), (None, "private"));
        assert_eq!(inside.hops, ["www.city.example", "127.0.0.1"]);
        assert!(inside.warnings.iter().any(|it| it.rule == "link.elsewhere" && it.host == "127.0.0.1"));
    }
}
