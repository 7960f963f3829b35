//! Requests that ask to be taken for another method: judged as what they ask for, and sent as that.
//!
//! `method=delete` in a Graph query, `X-HTTP-Method-Override`, `_method` in a Rails form: a provider that obeys them does
//! what no method on the request line says. Where a definition names the place, the asked-for method finds the route, the
//! request leaves with that method, and the words that asked are left out. So the gateway and the provider cannot differ
//! on whether it was obeyed. Where no definition names it, and where two places disagree, the request is refused.

use http::{HeaderMap, Method};

use super::definition::{Definition, Place};
use super::{matcher, method_override};
use crate::domain::decision::Refusal;

/// Headers by which a request asks to be taken for another method.
const HEADERS: [&str; 3] = ["x-http-method-override", "x-http-method", "x-method-override"];

/// The method that the request is to be taken for.
///
/// # Errors
/// Refusal `method-override`: in a place that is not described, repeated, unreadable, or against another.
pub(super) fn method(
    definition: &Definition,
    sent: &Method,
    query: Option<&str>,
    headers: &HeaderMap,
) -> Result<Method, Refusal> {
    let mut asked: Option<Method> = None;
    let mut ask = |value: &str| {
        let method = named(value).ok_or_else(method_override)?;
        match asked.replace(method.clone()) {
            Some(other) if other != method => Err(method_override()),
            _ => Ok(()),
        }
    };
    for name in HEADERS {
        for value in headers.get_all(name) {
            let described = definition.overrides.iter().any(|at| matches!(at, Place::Header(header) if header == name));
            ask(value.to_str().ok().filter(|_| described).ok_or_else(method_override)?)?;
        }
    }
    // A query that is not well formed is refused when it is read for the route.
    let pairs = query.map(|query| matcher::decode_pairs(query, &|_| true));
    for (key, value) in pairs.and_then(Result::ok).unwrap_or_default() {
        if in_query(definition, &key) {
            ask(&value)?;
        }
    }
    Ok(asked.unwrap_or_else(|| sent.clone()))
}

/// Whether this query key asks for another method.
pub(super) fn in_query(definition: &Definition, key: &str) -> bool {
    definition.overrides.iter().any(|at| matches!(at, Place::Query(name) | Place::Param(name) if name == key))
}

/// Whether this field of a form or a JSON body asks for another method.
pub fn in_body(definition: &Definition, key: &str) -> bool {
    definition.overrides.iter().any(|at| matches!(at, Place::Form(name) | Place::Param(name) if name == key))
}

fn named(value: &str) -> Option<Method> {
    [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE]
        .into_iter()
        .find(|method| method.as_str().eq_ignore_ascii_case(value))
}
