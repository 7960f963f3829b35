//! What a client is told when it's turned away at the door: RFC 9457 problem+json with a Japanese sentence and a way
//! forward, the code in the reason phrase too, since some SDKs show nothing else.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use hyper::ext::ReasonPhrase;
use serde_json::json;

use super::head::Violation;
use crate::domain::arrival::{Body, full};
use crate::domain::decision::Refusal;

/// Where no clause says it: nothing passes because nobody looked.
const PROMISE: &str = "sekisho:promise-3";
const CALL: &str = "ゲートウェイの呼び方は、https://ゲートウェイ/{SNSのホスト名}/{パス} または HTTPSプロキシ設定です。";

/// The refusal of a broken rule of HTTP.
pub(super) fn of_violation(violation: Violation) -> Refusal {
    let code = violation.code;
    let (sentence, english) = match violation.status {
        408 => ("要求が時間内に届きませんでした。", format!("The request did not arrive in time ({code}).")),
        431 => ("要求の見出し部が大きすぎます。", format!("The request head is too large ({code}).")),
        _ => (
            "HTTPの書き方に誤りがあるため、要求をお受けできません。",
            format!("The request breaks a rule of HTTP framing and was not read any further ({code})."),
        ),
    };
    let way = "投稿ツールの設定を確かめ、直らないときはこの符号を添えて担当者にお知らせください。";
    Refusal::refused(code, sentence, english, way).status(violation.status).citing(PROMISE)
}

/// The refusal of a CONNECT or an absolute URL to a host that no provider definition names.
pub(super) fn unknown_host() -> Refusal {
    Refusal::refused(
        "unknown-host",
        "この宛先は、登録されたSNSのホストではないため、おつなぎできません。",
        "This host belongs to no provider that the gateway knows.",
        "宛先を確かめてください。必要な宛先であれば、広報の担当者にお知らせください。",
    )
    .citing(PROMISE)
}

/// The refusal of a CONNECT to a provider host that the internal CA can't vouch for.
pub(super) fn no_certificate() -> Refusal {
    Refusal::refused(
        "no-certificate",
        "この宛先の証明書を発行できないため、おつなぎできません。",
        "The internal CA cannot issue a certificate for this host.",
        "ゲートウェイの管理者に、中間証明書の更新をお求めください。",
    )
    .citing(PROMISE)
}

/// The refusal of a path that leads to no provider.
pub(super) fn unknown_path() -> Refusal {
    Refusal::refused(
        "unknown-path",
        "このパスに当たるSNSがありません。",
        "This path leads to no provider. Call the gateway as /{provider host}/{path}, /{provider}/{path}, \
         /emergency/{provider or host}/{path}, or as an HTTPS proxy.",
        CALL,
    )
    .status(404)
    .citing(PROMISE)
}

/// The refusal of a path that could be read in two ways.
pub(super) fn path_not_allowed() -> Refusal {
    Refusal::refused(
        "path-not-allowed",
        "パスに、二通りに読める書き方が含まれているため、お受けできません。",
        "The path has a form that could be read in two ways (empty or dot segments, hidden separators).",
        "SNSの仕様書にあるとおりのパスでお送りください。",
    )
    .status(400)
    .citing(PROMISE)
}

/// The refusal of a request whose CONNECT host, SNI, Host and route differ.
pub(super) fn authority_mismatch() -> Refusal {
    Refusal::refused(
        "authority-mismatch",
        "接続先とHostヘッダーの宛先が一致しないため、お受けできません。",
        "CONNECT host, TLS server name, Host and URL must name the same provider host.",
        "投稿ツールの宛先の設定を確かめてください。",
    )
    .status(421)
    .citing(PROMISE)
}

/// The answer at the door. `close` ends an HTTP/1 connection with it.
pub(super) fn answer(refusal: &Refusal, close: bool) -> Response<Body> {
    let mut response = Response::new(full(problem(refusal)));
    *response.status_mut() = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::FORBIDDEN);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert("sekisho-decision", HeaderValue::from_static("refused"));
    if close {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    if let Ok(reason) = ReasonPhrase::try_from(reason(refusal).into_bytes()) {
        response.extensions_mut().insert(reason);
    }
    response
}

/// The same as raw HTTP/1.1 bytes, for a connection that hyper never sees.
pub(super) fn raw(refusal: &Refusal) -> Bytes {
    let body = problem(refusal);
    let head = format!(
        "HTTP/1.1 {} {}\r\ncontent-type: application/problem+json\r\nsekisho-decision: refused\r\ncontent-length: \
         {}\r\nconnection: close\r\n\r\n",
        refusal.status,
        reason(refusal),
        body.len()
    );
    Bytes::from([head.into_bytes(), body].concat())
}

fn reason(refusal: &Refusal) -> String {
    format!("sekisho: {}", refusal.code)
}

fn problem(refusal: &Refusal) -> Vec<u8> {
    json!({
        "type": format!("urn:sekisho:refusal:{}", refusal.code),
        "title": refusal.sentence,
        "status": refusal.status,
        "detail": refusal.message(),
        "detail_en": refusal.sentence_en,
        "code": refusal.code,
        "clauses": refusal.clauses,
        "findings": refusal.findings,
    })
    .to_string()
    .into_bytes()
}
