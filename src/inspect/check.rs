//! Checks of what a pattern found: is it a true card number, a person, somebody else's mail address, a random secret?

use super::office::Office;

/// A check that a rule file may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// The check digit of payment cards (ISO/IEC 7812).
    Luhn,
    /// At least 3.2 bits of entropy a character, letters and digits mixed, no example word.
    Secret,
    /// No example or blank stands where the password is.
    Password,
    /// A name, not お客様 or 皆様.
    Person,
    /// A telephone number that is not the office's own.
    Phone,
    /// A mail address whose domain is not the office's own.
    Mail,
    /// An address of a private network (RFC 1918).
    Private,
}

impl Check {
    /// The check with this name in a rule file.
    ///
    /// # Errors
    /// A sentence naming the ones there are.
    pub fn named(name: &str) -> Result<Self, String> {
        Ok(match name {
            "luhn" => Self::Luhn,
            "secret" => Self::Secret,
            "password" => Self::Password,
            "person" => Self::Person,
            "phone" => Self::Phone,
            "mail" => Self::Mail,
            "private" => Self::Private,
            _ => {
                return Err(format!("`{name}` is no check: luhn, secret, password, person, phone, mail or private"));
            }
        })
    }

    /// Whether what was found counts. `text` is the view, `at` where the find begins and ends in it.
    pub fn holds(self, office: &Office, text: &str, at: &std::ops::Range<usize>) -> bool {
        let found = text.get(at.clone()).unwrap_or_default();
        match self {
            Self::Luhn => luhn(found),
            Self::Secret => is_random(found),
            Self::Password => is_password(found),
            Self::Person => is_person(text, at),
            Self::Phone => !office.has_phone(found),
            Self::Mail => !office.has_mail(found),
            Self::Private => is_private(found),
        }
    }
}

fn luhn(found: &str) -> bool {
    let digits: Vec<u32> = found.chars().filter_map(|c| c.to_digit(10)).collect();
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(n, digit)| if n % 2 == 0 { *digit } else { digit * 2 / 10 + digit * 2 % 10 })
        .sum();
    let same = digits.windows(2).all(|pair| pair.first() == pair.last());
    (14..=16).contains(&digits.len()) && sum.is_multiple_of(10) && !same
}

fn is_random(found: &str) -> bool {
    const EXAMPLES: [&str; 8] = ["example", "sample", "xxxx", "your", "dummy", "placeholder", "test", "0000"];
    let mut counts = [0_u32; 128];
    let mut all = 0_u32;
    for byte in found.bytes() {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count += 1;
        }
        all += 1;
    }
    let share = |count: &u32| f64::from(*count) / f64::from(all.max(1));
    let bits: f64 = counts.iter().filter(|count| **count > 0).map(share).map(|p| -p * p.log2()).sum();
    let digits = found.bytes().any(|byte| byte.is_ascii_digit());
    let letters = found.bytes().any(|byte| byte.is_ascii_alphabetic());
    bits >= 3.2 && digits && letters && !EXAMPLES.iter().any(|example| found.contains(example))
}

fn is_password(found: &str) -> bool {
    const WORDS: [&str; 12] =
        ["http", "example", "xxxx", "****", "policy", "reset", "manager", "the", "is", "and", "for", "your"];
    let varied =
        found.bytes().any(|byte| byte.is_ascii_digit()) || found.bytes().any(|byte| byte.is_ascii_punctuation());
    let same = found.bytes().collect::<std::collections::BTreeSet<_>>().len() < 3;
    varied && !same && !WORDS.iter().any(|word| found == *word || (word.len() >= 4 && found.starts_with(word)))
}

/// Whether the honorific that `at` ends with follows a name.
fn is_person(text: &str, at: &std::ops::Range<usize>) -> bool {
    const OTHERS: [&str; 40] = [
        "お客様",
        "お客さん",
        "皆様",
        "皆さん",
        "みなさん",
        "みな様",
        "みなさま",
        "皆さま",
        "母さん",
        "父さん",
        "兄さん",
        "姉さん",
        "爺さん",
        "婆さん",
        "お子様",
        "お子さん",
        "赤ちゃん",
        "王様",
        "神様",
        "奥様",
        "奥さん",
        "旦那さん",
        "業者様",
        "企業様",
        "各位様",
        "同様",
        "仕様",
        "多様",
        "模様",
        "異様",
        "有様",
        "様々",
        "たくさん",
        "お母さん",
        "お父さん",
        "おじさん",
        "おばさん",
        "患者さん",
        "氏名",
        "利用者様",
    ];
    const ROLES: [&str; 26] = [
        "者", "員", "民", "屋", "店", "師", "士", "長", "家", "主", "人", "方", "子", "達", "徒", "童", "親", "族",
        "生", "客", "同", "仕", "多", "模", "皆", "参",
    ];
    let found = text.get(at.clone()).unwrap_or_default();
    let after = text.get(at.end..).unwrap_or_default();
    if OTHERS.iter().any(|other| found.contains(other)) || after.starts_with(['々', '式', '子', '相']) {
        return false;
    }
    let honorific = ["ちゃん", "さん", "くん", "さま", "君", "様", "氏"].iter().find(|it| found.ends_with(**it));
    let name = honorific.and_then(|it| found.strip_suffix(*it)).unwrap_or(found);
    name.chars().count() > 0 && !ROLES.iter().any(|role| name.ends_with(role))
        || name.chars().count() >= 4 && !name.ends_with(['者', '員', '民'])
}

fn is_private(found: &str) -> bool {
    let parts: Vec<u8> = found.split('.').filter_map(|part| part.parse().ok()).collect();
    match parts.as_slice() {
        [10, _, _, _] | [192, 168, _, _] => true,
        [172, second, _, _] => (16..32).contains(second),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_tells_the_true_from_what_looks_like_it() {
        assert!(luhn("4111-1111-1111-1111") && !luhn("4111-1111-1111-1112") && !luhn("0000-0000-0000-0000"));
        assert!(is_random("wJalrXUtnFEMI7K7MDENGbPxRfiCY".to_lowercase().as_str()));
        assert!(!is_random("aaaaaaaaaaaaaaaaaaaaaaaaa1") && !is_random("your-api-key-1234567"));
        assert!(is_private("192.168.10.5") && is_private("172.16.0.1") && !is_private("203.0.113.7"));
        for (text, person) in [("山田太郎さん", true), ("お客様", false), ("参加者さん", false), ("佐藤氏", true)]
        {
            assert_eq!(is_person(text, &(0..text.len())), person, "{text}");
        }
    }
}
