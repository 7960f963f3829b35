//! `ledger verify|tail|marked|export|checkpoint`: reading beside a running gateway, or without one.

use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::{Exit, Io, LedgerCommand};
use crate::config::Config;
use crate::ledger::LedgerDown;
use crate::ledger::exported;
use crate::ledger::read::{Logbook, keys};
use crate::ledger::verify::{self, Unverified, Verified};

/// Runs one of the commands.
pub(super) fn run(config: &Config, command: LedgerCommand, io: &mut Io<'_>) -> Exit {
    if let LedgerCommand::Verify { export: Some(dir), json, .. } = &command {
        return verify_exported(dir, *json, io);
    }
    let book = match Logbook::of_database(&config.store) {
        Ok(book) => book,
        Err(problem) => return cannot(io, &problem.to_string()),
    };
    match command {
        LedgerCommand::Verify { organisation, json, .. } => verify_stored(config, &book, organisation, json, io),
        LedgerCommand::Tail { organisation, after, last, follow } => {
            with_log(&book, organisation, io, |log, io| tail(&book, log, after, last, follow, io))
        }
        LedgerCommand::Marked { organisation, mark } => {
            with_log(&book, organisation, io, |log, io| marked(&book, log, &mark, io))
        }
        LedgerCommand::Export { organisation, to } => with_log(&book, organisation, io, |log, io| {
            let vkey = verify::vkey_in(&config.ledger.dir, log).map_err(|problem| LedgerDown(problem.to_string()))?;
            let count = exported::export(&book, log, &vkey, &to)?;
            io.say(format_args!("{count} entries of log {log} in {}", to.display()));
            Ok(())
        }),
        LedgerCommand::Checkpoint { organisation } => with_log(&book, organisation, io, |log, io| {
            let _ = write!(io.out, "{}", book.checkpoint(log)?);
            Ok(())
        }),
    }
}

/// Verifies every log of a configuration; the text says what was verified.
pub(super) fn verified(config: &Config) -> Result<String, String> {
    let book = Logbook::of_database(&config.store).map_err(|problem| problem.to_string())?;
    let logs = book.logs().map_err(|down| down.to_string())?;
    let mut said = Vec::new();
    for log in &logs {
        let verified = one(config, &book, log)?;
        said.push(format!("{log} {} entries", verified.size));
    }
    if said.is_empty() { Err("there is no log".to_owned()) } else { Ok(said.join(", ")) }
}

fn one(config: &Config, book: &Logbook, log: &str) -> Result<Verified, String> {
    let vkey = verify::vkey_in(&config.ledger.dir, log).map_err(|problem| problem.to_string())?;
    let keyring = keys(config).map_err(|problem| problem.to_string())?;
    verify::verify(book, log, &vkey, keyring.as_ref()).map_err(|unverified| in_words(&unverified))
}

fn verify_stored(config: &Config, book: &Logbook, organisation: Option<String>, json: bool, io: &mut Io<'_>) -> Exit {
    let logs = match organisation.map_or_else(|| book.logs(), |log| Ok(vec![log])) {
        Ok(logs) => logs,
        Err(down) => return cannot(io, &down.to_string()),
    };
    if logs.is_empty() {
        return cannot(io, "there is no log yet");
    }
    let mut exit = Exit::Done;
    for log in logs {
        match one(config, book, &log) {
            Ok(verified) => say_verified(&verified, json, io),
            Err(reason) => {
                exit = Exit::Refused;
                say_damaged(&log, &reason, json, io);
            }
        }
    }
    exit
}

fn verify_exported(dir: &Path, json: bool, io: &mut Io<'_>) -> Exit {
    match exported::verify(dir, None) {
        Ok(verified) => {
            say_verified(&verified, json, io);
            Exit::Done
        }
        Err(Unverified::Down(down)) => cannot(io, &down.to_string()),
        Err(damaged @ Unverified::Damaged(_)) => {
            say_damaged(&dir.display().to_string(), &in_words(&damaged), json, io);
            Exit::Refused
        }
    }
}

fn say_verified(verified: &Verified, json: bool, io: &mut Io<'_>) {
    let Verified { log, size, root, payloads, sealed_away } = verified;
    if json {
        io.say(json!({ "log": log, "verified": true, "size": size, "root": root, "payloads": payloads }));
    } else {
        io.say(format_args!(
            "log {log}: {size} entries verified, root {root}; {payloads} payloads opened and compared, {sealed_away} not at hand"
        ));
    }
}

fn say_damaged(log: &str, reason: &str, json: bool, io: &mut Io<'_>) {
    if json {
        io.say(json!({ "log": log, "verified": false, "reason": reason }));
    } else {
        io.say(format_args!("DAMAGED: {reason}"));
    }
}

fn in_words(unverified: &Unverified) -> String {
    match unverified {
        Unverified::Damaged(damage) => damage.to_string(),
        Unverified::Down(down) => down.to_string(),
    }
}

/// The entries with this mark, from the first on.
fn marked(book: &Logbook, log: &str, mark: &str, io: &mut Io<'_>) -> Result<(), LedgerDown> {
    let mut next = 0;
    loop {
        let (found, after) = book.marked(log, mark, next)?;
        for entry in found {
            if writeln!(io.out, "{}", entry.leaf).is_err() {
                return Ok(());
            }
        }
        let Some(after) = after else { return Ok(()) };
        next = after;
    }
}

fn tail(
    book: &Logbook,
    log: &str,
    after: Option<u64>,
    last: u64,
    follow: bool,
    io: &mut Io<'_>,
) -> Result<(), LedgerDown> {
    let size = book.size(log)?;
    let mut next = after.map_or_else(|| size.saturating_sub(last), |after| after + 1);
    loop {
        let entries = book.read(log, next, 1_000)?;
        for entry in &entries {
            if writeln!(io.out, "{}", entry.leaf).is_err() {
                // The reader went away (`| head`).
                return Ok(());
            }
            next = entry.index + 1;
        }
        let _ = io.out.flush();
        if entries.is_empty() {
            if !follow {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

fn with_log(
    book: &Logbook,
    organisation: Option<String>,
    io: &mut Io<'_>,
    then: impl FnOnce(&str, &mut Io<'_>) -> Result<(), LedgerDown>,
) -> Exit {
    let log = match (organisation, book.logs()) {
        (Some(log), _) => log,
        (None, Ok(logs)) => {
            let bodies: Vec<String> =
                logs.into_iter().filter(|log| log != crate::domain::account::GATEWAY_LOG).collect();
            match <[String; 1]>::try_from(bodies) {
                Ok([only]) => only,
                Err(bodies) => {
                    io.complain(format_args!("name one log with --organisation: {}", bodies.join(", ")));
                    return Exit::Usage;
                }
            }
        }
        (None, Err(down)) => return cannot(io, &down.to_string()),
    };
    match then(&log, io) {
        Ok(()) => Exit::Done,
        Err(down) => cannot(io, &down.to_string()),
    }
}

fn cannot(io: &mut Io<'_>, reason: &str) -> Exit {
    io.complain(reason);
    Exit::CannotRun
}
