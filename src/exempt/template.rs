//! Templates of 練馬 第11条第2号 and 長野 2(7)ただし書・2: a text whose fields are filled, and nothing else, of a day that is
//! near enough.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::ToSpan;
use jiff::civil::Date;
use regex::Regex;
use serde::Deserialize;

use crate::config::Problem;
use crate::domain::post::Post;
use crate::domain::tree::normal_text;

/// A template, ready to be matched.
#[derive(Debug)]
pub(super) struct Template {
    pub(super) id: String,
    pattern: Regex,
    /// The fields in the order of their places in the text; one that stands twice must be filled alike.
    places: Vec<String>,
    /// The fields that hold a day, in the order of their places, each once.
    days: Vec<String>,
    /// What the template is for.
    pub(super) purpose: Purpose,
    /// The days on which the event may lie, counted from today.
    window: [i32; 2],
}

/// What a template is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Purpose {
    /// 天候不良等による開催・中止: the first day named is the event's.
    #[default]
    WeatherEvent,
    /// 既成の事実: every day named is over.
    EstablishedFact,
}

impl Purpose {
    /// The days on which an event of this kind lies, where the template does not say: yesterday's and the next two months'
    /// for a notice, today's and the last two months' for a result.
    fn window(self) -> [i32; 2] {
        match self {
            Self::WeatherEvent => [-1, 60],
            Self::EstablishedFact => [-60, 0],
        }
    }
}

/// What came of holding a post against the templates.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Match {
    /// None fits.
    None,
    /// This one fits, but for the day.
    OutOfWindow,
    /// This one fits; the latest day that it names, if it names one.
    Fits(String, Option<Date>),
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
    #[serde(default, rename = "for")]
    purpose: Purpose,
    #[serde(default)]
    window: Option<[i32; 2]>,
}

const DIGITS: &str = "[0-9]";

impl Template {
    /// What the fields hold, if the whole text is this template with every field filled.
    fn filled<'t>(&self, text: &'t str) -> Option<BTreeMap<&str, &'t str>> {
        let captures = self.pattern.captures(text)?;
        let mut filled: BTreeMap<&str, &str> = BTreeMap::new();
        let whole = self.places.iter().zip(captures.iter().skip(1)).all(|(name, capture)| {
            let value = capture.map_or("", |it| it.as_str());
            !value.trim().is_empty() && *filled.entry(name).or_insert(value) == value
        });
        whole.then_some(filled)
    }

    /// What the text is to this template today.
    fn holds(&self, text: &str, today: Date) -> Match {
        let Some(filled) = self.filled(text) else { return Match::None };
        let days: Option<Vec<Date>> = self
            .days
            .iter()
            .map(|name| day_of(filled.get(name.as_str()).copied().unwrap_or_default(), today))
            .collect();
        let Some(days) = days else { return Match::None };
        let [from, to] = self.window;
        let (Ok(from), Ok(to)) = (today.checked_add(from.days()), today.checked_add(to.days())) else {
            return Match::OutOfWindow;
        };
        let judged = match self.purpose {
            Purpose::WeatherEvent => days.get(..1).unwrap_or_default(),
            Purpose::EstablishedFact => days.as_slice(),
        };
        if judged.iter().all(|day| from <= *day && *day <= to) {
            Match::Fits(self.id.clone(), days.iter().max().copied())
        } else {
            Match::OutOfWindow
        }
    }
}

/// The day that a field of kind `date` names. Without a year it is the one that lies nearest to today.
fn day_of(text: &str, today: Date) -> Option<Date> {
    let (year, rest) = match text.split_once('年') {
        Some((year, rest)) => (Some(year), rest),
        None => (None, text),
    };
    let (month, rest) = rest.split_once('月')?;
    let (day, _) = rest.split_once('日')?;
    let (month, day): (i8, i8) = (month.parse().ok()?, day.parse().ok()?);
    let of = |year: i16| Date::new(year, month, day).ok();
    match year {
        Some(year) => {
            let era = year.strip_prefix("令和").and_then(|year| year.parse::<i16>().ok()).map(|year| 2018 + year);
            of(era.or_else(|| year.parse().ok())?)
        }
        None => {
            let near = (today.year() - 1..=today.year() + 1).filter_map(of);
            near.min_by_key(|day| day.duration_since(today).as_hours().abs())
        }
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
    let mut days: Vec<String> = Vec::new();
    for name in &places {
        if written.fields.get(name).is_some_and(|kind| kind == "date") && !days.contains(name) {
            days.push(name.clone());
        }
    }
    if days.is_empty() && written.purpose == Purpose::EstablishedFact {
        return Err("what has taken place names its day: a field of kind `date` is missing".into());
    }
    let window = written.window.unwrap_or_else(|| written.purpose.window());
    if window.first() > window.last() || (written.purpose == Purpose::EstablishedFact && window.last() > Some(&0)) {
        return Err("`window` is [first day, last day], counted from today; a result lies in the past".into());
    }
    Ok(Template { id: written.id.clone(), pattern, places, days, purpose: written.purpose, window })
}

/// What a field of this kind may hold, after full-width digits became ASCII.
fn grammar(kind: &str) -> Result<String, String> {
    let d = DIGITS;
    Ok(match kind {
        "date" => format!(
            "(?:(?:令和{d}{{1,2}}|20{d}{{2}})年)?(?:1[0-2]|[1-9])月(?:3[01]|[12]{d}|[1-9])日(?:[(（][月火水木金土日](?:曜日?)?(?:・[祝休])?[)）])?"
        ),
        "time" => format!("(?:午前|午後)?(?:2[0-4]|1{d}|{d})(?:時(?:[1-5]?{d}分|半)?|:[0-5]{d})"),
        "number" => "[1-9][0-9]{0,6}".to_owned(),
        "weather" => "(?:荒天|雨天|悪天候|天候不良|強風|暴風|大雨|大雪|降雪|積雪|台風(?:[0-9]{1,2}号)?|雷|落雷のおそれ|猛暑|高温|濃霧|停電|地震|路面凍結|グラウンド不良)(?:の(?:影響|おそれ|見込み))?".to_owned(),
        _ => {
            let most = kind.strip_prefix("name:").and_then(|most| most.parse::<u8>().ok()).filter(|most| *most > 0);
            let most = most.ok_or_else(|| format!("`{kind}` is no kind; there are date, time, number, weather, name:<most>"))?;
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

/// The first of `templates` that the post is, and nothing else.
pub(super) fn matching(templates: &[&Template], post: &Post, today: Date) -> Match {
    let Some(text) = post.only_text() else { return Match::None };
    let text = plain(text.trim_end());
    let mut best = Match::None;
    for template in templates {
        match template.holds(&text, today) {
            Match::None => {}
            Match::OutOfWindow => best = Match::OutOfWindow,
            fits @ Match::Fits(..) => return fits,
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_without_a_year_is_the_nearest_one_and_a_year_is_believed() {
        let cases = [
            ("2026-12-30", "1月3日(日)", Some("2027-01-03")),
            ("2027-01-03", "12月30日", Some("2026-12-30")),
            ("2027-03-31", "4月1日", Some("2027-04-01")),
            ("2028-02-20", "2月29日", Some("2028-02-29")),
            ("2026-02-20", "2月29日", None),
            ("2026-11-22", "令和8年11月21日(土)", Some("2026-11-21")),
            ("2026-11-22", "2024年11月21日", Some("2024-11-21")),
            ("2026-11-22", "13月40日", None),
        ];
        for (today, text, wanted) in cases {
            let wanted = wanted.map(|it| it.parse::<Date>().unwrap());
            assert_eq!(day_of(text, today.parse().unwrap()), wanted, "{text} on {today}");
        }
    }

    #[test]
    fn a_result_is_over_and_not_long_ago() {
        let written = "[[templates]]\nid = \"r\"\nfor = \"established-fact\"\ntext = \"{date}の「{event}」は終了しました。\"\nfields = { date = \"date\", event = \"name:20\" }\n";
        let (mut templates, mut problems) = (Vec::new(), Vec::new());
        read(Path::new("t.toml"), written, &mut templates, &mut problems);
        assert_eq!(problems.len(), 0);
        let today = "2026-11-22".parse().unwrap();
        let on = |day: &str| templates[0].holds(&format!("{day}の「区民駅伝」は終了しました。"), today);
        for (day, last) in [("11月22日", "2026-11-22"), ("11月21日", "2026-11-21"), ("9月23日", "2026-09-23")] {
            assert_eq!(on(day), Match::Fits("r".into(), Some(last.parse().unwrap())), "{day}");
        }
        for day in ["11月23日", "令和9年11月21日", "9月22日", "2025年11月21日"] {
            assert_eq!(on(day), Match::OutOfWindow, "{day}");
        }
        assert_eq!(on("2月30日"), Match::None);
    }

    #[test]
    fn a_window_that_cannot_be_is_a_problem() {
        let wrong = |extra: &str| {
            let text = format!("[[templates]]\nid = \"r\"\ntext = \"{{e}}\"\nfields = {{ e = \"name:9\" }}\n{extra}\n");
            let (mut templates, mut problems) = (Vec::new(), Vec::new());
            read(Path::new("t.toml"), &text, &mut templates, &mut problems);
            problems.len()
        };
        assert_eq!(wrong(""), 0);
        assert_eq!(wrong("window = [3, 1]"), 1);
        assert_eq!(wrong("for = \"established-fact\""), 1, "it names no day");
    }
}
