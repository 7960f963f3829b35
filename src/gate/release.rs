//! Release: the gateway sends what it kept of a held post, once its ticket is approved. Every request of it goes the road
//! that a tool's goes, and is judged by the rules of this minute. `docs/decisions/0020-release.md`.

use std::collections::HashSet;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use http_body::Frame;
use http_body_util::BodyExt as _;
use serde_json::Value;

use super::{Gate, Gates, Rules, sentence};
use crate::domain::approval::{Pass, Ticket, TicketId};
use crate::domain::arrival::{Arrival, Body, Door, full};
use crate::domain::clause::Clause;
use crate::domain::credential::Standing;
use crate::domain::decision::{Decision, Refusal};
use crate::domain::dossier::{Dossier, Judged};
use crate::domain::kept::{Kept, KeptBody, Publication, Released, Releases, Releasing, Unreleased};
use crate::domain::person::{Client, PersonId};
use crate::domain::ports::Registry;
use crate::extract::{self, renamed};
use crate::ledger::{Act, ActError, EntryRef, LedgerDown, Recorded};
use crate::recognise::matcher::encode_pairs;
use crate::recognise::{self, Recognised};

/// How often a film that is being processed is asked for, and after how long.
const LOOKS: usize = 120;
/// How soon a post leaves after its approval, where its tool asked for that.
const PROMPTLY: Duration = Duration::from_secs(1);
const BETWEEN: Duration = Duration::from_secs(2);

/// The tool that sent what is released: it must still be one.
///
/// # Errors
/// Refusal `client-unknown`.
pub(super) fn client(release: &Releasing, registry: &dyn Registry) -> Result<Arc<Client>, Refusal> {
    registry.client(&release.ticket.client).ok_or_else(|| {
        Refusal::refused(
            "client-unknown",
            "この投稿を送信した投稿ツールは、登録されていません。",
            "The client that sent this post is not registered any more.",
            "登録された投稿ツールから、もう一度送信してください。",
        )
    })
}

/// Whether a request of a release is still what its ticket was approved for, under a credential that the gateway holds,
/// and shows that approval and nothing else.
///
/// # Errors
/// Refusals `release-without-custody`, `release-changed`, `release-not-approved`.
pub(super) fn still(dossier: &Dossier, credential: Standing) -> Result<(), Box<Refusal>> {
    let Some(release) = &dossier.release else { return Ok(()) };
    if !credential.is_held() {
        return Err(refused(
            "release-without-custody",
            "このアカウントの認証情報を関所が預かっていないため、関所からは発信できません。",
            "The gateway does not hold this account's credential, so it cannot release the post.",
            "認証情報を関所に登録するか、投稿ツールからもう一度送信してください。",
        ));
    }
    let Ticket { account, digest, action, .. } = &release.ticket;
    let same = dossier.account.as_ref() == Some(account)
        && (!release.post || dossier.digest == Some(*digest) && dossier.action == Some(*action));
    if !same {
        return Err(refused(
            "release-changed",
            "保管した投稿の内容が、承認されたときと変わっています（URLの先の画像・動画など）。発信していません。",
            "What was kept is not what was approved any more (a medium by URL has changed, for example).",
            "投稿ツールからもう一度送信し、いまの内容で承認を受けてください。",
        ));
    }
    if release.post && !matches!(dossier.pass, Some(Pass::Approved { .. })) {
        return Err(refused(
            "release-not-approved",
            "この投稿の承認が見つからないか、使用済み・期限切れのため、関所から発信できません。",
            "There is no approval of this post that can still be used.",
            "改めて承認を受けてから、投稿ツールからもう一度送信してください。",
        ));
    }
    Ok(())
}

/// A refusal of a release.
fn refused(code: &'static str, ja: &str, en: &str, way: &str) -> Box<Refusal> {
    Box::new(Refusal::refused(code, ja, en, way).status(409).citing("sekisho:release"))
}

/// A medium whose bytes are not here any more.
fn medium_gone() -> Box<Refusal> {
    refused(
        "release-medium-gone",
        "投稿に含まれる画像・動画が関所に保管されていないため、関所からは発信できません。",
        "A medium of the post is no longer kept, so the gateway cannot release it.",
        "投稿ツールから、画像・動画と投稿をもう一度送信してください。",
    )
}

/// What came of one request of a release.
struct Answered {
    entry: Option<u64>,
    status: StatusCode,
    body: Bytes,
    recognised: Option<Recognised>,
}

impl Answered {
    /// The id that the provider gave.
    fn id(&self) -> Option<String> {
        extract::published_id(self.recognised.as_ref()?, &self.body)
    }
}

/// One release.
struct Release {
    gate: Arc<Gate>,
    rules: Arc<Rules>,
    ticket: Ticket,
    by: PersonId,
}

impl Release {
    fn releasing(&self, post: bool) -> Box<Releasing> {
        Box::new(Releasing { ticket: self.ticket.clone(), by: self.by.clone(), post })
    }

    /// The whole of it: the media anew, then the post, then what publishes it.
    async fn run(&self) -> Result<Released, Unreleased> {
        let kept = match self.gate.ledger.kept(&self.ticket.id) {
            Ok(Some(kept)) => kept,
            Ok(None) => return Err(self.stopped(crate::ledger::refusals::of_code("release-not-kept").into()).await),
            Err(error) => return Err(down(&error)),
        };
        let mut media = Vec::new();
        for (_, medium) in &kept.media {
            let steps = self.gate.ledger.kept_steps(&kept.provider, medium, &kept.account);
            let steps = steps.map_err(|error| down(&error))?;
            if steps.is_empty() {
                return Err(self.stopped(medium_gone()).await);
            }
            media.push(steps);
        }
        let mut ids = Vec::new();
        for ((old, _), steps) in kept.media.iter().zip(media) {
            let new = self.uploaded(old, &steps).await?;
            ids.push((old.clone(), new));
        }
        let answer = self.send(&kept, &ids, true).await?;
        let made = answer.id();
        let answer = match (&kept.publication, made) {
            (Some(then), Some(id)) => {
                self.ready(&kept, then, &id).await?;
                let (before, _) = kept.path.trim_end_matches('/').rsplit_once('/').unwrap_or_default();
                let path = format!("{before}/{}", then.segment);
                let publication = bare(&kept, Method::POST, path, vec![(then.key.clone(), id)]);
                self.send(&publication, &[], false).await?
            }
            (Some(_), None) => return Err(self.stopped(refused_by_provider(answer.status)).await),
            (None, _) => answer,
        };
        Ok(Released { entry: answer.entry, published_id: answer.id(), status: answer.status.as_u16() })
    }

    /// Uploads a medium again, step by step; its new id.
    async fn uploaded(&self, old: &str, steps: &[Kept]) -> Result<String, Unreleased> {
        let mut ids: Vec<(String, String)> = Vec::new();
        let mut last = None;
        for step in steps {
            let answer = self.send(step, &ids, false).await?;
            last = Some((step, answer.body.clone()));
            if ids.is_empty()
                && let Some(new) = answer.id()
            {
                ids.push((old.to_owned(), new));
            }
        }
        let (Some((_, new)), Some((step, told))) = (ids.pop(), last) else {
            return Err(self.stopped(medium_gone()).await);
        };
        self.processed(step, &new, told).await?;
        Ok(new)
    }

    /// Waits until X has processed a film, as X's own clients do (`processing_info`, GET media/upload, command STATUS).
    async fn processed(&self, step: &Kept, id: &str, mut told: Bytes) -> Result<(), Unreleased> {
        for _ in 0..LOOKS {
            let answer: Value = serde_json::from_slice(&told).unwrap_or_default();
            let info = answer.pointer("/data/processing_info").or_else(|| answer.get("processing_info"));
            match info.and_then(|info| info.get("state")).and_then(Value::as_str) {
                Some("pending" | "in_progress") => {}
                Some("failed") => break,
                Some(_) | None => return Ok(()),
            }
            let wait = info.and_then(|info| info.get("check_after_secs")).and_then(Value::as_u64).unwrap_or(1);
            tokio::time::sleep(Duration::from_secs(wait.clamp(1, 30))).await;
            let old = step.path.starts_with("/1.1/");
            let path = if old { step.path.clone() } else { "/2/media/upload".to_owned() };
            let query =
                [("command", "STATUS"), ("media_id", id)].map(|(key, value)| (key.to_owned(), value.to_owned()));
            let look = bare(step, Method::GET, path, query.to_vec());
            told = self.send(&look, &[], false).await?.body;
        }
        Err(self.stopped(refused_by_provider(StatusCode::UNPROCESSABLE_ENTITY)).await)
    }

    /// Waits until a container is ready to be published, as Meta's clients do.
    async fn ready(&self, made: &Kept, then: &Publication, id: &str) -> Result<(), Unreleased> {
        let version = made.path.split('/').nth(1).unwrap_or_default();
        let query = vec![("fields".to_owned(), then.state.clone())];
        let look = bare(made, Method::GET, format!("/{version}/{id}"), query);
        for _ in 0..LOOKS {
            let told = self.send(&look, &[], false).await?.body;
            let answer: Value = serde_json::from_slice(&told).unwrap_or_default();
            match answer.get(&then.state).and_then(Value::as_str) {
                Some("IN_PROGRESS") => tokio::time::sleep(BETWEEN).await,
                Some("FINISHED") => return Ok(()),
                Some(_) | None => break,
            }
        }
        Err(self.stopped(refused_by_provider(StatusCode::UNPROCESSABLE_ENTITY)).await)
    }

    /// Sends one kept request down the road. An answer comes back only if the provider took it.
    async fn send(&self, kept: &Kept, ids: &renamed::Ids, post: bool) -> Result<Answered, Unreleased> {
        let Some((arrival, recognised)) = self.arrival(kept, ids).map_err(|error| down(&error))? else {
            return Err(self.stopped(medium_gone()).await);
        };
        let response = Arc::clone(&self.gate).pass(arrival, Some(self.releasing(post))).await;
        let answer = answered(response, recognised).await;
        match answer {
            Ok(answer) if answer.status.is_success() => Ok(answer),
            Ok(answer) => Err(Unreleased { refusal: refused_by_provider(answer.status), entry: answer.entry }),
            Err(unreleased) => Err(unreleased),
        }
    }

    /// The request as if its tool sent it again, through the tunnel, without a credential. None: its body is gone.
    fn arrival(&self, kept: &Kept, ids: &renamed::Ids) -> Result<Option<(Arrival, Option<Recognised>)>, LedgerDown> {
        let bad = |error: &dyn std::fmt::Display| LedgerDown(format!("a kept request cannot be read: {error}"));
        let mut headers = HeaderMap::new();
        let account = ("sekisho-account".to_owned(), kept.account.as_str().to_owned());
        for (name, value) in kept.headers.iter().chain([&account]) {
            let name = HeaderName::try_from(name.as_str()).map_err(|error| bad(&error))?;
            headers.insert(name, HeaderValue::try_from(value.as_str()).map_err(|error| bad(&error))?);
        }
        let method = Method::try_from(kept.method.as_str()).map_err(|error| bad(&error))?;
        let path = renamed::path(&kept.path, ids);
        let new = |value: &String| renamed::value(value, ids).unwrap_or_else(|| value.clone());
        let query: Vec<(&str, String)> = kept.query.iter().map(|(key, value)| (key.as_str(), new(value))).collect();
        let query = encode_pairs(query.iter().map(|(key, value)| (*key, value.as_str())));
        let query = Some(query).filter(|query| !query.is_empty());
        let definitions = &self.rules.definitions;
        let recognised = recognise::recognise(definitions, &kept.host, &method, &path, query.as_deref(), &headers).ok();
        let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let brackets = self.rules.definitions.get(&kept.provider).is_some_and(|it| it.brackets);
        let body = match &kept.body {
            KeptBody::Here(text) => {
                let bytes = hex::decode(text).map_err(|error| bad(&error))?;
                let renamed = renamed::body(bytes, content_type, brackets, ids);
                Some(full(match recognised.as_ref().filter(|_| content_type == "application/json") {
                    Some(recognised) => renamed::restamped(renamed, recognised, self.gate.clock.now()),
                    None => renamed,
                }))
            }
            KeptBody::None => Some(full("")),
            KeptBody::File { .. } => {
                let ids = if content_type.starts_with("multipart/form-data") { ids.to_vec() } else { Vec::new() };
                self.gate.ledger.kept_body(&kept.body)?.map(|body| first_renamed(body, ids))
            }
        };
        let Some(body) = body else { return Ok(None) };
        let arrival = Arrival {
            method,
            host: kept.host.clone(),
            path,
            query,
            headers,
            body,
            door: Door::Tunnel,
            emergency: false,
            tunnel_credential: None,
            peer: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            base: None,
        };
        Ok(Some((arrival, recognised)))
    }

    /// Records why a release ends before its post could be sent.
    async fn stopped(&self, refusal: Box<Refusal>) -> Unreleased {
        let Ticket { organisation, client, author, account, action, digest, .. } = self.ticket.clone();
        let dossier = Dossier {
            organisation: Some(organisation),
            door: "release",
            source: Ipv4Addr::LOCALHOST.to_string(),
            client: Some(client),
            author: Some(author),
            provider: self.gate.ports.registry.account(&account).map(|account| account.provider.clone()),
            account: Some(account),
            action: Some(action),
            digest: Some(digest),
            rules: self.rules.hash().to_owned(),
            release: Some(self.releasing(true)),
            ..Dossier::default()
        };
        let judged = Judged { decision: Decision::Refuse(refusal), dossier, at: self.gate.clock.now() };
        match self.gate.ledger.enter(judged).await {
            Ok(Recorded::Refused(EntryRef::Index(entry), refusal)) => Unreleased { refusal, entry: Some(entry) },
            Ok(Recorded::Refused(_, refusal)) => Unreleased { refusal, entry: None },
            Ok(Recorded::Permitted(_)) => Unreleased { refusal: Box::new(sentence::internal()), entry: None },
            Err(error) => down(&error),
        }
    }
}

/// A body on disk with new ids in its first piece, where clients write the parts that are words.
fn first_renamed(body: Body, mut ids: Vec<(String, String)>) -> Body {
    body.map_frame(move |frame| {
        let ids = std::mem::take(&mut ids);
        match frame.into_data() {
            Ok(piece) if ids.is_empty() => Frame::data(piece),
            Ok(piece) => Frame::data(Bytes::from(renamed::parts(piece.to_vec(), &ids))),
            Err(frame) => frame,
        }
    })
    .boxed()
}

/// A request without a body, beside a kept one.
fn bare(kept: &Kept, method: Method, path: String, query: Vec<(String, String)>) -> Kept {
    let headers = kept.headers.iter().filter(|(name, _)| *name != header::CONTENT_TYPE.as_str()).cloned();
    Kept {
        method: method.to_string(),
        path,
        query,
        headers: headers.collect(),
        body: KeptBody::None,
        media: Vec::new(),
        publication: None,
        ..kept.clone()
    }
}

fn down(error: &LedgerDown) -> Unreleased {
    tracing::error!(%error, "a post could not be released");
    Unreleased { refusal: Box::new(sentence::ledger_down()), entry: None }
}

fn refused_by_provider(status: StatusCode) -> Box<Refusal> {
    Box::new(
        Refusal::refused(
            "release-refused-by-provider",
            format!("SNSが受け付けませんでした（状態 {}）。公開されていません。", status.as_u16()),
            format!("The provider refused it with status {}.", status.as_u16()),
            "SNSの画面と記録を確認し、必要であれば投稿ツールから改めて送信して承認を受けてください。",
        )
        .status(502)
        .citing("sekisho:release"),
    )
}

/// What the road answered: the provider's answer, or the refusal, which stands in it as a problem.
async fn answered(response: Response<Body>, recognised: Option<Recognised>) -> Result<Answered, Unreleased> {
    let (parts, body) = response.into_parts();
    let of = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let entry = of("sekisho-entry").and_then(|entry| entry.parse().ok());
    let permitted = of("sekisho-decision").as_deref() == Some("permitted");
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    if permitted {
        return Ok(Answered { entry, status: parts.status, body, recognised });
    }
    let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
    let text = |name: &str| problem.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut refusal = Refusal::refused(text("code"), text("title"), text("title_en"), text("way_forward"));
    refusal.status = parts.status.as_u16();
    let clauses = problem.get("clauses").and_then(Value::as_array).into_iter().flatten();
    refusal.clauses = clauses.filter_map(Value::as_str).map(Clause::new).collect();
    Err(Unreleased { refusal: Box::new(refusal), entry })
}

impl Gate {
    /// Releases what its tool asked to leave as soon as it is approved, until the gateway stops: in the name of whoever
    /// approved it, once in a run.
    pub async fn keep_promises(self: Arc<Self>, stop: tokio_util::sync::CancellationToken) {
        let mut tried = HashSet::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(PROMPTLY) => {}
            }
            let due = match self.ledger.prompt() {
                Ok(due) => due,
                Err(error) => {
                    tracing::warn!(%error, "approved posts that are to leave could not be looked up");
                    continue;
                }
            };
            tried.retain(|ticket| due.iter().any(|(id, _)| id == ticket));
            for (ticket, by) in due {
                if !tried.insert(ticket.clone()) {
                    continue;
                }
                match self.ledger.act(by.clone(), Act::ReleaseTicket(ticket.clone())).await {
                    Ok(_) => {}
                    // What is refused is on record, with its reason; a person may release it later.
                    Err(ActError::Refused(..)) => continue,
                    Err(ActError::Down(down)) => {
                        tracing::warn!(%down, "an approved post that is to leave has to wait");
                        tried.remove(&ticket);
                        continue;
                    }
                }
                // A release goes on by itself; the stop waits for it no longer than for any other request.
                let gates = Gates(Arc::clone(&self));
                let released = tokio::select! {
                    () = stop.cancelled() => return,
                    released = gates.release(ticket, by) => released,
                };
                if let Err(unreleased) = released {
                    tracing::warn!(code = %unreleased.refusal.code, "an approved post could not be released");
                }
            }
        }
    }
}

impl Releases for Gates {
    fn release(
        &self,
        ticket: TicketId,
        by: PersonId,
    ) -> Pin<Box<dyn Future<Output = Result<Released, Unreleased>> + Send + '_>> {
        let gate = Arc::clone(&self.0);
        Box::pin(async move {
            // On a task of its own, so that a person who closes the page cannot leave it half done.
            let running = gate.work.clone().spawn(async move {
                let found = gate.ports.approvals.ticket(&ticket).map_err(|error| down(&LedgerDown(error.0)))?;
                let Some(ticket) = found else {
                    let refusal = crate::ledger::refusals::of_code("ticket-not-approved").into();
                    return Err(Unreleased { refusal, entry: None });
                };
                let rules = gate.rules.load_full();
                Release { gate, rules, ticket, by }.run().await
            });
            let broken = |_| Unreleased { refusal: Box::new(sentence::internal()), entry: None };
            running.await.unwrap_or_else(|error| Err(broken(error)))
        })
    }
}
