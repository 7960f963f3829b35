//! Exemptions (ただし書): they skip the approver, and nothing else.

use serde::{Deserialize, Serialize};

use super::emergency::EmergencyId;

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
}

impl Exemption {
    /// The stable name used in facts, entries and the `Sekisho-Exemption` header.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Emergency { .. } => "emergency",
            Self::WeatherEvent { .. } => "weather-event",
            Self::OperatingPolicy { .. } => "operating-policy",
        }
    }
}
