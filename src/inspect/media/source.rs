//! A medium that lies in pieces: parts of a chunked upload on disk, bytes in memory. Read as one, without copying it.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;

use bytes::Bytes;

/// A piece of a medium.
#[derive(Clone, Debug)]
pub enum Piece {
    /// A range of a file.
    File {
        /// The file.
        path: PathBuf,
        /// Where the piece begins in it.
        from: u64,
        /// Its length in bytes.
        len: u64,
    },
    /// In memory.
    Memory(Bytes),
}

impl Piece {
    fn len(&self) -> u64 {
        match self {
            Self::File { len, .. } => *len,
            Self::Memory(bytes) => bytes.len() as u64,
        }
    }
}

/// Pieces, one after another.
#[derive(Debug)]
pub struct Pieces {
    pieces: Vec<(u64, Piece)>,
    len: u64,
    at: u64,
    open: Option<(usize, File)>,
}

impl Pieces {
    /// The medium that these pieces make.
    pub fn new(pieces: Vec<Piece>) -> Self {
        let mut len = 0_u64;
        let mut placed = Vec::with_capacity(pieces.len());
        for piece in pieces {
            let begins = len;
            len = len.saturating_add(piece.len());
            placed.push((begins, piece));
        }
        Self { pieces: placed, len, at: 0, open: None }
    }
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.len || buffer.is_empty() {
            return Ok(0);
        }
        // The last piece that begins here or before, empty ones left out.
        let number = self.pieces.partition_point(|(begins, _)| *begins <= self.at).saturating_sub(1);
        let Some((begins, piece)) = self.pieces.get(number) else { return Ok(0) };
        let inside = self.at - begins;
        let most = usize::try_from(piece.len() - inside).unwrap_or(usize::MAX).min(buffer.len());
        let buffer = buffer.get_mut(..most).unwrap_or_default();
        let read = match piece {
            Piece::Memory(bytes) => {
                let inside = usize::try_from(inside).map_err(io::Error::other)?;
                let part = bytes.get(inside..inside.saturating_add(most)).unwrap_or_default();
                buffer.copy_from_slice(part);
                part.len()
            }
            Piece::File { path, from, .. } => {
                let file = match &mut self.open {
                    Some((open, file)) if *open == number => file,
                    open => &mut open.insert((number, File::open(path)?)).1,
                };
                file.seek(SeekFrom::Start(from + inside))?;
                file.read(buffer)?
            }
        };
        if read == 0 {
            return Err(io::Error::other("a stored part is shorter than it was"));
        }
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for Pieces {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.len.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_in_files_and_in_memory_read_as_one_medium() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("part");
        std::fs::write(&path, b"..middle..").unwrap();
        let mut medium = Pieces::new(vec![
            Piece::Memory(Bytes::from_static(b"begin ")),
            Piece::Memory(Bytes::new()),
            Piece::File { path: path.clone(), from: 2, len: 6 },
            Piece::Memory(Bytes::from_static(b" end")),
        ]);
        let mut all = String::new();
        medium.read_to_string(&mut all).unwrap();
        assert_eq!(all, "begin middle end");
        medium.seek(SeekFrom::End(-7)).unwrap();
        all.clear();
        medium.read_to_string(&mut all).unwrap();
        assert_eq!(all, "dle end");

        std::fs::write(&path, b"..mid").unwrap();
        medium.rewind().unwrap();
        medium.open = None;
        assert!(medium.read_to_end(&mut Vec::new()).is_err(), "a part that lost bytes is an error, not an end");
    }
}
