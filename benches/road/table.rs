//! What is printed: the conditions, two tables, the disk, the two acceptance figures.

use crate::disk::Disk;
use crate::figures::{Latency, Spread};
use crate::gate::Start;
use crate::load::Cell;
use crate::plan::{CONNECTIONS, JUDGED, OPEN_CONNECTIONS, OPEN_RATE, Plan, Subject};

/// Least throughput of the gate, as a share of the floor's.
const LEAST_RATIO: f64 = 0.10;
/// What the gate may add over the disk's own p50 and p99, in milliseconds.
const MORE_P50: f64 = 0.6;
const MORE_P99: f64 = 1.5;
/// Undisturbed posts of a round by which it can be judged: ten of them lie beyond the 99th percentile.
const ENOUGH: usize = 1_000;

/// How a cell was loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Load {
    /// So many connections, each with one request at a time.
    Closed(usize),
    /// Requests at fixed times.
    Open,
}

impl std::fmt::Display for Load {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Closed(connections) => write!(f, "c={connections}"),
            Self::Open => write!(f, "open {OPEN_RATE}/s"),
        }
    }
}

/// One cell and where it stands.
pub(crate) struct Measured {
    /// The round, from 0.
    pub(crate) round: usize,
    /// Who was measured.
    pub(crate) subject: Subject,
    /// How.
    pub(crate) load: Load,
    /// What came of it.
    pub(crate) cell: Cell,
}

/// Everything measured so far.
#[derive(Default)]
pub(crate) struct Results {
    /// The cells, in the order of the run.
    pub(crate) measured: Vec<Measured>,
    /// `fdatasync` of each round.
    pub(crate) disk: Vec<Disk>,
    /// How long it took.
    pub(crate) seconds: f64,
    /// How the gate started, if it did.
    pub(crate) start: Option<Start>,
    /// The share of the machine's CPU time that others took meanwhile.
    pub(crate) others: f64,
}

impl Results {
    fn cells(&self, subject: Subject, load: Load) -> impl Iterator<Item = (usize, &Cell)> {
        let wanted = move |one: &&Measured| one.subject == subject && one.load == load;
        self.measured.iter().filter(wanted).map(|one| (one.round, &one.cell))
    }

    fn spread(&self, subject: Subject, load: Load, figure: impl Fn(&Cell) -> f64) -> Option<Spread> {
        Spread::of(self.cells(subject, load).map(|(_, cell)| figure(cell)))
    }

    /// One figure of `one` and of `other`, put together round by round: what a round has in common falls out.
    fn paired(
        &self,
        (one, other): (Subject, Subject),
        load: Load,
        together: impl Fn(&Cell, &Cell) -> f64,
    ) -> Option<Spread> {
        let pairs = self.cells(one, load).filter_map(|(round, cell)| {
            let (_, beside) = self.cells(other, load).find(|(other_round, _)| *other_round == round)?;
            Some(together(cell, beside))
        });
        Spread::of(pairs)
    }

    /// The rate of the latest such cell.
    pub(crate) fn last_rate(&self, subject: Subject, load: Load) -> Option<f64> {
        self.cells(subject, load).last().map(|(_, cell)| cell.rate)
    }

    /// Answers that were not 201, in all.
    pub(crate) fn wrong(&self) -> usize {
        self.measured.iter().map(|one| one.cell.wrong.total()).sum()
    }

    fn disk(&self, figure: impl Fn(&Disk) -> f64) -> Option<Spread> {
        Spread::of(self.disk.iter().map(figure))
    }
}

/// Prints all of it, in Markdown.
pub(crate) fn print(plan: &Plan, results: &Results) {
    let pinned = if plan.pin { "proxy on CPU 0, load and provider on CPU 1" } else { "not pinned" };
    let rest = if plan.awake.is_some() { "no processor goes to sleep" } else { "idle processors go to sleep" };
    println!("\n# The road beside a bare proxy\n");
    println!(
        "{} rounds interleaved in {:.0} s; {pinned}; {rest}; provider: TLS 1.3 on loopback; floor to provider: {}.",
        results.disk.len(),
        results.seconds,
        plan.floor_alpn
    );
    if cfg!(debug_assertions) {
        println!("**Not an optimised build: no figure here means anything.**");
    }
    println!(
        "Other programs and neighbours took {:.0} % of the CPU time meanwhile: the more, the less the figures say.",
        results.others * 100.0
    );
    if let Some(start) = results.start {
        let (ms, mib) = (start.ready_after.as_secs_f64() * 1e3, start.resident_kib as f64 / 1024.0);
        println!("The gate was ready {ms:.0} ms after its first start and then held {mib:.1} MiB.");
    }
    wakefulness(plan);
    println!("Each figure is the median over the rounds, with [least to greatest].");
    closed_table(plan, results);
    open_table(plan, results);
    disk_table(results);
    acceptance(plan, results);
}

/// What keeps processors awake in the gate's cells.
fn wakefulness(plan: &Plan) {
    if plan.awake.is_some() || !plan.subjects.contains(&Subject::Gate) {
        return;
    }
    if crate::child::keep_awake().is_ok() {
        println!(
            "The gate may ask Linux that no processor sleep (decision 0035): in its cells none does, its own or that of load \
             and provider."
        );
        return;
    }
    let groups = std::fs::read_to_string("/proc/sys/kernel/sched_autogroup_enabled").unwrap_or_default();
    if !["", "0"].contains(&groups.trim()) {
        println!(
            "**kernel.sched_autogroup_enabled is {}: the kernel's own threads may wait for the gate's (decision 0034).**",
            groups.trim()
        );
    }
}

fn closed_table(plan: &Plan, results: &Results) {
    println!("\n## Closed loop\n");
    println!(
        "| subject | connections | posts/s | p50 ms | p99 ms | p99.9 ms | proxy CPU us/post | of floor | not 201 |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for subject in &plan.subjects {
        for connections in CONNECTIONS {
            let load = Load::Closed(connections);
            let of_floor = results.paired((*subject, Subject::Floor), load, |one, floor| one.rate / floor.rate);
            println!(
                "| {} | {connections} | {} | {} | {} | {} | {} | {} | {} |",
                subject.as_str(),
                written(results.spread(*subject, load, |cell| cell.rate), 0),
                written(results.spread(*subject, load, |cell| cell.latency.p50), 2),
                written(results.spread(*subject, load, |cell| cell.latency.p99), 2),
                middle(results.spread(*subject, load, |cell| cell.latency.p999), 2),
                proxy_cpu(results, *subject, load),
                written(of_floor, 3),
                wrong(results, *subject, load),
            );
        }
    }
}

fn open_table(plan: &Plan, results: &Results) {
    println!("\n## Open loop: {OPEN_RATE} posts/s over {OPEN_CONNECTIONS} connections, from the scheduled moment\n");
    println!("| subject | posts/s | p50 ms | p99 ms | p99.9 ms | proxy CPU us/post | proxy RSS MiB | not 201 |");
    println!("|---|---|---|---|---|---|---|---|");
    for subject in &plan.subjects {
        let resident: Vec<f64> = results
            .cells(*subject, Load::Open)
            .filter_map(|(_, cell)| cell.resident_kib)
            .map(|kib| kib as f64 / 1024.0)
            .collect();
        println!(
            "| {} | {} | {} | {} | {} | {} | {} | {} |",
            subject.as_str(),
            middle(results.spread(*subject, Load::Open, |cell| cell.rate), 0),
            written(results.spread(*subject, Load::Open, |cell| cell.latency.p50), 3),
            written(results.spread(*subject, Load::Open, |cell| cell.latency.p99), 3),
            middle(results.spread(*subject, Load::Open, |cell| cell.latency.p999), 2),
            proxy_cpu(results, *subject, Load::Open),
            written(Spread::of(resident), 1),
            wrong(results, *subject, Load::Open),
        );
    }
}

fn disk_table(results: &Results) {
    println!("\n## The disk's own 4 KiB + fdatasync, between the subjects of the same rounds\n");
    println!("| file | p50 ms | p99 ms |");
    println!("|---|---|---|");
    let row = |name: &str, figure: fn(&Disk) -> &Latency| {
        let (p50, p99) = (results.disk(|disk| figure(disk).p50), results.disk(|disk| figure(disk).p99));
        println!("| {name} | {} | {} |", written(p50, 3), written(p99, 3));
    };
    row("extending, back to back", |d| &d.extending);
    row("overwriting (zeroed before), back to back", |d| &d.overwriting);
    row(&format!("overwriting, {OPEN_RATE} times a second"), |d| &d.paced);
    row("the same from the CPU of load and provider", |d| &d.elsewhere);
}

fn acceptance(plan: &Plan, results: &Results) {
    println!("\n## Acceptance\n");
    if !plan.subjects.contains(&Subject::Gate) {
        let added = |figure: fn(&Cell) -> f64| {
            results
                .paired((Subject::Floor, Subject::Direct), Load::Open, |floor, direct| figure(floor) - figure(direct))
        };
        println!("The gate was left out (ROAD_SUBJECTS). The floor adds over direct, open loop:");
        println!("p50 {} ms, p99 {} ms.", written(added(p50), 3), written(added(p99), 3));
        return;
    }
    let ratio =
        results.paired((Subject::Gate, Subject::Floor), Load::Closed(JUDGED), |gate, floor| gate.rate / floor.rate);
    println!(
        "- {}: gate / floor at {JUDGED} connections: {}; at least {LEAST_RATIO:.2} is asked for",
        verdict(ratio.is_some_and(|ratio| ratio.median >= LEAST_RATIO)),
        written(ratio, 3)
    );
    let cpu = results.paired((Subject::Floor, Subject::Gate), Load::Closed(JUDGED), |floor, gate| {
        floor.cpu_us.unwrap_or(f64::NAN) / gate.cpu_us.unwrap_or(f64::NAN)
    });
    println!("  (floor's CPU / gate's CPU for one post, which a busy machine disturbs less: {})", written(cpu, 3));
    undisturbed_share(results);
    undisturbed(results, "p50", |of| of.p50, MORE_P50);
    undisturbed(results, "p99", |of| of.p99, MORE_P99);
    println!("\nWith all posts and syncs, disturbed or not:\n");
    added(results, "p50", p50, |d| d.p50, MORE_P50);
    added(results, "p99", p99, |d| d.p99, MORE_P99);
}

/// The rounds that can be judged without what the host's neighbours did.
fn judged(results: &Results) -> Vec<usize> {
    let enough = |subject, round| {
        results.cells(subject, Load::Open).any(|(one, cell)| one == round && cell.undisturbed.1 >= ENOUGH)
    };
    let both = |round: &usize| enough(Subject::Direct, *round) && enough(Subject::Gate, *round);
    (0..results.disk.len()).filter(both).collect()
}

fn undisturbed_share(results: &Results) {
    let share = |subject| {
        let of = |count: fn(&Cell) -> usize| -> usize {
            results.cells(subject, Load::Open).map(|(_, cell)| count(cell)).sum()
        };
        100.0 * of(|cell| cell.undisturbed.1) as f64 / of(|cell| cell.right).max(1) as f64
    };
    println!(
        "- posts in whose time the host took no processor away: direct {:.0} %, floor {:.0} %, gate {:.0} %; with {ENOUGH} of them at least: {} of {} rounds",
        share(Subject::Direct),
        share(Subject::Floor),
        share(Subject::Gate),
        judged(results).len(),
        results.disk.len(),
    );
}

/// The same comparison, of those posts and syncs that the host took no time from.
fn undisturbed(results: &Results, name: &str, figure: fn(&Latency) -> f64, more: f64) {
    let rounds = judged(results);
    let of = |subject, round: usize| {
        let (_, cell) = results.cells(subject, Load::Open).find(|(one, _)| *one == round)?;
        Some(figure(&cell.undisturbed.0))
    };
    let added = Spread::of(rounds.iter().filter_map(|r| Some(of(Subject::Gate, *r)? - of(Subject::Direct, *r)?)));
    let syncs = rounds.iter().filter_map(|round| results.disk.get(*round)).map(|disk| figure(&disk.undisturbed));
    // A round with too few undisturbed syncs has none to be judged by.
    let bound = Spread::of(syncs.filter(|sync| sync.is_finite())).map(|sync| sync.median + more);
    println!(
        "- {}: added {name} over direct at {OPEN_RATE}/s, undisturbed: {} ms; at most fdatasync {name} + {more} = {} ms is asked for",
        verdict(added.zip(bound).is_some_and(|(added, bound)| added.median <= bound)),
        written(added, 3),
        bound.map_or_else(|| "-".to_owned(), |bound| format!("{bound:.3}")),
    );
}

/// Judged by the disk as the proxy asks it at this rate; how it stands against the disk asked otherwise is said as well.
fn added(results: &Results, name: &str, figure: fn(&Cell) -> f64, sync: fn(&Latency) -> f64, more: f64) {
    let over = |other| results.paired((Subject::Gate, other), Load::Open, |gate, other| figure(gate) - figure(other));
    let (direct, floor) = (over(Subject::Direct), over(Subject::Floor));
    let bound = |of: fn(&Disk) -> &Latency| {
        results.disk(|disk| sync(of(disk))).map_or(f64::NEG_INFINITY, |disk| disk.median + more)
    };
    let meets = |bound: f64| direct.is_some_and(|direct| direct.median <= bound);
    let asked = bound(|disk| &disk.paced);
    println!(
        "- {}: added {name} over direct at {OPEN_RATE}/s: {} ms (over floor: {}); at most fdatasync {name} + {more} = {asked:.3} ms is asked for",
        verdict(meets(asked)),
        written(direct, 3),
        written(floor, 3),
    );
    let stands = |bound: f64| format!("{bound:.3} ms, which it {}", if meets(bound) { "meets" } else { "misses" });
    println!(
        "  (with the disk asked from the other CPU: {}; back to back: {})",
        stands(bound(|disk| &disk.elsewhere)),
        stands(bound(|disk| &disk.overwriting))
    );
}

fn p50(cell: &Cell) -> f64 {
    cell.latency.p50
}

fn p99(cell: &Cell) -> f64 {
    cell.latency.p99
}

fn verdict(passes: bool) -> &'static str {
    if passes { "PASS" } else { "FAIL" }
}

fn proxy_cpu(results: &Results, subject: Subject, load: Load) -> String {
    written(Spread::of(results.cells(subject, load).filter_map(|(_, cell)| cell.cpu_us)), 1)
}

fn wrong(results: &Results, subject: Subject, load: Load) -> usize {
    results.cells(subject, load).map(|(_, cell)| cell.wrong.total()).sum()
}

fn written(spread: Option<Spread>, decimals: usize) -> String {
    spread.map_or_else(|| "-".to_owned(), |spread| spread.written(decimals))
}

fn middle(spread: Option<Spread>, decimals: usize) -> String {
    spread.map_or_else(|| "-".to_owned(), |spread| format!("{:.decimals$}", spread.median))
}
