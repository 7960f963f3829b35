//! Reading a body: of which kind it is, how long it may be, and what its bytes say.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, header};
use http_body::Body as _;
use http_body_util::BodyExt;

use crate::config::extract::Extract;
use crate::domain::action::Action;
use crate::domain::arrival::Body;
use crate::domain::decision::Refusal;
use crate::domain::media::Sha256;
use crate::domain::outbound::OutBody;
use crate::domain::tree::Tree;
use crate::recognise::Recognised;
use crate::recognise::definition::{BodyKind, Encoding, Place, Step};

use super::multipart::{Bare, MediaNames, Multipart};
use super::related::{self, Related};
use super::spool::{Hasher, Sink};
use super::{brackets, form, json};

/// A body that was read, and written anew.
#[derive(Debug)]
pub(super) struct Parsed {
    /// The JSON value.
    pub(super) json: Option<Tree>,
    /// Form fields and parts that are no media, in the order received.
    pub(super) form: Vec<(String, String)>,
    /// The medium whose bytes lie in the body as they are.
    pub(super) medium: Option<Medium>,
    /// The medium as text, where the route reads it as words.
    pub(super) words: Option<String>,
    /// How the body was written.
    pub(super) kind: BodyKind,
    /// The rebuilt body.
    pub(super) body: OutBody,
    /// Its content type.
    pub(super) content_type: Option<String>,
    /// The rebuilt body without the credential, where parts carry one.
    pub(super) bare: Option<Bare>,
}

impl Parsed {
    /// No body.
    pub(super) fn nothing() -> Self {
        Self {
            json: None,
            form: Vec::new(),
            medium: None,
            words: None,
            kind: BodyKind::None,
            body: OutBody::Empty,
            content_type: None,
            bare: None,
        }
    }

    /// Reads a form's and a query's bracket keys into the tree that a JSON body would be, where the definition says so.
    ///
    /// # Errors
    /// Refusals `form-key`, `field-twice`, `credential-place`.
    pub(super) fn nest(&mut self, recognised: &Recognised) -> Result<(), Refusal> {
        if !recognised.provider.brackets || !matters(recognised.route.action) {
            return Ok(());
        }
        let query = brackets::tree(&recognised.query)?;
        let mut form = brackets::tree(&self.form)?;
        for (name, value) in query {
            let twice = matches!(&self.json, Some(Tree::Map(map)) if map.contains_key(&name));
            if twice || form.insert(name.clone(), value).is_some() {
                return Err(super::fields::twice(&name));
            }
        }
        if !form.is_empty() {
            match &mut self.json {
                Some(Tree::Map(map)) => map.extend(form),
                Some(_) => return Err(brackets::bad_key()),
                None => self.json = Some(Tree::Map(form)),
            }
        }
        let refused = |name: &&String| self.json.as_ref().is_some_and(|tree| tree.get(name).is_some());
        match recognised.provider.never.iter().find(refused) {
            Some(name) => Err(super::credential::misplaced(name)),
            None => Ok(()),
        }
    }
}

/// A medium in a body.
#[derive(Clone, Debug)]
pub struct Medium {
    /// Where it begins in the rebuilt body; none: it is written in base64 there.
    pub offset: Option<u64>,
    /// Its own bytes, where the body has them in base64.
    pub decoded: Bytes,
    /// Its length in bytes.
    pub len: u64,
    /// Its hash.
    pub sha256: Sha256,
}

impl Medium {
    /// A medium whose bytes lie in the body as they are.
    pub(super) fn at(offset: u64, len: u64, sha256: Sha256) -> Self {
        Self { offset: Some(offset), decoded: Bytes::new(), len, sha256 }
    }
}

/// Reads the whole body.
pub(super) async fn read(
    recognised: &Recognised,
    headers: &HeaderMap,
    body: Body,
    limits: &Extract,
) -> Result<Parsed, Refusal> {
    if headers.contains_key(header::CONTENT_ENCODING) {
        return Err(refusal(
            415,
            "content-encoding",
            "圧縮された送信内容は、関所が中身を確かめられないため通せません。",
            "A compressed body is not accepted.",
        ));
    }
    let nothing = Parsed::nothing();
    let route = &recognised.route;
    if route.takes(BodyKind::None) && (body.is_end_stream() || body.size_hint().exact() == Some(0)) {
        return Ok(nothing);
    }
    let ranges = route.steps.iter().any(|rule| matches!(rule.step, Step::Range { .. }));
    if ranges && !headers.contains_key(header::CONTENT_TYPE) {
        // Bytes of a session: its beginning said of what type they are.
        let pieces = Pieces::new(body, limits.media_bytes, Duration::from_millis(limits.body_ms))?;
        return Ok(Parsed { kind: BodyKind::Raw, ..read_raw(None, pieces, limits, nothing).await? });
    }
    if route.takes(BodyKind::None) && (route.body.len() == 1 || !headers.contains_key(header::CONTENT_TYPE)) {
        // A body without a length may still turn out to be empty (HTTP/2, chunks).
        let mut pieces = Pieces::new(body, limits.text_bytes, Duration::from_millis(limits.body_ms))?;
        // Some tools send an empty object where there is nothing to say; it stays here.
        let bytes = pieces.collect().await?;
        return if bytes.is_empty() || *bytes == *b"{}" { Ok(nothing) } else { Err(unexpected_body()) };
    }
    let media_type = MediaType::of(headers)?;
    let kind = media_type.kind(recognised)?;
    let limit = route.limits.iter().find(|(of, _)| *of == kind).map(|(_, limit)| *limit).unwrap_or(match kind {
        BodyKind::Multipart | BodyKind::Raw | BodyKind::Related => limits.media_bytes,
        BodyKind::None | BodyKind::Json | BodyKind::Form | BodyKind::HttpBatch => limits.text_bytes,
    });
    let mut pieces = Pieces::new(body, limit, Duration::from_millis(limits.body_ms))?;
    match kind {
        BodyKind::Json => {
            let bytes = pieces.collect().await?;
            if bytes.is_empty() && route.takes(BodyKind::None) {
                return Ok(nothing);
            }
            let tree = json::parse(&bytes, limits.depth).map_err(bad_json)?;
            let len = bytes.len();
            drop(bytes);
            let mut out = String::with_capacity(len);
            tree.write_json(&mut out);
            let content_type = Some("application/json".to_owned());
            let body = OutBody::Bytes(Bytes::from(out));
            Ok(Parsed { json: Some(tree), body, content_type, kind, ..nothing })
        }
        BodyKind::Form => {
            let pairs = form::parse(&pieces.collect().await?, recognised.provider.brackets)?;
            let body = OutBody::Bytes(Bytes::from(form::write(&pairs)));
            let content_type = Some("application/x-www-form-urlencoded".to_owned());
            Ok(Parsed { form: pairs, body, content_type, kind, ..nothing })
        }
        BodyKind::Multipart => read_multipart(recognised, &media_type, pieces, limits, nothing).await,
        BodyKind::Related => read_related(recognised, &media_type, pieces, limits, nothing).await,
        BodyKind::Raw => read_raw(Some(media_type.name), pieces, limits, nothing).await,
        BodyKind::HttpBatch => {
            // What is unrolled writes body and type anew; only a route of such batches takes this kind.
            let content_type = media_type.boundary().map(str::to_owned);
            let body = OutBody::Bytes(pieces.collect().await?);
            Ok(Parsed { body, content_type, kind, ..nothing })
        }
        BodyKind::None => Err(bad_type()),
    }
}

async fn read_multipart(
    recognised: &Recognised,
    media_type: &MediaType,
    mut pieces: Pieces,
    limits: &Extract,
    nothing: Parsed,
) -> Result<Parsed, Refusal> {
    let boundary = media_type.boundary().ok_or_else(bad_type)?;
    let mut names = MediaNames { brackets: recognised.provider.brackets, ..MediaNames::default() };
    names.last = super::credential::form_names(recognised).map(str::to_owned).collect();
    for field in recognised.route.media_fields() {
        if let Place::Form(name) | Place::Param(name) = &field.at {
            let list = if field.encoding == Encoding::Base64 { &mut names.base64 } else { &mut names.plain };
            list.push(name.clone());
        }
    }
    let mut reader = Multipart::new(boundary, names, Sink::new(&limits.spool_dir, limits.memory_bytes));
    while let Some(piece) = pieces.next().await? {
        reader.feed(&piece).await?;
    }
    let (parts, sink, content_type) = reader.finish().await?;
    let medium = parts.media.map(|part| Medium::at(part.offset, part.len, part.sha256));
    let (body, bare) = (sink.finish().await?, parts.bare);
    let content_type = Some(content_type);
    Ok(Parsed { form: parts.texts, bare, medium, body, content_type, kind: BodyKind::Multipart, ..nothing })
}

async fn read_related(
    recognised: &Recognised,
    media_type: &MediaType,
    mut pieces: Pieces,
    limits: &Extract,
    nothing: Parsed,
) -> Result<Parsed, Refusal> {
    let boundary = media_type.boundary().ok_or_else(bad_type)?;
    let words = recognised.route.fields.iter().any(|field| {
        field.at == Place::Raw && matches!(field.role, crate::recognise::definition::FieldRole::Public(_))
    });
    let held = related::Limits { text: limits.text_bytes, depth: limits.depth, words };
    let mut reader = Related::new(boundary, held, Sink::new(&limits.spool_dir, limits.memory_bytes));
    while let Some(piece) = pieces.next().await? {
        reader.feed(&piece).await?;
    }
    let (parts, sink, content_type) = reader.finish().await?;
    Ok(Parsed {
        json: Some(parts.json),
        medium: Some(parts.medium),
        words: parts.words,
        kind: BodyKind::Related,
        body: sink.finish().await?,
        content_type: Some(content_type),
        ..nothing
    })
}

async fn read_raw(
    content_type: Option<String>,
    mut pieces: Pieces,
    limits: &Extract,
    nothing: Parsed,
) -> Result<Parsed, Refusal> {
    let mut sink = Sink::new(&limits.spool_dir, limits.memory_bytes);
    let mut hash = Hasher::default();
    while let Some(piece) = pieces.next().await? {
        hash.update(&piece);
        sink.write(&piece).await?;
    }
    let medium = Some(Medium::at(0, sink.written(), hash.finish()));
    Ok(Parsed { medium, body: sink.finish().await?, content_type, kind: BodyKind::Raw, ..nothing })
}

/// A `Content-Type`.
struct MediaType {
    /// Type and subtype, lower case.
    name: String,
    /// Parameters: names in lower case, values unquoted.
    parameters: Vec<(String, String)>,
}

impl MediaType {
    /// The one content type of a request.
    fn of(headers: &HeaderMap) -> Result<Self, Refusal> {
        let mut values = headers.get_all(header::CONTENT_TYPE).iter();
        let (Some(value), None) = (values.next(), values.next()) else { return Err(bad_type()) };
        let mut pieces = value.to_str().map_err(|_| bad_type())?.split(';');
        let name = pieces.next().unwrap_or_default().trim_matches(' ').to_ascii_lowercase();
        let mut parameters: Vec<(String, String)> = Vec::new();
        for piece in pieces {
            let (key, value) = piece.trim_matches(' ').split_once('=').ok_or_else(bad_type)?;
            let value = match value.strip_prefix('"') {
                Some(quoted) => quoted.strip_suffix('"').ok_or_else(bad_type)?,
                None => value,
            };
            let key = key.to_ascii_lowercase();
            if value.is_empty() || value.contains(['"', '\\', ' ', ',']) || parameters.iter().any(|(k, _)| *k == key) {
                return Err(bad_type());
            }
            parameters.push((key, value.to_owned()));
        }
        Ok(Self { name, parameters })
    }

    /// The kind of body that the route takes under this type.
    fn kind(&self, recognised: &Recognised) -> Result<BodyKind, Refusal> {
        let route = &recognised.route;
        let kind = match self.name.as_str() {
            "application/json" if route.takes(BodyKind::Json) => BodyKind::Json,
            "application/x-www-form-urlencoded" if route.takes(BodyKind::Form) => BodyKind::Form,
            "multipart/form-data" if route.takes(BodyKind::Multipart) => BodyKind::Multipart,
            "multipart/related" if route.takes(BodyKind::Related) => BodyKind::Related,
            "multipart/mixed" if route.takes(BodyKind::HttpBatch) => BodyKind::HttpBatch,
            name if route.takes(BodyKind::Raw)
                && (route.raw_types.is_empty() || route.raw_types.iter().any(|allowed| allowed == name)) =>
            {
                BodyKind::Raw
            }
            _ => return Err(bad_type()),
        };
        let allowed = &recognised.provider.parameters;
        let fits = match kind {
            BodyKind::Json | BodyKind::Form => self
                .parameters
                .iter()
                .all(|(key, value)| allowed.iter().any(|(name, only)| name == key && only.eq_ignore_ascii_case(value))),
            BodyKind::Multipart | BodyKind::Related | BodyKind::HttpBatch => self.boundary().is_some(),
            BodyKind::Raw | BodyKind::None => self.parameters.is_empty(),
        };
        if fits { Ok(kind) } else { Err(bad_type()) }
    }

    /// The boundary, if it is the only parameter and well formed (RFC 2046 section 5.1.1, without spaces).
    fn boundary(&self) -> Option<&str> {
        let [(key, boundary)] = self.parameters.as_slice() else { return None };
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"'()+_,-./:=?".contains(&b);
        (key == "boundary" && boundary.len() <= 70 && boundary.bytes().all(plain)).then_some(boundary.as_str())
    }
}

/// The pieces of a body, with their limits in length and time.
struct Pieces {
    body: Body,
    left: u64,
    wait: Duration,
}

impl Pieces {
    fn new(body: Body, limit: u64, wait: Duration) -> Result<Self, Refusal> {
        if body.size_hint().lower() > limit { Err(too_large()) } else { Ok(Self { body, left: limit, wait }) }
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Refusal> {
        loop {
            let frame = tokio::time::timeout(self.wait, self.body.frame()).await.map_err(|_| {
                refusal(
                    408,
                    "body-slow",
                    "送信内容が時間内に届かなかったため、受け付けませんでした。",
                    "The body did not arrive in time.",
                )
            })?;
            let Some(frame) = frame else { return Ok(None) };
            let frame = frame.map_err(|_| {
                refusal(
                    400,
                    "body-incomplete",
                    "送信内容が途中で切れたため、受け付けませんでした。",
                    "The body ended before it was complete.",
                )
            })?;
            // Trailers are dropped: nothing in them is forwarded.
            if let Ok(data) = frame.into_data() {
                self.left = self.left.checked_sub(data.len() as u64).ok_or_else(too_large)?;
                return Ok(Some(data));
            }
        }
    }

    /// The whole body, as it came where it came in one piece.
    async fn collect(&mut self) -> Result<Bytes, Refusal> {
        let first = self.next().await?.unwrap_or_default();
        let Some(second) = self.next().await? else { return Ok(first) };
        let mut bytes = [first, second].concat();
        while let Some(piece) = self.next().await? {
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes.into())
    }
}

fn refusal(status: u16, code: &'static str, ja: &str, en: &str) -> Refusal {
    Refusal::refused(code, ja, en, "投稿ツールの設定を確認してください。").status(status)
}

fn bad_type() -> Refusal {
    refusal(
        415,
        "content-type",
        "送信内容の種類（Content-Type）が、この操作で受け付けるものではありません。",
        "The content type is missing, repeated or not one that this route takes.",
    )
}

fn unexpected_body() -> Refusal {
    refusal(400, "body-unexpected", "この操作には送信内容（本文）を付けられません。", "This route takes no body.")
}

pub(super) fn too_large() -> Refusal {
    refusal(413, "body-too-large", "送信内容が大きすぎるため、通せません。", "The body is too large.")
}

pub(super) fn bad_json(bad: json::BadJson) -> Refusal {
    refusal(
        400,
        bad.code(),
        "送信内容（JSON）に、読み手によって解釈が変わる書き方があるため、通せません。",
        "The JSON body is not well formed, or two readers could take it differently.",
    )
}

/// Whether the body of this action reaches the public or changes something, so that unknown fields matter.
pub(super) fn matters(action: Action) -> bool {
    !matches!(action, Action::Read | Action::SignIn)
}
