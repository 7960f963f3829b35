//! Views that are not made because they could show nothing: had they been made, they would have shown nothing.

use super::corpus::{benign, groups};
use super::disguises::ALL;
use super::{mixed, rules};
use crate::inspect::lexicon::{How, Original, Seen};
use crate::inspect::normal::View;
use crate::inspect::views;

/// What is not made, and how much of it.
#[derive(Default)]
struct Tally {
    made: usize,
    passed_over: usize,
}

#[test]
fn a_view_that_is_not_made_would_have_shown_nothing() {
    let caught = groups().into_iter().flat_map(|group| group.texts);
    let disguised = caught.enumerate().flat_map(|(n, text)| {
        let each = ALL.iter().skip(n % 6).step_by(6).filter_map(|(_, disguise)| disguise(&text)).collect::<Vec<_>>();
        std::iter::once(text).chain(each)
    });
    let (rules, lexicon) = (rules(), &rules().lexicon);
    let mut tallies = [Tally::default(), Tally::default(), Tally::default()];
    for text in benign().into_iter().chain(disguised).chain(mixed::texts(4_000)) {
        let (view, original) = (View::of(&text).fold(), Original::of(&text));
        let all = [
            (lexicon.may_be_apart(&view), views::separated(&view), How::Separated),
            (lexicon.may_be_masked(&view), views::masked(&view), How::Masked),
            (lexicon.may_be_leet(&view), views::leet(&view), How::Changed(&view.text)),
        ];
        for ((may, shown, how), tally) in all.into_iter().zip(&mut tallies) {
            if may {
                tally.made += 1;
                continue;
            }
            tally.passed_over += 1;
            let (mut seen, mut hits) = (Seen::default(), Vec::new());
            let many = lexicon.find(&shown, how, original, &rules.office, &mut seen, &mut hits);
            assert!(!many && hits.is_empty(), "{text:?} {how:?}: {hits:?}");
        }
    }
    for (name, Tally { made, passed_over }) in ["apart", "masked", "leet"].into_iter().zip(tallies) {
        eprintln!("{name}: made {made}, passed over {passed_over}");
        assert!(made >= 5 && passed_over >= 1_000, "{name}: {made}, {passed_over}");
    }
}
