//! `rules check`: proves the rules of a configuration by their own examples, and replays posts of the log to show what a
//! change of the rules would newly stop or let through.

use jiff::civil::Date;

use super::house::refuse_to_run;
use super::{Exit, Io};
use crate::config::{Config, Problem};
use crate::domain::clock::{for_people, in_japan};
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

/// Findings of one rule that people accept this often in the time asked for speak for an exception.
const OFTEN: u64 = 3;

/// `rules overrides [--days N]`: how often people accepted what a rule found.
pub(super) fn overrides(config: &Config, days: u32, json: bool, io: &mut Io<'_>) -> Exit {
    let book = match Logbook::of_database(&config.store) {
        Ok(book) => book,
        Err(problem) => return refuse_to_run(io, &[problem]),
    };
    let since = io.clock.now() - jiff::SignedDuration::from_hours(24 * i64::from(days));
    let overridden = match book.reads().overridden(since) {
        Ok(overridden) => overridden,
        Err(error) => return refuse_to_run(io, &[Problem { file: None, line: None, reason: error.to_string() }]),
    };
    for one in &overridden {
        let (rule, times, people, last) = (&one.rule, one.times, one.people, one.last);
        if json {
            io.say(serde_json::json!({ "rule": rule, "times": times, "people": people, "last": last }));
            continue;
        }
        io.say(format!("{times:>5} 件 {people:>3} 人 {rule}（最終 {}）", for_people(last)));
        if times >= OFTEN {
            io.say(format!(
                "      → 誤りの指摘が続いている場合は、[[except]] rule = \"{rule}\" phrase = \"…\" reason = \"…\" until = … \
                 の追加を検討してください。"
            ));
        }
    }
    if overridden.is_empty() && !json {
        io.say("認められた指摘はありません。");
    }
    Exit::Done
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
