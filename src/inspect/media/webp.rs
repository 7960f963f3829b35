//! WebP (RFC 9649): RIFF chunks, among them `EXIF` and `XMP `.

use super::{Told, tiff, xmp};

/// A chunk: name, data, and all of it with length and padding.
struct Chunk<'w> {
    name: &'w [u8],
    data: &'w [u8],
    whole: &'w [u8],
}

/// The chunks, and what stands behind them; none: it is broken.
fn chunks(webp: &[u8]) -> Option<(Vec<Chunk<'_>>, &[u8])> {
    let len = |at: usize| usize::try_from(u32::from_le_bytes(webp.get(at..at + 4)?.try_into().ok()?)).ok();
    let end = len(4)?.checked_add(8)?;
    let riff = webp.get(..end)?;
    let mut at = 12;
    let mut chunks = Vec::new();
    while at < riff.len() {
        let data = len(at + 4)?;
        let whole = riff.get(at..at.checked_add(8)?.checked_add(data)?.checked_add(data % 2)?)?;
        chunks.push(Chunk { name: whole.get(..4)?, data: whole.get(8..8 + data)?, whole });
        at += whole.len();
        if chunks.len() > 65_536 {
            return None;
        }
    }
    Some((chunks, webp.get(end..)?))
}

/// What the metadata tell.
pub(super) fn read(webp: &[u8]) -> Told {
    let mut told = Told::default();
    let Some((chunks, behind)) = chunks(webp) else {
        told.unread("WebP");
        return told;
    };
    for chunk in &chunks {
        match chunk.name {
            b"EXIF" => tiff::read(chunk.data.strip_prefix(b"Exif\0\0").unwrap_or(chunk.data), &mut told),
            b"XMP " => xmp::read(chunk.data, &mut told),
            _ => {}
        }
    }
    if behind.iter().any(|byte| *byte != 0) {
        told.unread("画像の後ろのデータ");
    }
    told
}

/// The picture without its metadata.
pub(super) fn strip(webp: &[u8]) -> Option<Vec<u8>> {
    let (chunks, _) = chunks(webp)?;
    let shown: [&[u8]; 7] = [b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"];
    let mut out = b"RIFF\0\0\0\0WEBP".to_vec();
    for chunk in chunks.iter().filter(|chunk| shown.contains(&chunk.name)) {
        let at = out.len();
        out.extend_from_slice(chunk.whole);
        if chunk.name == b"VP8X"
            && let Some(flags) = out.get_mut(at + 8)
        {
            // Neither Exif (0x08) nor XMP (0x04) is there any more.
            *flags &= !0x0c;
        }
    }
    let len = u32::try_from(out.len() - 8).ok()?;
    out.get_mut(4..8)?.copy_from_slice(&len.to_le_bytes());
    Some(out)
}
