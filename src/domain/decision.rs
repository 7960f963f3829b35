//! Decisions and refusals: what the gate concludes, with its reasons.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::approval::TicketId;
use super::clause::Clause;
use super::finding::Finding;
use super::outbound::Outbound;

/// What the gate concludes of a request.
#[derive(Debug)]
pub enum Decision {
    /// This very request may leave, for these reasons.
    Permit(Permit, Arc<Outbound>),
    /// It may not.
    Refuse(Box<Refusal>),
}

/// Why a request may leave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permit {
    /// The rule that names the basis: `nerima.11.approved`.
    pub rule: String,
    /// The clauses it rests on.
    pub clauses: Vec<Clause>,
    /// What must be done because of it.
    pub obligations: Vec<Obligation>,
}

/// A duty that comes with a permission: a closed set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Obligation {
    /// 事後報告 is owed by then. Opened before the post is forwarded.
    AfterReport {
        /// When it is due.
        due: Timestamp,
    },
    /// An incident (事案) is opened, before the request is forwarded.
    Incident,
    /// A note for the audit, such as 自己決裁.
    Mark {
        /// The mark.
        mark: String,
    },
    /// Somebody is told.
    Notify {
        /// Who.
        whom: Notified,
    },
}

/// Who is told of a post: a closed set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Notified {
    /// アカウント管理者、所属長.
    Manager,
    /// 広報の担当課.
    PublicRelations,
    /// 情報政策の担当課.
    Security,
}

impl Notified {
    /// The stable name, as the entry has it among the marks.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Manager => "notify:manager",
            Self::PublicRelations => "notify:public-relations",
            Self::Security => "notify:security",
        }
    }
}

/// What would make a refused post one that passes: a proposal to its author, since it changes the content. A closed set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", content = "text")]
pub enum Proposal {
    /// Put this before the text.
    Prefix(String),
    /// Put this after the text.
    Suffix(String),
    /// Add this hashtag.
    Hashtag(String),
    /// Send it at another time.
    Schedule(String),
}

/// One of several reasons of a refusal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The rule that refused, by id.
    pub rule: String,
    /// The clauses that say so.
    pub clauses: Vec<Clause>,
    /// The Japanese sentence.
    pub sentence: String,
    /// The same in English.
    pub sentence_en: String,
    /// The way forward, in Japanese.
    pub way_forward: String,
    /// What would heal it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proposals: Vec<Proposal>,
}

/// Whether a refusal is final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefusalKind {
    /// 保留: an approval would let it pass.
    Held,
    /// 却下: it may not pass as it is.
    Refused,
}

/// A refusal: a stable code, a sentence that a clerk understands, the clause, and the way forward.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Held or refused.
    pub kind: RefusalKind,
    /// Stable kebab-case code: `approval-missing`, `unknown-route`, `shortened-link`.
    pub code: Cow<'static, str>,
    /// HTTP status for a client that understands problem+json; provider shapes choose their own.
    pub status: u16,
    /// The Japanese sentence: what happened and why.
    pub sentence: String,
    /// The same in English.
    pub sentence_en: String,
    /// The way forward, in Japanese.
    pub way_forward: String,
    /// The clauses that say so.
    pub clauses: Vec<Clause>,
    /// The rules that refused, by id.
    pub rules: Vec<String>,
    /// Every reason, the refusal's own first, where a guideline refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Reason>,
    /// What the inspector saw.
    pub findings: Vec<Finding>,
    /// The ticket of a held post.
    pub ticket: Option<TicketId>,
    /// Seconds after which it may pass, where that is known.
    #[serde(default)]
    pub retry_after_s: Option<u64>,
}

impl Refusal {
    /// A final refusal with status 403 and no clause yet.
    pub fn refused(
        code: impl Into<Cow<'static, str>>,
        sentence: impl Into<String>,
        sentence_en: impl Into<String>,
        way_forward: impl Into<String>,
    ) -> Self {
        Self {
            kind: RefusalKind::Refused,
            code: code.into(),
            status: 403,
            sentence: sentence.into(),
            sentence_en: sentence_en.into(),
            way_forward: way_forward.into(),
            clauses: Vec::new(),
            rules: Vec::new(),
            reasons: Vec::new(),
            findings: Vec::new(),
            ticket: None,
            retry_after_s: None,
        }
    }

    /// The same, as a hold.
    #[must_use]
    pub fn held(mut self) -> Self {
        self.kind = RefusalKind::Held;
        self
    }

    /// The same with another status.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// The same citing one more clause.
    #[must_use]
    pub fn citing(mut self, clause: impl Into<String>) -> Self {
        self.clauses.push(Clause::new(clause));
        self
    }

    /// The whole message for a person: every sentence with its clauses and way forward, and the ticket.
    pub fn message(&self) -> String {
        let own = self.reasons.first().map_or(&self.clauses, |reason| &reason.clauses);
        let mut message = cited(&self.sentence, if self.reasons.len() > 1 { own } else { &self.clauses });
        message.push_str(&self.way_forward);
        for reason in self.reasons.iter().skip(1) {
            message.push_str("また、");
            message.push_str(&cited(&reason.sentence, &reason.clauses));
            message.push_str(&reason.way_forward);
        }
        if let Some(ticket) = &self.ticket {
            message.push_str(&format!("［受付番号 {ticket}］"));
        }
        message
    }

    /// Every sentence in English.
    pub fn message_en(&self) -> String {
        let others = self.reasons.iter().skip(1).map(|reason| reason.sentence_en.as_str());
        std::iter::once(self.sentence_en.as_str()).chain(others).collect::<Vec<_>>().join(" ")
    }
}

/// A sentence with the clauses that say so.
fn cited(sentence: &str, clauses: &[Clause]) -> String {
    let cited = |clause: &Clause| match clause.in_words() {
        Some(words) => format!("{words} [{clause}]"),
        None => clause.to_string(),
    };
    let clauses: Vec<String> = clauses.iter().map(cited).collect();
    if clauses.is_empty() { sentence.to_owned() } else { format!("{sentence}（根拠: {}）", clauses.join("、")) }
}
