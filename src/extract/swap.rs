//! Values of an outbound request that the gateway writes in the place of the tool's: the address of its own copy for the
//! address of a medium.

use crate::domain::decision::Refusal;
use crate::domain::outbound::OutBody;
use crate::domain::tree::Tree;
use crate::recognise::Recognised;

use super::{Extracted, form, json};

/// One value, where it stands, and what is written there instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Swap {
    /// The place, as fields name it: `/image_url`, `form:image_url`, `query:image_url`.
    pub at: String,
    /// What stands there.
    pub old: String,
    /// What is to stand there.
    pub new: String,
}

/// Writes the new values. The post keeps the old ones: they are what was seen and approved.
///
/// # Errors
/// Refusal `media-url-place` where a value does not stand exactly once where it was read.
pub fn swap(recognised: &mut Recognised, extracted: &mut Extracted, swaps: &[Swap]) -> Result<(), Refusal> {
    let mut body = Body::open(extracted, recognised.provider.brackets)?;
    for swap in swaps {
        let query = |recognised: &mut Recognised, name: &str| {
            let mut pairs = recognised.query.iter_mut().filter(|(key, value)| key == name && *value == swap.old);
            pairs.next().map(|(_, value)| value.clone_from(&swap.new)).is_some()
        };
        let written = if let Some(name) = swap.at.strip_prefix("query:") {
            query(recognised, name)
        } else if let Some(name) = swap.at.strip_prefix("form:") {
            body.put_pair(name, swap)
        } else if body.put_member(swap) {
            true
        } else if recognised.provider.brackets {
            // A form and a query nest there, and say the same as JSON would.
            let key = bracketed(&swap.at);
            body.put_pair(&key, swap) || query(recognised, &key)
        } else {
            false
        };
        if !written {
            return Err(misplaced());
        }
    }
    body.close(extracted);
    Ok(())
}

/// `/attachment/payload/url` as the key of a form: `attachment[payload][url]`.
fn bracketed(at: &str) -> String {
    let mut steps = at.split('/').skip(1);
    let mut key = steps.next().unwrap_or_default().to_owned();
    for step in steps {
        key.push_str(&format!("[{step}]"));
    }
    key
}

/// A body that the gateway wrote, opened again.
enum Body {
    Json(Tree),
    Form(Vec<(String, String)>),
    /// The parts, with the boundary that nobody but the gateway knows.
    Parts(String, String),
    Other,
}

impl Body {
    fn open(extracted: &Extracted, brackets: bool) -> Result<Self, Refusal> {
        let OutBody::Bytes(bytes) = &extracted.body else { return Ok(Self::Other) };
        Ok(match extracted.content_type.as_deref() {
            Some("application/json") => Self::Json(json::parse(bytes, usize::MAX).map_err(|_| misplaced())?),
            Some("application/x-www-form-urlencoded") => Self::Form(form::parse(bytes, brackets)?),
            Some(kind) if kind.starts_with("multipart/form-data; boundary=") => {
                let boundary = kind.rsplit('=').next().unwrap_or_default().to_owned();
                // Bytes that are no text are a medium's, and then no address stands beside it.
                String::from_utf8(bytes.to_vec()).map_or(Self::Other, |text| Self::Parts(boundary, text))
            }
            _ => Self::Other,
        })
    }

    fn put_member(&mut self, swap: &Swap) -> bool {
        let Self::Json(tree) = self else { return false };
        let mut node = tree;
        for step in swap.at.split('/').skip(1) {
            let step = step.replace("~1", "/").replace("~0", "~");
            let next = match node {
                Tree::Map(map) => map.get_mut(&step),
                Tree::List(list) => step.parse::<usize>().ok().and_then(|number| list.get_mut(number)),
                Tree::Null | Tree::Bool(_) | Tree::Number(_) | Tree::Text(_) => None,
            };
            let Some(next) = next else { return false };
            node = next;
        }
        match node {
            Tree::Text(text) if *text == swap.old => {
                text.clone_from(&swap.new);
                true
            }
            _ => false,
        }
    }

    fn put_pair(&mut self, name: &str, swap: &Swap) -> bool {
        match self {
            Self::Form(pairs) => {
                let pair = pairs.iter_mut().find(|(key, value)| key == name && *value == swap.old);
                pair.map(|(_, value)| value.clone_from(&swap.new)).is_some()
            }
            Self::Parts(boundary, text) => {
                let head = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
                let part = |value: &str| format!("{head}{value}\r\n--{boundary}");
                let (old, new) = (part(&swap.old), part(&swap.new));
                let once = text.matches(&old).count() == 1;
                if once {
                    *text = text.replacen(&old, &new, 1);
                }
                once
            }
            Self::Json(_) | Self::Other => false,
        }
    }

    fn close(self, extracted: &mut Extracted) {
        let text = match self {
            Self::Json(tree) => {
                let mut out = String::new();
                tree.write_json(&mut out);
                out
            }
            Self::Form(pairs) => form::write(&pairs),
            Self::Parts(_, text) => text,
            Self::Other => return,
        };
        extracted.body = OutBody::Bytes(text.into());
    }
}

fn misplaced() -> Refusal {
    Refusal::refused(
        "media-url-place",
        "画像・動画のURLの書かれ方が、関所で置き換えられない形のため、通せません。",
        "The URL of a medium stands where the gateway cannot write its own.",
        "画像・動画のURLだけを、フォームかJSONで送るよう、投稿ツールを設定してください。",
    )
    .status(400)
    .citing("sekisho:media-by-url")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn swap_in(body: Body, at: &str) -> (bool, Body) {
        let mut body = body;
        let swap =
            Swap { at: at.to_owned(), old: "https://a.example/1".to_owned(), new: "https://m.example/x".to_owned() };
        let put = match at.strip_prefix("form:") {
            Some(name) => body.put_pair(name, &swap),
            None => body.put_member(&swap),
        };
        (put, body)
    }

    #[test]
    fn a_value_is_written_where_it_was_read_and_nowhere_else() {
        let json = br#"{"text":"https://a.example/1","m":[{"u~/v":"https://a.example/1","w":1}]}"#;
        let (put, body) = swap_in(Body::Json(json::parse(json, 8).unwrap()), "/m/0/u~0~1v");
        let Body::Json(tree) = body else { panic!("json") };
        let mut out = String::new();
        tree.write_json(&mut out);
        assert!(put);
        assert_eq!(out, r#"{"text":"https://a.example/1","m":[{"u~/v":"https://m.example/x","w":1}]}"#);
        for at in ["/m/0/w", "/m/1/u", "/nothing", "/m"] {
            assert!(!swap_in(Body::Json(json::parse(json, 8).unwrap()), at).0, "{at}");
        }
    }

    #[test]
    fn a_part_of_a_multipart_body_is_written_anew_only_if_it_is_that_part() {
        let part = |name: &str, value: &str| {
            format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let text =
            format!("{}{}--b--\r\n", part("caption", "https://a.example/1"), part("image_url", "https://a.example/1"));
        let (put, body) = swap_in(Body::Parts("b".to_owned(), text.clone()), "form:image_url");
        let Body::Parts(_, out) = body else { panic!("parts") };
        assert!(put);
        let expected =
            format!("{}{}--b--\r\n", part("caption", "https://a.example/1"), part("image_url", "https://m.example/x"));
        assert_eq!(out, expected);
        assert!(!swap_in(Body::Parts("b".to_owned(), text), "form:video_url").0);
    }

    #[test]
    fn a_place_in_a_tree_has_a_key_in_a_form() {
        assert_eq!(bracketed("/url"), "url");
        assert_eq!(bracketed("/attachment/payload/url"), "attachment[payload][url]");
    }
}
