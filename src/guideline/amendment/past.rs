//! What a past post would be decided under an amendment. An entry does not hold the facts, so they are put together again from
//! what it tells; they count only where the old rules come to what the entry says.

use jiff::Timestamp;
use serde_json::Value;

use super::{Change, Conclusion, Ending, Side};
use crate::domain::account::{Account, AccountKind, OrganisationId};
use crate::domain::action::Action;
use crate::domain::clock;
use crate::domain::finding::{Accept, Finding, Severity};
use crate::guideline::facts::{Facts, shows};
use crate::guideline::rules::RuleEffect;

/// A permission or a refusal of the log.
pub struct Past<'p> {
    /// The entry.
    pub entry: &'p Value,
    /// The account, as the registry has it now.
    pub account: &'p Account,
    /// The person who answers for the request, where the payload could be opened.
    pub author: Option<&'p str>,
    /// The person who approved.
    pub approver: Option<&'p str>,
    /// All findings.
    pub findings: &'p [Finding],
    /// The post's normal form.
    pub post: Option<&'p Value>,
}

/// What is said of a past post.
#[derive(Clone, Debug)]
pub enum Told {
    /// The guideline did not decide it: it was refused before, or the account was only observed.
    NotJudged,
    /// The facts cannot be put together again so that the old rules say what the entry says.
    Unlike,
    /// It ends as before.
    Same,
    /// It ends otherwise.
    Differs(Box<(Change, Conclusion, Conclusion)>),
}

/// What may have held of a permitted post beside what its entry tells.
const PERHAPS: [&str; 13] = [
    "",
    "approver_is_deputy=true approver_is_manager=true",
    "approver_is_operator=true approver_is_delegate=true",
    "self_approval=true",
    "fixed_answer=true",
    "closed_audience=true",
    "undoes=true",
    "withdrawal=expired",
    "withdrawal=mispost target_is_own=true",
    "source=own",
    "source=government",
    "source=judged",
    "approver_gave_reason=true",
];

impl Past<'_> {
    fn text(&self, member: &str) -> &str {
        self.entry.get(member).and_then(Value::as_str).unwrap_or_default()
    }

    /// What both sides make of it.
    pub fn judged(&self, old: &Side, new: &Side, body: &OrganisationId, now: Timestamp) -> Told {
        let Some(ended) = self.ended() else { return Told::NotJudged };
        let Some(facts) = self.facts(old, body) else { return Told::Unlike };
        let like = facts.into_iter().find_map(|facts| {
            let was = old.concludes(body, &facts, now);
            self.is(ended, &was).then_some((facts, was))
        });
        let Some((facts, was)) = like else { return Told::Unlike };
        let is = new.concludes(body, &facts, now);
        if was.says_as(&is) {
            return Told::Same;
        }
        Told::Differs(Box::new((Change::of(&was, &is), was, is)))
    }

    /// How the entry ended by the guideline; none: it did not come so far.
    fn ended(&self) -> Option<Ending> {
        let judged = !self.text("action").is_empty() && self.entry.get("would_refuse").is_none();
        match (self.text("kind"), self.text("decision")) {
            ("permit", _) if judged => Some(Ending::Permitted),
            ("refusal", "held") if judged && self.entry.get("refused_by").is_some() => Some(Ending::Held),
            ("refusal", "refused") if judged && self.entry.get("refused_by").is_some() => Some(Ending::Refused),
            _ => None,
        }
    }

    fn is(&self, ended: Ending, was: &Conclusion) -> bool {
        let same = match ended {
            Ending::Permitted => was.rules.iter().any(|rule| rule == self.text("rule")),
            Ending::Held | Ending::Refused => {
                self.refused_by().iter().all(|rule| was.rules.iter().any(|it| it == rule))
            }
        };
        ended == was.ending && same
    }

    fn refused_by(&self) -> Vec<&str> {
        let listed = self.entry.get("refused_by").and_then(Value::as_array);
        listed.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// The facts as the entry tells them, and what may have held beside; none: it tells something that no fact can hold.
    fn facts(&self, old: &Side, body: &OrganisationId) -> Option<Vec<Facts>> {
        let told = self.told();
        let known: Vec<&str> =
            told.split_whitespace().filter_map(|word| word.split_once('=').map(|(name, _)| name)).collect();
        let facts = Facts::ordinary(body.as_str()).with(&told).ok()?;
        let refused_by = self.refused_by();
        if refused_by.is_empty() {
            return Some(PERHAPS.iter().filter_map(|more| facts.with(more).ok()).collect());
        }
        // Each rule that refused says by its canary what must have held; what the entry tells stays.
        let canaries = old.guidelines.rules(body).iter().filter(|rule| refused_by.contains(&rule.id.as_str()));
        let mut more = Vec::new();
        for rule in canaries {
            let RuleEffect::Forbid { canary, .. } = &rule.effect else { continue };
            let unknown = |word: &&str| word.split_once('=').is_some_and(|(name, _)| !known.contains(&name));
            more.extend(canary.split_whitespace().filter(unknown));
        }
        Some([facts.with(&more.join(" ")).ok(), Some(facts)].into_iter().flatten().collect())
    }

    /// What the entry and its payload tell, as changes of an ordinary post.
    fn told(&self) -> String {
        let mut told = vec![
            format!("action={}", self.text("action")),
            format!("provider={}", self.account.provider.as_str()),
            format!(
                "account_kind={}",
                if self.account.kind == AccountKind::General { "general" } else { "individual" }
            ),
        ];
        if let Ok(at) = self.text("at").parse::<Timestamp>() {
            let local = clock::in_japan(at);
            told.push(format!("hour={}", local.hour()));
            told.push(format!("weekday={}", local.date().weekday().to_monday_one_offset()));
        }
        let policy = self.account.operating_policy.as_ref();
        told.push(format!("after_report_hours={}", policy.and_then(|it| it.after_report_hours).unwrap_or(0)));
        told.push(format!("self_approval={}", policy.is_some_and(|it| it.self_approval)));
        told.extend(self.pass());
        let declared: Vec<&str> =
            [self.text("declared"), self.text("client_declared")].into_iter().flat_map(str::split_whitespace).collect();
        if !declared.is_empty() {
            told.push(format!("declares={}", declared.join(",")));
        }
        told.extend(self.found());
        let filled = |member: &str| self.post.and_then(|post| post.get(member)).is_some_and(is_filled);
        let refers = |kind: &str| self.post.and_then(|post| post.get("references")?.get(kind)).is_some_and(is_filled);
        let action = Action::ALL.into_iter().find(|action| action.as_str() == self.text("action"));
        told.push(format!("quotes={}", action.is_some_and(|action| shows(action, refers))));
        if self.post.is_some() {
            told.push(format!("has_media={}", filled("media")));
            told.push(format!("has_rest={}", filled("rest")));
            told.push(format!("has_schedule={}", filled("schedule")));
        }
        told.join(" ")
    }

    fn pass(&self) -> Vec<String> {
        let has = |member: &str| self.entry.get(member).is_some();
        let without =
            |pass: &str| vec![format!("pass={pass}"), "approver_is_manager=false".into(), "approvers=0".into()];
        if has("approval") {
            let is = |who: &str| self.approver == Some(who);
            let mut told = vec!["pass=approved".to_owned()];
            if self.approver.is_some() {
                let operator = self.account.operators.iter().any(|it| is(it.as_str()));
                told.push(format!("approver_is_manager={}", is(self.account.manager.as_str())));
                told.push(format!("approver_is_operator={operator}"));
                told.push(format!("approver_is_author={}", self.author == self.approver));
            }
            return told;
        }
        match self.text("exemption") {
            "" if has("resend_of") => without("resend"),
            "" if has("follows") => without("followed"),
            "" => without("none"),
            exemption => {
                let mut told = without("exempt");
                told.push(format!("exemption={exemption}"));
                // The claim held, or it would have been refused before the guideline.
                told.push(format!("template_fits={}", exemption == "weather-event"));
                told.push(format!("category_in_policy={}", exemption == "operating-policy"));
                told
            }
        }
    }

    /// The findings by weight; one of a category that rules do not know counts as `other`.
    fn found(&self) -> Vec<String> {
        let of = |name: &str, wanted: &dyn Fn(&Finding) -> bool| {
            let known = |it: &Finding| {
                let category = it.category.as_str();
                if crate::guideline::facts::CATEGORIES.contains(&category) {
                    category.to_owned()
                } else {
                    "other".to_owned()
                }
            };
            let found: Vec<String> = self.findings.iter().filter(|it| wanted(it)).map(known).collect();
            (!found.is_empty()).then(|| format!("{name}={}", found.join(",")))
        };
        [
            of("block_categories", &|it| it.severity == Severity::Block),
            of("review_categories", &Finding::asks),
            of("manager_categories", &|it| it.asks() && it.accept == Accept::Manager),
            of("never_categories", &|it| it.never),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

fn is_filled(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(members) => !members.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}
