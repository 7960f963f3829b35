//! What the internal CA's certificates say (RFC 5280), and how they are read back.
//!
//! Python 3.13 and OpenSSL's strict mode ask for: critical basicConstraints and keyUsage on every CA, an authority key
//! identifier on everything that isn't self-signed, a subject key identifier, and names in subjectAltName.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, CustomExtension, DnType, ExtendedKeyUsagePurpose, GeneralSubtree,
    IsCa, KeyUsagePurpose, NameConstraints, SerialNumber,
};
use rustls::pki_types::CertificateDer;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// How long a root lasts.
pub(super) const ROOT_LIFE: SignedDuration = SignedDuration::from_hours(24 * 3652);
/// How long an intermediate and the gateway's own certificate last.
pub(super) const YEAR: SignedDuration = SignedDuration::from_hours(24 * 364);
/// How long a leaf lasts.
pub(super) const LEAF_LIFE: SignedDuration = SignedDuration::from_hours(24 * 7 - 1);
/// How far a certificate begins in the past, for clients whose clock is slow.
const SLACK: SignedDuration = SignedDuration::from_hours(1);
/// What an intermediate permits when there is no provider at all: a name that can't exist (RFC 6761).
const NOBODY: &str = "sekisho.invalid";

/// Why a certificate couldn't be made: the cause, for the log.
pub(super) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// The subtrees that let the intermediate sign for these host patterns and nothing else.
pub(super) fn subtrees(patterns: &[String]) -> BTreeSet<String> {
    let named: BTreeSet<String> =
        patterns.iter().map(|pattern| pattern.trim_start_matches("*.").trim_start_matches('.').to_owned()).collect();
    if named.is_empty() { BTreeSet::from([NOBODY.to_owned()]) } else { named }
}

/// The root: may sign CAs and the gateway's own certificate.
pub(super) fn root(now: Timestamp) -> Result<CertificateParams, Cause> {
    // Two gateways' roots may lie in one trust store, so their names differ.
    let mut mark = [0_u8; 4];
    aws_lc_rs::rand::fill(&mut mark).map_err(|_| "the system gives no random bytes")?;
    let name = format!("sekisho internal root {}", hex::encode(mark));
    let mut params = lasting(now, now.checked_add(ROOT_LIFE)?, &name)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

/// The intermediate: signs leaves for these subtrees, never for an address, and no further CA.
pub(super) fn intermediate(
    now: Timestamp,
    end: Timestamp,
    permitted: &BTreeSet<String>,
) -> Result<CertificateParams, Cause> {
    let mut params = lasting(now, end, "sekisho provider hosts")?;
    authority_for_servers(&mut params);
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: permitted.iter().cloned().map(GeneralSubtree::DnsName).collect(),
        excluded_subtrees: vec![
            GeneralSubtree::IpAddress(CidrSubnet::V4([0; 4], [0; 4])),
            GeneralSubtree::IpAddress(CidrSubnet::V6([0; 16], [0; 16])),
        ],
    });
    Ok(params)
}

/// The same as a request (PKCS #10), with the constraints as a requested extension.
pub(super) fn intermediate_request(now: Timestamp, permitted: &BTreeSet<String>) -> Result<CertificateParams, Cause> {
    let mut params = lasting(now, now, "sekisho provider hosts")?;
    authority_for_servers(&mut params);
    params.use_authority_key_identifier_extension = false;
    params.serial_number = None;
    let mut constraints = CustomExtension::from_oid_content(&[2, 5, 29, 30], constraints_der(permitted));
    constraints.set_criticality(true);
    params.custom_extensions.push(constraints);
    Ok(params)
}

fn authority_for_servers(params: &mut CertificateParams) {
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
}

/// A server's certificate for these names (DNS or IP).
pub(super) fn server(now: Timestamp, end: Timestamp, names: &[String]) -> Result<CertificateParams, Cause> {
    let common = names.first().map_or("sekisho", String::as_str);
    // A common name has 64 characters at most; what counts is the alternative name.
    let common: String = common.chars().take(64).collect();
    let mut params = lasting(now, end, &common)?;
    params.subject_alt_names = CertificateParams::new(names)?.subject_alt_names;
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params)
}

fn lasting(now: Timestamp, end: Timestamp, common: &str) -> Result<CertificateParams, Cause> {
    let mut params = CertificateParams::default();
    let mut serial = [0_u8; 16];
    aws_lc_rs::rand::fill(&mut serial).map_err(|_| "the system gives no random bytes")?;
    // Positive and of full length, as RFC 5280 section 4.1.2.2 asks.
    serial[0] = (serial[0] & 0x3f) | 0x40;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    let seconds = |at: Timestamp| u64::try_from(at.as_second()).map(Duration::from_secs);
    params.not_before = epoch + seconds(now.checked_sub(SLACK)?)?;
    params.not_after = epoch + seconds(end)?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "sekisho");
    params.distinguished_name.push(DnType::CommonName, common);
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

/// What is read back of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    /// When it ends.
    pub(super) end: Timestamp,
    /// Its public key.
    pub(super) key: Vec<u8>,
    /// The DNS subtrees it may sign for; none if it has no name constraints.
    pub(super) permitted: Option<BTreeSet<String>>,
    /// The names it stands for (DNS or IP).
    pub(super) names: BTreeSet<String>,
}

/// Reads a certificate; none if it isn't one.
pub(super) fn facts(der: &CertificateDer<'_>) -> Option<Facts> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let permitted = certificate.name_constraints().ok()?.and_then(|constraints| permitted(constraints.value));
    let names = certificate.subject_alternative_name().ok()?.map(|names| &names.value.general_names);
    Some(Facts {
        end: Timestamp::from_second(certificate.validity().not_after.timestamp()).ok()?,
        key: certificate.public_key().subject_public_key.data.to_vec(),
        permitted,
        names: names.map(|names| names.iter().filter_map(any_name).collect()).unwrap_or_default(),
    })
}

/// The permitted DNS subtrees; none if there are none or one is no DNS name.
pub(super) fn permitted(constraints: &x509_parser::extensions::NameConstraints<'_>) -> Option<BTreeSet<String>> {
    constraints.permitted_subtrees.as_ref()?.iter().map(|subtree| dns_name(&subtree.base)).collect()
}

fn dns_name(name: &GeneralName<'_>) -> Option<String> {
    if let GeneralName::DNSName(name) = name { Some((*name).to_owned()) } else { None }
}

fn any_name(name: &GeneralName<'_>) -> Option<String> {
    let GeneralName::IPAddress(bytes) = name else { return dns_name(name) };
    let four = <[u8; 4]>::try_from(*bytes).map(std::net::IpAddr::from);
    four.or_else(|_| <[u8; 16]>::try_from(*bytes).map(std::net::IpAddr::from)).ok().map(|address| address.to_string())
}

/// `NameConstraints` of RFC 5280 section 4.2.1.10 in DER.
fn constraints_der(permitted: &BTreeSet<String>) -> Vec<u8> {
    let subtrees = |bases: Vec<Vec<u8>>| bases.into_iter().flat_map(|base| tlv(0x30, &base)).collect::<Vec<u8>>();
    let names = permitted.iter().map(|name| tlv(0x82, name.as_bytes())).collect();
    let addresses = vec![tlv(0x87, &[0; 8]), tlv(0x87, &[0; 32])];
    tlv(0x30, &[tlv(0xa0, &subtrees(names)), tlv(0xa1, &subtrees(addresses))].concat())
}

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let size = content.len().to_be_bytes();
    let size: Vec<u8> = size.into_iter().skip_while(|byte| *byte == 0).collect();
    let mut der = vec![tag];
    match (size.as_slice(), u8::try_from(size.len())) {
        ([], _) => der.push(0),
        ([short @ 0..=0x7f], _) => der.push(*short),
        (long, count) => {
            der.push(0x80 | count.unwrap_or(0));
            der.extend_from_slice(long);
        }
    }
    der.extend_from_slice(content);
    der
}
