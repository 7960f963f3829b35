//! While posts come, a processor is kept from going to sleep.
//!
//! A lone post has the processor wait five times: for the post itself, three times for the disk, and for the provider. Idle,
//! it goes to sleep each time, and in a virtual machine waking it takes tens of microseconds: together more than any one
//! stage of the road. So for some milliseconds after each post it is kept awake, in one of two ways.
//!
//! Where the machine's owner lets the gateway write to [`DEVICE`], Linux is asked: no processor sleeps then, and an idle one
//! sees by itself that there is something to do.
//!
//! Elsewhere a thread asks the clock again and again. It is of the class that Linux runs only while nobody else wants the
//! processor (`SCHED_IDLE`), so whoever does goes first, at once; where the system refuses that class, there is no such
//! thread. Linux asks this of the tasks of one group only. Where it puts each session into a group of its own
//! ([`AUTOGROUP`]), the kernel's own threads are in another, and the one that hands a sync's flush to the disk may have to
//! wait for the end of this thread's slice, some milliseconds. A server has no use for such groups, and the log says what to
//! do.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::Thread;
use std::time::{Duration, Instant};

use thread_priority::{
    NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy, thread_native_id,
};

/// Takes the time that a processor may need to wake up, in microseconds (Linux, "PM Quality Of Service Interface"). What was
/// asked holds until something else is, or the file is closed.
const DEVICE: &str = "/dev/cpu_dma_latency";
/// No time at all: no processor sleeps.
const NO_SLEEP: i32 = 0;
/// As long as it likes (`PM_QOS_DEFAULT_VALUE`).
const AS_EVER: i32 = -1;

/// Whether Linux shares processors among sessions before it does among their tasks (sched(7), "The autogroup feature").
const AUTOGROUP: &str = "/proc/sys/kernel/sched_autogroup_enabled";

/// Keeps awake for a while after each post.
pub(super) struct Awake {
    began: Instant,
    stay: Duration,
    device: PathBuf,
    /// Until when, in microseconds since `began`.
    until: AtomicU64,
    /// Whether the thread sleeps, or is about to.
    asleep: AtomicBool,
    stopped: AtomicBool,
    thread: OnceLock<Thread>,
}

impl Awake {
    /// Nothing stays awake before [`Awake::run`].
    pub(super) fn new(stay: Duration) -> Arc<Self> {
        Self::by(stay, Path::new(DEVICE))
    }

    fn by(stay: Duration, device: &Path) -> Arc<Self> {
        Arc::new(Self {
            began: Instant::now(),
            stay,
            device: device.to_owned(),
            until: AtomicU64::new(0),
            asleep: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
            thread: OnceLock::new(),
        })
    }

    /// A post has come.
    pub(super) fn post_came(&self) {
        self.until.store(self.now() + micros(self.stay), Ordering::SeqCst);
        self.rouse();
    }

    /// Makes [`Awake::run`] end.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        self.until.store(0, Ordering::SeqCst);
        self.rouse();
    }

    fn rouse(&self) {
        if self.asleep.swap(false, Ordering::SeqCst)
            && let Some(thread) = self.thread.get()
        {
            thread.unpark();
        }
    }

    /// Keeps awake after posts until it is stopped.
    pub(super) fn run(&self) {
        if self.stay.is_zero() {
            return;
        }
        let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
        let behind_all = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, idle);
        if let Ok(mut device) = OpenOptions::new().write(true).open(&self.device) {
            match self.after_posts(|| self.ask(&mut device)) {
                Ok(()) => return,
                Err(e) => tracing::info!(reason = %e, device = DEVICE, "Linux does not take what it is asked"),
            }
        }
        if let Err(e) = behind_all {
            tracing::info!(reason = %e, "no processor is kept awake after posts");
            return;
        }
        if std::fs::read_to_string(AUTOGROUP).is_ok_and(|on| on.trim() != "0") {
            tracing::info!(
                "posts may wait some milliseconds for the kernel: set kernel.sched_autogroup_enabled to 0 (sysctl)"
            );
        }
        // It never fails.
        let _ = self.after_posts(|| {
            // Not `spin_loop`: many of its instructions in a row make a virtual machine stop and ask its host.
            while !self.left().is_zero() {}
            Ok(())
        });
    }

    /// Keeps awake by `keep` after each post, and sleeps in between.
    fn after_posts(&self, mut keep: impl FnMut() -> std::io::Result<()>) -> std::io::Result<()> {
        self.thread.get_or_init(std::thread::current);
        while !self.stopped.load(Ordering::SeqCst) {
            if !self.left().is_zero() {
                keep()?;
            }
            self.asleep.store(true, Ordering::SeqCst);
            // Whoever comes from here on sees that it sleeps; who came just before is seen here.
            if self.left().is_zero() && !self.stopped.load(Ordering::SeqCst) {
                std::thread::park();
            }
        }
        Ok(())
    }

    fn ask(&self, device: &mut File) -> std::io::Result<()> {
        device.write_all(&NO_SLEEP.to_ne_bytes())?;
        loop {
            let left = self.left();
            if left.is_zero() {
                return device.write_all(&AS_EVER.to_ne_bytes());
            }
            std::thread::sleep(left);
        }
    }

    /// How much longer it stays awake.
    fn left(&self) -> Duration {
        Duration::from_micros(self.until.load(Ordering::SeqCst).saturating_sub(self.now()))
    }

    fn now(&self) -> u64 {
        micros(self.began.elapsed())
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `SCHED_IDLE`, as the field `policy` of `/proc/PID/task/TID/stat` has it.
    const IDLE: &str = "5";
    const STAY: Duration = Duration::from_millis(30);

    /// There is no such device here.
    const NOWHERE: &str = "/nowhere/cpu_dma_latency";

    fn three_posts(awake: &Arc<Awake>) {
        let thread = {
            let awake = Arc::clone(awake);
            std::thread::spawn(move || awake.run())
        };
        for _ in 0..3 {
            sleeps(awake);
            let came = Instant::now();
            awake.post_came();
            sleeps(awake);
            assert!(came.elapsed() >= STAY, "awake for as long as was asked");
        }
        awake.stop();
        thread.join().unwrap();
    }

    fn asleep(awake: &Awake) -> bool {
        awake.asleep.load(Ordering::SeqCst)
    }

    fn sleeps(awake: &Awake) {
        let patience = Instant::now() + Duration::from_secs(30);
        while !asleep(awake) {
            assert!(Instant::now() < patience, "it never sleeps");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn it_stays_awake_for_a_while_after_each_post_and_sleeps_then() {
        three_posts(&Awake::by(STAY, Path::new(NOWHERE)));
    }

    #[test]
    fn linux_is_asked_for_as_long_as_posts_come_where_the_owner_lets_it_be() {
        let dir = tempfile::tempdir().unwrap();
        let device = dir.path().join("cpu_dma_latency");
        std::fs::write(&device, []).unwrap();
        three_posts(&Awake::by(STAY, &device));
        // The device takes each write for itself; a file keeps them all.
        let asked = std::fs::read(&device).unwrap();
        let once = [NO_SLEEP.to_ne_bytes(), AS_EVER.to_ne_bytes()].concat();
        assert_eq!(asked, once.repeat(3));
    }

    #[test]
    fn a_device_that_takes_nothing_is_none() {
        three_posts(&Awake::by(STAY, Path::new("/dev/full")));
    }

    #[test]
    fn it_is_of_the_class_that_everybody_goes_before() {
        let awake = Awake::by(Duration::from_secs(3600), Path::new(NOWHERE));
        awake.post_came();
        let thread = {
            let awake = Arc::clone(&awake);
            std::thread::Builder::new().name("idle-class".to_owned()).spawn(move || awake.run()).unwrap()
        };
        let patience = Instant::now() + Duration::from_secs(30);
        while awake.thread.get().is_none() {
            assert!(Instant::now() < patience, "it never began");
            std::thread::sleep(Duration::from_millis(1));
        }
        let own = std::fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap().path());
        let stats: Vec<String> = own.filter_map(|task| std::fs::read_to_string(task.join("stat")).ok()).collect();
        let stat = stats.iter().find(|stat| stat.contains("(idle-class)")).unwrap();
        // The 41st field; what follows the name begins with the third.
        assert_eq!(stat.rsplit_once(") ").unwrap().1.split(' ').nth(38), Some(IDLE), "{stat}");
        awake.stop();
        thread.join().unwrap();
    }

    #[test]
    fn nobody_stays_awake_where_it_is_not_asked_for() {
        let awake = Awake::new(Duration::ZERO);
        awake.post_came();
        awake.run();
        assert!(awake.thread.get().is_none());
    }
}
