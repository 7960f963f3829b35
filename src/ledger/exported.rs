//! A log as a folder that can be handed to anybody: `entries.ndjson`, `checkpoint`, `vkey`. Verified offline, without the
//! gateway's code for writing: the tree is rebuilt with `tlog_tiles`, the signature checked with `signed_note`.

use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;

use tlog_tiles::{Hash, HashReader};

use super::checkpoint;
use super::read::Logbook;
use super::verify::{Damage, Unverified};
use super::{LedgerDown, verify::Verified};

const ENTRIES: &str = "entries.ndjson";
const CHECKPOINT: &str = "checkpoint";
const VKEY: &str = "vkey";

/// Writes a log into `dir`, which is made and must be empty. Returns how many entries it has.
pub fn export(book: &Logbook, log: &str, vkey: &str, dir: &Path) -> Result<u64, LedgerDown> {
    let broken = |error: std::io::Error| LedgerDown(format!("{}: {error}", dir.display()));
    std::fs::create_dir_all(dir).map_err(broken)?;
    if std::fs::read_dir(dir).map_err(broken)?.next().is_some() {
        return Err(LedgerDown(format!("{} is not empty", dir.display())));
    }
    let mut entries = BufWriter::new(File::create(dir.join(ENTRIES)).map_err(broken)?);
    let mut note = File::create(dir.join(CHECKPOINT)).map_err(broken)?;
    let count = book.export(log, &mut entries, &mut note)?;
    entries.flush().map_err(broken)?;
    std::fs::write(dir.join(VKEY), format!("{vkey}\n")).map_err(broken)?;
    Ok(count)
}

/// Verifies an exported folder. `vkey` is the verifier key from elsewhere; none: the folder's own, which shows only that
/// the folder agrees with itself.
pub fn verify(dir: &Path, vkey: Option<&str>) -> Result<Verified, Unverified> {
    let down = |error: std::io::Error| Unverified::Down(LedgerDown(format!("{}: {error}", dir.display())));
    let note = std::fs::read_to_string(dir.join(CHECKPOINT)).map_err(down)?;
    let own = std::fs::read_to_string(dir.join(VKEY)).map_err(down)?;
    let log = dir.display().to_string();
    let damage = |index: u64, what: String| Unverified::Damaged(Damage { log: log.clone(), index, what });
    let (size, root) = checkpoint::verify(&note, vkey.unwrap_or(&own)).map_err(|what| damage(0, what))?;

    let mut stored = Hashes::default();
    let mut next = 0;
    for line in BufReader::new(File::open(dir.join(ENTRIES)).map_err(down)?).lines() {
        let line = line.map_err(down)?;
        let entry: serde_json::Value =
            serde_json::from_str(&line).map_err(|_| damage(next, "the entry is not JSON".to_owned()))?;
        if entry.get("index").and_then(serde_json::Value::as_u64) != Some(next) {
            return Err(damage(next, "the entry does not know its own place".to_owned()));
        }
        let hashes = tlog_tiles::stored_hashes(next, line.as_bytes(), &stored)
            .map_err(|error| damage(next, error.to_string()))?;
        stored.0.extend(hashes);
        next += 1;
    }
    if next != size {
        return Err(damage(next.min(size), format!("{next} entries are there, the checkpoint is over {size}")));
    }
    let rebuilt = tlog_tiles::tree_hash(size, &stored).map_err(|error| damage(next, error.to_string()))?;
    if rebuilt.0 != root {
        return Err(damage(0, "the entries do not come to the root that was signed".to_owned()));
    }
    Ok(Verified { log, size, root: hex::encode(root), payloads: 0, sealed_away: 0 })
}

/// The hashes of a tree in `tlog_tiles`' order of storage.
#[derive(Default)]
struct Hashes(Vec<Hash>);

impl HashReader for Hashes {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, tlog_tiles::tlog::Error> {
        indexes
            .iter()
            .map(|index| usize::try_from(*index).ok().and_then(|at| self.0.get(at)).copied())
            .collect::<Option<Vec<_>>>()
            .ok_or(tlog_tiles::tlog::Error::IndexesNotInTree)
    }
}
