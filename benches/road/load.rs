//! The load generator: keep-alive HTTP/1.1 connections, closed loop and open loop.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::sync::{Mutex, Notify, mpsc};
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use crate::figures::Latency;
use crate::host::{self, Host};
use crate::plan::{OPEN_CONNECTIONS, OPEN_RATE, WARM_UP};
use crate::{Broken, child};

/// Time for requests in flight after the last one was sent.
const DRAIN: Duration = Duration::from_secs(15);

/// Where requests go and what they look like.
#[derive(Clone)]
pub(crate) struct Target {
    /// The other end.
    pub(crate) address: SocketAddr,
    /// TLS to it, and the name it must show.
    pub(crate) tls: Option<(TlsConnector, ServerName<'static>)>,
    /// The path of every request.
    pub(crate) path: &'static str,
    /// The headers of every request, `host` among them.
    pub(crate) headers: HeaderMap,
}

/// An open connection.
pub(crate) struct Connection(SendRequest<Full<Bytes>>);

impl Target {
    /// Opens a connection; what drives it ends with it.
    pub(crate) async fn connect(&self) -> Result<Connection, Broken> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        match &self.tls {
            None => {
                let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
                tokio::spawn(connection);
                Ok(Connection(sender))
            }
            Some((tls, name)) => {
                let stream = tls.connect(name.clone(), stream).await?;
                let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
                tokio::spawn(connection);
                Ok(Connection(sender))
            }
        }
    }

    /// Sends one request and reads the whole answer.
    pub(crate) async fn send(
        &self,
        connection: &mut Connection,
        method: Method,
        body: Bytes,
    ) -> Result<(StatusCode, Bytes), Broken> {
        let mut request = Request::new(Full::from(body));
        *request.method_mut() = method;
        *request.uri_mut() = http::Uri::from_static(self.path);
        *request.headers_mut() = self.headers.clone();
        connection.0.ready().await?;
        let response = connection.0.send_request(request).await?;
        let status = response.status();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    }
}

/// Bodies, handed out one by one.
pub(crate) struct Supply {
    bodies: Vec<Bytes>,
    next: AtomicUsize,
    again: bool,
}

impl Supply {
    /// Each body once (`again` false), or the same ones over and over.
    pub(crate) fn new(bodies: Vec<Bytes>, again: bool) -> Self {
        Self { bodies, next: AtomicUsize::new(0), again }
    }

    fn take(&self) -> Option<Bytes> {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        let index = if self.again { next.checked_rem(self.bodies.len())? } else { next };
        self.bodies.get(index).cloned()
    }
}

/// What one cell came to.
pub(crate) struct Cell {
    /// Answers of 201 a second.
    pub(crate) rate: f64,
    /// How long they took; in an open loop from the moment at which they were due.
    pub(crate) latency: Latency,
    /// The same of those of an open loop that the host took no time from, and how many these were.
    pub(crate) undisturbed: (Latency, usize),
    /// CPU time of the proxy for one request, in microseconds.
    pub(crate) cpu_us: Option<f64>,
    /// Resident memory of the proxy at the end, in KiB.
    pub(crate) resident_kib: Option<u64>,
    /// Answers of 201 that were counted.
    pub(crate) right: usize,
    /// Everything else.
    pub(crate) wrong: Wrong,
}

/// What came back that was not 201.
#[derive(Default)]
pub(crate) struct Wrong {
    /// How often, by status or by what broke.
    pub(crate) counts: BTreeMap<String, usize>,
    /// The beginning of one such answer.
    pub(crate) sample: Option<String>,
}

impl Wrong {
    /// How many there were.
    pub(crate) fn total(&self) -> usize {
        self.counts.values().sum()
    }

    fn add(&mut self, other: Self) {
        for (what, count) in other.counts {
            *self.counts.entry(what).or_default() += count;
        }
        self.sample = self.sample.take().or(other.sample);
    }
}

/// One connection's answers: when each 201 was complete, and how long it took.
#[derive(Default)]
struct Tally {
    right: Vec<(Instant, Duration)>,
    wrong: Wrong,
}

impl Tally {
    fn count(&mut self, answer: Result<(StatusCode, Bytes), Broken>, from: Instant) -> bool {
        let done = Instant::now();
        let (what, sample, goes_on) = match answer {
            Ok((StatusCode::CREATED, _)) => {
                self.right.push((done, done.duration_since(from)));
                return true;
            }
            Ok((status, body)) => {
                (status.to_string(), String::from_utf8_lossy(&body).chars().take(400).collect(), true)
            }
            Err(broken) => (format!("connection: {broken}"), String::new(), false),
        };
        *self.wrong.counts.entry(what).or_default() += 1;
        self.wrong.sample.get_or_insert(sample);
        goes_on
    }
}

/// CPU time and clock at one moment.
struct Moment {
    at: Instant,
    cpu: Option<Duration>,
}

impl Moment {
    fn now(proxy: Option<u32>) -> Result<Self, Broken> {
        Ok(Self { at: Instant::now(), cpu: proxy.map(child::cpu_time).transpose()? })
    }
}

/// Every connection sends its next request when it has its answer.
pub(crate) async fn closed(
    target: &Target,
    connections: usize,
    length: Duration,
    supply: Supply,
    proxy: Option<u32>,
) -> Result<Cell, Broken> {
    let supply = Arc::new(supply);
    let (dry, stop) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(false)));
    let open = open_all(target, connections).await?;
    let mut workers = JoinSet::new();
    for mut connection in open {
        let (target, supply, dry, stop) = (target.clone(), supply.clone(), dry.clone(), stop.clone());
        workers.spawn(async move {
            let mut tally = Tally::default();
            while !stop.load(Ordering::Relaxed) {
                let Some(body) = supply.take() else {
                    dry.notify_one();
                    break;
                };
                let from = Instant::now();
                let answer = target.send(&mut connection, Method::POST, body).await;
                if !tally.count(answer, from) {
                    break;
                }
            }
            tally
        });
    }
    tokio::time::sleep(WARM_UP).await;
    let begin = Moment::now(proxy)?;
    // A cell whose approvals are used up ends early and is as long as it was.
    let _ = tokio::time::timeout(length, dry.notified()).await;
    let end = Moment::now(proxy)?;
    stop.store(true, Ordering::Relaxed);
    let tally = gather(workers).await?;
    cell(tally, (&begin, &end), proxy, None)
}

/// Requests are due at fixed times whatever the answers do, and a request's time counts from when it was due.
pub(crate) async fn open(
    target: &Target,
    length: Duration,
    supply: Supply,
    (proxy, host): (Option<u32>, &Host),
) -> Result<Cell, Broken> {
    let supply = Arc::new(supply);
    let connections = open_all(target, OPEN_CONNECTIONS).await?;
    let (sender, receiver) = mpsc::unbounded_channel();
    let receiver = Arc::new(Mutex::new(receiver));
    let mut workers = JoinSet::new();
    for mut connection in connections {
        let (target, supply, receiver) = (target.clone(), supply.clone(), receiver.clone());
        workers.spawn(async move {
            let mut tally = Tally::default();
            loop {
                let due = receiver.lock().await.recv().await;
                let (Some(due), Some(body)) = (due, supply.take()) else { break };
                let answer = target.send(&mut connection, Method::POST, body).await;
                if !tally.count(answer, due) {
                    break;
                }
            }
            tally
        });
    }
    drop(receiver);
    let start = Instant::now() + Duration::from_millis(20);
    let requests = ((WARM_UP + length).as_secs_f64() * f64::from(OPEN_RATE)) as u32;
    // A thread of its own: the runtime's timer counts in milliseconds.
    let pacer = std::thread::spawn(move || pace(start, requests, &sender));
    tokio::time::sleep_until((start + WARM_UP).into()).await;
    let begin = Moment::now(proxy)?;
    let tally = gather_within(workers, length + DRAIN).await?;
    let end = Moment::now(proxy)?;
    pacer.join().map_err(|_| "the pacer failed")?;
    cell(tally, (&begin, &end), proxy, Some(host))
}

fn pace(start: Instant, requests: u32, sender: &mpsc::UnboundedSender<Instant>) {
    for number in 0..requests {
        let due = start + Duration::from_secs(1) * number / OPEN_RATE;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        if sender.send(due).is_err() {
            break;
        }
    }
}

async fn open_all(target: &Target, connections: usize) -> Result<Vec<Connection>, Broken> {
    let mut open = Vec::with_capacity(connections);
    for _ in 0..connections {
        open.push(target.connect().await?);
    }
    Ok(open)
}

async fn gather(workers: JoinSet<Tally>) -> Result<Tally, Broken> {
    gather_within(workers, DRAIN).await
}

async fn gather_within(mut workers: JoinSet<Tally>, limit: Duration) -> Result<Tally, Broken> {
    let mut all = Tally::default();
    let joined = async {
        while let Some(tally) = workers.join_next().await {
            let tally = tally?;
            all.right.extend(tally.right);
            all.wrong.add(tally.wrong);
        }
        Ok::<(), Broken>(())
    };
    tokio::time::timeout(limit, joined).await.map_err(|_| "requests were not answered in time")??;
    Ok(all)
}

fn cell(
    tally: Tally,
    (begin, end): (&Moment, &Moment),
    proxy: Option<u32>,
    host: Option<&Host>,
) -> Result<Cell, Broken> {
    let Tally { mut right, wrong } = tally;
    right.retain(|(done, _)| begin.at <= *done && *done <= end.at);
    let undisturbed = host.map(|host| host.undisturbed(&right)).unwrap_or_default();
    let counted = undisturbed.len();
    let took = right.iter().map(|(_, took)| host::nanoseconds(*took)).collect();
    let right = right.len();
    let cpu = begin.cpu.zip(end.cpu).map(|(begin, end)| end.saturating_sub(begin));
    Ok(Cell {
        rate: right as f64 / end.at.duration_since(begin.at).as_secs_f64(),
        latency: Latency::of(took),
        undisturbed: (Latency::of(undisturbed), counted),
        cpu_us: cpu.map(|cpu| cpu.as_secs_f64() * 1e6 / right.max(1) as f64),
        resident_kib: proxy.map(child::resident_kib).transpose()?,
        right,
        wrong,
    })
}
