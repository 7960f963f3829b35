//! Citations: which clause of which guideline a rule carries out.

use serde::{Deserialize, Serialize};

/// A citation such as `nerima:11` or `nagano:4(9)`; ids as in the guideline's own numbering.
///
/// Rules of the gateway itself, which no guideline numbers, cite `sekisho:<topic>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Clause(String);

impl Clause {
    /// The citation with this id.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Clause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
