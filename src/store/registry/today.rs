//! `Today`: what is read from a book once a day and then shared. It lives and ends with the snapshot it was read from, so
//! that a change of the registry shows at once.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use jiff::civil::Date;

/// What was read last, with its day.
#[derive(Debug)]
pub(super) struct Today<T>(ArcSwapOption<(Date, Arc<T>)>);

impl<T> Default for Today<T> {
    fn default() -> Self {
        Self(ArcSwapOption::empty())
    }
}

impl<T> Today<T> {
    /// What holds on this day: as it was read before, if that was for the same day, else by looking. Two that look at once
    /// find the same.
    pub(super) fn on(&self, day: Date, look: impl FnOnce(Date) -> Option<T>) -> Option<Arc<T>> {
        if let Some((of, known)) = self.0.load().as_deref()
            && *of == day
        {
            return Some(Arc::clone(known));
        }
        let found = Arc::new(look(day)?);
        self.0.store(Some(Arc::new((day, Arc::clone(&found)))));
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_once_a_day_and_again_when_the_day_is_another_even_an_earlier_one() {
        let today = Today::default();
        let mut looks = Vec::new();
        for (day, told) in
            [("2026-11-22", 1), ("2026-11-22", 1), ("2026-11-23", 2), ("2026-11-22", 3), ("2026-11-22", 3)]
        {
            let look = |day: Date| {
                looks.push(day.to_string());
                Some(looks.len())
            };
            assert_eq!(today.on(day.parse().unwrap(), look).as_deref(), Some(&told), "{day}");
        }
        assert_eq!(looks, ["2026-11-22", "2026-11-23", "2026-11-22"]);
    }

    #[test]
    fn what_is_not_there_is_looked_for_each_time() {
        let today: Today<u8> = Today::default();
        let day: Date = "2026-11-22".parse().unwrap();
        assert_eq!(today.on(day, |_| None), None);
        assert_eq!(today.on(day, |_| Some(7)).as_deref(), Some(&7));
    }
}
