//! `check`: every problem, with file and line.

use std::path::PathBuf;

use serde_json::json;

use super::{Check, Exit, Io};
use crate::config::Problem;

/// Loads the configuration, then runs every further check; exit 1 when there is a problem.
pub(super) fn check(files: &[PathBuf], json: bool, checks: &[Check], io: &mut Io<'_>) -> Exit {
    let problems: Vec<Problem> = match crate::config::load(files) {
        Ok(config) => checks.iter().flat_map(|check| check(&config)).collect(),
        Err(problems) => problems,
    };
    for problem in &problems {
        if json {
            io.say(json!({ "file": problem.file, "line": problem.line, "reason": problem.reason }));
        } else {
            io.say(problem);
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
