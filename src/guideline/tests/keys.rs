//! Under what a conclusion is remembered: facts that differ in anything have another key, facts that do not have the same.

use super::*;
use crate::guideline::facts::Value;
use crate::guideline::judge::Town;

/// What the cache was keyed on before: every name, type and value, each with its length.
fn by_names(facts: &Facts) -> Vec<u8> {
    let mut key = Vec::new();
    let mut put = |part: &[u8]| {
        key.extend_from_slice(&(part.len() as u64).to_be_bytes());
        key.extend_from_slice(part);
    };
    for part in [&facts.client, facts.action.as_str(), &facts.account] {
        put(part.as_bytes());
    }
    for (name, value) in facts.values() {
        put(name.as_bytes());
        match value {
            Value::Flag(flag) => put(&[b'f', u8::from(*flag)]),
            Value::Number(number) => put(&number.to_be_bytes()),
            Value::Text(text) => put(text.as_bytes()),
            Value::Set(members) => {
                put(&(members.len() as u64).to_be_bytes());
                members.iter().for_each(|member| put(member.as_bytes()));
            }
            Value::Members(_, members) => {
                put(&(members.len() as u64).to_be_bytes());
                members.iter().for_each(|member| put(member.as_bytes()));
            }
        }
    }
    key
}

/// Facts of every written case, and of each the same with one attribute more told otherwise.
fn many() -> Vec<Facts> {
    let mut all = Vec::new();
    for case in cases() {
        let facts = Facts::ordinary(&case.body).with(&case.facts).unwrap();
        for (name, value) in facts.values() {
            let others: &[&str] = match value {
                Value::Flag(true) => &["false"],
                Value::Flag(false) => &["true"],
                Value::Number(_) => &["0", "1", "256"],
                Value::Text(_) => &["none", "t", "other"],
                Value::Set(_) => &["", "a", "b", "a,b", "ab", "aa,b"],
                Value::Members("Category", _) => &["", "label", "label,template", "template"],
                Value::Members("Mode", _) => &["", "held", "flame,held"],
                Value::Members(..) => &["", "people", "people,place"],
            };
            all.extend(others.iter().map(|other| facts.with(&format!("{name}={other}")).unwrap()));
        }
        all.push(facts);
    }
    all
}

#[test]
fn two_facts_share_a_key_exactly_if_they_shared_one_by_every_name_type_and_value() {
    let (mut new_of, mut old_of) = (BTreeMap::new(), BTreeMap::new());
    let all = many();
    assert!(all.len() > 10_000, "{}", all.len());
    for facts in &all {
        let (old, new) = (by_names(facts), facts.key().unwrap());
        assert_eq!(new_of.entry(old.clone()).or_insert_with(|| new.clone()), &new);
        assert_eq!(old_of.entry(new).or_insert_with(|| old.clone()), &old);
    }
    assert!(new_of.len() > 5_000, "{} different ones", new_of.len());
    assert_eq!(new_of.len(), old_of.len());
}

#[test]
fn whoever_asks_whatever_is_done_and_where_is_in_the_key() {
    let ordinary = Facts::ordinary("nerima");
    let of = |client: &str, account: &str| {
        let mut facts = ordinary.clone();
        (facts.client, facts.account) = (client.to_owned(), account.to_owned());
        facts
    };
    let moved = [
        of("canarya", "canary"),
        of("canary", "acanary"),
        of("", "canarycanary"),
        ordinary.with("action=delete").unwrap(),
        Facts::ordinary("nagano"),
    ];
    let keys: BTreeSet<_> = moved.iter().chain([&ordinary]).map(|facts| facts.key().unwrap()).collect();
    assert_eq!(keys.len(), moved.len() + 1);
}

#[test]
fn what_is_concluded_without_an_attribute_is_never_remembered() {
    let guidelines = shipped();
    let body = &guidelines.bodies[&nerima()];
    let facts = Facts::ordinary("nerima");
    assert!(matches!(*body.judge(&guidelines.names, &facts), Verdict::Permitted(..)));
    for name in facts.attributes() {
        let lacking = facts.without(name);
        assert_eq!(lacking.key(), None, "{name}");
        assert!(matches!(*body.judge(&guidelines.names, &lacking), Verdict::Error(_)), "{name}");
    }
    assert!(matches!(*body.judge(&guidelines.names, &facts), Verdict::Permitted(..)));
}

#[test]
fn what_is_remembered_is_what_is_concluded_anew() {
    let guidelines = shipped();
    let mut permitted = 0;
    for facts in many().iter().step_by(37) {
        let Some(Value::Text(organisation)) = facts.value("organisation") else { panic!("of no body: {facts:?}") };
        // Told otherwise, it may be a body that has no guideline.
        let Some(body) = guidelines.bodies.get(&OrganisationId::new(&**organisation)) else { continue };
        let anew = body.evaluate(&guidelines.names, facts, true);
        assert_eq!(*body.judge(&guidelines.names, facts), anew);
        assert_eq!(*body.judge(&guidelines.names, facts), anew);
        permitted += usize::from(matches!(anew, Verdict::Permitted(..)));
    }
    assert!(permitted > 20, "{permitted}");
}

#[test]
fn facts_of_a_post_full_of_hashtags_are_judged_and_not_kept() {
    let guidelines = shipped();
    let mut scene = Scene::new();
    let tags: String = (0..64).map(|n| format!("#{}{n} ", "防災".repeat(20))).collect();
    scene.post.fields[0].value = Tree::Text(tags);
    let pass = scene.approved_by("manager");
    let facts = Facts::of(&scene.case(&pass), &Town::default());
    assert!(facts.key().unwrap().len() > 4096);
    for _ in 0..2 {
        assert!(decide(&guidelines, scene.case(&pass)).is_ok());
    }
}
