//! Signed approvals: nothing that was not signed by the key is accepted, whatever its form.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sekisho::approve::signed::Issuers;
use sekisho::config::approve::Approve;

static ISSUERS: LazyLock<Issuers> = LazyLock::new(|| {
    let dir = tempfile::tempdir().unwrap().keep();
    Issuers::open(&Approve { key_file: dir.join("approval.key"), ..Approve::default() }).unwrap()
});

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        assert!(ISSUERS.verify(text).is_err());
    }
});
