//! The way of a pointer through a tree, with every place that it leads to.

use std::borrow::Cow;

use crate::domain::tree::Tree;
use crate::recognise::definition::{Pointer, PointerStep};

/// A member's name as a step of a pointer (RFC 6901).
pub(super) fn escape(key: &str) -> Cow<'_, str> {
    match key.contains(['~', '/']) {
        true => Cow::Owned(key.replace('~', "~0").replace('/', "~1")),
        false => Cow::Borrowed(key),
    }
}

/// Collects the values that a pattern names: arrays in order, members in the order of their names.
pub(super) fn each_match(tree: &Tree, at: String, steps: &[PointerStep], deep: bool, found: &mut Vec<(String, Tree)>) {
    let Some((step, further)) = steps.split_first() else {
        let scalar = matches!(tree, Tree::Text(_) | Tree::Number(_) | Tree::Bool(_));
        if scalar || (deep && *tree != Tree::Null) {
            found.push((at, tree.clone()));
        }
        return;
    };
    match (step, tree) {
        (PointerStep::Key(key), Tree::Map(map)) => {
            if let Some(child) = map.get(key) {
                each_match(child, format!("{at}/{}", escape(key)), further, deep, found);
            }
        }
        (PointerStep::Each, Tree::List(list)) => {
            for (i, child) in list.iter().enumerate() {
                each_match(child, format!("{at}/{i}"), further, deep, found);
            }
        }
        (PointerStep::Member, Tree::Map(map)) => {
            let mut members: Vec<_> = map.iter().collect();
            members.sort_by_key(|(key, _)| key.as_str());
            for (key, child) in members {
                each_match(child, format!("{at}/{}", escape(key)), further, deep, found);
            }
        }
        (PointerStep::Below, tree) => {
            each_match(tree, at.clone(), further, deep, found);
            match tree {
                Tree::List(list) => {
                    for (i, child) in list.iter().enumerate() {
                        each_match(child, format!("{at}/{i}"), steps, deep, found);
                    }
                }
                Tree::Map(map) => {
                    let mut members: Vec<_> = map.iter().collect();
                    members.sort_by_key(|(key, _)| key.as_str());
                    for (key, child) in members {
                        each_match(child, format!("{at}/{}", escape(key)), steps, deep, found);
                    }
                }
                Tree::Null | Tree::Bool(_) | Tree::Number(_) | Tree::Text(_) => {}
            }
        }
        _ => {}
    }
}

/// What is left of a pattern on the way down a tree.
#[derive(Clone, Copy)]
pub(super) struct Trail<'p> {
    /// The member that comes first, where the pattern is no more than its name.
    name: Option<&'p str>,
    steps: &'p [PointerStep],
    deep: bool,
}

impl<'p> Trail<'p> {
    /// The whole of a pointer.
    pub(super) fn of(pointer: &'p Pointer) -> Self {
        Self { name: None, steps: &pointer.steps, deep: pointer.deep }
    }

    /// A member of the body with all that it holds.
    pub(super) fn member(name: &'p str) -> Self {
        Self { name: Some(name), steps: &[], deep: true }
    }

    /// Whether nothing is left of it, and it takes a whole subtree (`deep`) or a scalar.
    pub(super) fn ends(&self, deep: bool) -> bool {
        self.name.is_none() && self.steps.is_empty() && self.deep == deep
    }

    /// Whether it leads to some member of an object.
    pub(super) fn has_member(&self) -> bool {
        self.name.is_some() || matches!(self.steps.first(), Some(PointerStep::Key(_) | PointerStep::Member))
    }

    /// What is left of it behind the member `key`.
    pub(super) fn into_member(self, key: &str) -> Option<Self> {
        if let Some(name) = self.name {
            return (name == key).then_some(Self { name: None, ..self });
        }
        match self.steps.split_first()? {
            (PointerStep::Key(name), steps) => (name == key).then_some(Self { steps, ..self }),
            (PointerStep::Member, steps) => Some(Self { steps, ..self }),
            (PointerStep::Each | PointerStep::Below, _) => None,
        }
    }

    /// What is left of it behind an element of a list.
    pub(super) fn into_element(self) -> Option<Self> {
        match self.steps.split_first()? {
            (PointerStep::Each, steps) if self.name.is_none() => Some(Self { steps, ..self }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::json;

    #[test]
    fn a_step_for_whatever_lies_between_finds_a_name_at_every_depth_in_one_order() {
        let found = |text: &str| {
            let tree = json::parse(text.as_bytes(), 16).unwrap();
            let steps = ["m", "", "url"].map(|step| match step {
                "" => PointerStep::Below,
                name => PointerStep::Key(name.to_owned()),
            });
            let mut found = Vec::new();
            each_match(&tree, String::new(), &steps, false, &mut found);
            found.into_iter().map(|(at, _)| at).collect::<Vec<_>>()
        };
        let text = r#"{"url":"0","m":[{"z":{"url":"1"},"a":{"b":[{"url":"2"}]},"url":"3"},{"url":{"url":"4"}}]}"#;
        let turned = r#"{"m":[{"url":"3","a":{"b":[{"url":"2"}]},"z":{"url":"1"}},{"url":{"url":"4"}}],"url":"0"}"#;
        let places = ["/m/0/url", "/m/0/a/b/0/url", "/m/0/z/url", "/m/1/url/url"];
        assert_eq!(found(text), places);
        assert_eq!(found(turned), places);
    }
}
