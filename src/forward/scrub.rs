//! What a provider echoes of a credential that the gateway put on does not reach the posting tool: error texts that quote
//! a token, paging links that carry it. Nor does another credential that it hands to whoever shows this one: a Page's token
//! in an answer about the Page would publish from anywhere, past the gate.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes, BytesMut};
use http::HeaderValue;
use http_body::Frame;
use http_body_util::BodyExt as _;
use zeroize::Zeroizing;

use super::members::Members;
use super::{Answer, AnswerBody};
use crate::domain::arrival::{Body, BodyError};

/// What stands in the place of a secret.
pub(super) const MASK: &[u8] = b"sekisho-hidden";

/// The answer without `hidden`, in its headers and in its body, also where it streams.
pub(super) fn answer(answer: Answer, hidden: Vec<Zeroizing<String>>) -> Answer {
    if hidden.is_empty() {
        return answer;
    }
    let Answer { status, mut headers, body } = answer;
    for value in headers.values_mut() {
        let mut text = BytesMut::from(value.as_bytes());
        if mask(&mut text, &hidden, 0) {
            *value = HeaderValue::from_bytes(&text).unwrap_or_else(|_| HeaderValue::from_static("sekisho-hidden"));
        }
    }
    let body = match body {
        AnswerBody::Whole(bytes) => {
            let mut text = BytesMut::from(bytes);
            mask(&mut text, &hidden, 0);
            AnswerBody::Whole(Members::default().pass(&text))
        }
        AnswerBody::Stream(body) => {
            let longest = hidden.iter().map(|secret| secret.len()).max().unwrap_or_default();
            AnswerBody::Stream(
                Masked { body, hidden, longest, waiting: BytesMut::new(), members: Members::default(), ended: false }
                    .boxed(),
            )
        }
    };
    Answer { status, headers, body }
}

/// Masks every secret in `text`; says whether there was one. One that could only begin in the last `open` bytes is left.
fn mask(text: &mut BytesMut, hidden: &[Zeroizing<String>], open: usize) -> bool {
    let mut out = BytesMut::new();
    let (mut at, mut from) = (0, 0);
    while at + open < text.len() {
        let rest = text.get(at..).unwrap_or_default();
        let longest =
            hidden.iter().filter(|secret| rest.starts_with(secret.as_bytes())).map(|secret| secret.len()).max();
        match longest {
            Some(len) => {
                out.extend_from_slice(text.get(from..at).unwrap_or_default());
                out.extend_from_slice(MASK);
                at += len;
                from = at;
            }
            None => at += 1,
        }
    }
    if from == 0 {
        return false;
    }
    out.extend_from_slice(text.get(from..).unwrap_or_default());
    *text = out;
    true
}

/// A body on its way, held back by the length of the longest secret, so that none passes in two pieces.
struct Masked {
    body: Body,
    hidden: Vec<Zeroizing<String>>,
    longest: usize,
    waiting: BytesMut,
    members: Members,
    ended: bool,
}

impl http_body::Body for Masked {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        while !this.ended {
            match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    // Trailers do not concern a client.
                    let Ok(piece) = frame.into_data() else { continue };
                    this.waiting.extend_from_slice(&piece);
                    let open = this.longest.saturating_sub(1);
                    mask(&mut this.waiting, &this.hidden, open);
                    if this.waiting.len() > open {
                        let ready = this.waiting.split_to(this.waiting.len() - open);
                        return Poll::Ready(Some(Ok(Frame::data(this.members.pass(&ready)))));
                    }
                }
                Some(Err(error)) => {
                    this.ended = true;
                    this.waiting.clear();
                    return Poll::Ready(Some(Err(error)));
                }
                None => {
                    this.ended = true;
                    mask(&mut this.waiting, &this.hidden, 0);
                }
            }
        }
        if this.waiting.has_remaining() {
            let ready = this.waiting.split();
            return Poll::Ready(Some(Ok(Frame::data(this.members.pass(&ready)))));
        }
        Poll::Ready(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, StatusCode};
    use http_body_util::StreamBody;

    fn hidden() -> Vec<Zeroizing<String>> {
        ["token-of-the-account", "token"].map(|text| Zeroizing::new(text.to_owned())).into()
    }

    fn whole(text: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert("x-echo", "Bearer token-of-the-account".parse().unwrap());
        let given = Answer { status: StatusCode::OK, headers, body: AnswerBody::Whole(Bytes::from(text.to_owned())) };
        let Answer { headers, body, .. } = answer(given, hidden());
        assert_eq!(headers.get("x-echo").unwrap(), "Bearer sekisho-hidden");
        let AnswerBody::Whole(bytes) = body else { panic!("it is whole") };
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[test]
    fn an_error_that_quotes_the_credential_reaches_the_tool_without_it() {
        assert_eq!(whole("bad: token-of-the-account!"), "bad: sekisho-hidden!");
        assert_eq!(whole("token-of-the-accounttoken"), "sekisho-hiddensekisho-hidden");
        assert_eq!(whole("避難所は3か所です"), "避難所は3か所です");
        assert_eq!(
            whole(r#"{"data":[{"accessJwt":"e.y.J-of-another","name":"広報"}]}"#),
            r#"{"data":[{"accessJwt":"sekisho-hidden","name":"広報"}]}"#
        );
    }

    #[tokio::test]
    async fn a_secret_that_streams_in_pieces_of_any_size_does_not_pass() {
        let text = "{\"next\":\"https://graph/?access_token=token-of-the-account&after=1\",\"id\":\"to\"}";
        for size in [1, 2, 7, 19, 200] {
            let pieces: Vec<Result<Frame<Bytes>, BodyError>> =
                text.as_bytes().chunks(size).map(|piece| Ok(Frame::data(Bytes::copy_from_slice(piece)))).collect();
            let body = AnswerBody::Stream(StreamBody::new(futures_util::stream::iter(pieces)).boxed());
            let given = Answer { status: StatusCode::OK, headers: HeaderMap::new(), body };
            let AnswerBody::Stream(body) = answer(given, hidden()).body else { panic!("it streams") };
            let told = body.collect().await.unwrap().to_bytes();
            let told = String::from_utf8(told.to_vec()).unwrap();
            assert_eq!(
                told,
                text.replace("token-of-the-account", "sekisho-hidden").replace("access_token", "access_sekisho-hidden"),
                "{size}"
            );
        }
    }
}
