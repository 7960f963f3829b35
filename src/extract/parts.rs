//! Parts of a carousel: each is made in a request of its own, and what it shows belongs to the post that shows it.
//!
//! What a part holds is kept as JSON in the store until its provider throws it away, and read back field by field, so that
//! the whole is inspected, shown to the approver and covered by the digest with everything that its parts show.

use indexmap::IndexMap;

use crate::domain::container::Container;
use crate::domain::decision::Refusal;
use crate::domain::media::{Media, Sha256};
use crate::domain::post::{Field, Post, Role};
use crate::domain::tree::Tree;

use super::json;

/// Nesting of what is kept: a body's own, and what stands around it.
const DEPTH: usize = 128;

const ROLES: [Role; 8] =
    [Role::Text, Role::Title, Role::Description, Role::Alt, Role::Link, Role::Tag, Role::Label, Role::Message];

/// What a part holds, as text for the store.
pub fn written(post: &Post, by_url: bool) -> String {
    let text = |text: &str| Tree::Text(text.to_owned());
    let map = |members: Vec<(&str, Tree)>| {
        Tree::Map(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    };
    let field = |field: &Field| {
        map(vec![("at", text(&field.at)), ("role", text(field.role.as_str())), ("value", field.value.clone())])
    };
    let medium = |medium: &Media| {
        map(vec![
            ("id", text(&medium.id)),
            ("sha256", text(&medium.sha256.hex())),
            ("len", text(&medium.len.to_string())),
            ("alt", medium.alt.as_deref().map_or(Tree::Null, text)),
        ])
    };
    let mut out = String::new();
    map(vec![
        ("fields", Tree::List(post.fields.iter().map(field).collect())),
        ("media", Tree::List(post.media.iter().map(medium).collect())),
        ("audience", Tree::Map(post.audience.clone())),
        ("rest", Tree::Map(post.rest.clone())),
        ("by_url", Tree::Bool(by_url)),
    ])
    .write_json(&mut out);
    out
}

/// Puts what the part shows into the post, under its number; whether it names media by URL.
///
/// # Errors
/// Refusals `not-a-part` for a container that is published by itself, and `container-expired`.
pub fn join(post: &mut Post, number: usize, part: &Container) -> Result<bool, Refusal> {
    if !part.is_part() {
        return Err(refusal(
            "not-a-part",
            "カルーセルに含めようとした画像・動画は、カルーセルの一部として作成されたものではありません。",
            "The container was not made as a part of a carousel.",
        ));
    }
    let (kept, by_url) = part.part.as_deref().and_then(read).ok_or_else(|| {
        refusal(
            "container-expired",
            "カルーセルに含めようとした画像・動画は、作成から24時間を過ぎたため使えません。",
            "A part of the carousel was made too long ago.",
        )
    })?;
    let at = |place: &str| format!("part:{number}/{}", place.trim_start_matches('/'));
    post.fields.extend(kept.fields.into_iter().map(|field| Field { at: at(&field.at), ..field }));
    post.media.extend(kept.media);
    post.audience.extend(kept.audience.into_iter().map(|(place, value)| (at(&place), value)));
    post.rest.extend(kept.rest.into_iter().map(|(place, value)| (at(&place), value)));
    Ok(by_url)
}

fn read(text: &str) -> Option<(Post, bool)> {
    let tree = json::parse(text.as_bytes(), DEPTH).ok()?;
    let list = |name: &str| match tree.get(name) {
        Some(Tree::List(list)) => Some(list),
        _ => None,
    };
    let map = |name: &str| match tree.get(name) {
        Some(Tree::Map(map)) => Some(map.clone()),
        _ => None,
    };
    let field = |kept: &Tree| {
        let role = kept.get("role")?.as_text()?;
        Some(Field {
            role: ROLES.into_iter().find(|known| known.as_str() == role)?,
            at: kept.get("at")?.as_text()?.to_owned(),
            value: kept.get("value")?.clone(),
        })
    };
    let medium = |kept: &Tree| {
        Some(Media {
            id: kept.get("id")?.as_text()?.to_owned(),
            sha256: Sha256::from_hex(kept.get("sha256")?.as_text()?)?,
            len: kept.get("len")?.as_text()?.parse().ok()?,
            alt: kept.get("alt")?.as_text().map(str::to_owned),
        })
    };
    let post = Post {
        fields: list("fields")?.iter().map(field).collect::<Option<_>>()?,
        media: list("media")?.iter().map(medium).collect::<Option<_>>()?,
        references: IndexMap::new(),
        schedule: None,
        audience: map("audience")?,
        rest: map("rest")?,
        at_home: false,
    };
    Some((post, *tree.get("by_url")? == Tree::Bool(true)))
}

fn refusal(code: &'static str, ja: &str, en: &str) -> Refusal {
    Refusal::refused(code, ja, en, "画像・動画の作成からやり直してください。").citing("sekisho:container")
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::domain::account::{AccountId, ProviderId};
    use crate::domain::action::Action;
    use crate::domain::digest;

    fn part(action: Action, kept: Option<String>) -> Container {
        let provider = ProviderId::new("threads");
        Container {
            digest: digest::digest(&provider, action, None, &Post::default()),
            provider,
            id: "1".to_owned(),
            account: AccountId::new("a"),
            action,
            made: Timestamp::UNIX_EPOCH,
            expires: Timestamp::UNIX_EPOCH,
            emergency: None,
            part: kept,
        }
    }

    #[test]
    fn what_a_part_shows_is_in_the_whole_under_its_number() {
        let mut shown = Post::default();
        let value = json::parse(r#"{"a":[1.50,"避"],"$n":null}"#.as_bytes(), 8).unwrap();
        shown.fields.push(Field { role: Role::Alt, at: "/alt_text".to_owned(), value });
        let medium = Media { id: "7".to_owned(), sha256: Sha256::of(b"7"), len: 1, alt: Some("図".to_owned()) };
        shown.media.push(medium.clone());
        shown.audience.insert("form:user_tags".to_owned(), Tree::Text("[]".to_owned()));
        shown.rest.insert("query:x".to_owned(), Tree::Null);

        let mut whole = Post::default();
        let by_url = join(&mut whole, 2, &part(Action::Upload, Some(written(&shown, true)))).unwrap();
        assert!(by_url);
        assert_eq!(whole.fields[0].at, "part:2/alt_text");
        assert_eq!(whole.fields[0].value, shown.fields[0].value);
        assert_eq!(whole.media, [medium]);
        assert!(whole.audience.contains_key("part:2/form:user_tags") && whole.rest.contains_key("part:2/query:x"));
    }

    #[test]
    fn a_post_of_its_own_is_no_part_and_a_part_that_was_forgotten_is_expired() {
        let mut whole = Post::default();
        let own = part(Action::Publish, Some(written(&Post::default(), false)));
        assert_eq!(join(&mut whole, 0, &own).unwrap_err().code, "not-a-part");
        let forgotten = part(Action::Upload, None);
        assert_eq!(join(&mut whole, 0, &forgotten).unwrap_err().code, "container-expired");
        assert_eq!(whole, Post::default());
    }
}
