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
