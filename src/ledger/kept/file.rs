//! Sealed files: pieces of a bounded size, each sealed with its place in the file, so that memory stays flat and none can
//! be moved, repeated or left out.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{BufReader, Read, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::store::StoreDown;
use crate::store::keyring::Keyring;

/// Bytes of a piece.
const PIECE: usize = 256 * 1024;

fn broken(error: impl std::fmt::Display) -> StoreDown {
    StoreDown(format!("a kept body: {error}"))
}

/// What binds a piece to its place.
fn context(name: &str, number: u64, last: bool) -> Vec<u8> {
    format!("{name}\0{number}\0{last}").into_bytes()
}

/// Writes a sealed copy of `from`, durable when this comes back; not where the files in `dir` would take more than `room`
/// bytes with it, since whatever fills the disk stops the ledger. A copy that could not be finished is taken away.
pub(super) fn write(keys: &Keyring, dir: &Path, name: &str, from: &Path, room: u64) -> Result<bool, StoreDown> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(broken)?;
    let plain = File::open(from).map_err(broken)?;
    let path = dir.join(name);
    let out = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&path).map_err(broken)?;
    let fits = plain.metadata().map_err(broken).and_then(|about| has_room(&out, about.len(), dir, room));
    let written = fits.and_then(|fits| if fits { seal(keys, name, plain, out).map(|()| true) } else { Ok(false) });
    if matches!(written, Ok(true)) {
        File::open(dir).and_then(|dir| dir.sync_all()).map_err(broken)?;
    } else {
        std::fs::remove_file(&path).map_err(broken)?;
    }
    written
}

/// Whether `out` may take `len` bytes. It has that length before the files are counted, so that of copies that are
/// written at the same time each counts the others.
fn has_room(out: &File, len: u64, dir: &Path, room: u64) -> Result<bool, StoreDown> {
    out.set_len(len).map_err(broken)?;
    let len = |file: std::io::Result<std::fs::DirEntry>| file.and_then(|file| file.metadata()).map_or(0, |it| it.len());
    Ok(std::fs::read_dir(dir).map_err(broken)?.map(len).sum::<u64>() <= room)
}

fn seal(keys: &Keyring, name: &str, plain: File, mut out: File) -> Result<(), StoreDown> {
    let mut plain = BufReader::with_capacity(PIECE, plain);
    let mut piece = Zeroizing::new(Vec::with_capacity(PIECE));
    fill(&mut plain, &mut piece)?;
    for number in 0.. {
        let mut next = Zeroizing::new(Vec::with_capacity(PIECE));
        fill(&mut plain, &mut next)?;
        let sealed = keys.seal_piece(&context(name, number, next.is_empty()), &piece)?;
        let len = u32::try_from(sealed.len()).map_err(broken)?;
        out.write_all(&len.to_be_bytes()).and_then(|()| out.write_all(&sealed)).map_err(broken)?;
        if next.is_empty() {
            break;
        }
        piece = next;
    }
    out.sync_all().map_err(broken)
}

fn fill(from: &mut impl Read, piece: &mut Vec<u8>) -> Result<(), StoreDown> {
    from.take(PIECE as u64).read_to_end(piece).map(|_| ()).map_err(broken)
}

/// Opens a sealed file piece by piece, for as long as `take` wants more.
pub(super) fn read(
    keys: &Keyring,
    path: &Path,
    name: &str,
    mut take: impl FnMut(Bytes) -> bool,
) -> Result<(), StoreDown> {
    let mut file = BufReader::new(File::open(path).map_err(broken)?);
    let mut len = [0; 4];
    file.read_exact(&mut len).map_err(broken)?;
    for number in 0.. {
        let size = usize::try_from(u32::from_be_bytes(len)).map_err(broken)?;
        if size > PIECE + 64 {
            return Err(broken("a piece is too long"));
        }
        let mut sealed = vec![0; size];
        file.read_exact(&mut sealed).map_err(broken)?;
        let mut following = Vec::new();
        file.by_ref().take(4).read_to_end(&mut following).map_err(broken)?;
        let last = following.is_empty();
        let piece = keys.open_piece(&context(name, number, last), &sealed)?;
        if !take(Bytes::from(piece)) || last {
            return Ok(());
        }
        len = following.try_into().map_err(|_| broken("it ends within a piece"))?;
    }
    Ok(())
}

/// Removes files that are older than anything that is kept: no row names them.
pub(super) fn sweep(dir: &Path, now: Timestamp, old: Duration) {
    let now = SystemTime::from(now);
    for file in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let modified = file.metadata().and_then(|about| about.modified());
        if modified.is_ok_and(|at| now.duration_since(at).is_ok_and(|age| age > old))
            && let Err(error) = std::fs::remove_file(file.path())
        {
            tracing::warn!(%error, "an old kept body could not be removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(keys: &Keyring, path: &Path, name: &str) -> Result<Vec<u8>, StoreDown> {
        let mut all = Vec::new();
        read(keys, path, name, |piece| {
            all.extend_from_slice(&piece);
            true
        })?;
        Ok(all)
    }

    #[test]
    fn a_body_comes_back_and_none_of_its_pieces_can_be_moved_left_out_or_read() {
        let dir = tempfile::tempdir().unwrap();
        let keys = Keyring::open(dir.path(), &[7; 32]).unwrap();
        let plain = dir.path().join("plain");
        for len in [0, 1, PIECE, PIECE + 1, 3 * PIECE] {
            let body: Vec<u8> = (0..len).map(|i| u8::try_from(i % 251).unwrap()).collect();
            std::fs::write(&plain, &body).unwrap();
            let name = format!("{len}.kept");
            assert!(write(&keys, &dir.path().join("kept"), &name, &plain, 10 * 1024 * 1024).unwrap());
            let path = dir.path().join("kept").join(&name);
            assert_eq!(opened(&keys, &path, &name).unwrap(), body, "{len}");
            assert!(opened(&keys, &path, "other.kept").is_err(), "{len}");
        }
        assert!(!write(&keys, &dir.path().join("kept"), "more.kept", &plain, 1024).unwrap(), "no room");
        assert!(!dir.path().join("kept/more.kept").exists(), "and none is taken");
        let (name, path) = (format!("{}.kept", 3 * PIECE), dir.path().join("kept").join(format!("{}.kept", 3 * PIECE)));
        let sealed = std::fs::read(&path).unwrap();
        assert!(!sealed.windows(16).any(|window| window == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]));
        let one = sealed.len() / 3;
        for changed in
            [sealed[..2 * one].to_vec(), [&sealed[one..], &sealed[..one]].concat(), sealed[..one + 9].to_vec()]
        {
            std::fs::write(&path, changed).unwrap();
            assert!(opened(&keys, &path, &name).is_err());
        }
    }

    #[test]
    fn copies_that_are_made_together_keep_to_the_room_and_leave_nothing_half_done() {
        const EACH: u64 = 100 * 1024;
        let dir = tempfile::tempdir().unwrap();
        let keys = Keyring::open(dir.path(), &[7; 32]).unwrap();
        let (plain, kept) = (dir.path().join("plain"), dir.path().join("kept"));
        std::fs::write(&plain, vec![7; usize::try_from(EACH).unwrap()]).unwrap();
        let one = |n: usize| write(&keys, &kept, &format!("{n}.kept"), &plain, 3 * EACH).unwrap();
        let one = &one;
        let done: Vec<bool> = std::thread::scope(|scope| {
            let all: Vec<_> = (0..12).map(|n| scope.spawn(move || one(n))).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        // Each is sealed and so a little longer: three do not go into the room of three.
        assert!(done.iter().filter(|done| **done).count() <= 2, "{done:?}");
        for (n, done) in done.iter().enumerate() {
            assert_eq!(kept.join(format!("{n}.kept")).exists(), *done, "{n}");
        }
        assert!(write(&keys, &kept, "unread.kept", dir.path(), 10 * EACH).is_err(), "a directory cannot be read");
        assert!(!kept.join("unread.kept").exists());
    }
}
