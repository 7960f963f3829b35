//! `cargo bench --bench inspect`: what inspection takes, and that it grows with the length of the text and no faster.
//!
//! It fails if a text of eight times the length takes more than forty times as long.

#![expect(clippy::print_stdout, reason = "the table is this program's work")]

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use sekisho::config::inspect::Inspect;
use sekisho::domain::post::{Field, Post, Role};
use sekisho::domain::tree::Tree;
use sekisho::inspect::{RuleSet, inspect};

/// What a ward writes on an ordinary day.
const ORDINARY: &str = "区立中央公園の花壇が見ごろを迎えました。詳しくはhttps://www.city.example.lg.jp/park/をご覧ください。\
    車いすやベビーカーでもご覧いただけます。お問い合わせは公園緑地課（電話03-0000-0000）まで。";
/// Characters of an ordinary text.
const LENGTHS: [usize; 2] = [280, 5_000];
/// How often an ordinary text is inspected.
const TIMES: usize = 2_000;
/// How much longer the longer of two texts is, and how much longer it may take: a square of it would be 64.
const LONGER: usize = 8;
const SLOWER: f64 = 40.0;

fn main() -> ExitCode {
    if !std::env::args().any(|argument| argument == "--bench") {
        return ExitCode::SUCCESS;
    }
    let Ok(rules) = RuleSet::load(&Inspect::default()) else {
        println!("broken: the rules do not load");
        return ExitCode::FAILURE;
    };
    println!("\n# Inspection\n\n| ordinary text | p50 us | p99 us |\n|---|---|---|");
    for length in LENGTHS {
        let post = post(ORDINARY.chars().cycle().take(length).collect());
        let mut times: Vec<f64> = (0..TIMES).map(|_| micros(once(&rules, &post))).collect();
        times.sort_by(f64::total_cmp);
        let at = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or(f64::INFINITY);
        println!("| {length} characters | {:.1} | {:.1} |", at(50), at(99));
    }
    println!("\n| unkind text | bytes | us | {LONGER} times as long: us | slower by |\n|---|---|---|---|---|");
    let mut kept = true;
    for (text, times) in UNKIND {
        let [short, long] = [1, LONGER].map(|longer| post(text.repeat(times * longer)));
        let (one, eight) = (least(&rules, &short), least(&rules, &long));
        let slower = eight / one;
        kept &= slower <= SLOWER;
        println!("| `{}` | {} | {one:.0} | {eight:.0} | {slower:.1} |", text.escape_debug(), text.len() * times);
    }
    if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What a detector that looks around itself, or an expression that goes back, would be slow on; and how often.
const UNKIND: [(&str, usize); 13] = [
    ("\u{200b}", 1000),
    ("%25", 1000),
    ("○", 1000),
    ("1 ", 1000),
    ("bit.ly ", 400),
    ("取扱注意", 300),
    ("{{", 1500),
    ("か\u{3099}", 700),
    ("a\u{301}", 1000),
    ("_", 3000),
    ("「○○", 500),
    ("a.", 1500),
    ("ａa", 700),
];

fn post(text: String) -> Post {
    let field = Field { role: Role::Text, at: "/text".to_owned(), value: Tree::Text(text) };
    Post { fields: vec![field], ..Post::default() }
}

fn once(rules: &RuleSet, post: &Post) -> Duration {
    let from = Instant::now();
    black_box(inspect(rules, black_box(post)));
    from.elapsed()
}

/// The shortest of five, because other work on the machine only ever adds.
fn least(rules: &RuleSet, post: &Post) -> f64 {
    micros((0..5).map(|_| once(rules, post)).min().unwrap_or(Duration::MAX))
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
