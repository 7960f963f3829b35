//! What Cedar cannot read: how a post begins and ends, where its links lead, which tags it carries.

use std::borrow::Cow;

use super::normal::nfkc;
use crate::domain::post::{Post, Role};
use crate::domain::registry::SectionId;
use crate::domain::tree::Tree;

/// How a section is called that the registry does not name (a body rarely registers all of them): 健康課, 消防署, 図書館.
const SECTION_ENDS: [&str; 16] =
    ["課", "室", "所", "館", "局", "部", "署", "係", "園", "校", "院", "センター", "事務局", "本部", "委員会", "公社"];

/// Parts of a field's place that say where the author is.
const PLACES: [&str; 11] = [
    "geo",
    "place",
    "place_id",
    "location",
    "location_id",
    "coordinates",
    "lat",
    "long",
    "latitude",
    "longitude",
    "display_coordinates",
];

/// The texts of a post, compared in NFKC.
pub(super) struct Words<'p> {
    texts: Vec<(Role, Cow<'p, str>)>,
    /// How many of them stand in what the public reads; whom it is for, and what nobody maps, comes after.
    read: usize,
}

impl<'p> Words<'p> {
    /// The texts of the post, in the order of [`Post::texts`].
    pub(super) fn of(post: &'p Post) -> Self {
        let mut texts = Vec::new();
        for field in &post.fields {
            each_word(&field.at, &field.value, &mut |text| texts.push((field.role, nfkc(text))));
        }
        let read = texts.len();
        for medium in &post.media {
            if let Some(alt) = medium.alt.as_deref().filter(|_| !is_kind(&medium.id)) {
                texts.push((Role::Alt, nfkc(alt)));
            }
        }
        for (at, value) in post.audience.iter().chain(&post.rest) {
            each_word(at, value, &mut |text| texts.push((Role::Message, nfkc(text))));
        }
        Self { texts, read }
    }

    pub(super) fn has_text(&self) -> bool {
        self.texts.iter().any(|(_, text)| !text.trim().is_empty())
    }

    /// Whether no description is given, or one of them holds this.
    pub(super) fn describes(&self, holds: impl Fn(&str) -> bool) -> bool {
        let mut described = self.texts.iter().filter(|(role, _)| *role == Role::Description).peekable();
        described.peek().is_none() || described.any(|(_, text)| holds(text))
    }

    /// Whether some link leads to a page that is neither the body's own nor another public body's.
    pub(super) fn links_elsewhere(&self, sites: &[String]) -> bool {
        let within =
            |host: &str, site: &str| host == site || host.strip_suffix(site).is_some_and(|rest| rest.ends_with('.'));
        let public = |host: &str| host.ends_with(".lg.jp") || host.ends_with(".go.jp");
        self.hosts().any(|host| !public(&host) && !sites.iter().any(|site| within(&host, site)))
    }

    fn hosts(&self) -> impl Iterator<Item = String> + '_ {
        let links = self
            .texts
            .iter()
            .flat_map(|(_, text)| text.match_indices(':').filter_map(|(at, _)| text.get(at..)?.strip_prefix("://")));
        links.map(|rest| {
            let end = rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '-' | '@'))).unwrap_or(rest.len());
            let authority = rest.get(..end).unwrap_or_default();
            authority.rsplit('@').next().unwrap_or_default().trim_end_matches('.').to_lowercase()
        })
    }

    /// Whether the first text begins with a section's name and goes on with a title in its first line (長野 4(10)):
    /// `【健康課】健康相談会`, `健康課 健康相談会`.
    pub(super) fn begins_with_section(&self, sections: &[SectionId]) -> bool {
        let read = |role: &Role| matches!(role, Role::Text | Role::Title | Role::Message);
        let Some((_, first)) = self.texts.iter().find(|(role, text)| read(role) && !text.trim().is_empty()) else {
            return false;
        };
        let line = first.trim_start().lines().next().unwrap_or_default();
        let open = |c: char| matches!(c, '【' | '[' | '(' | '〔' | '《' | '<' | '「');
        let close = |c: char| matches!(c, '】' | ']' | ')' | '〕' | '》' | '>' | '」');
        let inner = line.trim_start_matches(open);
        let bracketed = inner.len() < line.len();
        let end = inner.find(|c: char| if bracketed { close(c) } else { c.is_whitespace() || matches!(c, ':' | '。') });
        let Some(end) = end else { return false };
        let name = inner.get(..end).unwrap_or_default().trim();
        let title =
            inner.get(end..).unwrap_or_default().trim_start_matches(|c: char| close(c) || c == ':' || c == '。');
        let registered = || sections.iter().any(|it| name.ends_with(&*nfkc(it.as_str())));
        let looks_like_one =
            || SECTION_ENDS.iter().any(|end| name.strip_suffix(end).is_some_and(|rest| !rest.is_empty()));
        (looks_like_one() || registered()) && !title.trim().is_empty()
    }

    /// Whether the last text ends with the signature.
    pub(super) fn ends_with(&self, signature: Option<&str>) -> bool {
        let last = self.texts.iter().take(self.read).rev().find(|(role, _)| matches!(role, Role::Text | Role::Message));
        match (signature, last) {
            (Some(signature), Some((_, text))) => text.trim_end().ends_with(nfkc(signature).trim_end()),
            (Some(_) | None, _) => false,
        }
    }

    /// The hashtags, without their sign, in lower case.
    pub(super) fn hashtags(&self) -> Vec<String> {
        let tag = |rest: &str| -> String {
            rest.chars().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | 'ー')).collect()
        };
        let written = self.texts.iter().flat_map(|(_, text)| text.split('#').skip(1)).map(tag);
        let tags = written.map(|it| it.to_lowercase()).filter(|it| !it.is_empty());
        tags.take(64).collect()
    }
}

/// Calls `visit` with every text of a value that stands at this place, except the `type` of a structured message, which is
/// no word of it.
fn each_word<'p>(at: &str, value: &'p Tree, visit: &mut dyn FnMut(&'p str)) {
    match value {
        Tree::Text(text) if !is_kind(at) => visit(text),
        Tree::List(list) => list.iter().for_each(|child| each_word("", child, visit)),
        Tree::Map(map) => {
            for (key, child) in map {
                // A key that holds a slash is no `type`: its place has it escaped.
                each_word(if key == "type" { "/type" } else { "" }, child, visit);
            }
        }
        Tree::Text(_) | Tree::Null | Tree::Bool(_) | Tree::Number(_) => {}
    }
}

/// Whether this is the place of a `type`.
fn is_kind(at: &str) -> bool {
    at.ends_with("/type")
}

/// Whether the request names a place that the post carries.
pub(super) fn has_place(post: &Post) -> bool {
    let mut places = post.audience.keys().chain(post.rest.keys()).chain(post.fields.iter().map(|field| &field.at));
    places.any(|at| at.split(['/', ':', '.']).any(|part| PLACES.contains(&part)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::media::{Media, Sha256};
    use crate::domain::post::Field;

    fn words(text: &str) -> Words<'static> {
        let field = Field { role: Role::Text, at: "/text".into(), value: Tree::Text(text.into()) };
        Words::of(Box::leak(Box::new(Post { fields: vec![field], ..Post::default() })))
    }

    /// A post with words everywhere: in a structured message, in an alternative text, in whom it is for, in what nobody maps.
    fn wordy() -> Post {
        let text = |text: &str| Tree::Text(text.to_owned());
        let map = |members: &[(&str, Tree)]| {
            Tree::Map(members.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
        };
        let spoken = map(&[("type", text("text")), ("text", text("ＡＢＣ")), ("~type/type", text("い"))]);
        let listed = Tree::List(vec![text("え"), Tree::Null, map(&[("type", text("む"))])]);
        let nested = map(&[("a/type", text("う")), ("type", listed), ("n", Tree::Number("1".into()))]);
        let message = Tree::List(vec![spoken, nested, text("ｶﾞ")]);
        let field = |role, at: &str, value| Field { role, at: at.into(), value };
        let medium = |id: &str, alt: Option<&str>| Media {
            id: id.to_owned(),
            sha256: Sha256::of(b""),
            len: 0,
            alt: alt.map(str::to_owned),
        };
        Post {
            fields: vec![
                field(Role::Message, "/messages", message),
                field(Role::Text, "/text", text("お知らせ")),
                field(Role::Text, "/type", text("その他")),
                field(Role::Description, "/type", Tree::List(vec![text("説明")])),
            ],
            media: vec![medium("m1", Some("花①")), medium("m2", None), medium("a/type", Some("鳥"))],
            audience: [("means".to_owned(), text("tweet-create")), ("/x/type".to_owned(), text("かくす"))].into(),
            rest: [("rest".to_owned(), map(&[("type", text("y")), ("z", text("か\u{3099}"))]))].into(),
            ..Post::default()
        }
    }

    #[test]
    fn the_words_are_the_texts_of_the_post_in_nfkc_but_for_the_type_of_a_message() {
        use unicode_normalization::UnicodeNormalization;
        let post = wordy();
        let spoken = post.texts().into_iter().filter(|(at, _, _)| !at.ends_with("/type"));
        let expected: Vec<(Role, String)> = spoken.map(|(_, role, text)| (role, text.nfkc().collect())).collect();
        let mut read = 0;
        for field in &post.fields {
            field.value.each_text(&field.at, &mut |at, _| read += usize::from(!at.ends_with("/type")));
        }
        let words = Words::of(&post);
        let found: Vec<(Role, String)> = words.texts.iter().map(|(role, text)| (*role, text.to_string())).collect();
        assert_eq!(found, expected);
        assert_eq!((words.read, found.len()), (read, 10));
    }

    #[test]
    fn nagano_4_10_a_post_begins_with_a_section_and_a_title() {
        let cases = [
            ("【健康課】健康相談会を開きます。", true),
            ("[健康課] 健康相談会", true),
            ("健康課　健康相談会", true),
            ("【市立図書館】\n開館時間が変わります。", false),
            ("【お知らせ】健康相談会を開きます。", false),
            ("健康相談会を開きます。健康課", false),
            ("【課】健康相談会", false),
            ("【健康課】", false),
            ("", false),
        ];
        for (text, begins) in cases {
            assert_eq!(words(text).begins_with_section(&[]), begins, "{text}");
        }
        // A section whose name has no such ending is known by the registry.
        let registered = [SectionId::new("秘書担当")];
        assert!(words("【秘書担当】市長会見").begins_with_section(&registered));
        assert!(!words("【秘書担当】市長会見").begins_with_section(&[]));
    }

    #[test]
    fn nagano_7_2_e_a_link_is_a_third_partys_unless_it_is_the_bodys_or_another_public_bodys() {
        let own = ["city.nagano.nagano.jp".to_owned()];
        let cases = [
            ("https://www.city.nagano.nagano.jp/soshiki", false),
            ("https://city.nagano.nagano.jp", false),
            ("https://www.jma.go.jp/bosai と https://www.pref.nagano.lg.jp/", false),
            ("https://shop.example.com/", true),
            ("https://city.nagano.nagano.jp.example.com/", true),
            ("https://city.nagano.nagano.jp@example.com/", true),
            ("ｈｔｔｐｓ：／／ｓｈｏｐ．ｅｘａｍｐｌｅ．ｃｏｍ/", true),
            ("リンクはありません。", false),
        ];
        for (text, elsewhere) in cases {
            assert_eq!(words(text).links_elsewhere(&own), elsewhere, "{text}");
        }
    }

    #[test]
    fn tags_and_signatures_are_read_in_every_width() {
        assert_eq!(words("避難所を開きました。＃防災 #Nagano_City。").hashtags(), ["防災", "nagano_city"]);
        assert!(words("お知らせです。\n（見本市広報課）\n").ends_with(Some("(見本市広報課)")));
        assert!(!words("お知らせです。").ends_with(Some("(見本市広報課)")));
        assert!(!words("お知らせです。").ends_with(None));
    }
}
