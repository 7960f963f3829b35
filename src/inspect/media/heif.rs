//! Items of a HEIF file (ISO/IEC 23008-12): which are Exif or XMP, and where they lie (`iinf`, `iloc`).

use std::io;

use super::be32;
use super::bmff::Walk;

/// Items of one file.
const MANY: usize = 4096;

/// Reads numbers from a box.
struct Numbers<'b>(&'b [u8]);

impl Numbers<'_> {
    /// The next number of so many bytes.
    fn next(&mut self, bytes: u8) -> Option<u64> {
        let (number, rest) = self.0.split_at_checked(usize::from(bytes))?;
        self.0 = rest;
        Some(number.iter().fold(0_u64, |all, byte| all << 8 | u64::from(*byte)))
    }
}

/// The data of each box in a list of boxes, with its kind.
fn inside(mut list: &[u8]) -> Vec<(&[u8], &[u8])> {
    let mut found = Vec::new();
    while let Some(len) = be32(list, 0).and_then(|len| usize::try_from(len).ok()) {
        let (Some(kind), Some(data)) = (list.get(4..8), list.get(8..len)) else { break };
        found.push((kind, data));
        list = list.get(len..).unwrap_or_default();
        if found.len() > MANY {
            break;
        }
    }
    found
}

/// Reads the items of a `meta` box, whose contents these are.
pub(super) fn read(walk: &mut Walk<'_>, meta: &[u8]) -> io::Result<()> {
    let boxes = inside(meta);
    let of = |kind: &[u8]| boxes.iter().find(|(known, _)| *known == kind).map(|(_, data)| *data);
    let Some(infos) = of(b"iinf") else { return Ok(()) };
    let telling = items(infos);
    if telling.is_empty() {
        return Ok(());
    }
    let Some(places) = of(b"iloc").and_then(places) else {
        walk.told.unread("付加情報の位置");
        return Ok(());
    };
    for (id, exif) in telling {
        let Some((_, extents)) = places.iter().find(|(known, _)| *known == id) else {
            walk.told.unread("付加情報の位置");
            continue;
        };
        match extents.as_slice() {
            [(at, len)] if exif => walk.exif_item(*at, *len)?,
            [(at, len)] => walk.mime_item(*at, *len)?,
            _ => walk.told.unread("付加情報の位置"),
        }
    }
    Ok(())
}

/// Ids of Exif items (true) and of items with a content type (false).
fn items(infos: &[u8]) -> Vec<(u64, bool)> {
    let wide = infos.first().is_some_and(|version| *version > 0);
    let list = infos.get(if wide { 8 } else { 6 }..).unwrap_or_default();
    let item = |(kind, data): (&[u8], &[u8])| {
        let version = *data.first()?;
        let mut numbers = Numbers(data.get(4..)?);
        let id = numbers.next(if version >= 3 { 4 } else { 2 })?;
        numbers.next(2)?;
        match (kind, version, numbers.0.get(..4)?) {
            (b"infe", 2.., b"Exif") => Some((id, true)),
            (b"infe", 2.., b"mime") => Some((id, false)),
            _ => None,
        }
    };
    inside(list).into_iter().filter_map(item).collect()
}

/// Where each item lies: offset in the file and length of each extent. Items in `idat` or by reference are left out, so
/// that whoever looks for them finds none.
type Places = Vec<(u64, Vec<(u64, u64)>)>;

fn places(iloc: &[u8]) -> Option<Places> {
    let version = *iloc.first()?;
    let mut numbers = Numbers(iloc.get(4..)?);
    let sizes = numbers.next(1)?;
    let more = numbers.next(1)?;
    let half = |byte: u64, high: bool| u8::try_from(if high { byte >> 4 } else { byte & 15 }).ok();
    let (offset, length, base) = (half(sizes, true)?, half(sizes, false)?, half(more, true)?);
    let index = if version > 0 { half(more, false)? } else { 0 };
    let count = numbers.next(if version < 2 { 2 } else { 4 })?;
    let mut places = Places::new();
    for _ in 0..count.min(MANY as u64) {
        let id = numbers.next(if version < 2 { 2 } else { 4 })?;
        let method = if version > 0 { numbers.next(2)? & 15 } else { 0 };
        numbers.next(2)?;
        let begins = numbers.next(base)?;
        let mut extents = Vec::new();
        for _ in 0..numbers.next(2)? {
            numbers.next(index)?;
            let at = begins.checked_add(numbers.next(offset)?)?;
            extents.push((at, numbers.next(length)?));
        }
        if method == 0 {
            places.push((id, extents));
        }
    }
    Some(places)
}
