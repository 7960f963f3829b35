//! What an approver says beside "yes": a reason, a clause set aside, a declaration, whose post it is.

use serde::{Deserialize, Serialize};

use super::clause::Clause;

/// What an approver states with an approval. Empty: nothing beside the consent itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Remarks {
    /// Why (理由). Needed for every clause that is set aside, and for 練馬 第13条第5号.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The clauses that hold as a principle (原則) and are set aside for this post. Only the account's manager can, and
    /// only clauses whose rule says that they are principles.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sets_aside: Vec<Clause>,
    /// What the approver has made sure of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub declares: Vec<Declaration>,
    /// The registered source whose post is quoted or reposted, by its id in the registry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

impl Remarks {
    /// Whether nothing is stated.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a reason is given.
    pub fn has_reason(&self) -> bool {
        self.reason.as_deref().is_some_and(|reason| !reason.trim().is_empty())
    }
}

/// What a person declares to have made sure of: the approver with the approval, or the tool's user with the post.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Declaration {
    /// 承諾: everybody who can be recognised has consented, or nobody can be (長野 7(1)ク).
    People,
    /// 撮影許可: pictures may be taken and published of the place (長野 7(1)ク).
    Place,
    /// 位置情報: it may be told where this is (長野 7(2)ア).
    Location,
    /// 第三者のページ: the linked or quoted page was looked at (長野 7(2)エ).
    ThirdParty,
    /// 広告・民間事業者: it does not read as a recommendation (長野 4(8)).
    NoEndorsement,
}

impl Declaration {
    /// All declarations.
    pub const ALL: [Self; 5] = [Self::People, Self::Place, Self::Location, Self::ThirdParty, Self::NoEndorsement];

    /// The stable name used in facts, entries, approvals and headers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::People => "people",
            Self::Place => "place",
            Self::Location => "location",
            Self::ThirdParty => "third-party",
            Self::NoEndorsement => "no-endorsement",
        }
    }

    /// The declarations of a list, `people, place`; none: another word stands in it.
    pub fn listed(list: &str) -> Option<Vec<Self>> {
        let named = |name: &str| Self::ALL.into_iter().find(|known| known.as_str() == name.trim());
        list.split(',').map(named).collect()
    }
}

/// Why something that was published is taken back (練馬 第15条、長野 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Withdrawal {
    /// 期限切れ: what it announced is over.
    Expired,
    /// 誤字: a slip of the pen.
    Typo,
    /// 誤投稿: it should not have been published.
    Mispost,
    /// 抵触: it breaks what the guideline forbids (長野 6(2)).
    Violation,
}

impl Withdrawal {
    /// The reason that a text begins with: `誤投稿`, `mispost`, `mispost: another account`.
    pub fn of(text: &str) -> Option<Self> {
        let word = text.split([':', '：', '、', ' ', '　']).next().unwrap_or_default().trim();
        match word {
            "期限切れ" | "expired" => Some(Self::Expired),
            "誤字" | "typo" => Some(Self::Typo),
            "誤投稿" | "mispost" => Some(Self::Mispost),
            "抵触" | "violation" => Some(Self::Violation),
            _ => None,
        }
    }

    /// The stable name used in facts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Typo => "typo",
            Self::Mispost => "mispost",
            Self::Violation => "violation",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_withdrawal_is_named_in_either_language_and_nothing_else_counts() {
        let cases = [
            ("誤投稿", Some(Withdrawal::Mispost)),
            ("誤投稿：別のアカウントに投稿", Some(Withdrawal::Mispost)),
            ("expired: the event is over", Some(Withdrawal::Expired)),
            ("typo", Some(Withdrawal::Typo)),
            ("抵触", Some(Withdrawal::Violation)),
            ("", None),
            ("なんとなく", None),
            ("misposted", None),
        ];
        for (text, wanted) in cases {
            assert_eq!(Withdrawal::of(text), wanted, "{text}");
        }
    }
}
