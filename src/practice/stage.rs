//! What all connections of the practice providers share: the record, the standing faults, the providers' own state.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::StatusCode;
use serde_json::{Value, json};

use super::exchange::{Answer, Asked};
use super::fault::{self, Fault, Trouble, When};
use super::record::{Published, Received};
use super::{bluesky, graph, line, mastodon, site, x, youtube};
use crate::domain::clock::Clock;

/// The path under which tests in other processes read and steer the practice providers, on every host.
pub(super) const BACKSTAGE: &str = "/__practice/";

/// The shared state.
pub(super) struct Stage {
    pub(super) clock: Arc<dyn Clock>,
    record: Mutex<Vec<Received>>,
    faults: Mutex<Vec<Fault>>,
    world: Mutex<World>,
    watcher: Mutex<Option<Watcher>>,
}

/// Is told of each request when its head has arrived.
pub(super) type Watcher = Arc<dyn Fn(&Received) + Send + Sync>;

/// The providers' own state.
#[derive(Default)]
pub(super) struct World {
    pub(super) published: Vec<Published>,
    pub(super) x: x::State,
    pub(super) line: line::State,
    pub(super) graph: graph::State,
    pub(super) mastodon: mastodon::State,
    pub(super) bluesky: bluesky::State,
    pub(super) youtube: youtube::State,
    pub(super) site: site::State,
}

impl Stage {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            record: Mutex::default(),
            faults: Mutex::default(),
            world: Mutex::default(),
            watcher: Mutex::default(),
        }
    }

    /// Notes a request whose head has arrived, and tells the watcher; gives its number.
    pub(super) fn note(&self, mut received: Received) -> u64 {
        let mut record = open(&self.record);
        received.number = record.len() as u64;
        let number = received.number;
        record.push(received.clone());
        drop(record);
        let watcher = open(&self.watcher).clone();
        if let Some(watcher) = watcher {
            watcher(&received);
        }
        number
    }

    pub(super) fn watch(&self, watcher: Watcher) {
        *open(&self.watcher) = Some(watcher);
    }

    /// Completes the note of a request.
    pub(super) fn amend(&self, number: u64, change: impl FnOnce(&mut Received)) {
        let mut record = open(&self.record);
        if let Some(received) = usize::try_from(number).ok().and_then(|at| record.get_mut(at)) {
            change(received);
        }
    }

    pub(super) fn requests(&self) -> Vec<Received> {
        open(&self.record).clone()
    }

    pub(super) fn request_count(&self) -> usize {
        open(&self.record).len()
    }

    pub(super) fn published(&self) -> Vec<Published> {
        open(&self.world).published.clone()
    }

    pub(super) fn put_on_site(&self, path: &str, bytes: Vec<u8>) {
        open(&self.world).site.put(path, bytes);
    }

    pub(super) fn lead_from_site(&self, path: &str, to: &str) {
        open(&self.world).site.lead(path, to);
    }

    pub(super) fn site_visits(&self) -> Vec<String> {
        open(&self.world).site.visits.clone()
    }

    pub(super) fn allow_posts(&self, posts: u64) {
        open(&self.world).x.allowed = Some(posts);
    }

    pub(super) fn order(&self, fault: Fault) {
        open(&self.faults).push(fault);
    }

    pub(super) fn clear_faults(&self) {
        open(&self.faults).clear();
    }

    pub(super) fn strike(&self, host: &str, method: &str, path: &str) -> Option<(When, Trouble)> {
        fault::take(&mut open(&self.faults), host, method, path)
    }

    /// Forgets everything.
    pub(super) fn reset(&self) {
        open(&self.record).clear();
        self.clear_faults();
        *open(&self.world) = World::default();
    }

    /// Answers a request as its provider does.
    pub(super) fn answer(&self, asked: Asked) -> Answer {
        let host = asked.host.clone();
        let mut world = open(&self.world);
        match host.as_str() {
            host if site::SITES.contains(&host) => world.site.answer(&asked.path, &asked.query),
            host if graph::answers(host) => graph::answer(&mut world, &asked),
            host if host.ends_with("line.me") => line::answer(&mut world, &asked),
            "mastodon.example" => mastodon::answer(&mut world, asked),
            host if host.ends_with(".bsky.network") || host == "bsky.social" => bluesky::answer(&mut world, &asked),
            host if youtube::HOSTS.contains(&host) => youtube::answer(&mut world, &asked),
            _ => x::answer(&mut world, asked),
        }
    }

    /// Answers a test that looks behind the scenes.
    pub(super) fn backstage(&self, asked: &Asked) -> Answer {
        let path = asked.path.strip_prefix(BACKSTAGE).unwrap_or_default();
        match (asked.method.as_str(), path) {
            ("GET", "requests") => ndjson(self.requests()),
            ("GET", "posts") => ndjson(self.published()),
            ("POST", "reset") => {
                self.reset();
                Answer::json(StatusCode::OK, &json!({}))
            }
            ("POST", "faults") => match asked.json().map(serde_json::from_value::<Fault>) {
                Some(Ok(fault)) => {
                    self.order(fault);
                    Answer::json(StatusCode::OK, &json!({}))
                }
                Some(Err(error)) => Answer::json(StatusCode::BAD_REQUEST, &json!({"error": error.to_string()})),
                None => Answer::json(StatusCode::BAD_REQUEST, &json!({"error": "a fault as JSON is wanted"})),
            },
            _ => Answer::json(StatusCode::NOT_FOUND, &json!({"error": "requests, posts, reset or faults"})),
        }
    }
}

fn ndjson<T: serde::Serialize>(rows: Vec<T>) -> Answer {
    let lines = rows.into_iter().filter_map(|row| serde_json::to_value(row).ok()).map(|row: Value| format!("{row}\n"));
    Answer::text("application/x-ndjson", lines.collect())
}

/// A panic elsewhere leaves the state as it was; practice goes on with it.
fn open<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
