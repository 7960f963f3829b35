//! Links of a post as its approver is told of them: by which hosts each one leads, where it ends, and what speaks against it.

use std::future::Future;
use std::pin::Pin;

use serde::{Deserialize, Serialize};

use super::clause::Clause;
use super::fetch::Unfetched;

/// A link as it stands in a post: in a text, inside another link, in a QR code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Where it stands: `/text`, `media:123`.
    pub at: String,
    /// The host that the text shows.
    pub host: String,
    /// The address, as a browser would call it.
    pub url: String,
}

/// How a way was gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// Every address that was called, in order.
    pub called: Vec<String>,
    /// The last one's status, or why the way did not end.
    pub end: Result<u16, Unfetched>,
    /// The address that was not called, where one stopped the way.
    pub stopped_at: Option<String>,
}

/// What speaks against a link, or against an address on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// The rule: `link.elsewhere`, `link.prohibited`, or that of the inspector.
    pub rule: String,
    /// The host that it is about.
    pub host: String,
    /// The clauses, of every guideline that has one.
    pub clauses: Vec<Clause>,
    /// What to look at, in Japanese.
    pub sentence: String,
}

/// What an approver is told of a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The link.
    #[serde(flatten)]
    pub link: Link,
    /// The host of every address on the way, the first and the last included.
    pub hops: Vec<String>,
    /// The host where the way ends; none: nobody knows.
    pub landing: Option<String>,
    /// The last address's status.
    pub status: Option<u16>,
    /// Why nobody knows where the way ends.
    pub unresolved: Option<Unresolved>,
    /// What speaks against it.
    pub warnings: Vec<Warning>,
}

/// Why a way's end is not known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unresolved {
    /// Stable code: `off`, `private`, `redirects`, `slow`, `unreachable`, `form`.
    pub code: String,
    /// The same in Japanese.
    pub sentence: String,
}

/// What was found of a post's links.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looked {
    /// Whether their ways were gone; otherwise they were only read.
    pub resolved: bool,
    /// The links.
    pub links: Vec<Told>,
    /// Links beyond the limit, which nobody looked at.
    pub left_out: usize,
}

impl Looked {
    /// What the approver saw, a line a link: `bit.ly > x.com`.
    pub fn lines(&self) -> Vec<String> {
        let end = |told: &Told| match (&told.landing, &told.unresolved) {
            (Some(landing), _) => landing.clone(),
            (None, Some(why)) => format!("({})", why.code),
            (None, None) => "(?)".to_owned(),
        };
        self.links.iter().map(|told| format!("{} > {}", told.link.host, end(told))).collect()
    }
}

/// A text of a held post, to be searched for links.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Where it stands.
    pub at: String,
    /// The text.
    pub text: String,
    /// Whether it is a link as a whole.
    pub link: bool,
}

/// Finds a post's links and, where the configuration says so, goes their ways. Never asked on the road of a post.
pub trait Links: Send + Sync {
    /// What there is to tell of the links of these texts.
    fn look(&self, texts: Vec<Said>) -> Pin<Box<dyn Future<Output = Looked> + Send + '_>>;
}
