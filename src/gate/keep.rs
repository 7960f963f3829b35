//! What the gateway keeps, where it holds the account's credential: the request of a held post, and the uploads of its
//! media, so that it can send them itself once the post is approved. `docs/decisions/0020-release.md`.

use http::{HeaderMap, header};

use super::by_url::Looked;
use super::{Gate, Rules, Walked, batch, observed};
use crate::domain::account::Account;
use crate::domain::action::Action;
use crate::domain::approval::TicketId;
use crate::domain::credential::Standing;
use crate::domain::decision::{Permit, Refusal, RefusalKind};
use crate::domain::dossier::{Dossier, Learned, Outcome};
use crate::domain::kept::{Kept, KeptBody, KeptStep, Publication};
use crate::domain::media::UploadStep;
use crate::domain::person::Client;
use crate::extract::Extracted;
use crate::guideline::Case;
use crate::recognise::Recognised;
use crate::recognise::definition::ContainerStep;

/// What a client says beside the post, and what the road reads again at the release.
const SAID: [&str; 4] = ["sekisho-category", "sekisho-reason", "sekisho-consent", "sekisho-media-sha256"];

/// A request as the road understood it.
pub(super) struct Understood<'a> {
    recognised: &'a Recognised,
    extracted: &'a Extracted,
    account: &'a Account,
    client: &'a Client,
    headers: &'a HeaderMap,
    credential: Standing,
}

impl<'a> Understood<'a> {
    pub(super) fn new(
        recognised: &'a Recognised,
        extracted: &'a Extracted,
        (account, credential): (&'a Account, Standing),
        client: &'a Client,
        headers: &'a HeaderMap,
    ) -> Self {
        Self { recognised, extracted, account, client, headers, credential }
    }

    /// The request without its body.
    fn head(&self) -> Kept {
        let Self { recognised, extracted, account, client, headers, .. } = self;
        let routes = recognised.provider.headers.iter().chain(&recognised.route.headers);
        // What shows a credential is put on anew; what asks for an answer in some form asked for the tool.
        let open = routes.filter(|name| !matches!(**name, header::AUTHORIZATION | header::COOKIE));
        let names = open.map(http::HeaderName::as_str).chain(SAID);
        let one = |name: &str| Some((name.to_owned(), headers.get(name)?.to_str().ok()?.to_owned()));
        let mut shown: Vec<(String, String)> = names.filter_map(one).collect();
        shown.extend(extracted.content_type.clone().map(|kind| (header::CONTENT_TYPE.to_string(), kind)));
        Kept {
            client: client.id.clone(),
            account: account.id.clone(),
            provider: recognised.provider.id.clone(),
            method: recognised.method.to_string(),
            host: recognised.host.clone(),
            path: recognised.path.clone(),
            query: recognised.query.clone(),
            headers: shown,
            body: KeptBody::None,
            media: extracted.media_ids.iter().map(|id| (id.clone(), recognised.book_id(&account.id, id))).collect(),
            prompt: asks_to_leave(headers),
            publication: self.publication(),
        }
    }

    /// What publishes a container that this makes.
    fn publication(&self) -> Option<Publication> {
        self.extracted.container.as_ref()?;
        match &self.recognised.route.container.as_ref()?.step {
            ContainerStep::Make { then, .. } if self.extracted.action != Action::Upload => then.clone(),
            ContainerStep::Make { .. } | ContainerStep::Publish { .. } => None,
        }
    }
}

/// Whether the tool asks that the post leaves as soon as it is approved: `Prefer: respond-async` (RFC 7240 section 4.1).
fn asks_to_leave(headers: &HeaderMap) -> bool {
    let values = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    let mut named =
        values.flat_map(|value| value.split(',')).map(|one| one.split(';').next().unwrap_or_default().trim());
    named.any(|name| name.eq_ignore_ascii_case("respond-async"))
}

/// What the tool is told of what is kept.
fn told(headers: &HeaderMap) -> &'static str {
    if asks_to_leave(headers) {
        "承認されしだい、関所から発信します。もう一度送信する必要はありません。"
    } else {
        "承認後は、もう一度送信しなくても、担当者が関所から発信できます。"
    }
}

impl Gate {
    /// Every refusal cites something: the third promise where no clause says it. A held post gets a ticket; the ledger
    /// joins it to one that already waits. What is kept of an approved one is not held a second time.
    pub(super) fn completed(&self, rules: &Rules, mut refusal: Refusal, dossier: &Dossier) -> Refusal {
        if let Some(body) = &dossier.organisation {
            refusal = rules.guidelines.by_own_clause(body, refusal);
        }
        if refusal.clauses.is_empty() {
            refusal = refusal.citing("sekisho:promise-3");
        }
        if dossier.release.is_some() {
            refusal.kind = RefusalKind::Refused;
        }
        if refusal.kind == RefusalKind::Held && dossier.digest.is_some() {
            refusal.ticket = Some(TicketId::new(self.chance.id(self.clock.now())));
        }
        refusal
    }

    /// The permission of a request; one that is held is kept, and so is what an upload would need.
    ///
    /// # Errors
    /// The refusal of the guideline.
    pub(super) async fn decided(
        &self,
        rules: &Rules,
        case: Case<'_>,
        looked: &Looked,
        request: &Understood<'_>,
        (dossier, walked): (&mut Dossier, &mut Walked),
    ) -> Result<Permit, Box<Refusal>> {
        let Understood { extracted, account, .. } = request;
        let now = case.now;
        let permit = batch::decide(&rules.guidelines, case, &extracted.items)
            .map_err(|refusal| looked.explain(refusal))
            .or_else(|refusal| observed::observed(rules, account, extracted, refusal, now, dossier));
        match permit {
            Ok(permit) => {
                walked.kept = self.step_to_keep(request);
                Ok(permit)
            }
            Err(refusal) => Err(self.keep_held(refusal, request, dossier).await),
        }
    }

    /// Keeps the request of a post that is held.
    async fn keep_held(
        &self,
        mut refusal: Box<Refusal>,
        request: &Understood<'_>,
        dossier: &mut Dossier,
    ) -> Box<Refusal> {
        let Understood { recognised, extracted, .. } = request;
        let wanted = refusal.kind == RefusalKind::Held && request.credential.is_held() && dossier.release.is_none();
        // A session that is opened by words waits for bytes that only the tool has; what a person posts needs no sending.
        let whole = matches!(extracted.upload, None | Some(UploadStep::OneShot { .. })) && !recognised.provider.by_hand;
        if !wanted || !whole || !self.ledger.keeps() {
            return refusal;
        }
        // A tool that asks again and again is kept once.
        if self.is_kept(request, dossier) {
            refusal.way_forward.push_str(told(request.headers));
            return refusal;
        }
        match self.ledger.keep(request.head(), &extracted.body).await {
            Ok(Some(kept)) => {
                dossier.keep = Some(Box::new(kept));
                refusal.way_forward.push_str(told(request.headers));
            }
            Ok(None) => {}
            Err(down) => tracing::warn!(%down, "the request of a held post could not be kept"),
        }
        refusal
    }

    /// Whether the post waits under a ticket with which it is kept.
    fn is_kept(&self, request: &Understood<'_>, dossier: &Dossier) -> bool {
        let (Some(action), Some(digest)) = (dossier.action, &dossier.digest) else { return false };
        let waiting = self.ports.approvals.waiting(&request.client.id, &request.account.id, action, digest);
        matches!(waiting, Ok(Some(ticket)) if matches!(self.ledger.kept(&ticket.id), Ok(Some(_))))
    }

    /// A step of an upload, to be kept once the provider took it.
    fn step_to_keep(&self, request: &Understood<'_>) -> Option<Box<Kept>> {
        let uploads = request.extracted.upload.is_some() && request.extracted.action == Action::Upload;
        (uploads && request.credential.is_held() && self.ledger.keeps()).then(|| Box::new(request.head()))
    }

    /// Keeps a step of an upload that the provider took.
    pub(super) async fn keep_step(
        &self,
        kept: Option<Box<Kept>>,
        outcome: &Outcome,
        request: Option<&(Recognised, Extracted, std::sync::Arc<Account>)>,
        learned: &mut Vec<Learned>,
    ) {
        let (Some(kept), Some((recognised, extracted, account)), Outcome::Published { .. }) = (kept, request, outcome)
        else {
            return;
        };
        let of = |id: &String| recognised.book_id(&account.id, id);
        let medium = match &extracted.upload {
            Some(UploadStep::OneShot { .. } | UploadStep::Init) => learned.iter().find_map(|learned| match learned {
                Learned::Media(record) => Some(record.id.clone()),
                _ => None,
            }),
            Some(UploadStep::Append { session, .. } | UploadStep::Finalize { session }) => Some(of(session)),
            Some(UploadStep::Describe { id, .. }) => Some(of(id)),
            Some(UploadStep::Open { .. } | UploadStep::Range { .. }) | None => None,
        };
        let Some(medium) = medium else { return };
        match self.ledger.keep(*kept, &extracted.body).await {
            Ok(Some(sealed)) => learned.push(Learned::Kept(Box::new(KeptStep {
                provider: recognised.provider.id.clone(),
                medium,
                account: account.id.clone(),
                sealed,
            }))),
            Ok(None) => {}
            Err(down) => tracing::warn!(%down, "an upload could not be kept for a release"),
        }
    }
}
