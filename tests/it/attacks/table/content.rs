//! Bodies that two readers could take differently: JSON and content types.

use super::*;

pub(super) fn json_shapes() -> Vec<Case> {
    let t = serde_json::to_string(HEALTH).unwrap();
    let deep = |n: usize| format!("{{\"text\":{t},\"x\":{}{}}}", "[".repeat(n), "]".repeat(n));
    let wide = format!("{{\"text\":{t},\"x\":[{}0]}}", "0,".repeat(400_000));
    let utf16: Vec<u8> = words(HEALTH).encode_utf16().flat_map(u16::to_le_bytes).collect();
    let bom = [b"\xef\xbb\xbf", words(HEALTH).as_bytes()].concat();
    let shift_jis = b"{\"text\":\"\x8c\x92\x8dN\"}".to_vec();
    let refused: Vec<(&str, Vec<u8>, &'static str)> = vec![
        ("repeated key", format!("{{\"text\":{t},\"text\":\"別\"}}").into(), "json-repeated-key"),
        ("repeated key, the same value", format!("{{\"text\":{t},\"text\":{t}}}").into(), "json-repeated-key"),
        ("repeated key, escaped", format!("{{\"text\":{t},\"te\\u0078t\":\"別\"}}").into(), "json-repeated-key"),
        ("repeated key, deep", format!("{{\"text\":{t},\"reply\":{{\"a\":1,\"a\":2}}}}").into(), "json-repeated-key"),
        (
            "repeated key in a list",
            format!("{{\"text\":{t},\"x\":[{{\"a\":[{{\"b\":1,\"b\":1}}]}}]}}").into(),
            "json-repeated-key",
        ),
        ("key with NUL", format!("{{\"text\":{t},\"text\\u0000\":\"別\"}}").into(), "json-control"),
        ("lone high surrogate", b"{\"text\":\"\\ud83d\"}".to_vec(), "json-surrogate"),
        ("lone low surrogate", b"{\"text\":\"\\ude00\"}".to_vec(), "json-surrogate"),
        ("surrogates the wrong way round", b"{\"text\":\"\\ude00\\ud83d\"}".to_vec(), "json-surrogate"),
        ("BOM", bom, "json-encoding"),
        ("UTF-16", utf16, "json-encoding"),
        ("Shift_JIS", shift_jis, "json-encoding"),
        ("over-long", b"{\"text\":\"\xc0\xaf\"}".to_vec(), "json-encoding"),
        ("CESU-8", b"{\"text\":\"\xed\xa0\xbd\xed\xb8\x80\"}".to_vec(), "json-encoding"),
        ("NUL after", format!("{}\0", words(HEALTH)).into(), "json-trailing"),
        ("second value", format!("{}{}", words(HEALTH), words("別")).into(), "json-trailing"),
        ("NDJSON", format!("{}\n{}", words(HEALTH), words("別")).into(), "json-trailing"),
        ("comment after", format!("{}//x", words(HEALTH)).into(), "json-trailing"),
        ("comment inside", format!("{{/*x*/\"text\":{t}}}").into(), "json-syntax"),
        ("trailing comma", format!("{{\"text\":{t},}}").into(), "json-syntax"),
        ("single quotes", b"{'text':'x'}".to_vec(), "json-syntax"),
        ("bare key", format!("{{text:{t}}}").into(), "json-syntax"),
        ("NaN", format!("{{\"text\":{t},\"x\":NaN}}").into(), "json-syntax"),
        ("Infinity", format!("{{\"text\":{t},\"x\":-Infinity}}").into(), "json-syntax"),
        ("leading zero", format!("{{\"text\":{t},\"x\":01}}").into(), "json-syntax"),
        ("plus", format!("{{\"text\":{t},\"x\":+1}}").into(), "json-syntax"),
        ("\\x41", b"{\"text\":\"\\x41\"}".to_vec(), "json-syntax"),
        ("raw line feed", b"{\"text\":\"a\nb\"}".to_vec(), "json-control"),
        ("vertical tab before", format!("\x0b{}", words(HEALTH)).into(), "json-syntax"),
        ("no-break space", format!("\u{a0}{}", words(HEALTH)).into(), "json-syntax"),
        ("unfinished", words(HEALTH).as_bytes()[..20].to_vec(), "json-encoding"),
        ("33 deep", deep(33).into(), "json-depth"),
        ("100,000 deep", deep(100_000).into(), "json-depth"),
        ("400,000 values", wide.into(), "json-too-many"),
        ("a list", b"[]".to_vec(), "field-shape"),
        ("a list of posts", format!("[{}]", words(HEALTH)).into(), "field-shape"),
        ("a string", t.clone().into_bytes(), "field-shape"),
        ("null", b"null".to_vec(), "field-shape"),
        ("a number", b"1e999".to_vec(), "field-shape"),
        ("nothing", Vec::new(), "json-syntax"),
        ("text is a list", format!("{{\"text\":[{t}]}}").into(), "field-shape"),
        ("text is an object", format!("{{\"text\":{{\"a\":{t}}}}}").into(), "field-shape"),
        ("text is a number", b"{\"text\":1e999}".to_vec(), "field-shape"),
        ("text is true", b"{\"text\":true}".to_vec(), "field-shape"),
        (
            "reply as a number",
            format!("{{\"text\":{t},\"reply\":{{\"in_reply_to_tweet_id\":1}}}}").into(),
            "field-shape",
        ),
        (
            "reply as a list",
            format!("{{\"text\":{t},\"reply\":{{\"in_reply_to_tweet_id\":[\"1\"]}}}}").into(),
            "field-shape",
        ),
        ("media ids as numbers", format!("{{\"text\":{t},\"media\":{{\"media_ids\":[1]}}}}").into(), "field-shape"),
        ("over 1 MiB", format!("{{\"text\":{t},\"x\":\"{}\"}}", "y".repeat(1_100_000)).into(), "body-too-large"),
    ];
    let mut cases: Vec<Case> = refused
        .into_iter()
        .map(|(name, body, code)| plain(name, request("POST", "/x/2/tweets", "gw", JSON, &body), Want::Entry(code)))
        .collect();
    let escaped: String = HEALTH.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
    for (name, body) in [
        ("control: all escaped", format!("{{\"text\":\"{escaped}\"}}")),
        ("control: an escaped key", format!("{{\"\\u0074ext\":{t}}}")),
        ("control: white space", format!(" \r\n\t{{ \"text\" : {t} }} ")),
    ] {
        cases.push(plain(name, post("/x/2/tweets", "", &body), Want::Passes(approved())));
    }
    // Fields that nobody approved, named so that some reader takes them for the text.
    for key in [
        "Text",
        "TEXT",
        "text ",
        " text",
        "ｔｅｘｔ",
        "text\\u200b",
        "status",
        "$text",
        "__proto__",
        "text[]",
        "text.0",
        "/text",
    ] {
        let body = format!("{{\"text\":{t},\"{key}\":\"別の文\"}}");
        cases.push(plain(format!("key {key}"), post("/x/2/tweets", "", &body), Want::Entry("unmapped-fields")));
    }
    for value in ["1e999", "-0", "null", "12345678901234567890123", "[]", "{}", "0.1e-400"] {
        let body = format!("{{\"text\":{t},\"x\":{value}}}");
        cases.push(plain(
            format!("unknown field {value}"),
            post("/x/2/tweets", "", &body),
            Want::Entry("unmapped-fields"),
        ));
    }
    cases
}

pub(super) fn types() -> Vec<Case> {
    let body = words(HEALTH);
    let with = |lines: &str| request("POST", "/x/2/tweets", "gw", lines, body.as_bytes());
    let mut cases = Vec::new();
    for kind in [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=b",
        "application/json; charset=utf-16",
        "application/json; charset=shift_jis",
        "application/json; charset=utf-8; charset=utf-16",
        "application/json;",
        "application/json; x=y",
        "application/json, text/plain",
        "application/jsonp",
        "application/x-json",
        "text/json",
        "application/vnd.api+json",
        "application /json",
        "application/json; charset=\"utf-8",
        "*/*",
        "application/json; charset",
        "application/json\u{3000}",
    ] {
        cases.push(plain(
            format!("type {kind:?}"),
            with(&format!("content-type: {kind}\r\n")),
            Want::Entry("content-type"),
        ));
    }
    cases.push(plain("no type", with(""), Want::Entry("content-type")));
    cases.push(plain("two types", with(&format!("{JSON}{JSON}")), Want::Door("duplicate-content-type")));
    for coding in ["gzip", "br", "deflate", "zstd", "identity", "gzip, gzip", "", "x"] {
        let lines = format!("{JSON}content-encoding: {coding}\r\n");
        cases.push(plain(format!("coding {coding:?}"), with(&lines), Want::Entry("content-encoding")));
    }
    for kind in [
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        "APPLICATION/JSON",
        "application/json; charset=\"utf-8\"",
    ] {
        cases.push(plain(
            format!("control: {kind}"),
            with(&format!("content-type: {kind}\r\n")),
            Want::Passes(approved()),
        ));
    }
    cases
}
