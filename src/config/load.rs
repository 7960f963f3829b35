//! Loading: each file alone with its lines, then layered by the `config` crate, then checked as a whole.
//!
//! The `config` crate knows no lines, so every file is first walked section by section with the `toml` crate's spans:
//! one wrong key does not hide the next. The layered value is what is used.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue, ValueDeserializer};

use super::{Config, Problem, approve, console, credentials, emergency, extract, forward, gate, guideline, inspect};
use super::{ledger, listen, media, providers, registry, store};
use crate::domain::{account, person};

/// The lists of the registry, which belong into one file each.
const LISTS: [&str; 4] = ["organisations", "accounts", "people", "clients"];

/// Keys whose value in the environment is a list, separated by commas.
const LISTS_IN_ENVIRONMENT: [&str; 6] = [
    "listen.names",
    "console.stream_keys_sha256",
    "guideline.common",
    "guideline.templates",
    "inspect.shorteners",
    "media.hosts",
];

/// Reads, layers and checks.
pub(super) fn load(files: &[PathBuf], environment: Option<HashMap<String, String>>) -> Result<Config, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut places = Places::default();
    let mut texts = Vec::new();
    for file in files {
        match std::fs::read_to_string(file) {
            Ok(text) => {
                walk(file, &text, &mut places, &mut problems);
                texts.push(text);
            }
            Err(error) => problems.push(Problem::of_file(file, format!("cannot read the file: {error}"))),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let config = layer(&texts, environment).map_err(|problem| vec![problem])?;
    super::check::check(&config, &places, &mut problems);
    if problems.is_empty() { Ok(config) } else { Err(problems) }
}

/// Where things stand, for messages: sections and keys by dotted path, list elements by `list[index]`.
#[derive(Default)]
pub(super) struct Places {
    at: BTreeMap<String, (PathBuf, usize)>,
}

impl Places {
    /// A problem at `path`, or at the nearest path above it that stands in a file.
    pub(super) fn problem(&self, path: &str, reason: impl Into<String>) -> Problem {
        let mut path = path;
        loop {
            if let Some((file, line)) = self.at.get(path) {
                return Problem { file: Some(file.clone()), line: Some(*line), reason: reason.into() };
            }
            match path.rfind('.') {
                Some(dot) => path = path.get(..dot).unwrap_or_default(),
                None => return Problem { file: None, line: None, reason: reason.into() },
            }
        }
    }

    fn note(&mut self, path: &str, file: &Path, text: &str, span: Range<usize>) {
        self.at.insert(path.to_owned(), (file.to_owned(), line_of(text, span.start)));
    }

    /// Notes a value and everything in it, so that a later check can point at a single key.
    fn note_all(&mut self, path: &str, file: &Path, text: &str, value: &Spanned<DeValue<'_>>) {
        match value.get_ref() {
            DeValue::Table(table) => {
                for (key, child) in table {
                    let path = format!("{path}.{}", key.get_ref());
                    self.note(&path, file, text, key.span());
                    self.note_all(&path, file, text, child);
                }
            }
            DeValue::Array(list) => {
                for (i, child) in list.iter().enumerate() {
                    let path = format!("{path}[{i}]");
                    self.note(&path, file, text, child.span());
                    self.note_all(&path, file, text, child);
                }
            }
            _ => {}
        }
    }
}

/// The line, from 1, on which the byte at `offset` stands.
fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

/// One file being walked.
struct Walk<'a> {
    file: &'a Path,
    text: &'a str,
    problems: &'a mut Vec<Problem>,
}

fn walk(file: &Path, text: &str, places: &mut Places, problems: &mut Vec<Problem>) {
    let mut walk = Walk { file, text, problems };
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        for error in errors {
            walk.report(error.span(), error.message());
        }
        return;
    }
    for (key, mut value) in table.into_inner() {
        let name = key.get_ref().to_string();
        if LISTS.contains(&name.as_str())
            && let Some((first, line)) = places.at.get(&name)
        {
            let reason = format!("`{name}` stands in two files; the other is {}:{line}", first.display());
            walk.report(Some(key.span()), &reason);
            continue;
        }
        places.note(&name, file, text, key.span());
        dates_as_text(&mut value);
        places.note_all(&name, file, text, &value);
        walk.section(&name, &key, value);
    }
}

impl Walk<'_> {
    fn report(&mut self, span: Option<Range<usize>>, reason: &str) {
        let line = span.map(|span| line_of(self.text, span.start));
        self.problems.push(Problem { file: Some(self.file.to_owned()), line, reason: reason.trim().to_owned() });
    }

    fn section(&mut self, name: &str, key: &Spanned<DeString<'_>>, value: Spanned<DeValue<'_>>) {
        match name {
            "listen" => self.whole::<listen::Listen>(name, value),
            "extract" => self.whole::<extract::Extract>(name, value),
            "inspect" => self.whole::<inspect::Inspect>(name, value),
            "approve" => self.whole::<approve::Approve>(name, value),
            "guideline" => self.whole::<guideline::Guideline>(name, value),
            "ledger" => self.whole::<ledger::Ledger>(name, value),
            "store" => self.whole::<store::Store>(name, value),
            "gate" => self.whole::<gate::Gate>(name, value),
            "forward" => self.whole::<forward::Forward>(name, value),
            "media" => self.whole::<media::Media>(name, value),
            "credentials" => self.whole::<credentials::Credentials>(name, value),
            "emergency" => self.whole::<emergency::Emergency>(name, value),
            "console" => self.whole::<console::Console>(name, value),
            "providers" => self.each_member::<providers::Provider>(name, value),
            "charters" => self.each_member::<crate::domain::registry::Charter>(name, value),
            "organisations" => self.each_element::<registry::Organisation>(name, value),
            "accounts" => self.each_element::<account::Account>(name, value),
            "people" => self.each_element::<person::Person>(name, value),
            "clients" => self.each_element::<person::Client>(name, value),
            _ => self.report(Some(key.span()), &format!("unknown section `{name}`")),
        }
    }

    fn whole<T: DeserializeOwned>(&mut self, name: &str, value: Spanned<DeValue<'_>>) {
        let start = value.span();
        if !value.get_ref().is_table() {
            return self.report(Some(start), &format!("`{name}` is written as a section: `[{name}]`"));
        }
        if let Err(error) = T::deserialize(ValueDeserializer::from(value)) {
            self.report(error.span().or(Some(start)), &format!("[{name}]: {}", error.message()));
        }
    }

    fn each_member<T: DeserializeOwned>(&mut self, name: &str, value: Spanned<DeValue<'_>>) {
        let start = value.span();
        match value.into_inner() {
            DeValue::Table(table) => {
                for (key, child) in table {
                    self.whole::<T>(&format!("{name}.{}", key.get_ref()), child);
                }
            }
            _ => self.report(Some(start), &format!("`{name}` is written as sections: `[{name}.NAME]`")),
        }
    }

    fn each_element<T: DeserializeOwned>(&mut self, name: &str, value: Spanned<DeValue<'_>>) {
        let start = value.span();
        match value.into_inner() {
            DeValue::Array(list) => {
                for child in list {
                    self.whole::<T>(name, child);
                }
            }
            _ => self.report(Some(start), &format!("`{name}` is written as a list: `[[{name}]]`")),
        }
    }
}

/// Dates and times are text in the domain; `until = 2027-03-31` and `until = "2027-03-31"` mean the same, here as in
/// the `config` crate.
fn dates_as_text(value: &mut Spanned<DeValue<'_>>) {
    match value.get_mut() {
        DeValue::Table(table) => table.iter_mut().for_each(|(_, child)| dates_as_text(child)),
        DeValue::Array(list) => list.iter_mut().for_each(dates_as_text),
        other => {
            if let DeValue::Datetime(date) = other {
                *other = DeValue::String(date.to_string().into());
            }
        }
    }
}

fn layer(texts: &[String], environment: Option<HashMap<String, String>>) -> Result<Config, Problem> {
    let mut builder = ::config::Config::builder();
    for text in texts {
        builder = builder.add_source(::config::File::from_str(text, ::config::FileFormat::Toml));
    }
    let mut variables = ::config::Environment::with_prefix("SEKISHO")
        .prefix_separator("__")
        .separator("__")
        .try_parsing(true)
        .list_separator(",")
        .source(environment.map(|map| map.into_iter().collect()));
    for key in LISTS_IN_ENVIRONMENT {
        variables = variables.with_list_parse_key(key);
    }
    // The files were read alone without a problem, so what fails now comes from a variable.
    let problem = |error: ::config::ConfigError| Problem {
        file: None,
        line: None,
        reason: format!("environment (SEKISHO__SECTION__KEY): {error}"),
    };
    builder.add_source(variables).build().and_then(::config::Config::try_deserialize).map_err(problem)
}
