//! The header and the claims of a signed approval, read strictly.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::signed::Statement;
use crate::domain::account::AccountId;
use crate::domain::action::Action;
use crate::domain::approval::{Approval, ApprovalId};
use crate::domain::digest::Digest;
use crate::domain::person::PersonId;
use crate::domain::remarks::Remarks;

/// `typ` of the header (RFC 8725 3.11).
const TYPE: &str = "sekisho-approval+jwt";

/// `alg` of this gateway's own statements (RFC 8037).
pub(super) const OWN_ALGORITHM: &str = "EdDSA";

/// `type` of the authorization detail (RFC 9396).
const DETAIL: &str = "sekisho-post";

/// Longest name (`jti`, `sub`, a reference), in bytes.
const LONGEST_NAME: usize = 256;

/// What a header says. `kid`, `jku`, `jwk`, `x5u` and the like may stand there and choose nothing.
#[derive(Debug, Serialize)]
pub(super) struct Header {
    pub(super) alg: String,
    pub(super) typ: String,
}

impl Header {
    pub(super) fn own() -> Self {
        Self { alg: OWN_ALGORITHM.to_owned(), typ: TYPE.to_owned() }
    }

    /// Reads a header: one object, no name twice, `typ` as it must be, nothing that asks to be understood.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, &'static str> {
        let (alg, _) = head_of(bytes, TYPE)?;
        Ok(Self { alg, typ: TYPE.to_owned() })
    }
}

/// `alg` and `kid` of a header of that `typ`.
pub(super) fn head_of(bytes: &[u8], typ: &str) -> Result<(String, Option<String>), &'static str> {
    let members: Members = serde_json::from_slice(bytes).map_err(|_| "the header is not one object of names")?;
    if members.0.contains_key("crit") || members.0.contains_key("b64") {
        return Err("the header asks for an extension");
    }
    let text = |name: &str| members.0.get(name).and_then(|value| value.as_str()).map(str::to_owned);
    match (text("alg"), text("typ")) {
        (Some(alg), Some(known)) if known == typ => Ok((alg, text("kid"))),
        _ => Err("`typ` is not the one of this kind of statement, or `alg` is missing"),
    }
}

/// An object in which each name stands once.
struct Members(BTreeMap<String, serde_json::Value>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Members;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = BTreeMap::new();
                while let Some((name, value)) = map.next_entry()? {
                    if members.insert(name, value).is_some() {
                        return Err(serde::de::Error::custom("a name stands twice"));
                    }
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

/// The claims, as signed (DESIGN: approval claims). Every name stands once and none is unknown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// Who signed.
    pub iss: String,
    aud: Audience,
    /// The approval's unique name.
    pub jti: String,
    /// When it was signed, in seconds since 1970.
    pub iat: i64,
    /// First second at which it may be used.
    pub nbf: i64,
    /// First second at which it may no longer be used.
    pub exp: i64,
    /// The approver.
    pub sub: String,
    authorization_details: Vec<Detail>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Detail {
    r#type: String,
    actions: Vec<Action>,
    account: AccountId,
    digest: String,
    digest_v: u32,
    max_uses: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    category: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    basis: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    #[serde(default, skip_serializing_if = "Remarks::is_empty")]
    remarks: Remarks,
}

impl Claims {
    /// The claims of a statement that `issuer` signs for itself at `now`.
    pub(super) fn of(statement: &Statement, issuer: &str, now: Timestamp) -> Self {
        let approval = &statement.approval;
        Self {
            iss: issuer.to_owned(),
            aud: Audience::One(issuer.to_owned()),
            jti: approval.id.to_string(),
            iat: now.as_second(),
            nbf: approval.not_before.as_second(),
            exp: approval.expires.as_second(),
            sub: approval.approver.to_string(),
            authorization_details: vec![Detail {
                r#type: DETAIL.to_owned(),
                actions: approval.actions.clone(),
                account: approval.account.clone(),
                digest: approval.digest.to_string(),
                digest_v: 1,
                max_uses: approval.max_uses,
                category: approval.category.clone(),
                basis: statement.basis.clone(),
                reference: approval.reference.clone(),
                remarks: approval.remarks.clone(),
            }],
        }
    }

    /// Reads claims and checks everything about their form; afterwards `approval` cannot fail for them.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, &'static str> {
        // serde also reads a list of values as a struct, in the order of the fields; a claim set is an object.
        if !bytes.starts_with(b"{") {
            return Err("the claims are not an object");
        }
        let claims: Self = serde_json::from_slice(bytes)
            .map_err(|_| "a claim is missing, repeated, unknown or of another type than it must be")?;
        for name in [&claims.jti, &claims.sub, &claims.iss] {
            if name.is_empty() || name.len() > LONGEST_NAME {
                return Err("a name is empty or too long");
            }
        }
        if claims.nbf >= claims.exp || claims.iat >= claims.exp {
            return Err("the window is empty");
        }
        claims.approval().map(|_| claims.clone()).ok_or("the authorization detail is not one sekisho-post of version 1")
    }

    /// The one audience, if there is exactly one.
    pub(super) fn audience(&self) -> Option<&str> {
        match &self.aud {
            Audience::One(one) => Some(one),
            Audience::Many(many) => match many.as_slice() {
                [one] => Some(one),
                _ => None,
            },
        }
    }

    /// The basis that the approver named.
    pub fn basis(&self) -> Option<&str> {
        self.authorization_details.first().and_then(|detail| detail.basis.as_deref())
    }

    /// The approval that these claims state. `None` only for claims that were not parsed by this module.
    pub fn approval(&self) -> Option<Approval> {
        let [detail] = self.authorization_details.as_slice() else { return None };
        if detail.r#type != DETAIL || detail.digest_v != 1 || detail.max_uses == 0 || detail.actions.is_empty() {
            return None;
        }
        Some(Approval {
            id: ApprovalId::new(self.jti.as_str()),
            account: detail.account.clone(),
            actions: detail.actions.clone(),
            digest: Digest::parse(&detail.digest).filter(|digest| digest.to_string() == detail.digest)?,
            not_before: Timestamp::from_second(self.nbf).ok()?,
            expires: Timestamp::from_second(self.exp).ok()?,
            max_uses: detail.max_uses,
            approver: PersonId::new(self.sub.as_str()),
            issuer: self.iss.clone(),
            category: detail.category.clone(),
            reference: detail.reference.clone(),
            remarks: detail.remarks.clone(),
        })
    }
}
