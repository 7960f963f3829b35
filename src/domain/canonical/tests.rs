//! The writer against `serde_json_canonicalizer`, over values that are made to be awkward and over every text here.

use indexmap::IndexMap;
use serde_json::json;

use super::*;
use crate::domain::account::ProviderId;
use crate::domain::action::Action;
use crate::domain::digest;
use crate::domain::media::{Media, Sha256};
use crate::domain::post::{Field, Post, Role};
use crate::domain::tree::{Tree, normal_text};

fn written(value: &Value) -> String {
    let mut out = String::new();
    write_value(value, &mut out);
    out
}

fn by_the_crate(value: &Value) -> String {
    serde_json_canonicalizer::to_string(value).unwrap()
}

/// The normal form of a tree as a value: what the digest covers, said a second time.
fn tree_form(tree: &Tree) -> Value {
    let normal = |text: &str| {
        use unicode_normalization::UnicodeNormalization;
        text.replace("\r\n", "\n").replace('\r', "\n").nfc().collect::<String>()
    };
    match tree {
        Tree::Null => Value::Null,
        Tree::Bool(value) => json!(value),
        Tree::Number(source) => json!({ "$n": source }),
        Tree::Text(text) => json!(normal(text)),
        Tree::List(list) => list.iter().map(tree_form).collect(),
        Tree::Map(map) => Value::Object(
            map.iter()
                .map(|(key, child)| {
                    (if key.starts_with('$') { format!("${key}") } else { key.clone() }, tree_form(child))
                })
                .collect(),
        ),
    }
}

/// The normal form of a post as a value.
fn post_form(provider: &ProviderId, action: Action, target: Option<&str>, post: &Post) -> Value {
    let fields = post.fields.iter();
    let fields: Vec<Value> = fields
        .map(|field| json!({ "value": tree_form(&field.value), "role": field.role.as_str(), "at": field.at }))
        .collect();
    let media = post.media.iter();
    let media: Vec<Value> = media
        .map(|medium| {
            let alt = medium.alt.as_ref().map(|alt| tree_form(&Tree::Text(alt.clone())));
            json!({ "sha256": medium.sha256.hex(), "alt": alt })
        })
        .collect();
    let pairs = |map: &IndexMap<String, Tree>| -> Value {
        Value::Object(map.iter().map(|(at, value)| (at.clone(), tree_form(value))).collect())
    };
    json!({
        "target": target, "schedule": post.schedule, "rest": pairs(&post.rest), "references": post.references,
        "provider": provider.as_str(), "media": media, "fields": fields, "audience": pairs(&post.audience),
        "action": action.as_str(),
    })
}

/// A generator of the same numbers at every run (xorshift64).
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).unwrap()
    }

    fn text(&mut self) -> String {
        const PIECES: [&str; 32] = [
            "",
            "a",
            "$",
            "$n",
            "\"",
            "\\",
            "/",
            "\u{8}",
            "\t",
            "\n",
            "\u{c}",
            "\r",
            "\r\n",
            "\u{0}",
            "\u{1f}",
            "\u{7f}",
            "避難所",
            "か\u{3099}",
            "が",
            "e\u{301}",
            "\u{212b}",
            "\u{2028}",
            "\u{e000}",
            "\u{fffd}",
            "\u{ff76}\u{ff9e}",
            "\u{10000}",
            "😀",
            "👨\u{200d}👩",
            "\u{1100}\u{1161}",
            "\u{338}",
            "~/",
            "三十二バイトより長い、何も逃がさない文章です。",
        ];
        (0..self.throw(5)).map(|_| PIECES[self.throw(PIECES.len())]).collect()
    }

    fn tree(&mut self, depth: usize) -> Tree {
        match self.throw(if depth == 0 { 4 } else { 7 }) {
            0 => Tree::Null,
            1 => Tree::Bool(self.throw(2) == 0),
            2 => Tree::Number(["0", "-0", "1e3", "60", "1.50", "12345678901234567890"][self.throw(6)].to_owned()),
            3 => Tree::Text(self.text()),
            4 => Tree::List((0..self.throw(4)).map(|_| self.tree(depth - 1)).collect()),
            _ => Tree::Map(self.pairs(depth - 1)),
        }
    }

    fn pairs(&mut self, depth: usize) -> IndexMap<String, Tree> {
        (0..self.throw(6)).map(|_| (self.text(), self.tree(depth))).collect()
    }

    fn post(&mut self) -> Post {
        let hash = |dice: &mut Self| Sha256::of(&[u8::try_from(dice.throw(256)).unwrap()]);
        Post {
            fields: (0..self.throw(4))
                .map(|_| Field {
                    role: [Role::Text, Role::Message][self.throw(2)],
                    at: self.text(),
                    value: self.tree(4),
                })
                .collect(),
            media: (0..self.throw(3))
                .map(|_| {
                    let alt = (self.throw(2) == 0).then(|| self.text());
                    Media { id: self.text(), sha256: hash(self), len: 1, alt }
                })
                .collect(),
            references: (0..self.throw(3))
                .map(|_| (self.text(), (0..self.throw(3)).map(|_| self.text()).collect()))
                .collect(),
            schedule: (self.throw(2) == 0).then(|| self.text()),
            audience: self.pairs(3),
            rest: self.pairs(3),
            at_home: false,
        }
    }
}

#[test]
fn generated_posts_have_the_form_that_the_crate_writes_of_their_value() {
    let mut dice = Dice(0x5ec1_5405_ec15_4005);
    let provider = ProviderId::new("x\"\\");
    let (mut longest, mut unsorted) = (0, 0);
    for _ in 0..4000 {
        let (post, target) = (dice.post(), dice.text());
        let target = (dice.throw(2) == 0).then_some(target.as_str());
        let form = digest::form(&provider, Action::Publish, target, &post);
        assert_eq!(form, by_the_crate(&post_form(&provider, Action::Publish, target, &post)), "{post:?}");
        longest = longest.max(form.len());
        unsorted += usize::from(!post.rest.keys().is_sorted());
    }
    assert!(longest > 2000 && unsorted > 1000, "{longest} {unsorted}");
}

#[test]
fn values_are_written_as_the_crate_writes_them() {
    let max = EXACT;
    let numbers = json!([0, 1, -1, max, max - 1, max + 1, -9_007_199_254_740_993_i64, u64::MAX, i64::MIN]);
    let fractions = json!([0.1, -0.0, 1.0, 1e21, 1e-7, 123_456.789, f64::MAX, f64::MIN_POSITIVE]);
    let names = json!({"\u{e000}": 1, "😀": 2, "a": [{"\n": null, "\u{1}": true}], "": {}, "b": [], "\"": "\u{1f}"});
    for value in [numbers, fractions, names] {
        assert_eq!(written(&value), by_the_crate(&value));
    }
}

#[test]
fn every_text_of_the_cases_and_every_character_is_written_as_the_crate_writes_it() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join("tests/cases"), root.join("tests/vectors"), root.join("config")];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let Ok(text) = std::fs::read_to_string(&path) else { continue };
            for text in std::iter::once(text.as_str()).chain(text.lines()) {
                let value = json!({ text: text });
                assert_eq!(written(&value), by_the_crate(&value), "{}", path.display());
            }
            files += 1;
        }
    }
    assert!(files > 40, "{files}");
    for c in '\0'..='\u{2ffff}' {
        let value = Value::from(format!("一{c}一"));
        assert_eq!(written(&value), value.to_string());
    }
}

#[test]
fn the_plain_beginning_ends_at_the_first_byte_that_is_escaped() {
    for len in 0..100 {
        let plain = "x".repeat(len);
        assert_eq!(plain_len(&plain), len);
        for special in ['"', '\\', '\0', '\u{1f}'] {
            assert_eq!(plain_len(&format!("{plain}{special}{plain}\"")), len);
        }
    }
    assert_eq!(plain_len("あ\u{7f}\u{80}"), 6);
}

#[test]
fn normal_text_is_nfc_with_lf_whatever_the_characters() {
    use unicode_normalization::UnicodeNormalization;
    for c in '\0'..='\u{2ffff}' {
        for text in [format!("{c}"), format!("か{c}"), format!("{c}\u{3099}"), format!("e\u{301}{c}")] {
            let expected: String = text.replace('\r', "\n").nfc().collect();
            assert_eq!(normal_text(&text), expected, "{}", u32::from(c));
        }
    }
    assert_eq!(normal_text("a\r\nb\rc\n"), "a\nb\nc\n");
}
