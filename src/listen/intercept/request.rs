//! The intermediate while the root's key is on another machine: a request written here, signed there.

use std::collections::BTreeSet;
use std::path::Path;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use jiff::Timestamp;
use rcgen::{KeyPair, SubjectPublicKeyInfo};
use rustls::pki_types::CertificateSigningRequestDer;
use rustls::pki_types::pem::PemObject;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::FromDer;

use super::certificate::{self, Cause};
use super::files::{self, Files};
use super::{Root, new_key};
use crate::config::Problem;

/// Writes the request for these subtrees, for the key that is here (made if there is none), and says how to go on.
pub(super) fn write(files: &Files, permitted: &BTreeSet<String>, now: Timestamp) -> Result<String, Problem> {
    let key = match files.key(files::INTERMEDIATE_KEY)? {
        Some(key) => key,
        None => new_key(files, files::INTERMEDIATE_KEY)?,
    };
    let request = text(&key, permitted, now).map_err(|cause| files.problem(files::REQUEST, cause.to_string()))?;
    files.write_public(files::REQUEST, &request)?;
    Ok(format!(
        "have {} signed on the machine with the root key and put the result at {}",
        files.path(files::REQUEST).display(),
        files.path(files::INTERMEDIATE).display()
    ))
}

fn text(key: &KeyPair, permitted: &BTreeSet<String>, now: Timestamp) -> Result<String, Cause> {
    Ok(certificate::intermediate_request(now, permitted)?.serialize_request(key)?.pem()?)
}

/// Signs a request with the root in `ca_dir`: the intermediate's certificate, PEM. Only key and permitted subtrees are
/// taken from the request; all else is what the gateway itself would issue.
///
/// Errors: no root key there, a request that isn't signed by its own key, or one without name constraints.
pub fn sign_request(ca_dir: &Path, request: &str, now: Timestamp) -> Result<String, Problem> {
    let files = Files::open(ca_dir)?;
    let root = Root::open_existing(&files, now)?;
    let issuer = root.issuer.ok_or_else(|| files.problem(files::ROOT_KEY, "is not here, so nothing can be signed"))?;
    let problem = |cause: Cause| Problem { file: None, line: None, reason: format!("the request: {cause}") };
    let (key, permitted) = parse(request).map_err(problem)?;
    let end = now.checked_add(certificate::YEAR).map_err(|error| problem(error.into()))?;
    let signed = certificate::intermediate(now, end, &permitted)
        .and_then(|params| Ok(params.signed_by(&key, &issuer)?))
        .map_err(problem)?;
    Ok(signed.pem())
}

fn parse(request: &str) -> Result<(SubjectPublicKeyInfo, BTreeSet<String>), Cause> {
    let der = CertificateSigningRequestDer::from_pem_slice(request.as_bytes()).map_err(|error| error.to_string())?;
    let (_, request) = X509CertificationRequest::from_der(&der)?;
    let info = &request.certification_request_info;
    let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &info.subject_pki.subject_public_key.data);
    public.verify(info.raw, &request.signature_value.data).map_err(|_| "is not signed by its own key")?;
    let permitted = request.requested_extensions().into_iter().flatten().find_map(|extension| match extension {
        ParsedExtension::NameConstraints(constraints) => certificate::permitted(constraints),
        _ => None,
    });
    let permitted = permitted.filter(|permitted| !permitted.is_empty()).ok_or("has no name constraints")?;
    Ok((SubjectPublicKeyInfo::from_der(info.subject_pki.raw)?, permitted))
}
