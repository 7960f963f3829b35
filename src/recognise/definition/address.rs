//! Where an answer names an address of the provider at which a tool goes on.

/// The place of an address in an answer's JSON: `/upload_url`, `/didDoc/service/*/serviceEndpoint`, `/**/paging/next`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressAt(Vec<Step>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    /// The member of this name.
    Member(String),
    /// Any member or element.
    Any,
    /// Any members and elements, none or more.
    Deep,
}

impl AddressAt {
    /// Reads a place as definitions write it.
    ///
    /// # Errors
    /// When it does not begin with a slash, has an empty step, or ends in a wildcard: an address has a name.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("{text:?} is no place of an address (`/upload_url`, `/service/*/url`, `/**/paging/next`)");
        let steps = text.strip_prefix('/').ok_or_else(wrong)?.split('/');
        let steps: Vec<Step> = steps
            .map(|step| match step {
                "*" => Step::Any,
                "**" => Step::Deep,
                name => Step::Member(name.to_owned()),
            })
            .collect();
        match steps.last() {
            Some(Step::Member(_)) if !steps.contains(&Step::Member(String::new())) => Ok(Self(steps)),
            _ => Err(wrong()),
        }
    }

    /// Whether the value at `path` is meant; an element of an array has an empty name.
    pub fn matches(&self, path: &[String]) -> bool {
        matches(&self.0, path)
    }
}

fn matches(steps: &[Step], path: &[String]) -> bool {
    match (steps, path) {
        ([], []) => true,
        ([Step::Deep, after @ ..], [_, rest @ ..]) => matches(after, path) || matches(steps, rest),
        ([Step::Deep, after @ ..], []) => matches(after, path),
        ([Step::Any, after @ ..], [_, rest @ ..]) => matches(after, rest),
        ([Step::Member(name), after @ ..], [found, rest @ ..]) => name == found && matches(after, rest),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_at(pattern: &str, path: &str) -> bool {
        let path: Vec<String> = path.split('.').map(|name| name.trim_matches('#').to_owned()).collect();
        AddressAt::parse(pattern).unwrap().matches(&path)
    }

    #[test]
    fn a_place_is_exact_but_for_its_wildcards() {
        assert!(is_at("/upload_url", "upload_url"));
        assert!(!is_at("/upload_url", "data.upload_url"));
        assert!(is_at("/didDoc/service/*/serviceEndpoint", "didDoc.service.#.serviceEndpoint"));
        assert!(!is_at("/didDoc/service/*/serviceEndpoint", "didDoc.service.serviceEndpoint"));
        for path in ["paging.next", "feed.paging.next", "data.#.comments.paging.next"] {
            assert!(is_at("/**/paging/next", path), "{path}");
        }
        assert!(!is_at("/**/paging/next", "paging.cursors.next"));
    }

    #[test]
    fn what_names_no_member_is_refused() {
        for text in ["upload_url", "", "/", "/a//b", "/a/*", "/**"] {
            assert!(AddressAt::parse(text).is_err(), "{text:?}");
        }
    }
}
