//! A console with two bodies, their people and a ledger that only takes notes; for tests.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::caller::LocalKey;
use super::{Acts, ConsoleState, HeldPosts, WrongPosts};
use crate::approve::signed::Issuers;
use crate::domain::account::{Account, AccountId, AccountKind, AccountState, OrganisationId, ProviderId};
use crate::domain::action::Action;
use crate::domain::approval::{Approval, ApprovalId, KnownApproval, Ticket, TicketId, TicketState};
use crate::domain::clock::Clock;
use crate::domain::decision::Refusal;
use crate::domain::digest::Digest;
use crate::domain::embargo::Embargo;
use crate::domain::emergency::{AfterReport, AfterReportId, Emergency, EmergencyId};
use crate::domain::incident::{Channel, Incident, IncidentId};
use crate::domain::media::Sha256;
use crate::domain::person::{Client, ClientId, Person, PersonId};
use crate::domain::ports::{Approvals, Chance, Embargoes, Emergencies, Registry, Unavailable};
use crate::ledger::entry::Payload;
use crate::ledger::{Act, ActError, EntryRef};
use crate::stream::Log;

/// Key of the person with this id.
pub(crate) fn key_of(id: &str) -> String {
    format!("the-key-of-{id}")
}

/// Key of the security team.
pub(crate) const STREAM_KEY: &str = "the-stream-key";

/// The tests' time.
pub(crate) fn now() -> Timestamp {
    "2026-11-22T00:00:00Z".parse().unwrap()
}

fn in_two_hours() -> Timestamp {
    "2026-11-22T02:00:00Z".parse().unwrap()
}

/// Everything that the console asks, in one.
pub(crate) struct Town {
    people: Vec<Arc<Person>>,
    accounts: Vec<Arc<Account>>,
    pub(crate) acts: Mutex<Vec<String>>,
    pub(crate) refuse: Mutex<bool>,
    pub(crate) destroyed: Mutex<bool>,
    changed: watch::Sender<u64>,
}

pub(crate) struct Stage {
    pub(crate) town: Arc<Town>,
    pub(crate) state: ConsoleState,
    pub(crate) ready: watch::Sender<bool>,
    pub(crate) dir: tempfile::TempDir,
}

pub(crate) fn digest() -> Digest {
    Digest::from_sha256(Sha256::of(b"the post"))
}

fn person(id: &str, organisation: &str, may_declare: bool) -> Arc<Person> {
    Arc::new(Person {
        id: PersonId::new(id),
        organisation: OrganisationId::new(organisation),
        name: format!("見本 {id}"),
        post: "主事".to_owned(),
        may_declare,
        key_sha256: Some(Sha256::of(key_of(id).as_bytes()).hex()),
    })
}

fn account(id: &str, organisation: &str, state: AccountState) -> Arc<Account> {
    Arc::new(Account {
        id: AccountId::new(id),
        organisation: OrganisationId::new(organisation),
        provider: ProviderId::new("x"),
        handle: format!("@{id}"),
        kind: AccountKind::General,
        state,
        manager: PersonId::new("kacho"),
        operators: Vec::new(),
        operating_policy: None,
        credential_fingerprints: vec!["f".repeat(64)],
        trouble: Default::default(),
        observe: None,
    })
}

impl Stage {
    pub(crate) fn new() -> Self {
        let town = Arc::new(Town {
            people: vec![
                person("kacho", "nerima", false),
                person("tochoku", "nerima", true),
                person("other", "nagano", true),
            ],
            accounts: vec![
                account("nerima-x", "nerima", AccountState::Active),
                account("nerima-new", "nerima", AccountState::Applied),
                account("nagano-x", "nagano", AccountState::Active),
            ],
            acts: Mutex::default(),
            refuse: Mutex::default(),
            destroyed: Mutex::default(),
            changed: watch::channel(0).0,
        });
        let dir = tempfile::tempdir().unwrap();
        let approve = crate::config::approve::Approve {
            issuer: "gate.example".to_owned(),
            key_file: dir.path().join("approval.key"),
            ..Default::default()
        };
        let config = crate::config::console::Console {
            local_key_file: dir.path().join("console.key"),
            stream_keys_sha256: vec![Sha256::of(STREAM_KEY.as_bytes()).hex()],
            body_bytes: 4096,
        };
        let (ready, readiness) = watch::channel(false);
        let state = ConsoleState {
            local_key: Arc::new(LocalKey::open(&config.local_key_file).unwrap()),
            config,
            emergency: crate::config::emergency::Emergency { max_s: 7200 },
            approval_max_life_s: 3600,
            registry: town.clone(),
            past: town.clone(),
            approvals: town.clone(),
            releases: Arc::new(crate::domain::kept::NoReleases),
            held: town.clone(),
            wrong_posts: town.clone(),
            emergencies: town.clone(),
            embargoes: town.clone(),
            log: town.clone(),
            acts: town.clone(),
            issuers: Arc::new(Issuers::open(&approve).unwrap()),
            clock: town.clone(),
            chance: town.clone(),
            ready: readiness,
            metrics: Arc::new(|| "sekisho_ready 1\n".to_owned()),
            custody: Arc::new(crate::domain::credential::NoCustody),
            warn_days: 14,
            links: Arc::new(Unlinked),
            links_keep_s: 60,
            inspection: Arc::new(inspected),
            strip: Arc::new(|bytes| if bytes.is_empty() { Err("空です。".to_owned()) } else { Ok(bytes.to_vec()) }),
            pac: "function FindProxyForURL() {}".into(),
            stop: CancellationToken::new(),
        };
        Self { town, state, ready, dir }
    }
}

/// Stands for what looks at links: it finds none.
struct Unlinked;

impl crate::domain::link::Links for Unlinked {
    fn look(
        &self,
        _: Vec<crate::domain::link::Said>,
    ) -> Pin<Box<dyn Future<Output = crate::domain::link::Looked> + Send + '_>> {
        Box::pin(std::future::ready(crate::domain::link::Looked::default()))
    }
}

/// Stands for the inspector: it minds one word, and is given no other.
fn inspected(_: &OrganisationId, post: &crate::domain::post::Post) -> crate::domain::finding::Report {
    let finding = |(at, text): (String, &str)| crate::domain::finding::Finding {
        rule: "label.word".to_owned(),
        category: "label".to_owned(),
        clauses: vec![crate::domain::clause::Clause::new("nagano:4(2)")],
        severity: crate::domain::finding::Severity::Block,
        field: at,
        span: (0, text.len()),
        excerpt: text.to_owned(),
        advice: "表示を確認してください。".to_owned(),
        never: false,
        accept: crate::domain::finding::Accept::Approver,
        accepted: false,
    };
    let texts = post.texts();
    let marked = texts.iter().filter(|(_, _, text)| text.contains("部外秘"));
    let findings = marked.map(|(at, _, text)| finding((at.clone(), text))).collect();
    crate::domain::finding::Report { findings, rules: "r".to_owned(), fields: texts.len(), bytes: 0 }
}

impl WrongPosts for Town {
    fn incidents(&self, _: &OrganisationId) -> Result<Vec<Incident>, Unavailable> {
        Ok(Vec::new())
    }
    fn incident(&self, _: &IncidentId) -> Result<Option<Incident>, Unavailable> {
        Ok(None)
    }
    fn channels(&self, _: &Incident) -> Result<Option<Vec<Channel>>, Unavailable> {
        Ok(None)
    }
    fn marked(&self, _: &OrganisationId, _: &str, _: u64) -> Result<(Vec<String>, Option<u64>), Unavailable> {
        Ok((Vec::new(), None))
    }
}

impl Embargoes for Town {
    fn register(&self, _: &OrganisationId) -> Option<Arc<crate::domain::embargo::Register>> {
        None
    }
    fn embargoes(&self, _: &OrganisationId) -> Result<Vec<Embargo>, Unavailable> {
        Ok(Vec::new())
    }
}

impl Clock for Town {
    fn now(&self) -> Timestamp {
        now()
    }
}

impl Chance for Town {
    fn id(&self, _: Timestamp) -> String {
        "id-1".to_owned()
    }
}

impl Acts for Town {
    fn act(
        &self,
        by: PersonId,
        act: Act,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<EntryRef, ActError>> + Send + '_>> {
        Box::pin(async move {
            self.acts.lock().unwrap().push(format!("{by}: {act:?}"));
            if *self.refuse.lock().unwrap() {
                let refusal = Refusal::refused("self-approval", "ご本人です。", "Self.", "ほかの方へ。");
                return Err(ActError::Refused(EntryRef::Index(8), Box::new(refusal)));
            }
            Ok(EntryRef::Index(7))
        })
    }
}

impl crate::domain::ports::RegistryPast for Town {
    fn past(
        &self,
        _: &OrganisationId,
        _: Option<(&str, &str)>,
    ) -> Result<Vec<crate::domain::ports::Past>, Unavailable> {
        Ok(Vec::new())
    }
}

impl Registry for Town {
    fn client_by_key(&self, key: &str) -> Option<Arc<Client>> {
        (key == Sha256::of(key_of("cms").as_bytes()).hex()).then(|| {
            Arc::new(Client {
                id: ClientId::new("cms"),
                organisation: OrganisationId::new("nerima"),
                owner: PersonId::new("kacho"),
                key_sha256: key.to_owned(),
                accounts: Vec::new(),
                actions: Vec::new(),
                categories: Vec::new(),
                hours: None,
                until: None,
                sources: Vec::new(),
                cms: false,
            })
        })
    }
    fn client(&self, _: &ClientId) -> Option<Arc<Client>> {
        None
    }
    fn account(&self, id: &AccountId) -> Option<Arc<Account>> {
        self.accounts.iter().find(|account| account.id == *id).cloned()
    }
    fn account_by_fingerprint(&self, _: &ProviderId, _: &str) -> Option<Arc<Account>> {
        None
    }
    fn accounts(&self) -> Vec<Arc<Account>> {
        self.accounts.clone()
    }
    fn person(&self, id: &PersonId) -> Option<Arc<Person>> {
        self.people.iter().find(|person| person.id == *id).cloned()
    }
    fn person_by_key(&self, key: &str) -> Option<Arc<Person>> {
        self.people.iter().find(|person| person.key_sha256.as_deref() == Some(key)).cloned()
    }
    fn organisations(&self) -> Vec<OrganisationId> {
        vec![OrganisationId::new("nerima"), OrganisationId::new("nagano")]
    }
}

fn ticket() -> Ticket {
    Ticket {
        id: TicketId::new("t-1"),
        organisation: OrganisationId::new("nerima"),
        client: ClientId::new("cms"),
        author: PersonId::new("shuji"),
        account: AccountId::new("nerima-x"),
        action: Action::Publish,
        digest: digest(),
        opened: now(),
        state: TicketState::Waiting,
    }
}

fn known() -> KnownApproval {
    let approval = Approval {
        id: ApprovalId::new("a-1"),
        account: AccountId::new("nerima-x"),
        actions: vec![Action::Publish],
        digest: digest(),
        not_before: now(),
        expires: "2026-11-22T00:10:00Z".parse().unwrap(),
        max_uses: 1,
        approver: PersonId::new("kacho"),
        issuer: "gate.example".to_owned(),
        category: None,
        reference: None,
        remarks: Default::default(),
    };
    KnownApproval { approval, uses: 0, revoked: false }
}

impl Approvals for Town {
    fn approval(&self, id: &ApprovalId) -> Result<Option<KnownApproval>, Unavailable> {
        Ok(Some(known()).filter(|known| known.approval.id == *id))
    }
    fn usable(
        &self,
        _: &AccountId,
        _: Action,
        wanted: &Digest,
        _: Timestamp,
        _: Option<&PersonId>,
    ) -> Result<Option<KnownApproval>, Unavailable> {
        Ok(Some(known()).filter(|known| known.approval.digest == *wanted))
    }
    fn ticket(&self, id: &TicketId) -> Result<Option<Ticket>, Unavailable> {
        Ok(Some(ticket()).filter(|ticket| ticket.id == *id))
    }
    fn waiting(&self, _: &ClientId, _: &AccountId, _: Action, _: &Digest) -> Result<Option<Ticket>, Unavailable> {
        Ok(None)
    }
    fn tickets(&self, organisation: &OrganisationId) -> Result<Vec<Ticket>, Unavailable> {
        Ok(vec![ticket()].into_iter().filter(|ticket| ticket.organisation == *organisation).collect())
    }
}

impl HeldPosts for Town {
    fn held(&self, _: &TicketId) -> Result<Option<Payload>, Unavailable> {
        let form = r#"{"action":"publish","fields":[{"at":"/text","role":"text","value":"お知らせ"}],"media":[]}"#;
        let destroyed = *self.destroyed.lock().map_err(|error| Unavailable(error.to_string()))?;
        let post = (!destroyed).then(|| form.to_owned());
        Ok(post.map(|post| Payload { post: Some(post), reason: Some("急ぎ".to_owned()), ..Payload::default() }))
    }
}

impl Emergencies for Town {
    fn open(&self, _: &AccountId, _: Timestamp) -> Result<Option<Emergency>, Unavailable> {
        Ok(None)
    }
    fn emergencies(&self, organisation: &OrganisationId) -> Result<Vec<Emergency>, Unavailable> {
        let one = Emergency {
            id: EmergencyId::new("e-1"),
            organisation: OrganisationId::new("nerima"),
            declared_by: PersonId::new("tochoku"),
            reason: "地震".to_owned(),
            accounts: vec![AccountId::new("nerima-x")],
            drill: false,
            declared: now(),
            until: in_two_hours(),
            ended: None,
        };
        Ok(vec![one].into_iter().filter(|it| it.organisation == *organisation).collect())
    }
    fn overdue(&self, _: &AccountId, _: Timestamp) -> Result<bool, Unavailable> {
        Ok(false)
    }
    fn after_reports(&self, organisation: &OrganisationId) -> Result<Vec<AfterReport>, Unavailable> {
        let one = AfterReport {
            id: AfterReportId::new("r-1"),
            organisation: OrganisationId::new("nerima"),
            account: AccountId::new("nerima-x"),
            exemption: "emergency".to_owned(),
            entry: 3,
            due: now(),
            reported: None,
        };
        Ok(vec![one].into_iter().filter(|it| it.organisation == *organisation).collect())
    }
}

impl Log for Town {
    fn head(&self, _: &OrganisationId) -> Result<u64, Unavailable> {
        Ok(3)
    }
    fn read(&self, organisation: &OrganisationId, from: u64, limit: usize) -> Result<Vec<(u64, Vec<u8>)>, Unavailable> {
        let leaf = |i: u64| (i, format!("{{\"log\":\"{organisation}\",\"n\":{i}}}").into_bytes());
        Ok((from..3).take(limit).map(leaf).collect())
    }
    fn checkpoint(&self, organisation: &OrganisationId) -> Result<String, Unavailable> {
        Ok(format!("gate.example/{organisation}\n3\nroot\n\n— sig\n"))
    }
    fn changed(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }
}
