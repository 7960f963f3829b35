//! Each wire shape, asked for by a plain HTTP client over TLS.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, Version};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::fault::{Fault, Trouble, When};
use super::{Authority, Practice};
use crate::domain::clock::SystemClock;

const X: &str = "api.x.com";
const LINE: &str = "api.line.me";

async fn started() -> Practice {
    let any = "127.0.0.1:0".parse().unwrap();
    Practice::start(any, Authority::make().unwrap(), Arc::new(SystemClock)).await.unwrap()
}

fn connector(practice: &Practice, protocol: &[u8]) -> TlsConnector {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(practice.ca_pem().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    TlsConnector::from(Arc::new(config))
}

/// What came back: the head and the whole body.
struct Seen {
    head: http::response::Parts,
    bytes: Bytes,
}

impl Seen {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        self.head.headers[name].to_str().unwrap()
    }
}

type AnyError = Box<dyn std::error::Error + Send + Sync>;

async fn tls(practice: &Practice, host: &str, protocol: &[u8]) -> tokio_rustls::client::TlsStream<TcpStream> {
    let stream = TcpStream::connect(practice.address()).await.unwrap();
    let name = ServerName::try_from(host.to_owned()).unwrap();
    connector(practice, protocol).connect(name, stream).await.unwrap()
}

async fn send(practice: &Practice, request: Request<Full<Bytes>>) -> Result<Seen, AnyError> {
    let host = request.headers()["host"].to_str()?.to_owned();
    let stream = tls(practice, &host, b"http/1.1").await;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let response: Response<_> = sender.send_request(request).await?;
    let (head, body) = response.into_parts();
    Ok(Seen { head, bytes: body.collect().await?.to_bytes() })
}

fn request(method: Method, host: &str, target: &str, token: &str, kind: &str, body: Vec<u8>) -> Request<Full<Bytes>> {
    let mut builder = Request::builder().method(method).uri(target).header("host", host);
    if !token.is_empty() {
        builder = builder.header("authorization", format!("Bearer {token}"));
    }
    if !kind.is_empty() {
        builder = builder.header("content-type", kind);
    }
    builder.body(Full::new(Bytes::from(body))).unwrap()
}

async fn get(practice: &Practice, host: &str, target: &str) -> Seen {
    send(practice, request(Method::GET, host, target, "77-tool", "", Vec::new())).await.unwrap()
}

async fn post(practice: &Practice, host: &str, target: &str, body: Value) -> Seen {
    send(practice, json_post(host, target, &body)).await.unwrap()
}

fn json_post(host: &str, target: &str, body: &Value) -> Request<Full<Bytes>> {
    request(Method::POST, host, target, "77-tool", "application/json", body.to_string().into_bytes())
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes))
}

fn multipart(fields: &[(&str, &str)], media: &[u8]) -> (String, Vec<u8>) {
    let mut body = Vec::new();
    for (name, value) in fields {
        body.extend(format!("--x1\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes());
    }
    body.extend(b"--x1\r\nContent-Disposition: form-data; name=\"media\"; filename=\"a.png\"\r\n\r\n");
    body.extend(media);
    body.extend(b"\r\n--x1--\r\n");
    ("multipart/form-data; boundary=x1".to_owned(), body)
}

async fn upload(practice: &Practice, target: &str, fields: &[(&str, &str)], media: &[u8]) -> Seen {
    let (kind, body) = multipart(fields, media);
    send(practice, request(Method::POST, X, target, "77-tool", &kind, body)).await.unwrap()
}

#[tokio::test]
async fn x_gives_a_post_an_increasing_id_and_rate_headers_and_keeps_it_on_record() {
    let practice = started().await;
    let first = post(&practice, X, "/2/tweets", json!({"text": "避難所を開設しました"})).await;
    let second = post(&practice, X, "/2/tweets", json!({"text": "給水車が来ます"})).await;
    assert_eq!(first.head.status, StatusCode::CREATED);
    let ids = [&first, &second].map(|seen| seen.json()["data"]["id"].as_str().unwrap().parse::<u64>().unwrap());
    assert!(ids[0] > 1_000_000_000_000_000_000 && ids[0] < ids[1]);
    assert_eq!(first.json()["data"]["text"], "避難所を開設しました");
    assert!(second.header("x-rate-limit-remaining") < first.header("x-rate-limit-remaining"));

    let requests = practice.requests();
    assert_eq!(requests.iter().map(|request| request.number).collect::<Vec<_>>(), [0, 1]);
    assert!(requests.iter().all(|request| request.complete && request.status == Some(201) && request.host == X));
    assert_eq!(requests[0].json().unwrap()["text"], "避難所を開設しました");
    assert_eq!(requests[0].body_sha256, sha256(requests[0].body.as_ref().unwrap()));
    assert_eq!(practice.posts().len(), 2);
    assert_eq!(practice.posts()[0].account, "77");
    assert_eq!(
        get(&practice, X, &format!("/2/tweets/{}", ids[0])).await.json()["data"]["text"],
        "避難所を開設しました"
    );
}

#[tokio::test]
async fn x_refuses_in_its_own_shapes_and_publishes_nothing() {
    let practice = started().await;
    let anonymous = request(Method::POST, X, "/2/tweets", "", "application/json", b"{\"text\":\"a\"}".to_vec());
    let unauthorized = send(&practice, anonymous).await.unwrap();
    assert_eq!(
        (unauthorized.head.status, &unauthorized.json()["title"]),
        (StatusCode::UNAUTHORIZED, &json!("Unauthorized"))
    );
    let unknown_media = post(&practice, X, "/2/tweets", json!({"text": "a", "media": {"media_ids": ["12"]}})).await;
    assert_eq!(unknown_media.head.status, StatusCode::BAD_REQUEST);
    assert_eq!(unknown_media.json()["errors"][0]["message"], "Your media IDs are invalid.");
    let unknown_member = post(&practice, X, "/2/tweets", json!({"text": "a", "colour": "red"})).await;
    assert!(unknown_member.json()["errors"][0]["message"].as_str().unwrap().starts_with("$.colour: is not defined"));
    let wrong_type = post(&practice, X, "/2/tweets", json!({"text": 7})).await;
    assert_eq!(wrong_type.json()["errors"][0]["message"], "$.text: number found, string expected");
    let empty = post(&practice, X, "/2/tweets", json!({})).await;
    assert_eq!(empty.head.status, StatusCode::BAD_REQUEST);
    assert_eq!(get(&practice, X, "/2/nowhere").await.json()["errors"][0]["code"], 34);
    assert_eq!(post(&practice, X, "/1.1/statuses/update.json", json!({})).await.json()["errors"][0]["code"], 453);
    assert!(practice.posts().is_empty());
}

#[tokio::test]
async fn x_takes_the_same_text_once_until_it_is_deleted() {
    let practice = started().await;
    let first = post(&practice, X, "/2/tweets", json!({"text": "同じ文"})).await;
    let again = post(&practice, X, "/2/tweets", json!({"text": "同じ文"})).await;
    assert_eq!(again.head.status, StatusCode::FORBIDDEN);
    assert_eq!(again.json()["detail"], "You are not allowed to create a Tweet with duplicate content.");
    let target = format!("/2/tweets/{}", first.json()["data"]["id"].as_str().unwrap());
    let deleted = send(&practice, request(Method::DELETE, X, &target, "77-tool", "", Vec::new())).await.unwrap();
    assert_eq!(deleted.json(), json!({"data": {"deleted": true}}));
    assert!(practice.posts()[0].deleted);
    assert_eq!(get(&practice, X, &target).await.json()["errors"][0]["title"], "Not Found Error");
    assert_eq!(post(&practice, X, "/2/tweets", json!({"text": "同じ文"})).await.head.status, StatusCode::CREATED);
}

#[tokio::test]
async fn x_knows_the_user_by_the_token() {
    let practice = started().await;
    assert_eq!(get(&practice, X, "/2/users/me").await.json()["data"]["id"], "77");
    let old = get(&practice, "api.twitter.com", "/1.1/account/verify_credentials.json").await;
    assert_eq!(old.json()["screen_name"], "practice_77");
    let token = request(
        Method::POST,
        X,
        "/2/oauth2/token",
        "",
        "application/x-www-form-urlencoded",
        b"grant_type=refresh_token&refresh_token=r".to_vec(),
    );
    assert_eq!(send(&practice, token).await.unwrap().json()["token_type"], "bearer");
}

#[tokio::test]
async fn x_engagement_and_direct_messages_answer_as_x_does() {
    let practice = started().await;
    let repost = post(&practice, X, "/2/users/77/retweets", json!({"tweet_id": "20"})).await;
    assert_eq!(repost.json()["data"]["retweeted"], true);
    assert_eq!(
        post(&practice, X, "/2/users/77/likes", json!({"tweet_id": "20"})).await.json(),
        json!({"data": {"liked": true}})
    );
    let follow = post(&practice, X, "/2/users/77/following", json!({"target_user_id": "20"})).await;
    assert_eq!(follow.json(), json!({"data": {"following": true, "pending_follow": false}}));
    let others = post(&practice, X, "/2/users/78/likes", json!({"tweet_id": "20"})).await;
    assert_eq!(others.head.status, StatusCode::BAD_REQUEST);
    let message = post(&practice, X, "/2/dm_conversations/with/20/messages", json!({"text": "こんにちは"})).await;
    assert_eq!(message.head.status, StatusCode::CREATED);
    assert_eq!(message.json()["data"]["dm_conversation_id"], "20-77");
    let actions = practice.posts().iter().map(|post| post.action).collect::<Vec<_>>();
    assert_eq!(actions, ["repost", "direct-message"]);
}

#[tokio::test]
async fn x_media_in_one_shot_is_hashed_and_can_be_posted() {
    let practice = started().await;
    let media = b"\x89PNG\r\n\x1a\n--x1 is not the end".repeat(9000);
    let one = upload(&practice, "/2/media/upload", &[("media_category", "tweet_image")], &media).await;
    assert_eq!(one.head.status, StatusCode::OK);
    assert_eq!(one.json()["data"]["size"], media.len());
    let id = one.json()["data"]["id"].clone();
    let posted = post(&practice, X, "/2/tweets", json!({"text": "写真", "media": {"media_ids": [id]}})).await;
    assert_eq!(posted.head.status, StatusCode::CREATED);
    assert_eq!(practice.posts()[0].media_sha256, [sha256(&media)]);
    assert_eq!(practice.requests()[0].media_sha256(), [sha256(&media)]);

    let old = upload(&practice, "/1.1/media/upload.json", &[], b"abc").await;
    assert_eq!(old.json()["media_id_string"], old.json()["media_id"].to_string());
    let encoded = json!({"media": "YWJj", "media_category": "tweet_image", "media_type": "image/png"});
    let in_json = post(&practice, X, "/2/media/upload", encoded).await;
    assert_eq!(in_json.json()["data"]["size"], 3);
    assert_eq!(practice.requests()[3].media_sha256(), [sha256(b"abc")]);
}

#[tokio::test]
async fn x_media_in_chunks_may_arrive_in_any_order_and_a_video_needs_processing() {
    let practice = started().await;
    let media = (0u8..=250).cycle().take(300_000).collect::<Vec<_>>();
    let asked = json!({"media_type": "video/mp4", "total_bytes": media.len(), "media_category": "tweet_video"});
    let begun = post(&practice, X, "/2/media/upload/initialize", asked).await;
    let id = begun.json()["data"]["id"].as_str().unwrap().to_owned();
    let append = format!("/2/media/upload/{id}/append");
    for (index, piece) in media.chunks(100_000).enumerate().collect::<Vec<_>>().into_iter().rev() {
        let seen = upload(&practice, &append, &[("segment_index", &index.to_string())], piece).await;
        assert_eq!(seen.head.status, StatusCode::OK);
    }
    let ended = post(&practice, X, &format!("/2/media/upload/{id}/finalize"), json!({})).await;
    assert_eq!(ended.json()["data"]["processing_info"]["state"], "pending");
    let early = post(&practice, X, "/2/tweets", json!({"text": "動画", "media": {"media_ids": [id]}})).await;
    assert_eq!(early.head.status, StatusCode::BAD_REQUEST);
    let status = format!("/2/media/upload?command=STATUS&media_id={id}");
    assert_eq!(get(&practice, X, &status).await.json()["data"]["processing_info"]["state"], "in_progress");
    assert_eq!(get(&practice, X, &status).await.json()["data"]["processing_info"]["state"], "succeeded");
    let posted = post(&practice, X, "/2/tweets", json!({"text": "動画", "media": {"media_ids": [id]}})).await;
    assert_eq!(posted.head.status, StatusCode::CREATED);
    assert_eq!(practice.posts()[0].media_sha256, [sha256(&media)]);
}

#[tokio::test]
async fn x_media_by_commands_works_in_v2_and_on_the_old_host() {
    let practice = started().await;
    let begun =
        post(&practice, X, "/1.1/media/upload.json?command=INIT&total_bytes=6&media_type=image/png", json!({})).await;
    assert_eq!(begun.head.status, StatusCode::ACCEPTED);
    let id = begun.json()["media_id_string"].as_str().unwrap().to_owned();
    for (index, piece) in [("0", b"abc"), ("1", b"def")] {
        let fields = [("command", "APPEND"), ("media_id", id.as_str()), ("segment_index", index)];
        assert_eq!(
            upload(&practice, "/1.1/media/upload.json", &fields, piece).await.head.status,
            StatusCode::NO_CONTENT
        );
    }
    let ended = post(&practice, X, &format!("/1.1/media/upload.json?command=FINALIZE&media_id={id}"), json!({})).await;
    assert_eq!(ended.head.status, StatusCode::CREATED);
    post(&practice, X, "/2/tweets", json!({"media": {"media_ids": [id]}})).await;
    assert_eq!(practice.posts()[0].media_sha256, [sha256(b"abcdef")]);

    let short = post(&practice, X, "/2/media/upload?command=INIT&total_bytes=6&media_type=image/png", json!({})).await;
    let id = short.json()["data"]["id"].as_str().unwrap().to_owned();
    let failed = post(&practice, X, &format!("/2/media/upload?command=FINALIZE&media_id={id}"), json!({})).await;
    assert_eq!(failed.head.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn line_sends_and_names_each_request() {
    let practice = started().await;
    let broadcast =
        post(&practice, LINE, "/v2/bot/message/broadcast", json!({"messages": [{"type": "text", "text": "お知らせ"}]}))
            .await;
    assert_eq!((broadcast.head.status, broadcast.json()), (StatusCode::OK, json!({})));
    assert!(uuid::Uuid::parse_str(broadcast.header("x-line-request-id")).is_ok());
    let push =
        post(&practice, LINE, "/v2/bot/message/push", json!({"to": "U1", "messages": [{"type": "text", "text": "a"}]}))
            .await;
    assert_eq!(push.json()["sentMessages"].as_array().unwrap().len(), 1);
    let narrow =
        post(&practice, LINE, "/v2/bot/message/narrowcast", json!({"messages": [{"type": "text", "text": "b"}]})).await;
    assert_eq!(narrow.head.status, StatusCode::ACCEPTED);
    let valid =
        post(&practice, LINE, "/v2/bot/message/validate/push", json!({"messages": [{"type": "text", "text": "c"}]}))
            .await;
    assert_eq!(valid.head.status, StatusCode::OK);
    let actions = practice.posts().iter().map(|post| post.action).collect::<Vec<_>>();
    assert_eq!(actions, ["publish", "direct-message", "publish"]);
    assert_eq!(get(&practice, LINE, "/v2/bot/message/quota/consumption").await.json(), json!({"totalUsage": 3}));
    assert_eq!(get(&practice, LINE, "/v2/bot/info").await.json()["chatMode"], "bot");
    assert_eq!(practice.posts()[0].text, "お知らせ");
}

#[tokio::test]
async fn line_names_each_fault_and_its_property() {
    let practice = started().await;
    let empty = post(
        &practice,
        LINE,
        "/v2/bot/message/push",
        json!({"messages": [{"type": "text", "text": ""}, {"type": "song"}]}),
    )
    .await;
    assert_eq!(empty.head.status, StatusCode::BAD_REQUEST);
    assert_eq!(empty.json()["message"], "The request body has 3 error(s)");
    let properties =
        empty.json()["details"].as_array().unwrap().iter().map(|detail| detail["property"].clone()).collect::<Vec<_>>();
    assert_eq!(properties, ["to", "messages[0].text", "messages[1].type"]);
    let anonymous = send(&practice, request(Method::GET, LINE, "/v2/bot/info", "", "", Vec::new())).await.unwrap();
    assert_eq!(anonymous.head.status, StatusCode::UNAUTHORIZED);
    assert!(anonymous.json()["message"].as_str().unwrap().starts_with("Authentication failed"));
    assert!(practice.posts().is_empty());
}

#[tokio::test]
async fn line_accepts_a_retry_key_once() {
    let practice = started().await;
    let body = json!({"messages": [{"type": "text", "text": "一度だけ"}]});
    let with_key = |key: &str| {
        let mut request = json_post(LINE, "/v2/bot/message/broadcast", &body);
        request.headers_mut().insert("x-line-retry-key", key.parse().unwrap());
        request
    };
    let key = "123e4567-e89b-12d3-a456-426614174000";
    let first = send(&practice, with_key(key)).await.unwrap();
    let again = send(&practice, with_key(key)).await.unwrap();
    assert_eq!(again.head.status, StatusCode::CONFLICT);
    assert_eq!(again.header("x-line-accepted-request-id"), first.header("x-line-request-id"));
    assert_eq!(again.json()["message"], "The retry key is already accepted");
    assert_eq!(send(&practice, with_key("no uuid")).await.unwrap().head.status, StatusCode::BAD_REQUEST);
    assert_eq!(practice.posts().len(), 1);
}

#[tokio::test]
async fn line_shows_a_rich_menu_only_with_its_picture() {
    let practice = started().await;
    let menu = json!({"size": {"width": 2500, "height": 843}, "selected": true, "name": "m", "chatBarText": "メニュー", "areas": []});
    let id = post(&practice, LINE, "/v2/bot/richmenu", menu).await.json()["richMenuId"].as_str().unwrap().to_owned();
    let default = format!("/v2/bot/user/all/richmenu/{id}");
    assert_eq!(post(&practice, LINE, &default, json!({})).await.head.status, StatusCode::BAD_REQUEST);
    let target = format!("/v2/bot/richmenu/{id}/content");
    let picture = || request(Method::POST, "api-data.line.me", &target, "77-tool", "image/png", b"png".to_vec());
    assert_eq!(send(&practice, picture()).await.unwrap().head.status, StatusCode::OK);
    assert_eq!(post(&practice, LINE, &default, json!({})).await.head.status, StatusCode::OK);
    assert_eq!(get(&practice, LINE, "/v2/bot/richmenu/list").await.json()["richmenus"][0]["richMenuId"], id.as_str());
    assert_eq!(practice.posts()[0].media_sha256, [sha256(b"png")]);
    let gone =
        send(&practice, request(Method::DELETE, LINE, &format!("/v2/bot/richmenu/{id}"), "77-tool", "", Vec::new()))
            .await
            .unwrap();
    assert_eq!(gone.head.status, StatusCode::OK);
    let form = "application/x-www-form-urlencoded";
    let token = request(
        Method::POST,
        LINE,
        "/v2/oauth/accessToken",
        "",
        form,
        b"grant_type=client_credentials&client_id=1&client_secret=s".to_vec(),
    );
    assert_eq!(send(&practice, token).await.unwrap().json()["token_type"], "Bearer");
}

#[tokio::test]
async fn http_2_is_spoken_when_it_is_asked_for() {
    let practice = started().await;
    let stream = tls(&practice, X, b"h2").await;
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::get("https://api.x.com/2/users/me").header("authorization", "Bearer 77-tool");
    let response = sender.send_request(request.body(Full::new(Bytes::new())).unwrap()).await.unwrap();
    assert_eq!((response.status(), response.version()), (StatusCode::OK, Version::HTTP_2));
    assert_eq!((practice.requests()[0].host.as_str(), practice.requests()[0].version.as_str()), (X, "HTTP/2.0"));
}

#[tokio::test]
async fn a_signature_covers_host_path_query_and_form() {
    let practice = started().await;
    let signed = |host: &str, status: &str| {
        let parameters = format!(
            "oauth_consumer_key=practice-consumer&oauth_nonce=n&oauth_signature_method=HMAC-SHA1&oauth_timestamp=1\
             &oauth_token=42-t&oauth_version=1.0&status={status}"
        );
        let encode =
            |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
        let reserved = encode(&format!("https://{host}/1.1/account/verify_credentials.json"))
            .replace("%2E", ".")
            .replace("%5F", "_");
        let base = format!(
            "GET&{reserved}&{}",
            encode(&parameters).replace("%2D", "-").replace("%2E", ".").replace("%5F", "_")
        );
        let key = aws_lc_rs::hmac::Key::new(
            aws_lc_rs::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            b"practice-consumer-secret&practice-token-secret",
        );
        use base64::Engine as _;
        let signature = base64::engine::general_purpose::STANDARD.encode(aws_lc_rs::hmac::sign(&key, base.as_bytes()));
        format!(
            "OAuth oauth_consumer_key=\"practice-consumer\", oauth_nonce=\"n\", oauth_signature_method=\"HMAC-SHA1\", \
             oauth_timestamp=\"1\", oauth_token=\"42-t\", oauth_version=\"1.0\", oauth_signature=\"{}\"",
            encode(&signature)
        )
    };
    let asked = |authorization: String, status: &str| {
        let target = format!("/1.1/account/verify_credentials.json?status={status}");
        Request::get(target)
            .header("host", X)
            .header("authorization", authorization)
            .body(Full::new(Bytes::new()))
            .unwrap()
    };
    let good = send(&practice, asked(signed(X, "a"), "a")).await.unwrap();
    assert_eq!((good.head.status, &good.json()["id_str"]), (StatusCode::OK, &json!("42")));
    for changed in [asked(signed(X, "a"), "b"), asked(signed("api.twitter.com", "a"), "a")] {
        let seen = send(&practice, changed).await.unwrap();
        assert_eq!((seen.head.status, &seen.json()["errors"][0]["code"]), (StatusCode::UNAUTHORIZED, &json!(32)));
    }
}

#[tokio::test]
async fn troubles_strike_when_and_where_they_were_ordered() {
    let practice = started().await;
    let asked = |text: &str| json_post(X, "/2/tweets", &json!({"text": text}));
    practice.order(Fault::next(When::AfterBody, Trouble::status(503)).on("POST", "/2/tweets"));
    assert_eq!(get(&practice, X, "/2/users/me").await.head.status, StatusCode::OK);
    assert_eq!(send(&practice, asked("一")).await.unwrap().head.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(practice.posts().is_empty());

    for trouble in [Trouble::Reset, Trouble::Close, Trouble::Garbage] {
        practice.order(Fault::next(When::AfterBody, trouble));
        assert!(send(&practice, asked("二")).await.is_err());
    }
    assert!(practice.posts().is_empty());
    practice.order(Fault::next(When::BeforeBody, Trouble::Reset));
    assert!(send(&practice, asked("二")).await.is_err());
    assert!(!practice.requests().last().unwrap().complete);

    practice.order(Fault::next(When::AfterEffect, Trouble::Close));
    assert!(send(&practice, asked("三")).await.is_err());
    assert_eq!(practice.posts().len(), 1);
    practice.order(Fault::next(When::AfterEffect, Trouble::Truncated));
    assert!(send(&practice, asked("四")).await.is_err());
    practice.order(Fault::next(When::AfterEffect, Trouble::Huge { bytes: 3_000_000 }));
    assert_eq!(send(&practice, asked("五")).await.unwrap().bytes.len(), 3_000_000);
    practice.order(Fault::next(When::AfterEffect, Trouble::slow(Duration::from_millis(1))));
    assert_eq!(send(&practice, asked("六")).await.unwrap().json()["data"]["text"], "六");
    assert_eq!(practice.posts().len(), 4);

    practice.order(Fault::next(When::AfterBody, Trouble::Hang));
    assert!(tokio::time::timeout(Duration::from_millis(200), send(&practice, asked("七"))).await.is_err());
    assert_eq!(practice.posts().len(), 4);
}

#[tokio::test]
async fn the_record_can_be_read_from_outside_and_does_not_record_that() {
    let practice = started().await;
    post(&practice, X, "/2/tweets", json!({"text": "外から"})).await;
    let seen = get(&practice, LINE, "/__practice/requests").await;
    let lines = std::str::from_utf8(&seen.bytes).unwrap().lines().collect::<Vec<_>>();
    assert_eq!(lines.len(), 1);
    let row: Value = serde_json::from_str(lines[0]).unwrap();
    assert_eq!((&row["host"], &row["complete"], &row["status"]), (&json!(X), &json!(true), &json!(201)));
    let posts: Value = serde_json::from_slice(&get(&practice, X, "/__practice/posts").await.bytes).unwrap();
    assert_eq!(posts["text"], "外から");
    let fault = json!({"when": "after-body", "trouble": {"answer": {"status": 500, "content_type": "text/plain", "body": "x"}}});
    assert_eq!(post(&practice, X, "/__practice/faults", fault).await.head.status, StatusCode::OK);
    assert_eq!(get(&practice, X, "/2/users/me").await.head.status, StatusCode::INTERNAL_SERVER_ERROR);
    post(&practice, X, "/__practice/reset", json!({})).await;
    assert_eq!((practice.request_count(), practice.posts().len()), (0, 0));
}

#[tokio::test]
async fn run_writes_where_it_listens_and_stops_when_it_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let any = "127.0.0.1:0".parse().unwrap();
    let (practice, told) = super::run(any, dir.path(), Arc::new(SystemClock)).await.unwrap();
    let about: Value = serde_json::from_slice(&std::fs::read(dir.path().join("practice.json")).unwrap()).unwrap();
    assert_eq!(about["address"], practice.address().to_string());
    assert_eq!(std::fs::read_to_string(about["ca"].as_str().unwrap()).unwrap(), practice.ca_pem());
    assert!(told.contains(&practice.address().to_string()));
    let address = practice.address();
    let taken = super::run(address, dir.path(), Arc::new(SystemClock)).await;
    assert!(matches!(taken, Err(super::Error::Port { .. })));
    practice.stop();
    let gone = async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), gone).await.unwrap();
}
