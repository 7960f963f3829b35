//! What every row of the table refuses, apart from who asks: by the right person, at the wrong moment or incomplete.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::stage::{self, Town, nagano, nerima};

/// Asks, and notes what it breaks; it must break `code`, citing `clause`.
struct Breaker {
    name: &'static str,
    seen: BTreeSet<(&'static str, String)>,
}

impl Breaker {
    fn breaks(&mut self, town: &Town, by: &str, code: &str, clause: &str, form: Value) {
        let before = town.book.items();
        let mut town = town.clone();
        let broken = town.ask(by, form.clone()).expect_err(&format!("{form} by {by} is allowed"));
        assert!(broken.0.iter().any(|it| it == code), "{form}: {broken:?} lacks {code}");
        assert!(broken.1.iter().any(|it| it == clause), "{form}: {broken:?} lacks {clause}");
        assert_eq!(town.book.items(), before, "a refused change changed something");
        self.seen.extend(broken.0.into_iter().map(|code| (self.name, code)));
    }
}

/// The same form with some members changed.
fn with(mut form: Value, changes: Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        form[name] = value.clone();
    }
    form
}

const OWN: &str = "sekisho:registry";

/// Every code that some change breaks, by body.
pub(super) fn all() -> BTreeSet<(&'static str, String)> {
    let mut nerima = Breaker { name: "nerima", seen: BTreeSet::new() };
    providers(&mut nerima);
    openings(&mut nerima);
    lives(&mut nerima);
    delegations(&mut nerima);
    sources(&mut nerima);
    offices(&mut nerima);
    let mut nagano = Breaker { name: "nagano", seen: BTreeSet::new() };
    of_nagano(&mut nagano);
    nerima.seen.extend(nagano.seen);
    nerima.seen
}

fn providers(it: &mut Breaker) {
    let town = nerima();
    let apply = json!({ "change": "apply-provider", "provider": "tiktok", "purpose": "若い世代に届けるため" });
    it.breaks(&town, "clerk", "provider-only-a-head-applies", "nerima:4-1", apply.clone());
    it.breaks(&town, "kodomo", "registry-form-incomplete", OWN, with(apply.clone(), json!({ "purpose": " " })));
    it.breaks(&town, "kodomo", "provider-already-applied", OWN, with(apply.clone(), json!({ "provider": "x" })));
    let decide = json!({ "change": "decide-provider", "provider": "tiktok", "approved": true, "reason": "適切" });
    let review = stage::review(&["企画部長"]);
    it.breaks(&town, "plan", "registry-not-found", OWN, decide.clone());
    let applied = town.after("kodomo", apply.clone());
    it.breaks(&applied, "kodomo", "provider-review-only-the-director", "nerima:4-2", review.clone());
    it.breaks(&applied, "plan", "provider-not-reviewed", "nerima:4-2", decide.clone());
    it.breaks(&applied, "kodomo", "provider-only-the-director-decides", "nerima:4-1", decide.clone());
    for (member, note) in [("versatility", " "), ("availability", ""), ("continuity", ""), ("met", "2026-11-23")] {
        let mut short = review.clone();
        short["review"][member] = json!(note);
        it.breaks(&applied, "plan", "provider-review-incomplete", "nerima:4-2", short);
    }
    it.breaks(
        &applied,
        "plan",
        "provider-review-not-a-member",
        "nerima:4-3",
        stage::review(&["企画部長", "子育て支援課長"]),
    );
    it.breaks(&applied, "plan", "provider-review-not-a-member", "nerima:4-3", stage::review(&[]));
    let reviewed = applied.after("plan", review.clone());
    it.breaks(&reviewed, "plan", "provider-not-applied", "nerima:4-1", review);
    let denied = reviewed.after("plan", with(decide.clone(), json!({ "approved": false })));
    it.breaks(&denied, "plan", "provider-not-applied", "nerima:4-1", decide);
    it.breaks(&denied, "pr", "standard-policy-not-recognised", "nerima:3-2", stage::standard("tiktok", "t1"));
    assert!(denied.clone().ask("kodomo", apply).is_ok(), "what was denied may be applied for again");
    let standard = stage::standard("x", "s1");
    it.breaks(&town, "kodomo", "standard-policy-only-pr", "nerima:3-2", standard.clone());
    for change in [json!({ "consulted": null }), json!({ "opinion": "" }), json!({ "consulted": "2026-11-23" })] {
        it.breaks(&town, "pr", "standard-policy-not-consulted", "nerima:3-2", with(standard.clone(), change));
    }
}

fn openings(it: &mut Breaker) {
    let bare = nerima();
    let town = bare.after("pr", stage::standard("x", "s1"));
    let form = stage::opening("nerima-bosai-x", "individual");
    it.breaks(&town, "clerk", "account-only-a-head-opens", "nerima:5-1", form.clone());
    it.breaks(&town, "kodomo", "account-general-only-pr", "nerima:5-1", stage::opening("nerima-sogo-x", "general"));
    for (code, clause, change) in [
        ("account-provider-not-recognised", "nerima:3-1", json!({ "provider": "tiktok" })),
        ("account-form-incomplete", "nerima:5-2", json!({ "purpose": "" })),
        ("account-form-incomplete", "nerima:5-2", json!({ "handle": " " })),
        ("account-without-policy", "nerima:5-2", json!({ "policy": null })),
        ("policy-base-outdated", "nerima:8-2", json!({ "policy_base": "s0" })),
        ("operator-not-employed", "nerima:12-1", json!({ "operators": ["somebody"] })),
        ("account-name-taken", OWN, json!({ "account": "nerima-x" })),
        ("account-name-taken", OWN, json!({ "account": "nagano-x" })),
        ("account-name-taken", OWN, json!({ "account": "nerima-" })),
        ("account-name-taken", OWN, json!({ "account": "nerima-X y" })),
    ] {
        it.breaks(&town, "kodomo", code, clause, with(form.clone(), change));
    }
    let consult = json!({ "change": "consult-account", "account": "nerima-bosai-x", "opinion": "異議なし" });
    let decide = json!({ "change": "decide-account", "account": "nerima-bosai-x", "approved": true, "reason": "" });
    let waiting = town.after("kodomo", form.clone());
    it.breaks(&waiting, "pr", "account-only-the-consulted", "nerima:5-3", consult.clone());
    it.breaks(&waiting, "kodomo", "account-only-pr-decides", "nerima:5-2", decide.clone());
    it.breaks(&waiting, "pr", "account-not-consulted", "nerima:5-3", decide.clone());
    it.breaks(
        &waiting,
        "pr",
        "account-nothing-to-decide",
        "nerima:5-2",
        with(decide.clone(), json!({ "account": "nerima-x" })),
    );
    let nobody = town.after("kodomo", with(form.clone(), json!({ "operators": [] }))).after("info", consult.clone());
    it.breaks(&nobody, "pr", "account-without-operator", "nerima:12-1", decide.clone());
    let early = bare.after("kodomo", with(form, json!({ "policy_base": null }))).after("info", consult.clone());
    it.breaks(&early, "pr", "standard-policy-missing", "nerima:3-2", decide.clone());
    let open = waiting.after("info", consult.clone()).after("pr", decide.clone());
    it.breaks(&open, "pr", "account-nothing-to-decide", "nerima:5-2", decide);
    it.breaks(&open, "info", "account-nothing-to-decide", "nerima:5-2", consult);
    let manager = json!({ "change": "set-manager", "account": "nerima-x", "position": "子育て支援課長" });
    it.breaks(&town, "pr", "manager-is-derived", "nerima:7", manager);
    let policy = stage::policy("nerima-kosodate-x", "2", Some("s1"));
    it.breaks(&town, "pr", "policy-only-the-manager", "nerima:8-2", policy.clone());
    it.breaks(&town, "kodomo", "policy-base-outdated", "nerima:8-2", with(policy.clone(), json!({ "base": "s0" })));
    let same = with(policy, json!({ "policy": { "version": "1", "categories": ["events"] } }));
    it.breaks(&town, "kodomo", "policy-version-used", OWN, same);
    let operators = json!({ "change": "set-operators", "account": "nerima-kosodate-x", "operators": [] });
    it.breaks(&town, "kodomo", "account-without-operator", "nerima:12-1", operators.clone());
    it.breaks(
        &town,
        "pr",
        "operators-only-the-manager",
        "nerima:12-1",
        with(operators, json!({ "operators": ["clerk"] })),
    );
}

fn lives(it: &mut Breaker) {
    let town = nerima();
    let account = "nerima-kosodate-x";
    let change = json!({ "change": "change-account", "account": account, "purpose": "保育", "reason": "改組" });
    it.breaks(&town, "pr", "account-only-the-manager", "nerima:7", change.clone());
    let suspend = json!({ "change": "suspend-account", "account": account, "reason": "誤投稿" });
    let resume = json!({ "change": "resume-account", "account": account, "reason": "対応済み" });
    it.breaks(&town, "pr", "account-not-suspended", OWN, resume);
    it.breaks(&town.after("pr", suspend.clone()), "pr", "account-not-in-use", OWN, suspend);
    let (notice, close) =
        (stage::notice(account, "2026-11-30"), json!({ "change": "close-account", "account": account }));
    it.breaks(&town, "pr", "closing-only-the-manager", "nerima:17-2", notice.clone());
    for day in ["2026-11-22", "2026-11-01"] {
        it.breaks(&town, "kodomo", "closing-not-ahead", "nerima:17-2", stage::notice(account, day));
    }
    it.breaks(&town, "kodomo", "closing-without-notice", "nerima:17-2", close.clone());
    let noticed = town.after("kodomo", notice);
    it.breaks(&noticed, "kodomo", "closing-without-notice", "nerima:17-2", close.clone());
    it.breaks(&noticed, "pr", "account-only-the-manager-closes", "nerima:17-1a", close.clone());
    let closed = noticed.at("2026-11-29T15:00:00Z").after("kodomo", close);
    it.breaks(&closed, "kodomo", "account-is-over", "nerima:17-1a", change.clone());
    let archive = json!({ "change": "archive-account", "account": account, "reason": "記録" });
    it.breaks(
        &town,
        "kodomo",
        "archive-without-reason",
        "nerima:17-1b",
        with(archive.clone(), json!({ "reason": "" })),
    );
    it.breaks(&town.after("kodomo", archive), "kodomo", "account-is-archived", "nerima:17-1b", change);
}

fn delegations(it: &mut Breaker) {
    let town = nerima();
    let form = stage::delegation("d-1", &["events"]);
    it.breaks(&town, "kodomo", "delegation-too-wide", "nerima:12-2", form.clone());
    let town = town.after("kodomo", stage::policy("nerima-kosodate-x", "2", None));
    it.breaks(&town, "pr", "delegation-only-the-manager", "nerima:12-2", form.clone());
    it.breaks(&town, "kodomo", "delegation-too-wide", "nerima:12-2", stage::delegation("d-1", &["events", "disaster"]));
    it.breaks(&town, "kodomo", "delegation-too-wide", "nerima:12-2", stage::delegation("d-1", &[]));
    it.breaks(
        &town,
        "kodomo",
        "delegation-not-an-operator",
        "nerima:12-2",
        with(form.clone(), json!({ "delegate": "prclerk" })),
    );
    for span in [
        json!({ "from": "2026-12-01" }),
        json!({ "from": "2026-12-02", "until": "2026-12-01" }),
        json!({ "from": "2026-01-01", "until": "2026-11-21" }),
    ] {
        it.breaks(&town, "kodomo", "registry-form-incomplete", OWN, with(form.clone(), json!({ "span": span })));
    }
}

fn sources(it: &mut Breaker) {
    let town = nerima();
    let of = |class: &str| stage::source("s-1", class, Some("nerima-kosodate-x"));
    it.breaks(&town, "pr", "source-only-the-manager", "nerima:13", of("government"));
    it.breaks(&town, "kodomo", "source-class-not-listed", "nerima:13", of("transport"));
    it.breaks(&town, "kodomo", "source-class-not-listed", "nerima:13", of("funded"));
    it.breaks(&town, "kodomo", "source-own-account", OWN, of("own"));
    let no_evidence = with(of("government"), json!({ "evidence": "" }));
    it.breaks(&town, "kodomo", "source-without-evidence", "nerima:13(1)", no_evidence);
    it.breaks(&town, "kodomo", "source-without-contract", "nerima:13(2)", of("contractor"));
    it.breaks(&town, "kodomo", "source-without-facility", "nerima:13(3)", of("facility-manager"));
    it.breaks(&town, "kodomo", "source-without-sponsorship", "nerima:13(4)", of("sponsored"));
    it.breaks(&town, "kodomo", "source-without-judgement", "nerima:13(5)", of("judged"));
    let ends =
        json!({ "span": { "from": "2026-11-01", "until": "2027-03-31" }, "about": "区民まつり", "reason": "有益" });
    for class in ["contractor", "facility-manager", "sponsored", "judged"] {
        assert!(town.clone().ask("kodomo", with(of(class), ends.clone())).is_ok(), "{class}");
    }
    // The judgement is the manager's own: a deputy cannot give it.
    let deputise = json!({
        "change": "deputise", "id": "dep-1", "position": "子育て支援課長", "person": "clerk",
        "span": { "from": "2026-11-22", "until": "2026-11-25" }, "reason": "出張",
    });
    let away = town.after("kodomo", deputise);
    it.breaks(&away, "clerk", "source-without-judgement", "nerima:13(5)", with(of("judged"), ends));
    assert!(away.clone().ask("clerk", of("government")).is_ok());
    let form = stage::contractor("子育て支援課長", "nerima-kosodate-x");
    it.breaks(&town, "info", "contractor-only-the-supervisor", "nerima:18-1b", form.clone());
    let endless = with(form.clone(), json!({ "span": { "from": "2026-04-01" } }));
    it.breaks(&town, "kodomo", "contractor-without-end", "nerima:18-1b", endless);
    let clerk = with(form, json!({ "supervisor": "広聴広報課主事" }));
    it.breaks(&town, "pr", "contractor-without-supervisor", "nerima:18-1b", clerk);
}

fn offices(it: &mut Breaker) {
    let town = nerima();
    let section = json!({ "change": "section", "id": "防災課", "head": null });
    it.breaks(&town, "kodomo", "registry-only-the-registrar", OWN, section.clone());
    assert!(town.clone().ask("info", section.clone()).is_ok());
    it.breaks(&town, "stranger", "registry-not-a-colleague", OWN, section);
    let position = json!({ "change": "position", "id": "広聴広報課長", "leads": false });
    it.breaks(&town, "pr", "registry-form-incomplete", OWN, position);
    let deputise = json!({
        "change": "deputise", "id": "dep-1", "position": "企画部長", "person": "info",
        "span": { "from": "2026-11-24" }, "reason": "出張",
    });
    it.breaks(&town, "plan", "registry-form-incomplete", OWN, deputise.clone());
    it.breaks(&town, "kodomo", "deputy-only-the-holder", OWN, deputise);
    let wrong = json!({ "change": "transfer", "moves": [{ "line": 2, "person": "pr", "from": "企画部長", "date": "2027-04-01" }] });
    it.breaks(&town, "pr", "transfer-refused", OWN, wrong);
}

fn of_nagano(it: &mut Breaker) {
    let town = nagano();
    let decide = json!({ "change": "decide-provider", "provider": "x", "approved": true, "reason": "活用" });
    it.breaks(&town, "kanko", "provider-only-the-director-decides", "nagano:2(9)", decide);
    let form = stage::opening("nagano-sangyo-x", "individual");
    it.breaks(&town, "kclerk", "account-only-a-head-opens", "nagano:2(6)b", form.clone());
    it.breaks(&town, "kanko", "account-general-only-pr", "nagano:2(3)", stage::opening("nagano-dai-x", "general"));
    let unknown = with(form.clone(), json!({ "provider": "tiktok" }));
    it.breaks(&town, "kanko", "account-provider-not-recognised", "nagano:2(9)", unknown);
    it.breaks(&town, "kanko", "account-form-incomplete", "nagano:2(6)b", with(form.clone(), json!({ "purpose": "" })));
    let decide = json!({ "change": "decide-account", "account": "nagano-kanko-x", "approved": true, "reason": "" });
    it.breaks(&town, "kanko", "account-only-pr-decides", "nagano:2(2)", decide.clone());
    it.breaks(&town, "head", "account-nothing-to-decide", "nagano:2(6)b", decide.clone());
    let manager = json!({ "change": "set-manager", "account": "nagano-x", "position": "観光振興課長" });
    it.breaks(&town, "head", "manager-is-derived", "nagano:2(3)", manager);
    let operators = json!({ "change": "set-operators", "account": "nagano-x", "operators": ["kclerk"] });
    it.breaks(&town, "kanko", "operators-only-the-manager", "nagano:2(6)a", operators);
    it.breaks(&town, "head", "policy-only-the-manager", "nagano:2(7)p", stage::policy("nagano-kanko-x", "2", None));
    let change = json!({ "change": "change-account", "account": "nagano-kanko-x", "purpose": "観光", "reason": "" });
    it.breaks(&town, "kanko", "account-form-incomplete", "nagano:2(6)b", change.clone());
    it.breaks(&town, "head", "account-only-the-manager", "nagano:2(6)a", with(change, json!({ "reason": "拡充" })));
    let (notice, close) = (
        stage::notice("nagano-kanko-x", "2026-11-30"),
        json!({ "change": "close-account", "account": "nagano-kanko-x" }),
    );
    it.breaks(&town, "head", "closing-only-the-manager", "nagano:2(6)b", notice.clone());
    it.breaks(&town, "kanko", "closing-not-ahead", "nagano:2(6)b", stage::notice("nagano-kanko-x", "2026-11-22"));
    it.breaks(&town, "kanko", "closing-without-notice", "nagano:2(6)b", close.clone());
    let noticed = town.after("kanko", notice.clone()).at("2026-11-30T00:00:00Z");
    it.breaks(&noticed, "kanko", "closing-not-approved", "nagano:2(6)b", close.clone());
    it.breaks(&noticed, "head", "account-only-the-manager-closes", "nagano:2(6)b", close.clone());
    let approved = noticed.after("head", decide);
    let archive = json!({ "change": "archive-account", "account": "nagano-kanko-x", "reason": "記録" });
    let suspend = json!({ "change": "suspend-account", "account": "nagano-kanko-x", "reason": "確認" });
    let policy = stage::policy("nagano-kanko-x", "2", None);
    it.breaks(&approved.after("kanko", archive), "kanko", "account-is-archived", "nagano:2(6)b", policy.clone());
    it.breaks(&approved.after("kanko", close), "kanko", "account-is-over", "nagano:2(6)b", policy);
    it.breaks(&approved, "kclerk", "account-only-the-manager", "nagano:2(6)a", suspend);
    let grant = |account: &str, year: i16| stage::grant("g-1", account, year);
    it.breaks(&town, "kclerk", "grant-only-the-section-head", "nagano:2(4)", grant("nagano-x", 2026));
    it.breaks(&town, "kanko", "grant-not-representative", "nagano:2(4)", grant("nagano-kanko-x", 2026));
    it.breaks(&town, "kanko", "grant-posts-by-request", "nagano:2(5)", grant("nagano-instagram", 2026));
    it.breaks(&town, "kanko", "grant-year", "nagano:2(4)", grant("nagano-x", 2025));
    it.breaks(&town, "kanko", "grant-year", "nagano:2(4)", grant("nagano-x", 2028));
    let approve = json!({ "change": "decide-grant", "id": "g-1", "approved": true, "reason": "" });
    let asked = town.after("kanko", grant("nagano-x", 2026));
    it.breaks(&asked, "kanko", "grant-only-pr-decides", "nagano:2(4)", approve.clone());
    it.breaks(&asked.after("head", approve.clone()), "head", "grant-decided", "nagano:2(4)", approve);
    nagano_sources(it, &town);
}

fn nagano_sources(it: &mut Breaker, town: &Town) {
    let of = |class: &str| stage::source("s-1", class, Some("nagano-x"));
    it.breaks(town, "kanko", "source-only-the-manager", "nagano:4(12)", of("transport"));
    it.breaks(town, "head", "source-class-not-listed", "nagano:4(12)", of("sponsored"));
    it.breaks(town, "head", "source-own-account", "nagano:4(12)・2", of("own"));
    it.breaks(town, "head", "source-without-evidence", "nagano:4(12)", with(of("funded"), json!({ "evidence": "" })));
    it.breaks(town, "head", "source-without-facility", "nagano:4(12)・4", of("facility-manager"));
    it.breaks(town, "head", "source-without-judgement", "nagano:4(12)・6", of("judged"));
    let form = stage::contractor("観光振興課長", "nagano-kanko-x");
    it.breaks(town, "kclerk", "contractor-only-the-supervisor", "nagano:1a", form.clone());
    it.breaks(town, "kanko", "contractor-without-end", "nagano:1a", with(form.clone(), json!({ "contract": "" })));
    it.breaks(
        town,
        "head",
        "contractor-without-supervisor",
        "nagano:1a",
        with(form, json!({ "supervisor": "観光振興課主事" })),
    );
    let form = stage::issuer("nagano-kanko-x");
    it.breaks(town, "kanko", "issuer-only-the-accounts-manager", "nagano:2(8)a", form.clone());
    let endless = with(form.clone(), json!({ "span": { "from": "2026-04-01" } }));
    it.breaks(town, "head", "issuer-form-incomplete", "nagano:2(8)a", endless);
    let keyless = with(form.clone(), json!({ "key": { "pem": "-----BEGIN PUBLIC KEY-----\n" } }));
    it.breaks(town, "head", "issuer-key-unusable", "nagano:2(8)a", keyless);
    let secret = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "x": "AA", "d": "AA" }] });
    it.breaks(
        town,
        "head",
        "issuer-key-unusable",
        "nagano:2(8)a",
        with(form.clone(), json!({ "key": { "jwks": secret } })),
    );
    assert!(town.clone().ask("head", form).is_ok());
}
