//! ISO base media (ISO/IEC 14496-12): films, and pictures in the same boxes. Only boxes of metadata are read, each by
//! itself; the film's own bytes are passed over, so that its length costs nothing.

use std::io::{self, SeekFrom};

use super::{Stream, Told, heif, tiff, xmp};

/// The longest box of metadata that is read, in bytes.
pub(super) const LONGEST: u64 = 4 * 1024 * 1024;
/// Boxes of one file.
const MANY: usize = 100_000;
/// Boxes within boxes.
const DEEP: usize = 12;
/// The box of an XMP packet (ISO 16684-3).
const XMP_UUID: [u8; 16] =
    [0xbe, 0x7a, 0xcf, 0xcb, 0x97, 0xa9, 0x42, 0xe8, 0x9c, 0x71, 0x99, 0x94, 0x91, 0xe3, 0xaf, 0xac];

/// What a place in the file is to a stripped copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blank {
    /// A box: from its type on, it becomes a `free` box of zeros.
    Box,
    /// An Exif item: it becomes an empty one.
    Exif,
    /// Other bytes: they become blanks.
    Text,
}

/// Bytes that a stripped copy has not.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patch {
    pub(super) what: Blank,
    /// Of a box: where its four bytes of type stand.
    pub(super) kind: u64,
    /// The first byte that goes.
    pub(super) from: u64,
    /// Behind the last one.
    pub(super) end: u64,
}

/// The walk through a file.
pub(super) struct Walk<'s> {
    pub(super) stream: &'s mut dyn Stream,
    pub(super) told: Told,
    pub(super) patches: Vec<Patch>,
    /// Whether metadata run beside the film as a track of their own, which no patch takes out.
    pub(super) tracked: bool,
    seen: usize,
}

/// A box.
struct Head {
    kind: [u8; 4],
    at: u64,
    /// Where its data begin.
    data: u64,
    end: u64,
}

/// What the metadata tell.
pub(super) fn read(stream: &mut dyn Stream) -> io::Result<Told> {
    walk(stream).map(|walk| walk.told)
}

/// Walks through the whole file.
pub(super) fn walk(stream: &mut dyn Stream) -> io::Result<Walk<'_>> {
    let end = stream.seek(SeekFrom::End(0))?;
    let mut walk = Walk { stream, told: Told::default(), patches: Vec::new(), tracked: false, seen: 0 };
    walk.boxes(0, end, 0)?;
    Ok(walk)
}

impl Walk<'_> {
    fn boxes(&mut self, mut at: u64, end: u64, depth: usize) -> io::Result<()> {
        while at < end {
            self.seen += 1;
            let head = if self.seen > MANY { None } else { self.head(at, end)? };
            let Some(head) = head else {
                // A list of user data may end in four zeros.
                if end - at > 4 || depth == 0 {
                    self.told.unread("動画の構造");
                }
                return Ok(());
            };
            at = head.end;
            self.visit(&head, depth)?;
        }
        Ok(())
    }

    fn head(&mut self, at: u64, end: u64) -> io::Result<Option<Head>> {
        if end - at < 8 {
            return Ok(None);
        }
        let bytes = self.bytes(at, 16.min(end - at))?;
        let number = super::be32(&bytes, 0).unwrap_or_default();
        let Some(kind) = bytes.get(4..8).and_then(|kind| <[u8; 4]>::try_from(kind).ok()) else { return Ok(None) };
        let (head, len) = match number {
            0 => (8, Some(end - at)),
            1 => (16, bytes.get(8..16).and_then(|it| it.try_into().ok()).map(u64::from_be_bytes)),
            len => (8, Some(u64::from(len))),
        };
        let ends = len.filter(|len| *len >= head).and_then(|len| at.checked_add(len)).filter(|ends| *ends <= end);
        Ok(ends.map(|ends| Head { kind, at, data: at + head, end: ends }))
    }

    fn visit(&mut self, head: &Head, depth: usize) -> io::Result<()> {
        match &head.kind {
            b"moov" | b"trak" | b"mdia" | b"minf" | b"stbl" | b"udta" | b"moof" | b"traf" | b"ilst" | b"edts" => {
                if depth >= DEEP {
                    self.told.unread("動画の構造");
                    return Ok(());
                }
                self.boxes(head.data, head.end, depth + 1)
            }
            b"meta" => self.meta(head, depth),
            b"\xa9xyz" | b"loci" | b"GPS " | b"GPS0" | b"gps0" => {
                self.told.place = true;
                self.blank(head);
                Ok(())
            }
            b"\xa9aut" | b"\xa9ART" | b"aART" | b"auth" | b"perf" | b"\xa9prf" | b"\xa9dir" if depth > 1 => {
                let text = self.words(head)?;
                self.told.owner(&text);
                self.blank(head);
                Ok(())
            }
            b"\xa9nam" | b"\xa9cmt" | b"\xa9des" | b"desc" | b"titl" | b"dscp" if depth > 1 => {
                let text = self.words(head)?;
                self.told.text(&text);
                self.blank(head);
                Ok(())
            }
            b"XMP_" => self.xmp(head, head.data),
            b"uuid" => {
                let name = self.bytes(head.data, 16.min(head.end - head.data))?;
                if name == XMP_UUID { self.xmp(head, head.data + 16) } else { Ok(()) }
            }
            b"stsd" => self.samples(head),
            _ => Ok(()),
        }
    }

    /// Metadata by items (HEIF) or by keys (QuickTime).
    fn meta(&mut self, head: &Head, depth: usize) -> io::Result<()> {
        if head.end - head.data > LONGEST {
            self.told.unread("付加情報");
            return Ok(());
        }
        let bytes = self.bytes(head.data, head.end - head.data)?;
        // It is a full box in ISO files and a plain one in QuickTime.
        let full = bytes.get(4..8) != Some(b"hdlr") && bytes.get(..4) == Some(&[0; 4]);
        let data = head.data + if full { 4 } else { 0 };
        let inside = bytes.get(if full { 4 } else { 0 }..).unwrap_or_default();
        if depth == 0 {
            return heif::read(self, inside);
        }
        let before = self.patches.len();
        let keys = [b"com.apple.quicktime.location".as_slice(), b"location.ISO6709", b"com.android.capture.location"];
        if keys.iter().any(|key| memchr::memmem::find(&bytes, key).is_some()) {
            self.told.place = true;
        }
        for key in [b"com.apple.quicktime.author".as_slice(), b"com.apple.quicktime.artist"] {
            if memchr::memmem::find(&bytes, key).is_some() {
                // Values lie apart from their keys; which is whose does not matter for a name that nobody may read.
                self.told.owner("com.apple.quicktime.author");
            }
        }
        self.boxes(data, head.end, depth + 1)?;
        // Items are addressed by their number, so that the whole list goes or none of it.
        self.patches.truncate(before);
        self.blank(head);
        Ok(())
    }

    /// Which kinds of samples a track holds: positions may run beside the film.
    fn samples(&mut self, head: &Head) -> io::Result<()> {
        let bytes = self.bytes(head.data, (head.end - head.data).min(64 * 1024))?;
        let kinds = [b"gpmd".as_slice(), b"camm", b"location.ISO6709", b"fdsc", b"djmd"];
        if kinds.iter().any(|kind| memchr::memmem::find(&bytes, kind).is_some()) {
            self.told.place = true;
            self.tracked = true;
        }
        Ok(())
    }

    fn xmp(&mut self, head: &Head, from: u64) -> io::Result<()> {
        if head.end.saturating_sub(from) > LONGEST {
            self.told.unread("XMP");
        } else {
            let packet = self.bytes(from, head.end.saturating_sub(from))?;
            xmp::read(&packet, &mut self.told);
        }
        self.blank(head);
        Ok(())
    }

    /// The readable end of a small box, whatever its inner heads are.
    fn words(&mut self, head: &Head) -> io::Result<String> {
        let bytes = self.bytes(head.data, (head.end - head.data).min(4096))?;
        let bytes = match bytes.get(4..8) {
            // A value in a list has a box of its own: head, type, locale.
            Some(b"data") => bytes.get(16..),
            // Length and language, or version, flags and language.
            _ if bytes.first() == Some(&0) && bytes.get(1) == Some(&0) && bytes.len() > 6 => bytes.get(6..),
            _ => bytes.get(4..),
        };
        Ok(String::from_utf8_lossy(bytes.unwrap_or_default()).trim_end_matches('\0').to_owned())
    }

    fn blank(&mut self, head: &Head) {
        self.patches.push(Patch { what: Blank::Box, kind: head.at + 4, from: head.data, end: head.end });
    }

    /// An Exif item: four bytes say where its TIFF begins.
    pub(super) fn exif_item(&mut self, at: u64, len: u64) -> io::Result<()> {
        if len > LONGEST {
            self.told.unread("Exif");
            return Ok(());
        }
        let item = self.bytes(at, len)?;
        let skipped = super::be32(&item, 0).and_then(|skip| usize::try_from(skip).ok()).unwrap_or_default();
        match item.get(4..).and_then(|rest| rest.get(skipped..)) {
            Some(tiff) => tiff::read(tiff, &mut self.told),
            None => self.told.unread("Exif"),
        }
        self.patches.push(Patch { what: Blank::Exif, kind: at, from: at, end: at + len });
        Ok(())
    }

    /// An item of another type: XMP, if it looks like it.
    pub(super) fn mime_item(&mut self, at: u64, len: u64) -> io::Result<()> {
        if len > LONGEST {
            self.told.unread("XMP");
            return Ok(());
        }
        let item = self.bytes(at, len)?;
        xmp::read(&item, &mut self.told);
        self.patches.push(Patch { what: Blank::Text, kind: at, from: at, end: at + len });
        Ok(())
    }

    fn bytes(&mut self, at: u64, len: u64) -> io::Result<Vec<u8>> {
        self.stream.seek(SeekFrom::Start(at))?;
        let mut bytes = vec![0; usize::try_from(len).map_err(io::Error::other)?];
        self.stream.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}
