//! The writer's queue: units that are written as soon as it is free, and units that linger.
//!
//! A unit that nobody waits for is laid aside without waking the writer, and goes along with the next transaction. While
//! there is traffic the writer looks for such units each [`LINGER`]; once it sleeps, the first of them wakes it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{LINGER, StoreDown, Then, Unit};

/// Units in one transaction, at most; lingering ones come on top.
const BATCH: usize = 512;
/// Units that may wait. Beyond that the disk does not keep up, and a caller learns it at once instead of waiting.
const QUEUE: usize = 16 * 1024;
/// How long the writer looks for lingering units after the last transaction before it sleeps.
const AWAKE: Duration = Duration::from_secs(1);

pub(super) type Queued = (Box<Unit>, Then);
type Settled = Box<dyn FnOnce() + Send>;

enum Message {
    Unit(Box<Unit>, Then),
    Settle(Settled),
    /// There is a lingering unit, and the writer sleeps.
    Wake,
    Stop,
    /// Runs SQL on the writer's own connection, for tests of its failures.
    #[cfg(test)]
    Run(&'static str, Sender<()>),
}

/// What lingers.
#[derive(Default)]
struct Aside {
    units: Vec<Queued>,
    asleep: bool,
    stopped: bool,
}

/// The end at which units are handed in.
pub(super) struct Queue {
    messages: Sender<Message>,
    waiting: Arc<AtomicUsize>,
    aside: Arc<Mutex<Aside>>,
}

/// The writer's end.
pub(super) struct Intake {
    messages: Receiver<Message>,
    waiting: Arc<AtomicUsize>,
    aside: Arc<Mutex<Aside>>,
    /// Until when the writer does not sleep.
    awake: Instant,
}

/// What one transaction takes, and what follows it.
#[derive(Default)]
pub(super) struct Gathered {
    /// Units, lingering ones first: they were handed in by an earlier request.
    pub(super) batch: Vec<Queued>,
    /// Told after the transaction.
    pub(super) settled: Vec<Settled>,
    /// It is the last one.
    pub(super) stop: bool,
    #[cfg(test)]
    pub(super) run: Vec<(&'static str, Sender<()>)>,
}

/// Both ends of a new queue.
pub(super) fn queue() -> (Queue, Intake) {
    let (messages, received) = channel();
    let (waiting, aside) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Aside::default())));
    let intake =
        Intake { messages: received, waiting: Arc::clone(&waiting), aside: Arc::clone(&aside), awake: Instant::now() };
    (Queue { messages, waiting, aside }, intake)
}

fn stopped() -> StoreDown {
    StoreDown("the writer has stopped".to_owned())
}

fn open(aside: &Mutex<Aside>) -> MutexGuard<'_, Aside> {
    aside.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Queue {
    /// Queues a unit. `then` runs when it is durable or has failed; never both, never neither while the process lives.
    pub(super) fn submit(&self, unit: Unit, then: Then) {
        if unit.lingers {
            return self.lay_aside(unit, then);
        }
        if self.waiting.load(Ordering::Relaxed) >= QUEUE && unit.deadline.is_some() {
            return then(Err(StoreDown("too many units wait for the disk".to_owned())));
        }
        self.waiting.fetch_add(1, Ordering::Relaxed);
        if let Err(refused) = self.messages.send(Message::Unit(Box::new(unit), then)) {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            if let Message::Unit(_, then) = refused.0 {
                then(Err(stopped()));
            }
        }
    }

    fn lay_aside(&self, unit: Unit, then: Then) {
        let mut aside = open(&self.aside);
        if aside.stopped {
            drop(aside);
            return then(Err(stopped()));
        }
        aside.units.push((Box::new(unit), then));
        if std::mem::take(&mut aside.asleep) {
            // A writer that is gone has marked itself stopped.
            let _ = self.messages.send(Message::Wake);
        }
    }

    /// Runs `then` once all that was submitted before is durable or has failed; nothing of it lingers any longer.
    pub(super) fn settle(&self, then: Settled) {
        if let Err(refused) = self.messages.send(Message::Settle(then))
            && let Message::Settle(then) = refused.0
        {
            then();
        }
    }

    /// Makes the writer write what waits and stop.
    pub(super) fn stop(&self) {
        // The writer is gone already if nobody takes the message.
        let _ = self.messages.send(Message::Stop);
    }

    #[cfg(test)]
    pub(super) fn run(&self, sql: &'static str) {
        let (done, ran) = channel();
        self.messages.send(Message::Run(sql, done)).unwrap();
        ran.recv().unwrap();
    }
}

impl Intake {
    /// What the next transaction holds: all that waits. None: nobody can hand in anything any more.
    pub(super) fn gather(&mut self) -> Option<Gathered> {
        let mut gathered = Gathered::default();
        let mut next = self.first()?;
        while let Some(message) = next {
            match message {
                Message::Unit(unit, then) => gathered.batch.push((unit, then)),
                Message::Settle(then) => gathered.settled.push(then),
                Message::Wake => {}
                Message::Stop => gathered.stop = true,
                #[cfg(test)]
                Message::Run(sql, done) => gathered.run.push((sql, done)),
            }
            next = if gathered.batch.len() < BATCH { self.messages.try_recv().ok() } else { None };
        }
        self.waiting.fetch_sub(gathered.batch.len(), Ordering::Relaxed);
        let mut aside = open(&self.aside);
        aside.stopped = gathered.stop;
        let mut batch = std::mem::take(&mut aside.units);
        drop(aside);
        batch.append(&mut gathered.batch);
        self.awake = Instant::now() + AWAKE;
        Some(Gathered { batch, ..gathered })
    }

    /// Waits for the first message of a transaction. `Some(None)`: there is none, but something lingers.
    fn first(&self) -> Option<Option<Message>> {
        loop {
            let wait = if Instant::now() < self.awake { Some(LINGER) } else { self.falls_asleep() };
            let message = match wait {
                Some(wait) => self.messages.recv_timeout(wait),
                None => self.messages.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match message {
                Ok(message) => {
                    open(&self.aside).asleep = false;
                    return Some(Some(message));
                }
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) if !open(&self.aside).units.is_empty() => return Some(None),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// Marks the writer asleep, unless something lingers.
    fn falls_asleep(&self) -> Option<Duration> {
        let mut aside = open(&self.aside);
        aside.asleep = aside.units.is_empty();
        (!aside.asleep).then_some(LINGER)
    }
}

impl Drop for Intake {
    fn drop(&mut self) {
        let mut aside = open(&self.aside);
        aside.stopped = true;
        let left = std::mem::take(&mut aside.units);
        drop(aside);
        left.into_iter().for_each(|(_, then)| then(Err(stopped())));
    }
}
