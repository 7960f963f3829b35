//! The media scanner over any bytes: it ends, and a stripped copy tells neither place nor people.
#![no_main]

use std::io::Cursor;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sekisho::config::inspect::{Inspect, Media};
use sekisho::inspect::RuleSet;
use sekisho::inspect::media::{look, strip};

static RULES: LazyLock<RuleSet> = LazyLock::new(|| RuleSet::load(&Inspect::default()).unwrap());
static LIMITS: LazyLock<Media> = LazyLock::new(|| Media { pixels: 1_000_000, ..Media::default() });

fuzz_target!(|data: &[u8]| {
    let findings = look(&RULES, "media", &mut Cursor::new(data), &LIMITS);
    assert!(findings.iter().all(|finding| finding.field.starts_with("media")));
    let mut copy = Vec::new();
    if strip::copy(&mut Cursor::new(data), &mut copy, &LIMITS).is_ok() {
        let left = look(&RULES, "media", &mut Cursor::new(&copy), &LIMITS);
        let telling = ["media_location", "media_owner"];
        assert!(!left.iter().any(|finding| telling.contains(&finding.category.as_str())), "{left:?}");
    }
});
