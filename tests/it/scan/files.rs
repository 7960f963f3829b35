//! Small true media files, with what a scene wants to stand in their metadata.

use std::path::Path;

/// Exif with an artist, if there is one, and the latitude of 長野市役所, if it is wanted.
pub fn exif(artist: &str, place: bool) -> Vec<u8> {
    let fields = usize::from(!artist.is_empty()) + usize::from(place);
    let begins = 8 + 2 + fields * 12 + 4;
    let number = |number: usize| u32::try_from(number).unwrap().to_be_bytes();
    let mut tiff = b"MM\0*\0\0\0\x08".to_vec();
    tiff.extend(u16::try_from(fields).unwrap().to_be_bytes());
    if !artist.is_empty() {
        tiff.extend([b"\x01\x3b\0\x02".as_slice(), &number(artist.len() + 1), &number(begins)].concat());
    }
    if place {
        tiff.extend([b"\x88\x25\0\x04\0\0\0\x01".as_slice(), &number(begins + artist.len() + 1)].concat());
    }
    tiff.extend([0; 4]);
    tiff.extend(artist.as_bytes());
    tiff.push(0);
    if place {
        let degrees = tiff.len() + 2 + 12 + 4;
        tiff.extend([b"\0\x01\0\x02\0\x05\0\0\0\x03".as_slice(), &number(degrees), &[0; 4]].concat());
        for part in [36_u32, 1, 38, 1, 3949, 100] {
            tiff.extend(part.to_be_bytes());
        }
    }
    tiff
}

/// An XMP packet with a place.
pub fn xmp() -> Vec<u8> {
    br#"<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:exif="http://ns.adobe.com/exif/1.0/" exif:GPSLatitude="36,38.658N" exif:GPSLongitude="138,11.65E"/>
</rdf:RDF></x:xmpmeta>"#
        .to_vec()
}

/// A grey JPEG of 8 by 8 pixels, with these APP1 segments.
pub fn jpeg(segments: &[&[u8]]) -> Vec<u8> {
    let mut jpeg = vec![0xff, 0xd8];
    let mut put = |marker: u8, data: &[u8]| {
        jpeg.extend([0xff, marker]);
        jpeg.extend(u16::try_from(data.len() + 2).unwrap().to_be_bytes());
        jpeg.extend(data);
    };
    segments.iter().for_each(|data| put(0xe1, data));
    put(0xdb, &[[0].as_slice(), &[16; 64]].concat());
    put(0xc0, &[8, 0, 8, 0, 8, 1, 1, 0x11, 0]);
    // One code of one bit in each table: "no difference", "end of block".
    put(0xc4, &[0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    put(0xc4, &[0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    put(0xda, &[1, 1, 0, 0, 63, 0]);
    jpeg.extend([0x3f, 0xff, 0xd9]);
    jpeg
}

/// A PNG of 8 by 8 pixels, with these chunks.
pub fn png(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut png = Vec::new();
    let mut encoder = ::png::Encoder::new(&mut png, 8, 8);
    encoder.set_color(::png::ColorType::Grayscale);
    let mut writer = encoder.write_header().unwrap();
    for (name, data) in chunks {
        writer.write_chunk(::png::chunk::ChunkType(**name), data).unwrap();
    }
    writer.write_image_data(&[128; 64]).unwrap();
    drop(writer);
    png
}

/// A WebP of 8 by 8 pixels, with these chunks behind the picture.
pub fn webp(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut plain = Vec::new();
    let encoder = image_webp::WebPEncoder::new(&mut plain);
    encoder.encode(&[128; 64], 8, 8, image_webp::ColorType::L8).unwrap();
    let flags = if chunks.iter().any(|(name, _)| *name == b"EXIF") { 0x08 } else { 0x04 };
    let mut body = b"WEBPVP8X\x0a\0\0\0".to_vec();
    body.extend([flags, 0, 0, 0, 7, 0, 0, 7, 0, 0]);
    body.extend(&plain[12..]);
    for (name, data) in chunks {
        body.extend(*name);
        body.extend(u32::try_from(data.len()).unwrap().to_le_bytes());
        body.extend(*data);
        body.extend(vec![0; data.len() % 2]);
    }
    [b"RIFF".as_slice(), &u32::try_from(body.len()).unwrap().to_le_bytes(), &body].concat()
}

/// A box of ISO base media.
fn boxed(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    [&u32::try_from(data.len() + 8).unwrap().to_be_bytes(), kind.as_slice(), data].concat()
}

/// The boxes of a HEIC picture, with an Exif item. (The picture itself is a film's frame, which nobody here decodes.)
pub fn heic(tiff: &[u8]) -> Vec<u8> {
    let item = [&[0; 4], tiff].concat();
    let info = boxed(b"infe", b"\x02\0\0\0\0\x01\0\0Exif\0");
    let build = |at: usize| {
        let infos = boxed(b"iinf", &[b"\0\0\0\0\0\x01".as_slice(), &info].concat());
        let number = |number: usize| u32::try_from(number).unwrap().to_be_bytes();
        let place = [b"\0\0\0\0\x44\0\0\x01\0\x01\0\0\0\x01".as_slice(), &number(at), &number(item.len())].concat();
        let handler = boxed(b"hdlr", b"\0\0\0\0\0\0\0\0pict\0\0\0\0\0\0\0\0\0\0\0\0\0");
        let meta = [&[0; 4], handler.as_slice(), &infos, &boxed(b"iloc", &place)].concat();
        [boxed(b"ftyp", b"heic\0\0\0\0mif1heic"), boxed(b"meta", &meta)].concat()
    };
    let at = build(0).len() + 8;
    [build(at), boxed(b"mdat", &item)].concat()
}

/// The boxes of a film, with one box among its user data.
pub fn mp4(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let told = if kind == b"meta" {
        let key = [&u32::try_from(data.len() + 8).unwrap().to_be_bytes(), b"mdta".as_slice(), data].concat();
        let keys = boxed(b"keys", &[b"\0\0\0\0\0\0\0\x01".as_slice(), &key].concat());
        let value = boxed(b"data", b"\0\0\0\x01\0\0\0\0+36.6485+138.1942+371.000/");
        let list = boxed(b"ilst", &[b"\0\0\0\x32\0\0\0\x01".as_slice(), &value].concat());
        boxed(kind, &[boxed(b"hdlr", b"\0\0\0\0\0\0\0\0mdta\0\0\0\0\0\0\0\0\0\0\0\0\0"), keys, list].concat())
    } else {
        boxed(b"udta", &boxed(kind, data))
    };
    let film = boxed(b"mdat", &[7; 5000]);
    let moov = boxed(b"moov", &[boxed(b"mvhd", &[0; 100]), told].concat());
    [boxed(b"ftyp", b"isom\0\0\x02\0isommp41"), film, moov].concat()
}

/// A QR code as a PNG.
pub fn code(text: &str) -> Vec<u8> {
    let code = qrcode::QrCode::new(text).unwrap();
    let (width, colours) = (code.width(), code.to_colors());
    let side = (width + 8) * 4;
    let dark = |x: usize, y: usize| {
        let (x, y) = ((x / 4).wrapping_sub(4), (y / 4).wrapping_sub(4));
        x < width && y < width && colours[y * width + x] == qrcode::Color::Dark
    };
    let shades: Vec<u8> = (0..side * side).map(|at| if dark(at % side, at / side) { 0 } else { 255 }).collect();
    let mut png = Vec::new();
    let side = u32::try_from(side).unwrap();
    let mut encoder = ::png::Encoder::new(&mut png, side, side);
    encoder.set_color(::png::ColorType::Grayscale);
    encoder.write_header().unwrap().write_image_data(&shades).unwrap();
    png
}

/// `sekisho media strip`, by the built binary.
pub fn strip(from: &Path, to: &Path) {
    let mut command = crate::house::sekisho();
    command.args(["media", "strip"]).args([from, to]);
    let ended = crate::house::run(command, "");
    assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{}", ended.out);
}
