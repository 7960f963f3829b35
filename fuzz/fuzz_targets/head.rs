//! The raw-byte guard: however the bytes are cut, the same bytes are clean and the same rule is broken.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sekisho::config::listen::Limits;
use sekisho::listen::head::{Scanner, Violation};

fn scan(pieces: &[&[u8]], may_connect: bool) -> (usize, Option<Violation>, u64) {
    let mut scanner = Scanner::new(Limits::default(), may_connect);
    let (mut kept, mut clean) = (Vec::new(), 0);
    for piece in pieces {
        kept.extend_from_slice(piece);
        let step = scanner.scan(&kept);
        assert!(step.clean <= kept.len());
        kept.drain(..step.clean);
        clean += step.clean;
        if step.violation.is_some() {
            return (clean, step.violation, scanner.heads());
        }
    }
    (clean, None, scanner.heads())
}

fuzz_target!(|data: &[u8]| {
    let Some((first, data)) = data.split_first() else { return };
    let at = usize::from(*first).min(data.len());
    let (left, right) = data.split_at(at);
    let singly: Vec<&[u8]> = data.chunks(1).collect();
    for may_connect in [false, true] {
        let whole = scan(&[data], may_connect);
        assert_eq!(whole, scan(&[left, right], may_connect));
        assert_eq!(whole, scan(&singly, may_connect));
    }
});
