//! Whether a further view of a text can show anything, told from the text itself: a view costs more to make and to search
//! than a look at the few places where it differs.
//!
//! A string that the text does not hold itself stands, in a view, where the view differs: within its own length of a letter
//! that was changed, or across what was taken out. An answer may be too hopeful (then the view is made, and tells), never too
//! bleak.

use std::ops::Range;

use super::lexicon::Lexicon;
use super::normal::View;
use super::views;

/// Places where letters may meet that are looked at one by one: where there are more, the view costs less.
const TRIES: usize = 12;

impl Lexicon {
    /// Whether a word with a mask sign in it stands in a view once its signs are read as one: looked for only around them.
    pub(super) fn may_be_masked(&self, view: &View) -> bool {
        views::may_be_masked(&view.text) && {
            let reach = self.masks.joints.longest();
            let parts =
                views::read_around(&view.text, reach, (views::may_be_mask, views::unmask), |_, read| read == '○');
            parts.iter().any(|(_, part)| self.masks.seeks(part, |_| true))
        }
    }

    /// Whether a word, or a string of a pattern, holds a letter that is written as a digit or sign in a view: looked for
    /// only around these.
    pub(super) fn may_be_leet(&self, view: &View) -> bool {
        views::is_leet(&view.text) && {
            let reach = self.plain.joints.longest();
            let parts = views::read_around(&view.text, reach, (views::may_be_leet, views::unleet), |written, read| {
                written != read
            });
            parts.iter().any(|(start, part)| {
                // The letters are as long as what they are written as.
                let written = |range: &Range<usize>| view.text.get(start + range.start..start + range.end);
                self.plain.seeks(part, |range| written(range) != part.get(range.clone()))
            })
        }
    }

    /// Whether letters that stand side by side in a word, or in a string of a pattern, may meet once what stands between
    /// single characters is taken out of a view, and spell it.
    pub(super) fn may_be_apart(&self, view: &View) -> bool {
        // Something was taken out already: the view itself tells.
        if view.seams().next().is_some() {
            return true;
        }
        let (text, joints) = (view.text.as_str(), &self.plain.joints);
        // The two letters before, where the second of them ends, and how many places may still be looked at.
        let (mut first, mut second, mut gap, mut tries) = ('\0', '\0', 0, TRIES);
        text.char_indices().any(|(at, c)| {
            if !views::is_kept(text, at, c) {
                return false;
            }
            let end = std::mem::replace(&mut gap, at + c.len_utf8());
            let before = std::mem::replace(&mut first, std::mem::replace(&mut second, c));
            let left = first;
            if end == at || end == 0 || !joints.has(left, c) {
                return false;
            }
            let rest = text.get(gap..).unwrap_or_default().char_indices();
            let after = rest.map(|(n, c)| (gap + n, c)).find(|(at, c)| views::is_kept(text, *at, *c));
            if !joints.spell(before, left, c, after.map_or('\0', |(_, c)| c)) {
                return false;
            }
            tries -= 1;
            tries == 0 || self.meet(text, end, at)
        })
    }

    /// Whether a word, or a string of a pattern, stands across what is taken out between two places of a text.
    fn meet(&self, text: &str, end: usize, start: usize) -> bool {
        let most = self.plain.joints.letters();
        let (left, right) = (text.get(..end).unwrap_or_default(), text.get(start..).unwrap_or_default());
        let before = left.char_indices().rev().filter(|(at, c)| views::is_kept(text, *at, *c));
        let before: Vec<char> = before.map(|(_, c)| c).take(most).collect();
        let after = right.char_indices().filter(|(at, c)| views::is_kept(text, start + at, *c));
        let after = after.map(|(_, c)| c).take(most);
        let seam: usize = before.iter().map(|c| c.len_utf8()).sum();
        let met: String = before.into_iter().rev().chain(after).collect();
        self.plain.seeks(&met, |range| range.start < seam && seam < range.end)
    }
}
