//! JPEG (ITU-T T.81 B): segments up to the picture's end, and what stands behind it.

use memchr::{memchr, memmem};

use super::{Told, be16, tiff, xmp};

const EXIF: &[u8] = b"Exif\0\0";
const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
const MORE_XMP: &[u8] = b"http://ns.adobe.com/xmp/extension/\0";
/// After its name, extended XMP has the hash of the whole (32), its length (4) and the part's place (4).
const MORE_XMP_HEAD: usize = 40;
const PHOTOSHOP: &[u8] = b"Photoshop 3.0\0";
/// Several pictures in one file (CIPA DC-007).
const SEVERAL: &[u8] = b"MPF\0";

/// A marker segment.
pub(super) struct Segment<'j> {
    /// The marker's second byte.
    pub(super) marker: u8,
    /// Marker and length with the rest.
    pub(super) whole: &'j [u8],
    /// What follows the length.
    pub(super) data: &'j [u8],
}

impl Segment<'_> {
    /// Whether the picture is shown the same without it. The profile of its colours and Adobe's transform stay.
    pub(super) fn is_metadata(&self) -> bool {
        match self.marker {
            0xe1 | 0xe3..=0xed | 0xef | 0xfe => true,
            0xe2 => !self.data.starts_with(b"ICC_PROFILE\0"),
            _ => false,
        }
    }
}

/// A JPEG, taken apart.
pub(super) struct Parts<'j> {
    /// Segments in their order.
    pub(super) segments: Vec<Segment<'j>>,
    /// From the first scan to the picture's end.
    pub(super) scans: &'j [u8],
    /// What stands behind the end.
    pub(super) behind: &'j [u8],
}

/// Takes a JPEG apart; none: it is broken.
pub(super) fn parts(jpeg: &[u8]) -> Option<Parts<'_>> {
    let mut at = 2;
    let mut segments = Vec::new();
    loop {
        let marker = match jpeg.get(at..at + 2)? {
            [0xff, 0xff] => {
                at += 1;
                continue;
            }
            [0xff, marker] => *marker,
            _ => return None,
        };
        if marker == 0xd9 || segments.len() > 4096 {
            return None;
        }
        if marker == 0xda {
            let end = end_of(jpeg, at)?;
            return Some(Parts { segments, scans: jpeg.get(at..end)?, behind: jpeg.get(end..)? });
        }
        if matches!(marker, 0x01 | 0xd0..=0xd8) {
            at += 2;
            continue;
        }
        let len = be16(jpeg, at + 2)?;
        let whole = jpeg.get(at..at + 2 + len)?;
        segments.push(Segment { marker, whole, data: whole.get(4..)? });
        at += 2 + len;
    }
}

/// Behind the end marker. In scans a 0xff is followed by 0 or a restart; between scans stand whole segments.
fn end_of(jpeg: &[u8], first: usize) -> Option<usize> {
    let mut at = first;
    loop {
        at += memchr(0xff, jpeg.get(at..)?)?;
        match *jpeg.get(at + 1)? {
            0xd9 => return Some(at + 2),
            0x00 | 0x01 | 0xd0..=0xd7 => at += 2,
            0xff => at += 1,
            _ => at += 2 + be16(jpeg, at + 2)?,
        }
    }
}

/// What the metadata tell.
pub(super) fn read(jpeg: &[u8]) -> Told {
    let mut told = Told::default();
    let Some(parts) = parts(jpeg) else {
        told.unread("JPEG");
        return told;
    };
    let mut more = Vec::new();
    for segment in &parts.segments {
        let data = segment.data;
        match segment.marker {
            0xe1 if data.starts_with(EXIF) => tiff::read(data.get(EXIF.len()..).unwrap_or_default(), &mut told),
            0xe1 if data.starts_with(XMP) => xmp::read(data.get(XMP.len()..).unwrap_or_default(), &mut told),
            0xe1 if data.starts_with(MORE_XMP) => {
                more.extend_from_slice(data.get(MORE_XMP.len() + MORE_XMP_HEAD..).unwrap_or_default());
            }
            0xe2 if data.starts_with(SEVERAL) => {}
            0xed if data.starts_with(PHOTOSHOP) => iptc(data, &mut told),
            0xfe => told.text(&String::from_utf8_lossy(data)),
            _ => {}
        }
    }
    if !more.is_empty() {
        xmp::read(&more, &mut told);
    }
    if has_metadata(parts.scans) {
        told.unread("走査の間の付加情報");
    }
    behind(parts.behind, &mut told);
    told
}

/// Whether metadata stand between the scans, where no camera writes them.
fn has_metadata(scans: &[u8]) -> bool {
    [EXIF, XMP, MORE_XMP].iter().any(|name| memmem::find(scans, name).is_some())
}

/// Behind the picture stand further pictures (MPF, depth, HDR) and films ("motion photo") of the same moment.
fn behind(behind: &[u8], told: &mut Told) {
    if behind.iter().all(|byte| *byte == 0) {
        return;
    }
    for at in memmem::find_iter(behind, EXIF).take(16) {
        let tiff = behind.get(at + EXIF.len()..).unwrap_or_default();
        let tiff = tiff.get(..tiff.len().min(64 * 1024)).unwrap_or_default();
        tiff::read(tiff, told);
    }
    told.unread("画像の後ろのデータ");
}

/// IPTC-IIM records in a Photoshop resource: 2:80 by-line, 2:92 place.
fn iptc(data: &[u8], told: &mut Told) {
    let value = |record: &[u8]| {
        let len = be16(record, 3)?;
        Some(String::from_utf8_lossy(record.get(5..5 + len)?).into_owned())
    };
    for at in memmem::find_iter(data, &[0x1c, 0x02]).take(256) {
        let record = data.get(at..).unwrap_or_default();
        match (record.get(2), value(record)) {
            (Some(80 | 122), Some(name)) => told.owner(&name),
            (Some(92), Some(place)) => told.place |= !place.trim().is_empty(),
            (Some(105 | 120), Some(text)) => told.text(&text),
            _ => {}
        }
    }
}

/// The picture without its metadata; how it is to be turned stays.
pub(super) fn strip(jpeg: &[u8]) -> Option<Vec<u8>> {
    let parts = parts(jpeg)?;
    let turned = read(jpeg).turned;
    let mut out = vec![0xff, 0xd8];
    let mut kept = parts.segments.iter().filter(|segment| !segment.is_metadata()).peekable();
    // JFIF asks to stand first.
    if let Some(first) = kept.next_if(|segment| segment.marker == 0xe0) {
        out.extend_from_slice(first.whole);
    }
    if let Some(turned) = turned {
        let exif = [EXIF, &tiff::upright(turned)].concat();
        out.extend([0xff, 0xe1]);
        out.extend(u16::try_from(exif.len() + 2).ok()?.to_be_bytes());
        out.extend(exif);
    }
    kept.for_each(|segment| out.extend_from_slice(segment.whole));
    out.extend_from_slice(parts.scans);
    Some(out)
}
