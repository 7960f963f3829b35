//! A body whose media have other ids at the provider than when it was written: each id is written anew where it stands as
//! a value of its own. What comes of it is read and judged like any other body.

use jiff::Timestamp;

use crate::domain::tree::Tree;
use crate::recognise::Recognised;
use crate::recognise::definition::{FieldRole, Grammar, Place, PointerStep};

use super::{form, json};

/// Ids: as they stood, and as they are now.
pub type Ids = [(String, String)];

/// One value with its new id; a list of ids with commas between them, too.
pub fn value(text: &str, ids: &Ids) -> Option<String> {
    let now = |one: &str| ids.iter().find(|(old, _)| old == one).map(|(_, new)| new.clone());
    if let Some(new) = now(text) {
        return Some(new);
    }
    if !text.contains(',') || !text.split(',').any(|one| now(one).is_some()) {
        return None;
    }
    Some(text.split(',').map(|one| now(one).unwrap_or_else(|| one.to_owned())).collect::<Vec<_>>().join(","))
}

/// A path with its new ids.
pub fn path(path: &str, ids: &Ids) -> String {
    path.split('/').map(|step| value(step, ids).unwrap_or_else(|| step.to_owned())).collect::<Vec<_>>().join("/")
}

/// The body with its new ids; as it is, where it cannot be read.
pub fn body(bytes: Vec<u8>, content_type: &str, brackets: bool, ids: &Ids) -> Vec<u8> {
    if ids.is_empty() {
        return bytes;
    }
    match content_type {
        "application/json" => match json::parse(&bytes, usize::MAX) {
            Ok(mut tree) => {
                rename(&mut tree, ids);
                let mut out = String::new();
                tree.write_json(&mut out);
                out.into_bytes()
            }
            Err(_) => bytes,
        },
        "application/x-www-form-urlencoded" => match form::parse(&bytes, brackets) {
            Ok(mut pairs) => {
                for (_, text) in &mut pairs {
                    if let Some(new) = value(text, ids) {
                        *text = new;
                    }
                }
                form::write(&pairs).into()
            }
            Err(_) => bytes,
        },
        kind if kind.starts_with("multipart/form-data") => parts(bytes, ids),
        _ => bytes,
    }
}

/// A JSON body whose volatile timestamps say `now`: what was kept for a day is published now, and providers sort by them.
/// The digest does not cover them.
pub fn restamped(bytes: Vec<u8>, recognised: &Recognised, now: Timestamp) -> Vec<u8> {
    let stamps = recognised.route.fields.iter().filter(|rule| rule.role == FieldRole::Volatile(Grammar::Timestamp));
    let places: Vec<&[PointerStep]> = stamps
        .filter_map(|rule| match &rule.at {
            Place::Json(pointer) => Some(pointer.steps.as_slice()),
            _ => None,
        })
        .collect();
    let Some(mut tree) = json::parse(&bytes, usize::MAX).ok().filter(|_| !places.is_empty()) else { return bytes };
    for steps in places {
        let mut node = Some(&mut tree);
        for step in steps {
            node = match (node, step) {
                (Some(Tree::Map(map)), PointerStep::Key(key)) => map.get_mut(key),
                (_, _) => None,
            };
        }
        if let Some(Tree::Text(text)) = node {
            *text = format!("{now:.3}");
        }
    }
    let mut out = String::new();
    tree.write_json(&mut out);
    out.into_bytes()
}

fn rename(tree: &mut Tree, ids: &Ids) {
    match tree {
        Tree::Text(text) => {
            if let Some(new) = value(text, ids) {
                *text = new;
            }
        }
        Tree::List(list) => list.iter_mut().for_each(|item| rename(item, ids)),
        Tree::Map(map) => map.values_mut().for_each(|item| rename(item, ids)),
        Tree::Null | Tree::Bool(_) | Tree::Number(_) => {}
    }
}

/// Parts that are an id and nothing else, as the gateway writes parts.
pub fn parts(mut bytes: Vec<u8>, ids: &Ids) -> Vec<u8> {
    for (old, new) in ids {
        let part = format!("\r\n\r\n{old}\r\n--");
        let Some(at) = bytes.windows(part.len()).position(|window| window == part.as_bytes()) else { continue };
        bytes.splice(at..at + part.len(), format!("\r\n\r\n{new}\r\n--").into_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids() -> Vec<(String, String)> {
        vec![("11".to_owned(), "77".to_owned()), ("12".to_owned(), "78".to_owned())]
    }

    #[test]
    fn an_id_is_written_anew_where_it_is_a_value_of_its_own() {
        let json =
            body(br#"{"text":"11 o'clock","m":{"ids":["11","12","13"]}}"#.to_vec(), "application/json", false, &ids());
        assert_eq!(json, br#"{"text":"11 o'clock","m":{"ids":["77","78","13"]}}"#);
        let form = body(b"status=a+11&media_ids=11%2C12".to_vec(), "application/x-www-form-urlencoded", false, &ids());
        assert_eq!(String::from_utf8(form).unwrap(), "status=a+11&media_ids=77%2C78".replace('+', "%20"));
        assert_eq!(path("/2/media/upload/11/append", &ids()), "/2/media/upload/77/append");
        let part = b"--b\r\nContent-Disposition: form-data; name=\"media_id\"\r\n\r\n11\r\n--b--\r\n".to_vec();
        let parts = body(part, "multipart/form-data; boundary=b", false, &ids());
        assert!(String::from_utf8(parts).unwrap().contains("\r\n\r\n77\r\n--b--"));
    }
}
