//! Examples: what the provider's documents show as a body of a route. A rule that finds nothing in any of them is written
//! wrong, and would never find anything.

use serde_json::{Map, Value};
use toml::Spanned;

use super::{FieldFile, Reader};
use crate::recognise::definition::{Place, Pointer, PointerStep};
use crate::recognise::words::place;

/// The examples of a route, each as the tree that it is.
#[derive(Default)]
struct Examples {
    /// Bodies in JSON.
    json: Vec<Value>,
    /// A form: names of fields or parts, and their values.
    form: Vec<(String, String)>,
    /// The same where keys nest.
    tree: Option<Value>,
}

impl Reader<'_> {
    /// Holds each rule of a route that takes something from a body against the route's examples: `example`, one body in
    /// JSON or a list of several; `example_form`, one `name=value` a line.
    pub(super) fn exemplified(
        &mut self,
        (json, form): (Option<&Spanned<String>>, Option<&Spanned<String>>),
        fields: &[Spanned<FieldFile>],
        brackets: bool,
    ) {
        let mut examples = Examples::default();
        if let Some(text) = json {
            match serde_json::from_str(text.get_ref()) {
                Ok(Value::Array(bodies)) => examples.json = bodies,
                Ok(body) => examples.json.push(body),
                Err(error) => self.problem(Some(text.span()), format!("the example is no JSON: {error}")),
            }
        }
        if let Some(text) = form {
            for line in text.get_ref().lines().map(str::trim).filter(|line| !line.is_empty()) {
                match line.split_once('=') {
                    Some((name, value)) => examples.form.push((name.to_owned(), value.to_owned())),
                    None => self.problem(Some(text.span()), format!("the example has no name before {line:?}")),
                }
            }
            examples.tree = brackets.then(|| nested(&examples.form));
        }
        if examples.json.is_empty() && examples.form.is_empty() {
            return;
        }
        for field in fields {
            let at = &field.get_ref().at;
            let Ok(found) = place(at).map(|place| examples.at(&place)) else { continue };
            match found {
                None => {}
                Some(values) if values.is_empty() => {
                    self.problem(Some(field.span()), format!("{at:?} finds nothing in the route's example"));
                }
                Some(values) => self.inside(&field.get_ref().inner, &values),
            }
        }
    }

    /// The rules for what stands in a JSON text.
    fn inside(&mut self, inner: &[Spanned<FieldFile>], values: &[Value]) {
        let read: Vec<Value> = values.iter().map(read).collect();
        for field in inner {
            let at = &field.get_ref().at;
            let Ok(Place::Json(pointer)) = place(at) else { continue };
            let found: Vec<Value> = read.iter().flat_map(|value| values_at(value, &pointer)).cloned().collect();
            if found.is_empty() {
                self.problem(Some(field.span()), format!("{at:?} finds nothing in the route's example"));
            } else {
                self.inside(&field.get_ref().inner, &found);
            }
        }
    }
}

impl Examples {
    /// What stands at a place; none where the place is in no body.
    fn at(&self, place: &Place) -> Option<Vec<Value>> {
        let form = |name: &str| {
            let named = self.form.iter().filter(move |(key, _)| key == name);
            named.map(|(_, value)| Value::from(value.as_str())).collect::<Vec<_>>()
        };
        match place {
            Place::Json(pointer) => {
                let bodies = self.json.iter().chain(&self.tree);
                Some(bodies.flat_map(|body| values_at(body, pointer)).cloned().collect())
            }
            Place::Form(name) => Some(form(name)),
            Place::Param(name) => {
                let members = self.json.iter().filter_map(|body| body.get(name)).cloned();
                Some(members.chain(form(name)).collect())
            }
            Place::FormAny | Place::Query(_) | Place::Path(_) | Place::Header(_) | Place::Raw => None,
        }
    }
}

/// A JSON text as what it says; anything else as it is.
fn read(value: &Value) -> Value {
    value.as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_else(|| value.clone())
}

/// The values that a pointer finds.
fn values_at<'v>(value: &'v Value, pointer: &Pointer) -> Vec<&'v Value> {
    let mut found = vec![value];
    for step in &pointer.steps {
        found = found.into_iter().flat_map(|value| step_into(value, step)).collect();
    }
    found
}

fn step_into<'v>(value: &'v Value, step: &PointerStep) -> Vec<&'v Value> {
    match (step, value) {
        (PointerStep::Key(name), Value::Object(members)) => members.get(name).into_iter().collect(),
        (PointerStep::Each, Value::Array(list)) => list.iter().collect(),
        (PointerStep::Member, Value::Object(members)) => members.values().collect(),
        (PointerStep::Below, value) => everything(value),
        _ => Vec::new(),
    }
}

/// A value and all that stands in it.
fn everything(value: &Value) -> Vec<&Value> {
    let inside: Vec<&Value> = match value {
        Value::Object(members) => members.values().collect(),
        Value::Array(list) => list.iter().collect(),
        _ => Vec::new(),
    };
    std::iter::once(value).chain(inside.into_iter().flat_map(everything)).collect()
}

/// The tree of a form whose keys nest: `poll[options][]`.
fn nested(form: &[(String, String)]) -> Value {
    let mut root = Value::Object(Map::new());
    for (key, value) in form {
        let mut steps = key.split('[').map(|step| step.trim_end_matches(']'));
        let first = steps.next().unwrap_or_default();
        let rest: Vec<&str> = steps.collect();
        put(&mut root, first, &rest, Value::from(value.as_str()));
    }
    root
}

fn put(node: &mut Value, step: &str, rest: &[&str], leaf: Value) {
    let inner = match node {
        Value::Array(list) => {
            list.push(Value::Null);
            list.last_mut()
        }
        Value::Object(members) => Some(members.entry(step).or_insert(Value::Null)),
        _ => None,
    };
    let Some(inner) = inner else { return };
    match rest.split_first() {
        None => *inner = leaf,
        Some((next, further)) => {
            if inner.is_null() {
                *inner = if next.is_empty() { Value::Array(Vec::new()) } else { Value::Object(Map::new()) };
            }
            put(inner, next, further, leaf);
        }
    }
}
