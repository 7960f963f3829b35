use std::collections::BTreeMap;
use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::StreamExt;
use http::HeaderName;
use http_body_util::{BodyExt, StreamBody};
use serde::Deserialize;

use super::*;
use crate::config::extract::Extract;
use crate::domain::account::{AccountId, ProviderId};
use crate::domain::arrival::full;
use crate::domain::container::KnownContainer;
use crate::domain::digest;
use crate::domain::media::{MediaRecord, Segment, Sha256};
use crate::domain::ports::Unavailable;
use crate::domain::tree::Tree;
use crate::recognise::{Definitions, recognise};

fn definitions() -> &'static Definitions {
    static BUILT_IN: OnceLock<Definitions> = OnceLock::new();
    BUILT_IN.get_or_init(|| Definitions::built_in().unwrap())
}

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| (HeaderName::try_from(*name).unwrap(), HeaderValue::try_from(*value).unwrap()))
        .collect()
}

fn found(line: &str) -> Recognised {
    let (method, rest) = line.split_once(' ').unwrap();
    let (host, rest) = rest.split_once('/').unwrap();
    let (path, query) = match rest.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (rest, None),
    };
    let method = method.parse().unwrap();
    recognise(definitions(), host, &method, &format!("/{path}"), query, &HeaderMap::new())
        .unwrap_or_else(|refusal| panic!("{line}: {}", refusal.sentence_en))
}

async fn try_read(
    line: &str,
    pairs: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Result<(Recognised, Extracted), Refusal> {
    let recognised = found(line);
    let dir = tempfile::tempdir().unwrap();
    let limits = Extract { spool_dir: dir.path().to_owned(), ..Extract::default() };
    let extracted = read(&recognised, &headers(pairs), full(body), &limits).await?;
    Ok((recognised, extracted))
}

async fn json(line: &str, body: &str) -> Result<(Recognised, Extracted), Refusal> {
    try_read(line, &[("content-type", "application/json")], body.to_owned()).await
}

fn bytes(body: &OutBody) -> Vec<u8> {
    match body {
        OutBody::Empty => Vec::new(),
        OutBody::Bytes(bytes) => bytes.to_vec(),
        OutBody::Spool(spool) => std::fs::read(spool.path()).unwrap(),
    }
}

fn digest_of(read: &(Recognised, Extracted)) -> digest::Digest {
    let (recognised, extracted) = read;
    digest::digest(&recognised.provider.id, extracted.action, extracted.target.as_deref(), &extracted.post)
}

/// A book in which every id of the vector is a medium of `a`; `open` is unfinished, `foreign` another's.
struct Book(BTreeMap<String, Sha256>);

impl MediaBook for Book {
    fn media(&self, provider: &ProviderId, id: &str) -> Result<Option<MediaRecord>, Unavailable> {
        let account = AccountId::new(if id == "foreign" { "b" } else { "a" });
        let (provider, id, findings) = (provider.clone(), id.to_owned(), Vec::new());
        Ok(match (self.0.get(&id), id.as_str()) {
            (_, "broken") => return Err(Unavailable("test".to_owned())),
            (_, "open" | "foreign") => {
                Some(MediaRecord { provider, id, account, sha256: None, len: 0, alt: None, findings })
            }
            (Some(hash), _) => {
                Some(MediaRecord { provider, id, account, sha256: Some(*hash), len: 3, alt: None, findings })
            }
            (None, _) => None,
        })
    }

    fn segments(&self, _: &ProviderId, _: &str) -> Result<Vec<Segment>, Unavailable> {
        Ok(Vec::new())
    }

    fn container(&self, _: &ProviderId, _: &str) -> Result<Option<KnownContainer>, Unavailable> {
        Ok(None)
    }

    fn is_own_post(&self, _: &AccountId, _: &str) -> Result<bool, Unavailable> {
        Ok(false)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    #[serde(default)]
    note: String,
    host: String,
    method: String,
    path: String,
    headers: BTreeMap<String, String>,
    body_base64: String,
    #[serde(default)]
    media: BTreeMap<String, Sha256>,
    #[serde(default)]
    same_as: Option<String>,
    action: String,
    normal_form: serde_json::Value,
    digest: String,
}

#[tokio::test]
async fn every_vector_has_its_action_normal_form_and_digest() {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/digest");
    let mut digests = BTreeMap::new();
    let mut same = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let vector: Vector = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        assert!(!vector.note.is_empty(), "{name} says what it shows");
        let pairs: Vec<(&str, &str)> = vector.headers.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        let body = STANDARD.decode(&vector.body_base64).unwrap();
        let line = format!("{} {}{}", vector.method, vector.host, vector.path);
        let (recognised, mut extracted) = try_read(&line, &pairs, body).await.unwrap();
        resolve(&mut extracted, &recognised, &AccountId::new("a"), &Book(vector.media)).unwrap();
        let (id, target) = (&recognised.provider.id, extracted.target.as_deref());
        let form = digest::normal_form(id, extracted.action, target, &extracted.post);
        let digest = digest::digest(id, extracted.action, target, &extracted.post).to_string();
        assert_eq!(extracted.action.as_str(), vector.action, "{name}");
        assert_eq!(form, vector.normal_form, "{name}: {form}");
        assert_eq!(digest, vector.digest, "{name}");
        if let Some(other) = vector.same_as {
            same.push((name.clone(), other));
        }
        digests.insert(name, digest);
    }
    assert!(digests.len() >= 20, "{}", digests.len());
    assert!(same.len() >= 5);
    for (name, other) in &same {
        assert_eq!(digests[name], digests[other], "{name} {other}");
    }
    let distinct: std::collections::BTreeSet<&String> = digests.values().collect();
    assert_eq!(distinct.len(), digests.len() - same.len());
}

#[tokio::test]
async fn every_change_that_reaches_the_public_changes_the_digest() {
    let tweet = "POST api.x.com/2/tweets";
    let base = r#"{"text":"大雨","poll":{"options":["a","b"],"duration_minutes":60},"reply":{"in_reply_to_tweet_id":"1"},"new":{"k":1}}"#;
    let first = digest_of(&json(tweet, base).await.unwrap());
    let spaced = base.replace(',', " ,\n ").replace("大", "\\u5927");
    assert_eq!(digest_of(&json(tweet, &spaced).await.unwrap()), first);
    let changes = [
        ("大雨", "大雪"),
        ("大雨", "大雨 "),
        ("[\"a\",\"b\"]", "[\"b\",\"a\"]"),
        ("\"b\"]", "\"b\",\"c\"]"),
        (":60", ":60.0"),
        (":60", ":\"60\""),
        (":\"1\"", ":\"2\""),
        ("\"k\":1", "\"k\":1e0"),
        ("\"k\":1", "\"K\":1"),
        ("\"new\"", "\"news\""),
        ("{\"k\":1}", "{}"),
        ("{\"k\":1}", "null"),
        ("{\"k\":1}", "[]"),
        ("{\"k\":1}", "{\"k\":{\"$n\":\"1\"}}"),
        (",\"new\"", ",\"nullcast\":true,\"new\""),
        (",\"new\"", ",\"quote_tweet_id\":\"9\",\"new\""),
    ];
    for (from, to) in changes {
        let changed = base.replacen(from, to, 1);
        assert_ne!(changed, base);
        assert_ne!(digest_of(&json(tweet, &changed).await.unwrap()), first, "{from} -> {to}");
    }
    let like = digest_of(&json("POST api.x.com/2/users/1/likes", r#"{"tweet_id":"2"}"#).await.unwrap());
    let bookmark = digest_of(&json("POST api.x.com/2/users/1/bookmarks", r#"{"tweet_id":"2"}"#).await.unwrap());
    let undone = digest_of(&try_read("DELETE api.x.com/2/users/1/likes/2", &[], "").await.unwrap());
    assert!(like != bookmark && like != undone);
}

#[tokio::test]
async fn fields_decide_what_a_tweet_is() {
    let cases = [
        (r#"{"text":"a"}"#, Action::Publish, None),
        (r#"{"text":"a","reply":{"in_reply_to_tweet_id":"5"}}"#, Action::Reply, None),
        (r#"{"text":"a","reply":null}"#, Action::Publish, None),
        (r#"{"text":"a","quote_tweet_id":"5"}"#, Action::Quote, None),
        (r#"{"text":"a","edit_options":{"previous_post_id":"5"},"quote_tweet_id":"6"}"#, Action::Edit, Some("5")),
    ];
    for (body, action, target) in cases {
        let (_, extracted) = json("POST api.x.com/2/tweets", body).await.unwrap();
        assert_eq!((extracted.action, extracted.target.as_deref()), (action, target), "{body}");
    }
    let (_, reply) = json("POST api.x.com/2/tweets", cases[1].0).await.unwrap();
    assert_eq!(reply.post.references["reply_to"], ["5"]);
    let (_, repost) = json("POST api.x.com/2/users/1/retweets", r#"{"tweet_id":"7"}"#).await.unwrap();
    assert_eq!(repost.target.as_deref(), Some("7"));
    let (_, null) = json("POST api.x.com/2/tweets", cases[2].0).await.unwrap();
    assert_eq!(null.post.rest["/reply"], Tree::Null);
}

#[tokio::test]
async fn a_described_field_of_another_shape_is_refused() {
    let cases = [
        r#"{"text":1}"#,
        r#"{"text":["a"]}"#,
        r#"{"text":{"a":"b"}}"#,
        r#"{"quote_tweet_id":5}"#,
        r#"["text"]"#,
        r#""text""#,
        r#"{"media":{"media_ids":[5]}}"#,
        r#"{"reply":{"in_reply_to_tweet_id":["1"]}}"#,
        r#"{"poll":{"options":[["a"]]}}"#,
    ];
    for body in cases {
        assert_eq!(json("POST api.x.com/2/tweets", body).await.unwrap_err().code, "field-shape", "{body}");
    }
    let (_, odd) =
        json("POST api.x.com/2/tweets", r#"{"text":"a","media":{"media_ids":"5"},"poll":{"options":{"0":"a"}}}"#)
            .await
            .unwrap();
    assert_eq!(odd.media_ids, [""; 0]);
    let rest: Vec<&str> = odd.post.rest.keys().map(String::as_str).collect();
    assert_eq!(rest, ["/media/media_ids", "/poll/options"]);
}

#[tokio::test]
async fn the_head_must_say_what_the_body_is() {
    let tweet = "POST api.x.com/2/tweets";
    let body = r#"{"text":"a"}"#;
    let cases: [(&[(&str, &str)], &str); 10] = [
        (&[], "content-type"),
        (&[("content-type", "text/plain")], "content-type"),
        (&[("content-type", "application/json"), ("content-type", "application/json")], "content-type"),
        (&[("content-type", "application/json, text/plain")], "content-type"),
        (&[("content-type", "application/json; charset=shift_jis")], "content-type"),
        (&[("content-type", "application/json; charset=utf-8; charset=utf-8")], "content-type"),
        (&[("content-type", "application/json;")], "content-type"),
        (&[("content-type", "application/x-www-form-urlencoded")], "content-type"),
        (&[("content-type", "application/json"), ("content-encoding", "gzip")], "content-encoding"),
        (&[("content-type", "application/json"), ("content-encoding", "identity")], "content-encoding"),
    ];
    for (pairs, code) in cases {
        let refusal = try_read(tweet, pairs, body).await.unwrap_err();
        assert_eq!((refusal.code.as_ref(), refusal.status), (code, 415), "{pairs:?}");
    }
    for good in ["application/json", "application/json;charset=UTF-8", "Application/JSON; charset=\"utf-8\""] {
        assert!(try_read(tweet, &[("content-type", good)], body).await.is_ok(), "{good}");
    }
    let large = format!(r#"{{"text":"{}"}}"#, "a".repeat(1024 * 1024));
    let refusal = json(tweet, &large).await.unwrap_err();
    assert_eq!((refusal.code.as_ref(), refusal.status), ("body-too-large", 413));
    assert_eq!(json("DELETE api.x.com/2/tweets/1", "[]").await.unwrap_err().code, "body-unexpected");
    assert_eq!(json("GET api.x.com/2/tweets/1", "[]").await.unwrap_err().code, "body-unexpected");
    for bad in [r#"{"text":"a","text":"b"}"#, r#"{"text":"a"} x"#] {
        assert!(json(tweet, bad).await.unwrap_err().code.starts_with("json-"));
    }
}

#[tokio::test]
async fn what_leaves_is_written_anew_under_an_own_head() {
    let body = "{ \"text\" : \"\\u3042\\/\" , \"n\":1.50 }";
    let pairs = [
        ("content-type", "application/json;charset=UTF-8"),
        ("authorization", "Bearer abc"),
        ("cookie", "a=b"),
        ("x-forwarded-for", "10.0.0.1"),
        ("sekisho-client", "key"),
        ("accept-encoding", "gzip"),
        ("user-agent", "t"),
    ];
    let (recognised, extracted) = try_read("POST api.x.com/2/tweets", &pairs, body).await.unwrap();
    assert_eq!(bytes(&extracted.body), "{\"text\":\"あ/\",\"n\":1.50}".as_bytes());
    assert_eq!(extracted.credential_fingerprint, Some(Sha256::of(b"abc").hex()));
    let out = outbound(&recognised, &extracted, &headers(&pairs)).unwrap();
    let mut names: Vec<&str> = out.headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["accept-encoding", "authorization", "content-type", "user-agent"]);
    assert_eq!(out.headers["content-type"], "application/json");
    assert_eq!(out.headers["accept-encoding"], "identity");
    assert_eq!((out.path_and_query.as_str(), out.reads), ("/2/tweets", false));

    let line = "GET api.x.com/2/tweets/search/recent?query=a%2Bb+%E6%B0%B4&max_results=10";
    let (recognised, extracted) = try_read(line, &[], "").await.unwrap();
    let out = outbound(&recognised, &extracted, &HeaderMap::new()).unwrap();
    assert_eq!(out.path_and_query, "/2/tweets/search/recent?query=a%2Bb%20%E6%B0%B4&max_results=10");
    assert!(out.reads);
    let twice = headers(&[("authorization", "Bearer a"), ("authorization", "Bearer b")]);
    assert_eq!(outbound(&recognised, &extracted, &twice).unwrap_err().code, "header-repeated");
}

#[tokio::test]
async fn sign_in_keeps_no_secret_in_the_post() {
    let form = "grant_type=refresh_token&refresh_token=s3cret&client_id=c";
    let pairs = [("content-type", "application/x-www-form-urlencoded;charset=UTF-8")];
    let (_, extracted) = try_read("POST api.x.com/2/oauth2/token", &pairs, form).await.unwrap();
    assert_eq!(extracted.post, Post::default());
    assert_eq!(bytes(&extracted.body), form.as_bytes());
}

#[tokio::test]
async fn line_sends_its_retry_key_on_and_outside_the_digest() {
    let line = "POST api.line.me/v2/bot/message/broadcast";
    let body = r#"{"messages":[{"type":"text","text":"避難所"}],"notificationDisabled":true}"#;
    let key = "123e4567-e89b-12d3-a456-426614174000";
    let with = [("content-type", "application/json"), ("x-line-retry-key", key), ("authorization", "Bearer t")];
    let one = try_read(line, &with, body).await.unwrap();
    assert_eq!(one.1.retry_key.as_deref(), Some(key));
    assert_eq!(digest_of(&one), digest_of(&json(line, body).await.unwrap()));
    let out = outbound(&one.0, &one.1, &headers(&with)).unwrap();
    assert_eq!(out.headers["x-line-retry-key"], key);
    let texts = one.1.post.texts();
    assert!(texts.iter().any(|(at, _, text)| at == "/messages/0/text" && *text == "避難所"), "{texts:?}");
    let bad = [("content-type", "application/json"), ("x-line-retry-key", "大雨です")];
    let mut bad_headers = headers(&bad[..1]);
    bad_headers.insert("x-line-retry-key", HeaderValue::from_static("not-a-uuid"));
    let refusal = read(&found(line), &bad_headers, full(body), &Extract::default()).await.unwrap_err();
    assert_eq!(refusal.code, "field-shape");
}

#[tokio::test]
async fn a_rich_menu_image_is_bound_to_its_menu() {
    let line = "POST api-data.line.me/v2/bot/richmenu/richmenu-1/content";
    let (recognised, extracted) = try_read(line, &[("content-type", "image/png")], "png").await.unwrap();
    assert_eq!(extracted.upload, Some(UploadStep::OneShot { sha256: Sha256::of(b"png"), len: 3, alt: None }));
    assert_eq!(published_id(&recognised, b"{}").as_deref(), Some("richmenu-1"));
    assert_eq!(extracted.content_type.as_deref(), Some("image/png"));
    let refusal = try_read(line, &[("content-type", "text/html")], "png").await.unwrap_err();
    assert_eq!(refusal.code, "content-type");
    let (_, shown) = try_read("POST api.line.me/v2/bot/user/all/richmenu/richmenu-1", &[], "").await.unwrap();
    assert_eq!(shown.media_ids, ["richmenu-1"]);
}

const MULTIPART: &str = "multipart/form-data; boundary=b0";

fn part(name: &str, value: &str) -> String {
    format!("--b0\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
}

#[tokio::test]
async fn upload_steps_are_understood_in_every_shape_the_sdks_send() {
    let mp = [("content-type", MULTIPART)];
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let (sha256, len) = (Sha256::of(b"abc"), 3);
    let append = |step: Option<UploadStep>| match step {
        Some(UploadStep::Append { session, number, len, sha256, .. }) => (session, number, len, sha256),
        other => panic!("{other:?}"),
    };
    let v1 = "POST upload.twitter.com/1.1/media/upload.json";
    let media = format!("{}--b0--\r\n", part("media", "abc"));
    for line in ["POST api.x.com/2/media/upload", v1] {
        let (_, one) = try_read(line, &mp, media.clone()).await.unwrap();
        assert_eq!(one.upload, Some(UploadStep::OneShot { sha256, len, alt: None }));
        let chunk =
            format!("{}{}{}{media}", part("command", "APPEND"), part("media_id", "9"), part("segment_index", "2"));
        let (_, two) = try_read(line, &mp, chunk).await.unwrap();
        assert_eq!(append(two.upload), ("9".to_owned(), 2, 3, sha256));
        let queried = format!("{line}?command=APPEND&media_id=9&segment_index=2");
        let (_, three) = try_read(&queried, &mp, media.clone()).await.unwrap();
        assert_eq!(append(three.upload), ("9".to_owned(), 2, 3, sha256));
        let (_, init) = try_read(line, &form, "command=INIT&total_bytes=3&media_type=image%2Fpng").await.unwrap();
        assert_eq!(init.upload, Some(UploadStep::Init));
        let (_, end) = try_read(&format!("{line}?command=FINALIZE&media_id=9"), &[], "").await.unwrap();
        assert_eq!(end.upload, Some(UploadStep::Finalize { session: "9".to_owned() }));
        for (bad, pairs, body) in [
            (line.to_owned(), &form, "command=STATUS&media_id=9"),
            (line.to_owned(), &form, "command=init&media_id=9"),
            (format!("{line}?command=APPEND&media_id=9"), &mp, media.as_str()),
            (format!("{line}?command=FINALIZE&media_id=9"), &mp, media.as_str()),
        ] {
            assert_eq!(try_read(&bad, pairs, body.to_owned()).await.unwrap_err().code, "upload-step", "{bad} {body}");
        }
        let both = format!("{line}?command=INIT");
        assert_eq!(try_read(&both, &form, "command=FINALIZE").await.unwrap_err().code, "field-twice");
    }
    let (_, base64) =
        json("POST api.x.com/2/media/upload", r#"{"media":"YWJj","media_category":"tweet_image"}"#).await.unwrap();
    assert_eq!(base64.upload, Some(UploadStep::OneShot { sha256, len, alt: None }));
    let (_, data) = try_read(v1, &form, "media_data=YWJj").await.unwrap();
    assert_eq!(data.upload, Some(UploadStep::OneShot { sha256, len, alt: None }));
    let chunk = format!("{}{media}", part("segment_index", "0"));
    let (_, v2) = try_read("POST api.x.com/2/media/upload/9/append", &mp, chunk).await.unwrap();
    assert_eq!(append(v2.upload), ("9".to_owned(), 0, 3, sha256));
    let (_, end) = json("POST api.x.com/2/media/upload/9/finalize", "{}").await.unwrap();
    assert_eq!(end.upload, Some(UploadStep::Finalize { session: "9".to_owned() }));
    let (_, alt) =
        json("POST api.x.com/2/media/metadata", r#"{"id":"9","metadata":{"alt_text":{"text":"地図"}}}"#).await.unwrap();
    assert_eq!(alt.upload, Some(UploadStep::Describe { id: "9".to_owned(), alt: "地図".to_owned() }));
    assert_eq!(try_read(v1, &form, "media_category=a").await.unwrap_err().code, "media-missing");
    assert_eq!(try_read(v1, &form, "media=abc").await.unwrap_err().code, "field-shape");
}

#[tokio::test]
async fn a_large_upload_goes_to_a_file_and_the_file_goes_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Extract { spool_dir: dir.path().join("spool"), ..Extract::default() };
    let recognised = found("POST api.x.com/2/media/upload/9/append");
    let medium: Vec<u8> = (0..20 * 1024 * 1024_u32).map(|i| u8::try_from(i % 251).unwrap()).collect();
    let mut body = format!(
        "{}--b0\r\nContent-Disposition: form-data; name=\"media\"; filename=\"v.mp4\"\r\n\r\n",
        part("segment_index", "3")
    )
    .into_bytes();
    body.extend_from_slice(&medium);
    body.extend_from_slice(b"\r\n--b0--\r\n");
    let pieces: Vec<_> =
        body.chunks(16 * 1024).map(|piece| Ok(http_body::Frame::data(Bytes::copy_from_slice(piece)))).collect();
    let stream = StreamBody::new(futures_util::stream::iter(pieces));
    let extracted =
        read(&recognised, &headers(&[("content-type", MULTIPART)]), BodyExt::boxed(stream), &limits).await.unwrap();
    let OutBody::Spool(spool) = &extracted.body else { panic!("20 MiB in memory") };
    let written = std::fs::read(spool.path()).unwrap();
    assert_eq!((Sha256::of(&written), written.len() as u64), (spool.sha256, spool.len));
    let Some(UploadStep::Append { offset, len, sha256, .. }) = extracted.upload else { panic!("no part") };
    let from = usize::try_from(offset).unwrap();
    assert_eq!(&written[from..from + usize::try_from(len).unwrap()], medium);
    assert_eq!(sha256, Sha256::of(&medium));
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(std::fs::metadata(spool.path()).unwrap().permissions().mode() & 0o777, 0o600);
    drop(extracted);
    assert_eq!(std::fs::read_dir(&limits.spool_dir).unwrap().count(), 0);
}

#[tokio::test]
async fn a_client_that_leaves_or_stalls_is_refused_and_leaves_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Extract { spool_dir: dir.path().to_owned(), body_ms: 50, memory_bytes: 10, ..Extract::default() };
    let recognised = found("POST api.x.com/2/media/upload/9/append");
    let begun = Bytes::from(part("media", &"x".repeat(1000)));
    let frame = move || Ok::<_, crate::domain::arrival::BodyError>(http_body::Frame::data(begun.clone()));
    let left = futures_util::stream::iter([frame(), Err("gone".into())]);
    let stalled = futures_util::stream::iter([frame()]).chain(futures_util::stream::pending());
    let bodies: [(Body, &str, u16); 2] = [
        (BodyExt::boxed(StreamBody::new(left)), "body-incomplete", 400),
        (BodyExt::boxed(StreamBody::new(stalled)), "body-slow", 408),
    ];
    let pairs = headers(&[("content-type", MULTIPART)]);
    for (body, code, status) in bodies {
        let refusal = read(&recognised, &pairs, body, &limits).await.unwrap_err();
        assert_eq!((refusal.code.as_ref(), refusal.status), (code, status));
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_body_without_a_length_may_be_empty_where_none_is_taken() {
    let stream = |pieces: Vec<&'static str>| {
        let frames = pieces.into_iter().map(|piece| Ok(http_body::Frame::data(Bytes::from(piece))));
        BodyExt::boxed(StreamBody::new(futures_util::stream::iter(frames.collect::<Vec<_>>())))
    };
    for line in ["DELETE api.x.com/2/tweets/1", "POST api.x.com/2/media/upload/9/finalize"] {
        let (recognised, none) = (found(line), HeaderMap::new());
        let extracted = read(&recognised, &none, stream(vec![""]), &Extract::default()).await.unwrap();
        assert!(extracted.body.is_empty() && extracted.content_type.is_none());
        let refusal = read(&recognised, &none, stream(vec!["", "x"]), &Extract::default()).await.unwrap_err();
        assert_eq!(refusal.code, "body-unexpected", "{line}");
    }
}

#[tokio::test]
async fn media_that_did_not_pass_the_gate_are_refused() {
    let book = Book(BTreeMap::from([("5".to_owned(), Sha256::of(b"abc"))]));
    let cases = [
        ("6", "unknown-media"),
        ("foreign", "foreign-media"),
        ("open", "media-incomplete"),
        ("broken", "store-unavailable"),
    ];
    for (id, code) in cases {
        let body = format!(r#"{{"text":"a","media":{{"media_ids":["5","{id}"]}}}}"#);
        let (recognised, mut extracted) = json("POST api.x.com/2/tweets", &body).await.unwrap();
        let refusal = resolve(&mut extracted, &recognised, &AccountId::new("a"), &book).unwrap_err();
        assert_eq!(refusal.code, code);
        assert!(extracted.post.media.is_empty());
    }
    let (recognised, mut extracted) =
        json("POST api.x.com/2/tweets", r#"{"media":{"media_ids":["5"]}}"#).await.unwrap();
    resolve(&mut extracted, &recognised, &AccountId::new("a"), &book).unwrap();
    assert_eq!(extracted.post.media[0].sha256, Sha256::of(b"abc"));
}

#[tokio::test]
async fn the_published_id_is_taken_from_the_answer() {
    let recognised = found("POST api.x.com/2/tweets");
    assert_eq!(published_id(&recognised, br#"{"data":{"id":"18","text":"a"}}"#).as_deref(), Some("18"));
    assert_eq!(published_id(&recognised, b"{\"errors\":[]}"), None);
    assert_eq!(published_id(&recognised, b"<html>"), None);
    let v1 = found("POST upload.x.com/1.1/media/upload.json");
    assert_eq!(published_id(&v1, br#"{"media_id":7,"media_id_string":"7"}"#).as_deref(), Some("7"));
}

#[tokio::test]
async fn an_oauth1_request_keeps_its_parameters_and_its_token_is_its_fingerprint() {
    let oauth = r#"OAuth oauth_consumer_key="k", oauth_nonce="n", oauth_signature="s%3D", oauth_token="12-ab", oauth_version="1.0""#;
    let pairs = [("authorization", oauth), ("content-type", "application/json")];
    let (recognised, extracted) = try_read("POST api.twitter.com/2/tweets", &pairs, r#"{"text":"a"}"#).await.unwrap();
    assert_eq!(extracted.credential_fingerprint, Some(Sha256::of(b"12-ab").hex()));
    let out = outbound(&recognised, &extracted, &headers(&pairs)).unwrap();
    assert_eq!((out.host.as_str(), out.headers["authorization"].to_str().unwrap()), ("api.twitter.com", oauth));
    let twice = [("authorization", "Bearer a"), ("authorization", oauth), ("content-type", "application/json")];
    let refusal = try_read("POST api.x.com/2/tweets", &twice, r#"{"text":"a"}"#).await.unwrap_err();
    assert_eq!(refusal.code, "credential-twice");
}

#[tokio::test]
async fn an_empty_object_where_no_body_is_taken_says_nothing_and_stays_here() {
    let json = [("content-type", "application/json")];
    let line = "DELETE graph.facebook.com/v24.0/12?id=12";
    let (_, extracted) = try_read(line, &json, "{}").await.unwrap();
    assert_eq!((extracted.target.as_deref(), extracted.body.len()), (Some("12"), 0));
    assert_eq!(try_read(line, &json, "[]").await.unwrap_err().code, "body-unexpected");
    // Graph is told twice which object is meant: both times the same one.
    let other = try_read("DELETE graph.facebook.com/v24.0/12?id=13", &json, "{}").await.unwrap_err();
    assert_eq!(other.code, "field-shape");
}
