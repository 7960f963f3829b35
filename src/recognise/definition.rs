//! A provider definition in checked form: what `config/providers/*.toml` says, parsed once into closed types.
//!
//! `source` is the shape of the file, this is what it means. Everything that the gateway can read in a definition but
//! not yet carry out (bracket keys as the encoding of one field) sets [`Route::unsupported`]: such a route refuses, never passes.

use std::sync::Arc;

use http::{HeaderName, Method};

use crate::domain::account::ProviderId;
use crate::domain::action::Action;
use crate::domain::post::Role;

use super::matcher::{PathTemplate, Table};

mod address;
mod step;

pub use address::AddressAt;
pub use step::{ContainerRule, ContainerStep, Step, StepRule};

/// A provider: hosts, credential, headers, routes.
#[derive(Debug)]
pub struct Definition {
    /// Short name: `x`.
    pub id: ProviderId,
    /// Its name in Japanese.
    pub name_ja: String,
    /// Its name in English.
    pub name_en: String,
    /// The hosts it answers on.
    pub hosts: Vec<HostPattern>,
    /// The hosts on which people post by hand, which no gate sees.
    pub web_hosts: Vec<HostPattern>,
    /// The host of the short form `/{provider}/...`.
    pub default_host: Option<String>,
    /// How its refusals look.
    pub errors: ErrorShape,
    /// Where a request carries the provider credential, in the order looked at.
    pub credential: Vec<CredentialPlace>,
    /// Media type parameters that clients may send (`charset=utf-8`).
    pub parameters: Vec<(String, String)>,
    /// Headers that any route forwards.
    pub headers: Vec<HeaderName>,
    /// Where a request may ask to be taken for another method: it is judged as that, and leaves as that.
    pub overrides: Vec<Place>,
    /// Hosts that another definition may claim too, for paths of its own.
    pub shares: Vec<String>,
    /// Whether everybody may run it, so that its hosts come from the configuration and each host has ids of its own.
    pub instance: bool,
    /// Whether forms and queries nest by brackets (`poll[options][]`) and say the same as a JSON body would: such a
    /// definition has JSON pointers only, and a post has one digest in whatever encoding it comes.
    pub brackets: bool,
    /// Whether ids of media are made from their bytes, so that two accounts may have one id.
    pub media_by_content: bool,
    /// Whether nothing is ever sent: a person does by hand what was permitted (a provider without an API).
    pub by_hand: bool,
    /// Where answers name addresses of its own, which a tool at a reverse door could follow past the gate.
    pub addresses: Vec<AddressAt>,
    /// Members of a body that are refused by name wherever the provider would take a credential from them.
    pub never: Vec<String>,
    /// The member of a body that makes a batch of any request, whatever its path: refused where the route is no batch.
    pub batch_key: Option<String>,
}

impl Definition {
    /// Whether it answers on one host only.
    pub fn is_sole(&self) -> bool {
        matches!(self.hosts.as_slice(), [HostPattern::Exact(_)])
    }
}

/// A host, or all hosts under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostPattern {
    /// This host.
    Exact(String),
    /// Every host that ends in this, which begins with a dot: `.host.bsky.network`.
    Suffix(String),
}

impl HostPattern {
    /// Whether `host` (lower case, no port) is meant.
    pub fn accepts(&self, host: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == host,
            Self::Suffix(suffix) => host.len() > suffix.len() && host.ends_with(suffix.as_str()),
        }
    }

    /// Whether some host is meant by both.
    pub fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Exact(host), pattern) | (pattern, Self::Exact(host)) => pattern.accepts(host),
            (Self::Suffix(a), Self::Suffix(b)) => a.ends_with(b.as_str()) || b.ends_with(a.as_str()),
        }
    }

    /// The pattern as name constraints write it: `api.x.com`, `.host.bsky.network`.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Exact(name) | Self::Suffix(name) => name,
        }
    }
}

/// The provider's error shape, which `gate` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ErrorShape {
    /// X: `errors[]`, `title`, `detail`, `message`.
    X,
    /// Facebook, Instagram, Threads: `error.message`.
    Meta,
    /// Google: `error.errors[]`.
    Google,
    /// LINE: `message`, `details[]`.
    Line,
    /// AT Protocol: `error` name, `message`.
    Atproto,
    /// Mastodon: `error`.
    Mastodon,
    /// RFC 9457.
    Problem,
}

impl ErrorShape {
    /// The name as definitions write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::X => "x",
            Self::Meta => "meta",
            Self::Google => "google",
            Self::Line => "line",
            Self::Atproto => "atproto",
            Self::Mastodon => "mastodon",
            Self::Problem => "problem",
        }
    }
}

/// Where a request carries the provider credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialPlace {
    /// `Authorization: Bearer ...` (RFC 6750).
    Bearer,
    /// `oauth_token` of an OAuth 1.0a `Authorization` header (RFC 5849 section 3.5.1).
    OAuth1,
    /// A query parameter.
    Query(String),
    /// A form field, or the member of a JSON body.
    Form(String),
    /// `Authorization: OAuth ...`, a bearer token by another name (Meta's upload hosts).
    OAuth,
}

/// One described request: method, host and path, and what it does.
#[derive(Debug)]
pub struct Route {
    /// Its name within the definition: `tweet-create`.
    pub id: String,
    /// What the digest names, so that two routes of one action never share a digest. The id unless the file says so.
    pub means: String,
    /// The line of the definition file it begins on, from 1.
    pub line: usize,
    /// The methods.
    pub methods: Vec<Method>,
    /// The hosts, among the definition's.
    pub hosts: Vec<HostPattern>,
    /// The path.
    pub path: PathTemplate,
    /// The action, unless a condition of `when` holds.
    pub action: Action,
    /// Conditions that change the action; the first that holds decides.
    pub when: Vec<When>,
    /// Whether one of `when` must hold.
    pub when_required: bool,
    /// The bodies it takes.
    pub body: Vec<BodyKind>,
    /// Media types of a raw body; empty means any.
    pub raw_types: Vec<String>,
    /// Limits in bytes by body kind, where they differ from `[extract]`.
    pub limits: Vec<(BodyKind, u64)>,
    /// Query keys it takes.
    pub query: Vec<String>,
    /// Query keys that may be repeated.
    pub repeats: Vec<String>,
    /// Headers it forwards besides the definition's.
    pub headers: Vec<HeaderName>,
    /// Its fields.
    pub fields: Vec<FieldRule>,
    /// What it does as a step of an upload; the first whose condition holds.
    pub steps: Vec<StepRule>,
    /// What it does with containers.
    pub container: Option<ContainerRule>,
    /// Where the answer, or the path, names what was published or uploaded; the first that is there.
    pub published: Vec<Place>,
    /// The requests that it holds.
    pub batch: Option<Batch>,
    /// Known, and refused by name.
    pub refuse: Option<RefuseRule>,
    /// What of it cannot be carried out yet; such a route refuses.
    pub unsupported: Option<&'static str>,
}

impl Route {
    /// Whether a body of this kind is taken.
    pub fn takes(&self, kind: BodyKind) -> bool {
        self.body.contains(&kind)
    }

    /// Names of the body fields that carry media bytes.
    pub fn media_fields(&self) -> impl Iterator<Item = &FieldRule> {
        self.fields.iter().filter(|field| field.role == FieldRole::MediaBytes)
    }
}

/// A condition that changes the action.
#[derive(Clone, Debug)]
pub struct When {
    /// The condition.
    pub condition: Condition,
    /// A second condition that must hold, too.
    pub also: Option<Condition>,
    /// The action if it holds.
    pub action: Action,
}

/// A condition on a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The field.
    pub at: Place,
    /// The value it must have; none: any but null.
    pub equals: Option<String>,
    /// Whether it must not be there at all.
    pub absent: bool,
    /// Its value must say yes (`true`, `1`, `yes`, `on`, in any case), or anything but that, also nothing.
    pub says: Option<bool>,
    /// It holds unless every name of the list at the place, with commas between them, is one of these; so it holds
    /// where there is no list. Empty: not asked.
    pub beyond: Vec<String>,
    /// A name that such a list must have among its own.
    pub has: Option<String>,
}

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BodyKind {
    /// No body.
    None,
    /// `application/json`.
    Json,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// `multipart/form-data` (RFC 7578).
    Multipart,
    /// The medium itself.
    Raw,
    /// `multipart/related` (RFC 2387): Google's one-shot upload.
    Related,
    /// `multipart/mixed` of `application/http`: Google's batch.
    HttpBatch,
}

/// Where a value stands in a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the JSON body.
    Json(Pointer),
    /// A form field or a multipart part.
    Form(String),
    /// Any form field that no other rule names (secret only).
    FormAny,
    /// A query parameter.
    Query(String),
    /// A form field, a part, a member of the JSON body or a query parameter, whichever is there.
    Param(String),
    /// A parameter of the path template.
    Path(String),
    /// A header, lower case.
    Header(String),
    /// A raw body.
    Raw,
}

/// A JSON Pointer (RFC 6901) with `*` for every element of an array, `{name}` for every member of an object, a
/// final `**` for a whole subtree, and one between two steps for whatever lies between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pointer {
    /// Its steps.
    pub steps: Vec<PointerStep>,
    /// Whether it takes a whole subtree instead of a scalar.
    pub deep: bool,
}

/// One step of a pointer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PointerStep {
    /// The member of this name.
    Key(String),
    /// Every element of an array.
    Each,
    /// Every member of an object, in the order of their names.
    Member,
    /// Any steps, or none: every place below.
    Below,
}

/// What a field is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldRole {
    /// The public reads it.
    Public(Role),
    /// The id of a medium.
    MediaId,
    /// The id of a container that is shown as a part of this post.
    Part,
    /// That what was made unpublished is published now; beside the audience where it says anything else.
    Flip,
    /// The bytes of a medium.
    MediaBytes,
    /// An address from which the provider fetches a medium.
    MediaUrl,
    /// An address from which it fetches several, of which the gateway can give it none.
    MediaUnseen,
    /// A reference: `reply_to`, `quote_of`, `repost_of`, `whom`.
    Reference(&'static str),
    /// What is edited, deleted or shown.
    Target,
    /// When the provider is to publish.
    Schedule,
    /// Who may see it.
    Audience,
    /// Changes nothing that anybody reads; covered by the digest all the same.
    Opaque,
    /// Differs from try to try and says nothing; outside the digest, by a strict grammar.
    Volatile(Grammar),
    /// The client's retry key; volatile, and kept. The provider knows it again for so many minutes.
    RetryKey(Grammar, u32),
    /// Never stored, never in a post: passwords, codes and keys at sign-in.
    Secret,
    /// Which account acts; the approval names it.
    Account,
}

/// What a volatile field may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grammar {
    /// A UUID with hyphens (RFC 9562).
    Uuid,
    /// A timestamp (RFC 3339).
    Timestamp,
    /// Up to 20 digits.
    Digits,
    /// Up to 64 of `A-Z a-z 0-9 . _ : -`.
    Key,
    /// An AT Protocol TID (13 of `2-7 a-z`), or `self`.
    Tid,
}

impl Grammar {
    /// Whether `value` fits.
    pub fn accepts(self, value: &str) -> bool {
        let digits =
            |most: usize| !value.is_empty() && value.len() <= most && value.bytes().all(|b| b.is_ascii_digit());
        match self {
            Self::Uuid => value.len() == 36 && uuid::Uuid::try_parse(value).is_ok(),
            Self::Timestamp => value.len() <= 35 && value.parse::<jiff::Timestamp>().is_ok(),
            Self::Digits => digits(20),
            Self::Tid => {
                let sortable = |b: u8| matches!(b, b'2'..=b'7' | b'a'..=b'z');
                value == "self" || (value.len() == 13 && value.bytes().all(sortable))
            }
            Self::Key => {
                let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'-');
                !value.is_empty() && value.len() <= 64 && value.bytes().all(plain)
            }
        }
    }
}

/// How a field's value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// As it is.
    Plain,
    /// Several values with commas between them.
    Comma,
    /// Media bytes in base64 (RFC 4648 section 4, padded).
    Base64,
    /// A JSON text inside the field; `inner` reads it, or else the whole is the value.
    Json,
    /// Several values: with commas between them, or as a JSON list.
    List,
    /// Bracket keys: `media_ids[]`, `poll[options][]`, `attached_media[0]`.
    Brackets,
}

/// A field: where it stands, what it is, how it is written.
#[derive(Clone, Debug)]
pub struct FieldRule {
    /// Where.
    pub at: Place,
    /// What.
    pub role: FieldRole,
    /// How.
    pub encoding: Encoding,
    /// Fields inside a JSON text.
    pub inner: Vec<FieldRule>,
    /// While this does not hold, the rule is not there: what stands at its place is a field that no rule takes.
    pub only_when: Option<Condition>,
}

/// A request that holds several. Each item is read by the rules of a route of its own, as if it had come alone.
#[derive(Debug)]
pub struct Batch {
    /// The member of the JSON body that lists the items.
    pub at: String,
    /// Items of one request.
    pub most: usize,
    /// The member of an item that says by which route it is read; none: all by one.
    pub by: Option<String>,
    /// The routes, by what that member says.
    pub routes: Vec<(String, Arc<Route>)>,
    /// Members of an item that the route knows by another name.
    pub rename: Vec<(String, String)>,
    /// Members beside the list that belong to each item.
    pub with: Vec<String>,
    /// The member of the answer that lists what became of each item, in their order.
    pub answers: Option<String>,
    /// Where each item is a whole request, with a method, a path and a body: how they are written, and by which routes
    /// they are read.
    pub requests: Option<Requests>,
}

/// Items that are whole requests of the same provider and host.
#[derive(Debug)]
pub struct Requests {
    /// How they are written.
    pub written: Written,
    /// Every route of the definition that is no batch itself.
    pub table: Table,
}

/// How the requests of a batch are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// Graph: a JSON list of `method`, `relative_url`, `body`, itself in a field.
    Graph,
    /// Google: `multipart/mixed` of `application/http`.
    Http,
}

/// Why a known route is refused.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefuseRule {
    /// Stable code.
    pub code: String,
    /// The sentence in Japanese.
    pub ja: String,
    /// The same in English.
    pub en: String,
    /// The way forward, in Japanese.
    pub way: String,
}
