//! THE ROAD. `pass` takes a request in and brings an answer back; `examine` is the order of the stages.
//!
//! Every early exit of `examine` is a [`Refusal`]; refusals and permissions reach the ledger in one place. The whole
//! road runs on a task of its own, so that a client that goes away cannot cancel it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use arc_swap::ArcSwap;
use http::{HeaderMap, Response};
use tokio_util::task::TaskTracker;

use crate::approve::{self, signed::Issuers};
use crate::config;
use crate::domain::account::Account;
use crate::domain::approval::Pass;
use crate::domain::arrival::{Arrival, Body, Door, Handler, Malformed};
use crate::domain::clock::Clock;
use crate::domain::container::Container;
use crate::domain::credential::{Custody, Standing};
use crate::domain::decision::{Decision, Refusal};
use crate::domain::digest::{self, Digest};
use crate::domain::dossier::{Dossier, Judged, Learned, Outcome};
use crate::domain::exemption::Exemption;
use crate::domain::kept::{Kept, Releasing};
use crate::domain::person::Client;
use crate::domain::ports::{
    Acceptances, Approvals, Chance, Embargoes, Emergencies, MediaBook, Registry, Retries, Unavailable,
};
use crate::exempt::{self, Templates};
use crate::extract::{self, Extracted};
use crate::forward::{Forwarder, Sent};
use crate::guideline::{Case, Guidelines};
use crate::identify;
use crate::inspect::RuleSet;
use crate::ledger::{Ledger, Recorded};
use crate::recognise::{self, Definitions, Recognised};

mod around;
pub mod batch;
pub mod budget;
pub mod busy;
pub mod by_url;
pub mod canary;
mod claims;
mod closed;
mod declared;
pub mod follow;
mod keep;
pub mod learn;
pub mod limit;
mod observed;
mod own;
mod ready;
mod release;
pub mod renew;
pub mod respond;
mod rewrite;
pub mod scan;
pub mod sentence;
pub mod session;

use respond::Shape;

/// Everything a request is judged by. A request pins one; its hash enters the entry.
pub struct Rules {
    /// Provider definitions.
    pub definitions: Arc<Definitions>,
    /// The inspector's rules and lists.
    pub inspection: RuleSet,
    /// The guidelines of all bodies.
    pub guidelines: Guidelines,
    /// Templates of 練馬 第11条第2号.
    pub templates: Templates,
    /// SHA-256 (hex) over all of them.
    hash: String,
}

impl Rules {
    /// Puts rules in force together.
    pub fn new(
        definitions: Arc<Definitions>,
        inspection: RuleSet,
        guidelines: Guidelines,
        templates: Templates,
    ) -> Self {
        let parts = [definitions.hash(), inspection.hash(), guidelines.hash()].join("\n");
        let hash = crate::domain::media::Sha256::of(parts.as_bytes()).hex();
        Self { definitions, inspection, guidelines, templates, hash }
    }

    /// SHA-256 (hex) over the rules in force.
    pub fn hash(&self) -> &str {
        &self.hash
    }
}

/// The read-only look-ups of the store.
#[derive(Clone)]
pub struct Ports {
    /// Organisations, accounts, people, clients.
    pub registry: Arc<dyn Registry>,
    /// Approvals and tickets.
    pub approvals: Arc<dyn Approvals>,
    /// Media, upload sessions, own posts.
    pub media: Arc<dyn MediaBook>,
    /// Declarations.
    pub emergencies: Arc<dyn Emergencies>,
    /// Requests that may be sent again.
    pub retries: Arc<dyn Retries>,
    /// What is closed until a minute.
    pub embargoes: Arc<dyn Embargoes>,
    /// Findings that people have accepted.
    pub acceptances: Arc<dyn Acceptances>,
}

/// The gate and all it needs.
pub struct Gate {
    /// The rules in force.
    pub rules: ArcSwap<Rules>,
    /// Look-ups.
    pub ports: Ports,
    /// The ledger.
    pub ledger: Arc<Ledger>,
    /// The way out.
    pub forwarder: Forwarder,
    /// The provider credentials that the gateway holds.
    pub custody: Arc<dyn Custody>,
    /// What the providers still allow.
    pub allowances: budget::Allowances,
    /// Renewals that are under way.
    pub renewals: renew::Renewals,
    /// Who may sign approvals.
    pub issuers: Arc<Issuers>,
    /// How often a client may come.
    pub limits: limit::Limits,
    /// Limits of bodies.
    pub extract: config::extract::Extract,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// New ids.
    pub chance: Arc<dyn Chance>,
    /// Looks into pictures and films.
    pub scanner: scan::Scanner,
    /// Media that posts name by URL.
    pub by_url: by_url::ByUrl,
    /// Media that something is happening to.
    pub busy: Arc<busy::Busy>,
    /// What goes on when its client has gone: the stop waits for it.
    pub work: TaskTracker,
    /// Counters.
    pub metrics: Arc<crate::observe::Metrics>,
}

/// What the road learned that the answer is made from.
#[derive(Default)]
struct Walked {
    shape: Option<Shape>,
    request: Option<(Recognised, Extracted, Arc<Account>)>,
    /// The container that the answer names.
    made: Option<Box<Container>>,
    /// The step of an upload, to be kept once the provider took it.
    kept: Option<Box<Kept>>,
    /// Kept until the outcome is recorded.
    held: Option<busy::Held>,
}

impl Handler for Gates {
    fn handle(&self, arrival: Arrival) -> Pin<Box<dyn Future<Output = Response<Body>> + Send>> {
        let gate = Arc::clone(&self.0);
        Box::pin(async move {
            let shape = Shape::asked_for(&arrival.headers);
            let work = gate.work.clone();
            match work.spawn(Box::pin(gate.pass(arrival, None))).await {
                Ok(response) => response,
                Err(_) => respond::refusal(shape.unwrap_or(Shape::Problem), &sentence::internal(), None),
            }
        })
    }

    fn malformed(&self, malformed: Malformed) {
        self.0.metrics.malformed(malformed.code);
        self.0.ledger.malformed(&malformed);
    }
}

/// The gate as the doors see it.
pub struct Gates(pub Arc<Gate>);

impl Gate {
    /// Takes one request the whole road and answers it; one that the gateway itself makes of what it kept goes no other.
    async fn pass(self: Arc<Self>, arrival: Arrival, release: Option<Box<Releasing>>) -> Response<Body> {
        let begun = self.clock.now();
        let under_way = self.ledger.under_way();
        let rules = self.rules.load_full();
        let asked = if release.is_some() { Some(Shape::Problem) } else { Shape::asked_for(&arrival.headers) };
        let door = arrival.door;
        let mut dossier = Dossier {
            door: if release.is_some() { "release" } else { door.as_str() },
            release,
            source: arrival.peer.ip().to_string(),
            method: arrival.method.to_string(),
            host: arrival.host.clone(),
            rules: rules.hash().to_owned(),
            ..Dossier::default()
        };
        let mut walked = Walked::default();
        let called = rewrite::called(&arrival);
        let peer = arrival.peer;
        let decision = match self.examine(&rules, arrival, &mut dossier, &mut walked).await {
            Ok(decision) => decision,
            Err(refusal) if dossier.client.is_none() && !self.limits.stranger(peer.ip()) => {
                self.metrics.malformed("stranger");
                self.ledger.malformed(&Malformed { peer, code: "stranger" });
                return respond::refusal(asked.or(walked.shape).unwrap_or(Shape::Problem), &refusal, None);
            }
            Err(refusal) => Decision::Refuse(Box::new(self.completed(&rules, *refusal, &dossier))),
        };
        let shape = asked.or(walked.shape).unwrap_or(Shape::Problem);
        let (recorded, ready) = self.entered(Judged { decision, dossier, at: begun }).await;
        drop(under_way);
        let response = match recorded {
            Ok(Recorded::Permitted(entered)) => {
                let sent = self.forwarder.send(entered, ready).await;
                self.conclude(sent, walked.request, (walked.made, walked.kept), shape, called).await
            }
            Ok(Recorded::Refused(entry, refusal)) => {
                self.metrics.refusal(&refusal.code);
                respond::refusal(shape, &refusal, Some(&entry))
            }
            Err(down) => {
                tracing::error!(%down, "a request was refused because the ledger cannot write");
                self.metrics.refusal("ledger-down");
                respond::refusal(shape, &sentence::ledger_down(), None)
            }
        };
        self.metrics.request(respond::decision(&response), door.as_str());
        response
    }

    /// The order of the stages. What it returns owns the very request that may leave.
    async fn examine(
        self: &Arc<Self>,
        rules: &Arc<Rules>,
        arrival: Arrival,
        dossier: &mut Dossier,
        walked: &mut Walked,
    ) -> Result<Decision, Box<Refusal>> {
        let now = self.clock.now();
        walked.shape = rules.definitions.error_shape(&arrival.host).map(|shape| Shape::of_provider(shape.as_str()));

        let client = self.who(&arrival, dossier)?;
        let Arrival { method, host, path, query, headers, body, door, emergency, .. } = arrival;
        self.limits.take(&client.id)?;

        let mut recognised =
            recognise::recognise(&rules.definitions, &host, &method, &path, query.as_deref(), &headers)?;
        dossier.provider = Some(recognised.provider.id.clone());
        dossier.route = Some(recognised.route.id.clone());
        // Which account it is turns out below; where none can be in custody, the tool's own signature must hold.
        if !client.accounts.iter().any(|id| self.custody.standing(id, now).is_held()) {
            identify::url_bound(door, &headers)?;
        }

        let mut extracted = extract::read(&recognised, &headers, body, &self.extract).await?;
        dossier.action = Some(extracted.action);
        dossier.target = extracted.target.clone();
        dossier.upload = extracted.upload.clone();
        note_body(dossier, &extracted);

        let (account, credential) = self.whose(&client, door, &headers, &mut recognised, &mut extracted, dossier)?;
        let followed = follow::followed(&mut extracted, &recognised, &account, self.ports.media.as_ref(), now)?;
        // A key opens the account it was used for only: the digest does not name the account.
        extracted.retry_key = extracted.retry_key.take().map(|key| format!("{} {key}", account.id));
        dossier.retry_key = extracted.retry_key.clone();
        declared::said(&headers, dossier)?;
        self.own_threads(&mut extracted, &account).await?;
        dossier.action = Some(extracted.action);
        for action in extracted.actions() {
            identify::scope(&client, &account, action, dossier.category.as_deref(), now)?;
        }

        walked.held = Some(self.busy.hold(&recognised.provider.id, &extracted)?);
        extract::resolve(&mut extracted, &recognised, &account.id, self.ports.media.as_ref())?;
        let looked = self.looked(rules, &mut extracted, &account, dossier).await?;
        learn::check_upload(&extracted, &recognised, &account, self.ports.media.as_ref()).await?;
        let mut report = self.inspected(rules, &mut extracted, &recognised, &account, dossier).await?;

        let form = normal_form(&recognised, &extracted);
        // A container's publication has the container's digest; the post is with the entry that let it be made.
        let digest = followed.as_ref().map_or_else(|| digest::of_form(form.as_bytes()), |known| known.container.digest);
        if extracted.action.needs_approval() {
            self.accept(&account, &digest, &mut report)?;
            dossier.digest = Some(digest);
            dossier.payload = if followed.is_some() { String::new() } else { form };
        }
        dossier.report = Some(report.clone());
        let pass = match followed {
            Some(known) => Pass::Followed(known),
            None => self.claimed(rules, &client, &account, &extracted, &digest, &headers, emergency, dossier).await?,
        };
        dossier.pass = Some(pass.clone());
        release::still(dossier, credential)?;

        let around = self.around(&client, &account, &recognised, &extracted, dossier, now).await?;
        let case = Case {
            client: &client,
            account: &account,
            recognised: around.standing.as_ref().is_some_and(|it| it.provider.is_recognised()),
            credential,
            action: extracted.action,
            post: &extracted.post,
            report: &report,
            pass: &pass,
            around: &around,
            now,
        };
        let understood = keep::Understood::new(&recognised, &extracted, (&account, credential), &client, &headers);
        let permit = self.decided(rules, case, &looked, &understood, (dossier, walked)).await?;
        walked.made = follow::made(&extracted, &recognised, &account, digest, &pass, now);
        self.swap(&mut recognised, &mut extracted, &looked, dossier)?;
        let mut outbound = extract::outbound(&recognised, &extracted, &headers)?;
        self.dress(&mut outbound, credential, &account, rules).await?;
        // Last, since it takes: whatever is refused before it costs nothing of what the provider allows.
        self.allowances.take(&account.id, &recognised.route.id, declared::is_urgent(dossier), now)?;
        walked.request = Some((recognised, extracted, account));
        Ok(Decision::Permit(permit, Arc::new(outbound)))
    }

    /// Who sends, which the entry says from here on.
    fn who(&self, arrival: &Arrival, dossier: &mut Dossier) -> Result<Arc<Client>, Box<Refusal>> {
        let from = (arrival.door, arrival.peer);
        let registry = &*self.ports.registry;
        let client = match &dossier.release {
            Some(release) => release::client(release, registry)?,
            None => identify::client(&arrival.headers, arrival.tunnel_credential.as_ref(), from, registry)?,
        };
        dossier.organisation = Some(client.organisation.clone());
        dossier.client = Some(client.id.clone());
        dossier.author = Some(client.owner.clone());
        Ok(client)
    }

    /// The account that the request is for, and how its credential stands. Where the gateway holds it, what the tool
    /// brought in its place is taken out.
    fn whose(
        &self,
        client: &Client,
        door: Door,
        headers: &HeaderMap,
        recognised: &mut Recognised,
        extracted: &mut Extracted,
        dossier: &mut Dossier,
    ) -> Result<(Arc<Account>, Standing), Box<Refusal>> {
        let now = self.clock.now();
        let account = identify::account(
            client,
            &recognised.provider.id,
            headers,
            extracted.credential_fingerprint.as_deref(),
            self.ports.registry.as_ref(),
            &|id| self.custody.standing(id, now).is_held(),
        )?;
        dossier.account = Some(account.id.clone());
        identify::destined(&account, &extracted.accounts)?;
        if recognised.provider.instance {
            extracted.post.at_home = identify::at_home(&account, &recognised.host, recognised.provider.is_sole())?;
        }
        let standing = self.custody.standing(&account.id, now);
        if standing.is_held() {
            extract::without_credential(recognised, extracted)?;
            note_body(dossier, extracted);
        } else {
            identify::url_bound(door, headers)?;
        }
        identify::sign_in(extracted.action, &account, standing)?;
        Ok((account, standing))
    }

    /// By what right the post asks to pass: a claimed exemption, the client's own retry, an approval, or nothing.
    #[expect(clippy::too_many_arguments, reason = "each is a conclusion of an earlier stage, named once on the road")]
    fn shown(
        &self,
        rules: &Rules,
        client: &Client,
        account: &Account,
        extracted: &Extracted,
        digest: &Digest,
        headers: &HeaderMap,
        emergency: bool,
        dossier: &mut Dossier,
    ) -> Result<Pass, Box<Refusal>> {
        let now = self.clock.now();
        let emergency = emergency || headers.contains_key("sekisho-emergency");
        if !extracted.action.needs_approval() {
            let open =
                if emergency { self.ports.emergencies.open(&account.id, now).map_err(unavailable)? } else { None };
            return Ok(declared::under(open, extracted.action, dossier));
        }
        let claim = exempt::Claim {
            emergency,
            exemption: header(headers, "sekisho-exemption")?,
            category: header(headers, "sekisho-category")?,
        };
        if claim.exemption.is_some() && !extracted.items.is_empty() {
            return Err(Box::new(batch::no_exemption()));
        }
        let emergencies = self.ports.emergencies.as_ref();
        let exemption = exempt::exemption(claim, account, &extracted.post, &rules.templates, emergencies, now)?;
        if let Some(exemption) = exemption {
            if let Exemption::Emergency { emergency, .. } = &exemption {
                dossier.emergency = Some(emergency.clone());
            }
            return Ok(Pass::Exempt(exemption));
        }
        // Once the provider has forgotten the key, the same again is a second post.
        let since = now - jiff::SignedDuration::from_mins(extracted.retry_minutes.into());
        if let Some(key) = &extracted.retry_key
            && let Some(entry) = self.ports.retries.retryable(&client.id, key, digest, since).map_err(unavailable)?
        {
            return Ok(Pass::Resend { entry });
        }
        let sought =
            approve::Sought { account: &account.id, action: extracted.action, digest, author: &client.owner, now };
        let token = approve::header(headers)?;
        let may_approve_own = account.operating_policy.as_ref().is_some_and(|policy| policy.self_approval);
        let approval = if may_approve_own { approve::approval_by_anyone } else { approve::approval };
        Ok(approval(sought, token, &self.issuers, self.ports.approvals.as_ref())?)
    }

    /// The outcome is handed to the ledger before the client is answered, and is durable before if anything rests on it.
    async fn conclude(
        &self,
        sent: Sent,
        request: Option<(Recognised, Extracted, Arc<Account>)>,
        (made, kept): (Option<Box<Container>>, Option<Box<Kept>>),
        shape: Shape,
        called: Option<rewrite::Called>,
    ) -> Response<Body> {
        let entry = sent.open.entry().clone();
        self.doubt(&sent.answer, request.as_ref());
        let learn::Lesson { outcome, mut learned } =
            learn::lesson(&sent.answer, request.as_ref(), self.ports.media.as_ref(), &self.extract).await;
        if let (Ok(answer), Some((recognised, _, account))) = (&sent.answer, &request) {
            let (now, route) = (self.clock.now(), &recognised.route.id);
            learned.extend(self.allowances.learn(&account.id, route, answer.status, &answer.headers, now));
        }
        if let (Outcome::Published { published_id: Some(id), .. }, Some(made)) = (&outcome, made) {
            learned.push(Learned::Container(Box::new(Container { id: id.clone(), ..*made })));
        }
        self.keep_step(kept, &outcome, request.as_ref(), &mut learned).await;
        self.metrics.outcome(outcome.as_str());
        let told = sentence::of_outcome(&outcome);
        // A 5xx says nothing of whether the post is public, and some SDKs send again by themselves on it.
        let by_hand = matches!(outcome, Outcome::Unknown { code: "by-hand" });
        let unclear = matches!(outcome, Outcome::Unknown { .. })
            && !by_hand
            && request.as_ref().is_some_and(|(_, extracted, _)| extracted.action.needs_approval());
        if learn::may_follow(&outcome, &learned) {
            self.ledger.close_soon(sent.open, outcome, learned);
        } else if let Err(down) = self.ledger.close(sent.open, outcome, learned).await {
            tracing::error!(%down, "an outcome could not be recorded; the entry becomes unknown at the next start");
            return respond::refusal(shape, &sentence::outcome_unrecorded(), Some(&entry));
        }
        match sent.answer {
            Ok(answer) if !unclear => {
                respond::answer(rewrite::rewritten(answer, request.as_ref(), called).await, &entry)
            }
            Ok(_) | Err(_) => respond::refusal(shape, &told, Some(&entry)),
        }
    }
}

/// What the entry says of the body that may leave.
fn note_body(dossier: &mut Dossier, extracted: &Extracted) {
    dossier.body_sha256 = Some(extracted.body.sha256());
    dossier.body_len = extracted.body.len();
}

/// The normal form of the post: what the digest covers, the approver sees and the ledger seals.
fn normal_form(recognised: &Recognised, extracted: &Extracted) -> String {
    digest::form(&recognised.provider.id, extracted.action, extracted.target.as_deref(), &extracted.post)
}

/// A `Sekisho-*` header: absent, or once and in UTF-8.
fn header<'h>(headers: &'h HeaderMap, name: &'static str) -> Result<Option<&'h str>, Box<Refusal>> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    match (std::str::from_utf8(value.as_bytes()), values.next()) {
        (Ok(text), None) => Ok(Some(text)),
        _ => Err(Box::new(sentence::header_unreadable(name))),
    }
}

fn unavailable(error: Unavailable) -> Box<Refusal> {
    tracing::error!(%error, "a look-up failed");
    Box::new(sentence::ledger_down())
}
