//! Links that look like a shortener's though no list has their host, and services that only pass on to another address.

use super::links::Run;
use super::office::Office;

/// Short hosts that are no shorteners: their one path segment is a name or a page.
const KNOWN: [&str; 34] = [
    "x.com", "nhk.jp", "jma.jp", "line.me", "note.mu", "note.com", "nta.jp", "jaf.jp", "jr.jp", "ana.jp", "mhlw.jp",
    "e-gov.jp", "un.org", "who.int", "ja.org", "fb.com", "me.com", "bbc.com", "cnn.com", "ibm.com", "kddi.jp",
    "jal.jp", "jra.jp", "jfa.jp", "uq.jp", "npa.jp", "kt.com", "abc.net", "w3.org", "art.jp", "edu.jp", "aed.jp",
    "dot.jp", "t.me",
];

/// Pages that only lead on, by what stands at the beginning of the host and path.
const LEAD_ON: [&str; 34] = [
    "google.com/url?",
    "google.co.jp/url?",
    "google.com/amp/s/",
    "l.facebook.com/l.php",
    "lm.facebook.com/l.php",
    "l.instagram.com/",
    "l.messenger.com/l.php",
    "l.threads.com/",
    "youtube.com/redirect",
    "t.umblr.com/redirect",
    "vk.com/away.php",
    "out.reddit.com/",
    "href.li/",
    "slack-redir.net/link",
    "steamcommunity.com/linkfilter",
    "link.zhihu.com/",
    "jump.5ch.net/",
    "jump.2ch.net/",
    "bing.com/ck/a",
    "duckduckgo.com/l/",
    "r.search.yahoo.com/",
    "rd.yahoo.co.jp/",
    "linkedin.com/redir/",
    "anonym.to/",
    "anonymz.com/",
    "nullrefer.com/",
    "dereferer.me/",
    "px.a8.net/",
    "ck.jp.ap.valuecommerce.com/",
    "af.moshimo.com/",
    "hb.afl.rakuten.co.jp/",
    "click.linksynergy.com/",
    "googleadservices.com/pagead/aclk",
    "ad.doubleclick.net/",
];

/// Whether the link's host and path are a page that leads on to whatever its query says.
pub fn leads_on(run: &Run, rest: &str) -> bool {
    let host = run.host.strip_prefix("www.").unwrap_or(&run.host);
    LEAD_ON.iter().any(|page| {
        let (page_host, path) = page.split_once('/').unwrap_or((page, ""));
        host == page_host
            && rest.strip_prefix('/').is_some_and(|rest| rest.starts_with(path) && rest.len() > path.len())
    })
}

/// Whether the link is built as shorteners build theirs: a domain of at most seven characters, or one that calls itself
/// short, and one segment of three to ten letters and digits mixed. `rest` is the folded text after the host, `original`
/// the same as it was written, for the case of its letters.
pub fn looks_short(run: &Run, rest: &str, original: &str, office: &Office) -> bool {
    let host = run.host.strip_prefix("www.").unwrap_or(&run.host);
    if office.has_host(host) || KNOWN.contains(&host) || host.ends_with(".lg.jp") || host.ends_with(".go.jp") {
        return false;
    }
    let labels = host.split('.').count();
    let name = host.split('.').next().unwrap_or_default();
    let says_so = ["short", "tiny", "tny", "shrt", "lnk", "smallurl", "cutt", "miniurl", "redir"]
        .iter()
        .any(|it| name.contains(it))
        || name.ends_with("url")
        || name.starts_with("url")
        || name == "go"
        || name == "lnk"
        || name == "s";
    let short = (labels == 2 && host.len() <= 7) || (says_so && labels <= 3);
    if !short {
        return false;
    }
    let Some(path) = rest.strip_prefix('/') else { return false };
    let end = path.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '~'))).unwrap_or(path.len());
    let segment = path.get(..end).unwrap_or_default();
    let after = path.get(end..).unwrap_or_default();
    let one =
        !after.starts_with(['/', '.', '?']) || after == "/" || after.starts_with("/ ") || after.starts_with("/\n");
    let written: String = original.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
    let digits = segment.bytes().any(|byte| byte.is_ascii_digit());
    let letters = segment.bytes().any(|byte| byte.is_ascii_alphabetic());
    let cases =
        written.bytes().any(|byte| byte.is_ascii_uppercase()) && written.bytes().any(|byte| byte.is_ascii_lowercase());
    one && (3..=10).contains(&segment.len()) && (digits && letters || cases || says_so && name != "go")
}
