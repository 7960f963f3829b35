//! A self-made CA and the provider's certificate for `api.x.com`, and the TLS of those who trust it.

use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};

use crate::Broken;

/// The provider's host.
pub(crate) const HOST: &str = "api.x.com";

/// Writes `ca.pem`, `leaf.pem` and `leaf.key` into `dir`.
pub(crate) fn write(dir: &Path) -> Result<(), Broken> {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name.push(DnType::CommonName, "road bench CA");
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
    let key = KeyPair::generate()?;
    let leaf = CertificateParams::new(vec![HOST.to_owned()])?.signed_by(&key, &authority)?;
    std::fs::write(dir.join("ca.pem"), authority.pem())?;
    std::fs::write(dir.join("leaf.pem"), leaf.pem())?;
    std::fs::write(dir.join("leaf.key"), key.serialize_pem())?;
    Ok(())
}

/// The provider's side: TLS 1.3, HTTP/2 and HTTP/1.1 by ALPN.
pub(crate) fn server(dir: &Path) -> Result<rustls::ServerConfig, Broken> {
    let chain = CertificateDer::pem_file_iter(dir.join("leaf.pem"))?.collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_file(dir.join("leaf.key"))?;
    let crypto = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(crypto)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// The side of one who trusts the CA and speaks `alpn`.
pub(crate) fn client(dir: &Path, alpn: &str) -> Result<tokio_rustls::TlsConnector, Broken> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(dir.join("ca.pem"))?)?;
    let crypto = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(crypto)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![alpn.as_bytes().to_vec()];
    Ok(tokio_rustls::TlsConnector::from(Arc::new(config)))
}

/// The provider's name for SNI and the certificate.
pub(crate) fn server_name() -> Result<ServerName<'static>, Broken> {
    Ok(ServerName::try_from(HOST)?)
}
