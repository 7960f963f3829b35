//! The strings one of which stands in every match of a pattern, read off the pattern itself.
//!
//! An expression is only tried where the automaton has seen one of its strings, and only on the text around it. The
//! strings are chosen to be rare: long ones before short ones, kanji before kana, few before many.

use std::collections::BTreeSet;
use std::ops::Range;

use regex_syntax::hir::{Class, Hir, HirKind};

/// More strings than these are no choice.
const MANY: usize = 200;

/// A finite language, or a part of one.
type Strings = BTreeSet<String>;

/// The strings one of which stands in every match, and, for a sequence, those that another part of it needs besides;
/// none where there is no such choice.
pub(super) fn of(hir: &Hir) -> (Option<Strings>, Option<Strings>) {
    let HirKind::Concat(parts) = hir.kind() else { return (needed(hir).map(minimal), None) };
    let Some((first, taken)) = sequence(parts) else { return (None, None) };
    let others = parts.iter().enumerate().filter(|(n, _)| !taken.contains(n));
    let second = others.filter_map(|(_, part)| needed(part)).max_by_key(weight);
    (Some(minimal(first)), second.map(minimal))
}

/// The best choice of strings for an expression.
fn needed(hir: &Hir) -> Option<Strings> {
    let own = every(hir).filter(|strings| weight(strings) > 0);
    let inner = match hir.kind() {
        HirKind::Capture(capture) => needed(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => needed(&repetition.sub),
        HirKind::Alternation(parts) => parts
            .iter()
            .map(needed)
            .try_fold(Strings::new(), |all, part| Some(all.into_iter().chain(part?).collect()))
            .filter(|all: &Strings| all.len() <= MANY),
        HirKind::Concat(parts) => sequence(parts).map(|(strings, _)| strings),
        _ => None,
    };
    own.into_iter().chain(inner).max_by_key(weight)
}

/// The best choice in a sequence, and the parts that it is taken from: what one part needs, or what some neighbours spell
/// together.
fn sequence(parts: &[Hir]) -> Option<(Strings, Range<usize>)> {
    let each = parts.iter().enumerate().filter_map(|(n, part)| Some((needed(part)?, n..n + 1)));
    let mut best = each.max_by_key(|(strings, _)| weight(strings));
    for first in 0..parts.len() {
        let mut spelt: Strings = std::iter::once(String::new()).collect();
        for (n, part) in parts.iter().enumerate().skip(first) {
            let Some(next) = every(part).and_then(|next| product(&spelt, &next)) else { break };
            spelt = next;
            if weight(&spelt) > best.as_ref().map_or(0, |(strings, _)| weight(strings)) {
                best = Some((spelt.clone(), first..n + 1));
            }
        }
    }
    best
}

/// Every string that an expression matches, if they are few.
fn every(hir: &Hir) -> Option<Strings> {
    let only = |text: String| Some(std::iter::once(text).collect());
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => only(String::new()),
        HirKind::Literal(literal) => only(String::from_utf8(literal.0.to_vec()).ok()?),
        HirKind::Capture(capture) => every(&capture.sub),
        HirKind::Class(Class::Unicode(class)) => {
            let count: usize = class.ranges().iter().map(|range| range.len()).sum();
            let chars = || class.ranges().iter().flat_map(|range| range.start()..=range.end());
            (count <= 12).then(|| chars().map(String::from).collect())
        }
        HirKind::Class(Class::Bytes(_)) => None,
        HirKind::Repetition(repetition) => {
            let most = repetition.max.filter(|most| *most <= 4)?;
            let sub = every(&repetition.sub)?;
            let mut power: Strings = std::iter::once(String::new()).collect();
            let mut all = Strings::new();
            for times in 0..=most {
                if times >= repetition.min {
                    all.extend(power.iter().cloned());
                }
                power = product(&power, &sub)?;
            }
            Some(all)
        }
        HirKind::Alternation(parts) => parts
            .iter()
            .map(every)
            .try_fold(Strings::new(), |all, part| Some(all.into_iter().chain(part?).collect()))
            .filter(|all: &Strings| all.len() <= MANY),
        HirKind::Concat(parts) => {
            parts.iter().try_fold(std::iter::once(String::new()).collect(), |all, part| product(&all, &every(part)?))
        }
    }
}

fn product(left: &Strings, right: &Strings) -> Option<Strings> {
    if left.len() * right.len() > MANY {
        return None;
    }
    Some(left.iter().flat_map(|left| right.iter().map(move |right| format!("{left}{right}"))).collect())
}

/// How rare the commonest of the strings is; 0 if one of them would be seen everywhere.
fn weight(strings: &Strings) -> usize {
    let of = |c: char| match c {
        // By themselves these stand in every other post.
        '年' | '月' | '日' | '時' | '中' | '小' | '大' | '人' | '生' | '市' | '区' | '町' | '方' | '会' | '場' => {
            15
        }
        '一'..='鿿' => 30,
        'ぁ'..='ゖ' | 'ー' => 12,
        'a'..='z' => 9,
        '0'..='9' => 7,
        ' ' | '\n' => 1,
        _ => 12,
    };
    let least = strings.iter().map(|string| string.chars().map(of).sum::<usize>()).min().unwrap_or(0);
    if least < 13 { 0 } else { (least.min(90) * 4).saturating_sub(strings.len().ilog2() as usize * 6).max(1) }
}

/// Without the strings that hold another one.
fn minimal(strings: Strings) -> Strings {
    let holds_another =
        |string: &String| strings.iter().any(|other| other != string && string.contains(other.as_str()));
    let kept: Vec<String> = strings.iter().filter(|string| !holds_another(string)).cloned().collect();
    kept.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(re: &str) -> Option<Vec<String>> {
        of(&regex_syntax::parse(re).unwrap()).0.map(|strings| strings.into_iter().collect())
    }

    #[test]
    fn every_match_holds_one_of_the_strings() {
        assert_eq!(strings("(?:鍵|合鍵|金庫)の[^。]{0,9}[下横]").unwrap(), ["金庫の", "鍵の"]);
        assert_eq!(strings("[a-z]+(?:さん|氏)").unwrap(), ["さん", "氏"]);
        assert_eq!(strings("x?0[78]0-[0-9]{4}").unwrap(), ["070-", "080-"]);
        assert_eq!(strings("(?:パス|pass)(?:は|:)[a-z]{4}").unwrap().len(), 4);
        for vague in ["[a-z]{4}", "(?:秘密)?[0-9]+", "は|秘密", "[^。]{3}"] {
            assert_eq!(strings(vague), None, "{vague}");
        }
        let second = of(&regex_syntax::parse("(?:区長|市長)は[^。]{0,9}(?:無能|馬鹿)").unwrap()).1.unwrap();
        assert_eq!(second.into_iter().collect::<Vec<_>>(), ["区長", "市長"]);
    }
}
