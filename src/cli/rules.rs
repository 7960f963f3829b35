//! `rules check`: proves the rules of a configuration by their own examples, and replays posts of the log to show what a
//! change of the rules would newly stop or let through.

use jiff::civil::Date;

use super::house::refuse_to_run;
use super::{Exit, Io};
use crate::config::{Config, Problem};
use crate::domain::clock::in_japan;
use crate::domain::finding::{Finding, Severity};
use crate::domain::post::{Field, Post, Role};
use crate::extract;
use crate::inspect::{self, RuleSet};
use crate::ledger::LedgerDown;
use crate::ledger::read::{self, Logbook};

/// What a replay came to.
#[derive(Default)]
struct Replay {
    posts: usize,
    unreadable: usize,
    stopped: usize,
    passed: usize,
}

/// `rules check [--last N]`. The rules are those of the configuration given; the log tells what was found at the time.
pub(super) fn check(config: &Config, last: Option<usize>, io: &mut Io<'_>) -> Exit {
    let today = in_japan(io.clock.now()).date();
    let rules = match RuleSet::load_on(&config.inspect, Some(today)) {
        Ok(rules) => rules,
        Err(problems) => {
            io.complain_all(&problems);
            return Exit::Refused;
        }
    };
    io.say(format!("rules {}: every example is borne out", rules.hash()));
    let Some(last) = last else { return Exit::Done };
    let book = match Logbook::of_database(&config.store) {
        Ok(book) => book,
        Err(problem) => return refuse_to_run(io, &[problem]),
    };
    match replay(config, &rules, today, last, &book, io) {
        Ok(told) => {
            io.say(format!(
                "{} posts: {} would newly be stopped, {} newly let through; {} entries could not be opened",
                told.posts, told.stopped, told.passed, told.unreadable
            ));
            Exit::Done
        }
        Err(error) => refuse_to_run(io, &[Problem { file: None, line: None, reason: error.to_string() }]),
    }
}

fn replay(
    config: &Config,
    rules: &RuleSet,
    today: Date,
    last: usize,
    book: &Logbook,
    io: &mut Io<'_>,
) -> Result<Replay, LedgerDown> {
    let mut told = Replay::default();
    let keys = read::keys(config).map_err(|problem| LedgerDown(problem.to_string()))?;
    let keys = keys.ok_or_else(|| LedgerDown("the payload keys are not here, so no post can be read".to_owned()))?;
    for log in book.logs()? {
        for entry in book.tail(&log, last)? {
            let Ok(payload) = book.opened(&keys, &log, entry.index) else {
                told.unreadable += 1;
                continue;
            };
            let Some(payload) = payload else { continue };
            let Some(form) = payload.post else { continue };
            let Ok(value) = extract::json::parse(form.as_bytes(), 64) else {
                told.unreadable += 1;
                continue;
            };
            told.posts += 1;
            let fields = vec![Field { role: Role::Text, at: String::new(), value }];
            let now = inspect::inspect_on(rules, &Post { fields, ..Post::default() }, Some(today)).findings;
            let place = format!("{log} {}", entry.index);
            if let Some(new) = differing(&now, &payload.findings) {
                told.stopped += 1;
                io.say(format!("+ {place} {} {:?} {}", new.rule, new.excerpt, new.field));
            }
            if let Some(old) = differing(&payload.findings, &now) {
                told.passed += 1;
                io.say(format!("- {place} {} {:?} {}", old.rule, old.excerpt, old.field));
            }
        }
    }
    Ok(told)
}

/// The heaviest finding that stops a post by `these` and would not by `those`; none if both stop it or neither does.
fn differing<'f>(these: &'f [Finding], those: &[Finding]) -> Option<&'f Finding> {
    let stops = |it: &&Finding| it.severity == Severity::Block;
    these.iter().find(stops).filter(|_| !those.iter().any(|it| it.severity == Severity::Block))
}
