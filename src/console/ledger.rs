//! Reading the log: by page, as a stream, and its signed checkpoint.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use bytes::Bytes;
use futures_util::StreamExt;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Desk;
use super::answer::{Ended, bad_request, look, not_found, shown, written};
use super::caller::Reading;
use crate::domain::account::OrganisationId;
use crate::domain::decision::Refusal;
use crate::stream::sse::{Form, cursor};
use crate::stream::{self, Broken, MOST};

/// How often an idle stream says that it is alive; proxies cut connections that are silent for longer.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// `?organisation=&after=&limit=`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    organisation: Option<String>,
    after: Option<String>,
    limit: Option<usize>,
}

type Asked = Result<Query<Page>, QueryRejection>;

impl From<Broken> for Ended {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Unavailable(error) => error.into(),
            Broken::Ahead { .. } => Refusal::refused(
                "cursor-ahead",
                "指定された位置は、記録の末尾より先です。",
                broken.to_string(),
                "記録が複製から戻された可能性があります。保存したチェックポイントと照合してください。",
            )
            .status(409)
            .into(),
            Broken::Gap { .. } => {
                tracing::error!(%broken, "the log has a gap");
                Refusal::refused(
                    "log-gap",
                    "記録に欠けがあります。",
                    broken.to_string(),
                    "情報システム担当課に至急ご連絡ください。",
                )
                .status(500)
                .into()
            }
        }
    }
}

fn place(
    page: Asked,
    headers: &HeaderMap,
    reader: &Reading,
    desk: &Desk,
) -> Result<(OrganisationId, u64, usize), Ended> {
    let Query(page) = page.map_err(|_| bad_request("an unknown, repeated or wrong query key"))?;
    let organisation = reader.log(page.organisation.as_deref(), desk)?;
    let from = cursor(headers, page.after.as_deref()).ok_or_else(|| bad_request("the cursor is not an index"))?;
    let limit = page.limit.unwrap_or(MOST);
    if limit == 0 || limit > MOST {
        return Err(bad_request(&format!("limit is 1 to {MOST}")));
    }
    Ok((organisation, from, limit))
}

/// `GET ledger/entries`: one page, NDJSON, with the checkpoint in force as its last line.
pub(super) async fn entries(
    State(desk): State<Arc<Desk>>,
    reader: Reading,
    page: Asked,
    headers: HeaderMap,
) -> Result<Response, Ended> {
    let (organisation, from, limit) = place(page, &headers, &reader, &desk)?;
    let batch = stream::pull(Arc::clone(&desk.log), organisation, from, limit).await?;
    Ok(written(StatusCode::OK, Form::Lines.content_type(), Form::Lines.write(&batch)))
}

/// `?organisation=&mark=&from=`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Marked {
    organisation: Option<String>,
    mark: String,
    #[serde(default)]
    from: u64,
}

/// `GET ledger/marked`: the permissions that carry a mark, such as 自己決裁, for the audit; `next` says where to go on.
pub(super) async fn marked(
    State(desk): State<Arc<Desk>>,
    reader: Reading,
    asked: Result<Query<Marked>, QueryRejection>,
) -> Result<Response, Ended> {
    let Query(asked) = asked.map_err(|_| bad_request("an unknown, repeated or wrong query key"))?;
    let organisation = reader.log(asked.organisation.as_deref(), &desk)?;
    let (found, next) = look(move || desk.wrong_posts.marked(&organisation, &asked.mark, asked.from)).await?;
    let entries: Vec<Value> = found.iter().filter_map(|leaf| serde_json::from_str(leaf).ok()).collect();
    Ok(shown(&json!({ "entries": entries, "next": next })))
}

/// `GET ledger/checkpoint`: the signed note.
pub(super) async fn checkpoint(
    State(desk): State<Arc<Desk>>,
    reader: Reading,
    page: Asked,
    headers: HeaderMap,
) -> Result<Response, Ended> {
    let (organisation, _, _) = place(page, &headers, &reader, &desk)?;
    let note = look(move || match desk.log.head(&organisation)? {
        0 => Ok(None),
        _ => desk.log.checkpoint(&organisation).map(Some),
    });
    let note = note.await?.ok_or_else(not_found)?;
    Ok(written(StatusCode::OK, "text/plain; charset=utf-8", note))
}

/// `GET ledger/stream`: what is there, then what comes, until the reader leaves or the gateway stops.
pub(super) async fn stream(
    State(desk): State<Arc<Desk>>,
    reader: Reading,
    page: Asked,
    headers: HeaderMap,
) -> Result<Response, Ended> {
    let (organisation, from, _) = place(page, &headers, &reader, &desk)?;
    let form = Form::asked(&headers);
    // A cursor that cannot be served is answered with a status, before the stream begins.
    stream::pull(Arc::clone(&desk.log), organisation.clone(), from, 1).await?;
    let batches = Box::pin(stream::follow(Arc::clone(&desk.log), organisation, from));
    let stop = desk.stop.clone();
    // The first piece goes out at once, so that the reader knows that the stream is open.
    let pieces = futures_util::stream::unfold(Some((batches, stop, true)), move |state| async move {
        let (mut batches, stop, first) = state?;
        if first {
            return Some((Ok::<Bytes, Infallible>(form.heartbeat()), Some((batches, stop, false))));
        }
        let next = tokio::select! {
            () = stop.cancelled() => return None,
            next = tokio::time::timeout(HEARTBEAT, batches.next()) => next,
        };
        match next {
            Err(_) => Some((Ok(form.heartbeat()), Some((batches, stop, false)))),
            Ok(Some(Ok(batch))) => Some((Ok(form.write(&batch)), Some((batches, stop, false)))),
            Ok(Some(Err(broken))) => {
                tracing::warn!(%broken, "a log stream ended");
                None
            }
            Ok(None) => None,
        }
    });
    Ok(written(StatusCode::OK, form.content_type(), Body::from_stream(pieces)))
}
