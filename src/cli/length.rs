//! Values as they are typed: lengths of time, actions, digests.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;

use crate::domain::action::Action;
use crate::domain::clock::jst;
use crate::domain::digest::Digest;
use crate::domain::embargo::Closed;
use crate::domain::remarks::Declaration;

/// A length of time: a whole number and a unit, `90s`, `10m`, `2h`, `1d`. More than zero.
///
/// A number without a unit is refused, since a duty officer who types 30 means minutes as often as seconds.
pub fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is not a length of time such as 90s, 10m, 2h or 1d");
    let unit = text.chars().last().ok_or_else(wrong)?;
    let seconds: u64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 24 * 3600,
        _ => return Err(wrong()),
    };
    let digits = text.strip_suffix(unit).unwrap_or_default();
    if digits.is_empty() || !digits.chars().all(|c| c.is_ascii_digit()) {
        return Err(wrong());
    }
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    match number.checked_mul(seconds) {
        Some(total) if total > 0 && total <= 3660 * 24 * 3600 => Ok(Duration::from_secs(total)),
        Some(_) | None => Err(format!("`{text}` is nothing, or longer than ten years")),
    }
}

/// A minute in Japan, `2026-11-22T10:00`, or a time with its offset (RFC 3339).
pub fn minute(text: &str) -> Result<Timestamp, String> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let local: Result<DateTime, _> = text.parse();
    let at = local.and_then(|local| local.to_zoned(jst()).map(|at| at.timestamp()));
    at.map_err(|_| format!("`{text}` is not a minute in Japan such as 2026-11-22T10:00"))
}

/// What an approver declares.
pub fn declared(text: &str) -> Result<Declaration, String> {
    let names = Declaration::ALL.map(Declaration::as_str);
    let one = Declaration::ALL.into_iter().find(|known| known.as_str() == text);
    one.ok_or_else(|| format!("`{text}` is not one of {}", names.join(", ")))
}

/// What is closed, by its stable name.
pub fn closed(text: &str) -> Result<Closed, String> {
    let all = [Closed::Term, Closed::Person, Closed::Document, Closed::Election, Closed::Mourning];
    let names: Vec<&str> = all.iter().map(|kind| kind.as_str()).collect();
    all.into_iter()
        .find(|kind| kind.as_str() == text)
        .ok_or_else(|| format!("`{text}` is not one of {}", names.join(", ")))
}

/// An action by its stable name.
pub fn action(text: &str) -> Result<Action, String> {
    Action::ALL.into_iter().find(|action| action.as_str() == text).ok_or_else(|| {
        let names: Vec<&str> = Action::ALL.iter().map(|action| action.as_str()).collect();
        format!("`{text}` is not one of {}", names.join(", "))
    })
}

/// A digest.
pub fn digest(text: &str) -> Result<Digest, String> {
    Digest::parse(text).ok_or_else(|| "a digest is `sha256:` and 64 hex digits".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_a_number_and_a_unit() {
        let good = [("90s", 90), ("10m", 600), ("2h", 7200), ("1d", 86_400), ("007m", 420)];
        for (text, seconds) in good {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        let bad =
            ["", "10", "m", "0s", "-1m", "+1m", "1.5h", "10 m", "10M", "1w", "１０m", "99999999999999999999d", "4000d"];
        for text in bad {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn actions_have_their_stable_names() {
        assert_eq!(action("direct-message"), Ok(Action::DirectMessage));
        assert!(action("Publish").is_err());
    }
}
