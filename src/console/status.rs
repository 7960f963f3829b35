//! Health, readiness, metrics, and what stands at the front until there are pages.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;

use super::Desk;
use super::answer::{Ended, not_found, shown, written};
use crate::domain::decision::Refusal;

/// `/`: where things are.
pub(super) async fn front() -> Response {
    let text = "sekisho 関所: 公式SNSアカウントの事前確認ゲートウェイ\n\n\
                API: /api/v1/openapi.json\n状態: /healthz /readyz /metrics\n";
    written(StatusCode::OK, "text/plain; charset=utf-8", text)
}

/// `/healthz`: the process answers.
pub(super) async fn health() -> Response {
    written(StatusCode::OK, "text/plain; charset=utf-8", "ok\n")
}

/// `/readyz`: the gateway takes posts.
pub(super) async fn ready(State(desk): State<Arc<Desk>>) -> Response {
    if *desk.ready.borrow() {
        written(StatusCode::OK, "text/plain; charset=utf-8", "ready\n")
    } else {
        written(StatusCode::SERVICE_UNAVAILABLE, "text/plain; charset=utf-8", "not ready\n")
    }
}

/// `/metrics`: Prometheus text. No label or value comes from a post.
pub(super) async fn metrics(State(desk): State<Arc<Desk>>) -> Response {
    written(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", (desk.metrics)())
}

/// `/proxy.pac`: which hosts a posting machine reaches by the gateway.
pub(super) async fn pac(State(desk): State<Arc<Desk>>) -> Response {
    written(StatusCode::OK, "application/x-ns-proxy-autoconfig", desk.pac.to_string())
}

/// Any other path.
pub(super) async fn nothing() -> Ended {
    not_found()
}

/// Any other method.
pub(super) async fn not_this_way() -> Ended {
    Refusal::refused(
        "method-not-allowed",
        "この操作方法には対応していません。",
        "This method is not served here.",
        "/api/v1/openapi.json をご確認ください。",
    )
    .status(405)
    .into()
}

/// The list under its name, as every list is answered.
pub(super) fn listed(name: &str, items: Vec<serde_json::Value>) -> Response {
    shown(&serde_json::json!({ name: items }))
}
