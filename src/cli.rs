//! The command line: arguments in, one of four exit codes out. Everything is written through the writers it is given.
//!
//! What needs the whole gateway (`serve`, `demo`, `inspect`, ...) is behind `Commands`, which `main` fills in.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Parser;

use crate::config::{Config, Problem};
use crate::domain::account::AccountId;
use crate::domain::action::Action;
use crate::domain::chance::SystemChance;
use crate::domain::clock::{Clock, SystemClock};
use crate::domain::digest::Digest;
use crate::domain::ports::Chance;
use crate::recognise::report::Described;

mod account;
mod approval;
mod args;
mod book;
mod check;
mod client;
mod clients;
mod egress;
mod embargo;
mod emergency;
mod guideline;
mod house;
mod incident;
mod keys;
pub mod length;
mod lists;
mod manual;
mod media;
mod pure;
mod registry;
mod registry_args;
pub mod request;
mod rules;
mod ticket;

use args::RulesCommand;
pub use args::{Cli, Command, LedgerCommand};
pub use request::PostRequest;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: done.
    Done,
    /// 1: refused, or problems were found.
    Refused,
    /// 2: the arguments, the input or the configuration cannot be understood.
    Usage,
    /// 3: it cannot run: a file, a port, a gateway that does not answer.
    CannotRun,
}

impl Exit {
    /// The process's exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Refused => 1,
            Self::Usage => 2,
            Self::CannotRun => 3,
        }
    }
}

/// What a command reads and writes, and where it takes time and ids from.
pub struct Io<'a> {
    /// Standard input.
    pub input: &'a mut dyn Read,
    /// Standard output.
    pub out: &'a mut dyn Write,
    /// Standard error.
    pub err: &'a mut dyn Write,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes ids.
    pub chance: Arc<dyn Chance>,
}

impl Io<'_> {
    /// One line on standard output. A reader that went away (`| head`) is no reason to fail.
    pub fn say(&mut self, line: impl std::fmt::Display) {
        let _ = writeln!(self.out, "{line}");
    }

    /// One line on standard error.
    pub fn complain(&mut self, line: impl std::fmt::Display) {
        let _ = writeln!(self.err, "sekisho: {line}");
    }

    /// Every problem on standard error.
    pub fn complain_all(&mut self, problems: &[Problem]) {
        for problem in problems {
            self.complain(problem);
        }
    }
}

/// What the pure stages make of one request.
#[derive(Clone, Debug)]
pub struct Digested {
    /// The action.
    pub action: Action,
    /// The account, where the request names one.
    pub account: Option<AccountId>,
    /// The normal form that is hashed.
    pub normal_form: serde_json::Value,
    /// The digest.
    pub digest: Digest,
}

/// One more look at a configuration.
pub type Check = fn(&Config) -> Vec<Problem>;

/// What needs the whole gateway. `main` gives an implementation; runtimes are its own affair.
pub trait Commands {
    /// `serve`: until it is told to stop.
    fn serve(&self, config: Config, io: &mut Io<'_>) -> Exit;
    /// `demo`, and `demo --tour`.
    fn demo(&self, tour: bool, io: &mut Io<'_>) -> Exit;
    /// `practice`: the practice providers.
    fn practice(&self, listen: SocketAddr, dir: &Path, io: &mut Io<'_>) -> Exit;
    /// `inspect`: NDJSON in, NDJSON out.
    fn inspect(&self, config: Config, io: &mut Io<'_>) -> Exit;
    /// What a request would be: for `digest` and for `approval issue`. The error is the sentence to show.
    fn digest(&self, config: &Config, request: &PostRequest) -> Result<Digested, String>;
    /// `ledger verify|tail|export|checkpoint`.
    fn ledger(&self, config: Config, command: LedgerCommand, io: &mut Io<'_>) -> Exit;
    /// The checks of `check`, after the configuration itself was read: providers, guidelines, lists, keys.
    fn checks(&self) -> Vec<Check>;
    /// What the provider definitions of a configuration open and close, for `check`.
    fn described(&self, _config: &Config) -> Vec<Described> {
        Vec::new()
    }
}

/// The program: standard streams, the system's clock and chance, the whole gateway.
pub fn main(args: impl IntoIterator<Item = OsString>) -> std::process::ExitCode {
    let mut io = Io {
        input: &mut std::io::stdin(),
        out: &mut std::io::stdout(),
        err: &mut std::io::stderr(),
        clock: Arc::new(SystemClock),
        chance: Arc::new(SystemChance),
    };
    run(args, &house::House, &mut io).code().into()
}

/// Parses the arguments (the first is the program's name) and runs the command.
pub fn run(args: impl IntoIterator<Item = OsString>, commands: &dyn Commands, io: &mut Io<'_>) -> Exit {
    match Cli::try_parse_from(args) {
        Ok(cli) => dispatch(cli.command, commands, io),
        Err(error) if error.use_stderr() => {
            let _ = write!(io.err, "{error}");
            Exit::Usage
        }
        Err(help) => {
            let _ = write!(io.out, "{help}");
            Exit::Done
        }
    }
}

fn dispatch(command: Command, commands: &dyn Commands, io: &mut Io<'_>) -> Exit {
    match command {
        Command::Serve { config } => with(&config.files, io, |config, io| commands.serve(config, io)),
        Command::Demo { tour } => commands.demo(tour, io),
        Command::Practice { listen, dir } => commands.practice(listen, &dir, io),
        Command::Check { config, json } => check::check(&config.files, json, commands, io),
        Command::Egress { config, format, gateway, port, from } => {
            let asked = egress::Asked { format, gateway, port, from };
            with(&config.files, io, |config, io| egress::run(&config, &asked, io))
        }
        Command::Inspect { config } => with(&config.files, io, |config, io| commands.inspect(config, io)),
        Command::Rules { command: RulesCommand::Check { config, last } } => {
            with(&config.files, io, |config, io| rules::check(&config, last, io))
        }
        Command::Media { command: args::MediaCommand::Strip { from, to } } => media::strip(&from, &to, io),
        Command::Rules { command: RulesCommand::Overrides { config, days, json } } => {
            with(&config.files, io, |config, io| rules::overrides(&config, days, json, io))
        }
        Command::Guideline { command: args::GuidelineCommand::Diff(asked) } => guideline::diff(&asked, io),
        Command::Embargo { command } => embargo::run(command, io),
        Command::Incident { command } => incident::run(command, io),
        Command::Lists { command: args::ListsCommand::Import { config, write, file } } => {
            with(&config.files, io, |config, io| lists::import(&config, &file, write.as_deref(), io))
        }
        Command::Digest { config } => with(&config.files, io, |config, io| request::digest(&config, commands, io)),
        Command::Approval { command } => approval::run(command, commands, io),
        Command::Emergency { command } => emergency::run(command, io),
        Command::Ticket { command } => ticket::run(command, io),
        Command::Manual { command } => manual::run(command, io),
        Command::Ledger { config, command } => {
            with(&config.files, io, |config, io| commands.ledger(config, command, io))
        }
        Command::Account { command } => account::run(command, io),
        Command::Registry { command } => registry::run(command, io),
        Command::Client { command } => clients::run(command, io),
        Command::Key { command } => keys::keys(command, io),
    }
}

/// Runs `then` with the configuration of these files; a configuration that does not load is a usage error.
fn with(files: &[PathBuf], io: &mut Io<'_>, then: impl FnOnce(Config, &mut Io<'_>) -> Exit) -> Exit {
    match crate::config::load(files) {
        Ok(config) => then(config, io),
        Err(problems) => {
            io.complain_all(&problems);
            Exit::Usage
        }
    }
}

#[cfg(test)]
mod tests;
