use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::domain::account::{AccountId, AccountKind, AccountState, OperatingPolicy, ProviderId};
use crate::domain::approval::{Approval, ApprovalId};
use crate::domain::clause::Clause;
use crate::domain::decision::{Obligation, RefusalKind};
use crate::domain::digest::digest;
use crate::domain::exemption::Exemption;
use crate::domain::finding::{Finding, Severity};
use crate::domain::person::{ClientId, PersonId};
use crate::domain::post::{Field, Role};
use crate::domain::tree::Tree;

mod boundaries;
mod keys;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    case: Vec<Written>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    rule: String,
    body: String,
    facts: String,
    expect: String,
}

fn cases() -> Vec<Written> {
    [include_str!("../../tests/cases/guideline/nerima.toml"), include_str!("../../tests/cases/guideline/nagano.toml")]
        .into_iter()
        .flat_map(|text| toml::from_str::<Cases>(text).unwrap().case)
        .collect()
}

fn now() -> Timestamp {
    "2026-11-22T01:00:00Z".parse().unwrap()
}

fn organisation(id: &str, name: &str, files: &[&str]) -> Organisation {
    let mut guideline = vec![PathBuf::from(format!("builtin:{id}"))];
    guideline.extend(files.iter().map(PathBuf::from));
    Organisation { id: OrganisationId::new(id), name: name.into(), guideline, sites: vec![], periods: vec![] }
}

fn shipped() -> Guidelines {
    load(&[]).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn load(extra: &[&str]) -> Result<Guidelines, Vec<Problem>> {
    let organisations = [organisation("nerima", "練馬区", extra), organisation("nagano", "長野市", &[])];
    Guidelines::load(&crate::config::guideline::Guideline::default(), &organisations)
}

fn extra_file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

fn nerima() -> OrganisationId {
    OrganisationId::new("nerima")
}

#[test]
fn every_case_ends_as_written_and_by_the_rule_it_is_about() {
    let guidelines = shipped();
    let cases = cases();
    assert!(cases.len() >= 100, "{} cases", cases.len());
    let mut wrong = Vec::new();
    for case in cases {
        let organisation = OrganisationId::new(&case.body);
        let facts = Facts::ordinary(&case.body).with(&case.facts).unwrap();
        let result = guidelines.judge(&organisation, &facts, now());
        let told = format!("{} in {}: `{}`: {result:?}", case.rule, case.body, case.facts);
        let ended = match &result {
            Ok(_) => "permitted",
            Err(refusal) if refusal.kind == RefusalKind::Held => "held",
            Err(_) => "refused",
        };
        let wanted = if case.expect == "stopped" { ended != "permitted" } else { ended == case.expect };
        if !wanted {
            wrong.push(told);
            continue;
        }
        let rule = guidelines.rules(&organisation).iter().find(|rule| rule.id == case.rule).expect(&told);
        match (&rule.effect, &result) {
            (RuleEffect::Forbid { .. }, Err(refusal)) => assert!(refusal.rules.contains(&case.rule), "{told}"),
            (RuleEffect::Permit { .. }, Ok(permit)) if rule.beside => {
                assert!(rule.clauses.iter().all(|clause| permit.clauses.contains(clause)), "{told}");
                assert_ne!(permit.rule, case.rule, "it permits nothing by itself: {told}");
            }
            (RuleEffect::Permit { .. }, Ok(permit)) => assert_eq!(permit.rule, case.rule, "{told}"),
            (RuleEffect::Forbid { .. }, Ok(_)) | (RuleEffect::Permit { .. }, Err(_)) => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_and_clause_in_force_has_a_passing_and_a_stopped_case() {
    let guidelines = shipped();
    let mut ends: BTreeMap<(String, String), BTreeSet<bool>> = BTreeMap::new();
    for case in cases() {
        ends.entry((case.body, case.rule)).or_default().insert(case.expect == "permitted");
    }
    let mut clauses = 0;
    for body in ["nerima", "nagano"] {
        for rule in guidelines.rules(&OrganisationId::new(body)) {
            let both = ends.get(&(body.to_owned(), rule.id.clone())).map(BTreeSet::len);
            assert_eq!(both, Some(2), "{body}: {} {:?}", rule.id, rule.clauses);
            clauses += rule.clauses.len();
        }
    }
    assert!(clauses > 50, "{clauses}");
}

#[test]
fn each_rule_stops_its_own_canary() {
    let guidelines = shipped();
    assert!(guidelines.canaries().len() >= 35, "{}", guidelines.canaries().len());
    assert_eq!(guidelines.self_test(now()), Vec::<String>::new());
}

#[test]
fn deleting_any_one_attribute_never_turns_a_refusal_into_a_permission() {
    let guidelines = shipped();
    let mut tried = 0;
    for case in cases().iter().filter(|case| case.expect != "permitted") {
        let facts = Facts::ordinary(&case.body).with(&case.facts).unwrap();
        let body = &guidelines.bodies[&OrganisationId::new(&case.body)];
        let names: Vec<&str> = facts.attributes().collect();
        assert_eq!(names.len(), Facts::ordinary("nerima").attributes().count());
        for name in names {
            for checked in [true, false] {
                // The schema refuses every lack alike; one case shows it.
                if checked && tried > 100 {
                    continue;
                }
                let verdict = body.evaluate(&guidelines.names, &facts.without(name), checked);
                assert!(!matches!(verdict, Verdict::Permitted(..)), "`{}` without {name}: {verdict:?}", case.facts);
                tried += 1;
            }
        }
    }
    assert!(tried > 1500, "{tried}");
}

#[test]
fn the_facts_of_a_real_case_are_all_those_of_the_schema() {
    let scene = Scene::new();
    let facts = Facts::of(&scene.case(&Pass::None), &Town::default());
    let ordinary = Facts::ordinary("nerima");
    assert_eq!(facts.attributes().collect::<Vec<_>>(), ordinary.attributes().collect::<Vec<_>>());
}

#[test]
fn a_rule_that_raises_an_error_refuses_the_post() {
    let file = extra_file(
        r#"@id("extra.overflow") @clause("nerima:19") @ja("あ") @en("a") @forward("い") @code("x") @effect_kind("refuse")
@canary("pass=none")
forbid (principal, action in Action::"write", resource) when { context.hour + 9223372036854775807 > 0 && false };"#,
    );
    let guidelines = load(&[file.path().to_str().unwrap()]).unwrap();
    let refusal = guidelines.judge(&nerima(), &Facts::ordinary("nerima"), now()).unwrap_err();
    assert_eq!((refusal.code.as_ref(), refusal.kind), ("guideline-error", RefusalKind::Refused));
    assert_eq!(refusal.rules, ["extra.overflow"]);
    let nagano = OrganisationId::new("nagano");
    assert!(guidelines.judge(&nagano, &Facts::ordinary("nagano"), now()).is_ok(), "another body's rules stand");
    let again = guidelines.judge(&nerima(), &Facts::ordinary("nerima"), now()).unwrap_err();
    assert_eq!(again.code, "guideline-error");
}

fn problems(text: &str) -> Vec<String> {
    let file = extra_file(text);
    let path = file.path().display().to_string();
    let Err(problems) = load(&[&path]) else { panic!("loaded: {text}") };
    problems.iter().map(|problem| problem.to_string().replace(&path, "extra.cedar")).collect()
}

#[test]
fn what_is_wrong_with_a_file_is_told_with_its_line() {
    const GOOD: &str =
        r#"@clause("a") @ja("a") @en("a") @forward("a") @code("a") @effect_kind("hold") @canary("pass=none")"#;
    let wrong = [
        (
            format!("\n@id(\"a\") {GOOD}\nforbid (principal, action, resource) when {{ context.hours == 1 }};"),
            2,
            "hours",
        ),
        (format!("// x\n\n@id(\"a\") {GOOD}\nforbid (principal action, resource);"), 3, "unexpected token"),
        (format!("{GOOD}\nforbid (principal, action, resource);"), 1, "the rule has no @id"),
        ("@id(\"a\")\nforbid (principal, action, resource);".into(), 1, "the rule has no @canary"),
        (format!("@id(\"nerima.11.approval\") {GOOD}\nforbid (principal, action, resource);"), 1, "stands twice"),
        (
            format!("@id(\"a\") @replaces(\"common.drill\") {GOOD}\nforbid (principal, action, resource);"),
            1,
            "cannot be replaced",
        ),
        (
            format!("@id(\"a\") @clauses(\"b\") {GOOD}\nforbid (principal, action, resource);"),
            1,
            "@clauses has no meaning",
        ),
        (
            format!("@id(\"a\") {}\nforbid (principal, action, resource);", GOOD.replace("pass=none", "pas=none")),
            1,
            "`pas` is no",
        ),
        (format!("@id(\"a\") {GOOD}\nforbid (principal, action, resource)"), 1, "unexpected end"),
        (
            format!(
                "@id(\"a\") {GOOD}\nforbid (principal, action, resource) unless {{ context.pass == \"aproved\" }};"
            ),
            1,
            "never `aproved`",
        ),
    ];
    for (text, line, part) in wrong {
        let told = problems(&text);
        assert!(
            told.iter().any(|it| it.starts_with(&format!("extra.cedar:{line}: ")) && it.contains(part)),
            "{part}: {told:?}"
        );
    }
    assert!(problems("// nothing\n")[0].contains("holds no rule"));
    let unknown = [Organisation {
        id: nerima(),
        name: "練馬区".into(),
        guideline: vec!["builtin:nothing".into()],
        sites: vec![],
        periods: vec![],
    }];
    let Err(told) = Guidelines::load(&crate::config::guideline::Guideline::default(), &unknown) else {
        panic!("loaded")
    };
    assert!(told[0].reason.contains("builtin:nerima"), "{told:?}");
}

#[test]
fn a_refusal_cites_the_bodys_own_basis_and_a_final_one_comes_before_a_hold() {
    let guidelines = shipped();
    let refusal = |body: &str, changes: &str| {
        let facts = Facts::ordinary(body).with(changes).unwrap();
        guidelines.judge(&OrganisationId::new(body), &facts, now()).unwrap_err()
    };
    let cited = |refusal: &Refusal| refusal.clauses.iter().map(Clause::to_string).collect::<Vec<_>>();
    let shortened = refusal("nerima", "block_categories=url_shortener");
    assert_eq!(
        (shortened.code.as_ref(), cited(&shortened)),
        ("shortened-link", vec!["guideline-2011:shortened-url".into()])
    );
    assert_eq!(cited(&refusal("nagano", "block_categories=url_shortener")), ["nagano:4(9)"]);
    let both = refusal("nerima", "pass=none block_categories=label");
    assert_eq!((both.code.as_ref(), both.kind), ("confidential-label", RefusalKind::Refused));
    assert!(both.rules.contains(&"nerima.11.approval".to_owned()));
    let missing = refusal("nerima", "pass=none");
    assert_eq!((missing.code.as_ref(), missing.kind), ("approval-missing", RefusalKind::Held));
    assert_eq!(missing.sentence, "この投稿はアカウント管理者の承認を受けていません。");
    assert_eq!(cited(&missing), ["nerima:11"]);
}

#[test]
fn a_body_without_a_guideline_is_refused() {
    let refusal = shipped().judge(&OrganisationId::new("elsewhere"), &Facts::ordinary("elsewhere"), now()).unwrap_err();
    assert_eq!(refusal.code, "guideline-error");
}

struct Scene {
    client: Client,
    account: Account,
    post: Post,
    report: Report,
    around: Around,
}

/// How the account stands where the manager holds the position and the author is delegated the notices.
fn standing(account: &Account) -> registry::Standing {
    use crate::domain::registry::{Book, Charter, Delegation, Item, Pattern, RecordId, Span, seed};
    let person = |id: &str, post: &str| {
        std::sync::Arc::new(crate::domain::person::Person {
            id: PersonId::new(id),
            organisation: account.organisation.clone(),
            name: id.into(),
            post: post.into(),
            may_declare: false,
            key_sha256: None,
        })
    };
    let people = [person("manager", "広聴広報課長"), person("author", "広聴広報課主事")];
    let accounts = [std::sync::Arc::new(account.clone())];
    let today = "2026-04-01".parse().unwrap();
    let providers = [account.provider.clone()];
    let mut items = seed::seed(Charter::of(Pattern::Nerima), &accounts, &people, &providers);
    items.push(Item::Delegation(Delegation {
        id: RecordId::new("d1"),
        account: account.id.clone(),
        delegate: PersonId::new("author"),
        categories: vec!["お知らせ".into()],
        policy_version: "3".into(),
        span: Span { from: today, until: None },
        withdrawn: false,
    }));
    Book::new(1, accounts, people, items).standing(&account.id, now()).unwrap()
}

impl Scene {
    fn new() -> Self {
        let mut scene = Self::bare();
        scene.around.standing = Some(Arc::new(standing(&scene.account)));
        scene.around.category = Some("お知らせ".into());
        scene
    }

    fn bare() -> Self {
        Self {
            client: Client {
                id: ClientId::new("cms"),
                organisation: nerima(),
                owner: PersonId::new("author"),
                key_sha256: String::new(),
                accounts: vec![AccountId::new("nerima-x")],
                actions: vec![],
                categories: vec![],
                hours: None,
                until: None,
                sources: Vec::new(),
                cms: false,
            },
            account: Account {
                id: AccountId::new("nerima-x"),
                organisation: nerima(),
                provider: ProviderId::new("x"),
                handle: "nerima".into(),
                kind: AccountKind::General,
                state: AccountState::Active,
                manager: PersonId::new("manager"),
                operators: vec![PersonId::new("author")],
                operating_policy: Some(OperatingPolicy {
                    version: "3".into(),
                    categories: vec!["開庁時間".into()],
                    after_report_hours: None,
                    self_approval: false,
                    ..OperatingPolicy::default()
                }),
                credential_fingerprints: vec![],
                trouble: Default::default(),
                observe: None,
            },
            post: Post {
                fields: vec![Field { role: Role::Text, at: "/text".into(), value: Tree::Text("お知らせ".into()) }],
                ..Post::default()
            },
            report: Report { findings: vec![], rules: String::new(), fields: 1, bytes: 12 },
            around: Around::default(),
        }
    }

    fn case<'a>(&'a self, pass: &'a Pass) -> Case<'a> {
        Case {
            client: &self.client,
            account: &self.account,
            recognised: true,
            credential: crate::domain::credential::Standing::Own,
            action: Action::Publish,
            post: &self.post,
            report: &self.report,
            pass,
            around: &self.around,
            now: now(),
        }
    }

    fn approved_by(&self, person: &str) -> Pass {
        Pass::Approved {
            approval: Box::new(Approval {
                id: ApprovalId::new("a1"),
                account: self.account.id.clone(),
                actions: vec![Action::Publish],
                digest: digest(&self.account.provider, Action::Publish, None, &self.post),
                not_before: now(),
                expires: now(),
                max_uses: 1,
                approver: PersonId::new(person),
                issuer: "sekisho".into(),
                category: None,
                reference: None,
                remarks: Default::default(),
            }),
            use_number: 1,
            deposit: false,
        }
    }

    fn policy(&mut self) -> &mut OperatingPolicy {
        self.account.operating_policy.as_mut().unwrap()
    }
}

fn emergency() -> Pass {
    Pass::Exempt(Exemption::Emergency { emergency: crate::domain::emergency::EmergencyId::new("e"), drill: false })
}

#[test]
fn nerima_11_the_manager_approves_and_the_author_does_not() {
    let guidelines = shipped();
    let mut scene = Scene::new();
    let by = |scene: &Scene, person: &str| decide(&guidelines, scene.case(&scene.approved_by(person)));
    assert_eq!(by(&scene, "manager").unwrap().rule, "nerima.11.approved");
    assert_eq!(by(&scene, "stranger").unwrap_err().code, "approver-not-entitled");
    assert_eq!(by(&scene, "author").unwrap_err().code, "approver-is-author");
    scene.policy().self_approval = true;
    let permit = by(&scene, "author").unwrap();
    assert_eq!(permit.obligations, [Obligation::Mark { mark: "自己決裁".into() }]);
}

#[test]
fn an_after_report_is_owed_only_where_the_body_or_its_policy_asks() {
    let guidelines = shipped();
    let mut scene = Scene::new();
    let permit = decide(&guidelines, scene.case(&emergency())).unwrap();
    assert_eq!(permit.obligations, []);
    scene.policy().after_report_hours = Some(2);
    let permit = decide(&guidelines, scene.case(&emergency())).unwrap();
    assert_eq!(permit.obligations, [Obligation::AfterReport { due: "2026-11-22T03:00:00Z".parse().unwrap() }]);
    assert!(permit.clauses.contains(&Clause::new("operating-policy:3")));
    scene.account.organisation = OrganisationId::new("nagano");
    scene.policy().after_report_hours = None;
    let permit = decide(&guidelines, scene.case(&emergency())).unwrap();
    assert_eq!(permit.obligations, [Obligation::AfterReport { due: "2026-11-23T01:00:00Z".parse().unwrap() }]);
}

#[test]
fn nerima_11_3_a_category_that_left_the_policy_needs_an_approval() {
    let guidelines = shipped();
    let mut scene = Scene::new();
    let pass = Pass::Exempt(Exemption::OperatingPolicy { category: "開庁時間".into(), version: "3".into() });
    assert_eq!(decide(&guidelines, scene.case(&pass)).unwrap().rule, "nerima.11-3.operating-policy");
    scene.policy().version = "4".into();
    assert_eq!(decide(&guidelines, scene.case(&pass)).unwrap_err().code, "approval-missing");
}

#[test]
fn an_emergency_skips_the_approver_and_no_filter() {
    let guidelines = shipped();
    let mut scene = Scene::new();
    let finding = |category: &str, severity, never| Finding {
        rule: "r".into(),
        category: category.into(),
        clauses: vec![],
        severity,
        field: "/text".into(),
        span: (0, 1),
        excerpt: String::new(),
        advice: String::new(),
        never,
        accept: crate::domain::finding::Accept::Approver,
        accepted: false,
    };
    scene.report.findings = vec![finding("url_ip", Severity::Review, false)];
    assert!(decide(&guidelines, scene.case(&emergency())).is_ok());
    scene.report.findings = vec![finding("template", Severity::Block, true)];
    let refusal = decide(&guidelines, scene.case(&emergency())).unwrap_err();
    assert_eq!(refusal.code, "unfilled-template");
    assert_eq!(refusal.findings, scene.report.findings);
    let with_approval = scene.approved_by("manager");
    assert_eq!(decide(&guidelines, scene.case(&with_approval)).unwrap_err().code, "unfilled-template");
}

#[test]
fn what_nobody_looked_up_grants_nothing() {
    let guidelines = shipped();
    let scene = Scene::bare();
    let refusal = decide(&guidelines, scene.case(&scene.approved_by("manager"))).unwrap_err();
    assert!(refusal.rules.contains(&"nerima.8-3.manager".to_owned()), "{:?}", refusal.rules);
    assert!(refusal.rules.contains(&"nerima.4-2.conditions".to_owned()), "{:?}", refusal.rules);
}

#[test]
fn every_category_of_the_inspector_is_one_of_the_schema() {
    let mut seen = BTreeSet::new();
    let rules = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("config/rules");
    for file in std::fs::read_dir(rules).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let named = text.lines().filter_map(|line| line.strip_prefix("category = \""));
        seen.extend(named.map(|rest| rest.trim_end_matches('"').to_owned()));
    }
    assert!(seen.len() > 20, "{seen:?}");
    let unknown: Vec<&String> = seen.iter().filter(|it| !facts::CATEGORIES.contains(&it.as_str())).collect();
    assert_eq!(unknown, Vec::<&String>::new());
    for category in facts::CATEGORIES {
        assert!(SCHEMA.contains(&format!("\"{category}\"")), "{category} is not in the schema");
    }
}

#[test]
fn a_principle_is_set_aside_by_the_manager_with_a_reason_and_by_nobody_else() {
    use crate::domain::remarks::Remarks;
    let guidelines = shipped();
    let mut scene = Scene::new();
    Arc::make_mut(scene.around.standing.as_mut().unwrap()).topics = vec!["防災".into()];
    let by = |person: &str, clause: &str, reason: Option<&str>| {
        let mut pass = scene.approved_by(person);
        if let Pass::Approved { approval, .. } = &mut pass {
            let sets_aside = vec![Clause::new(clause)];
            approval.remarks = Remarks { reason: reason.map(str::to_owned), sets_aside, ..Remarks::default() };
        }
        decide(&guidelines, scene.case(&pass))
    };
    let permit = by("manager", "nerima:6", Some("全区民に関わるため")).unwrap();
    assert!(permit.obligations.contains(&Obligation::Mark { mark: "原則によらない: nerima:6".into() }));
    for (person, clause, reason) in [
        ("manager", "nerima:6", None),
        ("manager", "nerima:6", Some("  ")),
        ("manager", "nerima:14", Some("急ぎ")),
        ("stranger", "nerima:6", Some("急ぎ")),
    ] {
        let refusal = by(person, clause, reason).unwrap_err();
        assert!(refusal.rules.contains(&"nerima.6.scope".to_owned()), "{person} {clause} {:?}", refusal.rules);
    }
}

#[test]
fn duties_and_principles_are_closed_sets() {
    const GOOD: &str = r#"@id("a") @clause("a") @ja("a") @en("a")"#;
    const NO: &str = r#"@forward("a") @code("a") @effect_kind("hold") @canary("pass=none")"#;
    let wrong = [
        (
            format!("{GOOD} @rank(\"1\") @obligation(\"notify:mayor\")\npermit (principal, action, resource);"),
            "no duty",
        ),
        (
            format!("{GOOD} @rank(\"1\") @obligation(\"after-report:soon\")\npermit (principal, action, resource);"),
            "no duty",
        ),
        (format!("{GOOD} {NO} @obligation(\"propose-title:x\")\nforbid (principal, action, resource);"), "no proposal"),
        (
            format!("{GOOD} {NO} @principle(\"b\")\nforbid (principal, action, resource);"),
            "is not a clause of the rule",
        ),
        (
            format!(
                "{GOOD} {NO}\nforbid (principal, action, resource) unless {{ context.set_aside.contains(\"a\") }};"
            ),
            "only for a rule with @principle",
        ),
        (
            format!(
                "{GOOD} {NO}\nforbid (principal, action, resource) when {{ context.declares.contains(Declaration::\"consnt\") }};"
            ),
            "consnt",
        ),
        (
            format!(
                "{GOOD} {NO}\nforbid (principal, action, resource) when {{ context.block_categories.contains(Category::\"lable\") }};"
            ),
            "lable",
        ),
    ];
    for (text, part) in wrong {
        let told = problems(&text);
        assert!(told.iter().any(|it| it.contains(part)), "{part}: {told:?}");
    }
}

#[test]
fn nerima_10_1_a_profile_says_who_runs_the_account() {
    let guidelines = shipped();
    let mut scene = Scene::new();
    let approved = scene.approved_by("manager");
    for (text, permitted) in [("練馬区の公式アカウント", true), ("公式アカウント", false)] {
        let value = Tree::Text(text.into());
        scene.post.fields = vec![Field { role: Role::Description, at: "/description".into(), value }];
        let case = Case { action: Action::Profile, ..scene.case(&approved) };
        assert_eq!(decide(&guidelines, case).is_ok(), permitted, "{text}");
    }
}

#[test]
fn a_remembered_verdict_gives_each_post_its_own_findings_and_due_time() {
    let guidelines = shipped();
    let mut scene = Scene::new();
    scene.policy().after_report_hours = Some(1);
    let first = decide(&guidelines, scene.case(&emergency())).unwrap();
    let pass = emergency();
    let later = Case { now: "2026-11-22T01:30:00Z".parse().unwrap(), ..scene.case(&pass) };
    let later = decide(&guidelines, later).unwrap();
    assert_ne!(first.obligations, later.obligations);
}
