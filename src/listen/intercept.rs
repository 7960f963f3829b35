//! The internal CA: a root for the trust stores, an intermediate that can sign for provider hosts only, leaves minted
//! per host.
//!
//! ```text
//! root (10 years; its key may leave the machine)
//!   |-- intermediate (1 year; name constraints = provider hosts, no addresses) -- leaf per host (7 days, in memory)
//!   `-- the gateway's own names (1 year)
//! ```
//!
//! A stolen intermediate can impersonate provider hosts to the office and nothing else. It's re-issued when it nears
//! its end or the provider hosts change; when the root's key is elsewhere, a request for it is written instead.
//!
//! # Failure rule
//!
//! A file that is wrong is a [`Problem`], never repaired in silence; only what is missing or outdated is made anew.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use jiff::{SignedDuration, Timestamp};
use rcgen::{Issuer, KeyPair, PublicKeyData};
use rustls::ServerConfig;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::server::ProducesTickets;
use rustls::sign::{CertifiedKey, SigningKey, SingleCertAndKey};

use crate::config::Problem;
use crate::domain::clock::Clock;
use crate::domain::ports::Hosts;
use certificate::{Cause, Facts};
use files::Files;
pub use request::sign_request;

mod certificate;
mod files;
mod request;
#[cfg(test)]
mod tests;

/// Under this, intermediate and own certificate are renewed.
const RENEW_UNDER: SignedDuration = SignedDuration::from_hours(24 * 30);
/// Under this, a leaf is minted anew.
const LEAF_RENEW_UNDER: SignedDuration = SignedDuration::from_hours(24 * 3);
/// Minted hosts kept; more can only come from a pattern with many hosts, and then minting is cheap.
const CACHE: usize = 1_024;

/// The internal CA: root, name-constrained intermediate, minted leaves.
pub struct Authority {
    root_pem: String,
    signer: Signer,
    permitted: BTreeSet<String>,
    leaf_key: KeyPair,
    leaf_signing: Arc<dyn SigningKey>,
    tickets: Arc<dyn ProducesTickets>,
    own_tls: Arc<ServerConfig>,
    clock: Arc<dyn Clock>,
    minted: RwLock<HashMap<String, (Arc<ServerConfig>, Timestamp)>>,
}

/// The intermediate: what signs leaves.
struct Signer {
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
    end: Timestamp,
}

/// The root as it lies in the directory.
struct Root {
    pem: String,
    certificate: CertificateDer<'static>,
    issuer: Option<Issuer<'static, KeyPair>>,
}

impl Authority {
    /// Opens the CA in `config.ca_dir`, making what is missing and re-issuing the intermediate when hosts changed.
    ///
    /// Errors: a key that others can read, a file that is no key or certificate, a root that has ended, and an
    /// intermediate that must be re-issued while the root's key isn't there (a request to be signed is then written).
    pub fn open(
        config: &crate::config::listen::Listen,
        hosts: &dyn Hosts,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Problem> {
        let files = Files::open(&config.ca_dir)?;
        let now = clock.now();
        let permitted = certificate::subtrees(&hosts.host_patterns());
        let root = Root::open(&files, now)?;
        let signer = Signer::open(&files, &root, &permitted, now)?;
        let made = |cause: Cause| files.problem(files::INTERMEDIATE, cause.to_string());
        let tickets = rustls::crypto::aws_lc_rs::Ticketer::new().map_err(|error| made(error.into()))?;
        let own_tls = own(&files, &root, &config.names, now, &tickets)?;
        let leaf_key = KeyPair::generate().map_err(|error| made(error.into()))?;
        let leaf_signing = signing(&leaf_key).map_err(made)?;
        let minted = RwLock::default();
        Ok(Self { root_pem: root.pem, signer, permitted, leaf_key, leaf_signing, tickets, own_tls, clock, minted })
    }

    /// The root certificate, PEM, for the office's trust stores. The same lies in `root.pem` of the CA's directory.
    pub fn root_pem(&self) -> &str {
        &self.root_pem
    }

    /// TLS for the gateway's own names: 1.2 and 1.3, HTTP/2 and HTTP/1.1.
    pub fn own_tls(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.own_tls)
    }

    /// The same for a port that speaks HTTP/1.1 only, such as the console's.
    pub fn own_tls_http1(&self) -> Arc<ServerConfig> {
        let mut config = ServerConfig::clone(&self.own_tls);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Arc::new(config)
    }

    /// TLS for a provider host, with a leaf that is minted when there is none or it nears its end.
    ///
    /// Errors: the host lies outside the intermediate's name constraints, or the intermediate has ended.
    pub fn tls_for(&self, host: &str) -> Result<Arc<ServerConfig>, Problem> {
        let now = self.clock.now();
        let minted = self.minted.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((config, renew)) = minted.get(host)
            && now < *renew
        {
            return Ok(Arc::clone(config));
        }
        drop(minted);
        let problem = |reason: String| Problem { file: None, line: None, reason };
        let within = |subtree: &String| host.strip_suffix(subtree).is_some_and(|at| at.is_empty() || at.ends_with('.'));
        if !self.permitted.iter().any(within) {
            return Err(problem(format!("{host} lies outside the name constraints of the intermediate")));
        }
        if now >= self.signer.end {
            return Err(problem("the intermediate has ended; restart to have it renewed".to_owned()));
        }
        let (leaf, renew) = self.mint(host, now).map_err(|cause| problem(cause.to_string()))?;
        let config = self.config(leaf).map_err(|cause| problem(cause.to_string()))?;
        let mut minted = self.minted.write().unwrap_or_else(PoisonError::into_inner);
        if minted.len() >= CACHE {
            minted.clear();
        }
        minted.insert(host.to_owned(), (Arc::clone(&config), renew));
        Ok(config)
    }

    /// A leaf for `host`, and when it's to be renewed.
    fn mint(&self, host: &str, now: Timestamp) -> Result<(CertificateDer<'static>, Timestamp), Cause> {
        let end = now.checked_add(certificate::LEAF_LIFE)?.min(self.signer.end);
        let params = certificate::server(now, end, &[host.to_owned()])?;
        let leaf = params.signed_by(&self.leaf_key, &self.signer.issuer)?;
        Ok((leaf.into(), end.checked_sub(LEAF_RENEW_UNDER)?))
    }

    fn config(&self, leaf: CertificateDer<'static>) -> Result<Arc<ServerConfig>, Cause> {
        let chain = vec![leaf, self.signer.certificate.clone()];
        tls(CertifiedKey::new(chain, Arc::clone(&self.leaf_signing)), &self.tickets)
    }
}

impl Root {
    /// Reads the root, or makes one in an empty directory.
    fn open(files: &Files, now: Timestamp) -> Result<Self, Problem> {
        if files.read(files::ROOT)?.is_none() {
            // Crash state: the key is written first, so a key without a certificate was never trusted by anybody.
            let problem = |cause: Cause| files.problem(files::ROOT, format!("can't be made: {cause}"));
            let key = KeyPair::generate().map_err(|error| problem(error.into()))?;
            let certificate =
                certificate::root(now).and_then(|params| Ok(params.self_signed(&key)?)).map_err(problem)?;
            files.write_key(files::ROOT_KEY, &key)?;
            files.write_public(files::ROOT, &certificate.pem())?;
        }
        Self::open_existing(files, now)
    }

    /// Reads the root that is there; its key may be elsewhere.
    fn open_existing(files: &Files, now: Timestamp) -> Result<Self, Problem> {
        let pem = files.read(files::ROOT)?.ok_or_else(|| files.problem(files::ROOT, "is not here"))?;
        let root = Self::of(files, pem, files.key(files::ROOT_KEY)?)?;
        let facts = read(files, files::ROOT, &root.certificate)?;
        if facts.end <= now {
            return Err(files.problem(files::ROOT, format!("the root certificate ended on {}", facts.end)));
        }
        let key_fits = root.issuer.as_ref().is_none_or(|issuer| issuer.key().der_bytes() == facts.key);
        if key_fits { Ok(root) } else { Err(files.problem(files::ROOT_KEY, "is not the key of root.pem")) }
    }

    fn of(files: &Files, pem: String, key: Option<KeyPair>) -> Result<Self, Problem> {
        let certificate = parse(files, files::ROOT, &pem)?;
        let issuer = key
            .map(|key| Issuer::from_ca_cert_der(&certificate, key))
            .transpose()
            .map_err(|error| files.problem(files::ROOT, error.to_string()))?;
        Ok(Self { pem, certificate, issuer })
    }

    /// Whether a client that trusts only this root takes the chain for `host` at `now`.
    fn vouches(&self, host: &str, leaf: &CertificateDer<'_>, between: &[CertificateDer<'_>], now: Timestamp) -> bool {
        let mut roots = rustls::RootCertStore::empty();
        if roots.add(self.certificate.clone()).is_err() {
            return false;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let Ok(verifier) = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build() else {
            return false;
        };
        let (Ok(name), Ok(seconds)) = (ServerName::try_from(host), u64::try_from(now.as_second())) else {
            return false;
        };
        let time = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
        verifier.verify_server_cert(leaf, between, &name, &[], time).is_ok()
    }
}

impl Signer {
    /// The intermediate in the directory if it fits, else a new one, else a request and a problem.
    fn open(files: &Files, root: &Root, permitted: &BTreeSet<String>, now: Timestamp) -> Result<Self, Problem> {
        let found = Self::found(files, root, permitted, now)?;
        match (found, &root.issuer) {
            (Some(signer), _) if signer.end.duration_since(now) >= RENEW_UNDER => Ok(signer),
            (_, Some(issuer)) => Self::issue(files, issuer, permitted, now),
            (found, None) => {
                let how = request::write(files, permitted, now)?;
                match found {
                    Some(signer) => {
                        tracing::warn!(end = %signer.end, "the intermediate nears its end and the root key is not here: {how}");
                        Ok(signer)
                    }
                    None => Err(files.problem(
                        files::INTERMEDIATE,
                        format!(
                            "must be issued anew for the present provider hosts, and the root key is not here: {how}"
                        ),
                    )),
                }
            }
        }
    }

    /// The intermediate in the directory, if its constraints are exactly these hosts and the root vouches for what it
    /// signs.
    fn found(
        files: &Files,
        root: &Root,
        permitted: &BTreeSet<String>,
        now: Timestamp,
    ) -> Result<Option<Self>, Problem> {
        let (Some(key), Some(pem)) = (files.key(files::INTERMEDIATE_KEY)?, files.read(files::INTERMEDIATE)?) else {
            return Ok(None);
        };
        let certificate = parse(files, files::INTERMEDIATE, &pem)?;
        let Facts { end, key: public, permitted: given, .. } = read(files, files::INTERMEDIATE, &certificate)?;
        if given.as_ref() != Some(permitted) || public != key.der_bytes() || end <= now {
            return Ok(None);
        }
        let problem = |cause: Cause| files.problem(files::INTERMEDIATE, cause.to_string());
        let issuer = Issuer::from_ca_cert_der(&certificate, key).map_err(|error| problem(error.into()))?;
        let signer = Self { certificate, issuer, end };
        Ok(signer.keeps_to(root, permitted, now).map_err(problem)?.then_some(signer))
    }

    /// Whether a client that trusts the root takes this signer's leaves for these hosts, and for nothing else we can
    /// think of. An imported certificate may lack what we would have put in.
    fn keeps_to(&self, root: &Root, permitted: &BTreeSet<String>, now: Timestamp) -> Result<bool, Cause> {
        let key = KeyPair::generate()?;
        let is_taken = |host: &str| -> Result<bool, Cause> {
            let leaf = certificate::server(now, self.end, &[host.to_owned()])?.signed_by(&key, &self.issuer)?;
            Ok(root.vouches(host, leaf.der(), std::slice::from_ref(&self.certificate), now))
        };
        for host in permitted {
            if !is_taken(host)? {
                return Ok(false);
            }
        }
        for outside in ["127.0.0.1", "::1", "outside.invalid"] {
            if is_taken(outside)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn issue(
        files: &Files,
        root: &Issuer<'static, KeyPair>,
        permitted: &BTreeSet<String>,
        now: Timestamp,
    ) -> Result<Self, Problem> {
        let problem = |cause: Cause| files.problem(files::INTERMEDIATE, format!("can't be issued: {cause}"));
        let end = now.checked_add(certificate::YEAR).map_err(|error| problem(error.into()))?;
        // Crash state: a new key beside an old certificate doesn't fit, and the next start issues again.
        let key = new_key(files, files::INTERMEDIATE_KEY)?;
        let issued = certificate::intermediate(now, end, permitted)
            .and_then(|params| Ok(params.signed_by(&key, root)?))
            .map_err(problem)?;
        files.write_public(files::INTERMEDIATE, &issued.pem())?;
        let certificate = CertificateDer::from(issued);
        let issuer = Issuer::from_ca_cert_der(&certificate, key).map_err(|error| problem(error.into()))?;
        Ok(Self { certificate, issuer, end })
    }
}

/// TLS for the gateway's own names: what lies in the directory if it fits or can't be renewed, else a new certificate.
fn own(
    files: &Files,
    root: &Root,
    names: &[String],
    now: Timestamp,
    tickets: &Arc<dyn ProducesTickets>,
) -> Result<Arc<ServerConfig>, Problem> {
    let problem = |cause: Cause| files.problem(files::OWN, cause.to_string());
    let wanted: BTreeSet<String> = names.iter().cloned().collect();
    let found = match (files.key(files::OWN_KEY)?, files.read(files::OWN)?) {
        (Some(key), Some(pem)) => {
            let certificate = parse(files, files::OWN, &pem)?;
            let facts = read(files, files::OWN, &certificate)?;
            let name = facts.names.first().cloned().unwrap_or_default();
            let fits = facts.key == key.der_bytes() && root.vouches(&name, &certificate, &[], now);
            fits.then_some((key, certificate, facts))
        }
        _ => None,
    };
    let (key, certificate) = match (found, &root.issuer) {
        (Some((key, certificate, facts)), issuer) => {
            let fresh = facts.names == wanted && facts.end.duration_since(now) >= RENEW_UNDER;
            match issuer {
                Some(issuer) if !fresh => own_issue(files, issuer, names, now)?,
                None if !fresh => {
                    tracing::warn!(end = %facts.end, "the gateway's own certificate is outdated and the root key is not here");
                    (key, certificate)
                }
                _ => (key, certificate),
            }
        }
        (None, Some(issuer)) => own_issue(files, issuer, names, now)?,
        (None, None) => {
            let reason =
                "the gateway's own certificate must be issued, and the root key is not here: start once with it";
            return Err(files.problem(files::OWN, reason));
        }
    };
    let signing = signing(&key).map_err(problem)?;
    tls(CertifiedKey::new(vec![certificate], signing), tickets).map_err(problem)
}

fn own_issue(
    files: &Files,
    root: &Issuer<'static, KeyPair>,
    names: &[String],
    now: Timestamp,
) -> Result<(KeyPair, CertificateDer<'static>), Problem> {
    let key = new_key(files, files::OWN_KEY)?;
    let issued = now
        .checked_add(certificate::YEAR)
        .map_err(Cause::from)
        .and_then(|end| certificate::server(now, end, names))
        .and_then(|params| Ok(params.signed_by(&key, root)?))
        .map_err(|cause| files.problem(files::OWN, format!("can't be issued: {cause}")))?;
    files.write_public(files::OWN, &issued.pem())?;
    Ok((key, issued.into()))
}

fn new_key(files: &Files, name: &str) -> Result<KeyPair, Problem> {
    let key = KeyPair::generate().map_err(|error| files.problem(name, format!("can't be made: {error}")))?;
    files.write_key(name, &key)?;
    Ok(key)
}

fn parse(files: &Files, name: &str, pem: &str) -> Result<CertificateDer<'static>, Problem> {
    CertificateDer::from_pem_slice(pem.as_bytes())
        .map_err(|error| files.problem(name, format!("is no certificate: {error}")))
}

fn read(files: &Files, name: &str, certificate: &CertificateDer<'_>) -> Result<Facts, Problem> {
    certificate::facts(certificate).ok_or_else(|| files.problem(name, "is no certificate that can be read"))
}

fn signing(key: &KeyPair) -> Result<Arc<dyn SigningKey>, Cause> {
    let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    Ok(rustls::crypto::aws_lc_rs::sign::any_ecdsa_type(&der)?)
}

fn tls(key: CertifiedKey, tickets: &Arc<dyn ProducesTickets>) -> Result<Arc<ServerConfig>, Cause> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(key)));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.ticketer = Arc::clone(tickets);
    Ok(Arc::new(config))
}
