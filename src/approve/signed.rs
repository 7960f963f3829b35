//! Signed approvals: JWS compact (RFC 7515) with `typ: sekisho-approval+jwt`, EdDSA by this gateway, or as configured
//! for a listed outside issuer.
//!
//! What the header says chooses nothing: the issuer's configuration fixes algorithm and key, and `alg` must agree with
//! it (RFC 8725 3.1). The claims are read strictly: an unknown, repeated or missing claim is refused. A signature that
//! was verified once is remembered by the hash of the whole statement; times are judged anew at every use.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use serde::{Deserialize, Serialize};

use super::claims::{Claims, Header, OWN_ALGORITHM};
use crate::config::approve::{self as config, Approve};
use crate::config::{Problem, private};
use crate::domain::approval::Approval;
use crate::domain::decision::Refusal;
use crate::domain::media::Sha256;

/// Longest statement, in bytes.
pub const LONGEST: usize = 8 * 1024;

/// Verified statements that are remembered, at most.
const REMEMBERED: usize = 1024;

/// The keys that may sign approvals.
pub struct Issuers {
    name: String,
    max_life_s: u64,
    signing: EncodingKey,
    by_name: HashMap<String, Key>,
    verified: Mutex<HashMap<Sha256, Arc<Claims>>>,
}

struct Key {
    algorithm: Algorithm,
    key: DecodingKey,
}

/// What a person states by an approval; the issuer adds its own name, the audience and the times.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// The approval, with its id, window, uses and approver. Its `issuer` is replaced by the signer's name.
    pub approval: Approval,
    /// The basis named for it, such as a clause.
    pub basis: Option<String>,
}

/// Why an approval was not signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotIssued {
    /// Its window is empty, or longer than `[approve] max_life_s`.
    #[error("the window of the approval is empty or longer than {0} seconds")]
    Window(u64),
    /// It names no action, or no use.
    #[error("the approval names no action or no use")]
    Empty,
    /// The key could not sign.
    #[error("the approval key cannot sign")]
    Key,
}

impl Issuers {
    /// Opens this gateway's own key, making it on first start, and the public keys of outside issuers.
    ///
    /// A key file that others can read is a problem.
    pub fn open(config: &Approve) -> Result<Self, Problem> {
        let pem = private::read_or_create(&config.key_file, || {
            new_key_pem().ok_or_else(|| Problem::of_file(&config.key_file, "no Ed25519 key could be made"))
        })?;
        let unusable = || Problem::of_file(&config.key_file, "this is not an Ed25519 key (PKCS#8 PEM)");
        let der = pem_body(&pem, "PRIVATE KEY").ok_or_else(unusable)?;
        let pair = Ed25519KeyPair::from_pkcs8(&der).map_err(|_| unusable())?;
        let own = Key { algorithm: Algorithm::EdDSA, key: DecodingKey::from_ed_der(pair.public_key().as_ref()) };
        let mut by_name = HashMap::from([(config.issuer.clone(), own)]);
        for issuer in &config.issuers {
            // A name that is taken would let an outside key speak for this gateway.
            if by_name.contains_key(&issuer.name) {
                return Err(Problem::of_file(
                    &issuer.public_key_file,
                    format!("the issuer name `{}` is taken", issuer.name),
                ));
            }
            by_name.insert(issuer.name.clone(), outside_key(issuer)?);
        }
        Ok(Self {
            name: config.issuer.clone(),
            max_life_s: config.max_life_s,
            signing: EncodingKey::from_ed_der(&der),
            by_name,
            verified: Mutex::new(HashMap::new()),
        })
    }

    /// This gateway's name as issuer and audience.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Signs an approval as this gateway; `now` becomes `iat`.
    pub fn issue(&self, statement: &Statement, now: Timestamp) -> Result<String, NotIssued> {
        let approval = &statement.approval;
        let life = approval.expires.as_second().saturating_sub(approval.not_before.as_second());
        if life <= 0 || u64::try_from(life).is_ok_and(|life| life > self.max_life_s) || approval.expires <= now {
            return Err(NotIssued::Window(self.max_life_s));
        }
        if approval.actions.is_empty() || approval.max_uses == 0 {
            return Err(NotIssued::Empty);
        }
        let claims = Claims::of(statement, &self.name, now);
        let header = serde_json::to_vec(&Header::own()).map_err(|_| NotIssued::Key)?;
        let payload = serde_json::to_vec(&claims).map_err(|_| NotIssued::Key)?;
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &self.signing, Algorithm::EdDSA)
            .map_err(|_| NotIssued::Key)?;
        Ok(format!("{message}.{signature}"))
    }

    /// The claims of a statement whose form, issuer, audience and signature hold. Times are not judged here.
    ///
    /// Refused with `approval-malformed` or `approval-signature`.
    pub fn verify(&self, signed: &str) -> Result<Arc<Claims>, Refusal> {
        if signed.len() > LONGEST {
            return Err(malformed("the statement is longer than 8 KiB"));
        }
        let name = Sha256::of(signed.as_bytes());
        if let Some(claims) = self.remembered().get(&name) {
            return Ok(Arc::clone(claims));
        }
        let claims = Arc::new(self.verify_anew(signed)?);
        let mut remembered = self.remembered();
        if remembered.len() >= REMEMBERED {
            remembered.clear();
        }
        remembered.insert(name, Arc::clone(&claims));
        Ok(claims)
    }

    fn remembered(&self) -> std::sync::MutexGuard<'_, HashMap<Sha256, Arc<Claims>>> {
        self.verified.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn verify_anew(&self, signed: &str) -> Result<Claims, Refusal> {
        let mut parts = signed.split('.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(malformed("a JWS in compact form has three parts"));
        };
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| malformed("a part is not strict base64url"));
        let (head, body) = (decode(header)?, decode(payload)?);
        decode(signature)?;
        let head = Header::parse(&head).map_err(malformed)?;
        let claims = Claims::parse(&body).map_err(malformed)?;
        let issuer = self.by_name.get(&claims.iss).ok_or_else(|| unsigned("the issuer is not listed"))?;
        if head.alg != algorithm_name(issuer.algorithm) {
            return Err(unsigned("the algorithm is not the issuer's"));
        }
        let message = signed.get(..header.len() + 1 + payload.len()).unwrap_or_default();
        match jsonwebtoken::crypto::verify(signature, message.as_bytes(), &issuer.key, issuer.algorithm) {
            Ok(true) => {}
            Ok(false) | Err(_) => return Err(unsigned("the signature does not fit")),
        }
        if claims.audience() != Some(self.name.as_str()) {
            return Err(malformed("the audience is not this gateway alone"));
        }
        Ok(claims)
    }
}

/// The refusal of a statement that is not well formed. `why` is for English readers and names no content.
pub(super) fn malformed(why: &str) -> Refusal {
    Refusal::refused(
        "approval-malformed",
        "添えられた承認の形式が正しくありません。",
        format!("The approval is malformed: {why}."),
        "承認を改めて発行し、途中で切れていないかご確認のうえ、もう一度送信してください。",
    )
}

fn unsigned(why: &str) -> Refusal {
    Refusal::refused(
        "approval-signature",
        "添えられた承認の署名を確認できません。",
        format!("The approval's signature cannot be verified: {why}."),
        "登録された発行元で承認を改めて発行してください。",
    )
}

fn algorithm_name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::EdDSA => OWN_ALGORITHM,
        Algorithm::ES256 => "ES256",
        // No configuration can name another one; an empty name agrees with no header.
        _ => "",
    }
}

fn outside_key(issuer: &config::Issuer) -> Result<Key, Problem> {
    let file = &issuer.public_key_file;
    let pem = std::fs::read(file).map_err(|error| Problem::of_file(file, format!("cannot read the key: {error}")))?;
    let (algorithm, key) = match issuer.algorithm {
        config::Algorithm::EdDSA => (Algorithm::EdDSA, DecodingKey::from_ed_pem(&pem)),
        config::Algorithm::ES256 => (Algorithm::ES256, DecodingKey::from_ec_pem(&pem)),
    };
    let unusable = || Problem::of_file(file, format!("this is not a public key for {:?} (PEM)", issuer.algorithm));
    let key = key.map_err(|_| unusable())?;
    // A private key would also parse; it does not belong on this machine.
    if !pem.starts_with(b"-----BEGIN PUBLIC KEY-----") {
        return Err(unusable());
    }
    Ok(Key { algorithm, key })
}

/// A new Ed25519 key, PKCS#8 PEM.
fn new_key_pem() -> Option<String> {
    let der = Ed25519KeyPair::generate().ok()?.to_pkcs8v1().ok()?;
    Some(format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der.as_ref())))
}

/// The DER inside the one PEM block of that label.
fn pem_body(pem: &str, label: &str) -> Option<zeroize::Zeroizing<Vec<u8>>> {
    let rest = pem.trim().strip_prefix(&format!("-----BEGIN {label}-----"))?;
    let body = rest.strip_suffix(&format!("-----END {label}-----"))?;
    let body: String = body.split_ascii_whitespace().collect();
    STANDARD.decode(body).ok().map(zeroize::Zeroizing::new)
}
