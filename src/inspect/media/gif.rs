//! GIF 89a: comments and application extensions, one of which may hold XMP.

use super::{Told, xmp};

/// A block of a GIF: `None` for what is shown, else the kind and data of an extension.
struct Block<'g> {
    extension: Option<(u8, Vec<u8>)>,
    whole: &'g [u8],
}

/// The blocks after the header, and what stands behind the trailer; none: it is broken.
fn blocks(gif: &[u8]) -> Option<(usize, Vec<Block<'_>>, &[u8])> {
    let header = 13 + table(*gif.get(10)?);
    let mut at = header;
    let mut blocks = Vec::new();
    loop {
        let begin = at;
        let extension = match *gif.get(at)? {
            0x3b => return Some((header, blocks, gif.get(at + 1..)?)),
            0x21 => {
                let kind = *gif.get(at + 1)?;
                let (data, end) = sub_blocks(gif, at + 2)?;
                at = end;
                Some((kind, data))
            }
            0x2c => {
                at += 10 + table(*gif.get(at + 9)?) + 1;
                at = sub_blocks(gif, at)?.1;
                None
            }
            _ => return None,
        };
        blocks.push(Block { extension, whole: gif.get(begin..at)? });
        if blocks.len() > 65_536 {
            return None;
        }
    }
}

/// The length of a colour table, by the flags that announce it.
fn table(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

/// The first 1 MiB of data in sub-blocks, and where they end.
fn sub_blocks(gif: &[u8], mut at: usize) -> Option<(Vec<u8>, usize)> {
    let mut data = Vec::new();
    loop {
        let len = usize::from(*gif.get(at)?);
        let part = gif.get(at + 1..at + 1 + len)?;
        at += 1 + len;
        if len == 0 {
            return Some((data, at));
        }
        if data.len() < 1024 * 1024 {
            data.extend_from_slice(part);
        }
    }
}

/// What the metadata tell.
pub(super) fn read(gif: &[u8]) -> Told {
    let mut told = Told::default();
    let Some((_, blocks, behind)) = blocks(gif) else {
        told.unread("GIF");
        return told;
    };
    for block in &blocks {
        match &block.extension {
            Some((0xfe | 0x01, text)) => told.text(&String::from_utf8_lossy(text)),
            // XMP stands there without sub-blocks, so that some of its characters are taken for lengths.
            Some((0xff, data)) if data.starts_with(b"XMP Data") => xmp::read(block.whole, &mut told),
            _ => {}
        }
    }
    if behind.iter().any(|byte| *byte != 0) {
        told.unread("画像の後ろのデータ");
    }
    told
}

/// The picture without its metadata; how often it repeats stays.
pub(super) fn strip(gif: &[u8]) -> Option<Vec<u8>> {
    let (header, blocks, _) = blocks(gif)?;
    let mut out = gif.get(..header)?.to_vec();
    let is_shown = |block: &&Block<'_>| match &block.extension {
        None | Some((0xf9, _)) => true,
        Some((0xff, data)) => data.starts_with(b"NETSCAPE2.0") || data.starts_with(b"ANIMEXTS1.0"),
        Some(_) => false,
    };
    blocks.iter().filter(is_shown).for_each(|block| out.extend_from_slice(block.whole));
    out.push(0x3b);
    Some(out)
}
