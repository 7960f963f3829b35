//! Recognised providers (練馬 第3条, 第4条): application, review, decision, conditions, standard operating policy.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::PositionId;
use super::account::Judgement;
use crate::domain::account::ProviderId;
use crate::domain::action::Action;
use crate::domain::person::{Hours, PersonId};

/// Where a recognition stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProviderState {
    /// 申請中: the application (第1号様式) is handed in.
    Applied,
    /// 審査済: the review meeting has met.
    Reviewed,
    /// 承認: it may be used.
    Approved,
    /// 不承認.
    Denied,
}

impl ProviderState {
    /// The stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Reviewed => "reviewed",
            Self::Approved => "approved",
            Self::Denied => "denied",
        }
    }
}

/// A provider in a body's registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderRecord {
    /// The provider.
    pub provider: ProviderId,
    /// Where its recognition stands.
    pub state: ProviderState,
    /// The application (第1号様式); none: the body used it before the registry.
    #[serde(default)]
    pub application: Option<ProviderApplication>,
    /// What the review meeting found.
    #[serde(default)]
    pub review: Option<Review>,
    /// The decision.
    #[serde(default)]
    pub decision: Option<Judgement>,
    /// The conditions of the recognition.
    #[serde(default)]
    pub conditions: Vec<ProviderCondition>,
    /// The standard operating policy (標準的運用ポリシー).
    #[serde(default)]
    pub standard: Option<StandardPolicy>,
    /// By when the recognition is to be reviewed again.
    #[serde(default)]
    pub review_by: Option<Date>,
}

/// An application for a provider (第1号様式).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderApplication {
    /// Who applied.
    pub by: PersonId,
    /// In which position.
    pub position: PositionId,
    /// When.
    pub at: Timestamp,
    /// What it is to be used for.
    pub purpose: String,
}

/// The review (検討部会の審査, 練馬 第4条第2項).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Review {
    /// The day of the meeting.
    pub met: Date,
    /// 汎用性.
    pub versatility: String,
    /// 可用性.
    pub availability: String,
    /// 継続性.
    pub continuity: String,
    /// The positions that met (別表第1).
    pub members: Vec<PositionId>,
}

/// A standard operating policy (標準的運用ポリシー, 練馬 第3条第2項).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StandardPolicy {
    /// Its version.
    pub version: String,
    /// Where it can be read.
    pub document: String,
    /// Since when.
    pub at: Timestamp,
    /// The day on which the information policy section was consulted.
    pub consulted: Date,
    /// What it said.
    pub opinion: String,
}

/// A condition of a recognition that a machine can check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", deny_unknown_fields)]
pub enum ProviderCondition {
    /// An action is not to be used.
    Without {
        /// The action.
        action: Action,
    },
    /// No pictures and no videos.
    WithoutMedia,
    /// Only in these hours (JST).
    Within {
        /// The hours.
        hours: Hours,
    },
    /// A project (情報化企画) that uses its functions for payment or for knowing who somebody is was applied for and
    /// granted (練馬 第18条第3項).
    Project {
        /// The number of the application.
        number: String,
    },
    /// Something that only people can check.
    Note {
        /// What.
        text: String,
    },
}
