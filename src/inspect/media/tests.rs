//! Small true files, made here.

use std::io::Cursor;

use super::*;
use crate::config::inspect::Inspect;

fn rules() -> RuleSet {
    RuleSet::load(&Inspect::default()).unwrap()
}

/// A QR code as a PNG, so many pixels a module.
fn code(text: &str, module: u32, light: bool) -> Vec<u8> {
    let code = qrcode::QrCode::with_error_correction_level(text, qrcode::EcLevel::M).unwrap();
    let (width, colours) = (u32::try_from(code.width()).unwrap(), code.to_colors());
    let side = (width + 8) * module;
    let mut shades = Vec::new();
    for y in 0..side {
        for x in 0..side {
            let (x, y) = ((x / module).wrapping_sub(4), (y / module).wrapping_sub(4));
            let dark = x < width && y < width && colours[(y * width + x) as usize] == qrcode::Color::Dark;
            shades.push(if dark == light { 255 } else { 0 });
        }
    }
    picture(side, side, &shades)
}

fn picture(width: u32, height: u32, shades: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = ::png::Encoder::new(&mut out, width, height);
    encoder.set_color(::png::ColorType::Grayscale);
    encoder.set_depth(::png::BitDepth::Eight);
    encoder.write_header().unwrap().write_image_data(shades).unwrap();
    out
}

fn found(bytes: &[u8]) -> Vec<String> {
    look(&rules(), "media", &mut Cursor::new(bytes), &Limits::default(), None).into_iter().map(|it| it.rule).collect()
}

#[test]
#[ignore = "writes the canary anew"]
fn write_canary() {
    std::fs::write("src/inspect/media/canary.png", code("https://bit.ly/x", 3, false)).unwrap();
}

#[test]
fn every_rule_about_media_finds_its_canary() {
    assert_eq!(self_test(&rules()), Vec::<String>::new());
}

#[test]
fn a_code_is_read_and_its_link_judged() {
    for (module, light) in [(2, false), (3, false), (9, false), (4, true)] {
        assert_eq!(
            found(&code("https://bit.ly/3xYzAbC", module, light)),
            ["media.qr-link", "shortener.listed"],
            "{module} {light}"
        );
    }
    assert_eq!(found(&code("BIT.LY/3XYZ", 4, false)), ["media.qr-link", "shortener.listed"]);
    // Where any other leads is a note for the approver.
    assert_eq!(found(&code("https://www.city.nagano.nagano.jp/soshiki/koho/1234.html", 4, false)), ["media.qr-link"]);
    assert_eq!(found(&code("会場は3階です", 4, false)), Vec::<String>::new());
}

#[test]
fn a_picture_of_corner_marks_is_for_a_person_to_look_at() {
    let side = 1200;
    let mut shades = vec![255_u8; side * side];
    for y in 0..side {
        for x in 0..side {
            let (dx, dy) = ((x % 18).abs_diff(8), (y % 18).abs_diff(8));
            if matches!(dx.max(dy) / 2, 0 | 1) && dx.max(dy) <= 2 || dx.max(dy) == 5 || dx.max(dy) == 6 {
                shades[y * side + x] = 0;
            }
        }
    }
    let side = u32::try_from(side).unwrap();
    let _ = (side, &shades);
    assert_eq!(found(&picture(side, side, &shades)), ["limit.too-complex"]);
}
