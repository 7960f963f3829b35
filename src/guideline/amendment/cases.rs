//! The table of cases: every action, under every way of being approved or exempt, in every circumstance that the changed rules
//! speak of. What no changed rule speaks of stays as in an ordinary post, which nothing else stops.

use std::collections::BTreeSet;

use super::wording;
use crate::domain::account::OrganisationId;
use crate::domain::action::Action;
use crate::guideline::facts::{Facts, NAMED, Value};

/// How a post is approved or exempt: the changes of an ordinary approved post.
const PASSES: [&str; 24] = [
    "",
    "approver_is_manager=false approvers=0 approver_offices=0 pass=none",
    "approver_is_deputy=true",
    "approver_is_manager=false approver_is_operator=true approver_is_delegate=true",
    "approver_is_manager=false approver_is_operator=true",
    "approver_is_manager=false",
    "approver_is_author=true",
    "approver_is_author=true self_approval=true",
    "approver_is_manager=false approver_is_operator=true approver_is_delegate=true approver_is_author=true self_approval=true",
    "approver_is_manager=false approvers=0 approver_offices=0 pass=exempt exemption=emergency",
    "approver_is_manager=false approvers=0 approver_offices=0 pass=exempt exemption=emergency drill=true",
    "approver_is_manager=false approvers=0 approver_offices=0 pass=exempt exemption=weather-event template_fits=true",
    "approver_is_manager=false approvers=0 approver_offices=0 pass=exempt exemption=weather-event",
    "approver_is_manager=false approvers=0 approver_offices=0 pass=exempt exemption=operating-policy category_in_policy=true",
    "approver_is_manager=false approvers=0 approver_offices=0 pass=exempt exemption=operating-policy",
    "approver_is_manager=false approvers=0 approver_offices=0 pass=resend",
    "approver_is_manager=false approvers=0 approver_offices=0 pass=followed",
    "approver_is_manager=false approvers=0 approver_offices=0 pass=exempt exemption=already-published evidence_holds=true exemption_arranged=true",
    "approver_is_manager=false approvers=0 approver_offices=0 pass=exempt exemption=already-published exemption_arranged=true",
    "approver_is_manager=false approvers=0 approver_offices=0 pass=exempt exemption=already-published evidence_holds=true",
    "approver_is_manager=false approvers=0 approver_offices=0 pass=exempt exemption=established-fact evidence_holds=true exemption_arranged=true",
    "approver_is_manager=false approvers=0 approver_offices=0 pass=exempt exemption=statutory evidence_holds=true exemption_arranged=true",
    "approver_is_manager=false approvers=0 approver_offices=0 pass=exempt exemption=cms-page cms=page evidence_holds=true",
    "cms=event",
];

/// What the ways above already vary.
const OF_PASSES: [&str; 14] = [
    "pass",
    "exemption",
    "drill",
    "template_fits",
    "category_in_policy",
    "approver_is_manager",
    "approver_is_operator",
    "approver_is_delegate",
    "approver_is_deputy",
    "approver_is_author",
    "self_approval",
    "evidence_holds",
    "exemption_arranged",
    "cms",
];

/// Up to so many combinations of circumstances are tried in full.
const IN_FULL: usize = 64;
/// Up to so many, two at a time.
const IN_PAIRS: usize = 160;

/// How thoroughly circumstances are combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// In every combination.
    All,
    /// At most two at a time.
    Pairs,
    /// One at a time.
    Single,
}

impl Reach {
    /// In Japanese and English.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::All => "関係する事実のすべての組み合わせ (all combinations)",
            Self::Pairs => "関係する事実を二つまで組み合わせて (two at a time)",
            Self::Single => "関係する事実を一つずつ (one at a time)",
        }
    }
}

/// One case.
#[derive(Clone, Debug)]
pub(super) struct Case {
    action: Action,
    pass: &'static str,
    /// Attribute and value, where they differ from an ordinary post.
    circumstances: Vec<(&'static str, String)>,
}

pub(super) struct Table {
    pub(super) cases: Vec<Case>,
    pub(super) reach: Reach,
}

impl Case {
    /// As `@canary` writes it.
    pub(super) fn changes(&self) -> String {
        let mut words = vec![format!("action={}", self.action.as_str())];
        words.extend(self.pass.split_whitespace().map(str::to_owned));
        words.extend(self.circumstances.iter().map(|(name, value)| format!("{name}={value}")));
        words.join(" ")
    }

    /// The facts.
    pub(super) fn facts(&self, body: &OrganisationId) -> Result<Facts, String> {
        Facts::ordinary(body.as_str()).with(&self.changes())
    }

    pub(super) fn in_words(&self) -> String {
        let way = PASSES.iter().position(|pass| *pass == self.pass).and_then(|at| wording::PASSES.get(at));
        let mut words = vec![wording::action(self.action).to_owned(), (*way.unwrap_or(&self.pass)).to_owned()];
        words.extend(self.circumstances.iter().map(|(name, value)| wording::circumstance(name, value)));
        words.join("／")
    }

    /// Whether the case tells the same without one of its circumstances.
    pub(super) fn is_more_than_needed(&self, tells: impl Fn(&Self) -> bool) -> bool {
        (0..self.circumstances.len()).any(|left_out| {
            let mut fewer = self.clone();
            fewer.circumstances.remove(left_out);
            tells(&fewer)
        })
    }
}

/// The table for rules with these conditions.
pub(super) fn table(body: &OrganisationId, conditions: &[String]) -> Table {
    let ordinary = Facts::ordinary(body.as_str());
    let mut axes: Vec<Vec<(&'static str, String)>> = vec![vec![("account_kind", "general".to_owned())]];
    for (name, value) in ordinary.values() {
        if is_told_otherwise(name) {
            continue;
        }
        let spoken: Vec<&str> = conditions.iter().flat_map(|text| mentions(text, name)).collect();
        if !spoken.is_empty() {
            axes.push(values(name, value, &spoken).into_iter().map(|value| (*name, value)).collect());
        }
    }
    let all = axes.iter().fold(1_usize, |product, axis| product.saturating_mul(axis.len() + 1));
    let (reach, depth) = match all {
        0..=IN_FULL => (Reach::All, axes.len()),
        _ if pairs(&axes) <= IN_PAIRS => (Reach::Pairs, 2),
        _ => (Reach::Single, 1),
    };
    let mut combinations: Vec<Vec<(&'static str, String)>> = vec![Vec::new()];
    for axis in &axes {
        let fewer: Vec<_> = combinations.iter().filter(|it| it.len() < depth).cloned().collect();
        for (chosen, value) in fewer.iter().flat_map(|chosen| axis.iter().map(move |value| (chosen, value))) {
            combinations.push(chosen.iter().chain([value]).cloned().collect());
        }
    }
    let mut cases = Vec::new();
    for circumstances in &combinations {
        for pass in PASSES {
            let with = |action| Case { action, pass, circumstances: circumstances.clone() };
            cases.extend(Action::ALL.into_iter().map(with));
        }
    }
    Table { cases, reach }
}

/// Whether an attribute is varied with the way of approval, always, or never.
pub(super) fn is_told_otherwise(name: &str) -> bool {
    OF_PASSES.contains(&name) || name == "account_kind" || name == "organisation"
}

/// How many combinations of at most two circumstances there are.
fn pairs(axes: &[Vec<(&'static str, String)>]) -> usize {
    let single: usize = axes.iter().map(Vec::len).sum();
    let same: usize = axes.iter().map(|axis| axis.len() * axis.len()).sum();
    1 + single + (single * single - same) / 2
}

/// What stands after each mention of an attribute, up to the next attribute.
fn mentions<'t>(text: &'t str, name: &str) -> Vec<&'t str> {
    let ends = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    let after = text.split("context.").skip(1).filter_map(|part| part.strip_prefix(name));
    // `["a", "b"].contains(context.name)` has its names before.
    let before = text.split("context.").zip(text.split("context.").skip(1));
    let listed = before.filter_map(|(list, part)| {
        part.strip_prefix(name).filter(|rest| ends(rest)).and_then(|_| list.rsplit_once('[').map(|(_, list)| list))
    });
    after.filter(|rest| ends(rest)).chain(listed).collect()
}

/// The values of an attribute that are tried, besides that of an ordinary post.
fn values(name: &str, ordinary: &Value, spoken: &[&str]) -> Vec<String> {
    match ordinary {
        Value::Flag(flag) => vec![(!flag).to_string()],
        Value::Number(number) => {
            let mut tried: BTreeSet<i64> = spoken.iter().flat_map(|text| numbers(text)).collect();
            tried = tried.iter().flat_map(|n| [n.saturating_sub(1), *n, n.saturating_add(1)]).collect();
            tried.into_iter().filter(|n| *n >= 0 && n != number).map(|n| n.to_string()).collect()
        }
        Value::Text(text) => {
            let known = NAMED.iter().find(|(known, _)| *known == name).map(|(_, names)| names.to_vec());
            let mut tried: Vec<String> = known.unwrap_or_default().into_iter().map(str::to_owned).collect();
            if tried.is_empty() {
                tried = quoted(spoken).into_iter().chain(["other".to_owned()]).collect();
            }
            tried.retain(|it| it != text);
            tried
        }
        Value::Set(_) => quoted(spoken),
        Value::Members(kind, _) => {
            let begins = format!("{kind}::\"");
            let named = spoken.iter().flat_map(|text| text.split(begins.as_str()).skip(1));
            let mut tried: Vec<String> = named
                .filter_map(|rest| rest.split('"').next())
                .map(str::to_owned)
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect();
            if *kind == "Declaration" && tried.len() > 1 {
                tried.push(tried.join(","));
            }
            // One that no rule names, for conditions about all of them.
            let other = match *kind {
                "Category" => Some("embargo"),
                "Declaration" => Some("location"),
                _ => None,
            };
            tried.extend(other.filter(|other| !tried.iter().any(|it| it == other)).map(str::to_owned));
            tried
        }
    }
}

fn quoted(texts: &[&str]) -> Vec<String> {
    let literals = texts.iter().flat_map(|text| text.split('"').skip(1).step_by(2));
    // `with` takes words apart at blanks and commas.
    let sound = |it: &&str| !it.is_empty() && !it.contains([' ', ',', '=']);
    literals.filter(sound).map(str::to_owned).collect::<BTreeSet<_>>().into_iter().collect()
}

fn numbers(text: &str) -> Vec<i64> {
    // Only what the attribute itself is compared with.
    let compared = text.split(['&', '|', ')', '}']).next().unwrap_or_default();
    compared.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_of_approval_is_readable_and_has_its_words() {
        let mut words = BTreeSet::new();
        for (pass, told) in PASSES.iter().zip(wording::PASSES) {
            assert!(Facts::ordinary("nerima").with(pass).is_ok(), "{pass}");
            assert!(words.insert(told), "{told} stands twice");
        }
        assert_eq!(words.len(), PASSES.len());
    }

    #[test]
    fn the_table_is_made_of_what_the_conditions_speak_of() {
        let body = OrganisationId::new("nerima");
        let told = |conditions: &[&str]| {
            let conditions: Vec<String> = conditions.iter().map(|it| (*it).to_owned()).collect();
            let table = table(&body, &conditions);
            let changes: BTreeSet<String> = table.cases.iter().map(Case::changes).collect();
            assert_eq!(changes.len(), table.cases.len(), "no case stands twice");
            (table.reach, changes)
        };
        let (reach, nothing) = told(&["forbid (principal, action, resource) when { context.pass == \"none\" };"]);
        assert_eq!((reach, nothing.len()), (Reach::All, 15 * 24 * 2));
        let (reach, some) = told(&[
            "when { context.policy_stale_days <= 30 && context.has_media || [\"instagram\"].contains(context.provider) }",
        ]);
        assert_eq!(reach, Reach::All);
        for wanted in [
            "action=publish policy_stale_days=29",
            "action=publish policy_stale_days=31",
            "action=publish has_media=true policy_stale_days=30 provider=instagram",
            "action=reply account_kind=general provider=other",
        ] {
            assert!(some.contains(wanted), "{wanted}");
        }
        assert!(!some.iter().any(|case| case.contains("has_media_")));
        let categories = "context.never_categories.contains(Category::\"template\")";
        assert!(told(&[categories]).1.contains("action=publish never_categories=template"));
    }
}
