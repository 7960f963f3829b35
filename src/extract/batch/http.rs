//! Google's `/batch`: `multipart/mixed` (RFC 2046) whose parts are requests (`application/http`, RFC 9112 section 10.2).
//!
//! Python's e-mail library ends lines with LF, others with CRLF; whichever ends the first line ends all. What leaves has
//! CRLF, a boundary of our own, and of each request the method, the target and the JSON that were judged.

use bytes::Bytes;
use http::{HeaderMap, Method, header};

use crate::domain::decision::Refusal;
use crate::domain::outbound::OutBody;
use crate::domain::tree::Tree;
use crate::extract::body::Parsed;
use crate::extract::{ANSWER_DEPTH, json};
use crate::recognise::definition::{Batch, BodyKind};
use crate::recognise::matcher::{Table, encode_pairs};
use crate::recognise::{self, Recognised};

use super::answers::Told;
use super::{Item, credential_inside, numbered, of_request, shape};

/// Headers of one request, and of one part.
const HEADERS: usize = 32;
/// Nesting of an item's JSON.
const DEPTH: usize = 32;

/// One part: its id, if it has one, and the message in it.
struct Part<'b> {
    id: Option<&'b str>,
    message: &'b [u8],
}

/// Reads each request of the body, and writes the body anew.
pub(super) fn unroll(
    whole: &Recognised,
    headers: &HeaderMap,
    parsed: &mut Parsed,
    batch: &Batch,
    table: &Table,
) -> Result<Vec<Item>, Refusal> {
    let (Some(boundary), OutBody::Bytes(bytes)) =
        (parsed.content_type.take(), std::mem::replace(&mut parsed.body, OutBody::Empty))
    else {
        return Err(shape());
    };
    let parts = parts(&bytes, &boundary).filter(|parts| (1..=batch.most).contains(&parts.len())).ok_or_else(shape)?;
    // Unguessable, so that no text in a request can imitate it.
    let ours = format!("sekisho-{}", uuid::Uuid::new_v4().simple());
    let mut items = Vec::with_capacity(parts.len());
    let mut body = String::new();
    for (number, part) in parts.iter().enumerate() {
        let read = read(whole, headers, table, part.message).map_err(|refusal| numbered(refusal, number, parts.len()));
        let (item, message) = read?;
        items.push(item);
        let id = part.id.map(|id| format!("Content-ID: {id}\r\n")).unwrap_or_default();
        body.push_str(&format!("--{ours}\r\nContent-Type: application/http\r\n{id}\r\n{message}\r\n"));
    }
    body.push_str(&format!("--{ours}--\r\n"));
    parsed.body = OutBody::Bytes(Bytes::from(body));
    parsed.content_type = Some(format!("multipart/mixed; boundary={ours}"));
    Ok(items)
}

/// The parts of a body; none where two readers could find others.
fn parts<'b>(bytes: &'b [u8], boundary: &str) -> Option<Vec<Part<'b>>> {
    let rest = bytes.strip_prefix(b"--")?.strip_prefix(boundary.as_bytes())?;
    let line_end: &[u8] = if rest.starts_with(b"\r\n") { b"\r\n" } else { b"\n" };
    let delimiter = [line_end, b"--", boundary.as_bytes()].concat();
    let mut rest = rest;
    let mut parts = Vec::new();
    loop {
        rest = rest.strip_prefix(line_end)?;
        // A part may begin with its blank line, but a batch's has headers.
        let end = memchr::memmem::find(rest, &delimiter)?;
        parts.push(part(rest.get(..end)?)?);
        rest = rest.get(end + delimiter.len()..)?;
        if let Some(after) = rest.strip_prefix(b"--") {
            return (after.is_empty() || after == line_end).then_some(parts);
        }
    }
}

fn part(bytes: &[u8]) -> Option<Part<'_>> {
    let mut room = [httparse::EMPTY_HEADER; HEADERS];
    let httparse::Status::Complete((len, headers)) = httparse::parse_headers(bytes, &mut room).ok()? else {
        return None;
    };
    let (mut id, mut kind) = (None, None);
    for header in headers {
        let value = std::str::from_utf8(header.value).ok()?;
        let given = match header.name.to_ascii_lowercase().as_str() {
            "content-type" => kind.replace(value).is_some(),
            "content-id" => id.replace(value).is_some(),
            "mime-version" => value != "1.0",
            "content-transfer-encoding" => !["binary", "8bit", "7bit"].contains(&value),
            // Of the message itself, which says it again.
            "content-length" => false,
            _ => true,
        };
        if given {
            return None;
        }
    }
    let plain = |id: &str| {
        let inner = id.strip_prefix('<').and_then(|id| id.strip_suffix('>')).unwrap_or(id);
        !inner.is_empty()
            && inner.len() <= 200
            && inner.bytes().all(|b| (b' '..=b'~').contains(&b) && !b"<>\"".contains(&b))
    };
    if !kind.is_some_and(|kind| kind.eq_ignore_ascii_case("application/http")) || id.is_some_and(|id| !plain(id)) {
        return None;
    }
    Some(Part { id, message: bytes.get(len..)? })
}

/// One request, and how it leaves.
fn read(whole: &Recognised, outer: &HeaderMap, table: &Table, message: &[u8]) -> Result<(Item, String), Refusal> {
    let mut room = [httparse::EMPTY_HEADER; HEADERS];
    let mut request = httparse::Request::new(&mut room);
    let Ok(httparse::Status::Complete(len)) = request.parse(message) else { return Err(shape()) };
    let (Some(method), Some(target), Some(1)) = (request.method, request.path, request.version) else {
        return Err(shape());
    };
    let method = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE]
        .into_iter()
        .find(|known| known.as_str() == method)
        .ok_or_else(shape)?;
    let body = message.get(len..).unwrap_or_default();
    check_headers(whole, outer, request.headers, body)?;
    let recognised = recognise::held(whole, table, &method, target)?;
    let parsed = body_of(&recognised, body)?;
    let anew = rebuilt(&recognised, &parsed);
    Ok((of_request(recognised, &parsed)?, anew))
}

/// Every header of a request is known, and says nothing that the outer request does not.
fn check_headers(
    whole: &Recognised,
    outer: &HeaderMap,
    headers: &[httparse::Header<'_>],
    body: &[u8],
) -> Result<(), Refusal> {
    let mut seen: Vec<String> = Vec::new();
    for given in headers {
        let name = given.name.to_ascii_lowercase();
        let value = std::str::from_utf8(given.value).map_err(|_| shape())?.trim();
        let fits = match name.as_str() {
            "authorization" => {
                if outer.get(header::AUTHORIZATION).map(|value| value.as_bytes()) != Some(given.value) {
                    return Err(credential_inside());
                }
                true
            }
            "host" => value.eq_ignore_ascii_case(&whole.host),
            "content-type" => {
                let mut pieces = value.split(';').map(str::trim);
                let json = pieces.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
                json && pieces.all(|rest| rest.eq_ignore_ascii_case("charset=utf-8"))
            }
            // What ends the last line may stand behind the body.
            "content-length" => value.parse() == Ok(body.trim_ascii_end().len()) || value.parse() == Ok(body.len()),
            "mime-version" | "accept" | "accept-encoding" | "user-agent" | "x-goog-api-client" => true,
            "content-transfer-encoding" => ["binary", "8bit", "7bit"].contains(&value),
            _ => false,
        };
        if !fits || seen.contains(&name) {
            return Err(shape());
        }
        seen.push(name);
    }
    Ok(())
}

fn body_of(recognised: &Recognised, body: &[u8]) -> Result<Parsed, Refusal> {
    let body = body.trim_ascii();
    let kind = if body.is_empty() { BodyKind::None } else { BodyKind::Json };
    if !recognised.route.takes(kind) {
        return Err(shape());
    }
    let mut parsed = Parsed { kind, ..Parsed::nothing() };
    if kind == BodyKind::Json {
        parsed.json = Some(json::parse(body, DEPTH).map_err(crate::extract::body::bad_json)?);
    }
    parsed.nest(recognised)?;
    Ok(parsed)
}

/// The request as it leaves.
fn rebuilt(recognised: &Recognised, parsed: &Parsed) -> String {
    let mut target = recognised.path.clone();
    if !recognised.query.is_empty() {
        target.push('?');
        target.push_str(&encode_pairs(recognised.query.iter().map(|(key, value)| (key.as_str(), value.as_str()))));
    }
    let mut message = format!("{} {target} HTTP/1.1\r\n", recognised.method);
    let mut body = String::new();
    if let Some(tree) = &parsed.json {
        tree.write_json(&mut body);
        message.push_str(&format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len()));
    }
    message.push_str("\r\n");
    message.push_str(&body);
    message
}

/// What became of each request, by the answer's parts.
pub(super) fn answers(bytes: &[u8]) -> Option<Vec<Told>> {
    // The boundary is what the first line says; the answer's head is not looked at here.
    let first = bytes.split(|b| *b == b'\n').next()?.trim_ascii_end();
    let boundary = std::str::from_utf8(first.strip_prefix(b"--")?).ok()?;
    Some(parts(bytes, boundary)?.iter().map(|part| answer(part.message)).collect())
}

fn answer(message: &[u8]) -> Told {
    let mut room = [httparse::EMPTY_HEADER; HEADERS * 2];
    let mut response = httparse::Response::new(&mut room);
    let Ok(httparse::Status::Complete(len)) = response.parse(message) else { return None };
    let body: Option<Tree> = json::parse(message.get(len..)?.trim_ascii(), ANSWER_DEPTH).ok();
    Some((response.code?, body))
}
