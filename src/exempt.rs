//! Exemptions (ただし書): claims a request makes, with their evidence.
//!
//! A claim that does not hold is refused with its reason, never passed over in silence, so that nobody believes a post
//! went by an exemption when it waits for an approver.

use std::path::Path;

use jiff::Timestamp;
use jiff::civil::Date;

use crate::config::Problem;
use crate::domain::account::Account;
use crate::domain::clock::in_japan;
use crate::domain::decision::Refusal;
use crate::domain::exemption::Exemption;
use crate::domain::ports::Emergencies;
use crate::domain::post::Post;

pub mod claim;
pub mod page;
mod template;

use template::{Match, Purpose, Template};

const TEMPLATES: [(&str, &str); 2] = [
    ("builtin:templates", include_str!("../config/guidelines/templates/weather.toml")),
    ("builtin:results", include_str!("../config/guidelines/templates/results.toml")),
];

/// What a request claims by door and header.
#[derive(Clone, Copy, Debug, Default)]
pub struct Claim<'a> {
    /// It came by the emergency endpoint, or carries `Sekisho-Emergency`.
    pub emergency: bool,
    /// `Sekisho-Exemption`: `weather-event` (any template) or `weather-event:<template>`, `operating-policy`.
    pub exemption: Option<&'a str>,
    /// `Sekisho-Category`.
    pub category: Option<&'a str>,
}

/// The templates of 練馬 第11条第2号 and 長野 2(7)ただし書・2.
pub struct Templates {
    templates: Vec<Template>,
}

impl Templates {
    /// Reads the templates.
    ///
    /// # Errors
    /// Every file that cannot be read and every template that is not well made, with file and line.
    pub fn load(config: &crate::config::guideline::Guideline) -> Result<Self, Vec<Problem>> {
        let (mut templates, mut problems) = (Vec::new(), Vec::new());
        if config.templates.is_empty() {
            for (name, text) in TEMPLATES {
                template::read(Path::new(name), text, &mut templates, &mut problems);
            }
        }
        for file in &config.templates {
            match std::fs::read_to_string(file) {
                Ok(text) => template::read(file, &text, &mut templates, &mut problems),
                Err(error) => problems.push(Problem {
                    file: Some(file.clone()),
                    line: None,
                    reason: format!("cannot be read: {error}"),
                }),
            }
        }
        if problems.is_empty() { Ok(Self { templates }) } else { Err(problems) }
    }

    /// The ids of the templates, in the order of the files.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.templates.iter().map(|template| template.id.as_str())
    }
}

/// The exemption that the claim amounts to; none: nothing was claimed.
///
/// # Errors
/// A claim that cannot hold, with its reason: `no-open-emergency`, `unknown-template`, `template-does-not-fit`,
/// `template-out-of-window`, `category-not-in-policy`, `unknown-exemption`, `store-unavailable`.
pub fn exemption(
    claim: Claim<'_>,
    account: &Account,
    post: &Post,
    templates: &Templates,
    emergencies: &dyn Emergencies,
    now: Timestamp,
) -> Result<Option<Exemption>, Refusal> {
    if claim.emergency {
        return emergency(account, emergencies, now).map(Some);
    }
    let Some(claimed) = claim.exemption.map(str::trim) else { return Ok(None) };
    let (name, detail) = match claimed.split_once(':') {
        Some((name, detail)) => (name.trim(), Some(detail.trim())),
        None => (claimed, None),
    };
    match (name, detail) {
        ("emergency", None) => emergency(account, emergencies, now).map(Some),
        ("weather-event", template) => weather_event(template, post, templates, now).map(Some),
        ("operating-policy", None) => operating_policy(claim.category, account).map(Some),
        _ => Err(Refusal::refused(
            "unknown-exemption",
            "承認を省略する理由として、知られていないものが指定されています。",
            "The request claims an exemption that does not exist.",
            "指定を見直すか、所属の承認者の承認を受けてから送信してください。",
        )
        .status(400)
        .citing("sekisho:exemption")),
    }
}

fn emergency(account: &Account, emergencies: &dyn Emergencies, now: Timestamp) -> Result<Exemption, Refusal> {
    let open = emergencies.open(&account.id, now);
    let open = open.map_err(|_| {
        Refusal::refused(
            "store-unavailable",
            "緊急宣言の有無を確認できないため、送信を止めました。",
            "Whether an emergency is declared cannot be told now.",
            "少し待ってからもう一度送信し、続く場合はシステム管理者に連絡してください。",
        )
        .status(503)
        .citing("sekisho:store")
    })?;
    // The store's answer is checked again: a declaration that has ended or is another account's opens nothing.
    match open.filter(|it| it.is_open(now) && it.accounts.contains(&account.id)) {
        Some(open) => Ok(Exemption::Emergency { emergency: open.id, drill: open.drill }),
        None => Err(Refusal::refused(
            "no-open-emergency",
            "このアカウントについて、現在有効な緊急宣言がありません。",
            "No emergency is declared for this account.",
            "当直または災害対策本部の担当者が緊急宣言を行ってから送信するか、通常の承認を受けてください。",
        )
        .citing("sekisho:emergency")),
    }
}

fn weather_event(
    wanted: Option<&str>,
    post: &Post,
    templates: &Templates,
    now: Timestamp,
) -> Result<Exemption, Refusal> {
    let (template, _) = fitting(Purpose::WeatherEvent, wanted, post, templates, now)?;
    Ok(Exemption::WeatherEvent { template, fits: true })
}

/// The template of this purpose that the post is, and the latest day that it names.
fn fitting(
    purpose: Purpose,
    wanted: Option<&str>,
    post: &Post,
    templates: &Templates,
    now: Timestamp,
) -> Result<(String, Option<Date>), Refusal> {
    let asked = |template: &&Template| template.purpose == purpose && wanted.is_none_or(|id| id == template.id);
    let candidates: Vec<&Template> = templates.templates.iter().filter(asked).collect();
    if candidates.is_empty() {
        return Err(Refusal::refused(
            "unknown-template",
            "指定されたひな形は登録されていません。",
            "The request names a template that does not exist.",
            "登録されているひな形を使うか、所属の承認者の承認を受けてください。",
        )
        .citing("sekisho:template"));
    }
    match template::matching(&candidates, post, in_japan(now).date()) {
        Match::Fits(template, day) => Ok((template, day)),
        Match::OutOfWindow => Err(Refusal::refused(
            "template-out-of-window",
            "ひな形に書かれた日付が、このひな形を使える期間の外です。",
            "The day in the template lies outside the days for which it stands.",
            "日付を確かめて送信し直すか、所属の承認者の承認を受けてください。",
        )
        .citing("sekisho:template")),
        Match::None => Err(Refusal::refused(
            "template-does-not-fit",
            "投稿の内容が、登録されているひな形どおりになっていません（空欄、追加の文章、画像などがあります）。",
            "The post is not the template with its fields filled and nothing else.",
            "ひな形の項目だけを埋めて送信するか、所属の承認者の承認を受けてください。",
        )
        .citing("sekisho:template")),
    }
}

fn operating_policy(category: Option<&str>, account: &Account) -> Result<Exemption, Refusal> {
    let category = category.map(str::trim).filter(|category| !category.is_empty());
    let named = category.zip(account.operating_policy.as_ref());
    match named.filter(|(category, policy)| policy.categories.iter().any(|known| known == category)) {
        Some((category, policy)) => {
            Ok(Exemption::OperatingPolicy { category: category.to_owned(), version: policy.version.clone() })
        }
        None => Err(Refusal::refused(
            "category-not-in-policy",
            "指定された分類は、このアカウントの運用ポリシーで承認を省略できる情報として定められていません。",
            "The operating policy in force does not name this category.",
            "分類を見直すか、所属の承認者の承認を受けてください。",
        )
        .citing("sekisho:operating-policy")),
    }
}

#[cfg(test)]
mod tests;
