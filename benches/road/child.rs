//! Child processes: started, pinned, looked at, and always ended.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::Broken;

/// Linux counts a process's time in hundredths of a second towards user space (`USER_HZ`), on every architecture.
const TICKS_A_SECOND: f64 = 100.0;

/// A child that does not outlive this value; by its parent-death signal it does not outlive a killed parent either.
pub(crate) struct Child(std::process::Child);

impl Drop for Child {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to do.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Child {
    /// Starts a role of this program and waits until it says where it listens.
    pub(crate) fn role(cpu: Option<u8>, arguments: &[&str]) -> Result<(Self, SocketAddr), Broken> {
        let program = std::env::current_exe()?;
        let mut child = command(cpu, &program, arguments)?.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take();
        let child = Self(child);
        let mut line = String::new();
        BufReader::new(stdout.ok_or("a child has no output")?).read_line(&mut line)?;
        let address = line.trim().parse().map_err(|_| format!("role {arguments:?} did not start: {line:?}"))?;
        Ok((child, address))
    }

    /// Starts another program in `dir`; what it writes goes to `log`.
    pub(crate) fn program(
        cpu: Option<u8>,
        program: &str,
        arguments: &[&str],
        dir: &Path,
        log: &Path,
    ) -> Result<Self, Broken> {
        let log = File::create(log)?;
        let mut all = vec!["role", "under", program];
        all.extend_from_slice(arguments);
        let mut command = command(cpu, &std::env::current_exe()?, &all)?;
        command.current_dir(dir).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        Ok(Self(command.spawn()?))
    }

    /// Whether it still runs.
    pub(crate) fn runs(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(None))
    }

    /// Its process id, which pinning and becoming another program leave as it is.
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }
}

fn command(cpu: Option<u8>, program: &Path, arguments: &[&str]) -> Result<Command, Broken> {
    let program = program.to_str().ok_or("the path of this program is not UTF-8")?;
    let mut command = match cpu {
        Some(cpu) => {
            let mut command = Command::new("taskset");
            command.args(["-c", &cpu.to_string(), program]);
            command
        }
        None => Command::new(program),
    };
    command.args(arguments);
    Ok(command)
}

/// Asks the kernel to end this process with its parent. A role calls it first.
pub(crate) fn end_with_parent() -> Result<(), Broken> {
    Ok(rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?)
}

/// Becomes `program`, which keeps the process id and the parent-death signal.
pub(crate) fn become_program(program: &str, arguments: &[&str]) -> Result<(), Broken> {
    end_with_parent()?;
    Err(Command::new(program).args(arguments).exec().into())
}

/// Whether `taskset` is there and both CPUs may be used.
pub(crate) fn can_pin() -> bool {
    let works = |cpu: &str| {
        let ran = Command::new("taskset").args(["-c", cpu, "true"]).stderr(Stdio::null()).status();
        ran.is_ok_and(|status| status.success())
    };
    works("0") && works("1")
}

/// Puts this process, which is the load generator, on CPU 1.
pub(crate) fn pin_self() -> Result<(), Broken> {
    let id = std::process::id().to_string();
    let ran = Command::new("taskset").args(["-cp", "1", &id]).stdout(Stdio::null()).status()?;
    if ran.success() { Ok(()) } else { Err("taskset could not pin the load generator".into()) }
}

/// Asks Linux that no processor go to sleep, for as long as the file is open (PM QoS, `/dev/cpu_dma_latency`: 0 us, as a
/// native 32-bit number).
pub(crate) fn keep_awake() -> Result<File, Broken> {
    let device = "/dev/cpu_dma_latency";
    let asked = File::options().write(true).open(device).and_then(|mut asked| {
        asked.write_all(&0_i32.to_ne_bytes())?;
        Ok(asked)
    });
    asked.map_err(|error| format!("ROAD_AWAKE: {device}: {error}").into())
}

/// CPU time that a process has used, in user space and kernel.
fn whole_cpu_time(id: u32) -> Result<Duration, Broken> {
    Ok(Duration::from_secs_f64(ticks(&std::fs::read_to_string(format!("/proc/{id}/stat"))?)? / TICKS_A_SECOND))
}

/// The same of all threads but the one that only keeps a processor awake: that one uses what nobody else wants.
pub(crate) fn cpu_time(id: u32) -> Result<Duration, Broken> {
    let whole = whole_cpu_time(id)?;
    let mut idle = 0.0;
    for thread in std::fs::read_dir(format!("/proc/{id}/task"))? {
        // A thread may have ended since the directory was read.
        let Ok(text) = std::fs::read_to_string(thread?.path().join("stat")) else { continue };
        if text.contains("(store-awake)") {
            idle += ticks(&text)?;
        }
    }
    Ok(whole.saturating_sub(Duration::from_secs_f64(idle / TICKS_A_SECOND)))
}

/// User and kernel time in a `stat` file of `/proc`.
fn ticks(stat: &str) -> Result<f64, Broken> {
    // The second field is a name in parentheses, which may hold anything; state is the field after it.
    let (_, rest) = stat.rsplit_once(')').ok_or("/proc/PID/stat has another form")?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let field = |index: usize| -> Result<f64, Broken> { Ok(fields.get(index).ok_or("a field is missing")?.parse()?) };
    Ok(field(11)? + field(12)?)
}

/// Resident memory of a process now, in KiB.
pub(crate) fn resident_kib(id: u32) -> Result<u64, Broken> {
    let text = std::fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("/proc/PID/status names no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// What all CPUs have done since the machine started: user nice system idle iowait irq softirq steal. What follows in the
/// file is contained in the first two.
pub(crate) fn all_ticks() -> Result<Vec<f64>, Broken> {
    let text = std::fs::read_to_string("/proc/stat")?;
    let line = text.lines().find_map(|line| line.strip_prefix("cpu ")).ok_or("/proc/stat has another form")?;
    Ok(line.split_whitespace().take(8).map(str::parse).collect::<Result<_, _>>()?)
}

/// What the CPUs have done since the machine started, and what of it this run's own processes did.
pub(crate) struct Usage {
    all: f64,
    busy: f64,
    own: f64,
}

impl Usage {
    /// Until now, with this process and those of these ids as its own.
    pub(crate) fn now(children: &[u32]) -> Result<Self, Broken> {
        let ticks = all_ticks()?;
        let all: f64 = ticks.iter().sum();
        let idle: f64 = ticks.iter().skip(3).take(2).sum();
        let mut own = whole_cpu_time(std::process::id())?;
        for child in children {
            own += whole_cpu_time(*child)?;
        }
        Ok(Self { all, busy: all - idle, own: own.as_secs_f64() * TICKS_A_SECOND })
    }

    /// The share of all CPU time since `before` that went to others: neighbours on the host, other programs, the
    /// kernel's work for nobody in particular.
    pub(crate) fn others_since(&self, before: &Self) -> f64 {
        let others = (self.busy - before.busy) - (self.own - before.own);
        (others / (self.all - before.all).max(1.0)).max(0.0)
    }
}
