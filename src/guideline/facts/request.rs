//! The facts of one request, from what the gate learned of it.

use crate::domain::account::AccountKind;
use crate::domain::action::Action;
use crate::domain::approval::{Approval, Pass};
use crate::domain::clock;
use crate::domain::exemption::Exemption;
use crate::domain::registry::{ProviderCondition, SourceUse, Standing};
use crate::domain::remarks::Withdrawal;

use super::words::Words;
use super::{Facts, Value, members, set, text};
use crate::guideline::Case;
use crate::guideline::judge::Town;

/// How a category that the client or the approver names stands to what the account speaks of.
fn purpose(topics: &[String], category: Option<&str>) -> &'static str {
    match category.map(str::trim).filter(|category| !category.is_empty()) {
        _ if topics.is_empty() => "open",
        None => "unnamed",
        Some(category) if topics.iter().any(|topic| topic == category) => "within",
        Some(_) => "outside",
    }
}

impl Facts {
    /// The facts of a case of this body.
    pub(in crate::guideline) fn of(case: &Case<'_>, town: &Town) -> Self {
        let account = case.account;
        let policy = account.operating_policy.as_ref();
        let mut values = vec![
            ("organisation", text(account.organisation.as_str())),
            ("account_registered", Value::Flag(true)),
            ("account_kind", text(kind(account.kind))),
            ("account_state", text(account.state.as_str())),
            ("has_operating_policy", Value::Flag(policy.is_some())),
            ("media_consent_asked", Value::Flag(policy.is_some_and(|it| it.media_consent))),
            ("media_consent_waived", Value::Flag(policy.is_some_and(|it| it.media_consent_waived))),
            ("self_approval", Value::Flag(policy.is_some_and(|it| it.self_approval))),
            ("after_report_hours", Value::Number(after_report_hours(case))),
            ("credential", text(case.credential.as_str())),
            ("provider", text(account.provider.as_str())),
            ("provider_recognised", Value::Flag(case.recognised)),
        ];
        values.extend(when(case, town));
        values.extend(around(case));
        values.extend(client(case));
        values.extend(pass(case));
        values.extend(findings(case));
        values.extend(content(case, town));
        values.sort_unstable_by_key(|(name, _)| *name);
        Self { client: case.client.id.to_string(), action: case.action, account: account.id.to_string(), values }
    }
}

/// Hours within which the operating policy asks for a report of an exempt post; 0 if it does not.
pub(in crate::guideline) fn after_report_hours(case: &Case<'_>) -> i64 {
    case.account.operating_policy.as_ref().and_then(|it| it.after_report_hours).map_or(0, i64::from)
}

fn when(case: &Case<'_>, town: &Town) -> Vec<(&'static str, Value)> {
    let local = clock::in_japan(case.now);
    let weekday = i64::from(local.date().weekday().to_monday_one_offset());
    let periods = town.periods.iter().filter(|it| it.from <= local.date() && local.date() <= it.until);
    vec![
        ("hour", Value::Number(local.hour().into())),
        ("weekday", Value::Number(weekday)),
        ("periods", set(periods.map(|it| it.name.clone()).collect())),
    ]
}

/// What the registry says. Where it says nothing, nothing is granted.
fn around(case: &Case<'_>) -> Vec<(&'static str, Value)> {
    let around = case.around;
    let standing = around.standing.as_ref();
    let category = around.category.as_deref().or_else(|| given(case).and_then(|it| it.category.as_deref()));
    let stale = standing.and_then(|it| it.policy.as_ref()?.stale_since);
    let stale_days = stale.map_or(0, |since| case.now.duration_since(since).as_hours() / 24 + 1);
    let manager_section = standing.and_then(|it| it.manager.section.as_ref());
    let of_manager = manager_section.is_some_and(|it| around.author.sections.contains(it));
    let answered = standing.is_some_and(|it| !it.manager.is_vacant() || !it.manager.deputies.is_empty());
    vec![
        ("manager_in_post", Value::Flag(answered)),
        ("operator_in_post", Value::Flag(standing.is_some_and(|it| !it.operators.is_empty()))),
        ("policy_stale_days", Value::Number(stale_days)),
        ("provider_conditions_kept", Value::Flag(standing.is_some_and(|it| keeps_conditions(it, case)))),
        ("section_granted", Value::Flag(standing.is_some_and(|it| it.is_granted(&around.author.sections)))),
        ("section_of_manager", Value::Flag(of_manager)),
        ("closed_audience", Value::Flag(standing.is_some_and(|it| it.closed_audience))),
        ("purpose", text(purpose(standing.map_or(&[], |it| &it.topics), category))),
        ("source", text(source(case, standing))),
        ("withdrawal", text(withdrawal(case))),
        ("target_is_own", Value::Flag(around.own_target)),
        ("undoes", Value::Flag(around.undoes)),
    ]
}

/// Whether every condition of the provider's recognition that a machine can check is kept (練馬 第4条第2項).
fn keeps_conditions(standing: &Standing, case: &Case<'_>) -> bool {
    let time = clock::in_japan(case.now).time();
    standing.provider.conditions.iter().all(|condition| match condition {
        ProviderCondition::Without { action } => *action != case.action,
        ProviderCondition::WithoutMedia => case.post.media.is_empty() && case.action != Action::Upload,
        ProviderCondition::Within { hours } => hours.contains(time),
        ProviderCondition::Project { .. } | ProviderCondition::Note { .. } => true,
    })
}

/// The class of what is followed, quoted or reposted; `none` if one of several is not registered for it.
fn source(case: &Case<'_>, standing: Option<&Standing>) -> &'static str {
    if case.around.own_target && matches!(case.action, Action::Quote | Action::Repost) {
        return "own";
    }
    let Some(standing) = standing else { return "none" };
    let (used, kinds): (_, &[&str]) = match case.action {
        Action::Follow => (SourceUse::Follow, &["whom"]),
        Action::Quote | Action::Repost => (SourceUse::Quote, &["quote_of", "repost_of"]),
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

fn client(case: &Case<'_>) -> Vec<(&'static str, Value)> {
    let (client, local) = (case.client, clock::in_japan(case.now));
    let standing = case.around.standing.as_ref();
    let contractor = standing.and_then(|it| it.contractor(&client.id));
    let out = standing.is_some_and(|it| it.contractors_out.contains(&client.id));
    let current = !out && client.until.is_none_or(|until| local.date() <= until);
    let hours = [client.hours, contractor.and_then(|it| it.hours)];
    let in_hours = hours.iter().flatten().all(|hours| hours.contains(local.time()));
    vec![
        ("client_is_contractor", Value::Flag(out || client.until.is_some() || contractor.is_some())),
        ("client_is_cms", Value::Flag(client.cms)),
        ("client_current", Value::Flag(current)),
        ("client_in_hours", Value::Flag(in_hours)),
    ]
}

/// What is out of the ordinary with the account or the post.
fn modes(case: &Case<'_>) -> Value {
    let trouble = &case.account.trouble;
    let aflame = trouble.is_aflame(case.now);
    let joint = case.account.operating_policy.as_ref().is_some_and(|policy| policy.joint);
    let found = [
        (case.around.corrects, "correction"),
        (aflame, "flame"),
        (!trouble.held_by.is_empty(), "held"),
        (joint, "joint"),
        (case.around.unplanned, "unplanned"),
    ];
    members("Mode", found.into_iter().filter(|(holds, _)| *holds).map(|(_, name)| name.to_owned()).collect())
}

/// Different people among those who approved.
fn approvers(case: &Case<'_>) -> i64 {
    let Some(first) = given(case) else { return 0 };
    let mut people: Vec<_> = case.around.joint.iter().map(|it| &it.approver).chain([&first.approver]).collect();
    people.sort();
    people.dedup();
    i64::try_from(people.len()).unwrap_or(i64::MAX)
}

/// The approval that was shown.
fn given<'c>(case: &Case<'c>) -> Option<&'c Approval> {
    match case.pass {
        Pass::Approved { approval, .. } => Some(approval),
        Pass::Resend { .. } | Pass::Followed(_) | Pass::Exempt(_) | Pass::None => None,
    }
}

fn pass(case: &Case<'_>) -> Vec<(&'static str, Value)> {
    let (mut name, mut exemption, mut drill, mut fits, mut in_policy) = ("none", "none", false, false, false);
    let (mut evidence, mut cms) = (false, "none");
    match case.pass {
        Pass::Approved { approval, .. } => {
            name = "approved";
            if approval.is_publish_event() {
                cms = "event";
            }
        }
        Pass::Resend { .. } => name = "resend",
        Pass::Followed(_) => name = "followed",
        Pass::Exempt(claim) => {
            name = "exempt";
            exemption = claim.as_str();
            match claim {
                Exemption::Emergency { drill: is_drill, .. } => drill = *is_drill,
                Exemption::WeatherEvent { fits: does_fit, .. } => fits = *does_fit,
                // Looked up again here, so that a policy that changed since the claim was read does not count.
                Exemption::OperatingPolicy { category, version } => {
                    in_policy = case
                        .account
                        .operating_policy
                        .as_ref()
                        .is_some_and(|policy| policy.version == *version && policy.categories.contains(category));
                }
                Exemption::AlreadyPublished { covers, .. } => evidence = *covers,
                // A day that was over when the claim was read is over now; the clock is asked again all the same.
                Exemption::EstablishedFact { date, .. } => evidence = *date <= clock::in_japan(case.now).date(),
                // Only a citation that is well formed becomes this.
                Exemption::Statutory { law, article } => evidence = !law.is_empty() && !article.is_empty(),
                Exemption::CmsPage { .. } => (evidence, cms) = (true, "page"),
            }
        }
        Pass::None => {}
    }
    let mut values = vec![
        ("pass", text(name)),
        ("exemption", text(exemption)),
        ("drill", Value::Flag(drill)),
        ("template_fits", Value::Flag(fits)),
        ("category_in_policy", Value::Flag(in_policy)),
        ("evidence_holds", Value::Flag(evidence)),
        ("exemption_arranged", Value::Flag(arranged(case, exemption))),
        ("reports_overdue", Value::Flag(case.around.reports_overdue)),
        ("cms", text(cms)),
    ];
    values.extend(approver(case));
    values
}

/// Whether the section has arranged for posts on this ground (長野 2(7)ただし書), in the operating policy that is in force.
fn arranged(case: &Case<'_>, exemption: &str) -> bool {
    let policy = case.account.operating_policy.as_ref();
    policy.is_some_and(|policy| policy.exemptions.iter().any(|ground| ground.as_str() == exemption))
}

fn approver(case: &Case<'_>) -> Vec<(&'static str, Value)> {
    let approval = given(case);
    let standing = case.around.standing.as_ref();
    // Of a joint approval, what holds of one of them holds of it; whoever is the author among them, too.
    let all = || approval.into_iter().chain(approval.and(Some(&case.around.joint)).into_iter().flatten());
    let is = |holds: &dyn Fn(&Approval) -> bool| Value::Flag(all().any(holds));
    let manager = |it: &Approval| {
        standing.map_or(it.approver == case.account.manager, |standing| standing.manager.is(&it.approver))
    };
    let operator =
        |it: &Approval| standing.map_or(&case.account.operators, |standing| &standing.operators).contains(&it.approver);
    let delegated = |it: &Approval| {
        let category = case.around.category.as_deref().or(it.category.as_deref());
        standing.is_some_and(|standing| standing.delegation(&it.approver, category).is_some())
    };
    let deputy = |it: &Approval| standing.is_some_and(|standing| standing.manager.is_deputy(&it.approver));
    // Only who manages the account sets a principle aside, and says why.
    let aside = all().filter(|it| manager(it) && it.remarks.has_reason()).flat_map(|it| &it.remarks.sets_aside);
    let aside = aside.map(ToString::to_string).collect();
    let declares = all().flat_map(|it| &it.remarks.declares).chain(&case.around.declares);
    vec![
        ("approver_is_manager", is(&manager)),
        ("approver_is_operator", is(&operator)),
        ("approver_is_delegate", is(&delegated)),
        ("approver_is_deputy", is(&deputy)),
        ("approver_is_author", is(&|it| it.approver == case.client.owner)),
        ("approver_gave_reason", is(&|it| it.remarks.has_reason())),
        ("approvers", Value::Number(approvers(case))),
        ("approver_offices", Value::Number(i64::try_from(case.around.approver_offices).unwrap_or(i64::MAX))),
        ("modes", modes(case)),
        ("set_aside", set(aside)),
        ("declares", members("Declaration", declares.map(|it| it.as_str().to_owned()).collect())),
    ]
}

fn findings(case: &Case<'_>) -> Vec<(&'static str, Value)> {
    use crate::domain::finding::{Accept, Finding, Severity};
    let of = |wanted: &dyn Fn(&Finding) -> bool| {
        let found = case.report.findings.iter().filter(|it| wanted(it)).map(|it| it.category.clone());
        members("Category", found.collect())
    };
    vec![
        ("block_categories", of(&|it| it.severity == Severity::Block)),
        ("review_categories", of(&Finding::asks)),
        ("manager_categories", of(&|it| it.asks() && it.accept == Accept::Manager)),
        ("never_categories", of(&|it| it.never)),
    ]
}

fn content(case: &Case<'_>, town: &Town) -> Vec<(&'static str, Value)> {
    let words = Words::of(case.post);
    let continues = case.action != Action::Reply && case.post.references.contains_key("reply_to");
    let described = |holds: &dyn Fn(&str) -> bool| case.around.of_list || words.describes(holds);
    let signature = case.account.operating_policy.as_ref().and_then(|it| it.signature.as_deref());
    vec![
        ("has_rest", Value::Flag(!case.post.rest.is_empty())),
        ("has_text", Value::Flag(words.has_text())),
        ("has_media", Value::Flag(!case.post.media.is_empty())),
        ("has_schedule", Value::Flag(case.post.schedule.is_some())),
        ("has_place", Value::Flag(super::words::has_place(case.post))),
        ("continues_thread", Value::Flag(continues)),
        ("third_party_link", Value::Flag(words.links_elsewhere(&town.sites))),
        ("begins_with_section", Value::Flag(words.begins_with_section(&case.around.sections))),
        ("ends_with_signature", Value::Flag(words.ends_with(signature))),
        ("hashtags", set(words.hashtags())),
        ("fixed_answer", Value::Flag(fixed_answer(case))),
        ("profile_names_body", Value::Flag(described(&|it| it.contains(&town.name)))),
        ("profile_names_site", Value::Flag(described(&|it| town.sites.iter().any(|site| it.contains(site))))),
    ]
}

/// Whether the answer is, word for word, one that everybody is given, and nothing besides.
fn fixed_answer(case: &Case<'_>) -> bool {
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
    clock::in_japan(case.now).date() <= fixed.until
        && matches!(case.action, Action::Reply | Action::DirectMessage)
        && case.post.media.is_empty()
        && case.post.rest.is_empty()
        && !spoken.is_empty()
        && spoken.iter().all(|text| fixed.texts.iter().any(|known| known == text))
}

fn kind(kind: AccountKind) -> &'static str {
    match kind {
        AccountKind::General => "general",
        AccountKind::Individual => "individual",
    }
}
