//! Which letters stand side by side in the strings of an automaton.
//!
//! In a view with separators taken out, a string is new only where letters met that stood apart. Most letters that meet so
//! stand side by side in no string, so that most of the text need not be searched again.

use std::ops::Range;

use super::normal::View;

/// Bits for pairs of letters: two pairs may share one, which costs a search and nothing else.
const BITS: usize = 1 << 16;
/// The same for three letters.
const BITS_OF_THREE: usize = 1 << 18;
/// No letter.
const NONE: char = '\0';

/// The pairs of letters in some strings, and how long the longest string is.
pub(super) struct Joints {
    pairs: Vec<u64>,
    /// The same for three letters in a row; a string of two is three with [`NONE`] behind them.
    threes: Vec<u64>,
    longest: usize,
    letters: usize,
}

impl Default for Joints {
    fn default() -> Self {
        Self { pairs: vec![0; BITS / 64], threes: vec![0; BITS_OF_THREE / 64], longest: 0, letters: 0 }
    }
}

/// The bit of a pair.
fn bit(left: char, right: char) -> usize {
    let mixed = u32::from(left).wrapping_mul(0x9e37_79b1) ^ u32::from(right).wrapping_mul(0x85eb_ca6b);
    (mixed >> 16) as usize % BITS
}

/// The bit of three letters.
fn bit_of_three(one: char, two: char, three: char) -> usize {
    let mixed = u64::from(u32::from(one)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        ^ u64::from(u32::from(two)).wrapping_mul(0xc2b2_ae3d_27d4_eb4f)
        ^ u64::from(u32::from(three)).wrapping_mul(0x1656_67b1_9e37_79f9);
    (mixed >> 40) as usize % BITS_OF_THREE
}

impl Joints {
    /// Adds a string.
    pub(super) fn add(&mut self, string: &str) {
        self.longest = self.longest.max(string.len());
        self.letters = self.letters.max(string.chars().count());
        for (left, right) in string.chars().zip(string.chars().skip(1)) {
            let bit = bit(left, right);
            if let Some(word) = self.pairs.get_mut(bit / 64) {
                *word |= 1 << (bit % 64);
            }
        }
        let count = string.chars().count();
        let thirds = string.chars().skip(2).chain((count == 2).then_some(NONE));
        for ((one, two), three) in string.chars().zip(string.chars().skip(1)).zip(thirds) {
            let bit = bit_of_three(one, two, three);
            if let Some(word) = self.threes.get_mut(bit / 64) {
                *word |= 1 << (bit % 64);
            }
        }
    }

    /// Whether a string may hold the two letters in the middle side by side: it holds a third one beside them, or no more.
    pub(super) fn spell(&self, before: char, left: char, right: char, after: char) -> bool {
        let has = |bit: usize| self.threes.get(bit / 64).is_some_and(|word| word >> (bit % 64) & 1 == 1);
        has(bit_of_three(left, right, NONE))
            || has(bit_of_three(before, left, right))
            || has(bit_of_three(left, right, after))
    }

    /// How long the longest string is, in bytes.
    pub(super) fn longest(&self) -> usize {
        self.longest
    }

    /// How many letters the string with the most of them has.
    pub(super) fn letters(&self) -> usize {
        self.letters
    }

    /// Whether two letters may stand side by side in a string.
    pub(super) fn has(&self, left: char, right: char) -> bool {
        let bit = bit(left, right);
        self.pairs.get(bit / 64).is_some_and(|word| word >> (bit % 64) & 1 == 1)
    }

    /// The parts of a view in which a string may stand that something was taken out of, in order, none overlapping.
    pub(super) fn windows(&self, view: &View) -> Vec<Range<usize>> {
        let text = view.text.as_str();
        let boundary = |mut at: usize, step: isize| {
            while !text.is_char_boundary(at) {
                at = at.saturating_add_signed(step);
            }
            at
        };
        let mut windows: Vec<Range<usize>> = Vec::new();
        for seam in view.seams() {
            let left = text.get(..seam).and_then(|it| it.chars().next_back());
            let right = text.get(seam..).and_then(|it| it.chars().next());
            let (Some(left), Some(right)) = (left, right) else { continue };
            if !self.has(left, right) {
                continue;
            }
            let from = boundary(seam.saturating_sub(self.longest), -1);
            let to = boundary(text.len().min(seam.saturating_add(self.longest)), 1);
            match windows.last_mut() {
                Some(last) if from <= last.end => last.end = to,
                _ => windows.push(from..to),
            }
        }
        windows
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::views::separated;

    #[test]
    fn only_where_letters_met_that_stand_side_by_side_in_a_string_is_a_window() {
        let mut joints = Joints::default();
        joints.add("爆弾");
        joints.add("取扱注意");
        let windows = |text: &str| -> Vec<String> {
            let view = separated(&View::of(text).fold());
            joints.windows(&view).into_iter().map(|it| view.text[it].to_owned()).collect()
        };
        assert_eq!(windows("相談会を、本日開きます。爆、弾です。"), ["ます。爆弾です。"]);
        assert_eq!(windows("爆弾です"), Vec::<String>::new(), "nothing was taken out");
        assert_eq!(windows("取 扱 注 意"), ["取扱注意"]);
        assert_eq!(windows("明日、雨です。"), Vec::<String>::new());
        // The window reaches as far as the longest string, wherever in it the letters met.
        assert_eq!(windows("あいうえおかきくけこ注・意さしすせそ"), ["くけこ注意さしす"]);
    }
}
