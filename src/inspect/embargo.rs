//! What the register of a body keeps closed: words in every view of a text, files by their hash, and days on which a person
//! looks.

use super::normal::View;
use crate::domain::clause::Clause;
use crate::domain::clock::for_people;
use crate::domain::embargo::{Closed, Embargo};
use crate::domain::finding::{Accept, Finding, Severity};
use crate::domain::media::Sha256;
use crate::domain::post::Post;

/// Layers of escapes that are taken off.
const LAYERS: usize = 4;
/// What a post about a public comment says.
const COMMENT: [&str; 4] = ["パブリックコメント", "パブリック・コメント", "意見募集", "意見公募"];
/// What speaks of candidates, where the register names no words.
const CANDIDATES: [&str; 9] =
    ["候補者", "立候補", "政党", "公約", "街頭演説", "応援演説", "後援会", "選挙運動", "当選"];

/// A word to look for: folded, and without anything between its characters.
struct Sought {
    folded: String,
    squeezed: String,
    latin: bool,
}

impl Sought {
    fn new(word: &str) -> Self {
        let folded = View::of(word.trim()).fold();
        let latin = folded.text.is_ascii();
        Self { squeezed: folded.squeeze().text, folded: folded.text, latin }
    }

    /// Where the word stands in a view. A Latin word stands by itself.
    fn find(&self, view: &View, squeezed: bool) -> Option<(usize, usize)> {
        if squeezed && self.latin {
            return None;
        }
        let word = if squeezed { &self.squeezed } else { &self.folded };
        let alone = |at: usize| {
            let letter = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
            let (before, after) = (view.text.get(..at), view.text.get(at + word.len()..));
            !letter(before.and_then(|it| it.chars().next_back())) && !letter(after.and_then(|it| it.chars().next()))
        };
        if word.is_empty() {
            return None;
        }
        let mut found = view.text.match_indices(word.as_str()).map(|(at, _)| at);
        found.find(|at| !self.latin || alone(*at)).map(|at| view.original(at..at + word.len()))
    }
}

/// What of a post is closed by these entries. `carried`: the hash of a medium that the request itself brings.
pub fn find<'r>(register: impl IntoIterator<Item = &'r Embargo>, post: &Post, carried: Option<Sha256>) -> Vec<Finding> {
    let mut register = register.into_iter().peekable();
    if register.peek().is_none() {
        return Vec::new();
    }
    let texts: Vec<(String, &str, Vec<View>)> =
        post.texts().into_iter().map(|(at, _, text)| (at, text, views(text))).collect();
    let says = |word: &&str| {
        let sought = Sought::new(word);
        texts.iter().any(|(_, _, views)| views.iter().any(|view| sought.find(view, false).is_some()))
    };
    let asks = COMMENT.iter().any(says);
    let mut findings = Vec::new();
    for entry in register {
        if entry.public_comment.is_some() && asks {
            continue;
        }
        if entry.kind == Closed::Mourning {
            findings.push(finding(entry, "/", (0, 0), String::new()));
        }
        let media = post.media.iter().map(|medium| (format!("media:{}", medium.id), medium.sha256));
        for (at, _) in media
            .chain(carried.map(|hash| ("media".to_owned(), hash)))
            .filter(|(_, hash)| entry.documents.contains(hash))
        {
            findings.push(finding(entry, &at, (0, 0), String::new()));
        }
        let words: Vec<Sought> = if entry.kind == Closed::Election && entry.words.is_empty() {
            CANDIDATES.iter().map(|word| Sought::new(word)).collect()
        } else {
            entry.words.iter().map(|word| Sought::new(word)).collect()
        };
        for (at, text, views) in &texts {
            let found = views.iter().find_map(|view| {
                let squeezed = view.squeeze();
                words.iter().find_map(|word| word.find(view, false).or_else(|| word.find(&squeezed, true)))
            });
            if let Some(span) = found {
                let matched = text.get(span.0..span.1).unwrap_or_default();
                let excerpt = if entry.kind == Closed::Person {
                    "●●●".to_owned()
                } else {
                    matched.chars().take(80).collect()
                };
                findings.push(finding(entry, at, span, excerpt));
            }
        }
    }
    findings
}

/// The text folded, and each layer of escapes below it.
fn views(text: &str) -> Vec<View> {
    let mut views = vec![View::of(text).fold()];
    for _ in 0..LAYERS {
        let Some(decoded) = views.last().and_then(View::decode) else { break };
        views.push(decoded.fold());
    }
    views
}

fn finding(entry: &Embargo, at: &str, span: (usize, usize), excerpt: String) -> Finding {
    let until = for_people(entry.until);
    let id = &entry.id;
    let (rule, category, clauses, severity, advice): (_, _, &[&str], _, _) = match entry.kind {
        Closed::Election => (
            "calendar.election",
            "calendar_election",
            &["local-public-service-act:36", "nerima:10-2", "nagano:7(1)ケ"],
            Severity::Review,
            format!(
                "選挙の公示・告示から投票までの期間（{until}まで）です。特定の候補者や政党に触れていないか、確認してください。"
            ),
        ),
        Closed::Mourning => (
            "calendar.mourning",
            "calendar_mourning",
            &["nerima:10-2", "nagano:4(6)"],
            Severity::Review,
            format!("弔意を表す期間（{until}まで）です。今発信してよい内容か、確認してください。"),
        ),
        Closed::Term | Closed::Person | Closed::Document => (
            "embargo.closed",
            "embargo",
            &["nagano:7(1)コ", "nagano:7(2)キ(ウ)", "nerima:10-2"],
            Severity::Block,
            format!("{until}まで公表できない内容が含まれています（登録 {id}）。その時刻を過ぎてから送信してください。"),
        ),
    };
    Finding {
        rule: rule.to_owned(),
        category: category.to_owned(),
        clauses: clauses.iter().copied().map(Clause::new).collect(),
        severity,
        field: at.to_owned(),
        span,
        excerpt,
        advice,
        never: false,
        accept: Accept::Manager,
        accepted: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::OrganisationId;
    use crate::domain::embargo::EmbargoId;
    use crate::domain::person::PersonId;
    use crate::domain::post::{Field, Role};
    use crate::domain::tree::Tree;

    fn entry(kind: Closed, words: &[&str]) -> Embargo {
        Embargo {
            id: EmbargoId::new("e-1"),
            organisation: OrganisationId::new("nagano"),
            kind,
            words: words.iter().map(|word| (*word).to_owned()).collect(),
            documents: Vec::new(),
            from: "2026-11-01T00:00:00Z".parse().unwrap(),
            until: "2026-11-22T01:00:00Z".parse().unwrap(),
            public_comment: None,
            reason: "議会への報告前".to_owned(),
            by: PersonId::new("p"),
            lifted: None,
        }
    }

    fn post(text: &str) -> Post {
        let field = Field { role: Role::Text, at: "/text".to_owned(), value: Tree::Text(text.to_owned()) };
        Post { fields: vec![field], ..Post::default() }
    }

    #[test]
    fn a_closed_word_is_seen_in_every_dress_and_told_where_it_stands() {
        let register = [entry(Closed::Term, &["スタジアム建設計画", "NEO構想"])];
        let seen = [
            "新しいスタジアム建設計画です",
            "ｽﾀｼﾞｱﾑ建設計画",
            "ス・タ・ジ・ア・ム・建・設・計・画",
            "すたじあむ建設計画",
            "ＮＥＯ構想",
            "%E3%82%B9%E3%82%BF%E3%82%B8%E3%82%A2%E3%83%A0建設計画",
        ];
        for text in seen {
            let found = find(&register, &post(text), None);
            assert_eq!(found.len(), 1, "{text}");
            assert_eq!((found[0].category.as_str(), found[0].severity), ("embargo", Severity::Block), "{text}");
            assert!(found[0].advice.contains("2026年11月22日(日) 10:00"), "{}", found[0].advice);
            assert!(text.is_char_boundary(found[0].span.0) && found[0].span.1 <= text.len(), "{text}");
        }
        for text in ["スタジアムで試合があります", "建設計画の説明会"] {
            assert_eq!(find(&register, &post(text), None), [], "{text}");
        }
    }

    #[test]
    fn a_public_comment_opens_what_it_asks_about_and_days_hold_without_a_word() {
        let mut open = entry(Closed::Term, &["統廃合計画"]);
        open.public_comment = Some("2026-12".to_owned());
        assert_eq!(find(&[open.clone()], &post("統廃合計画（案）について意見募集を行います"), None), []);
        assert_eq!(find(&[open], &post("統廃合計画が決まりました"), None).len(), 1);
        assert_eq!(find(&[entry(Closed::Term, &["統廃合計画"])], &post("統廃合計画（案）の意見募集"), None).len(), 1);
        let mourning = find(&[entry(Closed::Mourning, &[])], &post("花火大会のお知らせ"), None);
        assert_eq!((mourning[0].category.as_str(), mourning[0].severity), ("calendar_mourning", Severity::Review));
        let election = [entry(Closed::Election, &[])];
        assert_eq!(find(&election, &post("候補者の紹介"), None)[0].category, "calendar_election");
        assert_eq!(find(&election, &post("期日前投票所の時間"), None), []);
    }
}
