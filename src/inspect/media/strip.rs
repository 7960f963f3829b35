//! A copy without metadata, for the client to send: what is shown stays byte for byte where the format allows it.
//!
//! The gateway offers it and never makes it on the way: what was approved is what leaves.

use std::io::{self, Read, SeekFrom, Write};

use crate::config::inspect::Media as Limits;

use super::bmff::{self, Blank, Patch};
use super::{Kind, Stream, gif, jpeg, metadata, png, tiff, webp};

/// Why there is no stripped copy.
#[derive(Debug, thiserror::Error)]
pub enum NotStripped {
    /// The format is not one that is understood.
    #[error("この形式の写真・動画には対応していません（JPEG、PNG、WebP、GIF、HEIC、MP4）。")]
    UnknownKind,
    /// It is larger than what is taken into memory.
    #[error("写真が大きすぎるため、処理できませんでした。")]
    TooLarge,
    /// It is broken, or something of it would stay.
    #[error("写真・動画を正しく読み取れませんでした。画像編集ソフトで開き、書き出し直してください。")]
    Broken,
    /// Positions run beside the film.
    #[error(
        "この動画には位置情報が映像と並べて記録されています。動画編集ソフトで、位置情報を含めずに書き出し直してください。"
    )]
    Tracked,
    /// It cannot be read or written.
    #[error("ファイルを読み書きできませんでした: {0}")]
    Io(#[from] io::Error),
}

/// Writes a copy of the medium without place, owner, words and previews.
///
/// # Errors
/// See [`NotStripped`]; what was written until then is no copy.
pub fn copy(stream: &mut dyn Stream, out: &mut dyn Write, limits: &Limits) -> Result<(), NotStripped> {
    let len = stream.seek(SeekFrom::End(0))?;
    stream.rewind()?;
    let mut head = Vec::new();
    Read::take(&mut *stream, 16).read_to_end(&mut head)?;
    stream.rewind()?;
    let kind = Kind::of(&head).ok_or(NotStripped::UnknownKind)?;
    if kind == Kind::Bmff {
        return film(stream, out);
    }
    if len > limits.picture_bytes {
        return Err(NotStripped::TooLarge);
    }
    let mut picture = Vec::new();
    Read::take(&mut *stream, limits.picture_bytes).read_to_end(&mut picture)?;
    let stripped = match kind {
        Kind::Jpeg => jpeg::strip(&picture),
        Kind::Png => png::strip(&picture),
        Kind::Webp => webp::strip(&picture),
        Kind::Gif => gif::strip(&picture),
        Kind::Bmff => None,
    };
    let stripped = stripped.ok_or(NotStripped::Broken)?;
    let left = metadata(kind, &stripped);
    if left.place || !left.owners.is_empty() || left.unread.is_some() {
        return Err(NotStripped::Broken);
    }
    out.write_all(&stripped)?;
    Ok(())
}

/// Boxes and items keep their place and length, because the film is addressed by offsets.
fn film(stream: &mut dyn Stream, out: &mut dyn Write) -> Result<(), NotStripped> {
    let mut walk = bmff::walk(stream)?;
    if walk.tracked {
        return Err(NotStripped::Tracked);
    }
    if walk.told.unread.is_some() {
        return Err(NotStripped::Broken);
    }
    let mut patches = std::mem::take(&mut walk.patches);
    patches.sort_by_key(|patch| patch.kind);
    stream.rewind()?;
    let mut at = 0;
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let read = stream.read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        let piece = buffer.get_mut(..read).unwrap_or_default();
        patches.iter().for_each(|patch| apply(patch, at, piece));
        out.write_all(piece)?;
        at += read as u64;
    }
}

/// Writes what of a patch lies in a piece that begins at `at`.
fn apply(patch: &Patch, at: u64, piece: &mut [u8]) {
    let ends = at + piece.len() as u64;
    if patch.end <= at || patch.kind >= ends {
        return;
    }
    for (place, byte) in (at..).zip(piece.iter_mut()) {
        let offset = |from: u64| usize::try_from(place - from).unwrap_or(usize::MAX);
        match patch.what {
            Blank::Box if (patch.kind..patch.kind + 4).contains(&place) => {
                *byte = b"free".get(offset(patch.kind)).copied().unwrap_or_default();
            }
            Blank::Box if (patch.from..patch.end).contains(&place) => *byte = 0,
            Blank::Text if (patch.from..patch.end).contains(&place) => *byte = b' ',
            // Four bytes say that the TIFF follows at once.
            Blank::Exif if (patch.from..patch.end).contains(&place) => {
                let inside = offset(patch.from);
                *byte = inside.checked_sub(4).and_then(|inside| tiff::EMPTY.get(inside)).copied().unwrap_or_default();
            }
            _ => {}
        }
    }
}
