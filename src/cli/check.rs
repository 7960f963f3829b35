//! `check`: every problem, with file and line; where there is none, what each provider's definition opens and closes.

use std::path::PathBuf;

use serde_json::json;

use super::{Commands, Exit, Io};
use crate::config::Problem;
use crate::recognise::report::Described;

/// Loads the configuration, then runs every further check; exit 1 when there is a problem.
pub(super) fn check(files: &[PathBuf], json: bool, commands: &dyn Commands, io: &mut Io<'_>) -> Exit {
    let (problems, described): (Vec<Problem>, Vec<Described>) = match crate::config::load(files) {
        Ok(config) => {
            let problems: Vec<Problem> = commands.checks().iter().flat_map(|check| check(&config)).collect();
            let described = if problems.is_empty() { commands.described(&config) } else { Vec::new() };
            (problems, described)
        }
        Err(problems) => (problems, Vec::new()),
    };
    for problem in &problems {
        if json {
            io.say(json!({ "file": problem.file, "line": problem.line, "reason": problem.reason }));
        } else {
            io.say(problem);
        }
    }
    for provider in &described {
        if json {
            io.say(json!(provider));
        } else {
            io.say(in_words(provider));
        }
    }
    if problems.is_empty() {
        if !json {
            io.say("no problem was found");
        }
        Exit::Done
    } else {
        Exit::Refused
    }
}

fn in_words(provider: &Described) -> String {
    let list = |pairs: Vec<String>| if pairs.is_empty() { "-".to_owned() } else { pairs.join(", ") };
    format!(
        "{}: {} routes on {}\n  actions: {}\n  refused: {}",
        provider.provider,
        provider.routes,
        list(provider.hosts.clone()),
        list(provider.actions.iter().map(|(action, count)| format!("{action} {count}")).collect()),
        list(provider.refused.iter().map(|(route, code)| format!("{route} ({code})")).collect()),
    )
}
