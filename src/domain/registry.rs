//! The registry of one body: who holds which position, which providers are recognised, how its accounts stand.
//!
//! Everything here is a record or a question to records. Who may change them is decided in `registry`, in one place;
//! what an account may do at an instant is read from a [`Standing`], which the road reads from memory.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::account::identifier;
use super::clock::in_japan;

pub mod account;
pub mod asked;
pub mod book;
pub mod charter;
pub mod issuer;
pub mod item;
pub mod office;
pub mod provider;
pub mod seed;
pub mod source;
pub mod standing;
pub mod written;

pub use account::{AccountRecord, Delegation, Grant};
pub use asked::Asked;
pub use book::Book;
pub use charter::{Charter, Pattern};
pub use issuer::{EventAlgorithm, EventKey, Issuer};
pub use item::Item;
pub use office::{Appointment, Deputy, Move, Position, Section};
pub use provider::{ProviderCondition, ProviderRecord, ProviderState};
pub use source::{Contractor, Source, SourceClass, SourceUse};
pub use standing::{Holding, Standing};
pub use written::Written;

identifier!(
    /// A section (課, 所属) of a body, by the name it goes by: `広聴広報課`.
    SectionId
);
identifier!(
    /// A position (職) of a body, by its title: `広聴広報課長`.
    PositionId
);
identifier!(
    /// A record of the registry that has no name of its own: a grant, a delegation, a source.
    RecordId
);

/// Days in Japan, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// The first day.
    pub from: Date,
    /// The last day; none: no end is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Date>,
}

impl Span {
    /// Whether the moment lies in it: from 00:00 of the first day to 24:00 of the last, JST.
    pub fn covers(&self, at: Timestamp) -> bool {
        self.covers_day(in_japan(at).date())
    }

    /// Whether the day lies in it.
    pub fn covers_day(&self, day: Date) -> bool {
        self.from <= day && self.until.is_none_or(|until| day <= until)
    }

    /// Whether it does not end before it begins.
    pub fn is_sound(&self) -> bool {
        self.until.is_none_or(|until| self.from <= until)
    }

    /// Whether some day lies in both.
    pub fn meets(&self, other: &Self) -> bool {
        let before = |one: &Self, two: &Self| one.until.is_some_and(|until| until < two.from);
        !before(self, other) && !before(other, self)
    }
}

/// The fiscal year (年度) that the moment lies in, by the calendar year it begins in: from 1 April 00:00 JST on.
pub fn fiscal_year(at: Timestamp) -> i16 {
    fiscal_year_of(in_japan(at).date())
}

/// The fiscal year that the day lies in.
pub fn fiscal_year_of(day: Date) -> i16 {
    if day.month() >= 4 { day.year() } else { day.year() - 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn nagano_2_4_a_fiscal_year_begins_on_the_first_of_april_at_midnight_in_japan() {
        let cases = [
            ("2027-03-31T14:59:59.999Z", 2026),
            ("2027-03-31T15:00:00Z", 2027),
            ("2028-02-28T15:00:00Z", 2027),
            ("2027-12-31T15:00:00Z", 2027),
        ];
        for (moment, year) in cases {
            assert_eq!(fiscal_year(at(moment)), year, "{moment}");
        }
    }

    #[test]
    fn a_span_holds_its_last_day_whole_and_the_leap_day_too() {
        let span = Span { from: "2028-02-01".parse().unwrap(), until: Some("2028-02-29".parse().unwrap()) };
        assert!(!span.covers(at("2028-01-31T14:59:59Z")));
        assert!(span.covers(at("2028-01-31T15:00:00Z")));
        assert!(span.covers(at("2028-02-29T14:59:59.999Z")));
        assert!(!span.covers(at("2028-02-29T15:00:00Z")));
        let later = Span { from: "2028-03-01".parse().unwrap(), until: None };
        assert!(!span.meets(&later) && later.meets(&later));
        assert!(!Span { from: later.from, until: span.until }.is_sound());
    }
}
