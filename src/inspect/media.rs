//! What pictures and films say besides what they show: where and by whom they were taken, and links in QR codes.
//!
//! Bytes are read where they lie, and never changed here: a copy without metadata is made by [`strip`], for the client to
//! send. What cannot be read, or only at too great a cost, is a finding for a person, never nothing.

use std::io::{Read, Seek, SeekFrom};

use jiff::civil::Date;

use super::normal::View;
use super::{RuleSet, inspect_on, links};
use crate::config::inspect::Media as Limits;
use crate::domain::clause::Clause;
use crate::domain::finding::{Accept, Finding, Severity};
use crate::domain::post::{Field, Post, Role};
use crate::domain::tree::Tree;
use words::Words;

mod bmff;
mod canary;
mod gif;
mod heif;
mod jpeg;
mod pixels;
mod png;
pub mod source;
pub mod strip;
mod tiff;
mod webp;
mod words;
mod xmp;

/// The rule of the note that says where a QR code leads.
pub const QR_LINK_RULE: &str = "media.qr-link";

/// Characters of a QR code that are kept; the longest code holds 4,296 letters.
const LONGEST_CODE: usize = 500;

/// What a medium can be read from.
pub trait Stream: Read + Seek {}
impl<T: Read + Seek> Stream for T {}

/// The kinds of media whose metadata are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// JPEG (ITU-T T.81) with JFIF or Exif.
    Jpeg,
    /// PNG (third edition).
    Png,
    /// WebP (RFC 9649).
    Webp,
    /// GIF 87a or 89a.
    Gif,
    /// ISO base media (ISO/IEC 14496-12): HEIC, AVIF, MP4, QuickTime.
    Bmff,
}

impl Kind {
    /// The kind that the first bytes tell; none: not one that is understood.
    pub fn of(head: &[u8]) -> Option<Self> {
        let boxed = |kind: &[u8]| head.get(4..8) == Some(kind);
        let bmff: [&[u8]; 6] = [b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"];
        match head {
            _ if head.starts_with(&[0xff, 0xd8, 0xff]) => Some(Self::Jpeg),
            _ if head.starts_with(b"\x89PNG\r\n\x1a\n") => Some(Self::Png),
            _ if head.starts_with(b"GIF87a") || head.starts_with(b"GIF89a") => Some(Self::Gif),
            _ if head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP") => Some(Self::Webp),
            _ if bmff.into_iter().any(boxed) => Some(Self::Bmff),
            _ => None,
        }
    }
}

/// Whether the first bytes are those of a medium that somebody could show, of a kind that is not understood here: TIFF,
/// Matroska, AVI, BMP, Photoshop, PDF, Ogg, FLV, MPEG, JPEG XL.
fn is_medium(head: &[u8]) -> bool {
    let begins: [&[u8]; 14] = [
        b"II*\0",
        b"MM\0*",
        b"\x1a\x45\xdf\xa3",
        b"RIFF",
        b"BM",
        b"8BPS",
        b"%PDF",
        b"OggS",
        b"FLV",
        b"\0\0\x01\xba",
        b"\0\0\x01\xb3",
        b"\xff\x0a",
        b"\0\0\0\x0cJXL ",
        b"\0\0\0\x0cjP",
    ];
    begins.into_iter().any(|begin| head.starts_with(begin))
}

/// What the metadata of a medium tell.
#[derive(Debug, Default)]
struct Told {
    /// Whether they name the place where it was taken.
    place: bool,
    /// Names of its owner or maker.
    owners: Vec<String>,
    /// Titles, descriptions and comments.
    texts: Vec<String>,
    /// What of them cannot be read.
    unread: Option<&'static str>,
    /// How the picture is to be turned (Exif), where that is not upright.
    turned: Option<u16>,
}

impl Told {
    fn owner(&mut self, name: &str) {
        let name = name.trim_matches(|c: char| c.is_whitespace() || c == '\0');
        if !name.is_empty() && self.owners.len() < 16 {
            self.owners.push(name.to_owned());
        }
    }

    fn text(&mut self, text: &str) {
        let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
        if !text.is_empty() && self.texts.len() < 64 {
            self.texts.push(text.chars().take(20_000).collect());
        }
    }

    fn unread(&mut self, what: &'static str) {
        self.unread.get_or_insert(what);
    }
}

/// What is found in a medium, as of a day in Japan. `at` is the place that findings name: `media:123`.
pub fn look(rules: &RuleSet, at: &str, stream: &mut dyn Stream, limits: &Limits, today: Option<Date>) -> Vec<Finding> {
    look_in(&Looking { rules, at, today }, stream, limits).unwrap_or_else(|error| {
        tracing::warn!(%error, "a medium cannot be read for inspection");
        vec![told(at, UNREAD, "読み取り中の誤り")]
    })
}

/// By what a medium is looked at, and where it stands.
#[derive(Clone, Copy)]
struct Looking<'l> {
    rules: &'l RuleSet,
    at: &'l str,
    today: Option<Date>,
}

fn look_in(looking: &Looking<'_>, stream: &mut dyn Stream, limits: &Limits) -> std::io::Result<Vec<Finding>> {
    let at = looking.at;
    let len = stream.seek(SeekFrom::End(0))?;
    stream.rewind()?;
    let mut head = Vec::with_capacity(16);
    Read::take(&mut *stream, 16).read_to_end(&mut head)?;
    stream.rewind()?;
    let mut findings = Vec::new();
    let Some(kind) = Kind::of(&head) else {
        return Ok(match words::read(stream, len)? {
            Some(words) => of_words(looking, &words, &head),
            None => vec![told(at, unknown(&head), "形式")],
        });
    };
    if kind == Kind::Bmff {
        tell(looking, &bmff::read(stream)?, &mut findings);
        return Ok(findings);
    }
    if len > limits.picture_bytes {
        return Ok(vec![told(at, TOO_LARGE, "容量")]);
    }
    let mut picture = Vec::with_capacity(usize::try_from(len).unwrap_or_default());
    Read::take(&mut *stream, limits.picture_bytes).read_to_end(&mut picture)?;
    tell(looking, &metadata(kind, &picture), &mut findings);
    match pixels::codes(kind, &picture, limits.pixels) {
        Ok(codes) => codes.iter().for_each(|code| read_code(looking, code, &mut findings)),
        Err(pixels::Unseen::TooLarge) => findings.push(told(at, TOO_LARGE, "画素数")),
        Err(pixels::Unseen::Broken) => findings.push(told(at, UNREAD, "画像の内容")),
    }
    Ok(findings)
}

fn of_words(looking: &Looking<'_>, words: &Words, head: &[u8]) -> Vec<Finding> {
    let mut findings = match &words.text {
        Some(text) => of_text(looking, "words", Role::Alt, text.trim_start_matches('\u{feff}')),
        None => vec![told(looking.at, TOO_LARGE, "文章の長さ")],
    };
    let rule = if words.captions { WORDS } else { unknown(head) };
    findings.push(told(looking.at, rule, "文章"));
    findings
}

/// What is said of bytes of a kind that is not understood.
fn unknown(head: &[u8]) -> MediaRule {
    if is_medium(head) { UNREAD } else { UNKNOWN }
}

fn metadata(kind: Kind, picture: &[u8]) -> Told {
    match kind {
        Kind::Jpeg => jpeg::read(picture),
        Kind::Png => png::read(picture),
        Kind::Webp => webp::read(picture),
        Kind::Gif => gif::read(picture),
        Kind::Bmff => Told::default(),
    }
}

/// A rule about media.
struct MediaRule {
    id: &'static str,
    category: &'static str,
    clauses: &'static [&'static str],
    severity: Severity,
    advice: &'static str,
}

const PLACE: MediaRule = MediaRule {
    id: "media.location",
    category: "media_location",
    clauses: &["nagano:7(2)ア", "nagano:7(1)ク", "nerima:10-2"],
    severity: Severity::Block,
    advice: "写真・動画に撮影場所（位置情報）が記録されています。位置情報を取り除いた複製（sekisho media strip）を送信してください。",
};
const OWNER: MediaRule = MediaRule {
    id: "media.owner",
    category: "media_owner",
    clauses: &["nagano:7(1)エ", "nagano:7(2)イ", "nerima:10-2"],
    severity: Severity::Block,
    advice: "写真・動画に撮影者や所有者の名前が記録されています。名前を取り除いた複製（sekisho media strip）を送信してください。",
};
const UNREAD: MediaRule = MediaRule {
    id: "media.unread",
    category: "media_unread",
    clauses: &["sekisho:inspection"],
    severity: Severity::Review,
    advice: "写真・動画の付加情報を読み取れませんでした。位置情報や個人の名前が含まれていないか、人の目で確認してください。",
};
/// What captions say is published, and an approver who sees a hash has not read it.
const WORDS: MediaRule = MediaRule {
    id: "media.words",
    category: "media_unread",
    clauses: &["sekisho:inspection"],
    severity: Severity::Review,
    advice: "字幕などの文章のファイルです。公開される内容を人の目で確認してください。",
};
/// Bytes that no reader takes for a medium tell nobody anything; the provider refuses them.
const UNKNOWN: MediaRule = MediaRule {
    id: "media.unknown",
    category: "media_unknown",
    clauses: &["sekisho:inspection"],
    severity: Severity::Note,
    advice: "写真・動画の形式として知られていないデータです。",
};
/// Where a QR code leads is no fault by itself; the approver is told.
const QR_LINK: MediaRule = MediaRule {
    id: QR_LINK_RULE,
    category: "media_qr",
    clauses: &["nagano:4(9)", "guideline-2011:shortened-url"],
    severity: Severity::Note,
    advice: "画像のQRコードがリンクを含んでいます。行き先を確認してください。",
};
const TOO_LARGE: MediaRule = MediaRule {
    id: "limit.too-complex",
    category: "too_complex",
    clauses: &["sekisho:inspection"],
    severity: Severity::Review,
    advice: "画像が大きすぎるため、関所はQRコードなどを確認できませんでした。人の目で確認してください。",
};

fn told(at: &str, rule: MediaRule, excerpt: &str) -> Finding {
    Finding {
        rule: rule.id.to_owned(),
        category: rule.category.to_owned(),
        clauses: rule.clauses.iter().copied().map(Clause::new).collect(),
        severity: rule.severity,
        field: at.to_owned(),
        span: (0, 0),
        excerpt: excerpt.to_owned(),
        advice: rule.advice.to_owned(),
        never: false,
        accept: Accept::Approver,
        accepted: false,
    }
}

/// The finding that a medium was not looked at, for what was bound before anybody could.
pub fn unseen(at: &str) -> Finding {
    told(at, UNREAD, "未検査")
}

/// The finding that looking at a medium would have taken too long.
pub fn too_complex(at: &str) -> Finding {
    told(at, TOO_LARGE, "時間")
}

fn tell(looking: &Looking<'_>, seen: &Told, findings: &mut Vec<Finding>) {
    let Looking { rules, at, .. } = *looking;
    if seen.place {
        findings.push(told(at, PLACE, "位置情報"));
    }
    if seen.owners.iter().any(|name| !rules.office.has_name(name)) {
        findings.push(told(at, OWNER, "●●●"));
    }
    if let Some(what) = seen.unread {
        findings.push(told(at, UNREAD, what));
    }
    for text in &seen.texts {
        findings.extend(of_text(looking, "metadata", Role::Message, text));
    }
}

/// What a QR code says is read like a link, or like any other text. Where it leads is kept with the medium, for the
/// approver of the post that shows it.
fn read_code(looking: &Looking<'_>, code: &str, findings: &mut Vec<Finding>) {
    let role = if code.contains(char::is_whitespace) { Role::Message } else { Role::Link };
    let seen = of_text(looking, "qr", role, code);
    let leads =
        links::runs(&View::of(code).fold().text).iter().any(|run| !run.mail && (run.linked || role == Role::Link));
    if leads && !seen.iter().any(|finding| super::is_masked(&finding.category)) {
        let shown: String = code.chars().take(LONGEST_CODE).collect();
        findings.push(told(&format!("{}#qr", looking.at), QR_LINK, &shown));
    }
    findings.extend(seen);
}

fn of_text(looking: &Looking<'_>, part: &str, role: Role, text: &str) -> Vec<Finding> {
    let Looking { rules, at, today } = *looking;
    let field = Field { role, at: format!("{at}#{part}"), value: Tree::Text(text.to_owned()) };
    inspect_on(rules, &Post { fields: vec![field], ..Post::default() }, today).findings
}

/// Whether each rule about media finds its own canary: the ids of those that do not.
pub(super) fn self_test(rules: &RuleSet) -> Vec<String> {
    let finds = |rule: &str, bytes: &[u8]| {
        let mut stream = std::io::Cursor::new(bytes);
        look(rules, "canary", &mut stream, &Limits::default(), None).iter().any(|finding| finding.rule == rule)
    };
    canary::all().iter().filter(|(rule, bytes)| !finds(rule, bytes)).map(|(rule, _)| (*rule).to_owned()).collect()
}

/// Big-endian number at a place of a picture.
fn be16(bytes: &[u8], at: usize) -> Option<usize> {
    Some(usize::from(u16::from_be_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?)))
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

#[cfg(test)]
mod tests;
