use super::*;

const NERIMA: &str = include_str!("../../../config/guidelines/nerima.cedar");

fn now() -> Timestamp {
    "2026-11-22T01:00:00Z".parse().unwrap()
}

fn amended(text: &str) -> Amendment {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("amended.cedar");
    std::fs::write(&file, text).unwrap();
    let (old, new) = read(Path::new("builtin:nerima"), &file).unwrap_or_else(|problems| panic!("{problems:?}"));
    let mut found = compare(&old, &new, now());
    assert_eq!(found.len(), 1);
    found.remove(0)
}

/// The text without one rule.
fn without(id: &str) -> String {
    let begin = NERIMA.find(&format!("@id(\"{id}\")")).unwrap();
    let end = begin + NERIMA[begin..].find("\n\n").unwrap();
    format!("{}{}", &NERIMA[..begin], &NERIMA[end..])
}

#[test]
fn the_same_text_changes_nothing_and_no_case_is_judged() {
    let nothing = amended(NERIMA);
    assert!(nothing.rules.is_empty() && nothing.changed.is_empty());
    assert_eq!(nothing.tried, 0);
}

#[test]
fn a_clause_that_is_struck_is_told_as_newly_allowing() {
    let amendment = amended(&without("nerima.14.no-individual-reply"));
    assert_eq!(
        amendment.rules.iter().map(|(edit, rule)| (*edit, rule.id.as_str())).collect::<Vec<_>>(),
        [(Edit::Struck, "nerima.14.no-individual-reply")]
    );
    assert!(amendment.tried > 500 && amendment.reach == Reach::All, "{}", amendment.tried);
    let told = |facts: &str| amendment.changed.iter().find(|it| it.facts == facts);
    let reply = told("action=reply").unwrap();
    assert_eq!(reply.words, "返信／アカウント管理者（所属長）の承認がある");
    assert_eq!((reply.change, reply.follows), (Change::NewlyAllowed, false));
    assert_eq!(reply.about, [Clause::new("nerima:14")]);
    assert_eq!((reply.old.ending, reply.new.ending), (Ending::Refused, Ending::Permitted));
    assert!(told("action=reply account_kind=general").unwrap().follows, "the kind of account adds nothing");
    assert!(told("action=publish").is_none(), "publishing is as before");
    let unapproved = told("action=reply approver_is_manager=false approvers=0 approver_offices=0 pass=none").unwrap();
    assert_eq!(unapproved.change, Change::Eased, "without an approval it is held now");
}

#[test]
fn a_condition_that_is_dropped_or_added_is_told_in_its_circumstance() {
    let stricter = amended(&NERIMA.replace("context.policy_stale_days <= 30", "context.policy_stale_days <= 10"));
    let told = |facts: &str| stricter.changed.iter().find(|it| it.facts == facts);
    assert_eq!(told("action=publish policy_stale_days=11").unwrap().change, Change::NewlyStopped);
    assert!(
        told("action=publish policy_stale_days=10").is_none() && told("action=publish policy_stale_days=31").is_none()
    );
    assert!(stricter.changed.iter().all(|it| it.about == [Clause::new("nerima:8-2")]));

    let unmarked = amended(&NERIMA.replace("@obligation(\"mark:自己決裁\")\n", ""));
    assert!(!unmarked.changed.is_empty());
    assert!(unmarked.changed.iter().all(|it| it.change == Change::OtherGrounds && it.new.duties.is_empty()));
}

#[test]
fn a_rule_that_is_added_is_found_by_what_its_condition_asks() {
    let weekend = format!(
        "{NERIMA}\n@id(\"nerima.20.weekend\") @clause(\"nerima:20\") @ja(\"土日は（\\\"原則\\\"）発信しません。\") @en(\"No.\") \
         @forward(\"月曜に\") @code(\"weekend\") @effect_kind(\"hold\") @canary(\"weekday=6 has_media=true\") \
         forbid (principal, action in Action::\"announce\", resource) when {{ context.weekday >= 6 && context.has_media }};\n"
    );
    let amendment = amended(&weekend);
    let told: Vec<&str> = amendment.changed.iter().filter(|it| !it.follows).map(|it| it.facts.as_str()).collect();
    assert!(told.contains(&"action=publish has_media=true weekday=6"), "{told:?}");
    assert!(told.contains(&"action=publish has_media=true weekday=7"), "{told:?}");
    assert!(!amendment.changed.iter().any(|it| it.facts.contains("weekday=5") || it.facts.contains("action=reply")));
    let publish = amendment.changed.iter().find(|it| it.facts == "action=publish has_media=true weekday=6").unwrap();
    assert_eq!(publish.words, "投稿／アカウント管理者（所属長）の承認がある／写真・動画がある／土曜日");
    assert_eq!(
        (publish.change, publish.about.as_slice()),
        (Change::NewlyStopped, [Clause::new("nerima:20")].as_slice())
    );
}

#[test]
fn a_file_that_does_not_load_is_told_with_file_and_line() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("broken.cedar");
    std::fs::write(
        &file,
        NERIMA.replace("context.drill", "context.dril").replace("context.withdrawal", "context.withdrawn"),
    )
    .unwrap();
    let problems = read(Path::new("builtin:nerima"), &file).err().unwrap();
    assert!(!problems.is_empty());
    for problem in &problems {
        assert_eq!(problem.file.as_deref(), Some(file.as_path()), "{problem}");
        assert!(problem.line.is_some(), "{problem}");
    }
    let gone = read(Path::new("builtin:nerima"), &dir.path().join("none.cedar")).err().unwrap();
    assert!(gone[0].to_string().contains("none.cedar"), "{gone:?}");
    assert!(read(Path::new("builtin:nerima"), dir.path()).is_err(), "a folder and a file");
    assert!(read(dir.path(), dir.path()).is_err(), "a folder is as good as its files");
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/guidelines");
    let (one, other) = read(&shipped, &shipped).unwrap_or_else(|problems| panic!("{problems:?}"));
    let same = compare(&one, &other, now());
    assert_eq!(same.iter().map(|it| it.organisation.as_str()).collect::<Vec<_>>(), ["nagano", "nerima", "sample"]);
    assert!(same.iter().all(|it| it.rules.is_empty() && it.changed.is_empty()));
    let alone = read(Path::new("builtin:common"), Path::new("builtin:common")).err().unwrap();
    assert!(alone[0].reason.contains("name the folders"), "{alone:?}");
}
