//! Graph's `batch`: a JSON list of requests in a field, each with a method, a relative URL and a form as its body.
//!
//! Each is read as the request that it says it is, and written anew from what was understood. What nobody can judge
//! beforehand is refused by name: references to the results of others, files, and credentials of an item's own.

use bytes::Bytes;
use http::Method;
use indexmap::IndexMap;

use crate::domain::decision::Refusal;
use crate::domain::outbound::OutBody;
use crate::domain::tree::Tree;
use crate::extract::body::Parsed;
use crate::extract::{form, json};
use crate::recognise::definition::{Batch, BodyKind};
use crate::recognise::matcher::{Table, encode_pairs};
use crate::recognise::{self, Recognised};

use super::{Item, files, numbered, of_request, reference, shape};

/// Nesting of the list: items, their headers.
const DEPTH: usize = 8;

/// How a value of another item's result is written where it is to be put in.
const REFERENCE: &str = "{result=";

/// Whether the body has a member of this name.
pub(super) fn has(parsed: &Parsed, at: &str) -> bool {
    let member = parsed.json.as_ref().is_some_and(|tree| tree.get(at).is_some());
    member || parsed.form.iter().any(|(name, _)| name == at)
}

/// Takes the requests out of their field, reads each, and writes the body anew.
pub(super) fn unroll(
    whole: &Recognised,
    parsed: &mut Parsed,
    batch: &Batch,
    table: &Table,
) -> Result<Vec<Item>, Refusal> {
    let mut found = parsed.form.iter().filter(|(name, _)| *name == batch.at).map(|(_, text)| text);
    let (field, more) = (found.next().cloned(), found.next());
    let member = parsed.json.as_ref().and_then(|tree| tree.get(&batch.at)).cloned();
    if more.is_some() {
        return Err(shape());
    }
    // Where names nest, a form's field is a member of the tree, too.
    let value = member.or(field.map(Tree::Text)).ok_or_else(shape)?;
    let (list, as_text) = match value {
        Tree::Text(text) => (json::parse(text.as_bytes(), DEPTH).map_err(|_| shape())?, true),
        value => (value, false),
    };
    let Tree::List(list) = list else { return Err(shape()) };
    if list.is_empty() || list.len() > batch.most {
        return Err(shape());
    }
    let of = list.len();
    let mut items = Vec::with_capacity(of);
    let mut written = Vec::with_capacity(of);
    for (number, item) in list.into_iter().enumerate() {
        let (item, anew) = read(whole, table, item).map_err(|refusal| numbered(refusal, number, of))?;
        items.push(item);
        written.push(anew);
    }
    write(parsed, &batch.at, Tree::List(written), as_text);
    Ok(items)
}

/// Puts the list back where it stood, and takes it out of what the outer route's rules read. Parts become a form: there
/// is no file among them, and to Graph both are the same.
fn write(parsed: &mut Parsed, at: &str, list: Tree, as_text: bool) {
    let mut text = String::new();
    list.write_json(&mut text);
    if parsed.kind == BodyKind::Json {
        if let Some(Tree::Map(members)) = &mut parsed.json {
            members.insert(at.to_owned(), if as_text { Tree::Text(text) } else { list });
        }
        let mut body = String::new();
        if let Some(tree) = &parsed.json {
            tree.write_json(&mut body);
        }
        parsed.body = OutBody::Bytes(Bytes::from(body));
    } else {
        for (_, value) in parsed.form.iter_mut().filter(|(name, _)| name == at) {
            value.clone_from(&text);
        }
        parsed.body = OutBody::Bytes(Bytes::from(form::write(&parsed.form)));
        parsed.content_type = Some("application/x-www-form-urlencoded".to_owned());
        parsed.kind = BodyKind::Form;
        parsed.bare = None;
    }
    if let Some(Tree::Map(members)) = &mut parsed.json {
        members.shift_remove(at);
    }
    parsed.form.retain(|(name, _)| name != at);
}

/// One request, and how it leaves. Its name goes (only a reference could use it), and so does the wish not to be
/// answered: what became of it must be known.
fn read(whole: &Recognised, table: &Table, item: Tree) -> Result<(Item, Tree), Refusal> {
    let Tree::Map(mut item) = item else { return Err(shape()) };
    let mut text = |name: &str| match item.shift_remove(name) {
        None | Some(Tree::Null) => Ok(None),
        Some(Tree::Text(text)) if text.contains(REFERENCE) => Err(reference()),
        Some(Tree::Text(text)) => Ok(Some(text)),
        Some(_) => Err(shape()),
    };
    let method = text("method")?.ok_or_else(shape)?;
    let url = text("relative_url")?.ok_or_else(shape)?;
    let (body, _) = (text("body")?, text("name")?);
    let method = [Method::GET, Method::POST, Method::DELETE].into_iter().find(|it| it.as_str() == method);
    let method = method.ok_or_else(shape)?;
    if !matches!(item.shift_remove("omit_response_on_success"), None | Some(Tree::Bool(_))) {
        return Err(shape());
    }
    refused_members(item)?;
    let target = if url.starts_with('/') { url } else { format!("/{url}") };
    let recognised = recognise::held(whole, table, &method, &target)?;
    let parsed = body_of(&recognised, body.filter(|body| !body.is_empty()).as_deref())?;
    if recognised.query.iter().chain(&parsed.form).any(|(_, value)| value.contains(REFERENCE)) {
        return Err(reference());
    }
    let anew = rebuilt(&recognised, &parsed);
    Ok((of_request(recognised, &parsed)?, anew))
}

/// Refuses what else an item may have, by its name.
fn refused_members(mut item: IndexMap<String, Tree>) -> Result<(), Refusal> {
    let nothing = |value: &Tree| match value {
        Tree::Null => true,
        Tree::List(list) => list.is_empty(),
        Tree::Text(text) => text.is_empty(),
        Tree::Bool(_) | Tree::Number(_) | Tree::Map(_) => false,
    };
    item.retain(|_, value| !nothing(value));
    if item.contains_key("depends_on") {
        return Err(reference());
    }
    if item.contains_key("attached_files") {
        return Err(files());
    }
    if item.contains_key("access_token") {
        return Err(super::credential_inside());
    }
    if item.is_empty() { Ok(()) } else { Err(shape()) }
}

/// The item's body, which is a form whatever the route takes besides.
fn body_of(recognised: &Recognised, body: Option<&str>) -> Result<Parsed, Refusal> {
    let kind = if body.is_some() { BodyKind::Form } else { BodyKind::None };
    if !recognised.route.takes(kind) {
        return Err(shape());
    }
    let form = form::parse(body.unwrap_or_default().as_bytes(), recognised.provider.brackets)?;
    let mut parsed = Parsed { form, ..Parsed::nothing() };
    parsed.kind = kind;
    parsed.nest(recognised)?;
    Ok(parsed)
}

/// The item as it leaves: the method that was judged, the path and the query that were matched, the form that was read.
fn rebuilt(recognised: &Recognised, parsed: &Parsed) -> Tree {
    let mut url = recognised.path.trim_start_matches('/').to_owned();
    if !recognised.query.is_empty() {
        url.push('?');
        url.push_str(&encode_pairs(recognised.query.iter().map(|(key, value)| (key.as_str(), value.as_str()))));
    }
    let mut item = IndexMap::new();
    item.insert("method".to_owned(), Tree::Text(recognised.method.to_string()));
    item.insert("relative_url".to_owned(), Tree::Text(url));
    if !parsed.form.is_empty() {
        item.insert("body".to_owned(), Tree::Text(form::write(&parsed.form)));
    }
    Tree::Map(item)
}
