//! `lists import`: what a public list of URL shorteners would add to the list in force, and the additions as a list.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use serde::Deserialize;

use super::{Exit, Io};
use crate::config::Config;
use crate::inspect::RuleSet;
use crate::inspect::shorteners::{Shorteners, is_host};

/// A MISP warning list.
#[derive(Deserialize)]
struct Warninglist {
    #[serde(default)]
    name: String,
    #[serde(default)]
    version: u64,
    list: Vec<String>,
}

/// A public list as it was read.
struct Public {
    source: String,
    hosts: BTreeSet<String>,
    unreadable: usize,
}

/// `lists import FILE [--write OUT]`. The list in force is that of the configuration, or the built-in one.
pub(super) fn import(config: &Config, file: &Path, write: Option<&Path>, io: &mut Io<'_>) -> Exit {
    let rules = match RuleSet::load(&config.inspect) {
        Ok(rules) => rules,
        Err(problems) => {
            io.complain_all(&problems);
            return Exit::Usage;
        }
    };
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) => {
            io.complain(format!("{}: {error}", file.display()));
            return Exit::CannotRun;
        }
    };
    let public = match read(file, &text) {
        Ok(public) => public,
        Err(reason) => {
            io.complain(format!("{}: {reason}", file.display()));
            return Exit::Refused;
        }
    };
    let known: &Shorteners = rules.shorteners();
    let new: Vec<&String> = public.hosts.iter().filter(|host| known.kind(host).is_none()).collect();
    for host in &new {
        io.say(format!("+ {host}"));
    }
    io.say(format!(
        "{}: {} hosts, {} new, {} known already, {} not readable; the list in force has {}",
        public.source,
        public.hosts.len(),
        new.len(),
        public.hosts.len() - new.len(),
        public.unreadable,
        known.len(),
    ));
    let Some(out) = write else { return Exit::Done };
    match written(out, &public.source, &new) {
        Ok(()) => {
            io.say(format!(
                "{}: look through it (ordinary sites do not belong there), then name it in [inspect] shorteners, after \
                 \"builtin:shorteners\"",
                out.display()
            ));
            Exit::Done
        }
        Err(error) => {
            io.complain(format!("{}: {error}", out.display()));
            Exit::CannotRun
        }
    }
}

/// MISP's JSON, or one host a line with `#` comments; `http://` and `www.` before a host are taken off.
fn read(file: &Path, text: &str) -> Result<Public, String> {
    let (source, lines) = if text.trim_start().starts_with('{') {
        let list: Warninglist = serde_json::from_str(text).map_err(|error| error.to_string())?;
        (format!("{} version {}", list.name, list.version), list.list)
    } else {
        let name = file.file_name().map_or_else(|| "list".into(), |name| name.to_string_lossy().into_owned());
        (name, text.lines().map(|line| line.split('#').next().unwrap_or_default().to_owned()).collect())
    };
    let mut public = Public { source: source.replace(['\n', '\r'], " "), hosts: BTreeSet::new(), unreadable: 0 };
    for line in lines {
        let line = line.trim().to_ascii_lowercase();
        let host = ["https://", "http://", "www.", "."]
            .iter()
            .fold(line.as_str(), |host, head| host.strip_prefix(head).unwrap_or(host));
        let host = host.trim_end_matches(['/', '.']);
        if is_host(host) {
            public.hosts.insert(host.to_owned());
        } else if !host.is_empty() {
            public.unreadable += 1;
        }
    }
    if public.hosts.is_empty() { Err("no host stands in it".to_owned()) } else { Ok(public) }
}

fn written(out: &Path, source: &str, new: &[&String]) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(out)?;
    writeln!(file, "# From {source}.\n")?;
    new.iter().try_for_each(|host| writeln!(file, "{host}"))?;
    file.sync_all()
}
