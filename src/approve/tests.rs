//! Good approvals, and the table of bad ones.

use std::path::Path;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderValue;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::signed::{Issuers, NotIssued, Statement};
use super::*;
use crate::config::approve::{Algorithm as Configured, Approve, Issuer};
use crate::domain::account::OrganisationId;
use crate::domain::approval::{ApprovalId, Ticket, TicketId};
use crate::domain::media::Sha256;
use crate::domain::person::ClientId;

const NOW: i64 = 1_800_000_000;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(NOW + second).unwrap()
}

#[derive(Default)]
struct Shelf {
    known: Vec<KnownApproval>,
    broken: bool,
}

impl Approvals for Shelf {
    fn approval(&self, id: &ApprovalId) -> Result<Option<KnownApproval>, Unavailable> {
        if self.broken {
            return Err(Unavailable("test".to_owned()));
        }
        Ok(self.known.iter().find(|known| known.approval.id == *id).cloned())
    }
    fn usable(
        &self,
        account: &AccountId,
        action: Action,
        digest: &Digest,
        now: Timestamp,
        except: Option<&PersonId>,
    ) -> Result<Option<KnownApproval>, Unavailable> {
        if self.broken {
            return Err(Unavailable("test".to_owned()));
        }
        let fits = |known: &&KnownApproval| {
            let it = &known.approval;
            it.account == *account && it.actions.contains(&action) && it.digest == *digest && now < it.expires
        };
        let fitting = || self.known.iter().filter(fits);
        let other = fitting().find(|known| Some(&known.approval.approver) != except);
        Ok(other.or_else(|| fitting().next()).cloned())
    }
    fn ticket(&self, _: &TicketId) -> Result<Option<Ticket>, Unavailable> {
        Ok(None)
    }
    fn waiting(&self, _: &ClientId, _: &AccountId, _: Action, _: &Digest) -> Result<Option<Ticket>, Unavailable> {
        Ok(None)
    }
    fn tickets(&self, _: &OrganisationId) -> Result<Vec<Ticket>, Unavailable> {
        Ok(Vec::new())
    }
}

struct Desk {
    issuers: Issuers,
    own: EncodingKey,
    cms: EncodingKey,
    account: AccountId,
    digest: Digest,
    author: PersonId,
    dir: tempfile::TempDir,
}

fn private_key(path: &Path) -> EncodingKey {
    EncodingKey::from_ed_pem(&std::fs::read(path).unwrap()).unwrap()
}

fn desk() -> Desk {
    let dir = tempfile::tempdir().unwrap();
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let public_key_file = dir.path().join("cms.pem");
    std::fs::write(&public_key_file, key.public_key_pem()).unwrap();
    let config = Approve {
        issuer: "gate.example".to_owned(),
        key_file: dir.path().join("approval.key"),
        max_life_s: 3600,
        issuers: vec![Issuer { name: "cms.example".to_owned(), algorithm: Configured::ES256, public_key_file }],
    };
    let issuers = Issuers::open(&config).unwrap();
    Desk {
        issuers,
        own: private_key(&config.key_file),
        cms: EncodingKey::from_ec_pem(key.serialize_pem().as_bytes()).unwrap(),
        account: AccountId::new("nerima-x"),
        digest: Digest::from_sha256(Sha256::of(b"the post")),
        author: PersonId::new("shuji"),
        dir,
    }
}

impl Desk {
    fn approval(&self) -> Approval {
        Approval {
            id: ApprovalId::new("a-1"),
            account: self.account.clone(),
            actions: vec![Action::Publish],
            digest: self.digest,
            not_before: at(0),
            expires: at(600),
            max_uses: 1,
            approver: PersonId::new("kacho"),
            issuer: "gate.example".to_owned(),
            category: None,
            reference: Some("6練広第12号".to_owned()),
            remarks: Default::default(),
        }
    }

    fn issued(&self) -> String {
        self.issuers.issue(&Statement { approval: self.approval(), basis: None }, at(0)).unwrap()
    }

    fn sought(&self) -> Sought<'_> {
        Sought {
            account: &self.account,
            action: Action::Publish,
            digest: &self.digest,
            author: &self.author,
            now: at(1),
        }
    }

    fn code(&self, sought: Sought<'_>, signed: &str, shelf: &Shelf) -> String {
        match approval(sought, Some(signed), &self.issuers, shelf) {
            Ok(pass) => format!("{pass:?}"),
            Err(refusal) => refusal.code.into_owned(),
        }
    }

    fn claims(&self) -> Value {
        json!({
            "iss": "gate.example", "aud": "gate.example", "jti": "a-2", "iat": NOW, "nbf": NOW, "exp": NOW + 600,
            "sub": "kacho",
            "authorization_details": [{
                "type": "sekisho-post", "actions": ["publish"], "account": "nerima-x",
                "digest": self.digest.to_string(), "digest_v": 1, "max_uses": 1,
            }],
        })
    }
}

fn header_of(alg: &str) -> Value {
    json!({ "alg": alg, "typ": "sekisho-approval+jwt" })
}

fn signed_raw(header: &str, claims: &str, key: &EncodingKey, algorithm: Algorithm) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), key, algorithm).unwrap();
    format!("{message}.{signature}")
}

#[test]
fn an_issued_approval_passes_once_and_asks_to_be_deposited() {
    let desk = desk();
    let pass = approval(desk.sought(), Some(&desk.issued()), &desk.issuers, &Shelf::default()).unwrap();
    assert_eq!(pass, Pass::Approved { approval: Box::new(desk.approval()), use_number: 1, deposit: true });
}

#[test]
fn an_outside_issuer_passes_with_its_own_algorithm_and_key() {
    let desk = desk();
    let mut claims = desk.claims();
    claims["iss"] = json!("cms.example");
    let header = json!({ "alg": "ES256", "typ": "sekisho-approval+jwt", "kid": "any", "jku": "https://evil.example/" });
    let signed = signed_raw(&header.to_string(), &claims.to_string(), &desk.cms, Algorithm::ES256);
    let pass = approval(desk.sought(), Some(&signed), &desk.issuers, &Shelf::default()).unwrap();
    assert!(matches!(pass, Pass::Approved { approval, .. } if approval.issuer == "cms.example"));
}

/// Signs what no issuer would sign.
impl Desk {
    fn raw(&self, header: &str, claims: &str) -> String {
        signed_raw(header, claims, &self.own, Algorithm::EdDSA)
    }

    fn headed(&self, header: Value) -> String {
        self.raw(&header.to_string(), &self.claims().to_string())
    }

    fn with(&self, name: &str, value: Value) -> String {
        let mut claims = self.claims();
        claims[name] = value;
        self.raw(&header_of("EdDSA").to_string(), &claims.to_string())
    }

    fn detail(&self, name: &str, value: Value) -> String {
        let mut detail = self.claims()["authorization_details"][0].clone();
        detail[name] = value;
        self.with("authorization_details", json!([detail]))
    }

    fn refused_as(&self, expected: &str, table: &[(&str, String)]) {
        let good = self.with("jti", json!("good"));
        assert!(self.code(self.sought(), &good, &Shelf::default()).starts_with("Approved"));
        assert!(!table.is_empty());
        for (name, signed) in table {
            assert_eq!(self.code(self.sought(), signed, &Shelf::default()), expected, "{name}");
        }
    }

    fn own_public_key(&self) -> Vec<u8> {
        let pem = std::fs::read_to_string(self.dir.path().join("approval.key")).unwrap();
        let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        let der = base64::engine::general_purpose::STANDARD.decode(body).unwrap();
        Ed25519KeyPair::from_pkcs8(&der).unwrap().public_key().as_ref().to_vec()
    }
}

#[test]
fn a_signature_that_is_not_the_issuers_is_refused() {
    let desk = desk();
    let claims = desk.claims().to_string();
    let eddsa = header_of("EdDSA").to_string();
    let hmac = |header: &str, claims: &str, key: &[u8]| {
        signed_raw(header, claims, &EncodingKey::from_secret(key), Algorithm::HS256)
    };
    let unsigned = |alg: &str| {
        let header = header_of(alg).to_string();
        format!("{}.{}.", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(&claims))
    };
    let mut outside = desk.claims();
    outside["iss"] = json!("cms.example");
    let pem = std::fs::read(desk.dir.path().join("cms.pem")).unwrap();
    let other = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let other = EncodingKey::from_ed_pem(other.serialize_pem().as_bytes()).unwrap();
    let good = desk.with("jti", json!("a-3"));
    let parts: Vec<&str> = good.split('.').collect();
    let last = if parts[2].starts_with('A') { "B" } else { "A" };
    let table = [
        ("alg none", unsigned("none")),
        ("alg None", unsigned("None")),
        ("no signature", unsigned("EdDSA")),
        ("HS256 with our public key", hmac(&header_of("HS256").to_string(), &claims, &desk.own_public_key())),
        ("HS256 that says EdDSA", hmac(&eddsa, &claims, &desk.own_public_key())),
        ("HS256 with the PEM", hmac(&header_of("HS256").to_string(), &outside.to_string(), &pem)),
        ("HS256 that says ES256", hmac(&header_of("ES256").to_string(), &outside.to_string(), &pem)),
        ("truncated", good[..good.len() - 10].to_owned()),
        ("alg of another issuer", desk.headed(header_of("ES256"))),
        ("another key", signed_raw(&eddsa, &claims, &other, Algorithm::EdDSA)),
        ("a changed signature", format!("{}.{}.{last}{}", parts[0], parts[1], &parts[2][1..])),
        ("an unlisted issuer", desk.with("iss", json!("evil.example"))),
        ("an outside name with our key", desk.with("iss", json!("cms.example"))),
    ];
    desk.refused_as("approval-signature", &table);
}

#[test]
fn a_form_that_another_reader_could_read_differently_is_refused() {
    let desk = desk();
    let claims = desk.claims().to_string();
    let eddsa = header_of("EdDSA").to_string();
    let good = desk.with("jti", json!("a-3"));
    let parts: Vec<&str> = good.split('.').collect();
    let table = [
        ("typ JWT", desk.headed(json!({ "alg": "EdDSA", "typ": "JWT" }))),
        ("no typ", desk.headed(json!({ "alg": "EdDSA" }))),
        ("no alg", desk.headed(json!({ "typ": "sekisho-approval+jwt" }))),
        ("crit", desk.headed(json!({ "alg": "EdDSA", "typ": "sekisho-approval+jwt", "crit": ["exp"] }))),
        ("b64", desk.headed(json!({ "alg": "EdDSA", "typ": "sekisho-approval+jwt", "b64": true }))),
        ("alg twice", desk.raw(&eddsa.replacen('{', r#"{"alg":"none","#, 1), &claims)),
        ("header is a list", desk.raw("[]", &claims)),
        ("exp twice", desk.raw(&eddsa, &claims.replacen('{', r#"{"exp":9999999999,"#, 1))),
        ("digest twice", desk.raw(&eddsa, &claims.replacen(r#""digest":"#, r#""digest":"sha256:00","digest":"#, 1))),
        ("claims are a list", desk.raw(&eddsa, "[]")),
        ("trailing bytes", desk.raw(&eddsa, &format!("{claims} x"))),
        ("cut after the claims", format!("{}.{}", parts[0], parts[1])),
        ("four parts", format!("{good}.x")),
        ("padding", format!("{good}==")),
        ("standard base64", format!("{}+.{}.{}", parts[0], parts[1], parts[2])),
        ("a space before it", format!(" {good}")),
        ("too long", format!("{good}{}", "A".repeat(9000))),
        ("empty", String::new()),
    ];
    desk.refused_as("approval-malformed", &table);
}

#[test]
fn claims_that_are_not_exactly_an_approval_for_this_gateway_are_refused() {
    let desk = desk();
    let detail = desk.claims()["authorization_details"][0].clone();
    let table = [
        ("two details", desk.with("authorization_details", json!([detail.clone(), detail]))),
        ("an unknown claim", desk.with("admin", json!(true))),
        ("another audience", desk.with("aud", json!("other.example"))),
        ("an extra audience", desk.with("aud", json!(["gate.example", "other.example"]))),
        ("no audience in a list", desk.with("aud", json!([]))),
        ("exp as text", desk.with("exp", json!("9999999999"))),
        ("exp as a fraction", desk.with("exp", json!(9_999_999_999.5))),
        ("empty jti", desk.with("jti", json!(""))),
        ("an empty window", desk.with("nbf", json!(NOW + 600))),
        ("no detail", desk.with("authorization_details", json!([]))),
        ("another type", desk.detail("type", json!("payment"))),
        ("another version", desk.detail("digest_v", json!(2))),
        ("no use", desk.detail("max_uses", json!(0))),
        ("no action", desk.detail("actions", json!([]))),
        ("an unknown action", desk.detail("actions", json!(["everything"]))),
        ("a short digest", desk.detail("digest", json!("sha256:00"))),
        ("an upper-case digest", desk.detail("digest", json!(desk.digest.to_string().to_uppercase()))),
    ];
    desk.refused_as("approval-malformed", &table);
}

#[test]
fn an_approval_for_another_time_account_action_post_or_by_the_author_is_refused() {
    let desk = desk();
    let table = [
        ("expired by a second", desk.with("exp", json!(NOW + 1)), "approval-expired"),
        ("not yet by a second", desk.with("nbf", json!(NOW + 2)), "approval-not-yet"),
        ("signed in the future", desk.with("iat", json!(NOW + 2)), "approval-not-yet"),
        ("another account", desk.detail("account", json!("nagano-x")), "approval-other-account"),
        ("another action", desk.detail("actions", json!(["delete"])), "approval-other-action"),
        ("another post", desk.detail("digest", json!(format!("sha256:{}", "0".repeat(64)))), "approval-other-post"),
        ("the author", desk.with("sub", json!("shuji")), "self-approval"),
    ];
    for (name, signed, expected) in table {
        assert_eq!(desk.code(desk.sought(), &signed, &Shelf::default()), expected, "{name}");
    }
}

#[test]
fn each_missing_claim_is_malformed() {
    let desk = desk();
    let names = ["iss", "aud", "jti", "iat", "nbf", "exp", "sub", "authorization_details"];
    for name in names {
        let mut claims = desk.claims();
        claims.as_object_mut().unwrap().remove(name).unwrap();
        let signed = signed_raw(&header_of("EdDSA").to_string(), &claims.to_string(), &desk.own, Algorithm::EdDSA);
        assert_eq!(desk.code(desk.sought(), &signed, &Shelf::default()), "approval-malformed", "{name}");
    }
}

#[test]
fn expiry_is_to_the_second_without_leeway_and_outlives_the_remembered_signature() {
    let desk = desk();
    let signed = desk.issued();
    let last = Sought { now: at(599), ..desk.sought() };
    let after = Sought { now: at(600), ..desk.sought() };
    assert!(desk.code(last, &signed, &Shelf::default()).starts_with("Approved"));
    assert_eq!(desk.code(after, &signed, &Shelf::default()), "approval-expired");
}

#[test]
fn the_store_decides_how_often_and_whether_still() {
    let desk = desk();
    let twice = Approval { max_uses: 2, ..desk.approval() };
    let signed = desk.issuers.issue(&Statement { approval: twice.clone(), basis: None }, at(0)).unwrap();
    let known =
        |uses, revoked| Shelf { known: vec![KnownApproval { approval: twice.clone(), uses, revoked }], broken: false };
    let second = approval(desk.sought(), Some(&signed), &desk.issuers, &known(1, false)).unwrap();
    assert!(matches!(second, Pass::Approved { use_number: 2, deposit: false, .. }));
    assert_eq!(desk.code(desk.sought(), &signed, &known(2, false)), "approval-spent");
    assert_eq!(desk.code(desk.sought(), &signed, &known(0, true)), "approval-revoked");
    let other = Shelf {
        known: vec![KnownApproval { approval: Approval { max_uses: 9, ..twice.clone() }, uses: 0, revoked: false }],
        broken: false,
    };
    assert_eq!(desk.code(desk.sought(), &signed, &other), "approval-malformed");
}

#[test]
fn without_a_header_a_deposited_approval_is_found_by_digest() {
    let desk = desk();
    let shelf =
        Shelf { known: vec![KnownApproval { approval: desk.approval(), uses: 0, revoked: false }], broken: false };
    let found = approval(desk.sought(), None, &desk.issuers, &shelf).unwrap();
    assert!(matches!(found, Pass::Approved { use_number: 1, deposit: false, .. }));
    let other = Digest::from_sha256(Sha256::of(b"another post"));
    let none = approval(Sought { digest: &other, ..desk.sought() }, None, &desk.issuers, &shelf).unwrap();
    assert_eq!(none, Pass::None);
    let author = PersonId::new("kacho");
    let own = Sought { author: &author, ..desk.sought() };
    assert_eq!(approval(own, None, &desk.issuers, &shelf).unwrap_err().code, "self-approval");
    assert!(approval_by_anyone(own, None, &desk.issuers, &shelf).is_ok());
}

#[test]
fn c6_the_authors_own_approval_does_not_hide_another_persons_and_counts_only_where_the_body_allows_it() {
    let desk = desk();
    let known = |id: &str, approver: &str, expires| {
        let approval = Approval {
            id: ApprovalId::new(id),
            approver: PersonId::new(approver),
            expires: at(expires),
            ..desk.approval()
        };
        KnownApproval { approval, uses: 0, revoked: false }
    };
    let both = Shelf { known: vec![known("own", "shuji", 100), known("other", "kacho", 600)], broken: false };
    let used = |pass: Pass| match pass {
        Pass::Approved { approval, .. } => approval.id.as_str().to_owned(),
        other => format!("{other:?}"),
    };
    assert_eq!(used(approval(desk.sought(), None, &desk.issuers, &both).unwrap()), "other");
    assert_eq!(used(approval_by_anyone(desk.sought(), None, &desk.issuers, &both).unwrap()), "other");
    let alone = Shelf { known: vec![known("own", "shuji", 100)], broken: false };
    assert_eq!(approval(desk.sought(), None, &desk.issuers, &alone).unwrap_err().code, "self-approval");
    assert_eq!(used(approval_by_anyone(desk.sought(), None, &desk.issuers, &alone).unwrap()), "own");
}

#[test]
fn a_header_that_does_not_fit_never_falls_back_to_the_store() {
    let desk = desk();
    let shelf =
        Shelf { known: vec![KnownApproval { approval: desk.approval(), uses: 0, revoked: false }], broken: false };
    assert_eq!(desk.code(desk.sought(), "rubbish", &shelf), "approval-malformed");
}

#[test]
fn a_store_that_cannot_answer_is_a_refusal() {
    let desk = desk();
    let shelf = Shelf { broken: true, ..Shelf::default() };
    for header in [None, Some(desk.issued())] {
        let refusal = approval(desk.sought(), header.as_deref(), &desk.issuers, &shelf).unwrap_err();
        assert_eq!((refusal.code.as_ref(), refusal.status), ("store-unavailable", 503));
    }
}

#[test]
fn one_header_only() {
    let mut headers = HeaderMap::new();
    assert_eq!(header(&headers).unwrap(), None);
    headers.append(APPROVAL_HEADER, HeaderValue::from_static("a"));
    assert_eq!(header(&headers).unwrap(), Some("a"));
    headers.append(APPROVAL_HEADER, HeaderValue::from_static("a"));
    assert_eq!(header(&headers).unwrap_err().code, "approval-malformed");
}

#[test]
fn an_approval_that_could_not_be_used_is_not_issued() {
    let desk = desk();
    let issue = |approval: Approval| desk.issuers.issue(&Statement { approval, basis: None }, at(0));
    assert_eq!(issue(Approval { expires: at(3601), ..desk.approval() }), Err(NotIssued::Window(3600)));
    assert_eq!(issue(Approval { expires: at(0), ..desk.approval() }), Err(NotIssued::Window(3600)));
    assert_eq!(issue(Approval { max_uses: 0, ..desk.approval() }), Err(NotIssued::Empty));
    assert_eq!(issue(Approval { actions: Vec::new(), ..desk.approval() }), Err(NotIssued::Empty));
}

#[test]
fn the_key_stays_the_same_and_is_refused_when_others_can_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let desk = desk();
    let key_file = desk.dir.path().join("approval.key");
    let config = Approve { issuer: "gate.example".to_owned(), key_file: key_file.clone(), ..Approve::default() };
    let again = Issuers::open(&config).unwrap();
    assert!(again.verify(&desk.issued()).is_ok());
    std::fs::set_permissions(&key_file, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(Issuers::open(&config).err().unwrap().file, Some(key_file));
}
