//! The practice providers' own CA: a fresh root and one leaf for the hosts they play.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// The hosts that the practice providers answer for.
pub const HOSTS: [&str; 21] = [
    "api.x.com",
    "api.twitter.com",
    "upload.x.com",
    "upload.twitter.com",
    "api.line.me",
    "api-data.line.me",
    "mastodon.example",
    "bsky.social",
    "practice.host.bsky.network",
    "graph.threads.net",
    "graph.threads.com",
    "graph.instagram.com",
    "api.instagram.com",
    "graph.facebook.com",
    "graph-video.facebook.com",
    "rupload.facebook.com",
    "youtube.googleapis.com",
    "www.googleapis.com",
    "youtube.mtls.googleapis.com",
    "oauth2.googleapis.com",
    "accounts.google.com",
];

/// Those of them that are Meta's.
pub(super) const GRAPH_HOSTS: [&str; 7] = [
    "graph.threads.net",
    "graph.threads.com",
    "graph.instagram.com",
    "api.instagram.com",
    "graph.facebook.com",
    "graph-video.facebook.com",
    "rupload.facebook.com",
];

/// A root certificate and a leaf under it, made for one run; the keys are never written down.
#[derive(Clone)]
pub struct Authority {
    /// The root certificate, as PEM, for `upstream_ca`.
    pub ca_pem: String,
    /// TLS with the leaf, offering HTTP/2 and HTTP/1.1.
    pub(crate) server: Arc<ServerConfig>,
}

/// The CA could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A certificate or key could not be made.
    #[error("the practice certificate cannot be made: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The TLS library refused them.
    #[error("the practice certificate cannot be used: {0}")]
    Tls(#[from] rustls::Error),
}

impl Authority {
    /// Makes a root and a leaf for [`HOSTS`], the website, `localhost` and `127.0.0.1`.
    ///
    /// # Errors
    /// When no key can be made or the TLS library refuses the result.
    pub fn make() -> Result<Self, Error> {
        let root_key = KeyPair::generate()?;
        let mut root = CertificateParams::new(Vec::new())?;
        root.distinguished_name = named("sekisho practice CA");
        root.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        root.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let root_certificate = root.self_signed(&root_key)?;
        let issuer = Issuer::new(root, root_key);

        let leaf_key = KeyPair::generate()?;
        let names = HOSTS
            .iter()
            .copied()
            .chain(super::SITES)
            .chain(["localhost", "127.0.0.1"])
            .map(str::to_owned)
            .collect::<Vec<_>>();
        let mut leaf = CertificateParams::new(names)?;
        leaf.distinguished_name = named("sekisho practice providers");
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        leaf.use_authority_key_identifier_extension = true;
        let leaf_certificate = leaf.signed_by(&leaf_key, &issuer)?;

        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(leaf_key.serialize_der()));
        let mut server = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![leaf_certificate.der().clone(), root_certificate.der().clone()], key)?;
        server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { ca_pem: root_certificate.pem(), server: Arc::new(server) })
    }
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}
