//! The words of a definition file: hosts, places, roles, headers, methods, each with its own complaint.

use http::{HeaderName, Method};

use crate::domain::post::Role;

use super::definition::{CredentialPlace, FieldRole, Grammar, HostPattern, Place, Pointer, PointerStep};

/// A host in lower case, or `*.suffix`.
pub(super) fn host_pattern(text: &str) -> Result<HostPattern, String> {
    let (name, suffix) = match text.strip_prefix("*.") {
        Some(rest) => (rest, true),
        None => (text, false),
    };
    let label = |label: &str| {
        !label.is_empty() && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    if !name.contains('.') || !name.split('.').all(label) {
        return Err(format!("{text:?} is not a host name in lower case"));
    }
    Ok(if suffix { HostPattern::Suffix(format!(".{name}")) } else { HostPattern::Exact(name.to_owned()) })
}

/// Where the credential is: `bearer`, `oauth1`, `query:NAME`, `form:NAME`.
pub(super) fn credential(text: &str) -> Result<CredentialPlace, String> {
    match text.split_once(':') {
        None if text == "bearer" => Ok(CredentialPlace::Bearer),
        None if text == "oauth1" => Ok(CredentialPlace::OAuth1),
        None if text == "oauth" => Ok(CredentialPlace::OAuth),
        Some(("query", name)) => Ok(CredentialPlace::Query(name.to_owned())),
        Some(("form", name)) => Ok(CredentialPlace::Form(name.to_owned())),
        _ => Err(format!("{text:?}: a credential is at bearer, oauth, oauth1, query:NAME or form:NAME")),
    }
}

/// Headers that the gateway writes itself, or that must never pass (RFC 9110 section 7.6.1).
const NEVER: [&str; 14] = [
    "host",
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "content-length",
    "content-type",
    "content-encoding",
    "accept-encoding",
    "cookie",
    "expect",
];

/// A header that may be forwarded.
pub(super) fn header(text: &str) -> Result<HeaderName, String> {
    let never = NEVER.contains(&text)
        || ["sekisho-", "x-forwarded-", "proxy-", "x-http-method", "x-method"].iter().any(|p| text.starts_with(p));
    if never || text.bytes().any(|b| b.is_ascii_uppercase()) {
        return Err(format!("the header {text:?} is never forwarded, or is not in lower case"));
    }
    HeaderName::from_bytes(text.as_bytes()).map_err(|_| format!("{text:?} is not a header name"))
}

/// A method that a route may have.
pub(super) fn method(text: &str) -> Result<Method, String> {
    match text {
        "GET" => Ok(Method::GET),
        "POST" => Ok(Method::POST),
        "PUT" => Ok(Method::PUT),
        "PATCH" => Ok(Method::PATCH),
        "DELETE" => Ok(Method::DELETE),
        _ => Err(format!("the method {text:?} is not GET, POST, PUT, PATCH or DELETE")),
    }
}

/// Where a value stands.
pub(super) fn place(text: &str) -> Result<Place, String> {
    if text.starts_with('/') {
        return pointer(text).map(Place::Json);
    }
    let named = |name: &str| if name.is_empty() { Err(format!("{text:?} names nothing")) } else { Ok(name.to_owned()) };
    match text.split_once(':') {
        None if text == "raw" => Ok(Place::Raw),
        Some(("form", "*")) => Ok(Place::FormAny),
        Some(("form", name)) => named(name).map(Place::Form),
        Some(("query", name)) => named(name).map(Place::Query),
        Some(("param", name)) => named(name).map(Place::Param),
        Some(("path", name)) => named(name).map(Place::Path),
        Some(("header", name)) => named(name).map(|name| Place::Header(name.to_lowercase())),
        _ => Err(format!("{text:?} is not a place: /pointer, form:, query:, param:, path:, header: or raw")),
    }
}

fn pointer(text: &str) -> Result<Pointer, String> {
    let mut steps = Vec::new();
    let mut deep = false;
    for step in text.split('/').skip(1) {
        if std::mem::take(&mut deep) {
            // Within a pointer it stands for the steps between, however many.
            steps.push(PointerStep::Below);
        }
        match step {
            "**" if steps.last() == Some(&PointerStep::Below) => {
                return Err(format!("{text:?}: ** twice in a row"));
            }
            "**" => deep = true,
            "*" => steps.push(PointerStep::Each),
            "" => return Err(format!("{text:?} has an empty step")),
            _ if step.starts_with('{') && step.ends_with('}') => steps.push(PointerStep::Member),
            _ => steps.push(PointerStep::Key(step.replace("~1", "/").replace("~0", "~"))),
        }
    }
    Ok(Pointer { steps, deep })
}

/// What a field is.
pub(super) fn role(name: &str, grammar: Option<Grammar>, minutes: Option<u32>) -> Result<FieldRole, String> {
    if minutes.is_some() != (name == "retry-key") {
        return Err("\"minutes\" says how long the provider knows a retry-key again, and nothing else".to_owned());
    }
    let role = match name {
        "text" => FieldRole::Public(Role::Text),
        "title" => FieldRole::Public(Role::Title),
        "description" => FieldRole::Public(Role::Description),
        "alt" => FieldRole::Public(Role::Alt),
        "link" => FieldRole::Public(Role::Link),
        "tag" => FieldRole::Public(Role::Tag),
        "label" => FieldRole::Public(Role::Label),
        "message" => FieldRole::Public(Role::Message),
        "media-id" => FieldRole::MediaId,
        "part" => FieldRole::Part,
        "flip" => FieldRole::Flip,
        "media-bytes" => FieldRole::MediaBytes,
        "media-url" => FieldRole::MediaUrl,
        "media-unseen" => FieldRole::MediaUnseen,
        "reply-to" => FieldRole::Reference("reply_to"),
        "quote-of" => FieldRole::Reference("quote_of"),
        "repost-of" => FieldRole::Reference("repost_of"),
        "whom" => FieldRole::Reference("whom"),
        "target" => FieldRole::Target,
        "schedule" => FieldRole::Schedule,
        "audience" => FieldRole::Audience,
        "opaque" => FieldRole::Opaque,
        "secret" => FieldRole::Secret,
        "account" => FieldRole::Account,
        "volatile" | "retry-key" => {
            let grammar = grammar.ok_or_else(|| format!("the role {name:?} needs a grammar"))?;
            return Ok(match minutes {
                None => FieldRole::Volatile(grammar),
                Some(minutes) => FieldRole::RetryKey(grammar, minutes),
            });
        }
        _ => return Err(format!("there is no role {name:?}")),
    };
    if grammar.is_some() {
        return Err(format!("the role {name:?} takes no grammar"));
    }
    Ok(role)
}
