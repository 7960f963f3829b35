//! The writer's queue: units that are written as soon as it is free, and units that linger.
//!
//! The writer waits for nobody while little goes on. Where many requests are under way ([`COMPANY`]), a commit for each
//! would cost more than the posts themselves, so it lets more of them come first, as long as more do come.
//!
//! A unit that nobody waits for is laid aside without waking the writer, and goes along with the next transaction. While
//! there is traffic the writer looks for such units and begins a transaction with them, which waits a little for a unit
//! that somebody does wait for; once it sleeps, the first of them wakes it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::awake::Awake;
use super::write_ahead::Backlog;
use super::{LINGER, StoreDown, Then, Unit};

/// Units in one transaction, at most; lingering ones come on top.
const BATCH: usize = 512;
/// Units that may wait. Beyond that the disk does not keep up, and a caller learns it at once instead of waiting.
const QUEUE: usize = 16 * 1024;
/// How long the writer looks for lingering units after the last transaction before it sleeps.
const LOOKING: Duration = Duration::from_secs(1);
/// When it looks first: about when the answer to a post that a near provider took has been passed on.
const SOON: Duration = Duration::from_micros(700);
/// How often it looks next, and so many times: that answer may also take a little longer.
const NEXT: (Duration, usize) = (Duration::from_micros(300), 4);
/// How often it looks from then on, and how long the transaction that it begins then stays open.
const LOOK: Duration = Duration::from_micros(2_500);
const _: () = assert!(LOOK.as_nanos() * 2 <= LINGER.as_nanos());

/// From so many requests under way on, a transaction waits for company.
const COMPANY: usize = 5;
/// How long it waits at a time, and how often at most.
const WAIT: (Duration, usize) = (Duration::from_micros(500), 8);

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
    under_way: Arc<AtomicUsize>,
    aside: Arc<Mutex<Aside>>,
    awake: Arc<Awake>,
}

/// A request that is under way, for as long as this lives.
pub struct UnderWay(Arc<AtomicUsize>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The writer's end.
pub(super) struct Intake {
    messages: Receiver<Message>,
    waiting: Arc<AtomicUsize>,
    under_way: Arc<AtomicUsize>,
    aside: Arc<Mutex<Aside>>,
    /// Until when the writer looks for lingering units instead of sleeping.
    looks_until: Instant,
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
    /// Nobody waits for any of it, and nothing is begun: it need not be committed before the next ones come, and there is
    /// time for a checkpoint. It may be nothing at all.
    pub(super) early: bool,
    #[cfg(test)]
    pub(super) run: Vec<(&'static str, Sender<()>)>,
}

/// Both ends of a new queue. `awake` is told of each request.
pub(super) fn queue(awake: Arc<Awake>) -> (Queue, Intake) {
    let (messages, received) = channel();
    let (waiting, under_way) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let aside = Arc::<Mutex<Aside>>::default();
    let intake = Intake {
        messages: received,
        waiting: Arc::clone(&waiting),
        under_way: Arc::clone(&under_way),
        aside: Arc::clone(&aside),
        looks_until: Instant::now(),
    };
    (Queue { messages, waiting, under_way, aside, awake }, intake)
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
        if self.under_way.load(Ordering::Relaxed) < COMPANY {
            // Where the writer has no other processor than this one, it goes first: what is left to do here is done while the
            // disk works.
            std::thread::yield_now();
        }
    }

    /// Says that a request is under way that may hand in a unit.
    pub(super) fn under_way(&self) -> UnderWay {
        self.awake.post_came();
        self.under_way.fetch_add(1, Ordering::Relaxed);
        UnderWay(Arc::clone(&self.under_way))
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
    ///
    /// `begun` says that one is open already: then this waits for [`LOOK`] at most, and what comes is to be committed.
    /// `backlog` says whether there is something to do while nobody waits.
    pub(super) fn gather(&mut self, begun: bool, backlog: Backlog) -> Option<Gathered> {
        let mut next = if begun { self.joins()? } else { self.first(backlog)? };
        let mut gathered = Gathered { early: next.is_none() && !begun, ..Gathered::default() };
        if matches!(next, Some(Message::Unit(..))) {
            self.wait_for_company();
        }
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
        self.looks_until = Instant::now() + LOOKING;
        Some(Gathered { batch, ..gathered })
    }

    /// Lets the units of other requests come, while many are under way and while any do come.
    fn wait_for_company(&self) {
        let (step, most) = WAIT;
        for _ in 0..most {
            let (waiting, under_way) = (self.waiting.load(Ordering::Relaxed), self.under_way.load(Ordering::Relaxed));
            if under_way < COMPANY || waiting >= under_way.min(BATCH) {
                return;
            }
            std::thread::sleep(step);
            if self.waiting.load(Ordering::Relaxed) == waiting {
                return;
            }
        }
    }

    /// Waits for a message that goes along with a transaction that is open. `Some(None)`: it has waited long enough.
    fn joins(&self) -> Option<Option<Message>> {
        match self.messages.recv_timeout(LOOK) {
            Ok(message) => Some(Some(message)),
            Err(RecvTimeoutError::Timeout) => Some(None),
            Err(RecvTimeoutError::Disconnected) => None,
        }
    }

    /// Waits for the first message of a transaction. `Some(None)`: there is none, but something to do while nobody waits.
    fn first(&self, backlog: Backlog) -> Option<Option<Message>> {
        let mut looked = 0;
        loop {
            let look = match looked {
                0 => SOON,
                again if again <= NEXT.1 => NEXT.0,
                _ => LOOK,
            };
            looked += 1;
            let sleepy = Instant::now() >= self.looks_until;
            let wait = match (sleepy, backlog) {
                (false, _) => Some(look),
                (true, Backlog::None) => self.falls_asleep(),
                (true, _) => Some(Duration::ZERO),
            };
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
                Err(RecvTimeoutError::Timeout) => {
                    let to_move = backlog >= if sleepy { Backlog::Little } else { Backlog::Worth };
                    if to_move || !open(&self.aside).units.is_empty() {
                        return Some(None);
                    }
                }
            }
        }
    }

    /// Marks the writer asleep, unless something lingers.
    fn falls_asleep(&self) -> Option<Duration> {
        let mut aside = open(&self.aside);
        aside.asleep = aside.units.is_empty();
        (!aside.asleep).then_some(LOOK)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Draft;

    fn unit() -> Unit {
        Unit::entry(Arc::from("a"), Draft::default())
    }

    #[test]
    fn a_lone_unit_waits_for_nobody_and_one_of_many_waits_while_others_come() {
        let (queue, mut intake) = queue(Awake::new(Duration::ZERO));
        let alone: Vec<UnderWay> = (1..COMPANY).map(|_| queue.under_way()).collect();
        queue.submit(unit(), Box::new(|_| {}));
        assert_eq!(intake.gather(false, Backlog::None).unwrap().batch.len(), 1);
        drop(alone);
        assert_eq!(queue.under_way.load(Ordering::Relaxed), 0);

        // Each step of the waiting sees one more, until everybody who is under way has come.
        let many: Vec<UnderWay> = (0..COMPANY + 3).map(|_| queue.under_way()).collect();
        for _ in 0..many.len() {
            queue.submit(unit(), Box::new(|_| {}));
        }
        assert_eq!(intake.gather(false, Backlog::None).unwrap().batch.len(), many.len());
        queue.submit(unit(), Box::new(|_| {}));
        let begun = Instant::now();
        assert_eq!(intake.gather(false, Backlog::None).unwrap().batch.len(), 1, "nobody else came");
        assert!(begun.elapsed() >= WAIT.0, "it was waited for once");
    }

    #[test]
    fn while_nobody_waits_the_writer_is_told_so_if_it_has_something_to_do() {
        let (queue, mut intake) = queue(Awake::new(Duration::ZERO));
        queue.submit(unit(), Box::new(|_| {}));
        assert!(!intake.gather(false, Backlog::Worth).unwrap().early, "somebody waits");
        let since = Instant::now();
        let soon = intake.gather(false, Backlog::Worth).unwrap();
        assert_eq!((soon.early, soon.batch.len()), (true, 0));
        assert!(since.elapsed() >= SOON, "the answer goes first");
        assert!(!intake.gather(true, Backlog::Worth).unwrap().early, "a transaction is open");
        // What is little waits until the writer would go to sleep.
        let since = Instant::now();
        let late = intake.gather(false, Backlog::Little).unwrap();
        assert_eq!((late.early, late.batch.len()), (true, 0));
        assert!(since.elapsed() >= LOOKING);
    }

    #[test]
    fn what_nobody_waits_for_is_begun_early_and_waits_a_little_for_company() {
        let (queue, mut intake) = queue(Awake::new(Duration::ZERO));
        let lingering = || Unit { lingers: true, ..unit() };
        queue.submit(unit(), Box::new(|_| {}));
        assert!(!intake.gather(false, Backlog::None).unwrap().early, "somebody waits for it");
        queue.submit(lingering(), Box::new(|_| {}));
        let begun = intake.gather(false, Backlog::None).unwrap();
        assert_eq!((begun.early, begun.batch.len()), (true, 1));
        // With the transaction open, the next unit goes along at once, and so does what was laid aside since.
        queue.submit(lingering(), Box::new(|_| {}));
        queue.submit(unit(), Box::new(|_| {}));
        let joined = intake.gather(true, Backlog::None).unwrap();
        assert_eq!((joined.early, joined.batch.len()), (false, 2));
        // Nobody comes: it is committed as it is.
        let since = Instant::now();
        let alone = intake.gather(true, Backlog::None).unwrap();
        assert_eq!((alone.early, alone.batch.len()), (false, 0));
        assert!(since.elapsed() >= LOOK);
        queue.stop();
        assert!(intake.gather(true, Backlog::None).unwrap().stop);
    }
}
