//! A body's guideline as Cedar rules, one a clause: facts in, a verdict with its reasons out.

use jiff::Timestamp;

use crate::domain::account::Account;
use crate::domain::action::Action;
use crate::domain::approval::Pass;
use crate::domain::decision::{Permit, Refusal};
use crate::domain::finding::Report;
use crate::domain::person::Client;
use crate::domain::post::Post;

pub mod explain;
pub mod facts;
pub mod rules;

/// What a guideline judges.
#[derive(Clone, Copy)]
pub struct Case<'a> {
    /// The posting tool.
    pub client: &'a Client,
    /// The account.
    pub account: &'a Account,
    /// Whether the account's body has recognised the provider (練馬 第3条).
    pub recognised: bool,
    /// The action.
    pub action: Action,
    /// The post.
    pub post: &'a Post,
    /// What the inspector saw.
    pub report: &'a Report,
    /// The pass that was shown.
    pub pass: &'a Pass,
    /// When.
    pub now: Timestamp,
}

/// The guidelines of all bodies, parsed, validated, sliced.
pub struct Guidelines {}

impl Guidelines {
    /// Reads and validates the rules of every body against the schema.
    pub fn load(
        config: &crate::config::guideline::Guideline,
        organisations: &[crate::config::registry::Organisation],
    ) -> Result<Self, Vec<crate::config::Problem>> {
        let _ = (config, organisations);
        todo!("helper D")
    }

    /// SHA-256 (hex) over the rules in force.
    pub fn hash(&self) -> &str {
        todo!("helper D")
    }
}

/// Judges a case by the guideline of the account's body.
pub fn decide(guidelines: &Guidelines, case: Case<'_>) -> Result<Permit, Refusal> {
    let _ = (guidelines, case);
    todo!("helper D")
}
