//! Templates of 練馬 第11条第2号: a text whose fields are filled, and nothing else.

use std::collections::BTreeMap;
use std::path::Path;

use regex::Regex;
use serde::Deserialize;

use crate::config::Problem;
use crate::domain::post::Post;
use crate::domain::tree::{Tree, normal_text};

/// A template, ready to be matched.
#[derive(Debug)]
pub(super) struct Template {
    pub(super) id: String,
    pattern: Regex,
    /// The fields in the order of their places in the text; one that stands twice must be filled alike.
    places: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    templates: Vec<toml::Spanned<Written>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: String,
    text: String,
    fields: BTreeMap<String, String>,
}

const DIGITS: &str = "[0-9]";

impl Template {
    /// Whether the whole text is this template with every field filled.
    fn fits(&self, text: &str) -> bool {
        let Some(captures) = self.pattern.captures(text) else { return false };
        let mut filled: BTreeMap<&str, &str> = BTreeMap::new();
        self.places.iter().zip(captures.iter().skip(1)).all(|(name, capture)| {
            let value = capture.map_or("", |it| it.as_str());
            !value.trim().is_empty() && *filled.entry(name).or_insert(value) == value
        })
    }
}

/// Reads a file of templates.
pub(super) fn read(file: &Path, text: &str, into: &mut Vec<Template>, problems: &mut Vec<Problem>) {
    let mut wrong = |line: Option<usize>, reason: String| {
        problems.push(Problem { file: Some(file.to_owned()), line, reason });
    };
    let line_of = |at: usize| text.get(..at).unwrap_or_default().matches('\n').count() + 1;
    let parsed: File = match toml::from_str(text) {
        Ok(parsed) => parsed,
        Err(error) => return wrong(error.span().map(|span| line_of(span.start)), error.message().to_owned()),
    };
    for written in parsed.templates {
        let line = Some(line_of(written.span().start));
        let written = written.into_inner();
        if into.iter().any(|known| known.id == written.id) {
            wrong(line, format!("the template `{}` stands twice", written.id));
            continue;
        }
        match compile(&written) {
            Ok(template) => into.push(template),
            Err(reason) => wrong(line, format!("template `{}`: {reason}", written.id)),
        }
    }
}

fn compile(written: &Written) -> Result<Template, String> {
    let text = plain(written.text.trim());
    let mut pattern = "\\A".to_owned();
    let mut places = Vec::new();
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').ok_or("a `{` without `}`")?;
        let kind = written.fields.get(name).ok_or_else(|| format!("the field `{name}` has no kind"))?;
        pattern.push_str(&regex::escape(before));
        pattern.push_str(&format!("({})", grammar(kind)?));
        places.push(name.to_owned());
        rest = after;
    }
    if places.is_empty() {
        return Err("it has no field".into());
    }
    if let Some(unused) = written.fields.keys().find(|name| !places.contains(name)) {
        return Err(format!("the field `{unused}` is not in the text"));
    }
    pattern.push_str(&regex::escape(rest));
    pattern.push_str("\\z");
    let pattern = Regex::new(&pattern).map_err(|error| error.to_string())?;
    Ok(Template { id: written.id.clone(), pattern, places })
}

/// What a field of this kind may hold, after full-width digits became ASCII.
fn grammar(kind: &str) -> Result<String, String> {
    let d = DIGITS;
    Ok(match kind {
        "date" => format!(
            "(?:(?:令和{d}{{1,2}}|20{d}{{2}})年)?(?:1[0-2]|[1-9])月(?:3[01]|[12]{d}|[1-9])日(?:[(（][月火水木金土日](?:曜日?)?(?:・[祝休])?[)）])?"
        ),
        "time" => format!("(?:午前|午後)?(?:2[0-4]|1{d}|{d})(?:時(?:[1-5]?{d}分|半)?|:[0-5]{d})"),
        "weather" => "(?:荒天|雨天|悪天候|天候不良|強風|暴風|大雨|大雪|降雪|積雪|台風(?:[0-9]{1,2}号)?|雷|落雷のおそれ|猛暑|高温|濃霧|停電|地震|路面凍結|グラウンド不良)(?:の(?:影響|おそれ|見込み))?".to_owned(),
        _ => {
            let most = kind.strip_prefix("name:").and_then(|most| most.parse::<u8>().ok()).filter(|most| *most > 0);
            let most = most.ok_or_else(|| format!("`{kind}` is no kind; there are date, time, weather, name:<most>"))?;
            format!("[ぁ-ゖァ-ヺー一-鿿々A-Za-z0-9Ａ-Ｚａ-ｚ・&＆()（）\\- 　]{{1,{most}}}")
        }
    })
}

/// Line ends LF, NFC, full-width digits and colon ASCII: what people type in either width means the same here.
fn plain(text: &str) -> String {
    normal_text(text)
        .chars()
        .map(|c| match c {
            '０'..='９' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
            '：' => ':',
            _ => c,
        })
        .collect()
}

/// The first of `templates` that the post is, and nothing else: one text, no media, no references, nothing tagged or
/// scheduled, no unmapped field.
pub(super) fn matching<'t>(templates: &[&'t Template], post: &Post) -> Option<&'t Template> {
    if !post.media.is_empty() || !post.rest.is_empty() || !post.references.values().all(Vec::is_empty) {
        return None;
    }
    // `means` names the route; some SDKs write a switch out that is off.
    let plain_audience = post.audience.iter().all(|(at, value)| at == "means" || *value == Tree::Bool(false));
    if !plain_audience || post.schedule.is_some() {
        return None;
    }
    let mut texts = Vec::new();
    for field in &post.fields {
        field.value.each_text(&field.at, &mut |at, text| texts.push((at, text)));
    }
    // A structured message (LINE) says of itself that it is a text.
    texts.retain(|(at, text)| !(at.ends_with("/type") && *text == "text"));
    let [(_, text)] = texts.as_slice() else { return None };
    let text = plain(text.trim_end());
    templates.iter().find(|template| template.fits(&text)).copied()
}
