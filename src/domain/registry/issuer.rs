//! Issuers of publish events: the body's own content management system, and others whose decision stands for one on a post
//! (長野 2(8)).

use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::JwkSet;
use serde::{Deserialize, Serialize};

use super::{RecordId, Span};
use crate::domain::account::AccountId;
use crate::domain::action::Action;

/// How an issuer signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EventAlgorithm {
    /// Ed25519 (RFC 8037).
    EdDSA,
    /// ECDSA on P-256 with SHA-256 (RFC 7518).
    ES256,
}

impl EventAlgorithm {
    /// Its name in a JWS header.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EdDSA => "EdDSA",
            Self::ES256 => "ES256",
        }
    }
}

/// An issuer's public keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventKey {
    /// One key, PEM (`BEGIN PUBLIC KEY`).
    Pem(String),
    /// A JWK set (RFC 7517), as JSON. It is not fetched: who changes it changes the registry.
    Jwks(serde_json::Value),
}

/// An issuer of publish events, for some accounts and actions, for a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// Its id, which its events name as `iss`.
    pub id: RecordId,
    /// What it is: 市公式ホームページCMS.
    pub name: String,
    /// How it signs.
    pub algorithm: EventAlgorithm,
    /// By which keys.
    pub key: EventKey,
    /// The accounts that its events may be for.
    pub accounts: Vec<AccountId>,
    /// The actions.
    pub actions: Vec<Action>,
    /// When it may be believed.
    pub span: Span,
    /// Whether it was withdrawn.
    #[serde(default)]
    pub withdrawn: bool,
}

impl Issuer {
    /// Whether its events for this account are believed on this day in Japan.
    pub fn is_in_force(&self, account: &AccountId, day: jiff::civil::Date) -> bool {
        !self.withdrawn && self.span.covers_day(day) && self.accounts.contains(account)
    }

    /// The keys that may have signed: the one of that id, where an event names one that the set knows; else all. Empty: none
    /// can be read.
    pub fn keys(&self, kid: Option<&str>) -> Vec<DecodingKey> {
        match &self.key {
            EventKey::Pem(pem) => {
                let key = match self.algorithm {
                    EventAlgorithm::EdDSA => DecodingKey::from_ed_pem(pem.as_bytes()),
                    EventAlgorithm::ES256 => DecodingKey::from_ec_pem(pem.as_bytes()),
                };
                key.into_iter().collect()
            }
            EventKey::Jwks(set) => {
                let Ok(set) = serde_json::from_value::<JwkSet>(set.clone()) else { return Vec::new() };
                let named = kid.and_then(|kid| set.find(kid));
                let all = named.map_or(set.keys.as_slice(), std::slice::from_ref);
                all.iter().filter_map(|jwk| DecodingKey::from_jwk(jwk).ok()).collect()
            }
        }
    }

    /// Whether a private key stands where public ones belong.
    pub fn is_private(&self) -> bool {
        match &self.key {
            EventKey::Pem(pem) => !pem.trim_start().starts_with("-----BEGIN PUBLIC KEY-----"),
            EventKey::Jwks(set) => {
                let keys = set.get("keys").and_then(serde_json::Value::as_array);
                keys.is_none_or(|keys| keys.iter().any(|key| key.get("d").is_some() || key.get("k").is_some()))
            }
        }
    }
}
