//! Strict JSON: what is accepted reads the same when it is written anew, and as a general reader reads it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sekisho::extract::json::parse;

fuzz_target!(|data: &[u8]| {
    let Ok(tree) = parse(data, 32) else { return };
    let mut out = String::new();
    tree.write_json(&mut out);
    assert_eq!(parse(out.as_bytes(), 32).as_ref(), Ok(&tree));
    // A number beyond its range is all that a general reader may still refuse.
    if let (Ok(before), Ok(after)) =
        (serde_json::from_slice::<serde_json::Value>(data), serde_json::from_str::<serde_json::Value>(&out))
    {
        assert_eq!(before, after);
    }
    let mut form = String::new();
    tree.write_normal(&mut form);
    assert!(serde_json::from_str::<serde_json::Value>(&form).is_ok());
});
