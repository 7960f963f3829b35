//! From values to meaning: each rule of the route takes its fields, and whatever no rule takes becomes `rest`.

use http::HeaderMap;

use crate::domain::action::Action;
use crate::domain::decision::Refusal;
use crate::domain::media::Media;
use crate::domain::post::{Field, Post, Role};
use crate::domain::tree::Tree;
use crate::recognise::Recognised;
use crate::recognise::definition::{Condition, Encoding, FieldRole, FieldRule, Place, Pointer};

use super::body::{Medium, Parsed, matters};
use super::walk::{Trail, each_match, escape};
use super::{MediaUrl, json, upload};

/// Nesting of a JSON text in a field.
const INNER_DEPTH: usize = 32;

/// What the fields of a request say.
#[derive(Debug)]
pub(super) struct Mapped {
    pub(super) action: Action,
    pub(super) target: Option<String>,
    pub(super) post: Post,
    pub(super) media_ids: Vec<String>,
    /// Containers that it shows as parts.
    pub(super) parts: Vec<String>,
    /// Media that it names by URL.
    pub(super) media_urls: Vec<MediaUrl>,
    /// Whether it names media by a URL that cannot be swapped for the gateway's own.
    pub(super) unseen: bool,
    /// The account as its own fields name it.
    pub(super) account: Option<String>,
    pub(super) retry_key: Option<String>,
    /// How long the provider knows that key again.
    pub(super) retry_minutes: u32,
    /// The medium, also one in base64.
    pub(super) medium: Option<Medium>,
}

/// Where values are looked up.
pub(super) struct Request<'r> {
    pub(super) recognised: &'r Recognised,
    pub(super) headers: &'r HeaderMap,
    pub(super) parsed: &'r Parsed,
}

fn pair<'p>(pairs: &'p [(String, String)], name: &str) -> Option<&'p str> {
    pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

impl Request<'_> {
    /// The values at a place with the place they really stood at; JSON `null` is no value.
    fn values(&self, at: &Place) -> Result<Vec<(String, Tree)>, Refusal> {
        let text = |at: String, value: &str| vec![(at, Tree::Text(value.to_owned()))];
        let form = |name: &str| pair(&self.parsed.form, name).map(|value| text(format!("form:{name}"), value));
        let query = |name: &str| pair(&self.recognised.query, name).map(|value| text(format!("query:{name}"), value));
        Ok(match at {
            Place::Json(pointer) => {
                let mut found = Vec::new();
                if let Some(tree) = &self.parsed.json {
                    each_match(tree, String::new(), &pointer.steps, pointer.deep, &mut found);
                }
                found
            }
            Place::Form(name) => form(name).unwrap_or_default(),
            Place::Query(name) if self.recognised.route.repeats.contains(name) => {
                // Written once with commas or several times, a list says the same.
                let all = self.recognised.query.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
                let all: Vec<&str> = all.collect();
                if all.is_empty() { Vec::new() } else { text(format!("query:{name}"), &all.join(",")) }
            }
            Place::Query(name) => query(name).unwrap_or_default(),
            Place::Param(name) => {
                let member = self.parsed.json.as_ref().and_then(|tree| tree.get(name)).filter(|it| **it != Tree::Null);
                let member = member.map(|value| vec![(format!("/{}", escape(name)), value.clone())]);
                let mut found = [form(name), query(name), member].into_iter().flatten();
                match (found.next(), found.next()) {
                    (_, Some(_)) => return Err(twice(name)),
                    (found, None) => found.unwrap_or_default(),
                }
            }
            Place::Path(name) => {
                pair(&self.recognised.params, name).map(|value| text(format!("path:{name}"), value)).unwrap_or_default()
            }
            Place::Header(name) => {
                let mut values = self.headers.get_all(name).iter();
                match (values.next(), values.next()) {
                    (None, _) => Vec::new(),
                    (Some(value), None) => {
                        let value = value.to_str().map_err(|_| bad_field(&format!("header:{name}")))?;
                        text(format!("header:{name}"), value)
                    }
                    (Some(_), Some(_)) => return Err(twice(name)),
                }
            }
            Place::Raw => self.parsed.words.iter().map(|words| ("raw".to_owned(), Tree::Text(words.clone()))).collect(),
            Place::FormAny => Vec::new(),
        })
    }

    /// The one scalar at a place, as text.
    pub(super) fn scalar(&self, at: &Place) -> Result<Option<String>, Refusal> {
        Ok(self.values(at)?.into_iter().next().and_then(|(_, value)| match value {
            Tree::Text(text) | Tree::Number(text) => Some(text),
            Tree::Bool(value) => Some(value.to_string()),
            Tree::Null | Tree::List(_) | Tree::Map(_) => None,
        }))
    }

    /// Whether a condition holds.
    pub(super) fn holds(&self, condition: &Condition) -> Result<bool, Refusal> {
        let value = self.scalar(&condition.at)?;
        Ok(match (&value, &condition.equals) {
            _ if condition.absent => value.is_none(),
            _ if condition.says.is_some() => {
                let yes = |text: &String| ["true", "1", "yes", "on"].iter().any(|yes| text.eq_ignore_ascii_case(yes));
                condition.says == Some(value.as_ref().is_some_and(yes))
            }
            _ if !condition.beyond.is_empty() => {
                let within = |name: &str| condition.beyond.iter().any(|known| known == name.trim());
                !value.is_some_and(|list| list.split(',').all(within))
            }
            (Some(list), _) if condition.has.is_some() => {
                list.split(',').any(|name| Some(name) == condition.has.as_deref())
            }
            (Some(value), Some(equals)) => value == equals,
            (Some(_), None) => true,
            (None, _) => false,
        })
    }
}

/// Applies every rule of the route.
pub(super) fn map(request: &Request<'_>) -> Result<Mapped, Refusal> {
    let route = &request.recognised.route;
    let mut rules: Vec<&FieldRule> = Vec::with_capacity(route.fields.len());
    for rule in &route.fields {
        let there = rule.only_when.as_ref().map(|condition| request.holds(condition)).transpose()?;
        if there != Some(false) {
            rules.push(rule);
        }
    }
    let mut mapped = Mapped {
        action: action(request)?,
        target: None,
        post: Post::default(),
        media_ids: Vec::new(),
        parts: Vec::new(),
        media_urls: Vec::new(),
        unseen: false,
        account: None,
        retry_key: None,
        retry_minutes: 0,
        medium: request.parsed.medium.clone(),
    };
    for rule in &rules {
        for (at, value) in request.values(&rule.at)? {
            read(&mut mapped, rule, at, value)?;
        }
    }
    if matters(mapped.action) {
        // Two routes of one action (a like, its undoing) must never share a digest.
        mapped.post.audience.insert("means".to_owned(), Tree::Text(route.means.clone()));
        if request.recognised.provider.instance {
            // Each instance is a place of its own: an approval is for the one it was asked for.
            mapped.post.audience.insert("instance".to_owned(), Tree::Text(request.recognised.host.clone()));
        }
    }
    rest(request, &rules, &mut mapped.post)?;
    if (route.steps.is_empty() || matters(mapped.action) && mapped.action != Action::Upload)
        && let Some(medium) = &mapped.medium
    {
        // A picture of the account itself: no later request names it, so that the approval is for these bytes.
        mapped.post.media.push(Media { id: String::new(), sha256: medium.sha256, len: medium.len, alt: None });
    }
    Ok(mapped)
}

fn action(request: &Request<'_>) -> Result<Action, Refusal> {
    let route = &request.recognised.route;
    for when in &route.when {
        let also = when.also.as_ref().map(|also| request.holds(also)).transpose()?;
        if request.holds(&when.condition)? && also != Some(false) {
            return Ok(when.action);
        }
    }
    if route.when_required {
        return Err(Refusal::refused(
            "unknown-kind",
            "投稿の種類が関所に登録されていないため、通せません。",
            "The request is of a kind that the route does not describe.",
            "情報政策課に登録を相談してください。",
        ));
    }
    Ok(route.action)
}

/// A JSON text in a field is read before its rule is applied; so is the list in another encoding.
fn read(mapped: &mut Mapped, rule: &FieldRule, at: String, value: Tree) -> Result<(), Refusal> {
    let value = match (rule.encoding, value) {
        (Encoding::Json, Tree::Text(text)) => json_text(&text, &at)?,
        (Encoding::List, Tree::Text(text)) if text.trim_start().starts_with('[') => json_text(&text, &at)?,
        (_, value) => value,
    };
    if rule.inner.is_empty() {
        return apply(mapped, rule, at, value);
    }
    let pointers = rule.inner.iter().filter_map(|inner| match &inner.at {
        Place::Json(pointer) => Some((inner, pointer)),
        _ => None,
    });
    let mut trails = Vec::new();
    for (inner, pointer) in pointers {
        let mut found = Vec::new();
        each_match(&value, at.clone(), &pointer.steps, pointer.deep, &mut found);
        for (at, value) in found {
            read(mapped, inner, at, value)?;
        }
        trails.push(Trail::of(pointer));
    }
    let mut at = at;
    json_rest(&value, &mut at, &trails, &mut mapped.post)
}

fn json_text(text: &str, at: &str) -> Result<Tree, Refusal> {
    json::parse(text.as_bytes(), INNER_DEPTH).map_err(|_| bad_field(at))
}

fn apply(mapped: &mut Mapped, rule: &FieldRule, at: String, value: Tree) -> Result<(), Refusal> {
    let deep = rule.encoding == Encoding::Json || matches!(&rule.at, Place::Json(pointer) if pointer.deep);
    let texts = |value: Tree, at: &str| match value {
        Tree::List(list) if rule.encoding == Encoding::List => {
            let text = |value: Tree| match value {
                Tree::Text(text) | Tree::Number(text) => Ok(text),
                Tree::Null | Tree::Bool(_) | Tree::List(_) | Tree::Map(_) => Err(bad_field(at)),
            };
            list.into_iter().map(text).collect()
        }
        Tree::Text(text) if matches!(rule.encoding, Encoding::Comma | Encoding::List) => {
            Ok(text.split(',').map(str::to_owned).collect())
        }
        Tree::Text(text) => Ok(vec![text]),
        Tree::Null | Tree::Bool(_) | Tree::Number(_) | Tree::List(_) | Tree::Map(_) => Err(bad_field(at)),
    };
    match rule.role {
        FieldRole::Public(role) => {
            if !deep && value.as_text().is_none() {
                return Err(bad_field(&at));
            }
            mapped.post.fields.push(Field { role, at, value });
        }
        FieldRole::MediaId => mapped.media_ids.extend(texts(value, &at)?),
        FieldRole::Part => mapped.parts.extend(texts(value, &at)?),
        FieldRole::MediaBytes => {
            // Bytes as they are went to the sink already; here only base64 has a value.
            let text = value.as_text().filter(|_| rule.encoding == Encoding::Base64).ok_or_else(|| bad_field(&at))?;
            if mapped.medium.replace(upload::decode_base64(text)?).is_some() {
                return Err(bad_field(&at));
            }
        }
        FieldRole::MediaUrl | FieldRole::MediaUnseen => media_url(mapped, rule.role, at, value)?,
        FieldRole::Reference(kind) => {
            let ids: Vec<String> = texts(value, &at)?;
            if kind == "repost_of" {
                mapped.target = ids.first().cloned();
            }
            mapped.post.references.entry(kind.to_owned()).or_default().extend(ids);
        }
        FieldRole::Target => {
            let [id] = <[String; 1]>::try_from(texts(value, &at)?).map_err(|_| bad_field(&at))?;
            // Said twice it must be the same.
            if *mapped.target.get_or_insert_with(|| id.clone()) != id {
                return Err(bad_field(&at));
            }
        }
        FieldRole::Schedule => {
            let time = time(value, &at)?;
            if mapped.post.schedule.replace(time).is_some() {
                return Err(bad_field(&at));
            }
        }
        // What it says is which container is published; nothing else is in it.
        FieldRole::Flip if matches!(&value, Tree::Bool(true)) => {}
        FieldRole::Flip if value.as_text().is_some_and(|text| text.eq_ignore_ascii_case("true") || text == "1") => {}
        FieldRole::Audience | FieldRole::Opaque | FieldRole::Flip => {
            mapped.post.audience.insert(at, value);
        }
        FieldRole::Volatile(grammar) | FieldRole::RetryKey(grammar, _) => {
            let text = value.as_text().filter(|text| grammar.accepts(text)).ok_or_else(|| bad_field(&at))?;
            if let FieldRole::RetryKey(_, minutes) = rule.role {
                (mapped.retry_key, mapped.retry_minutes) = (Some(text.to_owned()), minutes);
            }
        }
        // Said twice it must be the same: an approval for one account must not lead to another.
        FieldRole::Account => {
            let [id] = <[String; 1]>::try_from(texts(value, &at)?).map_err(|_| bad_field(&at))?;
            if *mapped.account.get_or_insert_with(|| id.clone()) != id {
                return Err(bad_field(&at));
            }
        }
        FieldRole::Secret => {}
    }
    Ok(())
}

/// A time of publication: a text, or seconds as a number, which say the same without quotation marks.
fn time(value: Tree, at: &str) -> Result<String, Refusal> {
    match value {
        Tree::Text(time) => Ok(time),
        Tree::Number(seconds) if seconds.bytes().all(|b| b.is_ascii_digit()) => Ok(seconds),
        Tree::Null | Tree::Bool(_) | Tree::Number(_) | Tree::List(_) | Tree::Map(_) => Err(bad_field(at)),
    }
}

/// A medium by URL. It is the reader's link, too, unless it stands within a message that is read whole and says it already.
fn media_url(mapped: &mut Mapped, role: FieldRole, at: String, value: Tree) -> Result<(), Refusal> {
    let url = value.as_text().ok_or_else(|| bad_field(&at))?.to_owned();
    let within = |field: &Field| at.strip_prefix(field.at.as_str()).is_some_and(|rest| rest.starts_with('/'));
    if !mapped.post.fields.iter().any(within) {
        mapped.post.fields.push(Field { role: Role::Link, at: at.clone(), value });
    }
    if role == FieldRole::MediaUnseen {
        mapped.unseen = true;
    } else {
        mapped.media_urls.push(MediaUrl { at, url });
    }
    Ok(())
}

/// Notes every value that no rule takes.
fn rest(request: &Request<'_>, fields: &[&FieldRule], post: &mut Post) -> Result<(), Refusal> {
    let route = &request.recognised.route;
    if let Some(tree) = &request.parsed.json {
        let overrides = &request.recognised.provider.overrides;
        let mut trails = Vec::with_capacity(fields.len() + overrides.len());
        trails.extend(fields.iter().filter_map(|rule| match &rule.at {
            Place::Json(pointer) => Some(Trail::of(pointer)),
            Place::Param(name) => Some(Trail::member(name)),
            _ => None,
        }));
        trails.extend(overrides.iter().filter_map(|at| match at {
            // It asks for the method that the request has; nothing else passes.
            Place::Param(name) | Place::Form(name) => Some(Trail::member(name)),
            _ => None,
        }));
        let Tree::Map(map) = tree else { return Err(bad_field("/")) };
        if !map.is_empty() {
            json_rest(tree, &mut String::new(), &trails, post)?;
        }
    }
    let any = fields.iter().any(|rule| rule.at == Place::FormAny);
    let named = |name: &str, form: bool| {
        fields.iter().any(|rule| match &rule.at {
            Place::Param(param) => param == name,
            Place::Form(field) => form && field == name,
            Place::Query(key) => !form && key == name,
            _ => false,
        })
    };
    if request.recognised.provider.brackets && matters(route.action) {
        // They are in the tree.
        return Ok(());
    }
    let asks = |name: &str| crate::recognise::overridden::in_body(&request.recognised.provider, name);
    for (name, value) in request.parsed.form.iter().filter(|(name, _)| !any && !named(name, true) && !asks(name)) {
        post.rest.insert(format!("form:{name}"), Tree::Text(value.clone()));
    }
    if matters(route.action) {
        for (name, value) in request.recognised.query.iter().filter(|(name, _)| !named(name, false)) {
            post.rest.insert(format!("query:{name}"), Tree::Text(value.clone()));
        }
    }
    Ok(())
}

/// Walks the tree along the trails; what leaves them all is `rest`, what has the wrong shape is refused. `at` is the
/// place of `tree`, and is that again afterwards.
fn json_rest(tree: &Tree, at: &mut String, trails: &[Trail<'_>], post: &mut Post) -> Result<(), Refusal> {
    let ends = |deep: bool| trails.iter().any(|trail| trail.ends(deep));
    if *tree == Tree::Null {
        post.rest.insert(at.clone(), Tree::Null);
        return Ok(());
    }
    if ends(true) {
        return Ok(());
    }
    let here = at.len();
    match tree {
        Tree::Null | Tree::Bool(_) | Tree::Number(_) | Tree::Text(_) => {
            if !ends(false) {
                post.rest.insert(at.clone(), tree.clone());
            }
        }
        Tree::List(list) => {
            let inside: Vec<Trail<'_>> = trails.iter().filter_map(|trail| trail.into_element()).collect();
            if inside.is_empty() && ends(false) {
                return Err(bad_field(at));
            }
            if inside.is_empty() {
                post.rest.insert(at.clone(), tree.clone());
                return Ok(());
            }
            if list.is_empty() {
                // A described list without an element says nothing, but it may mean something: nobody, nothing more.
                post.audience.insert(at.clone(), tree.clone());
                return Ok(());
            }
            for (i, child) in list.iter().enumerate() {
                at.push_str(&format!("/{i}"));
                json_rest(child, at, &inside, post)?;
                at.truncate(here);
            }
        }
        Tree::Map(map) => {
            let leaves = !trails.iter().any(Trail::has_member);
            if leaves && ends(false) {
                return Err(bad_field(at));
            }
            // The body itself is told member by member, so that an approver sees each unknown field by its name.
            if !at.is_empty() && (leaves || map.is_empty()) {
                post.rest.insert(at.clone(), tree.clone());
                return Ok(());
            }
            for (key, child) in map {
                let inside: Vec<Trail<'_>> = trails.iter().filter_map(|trail| trail.into_member(key)).collect();
                at.push('/');
                at.push_str(&escape(key));
                if inside.is_empty() {
                    post.rest.insert(at.clone(), child.clone());
                } else {
                    json_rest(child, at, &inside, post)?;
                }
                at.truncate(here);
            }
        }
    }
    Ok(())
}

/// The index form of a pointer, used by answers.
pub(super) fn at_pointer(tree: &Tree, pointer: &Pointer) -> Option<String> {
    match json::get(tree, pointer)? {
        Tree::Text(text) | Tree::Number(text) => Some(text.clone()),
        Tree::Null | Tree::Bool(_) | Tree::List(_) | Tree::Map(_) => None,
    }
}

pub(super) fn twice(name: &str) -> Refusal {
    Refusal::refused(
        "field-twice",
        format!("項目「{name}」が二か所に書かれているため、通せません。"),
        format!("The field {name} is given twice."),
        "投稿ツールの設定を確認してください。",
    )
    .status(400)
}

pub(super) fn bad_field(at: &str) -> Refusal {
    let at: String = at.chars().take(100).collect();
    Refusal::refused(
        "field-shape",
        format!("項目「{at}」の書き方が、関所の知っている形と違うため、通せません。"),
        format!("The field {at} does not have the described shape."),
        "投稿ツールの設定を確認してください。IDは文字列で送ってください。",
    )
    .status(400)
}
