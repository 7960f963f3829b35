//! `cargo bench --bench road`: the whole road beside a bare hyper proxy, in one interleaved run.
//!
//! The parent is the load generator. It executes itself again for the provider and for the bare proxy (`role ...`),
//! and the real `sekisho` for the gate. What is measured and how to read it stands in `benches/README.md`.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the tables and what went wrong are this program's work"
)]

mod child;
mod disk;
mod figures;
mod floor;
mod gate;
mod host;
mod identity;
mod load;
mod plan;
mod posts;
mod provider;
mod run;
mod table;

use std::process::ExitCode;

/// What stops a run.
type Broken = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["role", "provider", dir] => provider::role(dir.as_ref()),
        ["role", "floor", dir, provider, alpn] => floor::role(dir.as_ref(), provider, alpn),
        ["role", "under", program, arguments @ ..] => child::become_program(program, arguments),
        words if words.contains(&"--bench") => run::whole(),
        _ => {
            eprintln!("this measures for about six minutes; start it by `cargo bench --bench road`");
            return ExitCode::SUCCESS;
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(broken) => {
            eprintln!("broken: {broken}");
            ExitCode::FAILURE
        }
    }
}
