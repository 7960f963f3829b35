//! Exif (CIPA DC-008): place, owner, words.

use exif::{Context, Exif, In, Reader, Tag, Value};

use super::Told;

/// XPTitle, XPComment, XPAuthor, XPKeywords, XPSubject: UTF-16, of Windows.
const OF_WINDOWS: std::ops::RangeInclusive<u16> = 0x9c9b..=0x9c9f;
const AUTHOR_OF_WINDOWS: u16 = 0x9c9d;

/// Reads a TIFF structure.
pub(super) fn read(tiff: &[u8], told: &mut Told) {
    let mut reader = Reader::new();
    reader.continue_on_error(true);
    let exif = match reader.read_raw(tiff.to_vec()) {
        Ok(exif) => exif,
        Err(error) => match error.distill_partial_result(|_| ()) {
            Ok(exif) => {
                told.unread("Exif");
                exif
            }
            Err(_) => return told.unread("Exif"),
        },
    };
    for field in exif.fields() {
        if field.tag.context() == Context::Gps {
            told.place |= names_a_place(field.tag, &field.value);
            continue;
        }
        match field.tag {
            Tag::Artist | Tag::CameraOwnerName => words(&field.value).iter().for_each(|name| told.owner(name)),
            Tag::ImageDescription => words(&field.value).iter().for_each(|text| told.text(text)),
            Tag::UserComment => {
                if let Value::Undefined(bytes, _) = &field.value {
                    told.text(&comment(bytes, &exif));
                }
            }
            Tag(Context::Tiff, number) if OF_WINDOWS.contains(&number) => {
                if let Value::Byte(bytes) = &field.value {
                    let text = utf16(bytes, true);
                    if number == AUTHOR_OF_WINDOWS { told.owner(&text) } else { told.text(&text) }
                }
            }
            Tag::Orientation if field.ifd_num == In::PRIMARY => {
                let turned = field.value.get_uint(0).and_then(|it| u16::try_from(it).ok());
                told.turned = turned.filter(|it| (2..=8).contains(it));
            }
            _ => {}
        }
    }
}

/// Whether a GPS tag tells where: cameras without a fix write zeros or the version alone.
fn names_a_place(tag: Tag, value: &Value) -> bool {
    let telling = [
        Tag::GPSLatitude,
        Tag::GPSLongitude,
        Tag::GPSDestLatitude,
        Tag::GPSDestLongitude,
        Tag::GPSAreaInformation,
        Tag::GPSSatellites,
        Tag::GPSTrack,
    ];
    telling.contains(&tag)
        && match value {
            Value::Rational(parts) => parts.iter().any(|part| part.num != 0 && part.denom != 0),
            Value::SRational(parts) => parts.iter().any(|part| part.num != 0 && part.denom != 0),
            Value::Ascii(parts) => parts.iter().flatten().any(|byte| !byte.is_ascii_whitespace()),
            Value::Undefined(bytes, _) | Value::Byte(bytes) => {
                bytes.iter().skip(8).any(|byte| !matches!(byte, 0 | b' '))
            }
            Value::Float(parts) => parts.iter().any(|part| *part != 0.0),
            Value::Double(parts) => parts.iter().any(|part| *part != 0.0),
            _ => true,
        }
}

fn words(value: &Value) -> Vec<String> {
    match value {
        Value::Ascii(parts) => parts.iter().map(|part| String::from_utf8_lossy(part).into_owned()).collect(),
        Value::Undefined(bytes, _) | Value::Byte(bytes) => vec![String::from_utf8_lossy(bytes).into_owned()],
        _ => Vec::new(),
    }
}

/// A comment begins with its coding.
fn comment(bytes: &[u8], exif: &Exif) -> String {
    let rest = bytes.get(8..).unwrap_or_default();
    match bytes.get(..8) {
        Some(b"UNICODE\0") => utf16(rest, exif.little_endian()),
        _ => String::from_utf8_lossy(rest).into_owned(),
    }
}

fn utf16(bytes: &[u8], little: bool) -> String {
    let unit = |pair: &[u8]| match pair {
        [a, b] if little => u16::from_le_bytes([*a, *b]),
        [a, b] => u16::from_be_bytes([*a, *b]),
        _ => 0,
    };
    let units: Vec<u16> = bytes.chunks_exact(2).map(unit).take_while(|unit| *unit != 0).collect();
    String::from_utf16_lossy(&units)
}

/// The least Exif: how the picture is to be turned, and nothing else.
pub(super) fn upright(turned: u16) -> Vec<u8> {
    let [low, high] = turned.to_le_bytes();
    let mut tiff = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    tiff.extend([low, high, 0, 0, 0, 0, 0, 0]);
    tiff
}

/// Exif without a field.
pub(super) const EMPTY: [u8; 14] = *b"II*\0\x08\0\0\0\0\0\0\0\0\0";
