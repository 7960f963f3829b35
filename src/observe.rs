//! What operators see: structured logs on stderr, and metrics as Prometheus text.
//!
//! No label comes from client input: doors, decisions, actions and refusal codes are closed sets of the gateway, and
//! even those are bounded, so that a slip cannot grow memory.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How logs are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line, for collectors.
    #[default]
    Json,
    /// For a person at a terminal.
    Text,
}

/// Starts logging to stderr. `filter` is an `env-filter` directive; `SEKISHO_LOG` in the caller's hands.
///
/// # Errors
/// The reason, when the filter cannot be read or logging has been started already.
pub fn start_logging(format: LogFormat, filter: &str) -> Result<(), String> {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_new(filter).map_err(|error| format!("the log filter `{filter}`: {error}"))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Json => builder.json().flatten_event(true).with_current_span(false).try_init(),
        LogFormat::Text => builder.with_target(false).try_init(),
    }
    .map_err(|error| error.to_string())
}

/// Upper bounds of the latency buckets, in microseconds.
const BUCKETS_US: [u64; 12] =
    [500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 5_000_000];

/// Most label sets that one family keeps; the rest is counted under `other`.
const MOST_LABELS: usize = 256;

/// The gateway's metrics. Cheap to count, shared by reference.
#[derive(Debug, Default)]
pub struct Metrics {
    requests: Family,
    refusals: Family,
    outcomes: Family,
    malformed: Family,
    entries: AtomicU64,
    connections: AtomicI64,
    ready: AtomicI64,
    added: Histogram,
    entering: Histogram,
}

impl Metrics {
    /// Counts a decided request: `permitted`, `held` or `refused`, by door.
    pub fn request(&self, decision: &'static str, door: &'static str) {
        self.requests.add([decision, door]);
    }

    /// Counts a refusal by its stable code. The code must be the gateway's own, never text of a client.
    pub fn refusal(&self, code: &str) {
        self.refusals.add([code, ""]);
    }

    /// Counts an outcome by its stable name.
    pub fn outcome(&self, outcome: &'static str) {
        self.outcomes.add([outcome, ""]);
    }

    /// Counts a request that was refused before anybody was identified.
    pub fn malformed(&self, code: &'static str) {
        self.malformed.add([code, ""]);
    }

    /// Counts ledger entries.
    pub fn entries(&self, how_many: u64) {
        self.entries.fetch_add(how_many, Ordering::Relaxed);
    }

    /// Counts an open connection until the guard is dropped.
    pub fn connection(self: &std::sync::Arc<Self>) -> OpenConnection {
        self.connections.fetch_add(1, Ordering::Relaxed);
        OpenConnection { metrics: std::sync::Arc::clone(self) }
    }

    /// Says whether the gateway is ready.
    pub fn ready(&self, ready: bool) {
        self.ready.store(i64::from(ready), Ordering::Relaxed);
    }

    /// The time that the gateway itself added to a request.
    pub fn added(&self, time: Duration) {
        self.added.observe(time);
    }

    /// The time until an entry was durable.
    pub fn entered(&self, time: Duration) {
        self.entering.observe(time);
    }

    /// The metrics as Prometheus text (exposition format 0.0.4).
    pub fn render(&self) -> String {
        let mut out = String::with_capacity(4096);
        let name = "sekisho_requests_total";
        self.requests.render(&mut out, name, "Requests by decision and door.", ["decision", "door"]);
        self.refusals.render(&mut out, "sekisho_refusals_total", "Refusals by code.", ["code", ""]);
        self.outcomes.render(&mut out, "sekisho_outcomes_total", "Outcomes of forwarded requests.", ["outcome", ""]);
        let help = "Requests refused before identification, by rule.";
        self.malformed.render(&mut out, "sekisho_malformed_total", help, ["code", ""]);
        let entries = self.entries.load(Ordering::Relaxed);
        single(&mut out, "sekisho_ledger_entries_total", "counter", "Durable ledger entries.", entries);
        let connections = self.connections.load(Ordering::Relaxed);
        single(&mut out, "sekisho_open_connections", "gauge", "Open connections at the doors.", connections);
        let ready = self.ready.load(Ordering::Relaxed);
        single(&mut out, "sekisho_ready", "gauge", "1 when the gateway takes posts.", ready);
        self.added.render(&mut out, "sekisho_added_seconds", "Time added by the gateway.");
        self.entering.render(&mut out, "sekisho_enter_seconds", "Time until an entry was durable.");
        out
    }
}

/// An open connection; dropped, it is counted as closed.
#[derive(Debug)]
pub struct OpenConnection {
    metrics: std::sync::Arc<Metrics>,
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.metrics.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Writing to a `String` cannot fail, so the results of `write!` say nothing here.
fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn single(out: &mut String, name: &str, kind: &str, help: &str, value: impl std::fmt::Display) {
    head(out, name, kind, help);
    let _ = writeln!(out, "{name} {value}");
}

/// Counters of one name by up to two labels; the second is unused where its name is empty.
#[derive(Debug, Default)]
struct Family {
    counts: Mutex<BTreeMap<[String; 2], u64>>,
}

impl Family {
    fn add(&self, labels: [&str; 2]) {
        let key = labels.map(plain);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= MOST_LABELS && !counts.contains_key(&key) {
            *counts.entry(["other".to_owned(), String::new()]).or_default() += 1;
        } else {
            *counts.entry(key).or_default() += 1;
        }
    }

    fn render(&self, out: &mut String, name: &str, help: &str, labels: [&str; 2]) {
        head(out, name, "counter", help);
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        for ([first, second], count) in counts.iter() {
            let [a, b] = labels;
            let _ = match b {
                "" => writeln!(out, "{name}{{{a}=\"{first}\"}} {count}"),
                _ => writeln!(out, "{name}{{{a}=\"{first}\",{b}=\"{second}\"}} {count}"),
            };
        }
    }
}

/// A label as it may stand in the text: codes are kebab-case; anything else is not the gateway's own.
fn plain(label: &str) -> String {
    let own = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    if label.len() <= 64 && label.chars().all(own) { label.to_owned() } else { "other".to_owned() }
}

#[derive(Debug, Default)]
struct Histogram {
    buckets: [AtomicU64; BUCKETS_US.len()],
    count: AtomicU64,
    sum_us: AtomicU64,
}

impl Histogram {
    fn observe(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        for (bound, bucket) in BUCKETS_US.iter().zip(&self.buckets) {
            if micros <= *bound {
                bucket.fetch_add(1, Ordering::Relaxed);
            }
        }
        self.sum_us.fetch_add(micros, Ordering::Relaxed);
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    fn render(&self, out: &mut String, name: &str, help: &str) {
        head(out, name, "histogram", help);
        for (bound, bucket) in BUCKETS_US.iter().zip(&self.buckets) {
            let bound = Duration::from_micros(*bound).as_secs_f64();
            let _ = writeln!(out, "{name}_bucket{{le=\"{bound}\"}} {}", bucket.load(Ordering::Relaxed));
        }
        let count = self.count.load(Ordering::Relaxed);
        let sum = Duration::from_micros(self.sum_us.load(Ordering::Relaxed)).as_secs_f64();
        let _ = writeln!(out, "{name}_bucket{{le=\"+Inf\"}} {count}\n{name}_sum {sum}\n{name}_count {count}");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn counts_are_rendered_by_label() {
        let metrics = Metrics::default();
        metrics.request("permitted", "forward-tunnel");
        metrics.request("permitted", "forward-tunnel");
        metrics.request("refused", "reverse-path");
        metrics.refusal("shortened-link");
        metrics.entries(3);
        let text = metrics.render();
        let expected = [
            "sekisho_requests_total{decision=\"permitted\",door=\"forward-tunnel\"} 2",
            "sekisho_requests_total{decision=\"refused\",door=\"reverse-path\"} 1",
            "sekisho_refusals_total{code=\"shortened-link\"} 1",
            "sekisho_ledger_entries_total 3",
            "# TYPE sekisho_requests_total counter",
        ];
        for line in expected {
            assert!(text.lines().any(|it| it == line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn a_label_that_is_not_the_gateways_own_is_other() {
        let metrics = Metrics::default();
        metrics.refusal("bad\"} 1\nevil 2");
        metrics.refusal(&"a".repeat(65));
        assert!(metrics.render().contains("sekisho_refusals_total{code=\"other\"} 2"));
    }

    #[test]
    fn labels_are_bounded() {
        let metrics = Metrics::default();
        for i in 0..1000 {
            metrics.refusal(&format!("code-{i}"));
        }
        let lines = metrics.render().lines().filter(|line| line.starts_with("sekisho_refusals_total{")).count();
        assert_eq!(lines, MOST_LABELS + 1);
    }

    #[test]
    fn buckets_are_cumulative_and_hold_their_bound() {
        let metrics = Metrics::default();
        for micros in [500, 501, 6_000_000] {
            metrics.added(Duration::from_micros(micros));
        }
        let text = metrics.render();
        for line in [
            "sekisho_added_seconds_bucket{le=\"0.0005\"} 1",
            "sekisho_added_seconds_bucket{le=\"0.001\"} 2",
            "sekisho_added_seconds_bucket{le=\"5\"} 2",
            "sekisho_added_seconds_bucket{le=\"+Inf\"} 3",
            "sekisho_added_seconds_count 3",
        ] {
            assert!(text.lines().any(|it| it == line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn a_connection_counts_while_it_is_open() {
        let metrics = Arc::new(Metrics::default());
        let open = metrics.connection();
        assert!(metrics.render().contains("sekisho_open_connections 1\n"));
        drop(open);
        assert!(metrics.render().contains("sekisho_open_connections 0\n"));
    }
}
