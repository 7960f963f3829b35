//! The least media that each rule about media must find.

/// Exif with the given entries of the first directory and, if `place` says so, a latitude.
fn exif(artist: &str, place: bool) -> Vec<u8> {
    let entries = usize::from(!artist.is_empty()) + usize::from(place);
    let begins = 8 + 2 + entries * 12 + 4;
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes();
    let entry = |tag: u16, kind: u16, count: usize, value: usize| {
        [&tag.to_le_bytes()[..], &kind.to_le_bytes(), &number(count), &number(value)].concat()
    };
    let mut tiff = b"II*\0\x08\0\0\0".to_vec();
    tiff.extend(u16::try_from(entries).unwrap_or_default().to_le_bytes());
    if !artist.is_empty() {
        tiff.extend(entry(0x013b, 2, artist.len() + 1, begins));
    }
    if place {
        tiff.extend(entry(0x8825, 4, 1, begins + artist.len() + 1));
    }
    tiff.extend([0; 4]);
    tiff.extend(artist.as_bytes());
    tiff.push(0);
    if place {
        let degrees = tiff.len() + 2 + 12 + 4;
        tiff.extend([1, 0]);
        tiff.extend(entry(0x0002, 5, 3, degrees));
        tiff.extend([0; 4]);
        for part in [36_u32, 1, 38, 1, 55, 1] {
            tiff.extend(part.to_le_bytes());
        }
    }
    tiff
}

/// A JPEG of metadata alone.
fn jpeg(exif: &[u8]) -> Vec<u8> {
    let data = [b"Exif\0\0", exif].concat();
    let mut jpeg = vec![0xff, 0xd8, 0xff, 0xe1];
    jpeg.extend(u16::try_from(data.len() + 2).unwrap_or_default().to_be_bytes());
    jpeg.extend(data);
    jpeg.extend([0xff, 0xda, 0, 2, 0xff, 0xd9]);
    jpeg
}

/// A PNG that says that it has 100,000 by 100,000 pixels.
fn vast() -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
    png.extend(100_000_u32.to_be_bytes());
    png.extend(100_000_u32.to_be_bytes());
    png.extend([8, 0, 0, 0, 0]);
    // The checksum (CRC-32) of the header.
    png.extend(VAST_CRC);
    png.extend(b"\0\0\0\0IEND\xae\x42\x60\x82");
    png
}

const VAST_CRC: [u8; 4] = [0x8d, 0x39, 0x54, 0x14];

/// A QR code of `https://bit.ly/x`, 1 bit a pixel.
const CODE: &[u8] = include_bytes!("canary.png");

/// Each rule with a medium that it must find.
pub(super) fn all() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("media.location", jpeg(&exif("", true))),
        ("media.owner", jpeg(&exif("Nagano Taro", false))),
        ("media.unread", b"\xff\xd8\xff\xe1 broken".to_vec()),
        ("media.unknown", b"\0no picture".to_vec()),
        ("media.words", b"WEBVTT\n\n00:00.000 --> 00:02.000\na\n".to_vec()),
        ("limit.too-complex", vast()),
        ("shortener.listed", CODE.to_vec()),
    ]
}
