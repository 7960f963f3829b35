//! The registry's rules: who may change what, and when. `decide` is the only place that says so.
//!
//! A change is asked for by a person and heard against the book of that person's own body at an instant. What comes out
//! is a [`Decided`], which the ledger writes with the entry in one transaction, or a refusal that cites every clause it
//! breaks. [`rules`] is the table by clause. Nothing is read or written here, and nothing of another body can be seen.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::domain::account::Account;
use crate::domain::account::AccountId;
use crate::domain::clock::in_japan;
use crate::domain::decision::Refusal;
use crate::domain::person::PersonId;
use crate::domain::registry::account::Judgement;
use crate::domain::registry::{AccountRecord, Asked, Book, Charter, PositionId, SectionId, Written};

mod account;
mod grant;
pub mod incident;
mod issuer;
mod life;
mod office;
mod provider;
pub mod rules;
mod source;
#[cfg(test)]
mod tests;
pub mod transfer;

use rules::Rule;

/// A change that may be made, upon the book as it was. Only [`decide`] makes one.
#[derive(Debug)]
pub struct Decided {
    written: Written,
    revision: u64,
    clauses: Vec<&'static str>,
    deputy: bool,
}

impl Decided {
    /// What is written.
    pub fn written(&self) -> &Written {
        &self.written
    }

    /// The revision of the book it was decided upon; on another, it must be decided again.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The clauses that were asked and hold.
    pub fn clauses(&self) -> &[&'static str] {
        &self.clauses
    }

    /// Whether the person acted as a deputy (代決).
    pub fn is_by_deputy(&self) -> bool {
        self.deputy
    }
}

/// Decides whether `by` may make this change now.
///
/// # Errors
/// A refusal that cites every clause the change breaks in this body; nothing is changed then.
pub fn decide(asked: &Asked, by: &PersonId, book: &Book, now: Timestamp) -> Result<Decided, Box<Refusal>> {
    let Some(charter) = &book.charter else {
        return Err(Box::new(refusal(
            &[&rules::COLLEAGUE],
            Charter::of(crate::domain::registry::Pattern::Plain).pattern,
        )));
    };
    let day = in_japan(now).date();
    let mut hearing = Hearing { by, book, charter, now, day, broken: Vec::new(), held: Vec::new(), deputy: false };
    hearing.must(book.is_employed(by, day), &rules::COLLEAGUE);
    let mut lines = Vec::new();
    let written = hear(&mut hearing, asked, &mut lines);
    if !lines.is_empty() {
        hearing.broken.push(&rules::LINES);
    }
    if !hearing.broken.is_empty() {
        let refused = refusal(&hearing.broken, charter.pattern);
        return Err(Box::new(if lines.is_empty() { refused } else { transfer::in_words(refused, &lines) }));
    }
    let Hearing { held: mut clauses, deputy, .. } = hearing;
    clauses.sort_unstable();
    clauses.dedup();
    Ok(Decided { written, revision: book.revision, clauses, deputy })
}

fn hear(hearing: &mut Hearing<'_>, asked: &Asked, lines: &mut Vec<transfer::Problem>) -> Written {
    match asked {
        Asked::Section(_) | Asked::Position(_) | Asked::Deputise(_) | Asked::EndDeputy { .. } => {
            office::hear(hearing, asked)
        }
        Asked::Transfer { moves } => transfer::hear(hearing, moves, lines),
        Asked::ApplyProvider { .. }
        | Asked::ReviewProvider { .. }
        | Asked::DecideProvider { .. }
        | Asked::SetStandardPolicy { .. } => provider::hear(hearing, asked),
        Asked::ApplyAccount { .. }
        | Asked::ConsultAccount { .. }
        | Asked::DecideAccount { .. }
        | Asked::SetManager { .. }
        | Asked::SetPolicy { .. }
        | Asked::SetOperators { .. } => account::hear(hearing, asked),
        Asked::ChangeAccount { .. }
        | Asked::SuspendAccount { .. }
        | Asked::ResumeAccount { .. }
        | Asked::NotifyClosing { .. }
        | Asked::CloseAccount { .. }
        | Asked::ArchiveAccount { .. } => life::hear(hearing, asked),
        Asked::ApplyGrant { .. } | Asked::DecideGrant { .. } | Asked::Delegate { .. } | Asked::EndDelegation { .. } => {
            grant::hear(hearing, asked)
        }
        Asked::Source(_) | Asked::EndSource { .. } | Asked::Contractor(_) | Asked::EndContractor { .. } => {
            source::hear(hearing, asked)
        }
        Asked::Issuer(_) | Asked::EndIssuer { .. } => issuer::hear(hearing, asked),
    }
}

/// The refusal for these rows: the first one's code and way forward, every one's sentence and clause.
fn refusal(broken: &[&'static Rule], pattern: crate::domain::registry::Pattern) -> Refusal {
    let Some(first) = broken.first() else {
        return Refusal::refused(
            "registry-refused",
            "登録簿を変更できません。",
            "The registry was not changed.",
            "内容をご確認ください。",
        );
    };
    let ja: String = broken.iter().map(|rule| rule.ja).collect();
    let en: Vec<&str> = broken.iter().map(|rule| rule.en).collect();
    let mut refusal = Refusal::refused(first.code, ja, en.join(" "), first.way).status(first.status);
    for rule in broken {
        let clause = crate::domain::clause::Clause::new(rule.clause(pattern).unwrap_or("sekisho:registry"));
        if !refusal.clauses.contains(&clause) {
            refusal.clauses.push(clause);
        }
        refusal.rules.push(rule.code.to_owned());
    }
    refusal
}

/// A change being heard.
struct Hearing<'a> {
    by: &'a PersonId,
    book: &'a Book,
    charter: &'a Charter,
    now: Timestamp,
    day: Date,
    broken: Vec<&'static Rule>,
    held: Vec<&'static str>,
    deputy: bool,
}

impl<'a> Hearing<'a> {
    /// Notes whether a row holds; a row that is not in force in this body always does.
    fn must(&mut self, holds: bool, rule: &'static Rule) -> bool {
        let Some(clause) = rule.clause(self.charter.pattern) else { return true };
        if holds {
            self.held.push(clause);
        } else if !self.broken.iter().any(|known| std::ptr::eq(*known, rule)) {
            self.broken.push(rule);
        }
        holds
    }

    /// Whether the person holds the position, or decides in its holder's place, which is remembered.
    fn holds(&mut self, position: &PositionId) -> bool {
        if self.holds_in_person(position) {
            return true;
        }
        let deputises = self.book.holding(self.by, self.day).deputises.contains(position);
        self.deputy |= deputises;
        deputises
    }

    /// Whether the person holds the position.
    fn holds_in_person(&self, position: &PositionId) -> bool {
        if self.book.positions.get(position).is_some_and(|it| it.leads) {
            return self.book.holder(position, self.day) == Some(self.by);
        }
        self.book.holding(self.by, self.day).positions.contains(position)
    }

    /// The leading position in which the person acts: the own one, or one whose holder the person deputises for; in
    /// this section, if one is asked for.
    fn leads(&mut self, section: Option<&SectionId>) -> Option<PositionId> {
        let holding = self.book.holding(self.by, self.day);
        let leads = |it: &&PositionId| {
            self.book.positions.get(it).is_some_and(|known| {
                known.leads
                    && section.is_none_or(|asked| known.section.as_ref() == Some(asked) || self.heads(it, asked))
            })
        };
        if let Some(own) = holding.positions.iter().find(leads) {
            return Some(own.clone());
        }
        let found = holding.deputises.iter().find(leads).cloned();
        self.deputy |= found.is_some();
        found
    }

    fn heads(&self, position: &PositionId, section: &SectionId) -> bool {
        self.book.sections.get(section).is_some_and(|it| it.head.as_ref() == Some(position))
    }

    /// The account and its record, which must be this body's.
    fn account(&mut self, id: &AccountId) -> Option<(Account, AccountRecord)> {
        let found = self.book.accounts.get(id).zip(self.book.records.get(id));
        self.must(found.is_some(), &rules::KNOWN);
        found.map(|(account, record)| (Account::clone(account), record.clone()))
    }

    /// A judgement by the person, now.
    fn judgement(&self, approved: bool, reason: &str) -> Judgement {
        Judgement { by: self.by.clone(), at: self.now, approved, deputy: self.deputy, reason: reason.to_owned() }
    }
}

/// Whether something is said.
fn said(text: &str) -> bool {
    !text.trim().is_empty()
}
