//! Folding and decoding over any text: every part of every view leads back to whole characters of the original, in their
//! order, and folding what is folded changes nothing that a detector reads.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sekisho::inspect::normal::View;

/// Layers of escapes; each takes at least two bytes off the text.
const LAYERS: usize = 6;

fn leads_back(view: &View, original: &str) {
    let mut last = 0;
    for (at, c) in view.text.char_indices() {
        let (start, end) = view.original(at..at + c.len_utf8());
        assert!(start < end, "{c:?} at {at} came from nothing");
        assert!(original.get(start..end).is_some(), "{c:?} at {at} came from {start}..{end}, which parts a character");
        assert!(start >= last, "{c:?} at {at} came from before the one before it");
        last = start;
    }
    if !view.text.is_empty() {
        let (start, end) = view.original(0..view.text.len());
        assert!(original.get(start..end).is_some());
    }
}

fuzz_target!(|data: &[u8]| {
    let original = String::from_utf8_lossy(data).into_owned();
    let mut view = View::of(&original).fold();
    leads_back(&view, &original);
    assert_eq!(view.fold().fold().text, view.fold().text, "folding comes to rest");
    for _ in 0..LAYERS {
        leads_back(&view.squeeze(), &original);
        leads_back(&view.without_breaks(), &original);
        let Some(decoded) = view.decode() else { break };
        leads_back(&decoded, &original);
        view = decoded.fold();
        leads_back(&view, &original);
    }
});
