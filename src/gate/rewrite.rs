//! Answers at a reverse door: where the provider names an address of its own at which a tool goes on (a resumable session,
//! the next page, the server that holds the account), the gateway's own takes its place. Without that the tool would leave
//! the gate at its second step. At a forward door every address already leads through the gate, and nothing is touched.
//!
//! The members of an answer that hold such addresses are named by the provider's definition (`addresses`); the headers
//! `Location` and `Link` are the same everywhere. Only addresses of hosts that the definition knows are touched, and only
//! their bytes: the rest of the answer stays as the provider wrote it.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::stream;
use http::{HeaderMap, HeaderValue, header};
use http_body::{Body as _, Frame};
use http_body_util::{BodyExt as _, StreamBody};
use serde_json::value::RawValue;

use crate::domain::account::Account;
use crate::domain::arrival::{Arrival, Body, BodyError, Door};
use crate::domain::media::UploadStep;
use crate::extract::Extracted;
use crate::forward::{Answer, AnswerBody};
use crate::recognise::Recognised;
use crate::recognise::definition::Definition;

/// The longest answer that is looked into, in bytes; a longer one passes as it is.
const LONGEST: usize = 4 * 1024 * 1024;
/// The deepest value that is looked into.
const DEEPEST: usize = 32;

/// By which address a tool called the gateway at a reverse door.
pub(super) struct Called {
    base: String,
    /// Whether the provider's host stands in the path.
    by_path: bool,
}

/// By which address the gateway was called; none at a forward door.
pub(super) fn called(arrival: &Arrival) -> Option<Called> {
    arrival.base.clone().map(|base| Called { base, by_path: arrival.door == Door::Path })
}

/// The answer with the gateway's own addresses in the place of the provider's, for a tool that called the gateway itself.
/// The address of an upload session that is not the provider's would lead past the gate and is left out.
pub(super) async fn rewritten(
    answer: Answer,
    request: Option<&(Recognised, Extracted, Arc<Account>)>,
    called: Option<Called>,
) -> Answer {
    let (Some(called), Some((recognised, extracted, _))) = (called, request) else { return answer };
    let way = Way { called: &called, provider: &recognised.provider };
    let Answer { status, mut headers, body } = answer;
    way.headers(&mut headers, matches!(extracted.upload, Some(UploadStep::Open { .. })));
    let looked_into = !recognised.provider.addresses.is_empty() && is_json(&headers);
    let body = if looked_into { way.body(body).await } else { body };
    Answer { status, headers, body }
}

/// Whether the body is JSON as it is; Graph calls it JavaScript for some callers.
fn is_json(headers: &HeaderMap) -> bool {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    matches!(media_type.as_str(), "application/json" | "text/javascript")
        && !headers.contains_key(header::CONTENT_ENCODING)
}

/// The way back through the gate.
struct Way<'a> {
    called: &'a Called,
    provider: &'a Definition,
}

impl Way<'_> {
    /// The gateway's address for one of the provider's; none where the host is not the provider's. At a provider's own
    /// origin another host of it stands in the path, except where the address has no path: that is an origin to go on
    /// from, whose path a tool would drop, and the origin's own address stands for it.
    fn back(&self, address: &str) -> Option<String> {
        let rest = address.strip_prefix("https://")?;
        let (host, target) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if !self.provider.hosts.iter().any(|known| known.accepts(host)) {
            return None;
        }
        let Called { base, by_path } = self.called;
        let own = !by_path && (self.provider.default_host.as_deref() == Some(host) || matches!(target, "" | "/"));
        Some(if own { format!("{base}{target}") } else { format!("{base}/{host}{target}") })
    }

    fn headers(&self, headers: &mut HeaderMap, session: bool) {
        let address = headers.get(header::LOCATION).and_then(|value| value.to_str().ok());
        let ours = address.and_then(|address| self.back(address)).and_then(|ours| HeaderValue::from_str(&ours).ok());
        if let Some(ours) = ours {
            headers.insert(header::LOCATION, ours);
        } else if session {
            headers.remove(header::LOCATION);
        }
        for value in headers.get_all(header::LINK).iter().cloned().collect::<Vec<_>>() {
            let links = value.to_str().ok().map(|text| self.links(text));
            let Some(ours) = links.and_then(|links| HeaderValue::from_str(&links).ok()) else { continue };
            if let header::Entry::Occupied(mut entry) = headers.entry(header::LINK) {
                entry.iter_mut().filter(|known| **known == value).for_each(|known| *known = ours.clone());
            }
        }
    }

    /// The targets of a `Link` header (RFC 8288 section 3) stand between angle brackets.
    fn links(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('<') {
            let Some((target, after)) = after.split_once('>') else { break };
            out.push_str(before);
            out.push('<');
            out.push_str(self.back(target).as_deref().unwrap_or(target));
            out.push('>');
            rest = after;
        }
        out.push_str(rest);
        out
    }

    async fn body(&self, body: AnswerBody) -> AnswerBody {
        match body {
            AnswerBody::Whole(bytes) if bytes.len() <= LONGEST => AnswerBody::Whole(self.json(bytes)),
            AnswerBody::Whole(bytes) => AnswerBody::Whole(bytes),
            AnswerBody::Stream(body) => self.stream(body).await,
        }
    }

    /// A read is on its way. What turns out too long goes on from where it was left, and so does one that breaks off.
    async fn stream(&self, mut body: Body) -> AnswerBody {
        let mut begun = BytesMut::new();
        loop {
            let expected = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
            if begun.len().saturating_add(expected) > LONGEST {
                return after(begun.freeze(), None, body);
            }
            match body.frame().await {
                None => return AnswerBody::Whole(self.json(begun.freeze())),
                Some(Ok(frame)) => {
                    if let Ok(piece) = frame.into_data() {
                        begun.extend_from_slice(&piece);
                    }
                }
                Some(Err(error)) => return after(begun.freeze(), Some(error), body),
            }
        }
    }

    /// The text with its addresses replaced; as it is where it is no JSON, or there are none.
    fn json(&self, bytes: Bytes) -> Bytes {
        let Ok(text) = std::str::from_utf8(&bytes) else { return bytes };
        let mut found = Vec::new();
        if let Ok(value) = serde_json::from_str::<&RawValue>(text) {
            self.search(value, text, &mut Vec::new(), &mut found);
        }
        if found.is_empty() {
            return bytes;
        }
        found.sort_by_key(|(at, _)| at.start);
        let (mut out, mut from) = (String::with_capacity(text.len()), 0);
        for (at, ours) in found {
            out.push_str(text.get(from..at.start).unwrap_or_default());
            out.push_str(&ours);
            from = at.end;
        }
        out.push_str(text.get(from..).unwrap_or_default());
        Bytes::from(out)
    }

    /// Where in `text` an address stands that the definition names, and what takes its place, as JSON.
    fn search<'v>(
        &self,
        value: &'v RawValue,
        text: &str,
        path: &mut Vec<String>,
        found: &mut Vec<(Range<usize>, String)>,
    ) {
        let raw = value.get();
        match raw.as_bytes().first() {
            Some(b'{') if path.len() < DEEPEST => {
                for (name, member) in serde_json::from_str::<BTreeMap<String, &'v RawValue>>(raw).unwrap_or_default() {
                    path.push(name);
                    self.search(member, text, path, found);
                    path.pop();
                }
            }
            Some(b'[') if path.len() < DEEPEST => {
                for member in serde_json::from_str::<Vec<&'v RawValue>>(raw).unwrap_or_default() {
                    path.push(String::new());
                    self.search(member, text, path, found);
                    path.pop();
                }
            }
            Some(b'"') if self.provider.addresses.iter().any(|at| at.matches(path)) => {
                let address = serde_json::from_str::<String>(raw).ok();
                let ours = address.and_then(|address| self.back(&address));
                // `raw` is a piece of `text`.
                let start = raw.as_ptr().addr().saturating_sub(text.as_ptr().addr());
                found.extend(ours.map(|ours| (start..start + raw.len(), serde_json::Value::from(ours).to_string())));
            }
            _ => {}
        }
    }
}

/// What was read of a body, how its reading ended, and the rest of it.
fn after(begun: Bytes, broken: Option<BodyError>, rest: Body) -> AnswerBody {
    let first = stream::iter(std::iter::once(Ok(Frame::data(begun))).chain(broken.map(Err)));
    let rest = stream::unfold(rest, async |mut rest| rest.frame().await.map(|frame| (frame, rest)));
    AnswerBody::Stream(StreamBody::new(futures_util::StreamExt::chain(first, rest)).boxed())
}

#[cfg(test)]
mod tests;
