//! The only way out. Takes an [`Entered`] and nothing else; no retry, no redirect, no environment proxy.
//!
//! What is sent is what the entry owns. The provider's name decides Host, authority, SNI and certificate even where
//! `upstream` names another address. An address that is not public is refused unless `upstream` names it (rebinding).

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use http::{HeaderMap, HeaderName, StatusCode, header};
use http_body_util::BodyExt as _;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::config::Problem;
use crate::config::forward::Forward;
use crate::config::providers::Provider;
use crate::config::roots::client_tls;
use crate::domain::account::ProviderId;
use crate::domain::arrival::Body;
use crate::domain::credential::{Custody, NoCustody, Unusable, Wears};
use crate::domain::network::is_public;
use crate::domain::outbound::{OutBody, Outbound};
use crate::ledger::{Entered, OpenEntry};

mod members;
mod pace;
mod parent;
mod scrub;

use pace::{Attended, Pulse};

/// What a line to a provider carries at least, in bytes a millisecond (1 Mbit/s): a body on disk has its own time on top
/// of `total_ms`.
const LEAST_RATE: u64 = 125;

/// Sends entered requests, one pooled client a provider.
pub struct Forwarder {
    clients: HashMap<ProviderId, reqwest::Client>,
    limits: Forward,
    custody: Arc<dyn Custody>,
}

/// A request that left, or tried to, and its open entry.
pub struct Sent {
    /// The entry that waits for the outcome.
    pub open: OpenEntry,
    /// What came back.
    pub answer: Result<Answer, Failure>,
}

/// A request that is ready to leave as soon as it is entered.
pub struct Ready {
    /// What it was made of.
    of: Arc<Outbound>,
    request: reqwest::Request,
}

impl Ready {
    /// The request, if it was made of this very one: an equal one does not count.
    fn for_this(self, entered: &Arc<Outbound>) -> Option<reqwest::Request> {
        Arc::ptr_eq(&self.of, entered).then_some(self.request)
    }
}

/// A provider's answer.
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers, as far as they concern the client.
    pub headers: HeaderMap,
    /// Its body.
    pub body: AnswerBody,
}

impl Answer {
    /// The gateway's own answer where no provider is asked: what was permitted is done by a person.
    fn by_hand() -> Self {
        let body = serde_json::json!({
            "by_hand": true,
            "message": "承認されました。SNSの画面で承認どおりに投稿し、公開後にリンクを記録してください。",
            "message_en": "Approved. Post it by hand as approved, then record the published link.",
        });
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, http::HeaderValue::from_static("application/json; charset=utf-8"));
        Self { status: StatusCode::ACCEPTED, headers, body: AnswerBody::Whole(Bytes::from(body.to_string())) }
    }
}

/// The body of an answer: a write's is complete, a read's streams.
pub enum AnswerBody {
    /// Complete.
    Whole(Bytes),
    /// On its way.
    Stream(Body),
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Not a byte of content left: name, connection, TLS, or the spooled body could not be had.
    NotSent(&'static str),
    /// It may have been received: timeout, reset, garbage, an answer too large to read.
    Unknown(&'static str),
}

impl Forwarder {
    /// A client for each provider.
    ///
    /// Errors: a CA or a password that cannot be read, a parent proxy that is not described.
    pub fn new(providers: &BTreeMap<ProviderId, Provider>, limits: &Forward) -> Result<Self, Vec<Problem>> {
        let mut clients = HashMap::new();
        let mut problems = Vec::new();
        for (id, provider) in providers {
            match client(provider, limits) {
                Ok(client) => {
                    clients.insert(id.clone(), client);
                }
                Err(problem) => problems.push(problem),
            }
        }
        let (custody, limits) = (Arc::new(NoCustody), limits.clone());
        if problems.is_empty() { Ok(Self { clients, limits, custody }) } else { Err(problems) }
    }

    /// The same, putting on the credentials that `custody` holds.
    #[must_use]
    pub fn wearing(self, custody: Arc<dyn Custody>) -> Self {
        Self { custody, ..self }
    }

    /// Makes a request ready that is not entered yet, so that it can leave at once when it is. None: it is made when it
    /// leaves, since it is put a credential on then, or lies on the disk.
    pub fn ready(&self, of: Arc<Outbound>) -> Option<Ready> {
        if of.by_hand || !matches!(of.wears, Wears::Own) || matches!(of.body, OutBody::Spool(_)) {
            return None;
        }
        let request = in_memory(&of).ok()?;
        Some(Ready { of, request })
    }

    /// Sends an entered request once. Whatever happens, the open entry comes back for its outcome. What was made ready is
    /// what leaves if it was made of the very request that the entry owns.
    pub async fn send(&self, entered: Entered, ready: Option<Ready>) -> Sent {
        let (outbound, open) = entered.depart();
        if outbound.by_hand {
            return Sent { open, answer: Ok(Answer::by_hand()) };
        }
        let ready = ready.and_then(|ready| ready.for_this(&outbound));
        let mut outbound = Arc::unwrap_or_clone(outbound);
        // At the last moment: what the entry owns has no credential of the account in it.
        let hidden = match &outbound.wears {
            Wears::Own => Ok(Vec::new()),
            Wears::Held(_) | Wears::Renewal(_) => self.custody.put_on(&mut outbound),
        };
        let hidden = match hidden {
            Ok(hidden) => hidden,
            Err(Unusable(code)) => return Sent { open, answer: Err(Failure::NotSent(code)) },
        };
        let pulse = Pulse::new();
        let total = self.limits.total_ms.saturating_add(outbound.body.len() / LEAST_RATE);
        let exchange = async {
            let client = self.clients.get(&outbound.provider).ok_or(Failure::NotSent("unknown-provider"))?;
            let request = match ready {
                Some(request) => request,
                None => request(&outbound, &pulse).await?,
            };
            let answer = self.exchange(client.execute(request), outbound.reads, &pulse).await?;
            Ok(scrub::answer(answer, hidden))
        };
        let answer = tokio::time::timeout(Duration::from_millis(total), exchange).await;
        Sent { open, answer: answer.unwrap_or(Err(Failure::Unknown("provider-timeout"))) }
    }

    async fn exchange(
        &self,
        sent: impl Future<Output = reqwest::Result<reqwest::Response>>,
        reads: bool,
        pulse: &Pulse,
    ) -> Result<Answer, Failure> {
        let patience = Duration::from_millis(self.limits.answer_ms);
        let response = tokio::select! {
            response = sent => response.map_err(|error| failure(&error))?,
            () = pulse.silent(patience) => return Err(Failure::Unknown("provider-timeout")),
        };
        let status = response.status();
        let headers = for_client(response.headers());
        let body = Attended::new(reqwest::Body::from(response), patience);
        let body = if reads { AnswerBody::Stream(body.boxed()) } else { AnswerBody::Whole(self.whole(body).await?) };
        Ok(Answer { status, headers, body })
    }

    async fn whole(&self, mut answer: Attended<reqwest::Body>) -> Result<Bytes, Failure> {
        let mut body = BytesMut::new();
        while let Some(frame) = answer.frame().await {
            let Ok(piece) = frame.map_err(|_| Failure::Unknown("answer-broken"))?.into_data() else { continue };
            if body.len() + piece.len() > self.limits.answer_bytes {
                return Err(Failure::Unknown("answer-too-large"));
            }
            body.extend_from_slice(&piece);
        }
        Ok(body.freeze())
    }
}

/// The request with what of it lies in memory: all but a body on disk.
fn in_memory(outbound: &Outbound) -> Result<reqwest::Request, Failure> {
    let url = format!("https://{}{}", outbound.host, outbound.path_and_query);
    let url = reqwest::Url::parse(&url).map_err(|_| Failure::NotSent("bad-address"))?;
    let mut request = reqwest::Request::new(outbound.method.clone(), url);
    *request.headers_mut() = outbound.headers.clone();
    if let OutBody::Bytes(bytes) = &outbound.body {
        *request.body_mut() = Some(bytes.clone().into());
    }
    Ok(request)
}

async fn request(outbound: &Outbound, pulse: &Pulse) -> Result<reqwest::Request, Failure> {
    let mut request = in_memory(outbound)?;
    if let OutBody::Spool(spool) = &outbound.body {
        let file = tokio::fs::File::open(spool.path()).await.map_err(|_| Failure::NotSent("spool-unreadable"))?;
        let stream = tokio_util::io::ReaderStream::with_capacity(file, 64 * 1024);
        let pulse = pulse.clone();
        let stream = stream.inspect(move |_| pulse.beat());
        request.headers_mut().insert(header::CONTENT_LENGTH, http::HeaderValue::from(spool.len));
        *request.body_mut() = Some(reqwest::Body::wrap_stream(stream));
    }
    Ok(request)
}

fn failure(error: &reqwest::Error) -> Failure {
    if error.is_connect() {
        Failure::NotSent(parent::why(error))
    } else if error.is_timeout() {
        Failure::Unknown("provider-timeout")
    } else {
        Failure::Unknown("provider-broke-off")
    }
}

/// The headers of an answer that concern a client: those that SDKs read. The rest stays behind, cookies above all.
fn for_client(headers: &HeaderMap) -> HeaderMap {
    const PASSED: [HeaderName; 10] = [
        header::CONTENT_TYPE,
        header::CONTENT_LANGUAGE,
        header::CONTENT_ENCODING,
        header::CACHE_CONTROL,
        header::ETAG,
        header::LINK,
        header::LOCATION,
        header::RETRY_AFTER,
        header::DATE,
        header::RANGE,
    ];
    headers
        .iter()
        .filter(|(name, _)| {
            PASSED.contains(name) || name.as_str().starts_with("x-") || name.as_str().starts_with("ratelimit")
        })
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn client(provider: &Provider, limits: &Forward) -> Result<reqwest::Client, Problem> {
    let by = match &provider.parent {
        None => None,
        Some(name) => Some((name, limits.parent(name)?)),
    };
    let extra =
        [("upstream_ca", provider.upstream_ca.as_deref()), ("ca", by.and_then(|(_, parent)| parent.ca.as_deref()))];
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(client_tls(&extra)?)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .no_proxy()
        .https_only(true)
        .tcp_nodelay(true)
        .connect_timeout(Duration::from_millis(limits.connect_ms))
        .pool_idle_timeout(Duration::from_secs(20));
    let mut office = None;
    if let Some((name, parent)) = by {
        builder = builder.proxy(parent::proxy(name, parent)?);
        office = parent.host_and_port().map(|(host, _)| host.to_ascii_lowercase());
    }
    builder = builder.dns_resolver(PublicOnly { office });
    for (host, address) in &provider.upstream {
        builder = builder.resolve(host, *address);
    }
    builder.build().map_err(|error| Problem {
        file: provider.upstream_ca.clone(),
        line: None,
        reason: format!("the client for this provider cannot be made: {error}"),
    })
}

/// Resolves names to public addresses only, so that a name under someone's control cannot point into the office.
struct PublicOnly {
    /// The one name that may: the parent proxy's.
    office: Option<String>,
}

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        let own = self.office.as_deref().is_some_and(|office| office.eq_ignore_ascii_case(&host));
        Box::pin(async move {
            let found = tokio::net::lookup_host((host.as_str(), 0)).await?;
            let found: Vec<SocketAddr> = found.filter(|address| own || is_public(address.ip())).collect();
            if found.is_empty() {
                return Err(format!("{host} has no public address").into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::practice::fault::{Fault, Trouble, When};
    use crate::practice::{Authority, Practice};

    /// A forwarder to practice providers that waits 400 ms for an answer.
    fn to(practice: &Practice, dir: &std::path::Path) -> Forwarder {
        let ca = dir.join("ca.pem");
        std::fs::write(&ca, practice.ca_pem()).unwrap();
        let provider = Provider {
            upstream: [("api.x.com".to_owned(), practice.address())].into(),
            upstream_ca: Some(ca),
            ..Provider::default()
        };
        let limits = Forward { answer_ms: 400, ..Forward::default() };
        Forwarder::new(&[(ProviderId::new("x"), provider)].into(), &limits).unwrap_or_else(|_| panic!("no client"))
    }

    /// An upload whose ten pieces come 100 ms apart.
    async fn slow_upload(forwarder: &Forwarder) -> Result<Answer, Failure> {
        let pulse = Pulse::new();
        let beating = pulse.clone();
        let pieces = futures_util::stream::unfold(0, |n| async move {
            tokio::time::sleep(Duration::from_millis(100)).await;
            (n < 10).then(|| (Ok::<_, std::io::Error>(Bytes::from_static(b"piece")), n + 1))
        });
        let body = reqwest::Body::wrap_stream(pieces.inspect(move |_| beating.beat()));
        let client = forwarder.clients.get(&ProviderId::new("x")).unwrap();
        let request = client.post("https://api.x.com/2/media/upload").body(body);
        forwarder.exchange(request.send(), false, &pulse).await
    }

    async fn practice() -> Practice {
        let clock = Arc::new(crate::domain::clock::SystemClock);
        Practice::start("127.0.0.1:0".parse().unwrap(), Authority::make().unwrap(), clock).await.unwrap()
    }

    #[tokio::test]
    async fn a_body_that_moves_is_no_timeout_however_long_it_takes() {
        let (dir, practice) = (tempfile::tempdir().unwrap(), practice().await);
        let forwarder = to(&practice, dir.path());
        assert!(slow_upload(&forwarder).await.is_ok());
        assert_eq!(practice.requests()[0].body_bytes, 50);
    }

    #[tokio::test]
    async fn a_provider_that_does_not_answer_is_waited_for_from_the_last_piece_on() {
        let (dir, practice) = (tempfile::tempdir().unwrap(), practice().await);
        let forwarder = to(&practice, dir.path());
        practice.order(Fault::next(When::AfterBody, Trouble::Hang));
        assert_eq!(slow_upload(&forwarder).await.err(), Some(Failure::Unknown("provider-timeout")));
        assert_eq!(practice.requests()[0].body_bytes, 50, "all of it was sent");
    }

    /// A post of some body, worn or not.
    fn outbound(body: OutBody, wears: Wears) -> Arc<Outbound> {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, "Bearer own".parse().unwrap());
        Arc::new(Outbound {
            provider: ProviderId::new("x"),
            method: http::Method::POST,
            host: "api.x.com".to_owned(),
            path_and_query: "/2/tweets?dry=1".to_owned(),
            headers,
            body,
            by_hand: false,
            reads: false,
            wears,
        })
    }

    #[tokio::test]
    async fn what_was_made_ready_leaves_with_the_request_it_was_made_of_and_with_no_other() {
        let forwarder = Forwarder::new(&BTreeMap::new(), &Forward::default()).unwrap_or_else(|_| panic!("no client"));
        let post = outbound(OutBody::Bytes(Bytes::from_static(b"{}")), Wears::Own);
        let made = request(&post, &Pulse::new()).await.unwrap();
        let ready = forwarder.ready(Arc::clone(&post)).unwrap().for_this(&post).unwrap();
        assert_eq!((ready.method(), ready.url(), ready.headers()), (made.method(), made.url(), made.headers()));
        assert_eq!(ready.body().unwrap().as_bytes(), made.body().unwrap().as_bytes());
        let equal = Arc::new(Outbound::clone(&post));
        assert!(forwarder.ready(post).unwrap().for_this(&equal).is_none());
        // What is put on at the last moment, and what a person does, is not made before.
        let held = Wears::Held(crate::domain::account::AccountId::new("nerima-x"));
        assert!(forwarder.ready(outbound(OutBody::Empty, held)).is_none());
        let by_hand = Outbound { by_hand: true, ..Outbound::clone(&equal) };
        assert!(forwarder.ready(Arc::new(by_hand)).is_none());
    }

    #[test]
    fn cookies_of_the_provider_stay_behind() {
        let mut headers = HeaderMap::new();
        headers.insert(header::SET_COOKIE, "guest_id=1".parse().unwrap());
        headers.insert("x-rate-limit-remaining", "9".parse().unwrap());
        headers.insert(header::CONNECTION, "close".parse().unwrap());
        let passed = for_client(&headers);
        assert_eq!(passed.len(), 1);
        assert!(passed.contains_key("x-rate-limit-remaining"));
    }
}
