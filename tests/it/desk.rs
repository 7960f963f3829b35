//! What people at their desks rely on: the approver sees the post, secrets stay secret, the emergency door works.

use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderMap, Method};
use sekisho::demo::client::Tool;
use sekisho::demo::town;
use sekisho::domain::arrival::full;
use sekisho::domain::digest::{Digest, of_form};
use sekisho::domain::media::{Sha256, UploadStep};
use sekisho::practice::fault::{Fault, Trouble, When};
use sekisho::{extract, recognise};
use serde_json::{Value, json};

use crate::house::{self, House, first_lines, send};
use crate::stage::{Town, digest_of, eventually, tweet, words};

const HEALTH: &str = "【健康課】12月1日(火)10時から、区役所本庁舎で健康相談会を開きます。";
const FLOOD: &str = "【緊急】石神井川が氾濫危険水位に達しました。ただちに避難してください。";

#[tokio::test(flavor = "multi_thread")]
async fn c4_the_approver_reads_the_very_post_that_is_published_and_nobody_elses_body_does() {
    let town = Town::start().await;
    let held = tweet(&town.nerima(), HEALTH).await;
    let ticket = held.header("sekisho-ticket").to_owned();
    let path = format!("/api/v1/tickets/{ticket}");
    let seen = town.console(town::MANAGER_KEY, Method::GET, &path, None).await.json();
    assert_eq!(seen["post"]["texts"], json!([{ "at": "/text", "text": HEALTH }]), "{seen}");
    assert_eq!((&seen["account"], &seen["action"]), (&json!("nerima-x"), &json!("publish")));
    assert_eq!(seen["post"]["media"], json!([]));
    // What is seen is what the digest covers.
    let form = sekisho::domain::digest::canonical(&seen["post"]["form"]);
    assert_eq!(seen["digest"], of_form(&form).to_string());
    // The list tells that it waits, not what it says; another body's people are told nothing.
    let listed = town.console(town::MANAGER_KEY, Method::GET, "/api/v1/tickets", None).await;
    let listed = String::from_utf8_lossy(&listed.body).into_owned();
    assert!(listed.contains(&ticket) && !listed.contains("健康相談会"), "{listed}");
    let other = town.console("demo-nagano-manager", Method::GET, &path, None).await;
    assert_eq!(other.status, 404);
    assert!(!String::from_utf8_lossy(&other.body).contains("健康相談会"));
    let approved = town.console(town::MANAGER_KEY, Method::POST, &format!("{path}/approve"), Some(json!({}))).await;
    assert_eq!(approved.status, 200, "{:?}", approved.json());
    assert_eq!(tweet(&town.nerima(), HEALTH).await.status, 201);
    assert_eq!(town.provider.posts().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn oauth_1_needs_the_forward_proxy_since_its_signature_covers_the_url() {
    let town = Town::start_with(|config| {
        config.listen.origins.insert(sekisho::domain::account::ProviderId::new("x"), "127.0.0.1:0".parse().unwrap());
    })
    .await;
    let origin = *town.running.origins.values().next().unwrap();
    let oauth = "OAuth oauth_consumer_key=\"k\", oauth_token=\"t\", oauth_signature=\"s%3D\"";
    let shown = [("Authorization", oauth), ("DPoP", "e30.e30.c2ln"), ("Authorization", "DPoP abc")];
    let doors =
        [(town.running.gateway, "/x/2/tweets"), (town.running.gateway, "/emergency/x/2/tweets"), (origin, "/2/tweets")];
    let mut refused = 0;
    for (address, target) in doors {
        for (name, value) in shown {
            let headers = [("Sekisho-Client", town::TOOL_KEY), ("Content-Type", "application/json"), (name, value)];
            let answer = tokio::task::spawn_blocking({
                let (headers, body) = (headers.map(|(n, v)| (n.to_owned(), v.to_owned())), words(HEALTH));
                move || {
                    let headers: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
                    send(address, "POST", target, &headers, body.as_bytes())
                }
            })
            .await
            .unwrap();
            assert_eq!(answer.status, 403, "{answer:?}");
            assert!(answer.text.contains("HTTPS_PROXY"), "the way forward is told: {answer:?}");
            assert_eq!(town.last_entry()["code"], "needs-forward");
            refused += 1;
        }
    }
    assert_eq!((refused, town.received(), town.entries("nerima").len()), (9, 0, 9));
    // Through the forward proxy the same credential goes on to be judged.
    let gateway = town.running.gateway;
    let answer = tokio::task::spawn_blocking(move || {
        let headers =
            [("Sekisho-Client", town::TOOL_KEY), ("Content-Type", "application/json"), ("Authorization", oauth)];
        send(gateway, "POST", "http://api.x.com/2/tweets", &headers, words(HEALTH).as_bytes())
    })
    .await
    .unwrap();
    assert_eq!(answer.header("sekisho-decision"), "held", "{answer:?}");
    assert_eq!(town.last_entry()["door"], "forward-absolute");
}

/// A request that a client library sends for media: what it is, host, path, content type, body.
type Shape = (&'static str, &'static str, &'static str, &'static str, Vec<u8>);

fn part(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut body = String::new();
    for (name, value) in fields {
        body.push_str(&format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"));
    }
    body.push_str("--b\r\nContent-Disposition: form-data; name=\"media\"; filename=\"a.png\"\r\n");
    body.push_str("Content-Type: application/octet-stream\r\n\r\nPNG\r\n--b--\r\n");
    body.into_bytes()
}

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";
const PARTS: &str = "multipart/form-data; boundary=b";

fn uploads_in_version_1() -> Vec<Shape> {
    let old = "/1.1/media/upload.json";
    let chunk = [("command", "APPEND"), ("media_id", "710511363345354753"), ("segment_index", "0")];
    vec![
        ("tweepy simple_upload", "upload.twitter.com", old, PARTS, part(&[])),
        (
            "tweepy simple_upload, category",
            "upload.twitter.com",
            old,
            PARTS,
            part(&[("media_category", "tweet_image")]),
        ),
        (
            "tweepy chunked_upload_init",
            "upload.twitter.com",
            old,
            FORM,
            b"command=INIT&total_bytes=3&media_type=video%2Fmp4&media_category=tweet_video".to_vec(),
        ),
        ("tweepy chunked_upload_append", "upload.twitter.com", old, PARTS, part(&chunk)),
        (
            "tweepy chunked_upload_finalize",
            "upload.twitter.com",
            old,
            FORM,
            b"command=FINALIZE&media_id=710511363345354753".to_vec(),
        ),
        (
            "tweepy create_media_metadata",
            "upload.twitter.com",
            "/1.1/media/metadata/create.json",
            JSON,
            json!({ "media_id": "710511363345354753", "alt_text": { "text": "区役所の写真" } }).to_string().into(),
        ),
    ]
}

fn uploads_in_version_2() -> Vec<Shape> {
    let base64 = BASE64_STANDARD.encode("PNG");
    vec![
        (
            "twitter-api-v2 v2.uploadMedia initialize",
            "api.x.com",
            "/2/media/upload/initialize",
            JSON,
            json!({ "media_type": "image/png", "total_bytes": 3, "media_category": "tweet_image" }).to_string().into(),
        ),
        (
            "twitter-api-v2 v2.uploadMedia append",
            "api.x.com",
            "/2/media/upload/710511363345354753/append",
            PARTS,
            part(&[("segment_index", "0")]),
        ),
        (
            "twitter-api-v2 v2.uploadMedia finalize",
            "api.x.com",
            "/2/media/upload/710511363345354753/finalize",
            "",
            vec![],
        ),
        (
            "xdk upload",
            "api.x.com",
            "/2/media/upload",
            JSON,
            json!({ "media": base64, "media_category": "tweet_image", "media_type": "image/png", "shared": false })
                .to_string()
                .into(),
        ),
        (
            "xdk initialize_upload",
            "api.x.com",
            "/2/media/upload/initialize",
            JSON,
            json!({ "media_category": "tweet_video", "media_type": "video/mp4", "shared": false, "total_bytes": 3 })
                .to_string()
                .into(),
        ),
        (
            "xdk create_metadata",
            "api.x.com",
            "/2/media/metadata",
            JSON,
            json!({ "id": "710511363345354753", "metadata": { "alt_text": { "text": "写真" } } }).to_string().into(),
        ),
    ]
}

#[tokio::test]
async fn the_uploads_of_real_clients_have_no_field_that_nobody_mapped() {
    let definitions = recognise::Definitions::built_in().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let limits = sekisho::config::extract::Extract {
        spool_dir: dir.path().to_owned(),
        ..sekisho::config::Config::default().extract
    };
    let shapes: Vec<Shape> = uploads_in_version_1().into_iter().chain(uploads_in_version_2()).collect();
    assert_eq!(shapes.len(), 12);
    for (what, host, path, content_type, body) in shapes {
        let mut headers = HeaderMap::new();
        if !content_type.is_empty() {
            headers.insert("content-type", content_type.parse().unwrap());
        }
        let recognised = recognise::recognise(&definitions, host, &Method::POST, path, None, &headers)
            .unwrap_or_else(|refusal| panic!("{what}: {}", refusal.message()));
        let extracted = extract::read(&recognised, &headers, full(body), &limits)
            .await
            .unwrap_or_else(|refusal| panic!("{what}: {} {}", refusal.code, refusal.sentence_en));
        assert!(extracted.post.rest.is_empty(), "{what}: {:?}", extracted.post.rest);
        assert!(extracted.upload.is_some(), "{what}");
    }
}

#[tokio::test]
async fn a_part_in_base64_as_xdk_sends_it_is_known_by_its_own_bytes() {
    let definitions = recognise::Definitions::built_in().unwrap();
    let mut headers = HeaderMap::new();
    headers.insert("content-type", "application/json".parse().unwrap());
    let path = "/2/media/upload/710511363345354753/append";
    let recognised = recognise::recognise(&definitions, "api.x.com", &Method::POST, path, None, &headers).unwrap();
    let body = json!({ "media": BASE64_STANDARD.encode("PNG"), "segment_index": 0 }).to_string();
    let limits = sekisho::config::Config::default().extract;
    let extracted = extract::read(&recognised, &headers, full(body), &limits).await.unwrap();
    let Some(UploadStep::Append { number, len, sha256, decoded, .. }) = extracted.upload else { panic!("no part") };
    assert_eq!((number, len, sha256), (0, 3, Sha256::of(b"PNG")));
    assert_eq!(decoded.as_deref(), Some(b"PNG".as_slice()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_with_a_field_that_nobody_mapped_is_refused() {
    let town = Town::start().await;
    let body = json!({ "media": BASE64_STANDARD.encode("PNG"), "media_category": "tweet_image", "text": "公開前" });
    let tool = town.nerima();
    let sent =
        async { tool.send(Method::POST, "api.x.com", "/2/media/upload", &[], Some(body.to_string())).await.unwrap() };
    town.refuses("unmapped-fields", "sekisho:unmapped-fields", sent).await;
    assert_eq!(town.received(), 0);
}

fn image() -> String {
    json!({ "media": BASE64_STANDARD.encode("PNG"), "media_category": "tweet_image", "media_type": "image/png" })
        .to_string()
}

async fn declare(town: &Town, drill: bool) -> String {
    let body = json!({ "reason": "石神井川の氾濫", "accounts": ["nerima-x"], "for_s": 3600, "drill": drill });
    let declared = town.console(town::DUTY_KEY, Method::POST, "/api/v1/emergencies", Some(body)).await;
    assert_eq!(declared.status, 201, "{:?}", declared.json());
    declared.json()["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn c12_in_an_emergency_a_picture_and_its_post_pass_and_both_entries_name_the_declaration() {
    let town = Town::start().await;
    let id = declare(&town, false).await;
    let tool = town.nerima();
    let uploaded = tool.send_reverse(Method::POST, "/emergency/x/2/media/upload", Some(image())).await.unwrap();
    assert_eq!(uploaded.status, 200, "{:?}", uploaded.json());
    let media = uploaded.json()["data"]["id"].as_str().unwrap().to_owned();
    let uploads: Vec<Value> = town.entries("nerima").into_iter().filter(|entry| entry["action"] == "upload").collect();
    assert_eq!(uploads.len(), 1);
    assert_eq!((&uploads[0]["kind"], &uploads[0]["emergency"]), (&json!("permit"), &json!(id)));
    assert_eq!(uploads[0]["after_report"], Value::Null, "an upload shows nothing, so nothing is to be reported");

    let gateway = town.running.gateway;
    let post = json!({ "text": FLOOD, "media": { "media_ids": [media] } }).to_string();
    let answer = tokio::task::spawn_blocking(move || {
        let headers = [
            ("Sekisho-Client", town::TOOL_KEY),
            ("Content-Type", "application/json"),
            ("Authorization", "Bearer practice-credential"),
            ("Sekisho-Reason", "RIVER-OVER-THE-BANK"),
        ];
        send(gateway, "POST", "/emergency/x/2/tweets", &headers, post.as_bytes())
    })
    .await
    .unwrap();
    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!(town.provider.posts().len(), 1);
    let index: u64 = answer.header("sekisho-entry").parse().unwrap();
    let entry = town.entries("nerima").into_iter().find(|entry| entry["index"] == index).unwrap();
    assert_eq!((&entry["emergency"], &entry["exemption"]), (&json!(id), &json!("emergency")));
    assert!(entry["after_report"]["due"].is_string(), "{entry}");
    // The reason is kept, but only under seal.
    assert!(!entry.to_string().contains("RIVER-OVER-THE-BANK"));
    let payload = town.running.ledger.payload("nerima", index).unwrap().unwrap();
    assert_eq!(payload.reason.as_deref(), Some("RIVER-OVER-THE-BANK"));
    // A read by the same door is a read.
    let read = tool.send_reverse(Method::GET, "/emergency/x/2/users/me", None).await.unwrap();
    assert_eq!(read.status, 200, "{:?}", read.json());
}

#[tokio::test(flavor = "multi_thread")]
async fn c12_nothing_of_a_drill_reaches_a_provider_not_even_a_picture() {
    let town = Town::start().await;
    declare(&town, true).await;
    let tool = town.nerima();
    for (path, body) in [("/emergency/x/2/media/upload", image()), ("/emergency/x/2/tweets", words(FLOOD))] {
        let sent = async { tool.send_reverse(Method::POST, path, Some(body)).await.unwrap() };
        town.refuses("drill-never-leaves", "sekisho:drill", sent).await;
    }
    assert_eq!(town.received(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_leaves_in_the_middle_of_the_answer_still_has_an_outcome() {
    let town = Town::start().await;
    let slow = Fault::next(When::AfterEffect, Trouble::slow(Duration::from_millis(40)));
    town.provider.order(slow.on("GET", "/2/users/me"));
    let tool = town.nerima();
    let reading = tokio::spawn(async move { tool.send(Method::GET, "api.x.com", "/2/users/me", &[], None).await });
    eventually("the provider is asked", || town.received() == 1).await;
    reading.abort();
    assert!(reading.await.unwrap_err().is_cancelled());
    let outcomes =
        || -> Vec<Value> { town.entries("nerima").into_iter().filter(|entry| entry["kind"] == "outcome").collect() };
    eventually("the entry has its outcome", || !outcomes().is_empty()).await;
    let permits: Vec<Value> = town.entries("nerima").into_iter().filter(|entry| entry["kind"] == "permit").collect();
    assert_eq!(permits.len(), 1);
    assert_eq!(outcomes().len(), 1);
    assert_eq!(outcomes()[0]["of"], permits[0]["index"]);
}

/// What must be found nowhere, by what it was.
const CANARIES: [(&str, &str); 8] = [
    ("the provider credential", "CANARY-BEARER-7f31"),
    ("the OAuth signature", "CANARY-OAUTH1-55aa"),
    ("the client secret of a sign-in", "CANARY-SECRET-0c9e"),
    ("the refresh token of a sign-in", "CANARY-REFRESH-a4d2"),
    ("a wrong client key", "CANARY-CLIENTKEY-91be"),
    ("an approval header", "CANARY-APPROVAL-63f0"),
    ("the reason", "CANARY-REASON-2b7d"),
    ("the text of a post", "CANARY-TEXT-e85c"),
];

fn canary(what: &str) -> &'static str {
    CANARIES.iter().find(|(name, _)| *name == what).unwrap().1
}

/// Every file below `dir` that holds `needle`.
pub fn files_with(dir: &Path, needle: &str, seen: &mut usize) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_with(&path, needle, seen));
        } else {
            *seen += 1;
            let bytes = std::fs::read(&path).unwrap();
            if bytes.windows(needle.len()).any(|window| window == needle.as_bytes()) {
                found.push(path);
            }
        }
    }
    found
}

/// Passes, refusals and errors, each with canaries in it. What the gateway says of itself is returned.
fn sing(house: &House, approved: &str) -> String {
    let bearer = format!("Bearer {}", canary("the provider credential"));
    let reason = canary("the reason");
    let tool: [(&str, &str); 3] =
        [("Sekisho-Client", town::TOOL_KEY), ("Authorization", &bearer), ("Sekisho-Reason", reason)];
    let with = |more: &[(&'static str, &str)]| -> Vec<(String, String)> {
        tool.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let go = |method: &str, target: &str, headers: Vec<(String, String)>, body: &str| {
        let headers: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        send(house.gateway, method, target, &headers, body.as_bytes())
    };
    let text = canary("the text of a post");
    let post = words(&format!("お知らせ {text}"));
    let (json_body, form_body) = (("Content-Type", JSON), ("Content-Type", FORM));
    let mut said = String::new();

    // Passes: a post by its approval, a read, a sign-in.
    let passed = go("POST", "/x/2/tweets", with(&[json_body, ("Sekisho-Approval", approved)]), &post);
    assert_eq!(passed.status, 201, "{passed:?}");
    assert_eq!(go("GET", "/x/2/users/me", with(&[]), "").status, 200);
    let form = format!(
        "grant_type=refresh_token&client_id=app&refresh_token={}&client_secret={}",
        canary("the refresh token of a sign-in"),
        canary("the client secret of a sign-in")
    );
    let signed_in = go("POST", "/x/2/oauth2/token", with(&[form_body]), &form);
    assert_eq!(signed_in.header("sekisho-decision"), "permitted", "{signed_in:?}");

    // Refusals: held, spent, a rubbish approval, OAuth 1.0a at the wrong door, a wrong key, broken JSON, no route,
    // a shortened link, a field that nobody mapped.
    let oauth = format!("OAuth oauth_token=\"t\", oauth_signature=\"{}\"", canary("the OAuth signature"));
    let refused = [
        go("POST", "/x/2/tweets", with(&[json_body]), &words(&format!("別のお知らせ {text}"))),
        go("POST", "/x/2/tweets", with(&[json_body, ("Sekisho-Approval", approved)]), &post),
        go("POST", "/x/2/tweets", with(&[json_body, ("Sekisho-Approval", canary("an approval header"))]), &post),
        send(
            house.gateway,
            "POST",
            "/x/2/tweets",
            &[("Sekisho-Client", town::TOOL_KEY), ("Authorization", &oauth), json_body],
            post.as_bytes(),
        ),
        send(
            house.gateway,
            "POST",
            "/x/2/tweets",
            &[("Sekisho-Client", canary("a wrong client key")), ("Authorization", &bearer), json_body],
            post.as_bytes(),
        ),
        go("POST", "/x/2/tweets", with(&[json_body]), &format!("{{\"text\":\"{text}\",\"text\":1}}")),
        go("GET", &format!("/x/2/users/me?access_token={text}"), with(&[]), ""),
        go("POST", "/x/2/tweets", with(&[json_body]), &words(&format!("{text} https://bit.ly/abc"))),
        go("POST", "/x/2/tweets", with(&[json_body]), &json!({ "text": text, "secret_field": text }).to_string()),
    ];
    for answer in &refused {
        assert!((400..500).contains(&answer.status), "{answer:?}");
        said.push_str(&answer.text);
    }

    // The tool alone is told which path of its own has no route.
    assert_eq!(go("POST", &format!("/x/2/{text}"), with(&[json_body]), &post).status, 403);

    // Errors: the provider resets, answers garbage, answers 500; each is a read with a canary in its query.
    for trouble in [Trouble::Reset, Trouble::Garbage, Trouble::status(500)] {
        house.provider.order(Fault::next(When::AfterBody, trouble));
        let answer = go("GET", &format!("/x/2/tweets/search/recent?query={text}"), with(&[]), "");
        assert!(answer.status >= 400, "{answer:?}");
        said.push_str(&answer.text);
    }
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn m4_no_secret_and_no_text_is_anywhere_but_at_the_provider() {
    let house = House::start("trace").await;
    let post = words(&format!("お知らせ {}", canary("the text of a post")));
    let request = json!({
        "host": "api.x.com", "method": "POST", "path": "/2/tweets", "headers": { "content-type": "application/json" },
        "body_base64": BASE64_STANDARD.encode(&post),
    });
    let issued = house.command(&["approval", "issue", "--approver", "kacho"], &request.to_string());
    assert_eq!(issued.code, 0, "{}", issued.err);
    let approved = issued.out.trim().to_owned();
    let (mut house, mut said) = tokio::task::spawn_blocking(move || {
        let said = sing(&house, &approved);
        house.command(&["ledger", "export", "--to", house.path("exported").to_str().unwrap()], "");
        (house, said + "\n" + &approved)
    })
    .await
    .unwrap();
    let approved = said.split_off(said.rfind('\n').unwrap()).trim().to_owned();
    assert!(house.path("exported").is_dir());

    // The same through a tunnel, where the key stands in the CONNECT in base64.
    let root = std::fs::read_to_string(house.path("ca/root.pem")).unwrap();
    let stranger = Tool::new(house.gateway, canary("a wrong client key"), &root).unwrap();
    let tool = Tool::new(house.gateway, town::TOOL_KEY, &root).unwrap();
    let reason = [("sekisho-reason", canary("the reason"))];
    let refused = stranger.send(Method::POST, "api.x.com", "/2/tweets", &reason, Some(post.clone())).await.unwrap();
    let held = tool.send(Method::POST, "api.x.com", "/2/tweets", &reason, Some(post)).await.unwrap();
    assert_eq!((refused.status.as_u16(), held.header("sekisho-decision")), (403, "held"));
    let shown = BASE64_STANDARD.encode(format!("tool:{}", canary("a wrong client key")));

    let (provider_has, console) = (house.provider.posts().len(), house.console);
    assert_eq!(provider_has, 1, "the provider's own record is the one place of the text");
    let told = tokio::task::spawn_blocking(move || {
        let stream = format!("Bearer {}", town::STREAM_KEY);
        let headers = [("Authorization", stream.as_str()), ("Accept", "text/event-stream")];
        let target = "/api/v1/ledger/stream?organisation=nerima&after=-1";
        let mut told = first_lines(console, target, &headers, "event: checkpoint");
        told.push_str(&send(console, "GET", "/metrics", &[], b"").text);
        told.push_str(
            &send(console, "GET", "/api/v1/tickets", &[("Authorization", "Bearer CANARY-CLIENTKEY-91be")], b"").text,
        );
        told
    })
    .await
    .unwrap();
    assert!(told.contains("approval-missing") && told.contains("sekisho_"), "{told}");
    house.stop();

    for (what, needle) in
        CANARIES.into_iter().chain([("a signed approval", approved.as_str()), ("a proxy credential", shown.as_str())])
    {
        let around = |at: usize| said.get(at.saturating_sub(300)..).unwrap_or(&said).to_owned();
        assert!(!said.contains(needle), "{what} is in an error: {:?}", said.find(needle).map(around));
        assert!(!told.contains(needle), "{what} is in the stream or the metrics");
        let mut looked_at = 0;
        let found = files_with(house.dir(), needle, &mut looked_at);
        assert_eq!(found, Vec::<PathBuf>::new(), "{what}");
        assert!(looked_at > 10, "only {looked_at} files were looked at");
    }
    // The search finds what is there.
    assert!(files_with(house.dir(), "approval-missing", &mut 0).iter().any(|path| path.ends_with("sekisho.db")));
    let log = std::fs::read_to_string(house.path("stderr.log")).unwrap();
    assert!(log.contains("\"level\":\"TRACE\""), "the log is not as loud as it should be");
    assert_eq!(std::fs::read_dir(house.path("spool")).unwrap().count(), 0, "the spool is not empty");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_that_the_demo_prints_do_what_it_says() {
    let dir = tempfile::tempdir().unwrap();
    let clock = std::sync::Arc::new(sekisho::domain::clock::SystemClock);
    let chance = std::sync::Arc::new(sekisho::domain::chance::SystemChance);
    let demo = sekisho::demo::start(dir.path(), clock, chance).await.unwrap_or_else(|_| panic!("no demo"));
    let printed = sekisho::demo::what_to_try(&demo, dir.path()).replace("\\\n", " ");
    let commands: Vec<&str> =
        printed.lines().map(str::trim).filter(|line| line.starts_with("curl") || line.starts_with("TICKET=")).collect();
    assert_eq!(commands.len(), 8, "{printed}");
    let shell = async |script: String| {
        let run = move || {
            house::run(
                {
                    let mut shell = std::process::Command::new("bash");
                    shell.args(["-c", &script]);
                    shell
                },
                "",
            )
        };
        let ended = tokio::task::spawn_blocking(run).await.unwrap();
        format!("{}{}", ended.out, ended.err)
    };
    let held = shell(commands[0].to_owned()).await;
    assert!(held.contains("approval-missing"), "{held}");
    let seen = shell(format!("{}; {}", commands[1], commands[2])).await;
    assert!(seen.contains("健康相談会"), "{seen}");
    let approved = shell(format!("{}; {}", commands[1], commands[3])).await;
    assert!(approved.contains("\"approval\""), "{approved}");
    assert!(shell(commands[0].to_owned()).await.contains("\"data\""));
    assert!(shell(commands[0].to_owned()).await.contains("approval-missing"));
    assert_eq!(demo.practice.posts().len(), 1);
    assert!(shell(commands[4].to_owned()).await.contains("shortened-link"));
    assert!(shell(commands[5].to_owned()).await.contains("宣言"));
    assert!(shell(commands[6].to_owned()).await.contains("\"data\""));
    assert_eq!(demo.practice.posts().len(), 2);
    let stream = shell(format!("timeout 5 {} | head -n 12", commands[7])).await;
    assert!(stream.contains("declare-emergency"), "{stream}");
    demo.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c6_the_authors_own_approval_neither_passes_nor_stands_in_the_way() {
    let town = Town::start().await;
    let digest: Digest = digest_of(&town.config, "api.x.com", "POST", "/2/tweets", &words(HEALTH)).await;
    let own = json!({
        "account": "nerima-x", "actions": ["publish"], "digest": digest.to_string(), "expires_in_s": 60, "max_uses": 1,
    });
    let given = town.console("demo-nerima-clerk", Method::POST, "/api/v1/approvals", Some(own)).await;
    assert!(given.status.is_success(), "whose post it will be is not known yet: {:?}", given.json());
    town.refuses("self-approval", "sekisho:self-approval", tweet(&town.nerima(), HEALTH)).await;
    town.approve(&digest).await;
    assert_eq!(tweet(&town.nerima(), HEALTH).await.status, 201, "another person approved it");
    assert_eq!(town.provider.posts().len(), 1);
}
