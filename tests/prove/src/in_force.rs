//! The rules in force for a body, as `src/guideline/rules.rs` and `src/guideline.rs` make them of its files: its own, and
//! the common ones that none of its own replaces. `tests/it/prove.rs` shows that both come to the same rules.

use std::str::FromStr;

use cedar_policy::{Policy, PolicyId, PolicySet};

/// The rules in force, by the texts of the body's own file and of the common one.
///
/// # Errors
/// A sentence, if a text does not parse, or a rule has no id.
pub fn in_force(own: &str, common: &str) -> Result<Vec<Policy>, String> {
    let mut rules = Vec::new();
    for text in [own, common] {
        let set = PolicySet::from_str(text).map_err(|error| error.to_string())?;
        for policy in set.policies() {
            let id = policy.annotation("id").ok_or("a rule has no @id")?.to_owned();
            rules.push(policy.new_id(PolicyId::new(id)));
        }
    }
    let replaced: Vec<String> =
        rules.iter().filter_map(|rule| rule.annotation("replaces")).map(str::to_owned).collect();
    rules.retain(|rule| !replaced.iter().any(|id| rule.annotation("id") == Some(id)));
    Ok(rules)
}
