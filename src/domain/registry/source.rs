//! Accounts of others that may be quoted or followed (練馬 第13条, 長野 4(12)), and contractors (練馬 第18条第1項).

use serde::{Deserialize, Serialize};

use super::{PositionId, RecordId, Span};
use crate::domain::account::{AccountId, ProviderId};
use crate::domain::person::{ClientId, Hours};

/// What a source is to the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceClass {
    /// 国、地方公共団体、監理団体・外郭団体 (練馬 13(1), 長野 4(12)・1).
    Government,
    /// 本市の所属等アカウント (長野 4(12)・2): the body's own, found without being registered.
    Own,
    /// 本市が出資している法人等 (長野 4(12)・3).
    Funded,
    /// 受託事業者の当該受託事業 (練馬 13(2)).
    Contractor,
    /// 指定管理者の当該施設 (練馬 13(3), 長野 4(12)・4).
    FacilityManager,
    /// 後援事業の主催者 (練馬 13(4)).
    Sponsored,
    /// 鉄道・バス等の公共交通機関 (長野 4(12)・5).
    Transport,
    /// 管理者が有益・必要と認めたもの (練馬 13(5), 長野 4(12)・6).
    Judged,
}

impl SourceClass {
    /// Every class.
    pub const ALL: [Self; 8] = [
        Self::Government,
        Self::Own,
        Self::Funded,
        Self::Contractor,
        Self::FacilityManager,
        Self::Sponsored,
        Self::Transport,
        Self::Judged,
    ];

    /// The stable name used in facts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Government => "government",
            Self::Own => "own",
            Self::Funded => "funded",
            Self::Contractor => "contractor",
            Self::FacilityManager => "facility-manager",
            Self::Sponsored => "sponsored",
            Self::Transport => "transport",
            Self::Judged => "judged",
        }
    }
}

/// What a source may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceUse {
    /// 引用 (リツイート等).
    Quote,
    /// フォロー.
    Follow,
}

/// An account of somebody else that the body's accounts may quote or follow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Its id in the registry.
    pub id: RecordId,
    /// The account of the body that may use it; none: every account.
    #[serde(default)]
    pub account: Option<AccountId>,
    /// The provider it is at.
    pub provider: ProviderId,
    /// Its names there: handle, number.
    pub names: Vec<String>,
    /// What it is.
    pub class: SourceClass,
    /// What it may be used for.
    pub uses: Vec<SourceUse>,
    /// What shows that: an address, a contract's or a 後援's number.
    pub evidence: String,
    /// The entrusted work, the facility, the sponsored event that its posts must be about; empty: any.
    #[serde(default)]
    pub about: String,
    /// When it may be used.
    pub span: Span,
    /// Why the manager judged it useful (練馬 13(5), 長野 4(12)・6).
    #[serde(default)]
    pub reason: String,
    /// Whether it was withdrawn.
    #[serde(default)]
    pub withdrawn: bool,
}

impl Source {
    /// Whether it is known at the provider by this name.
    pub fn is(&self, provider: &ProviderId, name: &str) -> bool {
        let plain = |text: &str| text.trim_start_matches('@').to_lowercase();
        self.provider == *provider && self.names.iter().any(|own| plain(own) == plain(name))
    }
}

/// A contractor (委託事業者) who posts for the body, under a head who supervises it (練馬 第18条第1項).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contractor {
    /// Its id.
    pub id: RecordId,
    /// Its name.
    pub name: String,
    /// The position that supervises it.
    pub supervisor: PositionId,
    /// Its posting tools.
    pub clients: Vec<ClientId>,
    /// The accounts it may post to.
    pub accounts: Vec<AccountId>,
    /// The contract's number.
    pub contract: String,
    /// The contract's days; it always ends.
    pub span: Span,
    /// The hours (JST) in which it may post without its supervisor; none: at any time.
    #[serde(default)]
    pub hours: Option<Hours>,
    /// Whether it was withdrawn.
    #[serde(default)]
    pub withdrawn: bool,
}

impl Contractor {
    /// Whether it may act on this day in Japan.
    pub fn is_in_force(&self, day: jiff::civil::Date) -> bool {
        !self.withdrawn && self.span.covers_day(day)
    }
}
