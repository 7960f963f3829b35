//! The run: children up, rounds interleaved, children down, tables out.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::child::{self, Child, Usage};
use crate::disk::Syncs;
use crate::gate::{self, Gate};
use crate::host::Host;
use crate::load::{self, Cell, Supply, Target};
use crate::plan::{DEPOSIT, OPEN_RATE, Plan, Subject, WARM_UP};
use crate::posts::Writer;
use crate::table::{self, Load, Measured, Results};
use crate::{Broken, identity};

/// Different posts that direct and floor send in turn; they know no single use.
const POOL: usize = 4096;
/// Posts a second for which approvals are deposited while the gate's own rate is not known, for one connection and
/// for more.
const GUESS: (f64, f64) = (1_000.0, 5_000.0);
/// Wrong answers, as a share of all, with which going on shows nothing.
const HOPELESS: f64 = 0.01;
/// No run is longer, whatever hangs.
const LONGEST: Duration = Duration::from_secs(358);

/// Measures, prints, and says by its result whether something broke.
pub(crate) fn whole() -> Result<(), Broken> {
    let plan = Plan::from_env()?;
    if plan.pin {
        child::pin_self()?;
    }
    // Sleeps of the pacer end on time where the kernel allows it; otherwise some 50 us late, for every subject alike.
    let _ = std::fs::write("/proc/self/timerslack_ns", "1");
    std::fs::create_dir_all(&plan.dir)?;
    let dir = tempfile::Builder::new().prefix("road-").tempdir_in(&plan.dir)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let results = runtime.block_on(async {
        let run = tokio::time::timeout(LONGEST, measured(&plan, dir.path())).await;
        run.map_err(|_| Broken::from(format!("the run was not over after {LONGEST:?}")))?
    })?;
    table::print(&plan, &results);
    match results.wrong() {
        0 => Ok(()),
        wrong => Err(format!("FAILED: {wrong} answers were not 201").into()),
    }
}

/// Who is measured, and the processes that stand behind it.
struct Stage {
    direct: Target,
    floor: (Child, Target),
    gate: Option<Gate>,
    writer: Writer,
    pool: Vec<Bytes>,
    host: Host,
    // Last, so that it ends after those that are connected to it.
    provider: Child,
}

impl Stage {
    async fn set(plan: &Plan, dir: &Path) -> Result<Self, Broken> {
        let (proxy_cpu, load_cpu) = plan.cpus();
        identity::write(dir)?;
        let path = dir.to_str().ok_or("the directory's path is not UTF-8")?;
        let (provider, at) = Child::role(load_cpu, &["role", "provider", path])?;
        let to = at.to_string();
        let (floor, floor_at) = Child::role(proxy_cpu, &["role", "floor", path, &to, &plan.floor_alpn])?;
        let gate = match plan.subjects.contains(&Subject::Gate) {
            true => Some(Gate::start(dir, proxy_cpu, at, &dir.join("ca.pem")).await?),
            false => None,
        };
        let mut writer = Writer::default();
        let pool = writer.write(POOL).iter().map(crate::posts::Written::body).collect();
        let direct = direct(dir, at)?;
        Ok(Self {
            direct,
            floor: (floor, gate::through(floor_at)?),
            gate,
            writer,
            pool,
            host: Host::watch()?,
            provider,
        })
    }

    fn usage(&self) -> Result<Usage, Broken> {
        let mut children = vec![self.provider.id(), self.floor.0.id()];
        children.extend(self.gate.as_ref().map(Gate::id));
        Usage::now(&children)
    }

    /// The target, the proxy's process id, and what is sent: for the gate as many new posts as were approved.
    async fn ready(
        &mut self,
        subject: Subject,
        wanted: usize,
        limit: Duration,
    ) -> Result<(Target, Option<u32>, Supply), Broken> {
        let again = || Supply::new(self.pool.clone(), true);
        match (subject, &self.gate) {
            (Subject::Direct, _) => Ok((self.direct.clone(), None, again())),
            (Subject::Floor, _) => Ok((self.floor.1.clone(), Some(self.floor.0.id()), again())),
            (Subject::Gate, None) => Err("the gate was not started".into()),
            (Subject::Gate, Some(gate)) => {
                let posts = self.writer.write(wanted);
                let approved = gate.deposit(&posts, limit).await?;
                let bodies = posts.iter().take(approved).map(crate::posts::Written::body).collect();
                Ok((gate.target()?, Some(gate.id()), Supply::new(bodies, false)))
            }
        }
    }
}

fn direct(dir: &Path, address: SocketAddr) -> Result<Target, Broken> {
    let tls = Some((identity::client(dir, "http/1.1")?, identity::server_name()?));
    Ok(Target { address, tls, path: "/2/tweets", headers: gate::tool_headers(identity::HOST)? })
}

async fn measured(plan: &Plan, dir: &Path) -> Result<Results, Broken> {
    let begun = Instant::now();
    let mut stage = Stage::set(plan, dir).await?;
    let mut results = Results { start: stage.gate.as_ref().map(Gate::started), ..Results::default() };
    let before = stage.usage()?;
    for round in 0..plan.rounds {
        let round_begun = Instant::now();
        let mut syncs = Syncs::default();
        for subject in &plan.subjects {
            syncs.probe(dir, plan.cpus())?;
            for connections in plan.connections.iter().copied() {
                let cell = closed(plan, &mut stage, &results, *subject, connections).await?;
                keep(&mut results, round, *subject, Load::Closed(connections), cell, &stage)?;
            }
            let cell = open(plan, &mut stage, *subject).await?;
            keep(&mut results, round, *subject, Load::Open, cell, &stage)?;
        }
        results.disk.push(syncs.disk(&stage.host));
        results.seconds = begun.elapsed().as_secs_f64();
        results.others = stage.usage()?.others_since(&before);
        eprintln!("round {} of {} took {:.0} s", round + 1, plan.rounds, round_begun.elapsed().as_secs_f64());
        if round + 1 < plan.rounds && begun.elapsed() + round_begun.elapsed() > plan.budget {
            eprintln!("no time for another round within {:?}", plan.budget);
            break;
        }
    }
    Ok(results)
}

async fn closed(
    plan: &Plan,
    stage: &mut Stage,
    results: &Results,
    subject: Subject,
    connections: usize,
) -> Result<Cell, Broken> {
    let length = if subject == Subject::Gate { plan.gate_cell } else { plan.cell };
    let guess = if connections == 1 { GUESS.0 } else { GUESS.1 };
    let rate = results.last_rate(subject, Load::Closed(connections)).map_or(guess, |rate| rate * 1.5);
    let wanted = (rate * (length + WARM_UP).as_secs_f64()) as usize + connections;
    let (target, proxy, supply) = stage.ready(subject, wanted, DEPOSIT).await?;
    load::closed(&target, connections, length, supply, proxy).await
}

async fn open(plan: &Plan, stage: &mut Stage, subject: Subject) -> Result<Cell, Broken> {
    let wanted = (f64::from(OPEN_RATE) * (plan.open + WARM_UP).as_secs_f64()) as usize + 1;
    let (target, proxy, supply) = stage.ready(subject, wanted, DEPOSIT * 2).await?;
    load::open(&target, plan.open, supply, (proxy, &stage.host)).await
}

fn keep(
    results: &mut Results,
    round: usize,
    subject: Subject,
    load: Load,
    cell: Cell,
    stage: &Stage,
) -> Result<(), Broken> {
    let wrong = cell.wrong.total();
    if wrong > 0 {
        let sample = cell.wrong.sample.as_deref().unwrap_or_default();
        let said = format!("{} {load}: not 201: {:?} {sample}", subject.as_str(), cell.wrong.counts);
        eprintln!("{said}");
        if wrong as f64 > HOPELESS * (wrong + cell.right) as f64 {
            let log = stage.gate.as_ref().filter(|_| subject == Subject::Gate).map(Gate::log_end).unwrap_or_default();
            return Err(format!("FAILED: {said}\n{log}").into());
        }
    }
    if cell.right == 0 {
        return Err(format!("FAILED: {} {load}: nothing was measured", subject.as_str()).into());
    }
    results.measured.push(Measured { round, subject, load, cell });
    Ok(())
}
