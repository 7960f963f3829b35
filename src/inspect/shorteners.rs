//! The list of URL shorteners: one host a line, `native` after hosts that only shorten their own service's links.

use std::collections::HashMap;
use std::path::Path;

use crate::config::Problem;

/// What a listed host is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It leads anywhere.
    Shortener,
    /// It leads only into its own service, such as youtu.be.
    Native,
}

/// A host has at most 253 characters (RFC 1035). Of a longer one only the end is looked at, so that an endless host costs
/// no more than its length.
const LONGEST: usize = 253;

/// Listed hosts.
#[derive(Clone, Debug, Default)]
pub struct Shorteners(HashMap<String, Kind>);

impl Shorteners {
    /// Adds the hosts of a list. A later list changes what an earlier one says.
    pub fn read(&mut self, file: &Path, text: &str, problems: &mut Vec<Problem>) {
        let mut here = HashMap::new();
        for (n, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default().trim();
            let mut words = line.split_whitespace();
            let Some(host) = words.next() else { continue };
            let kind = match (words.next(), words.next()) {
                (None, _) => Ok(Kind::Shortener),
                (Some("native"), None) => Ok(Kind::Native),
                (Some(word), _) => Err(format!("`{word}` after the host; only `native` may follow")),
            };
            let checked = kind.and_then(|kind| is_host(host).then_some(kind).ok_or_else(|| not_a_host(host)));
            let reason = match checked {
                Ok(kind) => match here.insert(host.to_owned(), kind) {
                    None => continue,
                    Some(_) => format!("`{host}` stands twice"),
                },
                Err(reason) => reason,
            };
            problems.push(Problem { file: Some(file.to_owned()), line: Some(n + 1), reason });
        }
        self.0.extend(here);
    }

    /// What the host, or a domain above it, is listed as.
    pub fn kind(&self, host: &str) -> Option<Kind> {
        let host = host.get(host.len().saturating_sub(LONGEST)..)?;
        if let Some(kind) = self.0.get(host) {
            return Some(*kind);
        }
        host.match_indices('.').find_map(|(dot, _)| self.0.get(host.get(dot + 1..)?).copied())
    }

    /// How many hosts are listed.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no host is listed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Whether this can stand in a list: a host name in lower-case ASCII with a dot.
pub fn is_host(host: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    host.contains('.') && host.split('.').all(label)
}

fn not_a_host(host: &str) -> String {
    format!("`{host}` is not a host in lower-case ASCII, such as bit.ly")
}
