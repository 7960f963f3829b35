//! `cargo bench --bench inspect`: what inspection takes, in time and memory, and that it grows with the length of the text
//! and no faster.
//!
//! It fails if a text of eight times the length takes more than sixteen times as long. The targets are printed beside the
//! figures; `benches/README.md` says how to read them.

#![expect(clippy::print_stdout, reason = "the table is this program's work")]

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use sekisho::config::inspect::Inspect;
use sekisho::domain::post::{Field, Post, Role};
use sekisho::domain::tree::Tree;
use sekisho::inspect::{RuleSet, inspect};

/// What municipalities write, one text after the other.
const TEXTS: [&str; 3] = [
    include_str!("../tests/cases/inspect/benign/benign_ja.toml"),
    include_str!("../tests/cases/inspect/benign/benign_more.toml"),
    include_str!("../tests/cases/inspect/benign/benign_other.toml"),
];
/// Characters of a post, and at most how long it may take at the 99th percentile, in microseconds.
const LENGTHS: [(usize, f64); 2] = [(280, 300.0), (5_000, 3_000.0)];
/// How often each post is inspected, and how many inspections there are of each length at least: of fewer than a hundred the
/// 99th percentile is the first one, which finds every cache empty.
const TIMES: usize = 40;
const INSPECTIONS: usize = 2_000;
/// How much longer the longer of two texts is, and how much longer it may take: a square of it would be 64.
const LONGER: usize = 8;
const SLOWER: f64 = 16.0;

fn main() -> ExitCode {
    if !std::env::args().any(|argument| argument == "--bench") {
        return ExitCode::SUCCESS;
    }
    let before = resident();
    let from = (Instant::now(), time_of(ClockId::ProcessCPUTime));
    let Ok(rules) = RuleSet::load(&Inspect::default()) else {
        println!("broken: the rules do not load");
        return ExitCode::FAILURE;
    };
    // Several threads take part: what start-up waits for is the time that passes, whoever works.
    let (start, worked) = (from.0.elapsed(), time_of(ClockId::ProcessCPUTime).saturating_sub(from.1));
    let loaded = resident();
    if let Some(rounds) = std::env::var("INSPECT_ROUNDS").ok().and_then(|it| it.parse().ok()) {
        return profiled(&rules, rounds);
    }
    let silent = rules.self_test();
    let sung = from.0.elapsed();
    if !silent.is_empty() {
        println!("broken: {silent:?} do not find their canaries");
        return ExitCode::FAILURE;
    }
    println!(
        "\n# Inspection, CPU time of one thread where nothing else is said, {}\n\n| post of | posts | p50 us | p99 us | at most | |\n|---|---|---|---|---|---|",
        profile()
    );
    let ordinary = ordinary();
    for (length, most) in LENGTHS {
        let posts: Vec<Post> = ordinary.as_slice().chunks(length).filter(|it| it.len() == length).map(of).collect();
        let rounds = TIMES.max(INSPECTIONS / posts.len().max(1));
        let mut times: Vec<f64> = (0..rounds).flat_map(|_| &posts).map(|post| micros(once(&rules, post))).collect();
        times.sort_by(f64::total_cmp);
        let at = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or(f64::INFINITY);
        let word = if at(99) <= most { "kept" } else { "**missed**" };
        println!("| {length} characters | {} | {:.1} | {:.1} | {most} | {word} |", posts.len(), at(50), at(99));
    }
    throughput(&rules, &ordinary);
    println!("| rules ready after, ms by the clock | {:.1} | at most 150 |", start.as_secs_f64() * 1e3);
    println!("| CPU time of all threads for that, ms | {:.1} | - |", worked.as_secs_f64() * 1e3);
    println!("| every rule has found its canary after, ms by the clock | {:.1} | - |", sung.as_secs_f64() * 1e3);
    let held =
        |now: Option<usize>| now.zip(before).map_or(f64::NAN, |(now, then)| now.saturating_sub(then) as f64 / 1024.0);
    println!("| resident memory of the rules, MiB | {:.1} | at most 30 |", held(loaded));
    println!("| the same after all of this | {:.1} | at most 30 |", held(resident()));
    if unkind(&rules) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Inspects all posts of 280 characters so often and measures nothing: for a profiler.
fn profiled(rules: &RuleSet, rounds: usize) -> ExitCode {
    let posts: Vec<Post> = ordinary().chunks(280).map(of).collect();
    for post in (0..rounds).flat_map(|_| &posts) {
        black_box(once(rules, post));
    }
    println!("{} inspections", rounds * posts.len());
    ExitCode::SUCCESS
}

/// Megabytes a second over all posts of 280 characters, one thread.
fn throughput(rules: &RuleSet, ordinary: &[char]) {
    let posts: Vec<Post> = ordinary.chunks(280).map(of).collect();
    let bytes: usize = posts.iter().flat_map(Post::texts).map(|(_, _, text)| text.len()).sum();
    let best = (0..TIMES).map(|_| posts.iter().map(|post| once(rules, post)).sum::<Duration>()).min();
    let rate = bytes as f64 / best.map_or(f64::INFINITY, |it| it.as_secs_f64()) / 1e6;
    println!(
        "\n| measure | | target |\n|---|---|---|\n| MB/s, posts of 280 characters, best round | {rate:.1} | at least 20 |"
    );
}

/// What a detector that looks around itself, or an expression that goes back, would be slow on. Whether time grows with
/// the length and no faster.
fn unkind(rules: &RuleSet) -> bool {
    println!("\n| unkind text | bytes | us | {LONGER} times as long: us | slower by |\n|---|---|---|---|---|");
    let mut kept = true;
    for (text, times) in UNKIND {
        let times = times / text.len() / LONGER;
        let [short, long] = [1, LONGER].map(|longer| of(text.repeat(times * longer).chars().collect::<Vec<_>>()));
        let (one, eight) = (least(rules, &short), least(rules, &long));
        let slower = eight / one;
        kept &= slower <= SLOWER;
        println!("| `{}` | {} | {one:.0} | {eight:.0} | {slower:.1} |", text.escape_debug(), text.len() * times);
    }
    kept
}

/// A text and how many bytes of it there are, repeated.
const UNKIND: [(&str, usize); 22] = [
    ("\u{200b}", 65_536),
    ("お\u{200b}", 65_536),
    ("%25", 65_536),
    ("&amp;", 65_536),
    ("%26%23x25%3B", 65_536),
    ("https://www.city.example.lg.jp/a?b=", 350_000),
    ("bit.ly/a ", 65_536),
    ("○", 65_536),
    ("1 ", 65_536),
    ("090-", 65_536),
    ("取扱注意", 65_536),
    ("部 外 秘 ", 65_536),
    ("死ね", 65_536),
    ("市長は", 65_536),
    ("さんの自宅は", 65_536),
    ("{{", 65_536),
    ("か\u{3099}", 65_536),
    ("a\u{301}", 65_536),
    ("_", 65_536),
    ("「○○", 65_536),
    ("a.", 65_536),
    ("ａa", 65_536),
];

/// All texts as characters, to be cut into posts.
fn ordinary() -> Vec<char> {
    let topics = TEXTS.iter().flat_map(|text| text.lines()).filter_map(|line| line.trim().strip_prefix('"'));
    let texts = topics.map(|line| line.trim_end_matches(',').trim_end_matches('"').replace("\\n", "\n"));
    texts.flat_map(|text| text.chars().chain(std::iter::once('\n')).collect::<Vec<_>>()).collect()
}

fn of(text: impl AsRef<[char]>) -> Post {
    let value = Tree::Text(text.as_ref().iter().collect());
    Post { fields: vec![Field { role: Role::Text, at: "/text".to_owned(), value }], ..Post::default() }
}

fn once(rules: &RuleSet, post: &Post) -> Duration {
    let from = now();
    black_box(inspect(rules, black_box(post)));
    since(from)
}

/// The CPU time that this thread has taken: what other work on the machine takes away does not count.
fn now() -> Duration {
    time_of(ClockId::ThreadCPUTime)
}

fn time_of(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

fn since(from: Duration) -> Duration {
    now().saturating_sub(from)
}

/// The shortest of three, because other work on the machine only ever adds.
fn least(rules: &RuleSet, post: &Post) -> f64 {
    micros((0..3).map(|_| once(rules, post)).min().unwrap_or(Duration::MAX))
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// Resident memory of this process in KiB, where the system tells.
fn resident() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.trim().strip_suffix(" kB")?.parse().ok()
}

fn profile() -> &'static str {
    if cfg!(debug_assertions) { "unoptimised: the figures mean nothing" } else { "optimised" }
}
