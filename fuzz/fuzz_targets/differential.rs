//! The whole of `extract`: a body is refused, or what would leave reads as exactly the post that was judged.
#![no_main]

use std::sync::LazyLock;

use http::{HeaderMap, Method};
use libfuzzer_sys::fuzz_target;
use sekisho::config::extract::Extract;
use sekisho::domain::arrival::full;
use sekisho::domain::outbound::{OutBody, Outbound};
use sekisho::domain::{digest, post::Post};
use sekisho::extract::{self, Extracted};
use sekisho::recognise::{Definitions, Recognised, recognise};

static DEFINITIONS: LazyLock<Definitions> = LazyLock::new(|| Definitions::built_in().unwrap());

const ROUTES: [(&str, &str, &str); 10] = [
    ("api.x.com", "/2/tweets", "application/json"),
    ("api.x.com", "/2/dm_conversations", "application/json"),
    ("api.x.com", "/2/media/upload", "application/json"),
    ("api.x.com", "/2/media/upload", "multipart/form-data; boundary=b"),
    ("api.x.com", "/2/media/upload", "application/x-www-form-urlencoded"),
    ("upload.x.com", "/1.1/media/upload.json", "multipart/form-data; boundary=b"),
    ("api.x.com", "/2/oauth2/token", "application/x-www-form-urlencoded"),
    ("api.line.me", "/v2/bot/message/broadcast", "application/json"),
    ("api.line.me", "/v2/bot/message/narrowcast", "application/json"),
    ("api.line.me", "/v2/bot/coupon", "application/json"),
];

fn read(recognised: &Recognised, content_type: &str, body: &[u8]) -> Option<(Extracted, Outbound)> {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", content_type.parse().unwrap());
    let limits = Extract { memory_bytes: 1 << 24, ..Extract::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let extracted = runtime.block_on(extract::read(recognised, &headers, full(body.to_vec()), &limits)).ok()?;
    let outbound = extract::outbound(recognised, &extracted, &headers).unwrap();
    Some((extracted, outbound))
}

fn judged(recognised: &Recognised, extracted: &Extracted) -> (Post, digest::Digest, Vec<String>) {
    let target = extracted.target.as_deref();
    let digest = digest::digest(&recognised.provider.id, extracted.action, target, &extracted.post);
    (extracted.post.clone(), digest, extracted.media_ids.clone())
}

fuzz_target!(|data: &[u8]| {
    let Some((kind, data)) = data.split_first() else { return };
    let (host, path, content_type) = ROUTES[usize::from(*kind) % ROUTES.len()];
    let recognised = recognise(&DEFINITIONS, host, &Method::POST, path, None, &HeaderMap::new()).unwrap();
    let Some((first, outbound)) = read(&recognised, content_type, data) else { return };
    let bytes = match &outbound.body {
        OutBody::Empty => &[][..],
        OutBody::Bytes(bytes) => bytes,
        OutBody::Spool(_) => panic!("nothing is spooled here"),
    };
    let Some(content_type) = outbound.headers.get("content-type") else {
        assert!(bytes.is_empty());
        return;
    };
    let (second, _) = read(&recognised, content_type.to_str().unwrap(), bytes).expect("what leaves is well formed");
    assert_eq!(judged(&recognised, &first), judged(&recognised, &second));
    let size = |extracted: &Extracted| match &extracted.upload {
        Some(sekisho::domain::media::UploadStep::OneShot { sha256, len, .. }) => Some((*sha256, *len)),
        _ => None,
    };
    assert_eq!(size(&first), size(&second));
});
