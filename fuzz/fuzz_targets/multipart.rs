//! Strict multipart: however it is cut, the same parts are found, and again in what was written anew.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sekisho::domain::outbound::OutBody;
use sekisho::extract::multipart::{MediaNames, Multipart, Parts};
use sekisho::extract::spool::Sink;

async fn read(boundary: &str, pieces: impl Iterator<Item = &[u8]>) -> Option<(Parts, Vec<u8>, String)> {
    let (plain, base64) = (vec!["media".to_owned()], vec!["media_data".to_owned()]);
    let names = MediaNames { plain, base64, last: vec!["access_token".to_owned()], ..MediaNames::default() };
    let mut reader = Multipart::new(boundary, names, Sink::new(std::path::Path::new("/nonexistent"), 1 << 24));
    for piece in pieces {
        reader.feed(piece).await.ok()?;
    }
    let (parts, sink, content_type) = reader.finish().await.ok()?;
    match sink.finish().await.unwrap() {
        OutBody::Bytes(bytes) => Some((parts, bytes.to_vec(), content_type)),
        other => panic!("{other:?}"),
    }
}

fuzz_target!(|data: &[u8]| {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let whole = read("b", std::iter::once(data)).await;
        let cut = read("b", data.chunks(1)).await;
        let strip = |read: &Option<(Parts, Vec<u8>, String)>| {
            read.as_ref().map(|(parts, ..)| (parts.texts.clone(), parts.media.as_ref().map(|m| (m.len, m.sha256))))
        };
        assert_eq!(strip(&whole), strip(&cut));
        if let Some((_, bytes, content_type)) = &whole {
            let boundary = content_type.split_once("boundary=").unwrap().1;
            let again = read(boundary, std::iter::once(bytes.as_slice())).await;
            assert_eq!(strip(&again), strip(&whole));
        }
    });
});
