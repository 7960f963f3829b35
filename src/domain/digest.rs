//! The digest: one SHA-256 over everything that an approval covers.
//!
//! `SHA-256("sekisho-post-v1\0" || RFC 8785(normal form))`. Covered: provider, action, target, the post's fields,
//! resolved media hashes, references, schedule, audience and `rest`. Not covered: the account (it is in the approval),
//! host aliases, credentials and fields that the definition marks volatile. Vectors: `tests/vectors/digest/`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::account::ProviderId;
use super::action::Action;
use super::media::Sha256;
use super::post::Post;
use super::tree::normal_text;

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

/// The normal form of a post, the JSON value whose RFC 8785 form is hashed.
pub fn normal_form(provider: &ProviderId, action: Action, target: Option<&str>, post: &Post) -> Value {
    let fields: Vec<Value> = post
        .fields
        .iter()
        .map(|field| json!({ "at": field.at, "role": field.role.as_str(), "value": field.value.normal_form() }))
        .collect();
    let media: Vec<Value> = post
        .media
        .iter()
        .map(|medium| json!({ "alt": medium.alt.as_deref().map(normal_text), "sha256": medium.sha256.hex() }))
        .collect();
    let pairs = |map: &indexmap::IndexMap<String, super::tree::Tree>| -> Map<String, Value> {
        map.iter().map(|(at, value)| (at.clone(), value.normal_form())).collect()
    };
    json!({
        "action": action.as_str(),
        "audience": pairs(&post.audience),
        "fields": fields,
        "media": media,
        "provider": provider.as_str(),
        "references": post.references,
        "rest": pairs(&post.rest),
        "schedule": post.schedule,
        "target": target,
    })
}

/// The digest of a post.
pub fn digest(provider: &ProviderId, action: Action, target: Option<&str>, post: &Post) -> Digest {
    of_form(&canonical(&normal_form(provider, action, target, post)))
}

/// The digest of a normal form that is already written out, such as the one that the ledger keeps sealed.
pub fn of_form(form: &[u8]) -> Digest {
    let mut bytes = b"sekisho-post-v1\0".to_vec();
    bytes.extend_from_slice(form);
    Digest(Sha256::of(&bytes))
}

/// The RFC 8785 form of a JSON value that holds no floating-point number.
pub fn canonical(value: &Value) -> Vec<u8> {
    // Only a non-finite float can fail, and serde_json's values hold none; an empty form would never match a digest.
    serde_json_canonicalizer::to_vec(value).unwrap_or_default()
}
