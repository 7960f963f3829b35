//! Targets and routes: what is recognised leaves as it came, and is the same route again.
#![no_main]

use std::sync::LazyLock;

use http::{HeaderMap, Method, Request};
use libfuzzer_sys::fuzz_target;
use sekisho::domain::ports::Hosts as _;
use sekisho::listen::reverse::{Place, Target, settle};
use sekisho::recognise::{Definitions, recognise};

static DEFINITIONS: LazyLock<Definitions> = LazyLock::new(|| Definitions::built_in().unwrap());

fuzz_target!(|data: &[u8]| {
    let Some((kind, data)) = data.split_first() else { return };
    let Ok(target) = std::str::from_utf8(data) else { return };
    let methods = [Method::GET, Method::POST, Method::PUT, Method::DELETE];
    let method = methods[usize::from(*kind) % methods.len()].clone();
    let Ok(request) = Request::builder().method(method).uri(target).header("host", "gw").body(()) else { return };
    let parts = request.into_parts().0;
    let Ok(Target::Provider(route)) = settle(&Place::Gateway, &parts, &*DEFINITIONS) else { return };
    assert!(DEFINITIONS.is_provider_host(&route.host));
    let headers = HeaderMap::new();
    let read = |path: &str, query: Option<&str>| {
        recognise(&DEFINITIONS, &route.host, &parts.method, path, query, &headers)
    };
    let Ok(found) = read(&route.path, route.query.as_deref()) else { return };
    assert_eq!(found.path, route.path);
    assert!(target.split(['?', '#']).next().unwrap().ends_with(&found.path) || found.path == "/");
    let query = sekisho::recognise::matcher::encode_pairs(found.query.iter().map(|(k, v)| (k.as_str(), v.as_str())));
    let again = read(&found.path, Some(&query)).unwrap();
    assert_eq!((again.route.id.clone(), again.params, again.query), (found.route.id.clone(), found.params, found.query));
});
