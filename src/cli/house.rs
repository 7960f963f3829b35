//! The commands that need the whole gateway: `serve`, `demo`, `practice`.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{Check, Commands, Digested, Exit, Io, LedgerCommand, PostRequest, book, pure};
use crate::config::{Config, Problem};
use crate::demo;
use crate::domain::clock::SystemClock;
use crate::observe::{self, LogFormat};
use crate::practice;
use crate::recognise::Definitions;
use crate::recognise::report::Described;
use crate::serve;

/// The whole gateway, as the command line commands it.
pub(super) struct House;

impl Commands for House {
    fn serve(&self, config: Config, io: &mut Io<'_>) -> Exit {
        start_logging(io);
        with_runtime(io, |io, runtime| runtime.block_on(run(config, io)))
    }

    fn demo(&self, tour: bool, io: &mut Io<'_>) -> Exit {
        let dir = match tempfile::Builder::new().prefix("sekisho-demo-").tempdir() {
            Ok(dir) => dir,
            Err(error) => return cannot_run(io, &format!("no directory for the demo: {error}")),
        };
        with_runtime(
            io,
            |io, runtime| {
                if tour { play(io, runtime, dir.path()) } else { runtime.block_on(show(io, dir.path())) }
            },
        )
    }

    fn practice(&self, listen: SocketAddr, dir: &Path, io: &mut Io<'_>) -> Exit {
        let clock = Arc::clone(&io.clock);
        with_runtime(io, |io, runtime| {
            runtime.block_on(async {
                let stop = Stop::catch();
                match practice::run(listen, dir, clock).await {
                    Ok((practice, text)) => {
                        io.say(text);
                        let _ = io.out.flush();
                        stop.told().await;
                        practice.stop();
                        Exit::Done
                    }
                    Err(error) => cannot_run(io, &error.to_string()),
                }
            })
        })
    }

    fn inspect(&self, config: Config, io: &mut Io<'_>) -> Exit {
        pure::inspect(&config, io)
    }

    fn digest(&self, config: &Config, request: &PostRequest) -> Result<Digested, String> {
        pure::digest(config, request)
    }

    fn ledger(&self, config: Config, command: LedgerCommand, io: &mut Io<'_>) -> Exit {
        book::run(&config, command, io)
    }

    fn checks(&self) -> Vec<Check> {
        vec![|config| serve::check(config, &SystemClock)]
    }

    fn described(&self, config: &Config) -> Vec<Described> {
        Definitions::load(&config.providers).map(|definitions| definitions.described()).unwrap_or_default()
    }
}

async fn run(config: Config, io: &mut Io<'_>) -> Exit {
    let stop = Stop::catch();
    let overridden: Vec<String> = upstreams(&config);
    let running = match serve::start(config, Arc::clone(&io.clock), Arc::clone(&io.chance)).await {
        Ok(running) => running,
        Err(problems) => {
            io.complain_all(&problems);
            return Exit::CannotRun;
        }
    };
    for warning in running.warnings.iter().chain(&overridden) {
        tracing::warn!("{warning}");
    }
    io.say(format_args!("gateway {}", running.gateway));
    io.say(format_args!("console {}", running.console));
    if let Some(address) = &running.media {
        io.say(format_args!("media {address}"));
    }
    for (provider, address) in &running.origins {
        io.say(format_args!("origin {provider} {address}"));
    }
    let _ = io.out.flush();
    tokio::select! {
        () = stop.told() => {}
        () = running.stopped() => {}
    }
    let failed = running.has_failed();
    running.stop().await;
    if failed { cannot_run(io, "the ledger failed; see the log") } else { Exit::Done }
}

/// Addresses that stand in for a provider's own, said loudly at every start.
fn upstreams(config: &Config) -> Vec<String> {
    let media = config
        .media
        .upstream
        .iter()
        .map(|(host, address)| format!("[media] upstream: {host} is reached at {address}, not where DNS says"));
    config
        .providers
        .iter()
        .flat_map(|(id, provider)| {
            provider.upstream.iter().map(move |(host, address)| {
                format!("[providers.{id}] upstream: {host} is reached at {address}, not where DNS says")
            })
        })
        .chain(media)
        .collect()
}

fn play(io: &mut Io<'_>, runtime: &Runtime, dir: &Path) -> Exit {
    let mut told = Vec::new();
    let played =
        runtime.block_on(demo::tour(dir, Arc::clone(&io.clock), Arc::clone(&io.chance), book::verified, &mut told));
    io.say(String::from_utf8_lossy(&told));
    match played {
        Ok(()) => Exit::Done,
        Err(error) => {
            io.complain(error);
            Exit::Refused
        }
    }
}

async fn show(io: &mut Io<'_>, dir: &Path) -> Exit {
    let stop = Stop::catch();
    match demo::start(dir, Arc::clone(&io.clock), Arc::clone(&io.chance)).await {
        Ok(demo) => {
            io.say(demo::what_to_try(&demo, dir));
            let _ = io.out.flush();
            stop.told().await;
            demo.running.stop().await;
            Exit::Done
        }
        Err(problems) => cannot_run(io, &demo::in_words(&problems)),
    }
}

/// SIGINT and SIGTERM, caught from the moment this returns: before anything is started or said, since a signal without
/// a handler ends the process with the ledger open.
struct Stop(Option<(Signal, Signal)>);

impl Stop {
    fn catch() -> Self {
        match (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) {
            (Ok(interrupt), Ok(terminate)) => Self(Some((interrupt, terminate))),
            _ => Self(None),
        }
    }

    /// Until one of them comes. Without a handler nothing would close the ledger in order, so that is a stop as well.
    async fn told(self) {
        let Some((mut interrupt, mut terminate)) = self.0 else {
            tracing::error!("signals cannot be caught; stopping");
            return;
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }
}

fn start_logging(io: &mut Io<'_>) {
    let filter = std::env::var("SEKISHO_LOG").unwrap_or_else(|_| "info".to_owned());
    let format = if std::env::var("SEKISHO_LOG_FORMAT").is_ok_and(|format| format == "text") {
        LogFormat::Text
    } else {
        LogFormat::Json
    };
    if let Err(reason) = observe::start_logging(format, &filter) {
        io.complain(reason);
    }
}

fn with_runtime(io: &mut Io<'_>, run: impl FnOnce(&mut Io<'_>, &Runtime) -> Exit) -> Exit {
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => run(io, &runtime),
        Err(error) => cannot_run(io, &format!("no runtime: {error}")),
    }
}

fn cannot_run(io: &mut Io<'_>, reason: &str) -> Exit {
    io.complain(reason);
    Exit::CannotRun
}

/// Problems that stop a command before it does anything.
pub(super) fn refuse_to_run(io: &mut Io<'_>, problems: &[Problem]) -> Exit {
    io.complain_all(problems);
    Exit::CannotRun
}
