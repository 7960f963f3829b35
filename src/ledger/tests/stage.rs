//! The stage: a town with two bodies, a clock that stands, and requests to judge.

use super::*;

pub(super) struct Time(pub(super) AtomicI64);

impl Clock for Time {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::Relaxed)).unwrap()
    }
}

struct Counting(AtomicU64);

impl Chance for Counting {
    fn id(&self, now: Timestamp) -> String {
        format!("{}-{:06}", now.as_second(), self.0.fetch_add(1, Ordering::Relaxed))
    }
}

pub(super) struct Stage {
    pub(super) dir: tempfile::TempDir,
    pub(super) time: Arc<Time>,
    pub(super) config: Config,
    chance: Arc<Counting>,
}

pub(super) const NOON: i64 = 1_795_316_400;

impl Stage {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = config(dir.path());
        Self { dir, time: Arc::new(Time(AtomicI64::new(NOON))), config, chance: Arc::new(Counting(AtomicU64::new(0))) }
    }

    pub(super) fn open(&self) -> Arc<Ledger> {
        self.try_open().unwrap()
    }

    pub(super) fn try_open(&self) -> Result<Arc<Ledger>, crate::config::Problem> {
        Ledger::open(
            &self.config,
            Arc::clone(&self.time) as Arc<dyn Clock>,
            Arc::clone(&self.chance) as Arc<dyn Chance>,
        )
    }

    pub(super) fn database(&self) -> std::path::PathBuf {
        self.dir.path().join("s.db")
    }

    pub(super) fn now(&self) -> Timestamp {
        self.time.now()
    }

    pub(super) fn pass_time(&self, seconds: i64) {
        self.time.0.fetch_add(seconds, Ordering::Relaxed);
    }

    pub(super) fn judged(&self, decision: Decision, dossier: Dossier) -> Judged {
        Judged { decision, dossier, at: self.now() }
    }

    /// A permission for post `n` by approval `id`.
    pub(super) fn approved(&self, n: u32, id: &str) -> Judged {
        let approval = self.approval(n, id);
        self.passing(n, Pass::Approved { approval: Box::new(approval), use_number: 1, deposit: true })
    }

    pub(super) fn passing(&self, n: u32, pass: Pass) -> Judged {
        self.judged(permit(Vec::new()), Dossier { pass: Some(pass), ..dossier(n) })
    }

    pub(super) fn approval(&self, n: u32, id: &str) -> Approval {
        Approval {
            id: ApprovalId::new(id),
            account: AccountId::new("nerima-x"),
            actions: vec![Action::Publish],
            digest: digest(n),
            not_before: self.now(),
            expires: self.now() + SignedDuration::from_secs(600),
            max_uses: 1,
            approver: PersonId::new("kacho"),
            issuer: "sekisho".to_owned(),
            category: None,
            reference: None,
            remarks: Default::default(),
        }
    }

    pub(super) fn emergency(&self, id: &str) -> Emergency {
        Emergency {
            id: EmergencyId::new(id),
            organisation: OrganisationId::new("nerima"),
            declared_by: PersonId::new("kacho"),
            reason: "大雨".to_owned(),
            accounts: vec![AccountId::new("nerima-x")],
            drill: false,
            declared: self.now(),
            until: self.now() + SignedDuration::from_secs(3600),
            ended: None,
        }
    }
}

fn config(dir: &Path) -> Config {
    let person = |id: &str, may_declare| crate::domain::person::Person {
        id: PersonId::new(id),
        organisation: OrganisationId::new("nerima"),
        name: "練馬 花子".to_owned(),
        post: "主事".to_owned(),
        may_declare,
        key_sha256: Some(Sha256::of(id.as_bytes()).hex()),
    };
    let mut config = Config::default();
    config.store.url = format!("sqlite://{}", dir.join("s.db").display());
    config.ledger.dir = dir.join("ledger");
    config.ledger.enter_ms = 20_000;
    config.organisations = vec![crate::config::registry::Organisation {
        id: OrganisationId::new("nerima"),
        name: "練馬区".to_owned(),
        guideline: Vec::new(),
        sites: Vec::new(),
        periods: Vec::new(),
    }];
    config.people = vec![person("kacho", true), person("shuji", false)];
    config.accounts = vec![crate::domain::account::Account {
        id: AccountId::new("nerima-x"),
        organisation: OrganisationId::new("nerima"),
        provider: ProviderId::new("x"),
        handle: "@nerima".to_owned(),
        kind: AccountKind::General,
        state: AccountState::Active,
        manager: PersonId::new("kacho"),
        operators: Vec::new(),
        operating_policy: Some(OperatingPolicy {
            version: "1".to_owned(),
            categories: Vec::new(),
            after_report_hours: None,
            self_approval: false,
            ..OperatingPolicy::default()
        }),
        credential_fingerprints: vec!["ab12".to_owned()],
        trouble: Default::default(),
        observe: None,
    }];
    config.clients = vec![crate::domain::person::Client {
        id: ClientId::new("cms"),
        organisation: OrganisationId::new("nerima"),
        owner: PersonId::new("shuji"),
        key_sha256: Sha256::of(b"key").hex(),
        accounts: vec![AccountId::new("nerima-x")],
        actions: vec![Action::Publish],
        categories: Vec::new(),
        hours: None,
        until: None,
        sources: Vec::new(),
        cms: false,
    }];
    config
}

pub(super) fn digest(n: u32) -> Digest {
    digest::of_form(form(n).as_bytes())
}

/// The normal form of post `n`.
pub(super) fn form(n: u32) -> String {
    format!("{{\"text\":\"お知らせ{n}\"}}")
}

pub(super) fn dossier(n: u32) -> Dossier {
    Dossier {
        organisation: Some(OrganisationId::new("nerima")),
        door: "reverse-path",
        source: "192.0.2.7".to_owned(),
        client: Some(ClientId::new("cms")),
        author: Some(PersonId::new("shuji")),
        provider: Some(ProviderId::new("x")),
        route: Some("x.tweets.create".to_owned()),
        method: "POST".to_owned(),
        host: "api.x.com".to_owned(),
        action: Some(Action::Publish),
        account: Some(AccountId::new("nerima-x")),
        digest: Some(digest(n)),
        reason: Some("秘密の理由".to_owned()),
        rules: "00".to_owned(),
        payload: form(n),
        ..Dossier::default()
    }
}

pub(super) fn outbound() -> Arc<Outbound> {
    Arc::new(Outbound {
        provider: ProviderId::new("x"),
        method: http::Method::POST,
        host: "api.x.com".to_owned(),
        path_and_query: "/2/tweets".to_owned(),
        headers: http::HeaderMap::new(),
        body: OutBody::Empty,
        by_hand: false,
        reads: false,
        wears: crate::domain::credential::Wears::Own,
    })
}

pub(super) fn permit(obligations: Vec<Obligation>) -> Decision {
    let clauses = vec![crate::domain::clause::Clause::new("nerima:11")];
    Decision::Permit(Permit { rule: "nerima.11.approved".to_owned(), clauses, obligations }, outbound())
}

pub(super) fn held() -> Decision {
    Decision::Refuse(Box::new(Refusal::refused("approval-missing", "承認がありません。", "No approval.", "").held()))
}

pub(super) fn published() -> Outcome {
    Outcome::Published { status: 201, published_id: Some("123".to_owned()) }
}

/// The entries of a log, parsed.
pub(super) fn entries(ledger: &Ledger, log: &str) -> Vec<Value> {
    ledger.logbook().read(log, 0, 1000).unwrap().iter().map(|one| serde_json::from_str(&one.leaf).unwrap()).collect()
}

pub(super) fn kinds(ledger: &Ledger, log: &str) -> Vec<String> {
    entries(ledger, log).iter().map(|entry| entry["kind"].as_str().unwrap().to_owned()).collect()
}

/// The entry's outcome and its code, once it has one.
pub(super) fn outcome_of(ledger: &Ledger, index: u64) -> (String, String) {
    for _ in 0..500 {
        if ledger.reads().outcome("nerima", index).unwrap().is_some() {
            let found = entries(ledger, "nerima").into_iter().find(|entry| entry["of"] == index).unwrap();
            let text = |name: &str| found[name].as_str().unwrap_or_default().to_owned();
            return (text("outcome"), text("code"));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("entry {index} has no outcome");
}

pub(super) fn permitted(recorded: Recorded) -> Entered {
    match recorded {
        Recorded::Permitted(entered) => entered,
        Recorded::Refused(_, refusal) => panic!("refused: {}", refusal.code),
    }
}

pub(super) fn refused(recorded: Recorded) -> (u64, Refusal) {
    match recorded {
        Recorded::Permitted(_) => panic!("permitted"),
        Recorded::Refused(entry, refusal) => (index(&entry), *refusal),
    }
}

pub(super) fn index(entry: &EntryRef) -> u64 {
    match entry {
        EntryRef::Index(index) => *index,
        EntryRef::Journal { .. } => panic!("no journal"),
    }
}

pub(super) fn code(result: Result<EntryRef, ActError>) -> String {
    match result {
        Ok(_) => "done".to_owned(),
        Err(ActError::Refused(_, refusal)) => refusal.code.into_owned(),
        Err(ActError::Down(down)) => panic!("{down}"),
    }
}
