//! X's ways of saying no: problem documents in v2, `errors` with a code in v1.1.

use http::StatusCode;
use serde_json::{Value, json};

use crate::practice::exchange::Answer;

/// v1.1: `{"errors":[{"code","message"}]}`.
pub(super) fn old(status: StatusCode, code: u32, message: &str) -> Answer {
    Answer::json(status, &json!({"errors": [{"message": message, "code": code}]}))
}

/// v2: 401.
pub(super) fn unauthorized() -> Answer {
    plain(StatusCode::UNAUTHORIZED, "Unauthorized", "Unauthorized")
}

/// v2: a problem without a list of errors.
pub(super) fn plain(status: StatusCode, title: &str, detail: &str) -> Answer {
    Answer::json(status, &json!({"detail": detail, "type": "about:blank", "title": title, "status": status.as_u16()}))
}

/// v2: 400 for one parameter and its value.
pub(super) fn invalid(parameters: &Value, message: &str) -> Answer {
    let body = json!({
        "errors": [{"parameters": parameters, "message": message}],
        "title": "Invalid Request",
        "detail": "One or more parameters to your request was invalid.",
        "type": "https://api.twitter.com/2/problems/invalid-request",
    });
    Answer::json(StatusCode::BAD_REQUEST, &body)
}

/// v2: one entry of `errors` for something that is not there; X answers 200 with it.
pub(super) fn missing(kind: &str, parameter: &str, id: &str) -> Value {
    json!({
        "value": id, "detail": format!("Could not find {kind} with {parameter}: [{id}]."), "title": "Not Found Error",
        "resource_type": kind, "parameter": parameter, "resource_id": id,
        "type": "https://api.twitter.com/2/problems/resource-not-found",
    })
}
