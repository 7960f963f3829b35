//! The digest: one SHA-256 over everything that an approval covers.
//!
//! `SHA-256("sekisho-post-v1\0" || RFC 8785(normal form))`. Covered: provider, action, target, the post's fields,
//! resolved media hashes, references, schedule, audience and `rest`. Not covered: the account (it is in the approval),
//! host aliases, credentials and fields that the definition marks volatile. Vectors: `tests/vectors/digest/`.

use std::borrow::Cow;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::account::ProviderId;
use super::action::Action;
use super::canonical::{write_list, write_object, write_text, write_text_or_null, write_value};
use super::media::{Media, Sha256};
use super::post::{Field, Post};
use super::tree::{Tree, normal_text};

/// Room for the form of most posts.
const FORM_BYTES: usize = 2048;

/// A post's digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(Sha256);

impl Digest {
    /// The digest with this hash, as an approval or the store names it.
    pub fn from_sha256(hash: Sha256) -> Self {
        Self(hash)
    }

    /// The hash.
    pub fn sha256(&self) -> &Sha256 {
        &self.0
    }

    /// The digest written `sha256:<hex>`.
    pub fn parse(text: &str) -> Option<Self> {
        text.strip_prefix("sha256:").and_then(Sha256::from_hex).map(Self)
    }
}

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "sha256:{}", self.0.hex())
    }
}

/// The normal form of a post, written as RFC 8785 wants it: what is hashed, and what the ledger seals.
pub fn form(provider: &ProviderId, action: Action, target: Option<&str>, post: &Post) -> String {
    let mut form = String::with_capacity(FORM_BYTES);
    let out = &mut form;
    out.push_str("{\"action\":");
    write_text(action.as_str(), out);
    out.push_str(",\"audience\":");
    write_pairs(&post.audience, out);
    out.push_str(",\"fields\":");
    write_list(&post.fields, out, write_field);
    out.push_str(",\"media\":");
    write_list(&post.media, out, write_medium);
    out.push_str(",\"provider\":");
    write_text(provider.as_str(), out);
    out.push_str(",\"references\":");
    let references = post.references.iter().map(|(kind, ids)| (Cow::Borrowed(kind.as_str()), ids));
    write_object(references, out, |ids, out| write_list(ids, out, |id, out| write_text(id, out)));
    out.push_str(",\"rest\":");
    write_pairs(&post.rest, out);
    out.push_str(",\"schedule\":");
    write_text_or_null(post.schedule.as_deref(), out);
    out.push_str(",\"target\":");
    write_text_or_null(target, out);
    out.push('}');
    form
}

fn write_field(field: &Field, out: &mut String) {
    out.push_str("{\"at\":");
    write_text(&field.at, out);
    out.push_str(",\"role\":");
    write_text(field.role.as_str(), out);
    out.push_str(",\"value\":");
    field.value.write_normal(out);
    out.push('}');
}

fn write_medium(medium: &Media, out: &mut String) {
    out.push_str("{\"alt\":");
    write_text_or_null(medium.alt.as_deref().map(normal_text).as_deref(), out);
    out.push_str(",\"sha256\":");
    write_text(&medium.sha256.hex(), out);
    out.push('}');
}

fn write_pairs(pairs: &IndexMap<String, Tree>, out: &mut String) {
    write_object(pairs.iter().map(|(at, value)| (Cow::Borrowed(at.as_str()), value)), out, Tree::write_normal);
}

/// The normal form as a JSON value, for people and tools to look at.
pub fn normal_form(provider: &ProviderId, action: Action, target: Option<&str>, post: &Post) -> Value {
    // What was just written is JSON.
    serde_json::from_str(&form(provider, action, target, post)).unwrap_or_default()
}

/// The digest of a post.
pub fn digest(provider: &ProviderId, action: Action, target: Option<&str>, post: &Post) -> Digest {
    of_form(form(provider, action, target, post).as_bytes())
}

/// The digest of a normal form that is already written out, such as the one that the ledger keeps sealed.
pub fn of_form(form: &[u8]) -> Digest {
    Digest(Sha256::of(&[b"sekisho-post-v1\0", form].concat()))
}

/// The RFC 8785 form of a JSON value.
pub fn canonical(value: &Value) -> Vec<u8> {
    let mut out = String::new();
    write_value(value, &mut out);
    out.into_bytes()
}
