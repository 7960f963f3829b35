//! `Charter`: which positions a body's guideline gives which part in the registry.

use serde::{Deserialize, Serialize};

use super::PositionId;

/// Whose clauses the registry carries out and cites.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pattern {
    /// 練馬区SNS活用ガイドライン.
    Nerima,
    /// 長野市ソーシャルメディアの利用に関するガイドライン.
    Nagano,
    /// A body with a guideline of its own: what both share, cited as the gateway's own rule.
    Plain,
}

/// The parts in the registry, by position.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Charter {
    /// Whose clauses.
    pub pattern: Pattern,
    /// Who approves accounts and manages those of the whole body: 広聴広報課長, 公式アカウント管理者.
    pub accounts: PositionId,
    /// Who decides of providers (練馬 第3条): 企画部長.
    pub providers: PositionId,
    /// Who is consulted (練馬 第3条第2項, 第5条第3項): 情報政策課長. None: nobody.
    #[serde(default)]
    pub consulted: Option<PositionId>,
    /// Who may sit in the review of providers (練馬 別表第1). Empty: no meeting is asked for.
    #[serde(default)]
    pub reviewers: Vec<PositionId>,
}

impl Charter {
    /// The charter of a pattern, as its guideline has it.
    pub fn of(pattern: Pattern) -> Self {
        let position = |title: &str| PositionId::new(title);
        match pattern {
            Pattern::Nerima => Self {
                pattern,
                accounts: position("広聴広報課長"),
                providers: position("企画部長"),
                consulted: Some(position("情報政策課長")),
                reviewers: ["企画部長", "区長室長", "広聴広報課長", "企画課長", "情報政策課長"].map(position).into(),
            },
            Pattern::Nagano | Pattern::Plain => {
                let head = if pattern == Pattern::Nagano { "広報広聴課長" } else { "広報課長" };
                Self {
                    pattern,
                    accounts: position(head),
                    providers: position(head),
                    consulted: None,
                    reviewers: Vec::new(),
                }
            }
        }
    }

    /// Every position that it names, each once.
    pub fn positions(&self) -> Vec<PositionId> {
        let mut all = vec![self.accounts.clone(), self.providers.clone()];
        all.extend(self.consulted.clone());
        all.extend(self.reviewers.iter().cloned());
        all.sort();
        all.dedup();
        all
    }
}
