//! What must never go out: one pure function over a post and a rule set.
//!
//! Every string of a post is read in several views (folded, each layer of escapes taken off, squeezed); detectors search
//! the views and findings point at the bytes of the original. Time grows with the length of the text; what is over a
//! limit is still read whole, and says so in a finding.

use jiff::civil::Date;

use crate::domain::clause::Clause;
use crate::domain::finding::{Accept, Finding, Report, Severity};
use crate::domain::post::{Field, Post, Role};
use crate::domain::tree::Tree;

mod bytes;
mod cause;
pub mod check;
mod compile;
pub mod dates;
pub mod embargo;
pub mod escape;
pub mod found;
pub mod fragment;
pub mod hidden;
mod joints;
pub mod label;
pub mod lexicon;
pub mod linked;
pub mod links;
mod load;
pub mod lookalike;
pub mod media;
pub mod normal;
pub mod office;
mod pattern;
pub mod personal;
pub mod rulefile;
pub mod shorteners;
pub mod template;
mod trigger;
pub mod unlisted;
pub mod views;
mod weigh;

use found::Found;
use lexicon::{Hit, How, Lexicon, Original, Seen};
use normal::View;

/// A longer field is a finding of its own, in bytes.
const LONG_FIELD: usize = 64 * 1024;
/// A post with more links is a finding of its own.
const MANY_LINKS: usize = 2000;
/// Layers of escapes that are taken off.
const LAYERS: usize = 4;
/// Findings beyond this number are only kept if they are the first of their category and severity.
const MANY_FINDINGS: usize = 200;

/// The inspector's rules and lists, built once.
pub struct RuleSet {
    shorteners: shorteners::Shorteners,
    my_number: personal::MyNumber,
    labels: label::Labels,
    blanks: template::Blanks,
    dates: dates::Dates,
    lexicon: std::sync::Arc<Lexicon>,
    office: office::Office,
    /// Rules whose findings only the account's manager accepts.
    for_manager: std::collections::BTreeSet<String>,
    hash: String,
}

impl RuleSet {
    /// SHA-256 (hex) over the rules and lists in force.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The list of URL shorteners in force.
    pub fn shorteners(&self) -> &shorteners::Shorteners {
        &self.shorteners
    }

    /// Who may accept what a rule found.
    fn accept(&self, rule: &str) -> Accept {
        if self.for_manager.contains(rule) { Accept::Manager } else { Accept::Approver }
    }

    /// An example for each rule, which start-up shows to be found by that very rule.
    pub fn canaries(&self) -> Vec<(String, Post)> {
        let of_rules = self.lexicon.rules().iter().map(|rule| (rule.id.clone(), rule.canary.clone()));
        let of_detectors = [
            ("shortener.listed", "詳細はｂｉｔ。ｌｙ/abcをご覧ください"),
            ("shortener.mentioned", "bit.lyをご利用の方へ"),
            ("shortener.native", "動画はhttps://youtu.be/abcをご覧ください"),
            ("link.address", "http://203.0.113.7/をご覧ください"),
            ("personal.mynumber", "個人番号 1234-5678-9018"),
            ("personal.mynumber-like", "氏名 練馬太郎 123456789018"),
            ("label.confidential", "【部外秘】組織改正について"),
            ("template.unfilled", "本日○時○分に発生しました"),
            ("limit.too-complex", "%25252525252562it.ly"),
            ("template.circles", "「○○の日」を開催します"),
            ("shortener.unlisted", "https://qz.cx/aB3dE"),
            ("notice.weekday", "2026年11月22日（土）に開催します"),
            ("notice.fragment", "つい"),
            ("obfuscation.override", "見て\u{202e}秘外部"),
            ("obfuscation.invisible", "お\u{200b}知\u{200b}ら\u{200b}せ"),
        ];
        of_detectors.map(|(rule, text)| (rule.to_owned(), example(text))).into_iter().chain(of_rules).collect()
    }

    /// Whether each rule finds its own canary: the ids of those that do not.
    pub fn self_test(&self) -> Vec<String> {
        let finds = |rule: &str, post: &Post| inspect(self, post).findings.iter().any(|finding| finding.rule == rule);
        let silent = self.canaries();
        let silent = silent.iter().filter(|(rule, post)| !finds(rule, post)).map(|(rule, _)| rule.clone());
        silent.chain(media::self_test(self)).collect()
    }
}

/// A post with this text and nothing else.
fn example(text: &str) -> Post {
    let field = Field { role: Role::Text, at: "/text".to_owned(), value: Tree::Text(text.to_owned()) };
    Post { fields: vec![field], ..Post::default() }
}

/// Inspects every string of a post.
pub fn inspect(rules: &RuleSet, post: &Post) -> Report {
    inspect_on(rules, post, None)
}

/// Inspects every string of a post as of a day in Japan, by which dates without a year are read and exceptions end.
pub fn inspect_on(rules: &RuleSet, post: &Post, today: Option<Date>) -> Report {
    let texts = post.texts();
    let mut report = Report { findings: Vec::new(), rules: rules.hash.clone(), fields: texts.len(), bytes: 0 };
    let mut links = 0;
    let only = texts.len() == 1 && post.media.is_empty();
    let mut seen = Seen::on(today);
    for (field, role, text) in texts {
        report.bytes += text.len();
        let original = Original::of(text);
        let (findings, seen) = (&mut report.findings, &mut seen);
        let mut reading = Reading { rules, field: &field, role, text, original, today, findings, seen, links: 0 };
        reading.read(only && role == Role::Text);
        links += reading.links;
        hide(&mut report.findings, &field, text);
        if text.len() > LONG_FIELD {
            add(&mut report.findings, too_complex(&field, text.len()));
        }
    }
    if links > MANY_LINKS {
        add(&mut report.findings, too_complex("/", 0));
    }
    report
}

/// One text while it is read.
struct Reading<'r> {
    rules: &'r RuleSet,
    field: &'r str,
    role: Role,
    text: &'r str,
    original: Original<'r>,
    today: Option<Date>,
    findings: &'r mut Vec<Finding>,
    seen: &'r mut Seen,
    links: usize,
}

impl Reading<'_> {
    /// Reads the text in all its views. `whole` says that the post is this text and nothing else.
    fn read(&mut self, whole: bool) {
        let original = View::of(self.text);
        let mut found = Vec::new();
        hidden::find(&original, &mut found);
        self.tell(&original, found);
        for turned in [views::reversed(&original), views::kana_like(&original)].into_iter().flatten() {
            self.search(&turned);
        }
        let mut view = original.fold();
        if whole {
            let mut found = Vec::new();
            fragment::find(&view, &mut found);
            self.tell(&view, found);
        }
        let mut layer = 0;
        loop {
            if self.role == Role::Link {
                view = view.without_breaks();
            }
            self.search(&view);
            let Some(decoded) = view.decode() else { break };
            layer += 1;
            if layer > LAYERS {
                add(self.findings, too_complex(self.field, self.text.len()));
                break;
            }
            view = decoded.fold();
        }
    }

    /// Runs every detector over a view and over those that it gives cause for.
    fn search(&mut self, view: &View) {
        let rules = self.rules;
        let mut found = Vec::new();
        self.links += links::find(view, self.role, self.text, (&rules.shorteners, &rules.office), &mut found);
        rules.my_number.find(view, &mut found);
        rules.blanks.find(view, &mut found);
        rules.dates.find(view, self.today, &mut found);
        self.tell(view, found);
        if label::Labels::may_be_in(&view.text) {
            let squeezed = view.squeeze();
            let mut found = Vec::new();
            rules.labels.find(&squeezed, &mut found);
            self.tell(&squeezed, found);
        }
        self.look_up(view, How::Plain);
        if rules.lexicon.may_be_apart(view) {
            self.look_up(&views::separated(view), How::Separated);
        }
        if rules.lexicon.may_be_masked(view) {
            self.look_up(&views::masked(view), How::Masked);
        }
        if rules.lexicon.may_be_leet(view) {
            self.look_up(&views::leet(view), How::Changed(&view.text));
        }
        if let Some(digits) = views::digits(view) {
            self.look_up(&digits, How::Plain);
            let mut found = Vec::new();
            rules.my_number.find(&digits, &mut found);
            self.tell(&digits, found);
        }
    }

    /// Searches a view for the words and patterns of the rules.
    fn look_up(&mut self, view: &View, how: How<'_>) {
        let rules = self.rules;
        let mut hits = Vec::new();
        if rules.lexicon.find(view, how, self.original, &rules.office, self.seen, &mut hits) {
            add(self.findings, too_complex(self.field, self.text.len()));
        }
        for Hit { rule, severity, range } in hits {
            let Some(rule) = rule else {
                if how == How::Plain {
                    let blank = template::other(&view.text, range);
                    self.tell(view, blank.into_iter().collect());
                }
                continue;
            };
            let Some(told) = rules.lexicon.rules().get(rule) else { continue };
            let span = view.original(range);
            let new = Finding {
                rule: told.id.clone(),
                category: told.category.clone(),
                clauses: told.clauses.clone(),
                severity,
                field: self.field.to_owned(),
                span,
                excerpt: excerpt(self.text, span, told.mask),
                advice: told.advice.clone(),
                never: told.never && severity == Severity::Block,
                accept: rules.accept(&told.id),
                accepted: false,
            };
            add(self.findings, new);
        }
    }

    fn tell(&mut self, view: &View, found: Vec<Found>) {
        for found in found {
            add(self.findings, finding(view, self.field, self.text, found));
        }
    }
}

fn finding(view: &View, field: &str, text: &str, found: Found) -> Finding {
    let span = view.original(found.range);
    Finding {
        rule: found.rule.to_owned(),
        category: found.category.to_owned(),
        clauses: found.clauses.iter().copied().map(Clause::new).collect(),
        severity: found.severity,
        field: field.to_owned(),
        span,
        excerpt: excerpt(text, span, found.mask),
        advice: found.advice.to_owned(),
        never: found.never,
        accept: Accept::Approver,
        accepted: false,
    }
}

/// What matched, as people may see it.
fn excerpt(text: &str, span: (usize, usize), mask: bool) -> String {
    let matched = text.get(span.0..span.1).unwrap_or_default();
    if mask { "●".repeat(12) } else { matched.chars().take(80).collect() }
}

/// Masks what is personal or secret in the excerpts of other findings, too: a rule about something else may have seen the
/// same words.
fn hide(findings: &mut [Finding], field: &str, text: &str) {
    let masked = |it: &Finding| it.field == field && is_masked(&it.category);
    let hidden: Vec<(usize, usize)> = findings.iter().filter(|it| masked(it)).map(|it| it.span).collect();
    if hidden.is_empty() {
        return;
    }
    for finding in findings.iter_mut().filter(|it| it.field == field && !is_masked(&it.category)) {
        let (start, end) = finding.span;
        let matched = text.get(start..end).unwrap_or_default();
        let seen = |at: usize| hidden.iter().any(|span| (span.0..span.1).contains(&(start + at)));
        let shown = finding.excerpt.chars().count();
        let masked = matched.char_indices().take(shown).map(|(at, c)| if seen(at) { '●' } else { c });
        finding.excerpt = masked.collect();
    }
}

/// Whether what is found under a category may be shown to nobody.
fn is_masked(category: &str) -> bool {
    ["personal", "secret", "duty_secret"].iter().any(|it| category.starts_with(it))
}

fn too_complex(field: &str, len: usize) -> Finding {
    Finding {
        rule: "limit.too-complex".to_owned(),
        category: "too_complex".to_owned(),
        clauses: vec![Clause::new("sekisho:inspection")],
        severity: Severity::Review,
        field: field.to_owned(),
        span: (0, len),
        excerpt: String::new(),
        advice: "内容が長すぎるか複雑すぎるため、人の目で確認してください。".to_owned(),
        never: false,
        accept: Accept::Approver,
        accepted: false,
    }
}

/// Adds a finding unless the same rule has already seen the same place, or there are too many of its kind.
fn add(findings: &mut Vec<Finding>, new: Finding) {
    let same_kind = |old: &Finding| old.category == new.category && old.severity == new.severity;
    if findings.len() >= MANY_FINDINGS {
        if !findings.iter().any(same_kind) {
            findings.push(new);
        }
        return;
    }
    let overlaps = |old: &Finding| {
        old.rule == new.rule && old.field == new.field && old.span.0 < new.span.1 && new.span.0 < old.span.1
    };
    match findings.iter_mut().find(|old| overlaps(old)) {
        Some(old) if old.severity < new.severity => *old = new,
        Some(_) => {}
        None => findings.push(new),
    }
}

#[cfg(test)]
mod tests;
