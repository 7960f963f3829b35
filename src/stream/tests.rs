//! Gapless, without duplicates, and nobody waits for a reader.

use std::sync::Mutex;

use futures_util::StreamExt;
use http::{HeaderMap, HeaderValue};

use super::sse::{Form, cursor};
use super::*;

struct Fake {
    leaves: Mutex<Vec<Vec<u8>>>,
    sender: watch::Sender<u64>,
    skip: Option<u64>,
    largest_read: Mutex<usize>,
}

impl Fake {
    fn new(count: usize) -> Arc<Self> {
        Arc::new(Self::raw(count))
    }
    fn raw(count: usize) -> Self {
        let leaves = Mutex::new((0..count).map(leaf).collect());
        Self { leaves, sender: watch::channel(0).0, skip: None, largest_read: Mutex::new(0) }
    }
    fn note_read(&self, limit: usize) {
        let mut largest = self.largest_read.lock().unwrap();
        *largest = limit.max(*largest);
    }
    fn shelf(&self) -> std::sync::MutexGuard<'_, Vec<Vec<u8>>> {
        self.leaves.lock().unwrap()
    }
    fn append(&self, count: usize) {
        let mut leaves = self.leaves.lock().unwrap();
        for _ in 0..count {
            let next = leaves.len();
            leaves.push(leaf(next));
        }
        self.sender.send_modify(|value| *value += 1);
    }
}

fn leaf(index: usize) -> Vec<u8> {
    format!("{{\"n\":{index}}}").into_bytes()
}

fn body() -> OrganisationId {
    OrganisationId::new("nerima")
}

impl Log for Fake {
    fn head(&self, _: &OrganisationId) -> Result<u64, Unavailable> {
        Ok(self.shelf().len() as u64)
    }
    fn read(&self, _: &OrganisationId, from: u64, limit: usize) -> Result<Vec<(u64, Vec<u8>)>, Unavailable> {
        self.note_read(limit);
        let leaves = self.shelf();
        let entries = leaves.iter().cloned().enumerate().map(|(i, leaf)| (i as u64, leaf));
        Ok(entries.skip(from as usize).filter(|(i, _)| Some(*i) != self.skip).take(limit).collect())
    }
    fn checkpoint(&self, _: &OrganisationId) -> Result<String, Unavailable> {
        Ok(format!("sekisho.example/nerima\n{}\nroot\n\n— sig\n", self.shelf().len()))
    }
    fn changed(&self) -> watch::Receiver<u64> {
        self.sender.subscribe()
    }
}

async fn take(log: &Arc<Fake>, from: u64, count: usize) -> Vec<u64> {
    let mut stream = Box::pin(follow(Arc::clone(log) as Arc<dyn Log>, body(), from));
    let mut seen = Vec::new();
    while seen.len() < count {
        let batch = stream.next().await.unwrap().unwrap();
        assert!(!batch.entries.is_empty() && batch.entries.len() <= MOST);
        seen.extend(batch.entries.iter().map(|(index, _)| *index));
    }
    seen
}

#[tokio::test]
async fn everything_that_is_there_comes_in_order_in_short_reads() {
    let log = Fake::new(2_500);
    assert_eq!(take(&log, 0, 2_500).await, (0..2_500).collect::<Vec<u64>>());
    assert_eq!(*log.largest_read.lock().unwrap(), MOST);
}

#[tokio::test]
async fn readers_that_come_and_go_while_the_log_grows_miss_nothing_and_see_nothing_twice() {
    let log = Fake::new(0);
    let writer = Arc::clone(&log);
    let writing = tokio::spawn(async move {
        for i in 0..300 {
            writer.append(1 + i % 7);
            tokio::task::yield_now().await;
        }
    });
    let total: usize = (0..300).map(|i| 1 + i % 7).sum();
    let mut seen: Vec<u64> = Vec::new();
    while seen.len() < total {
        let from = seen.last().map_or(0, |last| last + 1);
        let wanted = (total - seen.len()).min(37);
        seen.extend(take(&log, from, wanted).await);
    }
    writing.await.unwrap();
    assert_eq!(seen, (0..total as u64).collect::<Vec<u64>>());
}

#[tokio::test]
async fn a_reader_at_the_end_is_woken_by_the_next_entry() {
    let log = Fake::new(3);
    let reader = tokio::spawn({
        let log = Arc::clone(&log);
        async move { take(&log, 3, 1).await }
    });
    tokio::task::yield_now().await;
    log.append(1);
    assert_eq!(reader.await.unwrap(), [3]);
}

#[tokio::test]
async fn a_gap_ends_the_stream_and_is_named() {
    let log = Arc::new(Fake { skip: Some(5), ..Fake::raw(10) });
    let mut stream = Box::pin(follow(log, body(), 0));
    let broken = stream.next().await.unwrap().unwrap_err();
    assert!(matches!(broken, Broken::Gap { expected: 5, found: 6 }), "{broken}");
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn a_cursor_after_the_end_is_an_error_and_not_silence() {
    let broken = pull(Fake::new(3), body(), 4, 10).await.unwrap_err();
    assert!(matches!(broken, Broken::Ahead { cursor: 4, head: 3 }), "{broken}");
    assert!(pull(Fake::new(3), body(), 3, 10).await.unwrap().entries.is_empty());
}

#[test]
fn events_carry_the_index_as_id_and_the_checkpoint_none() {
    let batch = Batch { entries: vec![(7, leaf(7))], checkpoint: "origin\n8\n\n— sig\n".to_owned() };
    let events = String::from_utf8(Form::Events.write(&batch).to_vec()).unwrap();
    let expected =
        "id: 7\nevent: entry\ndata: {\"n\":7}\n\nevent: checkpoint\ndata: origin\ndata: 8\ndata: \ndata: — sig\n\n";
    assert_eq!(events, expected);
    let lines = String::from_utf8(Form::Lines.write(&batch).to_vec()).unwrap();
    assert_eq!(lines, "{\"index\":7,\"entry\":{\"n\":7}}\n{\"checkpoint\":\"origin\\n8\\n\\n— sig\\n\"}\n");
}

#[test]
fn a_leaf_that_is_not_a_line_of_json_becomes_a_stub_and_cannot_forge_events() {
    let batch = Batch { entries: vec![(0, b"{}\n\nid: 99\ndata: x".to_vec())], checkpoint: String::new() };
    let events = String::from_utf8(Form::Events.write(&batch).to_vec()).unwrap();
    assert!(events.contains("unreadable_base64") && !events.contains("id: 99"), "{events}");
}

#[test]
fn the_form_is_asked_for_by_accept() {
    let form = |accept: &str| {
        let mut headers = HeaderMap::new();
        headers.insert(http::header::ACCEPT, HeaderValue::from_str(accept).unwrap());
        Form::asked(&headers)
    };
    assert_eq!(Form::asked(&HeaderMap::new()), Form::Lines);
    assert_eq!(form("text/event-stream"), Form::Events);
    assert_eq!(form("application/json, Text/Event-Stream;q=0.9"), Form::Events);
    assert_eq!(form("application/x-ndjson"), Form::Lines);
}

#[test]
fn the_cursor_is_the_last_event_id_else_after_else_the_beginning() {
    let headers = |last: Option<&'static str>| {
        let mut headers = HeaderMap::new();
        if let Some(last) = last {
            headers.insert("last-event-id", HeaderValue::from_static(last));
        }
        headers
    };
    let cases = [
        (None, None, Some(0)),
        (None, Some("0"), Some(1)),
        (Some("41"), Some("3"), Some(42)),
        (Some(""), Some("3"), Some(4)),
        (None, Some("-1"), Some(0)),
        (None, Some("-2"), None),
        (None, Some("x"), None),
        (Some("1.5"), None, None),
        (None, Some("18446744073709551615"), None),
    ];
    for (last, after, expected) in cases {
        assert_eq!(cursor(&headers(last), after), expected, "{last:?} {after:?}");
    }
}
