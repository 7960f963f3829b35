//! Links in Japanese text, where nothing parts a URL from the words around it, and what hides their target.
//!
//! The scanner reads folded views: a host is a run of ASCII letters, digits, hyphens and dots (`。` between two of them
//! is a dot, as browsers read it). Every run is looked at, so a URL inside another's query or fragment is seen too.

use std::ops::Range;

use url::{Host, Url};

use crate::domain::finding::Severity;
use crate::domain::post::Role;

use super::bytes;
use super::found::{Found, same_line};
use super::normal::View;
use super::office::Office;
use super::shorteners::{Kind, Shorteners};
use super::unlisted;

/// A run of host characters in a view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The host, its dots ASCII, none at its ends.
    pub host: String,
    /// Where it stands in the view.
    pub range: Range<usize>,
    /// Whether a scheme, `//`, a path, a query or a port shows that it is a link.
    pub linked: bool,
    /// Whether it is the domain of a mail address.
    pub mail: bool,
    /// Whether `://` stands before it.
    pub scheme: bool,
}

/// Links that hide where they lead.
pub fn find(
    view: &View,
    role: Role,
    original: &str,
    (shorteners, office): (&Shorteners, &Office),
    found: &mut Vec<Found>,
) -> usize {
    let mut links = 0;
    for run in runs(&view.text) {
        if run.mail {
            continue;
        }
        links += usize::from(run.linked);
        let linked = run.linked || role == Role::Link;
        let kind = shorteners.kind(&canonical(&run.host)).or_else(|| behind_seam(view, &run, shorteners));
        let (rule, category, severity, advice) = match kind {
            Some(Kind::Shortener) if linked => ("shortener.listed", "url_shortener", Severity::Block, SHORTENED),
            // A bare domain is a mention; X makes a link of it, so somebody looks, unless it warns of fraud.
            Some(Kind::Shortener) if !warns(&view.text, &run.range) => {
                ("shortener.mentioned", "url_shortener", Severity::Review, MENTIONED)
            }
            Some(Kind::Native) if linked => ("shortener.native", "url_shortener", Severity::Review, NATIVE),
            None if is_address(&run) => ("link.address", "url_ip", Severity::Review, ADDRESS),
            None if linked && leads(view, &run, original, office) => {
                ("shortener.unlisted", "url_shortener", Severity::Review, UNLISTED)
            }
            Some(Kind::Shortener | Kind::Native) | None => continue,
        };
        found.push(Found {
            rule,
            category,
            clauses: &["nagano:4(9)", "guideline-2011:shortened-url"],
            severity,
            range: run.range,
            mask: false,
            advice,
            never: false,
        });
    }
    ipv6(&view.text, found);
    links
}

/// Whether the link leads on to an address that it does not show.
fn leads(view: &View, run: &Run, original: &str, office: &Office) -> bool {
    let rest = view.text.get(run.range.end..).unwrap_or_default();
    let (_, end) = view.original(run.range.clone());
    let written = original.get(end..).unwrap_or_default();
    unlisted::leads_on(run, rest) || unlisted::looks_short(run, rest, written, office)
}

/// What the host is listed as if the link only begins within the run, as in `ａbit.ly`, where a provider sees no letter
/// before the `b`.
fn behind_seam(view: &View, run: &Run, shorteners: &Shorteners) -> Option<Kind> {
    let first_label = run.host.find('.')?;
    // A label of a true host has at most 63 characters.
    (first_label.saturating_sub(63).max(1)..first_label)
        .filter(|at| view.is_seam(run.range.start + at))
        .find_map(|at| shorteners.kind(run.host.get(at..)?))
}

/// Links to an IPv6 address: `http://[2001:db8::1]/`.
fn ipv6(text: &str, found: &mut Vec<Found>) {
    if memchr::memchr(b'[', text.as_bytes()).is_none() {
        return;
    }
    for (at, scheme) in text.match_indices("://[") {
        let address = text.get(at + scheme.len()..).unwrap_or_default();
        if address.starts_with(|c: char| c.is_ascii_hexdigit() || c == ':') {
            found.push(Found {
                rule: "link.address",
                category: "url_ip",
                clauses: &["nagano:4(9)", "guideline-2011:shortened-url"],
                severity: Severity::Review,
                range: at..at + scheme.len(),
                mask: false,
                advice: ADDRESS,
                never: false,
            });
        }
    }
}

const SHORTENED: &str = "短縮URLです。短縮する前の元のURLに置き換えてください。";
const UNLISTED: &str = "短縮URLまたは転送用のURLとみられます。行き先を確認し、元のURLに置き換えてください。";
const MENTIONED: &str =
    "短縮URLサービスのドメイン名です。SNSでは自動的にリンクになることがあるため、必要か確認してください。";
const NATIVE: &str = "サービス自身の短縮URLです。行き先を確認し、できるだけ元のURLに置き換えてください。";
const ADDRESS: &str =
    "数字（IPアドレス）で書かれたリンクです。行き先を確認し、正式なドメイン名のURLに置き換えてください。";

/// The host as a resolver would see it: punycode back to letters, look-alikes to Latin.
fn canonical(host: &str) -> String {
    if host.split('.').any(|label| label.starts_with("xn--")) {
        return View::of(&url::quirks::domain_to_unicode(host)).fold().text;
    }
    host.to_owned()
}

/// Whether the run, after a scheme, is an IP address in any notation that a browser takes.
fn is_address(run: &Run) -> bool {
    run.scheme
        && run.host.starts_with(|c: char| c.is_ascii_digit())
        && Url::parse(&format!("http://{}/", run.host)).is_ok_and(|url| matches!(url.host(), Some(Host::Ipv4(_))))
}

fn warns(text: &str, range: &Range<usize>) -> bool {
    const CUES: [&str; 7] = ["詐欺", "偽", "不審", "ふぃっしんぐ", "なりすまし", "注意", "短縮url"];
    let line = same_line(text, range);
    CUES.iter().any(|cue| line.contains(cue))
}

/// Every run of host characters that has a dot inside, or stands after a scheme.
pub fn runs(text: &str) -> Vec<Run> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    if !bytes::any(bytes, |byte| byte.is_ascii_alphanumeric()) {
        return found;
    }
    let mut at = 0;
    // Whether the ASCII stretch that `at` stands in has shown `://`, so that `user@host` is a link's userinfo.
    let mut in_url = false;
    while let Some(byte) = bytes.get(at) {
        if !byte.is_ascii() {
            in_url = false;
            at += bytes.get(at..).and_then(|rest| rest.iter().position(u8::is_ascii)).unwrap_or(bytes.len() - at);
            continue;
        }
        in_url &= !byte.is_ascii_whitespace();
        if !byte.is_ascii_alphanumeric() {
            at += 1;
            continue;
        }
        let before = text.get(..at).unwrap_or_default();
        let scheme = before.ends_with("://") || before.ends_with(":\\\\") || before.ends_with(":/\\");
        in_url |= scheme;
        let word = bytes.iter().skip(at).take_while(|byte| byte.is_ascii_alphanumeric()).count();
        if !scheme && bytes.get(at + word) != Some(&b'-') && dot(bytes, at + word).is_none() {
            // A word: what stands behind it neither goes on with a host nor parts it from one.
            at += word;
            continue;
        }
        let (host, end) = host(bytes, at);
        let after = bytes.get(end).copied();
        let port = after == Some(b':') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
        let path = matches!(after, Some(b'/' | b'\\' | b'?' | b'#')) || port;
        if host.contains('.') || (scheme && host.starts_with(|c: char| c.is_ascii_digit())) {
            let linked = scheme || path || before.ends_with("//") || (in_url && before.ends_with('@'));
            let mail = before.ends_with('@') && !linked;
            found.push(Run { host, range: at..end, linked, mail, scheme });
        }
        at = end.max(at + 1);
    }
    found
}

/// The host that begins at `start`, and where it ends.
fn host(bytes: &[u8], start: usize) -> (String, usize) {
    let mut host = String::new();
    let (mut at, mut end) = (start, start);
    loop {
        match bytes.get(at) {
            Some(byte) if byte.is_ascii_alphanumeric() => {
                host.push(char::from(*byte).to_ascii_lowercase());
                at += 1;
                end = at;
            }
            Some(b'-') if bytes.get(at + 1).is_some_and(|next| next.is_ascii_alphanumeric() || *next == b'-') => {
                host.push('-');
                at += 1;
            }
            Some(_) => match dot(bytes, at) {
                Some(len) if bytes.get(at + len).is_some_and(u8::is_ascii_alphanumeric) => {
                    host.push('.');
                    at += len;
                }
                // A dot that ends the host is the root's; what follows tells whether it is a link.
                Some(1) if matches!(bytes.get(at + 1), Some(b'/' | b'\\' | b'?' | b'#' | b':')) => {
                    return (host, at + 1);
                }
                Some(_) | None => break,
            },
            None => break,
        }
    }
    while host.ends_with('-') {
        host.pop();
    }
    (host, end)
}

/// The length of a dot at `at`, in any of the ways people write one to a browser or past a filter.
fn dot(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = bytes.get(at..)?;
    if !matches!(rest.first(), Some(b'.' | b'[' | b'(' | b'{' | b' ' | 0xe3 | 0xef)) {
        return None;
    }
    const WRITTEN: [&[u8]; 16] = [
        b".",
        "。".as_bytes(),
        b"[.]",
        b"(.)",
        b"{.}",
        b"[dot]",
        b"(dot)",
        "｡".as_bytes(),
        b" . ",
        b" [.] ",
        b" dot ",
        b" (dot) ",
        b" [dot] ",
        "どっと".as_bytes(),
        "(どっと)".as_bytes(),
        "[どっと]".as_bytes(),
    ];
    WRITTEN.iter().find(|form| rest.starts_with(form)).map(|form| form.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(text: &str) -> Vec<(String, bool)> {
        runs(&View::of(text).fold().text).into_iter().map(|run| (run.host, run.linked)).collect()
    }

    #[test]
    fn japanese_words_around_a_link_do_not_belong_to_its_host() {
        assert_eq!(hosts("詳細はbit.ly/abcをご確認"), [("bit.ly".into(), true)]);
        assert_eq!(hosts("詳細はbit.lyではなく"), [("bit.ly".into(), false)]);
        assert_eq!(hosts("申込はhttps://www.city.nerima.tokyo.jp/まで"), [("www.city.nerima.tokyo.jp".into(), true)]);
    }

    #[test]
    fn userinfo_ports_trailing_dots_and_odd_dots_show_the_true_host() {
        let with_userinfo = hosts("https://nerima.tokyo@bit.ly");
        assert_eq!(with_userinfo.last(), Some(&("bit.ly".into(), true)));
        assert_eq!(hosts("bit.ly:443/x")[0], ("bit.ly".into(), true));
        assert_eq!(hosts("bit.ly./x")[0], ("bit.ly".into(), true));
        assert_eq!(hosts("bit。ly/x")[0], ("bit.ly".into(), true));
        assert_eq!(hosts("bit[.]ly/x")[0], ("bit.ly".into(), true));
        assert_eq!(hosts("https:\\\\bit.ly\\x")[0], ("bit.ly".into(), true));
    }

    #[test]
    fn the_domain_of_a_mail_address_is_no_link() {
        assert!(runs("koho@city.example.jp").iter().all(|run| run.mail));
    }
}
