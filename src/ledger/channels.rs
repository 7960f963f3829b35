//! On which channels a wrong post went, by the ledger: the same words, published by the same body within a week of it.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::read::payload;
use super::{Ledger, LedgerDown};
use crate::domain::account::AccountId;
use crate::domain::incident::{Channel, Incident, Incidents as _};

/// How long before and after the wrong post its copies are looked for.
const AROUND: SignedDuration = SignedDuration::from_hours(24 * 7);
/// Entries that are looked at, at most, before and after it.
const PAGES: u64 = 5_000;
const PAGE: usize = 1_000;

/// A post that was let out.
struct Sent {
    index: u64,
    at: Timestamp,
    account: String,
    provider: String,
}

impl Ledger {
    /// The channels on which the incident's wrong post went, in the order in which it went there. None: it was not
    /// published through the gateway, or its content was destroyed, so that nobody can say.
    ///
    /// # Errors
    /// The store or the key ring cannot answer.
    pub fn channels(&self, incident: &Incident) -> Result<Option<Vec<Channel>>, LedgerDown> {
        let Some(wrong) = incident.wrong else { return Ok(None) };
        let log = incident.organisation.as_str();
        let Some(words) = self.words(log, wrong)? else { return Ok(None) };
        let Some(first) = self.sent_between(log, wrong, wrong + 1)?.pop() else { return Ok(None) };
        let corrections = self.reads().corrections(&incident.id)?;
        let mut channels = Vec::new();
        for sent in self.sent_between(log, wrong.saturating_sub(PAGES), wrong.saturating_add(PAGES))? {
            let apart = sent.at.duration_since(first.at).abs();
            if apart > AROUND || self.words(log, sent.index)?.as_ref() != Some(&words) {
                continue;
            }
            if let Some(channel) = self.channel(log, &sent, &corrections)? {
                channels.push(channel);
            }
        }
        Ok(Some(channels))
    }

    /// The channel of a post, unless it never came to be public.
    fn channel(&self, log: &str, sent: &Sent, corrections: &[(u64, AccountId)]) -> Result<Option<Channel>, LedgerDown> {
        let reads = self.reads();
        let Some((outcome, closed_by)) = reads.outcome(log, sent.index)? else { return Ok(None) };
        if !["published", "unknown"].contains(&outcome.as_str()) {
            return Ok(None);
        }
        let leaf = self.leaves(log, closed_by, 1)?.pop();
        let published_id =
            leaf.and_then(|(_, leaf)| leaf.get("published_id").and_then(Value::as_str).map(str::to_owned));
        let account = AccountId::new(&sent.account);
        let withdrawn = match &published_id {
            Some(id) => reads.is_withdrawn(&account, id)?,
            None => false,
        };
        let corrected_by = corrections.iter().find(|(entry, of)| *of == account && *entry > sent.index);
        Ok(Some(Channel {
            account,
            provider: sent.provider.clone(),
            entry: sent.index,
            published_id,
            withdrawn,
            corrected_by: corrected_by.map(|(entry, _)| *entry),
        }))
    }

    /// Posts of a body's log that were let out, from one index to another.
    fn sent_between(&self, log: &str, from: u64, to: u64) -> Result<Vec<Sent>, LedgerDown> {
        let mut sent = Vec::new();
        let mut next = from;
        while next < to {
            let many = usize::try_from(to - next).unwrap_or(PAGE).min(PAGE);
            let page = self.leaves(log, next, many)?;
            let Some((last, _)) = page.last() else { break };
            next = last + 1;
            sent.extend(page.iter().filter_map(|(index, leaf)| sent_of(*index, leaf)));
        }
        Ok(sent)
    }

    fn leaves(&self, log: &str, from: u64, many: usize) -> Result<Vec<(u64, Value)>, LedgerDown> {
        let page = self.logbook().read(log, from, many)?;
        let parsed = page.into_iter().map(|one| match serde_json::from_str(&one.leaf) {
            Ok(leaf) => Ok((one.index, leaf)),
            Err(error) => Err(LedgerDown(error.to_string())),
        });
        parsed.collect()
    }

    /// The words of a post: the longest string of what its author wrote, without the white space around and between. A
    /// channel names its own ids and types beside them.
    fn words(&self, log: &str, index: u64) -> Result<Option<String>, LedgerDown> {
        let Some(found) = payload(&self.shared.keyring, self.shared.store.reads(), log, index)? else {
            return Ok(None);
        };
        let form: Option<Value> = found.post.and_then(|form| serde_json::from_str(&form).ok());
        let mut longest = String::new();
        for field in form.as_ref().and_then(|it| it.get("fields")).and_then(Value::as_array).into_iter().flatten() {
            longest_of(field.get("value").unwrap_or(&Value::Null), &mut longest);
        }
        let words: String = longest.split_whitespace().collect();
        Ok((!words.is_empty()).then_some(words))
    }
}

fn longest_of(value: &Value, longest: &mut String) {
    match value {
        Value::String(text) if text.chars().count() > longest.chars().count() => longest.clone_from(text),
        Value::Array(items) => items.iter().for_each(|item| longest_of(item, longest)),
        Value::Object(members) => members.values().for_each(|item| longest_of(item, longest)),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn sent_of(index: u64, leaf: &Value) -> Option<Sent> {
    let text = |name: &str| leaf.get(name).and_then(Value::as_str);
    let published = ["publish", "schedule", "quote", "edit"].contains(&text("action")?);
    (text("kind")? == "permit" && published).then_some(())?;
    Some(Sent {
        index,
        at: text("at")?.parse().ok()?,
        account: text("account")?.to_owned(),
        provider: text("provider")?.to_owned(),
    })
}
