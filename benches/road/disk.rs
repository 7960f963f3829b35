//! What the disk itself takes for 4 KiB and one `fdatasync`, the measure for every durable latency beside it.
//!
//! Asked back to back, a virtual disk and its CPU never fall asleep and answer several times faster than when they are
//! asked as often as posts come. So both are measured; the paced one is what a post at that rate meets.
//!
//! It is asked from the CPU on which the proxy runs, as the proxy asks it. Where the disk's interrupts go to another one,
//! each wait of a sync ends with a call from CPU to CPU; what that costs, the same from the load's CPU tells.

use std::fs::{File, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::thread::{CpuSet, sched_setaffinity};

use crate::Broken;
use crate::figures::Latency;
use crate::host::{Host, nanoseconds};
use crate::plan::OPEN_RATE;

const BLOCK: usize = 4096;
/// Blocks of the file that is written over.
const BLOCKS: usize = 256;
/// Writes of one probe, and the longest time for them on a slow disk.
const WRITES: usize = 400;
const LONGEST: Duration = Duration::from_millis(400);

/// Undisturbed syncs of a round by which posts can be judged.
const ENOUGH: usize = 200;

/// Times of one kind: when each sync was done, and how long it took.
type Times = Vec<(Instant, Duration)>;

/// Times of one round.
#[derive(Default)]
pub(crate) struct Syncs {
    extending: Times,
    overwriting: Times,
    paced: Times,
    elsewhere: Times,
}

/// What one round's came to.
pub(crate) struct Disk {
    /// A file that grows with every write.
    pub(crate) extending: Latency,
    /// A file that was written in full before: the cheaper, and what a reused WAL is.
    pub(crate) overwriting: Latency,
    /// The same, at the open loop's rate.
    pub(crate) paced: Latency,
    /// The same, of those that the host took no time from; infinite if they are too few.
    pub(crate) undisturbed: Latency,
    /// Like `paced`, from the CPU of load and provider.
    pub(crate) elsewhere: Latency,
}

impl Syncs {
    /// Probes the disk under `dir` once more, from `proxy` and then from `load` if they are bound to CPUs. Making the files
    /// is outside the timing.
    pub(crate) fn probe(&mut self, dir: &Path, (proxy, load): (Option<u8>, Option<u8>)) -> Result<(), Broken> {
        let path = dir.join("fdatasync.probe");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(&path)?;
        let pace = Duration::from_secs(1) / OPEN_RATE;
        on(proxy, || {
            write_and_sync(&mut file, &mut self.extending, usize::MAX, Duration::ZERO)?;
            file.set_len(0)?;
            file.seek(SeekFrom::Start(0))?;
            file.write_all(&vec![0; BLOCK * BLOCKS])?;
            file.sync_all()?;
            write_and_sync(&mut file, &mut self.overwriting, BLOCKS, Duration::ZERO)?;
            write_and_sync(&mut file, &mut self.paced, BLOCKS, pace)
        })?;
        on(load, || write_and_sync(&mut file, &mut self.elsewhere, BLOCKS, pace))?;
        drop(file);
        Ok(std::fs::remove_file(path)?)
    }

    /// All of them.
    pub(crate) fn disk(&self, host: &Host) -> Disk {
        let of = |times: &Times| Latency::of(times.iter().map(|(_, took)| nanoseconds(*took)).collect());
        let mut undisturbed = host.undisturbed(&self.paced);
        if undisturbed.len() < ENOUGH {
            undisturbed.clear();
        }
        Disk {
            extending: of(&self.extending),
            overwriting: of(&self.overwriting),
            paced: of(&self.paced),
            undisturbed: Latency::of(undisturbed),
            elsewhere: of(&self.elsewhere),
        }
    }
}

/// Runs `probe` on a thread that is bound to `cpu`.
fn on(cpu: Option<u8>, probe: impl FnOnce() -> Result<(), Broken> + Send) -> Result<(), Broken> {
    let bound = || -> Result<(), Broken> {
        if let Some(cpu) = cpu {
            let mut only = CpuSet::new();
            only.set(cpu.into());
            sched_setaffinity(None, &only)?;
        }
        probe()
    };
    std::thread::scope(|scope| {
        let ran = scope.spawn(|| bound().map_err(|error| error.to_string())).join();
        ran.unwrap_or_else(|_| Err("the probe of the disk panicked".to_owned())).map_err(Broken::from)
    })
}

/// Writes block after block, one each `pace`, from the start again after `wrap` of them.
fn write_and_sync(file: &mut File, times: &mut Times, wrap: usize, pace: Duration) -> Result<(), Broken> {
    let begun = Instant::now();
    let mut block = [0_u8; BLOCK];
    for number in 0..WRITES {
        if number.is_multiple_of(wrap) {
            file.seek(SeekFrom::Start(0))?;
        }
        std::thread::sleep((pace * u32::try_from(number)?).saturating_sub(begun.elapsed()));
        block.fill(u8::try_from(number % 251)? + 1);
        let from = Instant::now();
        file.write_all(&block)?;
        rustix::fs::fdatasync(&*file)?;
        times.push((Instant::now(), from.elapsed()));
        if begun.elapsed() > LONGEST + pace * u32::try_from(WRITES)? {
            break;
        }
    }
    Ok(())
}
