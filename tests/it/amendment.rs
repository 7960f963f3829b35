//! `sekisho guideline diff`: what an amendment changes, case by case, and post by post of the log.

use std::path::Path;

use serde_json::Value;

use crate::house::{Ended, House, run, sekisho};
use crate::stage::words;

fn shipped(file: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("config/guidelines").join(file)).unwrap()
}

/// The text without one rule.
fn without(text: &str, id: &str) -> String {
    let begin = text.find(&format!("@id(\"{id}\")")).unwrap();
    let end = begin + text[begin..].find("\n\n").unwrap();
    format!("{}{}", &text[..begin], &text[end..])
}

fn diff(old: &Path, new: &Path, further: &[&str]) -> Ended {
    let mut command = sekisho();
    command.args(["guideline", "diff"]).args([old, new]).args(further);
    run(command, "")
}

#[test]
fn an_amendment_that_strikes_article_14_is_shown_as_newly_allowing_replies() {
    let dir = tempfile::tempdir().unwrap();
    let new = dir.path().join("nerima.cedar");
    std::fs::write(&new, without(&shipped("nerima.cedar"), "nerima.14.no-individual-reply")).unwrap();
    let told = diff(Path::new("builtin:nerima"), &new, &[]);
    assert_eq!((told.code, told.err.as_str()), (0, ""), "{}", told.out);
    let head = "■ 練馬区SNS活用ガイドライン第14条 (nerima:14) — 新たに認められる (newly allowed)";
    let group: Vec<&str> = told.out.lines().skip_while(|line| !line.starts_with(head)).skip(1).collect();
    let group: Vec<&str> = group.into_iter().take_while(|line| !line.starts_with('■')).collect();
    let at = group.iter().position(|line| *line == "  ・返信／アカウント管理者（所属長）の承認がある");
    let at = at.unwrap_or_else(|| panic!("{}", told.out));
    assert_eq!(group[at + 1], "      却下 nerima:14 → 許可 nerima:11");
    assert_eq!(group[at + 2], "      action=reply");
    assert!(told.out.contains("  - nerima.14.no-individual-reply [nerima:14] "), "{}", told.out);
    assert!(!told.out.contains("newly stopped"), "{}", told.out);
    assert!(!told.out.contains("  ・投稿／"), "publishing is as before: {}", told.out);

    // The other way round, the same case is newly stopped.
    let back = diff(&new, Path::new("builtin:nerima"), &["--json"]);
    assert_eq!(back.code, 0, "{}", back.err);
    let lines: Vec<Value> = back.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let reply = lines.iter().find(|line| line["facts"] == "action=reply").unwrap();
    assert_eq!((&reply["change"], &reply["old"]["decision"]), (&"newly-stopped".into(), &"permitted".into()));
    assert!(lines.iter().all(|line| line["change"] != "newly-allowed"));
}

#[test]
fn identical_rules_report_nothing_and_broken_ones_their_file_and_line() {
    let dir = tempfile::tempdir().unwrap();
    let same = dir.path().join("nerima.cedar");
    std::fs::write(&same, shipped("nerima.cedar")).unwrap();
    let told = diff(Path::new("builtin:nerima"), &same, &[]);
    assert_eq!((told.code, told.err.as_str()), (0, ""));
    assert_eq!(told.out, "規則に違いはありません。(no rule differs)\n");

    let text = shipped("nerima.cedar");
    let line = text.lines().position(|line| line.contains("@id(\"nerima.17-1.closed\")")).unwrap() + 1;
    std::fs::write(&same, text.replace("context.account_state != \"closed\"", "context.account_state != \"shut\""))
        .unwrap();
    let told = diff(Path::new("builtin:nerima"), &same, &[]);
    assert_eq!((told.code, told.out.as_str()), (2, ""), "{}", told.err);
    assert!(told.err.contains(&format!("{}:{line}: ", same.display())), "{}", told.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_amendment_is_tried_on_the_posts_of_the_log() {
    let house = House::start("info").await;
    let headers = [
        ("Sekisho-Client", sekisho::demo::town::TOOL_KEY),
        ("Content-Type", "application/json"),
        ("Authorization", "Bearer practice-credential"),
    ];
    let post = |text: &str| crate::house::send(house.gateway, "POST", "/x/2/tweets", &headers, words(text).as_bytes());
    assert_eq!(post("【健康課】ねりまフェスは12月5日(土)です。").status, 403, "held");
    assert_eq!(post("【部外秘】組織改正の案です。").status, 403, "refused");

    let (old, new) = (house.path("old.cedar"), house.path("new.cedar"));
    let text = shipped("nerima.cedar");
    std::fs::write(&old, &text).unwrap();
    // Nobody has to approve any more, and a rule says so.
    let mut open = without(&text, "nerima.11.approval");
    open.push_str(
        "\n@id(\"nerima.11.open\") @clause(\"nerima:11\") @ja(\"自由な発信です。\") @en(\"Open.\") @rank(\"50\")\n\
         permit (principal, action == Action::\"publish\", resource) when { context.pass == \"none\" };\n",
    );
    let replaced = shipped("common.cedar");
    std::fs::write(&new, &open).unwrap();
    std::fs::write(house.path("common.cedar"), without(&replaced, "common.approval-required")).unwrap();
    let words = ["guideline", "diff", old.to_str().unwrap(), new.to_str().unwrap(), "--last", "50"];
    // The old file's rule stands in the place of a common one that is gone beside it.
    let broken = house.command(&words, "");
    assert_eq!(broken.code, 2, "{}", broken.out);
    assert!(broken.err.contains("common.approval-required"), "{}", broken.err);

    std::fs::write(&old, text.replace("@replaces(\"common.approval-required\")\n", "")).unwrap();
    let told = house.command(&words, "");
    assert_eq!((told.code, told.err.as_str()), (0, ""), "{}", told.out);
    assert!(told.out.contains("過去の投稿等 2 件のうち、結論か根拠の変わるもの 2 件"), "{}", told.out);
    let line =
        |begin: &str| told.out.lines().find(|line| line.starts_with(begin)).unwrap_or_else(|| panic!("{}", told.out));
    let held = line("nerima 0: ");
    assert!(held.contains("nerima-x publish: 保留 nerima:11 → 許可 nerima:11（新たに認められる"), "{held}");
    let label = line("nerima 1: ");
    assert!(
        label.contains(" 却下 local-public-service-act:34 nerima:11 → 却下 local-public-service-act:34（根拠"),
        "{label}"
    );
    assert_eq!(house.provider.request_count(), 0, "a rehearsal sends nothing");

    // Without differences, no past post is decided otherwise; the database alone is enough.
    let same = ["guideline", "diff", old.to_str().unwrap(), old.to_str().unwrap(), "--ledger"];
    let told = house.command(&[same.as_slice(), &[&url_of(&house)]].concat(), "");
    assert_eq!((told.code, told.err.as_str()), (0, ""), "{}", told.out);
    assert!(told.out.contains("過去の投稿等 2 件のうち、結論か根拠の変わるもの 0 件"), "{}", told.out);
}

/// The address of the house's database, as its configuration has it.
fn url_of(house: &House) -> String {
    let text = std::fs::read_to_string(house.path("sekisho.toml")).unwrap();
    let at = text.find("sqlite://").unwrap();
    text[at..].split('"').next().unwrap().to_owned()
}
