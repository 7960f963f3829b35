//! `Written`: what a change of the registry writes, for the store.

use super::item::Item;
use crate::domain::account::Account;
use crate::domain::person::Person;

/// What is written: each in the place of what has the same name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Records.
    pub items: Vec<Item>,
    /// Accounts. One that is new must not be another body's.
    pub accounts: Vec<Account>,
    /// People. One that is new must not be another body's.
    pub people: Vec<Person>,
}

impl Written {
    /// Only this record.
    pub fn item(item: Item) -> Self {
        Self { items: vec![item], ..Self::default() }
    }

    /// What it is about, for the ledger: kind and id of the first record.
    pub fn subject(&self) -> Option<(&'static str, String)> {
        self.items.first().map(|item| (item.kind(), item.id()))
    }
}
