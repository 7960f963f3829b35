//! Bracket keys (`media_ids[]`, `poll[options][]`, `fields[0][name]`) read as the tree that a JSON body would be.
//!
//! A strict subset of what Rack reads: a key is a value, a list or a map and never two of them; a list holds texts, or
//! maps of one level, of which a new one begins where a member comes again.

use indexmap::IndexMap;

use crate::domain::decision::Refusal;
use crate::domain::tree::Tree;

/// Steps of one key: its name and brackets.
const STEPS: usize = 5;

/// The steps of a key: `poll[options][]` is `poll`, `options` and the empty step of a list. None if it is no such key.
pub fn steps(key: &str) -> Option<Vec<&str>> {
    let word = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let (name, mut rest) = key.split_at(key.find('[').unwrap_or(key.len()));
    if name.is_empty() || !word(name) {
        return None;
    }
    let mut steps = vec![name];
    while !rest.is_empty() {
        let (step, after) = rest.strip_prefix('[')?.split_once(']')?;
        if !word(step) || steps.len() >= STEPS {
            return None;
        }
        steps.push(step);
        rest = after;
    }
    Some(steps)
}

/// The tree of all pairs.
///
/// # Errors
/// Refusal `form-key` where two readers could make different trees.
pub fn tree(pairs: &[(String, String)]) -> Result<IndexMap<String, Tree>, Refusal> {
    let mut root = IndexMap::new();
    for (key, value) in pairs {
        let steps = steps(key).ok_or_else(bad_key)?;
        let (first, rest) = steps.split_first().ok_or_else(bad_key)?;
        put(&mut root, first, rest, Tree::Text(value.clone())).ok_or_else(bad_key)?;
    }
    Ok(root)
}

fn put(map: &mut IndexMap<String, Tree>, key: &str, rest: &[&str], value: Tree) -> Option<()> {
    match rest.split_first() {
        None => map.insert(key.to_owned(), value).is_none().then_some(()),
        Some((&"", further)) => {
            let Tree::List(list) = map.entry(key.to_owned()).or_insert_with(|| Tree::List(Vec::new())) else {
                return None;
            };
            push(list, further, value)
        }
        Some((name, further)) => {
            let Tree::Map(inner) = map.entry(key.to_owned()).or_insert_with(|| Tree::Map(IndexMap::new())) else {
                return None;
            };
            put(inner, name, further, value)
        }
    }
}

fn push(list: &mut Vec<Tree>, further: &[&str], value: Tree) -> Option<()> {
    match (further, list.last_mut()) {
        ([], None | Some(Tree::Text(_))) => list.push(value),
        ([name], Some(Tree::Map(last))) if !name.is_empty() && !last.contains_key(*name) => {
            last.insert((*name).to_owned(), value);
        }
        ([name], None | Some(Tree::Map(_))) if !name.is_empty() => {
            list.push(Tree::Map(IndexMap::from([((*name).to_owned(), value)])));
        }
        _ => return None,
    }
    Some(())
}

/// The refusal of a key that servers could read differently.
pub(super) fn bad_key() -> Refusal {
    Refusal::refused(
        "form-key",
        "フォームに、関所が受け付けない書き方の項目名があります。",
        "A form field has a name that servers could read differently.",
        "投稿ツールの設定を確認してください。",
    )
    .status(400)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, Refusal> {
        let pairs: Vec<(String, String)> = text
            .split('&')
            .map(|pair| pair.split_once('=').unwrap())
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        let mut json = String::new();
        Tree::Map(tree(&pairs)?).write_json(&mut json);
        Ok(json)
    }

    #[test]
    fn bracket_keys_are_the_tree_that_json_would_be() {
        let cases = [
            ("status=a&media_ids[]=1&media_ids[]=2", r#"{"status":"a","media_ids":["1","2"]}"#),
            (
                "poll[options][]=x&poll[options][]=y&poll[expires_in]=60",
                r#"{"poll":{"options":["x","y"],"expires_in":"60"}}"#,
            ),
            ("m[][id]=1&m[][description]=a&m[][id]=2", r#"{"m":[{"id":"1","description":"a"},{"id":"2"}]}"#),
            ("f[0][name]=a&f[0][value]=b&f[1][name]=c", r#"{"f":{"0":{"name":"a","value":"b"},"1":{"name":"c"}}}"#),
        ];
        for (text, json) in cases {
            assert_eq!(read(text).unwrap(), json, "{text}");
        }
    }

    #[test]
    fn keys_that_two_readers_could_nest_differently_are_refused() {
        let cases = [
            "a=1&a=2",
            "a=1&a[]=2",
            "a[]=1&a[b]=2",
            "a[b]=1&a[]=2",
            "a[]=1&a[][b]=2",
            "a[][b]=1&a[]=2",
            "a[][][]=1",
            "a[][b][c]=1",
            "a[b=1",
            "a]b=1",
            "[a]=1",
            "a[b]c=1",
            "a[b c]=1",
            "a[b][c][d][e][f]=1",
            "a.b=1",
        ];
        for text in cases {
            assert_eq!(read(text).unwrap_err().code, "form-key", "{text}");
        }
    }
}
