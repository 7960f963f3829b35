//! Proves the guidelines: `cargo run -- REPOSITORY`, with an SMT solver in the environment variable `CVC5`.
//!
//! Every claim of `claims.rs` is proven for every action it names, and then broken: for each of its amendments the proof must
//! fail, and the counterexample is shown. A claim that nothing could break would prove nothing.

use std::path::Path;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Instant;

use cedar_policy::{Policy, PolicySet, RequestEnv, Schema, ValidationMode, Validator};
use cedar_policy_symcc::solver::LocalSolver;
use cedar_policy_symcc::{CedarSymCompiler, CompiledPolicy, CompiledPolicySet};

mod claims;
mod counterexample;
mod in_force;

use claims::{Amendment, CLAIMS, COMMON, Claim, NEVER_ERRS};
use counterexample::Case;

type Solver = CedarSymCompiler<LocalSolver>;
type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const BODIES: [&str; 2] = ["nerima", "nagano"];

struct Files {
    schema: Schema,
    common: String,
    own: Vec<(&'static str, String)>,
}

impl Files {
    fn read(root: &Path) -> Outcome<Self> {
        let read = |name: String| std::fs::read_to_string(root.join("config/guidelines").join(name));
        let (schema, warnings) = Schema::from_cedarschema_str(&read("sekisho.cedarschema".into())?)?;
        assert_eq!(warnings.count(), 0);
        let own = BODIES.map(|body| read(format!("{body}.cedar")).map(|text| (body, text)));
        Ok(Self { schema, common: read("common.cedar".into())?, own: own.into_iter().collect::<Result<_, _>>()? })
    }

    /// The rules in force for a body, with an amendment.
    fn rules(&self, body: &str, amendment: Option<&Amendment>) -> Outcome<Vec<Policy>> {
        let own = self.own.iter().find(|(id, _)| *id == body).map(|(_, text)| text).ok_or("no such body")?;
        let mut rules = match amendment {
            Some(Amendment::Changed(rule, from, to)) => {
                in_force::in_force(&changed(own, rule, from, to)?, &changed(&self.common, rule, from, to)?)?
            }
            Some(Amendment::Struck(_)) | None => in_force::in_force(own, &self.common)?,
        };
        let before = rules.len();
        if let Some(Amendment::Struck(id)) = amendment {
            rules.retain(|rule| rule.annotation("id") != Some(id));
            assert_eq!(rules.len() + 1, before, "{body} has no rule {id}");
        }
        let result = Validator::new(self.schema.clone()).validate(&set(&rules)?, ValidationMode::Strict);
        match result.validation_errors().next() {
            Some(error) => Err(format!("{body} does not validate: {error}").into()),
            None => Ok(rules),
        }
    }

    fn environments(&self, actions: &[&str]) -> Vec<RequestEnv> {
        let wanted = |env: &RequestEnv| actions.is_empty() || actions.contains(&env.action().id().unescaped());
        let found: Vec<RequestEnv> = self.schema.request_envs().filter(wanted).collect();
        assert!(!found.is_empty() && (actions.is_empty() || found.len() == actions.len()), "{actions:?}");
        found
    }
}

/// The text with the words of one rule changed; as it is, if it has no such rule.
fn changed(text: &str, rule: &str, from: &str, to: &str) -> Outcome<String> {
    let Some(begin) = text.find(&format!("@id(\"{rule}\")")) else { return Ok(text.to_owned()) };
    let end = text[begin + 1..].find("@id(").map_or(text.len(), |at| begin + 1 + at);
    let part = &text[begin..end];
    // The condition is what is amended, never a sentence.
    if part.matches(from).count() != 1 {
        return Err(format!("{rule} does not hold `{from}` once").into());
    }
    Ok(format!("{}{}{}", &text[..begin], part.replace(from, to), &text[end..]))
}

fn set(rules: &[Policy]) -> Outcome<PolicySet> {
    Ok(PolicySet::from_policies(rules.iter().cloned())?)
}

/// The rules that refuse, and those that are a ground to permit: one that only stands beside a ground (`@beside`, a duty or a
/// mark of its own) permits nothing by itself (`src/guideline/judge.rs`).
fn grounds(rules: &[Policy]) -> Outcome<PolicySet> {
    Ok(PolicySet::from_policies(rules.iter().filter(|rule| rule.annotation("beside").is_none()).cloned())?)
}

fn described(amendment: &Amendment) -> String {
    match amendment {
        Amendment::Struck(rule) => format!("{rule} struck"),
        Amendment::Changed(rule, from, to) => format!("{rule}: `{}` becomes `{}`", from.trim(), to.trim()),
    }
}

/// A case that the rules permit and the claim does not allow, confirmed by Cedar's own authorizer.
async fn breaks(files: &Files, solver: &mut Solver, rules: &PolicySet, claim: &Claim) -> Outcome<Option<String>> {
    let permit = format!("permit(principal, action, resource) when {{ {} }};", claim.condition);
    let claimed = PolicySet::from_str(&permit)?;
    for env in files.environments(claim.actions) {
        let compiled = CompiledPolicySet::compile(rules, &env, &files.schema)?;
        let wanted = CompiledPolicySet::compile(&claimed, &env, &files.schema)?;
        if let Some(found) = solver.check_implies_with_counterexample_opt(&compiled, &wanted).await? {
            let case = Case { schema: &files.schema, entities: found.entities, request: found.request };
            let holds =
                |case: &Case| case.permitted_by(rules) == Some(true) && case.permitted_by(&claimed) == Some(false);
            assert!(holds(&case), "the authorizer does not bear out the counterexample {}", case.told());
            return Ok(Some(case.least(holds).told()));
        }
    }
    Ok(None)
}

/// A rule that errs, with the facts.
async fn errs(files: &Files, solver: &mut Solver, rules: &[Policy]) -> Outcome<Option<String>> {
    for env in files.environments(&[]) {
        for rule in rules {
            let compiled = CompiledPolicy::compile(rule, &env, &files.schema)?;
            if let Some(found) = solver.check_never_errors_with_counterexample_opt(&compiled).await? {
                let alone = set(std::slice::from_ref(rule))?;
                let case = Case { schema: &files.schema, entities: found.entities, request: found.request };
                let holds = |case: &Case| case.permitted_by(&alone).is_none();
                assert!(holds(&case), "the authorizer does not bear out the error at {}", case.told());
                return Ok(Some(format!("{} errs at {}", rule.id(), case.least(holds).told())));
            }
        }
    }
    Ok(None)
}

#[derive(Default)]
struct Told {
    proven: usize,
    broken: usize,
    failures: Vec<String>,
}

impl Told {
    fn claim(&mut self, says: &str, counterexample: Option<String>) {
        match counterexample {
            None => {
                println!("proven   {says}");
                self.proven += 1;
            }
            Some(found) => {
                println!("REFUTED  {says}\n         {found}");
                self.failures.push(format!("{says}: {found}"));
            }
        }
    }

    fn amendment(&mut self, says: &str, amendment: &Amendment, counterexample: Option<String>) {
        let amended = described(amendment);
        match counterexample {
            Some(found) => {
                println!("  breaks by  {amended}\n             {found}");
                self.broken += 1;
            }
            None => {
                println!("  STANDS although  {amended}");
                self.failures.push(format!("{says}: the proof does not notice: {amended}"));
            }
        }
    }
}

async fn prove(files: &Files, solver: &mut Solver) -> Outcome<Told> {
    let mut told = Told::default();
    for body in BODIES {
        let rules = files.rules(body, None)?;
        println!("\n{body}: {} rules in force", rules.len());
        for env in files.environments(&[]) {
            // A body that permits nothing at all would keep to every claim.
            let compiled = CompiledPolicySet::compile(&grounds(&rules)?, &env, &files.schema)?;
            assert!(!solver.check_always_denies_opt(&compiled).await?, "{body} permits no {}", env.action());
        }
        let says = "どの規則も、スキーマに合うどの事実についても、評価の誤りを起こさない";
        let found = errs(files, solver, &rules).await?;
        told.claim(says, found);
        for (_, amendment) in NEVER_ERRS.iter().filter(|(of, _)| *of == body) {
            let found = errs(files, solver, &files.rules(body, Some(amendment))?).await?;
            told.amendment(says, amendment, found);
        }
        for claim in COMMON.iter().chain(CLAIMS.iter().filter(|claim| claim.body == body)) {
            told.claim(claim.says, breaks(files, solver, &grounds(&rules)?, claim).await?);
            assert!(!claim.amendments.is_empty(), "nothing breaks: {}", claim.says);
            for amendment in claim.amendments {
                let amended = grounds(&files.rules(body, Some(amendment))?)?;
                told.amendment(claim.says, amendment, breaks(files, solver, &amended, claim).await?);
            }
        }
    }
    Ok(told)
}

fn main() -> ExitCode {
    let begun = Instant::now();
    let root = std::env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let outcome: Outcome<Told> = runtime.block_on(async {
        let files = Files::read(Path::new(&root))?;
        let mut solver = CedarSymCompiler::new(LocalSolver::cvc5()?)?;
        prove(&files, &mut solver).await
    });
    match outcome {
        Ok(told) => {
            println!(
                "\n{} claims proven, {} amendments noticed, {} failures, {:.0?}",
                told.proven,
                told.broken,
                told.failures.len(),
                begun.elapsed()
            );
            told.failures.iter().for_each(|failure| eprintln!("FAILED: {failure}"));
            ExitCode::from(u8::from(!told.failures.is_empty()))
        }
        Err(error) => {
            eprintln!("the proofs cannot run: {error}");
            ExitCode::from(3)
        }
    }
}
