//! PNG (third edition): chunks, among them eXIf and texts.

use super::{Told, be32, tiff, xmp};

const SIGNATURE: usize = 8;
/// The longest text that is unpacked, in bytes.
const LONGEST: usize = 1024 * 1024;

/// A chunk: name, data, and all of it with length and checksum.
pub(super) struct Chunk<'p> {
    pub(super) name: &'p [u8],
    pub(super) data: &'p [u8],
    pub(super) whole: &'p [u8],
}

/// The chunks up to the end of the picture, and what stands behind it; none: it is broken.
pub(super) fn chunks(png: &[u8]) -> Option<(Vec<Chunk<'_>>, &[u8])> {
    let mut at = SIGNATURE;
    let mut chunks = Vec::new();
    loop {
        let len = usize::try_from(be32(png, at)?).ok()?;
        let whole = png.get(at..at.checked_add(len)?.checked_add(12)?)?;
        let (name, data) = (whole.get(4..8)?, whole.get(8..8 + len)?);
        chunks.push(Chunk { name, data, whole });
        at += whole.len();
        if name == b"IEND" {
            return Some((chunks, png.get(at..)?));
        }
        if chunks.len() > 65_536 {
            return None;
        }
    }
}

/// What the metadata tell.
pub(super) fn read(png: &[u8]) -> Told {
    let mut told = Told::default();
    let Some((chunks, behind)) = chunks(png) else {
        told.unread("PNG");
        return told;
    };
    for chunk in &chunks {
        match chunk.name {
            b"eXIf" => tiff::read(chunk.data.strip_prefix(b"Exif\0\0").unwrap_or(chunk.data), &mut told),
            b"tEXt" | b"zTXt" | b"iTXt" => match text(chunk) {
                Some((key, text)) => read_text(&key, &text, &mut told),
                None => told.unread("PNGの文字情報"),
            },
            _ => {}
        }
    }
    if behind.iter().any(|byte| *byte != 0) {
        told.unread("画像の後ろのデータ");
    }
    told
}

fn read_text(key: &str, text: &[u8], told: &mut Told) {
    match key.to_ascii_lowercase().as_str() {
        "xml:com.adobe.xmp" => xmp::read(text, told),
        "author" | "artist" => told.owner(&String::from_utf8_lossy(text)),
        profile if profile.starts_with("raw profile type ") => match unhex(text) {
            Some(raw) if profile.ends_with("xmp") => xmp::read(&raw, told),
            Some(raw) if profile.ends_with("exif") || profile.ends_with("app1") => {
                tiff::read(raw.strip_prefix(b"Exif\0\0").unwrap_or(&raw), told);
            }
            Some(_) if profile.ends_with("icc") || profile.ends_with("icm") => {}
            _ => told.unread("PNGの文字情報"),
        },
        _ => told.text(&String::from_utf8_lossy(text)),
    }
}

/// Key and text of a text chunk, unpacked.
fn text(chunk: &Chunk<'_>) -> Option<(String, Vec<u8>)> {
    let (key, rest) = split_zero(chunk.data)?;
    let (packed, text) = match chunk.name {
        b"tEXt" => (false, rest),
        b"zTXt" => (true, rest.get(1..)?),
        _ => {
            let packed = *rest.first()? == 1;
            let (_, rest) = split_zero(rest.get(2..)?)?;
            (packed, split_zero(rest)?.1)
        }
    };
    let text = if packed {
        miniz_oxide::inflate::decompress_to_vec_zlib_with_limit(text, LONGEST).ok()?
    } else {
        text.to_vec()
    };
    Some((String::from_utf8_lossy(key).into_owned(), text))
}

fn split_zero(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = memchr::memchr(0, bytes)?;
    Some((bytes.get(..at)?, bytes.get(at + 1..)?))
}

/// Hex digits in lines, below a line with the profile's name and one with its length, as ImageMagick writes them.
fn unhex(text: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(text).ok()?;
    let mut lines = text.trim_start().lines();
    let (_, _) = (lines.next()?, lines.next()?);
    let digits: String = lines.flat_map(str::chars).filter(|c| !c.is_whitespace()).collect();
    hex::decode(digits).ok()
}

/// The picture without its metadata.
pub(super) fn strip(png: &[u8]) -> Option<Vec<u8>> {
    let (chunks, _) = chunks(png)?;
    let mut out = png.get(..SIGNATURE)?.to_vec();
    let metadata: [&[u8]; 5] = [b"eXIf", b"tEXt", b"zTXt", b"iTXt", b"tIME"];
    chunks.iter().filter(|chunk| !metadata.contains(&chunk.name)).for_each(|chunk| out.extend_from_slice(chunk.whole));
    Some(out)
}
