//! The body as it arrives: hashed piece by piece, with the media inside it hashed apart.

use std::fs::File;
use std::io::Write as _;

use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;

use super::json_media::JsonMedia;
use super::multipart::Multipart;
use super::record::PartRecord;

/// Bodies up to this many bytes are kept in the record.
const KEPT_BYTES: usize = 1024 * 1024;
/// The same for media uploads, of which there may be many at a time.
const KEPT_UPLOAD_BYTES: usize = 64 * 1024;
/// Parts up to this many bytes can be read as a value.
const VALUE_BYTES: usize = 64 * 1024;

/// Base64 as providers accept it, with or without padding.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Whether a field of this name carries media.
pub(super) fn is_media(name: &str) -> bool {
    matches!(name, "media" | "media_data" | "file" | "avatar" | "header" | "video_file_chunk")
}

/// A body on its way in.
pub(super) struct Intake {
    hash: Context,
    bytes: u64,
    kept: Option<Vec<u8>>,
    limit: usize,
    inside: Inside,
}

enum Inside {
    Plain,
    Multipart(Multipart),
    Json(Box<JsonMedia>),
}

/// A body that has arrived.
#[derive(Default)]
pub(super) struct Body {
    pub(super) sha256: String,
    pub(super) bytes: u64,
    pub(super) complete: bool,
    pub(super) kept: Option<Bytes>,
    pub(super) parts: Vec<Part>,
    /// The JSON of an upload without its media.
    pub(super) skeleton: Option<Vec<u8>>,
    /// Whether it is not what its content type says.
    pub(super) broken: bool,
}

/// One part of a body.
pub(super) struct Part {
    pub(super) record: PartRecord,
    /// The bytes as text, when they are short.
    pub(super) value: Option<String>,
    /// The bytes of a media part, on disk.
    pub(super) file: Option<File>,
}

impl Intake {
    /// For a body with this content type; `upload` says that the route takes media.
    pub(super) fn new(content_type: &str, upload: bool) -> Self {
        let inside = match boundary(content_type) {
            Some(boundary) => Inside::Multipart(Multipart::new(&boundary)),
            None if upload && content_type.starts_with("application/json") => Inside::Json(Box::default()),
            None => Inside::Plain,
        };
        let limit = if upload { KEPT_UPLOAD_BYTES } else { KEPT_BYTES };
        Self { hash: Context::new(&SHA256), bytes: 0, kept: Some(Vec::new()), limit, inside }
    }

    /// Takes the next piece.
    pub(super) fn feed(&mut self, piece: &[u8]) {
        self.hash.update(piece);
        self.bytes += piece.len() as u64;
        self.kept = self.kept.take().filter(|kept| kept.len() + piece.len() <= self.limit).map(|mut kept| {
            kept.extend_from_slice(piece);
            kept
        });
        match &mut self.inside {
            Inside::Plain => {}
            Inside::Multipart(multipart) => multipart.feed(piece),
            Inside::Json(json) => json.feed(piece),
        }
    }

    /// The body, `complete` or cut off.
    pub(super) fn finish(self, complete: bool) -> Body {
        let mut body = Body {
            sha256: hex::encode(self.hash.finish()),
            bytes: self.bytes,
            complete,
            kept: self.kept.map(Bytes::from),
            ..Body::default()
        };
        match self.inside {
            Inside::Plain => {}
            Inside::Multipart(multipart) => match multipart.finish() {
                Some(parts) => body.parts = parts,
                None => body.broken = true,
            },
            Inside::Json(json) => {
                let (skeleton, parts) = json.finish();
                body.skeleton = Some(skeleton);
                body.parts = parts;
            }
        }
        body
    }
}

/// Where the bytes of one part go.
pub(super) struct Sink {
    record: PartRecord,
    hash: Context,
    small: Option<Vec<u8>>,
    file: Option<File>,
    /// Base64 characters that wait for their group of four; none when the part is not base64.
    pending: Option<Vec<u8>>,
}

impl Sink {
    /// A part with this name; `base64` says that its bytes are base64.
    pub(super) fn new(name: &str, base64: bool) -> Self {
        let record =
            PartRecord { name: name.to_owned(), filename: None, content_type: None, bytes: 0, sha256: String::new() };
        // Without room for a spool file the upload fails at its end, as an upload without bytes.
        let file = is_media(name).then(tempfile::tempfile).and_then(Result::ok);
        Self { record, hash: Context::new(&SHA256), small: Some(Vec::new()), file, pending: base64.then(Vec::new) }
    }

    /// A part with this head; none when it has no name.
    pub(super) fn for_head(head: &str) -> Option<Self> {
        let field = |name: &str| {
            head.lines().find_map(|line| {
                let (key, value) = line.split_once(':')?;
                key.trim().eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
            })
        };
        let disposition = field("content-disposition")?;
        let name = parameter(&disposition, "name")?;
        let mut sink = Self::new(&name, name == "media_data");
        sink.record.filename = parameter(&disposition, "filename");
        sink.record.content_type = field("content-type");
        Some(sink)
    }

    /// Takes the next bytes of the part.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        match self.pending.take() {
            None => self.take(bytes),
            Some(mut pending) => {
                pending.extend(bytes.iter().filter(|byte| !byte.is_ascii_whitespace()));
                let whole = pending.len() - pending.len() % 4;
                let ready = pending.drain(..whole).collect::<Vec<_>>();
                self.pending = Some(pending);
                if let Ok(decoded) = LENIENT.decode(ready) {
                    self.take(&decoded);
                }
            }
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.record.bytes += bytes.len() as u64;
        self.small = self.small.take().filter(|small| small.len() + bytes.len() <= VALUE_BYTES).map(|mut small| {
            small.extend_from_slice(bytes);
            small
        });
        if self.file.as_mut().is_some_and(|file| file.write_all(bytes).is_err()) {
            self.file = None;
        }
    }

    /// The part, ended.
    pub(super) fn finish(mut self) -> Part {
        if let Some(Ok(decoded)) = self.pending.take().map(|rest| LENIENT.decode(rest)) {
            self.take(&decoded);
        }
        self.record.sha256 = hex::encode(self.hash.finish());
        Part { record: self.record, value: self.small.and_then(|small| String::from_utf8(small).ok()), file: self.file }
    }
}

fn boundary(content_type: &str) -> Option<String> {
    content_type.to_ascii_lowercase().starts_with("multipart/form-data").then(|| parameter(content_type, "boundary"))?
}

/// The parameter of that name in a header value such as `form-data; name="media"`.
fn parameter(value: &str, name: &str) -> Option<String> {
    value.split(';').skip(1).find_map(|piece| {
        let (key, value) = piece.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"').to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sha256(bytes: &[u8]) -> String {
        hex::encode(aws_lc_rs::digest::digest(&SHA256, bytes))
    }

    /// Feeds `body` in pieces of `size` bytes.
    fn read(content_type: &str, body: &[u8], size: usize) -> Body {
        let mut intake = Intake::new(content_type, true);
        body.chunks(size).for_each(|piece| intake.feed(piece));
        intake.finish(true)
    }

    #[test]
    fn a_multipart_body_is_the_same_in_whatever_pieces_it_arrives() {
        let media = b"\x89PNG\r\n--not the boundary\r\n--B\0".repeat(40);
        let mut body = b"--BB\r\nContent-Disposition: form-data; name=\"segment_index\"\r\n\r\n7\r\n--BB\r\n\
            content-disposition: form-data; name=\"media\"; filename=\"blob\"\r\nContent-Type: image/png\r\n\r\n"
            .to_vec();
        body.extend_from_slice(&media);
        body.extend_from_slice(b"\r\n--BB--\r\n");
        for size in [1, 2, 3, 7, 64, 4096] {
            let read = read("multipart/form-data; boundary=BB", &body, size);
            assert!(!read.broken);
            assert_eq!(read.sha256, sha256(&body));
            assert_eq!(read.parts.len(), 2);
            assert_eq!(read.parts[0].value.as_deref(), Some("7"));
            assert_eq!(read.parts[1].record.sha256, sha256(&media));
            assert_eq!(read.parts[1].record.bytes, media.len() as u64);
            assert_eq!(read.parts[1].record.filename.as_deref(), Some("blob"));
            assert!(read.parts[1].file.is_some());
        }
    }

    #[test]
    fn a_multipart_body_without_its_end_is_broken() {
        let body = b"--B\r\ncontent-disposition: form-data; name=\"media\"\r\n\r\nabc\r\n--B";
        assert!(read("multipart/form-data; boundary=\"B\"", body, 5).broken);
    }

    #[test]
    fn the_media_of_a_json_upload_is_decoded_and_hashed_and_the_rest_stays_json() {
        let media = (0u8..=255).cycle().take(10_000).collect::<Vec<_>>();
        let encoded = base64::engine::general_purpose::STANDARD.encode(&media).replace('/', "\\/");
        let body = format!(
            r#"{{"media_category":"tweet_image","media":"{encoded}","nested":{{"media":"x\"y"}},"media_type":"image/png"}}"#
        );
        for size in [1, 5, 1000, 100_000] {
            let read = read("application/json", body.as_bytes(), size);
            assert_eq!(read.parts.len(), 1);
            assert_eq!(read.parts[0].record.sha256, sha256(&media));
            let rest: serde_json::Value = serde_json::from_slice(read.skeleton.as_deref().unwrap()).unwrap();
            assert_eq!(rest["media"], "");
            assert_eq!(rest["nested"]["media"], "x\"y");
            assert_eq!(rest["media_type"], "image/png");
        }
    }
}
