//! Findings: what an inspector saw in a post.

use serde::{Deserialize, Serialize};

use super::clause::Clause;

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Worth a look; never stops a post.
    Note,
    /// Somebody must look; an approval given with the finding in view carries it.
    Review,
    /// Stops the post.
    Block,
}

impl Severity {
    /// The stable name used in facts and entries.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Review => "review",
            Self::Block => "block",
        }
    }
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The rule that found it: `shortener.listed`.
    pub rule: String,
    /// The category facts speak of: `url_shortener`, `personal_mynumber`, `label`, `template`.
    pub category: String,
    /// The clauses that forbid it, of every guideline that has one; a decision cites the judged body's own.
    pub clauses: Vec<Clause>,
    /// How much it weighs.
    pub severity: Severity,
    /// Where the field stood: `/text`, `media:123`.
    pub field: String,
    /// The span in the original text of that field, in bytes: start inclusive, end exclusive.
    pub span: (usize, usize),
    /// What matched, masked where it is personal data or a secret.
    pub excerpt: String,
    /// A Japanese sentence that says what to change.
    pub advice: String,
    /// Whether nobody may override it, in an emergency either.
    pub never: bool,
    /// Who may accept it, where it is for a person to look at.
    #[serde(default)]
    pub accept: Accept,
    /// Whether that person has accepted it for this very post, under these rules.
    #[serde(default)]
    pub accepted: bool,
}

/// Who may accept a finding that is for a person to look at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Accept {
    /// Whoever approves the post.
    #[default]
    Approver,
    /// The account's manager.
    Manager,
}

impl Finding {
    /// What an acceptance names: the rule, its weight, the place and the words that it saw.
    pub fn fingerprint(&self) -> String {
        let (start, end) = (self.span.0.to_string(), self.span.1.to_string());
        let parts =
            [self.rule.as_str(), self.severity.as_str(), &self.field, &start, &end, &self.excerpt, &self.advice];
        super::media::Sha256::of(parts.join("\0").as_bytes()).hex()
    }

    /// Whether it still is for a person to look at.
    pub fn asks(&self) -> bool {
        self.severity == Severity::Review && !self.accepted
    }
}

/// A finding that a person has accepted: for one content, one account, under one version of the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acceptance {
    /// The post.
    pub digest: super::digest::Digest,
    /// The account.
    pub account: super::account::AccountId,
    /// The finding's fingerprint.
    pub finding: String,
    /// Hash (hex) of the rule set that found it.
    pub rules: String,
    /// The rule.
    pub rule: String,
    /// Who accepted it.
    pub person: super::person::PersonId,
}

/// What an inspection saw, and with what it looked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Findings in the order of the fields.
    pub findings: Vec<Finding>,
    /// Hash (hex) of the rule set that looked.
    pub rules: String,
    /// How many fields were read.
    pub fields: usize,
    /// How many bytes of text were read.
    pub bytes: usize,
}

impl Report {
    /// The heaviest severity found.
    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(|finding| finding.severity).max()
    }
}
