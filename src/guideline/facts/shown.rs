//! What a request shows for itself: its pass, and who approved it.

use super::{Value, members, set};
use crate::domain::approval::{Approval, Pass};
use crate::domain::clock;
use crate::domain::exemption::Exemption;
use crate::guideline::Case;

/// What the pass says.
#[derive(Clone, Copy)]
pub(super) struct Shown {
    pub(super) pass: &'static str,
    pub(super) exemption: &'static str,
    pub(super) drill: bool,
    pub(super) fits: bool,
    pub(super) in_policy: bool,
    pub(super) evidence: bool,
    pub(super) cms: &'static str,
}

impl Shown {
    /// What this pass says.
    pub(super) fn of(case: &Case<'_>) -> Self {
        let none = Self {
            pass: "none",
            exemption: "none",
            drill: false,
            fits: false,
            in_policy: false,
            evidence: false,
            cms: "none",
        };
        match case.pass {
            Pass::Approved { approval, .. } => {
                let cms = if approval.is_publish_event() { "event" } else { "none" };
                Self { pass: "approved", cms, ..none }
            }
            Pass::Resend { .. } => Self { pass: "resend", ..none },
            Pass::Followed(_) => Self { pass: "followed", ..none },
            Pass::Exempt(claim) => Self { pass: "exempt", exemption: claim.as_str(), ..none }.claiming(case, claim),
            Pass::None => none,
        }
    }

    fn claiming(self, case: &Case<'_>, claim: &Exemption) -> Self {
        match claim {
            Exemption::Emergency { drill, .. } => Self { drill: *drill, ..self },
            Exemption::WeatherEvent { fits, .. } => Self { fits: *fits, ..self },
            // Looked up again here, so that a policy that changed since the claim was read does not count.
            Exemption::OperatingPolicy { category, version } => {
                let policy = case.account.operating_policy.as_ref();
                let stands = policy.is_some_and(|it| it.version == *version && it.categories.contains(category));
                Self { in_policy: stands, ..self }
            }
            Exemption::AlreadyPublished { covers, .. } => Self { evidence: *covers, ..self },
            // A day that was over when the claim was read is over now; the clock is asked again all the same.
            Exemption::EstablishedFact { date, .. } => {
                Self { evidence: *date <= clock::in_japan(case.now).date(), ..self }
            }
            // Only a citation that is well formed becomes this.
            Exemption::Statutory { law, article } => Self { evidence: !law.is_empty() && !article.is_empty(), ..self },
            Exemption::CmsPage { .. } => Self { evidence: true, cms: "page", ..self },
        }
    }
}

/// The approval that was shown.
pub(super) fn given<'c>(case: &Case<'c>) -> Option<&'c Approval> {
    match case.pass {
        Pass::Approved { approval, .. } => Some(approval),
        Pass::Resend { .. } | Pass::Followed(_) | Pass::Exempt(_) | Pass::None => None,
    }
}

/// Who approved, one or several. Of a joint approval, what holds of one of them holds of it; whoever is the author among
/// them, too.
pub(super) struct Approvers<'c> {
    case: &'c Case<'c>,
}

impl<'c> Approvers<'c> {
    pub(super) fn of(case: &'c Case<'c>) -> Self {
        Self { case }
    }

    /// The approval that was shown, then the further ones; nobody, where none was shown.
    fn all(&self) -> impl Iterator<Item = &'c Approval> + Clone + use<'c> {
        let first = given(self.case);
        first.into_iter().chain(first.and(Some(&self.case.around.joint)).into_iter().flatten())
    }

    fn any(&self, holds: impl Fn(&Approval) -> bool) -> Value {
        Value::Flag(self.all().any(holds))
    }

    fn manages(&self, it: &Approval) -> bool {
        let standing = self.case.around.standing.as_deref();
        standing.map_or(it.approver == self.case.account.manager, |standing| standing.manager.is(&it.approver))
    }

    pub(super) fn is_manager(&self) -> Value {
        self.any(|it| self.manages(it))
    }

    pub(super) fn is_operator(&self) -> Value {
        let standing = self.case.around.standing.as_deref();
        let operators = standing.map_or(&self.case.account.operators, |standing| &standing.operators);
        self.any(|it| operators.contains(&it.approver))
    }

    pub(super) fn is_delegate(&self) -> Value {
        let around = self.case.around;
        self.any(|it| {
            let category = around.category.as_deref().or(it.category.as_deref());
            around.standing.as_ref().is_some_and(|standing| standing.delegation(&it.approver, category).is_some())
        })
    }

    pub(super) fn is_deputy(&self) -> Value {
        let standing = self.case.around.standing.as_deref();
        self.any(|it| standing.is_some_and(|standing| standing.manager.is_deputy(&it.approver)))
    }

    pub(super) fn is_author(&self) -> Value {
        self.any(|it| it.approver == self.case.client.owner)
    }

    pub(super) fn gave_reason(&self) -> Value {
        self.any(|it| it.remarks.has_reason())
    }

    /// How many different people they are.
    pub(super) fn number(&self) -> Value {
        let all = self.all();
        let is_new = |(at, it): &(usize, &Approval)| !all.clone().take(*at).any(|known| known.approver == it.approver);
        Value::Number(i64::try_from(all.clone().enumerate().filter(is_new).count()).unwrap_or(i64::MAX))
    }

    /// What they set aside. Only who manages the account sets a principle aside, and says why.
    pub(super) fn set_aside(&self) -> Value {
        let aside = self.all().filter(|it| it.remarks.has_reason() && self.manages(it));
        set(aside.flat_map(|it| &it.remarks.sets_aside).map(ToString::to_string).collect())
    }

    /// What they declare, or the posting tool did.
    pub(super) fn declares(&self) -> Value {
        let declared = self.all().flat_map(|it| &it.remarks.declares).chain(&self.case.around.declares);
        members("Declaration", declared.map(|it| it.as_str()))
    }
}
