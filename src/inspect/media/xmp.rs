//! XMP (ISO 16684-1): place, owner, words. Read by names, whatever their prefix and whether as element or attribute, so
//! that no reader of XML has to be trusted with what a camera wrote.

use memchr::memmem;

use super::Told;

const PLACES: [&str; 9] = [
    "GPSLatitude",
    "GPSLongitude",
    "GPSDestLatitude",
    "GPSDestLongitude",
    "GPSAreaInformation",
    "LocationCreated",
    "Sublocation",
    "Iptc4xmpCore:Location",
    "geo:lat",
];
const OWNERS: [&str; 6] =
    ["dc:creator", "OwnerName", "CameraOwnerName", "tiff:Artist", "xmpRights:Owner", "photoshop:Author"];
const WORDS: [&str; 4] = ["dc:title", "dc:description", "photoshop:Headline", "dc:subject"];

/// Reads an XMP packet.
pub(super) fn read(packet: &[u8], told: &mut Told) {
    if packet.iter().all(|byte| byte.is_ascii_whitespace() || *byte == 0) {
        return;
    }
    let wide = packet.starts_with(&[0xfe, 0xff]) || packet.starts_with(&[0xff, 0xfe]);
    let text = String::from_utf8_lossy(packet);
    if wide || packet.contains(&0) || !(text.contains("rdf:RDF") || text.contains("xmpmeta") || text.contains("<")) {
        return told.unread("XMP");
    }
    let text: &str = &text;
    told.place |= PLACES.iter().any(|name| values(text, name).iter().any(|value| tells(value)));
    OWNERS.iter().flat_map(|name| values(text, name)).for_each(|value| told.owner(&value));
    WORDS.iter().flat_map(|name| values(text, name)).for_each(|value| told.text(&value));
}

/// Whether a value says anything: not empty, not only zeros.
fn tells(value: &str) -> bool {
    value.chars().any(|c| c.is_alphanumeric() && c != '0')
}

/// What stands under a name, as attribute or as element, its inner marks taken out.
fn values(text: &str, name: &str) -> Vec<String> {
    let mut found = Vec::new();
    for at in memmem::find_iter(text.as_bytes(), name.as_bytes()).take(32) {
        let before = text.get(..at).and_then(|it| it.chars().next_back());
        let rest = text.get(at + name.len()..).unwrap_or_default();
        let is_name = before.is_some_and(|c| c == ':' || c == '<' || c.is_whitespace());
        if !is_name || rest.starts_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = rest.trim_start();
        if let Some(value) = rest.strip_prefix('=') {
            let value = value.trim_start();
            let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
            found.extend(quote.and_then(|quote| value.get(1..)?.split(quote).next()).map(plain));
        } else if opens(text, at) {
            // An element: up to its own end, whatever its prefix.
            let Some((_, inside)) = rest.split_once('>') else { continue };
            let closes = |end: &usize| {
                let before = inside.get(..*end).unwrap_or_default();
                before.trim_end_matches(|c: char| c.is_alphanumeric() || c == ':').ends_with("</")
            };
            let end = memmem::find_iter(inside.as_bytes(), name.as_bytes()).find(closes);
            found.extend(end.and_then(|end| inside.get(..end)?.rsplit_once("</")).map(|(value, _)| plain(value)));
        }
    }
    found
}

/// Whether the name at this place opens an element: `<name` or `<prefix:name`.
fn opens(text: &str, at: usize) -> bool {
    text.get(..at)
        .is_some_and(|it| it.trim_end_matches(|c: char| c.is_alphanumeric() || c == ':' || c == '_').ends_with('<'))
}

/// The text without marks and with its references put back.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for c in text.chars().take(20_000) {
        match c {
            '<' => inside = true,
            '>' if inside => {
                inside = false;
                out.push(' ');
            }
            c if !inside => out.push(c),
            _ => {}
        }
    }
    out.trim().replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}
