//! Exemptions (ただし書): they skip the approver, and nothing else.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::emergency::EmergencyId;

/// The ordinary grounds that a section arranges beforehand (長野 2(7)ただし書: あらかじめ各所属で掲載に関するルールを取り決め).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ground {
    /// ・既に本市ホームページ・広報紙等で発信している内容.
    AlreadyPublished,
    /// ・行事、競技会の結果等、既成の事実.
    EstablishedFact,
    /// ・法令等で定められている内容.
    Statutory,
}

impl Ground {
    /// Every ground.
    pub const ALL: [Self; 3] = [Self::AlreadyPublished, Self::EstablishedFact, Self::Statutory];

    /// The stable name used in facts, entries and the `Sekisho-Exemption` header.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AlreadyPublished => "already-published",
            Self::EstablishedFact => "established-fact",
            Self::Statutory => "statutory",
        }
    }
}

/// The ground on which a post passes without an approval, with its evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Exemption {
    /// 災害関連情報など、緊急を要する情報 (練馬 第11条第1号) under a declared emergency.
    Emergency {
        /// The declaration.
        emergency: EmergencyId,
        /// Whether the declaration is a drill, which never reaches a provider.
        drill: bool,
    },
    /// 天候不良等による講座・イベントの開催・中止 (練馬 第11条第2号), by a template whose fields are filled.
    WeatherEvent {
        /// The template that the text fits.
        template: String,
        /// Whether the text is the template with its fields filled and nothing else.
        fits: bool,
    },
    /// 運用ポリシーにあらかじめ定める情報 (練馬 第11条第3号).
    OperatingPolicy {
        /// The category.
        category: String,
        /// The version of the operating policy that names it.
        version: String,
    },
    /// What the body's own site says already (長野 2(7)ただし書・1).
    AlreadyPublished {
        /// The page, as it was reached in the end.
        page: String,
        /// SHA-256 (hex) of the page as it was fetched.
        sha256: String,
        /// Whether every fact of the post stands on it.
        covers: bool,
    },
    /// What has taken place (長野 2(7)ただし書・2), by a template whose fields are filled.
    EstablishedFact {
        /// The template that the text fits.
        template: String,
        /// The latest day that the text names.
        date: Date,
    },
    /// What a law says (長野 2(7)ただし書・3). The tool declares where; nobody reads the law here.
    Statutory {
        /// The law's name.
        law: String,
        /// The article.
        article: String,
    },
    /// What the body's own content management system says of a page of its site (長野 2(8)), where it cannot sign: title,
    /// text and landing address agree with the page as it was fetched.
    CmsPage {
        /// The page, as it was reached in the end.
        page: String,
        /// SHA-256 (hex) of the page as it was fetched.
        sha256: String,
    },
}

impl Exemption {
    /// The stable name used in facts, entries and the `Sekisho-Exemption` header.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Emergency { .. } => "emergency",
            Self::WeatherEvent { .. } => "weather-event",
            Self::OperatingPolicy { .. } => "operating-policy",
            Self::AlreadyPublished { .. } => Ground::AlreadyPublished.as_str(),
            Self::EstablishedFact { .. } => Ground::EstablishedFact.as_str(),
            Self::Statutory { .. } => Ground::Statutory.as_str(),
            Self::CmsPage { .. } => "cms-page",
        }
    }
}
