//! The facts of one request, from what the gate learned of it.

use jiff::civil::DateTime;

use crate::domain::account::{AccountKind, OperatingPolicy};
use crate::domain::action::Action;
use crate::domain::clock;
use crate::domain::finding::{Accept, Finding, Severity};
use crate::domain::registry::{ProviderCondition, SectionId, SourceUse, Standing};
use crate::domain::remarks::Withdrawal;

use super::shown::{Approvers, Shown, given};
use super::words::{Words, has_place};
use super::{ATTRIBUTES, Facts, Value, category, members, named, set, spelt};
use crate::guideline::Case;
use crate::guideline::judge::Town;

impl Facts {
    /// The facts of a case of this body.
    pub(in crate::guideline) fn of(case: &Case<'_>, town: &Town) -> Self {
        let reading = Reading::of(case, town);
        // Written in the order of the names, so that nothing is sorted on the road; a test holds it.
        let mut values = Vec::with_capacity(ATTRIBUTES);
        values.extend(reading.account_to_drill());
        values.extend(reading.ends_to_organisation());
        values.extend(reading.pass_to_withdrawal());
        let (client, account) = (case.client.id.as_str().to_owned(), case.account.id.as_str().to_owned());
        Self { client, action: case.action, account, values }
    }
}

/// What the facts of one request are read from.
struct Reading<'c> {
    case: &'c Case<'c>,
    town: &'c Town,
    local: DateTime,
    standing: Option<&'c Standing>,
    policy: Option<&'c OperatingPolicy>,
    shown: Shown,
    approvers: Approvers<'c>,
    tool: Tool,
    words: Words<'c>,
}

impl<'c> Reading<'c> {
    fn of(case: &'c Case<'c>, town: &'c Town) -> Self {
        let local = clock::in_japan(case.now);
        Self {
            case,
            town,
            local,
            standing: case.around.standing.as_deref(),
            policy: case.account.operating_policy.as_ref(),
            shown: Shown::of(case),
            approvers: Approvers::of(case),
            tool: Tool::of(case, local),
            words: Words::of(case.post),
        }
    }

    fn account_to_drill(&self) -> [(&'static str, Value); 25] {
        let Self { case, shown, approvers, tool, .. } = self;
        let severe = |it: &Finding| it.severity == Severity::Block;
        [
            ("account_kind", named(kind(case.account.kind))),
            ("account_registered", Value::Flag(true)),
            ("account_state", named(case.account.state.as_str())),
            ("after_report_hours", Value::Number(after_report_hours(case))),
            ("approver_gave_reason", approvers.gave_reason()),
            ("approver_is_author", approvers.is_author()),
            ("approver_is_delegate", approvers.is_delegate()),
            ("approver_is_deputy", approvers.is_deputy()),
            ("approver_is_manager", approvers.is_manager()),
            ("approver_is_operator", approvers.is_operator()),
            ("approver_offices", Value::Number(i64::try_from(case.around.approver_offices).unwrap_or(i64::MAX))),
            ("approvers", approvers.number()),
            ("begins_with_section", Value::Flag(self.words.begins_with_section(&case.around.sections))),
            ("block_categories", self.categories(severe)),
            ("category_in_policy", Value::Flag(shown.in_policy)),
            ("client_current", Value::Flag(tool.current)),
            ("client_in_hours", Value::Flag(tool.in_hours)),
            ("client_is_cms", Value::Flag(case.client.cms)),
            ("client_is_contractor", Value::Flag(tool.contractor)),
            ("closed_audience", Value::Flag(self.standing.is_some_and(|it| it.closed_audience))),
            ("cms", named(shown.cms)),
            ("continues_thread", Value::Flag(self.continues_thread())),
            ("credential", named(case.credential.as_str())),
            ("declares", approvers.declares()),
            ("drill", Value::Flag(shown.drill)),
        ]
    }

    fn ends_to_organisation(&self) -> [(&'static str, Value); 21] {
        let Self { case, shown, words, .. } = self;
        let signature = self.policy.and_then(|it| it.signature.as_deref());
        [
            ("ends_with_signature", Value::Flag(words.ends_with(signature))),
            ("evidence_holds", Value::Flag(shown.evidence)),
            ("exemption", named(shown.exemption)),
            ("exemption_arranged", Value::Flag(self.is_arranged())),
            ("fixed_answer", Value::Flag(fixed_answer(case, self.local))),
            ("has_media", Value::Flag(!case.post.media.is_empty())),
            ("has_operating_policy", Value::Flag(self.policy.is_some())),
            ("has_place", Value::Flag(has_place(case.post))),
            ("has_rest", Value::Flag(!case.post.rest.is_empty())),
            ("has_schedule", Value::Flag(case.post.schedule.is_some())),
            ("has_text", Value::Flag(words.has_text())),
            ("hashtags", set(words.hashtags())),
            ("hour", Value::Number(self.local.hour().into())),
            ("manager_categories", self.categories(|it| it.asks() && it.accept == Accept::Manager)),
            ("manager_in_post", Value::Flag(self.standing.is_some_and(answers))),
            ("media_consent_asked", Value::Flag(self.policy.is_some_and(|it| it.media_consent))),
            ("media_consent_waived", Value::Flag(self.policy.is_some_and(|it| it.media_consent_waived))),
            ("modes", self.modes()),
            ("never_categories", self.categories(|it| it.never)),
            ("operator_in_post", Value::Flag(self.standing.is_some_and(|it| !it.operators.is_empty()))),
            ("organisation", spelt(case.account.organisation.as_str())),
        ]
    }

    fn pass_to_withdrawal(&self) -> [(&'static str, Value); 23] {
        let Self { case, shown, words, standing, .. } = self;
        let author = &case.around.author;
        let site = |it: &str| self.town.sites.iter().any(|site| it.contains(site));
        [
            ("pass", named(shown.pass)),
            ("periods", self.periods()),
            ("policy_stale_days", Value::Number(self.policy_stale_days())),
            ("profile_names_body", Value::Flag(self.describes(|it| it.contains(&self.town.name)))),
            ("profile_names_site", Value::Flag(self.describes(site))),
            ("provider", spelt(case.account.provider.as_str())),
            ("provider_conditions_kept", Value::Flag(standing.is_some_and(|it| self.keeps_conditions(it)))),
            ("provider_recognised", Value::Flag(case.recognised)),
            ("purpose", named(self.purpose())),
            ("quotes", Value::Flag(quotes(case))),
            ("reports_overdue", Value::Flag(case.around.reports_overdue)),
            ("review_categories", self.categories(Finding::asks)),
            ("section_granted", Value::Flag(standing.is_some_and(|it| it.is_granted(&author.sections)))),
            ("section_of_manager", Value::Flag(standing.is_some_and(|it| is_of_manager(it, &author.sections)))),
            ("self_approval", Value::Flag(self.policy.is_some_and(|it| it.self_approval))),
            ("set_aside", self.approvers.set_aside()),
            ("source", named(source(case, *standing))),
            ("target_is_own", Value::Flag(case.around.own_target)),
            ("template_fits", Value::Flag(shown.fits)),
            ("third_party_link", Value::Flag(words.links_elsewhere(&self.town.sites))),
            ("undoes", Value::Flag(case.around.undoes)),
            ("weekday", Value::Number(self.local.date().weekday().to_monday_one_offset().into())),
            ("withdrawal", named(withdrawal(case))),
        ]
    }

    /// Whether it continues a thread of the account's own.
    fn continues_thread(&self) -> bool {
        self.case.action != Action::Reply && self.case.post.references.contains_key("reply_to")
    }

    /// Whether the section has arranged for posts on this ground (長野 2(7)ただし書), in the operating policy that is in force.
    fn is_arranged(&self) -> bool {
        self.policy.is_some_and(|policy| policy.exemptions.iter().any(|it| it.as_str() == self.shown.exemption))
    }

    /// Whether a description says this of the body; one of a list of accounts need not.
    fn describes(&self, holds: impl Fn(&str) -> bool) -> bool {
        self.case.around.of_list || self.words.describes(holds)
    }

    /// The categories of such findings.
    fn categories(&self, wanted: impl Fn(&Finding) -> bool) -> Value {
        let found = self.case.report.findings.iter().filter(|it| wanted(it));
        members("Category", found.map(|it| category(&it.category)))
    }

    /// What is out of the ordinary with the account or the post.
    fn modes(&self) -> Value {
        let trouble = &self.case.account.trouble;
        let found = [
            (self.case.around.corrects, "correction"),
            (trouble.is_aflame(self.case.now), "flame"),
            (!trouble.held_by.is_empty(), "held"),
            (self.policy.is_some_and(|policy| policy.joint), "joint"),
            (self.case.around.unplanned, "unplanned"),
        ];
        members("Mode", found.into_iter().filter(|(holds, _)| *holds).map(|(_, name)| name))
    }

    fn periods(&self) -> Value {
        let today = self.local.date();
        let periods = self.town.periods.iter().filter(|it| it.from <= today && today <= it.until);
        set(periods.map(|it| it.name.clone()).collect())
    }

    /// For how many days the provider's standard operating policy has been newer, begun days counted; 0: it is not.
    fn policy_stale_days(&self) -> i64 {
        let stale = self.standing.and_then(|it| it.policy.as_ref()?.stale_since);
        stale.map_or(0, |since| self.case.now.duration_since(since).as_hours() / 24 + 1)
    }

    fn purpose(&self) -> &'static str {
        let approved = || given(self.case).and_then(|it| it.category.as_deref());
        let category = self.case.around.category.as_deref().or_else(approved);
        purpose(self.standing.map_or(&[], |it| &it.topics), category)
    }

    /// Whether every condition of the provider's recognition that a machine can check is kept (練馬 第4条第2項).
    fn keeps_conditions(&self, standing: &Standing) -> bool {
        let case = self.case;
        standing.provider.conditions.iter().all(|condition| match condition {
            ProviderCondition::Without { action } => *action != case.action,
            ProviderCondition::WithoutMedia => case.post.media.is_empty() && case.action != Action::Upload,
            ProviderCondition::Within { hours } => hours.contains(self.local.time()),
            ProviderCondition::Project { .. } | ProviderCondition::Note { .. } => true,
        })
    }
}

/// Whether somebody answers for the account: holds the manager's position, or decides in the holder's place.
fn answers(standing: &Standing) -> bool {
    !standing.manager.is_vacant() || !standing.manager.deputies.is_empty()
}

/// Whether the manager's section is among these.
fn is_of_manager(standing: &Standing, sections: &[SectionId]) -> bool {
    standing.manager.section.as_ref().is_some_and(|it| sections.contains(it))
}

/// What is known of the posting tool.
struct Tool {
    contractor: bool,
    current: bool,
    in_hours: bool,
}

impl Tool {
    fn of(case: &Case<'_>, local: DateTime) -> Self {
        let client = case.client;
        let standing = case.around.standing.as_deref();
        let contractor = standing.and_then(|it| it.contractor(&client.id));
        let out = standing.is_some_and(|it| it.contractors_out.contains(&client.id));
        let hours = [client.hours, contractor.and_then(|it| it.hours)];
        Self {
            contractor: out || client.until.is_some() || contractor.is_some(),
            current: !out && client.until.is_none_or(|until| local.date() <= until),
            in_hours: hours.iter().flatten().all(|hours| hours.contains(local.time())),
        }
    }
}

/// Hours within which the operating policy asks for a report of an exempt post; 0 if it does not.
pub(in crate::guideline) fn after_report_hours(case: &Case<'_>) -> i64 {
    case.account.operating_policy.as_ref().and_then(|it| it.after_report_hours).map_or(0, i64::from)
}

/// How a category that the client or the approver names stands to what the account speaks of.
fn purpose(topics: &[String], category: Option<&str>) -> &'static str {
    match category.map(str::trim).filter(|category| !category.is_empty()) {
        _ if topics.is_empty() => "open",
        None => "unnamed",
        Some(category) if topics.iter().any(|topic| topic == category) => "within",
        Some(_) => "outside",
    }
}

/// What is shown of others, by kind of reference.
const SHOWN: [&str; 2] = ["quote_of", "repost_of"];

/// Whether it shows what somebody published. What only takes something back shows nothing.
fn quotes(case: &Case<'_>) -> bool {
    shows(case.action, |kind| case.post.references.get(kind).is_some_and(|ids| !ids.is_empty()))
}

/// The same of an action and what its post refers to, by kind.
pub(in crate::guideline) fn shows(action: Action, refers: impl Fn(&str) -> bool) -> bool {
    match action {
        Action::Quote | Action::Repost => true,
        Action::Publish | Action::Edit | Action::Schedule | Action::Reply | Action::DirectMessage => {
            SHOWN.into_iter().any(refers)
        }
        _ => false,
    }
}

/// The class of what is followed, quoted or reposted; `none` if one of several is not registered for it.
fn source(case: &Case<'_>, standing: Option<&Standing>) -> &'static str {
    if case.around.own_target && case.action != Action::Edit && quotes(case) {
        return "own";
    }
    let Some(standing) = standing else { return "none" };
    let (used, kinds): (_, &[&str]) = match case.action {
        Action::Follow => (SourceUse::Follow, &["whom"]),
        _ if quotes(case) => (SourceUse::Quote, &SHOWN),
        _ => return "none",
    };
    let named = given(case).and_then(|approval| approval.remarks.source.as_deref());
    let referred: Vec<&str> =
        kinds.iter().filter_map(|kind| case.post.references.get(*kind)).flatten().map(String::as_str).collect();
    let of_name = |name: &str| {
        // An AT URI begins with the account; elsewhere the id of a post does not say whose it is.
        let account = name.strip_prefix("at://").map_or(name, |rest| rest.split('/').next().unwrap_or(rest));
        standing.source(&case.account.provider, account, used)
    };
    let by_approver = || {
        let id = named?;
        standing.sources.iter().find(|it| it.id.as_str() == id && it.uses.contains(&used))
    };
    let mut class = None;
    for name in &referred {
        match of_name(name).or_else(by_approver) {
            Some(source) => class = class.or(Some(source.class.as_str())),
            None => return "none",
        }
    }
    class.unwrap_or("none")
}

fn withdrawal(case: &Case<'_>) -> &'static str {
    let said = case.around.reason.as_deref().and_then(Withdrawal::of);
    let approved = || Withdrawal::of(given(case)?.remarks.reason.as_deref()?);
    said.or_else(approved).map_or("none", Withdrawal::as_str)
}

/// Whether the answer is, word for word, one that everybody is given, and nothing besides.
fn fixed_answer(case: &Case<'_>, local: DateTime) -> bool {
    let policy = case.account.operating_policy.as_ref();
    let Some(fixed) = policy.and_then(|it| it.fixed_answers.as_ref()) else { return false };
    let mut spoken: Vec<&str> = Vec::new();
    for field in &case.post.fields {
        field.value.each_text(&field.at, &mut |at, text| {
            if !at.ends_with("/type") {
                spoken.push(text);
            }
        });
    }
    local.date() <= fixed.until
        && matches!(case.action, Action::Reply | Action::DirectMessage)
        && case.post.media.is_empty()
        && case.post.rest.is_empty()
        && !quotes(case)
        && !spoken.is_empty()
        && spoken.iter().all(|text| fixed.texts.iter().any(|known| known == text))
}

fn kind(kind: AccountKind) -> &'static str {
    match kind {
        AccountKind::General => "general",
        AccountKind::Individual => "individual",
    }
}
