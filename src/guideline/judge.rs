//! Evaluating the rules of one body: Cedar behind five guards, and a bounded cache of what it concluded.
//!
//! Cedar skips a rule that raises an error, a `forbid` too. So any error is a verdict of its own, and is never cached.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use cedar_policy::{
    ActionConstraint, Authorizer, Context, Decision, Entities, EntityId, EntityTypeName, EntityUid, PolicySet, Request,
    RestrictedExpression, Schema,
};

use crate::config::registry::Period;
use crate::domain::action::Action;

use super::facts::{Facts, Value};
use super::rules::{Rule, RuleEffect};

/// How many conclusions are remembered for one body; when full, all are forgotten at once.
const REMEMBERED: usize = 4096;

/// The longest facts that are remembered, in bytes, so that posts full of hashtags cannot fill the memory. Those of an
/// ordinary post are a tenth of it.
const LONGEST: usize = 4096;

/// What the configuration says of a body beside its rules.
#[derive(Clone, Debug, Default)]
pub(super) struct Town {
    /// Its name as written: 練馬区.
    pub(super) name: String,
    /// The hosts of its own site, in lower case.
    pub(super) sites: Vec<String>,
    /// Days on which its guideline says something else.
    pub(super) periods: Vec<Period>,
}

/// The rules in force for one body.
pub(super) struct Body {
    pub(super) town: Town,
    /// Its own rules in the order of its files, then the common ones.
    pub(super) rules: Vec<Rule>,
    pub(super) index: HashMap<String, usize>,
    /// Whether some rule asks of every post how many people approved it.
    pub(super) joint: bool,
    /// The rules that can speak of an action, by its name: all others need not be looked at.
    slices: HashMap<&'static str, PolicySet>,
    /// Under the facts themselves, whole.
    remembered: Mutex<HashMap<Vec<u8>, Arc<Verdict>>>,
}

/// What the rules conclude of some facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// These rules forbid it, in the order of the files.
    Forbidden(Vec<usize>),
    /// No rule permits it.
    NoPermit,
    /// This rule permits it, of all that do the one of the highest rank; those add their duties.
    Permitted(usize, Vec<usize>),
    /// These rules could not be evaluated.
    Error(Vec<String>),
}

/// The names of the schema, made once.
pub(super) struct Names {
    client: EntityTypeName,
    account: EntityTypeName,
    action: EntityTypeName,
    category: EntityTypeName,
    declaration: EntityTypeName,
    mode: EntityTypeName,
    /// The actions with their groups.
    pub(super) entities: Entities,
    pub(super) schema: Schema,
}

impl Names {
    /// The names of this schema.
    ///
    /// # Errors
    /// A sentence, if the schema lacks one.
    pub(super) fn new(schema: Schema) -> Result<Self, String> {
        let name = |name: &str| name.parse::<EntityTypeName>().map_err(|error| error.to_string());
        let entities = schema.action_entities().map_err(|error| error.to_string())?;
        Ok(Self {
            client: name("Client")?,
            account: name("Account")?,
            action: name("Action")?,
            category: name("Category")?,
            declaration: name("Declaration")?,
            mode: name("Mode")?,
            entities,
            schema,
        })
    }

    fn enumerated(&self, kind: &str) -> &EntityTypeName {
        match kind {
            "Category" => &self.category,
            "Mode" => &self.mode,
            _ => &self.declaration,
        }
    }

    /// The rules whose scope takes in the action. A scope that cannot be read is kept, never left out.
    fn slice(&self, rules: &[Rule], action: Action) -> PolicySet {
        let this = EntityUid::from_type_name_and_id(self.action.clone(), EntityId::new(action.as_str()));
        let within = |group: &EntityUid| *group == this || self.entities.is_ancestor_of(group, &this);
        let speaks = |rule: &&Rule| match rule.policy.action_constraint() {
            ActionConstraint::Any => true,
            ActionConstraint::Eq(one) => one == this,
            ActionConstraint::In(groups) => groups.iter().any(within),
        };
        let mut slice = PolicySet::new();
        for rule in rules.iter().filter(speaks) {
            // Ids have been found to be unique when the body was read.
            if slice.add(rule.policy.clone()).is_err() {
                tracing::error!(rule = rule.id, "a rule stands twice");
            }
        }
        slice
    }
}

impl Body {
    pub(super) fn new(town: Town, rules: Vec<Rule>, names: &Names) -> Self {
        let index = rules.iter().enumerate().map(|(at, rule)| (rule.id.clone(), at)).collect();
        let slices = Action::ALL.into_iter().map(|action| (action.as_str(), names.slice(&rules, action))).collect();
        let joint = rules.iter().any(|rule| rule.joint);
        Self { town, rules, index, joint, slices, remembered: Mutex::default() }
    }

    /// What the rules conclude, remembered under the facts.
    pub(super) fn judge(&self, names: &Names, facts: &Facts) -> Arc<Verdict> {
        let Some(key) = facts.key().filter(|key| key.len() <= LONGEST) else {
            return Arc::new(self.evaluate(names, facts, true));
        };
        if let Some(verdict) = self.remembered.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return verdict.clone();
        }
        let verdict = Arc::new(self.evaluate(names, facts, true));
        if !matches!(*verdict, Verdict::Error(_)) {
            let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
            if remembered.len() >= REMEMBERED {
                remembered.clear();
            }
            remembered.insert(key, verdict.clone());
        }
        verdict
    }

    /// What the rules conclude. `checked`: the facts are first checked against the schema, as always in service.
    pub(super) fn evaluate(&self, names: &Names, facts: &Facts, checked: bool) -> Verdict {
        let Ok(request) = request(names, facts, checked) else {
            return Verdict::Error(vec!["facts".to_owned()]);
        };
        let Some(policies) = self.slices.get(facts.action.as_str()) else {
            return Verdict::Error(vec!["action".to_owned()]);
        };
        let response = Authorizer::new().is_authorized(&request, policies, &names.entities);
        let mut errors = response.diagnostics().errors().map(ToString::to_string).peekable();
        if errors.peek().is_some() {
            let mut errors: Vec<String> = errors.collect();
            errors.sort();
            tracing::error!(?errors, "a rule of the guideline could not be evaluated");
            return Verdict::Error(
                response
                    .diagnostics()
                    .errors()
                    .map(|cedar_policy::AuthorizationError::PolicyEvaluationError(error)| error.policy_id().to_string())
                    .collect(),
            );
        }
        let mut determining: Vec<usize> = response
            .diagnostics()
            .reason()
            .filter_map(|id| self.index.get(AsRef::<str>::as_ref(id)).copied())
            .collect();
        determining.sort_unstable();
        match response.decision() {
            Decision::Deny if determining.is_empty() => Verdict::NoPermit,
            Decision::Deny => Verdict::Forbidden(determining),
            Decision::Allow => {
                let is_beside = |at: &usize| self.rules.get(*at).is_some_and(|rule| rule.beside);
                let (beside, basis): (Vec<usize>, Vec<usize>) = determining.into_iter().partition(is_beside);
                basis
                    .into_iter()
                    .filter_map(|at| match self.rules.get(at)?.effect {
                        RuleEffect::Permit { rank, .. } => Some((rank, at)),
                        RuleEffect::Forbid { .. } => None,
                    })
                    // Of two permits of one rank the earlier names the basis.
                    .max_by_key(|(rank, at)| (*rank, std::cmp::Reverse(*at)))
                    .map_or(Verdict::NoPermit, |(_, at)| Verdict::Permitted(at, beside))
            }
        }
    }
}

fn request(names: &Names, facts: &Facts, checked: bool) -> Result<Request, String> {
    let uid = |kind: &EntityTypeName, id: &str| EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id));
    let pairs = facts.values().iter().map(|(name, value)| ((*name).to_owned(), expression(names, value)));
    let context = Context::from_pairs(pairs).map_err(|error| error.to_string())?;
    Request::new(
        uid(&names.client, &facts.client),
        uid(&names.action, facts.action.as_str()),
        uid(&names.account, &facts.account),
        context,
        checked.then_some(&names.schema),
    )
    .map_err(|error| error.to_string())
}

fn expression(names: &Names, value: &Value) -> RestrictedExpression {
    match value {
        Value::Flag(flag) => RestrictedExpression::new_bool(*flag),
        Value::Number(number) => RestrictedExpression::new_long(*number),
        Value::Text(text) => RestrictedExpression::new_string(text.clone().into_owned()),
        Value::Set(members) => {
            RestrictedExpression::new_set(members.iter().cloned().map(RestrictedExpression::new_string))
        }
        Value::Members(kind, members) => {
            let kind = names.enumerated(kind);
            let uid = |id: &&str| EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id));
            RestrictedExpression::new_set(members.iter().map(|id| RestrictedExpression::new_entity_uid(uid(id))))
        }
    }
}
