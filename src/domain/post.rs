//! `Post`: what the public would read, see and hear, understood field by field.

use indexmap::IndexMap;

use super::media::Media;
use super::tree::Tree;

/// What a mapped field is to the reader. Named by a provider definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The text of the post.
    Text,
    /// A title or heading.
    Title,
    /// A longer description.
    Description,
    /// Alternative text of a medium, subtitles.
    Alt,
    /// A link.
    Link,
    /// A tag or hashtag field.
    Tag,
    /// A label: button, menu bar, poll option.
    Label,
    /// A structured message whose every string is read: LINE messages, a record.
    Message,
}

impl Role {
    /// The stable name used in definitions, digests and findings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Title => "title",
            Self::Description => "description",
            Self::Alt => "alt",
            Self::Link => "link",
            Self::Tag => "tag",
            Self::Label => "label",
            Self::Message => "message",
        }
    }
}

/// One mapped field: its role, where it stood, its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// What it is to the reader.
    pub role: Role,
    /// Where it stood in the request: `/text`, `/messages/0/text`, `form:status`.
    pub at: String,
    /// Its value, as received.
    pub value: Tree,
}

/// A post, complete: every field of the request that reaches the public or changes how is in it.
///
/// `Post` is always the noun. Its digest is `domain::digest::digest`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Post {
    /// Fields the public reads, in the order received.
    pub fields: Vec<Field>,
    /// Media with the hash of their bytes, in the order they are shown.
    pub media: Vec<Media>,
    /// What it refers to, by kind (`reply_to`, `quote_of`, `repost_of`, `whom`), ids in order.
    pub references: IndexMap<String, Vec<String>>,
    /// When the provider is asked to publish, as received; none means now.
    pub schedule: Option<String>,
    /// Who may see it and how, by the field's place.
    pub audience: IndexMap<String, Tree>,
    /// Every field that no definition maps, by its place. A post without an approval must have none.
    pub rest: IndexMap<String, Tree>,
    /// Whether the server that the audience names (`instance`) is the one that the account lives on: then it says nothing
    /// that the account does not. The digest covers the server's name itself, and not this.
    pub at_home: bool,
}

impl Post {
    /// The words of a post that is one text and nothing else: no media, no references, nothing tagged or scheduled, no
    /// unmapped field. What is approved by its words alone must be no more than them.
    pub fn only_text(&self) -> Option<&str> {
        if !self.media.is_empty() || !self.rest.is_empty() || !self.references.values().all(Vec::is_empty) {
            return None;
        }
        // `means` names the route; some SDKs write a switch out that is off.
        let plain = |(at, value): (&String, &Tree)| {
            at == "means" || at == "instance" && self.at_home || *value == Tree::Bool(false)
        };
        let plain_audience = self.audience.iter().all(plain);
        if !plain_audience || self.schedule.is_some() {
            return None;
        }
        let mut texts = Vec::new();
        for field in &self.fields {
            field.value.each_text(&field.at, &mut |at, text| texts.push((at, text)));
        }
        // A structured message (LINE) says of itself that it is a text.
        texts.retain(|(at, text)| !(at.ends_with("/type") && *text == "text"));
        let [(_, text)] = texts.as_slice() else { return None };
        Some(text)
    }

    /// Every string that an inspector must see: mapped fields, alternative texts, audience and `rest`, with its place.
    pub fn texts(&self) -> Vec<(String, Role, &str)> {
        let mut texts = Vec::new();
        for field in &self.fields {
            field.value.each_text(&field.at, &mut |at, text| texts.push((at, field.role, text)));
        }
        for medium in &self.media {
            if let Some(alt) = &medium.alt {
                texts.push((format!("media:{}", medium.id), Role::Alt, alt));
            }
        }
        for (at, value) in self.audience.iter().chain(&self.rest) {
            value.each_text(at, &mut |at, text| texts.push((at, Role::Message, text)));
        }
        texts
    }
}
