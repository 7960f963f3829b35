//! Whom the gateway trusts on its way out: the system's authorities, and those that a section names.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::Problem;

/// TLS as a client, trusting the system's authorities and the PEM files in `extra`, each with the key that names it.
///
/// # Errors
/// A file that cannot be read, or holds no certificate.
pub fn client_tls(extra: &[(&str, Option<&Path>)]) -> Result<rustls::ClientConfig, Problem> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    for (key, file) in extra.iter().filter_map(|(key, file)| file.map(|file| (key, file))) {
        let certificates = CertificateDer::pem_file_iter(file)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| Problem::of_file(file, format!("{key} cannot be read as PEM certificates: {error}")))?;
        let (taken, _) = roots.add_parsable_certificates(certificates);
        if taken == 0 {
            return Err(Problem::of_file(file, format!("{key} holds no certificate")));
        }
    }
    let crypto = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(crypto)
        .with_safe_default_protocol_versions()
        .map_err(|error| Problem { file: None, line: None, reason: format!("TLS cannot be set up: {error}") })?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
