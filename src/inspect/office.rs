//! What is the office's own and may be published: telephone numbers, mail domains, sites.

use std::path::Path;

use serde::Deserialize;

use crate::config::Problem;

/// The office's own numbers and names: `config/office.toml`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Office {
    /// Telephone numbers, in any notation.
    pub phones: Vec<String>,
    /// Mail domains, with their sub-domains; a whole address is allowed too.
    pub mail: Vec<String>,
    /// Hosts whose links are no unlisted shorteners, with their sub-domains.
    pub hosts: Vec<String>,
    /// Names of the office itself, which may stand as the maker of a picture.
    pub names: Vec<String>,
}

impl Office {
    /// Reads the file's text.
    ///
    /// # Errors
    /// The first mistake, with its line.
    pub fn read(file: &Path, text: &str) -> Result<Self, Problem> {
        let mut office: Self = toml::from_str(text).map_err(|error| {
            let line = error.span().map(|span| text.bytes().take(span.start).filter(|byte| *byte == b'\n').count() + 1);
            Problem { file: Some(file.to_owned()), line, reason: error.message().to_owned() }
        })?;
        for phone in &mut office.phones {
            *phone = digits(phone);
        }
        for name in office.mail.iter_mut().chain(&mut office.hosts) {
            *name = name.to_lowercase();
        }
        Ok(office)
    }

    /// Whether the number is the office's own.
    pub fn has_phone(&self, number: &str) -> bool {
        let number = digits(number);
        self.phones.contains(&number)
    }

    /// Whether the address is the office's own, or of a domain that only public bodies hold.
    pub fn has_mail(&self, address: &str) -> bool {
        let domain = address.rsplit('@').next().unwrap_or_default();
        let own = |own: &String| own == address || within(domain, own);
        [".lg.jp", ".go.jp"].iter().any(|end| domain.ends_with(end)) || self.mail.iter().any(own)
    }

    /// Whether the maker of a picture is the office itself: a name that holds one of the office's own.
    pub fn has_name(&self, maker: &str) -> bool {
        self.names.iter().any(|own| !own.is_empty() && maker.contains(own.as_str()))
    }

    /// Whether links to the host are trusted.
    pub fn has_host(&self, host: &str) -> bool {
        self.hosts.iter().any(|own| within(host, own))
    }
}

fn within(name: &str, domain: &str) -> bool {
    name == domain || name.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
}

fn digits(number: &str) -> String {
    number.chars().filter(char::is_ascii_digit).collect()
}
