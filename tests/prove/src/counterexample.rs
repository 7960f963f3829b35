//! A counterexample as a person can read it: every fact that does not matter is put back to "nothing".

use cedar_policy::{Authorizer, Context, Decision, Entities, PolicySet, Request, Schema};
use serde_json::{Map, Value, json};

/// What of a request makes it a counterexample.
pub struct Case<'s> {
    pub schema: &'s Schema,
    pub entities: Entities,
    pub request: Request,
}

impl<'s> Case<'s> {
    /// Whether these rules permit it. `None`: a rule raised an error.
    pub fn permitted_by(&self, rules: &PolicySet) -> Option<bool> {
        let response = Authorizer::new().is_authorized(&self.request, rules, &self.entities);
        let erred = response.diagnostics().errors().next().is_some();
        (!erred).then(|| response.decision() == Decision::Allow)
    }

    /// The same case with as many facts as possible put back to what says nothing, while it still `holds`.
    pub fn least(mut self, holds: impl Fn(&Self) -> bool) -> Self {
        // What one fact is needed for may be gone when another is put back, so it is tried twice.
        for name in self.facts().keys().chain(self.facts().keys()) {
            for less in lesser(&self.facts()[name]) {
                let mut facts = self.facts();
                facts.insert(name.clone(), less);
                if let Some(case) = self.with(facts).filter(&holds) {
                    self = case;
                    break;
                }
            }
        }
        self
    }

    fn with(&self, facts: Map<String, Value>) -> Option<Self> {
        let action = self.request.action()?.clone();
        let context = Context::from_json_value(Value::Object(facts), Some((self.schema, &action))).ok()?;
        let (who, what) = (self.request.principal()?.clone(), self.request.resource()?.clone());
        let request = Request::new(who, action, what, context, Some(self.schema)).ok()?;
        Some(Self { schema: self.schema, entities: self.entities.clone(), request })
    }

    fn facts(&self) -> Map<String, Value> {
        let context = self.request.context().expect("a request of the solver has its facts");
        match context.to_json_value().expect("facts are JSON") {
            Value::Object(facts) => facts,
            other => panic!("facts are an object, not {other}"),
        }
    }

    /// The facts that say something: `action=publish pass=approved approver_is_author=true`.
    pub fn told(&self) -> String {
        let action = self.request.action().map(|it| it.id().unescaped().to_owned()).unwrap_or_default();
        let mut told = format!("action={action}");
        for (name, value) in self.facts() {
            let word = match value {
                Value::Bool(true) => "true".to_owned(),
                Value::Number(number) if number.as_i64() != Some(0) => number.to_string(),
                Value::String(text) if text != "none" && !text.is_empty() => text,
                Value::Array(members) if !members.is_empty() => {
                    members.iter().map(member).collect::<Vec<_>>().join(",")
                }
                _ => continue,
            };
            told.push_str(&format!(" {name}={word}"));
        }
        told
    }
}

/// What says less than this value, the least first.
fn lesser(value: &Value) -> Vec<Value> {
    match value {
        Value::Bool(_) => vec![json!(false)],
        Value::Number(_) => vec![json!(0), json!(1), json!(31)],
        Value::String(_) => vec![json!("none"), json!("")],
        Value::Array(members) => {
            let one = members.iter().map(|member| json!([member]));
            std::iter::once(json!([])).chain(one).collect()
        }
        Value::Null | Value::Object(_) => Vec::new(),
    }
}

fn member(value: &Value) -> String {
    let id = value.get("__entity").and_then(|it| it.get("id")).or_else(|| value.get("id")).unwrap_or(value);
    id.as_str().map_or_else(|| id.to_string(), str::to_owned)
}
