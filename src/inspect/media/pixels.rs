//! QR codes in a picture: unpacked to shades of grey, within a number of pixels, and searched at full and half size.
//!
//! The reader of codes tries triples of corner marks and copies the picture for each, so that a picture made of corner
//! marks would cost hours. They are counted first; where the count is too great for the size, a person must look.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::Kind;

mod marks;

/// Pixels that are searched at full size; a larger picture is searched at half of it.
const AT_FULL_SIZE: usize = 12_500_000;
/// Formats that are unpacked in four bytes a pixel have fewer.
const IN_COLOUR: u64 = 8_000_000;
/// Frames of an animation.
const FRAMES: usize = 32;
/// Copies of the picture in pixels that the reader of codes may make.
const COPIED: u64 = 3_000_000_000;

/// Why the pixels were not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unseen {
    /// Too many pixels, or too many corner marks.
    TooLarge,
    /// The picture cannot be unpacked.
    Broken,
}

/// Shades of grey, row by row.
struct Grey {
    width: usize,
    height: usize,
    shades: Vec<u8>,
}

/// What the QR codes of a picture say, each once.
pub(super) fn codes(kind: Kind, picture: &[u8], most: u64) -> Result<Vec<String>, Unseen> {
    let mut found = Vec::new();
    // A decoder that panics on what somebody sent is one that cannot read it.
    let searched = catch_unwind(AssertUnwindSafe(|| match kind {
        Kind::Jpeg => jpeg(picture, most)?.search(&mut found),
        Kind::Png => png(picture, most)?.search(&mut found),
        Kind::Webp => webp(picture, most)?.search(&mut found),
        Kind::Gif => gif(picture, most, &mut found),
        Kind::Bmff => Ok(()),
    }));
    searched.unwrap_or(Err(Unseen::Broken)).map(|()| found)
}

fn fits(width: usize, height: usize, most: u64) -> Result<(), Unseen> {
    let pixels = (width as u64).saturating_mul(height as u64);
    if pixels == 0 {
        return Err(Unseen::Broken);
    }
    if pixels > most { Err(Unseen::TooLarge) } else { Ok(()) }
}

fn jpeg(picture: &[u8], most: u64) -> Result<Grey, Unseen> {
    let options = DecoderOptions::default()
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX))
        .jpeg_set_out_colorspace(ColorSpace::Luma);
    let mut decoder = JpegDecoder::new_with_options(Cursor::new(picture), options);
    decoder.decode_headers().map_err(|_| Unseen::Broken)?;
    let (width, height) = decoder.dimensions().ok_or(Unseen::Broken)?;
    fits(width, height, most)?;
    let shades = decoder.decode().map_err(|_| Unseen::Broken)?;
    Grey::new(width, height, shades)
}

fn png(picture: &[u8], most: u64) -> Result<Grey, Unseen> {
    let mut decoder = png::Decoder::new(Cursor::new(picture));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    decoder.set_ignore_text_chunk(true);
    let header = decoder.read_header_info().map_err(|_| Unseen::Broken)?;
    let (width, height, laced) = (header.width as usize, header.height as usize, header.interlaced);
    fits(width, height, if laced { most.min(IN_COLOUR) } else { most })?;
    let mut reader = decoder.read_info().map_err(|_| Unseen::Broken)?;
    let channels = reader.output_color_type().0.samples();
    let mut shades = Vec::with_capacity(width * height);
    if laced {
        let mut all = vec![0; reader.output_buffer_size().ok_or(Unseen::TooLarge)?];
        reader.next_frame(&mut all).map_err(|_| Unseen::Broken)?;
        shades.extend(all.chunks_exact(channels).map(shade));
    } else {
        while shades.len() < width * height {
            let row = reader.next_row().map_err(|_| Unseen::Broken)?.ok_or(Unseen::Broken)?;
            shades.extend(row.data().chunks_exact(channels).take(width).map(shade));
        }
    }
    shades.truncate(width * height);
    Grey::new(width, height, shades)
}

fn webp(picture: &[u8], most: u64) -> Result<Grey, Unseen> {
    let mut decoder = image_webp::WebPDecoder::new(Cursor::new(picture)).map_err(|_| Unseen::Broken)?;
    let (width, height) = decoder.dimensions();
    let (width, height) = (width as usize, height as usize);
    fits(width, height, most.min(IN_COLOUR))?;
    let mut all = vec![0; decoder.output_buffer_size().ok_or(Unseen::TooLarge)?];
    decoder.read_image(&mut all).map_err(|_| Unseen::Broken)?;
    let channels = if decoder.has_alpha() { 4 } else { 3 };
    Grey::new(width, height, all.chunks_exact(channels).map(shade).collect())
}

/// Each frame by itself: a code that is put together from several is one that no telephone reads.
fn gif(picture: &[u8], most: u64, found: &mut Vec<String>) -> Result<(), Unseen> {
    let mut options = gif::DecodeOptions::new();
    options.set_color_output(gif::ColorOutput::RGBA);
    let mut decoder = options.read_info(Cursor::new(picture)).map_err(|_| Unseen::Broken)?;
    let most = most.min(IN_COLOUR);
    fits(usize::from(decoder.width()), usize::from(decoder.height()), most)?;
    for number in 0.. {
        let Some(frame) = decoder.read_next_frame().map_err(|_| Unseen::Broken)? else { return Ok(()) };
        if number >= FRAMES {
            return Err(Unseen::TooLarge);
        }
        let (width, height) = (usize::from(frame.width), usize::from(frame.height));
        fits(width, height, most)?;
        Grey::new(width, height, frame.buffer.chunks_exact(4).map(shade).collect())?.search(found)?;
    }
    Ok(())
}

/// How bright a pixel is on white paper.
fn shade(pixel: &[u8]) -> u8 {
    let bright = |r: u8, g: u8, b: u8| (u32::from(r) * 77 + u32::from(g) * 150 + u32::from(b) * 29) >> 8;
    let (bright, alpha) = match *pixel {
        [y] => return y,
        [y, a] => (u32::from(y), u32::from(a)),
        [r, g, b] => (bright(r, g, b), 255),
        [r, g, b, a, ..] => (bright(r, g, b), u32::from(a)),
        [] => (255, 255),
    };
    u8::try_from((bright * alpha + 255 * (255 - alpha)) / 255).unwrap_or(u8::MAX)
}

impl Grey {
    fn new(width: usize, height: usize, shades: Vec<u8>) -> Result<Self, Unseen> {
        if shades.len() == width * height && width > 0 && height > 0 {
            Ok(Self { width, height, shades })
        } else {
            Err(Unseen::Broken)
        }
    }

    /// Searches at full and half size, dark on light and light on dark.
    fn search(mut self, found: &mut Vec<String>) -> Result<(), Unseen> {
        if self.shades.len() > AT_FULL_SIZE {
            self = self.half();
        }
        let full = self.codes(found);
        if self.width < 64 || self.height < 64 {
            return full;
        }
        // At half size blurred and speckled codes show; what full size was too costly for stays unseen all the same.
        let _ = self.half().codes(found);
        full
    }

    fn codes(&self, found: &mut Vec<String>) -> Result<(), Unseen> {
        for light in [false, true] {
            let marks = marks::count(self.width, self.height, &self.shades, light);
            if marks == 0 {
                continue;
            }
            let triples = (marks as u64).saturating_pow(3) / 16;
            if triples.saturating_mul(self.shades.len() as u64) > COPIED {
                return Err(Unseen::TooLarge);
            }
            let shade = |x: usize, y: usize| {
                let shade = self.shades.get(y * self.width + x).copied().unwrap_or(u8::MAX);
                if light { u8::MAX - shade } else { shade }
            };
            let mut image = rqrr::PreparedImage::prepare_from_greyscale(self.width, self.height, shade);
            for grid in image.detect_grids() {
                let mut bytes = Vec::new();
                if grid.decode_to(&mut bytes).is_ok() {
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    if !found.contains(&text) {
                        found.push(text);
                    }
                }
            }
        }
        Ok(())
    }

    /// A quarter of the pixels, each the mean of four.
    fn half(&self) -> Self {
        let (width, height) = ((self.width / 2).max(1), (self.height / 2).max(1));
        let mut shades = Vec::with_capacity(width * height);
        for rows in self.shades.chunks_exact(self.width).collect::<Vec<_>>().chunks_exact(2.min(self.height)) {
            let (upper, lower) = (rows.first().copied().unwrap_or_default(), rows.last().copied().unwrap_or_default());
            for (above, below) in upper.chunks_exact(2.min(self.width)).zip(lower.chunks_exact(2.min(self.width))) {
                let sum: u32 = above.iter().chain(below).map(|shade| u32::from(*shade)).sum();
                let count = u32::try_from(above.len() + below.len()).unwrap_or(4);
                shades.push(u8::try_from(sum / count.max(1)).unwrap_or(u8::MAX));
            }
        }
        Self { width, height: shades.len() / width, shades }
    }
}
