//! The scanner of links over any text: its hosts stand where it says, none overlaps another, and a listed shortener that
//! is put anywhere between blanks is seen.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sekisho::inspect::links::runs;
use sekisho::inspect::normal::View;

fuzz_target!(|data: &[u8]| {
    let text = View::of(&String::from_utf8_lossy(data)).fold().text;
    let mut last = 0;
    for run in runs(&text) {
        let stands = text.get(run.range.clone()).expect("whole characters");
        assert!(run.range.start >= last && !stands.is_empty());
        assert!(run.host.is_ascii() && !run.host.starts_with('.') && !run.host.ends_with('.'), "{:?}", run.host);
        assert!(!(run.mail && run.linked), "{:?} is a link or the domain of an address", run.host);
        last = run.range.end;
    }
    let cut = (0..=text.len() / 2).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let (before, after) = text.split_at(cut);
    let with = format!("{before}\nhttps://bit.ly/3abc\n{after}");
    assert!(runs(&with).iter().any(|run| run.host == "bit.ly" && run.linked && run.scheme && !run.mail));
});
