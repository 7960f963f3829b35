//! Where one day, one fiscal year or one version ends, and what is in force on either side.

use serde_json::json;

use super::stage::{self, nagano, nerima};
use crate::domain::account::{AccountId, AccountState};
use crate::domain::person::{ClientId, PersonId};
use crate::domain::registry::SectionId;

fn standing(town: &stage::Town, account: &str, at: &str) -> crate::domain::registry::Standing {
    town.book.standing(&AccountId::new(account), at.parse().unwrap()).unwrap()
}

#[test]
fn nagano_2_4_a_grant_ends_on_the_31st_of_march_at_midnight_in_japan() {
    let approve = json!({ "change": "decide-grant", "id": "g-1", "approved": true, "reason": "" });
    let asked = nagano().after("kanko", stage::grant("g-1", "nagano-x", 2026));
    let sections = [SectionId::new("観光振興課")];
    assert!(!standing(&asked, "nagano-x", "2026-12-01T00:00:00Z").is_granted(&sections), "nobody approved it yet");
    let granted = asked.after("head", approve);
    for (at, holds) in [("2027-03-31T14:59:59.999Z", true), ("2027-03-31T15:00:00Z", false)] {
        assert_eq!(standing(&granted, "nagano-x", at).is_granted(&sections), holds, "{at}");
    }
    // The section that manages the account needs none, and the grant is for its section and its account alone.
    let now = "2026-12-01T00:00:00Z";
    assert!(standing(&granted, "nagano-x", now).is_granted(&[SectionId::new("広報広聴課")]));
    assert!(!standing(&granted, "nagano-x", now).is_granted(&[SectionId::new("産業課")]));
    assert!(!standing(&granted, "nagano-instagram", now).is_granted(&sections));
}

#[test]
fn nagano_2_4_next_years_grant_is_applied_for_ahead_and_last_years_no_more() {
    let town = nagano().at("2027-03-31T14:59:59Z");
    assert!(town.clone().ask("kanko", stage::grant("g-2", "nagano-x", 2027)).is_ok());
    assert!(town.clone().ask("kanko", stage::grant("g-1", "nagano-x", 2026)).is_ok());
    let new_year = town.at("2027-03-31T15:00:00Z");
    assert!(new_year.clone().ask("kanko", stage::grant("g-1", "nagano-x", 2026)).is_err());
    assert!(new_year.clone().ask("kanko", stage::grant("g-1", "nagano-x", 2028)).is_ok());
    let late = nagano().after("kanko", stage::grant("g-1", "nagano-x", 2026)).at("2027-03-31T15:00:00Z");
    let approve = json!({ "change": "decide-grant", "id": "g-1", "approved": true, "reason": "" });
    assert_eq!(late.clone().ask("head", approve).unwrap_err().0, ["grant-year"], "its year is over");
}

#[test]
fn nerima_12_2_a_delegation_holds_in_its_days_its_scope_and_its_policy_version() {
    let town = nerima()
        .after("kodomo", stage::policy("nerima-kosodate-x", "2", None))
        .after("kodomo", stage::delegation("d-1", &["events"]));
    let clerk = PersonId::new("clerk");
    let holds = |town: &stage::Town, at: &str, category: Option<&str>| {
        standing(town, "nerima-kosodate-x", at).delegation(&clerk, category).is_some()
    };
    for (at, in_force) in [
        ("2026-11-30T14:59:59Z", false),
        ("2026-11-30T15:00:00Z", true),
        ("2027-03-31T14:59:59Z", true),
        ("2027-03-31T15:00:00Z", false),
    ] {
        assert_eq!(holds(&town, at, Some("events")), in_force, "{at}");
        assert!(!holds(&town, at, Some("disaster")) && !holds(&town, at, None), "{at}: wider than delegated");
    }
    let (at, events) = ("2026-12-10T00:00:00Z", Some("events"));
    let newer = town.after("kodomo", stage::policy("nerima-kosodate-x", "3", None));
    assert!(!holds(&newer, at, events), "a newer policy ends it");
    let ended = town.after("kodomo", json!({ "change": "end-delegation", "id": "d-1" }));
    assert!(!holds(&ended, at, events));
    let operators = json!({ "change": "set-operators", "account": "nerima-kosodate-x", "operators": ["prclerk"] });
    assert!(!holds(&town.after("kodomo", operators), at, events), "no operator any more");
}

#[test]
fn nerima_18_1b_a_contractor_is_out_when_the_contract_has_ended_on_a_leap_day_too() {
    let mut form = stage::contractor("子育て支援課長", "nerima-kosodate-x");
    form["span"] = json!({ "from": "2027-04-01", "until": "2028-02-29" });
    let town = nerima().after("kodomo", form);
    let tool = ClientId::new("tool-c");
    for (at, within) in [
        ("2027-03-31T14:59:59Z", false),
        ("2027-03-31T15:00:00Z", true),
        ("2028-02-29T14:59:59Z", true),
        ("2028-02-29T15:00:00Z", false),
    ] {
        let standing = standing(&town, "nerima-kosodate-x", at);
        assert_eq!(standing.contractor(&tool).is_some(), within, "{at}");
        assert_eq!(standing.contractors_out.contains(&tool), !within, "{at}");
    }
    let ended = town.after("kodomo", json!({ "change": "end-contractor", "id": "c-1" }));
    assert!(standing(&ended, "nerima-kosodate-x", "2027-06-01T00:00:00Z").contractors_out.contains(&tool));
}

#[test]
fn nerima_13_a_source_is_known_by_name_use_and_period() {
    use crate::domain::account::ProviderId;
    use crate::domain::registry::{SourceClass, SourceUse};
    let mut form = stage::source("matsuri", "sponsored", Some("nerima-x"));
    form["span"] = json!({ "from": "2026-11-01", "until": "2026-11-30" });
    form["about"] = json!("区民まつり");
    form["uses"] = json!(["quote"]);
    let town = nerima().after("pr", form);
    let found = |account: &str, name: &str, used, at: &str| {
        let standing = standing(&town, account, at);
        standing.source(&ProviderId::new("x"), name, used).map(|it| it.class)
    };
    let within = "2026-11-30T14:59:59Z";
    assert_eq!(found("nerima-x", "example", SourceUse::Quote, within), Some(SourceClass::Sponsored));
    assert_eq!(found("nerima-x", "@EXAMPLE", SourceUse::Quote, within), Some(SourceClass::Sponsored));
    assert_eq!(found("nerima-x", "examp1e", SourceUse::Quote, within), None, "a look-alike");
    assert_eq!(found("nerima-x", "example", SourceUse::Follow, within), None);
    assert_eq!(found("nerima-x", "example", SourceUse::Quote, "2026-11-30T15:00:00Z"), None);
    assert_eq!(found("nerima-kosodate-x", "example", SourceUse::Quote, within), None, "it is for one account");
    assert_eq!(found("nerima-x", "nerima-kosodate-x", SourceUse::Follow, within), Some(SourceClass::Own));
    assert_eq!(found("nerima-x", "nerima-x", SourceUse::Follow, within), None, "not itself");
}

#[test]
fn nerima_8_2_a_newer_standard_makes_the_policy_stale_until_it_is_confirmed() {
    let town = nerima();
    let now = "2026-11-23T00:00:00Z";
    assert_eq!(standing(&town, "nerima-x", now).policy.unwrap().stale_since, None);
    let newer = town.after("pr", stage::standard("x", "s2"));
    assert_eq!(standing(&newer, "nerima-x", now).policy.unwrap().stale_since, Some(newer.now));
    let mut confirm = stage::policy("nerima-x", "1", Some("s2"));
    confirm["delegable"] = json!([]);
    let confirmed = newer.after("pr", confirm);
    assert_eq!(standing(&confirmed, "nerima-x", now).policy.unwrap().stale_since, None);
}

#[test]
fn nagano_2_6_a_change_of_purpose_waits_for_its_approval() {
    let change = json!({ "change": "change-account", "account": "nagano-kanko-x", "purpose": "観光", "topics": ["kanko"], "reason": "拡充" });
    let decide = |approved: bool| json!({ "change": "decide-account", "account": "nagano-kanko-x", "approved": approved, "reason": "理由" });
    let asked = nagano().after("kanko", change);
    let topics = |town: &stage::Town| standing(town, "nagano-kanko-x", "2026-11-23T00:00:00Z").topics;
    assert!(topics(&asked).is_empty());
    assert!(topics(&asked.after("head", decide(false))).is_empty());
    assert_eq!(topics(&asked.after("head", decide(true))), ["kanko"]);
}

#[test]
fn nerima_5_2_an_account_is_not_in_use_before_it_is_approved_nor_after_it_was_denied() {
    let consult = json!({ "change": "consult-account", "account": "nerima-bosai-x", "opinion": "異議なし" });
    let form = stage::opening("nerima-bosai-x", "individual");
    let asked = nerima().after("pr", stage::standard("x", "s1")).after("kodomo", form.clone()).after("info", consult);
    let decide = |approved: bool| json!({ "change": "decide-account", "account": "nerima-bosai-x", "approved": approved, "reason": "理由" });
    let state = |town: &stage::Town| standing(town, "nerima-bosai-x", "2026-11-23T00:00:00Z").state;
    assert_eq!(state(&asked), AccountState::Applied);
    assert!(asked.clone().ask("kodomo", form.clone()).is_err(), "it is applied for already");
    let denied = asked.after("pr", decide(false));
    assert_eq!(state(&denied), AccountState::Applied);
    assert!(denied.clone().ask("pr", decide(true)).is_err(), "a denial is not turned; it is applied for again");
    assert!(denied.clone().ask("kodomo", form).is_ok());
    let open = asked.after("pr", decide(true));
    let open = standing(&open, "nerima-bosai-x", "2026-11-23T00:00:00Z");
    assert_eq!((open.state, open.manager.holder), (AccountState::Active, Some(PersonId::new("kodomo"))));
}

#[test]
fn what_one_body_registers_is_not_in_the_book_of_another() {
    let town = nagano();
    let foreign = [
        json!({ "change": "suspend-account", "account": "nerima-x", "reason": "確認" }),
        json!({ "change": "apply-grant", "id": "g-9", "account": "nerima-x", "section": "観光振興課", "year": 2026 }),
        stage::source("s-9", "government", Some("nerima-x")),
        stage::contractor("観光振興課長", "nerima-x"),
    ];
    for form in foreign {
        let broken = town.clone().ask("kanko", form.clone()).unwrap_err();
        assert!(broken.0.iter().any(|it| it == "registry-not-found"), "{form}: {broken:?}");
    }
    let (codes, _) = town.clone().ask("pr", json!({ "change": "section", "id": "乗っ取り課" })).unwrap_err();
    assert_eq!(codes[0], "registry-not-a-colleague", "somebody of another body is a stranger");
    assert!(town.book.standing(&AccountId::new("nerima-x"), town.now).is_none());
}
