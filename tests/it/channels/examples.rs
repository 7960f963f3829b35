//! Every route with words shows an example of each kind of body that it takes, and the gateway's own readers understand
//! them whole: nothing in an example is left over as something that no rule describes.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use sekisho::config::extract::Extract;
use sekisho::domain::arrival::full;
use sekisho::extract;
use sekisho::recognise::definition::{BodyKind, Encoding, FieldRole, FieldRule, HostPattern, Place, Route};
use sekisho::recognise::{Definitions, recognise};

use super::{Wire, table};

/// The examples of one route, as its file has them.
struct Shown {
    json: Vec<String>,
    form: Vec<(String, String)>,
}

/// The examples of every built-in route, by provider and route.
fn shown() -> BTreeMap<(String, String), Shown> {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("config/providers");
    let mut all = BTreeMap::new();
    for file in std::fs::read_dir(dir).unwrap() {
        let file: toml::Table = std::fs::read_to_string(file.unwrap().path()).unwrap().parse().unwrap();
        for route in file["routes"].as_array().unwrap() {
            let text = |name: &str| route.get(name).and_then(toml::Value::as_str);
            let json = match text("example").map(|text| serde_json::from_str(text).unwrap()) {
                None => Vec::new(),
                Some(serde_json::Value::Array(bodies)) => bodies.iter().map(ToString::to_string).collect(),
                Some(body) => vec![body.to_string()],
            };
            let lines = text("example_form").unwrap_or_default().lines().filter_map(|line| line.split_once('='));
            let form = lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            all.insert((file["id"].as_str().unwrap().to_owned(), text("id").unwrap().to_owned()), Shown { json, form });
        }
    }
    all
}

fn has_words(fields: &[FieldRule]) -> bool {
    fields.iter().any(|field| {
        let in_a_body = !matches!(field.at, Place::Path(_) | Place::Header(_) | Place::Query(_) | Place::Raw);
        in_a_body && (matches!(field.role, FieldRole::Public(_)) || has_words(&field.inner))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_with_words_shows_an_example_of_each_kind_of_body() {
    let definitions = Definitions::load(&table::town().await.config.providers).unwrap();
    let (shown, mut routes) = (shown(), 0);
    for (definition, route) in definitions.routes() {
        if route.refuse.is_some() || route.batch.is_some() || !has_words(&route.fields) {
            continue;
        }
        // A route that is like another has the other's examples.
        let of = |id: &str| &shown[&(definition.id.to_string(), id.to_owned())];
        let has = |field: &FieldRule| route.fields.iter().any(|own| own.at == field.at && own.role == field.role);
        let like = |other: &&Route| other.fields.iter().filter(|field| has(field)).count() * 2 > route.fields.len();
        let own = [of(&route.id)];
        let others = definitions.routes().filter(|(of, _)| of.id == definition.id).map(|(_, route)| route.as_ref());
        let known: Vec<&Shown> = own.into_iter().chain(others.filter(like).map(|other| of(&other.id))).collect();
        let name = format!("{} {}", definition.id, route.id);
        if route.takes(BodyKind::Json) || route.takes(BodyKind::Related) {
            assert!(known.iter().any(|shown| !shown.json.is_empty()), "{name}: no example in JSON");
        }
        let pairs = route.fields.iter().any(|field| {
            matches!(field.at, Place::Form(_) | Place::Param(_))
                || (definition.brackets && field.encoding == Encoding::Plain)
        });
        if pairs && (route.takes(BodyKind::Form) || route.takes(BodyKind::Multipart)) {
            assert!(known.iter().any(|shown| !shown.form.is_empty()), "{name}: no example as a form");
        }
        routes += 1;
    }
    assert!(routes >= 80, "{routes}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_example_is_read_whole_and_nothing_in_it_is_left_over() {
    let definitions = Definitions::load(&table::town().await.config.providers).unwrap();
    let (shown, mut read, mut wrong) = (shown(), 0, Vec::new());
    for (definition, route) in definitions.routes() {
        // A step of an upload takes some of its route's fields.
        let Some(shown) = shown.get(&(definition.id.to_string(), route.id.clone())) else { continue };
        if !route.steps.is_empty() || definition.by_hand {
            continue;
        }
        let Some(host) = route.hosts.iter().find_map(|host| match host {
            HostPattern::Exact(host) => Some(host.clone()),
            HostPattern::Suffix(_) => None,
        }) else {
            continue;
        };
        let wire = Wire::new(route.methods[0].as_str(), &host, &route.path.example());
        for body in shown.json.iter().filter(|_| route.takes(BodyKind::Json)) {
            wrong.extend(whole(&definitions, wire.clone().json(&serde_json::from_str(body).unwrap())).await);
            read += 1;
        }
        let pairs: Vec<(&str, &str)> = shown.form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let file = pairs.iter().find(|(_, value)| *value == "(file)").map(|(name, _)| (*name, b"png".as_slice()));
        let pairs: Vec<(&str, &str)> = pairs.iter().copied().filter(|(_, value)| *value != "(file)").collect();
        if !pairs.is_empty() && route.takes(BodyKind::Form) {
            wrong.extend(whole(&definitions, wire.clone().form(&pairs)).await);
            read += 1;
        }
        if !pairs.is_empty() && route.takes(BodyKind::Multipart) {
            wrong.extend(whole(&definitions, wire.clone().multipart(&pairs, file)).await);
            read += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(read >= 120, "{read}");
}

/// What is wrong when the request is read: a refusal, or something that no rule describes.
async fn whole(definitions: &Definitions, wire: Wire) -> Option<String> {
    let method: Method = wire.method.parse().unwrap();
    let mut headers = HeaderMap::new();
    let kind = wire.content_type.clone().unwrap();
    headers.insert(HeaderName::from_static("content-type"), HeaderValue::try_from(kind.as_str()).unwrap());
    let name = format!("{method} {}{} {kind}", wire.host, wire.target);
    let recognised = recognise(definitions, &wire.host, &method, &wire.target, None, &headers)
        .unwrap_or_else(|refusal| panic!("{name}: {}", refusal.sentence_en));
    let spool = tempfile::tempdir().unwrap();
    let limits = Extract { spool_dir: spool.path().to_owned(), ..Extract::default() };
    match extract::read(&recognised, &headers, full(wire.body), &limits).await {
        Err(refusal) => Some(format!("{name}: {} {}", refusal.code, refusal.sentence_en)),
        Ok(extracted) => (!extracted.post.rest.is_empty()).then(|| format!("{name}: {:?}", extracted.post.rest)),
    }
}
