//! `guideline diff`: what an amendment changes, case by case and post by post.

use std::collections::BTreeMap;

use serde_json::json;

use super::args::Diff;
use super::house::refuse_to_run;
use super::{Exit, Io};
use crate::config::{Config, Problem};
use crate::domain::account::{AccountId, OrganisationId};
use crate::domain::clause::Clause;
use crate::domain::clock::for_people;
use crate::domain::ports::Registry as _;
use crate::guideline::amendment::{self, Amendment, Change, Changed, Conclusion, Edit, Ending, Past, Side, Told};
use crate::ledger::LedgerDown;
use crate::ledger::entry::Payload;
use crate::ledger::read::{self, LogEntry, Logbook};

/// Cases shown of one group; `--all` shows more.
const SHOWN: usize = 12;
/// Entries replayed where no number is asked for.
const LAST: usize = 100;

/// `guideline diff OLD NEW`.
pub(super) fn diff(asked: &Diff, io: &mut Io<'_>) -> Exit {
    let (old, new) = match amendment::read(&asked.old, &asked.new) {
        Ok(sides) => sides,
        Err(problems) => {
            io.complain_all(&problems);
            return Exit::Usage;
        }
    };
    let now = io.clock.now();
    let amendments = amendment::compare(&old, &new, now);
    for (body, which) in one_sided(&old, &new) {
        if asked.json {
            io.say(json!({ "organisation": body.as_str(), "only": which }));
        } else {
            io.say(format!("{}: {which} にだけあります (only in {which})", body.as_str()));
        }
    }
    for amendment in &amendments {
        if asked.json { as_json(amendment, io) } else { in_words(amendment, asked.all, io) }
    }
    let differs = amendments.iter().any(|it| !it.rules.is_empty());
    if !differs && !asked.json {
        io.say("規則に違いはありません。(no rule differs)");
    }
    if asked.ledger.is_none() && asked.last.is_none() {
        return Exit::Done;
    }
    replay_all(asked, &old, &new, io)
}

/// Bodies that only one side has.
fn one_sided<'s>(old: &'s Side, new: &'s Side) -> Vec<(&'s OrganisationId, &'static str)> {
    let only = |one: &'s Side, other: &'s Side, which| {
        one.bodies().iter().filter(|body| !other.bodies().contains(body)).map(move |body| (body, which))
    };
    only(old, new, "OLD").chain(only(new, old, "NEW")).collect()
}

fn as_json(amendment: &Amendment, io: &mut Io<'_>) {
    let body = amendment.organisation.as_str();
    for (edit, rule) in &amendment.rules {
        let clauses: Vec<&str> = rule.clauses.iter().map(|it| it.as_str()).collect();
        let edit = match edit {
            Edit::Added => "added",
            Edit::Struck => "struck",
            Edit::Changed => "changed",
        };
        io.say(json!({ "organisation": body, "rule": rule.id, "edit": edit, "clauses": clauses }));
    }
    let side = |it: &Conclusion| {
        let clauses: Vec<&str> = it.clauses.iter().map(|it| it.as_str()).collect();
        json!({ "decision": decision(it.ending), "clauses": clauses, "rules": it.rules, "duties": it.duties })
    };
    for case in &amendment.changed {
        let about: Vec<&str> = case.about.iter().map(|it| it.as_str()).collect();
        io.say(json!({
            "organisation": body, "change": case.change.as_str(), "clauses": about, "case": case.words, "facts": case.facts,
            "old": side(&case.old), "new": side(&case.new), "follows": case.follows,
        }));
    }
}

fn in_words(amendment: &Amendment, all: bool, io: &mut Io<'_>) {
    if amendment.rules.is_empty() {
        return;
    }
    io.say(format!("{}: 規則の違い {} 件 (rules that differ)", amendment.organisation.as_str(), amendment.rules.len()));
    for (edit, rule) in &amendment.rules {
        let sign = match edit {
            Edit::Added => '+',
            Edit::Struck => '-',
            Edit::Changed => '~',
        };
        io.say(format!("  {sign} {} [{}] {}", rule.id, listed(&rule.clauses), rule.ja));
    }
    io.say(format!(
        "調べた事例 {} 件、結論か根拠の変わるもの {} 件。{}",
        amendment.tried,
        amendment.changed.len(),
        amendment.reach.in_words()
    ));
    let mut groups: BTreeMap<(String, Change), Vec<&Changed>> = BTreeMap::new();
    for case in &amendment.changed {
        groups.entry((cited(&case.about), case.change)).or_default().push(case);
    }
    for ((clauses, change), cases) in groups {
        io.say(format!("\n■ {clauses} — {}: {} 件", change.in_words(), cases.len()));
        let told: Vec<&&Changed> = cases.iter().filter(|case| all || !case.follows).collect();
        let shown = if all { told.len() } else { told.len().min(SHOWN) };
        for case in told.iter().take(shown) {
            io.say(format!("  ・{}", case.words));
            io.say(format!("      {} → {}", conclusion(&case.old), conclusion(&case.new)));
            io.say(format!("      {}", case.facts));
        }
        if cases.len() > shown {
            io.say(format!("  ほか {} 件（--all ですべて表示）(more)", cases.len() - shown));
        }
    }
}

fn decision(ending: Ending) -> &'static str {
    match ending {
        Ending::Permitted => "permitted",
        Ending::Held => "held",
        Ending::Refused => "refused",
    }
}

fn conclusion(it: &Conclusion) -> String {
    let ending = match it.ending {
        Ending::Permitted => "許可",
        Ending::Held => "保留",
        Ending::Refused => "却下",
    };
    let duties = if it.duties.is_empty() { String::new() } else { format!("（{}）", it.duties.join("、")) };
    format!("{ending} {}{duties}", listed(&it.clauses))
}

fn listed(clauses: &[Clause]) -> String {
    clauses.iter().map(|it| it.as_str()).collect::<Vec<_>>().join(" ")
}

/// The clauses as a clerk knows them, and by id.
fn cited(clauses: &[Clause]) -> String {
    let words = |it: &Clause| {
        it.in_words().map_or_else(|| it.as_str().to_owned(), |words| format!("{words} ({})", it.as_str()))
    };
    clauses.iter().map(words).collect::<Vec<_>>().join("、")
}

/// What a replay came to.
#[derive(Default)]
struct Replay {
    posts: usize,
    differing: usize,
    unlike: usize,
    not_judged: usize,
    closed: usize,
}

fn replay_all(asked: &Diff, old: &Side, new: &Side, io: &mut Io<'_>) -> Exit {
    let mut config = match crate::config::load(&asked.config.files) {
        Ok(config) => config,
        Err(problems) => {
            io.complain_all(&problems);
            return Exit::Usage;
        }
    };
    if let Some(ledger) = &asked.ledger {
        config.store.url = if ledger.contains("://") { ledger.clone() } else { format!("sqlite://{ledger}") };
    }
    let book = match Logbook::of_database(&config.store) {
        Ok(book) => book,
        Err(problem) => return refuse_to_run(io, &[problem]),
    };
    match replay(asked, &config, &book, old, new, io) {
        Ok(told) if asked.json => {
            io.say(json!({
                "posts": told.posts, "differing": told.differing, "unlike": told.unlike, "not_judged": told.not_judged,
                "payloads_closed": told.closed,
            }));
            Exit::Done
        }
        Ok(told) => {
            io.say(format!(
                "\n過去の投稿等 {} 件のうち、結論か根拠の変わるもの {} 件 (past posts, and those decided otherwise)",
                told.posts, told.differing
            ));
            let Replay { unlike, not_judged, closed, .. } = told;
            io.say(format!(
                "比べられなかったもの: 記録から事実を再現できない {unlike} 件、ガイドラインの判断より前の却下と試行期間 {not_judged} 件 \
                 (not compared)。内容を開けなかった記録 {closed} 件 (payloads that did not open)。"
            ));
            Exit::Done
        }
        Err(error) => refuse_to_run(io, &[Problem { file: None, line: None, reason: error.to_string() }]),
    }
}

fn replay(
    asked: &Diff,
    config: &Config,
    book: &Logbook,
    old: &Side,
    new: &Side,
    io: &mut Io<'_>,
) -> Result<Replay, LedgerDown> {
    let mut told = Replay::default();
    let keys = read::keys(config).map_err(|problem| LedgerDown(problem.to_string()))?;
    let shared = old.bodies().iter().filter(|body| new.bodies().contains(body));
    let logs = book.logs()?;
    for body in shared.filter(|body| logs.iter().any(|log| log == body.as_str())) {
        for entry in book.tail(body.as_str(), asked.last.unwrap_or(LAST))? {
            let payload = match &keys {
                Some(keys) => book.opened(keys, body.as_str(), entry.index).unwrap_or_default(),
                None => None,
            };
            past(&entry, payload.as_ref(), body, (old, new), book, asked.json, &mut told, io);
        }
    }
    Ok(told)
}

#[expect(clippy::too_many_arguments, reason = "one entry, both sides, where it is told")]
fn past(
    entry: &LogEntry,
    payload: Option<&Payload>,
    body: &OrganisationId,
    (old, new): (&Side, &Side),
    book: &Logbook,
    as_json: bool,
    told: &mut Replay,
    io: &mut Io<'_>,
) {
    let Ok(leaf) = serde_json::from_str::<serde_json::Value>(&entry.leaf) else { return };
    let text = |member: &str| leaf.get(member).and_then(serde_json::Value::as_str).unwrap_or_default();
    if !["permit", "refusal"].contains(&text("kind")) {
        return;
    }
    let Some(account) = book.reads().registry().account(&AccountId::new(text("account"))) else {
        told.not_judged += 1;
        return;
    };
    told.closed += usize::from(payload.is_none());
    let post = payload.and_then(|it| serde_json::from_str(it.post.as_deref()?).ok());
    let past = Past {
        entry: &leaf,
        account: &account,
        author: payload.and_then(|it| it.author.as_deref()),
        approver: payload.and_then(|it| it.approver.as_deref()),
        findings: payload.map_or(&[], |it| it.findings.as_slice()),
        post: post.as_ref(),
    };
    match past.judged(old, new, body, io.clock.now()) {
        Told::NotJudged => told.not_judged += 1,
        Told::Unlike => told.unlike += 1,
        Told::Same => told.posts += 1,
        Told::Differs(differs) => {
            let (change, was, is) = *differs;
            told.posts += 1;
            told.differing += 1;
            let (at, account, action) = (text("at"), text("account"), text("action"));
            if as_json {
                io.say(json!({
                    "organisation": body.as_str(), "entry": entry.index, "at": at, "account": account, "action": action,
                    "change": change.as_str(), "old": conclusion(&was), "new": conclusion(&is),
                }));
                return;
            }
            let at = at.parse().map_or_else(|_| at.to_owned(), for_people);
            io.say(format!(
                "{} {}: {at} {account} {action}: {} → {}（{}）",
                body.as_str(),
                entry.index,
                conclusion(&was),
                conclusion(&is),
                change.in_words()
            ));
        }
    }
}
