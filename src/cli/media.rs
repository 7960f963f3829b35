//! `media strip`: a copy of a picture or film without what it tells of place and people.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, BufWriter, Write as _};
use std::path::Path;

use super::{Exit, Io};
use crate::config::inspect::Media as Limits;
use crate::inspect::media::strip::{NotStripped, copy};

/// `media strip IN OUT`. An existing file is never written over.
pub(super) fn strip(from: &Path, to: &Path, io: &mut Io<'_>) -> Exit {
    let file = match File::open(from) {
        Ok(file) => file,
        Err(error) => {
            io.complain(format!("{}: {error}", from.display()));
            return Exit::CannotRun;
        }
    };
    let out = match OpenOptions::new().write(true).create_new(true).open(to) {
        Ok(out) => out,
        Err(error) => {
            io.complain(format!("{}: {error}", to.display()));
            return Exit::CannotRun;
        }
    };
    match written(file, &out) {
        Ok(()) => {
            io.say(format!(
                "{}: 撮影場所と名前を取り除いた複製です。見た目を確かめてから送信してください。",
                to.display()
            ));
            Exit::Done
        }
        Err(error) => {
            drop(std::fs::remove_file(to));
            io.complain(format!("{}: {error}", from.display()));
            if matches!(error, NotStripped::Io(_)) { Exit::CannotRun } else { Exit::Refused }
        }
    }
}

fn written(file: File, out: &File) -> Result<(), NotStripped> {
    let mut out = BufWriter::new(out);
    copy(&mut BufReader::new(file), &mut out, &Limits::default())?;
    out.flush()?;
    Ok(())
}
