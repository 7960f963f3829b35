//! The CA as a client that trusts only its root sees it.

use std::os::unix::fs::PermissionsExt;
use std::sync::Mutex;

use super::*;
use crate::config::listen::Listen;

struct Fixed(Mutex<Timestamp>);

impl Fixed {
    fn at(text: &str) -> Arc<Self> {
        Arc::new(Self(Mutex::new(text.parse().unwrap())))
    }
    fn go_on(&self, days: i64) {
        let mut now = self.0.lock().unwrap();
        *now = now.checked_add(SignedDuration::from_hours(24 * days)).unwrap();
    }
}

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

struct Patterns(&'static [&'static str]);

impl Hosts for Patterns {
    fn is_provider_host(&self, _: &str) -> bool {
        true
    }
    fn default_host(&self, _: &str) -> Option<String> {
        None
    }
    fn is_host_of(&self, provider: &str, host: &str) -> bool {
        self.default_host(provider).as_deref() == Some(host)
    }
    fn host_patterns(&self) -> Vec<String> {
        self.0.iter().map(|pattern| (*pattern).to_owned()).collect()
    }
}

const TWO: Patterns = Patterns(&["api.x.com", ".host.bsky.network"]);

struct Place {
    dir: tempfile::TempDir,
    clock: Arc<Fixed>,
}

impl Place {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), clock: Fixed::at("2026-11-22T00:00:00Z") }
    }
    fn file(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join("ca").join(name)
    }
    fn open(&self, hosts: &Patterns) -> Result<Authority, Problem> {
        let config = Listen { ca_dir: self.dir.path().join("ca"), ..Listen::default() };
        Authority::open(&config, hosts, self.clock.clone())
    }
    /// Whether a client that trusts the root in the directory takes a leaf of `authority` for `host`.
    fn trusts(&self, authority: &Authority, host: &str) -> bool {
        let now = self.clock.now();
        let (leaf, _) = authority.mint(host, now).unwrap();
        self.root().vouches(host, &leaf, std::slice::from_ref(&authority.signer.certificate), now)
    }
    fn root(&self) -> Root {
        Root::open(&Files::open(&self.dir.path().join("ca")).unwrap(), self.clock.now()).unwrap()
    }
}

#[test]
fn a_leaf_of_a_provider_host_is_trusted_and_one_outside_the_constraints_is_not() {
    let place = Place::new();
    let authority = place.open(&TWO).unwrap();
    for host in ["api.x.com", "shiitake.us-east.host.bsky.network"] {
        assert!(place.trusts(&authority, host), "{host}");
        assert!(authority.tls_for(host).is_ok(), "{host}");
    }
    for host in ["api.line.me", "notapi.x.com", "x.com", "intranet.example", "127.0.0.1", "::1"] {
        assert!(!place.trusts(&authority, host), "{host} must not be trusted though it is signed");
        assert!(authority.tls_for(host).is_err(), "{host} must not be minted");
    }
}

#[test]
fn the_intermediate_signs_no_further_authority() {
    let place = Place::new();
    let authority = place.open(&TWO).unwrap();
    let now = place.clock.now();
    let key = KeyPair::generate().unwrap();
    let end = now.checked_add(SignedDuration::from_hours(24)).unwrap();
    let below = certificate::intermediate(now, end, &authority.permitted).unwrap();
    let below = below.signed_by(&key, &authority.signer.issuer).unwrap();
    let issuer = Issuer::from_ca_cert_der(below.der(), key).unwrap();
    let leaf = certificate::server(now, end, &["api.x.com".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&authority.leaf_key, &issuer).unwrap();
    let chain = [below.der().clone(), authority.signer.certificate.clone()];
    assert!(!place.root().vouches("api.x.com", leaf.der(), &chain, now));
}

#[test]
fn keys_are_0600_the_directory_0700_and_a_key_that_others_can_read_is_a_problem() {
    let place = Place::new();
    drop(place.open(&TWO).unwrap());
    let mode = |name: &str| std::fs::metadata(place.file(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(""), 0o700);
    for name in [files::ROOT_KEY, files::INTERMEDIATE_KEY, files::OWN_KEY] {
        assert_eq!(mode(name), 0o600, "{name}");
        std::fs::set_permissions(place.file(name), std::fs::Permissions::from_mode(0o640)).unwrap();
        let problem = place.open(&TWO).err().unwrap();
        assert_eq!(problem.file.as_deref(), Some(place.file(name).as_path()));
        assert!(problem.reason.contains("0640"), "{problem}");
        std::fs::set_permissions(place.file(name), std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    assert!(place.open(&TWO).is_ok());
}

#[test]
fn a_second_start_changes_nothing() {
    let place = Place::new();
    let first = place.open(&TWO).unwrap();
    let second = place.open(&TWO).unwrap();
    assert_eq!(first.root_pem(), second.root_pem());
    assert_eq!(first.signer.certificate, second.signer.certificate);
    assert_eq!(std::fs::read_to_string(place.file(files::ROOT)).unwrap(), first.root_pem());
}

#[test]
fn changed_hosts_and_a_near_end_renew_the_intermediate() {
    let place = Place::new();
    let first = place.open(&TWO).unwrap();
    let more = Patterns(&["api.x.com", ".host.bsky.network", "api.line.me"]);
    let second = place.open(&more).unwrap();
    assert_ne!(first.signer.certificate, second.signer.certificate);
    assert!(place.trusts(&second, "api.line.me"));
    place.clock.go_on(340);
    let third = place.open(&more).unwrap();
    assert_ne!(second.signer.certificate, third.signer.certificate);
    assert!(place.trusts(&third, "api.x.com"));
}

#[test]
fn without_the_root_key_the_gateway_goes_on_until_the_hosts_change() {
    let place = Place::new();
    drop(place.open(&TWO).unwrap());
    let root_key = std::fs::read_to_string(place.file(files::ROOT_KEY)).unwrap();
    std::fs::remove_file(place.file(files::ROOT_KEY)).unwrap();
    assert!(place.open(&TWO).is_ok());

    let more = Patterns(&["api.x.com", "api.line.me"]);
    let problem = place.open(&more).err().unwrap();
    assert!(problem.reason.contains("root key is not here") && problem.reason.contains(files::REQUEST), "{problem}");

    // The request is signed where the root key is; its constraints come along and the result fits.
    let request = std::fs::read_to_string(place.file(files::REQUEST)).unwrap();
    let safe = place.dir.path().join("safe");
    let root = Files::open(&safe).unwrap();
    root.write_public(files::ROOT, &std::fs::read_to_string(place.file(files::ROOT)).unwrap()).unwrap();
    assert!(sign_request(&safe, &request, place.clock.now()).is_err(), "the key is not there yet");
    root.write_key(files::ROOT_KEY, &KeyPair::from_pem(&root_key).unwrap()).unwrap();
    let signed = sign_request(&safe, &request, place.clock.now()).unwrap();
    std::fs::write(place.file(files::INTERMEDIATE), signed).unwrap();
    let authority = place.open(&more).unwrap();
    assert!(place.trusts(&authority, "api.line.me"));
}

#[test]
fn an_imported_intermediate_with_looser_constraints_is_not_taken() {
    let one = Patterns(&["api.x.com"]);
    let place = Place::new();
    drop(place.open(&one).unwrap());
    let root = place.root().issuer.unwrap();
    let now = place.clock.now();
    let end = now.checked_add(certificate::YEAR).unwrap();
    let key = KeyPair::from_pem(&std::fs::read_to_string(place.file(files::INTERMEDIATE_KEY)).unwrap()).unwrap();
    std::fs::remove_file(place.file(files::ROOT_KEY)).unwrap();
    let import = |loosen: fn(&mut rcgen::NameConstraints) -> bool| {
        let mut params = certificate::intermediate(now, end, &BTreeSet::from(["api.x.com".to_owned()])).unwrap();
        let keep = params.name_constraints.as_mut().is_some_and(loosen);
        params.name_constraints = params.name_constraints.filter(|_| keep);
        let signed = params.signed_by(&key, &root).unwrap();
        std::fs::write(place.file(files::INTERMEDIATE), signed.pem()).unwrap();
        place.open(&one)
    };
    assert!(import(|_| true).is_ok(), "as it should be");
    assert!(import(|_| false).is_err(), "none at all");
    let without_v6 = |loose: &mut rcgen::NameConstraints| loose.excluded_subtrees.pop().is_some();
    assert!(import(without_v6).is_err(), "IPv6 addresses are not excluded");
    let other = |loose: &mut rcgen::NameConstraints| {
        loose.permitted_subtrees = vec![rcgen::GeneralSubtree::DnsName("com".to_owned())];
        true
    };
    assert!(import(other).is_err(), "a wider subtree");
}

#[test]
fn a_leaf_is_kept_and_renewed_before_it_ends() {
    let place = Place::new();
    let authority = place.open(&TWO).unwrap();
    let first = authority.tls_for("api.x.com").unwrap();
    assert!(Arc::ptr_eq(&first, &authority.tls_for("api.x.com").unwrap()));
    place.clock.go_on(5);
    assert!(!Arc::ptr_eq(&first, &authority.tls_for("api.x.com").unwrap()));
    let (leaf, _) = authority.mint("api.x.com", place.clock.now()).unwrap();
    let life = certificate::facts(&leaf).unwrap().end.duration_since(place.clock.now());
    assert!(life <= SignedDuration::from_hours(24 * 7), "{life:?}");
    place.clock.go_on(400);
    assert!(authority.tls_for("api.x.com").is_err(), "the intermediate has ended");
}

#[test]
fn the_gateways_own_names_are_vouched_for_by_the_root_and_follow_the_configuration() {
    let place = Place::new();
    drop(place.open(&TWO).unwrap());
    let own = || {
        let pem = std::fs::read(place.file(files::OWN)).unwrap();
        CertificateDer::from_pem_slice(&pem).unwrap()
    };
    let first = own();
    for name in ["localhost", "127.0.0.1"] {
        assert!(place.root().vouches(name, &first, &[], place.clock.now()), "{name}");
    }
    assert!(!place.root().vouches("api.x.com", &first, &[], place.clock.now()));
    drop(place.open(&TWO).unwrap());
    assert_eq!(own(), first);
    place.clock.go_on(350);
    drop(place.open(&TWO).unwrap());
    assert_ne!(own(), first);
}

#[test]
fn no_provider_at_all_permits_no_host() {
    let place = Place::new();
    let authority = place.open(&Patterns(&[])).unwrap();
    assert!(!place.trusts(&authority, "api.x.com"));
    assert!(!place.trusts(&authority, "localhost"));
}

#[test]
fn a_key_of_another_root_is_a_problem() {
    let place = Place::new();
    drop(place.open(&TWO).unwrap());
    let files = Files::open(&place.dir.path().join("ca")).unwrap();
    files.write_key(files::ROOT_KEY, &KeyPair::generate().unwrap()).unwrap();
    assert!(place.open(&TWO).err().unwrap().reason.contains("root.pem"));
}

#[test]
fn a_request_without_constraints_or_with_another_key_is_not_signed() {
    let place = Place::new();
    drop(place.open(&TWO).unwrap());
    let now = place.clock.now();
    let sign = |pem: &str| sign_request(&place.dir.path().join("ca"), pem, now);
    let key = KeyPair::generate().unwrap();
    let mut params = certificate::intermediate_request(now, &BTreeSet::from(["api.x.com".to_owned()])).unwrap();
    let good = params.serialize_request(&key).unwrap();
    assert!(sign(&good.pem().unwrap()).is_ok());
    params.custom_extensions.clear();
    let open = params.serialize_request(&key).unwrap().pem().unwrap();
    assert!(sign(&open).unwrap_err().reason.contains("name constraints"));
    let mut der = good.der().to_vec();
    let at = der.windows(9).position(|window| window == b"api.x.com").unwrap();
    der[at] = b'b';
    let text = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &der);
    let forged = format!("-----BEGIN CERTIFICATE REQUEST-----\n{text}\n-----END CERTIFICATE REQUEST-----\n");
    assert!(sign(&forged).unwrap_err().reason.contains("own key"));
    assert!(sign("nonsense").is_err());
}
