//! A draft that somebody wants looked at before approval is asked, and what an inspection says of it.

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::{Value, json};

use super::finding::{Report, Severity};
use super::post::{Field, Post, Role};
use super::tree::Tree;

/// One text, or several fields by name.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Draft {
    /// The caller's own mark; comes back in the answer.
    pub id: Value,
    /// The text of a post.
    pub text: Option<String>,
    /// Fields by name, such as `title`, `alt` or `link`; a name that is not known is read as a text.
    pub fields: IndexMap<String, String>,
}

impl Draft {
    /// The post that it would be; none if it says nothing.
    pub fn post(self) -> Option<Post> {
        let given = self.text.into_iter().map(|text| ("text".to_owned(), text)).chain(self.fields);
        let field = |(name, text): (String, String)| Field {
            role: role(&name),
            at: format!("/{name}"),
            value: Tree::Text(text),
        };
        let fields: Vec<Field> = given.map(field).collect();
        (!fields.is_empty()).then(|| Post { fields, ..Post::default() })
    }
}

fn role(name: &str) -> Role {
    let roles = [Role::Title, Role::Description, Role::Alt, Role::Link, Role::Tag, Role::Label, Role::Message];
    match name {
        "url" => Role::Link,
        name => roles.into_iter().find(|role| role.as_str() == name).unwrap_or(Role::Text),
    }
}

/// What is told of a draft: `decision` is what inspection alone would do, `sentence` says what to change.
pub fn answer(id: &Value, report: &Report) -> Value {
    let decision = match report.worst() {
        Some(Severity::Block) => "block",
        Some(Severity::Review) => "review",
        Some(Severity::Note) | None => "allow",
    };
    let findings: Vec<Value> = report
        .findings
        .iter()
        .map(|it| {
            json!({
                "rule": it.rule, "category": it.category, "clauses": it.clauses, "severity": it.severity,
                "field": it.field, "span": it.span, "excerpt": it.excerpt, "sentence": it.advice, "never": it.never, "accept": it.accept,
            })
        })
        .collect();
    json!({ "id": id, "decision": decision, "rules": report.rules, "findings": findings })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_is_read_by_the_names_of_its_fields_and_an_empty_one_is_no_post() {
        let draft: Draft = serde_json::from_str(r#"{"id":7,"text":"a","fields":{"url":"bit.ly","card":"b"}}"#).unwrap();
        let post = draft.post().unwrap();
        let read: Vec<_> = post.texts().into_iter().map(|(at, role, text)| (at, role, text.to_owned())).collect();
        let expected = [("/text", Role::Text, "a"), ("/url", Role::Link, "bit.ly"), ("/card", Role::Text, "b")];
        assert_eq!(read, expected.map(|(at, role, text)| (at.to_owned(), role, text.to_owned())));
        assert_eq!(Draft::default().post(), None);
    }
}
