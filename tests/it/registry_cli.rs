//! The registry at the terminal: a list of transfers, all or none, and the forms.

use crate::house::{Ended, House};

const HEADER: &str = "person,name,from,to,date\n";

fn transfer(house: &House, list: &str, person: &str) -> Ended {
    let file = house.path("idou.csv");
    std::fs::write(&file, list).unwrap();
    house.command(&["registry", "transfer", "--person", person, file.to_str().unwrap()], "")
}

fn appointments(house: &House) -> String {
    let listed = house.command(&["registry", "list", "--person", "kacho", "appointment"], "");
    assert_eq!(listed.code, 0, "{}", listed.err);
    assert!(listed.out.contains("広聴広報課長"), "{}", listed.out);
    listed.out
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_transfers_with_errors_changes_nothing_and_tells_each_line() {
    let house = House::start("info").await;
    let before = appointments(&house);
    let list = format!(
        "\u{feff}{HEADER}new-1,新任 一郎,,企画部長,2099-04-01\r\nkacho,,企画部長,区長室長,2099-04-01\r\nnew-2,,,情報政策課長,2099-04-01\r\n\
         new-3,新任 三郎,,宇宙課長,2099-04-01\r\nnew-4,新任 四郎,,企画課長,4月1日\r\ntanto\r\n"
    );
    let refused = transfer(&house, &list, "kacho");
    assert_eq!(refused.code, 1, "{}{}", refused.out, refused.err);
    for line in
        ["3行目: 職員「kacho」", "4行目: 新しい職員「new-2」", "5行目: 「宇宙課長」", "6行目: date", "7行目: 項目の数"]
    {
        assert!(refused.err.contains(line), "{line}: {}", refused.err);
    }
    assert!(!refused.err.contains("2行目") && refused.err.contains("一件も反映していません"), "{}", refused.err);
    assert_eq!(appointments(&house), before);
    // Lines that can be read and yet cannot be are refused by the rules, and that is recorded.
    let wrong = transfer(
        &house,
        &format!("{HEADER}new-1,新任 一郎,,企画部長,2099-04-01\nkacho,,企画部長,,2099-04-01\n"),
        "kacho",
    );
    assert!(wrong.code == 1 && wrong.err.contains("3行目"), "{}", wrong.err);
    assert_eq!(appointments(&house), before);
    let tail = house.command(&["ledger", "tail", "-n", "1"], "").out;
    assert!(tail.contains("\"act\":\"registry.transfer\"") && tail.contains("\"result\":\"refused\""), "{tail}");
    assert!(!tail.contains("新任"), "a name stands in the log: {tail}");
    // Somebody who is no registrar transfers nobody.
    let clerk = transfer(&house, &format!("{HEADER}new-1,新任 一郎,,企画部長,2099-04-01\n"), "tanto");
    assert!(clerk.code == 1 && clerk.err.contains("registry-only-the-registrar"), "{}", clerk.err);
    assert_eq!(appointments(&house), before);

    let good = transfer(
        &house,
        &format!("{HEADER}new-1,新任 一郎,,企画部長,2099-04-01\ntanto,,主事,情報政策課長,2099-04-01\n"),
        "kacho",
    );
    assert!(good.code == 0 && good.out.contains("2件"), "{}{}", good.out, good.err);
    assert_ne!(appointments(&house), before);
    let people = house.command(&["registry", "history", "--person", "kacho", "person", "new-1"], "");
    assert!(people.out.contains("新任 一郎") && people.out.contains("registry.transfer"), "{}", people.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn nerima_9_operators_and_12_2_delegation_are_set_at_the_terminal_by_the_manager_alone() {
    let house = House::start("info").await;
    let run = |words: &[&str]| house.command(words, "");
    let operators = |person: &str| run(&["account", "operators", "--person", person, "nerima-x", "tanto"]);
    let clerk = operators("tanto");
    assert!(clerk.code == 1 && clerk.err.contains("nerima:12-1"), "{}", clerk.err);
    assert_eq!(operators("kacho").code, 0);
    let delegate = |category: &str| {
        run(&[
            "account",
            "delegate",
            "--person",
            "kacho",
            "--category",
            category,
            "--from",
            "2026-01-01",
            "--until",
            "2099-03-31",
            "nerima-x",
            "tanto",
        ])
    };
    let wide = delegate("events");
    assert!(wide.code == 1 && wide.err.contains("nerima:12-2"), "{}", wide.err);
    let policy = run(&[
        "account",
        "policy",
        "--person",
        "kacho",
        "--policy-version",
        "2",
        "--delegable",
        "events",
        "--after-report-hours",
        "24",
        "nerima-x",
    ]);
    assert_eq!(policy.code, 0, "{}", policy.err);
    assert_eq!(delegate("events").code, 0);
    let standing = run(&["account", "standing", "--person", "kacho", "nerima-x"]);
    let standing: serde_json::Value = serde_json::from_str(&standing.out).unwrap();
    assert_eq!(standing["delegations"][0]["delegate"], "tanto");
    assert_eq!((standing["policy"]["version"].as_str(), standing["operators"][0].as_str()), (Some("2"), Some("tanto")));
    let shown = run(&["registry", "show", "--person", "kacho"]);
    assert!(shown.out.contains("\"charter\"") && shown.out.contains("企画部長"), "{}", shown.out);
    let standard = run(&[
        "registry",
        "standard-policy",
        "--person",
        "kacho",
        "--policy-version",
        "s1",
        "--document",
        "文書第1号",
        "x",
    ]);
    assert!(standard.code == 1 && standard.err.contains("nerima:3-2"), "{}", standard.err);
}
