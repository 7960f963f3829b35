//! SNS accounts (SNSアカウント) and the organisations that answer for them.

use serde::{Deserialize, Serialize};

/// Makes a string newtype for an identifier: compared, hashed and written as the string it is.
macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The identifier for this name.
            pub fn new(name: impl Into<String>) -> Self {
                Self(name.into())
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}
pub(crate) use identifier;

identifier!(
    /// A provider's short name: `x`, `line`.
    ProviderId
);
identifier!(
    /// A registered SNS account: `nerima-x`.
    AccountId
);
identifier!(
    /// A public body whose guideline is enforced and whose log is kept: `nerima`.
    OrganisationId
);

/// The gateway's own log, beside one log for each organisation: starts, stops, registry loads, requests that nobody
/// could be named for. No organisation can have this id.
pub const GATEWAY_LOG: &str = "gateway";

/// Account class (練馬 第6条 総合/個別, 長野 2(1) 代表/所属等).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccountKind {
    /// 総合アカウント, 代表アカウント.
    General,
    /// 個別アカウント, 所属等アカウント.
    Individual,
}

/// Where an account stands between application and closing (練馬 第5条, 第17条).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccountState {
    /// 申請中: applied for, not yet approved.
    Applied,
    /// 運用中: approved and in use.
    Active,
    /// 停止中: locked, by a leak, an incident or an order.
    Suspended,
    /// アーカイブ: readable by the public, never written again.
    Archived,
    /// 閉鎖: closed or deleted.
    Closed,
}

impl AccountState {
    /// The stable name used in facts, entries and configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Archived => "archived",
            Self::Closed => "closed",
        }
    }
}

/// The operating policy in force for an account (運用ポリシー, 練馬 第8条第2項).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperatingPolicy {
    /// Version, as the body numbers it.
    pub version: String,
    /// Categories that may be published without approval (練馬 第11条第3号).
    #[serde(default)]
    pub categories: Vec<String>,
    /// Whether an exempt post must be reported afterwards, and within how many hours. Absent: no report is asked for.
    #[serde(default)]
    pub after_report_hours: Option<u32>,
    /// Whether a post's author may approve it (自己決裁). The body's own choice; `false` unless it says so.
    #[serde(default)]
    pub self_approval: bool,
    /// Whether a post with media needs a declaration of consent (長野 7(1)ク) where the body's guideline asks for none.
    #[serde(default)]
    pub media_consent: bool,
    /// Whether it needs none where the guideline asks for one, as 長野市's does: for an account that shows no people and no
    /// place of others.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub media_consent_waived: bool,
    /// Answers that everybody who writes may be given, word for word (LINE).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed_answers: Option<FixedAnswers>,
    /// The grounds on which a post may pass without a decision, as the section has arranged beforehand (長野 2(7)ただし書).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exemptions: Vec<super::exemption::Ground>,
    /// The signature (署名) with which every post ends, where the body's guideline asks for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    /// Whether two people must approve every post (連名の承認).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub joint: bool,
}

/// A standing approval over an exact set of texts (定型の自動応答). The same words to everybody are no individual reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FixedAnswers {
    /// The texts, word for word.
    pub texts: Vec<String>,
    /// The last day in Japan, inclusive.
    pub until: jiff::civil::Date,
}

/// A registered SNS account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Its identifier in the registry.
    pub id: AccountId,
    /// The body that answers for it.
    pub organisation: OrganisationId,
    /// The provider it lives at.
    pub provider: ProviderId,
    /// The provider's own name or number of it, as the public sees it. By a number (a Page's), a DID or a server
    /// (`@koho@social.city.example`) the gateway also refuses requests that name another one.
    pub handle: String,
    /// 総合 or 個別.
    pub kind: AccountKind,
    /// Whether it may be used now.
    pub state: AccountState,
    /// アカウント管理者 (練馬 第7条): the person whose approval publishes.
    pub manager: super::person::PersonId,
    /// SNS運用責任者 (練馬 第12条).
    #[serde(default)]
    pub operators: Vec<super::person::PersonId>,
    /// The operating policy; none means that the account is not yet approved for use (練馬 第5条第2項).
    #[serde(default)]
    pub operating_policy: Option<OperatingPolicy>,
    /// SHA-256 (hex) of the provider credentials by which a posting tool shows that it means this account.
    #[serde(default)]
    pub credential_fingerprints: Vec<String>,
    /// The days on which the account is only observed (`mode = "observe"`); none: its guideline is enforced.
    #[serde(default)]
    pub observe: Option<Observe>,
    /// What is out of the ordinary: incidents that hold it, a flood of criticism. Never set by a configuration.
    #[serde(default, skip_serializing_if = "super::incident::Trouble::is_none")]
    pub trouble: super::incident::Trouble,
}

impl Account {
    /// The server that the account lives on, where its handle says so: `@koho@social.city.example`.
    pub fn home(&self) -> Option<&str> {
        self.handle.trim_start_matches('@').split_once('@').map(|(_, host)| host)
    }
}

/// The days in Japan, both included, on which a post that lacks an approval passes, and its entry says which clauses
/// would have refused it: for a body that begins to use the gate. After the last day the account enforces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Observe {
    /// The first day.
    pub from: jiff::civil::Date,
    /// The last day.
    pub until: jiff::civil::Date,
}

impl Observe {
    /// The longest observation, in days.
    pub const MOST_DAYS: i32 = 60;

    /// Whether the account is only observed on this day in Japan.
    pub fn covers(self, day: jiff::civil::Date) -> bool {
        self.from <= day && day <= self.until
    }

    /// Whether it ends after it begins, and is not too long.
    pub fn is_sound(self) -> bool {
        let days = self.until.duration_since(self.from).as_hours() / 24 + 1;
        self.from <= self.until && days <= i64::from(Self::MOST_DAYS)
    }
}
