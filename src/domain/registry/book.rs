//! `Book`: the registry of one body in memory. It holds nothing of another body, so nothing of another can be found in it.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;

use super::account::{AccountRecord, Delegation, Grant};
use super::charter::Charter;
use super::issuer::Issuer;
use super::item::Item;
use super::office::{Appointment, Deputy, Position, Section};
use super::provider::ProviderRecord;
use super::source::{Contractor, Source, SourceClass, SourceUse};
use super::standing::{Holding, Manager, PolicyStanding, ProviderStanding, Standing};
use super::{PositionId, RecordId, SectionId, Span};
use crate::domain::account::{Account, AccountId, AccountState, ProviderId};
use crate::domain::clock::in_japan;
use crate::domain::person::{Person, PersonId};

/// The registry of one body.
#[derive(Clone, Debug, Default)]
pub struct Book {
    /// How many changes it has seen.
    pub revision: u64,
    /// Which positions have which part; none: the body has no registry yet, and nothing can be changed.
    pub charter: Option<Charter>,
    /// The body's accounts.
    pub accounts: BTreeMap<AccountId, Arc<Account>>,
    /// Its people, with those who have left.
    pub people: BTreeMap<PersonId, Arc<Person>>,
    /// Its sections.
    pub sections: BTreeMap<SectionId, Section>,
    /// Its positions.
    pub positions: BTreeMap<PositionId, Position>,
    /// Who holds what, since when.
    pub appointments: Vec<Appointment>,
    /// Who decides in whose place.
    pub deputies: BTreeMap<RecordId, Deputy>,
    /// Its providers.
    pub providers: BTreeMap<ProviderId, ProviderRecord>,
    /// The forms of its accounts.
    pub records: BTreeMap<AccountId, AccountRecord>,
    /// Grants.
    pub grants: BTreeMap<RecordId, Arc<Grant>>,
    /// Delegations.
    pub delegations: BTreeMap<RecordId, Arc<Delegation>>,
    /// Sources.
    pub sources: BTreeMap<RecordId, Arc<Source>>,
    /// Contractors.
    pub contractors: BTreeMap<RecordId, Arc<Contractor>>,
    /// Issuers of publish events.
    pub issuers: BTreeMap<RecordId, Arc<Issuer>>,
    /// Its own accounts in use, as sources.
    own: Vec<(AccountId, Arc<Source>)>,
}

impl Book {
    /// The book of a body's accounts, people and records.
    pub fn new(
        revision: u64,
        accounts: impl IntoIterator<Item = Arc<Account>>,
        people: impl IntoIterator<Item = Arc<Person>>,
        items: impl IntoIterator<Item = Item>,
    ) -> Self {
        let mut book = Self { revision, ..Self::default() };
        book.accounts.extend(accounts.into_iter().map(|one| (one.id.clone(), one)));
        book.people.extend(people.into_iter().map(|one| (one.id.clone(), one)));
        items.into_iter().for_each(|item| book.put(item));
        let in_use = book.accounts.values().filter(|one| one.state == AccountState::Active);
        book.own = in_use.map(|one| (one.id.clone(), Arc::new(own_source(one)))).collect();
        book
    }

    /// Puts a record in the place of the one of the same kind and id.
    pub fn put(&mut self, item: Item) {
        match item {
            Item::Charter(one) => self.charter = Some(one),
            Item::Section(one) => drop(self.sections.insert(one.id.clone(), one)),
            Item::Position(one) => drop(self.positions.insert(one.id.clone(), one)),
            Item::Appointment(one) => {
                let same = |it: &Appointment| {
                    it.person == one.person && it.position == one.position && it.span.from == one.span.from
                };
                self.appointments.retain(|it| !same(it));
                self.appointments.push(one);
            }
            Item::Deputy(one) => drop(self.deputies.insert(one.id.clone(), one)),
            Item::Provider(one) => drop(self.providers.insert(one.provider.clone(), one)),
            Item::Account(one) => drop(self.records.insert(one.account.clone(), one)),
            Item::Grant(one) => drop(self.grants.insert(one.id.clone(), Arc::new(one))),
            Item::Delegation(one) => drop(self.delegations.insert(one.id.clone(), Arc::new(one))),
            Item::Source(one) => drop(self.sources.insert(one.id.clone(), Arc::new(one))),
            Item::Contractor(one) => drop(self.contractors.insert(one.id.clone(), Arc::new(one))),
            Item::Issuer(one) => drop(self.issuers.insert(one.id.clone(), Arc::new(one))),
        }
    }

    /// Every record, by kind and id.
    pub fn items(&self) -> Vec<Item> {
        let mut all: Vec<Item> = self.charter.clone().map(Item::Charter).into_iter().collect();
        all.extend(self.sections.values().cloned().map(Item::Section));
        all.extend(self.positions.values().cloned().map(Item::Position));
        all.extend(self.appointments.iter().cloned().map(Item::Appointment));
        all.extend(self.deputies.values().cloned().map(Item::Deputy));
        all.extend(self.providers.values().cloned().map(Item::Provider));
        all.extend(self.records.values().cloned().map(Item::Account));
        all.extend(self.grants.values().map(|one| Item::Grant(Arc::unwrap_or_clone(Arc::clone(one)))));
        all.extend(self.delegations.values().map(|one| Item::Delegation(Arc::unwrap_or_clone(Arc::clone(one)))));
        all.extend(self.sources.values().map(|one| Item::Source(Arc::unwrap_or_clone(Arc::clone(one)))));
        all.extend(self.contractors.values().map(|one| Item::Contractor(Arc::unwrap_or_clone(Arc::clone(one)))));
        all.extend(self.issuers.values().map(|one| Item::Issuer(Arc::unwrap_or_clone(Arc::clone(one)))));
        all
    }

    /// Who holds the position on that day; of several, who took it last. None: it is vacant.
    pub fn holder(&self, position: &PositionId, day: Date) -> Option<&PersonId> {
        let held = self.appointments.iter().filter(|it| it.position == *position && it.span.covers_day(day));
        held.max_by_key(|it| it.span.from).map(|it| &it.person)
    }

    /// What the person is on that day.
    pub fn holding(&self, person: &PersonId, day: Date) -> Holding {
        let held = self.appointments.iter().filter(|it| it.person == *person && it.span.covers_day(day));
        let positions: Vec<PositionId> = held.map(|it| it.position.clone()).collect();
        let mut sections: Vec<SectionId> =
            positions.iter().filter_map(|it| self.positions.get(it)?.section.clone()).collect();
        sections.dedup();
        let deputises = self.deputies.values().filter(|it| it.person == *person && it.span.covers_day(day));
        let mut deputises: Vec<PositionId> = deputises.map(|it| it.position.clone()).collect();
        if positions.is_empty() {
            // Who has left decides in nobody's place.
            deputises.clear();
        }
        Holding { positions, sections, deputises }
    }

    /// Whether the person works for the body on that day.
    pub fn is_employed(&self, person: &PersonId, day: Date) -> bool {
        self.appointments.iter().any(|it| it.person == *person && it.span.covers_day(day))
    }

    /// Who manages the account at that moment.
    pub fn manager(&self, account: &Account, now: Timestamp) -> Manager {
        self.manager_on(account, in_japan(now).date())
    }

    fn manager_on(&self, account: &Account, day: Date) -> Manager {
        let Some(record) = self.records.get(&account.id) else {
            let holder = self.people.contains_key(&account.manager).then(|| account.manager.clone());
            return Manager { position: None, section: None, holder, deputies: Vec::new() };
        };
        let position = record.manager.clone();
        let section = self.positions.get(&position).and_then(|it| it.section.clone());
        let deputies = self.deputies.values().filter(|it| it.position == position && it.span.covers_day(day));
        let deputies = deputies.map(|it| it.person.clone()).filter(|it| self.is_employed(it, day)).collect();
        Manager { holder: self.holder(&position, day).cloned(), section, deputies, position: Some(position) }
    }

    /// How the account stands at that moment; none: it is none of this body's.
    pub fn standing(&self, id: &AccountId, now: Timestamp) -> Option<Standing> {
        self.standing_on(id, in_japan(now).date())
    }

    /// How the account stands on that day in Japan; none: it is none of this body's.
    pub fn standing_on(&self, id: &AccountId, day: Date) -> Option<Standing> {
        let account = self.accounts.get(id)?;
        let record = self.records.get(id);
        let employed = |it: &&PersonId| self.is_employed(it, day);
        let operators: Vec<PersonId> = account.operators.iter().filter(employed).cloned().collect();
        let version = account.operating_policy.as_ref().map(|it| it.version.as_str());
        let delegated = |it: &&Arc<Delegation>| {
            it.account == *id
                && !it.withdrawn
                && it.span.covers_day(day)
                && version == Some(it.policy_version.as_str())
                && operators.contains(&it.delegate)
        };
        let (contractors, out): (Vec<_>, Vec<_>) = self
            .contractors
            .values()
            .filter(|it| it.accounts.contains(id))
            .cloned()
            .partition(|it: &Arc<Contractor>| it.is_in_force(day));
        let ended = out.iter().flat_map(|it| it.clients.iter());
        let back = |client: &&_| contractors.iter().any(|it: &Arc<Contractor>| it.clients.contains(client));
        Some(Standing {
            account: id.clone(),
            organisation: account.organisation.clone(),
            day,
            revision: self.revision,
            state: account.state,
            kind: account.kind,
            section: record.and_then(|it| it.section.clone()),
            topics: record.map(|it| it.topics.clone()).unwrap_or_default(),
            closed_audience: record.is_some_and(|it| it.closed_audience),
            manager: self.manager_on(account, day),
            delegations: self.delegations.values().filter(delegated).cloned().collect(),
            grants: self.grants.values().filter(|it| it.account == *id && it.is_in_force(day)).cloned().collect(),
            policy: self.policy(account, record),
            provider: self.provider(&account.provider, day),
            sources: self.sources_of(id, day),
            contractors_out: ended.filter(|it| !back(it)).cloned().collect(),
            contractors,
            issuers: self.issuers.values().filter(|it| it.is_in_force(id, day)).cloned().collect(),
            operators,
        })
    }

    fn policy(&self, account: &Account, record: Option<&AccountRecord>) -> Option<PolicyStanding> {
        let policy = account.operating_policy.as_ref()?;
        let base = record.and_then(|it| it.policy_base.clone());
        let standard = self.providers.get(&account.provider).and_then(|it| it.standard.as_ref());
        let newer = standard.filter(|it| base.as_deref() != Some(it.version.as_str()));
        Some(PolicyStanding {
            version: policy.version.clone(),
            stale_since: newer.map(|it| it.at),
            base,
            categories: policy.categories.clone(),
            delegable: record.map(|it| it.delegable.clone()).unwrap_or_default(),
            after_report_hours: policy.after_report_hours,
            self_approval: policy.self_approval,
        })
    }

    /// How a provider stands with the body on that day.
    pub fn provider(&self, id: &ProviderId, day: Date) -> ProviderStanding {
        let known = self.providers.get(id);
        ProviderStanding {
            provider: id.clone(),
            state: known.map(|it| it.state),
            conditions: known.map(|it| it.conditions.clone()).unwrap_or_default(),
            standard_policy: known.and_then(|it| it.standard.as_ref()).map(|it| it.version.clone()),
            review_overdue: known.and_then(|it| it.review_by).is_some_and(|by| by < day),
        }
    }

    fn sources_of(&self, id: &AccountId, day: Date) -> Vec<Arc<Source>> {
        let usable = |it: &&Arc<Source>| {
            !it.withdrawn && it.span.covers_day(day) && it.account.as_ref().is_none_or(|only| only == id)
        };
        let own = self.own.iter().filter(|(account, _)| account != id).map(|(_, source)| source);
        self.sources.values().filter(usable).chain(own).cloned().collect()
    }
}

/// An account of the body itself as a source: while it is in use, it needs no entry (長野 4(12)・2).
fn own_source(account: &Account) -> Source {
    Source {
        id: RecordId::new(format!("own:{}", account.id)),
        account: None,
        provider: account.provider.clone(),
        names: vec![account.handle.clone()],
        class: SourceClass::Own,
        uses: vec![SourceUse::Quote, SourceUse::Follow],
        evidence: account.id.to_string(),
        about: String::new(),
        span: Span { from: Date::MIN, until: None },
        reason: String::new(),
        withdrawn: false,
    }
}
