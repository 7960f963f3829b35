//! Strict forms: what is accepted reads the same when it is written anew.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sekisho::extract::form::{parse, write};

fuzz_target!(|data: &[u8]| {
    for brackets in [false, true] {
        if let Ok(pairs) = parse(data, brackets) {
            assert_eq!(parse(write(&pairs).as_bytes(), brackets).unwrap(), pairs);
        }
    }
});
