//! The table: every route of a definition with a marked text in every field that can carry one, in every encoding that
//! the route takes. Unapproved, the mark never reaches the provider; approved, it arrives.

use sekisho::demo::town::NAGANO_TOOL_KEY;
use sekisho::domain::account::{AccountKind, ProviderId};
use sekisho::domain::action::Action;
use sekisho::domain::post::Role;
use sekisho::practice::Received;
use sekisho::practice::{film_of, picture_of};
use sekisho::recognise::Definitions;
use sekisho::recognise::definition::{
    Batch, BodyKind, Condition, Definition, Encoding, FieldRole, FieldRule, HostPattern, Place, Pointer, PointerStep,
    Route, Step, When, Written,
};
use serde_json::{Map, Value, json};

use super::{BOUNDARY, Wire, approve, encoded, header};
use crate::stage::{MEDIA, Town};
use crate::wire::Answer;

/// 長野市's manager: its individual accounts may answer readers (4(11)), so every action can be approved there.
const MANAGER: &str = "demo-nagano-manager";

/// One request of the table.
struct Case {
    name: String,
    wire: Wire,
    mark: String,
    /// In which encoding it is written.
    how: &'static str,
    /// Whether it is an upload, which shows nothing by itself.
    upload: bool,
    /// Whether an approval can let it pass: no if the field is one that no definition describes for the public.
    described: bool,
    /// Whether the mark is in a medium that the request names by URL.
    by_url: bool,
}

/// What a walk through a definition did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Walk {
    /// Routes with at least one case.
    pub routes: usize,
    /// Requests that were held, and whose mark arrived after approval.
    pub arrived: usize,
    /// Requests that were refused with an undescribed or silent field.
    pub silent: usize,
    /// Upload steps with a text: the mark may reach the provider's store, and nothing became public.
    pub uploads: usize,
}

/// A town in which every action can be approved.
pub async fn town() -> Town {
    Town::start_with(|config| {
        config.gate.requests_per_second = 10_000;
        config.gate.burst = 10_000;
        for account in config.accounts.iter_mut().filter(|account| account.organisation.as_str() == "nagano") {
            account.kind = AccountKind::Individual;
        }
    })
    .await
}

/// Walks every route of a provider's definition.
pub async fn walk(town: &Town, provider: &str) -> Walk {
    let definitions = Definitions::load(&town.config.providers).unwrap();
    let mut walk = Walk::default();
    let provider = ProviderId::new(provider);
    let routes: Vec<_> = definitions.routes().filter(|(definition, _)| definition.id == provider).collect();
    for (definition, route) in &routes {
        if route.refuse.is_some() {
            continue;
        }
        let cases = match route.batch.as_ref().and_then(|batch| Some((batch, batch.requests.as_ref()?))) {
            None => cases(definition, route, &mut walk),
            // Another path of the same batch.
            Some(_) if route.means != route.id => continue,
            Some((batch, requests)) => {
                let items = routes.iter().map(|(_, item)| item.as_ref());
                items
                    .flat_map(|item| in_request(definition, route, (batch, requests.written), item, &mut walk))
                    .collect()
            }
        };
        walk.routes += usize::from(!cases.is_empty());
        for case in cases {
            if case.upload {
                upload(town, &case).await;
                walk.uploads += 1;
            } else {
                hold_and_approve(town, &case).await;
                *(if case.described { &mut walk.arrived } else { &mut walk.silent }) += 1;
            }
        }
    }
    walk
}

async fn hold_and_approve(town: &Town, case: &Case) {
    let received = town.received();
    let held = case.wire.send(town, NAGANO_TOOL_KEY).await;
    assert!((400..500).contains(&held.status), "{}: {} {}", case.name, held.status, held.text);
    assert_eq!(town.received(), received, "{}: the provider received something", case.name);
    let entry = last_entry(town);
    assert_eq!(entry["kind"], "refusal", "{}: {entry}", case.name);
    if !case.described {
        return;
    }
    // A profile whose description is the sample of a condition leads nowhere (長野 4(5)); no approval heals that.
    if entry["code"] == "profile-without-site" {
        return;
    }
    assert!(!header(&held, "sekisho-ticket").is_empty(), "{}: not held: {} {entry}", case.name, held.text);
    approve(town, MANAGER, &held).await;
    let passed: Answer = case.wire.send(town, NAGANO_TOOL_KEY).await;
    assert_eq!(town.received(), received + 1, "{}: {}", case.name, passed.text);
    let request = town.provider.requests().pop().unwrap();
    let arrived = everything(&request);
    let mut whole = arrived.contains(&case.mark);
    if case.by_url {
        // The provider is given the town's own copy of what stands at the path with the mark.
        let address: String = arrived.split(MEDIA).nth(1).unwrap_or_default().chars().take_while(in_a_path).collect();
        let copy = town.copy(&format!("{MEDIA}{address}")).await.body.to_vec();
        let visits = town.provider.site_visits();
        let path = visits.iter().rev().find(|path| path.contains(&case.mark));
        whole = path.is_some_and(|path| copy == picture_of(path) || copy == film_of(path));
    }
    assert!(whole, "{}: the mark did not arrive: {request:?}", case.name);
    // The approval is used up: the same request does not pass again.
    let again = case.wire.send(town, NAGANO_TOOL_KEY).await;
    assert!((400..500).contains(&again.status), "{}: {}", case.name, again.text);
    assert_eq!(town.received(), received + 1, "{}: it passed twice", case.name);
}

fn in_a_path(c: &char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '/' | '.')
}

/// The last entry of 長野市's log, of whatever length.
fn last_entry(town: &Town) -> Value {
    let book = town.running.ledger.logbook();
    let size = book.size("nagano").unwrap();
    let entries = book.read("nagano", size - 1, 1).unwrap();
    serde_json::from_str(&entries[0].leaf).unwrap()
}

/// An upload shows nothing by itself.
async fn upload(town: &Town, case: &Case) {
    let posts = town.provider.posts().len();
    let answer = case.wire.send(town, NAGANO_TOOL_KEY).await;
    assert!(answer.status > 0, "{}", case.name);
    assert_eq!(town.provider.posts().len(), posts, "{}: something became public", case.name);
}

/// All that a provider could read of a request, with escapes undone.
fn everything(request: &Received) -> String {
    let body = String::from_utf8_lossy(request.body.as_deref().unwrap_or_default()).into_owned();
    let json = request.json().map(|json| json.to_string()).unwrap_or_default();
    let decoded =
        |text: &str| percent_encoding::percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    [decoded(&request.target), decoded(&body), body, json].join("\n")
}

fn cases(definition: &Definition, route: &Route, walk: &mut Walk) -> Vec<Case> {
    if !route.action.needs_approval() && route.action != Action::Upload {
        return Vec::new();
    }
    if let Some(batch) = &route.batch {
        return batch
            .routes
            .iter()
            .flat_map(|(name, item)| in_batch(definition, route, batch, name, item, walk))
            .collect();
    }
    let mut variants: Vec<Conditions> = if route.when_required { Vec::new() } else { vec![Vec::new()] };
    for when in &route.when {
        variants.push([Some(&when.condition), when.also.as_ref()].into_iter().flatten().map(fulfilled).collect());
    }
    let unknown = unknown_field(definition, route);
    let public = |field: &&FieldRule| matches!(field.role, FieldRole::Public(_) | FieldRole::MediaUrl);
    let described = route.fields.iter().filter(public);
    let mut cases = Vec::new();
    for variant in &variants {
        for field in described.clone() {
            cases.extend(encodings(definition, route, field, variant, true, walk.routes * 1000 + cases.len()));
        }
    }
    // What carries no text for the public, or what nobody here can look at, must not carry one past the gate either.
    let mute =
        |field: &&FieldRule| matches!(field.role, FieldRole::Audience | FieldRole::Opaque | FieldRole::MediaUnseen);
    let silent = route.fields.iter().filter(mute);
    if route.action != Action::Upload {
        for field in silent.chain(&unknown) {
            cases.extend(encodings(definition, route, field, &variants[0], false, walk.routes * 1000 + cases.len()));
        }
    }
    cases
}

fn unknown_field(definition: &Definition, route: &Route) -> Option<FieldRule> {
    let json = || Place::Json(Pointer { steps: vec![PointerStep::Key("unheard_of".to_owned())], deep: false });
    let at = if definition.brackets || route.takes(BodyKind::Json) {
        json()
    } else if route.takes(BodyKind::Form) || route.takes(BodyKind::Multipart) {
        Place::Form("unheard_of".to_owned())
    } else {
        return None;
    };
    Some(FieldRule { at, role: FieldRole::Opaque, encoding: Encoding::Plain, inner: Vec::new(), only_when: None })
}

/// Values that make a request what it is to be.
type Conditions = Vec<(Place, String)>;

fn fulfilled(condition: &Condition) -> (Place, String) {
    let any = if condition.says == Some(true) { "true" } else { "1790000000000000001" };
    (condition.at.clone(), condition.equals.clone().unwrap_or_else(|| any.to_owned()))
}

/// The cases of an item's route, each as the second item of a batch.
fn in_batch(
    definition: &Definition,
    route: &Route,
    batch: &Batch,
    name: &str,
    item: &Route,
    walk: &mut Walk,
) -> Vec<Case> {
    walk.routes += 1;
    let outer = Wire::new("POST", &host(route), &route.path.example());
    let mut cases = cases(definition, item, walk);
    for case in &mut cases {
        let body: Value = serde_json::from_slice(&case.wire.body).unwrap();
        let mut members = Map::new();
        for (key, value) in body.as_object().unwrap() {
            let renamed = batch.rename.iter().find(|(_, to)| to == key).map_or(key, |(from, _)| from);
            members.insert(renamed.clone(), value.clone());
        }
        if let Some(by) = &batch.by {
            members.insert(by.clone(), json!(name));
        }
        case.name = format!("{} in {}", case.name, route.id);
        case.wire = outer.clone().json(&json!({ batch.at.clone(): [members] }));
    }
    cases
}

/// The cases of a route, each as a whole request of a batch.
fn in_request(
    definition: &Definition,
    route: &Route,
    (batch, written): (&Batch, Written),
    item: &Route,
    walk: &mut Walk,
) -> Vec<Case> {
    let alone = item.refuse.is_some() || item.batch.is_some() || !item.steps.is_empty();
    if alone || !item.hosts.iter().any(|host| route.hosts.contains(host)) {
        return Vec::new();
    }
    walk.routes += 1;
    let outer = Wire::new("POST", &host(route), &route.path.example());
    let how = if written == Written::Graph { "form" } else { "json" };
    let mut cases = cases(definition, item, walk);
    cases.retain(|case| case.how == how && !case.upload && case.described);
    let makes = item.container.as_ref().is_some_and(|rule| rule.when.iter().all(|when| when.says == Some(false)));
    for case in &mut cases {
        // What is published later comes alone.
        case.described = !makes && !case.by_url;
        let Wire { method, target, body, .. } = &case.wire;
        let body = String::from_utf8(body.clone()).unwrap();
        case.name = format!("{} in {}", case.name, route.id);
        case.wire = if written == Written::Graph {
            let list = json!([{ "method": method, "relative_url": target, "body": body }]).to_string();
            outer.clone().form(&[(&batch.at, &list)])
        } else {
            let mut wire = outer.clone();
            wire.content_type = Some(format!("multipart/mixed; boundary={BOUNDARY}"));
            wire.body = format!(
                "--{BOUNDARY}\r\nContent-Type: application/http\r\nContent-ID: <a + 1>\r\n\r\n{method} {target} \
                 HTTP/1.1\r\nContent-Type: application/json\r\n\r\n{body}\r\n--{BOUNDARY}--\r\n"
            )
            .into_bytes();
            wire
        };
    }
    cases
}

fn host(route: &Route) -> String {
    let exact = route.hosts.iter().find_map(|host| match host {
        HostPattern::Exact(host) => Some(host.clone()),
        HostPattern::Suffix(_) => None,
    });
    exact.unwrap()
}

/// The part of an upload that carries its medium.
fn medium(route: &Route) -> Option<(&str, &'static [u8])> {
    route.media_fields().find_map(|field| match &field.at {
        Place::Form(name) | Place::Param(name) if route.action == Action::Upload => {
            Some((name.as_str(), b"png".as_slice()))
        }
        _ => None,
    })
}

/// A text with the mark, as the field takes it.
fn words(field: &FieldRule, mark: &str) -> String {
    let text = match field.role {
        // 長野 4(5): a profile leads to the city's own site.
        FieldRole::Public(Role::Description) => format!("{mark} city.nagano.nagano.jp"),
        FieldRole::Public(Role::Link) | FieldRole::MediaUrl => format!("https://www.city.nagano.nagano.jp/{mark}"),
        FieldRole::Public(Role::Tag) | FieldRole::Opaque | FieldRole::Audience => mark.to_owned(),
        _ => format!("長野市からのお知らせ{mark}"),
    };
    if field.encoding == Encoding::Json { json!({ "option_a": text }).to_string() } else { text }
}

/// The request with only this field, in each encoding that can carry it.
fn encodings(
    definition: &Definition,
    route: &Route,
    field: &FieldRule,
    conditions: &Conditions,
    described: bool,
    number: usize,
) -> Vec<Case> {
    let mark = format!("shirushi{number}x");
    let text = words(field, &mark);
    let mut conditions: Conditions = conditions.iter().filter(|(at, _)| *at != field.at).cloned().collect();
    if let Some(condition) = field.only_when.as_ref().filter(|condition| condition.beyond.is_empty()) {
        conditions.retain(|(at, _)| *at != condition.at);
        conditions.push(fulfilled(condition));
    }
    let wire = Wire::new(route.methods[0].as_str(), &host(route), &route.path.example());
    let wire = promised(route, wire);
    let file = medium(route);
    let turns = |when: &&When| {
        let needed = [Some(&when.condition), when.also.as_ref()];
        needed.into_iter().flatten().map(fulfilled).all(|needed| conditions.contains(&needed))
    };
    let upload = route.when.iter().find(turns).map_or(route.action, |when| when.action) == Action::Upload;
    let wires = match &field.at {
        Place::Json(pointer) => in_tree(definition, route, pointer, &text, &conditions, &wire, file),
        Place::Form(name) | Place::Param(name) | Place::Query(name) => {
            in_pairs(route, &field.at, (name, &text), &conditions, &wire, file)
        }
        Place::Raw if matches!(field.role, FieldRole::Public(_)) => {
            vec![("words", in_step(route, BodyKind::Related, wire).related(&json!({}), text.as_bytes()))]
        }
        Place::Raw | Place::Path(_) | Place::Header(_) | Place::FormAny => Vec::new(),
    };
    let cases = wires.into_iter().map(|(how, wire)| {
        let name = format!("{} {} {:?} as {how} {conditions:?}", definition.id, route.id, field.at);
        let by_url = field.role == FieldRole::MediaUrl;
        Case { name, wire, mark: mark.clone(), how, upload, described, by_url }
    });
    cases.collect()
}

/// A picture that goes along, by its field's name.
type File<'f> = Option<(&'f str, &'f [u8])>;

/// The encodings of a value in a tree: JSON, and where keys nest, form, multipart and query.
fn in_tree(
    definition: &Definition,
    route: &Route,
    pointer: &Pointer,
    text: &str,
    conditions: &Conditions,
    wire: &Wire,
    file: File<'_>,
) -> Vec<(&'static str, Wire)> {
    let mut found = Vec::new();
    let mut both = vec![(pointer.clone(), text.to_owned())];
    for (at, value) in conditions {
        if let Place::Json(at) = at {
            both.push((at.clone(), value.clone()));
        }
    }
    if route.takes(BodyKind::Json) {
        found.push(("json", in_step(route, BodyKind::Json, wire.clone()).json(&tree(&both))));
    }
    if route.takes(BodyKind::Related) {
        found.push(("related", in_step(route, BodyKind::Related, wire.clone()).related(&tree(&both), b"film")));
    }
    if !definition.brackets || pointer.deep {
        return found;
    }
    let pairs: Vec<(String, String)> = both.iter().map(|(at, value)| (bracketed(at), value.clone())).collect();
    let pairs: Vec<(&str, &str)> = pairs.iter().map(|(at, value)| (at.as_str(), value.as_str())).collect();
    if route.takes(BodyKind::Form) {
        found.push(("form", wire.clone().form(&pairs)));
    }
    if route.takes(BodyKind::Multipart) {
        found.push(("multipart", wire.clone().multipart(&pairs, file)));
    }
    let named = |key: &str| route.query.iter().any(|name| name == key.split('[').next().unwrap());
    if pairs.iter().all(|(key, _)| named(key)) {
        let mut wire = wire.clone();
        wire.target = format!("{}?{}", wire.target, encoded(&pairs));
        found.push(("query", if route.takes(BodyKind::None) { wire } else { wire.form(&[]) }));
    }
    found
}

/// The encodings of a field that is a pair: form, multipart, query.
fn in_pairs(
    route: &Route,
    at: &Place,
    (name, text): (&str, &str),
    conditions: &Conditions,
    wire: &Wire,
    file: File<'_>,
) -> Vec<(&'static str, Wire)> {
    let mut found = Vec::new();
    let mut pairs = vec![(name, text)];
    for (at, value) in conditions {
        if let Place::Form(at) | Place::Param(at) = at {
            pairs.push((at, value));
        }
    }
    let body = !matches!(at, Place::Query(_));
    if body && route.takes(BodyKind::Form) {
        found.push(("form", wire.clone().form(&pairs)));
    }
    if body && route.takes(BodyKind::Multipart) {
        found.push(("multipart", wire.clone().multipart(&pairs, file)));
    }
    if matches!(at, Place::Param(_)) && route.takes(BodyKind::Json) {
        let members = pairs.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
        found.push(("json", wire.clone().json(&Value::Object(members))));
    }
    let named = |key: &str| route.query.iter().any(|name| name == key);
    if !matches!(at, Place::Form(_)) && pairs.iter().all(|(key, _)| named(key)) {
        let mut wire = wire.clone();
        wire.target = format!("{}?{}", wire.target, encoded(&pairs));
        found.push(("query", wire));
    }
    found
}

/// A session's film is promised with its words.
fn promised(route: &Route, wire: Wire) -> Wire {
    let opens = route.steps.iter().any(|rule| matches!(rule.step, Step::Open { .. }));
    let hash = sekisho::domain::media::Sha256::of(b"film").hex();
    if opens { wire.with("Sekisho-Media-Sha256", &hash) } else { wire }
}

/// The same as the upload step that a body of this kind is.
fn in_step(route: &Route, kind: BodyKind, mut wire: Wire) -> Wire {
    let step = route.steps.iter().find(|rule| (kind == BodyKind::Json) == matches!(rule.step, Step::Open { .. }));
    if let Some(Condition { at: Place::Query(name), equals: Some(value), .. }) =
        step.and_then(|rule| rule.when.as_ref())
    {
        wire.target = format!("{}?{name}={value}", wire.target);
    }
    wire
}

/// The JSON body with these values at these pointers.
fn tree(values: &[(Pointer, String)]) -> Value {
    let mut root = Value::Object(Map::new());
    for (pointer, text) in values {
        let leaf = if pointer.deep { json!([{ "type": "text", "text": text }]) } else { json!(text) };
        put(&mut root, &pointer.steps, leaf);
    }
    root
}

fn put(node: &mut Value, steps: &[PointerStep], leaf: Value) {
    let Some((step, rest)) = steps.split_first() else {
        *node = leaf;
        return;
    };
    match step {
        PointerStep::Each | PointerStep::Below => {
            if !node.is_array() {
                *node = json!([null]);
            }
            put(&mut node[0], rest, leaf);
        }
        PointerStep::Key(_) | PointerStep::Member => {
            let key = match step {
                PointerStep::Key(key) => key.as_str(),
                _ => "0",
            };
            if !node.is_object() {
                *node = json!({});
            }
            put(&mut node[key], rest, leaf);
        }
    }
}

/// The bracket key of a pointer.
fn bracketed(pointer: &Pointer) -> String {
    let mut key = String::new();
    for step in &pointer.steps {
        match step {
            PointerStep::Key(name) if key.is_empty() => key.push_str(name),
            PointerStep::Key(name) => key.push_str(&format!("[{name}]")),
            PointerStep::Each | PointerStep::Below => key.push_str("[]"),
            PointerStep::Member => key.push_str("[0]"),
        }
    }
    key
}

#[tokio::test(flavor = "multi_thread")]
async fn no_text_passes_to_x_unapproved_by_any_field_of_any_route() {
    let walk = walk(&town().await, "x").await;
    assert!(walk.arrived >= 20 && walk.silent >= 39 && walk.uploads >= 2, "{walk:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_text_passes_to_line_unapproved_by_any_field_of_any_route() {
    let walk = walk(&town().await, "line").await;
    assert!(walk.arrived >= 15 && walk.silent >= 15, "{walk:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_text_passes_to_mastodon_unapproved_by_any_field_of_any_route() {
    let walk = walk(&town().await, "mastodon").await;
    assert!(walk.arrived >= 60 && walk.silent >= 100 && walk.uploads >= 4, "{walk:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_text_passes_to_bluesky_unapproved_by_any_field_of_any_route() {
    let walk = walk(&town().await, "bluesky").await;
    assert!(walk.arrived >= 200 && walk.silent >= 100, "{walk:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_text_passes_to_threads_unapproved_by_any_field_of_any_route() {
    let walk = walk(&town().await, "threads").await;
    assert!(walk.arrived >= 80 && walk.silent >= 40 && walk.uploads >= 20, "{walk:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_text_passes_to_instagram_unapproved_by_any_field_of_any_route() {
    let walk = walk(&town().await, "instagram").await;
    assert!(walk.arrived >= 40 && walk.silent >= 40 && walk.uploads >= 15, "{walk:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_text_passes_to_facebook_unapproved_by_any_field_of_any_route() {
    let walk = walk(&town().await, "facebook").await;
    assert!(walk.arrived >= 100 && walk.silent >= 100 && walk.uploads >= 15, "{walk:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_text_passes_to_youtube_unapproved_by_any_field_of_any_route() {
    let walk = walk(&town().await, "youtube").await;
    assert!(walk.arrived >= 60 && walk.silent >= 200, "{walk:?}");
}
