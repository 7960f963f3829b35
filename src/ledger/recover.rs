//! The start: what the last run left open, and whether the database is the one it left.

use std::path::{Path, PathBuf};

use super::entry;
use super::outcome::Ending;
use crate::config::Problem;
use crate::domain::account::GATEWAY_LOG;
use crate::domain::dossier::Outcome;
use crate::store::{Change, Draft, Head, Log, Store, StoreDown, Stored, Unit};

/// Gives every entry without outcome the outcome *unknown*, by the code that records any outcome.
pub(super) fn close_open_entries(store: &Store) -> Result<usize, StoreDown> {
    let open = store.reads().open_entries()?;
    let unknown = Outcome::Unknown { code: "restart" };
    let units = open.iter().map(|(log, of)| Ending::new(log, *of, unknown.clone(), Vec::new()).unit()).collect();
    store.commit(units).into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(open.len())
}

/// Where the high-water mark lies: the size that each log had reached, on another path than the database.
pub(super) fn high_water_file(dir: &Path) -> PathBuf {
    dir.join("high-water")
}

/// The mark's text: a line a log, its size and its name.
pub(super) fn high_water(heads: &[Head]) -> String {
    heads.iter().map(|head| format!("{} {}\n", head.size, head.log)).collect()
}

/// Notices a database that is older than the mark. A restored backup has forgotten which approvals were used since, so
/// it is refused unless the configuration accepts it; then approvals that begin before now are void.
pub(super) fn check_rollback(store: &Store, config: &crate::config::ledger::Ledger) -> Result<(), Problem> {
    let file = high_water_file(&config.dir);
    let problem = |reason: String| Problem { file: Some(file.clone()), line: None, reason };
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(problem(e.to_string())),
    };
    let heads = store.reads().heads().map_err(|e| problem(e.to_string()))?;
    let mut behind = Vec::new();
    for line in text.lines() {
        let mark = line.split_once(' ').and_then(|(size, log)| Some((size.parse::<u64>().ok()?, log)));
        let (size, log) = mark.ok_or_else(|| problem(format!("{line:?} is no high-water mark")))?;
        let has = heads.iter().find(|head| &*head.log == log).map_or(0, |head| head.size);
        if has < size {
            behind.push(format!("log {log} had {size} entries and has {has}"));
        }
    }
    if behind.is_empty() {
        return Ok(());
    }
    let behind = behind.join("; ");
    if !config.accept_rollback {
        return Err(problem(format!(
            "the database is older than the last one used here ({behind}): it was restored from a backup and has \
             forgotten which approvals were used since. To go on with it and void all approvals given so far, start \
             once with [ledger] accept_rollback = true"
        )));
    }
    let mut fields = crate::store::Fields::default();
    fields.text("behind", &behind);
    let draft = Draft { kind: "rollback-accepted", fields: fields.into(), ..Draft::default() };
    let unit = Unit { changes: vec![Change::Epoch], ..Unit::entry(Log::from(GATEWAY_LOG), draft) };
    store.commit(vec![unit]).into_iter().collect::<Result<Vec<_>, _>>().map_err(|e| problem(e.to_string()))?;
    Ok(())
}

/// The entry of a start.
pub(super) fn started(unknown: usize) -> Unit {
    let mut fields = crate::store::Fields::default();
    fields.number("entries_made_unknown", unknown as u64);
    fields.text("version", env!("CARGO_PKG_VERSION"));
    fields.number("schema", entry::SCHEMA);
    Unit::entry(Log::from(GATEWAY_LOG), Draft { kind: "start", fields: fields.into(), ..Draft::default() })
}
